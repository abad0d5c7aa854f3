// SPDX-License-Identifier: Apache-2.0
//
// relay/hub: who follows which log on one worker, and how what happened in the store reaches them. The hub finds the followers
// of a log and tells them apart; what a follower does about an event is follow.c's.
#ifndef WHIMBREL_RELAY_HUB_H
#define WHIMBREL_RELAY_HUB_H

#include "net/net.h"
#include "store/store.h"

#include <stdatomic.h>

struct session;
struct relay;

// A log that somebody on this worker follows.
struct topic {
    uint8_t log[WIRE_ID];
    struct topic *next; // in its bucket
    struct follow *followers;
    uint64_t head; // the newest entry that an event told of
};

enum follow_state {
    FOLLOW_ASKING,  // its grant is being looked up; nothing is pushed
    FOLLOW_BEHIND,  // there are entries to read: in its session's queue
    FOLLOW_READING, // a read is under way
    FOLLOW_LIVE,    // has all there is
};

struct follow {
    struct topic *topic;
    struct follow *next, **link; // in its topic
    struct session *session;
    struct follow *session_next, **session_link; // in its session
    struct follow *queue_next;   // in its session's queue, while FOLLOW_BEHIND
    uint64_t sent;               // the last entry that was pushed, or that the client had
    uint64_t to_seq;             // of its grant
    uint8_t hash[WIRE_HASH];
    uint32_t tag;
    uint8_t state;
    bool again; // grants have changed while it was asking or reading
    bool gone;  // unfollowed while a job knows it: freed when that comes home
};

struct hub {
    struct topic **bucket;
    size_t buckets, topics;
    uint64_t seed[2];
    atomic_size_t follows;
    atomic_size_t waiting; // bytes of events that are on their way here
};

enum err hub_init(struct hub *h, const uint64_t seed[2]);
void hub_wipe(struct hub *h);
struct topic *hub_find(const struct hub *h, const uint8_t *log);
// A new follow of a log for a session, in state FOLLOW_ASKING.
enum err hub_follow(struct hub *h, struct session *s, const uint8_t *log, struct follow **out);
// Takes it out of topic and session and frees it.
void hub_unfollow(struct hub *h, struct follow *f);

// The store's watcher (`arg` is the relay): hands each worker that has followers a copy of the events.
void hub_watch(void *arg, const struct store_event *events, size_t n);

#endif
