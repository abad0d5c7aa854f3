// SPDX-License-Identifier: Apache-2.0
//
// Files from one terminal to another: of no bytes, of as many as the relay takes, and of more; relay and engines killed on the way; a blob that the
// relay has lost; a disk that is full. What is saved in the end is what was sent, or it is said in words why there is nothing.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestContext, test } from 'node:test';
import { File as Sent, Message as Said } from '../../build/ts/rpc';
import { Person, meet, settled, skip, until } from './person';
import { Relay, asRoot, temporary } from './relay';

const megabyte = 1_000_000;

function hash(path: string): string { return createHash('sha256').update(readFileSync(path)).digest('hex'); }

function make(folder: string, name: string, bytes: number): string {
  const path = join(folder, name);
  writeFileSync(path, randomBytes(Math.min(bytes, 4 * megabyte)));
  if (bytes > 4 * megabyte) writeFileSync(path, Buffer.concat(Array(Math.ceil(bytes / (4 * megabyte))).fill(readFileSync(path)) as Buffer[]).subarray(0, bytes));
  return path;
}

interface Pair { relay: Relay; folder: string; alice: Person; bob: Person; a: string; b: string }

async function pair(t: TestContext, config: string[] = [], where?: string): Promise<Pair> {
  const relay = await Relay.start(t, { config }), folder = temporary(t);
  const alice = new Person(t, folder, 'alice', relay), bob = new Person(t, where ?? folder, 'bob', relay);
  await meet(alice, bob);
  return { relay, folder, alice, bob, a: String(alice.chats()[0]!.id), b: String(bob.chats()[0]!.id) };
}

function newest(p: Person): Sent | undefined { return p.json<Sent[]>('file', 'list')[0]; }

async function offered(p: Person, name: string): Promise<Sent> {
  await until(() => newest(p)?.name === name && newest(p)!.message !== 0, 60000);
  return newest(p)!;
}

// After a kill the socket may take one more caller.
const started = (p: Person): Promise<void> => until(() => p.run('start').status === 0, 60000);

test('files are sent, shown, fetched and saved', { skip }, async t => {
  const { folder, alice, bob, a, b } = await pair(t, ['blob_max = 20M']);
  for (const [name, bytes] of [['nothing.txt', 0], ['tea.jpg', 100_000], ['film.mp4', 9 * megabyte]] as const) {
    const path = make(folder, name, bytes);
    const sent = alice.json<Sent>('file', 'send', a, path, 'Look', 'at', 'this');
    assert.deepEqual([sent.name, sent.size, sent.text, sent.from], [name, bytes, 'Look at this', 0]);
    const file = await offered(bob, name);
    const saved = bob.json<{ path: string }>('file', 'get', String(file.id), folder + '/');
    assert.equal(saved.path, join(folder, name.replace('.', ' (2).'))); // what is there stays
    assert.equal(hash(saved.path), hash(path));
    assert.equal(newest(bob)!.state, 'here');
  }
  const last = bob.json<Said[]>('read', b).pop()!;
  assert.deepEqual([last.kind, last.type, last.text, last.file!.name], ['file', 'video/mp4', 'Look at this', 'film.mp4']);
  assert.match(bob.ok('read', b), /\[film\.mp4, 9\.0 MB: file \d+, here\]/);
  assert.match(bob.ok('file', 'storage'), /^files +9\.1 MB$/m);
  assert.match(bob.run('file', 'get', String(last.file!.id), join(folder, 'film.mp4')).stderr, /there is a file of that name already/);
  bob.ok('file', 'get', String(last.file!.id), join(folder, 'film.mp4'), '--replace');
  assert.equal(bob.json<{ freed: number }>('file', 'clear').freed, 9_100_000);
  assert.deepEqual(readdirSync(join(bob.profile, 'files')), []);
  bob.ok('file', 'get', String(last.file!.id), join(folder, 'again.mp4')); // the relay has it
  assert.equal(hash(join(folder, 'again.mp4')), hash(join(folder, 'film.mp4')));
  alice.ok('delete', a, String(alice.read(a).pop()!.id));
  await until(() => newest(bob)?.name === 'tea.jpg' && newest(alice)?.name === 'tea.jpg', 60000);
  assert.deepEqual(readdirSync(join(bob.profile, 'files')), []);
});

