// SPDX-License-Identifier: Apache-2.0
//
// Blobs (docs/protocol.md §3.4): uploads that are cut and go on, seals, ranges, and large ones through little memory.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Client, random } from './client';
import { refused } from './logs';
import { Relay, sanitized } from './relay';

const chunk = 65_536;

// Everything of a blob from `from`, with some requests under way at a time.
async function upload(c: Client, id: Buffer, key: Buffer, content: Buffer, from = 0, width = 8): Promise<void> {
  const waiting: Promise<unknown>[] = [];
  for (let at = from; at < content.length; at += chunk) {
    const one = c.blobAppend(id, key, at, content.subarray(at, at + chunk));
    one.catch(() => undefined); // whoever waits for it is told
    waiting.push(one);
    if (waiting.length === width) await waiting.shift();
  }
  await Promise.all(waiting);
}

async function download(c: Client, id: Buffer, from = 0): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let at = from; ;) {
    const part = await c.blobRead(id, at);
    if (part.length === 0) return Buffer.concat(parts);
    parts.push(part);
    at += part.length;
  }
}

test('a blob is written, sealed, and read by whoever knows its id', async t => {
  const relay = await Relay.start(t);
  const [c, reader] = [await relay.connect(), await relay.connect()];
  const id = random(), key = random(), content = random(200_000);
  await c.blobCreate(id, key, content.length);
  assert.deepEqual(await c.blobAppend(id, key, 0, content.subarray(0, 100)).then(b => [b.size, b.sealed]), [100, false]);
  await refused('sealed', reader.blobRead(id, 0));
  assert.deepEqual(await reader.blobStat(id).then(b => [b.size, b.sealed]), [100, false]);
  for (let at = 100; at < content.length; at += 50_000) await c.blobAppend(id, key, at, content.subarray(at, at + 50_000));
  assert.equal(await refused('offset', c.blobSeal(id, key, content.length - 1)), content.length);
  await c.blobSeal(id, key, content.length);
  await c.blobSeal(id, key, content.length); // again, after an answer that was lost
  const stat = await reader.blobStat(id);
  assert.ok(stat.sealed && stat.size === content.length && stat.expires > Date.now() / 1000 + 29 * 86_400);
  assert.deepEqual(await download(reader, id), content);
  assert.deepEqual(await reader.blobRead(id, 150_000, 1000), content.subarray(150_000, 151_000));
  assert.deepEqual(await reader.blobRead(id, 199_990, 1000), content.subarray(199_990));
  assert.deepEqual(await reader.blobRead(id, 200_000), Buffer.alloc(0));
  assert.deepEqual(await reader.blobRead(id, 2 ** 50), Buffer.alloc(0));
  assert.equal((await reader.blobRead(id, 0, 2 ** 31)).length, chunk);
  await refused('sealed', c.blobAppend(id, key, content.length, Buffer.from('x')));
});

test('without its key nobody writes, seals or deletes; an unknown blob and a wrong key are alike', async t => {
  const relay = await Relay.start(t);
  const c = await relay.connect();
  const id = random(), key = random();
  await c.blobCreate(id, key, 10);
  await refused('exists', c.blobCreate(id, random(), 10));
  for (const [b, k] of [[id, random()], [random(), key]] as const) {
    await refused('not found', c.blobAppend(b, k, 0, Buffer.from('x')));
    await refused('not found', c.blobSeal(b, k, 0));
    await refused('not found', c.blobDelete(b, k));
  }
  await refused('not found', c.blobStat(random()));
  await refused('not found', c.blobRead(random(), 0));
  await c.blobAppend(id, key, 0, Buffer.from('content'));
  await c.blobSeal(id, key, 7);
  await c.blobDelete(id, key);
  await refused('not found', c.blobRead(id, 0));
  await c.blobCreate(id, key, 10);
  assert.equal((await c.blobStat(id)).size, 0);
});

