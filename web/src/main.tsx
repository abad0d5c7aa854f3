// SPDX-License-Identifier: Apache-2.0
//
// Where it begins: the first thing drawn, and the connection to the engine.
import { render } from 'preact';
import { begin } from './state/session';
import { loadWords } from './strings/strings';
import { App } from './views/app';

begin();
void loadWords().finally(() => render(<App />, document.body));
