// SPDX-License-Identifier: Apache-2.0
//
// client/routes: an engine's routes to relays, the policy for them, and trying one before it is relied upon (docs/reach.md). They stand in the
// vault. Invariant: what an engine does on the network it does by these routes, from its first packet on.
#ifndef WHIMBREL_CLIENT_ROUTES_H
#define WHIMBREL_CLIENT_ROUTES_H

#include "client/client.h"
#include "reach/routetext.h"

struct engine_route {
    const struct route *route;
    struct reach_status status;
    uint64_t ago; // milliseconds since status.when; 0 if that is 0
    bool kept;    // false: of this run alone, from the environment
};
// All of them, in the order in which they were added, the direct one first.
void engine_routes(struct engine *e, void (*each)(void *arg, const struct engine_route *r), void *arg);
// Adds one, durably; *id is its number from now on, or the number of the same route if that is there already. ERR_INVALID, ERR_LIMIT,
// ERR_REFUSED (a proxy's name that nobody may look up): *why says what is wrong.
enum err engine_route_add(struct engine *e, const struct route *r, uint32_t *id, const char **why);
// ERR_NOT_FOUND; ERR_REFUSED for the direct one, and for one from the environment.
enum err engine_route_remove(struct engine *e, uint32_t id);

// Reads the proxies and bridges in a text, at most `max`; `tor` and `resolve` hold for all of them. ERR_INVALID if one cannot be used, or
// there is none: *why says what is wrong. The caller wipes the list.
enum err routes_read(struct span text, bool tor, bool resolve, struct route *list, size_t max, size_t *n,
                     const char **why);

enum reach_policy engine_policy(
    const struct engine *e); // what holds: never less than proxy-only with a proxy from the environment
enum reach_isolation engine_isolation(const struct engine *e);
// Durable, and holds when it returns.
enum err engine_set_policy(struct engine *e, enum reach_policy p);
enum err engine_set_isolation(struct engine *e, enum reach_isolation i);

// How a trial ended: ENGINE_TRIED.
struct engine_trial {
    uint32_t trial;
    bool works; // the relay proved its key
    struct reach_failure why;
    uint32_t ms;
};
// Tries a route to one's own relay: the one with r->id if that is not 0, the direct one, or else the one
// described, which need not be known. Returns at once;
// the end is an event with the number *trial. ERR_NOT_FOUND; ERR_REFUSED (by the policy), ERR_INVALID, ERR_LIMIT (so many are
// under way already): *why says why.
enum err engine_route_try(struct engine *e, const struct route *r, uint32_t *trial, const char **why);

#endif
