// SPDX-License-Identifier: Apache-2.0
//
// What strangers see (docs/protocol.md §1): a static web site, by curl, by openssl s_client, and by bytes of our own. Whatever is
// asked about the secret path without the handshake, or with the handshake about another path, gets what a path gets that is not there.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import * as net from 'node:net';
import { join } from 'node:path';
import { TestContext, test } from 'node:test';
import { Address, dial, parseAddress, within } from './client';
import { Relay, have } from './relay';

function curl(t: TestContext, to: Address, path: string, ...flags: string[]): { status: number; head: string; body: string } | undefined {
  if (!have('curl')) {
    t.skip('curl is missing');
    return undefined;
  }
  const r = spawnSync('curl', ['-sik', '--max-time', '30', ...flags, `https://127.0.0.1:${to.port}${path}`], { encoding: 'utf8', maxBuffer: 1 << 24 });
  assert.equal(r.status, 0, r.stderr);
  const at = r.stdout.indexOf('\r\n\r\n');
  return { status: Number(r.stdout.split(' ')[1]), head: r.stdout.slice(0, at), body: r.stdout.slice(at + 4) };
}

// All that comes for these bytes until the relay closes, without the time of day. When an answer has begun to come, a request of a kind
// that ends the connection is sent behind it: its answer, 405, is there if the connection was kept open, and not if it was not.
async function answer(to: Address, bytes: Buffer | string): Promise<string> {
  const socket = await dial(to);
  let got = '';
  socket.on('data', d => {
    if (got === '') socket.write('PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    got += d.toString('latin1');
  });
  socket.write(bytes);
  await within('an answer', new Promise<void>(resolve => socket.once('close', () => resolve())));
  return got.replace(/^Date: .*\r\n/gm, '');
}

test('curl sees a site', async t => {
  const relay = await Relay.start(t);
  const to = parseAddress(relay.address);
  const index = curl(t, to, '/');
  if (index === undefined) return;
  assert.equal(index.status, 200);
  assert.match(index.body, /<title>Welcome<\/title>/);
  assert.match(index.head, /^Content-Type: text\/html; charset=utf-8\r$/m);
  assert.match(index.head, /^Last-Modified: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r$/m);
  const etag = /^ETag: (.*)\r$/m.exec(index.head)![1]!;
  assert.equal(curl(t, to, '/', '-H', `If-None-Match: ${etag}`)!.status, 304);
  assert.equal(curl(t, to, '/robots.txt')!.status, 200);
  assert.equal(curl(t, to, '/nothing')!.status, 404);
  assert.equal(curl(t, to, '/../whimbreld.conf', '--path-as-is')!.status, 400);
  assert.equal(curl(t, to, '/%2e%2e/whimbreld.conf', '--path-as-is')!.status, 400);
  const head = curl(t, to, '/', '-I')!;
  assert.deepEqual([head.status, head.body], [200, '']);
  assert.match(head.head, /^Content-Length: [1-9]/m);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    const r = curl(t, to, '/', '-X', method)!;
    assert.equal(r.status, 405);
    assert.match(r.head, /^Allow: GET, HEAD\r$/m);
  }
  assert.equal(curl(t, to, '/', '--http1.0')!.status, 200);
  assert.equal(curl(t, to, '/', '--http2')!.status, 200);
  for (const name of ['Server', 'Via', 'Sec-WebSocket']) assert.doesNotMatch(index.head, new RegExp(`^${name}`, 'mi'));
});

