// SPDX-License-Identifier: Apache-2.0
//
// A conversation as a ZIP archive of a page or of JSON, with the files that are on this computer beside it. It is asked for a part at a time, and
// what has been written is the browser's to keep, so a long conversation does not fill the page's memory.
import { Failure } from '../engine/connection';
import { call } from '../engine/engine';
import { fetchFile } from '../engine/media';
import type { Chat, Message } from '../engine/methods';
import type { Progress } from '../state/archive';
import { contacts, nameOf, titleOf } from '../state/people';
import { settings } from '../state/settings';
import { clock, dayNumber, longDay, size, t, whole } from '../strings/strings';
import { clean, tameName } from '../text/plain';
import { SHEET_END, type SheetFile, sheetDay, sheetHead, sheetMessage, sheetNotice } from '../text/sheet';
import { Zip } from '../text/zip';
import { gist, noticeText } from './message';

const PART = 500;

export interface Exported { zip: Blob; messages: number; absent: number }
export interface Wanted { page: boolean; files: boolean }

// A name for a file inside: nothing of it is a folder, and none of it is what some system cannot store.
function fileName(m: Message, name: string): string {
  const plain = clean(name).replace(/[\\/:*?"<>|\u0000-\u001f]/g, '_').replace(/^\.+/, '').slice(-120);
  return `files/${m.id} ${plain === '' ? t('file') : plain}`;
}

class Export {
  readonly parts: string[] = [];
  private blobs: BlobPart[] = [];
  private day = -1;
  messages = 0;
  absent = 0;
  readonly people = new Set<number>();
  readonly zip: Zip;

  constructor(private readonly chat: Chat, private readonly wanted: Wanted, private readonly stop: AbortSignal) { this.zip = new Zip(stop); }

  private async bytesOf(m: Message): Promise<Blob | undefined> {
    if (m.file?.state !== 'here') return undefined;
    try {
      return await fetchFile(m.id, this.stop);
    } catch (e) {
      if (e instanceof Failure && e.code === 404) return undefined; // it has gone meanwhile
      throw e;
    }
  }

  private async fileOf(m: Message): Promise<string> {
    const f = m.file;
    if (f === undefined || m.deleted || !this.wanted.files) return '';
    const path = fileName(m, f.name), bytes = await this.bytesOf(m);
    if (bytes === undefined) {
      this.absent++;
      return '';
    }
    await this.zip.add(path, bytes, new Date(m.time));
    return path;
  }

  private sheet(m: Message, path: string): void {
    const today = dayNumber(m.time), name = nameOf(m.from), when = m.edited > 0 ? `${clock(m.time)}, ${t('edited')}` : clock(m.time);
    if (today !== this.day) this.parts.push(sheetDay(longDay(m.time)));
    this.day = today;
    if (m.kind === 'notice') {
      this.parts.push(sheetNotice(clock(m.time), noticeText(m)));
      return;
    }
    const f = m.deleted ? undefined : m.file, bytes = f === undefined ? '' : size(f.size);
    const file: SheetFile | undefined = f === undefined ? undefined : { path, type: f.type, name: tameName(f.name, t('file')), size: path === '' ? `${bytes}, ${t('notInExport')}` : bytes };
    const said = f !== undefined ? f.text : m.kind === 'text' || m.kind === 'reply' ? m.text : undefined, own = m.deleted || said === undefined;
    const q = m.answers;
    this.parts.push(sheetMessage({
      own: m.from === 0, id: m.id, name, when, plain: own, text: own ? gist(m) : clean(said),
      quote: m.deleted || q === undefined ? undefined : { name: nameOf(q.from), text: gist(q) }, file,
      reactions: m.reactions.map(r => [clean(r.text).slice(0, 20), nameOf(r.from)]),
    }));
  }

  async message(m: Message): Promise<void> {
    this.stop.throwIfAborted();
    for (const who of [m.from, m.whom, ...m.reactions.map(r => r.from)]) this.people.add(who);
    const path = await this.fileOf(m);
    if (this.wanted.page) this.sheet(m, path);
    else this.parts.push((this.messages === 0 ? '' : ',\n') + JSON.stringify(path === '' ? m : { ...m, file: { ...m.file, saved: path } }));
    this.messages++;
  }

  /** What was written so far leaves the page's memory. */
  flush(): void {
    this.blobs = [new Blob([...this.blobs, ...this.parts.splice(0)])];
  }

  async end(): Promise<Blob> {
    this.flush();
    const title = titleOf(this.chat), now = new Date(), when = t('exportHead', { time: whole(now.getTime()) });
    const who = [...this.people].flatMap(id => contacts.value.get(id) ?? []);
    const head = this.wanted.page ? sheetHead(title, when, settings.value.language)
      : `{\n"exported": ${JSON.stringify(now.toISOString())},\n"chat": ${JSON.stringify({ ...this.chat, name: title })},\n"contacts": ${JSON.stringify(who)},\n"messages": [\n`;
    await this.zip.add(this.wanted.page ? 'chat.html' : 'chat.json', new Blob([head, ...this.blobs, this.wanted.page ? SHEET_END : '\n]\n}\n']), now);
    return this.zip.end();
  }
}

export async function exportChat(chat: Chat, wanted: Wanted, progress: Progress, stop: AbortSignal): Promise<Exported> {
  const x = new Export(chat, wanted, stop), last = chat.last?.id ?? 0;
  let first = 0, after = 0;
  for (let n = PART; n === PART;) {
    const part = await call('message.list', { chat: chat.id, after, limit: PART });
    n = part.length;
    for (const m of part) {
      await x.message(m);
      first ||= m.id;
      after = m.id;
      if (last > first) progress(Math.min(1, (m.id - first) / (last - first)));
    }
    x.flush();
  }
  return { zip: await x.end(), messages: x.messages, absent: x.absent };
}

/** What the downloaded file is called. */
export function dated(name: string, ending: string): string {
  const d = new Date(), two = (n: number): string => String(n).padStart(2, '0');
  return `${name.replace(/[\\/:*?"<>|]/g, '_')} ${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}.${ending}`;
}
