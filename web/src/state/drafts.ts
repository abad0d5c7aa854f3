// SPDX-License-Identifier: Apache-2.0
//
// What is being written where: the text, and whether it answers or replaces a message. It stays when one goes to another conversation; the
// engine keeps the text, so it is there on the next day, too. This is the only code that writes drafts.
import { type Signal, signal } from '@preact/signals';
import { call, on } from '../engine/engine';
import type { Chat, Message } from '../engine/methods';
import { tellTyping } from './typing';

export interface Draft { text: string; reply: Message | undefined; edit: Message | undefined }

const EMPTY: Draft = { text: '', reply: undefined, edit: undefined };
const PAUSE_MS = 600;
const drafts = new Map<number, Signal<Draft>>();
const timers = new Map<number, number>();

export function draftOf(chat: Chat): Signal<Draft> {
  let there = drafts.get(chat.id);
  if (there === undefined) {
    there = signal(chat.draft === '' ? EMPTY : { ...EMPTY, text: chat.draft });
    drafts.set(chat.id, there);
  }
  return there;
}

/** What is being written, for the list of conversations. */
export function draftText(chat: Chat): string {
  const d = drafts.get(chat.id)?.value;
  return d === undefined ? chat.draft : d.edit === undefined ? d.text : '';
}

// An edit is not kept: what it changes is there.
function set(chat: Chat, draft: Draft): void {
  const d = draftOf(chat), text = draft.edit === undefined ? draft.text : '';
  d.value = draft;
  clearTimeout(timers.get(chat.id));
  timers.set(chat.id, setTimeout(() => void call('chat.draft', { chat: chat.id, text }).catch(() => undefined), text === '' ? 0 : PAUSE_MS));
}

export function write(chat: Chat, text: string): void {
  set(chat, { ...draftOf(chat).value, text });
  tellTyping(chat.id, text.trim() !== '');
}

export function answer(chat: Chat, reply: Message): void {
  const d = draftOf(chat).value;
  set(chat, { text: d.edit === undefined ? d.text : '', reply, edit: undefined });
}

export function revise(chat: Chat, edit: Message, text: string): void { set(chat, { text, reply: undefined, edit }); }

/** No longer an answer or an edit; the text of an edit goes with it. */
export function release(chat: Chat): void {
  const d = draftOf(chat).value;
  set(chat, { text: d.edit === undefined ? d.text : '', reply: undefined, edit: undefined });
}

/** Takes it out, to be sent; `put` gives it back when that did not work and nothing else was begun. */
export function take(chat: Chat): Draft {
  const taken = draftOf(chat).value;
  set(chat, EMPTY);
  tellTyping(chat.id, false);
  return taken;
}
export function put(chat: Chat, draft: Draft): void { if (draftOf(chat).value.text === '') set(chat, draft); }

/** The conversation was deleted, and what was being written there with it. */
on('chat.deleted', c => {
  clearTimeout(timers.get(c.chat));
  const there = drafts.get(c.chat);
  if (there !== undefined) there.value = EMPTY;
});

export function forgetDrafts(): void {
  for (const timer of timers.values()) clearTimeout(timer);
  timers.clear();
  drafts.clear();
}
