// SPDX-License-Identifier: Apache-2.0
//
// reach/hop: the hops of a way to a relay, at which of them it failed, and how that is told to people. What talks to a
// proxy (socks5.h, connect.h) and what tries the ways (dial.h) say it all in these words. No I/O, no state.
#ifndef WHIMBREL_REACH_HOP_H
#define WHIMBREL_REACH_HOP_H

#include "base/base.h"

// In the order in which a way meets them: of two failures the later one says more.
enum reach_hop {
    HOP_NONE = 0,
    HOP_PACE,       // so many attempts a minute were made already; nothing was tried
    HOP_POLICY,     // no route may be used for this relay; nothing was tried
    HOP_LAUNCH,     // the pluggable transport's program does not run
    HOP_PROXY_NAME, // the proxy's name: it has no address, or may not be looked up (ERR_REFUSED)
    HOP_NAME,       // the relay's name has no address
    HOP_PROXY,      // nobody answers at the proxy's address: `os` says why
    HOP_RELAY,      // nobody answers at the relay's address: `os` says why
    HOP_GREETING,   // what answers there is no such proxy, or not for us
    HOP_LOGIN,      // the proxy does not take user and password, or wants some
    HOP_BRIDGE,     // the pluggable transport does not get through to its bridge
    HOP_BEYOND,     // the proxy does not reach the relay: `code` says why
    HOP_TLS,        // what answers in the end does not speak TLS 1.3, or not in time
    HOP_KEY,        // what answers in the end has another key than the relay
    HOP_TALK,       // the relay proved its key, and then it was cut off, or nothing came any more
};

struct reach_failure {
    enum reach_hop hop;
    enum err err;  // ERR_LIMIT: it took too long; ERR_IO: it was cut off; ERR_MALFORMED, ERR_INVALID: it made no sense
    uint16_t code; // a reply of SOCKS5 (below 256), or a status of HTTP (from 300)
    int os;        // errno of the operating system, or 0
};

// What failed and what a person can do about it, in one sentence. Never NULL.
const char *reach_failure_text(const struct reach_failure *f);

// How far a conversation with a proxy is.
enum reach_step { REACH_MORE, REACH_DONE, REACH_FAILED };

enum { REACH_HOST_MAX = 253 };
// What a proxy is asked for: a name or numeric address, without brackets.
struct reach_target {
    char host[REACH_HOST_MAX + 1];
    uint16_t port;
};
// Whether a host is one that may be sent to a proxy: 1 to 253 printable characters of ASCII, none of them a space or one of "/@[]#?\\".
bool reach_host_ok(const char *host);
// Whether a host ends with .onion, in any case: such names are for Tor alone, and are never looked up (RFC 7686 §2).
bool reach_is_onion(const char *host);

#endif