test('at the limit of the relay, and above it', { skip }, async t => {
  const { folder, alice, bob, a } = await pair(t, ['blob_max = 1M']);
  const chunks = Math.floor(1048576 / 65536), most = 1048576 - chunks * 16;
  alice.ok('file', 'send', a, make(folder, 'most', most));
  const file = await offered(bob, 'most');
  bob.ok('file', 'get', String(file.id), join(folder, 'came'));
  assert.equal(hash(join(folder, 'came')), hash(join(folder, 'most')));
  const { status, stderr } = alice.run('file', 'send', a, make(folder, 'more', most + 1));
  assert.equal(status, 1);
  assert.match(stderr, /the file has 1\.0 MB, and the relay takes files up to 1\.0 MB/);
  assert.deepEqual(alice.json<Sent[]>('file', 'list', '--moving'), []);
  assert.equal(alice.run('file', 'send', a, join(folder, 'nowhere')).status, 4);
  assert.match(alice.run('file', 'send', a, folder).stderr, /only files can be sent/);
});

test('relay and engines are killed while a file is on its way', { skip, timeout: 280_000 }, async t => {
  const { relay, folder, alice, bob, a } = await pair(t);
  const path = make(folder, 'film.mp4', 96 * megabyte);
  const progress = (p: Person): number => newest(p)?.done ?? 0;
  const kill = [() => relay.kill().then(() => relay.run()), async () => alice.kill(), async () => bob.kill()];
  alice.ok('file', 'send', a, path, '--no-wait');
  for (let i = 0; newest(alice)!.message === 0; i++) {
    const before = progress(alice);
    await until(() => newest(alice)!.message !== 0 || progress(alice) > before, 60000);
    if (i < 6) await kill[i % 2]!();
    await started(alice);
  }
  const file = await offered(bob, 'film.mp4');
  bob.ok('file', 'get', String(file.id), '--no-wait');
  for (let i = 0; newest(bob)!.state !== 'here'; i++) {
    const before = progress(bob);
    await until(() => newest(bob)!.state === 'here' || progress(bob) > before, 60000);
    if (i < 6) await kill[i % 2 === 0 ? 0 : 2]!();
    await started(bob);
  }
  bob.ok('file', 'get', String(file.id), join(folder, 'came'));
  assert.equal(hash(join(folder, 'came')), hash(path));
  await settled(alice, bob);
  assert.equal(bob.json<Sent[]>('file', 'list').length, 1);
});

test('a file that the relay has lost, and one that was given up', { skip }, async t => {
  const { relay, folder, alice, bob, a } = await pair(t);
  const path = make(folder, 'film.mp4', 9 * megabyte);
  alice.ok('file', 'send', a, path);
  const file = await offered(bob, 'film.mp4');
  await relay.kill();
  for (const x of readdirSync(relay.folder)) if (x.startsWith('blobs')) rmSync(join(relay.folder, x), { recursive: true });
  await relay.run();
  const { status, stderr } = bob.run('file', 'get', String(file.id), folder);
  assert.equal(status, 1);
  assert.match(stderr, /not on the relay any more.*Ask for it again/s);
  assert.deepEqual(readdirSync(folder).filter(x => x.startsWith('film')), ['film.mp4']);
  const { file: next } = alice.json<{ file: number }>('file', 'send', a, path, '--no-wait');
  if (alice.run('file', 'pause', String(next)).status === 0) { // else it was faster
    assert.match(alice.ok('file', 'list', '--moving'), /film\.mp4, 9\.0 MB: file \d+, paused/);
    alice.ok('file', 'cancel', String(next));
    assert.deepEqual(alice.json<Sent[]>('file', 'list', '--moving'), []);
  }
});

test('the disk of who fetches is full', { skip }, async t => {
  const disk = temporary(undefined);
  const mounted = asRoot && spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', disk]).status === 0;
  t.after(() => {
    if (mounted) execFileSync('umount', ['-l', disk]);
    rmSync(disk, { recursive: true });
  });
  if (!mounted) return t.skip('only root can mount a small disk');
  const { folder, alice, bob, a } = await pair(t, [], disk);
  alice.ok('file', 'send', a, make(folder, 'film.mp4', 60 * megabyte));
  const file = await offered(bob, 'film.mp4');
  const { status, stderr } = bob.run('file', 'get', String(file.id), folder);
  assert.equal(status, 1);
  assert.match(stderr, /the disk is full: make room/);
  assert.match(stderr, /file resume/);
  execFileSync('mount', ['-o', 'remount,size=200m', disk]);
  bob.ok('file', 'resume', String(file.id));
  bob.ok('file', 'get', String(file.id), join(folder, 'came'));
  assert.equal(hash(join(folder, 'came')), hash(join(folder, 'film.mp4')));
});
