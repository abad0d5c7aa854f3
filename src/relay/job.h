// SPDX-License-Identifier: Apache-2.0
//
// relay/job: one request on its way through another thread. A session makes it, a lane's thread performs it against the
// store, and it comes back to the session's loop, where `done` answers. It owns a copy of the message, into which the
// request points, and whatever came of it.
#ifndef WHIMBREL_RELAY_JOB_H
#define WHIMBREL_RELAY_JOB_H

#include "net/net.h"
#include "store/store.h"

struct session;
struct lane;

struct job {
    struct net_post post; // the way back
    struct job *next;     // in a lane
    void (*done)(struct job *j);
    struct net_loop *home;
    struct session *session;
    struct wire_request request;
    uint8_t hash[WIRE_HASH]; // of the request's key
    uint8_t name[WIRE_HASH]; // of the request's blob id
    struct store_host host;
    uint64_t now; // milliseconds since 1970, when it was made
    size_t size;  // of this struct and the message
    size_t promised; // bytes that its answer may have: see session_promise

    // What came of it. Which member counts is said by the request's type.
    enum wire_code code;
    struct store_appended appended;
    struct store_view view;
    struct store_blob blob;
    struct wire_pool pool;
    struct buf out; // encoded elements or bytes

    // Of a catch-up read: see follow.c.
    void *follow;
    uint64_t after;

    uint8_t message[];
};

// A job for a message, decoded; or for a request that the relay makes itself, with an empty one. ERR_MEMORY, and what
// wire_read_request says.
enum err job_new(struct session *s, struct span message, struct job **out);
void job_free(struct job *j);

#endif
