// SPDX-License-Identifier: Apache-2.0
//
// Peers that do not play fair: they read nothing, vanish, drip, or come by the thousand. The relay's memory stays bounded, and
// those who do play fair notice nothing. WHIMBREL_PEERS says how many come and go (1,000).
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import * as net from 'node:net';
import { test } from 'node:test';
import * as tls from 'node:tls';
import { Address, Client, dial, parseAddress, random, until, within } from '../e2e/client';
import { newLog } from '../e2e/logs';
import { Relay, sanitized } from '../e2e/relay';

const peers = Number(process.env['WHIMBREL_PEERS'] ?? 1000);

const descriptors = (relay: Relay): number => readdirSync(`/proc/${relay.pid}/fd`).length;
const connections = (relay: Relay): number => Number(/^whimbrel_connections (\d+)$/m.exec(relay.ask('metrics'))![1]);

test('a follower that reads nothing costs bounded memory, and gets everything when it reads again', async t => {
  const relay = await Relay.start(t, { config: ['rate_connection = 0', 'rate_address = 0', 'log_max = 1G', 'idle_timeout = 600'] });
  const [writer, fair] = [await relay.connect(), await relay.connect({ credit: 2 ** 31 - 1 })];
  const log = await newLog(writer);
  const slow = await Promise.all(Array.from({ length: 10 }, () => relay.connect({ credit: 2 ** 31 - 1 })));
  for (const c of [fair, ...slow]) await c.follow({ tag: 1, log: log.id, key: log.key, after: 0 });
  for (const c of slow) c.tcp.pause();
  let seen = 0;
  fair.onPush = m => {
    if (m.kind === 'pushEntries') for (const e of m.entries) assert.equal(e.seq, ++seen);
  };
  const write = (n: number): Promise<unknown> => Promise.all(Array.from({ length: n }, () => writer.append(log.id, log.key, 0, random(16_000))));
  await write(500); // 8 MB fill what the kernel and the relay keep for each
  const before = relay.memory('VmRSS');
  await write(4000); // 64 MB more, for each of ten
  await until('the fair one to have it all', () => seen === 4500);
  const grown = relay.memory('VmRSS') - before;
  assert.ok(sanitized || grown < 96 << 20, `grown by ${grown} bytes`); // the store's own cache is 64 MB
  slow[0]!.tcp.resume();
  let late = 0;
  slow[0]!.onPush = m => {
    if (m.kind === 'pushEntries') for (const e of m.entries) assert.equal(e.seq, ++late);
  };
  await until('the slow one to have it all', () => late === 4500);
  for (const c of slow) c.cut();
});

