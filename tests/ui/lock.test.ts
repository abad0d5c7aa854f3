// SPDX-License-Identifier: Apache-2.0
//
// What is left in the page's memory once the profile is locked: the whole heap of its scripts is searched for what was said, by whom, and for the
// passphrase of an archive.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Relay } from '../e2e/relay';
import { PASSPHRASE, Person, closeChrome, meet, skip } from './person';

after(closeChrome);

// Which of these words stand anywhere in the heap.
async function inHeap(p: Person, words: readonly string[]): Promise<string[]> {
  const session = await p.page.context().newCDPSession(p.page), parts: string[] = [];
  session.on('HeapProfiler.addHeapSnapshotChunk', e => parts.push(e.chunk));
  await session.send('HeapProfiler.collectGarbage');
  await session.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
  await session.detach();
  const heap = parts.join('');
  return words.filter(w => heap.includes(w));
}

test('a locked page remembers nothing', { skip }, async t => {
  const relay = await Relay.start(t), alice = new Person(t, 'Alice'), bob = new Person(t, 'Bartholomew');
  await meet(alice, bob, relay.address);
  await bob.chat('Alice');
  await bob.say('The heron stands by the lock');
  await alice.chat('Bartholomew');
  await alice.bubble('The heron stands').waitFor();
  const code = /\/(?!begin)[\w-]+\.js$/; // which is slow today
  await alice.page.route(code, async r => {
    await new Promise(done => setTimeout(done, 700));
    await r.continue();
  });
  await alice.page.reload(); // now it comes before the code
  await alice.bubble('The heron stands').waitFor();
  await alice.say('Whimbrels on the mud');
  await alice.bubble('Whimbrels on').locator('[title=delivered], [title=read]').waitFor();
  await alice.page.locator('.composer textarea').fill('half a sentence');
  await alice.page.getByRole('button', { name: 'Settings' }).click();
  await alice.page.getByRole('button', { name: /^Back up everything/ }).click();
  await alice.page.getByLabel('Passphrase of the archive').fill('four quite random words');
  await alice.page.keyboard.press('Escape');
  const words = ['heron stands', 'Whimbrels on', 'half a sentence', 'Bartholomew', 'four quite random', PASSPHRASE];
  assert.deepEqual(await inHeap(alice, words.slice(0, 4)), words.slice(0, 4), 'it is looked for where it is');
  await alice.page.getByRole('button', { name: 'Lock', exact: true }).click();
  await alice.page.getByRole('heading', { name: 'Locked' }).waitFor();
  await alice.page.getByRole('button', { name: 'Show' }).dblclick(); // what was clicked before is held by whoever clicks here, and by nobody else
  await alice.page.waitForTimeout(1000);
  assert.deepEqual(await inHeap(alice, words), []);
  // What came while the code was on its way: too long for the heap's list, which cuts texts off.
  assert.deepEqual(await alice.page.evaluate(() => (globalThis as { begun?: { came: string[] } }).begun?.came), []);
});
