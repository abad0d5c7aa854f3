// SPDX-License-Identifier: Apache-2.0
//
// relay/lane: a thread that takes jobs off a queue, performs them against the store and sends them home. There are three kinds:
// one writes, and commits whatever waits in one batch; one reads logs; one does blobs. Jobs of one lane are performed in the
// order in which they were given.
#ifndef WHIMBREL_RELAY_LANE_H
#define WHIMBREL_RELAY_LANE_H

#include "crypto/crypto.h"
#include "relay/job.h"

#include <pthread.h>
#include <stdatomic.h>

enum lane_kind { LANE_WRITE, LANE_READ, LANE_BLOB, LANES };

// What a lane has done, for metrics; read by other threads.
struct lane_counts {
    atomic_ullong jobs, batches, refused, failures;
    atomic_ullong busy_us; // in the store, commits included
};

struct lane {
    enum lane_kind kind;
    const struct store_engine *engine;
    struct store *store;
    struct store_reader *reader; // of LANE_READ and LANE_BLOB
    struct crypto *crypto;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct job *first, **last;
    size_t waiting, waiting_max; // bytes
    bool made, started, stop;
    atomic_bool failing; // the last batch could not be stored
    // Of the monotonic clock, in microseconds: whoever sets the other one must not stop the tidying up.
    uint64_t expired_at; // when expire was last called
    uint64_t logged_at;  // 0: never
    struct lane_counts counts;
};

// waiting_max: bytes of jobs that may wait. A lane must not be moved.
enum err lane_init(struct lane *l, enum lane_kind kind, const struct store_engine *engine, struct store *store,
                   size_t waiting_max);
// Its thread, which performs what is given.
enum err lane_start(struct lane *l);
// Performs what waits, then ends the thread, if there is one, and frees what lane_init made. Nothing may be given any more.
void lane_stop(struct lane *l);
// Gives it a job; false if too much waits: the job stays the caller's. Jobs that the relay makes itself are always taken: there
// are never more of them than follows.
bool lane_give(struct lane *l, struct job *j);
// Without a thread (tests, fuzzers): performs one batch of what waits. False if nothing did.
bool lane_turn(struct lane *l);

#endif
