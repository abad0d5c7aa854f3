// SPDX-License-Identifier: Apache-2.0
//
// The ways to one's relay: how each does, which may be used, and proxies: added by what somebody sent, tried, shared, removed.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { call } from '../engine/engine';
import type { Proxy, Route } from '../engine/methods';
import { attempt, sentence } from '../state/notices';
import { addProxy, type Isolation, loadRoutes, type Policy, removeProxy, routes, rules, setIsolation, setPolicy, type Trial, tryProxy } from '../state/routes';
import { t } from '../strings/strings';
import { tame } from '../text/plain';
import { Button, Choice, Field, IconButton } from '../ui/controls';
import { type Action, Confirm, Dialog, Menu } from '../ui/dialog';
import { Icon, type IconName } from '../ui/icon';
import { Link } from './invite';

export function kindWord(r: Pick<Route, 'kind'> & { transport?: string }): string {
  switch (r.kind) {
    case 'direct': return t('routeDirect');
    case 'socks5': return t('routeSocks');
    case 'tor': return t('routeTor');
    case 'http': return t('routeHttp');
    case 'transport': return t('routeTransport', { name: tame(r.transport ?? '') });
  }
}

const STATES: Record<Route['state'], IconName> = { untried: 'clock', trying: 'hourglass', works: 'check', fails: 'warning' };

function stateWord(r: Route): string {
  if (!r.allowed) return t('routeNotAllowed');
  switch (r.state) {
    case 'untried': return t('routeUntried');
    case 'trying': return t('routeTrying');
    case 'works': return r.used > 0 ? t('routeUsed', { ms: r.ms }) : t('routeWorks', { ms: r.ms });
    case 'fails': return sentence(tame(r.text));
  }
}

function Said({ trial }: { trial: Trial | 'trying' | undefined }): JSX.Element | null {
  if (trial === undefined) return null;
  if (trial === 'trying') return <p class="hint" role="status">{t('trying')}</p>;
  return <p class={trial.works ? 'fine' : 'error'} role="status">{trial.works ? t('trialWorks', { ms: trial.ms }) : sentence(tame(trial.text))}</p>;
}

function useTrial(): [Trial | 'trying' | undefined, (what: { route: number } | { link: string }) => Promise<void>] {
  const [trial, setTrial] = useState<Trial | 'trying' | undefined>(undefined);
  return [trial, async what => {
    setTrial('trying');
    setTrial(await attempt(tryProxy(what)));
  }];
}

function Share({ route, onClose }: { route: Route; onClose: () => void }): JSX.Element {
  const [secrets, setSecrets] = useState(route.secrets), [link, setLink] = useState('');
  useEffect(() => { void attempt(call('proxy.share', { route: route.id, ...(route.secrets ? { secrets } : {}) })).then(x => setLink(x?.link ?? '')); }, [secrets]);
  return (
    <Dialog title={t('shareProxy')} onClose={onClose} wide>
      {route.secrets && <Choice label={t('withPassword')} value={secrets ? 'yes' : 'no'} onChange={x => setSecrets(x === 'yes')} options={[['yes', t('on')], ['no', t('off')]]} />}
      {link !== '' && <Link link={link} />}
    </Dialog>
  );
}

function Way({ route }: { route: Route }): JSX.Element {
  const [menu, setMenu] = useState<DOMRect | undefined>(undefined), [showing, setShowing] = useState<'share' | 'remove' | undefined>(undefined), [trial, test] = useTrial();
  const actions: Action[] = [{ label: t('test'), icon: 'route', run: () => void test({ route: route.id }) }];
  if (route.id !== 0) actions.push({ label: t('share'), icon: 'link', run: () => setShowing('share') });
  if (route.id !== 0 && route.kept) actions.push({ label: t('remove'), icon: 'trash', danger: true, run: () => setShowing('remove') });
  const name = route.place === '' ? kindWord(route) : tame(route.place);
  return (
    <li class={`way ${route.allowed ? route.state : 'untried'}`}>
      <Icon name={STATES[route.state]} />
      <div class="grow">
        <strong><bdi>{name}</bdi></strong>
        {route.place !== '' && <span class="hint"> {kindWord(route)}{route.kept ? '' : `, ${t('routeFromSystem')}`}</span>}
        <p class="hint">{stateWord(route)}</p>
        <Said trial={trial} />
      </div>
      <IconButton icon="more" label={t('moreAbout', { name })} onClick={e => setMenu((e.currentTarget as HTMLElement).getBoundingClientRect())} />
      {menu !== undefined && <Menu label={name} at={menu} onClose={() => setMenu(undefined)} actions={actions} />}
      {showing === 'share' && <Share route={route} onClose={() => setShowing(undefined)} />}
      {showing === 'remove' && <Confirm title={t('removeName', { name })} text={t('removeProxyText')} action={t('remove')} onClose={() => setShowing(undefined)} run={() => void attempt(removeProxy(route.id))} />}
    </li>
  );
}

