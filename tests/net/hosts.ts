// SPDX-License-Identifier: Apache-2.0
//
// hosts: a network of separate hosts inside this computer: a client, a censor that is its way to everything, a relay, and proxies. Each is a
// network namespace of its own, with its own names and resolver, held by a process that sleeps; when the test ends they are gone. Nothing
// outside is touched, and nothing inside reaches outside.
import assert from 'node:assert/strict';
import { ChildProcess, spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestContext } from 'node:test';
import { until } from '../e2e/client';
import { asRoot, have, temporary } from '../e2e/relay';
import { skip as noClient } from '../e2e/person';

function lacking(): string | false {
  if (noClient !== false) return noClient;
  if (!asRoot) return 'network namespaces want root';
  const missing = ['ip', 'nft', 'unshare', 'nsenter', 'tcpdump', 'microsocks'].filter(x => !have(x) && !have('/usr/sbin/' + x));
  if (missing.length > 0) return `${missing.join(', ')} missing; tools/build/deps net installs them`;
  return spawnSync('unshare', ['-n', '-m', 'true']).status === 0 ? false : 'this kernel gives no network namespaces';
}
process.env['PATH'] += ':/usr/sbin:/sbin';
export const skip = lacking();

export class Host {
  readonly prefix: string[];

  constructor(private readonly t: TestContext, readonly name: string, readonly address: string, private readonly holder: ChildProcess) {
    this.prefix = ['nsenter', '-t', String(holder.pid), '-n', '-m', '--'];
    t.after(() => holder.kill('SIGKILL'));
  }

  get pid(): number { return this.holder.pid!; }

  try(words: string[], input = ''): { status: number | null; stdout: string; stderr: string } {
    const [program, ...rest] = [...this.prefix, ...words] as [string, ...string[]];
    const { status, stdout, stderr } = spawnSync(program, rest, { encoding: 'utf8', input, timeout: 60000 });
    return { status, stdout, stderr };
  }

  run(words: string[], input = ''): string {
    const r = this.try(words, input);
    assert.equal(r.status, 0, `${this.name}: ${words.join(' ')}: ${r.stderr}${r.stdout}`);
    return r.stdout;
  }

  // Something that runs until the test ends.
  spawn(words: string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    const [program, ...rest] = [...this.prefix, ...words] as [string, ...string[]];
    const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    let said = '';
    child.stderr!.on('data', (d: Buffer) => (said += d.toString()));
    child.on('exit', code => { if (code !== null && code !== 0) console.log(`# ${words[0]} on ${this.name} ended with ${code}: ${said}`); });
    this.t.after(() => child.kill('SIGKILL'));
    return child;
  }

  // A program that listens on a TCP port is there.
  async listens(port: number): Promise<void> {
    const wanted = ':' + port.toString(16).toUpperCase().padStart(4, '0') + ' ';
    await until(`${this.name} to listen on ${port}`, () => this.run(['cat', '/proc/net/tcp', '/proc/net/tcp6']).split('\n')
      .some(l => l.includes(wanted) && l.includes(' 0A ')), 20000);
  }
}

export interface Net { folder: string; client: Host; censor: Host; relay: Host; proxies: [Host, Host]; name: string }

function host(t: TestContext, folder: string, name: string, address: string, hosts: string): Host {
  writeFileSync(join(folder, `${name}.hosts`), `127.0.0.1 localhost\n${hosts}`);
  writeFileSync(join(folder, `${name}.resolv`), hosts === '' ? 'nameserver 10.77.1.1\noptions timeout:1 attempts:2\n' : 'nameserver 127.0.0.1\n');
  const script = `mount --make-rprivate / && mount --bind ${folder}/${name}.hosts /etc/hosts && ` +
    `mount --bind ${folder}/${name}.resolv /etc/resolv.conf && echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; ` +
    'ip link set lo up && echo ready && exec sleep 1000000';
  return new Host(t, name, address, spawn('unshare', ['-n', '-m', 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'inherit'] }));
}

// A cable between a host and the censor, who is the host's way to everything.
function cable(h: Host, censor: Host, way: string): void {
  const r = spawnSync('ip', ['link', 'add', 'road', 'netns', String(h.pid), 'type', 'veth', 'peer', 'name', h.name, 'netns', String(censor.pid)],
    { encoding: 'utf8' });
  assert.equal(r.status, 0, r.stderr);
  censor.run(['sh', '-c', `ip addr add ${way}/24 dev ${h.name} && ip link set ${h.name} up`]);
  h.run(['sh', '-c', `ip addr add ${h.address}/24 dev road && ip link set road up && ip route add default via ${way}`]);
}

export async function network(t: TestContext): Promise<Net> {
  const folder = temporary(t), name = 'relay.test', known = `10.77.2.2 ${name}\n`;
  const make = (n: string, address: string, hosts: string): Host => host(t, folder, n, address, hosts);
  const censor = make('censor', '10.77.1.1', known), client = make('client', '10.77.1.2', '');
  const relay = make('relay', '10.77.2.2', known), proxies: [Host, Host] = [make('one', '10.77.3.2', known), make('two', '10.77.4.2', known)];
  await until('the hosts', () => [censor, client, relay, ...proxies].every(h => h.try(['ip', 'link', 'show', 'lo']).stdout.includes('UP')), 20000);
  [client, relay, ...proxies].forEach((h, i) => cable(h, censor, `10.77.${i + 1}.1`));
  censor.run(['sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward']);
  return { folder, client, censor, relay, proxies, name };
}
