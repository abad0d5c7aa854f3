// SPDX-License-Identifier: Apache-2.0
//
// Kill -9 of engines and relay while people talk. Whoever is not dead says something all the time; a message counts as said when
// the engine has answered, or when it stands in the history after its engine has come back. At the end all histories hold
// just what was said: of each person in the order in which they said it, nothing lost, nothing twice. And of all that was sent to
// the relay, stored or not, no two different ciphertexts are under one key and nonce. WHIMBREL_KILLS says how often (20).
import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { TestContext, test } from 'node:test';
import { until } from '../e2e/client';
import { skip } from '../e2e/person';
import { Relay, temporary } from '../e2e/relay';
import { APPEND, Front } from './front';
import { Message, Talker, meet, quiet } from './talker';

const kills = Math.ceil(Number(process.env['WHIMBREL_KILLS'] ?? 20) / 2); // in each of two trials
const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

class Script {
  readonly said: string[] = [];
  doubt: string | undefined; // was asked for, and the engine died before it answered

  constructor(readonly person: Talker, readonly chat: number) {}

  // What is in doubt was said if it is there.
  async resolve(): Promise<void> {
    if (this.doubt === undefined) return;
    if ((await this.person.read(this.chat)).some(m => m.from === 0 && m.text === this.doubt)) this.said.push(this.doubt);
    this.doubt = undefined;
  }

  async say(): Promise<void> {
    const text = `${this.person.name} ${this.said.length} ${'x'.repeat((this.said.length * 7919) % 400)}`;
    this.doubt = text;
    await this.person.say(this.chat, text);
    this.said.push(text);
    this.doubt = undefined;
  }
}

class Trial {
  alive = new Map<Talker, boolean>();
  over = false;

  constructor(readonly relay: Relay, readonly front: Front, readonly scripts: Script[]) {
    for (const s of scripts) this.alive.set(s.person, true);
  }

  private async talk(s: Script): Promise<void> {
    while (!this.over) {
      if (this.alive.get(s.person)) await s.say().catch(() => undefined);
      await pause(Math.random() * 40);
    }
  }

  private async killOne(): Promise<void> {
    await pause(Math.random() * 250);
    const at = Math.floor(Math.random() * (this.scripts.length + 1)), s = this.scripts[at];
    if (s === undefined) {
      await this.relay.kill();
      await pause(Math.random() * 100);
      return this.relay.run();
    }
    this.alive.set(s.person, false);
    await s.person.kill();
    await pause(Math.random() * 100);
    await s.person.start();
    await s.resolve();
    this.alive.set(s.person, true);
  }

  async run(n: number): Promise<void> {
    const talking = this.scripts.map(s => this.talk(s));
    for (let i = 0; i < n; i++) await this.killOne();
    this.over = true;
    await Promise.all(talking);
    for (const s of this.scripts) await s.person.call('engine.wake');
    await quiet(...this.scripts.map(s => s.person));
  }

  // All histories are the script.
  async check(): Promise<void> {
    const total = this.scripts.reduce((n, s) => n + s.said.length, 0);
    const histories: Message[][] = [];
    for (const s of this.scripts) {
      await until(`${s.person.name} to have everything`, async () => (await s.person.read(s.chat)).length >= total);
      histories.push(await s.person.read(s.chat));
    }
    const bySeq = (h: Message[]): Message[] => [...h].sort((a, b) => a.seq - b.seq);
    const log = bySeq(histories[0]!).map(m => [m.seq, m.text]);
    for (const [i, h] of histories.entries()) {
      const reader = this.scripts[i]!.person;
      assert.equal(h.length, total, `${reader.name} has just what was said`);
      assert.deepEqual(bySeq(h).map(m => [m.seq, m.text]), log, `${reader.name} has what the others have, under the same numbers`);
      assert.equal(new Set(h.map(m => m.seq)).size, total, 'each number is there once');
      for (const s of this.scripts) {
        const texts = (x: Message[]): string[] => x.map(m => m.text).filter(x => x.startsWith(`${s.person.name} `));
        assert.deepEqual(texts(h), s.said, `${reader.name} reads ${s.person.name} in the order of saying`);
        assert.deepEqual(texts(bySeq(h)), s.said, 'and so stands it in the log');
      }
      assert.deepEqual(reader.warnings(), [], `${reader.name} was warned of nothing`);
    }
  }

