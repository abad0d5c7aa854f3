// SPDX-License-Identifier: Apache-2.0
//
// What runs while the page's code is still on its way: it connects to the engine, shows the token, asks for what the first screen shows, and has the
// words fetched. The code takes over what it finds in `begun` (engine/connection.ts). The token comes in the fragment of the address once, and lives on
// in sessionStorage, so that a reload of the page still has it and a copied address does not.
import type { Begun } from './engine/connection';
import { FIRST_CHATS } from './engine/first';
import { language } from './strings/language';

declare const WORDS: Record<string, string>; // the file of words of each language (tools/web)
const KEY = 'token';
const asked: Begun['asked'] = [['profile.status'], ['events.follow'], ['engine.status'], ['contact.list'], ['chat.list', { limit: FIRST_CHATS }], ['warning.list'], ['chat.requests']];

const fragment = location.hash.slice(1), fresh = /^[\w-]{16,}$/.test(fragment);
const token = fresh ? fragment : sessionStorage.getItem(KEY) ?? '';
const socket = new WebSocket(`ws://${location.host}/rpc`);
const begun: Begun = { token, socket, asked, came: [], closed: undefined };
socket.addEventListener('open', () => {
  socket.send(JSON.stringify({ token }));
  asked.forEach(([method, params], i) => socket.send(JSON.stringify({ jsonrpc: '2.0', id: i + 1, method, params })));
});
socket.onmessage = e => begun.came.push(String(e.data));
socket.onclose = e => { begun.closed = e.code; };
globalThis.begun = begun;
if (fresh) { // the browser may have to look into a file for it: so the socket comes first
  sessionStorage.setItem(KEY, token);
  history.replaceState(null, '', location.pathname);
}

const words = document.createElement('link');
words.rel = 'modulepreload';
words.href = WORDS[language()] ?? '';
document.head.append(words);

// The first use of what the browser knows of languages costs it 15 ms, which pass here while others work.
new Intl.DateTimeFormat(navigator.languages[0], { hour: 'numeric' }).format();
