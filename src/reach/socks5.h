// SPDX-License-Identifier: Apache-2.0
//
// reach/socks5: SOCKS protocol version 5 (RFC 1928), login by user and password (RFC 1929), and the further errors of Tor. Here are the
// numbers that both sides share, and the client's side of a CONNECT as a machine without I/O: bytes in, bytes out, split
// anywhere. Names are handed to the proxy as they are: nothing here can look one up.
#ifndef WHIMBREL_REACH_SOCKS5_H
#define WHIMBREL_REACH_SOCKS5_H

#include "reach/hop.h"

enum { SOCKS5_VERSION = 5, SOCKS5_LOGIN_VERSION = 1, SOCKS5_TEXT_MAX = 255 };
// The longest of each message: a request or reply with a name, a login, a greeting with every method.
enum {
    SOCKS5_REQUEST_MAX = 4 + 1 + SOCKS5_TEXT_MAX + 2,
    SOCKS5_LOGIN_MAX = 3 + 2 * SOCKS5_TEXT_MAX,
    SOCKS5_GREETING_MAX = 2 + 255
};

enum socks5_method { SOCKS5_NO_LOGIN = 0x00, SOCKS5_GSSAPI = 0x01, SOCKS5_PASSWORD = 0x02, SOCKS5_NO_METHOD = 0xff };
enum socks5_command { SOCKS5_CONNECT = 1, SOCKS5_BIND = 2, SOCKS5_UDP = 3 };
enum socks5_address { SOCKS5_IPV4 = 1, SOCKS5_NAME = 3, SOCKS5_IPV6 = 4 };
enum socks5_reply {
    SOCKS5_GRANTED = 0,
    SOCKS5_FAILURE = 1,
    SOCKS5_NOT_ALLOWED = 2,
    SOCKS5_NET_UNREACHABLE = 3,
    SOCKS5_HOST_UNREACHABLE = 4,
    SOCKS5_REFUSED = 5,
    SOCKS5_TTL_EXPIRED = 6,
    SOCKS5_NO_COMMAND = 7,
    SOCKS5_NO_ADDRESS_TYPE = 8,
    // Tor's, where its ExtendedErrors are on (torspec, socks-extensions)
    SOCKS5_ONION_NOT_FOUND = 0xf0,
    SOCKS5_ONION_INVALID = 0xf1,
    SOCKS5_ONION_INTRODUCTION = 0xf2,
    SOCKS5_ONION_RENDEZVOUS = 0xf3,
    SOCKS5_ONION_NO_KEY = 0xf4,
    SOCKS5_ONION_WRONG_KEY = 0xf5,
    SOCKS5_ONION_ADDRESS = 0xf6,
    SOCKS5_ONION_TIMEOUT = 0xf7
};

// How a client shows itself. Each offers one method, so that a proxy cannot choose a weaker one.
enum socks5_mode {
    SOCKS5_OPEN,    // no login
    SOCKS5_LOGIN,   // user and password
    SOCKS5_ISOLATE, // user and password that mean nothing: Tor keeps streams with different ones on different circuits
};

struct socks5 {
    enum socks5_mode mode;
    uint8_t state;
    struct reach_target to;
    uint8_t user_n, password_n;
    char user[SOCKS5_TEXT_MAX], password[SOCKS5_TEXT_MAX]; /* secret */
    uint8_t in[SOCKS5_REQUEST_MAX];
    size_t in_n;
    uint8_t out[SOCKS5_LOGIN_MAX]; /* secret */
    struct reach_failure failure;
};

// A conversation that asks for `to`. User and password have 1 and 0 to 255 bytes, and are not looked at with SOCKS5_OPEN. *send is what is to be
// sent first; it holds until the next call. ERR_INVALID for a host that may not be sent, ERR_LIMIT for a login that is too long or
// has no user.
enum err socks5_open(struct socks5 *s, enum socks5_mode mode, struct span user, struct span password,
                     const struct reach_target *to, struct span *send);
// Takes bytes from the proxy: *used is how many belonged to this conversation, and none behind its end are. *send is what is to be sent now,
// or empty. REACH_DONE: the relay is at the other end. REACH_FAILED: s->failure.
enum reach_step socks5_take(struct socks5 *s, struct span bytes, size_t *used, struct span *send);
// The proxy has closed the connection, or (late) has taken too long: s->failure says what that means at this point.
void socks5_closed(struct socks5 *s, bool late);
void socks5_wipe(struct socks5 *s);

#endif
