// SPDX-License-Identifier: Apache-2.0
//
// Somebody in a conversation has another device than before: what that means, and the one thing to do. It stands above the field where one
// writes until somebody has confirmed it, since the engine sends nothing until then; and it comes up when one tries to send.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Chat } from '../engine/methods';
import { attempt } from '../state/notices';
import { chatById, confirmKeys, nameOf } from '../state/people';
import { t } from '../strings/strings';
import { Button } from '../ui/controls';
import { Dialog } from '../ui/dialog';
import { Icon } from '../ui/icon';

const names = (chat: Chat): string => chat.held.map(nameOf).join(', ');

/** Whether the engine sends what one writes now. */
export function isHeld(chat: number): boolean { return (chatById.value.get(chat)?.held.length ?? 0) > 0; }

export function Held({ chat }: { chat: Chat }): JSX.Element | null {
  if (chat.held.length === 0) return null;
  return (
    <section class="warning" role="alert" aria-label={t('heldTitle')}>
      <Icon name="warning" />
      <div>
        <p><strong>{t('heldTitle')}</strong>{': '}<bdi>{names(chat)}</bdi></p>
        <p>{t('heldText')}</p>
        <div class="buttons"><Button kind="plain" onClick={() => void attempt(confirmKeys(chat))}>{t('heldConfirm')}</Button></div>
      </div>
    </section>
  );
}

/** One has tried to send: `send` is what is done then, once. */
export function HeldDialog({ chat, onClose, send }: { chat: Chat; onClose: () => void; send: () => void }): JSX.Element {
  const [busy, setBusy] = useState(false);
  const confirm = async (): Promise<void> => {
    setBusy(true);
    const done = await attempt(confirmKeys(chat));
    onClose();
    if (done !== undefined) send();
  };
  return (
    <Dialog title={t('heldAsk')} onClose={onClose}>
      <p><strong>{t('heldTitle')}</strong>{': '}<bdi>{names(chat)}</bdi></p>
      <p>{t('heldText')}</p>
      <div class="buttons">
        <Button kind="main" onClick={onClose}>{t('notNow')}</Button>
        <Button kind="danger" disabled={busy} onClick={() => void confirm()}>{t('heldSend')}</Button>
      </div>
    </Dialog>
  );
}
