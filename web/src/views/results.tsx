// SPDX-License-Identifier: Apache-2.0
//
// What a search found: conversations by name, then messages, with the words that fit marked.
import type { JSX } from 'preact';
import type { Chat, Found } from '../engine/methods';
import { archived, chatById, hidden, listed, nameOf, seedOf, titleOf } from '../state/people';
import { href } from '../state/route';
import { found, more, query, searching, searchMore, within } from '../state/search';
import { brief, t } from '../strings/strings';
import { tame } from '../text/plain';
import { Avatar } from '../ui/avatar';
import { Button, IconButton } from '../ui/controls';
import { FixedList } from '../ui/list';
import { ChatRow } from './chatrow';

type Hit = { key: string; chat: Chat; found?: Found };

function MessageRow({ chat, hit, tab }: { chat: Chat; hit: Found; tab: boolean }): JSX.Element {
  const title = titleOf(chat), m = hit.message;
  return (
    <a class="chat-row" href={href('chat', chat.id, 'at', m.id)} tabIndex={tab ? 0 : -1}>
      <Avatar name={title} seed={seedOf(chat)} icon={chat.kind === 'group' ? 'people' : undefined} />
      <span class="chat-words">
        <span class="chat-line"><bdi class="chat-title">{title}</bdi><time class="chat-time">{brief(m.time)}</time></span>
        <span class="chat-line second">
          <span class="chat-said" dir="auto">
            {m.from === 0 ? t('youSaid') : chat.kind === 'group' ? `${nameOf(m.from)}: ` : ''}
            {hit.pieces.map((p, i) => i % 2 === 1 ? <mark key={i}>{tame(p)}</mark> : tame(p))}
          </span>
        </span>
      </span>
    </a>
  );
}

export function Results(): JSX.Element {
  const wanted = query.value.trim().toLocaleLowerCase(), inside = chatById.value.get(within.value);
  const chats = inside !== undefined ? [] : [...listed.value, ...archived.value, ...hidden.value].filter(c => titleOf(c).toLocaleLowerCase().includes(wanted));
  const hits: Hit[] = chats.map(chat => ({ key: `c${chat.id}`, chat }));
  for (const f of found.value) {
    const chat = chatById.value.get(f.message.chat);
    if (chat !== undefined) hits.push({ key: `m${f.message.id}`, chat, found: f });
  }
  return (
    <>
      {inside !== undefined && (
        <p class="strip">
          <span class="grow">{t('searchIn', { name: titleOf(inside) })}</span>
          <IconButton icon="close" label={t('searchAll')} onClick={() => { within.value = 0; }} />
        </p>
      )}
      <p class="hidden" role="status">{searching.value ? '' : t('foundN', { n: hits.length })}</p>
      {hits.length === 0
        ? <p class="nothing">{searching.value ? '' : wanted.length < 2 && inside !== undefined ? t('searchHint') : t('nothingFound')}</p>
        : <FixedList label={t('search')} items={hits} keyOf={h => h.key} rem={4.25}
          row={(h, tab) => h.found === undefined ? <ChatRow chat={h.chat} tab={tab} /> : <MessageRow chat={h.chat} hit={h.found} tab={tab} />} />}
      {more.value && <div class="more"><Button kind="quiet" onClick={searchMore}>{t('moreResults')}</Button></div>}
    </>
  );
}
