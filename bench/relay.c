// SPDX-License-Identifier: Apache-2.0
//
// bench/relay: what a relay on this machine does, beside its floor in the same run: build/bench-relay [-s SECONDS] [-r ROWS] starts
// build/whimbreld with a store in a folder of its own (WHIMBREL_BENCH_DIR, else /tmp) and loads it from one thread on the same
// processors. Rows: echo (the floor), append, fan-out, latency, idle. docs/performance.md holds such a table.
#include "bench/daemon.h"
#include "bench/peer.h"
#include "relay/relay.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
    double seconds;
    const char *rows;
    unsigned long peers, depth, followers, idle;
} options = {.seconds = 5, .peers = 100, .depth = 1, .followers = 1000, .idle = 10000};

static double deadline;
static bool out_of_time(void) { return peer_now() >= deadline; }
static bool wanted(const char *row) { return options.rows == NULL || strstr(options.rows, row) != NULL; }

// ------------------------------------------------------------------------------------------------------------ the relay

// Kilobytes of resident memory.
static double resident(pid_t pid)
{
    char path[64], line[200];
    double kb = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) (void)sscanf(line, "VmRSS: %lf", &kb);
    if (f != NULL) (void)fclose(f);
    return kb;
}

static double cpu_of(pid_t pid)
{
    char path[64];
    unsigned long user = 0, system = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "re");
    if (f != NULL) {
        peer_check(fscanf(f, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) == 2, "stat");
        (void)fclose(f);
    }
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

// ---------------------------------------------------------------------------------------------------------------- rows

static const uint8_t payload[1024] = {1};
static unsigned long long count;

static void echoed(struct peer *p, const struct wire_reply *r)
{
    (void)r;
    count++;
    peer_send_raw(p, span_of(payload, sizeof payload));
}

static double row_echo(void)
{
    pid_t child;
    uint16_t port = echo_start(&child);
    struct peer *p = calloc(options.peers, sizeof *p);
    for (size_t i = 0; i < options.peers; i++) peer_open(&p[i], port, NULL, 0);
    for (size_t i = 0; i < options.peers; i++) peer_send_raw(&p[i], span_of(payload, sizeof payload));
    count = 0;
    double from = peer_now();
    deadline = from + options.seconds;
    peer_run(p, options.peers, echoed, out_of_time);
    double rate = (double)count / (peer_now() - from);
    printf("| echo, %lu connections: the floor | %.0f /s | |\n", options.peers, rate);
    for (size_t i = 0; i < options.peers; i++) peer_close(&p[i]);
    echo_stop(child);
    free(p);
    return rate;
}

static void append(struct peer *p)
{
    peer_send(p, &(struct wire_request){
                     .type = WIRE_LOG_APPEND, .log = p->log, .key = p->key, .payload = span_of(payload, sizeof payload)});
}

static void appended(struct peer *p, const struct wire_reply *r)
{
    peer_check(r->type == WIRE_R_APPENDED, "append");
    count++;
    append(p);
}

// A counter of the relay's, by its name in the metrics.
static double metric(const struct daemon_process *r, const char *name)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    peer_check(relay_ask(r->folder, "/metrics", &b) == ERR_OK, "metrics");
    buf_put_u8(&b, 0);
    const char *at = strstr((const char *)b.p, name);
    peer_check(at != NULL, name);
    double v = strtod(at + strlen(name), NULL);
    buf_wipe(&b);
    return v;
}

static void row_append(struct daemon_process *r, double floor)
{
    static const char jobs[] = "\nwhimbrel_lane_jobs_total{lane=\"write\"}", batches[] = "\nwhimbrel_lane_batches_total{lane=\"write\"}";
    struct peer *p = calloc(options.peers, sizeof *p);
    for (size_t i = 0; i < options.peers; i++) {
        peer_open(&p[i], r->port, r->path, 0);
        peer_create_log(&p[i]);
    }
    for (size_t i = 0; i < options.peers * options.depth; i++) append(&p[i % options.peers]);
    count = 0;
    double jobs_before = metric(r, jobs), batches_before = metric(r, batches);
    double cpu = cpu_of(r->pid), from = peer_now();
    deadline = from + options.seconds;
    peer_run(p, options.peers, appended, out_of_time);
    double took = peer_now() - from, rate = (double)count / took;
    printf("| append 1 KiB, durable, %lu connections, %lu in flight each | %.0f /s | %.2f of echo; %.0f rows a commit; relay %.0f %% of a processor |\n",
           options.peers, options.depth, rate, rate / floor, (metric(r, jobs) - jobs_before) / (metric(r, batches) - batches_before),
           100 * (cpu_of(r->pid) - cpu) / took);
    fflush(stdout);
    for (size_t i = 0; i < options.peers; i++) peer_close(&p[i]);
    free(p);
}

