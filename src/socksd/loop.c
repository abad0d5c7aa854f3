// SPDX-License-Identifier: Apache-2.0
//
// A thread's loop: epoll, edge-triggered, so that a descriptor is registered once and never again. Sessions wait in lists, one a state;
// in each all have the same time, so the first is the first whose time is over.
#include "socksd/inner.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// An address is left for the next one after its SYN has been repeated once (RFC 6298: after a second).
enum { EVENTS = 256, ACCEPTS = 16, REST_MS = 500, TRY_MS = 2500, DRAIN_MS = 2000, WAKE = 0 };

uint64_t socksd_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

// ----------------------------------------------------------------------------------------------------------------- lists

void socksd_list_put(struct socksd_thread *t, struct socksd_session *c, enum session_state state)
{
    if (c->link != NULL) {
        *c->link = c->next;
        if (c->next != NULL) c->next->link = c->link;
        else t->lists[c->state].last = c->link;
    }
    c->next = NULL;
    c->link = NULL;
    c->state = (uint8_t)state;
    c->queued = (uint32_t)(t->now_ms / 100);
    if (state == SESSION_DEAD) { // freed when no event of this round can name it any more
        c->next = t->dead;
        t->dead = c;
        return;
    }
    struct socksd_list *l = &t->lists[state];
    c->link = l->last;
    *l->last = c;
    l->last = &c->next;
}

// Milliseconds that a session may stay in a list before it is looked at. Idle ones are looked at four times as often as they may be idle.
static uint32_t patience(const struct socksd_thread *t, size_t state)
{
    const struct socksd *s = t->server;
    switch ((enum session_state)state) {
    case SESSION_TALK: return s->handshake_ms;
    case SESSION_TRY: return s->connect_ms < TRY_MS ? s->connect_ms : TRY_MS;
    case SESSION_OPEN: return s->idle_ms / 4;
    case SESSION_DRAIN: return DRAIN_MS;
    default: return s->connect_ms;
    }
}

static uint64_t due(const struct socksd_thread *t, size_t state)
{
    const struct socksd_session *c = t->lists[state].first;
    return c == NULL ? UINT64_MAX : (uint64_t)c->queued * 100 + patience(t, state) + 100;
}

static int time_to_wait(const struct socksd_thread *t)
{
    uint64_t first = t->resting ? t->rested + REST_MS : UINT64_MAX;
    if (t->again != NULL) return 0;
    for (size_t i = 0; i < SESSION_DEAD; i++) {
        uint64_t d = due(t, i);
        if (d < first) first = d;
    }
    if (first == UINT64_MAX) return -1;
    return first <= t->now_ms ? 1 : first - t->now_ms > 3600000 ? 3600000 : (int)(first - t->now_ms);
}

static void look_at_times(struct socksd_thread *t)
{
    for (size_t i = 0; i < SESSION_DEAD; i++) {
        while (due(t, i) <= t->now_ms) {
            struct socksd_session *c = t->lists[i].first;
            if (i == SESSION_OPEN && t->now_ms < (uint64_t)c->since * 100 + t->server->idle_ms)
                socksd_list_put(t, c, SESSION_OPEN);
            else socksd_session_late(t, c);
        }
    }
}

// ------------------------------------------------------------------------------------------------------------- listeners

static bool watch_listeners(struct socksd_thread *t, int operation)
{
    bool ok = true;
    for (size_t i = 0; i < t->server->listeners_n; i++) {
        struct epoll_event e = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data = {.u64 = WAKE + 1 + i}};
        ok = epoll_ctl(t->poll, operation, t->server->listeners[i], &e) == 0 && ok;
    }
    return ok;
}

static void rest(struct socksd_thread *t)
{
    t->resting = true;
    t->rested = t->now_ms;
    (void)watch_listeners(t, EPOLL_CTL_DEL);
}

static void accept_some(struct socksd_thread *t, int listener)
{
    for (int i = 0; i < ACCEPTS; i++) {
        struct sockaddr_storage from;
        socklen_t n = sizeof from;
        int fd = accept4(listener, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            socksd_session_new(t, fd, (struct sockaddr *)&from);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            rest(t);
            return;
        }
    }
}

