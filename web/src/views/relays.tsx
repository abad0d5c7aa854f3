// SPDX-License-Identifier: Apache-2.0
//
// The relays that one has to do with: one's own, and those of conversations and contacts; how each is reached now, and where else it could be.
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { attempt } from '../state/notices';
import { forgetRelays, loadRelays, type Relay, relays } from '../state/relays';
import { routes } from '../state/routes';
import { days, size, t } from '../strings/strings';
import { tame } from '../text/plain';
import { Icon } from '../ui/icon';
import { kindWord } from './routes';

function stateWord(r: Relay): string {
  if (!r.connected) return t('relayDown');
  const way = routes.value.find(w => w.id === r.route);
  return way === undefined || way.kind === 'direct' ? t('relayUp') : t('relayBy', { way: way.place === '' ? kindWord(way) : tame(way.place) });
}

function hostingWord(r: Relay): string {
  switch (r.hosting) {
    case 'open': return t('hostingOpen');
    case 'password': return t('hostingPassword');
    case 'closed': return t('hostingClosed');
    default: return '';
  }
}

function Facts({ relay: r }: { relay: Relay }): JSX.Element {
  const facts: [string, string][] = [];
  if (r.chats > 0) facts.push([t('relayChats'), String(r.chats)]);
  if (r.contacts > 0) facts.push([t('relayPeople'), String(r.contacts)]);
  if (r.keeps > 0) facts.push([t('relayKeeps'), days(r.keeps)]);
  if (r.file > 0) facts.push([t('relayFile'), size(r.file)]);
  if (hostingWord(r) !== '') facts.push([t('hosting'), hostingWord(r)]);
  return (
    <dl class="facts">
      {facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
      {r.others.length > 0 && <div><dt>{t('relayOthers')}</dt><dd>{r.others.map(o => <bdi key={o} class="place">{tame(o)}</bdi>)}</dd></div>}
    </dl>
  );
}

export function Relays(): JSX.Element | null {
  useEffect(() => {
    void attempt(loadRelays());
    return forgetRelays;
  }, []);
  if (relays.value === undefined) return null;
  return (
    <>
      <p class="hint">{t('relaysText')}</p>
      {relays.value.map(r => (
        <section key={r.place} aria-label={r.place}>
          <div class={`way ${r.connected ? 'works' : 'untried'}`}>
            <Icon name={r.connected ? 'check' : 'clock'} />
            <div class="grow">
              <strong><bdi>{tame(r.place)}</bdi></strong>{r.own && <span class="hint"> {t('relayOwn')}</span>}
              <p class="hint" role="status">{stateWord(r)}</p>
            </div>
          </div>
          <Facts relay={r} />
          {r.own && <p class="hint">{t('relayStays')}</p>}
        </section>
      ))}
    </>
  );
}
