// SPDX-License-Identifier: Apache-2.0
//
// Where it begins: the first thing drawn, and the connection to the engine.
import { effect } from '@preact/signals';
import { render } from 'preact';
import './state/notify';
import { begin } from './state/session';
import { settings } from './state/settings';
import { loadWords, t } from './strings/strings';
import { App } from './views/app';

begin();
let drawn = false;
effect(() => {
  void settings.value.language;
  void loadWords().catch(() => undefined).then(() => {
    document.documentElement.dir = t('direction');
    if (!drawn) render(<App />, document.body);
    drawn = true;
  });
});