bool socksd_watch(const struct socksd_thread *t, struct socksd_session *c, int side)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                            .data = {.u64 = (uintptr_t)c | (unsigned)side}};
    return epoll_ctl(t->poll, EPOLL_CTL_ADD, c->fd[side], &e) == 0;
}

// ------------------------------------------------------------------------------------------------------------------ loop

static void woken(struct socksd_thread *t)
{
    uint64_t n;
    (void)!read(t->wake, &n, sizeof n);
    for (struct socksd_session *c = t->lists[SESSION_RESOLVE].first, *next; c != NULL; c = next) {
        next = c->next;
        socksd_session_resolve(t, c);
    }
}

static void on_event(struct socksd_thread *t, const struct epoll_event *e)
{
    const uint64_t what = e->data.u64;
    if (what == WAKE) woken(t);
    else if (what <= SOCKSD_LISTEN_MAX) accept_some(t, t->server->listeners[what - WAKE - 1]);
    else socksd_session_event(t, (struct socksd_session *)(uintptr_t)(what & ~UINT64_C(1)), (int)(what & 1), e->events);
}

// Those that had more to do than their turn had room for.
static void give_turns(struct socksd_thread *t)
{
    struct socksd_session *c = t->again;
    t->again = NULL;
    while (c != NULL) {
        struct socksd_session *next = c->again_next;
        c->again = false;
        c->since = (uint32_t)(t->now_ms / 100);
        if (c->state == SESSION_OPEN && !socksd_flow(t, c)) socksd_session_end(t, c);
        c = next;
    }
}

static void bury(struct socksd_thread *t)
{
    struct socksd_session *c = t->dead;
    t->dead = NULL;
    while (c != NULL) {
        struct socksd_session *next = c->next;
        if (c->again) { // the list of those with more to do still names it
            c->next = t->dead;
            t->dead = c;
        } else {
            mem_free(c);
        }
        c = next;
    }
}

static void *run(void *arg)
{
    struct socksd_thread *t = arg;
    struct epoll_event events[EVENTS];
    while (!atomic_load_explicit(&t->server->stopping, memory_order_acquire)) {
        int n = epoll_wait(t->poll, events, EVENTS, time_to_wait(t));
        t->now_ms = socksd_now();
        for (int i = 0; i < n; i++) on_event(t, &events[i]);
        give_turns(t);
        look_at_times(t);
        bury(t);
        if (t->resting && t->now_ms >= t->rested + REST_MS) {
            t->resting = false;
            (void)watch_listeners(t, EPOLL_CTL_ADD);
        }
    }
    for (size_t i = 0; i < SESSION_DEAD; i++) {
        while (t->lists[i].first != NULL) socksd_session_end(t, t->lists[i].first);
    }
    give_turns(t);
    bury(t);
    while (t->pipes_n-- > 0) {
        (void)close(t->pipes[t->pipes_n][0]);
        (void)close(t->pipes[t->pipes_n][1]);
    }
    return NULL;
}

enum err socksd_thread_start(struct socksd *s, struct socksd_thread *t)
{
    sigset_t all, before;
    struct epoll_event e = {.events = EPOLLIN, .data = {.u64 = WAKE}};
    t->server = s;
    t->now_ms = socksd_now();
    for (size_t i = 0; i < SESSION_DEAD; i++) t->lists[i].last = &t->lists[i].first;
    t->poll = epoll_create1(EPOLL_CLOEXEC);
    t->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (t->poll < 0 || t->wake < 0 || epoll_ctl(t->poll, EPOLL_CTL_ADD, t->wake, &e) != 0) return ERR_IO;
    if (!watch_listeners(t, EPOLL_CTL_ADD)) return ERR_IO;
    // Signals are for the thread that started us; a socket that is gone says so by its error.
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    t->running = pthread_create(&t->thread, NULL, run, t) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return t->running ? ERR_OK : ERR_MEMORY;
}

void socksd_thread_wake(struct socksd_thread *t)
{
    const uint64_t one = 1;
    (void)!write(t->wake, &one, sizeof one);
}

void socksd_thread_join(struct socksd_thread *t)
{
    if (t->running) (void)pthread_join(t->thread, NULL);
    if (t->poll >= 0) (void)close(t->poll);
    if (t->wake >= 0) (void)close(t->wake);
}
