// SPDX-License-Identifier: Apache-2.0
//
// Several profiles: which there are beside this one, going to another, and making one. Also where there is none yet, or it is locked.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { attempt, reason } from '../state/notices';
import { type Listed, listProfiles, openProfile } from '../state/profiles';
import { t } from '../strings/strings';
import { tameName } from '../text/plain';
import { Avatar } from '../ui/avatar';
import { Button, Field } from '../ui/controls';
import { Dialog } from '../ui/dialog';

// What the program itself calls the first one.
function titled(p: Listed): string { return p.name === 'default' ? t('profileMain') : tameName(p.name, p.name); }

function Row({ profile: p, busy, go }: { profile: Listed; busy: boolean; go: () => void }): JSX.Element {
  return (
    <li class="person">
      <Avatar name={titled(p)} seed={p.name} />
      <span class="person-name"><bdi>{titled(p)}</bdi><span class="hint">{p.own ? t('profileOwn') : p.runs ? t('profileRuns') : t('profileRests')}</span></span>
      {!p.own && <Button onClick={go} disabled={busy} label={t('switchToName', { name: titled(p) })}>{t('switchTo')}</Button>}
    </li>
  );
}

export function Profiles({ onClose }: { onClose: () => void }): JSX.Element {
  const [list, setList] = useState<readonly Listed[]>([]), [name, setName] = useState(''), [error, setError] = useState<string | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  useEffect(() => { void attempt(listProfiles()).then(l => setList(l ?? [])); }, []);
  const go = async (to: string, make: boolean): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await openProfile(to, make);
    } catch (e) {
      setError(reason(e));
      setBusy(false);
    }
  };
  const submit = (e: Event): void => {
    e.preventDefault();
    void go(name.trim(), true);
  };
  return (
    <Dialog title={t('profiles')} onClose={onClose}>
      <p class="hint">{t('profilesText')}</p>
      <ul class="people">{list.map(p => <Row key={p.name} profile={p} busy={busy} go={() => void go(p.name, false)} />)}</ul>
      <form class="stack" onSubmit={submit}>
        <Field label={t('newProfile')} value={name} onInput={setName} hint={t('newProfileHint')} error={error} required max={60} />
        <div class="buttons"><Button kind="main" submit disabled={busy || name.trim() === ''}>{busy ? t('opening') : t('makeProfile')}</Button></div>
      </form>
    </Dialog>
  );
}

/** Where this profile is not open: only if there is another one. */
export function Elsewhere(): JSX.Element | null {
  const [there, setThere] = useState(false), [open, setOpen] = useState(false);
  useEffect(() => { void listProfiles().then(l => setThere(l.length > 1), () => undefined); }, []);
  if (!there) return null;
  return (
    <>
      <Button kind="quiet" onClick={() => setOpen(true)}>{t('otherProfiles')}</Button>
      {open && <Profiles onClose={() => setOpen(false)} />}
    </>
  );
}
