// SPDX-License-Identifier: Apache-2.0
//
// The race. Ways stand in a list in the order in which they begin; `next` is the first that has not. Invariant: nobody is called back from
// within dial_start, and once somebody is, nothing of the dial is left but what was handed over.
#include "reach/dial.h"

#include "reach/way.h"

#include <stdio.h>

enum { WAYS_MAX = 2 * REACH_ROUTES_MAX };

struct dial {
    struct way_race race; // first: ways know it
    struct dial_events events;
    void *arg;
    struct way *ways, *next;
    size_t n, running;
    struct net_timer stagger, limit;
    struct reach_member member;
    struct reach_failure best; // of the failures, the one that came farthest
    bool only, not_that;
    uint32_t route;
};

static struct dial *of(struct way *w) { return (struct dial *)(void *)w->race; }

static void note(struct dial *d, const struct reach_failure *f)
{
    if (f->hop > d->best.hop) d->best = *f;
}

void dial_free(struct dial *d)
{
    if (d == NULL) return;
    net_timer_stop(&d->stagger);
    net_timer_stop(&d->limit);
    reach_leave(&d->member);
    while (d->ways != NULL) {
        struct way *w = d->ways;
        d->ways = w->next;
        way_free(w);
    }
    net_tls_unref(d->race.tls);
    mem_free_wiped(d, sizeof *d);
}

static void lose(struct dial *d)
{
    const struct dial_events events = d->events;
    const struct reach_failure why = d->best;
    void *arg = d->arg;
    dial_free(d);
    events.lost(arg, &why);
}

static void on_lost(struct net_timer *t) { lose((struct dial *)(void *)((char *)t - offsetof(struct dial, limit))); }

static void win(struct dial *d, struct way *w)
{
    const struct dial_events events = d->events;
    struct net_conn *c = w->conn;
    uint32_t route = w->route.id;
    void *arg = d->arg;
    w->conn = NULL;
    dial_free(d);
    events.won(arg, c, route);
}

static void on_stagger(struct net_timer *t);

// Begins what may begin. False: there is nothing any more.
static bool pump(struct dial *d)
{
    while (d->next != NULL && d->running < REACH_AT_ONCE) {
        uint32_t wait = d->race.reach == NULL ? 0 : reach_pace(d->race.reach, d->race.to.host, d->race.to.port);
        if (wait > 0) {
            note(d, &(struct reach_failure){.hop = HOP_PACE, .err = ERR_LIMIT});
            net_timer_start(d->race.loop, &d->stagger, wait, on_stagger);
            return true;
        }
        struct way *w = d->next;
        d->next = w->next;
        way_begin(w);
        if (w->state == WAY_OVER) {
            note(d, &w->failure);
            continue;
        }
        d->running++;
        if (d->next != NULL) net_timer_start(d->race.loop, &d->stagger, REACH_STAGGER_MS, on_stagger);
        return true;
    }
    return d->running > 0;
}

static void on_stagger(struct net_timer *t)
{
    struct dial *d = (struct dial *)(void *)((char *)t - offsetof(struct dial, stagger));
    if (!pump(d)) lose(d);
}

static void on_done(struct way *w)
{
    struct dial *d = of(w);
    if (w->state == WAY_WON) {
        win(d, w);
        return;
    }
    d->running--;
    note(d, &w->failure);
    if (!pump(d)) lose(d);
}

static struct way *add(struct dial *d, const struct route *route, struct way **where)
{
    struct way *w = d->n < WAYS_MAX ? way_new(&d->race, route) : NULL;
    if (w == NULL) return NULL;
    d->n++;
    w->next = *where;
    *where = w;
    return w;
}

// Before all that waits, so that a name's addresses come one after the other.
static struct way *on_more(struct way *w)
{
    struct dial *d = of(w);
    struct way **at = &d->ways;
    bool waits = w->state == WAY_QUEUED;
    while (!waits && *at != d->next) at = &(*at)->next;
    struct way *further = add(d, &w->route, waits ? &w->next : at);
    if (further != NULL && !waits) d->next = further;
    if (further != NULL && d->stagger.link == NULL)
        net_timer_start(d->race.loop, &d->stagger, REACH_STAGGER_MS, on_stagger);
    return further;
}