test('a chunk begins where the blob ends, and the blob ends where it was said to at most', async t => {
  const relay = await Relay.start(t, { config: ['blob_max = 1M'] });
  const c = await relay.connect();
  const id = random(), key = random();
  assert.equal(await refused('limit', c.blobCreate(id, key, 2 ** 20 + 1)), 2 ** 20);
  await c.blobCreate(id, key, 100);
  await c.blobAppend(id, key, 0, random(60));
  assert.equal(await refused('offset', c.blobAppend(id, key, 0, random(60))), 60);
  assert.equal(await refused('offset', c.blobAppend(id, key, 61, random(1))), 60);
  await refused('limit', c.blobAppend(id, key, 60, random(41)));
  await c.blobAppend(id, key, 60, random(40));
  assert.equal(await refused('limit', c.blobAppend(id, key, 100, random(chunk + 1))), chunk);
  await c.blobSeal(id, key, 100);
});

test('an upload goes on after its connection was cut, and after the relay was killed', async t => {
  const relay = await Relay.start(t);
  const id = random(), key = random(), content = random(3_000_000);
  const first = await relay.connect();
  await first.blobCreate(id, key, content.length);
  void upload(first, id, key, content, 0, 2).catch(() => undefined);
  const watcher = await relay.connect();
  while ((await watcher.blobStat(id)).size < 300_000) {}
  first.cut();
  const cut = (await watcher.blobStat(id)).size;
  assert.ok(cut >= 300_000 && cut <= content.length);
  const second = await relay.connect();
  let at = (await second.blobStat(id)).size;
  // Chunks of the first connection may still have been under way: an offset tells where the blob ends by now.
  for (;;) {
    const now = await second.blobAppend(id, key, at, content.subarray(at, at + 1000)).then(b => b.size, (e: { code: string; detail: number }) => {
      assert.equal(e.code, 'offset');
      return -e.detail;
    });
    at = Math.abs(now);
    if (now >= 0) break;
  }
  await upload(second, id, key, content.subarray(0, 2_500_000), at);
  await relay.kill();
  await relay.run();
  const third = await relay.connect();
  const kept = await third.blobStat(id);
  assert.ok(kept.size <= 2_500_000 && !kept.sealed);
  await upload(third, id, key, content, kept.size);
  await third.blobSeal(id, key, content.length);
  await relay.kill();
  await relay.run();
  assert.ok((await download(await relay.connect(), id)).equals(content), 'sealed means durable');
});

test('a large blob passes through little memory, in both directions', async t => {
  const relay = await Relay.start(t, { config: ['blob_max = 4G'] });
  const c = await relay.connect();
  const size = 256 << 20, id = random(), key = random();
  const piece = random(1 << 20), hash = createHash('sha256');
  await c.blobCreate(id, key, 2 ** 32);
  let most = 0;
  const before = relay.memory('VmRSS');
  const waiting: Promise<unknown>[] = [];
  for (let at = 0; at < size; at += chunk) {
    piece.writeUInt32BE(at, at % piece.length);
    const part = Buffer.from(piece.subarray(at % piece.length, (at % piece.length) + chunk));
    hash.update(part);
    waiting.push(c.blobAppend(id, key, at, part));
    if (waiting.length === 32) await waiting.shift();
    if (at % (16 << 20) === 0) most = Math.max(most, relay.memory('VmRSS'));
  }
  await Promise.all(waiting);
  await c.blobSeal(id, key, size);
  const read = createHash('sha256');
  const coming: Promise<Buffer>[] = [];
  for (let at = 0; at < size || coming.length > 0; at += chunk) {
    if (at < size) coming.push(c.blobRead(id, at));
    if (coming.length < 32 && at < size) continue;
    read.update((await coming.shift())!);
    if (at % (16 << 20) === 0) most = Math.max(most, relay.memory('VmRSS'));
  }
  assert.equal(read.digest('hex'), hash.digest('hex'));
  assert.ok(sanitized || most - before < 32 << 20, `${before} bytes before, ${most} at most`);
});
