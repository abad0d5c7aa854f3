// SPDX-License-Identifier: Apache-2.0
//
// Right to left: the page in a language that is written so (the English words in Hebrew letters, since there is no such translation yet), and Hebrew and
// Arabic in an English page. With WHIMBREL_SHOTS=FOLDER each view is kept as a picture.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Locator } from 'playwright-core';
import { en } from '../../web/src/strings/en';
import { until } from '../e2e/client';
import { Relay } from '../e2e/relay';
import { withAxe } from './axe';
import { Person, closeChrome, skip } from './person';
import { town } from './town';
import { looks, show } from './view';

after(closeChrome);

const LETTERS = 'אבגדהוזחטיכלמנסעפצקרשתםןףץ';
const turned = (s: string): string => s.split(/(\{\w+\})/).map(part => part.startsWith('{') ? part : part.replace(/[a-z]/gi, c => LETTERS[c.toLowerCase().charCodeAt(0) - 97]!)).join('');
const words = Object.fromEntries(Object.entries(en).map(([key, entry]) =>
  [key, key === 'direction' ? 'rtl' : typeof entry === 'string' ? turned(entry) : Object.fromEntries(Object.entries(entry as Record<string, string>).map(([form, s]) => [form, turned(s)]))]));

async function box(l: Locator): Promise<{ left: number; right: number; top: number; bottom: number }> {
  const b = (await l.boundingBox())!;
  return { left: b.x, right: b.x + b.width, top: b.y, bottom: b.y + b.height };
}

test('a page that is written from the right is the mirror of one from the left', { skip }, async t => {
  const relay = await Relay.start(t), { alice } = await town(t, relay.address), p = await alice.open();
  await p.context().route(/\/en-[\w-]+\.js$/, r => r.fulfill({ contentType: 'text/javascript', body: `export const en = ${JSON.stringify(words)};` }));
  await withAxe(alice);
  await alice.chat('Harbour');
  await alice.bubble('See you at the pier').waitFor();
  assert.equal(await p.evaluate(() => document.documentElement.dir), 'rtl');
  const list = await box(p.locator('.sidebar')), own = await box(p.locator('.message.own .bubble').first()), other = await box(p.locator('.message.other .bubble').first());
  assert.ok(list.left > 800 && own.left < other.left && own.right < other.right, 'the list is on the right, one\'s own words on the left');
  const title = await box(p.locator('.chat-row .chat-title').first()), time = await box(p.locator('.chat-row .chat-time').first());
  assert.ok(time.right <= title.left + 1, 'the time stands behind the name');
  const letters = await spread(p.locator('.chat-row .chat-title').first());
  assert.ok(letters.to - letters.right < 2, 'a name begins beside its picture, however it is written');
  await looks(p, 'rtl-group');
  for (const opener of [p.locator('.sidebar [data-icon=plus]'), p.locator('.message.own .bubble-more').first(), p.locator('.message.other .bubble-more').first()]) {
    await opener.click({ force: true });
    const menu = await box(p.locator('dialog.menu'));
    assert.ok(menu.left >= 0 && menu.right <= 1280 && menu.top >= 0 && menu.bottom <= 800, JSON.stringify(menu));
    await p.keyboard.press('Escape');
  }
  await p.locator('.sidebar [data-icon=plus]').click();
  const menu = await box(p.locator('dialog.menu')), plus = await box(p.locator('.sidebar [data-icon=plus]'));
  assert.ok(menu.left <= plus.left && Math.abs(menu.right - plus.right) < 2, 'under the side where its lines begin');
  await looks(p, 'rtl-menu');
  await p.keyboard.press('Escape');
  await p.locator('.head-who').click();
  await p.locator('.info-body').waitFor();
  await looks(p, 'rtl-details');
  for (const view of ['settings', 'routes', 'requests', 'group', 'accept', 'warnings', 'invite']) {
    await show(p, view);
    await p.locator('.column > *').first().waitFor();
    await looks(p, `rtl-page-${view}`);
  }
});

