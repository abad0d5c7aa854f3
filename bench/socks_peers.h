// SPDX-License-Identifier: Apache-2.0
//
// bench/socks_peers: the SOCKS5 servers that benchmarks compare, each a process on a port of 127.0.0.1: our own, and those that people run
// today, as far as they are installed (hev-socks5-server: HEV names the program). The first is none at all.
#ifndef WHIMBREL_BENCH_SOCKS_PEERS_H
#define WHIMBREL_BENCH_SOCKS_PEERS_H

#include <stdint.h>
#include <sys/types.h>

struct socks_peer {
    const char *name;
    void (*run)(uint16_t port); // NULL: directly
};
enum { SOCKS_PEERS = 5 };
extern const struct socks_peer socks_peers[SOCKS_PEERS];

// Before all: the port of 127.0.0.1 that our own may be used for, and how many threads it has (0: as usual).
void socks_peers_open(uint16_t target, unsigned threads);
void socks_peers_close(void);
// The process, once it listens; -1 if it is not installed. Not for the first.
pid_t socks_peer_start(const struct socks_peer *c, uint16_t port);
void socks_peer_stop(pid_t child);

#endif
