// SPDX-License-Identifier: Apache-2.0
//
// Which of the big pages is shown, and what lies over all of them: short notes.
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { hurry, phase } from '../engine/engine';
import { notes } from '../state/notices';
import { profile, welcoming } from '../state/session';
import { t } from '../strings/strings';
import { Button } from '../ui/controls';
import { FirstRun } from './later';
import { Lock } from './lock';
import { Shell } from './shell';

function Plain({ title, text, retry }: { title: string; text: string; retry?: boolean }): JSX.Element {
  return (
    <main class="centre">
      <div class="card narrow">
        <h1>{title}</h1>
        <p>{text}</p>
        {retry === true && <Button kind="main" onClick={hurry}>{t('tryNow')}</Button>}
      </div>
    </main>
  );
}

function Page(): JSX.Element | null {
  const p = profile.value;
  if (phase.value === 'refused') return <Plain title={t('refusedTitle')} text={t('refusedText')} />;
  if (p === undefined) return phase.value === 'away' ? <Plain title={t('awayTitle')} text={t('awayText')} retry /> : null;
  if (p.state === 'none' || welcoming.value) return <FirstRun />;
  return p.state === 'locked' ? <Lock /> : <Shell />;
}

function Notes(): JSX.Element {
  return (
    <div class="notes" role="status" aria-live="polite">
      {notes.value.map(n => <div key={n.key} class={n.bad ? 'note bad' : 'note'}>{n.text}</div>)}
    </div>
  );
}

export function App(): JSX.Element {
  useEffect(() => {
    // What is dropped beside a place for it must not replace the page.
    const stop = (e: DragEvent): void => e.preventDefault();
    addEventListener('dragover', stop);
    addEventListener('drop', stop);
  }, []);
  return (
    <>
      <Page />
      <Notes />
    </>
  );
}
