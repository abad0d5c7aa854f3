// SPDX-License-Identifier: Apache-2.0
//
// Which relays one has to do with, as the page shows them: one's own and somebody else's, by which way each is reached, what it tells of itself, and
// what becomes of it when one stops.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Proxy } from '../e2e/proxy';
import { Relay } from '../e2e/relay';
import { Person, closeChrome, skip } from './person';

after(closeChrome);

test('relays, one’s own and another', { skip }, async t => {
  const own = await Relay.start(t, { config: ['publish = wss://other.invalid:8443', 'retention = 7d'] }), far = await Relay.start(t), proxy = await Proxy.start(t);
  const alice = new Person(t, 'Alice'), bob = new Person(t, 'Bob').make(far.address), carol = new Person(t, 'Carol').make(own.address);
  await alice.begin(own.address);
  await alice.accept(bob.invite());
  bob.ok('start');
  await alice.page.locator('.composer textarea').waitFor();
  carol.take(alice.invite());
  await alice.page.locator('.chat-row', { hasText: 'Carol' }).waitFor();
  await alice.page.getByRole('button', { name: 'Settings' }).click();
  await alice.page.getByRole('button', { name: /^Relays/ }).click();
  const place = (r: Relay): string => /^wss:\/\/([^/]+)/.exec(r.address)![1]!;
  const mine = alice.page.getByRole('region', { name: place(own) }), theirs = alice.page.getByRole('region', { name: place(far) });
  await mine.getByText('Connected', { exact: true }).waitFor();
  await theirs.getByText('Connected', { exact: true }).waitFor();
  assert.match(await mine.innerText(), /yours\n[^]*Chats\n+\d[^]*People\n+1[^]*Keeps for\n+7 days[^]*Open to\n+everybody[^]*Also at\n+other.invalid:8443/);
  assert.match(await theirs.innerText(), /People\n+1/);
  assert.doesNotMatch(await theirs.innerText(), /yours|Also at/);
  for (const r of [own, far]) { // neither its secret nor its key is anywhere in the page
    const [, secret, pin] = /^wss:\/\/[^/]+\/([^#]+)#(.+)$/.exec(r.address)!, page = await alice.page.content();
    assert.ok(!page.includes(secret!) && !page.includes(pin!));
  }

  const listed = alice.json<{ place: string; own: boolean; others: string[] }[]>('relay'); // and so says the command
  assert.deepEqual(listed.map(r => [r.place, r.own, r.others]), [[place(own), true, ['other.invalid:8443']], [place(far), false, []]]);
  assert.match(alice.ok('relay'), new RegExp(`^${place(own)} {2}yours\n {2}connected, .*1 contact\n.*7 days; files up to 105 MB; .*\n {2}also at other.invalid:8443\n${place(far)}\n`));

  await far.kill();
  await theirs.getByText('Not connected').waitFor();
  await far.run();
  alice.rpc('engine.wake', {});
  await theirs.getByText('Connected', { exact: true }).waitFor();
  alice.ok('proxy', 'add', `socks5://${proxy.place}`);
  alice.ok('route', 'policy', 'proxy-only'); // what is not allowed ends at once, and goes on by what is
  await mine.getByText(`Connected by \u2068${proxy.place}`).waitFor();
});
