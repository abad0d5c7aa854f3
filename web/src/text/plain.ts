// SPDX-License-Identifier: Apache-2.0
//
// Text of strangers, made fit to be shown in a line of ours: nothing in it may turn the line around, cover its neighbours or fill the
// screen. Data stays as it came; this is for the eye only.

// Overrides and embeddings of direction, isolates, marks of direction, and controls but for line ends and tabs.
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb]/gu;
// More marks on one letter than any language puts there.
const PILE = /(\p{M}{4})\p{M}+/gu;

export const NAME_MAX = 60;
const TEXT_MAX = 20_000;

/** A message's text: lines stay, tricks go. */
export function tame(text: string): string {
  return clean(text.length > TEXT_MAX ? text.slice(0, TEXT_MAX) + '\u2026' : text);
}

/** The same, however long it is. */
export function clean(text: string): string { return text.replace(/\r\n?/g, '\n').replace(CONTROLS, '').replace(PILE, '$1'); }

/** A name, in one line; `otherwise` where nothing can be seen of it. */
export function tameName(name: string, otherwise: string): string {
  const line = name.slice(0, 4 * NAME_MAX).replace(CONTROLS, '').replace(PILE, '$1').replace(/[\s\u200b-\u200d\u2060\u3164\uffa0]+/gu, ' ').trim();
  if (!/[\p{L}\p{N}\p{S}\p{P}]/u.test(line)) return otherwise;
  const letters = [...line];
  return letters.length > NAME_MAX ? letters.slice(0, NAME_MAX - 1).join('') + '\u2026' : line;
}

/** One or two letters that stand for a name. */
export function initials(name: string): string {
  const words = name.split(' ').map(w => [...w].find(c => /[\p{L}\p{N}]/u.test(c)) ?? '').filter(c => c !== '');
  return ((words[0] ?? [...name][0] ?? '?') + (words.length > 1 ? words[words.length - 1] : '')).toLocaleUpperCase();
}

/** A small number that stays the same for the same text: which colour somebody has. */
export function hue(text: string, of: number): number {
  let h = 7;
  for (let i = 0; i < text.length; i++) h = (h * 31 + text.charCodeAt(i)) >>> 0;
  return h % of;
}

/** Sixty digits in fives. */
export function inFives(digits: string): string[] { return digits.match(/\d{1,5}/g) ?? []; }

const RIGHT_TO_LEFT = /^[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** From which side a text is written: that of its first letter; undefined if it has none. As dir="auto" does, for elements that hold more than the text. */
export function writtenFrom(text: string): 'ltr' | 'rtl' | undefined {
  const letter = /\p{L}/u.exec(text)?.[0];
  return letter === undefined ? undefined : RIGHT_TO_LEFT.test(letter) ? 'rtl' : 'ltr';
}
