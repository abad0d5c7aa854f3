// SPDX-License-Identifier: Apache-2.0
//
// Reads QR codes out of images: by the browser's own detector where it has one (on phones and Macs), elsewhere by a library, which is fetched when it
// is needed first. Nothing of an image is kept.

interface Detector { detect: (from: CanvasImageSource) => Promise<{ rawValue: string }[]> }
declare const BarcodeDetector: (new (o: { formats: string[] }) => Detector) & { getSupportedFormats: () => Promise<string[]> } | undefined;

export type Reader = (from: HTMLVideoElement | ImageBitmap) => Promise<string | undefined>;

const SIDE = 2000; // pixels; a larger image is made smaller
const PATIENCE_MS = 300; // for what is hard to find

async function own(): Promise<Detector | undefined> {
  if (typeof BarcodeDetector === 'undefined') return undefined;
  const formats = await BarcodeDetector.getSupportedFormats().catch(() => [] as string[]);
  return formats.includes('qr_code') ? new BarcodeDetector({ formats: ['qr_code'] }) : undefined;
}

export async function reader(): Promise<Reader> {
  const detector = await own();
  if (detector !== undefined) return async from => (await detector.detect(from).catch(() => []))[0]?.rawValue;
  const { decodeQR } = await import('qr/decode.js'), canvas = document.createElement('canvas'), context = canvas.getContext('2d', { willReadFrequently: true })!;
  return from => {
    const video = from instanceof HTMLVideoElement, width = video ? from.videoWidth : from.width, height = video ? from.videoHeight : from.height;
    const scale = Math.min(1, SIDE / Math.max(width, height, 1));
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    context.fillStyle = '#fff'; // behind what is transparent
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(from, 0, 0, canvas.width, canvas.height);
    try {
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      return Promise.resolve(decodeQR({ width: canvas.width, height: canvas.height, data }, { format: 'RGBA', timeLimit: PATIENCE_MS }));
    } catch { // no code is there: it says so by throwing
      return Promise.resolve(undefined);
    }
  };
}
