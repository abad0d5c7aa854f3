// SPDX-License-Identifier: Apache-2.0
//
// view: what is on the screen, at four sizes, the smallest a small phone's: whether something is too wide, and what axe finds. With WHIMBREL_SHOTS=FOLDER
// each is kept as a picture, to be looked at.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Page } from 'playwright-core';
import { findings } from './axe';

const SIZES = [[1280, 800], [390, 844], [820, 1180], [320, 640]] as const;
const shots = process.env['WHIMBREL_SHOTS'];

// Nothing is wider than the window, and nothing that scrolls up and down scrolls sideways.
export async function looks(page: Page, view: string, smallest = 320): Promise<void> {
  for (const [width, height] of SIZES.filter(([w]) => w >= smallest)) {
    await page.setViewportSize({ width, height });
    await page.waitForTimeout(60);
    if (shots !== undefined) await page.screenshot({ path: join(shots, `${view}-${width}x${height}.png`) });
    const tooWide = (): Promise<string[]> => page.evaluate(() => [document.documentElement, ...document.querySelectorAll('.list, .scroller, .page-body, .info-body, .dialog-body, .sidebar, .pane, dialog')]
      .filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== 'visible').map(e => `${e.className || e.tagName} ${e.scrollWidth} > ${e.clientWidth}`));
    for (let i = 0; i < 20 && (await tooWide()).length > 0; i++) await page.waitForTimeout(100); // on a busy machine the layout comes later
    assert.deepEqual(await tooWide(), [], `${view} ${width}x${height}`);
    assert.deepEqual(await findings(page), [], `${view} ${width}x${height}`);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

export async function show(page: Page, ...route: string[]): Promise<void> { await page.evaluate(h => { location.hash = h; }, `#/${route.join('/')}`); }
