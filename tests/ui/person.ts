// SPDX-License-Identifier: Apache-2.0
//
// person: somebody with a browser: a profile's folder, an engine that serves the page, and a page of Debian's Chromium in a window of some
// size. Everything ends with the test. A page that throws, logs an error, breaks its policy, or asks for anything outside fails the test.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestContext } from 'node:test';
import { Browser, BrowserContext, Locator, Page, chromium } from 'playwright-core';
import { build, temporary } from '../e2e/relay';

export const whimbrel = join(build, 'whimbrel');
const program = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
export const skip = !existsSync(whimbrel) ? 'the client was not built'
  : !existsSync(join(build, 'web/index.html')) ? 'the page was not built'
  : program === undefined ? 'there is no Chromium; make deps installs it' : false;

const shots = process.env['WHIMBREL_SHOTS']; // a folder: how the page looked when the test ended
export const PASSPHRASE = 'correct horse battery staple';
export interface View { width?: number; height?: number; dark?: boolean; locale?: string; touch?: boolean; calm?: boolean }

/** What the camera sees: a film, which a test that uses it makes. */
export const CAMERA = join(tmpdir(), `whimbrel-camera-${process.pid}.y4m`);

let browser: Promise<Browser> | undefined;
export function chrome(): Promise<Browser> {
  return browser ??= chromium.launch({ executablePath: program!, args: [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), '--use-fake-device-for-media-stream', `--use-file-for-fake-video-capture=${CAMERA}`] });
}
export async function closeChrome(): Promise<void> {
  await (await browser)?.close();
  browser = undefined;
  rmSync(CAMERA, { force: true });
}

export class Person {
  readonly profile: string;
  readonly wrong: string[] = []; // what the page did that it must not
  readonly origins = new Set<string>(); // whom it may ask
  travels = false; // it may go to pages of other profiles on this computer
  private tab?: Page;
  private window?: BrowserContext;

  constructor(t: TestContext, readonly name: string, readonly view: View = {}) {
    this.profile = join(temporary(t), name.replace(/\W/g, '') || 'somebody');
    t.after(async () => {
      if (shots !== undefined) await this.tab?.screenshot({ path: join(shots, `${name}.png`) }).catch(() => undefined);
      await this.window?.close();
      this.kill();
      assert.deepEqual(this.wrong, [], `the page of ${name}`);
    });
  }

  get page(): Page { return this.tab!; }

  run(...words: string[]): { status: number | null; stdout: string; stderr: string } {
    return spawnSync(whimbrel, ['--profile', this.profile, ...words], { encoding: 'utf8', timeout: 60_000,
      env: { ...process.env, WHIMBREL_PASSPHRASE: PASSPHRASE } });
  }
  json<T>(...words: string[]): T {
    return JSON.parse(this.ok('--json', ...words)) as T;
  }

  ok(...words: string[]): string {
    const { status, stdout, stderr } = this.run(...words);
    assert.equal(status, 0, `whimbrel ${words[0]} of ${this.name}: ${stderr}`);
    return stdout.trim();
  }

