// SPDX-License-Identifier: Apache-2.0
//
// What a censor sees of a client before anything is encrypted: its ClientHello (RFC 8446 §4.1.2). Ours is curl's, byte for byte but for what is
// random, where both are linked with the same OpenSSL; its JA4 is printed, and stands in docs/reach.md. What it offers for the looks of it is
// never used.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { AddressInfo, createServer as createTcp } from 'node:net';
import { join } from 'node:path';
import { TestContext, test } from 'node:test';
import { createServer as createTls } from 'node:tls';
import { within } from './client';
import { passphrase, skip, whimbrel } from './person';
import { Relay, have, temporary } from './relay';

interface Hello { bytes: Buffer; suites: number[]; extensions: Map<number, Buffer> }

function read(record: Buffer): Hello {
  const bytes = Buffer.from(record);
  let at = 5 + 4 + 2;
  const blank = (n: number): void => { bytes.fill(0, at, at + n); at += n; };
  blank(32);
  blank(1 + bytes[at]!); // the session's id, random as well
  const suites: number[] = [], n = bytes.readUInt16BE(at), extensions = new Map<number, Buffer>();
  for (let i = 0; i < n; i += 2) suites.push(bytes.readUInt16BE(at + 2 + i));
  at += 2 + n;
  at += 1 + bytes[at]!;
  for (at += 2; at < bytes.length;) {
    const type = bytes.readUInt16BE(at), length = bytes.readUInt16BE(at + 2), body = bytes.subarray(at + 4, at + 4 + length);
    extensions.set(type, body);
    if (type === 51) body.fill(0, 6); // the key share
    at += 4 + length;
  }
  return { bytes, suites, extensions };
}

const hex = (x: number): string => x.toString(16).padStart(4, '0');
const short = (x: string): string => createHash('sha256').update(x).digest('hex').slice(0, 12);

// JA4 of a client over TCP that offers TLS 1.3.
function ja4(h: Hello): string {
  const types = [...h.extensions.keys()], alpn = h.extensions.get(16), algorithms = h.extensions.get(13)!;
  const first = alpn === undefined ? '' : alpn.toString('latin1', 3, 3 + alpn[2]!);
  const list: string[] = [];
  for (let i = 2; i < algorithms.length; i += 2) list.push(hex(algorithms.readUInt16BE(i)));
  const two = (n: number): string => String(n).padStart(2, '0');
  return `t13${h.extensions.has(0) ? 'd' : 'i'}${two(h.suites.length)}${two(types.length)}${first === '' ? '00' : first[0]! + first.at(-1)!}` +
    `_${short(h.suites.map(hex).sort().join(','))}_${short(types.filter(x => x !== 0 && x !== 16).map(hex).sort().join(',') + '_' + list.join(','))}`;
}

// The first thing that somebody says who is sent to a port of this computer.
async function heard(t: TestContext, come: (port: number) => void): Promise<Hello> {
  return within('a ClientHello', new Promise<Hello>(done => {
    const server = createTcp(s => {
      s.on('error', () => s.destroy());
      s.once('data', (d: Buffer) => { done(read(d)); s.destroy(); });
    }).listen(0, '127.0.0.1', () => come((server.address() as AddressInfo).port));
    t.after(() => server.close());
  }));
}

const openssl = (program: string): string => /libssl\S* => (\S+)/.exec(spawnSync('ldd', [program], { encoding: 'utf8' }).stdout)?.[1] ?? '';
const path = (program: string): string => spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim();
const env = { ...process.env, WHIMBREL_PASSPHRASE: passphrase };

test('the ClientHello is curl\'s', { skip: skip || (have('curl') ? false : 'there is no curl') }, async t => {
  const relay = await Relay.start(t), folder = temporary(t);
  for (const host of ['localhost', '127.0.0.1']) { // with a name in it, and without
    const ours = await heard(t, port => {
      const address = relay.address.replace(/127\.0\.0\.1:\d+/, `${host}:${port}`);
      const bob = join(folder, `bob-${host}`);
      spawnSync(whimbrel, ['--profile', bob, 'init', '--name', 'bob', '--relay', address, '--quiet'], { env });
      const child = spawn(whimbrel, ['--profile', bob, 'engine'], { env, stdio: 'ignore' });
      t.after(() => child.kill('SIGKILL'));
    });
    const curls = await heard(t, port => { spawn('curl', ['-s', `https://${host}:${port}/`], { stdio: 'ignore' }); });
    console.log(`JA4 ${host}: ${ja4(ours)}`);
    if (openssl(whimbrel) !== '' && openssl(whimbrel) === openssl(path('curl'))) assert.deepEqual(ours.bytes, curls.bytes);
    else assert.deepEqual([...ours.extensions.get(16)!], [...curls.extensions.get(16)!]);
  }
});

test('TLS 1.2 is offered and never used, though the key is the right one', { skip }, async t => {
  const relay = await Relay.start(t), profile = join(temporary(t), 'carol');
  let opened = 0, data = 0;
  const server = createTls({ cert: readFileSync(join(relay.folder, 'certificate.pem')), key: readFileSync(join(relay.folder, 'key.pem')),
    maxVersion: 'TLSv1.2' }, s => { opened++; s.on('data', () => data++); });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  const address = relay.address.replace(/:\d+\//, `:${(server.address() as AddressInfo).port}/`);
  spawnSync(whimbrel, ['--profile', profile, 'init', '--name', 'carol', '--relay', address, '--quiet'], { env });
  const child = spawn(whimbrel, ['--profile', profile, 'proxy', 'test', '0'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  let said = '';
  child.stdout.on('data', (d: Buffer) => (said += d.toString()));
  const status = await within('the test to end', new Promise(done => child.once('exit', done)));
  spawnSync(whimbrel, ['--profile', profile, 'stop'], { env });
  assert.equal(status, 1);
  assert.match(said, /does not speak TLS 1\.3/);
  assert.deepEqual([opened, data], [0, 0]);
});
