// SPDX-License-Identifier: Apache-2.0
//
// A column of rows of any height, newest at the bottom, of which only those near the window are drawn. Heights are guessed until a
// row was drawn once. The row at the upper edge stays where it is, whatever changes above it; who is at the bottom stays there.
import { Component, type ComponentChild, createRef } from 'preact';

export interface Row { key: string; guess: number }

interface Props<R extends Row> {
  self: { current: Scroller<R> | null }; // what it puts itself into, for reveal, jump and toBottom
  rows: readonly R[];
  draw: (row: R) => ComponentChild;
  label: string;
  start: string | undefined; // the row to begin at; the bottom if it is undefined
  onTop: () => void;         // fewer rows than a window are left above
  onBottom: () => void;      // likewise below
  onMove: (atBottom: boolean) => void;
}
interface State { first: number; end: number }

// Draws a row again only when it is another one: scrolling moves many and changes none.
class Held<R extends Row> extends Component<{ row: R; draw: (row: R) => ComponentChild }> {
  override shouldComponentUpdate(next: { row: R; draw: (row: R) => ComponentChild }): boolean { return next.row !== this.props.row || next.draw !== this.props.draw; }
  override render(): ComponentChild { return this.props.draw(this.props.row); }
}

const extentOf = (box: HTMLElement): string => `${box.scrollHeight} ${box.clientHeight}`;

const BEYOND = 700, NEAR = 40;

export class Scroller<R extends Row> extends Component<Props<R>, State> {
  override state: State = { first: 0, end: 0 };
  private readonly box = createRef<HTMLDivElement>();
  private readonly heights = new Map<string, number>();
  private anchor: { key: string; offset: number } | undefined;
  private stuck = true;
  private focus: string | undefined;
  private settled = -1; // where our own scrolling left it, and how much there was to scroll over
  private extent = '';
  private readonly watch = new ResizeObserver(() => this.place());

  override componentDidMount(): void {
    this.props.self.current = this;
    const start = this.props.start;
    if (start !== undefined) this.hold(start, (this.box.current?.clientHeight ?? 0) / 3);
    this.watch.observe(this.box.current!);
    this.choose();
    this.place();
  }

  override componentWillUnmount(): void { this.watch.disconnect(); }

  override componentDidUpdate(before: Props<R>): void {
    if (before.rows !== this.props.rows) this.choose();
    this.place();
    if (this.focus === undefined) return;
    const row = this.element(this.focus);
    if (row === undefined) return;
    this.focus = undefined;
    (row.querySelector<HTMLElement>('[data-focus]') ?? row).focus({ preventScroll: true });
  }

  get atBottom(): boolean { return this.stuck; }

  /** Brings a row into sight, and with `focus` gives it the focus. */
  reveal(key: string, focus: boolean): void {
    const box = this.box.current, top = this.topOf(key);
    if (box === null || top === undefined) return;
    const offset = top - box.scrollTop, height = this.heights.get(key) ?? 60;
    if (offset < 8) this.hold(key, 8);
    else if (offset + height > box.clientHeight - 8) this.hold(key, Math.max(8, box.clientHeight - height - 8));
    if (focus) this.focus = key;
    this.choose();
    this.forceUpdate();
  }

  /** The same, to the middle, wherever it was. */
  jump(key: string): void {
    this.hold(key, (this.box.current?.clientHeight ?? 0) / 3);
    this.choose();
    this.forceUpdate();
  }

  toBottom(): void {
    this.stuck = true;
    this.choose();
    this.forceUpdate();
    this.props.onMove(true);
  }

  private hold(key: string, offset: number): void {
    this.anchor = { key, offset };
    this.stuck = false;
  }

  private heightOf(r: R): number { return this.heights.get(r.key) ?? r.guess; }

  private topOf(key: string): number | undefined {
    let top = 0;
    for (const r of this.props.rows) {
      if (r.key === key) return top;
      top += this.heightOf(r);
    }
    return undefined;
  }

