// SPDX-License-Identifier: Apache-2.0
//
// How this browser shows things: language, light or dark, size of text, notifications. Kept in localStorage; nothing about people or
// conversations is.
import { effect, signal } from '@preact/signals';
import { KEPT, type Language, language } from '../strings/language';

export type Theme = 'system' | 'light' | 'dark';
export interface Settings { theme: Theme; language: Language; size: number; notify: boolean; sendByEnter: boolean }

function load(): Settings {
  const s: Settings = { theme: 'system', language: language(), size: 100, notify: false, sendByEnter: true };
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT) ?? '{}') as Partial<Settings>;
    if (kept.theme === 'light' || kept.theme === 'dark') s.theme = kept.theme;
    if (typeof kept.size === 'number' && kept.size >= 80 && kept.size <= 200) s.size = kept.size;
    if (typeof kept.notify === 'boolean') s.notify = kept.notify;
    if (typeof kept.sendByEnter === 'boolean') s.sendByEnter = kept.sendByEnter;
  } catch { /* what cannot be read is as if it were not there */ }
  return s;
}

export const settings = signal<Settings>(load());

export function change(some: Partial<Settings>): void {
  settings.value = { ...settings.value, ...some };
  try { localStorage.setItem(KEPT, JSON.stringify(settings.value)); } catch { /* for this time only, then */ }
}

effect(() => {
  const s = settings.value, root = document.documentElement;
  root.lang = s.language;
  root.style.fontSize = s.size === 100 ? '' : `${s.size}%`;
  if (s.theme === 'system') delete root.dataset['theme'];
  else root.dataset['theme'] = s.theme;
});
