// SPDX-License-Identifier: Apache-2.0
//
// bench/route: what a proxy adds to the time that a client and its relay need for a question and its answer, beside what it adds to a bare
// round trip of 64 bytes: build/bench-route [-n ROUNDS] [-t TIMES]. A link to build/whimbreld asks for what needs no disk, once after the other,
// directly and by each proxy that is installed; in each round everything has its turn, and the medians are of all rounds.
#include "bench/daemon.h"
#include "bench/peer.h"
#include "bench/socks_load.h"
#include "bench/socks_peers.h"

#include "link/link.h"
#include "reach/reach.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROUNDS_MAX = 100, TIMES_MAX = 20000, WARM = 200, PORT = 23080 };

static struct {
    struct net_loop *loop;
    struct link *link;
    struct net_timer end;
    size_t asked, times;
    double at, took[TIMES_MAX + WARM];
} run;

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, compare);
    return v[n / 2];
}

// ------------------------------------------------------------------------------------------------------------- the link

static void ask(void);

static void on_answer(void *arg, const struct wire_reply *r)
{
    (void)arg;
    load_check(r != NULL, "an answer");
    run.took[run.asked++] = peer_now() - run.at;
    if (run.asked < run.times + WARM) ask();
    else net_loop_pause(run.loop);
}

// Of a log that there is not: an answer from the store's thread, and nothing from the disk.
static void ask(void)
{
    static const uint8_t id[WIRE_ID] = {1};
    const struct wire_request r = {.type = WIRE_LOG_STAT, .log = id, .key = id};
    run.at = peer_now();
    load_check(link_ask(run.link, &r, on_answer, NULL) == ERR_OK, "a question");
}

static void on_up(void *arg, const struct wire_reply *hello)
{
    (void)arg;
    (void)hello;
    ask();
}

static void on_down(void *arg, const struct link_failure *why, uint32_t retry_ms)
{
    (void)arg;
    (void)retry_ms;
    fprintf(stderr, "bench-route: the link failed: %s\n", err_text(why->err));
    exit(1);
}

static void on_push(void *arg, const struct wire_reply *r)
{
    (void)arg;
    (void)r;
}

static void on_end(struct net_timer *t)
{
    (void)t;
    net_loop_stop(run.loop);
}

// Microseconds from a question to its answer, by a proxy's port, or directly where that is 0.
static double link_round_trip(const char *relay, uint16_t proxy, size_t times)
{
    static const struct link_events events = {.up = on_up, .down = on_down, .push = on_push};
    const struct reach_settings none = {0};
    struct route by = {.kind = ROUTE_SOCKS5, .login = SOCKS5_OPEN, .host = "127.0.0.1", .port = proxy};
    struct link_address to;
    struct reach *reach = NULL;
    const char *why = "";
    uint32_t id;
    run.asked = 0;
    run.times = times;
    load_check(net_loop_new(&run.loop) == ERR_OK && reach_new(run.loop, &none, &reach) == ERR_OK, "a loop");
    load_check(link_address_read(span_str(relay), &to, &why) == ERR_OK, why);
    if (proxy != 0) {
        load_check(reach_add(reach, &by, &id) == ERR_OK, "a route");
        reach_set_policy(reach, REACH_PROXY_ONLY);
    }
    const struct link_settings s = {.reach = reach};
    load_check(link_new(run.loop, &to, &s, &events, NULL, &run.link) == ERR_OK, "a link");
    link_open(run.link);
    net_loop_run(run.loop);
    link_free(run.link);
    net_timer_start(run.loop, &run.end, 1, on_end);
    net_loop_run(run.loop);
    reach_free(reach);
    net_loop_free(run.loop);
    return 1e6 * median(run.took + WARM, times);
}

// ------------------------------------------------------------------------------------------------------------- the table

static double bare[SOCKS_PEERS][ROUNDS_MAX], linked[SOCKS_PEERS][ROUNDS_MAX];

// One way to the target of a kind, and one to the relay: a proxy is told of one place.
static bool measure(size_t i, size_t round, uint16_t target, const struct daemon_process *relay, size_t times)
{
    for (int which = 0; which < 2; which++) {
        struct load_way w = {.target = target};
        pid_t child = -1;
        if (socks_peers[i].run != NULL) {
            w.proxy = (uint16_t)(PORT + 50 * round + 2 * i + (unsigned)which);
            socks_peers_open(which == 0 ? target : relay->port, 0);
            child = socks_peer_start(&socks_peers[i], w.proxy);
        }
        bool there = child >= 0 || socks_peers[i].run == NULL;
        if (there && which == 0) bare[i][round] = load_round_trip(&w, times);
        if (there && which == 1) linked[i][round] = link_round_trip(relay->address, w.proxy, times);
        if (child > 0) socks_peer_stop(child);
        if (socks_peers[i].run != NULL) socks_peers_close();
        if (!there) return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct daemon_process relay;
    size_t rounds = 7, times = 5000;
    bool there[SOCKS_PEERS];
    pid_t serving;
    for (int c; (c = getopt(argc, argv, "n:t:")) != -1;) {
        if (c == 'n') rounds = strtoul(optarg, NULL, 10);
        else if (c == 't') times = strtoul(optarg, NULL, 10);
        else rounds = 0;
    }
    if (rounds < 1 || rounds > ROUNDS_MAX || times < 1 || times > TIMES_MAX) {
        fprintf(stderr, "bench-route [-n ROUNDS] [-t TIMES]\n");
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    daemon_start(&relay);
    uint16_t target = load_target(&serving);
    for (size_t i = 0; i < SOCKS_PEERS; i++) there[i] = true;
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < SOCKS_PEERS; i++) there[i] = there[i] && measure(i, round, target, &relay, times);
    }
    printf("| | 64 bytes there and back, p50 | the proxy adds | a question to the relay and its answer, p50 | the route adds |\n|---|---|---|---|---|\n");
    double direct[2] = {median(bare[0], rounds), median(linked[0], rounds)};
    for (size_t i = 0; i < SOCKS_PEERS; i++) {
        double a = there[i] ? median(bare[i], rounds) : 0, b = there[i] ? median(linked[i], rounds) : 0;
        if (!there[i]) printf("| %s | not installed | | | |\n", socks_peers[i].name);
        else if (i == 0) printf("| %s | %.0f µs | | %.0f µs | |\n", socks_peers[i].name, a, b);
        else printf("| %s | %.0f µs | %.0f µs | %.0f µs | %.0f µs |\n", socks_peers[i].name, a, a - direct[0], b, b - direct[1]);
    }
    (void)kill(serving, SIGKILL);
    daemon_stop(&relay);
    return 0;
}