static void follow(struct peer *p, const struct peer *of, size_t logs, uint32_t first_tag)
{
    struct buf list;
    struct wire_reply r;
    buf_init(&list, WIRE_FRAME_MAX);
    for (size_t i = 0; i < logs; i++) {
        wire_put_follow(&list, &(struct wire_follow){.tag = first_tag + (uint32_t)i, .log = of[i].log, .key = of[i].key, .after = 0});
    }
    peer_send(p, &(struct wire_request){.type = WIRE_FOLLOW, .follows = buf_span(&list)});
    peer_wait(p, &r);
    peer_check(r.type == WIRE_R_FOLLOWED, "follow");
    buf_wipe(&list);
}

static unsigned long fan_in_flight;

static void delivered(struct peer *p, const struct wire_reply *r)
{
    if (r->type == WIRE_R_APPENDED) {
        append(p);
        return;
    }
    struct wire_entry e;
    if (r->type != WIRE_P_ENTRIES) return;
    for (struct span list = r->entries; wire_next_entry(&list, &e);) {
        count++;
        p->seen += e.payload.n + 64;
    }
    if (p->seen > 100000) {
        peer_send(p, &(struct wire_request){.type = WIRE_CREDIT, .credit = (uint32_t)p->seen});
        p->seen = 0;
    }
}

static void row_fan_out(struct daemon_process *r, double floor)
{
    size_t n = options.followers + 1;
    struct peer *p = calloc(n, sizeof *p);
    for (size_t i = 0; i < n; i++) peer_open(&p[i], r->port, r->path, 1 << 20);
    peer_create_log(&p[0]);
    for (size_t i = 1; i < n; i++) follow(&p[i], &p[0], 1, 1);
    (void)fan_in_flight;
    for (int i = 0; i < 4; i++) append(&p[0]);
    count = 0;
    double from = peer_now();
    deadline = from + options.seconds;
    peer_run(p, n, delivered, out_of_time);
    double rate = (double)count / (peer_now() - from);
    printf("| one writer, %lu followers: deliveries | %.0f /s | %.2f of echo |\n", options.followers, rate, rate / floor);
    fflush(stdout);
    for (size_t i = 0; i < n; i++) peer_close(&p[i]);
    free(p);
}

enum { LATENCIES = 200000 };
static double latency[LATENCIES];
static size_t latencies;
static double sent[LATENCIES];
static struct peer *pacer;
static double next_send;
static size_t sends;

static void measured(struct peer *p, const struct wire_reply *r)
{
    struct wire_entry e;
    (void)p;
    if (r->type != WIRE_P_ENTRIES) return;
    for (struct span list = r->entries; wire_next_entry(&list, &e);) {
        if (latencies < LATENCIES) latency[latencies++] = peer_now() - sent[e.seq - 1];
        p->seen += e.payload.n + 64;
    }
    if (p->seen < 100000) return;
    peer_send(p, &(struct wire_request){.type = WIRE_CREDIT, .credit = (uint32_t)p->seen});
    p->seen = 0;
}

