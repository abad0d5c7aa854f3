// SPDX-License-Identifier: Apache-2.0
//
// world: the test's side of world.c: a file that says how the relay's world shall misbehave, and the words that start a relay in it.
import { closeSync, existsSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { TestContext } from 'node:test';
import { build, temporary } from '../e2e/relay';

export const EIO = 5, ENOSPC = 28;
export const library = join(build, 'tests/fault/libfault-world.so');
export const canMisbehave = existsSync(library); // a sanitizer stands for nothing before it: then it is not built

export class World {
  private readonly file: string;

  constructor(t: TestContext) {
    this.file = join(temporary(t), 'world');
    writeFileSync(this.file, Buffer.alloc(32));
  }

  get prefix(): string[] { return ['env', `LD_PRELOAD=${library}`, `WHIMBREL_WORLD=${this.file}`]; }

  clock(ms: number): void { this.write(0, ms); }
  fsync(errno: number): void { this.write(1, errno); }
  writes(errno: number): void { this.write(2, errno); }

  get failed(): number {
    const b = Buffer.alloc(8), fd = openSync(this.file, 'r');
    readSync(fd, b, 0, 8, 24);
    closeSync(fd);
    return Number(b.readBigInt64LE());
  }

  private write(at: number, value: number): void {
    const b = Buffer.alloc(8), fd = openSync(this.file, 'r+');
    b.writeBigInt64LE(BigInt(value));
    writeSync(fd, b, 0, 8, at * 8);
    closeSync(fd);
  }
}
