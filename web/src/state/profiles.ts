// SPDX-License-Identifier: Apache-2.0
//
// The profiles that this person has on this computer. Each has an engine and an address of its own, and nothing of one is in the page of another: so
// going to one is leaving this page. The other page's address has a token that this page never sees: the engine leads the window on to it.
import { call } from '../engine/engine';
import type { Methods } from '../engine/methods';

export type Listed = Methods['profiles.list']['result'][number];

export function listProfiles(): Promise<readonly Listed[]> { return call('profiles.list'); }

export async function openProfile(name: string, make: boolean): Promise<void> {
  const { ticket } = await call('profiles.open', { name, ...(make ? { make } : {}) });
  location.assign(`/go/${ticket}`);
}
