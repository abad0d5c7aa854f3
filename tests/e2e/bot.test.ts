// SPDX-License-Identifier: Apache-2.0
//
// The bot of examples/bot, and that of docs/bots.md in a shell, as somebody who talks to them has it: also after a kill.
import assert from 'node:assert/strict';
import { spawn, ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Person, meet, passphrase, settled, skip, until } from './person';
import { Relay, build, temporary } from './relay';

const env = { ...process.env, WHIMBREL_PASSPHRASE: passphrase, PATH: `${build}:${process.env['PATH']}` };

test('a bot answers, and what it has missed', { skip }, async t => {
  const relay = await Relay.start(t), folder = temporary(t);
  const bot = new Person(t, folder, 'Dice', relay), alice = new Person(t, folder, 'Alice', relay);
  const run = (): ChildProcess => {
    const child = spawn(process.execPath, [join(build, 'e2e/examples/bot/bot.js'), bot.profile], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    t.after(() => child.kill('SIGKILL'));
    return child;
  };
  const heard = (): string[] => alice.json<{ from: number; text: string }[]>('read', 'Dice').filter(m => m.from !== 0).map(m => m.text);
  const { link } = bot.json<{ link: string }>('invite'); // public: whoever comes asks, and the bot says yes
  await settled(bot);
  let child = run();
  alice.ok('accept', link);
  alice.ok('send', 'Dice', 'hello');
  alice.ok('send', 'Dice', '/roll 3d6');
  await until(() => heard().length === 1, 60000);
  const rolled = /^([1-6]) \+ ([1-6]) \+ ([1-6]) = \*\*(\d+)\*\*$/.exec(heard()[0]!);
  assert.ok(rolled !== null, heard()[0]);
  assert.equal(Number(rolled[4]), [1, 2, 3].reduce((sum, i) => sum + Number(rolled[i]), 0));
  child.kill('SIGKILL');
  bot.kill();
  alice.ok('send', 'Dice', '/roll 9999d1');
  alice.ok('send', 'Dice', '/help');
  await settled(alice);
  child = run();
  await until(() => heard().length === 3, 60000);
  assert.match(heard()[1]!, /rolls two dice/);
  assert.equal(heard()[2], heard()[1]);
  alice.ok('send', 'Dice', '/roll 1d2');
  await until(() => heard().length === 4, 60000);
  assert.match(heard()[3]!, /^[12]$/); // and what was answered before is not answered again
  child.kill('SIGKILL');
});

test('a bot of five lines', { skip }, async t => {
  const relay = await Relay.start(t), folder = temporary(t);
  const bot = new Person(t, folder, 'Clock', relay), alice = new Person(t, folder, 'Alice', relay);
  await meet(bot, alice);
  const page = readFileSync('docs/bots.md', 'utf8'), script = /```sh\n([^]*?)```/.exec(page)![1]!;
  const child = spawn('bash', ['-c', script], { env: { ...env, WHIMBREL_PROFILE: bot.profile }, stdio: ['ignore', 'ignore', 'inherit'], detached: true });
  t.after(() => { try { process.kill(-child.pid!, 'SIGKILL'); } catch { /* it has ended */ } });
  await until(() => {
    alice.ok('send', 'Clock', 'time?'); // until it listens
    return alice.texts('Clock').some(x => /^It is \d\d:\d\d\.$/.test(x));
  }, 60000);
});
