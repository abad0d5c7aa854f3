// SPDX-License-Identifier: Apache-2.0
//
// Where one writes: grows with what is in it, keeps it when one goes elsewhere, and shows what is answered or edited.
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { call } from '../engine/engine';
import type { Chat, Message } from '../engine/methods';
import { type Draft, draftOf, put, release, revise, take, write } from '../state/drafts';
import { attempt } from '../state/notices';
import { nameOf } from '../state/people';
import { settings } from '../state/settings';
import type { Timeline } from '../state/timeline';
import { t } from '../strings/strings';
import { IconButton } from '../ui/controls';
import { Icon } from '../ui/icon';
import { gist } from './message';

const BYTES_MAX = 48 * 1024;

function deliver(chat: number, d: Draft, text: string): Promise<unknown> {
  if (d.edit !== undefined) return call('message.edit', { chat, message: d.edit.id, text });
  if (d.reply !== undefined) return call('message.reply', { chat, message: d.reply.id, text });
  return call('message.send', { chat, text });
}

function About({ chat, draft }: { chat: number; draft: Draft }): JSX.Element | null {
  const item = draft.edit ?? draft.reply;
  if (item === undefined) return null;
  return (
    <div class="about">
      <Icon name={draft.edit === undefined ? 'reply' : 'edit'} />
      <div class="about-words">
        <strong>{draft.edit === undefined ? t('replyTo', { name: nameOf(item.from) }) : t('editing')}</strong>
        <span dir="auto">{gist(item)}</span>
      </div>
      <IconButton icon="close" label={t('cancel')} onClick={() => release(chat)} />
    </div>
  );
}

export function Composer({ chat, line, onSent }: { chat: Chat; line: Timeline; onSent: () => void }): JSX.Element {
  const box = useRef<HTMLTextAreaElement>(null), draft = draftOf(chat.id), d = draft.value;
  useLayoutEffect(() => {
    const e = box.current;
    if (e === null) return;
    e.style.height = 'auto';
    e.style.height = `${e.scrollHeight + 2}px`;
  }, [d.text]);
  useEffect(() => { if (d.reply !== undefined || d.edit !== undefined || matchMedia('(pointer: fine)').matches) box.current?.focus(); }, [d.reply, d.edit]);
  const send = async (): Promise<void> => {
    const text = d.text.trim();
    if (text === '' || new TextEncoder().encode(text).length > BYTES_MAX) return;
    const taken = take(chat.id);
    if (await attempt(deliver(chat.id, taken, text)) === undefined) put(chat.id, taken);
    else onSent();
  };
  const lastOwn = (): Message | undefined => line.items.value.findLast(i => i.from === 0 && !i.deleted && (i.kind === 'text' || i.kind === 'reply'));
  const key = (e: KeyboardEvent): void => {
    if (e.isComposing) return;
    const plain = !e.shiftKey && !e.altKey && !e.ctrlKey && !e.metaKey;
    if (e.key === 'Enter' && (settings.value.sendByEnter ? plain : e.ctrlKey || e.metaKey)) {
      e.preventDefault();
      void send();
    } else if (e.key === 'ArrowUp' && plain && d.text === '') {
      const own = lastOwn();
      if (own === undefined) return;
      e.preventDefault();
      revise(chat.id, own);
    } else if (e.key === 'Escape' && (d.reply !== undefined || d.edit !== undefined)) {
      e.preventDefault();
      release(chat.id);
    }
  };
  const left = BYTES_MAX - (d.text.length < 8000 ? 0 : new TextEncoder().encode(d.text).length);
  return (
    <form class="composer" onSubmit={e => {
      e.preventDefault();
      void send();
    }}>
      <About chat={chat.id} draft={d} />
      {left < 0 && <p class="error" role="alert">{t('tooLong')}</p>}
      <div class="composer-row">
        <textarea ref={box} rows={1} value={d.text} dir="auto" aria-label={t('write')} placeholder={t('write')} enterkeyhint="send"
          onInput={e => write(chat.id, e.currentTarget.value)} onKeyDown={key} />
        <IconButton icon={d.edit === undefined ? 'send' : 'check'} label={d.edit === undefined ? t('send') : t('save')} kind="main" submit disabled={d.text.trim() === '' || left < 0} />
      </div>
    </form>
  );
}
