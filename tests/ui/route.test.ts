// SPDX-License-Identifier: Apache-2.0
//
// A network from which the relay cannot be reached, and proxies that somebody has sent: found in what is pasted, tried, used from the first run on; a
// link in a chat is tried with one tap.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Proxy } from '../e2e/proxy';
import { Relay } from '../e2e/relay';
import { Person, closeChrome, skip } from './person';

after(closeChrome);

test('from a blocked network to a proxy', { skip }, async t => {
  const relay = await Relay.start(t, { host: 'relay.invalid' }); // a name that leads nowhere, but behind the proxy
  const alice = new Person(t, 'Alice'), bob = new Person(t, 'Bob'), proxy = await Proxy.start(t), other = await Proxy.start(t), dead = await Proxy.start(t);
  dead.mood = 2;
  const begin = async (p: Person): Promise<string> => {
    const link = await p.start(relay.address);
    await p.page.getByText('My network blocks it').click();
    await p.page.getByLabel('Link or address').fill(`Hi! One of these: socks5://${dead.place} or https://t.me/socks?server=127.0.0.1&port=${proxy.port}`);
    const ways = p.page.locator('.way');
    await ways.nth(0).getByRole('button', { name: 'Test' }).click();
    await ways.nth(0).locator('.error').waitFor();
    await ways.nth(1).getByRole('button', { name: 'Test' }).click();
    await ways.nth(1).getByText('It leads to your relay').waitFor();
    await ways.nth(1).getByRole('button', { name: 'Add' }).click();
    await p.page.getByRole('button', { name: 'Go to my chats' }).click();
    return link;
  };
  const link = await begin(alice);
  await begin(bob);
  await bob.accept(link);
  await alice.chat('Bob');
  await bob.say(`and this: tg://socks?server=127.0.0.1&port=${other.port}`);

  await alice.bubble('and this').getByRole('link').click();
  const dialog = alice.page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Test' }).click();
  await dialog.getByText('It leads to your relay').waitFor();
  await dialog.getByRole('button', { name: 'Add' }).click();
  await dialog.waitFor({ state: 'detached' });

  await alice.page.getByRole('button', { name: 'Settings' }).click();
  await alice.page.getByRole('button', { name: 'Ways to the relay' }).click();
  await alice.page.locator('.way', { hasText: String(other.port) }).waitFor();
  await alice.page.getByRole('radio', { name: 'Only by proxies' }).check();
  await alice.page.locator('.way', { hasText: 'Direct' }).getByText('Not used').waitFor();
  await alice.page.locator('.way').getByText('In use').waitFor();
  await alice.page.getByRole('button', { name: /More about .*127/ }).first().click();
  await alice.page.getByRole('menuitem', { name: 'Share' }).click();
  assert.match(await alice.page.getByRole('dialog').locator('.link-text').textContent() ?? '', /^socks5h:/);
  await alice.page.keyboard.press('Escape');

  await alice.chat('Bob');
  await alice.say('through the proxy');
  await bob.bubble('through the proxy').waitFor();
  assert.ok(proxy.asked.length > 0 && proxy.asked.every(a => a.host === 'relay.invalid'), 'names are looked up by the proxy');
});

test('a profile is made with a proxy, and nothing goes past it', { skip }, async t => {
  const relay = await Relay.start(t, { host: 'relay.invalid' }), carol = new Person(t, 'Carol'), proxy = await Proxy.start(t);
  await carol.start(relay.address, `socks5://${proxy.place}`);
  await carol.page.getByRole('button', { name: 'Go to my chats' }).click();
  await carol.page.getByRole('button', { name: 'Settings' }).click();
  await carol.page.getByRole('button', { name: 'Ways to the relay' }).click();
  await carol.page.locator('.way', { hasText: 'Direct' }).getByText('Not used').waitFor();
  await carol.page.locator('.way', { hasText: String(proxy.port) }).getByText('In use').waitFor();
});
