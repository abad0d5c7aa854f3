// SPDX-License-Identifier: Apache-2.0
//
// codec: the TLS presentation language as docs/protocol.md §2 uses it: big-endian integers, optional values, and vectors whose
// length has one, two or four bytes, always the shortest. What is read must be whole: too little and too much are errors.

// 2^64 - 1: where a grant has no end.
export const forever = (1n << 64n) - 1n;
export type Number64 = number | bigint;

export class Writer {
  private parts: Uint8Array[] = [];

  u8(n: number): this { return this.integer(1, n); }
  u16(n: number): this { return this.integer(2, n); }
  u32(n: number): this { return this.integer(4, n); }
  u64(n: Number64): this { return this.integer(8, n); }

  raw(bytes: Uint8Array): this {
    this.parts.push(bytes);
    return this;
  }

  opaque(bytes: Uint8Array): this { return this.length(bytes.length).raw(bytes); }

  vector<T>(items: readonly T[], write: (w: Writer, item: T) => void): this {
    const inner = new Writer();
    for (const item of items) write(inner, item);
    return this.opaque(inner.bytes());
  }

  optional<T>(value: T | undefined, write: (w: Writer, value: T) => void): this {
    this.u8(value === undefined ? 0 : 1);
    if (value !== undefined) write(this, value);
    return this;
  }

  bytes(): Buffer { return Buffer.concat(this.parts); }

  private integer(size: number, n: Number64): this {
    const b = Buffer.alloc(8);
    b.writeBigUInt64BE(BigInt(n));
    return this.raw(b.subarray(8 - size));
  }

  private length(n: number): this {
    if (n < 1 << 6) return this.u8(n);
    if (n < 1 << 14) return this.u16(n | 0x4000);
    return this.u32((n | 0x80000000) >>> 0);
  }
}

export class Reader {
  private at = 0;
  constructor(private readonly b: Buffer) {}

  u8(): number { return this.take(1).readUInt8(); }
  u16(): number { return this.take(2).readUInt16BE(); }
  u32(): number { return this.take(4).readUInt32BE(); }

  // Every number that a relay tells is one that JavaScript can count to.
  u64(): number {
    const n = Number(this.take(8).readBigUInt64BE());
    if (!Number.isSafeInteger(n)) throw new Error('a number beyond 2^53');
    return n;
  }

  raw(n: number): Buffer { return Buffer.from(this.take(n)); }
  opaque(): Buffer { return this.raw(this.length()); }

  vector<T>(read: (r: Reader) => T): T[] {
    const inner = new Reader(this.opaque());
    const items: T[] = [];
    while (!inner.empty()) items.push(read(inner));
    return items;
  }

  empty(): boolean { return this.at === this.b.length; }

  end(): void {
    if (!this.empty()) throw new Error(`${this.b.length - this.at} bytes too many`);
  }

  private take(n: number): Buffer {
    if (this.b.length - this.at < n) throw new Error('the message ends too early');
    this.at += n;
    return this.b.subarray(this.at - n, this.at);
  }

  private length(): number {
    const first = this.u8();
    switch (first >> 6) {
      case 0: return first;
      case 1: return this.shortest(((first & 0x3f) << 8) | this.u8(), 1 << 6);
      case 2: return this.shortest(((first & 0x3f) << 24) | this.raw(3).readUIntBE(0, 3), 1 << 14);
      default: throw new Error('a length of a form that there is not');
    }
  }

  private shortest(n: number, least: number): number {
    if (n < least) throw new Error('a length that is longer than it needs to be');
    return n;
  }
}
