// SPDX-License-Identifier: Apache-2.0
//
// Beside a conversation, or over it on a phone: who is in it, whether they are who they say, and how it stands for oneself.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Chat, Message } from '../engine/methods';
import { call } from '../engine/engine';
import { attempt } from '../state/notices';
import { contacts, deleteChat, isMuted, loadContacts, nameOf, seedOf, setChat, titleOf, verifiedWord } from '../state/people';
import { pictureOf } from '../state/pictures';
import { room } from '../state/room';
import { go } from '../state/route';
import { block } from '../state/requests';
import { query, within } from '../state/search';
import { brief, t } from '../strings/strings';
import { Avatar } from '../ui/avatar';
import { Button, Field, IconButton, Select } from '../ui/controls';
import { Confirm } from '../ui/dialog';
import { Icon, type IconName } from '../ui/icon';
import { FOR_EVER } from './chatrow';
import { Export } from './export';
import { Group, Rename } from './group';
import { gist } from './message';
import { Safety } from './safety';

function Act({ icon, label, pressed, run }: { icon: IconName; label: string; pressed?: boolean; run: () => void }): JSX.Element {
  return (
    <button type="button" class="act" aria-pressed={pressed} onClick={run}>
      <Icon name={icon} />
      <span>{label}</span>
    </button>
  );
}

const HOUR = 3_600_000;
type Still = 'no' | 'hours' | 'week' | 'ever';

// How long it is still, of what can be chosen; "for hours" is what is left of anything shorter than a day.
function stillOf(chat: Chat): Still {
  const left = chat.muted - Date.now();
  return left <= 0 ? 'no' : left < 24 * HOUR ? 'hours' : left < 8 * 24 * HOUR ? 'week' : 'ever';
}

function Stands({ chat, onDate }: { chat: Chat; onDate: (time: number) => void }): JSX.Element {
  const set = (how: Parameters<typeof setChat>[1]): void => void attempt(setChat(chat.id, how));
  const [muting, setMuting] = useState(false), [dating, setDating] = useState(false), [exporting, setExporting] = useState(false), [date, setDate] = useState('');
  const still = (s: Still): void => set({ muted: { no: 0, hours: Date.now() + 8 * HOUR, week: Date.now() + 7 * 24 * HOUR, ever: FOR_EVER }[s] });
  return (
    <section>
      <div class="acts">
        <Act icon="search" label={t('search')} run={() => {
          within.value = chat.id;
          query.value = '';
          if (room.value.columns === 1) go();
          requestAnimationFrame(() => document.querySelector<HTMLInputElement>('.search input')?.focus());
        }} />
        <Act icon="mute" label={isMuted(chat) ? t('muted') : t('mute')} pressed={isMuted(chat)} run={() => setMuting(!muting)} />
        <Act icon="pin" label={chat.pinned ? t('unpin') : t('pin')} pressed={chat.pinned} run={() => set({ pinned: !chat.pinned })} />
        <Act icon="archive" label={chat.archived ? t('unarchive') : t('archive')} pressed={chat.archived} run={() => set({ archived: !chat.archived })} />
        <Act icon="calendar" label={t('toDate')} run={() => setDating(!dating)} />
        <Act icon="download" label={t('export')} run={() => setExporting(true)} />
      </div>
      {exporting && <Export chat={chat} onClose={() => setExporting(false)} />}
      {muting && <Select<Still> label={t('muteFor')} value={stillOf(chat)} onChange={still} options={[['no', t('muteNot')], ['hours', t('muteHours')], ['week', t('muteWeek')], ['ever', t('muteEver')]]} />}
      {dating && (
        <form class="stack" onSubmit={e => {
          e.preventDefault();
          const time = new Date(`${date}T00:00`).getTime();
          if (!Number.isNaN(time)) onDate(time);
        }}>
          <Field label={t('date')} type="date" value={date} onInput={setDate} required focus />
          <Button kind="main" submit disabled={date === ''}>{t('go')}</Button>
        </form>
      )}
      {chat.state === 'open' && <Timer chat={chat} />}
      {chat.kind !== 'self' && (
        <Select<Chat['receipts']> label={t('receipts')} value={chat.receipts} onChange={receipts => set({ receipts })}
          options={[['usual', t('receiptsUsual')], ['on', t('on')], ['off', t('off')]]} />
      )}
    </section>
  );
}

