// SPDX-License-Identifier: Apache-2.0
//
// The open profile: the list of conversations, and beside it (on a phone: instead of it) what was chosen.
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { listed } from '../state/people';
import { room } from '../state/room';
import { go, openChat, route } from '../state/route';
import { t } from '../strings/strings';
import { loadAll } from '../ui/lazy';
import { Conversation } from './conversation';
import { Sidebar } from './sidebar';
import { Subpage } from './subpage';

// The keys that work everywhere.
function onKey(e: KeyboardEvent): void {
  const typing = e.target instanceof HTMLInputElement || e.target instanceof HTMLTextAreaElement;
  if (document.querySelector('dialog[open]') !== null) return;
  if ((e.key === 'k' && (e.ctrlKey || e.metaKey)) || (e.key === '/' && !typing)) {
    e.preventDefault();
    if (route.value.page !== '' && room.value.columns === 1) go();
    document.querySelector<HTMLInputElement>('.search input')?.focus();
  } else if (e.altKey && (e.key === 'ArrowDown' || e.key === 'ArrowUp')) {
    e.preventDefault();
    const all = listed.value, at = all.findIndex(c => c.id === openChat.value);
    const next = all[at < 0 ? 0 : Math.max(0, Math.min(all.length - 1, at + (e.key === 'ArrowDown' ? 1 : -1)))];
    if (next !== undefined) go('chat', next.id);
  } else if (e.key === 'Escape' && !e.defaultPrevented) {
    const r = route.value;
    if (r.page === 'chat' && r.part !== '') go('chat', r.id);
    else if (r.page !== '') go();
  }
}

export function Shell(): JSX.Element {
  useEffect(() => {
    addEventListener('keydown', onKey);
    void loadAll();
    return () => removeEventListener('keydown', onKey);
  }, []);
  const r = route.value;
  return (
    <main class={r.page === '' ? 'shell' : 'shell chosen'}>
      <Sidebar />
      {r.page === '' && <section class="pane empty"><p>{t('chooseChat')}</p></section>}
      {r.page === 'chat' && <Conversation key={r.id} id={r.id} />}
      {r.page !== '' && r.page !== 'chat' && <Subpage page={r.page} word={r.word} />}
    </main>
  );
}
