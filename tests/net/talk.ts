// SPDX-License-Identifier: Apache-2.0
//
// talk: two people who go on writing to each other, numbered messages four times a second, and send each other files, while a test does things
// to the network. In the end everything has come once and in order, or it is counted. Times are from the first moment of a fault until a message
// that was sent after it has arrived, in both directions.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestContext } from 'node:test';
import { Engine, File } from '../../build/ts/rpc';
import { until, within } from '../e2e/client';
import { overSocket } from '../e2e/engine';
import { Person, passphrase, whimbrel } from '../e2e/person';
import { Host } from './hosts';

// Somebody's engine runs on a host; all else that is asked of it goes over its socket, from anywhere.
export function startOn(h: Host, p: Person): void {
  h.run(['env', `WHIMBREL_PASSPHRASE=${passphrase}`, whimbrel, '--profile', p.profile, 'start']);
}

class Side {
  readonly sent = new Map<string, number>();    // text, and when
  readonly arrived = new Map<string, number>(); // at the other side
  readonly files: string[] = [];                // digests
  chat = 0;
  private count = 0;

  constructor(readonly letter: string, readonly e: Engine) {}

  async open(hears: (text: string) => void): Promise<void> {
    this.chat = (await this.e.call('chat.list')).find(c => c.kind === 'direct')!.id;
    this.e.on('message', m => {
      this.e.call('message.get', { chat: m.chat, message: m.message })
        .then(x => { if (x.from !== 0 && x.kind === 'text') hears(x.text); }, () => undefined);
    });
    await this.e.call('events.follow');
  }

  async say(): Promise<void> {
    const text = this.letter + String(this.count++);
    this.sent.set(text, Date.now());
    await this.e.call('message.send', { chat: this.chat, text });
  }

  async sendFile(folder: string, bytes: number): Promise<void> {
    const content = randomBytes(bytes), path = join(folder, `${this.letter}-file-${this.files.length}`);
    writeFileSync(path, content);
    this.files.push(createHash('sha256').update(content).digest('hex'));
    await this.e.call('file.send', { chat: this.chat, path });
  }

  // When the first message arrived that was sent at a time or later.
  since(time: number): number | undefined {
    const times = [...this.sent].filter(([, at]) => at >= time).map(([text]) => this.arrived.get(text)).filter(x => x !== undefined);
    return times.length === 0 ? undefined : Math.min(...times as number[]);
  }
}

export class Talk {
  private readonly timer: NodeJS.Timeout;
  private readonly sides: [Side, Side];
  private readonly work: Promise<void>[] = [];

  private constructor(t: TestContext, a: Side, b: Side, private readonly folder: string) {
    this.sides = [a, b];
    this.timer = setInterval(() => this.sides.forEach(s => this.work.push(s.say())), 250);
    t.after(() => clearInterval(this.timer));
  }

  static async between(t: TestContext, alice: Person, bob: Person, folder: string): Promise<Talk> {
    const a = new Side('a', await overSocket(t, alice)), b = new Side('b', await overSocket(t, bob));
    await a.open(text => b.arrived.set(text, b.arrived.get(text) ?? Date.now()));
    await b.open(text => a.arrived.set(text, a.arrived.get(text) ?? Date.now()));
    return new Talk(t, a, b, folder);
  }

  get alice(): Engine { return this.sides[0].e; }

  async files(bytes: number): Promise<void> { await Promise.all(this.sides.map(s => s.sendFile(this.folder, bytes))); }

  // How long after `from` both are heard again.
  async back(from: number, ms = 60000): Promise<number> {
    try {
      await until('both to hear each other again', () => this.sides.every(s => s.since(from) !== undefined), ms);
    } catch (e) { // which way is at fault?
      console.log(JSON.stringify(await this.alice.call('route.list'), undefined, 1));
      throw e;
    }
    return Math.max(...this.sides.map(s => s.since(from)!)) - from;
  }

  // All that was said and sent has come: what was lost, and what came more than once.
  async end(): Promise<{ messages: number; files: number; lost: number; doubled: number }> {
    clearInterval(this.timer);
    await Promise.all(this.work);
    await until('all to arrive', () => this.sides.every(s => s.arrived.size === s.sent.size), 60000)
      .catch(() => console.log('not heard of: ' + this.sides.flatMap(s => [...s.sent.keys()].filter(x => !s.arrived.has(x))).join(' ')));
    let lost = 0, doubled = 0;
    for (const [s, other] of [this.sides, [...this.sides].reverse()] as [Side, Side][]) {
      const all = await other.e.call('message.list', { chat: other.chat, limit: 10000 });
      const heard = all.filter(m => m.from !== 0 && m.kind === 'text').map(m => m.text);
      doubled += heard.length - new Set(heard).size;
      lost += [...s.sent.keys()].filter(x => !heard.includes(x)).length;
      if (lost + doubled === 0) assert.deepEqual(heard, [...s.sent.keys()]); // in the order in which they were said
      lost += await this.lostFiles(s, other);
    }
    return { messages: this.sides.reduce((n, s) => n + s.sent.size, 0), files: this.sides.reduce((n, s) => n + s.files.length, 0), lost, doubled };
  }

  private async lostFiles(from: Side, to: Side): Promise<number> {
    const folder = join(this.folder, `files-of-${to.letter}`), theirs = new Set<string>();
    mkdirSync(folder, { recursive: true });
    const files = async (): Promise<File[]> => (await to.e.call('file.list', { chat: to.chat })).filter(f => f.from !== 0);
    await until('all files to be offered', async () => (await files()).length >= from.files.length, 120000);
    for (const f of await files()) if (f.state === 'offered') await to.e.call('file.get', { file: f.id });
    await until('all files to come', async () => (await files()).every(f => f.state === 'here'), 180000);
    for (const f of await files()) {
      const path = join(folder, String(f.id));
      const saved = new Promise<void>(done => to.e.on('file.saved', x => { if (x.file === f.id && x.state === 'saved') done(); }));
      await to.e.call('file.save', { file: f.id, path });
      await within('the file to be saved', saved, 20000);
      theirs.add(createHash('sha256').update(readFileSync(path)).digest('hex'));
    }
    return from.files.filter(x => !theirs.has(x)).length;
  }
}