static bool paced(void)
{
    double now = peer_now();
    while (now >= next_send && sends < LATENCIES && now < deadline - 0.2) {
        sent[sends++] = now;
        append(pacer);
        next_send += 0.001;
    }
    return now >= deadline;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void row_latency(struct daemon_process *r)
{
    struct peer p[2] = {0};
    for (size_t i = 0; i < 2; i++) peer_open(&p[i], r->port, r->path, 1 << 20);
    peer_create_log(&p[0]);
    follow(&p[1], &p[0], 1, 1);
    pacer = &p[0];
    latencies = sends = 0;
    next_send = peer_now();
    deadline = next_send + options.seconds;
    peer_run(p, 2, measured, paced);
    qsort(latency, latencies, sizeof *latency, compare);
    peer_check(latencies > 0, "deliveries");
    printf("| append to delivery at 1,000 entries/s | p50 %.2f ms, p99 %.2f ms | %zu measured |\n",
           1e3 * latency[latencies / 2], 1e3 * latency[latencies * 99 / 100], latencies);
    fflush(stdout);
    for (size_t i = 0; i < 2; i++) peer_close(&p[i]);
}

static void row_idle_echo(void)
{
    pid_t child;
    uint16_t port = echo_start(&child);
    struct peer *p = calloc(options.idle, sizeof *p);
    peer_open(&p[0], port, NULL, 0);
    double before = resident(child);
    for (size_t i = 1; i < options.idle; i++) peer_open(&p[i], port, NULL, 0);
    printf("| an idle TLS connection: the floor | %.1f KiB | %lu connections |\n",
           (resident(child) - before) / (double)(options.idle - 1), options.idle);
    fflush(stdout);
    for (size_t i = 0; i < options.idle; i++) peer_close(&p[i]);
    echo_stop(child);
    free(p);
}

// Twenty logs each, of a pool in which each log has twenty followers or so.
static void row_idle(struct daemon_process *r)
{
    enum { LOGS = 20 };
    size_t n = options.idle;
    struct peer *owner = calloc(n, sizeof *owner), *p = calloc(n, sizeof *p);
    peer_open(&owner[0], r->port, r->path, 0);
    for (size_t i = 0; i < n; i++) {
        if (i > 0) {
            owner[i].ssl = owner[0].ssl;
            owner[i].ws = owner[0].ws;
            owner[i].next_id = (uint32_t)i * 4;
            owner[i].fd = owner[0].fd;
        }
        peer_create_log(&owner[i]);
    }
    double before = resident(r->pid);
    for (size_t i = 0; i < n; i++) {
        peer_open(&p[i], r->port, r->path, 1 << 16);
        follow(&p[i], owner + (i * LOGS) % (n - LOGS), LOGS, 0);
    }
    printf("| an idle connection that follows %d logs | %.1f KiB | %zu connections |\n", LOGS,
           (resident(r->pid) - before) / (double)n, n);
    fflush(stdout);
    for (size_t i = 0; i < n; i++) peer_close(&p[i]);
    peer_close(&owner[0]);
    free(owner);
    free(p);
}

int main(int argc, char **argv)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    for (int c; (c = getopt(argc, argv, "s:r:n:d:f:i:h")) != -1;) {
        switch (c) {
        case 's': options.seconds = strtod(optarg, NULL); break;
        case 'r': options.rows = optarg; break;
        case 'n': options.peers = strtoul(optarg, NULL, 10); break;
        case 'd': options.depth = strtoul(optarg, NULL, 10); break;
        case 'f': options.followers = strtoul(optarg, NULL, 10); break;
        case 'i': options.idle = strtoul(optarg, NULL, 10); break;
        default:
            fputs("bench-relay [-s SECONDS] [-r ROWS: echo,append,fan,latency,idle] [-n CONNECTIONS] [-d IN_FLIGHT]\n"
                  "            [-f FOLLOWERS] [-i IDLE_CONNECTIONS]\n", stderr);
            return c == 'h' ? 0 : 2;
        }
    }
    (void)signal(SIGPIPE, SIG_IGN);
    printf("| what | measured | beside |\n|---|---|---|\n");
    struct daemon_process r;
    if (wanted("idle")) { // first: what this process frees later, its children would use again
        row_idle_echo();
        daemon_start(&r);
        row_idle(&r);
        daemon_stop(&r);
    }
    double floor = row_echo();
    daemon_start(&r);
    if (wanted("append")) row_append(&r, floor);
    if (wanted("fan")) row_fan_out(&r, floor);
    if (wanted("latency")) row_latency(&r);
    daemon_stop(&r);
    return 0;
}
