// SPDX-License-Identifier: Apache-2.0
//
// Many at once: changes of a group that race, people who are away while the relay is, and twenty in a group who come and go while
// they talk. With engines and a relay as they are installed. All who are in at the end have one group and one history.
import assert from 'node:assert/strict';
import { TestContext, test } from 'node:test';
import { until } from './client';
import { skip } from './person';
import { Relay, temporary } from './relay';
import { Chat, Talker, meet, quiet } from '../fault/talker';

const patient = 240_000; // a crowd of engines on a machine that others use
const crowd = Number(process.env['WHIMBREL_CROWD'] ?? 20);

async function town(t: TestContext, names: string[]): Promise<{ relay: Relay; people: Talker[] }> {
  const relay = await Relay.start(t), folder = temporary(t);
  const people = names.map(n => new Talker(t, folder, n, relay.address));
  for (const p of people) await p.start();
  for (const p of people.slice(1)) await meet(p, people[0]!);
  return { relay, people };
}

async function tea(people: Talker[]): Promise<number[]> {
  const first = people[0]!, contacts = await Promise.all(people.slice(1).map(p => first.contact(p.name)));
  await first.call('chat.group', { name: 'Tea', contacts });
  return Promise.all(people.map(p => p.chat({ name: 'Tea', members: people.length })));
}

const chatOf = async (p: Talker, id: number): Promise<Chat> => (await p.chats()).find(c => c.id === id)!;
const said = async (p: Talker, id: number): Promise<string[]> => (await p.read(id)).filter(m => m.kind === 'text').sort((a, b) => a.seq - b.seq).map(m => m.text);

// All are in one epoch of one group with so many members, under one name.
async function agree(whose: [Talker, number][], members: number): Promise<void> {
  await quiet(...whose.map(w => w[0]));
  await until('all to be in one epoch', async () => {
    const all = await Promise.all(whose.map(([p, id]) => chatOf(p, id)));
    return all.every(c => c.members === members && c.epoch === all[0]!.epoch && c.name === all[0]!.name);
  }, patient);
}

test('changes that race all happen, one after the other', { skip }, async t => {
  const { people } = await town(t, ['alice', 'bob', 'carol', 'dave', 'eve']);
  const [alice, bob, carol] = people as [Talker, Talker, Talker];
  const chats = await tea(people.slice(0, 4)), whose = people.slice(0, 4).map((p, i) => [p, chats[i]!] as [Talker, number]);
  for (const p of [bob, carol]) await alice.call('chat.role', { chat: chats[0], contact: await alice.contact(p.name), admin: true });
  await agree(whose, 4);
  await meet(people[4]!, bob);
  // Three admins change different things at once, and everybody talks.
  const script = people.slice(0, 4).flatMap(p => [0, 1, 2].map(i => `${p.name} ${i}`));
  await Promise.all([
    alice.call('chat.rename', { chat: chats[0], name: 'Tea and cake' }),
    bob.call('chat.add', { chat: chats[1], contacts: [await bob.contact('eve')] }),
    carol.call('chat.role', { chat: chats[2], contact: await memberNamed(carol, chats[2]!, alice, chats[0]!, 'dave'), admin: true }),
    ...whose.flatMap(([p, id]) => [0, 1, 2].map(i => p.say(id, `${p.name} ${i}`))),
  ]);
  await agree(whose, 5);
  const eve = await people[4]!.chat({ name: 'Tea and cake', members: 5 });
  await agree([...whose, [people[4]!, eve]], 5);
  await until('all to have read all', async () => (await Promise.all(whose.map(([p, id]) => said(p, id)))).every(x => x.length === script.length));
  const first = await said(alice, chats[0]!);
  assert.deepEqual([...first].sort(), [...script].sort());
  for (const [p, id] of whose) assert.deepEqual(await said(p, id), first, `${p.name} reads what the others read`);
  // The same change by two: one happens, the other finds nothing to do.
  const dave = await memberNamed(bob, chats[1]!, alice, chats[0]!, 'dave');
  await Promise.all([
    alice.call('chat.remove', { chat: chats[0], contact: await alice.contact('dave') }),
    bob.call('chat.remove', { chat: chats[1], contact: dave }),
    carol.say(chats[2]!, 'while they do'),
  ]);
  const left = [...whose.slice(0, 3), [people[4]!, eve] as [Talker, number]];
  await agree(left, 4);
  await until('all to read Carol', async () => (await Promise.all(left.map(([p, id]) => said(p, id)))).every(x => x.includes('while they do')));
  for (const [p] of left) assert.deepEqual(p.warnings(), []);
});

