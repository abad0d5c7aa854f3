// SPDX-License-Identifier: Apache-2.0
//
// relay/control: what the operator can ask a running relay: plain HTTP on a socket in the data folder and, if configured, on
// a local port. GET /metrics (Prometheus), /health, /status (for people).
#ifndef WHIMBREL_RELAY_CONTROL_H
#define WHIMBREL_RELAY_CONTROL_H

#include "relay/core.h"

enum { CONTROL_SOCKETS = 2 };

struct control {
    struct relay *relay;
    const struct config *config;
    struct store_reader *reader;
    int fd[CONTROL_SOCKETS]; // -1: none
    int stop[2];
    pthread_t thread;
    bool started;
};

// Opens the sockets; before the sandbox. `why` says what failed.
enum err control_open(struct control *c, const struct config *config, char *why, size_t why_n);
enum err control_start(struct control *c, struct relay *relay);
void control_stop(struct control *c);

// A page, by its path; false if there is none.
bool control_page(const struct control *c, struct span path, struct buf *out);

#endif
