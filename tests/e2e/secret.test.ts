// SPDX-License-Identifier: Apache-2.0
//
// What opens a profile: passphrases from descriptors and the environment, another one, and the system's keyring, whose program is one of the
// test's own here that keeps what it is told in a file.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Person, skip, whimbrel } from './person';
import { Relay, temporary } from './relay';

interface Result { status: number | null; stdout: string; stderr: string }

// A secret-tool: `store` reads a secret, `lookup` prints it, `clear` drops it, each under the last argument.
const TOOL = `#!/bin/sh
test -e "$KEYRING" || exit 1
for name in "$@"; do :; done
case $1 in
store) cat >"$KEYRING/$name" ;;
lookup) cat "$KEYRING/$name" ;;
clear) rm "$KEYRING/$name" ;;
esac
`;

class Setting {
  readonly profile: string;
  readonly ring: string;
  private readonly bin: string;

  constructor(private readonly folder: string) {
    this.profile = join(folder, 'alice');
    this.ring = join(folder, 'ring');
    this.bin = join(folder, 'bin');
    mkdirSync(this.bin);
    mkdirSync(this.ring);
    writeFileSync(join(this.bin, 'secret-tool'), TOOL);
    chmodSync(join(this.bin, 'secret-tool'), 0o755);
  }

  // Without a terminal. Descriptors 3 and following read the texts of `fds`.
  run(words: string[], passphrase = '', fds: string[] = []): Result {
    const open = fds.map((text, i) => {
      writeFileSync(join(this.folder, `fd${i}`), text);
      return openSync(join(this.folder, `fd${i}`), 'r');
    });
    const r = spawnSync('setsid', ['-w', whimbrel, '--profile', this.profile, ...words], {
      encoding: 'utf8', timeout: 60000, stdio: ['ignore', 'pipe', 'pipe', ...open],
      env: { ...process.env, PATH: `${this.bin}:${process.env['PATH']}`, KEYRING: this.ring, WHIMBREL_PASSPHRASE: passphrase },
    });
    open.forEach(fd => closeSync(fd));
    return { status: r.status, stdout: String(r.stdout), stderr: String(r.stderr) };
  }

  ok(words: string[], passphrase = '', fds: string[] = []): string {
    const r = this.run(words, passphrase, fds);
    assert.equal(r.status, 0, `${words.join(' ')}: ${r.stderr}`);
    return r.stdout;
  }
}

const runs = (s: Setting): boolean => s.run(['status']).status === 0;

test('a passphrase, and another one', { skip }, async t => {
  const relay = await Relay.start(t), s = new Setting(temporary(t));
  t.after(() => s.run(['stop']));
  s.ok(['init', '--name', 'Alice', '--relay', relay.address, '--passphrase-fd', '3'], '', ['the first\n']);
  assert.equal(s.run(['chats']).status, 3);
  const wrong = s.run(['chats'], 'the second');
  assert.equal(wrong.status, 3);
  assert.match(wrong.stderr, /the passphrase is wrong/);
  assert.ok(!runs(s)); // nothing was left behind
  s.ok(['start'], 'the first');

  // Whoever changes it knows it, though the profile is open.
  assert.equal(s.run(['passphrase', '--new-passphrase-fd', '3'], '', ['the second\n']).status, 3);
  const not = s.run(['passphrase', '--new-passphrase-fd', '3'], 'a guess', ['the second\n']);
  assert.equal(not.status, 3);
  assert.match(not.stderr, /not the present passphrase; nothing was changed/);
  assert.equal(s.run(['passphrase', '--new-passphrase-fd', '3'], 'the first', ['']).status, 3);
  s.ok(['passphrase', '--new-passphrase-fd', '3'], 'the first', ['the second\n']);
  s.ok(['lock']);
  assert.match(s.ok(['status']), /locked/);
  assert.equal(s.run(['chats'], 'the first').status, 3);
  assert.ok(runs(s)); // an engine that ran before goes on
  s.ok(['unlock', '--passphrase-fd', '3'], '', ['the second']);
  s.ok(['lock']);
  s.ok(['passphrase', '--passphrase-fd', '3', '--new-passphrase-fd', '4'], '', ['the second\n', 'the third\n']); // opens it first
  s.ok(['stop']);
  assert.equal(s.run(['chats'], 'the second').status, 3);
  s.ok(['chats'], 'the third');
});

test('the keyring', { skip }, async t => {
  const relay = await Relay.start(t), s = new Setting(temporary(t));
  t.after(() => s.run(['stop']));
  s.ok(['init', '--name', 'Alice', '--relay', relay.address, '--keyring']);
  s.ok(['chats']); // nobody is asked
  s.ok(['stop']);
  const gone = { ...s } as { ring: string };
  Object.assign(s, { ring: join(s.ring, 'closed') });
  const shut = s.run(['chats'], '');
  assert.equal(shut.status, 3);
  assert.match(shut.stderr, /the system's keyring gives nothing/);
  Object.assign(s, gone);
  s.ok(['start']);
  const only = s.run(['keyring', 'off']);
  assert.equal(only.status, 1);
  assert.match(only.stderr, /give it a passphrase first/);
  s.ok(['passphrase', '--new-passphrase-fd', '3'], '', ['the first\n']); // there was none
  assert.equal(s.run(['keyring', 'off']).status, 3); // now there is
  s.ok(['keyring', 'off'], 'the first');
  s.ok(['stop']);
  assert.equal(s.run(['chats']).status, 3);
  s.ok(['chats'], 'the first');
  s.ok(['keyring', 'on'], 'the first');
  s.ok(['lock']);
  s.ok(['chats']);
  s.ok(['stop']);
  assert.equal(s.run(['engine'], 'wrong').status, 3); // a passphrase that is given is what counts
  const keys = readFileSync(join(s.profile, 'keys'));
  assert.ok(keys.length > 0 && existsSync(join(s.profile, 'profile.db')));
});

test('no keyring, no profile', { skip }, async t => {
  const relay = await Relay.start(t), s = new Setting(temporary(t));
  Object.assign(s, { ring: join(s.ring, 'closed') });
  assert.equal(s.run(['init', '--name', 'Alice', '--relay', relay.address, '--keyring']).status, 1);
  assert.ok(!existsSync(join(s.profile, 'keys')) && !existsSync(join(s.profile, 'profile.db')));
  const alice = new Person(t, temporary(t), 'alice', relay);
  alice.ok('start');
  const env = { ...process.env, PATH: '/nowhere', WHIMBREL_PASSPHRASE: 'correct horse battery staple' };
  const r = spawnSync(whimbrel, ['--profile', alice.profile, 'keyring', 'on'], { encoding: 'utf8', env });
  assert.equal(r.status, 1); // the engine has another PATH, and no keyring either
  assert.match(r.stderr, /secret-tool/);
  assert.equal(alice.json<{ keyring: boolean }>('keyring').keyring, false);
});
