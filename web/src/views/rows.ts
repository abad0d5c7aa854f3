// SPDX-License-Identifier: Apache-2.0
//
// The rows of a timeline: messages, and marks of days and of what is new between them. A row that says the same as before is the same
// object as before, so that it is not drawn again.
import type { Message } from '../engine/methods';
import { dayNumber } from '../strings/strings';

export type Row = { key: string; guess: number } & ({ what: 'message'; item: Message; first: boolean; last: boolean } | { what: 'day'; time: number } | { what: 'new' });

const TOGETHER_MS = 5 * 60_000;

function together(a: Message | undefined, b: Message | undefined): boolean {
  return a !== undefined && b !== undefined && a.from === b.from && a.kind !== 'notice' && b.kind !== 'notice' && b.time - a.time < TOGETHER_MS &&
    dayNumber(a.time) === dayNumber(b.time);
}

// Good enough that the scroll bar does not jump much: of a bubble some fifty letters stand in a line.
function guess(i: Message): number { return i.kind === 'notice' ? 36 : 42 + 20 * Math.min(30, Math.floor(i.text.length / 50)) + (i.kind === 'reply' ? 48 : 0); }

function message(item: Message, first: boolean, last: boolean, before: Row | undefined): Row {
  if (before?.what === 'message' && before.item === item && before.first === first && before.last === last) return before;
  return { key: `m${item.id}`, guess: guess(item), what: 'message', item, first, last };
}

/** `after`: the message behind which what is new begins; 0 for no such mark. */
export function rowsOf(items: readonly Message[], after: number, before: readonly Row[]): Row[] {
  const old = new Map(before.map(r => [r.key, r])), rows: Row[] = [];
  let marked = after === 0;
  items.forEach((item, i) => {
    const last = items[i - 1], next = items[i + 1];
    if (last === undefined || dayNumber(last.time) !== dayNumber(item.time)) {
      const key = `d${dayNumber(item.time)}.${item.id}`;
      rows.push(old.get(key) ?? { key, guess: 44, what: 'day', time: item.time });
    }
    const mark = !marked && item.id > after && item.from !== 0;
    if (mark) {
      marked = true;
      rows.push(old.get('new') ?? { key: 'new', guess: 36, what: 'new' });
    }
    rows.push(message(item, mark || !together(last, item), !together(item, next), old.get(`m${item.id}`)));
  });
  return rows;
}
