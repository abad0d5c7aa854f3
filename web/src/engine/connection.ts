// SPDX-License-Identifier: Apache-2.0
//
// The one WebSocket to the engine: says the token, sends requests, gives out replies and events, and comes back by itself when it
// breaks. Requests go right behind the token, since it is rarely refused and waiting for its answer takes as long as theirs. It knows nothing of what
// is asked. A request that was under way when the socket broke fails: whether it was done is unknown, and whoever sent it must look.

export type Phase = 'connecting' | 'open' | 'away' | 'refused';

/** A request that did not succeed. `code` is the engine's (docs/rpc.md), or AWAY. */
export class Failure extends Error {
  constructor(readonly code: number, message: string) { super(message); }
}
export const AWAY = -1;
export const NO_METHOD = -32601;

/** What begin.ts has done before. What was asked has the ids 1, 2, …; `came` is what was heard since. */
export interface Begun { token: string; socket: WebSocket; asked: [method: string, params?: object][]; came: string[]; closed: number | undefined }
declare global { var begun: Begun | undefined }

interface Waiting { done: (result: unknown) => void; refuse: (f: Failure) => void }
interface Incoming {
  ok?: boolean;
  id?: number | null;
  result?: unknown;
  error?: { code: number; message: string };
  method?: string;
  params?: Record<string, unknown>;
}

const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 8000;

export class Connection {
  onPhase: (p: Phase) => void = () => undefined;
  onEvent: (method: string, params: Record<string, unknown>) => void = () => undefined;
  private socket: WebSocket | undefined;
  private open = false;
  private pause = FIRST_PAUSE;
  private timer = 0;
  private last = 0;
  private readonly waiting = new Map<number, Waiting>();
  private readonly asked = new Map<string, number>(); // what begin.ts has asked: the ids, by what it was

  constructor(private readonly begun: Begun) {}

  /** Goes on with the socket that is there already. What came is taken out, since it would stay in memory when the profile is locked. */
  start(): void {
    const { socket, asked, came, closed } = this.begun;
    asked.forEach((call, i) => this.asked.set(JSON.stringify(call), i + 1));
    this.last = asked.length;
    this.hold(socket, () => undefined);
    if (socket.readyState === WebSocket.OPEN || came.length > 0) this.opened();
    for (const m of came.splice(0)) this.take(JSON.parse(m) as Incoming);
    if (closed !== undefined) this.closed(closed);
  }

  private again(): void {
    clearTimeout(this.timer);
    const socket = new WebSocket(this.begun.socket.url);
    this.hold(socket, () => socket.send(JSON.stringify({ token: this.begun.token })));
  }

  private hold(socket: WebSocket, greet: () => void): void {
    this.socket = socket;
    socket.onopen = () => {
      greet();
      this.opened();
    };
    socket.onmessage = e => this.take(JSON.parse(String(e.data)) as Incoming);
    socket.onclose = e => this.closed(e.code);
  }

  private opened(): void {
    this.open = true;
    this.onPhase('open');
    this.asked.clear();
  }

  /** Tries at once, instead of at the end of the pause: somebody is waiting. */
  hurry(): void {
    if (this.socket?.readyState !== WebSocket.CLOSED) return;
    this.pause = FIRST_PAUSE;
    this.again();
  }

  call(method: string, params?: object): Promise<unknown> {
    const socket = this.socket;
    if (!this.open || socket === undefined) return Promise.reject(new Failure(AWAY, 'away'));
    const early = this.asked.get(JSON.stringify(params === undefined ? [method] : [method, params])), id = early ?? ++this.last;
    return new Promise((done, refuse) => {
      this.waiting.set(id, { done, refuse });
      if (early === undefined) socket.send(JSON.stringify(params === undefined ? { jsonrpc: '2.0', id, method } : { jsonrpc: '2.0', id, method, params }));
    });
  }

  private take(m: Incoming): void {
    if (m.ok === true) {
      this.pause = FIRST_PAUSE;
    } else if (m.method !== undefined) {
      this.onEvent(m.method, m.params ?? {});
    } else if (typeof m.id === 'number') {
      const w = this.waiting.get(m.id);
      this.waiting.delete(m.id);
      if (m.error === undefined) w?.done(m.result);
      else w?.refuse(new Failure(m.error.code, m.error.message));
    }
  }

  private closed(code: number): void {
    this.open = false;
    const lost = [...this.waiting.values()];
    this.waiting.clear();
    for (const w of lost) w.refuse(new Failure(AWAY, 'away'));
    if (code === 1008) {
      this.onPhase('refused');
      return;
    }
    this.onPhase('away');
    this.timer = setTimeout(() => this.again(), this.pause * (0.75 + Math.random() / 2));
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
  }
}
