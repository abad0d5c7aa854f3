// SPDX-License-Identifier: Apache-2.0
//
// How a link gets its connection, and a better one. Where another route is there, an answer that is long in coming makes the link look for
// another way while it goes on listening on the one it has: whichever speaks first is kept. So it is from the first byte on, since there are
// networks that let a connection begin, and then nothing through. A relay may have several addresses: the one that worked last begins.
// Invariant: runs are under way only while the link is DIALING, or has a connection and looks further.
#include "link/inner.h"

enum {
    LASTED_MS = 60000, // a connection that breaks sooner speaks against its route
    PATIENCE_MAX_MS = 24000
};

bool link_has_choice(const struct link *l)
{
    return l->others_n > 0 || reach_has_choice(l->s.reach, l->to.host, l->to.port);
}

// What an end that came too soon, or before the relay said hello, says of the route. A web site in the relay's place, or a relay that
// does not like us, says nothing of it.
void link_judge(struct link *l, bool was_up, bool proper)
{
    const struct link_failure *f = &l->failure;
    bool broke = !proper && (f->err == ERR_IO || f->err == ERR_LIMIT);
    bool soon = !was_up || net_loop_now(l->loop) - l->since < LASTED_MS;
    const struct reach_failure why = {.hop = HOP_TALK, .err = f->err == ERR_LIMIT ? ERR_LIMIT : ERR_IO};
    if (l->s.reach == NULL) return;
    if (was_up) reach_use(l->s.reach, l->route, -1);
    if (broke && soon) reach_failed(l->s.reach, l->route, &why);
}

// ----------------------------------------------------------------------------------------------------- another way

static void nobody_data(void *arg, uint8_t *bytes, size_t n)
{
    (void)arg;
    (void)bytes;
    (void)n;
}

static void nobody_closed(void *arg, enum err why)
{
    (void)arg;
    (void)why;
}

const struct net_owner link_nobody = {.data = nobody_data, .closed = nobody_closed};

// Nothing was heard meanwhile: the new way it is. Whoever waits is told that there is no answer, as after any break.
static void take_better(struct link *l, struct net_conn *c, uint32_t route, const struct link_address *to)
{
    const struct link_failure why = {.phase = l->state == UP ? LINK_UP : l->failure.phase, .err = ERR_LIMIT};
    bool freed = false, *outer = l->freed;
    l->failure = why;
    link_judge(l, l->state == UP, false);
    net_conn_owner(l->conn, &link_nobody, NULL);
    net_conn_reset(l->conn);
    l->conn = NULL;
    l->state = BROKEN;
    net_timer_stop(&l->timer);
    ws_wipe(&l->ws);
    net_conn_owner(c, &link_nobody, NULL);
    l->freed = &freed; // cppcheck-suppress autoVariables ; set back before it goes
    if (link_abandon(l)) l->events.down(l->arg, &why, 0);
    if (freed) {
        net_conn_reset(c);
        if (outer != NULL) *outer = true;
        return;
    }
    l->freed = outer;
    l->to = *to;
    link_upgrade(l, c, route);
}

static void on_lost(void *arg, const struct reach_failure *why);

// --------------------------------------------------------------------------------------------------- a race of addresses

static size_t addresses(const struct link *l) { return 1 + l->others_n; }
static const struct link_address *address(const struct link *l, size_t i)
{
    return i == 0 ? &l->own : &l->others[i - 1];
}

// The one that the last connection was made to; the link's own if that is none of them any more.
static size_t present(const struct link *l)
{
    size_t i = addresses(l) - 1;
    while (i > 0 && !link_address_same(address(l, i), &l->to)) i--;
    return i;
}

bool link_runs(const struct link *l)
{
    for (size_t i = 0; i < l->begun; i++) {
        if (l->runs[i].dial != NULL) return true;
    }
    return false;
}

void link_run_no_more(struct link *l)
{
    net_timer_stop(&l->next);
    for (size_t i = 0; i < l->begun; i++) {
        dial_free(l->runs[i].dial);
        l->runs[i].dial = NULL;
    }
    l->begun = 0;
}

void link_others(struct link *l, const struct link_address *list, size_t n)
{
    bool again = link_runs(l) && l->state == DIALING;
    link_run_no_more(l);
    l->others_n = n < LINK_OTHERS_MAX ? n : LINK_OTHERS_MAX;
    for (size_t i = 0; i < l->others_n; i++) l->others[i] = list[i];
    if (again) link_start(l);
}

