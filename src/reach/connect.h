// SPDX-License-Identifier: Apache-2.0
//
// reach/connect: a tunnel through an HTTP proxy (CONNECT, RFC 9110 §9.3.6) with Basic login (RFC 7617), the client's side as a
// machine without I/O. Names are handed to the proxy as they are.
#ifndef WHIMBREL_REACH_CONNECT_H
#define WHIMBREL_REACH_CONNECT_H

#include "reach/hop.h"

enum { CONNECT_LOGIN_MAX = 255, CONNECT_INTERIM_MAX = 4 };

struct connect {
    struct buf in;
    uint8_t interim; // heads with a status of 1xx that came before
    bool login;      // was sent
    struct reach_failure failure;
};

// What is to be sent is put into *send, which may have been used before. With an empty user no login is sent. ERR_INVALID for a host that
// may not be sent, or a user with a colon or either with a control character; ERR_LIMIT for either above CONNECT_LOGIN_MAX.
enum err connect_open(struct connect *c, struct span user, struct span password, const struct reach_target *to,
                      struct buf *send);
// Takes bytes from the proxy: *used is how many belonged to its answer. REACH_DONE: what follows is the relay's. REACH_FAILED: c->failure.
enum reach_step connect_take(struct connect *c, struct span bytes, size_t *used);
// The proxy has closed the connection, or (late) has taken too long.
void connect_closed(struct connect *c, bool late);
void connect_wipe(struct connect *c);

#endif
