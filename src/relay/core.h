// SPDX-License-Identifier: Apache-2.0
//
// relay/core: what the parts of the relay share: the relay itself, and one worker for each I/O thread. A worker's connections,
// followers and timers belong to its thread alone; everything between threads goes through lanes, net_loop_post, or atomics.
#ifndef WHIMBREL_RELAY_CORE_H
#define WHIMBREL_RELAY_CORE_H

#include "relay/config.h"
#include "relay/hub.h"
#include "relay/lane.h"
#include "relay/quota.h"
#include "relay/site.h"

struct setup;

enum { RELAY_WORKERS_MAX = 16, RELAY_LISTENERS_MAX = CONFIG_LISTEN_MAX };

// Counted by one worker's thread, read by others.
struct worker_counts {
    atomic_ullong accepted, refused, sessions, visitors, requests, errors, pushes, pushed_bytes, pages;
    atomic_ullong request_of[64]; // by type
};

struct worker {
    struct relay *relay;
    struct net_loop *loop;
    struct crypto *crypto;
    pthread_t thread;
    bool started;
    struct hub hub;
    struct setup *setup; // of the last reload; the next three are parts of it
    const struct config *config;
    struct net_tls *tls;
    struct site *site;
    struct net_listener *listener[RELAY_LISTENERS_MAX];
    size_t promised;          // bytes that the answers to all requests under way may have
    struct session *sessions; // all of them, so that a stop can say goodbye
    bool stopping; // draining
    struct net_timer drain;
    struct net_post drain_post, beat_post;
    atomic_bool drained, beating;
    struct net_post missed; // see follow_missed
    atomic_bool missing;
    struct worker_counts counts;
};

struct relay {
    const struct store_engine *engine;
    struct store *store;
    struct lane lane[LANES];
    struct worker worker[RELAY_WORKERS_MAX];
    size_t workers;
    struct quota quota; // connections and rates by address
    atomic_ullong serial; // of sessions
    uint64_t started; // seconds since 1970
    uint8_t path_hash[WIRE_HASH]; // of "/SECRET"
};

// Milliseconds since 1970.
uint64_t relay_now(void);
enum err relay_hash(struct crypto *c, const uint8_t *p, size_t n, uint8_t out[WIRE_HASH]);

// What a failure to open or use a store means, and what to do.
const char *relay_store_text(enum err e);

// ---------------------------------------------------------------------------------------------------------- log lines

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
// One line on standard error: "<3>" and the like for the journal, or a time no finer than the operator asked for. Never an address,
// id or key.
void relay_log(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void relay_log_setup(uint64_t seconds, bool journal, enum log_level least);

#endif
