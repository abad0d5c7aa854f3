// SPDX-License-Identifier: Apache-2.0
//
// People in a text: [name](whimbrel:u/ACCOUNT) in what is sent, @name where one writes. Pure.
export interface Named { name: string; account: string }

const SENT = /\[([^\]\n]{1,200})\]\(whimbrel:u\/([0-9a-f]{64})\)/g;
const ABOUT = /(?:^|[\s(])@([^\s@]{0,40})$/u;

/** As it is written: links to people become @name. */
export function asWritten(text: string): string { return text.replace(SENT, (_, name: string) => `@${name.replace(/^@/, '')}`); }

/** As it is sent: @name of one of these people becomes a link; the longest name that fits counts. */
export function asSent(text: string, people: readonly Named[]): string {
  const longest = [...people].filter(p => p.name !== '').sort((a, b) => b.name.length - a.name.length);
  let out = '';
  for (let i = 0; i < text.length;) {
    const free = text[i] === '@' && (i === 0 || /[\s(]/.test(text[i - 1]!));
    const who = free ? longest.find(p => text.startsWith(p.name, i + 1) && !/[\p{L}\p{N}]/u.test(text[i + 1 + p.name.length] ?? '')) : undefined;
    if (who === undefined) {
      out += text[i];
      i++;
    } else {
      out += `[${who.name.replace(/[[\]\n]/g, '')}](whimbrel:u/${who.account})`;
      i += 1 + who.name.length;
    }
  }
  return out;
}

/** The beginning of a name that is being written before the cursor, or undefined. */
export function beingWritten(before: string): string | undefined { return ABOUT.exec(before)?.[1]; }
