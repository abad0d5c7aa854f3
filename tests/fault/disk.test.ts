// SPDX-License-Identifier: Apache-2.0
//
// Disks that are full or broken, and clocks that jump: the relay says so, refuses what it cannot keep, serves what it has, loses
// nothing that it acknowledged, and goes on when the world is well again.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client, random, until } from '../e2e/client';
import { Log, newLog, refused } from '../e2e/logs';
import { Relay, asRoot, temporary } from '../e2e/relay';
import { EIO, ENOSPC, World, canMisbehave } from './world';

// Appends one after the other until one is refused; how many were acknowledged in all.
async function fill(c: Client, log: Log, from: number, most: number): Promise<number> {
  for (let n = from; n < from + most; n++) {
    try {
      assert.equal((await c.append(log.id, log.key, 0, payload(n))).seq, n + 1);
    } catch (e) {
      assert.equal((e as { code: string }).code, 'unavailable');
      return n;
    }
  }
  return from + most;
}

const payload = (n: number): Buffer => Buffer.alloc(2000, n % 251);

async function holds(c: Client, log: Log, n: number): Promise<void> {
  let seen = 0;
  while (seen < n) {
    const page = await c.read(log.id, log.key, seen);
    assert.ok(page.entries.length > 0, `${seen} of ${n} are there`);
    for (const e of page.entries) assert.ok(e.seq === ++seen && e.payload.equals(payload(seen - 1)), `entry ${seen}`);
  }
  assert.equal((await c.stat(log.id, log.key)).head, n, 'nothing that was refused is there');
}

test('a full disk', async t => {
  if (!asRoot) return t.skip('only root can mount a small disk');
  const disk = temporary(undefined);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', disk]).status === 0;
  t.after(() => {
    if (mounted) execFileSync('umount', ['-l', disk]);
    rmSync(disk, { recursive: true });
  });
  if (!mounted) return t.skip('a small disk cannot be mounted here');
  const relay = await Relay.start(t, { folder: join(disk, 'relay'), config: ['rate_connection = 0'] });
  let c = await relay.connect();
  const log = await newLog(c);
  let n = await fill(c, log, 0, 100);
  assert.equal(n, 100);
  const ballast = join(disk, 'ballast');
  spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4096'], { stdio: 'ignore' }); // until nothing is left
  n = await fill(c, log, n, 10_000);
  assert.ok(n < 10_100, 'nothing was refused on a full disk');
  await refused('unavailable', c.append(log.id, log.key, 0, payload(n)));
  assert.match(relay.output, /store failed/);
  assert.equal(relay.ask('health'), 'writes are refused\n');
  await refused('unavailable', c.blobCreate(random(), random(), 100_000).then(async () => {
    const id = random(), key = random();
    await c.blobCreate(id, key, 3_000_000);
    for (let at = 0; at < 3_000_000; at += 60_000) await c.blobAppend(id, key, at, random(60_000));
  }));
  await holds(c, log, n);
  const follower = await relay.connect({ credit: 1 << 28 });
  await follower.follow({ tag: 1, log: log.id, key: log.key, after: 0 });
  assert.equal((await follower.entries(1, n)).length, n, 'what is there is served');
  rmSync(ballast);
  await until('the relay to write again', () => c.append(log.id, log.key, 0, payload(n)).then(() => true, () => false));
  n = await fill(c, log, n + 1, 50);
  assert.equal(relay.ask('health'), 'ok\n');
  await relay.kill();
  await relay.run();
  c = await relay.connect();
  await holds(c, log, n);
  await relay.stop();
  assert.match(relay.command('check'), /whole/);
});

