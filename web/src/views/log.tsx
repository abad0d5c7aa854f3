// SPDX-License-Identifier: Apache-2.0
//
// The timeline of a conversation: its rows, the keys that move among them, what is read out as it comes, and the way down.
import type { JSX } from 'preact';
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Chat, Message } from '../engine/methods';
import { nameOf } from '../state/people';
import type { Timeline } from '../state/timeline';
import { day, t } from '../strings/strings';
import { Icon } from '../ui/icon';
import { Scroller } from '../ui/scroller';
import { Bubble, type Doings, gist, Notice, noticeText } from './message';
import { type Row, rowsOf } from './rows';

interface Props {
  chat: Chat;
  line: Timeline;
  doings: Doings;
  unreadAfter: number; // the message behind which the mark of what is new stands; 0: no mark
  start: number;       // the message to begin at; 0: the bottom
  onKey: (e: KeyboardEvent, item: Message) => boolean;
  onSeen: (item: Message) => void; // the last message is on the screen
  moving: { jump: (id: number, from?: Element | null) => void; last: () => void };
}

const spoken = (i: Message): string => i.kind === 'notice' ? noticeText(i) : `${nameOf(i.from)}: ${gist(i)}`;

// What came since the last look, for whoever listens instead of looking.
function useSpoken(items: readonly Message[]): string {
  const [text, setText] = useState(''), last = useRef(-1);
  const newest = items[items.length - 1]?.id ?? 0;
  useEffect(() => {
    const fresh = last.current < 0 ? [] : items.slice(-10).filter(i => i.id > last.current && i.from !== 0);
    if (fresh.length > 0) setText(fresh.map(spoken).join('. '));
    last.current = Math.max(last.current, newest);
  }, [newest]);
  return text;
}

export function Log({ chat, line, doings, unreadAfter, start, onKey, onSeen, moving }: Props): JSX.Element {
  const items = line.items.value, before = useRef<readonly Row[]>([]), scroller = useRef<Scroller<Row>>(null);
  const rows = useMemo(() => rowsOf(items, unreadAfter, before.current), [items, unreadAfter]);
  before.current = rows;
  const [away, setAway] = useState(false), flash = useRef(0);
  const newest = items[items.length - 1], spokenText = useSpoken(items);

  // The focus goes along, unless it is not where it was (`from`) any more: messages may have to be fetched first, and who has gone on is left alone.
  const jump = (id: number, from = document.activeElement): void => {
    const key = `m${id}`;
    scroller.current?.jump(key);
    clearTimeout(flash.current);
    requestAnimationFrame(() => {
      const e = document.querySelector<HTMLElement>(`.scroller [data-key="${key}"]`);
      e?.classList.add('flash');
      const now = document.activeElement;
      if (now === from || now === document.body) e?.querySelector<HTMLElement>('[data-focus]')?.focus({ preventScroll: true });
      flash.current = setTimeout(() => e?.classList.remove('flash'), 1600);
    });
  };
  const bottom = (): void => {
    if (line.atEnd.value) scroller.current?.toBottom();
    else void line.load().then(() => scroller.current?.toBottom());
  };
  moving.jump = jump;
  moving.last = bottom;

  const look = (): void => { if (newest !== undefined && !away && document.hasFocus() && line.atEnd.value) onSeen(newest); };
  useEffect(look, [newest?.id, away, line.atEnd.value]);
  useEffect(() => {
    addEventListener('focus', look);
    return () => removeEventListener('focus', look);
  });

  const at = (e: KeyboardEvent): number => {
    const id = Number((e.target as HTMLElement).closest<HTMLElement>('[data-id]')?.dataset['id'] ?? 0);
    return rows.findIndex(r => r.what === 'message' && r.item.id === id);
  };
  const move = (from: number, step: number): void => {
    let i = from < 0 ? rows.length : from;
    for (let left = Math.abs(step); left > 0;) {
      const next = i + Math.sign(step);
      if (next < 0 || next >= rows.length) break;
      i = next;
      if (rows[i]!.what === 'message') left--;
    }
    while (rows[i] !== undefined && rows[i]!.what !== 'message') i -= Math.sign(step);
    const row = rows[i];
    if (row !== undefined) scroller.current?.reveal(row.key, true);
  };
  const key = (e: KeyboardEvent): void => {
    if (e.altKey || e.ctrlKey || e.metaKey) return;
    const here = at(e), row = rows[here];
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -rows.length, End: rows.length }[e.key];
    if (step !== undefined) {
      e.preventDefault();
      move(here < 0 && step > 0 ? rows.length : here, step);
    } else if (row?.what === 'message' && e.target instanceof HTMLElement && e.target.dataset['focus'] !== undefined && onKey(e, row.item)) {
      e.preventDefault();
    }
  };
  const draw = useCallback((r: Row): JSX.Element => {
    if (r.what === 'day') return <p class="day"><time>{day(r.time)}</time></p>;
    if (r.what === 'new') return <p class="fresh"><span>{t('newMessages')}</span></p>;
    return r.item.kind === 'notice' ? <Notice item={r.item} /> : <Bubble item={r.item} place={r} chat={chat} doings={doings} />;
  }, [chat.kind, doings]);
  const first = start === 0 ? unreadAfter === 0 ? undefined : 'new' : `m${start}`;
  return (
    <div class="log" onKeyDown={key}>
      {items.length === 0 && <p class="nothing">{chat.kind === 'self' ? t('nothingYetSelf') : t('nothingYet')}</p>}
      <Scroller self={scroller} rows={rows} draw={draw} label={t('messages')} start={rows.some(r => r.key === first) ? first : undefined}
        onTop={() => void line.older().catch(() => undefined)} onBottom={() => void line.newer().catch(() => undefined)} onMove={b => setAway(!b)} />
      {(away || !line.atEnd.value) && (
        <button type="button" class="icon-button down" aria-label={t('toNewest')} title={t('toNewest')} onClick={bottom}>
          <Icon name="down" />
          {chat.unread > 0 && <span class="count">{chat.unread}</span>}
        </button>
      )}
      <div class="hidden" role="status">{spokenText}</div>
    </div>
  );
}
