// SPDX-License-Identifier: Apache-2.0
//
// Key packages (docs/protocol.md §3.3).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random, sha256 } from './client';
import { grantOf, newLog, refused } from './logs';
import { Relay } from './relay';
import { rights } from './wire';

const device = (n: number): Buffer => Buffer.alloc(16, n);

test('each device gives one package, oldest first, and its last resort when there is no other', async t => {
  const relay = await Relay.start(t);
  const c = await relay.connect();
  const inbox = await newLog(c);
  const stranger = random();
  await c.grant(inbox.id, inbox.admin, grantOf(stranger, rights.append));
  assert.deepEqual(await c.put(inbox.id, inbox.admin, device(1), 'last 1', ['a', 'b']), [{ device: device(1), packages: 2, lastResort: true }]);
  assert.deepEqual(await c.put(inbox.id, inbox.admin, device(2), '', ['c']), [{ device: device(2), packages: 1, lastResort: false }]);
  const take = async () => (await c.takePackages(inbox.id, stranger)).map(p => [p.device[0], p.lastResort, p.package.toString()]);
  assert.deepEqual((await take()).sort(), [[1, false, 'a'], [2, false, 'c']]);
  assert.deepEqual(await take(), [[1, false, 'b']]);
  assert.deepEqual(await take(), [[1, true, 'last 1']]);
  assert.deepEqual(await take(), [[1, true, 'last 1']], 'the last resort stays');
  await c.put(inbox.id, inbox.admin, device(1), 'newer last', ['d']);
  assert.deepEqual(await take(), [[1, false, 'd']]);
  assert.deepEqual(await take(), [[1, true, 'newer last']]);
  assert.deepEqual(await c.pool(inbox.id, inbox.admin), [{ device: device(1), packages: 0, lastResort: true }]);
  await c.clear(inbox.id, inbox.admin, device(1));
  assert.deepEqual(await take(), []);
  assert.deepEqual(await c.pool(inbox.id, inbox.admin), []);
});

test('no one-time package is handed out twice, however many take at once', async t => {
  const relay = await Relay.start(t);
  const c = await relay.connect();
  const inbox = await newLog(c);
  const packages = Array.from({ length: 60 }, (_, i) => `package ${i}`);
  await c.put(inbox.id, inbox.admin, device(1), 'last', packages);
  const takers = await Promise.all(Array.from({ length: 8 }, () => relay.connect()));
  const taken = await Promise.all(Array.from({ length: 80 }, (_, i) => takers[i % 8]!.takePackages(inbox.id, inbox.key)));
  const once = taken.flat().filter(p => !p.lastResort).map(p => p.package.toString());
  assert.deepEqual([...once].sort(), [...packages].sort());
  assert.equal(taken.flat().filter(p => p.lastResort).length, 20);
});

test('strangers cannot drain, fill or look into a pool', async t => {
  const relay = await Relay.start(t);
  const c = await relay.connect();
  const inbox = await newLog(c);
  const reader = random();
  await c.grant(inbox.id, inbox.admin, grantOf(reader, rights.read));
  await c.put(inbox.id, inbox.admin, device(1), 'last', ['a']);
  for (const key of [reader, random()]) {
    await refused('denied', c.takePackages(inbox.id, key));
    await refused('denied', c.put(inbox.id, key, device(9), 'x', []));
    await refused('denied', c.pool(inbox.id, key));
    await refused('denied', c.clear(inbox.id, key, device(1)));
  }
  await refused('denied', c.put(inbox.id, inbox.key, device(9), 'x', []));
  await c.revoke(inbox.id, inbox.admin, sha256(inbox.key));
  await refused('denied', c.takePackages(inbox.id, inbox.key));
  assert.deepEqual(await c.pool(inbox.id, inbox.admin), [{ device: device(1), packages: 1, lastResort: true }]);
});

test('a pool has limits: 100 packages a device, 32 devices, 16,384 bytes a package', async t => {
  const relay = await Relay.start(t);
  const c = await relay.connect();
  const inbox = await newLog(c);
  const many = Array.from({ length: 99 }, (_, i) => `package ${i}`);
  await c.put(inbox.id, inbox.admin, device(1), '', many);
  await refused('limit', c.put(inbox.id, inbox.admin, device(1), 'last', ['one', 'too many']));
  assert.deepEqual(await c.pool(inbox.id, inbox.admin), [{ device: device(1), packages: 99, lastResort: false }], 'it changed nothing');
  await c.put(inbox.id, inbox.admin, device(1), 'last', ['the hundredth']);
  assert.equal(await refused('limit', c.put(inbox.id, inbox.admin, device(2), '', [...many, 'x', 'y'])), 100);
  assert.equal(await refused('limit', c.put(inbox.id, inbox.admin, device(2), random(16_385), [])), 16_384);
  assert.equal(await refused('limit', c.put(inbox.id, inbox.admin, device(2), '', [random(16_385)])), 16_384);
  for (let i = 2; i <= 32; i++) await c.put(inbox.id, inbox.admin, device(i), `last ${i}`, []);
  await refused('limit', c.put(inbox.id, inbox.admin, device(33), 'last', []));
  await c.put(inbox.id, inbox.admin, device(32), 'another last', ['x']);
  assert.equal((await c.takePackages(inbox.id, inbox.key)).length, 32);
});

test('what one take hands out always fits into a message', async t => {
  const relay = await Relay.start(t);
  const c = await relay.connect();
  const inbox = await newLog(c);
  const other = await newLog(c);
  let devices = 0;
  for (let i = 1; i <= 32; i++) {
    const code = await c.put(inbox.id, inbox.admin, device(i), '', [random(16_384)]).then(() => 'ok', (e: { code: string }) => e.code);
    if (code === 'ok') devices++;
    else assert.equal(code, 'limit');
  }
  const [taken, appended] = await Promise.all([c.takePackages(inbox.id, inbox.key), c.append(other.id, other.key, 0, 'goes on')]);
  assert.equal(taken.length, devices);
  assert.equal(appended.seq, 1);
  assert.ok(devices >= 7);
});
