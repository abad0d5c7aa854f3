// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a history of operations on the relay's store, lived through by the SQLite engine and the engine in memory: logs,
// grants, key packages, blobs, batches that stand or are taken back, stops, time that passes (src/store/test/duel.h). Every answer is the same.
#include "kit.h"

#include "store/test/duel.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64];

static void leave(void)
{
    duel_clear(folder);
    (void)rmdir(folder);
}

void fuzz_open(void)
{
    bool memory = access("/dev/shm", W_OK) == 0;
    (void)snprintf(folder, sizeof folder, "%s/whimbrel-logs-XXXXXX", memory ? "/dev/shm" : "/tmp");
    must(mkdtemp(folder) != NULL);
    must(atexit(leave) == 0);
}

void fuzz_one(struct span bytes)
{
    duel_run(folder, bytes);
    duel_clear(folder);
}

// Operations as duel.c takes them apart: each seed does one thing to its end.
static void seed(const char *to, const char *name, const uint8_t *p, size_t n) { kit_seed(to, name, span_of(p, n)); }
#define SEED(name, ...) seed(to, name, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

void fuzz_seeds(const char *to)
{
    // First whether rows stay at hand; then CREATE 0: log, retention, host; APPEND 2: log, key, epoch, new key, size; 10: ADVANCE.
    SEED("append", 0, 0, 1, 0, 0, 2, 1, 0, 0, 0, 30, 19, 2, 1, 0, 0, 0, 40, 2, 1, 0, 0, 0, 50, 22, 2, 1, 0, 0, 0, 9);
    SEED("trim", 1, 0, 1, 0, 0, 2, 1, 0, 0, 0, 220, 2, 1, 0, 0, 0, 199, 2, 1, 0, 0, 0, 199, 19, 2, 1, 0, 0, 0, 250);
    SEED("advance", 0, 0, 1, 0, 0, 10, 1, 0, 0, 129, 30, 3, 19, 26, 10, 1, 0, 6, 130, 30, 2, 1, 129, 250, 0, 9);
    SEED("grants", 0, 0, 1, 0, 0, 13, 1, 0, 67, 2, 9, 129, 14, 1, 0, 67, 2, 9, 129, 15, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0);
    SEED("expire", 1, 0, 1, 129, 0, 2, 1, 0, 0, 0, 30, 23, 140, 2, 1, 0, 0, 0, 30, 23, 249, 26, 2, 1, 0, 0, 0, 30);
    SEED("packages", 0, 0, 1, 0, 0, 16, 1, 0, 4, 8, 9, 8, 7, 6, 5, 4, 3, 2, 1, 18, 1, 0, 22, 18, 1, 0, 19, 18, 1, 0);
    SEED("blobs", 0, 28, 1, 90, 1, 0, 29, 1, 0, 0, 99, 29, 1, 0, 0, 40, 30, 1, 0, 0, 0, 27, 255, 31, 1, 0, 0, 0, 23,
         255);
    SEED("quota", 0, 0, 1, 0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 2, 1, 0, 0, 0, 230, 28, 1, 90, 1, 0, 15, 1, 0, 0, 0, 0, 0);
}
