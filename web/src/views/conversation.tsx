// SPDX-License-Identifier: Apache-2.0
//
// A conversation: who it is with, what must be known about it, its timeline, and where one writes.
import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Chat, Message } from '../engine/methods';
import { attempt } from '../state/notices';
import { chatById, contacts, markRead, nameOf, seedOf, titleOf, verifiedWord, warnings } from '../state/people';
import { pictureOf } from '../state/pictures';
import { answer, block } from '../state/requests';
import { room } from '../state/room';
import { go, route } from '../state/route';
import { timelineOf } from '../state/timeline';
import { typing } from '../state/typing';
import { t } from '../strings/strings';
import { Avatar } from '../ui/avatar';
import { Button, IconButton } from '../ui/controls';
import { Icon } from '../ui/icon';
import { Composer } from './composer';
import { keyOn, react, type Showing } from './doing';
import { Acts, Info, ProxyDialog, SendFiles } from './later';
import { chosen } from './leaving';
import { Held } from './held';
import { Log } from './log';
import type { Doings } from './message';
import { WarningCard } from './warnings';

function Head({ chat, info }: { chat: Chat; info: boolean }): JSX.Element {
  const title = titleOf(chat), contact = contacts.value.get(chat.contact);
  const writing = typing.value.get(chat.id);
  const under = writing !== undefined ? t('isWriting', { n: writing.length, name: nameOf(writing[0]!) }) : chat.kind === 'group' ? t('members', { n: chat.members }) : contact !== undefined ? verifiedWord(contact) : t('notesHint');
  const toggle = (): void => info ? go('chat', chat.id) : go('chat', chat.id, 'info');
  return (
    <header class="bar">
      <IconButton icon="back" label={t('back')} onClick={() => go()} />
      <button type="button" class="head-who" onClick={toggle} aria-expanded={info}>
        <Avatar name={title} seed={seedOf(chat)} picture={pictureOf(chat)} icon={chat.kind === 'group' ? 'people' : chat.kind === 'self' ? 'bookmark' : undefined} />
        <span class="head-words">
          <h1><bdi>{title}</bdi>{contact?.verified === true && <span class="verified" title={t('verified')}><Icon name="shield" /></span>}</h1>
          <span class="hint">{under}</span>
        </span>
      </button>
      <IconButton icon="info" label={t('details')} onClick={toggle} pressed={info} />
    </header>
  );
}

function Foot({ chat, children }: { chat: Chat; children: JSX.Element }): JSX.Element {
  if (chat.state === 'left' || chat.state === 'removed') return <p class="foot">{chat.state === 'left' ? t('leftText') : t('removedText')}</p>;
  const contact = contacts.value.get(chat.contact);
  if (chat.state === 'request' || contact?.state === 'request') {
    return (
      <div class="foot asks">
        <p>{t('asksText', { name: titleOf(chat) })}</p>
        <div class="buttons">
          <Button kind="danger" onClick={() => void block(chat.contact, true)}>{t('block')}</Button>
          <Button onClick={() => void answer(chat.contact, false)}>{t('notNow')}</Button>
          <Button kind="main" onClick={() => void answer(chat.contact, true)}>{t('letIn')}</Button>
        </div>
      </div>
    );
  }
  if (contact?.state === 'blocked') {
    return (
      <div class="foot asks">
        <p>{t('blockedText', { name: titleOf(chat) })}</p>
        <div class="buttons"><Button onClick={() => void block(chat.contact, false)}>{t('unblock')}</Button></div>
      </div>
    );
  }
  return children;
}

function Open({ chat }: { chat: Chat }): JSX.Element {
  const line = timelineOf(chat.id), r = route.value, start = r.part === 'at' ? r.at : 0;
  const [showing, show] = useState<Showing>(undefined), [proxy, setProxy] = useState<string | undefined>(undefined);
  const [files, setFiles] = useState<File[]>([]), [over, setOver] = useState(false);
  const moving = useMemo(() => ({ jump: (_: number, _from?: Element | null): void => undefined, last: (): void => undefined }), []);
  const [unreadAfter] = useState(() => chat.unread > 0 ? chat.read_to : 0);
  useEffect(() => { void attempt(line.load(start || unreadAfter)); }, [line]);
  useEffect(() => {
    const from = document.activeElement;
    if (start !== 0 && line.loaded.value) void line.load(start).then(() => moving.jump(start, from));
  }, [start]);
  const doings = useMemo<Doings>(() => ({
    menu: (item, at) => show({ what: 'menu', item, at }),
    react: (item, emoji) => react(chat, item, emoji),
    jump: item => {
      const to = item.answers?.id;
      if (to !== undefined) void line.load(to).then(() => moving.jump(to));
    },
    link: href => {
      if (PROXY.test(href)) setProxy(href);
      else return openLink(href);
      return true;
    },
  }), [line, chat.state]);
  const onDate = (time: number): void => void attempt(line.loadDate(time).then(id => {
    if (room.value.columns < 3) go('chat', chat.id);
    if (id === 0) moving.last();
    else requestAnimationFrame(() => moving.jump(id));
  }));
  const info = r.part === 'info', about = warnings.value.filter(w => w.chat === chat.id || (w.contact !== 0 && w.contact === chat.contact));
  return (
    <div class={info ? 'talk with-info' : 'talk'}>
      <section class={over ? 'pane over' : 'pane'} aria-label={titleOf(chat)} onDragOver={() => { if (chat.state === 'open') setOver(true); }} onDragLeave={e => {
        if (!(e.relatedTarget instanceof Node) || !e.currentTarget.contains(e.relatedTarget)) setOver(false);
      }} onDrop={e => {
        setOver(false);
        if (chat.state === 'open') setFiles(chosen(e.dataTransfer?.files ?? []));
      }}>
        <Head chat={chat} info={info} />
        {about.map(w => <WarningCard key={w.id} warning={w} here />)}
        {line.loaded.value
          ? <Log chat={chat} line={line} doings={doings} unreadAfter={unreadAfter} start={start} moving={moving}
            onKey={(e, item: Message) => keyOn(chat, item, e, show)} onSeen={m => markRead(chat, m.id)} />
          : <div class="log" />}
        <Foot chat={chat}><><Held chat={chat} /><Composer chat={chat} line={line} onSent={() => moving.last()} onFiles={setFiles} /></></Foot>
        {files.length > 0 && <SendFiles chat={chat} files={files} onClose={() => setFiles([])} />}
        {proxy !== undefined && <ProxyDialog link={proxy} onClose={() => setProxy(undefined)} />}
        {showing !== undefined && <Acts chat={chat} showing={showing} show={show} />}
      </section>
      {info && <Info chat={chat} onDate={onDate} />}
    </div>
  );
}

const PROXY = /^(?:tg:\/\/(?:socks|http)\?|https:\/\/t\.me\/(?:socks|http)\?|socks5h?:\/\/)/i;

// Links that Whimbrel itself understands.
function openLink(href: string): boolean {
  if (!/^whimbrel:|^https:\/\/[^/]+\/i#/i.test(href)) return false;
  go('accept', encodeURIComponent(href));
  return true;
}

export function Conversation({ id }: { id: number }): JSX.Element {
  const chat = chatById.value.get(id);
  if (chat !== undefined) return <Open chat={chat} />;
  return (
    <section class="pane empty">
      <p>{t('nothingHere')}</p>
      <Button onClick={() => go()}>{t('back')}</Button>
    </section>
  );
}
