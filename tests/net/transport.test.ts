// SPDX-License-Identifier: Apache-2.0
//
// A pluggable transport between people and their relay: obfs4proxy on both ends, where the censor lets nothing else pass. Its client program is
// the engine's: launched when it is wanted, launched again when it dies, and gone with the engine. A bridge that never answers is told from
// one that does.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { TestContext, test } from 'node:test';
import { until } from '../e2e/client';
import { Person, meet } from '../e2e/person';
import { Relay, have } from '../e2e/relay';
import { Capture } from './capture';
import { Host, Net, network, skip as noNet } from './hosts';
import { Talk, startOn } from './talk';

const BRIDGE = 9443, skip = noNet !== false ? noNet : have('obfs4proxy') ? false : 'obfs4proxy is missing; tools/build/deps net installs it';

// The bridge's line, as whoever runs it hands it out.
async function bridge(net: Net, port: number): Promise<string> {
  const child = net.relay.spawn(['obfs4proxy'], {
    TOR_PT_MANAGED_TRANSPORT_VER: '1', TOR_PT_STATE_LOCATION: join(net.folder, 'bridge'), TOR_PT_SERVER_TRANSPORTS: 'obfs4',
    TOR_PT_SERVER_BINDADDR: `obfs4-10.77.2.2:${BRIDGE}`, TOR_PT_ORPORT: `127.0.0.1:${port}`, TOR_PT_EXIT_ON_STDIN_CLOSE: '1',
  });
  let said = '';
  child.stdout!.on('data', (d: Buffer) => (said += d.toString()));
  await until('the bridge', () => said.includes('SMETHODS DONE'), 20000);
  const m = /SMETHOD obfs4 (\S+) ARGS:(\S+)/.exec(said)!;
  return `obfs4 ${m[1]} ${m[2]!.replaceAll(',', ' ')}`;
}

// The processes of a name on a host.
function running(h: Host, name: string): number[] {
  const space = readLink(h.pid);
  return readdirSync('/proc').filter(x => /^\d+$/.test(x)).map(Number).filter(pid => {
    try { return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === name && readLink(pid) === space; } catch { return false; }
  });
}

const readLink = (pid: number): string => readlinkSync(`/proc/${pid}/ns/net`);

async function scene(t: TestContext): Promise<{ net: Net; alice: Person; bob: Person; line: string }> {
  const net = await network(t);
  const relay = await Relay.start(t, { host: net.name, prefix: net.relay.prefix });
  const line = await bridge(net, Number(new URL(relay.address.replace('wss:', 'https:')).port));
  net.censor.run(['nft', '-f', '-'], `table ip censor { chain forward { type filter hook forward priority 0; policy drop;
    tcp dport ${BRIDGE} accept; tcp sport ${BRIDGE} accept;
  }\n}\n`);
  const [alice, bob] = [new Person(t, net.folder, 'alice', relay), new Person(t, net.folder, 'bob', relay)];
  startOn(net.client, alice);
  startOn(net.relay, bob);
  alice.ok('route', 'policy', 'proxy-only');
  return { net, alice, bob, line };
}

test('people talk through obfs4 where nothing else passes', { skip, timeout: 300000 }, async t => {
  const { net, alice, bob, line } = await scene(t);
  await new Promise(done => setTimeout(done, 500)); // what was on its way before the policy
  const capture = await Capture.of(net.client, net.censor, net.folder);
  assert.deepEqual(alice.json('proxy', 'add', line), [1]);
  await meet(alice, bob);
  assert.equal(running(net.client, 'obfs4proxy').length, 1);
  const talk = await Talk.between(t, alice, bob, net.folder);
  await talk.files(300000);
  await talk.back(Date.now());
  const died = Date.now();
  running(net.client, 'obfs4proxy').forEach(pid => process.kill(pid, 'SIGKILL'));
  console.log(`the transport's program is killed: ${await talk.back(died)} ms`);
  const end = await talk.end();
  assert.deepEqual([end.lost, end.doubled], [0, 0]);
  alice.ok('proxy', 'remove', '1');
  await until('the program to end with its route', () => running(net.client, 'obfs4proxy').length === 0, 10000);
  alice.ok('proxy', 'add', line);
  await until('it to be there again', () => running(net.client, 'obfs4proxy').length === 1, 20000);
  const packets = await capture.packets();
  const elsewhere = packets.filter(p => p.toPort !== BRIDGE && p.fromPort !== BRIDGE);
  assert.deepEqual(elsewhere.map(p => `${p.protocol} ${p.to}:${p.toPort}`), []);
  console.log(`through obfs4: ${packets.length} packets, ${elsewhere.length} of them not to or from the bridge; ${end.messages} messages and ` +
    `${end.files} files, ${end.lost} lost, ${end.doubled} doubled`);
  alice.ok('stop');
  await until('the program to end with the engine', () => running(net.client, 'obfs4proxy').length === 0, 10000);
  startOn(net.client, alice);
  await until('it to be there again', () => running(net.client, 'obfs4proxy').length === 1, 20000);
  alice.kill(); // the engine dies without a word
  await until('the program to end with it', () => running(net.client, 'obfs4proxy').length === 0, 10000);
});

test('a bridge that never answers, a program that is not there, and one that would go past the proxy', { skip, timeout: 300000 }, async t => {
  const { alice, line } = await scene(t);
  const wrong = alice.run('proxy', 'test', line.replace(/cert=\S{8}/, 'cert=AAAAAAAA'));
  assert.equal(wrong.status, 1);
  assert.match(wrong.stdout, /the bridge does not answer|does not get through to the bridge/);
  assert.equal(alice.run('proxy', 'test', line).status, 0);
  const none = alice.run('proxy', 'test', 'scramble 192.0.2.1:443 a=b');
  assert.match(none.stderr, /the policy does not allow/); // nobody knows whom that one talks to
  alice.ok('route', 'policy', 'auto');
  assert.match(alice.run('proxy', 'test', 'scramble 192.0.2.1:443 a=b').stdout, /is not installed/);
  // Snowflake's program runs, grants everything at once, and finds nobody here.
  assert.match(alice.run('proxy', 'test', 'snowflake 192.0.2.3:80 url=https://broker.test/ ice=stun:stun.test:3478').stdout, /nothing comes through/);
  alice.ok('route', 'policy', 'proxy-only');
  assert.match(alice.run('proxy', 'test', 'snowflake 192.0.2.3:80 url=https://broker.test/ ice=stun:stun.test:3478').stderr, /the policy does not allow/);
});
