// SPDX-License-Identifier: Apache-2.0
//
// Following and signals (docs/protocol.md §3.2).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, random, sha256, until } from './client';
import { grantOf, newLog, text } from './logs';
import { Relay } from './relay';
import { Message, requests, rights } from './wire';

// A request that a lane answers behind everything before it: what has not come by then will not come.
async function settled(c: Client, log: { id: Buffer; key: Buffer }): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await c.stat(log.id, log.key);
    await new Promise(resolve => setTimeout(resolve, 30));
  }
}

test('a follower gets what was there, then what comes, each once and in order', async t => {
  const relay = await Relay.start(t);
  const [writer, reader] = [await relay.connect(), await relay.connect({ credit: 1 << 28 })];
  const log = await newLog(writer);
  for (let i = 1; i <= 20; i++) await writer.append(log.id, log.key, 0, `old ${i}`);
  assert.deepEqual(await reader.follow({ tag: 7, log: log.id, key: log.key, after: 5 }),
    [{ tag: 7, code: 'ok', oldest: 1, head: 20, epoch: 0 }]);
  const more = Array.from({ length: 200 }, (_, i) => writer.append(log.id, log.key, 0, `new ${21 + i}`));
  const got = await reader.entries(7, 215);
  const sent = await Promise.all(more);
  assert.deepEqual(got.map(e => e.seq), Array.from({ length: 215 }, (_, i) => i + 6));
  assert.deepEqual(got.slice(15).map(e => e.time), sent.map(s => s.time));
  assert.deepEqual(text(got).slice(13, 17), ['old 19', 'old 20', 'new 21', 'new 22']);
  await settled(reader, log);
  assert.deepEqual(reader.pushes, []);
});

test('many logs are followed on one connection, each by its tag', async t => {
  const relay = await Relay.start(t);
  const [writer, reader] = [await relay.connect(), await relay.connect({ credit: 1 << 28 })];
  const logs = [];
  for (let i = 0; i < 60; i++) logs.push(await newLog(writer));
  const codes = await reader.follow(...logs.map((l, i) => ({ tag: 1000 + i, log: l.id, key: l.key, after: 0 })));
  assert.ok(codes.every((f, i) => f.code === 'ok' && f.tag === 1000 + i));
  await Promise.all(logs.map((l, i) => writer.append(l.id, l.key, 0, `of ${i}`)));
  for (let i = 0; i < 60; i++) assert.deepEqual(text(await reader.entries(1000 + i, 1)), [`of ${i}`]);
});

test('each log of a request is answered for itself', async t => {
  const relay = await Relay.start(t, { config: ['follows_max = 3'] });
  const c = await relay.connect();
  const logs = [await newLog(c), await newLog(c), await newLog(c), await newLog(c), await newLog(c)];
  const at = (i: number, tag: number, key?: Buffer) => ({ tag, log: logs[i]!.id, key: key ?? logs[i]!.key, after: 0 });
  assert.deepEqual((await c.follow(at(0, 1), at(1, 2, random()), at(0, 3), at(1, 4)))
    .map(f => f.code), ['ok', 'denied', 'exists', 'exists']);
  assert.deepEqual((await c.follow(at(1, 2))).map(f => f.code), ['ok'], 'what was refused is not followed');
  assert.deepEqual((await c.follow(at(0, 9), at(2, 1), { ...at(2, 5), log: random() })).map(f => [f.code, f.head, f.oldest, f.epoch]),
    [['exists', 0, 0, 0], ['exists', 0, 0, 0], ['denied', 0, 0, 0]]);
  assert.deepEqual((await c.follow(at(2, 10), at(3, 11), at(4, 12))).map(f => f.code), ['ok', 'limit', 'limit']);
  const appender = random();
  await c.grant(logs[4]!.id, logs[4]!.admin, grantOf(appender, rights.append | rights.admin));
  const other = await relay.connect();
  assert.deepEqual((await other.follow(at(4, 1, appender))).map(f => f.code), ['denied'], 'following is reading');
});

