// SPDX-License-Identifier: Apache-2.0
//
// The command line by itself: what shells complete, how it ends, and that nobody waits for an answer where nobody can give one.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Person, meet, passphrase, skip, until, whimbrel } from './person';
import { Relay, build, temporary } from './relay';

const has = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

test('shells complete commands, flags, and the names of an engine that runs', { skip }, async t => {
  const relay = await Relay.start(t), folder = temporary(t);
  const alice = new Person(t, folder, 'alice', relay), bob = new Person(t, folder, 'Bob D. (home)', relay);
  const offered = (...words: string[]): string[] =>
    alice.ok('completion', 'bash', '--', ...words).split('\n').filter(x => x !== '').map(x => x.split('\t')[0]!);
  assert.deepEqual(offered('send', 'B'), []); // no engine runs: none is started, and nobody is asked for a passphrase
  await meet(alice, bob);
  assert.deepEqual(offered('sen'), ['send']);
  assert.deepEqual(offered('contact', 'bl'), ['block']);
  assert.deepEqual(offered('--json', 'send', 'B'), [bob.name]);
  assert.deepEqual(offered('verify', 'Bob', ''), ['yes', 'no']);
  assert.deepEqual(offered('group', 'create', 'Tea', 'B'), [bob.name]);
  assert.deepEqual(offered('group', 'create', 'Tea', bob.name, 'B'), [bob.name]);
  assert.deepEqual(offered('group', 'remove', 'Tea', bob.name, 'B'), []);
  assert.deepEqual(offered('read', 'Bob', '--la'), ['--last']);
  assert.deepEqual(offered('read', '--last', ''), []);
  assert.deepEqual(offered('read', '--last', '3', ''), [bob.name]);
  assert.deepEqual(offered('--profile', 'x'), [':files']);
  assert.deepEqual(offered('--profile', folder, 'send', 'B'), []); // another profile's names
  assert.deepEqual(offered('send', 'Bob', '--', '--la'), []);

  // What the shells make of it.
  const run = (shell: string, script: string): string => {
    const { stdout, stderr, status } = spawnSync(shell, ['-c', script], { encoding: 'utf8', timeout: 30000,
      env: { ...process.env, PATH: `${build}:${process.env['PATH']}`, WHIMBREL_PROFILE: alice.profile } });
    assert.equal(status, 0, stderr);
    return stdout.trim();
  };
  const bash = (words: string): string => run('bash', `source <(whimbrel completion bash); COMP_WORDS=(whimbrel ${words})
    COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _whimbrel; printf '%s\\n' "\${COMPREPLY[@]}"`);
  assert.equal(bash(`send '"Bob'`), bob.name); // within quotes: as it is
  assert.equal(bash(`send Bo`), String.raw`Bob\ D.\ \(home\)`);
  assert.equal(bash(String.raw`send 'Bob\ D.'`), String.raw`Bob\ D.\ \(home\)`);
  if (has('fish')) assert.match(run('fish', `whimbrel completion fish | source; complete -C 'whimbrel send B'`), /^Bob D\. \(home\)\tdirect$/);
  if (has('zsh')) run('zsh', 'whimbrel completion zsh | zsh -n');
});

test('what is wrong is told, and nobody waits', { skip }, async t => {
  const folder = temporary(t);
  const run = (...words: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync('setsid', ['-w', whimbrel, '--profile', `${folder}/none`, ...words], { encoding: 'utf8', timeout: 30000,
      stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, WHIMBREL_PASSPHRASE: '' } });
  const wrong: [number, RegExp, string[]][] = [
    [2, /there is no command snd; is it `whimbrel send`/, ['snd']],
    [2, /there is no flag --jsn; is it --json/, ['chats', '--jsn']],
    [2, /--last wants a number, not many/, ['read', 'Bob', '--last', 'many']],
    [2, /it is: whimbrel send CHAT TEXT/, ['send', 'Bob']],
    [2, /contact has no command blok; is it `whimbrel contact block`/, ['contact', 'blok']],
    [4, /there is no profile in .*none/, ['chats']],
    [4, /no engine runs/, ['status']],
    [2, /init wants --name/, ['init']],
    [2, /init wants --relay/, ['init', '--name', 'Alice']],
    [3, /a passphrase is needed/, ['init', '--name', 'Alice', '--relay', `wss://localhost:1/${'A'.repeat(22)}#${'A'.repeat(43)}`]],
  ];
  for (const [status, text, words] of wrong) {
    const r = run(...words);
    assert.equal(r.status, status, `${words.join(' ')}: ${r.stderr}`);
    assert.match(r.stderr, text);
    assert.equal(r.stdout, '');
  }
  assert.equal(run('help').status, 0);
  assert.match(run('help', 'send').stdout, /^whimbrel send CHAT TEXT\.\.\./);
  const full = spawnSync('sh', ['-c', `${whimbrel} help >/dev/full`], { encoding: 'utf8' });
  assert.equal(full.status, 1);
  assert.match(full.stderr, /standard output cannot be written/);
});

