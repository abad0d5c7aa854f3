// SPDX-License-Identifier: Apache-2.0
//
// wire: the relay's messages as docs/protocol.md has them, §2 to §5, and nothing from anywhere else: this file is also the proof
// that the page says enough to write a client. Requests are written, replies and pushes are read.
import { Number64, Reader, Writer } from './codec';

export const rights = { read: 1, append: 2, advance: 4, admin: 8 } as const;

export const codes = ['ok', 'malformed', 'unsupported', 'denied', 'stale', 'exists', 'not found', 'offset', 'sealed', 'limit',
  'quota', 'rate', 'hosting', 'unavailable', 'ended'] as const;
export type Code = (typeof codes)[number];

function codeOf(n: number): Code {
  const code = codes[n];
  if (code === undefined) throw new Error(`no error has the code ${n}`);
  return code;
}

export interface Grant { hash: Uint8Array; rights: number; from: Number64; to: Number64 }
export interface Entry { seq: number; time: number; epoch: number; payload: Buffer }
export interface Follow { tag: number; log: Uint8Array; key: Uint8Array; after: number }
export interface Followed { tag: number; code: Code; oldest: number; head: number; epoch: number }
export interface Pool { device: Buffer; packages: number; lastResort: boolean }
export interface Taken { device: Buffer; lastResort: boolean; package: Buffer }

// Without them the first two cannot be told from a message of another length.
function id32(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== 32) throw new Error('ids, keys and hashes have 32 bytes');
  return bytes;
}

function grant(w: Writer, g: Grant): void { w.raw(id32(g.hash)).u8(g.rights).u64(g.from).u64(g.to); }

// ------------------------------------------------------------------------------------------------------------- requests

export interface Request { type: number; body: Writer }
const at = (type: number, first: Uint8Array, second: Uint8Array): Request =>
  ({ type, body: new Writer().raw(id32(first)).raw(id32(second)) });
const and = (r: Request, more: (w: Writer) => void): Request => {
  more(r.body);
  return r;
};

export const requests = {
  hello: (versions: number[], credit: number): Request =>
    ({ type: 0x01, body: new Writer().vector(versions, (w, v) => w.u16(v)).u32(credit) }),
  host: (password: Uint8Array): Request => ({ type: 0x02, body: new Writer().opaque(password) }),
  credit: (credit: number): Request => ({ type: 0x03, body: new Writer().u32(credit) }),
  ways: (): Request => ({ type: 0x04, body: new Writer() }),

  logCreate: (log: Uint8Array, retention: number, grants: Grant[]): Request =>
    ({ type: 0x10, body: new Writer().raw(id32(log)).u32(retention).vector(grants, grant) }),
  logAppend: (log: Uint8Array, key: Uint8Array, epoch: Number64, payload: Uint8Array): Request =>
    and(at(0x11, log, key), w => w.u64(epoch).opaque(payload)),
  logAdvance: (log: Uint8Array, key: Uint8Array, epoch: Number64, payload: Uint8Array,
               replacement?: { hash: Uint8Array; from: number }): Request =>
    and(at(0x12, log, key), w => w.u64(epoch).opaque(payload)
      .optional(replacement, (x, r) => x.raw(id32(r.hash)).u64(r.from))),
  logRead: (log: Uint8Array, key: Uint8Array, after: number, limit: number): Request =>
    and(at(0x13, log, key), w => w.u64(after).u32(limit)),
  logStat: (log: Uint8Array, key: Uint8Array): Request => at(0x14, log, key),
  logDelete: (log: Uint8Array, key: Uint8Array): Request => at(0x15, log, key),
  grantSet: (log: Uint8Array, key: Uint8Array, g: Grant): Request => and(at(0x19, log, key), w => grant(w, g)),
  grantRemove: (log: Uint8Array, key: Uint8Array, hash: Uint8Array): Request => and(at(0x1a, log, key), w => w.raw(id32(hash))),

  follow: (follows: Follow[]): Request =>
    ({ type: 0x16, body: new Writer().vector(follows, (w, f) => w.u32(f.tag).raw(id32(f.log)).raw(id32(f.key)).u64(f.after)) }),
  unfollow: (tag: number): Request => ({ type: 0x17, body: new Writer().u32(tag) }),
  signal: (log: Uint8Array, key: Uint8Array, data: Uint8Array): Request => and(at(0x18, log, key), w => w.opaque(data)),

  packagePut: (log: Uint8Array, key: Uint8Array, device: Uint8Array, lastResort: Uint8Array, packages: Uint8Array[]): Request =>
    and(at(0x20, log, key), w => w.raw(device).opaque(lastResort).vector(packages, (x, p) => x.opaque(p))),
  packageTake: (log: Uint8Array, key: Uint8Array): Request => at(0x21, log, key),
  packageStat: (log: Uint8Array, key: Uint8Array): Request => at(0x22, log, key),
  packageClear: (log: Uint8Array, key: Uint8Array, device: Uint8Array): Request => and(at(0x23, log, key), w => w.raw(device)),

  blobCreate: (blob: Uint8Array, key: Uint8Array, size: Number64, retention: number): Request =>
    and(at(0x30, blob, key), w => w.u64(size).u32(retention)),
  blobAppend: (blob: Uint8Array, key: Uint8Array, offset: number, data: Uint8Array): Request =>
    and(at(0x31, blob, key), w => w.u64(offset).opaque(data)),
  blobSeal: (blob: Uint8Array, key: Uint8Array, size: number): Request => and(at(0x32, blob, key), w => w.u64(size)),
  blobRead: (blob: Uint8Array, offset: Number64, limit: number): Request =>
    ({ type: 0x33, body: new Writer().raw(id32(blob)).u64(offset).u32(limit) }),
  blobStat: (blob: Uint8Array): Request => ({ type: 0x34, body: new Writer().raw(id32(blob)) }),
  blobDelete: (blob: Uint8Array, key: Uint8Array): Request => at(0x35, blob, key),
};

