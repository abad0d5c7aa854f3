// SPDX-License-Identifier: Apache-2.0
//
// Several profiles of one person: another one is made from the page of the first, and one goes from each to the other, open or locked. No token stays
// in an address, and no name of a profile leads anywhere else.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { Relay } from '../e2e/relay';
import { PASSPHRASE, Person, closeChrome, skip, whimbrel } from './person';

after(closeChrome);

test('a second profile is made, and one goes between both', { skip }, async t => {
  const relay = await Relay.start(t), alice = new Person(t, 'Alice'), folder = dirname(alice.profile);
  t.after(() => spawnSync(whimbrel, ['--profile', join(folder, 'At work'), 'stop'])); // before the folder goes
  await alice.begin(relay.address);
  const p = alice.page, first = new URL(p.url()).origin, dialog = p.getByRole('dialog', { name: 'Profiles' });
  const show = async (): Promise<void> => {
    await p.getByRole('button', { name: 'Settings' }).click();
    await p.getByRole('button', { name: /^Profiles/ }).click();
    await dialog.getByText('This one').waitFor();
  };
  const gone = async (): Promise<string> => {
    await p.waitForURL(u => u.origin !== first);
    return new URL(p.url()).origin;
  };
  alice.travels = true;

  await show();
  mkdirSync(join(folder, 'Letters'));
  writeFileSync(join(folder, 'Letters', 'to Bob'), 'Dear Bob');
  for (const name of ['../out', '.hidden', 'a/b', '-x', 'Alice', 'Letters']) {
    await dialog.getByLabel('Another profile').fill(name);
    await dialog.getByRole('button', { name: 'Make it' }).click();
    await dialog.getByRole('alert').getByText(name === 'Alice' ? 'There is a profile of this name' : name === 'Letters' ? 'There is a folder of this name' : 'The name of a profile').waitFor();
  }
  assert.deepEqual([readdirSync(folder).sort(), readdirSync(join(folder, 'Letters'))], [['Alice', 'Letters'], ['to Bob']]);
  assert.ok(!readdirSync(dirname(folder)).includes('out'));
  await dialog.getByLabel('Another profile').fill('At work');
  await dialog.getByRole('button', { name: 'Make it' }).click();
  const second = await gone();
  await p.getByRole('heading', { name: 'Welcome' }).waitFor();
  assert.equal(p.url(), second + '/'); // the token is out of it
  await p.getByLabel('Your name').fill('Dr. A. Larsen');
  await p.getByLabel('Passphrase', { exact: true }).fill(PASSPHRASE);
  await p.getByRole('button', { name: 'Next' }).click();
  await p.getByLabel('Address of the relay').fill(relay.address);
  await p.getByRole('button', { name: 'Create', exact: true }).click();
  await p.getByRole('button', { name: 'Go to my chats' }).click();

  await show();
  const row = (name: string) => dialog.getByRole('listitem').filter({ hasText: name });
  assert.match(await row('At work').innerText(), /This one/);
  assert.match(await row('Alice').innerText(), /Running/);
  await dialog.getByRole('button', { name: 'Switch to \u2068Alice\u2069' }).click();
  await p.waitForURL(u => u.origin === first);
  await p.getByRole('heading', { name: 'Chats' }).waitFor(); // she is not locked meanwhile
  assert.equal(p.url(), first + '/');
  alice.ok('lock');
  await p.getByRole('heading', { name: 'Locked' }).waitFor();
  await p.getByRole('button', { name: 'Other profiles' }).click();
  await dialog.getByRole('button', { name: /^Switch to/ }).click();
  assert.equal(await gone(), second);
  await p.getByRole('heading', { name: 'Chats' }).waitFor();
  await p.goBack(); // which needs no token in the address
  await p.getByRole('heading', { name: 'Locked' }).waitFor();

  spawnSync(whimbrel, ['--profile', join(folder, 'At work'), 'stop']); // and it is started when it is wanted
  await p.getByRole('button', { name: 'Other profiles' }).click();
  await dialog.getByText('Not running').waitFor();
  await dialog.getByRole('button', { name: /^Switch to/ }).click();
  assert.equal(await gone(), second); // the same port as before
  await p.getByRole('heading', { name: 'Locked' }).waitFor();
});
