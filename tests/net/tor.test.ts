// SPDX-License-Identifier: Apache-2.0
//
// Tor, in a network of its own on one host: authorities that are relays and exits as well, a client beside Alice's engine, and an onion service
// in front of the relay. People talk under tor-only, by the relay's name and by its .onion, and Tor's control port shows which streams
// share a circuit.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { TestContext, test } from 'node:test';
import { until } from '../e2e/client';
import { Person, meet } from '../e2e/person';
import { Relay, have } from '../e2e/relay';
import { Net, network, skip as noNet } from './hosts';
import { Talk, startOn } from './talk';

const skip = noNet !== false ? noNet : have('tor') && have('tor-gencert') ? false : 'tor is missing; tools/build/deps net installs it';
const AT = '10.77.4.2', COUNT = 4;

const common = (folder: string, authorities: string[]): string => `TestingTorNetwork 1\nDataDirectory ${folder}\nRunAsDaemon 0\nLog notice file ${folder}/log\n` +
  authorities.map(a => `DirAuthority ${a}\n`).join('');

// The keys of an authority, and the line by which others know it.
function authority(folder: string, i: number): string {
  mkdirSync(join(folder, 'keys'), { recursive: true, mode: 0o700 });
  const made = spawnSync('tor-gencert', ['--create-identity-key', '-m', '12', '-a', `${AT}:${7100 + i}`, '--passphrase-fd', '0'],
    { cwd: join(folder, 'keys'), input: 'x\n', encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  const ident = /fingerprint (\S+)/.exec(readFileSync(join(folder, 'keys/authority_certificate'), 'utf8'))![1]!;
  const empty = join(folder, 'empty');
  writeFileSync(empty, '');
  const listed = spawnSync('tor', ['--list-fingerprint', '-f', empty, '--defaults-torrc', empty, '--DataDirectory', folder, '--ORPort', '1',
    '--Nickname', `a${i}`, '--DirAuthority', `x 127.0.0.1:1 ${'F'.repeat(40)}`, '--quiet'], { encoding: 'utf8' });
  const print = /a\d+ ([0-9A-F ]{40,})/.exec(listed.stdout)?.[1]?.replaceAll(' ', '').trim();
  assert.ok(print !== undefined, listed.stdout + listed.stderr);
  return `a${i} orport=${5100 + i} v3ident=${ident} ${AT}:${7100 + i} ${print}`;
}

async function tor(net: Net, port: number): Promise<string> {
  const at = (name: string): string => join(net.folder, name), host = net.proxies[1], folders = [...Array(COUNT).keys()].map(i => at(`tor-${i}`));
  writeFileSync(at('empty'), '');
  const dns = host.spawn([process.execPath, join(__dirname, 'dns.js'), '127.0.0.1']); // which the exits ask
  await once(dns.stdout!, 'data');
  dns.stdin!.write(`${net.name} 10.77.2.2\n`);
  const lines = folders.map(authority);
  folders.forEach((folder, i) => {
    writeFileSync(join(folder, 'torrc'), common(folder, lines) + `Nickname a${i}\nAddress ${AT}\nORPort ${5100 + i} IPv4Only\nDirPort ${7100 + i}\nSocksPort 0\n` +
      'AuthoritativeDirectory 1\nV3AuthoritativeDirectory 1\nContactInfo x@test\nAssumeReachable 1\nExitRelay 1\nExitPolicyRejectPrivate 0\nExitPolicy accept *:*\n' +
      'ServerDNSResolvConfFile /etc/resolv.conf\nServerDNSDetectHijacking 0\nServerDNSTestAddresses\nServerDNSAllowBrokenConfig 1\n' +
      'TestingDirAuthVoteExit *\nTestingDirAuthVoteHSDir *\nTestingDirAuthVoteGuard *\nTestingMinExitFlagThreshold 0\n' +
      'TestingV3AuthInitialVotingInterval 10\nTestingV3AuthInitialVoteDelay 3\nTestingV3AuthInitialDistDelay 3\n' +
      'V3AuthVotingInterval 20\nV3AuthVoteDelay 4\nV3AuthDistDelay 4\n');
    host.spawn(['tor', '-f', join(folder, 'torrc'), '--defaults-torrc', at('empty')]);
  });
  mkdirSync(at('tor-client'), { mode: 0o700 });
  writeFileSync(at('tor-client/torrc'), common(at('tor-client'), lines) + `SocksPort 127.0.0.1:9050 ExtendedErrors\nVanguardsLiteEnabled 0\nControlSocket ${at('tor-client/control')}\n`);
  net.client.spawn(['tor', '-f', at('tor-client/torrc'), '--defaults-torrc', at('empty')]);
  mkdirSync(at('tor-service'), { mode: 0o700 });
  writeFileSync(at('tor-service/torrc'), common(at('tor-service'), lines) + `SocksPort 0\nVanguardsLiteEnabled 0\nHiddenServiceDir ${at('tor-service/onion')}\nHiddenServicePort ${port} 127.0.0.1:${port}\n`);
  net.relay.spawn(['tor', '-f', at('tor-service/torrc'), '--defaults-torrc', at('empty')]);
  const log = (name: string): string => { try { return readFileSync(at(`${name}/log`), 'utf8'); } catch { return ''; } };
  await until('Tor to be ready', () => ['tor-client', 'tor-service'].every(x => log(x).includes('Bootstrapped 100%')), 180000);
  return readFileSync(at('tor-service/onion/hostname'), 'utf8').trim();
}

// Of the circuits that carry a stream now, which login each is for (control-spec, GETINFO stream-status and circuit-status).
async function logins(net: Net): Promise<Map<string, string>> {
  const control = connect(join(net.folder, 'tor-client/control')), found = new Map<string, string>();
  let said = '';
  control.on('data', (d: Buffer) => (said += d.toString()));
  control.write('AUTHENTICATE\r\nGETINFO stream-status\r\nGETINFO circuit-status\r\nQUIT\r\n');
  await once(control, 'close');
  const used = new Set([...said.matchAll(/\d+ SUCCEEDED (\d+) /g)].map(m => m[1]!));
  for (const m of said.matchAll(/^(\d+) BUILT .*SOCKS_USERNAME="([^"]*)"/gm)) if (used.has(m[1]!)) found.set(m[1]!, m[2]!);
  return found;
}

async function people(t: TestContext): Promise<{ net: Net; relay: Relay; alice: Person; bob: Person }> {
  const net = await network(t), relay = await Relay.start(t, { host: net.name, prefix: net.relay.prefix });
  const [alice, bob] = [new Person(t, net.folder, 'alice', relay), new Person(t, net.folder, 'bob', relay)];
  startOn(net.relay, bob);
  startOn(net.client, alice);
  alice.ok('route', 'policy', 'tor-only');
  alice.ok('proxy', 'add', '--tor', '127.0.0.1:9050');
  return { net, relay, alice, bob };
}

test('people talk through Tor, to a name and to an onion', { skip, timeout: 600000 }, async t => {
  const { net, relay, alice, bob } = await people(t);
  const onion = await tor(net, Number(new URL(relay.address.replace('wss:', 'https:')).port));
  await meet(alice, bob);
  const talk = await Talk.between(t, alice, bob, net.folder);
  console.log(`through Tor: ${await talk.back(Date.now())} ms`);
  const end = await talk.end();
  assert.deepEqual([end.lost, end.doubled], [0, 0]);
  // The same relay by its onion: another profile, whose relay has that address.
  const carol = new Person(t, net.folder, 'carol', { address: relay.address.replace(net.name, onion) } as Relay);
  startOn(net.client, carol);
  carol.ok('route', 'policy', 'tor-only');
  carol.ok('proxy', 'add', '--tor', '127.0.0.1:9050');
  await until('the onion to be reached', () => carol.json<{ connected: boolean }>('status').connected, 120000);
  // Two profiles, two relays: never on one circuit.
  const seen = await logins(net);
  console.log(`circuits in use, and the logins that they are for: ${[...seen].map(x => x.join(' ')).join(', ')}`);
  assert.equal(seen.size, 2);
  assert.equal(new Set(seen.values()).size, 2);
});
