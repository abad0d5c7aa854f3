// SPDX-License-Identifier: Apache-2.0
//
// What is taken out of a profile by its page: a conversation as a page and as data, with its files, and everything as an archive, of which another
// page makes a profile again. What is stopped leaves nothing.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Download } from 'playwright-core';
import { until } from '../e2e/client';
import { Relay, temporary } from '../e2e/relay';
import { Person, chrome, closeChrome, meet, skip } from './person';
import { png } from './png';

after(closeChrome);

const WORDS = 'four quite random words';

// What a downloaded ZIP archive holds, checked and unpacked by Python.
async function unpacked(d: Download, folder: string): Promise<string[]> {
  execFileSync('python3', ['-c', 'import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; z.extractall(sys.argv[2])', await d.path(), folder]);
  return readdirSync(folder, { recursive: true }).map(String).filter(n => /\./.test(n)).sort();
}

async function exported(p: Person, kind: string): Promise<Download> {
  await p.page.getByRole('button', { name: 'Export', exact: true }).click();
  const dialog = p.page.getByRole('dialog'), saving = p.page.waitForEvent('download');
  await dialog.getByRole('radio', { name: kind }).check();
  await dialog.getByRole('button', { name: 'Export', exact: true }).click();
  const d = await saving;
  await dialog.getByText('in your downloads').waitFor();
  await dialog.getByRole('button', { name: 'Close' }).last().click();
  return d;
}

