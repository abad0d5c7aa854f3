// SPDX-License-Identifier: Apache-2.0
//
// A relay's life with its operator: reload, drain, addresses, backup, check, metrics, status, and what systemd hands over.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, cpSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeFileSync, writeSync } from 'node:fs';
import * as net from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client, certificates, dial, parseAddress, random, until, within } from './client';
import { newLog, refused, text } from './logs';
import { Relay, asRoot, have, temporary, whimbreld } from './relay';

const hasIpv6 = existsSync('/proc/net/if_inet6') && readFileSync('/proc/net/if_inet6', 'utf8').includes(' lo\n');

async function serial(relay: Relay): Promise<string> {
  const socket = await dial(parseAddress(relay.address));
  const number = certificates.get(socket)!.serialNumber;
  socket.destroy();
  return number;
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  const port = (server.address() as net.AddressInfo).port;
  await new Promise(done => server.close(done));
  return port;
}

test('SIGHUP takes a renewed certificate and a changed site, and drops nobody', async t => {
  const relay = await Relay.start(t);
  const [writer, reader] = [await relay.connect(), await relay.connect()];
  const log = await newLog(writer);
  await reader.follow({ tag: 1, log: log.id, key: log.key, after: 0 });
  const before = await serial(relay);
  const file = (name: string): string => join(relay.folder, name);
  execFileSync('openssl', ['req', '-x509', '-new', '-key', file('key.pem'), '-subj', '/CN=127.0.0.1', '-days', '30', '-out', file('new.pem')], { stdio: 'ignore' });
  renameSync(file('new.pem'), file('certificate.pem')); // as certbot and its like do
  writeFileSync(join(relay.folder, 'site', 'fresh.txt'), 'fresh');
  const writing = Array.from({ length: 300 }, (_, i) => writer.append(log.id, log.key, 0, `entry ${i}`));
  relay.signal('SIGHUP');
  await until('the relay to reload', () => relay.output.includes('reloaded:'));
  assert.equal((await Promise.all(writing)).length, 300);
  assert.equal((await reader.entries(1, 300)).length, 300);
  assert.notEqual(await serial(relay), before);
  const page = execFileSync('curl', ['-sk', `https://127.0.0.1:${parseAddress(relay.address).port}/fresh.txt`], { encoding: 'utf8' });
  assert.equal(page, 'fresh');
  await (await relay.connect()).append(log.id, log.key, 0, 'the address still fits');
});

test('a reload of something wrong changes nothing, and says what is wrong', async t => {
  const relay = await Relay.start(t);
  const c = await relay.connect();
  const before = await serial(relay);
  writeFileSync(join(relay.folder, 'certificate.pem'), 'nonsense');
  relay.signal('SIGHUP');
  await until('the relay to refuse', () => /not reloaded.*certificate\.pem/.test(relay.output));
  assert.equal(await serial(relay), before);
  relay.configure('entry_max = a lot');
  relay.output = '';
  relay.signal('SIGHUP');
  await until('the relay to refuse', () => /not reloaded.*whimbreld\.conf.*entry_max/.test(relay.output));
  await newLog(c);
});

