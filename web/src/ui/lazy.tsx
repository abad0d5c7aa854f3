// SPDX-License-Identifier: Apache-2.0
//
// Views whose code is no part of what the page begins with: it comes when one is shown, or before, once the page has nothing else to do. So
// nobody waits for it, and a page whose engine has gone, or is another one by now, has all of it.
import { signal } from '@preact/signals';
import type { ComponentType, JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { phase } from '../engine/engine';
import { t } from '../strings/strings';
import { Button } from './controls';

const all: (() => Promise<void>)[] = [];

export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): (props: P) => JSX.Element | null {
  const there = signal<ComponentType<P> | undefined>(undefined), missing = signal(false);
  let under: Promise<void> | undefined;
  const get = (): Promise<void> => under ??= load().then(c => { there.value = c; }, () => {
    missing.value = true;
    under = undefined;
  });
  all.push(get);
  return function Lazy(props) {
    const View = there.value, away = phase.value !== 'open';
    useEffect(() => { if (!away) void get(); }, [away]); // again when the engine is back
    if (View !== undefined) return <View {...props} />;
    if (!missing.value) return null;
    return (
      <div class="nothing stack" role="alert">
        <p>{t('partMissing')}</p>
        <Button kind="main" onClick={() => location.reload()}>{t('reload')}</Button>
      </div>
    );
  };
}

/** One after the other, when there is nothing else to do. */
export async function loadAll(): Promise<void> {
  for (const get of all) {
    await new Promise<void>(done => 'requestIdleCallback' in window ? requestIdleCallback(() => done(), { timeout: 1000 }) : setTimeout(done, 100));
    await get();
  }
}
