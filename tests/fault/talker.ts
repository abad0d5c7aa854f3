// SPDX-License-Identifier: Apache-2.0
//
// talker: somebody whose engine the test runs itself, and talks to over its socket: faster than a program a question, and its end is the
// test's to choose. Opening the profile costs little (fault-vault).
import assert from 'node:assert/strict';
import { ChildProcess, spawn, spawnSync } from 'node:child_process';
import { connect, Socket } from 'node:net';
import { join } from 'node:path';
import { TestContext } from 'node:test';
import { until, within } from '../e2e/client';
import { whimbrel } from '../e2e/person';
import { build } from '../e2e/relay';

const env = { ...process.env, WHIMBREL_PASSPHRASE: 'correct horse battery staple' };
const children = new Set<ChildProcess>();
process.once('exit', () => children.forEach(c => c.kill('SIGKILL')));

export interface Message { id: number; from: number; state: string; text: string; seq: number; time: number; kind: string; mimi: string }
export interface Chat { id: number; kind: string; name: string; contact: number; state: string; members: number; epoch: number }
export interface Contact { id: number; name: string; state: string }
export interface Event { method: string; params: { chat?: number; contact?: number; message?: number; text?: string } }
export class Refused extends Error {
  constructor(readonly code: number, text: string) { super(text); }
}

export class Talker {
  readonly profile: string;
  readonly events: Event[] = [];
  stderr = '';
  child: ChildProcess | undefined;
  private socket?: Socket;
  private gone: Promise<void> = Promise.resolve();
  private next = 1;
  private readonly waiting = new Map<number, { resolve: (x: unknown) => void; reject: (e: Error) => void }>();

  constructor(t: TestContext | undefined, folder: string, readonly name: string, address: string) {
    this.profile = join(folder, name);
    t?.after(() => this.kill());
    const made = spawnSync(whimbrel, ['--profile', this.profile, 'init', '--name', name, '--relay', address, '--quiet'], { env, encoding: 'utf8' });
    assert.equal(made.status, 0, made.stderr);
    assert.equal(spawnSync(join(build, 'tests/fault/fault-vault'), ['cheap', this.profile], { env }).status, 0);
  }

  // With `by` the engine begins locked, and is told the passphrase: so that is in no environment.
  async start(o: { by?: string } = {}): Promise<void> {
    const child = spawn(whimbrel, ['--profile', this.profile, 'engine', ...(o.by === undefined ? [] : ['--locked'])],
      { env: o.by === undefined ? env : process.env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    children.add(child);
    this.gone = new Promise(done => child.once('exit', () => {
      children.delete(child);
      done();
    }));
    child.stderr.on('data', (d: Buffer) => (this.stderr += d.toString()));
    await within(`the engine of ${this.name}`, new Promise<void>((done, refuse) => {
      child.stdout.once('data', () => done());
      child.once('exit', () => refuse(new Error(`the engine of ${this.name} has ended: ${this.stderr}`)));
    }));
    const socket = connect(join(this.profile, 'engine'));
    this.socket = socket;
    let text = '';
    socket.on('data', d => {
      const lines = (text += d.toString()).split('\n');
      text = lines.pop()!;
      for (const line of lines) this.take(JSON.parse(line) as Event & { id?: number; result?: unknown; error?: { code: number; message: string } });
    });
    socket.on('error', () => undefined).on('close', () => {
      for (const w of this.waiting.values()) w.reject(new Error(`${this.name}'s engine is gone`));
      this.waiting.clear();
    });
    if (o.by !== undefined) await this.call('profile.unlock', { passphrase: o.by });
    await this.call('events.follow');
  }

  private take(m: Event & { id?: number; result?: unknown; error?: { code: number; message: string } }): void {
    if (m.id === undefined) return void this.events.push(m);
    const w = this.waiting.get(m.id);
    this.waiting.delete(m.id);
    if (m.error !== undefined) w?.reject(new Refused(m.error.code, m.error.message));
    else w?.resolve(m.result);
  }

  call<T>(method: string, params: object = {}): Promise<T> {
    const id = this.next++;
    return within(`${this.name}: ${method}`, new Promise<unknown>((resolve, reject) => {
      if (this.socket === undefined || this.socket.destroyed) return reject(new Error(`${this.name}'s engine is gone`));
      this.waiting.set(id, { resolve, reject });
      this.socket.write(JSON.stringify({ jsonrpc: '2.0', id, method, params }) + '\n');
    })) as Promise<T>;
  }

  async kill(): Promise<void> {
    this.child?.kill('SIGKILL');
    await this.gone;
    this.socket?.destroy();
  }

  async stop(): Promise<void> {
    this.child?.kill('SIGTERM');
    await within(`the end of ${this.name}'s engine`, this.gone);
    this.socket?.destroy();
  }

  chats(): Promise<Chat[]> { return this.call('chat.list'); }
  contacts(): Promise<Contact[]> { return this.call('contact.list'); }
  async waitingWork(): Promise<number> { return (await this.call<{ waiting: number }>('engine.status')).waiting; }
  async say(chat: number, text: string): Promise<number> { return (await this.call<{ message: number }>('message.send', { chat, text })).message; }

  // All that was said in a chat, as it came; without lines about what has happened.
  async read(chat: number): Promise<Message[]> {
    const all: Message[] = [];
    for (;;) {
      const page = await this.call<Message[]>('message.list', { chat, after: all[all.length - 1]?.id ?? 0, limit: 1000 });
      if (page.length === 0) return all.filter(m => m.kind !== 'notice');
      all.push(...page);
    }
  }

  warnings(): string[] { return this.events.filter(e => e.method === 'warning').map(e => e.params.text ?? ''); }

  // The chat with somebody, or the group with this name, once it has so many members.
  async chat(what: { contact?: string; name?: string; members?: number }): Promise<number> {
    let found: Chat | undefined;
    await until(`a chat of ${this.name}: ${JSON.stringify(what)}`, async () => {
      const whom = what.contact === undefined ? undefined : (await this.contacts()).find(c => c.name === what.contact)?.id;
      found = (await this.chats()).find(c => (what.name === undefined ? c.kind === 'direct' && c.contact === whom : c.name === what.name)
        && (what.members === undefined || c.members === what.members));
      return found !== undefined;
    });
    return found!.id;
  }

  async contact(name: string): Promise<number> { return (await this.contacts()).find(c => c.name === name)!.id; }

  // What fault-vault says of messages, in the state that this profile or another is in now. Its engine must not run.
  senders(messages: Buffer[], profile = this.profile): string[] {
    const r = spawnSync(join(build, 'tests/fault/fault-vault'), ['senders', profile],
      { env, input: messages.map(m => m.toString('hex')).join('\n') + '\n', encoding: 'utf8', maxBuffer: 1 << 30 });
    assert.equal(r.status, 0, r.stderr);
    return r.stdout.trim().split('\n');
  }
}

export async function quiet(...people: Talker[]): Promise<void> {
  await until('everything to be done', async () => (await Promise.all(people.map(p => p.waitingWork()))).every(n => n === 0));
}

// `to` takes an invitation of `from`; they are in a conversation of two then.
export async function meet(from: Talker, to: Talker): Promise<void> {
  const { link } = await from.call<{ link: string }>('invite.create', { personal: true, for: to.name });
  await quiet(from);
  await to.call('invite.accept', { link });
  await Promise.all([from.chat({ contact: to.name, members: 2 }), to.chat({ contact: from.name, members: 2 })]);
  await quiet(from, to);
}
