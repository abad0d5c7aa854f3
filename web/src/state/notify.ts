// SPDX-License-Identifier: Apache-2.0
//
// What tells people who look elsewhere: the number in the page's title, and the system's notifications, which say who wrote and not what.
import { effect } from '@preact/signals';
import { on } from '../engine/engine';
import { t } from '../strings/strings';
import { chatById, isMuted, loadChat, titleOf, waiting } from './people';
import { go, openChat } from './route';
import { settings } from './settings';

effect(() => { document.title = waiting.value > 0 ? `(${waiting.value}) Whimbrel` : 'Whimbrel'; });

on('message', m => {
  const before = chatById.value.get(m.chat)?.unread ?? 0;
  if (!settings.value.notify || (document.hasFocus() && openChat.value === m.chat)) return;
  void loadChat(m.chat).then(() => {
    const chat = chatById.value.get(m.chat);
    if (chat === undefined || chat.unread <= before || isMuted(chat) || chat.archived) return;
    const n = new Notification(titleOf(chat), { body: t('unread', { n: chat.unread }), tag: `chat${chat.id}` });
    n.onclick = () => {
      focus();
      go('chat', chat.id);
    };
  });
});
