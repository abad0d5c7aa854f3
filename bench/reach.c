// SPDX-License-Identifier: Apache-2.0
//
// bench/reach: the SOCKS5 server beside those that people run today: build/bench-reach [-s SECONDS] [-n ROUNDS] [-o NAME]... starts each in
// turn on this machine, loads all in the same way from one thread, and prints a table of medians; with -b of what was best, for a machine that
// others use. Peers are what is installed: microsocks, danted, and hev-socks5-server where HEV names the program; who is missing is left out
// and named.
#include "bench/socks_load.h"
#include "bench/socks_peers.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { COLUMNS = 7, ROUNDS_MAX = 60, PORT = 21080 };

static struct {
    double seconds;
    int rounds;
    const char *only;
    unsigned threads;
    size_t idle;
    bool best;
} options = {.seconds = 2, .rounds = 3, .idle = 2000};

static uint16_t target;

// ------------------------------------------------------------------------------------------------------------- the table

static double measured[SOCKS_PEERS][COLUMNS][ROUNDS_MAX];

static bool measure(size_t i, int round)
{
    const struct socks_peer *c = &socks_peers[i];
    struct load_way w = {.target = target};
    pid_t child = -1;
    if (c->run != NULL) {
        w.proxy = (uint16_t)(PORT + 100 * round + (int)i);
        child = socks_peer_start(c, w.proxy);
        if (child < 0) return false;
    }
    measured[i][4][round] = c->run != NULL ? load_idle(&w, options.idle, child) : NAN;
    double spent = load_processor(child), more;
    measured[i][0][round] = load_connections(&w, options.seconds);
    measured[i][5][round] = 1e6 * ((more = load_processor(child)) - spent) / (measured[i][0][round] * options.seconds);
    spent = more;
    measured[i][1][round] = load_bulk(&w, 1, options.seconds);
    measured[i][6][round] =
        1e3 * (load_processor(child) - spent) / (measured[i][1][round] / 8 * (options.seconds + LOAD_WARM));
    measured[i][2][round] = load_bulk(&w, 32, options.seconds);
    measured[i][3][round] = load_round_trip(&w, (size_t)(5000 * options.seconds));
    if (child > 0) socks_peer_stop(child);
    return true;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

// The median of the rounds, or the best of them: of the first three columns the most, of the fourth the least. Memory and processor time do
// not hang on what others do.
static double of_rounds(double *v, size_t column)
{
    qsort(v, (size_t)options.rounds, sizeof *v, compare);
    if (!options.best || column > 3) return v[options.rounds / 2];
    return v[column < 3 ? options.rounds - 1 : 0];
}

static void print(size_t i)
{
    double m[COLUMNS];
    for (size_t k = 0; k < COLUMNS; k++) m[k] = of_rounds(measured[i][k], k);
    printf("| %s | %.0f | %.1f / %.1f Gbit/s | %.0f µs | ", socks_peers[i].name, m[0], m[1], m[2], m[3]);
    if (socks_peers[i].run == NULL) printf(" | |\n");
    else printf("%.2f kB | %.0f µs, %.0f ms |\n", m[4] / 1000, m[5], m[6]);
    (void)fflush(stdout);
}

static int read_options(int argc, char **argv)
{
    for (int c; (c = getopt(argc, argv, "s:n:o:t:i:b")) != -1;) {
        if (c == 's') options.seconds = strtod(optarg, NULL);
        else if (c == 'n') options.rounds = (int)strtol(optarg, NULL, 10);
        else if (c == 'o') options.only = optarg;
        else if (c == 't') options.threads = (unsigned)strtoul(optarg, NULL, 10);
        else if (c == 'b') options.best = true;
        else if (c == 'i') options.idle = strtoul(optarg, NULL, 10);
        else return -1;
    }
    return options.rounds > 0 && options.rounds <= ROUNDS_MAX ? 0 : -1;
}

int main(int argc, char **argv)
{
    const struct rlimit many = {65536, 65536};
    bool there[SOCKS_PEERS];
    pid_t serving;
    if (read_options(argc, argv) != 0) {
        fprintf(stderr, "bench-reach [-s SECONDS] [-n ROUNDS] [-o NAME] [-t THREADS] [-i IDLE] [-b]\n");
        return 2;
    }
    (void)setrlimit(RLIMIT_NOFILE, &many);
    target = load_target(&serving);
    socks_peers_open(target, options.threads);
    for (size_t i = 0; i < SOCKS_PEERS; i++)
        there[i] = options.only == NULL || strstr(socks_peers[i].name, options.only) != NULL;
    for (int round = 0; round < options.rounds; round++) {
        for (size_t i = 0; i < SOCKS_PEERS; i++) there[i] = there[i] && measure(i, round);
    }
    printf("| | connect + handshake + 1 byte, per s | bulk, 1 / 32 connections | round trip p50 | idle connection "
           "| processor time: a connection, a gigabyte |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < SOCKS_PEERS; i++) {
        if (there[i]) print(i);
        else if (options.only == NULL) printf("| %s | not installed | | | | |\n", socks_peers[i].name);
    }
    (void)kill(serving, SIGKILL);
    socks_peers_close();
    return 0;
}
