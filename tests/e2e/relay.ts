// SPDX-License-Identifier: Apache-2.0
//
// relay: a whimbreld in a folder of its own on a free port, for one test: started, asked, killed and started again on the same
// port. What it says on standard error is kept, and shown when a test fails to start it. WHIMBREL_BUILD names the build folder.
import { ChildProcess, SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { TestContext } from 'node:test';
import { Client, Options, within } from './client';

export const build = resolve(process.env['WHIMBREL_BUILD'] ?? 'build');
export const whimbreld = join(build, 'whimbreld');

export function temporary(t: TestContext | undefined, where = tmpdir()): string {
  const folder = mkdtempSync(join(where, 'whimbrel-'));
  t?.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Setup {
  open?: boolean;      // everybody may create; the default
  host?: string;       // its name in the address
  config?: string[];   // lines for whimbreld.conf
  flags?: string[];    // for `run`
  folder?: string;     // instead of a temporary one
  prefix?: string[];   // a program that starts it
  before?: (r: Relay) => void; // between init and run
}

// No relay outlives the tests, however they end.
const children = new Set<ChildProcess>();
process.once('exit', () => children.forEach(c => c.kill('SIGKILL')));

export class Relay {
  address = '';
  output = '';
  process?: ChildProcess;
  private port = 0;
  private gone: Promise<number | null> = Promise.resolve(0);

  private constructor(readonly folder: string, readonly setup: Setup) {}

  static async start(t: TestContext | undefined, setup: Setup = {}): Promise<Relay> {
    const own = setup.folder === undefined ? temporary(undefined) : undefined;
    const r = new Relay(setup.folder ?? join(own!, 'relay'), setup);
    t?.after(async () => {
      await r.kill(); // and only then what it may still write to
      if (sanitized && /ERROR: \w+Sanitizer|runtime error:/.test(r.output)) throw new Error(r.output);
      if (own !== undefined) rmSync(own, { recursive: true, force: true });
    });
    r.command('init', '--host', setup.host ?? '127.0.0.1', '--port', '0', ...(setup.open === false ? [] : ['--open']));
    if (setup.config !== undefined) r.configure(...setup.config);
    setup.before?.(r);
    await r.run();
    return r;
  }

  // A relay over a folder that is there already.
  static async over(t: TestContext | undefined, folder: string, setup: Setup = {}): Promise<Relay> {
    const r = new Relay(folder, setup);
    t?.after(() => r.kill());
    await r.run();
    return r;
  }

  configure(...lines: string[]): void { appendFileSync(join(this.folder, 'whimbreld.conf'), lines.join('\n') + '\n'); }

  // It goes on behind another port, as behind another address.
  async move(): Promise<void> {
    await this.kill();
    this.port = 0;
    await this.run();
  }

  // Starts it, and waits until it says its address. The port stays the same for the whole test.
  async run(): Promise<void> {
    const words = [whimbreld, 'run', this.folder, '--port', String(this.port), ...(this.setup.flags ?? [])];
    const [program, ...rest] = [...(this.setup.prefix ?? []), ...words] as [string, ...string[]];
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.process = child;
    children.add(child);
    this.gone = new Promise(done => child.once('exit', code => {
      children.delete(child);
      done(code);
    }));
    child.stderr.on('data', (d: Buffer) => (this.output += d.toString()));
    let said = '';
    const started = new Promise<void>((done, refuse) => {
      child.stdout.on('data', (d: Buffer) => {
        said += d.toString();
        if (said.endsWith('\n')) done();
      });
      child.once('error', refuse);
      child.once('exit', code => refuse(new Error(`whimbreld ended with ${code}: ${this.output}`)));
    });
    await within('the relay to start', started);
    this.address = said.trim();
    this.port = Number(new URL(this.address.replace('wss:', 'https:')).port);
  }

  get pid(): number {
    if (this.process?.pid === undefined) throw new Error('the relay does not run');
    return this.process.pid;
  }

  get running(): boolean { return this.process !== undefined && this.process.exitCode === null && this.process.signalCode === null; }

  connect(o: Options = {}): Promise<Client> { return Client.connect(this.address, o); }

  signal(name: NodeJS.Signals): void { this.process?.kill(name); }

  // Ends it in an orderly way; its exit status.
  async stop(): Promise<number | null> {
    this.signal('SIGTERM');
    return within('the relay to stop', this.gone);
  }

  async kill(): Promise<void> {
    if (!this.running) return;
    this.signal('SIGKILL');
    await this.gone;
  }

  exited(): Promise<number | null> { return within('the relay to end', this.gone); }

  try(command: string, ...words: string[]): SpawnSyncReturns<string> {
    return spawnSync(whimbreld, [command, this.folder, ...words], { encoding: 'utf8', timeout: 120_000 });
  }

  command(command: string, ...words: string[]): string {
    const r = this.try(command, ...words);
    if (r.status !== 0) throw new Error(`whimbreld ${command}: ${r.status} ${r.stderr}`);
    return r.stdout;
  }

  // What the control socket tells: 'metrics', 'health', 'status'.
  ask(page: string): string {
    const r = spawnSync('curl', ['-s', '--unix-socket', join(this.folder, 'control'), `http://relay/${page}`], { encoding: 'utf8' });
    if (r.status !== 0) throw new Error(`the control socket does not answer: ${r.status}`);
    return r.stdout;
  }

  // A line of /proc/PID/status, such as VmRSS, in bytes.
  memory(name: string): number {
    const line = readFileSync(`/proc/${this.pid}/status`, 'utf8').split('\n').find(l => l.startsWith(name + ':'));
    return Number(line?.match(/(\d+) kB/)?.[1] ?? NaN) * 1024;
  }
}

export const sanitized = process.env['WHIMBREL_SANITIZED'] !== undefined; // then memory is no measure
export const asRoot = process.getuid?.() === 0;
export function have(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some(p => p !== '' && existsSync(join(p, program)));
}
