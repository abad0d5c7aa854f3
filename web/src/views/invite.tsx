// SPDX-License-Identifier: Apache-2.0
//
// Invitations: making one to oneself, as a link and a code to be scanned, and taking somebody's.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { call } from '../engine/engine';
import { note, reason } from '../state/notices';
import { directWith, loadChats, loadContacts } from '../state/people';
import { go } from '../state/route';
import { t } from '../strings/strings';
import { Code } from '../ui/avatar';
import { Button, Choice, Field } from '../ui/controls';

export async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    note(t('copied'));
  } catch {
    note(t('notCopied'), true);
  }
}

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
      <Button kind="main" submit disabled={busy || link.trim() === ''}>{t('accept')}</Button>
    </form>
  );
}
