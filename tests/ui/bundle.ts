// SPDX-License-Identifier: Apache-2.0
//
// bundle: what a browser loads of the page, read out of the files themselves: all that the list of conversations and a conversation need, and the rest.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

export const FIRST_MAX = 60 * 1024; // bytes, gzip (docs/performance.md)

/** The files that a page in this language begins with: what index.html names, what that needs in turn, and the words. */
export function first(web: string, language: string): string[] {
  const names = readdirSync(web), words = names.find(n => n.startsWith(`${language}-`));
  const wanted = ['index.html', ...words === undefined ? [] : [words]];
  for (const name of wanted) {
    const text = readFileSync(join(web, name), 'utf8');
    const needs = name.endsWith('.html') ? text.matchAll(/(?:src|href)="([\w.-]+)"/g) : name.endsWith('.js') ? text.matchAll(/(?:from|import)\s*"\.\/([\w.-]+)"/g) : [];
    for (const [, n] of needs) if (!wanted.includes(n!)) wanted.push(n!);
  }
  return wanted;
}

export function gzipped(web: string, names: readonly string[]): number {
  return names.reduce((sum, n) => sum + gzipSync(readFileSync(join(web, n)), { level: 9 }).length, 0);
}
