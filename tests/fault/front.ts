// SPDX-License-Identifier: Apache-2.0
//
// front: what stands before a relay and is the relay to everybody: it has its key. It keeps every payload that somebody has sent, stored
// or not, and may lie: `mischief` is asked about each message that passes, and says what passes instead. It outlives the relay.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { TestContext } from 'node:test';
import WebSocket, { WebSocketServer } from 'ws';
import { Reader, Writer } from '../e2e/codec';
import { dial, parseAddress } from '../e2e/client';
import { Relay } from '../e2e/relay';
import { Entry } from '../e2e/wire';

export const APPEND = 0x11, ADVANCE = 0x12, FOLLOW = 0x16, TAKE = 0x21;
export const APPENDED = 0x82, STAT = 0x84, FOLLOWED = 0x85, PACKAGES = 0x87, ERROR = 0x8f, ENTRIES = 0xc0;

// One message on its way, and between whom: connections are numbered as they come.
export interface Passing { up: boolean; connection: number; type: number; id: number; bytes: Buffer; front: Front }
export type Mischief = (p: Passing) => Buffer[] | undefined; // undefined: it passes as it is

export interface Append { id: number; log: Buffer; key: Buffer; epoch: number; payload: Buffer }
export function readAppend(bytes: Buffer): Append {
  const r = new Reader(bytes);
  r.u8();
  return { id: r.u32(), log: r.raw(32), key: r.raw(32), epoch: r.u64(), payload: r.opaque() };
}

export function readPush(bytes: Buffer): { tag: number; entries: Entry[] } {
  const r = new Reader(bytes);
  r.u8();
  r.u32();
  return { tag: r.u32(), entries: r.vector(x => ({ seq: x.u64(), time: x.u64(), epoch: x.u64(), payload: x.opaque() })) };
}

export function push(tag: number, entries: Entry[]): Buffer {
  return new Writer().u8(ENTRIES).u32(0).u32(tag)
    .vector(entries, (w, e) => w.u64(e.seq).u64(e.time).u64(e.epoch).opaque(e.payload)).bytes();
}

export function appended(id: number, seq: number, epoch: number): Buffer {
  return new Writer().u8(APPENDED).u32(id).u64(seq).u64(epoch).u64(Date.now()).bytes();
}

export class Front {
  readonly sent: Buffer[] = []; // payloads of appends and advances, as they came
  readonly logs: Buffer[] = []; // for each of them the log
  mischief?: Mischief;
  address = '';
  private connections = 0;
  private readonly open = new Set<WebSocket>();

  private constructor(private readonly relay: Relay) {}

  static async start(t: TestContext, relay: Relay): Promise<Front> {
    const front = new Front(relay);
    const to = parseAddress(relay.address);
    const server = createServer({
      cert: readFileSync(join(relay.folder, 'certificate.pem')), key: readFileSync(join(relay.folder, 'key.pem')), minVersion: 'TLSv1.3',
    });
    const sockets = new WebSocketServer({ server, path: to.path, perMessageDeflate: false, maxPayload: 1 << 20 });
    sockets.on('connection', s => void front.accept(s));
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
    front.address = `wss://127.0.0.1:${(server.address() as AddressInfo).port}${to.path}#${to.pin}`;
    t.after(() => {
      front.cut();
      server.close();
    });
    return front;
  }

  // All connections break.
  cut(): void { for (const s of this.open) s.terminate(); }

  private async accept(near: WebSocket): Promise<void> {
    const connection = this.connections++, waiting: Buffer[] = [];
    let far: WebSocket | undefined;
    this.open.add(near);
    near.on('error', () => undefined).on('close', () => {
      this.open.delete(near);
      far?.terminate();
    });
    const up = (b: Buffer): void => this.pass(true, connection, b, far!, near);
    near.on('message', (data: Buffer) => {
      this.note(data);
      if (far === undefined) waiting.push(data);
      else up(data);
    });
    try {
      const to = parseAddress(this.relay.address), tcp = await dial(to);
      const socket = new WebSocket(`wss://${to.host}:${to.port}${to.path}`, { createConnection: () => tcp, perMessageDeflate: false });
      socket.on('error', () => undefined).on('close', () => near.terminate());
      socket.on('message', (data: Buffer) => this.pass(false, connection, data, near, socket));
      await new Promise<void>((done, refuse) => socket.once('open', done).once('close', () => refuse(new Error('closed'))));
      if (near.readyState !== WebSocket.OPEN) return socket.terminate();
      far = socket;
      for (const b of waiting.splice(0)) up(b);
    } catch {
      near.terminate(); // the relay is down
    }
  }

  private note(bytes: Buffer): void {
    if (bytes[0] !== APPEND && bytes[0] !== ADVANCE) return;
    const a = readAppend(bytes);
    this.sent.push(a.payload);
    this.logs.push(a.log);
  }

  private pass(up: boolean, connection: number, bytes: Buffer, to: WebSocket, back: WebSocket): void {
    const instead = this.mischief?.({ up, connection, type: bytes[0]!, id: bytes.readUInt32BE(1), bytes, front: this }) ?? [bytes];
    // An answer to a request that is not passed on goes back.
    for (const b of instead) (up && b[0]! >= 0x80 ? back : to).send(b);
  }
}
