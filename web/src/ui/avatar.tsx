// SPDX-License-Identifier: Apache-2.0
//
// A face made of initials, in a colour that stays with the account and not with the name.
import type { JSX } from 'preact';
import { hue, initials } from '../text/plain';
import { Icon, type IconName } from './icon';

export function Avatar({ name, seed, large, icon, picture }: { name: string; seed: string; large?: boolean; icon?: IconName | undefined; picture?: string | undefined }): JSX.Element {
  return (
    <span class={`avatar tint${hue(seed, 6)}${large === true ? ' large' : ''}`} aria-hidden="true">
      {picture !== undefined ? <img src={picture} alt="" /> : icon === undefined ? initials(name) : <Icon name={icon} />}
    </span>
  );
}
