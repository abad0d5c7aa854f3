// SPDX-License-Identifier: Apache-2.0
//
// Limits and errors (docs/protocol.md §1, §4, §5): a precise answer, or the end of the one connection; never of the relay.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as net from 'node:net';
import { Client, RelayError, dial, parseAddress, random, until, within } from './client';
import { newLog, refused } from './logs';
import { Relay } from './relay';
import { Writer } from './codec';
import { Message, encode, requests } from './wire';

async function stillWell(relay: Relay): Promise<void> {
  const c = await relay.connect();
  const log = await newLog(c);
  assert.equal((await c.append(log.id, log.key, 0, 'well')).seq, 1);
  c.cut();
}

test('entries, signals and chunks above their limits are refused, and the connection goes on', async t => {
  const relay = await Relay.start(t, { config: ['entry_max = 2K'] });
  const c = await relay.connect();
  const log = await newLog(c);
  await c.append(log.id, log.key, 0, random(2048));
  assert.equal(await refused('limit', c.append(log.id, log.key, 0, random(2049))), 2048);
  assert.equal(await refused('limit', c.append(log.id, log.key, 0, random(65_537))), 65_536);
  assert.equal(await refused('limit', c.advance(log.id, log.key, 0, random(2049))), 2048);
  assert.equal(await refused('limit', c.signal(log.id, log.key, random(1025))), 1024);
  assert.equal(await refused('limit', c.host('x'.repeat(129))), 128);
  const many = Array.from({ length: 17 }, () => ({ hash: random(), rights: 8, from: 0, to: 1 }));
  assert.equal(await refused('limit', c.create(random(), many)), 16);
  const follows = Array.from({ length: 1025 }, (_, i) => ({ tag: i, log: log.id, key: log.key, after: 0 }));
  assert.equal(await refused('limit', c.follow(...follows)), 1024);
  assert.equal((await c.stat(log.id, log.key)).head, 1);
});

test('what is no message ends the connection with the status that the protocol says', async t => {
  const relay = await Relay.start(t);
  const grant = { hash: random(), rights: 8, from: 0, to: 1 };
  const id = random(), key = random();
  const malformed: [string, Buffer][] = [
    ['empty', Buffer.alloc(0)],
    ['without an id', Buffer.from([0x14, 0])],
    ['too short', encode(5, { type: 0x14, body: new Writer().raw(random(63)) })],
    ['too long', encode(5, { type: 0x14, body: new Writer().raw(random(65)) })],
    ['the id 0', encode(0, requests.logStat(id, key))],
    ['credit with an id', encode(7, requests.credit(1))],
    ['a reply', encode(7, { type: 0x80, body: new Writer() })],
    ['hello again', encode(7, requests.hello([1], 0))],
    ['an empty payload', encode(7, requests.logAppend(id, key, 0, Buffer.alloc(0)))],
    ['a length that is too long', encode(7, { type: 0x11, body: new Writer().raw(id).raw(key).u64(0).u16(0x4001).u8(1) })],
    ['no grants', encode(7, requests.logCreate(id, 0, []))],
    ['no grant that can change anything', encode(7, requests.logCreate(id, 0, [{ ...grant, rights: 3 }]))],
    ['advance without append', encode(7, requests.logCreate(id, 0, [{ ...grant, rights: 12 }]))],
    ['no right at all', encode(7, requests.grantSet(id, key, { ...grant, rights: 0 }))],
    ['a right that there is not', encode(7, requests.grantSet(id, key, { ...grant, rights: 16 }))],
    ['from_seq above to_seq', encode(7, requests.grantSet(id, key, { ...grant, from: 2 }))],
    ['a hash twice', encode(7, requests.logCreate(id, 0, [grant, grant]))],
    ['an empty chunk', encode(7, requests.blobAppend(id, key, 0, Buffer.alloc(0)))],
    ['no packages at all', encode(7, requests.packagePut(id, key, random(16), Buffer.alloc(0), []))],
    ['an empty package', encode(7, requests.packagePut(id, key, random(16), Buffer.from('x'), [Buffer.alloc(0)]))],
    ['an empty password', encode(7, requests.host(Buffer.alloc(0)))],
    ['a flag of 2', encode(7, { type: 0x12, body: new Writer().raw(id).raw(key).u64(0).opaque(id).u8(2).raw(id).u64(0) })],
  ];
  for (const [what, bytes] of malformed) {
    const c = await relay.connect();
    c.raw(bytes);
    assert.equal(await within(what, c.closed), 1007, what);
  }
  const text = await relay.connect();
  text.socket.send('text');
  assert.equal(await text.closed, 1003);
  const long = await relay.connect();
  long.socket.send(Buffer.alloc(131_073));
  assert.equal(await long.closed, 1009);
  await stillWell(relay);
});

