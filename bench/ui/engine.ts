// SPDX-License-Identifier: Apache-2.0
//
// An engine that is none: it serves the page as the real one does, with its policy, and answers at once out of arithmetic: a thousand conversations, one of
// them with a hundred thousand messages. So what is measured is the page. What the engine itself costs stands in docs/performance.md, too.
import { readFileSync, readdirSync } from 'node:fs';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Chat, Contact, Message } from '../../build/ts/rpc';

const HEADERS = {
  'Content-Security-Policy': "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp', 'Cache-Control': 'no-store',
};
const TYPES: Record<string, string> = { html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', svg: 'image/svg+xml' };
const TOKEN = 'bench-token-of-an-engine-that-is-none-0000';
export const CHATS = 1000, MESSAGES = 100_000;
const NOW = Date.now(), PEOPLE = ['Alice', 'Bob Larsen', 'Carol', 'Дмитрий', 'Eve', 'Fatima', 'Grace', 'Henrik'];
const WORDS = 'the tide turns early today and boats come back with nets full of light while herons wait at the old lock for what is left over'.split(' ');

const hex = (n: number, bytes: number): string => n.toString(16).padStart(bytes * 2, '0');
const words = (seed: number, n: number): string => Array.from({ length: n }, (_, i) => WORDS[(seed * 7 + i * (seed % 5 + 1)) % WORDS.length]).join(' ');

const contacts: Contact[] = PEOPLE.map((name, i) => ({ id: i + 1, name, account: hex(i + 1, 32), state: 'known', verified: i % 2 === 0, changed: 0 }));

// Mostly short ones, as people write; some with marks, lists, links, answers, reactions.
function message(id: number): Message {
  const from = id % 3 === 0 ? 0 : id % PEOPLE.length + 1, reply = id % 11 === 0 && id > 20;
  const text = id % 97 === 0 ? `- ${words(id, 4)}\n- **${words(id + 1, 3)}**\n- ${words(id + 2, 5)}` : id % 31 === 0 ? `${words(id, 5)} https://tide.example.org/${id}` : words(id, 3 + id * 13 % 40);
  return {
    id, chat: 1, from, time: NOW - (MESSAGES - id) * 90_000, state: from === 0 ? 'read' : 'received', seq: id, mimi: hex(id, 32), kind: reply ? 'reply' : 'text',
    about: reply ? hex(id - 5, 32) : '', ...(reply ? { answers: { id: id - 5, from: 2, kind: 'text', type: 'text/markdown', text: words(id - 5, 8), deleted: false } } : {}),
    type: 'text/markdown', text, whom: 0, edited: 0, deleted: false, pinned: false, mentions: false, expires: 0, lives: 0,
    reactions: id % 17 === 0 ? [{ from: 1, text: '👍', time: NOW }, { from: 2, text: '🌊', time: NOW }] : [],
  };
}

function chat(id: number): Chat {
  const group = id % 3 === 1, time = NOW - id * 400_000;
  return {
    id, kind: group ? 'group' : 'direct', name: group ? `Harbour ${id}` : '', contact: group ? 0 : id % PEOPLE.length + 1, state: 'open', members: group ? 5 : 2, epoch: 3, created: time,
    last: { id: MESSAGES, from: id % PEOPLE.length + 1, time, kind: 'text', type: 'text/markdown', text: words(id, 9), whom: 0, deleted: false },
    unread: id % 7 === 3 ? id % 12 + 1 : 0, mentions: 0, read_to: MESSAGES, pinned: false, archived: false, hidden: false, muted: 0, receipts: 'usual', timer: 0, draft: '', held: [],
  };
}
const chats = Array.from({ length: CHATS }, (_, i) => chat(i + 1));

function list(p: { after?: number; before?: number; around?: number; limit?: number }): Message[] {
  const limit = p.limit ?? 100;
  let first = MESSAGES - limit + 1;
  if (p.before !== undefined) first = p.before - limit;
  else if (p.after !== undefined) first = p.after + 1;
  else if (p.around !== undefined) first = p.around - Math.floor(limit / 2);
  const end = Math.min(MESSAGES + 1, first + limit);
  return Array.from({ length: Math.max(0, end - Math.max(1, first)) }, (_, i) => message(Math.max(1, first) + i));
}

function answer(method: string, p: Record<string, number>): unknown {
  switch (method) {
    case 'profile.status': return { state: 'open', name: 'Alice', passphrase: true, keyring: false };
    case 'engine.status': return { account: hex(9, 32), name: 'Alice', waiting: 0, relay: 'wss://relay.example.org', connected: true };
    case 'contact.list': return contacts;
    case 'chat.list': return chats.slice(0, p['limit']);
    case 'chat.get': return chats[p['chat']! - 1];
    case 'message.list': return p['chat'] === 1 ? list(p) : [];
    case 'message.get': return message(p['message']!);
    case 'warning.list': case 'file.list': case 'message.pinned': return [];
    case 'chat.picture': return { picture: '' };
    default: return true;
  }
}

// A page that asks for nothing: how long this browser takes here, now, until one row that a script makes is painted.
const FLOOR = {
  'floor.html': '<!doctype html><title>Floor</title><script type="module" src="floor.js"></script><body></body>',
  'floor.js': "const a = document.createElement('a'); a.className = 'chat-row'; a.textContent = 'A row'; document.body.append(a);",
};

export class Engine {
  address = '';
  floor = '';
  private readonly server: Server;
  private readonly files = new Map<string, Buffer>();
  private readonly sockets = new Set<WebSocket>();

  constructor(web: string) {
    for (const name of readdirSync(web)) this.files.set(`/${name}`, readFileSync(join(web, name)));
    for (const [name, text] of Object.entries(FLOOR)) this.files.set(`/${name}`, Buffer.from(text));
    this.server = createServer((q, a) => this.page(q, a));
    new WebSocketServer({ server: this.server, path: '/rpc' }).on('connection', s => this.visit(s));
  }

  async start(): Promise<void> {
    await new Promise<void>(done => this.server.listen(0, '127.0.0.1', done));
    const base = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    this.address = `${base}/#${TOKEN}`;
    this.floor = `${base}/floor.html`;
  }

  stop(): void {
    this.sockets.forEach(s => s.terminate());
    this.server.close();
  }

  private page(q: IncomingMessage, a: ServerResponse): void {
    const path = q.url === '/' ? '/index.html' : q.url ?? '', bytes = this.files.get(path);
    a.writeHead(bytes === undefined ? 404 : 200, { ...HEADERS, 'Content-Type': TYPES[path.split('.').at(-1)!] ?? 'text/plain' });
    a.end(bytes);
  }

  private visit(s: WebSocket): void {
    this.sockets.add(s);
    s.on('message', data => {
      const q = JSON.parse(String(data)) as { id?: number; method?: string; params?: Record<string, number>; token?: string };
      if (q.token !== undefined) s.send('{"ok":true}');
      else s.send(JSON.stringify({ jsonrpc: '2.0', id: q.id, result: answer(q.method ?? '', q.params ?? {}) }));
    });
  }
}
