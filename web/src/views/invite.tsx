// SPDX-License-Identifier: Apache-2.0
//
// Invitations: making one to oneself, as a link and a code to be scanned, and taking somebody's.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { call } from '../engine/engine';
import type { Invite } from '../engine/methods';
import { copy } from '../state/clipboard';
import { attempt, note, reason } from '../state/notices';
import { directWith, loadChats, loadContacts } from '../state/people';
import { go } from '../state/route';
import { day, t } from '../strings/strings';
import { tameName } from '../text/plain';
import { Code } from '../ui/code';
import { Button, Choice, Field } from '../ui/controls';
import { ScanInstead } from './scan';

export function Link({ link, children }: { link: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="share">
      <Code text={link} label={t('qrLabel')} />
      <div class="share-side">
        <output class="link-text" dir="ltr" tabIndex={0} aria-label={t('acceptLink')}>{link}</output>
        <Button kind="main" icon="copy" onClick={() => void copy(link)}>{t('copyLink')}</Button>
        {children}
      </div>
    </div>
  );
}

/** Personal at first, since that is what people want from a new messenger: somebody to talk to. */
export function ShareInvitation(): JSX.Element {
  const [kind, setKind] = useState<'personal' | 'open'>('personal'), [link, setLink] = useState(''), [error, setError] = useState('');
  useEffect(() => {
    let current = true;
    setLink('');
    call('invite.create', kind === 'personal' ? { personal: true, once: true } : {})
      .then(x => current && setLink(x.link), (e: unknown) => current && setError(reason(e)));
    return () => { current = false; };
  }, [kind]);
  return (
    <>
      <Choice label={t('inviteWho')} value={kind} onChange={setKind} options={[['personal', t('invitePersonal')], ['open', t('inviteOpen')]]} />
      <p class="hint">{kind === 'personal' ? t('invitePersonalHint') : t('inviteOpenHint')}</p>
      {error !== '' && <p class="error" role="alert">{error}</p>}
      {link !== '' && <Link link={link} />}
    </>
  );
}

/** Those that were given out and still work. */
export function Given(): JSX.Element | null {
  const [invites, setInvites] = useState<readonly Invite[]>([]);
  const load = async (): Promise<void> => setInvites((await call('invite.list')).filter(i => i.state === 'open'));
  useEffect(() => { void load().catch(() => undefined); }, []);
  if (invites.length === 0) return null;
  const revoke = (id: number): void => void attempt(call('invite.revoke', { invite: id }).then(load));
  return (
    <section>
      <h2>{t('invitesGiven')}</h2>
      <ul class="people">
        {invites.slice(0, 100).map(i => (
          <li key={i.id} class="person">
            <span class="person-name">
              <bdi>{i.for !== '' ? tameName(i.for, '') : i.chat !== 0 ? t('inviteGroup') : i.personal ? t('invitePersonal') : t('inviteOpen')}</bdi>
              <span class="hint">{day(i.created)}{i.uses > 0 ? `, ${t('inviteUses', { n: i.uses })}` : ''}</span>
            </span>
            <Button icon="copy" onClick={() => void copy(i.link)}>{t('copyLink')}</Button>
            <Button kind="danger" onClick={() => revoke(i.id)}>{t('takeBack')}</Button>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function Accept({ given }: { given?: string | undefined }): JSX.Element {
  const [link, setLink] = useState(given ?? ''), [error, setError] = useState<string | undefined>(undefined), [busy, setBusy] = useState(false);
  const submit = async (e: Event): Promise<void> => {
    e.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const { contact } = await call('invite.accept', { link: link.trim() });
      await Promise.all([loadContacts(), loadChats()]);
      const chat = directWith(contact);
      note(t('accepted'));
      if (chat === undefined) go();
      else go('chat', chat.id);
    } catch (x) {
      setError(reason(x));
      setBusy(false);
    }
  };
  return (
    <form onSubmit={e => void submit(e)}>
      <p>{t('acceptText')}</p>
      <Field label={t('acceptLink')} value={link} onInput={setLink} error={error} required focus lines={4} />
      <ScanInstead onText={setLink} />
      <Button kind="main" submit disabled={busy || link.trim() === ''}>{t('accept')}</Button>
    </form>
  );
}
