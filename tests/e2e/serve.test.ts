// SPDX-License-Identifier: Apache-2.0
//
// A proxy for friends, `whimbrel proxy serve`, as people run it, and as programs that are not ours use it: curl, ssh through nc, and the SOCKS
// client that most of npm stands on. And how it is not to be run.
import assert from 'node:assert/strict';
import { ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import * as net from 'node:net';
import { join } from 'node:path';
import { TestContext, test } from 'node:test';
import { SocksClient } from 'socks';
import { parseAddress, within } from './client';
import { Person, meet, passphrase, skip, until, whimbrel } from './person';
import { Relay, asRoot, have, temporary } from './relay';

interface Said { links: string[]; listening: string[]; allow: string[] }

// A proxy on a free port of 127.0.0.1, until the test ends.
class Proxy {
  said: Said = { links: [], listening: [], allow: [] };
  errors = '';
  private constructor(private readonly child: ChildProcess) {}

  static async start(t: TestContext, ...flags: string[]): Promise<Proxy> {
    const child = spawn(whimbrel, ['proxy', 'serve', '--json', ...(flags.includes('--listen') ? [] : ['--listen', '127.0.0.1:0']), ...flags],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, WHIMBREL_PASSPHRASE: passphrase } });
    const p = new Proxy(child);
    let output = '';
    t.after(() => child.kill('SIGKILL'));
    child.stderr!.on('data', (d: Buffer) => (p.errors += d.toString()));
    await within('the proxy to say its link', new Promise<void>((done, refuse) => {
      child.once('exit', () => refuse(new Error(p.errors)));
      child.stdout!.on('data', (d: Buffer) => {
        output += d.toString();
        if (/^}$/m.test(output)) done();
      });
    }));
    p.said = JSON.parse(output) as Said;
    return p;
  }

  get link(): string { return this.said.links[0]!; }
  get port(): number { return Number(new URL(this.link.replace('socks5h:', 'http:')).port); }

  async stop(): Promise<number | null> {
    const gone = new Promise<number | null>(done => this.child.once('exit', done));
    this.child.kill('SIGTERM');
    return await within('the proxy to end', gone);
  }
}

function refused(...flags: string[]): string {
  const { status, stderr, stdout } = spawnSync(whimbrel, ['proxy', 'serve', ...flags], { encoding: 'utf8', timeout: 20000 });
  assert.notEqual(status, 0);
  assert.equal(stdout, '');
  return stderr.replace(/\s+/g, ' '); // lines are as wide as the terminal
}

// Runs a program beside the servers that this process plays.
async function run(program: string, words: string[], input = ''): Promise<{ status: number | null; stdout: Buffer; stderr: string }> {
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'], timeout: 60000 });
  const out: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (d: Buffer) => out.push(d));
  child.stderr.on('data', (d: Buffer) => (stderr += d.toString()));
  child.stdin.on('error', () => {}); // a program that does not read may have ended
  child.stdin.end(input);
  const status = await new Promise<number | null>(done => child.once('close', done));
  return { status, stdout: Buffer.concat(out), stderr };
}

// A server that gives everything back, and counts who came.
async function echo(t: TestContext, host = '127.0.0.1'): Promise<{ port: number; came: () => number }> {
  let came = 0;
  const server = net.createServer({ allowHalfOpen: true }, socket => {
    came++;
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });
  await new Promise<void>(done => server.listen(0, host, done));
  t.after(() => server.close());
  return { port: (server.address() as net.AddressInfo).port, came: () => came };
}

