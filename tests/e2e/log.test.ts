// SPDX-License-Identifier: Apache-2.0
//
// Logs and grants (docs/protocol.md §3.1), as a client sees them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random, sha256 } from './client';
import { grantOf, member, newLog, refused, text } from './logs';
import { Relay } from './relay';
import { rights } from './wire';

test('hello tells the limits, the hosting and the clock', async t => {
  const relay = await Relay.start(t, { config: ['blob_max = 1G', 'follows_max = 7', 'in_flight_max = 9', 'entry_max = 2K', 'retention = 2d'] });
  const before = Date.now();
  const { greeting: hello } = await relay.connect();
  assert.deepEqual({ ...hello, time: 0, kind: '', id: 0, size: 0 }, {
    kind: '', id: 0, size: 0, time: 0, version: 1, frame: 131072, entry: 2048, signal: 1024, chunk: 65536, inFlight: 9, follows: 7,
    blob: 2 ** 30, retention: 172800, hosting: 0,
  });
  assert.ok(Math.abs(hello.time - before) < 60_000);
});

test('entries are numbered from 1 without gaps, and read again as they were written', async t => {
  const relay = await Relay.start(t);
  const c = await relay.connect();
  const log = await newLog(c);
  assert.deepEqual(await c.read(log.id, log.key).then(r => [r.oldest, r.head, r.epoch, r.entries.length]), [1, 0, 0, 0]);
  const sent = await Promise.all(Array.from({ length: 50 }, (_, i) => c.append(log.id, log.key, 0, `entry ${i + 1}`)));
  assert.deepEqual(sent.map(s => s.seq), Array.from({ length: 50 }, (_, i) => i + 1));
  const read = await c.read(log.id, log.key);
  assert.deepEqual(text(read.entries), Array.from({ length: 50 }, (_, i) => `entry ${i + 1}`));
  assert.deepEqual(read.entries.map(e => e.seq), sent.map(s => s.seq));
  assert.deepEqual(read.entries.map(e => e.time), sent.map(s => s.time));
  assert.ok(sent.every((s, i) => i === 0 || s.time >= sent[i - 1]!.time), 'time never goes back');
  assert.deepEqual(text((await c.read(log.id, log.key, 10, 3)).entries), ['entry 11', 'entry 12', 'entry 13']);
  assert.deepEqual((await c.read(log.id, log.key, 50)).entries, []);
  assert.deepEqual((await c.read(log.id, log.key, 2 ** 40)).entries, []);
});

test('a page holds what fits half a frame, and one entry of the largest size', async t => {
  const relay = await Relay.start(t);
  const c = await relay.connect();
  const log = await newLog(c);
  const payloads = [random(65_536), random(30_000), random(30_000), random(30_000)];
  for (const p of payloads) await c.append(log.id, log.key, 0, p);
  let after = 0, pages = 0;
  const seen: Buffer[] = [];
  for (;;) {
    const page = await c.read(log.id, log.key, after);
    if (page.entries.length === 0) break;
    pages++;
    seen.push(...page.entries.map(e => e.payload));
    after = page.entries[page.entries.length - 1]!.seq;
    if (after === page.head) break;
  }
  assert.ok(pages > 1);
  assert.deepEqual(seen, payloads);
});

test('only the current epoch is appended to; of racing commits one wins', async t => {
  const relay = await Relay.start(t);
  const c = await relay.connect();
  const others = await Promise.all(Array.from({ length: 8 }, () => relay.connect()));
  const log = await newLog(c);
  assert.equal(await refused('stale', c.append(log.id, log.key, 1, 'too early')), 0);
  const results = await Promise.allSettled(others.map((o, i) => o.advance(log.id, log.key, 0, `commit ${i}`)));
  const won = results.filter(r => r.status === 'fulfilled');
  assert.equal(won.length, 1);
  assert.deepEqual(won.map(r => (r as PromiseFulfilledResult<{ epoch: number; seq: number }>).value.seq), [1]);
  for (const r of results.filter(x => x.status === 'rejected')) {
    const reason = (r as PromiseRejectedResult).reason as { code: string; detail: number };
    assert.deepEqual([reason.code, reason.detail], ['stale', 1]);
  }
  assert.equal(await refused('stale', c.append(log.id, log.key, 0, 'too late')), 1);
  const second = await c.append(log.id, log.key, 1, 'in time');
  assert.equal(second.seq, 2, 'what was refused has taken no number');
  const read = await c.read(log.id, log.key);
  assert.deepEqual(read.entries.map(e => [e.seq, e.epoch]), [[1, 0], [2, 1]]);
  assert.equal(read.epoch, 1);
});

