// SPDX-License-Identifier: Apache-2.0
//
// What people must know: that somebody has another device than before, and that a relay lies. It stands where one looks, is said aloud, is plain about what to
// do, and is reached and answered by the keyboard alone; nothing goes to the other device before that.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Page } from 'playwright-core';
import { until } from '../e2e/client';
import { Relay, temporary } from '../e2e/relay';
import { APPEND, ENTRIES, Front } from '../fault/front';
import { findings, withAxe } from './axe';
import { PASSPHRASE, Person, closeChrome, skip, whimbrel } from './person';

after(closeChrome);

const read = (p: Person, chat: string): string[] => p.json<{ text: string; kind: string }[]>('read', chat).filter(m => m.kind !== 'notice').map(m => m.text);

// Somebody's profile goes into an archive, and goes on from there.
function moves(from: Person, to: Person, folder: string): void {
  const archive = join(folder, 'archive'), words = join(folder, 'words');
  writeFileSync(words, PASSPHRASE + '\n');
  const fd = openSync(words, 'r');
  const r = spawnSync(whimbrel, ['--profile', from.profile, 'backup', archive, '--new-passphrase-fd', '3'],
    { encoding: 'utf8', timeout: 60_000, stdio: ['ignore', 'pipe', 'pipe', fd], env: { ...process.env, WHIMBREL_PASSPHRASE: PASSPHRASE } });
  closeSync(fd);
  assert.equal(r.status, 0, String(r.stderr));
  from.ok('stop');
  to.ok('restore', archive);
  to.ok('start');
}

// Whether all of it can be seen, above where one writes.
async function isSeen(p: Page, text: string): Promise<void> {
  const box = await p.getByRole('alert').filter({ hasText: text }).boundingBox(), view = p.viewportSize();
  assert.ok(box !== null && view !== null && box.height > 40 && box.y >= 0 && box.y + box.height <= view.height, `${text}: ${JSON.stringify(box)}`);
}

async function keyTo(p: Page, name: string, key: string): Promise<void> {
  const focused = (): Promise<string> => p.evaluate(() => document.activeElement?.textContent?.trim() ?? '');
  for (let i = 0; i < 40 && await focused() !== name; i++) await p.keyboard.press(key);
  assert.equal(await focused(), name, `${key} leads there`);
  const outline = await p.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle);
  assert.notEqual(outline, 'none', 'and one sees it');
}

for (const [width, height] of [[1280, 800], [390, 844]] as const) {
  test(`another device, ${width} wide`, { skip }, async t => {
    const relay = await Relay.start(t), folder = temporary(t);
    const alice = new Person(t, 'Alice', { width, height }), bob = new Person(t, 'Bob').make(relay.address), again = new Person(t, 'BobAgain');
    bob.take(await alice.begin(relay.address));
    await withAxe(alice);
    const p = alice.page;
    await alice.chat('Bob');
    await alice.say('hello');
    await until('Bob to hear it', () => read(bob, 'Alice').includes('hello'));
    moves(bob, again, folder);

    const title = 'Another device than before';
    await p.getByRole('alert').filter({ hasText: title }).waitFor();
    await isSeen(p, title);
    await p.locator('.notice', { hasText: 'has another device than before' }).waitFor(); // in the history, too
    assert.match(await p.getByRole('alert').innerText(), /Bob[^]*Nothing you write is sent[^]*Ask over another way/);
    assert.deepEqual(await findings(p), []);
    // Whoever sends all the same is asked, and what they wrote stays.
    await alice.say('are you there?');
    const dialog = p.getByRole('dialog');
    await dialog.getByText('Nothing you write is sent').waitFor();
    assert.deepEqual(await findings(p), []);
    await p.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    assert.equal(await p.locator('.composer textarea').inputValue(), 'are you there?');
    // From where one writes the button is one step back.
    await p.locator('.composer textarea').focus();
    await keyTo(p, 'The device is theirs', 'Shift+Tab');
    assert.deepEqual(read(again, 'Alice'), ['hello']);
    await p.keyboard.press('Enter');
    await p.getByRole('alert').filter({ hasText: title }).waitFor({ state: 'detached' });
    await p.locator('.composer textarea').press('Enter');
    await until('Bob to hear it', () => read(again, 'Alice').includes('are you there?'));
    assert.equal(await p.locator('.composer textarea').inputValue(), '');
  });
}

test('another device: the question answers itself by sending', { skip }, async t => {
  const relay = await Relay.start(t), folder = temporary(t);
  const alice = new Person(t, 'Alice', { locale: 'ru' }), bob = new Person(t, 'Bob').make(relay.address), again = new Person(t, 'BobAgain');
  alice.make(relay.address);
  bob.take(alice.invite());
  await until('them to meet', () => alice.json<{ members: number }[]>('chats').some(c => c.members === 2));
  alice.ok('send', 'Bob', 'hello');
  moves(bob, again, folder);
  await until('it to be held', () => alice.json<{ held: number[] }[]>('chats').some(c => c.held.length > 0));
  const p = await alice.open();
  await p.locator('.chat-row', { hasText: 'Сменилось устройство' }).click(); // the list says so
  await p.locator('.composer textarea').fill('это ты?');
  await p.locator('.composer textarea').press('Enter');
  await p.getByRole('dialog').getByRole('button', { name: 'отправить' }).dblclick(); // which sends once
  await until('Bob to hear it', () => read(again, 'Alice').includes('это ты?'));
  await p.getByRole('dialog').waitFor({ state: 'detached' });
  alice.ok('send', 'Bob', 'and that is all');
  await until('Bob to hear that', () => read(again, 'Alice').includes('and that is all'));
  assert.equal(read(again, 'Alice').filter(m => m === 'это ты?').length, 1);
});

test('a relay that lies', { skip }, async t => {
  const relay = await Relay.start(t), front = await Front.start(t, relay);
  const alice = new Person(t, 'Alice'), bob = new Person(t, 'Bob').make(front.address);
  bob.take(await alice.begin(front.address));
  await withAxe(alice);
  const p = alice.page;
  await alice.chat('Bob');
  let hers = -1, dropped = false;
  front.mischief = m => {
    if (m.up && m.type === APPEND) hers = m.connection;
    return undefined;
  };
  await alice.say('it is me');
  await until('Bob to hear it', () => read(bob, 'Alice').includes('it is me') && hers >= 0);
  front.mischief = m => m.up || m.type !== ENTRIES || m.connection !== hers || dropped ? undefined : (dropped = true, []);
  bob.ok('send', 'Alice', 'one');
  await until('it to be dropped', () => dropped);
  bob.ok('send', 'Alice', 'two');

  const words = 'left something out of this conversation';
  await p.getByRole('alert').filter({ hasText: words }).waitFor();
  await isSeen(p, words);
  assert.match(await p.getByRole('alert').innerText(), /The relay[^]*move to another relay/); // what is wrong, and what to do
  assert.deepEqual(await findings(p), []);
  await alice.bubble('two').waitFor(); // and it holds nobody up
  await p.getByRole('link', { name: /1 warning/ }).waitFor(); // the list of conversations says it, too
  await p.locator('.composer textarea').focus();
  await keyTo(p, 'I have read this', 'Shift+Tab');
  await p.keyboard.press('Enter');
  await p.getByRole('alert').filter({ hasText: words }).waitFor({ state: 'detached' });
  assert.deepEqual(alice.json<unknown[]>('warnings'), []);
});
