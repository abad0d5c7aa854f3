// SPDX-License-Identifier: Apache-2.0
//
// The server as a whole: what it is told, what it refuses to be told, its listeners, and its threads. It does not become an open proxy by
// anything left out: without a list, or without users and without a word that none are wanted, there is no server.
#include "socksd/socksd.h"

#include "socksd/inner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024, OWN_DESCRIPTORS = 256, THREADS = 4, KEEP_ALIVE_S = 120 };

void socksd_defaults(struct socksd_options *o)
{
    *o = (struct socksd_options){.connections_max = 1000,
                                 .connections_per_address = 100,
                                 .rate = 200,
                                 .rate_per_address = 20,
                                 .handshake_ms = 15000,
                                 .connect_ms = 10000,
                                 .idle_ms = 30 * 60 * 1000};
}

// --------------------------------------------------------------------------------------------------------------- checking

static enum err wrong(enum err e, char why[SOCKSD_WHY], const char *text)
{
    (void)snprintf(why, SOCKSD_WHY, "%s", text);
    return e;
}

static enum err read_places(const struct socksd_options *o, struct socksd *s, char why[SOCKSD_WHY])
{
    if (o->allow_n == 0)
        return wrong(ERR_REFUSED, why,
                     "no place is allowed, so there is nothing to be a proxy for; name one (HOST:PORT)");
    if (o->allow_n > SOCKSD_ALLOW_MAX) return wrong(ERR_LIMIT, why, "there are more than 256 allowed places");
    s->places = mem_new_array(o->allow_n, sizeof *s->places);
    if (s->places == NULL) return ERR_MEMORY;
    for (; s->places_n < o->allow_n; s->places_n++) {
        const char *reason = "", *text = o->allow[s->places_n];
        enum err e = socksd_place_read(span_str(text), &s->places[s->places_n], &reason);
        if (e == ERR_OK) continue;
        (void)snprintf(why, SOCKSD_WHY, "%.100s is no place that can be allowed: %s", text, reason);
        return e;
    }
    return ERR_OK;
}

static char *copy(const char *text)
{
    const size_t n = strlen(text) + 1;
    char *p = mem_new(n);
    if (p != NULL) memcpy(p, text, n);
    return p;
}

static enum err read_users(const struct socksd_options *o, struct socksd *s, char why[SOCKSD_WHY])
{
    if (o->users_n == 0 && !o->anyone)
        return wrong(ERR_REFUSED, why, "there are no users; add one, or say that anyone may come");
    if (o->users_n > SOCKSD_USERS_MAX) return wrong(ERR_LIMIT, why, "there are more than 64 users");
    s->known.anyone = o->anyone;
    s->users = mem_new_array(o->users_n, sizeof *s->users);
    if (s->users == NULL) return ERR_MEMORY;
    s->known.list = s->users;
    for (size_t i = 0; i < o->users_n; i++) {
        const struct socksd_user *u = &o->users[i];
        const size_t name = strlen(u->name), password = strlen(u->password);
        if (name == 0 || name > 255 || password == 0 || password > 255)
            return wrong(ERR_LIMIT, why, "a user's name and password have 1 to 255 bytes each");
        struct socksd_user *to = &s->users[s->known.n++];
        to->name = copy(u->name);
        to->password = copy(u->password);
        if (to->name == NULL || to->password == NULL) return ERR_MEMORY;
    }
    return ERR_OK;
}

// Two descriptors a connection, and some to spare: the system's limit bounds how many there can be.
static uint32_t what_fits(uint32_t wanted)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0) return wanted;
    r.rlim_cur = r.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &r);
    if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur == RLIM_INFINITY) return wanted;
    const uint64_t room = r.rlim_cur > 2 * OWN_DESCRIPTORS ? (r.rlim_cur - OWN_DESCRIPTORS) / 2 : r.rlim_cur / 4;
    return room < wanted ? (uint32_t)room : wanted;
}

enum err socksd_new(const struct socksd_options *o, struct socksd **out, char why[SOCKSD_WHY])
{
    uint64_t seed[2] = {0};
    *why = 0;
    struct socksd *s = mem_new(sizeof *s);
    if (s == NULL) return ERR_MEMORY;
    enum err e = read_places(o, s, why);
    if (e == ERR_OK) e = read_users(o, s, why);
    if (e == ERR_OK && getrandom(seed, sizeof seed, 0) != (ssize_t)sizeof seed) e = ERR_RANDOM;
    if (e == ERR_OK && o->threads > SOCKSD_THREADS_MAX) e = wrong(ERR_LIMIT, why, "there are more than 16 threads");
    struct socksd_options fitting = *o;
    fitting.connections_max = what_fits(o->connections_max);
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    s->threads_n = o->threads != 0        ? o->threads
                   : processors < 1       ? 1
                   : processors > THREADS ? THREADS
                                          : (size_t)processors;
    s->handshake_ms = o->handshake_ms;
    s->connect_ms = o->connect_ms;
    s->idle_ms = o->idle_ms;
    socksd_gate_init(&s->gate, &fitting, seed);
    if (e == ERR_OK) *out = s;
    else socksd_free(s);
    return e;
}

// -------------------------------------------------------------------------------------------------------------- listening

// Connections inherit all of this. Nobody is accepted before the first byte is there, for as long as a handshake may take.
static void set_options(int fd, uint32_t handshake_ms)
{
    const int one = 1, idle = KEEP_ALIVE_S, seconds = (int)(handshake_ms / 1000 + 1);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
}

