// SPDX-License-Identifier: Apache-2.0
//
// A file in a message: pictures and spoken messages in place, all others by name and size; each says how far it is, and what can be done.
import type { JSX, TargetedEvent } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { call } from '../engine/engine';
import type { FileInfo } from '../engine/methods';
import { contentOf, fileNow, play, playing, save, thumbnailOf } from '../state/files';
import { attempt, sentence } from '../state/notices';
import { size, t } from '../strings/strings';
import { fromBase64 } from '../text/base64';
import { tame, tameName } from '../text/plain';
import { duration } from '../text/sound';
import { IconButton } from '../ui/controls';
import { Dialog } from '../ui/dialog';
import { Icon } from '../ui/icon';

const PICTURE = /^image\/(?:jpeg|png|gif|webp|avif)$/, SOUND = /^audio\//, FILM = /^video\/(?:mp4|webm|ogg|quicktime)$/;
const AT_ONCE = 8e6; // bytes of a picture that is shown whole without being asked for

export function nameOfFile(f: FileInfo): string { return tameName(f.name, t('file')); }

function stateWord(f: FileInfo): string {
  switch (f.state) {
    case 'waiting': return t('fileWaiting');
    case 'sending': case 'fetching': return t('filePart', { done: size(f.done), size: size(f.size) });
    case 'paused': return t('filePaused');
    case 'failed': return f.why === undefined ? t('fileFailed') : sentence(tame(f.why));
    default: return size(f.size);
  }
}

function moving(f: FileInfo): boolean { return f.state === 'sending' || f.state === 'fetching' || f.state === 'waiting'; }

/** What can be done with it now. */
export function FileActs({ f }: { f: FileInfo }): JSX.Element {
  const act = (method: 'file.get' | 'file.pause' | 'file.resume' | 'file.cancel'): void => void attempt(call(method, { file: f.id }));
  const name = nameOfFile(f);
  return (
    <>
      {f.state === 'offered' && <IconButton icon="download" label={t('fetchName', { name })} onClick={() => act('file.get')} />}
      {moving(f) && <IconButton icon="pause" label={t('pauseName', { name })} onClick={() => act('file.pause')} />}
      {(f.state === 'paused' || f.state === 'failed') && <IconButton icon="download" label={t('resumeName', { name })} onClick={() => act('file.resume')} />}
      {f.message === 0 && <IconButton icon="close" label={t('giveUpName', { name })} onClick={() => act('file.cancel')} />}
      {f.state === 'here' && f.message !== 0 && <IconButton icon="save" label={t('saveName', { name })} onClick={() => void save(f)} />}
    </>
  );
}

export function FileRow({ f }: { f: FileInfo }): JSX.Element {
  return (
    <div class="file">
      <Icon name="file" />
      <div class="grow">
        <bdi class="file-name">{nameOfFile(f)}</bdi>
        <span class="hint">{stateWord(f)}</span>
        {moving(f) && <progress max={f.size} value={f.done} aria-label={nameOfFile(f)} />}
      </div>
      <FileActs f={f} />
    </div>
  );
}

// The space that a picture will take, so that nothing jumps when it is there.
function Picture({ f }: { f: FileInfo }): JSX.Element {
  const [open, setOpen] = useState(false), [broken, setBroken] = useState(false);
  const small = thumbnailOf(f), whole = f.size <= AT_ONCE || open ? contentOf(f) : undefined, src = whole ?? small;
  if (broken || (src === undefined && f.state !== 'here' && f.thumbnail === '')) return <FileRow f={f} />;
  const known = f.width > 0 && f.height > 0, ratio = known ? Math.min(3, Math.max(0.4, f.width / f.height)) : 1.5;
  const width = known ? Math.min(f.width, 360, 420 * ratio) : 240;
  return (
    <>
      <button type="button" tabIndex={-1} class="picture" style={{ aspectRatio: String(ratio), width: `${Math.max(96, width)}px` }} aria-label={t('openName', { name: nameOfFile(f) })}
        onClick={() => f.state === 'here' ? setOpen(true) : f.state === 'offered' ? void attempt(call('file.get', { file: f.id })) : undefined}>
        {src !== undefined && <img src={src} alt={nameOfFile(f)} onError={() => setBroken(true)} />}
        {f.state !== 'here' && <span class="picture-state"><Icon name={moving(f) ? 'hourglass' : 'download'} />{stateWord(f)}</span>}
      </button>
      {open && (
        <Dialog title={nameOfFile(f)} onClose={() => setOpen(false)} wide>
          {contentOf(f) !== undefined && <img class="whole" src={contentOf(f)} alt={nameOfFile(f)} />}
          <div class="buttons"><FileActs f={f} /></div>
        </Dialog>
      )}
    </>
  );
}

