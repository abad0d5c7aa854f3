// SPDX-License-Identifier: Apache-2.0
//
// Exporting a conversation: what it becomes, how far it is, and that anybody can read it then.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Chat } from '../engine/methods';
import { download } from '../state/files';
import { titleOf } from '../state/people';
import { t } from '../strings/strings';
import { Button, Choice, Switch } from '../ui/controls';
import { Dialog } from '../ui/dialog';
import { useWork, Working } from '../ui/work';
import { dated, exportChat, type Exported } from './exporting';

export function Export({ chat, onClose }: { chat: Chat; onClose: () => void }): JSX.Element {
  const [kind, setKind] = useState<'page' | 'data'>('page'), [files, setFiles] = useState(true), work = useWork<Exported>();
  const run = (e: Event): void => {
    e.preventDefault();
    void work.run(async (progress, stop) => {
      const made = await exportChat(chat, { page: kind === 'page', files }, progress, stop);
      download(made.zip, dated(titleOf(chat), 'zip'));
      return made;
    });
  };
  return (
    <Dialog title={t('exportTitle')} onClose={onClose}>
      {work.busy ? <Working label={t('exporting')} work={work} /> : work.done !== undefined ? (
        <div class="stack">
          <p role="status">{t('exported', { n: work.done.messages })} {work.done.absent > 0 && t('exportAbsent', { n: work.done.absent })}</p>
          <div class="buttons"><Button kind="main" onClick={onClose}>{t('close')}</Button></div>
        </div>
      ) : (
        <form class="stack" onSubmit={run}>
          <p class="hint">{t('exportText')}</p>
          <Choice label={t('exportAs')} value={kind} onChange={setKind} options={[['page', t('exportPage')], ['data', t('exportData')]]} />
          <Switch label={t('exportFiles')} on={files} onChange={setFiles} />
          {work.error !== undefined && <p class="error" role="alert">{work.error}</p>}
          <div class="buttons">
            <Button onClick={onClose}>{t('cancel')}</Button>
            <Button kind="main" submit>{t('export')}</Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
