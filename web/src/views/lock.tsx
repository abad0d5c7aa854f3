// SPDX-License-Identifier: Apache-2.0
//
// The locked profile: one field. Nothing of the profile is in the page then.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { reason } from '../state/notices';
import { unlock } from '../state/session';
import { t } from '../strings/strings';
import { Button, Field } from '../ui/controls';
import { Icon } from '../ui/icon';
import { Elsewhere } from './later';

export function Lock(): JSX.Element {
  const [passphrase, setPassphrase] = useState(''), [error, setError] = useState<string | undefined>(undefined), [busy, setBusy] = useState(false);
  const submit = async (e: Event): Promise<void> => {
    e.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await unlock(passphrase);
    } catch (x) {
      setError(reason(x));
      setPassphrase('');
      setBusy(false);
    }
  };
  return (
    <main class="centre">
      <div class="card narrow">
        <form onSubmit={e => void submit(e)}>
          <span class="emblem"><Icon name="lock" /></span>
          <h1>{t('lockedTitle')}</h1>
          <p>{t('lockedText')}</p>
          <Field label={t('passphrase')} value={passphrase} onInput={setPassphrase} type="password" error={error} required focus complete="current-password" />
          <Button kind="main" submit wide disabled={busy || passphrase === ''}>{busy ? t('opening') : t('unlock')}</Button>
        </form>
        <Elsewhere />
      </div>
    </main>
  );
}
