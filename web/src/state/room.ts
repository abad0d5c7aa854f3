// SPDX-License-Identifier: Apache-2.0
//
// How much room there is, counted in letters and not in pixels: whoever has them large has as little of it as on a phone. The style goes by what is
// written on the root element.
import { effect, signal } from '@preact/signals';
import { settings } from './settings';

export interface Room { columns: 1 | 2 | 3; small: boolean } // columns: list, conversation, details

function look(): Room {
  const width = innerWidth * 16 / parseFloat(getComputedStyle(document.documentElement).fontSize);
  return { columns: width < 800 ? 1 : width < 1100 ? 2 : 3, small: width < 600 };
}

export const room = signal<Room>(look());

effect(() => {
  void settings.value.size;
  room.value = look();
});
addEventListener('resize', () => {
  const now = look();
  if (now.columns !== room.value.columns || now.small !== room.value.small) room.value = now;
});
effect(() => {
  const root = document.documentElement;
  root.dataset['columns'] = String(room.value.columns);
  root.toggleAttribute('data-small', room.value.small);
});