test('a relay is reached with curl by the link, by name of the right user alone, and nothing else is', { skip }, async t => {
  const relay = await Relay.start(t);
  const { port } = parseAddress(relay.address);
  const proxy = await Proxy.start(t, '--allow', `127.0.0.1:${port}`);
  const curl = async (link: string, url: string) => await run('curl', ['-sSk', '-m', '20', '--noproxy', '', '--proxy', link, url]);

  const page = await curl(proxy.link, `https://127.0.0.1:${port}/`);
  assert.equal(page.status, 0, page.stderr);
  assert.deepEqual(page.stdout, (await run('curl', ['-sk', '--noproxy', '*', `https://127.0.0.1:${port}/`])).stdout);
  assert.ok(page.stdout.length > 100);

  const wrong = await curl(proxy.link.replace(/friend:./, 'friend:'), `https://127.0.0.1:${port}/`);
  assert.equal(wrong.status, 97, wrong.stderr);
  const nobody = await curl(proxy.link.replace(/friend:[^@]*@/, ''), `https://127.0.0.1:${port}/`);
  assert.equal(nobody.status, 97, nobody.stderr);
  const elsewhere = await echo(t);
  for (const host of ['127.0.0.1', 'localhost', '127.1', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0']) {
    const r = await curl(proxy.link, `https://${host}:${elsewhere.port}/`);
    assert.equal(r.status, 97, `${host}: ${r.stderr}`);
  }
  assert.equal(elsewhere.came(), 0);
  assert.equal(await proxy.stop(), 0);
  assert.equal(proxy.errors, '');
});

test("npm's SOCKS client: IPv4, IPv6, refusals, and both directions to their ends", { skip }, async t => {
  const six = existsSync('/proc/net/if_inet6') && readFileSync('/proc/net/if_inet6', 'utf8').includes(' lo\n');
  const servers = [{ host: '127.0.0.1', ...await echo(t) }];
  if (six) servers.push({ host: '::1', ...await echo(t, '::1') });
  const places = servers.map(s => s.host.includes(':') ? `[${s.host}]:${s.port}` : `${s.host}:${s.port}`);
  const proxy = await Proxy.start(t, ...places.flatMap(p => ['--allow', p]));
  const { username, password } = new URL(proxy.link.replace('socks5h:', 'http:'));
  const through = async (host: string, port: number, userId = username) => await SocksClient.createConnection({
    proxy: { host: '127.0.0.1', port: proxy.port, type: 5, userId, password },
    command: 'connect', destination: { host, port }, timeout: 20000,
  });
  for (const s of servers) {
    const { socket } = await through(s.host, s.port);
    const sent = randomBytes(3_000_000), got: Buffer[] = [];
    socket.on('data', d => got.push(d));
    socket.end(sent);
    socket.resume();
    await within('everything to come back', new Promise(done => socket.once('end', done)));
    assert.ok(Buffer.concat(got).equals(sent));
  }
  await assert.rejects(through('127.0.0.1', servers[0]!.port ^ 1), /NotAllowed/);
  await assert.rejects(through('relay.example', 443), /NotAllowed/);
  await assert.rejects(through('127.0.0.1', servers[0]!.port, 'somebody'), /[Aa]uthentication/);
});

const ssh = !have('ssh') || !have('nc') || !existsSync('/usr/sbin/sshd') || spawnSync('nc', ['-h'], { encoding: 'utf8' }).stderr.indexOf('-X proxy') < 0
  ? 'ssh, sshd and the nc of OpenBSD are not all here' : skip;
test('ssh through nc, and megabytes in it', { skip: ssh }, async t => {
  const folder = temporary(t), file = (name: string): string => join(folder, name);
  for (const key of ['host', 'user']) spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file(key)]);
  const port = await freePort();
  if (asRoot) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 }); // which sshd wants; Debian makes it when its service starts
  writeFileSync(file('config'), `Port ${port}\nListenAddress 127.0.0.1\nHostKey ${file('host')}\nAuthorizedKeysFile ${file('user.pub')}\n` +
    'StrictModes no\nPasswordAuthentication no\nPidFile none\nPermitRootLogin yes\n');
  const sshd = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', file('config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  t.after(() => sshd.kill());
  await within('sshd to listen', new Promise<void>(done => sshd.stderr.on('data', (d: Buffer) => { if (d.includes('listening')) done(); })));
  const proxy = await Proxy.start(t, '--no-password', '--allow', `127.0.0.1:${port}`);
  const sent = randomBytes(4_000_000).toString('base64');
  const r = await run('ssh', ['-F', 'none', '-i', file('user'), '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=no',
    '-o', `UserKnownHostsFile=${file('known')}`, '-o', `ProxyCommand=nc -X 5 -x 127.0.0.1:${proxy.port} %h %p`, '-p', String(port), '127.0.0.1', 'cat'], sent);
  assert.equal(r.status, 0, r.stderr);
  assert.equal(createHash('sha256').update(r.stdout).digest('hex'), createHash('sha256').update(sent).digest('hex'));
});

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as net.AddressInfo;
  await new Promise(done => server.close(done));
  return port;
}

test('a file of users is made, is kept, and must be nobody else\'s business', { skip }, async t => {
  const folder = temporary(t), users = join(folder, 'users');
  const flags = ['--allow', 'relay.example:443', '--users', users, '--host', 'home.example.org:8443'];
  const first = await Proxy.start(t, ...flags);
  assert.match(first.link, /^socks5h:\/\/friend:[a-z2-9]{24}@home\.example\.org:8443$/);
  assert.equal(statSync(users).mode & 0o777, 0o600);
  await first.stop();
  const again = await Proxy.start(t, ...flags);
  assert.equal(again.link, first.link);
  await again.stop();

  writeFileSync(users, '# friends\n\nann:one two\r\nbéa:p@ss:w%rd\n');
  const two = await Proxy.start(t, ...flags);
  assert.deepEqual(two.said.links, ['socks5h://ann:one%20two@home.example.org:8443', 'socks5h://b%C3%A9a:p%40ss%3Aw%25rd@home.example.org:8443']);
  chmodSync(users, 0o640);
  assert.match(refused(...flags), /others on this computer can read .*chmod 600/);
  chmodSync(users, 0o600);
  for (const [text, said] of [['ann', /line 1: a line is NAME:PASSWORD/], ['# none\n', /names no user/], ['a:b\nann:', /line 2: .*1 to 255/],
    ['a:b\na:c', /line 2: .*there already/], ['a:b\0', /no text/]] as const) {
    writeFileSync(users, text);
    assert.match(refused(...flags), said);
  }
  assert.match(refused('--allow', 'relay.example:443', '--users', folder), /no file of users/);
});

