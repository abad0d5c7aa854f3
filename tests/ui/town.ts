// SPDX-License-Identifier: Apache-2.0
//
// town: a few people who have something to say, for tests that look at it. Only Alice has a browser; the others type in terminals.
import { TestContext } from 'node:test';
import { until } from '../e2e/client';
import { Person } from './person';

export interface Town { alice: Person; bob: Person; carol: Person; dmitri: Person }

export async function town(t: TestContext, relay: string): Promise<Town> {
  const [alice, bob, carol, dmitri, eve] = ['Alice', 'Bob Larsen', 'Carol', 'Дмитрий', 'Eve'].map(n => new Person(t, n).make(relay)) as [Person, Person, Person, Person, Person];
  for (const p of [bob, carol, dmitri]) p.take(alice.invite());
  eve.take(alice.json<{ link: string }>('invite').link);
  const there = (p: Person, n: number): Promise<void> => until(`${p.name}'s conversations`, () => {
    const chats = p.json<{ members: number; state: string }[]>('chats');
    return chats.filter(c => c.members > 1).length >= n;
  });
  await there(alice, 3);
  alice.ok('group', 'create', 'Harbour', 'Bob', 'Carol', 'Дмитрий');
  for (const p of [bob, carol, dmitri]) await there(p, 2);

  const heard = (p: Person, chat: string, text: string): Promise<void> =>
    until(`${p.name} to hear "${text}"`, () => p.json<{ text: string }[]>('read', chat).some(m => m.text.includes(text)));
  const say = async (from: Person, to: string, text: string): Promise<void> => {
    from.ok('send', to, text);
    if (from !== alice) await heard(alice, to === 'Alice' ? from.name : to, text.slice(0, 20));
  };
  await say(carol, 'Harbour', 'Morning! The storm has passed, and **all four** boats are still there.');
  await say(carol, 'Harbour', 'Somebody should look at the moorings though');
  await say(alice, 'Harbour', 'I can go after lunch. What do I need?');
  await say(bob, 'Harbour', '- two fenders\n- the *long* rope\n- a friend 😄');
  await say(dmitri, 'Harbour', 'Я тоже приду. Захватить термос?');
  await say(alice, 'Harbour', 'Да, пожалуйста!');
  await heard(bob, 'Harbour', 'пожалуйста');
  await say(bob, 'Harbour', 'See you at the pier at three. The forecast is at https://weather.example.org/harbour');
  const last = alice.json<{ id: number; text: string }[]>('read', 'Harbour').find(m => m.text.startsWith('See you'))!;
  alice.ok('react', 'Harbour', String(last.id), '👍');
  await say(bob, 'Alice', 'Did you see the heron this morning?');
  const heron = alice.json<{ id: number; text: string }[]>('read', 'Bob').find(m => m.text.includes('heron'))!;
  alice.ok('reply', 'Bob', String(heron.id), 'No! Where? I only saw two whimbrels, far out on the mud');
  await heard(bob, 'Alice', 'whimbrels');
  await say(bob, 'Alice', 'By the old lock. The tide is low until noon, so go now if you want to see it. It stands there as if it owned the place, and does not mind people at all.');
  await say(alice, 'Carol', 'Thank you for yesterday 🌊');
  await say(dmitri, 'Alice', 'Фотографии готовы');
  await until('the request', () => alice.json<{ state: string }[]>('contacts').some(c => c.state === 'request'));
  return { alice, bob, carol, dmitri };
}
