// SPDX-License-Identifier: Apache-2.0
//
// The control thread: one request at a time, each with two seconds to be made. Whoever reaches the socket may read numbers; there
// is nothing to change here, and no number belongs to a person.
#include "relay/control.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 2000 };

static const char *const lane_names[] = {"write", "read", "blob"};

// ----------------------------------------------------------------------------------------------------------- the pages

static void say(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct buf *b, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    buf_put(b, span_of(line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1));
}

static unsigned long long sum(const struct relay *r, size_t member)
{
    unsigned long long total = 0;
    for (size_t i = 0; i < r->workers; i++) {
        total += atomic_load((const atomic_ullong *)(const void *)((const char *)&r->worker[i].counts + member));
    }
    return total;
}
#define SUM(r, m) sum((r), offsetof(struct worker_counts, m))

static bool healthy(const struct relay *r) { return !atomic_load(&r->lane[LANE_WRITE].failing); }

static unsigned long long follows(const struct relay *r)
{
    unsigned long long n = 0;
    for (size_t i = 0; i < r->workers; i++) n += atomic_load(&r->worker[i].hub.follows);
    return n;
}

static void metrics(const struct control *c, struct buf *b)
{
    struct relay *r = c->relay;
    struct store_totals t = {0};
    const struct {
        const char *name, *type, *help;
        unsigned long long value;
    } plain[] = {
        {"whimbrel_up_since_seconds", "gauge", "When the relay started.", r->started},
        {"whimbrel_healthy", "gauge", "1 while writes succeed.", healthy(r)},
        {"whimbrel_connections", "gauge", "Connections that are open.", quota_connections(&r->quota)},
        {"whimbrel_sessions", "gauge", "Connections that speak the protocol.", SUM(r, sessions)},
        {"whimbrel_follows", "gauge", "Logs that are followed, over all sessions.", follows(r)},
        {"whimbrel_accepted_total", "counter", "Connections that were accepted.", SUM(r, accepted)},
        {"whimbrel_refused_total", "counter", "Connections that a limit refused.", SUM(r, refused)},
        {"whimbrel_pages_total", "counter", "Answers of the web site.", SUM(r, pages)},
        {"whimbrel_requests_total", "counter", "Requests of clients.", SUM(r, requests)},
        {"whimbrel_errors_total", "counter", "Requests that were answered with an error.", SUM(r, errors)},
        {"whimbrel_pushes_total", "counter", "Pushes of entries.", SUM(r, pushes)},
        {"whimbrel_pushed_bytes_total", "counter", "Their bytes.", SUM(r, pushed_bytes)},
    };
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        say(b, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", plain[i].name, plain[i].help, plain[i].name, plain[i].type,
            plain[i].name, plain[i].value);
    }
    const struct {
        const char *name, *help;
        size_t at;
    } lanes[] = {
        {"whimbrel_lane_jobs_total", "Requests that a lane has performed.", offsetof(struct lane_counts, jobs)},
        {"whimbrel_lane_batches_total", "Batches, each of them one commit in the write lane.", offsetof(struct lane_counts, batches)},
        {"whimbrel_lane_refused_total", "Requests refused because too many waited.", offsetof(struct lane_counts, refused)},
        {"whimbrel_lane_failures_total", "Failures of the store.", offsetof(struct lane_counts, failures)},
        {"whimbrel_lane_busy_microseconds_total", "Time spent in the store.", offsetof(struct lane_counts, busy_us)},
    };
    for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++) {
        say(b, "# HELP %s %s\n# TYPE %s counter\n", lanes[i].name, lanes[i].help, lanes[i].name);
        for (size_t k = 0; k < LANES; k++) {
            const void *at = (const char *)&r->lane[k].counts + lanes[i].at;
            say(b, "%s{lane=\"%s\"} %llu\n", lanes[i].name, lane_names[k], atomic_load((const atomic_ullong *)at));
        }
    }
    if (r->engine->totals(c->reader, &t) != ERR_OK) return;
    say(b, "# HELP whimbrel_stored What the store holds.\n# TYPE whimbrel_stored gauge\n");
    say(b, "whimbrel_stored{what=\"logs\"} %llu\nwhimbrel_stored{what=\"entries\"} %llu\n", (unsigned long long)t.logs,
        (unsigned long long)t.entries);
    say(b, "whimbrel_stored{what=\"blobs\"} %llu\nwhimbrel_stored{what=\"bytes\"} %llu\n", (unsigned long long)t.blobs,
        (unsigned long long)t.bytes);
}

