// SPDX-License-Identifier: Apache-2.0
//
// QR codes (ISO/IEC 18004) of bytes: byte mode, the lowest level of correction, since screens are not torn. Only encoding.
// The result is a square of modules, true for dark, without the quiet zone around it.

// Of level L, by version from 1: how many correcting bytes each block has, and how many blocks there are.
const CORRECTING = [7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28, 28, 28, 30, 30, 26, 28, 30, 30, 30, 30,
  30, 30, 30, 30, 30, 30, 30, 30, 30, 30];
const BLOCKS = [1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8, 8, 9, 9, 10, 12, 12, 12, 13, 14, 15, 16, 17, 18, 19, 19, 20, 21, 22,
  24, 25];

// The field of 256 elements over x^8 + x^4 + x^3 + x^2 + 1.
const EXP = new Uint8Array(510), LOG = new Uint8Array(256);
for (let i = 0, x = 1; i < 255; i++, x = (x << 1) ^ (x > 127 ? 0x11d : 0)) {
  EXP[i] = EXP[i + 255] = x;
  LOG[x] = i;
}
function times(a: number, b: number): number { return a === 0 || b === 0 ? 0 : EXP[LOG[a]! + LOG[b]!]!; }

// The product of (x - 2^i), highest power left out.
function generator(n: number): Uint8Array {
  const g = new Uint8Array(n);
  g[n - 1] = 1;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) g[j] = times(g[j]!, EXP[i]!) ^ (g[j + 1] ?? 0);
  }
  return g;
}

function correcting(data: Uint8Array, g: Uint8Array): Uint8Array {
  const rest = new Uint8Array(g.length);
  for (const b of data) {
    const f = b ^ rest[0]!;
    rest.copyWithin(0, 1);
    rest[rest.length - 1] = 0;
    for (let i = 0; i < g.length; i++) rest[i]! ^= times(g[i]!, f);
  }
  return rest;
}

function centres(version: number): number[] {
  if (version === 1) return [];
  const n = Math.floor(version / 7) + 2, last = version * 4 + 10;
  const step = version === 32 ? 26 : Math.ceil((version * 4 + 4) / (n * 2 - 2)) * 2;
  return [6, ...Array.from({ length: n - 1 }, (_, i) => last - step * (n - 2 - i))];
}

// How many bytes a version holds, correction included.
function capacity(version: number): number {
  const n = Math.floor(version / 7) + 2;
  let bits = (16 * version + 128) * version + 64;
  if (version > 1) bits -= (25 * n - 10) * n - 55;
  if (version > 6) bits -= 36;
  return bits >> 3;
}
function room(version: number): number { return capacity(version) - CORRECTING[version - 1]! * BLOCKS[version - 1]!; }

function payload(bytes: Uint8Array, version: number): Uint8Array {
  const out = new Uint8Array(room(version));
  let at = 0;
  const put = (value: number, bits: number): void => {
    for (let i = bits - 1; i >= 0; i--, at++) out[at >> 3]! |= ((value >> i) & 1) << (7 - (at & 7));
  };
  put(4, 4);
  put(bytes.length, version < 10 ? 8 : 16);
  for (const b of bytes) put(b, 8);
  for (let i = Math.ceil(Math.min(at + 4, out.length * 8) / 8), pad = 0xec; i < out.length; i++, pad ^= 0xfd) out[i] = pad;
  return out;
}

// Blocks, each with its correction, interleaved.
function interleaved(data: Uint8Array, version: number): Uint8Array {
  const blocks = BLOCKS[version - 1]!, n = CORRECTING[version - 1]!, whole = capacity(version);
  const short = Math.floor(whole / blocks) - n, longer = whole % blocks, g = generator(n);
  const parts: Uint8Array[] = [];
  for (let i = 0, at = 0; i < blocks; i++) {
    const size = short + (i < blocks - longer ? 0 : 1);
    parts.push(data.subarray(at, at + size));
    at += size;
  }
  const out: number[] = [], fixes = parts.map(p => correcting(p, g));
  for (let i = 0; i <= short; i++) for (const p of parts) if (i < p.length) out.push(p[i]!);
  for (let i = 0; i < n; i++) for (const f of fixes) out.push(f[i]!);
  return Uint8Array.from(out);
}

const MASKS: ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 2 === 0, (_, y) => y % 2 === 0, x => x % 3 === 0, (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0, (x, y) => x * y % 2 + x * y % 3 === 0,
  (x, y) => (x * y % 2 + x * y % 3) % 2 === 0, (x, y) => ((x + y) % 2 + x * y % 3) % 2 === 0,
];

type Square = boolean[][];

class Drawing {
  readonly size: number;
  readonly dark: Square;
  private readonly fixed: Square; // patterns, which no mask changes

  constructor(private readonly version: number) {
    this.size = version * 4 + 17;
    const empty = (): Square => Array.from({ length: this.size }, () => Array<boolean>(this.size).fill(false));
    this.dark = empty();
    this.fixed = empty();
    this.patterns();
  }

  private set(x: number, y: number, dark: boolean): void {
    if (x < 0 || y < 0 || x >= this.size || y >= this.size) return;
    this.dark[y]![x] = dark;
    this.fixed[y]![x] = true;
  }

