// SPDX-License-Identifier: Apache-2.0
//
// relay/quota: how much each address and each connection may ask of the relay. An IPv6 client is counted by its /64, since it can
// take any address of that. Nothing here outlives the connections by more than two seconds: after so long every bucket is full
// again, and until then whoever comes back finds what was left, not a full one.
#ifndef WHIMBREL_RELAY_QUOTA_H
#define WHIMBREL_RELAY_QUOTA_H

#include "base/base.h"

#include <pthread.h>
#include <stdatomic.h>

// A token bucket: so many a second, twice that at once.
struct bucket {
    uint64_t level; // thousandths of a token
    uint64_t at;    // milliseconds
};
// Takes one token; else false, and *wait is how many milliseconds until there is one. rate 0: no limit.
bool bucket_take(struct bucket *b, uint64_t now_ms, uint64_t rate, uint64_t *wait);

struct quota_entry {
    uint8_t address[16];
    uint8_t size;
    uint32_t connections;
    struct bucket bucket;
    atomic_size_t waiting; // bytes of requests under way, over all of its connections
    struct quota_entry *next;
    struct quota_entry *left_next, **left_link; // without connections, in the order in which the last one went
    uint64_t left_at;                           // milliseconds
};

// Shared by all workers. Who takes part in no attack is held up by a short lock at most.
struct quota {
    pthread_mutex_t lock;
    struct quota_entry **table;
    size_t buckets, entries, connections;
    struct quota_entry *left, **left_last;
    uint64_t seed[2];
};

enum err quota_init(struct quota *q, const uint64_t seed[2]);
void quota_wipe(struct quota *q);
// A connection from this address: NULL if it, or the relay as a whole, has too many, or without memory. now_ms: any clock that
// does not go back, the same in all calls.
struct quota_entry *quota_enter(struct quota *q, const uint8_t *address, size_t n, uint64_t now_ms,
                                uint64_t per_address, uint64_t all);
void quota_leave(struct quota *q, struct quota_entry *e, uint64_t now_ms);
// Forgets addresses that have left, two seconds after that. For whoever has a clock that ticks when nobody comes.
void quota_tidy(struct quota *q, uint64_t now_ms);
// One request of this address.
bool quota_take(struct quota *q, struct quota_entry *e, uint64_t now_ms, uint64_t rate, uint64_t *wait);
size_t quota_connections(struct quota *q);

#endif
