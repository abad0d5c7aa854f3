// SPDX-License-Identifier: Apache-2.0
//
// A ZIP archive (PKWARE's APPNOTE 6.3.3) out of files that are stored as they are: most of what is large is compressed already. Sizes and places
// beyond 32 bits, and more files than 16 bits count, are written as ZIP64. It holds nothing in memory but what describes the files.

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n >>> 0;
});

async function checksum(file: Blob, stop: AbortSignal): Promise<number> {
  let c = 0xffffffff;
  const reader = file.stream().getReader();
  for (let r = await reader.read(); !r.done; r = await reader.read()) {
    stop.throwIfAborted();
    for (const b of r.value) c = TABLE[(c ^ b) & 0xff]! ^ (c >>> 8);
  }
  return (c ^ 0xffffffff) >>> 0;
}

// Fields one after the other, little endian: each is [how many bytes, value].
function fields(...all: [number, number][]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(all.reduce((n, [size]) => n + size, 0)), view = new DataView(out.buffer);
  let at = 0;
  for (const [size, value] of all) {
    if (size === 2) view.setUint16(at, value, true);
    else if (size === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += size;
  }
  return out;
}

const UTF8 = 0x800, PLAIN = 20, LARGE = 45;

export class Zip {
  private readonly parts: BlobPart[] = [];
  private readonly directory: BlobPart[] = [];
  private at = 0;
  private count = 0;

  /** `most`: what 32 bits hold; less in tests. */
  constructor(private readonly stop: AbortSignal, private readonly most = 0xffffffff) {}

  async add(path: string, file: Blob, time: Date): Promise<void> {
    const name = new TextEncoder().encode(path), sum = await checksum(file, this.stop), year = Math.max(1980, time.getFullYear());
    const day = ((year - 1980) << 9) | ((time.getMonth() + 1) << 5) | time.getDate();
    const clock = (time.getHours() << 11) | (time.getMinutes() << 5) | (time.getSeconds() >> 1);
    const large = file.size >= this.most, far = this.at >= this.most, ones = 0xffffffff;
    const size = large ? ones : file.size;
    const both: [number, number][] = large ? [[8, file.size], [8, file.size]] : [], wide = large || far;
    const extra = large ? fields([2, 1], [2, 16], ...both) : new Uint8Array(0);
    const more = wide ? fields([2, 1], [2, both.length * 8 + (far ? 8 : 0)], ...both, ...(far ? [[8, this.at] as [number, number]] : [])) : new Uint8Array(0);
    const same: [number, number][] = [[2, UTF8], [2, 0], [2, clock], [2, day], [4, sum], [4, size], [4, size], [2, name.length]];
    const head = fields([4, 0x04034b50], [2, large ? LARGE : PLAIN], ...same, [2, extra.length]);
    this.parts.push(head, name, extra, file);
    this.directory.push(fields([4, 0x02014b50], [2, wide ? LARGE : PLAIN], [2, wide ? LARGE : PLAIN], ...same, [2, more.length], [2, 0], [2, 0], [2, 0], [4, 0], [4, far ? ones : this.at]), name, more);
    this.at += head.length + name.length + extra.length + file.size;
    this.count++;
  }

  end(): Blob {
    const directory = new Blob(this.directory), n = this.count, many = n >= 0xffff || directory.size >= this.most || this.at >= this.most, behind = this.at + directory.size;
    const large = many ? [
      fields([4, 0x06064b50], [8, 44], [2, LARGE], [2, LARGE], [4, 0], [4, 0], [8, n], [8, n], [8, directory.size], [8, this.at]),
      fields([4, 0x07064b50], [4, 0], [8, behind], [4, 1]),
    ] : [];
    const short = (value: number, most: number): number => many ? most : value;
    const last = fields([4, 0x06054b50], [2, 0], [2, 0], [2, short(n, 0xffff)], [2, short(n, 0xffff)], [4, short(directory.size, 0xffffffff)], [4, short(this.at, 0xffffffff)], [2, 0]);
    return new Blob([...this.parts, directory, ...large, last], { type: 'application/zip' });
  }
}
