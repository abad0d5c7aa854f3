// SPDX-License-Identifier: Apache-2.0
//
// search: what somebody finds who has a folder, or as root the memory of a process: marks, which are bytes with a name. So that a search that finds
// nothing means something, the same search has to find what is there.
import { closeSync, openSync, readFileSync, readSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { random } from './client';
import { asRoot as isRoot, sanitized } from './relay';

export const canSearchMemory = isRoot && !sanitized; // a sanitizer has terabytes mapped

export type Marks = Record<string, Buffer>;

// Bytes, and as programs write them down.
export function spell(name: string, bytes: Buffer): Marks {
  return { [name]: bytes, [`${name}, hex`]: Buffer.from(bytes.toString('hex')), [`${name}, base64`]: Buffer.from(bytes.toString('base64').slice(0, 40)) };
}

export function search(where: Buffer, marks: Marks, found: Set<string>): void {
  for (const [name, bytes] of Object.entries(marks)) if (where.includes(bytes)) found.add(name);
}

export function searchFolder(folder: string, marks: Marks, found = new Set<string>()): Set<string> {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name), is = statSync(path);
    search(Buffer.from(name), marks, found);
    if (is.isDirectory()) searchFolder(path, marks, found);
    else if (is.isFile()) search(readFileSync(path), marks, found);
  }
  return found;
}

// Every mapping that can be read: heap, stacks, globals, and the store's mapped memory.
export function searchMemory(pid: number, marks: Marks): Set<string> {
  const found = new Set<string>(), piece = 16 << 20, overlap = 256, mem = openSync(`/proc/${pid}/mem`, 'r');
  const b = Buffer.alloc(piece + overlap);
  for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const m = /^([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ \d+ *(.*)$/.exec(line);
    if (m === null || m[3] === '[vvar]' || m[3] === '[vsyscall]' || m[3] === '[vvar_vclock]') continue;
    const from = parseInt(m[1]!, 16), to = parseInt(m[2]!, 16);
    for (let at = from; at < to; at += piece) {
      try {
        const n = readSync(mem, b, 0, Math.min(piece + overlap, to - at), at);
        search(b.subarray(0, n), marks, found);
      } catch {
        continue; // a guard page
      }
    }
  }
  closeSync(mem);
  return found;
}

export const unique = (text: string): Buffer => Buffer.from(`${text}-${random(12).toString('hex')}`);
