// SPDX-License-Identifier: Apache-2.0
//
// Files of messages: how far each is, their small pictures, their content as blob: addresses for as long as it is likely to be looked at, and those
// that are on their way out. This is the only code that writes them.
import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { call, on } from '../engine/engine';
import { fetchFile, playFrom, upload } from '../engine/media';
import type { FileInfo, Methods } from '../engine/methods';
import { fromBase64 } from '../text/base64';
import { attempt } from './notices';
import { imageKind } from './pictures';

const newer = new Map<number, Signal<FileInfo | undefined>>(); // what events have told, by the file's number

function newerOf(file: number): Signal<FileInfo | undefined> {
  const there = newer.get(file) ?? signal<FileInfo | undefined>(undefined);
  newer.set(file, there);
  return there;
}

/** How a file is now. */
export function fileNow(f: FileInfo): FileInfo { return newerOf(f.id).value ?? f; }

// ------------------------------------------------------------------------------------------------------------ what is shown

const URLS = 40; // that are kept at once
const urls = new Map<string, Signal<string | undefined>>();

// A blob: address of something that is asked for once; the one longest unused goes first.
function urlOf(key: string, get: () => Promise<Blob | undefined>): ReadonlySignal<string | undefined> {
  const there = urls.get(key) ?? signal<string | undefined>(undefined), fresh = !urls.has(key);
  urls.delete(key);
  urls.set(key, there);
  if (fresh) {
    get().then(b => { if (b !== undefined && urls.get(key) === there) there.value = URL.createObjectURL(b); }, () => urls.delete(key));
  }
  for (const [old, s] of urls) {
    if (urls.size <= URLS) break;
    if (s.value !== undefined) URL.revokeObjectURL(s.value);
    urls.delete(old);
  }
  return there;
}

export function thumbnailOf(f: FileInfo): string | undefined {
  if (f.thumbnail === '') return undefined;
  return urlOf(`t${f.id}`, async () => {
    const bytes = fromBase64((await call('file.thumbnail', { file: f.id })).bytes), kind = imageKind(bytes);
    return kind === undefined ? undefined : new Blob([bytes], { type: kind });
  }).value;
}

/** The whole of it, once it is here. */
export function contentOf(f: FileInfo): string | undefined { return f.state !== 'here' || f.message === 0 ? undefined : urlOf(`f${f.id}`, () => fetchFile(f.message)).value; }

export async function save(f: FileInfo): Promise<void> {
  const blob = await attempt(fetchFile(f.message));
  if (blob !== undefined) download(blob, f.name);
}

/** The one sound or film that plays: each holds a connection to the engine, of which a browser opens few. */
export const playing = signal<{ file: number; from: string } | undefined>(undefined);

export async function play(f: FileInfo): Promise<void> {
  const from = await attempt(playFrom(f.message));
  if (from !== undefined) playing.value = { file: f.id, from };
}

const saving = new Set<string>(); // the blob: addresses of what is downloaded

/** Into the browser's folder of downloads. */
export function download(blob: Blob, name: string): void {
  const a = document.createElement('a'), at = URL.createObjectURL(blob);
  saving.add(at);
  a.href = at;
  a.download = name;
  a.click();
  setTimeout(() => forgetSaved(at), 60_000);
}
function forgetSaved(at: string): void {
  saving.delete(at);
  URL.revokeObjectURL(at);
}

// ------------------------------------------------------------------------------------------------------------- what leaves

/** On its way from the page to the engine; then it is one of `leaving`. */
export interface Handing { key: number; chat: number; name: string; part: number; stop: () => void }
export const handing = signal<readonly Handing[]>([]);
export const leaving = signal<ReadonlyMap<number, FileInfo>>(new Map()); // by number: not messages yet
let last = 0;

export type About = Omit<Methods['file.send']['params'], 'chat' | 'path' | 'upload'>;

export async function sendFile(chat: number, bytes: Blob, about: About): Promise<void> {
  const key = ++last, stop = new AbortController();
  handing.value = [...handing.value, { key, chat, name: about.name ?? '', part: 0, stop: () => stop.abort() }];
  try {
    const number = await upload(bytes, part => { handing.value = handing.value.map(h => h.key === key ? { ...h, part } : h); }, stop.signal);
    await call('file.send', { chat, upload: number, ...about });
  } catch (e) {
    if (!stop.signal.aborted) await attempt(Promise.reject(e));
  } finally {
    handing.value = handing.value.filter(h => h.key !== key);
  }
}

/** After a break: what events told may be old. */
export function doubtFiles(): void { for (const s of newer.values()) s.value = undefined; }

/** What was on its way before the page was opened. */
export async function loadLeaving(): Promise<void> {
  const all = await call('file.list', { moving: true });
  leaving.value = new Map(all.filter(isLeaving).map(f => [f.id, f]));
}
function isLeaving(f: FileInfo): boolean { return f.from === 0 && f.message === 0; }

function set(file: number, f: FileInfo | undefined): void {
  if (f === undefined && !leaving.value.has(file)) return;
  const all = new Map(leaving.value);
  if (f === undefined) all.delete(file);
  else all.set(file, f);
  leaving.value = all;
}

on('file', e => {
  newerOf(e.file.id).value = e.file;
  set(e.file.id, isLeaving(e.file) ? e.file : undefined);
});
on('file.gone', e => set(e.file, undefined));

export function forgetFiles(): void {
  for (const s of urls.values()) if (s.value !== undefined) URL.revokeObjectURL(s.value);
  urls.clear();
  for (const at of saving) forgetSaved(at);
  newer.clear();
  playing.value = undefined;
  leaving.value = new Map();
}