const TIMES = [0, 3600, 86_400, 604_800, 2_419_200];

// In groups only admins may; the engine says so.
function Timer({ chat }: { chat: Chat }): JSX.Element {
  const words = [t('timerNever'), t('timerHour'), t('timerDay'), t('timerWeek'), t('timerMonth')];
  const options: [string, string][] = TIMES.map((n, i) => [String(n), words[i] ?? '']);
  if (!TIMES.includes(chat.timer)) options.push([String(chat.timer), t('timerOther', { n: Math.round(chat.timer / 60) })]);
  return <Select label={t('timer')} value={String(chat.timer)} options={options} onChange={s => void attempt(call('chat.timer', { chat: chat.id, seconds: Number(s) }))} />;
}

function Pinned({ chat }: { chat: Chat }): JSX.Element | null {
  const [pinned, setPinned] = useState<readonly Message[]>([]);
  useEffect(() => {
    let current = true;
    void call('message.pinned', { chat: chat.id }).then(p => current && setPinned(p), () => undefined);
    return () => { current = false; };
  }, [chat]);
  if (pinned.length === 0) return null;
  return (
    <section>
      <h2>{t('pinnedMessages')}</h2>
      <ul class="pins">
        {pinned.map(m => (
          <li key={m.id}>
            <button type="button" class="pin-row" onClick={() => go('chat', chat.id, 'at', m.id)}>
              <span class="hint">{nameOf(m.from)}, {brief(m.time)}</span>
              <span class="clip" dir="auto">{gist(m)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

// A group has to be left first, and a request is answered.
function Delete({ chat }: { chat: Chat }): JSX.Element | null {
  const [asking, ask] = useState(false), over = chat.state === 'left' || chat.state === 'removed';
  if (chat.state === 'request' || (chat.kind === 'group' && !over)) return null;
  return (
    <section>
      <div class="buttons start"><Button kind="danger" icon="trash" onClick={() => ask(true)}>{t('deleteChat')}</Button></div>
      {asking && <Confirm title={t('deleteChatTitle')} text={over ? t('deleteChatText') : t('deleteChatStays')} action={t('deleteChat')} onClose={() => ask(false)}
        run={() => void attempt(deleteChat(chat.id)).then(done => { if (done === true) go(); })} />}
    </section>
  );
}

export function Info({ chat, onDate }: { chat: Chat; onDate: (time: number) => void }): JSX.Element {
  const contact = contacts.value.get(chat.contact), title = titleOf(chat), [renaming, setRenaming] = useState(false);
  return (
    <section class="info" aria-label={t('details')}>
      <header class="bar">
        <IconButton icon="close" label={t('close')} onClick={() => go('chat', chat.id)} />
        <h1>{t('details')}</h1>
      </header>
      <div class="info-body">
        <div class="portrait">
          <Avatar name={title} seed={seedOf(chat)} large picture={pictureOf(chat)} icon={chat.kind === 'group' ? 'people' : chat.kind === 'self' ? 'bookmark' : undefined} />
          <h2><bdi>{title}</bdi></h2>
          {contact !== undefined && <p class="hint">{verifiedWord(contact)}</p>}
        </div>
        <Stands chat={chat} onDate={onDate} />
        {contact !== undefined && <Safety contact={contact} />}
        {chat.kind === 'group' && <Group chat={chat} />}
        <Pinned chat={chat} />
        <Delete chat={chat} />
        {contact?.state === 'known' && (
          <section>
            <div class="buttons start">
              <Button icon="edit" onClick={() => setRenaming(true)}>{t('rename')}</Button>
              <Button kind="danger" onClick={() => void block(contact.id, true)}>{t('blockName', { name: title })}</Button>
            </div>
            {renaming && <Rename title={t('renameContact')} label={t('contactName')} name={contact.name} save={name => call('contact.rename', { contact: contact.id, name }).then(loadContacts)} onClose={() => setRenaming(false)} />}
          </section>
        )}
      </div>
    </section>
  );
}
