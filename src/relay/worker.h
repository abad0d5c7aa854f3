// SPDX-License-Identifier: Apache-2.0
//
// relay/worker: one I/O thread: its loop, listeners, followers; how it starts, takes a new configuration, and drains.
#ifndef WHIMBREL_RELAY_WORKER_H
#define WHIMBREL_RELAY_WORKER_H

#include "relay/core.h"

// What all workers share and a reload changes. Counted: the last to let go frees it.
struct setup {
    atomic_size_t refs;
    struct config config;
    struct net_tls *tls;
    struct site *site;
    struct buf published; // what `ways` is answered with; empty: nothing
};
// Reads certificate, key and site as the configuration says. `why` names what is wrong.
enum err setup_new(const struct config *c, struct setup **out, char *why, size_t why_n);
struct setup *setup_ref(struct setup *s);
void setup_unref(struct setup *s);

enum err worker_init(struct worker *w, struct relay *r, struct setup *setup);
// Listens on these sockets, and runs.
enum err worker_start(struct worker *w, const int *sockets, size_t n);
// The rest may be called by the main thread. A new configuration, from now on:
enum err worker_reload(struct worker *w, struct setup *setup);
// Takes no new connection and request; what is under way is answered, then everybody is sent away.
void worker_drain(struct worker *w);
bool worker_drained(const struct worker *w);
// Ends the thread. Nothing may be posted to its loop any more.
void worker_stop(struct worker *w);
void worker_wipe(struct worker *w);
// Asks for a sign of life, and tells whether the last one was given.
bool worker_alive(struct worker *w);

#endif