test('SIGTERM answers what is under way, says goodbye to everybody, and keeps what it acknowledged', async t => {
  const relay = await Relay.start(t);
  const clients = await Promise.all(Array.from({ length: 6 }, () => relay.connect()));
  const logs = await Promise.all(clients.map(c => newLog(c)));
  const acknowledged = logs.map(() => [] as string[]);
  let stopping = false;
  const writing = clients.map(async (c, i) => {
    for (let n = 0; ; n++) {
      const batch = Array.from({ length: 20 }, (_, k) => `${n}.${k}`);
      const done = await Promise.allSettled(batch.map(p => c.append(logs[i]!.id, logs[i]!.key, 0, p)));
      done.forEach((d, k) => d.status === 'fulfilled' && acknowledged[i]!.push(batch[k]!));
      if (done.some(d => d.status === 'rejected')) {
        assert.ok(stopping, 'refused before the end');
        return;
      }
    }
  });
  await new Promise(resolve => setTimeout(resolve, 300));
  stopping = true;
  assert.equal(await relay.stop(), 0);
  await within('the writers', Promise.all(writing));
  for (const c of clients) assert.equal(await c.closed, 1001);
  assert.match(relay.output, /stopped\n$/);
  await assert.rejects(dial(parseAddress(relay.address)));
  await relay.run();
  const c = await relay.connect();
  for (let i = 0; i < logs.length; i++) {
    const kept: string[] = [];
    for (let after = 0; ;) {
      const page = await c.read(logs[i]!.id, logs[i]!.key, after);
      if (page.entries.length === 0) break;
      kept.push(...text(page.entries));
      after = page.entries[page.entries.length - 1]!.seq;
    }
    assert.ok(acknowledged[i]!.length > 20);
    assert.deepEqual(kept.slice(0, acknowledged[i]!.length), acknowledged[i]);
  }
});