  // What no command says.
  rpc(method: string, params: object): unknown {
    const { stdout } = spawnSync(whimbrel, ['--profile', this.profile, 'rpc'], { encoding: 'utf8', timeout: 60_000,
      env: { ...process.env, WHIMBREL_PASSPHRASE: PASSPHRASE }, input: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }) + '\n' });
    const answer = JSON.parse(stdout.split('\n')[0]!) as { result?: unknown };
    assert.notEqual(answer.result, undefined, stdout);
    return answer.result;
  }

  // The first run without a browser, and somebody's invitation.
  make(relay: string): this {
    this.ok('init', '--name', this.name, '--relay', relay, '--quiet');
    return this;
  }
  take(link: string): void { this.ok('accept', link); }
  invite(): string { return this.json<{ link: string }>('invite', '--personal', '--once').link; }

  // Starts the engine if it does not run; the address has a fresh token in it.
  address(): string { return this.json<{ address: string }>('ui').address; }

  async open(address = this.address()): Promise<Page> {
    const v = this.view;
    this.window ??= await (await chrome()).newContext({
      viewport: { width: v.width ?? 1280, height: v.height ?? 800 }, colorScheme: v.dark === true ? 'dark' : 'light', locale: v.locale ?? 'en-GB',
      hasTouch: v.touch ?? false, reducedMotion: v.calm === false ? 'no-preference' : 'reduce', permissions: ['clipboard-read', 'clipboard-write', 'microphone'],
    });
    this.window.setDefaultTimeout(30_000);
    await this.tab?.close();
    this.tab = await this.window.newPage();
    this.origins.add(new URL(address).origin);
    this.watch(this.tab);
    await this.tab.goto(address);
    return this.tab;
  }

  private watch(page: Page): void {
    page.on('pageerror', e => this.wrong.push(`threw: ${e.message}`));
    page.on('console', m => { if (m.type() === 'error' && !/ERR_CONNECTION_REFUSED|WebSocket connection/.test(m.text())) this.wrong.push(m.text()); });
    page.on('dialog', d => {
      this.wrong.push(`dialog: ${d.message()}`);
      void d.dismiss();
    });
    page.on('request', r => {
      if (this.travels && r.isNavigationRequest() && /^http:\/\/127\.0\.0\.1:\d+\//.test(r.url())) this.origins.add(new URL(r.url()).origin);
      if (![...this.origins].some(o => r.url().startsWith(o) || r.url().startsWith('blob:' + o)) && !r.url().startsWith('data:')) this.wrong.push(`asked for ${r.url()}`);
    });
  }

  // The first run, as anybody goes through it, up to one's invitation.
  async start(relay: string, proxies?: string): Promise<string> {
    const p = await this.open();
    await p.getByLabel('Your name').fill(this.name);
    await p.getByLabel('Passphrase', { exact: true }).fill(PASSPHRASE);
    await p.getByRole('button', { name: 'Next' }).click();
    await p.getByLabel('Address of the relay').fill(relay);
    if (proxies !== undefined) {
      await p.getByText('My network blocks it, or must not see it').click();
      await p.getByLabel('Link or address').fill(proxies);
      await p.getByRole('radio', { name: 'Only by proxies' }).check();
    }
    await p.getByRole('button', { name: 'Create', exact: true }).click();
    return await p.locator('.link-text').textContent() ?? '';
  }

  // And on to one's chats.
  async begin(relay: string): Promise<string> {
    const link = await this.start(relay);
    await this.page.getByRole('button', { name: 'Go to my chats' }).click();
    await this.page.getByRole('heading', { name: 'Chats' }).waitFor();
    return link;
  }

  async accept(link: string): Promise<void> {
    const p = this.page;
    await p.getByRole('button', { name: 'New', exact: true }).click();
    await p.getByRole('menuitem', { name: 'Enter an invitation' }).click();
    await p.getByLabel('Invitation link').fill(link);
    await p.getByRole('button', { name: 'Accept' }).click();
  }

  async chat(name: string): Promise<void> {
    await this.page.locator('.chat-row', { hasText: name }).first().click();
    await this.page.locator('.head-words h1', { hasText: name }).waitFor(); // and not still of the one before
    await this.page.locator('.composer textarea').waitFor();
  }

  async say(text: string): Promise<void> {
    await this.page.locator('.composer textarea').fill(text);
    await this.page.locator('.composer textarea').press('Enter');
  }

  // The last message that says this; not one that quotes it.
  bubble(text: string): Locator { return this.page.locator('.message', { has: this.page.locator('.rich', { hasText: text }) }).last(); }

  async unlock(): Promise<void> {
    await this.page.getByLabel('Passphrase', { exact: true }).fill(PASSPHRASE);
    await this.page.getByRole('button', { name: 'Unlock' }).click();
  }


  async menu(text: string, item: string): Promise<void> {
    const b = this.bubble(text);
    await b.focus();
    await b.press('Enter');
    await this.page.getByRole('menuitem', { name: item }).click();
  }

  kill(): void {
    for (const pid of readdirSync('/proc').filter(x => /^\d+$/.test(x))) {
      let line = '';
      try { line = readFileSync(`/proc/${pid}/cmdline`, 'utf8'); } catch { continue; }
      if (line.includes('\0engine\0') && line.includes(`\0${this.profile}\0`)) process.kill(Number(pid), 'SIGKILL');
    }
  }
}

/** Two people who have met: `b` took `a`'s invitation, and each sees the other. */
export async function meet(a: Person, b: Person, relay: string): Promise<void> {
  const link = await a.begin(relay);
  await b.begin(relay);
  await b.accept(link);
  await b.page.getByRole('heading', { name: a.name }).waitFor();
  await a.page.locator('.chat-row', { hasText: b.name }).waitFor();
}
