// SPDX-License-Identifier: Apache-2.0
//
// web/gate: which requests are answered at all, from their heads alone; no I/O. A browser can be made to send requests here by any web site, and by
// a name that its owner points to 127.0.0.1 (DNS rebinding): so the host must be named as it is here, and where a page has asked,
// it must be our own.
#ifndef WHIMBREL_WEB_GATE_H
#define WHIMBREL_WEB_GATE_H

#include "net/http.h"

enum gate {
    GATE_PAGE,      // a file of the user interface
    GATE_HEAD,      // likewise, its head alone
    GATE_FILE,      // GET of a message's file: whoever shows a token
    GATE_FILE_HEAD, // likewise, its head alone
    GATE_PUT,       // a file that the page gives: likewise
    GATE_PLAY,      // GET of a sound or a film by an element of the page, whose path is its proof (web/ticket.h)
    GATE_SOCKET,    // a WebSocket's handshake at /rpc
    GATE_ELSEWHERE, // the host or the page that asks is another: 403
    GATE_METHOD,    // 405
    GATE_BAD,       // 400: a handshake that is none, or a body where none belongs
};
// Whether somebody goes there with the browser's window, as far as it says: and no script fetches it.
bool gate_is_walked(const struct http_request *r);
// The token of "Authorization: Bearer TOKEN"; empty if there is none, or more than one.
struct span gate_token(const struct http_request *r);
enum gate gate_of(const struct http_request *r, uint16_t port);

#endif
