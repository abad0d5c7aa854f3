// SPDX-License-Identifier: Apache-2.0
//
// Where one writes: grows with what is in it, keeps it when one goes elsewhere, shows what is answered or edited, and offers names behind an @.
import type { JSX, RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { call } from '../engine/engine';
import type { Chat, Contact, Message } from '../engine/methods';
import { type Draft, draftOf, put, release, revise, take, write } from '../state/drafts';
import { attempt } from '../state/notices';
import { contacts, nameOf } from '../state/people';
import { settings } from '../state/settings';
import type { Timeline } from '../state/timeline';
import { t } from '../strings/strings';
import { asSent, asWritten, beingWritten } from '../text/mentions';
import { Avatar } from '../ui/avatar';
import { IconButton } from '../ui/controls';
import { Icon } from '../ui/icon';
import { Recorder } from './later';
import { chosen, Leaving } from './leaving';
import { HeldDialog, isHeld } from './held';
import { gist } from './message';

const BYTES_MAX = 48 * 1024, OFFERED = 6;

function deliver(chat: number, d: Draft, text: string): Promise<unknown> {
  if (d.edit !== undefined) return call('message.edit', { chat, message: d.edit.id, text });
  if (d.reply !== undefined) return call('message.reply', { chat, message: d.reply.id, text });
  return call('message.send', { chat, text });
}

function About({ chat, draft }: { chat: Chat; draft: Draft }): JSX.Element | null {
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

// Names that fit what stands behind the @, chosen by arrows and Enter, Tab, or a click.
interface Names { shown: Contact[]; at: number; key: (e: KeyboardEvent) => boolean; choose: (c: Contact) => void; look: () => void }
function useNames(chat: Chat, box: RefObject<HTMLTextAreaElement | null>): Names {
  const [begun, setBegun] = useState<string | undefined>(undefined), [at, setAt] = useState(0);
  const wanted = begun?.toLocaleLowerCase();
  const shown = wanted === undefined || chat.kind !== 'group' ? [] : [...contacts.value.values()]
    .filter(c => c.state !== 'blocked' && nameOf(c.id).toLocaleLowerCase().startsWith(wanted)).slice(0, OFFERED);
  const look = (): void => {
    const e = box.current;
    setBegun(e === null || e.selectionStart !== e.selectionEnd ? undefined : beingWritten(e.value.slice(0, e.selectionStart)));
    setAt(0);
  };
  const choose = (c: Contact): void => {
    const e = box.current;
    if (e === null || begun === undefined) return;
    const end = e.selectionStart, start = end - begun.length, name = `${nameOf(c.id)} `;
    write(chat, e.value.slice(0, start) + name + e.value.slice(end));
    setBegun(undefined);
    requestAnimationFrame(() => {
      e.focus();
      e.setSelectionRange(start + name.length, start + name.length);
    });
  };
  const key = (e: KeyboardEvent): boolean => {
    const step = { ArrowDown: 1, ArrowUp: shown.length - 1 }[e.key], one = shown[at];
    if (one === undefined) return false;
    if (step !== undefined) setAt((at + step) % shown.length);
    else if (e.key === 'Enter' || e.key === 'Tab') choose(one);
    else if (e.key === 'Escape') setBegun(undefined);
    else return false;
    e.preventDefault();
    return true;
  };
  return { shown, at, key, choose, look };
}

function Offer({ names, id }: { names: Names; id: string }): JSX.Element | null {
  if (names.shown.length === 0) return null;
  return (
    <div class="offer" role="listbox" id={id} aria-label={t('people')}>
      {names.shown.map((c, i) => (
        <div key={c.id} id={`${id}${i}`} role="option" aria-selected={i === names.at} onMouseDown={e => {
          e.preventDefault();
          names.choose(c);
        }}>
          <Avatar name={nameOf(c.id)} seed={c.account} />
          <bdi>{nameOf(c.id)}</bdi>
        </div>
      ))}
    </div>
  );
}

const canRecord = typeof MediaRecorder !== 'undefined' && navigator.mediaDevices !== undefined;

interface Props { chat: Chat; line: Timeline; onSent: () => void; onFiles: (files: File[]) => void }
export function Composer({ chat, line, onSent, onFiles }: Props): JSX.Element {
  const file = useRef<HTMLInputElement>(null), [recording, setRecording] = useState(false);
  const box = useRef<HTMLTextAreaElement>(null), d = draftOf(chat).value, names = useNames(chat, box);
  useLayoutEffect(() => {
    const e = box.current;
    if (e === null) return;
    e.style.height = 'auto';
    e.style.height = `${e.scrollHeight + 2}px`;
  }, [d.text]);
  useEffect(() => { if (d.reply !== undefined || d.edit !== undefined || matchMedia('(pointer: fine)').matches) box.current?.focus(); }, [d.reply, d.edit]);
  const [asking, ask] = useState(false);
  const send = async (): Promise<void> => {
    const people = [...contacts.value.values()].map(c => ({ name: nameOf(c.id), account: c.account }));
    const text = chat.kind === 'group' ? asSent(d.text.trim(), people) : d.text.trim();
    if (text === '' || new TextEncoder().encode(text).length > BYTES_MAX) return;
    if (isHeld(chat.id)) return ask(true);
    const taken = take(chat);
    if (await attempt(deliver(chat.id, taken, text)) === undefined) put(chat, taken);
    else onSent();
  };
  const lastOwn = (): Message | undefined => line.items.value.findLast(i => i.from === 0 && !i.deleted && (i.kind === 'text' || i.kind === 'reply'));
  const key = (e: KeyboardEvent): void => {
    if (e.isComposing || names.key(e)) return;
    const plain = !e.shiftKey && !e.altKey && !e.ctrlKey && !e.metaKey;
    if (e.key === 'Enter' && (settings.value.sendByEnter ? plain : e.ctrlKey || e.metaKey)) {
      e.preventDefault();
      void send();
    } else if (e.key === 'ArrowUp' && plain && d.text === '') {
      const own = lastOwn();
      if (own === undefined) return;
      e.preventDefault();
      revise(chat, own, asWritten(own.text));
    } else if (e.key === 'Escape' && (d.reply !== undefined || d.edit !== undefined)) {
      e.preventDefault();
      release(chat);
    }
  };
  const left = BYTES_MAX - (d.text.length < 8000 ? 0 : new TextEncoder().encode(d.text).length), offered = names.shown.length > 0;
  return (
    <form class="composer" onSubmit={e => {
      e.preventDefault();
      void send();
    }}>
      {asking && chat.held.length > 0 && <HeldDialog chat={chat} onClose={() => ask(false)} send={() => void send()} />}
      <Offer names={names} id="names" />
      <About chat={chat} draft={d} />
      {left < 0 && <p class="error" role="alert">{t('tooLong')}</p>}
      <Leaving chat={chat} />
      {recording ? <Recorder chat={chat} onClose={() => setRecording(false)} /> : <div class="composer-row">
        {d.edit === undefined && <IconButton icon="attach" label={t('attach')} onClick={() => file.current?.click()} />}
        <input ref={file} type="file" multiple hidden onChange={e => {
          onFiles(chosen(e.currentTarget.files ?? []));
          e.currentTarget.value = '';
        }} />
        <textarea ref={box} rows={1} value={d.text} dir="auto" aria-label={t('write')} placeholder={t('write')} enterkeyhint="send" onKeyDown={key} onClick={names.look}
          aria-autocomplete="list" aria-controls={offered ? 'names' : undefined} aria-activedescendant={offered ? `names${names.at}` : undefined}
          onPaste={e => {
            const files = chosen(e.clipboardData?.files ?? []);
            if (files.length === 0) return;
            e.preventDefault();
            onFiles(files);
          }}
          onInput={e => {
            write(chat, e.currentTarget.value);
            names.look();
          }} />
        {d.text.trim() === '' && d.edit === undefined && canRecord
          ? <IconButton icon="microphone" label={t('record')} kind="main" onClick={() => setRecording(true)} />
          : <IconButton icon={d.edit === undefined ? 'send' : 'check'} label={d.edit === undefined ? t('send') : t('save')} kind="main" submit disabled={d.text.trim() === '' || left < 0} />}
      </div>}
    </form>
  );
}
