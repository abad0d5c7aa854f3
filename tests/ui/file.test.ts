// SPDX-License-Identifier: Apache-2.0
//
// Files between two browsers: a picture, bytes that are saved again, a spoken message; chosen, dropped and pasted; and files that would like to be
// something else.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { Relay } from '../e2e/relay';
import { Person, closeChrome, meet, skip } from './person';
import { png } from './png';

after(closeChrome);

async function choose(p: Person, ...files: { name: string; mimeType: string; buffer: Buffer }[]): Promise<void> {
  await p.page.locator('.composer input[type=file]').setInputFiles(files);
  await p.page.getByRole('dialog').getByRole('button', { name: 'Send' }).click();
}

test('pictures, files and a spoken message', { skip }, async t => {
  const relay = await Relay.start(t), alice = new Person(t, 'Alice'), bob = new Person(t, 'Bob');
  await meet(alice, bob, relay.address);
  await alice.chat('Bob');

  await choose(alice, { name: 'harbour.png', mimeType: 'image/png', buffer: png(640, 400) });
  const picture = bob.page.getByRole('img', { name: 'harbour.png' });
  await picture.waitFor();
  await bob.page.waitForFunction(() => [...document.querySelectorAll<HTMLImageElement>('.picture img')].some(i => i.naturalWidth === 640));
  await bob.page.getByRole('button', { name: /Open/ }).click();
  await bob.page.getByRole('dialog').getByRole('img').waitFor();
  await bob.page.keyboard.press('Escape');

  const bytes = randomBytes(300_000);
  await choose(alice, { name: 'log.bin', mimeType: 'application/octet-stream', buffer: bytes });
  await bob.page.locator('.file', { hasText: 'log.bin' }).waitFor();
  const saving = bob.page.waitForEvent('download');
  await bob.page.getByRole('button', { name: /Fetch .*log|Save .*log/ }).click();
  const save = bob.page.getByRole('button', { name: /Save .*log/ });
  await save.waitFor();
  await save.click();
  assert.deepEqual(readFileSync(await (await saving).path()), bytes);

  await alice.page.getByRole('button', { name: 'Record a voice message' }).click();
  await alice.page.getByRole('timer').getByText('0:01').waitFor();
  await alice.page.getByRole('button', { name: 'Send', exact: true }).click();
  await bob.page.locator('.voice').waitFor();
  assert.equal(await bob.page.locator('.voice .bars span').count(), 64);
  await bob.page.getByRole('button', { name: 'Play', exact: true }).click();
  await bob.page.getByRole('button', { name: 'Pause', exact: true }).waitFor();
});

test('files that would like to be something else', { skip }, async t => {
  const relay = await Relay.start(t), alice = new Person(t, 'Alice'), mallory = new Person(t, 'Mallory');
  await meet(alice, mallory, relay.address);
  await alice.chat('Mallory');
  const script = '<script>alert(1)</script>';
  const files: [string, string, string | Buffer][] = [
    ['drawing.svg', 'image/svg+xml', `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(2)">${script}</svg>`],
    ['page.html', 'text/html', script],
    ['broken.png', 'image/png', 'no picture at all'],
    ['both.gif', 'image/gif', `GIF89a/*${script}*/=1;alert(3)`],
    ['\u202egnp.exe<img src=x onerror=alert(4)>', 'application/x-msdownload', 'MZ'],
    ['a'.repeat(180) + '.txt', 'text/plain', 'long'],
  ];
  for (const [name, mimeType, content] of files) await choose(mallory, { name, mimeType, buffer: Buffer.from(content) });
  for (const shown of ['drawing.svg', 'page.html', 'broken.png', 'onerror', 'aaaaaaaaaa']) await alice.page.locator('.file', { hasText: shown }).waitFor();
  await alice.page.locator('.message', { has: alice.page.locator('.picture, .file-name', { hasText: /^$|both/ }) }).first().waitFor(); // a picture, if a browser sees one in it
  assert.equal(await alice.page.locator('.scroller :is(script, iframe, object, embed, svg:not(.icon))').count(), 0);
  assert.doesNotMatch(await alice.page.locator('.scroller').innerText(), /\u202e/);
  assert.ok(await alice.page.evaluate(() => [...document.querySelectorAll('.scroller')].every(s => s.scrollWidth <= s.clientWidth)));
});

// Ten minutes and more of a tone, a byte a sample.
function tone(seconds: number): Buffer {
  const rate = 8000, n = rate * seconds, head = Buffer.alloc(44);
  head.write('RIFF');
  head.writeUInt32LE(36 + n, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write('data', 36);
  head.writeUInt32LE(n, 40);
  return Buffer.concat([head, Buffer.from(Uint8Array.from({ length: n }, (_, i) => 128 + 100 * Math.sin(i / 6)))]);
}

test('a long sound plays while it is read, from any place, until the profile is locked', { skip }, async t => {
  const relay = await Relay.start(t), alice = new Person(t, 'Alice'), bob = new Person(t, 'Bob'), parts: string[] = [];
  await meet(alice, bob, relay.address);
  await alice.chat('Bob');
  await choose(alice, { name: 'tone.wav', mimeType: 'audio/wav', buffer: tone(900) });
  await bob.page.locator('.file', { hasText: 'tone.wav' }).waitFor();
  const fetchIt = bob.page.getByRole('button', { name: /Fetch .*tone/ });
  if (await fetchIt.isVisible()) await fetchIt.click();
  bob.page.on('response', r => { if (r.url().includes('/play/')) parts.push(`${r.status()} ${r.headers()['content-range'] ?? ''}`); });
  await bob.page.getByRole('button', { name: 'Play', exact: true }).click();
  const player = bob.page.locator('audio.player');
  await bob.page.waitForFunction(() => document.querySelector<HTMLAudioElement>('audio.player')!.currentTime > 0.3);
  assert.equal(await player.evaluate((a: HTMLAudioElement) => Math.round(a.duration)), 900);
  await player.evaluate((a: HTMLAudioElement) => { a.currentTime = 850; });
  await bob.page.waitForFunction(() => document.querySelector<HTMLAudioElement>('audio.player')!.currentTime > 850.3);
  assert.ok(parts.some(x => Number(/^206 bytes (\d+)-/.exec(x)?.[1]) > 5_000_000), `the end was not asked for by itself: ${parts.join(', ')}`);
  const address = await player.evaluate((a: HTMLAudioElement) => a.src);
  assert.equal(await bob.page.evaluate(a => fetch(a).then(r => r.status), address), 403); // no script gets it so
  bob.wrong.length = 0; // what the browser says of that
  await bob.page.evaluate(() => { location.hash = '#/settings'; });
  await bob.page.getByRole('button', { name: 'Lock', exact: true }).click();
  await bob.page.getByRole('heading', { name: 'Locked' }).waitFor();
  await bob.unlock();
  await bob.page.getByRole('heading', { name: 'Settings' }).waitFor();
  await bob.chat('Alice');
  await bob.page.locator('.file', { hasText: 'tone.wav' }).waitFor();
  assert.equal(await player.count(), 0); // and that the address is void is tried in e2e-page
});