test('nothing that is left out or mistaken makes it open', { skip }, async t => {
  const folder = temporary(t), none = join(folder, 'none');
  assert.match(refused('--profile', none), /there is no profile.*--allow HOST:PORT no profile is needed/);
  assert.match(refused('--no-password', '--allow', '192.0.2.1:443', '--listen', '0.0.0.0:0'), /without a password .* this computer's own/);
  assert.match(refused('--no-password', '--allow', '192.0.2.1:443', '--listen', '[::]:0'), /without a password/);
  assert.match(refused('--no-password', '--allow', '192.0.2.1:443', '--users', none), /contradict/);
  assert.equal(existsSync(none), false);
  for (const place of ['*:443', '192.0.2.0/24:443', 'relay.example', '0.0.0.0:443', 'localhost:443', ''])
    assert.match(refused('--allow', place), /no place that can be allowed/);
  assert.match(refused('--allow', '192.0.2.1:443', '--listen', 'somewhere:0'), /no numeric address/);
  assert.match(refused('--allow', '192.0.2.1:443', '--listen', '127.0.0.1:x'), /--listen ADDRESS:PORT/);
  assert.match(refused('--allow', '192.0.2.1:443', '--listen', '127.0.0.1:0', '--host', 'a b'), /no host/);
  assert.match(refused('--allow', '192.0.2.1:443', '--most', '0'), /no connections at all/);
});

test('a friend talks by it and by nothing else, and goes on when it is back', { skip }, async t => {
  const relay = await Relay.start(t), folder = temporary(t), place = `127.0.0.1:${parseAddress(relay.address).port}`;
  const flags = ['--allow', place, '--users', join(folder, 'users'), '--listen', `127.0.0.1:${await freePort()}`];
  let proxy = await Proxy.start(t, ...flags);
  const ann = new Person(t, folder, 'ann', relay, '--proxy', proxy.link, '--policy', 'proxy-only'), bob = new Person(t, folder, 'bob', relay);
  await meet(bob, ann);
  ann.ok('send', 'bob', 'from behind the wall');
  await until(() => bob.texts('ann').includes('from behind the wall'), 30000);
  await proxy.stop();
  await until(() => !ann.json<{ connected: boolean }>('status').connected, 30000);
  ann.ok('send', 'bob', 'written while it was away');
  bob.ok('send', 'ann', 'are you there?');
  proxy = await Proxy.start(t, ...flags);
  await until(() => bob.texts('ann').includes('written while it was away') && ann.texts('bob').includes('are you there?'), 90000);
  assert.equal(ann.texts('bob').length, 3);
  assert.equal(bob.texts('ann').length, 3);
  assert.equal(proxy.errors, '');
});

test("a profile's own relay is what it is for, but one in a private network only if that is said", { skip }, async t => {
  const relay = await Relay.start(t), folder = temporary(t);
  const ann = new Person(t, folder, 'ann', relay);
  const { status, stderr } = ann.run('proxy', 'serve', '--listen', '127.0.0.1:0');
  assert.equal(status, 1);
  const place = `127.0.0.1:${parseAddress(relay.address).port}`;
  assert.match(stderr.replace(/\s+/g, ' '), new RegExp(`private network.*--allow ${place.replace(/\./g, '\\.')}`));
  const proxy = await Proxy.start(t, '--profile', ann.profile, '--allow', place);
  assert.deepEqual(proxy.said.allow, [place]);

  // A relay that is not here: its profile is made, and what would lead there is served, but not against the profile's policy.
  const away = { address: relay.address.replace('127.0.0.1', 'relay.example') } as Relay;
  const bob = new Person(t, folder, 'bob', away, '--policy', 'proxy-only', '--proxy', proxy.link);
  assert.match(bob.run('proxy', 'serve').stderr.replace(/\s+/g, ' '), /policy is proxy-only.*--allow relay\.example:/);
  bob.ok('route', 'policy', 'auto');
  assert.deepEqual((await Proxy.start(t, '--profile', bob.profile)).said.allow, [`relay.example:${parseAddress(relay.address).port}`]);
});
