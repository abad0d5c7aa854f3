// SPDX-License-Identifier: Apache-2.0
//
// A QR code, drawn as one path.
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { qr } from '../text/qr';

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
