// SPDX-License-Identifier: Apache-2.0
//
// Settings of the page and of the profile.
import type { JSX } from 'preact';
import { attempt } from '../state/notices';
import { status } from '../state/people';
import { lock } from '../state/session';
import { type Theme, change, settings } from '../state/settings';
import type { Language } from '../strings/language';
import { t } from '../strings/strings';
import { Avatar } from '../ui/avatar';
import { go } from '../state/route';
import { Button, Choice, Switch } from '../ui/controls';
import { Icon } from '../ui/icon';
import { Keeping } from './backup';
import { Opening, Storage } from './profile';

function Me(): JSX.Element | null {
  const s = status.value;
  if (s === undefined) return null;
  let relay = s.relay;
  try { relay = new URL(s.relay).host; } catch { /* shown as it is */ }
  return (
    <section class="me">
      <Avatar name={s.name} seed={s.account} large />
      <div>
        <h2><bdi>{s.name}</bdi></h2>
        <p class="hint">{s.connected ? t('relayIs', { relay }) : t('relayIsAway', { relay })}</p>
      </div>
      <Button icon="lock" onClick={() => void attempt(lock())}>{t('lock')}</Button>
    </section>
  );
}

async function notify(on: boolean): Promise<void> {
  const allowed = !on || await Notification.requestPermission() === 'granted';
  change({ notify: on && allowed });
}

export function Settings(): JSX.Element {
  const s = settings.value;
  return (
    <>
      <Me />
      <section>
        <button type="button" class="goto" onClick={() => go('routes')}>
          <Icon name="route" />
          <span class="grow">{t('routes')}<span class="hint">{t('routesHint')}</span></span>
          <Icon name="forward" />
        </button>
      </section>
      <section>
        <h2>{t('looks')}</h2>
        <Choice<Theme> label={t('theme')} value={s.theme} onChange={theme => change({ theme })}
          options={[['system', t('themeSystem')], ['light', t('themeLight')], ['dark', t('themeDark')]]} />
        <Choice<Language> label={t('language')} value={s.language} onChange={language => change({ language })} options={[['en', 'English'], ['ru', 'Русский']]} />
        <Choice label={t('textSize')} value={String(s.size)} onChange={x => change({ size: Number(x) })}
          options={[['90', t('sizeSmall')], ['100', t('sizeUsual')], ['120', t('sizeLarge')], ['140', t('sizeHuge')]]} />
      </section>
      <section>
        <h2>{t('behaviour')}</h2>
        <Switch label={t('notifications')} hint={t('notificationsHint')} on={s.notify} onChange={on => void notify(on)} />
        <Switch label={t('sendByEnter')} on={s.sendByEnter} onChange={sendByEnter => change({ sendByEnter })} />
      </section>
      <Opening />
      <Storage />
      <Keeping />
      <section>
        <h2>{t('keys')}</h2>
        <dl class="keys">
          {([['Ctrl K', t('keySearch')], ['Alt ↑ ↓', t('keyChats')], ['↑ ↓', t('keyRows')], ['Enter', t('keyMenu')], ['R  E  Delete', t('keyActions')],
            ['↑', t('keyEditLast')], ['Esc', t('keyBack')]] as const).map(([k, what]) => <div key={k}><dt><kbd>{k}</kbd></dt><dd>{what}</dd></div>)}
        </dl>
      </section>
    </>
  );
}
