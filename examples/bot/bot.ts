// SPDX-License-Identifier: Apache-2.0
//
// A bot that rolls dice: `/roll 2d6`, `/help`. It takes every contact request, and hears groups that it was added to. It keeps nothing of
// its own: how far it has answered is how far its conversations have been read. So it may be killed at any time, and answers then what
// it has missed; what it was about to say just then, it may say twice. docs/bots.md goes with it.
//
//   node bot.js PROFILE
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { Engine, Message, Transport } from '../../build/ts/rpc';

const HELP = '`/roll 2d6` rolls two dice of six sides; up to 100 dice, and 1,000 sides.';

// Lines over standard input and output of `whimbrel rpc`, which starts an engine where none runs. A profile that wants a passphrase gets
// it from WHIMBREL_PASSPHRASE, or the keyring opens it.
function rpc(profile: string): Transport {
  const program = spawn('whimbrel', ['--profile', profile, 'rpc'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let rest = '';
  return {
    send: line => program.stdin.write(line + '\n'),
    onLine: take => program.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      lines.forEach(take);
    }),
    onEnd: take => { program.once('close', take); },
    close: () => program.stdin.end(),
  };
}

function answer(text: string): string | undefined {
  if (text.trim() === '/help') return HELP;
  const roll = /^\s*\/roll\s+(\d{1,9})d(\d{1,9})\s*$/i.exec(text), dice = Number(roll?.[1]), sides = Number(roll?.[2]);
  if (roll === null) return undefined;
  if (dice < 1 || dice > 100 || sides < 2 || sides > 1000) return HELP;
  const rolled = Array.from({ length: dice }, () => 1 + randomInt(sides));
  return `${rolled.join(' + ')}${dice > 1 ? ` = **${rolled.reduce((a, b) => a + b)}**` : ''}`;
}

async function take(engine: Engine, m: Message): Promise<void> {
  const said = m.from !== 0 && !m.deleted && (m.kind === 'text' || m.kind === 'reply') ? answer(m.text) : undefined;
  if (said !== undefined) await engine.call('message.reply', { chat: m.chat, message: m.id, text: said });
  await engine.call('chat.read', { chat: m.chat, message: m.id }); // durable: what comes after this is still to be answered
}

// All that has come since the bot was here last, one conversation after the other.
async function look(engine: Engine): Promise<void> {
  for (const contact of await engine.call('contact.list')) {
    if (contact.state === 'request') await engine.call('contact.answer', { contact: contact.id, accept: true });
  }
  for (const chat of await engine.call('chat.list')) {
    if (chat.state !== 'open' || chat.unread === 0) continue;
    for (const m of await engine.call('message.list', { chat: chat.id, after: chat.read_to })) await take(engine, m);
  }
}

// Whoever runs the bot starts it again.
function end(e: Error): void {
  console.error(e.message);
  process.exit(1);
}

async function main(profile: string): Promise<void> {
  const engine = new Engine(rpc(profile));
  let looking = Promise.resolve(), again = false;
  const wake = (): void => { // one look at a time; whatever comes meanwhile asks for another
    if (again) return;
    again = true;
    looking = looking.then(() => { again = false; return look(engine); });
    looking.catch(end);
  };
  engine.on('message', wake);
  engine.on('contact', wake);
  engine.on('chat', wake);
  // Dice are no secret, and nobody is there to look when somebody has another device than before (error 6).
  await engine.call('settings.set', { name: 'hold-changed-keys', value: 0 });
  await engine.call('events.follow'); // before the first look: nothing falls between
  wake();
  await engine.ended;
  process.exitCode = 1; // it was not the bot that wanted that
}

if (process.argv[2] === undefined) {
  console.error('node bot.js PROFILE');
  process.exit(2);
}
main(process.argv[2]).catch(end);