test('before hello only hello is answered; without a common version nothing is', async t => {
  const relay = await Relay.start(t);
  const early = await relay.connect({ hello: false });
  early.send(requests.logStat(random(), random()), 1);
  assert.equal(await early.closed, 1007);
  const other = await relay.connect({ hello: false });
  await refused('unsupported', other.ask('hello', requests.hello([2, 3], 0)));
  await within('the end', other.closed);
  const several = await relay.connect({ hello: false });
  assert.equal((await several.ask('hello', requests.hello([7, 1, 2], 0))).version, 1);
});

test('a type that this relay does not have is said to be so', async t => {
  const relay = await Relay.start(t);
  const c = await relay.connect();
  await refused('unsupported', c.ask('ok', { type: 0x7f, body: new Writer().raw(random(10)) }));
  const log = await newLog(c);
  await c.append(log.id, log.key, 0, 'goes on');
});

test('messages may come in fragments, and many in one packet', async t => {
  const relay = await Relay.start(t);
  const c = await relay.connect();
  const log = await newLog(c);
  const payload = random(50_000);
  const message = encode(4_000_000, requests.logAppend(log.id, log.key, 0, payload));
  c.width = 1000;
  const replied = new Promise<Message>(resolve => {
    (c as unknown as { waiting: Map<number, unknown> }).waiting.set(4_000_000, { resolve, reject: () => undefined, what: '' });
  });
  for (let at = 0; at < message.length; at += 7000) {
    c.socket.send(message.subarray(at, at + 7000), { binary: true, fin: at + 7000 >= message.length });
  }
  assert.equal((await replied).kind, 'appended');
  c.tcp.cork();
  const all = Array.from({ length: 60 }, (_, i) => c.append(log.id, log.key, 0, String(i)));
  c.tcp.uncork();
  assert.deepEqual((await Promise.all(all)).map(a => a.seq), Array.from({ length: 60 }, (_, i) => i + 2));
  assert.deepEqual((await c.read(log.id, log.key, 0, 1)).entries[0]!.payload, payload);
});

test('one request more than may be in flight is refused, and the others are answered', async t => {
  const relay = await Relay.start(t, { config: ['in_flight_max = 5'] });
  const c = await relay.connect();
  const log = await newLog(c);
  c.width = 1000;
  c.tcp.cork();
  const all = Array.from({ length: 300 }, (_, i) => c.append(log.id, log.key, 0, String(i)));
  c.tcp.uncork();
  const results = await Promise.allSettled(all);
  const done = results.filter(r => r.status === 'fulfilled').length;
  for (const r of results) {
    if (r.status === 'rejected') assert.deepEqual([(r.reason as RelayError).code, (r.reason as RelayError).detail], ['limit', 5]);
  }
  assert.ok(done >= 5 && done < 300, `${done} of 300`);
  assert.equal((await c.stat(log.id, log.key)).head, done, 'what was refused has not been done');
});

test('who is too fast is told how long to wait, and others are not held up', async t => {
  const relay = await Relay.start(t, { config: ['rate_connection = 20'] });
  const [c, other] = [await relay.connect(), await relay.connect()];
  const log = await newLog(other);
  const results = await Promise.allSettled(Array.from({ length: 60 }, () => c.stat(log.id, log.key)));
  const waits = results.flatMap(r => (r.status === 'rejected' ? [r.reason as RelayError] : []));
  assert.ok(waits.length >= 10, `${waits.length} of 60 refused`);
  assert.ok(waits.every(w => w.code === 'rate' && w.detail > 0 && w.detail <= 1000));
  await other.append(log.id, log.key, 0, 'not held up');
  await new Promise(resolve => setTimeout(resolve, Math.max(...waits.map(w => w.detail)) + 50));
  await c.stat(log.id, log.key);
});

