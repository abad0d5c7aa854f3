// SPDX-License-Identifier: Apache-2.0
//
// A relay's life: sockets, privileges, sandbox, store, lanes, workers; signals; and the way back in the opposite order. The main
// thread only waits for signals and beats for the watchdog.
#include "relay/relay.h"

#include "relay/control.h"
#include "relay/sandbox.h"
#include "relay/service.h"
#include "relay/worker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { READ_WAITING = 64 << 20, TICK_MS = 500, DRAIN_MS = 20, PORT_TRIES = 50 };

struct life {
    const struct relay_run *run;
    struct relay *relay;
    struct setup *setup;
    struct service service;
    struct control control;
    int socket[RELAY_LISTENERS_MAX];
    size_t sockets;
    sigset_t signals;
};

// ------------------------------------------------------------------------------------------------------------ starting

// One round over the addresses. A machine may have only one of IPv6 and IPv4; that another program has the port is an error for either.
static enum err listen_all(struct life *l, const struct config *c, uint16_t port, const char **address)
{
    static const char *const everywhere[] = {"::", "0.0.0.0"};
    size_t n = c->listens > 0 ? c->listens : 2, refused = 0;
    for (size_t i = 0; i < n; i++) {
        *address = c->listens > 0 ? c->listen[i] : everywhere[i];
        enum err e = net_listen_socket(*address, &port, &l->socket[l->sockets]);
        bool missing = errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL;
        if (e == ERR_OK) l->sockets++;
        else if (c->listens > 0 || !missing || ++refused == n) return e;
    }
    return ERR_OK;
}

// A port that the system chose for one family may be taken in the other: then another is chosen.
static enum err take_sockets(struct life *l, const struct config *c, char *why, size_t why_n)
{
    const char *address = "";
    enum err e = ERR_IO;
    for (int i = 0; i < l->service.sockets && l->sockets < RELAY_LISTENERS_MAX; i++) {
        l->socket[l->sockets++] = l->service.first + i; // of the service manager
    }
    if (l->sockets > 0) return ERR_OK;
    for (int tries = 0; tries < (c->port == 0 ? PORT_TRIES : 1); tries++) {
        e = listen_all(l, c, (uint16_t)c->port, &address);
        if (e == ERR_OK) return ERR_OK;
        int why_not = errno;
        while (l->sockets > 0) close(l->socket[--l->sockets]);
        errno = why_not;
        if (errno != EADDRINUSE) break;
    }
    (void)snprintf(why, why_n, "cannot listen on %s, port %u (%s)%s", address, (unsigned)c->port, strerror(errno),
                   errno == EADDRINUSE ? ": another program does; stop it, or change `port`"
                   : errno == EACCES   ? ": ports below 1024 need root, or CAP_NET_BIND_SERVICE"
                                       : "");
    return e;
}

static void raise_files(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

static enum err enter_sandbox(const struct life *l, const struct config *c, char *why, size_t why_n)
{
    const char *missing = NULL;
    const struct sandbox s = {.folder = c->folder, .readable = {c->certificate, c->key, c->site, NULL}};
    if (!l->run->sandbox) return ERR_OK;
    enum err e = sandbox_enter(&s, &missing);
    if (e != ERR_OK) {
        (void)snprintf(why, why_n, "the sandbox cannot be entered (%s); --no-sandbox does without", strerror(errno));
        return e;
    }
    if (missing != NULL) relay_log(LOG_WARNING, "this kernel lacks %s: the relay runs less contained than it could", missing);
    return ERR_OK;
}

// Also for logs that were made when it was another.
static void tell_quotas(struct relay *r, const struct config *c)
{
    for (size_t i = 0; i < c->host_count; i++) r->engine->host_set(r->store, &c->hosts[i].quota);
}

static enum err open_store(struct relay *r, const struct config *c, char *why, size_t why_n)
{
    const struct store_settings settings = {
        .log_max = c->log_max,
        .retention = (uint32_t)c->retention,
        .blob_retention = (uint32_t)c->blob_retention,
        .blob_max = c->blob_max,
        .cache = (size_t)c->cache,
        .watch = hub_watch,
        .watch_arg = r,
    };
    enum err e = r->engine->open(c->folder, &settings, &r->store);
    if (e == ERR_OK) tell_quotas(r, c);
    else (void)snprintf(why, why_n, "%s: %s", c->folder, relay_store_text(e));
    return e;
}

static size_t worker_count(const struct config *c)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (c->threads > 0) return (size_t)c->threads;
    return processors < 1 ? 1 : processors > 4 ? 4 : (size_t)processors;
}

