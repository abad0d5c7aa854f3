// SPDX-License-Identifier: Apache-2.0
//
// The browser's <dialog>: it keeps the focus inside, closes on Escape, and gives the focus back. Also a menu, which is a dialog of
// buttons that arrows move through, beside what opened it where there is room, and at the bottom on a phone.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef } from 'preact/hooks';
import { room } from '../state/room';
import { t } from '../strings/strings';
import { IconButton } from './controls';
import { Icon, type IconName } from './icon';

// Who had the focus before each dialog that is open, the last first. What was chosen in a menu opens a dialog, and when that closes the menu is gone.
const openers: Element[][] = [];

function having(): Element[] {
  const now = document.activeElement, before = openers.at(-1) ?? [];
  return now === null || now === document.body ? before : now.closest('dialog') === null ? [now] : [now, ...before];
}

function useModal(onClose: () => void): { ref: { current: HTMLDialogElement | null } } {
  const ref = useRef<HTMLDialogElement>(null), before = useRef<Element[] | undefined>(undefined);
  before.current ??= having();
  useEffect(() => {
    const d = ref.current, back = before.current ?? [];
    openers.push(back);
    if (d !== null && !d.open) d.showModal();
    return () => {
      openers.splice(openers.indexOf(back), 1);
      d?.close();
      const there = back.find(e => e.isConnected);
      if (!(there instanceof HTMLElement)) return;
      there.focus({ preventScroll: true });
      there.scrollIntoView({ block: 'nearest' }); // what is above it may be of another height than it was
    };
  }, []);
  useEffect(() => {
    const d = ref.current;
    const cancel = (e: Event): void => {
      e.preventDefault();
      onClose();
    };
    d?.addEventListener('cancel', cancel);
    return () => d?.removeEventListener('cancel', cancel);
  }, [onClose]);
  return { ref };
}

// A press on the backdrop is one on the dialog itself, outside its box.
function outside(e: MouseEvent): boolean {
  if (e.target !== e.currentTarget) return false;
  const r = (e.currentTarget as HTMLElement).getBoundingClientRect();
  return e.clientX < r.left || e.clientX > r.right || e.clientY < r.top || e.clientY > r.bottom;
}

export function Dialog({ title, onClose, children, wide }: { title: string; onClose: () => void; children: ComponentChildren; wide?: boolean }): JSX.Element {
  const { ref } = useModal(onClose), id = useId();
  return (
    <dialog ref={ref} class={wide === true ? 'dialog wide' : 'dialog'} aria-labelledby={id} onMouseDown={e => outside(e) && onClose()}>
      <header>
        <h2 id={id}>{title}</h2>
        <IconButton icon="close" label={t('close')} onClick={onClose} />
      </header>
      <div class="dialog-body">{children}</div>
    </dialog>
  );
}

export interface Action { label: string; icon: IconName; danger?: boolean; run: () => void }

/** `at`: what it belongs to, in window coordinates. */
export function Menu({ label, at, onClose, actions, children }:
{ label: string; at: DOMRect; onClose: () => void; actions: Action[]; children?: ComponentChildren }): JSX.Element {
  const { ref } = useModal(onClose);
  const place = (): void => {
    const d = ref.current;
    if (d === null) return;
    if (!d.open) d.showModal();
    d.style.left = d.style.top = '';
    if (room.value.small) return; // at the bottom, by its style
    const box = d.getBoundingClientRect();
    const left = getComputedStyle(d).direction === 'rtl' ? at.right - box.width : at.left; // under the side where lines begin
    d.style.left = `${Math.max(8, Math.min(left, innerWidth - box.width - 8))}px`;
    d.style.top = `${Math.max(8, at.bottom + box.height + 8 < innerHeight ? at.bottom + 4 : Math.min(at.top - box.height - 4, innerHeight - box.height - 8))}px`;
  };
  useLayoutEffect(() => {
    place();
    addEventListener('resize', place);
    return () => removeEventListener('resize', place);
  }, []);
  const move = (e: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -1000, End: 1000 }[e.key];
    if (step === undefined) return;
    e.preventDefault();
    const all = [...(ref.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])], i = all.indexOf(document.activeElement as HTMLElement);
    all[Math.max(0, Math.min(all.length - 1, i + step))]?.focus();
  };
  return (
    <dialog ref={ref} class="menu" aria-label={label} onMouseDown={e => outside(e) && onClose()} onKeyDown={move}>
      {children}
      <div role="menu" aria-label={label}>
        {actions.map(a => (
          <button key={a.label} type="button" role="menuitem" class={a.danger === true ? 'danger' : ''} onClick={() => {
            onClose();
            a.run();
          }}>
            <Icon name={a.icon} />
            {a.label}
          </button>
        ))}
      </div>
    </dialog>
  );
}

export function Confirm({ title, text, action, onClose, run }:
{ title: string; text: string; action: string; onClose: () => void; run: () => void }): JSX.Element {
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      <div class="buttons">
        <button type="button" class="button plain" onClick={onClose}>{t('cancel')}</button>
        <button type="button" class="button danger" onClick={() => {
          onClose();
          run();
        }}>{action}</button>
      </div>
    </Dialog>
  );
}
