// SPDX-License-Identifier: Apache-2.0
//
// Files that somebody chose, dropped or pasted, before they are sent; and a message that is being spoken.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Chat } from '../engine/methods';
import { attempt, note } from '../state/notices';
import { send, sendVoice } from '../state/outgoing';
import { size, t } from '../strings/strings';
import { tameName } from '../text/plain';
import { duration } from '../text/sound';
import { Button, Field, IconButton } from '../ui/controls';
import { Dialog } from '../ui/dialog';
import { Icon } from '../ui/icon';

function Preview({ file }: { file: File }): JSX.Element {
  const [url, setUrl] = useState<string | undefined>(undefined);
  useEffect(() => {
    if (!/^image\/(?:jpeg|png|gif|webp|avif)$/.test(file.type)) return undefined;
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return (
    <li class="file">
      {url === undefined ? <Icon name="file" /> : <img class="mini" src={url} alt="" onError={() => setUrl(undefined)} />}
      <div class="grow"><bdi class="file-name">{tameName(file.name, t('file'))}</bdi><span class="hint">{size(file.size)}</span></div>
    </li>
  );
}

export function SendFiles({ chat, files, onClose }: { chat: Chat; files: readonly File[]; onClose: () => void }): JSX.Element {
  const [text, setText] = useState('');
  const submit = (e: Event): void => {
    e.preventDefault();
    files.forEach((f, i) => void attempt(send(chat.id, f, i === 0 ? text.trim() : '')));
    onClose();
  };
  return (
    <Dialog title={t('sendFiles', { n: files.length })} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <ul class="stack">{files.map((f, i) => <Preview key={i} file={f} />)}</ul>
        <Field label={t('caption')} value={text} onInput={setText} focus />
        <div class="buttons">
          <Button onClick={onClose}>{t('cancel')}</Button>
          <Button kind="main" submit>{t('send')}</Button>
        </div>
      </form>
    </Dialog>
  );
}

const KINDS = ['audio/webm;codecs=opus', 'audio/ogg;codecs=opus', 'audio/mp4'];

/** From the first word to the last: sent or thrown away. */
export function Recorder({ chat, onClose }: { chat: Chat; onClose: () => void }): JSX.Element {
  const [began, setBegan] = useState(0), [now, setNow] = useState(0), recorder = useRef<MediaRecorder | undefined>(undefined), keep = useRef(false);
  useEffect(() => {
    let stream: MediaStream | undefined, timer = 0, over = false;
    const parts: Blob[] = [];
    navigator.mediaDevices.getUserMedia({ audio: true }).then(s => {
      stream = s;
      if (over) return s.getTracks().forEach(x => x.stop());
      const type = KINDS.find(k => MediaRecorder.isTypeSupported(k)), r = new MediaRecorder(s, type === undefined ? {} : { mimeType: type });
      recorder.current = r;
      r.ondataavailable = e => { parts.push(e.data); };
      r.onstop = () => { if (keep.current) void attempt(sendVoice(chat.id, new Blob(parts, { type: r.mimeType }))); };
      r.start();
      setBegan(Date.now());
      timer = setInterval(() => setNow(Date.now()), 250);
    }, () => {
      note(t('noMicrophone'), true);
      onClose();
    });
    return () => {
      over = true;
      clearInterval(timer);
      if (recorder.current?.state === 'recording') recorder.current.stop();
      stream?.getTracks().forEach(x => x.stop());
    };
  }, []);
  const end = (send: boolean): void => {
    keep.current = send;
    onClose();
  };
  return (
    <div class="composer-row recording" role="group" aria-label={t('recording')}>
      <IconButton icon="trash" label={t('throwAway')} onClick={() => end(false)} />
      <span class="grow" role="timer"><span class="dot" />{t('recording')} {duration(began === 0 ? 0 : Math.max(0, now - began))}</span>
      <IconButton icon="send" label={t('send')} kind="main" disabled={began === 0} onClick={() => end(true)} />
    </div>
  );
}