test('the relay pushes while it has credit, and goes on where it stopped', async t => {
  const relay = await Relay.start(t);
  const [writer, reader] = [await relay.connect(), await relay.connect({ credit: 0 })];
  const log = await newLog(writer);
  for (let i = 0; i < 40; i++) await writer.append(log.id, log.key, 0, Buffer.alloc(20_000, i));
  await reader.follow({ tag: 1, log: log.id, key: log.key, after: 0 });
  await settled(reader, log);
  assert.deepEqual(reader.pushes, [], 'nothing without credit');
  reader.credit(1); // the last push may take it below 0
  const first = await reader.push('pushEntries', 1);
  await settled(reader, log);
  assert.deepEqual(reader.pushes, [], 'and nothing while it is below');
  const owed = reader.received - 1;
  reader.credit(owed); // to 0, which is not more than 0
  await settled(reader, log);
  assert.deepEqual(reader.pushes, []);
  let seen = first.entries.length, given = 1 + owed;
  while (seen < 40) {
    reader.credit(30_000);
    given += 30_000;
    await settled(reader, log);
    for (const p of reader.pushes.splice(0) as Message[]) {
      if (p.kind !== 'pushEntries') throw new Error(p.kind);
      for (const e of p.entries) assert.deepEqual([e.seq, e.payload[0]], [++seen, seen - 1]);
    }
    // What was pushed began while there was credit: at most one push, of half a frame, is beyond it.
    assert.ok(reader.received <= given + 65_536 + 64, `${reader.received} pushed, ${given} given`);
  }
  reader.credit(1 << 20);
  await writer.append(log.id, log.key, 0, 'live');
  assert.deepEqual(text((await reader.push('pushEntries', 1)).entries), ['live']);
});

test('credit beyond 2^31 - 1 ends the connection', async t => {
  const relay = await Relay.start(t);
  const c = await relay.connect({ credit: 2 ** 31 - 1 });
  c.credit(1);
  assert.equal(await c.closed, 1007);
});

test('behind a commit that replaced its key a follower sees the end', async t => {
  const relay = await Relay.start(t);
  const [writer, member] = [await relay.connect(), await relay.connect()];
  const log = await newLog(writer);
  const fresh = random();
  await member.follow({ tag: 1, log: log.id, key: log.key, after: 0 });
  await writer.append(log.id, log.key, 0, 'one');
  await writer.advance(log.id, log.key, 0, 'two', { hash: sha256(fresh), from: 0 });
  await writer.append(log.id, fresh, 1, 'three, for those who derived the new key');
  assert.deepEqual(text(await member.entries(1, 2)), ['one', 'two']);
  assert.equal((await member.push('pushEnded', 1)).code, 'ended');
  assert.deepEqual((await member.follow({ tag: 1, log: log.id, key: fresh, after: 2 })).map(f => [f.code, f.head, f.epoch]), [['ok', 3, 1]]);
  assert.deepEqual((await member.entries(1, 1)).map(e => e.seq), [3]);
  const late = await relay.connect();
  await late.follow({ tag: 5, log: log.id, key: log.key, after: 0 });
  assert.deepEqual(text(await late.entries(5, 2)), ['one', 'two'], 'who comes later with the old key sees the same');
  assert.equal((await late.push('pushEnded', 5)).code, 'ended');
  await settled(late, { id: log.id, key: fresh });
  assert.deepEqual(late.pushes, []);
});

test('a follow ends when its grant is removed, or its log', async t => {
  const relay = await Relay.start(t);
  const [owner, guest] = [await relay.connect(), await relay.connect()];
  const [log, other] = [await newLog(owner), await newLog(owner)];
  const key = random();
  await owner.grant(log.id, log.admin, grantOf(key, rights.read));
  await guest.follow({ tag: 1, log: log.id, key, after: 0 }, { tag: 2, log: other.id, key: other.key, after: 0 });
  await owner.append(log.id, log.key, 0, 'seen');
  assert.deepEqual(text(await guest.entries(1, 1)), ['seen']);
  await owner.revoke(log.id, log.admin, sha256(key));
  assert.equal((await guest.push('pushEnded', 1)).code, 'denied');
  await owner.append(log.id, log.key, 0, 'not for the guest');
  await owner.remove(other.id, other.admin);
  assert.equal((await guest.push('pushEnded', 2)).code, 'denied');
  await settled(owner, log);
  assert.deepEqual(guest.pushes, []);
});

