// SPDX-License-Identifier: Apache-2.0
//
// client: a small client of the relay over the stock WebSocket library `ws`. It keeps to docs/protocol.md §1 and §2: TLS 1.3,
// the relay's key compared with the address before a byte of the path leaves, one message a frame, many requests in flight.
// Every wait ends after PATIENCE with an error that says what was waited for.
import { X509Certificate, createHash, randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import * as tls from 'node:tls';
import WebSocket from 'ws';
import { Body, Code, Entry, Follow, Followed, Grant, Hello, Kind, Message, Request, decode, encode, requests } from './wire';

export const PATIENCE = 60_000;

export class RelayError extends Error {
  constructor(readonly code: Code, readonly detail: number, readonly said: string) {
    super(`${code} (${detail}): ${said}`);
  }
}

export interface Address { host: string; port: number; path: string; pin: string }

export function parseAddress(text: string): Address {
  const url = new URL(text.replace(/^wss:/, 'https:')); // which has the same form, and the same port
  const pin = url.hash.slice(1);
  if (!text.startsWith('wss://') || !/^\/[A-Za-z0-9_-]{1,128}$/.test(url.pathname) || !/^[A-Za-z0-9_-]{43}$/.test(pin)) {
    throw new Error('this is no address of a relay');
  }
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 443), path: url.pathname, pin };
}

export const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
export const random = (n = 32): Buffer => randomBytes(n);

export async function within<T>(what: string, promise: Promise<T>, ms = PATIENCE): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export async function until(what: string, done: () => boolean | Promise<boolean>, ms = PATIENCE): Promise<void> {
  const end = Date.now() + ms;
  while (!(await done())) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms for ${what}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

export const certificates = new WeakMap<tls.TLSSocket, X509Certificate>();

// A TLS connection to the relay whose key has been compared with the address.
export async function dial(to: Address, o: Pick<Options, 'host' | 'localAddress'> = {}): Promise<tls.TLSSocket> {
  const socket = tls.connect({
    host: o.host ?? to.host, port: to.port, minVersion: 'TLSv1.3', rejectUnauthorized: false, // the pin says who it is
    ...(o.localAddress !== undefined ? { localAddress: o.localAddress } : {}),
    ...(isIP(to.host) === 0 ? { servername: to.host } : {}),
  });
  await within('a TLS handshake', new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed during the handshake')));
  }));
  const certificate = socket.getPeerX509Certificate(); // which is told only once
  const key = certificate?.publicKey.export({ type: 'spki', format: 'der' });
  if (certificate === undefined || key === undefined || sha256(key).toString('base64url') !== to.pin) {
    socket.destroy();
    throw new Error('another relay answers: its key does not fit the address');
  }
  certificates.set(socket, certificate);
  socket.removeAllListeners('error').removeAllListeners('close').on('error', () => undefined);
  return socket;
}

export interface Options {
  credit?: number;  // what hello says
  hello?: boolean;  // false: say nothing yet
  host?: string;    // connect to this address instead
  address?: string; // instead of the relay's
  localAddress?: string; // where the connection comes from
  agent?: string;   // what it says that it is
}

interface Waiting { resolve: (m: Message) => void; reject: (e: Error) => void; what: string }

export class Client {
  readonly pushes: Message[] = []; // those that came and were not waited for
  readonly closed: Promise<number>; // the status with which the connection ended
  greeting!: Hello;
  received = 0; // bytes of pushes of entries: what they cost
  onPush?: (m: Message) => void; // instead of `pushes`
  width = 64; // requests in flight; what hello says
  private next = 1;
  private readonly queue: [number, Request, Waiting][] = [];
  private readonly waiting = new Map<number, Waiting>();
  private readonly listeners: { fits: (m: Message) => boolean; resolve: (m: Message) => void }[] = [];
  private broken?: Error;