  // No key and nonce for two things. What is of an epoch that has passed cannot be told any more; the trial has none.
  async nonces(epochs: number): Promise<{ different: number; again: number }> {
    const different = [...new Map(this.front.sent.map(b => [b.toString('hex'), b])).values()];
    const seen = new Map<string, string>();
    let opened = 0;
    for (const s of this.scripts) await s.person.stop();
    const senders = this.scripts[0]!.person.senders(different);
    for (const [i, sender] of senders.entries()) {
      if (sender === '-') continue;
      const text = different[i]!.toString('hex');
      opened++;
      assert.equal(seen.get(sender), undefined, `two different messages have epoch, type, leaf and generation ${sender}`);
      seen.set(sender, text);
    }
    const total = this.scripts.reduce((n, s) => n + s.said.length, 0);
    assert.ok(opened >= total, `${opened} of ${different.length} could be opened, and ${total} were said`);
    assert.ok(senders.length - opened <= epochs, 'what could not be opened is from the beginning');
    return { different: different.length, again: this.front.sent.length - different.length };
  }
}

async function trial(t: TestContext, names: string[]): Promise<Trial> {
  const relay = await Relay.start(t), front = await Front.start(t, relay), folder = temporary(t);
  const people = names.map(n => new Talker(t, folder, n, front.address));
  for (const p of people) await p.start();
  for (const p of people.slice(1)) await meet(p, people[0]!);
  if (people.length === 2) {
    const chats = [await people[0]!.chat({ contact: names[1]! }), await people[1]!.chat({ contact: names[0]! })];
    return new Trial(relay, front, people.map((p, i) => new Script(p, chats[i]!)));
  }
  await people[0]!.call('chat.group', { name: 'Tea', contacts: (await people[0]!.contacts()).map(c => c.id) });
  const scripts: Script[] = [];
  for (const p of people) scripts.push(new Script(p, await p.chat({ name: 'Tea', members: people.length })));
  await quiet(...people);
  return new Trial(relay, front, scripts);
}

for (const names of [['alice', 'bob'], ['alice', 'bob', 'carol']]) {
  test(`${names.length} people talk through ${kills} kills; nothing is lost, and nothing comes twice`, { skip }, async t => {
    const run = await trial(t, names);
    const before = run.front.sent.length;
    await run.run(kills);
    await run.check();
    const { different, again } = await run.nonces(before);
    const said = run.scripts.map(s => s.said.length).join(' + ');
    t.diagnostic(`${said} messages, ${different} ciphertexts, ${again} sent again as they were`);
  });
}

test('the check of nonces notices a profile that was put back', { skip }, async t => {
  const run = await trial(t, ['alice', 'bob']);
  const { person, chat } = run.scripts[0]!, before = run.front.sent.length;
  await person.stop();
  cpSync(person.profile, `${person.profile}.old`, { recursive: true });
  run.front.mischief = p => p.up && p.type === APPEND ? [] : undefined; // what is in the log would be noticed by the profile itself
  await person.start();
  await person.say(chat, 'one thing');
  await until('it to be sent', () => run.front.sent.length > before);
  await person.kill();
  rmSync(person.profile, { recursive: true });
  cpSync(`${person.profile}.old`, person.profile, { recursive: true });
  await person.start();
  await person.say(chat, 'another thing');
  await until('that to be sent, too', () => run.front.sent.length > before + 1);
  await assert.rejects(run.nonces(before), /two different messages/);
});
