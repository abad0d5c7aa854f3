// SPDX-License-Identifier: Apache-2.0
//
// What is known of a file before it is sent: of pictures their size and a small picture, of spoken messages how long and how loud they are.
import { toBase64 } from '../text/base64';
import { waveform } from '../text/sound';
import { type About, sendFile } from './files';

const THUMB_SIDE = 360, THUMB_BYTES = 24 * 1024, PARTS = 64;
const SHOWN = /^image\/(?:jpeg|png|gif|webp|avif)$/;

async function ofPicture(file: Blob): Promise<Partial<About>> {
  const image = await createImageBitmap(file), { width, height } = image;
  const scale = Math.min(1, THUMB_SIDE / Math.max(width, height));
  const canvas = new OffscreenCanvas(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
  canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height);
  image.close();
  for (const quality of [0.7, 0.5, 0.3, 0.1]) {
    const small = await canvas.convertToBlob({ type: 'image/webp', quality });
    if (small.size <= THUMB_BYTES) {
      return { width, height, thumbnail: toBase64(new Uint8Array(await small.arrayBuffer())), thumbnail_type: small.type };
    }
  }
  return { width, height };
}

/** A picture that cannot be read is sent as any file. */
export async function send(chat: number, file: File, text: string): Promise<void> {
  const picture = SHOWN.test(file.type) ? await ofPicture(file).catch(() => ({})) : {};
  await sendFile(chat, file, { name: file.name, ...(file.type === '' ? {} : { type: file.type.split(';')[0]! }), ...(text === '' ? {} : { text }), ...picture });
}

export async function sendVoice(chat: number, sound: Blob): Promise<void> {
  const context = new AudioContext();
  try {
    const decoded = await context.decodeAudioData(await sound.arrayBuffer());
    const type = sound.type.split(';')[0]!, name = type === 'audio/mp4' ? 'voice.m4a' : type === 'audio/ogg' ? 'voice.ogg' : 'voice.webm';
    await sendFile(chat, sound, { name, type, voice: true, duration: Math.round(decoded.duration * 1000), waveform: toBase64(waveform(decoded.getChannelData(0), PARTS)) });
  } finally {
    await context.close();
  }
}
