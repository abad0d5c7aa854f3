// SPDX-License-Identifier: Apache-2.0
//
// Everything as one encrypted archive, and a profile made of it: the same account with all that was said and its files, as a device of its
// own; whatever is wrong with the archive or its passphrase is told, and leaves nothing behind.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, openSync, closeSync, readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Person, meet, passphrase, settled, skip, until, whimbrel } from './person';
import { Relay, temporary } from './relay';

const WORDS = 'four quite random words';

// Says something to a profile, with a passphrase or none, and a second one at descriptor 3.
function run(profile: string, words: string[], secret: string, fresh?: string): { status: number | null; stdout: string; stderr: string } {
  const file = join(temporaryFolder, 'fresh');
  if (fresh !== undefined) writeFileSync(file, fresh + '\n');
  const fd = fresh !== undefined ? openSync(file, 'r') : undefined;
  const r = spawnSync('setsid', ['-w', whimbrel, '--profile', profile, ...words], { encoding: 'utf8', timeout: 60000,
    stdio: ['ignore', 'pipe', 'pipe', ...(fd !== undefined ? [fd] : [])], env: { ...process.env, WHIMBREL_PASSPHRASE: secret } });
  if (fd !== undefined) closeSync(fd);
  return { status: r.status, stdout: String(r.stdout), stderr: String(r.stderr) };
}
let temporaryFolder = '';