  private element(key: string): HTMLElement | undefined {
    for (const e of this.box.current?.children ?? []) if ((e as HTMLElement).dataset['key'] === key) return e as HTMLElement;
    return undefined;
  }

  // Which rows are drawn, for where the window is or will be.
  private choose(): void {
    const box = this.box.current, rows = this.props.rows;
    if (box === null) return;
    const total = rows.reduce((n, r) => n + this.heightOf(r), 0);
    const held = this.anchor === undefined ? undefined : this.topOf(this.anchor.key);
    const top = this.stuck ? total - box.clientHeight : held === undefined ? box.scrollTop : held - this.anchor!.offset;
    let y = 0, first = 0, end = rows.length;
    for (let i = 0; i < rows.length; i++) {
      const h = this.heightOf(rows[i]!);
      if (y + h < top - BEYOND) first = i + 1;
      if (y > top + box.clientHeight + BEYOND) {
        end = i;
        break;
      }
      y += h;
    }
    first = Math.min(first, end);
    if (first !== this.state.first || end !== this.state.end) this.setState({ first, end });
  }

  // After drawing: measures, and puts the window back over the row that it was over.
  private place(): void {
    const box = this.box.current;
    if (box === null) return;
    let changed = false;
    for (const e of box.children) {
      const key = (e as HTMLElement).dataset['key'];
      if (key === undefined) continue;
      const h = (e as HTMLElement).offsetHeight;
      if (this.heights.get(key) !== h) changed = true;
      this.heights.set(key, h);
      this.watch.observe(e); // again does no harm
    }
    const top = this.stuck ? box.scrollHeight : this.anchor === undefined ? undefined : this.topDrawn(this.anchor.key, box);
    const to = top === undefined ? undefined : this.stuck ? top - box.clientHeight : top - this.anchor!.offset;
    if (to !== undefined && Math.abs(to - box.scrollTop) > 0.5) box.scrollTop = to;
    this.settled = box.scrollTop;
    this.extent = extentOf(box);
    if (changed) this.choose();
  }

  private topDrawn(key: string, box: HTMLElement): number | undefined {
    const e = this.element(key);
    return e === undefined ? undefined : e.offsetTop - box.offsetTop;
  }

  private readonly scrolled = (): void => {
    const box = this.box.current;
    if (box === null || Math.abs(box.scrollTop - this.settled) < 1) return;
    if (this.extent !== extentOf(box)) { // not somebody's hand: what is in it, or it itself, has another size
      this.place();
      return;
    }
    this.settled = -1;
    this.stuck = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
    for (const e of box.children) {
      const key = (e as HTMLElement).dataset['key'], top = (e as HTMLElement).offsetTop - box.offsetTop - box.scrollTop;
      if (key === undefined || top + (e as HTMLElement).offsetHeight < 0) continue;
      this.anchor = { key, offset: top };
      break;
    }
    this.choose();
    this.props.onMove(this.stuck);
    if (box.scrollTop < 2 * box.clientHeight) this.props.onTop();
    if (box.scrollHeight - box.scrollTop < 3 * box.clientHeight) this.props.onBottom();
  };

  override render(): ComponentChild {
    const { rows, label } = this.props, { first } = this.state, end = Math.min(this.state.end, rows.length);
    const sum = (from: number, to: number): number => rows.slice(from, to).reduce((n, r) => n + this.heightOf(r), 0);
    return (
      <div ref={this.box} class="scroller" role="log" aria-live="off" aria-label={label} tabIndex={0} onScroll={this.scrolled}>
        <div class="push" key="push" />
        <div key="above" style={{ height: `${sum(0, first)}px` }} />
        {rows.slice(first, end).map(r => <div key={r.key} data-key={r.key} class="row"><Held row={r} draw={this.props.draw} /></div>)}
        <div key="below" style={{ height: `${sum(end, rows.length)}px` }} />
      </div>
    );
  }
}
