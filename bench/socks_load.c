// SPDX-License-Identifier: Apache-2.0
//
// The load: as little as possible around system calls, so that what is measured is the proxy. One thread drives all clients, another
// process is the target.
#include "bench/socks_load.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 64, BLOCK = 262144, MESSAGE = 64, EVENTS = 256 };

static uint8_t block[BLOCK];

void load_check(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "bench-reach: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void set_nodelay(int fd)
{
    const int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

// ----------------------------------------------------------------------------------------------------------- the target

// What epoll says of a connection: its descriptor, and in the upper half whether it has said that it wants bulk.
static void serve_one(int poll, uint64_t data)
{
    int fd = (int)(data & 0xffffffff);
    bool bulk = data >> 32 != 0;
    ssize_t n;
    if (bulk) {
        n = send(fd, block, sizeof block, MSG_NOSIGNAL | MSG_DONTWAIT);
    } else {
        n = recv(fd, block, 4096, MSG_DONTWAIT);
        if (n > 0 && block[0] == 'b') {
            struct epoll_event e = {.events = EPOLLOUT, .data = {.u64 = (uint64_t)fd | UINT64_C(1) << 32}};
            (void)epoll_ctl(poll, EPOLL_CTL_MOD, fd, &e);
            return;
        }
        if (n > 0) n = send(fd, block, (size_t)n, MSG_NOSIGNAL);
    }
    if (n == 0 || (n < 0 && errno != EAGAIN)) close(fd);
}

_Noreturn static void serve(int listener)
{
    struct epoll_event events[EVENTS], e = {.events = EPOLLIN, .data = {.u64 = (uint64_t)listener}};
    int poll = epoll_create1(EPOLL_CLOEXEC);
    (void)epoll_ctl(poll, EPOLL_CTL_ADD, listener, &e);
    for (;;) {
        int k = epoll_wait(poll, events, EVENTS, -1);
        for (int i = 0; i < k; i++) {
            if (events[i].data.u64 != (uint64_t)listener) {
                serve_one(poll, events[i].data.u64);
                continue;
            }
            int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
            struct epoll_event own = {.events = EPOLLIN, .data = {.u64 = (uint64_t)fd}};
            if (fd < 0) continue;
            set_nodelay(fd);
            (void)epoll_ctl(poll, EPOLL_CTL_ADD, fd, &own);
        }
    }
}

uint16_t load_target(pid_t *child)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    load_check(fd >= 0 && bind(fd, (struct sockaddr *)&a, n) == 0 && listen(fd, 4096) == 0, "the target cannot listen");
    load_check(getsockname(fd, (struct sockaddr *)&a, &n) == 0, "getsockname");
    *child = fork();
    load_check(*child >= 0, "fork");
    if (*child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(fd);
    }
    close(fd);
    return ntohs(a.sin_port);
}

// ------------------------------------------------------------------------------------------------------------- a client

static int dial(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

bool load_reaches(uint16_t port)
{
    int fd = dial(port);
    if (fd >= 0) close(fd);
    return fd >= 0;
}

static const uint8_t greeting[] = {5, 1, 0};

static void make_request(uint16_t target, uint8_t out[10])
{
    const uint8_t request[10] = {5, 1, 0, 1, 127, 0, 0, 1, (uint8_t)(target >> 8), (uint8_t)target};
    memcpy(out, request, 10);
}

static void receive_all(int fd, uint8_t *out, size_t n)
{
    for (ssize_t k; n > 0; n -= (size_t)k, out += k) {
        k = recv(fd, out, n, 0);
        load_check(k > 0, "a connection ended early");
    }
}

static void check_reply(uint8_t reply)
{
    char text[60];
    (void)snprintf(text, sizeof text, "the proxy refuses with %u", (unsigned)reply);
    errno = 0;
    load_check(reply == 0, text);
}

// A connection to the target, blocking.
static int reach(const struct load_way *w)
{
    uint8_t request[10], answer[10];
    int fd = dial(w->proxy != 0 ? w->proxy : w->target);
    load_check(fd >= 0, "connect");
    set_nodelay(fd);
    if (w->proxy == 0) return fd;
    make_request(w->target, request);
    load_check(send(fd, greeting, sizeof greeting, 0) == (ssize_t)sizeof greeting, "send");
    receive_all(fd, answer, 2);
    load_check(answer[0] == 5 && answer[1] == 0, "the proxy wants a password");
    load_check(send(fd, request, sizeof request, 0) == (ssize_t)sizeof request, "send");
    receive_all(fd, answer, 10);
    check_reply(answer[1]);
    return fd;
}

// ----------------------------------------------------------------------------------------------------------------- rows

enum step { GREETED, REQUESTED, ASKED };

static struct {
    int fd;
    enum step step;
    size_t wanted; // bytes of the answer that have not come
} client[CLIENTS];

static void start_client(int poll, size_t i, const struct load_way *w)
{
    struct epoll_event e = {.events = EPOLLIN, .data = {.u64 = i}};
    client[i].fd = dial(w->proxy != 0 ? w->proxy : w->target);
    load_check(client[i].fd >= 0, "connect");
    set_nodelay(client[i].fd);
    client[i].step = w->proxy != 0 ? GREETED : ASKED;
    client[i].wanted = w->proxy != 0 ? 2 : 1;
    ssize_t n = w->proxy != 0 ? send(client[i].fd, greeting, sizeof greeting, 0) : send(client[i].fd, "e", 1, 0);
    load_check(n > 0 && epoll_ctl(poll, EPOLL_CTL_ADD, client[i].fd, &e) == 0, "send");
}

// Whether this one is through.
static bool go_on(size_t i, const struct load_way *w)
{
    uint8_t bytes[16];
    ssize_t n = recv(client[i].fd, bytes, client[i].wanted, 0);
    load_check(n > 0, "a connection ended early");
    client[i].wanted -= (size_t)n;
    if (client[i].wanted > 0) return false;
    if (client[i].step == GREETED) {
        make_request(w->target, bytes);
        load_check(send(client[i].fd, bytes, 10, 0) == 10, "send");
        client[i].wanted = 10;
    } else if (client[i].step == REQUESTED) {
        if (bytes[0] == 5) check_reply(bytes[1]);
        load_check(send(client[i].fd, "e", 1, 0) == 1, "send");
        client[i].wanted = 1;
    } else {
        return true;
    }
    client[i].step++;
    return false;
}

double load_connections(const struct load_way *w, double seconds)
{
    struct epoll_event events[EVENTS];
    int poll = epoll_create1(EPOLL_CLOEXEC);
    size_t done = 0;
    for (size_t i = 0; i < CLIENTS; i++) start_client(poll, i, w);
    double start = now(), end;
    do {
        int k = epoll_wait(poll, events, EVENTS, -1);
        for (int j = 0; j < k; j++) {
            size_t i = events[j].data.u64;
            if (!go_on(i, w)) continue;
            close(client[i].fd);
            done++;
            start_client(poll, i, w);
        }
        end = now();
    } while (end < start + seconds);
    for (size_t i = 0; i < CLIENTS; i++) close(client[i].fd);
    close(poll);
    return (double)done / (end - start);
}

double load_bulk(const struct load_way *w, size_t n, double seconds)
{
    struct epoll_event events[EVENTS];
    int poll = epoll_create1(EPOLL_CLOEXEC), fd[EVENTS];
    for (size_t i = 0; i < n; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data = {.fd = fd[i] = reach(w)}};
        load_check(send(fd[i], "b", 1, 0) == 1 && epoll_ctl(poll, EPOLL_CTL_ADD, fd[i], &e) == 0, "send");
    }
    double start = now(), end, warm = start + LOAD_WARM, bytes = 0;
    do {
        int k = epoll_wait(poll, events, EVENTS, -1);
        for (int j = 0; j < k; j++) {
            ssize_t got = recv(events[j].data.fd, block, sizeof block, MSG_DONTWAIT);
            load_check(got > 0 || (got < 0 && errno == EAGAIN), "a connection ended early");
            bytes += got > 0 ? (double)got : 0;
        }
        end = now();
        if (warm != 0 && end >= warm) start = end, bytes = 0, warm = 0;
    } while (end < start + seconds);
    for (size_t i = 0; i < n; i++) close(fd[i]);
    close(poll);
    return 8e-9 * bytes / (end - start);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double load_round_trip(const struct load_way *w, size_t times)
{
    uint8_t message[MESSAGE] = "e";
    double *took = calloc(times, sizeof *took);
    load_check(took != NULL, "memory");
    int fd = reach(w);
    for (size_t i = 0; i < times; i++) {
        double start = now();
        load_check(send(fd, message, sizeof message, 0) == MESSAGE, "send");
        receive_all(fd, message, sizeof message);
        took[i] = 1e6 * (now() - start);
    }
    close(fd);
    qsort(took, times, sizeof *took, compare);
    double p50 = took[times / 2];
    free(took);
    return p50;
}

// ------------------------------------------------------------------------------------------------------------------ idle

static long number_in(const char *path, const char *key)
{
    char line[512];
    long v = 0;
    FILE *f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0) v = strtol(line + strlen(key), NULL, 10);
    }
    if (f != NULL) (void)fclose(f);
    return v;
}

