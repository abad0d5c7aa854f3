// SPDX-License-Identifier: Apache-2.0
//
// How loud a sound is, in equal parts, as bytes. Pure.

/** Of samples from -1 to 1: the loudest of each part, so that the loudest of all is 255. */
export function waveform(samples: Float32Array, parts: number): Uint8Array {
  const out = new Uint8Array(parts), peaks = new Float64Array(parts);
  for (let i = 0; i < samples.length; i++) {
    const part = Math.min(parts - 1, Math.floor(i * parts / samples.length)), a = Math.abs(samples[i]!);
    if (a > peaks[part]!) peaks[part] = a;
  }
  const most = Math.max(...peaks, 1e-6);
  for (let i = 0; i < parts; i++) out[i] = Math.round(peaks[i]! / most * 255);
  return out;
}

/** m:ss. */
export function duration(ms: number): string {
  const s = Math.round(ms / 1000);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
}
