// SPDX-License-Identifier: Apache-2.0
//
// reach: the routes to relays that there are, which of them may be used, and what is known of how they work. It belongs to an engine and its
// one loop, and all its links share it; dial.h uses it to get to a relay. It stores nothing: whoever owns it puts routes in, and
// keeps what it is told. Invariant: what the policy does not allow is neither looked up nor connected to (docs/reach.md).
#ifndef WHIMBREL_REACH_REACH_H
#define WHIMBREL_REACH_REACH_H

#include "net/net.h"
#include "reach/hop.h"
#include "reach/socks5.h"

enum {
    ROUTE_DIRECT_ID = 0,
    REACH_ROUTES_MAX = 64,
    REACH_PUBLISHED_MAX = 32,   // of those, by relays: the rest is one's own
    REACH_NETWORKS_MAX = 32,    // whose last route is remembered
    REACH_ATTEMPTS_MINUTE = 60, // connections that are begun, over all relays, each of which has its share
    REACH_STAGGER_MS = 250,
    REACH_AT_ONCE = 10,   // connections under way in one race
    REACH_HOP_MS = 10000, // for each hop of a route; and where Tor or a transport takes part:
    REACH_SLOW_HOP_MS = 30000,
    REACH_FORGET_MS = 600000, // a failure that is older counts no more
    REACH_PATH_MAX = 107,     // of a unix socket
    REACH_TRANSPORT_MAX = 31,
    REACH_ARGUMENTS_MAX = 510 // what fits into the user and password of SOCKS5
};

enum route_kind { ROUTE_DIRECT, ROUTE_SOCKS5, ROUTE_TOR, ROUTE_HTTP, ROUTE_TRANSPORT, ROUTE_KINDS };
// "direct", "socks5", "tor", "http", "transport"; NULL for what is none.
const char *route_kind_name(enum route_kind k);

struct route {
    uint32_t id; // never 0 but for the direct one, which is always there
    enum route_kind kind;
    enum socks5_mode login; // ROUTE_TOR: SOCKS5_ISOLATE or SOCKS5_OPEN; ROUTE_HTTP: SOCKS5_OPEN or SOCKS5_LOGIN
    char host
        [REACH_HOST_MAX +
         1]; // of the proxy, or of a transport's bridge: numeric, or a name, or a unix socket's path, which begins with /
    uint16_t port;                                        // 0 with a path
    char user[SOCKS5_TEXT_MAX + 1];                       /* secret */
    char password[SOCKS5_TEXT_MAX + 1];                   /* secret */
    bool resolve;                                         // the proxy's name may be looked up where the policy lets it
    char transport[REACH_TRANSPORT_MAX + 1];              // ROUTE_TRANSPORT: "obfs4"
    char arguments[REACH_ARGUMENTS_MAX + 1]; /* secret */ // as bridge lines have them: "cert=...;iat-mode=0"
    char relay[REACH_HOST_MAX + 1];                       // the one host for whose relay it is; "": for any
    uint16_t relay_port;                                  // and that relay's port; 0: any
    bool published; // by that relay: used under REACH_AUTO alone, and behind one's own
};
// What is wrong with a route, as a part of a sentence for people; NULL: nothing.
const char *route_check(const struct route *r);

// Whether a relay may offer this to those who reach it at `relay`. Whoever uses an onion address hides from the relay, which must not lead them
// elsewhere; and no relay makes its guests talk to their own computer, or what is plugged into it, unless it is there itself.
bool route_may_be_offered(const struct route *r, const char *relay);

enum reach_policy { REACH_AUTO, REACH_PROXY_ONLY, REACH_TOR_ONLY, REACH_POLICIES };
const char *reach_policy_name(enum reach_policy p); // "auto", "proxy-only", "tor-only"; NULL for what is none
bool reach_policy_find(const char *name, enum reach_policy *out);
// What shares a circuit of Tor.
enum reach_isolation { REACH_PROFILE, REACH_RELAY, REACH_CONVERSATION, REACH_ISOLATIONS };
const char *reach_isolation_name(enum reach_isolation i); // "profile", "relay", "conversation"; NULL for what is none

