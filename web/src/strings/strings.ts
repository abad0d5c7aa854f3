// SPDX-License-Identifier: Apache-2.0
//
// Words, numbers and times in the language that was chosen. Each sentence is an entry of en.ts; ru.ts has the same ones. {name} is
// put in isolated, so that a name written from the other side does not turn the sentence around; {n} also chooses the plural.
import { signal } from '@preact/signals';
import { settings } from '../state/settings';
import type { en } from './en';

export type Entry = string | Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };
export type Key = keyof typeof en;
const catalogue = signal<Partial<Record<Key, Entry>>>({});

/** Gets the words of the language that was chosen; until they are here the others stay. */
export async function loadWords(): Promise<void> {
  const wanted = settings.value.language, words = wanted === 'ru' ? (await import('./ru')).ru : (await import('./en')).en;
  if (settings.value.language === wanted) catalogue.value = words;
  if (wanted === 'ru') void import('./said').then(m => { heard = m.said; }, () => undefined); // nobody waits for it
}

let heard: Record<string, string> = {};

/** A sentence of the engine, in the language that was chosen where it is known in that. */
export function said(text: string): string { return settings.value.language === 'ru' ? heard[text] ?? text : text; }

type Params = Record<string, string | number>;

// What the browser knows of a language is slow to make, and quick to use.
function kept<T>(make: (language: string) => T): (language: string) => T {
  const all = new Map<string, T>();
  return language => {
    const there = all.get(language) ?? make(language);
    all.set(language, there);
    return there;
  };
}
const plurals = kept(l => new Intl.PluralRules(l)), numbers = kept(l => new Intl.NumberFormat(l));

export function t(key: Key, params?: Params): string {
  const language = settings.value.language, entry = catalogue.value[key] ?? '';
  const n = params?.['n'];
  const text = typeof entry === 'string' ? entry : entry[plurals(language).select(Number(n ?? 0))] ?? entry.other;
  if (params === undefined) return text;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const p = params[name];
    return p === undefined ? whole : typeof p === 'number' ? numbers(language).format(p) : `\u2068${p}\u2069`;
  });
}

// The browser's own variety of the language, for dates: en-GB where that is what it speaks.
function locale(): string {
  const language = settings.value.language;
  return navigator.languages.find(l => l.split('-')[0] === language) ?? language;
}

const formats = new Map<string, Intl.DateTimeFormat>();
function format(time: number, options: Intl.DateTimeFormatOptions): string {
  const key = settings.value.language + JSON.stringify(options);
  const f = formats.get(key) ?? new Intl.DateTimeFormat(locale(), options);
  formats.set(key, f);
  return f.format(time);
}

export function clock(time: number): string { return format(time, { hour: 'numeric', minute: '2-digit' }); }
export function whole(time: number): string { return format(time, { dateStyle: 'full', timeStyle: 'short' }); }

export function dayNumber(time: number): number {
  const d = new Date(time);
  return Math.floor((time - d.getTimezoneOffset() * 60_000) / 86_400_000);
}

/** A date by which a day is known for ever. */
export function longDay(time: number): string { return format(time, { dateStyle: 'full' }); }

/** Today, yesterday, a weekday within the last six days, or a date. */
export function day(time: number, now = Date.now()): string {
  const ago = dayNumber(now) - dayNumber(time);
  if (ago === 0 || ago === 1) {
    const word = new Intl.RelativeTimeFormat(settings.value.language, { numeric: 'auto' }).format(-ago, 'day');
    return word[0]!.toLocaleUpperCase() + word.slice(1);
  }
  if (ago > 1 && ago < 7) return format(time, { weekday: 'long' });
  const sameYear = new Date(time).getFullYear() === new Date(now).getFullYear();
  return format(time, sameYear ? { day: 'numeric', month: 'long' } : { day: 'numeric', month: 'long', year: 'numeric' });
}

/** For lists: the time today, otherwise the day, short. */
export function brief(time: number, now = Date.now()): string {
  const ago = dayNumber(now) - dayNumber(time);
  if (ago === 0) return clock(time);
  if (ago > 0 && ago < 7) return format(time, { weekday: 'short' });
  return format(time, { day: 'numeric', month: 'numeric', year: '2-digit' });
}

export function days(seconds: number): string {
  return new Intl.NumberFormat(settings.value.language, { style: 'unit', unit: 'day', unitDisplay: 'long', maximumFractionDigits: 1 }).format(seconds / 86_400);
}

export function size(bytes: number): string {
  const unit = bytes < 1e3 ? 'byte' : bytes < 1e6 ? 'kilobyte' : bytes < 1e9 ? 'megabyte' : 'gigabyte';
  const n = bytes / { byte: 1, kilobyte: 1e3, megabyte: 1e6, gigabyte: 1e9 }[unit];
  return new Intl.NumberFormat(settings.value.language, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: n < 10 && unit !== 'byte' ? 1 : 0 }).format(n);
}
