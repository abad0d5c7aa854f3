// SPDX-License-Identifier: Apache-2.0
//
// The keyboard alone, from an empty profile to a conversation and out again: nothing here clicks or asks an element for focus. Where the focus is can
// be seen at each step.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Relay, temporary } from '../e2e/relay';
import { Keys } from './hands';
import { PASSPHRASE, Person, closeChrome, skip } from './person';

after(closeChrome);

test('everything by keyboard', { skip }, async t => {
  const relay = await Relay.start(t), alice = new Person(t, 'Alice'), bob = new Person(t, 'Bob').make(relay.address), k = new Keys(alice);
  const p = await alice.open();
  await p.getByRole('heading', { name: 'Welcome' }).waitFor();
  await k.to(/^Your name/);
  await k.type('Alice');
  await k.to(/^Passphrase/);
  await k.type(PASSPHRASE);
  await k.press('Enter');
  await k.to(/^Address of the relay/);
  await k.type(relay.address);
  await k.to(/^Create$/);
  await k.press('Enter');
  await p.locator('.link-text').waitFor();
  const link = await p.locator('.link-text').textContent();
  await k.to(/^Go to my chats/);
  await k.press('Enter');
  bob.take(link ?? '');
  await p.locator('.chat-row', { hasText: 'Bob' }).waitFor();

  await k.to(/Bob/); // in the list of chats
  await k.press('Enter');
  await p.locator('.composer textarea').waitFor();
  await k.to(/^Message$/);
  await k.type('first line');
  await k.press('Shift+Enter');
  await k.type('second line');
  await k.press('Enter');
  await alice.bubble('second line').waitFor();
  bob.ok('send', 'Alice', 'an answer');
  await alice.bubble('an answer').waitFor();

  await k.press('ArrowUp'); // in an empty line: edit one's last
  await k.type(' (edited)');
  await k.press('Enter');
  await alice.bubble('second line (edited)').waitFor();

  await k.to(/^Messages$/, 'Shift+Tab'); // the timeline
  await k.press('ArrowUp');
  await k.to(/^Bob, /, 'ArrowDown'); // a message of Bob's
  await k.press('Enter');
  await p.getByRole('menuitem', { name: 'Reply' }).waitFor();
  await k.press('Enter'); // the first emoji has the focus
  await alice.bubble('an answer').locator('.chip').waitFor();
  await k.to(/^Bob, /, 'ArrowDown');
  await k.press('r');
  await p.waitForFunction(() => document.activeElement?.tagName === 'TEXTAREA');
  await k.type('a reply');
  await k.press('Enter');
  await alice.bubble('a reply').locator('.quote').waitFor();
  await k.to(/^Messages$/, 'Shift+Tab');
  await k.press('End');
  await k.to(/^You, /, 'ArrowUp');
  await k.press('Delete');
  await k.to(/^Delete for everybody/);
  await k.press('Enter');
  await p.locator('.message', { hasText: 'Message deleted' }).waitFor();

  await k.press('Control+k');
  await k.to(/^Search$/);
  await k.type('answ');
  await p.locator('mark').waitFor();
  await k.press('ArrowDown', 'Enter');
  await p.waitForFunction(() => location.hash.includes('/at/'));
  await k.press('Control+k', 'Escape');
  await k.to(/^Settings$/, 'Shift+Tab');
  await k.press('Enter');
  await k.to(/^Light$|^Light or dark|^Like the system/); // the group of the theme
  await k.press('ArrowRight', 'ArrowRight');
  await p.waitForFunction(() => document.documentElement.dataset['theme'] === 'dark');
  await k.press('Escape');
  await p.waitForFunction(() => location.hash === '#/');
  await k.to(/^Settings$/);
  await k.press('Enter');
  await k.to(/^Lock$/);
  await k.press('Enter');
  await p.getByRole('heading', { name: 'Locked' }).waitFor();
  await k.to(/^Passphrase/);
  await k.type(PASSPHRASE);
  await k.press('Enter');
  await p.getByRole('heading', { name: 'Settings' }).waitFor();
});

test('what is kept, by keyboard', { skip }, async t => {
  const relay = await Relay.start(t), folder = temporary(t), alice = new Person(t, 'Alice'), bob = new Person(t, 'Bob').make(relay.address), k = new Keys(alice);
  bob.take(await alice.begin(relay.address));
  const p = alice.page;
  await alice.chat('Bob');
  await k.to(/^Message$/);
  await k.type('to be kept');
  await k.press('Enter');
  await alice.bubble('to be kept').waitFor();
  await k.to(/^Details$/, 'Shift+Tab');
  await k.press('Enter');
  await k.to(/^Export$/);
  await k.press('Enter');
  await k.to(/^A page to read/); // the first of the two
  await k.press('ArrowRight');
  await k.to(/^With the files/);
  await k.press('Space');
  const [exported] = await Promise.all([p.waitForEvent('download'), k.press('Enter')]);
  assert.match(exported.suggestedFilename(), /^Bob .*\.zip$/);
  await p.getByText('in your downloads').waitFor();
  await k.to(/^Close$/);
  await k.press('Enter');
  await k.to(/^Export$/); // where one was

  await k.press('Escape', 'Escape');
  await p.waitForFunction(() => location.hash === '#/');
  await k.to(/^Settings$/);
  await k.press('Enter');
  await k.to(/^Relays/);
  await k.press('Enter');
  await p.getByRole('heading', { name: 'Relays' }).waitFor();
  await k.to(/^Back$/);
  await k.press('Enter');
  await k.to(/^Profiles/);
  await k.press('Enter');
  await k.to(/^Another profile/);
  await k.press('Escape');
  await k.to(/^Profiles/); // where one was
  await k.to(/^Back up everything/);
  await k.press('Enter');
  await k.to(/^Passphrase of the archive/);
  await k.type('four quite random words');
  const [saved] = await Promise.all([p.waitForEvent('download'), k.press('Enter')]), archive = join(folder, 'kept');
  await saved.saveAs(archive);
  alice.ok('stop');

  const again = new Person(t, 'Again'), hands = new Keys(again);
  await again.open();
  await again.page.getByRole('heading', { name: 'Welcome' }).waitFor();
  await hands.to(/^I have an archive/);
  await hands.press('Enter');
  await again.page.getByRole('heading', { name: 'From an archive' }).waitFor();
  const chooser = again.page.waitForEvent('filechooser'); // waited for early: what listens for it begins to only after a while
  await hands.to(/^Choose the archive/);
  await hands.press('Enter');
  await (await chooser).setFiles(archive);
  await hands.to(/^Passphrase of the archive/);
  await hands.type('four quite random words');
  await hands.press('Enter');
  await again.page.locator('.chat-row', { hasText: 'to be kept' }).waitFor();
});
