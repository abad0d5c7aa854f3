// SPDX-License-Identifier: Apache-2.0
//
// Everything as one encrypted archive: out of the engine into the browser's downloads, and back in where there is no profile yet.
import { Failure } from '../engine/connection';
import { call, on } from '../engine/engine';
import { ARCHIVE, fetchBytes, upload } from '../engine/media';
import { restore } from './session';

export type Progress = (part: number | undefined) => void; // of 1; undefined: nobody knows

const WRONG_PASSPHRASE = 5; // docs/rpc.md

let told: Progress = () => undefined;
on('backup', p => told(p.size > 0 ? p.done / p.size : undefined));

/** Written by the engine, then fetched; what the engine has of it goes then. */
export async function backup(passphrase: string, progress: Progress, stop: AbortSignal): Promise<Blob> {
  const give = (): void => void call('profile.backup_stop').catch(() => undefined);
  told = progress;
  stop.addEventListener('abort', give);
  try {
    await call('profile.backup', { passphrase }); // refused: what is there is another window's, and stays
    try {
      progress(undefined);
      return await fetchBytes(ARCHIVE, stop);
    } finally {
      give();
    }
  } catch (e) {
    stop.throwIfAborted(); // and not what came of that
    throw e;
  } finally {
    told = () => undefined;
    stop.removeEventListener('abort', give);
  }
}

let there: File | undefined; // put already: with another passphrase it is tried again, and not sent again

export async function comeBack(file: File, passphrase: string, progress: Progress, stop: AbortSignal): Promise<void> {
  if (there !== file) await upload(file, progress, stop, ARCHIVE);
  there = file;
  progress(undefined);
  try {
    await restore(passphrase);
  } catch (e) {
    if (!(e instanceof Failure) || e.code !== WRONG_PASSPHRASE) there = undefined;
    throw e;
  }
}
