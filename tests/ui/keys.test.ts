// SPDX-License-Identifier: Apache-2.0
//
// The keyboard alone, from an empty profile to a conversation and out again: nothing here clicks or asks an element for focus. Where the focus is can
// be seen at each step.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Relay } from '../e2e/relay';
import { PASSPHRASE, Person, closeChrome, skip } from './person';

after(closeChrome);

class Keys {
  constructor(private readonly p: Person) {}
  async press(...keys: string[]): Promise<void> { for (const k of keys) await this.p.page.keyboard.press(k); }
  type(text: string): Promise<void> { return this.p.page.keyboard.type(text); }
  name(): Promise<string> {
    return this.p.page.evaluate(() => {
      const e = document.activeElement as HTMLElement;
      if (e === document.body) return '';
      const label = e instanceof HTMLInputElement || e instanceof HTMLTextAreaElement ? e.labels?.[0]?.textContent : undefined;
      return (e.getAttribute('aria-label') ?? label ?? e.textContent ?? '').trim();
    });
  }
  // Tab until something of this name has the focus, which must be seen.
  async to(name: RegExp, key = 'Tab'): Promise<void> {
    for (let i = 0; i < 40; i++) {
      if (name.test(await this.name())) return this.seen();
      await this.press(key);
    }
    assert.fail(`${key} does not lead to ${name}; the focus is on "${await this.name()}"`);
  }
  async seen(): Promise<void> {
    const box = await this.p.page.evaluate(() => {
      const e = document.activeElement!, s = getComputedStyle(e), r = e.getBoundingClientRect();
      return { outline: s.outlineStyle !== 'none' || e.matches('.choice input'), inside: r.bottom > 0 && r.top < innerHeight && r.width > 0 };
    });
    assert.ok(box.outline && box.inside, `where the focus is cannot be seen: ${await this.name()}`);
  }
}

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
