// SPDX-License-Identifier: Apache-2.0
//
// Where it begins: the first thing drawn, and the connection to the engine.
import { render } from 'preact';
import { begin } from './state/session';
import { App } from './views/app';

render(<App />, document.body);
begin();