test('a client that asks and reads no answers is asked no more, and costs bounded memory', async t => {
  const relay = await Relay.start(t, { config: ['rate_connection = 0', 'rate_address = 0', 'idle_timeout = 600'] });
  const c = await relay.connect();
  const log = await newLog(c);
  for (let i = 0; i < 4; i++) await c.append(log.id, log.key, 0, random(16_000));
  const before = relay.memory('VmRSS');
  const greedy = await relay.connect();
  greedy.width = 1e9;
  greedy.tcp.pause();
  for (let i = 0; i < 4000; i++) void greedy.read(log.id, log.key).catch(() => undefined); // 256 MB of answers
  for (let i = 0; i < 20; i++) {
    await c.append(log.id, log.key, 0, 'others go on');
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  // What may wait for it, and as many answers as requests may be in flight, of half a frame each: some 5 MB.
  assert.ok(sanitized || relay.memory('VmRSS') - before < 32 << 20, `${relay.memory('VmRSS') - before} bytes more`);
  greedy.cut();
  await until('it to be gone', () => connections(relay) === 1);
});

test('many that read nothing, neither pushes nor answers, cost bounded memory together', async t => {
  const relay = await Relay.start(t, {
    config: ['rate_connection = 0', 'rate_address = 0', 'connections_per_address = 1000', 'log_max = 1G', 'idle_timeout = 600', 'memory = 32M', 'cache = 8M'],
  });
  const writer = await relay.connect();
  const log = await newLog(writer);
  const write = (n: number): Promise<unknown> => Promise.all(Array.from({ length: n }, () => writer.append(log.id, log.key, 0, random(16_000))));
  await write(100);
  const greedy = await Promise.all(Array.from({ length: 200 }, () => relay.connect({ credit: 2 ** 31 - 1 })));
  await Promise.all(greedy.map(c => c.follow({ tag: 1, log: log.id, key: log.key, after: 100 })));
  const before = relay.memory('VmRSS');
  for (const c of greedy) {
    c.tcp.pause();
    c.width = 1e9;
    for (let i = 0; i < 120; i++) void c.read(log.id, log.key).catch(() => undefined); // 8 MB of answers
  }
  for (let i = 0; i < 20; i++) await write(50);
  const [grown, full] = [relay.memory('VmRSS') - before, relay.memory('VmHWM') - before];
  // 32 MiB, a message or so for each, and what the store, the allocator and the growth of queues add; 650 MB without the bound, even at 256 MiB.
  assert.ok(sanitized || full < 120 << 20, `grown by ${grown} bytes, ${full} at most`);
  // Who comes now gets what it asks for, and follows.
  const fair = await relay.connect({ credit: 2 ** 31 - 1 });
  let seen = 0;
  fair.onPush = m => {
    if (m.kind === 'pushEntries') seen += m.entries.length;
  };
  await fair.follow({ tag: 1, log: log.id, key: log.key, after: 0 });
  await until('the fair one to have it all', () => seen === 1100);
  for (let i = 0; i < 10; i++) assert.ok((await fair.read(log.id, log.key)).entries.length > 0);
  for (const c of greedy) c.cut();
  await until('them to be gone', () => connections(relay) === 2);
  await Promise.all(Array.from({ length: 20 }, () => fair.read(log.id, log.key)));
});

test('peers that have vanished without a word are let go', async t => {
  const relay = await Relay.start(t, { config: ['idle_timeout = 1', 'connections_per_address = 1000'] });
  const writer = await relay.connect();
  const log = await newLog(writer);
  const gone = await Promise.all(Array.from({ length: 100 }, () => relay.connect({ credit: 2 ** 31 - 1 })));
  await Promise.all(gone.map(c => c.follow({ tag: 1, log: log.id, key: log.key, after: 0 })));
  for (const c of gone) c.tcp.pause(); // from here on they answer nothing, and their kernel says nothing
  const end = Date.now() + 1000;
  while (Date.now() < end) await writer.append(log.id, log.key, 0, 'for nobody');
  await until('them to be let go', () => connections(relay) === 1);
  await writer.append(log.id, log.key, 0, 'goes on');
  for (const c of gone) c.cut();
});

test('those who drip bytes hold nobody up, and are let go in time', async t => {
  const relay = await Relay.start(t, { config: ['handshake_timeout = 3', 'request_timeout = 3', 'connections_per_address = 1000'] });
  const to = parseAddress(relay.address);
  const sockets: net.Socket[] = [];
  for (let i = 0; i < 150; i++) {
    sockets.push(net.connect(to.port, to.host)); // no handshake
    if (i < 75) sockets.push(await dial(to)); // no request
  }
  const closed = sockets.map(s => new Promise<void>(resolve => s.on('error', () => undefined).once('close', () => resolve()).resume()));
  const drip = setInterval(() => sockets.forEach(s => s.writable && s.write(s instanceof tls.TLSSocket ? 'G' : '\x16')), 300);
  t.after(() => clearInterval(drip));
  const c = await relay.connect();
  const log = await newLog(c);
  for (let i = 0; i < 100; i++) await c.append(log.id, log.key, 0, 'not held up');
  await within('all of them to be closed', Promise.all(closed));
  await until('the relay to forget them', () => connections(relay) === 1);
});

// One of the ways in which a peer comes and goes.
async function visit(to: Address, address: string, i: number): Promise<void> {
  const quiet = (s: net.Socket): net.Socket => s.on('error', () => undefined);
  switch (i % 5) {
    case 0: // not a word
      await new Promise<void>(resolve => {
        const s = quiet(net.connect(to.port, to.host, () => { s.destroy(); resolve(); }));
        s.once('close', () => resolve());
      });
      break;
    case 1: // cut off with a reset, half a word behind it
      await new Promise<void>(resolve => {
        const s = quiet(net.connect(to.port, to.host, () => { s.write('\x16\x03\x01'); s.resetAndDestroy(); resolve(); }));
        s.once('close', () => resolve());
      });
      break;
    case 2: { // in the middle of the handshake
      await new Promise<void>(resolve => {
        const s = tls.connect({ host: to.host, port: to.port, rejectUnauthorized: false });
        quiet(s).once('close', () => resolve());
        s.once('connect', () => setImmediate(() => s.destroy()));
      });
      break;
    }
    case 3: // in the middle of a request
      await dial(to).then(s => { s.write('GET / HT'); s.destroy(); }, () => undefined);
      break;
    default: // as a client, with requests under way
      await Client.connect(address).then(c => {
        for (let k = 0; k < 5; k++) void c.stat(random(), random()).catch(() => undefined);
        c.cut();
      }, () => undefined);
  }
}

test(`${peers} connections opened and cut leave nothing behind`, async t => {
  const relay = await Relay.start(t, { config: ['connections_per_address = 5000', 'rate_address = 0'] });
  const to = parseAddress(relay.address);
  const c = await relay.connect();
  const log = await newLog(c);
  const work = async (first: number, most: number): Promise<void> => {
    let next = first;
    await Promise.all(Array.from({ length: 50 }, async () => {
      while (next < first + most) await visit(to, relay.address, next++);
    }));
    await until('them to be gone', () => connections(relay) === 1);
  };
  await work(0, 500); // what a relay allocates once
  const [fds, memory] = [descriptors(relay), relay.memory('VmRSS')];
  await work(500, peers);
  assert.equal((await c.append(log.id, log.key, 0, 'still well')).seq, 1);
  await until('descriptors to be closed', () => descriptors(relay) <= fds);
  const grown = relay.memory('VmRSS') - memory;
  assert.ok(sanitized || grown < 16 << 20, `grown by ${grown} bytes`);
});
