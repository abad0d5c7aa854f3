// SPDX-License-Identifier: Apache-2.0
//
// One connected stretch of a conversation's messages, oldest first, and how it grows: backwards when somebody scrolls up, forwards when
// messages come or somebody scrolls down again. It never grows without end: what is far from where it grows is let go. This is the
// only code that writes timelines.
import { type Signal, batch, signal } from '@preact/signals';
import { Failure } from '../engine/connection';
import { call, on } from '../engine/engine';
import type { Message } from '../engine/methods';

const PAGE = 100, LONGEST = 2000, NOT_FOUND = 2;

export class Timeline {
  readonly items: Signal<readonly Message[]> = signal([]);
  /** Whether it was loaded at all, and whether it reaches the first message and the last one. */
  readonly loaded = signal(false);
  readonly atStart = signal(false);
  readonly atEnd = signal(false);
  private readonly changed = new Set<number>();
  private following = false;
  private work: Promise<void> = Promise.resolve(); // what is asked for is put in one after the other

  constructor(readonly chat: number) {}

  /** The newest, or those around a message. */
  load(around = 0): Promise<void> { return this.then(() => this.loadPage(around)); }

  /** The first message of a time or later; its number, 0 if there is none. */
  async loadDate(date: number): Promise<number> {
    await this.then(() => this.replace({ date }));
    return this.items.value.find(m => m.time >= date)?.id ?? 0;
  }

  older(): Promise<void> {
    return this.then(async () => {
      const first = this.items.value[0];
      if (this.atStart.value || first === undefined) return;
      const got = await this.ask({ before: first.id });
      const all = [...got, ...this.items.value], cut = all.length > LONGEST;
      this.show(cut ? all.slice(0, LONGEST) : all, got.length < PAGE, this.atEnd.value && !cut);
    });
  }

  newer(): Promise<void> {
    return this.then(async () => {
      if (this.atEnd.value) return;
      await this.grow();
    });
  }

  /** After a break: events may have been missed. */
  again(): Promise<void> {
    return this.then(async () => {
      const { items, atEnd } = this, first = items.value[0];
      if (first === undefined) return this.loadPage(0);
      const got = await this.ask({ after: first.id - 1, limit: LONGEST });
      this.show(got, this.atStart.value, got.length < LONGEST || atEnd.value);
    });
  }

  /** Something has happened in the conversation, such as somebody coming or going, which may stand behind the last message now. */
  follow(): void {
    if (this.loaded.value && this.atEnd.value && !this.following) {
      this.following = true;
      void this.then(async () => {
        this.following = false;
        if (this.atEnd.value) await this.grow();
      }).catch(() => undefined);
    }
  }

  /** All of it was deleted on this device. */
  cleared(): void {
    if (this.loaded.value) void this.then(async () => this.show([], true, true));
  }

  /** A message came, or changed. Several in one turn are asked for together. */
  touch(message: number): void {
    if (!this.loaded.value) return;
    this.changed.add(message);
    if (this.changed.size === 1) queueMicrotask(() => void this.then(() => this.refresh()).catch(() => undefined));
  }

  private then(next: () => Promise<void>): Promise<void> {
    const done = this.work.then(next);
    this.work = done.catch(() => undefined);
    return done;
  }

  private ask(o: { before?: number; after?: number; around?: number; date?: number; limit?: number }): Promise<Message[]> {
    return call('message.list', { chat: this.chat, limit: PAGE, ...o });
  }

  private show(items: readonly Message[], atStart: boolean, atEnd: boolean): void {
    batch(() => {
      this.items.value = items;
      this.atStart.value = atStart;
      this.atEnd.value = atEnd;
      this.loaded.value = true;
    });
  }

  private async loadPage(around: number): Promise<void> {
    if (around === 0) {
      const got = await this.ask({});
      this.show(got, got.length < PAGE, true);
    } else if (!this.items.value.some(i => i.id === around)) {
      await this.replace({ around });
    }
  }

  // A stretch somewhere else. Whether it touches an end is found out when somebody goes there.
  private async replace(o: { around: number } | { date: number }): Promise<void> {
    const got = await this.ask(o);
    if (got.length > 0) this.show(got, false, false);
  }

  private async grow(): Promise<void> {
    const got = await this.ask({ after: this.items.value[this.items.value.length - 1]?.id ?? 0 });
    if (got.length === 0 && this.atEnd.value) return;
    const all = [...this.items.value, ...got], cut = all.length > LONGEST;
    this.show(cut ? all.slice(-LONGEST) : all, this.atStart.value && !cut, got.length < PAGE);
  }

  private async refresh(): Promise<void> {
    const wanted = [...this.changed].sort((a, b) => a - b);
    this.changed.clear();
    const first = this.items.value[0]?.id ?? 0, last = this.items.value[this.items.value.length - 1]?.id ?? 0;
    const here = wanted.filter(m => m >= first && m <= last);
    const found = await Promise.all(here.map(m => call('message.get', { chat: this.chat, message: m }).catch((e: unknown) => {
      if (e instanceof Failure && e.code === NOT_FOUND) return undefined;
      throw e;
    })));
    if (here.length > 0) {
      const at = new Map(here.map((m, i) => [m, found[i]]));
      this.items.value = this.items.value.map(i => at.has(i.id) ? at.get(i.id) : i).filter(i => i !== undefined);
    }
    if (this.atEnd.value && wanted.some(m => m > last)) await this.grow();
  }
}

const KEPT = 6; // conversations whose rows stay in memory
const timelines = new Map<number, Timeline>();

export function timelineOf(chat: number): Timeline {
  const there = timelines.get(chat) ?? new Timeline(chat);
  timelines.delete(chat);
  timelines.set(chat, there); // the last one used is the last in the map
  for (const key of timelines.keys()) {
    if (timelines.size <= KEPT) break;
    timelines.delete(key);
  }
  return there;
}

export function refreshTimelines(): void {
  for (const line of timelines.values()) if (line.loaded.value) void line.again().catch(() => undefined);
}
export function forgetTimelines(): void { timelines.clear(); }

on('chat', c => timelines.get(c.chat)?.follow());
on('chat.deleted', c => timelines.get(c.chat)?.cleared());
on('message.gone', m => timelines.get(m.chat)?.touch(m.message));
on('message', m => timelines.get(m.chat)?.touch(m.message));
