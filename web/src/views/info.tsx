// SPDX-License-Identifier: Apache-2.0
//
// Beside a conversation, or over it on a phone: who is in it, whether they are who they say, and what one can do about it.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { call } from '../engine/engine';
import { type Chat, type Contact, has, type Member } from '../engine/methods';
import { attempt, note } from '../state/notices';
import { contacts, known, loadChats, loadContacts, nameOf, seedOf, status, titleOf } from '../state/people';
import { go } from '../state/route';
import { t } from '../strings/strings';
import { inFives } from '../text/plain';
import { Avatar, Code } from '../ui/avatar';
import { Button, IconButton } from '../ui/controls';
import { Confirm, Dialog } from '../ui/dialog';
import { Icon } from '../ui/icon';
import { Picker } from './group';
import { answer } from './requests';

export function verifiedWord(c: Contact): string {
  return c.state === 'blocked' ? t('blocked') : c.state === 'request' ? t('chatRequest') : c.verified ? t('verified') : t('notVerified');
}

function Safety({ contact }: { contact: Contact }): JSX.Element | null {
  const [number, setNumber] = useState(''), name = nameOf(contact.id);
  useEffect(() => {
    let current = true;
    void call('contact.safety', { contact: contact.id }).then(x => current && setNumber(x.number), () => undefined);
    return () => { current = false; };
  }, [contact.id, contact.account]);
  const record = async (verified: boolean): Promise<void> => {
    if (await attempt(call('contact.verify', { contact: contact.id, verified })) === undefined) return;
    await loadContacts();
    note(verified ? t('nowVerified', { name }) : t('nowNotVerified', { name }));
  };
  if (number === '') return null;
  return (
    <section>
      <h3>{t('safetyNumber')}</h3>
      <p class="hint">{t('safetyText', { name })}</p>
      <div class="safety">
        <output class="digits" dir="ltr" aria-label={t('safetyNumber')}>{inFives(number).map(f => <span key={f}>{f}</span>)}</output>
        <Code text={number} label={t('qrLabel')} />
      </div>
      {contact.verified
        ? <p class="verified-line"><Icon name="shield" />{t('verified')} <Button kind="quiet" onClick={() => void record(false)}>{t('takeBack')}</Button></p>
        : <Button kind="main" icon="shield" onClick={() => void record(true)}>{t('numbersMatch')}</Button>}
    </section>
  );
}

function Person({ member, children }: { member: Member; children?: ComponentChildren }): JSX.Element {
  const name = member.contact === 0 ? t('you') : nameOf(member.contact);
  return (
    <li class="person">
      <Avatar name={member.contact === 0 ? status.value?.name ?? name : name} seed={member.account} />
      <span class="person-name"><bdi>{name}</bdi>{member.admin && <span class="hint">{t('admin')}</span>}</span>
      {children}
    </li>
  );
}

function AddPeople({ chat, members, onClose }: { chat: Chat; members: readonly Member[]; onClose: () => void }): JSX.Element {
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set()), inside = new Set(members.map(m => m.contact));
  const add = async (): Promise<void> => {
    if (await attempt(call('chat.add', { chat: chat.id, contacts: [...chosen] })) === undefined) return;
    await loadChats();
    onClose();
  };
  return (
    <Dialog title={t('addPeople')} onClose={onClose}>
      <Picker people={known.value.filter(c => !inside.has(c.id))} chosen={chosen} onChange={setChosen} />
      <div class="buttons">
        <Button onClick={onClose}>{t('cancel')}</Button>
        <Button kind="main" disabled={chosen.size === 0} onClick={() => void add()}>{t('add')}</Button>
      </div>
    </Dialog>
  );
}

function Group({ chat }: { chat: Chat }): JSX.Element {
  const [members, setMembers] = useState<readonly Member[]>([]), [adding, setAdding] = useState(false), [removing, setRemoving] = useState<number | undefined>(undefined);
  useEffect(() => {
    if (has('chat.members')) void call('chat.members', { chat: chat.id }).then(setMembers, () => undefined);
  }, [chat]);
  const admin = !has('chat.members') || members.some(m => m.contact === 0 && m.admin), open = chat.state === 'open';
  return (
    <section>
      <h3>{t('members', { n: chat.members })}</h3>
      {open && admin && <Button icon="plus" onClick={() => setAdding(true)}>{t('addPeople')}</Button>}
      <ul class="people">
        {members.map(m => (
          <Person key={m.account} member={m}>
            {open && admin && m.contact !== 0 && <IconButton icon="close" label={t('removeName', { name: nameOf(m.contact) })} onClick={() => setRemoving(m.contact)} />}
          </Person>
        ))}
      </ul>
      {adding && <AddPeople chat={chat} members={members} onClose={() => setAdding(false)} />}
      {removing !== undefined && (
        <Confirm title={t('removeName', { name: nameOf(removing) })} text={t('removeText')} action={t('remove')} onClose={() => setRemoving(undefined)}
          run={() => void attempt(call('chat.remove', { chat: chat.id, contact: removing }).then(loadChats))} />
      )}
    </section>
  );
}

export function Info({ chat }: { chat: Chat }): JSX.Element {
  const contact = contacts.value.get(chat.contact), title = titleOf(chat);
  return (
    <aside class="info" aria-label={t('details')}>
      <header class="bar">
        <IconButton icon="close" label={t('close')} onClick={() => go('chat', chat.id)} />
        <h2>{t('details')}</h2>
      </header>
      <div class="info-body">
        <div class="portrait">
          <Avatar name={title} seed={seedOf(chat)} large icon={chat.kind === 'group' ? 'people' : chat.kind === 'self' ? 'bookmark' : undefined} />
          <h3><bdi>{title}</bdi></h3>
          {contact !== undefined && <p class="hint">{verifiedWord(contact)}</p>}
        </div>
        {contact !== undefined && <Safety contact={contact} />}
        {chat.kind === 'group' && <Group chat={chat} />}
        {contact?.state === 'known' && <section><Button kind="danger" onClick={() => void answer(contact.id, false)}>{t('blockName', { name: title })}</Button></section>}
      </div>
    </aside>
  );
}