static void on_limit(struct net_timer *t)
{
    struct dial *d = (struct dial *)(void *)((char *)t - offsetof(struct dial, limit));
    for (struct way *w = d->ways; w != d->next; w = w->next) {
        if (w->state == WAY_OVER) continue;
        way_stop(w);
        note(d, &w->failure);
        if (d->race.reach != NULL) reach_failed(d->race.reach, w->route.id, &w->failure);
    }
    lose(d);
}

// What may not be used any more ends, and what has not begun will not. If the network is another one, there is nothing to end: what does
// not work there will say so.
static void on_news(struct reach_member *m, enum reach_news news)
{
    struct dial *d = (struct dial *)(void *)((char *)m - offsetof(struct dial, member));
    if (news != REACH_RULES) return;
    for (struct way **at = &d->ways; *at != NULL;) {
        struct way *w = *at;
        bool begun = w->state != WAY_QUEUED;
        if (w->state == WAY_OVER || way_may(w)) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        if (d->next == w) d->next = w->next;
        if (begun) d->running--;
        d->n--;
        way_free(w);
    }
    if (d->running > 0) return;
    if (d->next != NULL) {
        net_timer_start(d->race.loop, &d->stagger, 0, on_stagger);
    } else {
        d->best = (struct reach_failure){.hop = HOP_POLICY, .err = ERR_REFUSED};
        net_timer_start(d->race.loop, &d->limit, 0, on_lost);
    }
}

// The routes that take part. Returns the time for all of it.
static uint32_t line_up(struct dial *d, uint32_t ms)
{
    static const struct route straight = {.kind = ROUTE_DIRECT};
    const struct known *order[REACH_ROUTES_MAX + 1];
    struct way **end = &d->ways;
    bool slow = false;
    size_t n = d->race.reach == NULL ? 0 : reach_order(d->race.reach, d->race.to.host, d->race.to.port, order);
    if (d->race.reach == NULL && reach_allows(NULL, ROUTE_DIRECT_ID, d->race.to.host, d->race.to.port))
        (void)add(d, &straight, end);
    for (size_t i = 0; i < n; i++) {
        const struct route *r = &order[i]->route;
        if ((d->only && r->id != d->route) || (d->not_that && r->id == d->route)) continue;
        struct way *w = add(d, r, end);
        if (w == NULL) break;
        end = &w->next;
        slow = slow || r->kind == ROUTE_TOR || r->kind == ROUTE_TRANSPORT || reach_is_onion(d->race.to.host);
    }
    d->next = d->ways;
    return slow ? 3 * ms : ms;
}

enum err dial_start(struct net_loop *l, struct reach *r, const struct dial_to *to, const struct dial_events *events,
                    void *arg, struct dial **out)
{
    struct dial *d = mem_new(sizeof *d);
    if (d == NULL) return ERR_MEMORY;
    *d = (struct dial){.events = *events, .arg = arg, .only = to->only, .not_that = to->not_that, .route = to->route};
    d->race = (struct way_race){.loop = l,
                                .reach = r,
                                .world = r == NULL ? &reach_real_world : r->s.world,
                                .tls = net_tls_ref(to->tls),
                                .to = {.port = to->port},
                                .circuit = to->circuit,
                                .done = on_done,
                                .more = on_more};
    (void)snprintf(d->race.to.host, sizeof d->race.to.host, "%s", to->host);
    uint32_t ms = line_up(d, to->ms);
    if (d->ways == NULL)
        d->best =
            (struct reach_failure){.hop = HOP_POLICY, .err = reach_is_onion(to->host) ? ERR_UNSUPPORTED : ERR_REFUSED};
    d->member.news = on_news;
    reach_join(r, &d->member);
    *out = d;
    if (pump(d)) net_timer_start(l, &d->limit, ms, on_limit);
    else net_timer_start(l, &d->limit, 0, on_lost);
    return ERR_OK;
}
