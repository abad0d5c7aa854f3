// SPDX-License-Identifier: Apache-2.0
//
// What somebody may send to harm whoever reads it: markup, scripts, links that run, text that turns lines around, piles of marks, very much of
// anything. It is shown as the text that it is, within its bubble; Person fails the test if the page throws, runs or fetches anything.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Relay } from '../e2e/relay';
import { Person, closeChrome, skip } from './person';

after(closeChrome);

const CONTROLS = /[\u200e\u200f\u202a-\u202e\u2066-\u2069\u0000-\u0008]/;
const MARKUP = ['<script>alert(1)</script>', '<img src=x onerror=alert(2)>', '<svg onload=alert(3)><a xlink:href="javascript:alert(4)">x</a></svg>',
  '"><iframe srcdoc="<script>parent.alert(5)</script>">', '{{constructor.constructor("alert(6)")()}}'];
const LINKS = ['[a](javascript:alert(1))', '[b](data:text/html,<script>alert(2)</script>)', '[c](JaVaScRiPt:alert(3))', '[d](vbscript:x)', '[e](file:///etc/passwd)',
  '[f](blob:null/1)', '[g]( javascript:alert(7))'];
const PILES = ['*'.repeat(8000), '_*~`'.repeat(4000), '['.repeat(8000) + ']('.repeat(4000), '> '.repeat(6000) + 'deep', '`'.repeat(9000), '**a '.repeat(6000),
  '- x\n'.repeat(6000), 'https://' + 'a'.repeat(20000), 'W'.repeat(40000), '\n'.repeat(9000) + 'end'];

test('hostile content is harmless text', { skip }, async t => {
  const relay = await Relay.start(t), alice = new Person(t, 'Alice', { width: 390, height: 844 });
  const mallory = new Person(t, '<img src=x onerror=alert(0)>\u202egnp.exe');
  const link = await alice.begin(relay.address);
  await mallory.begin(relay.address);
  await mallory.accept(link);
  const row = alice.page.locator('.chat-row', { hasText: '<img' });
  await row.waitFor();
  assert.doesNotMatch(await alice.page.locator('body').innerText(), CONTROLS);
  await row.click();
  await alice.page.locator('.composer textarea').waitFor();
  const say = (text: string): void => { assert.equal(mallory.run('send', 'Alice', '--', text).status, 0); };

  for (const text of [...MARKUP, ...LINKS, ...PILES]) say(text);
  say('\u202e\u2066evil\u202a \u0007 ' + 'z\u0300\u0301\u0302\u0303'.repeat(300) + 'o' + '\u0335'.repeat(500) + ' marked');
  say('the last one');
  await alice.bubble('the last one').waitFor();
  const sent = MARKUP.length + LINKS.length + PILES.length + 2;
  const seen = new Set<string>();
  for (let i = 0; i < 200 && seen.size < sent; i++) { // from the last to the first, as somebody reads up
    const found = await alice.page.evaluate(() => ({
      ids: [...document.querySelectorAll('.message')].map(m => m.getAttribute('data-id') ?? ''),
      wide: document.documentElement.scrollWidth > innerWidth || [...document.querySelectorAll('.scroller')].some(s => s.scrollWidth > s.clientWidth),
      high: Math.max(0, ...[...document.querySelectorAll('.bubble')].map(b => b.scrollWidth - b.clientWidth)),
      made: document.querySelectorAll('.rich script, .rich img, .rich iframe, .rich svg, .rich style').length,
      links: [...document.querySelectorAll<HTMLAnchorElement>('.rich a')].map(a => `${a.protocol} ${a.rel} ${a.target}`),
      text: [...document.querySelectorAll('.message')].map(m => m.textContent).join('\n'),
    }));
    found.ids.forEach(id => seen.add(id));
    assert.equal(found.made, 0, 'no element of theirs');
    assert.ok(!found.wide && found.high <= 1, 'nothing is wider than where it stands');
    for (const l of found.links) assert.match(l, /^https?: noopener noreferrer _blank$/);
    assert.doesNotMatch(found.text, CONTROLS);
    await alice.page.evaluate(() => { document.querySelector('.scroller')!.scrollTop -= innerHeight * 0.8; });
    await alice.page.waitForTimeout(30);
  }
  assert.equal(seen.size, sent, 'each of them was seen');
  for (const text of MARKUP) await alice.page.locator('.rich', { hasText: text }).first().waitFor({ state: 'attached' });
});
