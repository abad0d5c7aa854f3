// SPDX-License-Identifier: Apache-2.0
//
// Short notes on what was done or did not work, which pass by themselves.
import { signal } from '@preact/signals';
import { AWAY, Failure } from '../engine/connection';
import { said, t } from '../strings/strings';

export interface Note { key: number; text: string; bad: boolean }

export const notes = signal<Note[]>([]);
const NOTE_MS = 5000, HELD = 6; // docs/rpc.md
let last = 0;

export function note(text: string, bad = false): void {
  const key = ++last;
  notes.value = [...notes.value.slice(-2), { key, text, bad }];
  setTimeout(() => { notes.value = notes.value.filter(n => n.key !== key); }, NOTE_MS);
}

/** A sentence for what went wrong. The engine's own sentences are made for people, in English. */
export function reason(e: unknown): string {
  if (e instanceof Failure) return e.code === AWAY ? t('engineAway') : e.code === HELD ? t('heldNote') : sentence(said(e.message));
  return String(e);
}
/** With a capital and a full stop. */
export function sentence(s: string): string { return s === '' ? s : s[0]!.toLocaleUpperCase() + s.slice(1) + (/[.!?]$/.test(s) ? '' : '.'); }

/** Does it, and says what went wrong; undefined then. */
export async function attempt<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (e) {
    note(reason(e), true);
    return undefined;
  }
}