test('what appended answers is the epoch of the entry: of a commit, the one that it ends', async t => {
  const relay = await Relay.start(t);
  const c = await relay.connect();
  const log = await newLog(c);
  assert.equal((await c.append(log.id, log.key, 0, 'a')).epoch, 0);
  const commit = await c.advance(log.id, log.key, 0, 'b');
  const stat = await c.stat(log.id, log.key);
  assert.deepEqual([stat.head, stat.epoch], [2, 1]);
  assert.equal(commit.epoch, 0);
  assert.equal((await c.read(log.id, log.key, 1)).entries[0]!.epoch, 0);
});

test('a replaced key reads up to the commit and writes no more; the new one has its rights', async t => {
  const relay = await Relay.start(t);
  const c = await relay.connect();
  const log = await newLog(c);
  const fresh = random(), later = random();
  await c.append(log.id, log.key, 0, 'one');
  await c.advance(log.id, log.key, 0, 'two: somebody is removed', { hash: sha256(fresh), from: 2 });
  await refused('denied', c.append(log.id, log.key, 1, 'by the removed'));
  assert.equal((await c.append(log.id, fresh, 1, 'three')).seq, 3);
  assert.deepEqual(text((await c.read(log.id, log.key)).entries), ['one', 'two: somebody is removed']);
  assert.deepEqual(text((await c.read(log.id, fresh)).entries), ['two: somebody is removed', 'three']);
  await refused('exists', c.advance(log.id, fresh, 1, 'again the same', { hash: sha256(log.key), from: 0 }));
  assert.equal((await c.stat(log.id, fresh)).epoch, 1, 'a refused commit has moved nothing');
  await c.advance(log.id, fresh, 1, 'four', { hash: sha256(later), from: 0 });
  assert.equal((await c.read(log.id, later)).entries[0]!.seq, 2, 'never more than the key before');
});

test('each right is a right of its own', async t => {
  const relay = await Relay.start(t);
  const c = await relay.connect();
  const keys = { read: random(), append: random(), advance: random(), admin: random() };
  const id = random();
  await c.create(id, [grantOf(keys.read, rights.read), grantOf(keys.append, rights.append),
                      grantOf(keys.advance, rights.append | rights.advance), grantOf(keys.admin, rights.admin)]);
  const other = grantOf(random(), rights.read);
  const deeds = {
    read: (k: Buffer) => c.read(id, k),
    append: (k: Buffer) => c.append(id, k, 0, 'x'),
    advance: (k: Buffer) => c.advance(id, k, 99, 'x'),
    admin: (k: Buffer) => c.grant(id, k, other),
    signal: (k: Buffer) => c.signal(id, k, 'x'),
    take: (k: Buffer) => c.takePackages(id, k),
    put: (k: Buffer) => c.put(id, k, random(16), 'last', []),
    remove: (k: Buffer) => c.revoke(id, k, random()),
  };
  const allowed: Record<keyof typeof deeds, string[]> = {
    read: ['read'], append: ['append', 'advance'], advance: ['advance'], admin: ['admin'], signal: ['append', 'advance'],
    take: ['append', 'advance'], put: ['admin'], remove: ['admin'],
  };
  for (const [deed, run] of Object.entries(deeds)) {
    for (const [who, key] of Object.entries(keys)) {
      const code = await run(key).then(() => 'ok', (e: { code: string }) => e.code);
      const may = allowed[deed as keyof typeof deeds].includes(who);
      assert.equal(code, !may ? 'denied' : deed === 'advance' ? 'stale' : 'ok', `${who} does ${deed}`);
    }
  }
  for (const key of Object.values(keys)) await c.stat(id, key);
  await refused('denied', c.stat(id, random()));
  await refused('denied', c.stat(random(), keys.admin));
  await refused('denied', c.remove(id, keys.advance));
});

test('a grant shows its range only', async t => {
  const relay = await Relay.start(t);
  const c = await relay.connect();
  const log = await newLog(c);
  const guest = random();
  for (let i = 1; i <= 9; i++) await c.append(log.id, log.key, 0, String(i));
  await c.grant(log.id, log.admin, grantOf(guest, rights.read, 3, 5));
  assert.deepEqual(text((await c.read(log.id, guest)).entries), ['3', '4', '5']);
  assert.deepEqual(text((await c.read(log.id, guest, 3, 1)).entries), ['4']);
  assert.deepEqual((await c.read(log.id, guest, 5)).entries, []);
  await c.grant(log.id, log.admin, grantOf(guest, rights.read, 8)); // in the place of the one with its hash
  assert.deepEqual(text((await c.read(log.id, guest)).entries), ['8', '9']);
  await refused('denied', c.append(log.id, guest, 0, 'x'));
});

