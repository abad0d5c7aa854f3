// SPDX-License-Identifier: Apache-2.0
//
// capture: what passed a host's cable, packet by packet, as tcpdump has written it (the pcap format), and whom each was to or from.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Host } from './hosts';

export interface Packet { from: string; to: string; protocol: 'tcp' | 'udp' | 'other'; fromPort: number; toPort: number; bytes: Buffer }

export class Capture {
  private constructor(private readonly file: string, private readonly stopped: () => Promise<void>) {}

  // Of what passes between a host and the censor, seen by the censor.
  static async of(h: Host, censor: Host, folder: string): Promise<Capture> {
    const file = join(folder, `${h.name}-${Date.now()}.pcap`);
    const child = censor.spawn(['tcpdump', '-i', h.name, '-U', '--immediate-mode', '-s', '0', '-Z', 'root', '-w', file]);
    let said = '';
    await new Promise<void>(done => child.stderr!.on('data', (d: Buffer) => { if ((said += d.toString()).includes('listening')) done(); }));
    const exit = once(child, 'exit');
    return new Capture(file, async () => {
      await new Promise(done => setTimeout(done, 300)); // so that it has seen the last one
      child.kill('SIGINT');
      await exit;
    });
  }

  // Ends it. Everything but ARP, which has no address beyond the cable.
  async packets(): Promise<Packet[]> {
    await this.stopped();
    const all = readFileSync(this.file), list: Packet[] = [];
    for (let at = 24; at + 16 <= all.length;) {
      const n = all.readUInt32LE(at + 8), frame = all.subarray(at + 16, at + 16 + n), type = frame.readUInt16BE(12);
      at += 16 + n;
      if (type !== 0x0806) list.push(read(frame.subarray(14), type));
    }
    return list;
  }
}

function read(p: Buffer, type: number): Packet {
  if (type !== 0x0800) return { from: '?', to: '?', protocol: 'other', fromPort: 0, toPort: 0, bytes: p };
  const head = (p[0]! & 15) * 4, number = p[9]!, protocol = number === 6 ? 'tcp' : number === 17 ? 'udp' : 'other';
  const ports = protocol !== 'other';
  return { from: [...p.subarray(12, 16)].join('.'), to: [...p.subarray(16, 20)].join('.'), protocol, bytes: p,
    fromPort: ports ? p.readUInt16BE(head) : 0, toPort: ports ? p.readUInt16BE(head + 2) : 0 };
}
