// SPDX-License-Identifier: Apache-2.0
//
// Settings of the page and of the profile.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { attempt } from '../state/notices';
import { status } from '../state/people';
import { lock } from '../state/session';
import { type Theme, change, settings } from '../state/settings';
import type { Language } from '../strings/language';
import { t } from '../strings/strings';
import { Avatar } from '../ui/avatar';
import { go } from '../state/route';
import { Button, Choice, Switch } from '../ui/controls';
import { Icon, type IconName } from '../ui/icon';
import { Backup } from './backup';
import { Profiles } from './profiles';
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

function Goto({ icon, label, hint, run }: { icon: IconName; label: string; hint: string; run: () => void }): JSX.Element {
  return (
    <button type="button" class="goto" onClick={run}>
      <Icon name={icon} />
      <span class="grow">{label}<span class="hint">{hint}</span></span>
      <Icon name="forward" />
    </button>
  );
}

async function notify(on: boolean): Promise<void> {
  const allowed = !on || await Notification.requestPermission() === 'granted';
  change({ notify: on && allowed });
}

export function Settings(): JSX.Element {
  const s = settings.value, [profiles, setProfiles] = useState(false), [backup, setBackup] = useState(false);
  return (
    <>
      <Me />
      <section>
        <Goto icon="route" label={t('routes')} hint={t('routesHint')} run={() => go('routes')} />
        <Goto icon="relay" label={t('relays')} hint={t('relaysHint')} run={() => go('relays')} />
        <Goto icon="people" label={t('profiles')} hint={t('profilesHint')} run={() => setProfiles(true)} />
        <Goto icon="save" label={t('backup')} hint={t('backupHint')} run={() => setBackup(true)} />
      </section>
      {profiles && <Profiles onClose={() => setProfiles(false)} />}
      {backup && <Backup onClose={() => setBackup(false)} />}
      <section>
        <h2>{t('looks')}</h2>
        <Choice<Theme> label={t('theme')} value={s.theme} onChange={theme => change({ theme })}
          options={[['system', t('themeSystem')], ['light', t('themeLight')], ['dark', t('themeDark')]]} />
        <Choice<Language> label={t('language')} value={s.language} onChange={language => change({ language })} options={[['en', 'English'], ['ru', 'Русский']]} />
        <Choice label={t('textSize')} value={String(s.size)} onChange={x => change({ size: Number(x) })}
          options={[['90', t('sizeSmall')], ['100', t('sizeUsual')], ['120', t('sizeLarge')], ['140', t('sizeHuge')], ['200', t('sizeDouble')]]} />
      </section>
      <section>
        <h2>{t('behaviour')}</h2>
        <Switch label={t('notifications')} hint={t('notificationsHint')} on={s.notify} onChange={on => void notify(on)} />
        <Switch label={t('sendByEnter')} on={s.sendByEnter} onChange={sendByEnter => change({ sendByEnter })} />
      </section>
      <Opening />
      <Storage />
      <section>
        <h2>{t('keys')}</h2>
        <dl class="keys">
          {([['Ctrl K', t('keySearch')], ['Alt ↑ ↓', t('keyChats')], ['↑ ↓', t('keyRows')], ['Enter', t('keyMenu')], ['R  E  Delete', t('keyActions')],
            ['↑', t('keyEditLast')], ['Esc', t('keyBack')]] as const).map(([k, what]) => <div key={k}><dt><kbd dir="ltr">{k}</kbd></dt><dd>{what}</dd></div>)}
        </dl>
      </section>
    </>
  );
}
