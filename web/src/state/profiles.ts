// SPDX-License-Identifier: Apache-2.0
//
// The profiles that this person has on this computer. Each has an engine and an address of its own, and nothing of one is in the page of another: so
// going to one is leaving this page. The address that the engine gives has a fresh token, which the other page takes out of it at once.
import { call } from '../engine/engine';
import type { Methods } from '../engine/methods';

export type Listed = Methods['profiles.list']['result'][number];

export function listProfiles(): Promise<readonly Listed[]> { return call('profiles.list'); }

export async function openProfile(name: string, make: boolean): Promise<void> {
  const { address } = await call('profiles.open', { name, ...(make ? { make } : {}) });
  if (!/^http:\/\/127\.0\.0\.1:\d{1,5}\/#[\w-]{43}$/.test(address)) throw new Error(address); // nowhere else, whoever answered
  location.assign(address);
}