test('the operator\'s own pages are shown, their 404 too', async t => {
  const relay = await Relay.start(t, { before: r => {
    writeFileSync(join(r.folder, 'site', '404.html'), '<title>Nothing here</title>');
    writeFileSync(join(r.folder, 'site', 'large.css'), Buffer.alloc(3_000_000, 'a'));
    writeFileSync(join(r.folder, 'site', '.hidden'), 'hidden');
  } });
  const to = parseAddress(relay.address);
  const missing = curl(t, to, '/missing');
  if (missing === undefined) return;
  assert.deepEqual([missing.status, missing.body], [404, '<title>Nothing here</title>']);
  assert.equal(curl(t, to, '/.hidden')!.status, 404);
  const large = curl(t, to, '/large.css')!;
  assert.deepEqual([large.status, large.body.length], [200, 3_000_000]);
  const secret = await answer(to, `GET ${to.path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  assert.equal(secret, await answer(to, 'GET /missing HTTP/1.1\r\nHost: a\r\n\r\n'));
});

const handshake = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

test('nothing tells the secret path from one that is not there, but the whole handshake at it', async t => {
  const relay = await Relay.start(t);
  const to = parseAddress(relay.address);
  const shapes: [string, (path: string) => string][] = [
    ['GET', p => `GET ${p} HTTP/1.1\r\nHost: a\r\n\r\n`],
    ['HEAD', p => `HEAD ${p} HTTP/1.1\r\nHost: a\r\n\r\n`],
    ['POST', p => `POST ${p} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc`],
    ['OPTIONS', p => `OPTIONS ${p} HTTP/1.1\r\nHost: a\r\n\r\n`],
    ['HTTP/1.0', p => `GET ${p} HTTP/1.0\r\n\r\n`],
    ['HTTP/1.0, to be kept', p => `GET ${p} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`],
    ['HTTP/1.0 with a handshake', p => `GET ${p} HTTP/1.0\r\nHost: a\r\n${handshake}\r\n`],
    ['no host', p => `GET ${p} HTTP/1.1\r\n${handshake}\r\n`],
    ['an upgrade by HEAD', p => `HEAD ${p} HTTP/1.1\r\nHost: a\r\n${handshake}\r\n`],
    ['an upgrade by POST', p => `POST ${p} HTTP/1.1\r\nHost: a\r\n${handshake}\r\n`],
    ['an upgrade with a body', p => `GET ${p} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n${handshake}\r\nab`],
    ['another version', p => `GET ${p} HTTP/1.1\r\nHost: a\r\n${handshake.replace('13', '8')}\r\n`],
    ['a key that is none', p => `GET ${p} HTTP/1.1\r\nHost: a\r\n${handshake.replace('dGhl', 'd')}\r\n`],
    ['no key', p => `GET ${p} HTTP/1.1\r\nHost: a\r\n${handshake.replace(/Sec-WebSocket-Key.*\r\n/, '')}\r\n`],
    ['two keys', p => `GET ${p} HTTP/1.1\r\nHost: a\r\n${handshake}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`],
    ['an upgrade to h2c', p => `GET ${p} HTTP/1.1\r\nHost: a\r\n${handshake.replace('websocket', 'h2c')}\r\n`],
    ['no Connection', p => `GET ${p} HTTP/1.1\r\nHost: a\r\n${handshake.replace('Connection: Upgrade\r\n', '')}\r\n`],
    ['HTTP/2.0', p => `GET ${p} HTTP/2.0\r\nHost: a\r\n${handshake}\r\n`],
    ['conditions', p => `GET ${p} HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\nRange: bytes=0-1\r\n\r\n`],
    ['a line without CR', p => `GET ${p} HTTP/1.1\nHost: a\n\n`],
    ['too long a line', p => `GET ${p}?${'a'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`],
    ['too many headers', p => `GET ${p} HTTP/1.1\r\nHost: a\r\n${'X-A: b\r\n'.repeat(5_000)}\r\n`],
    ['two requests at once', p => `GET ${p} HTTP/1.1\r\nHost: a\r\n\r\nGET ${p} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`],
  ];
  const other = '/' + [...to.path.slice(1)].reverse().join('');
  for (const [name, shape] of shapes) {
    const wanted = await answer(to, shape(other));
    assert.match(wanted, /^HTTP\/1\.1 [45]\d\d /, name);
    assert.equal(await answer(to, shape(to.path)), wanted, name);
  }
  // The handshake elsewhere: near the secret, and at files that there are.
  const full = (p: string): string => `GET ${p} HTTP/1.1\r\nHost: a\r\n${handshake}\r\n`;
  const missing = await answer(to, full(other));
  assert.match(missing, /^HTTP\/1\.1 404 /);
  const last = to.path.slice(-1);
  const near = [to.path.slice(0, -1), to.path + 'A', to.path.slice(0, -1) + (last === 'A' ? 'B' : 'A'), to.path.toUpperCase() + '0', to.path + '?',
                to.path + '?a=b', `/${to.path}`, `${to.path}/`, `https://a${to.path}`,
                `/%${to.path.charCodeAt(1).toString(16)}${to.path.slice(2)}`];
  for (const p of near) assert.equal(await answer(to, full(p)), missing, `a handshake at ${p.length} characters near the secret`);
  const file = await answer(to, full('/robots.txt'));
  assert.equal(file, await answer(to, 'GET /robots.txt HTTP/1.1\r\nHost: a\r\n\r\n'), 'a file is a file, whoever wants a WebSocket');
  assert.match(await answer(to, full(to.path)), /^HTTP\/1\.1 101 /);
  const both = await answer(to, `GET / HTTP/1.1\r\nHost: a\r\n\r\n${full(to.path)}`);
  assert.match(both, /^HTTP\/1\.1 200 [^]*HTTP\/1\.1 101 /, 'a client may have been a visitor before');
});

test('junk gets what a web server gives for it, and the relay stays', async t => {
  const relay = await Relay.start(t);
  const to = parseAddress(relay.address);
  const junk = [Buffer.from('\0\0\0\0\r\n\r\n'), Buffer.from('SSH-2.0-OpenSSH_9.2\r\n\r\n'), Buffer.from('GET\r\n\r\n'), Buffer.from('\r\n\r\n\r\n'),
                Buffer.from([0x82, 0x85, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 10]), Buffer.from('EHLO a\r\n\r\n'), Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')];
  for (const bytes of junk) {
    const a = await answer(to, bytes);
    assert.match(a, /^HTTP\/1\.1 (400|505) /, bytes.toString('latin1'));
    assert.doesNotMatch(a, / 405 /, 'closed');
  }
  assert.match(await answer(to, Buffer.alloc(200_000, 'A')), /^HTTP\/1\.1 4\d\d /);
  // What is no TLS at all.
  for (const bytes of ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', '\x16\x03\x01\xff\xff', 'x'.repeat(1000)]) {
    const socket = net.connect(to.port, to.host);
    socket.on('error', () => undefined);
    socket.write(Buffer.from(bytes, 'latin1'));
    let got = Buffer.alloc(0);
    socket.on('data', d => (got = Buffer.concat([got, d])));
    await within('the relay to close', new Promise<void>(resolve => socket.once('close', () => resolve())));
    assert.ok(got.length === 0 || got[0] === 0x15, 'a TLS alert or nothing');
  }
  assert.match(await answer(to, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'), /^HTTP\/1\.1 200 /);
});

test('openssl s_client sees TLS 1.3 and nothing older', async t => {
  if (!have('openssl')) return t.skip('openssl is missing');
  const relay = await Relay.start(t);
  const to = parseAddress(relay.address);
  const client = (...flags: string[]) =>
    spawnSync('openssl', ['s_client', '-connect', `127.0.0.1:${to.port}`, '-ign_eof', ...flags],
      { encoding: 'utf8', input: 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', timeout: 60_000 });
  const good = client();
  assert.match(good.stdout, /TLSv1\.3/);
  assert.match(good.stdout, /HTTP\/1\.1 200 OK/);
  const old = client('-tls1_2');
  assert.doesNotMatch(old.stdout, /HTTP\/1\.1/);
  assert.match(old.stderr + old.stdout, /alert protocol version|handshake failure/);
  const alpn = client('-alpn', 'h2,http/1.1');
  assert.doesNotMatch(alpn.stdout, /ALPN protocol: h2/);
  const hybrid = client('-groups', 'X25519MLKEM768');
  // Both sides need OpenSSL 3.5 for it.
  if (/X25519MLKEM768/.test(hybrid.stdout)) assert.match(hybrid.stdout, /HTTP\/1\.1 200 OK/);
  else t.diagnostic('the hybrid group was not tried: OpenSSL here is older than 3.5');
  assert.ok(existsSync(join(relay.folder, 'certificate.pem')));
});
