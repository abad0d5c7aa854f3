// SPDX-License-Identifier: Apache-2.0
//
// Reading a QR code with the camera, or out of an image that is chosen, dropped or pasted. Pictures of the camera go nowhere.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../strings/strings';
import { Button } from '../ui/controls';
import { reader } from '../ui/reader';

const LOOK_MS = 200;

function imageOf(from: DataTransfer | null): File | undefined { return [...from?.files ?? []].find(f => f.type.startsWith('image/')); }

export function Scanner({ onText }: { onText: (text: string) => void }): JSX.Element {
  const video = useRef<HTMLVideoElement>(null), file = useRef<HTMLInputElement>(null), [problem, setProblem] = useState(''), [seeing, setSeeing] = useState(true);
  const tell = useRef(onText);
  tell.current = onText;
  useEffect(() => {
    let stream: MediaStream | undefined, timer = 0, over = false;
    const look = async (): Promise<void> => {
      const text = video.current === null ? undefined : await (await reading)(video.current);
      if (over) return;
      if (text !== undefined && text !== '') tell.current(text);
      else timer = setTimeout(() => void look(), LOOK_MS);
    };
    const reading = reader();
    navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } }).then(async s => {
      stream = s;
      if (over || video.current === null) return s.getTracks().forEach(x => x.stop());
      video.current.srcObject = s;
      await video.current.play();
      await look();
    }).catch(() => {
      if (!over) setSeeing(false);
    });
    return () => {
      over = true;
      clearTimeout(timer);
      stream?.getTracks().forEach(x => x.stop());
    };
  }, []);
  const read = async (image: File | undefined): Promise<void> => {
    if (image === undefined) return;
    const bitmap = await createImageBitmap(image).catch(() => undefined), text = bitmap === undefined ? undefined : await (await reader())(bitmap);
    bitmap?.close();
    if (text === undefined || text === '') setProblem(t('noCode'));
    else tell.current(text);
  };
  useEffect(() => {
    const paste = (e: ClipboardEvent): void => {
      const image = imageOf(e.clipboardData);
      if (image === undefined) return;
      e.preventDefault();
      void read(image);
    };
    addEventListener('paste', paste);
    return () => removeEventListener('paste', paste);
  }, []);
  return (
    <div class="scanner" onDrop={e => void read(imageOf(e.dataTransfer))}>
      {seeing ? <video ref={video} muted playsInline aria-label={t('camera')} /> : <p class="hint" role="status">{t('noCamera')}</p>}
      {problem !== '' && <p class="error" role="status">{problem}</p>}
      <Button icon="image" onClick={() => file.current?.click()}>{t('fromImage')}</Button>
      <p class="hint">{t('pasteImage')}</p>
      <input ref={file} type="file" accept="image/*" aria-label={t('fromImage')} hidden onChange={e => {
        void read(e.currentTarget.files?.[0]);
        e.currentTarget.value = ''; // the same one can be chosen again
      }} />
    </div>
  );
}

/** Where a code may stand for what is typed: closed until somebody wants it, for it turns the camera on. */
export function ScanInstead({ onText }: { onText: (text: string) => void }): JSX.Element {
  const [open, setOpen] = useState(false);
  if (!open) return <div><Button icon="qr" onClick={() => setOpen(true)}>{t('scanCode')}</Button></div>;
  return (
    <Scanner onText={text => {
      setOpen(false);
      onText(text);
    }} />
  );
}
