// SPDX-License-Identifier: Apache-2.0
//
// Reading a QR code, with the camera or out of an image, where the browser can do that. Pictures of the camera go nowhere.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../strings/strings';
import { Button } from '../ui/controls';

interface Detector { detect: (from: CanvasImageSource | Blob) => Promise<{ rawValue: string }[]> }
declare const BarcodeDetector: (new (o: { formats: string[] }) => Detector) | undefined;

export const canScan = typeof BarcodeDetector !== 'undefined';
const LOOK_MS = 200;

export function Scanner({ onText }: { onText: (text: string) => void }): JSX.Element {
  const video = useRef<HTMLVideoElement>(null), file = useRef<HTMLInputElement>(null), [problem, setProblem] = useState('');
  useEffect(() => {
    let stream: MediaStream | undefined, timer = 0, over = false;
    const detector = new BarcodeDetector!({ formats: ['qr_code'] });
    const look = async (): Promise<void> => {
      const found = video.current === null ? [] : await detector.detect(video.current).catch(() => []), text = found[0]?.rawValue;
      if (over) return;
      if (text !== undefined) onText(text);
      else timer = setTimeout(() => void look(), LOOK_MS);
    };
    navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } }).then(async s => {
      stream = s;
      if (over || video.current === null) return s.getTracks().forEach(x => x.stop());
      video.current.srcObject = s;
      await video.current.play();
      await look();
    }, () => setProblem(t('noCamera')));
    return () => {
      over = true;
      clearTimeout(timer);
      stream?.getTracks().forEach(x => x.stop());
    };
  }, []);
  const read = async (image: File | undefined): Promise<void> => {
    if (image === undefined) return;
    const found = await new BarcodeDetector!({ formats: ['qr_code'] }).detect(await createImageBitmap(image)).catch(() => []);
    if (found[0] === undefined) setProblem(t('noCode'));
    else onText(found[0].rawValue);
  };
  return (
    <div class="scanner">
      {problem === '' ? <video ref={video} muted playsInline aria-label={t('camera')} /> : <p class="hint" role="status">{problem}</p>}
      <Button icon="image" onClick={() => file.current?.click()}>{t('fromImage')}</Button>
      <input ref={file} type="file" accept="image/*" hidden onChange={e => void read(e.currentTarget.files?.[0])} />
    </div>
  );
}

/** Where a code may stand for what is typed: closed until somebody wants it, for it turns the camera on. */
export function ScanInstead({ onText }: { onText: (text: string) => void }): JSX.Element | null {
  const [open, setOpen] = useState(false);
  if (!canScan) return null;
  if (!open) return <Button icon="qr" onClick={() => setOpen(true)}>{t('scanCode')}</Button>;
  return (
    <Scanner onText={text => {
      setOpen(false);
      onText(text);
    }} />
  );
}
