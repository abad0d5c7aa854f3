// SPDX-License-Identifier: Apache-2.0
//
// logs: what most tests begin with: a log with an admin's key and a member's, and the grants that go with keys.
import { Client, RelayError, random, sha256 } from './client';
import { Code, Grant, rights } from './wire';
import { Number64, forever } from './codec';
import assert from 'node:assert/strict';

export const member = rights.read | rights.append | rights.advance;

export function grantOf(key: Uint8Array, what: number, from: Number64 = 0, to: Number64 = forever): Grant {
  return { hash: sha256(key), rights: what, from, to };
}

export interface Log { id: Buffer; key: Buffer; admin: Buffer }

export async function newLog(c: Client, retention = 0): Promise<Log> {
  const log = { id: random(), key: random(), admin: random() };
  await c.create(log.id, [grantOf(log.admin, rights.admin), grantOf(log.key, member)], retention);
  return log;
}

// The request is refused with this code; what stands beside it.
export async function refused(code: Code, promise: Promise<unknown>): Promise<number> {
  let detail = -1;
  await assert.rejects(promise, (e: unknown) => {
    if (!(e instanceof RelayError)) throw e;
    assert.equal(e.code, code, `${code} was expected: ${e.message}`);
    assert.ok(e.said.length > 0 && Buffer.byteLength(e.said) <= 200);
    detail = e.detail;
    return true;
  });
  return detail;
}

export const text = (entries: { payload: Buffer }[]): string[] => entries.map(e => e.payload.toString());