test('a conversation is exported, as a page and as data', { skip }, async t => {
  const relay = await Relay.start(t), folder = temporary(t), alice = new Person(t, 'Alice'), bob = new Person(t, '<b>Bob</b>').make(relay.address);
  bob.take(await alice.begin(relay.address));
  await alice.chat('Bob');
  await alice.say('Tea at **six**?');
  await alice.bubble('Tea at').locator('[title=delivered], [title=read]').waitFor();
  bob.ok('send', 'Alice', '--', '<script>alert(1)</script><img src=x onerror=alert(2)> [a](https://example.org/?a="b"&c=<d>)');
  writeFileSync(join(folder, 'tea cup #1.png'), png(64, 40));
  bob.ok('file', 'send', 'Alice', join(folder, 'tea cup #1.png'), 'Look!');
  await alice.page.getByRole('img', { name: 'tea cup' }).waitFor();
  await alice.menu('<script>', 'Reply');
  await alice.say('How *strange*');
  await alice.bubble('How strange').waitFor();
  await alice.page.getByRole('button', { name: 'Details' }).click();

  const names = await unpacked(await exported(alice, 'A page to read'), join(folder, 'page'));
  assert.equal(names.length, 2);
  assert.match(names.join(), /^chat.html,files\/\d+ tea cup #1.png$/);
  assert.deepEqual(readFileSync(join(folder, 'page', names[1]!)), png(64, 40));
  const reader = await (await chrome()).newPage(), asked: string[] = [], wrong: string[] = [];
  reader.on('request', r => asked.push(r.url()));
  reader.on('dialog', d => { wrong.push(d.message()); void d.dismiss(); });
  await reader.goto(`file://${join(folder, 'page', 'chat.html')}`);
  await reader.waitForFunction(() => document.querySelector('img')?.naturalWidth === 64);
  const found = await reader.evaluate(() => ({
    title: document.title, strong: document.querySelector('article.mine strong')?.textContent, quote: document.querySelector('blockquote')?.textContent,
    made: document.querySelectorAll('main :is(script, iframe, [onerror])').length, pictures: document.querySelectorAll('main img').length,
    link: document.querySelector<HTMLAnchorElement>('article a:not([download])')?.href, text: document.body.innerText, days: document.querySelectorAll('h2').length,
  }));
  assert.equal(found.title, '<b>Bob</b>');
  assert.deepEqual([found.strong, found.made, found.pictures, found.days], ['six', 0, 1, 1]);
  assert.match(found.quote ?? '', /^<b>Bob<\/b>: <script>/);
  assert.ok(found.text.includes('<img src=x onerror=alert(2)>') && found.text.includes('Look!'));
  assert.ok(asked.every(u => u.startsWith('file://')), asked.join());
  assert.deepEqual(wrong, []);
  await reader.close();

  await unpacked(await exported(alice, 'Data'), join(folder, 'data'));
  interface Data { chat: { name: string }; contacts: { name: string }[]; messages: { text: string; file?: { saved: string } }[] }
  const data = JSON.parse(readFileSync(join(folder, 'data', 'chat.json'), 'utf8')) as Data;
  assert.deepEqual([data.chat.name, data.contacts.map(c => c.name)], ['<b>Bob</b>', ['<b>Bob</b>']]);
  assert.ok(data.messages.some(m => m.text === 'Tea at **six**?'));
  const saved = data.messages.find(m => m.file !== undefined)!.file!.saved;
  assert.deepEqual(readFileSync(join(folder, 'data', saved)), png(64, 40));

  // Stopped while a file is fetched: nothing is downloaded, and all can be chosen anew.
  let downloads = 0;
  alice.page.on('download', () => downloads++);
  await alice.page.route('**/file/*', () => undefined); // never answered
  await alice.page.getByRole('button', { name: 'Export', exact: true }).click();
  const dialog = alice.page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Export', exact: true }).click();
  await dialog.getByRole('progressbar', { name: 'Exporting' }).waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.getByRole('radio', { name: 'A page to read' }).waitFor();
  assert.equal(downloads, 0);
});

test('everything goes into an archive, and a profile is made of it', { skip }, async t => {
  const relay = await Relay.start(t), folder = temporary(t), alice = new Person(t, 'Alice'), bob = new Person(t, 'Bob');
  await meet(alice, bob, relay.address);
  await alice.chat('Bob');
  await alice.say('Keep this');
  await bob.chat('Alice');
  await bob.bubble('Keep this').waitFor();
  await alice.page.getByRole('button', { name: 'Settings' }).click();

  const open = async (): Promise<void> => {
    await alice.page.getByRole('button', { name: /^Back up everything/ }).click();
    await alice.page.getByLabel('Passphrase of the archive').fill(WORDS);
    await alice.page.getByRole('dialog').getByRole('button', { name: 'Back up' }).click();
  };
  let downloads = 0;
  alice.page.on('download', () => downloads++);
  await alice.page.route('**/file/archive', () => undefined); // on its way for ever
  await open();
  await alice.page.getByRole('progressbar', { name: 'Writing' }).waitFor();
  await alice.page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await alice.page.getByLabel('Passphrase of the archive').waitFor();
  await alice.page.keyboard.press('Escape');
  await alice.page.unroute('**/file/archive');
  assert.equal(downloads, 0);
  await until('nothing to be left of it', () => !readdirSync(alice.profile).some(n => n.startsWith('archive')));

  const saving = alice.page.waitForEvent('download');
  await open();
  const saved = await saving, archive = join(folder, 'kept.whimbrel');
  assert.match(saved.suggestedFilename(), /^Whimbrel Alice \d{4}-\d\d-\d\d\.whimbrel$/);
  await saved.saveAs(archive);
  await alice.page.getByText('is in your downloads').waitFor();
  assert.equal(readFileSync(archive).subarray(0, 8).toString(), 'whimarch');
  await until('the engine to let go of it', () => !readdirSync(alice.profile).some(n => n.startsWith('archive')));
  alice.ok('stop');

  const again = new Person(t, 'Again', { width: 390, height: 844, touch: true }), p = await again.open();
  const choose = async (file: string, words: string): Promise<void> => {
    const [chooser] = await Promise.all([p.waitForEvent('filechooser'), p.getByRole('button', { name: 'Choose the archive' }).tap()]);
    await chooser.setFiles(file);
    await p.getByLabel('Passphrase of the archive').fill(words);
    await p.getByRole('button', { name: 'Restore' }).tap();
  };
  await p.getByRole('button', { name: 'I have an archive' }).tap();
  writeFileSync(join(folder, 'other.whimbrel'), 'nothing of ours');
  await choose(join(folder, 'other.whimbrel'), WORDS);
  await p.getByText('That is no archive of Whimbrel').waitFor();
  writeFileSync(join(folder, 'cut.whimbrel'), readFileSync(archive).subarray(0, -9));
  await choose(join(folder, 'cut.whimbrel'), WORDS);
  await p.getByText('The archive is damaged').waitFor();
  await choose(archive, 'not these words');
  await p.getByText('That is not the passphrase of this archive').waitFor();
  await p.getByLabel('Passphrase of the archive').fill(WORDS);
  await p.getByRole('button', { name: 'Restore' }).tap();
  await p.getByText('Everything is back').waitFor();
  await p.locator('.chat-row', { hasText: 'Bob' }).tap();
  await again.bubble('Keep this').waitFor();
  assert.ok(!readdirSync(again.profile).some(n => n.startsWith('archive')));
  await p.reload();
  await again.bubble('Keep this').waitFor(); // it is open, and stays so
});