export function encode(id: number, r: Request): Buffer {
  return new Writer().u8(r.type).u32(id).raw(r.body.bytes()).bytes();
}

// --------------------------------------------------------------------------------------------------- replies and pushes

export interface Hello {
  version: number; frame: number; entry: number; signal: number; chunk: number; inFlight: number; follows: number;
  blob: number; retention: number; hosting: number; time: number;
}
export interface Appended { seq: number; epoch: number; time: number }
export interface Entries { oldest: number; head: number; epoch: number; entries: Entry[] }
export interface Stat { oldest: number; head: number; epoch: number }
export interface Blob { size: number; sealed: boolean; expires: number }

const flag = (r: Reader): boolean => {
  const n = r.u8();
  if (n > 1) throw new Error('a flag is 0 or 1');
  return n === 1;
};
const entry = (r: Reader): Entry => ({ seq: r.u64(), time: r.u64(), epoch: r.u64(), payload: r.opaque() });

const readers = {
  ok: [0x80, (_: Reader) => ({})],
  hello: [0x81, (r: Reader): Hello => ({
    version: r.u16(), frame: r.u32(), entry: r.u32(), signal: r.u32(), chunk: r.u32(), inFlight: r.u16(), follows: r.u16(),
    blob: r.u64(), retention: r.u32(), hosting: r.u8(), time: r.u64(),
  })],
  appended: [0x82, (r: Reader): Appended => ({ seq: r.u64(), epoch: r.u64(), time: r.u64() })],
  entries: [0x83, (r: Reader): Entries => ({ oldest: r.u64(), head: r.u64(), epoch: r.u64(), entries: r.vector(entry) })],
  stat: [0x84, (r: Reader): Stat => ({ oldest: r.u64(), head: r.u64(), epoch: r.u64() })],
  followed: [0x85, (r: Reader) => ({
    followed: r.vector((x): Followed =>
      ({ tag: x.u32(), code: codeOf(x.u8()), oldest: x.u64(), head: x.u64(), epoch: x.u64() })),
  })],
  pool: [0x86, (r: Reader) => ({
    pool: r.vector((x): Pool => ({ device: x.raw(16), packages: x.u16(), lastResort: flag(x) })),
  })],
  packages: [0x87, (r: Reader) => ({
    taken: r.vector((x): Taken => ({ device: x.raw(16), lastResort: flag(x), package: x.opaque() })),
  })],
  blob: [0x88, (r: Reader): Blob => ({ size: r.u64(), sealed: flag(r), expires: r.u64() })],
  chunk: [0x89, (r: Reader) => ({ data: r.opaque() })],
  published: [0x8a, (r: Reader) => ({ published: r.opaque() })],
  error: [0x8f, (r: Reader) => ({ code: codeOf(r.u8()), detail: r.u64(), text: r.opaque().toString('utf8') })],
  pushEntries: [0xc0, (r: Reader) => ({ tag: r.u32(), entries: r.vector(entry) })],
  pushSignal: [0xc1, (r: Reader) => ({ tag: r.u32(), data: r.opaque() })],
  pushEnded: [0xc2, (r: Reader) => ({ tag: r.u32(), code: codeOf(r.u8()) })],
} as const;

type Readers = typeof readers;
export type Kind = keyof Readers;
export type Body<K extends Kind> = ReturnType<Readers[K][1]>;
export type Message = { [K in Kind]: { kind: K; id: number; size: number } & Body<K> }[Kind];

export function decode(bytes: Buffer): Message {
  const r = new Reader(bytes);
  const type = r.u8();
  const id = r.u32();
  for (const kind of Object.keys(readers) as Kind[]) {
    const [number, read] = readers[kind];
    if (number !== type) continue;
    const message = { kind, id, size: bytes.length, ...read(r) } as Message;
    r.end();
    if (kind !== 'error' && (id === 0) !== kind.startsWith('push')) throw new Error(`a message of the type ${kind} with the id ${id}`);
    return message;
  }
  throw new Error(`no message has the type ${type}`);
}
