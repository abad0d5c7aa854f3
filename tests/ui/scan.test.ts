// SPDX-License-Identifier: Apache-2.0
//
// Codes read out of pictures and by the camera, in a Chromium that has no detector of its own: an invitation is shown in one browser and read in
// another, straight and askew; a picture that holds none is said to hold none.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { qr } from '../../web/src/text/qr';
import { Relay } from '../e2e/relay';
import { CAMERA, Person, closeChrome, skip } from './person';
import { png } from './png';

after(closeChrome);

async function accepting(p: Person): Promise<void> {
  await p.page.evaluate(() => { location.hash = '#/accept'; });
  await p.page.getByRole('button', { name: 'Scan a code' }).click();
}

test('an invitation is read out of a picture of it', { skip }, async t => {
  const relay = await Relay.start(t), alice = new Person(t, 'Alice'), bob = new Person(t, 'Bob').make(relay.address);
  const link = await alice.start(relay.address), code = alice.page.locator('.qr');
  await bob.open();
  await bob.unlock();
  await bob.page.getByRole('heading', { name: 'Chats' }).waitFor();
  await accepting(bob);
  await bob.page.getByText('The camera cannot be used').waitFor(); // nobody has allowed it
  const field = bob.page.getByLabel('Invitation link'), input = bob.page.locator('.scanner input[type=file]');
  await input.setInputFiles({ name: 'sea.png', mimeType: 'image/png', buffer: png(200, 200) });
  await bob.page.getByText('There is no code in this picture').waitFor();
  await input.setInputFiles({ name: 'broken.png', mimeType: 'image/png', buffer: Buffer.from('no picture') });
  await input.setInputFiles({ name: 'code.png', mimeType: 'image/png', buffer: await code.screenshot() });
  await bob.page.waitForFunction(l => document.querySelector('textarea')?.value === l, link);

  assert.ok(await bob.page.evaluate(() => performance.getEntriesByType('resource').some(e => e.name.includes('/decode-'))), 'by our library, not by the browser');

  await field.fill('');
  await bob.page.getByRole('button', { name: 'Scan a code' }).click();
  await alice.page.evaluate(() => { (document.querySelector('.qr') as SVGElement).style.transform = 'rotate(11deg) skewX(6deg) scale(.8)'; });
  const askew = (await alice.page.screenshot()).toString('base64');
  await bob.page.evaluate(async picture => {
    const bytes = Uint8Array.from(atob(picture), c => c.charCodeAt(0));
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': new Blob([bytes], { type: 'image/png' }) })]);
  }, askew);
  await bob.page.keyboard.press('Control+V');
  await bob.page.waitForFunction(l => document.querySelector('textarea')?.value === l, link);
  await bob.page.getByRole('button', { name: 'Accept' }).click();
  await bob.page.getByRole('heading', { name: 'Alice' }).waitFor();
});

// One frame of 640 by 480, in YUV 4:2:0, which Chromium plays for ever as its camera.
function film(text: string): Buffer {
  const code = qr(text)!, side = Math.floor(440 / code.length), left = 90, top = 20, y = Buffer.alloc(640 * 480, 200);
  code.forEach((row, r) => row.forEach((dark, c) => {
    for (let i = 0; dark && i < side * side; i++) y[(top + r * side + Math.floor(i / side)) * 640 + left + c * side + i % side] = 40;
  }));
  const frame = Buffer.concat([Buffer.from('FRAME\n'), y, Buffer.alloc(640 * 480 / 2, 128)]);
  return Buffer.concat([Buffer.from('YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420jpeg\n'), frame, frame]);
}

test('and by the camera', { skip }, async t => {
  const relay = await Relay.start(t), alice = new Person(t, 'Alice').make(relay.address), bob = new Person(t, 'Bob').make(relay.address), link = alice.invite();
  writeFileSync(CAMERA, film(link));
  await bob.open();
  await bob.unlock();
  await bob.page.context().grantPermissions(['camera']);
  await bob.page.getByRole('heading', { name: 'Chats' }).waitFor();
  await accepting(bob);
  await bob.page.waitForFunction(l => document.querySelector('textarea')?.value === l, link);
  await bob.page.locator('.scanner').waitFor({ state: 'detached' }); // and the camera is off
});
