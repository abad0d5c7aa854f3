// SPDX-License-Identifier: Apache-2.0
//
// Transports' programs. One runs for each transport that is wanted; it is given a folder of its own, and an environment that says what the
// specification wants (§3.2) and nothing of ours. Invariant: whoever waits hears once, or has left.
#include "reach/transport.h"

#include "net/child.h"
#include "reach/inner.h"
#include "reach/ptline.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { READY_MS = 20000, PAUSE_MS = 1000, PAUSE_MAX_MS = 60000, LASTED_MS = 60000, FOLDER_ROOM = 1100 };

struct transport {
    struct transport *next;
    struct reach *r;
    char name[REACH_TRANSPORT_MAX + 1];
    struct net_child *child;
    bool ready;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at;
    struct transport_wait *waits;
    struct net_timer timer; // until it is ready, or until it is launched again
    struct reach_failure why;
    uint64_t began;
    uint32_t pause_ms;
};

// Which program is which transport, by the names that Debian and others give them. Of a narrow one it is known that it talks to the
// bridge's address alone; the others look up names, and talk to fronts and brokers.
static const struct {
    const char *name, *program;
    bool narrow;
} programs[] = {{"obfs4", "obfs4proxy", true},          {"obfs3", "obfs4proxy", true},
                {"obfs2", "obfs4proxy", true},          {"scramblesuit", "obfs4proxy", true},
                {"meek_lite", "obfs4proxy", false},     {"snowflake", "snowflake-client", false},
                {"webtunnel", "webtunnel-client", false}, {"conjure", "conjure-client", false}};

static size_t index_of(const char *name)
{
    size_t i = 0;
    while (i < sizeof programs / sizeof *programs && strcmp(programs[i].name, name) != 0) i++;
    return i;
}

bool transport_is_narrow(const char *name)
{
    size_t i = index_of(name);
    return i < sizeof programs / sizeof *programs && programs[i].narrow;
}

// -------------------------------------------------------------------------------------------------------------- waiting

void transport_leave(struct transport_wait *w)
{
    if (w->link == NULL) return;
    *w->link = w->next;
    if (w->next != NULL) w->next->link = w->link;
    w->link = NULL;
    w->next = NULL;
}

static void tell_all(struct transport *t, const struct reach_failure *why)
{
    struct transport_wait *round = t->waits;
    t->waits = NULL;
    if (round != NULL) round->link = &round;
    while (round != NULL) { // anyone may leave meanwhile
        struct transport_wait *w = round;
        transport_leave(w);
        if (why == NULL) w->ready(w, &t->at.any);
        else w->failed(w, why);
    }
}

// ----------------------------------------------------------------------------------------------------------- the program

static void give_up(struct transport *t, enum err e)
{
    const struct reach_failure why = {.hop = HOP_LAUNCH, .err = e};
    bool lasted = t->ready && net_loop_now(t->r->loop) - t->began >= LASTED_MS;
    net_timer_stop(&t->timer);
    net_child_stop(t->child);
    t->child = NULL;
    t->ready = false;
    t->why = why;
    t->pause_ms = lasted || t->pause_ms == 0 ? PAUSE_MS : t->pause_ms < PAUSE_MAX_MS / 2 ? 2 * t->pause_ms : PAUSE_MAX_MS;
    t->began = net_loop_now(t->r->loop);
    tell_all(t, &why);
}

static void on_late(struct net_timer *timer)
{
    give_up((struct transport *)(void *)((char *)timer - offsetof(struct transport, timer)), ERR_LIMIT);
}

static void take_place(struct transport *t, const struct pt_said *said)
{
    memset(&t->at, 0, sizeof t->at);
    if (inet_pton(AF_INET, said->address, &t->at.v4.sin_addr) == 1) {
        t->at.v4.sin_family = AF_INET;
        t->at.v4.sin_port = htons(said->port);
    } else if (inet_pton(AF_INET6, said->address, &t->at.v6.sin6_addr) == 1) {
        t->at.v6.sin6_family = AF_INET6;
        t->at.v6.sin6_port = htons(said->port);
    }
}

static void on_line(void *arg, const char *line)
{
    struct transport *t = arg;
    struct pt_said said;
    pt_read(line, &said);
    if (said.kind == PT_METHOD && strcmp(said.transport, t->name) == 0) take_place(t, &said);
    if (said.kind == PT_FAILED) give_up(t, ERR_INVALID);
    if (said.kind != PT_DONE) return;
    if (t->at.any.sa_family == 0) { // it is none of this name
        give_up(t, ERR_INVALID);
        return;
    }
    net_timer_stop(&t->timer);
    t->ready = true;
    tell_all(t, NULL);
}

