// SPDX-License-Identifier: Apache-2.0
//
// Ways to the relay as people and programs use them: proxies are added, tried, passed on and removed, policies hold, and a conversation goes
// on over whichever way works. What a censor does, and what is on the wire, is in tests/net.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { Events } from '../../build/ts/rpc';
import { overSocket } from './engine';
import { Person, meet, passphrase, settled, skip, until, whimbrel } from './person';
import { Proxy } from './proxy';
import { Relay, temporary } from './relay';

interface Route { id: number; kind: string; place: string; state: string; used: number; allowed: boolean; kept: boolean; text: string }
const routes = (p: Person): Route[] => p.json<Route[]>('route');
const connected = (p: Person): boolean => p.json<{ connected: boolean }>('status').connected;
// A command that ends only when a proxy has answered, which is in this process.
function waiting(p: Person, ...words: string[]): Promise<{ status: number; stdout: string }> {
  const env = { ...process.env, WHIMBREL_PASSPHRASE: passphrase };
  return new Promise(done => {
    const child = execFile(whimbrel, ['--profile', p.profile, ...words], { env, timeout: 60000 },
      (_, stdout) => done({ status: child.exitCode ?? -1, stdout }));
  });
}

test('proxies are added, listed, tried, passed on and removed, and outlive the engine', { skip }, async t => {
  const relay = await Relay.start(t), proxy = await Proxy.start(t, { user: 'al', password: 'pass word' });
  const alice = new Person(t, temporary(t), 'alice', relay);
  const link = `socks5://al:pass%20word@${proxy.place}`;
  assert.equal(alice.ok('proxy', 'list'), 'There is no proxy. `whimbrel proxy add LINK` adds one.');
  assert.match((await waiting(alice, 'proxy', 'test', link)).stdout, /works, [\d.]+ m?s\n$/);
  assert.deepEqual(alice.json('proxy', 'add', link), [1]);
  assert.deepEqual(alice.json('proxy', 'add', link), [1]); // it is there already
  assert.equal(alice.ok('proxy', 'add', `http://al:pass%20word@${proxy.place}`), 'It is number 2.');
  assert.match((await waiting(alice, 'proxy', 'test')).stdout, /^direct: works.*\nsocks5 127.*: works.*\nhttp 127.*: works/);
  const wrong = await waiting(alice, 'proxy', 'test', `socks5://al:wrong@${proxy.place}`);
  assert.equal(wrong.status, 1);
  assert.match(wrong.stdout, /does not take the user and password/);
  assert.equal(alice.run('proxy', 'share', '1').status, 2); // with its password, or without?
  assert.equal(alice.ok('proxy', 'share', '1', '--with-password'), `socks5h://al:pass%20word@${proxy.place}`);
  assert.equal(alice.ok('proxy', 'share', '1', '--without-password', '--tg'), `tg://socks?server=127.0.0.1&port=${proxy.port}`);
  assert.equal(alice.run('proxy', 'share', '2', '--without-password', '--web').status, 1); // there are no such links to HTTP proxies
  alice.ok('proxy', 'remove', '2');
  assert.equal(alice.run('proxy', 'remove', '2').status, 4);
  alice.ok('stop');
  assert.deepEqual(routes(alice).map(r => [r.id, r.kind, r.place]), [[0, 'direct', ''], [1, 'socks5', proxy.place]]);
  const named = alice.run('proxy', 'add', 'proxy.example:1080');
  assert.equal(named.status, 1);
  assert.match(named.stderr, /give its numeric address, or allow the look-up/);
  assert.deepEqual(alice.json('proxy', 'add', 'proxy.example:1080', '--resolve'), [3]);
  assert.deepEqual(alice.json('proxy', 'add', '--for', 'relay.example', 'obfs4', '192.0.2.1:443', 'cert=AbC', 'iat-mode=0'), [4]);
  assert.equal(alice.ok('proxy', 'share', '4', '--with-password'), 'obfs4 192.0.2.1:443 cert=AbC iat-mode=0');
});

