// SPDX-License-Identifier: Apache-2.0
//
// Everything as one encrypted archive, from the settings; and the way back from one, at the first run.
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { backup, comeBack } from '../state/archive';
import { download } from '../state/files';
import { note } from '../state/notices';
import { status } from '../state/people';
import { size, t } from '../strings/strings';
import { strength, suggestion } from '../text/passphrase';
import { Button, Field } from '../ui/controls';
import { Dialog } from '../ui/dialog';
import { useWork, Working } from '../ui/work';
import { dated } from './exporting';

interface Made { name: string; bytes: number }

export function Backup({ onClose }: { onClose: () => void }): JSX.Element {
  const [passphrase, setPassphrase] = useState(''), work = useWork<Made>(), grade = strength(passphrase);
  const run = (e: Event): void => {
    e.preventDefault();
    void work.run(async (progress, stop) => {
      const blob = await backup(passphrase, progress, stop), name = dated(`Whimbrel ${status.value?.name ?? ''}`.trim(), 'whimbrel');
      download(blob, name);
      return { name, bytes: blob.size };
    });
  };
  return (
    <Dialog title={t('backup')} onClose={onClose}>
      {work.busy ? <Working label={t('backupWriting')} work={work} /> : work.done !== undefined ? (
        <div class="stack">
          <p role="status">{t('backupDone', { name: work.done.name, size: size(work.done.bytes) })}</p>
          <p class="hint">{t('backupText')}</p>
          <div class="buttons"><Button kind="main" onClick={onClose}>{t('close')}</Button></div>
        </div>
      ) : (
        <form class="stack" onSubmit={run}>
          <p class="hint">{t('backupText')}</p>
          <Field label={t('archivePassphrase')} value={passphrase} onInput={setPassphrase} type="password" error={work.error} required focus complete="new-password" />
          <div class="strength">
            <meter min={0} max={3} value={grade} aria-label={t('strength')} class={`grade${grade}`} />
            <span class="hint" role="status">{passphrase === '' ? '' : [t('strength0'), t('strength1'), t('strength2'), t('strength3')][grade]}</span>
            <Button kind="quiet" onClick={() => setPassphrase(suggestion())}>{t('suggest')}</Button>
          </div>
          <div class="buttons">
            <Button onClick={onClose}>{t('cancel')}</Button>
            <Button kind="main" submit disabled={grade === 0}>{t('backupRun')}</Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}

/** In the place of the first run's steps. */
export function Restore({ back }: { back: () => void }): JSX.Element {
  const [file, setFile] = useState<File | undefined>(undefined), [passphrase, setPassphrase] = useState(''), work = useWork<true>(), input = useRef<HTMLInputElement>(null);
  const run = (e: Event): void => {
    e.preventDefault();
    if (file === undefined) return;
    void work.run(async (progress, stop) => {
      await comeBack(file, passphrase, progress, stop);
      note(t('restored'));
      return true;
    });
  };
  if (work.busy) {
    return (
      <div>
        <h1>{t('restoreTitle')}</h1>
        <Working label={work.part === undefined ? t('restoring') : t('restoreSending')} work={work} last={work.part === undefined} />
      </div>
    );
  }
  return (
    <form onSubmit={run}>
      <h1>{t('restoreTitle')}</h1>
      <p>{t('restoreText')}</p>
      <div class="field-row">
        <Button icon="file" onClick={() => input.current?.click()}>{t('chooseArchive')}</Button>
        <input ref={input} type="file" hidden onChange={e => setFile(e.currentTarget.files?.[0])} />
        <bdi class="clip" role="status">{file?.name}</bdi>
      </div>
      <Field label={t('archivePassphrase')} value={passphrase} onInput={setPassphrase} type="password" error={work.error} required complete="current-password" />
      <div class="buttons">
        <Button onClick={back}>{t('back')}</Button>
        <Button kind="main" submit disabled={file === undefined || passphrase === ''}>{t('restoreRun')}</Button>
      </div>
    </form>
  );
}
