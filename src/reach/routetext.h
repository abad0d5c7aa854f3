// SPDX-License-Identifier: Apache-2.0
//
// reach/routetext: routes as people give them, and see them: a proxy's link (proxylink.h), the path of a socket, or a bridge line as
// those who run bridges hand it out. Nothing is looked up.
//
//   /run/tor/socks   unix:/run/tor/socks            SOCKS5 over a unix socket
//   [Bridge] obfs4 192.0.2.1:443 [FINGERPRINT] cert=... iat-mode=0    a pluggable transport; a fingerprint is passed over
#ifndef WHIMBREL_REACH_ROUTETEXT_H
#define WHIMBREL_REACH_ROUTETEXT_H

#include "reach/proxylink.h"
#include "reach/reach.h"

enum { ROUTE_TEXT = PROXYLINK_TEXT }; // room for any written one, with its end

// Reads one; `tor` says that a SOCKS5 proxy is Tor. Its id is 0, and its name may not be looked up. ERR_MALFORMED, ERR_UNSUPPORTED or
// ERR_INVALID: *why is a part of a sentence for people. The caller wipes *out.
enum err route_read(struct span text, bool tor, struct route *out, const char **why);
// A SOCKS5 proxy that was read is Tor. ERR_INVALID as above.
enum err route_as_tor(struct route *r, const char **why);
// The same for the value of ALL_PROXY.
enum err route_read_variable(struct span text, struct route *out, const char **why);
// Writes one so that it can be read again (of Tor, the proxy), secrets only where `secrets` says so. ERR_UNSUPPORTED: that form has no
// such routes; ERR_INVALID: the direct one.
enum err route_write(const struct route *r, enum proxylink_form form, bool secrets, char out[ROUTE_TEXT]);
// Where the proxy is, for people: "192.0.2.1:1080", "[2001:db8::1]:1080", a path; "" of the direct route.
void route_place(const struct route *r, char out[REACH_HOST_MAX + 16]);
// Of what was meant to be a proxy's link or a bridge, perhaps a wrong one: what people may be shown of it, and no user, password or
// other secret.
void route_shown(struct span text, char out[ROUTE_TEXT]);
// Whether two routes lead the same way.
bool route_same(const struct route *a, const struct route *b);

// What was found in a text.
struct route_found {
    struct span text; // where it stands
    enum err err;     // ERR_OK; or it looks like a proxy, and `why` says what is wrong with it
    const char *why;
    struct route route; /* secret */ // the caller wipes it
};
// The next proxy or bridge in a text of any length, which *rest becomes the part behind; false if there is none. A bridge line has a
// line of its own.
bool route_next(struct span *rest, struct route_found *out);

#endif
