// SPDX-License-Identifier: Apache-2.0
//
// bench/daemon: a whimbreld for a benchmark: a process of its own, with a store in a new folder (WHIMBREL_BENCH_DIR, else /tmp), that
// takes as much as it is given. WHIMBRELD names the program, else build/whimbreld.
#ifndef WHIMBREL_BENCH_DAEMON_H
#define WHIMBREL_BENCH_DAEMON_H

#include <stdint.h>
#include <sys/types.h>

struct daemon_process {
    pid_t pid;
    uint16_t port;
    char folder[200], path[200], address[480];
};

// Aborts on failure.
void daemon_start(struct daemon_process *d);
void daemon_stop(struct daemon_process *d); // its folder goes

#endif
