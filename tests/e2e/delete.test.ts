// SPDX-License-Identifier: Apache-2.0
//
// A whole conversation is deleted on one device: it is asked for twice, nothing of it is found any more, the other side keeps theirs, and either may
// begin again. A group is left first.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Person, meet, passphrase, settled, skip, until, whimbrel } from './person';
import { Relay, temporary } from './relay';

test('a conversation is deleted here', { skip }, async t => {
  const relay = await Relay.start(t), folder = temporary(t);
  const alice = new Person(t, folder, 'Alice', relay), bob = new Person(t, folder, 'Bob', relay);
  await meet(alice, bob);
  bob.ok('send', 'Alice', 'The herring is in the shed');
  const photo = join(folder, 'herring.bin');
  writeFileSync(photo, Buffer.alloc(200000, 'herring'));
  bob.ok('file', 'send', 'Alice', photo);
  const files = (): string[] => readdirSync(join(alice.profile, 'files')).filter(n => n !== 'transports');
  await until(() => alice.json<{ state: string }[]>('file', 'list').some(f => f.state === 'here'), 60000);
  assert.equal(files().length, 1);
  alice.ok('send', 'Bob', 'Which herring?');
  await settled(alice, bob);

  assert.equal(alice.run('chat', 'delete', 'Nobody', '--yes').status, 4);
  assert.ok(alice.texts('Bob').length > 0);
  const asked = spawnSync('setsid', ['-w', whimbrel, '--profile', alice.profile, 'chat', 'delete', 'Bob'], // nobody can be asked
    { encoding: 'utf8', timeout: 60000, env: { ...process.env, WHIMBREL_PASSPHRASE: passphrase } });
  assert.equal(asked.status, 2);
  assert.match(asked.stderr, /--yes if you mean it/);
  assert.ok(alice.texts('Bob').length > 0);
  alice.ok('chat', 'delete', 'Bob', '--yes');
  assert.equal(alice.ok('chats'), '');
  assert.deepEqual(alice.json<unknown[]>('search', 'herring'), []);
  assert.deepEqual(alice.json<unknown[]>('file', 'list'), []);
  await until(() => files().length === 0, 60000);
  assert.deepEqual(bob.texts('Alice'), ['The herring is in the shed', 'herring.bin', 'Which herring?']);
  assert.equal(bob.json<unknown[]>('search', 'herring').length >= 2, true);

  alice.ok('send', 'Bob', 'Hello again'); // by name, as ever
  assert.match(alice.ok('chats'), /Bob/);
  assert.deepEqual(alice.texts('Bob'), ['Hello again']);
  await until(() => bob.texts('Alice').includes('Hello again'), 60000);
  alice.ok('chat', 'delete', 'Bob', '--yes');
  bob.ok('send', 'Alice', 'Here I am');
  await until(() => alice.ok('chats').includes('Bob'), 60000);
  assert.deepEqual(alice.texts('Bob'), ['Here I am']);

  bob.ok('group', 'create', 'Tea', 'Alice');
  await until(() => alice.chats().some(c => c.name === 'Tea' && c.state === 'open'), 60000);
  const refused = alice.run('chat', 'delete', 'Tea', '--yes');
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /leave it first/);
  alice.ok('group', 'leave', 'Tea');
  await until(() => alice.chats().some(c => c.name === 'Tea' && c.state === 'left'), 60000);
  alice.ok('chat', 'delete', 'Tea', '--yes');
  assert.ok(alice.chats().every(c => c.name !== 'Tea'));
  alice.ok('stop');
  assert.deepEqual(alice.texts('Bob'), ['Here I am']);
});