test('a policy holds: all goes through the proxy, and nothing goes anywhere without one', { skip }, async t => {
  const relay = await Relay.start(t), proxy = await Proxy.start(t), folder = temporary(t);
  const [alice, bob] = [new Person(t, folder, 'alice', relay), new Person(t, folder, 'bob', relay)];
  await meet(alice, bob);
  alice.ok('proxy', 'add', proxy.place);
  alice.ok('route', 'policy', 'proxy-only');
  await until(() => routes(alice)[1]!.used > 0, 20000);
  assert.equal(routes(alice)[0]!.used, 0); // the direct connection has ended
  alice.ok('send', 'bob', 'through the proxy');
  await settled(alice);
  await until(() => bob.texts('alice').includes('through the proxy'), 20000);
  assert.ok(proxy.asked.every(a => a.host === '127.0.0.1'));
  alice.ok('route', 'policy', 'tor-only');
  await until(() => !connected(alice), 20000);
  const before = proxy.connections;
  alice.ok('stop');
  alice.ok('start'); // it is stored
  alice.ok('send', 'bob', 'not yet');
  assert.deepEqual(routes(alice).map(r => [r.allowed, r.used]), [[false, 0], [false, 0]]);
  assert.equal(proxy.connections, before);
  alice.ok('proxy', 'add', '--tor', proxy.place); // the test's own is no Tor, and takes any login
  await until(() => bob.texts('alice').includes('not yet'), 20000);
  assert.match(proxy.asked.at(-1)!.user, /^[0-9a-f]{16}$/);
  alice.ok('proxy', 'remove', '2');
  await until(() => !connected(alice), 20000);
  alice.ok('route', 'policy', 'auto');
  await until(() => connected(alice), 20000);
});

test('a conversation goes on when its route falls silent, or is cut', { skip }, async t => {
  const relay = await Relay.start(t), proxies = [await Proxy.start(t), await Proxy.start(t)], folder = temporary(t);
  const [alice, bob] = [new Person(t, folder, 'alice', relay), new Person(t, folder, 'bob', relay)];
  await meet(alice, bob);
  alice.ok('route', 'policy', 'proxy-only');
  alice.ok('proxy', 'add', ...proxies.map(p => p.place));
  const said: string[] = [];
  for (let i = 0; i < 6; i++) {
    await until(() => connected(alice), 20000);
    const used = proxies[routes(alice).findIndex(r => r.used > 0) - 1]!;
    proxies.forEach(p => { if (p !== used) p.mood = 'fair'; });
    used.mood = i % 2 === 0 ? 1 : 'silent'; // from now on
    used.cut();
    alice.ok('send', 'bob', `message ${i}`);
    said.push(`message ${i}`);
    await until(() => bob.texts('alice').length === said.length, 20000);
  }
  assert.deepEqual(bob.texts('alice'), said);
});

test('ALL_PROXY is a proxy that nothing goes past', { skip }, async t => {
  const relay = await Relay.start(t), proxy = await Proxy.start(t);
  const alice = new Person(t, temporary(t), 'alice', relay);
  process.env['ALL_PROXY'] = `socks5h://${proxy.place}`;
  t.after(() => { delete process.env['ALL_PROXY']; });
  alice.ok('start');
  await until(() => connected(alice), 20000);
  assert.deepEqual(routes(alice).map(r => [r.kind, r.allowed, r.kept]), [['direct', false, true], ['socks5', true, false]]);
  assert.deepEqual(alice.json('proxy', 'add', '127.0.0.1:9'), [1]); // one of one's own beside it
  assert.equal(routes(alice).length, 3);
  alice.ok('proxy', 'remove', '1');
  alice.ok('route', 'policy', 'auto'); // is stored, and holds without ALL_PROXY
  assert.equal(routes(alice)[0]!.allowed, false);
  alice.ok('stop');
  process.env['ALL_PROXY'] = 'socks4://127.0.0.1:1';
  const r = alice.run('start');
  assert.notEqual(r.status, 0);
  delete process.env['ALL_PROXY'];
  alice.ok('start');
  await until(() => connected(alice), 20000);
  assert.deepEqual(routes(alice).map(r => r.kind), ['direct']);
});

