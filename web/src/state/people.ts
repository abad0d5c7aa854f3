// SPDX-License-Identifier: Apache-2.0
//
// Contacts, conversations and warnings, as the engine last told them. This is the only code that writes them.
import { batch, computed, signal } from '@preact/signals';
import { Failure } from '../engine/connection';
import { call, on } from '../engine/engine';
import { FIRST_CHATS } from '../engine/first';
import type { Chat, Contact, Methods, Request, Status, Warning } from '../engine/methods';
import { t } from '../strings/strings';
import { tameName } from '../text/plain';
import { openChat } from './route';

const NOT_FOUND = 2;

export const status = signal<Status | undefined>(undefined);
export const contacts = signal<ReadonlyMap<number, Contact>>(new Map());
export const chatById = signal<ReadonlyMap<number, Chat>>(new Map());
export const warnings = signal<readonly Warning[]>([]);

/** Who asks to be taken into groups that one leads. */
export const knocks = signal<readonly Request[]>([]);

/** Pinned ones first, then by when something was last said. */
const sorted = computed(() => [...chatById.value.values()].sort((a, b) =>
  Number(b.pinned) - Number(a.pinned) || timeOf(b) - timeOf(a) || b.id - a.id));
export const listed = computed(() => sorted.value.filter(c => !c.archived && !c.hidden));
export const archived = computed(() => sorted.value.filter(c => c.archived && !c.hidden));
/** All in them was deleted here; whoever looks for their names finds them, to begin anew. */
export const hidden = computed(() => sorted.value.filter(c => c.hidden));
export const requests = computed(() => [...contacts.value.values()].filter(c => c.state === 'request'));
export const known = computed(() => [...contacts.value.values()].filter(c => c.state === 'known'));
export const byAccount = computed(() => new Map([...contacts.value.values()].map(c => [c.account, c])));
/** Conversations with something unread that may ask for attention. */
export const waiting = computed(() => listed.value.filter(c => c.unread > 0 && !isMuted(c)).length);

export function isMuted(chat: Chat): boolean { return chat.muted > Date.now(); }
export function directWith(contact: number): Chat | undefined {
  return [...chatById.value.values()].find(c => c.kind === 'direct' && c.contact === contact);
}

const lettersOf = (name: string): string => name.toLowerCase().replace(/\P{L}/gu, '');

export function nameOf(contact: number): string {
  if (contact === 0) return t('you');
  const name = tameName(contacts.value.get(contact)?.name ?? '', t('somebody'));
  return lettersOf(name) === lettersOf(t('you')) ? `${name} (${contact})` : name; // "you" is oneself, and nobody else
}

export function timeOf(chat: Chat): number { return chat.last?.time ?? chat.created; }

export function titleOf(chat: Chat): string {
  if (chat.kind === 'self') return t('notesToSelf');
  return chat.contact !== 0 ? nameOf(chat.contact) : tameName(chat.name, t('group'));
}

/** What an avatar's colour is made of: it must not change with the name. */
export function seedOf(chat: Chat): string { return contacts.value.get(chat.contact)?.account ?? `${chat.kind}${chat.id}`; }

/** Whether somebody is who they say, in a word. */
export function verifiedWord(c: Contact): string {
  return c.state === 'blocked' ? t('blocked') : c.state === 'request' ? t('chatRequest') : c.verified ? t('verified') : t('notVerified');
}

// Several events at once ask once.
function gathered(work: () => Promise<void>): () => Promise<void> {
  let under: Promise<void> | undefined, again = false;
  const run = async (): Promise<void> => {
    do {
      again = false;
      await work();
    } while (again);
  };
  return () => {
    if (under !== undefined) again = true;
    else under = run().catch(() => undefined).finally(() => { under = undefined; });
    return under ?? Promise.resolve();
  };
}

export const loadStatus = gathered(async () => { status.value = await call('engine.status'); });
export const loadContacts = gathered(async () => { contacts.value = new Map((await call('contact.list')).map(c => [c.id, c])); });
const byId = (list: readonly Chat[]): ReadonlyMap<number, Chat> => new Map(list.map(c => [c.id, c]));
export const loadChats = gathered(async () => { chatById.value = byId(await call('chat.list')); });
export const loadKnocks = gathered(async () => { knocks.value = await call('chat.requests'); });
export const loadWarnings = gathered(async () => { warnings.value = await call('warning.list'); });

// One conversation, or a few: with a thousand of them the whole list is not asked for again.
const touched = new Set<number>();
const loadTouched = gathered(async () => {
  const ids = [...touched];
  touched.clear();
  const found = await Promise.all(ids.map(id => call('chat.get', { chat: id }).catch((e: unknown) => {
    if (e instanceof Failure && e.code === NOT_FOUND) return undefined;
    throw e;
  })));
  const all = new Map(chatById.value);
  ids.forEach((id, i) => {
    const c = found[i];
    if (c === undefined) all.delete(id);
    else all.set(id, c);
  });
  chatById.value = all;
});
export function loadChat(chat: number): Promise<void> {
  touched.add(chat);
  return loadTouched();
}

// The first conversations, so that they can be seen before a thousand others have been read; those are asked for when these have been drawn.
async function loadFirst(): Promise<void> {
  const some = await call('chat.list', { limit: FIRST_CHATS });
  if (some.length === FIRST_CHATS && openChat.value !== 0 && !some.some(c => c.id === openChat.value)) return loadChats();
  chatById.value = byId(some);
  if (some.length === FIRST_CHATS) requestAnimationFrame(() => setTimeout(() => void loadChats()));
}

export async function loadPeople(): Promise<void> {
  await Promise.all([loadStatus(), loadContacts(), chatById.value.size === 0 ? loadFirst() : loadChats(), loadWarnings(), loadKnocks()]);
}

/** Somebody has read it. */
export async function seen(warning: number): Promise<void> {
  await call('warning.seen', { warning });
  await loadWarnings();
}

/** Somebody has seen that people of a conversation have other devices, as they are shown now, and says that these are theirs. */
export async function confirmKeys(chat: Chat): Promise<true> {
  for (const contact of chat.held) await call('contact.confirm', { contact, seen: contacts.value.get(contact)?.changed ?? 0 });
  await Promise.all([loadContacts(), loadChat(chat.id)]);
  return true;
}

/** How a conversation stands for oneself: pinned, archived, muted. */
export async function setChat(chat: number, how: Omit<Methods['chat.set']['params'], 'chat'>): Promise<void> {
  await call('chat.set', { chat, ...how });
  await loadChat(chat);
}

/** All of a conversation goes, on this device. */
export async function deleteChat(chat: number): Promise<true> {
  await call('chat.delete', { chat });
  await loadChat(chat);
  return true;
}

/** All up to a message was read. */
export function markRead(chat: Chat, message: number): void {
  if (message <= chat.read_to && chat.unread === 0) return;
  void call('chat.read', { chat: chat.id, message }).then(() => loadChat(chat.id), () => undefined);
}

export function forgetPeople(): void {
  batch(() => {
    status.value = undefined;
    contacts.value = new Map();
    chatById.value = new Map();
    warnings.value = [];
    knocks.value = [];
  });
}

on('link', () => void loadStatus());
on('contact', () => void loadContacts());
on('chat', c => {
  void loadChat(c.chat);
  void loadKnocks();
});
on('warning', () => void loadWarnings());
on('message.gone', m => void loadChat(m.chat));
on('message', m => void loadChat(m.chat));
