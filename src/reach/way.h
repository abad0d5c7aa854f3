// SPDX-License-Identifier: Apache-2.0
//
// reach/way: one try of one route at one address, from a look-up to the relay's proof: the runner in a dial's race.
#ifndef WHIMBREL_REACH_WAY_H
#define WHIMBREL_REACH_WAY_H

#include "reach/connect.h"
#include "reach/dial.h"
#include "reach/inner.h"

enum way_state { WAY_QUEUED, WAY_LOOKING, WAY_LAUNCHING, WAY_CONNECTING, WAY_TALKING, WAY_PROVING, WAY_WON, WAY_OVER };

struct way {
    struct way *next; // in the order of the race
    struct way_race *race;
    struct route route;
    enum way_state state;
    bool found; // `at` is known
    union {
        struct sockaddr any;
        struct sockaddr_storage room;
    } at;
    struct net_lookup *lookup;
    struct transport_wait wait;
    struct net_conn *conn;
    struct net_timer timer; // of the hop
    uint64_t began;         // 0: nothing was sent yet
    struct socks5 socks;    /* secret */
    struct connect http;
    struct reach_failure failure;
};

// What a way needs of its race, and tells it.
struct way_race {
    struct net_loop *loop;
    struct reach *reach; // NULL: no routes but the direct one
    const struct reach_world *world;
    struct net_tls *tls;
    struct reach_target to;
    uint64_t circuit;
    // It is WAY_WON, or WAY_OVER with a failure. Not called from within way_begin.
    void (*done)(struct way *w);
    // A name had further addresses: another way of the same route, to be begun later, behind `w` if that waits itself. NULL: no memory,
    // or too many.
    struct way *(*more)(struct way *w);
};

struct way *way_new(struct way_race *race, const struct route *route);
// Begins: WAY_OVER at once if it cannot.
void way_begin(struct way *w);
// Whether rules that have changed let it go on, or begin.
bool way_may(const struct way *w);
// Ends it without a conclusion, if it runs, and frees it. Its connection, if it has won, is somebody else's.
void way_free(struct way *w);
// It takes too long: it is over, with the failure that this means. `done` is not called.
void way_stop(struct way *w);

#endif
