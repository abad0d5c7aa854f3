// SPDX-License-Identifier: Apache-2.0
//
// A face made of initials, in a colour that stays with the account and not with the name; and a QR code, drawn as one path.
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { hue, initials } from '../text/plain';
import { qr } from '../text/qr';
import { Icon, type IconName } from './icon';

export function Avatar({ name, seed, large, icon, picture }: { name: string; seed: string; large?: boolean; icon?: IconName | undefined; picture?: string | undefined }): JSX.Element {
  return (
    <span class={`avatar tint${hue(seed, 6)}${large === true ? ' large' : ''}`} aria-hidden="true">
      {picture !== undefined ? <img src={picture} alt="" /> : icon === undefined ? initials(name) : <Icon name={icon} />}
    </span>
  );
}

export function Code({ text, label }: { text: string; label: string }): JSX.Element | null {
  const drawn = useMemo(() => {
    const square = qr(text);
    if (square === undefined) return undefined;
    const path = square.map((row, y) => row.map((dark, x) => dark ? `M${x + 4} ${y + 4}h1v1h-1z` : '').join('')).join('');
    return { path, size: square.length + 8 };
  }, [text]);
  if (drawn === undefined) return null;
  return (
    <svg class="qr" viewBox={`0 0 ${drawn.size} ${drawn.size}`} role="img" aria-label={label} shape-rendering="crispEdges">
      <rect class="qr-paper" width={drawn.size} height={drawn.size} />
      <path class="qr-ink" d={drawn.path} />
    </svg>
  );
}