  private constructor(readonly socket: WebSocket, readonly tcp: tls.TLSSocket) {
    this.closed = new Promise(resolve => socket.once('close', code => resolve(code)));
    socket.on('error', e => this.fail(e));
    socket.on('close', code => this.fail(new Error(`the connection has ended with ${code}`)));
    socket.on('message', (data, binary) => {
      try {
        if (!binary) throw new Error('the relay sent text');
        this.take(decode(data as Buffer));
      } catch (e) {
        this.fail(e as Error);
        socket.terminate();
      }
    });
  }

  static async connect(address: string, o: Options = {}): Promise<Client> {
    const to = parseAddress(o.address ?? address);
    const tcp = await dial(to, o);
    const name = to.host.includes(':') ? `[${to.host}]` : to.host;
    const socket = new WebSocket(`wss://${name}:${to.port}${to.path}`, {
      createConnection: () => tcp, perMessageDeflate: false, maxPayload: 131_072,
      ...(o.agent !== undefined ? { headers: { 'User-Agent': o.agent } } : {}),
    });
    await within('the WebSocket handshake', new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    }));
    const client = new Client(socket, tcp);
    if (o.hello !== false) client.greeting = await client.ask('hello', requests.hello([1], o.credit ?? 1 << 20));
    return client;
  }

  // ------------------------------------------------------------------------------------------------ requests in general

  // Bytes as they are, for what a client must not send.
  raw(bytes: Uint8Array): void { this.socket.send(bytes); }

  send(r: Request, id = 0): void { this.socket.send(encode(id, r)); }

  // The reply that will come, whatever it is. As many requests are in flight as may be; the others wait here.
  start(r: Request): Promise<Message> {
    const id = this.next++;
    const what = `the reply to request ${id} of type 0x${r.type.toString(16)}`;
    if (this.broken !== undefined) return Promise.reject(this.broken);
    const reply = new Promise<Message>((resolve, reject) => this.queue.push([id, r, { resolve, reject, what }]));
    this.pump();
    return within(what, reply);
  }

  private pump(): void {
    while (this.waiting.size < this.width && this.queue.length > 0) {
      const [id, r, w] = this.queue.shift()!;
      this.waiting.set(id, w);
      this.send(r, id);
    }
  }

  async ask<K extends Kind>(kind: K, r: Request): Promise<Body<K>> {
    const m = await this.start(r);
    if (m.kind === 'error') throw new RelayError(m.code, m.detail, m.text);
    if (m.kind !== kind) throw new Error(`${kind} was expected, and ${m.kind} came`);
    return m as unknown as Body<K>;
  }

  // The next push that fits, of those that came already first.
  push<K extends Kind>(kind: K, tag?: number): Promise<Body<K>> {
    const fits = (m: Message): boolean => m.kind === kind && (tag === undefined || (m as { tag?: number }).tag === tag);
    const at = this.pushes.findIndex(fits);
    if (at >= 0) return Promise.resolve(this.pushes.splice(at, 1)[0] as unknown as Body<K>);
    if (this.broken !== undefined) return Promise.reject(this.broken);
    const came = new Promise<Message>(resolve => this.listeners.push({ fits, resolve }));
    return within(`a push: ${kind} of ${tag ?? 'any'}`, came) as unknown as Promise<Body<K>>;
  }

  // Pushed entries of a follow, until there are n.
  async entries(tag: number, n: number): Promise<Entry[]> {
    const all: Entry[] = [];
    while (all.length < n) all.push(...(await this.push('pushEntries', tag)).entries);
    return all;
  }

  async close(): Promise<number> {
    this.socket.close(1000);
    return within('the end of the connection', this.closed);
  }

  // Without a word, as when a cable is pulled.
  cut(): void { this.tcp.destroy(); }

  // ------------------------------------------------------------------------------------------------ requests by name

  host = (password: string) => this.ask('ok', requests.host(Buffer.from(password)));
  credit = (n: number) => this.send(requests.credit(n));
  create = (log: Uint8Array, grants: Grant[], retention = 0) => this.ask('ok', requests.logCreate(log, retention, grants));
  append = (log: Uint8Array, key: Uint8Array, epoch: number, payload: Uint8Array | string) =>
    this.ask('appended', requests.logAppend(log, key, epoch, Buffer.from(payload as Uint8Array)));
  advance = (log: Uint8Array, key: Uint8Array, epoch: number, payload: Uint8Array | string,
             replacement?: { hash: Uint8Array; from: number }) =>
    this.ask('appended', requests.logAdvance(log, key, epoch, Buffer.from(payload as Uint8Array), replacement));
  read = (log: Uint8Array, key: Uint8Array, after = 0, limit = 0) => this.ask('entries', requests.logRead(log, key, after, limit));
  stat = (log: Uint8Array, key: Uint8Array) => this.ask('stat', requests.logStat(log, key));
  remove = (log: Uint8Array, key: Uint8Array) => this.ask('ok', requests.logDelete(log, key));
  grant = (log: Uint8Array, key: Uint8Array, g: Grant) => this.ask('ok', requests.grantSet(log, key, g));
  revoke = (log: Uint8Array, key: Uint8Array, hash: Uint8Array) => this.ask('ok', requests.grantRemove(log, key, hash));
  follow = async (...follows: Follow[]): Promise<Followed[]> => (await this.ask('followed', requests.follow(follows))).followed;
  unfollow = (tag: number) => this.ask('ok', requests.unfollow(tag));
  signal = (log: Uint8Array, key: Uint8Array, data: Uint8Array | string) =>
    this.ask('ok', requests.signal(log, key, Buffer.from(data as Uint8Array)));
  put = async (log: Uint8Array, key: Uint8Array, device: Uint8Array, last: Uint8Array | string, packages: (Uint8Array | string)[]) =>
    (await this.ask('pool', requests.packagePut(log, key, device, Buffer.from(last as Uint8Array),
      packages.map(p => Buffer.from(p as Uint8Array))))).pool;
  takePackages = async (log: Uint8Array, key: Uint8Array) => (await this.ask('packages', requests.packageTake(log, key))).taken;
  pool = async (log: Uint8Array, key: Uint8Array) => (await this.ask('pool', requests.packageStat(log, key))).pool;
  clear = (log: Uint8Array, key: Uint8Array, device: Uint8Array) => this.ask('ok', requests.packageClear(log, key, device));
  blobCreate = (blob: Uint8Array, key: Uint8Array, size: number, retention = 0) =>
    this.ask('ok', requests.blobCreate(blob, key, size, retention));
  blobAppend = (blob: Uint8Array, key: Uint8Array, offset: number, data: Uint8Array) =>
    this.ask('blob', requests.blobAppend(blob, key, offset, data));
  blobSeal = (blob: Uint8Array, key: Uint8Array, size: number) => this.ask('ok', requests.blobSeal(blob, key, size));
  blobRead = async (blob: Uint8Array, offset: number, limit = 0) => (await this.ask('chunk', requests.blobRead(blob, offset, limit))).data;
  blobStat = (blob: Uint8Array) => this.ask('blob', requests.blobStat(blob));
  ways = () => this.ask('published', requests.ways());
  blobDelete = (blob: Uint8Array, key: Uint8Array) => this.ask('ok', requests.blobDelete(blob, key));

  // ------------------------------------------------------------------------------------------------------ what comes

  private take(m: Message): void {
    if (m.kind === 'error' && m.code === 'malformed') return; // the connection ends
    if (m.kind.startsWith('push')) {
      if (m.kind === 'pushEntries') this.received += m.size;
      const at = this.listeners.findIndex(l => l.fits(m));
      if (at >= 0) this.listeners.splice(at, 1)[0]?.resolve(m);
      else if (this.onPush !== undefined) this.onPush(m);
      else this.pushes.push(m);
      return;
    }
    const w = this.waiting.get(m.id);
    if (w === undefined) throw new Error(`a reply to ${m.id}, which waits for none`);
    this.waiting.delete(m.id);
    if (m.kind === 'hello') this.width = m.inFlight;
    w.resolve(m);
    this.pump();
  }

  private fail(e: Error): void {
    this.broken ??= e;
    const all = [...this.waiting.values(), ...this.queue.splice(0).map(([, , w]) => w)];
    this.waiting.clear();
    for (const w of all) w.reject(new Error(`${w.what} did not come: ${e.message}`));
  }
}
