// SPDX-License-Identifier: Apache-2.0
//
// Contacts, conversations and warnings, as the engine last told them. This is the only code that writes them.
import { computed, signal } from '@preact/signals';
import { call, on } from '../engine/engine';
import { type Chat, type Contact, type Status, type Warning, has } from '../engine/methods';
import { t } from '../strings/strings';
import { tameName } from '../text/plain';

export const status = signal<Status | undefined>(undefined);
export const contacts = signal<ReadonlyMap<number, Contact>>(new Map());
export const chats = signal<readonly Chat[]>([]);
export const warnings = signal<readonly Warning[]>([]);
/** Pinned ones first, then by when something was last said. */
export const listed = computed(() => chats.value.filter(c => !c.archived).sort((a, b) =>
  Number(b.pinned) - Number(a.pinned) || timeOf(b) - timeOf(a) || b.id - a.id));
export const chatById = computed(() => new Map(chats.value.map(c => [c.id, c])));
export const requests = computed(() => [...contacts.value.values()].filter(c => c.state === 'request'));
export const known = computed(() => [...contacts.value.values()].filter(c => c.state === 'known'));

export function nameOf(contact: number): string {
  if (contact === 0) return t('you');
  return tameName(contacts.value.get(contact)?.name ?? '', t('somebody'));
}

export function timeOf(chat: Chat): number { return chat.last?.time ?? chat.created; }

export function titleOf(chat: Chat): string {
  if (chat.kind === 'self') return t('notesToSelf');
  return chat.contact !== 0 ? nameOf(chat.contact) : tameName(chat.name, t('group'));
}

/** What an avatar's colour is made of: it must not change with the name. */
export function seedOf(chat: Chat): string { return contacts.value.get(chat.contact)?.account ?? `${chat.kind}${chat.id}`; }

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
export const loadChats = gathered(async () => { chats.value = await call('chat.list'); });

export const loadWarnings = gathered(async () => { if (has('warning.list')) warnings.value = await call('warning.list'); });

export async function loadPeople(): Promise<void> { await Promise.all([loadStatus(), loadContacts(), loadChats(), loadWarnings()]); }

/** Somebody has read it. */
export async function seen(warning: number): Promise<void> {
  await call('warning.seen', { warning });
  await loadWarnings();
}

export function forgetPeople(): void {
  status.value = undefined;
  contacts.value = new Map();
  chats.value = [];
  warnings.value = [];
}

on('link', () => void loadStatus());
on('contact', () => void loadContacts());
on('chat', () => void loadChats());
on('warning', () => void loadWarnings());
on('message', () => void loadChats());
