// SPDX-License-Identifier: Apache-2.0
//
// hands: a person who has a keyboard and nothing else. Nothing here clicks or asks an element for focus; where the focus is can be seen at each step.
import assert from 'node:assert/strict';
import { Person } from './person';

export class Keys {
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
  // It may take a moment: a view comes in, and a list scrolls to where one is.
  async seen(): Promise<void> {
    const shown = await this.p.page.waitForFunction(() => {
      const e = document.activeElement!, s = getComputedStyle(e), r = e.getBoundingClientRect();
      return (s.outlineStyle !== 'none' || e.matches('.choice input')) && r.bottom > 0 && r.top < innerHeight && r.width > 0;
    }, undefined, { timeout: 3000 }).then(() => true, () => false);
    assert.ok(shown, `where the focus is cannot be seen: ${await this.name()}`);
  }
}
