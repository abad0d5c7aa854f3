// SPDX-License-Identifier: Apache-2.0
//
// Somebody's disk is full while people talk: what they say is refused in words and leaves no trace, what was queued before and what comes from
// others waits, and all of it goes on by itself when there is room. No message is encrypted twice on the way.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { TestContext, test } from 'node:test';
import { until } from '../e2e/client';
import { skip } from '../e2e/person';
import { Relay, asRoot, temporary } from '../e2e/relay';
import { Front } from './front';
import { Refused, Talker, meet, quiet } from './talker';

// A disk of so many megabytes; undefined where none can be made.
function smallDisk(t: TestContext, megabytes: number): string | undefined {
  const disk = temporary(undefined);
  const mounted = asRoot && spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', disk]).status === 0;
  t.after(() => {
    if (mounted) execFileSync('umount', ['-l', disk]);
    rmSync(disk, { recursive: true });
  });
  return mounted ? disk : undefined;
}

const full = /cannot be written: is the disk full\? .*[Mm]ake space/;

test('a full disk under a profile', { skip }, async t => {
  const disk = smallDisk(t, 12);
  if (disk === undefined) return t.skip('only root can mount a small disk');
  const relay = await Relay.start(t), front = await Front.start(t, relay);
  const alice = new Talker(t, temporary(t), 'alice', front.address), bob = new Talker(t, disk, 'bob', front.address);
  for (const p of [alice, bob]) await p.start();
  await meet(alice, bob);
  const [a, b] = [await alice.chat({ contact: 'bob' }), await bob.chat({ contact: 'alice' })];
  const ballast = join(disk, 'ballast'), said: string[] = [];
  for (let round = 0; round < 3; round++) {
    await relay.kill();
    await bob.say(b, `before ${round}`); // queued, and not encrypted yet
    spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4096'], { stdio: 'ignore' }); // until nothing is left
    let refused: unknown;
    for (let i = 0; refused === undefined; i++) { // the vault has some room of its own
      assert.ok(i < 2000, 'a full disk took everything');
      await bob.say(b, `into what is left ${round}.${i} ${'x'.repeat(2000)}`).then(() => undefined, (e: unknown) => (refused = e));
    }
    assert.ok(refused instanceof Refused && refused.code === 3);
    assert.match(refused.message, full);
    const queued = (await bob.read(b)).filter(m => m.state === 'queued').map(m => m.text);
    said.push(...queued);
    await relay.run();
    for (const p of [alice, bob]) await p.call('engine.wake');
    for (let i = 0; i < 30; i++) {
      said.push(`while it was full ${round}.${i} ${'y'.repeat(3000)}`);
      await alice.say(a, said[said.length - 1]!);
    }
    await quiet(alice);
    await until('Bob to be told', () => bob.warnings().filter(w => full.test(w)).length > round);
    await assert.rejects(bob.say(b, 'still nothing'), full);
    assert.equal((await bob.chats()).length, 1, 'what is there can be read');
    rmSync(ballast);
    await until('everything to come', async () => (await bob.read(b)).length === said.length && (await alice.read(a)).length === said.length);
    await quiet(alice, bob);
    await bob.call('warning.seen', { warning: 0 });
  }
  const [one, other] = [await alice.read(a), await bob.read(b)].map(h => h.sort((x, y) => x.seq - y.seq));
  assert.deepEqual(one!.map(m => [m.seq, m.text]), other!.map(m => [m.seq, m.text]));
  assert.deepEqual(one!.map(m => m.text).sort(), [...said].sort());
  assert.ok(other!.every(m => !['queued', 'failed'].includes(m.state)));
  assert.deepEqual(alice.warnings(), []);
  assert.deepEqual(bob.warnings().filter(w => !full.test(w)), []);
  await bob.stop();
  const different = [...new Map(front.sent.map(x => [x.toString('hex'), x])).values()];
  const senders = bob.senders(different).filter(s => s !== '-');
  assert.equal(new Set(senders).size, senders.length, 'no key and nonce for two things');
  assert.ok(senders.length >= said.length);
});
