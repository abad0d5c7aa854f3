// SPDX-License-Identifier: Apache-2.0
//
// bench/engine: what a client's engine does on this machine: build/bench-engine [-r ROWS] [-m MESSAGES] [-c CHATS] [-s SECONDS] [-d FOLDER].
// Rows: vault (a profile with many conversations and messages; with -d it is kept in FOLDER, and used again), talk (two engines and
// build/whimbreld, each a process, all durable), crowd (what a message costs in groups of 2 and 1,000). docs/performance.md
// holds what it says.
#include "bench/engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const uint8_t ring_bytes[VAULT_SECRET] = {1};
const struct vault_secret bench_ring = {.kind = VAULT_KEYRING, .bytes = {ring_bytes, VAULT_SECRET}};

double engine_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void engine_check(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "bench-engine: %s failed\n", what);
    exit(1);
}

bool engine_wanted(const struct bench_options *o, const char *row)
{
    return o->rows == NULL || strstr(o->rows, row) != NULL;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double engine_quantile(double *values, size_t n, double part)
{
    qsort(values, n, sizeof *values, compare);
    size_t at = (size_t)((double)n * part);
    return n == 0 ? 0 : values[at < n ? at : n - 1];
}

void engine_folder(const char *name, char out[200])
{
    const char *where = getenv("WHIMBREL_BENCH_DIR");
    (void)snprintf(out, 200, "%s/whimbrel-bench-%s-%d", where != NULL ? where : "/tmp", name, (int)getpid());
    engine_folder_remove(out);
    engine_check(mkdir(out, 0700) == 0, out);
}

void engine_folder_remove(const char *folder)
{
    char line[300];
    (void)snprintf(line, sizeof line, "rm -rf '%s'", folder);
    engine_check(system(line) == 0, line);
}

int main(int argc, char **argv)
{
    struct bench_options o = {
        .self = argv[0], .messages = BENCH_MESSAGES, .chats = BENCH_CHATS, .seconds = 5};
    bool measure = false;
    for (int at; (at = getopt(argc, argv, "r:m:c:s:d:M")) != -1;) {
        if (at == 'r') o.rows = optarg;
        else if (at == 'd') o.folder = optarg;
        else if (at == 'm') o.messages = strtoul(optarg, NULL, 10);
        else if (at == 'c') o.chats = strtoul(optarg, NULL, 10);
        else if (at == 's') o.seconds = strtoul(optarg, NULL, 10);
        else if (at == 'M') measure = true;
        else return 2;
    }
    if (measure) {
        bench_vault_measure(&o);
        return 0;
    }
    if (engine_wanted(&o, "vault")) bench_vault(&o);
    if (engine_wanted(&o, "talk")) bench_talk(&o);
    if (engine_wanted(&o, "crowd")) bench_crowd(&o);
    return 0;
}
