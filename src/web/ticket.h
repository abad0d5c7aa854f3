// SPDX-License-Identifier: Apache-2.0
//
// web/ticket: paths by which the page's <video> and <audio> ask for a file, since they can show no token: "/play/MESSAGE/KEY", where the key is a MAC
// of the message. Its secret is drawn anew whenever the profile is locked, and stays in memory: no path outlives that, or the engine. No I/O.
#ifndef WHIMBREL_WEB_TICKET_H
#define WHIMBREL_WEB_TICKET_H

#include "crypto/crypto.h"

enum { TICKET_SECRET = 32, TICKET_PATH = 80 }; // the longest path, and a NUL

struct tickets {
    struct crypto *crypto; // borrowed
    bool good;
    uint8_t secret[TICKET_SECRET]; /* secret */
};

// Makes void what was given out. ERR_IO: there is no randomness, and all are void until there is.
enum err tickets_renew(struct tickets *t);
void tickets_wipe(struct tickets *t);
// The path of a message's file. ERR_STATE while the secret is none.
enum err tickets_path(const struct tickets *t, uint64_t message, char out[TICKET_PATH]);
// Whose file a target asks for, compared in constant time. False: it is none that was given out.
bool tickets_know(const struct tickets *t, struct span target, uint64_t *message);

#endif
