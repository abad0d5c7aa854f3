// SPDX-License-Identifier: Apache-2.0
//
// A relay that lies: a front with its key that drops, reorders, repeats, alters, holds back, shows different people different things, goes
// back to an older state, and hands out somebody else's keys. Each is caught, told in words by event, list and program with what to do,
// and nothing false is ever shown as said.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { TestContext, test } from 'node:test';
import { until } from '../e2e/client';
import { skip, whimbrel } from '../e2e/person';
import { Relay, temporary } from '../e2e/relay';
import { APPEND, ENTRIES, FOLLOWED, Front, Mischief, PACKAGES, Passing, appended, push, readAppend, readPush } from './front';
import { Entry } from '../e2e/wire';
import { Talker, meet, quiet } from './talker';

interface Warning { id: number; chat: number; contact: number; text: string }

class Stage {
  private constructor(readonly front: Front, readonly alice: Talker, readonly bob: Talker, readonly a: number, readonly b: number, readonly folder: string) {}

  static async open(t: TestContext): Promise<Stage> {
    const relay = await Relay.start(t), front = await Front.start(t, relay), folder = temporary(t);
    const alice = new Talker(t, folder, 'alice', front.address), bob = new Talker(t, folder, 'bob', front.address);
    for (const p of [alice, bob]) await p.start();
    await meet(alice, bob);
    const s = new Stage(front, alice, bob, await alice.chat({ contact: 'bob' }), await bob.chat({ contact: 'alice' }), folder);
    for (const [p, chat] of [[alice, s.a], [bob, s.b]] as const) await p.call('chat.set', { chat, receipts: 'off' }); // each test counts what passes
    await alice.say(s.a, 'hello');
    await bob.say(s.b, 'hello, too');
    await s.both(2);
    return s;
  }

  async both(n: number): Promise<void> {
    await until(`both to have ${n} messages`, async () => (await this.alice.read(this.a)).length >= n && (await this.bob.read(this.b)).length >= n);
    await quiet(this.alice, this.bob);
  }

  // What is to be told, to whom: as an event, in the list until it was seen, and by the program.
  async told(p: Talker, what: RegExp): Promise<void> {
    await until(`${p.name} to be told ${what.source}`, () => p.warnings().some(w => what.test(w)))
      .catch((e: Error) => { throw new Error(`${e.message}, and was told: ${p.warnings().join(' | ')}`); });
    const list = await p.call<Warning[]>('warning.list'), one = list.find(w => what.test(w.text));
    assert.ok(one !== undefined, 'it stands in the list');
    const r = spawnSync(whimbrel, ['--profile', p.profile, 'warnings'], { encoding: 'utf8', env: { ...process.env, WHIMBREL_PASSPHRASE: 'correct horse battery staple' } });
    assert.equal(r.status, 0, r.stderr);
    assert.match(r.stdout.replace(/\s+/g, ' '), what, 'the program says it');
    await p.call('warning.seen', { warning: one.id });
    assert.ok((await p.call<Warning[]>('warning.list')).every(w => w.id !== one.id));
    p.events.length = 0; // what comes from here on is told anew
  }

  // Messages that come for somebody: the connection is the one on which they follow. `change` sees only what is of the log that they are in.
  // Each list of what comes instead is a push.
  lie(change: (entries: Entry[], p: Passing) => Entry[][] | undefined): void {
    this.front.mischief = p => {
      if (p.up || p.type !== ENTRIES) return undefined;
      const { tag, entries } = readPush(p.bytes);
      if (tag === 0) return undefined; // an inbox
      const instead = change(entries, p);
      return instead?.filter(list => list.length > 0).map(list => push(tag, list));
    };
  }

  // All that comes for Bob. His connection is found by what he says.
  async bobs(): Promise<number> {
    let connection = -1;
    this.front.mischief = p => {
      if (p.up && p.type === APPEND) connection = p.connection;
      return undefined;
    };
    await this.bob.say(this.b, 'it is me');
    await until('Bob to be heard', () => connection >= 0);
    await quiet(this.bob, this.alice);
    return connection;
  }

  texts(p: Talker, chat: number): Promise<string[]> { return p.read(chat).then(h => h.map(m => m.text)); }
}

const forked = /shows different people different histories.*compare what you have read over another way, and move to another relay/;
const gap = /left something out of this conversation, or changed the order; it is asked again.*move to another relay/;
const twice = /has sent something of this conversation twice; here it stands once/;

test('it drops a message, and closes the gap', { skip }, async t => {
  const s = await Stage.open(t), connection = await s.bobs();
  let dropped = 0;
  s.lie((entries, p) => p.connection !== connection ? undefined : [entries.flatMap(e => {
    dropped ||= e.seq;
    return e.seq === dropped ? [] : [{ ...e, seq: e.seq > dropped ? e.seq - 1 : e.seq }];
  })]);
  await s.alice.say(s.a, 'Bob shall not read this');
  await until('it to be dropped', () => dropped > 0);
  await quiet(s.alice); // only what Alice has seen in the log is in what she says next
  await s.alice.say(s.a, 'but this');
  await s.told(s.bob, forked); // by what Alice has seen
  await s.bob.say(s.b, 'hm');
  await s.told(s.alice, forked); // by what Bob has seen
});