static void size_text(uint64_t n, char out[32])
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double x = (double)n;
    size_t u = 0;
    while (x >= 1024 && u < 4) {
        x /= 1024;
        u++;
    }
    (void)snprintf(out, 32, u == 0 ? "%.0f %s" : "%.1f %s", x, units[u]);
}

static void status(const struct control *c, struct buf *b)
{
    struct relay *r = c->relay;
    struct store_totals t = {0};
    char size[32];
    uint64_t up = relay_now() / 1000 - r->started;
    unsigned long long batches = atomic_load(&r->lane[LANE_WRITE].counts.batches);
    unsigned long long writes = atomic_load(&r->lane[LANE_WRITE].counts.jobs);
    say(b, "%s, up for %llu days %02llu:%02llu\n", healthy(r) ? "running" : "FAILING: writes are refused, see the log",
        (unsigned long long)(up / 86400), (unsigned long long)(up / 3600 % 24), (unsigned long long)(up / 60 % 60));
    say(b, "connections   %zu, of which %llu are clients, following %llu logs\n", quota_connections(&r->quota), SUM(r, sessions),
        follows(r));
    say(b, "requests      %llu, of which %llu were answered with an error\n", SUM(r, requests), SUM(r, errors));
    say(b, "writes        %llu in %llu commits (%.1f each)\n", writes, batches, batches == 0 ? 0 : (double)writes / (double)batches);
    say(b, "pushed        %llu times\n", SUM(r, pushes));
    if (r->engine->totals(c->reader, &t) != ERR_OK) return;
    size_text(t.bytes, size);
    say(b, "stored        %llu logs, %llu entries, %llu blobs: %s\n", (unsigned long long)t.logs,
        (unsigned long long)t.entries, (unsigned long long)t.blobs, size);
}

bool control_page(const struct control *c, struct span path, struct buf *out)
{
    if (span_eq(path, span_str("/metrics"))) metrics(c, out);
    else if (span_eq(path, span_str("/status"))) status(c, out);
    else if (span_eq(path, span_str("/health"))) say(out, healthy(c->relay) ? "ok\n" : "writes are refused\n");
    else return false;
    return true;
}

// --------------------------------------------------------------------------------------------------------- the sockets

static int listen_unix(const char *folder)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (snprintf(a.sun_path, sizeof a.sun_path, "%s/control", folder) >= (int)sizeof a.sun_path) return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0 || errno == EAGAIN) { // of a relay that lives
        close(fd);
        errno = EADDRINUSE;
        return -1;
    }
    (void)unlink(a.sun_path); // of one that was killed
    mode_t old = umask(0177);
    bool ok = bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, 16) == 0;
    (void)umask(old);
    if (ok) return fd;
    close(fd);
    return -1;
}

static int listen_tcp(const char *where)
{
    char address[64];
    errno = EINVAL; // of what is no ADDRESS:PORT
    const char *colon = strrchr(where, ':');
    if (colon == NULL || colon == where || (size_t)(colon - where) >= sizeof address) return -1;
    unsigned long port = strtoul(colon + 1, NULL, 10);
    if (port == 0 || port > 65535) return -1;
    bool bracket = where[0] == '[' && colon[-1] == ']';
    size_t n = (size_t)(colon - where) - (bracket ? 2 : 0);
    memcpy(address, where + bracket, n);
    address[n] = 0;
    uint16_t number = (uint16_t)port;
    int fd = -1;
    return net_listen_socket(address, &number, &fd) == ERR_OK ? fd : -1;
}