// The contact by which somebody knows a member of a group that another knows by name: by the account.
async function memberNamed(p: Talker, chat: number, by: Talker, hers: number, name: string): Promise<number> {
  interface Member { contact: number; account: string }
  const contact = await by.contact(name), account = (await by.call<Member[]>('chat.members', { chat: hers })).find(m => m.contact === contact)!.account;
  return (await p.call<Member[]>('chat.members', { chat })).find(m => m.account === account)!.contact;
}

test('everybody talks while the relay is away; engines end and begin meanwhile; all of it comes, once', { skip }, async t => {
  const { relay, people } = await town(t, ['alice', 'bob', 'carol']), chats = await tea(people);
  const script: string[] = [];
  for (let outage = 0; outage < 3; outage++) {
    await relay.stop();
    for (let i = 0; i < 10; i++) {
      for (const [k, p] of people.entries()) {
        script.push(`${p.name} ${outage}.${i}`);
        await p.say(chats[k]!, script[script.length - 1]!);
      }
    }
    await people[outage]!.kill();
    await people[(outage + 1) % 3]!.stop();
    await people[outage]!.start();
    await relay.run();
    await people[(outage + 1) % 3]!.start();
    for (const p of people) await p.call('engine.wake');
  }
  await quiet(...people);
  await until('all to have read all', async () => (await Promise.all(people.map((p, i) => said(p, chats[i]!)))).every(x => x.length >= script.length));
  const first = await said(people[0]!, chats[0]!);
  assert.deepEqual([...first].sort(), [...script].sort());
  for (const [i, p] of people.entries()) {
    assert.deepEqual(await said(p, chats[i]!), first, `${p.name} reads what the others read`);
    assert.deepEqual(first.filter(x => x.startsWith(p.name)), script.filter(x => x.startsWith(p.name)), `${p.name} in the order of saying`);
    assert.deepEqual(p.warnings(), []);
  }
});

// How far everybody is, for a test that fails.
async function state(people: Talker[], asleep: number[], chats: number[]): Promise<string> {
  const all = await Promise.all(people.map(async (p, i) => {
    if (asleep.includes(i)) return `${p.name} sleeps`;
    const c = await chatOf(p, chats[i]!);
    return `${p.name} ${c.state} ${c.members} members epoch ${c.epoch}, ${await p.waitingWork()} to do, ${p.warnings().join(' | ')}`;
  }));
  return all.join('; ');
}

test(`${crowd} in a group, who come and go while they talk`, { skip }, async t => {
  const { people } = await town(t, Array.from({ length: crowd }, (_, i) => `p${i}`));
  const chats = await tea(people), first = people[0]!;
  const inside = new Set(people.keys()), heard = new Map(people.map((_, i) => [i, [] as string[]]));
  let n = 0;
  const round = async (): Promise<void> => {
    const who = [...inside].filter((_, k) => (k + n) % 3 === 0);
    const words = who.map(i => [i, `${people[i]!.name} says ${n++}`] as const);
    await Promise.all(words.map(([i, text]) => people[i]!.say(chats[i]!, text)));
    for (const i of inside) heard.get(i)!.push(...words.map(w => w[1]));
    await until('all who are in to have it', async () => (await Promise.all([...inside].map(async i => {
      const have = new Set(await said(people[i]!, chats[i]!));
      return words.every(([, text]) => have.has(text));
    }))).every(Boolean), patient);
  };
  await round();
  for (let turn = 0; turn < 4; turn++) {
    const out = [...inside].filter(i => i !== 0 && (i + turn) % 7 === 0), asleep = [...inside].filter(i => i !== 0 && !out.includes(i) && (i + turn) % 5 === 0);
    for (const i of asleep) await people[i]!.stop();
    for (const i of out) {
      await first.call('chat.remove', { chat: chats[0], contact: await first.contact(people[i]!.name) });
      inside.delete(i);
    }
    await until('them to be out', async () => (await chatOf(first, chats[0]!)).members === inside.size, patient)
      .catch(async (e: Error) => { throw new Error(`${e.message}: ${await state(people, asleep, chats)}`); });
    for (const i of asleep) await people[i]!.start();
    await round();
    await first.call('chat.add', { chat: chats[0], contacts: await Promise.all(out.map(i => first.contact(people[i]!.name))) });
    for (const i of out) inside.add(i);
    await agree([...inside].map(i => [people[i]!, chats[i]!]), crowd);
    await round();
  }
  await agree([...inside].map(i => [people[i]!, chats[i]!]), crowd);
  for (const [i, p] of people.entries()) {
    const have = await said(p, chats[i]!);
    assert.deepEqual([...have].sort(), [...heard.get(i)!].sort(), `${p.name} has what was said while they were in, and nothing else`);
    assert.deepEqual(p.warnings(), [], p.name);
  }
});
