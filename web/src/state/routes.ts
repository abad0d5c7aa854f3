// SPDX-License-Identifier: Apache-2.0
//
// The ways to relays, how each does, which may be used, and trials of them. This is the only code that writes them.
import { signal } from '@preact/signals';
import { call, on } from '../engine/engine';
import type { Methods, Route } from '../engine/methods';

export type Policy = Methods['route.settings']['result']['policy'];
export type Isolation = Methods['route.settings']['result']['isolation'];
export interface Trial { works: boolean; ms: number; text: string }

export const routes = signal<readonly Route[]>([]);
export const rules = signal<{ policy: Policy; isolation: Isolation } | undefined>(undefined);

const ends = new Map<number, (t: Trial) => void>();
const early = new Map<number, Trial>(); // an end may be told before the answer that names the trial

export async function loadRoutes(): Promise<void> { [routes.value, rules.value] = await Promise.all([call('route.list'), call('route.settings')]); }

export async function setPolicy(policy: Policy): Promise<void> {
  await call('route.policy', { policy });
  await loadRoutes();
}
export async function setIsolation(isolation: Isolation): Promise<void> {
  await call('route.isolation', { isolation });
  await loadRoutes();
}
export async function addProxy(link: string): Promise<void> {
  await call('proxy.add', { link });
  await loadRoutes();
}
export async function removeProxy(route: number): Promise<void> {
  await call('proxy.remove', { route });
  await loadRoutes();
}

/** Whether it leads to one's own relay. */
export async function tryProxy(what: { route: number } | { link: string }): Promise<Trial> {
  const { trial } = await call('proxy.test', what), there = early.get(trial);
  early.delete(trial);
  return there ?? new Promise(done => ends.set(trial, done));
}

on('tried', e => {
  const end = ends.get(e.trial), result = { works: e.works, ms: e.ms, text: e.text ?? '' };
  ends.delete(e.trial);
  if (end === undefined) early.set(e.trial, result);
  else end(result);
});
on('route', e => {
  routes.value = routes.value.map(r => r.id === e.route ? { ...r, state: e.state, ms: e.ms, used: e.used, ago: 0, text: e.text ?? '' } : r);
});

export function forgetRoutes(): void {
  routes.value = [];
  rules.value = undefined;
}