enum err socksd_listen(struct socksd *s, const char *address, uint16_t *port, char why[SOCKSD_WHY])
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(*port)};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(*port)};
    const int one = 1;
    const bool v4 = inet_pton(AF_INET, address, &in.sin_addr) == 1;
    if (!v4 && inet_pton(AF_INET6, address, &in6.sin6_addr) != 1) {
        (void)snprintf(why, SOCKSD_WHY, "%.100s is no numeric address to listen on, such as 0.0.0.0, :: or 127.0.0.1",
                       address);
        return ERR_MALFORMED;
    }
    const bool loopback = v4 ? ntohl(in.sin_addr.s_addr) >> 24 == 127 : IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
    if (s->known.anyone && !loopback)
        return wrong(ERR_REFUSED, why,
                     "without a password a proxy listens on this computer's own addresses only, 127.0.0.1 or ::1");
    if (s->listeners_n == SOCKSD_LISTEN_MAX)
        return wrong(ERR_LIMIT, why, "a server listens on eight addresses at most");
    struct sockaddr *a = v4 ? (struct sockaddr *)&in : (struct sockaddr *)&in6;
    socklen_t n = v4 ? sizeof in : sizeof in6;
    int fd = socket(a->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0) set_options(fd, s->handshake_ms);
    if (fd >= 0 && !v4) (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (fd < 0 || bind(fd, a, n) != 0 || listen(fd, BACKLOG) != 0 || getsockname(fd, a, &n) != 0) {
        (void)snprintf(why, SOCKSD_WHY, "cannot listen on %.100s, port %u: %s", address, (unsigned)*port,
                       strerror(errno));
        if (fd >= 0) (void)close(fd);
        return ERR_IO;
    }
    *port = ntohs(v4 ? in.sin_port : in6.sin6_port);
    s->listeners[s->listeners_n++] = fd;
    return ERR_OK;
}

// ---------------------------------------------------------------------------------------------------------------- threads

static void on_name(void *arg)
{
    struct socksd *s = arg;
    for (size_t i = 0; i < s->threads_n; i++) socksd_thread_wake(&s->threads[i]);
}

enum err socksd_start(struct socksd *s)
{
    if (s->listeners_n == 0 || s->threads != NULL) return ERR_MISUSE;
    s->threads = mem_new_array(s->threads_n, sizeof *s->threads);
    if (s->threads == NULL) return ERR_MEMORY;
    for (size_t i = 0; i < s->threads_n; i++) s->threads[i].poll = s->threads[i].wake = -1;
    enum err e = socksd_names_start(&s->names, s->places, s->places_n, on_name, s);
    for (size_t i = 0; e == ERR_OK && i < s->threads_n; i++) e = socksd_thread_start(s, &s->threads[i]);
    return e;
}

void socksd_free(struct socksd *s)
{
    if (s == NULL) return;
    atomic_store_explicit(&s->stopping, true, memory_order_release);
    for (size_t i = 0; s->threads != NULL && i < s->threads_n; i++) socksd_thread_wake(&s->threads[i]);
    for (size_t i = 0; s->threads != NULL && i < s->threads_n; i++) {
        if (s->threads[i].running) (void)pthread_join(s->threads[i].thread, NULL);
        s->threads[i].running = false;
    }
    socksd_names_stop(&s->names); // which wakes threads, so their descriptors are closed behind it
    for (size_t i = 0; s->threads != NULL && i < s->threads_n; i++) socksd_thread_join(&s->threads[i]);
    for (size_t i = 0; i < s->listeners_n; i++) (void)close(s->listeners[i]);
    for (size_t i = 0; i < s->known.n; i++) {
        mem_free((char *)(uintptr_t)s->users[i].name);
        if (s->users[i].password == NULL) continue;
        mem_free_wiped((char *)(uintptr_t)s->users[i].password, strlen(s->users[i].password));
    }
    socksd_gate_wipe(&s->gate);
    mem_free(s->users);
    mem_free(s->threads);
    mem_free(s->places);
    mem_free(s);
}

void socksd_count(const struct socksd *s, struct socksd_counts *out)
{
    struct socksd_gate *g = (struct socksd_gate *)(uintptr_t)&s->gate;
    (void)pthread_mutex_lock(&g->lock);
    out->connections = g->connections;
    (void)pthread_mutex_unlock(&g->lock);
    out->accepted = atomic_load(&s->accepted);
    out->served = atomic_load(&s->served);
    out->refused = atomic_load(&s->refused);
    out->limited = atomic_load(&s->limited);
    out->failed = atomic_load(&s->failed);
}

bool socksd_own_address(bool v6, char *out, size_t size)
{
    struct ifaddrs *list = NULL;
    bool found = false, is_public = false;
    if (getifaddrs(&list) != 0) return false;
    for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
        const int family = v6 ? AF_INET6 : AF_INET;
        if (i->ifa_addr == NULL || i->ifa_addr->sa_family != family ||
            (i->ifa_flags & (IFF_UP | IFF_LOOPBACK)) != IFF_UP)
            continue;
        const void *bytes = v6 ? (const void *)&((struct sockaddr_in6 *)(void *)i->ifa_addr)->sin6_addr
                               : (const void *)&((struct sockaddr_in *)(void *)i->ifa_addr)->sin_addr;
        if (v6 && IN6_IS_ADDR_LINKLOCAL((const struct in6_addr *)bytes)) continue;
        const bool p = !socksd_address_private(bytes, v6 ? 16 : 4);
        if (found && (is_public || !p)) continue; // a public one is the best
        found = inet_ntop(family, bytes, out, (socklen_t)size) != NULL || found;
        is_public = p;
    }
    freeifaddrs(list);
    return found;
}
