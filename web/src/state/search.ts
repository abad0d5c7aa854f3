// SPDX-License-Identifier: Apache-2.0
//
// What is searched for, in which conversation if not in all, and what was found. An answer that is late is not shown.
import { effect, signal } from '@preact/signals';
import { call } from '../engine/engine';
import type { Found } from '../engine/methods';

export const query = signal('');
export const within = signal(0); // a conversation; 0: all
export const found = signal<readonly Found[]>([]);
export const more = signal(false);
export const searching = signal(false);

const PAGE = 50, PAUSE_MS = 120;
let asked = 0, timer = 0;

async function ask(before: number): Promise<void> {
  const mine = ++asked, text = query.value.trim(), chat = within.value;
  searching.value = true;
  try {
    const got = await call('message.search', { text, limit: PAGE, ...(chat === 0 ? {} : { chat }), ...(before === 0 ? {} : { before }) });
    if (mine !== asked) return;
    found.value = before === 0 ? got : [...found.value, ...got];
    more.value = got.length === PAGE;
  } catch {
    if (mine === asked && before === 0) found.value = [];
  } finally {
    if (mine === asked) searching.value = false;
  }
}

export function searchMore(): void {
  const last = found.value[found.value.length - 1];
  if (more.value && !searching.value && last !== undefined) void ask(last.message.id);
}

export function forgetSearch(): void {
  query.value = '';
  within.value = 0;
}

effect(() => {
  const text = query.value.trim();
  void within.value;
  clearTimeout(timer);
  asked++;
  if (text.length >= 2) {
    timer = setTimeout(() => void ask(0), PAUSE_MS);
  } else {
    found.value = [];
    more.value = false;
    searching.value = false;
  }
});
