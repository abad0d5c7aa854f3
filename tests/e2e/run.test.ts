// SPDX-License-Identifier: Apache-2.0
//
// `make run`, but for building: a relay and two people who have met, and their pages in two windows where there is a display, or as addresses. The
// browser is a stand-in that notes what it is told to open.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { test, type TestContext } from 'node:test';
import { skip as noClient, until } from './person';
import { build, temporary } from './relay';

const skip = noClient !== false ? noClient : existsSync(join(build, 'web/index.html')) ? false : 'the page was not built';

function freePort(): Promise<number> {
  return new Promise(done => {
    const s = createServer();
    s.listen(0, '127.0.0.1', () => {
      const { port } = s.address() as { port: number };
      s.close(() => done(port));
    });
  });
}

interface Run { folder: string; said: () => string; end: () => Promise<number | null> }

async function run(t: TestContext, folder: string, environment: Record<string, string | undefined>): Promise<Run> {
  const port = await freePort();
  let said = '';
  const env = { ...process.env, DISPLAY: undefined, WAYLAND_DISPLAY: undefined, SSH_CONNECTION: undefined, PORT: String(port), ...environment };
  const child = spawn('tools/run', [folder], { env: Object.fromEntries(Object.entries(env).filter(([, v]) => v !== undefined)), stdio: ['ignore', 'pipe', 'pipe'] });
  for (const out of [child.stdout, child.stderr]) out.on('data', (x: Buffer) => { said += x.toString(); });
  const ended = new Promise<number | null>(done => child.once('exit', done));
  const end = async (): Promise<number | null> => {
    child.kill('SIGINT');
    return ended;
  };
  t.after(end);
  await until(() => said.includes('Ctrl-C stops everything.') || child.exitCode !== null, 120_000);
  assert.equal(child.exitCode, null, said);
  return { folder, said: () => said, end };
}

const ADDRESS = /http:\/\/127\.0\.0\.1:\d+\/#[\w-]{43}/g;

test('two people are shown side by side, or where they are', { skip }, async t => {
  const folder = temporary(t), bin = join(folder, 'bin'), opened = join(folder, 'opened');
  for (const name of ['mls-demo', 'whimbrel', 'whimbreld', 'web']) symlinkSync(resolve(build, name), join(folder, name));
  mkdirSync(bin);
  writeFileSync(join(bin, 'chromium'), `#!/bin/sh\necho "$$ $*" >>${opened}\nexec sleep 1000\n`);
  chmodSync(join(bin, 'chromium'), 0o755);

  const plain = await run(t, folder, { SSH_CONNECTION: '192.0.2.1 1 192.0.2.2 22' });
  const [alice, bob] = plain.said().match(ADDRESS)!;
  assert.ok(alice !== undefined && bob !== undefined && alice !== bob, plain.said());
  assert.match(plain.said(), new RegExp(`ssh -N -L ${new URL(alice).port}:`));
  for (const a of [alice, bob]) assert.equal((await fetch(a)).status, 200);
  assert.ok(!existsSync(opened));
  assert.equal(await plain.end(), 0);
  await assert.rejects(fetch(alice)); // and nothing runs any more

  const windows = await run(t, folder, { DISPLAY: ':1', PATH: `${bin}:${process.env['PATH']}` });
  await until(() => existsSync(opened) && readFileSync(opened, 'utf8').split('\n').length === 3, 20_000);
  const told = readFileSync(opened, 'utf8');
  assert.doesNotMatch(told, ADDRESS); // arguments are seen by everybody
  for (const [line, who] of [[told.split('\n').find(l => l.includes('/alice/')), 'alice'], [told.split('\n').find(l => l.includes('/bob/')), 'bob']] as const) {
    const leader = /--app=file:\/\/(\S+)/.exec(line ?? '')![1]!;
    assert.equal(statSync(leader).mode & 0o777, 0o600);
    const [led] = readFileSync(leader, 'utf8').match(ADDRESS)!;
    assert.ok(windows.said().includes(led!), who);
  }
  assert.equal(await windows.end(), 0);
  for (const pid of told.trim().split('\n').map(l => Number(l.split(' ')[0]))) assert.throws(() => process.kill(pid, 0)); // the windows are gone, too
});
