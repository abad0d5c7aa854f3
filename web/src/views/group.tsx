// SPDX-License-Identifier: Apache-2.0
//
// Groups: making one, choosing who is in it, and what its admins may do.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { call } from '../engine/engine';
import { type Chat, type Contact, has, type Member } from '../engine/methods';
import { attempt } from '../state/notices';
import { contacts, directWith, known, loadChat, nameOf, status, titleOf } from '../state/people';
import { setPicture } from '../state/pictures';
import { go } from '../state/route';
import { t } from '../strings/strings';
import { Avatar } from '../ui/avatar';
import { Button, Field, IconButton, Switch } from '../ui/controls';
import { type Action, Confirm, Dialog, Menu } from '../ui/dialog';
import { Link } from './invite';

export function Picker({ people, chosen, onChange }: { people: readonly Contact[]; chosen: ReadonlySet<number>; onChange: (s: ReadonlySet<number>) => void }): JSX.Element {
  const toggle = (id: number): void => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    onChange(next);
  };
  if (people.length === 0) return <p class="hint">{t('nobodyToAdd')}</p>;
  return (
    <fieldset class="picker">
      <legend>{t('whoIsIn')}</legend>
      {people.map(c => (
        <label key={c.id} class="person">
          <Avatar name={nameOf(c.id)} seed={c.account} />
          <bdi class="person-name">{nameOf(c.id)}</bdi>
          <input type="checkbox" checked={chosen.has(c.id)} onChange={() => toggle(c.id)} />
        </label>
      ))}
    </fieldset>
  );
}

export function NewGroup(): JSX.Element {
  const [name, setName] = useState(''), [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const submit = async (e: Event): Promise<void> => {
    e.preventDefault();
    const made = await attempt(call('chat.group', { name: name.trim(), contacts: [...chosen] }));
    if (made === undefined) return;
    await loadChat(made.chat);
    go('chat', made.chat);
  };
  return (
    <form onSubmit={e => void submit(e)}>
      <Field label={t('groupName')} value={name} onInput={setName} required focus max={60} />
      <Picker people={known.value} chosen={chosen} onChange={setChosen} />
      <Button kind="main" submit disabled={name.trim() === '' || chosen.size === 0}>{t('createGroup')}</Button>
    </form>
  );
}

function AddPeople({ chat, members, onClose }: { chat: Chat; members: readonly Member[]; onClose: () => void }): JSX.Element {
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set()), inside = new Set(members.map(m => m.contact));
  const add = async (): Promise<void> => {
    if (await attempt(call('chat.add', { chat: chat.id, contacts: [...chosen] })) !== undefined) onClose();
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

interface RenameProps { title: string; label: string; name: string; save: (name: string) => Promise<unknown>; onClose: () => void }
export function Rename({ title, label, name: before, save, onClose }: RenameProps): JSX.Element {
  const [name, setName] = useState(before);
  const submit = async (e: Event): Promise<void> => {
    e.preventDefault();
    if (await attempt(save(name.trim()).then(() => true)) === true) onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form class="stack" onSubmit={e => void submit(e)}>
        <Field label={label} value={name} onInput={setName} required focus max={60} />
        <div class="buttons">
          <Button onClick={onClose}>{t('cancel')}</Button>
          <Button kind="main" submit disabled={name.trim() === '' || name.trim() === before}>{t('save')}</Button>
        </div>
      </form>
    </Dialog>
  );
}

/** A link by which others come, or ask to. */
function GroupLink({ chat, onClose }: { chat: Chat; onClose: () => void }): JSX.Element {
  const [asks, setAsks] = useState(true), [link, setLink] = useState('');
  useEffect(() => {
    let current = true;
    setLink('');
    void attempt(call('chat.link', { chat: chat.id, asks })).then(x => current && setLink(x?.link ?? ''));
    return () => { current = false; };
  }, [asks]);
  return (
    <Dialog title={t('groupLink')} onClose={onClose} wide>
      <Switch label={t('groupLinkAsks')} hint={t('groupLinkHint')} on={asks} onChange={setAsks} />
      {link !== '' && <Link link={link} />}
    </Dialog>
  );
}

function PictureButton({ chat }: { chat: Chat }): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button icon="image" onClick={() => input.current?.click()}>{t('setPicture')}</Button>
      <input ref={input} type="file" accept="image/png,image/jpeg,image/webp,image/gif" hidden onChange={e => {
        const file = e.currentTarget.files?.[0];
        if (file !== undefined) void attempt(setPicture(chat.id, file));
        e.currentTarget.value = '';
      }} />
    </>
  );
}

