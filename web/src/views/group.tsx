// SPDX-License-Identifier: Apache-2.0
//
// Groups: making one, and choosing who is in it.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { call } from '../engine/engine';
import type { Contact } from '../engine/methods';
import { attempt } from '../state/notices';
import { known, loadChats, nameOf } from '../state/people';
import { go } from '../state/route';
import { t } from '../strings/strings';
import { Avatar } from '../ui/avatar';
import { Button, Field } from '../ui/controls';

export function Picker({ people, chosen, onChange }: { people: readonly Contact[]; chosen: ReadonlySet<number>; onChange: (s: ReadonlySet<number>) => void }): JSX.Element {
  const toggle = (id: number): void => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    onChange(next);
  };
  if (people.length === 0) return <p class="hint">{t('nobodyToAdd')}</p>;
  return (
    <fieldset class="picker">
      <legend>{t('whoIsIn')}</legend>
      {people.map(c => (
        <label key={c.id} class="person">
          <Avatar name={nameOf(c.id)} seed={c.account} />
          <bdi class="person-name">{nameOf(c.id)}</bdi>
          <input type="checkbox" checked={chosen.has(c.id)} onChange={() => toggle(c.id)} />
        </label>
      ))}
    </fieldset>
  );
}

export function NewGroup(): JSX.Element {
  const [name, setName] = useState(''), [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const submit = async (e: Event): Promise<void> => {
    e.preventDefault();
    const made = await attempt(call('chat.group', { name: name.trim(), contacts: [...chosen] }));
    if (made === undefined) return;
    await loadChats();
    go('chat', made.chat);
  };
  return (
    <form onSubmit={e => void submit(e)}>
      <Field label={t('groupName')} value={name} onInput={setName} required focus max={60} />
      <Picker people={known.value} chosen={chosen} onChange={setChosen} />
      <Button kind="main" submit disabled={name.trim() === '' || chosen.size === 0}>{t('createGroup')}</Button>
    </form>
  );
}
