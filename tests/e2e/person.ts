// SPDX-License-Identifier: Apache-2.0
//
// person: somebody at a terminal, for a test: a profile on disk, and the program whimbrel as it is installed. Its engine is killed when the
// test ends. No helper here waits without end.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { TestContext } from 'node:test';
import { until as untilThat } from './client';
import { Relay, build } from './relay';

export const whimbrel = join(build, 'whimbrel');
export const passphrase = 'correct horse battery staple';
export const skip = existsSync(whimbrel) ? false : 'the client was not built';

// Each look starts a program, so not too often.
export async function until(done: () => boolean, ms: number): Promise<void> {
  let next = 0;
  await untilThat('what was to come', () => Date.now() >= next && (next = Date.now() + 150, done()), ms);
}

export interface Message { id: number; from: number; state: string; text: string; seq: number; kind: string }
export interface Chat { id: number; kind: string; name: string; contact: number; state: string; members: number }

export class Person {
  readonly profile: string;

  constructor(t: TestContext, folder: string, readonly name: string, relay: Relay, ...words: string[]) {
    this.profile = join(folder, name);
    t.after(() => this.kill()); // its folder may be gone by then
    this.ok('init', '--name', name, '--relay', relay.address, '--quiet', ...words);
  }

  run(...words: string[]): { status: number | null; stdout: string; stderr: string } {
    const { status, stdout, stderr } = spawnSync(whimbrel, ['--profile', this.profile, ...words],
      { encoding: 'utf8', timeout: 60000, env: { ...process.env, WHIMBREL_PASSPHRASE: passphrase } });
    return { status, stdout, stderr };
  }

  ok(...words: string[]): string {
    const { status, stdout, stderr } = this.run(...words);
    assert.equal(status, 0, `whimbrel ${words[0]} of ${this.name}: ${stderr}`);
    return stdout.trim();
  }

  json<T>(...words: string[]): T { return JSON.parse(this.ok('--json', ...words)) as T; }
  chats(): Chat[] { return this.json<Chat[]>('chats'); }

  // What was said; without lines about what has happened.
  read(chat: string): Message[] { return this.json<Message[]>('read', chat).filter(m => m.kind !== 'notice'); }

  texts(chat: string): string[] { return this.read(chat).map(m => m.text); }

  // The engine dies without a word.
  kill(): void {
    for (const pid of readdirSync('/proc').filter(x => /^\d+$/.test(x))) {
      let line = '';
      try { line = readFileSync(`/proc/${pid}/cmdline`, 'utf8'); } catch { continue; }
      if (line.includes('\0engine\0') && line.includes(`\0${this.profile}\0`)) process.kill(Number(pid), 'SIGKILL');
    }
  }
}

export async function settled(...people: Person[]): Promise<void> {
  people.forEach(p => p.ok('start'));
  await until(() => people.every(p => p.json<{ waiting: number }>('status').waiting === 0), 60000);
}

// `to` takes an invitation of `from`.
export async function meet(from: Person, to: Person): Promise<void> {
  const { link } = from.json<{ link: string }>('invite', '--personal', '--once', '--for', to.name);
  await settled(from);
  to.ok('accept', link);
  await settled(from, to);
  await until(() => from.chats().some(c => c.members === 2 && c.kind === 'direct') && to.chats().some(c => c.members === 2), 60000);
}
