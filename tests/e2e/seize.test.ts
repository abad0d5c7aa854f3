// SPDX-License-Identifier: Apache-2.0
//
// Nothing to hand over: a conversation goes through a relay, and then whoever seizes it searches the data folder, all that the relay
// has said, and (as root) every readable byte of its memory. What must not be there: access keys, the hosting password, what the
// members said in the clear, addresses and names of client programs. So that a search that finds nothing means something, the same search has
// to find what is there: ids, hashes of keys, sealed entries.
import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { chmodSync, chownSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { random, sha256, until } from './client';
import { grantOf, member, newLog } from './logs';
import { Relay, asRoot as isRoot } from './relay';
import { Marks, canSearchMemory as asRoot, search, searchFolder, searchMemory, spell, unique } from './search';
import { canMisbehave, library } from '../fault/world';
import { rights } from './wire';

test('a seized relay has no key, no password, no plaintext and no address to hand over', async t => {
  const relay = await Relay.start(t, { open: false, flags: ['--verbose'] });
  const password = relay.command('host', 'add', 'newsroom').trim();
  relay.signal('SIGHUP');
  await until('the relay to reload', () => relay.output.includes('reloaded'));

  const plain = unique('meet me at the bridge'), agent = unique('agent-of-a-person'), sealer = random();
  const seal = (text: Buffer): Buffer => {
    const iv = random(12), c = createCipheriv('aes-256-gcm', sealer, iv);
    return Buffer.concat([iv, c.update(text), c.final(), c.getAuthTag()]);
  };
  const from = { localAddress: '127.77.88.99', agent: agent.toString() };
  const owner = await relay.connect(from);
  await owner.host(password);
  const log = await newLog(owner);
  const guest = random(), fresh = random(), blob = random(), blobKey = random();
  await owner.grant(log.id, log.admin, grantOf(guest, rights.read | rights.append));
  const others = [await relay.connect(from), await relay.connect(from)];
  for (const c of others) await c.follow({ tag: 1, log: log.id, key: guest, after: 0 });
  let sealed = seal(plain);
  for (let i = 0; i < 50; i++) await others[i % 2]!.append(log.id, guest, 0, (sealed = seal(plain)));
  await others[0]!.signal(log.id, guest, seal(plain));
  await owner.advance(log.id, log.key, 0, seal(plain), { hash: sha256(fresh), from: 0 });
  await owner.append(log.id, fresh, 1, seal(plain));
  await owner.put(log.id, log.admin, random(16), 'last resort', ['package']);
  await others[1]!.takePackages(log.id, guest);
  await owner.blobCreate(blob, blobKey, 1000);
  await owner.blobAppend(blob, blobKey, 0, seal(Buffer.concat([plain, plain])));
  await owner.revoke(log.id, log.admin, random());
  await others[1]!.entries(1, 52).catch(() => undefined);
  await others[0]!.append(log.id, random(), 0, 'with a wrong key').catch(() => undefined);
  await owner.host('a wrong password').catch(() => undefined);

  const secret: Marks = {
    ...spell('the owner\'s key', log.admin), ...spell('the group\'s key', log.key), ...spell('the guest\'s key', guest),
    ...spell('the new key', fresh), ...spell('the blob\'s key', blobKey), ...spell('the hosting password', Buffer.from(password)),
    ...spell('what was said', plain), ...spell('the members\' own key', sealer),
    'the name of the client program': agent, 'an address': Buffer.from('127.77.88.99'), 'an address in hex': Buffer.from('7f4d5863'),
    'an address, mapped': Buffer.from('ffff7f4d5863', 'hex'),
    'an address in a struct': Buffer.from('7f4d58630000000000000000', 'hex'), // four bytes alone may stand anywhere by chance
  };
  const there: Marks = { 'the log\'s id': log.id, 'the hash of a key': sha256(fresh), 'a sealed entry': sealed };

  // While they are connected: what the relay keeps of a connection is no key, but its address, by which it is counted.
  await owner.stat(log.id, fresh);
  if (asRoot) {
    const found = searchMemory(relay.pid, secret);
    for (const name of found) assert.match(name, /^an address(,| in a struct)/, `in memory, of a connection that is open: ${name}`);
  }
  for (const c of [owner, ...others]) await c.close();
  await until('the relay to let them go', () => /^whimbrel_connections 0$/m.test(relay.ask('metrics')));
  if (asRoot) {
    // An address that has left is remembered for two seconds more, with what it may still ask for.
    let found = ['nothing was searched yet'];
    await until('all to be forgotten', () => (found = [...searchMemory(relay.pid, secret)]).length === 0, 20_000)
      .catch(() => assert.deepEqual(found, [], 'in memory'));
    assert.equal(searchMemory(relay.pid, there).size, 3, 'the search of memory finds what is there');
  } else {
    t.diagnostic('the memory was not searched: only root may read it, and not with a sanitizer');
  }
  assert.deepEqual([...searchFolder(relay.folder, secret)], [], 'in the folder of a relay that runs');
  await relay.stop();
  assert.deepEqual([...searchFolder(relay.folder, secret)], [], 'in the folder');
  assert.equal(searchFolder(relay.folder, there).size, 3, 'the search of the folder finds what is there');
  const log_ = new Set<string>();
  search(Buffer.from(relay.output), { ...secret, ...there, 'the log\'s id, hex': Buffer.from(log.id.toString('hex')) }, log_);
  assert.deepEqual([...log_], [], 'in what it said');
  assert.doesNotMatch(relay.output, /127\.77|::ffff/);
});

test('secrets reach neither core dumps nor swap', async t => {
  const relay = await Relay.start(t, canMisbehave ? { prefix: ['env', `LD_PRELOAD=${library}`, 'WHIMBREL_UNLIMITED=1'] } : {});
  assert.match(readFileSync(`/proc/${relay.pid}/limits`, 'utf8'), /^Max core file size +0 +0 /m);
  if (!asRoot || !canMisbehave) return t.skip('only root may lock so much memory');
  const locked = /^VmLck:\s+(\d+) kB/m.exec(readFileSync(`/proc/${relay.pid}/status`, 'utf8'));
  assert.ok(Number(locked![1]) > 1000, `${locked![1]} kB locked`);
  for (const part of readFileSync(`/proc/${relay.pid}/smaps`, 'utf8').split(/\n(?=[0-9a-f]+-)/)) {
    if (/ rw-p | rw-s /.test(part.split('\n')[0]!)) assert.match(part, /^VmFlags:.* lo\b/m, part.split('\n')[0]);
  }
});

test('a relay that root started is another user, without dumps, and cannot come back', async t => {
  if (!isRoot) return t.skip('only root can become another user');
  const relay = await Relay.start(t, { config: ['user = nobody'], before: r => give(r.folder) });
  const status = readFileSync(`/proc/${relay.pid}/status`, 'utf8');
  const uids = /^Uid:\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)/m.exec(status)!.slice(1).map(Number);
  assert.ok(uids.every(u => u === uids[0] && u !== 0));
  assert.match(status, /^Groups:\s*$/m);
  for (const set of ['CapPrm', 'CapEff', 'CapAmb']) assert.match(status, new RegExp(`^${set}:\\s+0+$`, 'm'));
  assert.match(status, /^NoNewPrivs:\s+1$/m);
  assert.match(status, /^Seccomp:\s+2$/m);
  // The files of a process that may be dumped are its user's; of one that may not, root's.
  assert.equal(statSync(`/proc/${relay.pid}/mem`).uid, 0);
  const c = await relay.connect();
  const log = { id: random(), key: random() };
  await c.create(log.id, [grantOf(log.key, member | rights.admin)]);
  assert.equal((await c.append(log.id, log.key, 0, 'works')).seq, 1);
});

function give(folder: string): void {
  const nobody = Number(/^nobody:[^:]*:(\d+)/m.exec(readFileSync('/etc/passwd', 'utf8'))![1]);
  chmodSync(join(folder, '..'), 0o755);
  const all = (path: string): void => {
    chownSync(path, nobody, nobody);
    if (statSync(path).isDirectory()) for (const name of readdirSync(path)) all(join(path, name));
  };
  all(folder);
}
