// SPDX-License-Identifier: Apache-2.0
//
// test-model [--seed N] [--count N] [--members N] [--steps N]: plays histories with the seeds N, N + 1, … and prints a TAP
// line for each. --members bounds the size of groups (at most 64); --steps cuts a history short, to find where it goes
// wrong. The first failure ends the program, and says how to see it again.
#include "model.h"

struct options {
    uint64_t seed, count;
    uint32_t members, steps;
};

static bool read_option(struct options *o, const char *name, const char *value)
{
    char *end = NULL;
    unsigned long long n = strtoull(value, &end, 0);
    if (*end != 0 || end == value) return false;
    if (strcmp(name, "--seed") == 0) o->seed = n;
    else if (strcmp(name, "--count") == 0) o->count = n;
    else if (strcmp(name, "--members") == 0) o->members = (uint32_t)n;
    else if (strcmp(name, "--steps") == 0) o->steps = (uint32_t)n;
    else return false;
    return true;
}

int main(int argc, char **argv)
{
    static struct model m;
    struct options o = {.seed = 1, .count = 200, .members = 64};
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 < argc && read_option(&o, argv[i], argv[i + 1])) continue;
        fprintf(stderr, "usage: test-model [--seed N] [--count N] [--members N] [--steps N]\n");
        return 2;
    }
    printf("1..%llu\n", (unsigned long long)o.count);
    for (uint64_t i = 0; i < o.count; i++) {
        model_open(&m, o.seed + i, o.members, o.steps);
        play(&m);
        printf("ok %llu - seed %llu: suite 0x%04X, %zu members, %zu commits (%zu lost, seen %zu times, %zu from outside), %zu proposals, "
               "%zu of %zu messages heard, %zu removed, %zu joined, %zu restarts, %zu rollbacks, %zu branches, %zu reinits\n",
               (unsigned long long)i + 1, (unsigned long long)m.seed, m.suite, m.count.most, m.count.commits, m.count.lost, m.count.seen,
               m.count.resyncs, m.count.proposals, m.count.heard, m.count.letters, m.count.removed, m.count.joins,
               m.count.restarts, m.count.rollbacks, m.count.branches, m.count.reinits);
        (void)fflush(stdout);
        model_close(&m);
    }
    return 0;
}
