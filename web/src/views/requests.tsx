// SPDX-License-Identifier: Apache-2.0
//
// Who would like to talk: each is let in or blocked. Until then they are told nothing.
import type { JSX } from 'preact';
import { call } from '../engine/engine';
import type { Contact, Request as Knock } from '../engine/methods';
import { attempt } from '../state/notices';
import { chatById, contacts, knocks, loadKnocks, nameOf, requests, titleOf } from '../state/people';
import { answer, block } from '../state/requests';
import { t } from '../strings/strings';
import { Avatar } from '../ui/avatar';
import { Button } from '../ui/controls';

function Asks({ knock }: { knock: Knock }): JSX.Element {
  const name = nameOf(knock.contact), chat = chatById.value.get(knock.chat);
  const admit = (yes: boolean): void => void attempt(call('chat.admit', { chat: knock.chat, contact: knock.contact, admit: yes }).then(loadKnocks));
  return (
    <li class="person">
      <Avatar name={name} seed={contacts.value.get(knock.contact)?.account ?? ''} />
      <span class="person-name"><bdi>{name}</bdi><span class="hint">{t('asksInto', { group: chat === undefined ? t('group') : titleOf(chat) })}</span></span>
      <Button onClick={() => admit(false)}>{t('notNow')}</Button>
      <Button kind="main" onClick={() => admit(true)}>{t('letIn')}</Button>
    </li>
  );
}

function Request({ contact }: { contact: Contact }): JSX.Element {
  const name = nameOf(contact.id);
  return (
    <li class="person">
      <Avatar name={name} seed={contact.account} />
      <bdi class="person-name">{name}</bdi>
      <Button kind="danger" onClick={() => void block(contact.id, true)}>{t('block')}</Button>
      <Button onClick={() => void answer(contact.id, false)}>{t('notNow')}</Button>
      <Button kind="main" onClick={() => void answer(contact.id, true)}>{t('letIn')}</Button>
    </li>
  );
}

export function Requests(): JSX.Element {
  return (
    <>
      <p>{t('requestsText')}</p>
      {requests.value.length + knocks.value.length === 0
        ? <p class="hint">{t('noRequests')}</p>
        : (
          <ul class="people">
            {requests.value.map(c => <Request key={c.id} contact={c} />)}
            {knocks.value.map(k => <Asks key={`${k.chat}.${k.contact}`} knock={k} />)}
          </ul>
        )}
    </>
  );
}
