// SPDX-License-Identifier: Apache-2.0
//
// What the engine can be asked. The types are made of its schema (tools/rpc), and `has` tells whether it has a method: the page is built
// into the engine, from the same tree, so the schema's list of methods is put in when it is built.
import type { Methods } from '../../../build/ts/rpc';

export type { Chat, Contact, Events, File as FileInfo, Found, Invite, Last, Member, Message, Methods, Proxy, Quote, Receipt, Request, Route, Warning } from '../../../build/ts/rpc';
export type Profile = Methods['profile.status']['result'];
export type Status = Methods['engine.status']['result'];

declare const METHODS: string; // names, with a space between (tools/web)
const methods = new Set(METHODS.split(' '));

export function has(method: string): boolean { return methods.has(method); }
