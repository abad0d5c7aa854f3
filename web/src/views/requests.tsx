// SPDX-License-Identifier: Apache-2.0
//
// Who would like to talk: each is let in or blocked. Until then they are told nothing.
import type { JSX } from 'preact';
import { call } from '../engine/engine';
import type { Contact } from '../engine/methods';
import { attempt } from '../state/notices';
import { directWith, loadChats, loadContacts, nameOf, requests } from '../state/people';
import { go } from '../state/route';
import { t } from '../strings/strings';
import { Avatar } from '../ui/avatar';
import { Button } from '../ui/controls';

export async function answer(contact: number, accept: boolean): Promise<void> {
  await attempt(call('contact.answer', { contact, accept }));
  await Promise.all([loadContacts(), loadChats()]);
  const chat = directWith(contact);
  if (accept && chat !== undefined) go('chat', chat.id);
}

function Request({ contact }: { contact: Contact }): JSX.Element {
  const name = nameOf(contact.id);
  return (
    <li class="person">
      <Avatar name={name} seed={contact.account} />
      <bdi class="person-name">{name}</bdi>
      <Button kind="plain" onClick={() => void answer(contact.id, false)}>{t('block')}</Button>
      <Button kind="main" onClick={() => void answer(contact.id, true)}>{t('letIn')}</Button>
    </li>
  );
}

export function Requests(): JSX.Element {
  return (
    <>
      <p>{t('requestsText')}</p>
      {requests.value.length === 0 ? <p class="hint">{t('noRequests')}</p> : <ul class="people">{requests.value.map(c => <Request key={c.id} contact={c} />)}</ul>}
    </>
  );
}
