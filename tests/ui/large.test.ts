// SPDX-License-Identifier: Apache-2.0
//
// Text of twice the size (WCAG 1.4.4), in all views, and less motion where the system asks for it.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Page } from 'playwright-core';
import { Relay } from '../e2e/relay';
import { withAxe } from './axe';
import { Person, closeChrome, skip } from './person';
import { town } from './town';
import { looks, show } from './view';

after(closeChrome);

const SMALLEST = 390; // pixels: half of it in letters

test('text of twice the size', { skip }, async t => {
  const relay = await Relay.start(t), { alice } = await town(t, relay.address), p = await alice.open();
  await p.evaluate(() => localStorage.setItem('settings', JSON.stringify({ size: 200 })));
  await withAxe(alice);
  await alice.chat('Harbour');
  await alice.bubble('See you at the pier').waitFor();
  assert.equal(await p.evaluate(() => getComputedStyle(document.documentElement).fontSize), '32px');
  await looks(p, 'large-group', SMALLEST);
  await p.locator('.head-who').click();
  await p.locator('.info-body').waitFor();
  await looks(p, 'large-details', SMALLEST);
  await show(p);
  await looks(p, 'large-list', SMALLEST);
  for (const view of ['settings', 'routes', 'requests', 'group', 'accept', 'warnings', 'invite']) {
    await show(p, view);
    await p.locator('.column > *').first().waitFor();
    await looks(p, `large-page-${view}`, SMALLEST);
  }
});

// How long what moves takes, in all elements of the page and before and behind them.
const moves = (p: Page): Promise<string[]> => p.evaluate(() => [...document.querySelectorAll('*')].flatMap(e => [null, '::before', '::after'].flatMap(part => {
  const s = getComputedStyle(e, part), slow = (s.transitionDuration + ', ' + (s.animationName === 'none' ? '0s' : s.animationDuration)).split(', ').some(d => parseFloat(d) > 0);
  return slow ? [`${e.tagName} ${e.className.toString()} ${part ?? ''}`] : [];
})));

test('nothing moves where the system asks for less motion', { skip }, async t => {
  const relay = await Relay.start(t), alice = new Person(t, 'Alice', { calm: false }), p = await alice.make(relay.address).open();
  await alice.unlock();
  await show(p, 'settings');
  await p.getByRole('switch').first().waitFor();
  assert.notDeepEqual(await moves(p), [], 'something moves otherwise');
  await p.emulateMedia({ reducedMotion: 'reduce' });
  for (const view of ['settings', 'invite', 'accept', 'group', 'routes']) {
    await show(p, view);
    await p.locator('.column > *').first().waitFor();
    assert.deepEqual(await moves(p), [], view);
  }
  await p.locator('.sidebar [data-icon=plus]').click();
  await p.locator('dialog.menu').waitFor();
  assert.deepEqual(await moves(p), [], 'a menu');
});
