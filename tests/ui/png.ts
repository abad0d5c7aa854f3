// SPDX-License-Identifier: Apache-2.0
//
// What a PNG needs: zlib, which Node has, and CRC-32, which older Nodes do not give out.
export { deflateSync } from 'node:zlib';

export function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const b of bytes) {
    c ^= b;
    for (let i = 0; i < 8; i++) c = c >>> 1 ^ (c & 1 ? 0xedb88320 : 0);
  }
  return (c ^ 0xffffffff) >>> 0;
}
