// SPDX-License-Identifier: Apache-2.0
//
// Where one is, kept in the fragment of the address so that Back works: #/chat/3, #/chat/3/info, #/settings. Views read `route`
// and call `go`.
import { computed, signal } from '@preact/signals';

export interface Route { page: string; id: number; word: string; part: string; at: number }

function decoded(word: string): string {
  try { return decodeURIComponent(word); } catch { return ''; }
}

function read(): Route {
  const [, page = '', id = '', part = '', at = ''] = location.hash.slice(1).split('/');
  return { page, id: Number(id) || 0, word: decoded(id), part, at: Number(at) || 0 };
}

export const route = signal<Route>(read());
export const openChat = computed(() => route.value.page === 'chat' ? route.value.id : 0);

function look(): void {
  const now = read();
  if (JSON.stringify(now) !== JSON.stringify(route.value)) route.value = now;
}
addEventListener('hashchange', look);

export function href(...parts: (string | number)[]): string { return '#/' + parts.join('/'); }

/** At once: who presses Escape twice in a row has gone twice. */
export function go(...parts: (string | number)[]): void {
  const to = href(...parts);
  if (location.hash !== to) location.hash = to;
  look();
}

/** Instead of where one is: Back does not come here again. */
export function replace(...parts: (string | number)[]): void {
  history.replaceState(null, '', href(...parts));
  route.value = read();
}
