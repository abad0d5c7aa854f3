// SPDX-License-Identifier: Apache-2.0
//
// proxy: a SOCKS5 and HTTP proxy of a test's own, that keeps what it was asked for, and misbehaves when it is told to. It is a stranger to
// src/reach: only what the RFCs say is shared.
import { Server, Socket, connect, createServer } from 'node:net';
import { AddressInfo } from 'node:net';
import { TestContext } from 'node:test';

export type Mood =
  | 'fair' | 'silent' // takes connections and says nothing
  | 'mute' // says that it is connected, and passes nothing on
  | number; // refuses with this code

export interface Asked { host: string; port: number; user: string; password: string }

class Bytes {
  private have = Buffer.alloc(0);
  private wake?: () => void;
  private ended = false;

  constructor(private readonly socket: Socket) {
    socket.on('data', (d: Buffer) => { this.have = Buffer.concat([this.have, d]); this.wake?.(); });
    socket.on('close', () => { this.ended = true; this.wake?.(); });
    socket.on('error', () => socket.destroy());
  }

  async take(n: number): Promise<Buffer> {
    while (this.have.length < n) {
      if (this.ended) throw new Error('it hung up');
      await new Promise<void>(done => (this.wake = done));
    }
    const bytes = this.have.subarray(0, n);
    this.have = this.have.subarray(n);
    return bytes;
  }

  async head(): Promise<string> {
    let text = '';
    while (!text.endsWith('\r\n\r\n')) text += (await this.take(1)).toString('latin1');
    return text;
  }

  // What came and was not taken; from now on the socket is somebody else's.
  rest(): Buffer {
    this.socket.removeAllListeners('data');
    return this.have;
  }
}

export class Proxy {
  readonly asked: Asked[] = [];
  mood: Mood = 'fair';
  connections = 0;
  port = 0;
  private readonly open = new Set<Socket>();
  private server!: Server;

  private constructor(private readonly login?: { user: string; password: string }) {}

  static async start(t: TestContext, login?: { user: string; password: string }): Promise<Proxy> {
    const p = new Proxy(login);
    p.server = createServer(s => {
      p.connections++;
      p.open.add(s);
      s.once('close', () => p.open.delete(s));
      p.serve(s).catch(() => s.destroy());
    });
    await new Promise<void>(done => p.server.listen(0, '127.0.0.1', done));
    p.port = (p.server.address() as AddressInfo).port;
    t.after(() => p.stop());
    return p;
  }

  get place(): string { return `127.0.0.1:${this.port}`; }

  // All that is open is cut off.
  cut(): void { this.open.forEach(s => s.resetAndDestroy?.() ?? s.destroy()); }

  stop(): void {
    this.server.close();
    this.open.forEach(s => s.destroy()); // after a reset Node 18 may never end
  }

  private async serve(s: Socket): Promise<void> {
    const bytes = new Bytes(s);
    if (this.mood === 'silent') return;
    const first = (await bytes.take(1))[0]!;
    const to = first === 5 ? await this.socks(s, bytes) : await this.http(s, bytes, String.fromCharCode(first));
    if (to === undefined || this.mood === 'mute') return;
    const rest = bytes.rest(), out = connect(to.port, to.host === 'relay.invalid' || to.host.endsWith('.onion') ? '127.0.0.1' : to.host, () => {
      s.write(first === 5 ? Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]) : 'HTTP/1.1 200 So be it\r\n\r\n');
      out.write(rest);
      s.pipe(out);
      out.pipe(s);
    });
    out.on('error', () => s.destroy());
    out.on('close', () => s.destroy());
    s.on('close', () => out.destroy());
  }

  private async socks(s: Socket, bytes: Bytes): Promise<Asked | undefined> {
    const methods = await bytes.take((await bytes.take(1))[0]!), method = this.login === undefined ? 0 : 2;
    const asked: Asked = { host: '', port: 0, user: '', password: '' };
    const takes = methods.includes(method) ? method : methods.includes(2) && this.login === undefined ? 2 : 255;
    s.write(Buffer.from([5, takes]));
    if (takes === 255) { s.end(); return undefined; }
    if (takes === 2) {
      await bytes.take(1);
      asked.user = (await bytes.take((await bytes.take(1))[0]!)).toString();
      asked.password = (await bytes.take((await bytes.take(1))[0]!)).toString();
      const right = this.login === undefined || (asked.user === this.login.user && asked.password === this.login.password);
      s.write(Buffer.from([1, right ? 0 : 1]));
      if (!right) { s.end(); return undefined; }
    }
    const type = (await bytes.take(4))[3];
    if (type === 1) asked.host = [...await bytes.take(4)].join('.');
    else if (type === 3) asked.host = (await bytes.take((await bytes.take(1))[0]!)).toString();
    else asked.host = (await bytes.take(16)).toString('hex').match(/.{4}/g)!.join(':');
    asked.port = (await bytes.take(2)).readUInt16BE();
    this.asked.push(asked);
    if (typeof this.mood === 'number') {
      s.end(Buffer.from([5, this.mood, 0, 1, 0, 0, 0, 0, 0, 0]));
      return undefined;
    }
    if (this.mood === 'mute') s.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
    return asked;
  }

  private async http(s: Socket, bytes: Bytes, first: string): Promise<Asked | undefined> {
    const head = first + await bytes.head(), m = /^CONNECT \[?([^ ]+?)\]?:(\d+) HTTP\/1\.1\r\n/.exec(head);
    const basic = /proxy-authorization: basic (\S+)/i.exec(head)?.[1] ?? '';
    const [user, password] = Buffer.from(basic, 'base64').toString().split(':');
    if (m === null) { s.end('HTTP/1.1 405 No\r\n\r\n'); return undefined; }
    const asked: Asked = { host: m[1]!, port: Number(m[2]), user: user ?? '', password: password ?? '' };
    this.asked.push(asked);
    if (this.login !== undefined && (asked.user !== this.login.user || asked.password !== this.login.password)) {
      s.end('HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n');
      return undefined;
    }
    return asked;
  }
}
