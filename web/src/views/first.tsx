// SPDX-License-Identifier: Apache-2.0
//
// The first run: a name, a passphrase, a relay; then one's own invitation. Three steps, none of them in words that need explaining.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { reason } from '../state/notices';
import type { Policy } from '../state/routes';
import { create, welcoming } from '../state/session';
import { t } from '../strings/strings';
import { strength, suggestion } from '../text/passphrase';
import { Button, Choice, Field } from '../ui/controls';
import { Restore } from './backup';
import { ShareInvitation } from './invite';
import { Elsewhere } from './profiles';
import { AddProxy } from './routes';
import { ScanInstead } from './scan';

export function FirstRun(): JSX.Element {
  const [step, setStep] = useState(0), [name, setName] = useState(''), [passphrase, setPassphrase] = useState('');
  const at = welcoming.value ? 2 : step;
  if (at < 0) return <main class="centre"><div class="card"><Restore back={() => setStep(0)} /></div></main>;
  return (
    <main class="centre">
      <div class="card">
        <p class="steps" role="img" aria-label={t('stepOf', { step: at + 1, steps: 3 })}>
          {[0, 1, 2].map(i => <span key={i} class={i <= at ? 'done' : ''} />)}
        </p>
        {at === 0 && <WhoStep name={name} setName={setName} passphrase={passphrase} setPassphrase={setPassphrase} next={() => setStep(1)} archive={() => setStep(-1)} />}
        {at === 0 && <Elsewhere />}
        {at === 1 && <RelayStep name={name} passphrase={passphrase} back={() => setStep(0)} />}
        {at === 2 && <InviteStep />}
      </div>
    </main>
  );
}

interface Who { name: string; setName: (s: string) => void; passphrase: string; setPassphrase: (s: string) => void; next: () => void; archive: () => void }

function WhoStep({ name, setName, passphrase, setPassphrase, next, archive }: Who): JSX.Element {
  const grade = strength(passphrase), words = [t('strength0'), t('strength1'), t('strength2'), t('strength3')];
  const submit = (e: Event): void => {
    e.preventDefault();
    if (name.trim() !== '' && grade > 0) next();
  };
  return (
    <form onSubmit={submit}>
      <h1>{t('welcome')}</h1>
      <p>{t('welcomeText')}</p>
      <Field label={t('yourName')} value={name} onInput={setName} hint={t('yourNameHint')} required focus max={60} />
      <Field label={t('passphrase')} value={passphrase} onInput={setPassphrase} type="password" required complete="new-password" hint={t('passphraseHint')} />
      <div class="strength">
        <meter min={0} max={3} value={grade} aria-label={t('strength')} class={`grade${grade}`} />
        <span class="hint" role="status">{passphrase === '' ? '' : words[grade]}</span>
        <Button kind="quiet" onClick={() => setPassphrase(suggestion())}>{t('suggest')}</Button>
      </div>
      <div class="buttons">
        <Button kind="quiet" onClick={archive}>{t('haveArchive')}</Button>
        <Button kind="main" submit disabled={name.trim() === '' || grade === 0}>{t('next')}</Button>
      </div>
    </form>
  );
}

function RelayStep({ name, passphrase, back }: { name: string; passphrase: string; back: () => void }): JSX.Element {
  const [relay, setRelay] = useState(''), [password, setPassword] = useState(''), [error, setError] = useState<string | undefined>(undefined);
  const [busy, setBusy] = useState(false), [proxies, setProxies] = useState(''), [policy, setPolicy] = useState<Policy>('auto');
  const submit = async (e: Event): Promise<void> => {
    e.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await create({
        name: name.trim(), passphrase, relay: relay.trim(), ...(password === '' ? {} : { password }),
        ...(proxies.trim() === '' ? {} : { proxies, tor: policy === 'tor-only' }), ...(policy === 'auto' ? {} : { policy }),
      });
    } catch (x) {
      setError(reason(x));
      setBusy(false);
    }
  };
  return (
    <form onSubmit={e => void submit(e)}>
      <h1>{t('relayTitle')}</h1>
      <p>{t('relayText')}</p>
      <Field label={t('relayAddress')} value={relay} onInput={setRelay} hint={t('relayHint')} error={error} required focus lines={3} />
      <ScanInstead onText={setRelay} />
      <details>
        <summary>{t('relayNeedsPassword')}</summary>
        <Field label={t('relayPassword')} value={password} onInput={setPassword} type="password" />
      </details>
      <details>
        <summary>{t('blocked0')}</summary>
        <Field label={t('proxyText')} value={proxies} onInput={setProxies} hint={t('proxyTextHint')} lines={3} max={20_000} />
        <Choice<Policy> label={t('policy')} value={policy} onChange={setPolicy}
          options={[['auto', t('policyAuto')], ['proxy-only', t('policyProxy')], ['tor-only', t('policyTor')]]} />
        <p class="hint">{policy === 'auto' ? t('policyAutoHint') : policy === 'proxy-only' ? t('policyProxyHint') : t('policyTorHint')}</p>
      </details>
      <div class="buttons">
        <Button onClick={back} disabled={busy}>{t('back')}</Button>
        <Button kind="main" submit disabled={busy || relay.trim() === ''}>{busy ? t('creating') : t('createProfile')}</Button>
      </div>
    </form>
  );
}

function InviteStep(): JSX.Element {
  return (
    <div>
      <h1>{t('readyTitle')}</h1>
      <p>{t('readyText')}</p>
      <ShareInvitation />
      <details>
        <summary>{t('blocked1')}</summary>
        <div class="stack">
          <p class="hint">{t('blockedHint')}</p>
          <AddProxy />
        </div>
      </details>
      <div class="buttons">
        <Button onClick={() => { welcoming.value = false; }}>{t('startTalking')}</Button>
      </div>
    </div>
  );
}
