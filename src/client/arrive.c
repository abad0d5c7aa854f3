// SPDX-License-Identifier: Apache-2.0
//
// What relays push is gathered until the loop's turn is over, and taken then: one transaction for all conversations, whatever came at once.
// Nothing waits for a timer. Invariant: what is gathered is as if it had not come yet; whatever must not be looked at before it (the end of a
// follow, the answer to one, what comes in the inbox behind it) settles first.
#include "client/inner.h"

enum { GATHERED_MAX = 4 << 20 }; // bytes for one conversation in a turn; a turn has hardly more than a frame

static void on_turn(struct net_turn *t)
{
    arrive_settle((struct engine *)(void *)((char *)t - offsetof(struct engine, turn)));
}

static struct arrival *find(struct engine *e, const struct chat *c)
{
    struct arrival *a = e->arrived;
    while (a != NULL && (a->chat != c->id || a->peer != c->peer)) a = a->next;
    return a;
}

static struct arrival *add(struct engine *e, const struct chat *c)
{
    struct arrival *a = mem_new(sizeof *a);
    if (a == NULL) return NULL;
    *a = (struct arrival){.chat = c->id, .peer = c->peer};
    buf_init(&a->list, GATHERED_MAX);
    if (e->arrived == NULL) e->arrived_last = &e->arrived;
    *e->arrived_last = a;
    e->arrived_last = &a->next;
    e->turn.fn = on_turn;
    net_loop_turn(e->loop, &e->turn);
    return a;
}

void arrive(struct chat *c, struct span entries)
{
    struct engine *e = c->e;
    struct arrival *a = find(e, c);
    if (a != NULL && entries.n > GATHERED_MAX - a->list.n) {
        arrive_settle(e);
        a = NULL;
    }
    if (a == NULL) a = add(e, c);
    if (a != NULL) buf_put(&a->list, entries);
    if (a != NULL && buf_end(&a->list) == ERR_OK) return;
    peer_stall(c->peer); // there is no memory: it comes again
}

static void drop(struct arrival *first)
{
    for (struct arrival *a = first, *next; a != NULL; a = next) {
        next = a->next;
        buf_wipe(&a->list);
        mem_free(a);
    }
}

void arrive_settle(struct engine *e)
{
    struct arrival *first = e->arrived;
    e->arrived = NULL;
    net_turn_drop(&e->turn);
    if (first == NULL) return;
    receive_arrivals(e, first);
    drop(first);
    chat_trim(e);
}

void arrive_stop(struct engine *e)
{
    net_turn_drop(&e->turn);
    drop(e->arrived);
    e->arrived = NULL;
}