enum reach_state { REACH_UNTRIED, REACH_TRYING, REACH_WORKS, REACH_FAILS };
struct reach_status {
    uint32_t route;
    enum reach_state state;   // how the last attempt ended, or that one is under way
    struct reach_failure why; // REACH_FAILS
    uint32_t ms;              // from its first packet to the relay's proof, or to the failure
    uint64_t when;            // the loop's milliseconds; 0: never
    uint32_t failures;        // one after the other, until it works
    uint32_t in_use;          // connections that are up by it
    bool allowed;             // by the policy
};

// The world that the dialer reaches into. Tests put their own in its place.
struct reach_world {
    enum err (*resolve)(struct net_loop *l, const char *host, uint16_t port,
                        void (*done)(void *arg, const struct sockaddr *const *list, size_t n), void *arg,
                        struct net_lookup **out);
    void (*forget)(struct net_lookup *r);
    enum err (*connect)(struct net_loop *l, const struct sockaddr *to, struct net_tls *tls,
                        const struct net_owner *owner, void *arg, struct net_conn **out);
};
extern const struct reach_world reach_real_world;

struct reach_settings {
    const struct reach_world *world; // NULL: the real one
    // A route's status has changed. May be NULL.
    void (*status)(void *arg, const struct reach_status *s);
    void *arg;
    uint32_t hop_ms, slow_hop_ms; // 0: REACH_HOP_MS, REACH_SLOW_HOP_MS
    // Another route than before works on this network: to be stored, and told by reach_remember in a later run. May be NULL.
    void (*worked)(void *arg, uint64_t network, uint32_t route);
    const char
        *folder; // for transports' programs, made when it is needed; holds as long as the reach; NULL: there are none
    uint64_t networks[2];
        /* secret */ // the key of networks' hashes, the same in all runs of a profile; zeros: of this run alone
};

struct reach;
// With the policy REACH_AUTO, isolation by REACH_RELAY, and the direct route. ERR_MEMORY, ERR_RANDOM.
enum err reach_new(struct net_loop *loop, const struct reach_settings *s, struct reach **out);
// All links and dials must be gone.
void reach_free(struct reach *r);

// A copy is kept. With id 0 it gets the next free number, else that one, which must be new. ERR_INVALID (route_check), ERR_LIMIT, ERR_MISUSE
// (the number is taken), ERR_MEMORY.
enum err reach_add(struct reach *r, const struct route *route, uint32_t *id);
// Connections by it end. ERR_NOT_FOUND; the direct one cannot be removed, but see the policy.
enum err reach_remove(struct reach *r, uint32_t id);
// In order, the direct one first; NULL at the end. Valid until routes are added or removed.
const struct route *reach_at(const struct reach *r, size_t i);
const struct route *reach_find(const struct reach *r, uint32_t id);
void reach_status(const struct reach *r, uint32_t id, struct reach_status *out);

// What an earlier run was told by `worked`, the oldest first.
void reach_remember(struct reach *r, uint64_t network, uint32_t route);

// What is not allowed any more ends before it returns, or soon after.
void reach_set_policy(struct reach *r, enum reach_policy p);
enum reach_policy reach_policy(const struct reach *r);
// Holds for new connections.
void reach_set_isolation(struct reach *r, enum reach_isolation i);
enum reach_isolation reach_isolation(const struct reach *r);
// Whether a route may be used for a relay: by the policy, and an .onion for those of the kinds tor and socks5 only.
bool reach_allows(const struct reach *r, uint32_t id, const char *host, uint16_t port);
// Whether more than one may.
bool reach_has_choice(const struct reach *r, const char *host, uint16_t port);

// ------------------------------------------------------------------------------------- for those who use routes

// Whoever has a connection, or waits to try again, wants to hear of this. Zeroed is a member of nothing.
enum reach_news {
    REACH_RULES,   // routes or policy have changed: what is not allowed any more must end now
    REACH_NETWORK, // the network has changed, or the computer has slept: what waits should try, what is up should look
};
struct reach_member {
    void (*news)(struct reach_member *m, enum reach_news n); // anyone may leave in it
    struct reach_member *next, **link;
};
void reach_join(struct reach *r, struct reach_member *m); // r may be NULL
void reach_leave(struct reach_member *m);

// The relay has said hello over this route: it works on this network.
void reach_worked(struct reach *r, uint32_t route);
// It has failed though the relay's key was proved: later, or at once after.
void reach_failed(struct reach *r, uint32_t route, const struct reach_failure *why);
// A connection by it is up, or is gone.
void reach_use(struct reach *r, uint32_t route, int more);

#endif
