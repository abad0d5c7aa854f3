// SPDX-License-Identifier: Apache-2.0
//
// reach/inner: what the files of this room know of each other.
#ifndef WHIMBREL_REACH_INNER_H
#define WHIMBREL_REACH_INNER_H

#include "reach/reach.h"
#include "reach/transport.h"

struct known {
    struct route route;
    struct reach_status status;
    uint32_t trying; // connections under way by it
    uint64_t failed; // its place among all failures, in time
};

// What one relay has had of the connections that may be begun.
struct share {
    uint64_t relay; // a hash of its place; 0: nobody's
    uint64_t since; // when `taken` was halved last
    uint64_t waits; // until then it counts as one that waits for leave
    uint32_t taken;
};
enum { REACH_SHARES = 32 };

struct reach {
    struct net_loop *loop;
    struct reach_settings s;
    struct known *known[REACH_ROUTES_MAX + 1]; // [0]: the direct one
    size_t n;
    uint32_t next_id;
    enum reach_policy policy;
    enum reach_isolation isolation;
    struct reach_member *members;
    uint64_t key[2]; /* secret */ // of isolation, in this run
    struct {
        uint64_t network;
        uint32_t route;
    } worked[REACH_NETWORKS_MAX]; // the last one first
    size_t worked_n;
    uint64_t network; // the present one
    int64_t slept;    // milliseconds that the computer has slept since it started
    struct net_timer look;
    struct transport *transports;
    uint64_t failures; // of all routes
    uint64_t paced;    // when the last of the connections that were begun has been paid for
    struct share shares[REACH_SHARES];
};

// A hash of this computer's addresses, as networks have given them.
uint64_t network_hash(const uint64_t key[2]);
int64_t network_slept(void);

// Whether the policy allows a route, whatever the relay.
bool reach_permits(const struct reach *r, const struct route *route);
struct known *reach_known(const struct reach *r, uint32_t id);
// Routes in the order in which a race begins them; those that may be used for this host. How many.
size_t reach_order(struct reach *r, const char *host, uint16_t port, const struct known *out[REACH_ROUTES_MAX + 1]);
// Takes leave to begin one connection to a relay: 0, or how many milliseconds from now to ask again. Where several wait, the one that has
// had the fewest of late is first: one that is blocked, by however many ways it is tried, holds nobody else up.
uint32_t reach_pace(struct reach *r, const char *host, uint16_t port);
// The login under which Tor keeps this apart: 16 characters and NUL each.
void reach_login(const struct reach *r, const char *host, uint16_t port, uint64_t circuit, char user[17],
                 char password[17]);
void reach_tries(struct reach *r, uint32_t route);
// An attempt that was begun is over: why NULL means that nothing is to be concluded from it.
void reach_tried(struct reach *r, uint32_t route, const struct reach_failure *why, uint64_t began, bool proved);

#endif
