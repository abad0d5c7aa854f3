// SPDX-License-Identifier: Apache-2.0
//
// socksd/talk: what a SOCKS5 server says and understands until a connection is asked for: RFC 1928 and RFC 1929, the server's side.
// Bytes in, bytes out: no I/O, no memory of its own, no clock. What the client sends behind its request is not looked at.
#ifndef WHIMBREL_SOCKSD_TALK_H
#define WHIMBREL_SOCKSD_TALK_H

#include "reach/socks5.h"

enum {
    SOCKSD_MESSAGE_MAX = 513, // the longest message of a client's: RFC 1929's, with two texts of 255
    SOCKSD_SAY_MAX = 10
};

// Where to, as the client wrote it.
struct socksd_target {
    uint8_t size; // 4 or 16: `address` holds so many bytes; 0: `name`
    uint8_t name_n;
    uint16_t port;
    uint8_t address[16];
    uint8_t name[255]; // any bytes at all
};

struct socksd_user {
    const char *name, *password; /* secret */
};
struct socksd_users {
    const struct socksd_user *list;
    size_t n;
    bool anyone; // no user is asked for; whoever insists on giving one may
};

// The state of one client's handshake; zeroed is its beginning.
struct socksd_talk {
    uint8_t at;
};

enum socksd_step {
    SOCKSD_MORE,    // the message is not whole yet: call again with the same bytes and more of them
    SOCKSD_SAID,    // send what is said, and call again with the bytes behind `used`
    SOCKSD_CONNECT, // `to` is wanted: answer with socksd_talk_answer once it is there; bytes behind `used` belong to it
    SOCKSD_ENDED    // send what is said, if anything, and close
};
struct socksd_turn {
    enum socksd_step step;
    size_t used; // bytes of the input that are done with
    uint8_t say_n, say[SOCKSD_SAY_MAX];
    struct socksd_target to;
};
// One message of the client's. `in` is all that has come and was not used; SOCKSD_MESSAGE_MAX bytes are always enough for a step.
void socksd_talk_turn(struct socksd_talk *t, const struct socksd_users *users, struct span in, struct socksd_turn *out);

// The answer to a request. The bound address is said to be 0.0.0.0:0: where the server stands in its own network is nobody's business.
void socksd_talk_answer(enum socks5_reply r, uint8_t out[SOCKSD_SAY_MAX]);

#endif
