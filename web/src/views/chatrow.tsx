// SPDX-License-Identifier: Apache-2.0
//
// A conversation in the list, and what can be done with it from there.
import type { JSX } from 'preact';
import { signal } from '@preact/signals';
import type { Chat } from '../engine/methods';
import { draftText } from '../state/drafts';
import { attempt } from '../state/notices';
import { chatById, isMuted, markRead, nameOf, seedOf, setChat, timeOf, titleOf } from '../state/people';
import { pictureOf } from '../state/pictures';
import { href, openChat } from '../state/route';
import { brief, t } from '../strings/strings';
import { tame } from '../text/plain';
import { Avatar } from '../ui/avatar';
import { type Action, Menu } from '../ui/dialog';
import { Icon } from '../ui/icon';
import { gist, noticeText } from './message';

export const FOR_EVER = 4_102_444_800_000; // the year 2100

const menu = signal<{ chat: number; at: DOMRect } | undefined>(undefined);

// Who has said it; beside what was said, since each may be written from another side.
function who(chat: Chat): string {
  const last = chat.last;
  if (last === undefined || last.kind === 'notice' || chat.state !== 'open' || chat.held.length > 0 || (draftText(chat).trim() !== '' && openChat.value !== chat.id)) return '';
  return last.from === 0 ? t('youSaid') : chat.kind === 'group' ? `${nameOf(last.from)}: ` : '';
}

// The line under the name: what is being written, else what was said last, else what kind of conversation it is.
function second(chat: Chat): JSX.Element | string {
  if (chat.state === 'request') return t('chatRequest');
  if (chat.state === 'removed') return t('chatRemoved');
  if (chat.state === 'left') return t('chatLeft');
  if (chat.held.length > 0) return <span class="draft">{t('heldTitle')}</span>;
  const draft = draftText(chat).trim(), last = chat.last;
  if (draft !== '' && openChat.value !== chat.id) return <><span class="draft">{t('draft')}</span> {tame(draft.slice(0, 100))}</>;
  if (last !== undefined) {
    return last.kind === 'notice' ? noticeText(last) : gist(last);
  }
  return chat.kind === 'group' ? t('members', { n: chat.members }) : chat.kind === 'self' ? t('notesHint') : '';
}

function Marks({ chat }: { chat: Chat }): JSX.Element {
  const n = chat.unread, muted = isMuted(chat);
  return (
    <>
      {muted && <span class="mark" title={t('muted')}><Icon name="mute" /></span>}
      {chat.pinned && n === 0 && <span class="mark" title={t('pinned')}><Icon name="pin" /></span>}
      {chat.mentions > 0 && <span class="count" title={t('mentioned')}>@</span>}
      {n > 0 && <span class={muted ? 'count still' : 'count'}><span aria-hidden="true">{n > 999 ? '999+' : n}</span><span class="hidden">{t('unread', { n })}</span></span>}
    </>
  );
}

export function ChatRow({ chat, tab }: { chat: Chat; tab: boolean }): JSX.Element {
  const title = titleOf(chat), here = openChat.value === chat.id, time = timeOf(chat), by = who(chat);
  return (
    <a class="chat-row" href={href('chat', chat.id)} aria-current={here ? 'page' : undefined} tabIndex={tab ? 0 : -1} onContextMenu={e => {
      e.preventDefault();
      menu.value = { chat: chat.id, at: e.currentTarget.getBoundingClientRect() };
    }}>
      <Avatar name={title} seed={seedOf(chat)} picture={pictureOf(chat)} icon={chat.kind === 'group' ? 'people' : chat.kind === 'self' ? 'bookmark' : undefined} />
      <span class="chat-words">
        <span class="chat-line">
          <bdi class="chat-title">{title}</bdi>
          <time class="chat-time">{brief(time)}</time>
        </span>
        <span class="chat-line second">
          {by !== '' && <bdi class="chat-by">{by}</bdi>}
          <span class="chat-said" dir="auto">{second(chat)}</span>
          <Marks chat={chat} />
        </span>
      </span>
    </a>
  );
}

/** Stands once beside the list. */
export function ChatMenu(): JSX.Element | null {
  const m = menu.value, chat = m === undefined ? undefined : chatById.value.get(m.chat);
  if (m === undefined || chat === undefined) return null;
  const set = (how: Parameters<typeof setChat>[1]): void => void attempt(setChat(chat.id, how));
  const actions: Action[] = [
    { label: chat.pinned ? t('unpin') : t('pin'), icon: 'pin', run: () => set({ pinned: !chat.pinned }) },
    { label: isMuted(chat) ? t('unmute') : t('mute'), icon: 'mute', run: () => set({ muted: isMuted(chat) ? 0 : FOR_EVER }) },
    { label: chat.archived ? t('unarchive') : t('archive'), icon: 'archive', run: () => set({ archived: !chat.archived }) },
  ];
  const last = chat.last;
  if (chat.unread > 0 && last !== undefined) actions.unshift({ label: t('markRead'), icon: 'checks', run: () => markRead(chat, last.id) });
  return <Menu label={titleOf(chat)} at={m.at} onClose={() => { menu.value = undefined; }} actions={actions} />;
}