test('it listens on IPv4 and IPv6, and where it is told', async t => {
  const relay = await Relay.start(t, { host: 'localhost' });
  await (await relay.connect({ host: '127.0.0.1' })).close();
  if (!hasIpv6) return t.skip('this machine has no IPv6');
  await (await relay.connect({ host: '::1' })).close();
  const six = await Relay.start(t, { host: '::1', config: ['listen = ::1'] });
  assert.match(six.address, /^wss:\/\/\[::1\]:\d+\//);
  await newLog(await six.connect());
  await assert.rejects(six.connect({ host: '127.0.0.1' }));
});

test('gc, check and backup make no store where none is', t => {
  const folder = join(temporary(t), 'relay');
  assert.equal(spawnSync(whimbreld, ['init', folder, '--host', '127.0.0.1']).status, 0);
  for (const words of [['gc', folder], ['check', folder], ['backup', folder, join(folder, 'copy')]]) {
    const run = spawnSync(whimbreld, words, { encoding: 'utf8' });
    assert.equal(run.status, 1);
    assert.match(run.stderr, /there is no store yet/);
    assert.ok(!existsSync(join(folder, 'store.db')));
  }
});

test('a port that another program has, if only in one family, is an error', async t => {
  const folder = join(temporary(t), 'relay'), server = net.createServer();
  await new Promise<void>(done => server.listen(0, '0.0.0.0', done));
  const port = String((server.address() as net.AddressInfo).port);
  assert.equal(spawnSync(whimbreld, ['init', folder, '--host', '127.0.0.1', '--port', port]).status, 0);
  const run = spawnSync(whimbreld, ['run', folder], { encoding: 'utf8', timeout: 20000 });
  await new Promise(done => server.close(done));
  assert.equal(run.status, 1);
  assert.match(run.stderr, new RegExp(`0\\.0\\.0\\.0, port ${port} .*another program does`));
});

test('a backup is made while everybody writes, and a relay starts from it', async t => {
  const relay = await Relay.start(t);
  const clients = await Promise.all(Array.from({ length: 4 }, () => relay.connect()));
  const logs = await Promise.all(clients.map(c => newLog(c)));
  const acknowledged = logs.map(() => 0);
  let on = true;
  const writing = clients.map(async (c, i) => {
    while (on) {
      await Promise.all(Array.from({ length: 10 }, () => c.append(logs[i]!.id, logs[i]!.key, 0, Buffer.alloc(2000, i))));
      acknowledged[i] = acknowledged[i]! + 10;
    }
  });
  await new Promise(resolve => setTimeout(resolve, 300));
  const sure = [...acknowledged];
  const file = join(temporary(t), 'backup.db');
  await new Promise<void>((done, refuse) => {
    spawn(whimbreld, ['backup', relay.folder, file]).once('exit', code => (code === 0 ? done() : refuse(new Error(`backup: ${code}`))));
  });
  on = false;
  await Promise.all(writing);
  const again = relay.try('backup', file);
  assert.deepEqual([again.status, /exists already/.test(again.stderr)], [1, true]);
  const folder = join(temporary(t), 'relay');
  mkdirSync(folder);
  for (const name of ['whimbreld.conf', 'certificate.pem', 'key.pem', 'site']) cpSync(join(relay.folder, name), join(folder, name), { recursive: true });
  cpSync(file, join(folder, 'store.db'));
  const copy = await Relay.over(t, folder);
  assert.match(copy.command('check'), /whole/);
  const c = await copy.connect();
  for (let i = 0; i < logs.length; i++) {
    const { head, oldest } = await c.stat(logs[i]!.id, logs[i]!.key);
    assert.ok(oldest === 1 && head >= sure[i]!, `${head} of at least ${sure[i]}`);
    let seen = 0;
    while (seen < head) {
      for (const e of (await c.read(logs[i]!.id, logs[i]!.key, seen)).entries) assert.deepEqual([e.seq, e.payload[0]], [++seen, i]);
    }
  }
});

test('check finds what is damaged, and the relay says so rather than to serve it', async t => {
  const relay = await Relay.start(t);
  let c = await relay.connect();
  const log = await newLog(c);
  for (let i = 0; i < 300; i++) await c.append(log.id, log.key, 0, Buffer.alloc(3000, 7));
  assert.match(relay.command('check'), /whole/, 'while it runs');
  await relay.stop();
  assert.match(relay.command('check'), /whole/);
  const store = join(relay.folder, 'store.db');
  const size = statSync(store).size;
  const fd = openSync(store, 'r+');
  // The first bytes of many pages: their kind, and where their cells are.
  for (let page = 8; page * 4096 < size; page += 3) writeSync(fd, Buffer.alloc(64, 0xff), 0, 64, page * 4096);
  closeSync(fd);
  const check = relay.try('check');
  assert.equal(check.status, 1, check.stdout + check.stderr);
  assert.match(check.stdout + check.stderr, /fault|damaged/);
  const started = await relay.run().then(() => true, () => false);
  if (started) {
    c = await relay.connect();
    let wrong = 0;
    for (let after = 0; after < 300; after += 10) {
      const got = await c.read(log.id, log.key, after, 5).catch((e: { code: string }) => e.code);
      if (got === 'unavailable') wrong++;
      else for (const e of (got as { entries: { payload: Buffer }[] }).entries) assert.ok(e.payload.every(b => b === 7), 'what it serves is what was written');
    }
    assert.ok(wrong > 0);
    assert.match(relay.output, /store failed/);
  } else {
    assert.match(relay.output, /damaged/);
  }
});

test('metrics and health are on a listener of their own', async t => {
  const port = await freePort();
  const relay = await Relay.start(t, { config: [`metrics = 127.0.0.1:${port}`] });
  const c = await relay.connect();
  const log = await newLog(c);
  for (let i = 0; i < 5; i++) await c.append(log.id, log.key, 0, 'x');
  await refused('denied', c.read(log.id, random()));
  const get = (path: string): string => execFileSync('curl', ['-s', '-w', '%{http_code}', `http://127.0.0.1:${port}${path}`], { encoding: 'utf8' });
  const metrics = get('/metrics');
  assert.match(metrics, /200$/);
  const value = (name: string): number => Number(new RegExp(`^${name.replace(/[{}"]/g, '\\$&')} (\\d+)$`, 'm').exec(metrics)?.[1] ?? NaN);
  assert.equal(value('whimbrel_healthy'), 1);
  assert.equal(value('whimbrel_sessions'), 1);
  assert.equal(value('whimbrel_errors_total'), 1);
  assert.equal(value('whimbrel_stored{what="logs"}'), 1);
  assert.equal(value('whimbrel_stored{what="entries"}'), 5);
  assert.ok(value('whimbrel_requests_total') >= 8 && value('whimbrel_lane_jobs_total{lane="write"}') >= 6);
  for (const line of metrics.split('\n').filter(l => l !== '' && !l.startsWith('#')).slice(0, -1)) assert.match(line, /^[a-z_]+(\{[a-z]+="[a-z_]+"\})? \d+$/);
  assert.equal(get('/health'), 'ok\n200');
  assert.match(get('/'), /404$/);
  assert.match(get('/..%2fkey.pem'), /404$/);
  for (const secret of [log.id, log.key]) assert.ok(!metrics.includes(secret.toString('hex')) && !metrics.includes(secret.toString('base64')));
});

test('status is for people, of a relay that runs and of one that does not', async t => {
  const relay = await Relay.start(t);
  const c = await relay.connect();
  const log = await newLog(c);
  await c.append(log.id, log.key, 0, 'x');
  const status = relay.command('status');
  assert.match(status, /^running/);
  assert.match(status, /1 logs, 1 entries/);
  await relay.stop();
  const after = relay.try('status');
  assert.deepEqual([after.status, after.stderr], [1, 'whimbreld: no relay runs in this folder\n']);
});

test('what an operator does wrong is said in a sentence', async t => {
  const relay = await Relay.start(t);
  const second = spawnSync(whimbreld, ['run', relay.folder, '--port', '0'], { encoding: 'utf8', timeout: 30_000 });
  assert.equal(second.status, 1);
  assert.match(second.stderr, /another relay runs with this folder/);
  assert.equal(relay.try('status').status, 0, 'the first one is still heard on its socket');
  await newLog(await relay.connect());
  const init = relay.try('init');
  assert.deepEqual([init.status, /not empty/.test(init.stderr)], [1, true]);
  const nowhere = spawnSync(whimbreld, ['run', join(relay.folder, 'nowhere')], { encoding: 'utf8' });
  assert.equal(nowhere.status, 1);
  await relay.stop();
  const taken = net.createServer();
  await new Promise<void>(done => taken.listen(0, '127.0.0.1', done));
  const port = (taken.address() as net.AddressInfo).port;
  const busy = spawnSync(whimbreld, ['run', relay.folder, '--port', String(port), '--listen', '127.0.0.1'], { encoding: 'utf8', timeout: 30_000 });
  taken.close();
  assert.deepEqual([busy.status, /another program does/.test(busy.stderr)], [1, true], busy.stderr);
  relay.configure('no_such_thing = 1');
  const line = readFileSync(join(relay.folder, 'whimbreld.conf'), 'utf8').split('\n').length - 1;
  const wrong = relay.try('run');
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, new RegExp(`whimbreld\\.conf.*\\b${line}\\b.*no_such_thing`));
  const mine = join(relay.folder, 'mine.pem');
  writeFileSync(mine, 'a key of mine');
  for (const flag of ['--certificate', '--key', '--site', '--retention']) {
    const other = spawnSync(whimbreld, ['init', join(relay.folder, 'other'), flag, mine], { encoding: 'utf8' });
    assert.deepEqual([other.status, other.stderr.includes(flag), existsSync(mine)], [2, true, true]);
  }
  for (const words of [[], ['run'], ['fly', relay.folder], ['run', relay.folder, '--port'], ['run', relay.folder, 'a', 'b', 'c', 'd', 'e']]) {
    assert.equal(spawnSync(whimbreld, words, { encoding: 'utf8' }).status, 2, words.join(' '));
  }
});

