// SPDX-License-Identifier: Apache-2.0
//
// The page for this computer's browser, as those see it who should not: other users of the computer, other sites, names that point here. And
// what it can do that the command line does with flags: make a profile, lock and unlock it, and survive the engine's death.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import net from 'node:net';
import { readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import WebSocket from 'ws';
import { Person, skip, until, whimbrel } from './person';
import { Relay, temporary } from './relay';

interface Reply { id?: number; ok?: boolean; method?: string; params?: { state?: string }; result?: unknown; error?: { code: number; message: string } }

class Page {
  readonly came: Reply[] = [];
  closed = 0;
  private next = 1;
  constructor(readonly socket: WebSocket) {
    socket.on('message', (x: Buffer) => { this.came.push(JSON.parse(x.toString()) as Reply); });
    socket.on('close', (code: number) => { this.closed = code; });
  }
  static async open(address: string, token?: string): Promise<Page> {
    const [base, own] = address.split('/#') as [string, string];
    const page = new Page(new WebSocket(base.replace('http', 'ws') + '/rpc', { origin: base }));
    await new Promise((resolve, reject) => { page.socket.once('open', resolve); page.socket.once('error', reject); });
    page.socket.send(JSON.stringify({ token: token ?? own }));
    await until(() => page.came.length > 0 || page.closed > 0, 10000);
    return page;
  }
  async call(method: string, params: object = {}): Promise<Reply> {
    const id = this.next++;
    this.socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    await until(() => this.came.some(r => r.id === id) || this.closed > 0, 30000);
    return this.came.find(r => r.id === id)!;
  }
}

const run = (profile: string, ...words: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(whimbrel, ['--profile', profile, ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

function start(t: TestContext): { profile: string; address: string } {
  let profile = '';
  t.after(() => run(profile, 'stop')); // before the folder goes, in which its socket is
  profile = join(temporary(t), 'me');
  const opened = run(profile, 'ui', '--json');
  assert.equal(opened.status, 0, opened.stderr);
  return { profile, address: (JSON.parse(opened.stdout) as { address: string }).address };
}

function ask(address: string, path: string, headers: Record<string, string>, method = 'GET'): Promise<{ status: number; body: string; headers: http.IncomingHttpHeaders }> {
  const to = new URL(address);
  return new Promise((resolve, reject) => {
    const r = http.request({ host: '127.0.0.1', port: to.port, path, method, headers: { host: to.host, ...headers }, setHost: false }, answer => {
      let body = '';
      answer.on('data', (x: Buffer) => { body += x.toString(); });
      answer.on('end', () => { resolve({ status: answer.statusCode!, body, headers: answer.headers }); });
    });
    r.on('error', reject);
    r.end();
  });
}

// A request with bytes both ways.
function move(address: string, path: string, headers: Record<string, string>, body?: Buffer): Promise<{ status: number; bytes: Buffer; headers: http.IncomingHttpHeaders }> {
  const to = new URL(address);
  return new Promise((resolve, reject) => {
    const r = http.request({ host: '127.0.0.1', port: to.port, path, method: body === undefined ? 'GET' : 'PUT', headers }, answer => {
      const parts: Buffer[] = [];
      answer.on('data', (x: Buffer) => { parts.push(x); });
      answer.on('end', () => { resolve({ status: answer.statusCode!, bytes: Buffer.concat(parts), headers: answer.headers }); });
    });
    r.on('error', reject);
    r.end(body);
  });
}

test('the page is served to this computer, and to no other name or site', { skip }, async t => {
  const { address } = start(t), host = new URL(address).host;
  assert.match(address, /^http:\/\/127\.0\.0\.1:\d+\/#[\w-]{43}$/);
  const page = await ask(address, '/', {});
  assert.equal(page.status, 200);
  assert.match(String(page.headers['content-security-policy']), /default-src 'none'.*frame-ancestors 'none'.*require-trusted-types-for 'script'/);
  assert.equal(page.headers['x-content-type-options'], 'nosniff');
  assert.equal(page.headers['x-dns-prefetch-control'], 'off'); // of the hosts in messages
  assert.equal((await ask(address, '/', { host: 'rebound.example:' + new URL(address).port })).status, 403);
  assert.equal((await ask(address, '/', { host: '127.0.0.1' })).status, 403);
  assert.equal((await ask(address, '/app.js', { origin: 'http://evil.example' })).status, 403);
  assert.equal((await ask(address, '/app.js', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).status, 403);
  assert.equal((await ask(address, '/', { host }, 'POST')).status, 405);
  for (const path of ['/keys', '/../keys', '/%2e%2e/keys', '/profile.db', '//', '/ui']) assert.notEqual((await ask(address, path, {})).body, '', path);
  for (const path of ['/keys', '/%2e%2e/keys', '/ui']) assert.ok([400, 404].includes((await ask(address, path, {})).status), path);
});

test('a socket from elsewhere, or without a token, gets nothing', { skip }, async t => {
  const { address } = start(t), base = address.split('/#')[0]!;
  for (const origin of ['http://evil.example', 'null', base.replace('127.0.0.1', 'localhost'), undefined]) {
    const s = new WebSocket(base.replace('http', 'ws') + '/rpc', origin === undefined ? {} : { origin });
    await assert.rejects(new Promise((resolve, reject) => { s.once('open', resolve); s.once('error', reject); }), /403/);
  }
  const stranger = await Page.open(address, 'A'.repeat(43));
  await until(() => stranger.closed > 0, 10000);
  assert.equal(stranger.closed, 1008);
  assert.equal(stranger.came.length, 0);
  const eager = new WebSocket(base.replace('http', 'ws') + '/rpc', { origin: base }), heard: string[] = [];
  eager.on('message', (x: Buffer) => { heard.push(x.toString()); });
  await new Promise(resolve => { eager.once('open', resolve); });
  const closed = new Promise(resolve => { eager.once('close', resolve); });
  eager.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'engine.stop', params: {} }));
  assert.equal(await closed, 1008);
  assert.deepEqual(heard, []);
});

test('a profile is made, locked, unlocked; the page outlives the engine', { skip }, async t => {
  const relay = await Relay.start(t), { profile, address } = start(t);
  let page = await Page.open(address);
  assert.deepEqual((await page.call('profile.status')).result, { state: 'none', name: '', passphrase: false, keyring: false });
  assert.equal((await page.call('chat.list')).error!.code, 4);
  await page.call('events.follow');
  const bad = await page.call('profile.create', { name: 'alice', passphrase: 'correct horse', relay: 'nonsense' });
  assert.equal(bad.error!.code, 1);
  assert.equal((await page.call('profile.create', { name: 'alice', passphrase: 'correct horse', relay: relay.address })).result, true);
  assert.deepEqual((await page.call('profile.status')).result, { state: 'open', name: 'alice', passphrase: true, keyring: false });
  await until(() => page.came.some(r => r.method === 'profile' && r.params!.state === 'open'), 5000);
  assert.deepEqual((await page.call('chat.list')).result, []);
  assert.equal((await page.call('profile.lock')).result, true);
  assert.equal((await page.call('contact.list')).error!.code, 4);
  assert.equal(run(profile, 'chats').status, 3); // no terminal to ask for the passphrase
  assert.equal((await page.call('profile.unlock', { passphrase: 'wrong' })).error!.code, 5);
  assert.equal((await page.call('profile.unlock', { passphrase: 'correct horse' })).result, true);
  assert.deepEqual((await page.call('contact.list')).result, []);
  run(profile, 'stop');
  await until(() => page.closed > 0, 10000);
  assert.equal(run(profile, 'ui', '--json').status, 0); // another engine, on the same port, which knows the old token
  page = await Page.open(address);
  assert.deepEqual((await page.call('profile.status')).result, { state: 'locked', name: '', passphrase: true, keyring: false });
  const kept = readFileSync(join(profile, 'ui'), 'utf8'), token = address.split('#')[1]!;
  assert.ok(!kept.includes(token));
  assert.equal(statSync(join(profile, 'ui')).mode & 0o777, 0o600);
});

// Whoever waits at the port while no engine runs is shown the token by a page that is still open: it is of no use to them.
test('another user of this computer is not answered, whatever they know', { skip: skip || (process.getuid!() === 0 ? false : 'only root can be another user') }, async t => {
  const { address } = start(t), to = new URL(address);
  const get = (uid: number): string => spawnSync('bash', ['-c',
    `exec 3<>/dev/tcp/127.0.0.1/${to.port} && printf 'GET / HTTP/1.1\\r\\nHost: ${to.host}\\r\\nConnection: close\\r\\n\\r\\n' >&3 && cat <&3`],
  { uid, cwd: '/', encoding: 'utf8' }).stdout;
  assert.match(get(0), /^HTTP\/1.1 200 /);
  assert.equal(get(65534), '');
  assert.equal((await ask(address, '/', {})).status, 200);
});

// Where a player may ask for a message's file; '' where it is nothing to play.
async function played(address: string, message: number, token: Record<string, string>): Promise<string> {
  return String((await ask(address, `/file/${message}`, token, 'HEAD')).headers['content-location'] ?? '');
}

async function plays(address: string, message: number, token: Record<string, string>, type: string, bytes: Buffer): Promise<void> {
  assert.equal((await ask(address, `/file/${message}`, {}, 'HEAD')).headers['content-location'], undefined);
  const path = await played(address, message, token), video = { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'video' };
  if (!type.startsWith('video/')) return assert.equal(path, '');
  assert.match(path, new RegExp(`^/play/${message}/[\\w-]{43}$`));
  const part = await move(address, path, { ...video, range: 'bytes=5-9' });
  assert.deepEqual([part.status, part.headers['content-type'], part.headers['content-range']], [206, type, `bytes 5-9/${bytes.length}`]);
  assert.ok(part.bytes.equals(bytes.subarray(5, 10)));
  assert.ok((await move(address, path, video)).bytes.equals(bytes));
  const other = path.slice(0, -1) + (path.endsWith('A') ? 'E' : 'A');
  for (const wrong of [other, path.replace(`/${message}/`, `/${message + 1}/`), `/play/${message}/`, `${path}/`]) assert.equal((await move(address, wrong, video)).status, 404, wrong);
  for (const from of [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'video' }, { ...video, 'sec-fetch-dest': 'iframe' }, { ...video, 'sec-fetch-dest': 'empty' },
    { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }, { origin: 'http://evil.example' }, { host: `rebound.example:${new URL(address).port}` }]) {
    assert.equal((await move(address, path, from)).status, 403, JSON.stringify(from));
  }
}

test('files go in and out, to whoever shows the token', { skip }, async t => {
  const relay = await Relay.start(t), { profile, address } = start(t), page = await Page.open(address);
  await page.call('profile.create', { name: 'alice', passphrase: 'correct horse', relay: relay.address });
  const bob = new Person(t, temporary(t), 'bob', relay);
  const { link } = (await page.call('invite.create', { personal: true })).result as { link: string };
  await until(() => (JSON.parse(run(profile, 'status', '--json').stdout) as { waiting: number }).waiting === 0, 30000);
  bob.ok('accept', link);
  await until(() => (JSON.parse(run(profile, 'chats', '--json').stdout) as { members: number }[]).some(c => c.members === 2), 30000);
  const chat = ((await page.call('chat.list')).result as { id: number }[])[0]!.id;
  const token = { authorization: `Bearer ${address.split('#')[1]!}` };
  assert.equal((await move(address, '/file', {}, Buffer.from('x'))).status, 401);
  assert.equal((await move(address, '/file', { authorization: 'Bearer ' + 'A'.repeat(43) }, Buffer.from('x'))).status, 401);
  assert.equal((await move(address, '/file', { ...token, origin: 'http://evil.example' }, Buffer.from('x'))).status, 403);
  assert.equal((await move(address, '/file/1', token)).status, 404);
  for (const [name, type, size] of [['film.mp4', 'video/mp4', 3_000_000], ['page.html', 'text/html', 20], ['nothing.png', 'image/png', 0]] as const) {
    const bytes = randomBytes(size), put = await move(address, '/file', token, bytes);
    assert.equal(put.status, 201);
    const { upload } = JSON.parse(put.bytes.toString()) as { upload: number };
    const { file } = (await page.call('file.send', { chat, upload, name, type })).result as { file: number };
    assert.equal((await page.call('file.send', { chat, upload, name })).error!.code, 2); // once
    const message = async (): Promise<number> => ((await page.call('file.look', { file })).result as { message: number }).message;
    let said = 0;
    for (let i = 0; said === 0 && i < 300; i++) {
      said = await message();
      await new Promise(done => setTimeout(done, 50));
    }
    const got = await move(address, `/file/${said}`, token);
    assert.equal(got.status, 200);
    assert.ok(got.bytes.equals(bytes), name);
    assert.equal(got.headers['content-type'], name === 'page.html' ? 'application/octet-stream' : type);
    assert.match(String(got.headers['content-disposition']), name === 'page.html' ? /^attachment; / : /^inline; /);
    assert.equal(got.headers['x-content-type-options'], 'nosniff');
    assert.match(String(got.headers['content-security-policy']), /sandbox/);
    assert.equal((await move(address, `/file/${said}`, {})).status, 401);
    await plays(address, said, token, type, bytes);
    if (size < 1000) continue;
    const part = await move(address, `/file/${said}`, { ...token, range: 'bytes=1000000-1999999' });
    assert.deepEqual([part.status, part.headers['content-range'], part.bytes.length], [206, 'bytes 1000000-1999999/3000000', 1_000_000]);
    assert.ok(part.bytes.equals(bytes.subarray(1_000_000, 2_000_000)));
    assert.equal((await move(address, `/file/${said}`, { ...token, range: 'bytes=-1' })).bytes[0], bytes[size - 1]);
    assert.equal((await move(address, `/file/${said}`, { ...token, range: 'bytes=3000000-' })).status, 416);
    await until(() => bob.json<{ name: string; state: string }[]>('file', 'list')[0]?.state === 'here', 30000);
  }
  const film = await played(address, 1, token);
  assert.equal((await move(address, film, {})).status, 200);
  assert.equal((await page.call('profile.lock')).result, true);
  assert.equal((await move(address, '/file/1', token)).status, 404);
  assert.equal((await move(address, film, {})).status, 404);
  assert.equal((await page.call('profile.unlock', { passphrase: 'correct horse' })).result, true);
  assert.equal((await move(address, film, {})).status, 404); // it was good for that session
  assert.equal((await move(address, await played(address, 1, token), {})).status, 200);
  assert.equal((await page.call('profile.lock')).result, true);
  assert.equal((await move(address, '/file', token, Buffer.from('x'))).status, 404);
});

test('an archive goes to the page while the engine goes on, and comes back where there is no profile', { skip }, async t => {
  const relay = await Relay.start(t), { profile, address } = start(t), page = await Page.open(address), words = 'four quite random words';
  const token = { authorization: `Bearer ${address.split('#')[1]!}` };
  await page.call('profile.create', { name: 'alice', passphrase: 'correct horse', relay: relay.address });
  const { chat } = (await page.call('chat.self')).result as { chat: number };
  await Promise.all(Array.from({ length: 600 }, (_, i) => page.call('message.send', { chat, text: `note ${i}` })));
  await page.call('events.follow');
  assert.equal((await move(address, '/file/archive', token)).status, 404);
  const [written, said] = await Promise.all([page.call('profile.backup', { passphrase: words }), page.call('message.send', { chat, text: 'meanwhile' })]);
  assert.ok(written.result !== undefined && said.result !== undefined);
  const at = (id: number): number => page.came.findIndex(r => r.id === id);
  assert.ok(at(said.id!) < at(written.id!), 'nobody waits for it');
  assert.ok(page.came.some(r => r.method === 'backup'), 'it tells how far it is');
  assert.equal((await move(address, '/file/archive', {})).status, 401);
  const got = await move(address, '/file/archive', token);
  assert.equal(got.status, 200);
  assert.equal(got.bytes.subarray(0, 8).toString(), 'whimarch');
  assert.match(String(got.headers['content-disposition']), /^attachment/);
  assert.equal((await move(address, '/file/archive', token, got.bytes)).status, 409); // there is a profile
  const [stopped] = await Promise.all([page.call('profile.backup', { passphrase: words }), page.call('profile.backup_stop')]);
  assert.match(stopped.error!.message, /stopped/);
  assert.equal((await move(address, '/file/archive', token)).status, 404);
  assert.ok(!readdirSync(profile).some(x => x.startsWith('archive')));

  const other = start(t), fresh = await Page.open(other.address), own = { authorization: `Bearer ${other.address.split('#')[1]!}` };
  assert.equal((await fresh.call('profile.restore', { passphrase: words })).error!.code, 1); // of what?
  assert.equal((await move(other.address, '/file/archive', {}, got.bytes)).status, 401);
  assert.equal((await move(other.address, '/file/archive', own, got.bytes.subarray(0, -1))).status, 201);
  assert.match((await fresh.call('profile.restore', { passphrase: words })).error!.message, /damaged/);
  assert.deepEqual(readdirSync(other.profile).filter(x => /archive|keys|profile/.test(x)), []);
  assert.equal((await move(other.address, '/file/archive', own, got.bytes)).status, 201);
  assert.equal((await fresh.call('profile.restore', { passphrase: 'not these' })).error!.code, 5);
  assert.equal((await fresh.call('profile.restore', { passphrase: words })).result, true); // what was put is still there
  assert.deepEqual((await fresh.call('profile.status')).result, { state: 'open', name: 'alice', passphrase: true, keyring: false });
  const texts = ((await fresh.call('message.list', { chat, limit: 1000 })).result as { text: string }[]).map(m => m.text);
  assert.ok(texts.includes('note 599') && !texts.includes('meanwhile'), 'all as it was when it began');
  assert.ok(!readdirSync(other.profile).some(x => x.startsWith('archive')));
  assert.equal((await fresh.call('profile.restore', { passphrase: words })).error!.code, 1);
});

// The engine of a profile; undefined when none runs.
function engineOf(profile: string): number | undefined {
  const found = readdirSync('/proc').find(pid => {
    try { return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`\0${profile}\0`); } catch { return false; }
  });
  return found === undefined ? undefined : Number(found);
}

test('an archive that was begun and not ended leaves nothing', { skip }, async t => {
  const relay = await Relay.start(t), { profile, address } = start(t), to = new URL(address), token = { authorization: `Bearer ${address.split('#')[1]!}` };
  const left = (): string[] => readdirSync(profile).filter(x => x.startsWith('archive'));
  const half = (): net.Socket => {
    const socket = net.connect(Number(to.port), '127.0.0.1').on('error', () => undefined);
    socket.write(`PUT /file/archive HTTP/1.1\r\nHost: ${to.host}\r\nAuthorization: ${token.authorization}\r\nContent-Length: 1000\r\n\r\nwhimarch`);
    return socket;
  };
  const first = half();
  await until(() => left().length > 0, 10000);
  assert.equal(statSync(join(profile, 'archive.in')).mode & 0o777, 0o600);
  const second = await move(address, '/file/archive', token, Buffer.from('another')); // a second window, or a second click
  assert.deepEqual([second.status, left()], [409, ['archive.in']]);
  first.destroy(); // the window is closed
  await until(() => left().length === 0, 10000);
  half();
  await until(() => left().length > 0, 10000);
  process.kill(engineOf(profile)!, 'SIGKILL');
  await until(() => engineOf(profile) === undefined, 10000);
  assert.deepEqual(left(), ['archive.in']);
  assert.equal(run(profile, 'ui', '--json').status, 0);
  assert.deepEqual(left(), []);

  const page = await Page.open(address), other = await Page.open(address), words = 'four quite random words';
  assert.equal((await move(address, '/file/archive', token, Buffer.from('not wanted after all'))).status, 201);
  await page.call('profile.create', { name: 'alice', passphrase: 'correct horse', relay: relay.address });
  assert.deepEqual(left(), []);
  const { chat } = (await page.call('chat.self')).result as { chat: number };
  await Promise.all(Array.from({ length: 600 }, (_, i) => page.call('message.send', { chat, text: `note ${i}` })));
  page.socket.send(JSON.stringify({ jsonrpc: '2.0', id: 'last', method: 'profile.backup', params: { passphrase: words } }), () => page.socket.terminate());
  await until(() => left().length > 0, 10000);
  const path = join(dirname(profile), 'kept');
  for (let tries = 0; (await other.call('profile.backup', { path, passphrase: words })).error !== undefined; tries++) assert.ok(tries < 1000); // one at a time
  assert.deepEqual(left(), []);
});

test('the window is led on to another profile, and nothing else is', { skip }, async t => {
  let folder = '';
  t.after(() => run(join(folder, 'work'), 'stop')); // before the folder goes
  const { profile, address } = start(t), page = await Page.open(address), window = { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
  folder = dirname(profile);
  const { ticket } = (await page.call('profiles.open', { name: 'work', make: true })).result as { ticket: string };
  assert.match(ticket, /^[\w-]{43}$/);
  assert.equal((await ask(address, '/go/' + 'A'.repeat(43), window)).status, 404);
  assert.equal((await ask(address, '/go/', window)).status, 404);
  for (const [mode, dest] of [['cors', 'empty'], ['no-cors', 'image'], ['navigate', 'iframe']] as const) // a script, or markup
    assert.equal((await ask(address, '/go/' + ticket, { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': mode, 'sec-fetch-dest': dest })).status, 404);
  const led = await ask(address, '/go/' + ticket, window);
  assert.equal(led.status, 303);
  const other = await Page.open(String(led.headers.location));
  assert.equal(((await other.call('profile.status')).result as { state: string }).state, 'none');
  assert.equal((await ask(address, '/go/' + ticket, window)).status, 404); // once
  for (const params of [{ name: '../me', make: true }, { name: '', make: true }, { name: 'nobody' }])
    assert.ok([1, 2].includes((await page.call('profiles.open', params)).error!.code), JSON.stringify(params));
  assert.deepEqual(readdirSync(folder).sort(), ['me', 'work']);
});

test('an engine whose profile is taken away ends', { skip }, async t => {
  const { profile } = start(t);
  const runs = (): boolean => engineOf(profile) !== undefined;
  assert.ok(runs());
  rmSync(profile, { recursive: true });
  await until(() => !runs(), 20000);
});
