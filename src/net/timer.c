// SPDX-License-Identifier: Apache-2.0
//
// A wheel of timers: slot t mod NET_WHEEL holds those that are due at tick t, and at later ticks that share the slot. Starting
// and stopping take constant time, however many there are. The one timer of libuv's is set for the next slot that has any:
// a loop without timers sleeps. A timer is in at most one slot, and `link` points at what points at it.
#include "net/inner.h"

static void on_wake(uv_timer_t *t) { net_wheel_turn(t->data); }

static void set_wake(struct net_loop *l, uint64_t tick)
{
    uint64_t now = uv_now(&l->uv), at = tick * NET_TICK;
    l->wake = tick;
    (void)uv_timer_start(&l->timer, on_wake, at > now ? at - now : 0, 0); // fails only without a callback
}

static void put(struct net_loop *l, struct net_timer *t)
{
    struct net_timer **head = &l->slot[t->due % NET_WHEEL];
    t->next = *head;
    if (t->next != NULL) t->next->link = &t->next;
    t->link = head;
    *head = t;
}

void net_timer_stop(struct net_timer *t)
{
    if (t->link == NULL) return;
    *t->link = t->next;
    if (t->next != NULL) t->next->link = t->link;
    t->link = NULL;
    t->next = NULL;
}

void net_timer_start(struct net_loop *l, struct net_timer *t, uint64_t ms, void (*fn)(struct net_timer *t))
{
    net_timer_stop(t);
    t->fn = fn;
    t->due = (uv_now(&l->uv) + ms + NET_TICK - 1) / NET_TICK;
    if (t->due <= l->tick) t->due = l->tick + 1;
    put(l, t);
    // A slot comes by once a turn, and those behind it wait until then.
    uint64_t first = t->due - l->tick > NET_WHEEL ? l->tick + NET_WHEEL : t->due;
    if (l->wake == 0 || first < l->wake) set_wake(l, first);
}

static void run_slot(struct net_loop *l)
{
    struct net_timer *list = l->slot[l->tick % NET_WHEEL], *t;
    l->slot[l->tick % NET_WHEEL] = NULL;
    if (list != NULL) list->link = &list;
    // Each is taken off before it runs: whatever its function stops or starts, the list stays whole.
    while ((t = list) != NULL) {
        net_timer_stop(t);
        if (t->due > l->tick) put(l, t);
        else t->fn(t);
    }
}

void net_wheel_turn(struct net_loop *l)
{
    uint64_t now = uv_now(&l->uv) / NET_TICK;
    l->wake = 1; // earlier than any: what is started meanwhile sets nothing
    // After a long sleep one turn looks at every slot; more would look at them again.
    if (now > l->tick + NET_WHEEL) l->tick = now - NET_WHEEL;
    while (l->tick < now) {
        l->tick++;
        run_slot(l);
    }
    l->wake = 0;
    for (uint64_t tick = l->tick + 1; tick <= l->tick + NET_WHEEL; tick++) {
        if (l->slot[tick % NET_WHEEL] == NULL) continue;
        set_wake(l, tick);
        return;
    }
}
