// SPDX-License-Identifier: Apache-2.0
//
// dns: the censor's resolver, a program of its own: `dns ADDRESS`. On standard input it is told what to answer from then on, a line each, NAME
// ADDRESS; on standard output it says each name that it was asked for. Only what a stub resolver asks is understood (RFC 1035 §4).
import { createSocket } from 'node:dgram';

const answers = new Map<string, string>();
let rest = '';
process.stdin.on('data', (d: Buffer) => {
  const lines = (rest + d.toString()).split('\n');
  rest = lines.pop()!;
  for (const line of lines) {
    const [name, address] = line.split(' ') as [string, string];
    answers.set(name, address);
    process.stdout.write(`set ${name}\n`);
  }
});
process.stdin.on('end', () => process.exit());

function question(m: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let n = m[at]!; n !== 0; n = m[at]!) {
    labels.push(m.toString('latin1', at + 1, at + 1 + n));
    at += n + 1;
  }
  return { name: labels.join('.').toLowerCase(), type: m.readUInt16BE(at + 1), end: at + 5 };
}

const socket = createSocket('udp4');
socket.on('message', (m, from) => {
  const q = question(m), address = answers.get(q.name);
  process.stdout.write(`asked ${q.name}\n`);
  const yes = address !== undefined && q.type === 1;
  const head = Buffer.from(m.subarray(0, q.end));
  head.writeUInt16BE(address === undefined ? 0x8183 : 0x8180, 2);
  head.writeUInt16BE(yes ? 1 : 0, 6);
  head.writeUInt32BE(0, 8);
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...(address ?? '0.0.0.0').split('.').map(Number)]);
  socket.send(yes ? Buffer.concat([head, record]) : head, from.port, from.address);
});
socket.bind(53, process.argv[2], () => process.stdout.write('ready\n'));
