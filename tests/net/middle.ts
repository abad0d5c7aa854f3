// SPDX-License-Identifier: Apache-2.0
//
// middle: the censor's box in the way, a program of its own: `middle PORT HOST:PORT CERTIFICATE KEY`. Connections that the censor's rules send
// here would go to HOST:PORT; what becomes of them it is told on standard input, a line, from then on:
//   pass              they are passed on
//   name NAME         whose ClientHello has this name in it is reset
//   page              a page that says "blocked" answers, over TLS, with the censor's own certificate
//   hole BYTES        after so many bytes from the client nothing passes any more, and nobody is told
//   slow BYTES MS     so many bytes a second pass each way, each piece later by so much
import { readFileSync } from 'node:fs';
import { Socket, connect, createServer } from 'node:net';
import { TLSSocket } from 'node:tls';

const [port, to, certificate, key] = process.argv.slice(2) as [string, string, string, string];
const [host, toPort] = to.split(':') as [string, string];
const open = new Set<Socket>();
let mode = ['pass'], rest = '';
process.stdin.on('data', (d: Buffer) => {
  const lines = (rest + d.toString()).split('\n');
  rest = lines.pop()!;
  for (const line of lines) {
    mode = line.split(' ');
    open.forEach(s => s.resetAndDestroy());
    process.stdout.write(`is ${mode[0]}\n`);
  }
});
process.stdin.on('end', () => process.exit());

function page(s: Socket): void {
  const tls = new TLSSocket(s, { isServer: true, cert: readFileSync(certificate), key: readFileSync(key), ALPNProtocols: ['http/1.1'] });
  tls.on('error', () => s.destroy());
  tls.on('data', () => tls.end('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nblocked\n'));
}

// Passes bytes one way under the mode.
function pass(from: Socket, into: Socket, now: string[]): void {
  let passed = 0, due = 0;
  from.on('data', (d: Buffer) => {
    if (now[0] === 'hole' && passed >= Number(now[1])) return;
    passed += d.length;
    if (now[0] !== 'slow') {
      into.write(d);
      return;
    }
    due = Math.max(due, Date.now()) + d.length * 1000 / Number(now[1]);
    from.pause();
    setTimeout(() => {
      into.write(d);
      from.resume();
    }, due - Date.now() + Number(now[2]));
  });
  from.on('close', () => { if (now[0] !== 'hole') into.destroy(); });
  from.on('error', () => into.destroy());
}

createServer({ noDelay: true }, s => {
  const now = mode;
  open.add(s);
  s.on('close', () => open.delete(s));
  s.on('error', () => s.destroy());
  if (now[0] === 'page') {
    page(s);
    return;
  }
  s.once('data', (first: Buffer) => {
    s.pause();
    if (now[0] === 'name' && first.includes(now[1]!)) {
      s.resetAndDestroy();
      return;
    }
    const out = connect(Number(toPort), host, () => {
      out.write(first);
      pass(s, out, now);
      pass(out, s, now);
      s.resume();
    });
    open.add(out);
    out.on('close', () => open.delete(out));
    out.on('error', () => s.destroy());
  });
}).listen(Number(port), '0.0.0.0', () => process.stdout.write('ready\n'));
