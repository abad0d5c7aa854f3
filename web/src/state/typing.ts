// SPDX-License-Identifier: Apache-2.0
//
// Who is writing where, for as long as it counts.
import { signal } from '@preact/signals';
import { call, on } from '../engine/engine';

const COUNTS_MS = 8000;
export const typing = signal<ReadonlyMap<number, readonly number[]>>(new Map()); // contacts, by conversation
const timers = new Map<string, number>();

function set(chat: number, contact: number, is: boolean): void {
  const others = (typing.value.get(chat) ?? []).filter(c => c !== contact), all = new Map(typing.value);
  if (is) others.push(contact);
  if (others.length > 0) all.set(chat, others);
  else all.delete(chat);
  typing.value = all;
}

const AGAIN_MS = 4000;
const told = new Map<number, number>(); // when others were told, by conversation; not there: they think that one does not write

/** One's own writing: told now and then while it goes on, and once when it ends. */
export function tellTyping(chat: number, is: boolean): void {
  const last = told.get(chat);
  if (is ? last !== undefined && Date.now() - last < AGAIN_MS : last === undefined) return;
  if (is) told.set(chat, Date.now());
  else told.delete(chat);
  void call('chat.typing', { chat, typing: is }).catch(() => undefined);
}

on('typing', e => {
  const key = `${e.chat}.${e.contact}`;
  clearTimeout(timers.get(key));
  set(e.chat, e.contact, e.typing);
  if (e.typing) timers.set(key, setTimeout(() => set(e.chat, e.contact, false), COUNTS_MS));
});
on('message', () => { if (typing.value.size > 0) typing.value = new Map(); }); // who has written has written
