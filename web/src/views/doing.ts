// SPDX-License-Identifier: Apache-2.0
//
// What can be done with a message without its menu: by keys, and by reactions. acts.tsx has the rest.
import { call } from '../engine/engine';
import type { Chat, Message } from '../engine/methods';
import { answer, revise } from '../state/drafts';
import { attempt } from '../state/notices';
import { asWritten } from '../text/mentions';

export type Showing = { what: 'menu'; item: Message; at: DOMRect } | { what: 'delete' | 'info'; item: Message } | undefined;

export const said = (i: Message): boolean => !i.deleted && (i.kind === 'text' || i.kind === 'reply');
export const ended = (c: Chat): boolean => c.state !== 'open';

/** The same reaction again takes it back. */
export function react(chat: Chat, item: Message, emoji: string): void {
  if (ended(chat) || item.deleted || item.id === 0) return;
  const own = item.reactions.some(r => r.text === emoji && r.from === 0);
  void attempt(call('message.react', { chat: chat.id, message: item.id, text: own ? '' : emoji }));
}

/** Whether the key meant something here. */
export function keyOn(chat: Chat, item: Message, e: KeyboardEvent, show: (s: Showing) => void): boolean {
  const at = (e.target as HTMLElement).querySelector('.bubble')?.getBoundingClientRect();
  if (at === undefined) return false;
  if (e.key === 'Enter' || e.key === 'ContextMenu') show({ what: 'menu', item, at });
  else if (e.code === 'KeyR' && !ended(chat) && !item.deleted) answer(chat, item);
  else if (e.code === 'KeyE' && !ended(chat) && item.from === 0 && said(item)) revise(chat, item, asWritten(item.text));
  else if (e.key === 'Delete' && !ended(chat) && item.from === 0 && !item.deleted) show({ what: 'delete', item });
  else return false;
  return true;
}
