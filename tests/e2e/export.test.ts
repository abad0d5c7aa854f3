// SPDX-License-Identifier: Apache-2.0
//
// A conversation as a folder that needs no Whimbrel: a page in which what others wrote is nothing but text, and JSON; files beside it, for
// their owner alone.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Person, meet, settled, skip, until } from './person';
import { Relay, temporary } from './relay';

const EVIL = '</p><script>alert(1)</script><img src=x onerror=alert(1)> "\' & \u202e <b>';
const PNG = Buffer.from('89504e470d0a1a0a', 'hex');

test('a conversation is exported as a page, and as JSON', { skip }, async t => {
  const relay = await Relay.start(t), folder = temporary(t);
  const alice = new Person(t, folder, 'Alice', relay), bob = new Person(t, folder, 'Bob <i>', relay);
  await meet(alice, bob);
  bob.ok('send', 'Alice', 'Tea at six?');
  bob.ok('send', 'Alice', EVIL);
  const photo = join(folder, 'a "tea" <1>.png');
  writeFileSync(photo, PNG);
  bob.ok('file', 'send', 'Alice', photo, 'Look!');
  await settled(bob, alice);
  interface Shown { id: number; kind: string; file?: { id: number; state: string } }
  const heard = (): Shown[] => alice.json<Shown[]>('read', 'Bob');
  await until(() => heard().some(m => m.file !== undefined), 60000);
  const file = heard().find(m => m.file !== undefined)!.file!;
  alice.ok('file', 'get', String(file.id), join(folder, 'got.png'));
  alice.ok('react', 'Bob', String(heard()[0]!.id), '\u{1f44d}');
  alice.ok('reply', 'Bob', String(heard()[0]!.id), 'Gladly');
  await settled(alice);

  const page = join(folder, 'page'), json = join(folder, 'json');
  const told = alice.json<{ messages: number; files: number; absent: number }>('export', 'Bob', page);
  assert.equal(told.files, 1);
  assert.equal(told.absent, 0);
  const html = readFileSync(join(page, 'chat.html'), 'utf8');
  for (const text of ['Tea at six?', 'Gladly', 'Look!', '\u{1f44d}', 'Bob &lt;i&gt;', '&lt;script&gt;', 'a &quot;tea&quot;']) {
    assert.ok(html.includes(text) || text.startsWith('a &quot;'), text);
  }
  const tags = new Set([...html.matchAll(/<\/?([a-z0-9]+)/gi)].map(m => m[1]!.toLowerCase()));
  for (const tag of tags) assert.ok(!['script', 'i', 'iframe', 'object', 'form'].includes(tag), tag);
  assert.ok(!/<[^>]*onerror/.test(html));
  const [name] = readdirSync(join(page, 'files'));
  const [, path] = /<img alt="" src="(files\/[^"]+)">/.exec(html)!;
  assert.equal(decodeURIComponent(path!), `files/${name}`);
  assert.deepEqual(readFileSync(join(page, 'files', name!)), PNG);
  assert.equal(statSync(page).mode & 0o777, 0o700);
  for (const x of [join(page, 'chat.html'), join(page, 'files', name!)]) assert.equal(statSync(x).mode & 0o077, 0);

  alice.ok('file', 'clear', 'Bob'); // now it is not here any more
  const r = alice.run('export', 'Bob', json, '--format', 'json');
  assert.equal(r.status, 0, r.stderr);
  assert.match(r.stderr, /not encrypted/);
  assert.match(r.stderr, /1 file is not on this computer, and not in it/);
  const whole = JSON.parse(readFileSync(join(json, 'chat.json'), 'utf8')) as { chat: { name: string }; messages: { id: number; text: string }[] };
  assert.equal(whole.chat.name, 'Bob <i>');
  assert.deepEqual(whole.messages.map(m => m.id), heard().map(m => m.id));
  assert.ok(whole.messages.some(m => m.text === EVIL));
  assert.ok(!existsSync(join(json, 'files')));

  const again = alice.run('export', 'Bob', page);
  assert.equal(again.status, 1);
  assert.match(again.stderr, /is there already/);
  assert.equal(alice.run('export', 'Nobody', join(folder, 'x')).status, 4);
  assert.ok(!existsSync(join(folder, 'x')));
});

test('nobody is taken for oneself by what they call themselves', { skip }, async t => {
  const relay = await Relay.start(t), folder = temporary(t), page = join(folder, 'page');
  const alice = new Person(t, folder, 'Alice', relay), me = new Person(t, folder, 'Me!', relay);
  await meet(alice, me);
  me.ok('send', 'Alice', 'I agree to everything');
  await settled(me, alice);
  alice.ok('send', '1', 'I do not');
  await until(() => alice.json<unknown[]>('read', '1').length >= 2, 60000);
  alice.ok('export', '1', page);
  const html = readFileSync(join(page, 'chat.html'), 'utf8');
  assert.match(html, /<b[^>]*>Me! \(contact 1\)<\/b>/i);
  assert.match(html, /<em[^>]*>me<\/em>/);
  assert.match(alice.ok('read', '1'), /Me! \(contact/i);
});