test('a grant that is narrowed while it follows is kept to', async t => {
  const relay = await Relay.start(t);
  const [owner, guest] = [await relay.connect(), await relay.connect()];
  const log = await newLog(owner);
  const key = random();
  await owner.grant(log.id, log.admin, grantOf(key, rights.read, 2, 3));
  await guest.follow({ tag: 1, log: log.id, key, after: 0 });
  for (const p of ['one', 'two', 'three', 'four']) await owner.append(log.id, log.key, 0, p);
  assert.deepEqual(text(await guest.entries(1, 2)), ['two', 'three']);
  assert.equal((await guest.push('pushEnded', 1)).code, 'ended');
  assert.deepEqual(guest.pushes, []);
});

test('after unfollow nothing comes', async t => {
  const relay = await Relay.start(t);
  const [writer, reader] = [await relay.connect(), await relay.connect()];
  const log = await newLog(writer);
  await reader.follow({ tag: 3, log: log.id, key: log.key, after: 0 });
  const sending = Array.from({ length: 100 }, (_, i) => writer.append(log.id, log.key, 0, String(i)));
  await reader.push('pushEntries', 3);
  await reader.unfollow(3);
  reader.pushes.length = 0; // those before the answer
  await Promise.all(sending);
  await writer.append(log.id, log.key, 0, 'more');
  await settled(reader, log);
  assert.deepEqual(reader.pushes, []);
  await reader.unfollow(3); // it is gone already: well
  assert.equal((await reader.follow({ tag: 3, log: log.id, key: log.key, after: 100 }))[0]!.code, 'ok');
  assert.deepEqual(text(await reader.entries(3, 1)), ['more']);
});

test('a signal reaches those who follow now, but its sender, and is nowhere afterwards', async t => {
  const relay = await Relay.start(t);
  const [a, b, poor] = [await relay.connect(), await relay.connect(), await relay.connect({ credit: 0 })];
  const log = await newLog(a);
  for (const c of [a, b, poor]) await c.follow({ tag: 1, log: log.id, key: log.key, after: 0 });
  await a.signal(log.id, log.key, 'typing');
  assert.equal((await b.push('pushSignal', 1)).data.toString(), 'typing');
  await b.signal(log.id, log.key, random(1024));
  assert.equal((await a.push('pushSignal', 1)).data.length, 1024);
  await settled(poor, log);
  assert.deepEqual([a.pushes, b.pushes, poor.pushes], [[], [], []]);
  assert.equal((await a.stat(log.id, log.key)).head, 0);
  const late = await relay.connect();
  await late.follow({ tag: 1, log: log.id, key: log.key, after: 0 });
  await settled(late, log);
  assert.deepEqual(late.pushes, []);
});

test('a signal costs no credit', async t => {
  const relay = await Relay.start(t);
  const [a, b] = [await relay.connect(), await relay.connect({ credit: 1 })];
  const log = await newLog(a);
  await b.follow({ tag: 1, log: log.id, key: log.key, after: 0 });
  for (let i = 0; i < 20; i++) {
    await a.signal(log.id, log.key, `signal ${i}`);
    assert.equal((await b.push('pushSignal', 1)).data.toString(), `signal ${i}`);
  }
  await a.append(log.id, log.key, 0, 'for the one unit of credit');
  assert.equal((await b.entries(1, 1)).length, 1);
});

test('a hundred followers get the same, and are let go when they are gone', async t => {
  const relay = await Relay.start(t);
  const writer = await relay.connect();
  const log = await newLog(writer);
  const readers = await Promise.all(Array.from({ length: 100 }, () => relay.connect({ credit: 1 << 24 })));
  await Promise.all(readers.map(r => r.follow({ tag: 1, log: log.id, key: log.key, after: 0 })));
  await Promise.all(Array.from({ length: 50 }, (_, i) => writer.append(log.id, log.key, 0, `entry ${i}`)));
  for (const r of readers) assert.deepEqual((await r.entries(1, 50)).map(e => e.seq), Array.from({ length: 50 }, (_, i) => i + 1));
  const before = await relay.command('status');
  assert.match(before, /\b101\b/);
  for (const r of readers) r.cut();
  await until('the relay to let them go', () => /\bwhimbrel_sessions 1\n/.test(relay.ask('metrics')));
});

test('what a client must not send in a follow is malformed', async t => {
  const relay = await Relay.start(t);
  const log = { id: random(), key: random() };
  for (const follows of [[], [1, 1]]) {
    const c = await relay.connect();
    c.send(requests.follow(follows.map(tag => ({ tag, log: log.id, key: log.key, after: 0 }))), 9);
    assert.equal(await c.closed, 1007);
  }
});
