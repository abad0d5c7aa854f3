// SPDX-License-Identifier: Apache-2.0
//
// reach/transport: the client programs of pluggable transports (PT specification, version 1): launched when a route first wants one, watched,
// launched again with growing pauses when they end by themselves, and ended when no route wants them any more.
#ifndef WHIMBREL_REACH_TRANSPORT_H
#define WHIMBREL_REACH_TRANSPORT_H

#include "net/net.h"
#include "reach/hop.h"

struct reach;
struct transport;

// Whoever waits for a transport. Zeroed waits for nothing.
struct transport_wait {
    // It listens at `at`; or it cannot be had, and `why` says why (HOP_LAUNCH). Called from the loop, not from within transport_want.
    void (*ready)(struct transport_wait *w, const struct sockaddr *at);
    void (*failed)(struct transport_wait *w, const struct reach_failure *why);
    struct transport_wait *next, **link;
};

// The address of a transport that is ready, as long as it is; NULL: `w` will hear of it. ERR_MEMORY.
enum err transport_want(struct reach *r, const char *name, struct transport_wait *w, const struct sockaddr **at);
void transport_leave(struct transport_wait *w);

// Whether this computer's transport of a name talks to the bridge's address and to nobody else: so that it is no way past a proxy.
bool transport_is_narrow(const char *name);
// Ends the programs that no allowed route is of; all of them if `all`.
void transport_tidy(struct reach *r, bool all);

#endif
