// SPDX-License-Identifier: Apache-2.0
//
// The event loop of one thread: libuv's, with posts from other threads and a round of flushing before each sleep. Invariant:
// when the loop sleeps, no connection is dirty and no post that was made before is waiting.
#include "net/inner.h"

static void take_posts(struct net_loop *l)
{
    struct net_post *last = atomic_exchange_explicit(&l->posts, NULL, memory_order_acquire), *first = NULL;
    while (last != NULL) { // they came the last one first
        struct net_post *next = last->next;
        last->next = first;
        first = last;
        last = next;
    }
    while (first != NULL) {
        struct net_post *p = first;
        first = p->next; // from here on p is its owner's
        p->fn(p);
    }
}

void net_loop_post(struct net_loop *l, struct net_post *p)
{
    struct net_post *last = atomic_load_explicit(&l->posts, memory_order_relaxed);
    do p->next = last;
    while (!atomic_compare_exchange_weak_explicit(&l->posts, &last, p, memory_order_release, memory_order_relaxed));
    // Whoever put the first one has woken the loop, or is about to.
    if (last == NULL) (void)uv_async_send(&l->async);
}

static void on_async(uv_async_t *a) { take_posts(a->data); }
static void on_again(uv_idle_t *i) { (void)i; }

void net_turn_drop(struct net_turn *t)
{
    if (t->link == NULL) return;
    *t->link = t->next;
    if (t->next != NULL) t->next->link = t->link;
    t->link = NULL;
}

void net_loop_turn(struct net_loop *l, struct net_turn *t)
{
    if (t->link != NULL) return;
    t->next = l->turns;
    if (t->next != NULL) t->next->link = &t->next;
    t->link = &l->turns;
    l->turns = t;
}

static void flush(struct net_loop *l)
{
    struct net_conn *round = l->dirty;
    l->dirty = NULL;
    if (round != NULL) round->dirty_link = &round;
    while (round != NULL) net_conn_flush(round); // takes it off
}

static void on_prepare(uv_prepare_t *p)
{
    struct net_loop *l = p->data;
    struct net_turn *turns = l->turns;
    l->turns = NULL;
    if (turns != NULL) turns->link = &turns;
    flush(l);
    while (turns != NULL) {
        struct net_turn *t = turns;
        net_turn_drop(t);
        t->fn(t);
        flush(l);
    }
    // What an owner sent when it heard that a connection has drained has its turn after the others' events; so has what a turn's end asks for.
    if (l->dirty != NULL || l->turns != NULL) (void)uv_idle_start(&l->again, on_again);
    else (void)uv_idle_stop(&l->again);
    if (l->stopping && l->handles == 0 && atomic_load(&l->posts) == NULL) uv_stop(&l->uv);
}

enum err net_loop_new(struct net_loop **out)
{
    struct net_loop *l = mem_new(sizeof *l);
    *out = NULL;
    if (l == NULL) return ERR_MEMORY;
    if (uv_loop_init(&l->uv) != 0) {
        mem_free(l);
        return ERR_IO;
    }
    // Of these only the first can fail.
    bool ok = uv_async_init(&l->uv, &l->async, on_async) == 0;
    (void)uv_prepare_init(&l->uv, &l->prepare);
    (void)uv_idle_init(&l->uv, &l->again);
    (void)uv_timer_init(&l->uv, &l->timer);
    l->async.data = l->prepare.data = l->again.data = l->timer.data = l;
    (void)uv_prepare_start(&l->prepare, on_prepare);
    l->tick = uv_now(&l->uv) / NET_TICK;
    enum err e = ok ? net_bio_new(l) : ERR_IO;
    if (e != ERR_OK) {
        if (!ok) l->async.data = NULL;
        net_loop_free(l);
        return e;
    }
    *out = l;
    return ERR_OK;
}

void net_loop_free(struct net_loop *l)
{
    if (l == NULL) return;
    if (l->async.data != NULL) uv_close((uv_handle_t *)&l->async, NULL);
    uv_close((uv_handle_t *)&l->prepare, NULL);
    uv_close((uv_handle_t *)&l->again, NULL);
    uv_close((uv_handle_t *)&l->timer, NULL);
    (void)uv_run(&l->uv, UV_RUN_DEFAULT);
    (void)uv_loop_close(&l->uv);
    net_bio_free(l);
    mem_free_wiped(l, sizeof *l);
}

void net_loop_run(struct net_loop *l)
{
    (void)uv_run(&l->uv, UV_RUN_DEFAULT);
    take_posts(l);
}

void net_loop_stop(struct net_loop *l)
{
    if (l->stopping) return;
    l->stopping = true;
    while (l->listeners != NULL) net_listener_destroy(l->listeners);
    // None goes off the list before libuv lets go of its handle, which is not now.
    for (struct net_conn *c = l->conns; c != NULL; c = c->next) net_conn_close(c);
}

void net_loop_pause(struct net_loop *l) { uv_stop(&l->uv); }

size_t net_loop_pending(const struct net_loop *l) { return l->pending; }

uint64_t net_loop_now(const struct net_loop *l) { return uv_now(&l->uv); }