function Person({ member, onMenu }: { member: Member; onMenu: ((at: DOMRect) => void) | undefined }): JSX.Element {
  const own = member.contact === 0, name = nameOf(member.contact), verified = contacts.value.get(member.contact)?.verified === true;
  return (
    <li class="person">
      <Avatar name={own ? status.value?.name ?? name : name} seed={member.account} />
      <span class="person-name">
        <bdi>{name}</bdi>
        <span class="hint">{[member.admin ? t('admin') : '', verified ? t('verified') : ''].filter(x => x !== '').join(', ')}</span>
      </span>
      {onMenu !== undefined && <IconButton icon="more" label={t('moreAbout', { name })} onClick={e => onMenu((e.currentTarget as HTMLElement).getBoundingClientRect())} />}
    </li>
  );
}

type Showing = { what: 'menu'; member: Member; at: DOMRect } | { what: 'remove'; member: Member } | { what: 'add' | 'rename' | 'link' | 'leave' } | undefined;

function actionsOn(chat: Chat, m: Member, admin: boolean, show: (s: Showing) => void): Action[] {
  const direct = m.contact === 0 ? undefined : directWith(m.contact), actions: Action[] = [];
  if (direct !== undefined) actions.push({ label: t('openChat'), icon: 'message', run: () => go('chat', direct.id) });
  if (!admin) return actions;
  actions.push({ label: m.admin ? t('noAdmin') : t('makeAdmin'), icon: 'shield', run: () => void attempt(call('chat.role', { chat: chat.id, contact: m.contact, admin: !m.admin })) });
  if (m.contact !== 0) actions.push({ label: t('remove'), icon: 'close', danger: true, run: () => show({ what: 'remove', member: m }) });
  return actions;
}

export function Group({ chat }: { chat: Chat }): JSX.Element {
  const [members, setMembers] = useState<readonly Member[]>([]), [showing, show] = useState<Showing>(undefined), close = (): void => show(undefined);
  useEffect(() => {
    let current = true;
    void call('chat.members', { chat: chat.id }).then(m => current && setMembers(m), () => undefined);
    return () => { current = false; };
  }, [chat]);
  const open = chat.state === 'open', admin = open && members.some(m => m.contact === 0 && m.admin);
  return (
    <section>
      {admin && (
        <div class="buttons start">
          <Button icon="edit" onClick={() => show({ what: 'rename' })}>{t('rename')}</Button>
          {has('chat.set_picture') && <PictureButton chat={chat} />}
          <Button icon="plus" onClick={() => show({ what: 'add' })}>{t('addPeople')}</Button>
          <Button icon="link" onClick={() => show({ what: 'link' })}>{t('groupLink')}</Button>
        </div>
      )}
      <h2>{t('members', { n: chat.members })}</h2>
      <ul class="people">
        {members.map(m => (
          <Person key={m.account} member={m}
            onMenu={actionsOn(chat, m, admin, show).length > 0 ? at => show({ what: 'menu', member: m, at }) : undefined} />
        ))}
      </ul>
      {open && <div class="buttons start"><Button kind="danger" onClick={() => show({ what: 'leave' })}>{t('leave')}</Button></div>}
      {showing?.what === 'add' && <AddPeople chat={chat} members={members} onClose={close} />}
      {showing?.what === 'rename' && <Rename title={t('renameGroup')} label={t('groupName')} name={chat.name} save={name => call('chat.rename', { chat: chat.id, name })} onClose={close} />}
      {showing?.what === 'link' && <GroupLink chat={chat} onClose={close} />}
      {showing?.what === 'leave' && <Confirm title={t('leaveTitle')} text={t('leaveText')} action={t('leave')} onClose={close} run={() => void attempt(call('chat.leave', { chat: chat.id }))} />}
      {showing?.what === 'menu' && <Menu label={nameOf(showing.member.contact)} at={showing.at} onClose={close} actions={actionsOn(chat, showing.member, admin, show)} />}
      {showing?.what === 'remove' && (
        <Confirm title={t('removeName', { name: nameOf(showing.member.contact) })} text={t('removeText', { group: titleOf(chat) })} action={t('remove')} onClose={close}
          run={() => void attempt(call('chat.remove', { chat: chat.id, contact: showing.member.contact }))} />
      )}
    </section>
  );
}
