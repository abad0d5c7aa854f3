// SPDX-License-Identifier: Apache-2.0
//
// Pages that stand where a conversation would: invitations, a new group, requests, settings. Each has a way back.
import type { ComponentChildren, JSX } from 'preact';
import { go } from '../state/route';
import { t } from '../strings/strings';
import { IconButton } from '../ui/controls';
import { Accept, Given, NewGroup, Relays, Requests, Routes, Settings, ShareInvitation } from './later';
import { Warnings } from './warnings';

function Frame({ title, back, children }: { title: string; back?: string; children: ComponentChildren }): JSX.Element {
  return (
    <section class="pane page" aria-label={title}>
      <header class="bar">
        <IconButton icon="back" label={t('back')} onClick={() => back === undefined ? go() : go(back)} />
        <h1>{title}</h1>
      </header>
      <div class="page-body"><div class="column">{children}</div></div>
    </section>
  );
}

export function Subpage({ page, word }: { page: string; word: string }): JSX.Element {
  switch (page) {
    case 'invite': return <Frame title={t('invite')}><section><ShareInvitation /></section><Given /></Frame>;
    case 'accept': return <Frame title={t('acceptInvitation')}><Accept given={word} /></Frame>;
    case 'group': return <Frame title={t('newGroup')}><NewGroup /></Frame>;
    case 'requests': return <Frame title={t('requestsTitle')}><Requests /></Frame>;
    case 'warnings': return <Frame title={t('warningsTitle')}><Warnings /></Frame>;
    case 'routes': return <Frame title={t('routes')} back="settings"><Routes /></Frame>;
    case 'relays': return <Frame title={t('relays')} back="settings"><Relays /></Frame>;
    case 'settings': return <Frame title={t('settings')}><Settings /></Frame>;
    default: return <Frame title="Whimbrel"><p>{t('nothingHere')}</p></Frame>;
  }
}
