// SPDX-License-Identifier: Apache-2.0
//
// Which language is spoken: the one that was chosen, else the first of the browser's that there are words in, else English.
export const LANGUAGES = ['en', 'ru'] as const;
export type Language = typeof LANGUAGES[number];

export function isLanguage(x: unknown): x is Language { return (LANGUAGES as readonly unknown[]).includes(x); }

export const KEPT = 'settings'; // where state/settings.ts keeps what was chosen

export function language(): Language {
  try {
    const { language } = JSON.parse(localStorage.getItem(KEPT) ?? '{}') as { language?: unknown };
    if (isLanguage(language)) return language;
  } catch { /* as if nothing were kept */ }
  return navigator.languages.map(l => l.slice(0, 2)).find(isLanguage) ?? 'en';
}
