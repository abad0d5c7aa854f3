// SPDX-License-Identifier: Apache-2.0
//
// Files that leave: which of those that somebody chose are taken, and those that are on their way.
import type { JSX } from 'preact';
import type { Chat } from '../engine/methods';
import { handing, leaving } from '../state/files';
import { note } from '../state/notices';
import { t } from '../strings/strings';
import { tameName } from '../text/plain';
import { IconButton } from '../ui/controls';
import { Icon } from '../ui/icon';
import { FileRow } from './file';

const FILES_MAX = 30;

/** At most so many at once; empty ones cannot be told from folders, and are left out. */
export function chosen(list: Iterable<File>): File[] {
  const all = [...list].filter(f => f.size > 0);
  if (all.length > FILES_MAX) note(t('tooManyFiles', { n: FILES_MAX }), true);
  return all.slice(0, FILES_MAX);
}

/** What leaves this conversation now. */
export function Leaving({ chat }: { chat: Chat }): JSX.Element | null {
  const given = handing.value.filter(h => h.chat === chat.id), going = [...leaving.value.values()].filter(f => f.chat === chat.id);
  if (given.length === 0 && going.length === 0) return null;
  return (
    <div class="leaving" role="group" aria-label={t('filesLeaving')}>
      {given.map(h => (
        <div key={`h${h.key}`} class="file">
          <Icon name="file" />
          <div class="grow"><bdi class="file-name">{tameName(h.name, t('file'))}</bdi><progress max={1} value={h.part} aria-label={tameName(h.name, t('file'))} /></div>
          <IconButton icon="close" label={t('cancel')} onClick={h.stop} />
        </div>
      ))}
      {going.map(f => <FileRow key={f.id} f={f} />)}
    </div>
  );
}
