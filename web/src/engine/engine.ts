// SPDX-License-Identifier: Apache-2.0
//
// The engine as the rest of the page sees it: typed calls, events, and whether it is there.
import { signal } from '@preact/signals';
import { Connection, type Phase } from './connection';
import type { Events, Methods } from './methods';

const begun = globalThis.begun!; // begin.ts has run
export const token = begun.token;
export const phase = signal<Phase>('connecting');

const connection = new Connection(begun);

export function call<M extends keyof Methods>(method: M, params?: Methods[M]['params']): Promise<Methods[M]['result']> {
  return connection.call(method, params) as Promise<Methods[M]['result']>;
}

type Handler<E extends keyof Events> = (params: Events[E]) => void;
const handlers = new Map<string, Handler<never>[]>();

export function on<E extends keyof Events>(event: E, handler: Handler<E>): void {
  handlers.set(event, [...(handlers.get(event) ?? []), handler]);
}

/** `ready` runs whenever the engine is there, the first time and after each break. */
export function start(ready: () => void): void {
  connection.onPhase = p => {
    phase.value = p;
    if (p === 'open') ready();
  };
  connection.onEvent = (method, params) => {
    for (const h of handlers.get(method) ?? []) h(params as never);
  };
  addEventListener('focus', () => connection.hurry());
  connection.start();
}

export function hurry(): void { connection.hurry(); }
