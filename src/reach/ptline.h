// SPDX-License-Identifier: Apache-2.0
//
// reach/ptline: what a pluggable transport's client program says of itself, line by line (PT specification 1, §3.3), and what it is told with
// each connection (§3.5). No I/O.
#ifndef WHIMBREL_REACH_PTLINE_H
#define WHIMBREL_REACH_PTLINE_H

#include "reach/reach.h"

enum pt_kind {
    PT_OTHER,   // of no use to us: logs, statuses, and what nobody has defined
    PT_VERSION, // it speaks version 1
    PT_METHOD,  // the transport is ready at `port` of this computer's `address`
    PT_DONE,    // that was all
    PT_FAILED,  // it cannot work, or says what makes no sense
};
struct pt_said {
    enum pt_kind kind;
    char transport[REACH_TRANSPORT_MAX + 1];
    char address[46]; // a loopback address, which is all that a transport may listen on
    uint16_t port;
};
void pt_read(const char *line, struct pt_said *out);

// Arguments as user and password of SOCKS5: the first 255 bytes are the user; the password is what is left, or one zero byte.
void pt_login(const char *arguments, struct span *user, struct span *password);

#endif