enum err control_open(struct control *c, const struct config *config, char *why, size_t why_n)
{
    *c = (struct control){.config = config, .fd = {-1, -1}, .stop = {-1, -1}};
    c->fd[0] = listen_unix(config->folder);
    if (c->fd[0] < 0) {
        if (errno == EADDRINUSE) {
            (void)snprintf(why, why_n, "%s: %s", config->folder, relay_store_text(ERR_REFUSED));
            return ERR_REFUSED;
        }
        (void)snprintf(why, why_n,
                       "cannot make the socket %s/control (%s); is the folder writable, and its path shorter than "
                       "100 characters?",
                       config->folder, strerror(errno));
        return ERR_IO;
    }
    if (config->metrics[0] != 0) {
        c->fd[1] = listen_tcp(config->metrics);
        if (c->fd[1] < 0) {
            (void)snprintf(why, why_n, "cannot listen on metrics = %s (%s); it is ADDRESS:PORT, like 127.0.0.1:9464",
                           config->metrics, strerror(errno));
            return ERR_IO;
        }
    }
    if (pipe2(c->stop, O_CLOEXEC) != 0) return ERR_IO;
    return ERR_OK;
}

static uint64_t milliseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

// The path of the request line; empty if none came in time.
static struct span request_path(int fd, char *head, size_t size)
{
    size_t n = 0;
    const uint64_t until = milliseconds() + PATIENCE_MS; // for all of it, however slowly it comes
    while (n < size - 1 && memmem(head, n, "\r\n\r\n", 4) == NULL) {
        if (milliseconds() >= until) return span_of(NULL, 0);
        ssize_t got = recv(fd, head + n, size - 1 - n, 0);
        if (got <= 0) return span_of(NULL, 0);
        n += (size_t)got;
    }
    head[n] = 0;
    if (strncmp(head, "GET ", 4) != 0) return span_of(NULL, 0);
    return span_of(head + 4, strcspn(head + 4, " ?\r\n"));
}

static void answer(const struct control *c, int fd)
{
    char head[2048], line[160];
    struct buf body;
    const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    buf_init(&body, 65536);
    struct span path = request_path(fd, head, sizeof head);
    bool health = span_eq(path, span_str("/health"));
    bool found = path.n > 0 && control_page(c, path, &body);
    const char *code = !found ? "404 Not Found" : health && !healthy(c->relay) ? "503 Service Unavailable" : "200 OK";
    int n = snprintf(line, sizeof line, "HTTP/1.0 %s\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: %zu\r\n\r\n",
                     code, body.n);
    if (send(fd, line, (size_t)n, MSG_NOSIGNAL) == n && body.n > 0) (void)send(fd, body.p, body.n, MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
    buf_wipe(&body);
}

static void *control_main(void *arg)
{
    struct control *c = arg;
    struct pollfd p[3] = {{.fd = c->stop[0], .events = POLLIN}, {.fd = c->fd[0], .events = POLLIN}, {.fd = c->fd[1], .events = POLLIN}};
    for (;;) {
        if (poll(p, 3, -1) < 0) {
            if (errno == EINTR) continue;
            return NULL;
        }
        if (p[0].revents != 0) return NULL;
        for (size_t i = 1; i < 3; i++) {
            if ((p[i].revents & POLLIN) == 0) continue;
            int fd = accept4(p[i].fd, NULL, NULL, SOCK_CLOEXEC);
            if (fd < 0) continue;
            answer(c, fd);
            close(fd);
        }
    }
}

enum err control_start(struct control *c, struct relay *relay)
{
    c->relay = relay;
    enum err e = relay->engine->reader_new(relay->store, &c->reader);
    if (e != ERR_OK) return e;
    if (pthread_create(&c->thread, NULL, control_main, c) != 0) return ERR_MEMORY;
    c->started = true;
    return ERR_OK;
}

void control_stop(struct control *c)
{
    if (c->started) {
        (void)!write(c->stop[1], "", 1);
        pthread_join(c->thread, NULL);
    }
    if (c->reader != NULL) c->relay->engine->reader_free(c->reader);
    for (size_t i = 0; i < CONTROL_SOCKETS; i++) {
        if (c->fd[i] >= 0) close(c->fd[i]);
        if (c->stop[i] >= 0) close(c->stop[i]);
        c->fd[i] = c->stop[i] = -1;
    }
    c->started = false;
    c->reader = NULL;
}