test('it drops a message, and leaves the gap: it is asked again', { skip }, async t => {
  const s = await Stage.open(t), connection = await s.bobs();
  let dropped = false;
  s.lie((_, p) => p.connection !== connection || dropped ? undefined : (dropped = true, []));
  await s.alice.say(s.a, 'one');
  await until('it to be dropped', () => dropped);
  await s.alice.say(s.a, 'two');
  await s.told(s.bob, gap);
  await s.both(5);
  assert.deepEqual((await s.texts(s.bob, s.b)).slice(-2), ['one', 'two'], 'nothing is lost');
});

test('it drops a message whenever it is asked: what is missing is told, and the rest is read', { skip }, async t => {
  const s = await Stage.open(t);
  let dropped = 0;
  s.lie((entries, p) => {
    if (dropped === 0) dropped = entries[0]!.seq;
    return p.connection === 0 ? undefined : [entries.filter(e => e.seq !== dropped)];
  });
  await s.alice.say(s.a, 'one');
  await s.alice.say(s.a, 'two');
  await s.told(s.bob, gap);
  await until('Bob to read on', async () => (await s.texts(s.bob, s.b)).includes('two'));
});

test('it changes the order, with and without the numbers', { skip }, async t => {
  for (const numbers of [true, false]) {
    const s = await Stage.open(t), connection = await s.bobs(), held: Entry[] = [];
    let done = false;
    s.lie((entries, p) => {
      if (p.connection !== connection || done) return undefined;
      held.push(...entries);
      if (held.length < 2) return [];
      done = true;
      const [one, two] = [held[0]!, held[1]!];
      return numbers ? [[{ ...two, seq: one.seq }, { ...one, seq: two.seq }]] : [[two], [one]];
    });
    await s.alice.say(s.a, 'first');
    await s.alice.say(s.a, 'second');
    await until('it to be done', () => done);
    if (!numbers) {
      await s.told(s.bob, gap);
      await s.both(5);
      continue;
    }
    await s.alice.say(s.a, 'third');
    await s.told(s.bob, forked);
  }
});

test('it repeats a message, under its number and under another', { skip }, async t => {
  const s = await Stage.open(t), connection = await s.bobs();
  let last: Entry[] = [];
  s.lie((entries, p) => {
    if (p.connection !== connection || last.length > 0) return undefined;
    last = entries;
    return [entries, entries];
  });
  await s.alice.say(s.a, 'once');
  await s.told(s.bob, twice);
  await s.both(4);
  const e = last[last.length - 1]!;
  let done = false;
  s.lie((entries, p) => p.connection !== connection || done ? undefined : (done = true, [[{ ...e, seq: e.seq + 1 }, ...entries.map(x => ({ ...x, seq: x.seq + 1 }))]]));
  await s.alice.say(s.a, 'once more');
  await s.told(s.bob, twice);
  await until('Bob to read it', async () => (await s.texts(s.bob, s.b)).includes('once more'));
  assert.equal((await s.texts(s.bob, s.b)).filter(x => x === 'once').length, 1);
});

test('it sends what no relay sends: entries whose numbers go back, and no message at all', { skip }, async t => {
  for (const nonsense of [(e: Entry[]): Buffer => push(1, [...e, ...e]), (): Buffer => Buffer.from('nonsense')]) {
    const s = await Stage.open(t), connection = await s.bobs();
    let done = false;
    s.front.mischief = p => p.up || p.type !== ENTRIES || p.connection !== connection || done ? undefined : (done = true, [nonsense(readPush(p.bytes).entries)]);
    await s.alice.say(s.a, 'once');
    await s.told(s.bob, /has sent something that makes no sense; the connection was made anew, and nothing was taken from it.*move to another/);
    await s.both(4);
  }
});

test('it alters a message, and puts one of its own between', { skip }, async t => {
  const s = await Stage.open(t), connection = await s.bobs();
  let done = false;
  s.lie((entries, p) => {
    if (p.connection !== connection || done) return undefined;
    done = true;
    return [entries.map(e => {
      const payload = Buffer.from(e.payload);
      payload[payload.length - 1]! ^= 1;
      return { ...e, payload };
    })];
  });
  await s.alice.say(s.a, 'altered');
  await s.told(s.bob, /has put something into it that cannot be a part of it; it was passed over/);
  assert.ok(!(await s.texts(s.bob, s.b)).includes('altered'));
  await s.alice.say(s.a, 'not altered');
  await s.told(s.bob, forked);
  await until('Bob to read it', async () => (await s.texts(s.bob, s.b)).includes('not altered'));
});

