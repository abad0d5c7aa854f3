// SPDX-License-Identifier: Apache-2.0
//
// One message: a bubble with what it answers, what it says, reactions, and when and how far it has come. Also what happened in a group,
// which has no bubble.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Chat, Message, Quote as Quoted } from '../engine/methods';
import { contacts, nameOf } from '../state/people';
import { clock, t, whole } from '../strings/strings';
import { flat } from '../text/markdown';
import { hue, tame, tameName, writtenFrom } from '../text/plain';
import { Avatar } from '../ui/avatar';
import { Icon, type IconName } from '../ui/icon';
import { Rich } from '../ui/rich';
import { FileBody } from './file';

export interface Place { first: boolean; last: boolean } // among messages of one person
export interface Doings {
  menu: (item: Message, at: DOMRect) => void;
  react: (item: Message, emoji: string) => void;
  jump: (item: Message) => void;
  link: (href: string) => boolean;
}

const STATES: Record<string, IconName> = { queued: 'clock', held: 'hourglass', sent: 'check', delivered: 'checks', read: 'checks', failed: 'warning' };

export function stateWord(item: Message): string {
  switch (item.state) {
    case 'queued': return t('stateQueued');
    case 'held': return t('stateHeld');
    case 'sent': return t('stateSent');
    case 'delivered': return t('stateDelivered');
    case 'read': return t('stateRead');
    case 'failed': return t('stateFailed');
    default: return '';
  }
}

/** In one line: for quotations, lists and what is read out. */
export function gist(item: Quoted): string {
  if (item.deleted) return t('deleted');
  if (item.kind === 'text' || item.kind === 'reply') return flat(tame(item.text.slice(0, 600)));
  if (item.kind === 'file') return tameName(item.text, t('file'));
  return t('cannotShow');
}

export function noticeText(item: Pick<Message, 'from' | 'whom' | 'type' | 'text'>): string {
  const name = nameOf(item.from), whom = nameOf(item.whom), own = item.from === 0;
  switch (item.type) {
    case 'created': return own ? t('noticeCreatedOwn') : t('noticeCreated', { name });
    case 'joined': return own ? t('noticeJoinedOwn') : t('noticeJoined', { name });
    case 'added': return own ? t('noticeAddedOwn', { whom }) : item.whom === 0 ? t('noticeAddedYou', { name }) : t('noticeAdded', { name, whom });
    case 'removed': return own ? t('noticeRemovedOwn', { whom }) : item.whom === 0 ? t('noticeRemovedYou', { name }) : t('noticeRemoved', { name, whom });
    case 'left': return own ? t('noticeLeftOwn') : t('noticeLeft', { name });
    case 'renamed': {
      const to = tameName(item.text, t('group'));
      return own ? t('noticeRenamedOwn', { to }) : t('noticeRenamed', { name, to });
    }
    case 'device': return own ? t('noticeDeviceOwn') : t('noticeDevice', { name });
    case 'timer': return own ? t('noticeTimerOwn') : t('noticeTimer', { name });
    default: return t('noticeOther', { name });
  }
}

function Quote({ item, doings }: { item: Message; doings: Doings }): JSX.Element {
  const to = item.answers;
  return (
    <button type="button" tabIndex={-1} class="quote" onClick={() => doings.jump(item)} disabled={to === undefined}>
      {to !== undefined && <bdi class="quote-name">{nameOf(to.from)}</bdi>}
      <span class="quote-text" dir="auto">{to === undefined ? t('quoteGone') : gist(to)}</span>
    </button>
  );
}

interface Chip { emoji: string; from: number[] }
const CHIPS_MAX = 50;

/** The same emoji together, in the order in which they came. */
export function chipsOf(item: Message): Chip[] {
  const chips: Chip[] = [];
  for (const r of item.reactions) {
    const there = chips.find(c => c.emoji === r.text);
    if (there !== undefined) there.from.push(r.from);
    else if (chips.length < CHIPS_MAX) chips.push({ emoji: r.text, from: [r.from] });
  }
  return chips;
}

function Chips({ item, doings }: { item: Message; doings: Doings }): JSX.Element | null {
  if (item.reactions.length === 0) return null;
  const label = (c: Chip): string => `${tame(c.emoji)} ${c.from.slice(0, 20).map(nameOf).join(', ')}`;
  return (
    <div class="chips">
      {chipsOf(item).map(c => (
        <button key={c.emoji} type="button" tabIndex={-1} class={c.from.includes(0) ? 'chip own' : 'chip'} aria-label={label(c)} title={label(c)}
          onClick={() => doings.react(item, c.emoji)}>
          <span class="chip-emoji">{tame(c.emoji)}</span>
          {c.from.length > 1 && <span>{c.from.length}</span>}
        </button>
      ))}
    </div>
  );
}

