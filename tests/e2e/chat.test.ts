// SPDX-License-Identifier: Apache-2.0
//
// What one does with conversations for oneself, from a terminal and over rpc: searching, pinning, muting, archiving, and what counts as read.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Events, RpcError } from '../../build/ts/rpc';
import { overSocket } from './engine';
import { Person, meet, settled, skip, until } from './person';
import { Relay, temporary } from './relay';

test('conversations are searched, pinned, muted and put aside', { skip }, async t => {
  const relay = await Relay.start(t), folder = temporary(t);
  const [alice, bob] = [new Person(t, folder, 'alice', relay), new Person(t, folder, 'bob', relay)];
  await meet(alice, bob);
  bob.ok('send', 'alice', 'Tea at six, with Zo\u00eb?');
  bob.ok('send', 'alice', 'Or coffee');
  await settled(bob);
  await until(() => alice.read('bob').length === 2, 30000);
  assert.match(alice.ok('chats'), / {2}2 unread$/m);
  const found = alice.ok('search', 'tea', 'zo').split('\n');
  assert.equal(found.length, 2);
  assert.match(found[0]!, /^\d+ {2}.* {2}bob$/);
  assert.equal(found[1], '      Tea at six, with Zo\u00eb?');
  assert.equal(alice.ok('search', 'coffee', '--in', 'bob').split('\n').length, 2);
  assert.equal(alice.run('search', 'cocoa').stderr, 'nothing was found\n');
  assert.match(alice.run('search', '...').stderr, /no word/);
  const [first, second] = alice.read('bob').map(m => String(m.id));
  alice.ok('pin', 'bob');
  alice.ok('pin', 'bob', second!);
  alice.ok('pin', 'bob', first!);
  alice.ok('unpin', 'bob', first!);
  assert.match(alice.ok('pins', 'bob'), / Or coffee$/);
  alice.ok('mute', 'bob', '8h');
  assert.match(alice.ok('chats'), / pinned {2}muted {2}2 unread$/m);
  assert.equal(alice.run('mute', 'bob', 'long').status, 2);
  assert.match(alice.ok('read', 'bob'), /Or coffee/);
  assert.match(alice.ok('chats'), / muted$/m); // all of it is read
  alice.ok('unmute', 'bob');
  alice.ok('unpin', 'bob');
  alice.ok('archive', 'bob');
  assert.equal(alice.ok('chats'), '');
  assert.match(alice.ok('chats', '--archived'), /bob$/);
  assert.equal(alice.ok('note', 'Milk'), 'kept');
  assert.match(alice.ok('read', 'note to self'), / Milk( \u2713+)?( \(not sent yet\))?$/u);
  assert.equal(alice.run('chat', 'timer', 'bob', 'soon').status, 2);
  alice.ok('chat', 'timer', 'bob', '1w');
  await until(() => / \(messages end after reading: 1 week\)$/m.test(bob.ok('read', 'alice')), 30000);
  assert.equal(bob.json<{ timer: number }[]>('chats')[0]!.timer, 604800);
  bob.ok('send', 'alice', '@alice, are you there?', '--lives', '8h');
  await until(() => / {2}1 unread, with your name$/m.test(alice.ok('chats')), 30000); // it has come back
  assert.match(alice.ok('read', 'bob'), / @alice, are you there\?$/m);
});

test('pages, search, and how a conversation stands for oneself, fit the schema', { skip }, async t => {
  const relay = await Relay.start(t), folder = temporary(t);
  const [alice, bob] = [new Person(t, folder, 'alice', relay), new Person(t, folder, 'bob', relay)];
  await meet(alice, bob);
  alice.ok('send', 'bob', 'Tea?');
  const b = await overSocket(t, bob), chat = (await b.call('chat.list'))[0]!.id;
  await until(() => bob.read('alice').length === 1, 30000);
  const { message: reply } = await b.call('message.reply', { chat, message: bob.read('alice')[0]!.id, text: 'Gladly' });
  await settled(bob);
  const a = await overSocket(t, alice), told: Events['typing'][] = [];
  a.on('typing', x => told.push(x));
  await a.call('events.follow');
  await b.call('chat.typing', { chat, typing: true });
  await until(() => told.length === 1, 30000);
  assert.deepEqual(told[0]!.typing, true);
  await until(() => alice.read('bob').length === 2, 30000);
  const at = alice.read('bob')[1]!.id, there = told[0]!.chat;
  await a.call('chat.read', { chat: there, message: at });
  const receipts = async () => b.call('message.receipts', { chat, message: reply });
  for (let read = 0; read === 0;) read = (await receipts())[0]?.read ?? 0;
  const note = (await a.call('chat.self')).chat;
  await a.call('chat.timer', { chat: note, seconds: 1 });
  const gone: Events['message.gone'][] = [];
  a.on('message.gone', x => gone.push(x));
  const { message } = await a.call('message.send', { chat: note, text: 'short', lives: 1 });
  await until(() => gone.length === 1, 30000);
  assert.deepEqual(gone[0], { chat: note, message });
  const list = await b.call('message.list', { chat, after: 0 });
  assert.deepEqual(await b.call('message.list', { chat: chat, around: list[1]!.id, limit: 2 }), list);
  assert.deepEqual(await b.call('message.list', { chat: chat, date: list[0]!.time }), list);
  await assert.rejects(b.call('message.list', { chat: chat, after: 0, before: 5 }), (e: RpcError) => e.code === -32602);
  const found = await b.call('message.search', { text: 'glad' });
  assert.deepEqual(found.map(f => [f.message.id, f.pieces]), [[list[1]!.id, ['', 'Gladly', '']]]);
  await assert.rejects(b.call('message.search', { text: ' - ' }), (e: RpcError) => e.code === 1);
  await b.call('message.pin', { chat: chat, message: list[1]!.id, pinned: true });
  assert.deepEqual((await b.call('message.pinned', { chat: chat })).map(m => m.id), [list[1]!.id]);
  assert.equal((await b.call('chat.get', { chat: chat })).unread, 1);
  await b.call('chat.read', { chat: chat, message: list[1]!.id });
  await b.call('chat.set', { chat: chat, pinned: true, archived: true, muted: 5, receipts: 'off' });
  await b.call('chat.draft', { chat: chat, text: 'And' });
  const mine = await b.call('chat.get', { chat: chat });
  assert.deepEqual([mine.unread, mine.read_to, mine.pinned, mine.archived, mine.muted, mine.receipts, mine.draft],
    [0, list[1]!.id, true, true, 5, 'off', 'And']);
});