test('secrets among the words are not shown to others, nor said again', { skip }, async t => {
  const relay = await Relay.start(t), folder = temporary(t), secret = 'hosting-password', link = 'socks5h://al:proxypassword@127.0.0.1:9';
  // It waits for the passphrase here, and has been told everything else.
  const init = spawn(whimbrel, ['--profile', `${folder}/alice`, 'init', '--name', 'Alice', '--relay', relay.address, '--password', secret, `--proxy=${link}`,
    '--passphrase-fd', '0'], { stdio: ['pipe', 'ignore', 'pipe'] });
  const shown = (): string => readFileSync(`/proc/${init.pid}/cmdline`, 'utf8');
  await until(() => shown().includes('init') && !shown().includes(secret), 20000);
  for (const word of [secret, 'proxypassword', relay.address]) assert.ok(!shown().includes(word), word);
  assert.ok(shown().includes(`${folder}/alice`)); // which program it is can be told
  init.stdin!.end('correct horse\n');
  assert.equal(await new Promise(done => init.once('exit', done)), 0);

  const run = (input: string, ...words: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(whimbrel, words, { encoding: 'utf8', timeout: 60000, input, env: { ...process.env, WHIMBREL_PASSPHRASE: 'correct horse' } });
  const made = run(`${relay.address}\n${link}\n`, '--profile', `${folder}/bob`, 'init', '--name', 'Bob', '--relay', '-', '--proxy', '-');
  assert.equal(made.status, 0, made.stderr);
  for (const words of [['init', '--name', 'x', '--relay', relay.address, '--proxy', link.replace('9', '0')], ['proxy', link], [link],
    ['proxy', 'remove', link]]) {
    const wrong = run('', '--profile', `${folder}/${words[0] === 'init' ? 'none' : 'bob'}`, ...words);
    assert.notEqual(wrong.status, 0);
    assert.ok(wrong.stderr.length > 10 && !wrong.stderr.includes('proxypassword'), wrong.stderr);
  }
  const tried = run(link, '--profile', `${folder}/bob`, 'proxy', 'test', '-');
  assert.ok(tried.stdout.startsWith('127.0.0.1:9: ') && !tried.stdout.includes('proxypassword'), tried.stdout);
  const added = run(link.replace(':9', ':0'), '--profile', `${folder}/bob`, 'proxy', 'add', '-');
  assert.ok(added.stderr.includes('127.0.0.1:0') && !added.stderr.includes('proxypassword'), added.stderr);
  run('', '--profile', `${folder}/bob`, 'stop');
});

test('an invitation is taken from standard input', { skip }, async t => {
  const relay = await Relay.start(t), folder = temporary(t);
  const alice = new Person(t, folder, 'alice', relay), bob = new Person(t, folder, 'bob', relay);
  const { link } = alice.json<{ link: string }>('invite', '--personal');
  const r = spawnSync(whimbrel, ['--profile', bob.profile, 'accept', '-'], { encoding: 'utf8', timeout: 60000, input: `${link}\n`,
    env: { ...process.env, WHIMBREL_PASSPHRASE: passphrase } });
  assert.equal(r.status, 0, r.stderr);
  assert.equal(bob.json<unknown[]>('contacts').length, 1);
});

test('tail shows what becomes of messages that were there before it', { skip }, async t => {
  const relay = await Relay.start(t), folder = temporary(t);
  const alice = new Person(t, folder, 'alice', relay), bob = new Person(t, folder, 'bob', relay);
  await meet(alice, bob);
  bob.ok('send', 'alice', 'Tea at six?');
  await until(() => alice.texts('bob').length === 1, 60000);
  const tail = spawn(whimbrel, ['--profile', alice.profile, 'tail'], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => tail.kill());
  let shown = '';
  tail.stdout.setEncoding('utf8').on('data', (text: string) => { shown += text; });
  await until(() => { bob.ok('react', 'alice', '1', shown.length % 2 === 0 ? '\u{1f44d}' : '\u{1f389}'); return /bob reacts .* to: Tea at six\?/.test(shown); }, 60000);
  bob.ok('edit', 'alice', '1', 'Tea at five?');
  await until(() => shown.includes('bob changed a message: Tea at five?'), 60000);
  bob.ok('send', 'alice', 'Well?');
  await until(() => / {2}bob {2}Well\?/.test(shown), 60000);
  assert.equal(tail.exitCode, null);
});
