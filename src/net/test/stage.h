// SPDX-License-Identifier: Apache-2.0
//
// src/net/test/stage: what the tests of connections share: a loop with a listener on loopback, peers that remember what they
// were told, and a bound on how long a test may take. A test ends by stopping its loop; what was expected is checked then.
#ifndef WHIMBREL_NET_TEST_STAGE_H
#define WHIMBREL_NET_TEST_STAGE_H

#include "unit.h"

#include "net/inner.h"

#include <netinet/in.h>

struct stage;

struct peer {
    struct stage *stage;
    struct net_conn *conn; // NULL once closed
    struct buf got;
    size_t opened, drained, closed;
    enum err why;
    // What a test does at these moments; any may be NULL.
    void (*on_open)(struct peer *p);
    void (*on_data)(struct peer *p, struct span bytes);
    void (*on_drained)(struct peer *p);
    void (*on_closed)(struct peer *p);
    size_t count; // a test's own
    uint64_t hash;
};

struct stage {
    char folder[32], certificate[64], key[64];
    struct net_loop *loop;
    struct net_tls *server, *client;
    struct net_listener *listener;
    struct sockaddr_in address;
    int fd;
    uint32_t handshake_ms;
    bool refuse;
    struct net_timer bound;
    struct peer *accepted[512];
    size_t n;                  // accepted
    struct peer model;         // what accepted ones are made from
    uint8_t seen[16];          // the last address that admit was asked about
    size_t seen_n;
};

void stage_open(struct stage *s);
// Runs the loop until a test stops it.
void stage_run(struct stage *s);
void stage_close(struct stage *s);
void stage_connect(struct stage *s, struct peer *p, struct net_tls *tls);
// A blocking socket, connected to the listener.
int stage_socket(const struct stage *s);
void peer_wipe(struct peer *p);

#endif
