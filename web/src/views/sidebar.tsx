// SPDX-License-Identifier: Apache-2.0
//
// The list of conversations, with what one starts new ones by, who asks for one, and how the connection is.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { phase } from '../engine/engine';
import type { Chat } from '../engine/methods';
import { draftOf } from '../state/drafts';
import { listed, nameOf, requests, seedOf, status, timeOf, titleOf, warnings } from '../state/people';
import { go, href, openChat } from '../state/route';
import { brief, t } from '../strings/strings';
import { tame } from '../text/plain';
import { Avatar } from '../ui/avatar';
import { IconButton } from '../ui/controls';
import { type Action, Menu } from '../ui/dialog';
import { Icon } from '../ui/icon';
import { FixedList } from '../ui/list';
import { gist, noticeText } from './message';

function Connection(): JSX.Element | null {
  const s = status.value;
  const text = phase.value !== 'open' ? t('engineAway') : s !== undefined && !s.connected ? t('relayAway') : '';
  return <div role="status">{text !== '' && <p class="strip"><Icon name="clock" />{text}</p>}</div>;
}

function Requests(): JSX.Element | null {
  const n = requests.value.length;
  if (n === 0) return null;
  return (
    <a class="strip link" href={href('requests')}>
      <Icon name="person" />
      {t('requests', { n })}
    </a>
  );
}

function Warned(): JSX.Element | null {
  const n = warnings.value.length;
  if (n === 0) return null;
  return (
    <a class="strip link amber" href={href('warnings')}>
      <Icon name="warning" />
      {t('warnings', { n })}
    </a>
  );
}

// The line under the name: what is being written, else what was said last, else what kind of conversation it is.
function second(chat: Chat): JSX.Element | string {
  if (chat.state === 'request') return t('chatRequest');
  if (chat.state === 'removed') return t('chatRemoved');
  if (chat.state === 'left') return t('chatLeft');
  const draft = draftOf(chat.id).value.text.trim(), last = chat.last;
  if (draft !== '' && openChat.value !== chat.id) return <><span class="draft">{t('draft')}</span> {tame(draft.slice(0, 100))}</>;
  if (last !== undefined) {
    const who = last.kind === 'notice' ? '' : last.from === 0 ? t('youSaid') : chat.kind === 'group' ? `${nameOf(last.from)}: ` : '';
    return `${who}${last.kind === 'notice' ? noticeText(last) : gist(last)}`;
  }
  return chat.kind === 'group' ? t('members', { n: chat.members }) : chat.kind === 'self' ? t('notesHint') : '';
}

function Marks({ chat }: { chat: Chat }): JSX.Element {
  const n = chat.unread, muted = chat.muted > Date.now();
  return (
    <>
      {muted && <span class="mark" title={t('muted')}><Icon name="mute" /></span>}
      {chat.pinned && n === 0 && <span class="mark" title={t('pinned')}><Icon name="pin" /></span>}
      {chat.mentions > 0 && <span class="count">@</span>}
      {n > 0 && <span class={muted ? 'count still' : 'count'} aria-label={t('unread', { n })}>{n > 999 ? '999+' : n}</span>}
    </>
  );
}

function ChatRow({ chat, tab }: { chat: Chat; tab: boolean }): JSX.Element {
  const title = titleOf(chat), here = openChat.value === chat.id, time = timeOf(chat);
  return (
    <a class="chat-row" href={href('chat', chat.id)} aria-current={here ? 'page' : undefined} tabIndex={tab ? 0 : -1}>
      <Avatar name={title} seed={seedOf(chat)} icon={chat.kind === 'group' ? 'people' : chat.kind === 'self' ? 'bookmark' : undefined} />
      <span class="chat-words">
        <span class="chat-line">
          <bdi class="chat-title">{title}</bdi>
          {time > 0 && <time class="chat-time">{brief(time)}</time>}
        </span>
        <span class="chat-line second">
          <span class="chat-said" dir="auto">{second(chat)}</span>
          <Marks chat={chat} />
        </span>
      </span>
    </a>
  );
}

function NewMenu({ at, onClose }: { at: DOMRect; onClose: () => void }): JSX.Element {
  const actions: Action[] = [
    { label: t('invite'), icon: 'qr', run: () => go('invite') },
    { label: t('acceptInvitation'), icon: 'link', run: () => go('accept') },
    { label: t('newGroup'), icon: 'people', run: () => go('group') },
  ];
  return <Menu label={t('new')} at={at} onClose={onClose} actions={actions} />;
}

export function Sidebar(): JSX.Element {
  const [query, setQuery] = useState(''), [menu, setMenu] = useState<DOMRect | undefined>(undefined);
  const wanted = query.trim().toLocaleLowerCase();
  const shown = wanted === '' ? listed.value : listed.value.filter(c => titleOf(c).toLocaleLowerCase().includes(wanted));
  return (
    <nav class="sidebar" aria-label={t('chats')}>
      <header class="bar">
        <IconButton icon="settings" label={t('settings')} onClick={() => go('settings')} />
        <h1>{t('chats')}</h1>
        <IconButton icon="plus" label={t('new')} kind="main" onClick={e => setMenu((e.currentTarget as HTMLElement).getBoundingClientRect())} />
      </header>
      <div class="search" role="search">
        <Icon name="search" />
        <input type="search" value={query} placeholder={t('search')} aria-label={t('search')} onInput={e => setQuery(e.currentTarget.value)}
          onKeyDown={e => {
            if (e.key === 'Escape' && query !== '') {
              e.preventDefault();
              setQuery('');
            }
          }} />
      </div>
      <Connection />
      <Warned />
      <Requests />
      {shown.length === 0
        ? <p class="nothing">{wanted === '' ? t('noChats') : t('nothingFound')}</p>
        : <FixedList label={t('chats')} items={shown} keyOf={c => c.id} current={openChat.value} rem={4.25} row={(c, tab) => <ChatRow chat={c} tab={tab} />} />}
      {menu !== undefined && <NewMenu at={menu} onClose={() => setMenu(undefined)} />}
    </nav>
  );
}
