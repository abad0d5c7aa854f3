// SPDX-License-Identifier: Apache-2.0
//
// A list of rows of one height, of which only those near the window are drawn, and whose links arrows move through. For conversations
// and people, of whom there may be thousands.
import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

interface Props<T> {
  label: string;
  items: readonly T[];
  keyOf: (item: T) => string | number;
  current?: string | number | undefined;
  row: (item: T, tab: boolean) => JSX.Element; // one focusable element in it, with tabIndex 0 if `tab`
  rem: number; // a row's height
}

const BEYOND = 8; // rows
const STEP = 256; // pixels: so little is drawn anew while it moves

export function FixedList<T>({ label, items, keyOf, current, row, rem }: Props<T>): JSX.Element {
  const ref = useRef<HTMLDivElement>(null), wanted = useRef(-1);
  const [view, setView] = useState({ top: 0, bottom: innerHeight }); // what must be drawn, in pixels
  const [active, setActive] = useState<string | number | undefined>(undefined);
  const height = rem * parseFloat(getComputedStyle(document.documentElement).fontSize);
  const first = Math.max(0, Math.floor(view.top / height) - BEYOND), end = Math.min(items.length, Math.ceil(view.bottom / height) + BEYOND);
  const at = Math.max(0, items.findIndex(i => keyOf(i) === (active ?? current)));

  const look = (): void => {
    const d = ref.current;
    if (d === null) return;
    const top = Math.floor(d.scrollTop / STEP) * STEP, bottom = Math.ceil((d.scrollTop + d.clientHeight) / STEP) * STEP;
    setView(v => v.top === top && v.bottom >= bottom && v.bottom < bottom + 2 * STEP ? v : { top, bottom });
  };
  useLayoutEffect(() => {
    look();
    const watch = new ResizeObserver(look);
    if (ref.current !== null) watch.observe(ref.current);
    return () => watch.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (wanted.current < 0) return;
    const link = ref.current?.querySelector<HTMLElement>(`[aria-posinset="${wanted.current + 1}"] :is(a, button)`);
    if (link === null || link === undefined) return;
    wanted.current = -1;
    link.focus({ preventScroll: true });
  });
  const move = (e: KeyboardEvent): void => {
    const d = ref.current, step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -items.length, End: items.length }[e.key];
    if (step === undefined || d === null || e.altKey || items.length === 0) return;
    e.preventDefault();
    const to = Math.max(0, Math.min(items.length - 1, at + step));
    wanted.current = to;
    setActive(keyOf(items[to]!));
    if (to * height < d.scrollTop) d.scrollTop = to * height;
    else if ((to + 1) * height > d.scrollTop + d.clientHeight) d.scrollTop = (to + 1) * height - d.clientHeight;
    look();
  };
  const shown = items.slice(first, end).map((item, i) => ({ item, index: first + i }));
  // The one that Tab comes to is drawn even when it was scrolled away.
  if (items[at] !== undefined && (at < first || at >= end)) shown.push({ item: items[at], index: at });
  return (
    <div ref={ref} class="list" onScroll={look} onKeyDown={move}>
      <div role="list" aria-label={label} style={{ height: `${items.length * height}px` }}>
        {shown.map(({ item, index }) => (
          <div key={keyOf(item)} role="listitem" aria-setsize={items.length} aria-posinset={index + 1} class="list-row"
            style={{ transform: `translateY(${index * height}px)`, height: `${height}px` }} onFocusIn={() => setActive(keyOf(item))}>
            {row(item, index === at)}
          </div>
        ))}
      </div>
    </div>
  );
}