static void on_won(void *arg, struct net_conn *c, uint32_t route)
{
    struct run *r = arg;
    struct link *l = r->l;
    struct link_address to = *address(l, r->at); /* secret */
    r->dial = NULL;
    link_run_no_more(l);
    if (l->conn != NULL) {
        take_better(l, c, route, &to);
    } else {
        l->to = to;
        link_upgrade(l, c, route);
    }
    mem_wipe(&to, sizeof to);
}

static void on_next(struct net_timer *t);

// Begins with one more address. False: there is none, or no memory.
static bool run_one(struct link *l)
{
    static const struct dial_events events = {.won = on_won, .lost = on_lost};
    bool further = l->conn != NULL;
    while (l->begun < addresses(l)) {
        struct run *r = &l->runs[l->begun];
        *r = (struct run){.l = l, .at = (present(l) + l->begun) % addresses(l)};
        bool same = l->begun++ == 0;
        const struct link_address *a = address(l, r->at);
        const struct dial_to to = {.host = a->host,
                                   .port = a->port,
                                   .tls = l->tls,
                                   .circuit = l->s.circuit,
                                   .ms = l->s.attempt_ms,
                                   .not_that =
                                       further && same, // that address, by that route, is what has fallen silent
                                   .route = l->route};
        if (further && same && !reach_has_choice(l->s.reach, a->host, a->port)) continue;
        if (dial_start(l->loop, l->s.reach, &to, &events, r, &r->dial) != ERR_OK) continue;
        if (l->begun < addresses(l)) net_timer_start(l->loop, &l->next, NEXT_MS, on_next);
        return true;
    }
    return false;
}

static void on_next(struct net_timer *t)
{
    struct link *l = (struct link *)(void *)((char *)t - offsetof(struct link, next));
    (void)run_one(l);
}

static void on_lost(void *arg, const struct reach_failure *why)
{
    struct run *r = arg;
    struct link *l = r->l;
    r->dial = NULL;
    if (why->hop > l->best.hop) l->best = *why;
    if (run_one(l) || link_runs(l)) return;
    why = &l->best;
    if (l->conn != NULL) return; // it goes on waiting
    bool name = why->hop == HOP_NAME && why->err != ERR_LIMIT;
    l->failure =
        (struct link_failure){.phase = name ? LINK_RESOLVING : LINK_CONNECTING, .err = why->err, .reach = *why};
    l->at_once = false;
    link_come_back(l);
}

// Begins with the first.
static bool run(struct link *l)
{
    link_run_no_more(l);
    l->best = (struct reach_failure){0};
    return run_one(l);
}

static void on_no_memory(struct net_timer *t)
{
    struct link *l = (struct link *)(void *)((char *)t - offsetof(struct link, timer));
    l->failure = (struct link_failure){.phase = LINK_CONNECTING, .err = ERR_MEMORY};
    link_come_back(l);
}

// Fails later, from the loop, if it fails at once: whoever opens a link is not called back before that returns.
void link_start(struct link *l)
{
    l->state = DIALING;
    net_timer_stop(&l->timer);
    if (!run(l)) net_timer_start(l->loop, &l->timer, 0, on_no_memory);
}

void link_look_further(struct link *l)
{
    if (link_runs(l) || !link_has_choice(l)) return;
    // So that a slow connection, which the new one may be as well, is given longer each time.
    l->patience_ms = l->patience_ms < PATIENCE_MAX_MS / 2 ? 2 * l->patience_ms : PATIENCE_MAX_MS;
    (void)run(l);
}

void link_news(struct reach_member *m, enum reach_news news)
{
    struct link *l = (struct link *)(void *)((char *)m - offsetof(struct link, member));
    bool waits = l->state == PAUSED, rules = news == REACH_RULES;
    if (l->ending) return;
    if (l->conn != NULL && rules && !reach_allows(l->s.reach, l->route, l->to.host, l->to.port) && !l->given_up) {
        link_fail(l, LINK_UP, ERR_REFUSED, 0);
        l->at_once = true;
    }
    if (link_runs(l) && rules) { // it is begun anew with what may be used now
        link_run_no_more(l);
        waits = waits || l->state == DIALING;
    }
    if (waits) {
        l->retry_ms = l->s.retry_ms;
        link_start(l);
    } else if (l->state == UP && !l->given_up && !rules) {
        l->doubt = net_loop_now(l->loop);
        link_ping(l);
        link_watch(l);
    }
}
