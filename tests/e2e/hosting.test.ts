// SPDX-License-Identifier: Apache-2.0
//
// Who may create, how much, and for how long it is kept: hosting passwords, quotas, retention (docs/protocol.md §2.1, §4).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random, until } from './client';
import { grantOf, member, newLog, refused, text } from './logs';
import { Relay } from './relay';
import { rights } from './wire';

const grants = (key: Buffer) => [grantOf(key, member | rights.admin)];

test('creating needs the password; visiting never does', async t => {
  const relay = await Relay.start(t, { open: false });
  const nobody = await relay.connect();
  assert.equal(nobody.greeting.hosting, 2, 'nobody has a password yet');
  await refused('hosting', nobody.create(random(), grants(random())));
  await refused('hosting', nobody.host('anything'));
  const password = relay.command('host', 'add', 'newsroom').trim();
  assert.match(password, /^[a-z0-9]{8}(-[a-z0-9]{8}){3}$/);
  relay.signal('SIGHUP');
  await until('the relay to reload', () => relay.output.includes('reloaded'));
  const host = await relay.connect();
  assert.equal(host.greeting.hosting, 1);
  await refused('hosting', host.create(random(), grants(random())));
  await refused('hosting', host.blobCreate(random(), random(), 10));
  await refused('hosting', host.host(password.slice(0, -1)));
  await refused('hosting', host.create(random(), grants(random())));
  await host.host(password);
  const log = await newLog(host);
  await host.blobCreate(random(), random(), 10);
  const visitor = await relay.connect();
  assert.equal((await visitor.append(log.id, log.key, 0, 'hello')).seq, 1);
  await refused('hosting', visitor.create(random(), grants(random())), );
  await nobody.host(password); // a connection from before the reload
  await newLog(nobody);
});

test('a password has a quota of logs and of bytes, which is given back by what is deleted', async t => {
  const relay = await Relay.start(t, { open: false, before: r => r.configure() });
  const small = relay.command('host', 'add', 'small', '--logs', '3', '--bytes', '100K').trim();
  const large = relay.command('host', 'add', 'large').trim();
  relay.signal('SIGHUP');
  await until('the relay to reload', () => relay.output.includes('reloaded'));
  const c = await relay.connect();
  await c.host(small);
  const logs = [await newLog(c), await newLog(c), await newLog(c)];
  await refused('quota', newLog(c));
  const visitor = await relay.connect();
  await visitor.append(logs[0]!.id, logs[0]!.key, 0, random(50_000));
  await visitor.append(logs[1]!.id, logs[1]!.key, 0, random(40_000));
  await refused('quota', visitor.append(logs[2]!.id, logs[2]!.key, 0, random(40_000)));
  await refused('quota', c.blobCreate(random(), random(), 40_000));
  const blob = random(), key = random();
  await c.blobCreate(blob, key, 10_000);
  await refused('quota', visitor.append(logs[2]!.id, logs[2]!.key, 0, random(5_000)));
  await c.blobAppend(blob, key, 0, random(100));
  await c.blobSeal(blob, key, 100); // from now on it counts with what it has
  await visitor.append(logs[2]!.id, logs[2]!.key, 0, random(5_000));
  await c.remove(logs[0]!.id, logs[0]!.admin);
  await newLog(c);
  await refused('quota', newLog(c));
  await visitor.append(logs[1]!.id, logs[1]!.key, 0, random(45_000));
  const other = await relay.connect();
  await other.host(large);
  const theirs = await newLog(other);
  await other.append(theirs.id, theirs.key, 0, random(60_000));
  await relay.stop();
  await relay.run();
  const again = await relay.connect();
  await again.host(small);
  await refused('quota', newLog(again));
  await refused('quota', again.append(logs[1]!.id, logs[1]!.key, 0, random(45_000)));
});

test('what is older than its retention goes, and its numbers are not given again', async t => {
  const relay = await Relay.start(t, { config: ['retention = 1h', 'blob_retention = 1h'] });
  const c = await relay.connect();
  assert.equal(await refused('limit', newLog(c, 3601)), 3600);
  assert.equal(await refused('limit', c.blobCreate(random(), random(), 10, 3601)), 3600);
  const [brief, lasting] = [await newLog(c, 1), await newLog(c)];
  const blob = random(), key = random(), kept = random();
  for (const [b, retention] of [[blob, 1], [kept, 0]] as const) {
    await c.blobCreate(b, key, 10, retention);
    await c.blobAppend(b, key, 0, Buffer.from('content'));
    await c.blobSeal(b, key, 7);
  }
  for (const p of ['one', 'two']) for (const l of [brief, lasting]) await c.append(l.id, l.key, 0, p);
  const follower = await relay.connect();
  await until('entries to expire', async () => (await c.stat(brief.id, brief.key)).oldest === 3, 120_000);
  assert.deepEqual(await c.read(brief.id, brief.key).then(r => [r.oldest, r.head, r.entries.length]), [3, 2, 0]);
  await until('the blob to expire', () => c.blobStat(blob).then(() => false, () => true));
  await refused('not found', c.blobRead(blob, 0));
  assert.equal((await c.append(brief.id, brief.key, 0, 'three')).seq, 3);
  assert.deepEqual((await follower.follow({ tag: 1, log: brief.id, key: brief.key, after: 0 })).map(f => [f.oldest, f.head]), [[3, 3]]);
  assert.deepEqual((await follower.entries(1, 1)).map(e => e.seq), [3], 'the follower is not held up by what has expired');
  assert.deepEqual(text((await c.read(lasting.id, lasting.key)).entries), ['one', 'two']);
  assert.equal((await c.blobRead(kept, 0)).toString(), 'content');
});

test('gc lets go at once; numbers go on after it', async t => {
  const relay = await Relay.start(t);
  let c = await relay.connect();
  const log = await newLog(c, 1);
  await c.append(log.id, log.key, 0, 'one');
  await c.advance(log.id, log.key, 0, 'two');
  assert.equal(relay.try('gc').status, 1, 'not while it runs');
  await relay.stop();
  await new Promise(resolve => setTimeout(resolve, 2100));
  relay.command('gc');
  await relay.run();
  c = await relay.connect();
  assert.deepEqual(await c.stat(log.id, log.key).then(s => [s.oldest, s.head, s.epoch]), [3, 2, 1]);
  assert.equal((await c.append(log.id, log.key, 1, 'three')).seq, 3);
});

test('a full log lets its oldest go', async t => {
  const relay = await Relay.start(t, { config: ['log_max = 64K'] });
  const c = await relay.connect();
  const log = await newLog(c);
  for (let i = 0; i < 20; i++) await c.append(log.id, log.key, 0, random(10_000));
  const read = await c.read(log.id, log.key);
  assert.ok(read.oldest > 10 && read.head === 20, `oldest ${read.oldest}`);
  assert.equal(read.entries[0]!.seq, read.oldest);
  const kept = (20 - read.oldest + 1) * 10_000;
  assert.ok(kept <= 65_536 && kept > 50_000);
});