static enum err start_threads(struct life *l, const struct config *c)
{
    struct relay *r = l->relay;
    size_t waiting = (size_t)c->memory;
    size_t n = worker_count(c);
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < n; i++) {
        e = worker_init(&r->worker[i], r, l->setup);
        r->workers = i + 1; // also what has begun is wiped
    }
    if (e == ERR_OK) e = lane_init(&r->lane[LANE_WRITE], LANE_WRITE, r->engine, r->store, waiting);
    if (e == ERR_OK) e = lane_init(&r->lane[LANE_READ], LANE_READ, r->engine, r->store, READ_WAITING);
    if (e == ERR_OK) e = lane_init(&r->lane[LANE_BLOB], LANE_BLOB, r->engine, r->store, waiting);
    for (size_t i = 0; e == ERR_OK && i < LANES; i++) e = lane_start(&r->lane[i]);
    for (size_t i = 0; e == ERR_OK && i < n; i++) e = worker_start(&r->worker[i], l->socket, l->sockets);
    if (e == ERR_OK) e = control_start(&l->control, r);
    return e;
}

// Whoever the relay is by now.
static enum err check_user(const struct config *c, char *why, size_t why_n)
{
    if (access(c->folder, R_OK | W_OK | X_OK) != 0) {
        (void)snprintf(why, why_n,
                       "%s cannot be written by the user that the relay is, number %u (%s); `chown -R %u %s` gives it",
                       c->folder, (unsigned)getuid(), strerror(errno), (unsigned)getuid(), c->folder);
        return ERR_IO;
    }
    if (geteuid() == 0) {
        relay_log(LOG_WARNING,
                  "running as root, since the folder is root's: give it to a user of its own (useradd --system "
                  "whimbrel; chown -R whimbrel %s), and the relay becomes that user",
                  c->folder);
    }
    return ERR_OK;
}

static enum err prepare(struct life *l, const struct config *c, char *why, size_t why_n)
{
    uint64_t seed[2];
    struct relay *r = l->relay;
    char path[sizeof c->secret + 1];
    struct crypto *crypto = NULL;
    enum err e = crypto_new(&crypto);
    int n = snprintf(path, sizeof path, "/%s", c->secret);
    if (e == ERR_OK) e = relay_hash(crypto, (const uint8_t *)path, (size_t)n, r->path_hash);
    crypto_free(crypto);
    mem_wipe(path, sizeof path);
    if (e == ERR_OK && getrandom(seed, sizeof seed, 0) != sizeof seed) e = ERR_RANDOM;
    if (e == ERR_OK) e = quota_init(&r->quota, seed);
    if (e != ERR_OK) {
        (void)snprintf(why, why_n, "%s", err_text(e));
        return e;
    }
    raise_files();
    service_init(&l->service);
    e = take_sockets(l, c, why, why_n);
    if (e == ERR_OK) e = setup_new(c, &l->setup, why, why_n); // as root, if it was started so: the key may be root's
    if (e == ERR_OK) e = sandbox_user(c->user, c->folder, why, why_n);
    if (e == ERR_OK) e = check_user(c, why, why_n);
    if (e == ERR_OK) e = control_open(&l->control, c, why, why_n);
    return e;
}

static enum err start(struct life *l, const struct config *c, char *why, size_t why_n)
{
    struct relay *r = l->relay;
    r->engine = l->run->memory ? &store_memory : &store_sqlite;
    r->started = relay_now() / 1000;
    enum err e = prepare(l, c, why, why_n);
    if (e == ERR_OK) e = enter_sandbox(l, c, why, why_n);
    if (e == ERR_OK) e = open_store(r, c, why, why_n);
    if (e != ERR_OK) return e;
    e = start_threads(l, c);
    if (e != ERR_OK) (void)snprintf(why, why_n, "%s", err_text(e));
    return e;
}

// ----------------------------------------------------------------------------------------------------------- running

static void reload(struct life *l)
{
    char why[500] = "";
    struct setup *fresh = NULL;
    struct config *c = mem_new(sizeof *c);
    enum err e = c == NULL ? ERR_MEMORY : config_read(c, l->setup->config.folder, why, sizeof why);
    service_tell(&l->service, "RELOADING=1");
    for (size_t i = 0; e == ERR_OK && i < l->run->flag_count; i++) {
        e = config_set(c, l->run->flags[i].name, l->run->flags[i].value, why, sizeof why);
    }
    if (e == ERR_OK) e = setup_new(c, &fresh, why, sizeof why);
    for (size_t i = 0; e == ERR_OK && i < l->relay->workers; i++) e = worker_reload(&l->relay->worker[i], fresh);
    if (e == ERR_OK) {
        relay_log(LOG_INFO, "reloaded: site, limits and hosting passwords are the new ones, and so is the certificate "
                            "for new connections");
        setup_unref(l->setup);
        l->setup = fresh;
        tell_quotas(l->relay, c);
    } else {
        relay_log(LOG_ERROR, "not reloaded, the old configuration stays: %s", why[0] != 0 ? why : err_text(e));
        setup_unref(fresh);
    }
    mem_free_wiped(c, sizeof *c);
    service_tell(&l->service, "READY=1");
}

