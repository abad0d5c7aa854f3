// SPDX-License-Identifier: Apache-2.0
//
// socksd/inner: what the server's files know of each other's structs, and nobody else. A session belongs to one thread and is used by
// it alone; what threads share is the gate and the names, each under its own lock. While nothing is under way, a session has no
// buffer and no pipe: bytes pass through the thread's.
#ifndef WHIMBREL_SOCKSD_INNER_H
#define WHIMBREL_SOCKSD_INNER_H

#include "base/map.h"
#include "socksd/allow.h"
#include "socksd/socksd.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

// ------------------------------------------------------------------------------------------------------------- the gate

// How many come from where.
struct socksd_gate {
    pthread_mutex_t lock;
    struct map addresses;
    struct socksd_bucket {
        uint64_t at;    // milliseconds
        uint64_t level; // thousandths of a connection
    } all;
    uint32_t connections, connections_max, per_address, rate, rate_per_address;
};
void socksd_gate_init(struct socksd_gate *g, const struct socksd_options *o, const uint64_t seed[2]);
void socksd_gate_wipe(struct socksd_gate *g);
// What an address is counted under.
uint64_t socksd_gate_key(const struct sockaddr *a);
bool socksd_gate_enter(struct socksd_gate *g, uint64_t key, uint64_t now_ms);
void socksd_gate_leave(struct socksd_gate *g, uint64_t key, uint64_t now_ms);

// ------------------------------------------------------------------------------------------------------------- the names

enum { NAME_ADDRESSES = 8, NAME_FRESH_MS = 60000, NAME_STALE_MS = 3600000 };

struct socksd_addresses {
    uint8_t n;
    struct socksd_address {
        uint8_t size, bytes[16];
    } list[NAME_ADDRESSES];
};
enum socksd_name_state { NAME_KNOWN, NAME_ASKED, NAME_UNKNOWN };
struct socksd_name {
    struct socksd_addresses found;
    uint64_t at, failed; // milliseconds: when it was found, and last not found; 0: never
    bool wanted;
};

// Names are looked up by a thread of their own, one after the other: only those on the list ever are.
struct socksd_names {
    pthread_mutex_t lock;
    pthread_cond_t work;
    pthread_t thread;
    bool running, stopping;
    const struct socksd_place *places;
    struct socksd_name *list; // one for each place
    size_t n;
    void (*done)(void *arg); // from that thread, after each
    void *arg;
};
enum err socksd_names_start(struct socksd_names *m, const struct socksd_place *places, size_t n, void (*done)(void *),
                            void *arg);
void socksd_names_stop(struct socksd_names *m);
enum socksd_name_state socksd_names_get(struct socksd_names *m, size_t place, struct socksd_addresses *out);

// -------------------------------------------------------------------------------------------------------------- sessions

// TRY: connecting, and there are further addresses to connect to; CONNECT: to the last.
enum session_state {
    SESSION_TALK,
    SESSION_RESOLVE,
    SESSION_TRY,
    SESSION_CONNECT,
    SESSION_OPEN,
    SESSION_DRAIN,
    SESSION_DEAD
};

// Bytes on their way that the other side did not take yet: in memory, or in a pipe.
struct socksd_held {
    int pipe[2]; // -1: memory
    uint32_t at, n;
    uint8_t bytes[];
};

// Side 0 is the client, side 1 the place; direction i goes from side i to the other.
struct socksd_session {
    struct socksd_session *next, **link; // of the thread's list for its state
    uint64_t gate;
    struct socksd_held *held[2];
    int fd[2];
    uint32_t queued, since; // tenths of a second: when it got into its list, and when something last happened
    struct socksd_talk talk;
    uint8_t state; // enum session_state
    uint8_t tried; // addresses of the place
    uint16_t place;
    bool readable[2], writable[2];
    bool over[2];                      // the peer has closed, so that a short read is no sign of having read all
    bool ended[2], closed[2], bulk[2]; // of a direction: its end was read; it was passed on; much comes this way
    uint8_t broken;                    // bits: the sides that ended without a farewell
    bool again;                        // it is in the thread's list of those that have more to do
    struct socksd_session *again_next;
};

struct socksd_list {
    struct socksd_session *first, **last;
};

enum { SOCKSD_BLOCK = 65536, SOCKSD_PIPES = 8 };

struct socksd_thread {
    struct socksd *server;
    pthread_t thread;
    bool running, resting; // resting: no descriptors are left, so nobody is accepted for a while
    int poll, wake;
    uint64_t now_ms, rested;
    struct socksd_list lists[SESSION_DEAD];
    struct socksd_session *dead, *again;
    int pipes[SOCKSD_PIPES][2]; // empty ones, at hand
    size_t pipes_n;
    uint8_t block[SOCKSD_BLOCK];
};

struct socksd {
    struct socksd_place *places;
    size_t places_n;
    struct socksd_user *users;
    struct socksd_users known;
    uint32_t handshake_ms, connect_ms, idle_ms;
    struct socksd_gate gate;
    struct socksd_names names;
    int listeners[SOCKSD_LISTEN_MAX];
    size_t listeners_n, threads_n;
    struct socksd_thread *threads;
    atomic_bool stopping;
    _Atomic uint64_t accepted, served, refused, limited, failed;
};

// loop.c
uint64_t socksd_now(void); // milliseconds
enum err socksd_thread_start(struct socksd *s, struct socksd_thread *t);
void socksd_thread_wake(struct socksd_thread *t);
void socksd_thread_join(struct socksd_thread *t); // once told to stop and woken
void socksd_list_put(struct socksd_thread *t, struct socksd_session *c, enum session_state state);
bool socksd_watch(const struct socksd_thread *t, struct socksd_session *c, int side);

// session.c
// A connection that was accepted; the descriptor is the session's from then on, or closed.
void socksd_session_new(struct socksd_thread *t, int fd, const struct sockaddr *from);
// Something has happened on a side.
void socksd_session_event(struct socksd_thread *t, struct socksd_session *c, int side, uint32_t events);
// A name may have been found.
void socksd_session_resolve(struct socksd_thread *t, struct socksd_session *c);
// Its time in this state is over.
void socksd_session_late(struct socksd_thread *t, struct socksd_session *c);
void socksd_session_end(struct socksd_thread *t, struct socksd_session *c);

// flow.c
// Moves what can be moved, both ways. False: the connection is through.
bool socksd_flow(struct socksd_thread *t, struct socksd_session *c);
void socksd_held_free(struct socksd_thread *t, struct socksd_held *h);
// Keeps bytes; false without memory.
bool socksd_hold(struct socksd_session *c, int direction, struct span bytes);

#endif