function Meta({ item }: { item: Message }): JSX.Element {
  const icon = STATES[item.state], word = stateWord(item);
  return (
    <span class="meta">
      {item.pinned && <Icon name="pin" />}
      {(item.expires > 0 || item.lives > 0) && <Icon name="hourglass" />}
      {item.edited > 0 && !item.deleted && <span>{t('edited')}</span>}
      <time dateTime={new Date(item.time).toISOString()} title={whole(item.time)}>{clock(item.time)}</time>
      {item.from === 0 && icon !== undefined && <span class={`state ${item.state}`} title={word}><Icon name={icon} /></span>}
    </span>
  );
}

const LETTERS = 1500, LINES = 25; // of a message that is shown whole at once
const opened = new Set<number>();

/** The beginning of a long text, for as long as nobody wants it all. */
export function beginning(text: string): string {
  const lines = text.split('\n', LINES + 1);
  return (lines.length > LINES ? lines.slice(0, LINES).join('\n') : text).slice(0, LETTERS);
}

function Said({ item, doings }: { item: Message; doings: Doings }): JSX.Element {
  const [whole, setWhole] = useState(() => opened.has(item.id)), start = beginning(item.text);
  if (whole || start.length + 200 > item.text.length) return <Rich text={item.text} onLink={doings.link} />;
  const open = (): void => {
    opened.add(item.id);
    setWhole(true);
  };
  return (
    <>
      <Rich text={`${start}…`} onLink={doings.link} />
      <button type="button" class="button quiet all" onClick={open}>{t('showAll')}</button>
    </>
  );
}

function Body({ item, doings }: { item: Message; doings: Doings }): JSX.Element {
  if (item.deleted) return <p class="rich faded">{t('deleted')}</p>;
  if (item.kind === 'text' || item.kind === 'reply') return <Said item={item} doings={doings} />;
  if (item.kind === 'file') {
    if (item.file === undefined) return <p class="rich faded">{t('fileGone')}</p>;
    const caption = item.text !== '' && item.text !== item.file.name;
    return (
      <>
        <FileBody file={item.file} />
        {caption && <Said item={item} doings={doings} />}
      </>
    );
  }
  return <p class="rich faded">{t('cannotShow')}</p>;
}

const ONLY_EMOJI = /^(?:\p{Extended_Pictographic}\ufe0f?(?:\u200d\p{Extended_Pictographic}\ufe0f?|\p{Emoji_Modifier})*){1,3}$/u;

export function Bubble({ item, place, chat, doings }: { item: Message; place: Place; chat: Chat; doings: Doings }): JSX.Element {
  const own = item.from === 0, name = nameOf(item.from), seed = contacts.value.get(item.from)?.account ?? '';
  const group = chat.kind === 'group' && !own, large = !item.deleted && item.kind === 'text' && ONLY_EMOJI.test(item.text);
  const open = (e: Event): void => {
    e.preventDefault();
    doings.menu(item, (e.currentTarget as HTMLElement).closest('.message')!.querySelector('.bubble')!.getBoundingClientRect());
  };
  const classes = ['message', own ? 'own' : 'other', place.first ? 'first' : '', place.last ? 'last' : '', large ? 'large' : ''].join(' ');
  return (
    <article class={classes} data-focus data-id={item.id} tabIndex={-1} aria-label={`${name}, ${clock(item.time)}${own ? `, ${stateWord(item)}` : ''}`}
      onContextMenu={e => (e.target as HTMLElement).closest('a') === null && open(e)}>
      {group && <span class="side">{place.last && <Avatar name={name} seed={seed} />}</span>}
      <div class="bubble">
        {group && place.first && <bdi class={`sender ink${hue(seed, 6)}`}>{name}</bdi>}
        {item.kind === 'reply' && !item.deleted && <Quote item={item} doings={doings} />}
        <div dir={item.deleted ? undefined : writtenFrom(item.text)}>
          <Body item={item} doings={doings} />
          <Meta item={item} />
        </div>
        <Chips item={item} doings={doings} />
      </div>
      <button type="button" tabIndex={-1} class="icon-button quiet bubble-more" aria-label={t('more')} title={t('more')} onClick={open}><Icon name="more" /></button>
    </article>
  );
}

export function Notice({ item }: { item: Message }): JSX.Element {
  return <p class="notice" data-focus data-id={item.id} tabIndex={-1}>{noticeText(item)}</p>;
}
