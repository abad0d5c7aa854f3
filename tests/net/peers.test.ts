// SPDX-License-Identifier: Apache-2.0
//
// Proxies that people run, one after the other, each the only way to the relay: people talk and send files through it. Our own is among them.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Person, meet, whimbrel } from '../e2e/person';
import { Relay, have } from '../e2e/relay';
import { Host, Net, network, skip as noNet } from './hosts';
import { Talk, startOn } from './talk';

const lacking = ['danted', 'ssh', 'sshd'].filter(x => !have(x));
const skip = noNet !== false ? noNet : lacking.length === 0 ? false : `${lacking.join(', ')} missing; tools/build/deps net installs them`;
const AT = '10.77.3.2';

interface Peer { name: string; link: string; start: (net: Net, h: Host, relay: Relay) => Promise<void> }

function danted(folder: string, port: number): string {
  const file = join(folder, 'danted.conf');
  writeFileSync(file, `logoutput: stderr\ninternal: 0.0.0.0 port = ${port}\nexternal: ${AT}\nclientmethod: none\nsocksmethod: none\n` +
    'user.privileged: root\nuser.unprivileged: nobody\n' +
    'client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }\nsocks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }\n');
  return file;
}

// A shell server on one side, `ssh -D` on the client's own.
async function sshd(net: Net, h: Host, port: number): Promise<void> {
  const at = (name: string): string => join(net.folder, name);
  for (const name of ['host.key', 'user.key']) h.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
  writeFileSync(at('sshd.conf'), `Port 2222\nHostKey ${at('host.key')}\nAuthorizedKeysFile ${at('user.key')}.pub\nStrictModes no\nUsePAM no\n` +
    'PermitRootLogin yes\nPidFile none\nAllowTcpForwarding yes\n');
  chmodSync(at('user.key'), 0o600);
  mkdirSync('/run/sshd', { recursive: true });
  h.spawn(['/usr/sbin/sshd', '-D', '-f', at('sshd.conf')]);
  await h.listens(2222);
  net.client.spawn(['ssh', '-N', '-F', 'none', '-D', `127.0.0.1:${port}`, '-i', at('user.key'), '-p', '2222', '-o', 'StrictHostKeyChecking=no',
    '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR', `root@${AT}`]);
  await net.client.listens(port);
}

const peers: Peer[] = [
  { name: 'microsocks with a login', link: `socks5://ann:p%40ss@${AT}:1081`, start: async (_, h) => {
    h.spawn(['microsocks', '-p', '1081', '-u', 'ann', '-P', 'p@ss']);
    await h.listens(1081);
  } },
  { name: 'dante', link: `${AT}:1082`, start: async (net, h) => {
    h.spawn(['danted', '-f', danted(net.folder, 1082)]);
    await h.listens(1082);
  } },
  { name: 'OpenSSH -D', link: '127.0.0.1:1083', start: (net, h) => sshd(net, h, 1083) },
  { name: 'whimbrel proxy serve', link: `socks5://bob:secret@${AT}:1084`, start: async (net, h, relay) => {
    const { hostname, port } = new URL(relay.address.replace('wss:', 'https:')), users = join(net.folder, 'users');
    writeFileSync(users, 'bob:secret\n', { mode: 0o600 });
    h.spawn([whimbrel, 'proxy', 'serve', '--listen', `${AT}:1084`, '--users', users, '--allow', `${hostname}:${port}`,
      '--allow', `10.77.2.2:${port}`]); // which is a private address: a name alone does not lead there
    await h.listens(1084);
  } },
];

test('people talk through proxies that people run', { skip, timeout: 300000 }, async t => {
  const net = await network(t);
  const relay = await Relay.start(t, { host: net.name, prefix: net.relay.prefix });
  const [alice, bob] = [new Person(t, net.folder, 'alice', relay), new Person(t, net.folder, 'bob', relay)];
  startOn(net.client, alice);
  startOn(net.relay, bob);
  alice.ok('route', 'policy', 'proxy-only');
  let talk: Talk | undefined;
  for (const p of peers) {
    await p.start(net, net.proxies[0], relay);
    const [id] = alice.json<number[]>('proxy', 'add', p.link);
    if (talk === undefined) await meet(alice, bob);
    talk ??= await Talk.between(t, alice, bob, net.folder);
    await talk.back(Date.now());
    await talk.files(200000);
    await talk.back(Date.now());
    console.log(`through ${p.name}`);
    if (p !== peers.at(-1)) alice.ok('proxy', 'remove', String(id));
  }
  const end = await talk!.end();
  assert.deepEqual([end.lost, end.doubled], [0, 0]);
});
