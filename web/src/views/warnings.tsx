// SPDX-License-Identifier: Apache-2.0
//
// What people must know: a changed key, a relay that lies. It stands above the conversation that it is about, and in a list of all,
// until somebody says that they have read it.
import type { JSX } from 'preact';
import type { Warning } from '../engine/methods';
import { attempt, sentence } from '../state/notices';
import { chatById, directWith, seen, titleOf, warnings } from '../state/people';
import { go } from '../state/route';
import { brief, t, whole } from '../strings/strings';
import { tame } from '../text/plain';
import { Button } from '../ui/controls';
import { Icon } from '../ui/icon';

function chatOf(w: Warning): number { return w.chat !== 0 ? w.chat : w.contact === 0 ? 0 : directWith(w.contact)?.id ?? 0; }

export function WarningCard({ warning: w, here }: { warning: Warning; here?: boolean }): JSX.Element {
  const chat = chatById.value.get(chatOf(w));
  return (
    <section class="warning" role="alert">
      <Icon name="warning" />
      <div>
        <p>
          {here !== true && chat !== undefined && <strong><bdi>{titleOf(chat)}</bdi>{'. '}</strong>}
          <span dir="auto">{sentence(tame(w.text))}</span>
        </p>
        <p class="hint"><time title={whole(w.time)}>{brief(w.time)}</time></p>
        <div class="buttons">
          {chat?.kind === 'direct' && <Button kind="plain" onClick={() => go('chat', chat.id, 'info')}>{t('checkNumber')}</Button>}
          {here !== true && chat !== undefined && chat.kind !== 'direct' && <Button kind="plain" onClick={() => go('chat', chat.id)}>{t('openChat')}</Button>}
          <Button kind="plain" onClick={() => void attempt(seen(w.id))}>{t('understood')}</Button>
        </div>
      </div>
    </section>
  );
}

export function Warnings(): JSX.Element {
  if (warnings.value.length === 0) return <p class="hint">{t('noWarnings')}</p>;
  return <>{warnings.value.map(w => <WarningCard key={w.id} warning={w} />)}</>;
}