test('a profile is made of an archive', { skip }, async t => {
  const relay = await Relay.start(t), folder = temporaryFolder = temporary(t);
  const alice = new Person(t, folder, 'Alice', relay), bob = new Person(t, folder, 'Bob', relay);
  await meet(alice, bob);
  bob.ok('send', 'Alice', 'Tea at six?');
  const photo = join(folder, 'tea.bin'), bytes = Buffer.alloc(300000, 'tea');
  writeFileSync(photo, bytes);
  bob.ok('file', 'send', 'Alice', photo, 'Look!');
  await settled(bob, alice);
  interface Shown { id: number; from: number; state: string; text: string; file?: { id: number; state: string } }
  const read = (p: string, secret: string): Shown[] => JSON.parse(run(p, ['--json', 'read', 'Bob'], secret).stdout) as Shown[];
  await until(() => read(alice.profile, passphrase).some(m => m.file !== undefined), 60000);
  const file = read(alice.profile, passphrase).find(m => m.file !== undefined)!.file!.id;
  alice.ok('file', 'get', String(file), join(folder, 'got'));
  alice.ok('send', 'Bob', 'Gladly');
  bob.ok('group', 'create', 'Tea', 'Alice');
  await settled(bob, alice);
  await until(() => alice.chats().some(c => c.name === 'Tea'), 60000);
  bob.ok('send', 'Tea', 'Hello');
  await until(() => alice.texts('Tea').includes('Hello'), 60000);
  alice.ok('group', 'create', 'Cake', 'Bob'); // she alone is an admin of this one
  await settled(alice, bob);
  await until(() => bob.chats().some(c => c.name === 'Cake'), 60000);
  bob.ok('send', 'Cake', 'Any left?');
  await until(() => alice.texts('Cake').includes('Any left?'), 60000);
  alice.ok('react', 'Bob', '1', '\u{1f44d}');
  await settled(alice);

  const archive = join(folder, 'archive');
  const made = run(alice.profile, ['backup', archive, '--new-passphrase-fd', '3'], passphrase, WORDS);
  assert.equal(made.status, 0, made.stderr);
  assert.equal(statSync(archive).mode & 0o777, 0o600);
  const whole = readFileSync(archive);
  assert.ok(whole.length > bytes.length);
  for (const text of ['Tea at six?', 'Bob', 'message', 'wss://']) assert.ok(!whole.includes(text), text);
  assert.equal(run(alice.profile, ['backup', archive, '--new-passphrase-fd', '3'], passphrase, WORDS).status, 1); // it is there
  const before = { messages: read(alice.profile, passphrase), account: alice.json<{ account: string }>('status').account };
  alice.ok('stop');

  const other = join(folder, 'other');
  t.after(() => run(other, ['stop'], ''));
  const wrong = run(other, ['restore', archive], 'not these');
  assert.equal(wrong.status, 3);
  assert.match(wrong.stderr, /not the passphrase of this archive/);
  for (const size of [whole.length - 1, whole.length - 20000, 100, 3]) { // not all of it is here
    const part = join(folder, `part-${size}`);
    writeFileSync(part, whole);
    truncateSync(part, size);
    assert.equal(run(other, ['restore', part], WORDS).status, 1, String(size));
    assert.deepEqual((existsSync(other) ? readdirSync(other) : []).filter(x => x !== 'lock'), []); // and nothing came of it
  }
  assert.equal(run(other, ['restore', join(folder, 'nothing')], WORDS).status, 4);
  assert.equal(run(other, ['restore', photo], WORDS).status, 1);
  const back = run(other, ['restore', archive], WORDS);
  assert.equal(back.status, 0, back.stderr);
  assert.match(back.stderr, /new device of your account/);
  assert.equal(run(other, ['restore', archive], WORDS).status, 1); // there is a profile already

  assert.equal(run(other, ['start'], WORDS).status, 0);
  assert.equal((JSON.parse(run(other, ['--json', 'status'], WORDS).stdout) as { account: string }).account, before.account);
  const bare = (list: Shown[]): unknown => list.map(m => ({ ...m, state: '', file: m.file?.id }));
  assert.deepEqual(bare(read(other, WORDS)), bare(before.messages));
  const got = run(other, ['file', 'get', String(file), join(folder, 'again')], WORDS);
  assert.equal(got.status, 0, got.stderr);
  assert.deepEqual(readFileSync(join(folder, 'again')), bytes); // it was in the archive
  const found = JSON.parse(run(other, ['--json', 'search', 'six'], WORDS).stdout) as unknown[];
  assert.equal(found.length, 1);
  // Bob's engine takes the fresh device in, in the place of the old one, and the conversation goes on where it was; so does a group of his.
  const says = (chat: string, text: string): boolean => run(other, ['send', chat, text], WORDS).status === 0;
  await until(() => says('Bob', 'From a new device'), 60000);
  await until(() => bob.texts('Alice').includes('From a new device'), 60000);
  assert.equal(bob.chats().filter(c => c.kind === 'direct').length, 1);
  await until(() => says('Tea', 'Me too'), 60000);
  await until(() => bob.texts('Tea').includes('Me too'), 60000);
  await until(() => says('Cake', 'None'), 60000); // and one that has no other admin: everybody may see to that
  await until(() => bob.texts('Cake').includes('None'), 60000);
  assert.equal(run(other, ['group', 'rename', 'Cake', 'Crumbs'], WORDS).status, 0);
  await until(() => bob.chats().some(c => c.name === 'Crumbs'), 60000);
  // What he says waits until he has confirmed that the device is hers; in the group, whose members he has not compared numbers with, it goes.
  assert.match(bob.ok('contacts'), /another device/);
  const held = bob.run('send', 'Alice', 'Is it you?');
  assert.equal(held.status, 5, held.stderr);
  assert.match(held.stderr, /not sent[^]*Alice: `whimbrel contact confirm \d+`/);
  assert.equal(bob.run('file', 'send', 'Alice', photo).status, 5);
  assert.equal(bob.run('react', 'Alice', '1', '\u{1f44d}').status, 5);
  assert.equal(bob.run('chat', 'timer', 'Alice', '1d').status, 5);
  bob.ok('send', 'Tea', 'Who is that?');
  assert.deepEqual(bob.json<{ kind: string; held: number[] }[]>('chats').filter(c => c.held.length > 0).map(c => c.kind), ['direct']);
  bob.ok('contact', 'confirm', 'Alice');
  bob.ok('contact', 'confirm', 'Alice'); // once more does no harm
  assert.ok(bob.json<{ held: number[] }[]>('chats').every(c => c.held.length === 0));
  bob.ok('send', 'Alice', 'Welcome back');
  bob.ok('send', 'Tea', 'All here');
  await until(() => read(other, WORDS).some(m => m.text === 'Welcome back'), 60000);
  assert.ok(!read(other, WORDS).some(m => m.text === 'Is it you?'));
  await until(() => run(other, ['--json', 'read', 'Tea'], WORDS).stdout.includes('All here'), 60000);
  const numbers = [run(other, ['--json', 'verify', 'Bob'], WORDS).stdout, bob.ok('--json', 'verify', 'Alice')].map(x => (JSON.parse(x) as { number: string }).number);
  assert.equal(numbers[0], numbers[1]);
  // The old profile, if somebody starts it all the same, is out of everything, and reads nothing of that.
  alice.ok('start');
  await until(() => alice.chats().every(c => c.state === 'removed' || c.kind === 'self'), 60000);
  assert.notEqual(alice.run('send', 'Bob', 'And I?').status, 0);
  assert.ok(!alice.texts('Bob').includes('Welcome back'));
  await until(() => (JSON.parse(run(other, ['--json', 'status'], WORDS).stdout) as { waiting: number }).waiting === 0, 60000);
});
