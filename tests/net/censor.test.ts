// SPDX-License-Identifier: Apache-2.0
//
// A censor does to one's way to the relay what censors do, one thing after the other, while two people write to each other and send files.
// Between any two of these it blocks the proxies instead, so that the next finds the direct way in use. Counted: nothing is lost, nothing comes
// twice; and each time it is said how long it took until both were heard again.
import assert from 'node:assert/strict';
import { ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { TestContext, test } from 'node:test';
import { until } from '../e2e/client';
import { Person, meet } from '../e2e/person';
import { Relay } from '../e2e/relay';
import { Net, network, skip } from './hosts';
import { Talk, startOn } from './talk';

const RELAY = '10.77.2.2', PROXIES = '{ 10.77.3.2, 10.77.4.2 }', BOX = 9000;
const here = __dirname;

// The censor: rules of its firewall, its resolver, and its box in the way.
class Censor {
  private constructor(private readonly net: Net, readonly port: number, private readonly dns: ChildProcess, private readonly box: ChildProcess) {}

  static async in(net: Net, port: number): Promise<Censor> {
    const key = join(net.folder, 'censor.key'), certificate = join(net.folder, 'censor.pem');
    const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '9',
      '-subj', '/CN=relay.test', '-keyout', key, '-out', certificate]);
    assert.equal(made.status, 0);
    const dns = net.censor.spawn([process.execPath, join(here, 'dns.js'), '10.77.1.1']);
    const box = net.censor.spawn([process.execPath, join(here, 'middle.js'), String(BOX), `${RELAY}:${port}`, certificate, key]);
    const c = new Censor(net, port, dns, box);
    await Promise.all([once(dns.stdout!, 'data'), once(box.stdout!, 'data')]);
    await c.name(RELAY);
    return c;
  }

  // Replaces what is forbidden, all at once.
  rules(forward: string[], redirect = false): void {
    const to = redirect ? `iifname "client" ip daddr ${RELAY} tcp dport ${this.port} dnat to 10.77.1.1:${BOX}` : 'counter';
    this.net.censor.run(['nft', '-f', '-'], `table ip censor {}\ndelete table ip censor\ntable ip censor {
      chain forward { type filter hook forward priority 0; policy accept; ${forward.map(x => x + ';').join(' ')} }
      chain before { type nat hook prerouting priority -100; policy accept; ${to}; }\n}\n`);
  }

  async name(address: string): Promise<void> {
    this.dns.stdin!.write(`relay.test ${address}\n`);
    await once(this.dns.stdout!, 'data');
  }

  async inTheWay(mode: string): Promise<void> {
    this.box.stdin!.write(mode + '\n');
    await once(this.box.stdout!, 'data');
  }

  async nothing(): Promise<void> {
    this.rules([]);
    await this.name(RELAY);
  }
}

// For what passes between the client and somebody; the proxies' own way to the relay is free.
const both = (what: string, who = RELAY): string[] => [`oifname "client" ip saddr ${who} ${what}`, `iifname "client" ip daddr ${who} ${what}`];
const cut = both('ip protocol tcp reject with tcp reset');

interface Fault { name: string; begin: (c: Censor) => Promise<void> | void }
const faults: Fault[] = [
  { name: 'its address is dropped', begin: c => c.rules(both('drop')) },
  { name: 'its address is rejected (ICMP)', begin: c => c.rules(both('reject with icmp type admin-prohibited')) },
  { name: 'its connections are reset', begin: c => c.rules(cut) },
  { name: 'its port is dropped', begin: c => c.rules([`iifname "client" ip daddr ${RELAY} tcp dport ${c.port} drop`]) },
  { name: 'throttled to 1 kB/s', begin: c => c.rules(both('limit rate over 1 kbytes/second burst 2 kbytes drop')) },
  { name: 'reset, and its name leads nowhere', begin: async c => { await c.name('10.77.9.9'); c.rules([...cut, 'ip daddr 10.77.9.9 drop']); } },
  { name: 'reset, and a page with another certificate', begin: async c => { await c.inTheWay('page'); c.rules(cut, true); } },
  { name: 'reset, and again by its name in TLS', begin: async c => { await c.inTheWay('name relay.test'); c.rules(cut, true); } },
  ...[4000, 1000, 10].map(n => (
    { name: `reset, and silence after ${n} bytes`, begin: async (c: Censor) => { await c.inTheWay(`hole ${n}`); c.rules(cut, true); } })),
];

async function scene(t: TestContext): Promise<{ net: Net; censor: Censor; talk: Talk }> {
  const net = await network(t);
  const relay = await Relay.start(t, { host: net.name, prefix: net.relay.prefix });
  const censor = await Censor.in(net, Number(new URL(relay.address.replace('wss:', 'https:')).port));
  for (const p of net.proxies) {
    p.spawn(['microsocks', '-p', '1080']);
    await p.listens(1080);
  }
  const [alice, bob] = [new Person(t, net.folder, 'alice', relay), new Person(t, net.folder, 'bob', relay)];
  startOn(net.client, alice);
  startOn(net.relay, bob);
  await meet(alice, bob);
  alice.ok('proxy', 'add', '10.77.3.2:1080', '10.77.4.2:1080');
  return { net, censor, talk: await Talk.between(t, alice, bob, net.folder) };
}

async function used(talk: Talk, direct: boolean): Promise<void> {
  await until(`${direct ? 'the direct way' : 'a proxy'} to be used`,
    async () => (await talk.alice.call('route.list')).some(r => r.used > 0 && (r.id === 0) === direct), 60000);
}

test('whatever the censor does, the conversation goes on, and nothing is lost', { skip, timeout: 900000 }, async t => {
  const { censor, talk } = await scene(t);
  await censor.nothing();
  await talk.back(Date.now());
  for (const [i, fault] of faults.entries()) {
    await used(talk, true);
    await talk.files(300000);
    const begin = Date.now();
    await fault.begin(censor);
    console.log(`${fault.name}: ${await talk.back(begin)} ms`);
    await used(talk, false);
    // Now the proxies, and the direct way is free again.
    await censor.name(RELAY);
    await talk.back(Date.now());
    const next = Date.now(), drop = i % 2 === 0;
    censor.rules(both(drop ? 'drop' : 'ip protocol tcp reject with tcp reset', PROXIES));
    console.log(`the proxies are ${drop ? 'dropped' : 'reset'}: ${await talk.back(next)} ms`);
  }
  await censor.nothing();
  const end = await talk.end();
  console.log(`${end.messages} messages and ${end.files} files: ${end.lost} lost, ${end.doubled} doubled`);
  assert.deepEqual([end.lost, end.doubled], [0, 0]);
});
