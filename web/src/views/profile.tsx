// SPDX-License-Identifier: Apache-2.0
//
// Of the settings what belongs to the profile and not to this browser: what opens it, and what it takes on the disk.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { call } from '../engine/engine';
import type { Methods } from '../engine/methods';
import { attempt, note, reason } from '../state/notices';
import { profile, loadProfile } from '../state/session';
import { size, t } from '../strings/strings';
import { strength } from '../text/passphrase';
import { Button, Choice, Field, Switch } from '../ui/controls';
import { Dialog } from '../ui/dialog';

function Passphrase({ onClose }: { onClose: () => void }): JSX.Element {
  const [now, setNow] = useState(''), [next, setNext] = useState(''), [error, setError] = useState<string | undefined>(undefined);
  const asked = profile.value?.passphrase === true, grade = strength(next);
  const save = async (e: Event): Promise<void> => {
    e.preventDefault();
    try {
      await call('profile.passphrase', { next, ...(asked ? { now } : {}) });
      note(t('passphraseChanged'));
      onClose();
    } catch (x) {
      setError(reason(x));
    }
  };
  return (
    <Dialog title={t('changePassphrase')} onClose={onClose}>
      <form class="stack" onSubmit={e => void save(e)}>
        {asked && <Field label={t('passphraseNow')} value={now} onInput={setNow} type="password" error={error} required focus complete="current-password" />}
        <Field label={t('passphraseNext')} value={next} onInput={setNext} type="password" required complete="new-password" hint={t('passphraseHint')} />
        <p class="hint" role="status">{next === '' ? '' : [t('strength0'), t('strength1'), t('strength2'), t('strength3')][grade]}</p>
        <div class="buttons">
          <Button onClick={onClose}>{t('cancel')}</Button>
          <Button kind="main" submit disabled={grade === 0 || (asked && now === '')}>{t('save')}</Button>
        </div>
      </form>
    </Dialog>
  );
}

function Keyring({ onClose }: { onClose: () => void }): JSX.Element {
  const [now, setNow] = useState(''), [error, setError] = useState<string | undefined>(undefined), on = profile.value?.keyring !== true;
  const save = async (e: Event): Promise<void> => {
    e.preventDefault();
    try {
      await call('profile.keyring', { on, ...(profile.value?.passphrase === true ? { now } : {}) });
      await loadProfile();
      onClose();
    } catch (x) {
      setError(reason(x));
    }
  };
  return (
    <Dialog title={t('keyring')} onClose={onClose}>
      <form class="stack" onSubmit={e => void save(e)}>
        <p class="hint">{t('keyringHint')}</p>
        <Field label={t('passphraseNow')} value={now} onInput={setNow} type="password" error={error} required focus complete="current-password" />
        <div class="buttons">
          <Button onClick={onClose}>{t('cancel')}</Button>
          <Button kind="main" submit disabled={now === ''}>{on ? t('turnOn') : t('turnOff')}</Button>
        </div>
      </form>
    </Dialog>
  );
}

export function Opening(): JSX.Element {
  const [showing, setShowing] = useState<'passphrase' | 'keyring' | undefined>(undefined), close = (): void => setShowing(undefined);
  return (
    <section>
      <h2>{t('opens')}</h2>
      <div class="buttons start"><Button onClick={() => setShowing('passphrase')}>{t('changePassphrase')}</Button></div>
      <Switch label={t('keyring')} hint={t('keyringHint')} on={profile.value?.keyring === true} onChange={() => setShowing('keyring')} />
      {showing === 'passphrase' && <Passphrase onClose={close} />}
      {showing === 'keyring' && <Keyring onClose={close} />}
    </section>
  );
}

type Taken = Methods['storage.status']['result'];
const STEPS = [['0', 0], ['1', 1e6], ['10', 1e7], ['100', 1e8]] as const;

export function Storage(): JSX.Element | null {
  const [taken, setTaken] = useState<Taken | undefined>(undefined);
  const load = async (): Promise<void> => setTaken(await call('storage.status').catch(() => undefined));
  useEffect(() => { void load(); }, []);
  if (taken === undefined) return null;
  const set = (bytes: number): void => void attempt(call('storage.set', { unasked: bytes }).then(load));
  const value = [...STEPS].reverse().find(([, n]) => taken.unasked >= n)?.[0] ?? '0';
  const clear = async (): Promise<void> => {
    const r = await attempt(call('storage.clear', {}));
    if (r !== undefined) note(t('cleared', { size: size(r.freed) }));
    await load();
  };
  return (
    <section>
      <h2>{t('storage')}</h2>
      <dl class="facts">
        <div><dt>{t('storageMessages')}</dt><dd>{size(taken.vault)}</dd></div>
        <div><dt>{t('storageFiles')}</dt><dd>{size(taken.files)}</dd></div>
        <div><dt>{t('storageFree')}</dt><dd>{size(taken.free)}</dd></div>
      </dl>
      <Choice label={t('unasked')} value={value} onChange={key => set(STEPS.find(([k]) => k === key)![1])}
        options={STEPS.map(([key, n]) => [key, n === 0 ? t('nothingUnasked') : size(n)])} />
      {taken.files > 0 && <div class="buttons start"><Button onClick={() => void clear()}>{t('clearFiles')}</Button></div>}
    </section>
  );
}
