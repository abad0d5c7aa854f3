// SPDX-License-Identifier: Apache-2.0
//
// Files of messages over HTTP, with the token in a header, so that no address of a file gives it to anybody. Players cannot say it: for them there is
// an address for each sound and film, which is good until the profile is locked.
import { AWAY, Failure } from './connection';
import { token } from './engine';

/** Where an archive of everything is fetched, or put where there is no profile. */
export const ARCHIVE = '/file/archive';

/** Gives bytes to the engine; the number is for `file.send`. `progress` is told parts of 1. */
export function upload(bytes: Blob, progress: (part: number) => void, stop: AbortSignal, to = '/file'): Promise<number> {
  return new Promise((done, refuse) => {
    const x = new XMLHttpRequest();
    x.open('PUT', to);
    x.setRequestHeader('Authorization', `Bearer ${token}`);
    x.upload.onprogress = e => { if (e.lengthComputable && e.total > 0) progress(e.loaded / e.total); };
    x.onload = () => {
      if (x.status === 201) done((JSON.parse(x.responseText) as { upload: number }).upload);
      else refuse(new Failure(x.status, x.responseText.trim()));
    };
    x.onerror = () => refuse(new Failure(AWAY, 'away'));
    x.onabort = () => refuse(new DOMException('stopped', 'AbortError'));
    stop.addEventListener('abort', () => x.abort());
    x.send(bytes);
  });
}

/** The file of a message, which must be here. Its type is one that the engine lets be shown in place, or octet-stream. */
export function fetchFile(message: number, stop?: AbortSignal): Promise<Blob> { return fetchBytes(`/file/${message}`, stop); }

export async function fetchBytes(path: string, stop?: AbortSignal): Promise<Blob> {
  const answer = await fetch(path, { headers: { Authorization: `Bearer ${token}` }, signal: stop ?? null });
  if (!answer.ok) throw new Failure(answer.status, (await answer.text()).trim());
  return answer.blob();
}

/** Where a player gets the sound or film of a message, piece by piece. */
export async function playFrom(message: number): Promise<string> {
  const answer = await fetch(`/file/${message}`, { method: 'HEAD', headers: { Authorization: `Bearer ${token}` } }), at = answer.headers.get('Content-Location');
  if (!answer.ok || at === null) throw new Failure(answer.status, answer.statusText);
  return at;
}