test('an address has its own rate, over all of its connections', async t => {
  const relay = await Relay.start(t, { config: ['rate_address = 30'] });
  const all = await Promise.all(Array.from({ length: 4 }, () => relay.connect()));
  const results = await Promise.allSettled(Array.from({ length: 200 }, (_, i) => all[i % 4]!.stat(random(), random())));
  const codes = results.map(r => (r.status === 'rejected' ? (r.reason as RelayError).code : 'ok'));
  assert.ok(codes.filter(c => c === 'rate').length >= 50);
  assert.ok(codes.filter(c => c === 'denied').length >= 20);
});

test('an address has so many connections, and the relay', async t => {
  const relay = await Relay.start(t, { config: ['connections_per_address = 5'] });
  const five = await Promise.all(Array.from({ length: 5 }, () => relay.connect()));
  await assert.rejects(relay.connect());
  await five[0]!.close();
  await until('room for another', () => relay.connect().then(c => { c.cut(); return true; }, () => false));
  const small = await Relay.start(t, { config: ['connections_max = 3'] });
  const three = await Promise.all(Array.from({ length: 3 }, () => small.connect()));
  await assert.rejects(small.connect());
  for (const c of three) await c.stat(random(), random()).catch((e: RelayError) => assert.equal(e.code, 'denied'));
});

// The end of a connection, in milliseconds from now.
async function ended(socket: net.Socket): Promise<number> {
  const from = Date.now();
  socket.on('error', () => undefined).resume();
  await within('the relay to close', new Promise<void>(resolve => socket.once('close', () => resolve())));
  return Date.now() - from;
}

test('whoever does not finish a handshake or a request is let go, slow or silent', async t => {
  const relay = await Relay.start(t, { config: ['handshake_timeout = 1', 'request_timeout = 2'] });
  const to = parseAddress(relay.address);
  const silent = net.connect(to.port, to.host);
  const slow = net.connect(to.port, to.host); // half a ClientHello, and then nothing
  slow.write(Buffer.from('160301020001000' + '1fc0303', 'hex'));
  const http = await dial(to);
  http.write('GET / HTTP/1.1\r\nHost: a\r\n');
  const drip = setInterval(() => http.write('X-A: b\r\n'), 100); // the famous slow one
  drip.unref();
  const session = await relay.connect();
  session.tcp.write(Buffer.from([0x82, 0xfe, 0x10, 0x00, 1, 2, 3, 4])); // the head of a frame of 4,096 bytes
  const times = await Promise.all([ended(silent), ended(slow), ended(http), session.closed]);
  clearInterval(drip);
  assert.equal(times[3], 1008);
  for (const ms of times.slice(0, 3)) assert.ok(ms >= 500, `after ${ms} ms`);
  await stillWell(relay);
});

test('a silent connection is pinged; whoever answers stays, whoever does not is let go', async t => {
  const relay = await Relay.start(t, { config: ['idle_timeout = 1'] });
  const [here, gone] = [await relay.connect(), await relay.connect()];
  let pings = 0;
  here.socket.on('ping', () => pings++);
  gone.socket.pause(); // it reads nothing, and so answers nothing
  await until('three pings', () => pings >= 3);
  await until('the dead one to be gone', () => /whimbrel_sessions 1\n/.test(relay.ask('metrics')));
  await here.stat(random(), random()).catch((e: RelayError) => assert.equal(e.code, 'denied'));
  gone.cut();
});

test('a thousand requests of every type with random bodies: the relay stays', async t => {
  const relay = await Relay.start(t, { config: ['rate_connection = 0', 'rate_address = 0'] });
  for (let round = 0; round < 40; round++) {
    const c: Client = await relay.connect();
    for (let i = 0; i < 25; i++) {
      c.raw(encode(i + 1, { type: Math.floor(Math.random() * 0x40), body: new Writer().raw(random(Math.floor(Math.random() * 200))) }));
    }
    c.onPush = () => undefined;
    await Promise.race([c.closed, new Promise(resolve => setTimeout(resolve, 200))]);
    c.cut();
  }
  await stillWell(relay);
});