test('an fsync that fails: nobody knows what is on the disk, so nothing is written until a new start', async t => {
  if (!canMisbehave) return t.skip('libfault-world.so was not built');
  const world = new World(t);
  const relay = await Relay.start(t, { prefix: world.prefix });
  let c = await relay.connect();
  const log = await newLog(c);
  let n = await fill(c, log, 0, 50);
  for (const end of ['kill', 'stop'] as const) {
    world.fsync(EIO);
    for (let i = 0; i < 3; i++) assert.equal(await fill(c, log, n, 20), n, 'an acknowledgement that nothing stands behind');
    assert.ok(world.failed > 0);
    assert.match(relay.output, /store failed/);
    await holds(c, log, n);
    world.fsync(0);
    assert.equal(await fill(c, log, n, 5), n, 'it took an fsync after one that had failed for the truth');
    assert.equal(relay.ask('health'), 'writes are refused\n');
    await holds(c, log, n);
    await relay[end]();
    await relay.run();
    c = await relay.connect();
    await holds(c, log, n);
    n = await fill(c, log, n, 10);
  }
  await relay.stop();
  assert.match(relay.command('check'), /whole/);
});

for (const [name, errno] of [['a write that fails', EIO], ['a write that finds no room', ENOSPC]] as const) {
  test(name, async t => {
    if (!canMisbehave) return t.skip('libfault-world.so was not built');
    const world = new World(t);
    const relay = await Relay.start(t, { prefix: world.prefix });
    let c = await relay.connect();
    const log = await newLog(c);
    let n = await fill(c, log, 0, 50);
    world.writes(errno);
    for (let i = 0; i < 3; i++) assert.equal(await fill(c, log, n, 20), n, 'an acknowledgement that nothing stands behind');
    assert.ok(world.failed > 0);
    assert.match(relay.output, /store failed/);
    await holds(c, log, n);
    world.writes(0);
    await until('the relay to write again', () => c.append(log.id, log.key, 0, payload(n)).then(() => true, () => false));
    n = await fill(c, log, n + 1, 50);
    await holds(c, log, n);
    world.writes(errno);
    await refused('unavailable', c.append(log.id, log.key, 0, payload(n)));
    await relay.kill(); // in the middle of it
    world.writes(0);
    await relay.run();
    c = await relay.connect();
    await holds(c, log, n);
    await fill(c, log, n, 10);
    await relay.stop();
    assert.match(relay.command('check'), /whole/);
  });
}

test('a clock that jumps', async t => {
  if (!canMisbehave) return t.skip('libfault-world.so was not built');
  const world = new World(t);
  const relay = await Relay.start(t, { prefix: world.prefix, config: ['idle_timeout = 5'] });
  const [c, follower] = [await relay.connect(), await relay.connect()];
  const log = await newLog(c);
  await follower.follow({ tag: 1, log: log.id, key: log.key, after: 0 });
  const day = 86_400_000, times: number[] = [];
  // Back by years, forward by weeks (less than what is kept), and every way between.
  for (const jump of [0, -400 * day, 10 * day, 3_600_000, -1, 20 * day, 0]) {
    world.clock(jump);
    for (let i = 0; i < 3; i++) times.push((await c.append(log.id, log.key, 0, `at ${jump}`)).time);
    if (jump > 0) assert.ok(Math.abs(times[times.length - 1]! - Date.now()) < 21 * day);
  }
  for (let i = 1; i < times.length; i++) assert.ok(times[i]! >= times[i - 1]!, 'time went back within a log');
  assert.deepEqual((await follower.entries(1, times.length)).map(e => e.time), times);
  world.clock(-400 * day);
  await relay.stop();
  await relay.run();
  const again = await relay.connect();
  assert.ok((await again.append(log.id, log.key, 0, 'after a start in the past')).time >= times[times.length - 1]!);
  assert.equal((await again.read(log.id, log.key)).entries.length, times.length + 1);
});

test('a folder that is not what it should be', async t => {
  const folder = join(temporary(t), 'relay');
  const relay = await Relay.start(t, { folder });
  await relay.stop();
  writeFileSync(join(folder, 'store.db'), 'this is no database, and never was'.repeat(200));
  assert.equal(await relay.run().then(() => 'runs', () => 'refuses'), 'refuses');
  assert.match(relay.output, /store/);
  assert.equal(relay.try('check').status, 1);
  rmSync(join(folder, 'store.db'));
  mkdirSync(join(folder, 'store.db'));
  assert.equal(await relay.run().then(() => 'runs', () => 'refuses'), 'refuses');
});
