// SPDX-License-Identifier: Apache-2.0
//
// Kill -9 under load, again and again, on one folder. A checker knows every acknowledgement and every push, and after each kill
// holds the store against them: nothing acknowledged or pushed is lost or changed, no number is missing or given twice, no entry is
// there twice, and each writer's entries stand in the order in which they were sent. WHIMBREL_KILLS says how often (20).
import assert from 'node:assert/strict';
import { statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { TestContext, test } from 'node:test';
import { Client, random, sha256, until } from '../e2e/client';
import { grantOf, member } from '../e2e/logs';
import { Relay } from '../e2e/relay';
import { Entry, rights } from '../e2e/wire';

const kills = Number(process.env['WHIMBREL_KILLS'] ?? 20);
const LOGS = 12, WRITERS = 3; // a log has WRITERS writers, each on a connection of its own

interface Known { writer: number; n: number; seq?: number }

// One log: what was sent, what of it was acknowledged, and what has been found in the store and held against that.
class Ledger {
  readonly id = random();
  readonly admin = random();
  key = random();
  epoch = 0;
  readonly sent = new Map<string, Known>();
  readonly sequence: string[] = []; // by seq - 1: what stands there, once it was seen
  readonly pushed = new Map<number, string>();
  private readonly last = new Array<number>(WRITERS).fill(-1);
  acknowledged = 0;
  taken = new Set<string>();

  payload(writer: number, n: number): Buffer {
    const text = `${writer}/${n}`;
    this.sent.set(text, { writer, n });
    return Buffer.from(text + ' '.repeat((writer * 7919 + n * 104_729) % 3000)); // of many sizes
  }

  acknowledge(payload: Buffer, seq: number): void {
    const known = this.sent.get(payload.toString().trimEnd())!;
    const there = this.sequence[seq - 1];
    assert.ok(there === undefined || there === payload.toString().trimEnd(), `the number ${seq} was given twice`);
    known.seq = seq;
    this.acknowledged++;
  }

  push(e: Entry): void {
    const text = e.payload.toString().trimEnd();
    const before = this.pushed.get(e.seq);
    assert.ok(before === undefined || before === text, `entry ${e.seq} was pushed as two things`);
    this.pushed.set(e.seq, text);
  }

  // The next entry that the store has.
  found(e: Entry): void {
    const text = e.payload.toString().trimEnd();
    assert.equal(e.seq, this.sequence.length + 1, 'a gap or a repeat');
    const known = this.sent.get(text);
    assert.ok(known !== undefined, `entry ${e.seq} was never sent`);
    assert.ok(known.n > this.last[known.writer]!, `entry ${e.seq} of writer ${known.writer} is out of order, or there twice`);
    assert.ok(known.seq === undefined || known.seq === e.seq, `${text} was acknowledged as ${known.seq} and is ${e.seq}`);
    this.last[known.writer] = known.n;
    known.seq = e.seq;
    this.sequence.push(text);
  }

  // Everything that was acknowledged or pushed is among what was found.
  check(): void {
    for (const [text, known] of this.sent) {
      if (known.seq !== undefined) assert.equal(this.sequence[known.seq - 1], text, `acknowledged as ${known.seq}, and lost`);
    }
    for (const [seq, text] of this.pushed) assert.equal(this.sequence[seq - 1], text, `pushed as ${seq}, and lost`);
    this.pushed.clear();
  }
}

async function verify(c: Client, ledger: Ledger): Promise<void> {
  // Under the admin's grant all can be read, whatever the members' key is by now.
  for (;;) {
    const page = await c.read(ledger.id, ledger.admin, ledger.sequence.length);
    if (page.entries.length === 0) {
      assert.equal(page.head, ledger.sequence.length, 'the head is the last entry');
      assert.ok(page.epoch >= ledger.epoch, 'an epoch went back');
      ledger.epoch = page.epoch;
      break;
    }
    for (const e of page.entries) ledger.found(e);
  }
  ledger.check();
}

// Sends until the relay dies; many are under way at once, and now and then one is a commit.
async function write(c: Client, ledger: Ledger, writer: number, counter: number[]): Promise<void> {
  const send = async (): Promise<void> => {
    for (;;) {
      const commits = counter[writer]! % 40 === 39;
      const payload = ledger.payload(writer, counter[writer]!++);
      const epoch = ledger.epoch;
      try {
        const done = commits ? await c.advance(ledger.id, ledger.key, epoch, payload) : await c.append(ledger.id, ledger.key, epoch, payload);
        ledger.acknowledge(payload, done.seq);
        if (commits) ledger.epoch = Math.max(ledger.epoch, epoch + 1);
      } catch (e) {
        const code = (e as { code?: string }).code;
        if (code !== 'stale') return; // the relay is dead
        ledger.epoch = Math.max(ledger.epoch, (e as unknown as { detail: number }).detail);
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, send));
}

async function take(c: Client, ledger: Ledger): Promise<void> {
  for (;;) {
    const got = await c.takePackages(ledger.id, ledger.key).catch(() => undefined);
    if (got === undefined) return;
    for (const p of got) {
      const text = p.package.toString();
      if (p.lastResort) return;
      assert.ok(!ledger.taken.has(text), `${text} was handed out twice`);
      ledger.taken.add(text);
    }
  }
}

async function seal(c: Client, sealed: Map<string, Buffer>): Promise<void> {
  for (;;) {
    const id = random(), key = random(), content = random(100_000);
    try {
      await c.blobCreate(id, key, content.length);
      await c.blobAppend(id, key, 0, content.subarray(0, 60_000));
      await c.blobAppend(id, key, 60_000, content.subarray(60_000));
      await c.blobSeal(id, key, content.length);
      sealed.set(id.toString('hex'), sha256(content));
    } catch {
      return;
    }
  }
}

async function checkBlobs(c: Client, sealed: Map<string, Buffer>): Promise<void> {
  for (const [id, hash] of sealed) {
    const content = Buffer.concat([await c.blobRead(Buffer.from(id, 'hex'), 0), await c.blobRead(Buffer.from(id, 'hex'), 65_536)]);
    assert.deepEqual(sha256(content), hash, 'a sealed blob has changed');
  }
  sealed.clear();
}

class Trial {
  readonly ledgers = Array.from({ length: LOGS }, () => new Ledger());
  readonly counters = this.ledgers.map(() => new Array<number>(WRITERS).fill(0));
  readonly sealed = new Map<string, Buffer>();
  packages = 0;
  blobs = 0;

  private constructor(readonly relay: Relay) {}

  static async begin(t: TestContext): Promise<Trial> {
    const trial = new Trial(await Relay.start(t, {
      config: ['rate_connection = 0', 'rate_address = 0', 'in_flight_max = 1000', 'connections_per_address = 1000', 'log_max = 16G'],
    }));
    const c = await trial.relay.connect();
    for (const l of trial.ledgers) await c.create(l.id, [grantOf(l.admin, rights.admin | rights.read), grantOf(l.key, member)]);
    c.cut();
    return trial;
  }

  get acknowledged(): number { return this.ledgers.reduce((n, l) => n + l.acknowledged, 0); }
  get kept(): number { return this.ledgers.reduce((n, l) => n + l.sequence.length, 0); }

  async loadAndKill(): Promise<void> {
    const { relay, ledgers } = this;
    const c = await relay.connect({ credit: 1 << 30 });
    for (const l of ledgers.slice(0, 3)) {
      const fresh = Array.from({ length: 20 }, () => `package ${this.packages++}`);
      await c.put(l.id, l.admin, Buffer.alloc(16, 1), 'last resort', fresh).catch((e: { code: string }) => {
        assert.equal(e.code, 'limit'); // there are enough already
      });
    }
    c.onPush = m => {
      if (m.kind === 'pushEntries') for (const e of m.entries) ledgers[m.tag]!.push(e);
    };
    await c.follow(...ledgers.map((l, tag) => ({ tag, log: l.id, key: l.admin, after: l.sequence.length })));
    const working: Promise<void>[] = [];
    for (let w = 0; w < WRITERS; w++) {
      const writer = await relay.connect();
      working.push(...ledgers.map((l, i) => write(writer, l, w, this.counters[i]!)));
    }
    const other = await relay.connect();
    working.push(...ledgers.slice(0, 3).map(l => take(other, l)), seal(other, this.sealed));
    const before = this.acknowledged;
    await until('some acknowledgements', () => this.acknowledged > before + 100);
    await new Promise(resolve => setTimeout(resolve, Math.random() * 150));
    await relay.kill();
    await Promise.all(working);
  }

  async check(): Promise<void> {
    this.blobs += this.sealed.size;
    await this.relay.run();
    const c = await this.relay.connect();
    for (const l of this.ledgers) await verify(c, l);
    await checkBlobs(c, this.sealed);
    c.cut();
  }
}

test(`${kills} kills under load lose nothing, repeat nothing and reorder nothing`, async t => {
  const trial = await Trial.begin(t);
  for (let kill = 1; kill <= kills; kill++) {
    await trial.loadAndKill();
    await trial.check();
  }
  await trial.relay.stop();
  assert.match(trial.relay.command('check'), /whole/);
  assert.ok(trial.acknowledged > 100 * kills && trial.blobs > 0);
  t.diagnostic(`${kills} kills, ${trial.acknowledged} acknowledged, ${trial.kept} kept, ${trial.ledgers[0]!.epoch} epochs, ${trial.blobs} blobs`);
});

test('the checker notices a disk that loses what it had promised', async t => {
  const trial = await Trial.begin(t);
  await trial.loadAndKill();
  const wal = join(trial.relay.folder, 'store.db-wal');
  truncateSync(wal, Math.floor(statSync(wal).size * 0.7));
  await assert.rejects(trial.check(), (e: Error) => e instanceof assert.AssertionError || (e as { code?: string }).code === 'denied');
});
