// SPDX-License-Identifier: Apache-2.0
//
// What the engine can be asked. The types are made of its schema (tools/rpc), and `has` tells whether it has a method: the page is built
// into the engine, from the same tree, so the schema's list of methods is put in when it is built.
import type { Chat as KnownChat, Events as KnownEvents, Methods as Known } from '../../../build/ts/rpc';

export type { Contact, Last, Message, Quote, Warning } from '../../../build/ts/rpc';

export type Chat = Omit<KnownChat, 'state'> & { state: KnownChat['state'] | 'removed' };
// What this page can use and not every engine has.
export interface Member { contact: number; account: string; admin: boolean }
interface Perhaps {
  'profile.status': { params: object; result: { state: 'none' | 'locked' | 'open'; name: string } };
  'profile.create': { params: { name: string; passphrase: string; relay: string; password?: string }; result: true };
  'profile.unlock': { params: { passphrase: string }; result: true };
  'profile.lock': { params: object; result: true };
  'chat.members': { params: { chat: number }; result: Member[] };
  'chat.rename': { params: { chat: number; name: string }; result: true };
  'chat.role': { params: { chat: number; contact: number; admin: boolean }; result: true };
}
export type Methods = Known & Omit<Perhaps, keyof Known>;
export type Events = KnownEvents & { profile: { state: string } };

export type Profile = Methods['profile.status']['result'];
export type Status = Methods['engine.status']['result'];

declare const METHODS: string; // names, with a space between (tools/web)
const methods = new Set(METHODS.split(' '));

export function has(method: keyof Methods): boolean { return methods.has(method); }