test('it holds back a change of the group', { skip }, async t => {
  const s = await Stage.open(t), carol = new Talker(t, s.folder, 'carol', s.front.address);
  await carol.start();
  await meet(carol, s.alice);
  await s.alice.call('chat.group', { name: 'Tea', contacts: [await s.alice.contact('bob'), await s.alice.contact('carol')] });
  const [a, b] = [await s.alice.chat({ name: 'Tea', members: 3 }), await s.bob.chat({ name: 'Tea', members: 3 })];
  await carol.chat({ name: 'Tea', members: 3 });
  await quiet(s.alice, s.bob, carol);
  const connection = await s.bobs();
  let dropped = 0;
  s.lie((entries, p) => p.connection !== connection ? undefined : [entries.flatMap(e => {
    dropped ||= e.seq;
    return e.seq === dropped ? [] : [{ ...e, seq: e.seq > dropped ? e.seq - 1 : e.seq }];
  })]);
  await s.alice.call('chat.remove', { chat: a, contact: await s.alice.contact('carol') });
  await s.alice.chat({ name: 'Tea', members: 2 });
  await s.alice.say(a, 'without Carol');
  await s.told(s.bob, /has left a change of this conversation out, or .* what was said since then cannot be read\. .* begin a new conversation/);
  assert.deepEqual(await s.texts(s.bob, b), []);
});

test('it says that it has a message, and throws it away', { skip }, async t => {
  const s = await Stage.open(t), connection = await s.bobs();
  let thrown = 0;
  s.front.mischief = p => {
    if (!p.up || p.type !== APPEND || p.connection !== connection || thrown > 0) return undefined;
    thrown = 1;
    return [appended(p.id, 4, readAppend(p.bytes).epoch)];
  };
  await s.bob.say(s.b, 'thrown away');
  await until('it to be thrown away', () => thrown > 0);
  s.front.cut();
  await s.told(s.bob, /has lost a message that it had promised to keep; it is sent again/);
  await s.both(4);
  assert.ok((await s.texts(s.alice, s.a)).includes('thrown away'));
});

test('it shows two people two histories', { skip }, async t => {
  const s = await Stage.open(t), connection = await s.bobs();
  let cut = 0;
  // Bob talks to himself from here on: what he says is in his history alone, and what Alice says in hers.
  s.front.mischief = p => {
    if (p.up && p.connection === connection && p.type === APPEND) {
      const x = readAppend(p.bytes);
      cut ||= 3;
      return [appended(p.id, ++cut, x.epoch), push(s.b, [{ seq: cut, time: Date.now(), epoch: x.epoch, payload: x.payload }])];
    }
    if (!p.up && p.type === ENTRIES && p.connection === connection && readPush(p.bytes).tag === s.b) return [];
    return undefined;
  };
  await s.bob.say(s.b, 'in one history');
  await s.alice.say(s.a, 'in another');
  await quiet(s.bob, s.alice);
  delete s.front.mischief;
  s.front.cut();
  // Bob's relay has come back with the other history: he sees that his was another, and what he had said is said to both.
  await s.told(s.bob, /has gone back to an older state.*if nothing was restored there, the relay lies; then move to another/);
  await s.both(5);
  assert.ok((await s.texts(s.alice, s.a)).includes('in one history'));
  assert.ok((await s.texts(s.bob, s.b)).includes('in another'));
});

test('it goes back to an older state for one of two', { skip }, async t => {
  const s = await Stage.open(t);
  await s.alice.say(s.a, 'new');
  await s.both(3);
  s.front.mischief = p => {
    if (p.up || p.type !== FOLLOWED) return undefined;
    const bytes = Buffer.from(p.bytes); // tag, code, oldest, head, epoch of each; all heads are said to be 1
    for (let at = bytes.length % 29 === 6 ? 6 : 7; at + 29 <= bytes.length; at += 29) bytes.writeBigUInt64BE(1n, at + 13);
    return [bytes];
  };
  s.front.cut();
  await s.told(s.bob, /has gone back to an older state/);
  await s.told(s.alice, /has gone back to an older state/);
  delete s.front.mischief;
  s.front.cut();
  await s.alice.say(s.a, 'still here');
  await s.both(4);
  assert.deepEqual((await s.texts(s.bob, s.b)).sort(), ['hello', 'hello, too', 'new', 'still here'], 'nothing is lost or doubled');
});

test('it hands out the keys of somebody else', { skip }, async t => {
  const s = await Stage.open(t), carol = new Talker(t, s.folder, 'carol', s.front.address), mallory = new Talker(t, s.folder, 'mallory', s.front.address);
  for (const p of [carol, mallory]) await p.start();
  let answer: Buffer | undefined;
  const record: Mischief = p => {
    if (!p.up && p.type === PACKAGES) answer = p.bytes;
    return undefined;
  };
  s.front.mischief = record;
  await meet(mallory, s.alice); // the relay learns what is in Mallory's pool
  assert.ok(answer !== undefined);
  const { link } = await carol.call<{ link: string }>('invite.create', { personal: true });
  await quiet(carol);
  s.front.mischief = p => {
    if (p.up || p.type !== PACKAGES) return undefined;
    const bytes = Buffer.from(answer!);
    bytes.writeUInt32BE(p.id, 1);
    return [bytes];
  };
  await s.bob.call('invite.accept', { link });
  await s.told(s.bob, /has handed out a key that is not theirs: nothing was sent to it\. Tell them, over another way/);
  assert.equal((await carol.chats()).length, 0);

});
