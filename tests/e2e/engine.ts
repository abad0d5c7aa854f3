// SPDX-License-Identifier: Apache-2.0
//
// engine: a program that talks to somebody's engine, over its unix socket or over `whimbrel rpc`, with the client that is made of the schema. It is
// strict: an answer or an event that does not fit the schema is an error.
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { TestContext } from 'node:test';
import { Readable, Writable } from 'node:stream';
import { Engine, Transport } from '../../build/ts/rpc';
import { Person, passphrase, whimbrel } from './person';

function lines(from: Readable, to: Writable, close: () => void): Transport {
  let rest = '';
  return {
    send: line => to.write(line + '\n'),
    onLine: take => from.setEncoding('utf8').on('data', (bytes: string) => {
      const parts = (rest + bytes).split('\n');
      rest = parts.pop()!;
      parts.forEach(take);
    }),
    onEnd: take => { from.once('close', take); },
    close,
  };
}

// Over the socket of an engine that is started if none runs.
export async function overSocket(t: TestContext, p: Person): Promise<Engine> {
  p.ok('start');
  const socket = connect(join(p.profile, 'engine'));
  await new Promise<void>((done, refuse) => socket.once('connect', done).once('error', refuse));
  t.after(() => socket.destroy());
  return new Engine(lines(socket, socket, () => socket.end()), true);
}

// Over standard input and output of `whimbrel rpc`.
export function overStdio(t: TestContext, p: Person): Engine {
  const child = spawn(whimbrel, ['--profile', p.profile, 'rpc'],
    { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, WHIMBREL_PASSPHRASE: passphrase } });
  t.after(() => child.kill());
  return new Engine(lines(child.stdout, child.stdin, () => child.stdin.end()), true);
}
