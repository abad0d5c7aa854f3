// SPDX-License-Identifier: Apache-2.0
//
// Thieves: one has a copy of a profile's folder, taken while its engine runs and after it has ended; another has the computer, as root, with an
// engine that was locked. Neither finds what was said, a name, an address, a key, or the passphrase. Sizes and times are theirs.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestContext, test } from 'node:test';
import { until } from '../e2e/client';
import { skip } from '../e2e/person';
import { Relay, build, temporary } from '../e2e/relay';
import { Marks, canSearchMemory, searchFolder, searchMemory, spell, unique } from '../e2e/search';
import { Talker, meet, quiet } from './talker';

const passphrase = 'correct horse battery staple';

// Two who have said something unique to each other, with a file, and searched for it; and all that nobody may find of Bob's.
async function scene(t: TestContext): Promise<{ bob: Talker; b: number; said: Marks; found: () => Promise<Marks> }> {
  const relay = await Relay.start(t), folder = temporary(t);
  const [mine, theirs, inFile, draft] = ['said by Bob', 'said by Alice', 'in a file', 'a draft'].map(unique) as [Buffer, Buffer, Buffer, Buffer];
  const alice = new Talker(t, folder, unique('alice').toString(), relay.address), bob = new Talker(t, folder, unique('bob').toString(), relay.address);
  await alice.start();
  await bob.start({ by: passphrase });
  await meet(alice, bob);
  const [a, b] = [await alice.chat({ contact: bob.name }), await bob.chat({ contact: alice.name })];
  const file = join(folder, 'for Bob.txt');
  writeFileSync(file, Buffer.concat(Array.from({ length: 3000 }, () => inFile)));
  await bob.say(b, mine.toString());
  await alice.say(a, theirs.toString());
  await alice.call('file.send', { chat: a, path: file });
  await bob.call('chat.draft', { chat: b, text: draft.toString() });
  await until('all to be there', async () => (await bob.read(b)).length === 3 && (await alice.read(a)).length === 3);
  await quiet(alice, bob);
  const [there] = await bob.call<{ id: number }[]>('file.list');
  await bob.call('file.get', { file: there!.id });
  await until('the file to come', async () => (await bob.call<{ state: string }>('file.look', { file: there!.id })).state === 'here');
  await until('his own words to be found', async () => (await bob.call<unknown[]>('message.search', { text: mine.toString().split('-')[1] })).length === 1);
  const { link } = await bob.call<{ link: string }>('invite.create', {});
  const said: Marks = {
    ...spell('said by Bob', mine), ...spell('said by Alice', theirs), ...spell('in a file', inFile), ...spell('a draft', draft),
    'Alice\'s name': Buffer.from(alice.name), 'the passphrase': Buffer.from(passphrase), 'the path of a file': Buffer.from('for Bob.txt'),
    'the relay\'s path secret': Buffer.from(new URL(relay.address.replace('wss:', 'https:')).pathname.slice(1)), 'an invitation': Buffer.from(link.slice(-60)),
  };
  // Keys, as they stand in the vault in the end. The engine does not run then.
  const found = (): Promise<Marks> => {
    const r = spawnSync(join(build, 'tests/fault/fault-vault'), ['secrets', bob.profile], { encoding: 'utf8', env: { ...process.env, WHIMBREL_PASSPHRASE: passphrase } });
    assert.equal(r.status, 0, r.stderr);
    const keys: Marks = {};
    for (const [i, line] of r.stdout.trim().split('\n').entries()) {
      const [name, hex] = line.split(' ') as [string, string];
      Object.assign(keys, spell(`key ${i}: ${name}`, Buffer.from(hex, 'hex')));
    }
    return Promise.resolve(keys);
  };
  return { bob, b, said, found };
}

test('a stolen profile: there are sizes and times, and nothing to read', { skip }, async t => {
  const { bob, said, found } = await scene(t);
  assert.ok(existsSync(join(bob.profile, 'profile.db-wal')), 'the engine runs');
  const name: Marks = { ...said, 'Bob\'s name': Buffer.from(bob.name) };
  assert.deepEqual([...searchFolder(bob.profile, name)], [], 'while the engine runs');
  await bob.kill();
  assert.deepEqual([...searchFolder(bob.profile, name)], [], 'as a kill leaves it');
  await bob.start({ by: passphrase });
  await bob.stop();
  assert.deepEqual([...searchFolder(bob.profile, { ...name, ...await found() })], [], 'at rest');
  const magic = { 'the magic of the file of keys': Buffer.from('whimkeys') };
  assert.equal(searchFolder(bob.profile, magic).size, 1, 'the search finds what is there');
});

test('a locked engine: its memory has neither keys nor words', { skip }, async t => {
  if (!canSearchMemory) return t.skip('only root may read the memory of a process, and not with a sanitizer');
  const { bob, b, said, found } = await scene(t), pid = bob.child!.pid!;
  await bob.stop();
  const all: Marks = { ...said, ...await found() };
  await bob.start({ by: passphrase });
  const again = bob.child!.pid!;
  assert.notEqual(pid, again);
  assert.equal((await bob.read(b)).length, 3);
  await bob.call('contact.list');
  const open = searchMemory(again, all);
  for (const what of ['said by Bob', 'said by Alice', 'Alice\'s name']) assert.ok(open.has(what), `while it is open, ${what} is there: ${[...open].join(', ')}`);
  assert.ok([...open].some(x => x.includes('device')) && [...open].some(x => x.includes('vault')), `and so are keys: ${[...open].join(', ')}`);
  await bob.call('profile.lock');
  await until('the profile to be closed', async () => (await bob.call<{ state: string }>('profile.status')).state === 'locked');
  assert.deepEqual([...searchMemory(again, all)], []);
  await bob.call('profile.unlock', { passphrase });
  assert.equal((await bob.read(b)).length, 3, 'and it opens again');
});
