// SPDX-License-Identifier: Apache-2.0
//
// A message's menu, its information, and the question before it is deleted.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { call } from '../engine/engine';
import type { Chat, Message, Receipt } from '../engine/methods';
import { copy } from '../state/clipboard';
import { answer, revise } from '../state/drafts';
import { attempt } from '../state/notices';
import { nameOf } from '../state/people';
import { t, whole } from '../strings/strings';
import { MORE, QUICK } from '../text/emoji';
import { asWritten } from '../text/mentions';
import { tame } from '../text/plain';
import { type Action, Confirm, Dialog, Menu } from '../ui/dialog';
import { Icon } from '../ui/icon';
import { ended, react, said, type Showing } from './doing';
import { chipsOf, stateWord } from './message';

function Emoji({ item, choose }: { item: Message; choose: (emoji: string) => void }): JSX.Element {
  const [all, setAll] = useState(false), box = useRef<HTMLDivElement>(null), own = (e: string): boolean => item.reactions.some(r => r.text === e && r.from === 0);
  useEffect(() => { if (all) box.current?.querySelectorAll('button')[QUICK.length]?.focus(); }, [all]); // the first of those that have come
  return (
    <div ref={box} class={all ? 'emoji all' : 'emoji'} role="group" aria-label={t('react')}>
      {(all ? [...QUICK, ...MORE] : QUICK).map(e => <button key={e} type="button" aria-pressed={own(e)} onClick={() => choose(e)}>{e}</button>)}
      {!all && <button type="button" aria-label={t('moreEmoji')} title={t('moreEmoji')} onClick={() => setAll(true)}><Icon name="plus" /></button>}
    </div>
  );
}

function MessageMenu({ chat, item, at, show }: { chat: Chat; item: Message; at: DOMRect; show: (s: Showing) => void }): JSX.Element {
  const open = !ended(chat), actions: Action[] = [];
  if (open && !item.deleted) actions.push({ label: t('reply'), icon: 'reply', run: () => answer(chat, item) });
  if (said(item)) actions.push({ label: t('copyText'), icon: 'copy', run: () => void copy(asWritten(item.text)) });
  if (open && item.from === 0 && said(item)) actions.push({ label: t('edit'), icon: 'edit', run: () => revise(chat, item, asWritten(item.text)) });
  if (!item.deleted) {
    actions.push({ label: item.pinned ? t('unpinMessage') : t('pinMessage'), icon: 'pin',
      run: () => void attempt(call('message.pin', { chat: chat.id, message: item.id, pinned: !item.pinned })) });
  }
  actions.push({ label: t('information'), icon: 'info', run: () => show({ what: 'info', item }) });
  if (open && item.from === 0 && !item.deleted) actions.push({ label: t('deleteForAll'), icon: 'trash', danger: true, run: () => show({ what: 'delete', item }) });
  const close = (): void => show(undefined);
  return (
    <Menu label={t('message')} at={at} onClose={close} actions={actions}>
      {open && !item.deleted && <Emoji item={item} choose={e => {
        close();
        react(chat, item, e);
      }} />}
    </Menu>
  );
}

function Receipts({ item }: { item: Message }): JSX.Element {
  const [receipts, setReceipts] = useState<readonly Receipt[]>([]);
  useEffect(() => { void call('message.receipts', { chat: item.chat, message: item.id }).then(setReceipts, () => undefined); }, [item]);
  return (
    <>
      {receipts.map(r => (
        <div key={r.contact}>
          <dt><bdi>{nameOf(r.contact)}</bdi></dt>
          <dd>{r.read > 0 ? t('readAt', { time: whole(r.read) }) : r.delivered > 0 ? t('deliveredAt', { time: whole(r.delivered) }) : t('stateSent')}</dd>
        </div>
      ))}
    </>
  );
}

function Info({ item, onClose }: { item: Message; onClose: () => void }): JSX.Element {
  return (
    <Dialog title={t('information')} onClose={onClose}>
      <dl class="facts">
        <div><dt>{t('from')}</dt><dd><bdi>{nameOf(item.from)}</bdi></dd></div>
        <div><dt>{t('when')}</dt><dd>{whole(item.time)}</dd></div>
        {item.from === 0 && <div><dt>{t('delivery')}</dt><dd>{stateWord(item)}</dd></div>}
        {item.from === 0 && <Receipts item={item} />}
        {item.edited > 0 && <div><dt>{t('changed')}</dt><dd>{whole(item.edited)}</dd></div>}
        {item.expires > 0 && <div><dt>{t('disappears')}</dt><dd>{whole(item.expires)}</dd></div>}
        {chipsOf(item).map(c => <div key={c.emoji}><dt>{tame(c.emoji)}</dt><dd><bdi>{c.from.slice(0, 100).map(nameOf).join(', ')}</bdi></dd></div>)}
      </dl>
    </Dialog>
  );
}

export function Acts({ chat, showing, show }: { chat: Chat; showing: NonNullable<Showing>; show: (s: Showing) => void }): JSX.Element {
  const { item } = showing, close = (): void => show(undefined);
  if (showing.what === 'menu') return <MessageMenu chat={chat} item={item} at={showing.at} show={show} />;
  if (showing.what === 'info') return <Info item={item} onClose={close} />;
  return (
    <Confirm title={t('deleteTitle')} text={t('deleteText')} action={t('deleteForAll')} onClose={close}
      run={() => void attempt(call('message.delete', { chat: chat.id, message: item.id }))} />
  );
}
