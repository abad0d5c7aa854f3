// SPDX-License-Identifier: Apache-2.0
//
// A profile's folder is put back from a copy while people talk. It reads in the logs what it has said since then, and says nothing under a
// key that it had used; where it has changed a group since, it is added again by the others. All go on in both directions.
import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { TestContext, test } from 'node:test';
import { until } from '../e2e/client';
import { skip } from '../e2e/person';
import { Relay, temporary } from '../e2e/relay';
import { Front } from './front';
import { Talker, meet, quiet } from './talker';

class World {
  private constructor(readonly front: Front, readonly people: Talker[]) {}

  static async start(t: TestContext, ...names: string[]): Promise<World> {
    const front = await Front.start(t, await Relay.start(t)), folder = temporary(t);
    const w = new World(front, names.map(n => new Talker(t, folder, n, front.address)));
    for (const p of w.people) await p.start();
    for (const p of w.people.slice(1)) await meet(p, w.people[0]!);
    return w;
  }

  async keep(p: Talker, as: string): Promise<void> {
    await p.stop();
    cpSync(p.profile, `${p.profile}.${as}`, { recursive: true });
    await p.start();
  }

  async putBack(p: Talker, from: string): Promise<void> {
    await p.kill();
    rmSync(p.profile, { recursive: true });
    cpSync(`${p.profile}.${from}`, p.profile, { recursive: true });
    await p.start();
  }

  // Of all that was sent, no two different ciphertexts are under one key and nonce, as far as these profiles can tell: each knows one epoch.
  async nonces(least: number, ...profiles: string[]): Promise<void> {
    for (const p of this.people) await p.stop();
    const different = [...new Map(this.front.sent.map(b => [b.toString('hex'), b])).values()];
    const seen = new Map<string, number>();
    let opened = 0;
    const columns = profiles.map(p => this.people[0]!.senders(different, p));
    for (const i of different.keys()) {
      const sender = columns.map(c => c[i]!).find(s => s !== '-');
      if (sender === undefined) continue;
      opened++;
      assert.equal(seen.get(sender), undefined, `two different messages have chat, epoch, type, leaf and generation ${sender}`);
      seen.set(sender, i);
    }
    assert.ok(opened >= least, `${opened} of ${different.length} could be opened`);
  }
}

const texts = async (p: Talker, chat: number): Promise<string[]> =>
  [...await p.read(chat)].sort((a, b) => a.seq - b.seq).map(m => m.text);

async function have(p: Talker, chat: number, wanted: string[], ordered = true): Promise<void> {
  await until(`${p.name} to have ${wanted.length} messages`, async () => (await p.read(chat)).filter(m => m.state !== 'queued').length >= wanted.length)
    .catch(async (e: Error) => { throw new Error(`${e.message}: ${(await p.read(chat)).map(m => `${m.seq} ${m.text} ${m.state}`).join(', ')}; ${p.warnings().join(' | ')}`); });
  const there = await texts(p, chat);
  assert.deepEqual(ordered ? there : there.sort(), ordered ? wanted : [...wanted].sort(), p.name);
}

test('who was put back reads what they have said since, and goes on with fresh keys', { skip }, async t => {
  const w = await World.start(t, 'alice', 'bob'), [alice, bob] = w.people as [Talker, Talker];
  const [a, b] = [await alice.chat({ contact: 'bob' }), await bob.chat({ contact: 'alice' })];
  await alice.say(a, 'before');
  await quiet(alice, bob);
  await w.keep(alice, 'old');
  await alice.say(a, 'one');
  await until('bob to read it', async () => (await texts(bob, b)).includes('one'));
  await bob.say(b, 'two');
  await until('alice to read it', async () => (await texts(alice, a)).includes('two'));
  await alice.say(a, 'three');
  await quiet(alice, bob);
  await bob.stop(); // he need not be there
  await w.putBack(alice, 'old');
  await alice.say(a, 'four');
  await quiet(alice);
  await bob.start();
  await bob.say(b, 'five');
  const all = ['before', 'one', 'two', 'three', 'four', 'five'];
  await have(alice, a, all);
  await have(bob, b, all);
  await quiet(alice, bob);
  assert.equal(alice.warnings().length, 1);
  assert.match(alice.warnings()[0]!, /older than what was said with it.*Use one copy only/);
  assert.deepEqual(bob.warnings(), []);
  await w.nonces(all.length, `${alice.profile}.old`, alice.profile);
});

test('who has changed a group since is added again, and loses nothing that waits', { skip }, async t => {
  const w = await World.start(t, 'alice', 'bob', 'carol'), [alice, bob, carol] = w.people as [Talker, Talker, Talker];
  await alice.call('chat.group', { name: 'Tea', contacts: [await alice.contact('bob'), await alice.contact('carol')] });
  const [a, b, c] = await Promise.all(w.people.map(p => p.chat({ name: 'Tea', members: 3 }))) as [number, number, number];
  await alice.say(a, 'before');
  await quiet(alice, bob, carol);
  await w.keep(alice, 'old');
  await alice.say(a, 'one');
  await alice.call('chat.rename', { chat: a, name: 'Cake' });
  await carol.chat({ name: 'Cake' });
  await carol.say(c, 'two');
  await quiet(alice, bob, carol);
  await w.keep(carol, 'cake');
  for (const round of ['first', 'second']) { // a machine that is put back each time it starts
    const others = await texts(bob, b);
    await w.putBack(alice, 'old');
    await alice.say(a, `${round} back`);
    const all = [...others, `${round} back`];
    await have(bob, b, all, false); // what was said anew has the number of that
    await have(carol, c, all, false);
    await bob.say(b, `${round} welcome`);
    await until('alice to read it', async () => (await texts(alice, a)).includes(`${round} welcome`));
    assert.equal((await alice.chats()).find(x => x.id === a)!.name, 'Cake');
    assert.equal((await alice.chats()).find(x => x.id === a)!.members, 3);
    // What she could not read is said to her again; what she herself had said and has lost, nobody else can say.
    const wanted = [...all, `${round} welcome`].filter(x => round === 'first' || x !== 'first back').sort();
    await until('alice to have what she had missed', async () => (await texts(alice, a)).length >= wanted.length);
    assert.deepEqual((await texts(alice, a)).sort(), wanted);
    assert.ok(alice.warnings().some(x => /older than what was done with it.*added again/.test(x)), alice.warnings().join(' | '));
    assert.ok(alice.warnings().every(x => /older than what was/.test(x)), alice.warnings().join(' | '));
    await quiet(alice, bob, carol);
    await w.keep(carol, round);
  }
  await alice.call('chat.rename', { chat: a, name: 'Crumbs' }); // she is its only admin still
  await carol.chat({ name: 'Crumbs', members: 3 });
  for (const p of [bob, carol]) assert.deepEqual(p.warnings(), []);
  await w.nonces(12, `${alice.profile}.old`, ...['cake', 'first', 'second'].map(x => `${carol.profile}.${x}`));
});
