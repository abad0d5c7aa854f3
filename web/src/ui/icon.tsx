// SPDX-License-Identifier: Apache-2.0
//
// Icons: strokes on a grid of 24, drawn for this page. They are decoration; what they mean is said by the label of what holds them.
import type { JSX } from 'preact';

const PATHS = {
  back: 'M15 5l-7 7 7 7',
  forward: 'M9 5l7 7-7 7',
  down: 'M5 9l7 7 7-7',
  close: 'M6 6l12 12M18 6L6 18',
  plus: 'M12 5v14M5 12h14',
  search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5L20 20',
  more: 'M12 5.5v.01M12 12v.01M12 18.5v.01',
  send: 'M12 19V6M6 11l6-6 6 6',
  reply: 'M9 7l-5 5 5 5M4 12h9a7 7 0 0 1 7 7',
  edit: 'M4 20l1-4L16 5l3 3L8 19l-4 1z',
  trash: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  info: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 7.5v.01',
  shield: 'M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6l7-3zM9 12l2.2 2.2L15 10',
  warning: 'M12 4l9 16H3L12 4zM12 10v4M12 17v.01',
  people: 'M9 12a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3 19c.5-3.5 3-5 6-5s5.500 1.500 6 5M16 6a3 3 0 0 1 0 5.500M18 14.500c2 .6 2.700 2.300 3 4.500',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM5 20c.6-4 3.500-6 7-6s6.400 2 7 6',
  link: 'M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 6 6l1-1',
  lock: 'M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 9.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5zM9 19.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5z',
  check: 'M5 12.500l4.500 4.500L19 7.500',
  checks: 'M2.500 12.500L7 17l9-9.500M11.500 16l1 1 9-9.500',
  clock: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5.500l3 2',
  hourglass: 'M7 4h10M7 20h10M8 4c0 5 4 5 4 8s-4 3-4 8M16 4c0 5-4 5-4 8s4 3 4 8',
  bookmark: 'M7 4h10v16l-5-4-5 4z',
  image: 'M4 5h16v14H4zM4 16l5-5 4 4 3-2.500 4 3.500M15.500 9v.01',
  calendar: 'M4 6h16v14H4zM4 10h16M8 3v4M16 3v4',
  message: 'M4 5h16v11H11l-5 4v-4H4z',
  save: 'M5 4h11l3 3v13H5zM8 4v5h7V4M8 20v-6h8v6',
  pin: 'M9 4h6l-1 6 3 3H7l3-3-1-6zM12 13v7',
  mute: 'M10 6l2-2v16l-5-4H4V8h3M16 9.500l5 5M21 9.500l-5 5',
  archive: 'M4 5h16v4H4zM5.500 9v10h13V9M10 13h4',
  file: 'M6 3h8l4 4v14H6zM14 3v4h4',
  attach: 'M19 11l-7.500 7.500a4.500 4.500 0 0 1-6.400-6.400L13 4.300a3 3 0 0 1 4.200 4.200l-7.600 7.600a1.500 1.500 0 0 1-2.100-2.100L14 7.500',
  microphone: 'M12 15a3.500 3.500 0 0 0 3.500-3.500v-5a3.500 3.500 0 0 0-7 0v5A3.500 3.500 0 0 0 12 15zM5.500 11.500a6.500 6.500 0 0 0 13 0M12 18v3',
  play: 'M8 5l11 7-11 7V5z',
  pause: 'M8 5v14M16 5v14',
  download: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  route: 'M6 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM18 9a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM8 17h6a3.500 3.500 0 0 0 0-7h-4a3 3 0 0 1 0-6h6',
  relay: 'M5 5h14v5H5zM5 14h14v5H5zM8 7.500v.01M8 16.500v.01',
  qr: 'M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2v2M20 14v2M14 20h2M18 18h2v2',
} as const;

export type IconName = keyof typeof PATHS;
const TURNING = new Set<IconName>(['back', 'forward', 'reply']); // with the direction of writing

export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class={TURNING.has(name) ? 'icon turns' : 'icon'} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
