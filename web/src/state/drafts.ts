// SPDX-License-Identifier: Apache-2.0
//
// What is being written where: the text, and whether it answers or replaces a message. It stays when one goes to another conversation.
// This is the only code that writes drafts.
import { type Signal, signal } from '@preact/signals';
import type { Message } from '../engine/methods';

export interface Draft { text: string; reply: Message | undefined; edit: Message | undefined }

const EMPTY: Draft = { text: '', reply: undefined, edit: undefined };
const drafts = new Map<number, Signal<Draft>>();

export function draftOf(chat: number): Signal<Draft> {
  const there = drafts.get(chat) ?? signal(EMPTY);
  drafts.set(chat, there);
  return there;
}

export function write(chat: number, text: string): void {
  const d = draftOf(chat);
  d.value = { ...d.value, text };
}
export function answer(chat: number, reply: Message): void {
  const d = draftOf(chat);
  d.value = { text: d.value.edit === undefined ? d.value.text : '', reply, edit: undefined };
}
export function revise(chat: number, edit: Message): void { draftOf(chat).value = { text: edit.text, reply: undefined, edit }; }

/** No longer an answer or an edit; the text of an edit goes with it. */
export function release(chat: number): void {
  const d = draftOf(chat);
  d.value = { text: d.value.edit === undefined ? d.value.text : '', reply: undefined, edit: undefined };
}

/** Takes it out, to be sent; `put` gives it back when that did not work and nothing else was begun. */
export function take(chat: number): Draft {
  const d = draftOf(chat), taken = d.value;
  d.value = EMPTY;
  return taken;
}
export function put(chat: number, draft: Draft): void {
  const d = draftOf(chat);
  if (d.value.text === '') d.value = draft;
}
export function forgetDrafts(): void { drafts.clear(); }
