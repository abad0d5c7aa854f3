// SPDX-License-Identifier: Apache-2.0
//
// bench/peer: what the relay's benchmark talks with: TLS connections driven by epoll with as little as possible around OpenSSL, and
// the echo server that is the floor. One thread drives all connections of a process, so that load and relay share two processors
// fairly. peer_*: the client's side; echo_*: the floor.
#ifndef WHIMBREL_BENCH_PEER_H
#define WHIMBREL_BENCH_PEER_H

#include "net/ws.h"
#include "wire/wire.h"

#include <openssl/ssl.h>
#include <sys/types.h>

struct peer {
    SSL *ssl;
    int fd;
    uint32_t index, next_id;
    struct ws_parser ws;
    bool raw; // no WebSocket: bytes are echoed
    uint8_t log[WIRE_ID], key[WIRE_KEY];
    uint64_t epoch, seen, sent_at;
    size_t owed; // echo: bytes still to come back
};

// Connects, handshakes, and, if there is a path, upgrades and says hello; blocking. Then it is non-blocking. Aborts on failure: a benchmark
// has nobody to tell.
void peer_open(struct peer *p, uint16_t port, const char *path, uint32_t credit);
void peer_close(struct peer *p);
// Sends one message; small ones are taken whole by the kernel.
void peer_send(struct peer *p, const struct wire_request *q);
void peer_send_raw(struct peer *p, struct span bytes);
// Waits for the next reply, which is valid until the next call; blocking use, before a measurement.
void peer_wait(struct peer *p, struct wire_reply *r);
// A new log of this peer's, with an all-powerful key.
void peer_create_log(struct peer *p);

// Drives peers until `stop` says so: `got` is called for every message (or, raw, with r NULL for every 1 KiB echoed).
void peer_run(struct peer *p, size_t n, void (*got)(struct peer *p, const struct wire_reply *r), bool (*stop)(void));

// A child process that echoes on a port. The port; the child ends with echo_stop.
uint16_t echo_start(pid_t *child);
void echo_stop(pid_t child);

double peer_now(void); // seconds
void peer_check(bool ok, const char *what);

#endif
