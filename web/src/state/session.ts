// SPDX-License-Identifier: Apache-2.0
//
// Which of the big states the page is in: no engine, no profile, locked, open. Everything that is shown is thrown away when the
// profile is locked, and asked for again whenever the engine is there again.
import { signal } from '@preact/signals';
import { call, on, start } from '../engine/engine';
import type { Profile } from '../engine/methods';
import { forgetDrafts } from './drafts';
import { doubtFiles, forgetFiles, loadLeaving } from './files';
import { forgetRoutes } from './routes';
import { forgetSearch } from './search';
import { forgetPeople, loadPeople } from './people';
import { forgetPictures } from './pictures';
import { forgetTimelines, refreshTimelines } from './timeline';

export const profile = signal<Profile | undefined>(undefined);
/** Set while the first run still has something to show after the profile was made. */
export const welcoming = signal(false);

async function look(): Promise<void> {
  const asked = call('profile.status'), people = Promise.all([call('events.follow'), loadPeople()]); // all at once: while it is locked the rest fails
  people.catch(() => undefined);
  const p = await asked;
  if (p.state === 'open') {
    await people;
    profile.value = p;
    doubtFiles();
    refreshTimelines();
    void loadLeaving().catch(() => undefined);
  } else {
    profile.value = p;
    forgetTimelines();
    forgetDrafts();
    forgetFiles();
    forgetSearch();
    forgetRoutes();
    forgetPictures();
    forgetPeople();
    /^/.test(''); // RegExp itself keeps the text that was matched last, such as a passphrase
  }
}

/** What opens it has changed. */
export async function loadProfile(): Promise<void> { profile.value = await call('profile.status'); }

export function begin(): void {
  on('profile', () => void look().catch(() => undefined));
  start(() => void look().catch(() => undefined));
}

/** What a profile is made of; `policy` and `proxies` hold from its first packet on. */
export interface NewProfile { name: string; passphrase: string; relay: string; password?: string; policy?: string; proxies?: string; tor?: boolean }

export async function create(o: NewProfile): Promise<void> {
  await call('profile.create', o);
  welcoming.value = true;
  await look();
}

/** Of an archive that was put to the engine. */
export async function restore(passphrase: string): Promise<void> {
  await call('profile.restore', { passphrase });
  await look();
}

export async function unlock(passphrase: string): Promise<void> {
  await call('profile.unlock', { passphrase });
  await look();
}

export async function lock(): Promise<void> {
  await call('profile.lock');
  await look();
}
