// SPDX-License-Identifier: Apache-2.0
//
// How fast the page is, in Debian's Chromium without a screen: how much is loaded, the first paint of a thousand conversations, opening one of a hundred
// thousand messages, scrolling in it, and memory. `make bench-ui` runs it; the targets stand in docs/performance.md.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type CDPSession, type Page, chromium } from 'playwright-core';
import { first, gzipped } from '../../tests/ui/bundle';
import { CHATS, Engine, MESSAGES } from './engine';

const web = join(process.env['WHIMBREL_BUILD'] ?? 'build', 'web');
const RUNS = 9, SCROLL_MS = 12_000;

function median(of: number[]): number { return [...of].sort((a, b) => a - b)[Math.floor(of.length / 2)]!; }
function say(what: string, value: string, target: string): void { console.log(`${what.padEnd(58)} ${value.padStart(12)}   target ${target}`); }

// In the page, before anything of it: when a first element of a kind was painted, since the navigation or since the last click.
function watch(): void {
  const seen = window as unknown as { painted: Record<string, number>; clicked: number };
  seen.painted = {};
  seen.clicked = 0;
  addEventListener('click', () => { seen.clicked = performance.now(); }, true);
  new MutationObserver(() => {
    for (const what of ['.chat-row', '.message']) {
      if (seen.painted[what] !== undefined || document.querySelector(what) === null) continue;
      seen.painted[what] = 0;
      requestAnimationFrame(() => { // the frame is made behind this; a task after it runs when it has been
        const c = new MessageChannel();
        c.port1.onmessage = () => { seen.painted[what] = performance.now(); };
        c.port2.postMessage(0);
      });
    }
  }).observe(document, { childList: true, subtree: true });
}

async function painted(page: Page, what: string): Promise<number> {
  await page.waitForFunction(w => (window as unknown as { painted: Record<string, number> }).painted[w]! > 0, what);
  return page.evaluate(w => {
    const seen = window as unknown as { painted: Record<string, number>; clicked: number };
    return seen.painted[w]! - (w === '.message' ? seen.clicked : 0);
  }, what);
}

async function fresh(browser: Browser, address: string): Promise<{ page: Page; cdp: CDPSession }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  await context.addInitScript(watch);
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
  await page.goto(address);
  return { page, cdp };
}

// Wheels up without a pause, and notes when each frame was made. The lowest number of frames in any second, and the longest pause.
async function scroll(page: Page): Promise<{ lowest: number; longest: number; rows: number }> {
  await page.evaluate(() => {
    const kept = window as unknown as { frames: number[]; rows: Set<string> };
    kept.frames = [];
    kept.rows = new Set();
    const frame = (t: number): void => {
      kept.frames.push(t);
      for (const m of document.querySelectorAll('.message')) kept.rows.add(m.getAttribute('data-id')!);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  await page.mouse.move(800, 400);
  for (const end = Date.now() + SCROLL_MS; Date.now() < end;) {
    await page.mouse.wheel(0, -240);
    await page.waitForTimeout(16);
  }
  return page.evaluate(() => {
    const { frames, rows } = window as unknown as { frames: number[]; rows: Set<string> };
    let lowest = Infinity, longest = 0;
    for (let i = 1, from = 0; i < frames.length; i++) {
      longest = Math.max(longest, frames[i]! - frames[i - 1]!);
      while (frames[i]! - frames[from]! > 1000) from++;
      if (frames[i]! - frames[0]! > 1000) lowest = Math.min(lowest, i - from);
    }
    return { lowest, longest, rows: rows.size };
  });
}

// How long the page's main thread was busy since the page was begun, whatever else the machine did.
async function busy(cdp: CDPSession): Promise<number> {
  const found = (await cdp.send('Performance.getMetrics')).metrics.find(m => m.name === 'TaskDuration');
  return (found?.value ?? 0) * 1000;
}

async function memory(page: Page, cdp: CDPSession): Promise<number> {
  await cdp.send('HeapProfiler.collectGarbage');
  return page.evaluate(async () => {
    const m = performance as unknown as { measureUserAgentSpecificMemory: () => Promise<{ bytes: number }> };
    return (await m.measureUserAgentSpecificMemory()).bytes;
  });
}

async function main(): Promise<void> {
  const engine = new Engine(web);
  await engine.start();
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
  const kib = (names: readonly string[]): string => `${(gzipped(web, names) / 1024).toFixed(1)} KiB`;
  for (const [word, language] of [['English', 'en'], ['Russian', 'ru']] as const) say(`loaded before the list is shown, in ${word}, gzip`, kib(first(web, language)), '60 KiB');
  say('all files, gzip', kib(readdirSync(web)), '-');

  const floors: number[] = [], lists: number[] = [], opens: number[] = [], drawn: number[] = [], worked: number[] = [];
  let { page, cdp } = await fresh(browser, engine.address);
  await painted(page, '.chat-row');
  for (let i = 0; i < RUNS; i++) {
    await page.context().close();
    ({ page, cdp } = await fresh(browser, engine.floor));
    floors.push(await painted(page, '.chat-row'));
    await page.context().close();
    ({ page, cdp } = await fresh(browser, engine.address));
    lists.push(await painted(page, '.chat-row'));
    drawn.push(await busy(cdp));
    await page.locator('.chat-row').first().click();
    opens.push(await painted(page, '.message'));
    worked.push(await busy(cdp));
  }
  say(`first paint of one row in an empty page: the floor, median of ${RUNS}`, `${median(floors).toFixed(0)} ms`, '-');
  say(`first paint of the list of ${CHATS} conversations`, `${median(lists).toFixed(0)} ms`, '300 ms');
  say('until then, how long the page itself was busy', `${median(drawn).toFixed(0)} ms`, '-');
  say(`opening one of ${MESSAGES} messages, median of ${RUNS}`, `${median(opens).toFixed(0)} ms`, '100 ms');
  say('of both, how long the page itself was busy', `${median(worked).toFixed(0)} ms`, '-');
  const before = await busy(cdp), s = await scroll(page), work = (await busy(cdp) - before) / SCROLL_MS;
  say(`scrolling it, ${s.rows} messages in ${SCROLL_MS / 1000} s: frames in the worst second`, String(s.lowest), '50');
  say('how much of that time the page itself was busy', `${(work * 100).toFixed(0)} %`, '-');
  say('the longest time between two frames', `${s.longest.toFixed(0)} ms`, '-');
  say('memory of the page after that', `${(await memory(page, cdp) / 1e6).toFixed(1)} MB`, '80 MB');
  await browser.close();
  engine.stop();
}

void main();
