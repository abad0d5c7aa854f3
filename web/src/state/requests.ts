// SPDX-License-Identifier: Apache-2.0
//
// Letting people in who ask to talk, and hearing nothing of them any more.
import { call } from '../engine/engine';
import { attempt } from './notices';
import { directWith, loadChats, loadContacts } from './people';
import { go } from './route';

export async function answer(contact: number, accept: boolean): Promise<void> {
  await attempt(call('contact.answer', { contact, accept }));
  await Promise.all([loadContacts(), loadChats()]);
  const chat = directWith(contact);
  if (accept && chat !== undefined) go('chat', chat.id);
}

/** Nothing is heard of them any more; or that is over. */
export async function block(contact: number, blocked: boolean): Promise<void> {
  await attempt(call('contact.block', { contact, blocked }));
  await Promise.all([loadContacts(), loadChats()]);
}