test('programs find, try and watch routes, as the schema says', { skip }, async t => {
  const relay = await Relay.start(t), proxy = await Proxy.start(t);
  const alice = new Person(t, temporary(t), 'alice', relay), e = await overSocket(t, alice);
  const tried: Events['tried'][] = [], told: Events['route'][] = [];
  e.on('tried', x => tried.push(x));
  e.on('route', x => told.push(x));
  await e.call('events.follow');
  const found = await e.call('proxy.find', { text: `try ${proxy.place} \nor tg://socks?server=192.0.2.7&port=9, and\nobfs4 192.0.2.1:443 cert=x iat-mode=1\nsocks5://h:0` });
  assert.deepEqual(found.map(f => [f.kind, f.place, f.text === '']), [
    ['socks5', proxy.place, true], ['socks5', '192.0.2.7:9', true], ['transport', '192.0.2.1:443', true], ['socks5', 'socks5://h:0', false]]);
  const { route } = await e.call('proxy.add', { link: `http://${proxy.place}` });
  const { trial } = await e.call('proxy.test', { route });
  await until(() => tried.some(x => x.trial === trial && x.works), 20000);
  proxy.mood = 'mute';
  const mute = (await e.call('proxy.test', { link: proxy.place })).trial;
  await until(() => tried.some(x => x.trial === mute), 30000);
  assert.match(tried.find(x => x.trial === mute)!.text!, /nothing comes through/);
  // What is under way when the policy gets stricter ends, also with a proxy that is only tried.
  const cut = (await e.call('proxy.test', { link: proxy.place })).trial;
  await e.call('route.policy', { policy: 'tor-only' });
  await until(() => tried.some(x => x.trial === cut), 30000);
  assert.match(tried.find(x => x.trial === cut)!.text!, /the policy allows none/);
  await e.call('route.policy', { policy: 'auto' });
  assert.ok(told.some(x => x.route === route && x.state === 'works'));
  assert.deepEqual(await e.call('route.settings'), { policy: 'auto', isolation: 'relay' });
  await e.call('route.isolation', { isolation: 'profile' });
  await e.call('route.policy', { policy: 'proxy-only' });
  assert.deepEqual(await e.call('route.settings'), { policy: 'proxy-only', isolation: 'profile' });
  await assert.rejects(e.call('route.policy', { policy: 'none' }), { code: -32602 });
  await assert.rejects(e.call('proxy.remove', { route: 0 }), { code: 1 });
  assert.equal((await e.call('proxy.share', { route })).link, `http://${proxy.place}`);
  await e.call('proxy.remove', { route });
  assert.deepEqual((await e.call('route.list')).map(r => r.kind), ['direct']);
});

// Whoever must not be seen reaching the relay says so before there is a profile.
test('a profile that is made with a proxy and a policy sends its first packet there', { skip }, async t => {
  const relay = await Relay.start(t), proxy = await Proxy.start(t), profile = join(temporary(t), 'carol');
  const env = { ...process.env, WHIMBREL_PASSPHRASE: passphrase };
  const init = (...words: string[]): Promise<{ status: number; stderr: string }> => new Promise(done => {
    const child = execFile(whimbrel, ['--profile', profile, 'init', '--name', 'Carol', '--relay', relay.address, ...words], { env },
      (_, __, stderr) => done({ status: child.exitCode ?? -1, stderr }));
  });
  assert.match((await init('--policy', 'proxy-only')).stderr, /under the policy proxy-only a proxy must be given/);
  assert.match((await init('--policy', 'proxy-only', '--proxy', 'nonsense://x')).stderr, /--proxy nonsense:\/\/x: /);
  assert.match((await init('--policy', 'never')).stderr, /auto, proxy-only or tor-only/);
  assert.equal((await init('--policy', 'tor-only', '--proxy', proxy.place)).status, 1); // it is not said to be Tor
  const dave = new Person(t, temporary(t), 'dave', relay, '--policy', 'tor-only', '--tor', '--proxy', 'unix:/nowhere/tor.socket');
  assert.deepEqual(routes(dave).map(r => [r.kind, r.place, r.allowed]), [['direct', '', false], ['tor', '/nowhere/tor.socket', true]]);
  const carol = new Person(t, temporary(t), 'carol', relay, '--policy', 'proxy-only', '--proxy', proxy.place);
  carol.ok('start');
  await until(() => connected(carol), 20000);
  assert.deepEqual(routes(carol).map(r => [r.kind, r.allowed, r.used > 0]), [['direct', false, false], ['socks5', true, true]]);
  assert.ok(proxy.asked.length > 0);
});

