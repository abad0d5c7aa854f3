// SPDX-License-Identifier: Apache-2.0
//
// What leaves the client's cable under `proxy-only` and `tor-only`: a capture of every packet, while the engine does all that it does, and while
// proxies fail. Each packet is to or from the proxy, and the resolver is asked for nothing. The same capture under `auto` sees the direct way
// and the look-up, so it would see a leak.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../e2e/client';
import { Person, meet } from '../e2e/person';
import { Relay } from '../e2e/relay';
import { Capture, Packet } from './capture';
import { Host, network, skip } from './hosts';
import { Talk, startOn } from './talk';

const PROXY = '10.77.3.2';

function elsewhere(packets: Packet[]): string[] {
  return packets.filter(p => p.protocol !== 'tcp' || !((p.to === PROXY && p.toPort === 1080) || (p.from === PROXY && p.fromPort === 1080)))
    .map(p => `${p.protocol} ${p.from}:${p.fromPort} > ${p.to}:${p.toPort}`);
}

const connected = (p: Person): boolean => p.json<{ connected: boolean }>('status').connected;
const plug = (h: Host, state: string): void => { h.run(['ip', 'link', 'set', 'road', state]); };

test('under proxy-only every packet is to or from the proxy, and under tor-only there is none', { skip, timeout: 300000 }, async t => {
  const net = await network(t), asked: string[] = [];
  const dns = net.censor.spawn([process.execPath, join(__dirname, 'dns.js'), '10.77.1.1']);
  dns.stdout!.on('data', (d: Buffer) => asked.push(...d.toString().split('\n').filter(l => l.startsWith('asked'))));
  await once(dns.stdout!, 'data');
  dns.stdin!.write(`${net.name} 10.77.2.2\n`);
  const relay = await Relay.start(t, { host: net.name, prefix: net.relay.prefix });
  const proxy = net.proxies[0].spawn(['microsocks', '-p', '1080']);
  await net.proxies[0].listens(1080);
  const [alice, bob] = [new Person(t, net.folder, 'alice', relay), new Person(t, net.folder, 'bob', relay)];
  // The policy is set before there is a network.
  plug(net.client, 'down');
  startOn(net.client, alice);
  startOn(net.relay, bob);
  alice.ok('route', 'policy', 'proxy-only');
  alice.ok('proxy', 'add', `${PROXY}:1080`);
  alice.ok('proxy', 'add', '--resolve', `${net.name}:1080`); // which may be looked up, but not now
  alice.ok('stop');
  plug(net.client, 'up');
  net.client.run(['ip', 'route', 'replace', 'default', 'via', '10.77.1.1']);

  const capture = await Capture.of(net.client, net.censor, net.folder);
  startOn(net.client, alice);
  await meet(alice, bob);
  const talk = await Talk.between(t, alice, bob, net.folder);
  await talk.files(500000);
  await talk.back(Date.now());
  alice.run('proxy', 'test'); // all that are allowed
  alice.run('proxy', 'test', `${net.name}:1080`, '--resolve');
  proxy.kill('SIGKILL'); // fail closed
  await until('the engine to notice', () => !connected(alice));
  alice.run('proxy', 'test');
  await new Promise(done => setTimeout(done, 8000));
  assert.equal(connected(alice), false);
  net.proxies[0].spawn(['microsocks', '-p', '1080']);
  await talk.back(Date.now());
  const end = await talk.end();
  assert.deepEqual([end.lost, end.doubled], [0, 0]);
  const packets = await capture.packets();
  assert.ok(packets.length > 200);
  assert.deepEqual(elsewhere(packets), []);
  assert.deepEqual(asked, []);
  // The name of the relay went to the proxy, in the clear as SOCKS has it.
  assert.ok(packets.some(p => p.to === PROXY && p.bytes.includes(net.name)));
  console.log(`proxy-only: ${packets.length} packets, ${elsewhere(packets).length} of them not to or from the proxy; ` +
    `${end.messages} messages and ${end.files} files, ${end.lost} lost, ${end.doubled} doubled`);

  alice.ok('route', 'policy', 'tor-only');
  await until('the engine to obey', () => !connected(alice));
  await new Promise(done => setTimeout(done, 1500)); // the farewell of what was open
  const silence = await Capture.of(net.client, net.censor, net.folder);
  alice.ok('send', 'bob', 'to nobody');
  alice.run('proxy', 'test', '1');
  await new Promise(done => setTimeout(done, 6000));
  alice.ok('stop');
  startOn(net.client, alice);
  await new Promise(done => setTimeout(done, 3000));
  const none = await silence.packets();
  assert.deepEqual(none.map(p => p.to), []);
  console.log(`tor-only without Tor: ${none.length} packets`);

  const open = await Capture.of(net.client, net.censor, net.folder);
  alice.ok('proxy', 'remove', '1');
  alice.ok('route', 'policy', 'auto');
  await until('the direct way', () => connected(alice));
  const direct = elsewhere(await open.packets());
  assert.ok(direct.some(x => x.startsWith('udp') && x.endsWith(':53')), direct.join('\n'));
  assert.ok(direct.some(x => x.startsWith('tcp') && x.includes('> 10.77.2.2:')), direct.join('\n'));
  assert.ok(asked.length > 0);
});