function Voice({ f }: { f: FileInfo }): JSX.Element {
  const [wanted, setWanted] = useState(false), [at, setAt] = useState(0), [playing, setPlaying] = useState(false), player = useRef<HTMLAudioElement>(null);
  const src = wanted ? contentOf(f) : undefined, bars = fromBase64(f.waveform);
  useEffect(() => {
    if (!wanted) return;
    if (f.state === 'offered' || f.state === 'paused') void attempt(call('file.get', { file: f.id }));
    if (src !== undefined) void player.current?.play().catch(() => undefined);
  }, [wanted, src]);
  const toggle = (): void => {
    const p = player.current;
    if (src === undefined || p === null) setWanted(true);
    else if (p.paused) void p.play().catch(() => undefined);
    else p.pause();
  };
  const total = f.duration > 0 ? f.duration : 1;
  return (
    <div class="voice">
      <IconButton icon={playing ? 'pause' : 'play'} kind="main" label={playing ? t('pauseVoice') : t('playVoice')} onClick={toggle} />
      <span class="bars" aria-hidden="true">
        {[...bars].slice(0, 64).map((b, i) => <span key={i} class={i / bars.length < at / total ? 'played' : ''} style={{ height: `${12 + b / 255 * 88}%` }} />)}
      </span>
      <span class="hint">{duration(playing || at > 0 ? at : f.duration)}</span>
      {src !== undefined && (
        <audio ref={player} src={src} onPlay={() => setPlaying(true)} onPause={() => setPlaying(false)} onTimeUpdate={e => setAt(e.currentTarget.currentTime * 1000)}
          onEnded={() => {
            setPlaying(false);
            setAt(0);
          }} />
      )}
    </div>
  );
}

// Where it was when its address became void, as that of an engine that has ended: there it goes on with a new one, once.
function Player({ f }: { f: FileInfo }): JSX.Element {
  const from = playing.value?.file === f.id ? playing.value.from : undefined, at = useRef(0), again = useRef(true);
  const Kind = SOUND.test(f.type) ? 'audio' : 'video';
  return (
    <>
      <FileRow f={f} />
      {f.state === 'here' && from === undefined && <button type="button" class="button quiet all" tabIndex={-1} onClick={() => {
        at.current = 0;
        void play(f);
      }}>{t('play')}</button>}
      {from !== undefined && (
        <Kind key={from} class="player" src={from} controls autoplay aria-label={nameOfFile(f)}
          onLoadedMetadata={(e: TargetedEvent<HTMLMediaElement>) => { if (at.current > 0) e.currentTarget.currentTime = at.current; }}
          onTimeUpdate={(e: TargetedEvent<HTMLMediaElement>) => {
            at.current = e.currentTarget.currentTime;
            again.current = true;
          }}
          onError={() => {
            if (again.current) void play(f);
            again.current = false;
          }} />
      )}
    </>
  );
}

export function FileBody({ file }: { file: FileInfo }): JSX.Element {
  const f = fileNow(file);
  if (f.voice) return <Voice f={f} />;
  if (PICTURE.test(f.type)) return <Picture f={f} />;
  return SOUND.test(f.type) || FILM.test(f.type) ? <Player f={f} /> : <FileRow f={f} />;
}
