// SPDX-License-Identifier: Apache-2.0
//
// The list of conversations, with what one starts new ones by, who asks for one, and how the connection is.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { call, phase } from '../engine/engine';
import { attempt } from '../state/notices';
import { archived, knocks, listed, loadChat, requests, status, warnings } from '../state/people';
import { go, href, openChat } from '../state/route';
import { query, within } from '../state/search';
import { t } from '../strings/strings';
import { Button, IconButton } from '../ui/controls';
import { type Action, Menu } from '../ui/dialog';
import { Icon } from '../ui/icon';
import { FixedList } from '../ui/list';
import { ChatMenu, ChatRow } from './chatrow';
import { Results } from './later';

const PATIENCE_MS = 2500; // a connection that comes back at once is not worth a word

function Connection(): JSX.Element {
  const s = status.value, bad = phase.value !== 'open' ? t('engineAway') : s !== undefined && !s.connected ? t('relayAway') : '';
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(bad !== ''), bad === '' ? 0 : PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [bad === '']);
  return (
    <div role="status">
      {late && bad !== '' && (
        <p class="strip">
          <Icon name="clock" />
          <span class="grow">{bad}{phase.value === 'open' && <> <a href={href('routes')}>{t('otherWays')}</a></>}</span>
        </p>
      )}
    </div>
  );
}

function Strip({ to, icon, text, amber }: { to: string; icon: 'person' | 'warning'; text: string; amber?: boolean }): JSX.Element {
  return (
    <a class={amber === true ? 'strip link amber' : 'strip link'} href={href(to)}>
      <Icon name={icon} />
      {text}
    </a>
  );
}

function NewMenu({ at, onClose }: { at: DOMRect; onClose: () => void }): JSX.Element {
  const actions: Action[] = [
    { label: t('invite'), icon: 'qr', run: () => go('invite') },
    { label: t('acceptInvitation'), icon: 'link', run: () => go('accept') },
    { label: t('newGroup'), icon: 'people', run: () => go('group') },
    { label: t('notesToSelf'), icon: 'bookmark', run: () => void attempt(call('chat.self')).then(x => x === undefined ? undefined : loadChat(x.chat).then(() => go('chat', x.chat))) },
  ];
  return <Menu label={t('new')} at={at} onClose={onClose} actions={actions} />;
}

function Chats(): JSX.Element {
  const [aside, setAside] = useState(false), n = archived.value.length, shown = aside ? archived.value : listed.value;
  useEffect(() => { if (n === 0) setAside(false); }, [n]);
  return (
    <>
      {aside && (
        <p class="strip">
          <IconButton icon="back" label={t('back')} onClick={() => setAside(false)} />
          <strong>{t('archived')}</strong>
        </p>
      )}
      {shown.length === 0 && n === 0
        ? (
          <div class="nothing stack">
            <p>{t('noChats')}</p>
            <Button kind="main" icon="qr" onClick={() => go('invite')}>{t('invite')}</Button>
            <Button icon="link" onClick={() => go('accept')}>{t('acceptInvitation')}</Button>
          </div>
        )
        : <FixedList label={t('chats')} items={shown} keyOf={c => c.id} current={openChat.value} rem={4.25} row={(c, tab) => <ChatRow chat={c} tab={tab} />} />}
      {!aside && n > 0 && (
        <button type="button" class="strip link aside" onClick={() => setAside(true)}>
          <Icon name="archive" />
          {t('archivedN', { n })}
        </button>
      )}
    </>
  );
}

export function Sidebar(): JSX.Element {
  const [menu, setMenu] = useState<DOMRect | undefined>(undefined), asks = requests.value.length + knocks.value.length, warned = warnings.value.length;
  const looking = query.value.trim() !== '' || within.value !== 0;
  return (
    <nav class="sidebar" aria-label={t('chats')}>
      <header class="bar">
        <IconButton icon="settings" label={t('settings')} onClick={() => go('settings')} />
        <h1>{t('chats')}</h1>
        <IconButton icon="plus" label={t('new')} kind="main" onClick={e => setMenu((e.currentTarget as HTMLElement).getBoundingClientRect())} />
      </header>
      <div class="search" role="search">
        <Icon name="search" />
        <input type="search" value={query.value} placeholder={t('search')} aria-label={t('search')} onInput={e => { query.value = e.currentTarget.value; }}
          onKeyDown={e => {
            if (e.key === 'Escape' && looking) {
              e.preventDefault();
              query.value = '';
              within.value = 0;
            } else if (e.key === 'ArrowDown') {
              e.preventDefault();
              document.querySelector<HTMLElement>('.sidebar .list [tabindex="0"]')?.focus();
            }
          }} />
        {looking && <IconButton icon="close" label={t('cancel')} onClick={() => {
          query.value = '';
          within.value = 0;
        }} />}
      </div>
      <Connection />
      {warned > 0 && <Strip to="warnings" icon="warning" text={t('warnings', { n: warned })} amber />}
      {asks > 0 && <Strip to="requests" icon="person" text={t('requests', { n: asks })} />}
      {looking ? <Results /> : <Chats />}
      {menu !== undefined && <NewMenu at={menu} onClose={() => setMenu(undefined)} />}
      <ChatMenu />
    </nav>
  );
}
