// SPDX-License-Identifier: Apache-2.0
//
// web: the page for this computer's browser (docs/ui.md): files of the user interface, and JSON-RPC over a WebSocket. It listens on the
// loopback interface alone. Everybody on this computer can connect there, and any web site can make a browser do so; so nothing but the
// files, which are no secret, is given to anybody who has not shown a token, and a request that names another host or comes from
// another site's page is refused before that.
#ifndef WHIMBREL_WEB_WEB_H
#define WHIMBREL_WEB_WEB_H

#include "net/net.h"
#include "rpc/rpc.h"

struct web;

enum { WEB_TOKENS = 8, WEB_ADDRESS_MAX = 100 };
// In the profile's folder: the archive that the page may fetch, and the one that it has put, where there is no profile yet.
#define WEB_ARCHIVE_OUT "archive.out"
#define WEB_ARCHIVE_IN "archive.in"

// Listens: on the port that it had before where that is free, else on another. In the file `ui` of the profile's folder it keeps the
// port and the hashes of the last WEB_TOKENS tokens, so that a page that is open survives another start of the engine. ERR_IO,
// ERR_REFUSED, ERR_MEMORY.
enum err web_open(struct net_loop *l, struct rpc *r, const char *folder, struct web **out);
void web_close(struct web *w);
// The profile is about to be closed: files on their way end. NULL does nothing.
void web_lock(struct web *w);
// Whether the page was opened before.
bool web_is_wanted(const char *folder);
// An address with a fresh token behind its #, and a NUL: "http://127.0.0.1:PORT/#TOKEN". ERR_IO if it cannot be kept.
enum err web_address(struct web *w, struct buf *out);

// Leads a browser that shows the page on to another profile's, whose address holds a token that this page must not see: "/go/TICKET" is answered with
// a redirection, once, and for WEB_TICKET_MS at most. A later one takes the place of an earlier one. ERR_LIMIT; ERR_RANDOM.
enum { WEB_TICKET_MS = 30000, WEB_TICKET = 44 };
enum err web_ticket(struct web *w, const char *address, char out[WEB_TICKET]);

#endif