// Whether a process is the tree's root or comes from it.
static bool within(long pid, pid_t tree)
{
    char path[64];
    for (int depth = 0; pid > 1 && depth < 16; depth++) {
        if (pid == tree) return true;
        (void)snprintf(path, sizeof path, "/proc/%ld/status", pid);
        pid = number_in(path, "PPid:");
    }
    return false;
}

// The sum of something over all processes of a tree.
static double sum_of(pid_t tree, double (*of)(long pid))
{
    double sum = 0;
    DIR *d = opendir("/proc");
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        long pid = isdigit((unsigned char)e->d_name[0]) ? strtol(e->d_name, NULL, 10) : 0;
        if (pid != 0 && within(pid, tree)) sum += of(pid);
    }
    if (d != NULL) (void)closedir(d);
    return sum;
}

static double memory_of(long pid)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%ld/smaps_rollup", pid);
    return 1024 * (double)number_in(path, "Pss:");
}

// utime, stime, cutime and cstime are the fields 14 to 17, of which the second is in brackets (proc(5)).
static double processor_of(long pid)
{
    char path[64], line[1024] = "";
    unsigned long long times[4] = {0};
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *f = fopen(path, "r");
    const char *rest = f != NULL && fgets(line, sizeof line, f) != NULL ? strrchr(line, ')') : NULL;
    if (rest != NULL)
        (void)sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu", &times[0], &times[1],
                     &times[2], &times[3]);
    if (f != NULL) (void)fclose(f);
    return (double)(times[0] + times[1] + times[2] + times[3]) / (double)sysconf(_SC_CLK_TCK);
}

double load_processor(pid_t tree) { return sum_of(tree, processor_of); }

double load_idle(const struct load_way *w, size_t n, pid_t tree)
{
    int *fd = calloc(n, sizeof *fd);
    load_check(fd != NULL, "memory");
    (void)usleep(300000);
    double before = sum_of(tree, memory_of);
    for (size_t i = 0; i < n; i++) {
        uint8_t byte;
        fd[i] = reach(w);
        load_check(send(fd[i], "e", 1, 0) == 1, "send");
        receive_all(fd[i], &byte, 1);
    }
    (void)usleep(300000);
    double after = sum_of(tree, memory_of);
    for (size_t i = 0; i < n; i++) close(fd[i]);
    free(fd);
    return (after - before) / (double)n;
}
