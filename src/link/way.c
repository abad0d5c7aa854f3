// SPDX-License-Identifier: Apache-2.0
//
// How a link gets its connection, and a better one. Where another route is there, a request that waits for long makes the link look for
// another way while it goes on listening on the one it has: whichever speaks first is kept. Invariant: `dial` is there only while
// the link is DIALING, or UP and looking further.
#include "link/inner.h"

enum {
    LASTED_MS = 60000, // a connection that breaks sooner speaks against its route
    PATIENCE_MAX_MS = 24000
};

bool link_has_choice(const struct link *l) { return reach_has_choice(l->s.reach, l->to.host); }

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

static void on_won(void *arg, struct net_conn *c, uint32_t route)
{
    struct link *l = arg;
    l->dial = NULL;
    link_upgrade(l, c, route);
}

static void on_lost(void *arg, const struct reach_failure *why)
{
    struct link *l = arg;
    l->dial = NULL;
    bool name = why->hop == HOP_NAME && why->err != ERR_LIMIT;
    l->failure =
        (struct link_failure){.phase = name ? LINK_RESOLVING : LINK_CONNECTING, .err = why->err, .reach = *why};
    l->at_once = false;
    link_come_back(l);
}

static void on_no_memory(struct net_timer *t)
{
    struct link *l = (struct link *)(void *)((char *)t - offsetof(struct link, timer));
    l->failure = (struct link_failure){.phase = LINK_CONNECTING, .err = ERR_MEMORY};
    link_come_back(l);
}

static struct dial_to dial_to(const struct link *l)
{
    return (struct dial_to){
        .host = l->to.host, .port = l->to.port, .tls = l->tls, .circuit = l->s.circuit, .ms = l->s.attempt_ms};
}

// Fails later, from the loop, if it fails at once: whoever opens a link is not called back before that returns.
void link_start(struct link *l)
{
    static const struct dial_events events = {.won = on_won, .lost = on_lost};
    const struct dial_to to = dial_to(l);
    l->state = DIALING;
    net_timer_stop(&l->timer);
    if (dial_start(l->loop, l->s.reach, &to, &events, l, &l->dial) != ERR_OK)
        net_timer_start(l->loop, &l->timer, 0, on_no_memory);
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
static void on_better(void *arg, struct net_conn *c, uint32_t route)
{
    struct link *l = arg;
    const struct link_failure why = {.phase = LINK_UP, .err = ERR_LIMIT};
    bool freed = false, *outer = l->freed;
    l->dial = NULL;
    l->failure = why;
    link_judge(l, true, false);
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
    link_upgrade(l, c, route);
}

static void on_no_better(void *arg, const struct reach_failure *why)
{
    struct link *l = arg;
    (void)why;
    l->dial = NULL;
    link_watch(l);
}

void link_look_further(struct link *l)
{
    static const struct dial_events events = {.won = on_better, .lost = on_no_better};
    struct dial_to to = dial_to(l);
    if (l->dial != NULL || !link_has_choice(l)) return;
    to.not_that = true;
    to.route = l->route;
    // So that a slow connection, which the new one may be as well, is given longer each time.
    l->patience_ms = l->patience_ms < PATIENCE_MAX_MS / 2 ? 2 * l->patience_ms : PATIENCE_MAX_MS;
    if (dial_start(l->loop, l->s.reach, &to, &events, l, &l->dial) != ERR_OK) l->dial = NULL;
}

void link_news(struct reach_member *m, enum reach_news news)
{
    struct link *l = (struct link *)(void *)((char *)m - offsetof(struct link, member));
    bool waits = l->state == PAUSED, rules = news == REACH_RULES;
    if (l->ending) return;
    if (l->conn != NULL && rules && !reach_allows(l->s.reach, l->route, l->to.host) && !l->given_up) {
        link_fail(l, LINK_UP, ERR_REFUSED, 0);
        l->at_once = true;
    }
    if (l->dial != NULL && rules) { // it is begun anew with what may be used now
        dial_free(l->dial);
        l->dial = NULL;
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
