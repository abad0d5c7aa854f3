// SPDX-License-Identifier: Apache-2.0
//
// What scripts rely on: with --json each command that `whimbrel help` has prints one object or one array, and nothing else. A command that is
// not tried here is named, so that a new one is not forgotten.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Person, meet, passphrase, settled, skip, until, whimbrel } from './person';
import { Relay, temporary } from './relay';

// The commands of the help, each by its words in small letters.
function commands(): string[] {
  const { stdout } = spawnSync(whimbrel, ['help'], { encoding: 'utf8', env: { ...process.env, COLUMNS: '80' } });
  const before = stdout.slice(0, stdout.indexOf('For every command'));
  return [...before.matchAll(/^ {2}([a-z]+(?: [a-z]+)?)(?= |$)/gm)].map(m => m[1]!);
}

test('with --json every command prints one object or one array', { skip }, async t => {
  const relay = await Relay.start(t), folder = temporary(t);
  const [alice, bob, carol, dora, eve] = ['alice', 'bob', 'carol', 'dora', 'eve'].map(n => new Person(t, folder, n, relay)) as [Person, Person, Person, Person, Person];
  const tried = new Set<string>();
  const all = commands();
  // Runs a command; its name is the longest that the help has.
  const by = <T = unknown>(who: Person, ...words: string[]): T => {
    const plain = words.filter(w => !w.startsWith('-')), two = plain.slice(0, 2).join(' ');
    tried.add(all.includes(two) ? two : plain[0]!);
    const { status, stdout, stderr } = words.includes('--new-passphrase-fd')
      ? spawnSync(whimbrel, ['--profile', who.profile, '--json', ...words], { encoding: 'utf8', input: passphrase, timeout: 60000,
        env: { ...process.env, WHIMBREL_PASSPHRASE: passphrase } })
      : who.run('--json', ...words);
    assert.equal(status, words.join(' ') === 'proxy test' ? 1 : 0, `${words.join(' ')}: ${stderr}`); // its proxy leads nowhere
    let value: T;
    try { value = JSON.parse(stdout) as T; } catch { assert.fail(`${words.join(' ')} printed ${JSON.stringify(stdout)}`); }
    assert.equal(typeof value, 'object', words.join(' '));
    assert.notEqual(value, null, words.join(' '));
    return value;
  };
  const elsewhere = (name: string): Person => Object.assign(Object.create(Person.prototype) as Person, { profile: join(folder, name) });
  const file = join(folder, 'file');
  writeFileSync(file, 'something');

  await meet(alice, bob);
  const { link } = by<{ link: string }>(alice, 'invite', '--for', 'carol');
  by(carol, 'accept', link);
  by(alice, 'invite');
  by(alice, 'invite', 'revoke', String(Math.max(...by<{ id: number }[]>(alice, 'invite', 'list').map(x => x.id))));
  by(alice, 'contacts');
  by(alice, 'contact', 'rename', 'bob', 'Bob');
  by(alice, 'verify', 'Bob');
  by(alice, 'contact', 'confirm', 'Bob');
  by(alice, 'contact', 'block', 'Bob');
  by(alice, 'contact', 'unblock', 'Bob');
  by(alice, 'chats');
  by(alice, 'send', 'Bob', 'hello');
  await settled(alice, bob);
  await until(() => bob.texts('alice').includes('hello'), 20000);
  const n = String(alice.read('Bob')[0]!.id);
  by(alice, 'read', 'Bob');
  by(alice, 'reply', 'Bob', n, 'yes');
  by(alice, 'react', 'Bob', n, '👍');
  by(alice, 'edit', 'Bob', n, 'hallo');
  by(alice, 'info', 'Bob', n);
  by(alice, 'search', 'hallo');
  by(alice, 'pin', 'Bob', n);
  by(alice, 'pins', 'Bob');
  by(alice, 'unpin', 'Bob', n);
  by(alice, 'delete', 'Bob', n);
  for (const x of ['archive', 'unarchive', 'mute', 'unmute']) by(alice, x, 'Bob');
  by(alice, 'note', 'milk');
  by(alice, 'chat', 'timer', 'Bob', '1w');
  by(alice, 'chat', 'receipts', 'Bob', 'off');
  by(alice, 'group', 'create', 'Tea', 'Bob');
  by(alice, 'group', 'members', 'Tea');
  by(alice, 'group', 'rename', 'Tea', 'Coffee');
  await settled(alice); // it is called so once the relay has it
  by(alice, 'group', 'picture', 'Coffee');
  by(alice, 'group', 'requests');
  await settled(alice, bob);
  await until(() => bob.chats().some(c => c.name === 'Coffee'), 20000);
  by(alice, 'group', 'admin', 'Coffee', 'Bob');
  await settled(alice, bob);
  by(alice, 'group', 'member', 'Coffee', 'Bob');
  await settled(alice, bob);
  by(alice, 'group', 'remove', 'Coffee', 'Bob');
  await settled(alice, bob);
  await until(() => bob.chats().find(c => c.name === 'Coffee')?.state === 'removed', 20000);
  by(bob, 'group', 'return', 'Coffee');
  by(alice, 'group', 'add', 'Coffee', 'Bob');

  // Two who come by public links: to her, and to the group.
  const open = by<{ link: string }>(alice, 'invite').link, way = by<{ link: string }>(alice, 'group', 'link', '--ask', 'Coffee').link;
  await settled(alice);
  for (const p of [eve, dora]) p.ok('accept', open);
  await until(() => alice.json<{ state: string }[]>('contacts').filter(c => c.state === 'request').length === 2, 20000);
  by(alice, 'contact', 'accept', 'eve');
  by(alice, 'contact', 'decline', 'dora');
  for (const p of [eve, dora]) p.ok('accept', way);
  await until(() => alice.json<unknown[]>('group', 'requests').length === 2, 20000);
  by(alice, 'group', 'admit', 'Coffee', 'eve');
  by(alice, 'group', 'refuse', 'Coffee', 'dora');

  by(alice, 'file', 'send', 'Bob', file);
  await settled(alice, bob);
  await until(() => bob.json<{ id: number }[]>('file', 'list').length > 0, 20000);
  const f = String(by<{ id: number }[]>(bob, 'file', 'list')[0]!.id);
  by(bob, 'file', 'get', f, join(folder, 'got'));
  by(bob, 'file', 'storage');
  by(bob, 'file', 'clear');

  by(alice, 'relay');
  by(alice, 'route');
  by(alice, 'route', 'policy', 'auto');
  by(alice, 'route', 'isolation', 'relay');
  by(alice, 'proxy', 'add', '127.0.0.1:9');
  const proxy = by<{ id: number }[]>(alice, 'proxy', 'list').find(x => x.id !== 0);
  by(alice, 'proxy', 'test');
  by(alice, 'proxy', 'find', 'Bob');
  by(alice, 'proxy', 'share', String(proxy!.id));
  by(alice, 'proxy', 'remove', String(proxy!.id));
  by(alice, 'export', 'Bob', join(folder, 'export'));
  by(alice, 'backup', join(folder, 'archive'), '--new-passphrase-fd', '0');
  by(alice, 'settings');
  by(alice, 'keyring');
  by(alice, 'warnings');
  by(alice, 'passphrase', '--new-passphrase-fd', '0');
  for (const x of ['lock', 'unlock', 'status', 'stop', 'start']) by(alice, x);

  // What is not under way cannot be halted: so nothing goes.
  await relay.stop();
  const out = by<{ file: number }>(alice, 'file', 'send', '--no-wait', 'Bob', file).file;
  for (const x of ['pause', 'resume', 'cancel']) by(alice, 'file', x, String(out));
  by(bob, 'group', 'leave', 'Coffee');
  by(bob, 'chat', 'delete', 'alice', '--yes');
  by(elsewhere('new'), 'restore', join(folder, 'archive'));
  by(elsewhere('newer'), 'init', '--name', 'me', '--relay', relay.address);

  // Those that speak for as long as they run have tests of their own; and two print what is no data.
  const others = ['engine', 'ui', 'tail', 'proxy serve', 'rpc', 'help', 'completion'];
  assert.deepEqual(all.filter(x => !tried.has(x) && !others.includes(x)), []);
});
