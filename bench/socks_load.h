// SPDX-License-Identifier: Apache-2.0
//
// bench/socks_load: what the benchmark of SOCKS5 servers loads them with: a server behind the proxy, in a process of its own, and clients,
// all driven by one thread of this process. No proxy is in here. Functions abort where something fails: a benchmark has nobody to tell.
#ifndef WHIMBREL_BENCH_SOCKS_LOAD_H
#define WHIMBREL_BENCH_SOCKS_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// A process that answers on a port of 127.0.0.1: whoever sends 'e' first gets everything back, whoever sends 'b' gets bytes until they
// close. Ends with this process.
uint16_t load_target(pid_t *child);

// A way to the target: by a proxy's port, or directly where that is 0.
struct load_way {
    uint16_t proxy, target;
};
// Whether somebody listens on that port of 127.0.0.1 by now.
bool load_reaches(uint16_t port);

// Connections a second that are made, go through the handshake, send a byte, get it back and close; 64 at a time.
double load_connections(const struct load_way *w, double seconds);
#define LOAD_WARM 0.2 // seconds
// Gbit/s from the target, over n connections, once they have run for LOAD_WARM.
double load_bulk(const struct load_way *w, size_t n, double seconds);
// The median round trip of 64 bytes, in microseconds.
double load_round_trip(const struct load_way *w, size_t times);
// Bytes that the processes of this tree have per idle connection, of which n are opened, by what the kernel says is theirs (Pss).
double load_idle(const struct load_way *w, size_t n, pid_t tree);

// Seconds of processor time that this tree has used, those of its processes that have ended included. The system counts hundredths.
double load_processor(pid_t tree);

void load_check(bool ok, const char *what);

#endif
