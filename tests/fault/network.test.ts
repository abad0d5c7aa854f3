// SPDX-License-Identifier: Apache-2.0
//
// A network that goes away without a word, and comes back: in a network namespace of its own, whose loopback device is taken down.
// Neither side hears of it; the relay has to let go by itself, and the clients, when they come again, lack nothing.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { random, until } from '../e2e/client';
import { newLog } from '../e2e/logs';
import { Relay, asRoot, have } from '../e2e/relay';

if (process.env['WHIMBREL_INSIDE'] === undefined) {
  test('a network that goes away and comes back', t => {
    if (!asRoot || !have('unshare') || !have('ip')) return t.skip('only root can make a network namespace, with unshare and ip');
    const inside = spawnSync('unshare', ['-n', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', process.execPath, '--test-reporter=tap', __filename],
      { encoding: 'utf8', env: { ...process.env, WHIMBREL_INSIDE: '1' }, timeout: 240_000 });
    if (/unshare failed|Operation not permitted/.test(inside.stderr)) return t.skip('this machine has no network namespaces');
    assert.equal(inside.status, 0, inside.stdout + inside.stderr);
  });
} else {
  const network = (state: 'up' | 'down'): void => void execFileSync('ip', ['link', 'set', 'lo', state]);
  const connections = (r: Relay): number => Number(/^whimbrel_connections (\d+)$/m.exec(r.ask('metrics'))![1]);

  test('half-open connections are let go, and nothing is missing afterwards', async t => {
    const relay = await Relay.start(t, { config: ['idle_timeout = 2', 'request_timeout = 2'] });
    const [writer, reader] = [await relay.connect(), await relay.connect({ credit: 1 << 28 })];
    const idle = await Promise.all(Array.from({ length: 20 }, () => relay.connect()));
    const log = await newLog(writer);
    await reader.follow({ tag: 1, log: log.id, key: log.key, after: 0 });
    for (let i = 1; i <= 10; i++) await writer.append(log.id, log.key, 0, `entry ${i}`);
    assert.equal((await reader.entries(1, 10)).length, 10);
    const under = Array.from({ length: 20 }, () => writer.append(log.id, log.key, 0, random(1000)).catch(() => undefined));
    network('down');
    assert.ok(connections(relay) > 0);
    await until('the relay to let them all go', () => connections(relay) === 0);
    network('up');
    for (const c of [writer, reader, ...idle]) c.cut();
    await Promise.all(under);
    const again = await relay.connect({ credit: 1 << 28 });
    await again.follow({ tag: 1, log: log.id, key: log.key, after: 10 });
    const { seq } = await again.append(log.id, log.key, 0, 'after the storm');
    assert.deepEqual((await again.entries(1, seq - 10)).map(e => e.seq), Array.from({ length: seq - 10 }, (_, i) => i + 11));
  });
}
