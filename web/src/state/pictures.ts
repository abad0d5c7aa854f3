// SPDX-License-Identifier: Apache-2.0
//
// Pictures of groups, asked for when one is drawn, and again when its conversation has changed. What comes from others is shown only if it is one of
// four kinds of image, by its first bytes; never as a document.
import { signal } from '@preact/signals';
import { call, on } from '../engine/engine';
import { type Chat, has } from '../engine/methods';
import { fromBase64, toBase64 } from '../text/base64';

const urls = signal<ReadonlyMap<number, string>>(new Map());
const asked = new Map<number, string>(); // what came last, as it came
let since = 0; // what was asked for before is not kept any more

const KINDS: [string, string][] = [['image/png', '\x89PNG\r\n'], ['image/jpeg', '\xff\xd8\xff'], ['image/gif', 'GIF8'], ['image/webp', 'RIFF']];

/** The kind of an image; undefined of what is none. */
export function imageKind(bytes: Uint8Array): string | undefined {
  const start = String.fromCharCode(...bytes.subarray(0, 12));
  return KINDS.find(([kind, magic]) => start.startsWith(magic) && (kind !== 'image/webp' || start.slice(8) === 'WEBP'))?.[0];
}

async function load(chat: number): Promise<void> {
  const mine = since, { picture } = await call('chat.picture', { chat });
  if (mine !== since || asked.get(chat) === picture) return;
  asked.set(chat, picture);
  const bytes = fromBase64(picture), kind = imageKind(bytes), all = new Map(urls.value), old = all.get(chat);
  if (old !== undefined) URL.revokeObjectURL(old);
  if (kind === undefined) all.delete(chat);
  else all.set(chat, URL.createObjectURL(new Blob([bytes], { type: kind })));
  if (kind !== undefined || old !== undefined) urls.value = all;
}

export function pictureOf(chat: Chat): string | undefined {
  if (chat.kind !== 'group' || !has('chat.picture')) return undefined;
  if (!asked.has(chat.id)) {
    asked.set(chat.id, '');
    void load(chat.id).catch(() => asked.delete(chat.id));
  }
  return urls.value.get(chat.id);
}

/** The profile is locked: none stays in memory. */
export function forgetPictures(): void {
  since++;
  for (const url of urls.value.values()) URL.revokeObjectURL(url);
  urls.value = new Map();
  asked.clear();
}

on('chat', c => { if (asked.has(c.chat)) void load(c.chat).catch(() => undefined); });

const SIDE = 160, BYTES_MAX = 8192;

/** A square of the middle of an image, small enough for everybody's state of the group. */
export async function setPicture(chat: number, file: Blob): Promise<void> {
  const image = await createImageBitmap(file), side = Math.min(image.width, image.height), canvas = new OffscreenCanvas(SIDE, SIDE);
  canvas.getContext('2d')!.drawImage(image, (image.width - side) / 2, (image.height - side) / 2, side, side, 0, 0, SIDE, SIDE);
  for (const quality of [0.85, 0.7, 0.5, 0.3, 0.1]) {
    const small = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/webp', quality })).arrayBuffer());
    if (small.length > BYTES_MAX) continue;
    await call('chat.set_picture', { chat, picture: toBase64(small) });
    return load(chat);
  }
}