function Found({ proxy, onAdded }: { proxy: Proxy; onAdded: () => void }): JSX.Element {
  const [trial, test] = useTrial();
  const add = async (): Promise<void> => { if (await attempt(addProxy(proxy.link).then(() => true)) === true) onAdded(); };
  return (
    <li class="way">
      <Icon name="route" />
      <div class="grow">
        <strong><bdi>{tame(proxy.place)}</bdi></strong> <span class="hint">{kindWord(proxy)}{proxy.secrets ? `, ${t('withSecrets')}` : ''}</span>
        {proxy.link === '' && <p class="error">{sentence(tame(proxy.text))}</p>}
        <Said trial={trial} />
        {proxy.link !== '' && (
          <div class="buttons start">
            <Button onClick={() => void test({ link: proxy.link })} disabled={trial === 'trying'}>{t('test')}</Button>
            <Button kind="main" onClick={() => void add()}>{t('add')}</Button>
          </div>
        )}
      </div>
    </li>
  );
}

/** What somebody sent or pasted, and the proxies in it. */
export function AddProxy({ given, onAdded }: { given?: string; onAdded?: () => void }): JSX.Element {
  const [text, setText] = useState(given ?? ''), [found, setFound] = useState<readonly Proxy[]>([]), [looked, setLooked] = useState(false);
  useEffect(() => {
    let current = true;
    setLooked(false);
    if (text.trim() === '') setFound([]);
    else {
      void call('proxy.find', { text: text.slice(0, 20_000) }).then(p => {
        if (!current) return;
        setFound(p);
        setLooked(true);
      }, () => undefined);
    }
    return () => { current = false; };
  }, [text]);
  return (
    <>
      {given === undefined && <Field label={t('proxyText')} value={text} onInput={setText} hint={t('proxyTextHint')} lines={3} max={20_000} />}
      {looked && found.length === 0 && <p class="hint" role="status">{t('noProxyThere')}</p>}
      <ul class="ways">
        {found.map((p, i) => <Found key={`${i}${p.link}`} proxy={p} onAdded={() => {
          setText('');
          onAdded?.();
        }} />)}
      </ul>
    </>
  );
}

/** A proxy in a message, tried with one tap. */
export function ProxyDialog({ link, onClose }: { link: string; onClose: () => void }): JSX.Element {
  return (
    <Dialog title={t('proxyOffered')} onClose={onClose}>
      <p class="hint">{t('proxyOfferedText')}</p>
      <AddProxy given={link} onAdded={onClose} />
    </Dialog>
  );
}

export function Routes(): JSX.Element | null {
  useEffect(() => { void attempt(loadRoutes()); }, []);
  const r = rules.value;
  if (r === undefined) return null;
  return (
    <>
      <section>
        <h2>{t('routesNow')}</h2>
        <ul class="ways">{routes.value.map(w => <Way key={w.id} route={w} />)}</ul>
      </section>
      <section>
        <h2>{t('addProxy')}</h2>
        <AddProxy />
      </section>
      <section>
        <h2>{t('routesRules')}</h2>
        <Choice<Policy> label={t('policy')} value={r.policy} onChange={p => void attempt(setPolicy(p))}
          options={[['auto', t('policyAuto')], ['proxy-only', t('policyProxy')], ['tor-only', t('policyTor')]]} />
        <p class="hint">{r.policy === 'auto' ? t('policyAutoHint') : r.policy === 'proxy-only' ? t('policyProxyHint') : t('policyTorHint')}</p>
        {routes.value.some(w => w.kind === 'tor') && (
          <Choice<Isolation> label={t('isolation')} value={r.isolation} onChange={i => void attempt(setIsolation(i))}
            options={[['profile', t('isolationProfile')], ['relay', t('isolationRelay')], ['conversation', t('isolationChat')]]} />
        )}
      </section>
    </>
  );
}