static void on_closed(void *arg)
{
    struct transport *t = arg;
    t->child = NULL; // it has ended
    give_up(t, ERR_IO);
}

static enum err run(struct transport *t, const char *program)
{
    static const struct net_child_owner owner = {.line = on_line, .closed = on_closed};
    char path[600], home[FOLDER_ROOM], state[FOLDER_ROOM], names[80], folder[FOLDER_ROOM - 64];
    const char *from = getenv("PATH"), *words[] = {program, NULL};
    if (snprintf(folder, sizeof folder, "%s", t->r->s.folder) >= (int)sizeof folder) return ERR_LIMIT;
    (void)mkdir(folder, 0700); // if it is there, the better
    (void)snprintf(path, sizeof path, "PATH=%s", from != NULL ? from : "/usr/local/bin:/usr/bin:/bin");
    (void)snprintf(home, sizeof home, "HOME=%s", folder);
    (void)snprintf(state, sizeof state, "TOR_PT_STATE_LOCATION=%s/%s", folder, t->name);
    (void)snprintf(names, sizeof names, "TOR_PT_CLIENT_TRANSPORTS=%s", t->name);
    const char *environment[] = {path, home, state, names, "TOR_PT_MANAGED_TRANSPORT_VER=1", "TOR_PT_EXIT_ON_STDIN_CLOSE=1", NULL};
    return net_child_start(t->r->loop, words, environment, &owner, t, &t->child);
}

static void launch(struct transport *t)
{
    size_t i = index_of(t->name);
    memset(&t->at, 0, sizeof t->at);
    t->began = net_loop_now(t->r->loop);
    net_timer_start(t->r->loop, &t->timer, READY_MS, on_late);
    enum err e = i == sizeof programs / sizeof *programs ? ERR_NOT_FOUND
                 : t->r->s.folder == NULL                ? ERR_REFUSED
                                                         : run(t, programs[i].program);
    if (e != ERR_OK) give_up(t, e);
}

static void on_pause_over(struct net_timer *timer)
{
    launch((struct transport *)(void *)((char *)timer - offsetof(struct transport, timer)));
}

// ------------------------------------------------------------------------------------------------------------- wanting

static struct transport *get(struct reach *r, const char *name)
{
    struct transport *t = r->transports;
    while (t != NULL && strcmp(t->name, name) != 0) t = t->next;
    if (t != NULL) return t;
    t = mem_new(sizeof *t);
    if (t == NULL) return NULL;
    *t = (struct transport){.next = r->transports, .r = r};
    (void)snprintf(t->name, sizeof t->name, "%s", name);
    r->transports = t;
    return t;
}

enum err transport_want(struct reach *r, const char *name, struct transport_wait *w, const struct sockaddr **at)
{
    struct transport *t = get(r, name);
    if (t == NULL) return ERR_MEMORY;
    *at = t->ready ? &t->at.any : NULL;
    if (t->ready) return ERR_OK;
    w->next = t->waits;
    if (w->next != NULL) w->next->link = &w->next;
    w->link = &t->waits;
    t->waits = w;
    if (t->child != NULL || t->timer.link != NULL) return ERR_OK; // on its way
    uint64_t now = net_loop_now(r->loop), due = t->pause_ms == 0 ? 0 : t->began + t->pause_ms;
    net_timer_start(r->loop, &t->timer, due > now ? due - now : 0, on_pause_over);
    return ERR_OK;
}

static bool is_wanted(const struct reach *r, const struct transport *t)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct route *route = &r->known[i]->route;
        if (route->kind == ROUTE_TRANSPORT && strcmp(route->transport, t->name) == 0 && reach_permits(r, route)) return true;
    }
    return false;
}

void transport_tidy(struct reach *r, bool all)
{
    for (struct transport **at = &r->transports; *at != NULL;) {
        struct transport *t = *at;
        if (!all && is_wanted(r, t)) {
            at = &t->next;
            continue;
        }
        *at = t->next;
        while (t->waits != NULL) transport_leave(t->waits); // their ways are gone by now, or go
        net_timer_stop(&t->timer);
        net_child_stop(t->child);
        mem_free(t);
    }
}
