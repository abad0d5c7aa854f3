// SPDX-License-Identifier: Apache-2.0
//
// Each view at four sizes, light and dark: axe finds nothing that keeps people out, nothing is wider than the window, and nothing is cut off at
// its side. With WHIMBREL_SHOTS=FOLDER each is also kept as a picture, to be looked at.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Relay } from '../e2e/relay';
import { findings, withAxe } from './axe';
import { Person, closeChrome, skip } from './person';
import { town } from './town';

after(closeChrome);

const SIZES = [[1280, 800], [390, 844], [820, 1180], [1920, 1080]] as const;
const shots = process.env['WHIMBREL_SHOTS'];

const problems = new Map<string, string[]>(); // of each what is wrong, where
function complain(where: string, what: string): void { problems.set(what, [...(problems.get(what) ?? []), where]); }
function report(): void { assert.deepEqual([...problems].map(([what, where]) => `${what} (${where.join(', ')})`), []); }

async function inspect(person: Person, view: string): Promise<void> {
  const page = person.page;
  for (const dark of [false, true]) {
    await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
    for (const [width, height] of SIZES) {
      await page.setViewportSize({ width, height });
      await page.waitForTimeout(60); // sizes are measured in a frame or two
      const where = `${view}-${width}x${height}-${dark ? 'dark' : 'light'}`;
      if (shots !== undefined) await page.screenshot({ path: join(shots, `${where}.png`) });
      const fits = await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth, undefined, { timeout: 2000 }).then(() => true, () => false);
      if (!fits) complain(where, 'wider than the window');
      for (const f of await findings(page)) complain(where, f);
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: 'light' });
}

async function open(person: Person): Promise<void> {
  await person.open();
  await withAxe(person);
}

test('the first run, and the lock', { skip }, async t => {
  const relay = await Relay.start(t), alice = new Person(t, 'Alice');
  await open(alice);
  const p = alice.page;
  await p.getByLabel('Your name').fill('Alice');
  await p.getByLabel('Passphrase', { exact: true }).fill('correct horse battery staple');
  await inspect(alice, 'first');
  await p.getByRole('button', { name: 'I have an archive' }).click();
  await inspect(alice, 'restore');
  await p.getByRole('button', { name: 'Back' }).click();
  await p.getByRole('button', { name: 'Next' }).click();
  await p.getByLabel('Address of the relay').fill(relay.address);
  await inspect(alice, 'relay');
  await p.getByRole('button', { name: 'Create', exact: true }).click();
  await p.locator('.link-text').waitFor();
  await inspect(alice, 'invitation');
  await p.getByRole('button', { name: 'Go to my chats' }).click();
  await inspect(alice, 'nothing');
  await p.getByRole('button', { name: 'Settings' }).click();
  await p.getByRole('button', { name: 'Lock', exact: true }).click();
  await p.getByLabel('Passphrase', { exact: true }).waitFor();
  await inspect(alice, 'locked');
  report();
});

test('conversations', { skip }, async t => {
  const relay = await Relay.start(t), { alice } = await town(t, relay.address);
  await open(alice);
  const p = alice.page;
  await alice.chat('Harbour');
  await alice.bubble('See you at the pier').waitFor();
  await inspect(alice, 'group');
  await p.getByRole('button', { name: 'Details' }).click();
  await p.getByRole('region', { name: 'Details' }).getByText('Admin').waitFor();
  await inspect(alice, 'group-details');
  await p.getByRole('button', { name: 'Export', exact: true }).click();
  await inspect(alice, 'export');
  await p.keyboard.press('Escape');
  await p.getByRole('button', { name: 'Close' }).click();
  await alice.chat('Bob');
  await inspect(alice, 'direct');
  await p.getByRole('button', { name: 'Details' }).click();
  await p.getByRole('img', { name: 'The safety number' }).waitFor();
  await inspect(alice, 'verification');
  await p.getByRole('button', { name: 'Close' }).click();
  const b = alice.bubble('The tide');
  await b.focus();
  await b.press('Enter');
  await p.getByRole('menuitem', { name: 'Reply' }).waitFor();
  await inspect(alice, 'menu');
  await p.keyboard.press('Escape');
  await p.getByRole('searchbox').fill('tide');
  await p.locator('mark').first().waitFor();
  await inspect(alice, 'search');
  await p.keyboard.press('Escape');
  for (const [name, route] of [['settings', 'settings'], ['routes', 'routes'], ['relays', 'relays'], ['requests', 'requests'], ['new-group', 'group'], ['accept', 'accept'], ['warnings', 'warnings']] as const) {
    await p.evaluate(r => { location.hash = `#/${r}`; }, route);
    await p.locator('.page-body').waitFor();
    await inspect(alice, name);
  }
  await p.evaluate(() => { location.hash = '#/settings'; });
  await p.getByRole('button', { name: /^Profiles/ }).click();
  await p.getByText('This one', { exact: true }).waitFor();
  await inspect(alice, 'profiles');
  await p.keyboard.press('Escape');
  await p.getByRole('button', { name: /^Back up everything/ }).click();
  await p.getByLabel('Passphrase of the archive').fill('four quite random words');
  await inspect(alice, 'backup');
  await p.keyboard.press('Escape');
  report();
});