  private ring(cx: number, cy: number, reach: number): void {
    for (let dy = -reach; dy <= reach; dy++) {
      for (let dx = -reach; dx <= reach; dx++) {
        const d = Math.max(Math.abs(dx), Math.abs(dy));
        this.set(cx + dx, cy + dy, reach === 4 ? d !== 2 && d !== 4 : d !== 1);
      }
    }
  }

  private patterns(): void {
    const n = this.size, c = centres(this.version), last = c.length - 1;
    for (let i = 0; i < n; i++) {
      this.set(6, i, i % 2 === 0);
      this.set(i, 6, i % 2 === 0);
    }
    c.forEach((y, i) => c.forEach((x, j) => {
      if (!((i === 0 && j === 0) || (i === 0 && j === last) || (i === last && j === 0))) this.ring(x, y, 2);
    }));
    for (const [x, y] of [[3, 3], [n - 4, 3], [3, n - 4]] as const) this.ring(x, y, 4);
    this.format(0);
    if (this.version < 7) return;
    let rest = this.version;
    for (let i = 0; i < 12; i++) rest = (rest << 1) ^ ((rest >> 11) * 0x1f25);
    const bits = this.version << 12 | rest;
    for (let i = 0; i < 18; i++) {
      const dark = (bits >> i & 1) === 1, a = n - 11 + i % 3, b = Math.floor(i / 3);
      this.set(a, b, dark);
      this.set(b, a, dark);
    }
  }

  // The level (L is 01) and the mask, twice.
  format(mask: number): void {
    const data = 1 << 3 | mask, n = this.size;
    let rest = data;
    for (let i = 0; i < 10; i++) rest = (rest << 1) ^ ((rest >> 9) * 0x537);
    const bits = (data << 10 | rest) ^ 0x5412, bit = (i: number): boolean => (bits >> i & 1) === 1;
    for (let i = 0; i < 15; i++) {
      const place = i < 6 ? i : i < 8 ? i + 1 : -1;
      if (place >= 0) this.set(8, place, bit(i));
      else this.set(i === 8 ? 7 : 14 - i, 8, bit(i));
      if (i < 8) this.set(n - 1 - i, 8, bit(i));
      else this.set(8, n - 15 + i, bit(i));
    }
    this.set(8, n - 8, true);
  }

  // In columns two wide, up and down, from the right.
  fill(bytes: Uint8Array): void {
    let at = 0;
    for (let right = this.size - 1; right >= 1; right -= 2) {
      if (right === 6) right = 5;
      for (let v = 0; v < this.size; v++) {
        const y = ((right + 1) & 2) === 0 ? this.size - 1 - v : v;
        for (const x of [right, right - 1]) {
          if (this.fixed[y]![x]!) continue;
          this.dark[y]![x] = at < bytes.length * 8 && (bytes[at >> 3]! >> (7 - (at & 7)) & 1) === 1;
          at++;
        }
      }
    }
  }

  mask(m: number): void {
    const f = MASKS[m]!;
    for (let y = 0; y < this.size; y++) {
      for (let x = 0; x < this.size; x++) if (!this.fixed[y]![x]! && f(x, y)) this.dark[y]![x] = !this.dark[y]![x];
    }
  }
}

// How hard a square is to read: runs, blocks, what looks like a corner, and too much of one colour.
function penalty(d: Square): number {
  const n = d.length;
  let sum = 0, dark = 0;
  const line = (at: (i: number) => boolean): void => {
    let run = 0, bits = 0;
    for (let i = 0; i < n; i++) {
      run = i > 0 && at(i) === at(i - 1) ? run + 1 : 1;
      if (run === 5) sum += 3;
      else if (run > 5) sum++;
      bits = (bits << 1 | Number(at(i))) & 0x7ff;
      if (i >= 10 && (bits === 0x05d || bits === 0x5d0)) sum += 40;
    }
  };
  for (let a = 0; a < n; a++) {
    line(i => d[a]![i]!);
    line(i => d[i]![a]!);
    for (let b = 0; b < n; b++) {
      if (d[a]![b]!) dark++;
      const c = d[a]![b]!;
      if (a > 0 && b > 0 && c === d[a - 1]![b]! && c === d[a]![b - 1]! && c === d[a - 1]![b - 1]!) sum += 3;
    }
  }
  return sum + Math.floor(Math.abs(dark * 20 - n * n * 10) / (n * n)) * 10;
}

/** The smallest code of these bytes; undefined where none holds them (2,953 do fit). */
export function qr(text: string): Square | undefined {
  const bytes = new TextEncoder().encode(text);
  let version = 1;
  while (version <= 40 && bytes.length + (version < 10 ? 2 : 3) > room(version)) version++;
  if (version > 40) return undefined;
  const all = interleaved(payload(bytes, version), version), drawing = new Drawing(version);
  drawing.fill(all);
  let best = 0, least = Infinity;
  for (let m = 0; m < 8; m++) {
    drawing.mask(m);
    drawing.format(m);
    const p = penalty(drawing.dark);
    if (p < least) [best, least] = [m, p];
    drawing.mask(m);
  }
  drawing.mask(best);
  drawing.format(best);
  return drawing.dark;
}