// The day of the block: the address that everybody has leads nowhere any more, and what the relay has published before does.
test('what a relay has published ahead of time is used when its address is blocked, and survives the engine', { skip }, async t => {
  const relay = await Relay.start(t), proxy = await Proxy.start(t), folder = temporary(t);
  const port = (): number => Number(new URL(relay.address.replace('wss:', 'http:')).port);
  const second = createServer(socket => {
    const on = connect(port(), '127.0.0.1');
    for (const [from, to] of [[socket, on], [on, socket]] as const) from.on('error', () => to.destroy()).on('close', () => to.destroy()).pipe(to);
  });
  await new Promise<void>(done => second.listen(0, '127.0.0.1', done));
  t.after(() => second.close());
  const address = relay.address, other = `wss://127.0.0.1:${(second.address() as AddressInfo).port}`;
  const bridge = 'nobody 127.0.0.1:9 cert=x'; // a transport without a program
  const stranger = other + address.slice(address.indexOf('/', 6)).replace(/#.*/, '#' + 'A'.repeat(43)); // another relay's pin
  const [alice, bob] = [new Person(t, folder, 'alice', relay), new Person(t, folder, 'bob', relay)];
  await meet(alice, bob);
  relay.configure(`publish = ${stranger}`, `publish = ${other}`, `publish = socks5://${proxy.place}`, 'publish = http://name.example:3128', `publish = bridge ${bridge}`);
  relay.signal('SIGHUP');
  await until(() => relay.output.includes('reloaded'), 20000);
  for (const p of [alice, bob]) {
    p.ok('stop'); // a new connection asks
    p.ok('start');
    await until(() => routes(p).length === 3, 20000);
    assert.deepEqual(routes(p).map(r => [r.kind, r.kept, r.allowed]), [['direct', true, true], ['socks5', false, true], ['transport', false, true]]);
  }
  assert.match(alice.ok('proxy', 'list'), /\(from the relay\)/);
  assert.deepEqual(alice.json('proxy', 'add', '--for', '127.0.0.1', bridge), [1]); // it is one's own now, and stays when the relay's goes
  alice.ok('proxy', 'remove', '1');
  assert.equal(alice.run('proxy', 'remove', String(routes(alice)[1]!.id)).status, 1);
  alice.ok('route', 'policy', 'proxy-only'); // a relay does not choose what its guests hide behind
  assert.equal(routes(alice)[1]!.allowed, false);
  alice.ok('route', 'policy', 'auto');
  bob.ok('stop');
  await relay.move();
  alice.ok('send', 'bob', 'are you there?');
  bob.ok('start');
  await until(() => bob.texts('alice').includes('are you there?'), 60000);
  bob.ok('send', 'alice', 'by another way');
  await until(() => alice.texts('bob').includes('by another way'), 60000);
});

// A relay that is reached as an onion service sees nobody's address, and cannot ask for it either.
test('an onion service does not lead its guests out of Tor by what it publishes', { skip }, async t => {
  const relay = await Relay.start(t), tor = await Proxy.start(t), bait = await Proxy.start(t); // no Tor, and takes any login
  const seen = createServer(socket => { visits++; socket.destroy(); });
  let visits = 0;
  await new Promise<void>(done => seen.listen(0, '127.0.0.1', done));
  t.after(() => seen.close());
  const other = `127.0.0.1:${(seen.address() as AddressInfo).port}`;
  relay.configure(`publish = wss://${other}`, `publish = socks5://${bait.place}`);
  relay.signal('SIGHUP');
  await until(() => relay.output.includes('reloaded'), 20000);
  const onion = { address: relay.address.replace('127.0.0.1', `${'a'.repeat(56)}.onion`) } as Relay;
  const alice = new Person(t, temporary(t), 'alice', onion, '--tor', '--proxy', tor.place);
  alice.ok('start');
  await until(() => connected(alice), 20000);
  await settled(alice); // what it has published was asked for before all else
  alice.ok('stop');
  tor.mood = 4;
  const before = tor.connections;
  alice.ok('start');
  await until(() => tor.connections >= before + 3, 30000); // each attempt would try all that is published as well
  assert.deepEqual([visits, bait.connections], [0, 0]);
  assert.deepEqual(routes(alice).map(r => r.kind), ['direct', 'tor']);
});

test('with isolation by conversation, each has a circuit of its own', { skip }, async t => {
  const relay = await Relay.start(t), proxy = await Proxy.start(t), folder = temporary(t); // no Tor, and takes any login
  const people = ['alice', 'bob', 'carol'].map(name => new Person(t, folder, name, relay));
  const [alice, bob, carol] = people as [Person, Person, Person];
  alice.ok('proxy', 'add', '--tor', proxy.place);
  alice.ok('route', 'policy', 'tor-only');
  alice.ok('route', 'isolation', 'conversation');
  alice.ok('stop'); // it counts from the next start on
  await meet(alice, bob);
  await meet(alice, carol);
  await until(() => alice.chats().filter(c => c.members === 2 && c.kind === 'direct').length === 2, 30000);
  for (const who of ['bob', 'carol']) alice.ok('send', who, `to ${who}`);
  await until(() => bob.texts('alice').length === 1 && carol.texts('alice').length === 1, 30000);
  alice.ok('stop');
  proxy.asked.length = 0;
  alice.ok('start');
  for (const who of [bob, carol]) who.ok('send', 'alice', 'back');
  await until(() => ['bob', 'carol'].every(who => alice.texts(who).includes('back')), 30000);
  const logins = new Set(proxy.asked.map(a => a.user));
  assert.equal(logins.size, 3); // the inbox, and two conversations
  alice.ok('route', 'isolation', 'relay');
  alice.ok('stop');
  proxy.asked.length = 0;
  alice.ok('start');
  await until(() => connected(alice), 20000);
  assert.equal(new Set(proxy.asked.map(a => a.user)).size, 1);
});
