// SPDX-License-Identifier: Apache-2.0
//
// bench/reach: the SOCKS5 server beside those that people run today: build/bench-reach [-s SECONDS] [-n ROUNDS] [-o NAME]... starts each in
// turn on this machine, loads all in the same way from one thread, and prints a table of medians; with -b of what was best, for a machine that
// others use. Peers are what is installed: microsocks, danted, and hev-socks5-server where HEV names the program; who is missing is left out
// and named.
#include "bench/socks_load.h"

#include "socksd/socksd.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
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

static char folder[100];
static uint16_t target;

static void write_file(const char *name, const char *text, char path[200])
{
    (void)snprintf(path, 200, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    load_check(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0, path);
}

// ----------------------------------------------------------------------------------------------------------- who there is

static void run_own(uint16_t port)
{
    struct socksd_options o;
    char allow[40], why[SOCKSD_WHY] = "";
    const char *list[] = {allow};
    struct socksd *s = NULL;
    (void)snprintf(allow, sizeof allow, "127.0.0.1:%u", (unsigned)target);
    socksd_defaults(&o);
    o.allow = list;
    o.allow_n = 1;
    o.anyone = true;
    o.connections_max = o.connections_per_address = 100000;
    o.rate = o.rate_per_address = 0;
    o.threads = options.threads;
    enum err e = socksd_new(&o, &s, why);
    if (e == ERR_OK) e = socksd_listen(s, "127.0.0.1", &port, why);
    if (e == ERR_OK) e = socksd_start(s);
    if (e != ERR_OK) fprintf(stderr, "bench-reach: %s: %s\n", err_text(e), why);
    while (e == ERR_OK) (void)pause();
}

static void run_microsocks(uint16_t port)
{
    char text[10];
    (void)snprintf(text, sizeof text, "%u", (unsigned)port);
    (void)execlp("microsocks", "microsocks", "-i", "127.0.0.1", "-p", text, (char *)NULL);
}

static void run_dante(uint16_t port)
{
    char text[600], path[200], pid[220];
    (void)snprintf(text, sizeof text,
                   "internal: 127.0.0.1 port = %u\nexternal: lo\nsocksmethod: none\nclientmethod: none\n"
                   "user.privileged: root\nuser.unprivileged: nobody\nlogoutput: /dev/null\n"
                   "client pass { from: 0/0 to: 0/0 }\nsocks pass { from: 0/0 to: 0/0 }\n",
                   (unsigned)port);
    write_file("danted.conf", text, path);
    (void)snprintf(pid, sizeof pid, "%s.pid", path);
    (void)execlp("danted", "danted", "-f", path, "-p", pid, (char *)NULL);
}

static void run_hev(uint16_t port)
{
    char text[600], path[200];
    const char *program = getenv("HEV");
    (void)snprintf(text, sizeof text,
                   "main:\n  workers: 2\n  port: %u\n  listen-address: '127.0.0.1'\nmisc:\n  log-level: error\n",
                   (unsigned)port);
    write_file("hev.yml", text, path);
    (void)execlp(program != NULL ? program : "hev-socks5-server", "hev-socks5-server", path, (char *)NULL);
}

static const struct candidate {
    const char *name;
    void (*run)(uint16_t port); // NULL: directly
} candidates[] = {{"direct, no proxy", NULL},
                  {"whimbrel proxy serve", run_own},
                  {"microsocks", run_microsocks},
                  {"dante", run_dante},
                  {"hev-socks5-server, 2 workers", run_hev}};
enum { CANDIDATES = sizeof candidates / sizeof *candidates };

static pid_t start(const struct candidate *c, uint16_t port)
{
    pid_t child = fork();
    load_check(child >= 0, "fork");
    if (child == 0) {
        (void)setpgid(0, 0);
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (c->run != run_own) (void)!freopen("/dev/null", "w", stderr); // some name each connection
        c->run(port);
        _exit(127);
    }
    for (int i = 0; i < 200; i++) {
        if (load_reaches(port)) return child;
        if (waitpid(child, NULL, WNOHANG) == child) return -1;
        (void)usleep(20000);
    }
    load_check(false, c->name);
    return -1;
}

static void stop(pid_t child)
{
    (void)kill(-child, SIGTERM);
    for (int i = 0; i < 100 && waitpid(child, NULL, WNOHANG) != child; i++) (void)usleep(10000);
    (void)kill(-child, SIGKILL);
    (void)waitpid(child, NULL, WNOHANG);
}

// ------------------------------------------------------------------------------------------------------------- the table

static double measured[CANDIDATES][COLUMNS][ROUNDS_MAX];

static bool measure(size_t i, int round)
{
    const struct candidate *c = &candidates[i];
    struct load_way w = {.target = target};
    pid_t child = -1;
    if (c->run != NULL) {
        w.proxy = (uint16_t)(PORT + 100 * round + (int)i);
        child = start(c, w.proxy);
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
    if (child > 0) stop(child);
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
    printf("| %s | %.0f | %.1f / %.1f Gbit/s | %.0f µs | ", candidates[i].name, m[0], m[1], m[2], m[3]);
    if (candidates[i].run == NULL) printf(" | |\n");
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
    bool there[CANDIDATES];
    pid_t serving;
    if (read_options(argc, argv) != 0) {
        fprintf(stderr, "bench-reach [-s SECONDS] [-n ROUNDS] [-o NAME] [-t THREADS] [-i IDLE] [-b]\n");
        return 2;
    }
    (void)setrlimit(RLIMIT_NOFILE, &many);
    (void)snprintf(folder, sizeof folder, "/tmp/whimbrel-bench-reach-XXXXXX");
    load_check(mkdtemp(folder) != NULL, "a folder in /tmp");
    target = load_target(&serving);
    for (size_t i = 0; i < CANDIDATES; i++)
        there[i] = options.only == NULL || strstr(candidates[i].name, options.only) != NULL;
    for (int round = 0; round < options.rounds; round++) {
        for (size_t i = 0; i < CANDIDATES; i++) there[i] = there[i] && measure(i, round);
    }
    printf("| | connect + handshake + 1 byte, per s | bulk, 1 / 32 connections | round trip p50 | idle connection "
           "| processor time: a connection, a gigabyte |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < CANDIDATES; i++) {
        if (there[i]) print(i);
        else if (options.only == NULL) printf("| %s | not installed | | | | |\n", candidates[i].name);
    }
    (void)kill(serving, SIGKILL);
    char command[200];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) == 0 ? 0 : 1;
}