static void beat(struct life *l)
{
    bool alive = true;
    if (l->service.watchdog_ms == 0) return;
    for (size_t i = 0; i < l->relay->workers; i++) alive = worker_alive(&l->relay->worker[i]) && alive;
    if (alive) service_tell(&l->service, "WATCHDOG=1");
}

static void run_until_told(struct life *l)
{
    for (;;) {
        const struct timespec wait = {.tv_sec = TICK_MS / 1000, .tv_nsec = TICK_MS % 1000 * 1000000L};
        int signal = sigtimedwait(&l->signals, NULL, &wait);
        if (signal == SIGTERM || signal == SIGINT) return;
        if (signal == SIGHUP) reload(l);
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now); // as the loops have it
        quota_tidy(&l->relay->quota, (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
        beat(l);
    }
}

static void drain(struct life *l)
{
    struct relay *r = l->relay;
    const struct timespec tick = {.tv_nsec = DRAIN_MS * 1000000L};
    for (size_t i = 0; i < r->workers; i++) {
        if (r->worker[i].started) worker_drain(&r->worker[i]);
    }
    for (size_t i = 0; i < r->workers; i++) {
        while (r->worker[i].started && !worker_drained(&r->worker[i])) (void)nanosleep(&tick, NULL);
    }
}

static void stop(struct life *l)
{
    struct relay *r = l->relay;
    drain(l);
    control_stop(&l->control);
    for (size_t i = 0; i < LANES; i++) lane_stop(&r->lane[i]);
    for (size_t i = 0; i < r->workers; i++) worker_stop(&r->worker[i]);
    for (size_t i = 0; i < r->workers; i++) worker_wipe(&r->worker[i]);
    if (r->store != NULL) r->engine->close(r->store);
    for (size_t i = 0; i < l->sockets; i++) close(l->socket[i]);
    quota_wipe(&r->quota);
    setup_unref(l->setup);
    mem_free_wiped(r, sizeof *r);
}

static void tell_where(const struct life *l, const struct config *c)
{
    char address[RELAY_ADDRESS_MAX], why[300];
    struct config at = *c;
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } a = {0};
    socklen_t n = sizeof a;
    if (at.port == 0 && getsockname(l->socket[0], &a.any, &n) == 0) {
        at.port = ntohs(a.any.sa_family == AF_INET ? a.in.sin_port : a.in6.sin6_port);
    }
    if (relay_address(&at, address, why, sizeof why) == ERR_OK) {
        printf("%s\n", address);
        (void)fflush(stdout);
    }
    mem_wipe(&at, sizeof at);
}

enum err relay_run(const struct relay_run *run, char *why, size_t why_n)
{
    struct life l = {.run = run, .control = {.fd = {-1, -1}, .stop = {-1, -1}}, .service = {.notify = -1}};
    l.relay = mem_new(sizeof *l.relay);
    if (l.relay == NULL) return ERR_MEMORY;
    relay_log_setup(run->config.log_seconds, getenv("JOURNAL_STREAM") != NULL, run->verbose ? LOG_DEBUG : LOG_INFO);
    sandbox_memory();
    // Threads inherit the mask: signals come to the main thread alone, when it asks.
    sigemptyset(&l.signals);
    const int waited[] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < sizeof waited / sizeof *waited; i++) sigaddset(&l.signals, waited[i]);
    pthread_sigmask(SIG_BLOCK, &l.signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    enum err e = start(&l, &run->config, why, why_n);
    if (e == ERR_OK) {
        tell_where(&l, &run->config);
        relay_log(LOG_INFO, "running, with %zu threads for connections and the store %s", l.relay->workers, l.relay->engine->name);
        service_tell(&l.service, "READY=1");
        run_until_told(&l);
        relay_log(LOG_INFO, "stopping: requests under way are answered first");
        service_tell(&l.service, "STOPPING=1");
    }
    stop(&l);
    if (l.service.notify >= 0) close(l.service.notify);
    if (e == ERR_OK) relay_log(LOG_INFO, "stopped");
    return e;
}
