// SPDX-License-Identifier: Apache-2.0
//
// Each dialog and menu at four sizes: axe finds nothing, nothing is too wide, it has a name, the focus is in it, and Escape closes it and gives the focus
// back. Those for which a relay has to lie or a device to be new are in ui-warn.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Page } from 'playwright-core';
import { Relay } from '../e2e/relay';
import { withAxe } from './axe';
import { closeChrome, skip } from './person';
import { png } from './png';
import { town } from './town';
import { looks, show } from './view';

after(closeChrome);

const wrong: string[] = []; // of all of them: one that is wrong hides none of the others

// What `open` opens is closed, and opened again to be looked at: in another window size what had the focus before may not be drawn any more.
async function dialog(p: Page, view: string, open: () => Promise<void>, ready?: string): Promise<void> {
  try {
    await looked(p, view, open, ready);
  } catch (e) {
    wrong.push(`${view}: ${String(e)}`);
    await p.keyboard.press('Escape');
  }
}

async function looked(p: Page, view: string, open: () => Promise<void>, ready?: string): Promise<void> {
  const d = p.locator('dialog[open]');
  for (const look of [false, true]) {
    await open();
    await d.waitFor();
    if (ready !== undefined) await d.locator(ready).first().waitFor();
    assert.ok(await d.evaluate(e => (e.getAttribute('aria-label') ?? document.getElementById(e.getAttribute('aria-labelledby') ?? '')?.textContent ?? '').trim() !== ''), `${view} has no name`);
    assert.ok(await d.evaluate(e => e.contains(document.activeElement)), `the focus is not in ${view}`);
    if (look) await looks(p, `dialog-${view}`);
    await p.keyboard.press('Escape');
    await d.waitFor({ state: 'detached' });
    if (!look) await p.waitForFunction(() => document.activeElement !== document.body, undefined, { timeout: 5000 }).catch(() => assert.fail(`${view} gives the focus to nobody`));
  }
}

test('dialogs and menus', { skip }, async t => {
  const relay = await Relay.start(t), { alice, bob } = await town(t, relay.address), p = await alice.open();
  p.context().setDefaultTimeout(10_000);
  const button = (name: string | RegExp) => (): Promise<void> => p.getByRole('button', { name, exact: typeof name === 'string' }).first().click();
  await withAxe(alice);
  await dialog(p, 'new', button('New'));
  await dialog(p, 'chat', () => p.locator('.chat-row').first().click({ button: 'right' }));

  await alice.chat('Harbour');
  await alice.bubble('See you at the pier').waitFor();
  const own = alice.bubble('What do I need');
  const menu = async (item?: string): Promise<void> => {
    await own.focus();
    await own.press('Enter');
    if (item !== undefined) await p.getByRole('menuitem', { name: item }).click();
  };
  await dialog(p, 'message-emoji', async () => {
    await menu();
    await button('More reactions')();
  });
  await dialog(p, 'message-information', () => menu('Information'), '.facts');
  await dialog(p, 'message-delete', () => menu('Delete for everybody'));
  await dialog(p, 'send-files', () => p.locator('.composer input[type=file]').setInputFiles([{ name: 'harbour.png', mimeType: 'image/png', buffer: png(300, 200) }, { name: 'a long name '.repeat(12), mimeType: 'text/plain', buffer: Buffer.from('x') }]), 'img');
  await p.locator('.composer input[type=file]').setInputFiles([{ name: 'harbour.png', mimeType: 'image/png', buffer: png(300, 200) }]);
  await p.getByRole('dialog').getByRole('button', { name: 'Send' }).click();
  await dialog(p, 'picture', () => p.getByRole('button', { name: /Open .*harbour/ }).click(), 'img.whole');

  await p.getByRole('button', { name: 'Details' }).click();
  await p.getByRole('region', { name: 'Details' }).getByText('Admin').waitFor();
  await dialog(p, 'group-rename', button('Rename'));
  await dialog(p, 'group-add', button('Add people'));
  await dialog(p, 'group-link', button('Link to the group'));
  await dialog(p, 'group-member', button(/^More about/));
  await dialog(p, 'group-leave', button('Leave the group'));
  await dialog(p, 'export', button('Export'));
  await button('To a date')();
  await button('Mute')();
  await looks(p, 'details-open');

  bob.ok('send', 'Alice', 'try socks5://127.0.0.1:1');
  await alice.chat('Bob');
  await dialog(p, 'proxy', () => alice.bubble('try socks5').getByRole('link').click(), '.way');
  await p.getByRole('button', { name: 'Details' }).click();
  await p.getByRole('img', { name: 'The safety number' }).waitFor();
  await dialog(p, 'compare', button('Scan or enter theirs'));
  await dialog(p, 'contact-rename', button('Rename'));
  await dialog(p, 'chat-delete', button('Delete this chat'));

  alice.ok('proxy', 'add', 'socks5://somebody:secret@127.0.0.1:1');
  await show(p, 'routes');
  const way = p.locator('.way', { hasText: ':1' }).getByRole('button', { name: /^More about/ });
  await dialog(p, 'way', () => way.click());
  const choose = async (item: string): Promise<void> => {
    await way.click();
    await p.getByRole('menuitem', { name: item }).click();
  };
  await dialog(p, 'way-share', () => choose('Share'), '.link-text');
  await dialog(p, 'way-remove', () => choose('Remove'));

  await show(p, 'settings');
  await dialog(p, 'profiles', button(/^Profiles/));
  await dialog(p, 'backup', button(/^Back up everything/));
  await dialog(p, 'passphrase', button('Change the passphrase'));
  await dialog(p, 'keyring', () => p.getByRole('switch', { name: /keyring/ }).click());
  await show(p, 'relays');
  await p.locator('.column > *').first().waitFor();
  await looks(p, 'relays');
  await show(p, 'accept');
  await button('Scan a code')();
  await p.locator('.scanner').waitFor();
  await looks(p, 'scanner');
  assert.deepEqual(wrong, []);
});
