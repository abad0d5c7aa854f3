// SPDX-License-Identifier: Apache-2.0
//
// link/inner: a link's insides, for the two files of this room that make it: link.c, what is said on a connection, and way.c, how it
// is got and changed.
#ifndef WHIMBREL_LINK_INNER_H
#define WHIMBREL_LINK_INNER_H

#include "link/link.h"
#include "net/ws.h"
#include "reach/dial.h"

enum {
    WAITING_MAX = 256,
    NEXT_MS = 1500,    // with one address, before the next is tried as well
    RANDOM = 256,      // as much as getrandom gives whole, whatever signals come
    PATIENCE_MS = 1500 // with a request, before another way is looked for; doubled when that was of no use
};

enum state { IDLE, DIALING, UPGRADING, GREETING, UP, BROKEN, PAUSED }; // BROKEN: those who waited are being told

struct waiting {
    uint32_t id; // 0: free
    link_answer *answer;
    void *arg;
};

// A race to one of the relay's addresses.
struct run {
    struct link *l;
    struct dial *dial; // NULL: not begun, or over
    size_t at;
};

struct link {
    struct net_loop *loop;
    struct link_address to;  // of the connection, or of the last one
    struct link_address own; // the address that the link was made for
    struct link_address others[LINK_OTHERS_MAX];
    size_t others_n;
    struct run runs[1 + LINK_OTHERS_MAX]; // while UP: for another way
    size_t begun;                         // of the addresses
    struct reach_failure best;            // of those that have failed, the one that came farthest
    struct net_timer next;
    struct link_settings s;
    struct link_events events;
    void *arg;
    struct net_tls *tls;
    enum state state;
    struct link_failure failure; // of this attempt, so far
    struct net_conn *conn;
    uint32_t route; // of conn
    struct reach_member member;
    struct net_timer timer; // of the attempt, of silence, or of the pause
    bool given_up;          // the connection is no use any more; its `closed` is under way
    bool at_once;           // no pause before the next attempt
    uint64_t hurried;       // when that was last so because of a break
    uint64_t since, asked,
        doubt; // when it came up; when the oldest request under way was sent, about; when the network changed, or 0
    uint32_t patience_ms;
    struct buf head; // of the answer to the handshake
    char key[25];
    struct ws_parser ws;
    struct wire_limits limits;
    struct waiting waiting[WAITING_MAX];
    size_t under_way;
    uint32_t next_id;
    uint32_t retry_ms, owed; // owed: credit to give
    uint64_t heard;
    bool pinged, hurry, ending; // hurry: somebody who was told that it is broken wants no pause
    bool *freed;                // set if the link goes while it calls somebody
    uint8_t random[RANDOM];
    size_t random_left;
};

extern const struct net_owner link_nobody;

// ------------------------------------------------------------------------------------------------------------- link.c

// The connection is there, and the relay's key is proved: it is the link's now.
void link_upgrade(struct link *l, struct net_conn *c, uint32_t route);
// The attempt has failed, or the connection has broken: all is told, and then there is a pause.
void link_come_back(struct link *l);
// Nobody who waits gets an answer any more. False if the link was freed meanwhile.
bool link_abandon(struct link *l);
// A connection is no use any more. `closed` goes on from here.
void link_fail(struct link *l, enum link_phase phase, enum err e, unsigned status);
void link_ping(struct link *l);
// Looks again when something may have to be done.
void link_watch(struct link *l);

// -------------------------------------------------------------------------------------------------------------- way.c

// Begins an attempt. Fails later, from the loop, if it fails at once: whoever opens a link is not called back before that returns.
void link_start(struct link *l);
bool link_has_choice(const struct link *l);
// Whether a connection is being looked for; and the end of that.
bool link_runs(const struct link *l);
void link_run_no_more(struct link *l);
// Looks for another route while the present one is silent.
void link_look_further(struct link *l);
// What the end of a connection (for `failure`) says of its route.
void link_judge(struct link *l, bool was_up, bool proper);
void link_news(struct reach_member *m, enum reach_news news);

#endif
