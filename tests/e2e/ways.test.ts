// SPDX-License-Identifier: Apache-2.0
//
// What a relay publishes of further ways to it (docs/protocol.md §2.2): in the operator's order, completed, signed with the key that clients
// know it by, and newer after each reload.
import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';
import { until } from './client';
import { Reader } from './codec';
import { Relay } from './relay';

interface Published { issued: number; ways: string[] }

function open(bytes: Buffer, pin: string): Published {
  const r = new Reader(bytes);
  assert.equal(r.u8(), 1);
  const issued = r.u64(), ways = r.vector(x => x.opaque().toString('latin1'));
  const key = r.opaque(), signature = r.opaque();
  r.end();
  // The key and the signature stand at the end, each behind its length.
  const length = (x: Buffer): number => x.length + (x.length < 64 ? 1 : 2);
  const said = bytes.subarray(0, bytes.length - length(key) - length(signature));
  assert.equal(createHash('sha256').update(key).digest('base64url'), pin);
  const signed = Buffer.concat([Buffer.from('Whimbrel relay ways'), said]);
  assert.ok(verify('sha256', signed, createPublicKey({ key, format: 'der', type: 'spki' }), signature));
  return { issued, ways };
}

test('a relay tells of further ways to it, signed', async t => {
  const relay = await Relay.start(t, { config: ['publish = wss://other.example:8443', 'publish = socks5://friend:word@192.0.2.7:1080'] });
  const [, secret, pin] = /^wss:\/\/[^/]+\/([^#]+)#(.+)$/.exec(relay.address)!;
  const c = await relay.connect(), first = open((await c.ways()).published, pin!);
  assert.deepEqual(first.ways, [`wss://other.example:8443/${secret}#${pin}`, 'socks5://friend:word@192.0.2.7:1080']);
  assert.ok(Math.abs(first.issued - Date.now()) < 600_000);
  relay.configure('publish = bridge obfs4 192.0.2.9:443 0123456789ABCDEF0123456789ABCDEF01234567 cert=abc iat-mode=0');
  relay.signal('SIGHUP');
  await until('the relay to reload', () => relay.output.includes('reloaded'));
  const second = open((await c.ways()).published, pin!); // a connection from before
  assert.equal(second.ways.length, 3);
  assert.ok(second.issued > first.issued);
});

test('a relay that publishes nothing says so; a line that is no way is told', async t => {
  const relay = await Relay.start(t);
  assert.equal((await (await relay.connect()).ways()).published.length, 0);
  relay.configure('publish = other.example');
  relay.signal('SIGHUP');
  await until('the relay to refuse', () => relay.output.includes('not reloaded'));
  assert.match(relay.output, /publish is wss:\/\/HOST:PORT/);
});
