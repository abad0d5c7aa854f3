// SPDX-License-Identifier: Apache-2.0
//
// The relays that one has to do with, as long as somebody looks at them.
import { signal } from '@preact/signals';
import { call, on } from '../engine/engine';
import type { Methods } from '../engine/methods';
import { loadRoutes } from './routes';

export type Relay = Methods['relay.list']['result'][number];

export const relays = signal<readonly Relay[] | undefined>(undefined);

/** And the ways that lead there. */
export async function loadRelays(): Promise<void> {
  const [list] = await Promise.all([call('relay.list'), loadRoutes()]);
  relays.value = list;
}
export function forgetRelays(): void { relays.value = undefined; }

on('link', () => { if (relays.value !== undefined) void loadRelays().catch(() => undefined); });
