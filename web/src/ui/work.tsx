// SPDX-License-Identifier: Apache-2.0
//
// Something that takes long: how far it is, and a way to stop it. One at a time; it is stopped when whatever shows it goes.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { reason } from '../state/notices';
import { t } from '../strings/strings';
import { Button } from './controls';

export interface Work<T> {
  part: number | undefined; // of 1, while it is known
  busy: boolean;
  error: string | undefined;
  done: T | undefined;
  run: (what: (progress: (part: number | undefined) => void, stop: AbortSignal) => Promise<T>) => Promise<void>;
  stop: () => void;
}

export function useWork<T>(): Work<T> {
  const [part, setPart] = useState<number | undefined>(undefined), [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | undefined>(undefined), [done, setDone] = useState<T | undefined>(undefined);
  const under = useRef<AbortController | undefined>(undefined);
  const stop = (): void => under.current?.abort();
  useEffect(() => stop, []);
  const run: Work<T>['run'] = async what => {
    const control = new AbortController();
    under.current = control;
    setBusy(true);
    setPart(undefined);
    setError(undefined);
    try {
      const result = await what(p => { if (!control.signal.aborted) setPart(p); }, control.signal);
      if (!control.signal.aborted) setDone(result);
    } catch (e) {
      if (!control.signal.aborted) setError(reason(e));
    }
    setBusy(false);
  };
  return { part, busy, error, done, run, stop };
}

export function Working({ label, work, last }: { label: string; work: Pick<Work<unknown>, 'part' | 'stop'>; last?: boolean }): JSX.Element {
  const value = work.part === undefined ? {} : { value: work.part };
  return (
    <div class="stack">
      <p role="status">{label}</p>
      <progress max={1} aria-label={label} {...value} />
      {last !== true && <div class="buttons"><Button onClick={work.stop}>{t('cancel')}</Button></div>}
    </div>
  );
}
