// SPDX-License-Identifier: Apache-2.0
//
// Whether a contact is who they say: the safety number, as digits and as a code, and comparing it with what the other side shows.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { call } from '../engine/engine';
import type { Contact } from '../engine/methods';
import { attempt, note } from '../state/notices';
import { loadContacts, nameOf } from '../state/people';
import { t } from '../strings/strings';
import { inFives } from '../text/plain';
import { Code } from '../ui/code';
import { Button, Field } from '../ui/controls';
import { Dialog } from '../ui/dialog';
import { Icon } from '../ui/icon';
import { Scanner } from './scan';

function Compare({ contact, onSame, onClose }: { contact: Contact; onSame: () => void; onClose: () => void }): JSX.Element {
  const [shown, setShown] = useState(''), [different, setDifferent] = useState(false), name = nameOf(contact.id);
  const compare = async (text: string): Promise<void> => {
    const r = await attempt(call('contact.compare', { contact: contact.id, shown: text }));
    if (r === undefined) return;
    if (r.same) onSame();
    else setDifferent(true);
  };
  return (
    <Dialog title={t('compareTitle')} onClose={onClose}>
      {different
        ? (
          <section class="warning" role="alert">
            <Icon name="warning" />
            <p>{t('numbersDiffer', { name })}</p>
          </section>
        )
        : <Scanner onText={text => void compare(text)} />}
      <form class="stack" onSubmit={e => {
        e.preventDefault();
        void compare(shown.trim());
      }}>
        <Field label={t('theirNumber', { name })} value={shown} onInput={s => {
          setShown(s);
          setDifferent(false);
        }} hint={t('theirNumberHint')} lines={3} required />
        <div class="buttons">
          <Button onClick={onClose}>{t('cancel')}</Button>
          <Button kind="main" submit disabled={shown.trim() === ''}>{t('compare')}</Button>
        </div>
      </form>
    </Dialog>
  );
}

export function Safety({ contact }: { contact: Contact }): JSX.Element | null {
  const [safety, setSafety] = useState({ number: '', code: '' }), [comparing, setComparing] = useState(false), name = nameOf(contact.id);
  useEffect(() => {
    let current = true;
    void call('contact.safety', { contact: contact.id }).then(x => current && setSafety(x), () => undefined);
    return () => { current = false; };
  }, [contact.id, contact.account]);
  const record = async (verified: boolean): Promise<void> => {
    setComparing(false);
    if (await attempt(call('contact.verify', { contact: contact.id, verified })) === undefined) return;
    await loadContacts();
    note(verified ? t('nowVerified', { name }) : t('nowNotVerified', { name }));
  };
  if (safety.number === '') return null;
  return (
    <section>
      <h2>{t('safetyNumber')}</h2>
      {contact.verified && <p class="verified-line"><Icon name="shield" />{t('verified')} <Button kind="quiet" onClick={() => void record(false)}>{t('takeBack')}</Button></p>}
      <p class="hint">{t('safetyText', { name })}</p>
      <div class="safety">
        <output class="digits" dir="ltr" aria-label={t('safetyNumber')}>{inFives(safety.number).map((f, i) => <span key={i}>{f}</span>)}</output>
        <Code text={safety.code} label={t('safetyCode')} />
      </div>
      {!contact.verified && (
        <div class="buttons start">
          <Button kind="main" icon="shield" onClick={() => void record(true)}>{t('numbersMatch')}</Button>
          <Button icon="qr" onClick={() => setComparing(true)}>{t('scanTheirs')}</Button>
        </div>
      )}
      {comparing && <Compare contact={contact} onSame={() => void record(true)} onClose={() => setComparing(false)} />}
    </section>
  );
}