test('whoever runs it as root is told how not to', async t => {
  if (!asRoot) return t.skip('this is not root');
  const relay = await Relay.start(t);
  assert.match(relay.output, /running as root.*chown -R/);
  await relay.stop();
  // The folder is still root's; the temporary one above it, too.
  const other = relay.try('run', '--user', 'nobody', '--port', '0', '--listen', '127.0.0.1');
  assert.deepEqual([other.status, /cannot be written by the user.*chown -R/.test(other.stderr)], [1, true], other.stderr);
  const stranger = relay.try('run', '--user', 'nobody-at-all', '--port', '0', '--listen', '127.0.0.1');
  assert.deepEqual([stranger.status, /no user nobody-at-all/.test(stranger.stderr)], [1, true], stranger.stderr);
});

test('systemd hands over the socket, and is told of readiness, reloads, the end, and life', async t => {
  if (!have('python3')) return t.skip('python3 is missing');
  const folder = temporary(t);
  // What stands in for systemd: a datagram socket that prints what it hears.
  const ear = spawn('python3', ['-u', '-c', `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('listening')
while True:
    print(s.recv(4096).decode().split('\\n')[0])`, join(folder, 'notify')], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => ear.kill());
  let heard = '';
  ear.stdout.on('data', (d: Buffer) => (heard += d.toString()));
  await until('the ear', () => heard.includes('listening'));
  const relay = join(folder, 'relay'), port = await freePort();
  execFileSync(whimbreld, ['init', relay, '--host', '127.0.0.1', '--port', String(port), '--open']);
  // It listens before the relay is there, and becomes it.
  const child = spawn('python3', ['-c', `
import os, socket, sys
s = socket.create_server(('127.0.0.1', int(sys.argv[1])))
os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(NOTIFY_SOCKET=sys.argv[2], LISTEN_FDS='1', LISTEN_PID=str(os.getpid()), WATCHDOG_USEC='2000000')
os.execv(sys.argv[3], [sys.argv[3], 'run', sys.argv[4]])`, String(port), join(folder, 'notify'), whimbreld, relay],
    { stdio: ['ignore', 'ignore', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stderr.on('data', (d: Buffer) => (said += d.toString()));
  await until('READY=1', () => heard.includes('READY=1'));
  const address = execFileSync(whimbreld, ['address', relay], { encoding: 'utf8' }).trim();
  const c = await Client.connect(address);
  await newLog(c);
  await until('some beats', () => (heard.match(/WATCHDOG=1/g) ?? []).length >= 2);
  child.kill('SIGHUP');
  await until('RELOADING=1', () => /RELOADING=1[^]*READY=1/.test(heard));
  const gone = new Promise(done => child.once('exit', done));
  child.kill('SIGTERM');
  assert.equal(await within('the end', gone), 0, said);
  await until('STOPPING=1', () => heard.includes('STOPPING=1'));
});

test('the systemd unit allows every system call with which the relay encloses itself', t => {
  if (!have('systemd-analyze')) return t.skip('systemd-analyze is missing');
  const unit = readFileSync(join(process.env['NODE_PATH']!, '../dist/systemd/whimbreld.service'), 'utf8');
  const members = (set: string): string[] =>
    execFileSync('systemd-analyze', ['syscall-filter', set], { encoding: 'utf8' }).split('\n').slice(1)
      .map(l => l.trim()).filter(l => /^[@a-z]/.test(l)).flatMap(l => (l.startsWith('@') ? members(l) : [l]));
  const allowed = new Set(members('@default'));
  for (const [, not, list] of unit.matchAll(/^SystemCallFilter=(~?)(.*)$/gm)) {
    for (const name of list!.split(' ').flatMap(w => (w.startsWith('@') ? members(w) : [w]))) {
      if (not === '~') allowed.delete(name);
      else allowed.add(name);
    }
  }
  const wanted = ['landlock_create_ruleset', 'landlock_add_rule', 'landlock_restrict_self', 'seccomp', 'prctl', 'mlockall', 'setrlimit', 'prlimit64',
                  'socket', 'bind', 'listen', 'accept4', 'epoll_pwait', 'epoll_wait', 'fsync', 'fdatasync', 'flock', 'ftruncate', 'truncate', 'mmap'];
  assert.deepEqual(wanted.filter(name => !allowed.has(name)), []);
});
