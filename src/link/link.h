// SPDX-License-Identifier: Apache-2.0
//
// link: the way to one relay: a connection that proves the relay's key, says hello, carries requests and pushes, and comes back by
// itself after a break, waiting a little longer each time, by whatever route works (reach/dial.h). It knows the protocol's messages, and nothing of what they
// are about: what was under way when a connection broke is told to whoever asked for it, who knows what to do.
//
// A link belongs to the thread of its loop. Callbacks come from the loop; in them a link may be asked for more, or freed.
#ifndef WHIMBREL_LINK_LINK_H
#define WHIMBREL_LINK_LINK_H

#include "link/address.h"
#include "net/net.h"
#include "reach/reach.h"
#include "wire/wire.h"

struct link;

// Where a connection failed.
enum link_phase {
    LINK_RESOLVING, // the name has no address
    LINK_CONNECTING, // no route leads to the relay: `reach` says which hop of the one that came farthest has failed; err is that one's
    LINK_UPGRADING, // what answers is a web site: status is its HTTP status, 0 if it was no HTTP
    LINK_GREETING,  // it is a relay, but not one for us (ERR_UNSUPPORTED), or not now
    LINK_UP,        // it was up, and broke
};
struct link_failure {
    enum link_phase phase;
    enum err err;
    unsigned status;
    struct reach_failure reach;
};
// A sentence for people: what is wrong and what to do.
const char *link_failure_text(const struct link_failure *f);

struct link_events {
    // The relay has said hello: its limits and clock. Nothing is followed, and no hosting password has been said.
    void (*up)(void *arg, const struct wire_reply *hello);
    // It is not up: the next attempt begins in so many milliseconds. Called after the answers of what was under way.
    void (*down)(void *arg, const struct link_failure *why, uint32_t retry_ms);
    // Entries, a signal, or the end of a follow. Credit for entries is given again when the call returns.
    void (*push)(void *arg, const struct wire_reply *push);
};

struct link_settings {
    uint32_t window;       // credit: bytes of pushes that may be under way; 0: 256 KiB
    uint32_t attempt_ms;   // how long an attempt may take; 0: 15 s
    uint32_t retry_ms;     // the first wait, doubled each time; 0: 1 s
    uint32_t retry_max_ms; // 0: 60 s
    uint32_t silence_ms;   // after so much silence a ping, after as much again the end; 0: 30 s
    struct reach *reach;   // routes and policy, which must outlive the link; NULL: the direct way, and no other
    uint64_t circuit;      // links with different ones share no circuit of Tor, where isolation is by conversation
};

// ERR_MEMORY. The link is not opened yet.
enum err link_new(struct net_loop *loop, const struct link_address *to, const struct link_settings *s,
                  const struct link_events *events, void *arg, struct link **out);
enum { LINK_OTHERS_MAX = 8 };
// Further addresses of the same relay, with its pin, instead of those that were said before. They are tried where the one that worked last
// does not answer within a moment, or falls silent. What there is of a connection stays. Copied; n may be 0; more than the most are left out.
void link_others(struct link *l, const struct link_address *list, size_t n);
// Begins to connect, or tries again at once where it waits: the network may have changed. No effect if it is up, or connecting.
// Nobody is called back before it returns.
void link_open(struct link *l);
// Ends everything. Whoever waits for an answer is told that there is none, before this returns; `down` is not called. They may call
// it, too, which has no further effect.
void link_free(struct link *l);

// Breaks the connection, if it is up, as if the network had: `down` is called, not before this returns, and it comes back by itself.
void link_break(struct link *l);

bool link_is_up(const struct link *l);
// The route of the present connection; the direct one's if there is none.
uint32_t link_route(const struct link *l);
// Of the present connection.
const struct wire_limits *link_limits(const struct link *l);

// The answer to a request; NULL: the connection broke first, and nobody knows whether it was done. Its spans hold during the call,
// unless that frees the link.
typedef void link_answer(void *arg, const struct wire_reply *reply);
// Sends a request, whose id is chosen here. ERR_REFUSED while the link is not up; ERR_LIMIT while as many wait as the relay
// allows, or if the request is larger than a frame: then nothing was sent and nobody will be called.
enum err link_ask(struct link *l, const struct wire_request *request, link_answer *answer, void *arg);
// How many may be under way at a time, by the relay and by this end; and how many more may be asked now.
size_t link_most(const struct link *l);
size_t link_room(const struct link *l);

#endif
