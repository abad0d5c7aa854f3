// SPDX-License-Identifier: Apache-2.0
//
// reach/dial: one attempt to get to one relay, as a race of all routes that may be used (docs/reach.md, "The dialer"). Won is it only
// when TLS is up and the relay has proved its key; all other connections are closed then.
#ifndef WHIMBREL_REACH_DIAL_H
#define WHIMBREL_REACH_DIAL_H

#include "reach/reach.h"

struct dial;

// One of the two is called once, from the loop and not from within dial_start; the dial is gone then.
struct dial_events {
    // The connection is the caller's, who gives it an owner before this returns (its `open` has been called already).
    void (*won)(void *arg, struct net_conn *c, uint32_t route);
    // The failure that came farthest.
    void (*lost)(void *arg, const struct reach_failure *why);
};

struct dial_to {
    const char *host; // of the relay: copied
    uint16_t port;
    struct net_tls *tls; // a client's, which knows the relay's key
    uint64_t circuit;    // what shares a circuit under REACH_CONVERSATION
    uint32_t ms;         // for all of it; three times as much where Tor or a transport takes part
    bool only, not_that; // nothing but `route`; everything but `route`
    uint32_t route;
};

// With `r` NULL the direct route is all there is. ERR_MEMORY.
enum err dial_start(struct net_loop *l, struct reach *r, const struct dial_to *to, const struct dial_events *events,
                    void *arg, struct dial **out);
// Ends it: nobody is called any more.
void dial_free(struct dial *d);

#endif
