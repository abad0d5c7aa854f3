// SPDX-License-Identifier: Apache-2.0
//
// What an engine answers and tells fits the schema, over its socket and over `whimbrel rpc`, for two programs at once. Whoever adds a
// method calls it here, or in a test of its own with a strict client.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Events, RpcError, Type, misfit } from '../../build/ts/rpc';
import { overSocket, overStdio } from './engine';
import { Person, meet, settled, skip, until } from './person';
import { Relay, temporary } from './relay';

test('answers and events fit the schema', { skip }, async t => {
  const relay = await Relay.start(t), folder = temporary(t);
  const [alice, bob] = [new Person(t, folder, 'alice', relay), new Person(t, folder, 'bob', relay)];
  await meet(alice, bob);
  const [a, b] = [await overSocket(t, alice), overStdio(t, bob)];
  const told: Events['message'][] = [];
  b.on('message', m => told.push(m));
  await b.call('events.follow');
  assert.equal((await a.call('engine.status')).name, 'alice');
  const chat = (await a.call('chat.list'))[0]!, contact = (await a.call('contact.list'))[0]!;
  assert.equal(chat.contact, contact.id);
  const { message } = await a.call('message.send', { chat: chat.id, text: 'Tea at six? \u{1fad6}' });
  await until(() => told.length > 0, 30000);
  const heard = (await b.call('message.list', { chat: told[0]!.chat }))[0]!;
  assert.equal(heard.text, 'Tea at six? \u{1fad6}');
  await b.call('message.react', { chat: heard.chat, message: heard.id, text: '\u{1f44d}' });
  await b.call('message.reply', { chat: heard.chat, message: heard.id, text: 'Gladly' });
  assert.equal((await b.call('message.get', { chat: heard.chat, message: heard.id })).reactions[0]!.from, 0);
  await a.call('message.edit', { chat: chat.id, message, text: 'Tea at five?' });
  await a.call('message.delete', { chat: chat.id, message });
  await settled(alice, bob);
  const list = await b.call('message.list', { chat: heard.chat, after: 0 });
  assert.deepEqual(list.map(m => [m.kind, m.text, m.deleted]), [['text', '', true], ['reply', 'Gladly', false]]);
  assert.equal(list[1]!.answers?.deleted, true);
  assert.deepEqual(await b.call('message.list', { chat: heard.chat, before: list[1]!.id, limit: 1 }), [list[0]]);
  assert.deepEqual(await b.call('message.get', { chat: heard.chat, message: list[1]!.id }), list[1]);
  assert.equal((await b.call('chat.list'))[0]!.last?.text, 'Gladly');
  const shown = await a.call('contact.safety', { contact: contact.id });
  assert.match(shown.number, /^\d{60}$/);
  const back = (await b.call('contact.list'))[0]!.id, seen = await b.call('contact.safety', { contact: back });
  assert.equal(seen.number, shown.number);
  for (const text of [shown.code, shown.number, ` ${shown.number.replace(/(.{5})/g, '$1 ')}`]) {
    assert.deepEqual(await b.call('contact.compare', { contact: back, shown: text }), { same: true });
  }
  const wrong = (shown.number[0] === '1' ? '2' : '1') + shown.number.slice(1);
  assert.deepEqual(await b.call('contact.compare', { contact: back, shown: wrong }), { same: false });
  assert.deepEqual(await b.call('contact.compare', { contact: back, shown: seen.code }), { same: false }); // his own, held up to himself
  for (const text of ['yes', '123', 'whimbrel-safety:', 'whimbrel-safety:AA', shown.code + 'A']) {
    await assert.rejects(b.call('contact.compare', { contact: back, shown: text }), /no safety number/);
  }
  await a.call('contact.verify', { contact: contact.id, verified: true });
  assert.match((await b.call('invite.create', { once: true })).link, /^whimbrel:/);
  assert.deepEqual(await a.call('warning.list'), []);
  await assert.rejects(a.call('message.send', { chat: 99, text: 'x' }), (e: RpcError) => e.code === 2);
  const other = await overSocket(t, bob); // a second program at the same engine
  assert.deepEqual(await other.call('chat.list'), await b.call('chat.list'));
  const ended = other.ended;
  await b.call('engine.stop');
  await ended;
});

test('what does not fit a type is told', () => {
  const type: Type = { members: { id: { type: 'int' }, as: { type: { one: ['a', 'b'] } }, list: { type: { list: 'hex' }, optional: true } } };
  assert.equal(misfit(type, { id: 1, as: 'a' }, 'x'), undefined);
  assert.equal(misfit(type, { id: 1, as: 'b', list: ['00ff'] }, 'x'), undefined);
  assert.equal(misfit(type, { id: '1', as: 'a' }, 'x'), 'x.id is no int');
  assert.match(misfit(type, { id: 1, as: 'c' }, 'x')!, /x\.as is none of a, b/);
  assert.equal(misfit(type, { id: 1, as: 'a', list: ['00f'] }, 'x'), 'x.list[0] is no hex');
  assert.equal(misfit(type, { id: 1 }, 'x'), 'x.as is missing');
  assert.equal(misfit(type, { id: 1, as: 'a', more: 1 }, 'x'), 'x.more is not in the schema');
  assert.equal(misfit({ list: { ref: 'chat' } }, [{}], 'x'), 'x[0].id is missing');
});