// Where the letters of a text's first line begin and end, and the box that they have.
const spread = (l: Locator): Promise<{ left: number; right: number; from: number; to: number }> => l.evaluate(e => {
  const range = document.createRange(), b = (getComputedStyle(e).display === 'inline' ? e.parentElement!.parentElement! : e).getBoundingClientRect();
  range.selectNodeContents(e);
  const all = [...range.getClientRects()], line = all.filter(r => Math.abs(r.top - all[0]!.top) < 4);
  return { left: Math.min(...line.map(r => r.left)), right: Math.max(...line.map(r => r.right)), from: b.left, to: b.right };
});

test('Hebrew and Arabic stand on their own side in an English page', { skip }, async t => {
  const relay = await Relay.start(t), alice = new Person(t, 'Alice').make(relay.address), dana = new Person(t, 'דנה כהן').make(relay.address);
  dana.take(alice.invite());
  const ready = (p: Person): boolean => p.json<{ members: number }[]>('chats').some(c => c.members > 1);
  await until('both', () => ready(alice) && ready(dana));
  const said = [
    'שלום! ראית את האנפה ליד הנמל הבוקר? היא עמדה שם שעה שלמה, ולא זזה גם כשהסירות חזרו מן הים, אחת אחרי השנייה.',
    'مرحبا، هل وصلت الرسالة؟ رقم القارب هو 4711 والموعد at 15:30 كالعادة',
    'First a line in English\nואז שורה בעברית, קצרה',
    '- סירה אחת\n- ועוד אחת (2)',
    'Short one',
    'שלום',
  ];
  for (const text of said) dana.ok('send', 'Alice', text);
  await until('all of them', () => alice.json<unknown[]>('read', 'דנה').length >= said.length);
  const p = await alice.open();
  await withAxe(alice);
  await alice.chat('דנה');
  await alice.bubble('Short one').waitFor();

  const long = alice.bubble('שלום! ראית').locator('.rich p'), first = await spread(long);
  assert.equal(await alice.bubble('שלום! ראית').locator('[dir]').first().getAttribute('dir'), 'rtl');
  assert.ok(first.to - first.right < 2, 'a Hebrew line begins on the right');
  const bubble = await box(alice.bubble('שלום! ראית').locator('.bubble')), time = await box(alice.bubble('שלום! ראית').locator('.meta'));
  assert.ok(time.left - bubble.left < 20, 'and the time stands where its last line ends');
  const english = await box(alice.bubble('Short one').locator('.bubble')), meta = await box(alice.bubble('Short one').locator('.meta'));
  assert.ok(english.right - meta.right < 20);
  const mixed = await alice.bubble('First a line').locator('.rich').evaluate(e => {
    const range = document.createRange(), node = document.createTreeWalker(e, NodeFilter.SHOW_TEXT), rects: DOMRect[] = [];
    for (let n = node.nextNode(); n !== null; n = node.nextNode()) {
      range.selectNodeContents(n);
      rects.push(...range.getClientRects());
    }
    return rects.map(r => [r.left, r.right]);
  });
  assert.ok(mixed.at(-1)![1]! > mixed[0]![0]!, 'each line has its own side');

  const preview = p.locator('.chat-row .chat-said').first(), letters = await spread(preview);
  assert.equal(await preview.evaluate(e => getComputedStyle(e).direction), 'rtl');
  assert.ok(letters.left - letters.from < 2, 'in the list it stands beside the others');
  const name = await spread(p.locator('.chat-row .chat-title').first());
  assert.ok(name.left - name.from < 2);
  await alice.page.locator('.composer textarea').fill('בסדר, נתראה');
  assert.equal(await p.locator('.composer textarea').evaluate(e => getComputedStyle(e).direction), 'rtl');
  await looks(p, 'ltr-hebrew');
});