test('a revoked grant ends at once, and taking away what is not there is well', async t => {
  const relay = await Relay.start(t);
  const c = await relay.connect();
  const log = await newLog(c);
  const guest = random();
  await c.grant(log.id, log.admin, grantOf(guest, member));
  await c.append(log.id, guest, 0, 'by the guest');
  await c.revoke(log.id, log.admin, sha256(guest));
  await refused('denied', c.read(log.id, guest));
  await refused('denied', c.append(log.id, guest, 0, 'x'));
  await c.revoke(log.id, log.admin, sha256(guest));
  await c.revoke(log.id, log.admin, sha256(log.admin)); // itself
  await refused('denied', c.grant(log.id, log.admin, grantOf(guest, member)));
});

test('a log holds 1,024 grants', async t => {
  const relay = await Relay.start(t);
  const c = await relay.connect();
  const log = await newLog(c);
  let last = random();
  for (let i = 2; i < 1024; i++) await c.grant(log.id, log.admin, grantOf(last = random(), rights.append));
  assert.equal(await refused('limit', c.grant(log.id, log.admin, grantOf(random(), rights.append))), 1024);
  await c.grant(log.id, log.admin, grantOf(last, rights.read)); // in a place that is taken there is room
  await c.append(log.id, log.key, 0, 'goes on');
});

test('an id is taken once; a deleted log goes on counting when it comes again', async t => {
  const relay = await Relay.start(t);
  const c = await relay.connect();
  const log = await newLog(c);
  await refused('exists', c.create(log.id, [grantOf(random(), rights.admin)]));
  await c.append(log.id, log.key, 0, 'one');
  await c.advance(log.id, log.key, 0, 'two');
  await c.remove(log.id, log.admin);
  await refused('denied', c.read(log.id, log.key));
  const again = random();
  await c.create(log.id, [grantOf(again, member | rights.admin)]);
  const stat = await c.stat(log.id, again);
  assert.deepEqual([stat.oldest, stat.head, stat.epoch], [3, 2, 2]);
  assert.equal((await c.append(log.id, again, stat.epoch, 'new')).seq, 3);
  assert.deepEqual(text((await c.read(log.id, again)).entries), ['new']);
});

test('everything is still there after an end and a start, and after a kill', async t => {
  const relay = await Relay.start(t);
  let c = await relay.connect();
  const log = await newLog(c);
  const fresh = random();
  await c.append(log.id, log.key, 0, 'one');
  await c.advance(log.id, log.key, 0, 'two', { hash: sha256(fresh), from: 0 });
  await c.put(log.id, log.admin, Buffer.alloc(16, 1), 'last', ['first', 'second']);
  assert.equal(await relay.stop(), 0);
  await relay.run();
  c = await relay.connect();
  assert.deepEqual(text((await c.read(log.id, fresh)).entries), ['one', 'two']);
  await refused('denied', c.append(log.id, log.key, 1, 'by the old key'));
  assert.equal((await c.append(log.id, fresh, 1, 'three')).seq, 3);
  assert.equal((await c.takePackages(log.id, fresh))[0]!.package.toString(), 'first');
  await relay.kill();
  await relay.run();
  c = await relay.connect();
  assert.deepEqual(text((await c.read(log.id, fresh)).entries), ['one', 'two', 'three']);
  assert.deepEqual(text((await c.read(log.id, log.key)).entries), ['one', 'two']);
  assert.equal((await c.takePackages(log.id, fresh))[0]!.package.toString(), 'second');
});

test('requests for one log take effect in the order in which they were sent', async t => {
  const relay = await Relay.start(t);
  const c = await relay.connect();
  const id = random(), key = random();
  const [made, ...sent] = await Promise.all([
    c.create(id, [grantOf(key, member | rights.admin)]),
    ...Array.from({ length: 20 }, (_, i) => i % 2 === 0 ? c.append(id, key, i / 2, `entry ${i}`) : c.advance(id, key, (i - 1) / 2, `commit ${i}`)),
  ]);
  assert.ok(made);
  assert.deepEqual(sent.map(s => s.seq), Array.from({ length: 20 }, (_, i) => i + 1));
  assert.equal((await c.stat(id, key)).epoch, 10);
});
