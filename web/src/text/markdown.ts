// SPDX-License-Identifier: Apache-2.0
//
// A subset of Markdown to a tree: bold, italic, struck, code, blocks of code, quotes, lists, links. No HTML, no images, no
// headings: a `<` is a `<`. Each character is looked at a bounded number of times, and what does not close stays as it was written.

export type Tag = 'strong' | 'em' | 's' | 'code' | 'pre' | 'blockquote' | 'ul' | 'ol' | 'li' | 'p';
export interface Node { tag: Tag | 'a'; href?: string; children: Tree }
export type Tree = (string | Node)[];

const DEPTH_MAX = 8;
const URL_START = /(?:https?:\/\/|mailto:|whimbrel:|tg:\/\/|socks5h?:\/\/)[^\s<>"'`]+/iuy;
const LINK = /\[([^\]\n]{1,300})\]\(([^\s()<>"]{1,2000})\)/uy;
const SAFE = /^(?:https?:\/\/|mailto:|whimbrel:|tg:\/\/|socks5h?:\/\/)/i;
const MARKS: [string, Tag][] = [['**', 'strong'], ['__', 'strong'], ['~~', 's'], ['*', 'em'], ['_', 'em']];

function wordlike(c: string | undefined): boolean { return c !== undefined && /[\p{L}\p{N}]/u.test(c); }

// Where a mark closes, or -1. It does not open before a space nor close after one, and _ does neither inside a word. The search is
// short, so that a line of nothing but marks costs no more than its length many times over.
function closing(text: string, mark: string, from: number): number {
  const c = text[from];
  if (c === undefined || /\s/.test(c) || (mark[0] === '_' && wordlike(text[from - mark.length - 1]))) return -1;
  const end = Math.min(text.length, from + 2000);
  for (let i = from + 1; i <= end - mark.length; i++) {
    if (!text.startsWith(mark, i) || /\s/.test(text[i - 1] ?? ' ')) continue;
    if (mark.length === 1 && (text[i + 1] === mark || text[i - 1] === mark)) continue;
    if (mark[0] === '_' && wordlike(text[i + mark.length])) continue;
    return i;
  }
  return -1;
}

// An address ends before the punctuation of the sentence it stands in.
function trimmed(url: string): string {
  let u = url.replace(/[.,;:!?\u2026*_~]+$/u, '');
  while (u.endsWith(')') && !u.includes('(')) u = u.slice(0, -1).replace(/[.,;:!?]+$/u, '');
  return u;
}

interface Taken { node: Node; length: number }

function link(text: string, i: number): Taken | undefined {
  if (text[i] === '[') {
    LINK.lastIndex = i;
    const m = LINK.exec(text);
    if (m?.[1] === undefined || m[2] === undefined || !SAFE.test(m[2])) return undefined;
    return { node: { tag: 'a', href: m[2], children: [m[1]] }, length: m[0].length };
  }
  if (!/[hmwts]/i.test(text[i] ?? '') || wordlike(text[i - 1])) return undefined;
  URL_START.lastIndex = i;
  const m = URL_START.exec(text);
  if (m === null) return undefined;
  const url = trimmed(m[0]);
  return url.length < 9 ? undefined : { node: { tag: 'a', href: url, children: [url] }, length: url.length };
}

function code(text: string, i: number): Taken | undefined {
  if (text[i] !== '`') return undefined;
  const end = text.indexOf('`', i + 1);
  return end <= i + 1 ? undefined : { node: { tag: 'code', children: [text.slice(i + 1, end)] }, length: end + 1 - i };
}

function marked(text: string, i: number, depth: number): Taken | undefined {
  if (depth >= DEPTH_MAX) return undefined;
  for (const [mark, tag] of MARKS) {
    if (!text.startsWith(mark, i)) continue;
    const end = closing(text, mark, i + mark.length);
    if (end >= 0) return { node: { tag, children: inline(text.slice(i + mark.length, end), depth + 1) }, length: end + mark.length - i };
  }
  return undefined;
}

export function inline(text: string, depth = 0): Tree {
  const out: Tree = [];
  let plain = '', tries = 0;
  for (let i = 0; i < text.length;) {
    if (text[i] === '\\' && /[*_~`[\]\\>#-]/.test(text[i + 1] ?? '')) {
      plain += text[i + 1] ?? '';
      i += 2;
      continue;
    }
    const c = text[i] ?? '';
    const special = '*_~`[hmwtsHMWTS'.includes(c);
    const taken = special && tries < 2000 ? code(text, i) ?? link(text, i) ?? marked(text, i, depth) : undefined;
    if (special && '*_~`['.includes(c)) tries++;
    if (taken === undefined) {
      plain += c;
      i++;
      continue;
    }
    if (plain !== '') out.push(plain);
    plain = '';
    out.push(taken.node);
    i += taken.length;
  }
  if (plain !== '') out.push(plain);
  return out;
}

const BULLET = /^\s{0,3}[-*+]\s+(.*)$/, NUMBER = /^\s{0,3}\d{1,4}[.)]\s+(.*)$/, QUOTE = /^>\s?(.*)$/, FENCE = /^```/;

// The lines from `i` on that `pattern` takes, and where they end.
function gather(lines: string[], i: number, pattern: RegExp): [string[], number] {
  const found: string[] = [];
  for (; i < lines.length; i++) {
    const m = pattern.exec(lines[i] ?? '');
    if (m === null) break;
    found.push(m[1] ?? '');
  }
  return [found, i];
}

/** The whole of a message. */
export function markdown(text: string, depth = 0): Tree {
  const lines = text.split('\n'), out: Tree = [];
  let paragraph: string[] = [];
  const close = (): void => {
    if (paragraph.some(l => l.trim() !== '')) out.push({ tag: 'p', children: inline(paragraph.join('\n').replace(/^\n+|\n+$/g, '')) });
    paragraph = [];
  };
  for (let i = 0; i < lines.length;) {
    const line = lines[i] ?? '';
    const end = FENCE.test(line) ? lines.findIndex((l, n) => n > i && FENCE.test(l)) : -1;
    const list: [RegExp, Tag] | undefined = BULLET.test(line) ? [BULLET, 'ul'] : NUMBER.test(line) ? [NUMBER, 'ol'] : undefined;
    if (end >= 0) {
      close();
      out.push({ tag: 'pre', children: [lines.slice(i + 1, end).join('\n')] });
      i = end + 1;
    } else if (QUOTE.test(line) && depth < 3) {
      close();
      const [inner, next] = gather(lines, i, QUOTE);
      out.push({ tag: 'blockquote', children: markdown(inner.join('\n'), depth + 1) });
      i = next;
    } else if (list !== undefined) {
      close();
      const [items, next] = gather(lines, i, list[0]);
      out.push({ tag: list[1], children: items.map(x => ({ tag: 'li' as const, children: inline(x) })) });
      i = next;
    } else {
      if (line.trim() === '') close();
      else paragraph.push(line);
      i++;
    }
  }
  close();
  return out;
}

/** Without marks, in one line: for lists of conversations and quotations. */
export function flat(text: string): string {
  const walk = (t: Tree): string => t.map(n => typeof n === 'string' ? n : walk(n.children) + (/^(p|li|pre|blockquote)$/.test(n.tag) ? ' ' : '')).join('');
  return walk(markdown(text.slice(0, 400))).replace(/\s+/g, ' ').trim();
}
