// SPDX-License-Identifier: Apache-2.0
//
// How hard a passphrase is to guess, roughly, and one that is hard. The engine makes each guess dear (Argon2id), so what
// matters is that it is long and not a pattern.

/** 0: too easy to take, 1: weak, 2: good, 3: strong. */
export function strength(p: string): 0 | 1 | 2 | 3 {
  const kinds = [/\p{Ll}/u, /\p{Lu}/u, /\p{N}/u, /[^\p{L}\p{N}\s]/u, /\s/u].filter(k => k.test(p)).length;
  const letters = [...p.toLocaleLowerCase()], different = new Set(letters).size;
  // A letter that follows its neighbour, as in abc, 321 or aaa, hardly counts.
  let counted = 0;
  letters.forEach((c, i) => {
    const step = i === 0 ? 9 : Math.abs(c.codePointAt(0)! - letters[i - 1]!.codePointAt(0)!);
    counted += step <= 1 ? 0.2 : 1;
  });
  const bits = Math.min(counted, different * 2.5) * (2 + kinds * 0.6);
  if (letters.length < 8 || bits < 22) return 0;
  return bits < 34 ? 1 : bits < 50 ? 2 : 3;
}

const CONSONANTS = 'bdfghjklmnprstvz', VOWELS = 'aeiou';

/** Five words that can be said, of two syllables each: 63 bits. */
export function suggestion(): string {
  const limit = CONSONANTS.length * VOWELS.length; // 80
  const syllable = (): string => {
    for (;;) {
      const n = crypto.getRandomValues(new Uint8Array(1))[0]!;
      if (n < limit * 3) return CONSONANTS[n % limit % 16]! + VOWELS[Math.floor(n % limit / 16)]!;
    }
  };
  return Array.from({ length: 5 }, () => syllable() + syllable()).join(' ');
}
