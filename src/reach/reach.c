// SPDX-License-Identifier: Apache-2.0
//
// What is known of routes: a list, the policy, how each did, and which one worked on which network. Invariant: known[0] is the direct route,
// and every question about what may be used goes through reach_allows.
#include "reach/reach.h"

#include "base/siphash.h"
#include "reach/inner.h"

#include <stdio.h>
#include <sys/random.h>

// A burst, and then one each so often: in any minute no more than REACH_ATTEMPTS_MINUTE.
enum { BURST = REACH_ATTEMPTS_MINUTE / 3, PACE_MS = 60000 / (REACH_ATTEMPTS_MINUTE - BURST) };
enum { LOOK_MS = 5000, SLEPT_MS = 2000, MINUTE_MS = 60000 };

const struct reach_world reach_real_world = {
    .resolve = net_resolve, .forget = net_resolve_forget, .connect = net_connect};

enum err reach_new(struct net_loop *loop, const struct reach_settings *s, struct reach **out)
{
    struct reach *r = mem_new(sizeof *r);
    if (r == NULL) return ERR_MEMORY;
    *r = (struct reach){.loop = loop, .s = *s, .next_id = 1, .isolation = REACH_RELAY, .n = 1};
    if (r->s.world == NULL) r->s.world = &reach_real_world;
    if (r->s.hop_ms == 0) r->s.hop_ms = REACH_HOP_MS;
    if (r->s.slow_hop_ms == 0) r->s.slow_hop_ms = REACH_SLOW_HOP_MS;
    r->known[0] = mem_new(sizeof *r->known[0]);
    enum err e = r->known[0] == NULL ? ERR_MEMORY : ERR_OK;
    if (e == ERR_OK && getrandom(r->key, sizeof r->key, 0) != sizeof r->key) e = ERR_RANDOM;
    if (e != ERR_OK) {
        reach_free(r);
        return e;
    }
    if (r->s.networks[0] == 0 && r->s.networks[1] == 0) memcpy(r->s.networks, r->key, sizeof r->key);
    r->network = network_hash(r->s.networks);
    r->slept = network_slept();
    *out = r;
    return ERR_OK;
}

void reach_free(struct reach *r)
{
    if (r == NULL) return;
    net_timer_stop(&r->look);
    transport_tidy(r, true);
    for (size_t i = 0; i < r->n; i++) mem_free_wiped(r->known[i], sizeof *r->known[i]);
    mem_free_wiped(r, sizeof *r);
}

// ------------------------------------------------------------------------------------------------------------- members

// Each is told, whoever leaves meanwhile; those who come during the round are not.
static void tell(struct reach *r, enum reach_news n)
{
    struct reach_member *round = r->members;
    r->members = NULL;
    if (round != NULL) round->link = &round;
    while (round != NULL) {
        struct reach_member *m = round;
        reach_leave(m);
        reach_join(r, m);
        m->news(m, n);
    }
}

static void look(struct net_timer *t)
{
    struct reach *r = (struct reach *)(void *)((char *)t - offsetof(struct reach, look));
    uint64_t network = network_hash(r->s.networks);
    int64_t slept = network_slept();
    bool changed = network != r->network || slept > r->slept + SLEPT_MS;
    r->network = network;
    r->slept = slept;
    net_timer_start(r->loop, &r->look, LOOK_MS, look);
    if (changed) tell(r, REACH_NETWORK);
    if (r->members == NULL) net_timer_stop(&r->look);
}

void reach_join(struct reach *r, struct reach_member *m)
{
    if (r == NULL || m->link != NULL) return;
    if (r->members == NULL && r->look.link == NULL) net_timer_start(r->loop, &r->look, LOOK_MS, look);
    m->next = r->members;
    if (m->next != NULL) m->next->link = &m->next;
    m->link = &r->members;
    r->members = m;
}

void reach_leave(struct reach_member *m)
{
    if (m->link == NULL) return;
    *m->link = m->next;
    if (m->next != NULL) m->next->link = m->link;
    m->link = NULL;
    m->next = NULL;
}

// -------------------------------------------------------------------------------------------------------------- routes

struct known *reach_known(const struct reach *r, uint32_t id)
{
    for (size_t i = 0; r != NULL && i < r->n; i++) {
        if (r->known[i]->route.id == id) return r->known[i];
    }
    return NULL;
}

const struct route *reach_at(const struct reach *r, size_t i) { return i < r->n ? &r->known[i]->route : NULL; }

const struct route *reach_find(const struct reach *r, uint32_t id)
{
    const struct known *k = reach_known(r, id);
    return k == NULL ? NULL : &k->route;
}

static size_t published(const struct reach *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) n += r->known[i]->route.published;
    return n;
}

enum err reach_add(struct reach *r, const struct route *route, uint32_t *id)
{
    if (route_check(route) != NULL) return ERR_INVALID;
    if (r->n > REACH_ROUTES_MAX || (route->published && published(r) >= REACH_PUBLISHED_MAX)) return ERR_LIMIT;
    if (route->id != 0 && reach_known(r, route->id) != NULL) return ERR_MISUSE;
    struct known *k = mem_new(sizeof *k);
    if (k == NULL) return ERR_MEMORY;
    k->route = *route;
    if (k->route.id == 0) k->route.id = r->next_id;
    if (k->route.id >= r->next_id) r->next_id = k->route.id + 1;
    k->status.route = k->route.id;
    r->known[r->n++] = k;
    *id = k->route.id;
    tell(r, REACH_RULES);
    return ERR_OK;
}

enum err reach_remove(struct reach *r, uint32_t id)
{
    size_t i = 1;
    while (i < r->n && r->known[i]->route.id != id) i++;
    if (i == r->n) return ERR_NOT_FOUND;
    mem_free_wiped(r->known[i], sizeof *r->known[i]);
    memmove(&r->known[i], &r->known[i + 1], (r->n - i - 1) * sizeof r->known[0]);
    r->n--;
    tell(r, REACH_RULES);
    transport_tidy(r, false);
    return ERR_OK;
}

void reach_set_policy(struct reach *r, enum reach_policy p)
{
    r->policy = p;
    tell(r, REACH_RULES);
    transport_tidy(r, false);
}

enum reach_policy reach_policy(const struct reach *r) { return r->policy; }
void reach_set_isolation(struct reach *r, enum reach_isolation i) { r->isolation = i; }
enum reach_isolation reach_isolation(const struct reach *r) { return r->isolation; }

// By the policy alone. A transport whose program talks to others than its bridge would be a way past the proxies.
bool reach_permits(const struct reach *r, const struct route *route)
{
    if (route->published && r->policy != REACH_AUTO) return false;
    switch (r->policy) {
    case REACH_AUTO: return true;
    case REACH_PROXY_ONLY:
        return route->kind != ROUTE_DIRECT && (route->kind != ROUTE_TRANSPORT || transport_is_narrow(route->transport));
    default: return route->kind == ROUTE_TOR;
    }
}

static bool fits(const struct reach *r, const struct route *route, const char *host, uint16_t port)
{
    if (!reach_permits(r, route)) return false;
    if (reach_is_onion(host) && route->kind != ROUTE_TOR && route->kind != ROUTE_SOCKS5) return false;
    return route->relay[0] == 0 ||
           (strcasecmp(route->relay, host) == 0 && (route->relay_port == 0 || route->relay_port == port));
}

bool reach_allows(const struct reach *r, uint32_t id, const char *host, uint16_t port)
{
    if (r == NULL) return id == ROUTE_DIRECT_ID && !reach_is_onion(host);
    const struct known *k = reach_known(r, id);
    return k != NULL && fits(r, &k->route, host, port);
}

bool reach_has_choice(const struct reach *r, const char *host, uint16_t port)
{
    size_t n = 0;
    for (size_t i = 0; r != NULL && i < r->n; i++) n += fits(r, &r->known[i]->route, host, port);
    return n > 1;
}

// ------------------------------------------------------------------------------------------------------------ the order

static bool tired(const struct reach *r, const struct known *k)
{
    return k->status.failures > 0 && net_loop_now(r->loop) - k->status.when < REACH_FORGET_MS;
}

static uint32_t worked_here(const struct reach *r)
{
    for (size_t i = 0; i < r->worked_n; i++) {
        if (r->worked[i].network == r->network) return r->worked[i].route;
    }
    return UINT32_MAX;
}

size_t reach_order(struct reach *r, const char *host, uint16_t port, const struct known *out[REACH_ROUTES_MAX + 1])
{
    size_t n = 0;
    uint32_t best = worked_here(r);
    // Not tired: the last that worked here, then one's own, then those that were published.
    for (int pass = 0; pass < 4; pass++) {
        for (size_t i = 0; i < r->n; i++) {
            const struct known *k = r->known[i];
            bool now = (k->route.id == best) == (pass < 2) && k->route.published == (pass % 2 == 1);
            if (now && !tired(r, k) && fits(r, &k->route, host, port)) out[n++] = k;
        }
    }
    // Tired: each has its turn, whatever worked once, since the one that connects first may be the one that lets nothing through.
    for (size_t i = 0, rested = n; i < r->n; i++) {
        const struct known *k = r->known[i];
        size_t at = n;
        if (!tired(r, k) || !fits(r, &k->route, host, port)) continue;
        for (; at > rested && out[at - 1]->failed > k->failed; at--) out[at] = out[at - 1];
        out[at] = k;
        n++;
    }
    return n;
}

// The relay's share: a new one takes the place of whose attempts are longest ago.
static struct share *share_of(struct reach *r, const char *host, uint16_t port, uint64_t now)
{
    char place[REACH_HOST_MAX + 16];
    struct share *s = &r->shares[0];
    (void)snprintf(place, sizeof place, "%s %u", host, (unsigned)port);
    uint64_t relay = siphash(r->key, span_str(place)) | 1;
    for (size_t i = 0; i < REACH_SHARES; i++) {
        if (r->shares[i].relay == relay) s = &r->shares[i];
    }
    for (size_t i = 0; s->relay != relay && i < REACH_SHARES; i++) {
        if (r->shares[i].since < s->since) s = &r->shares[i];
    }
    if (s->relay != relay) *s = (struct share){.relay = relay, .since = now};
    for (; s->taken > 0 && now - s->since >= MINUTE_MS; s->since += MINUTE_MS) s->taken /= 2;
    if (s->taken == 0) s->since = now;
    return s;
}

// Whether somebody waits who has had fewer.
static bool others_first(const struct reach *r, const struct share *mine, uint64_t now)
{
    for (size_t i = 0; i < REACH_SHARES; i++) {
        if (r->shares[i].waits > now && r->shares[i].taken < mine->taken) return true;
    }
    return false;
}

uint32_t reach_pace(struct reach *r, const char *host, uint16_t port)
{
    uint64_t now = net_loop_now(r->loop), ahead = (uint64_t)(BURST - 1) * PACE_MS;
    struct share *s = share_of(r, host, port, now);
    if (r->paced < now) r->paced = now;
    uint64_t wait = r->paced - now > ahead ? r->paced - now - ahead : others_first(r, s, now) ? PACE_MS : 0;
    if (wait > 0) {
        s->waits = now + wait + PACE_MS; // it asks again until then, or has been given up
        return (uint32_t)wait;
    }
    r->paced += PACE_MS;
    s->waits = 0;
    s->taken++;
    return 0;
}

// --------------------------------------------------------------------------------------------------------- how it went

void reach_status(const struct reach *r, uint32_t id, struct reach_status *out)
{
    const struct known *k = reach_known(r, id);
    *out = (struct reach_status){.route = id};
    if (k == NULL) return;
    *out = k->status;
    out->allowed = reach_permits(r, &k->route);
    if (k->status.in_use > 0) out->state = REACH_WORKS;
    else if (k->trying > 0) out->state = REACH_TRYING;
}

static void changed(struct reach *r, const struct known *k)
{
    struct reach_status s;
    if (r->s.status == NULL) return;
    reach_status(r, k->route.id, &s);
    r->s.status(r->s.arg, &s);
}

void reach_tries(struct reach *r, uint32_t route)
{
    struct known *k = reach_known(r, route);
    if (k != NULL && k->trying++ == 0) changed(r, k);
}

void reach_tried(struct reach *r, uint32_t route, const struct reach_failure *why, uint64_t began, bool proved)
{
    struct known *k = reach_known(r, route);
    if (k == NULL) return; // it was removed meanwhile
    k->trying--;
    if (why != NULL || proved) k->status.ms = (uint32_t)(net_loop_now(r->loop) - began);
    if (proved) {
        k->status.state = REACH_WORKS;
        k->status.when = net_loop_now(r->loop);
    }
    if (why != NULL) reach_failed(r, route, why);
    else changed(r, k);
}

void reach_remember(struct reach *r, uint64_t network, uint32_t route)
{
    size_t i = 0;
    while (i < r->worked_n && r->worked[i].network != network) i++;
    if (i == r->worked_n && r->worked_n < REACH_NETWORKS_MAX) r->worked_n++;
    if (i == r->worked_n) i--; // the oldest goes
    memmove(&r->worked[1], &r->worked[0], i * sizeof r->worked[0]);
    r->worked[0].network = network;
    r->worked[0].route = route;
}

void reach_worked(struct reach *r, uint32_t route)
{
    struct known *k = reach_known(r, route);
    if (k == NULL) return;
    bool news = worked_here(r) != route;
    k->status.failures = 0;
    k->status.state = REACH_WORKS;
    k->status.when = net_loop_now(r->loop);
    reach_remember(r, r->network, route);
    if (news && r->s.worked != NULL) r->s.worked(r->s.arg, r->network, route);
    changed(r, k);
}

void reach_failed(struct reach *r, uint32_t route, const struct reach_failure *why)
{
    struct known *k = reach_known(r, route);
    if (k == NULL) return;
    k->status.failures++;
    k->failed = ++r->failures;
    k->status.state = REACH_FAILS;
    k->status.why = *why;
    k->status.when = net_loop_now(r->loop);
    changed(r, k);
}

void reach_use(struct reach *r, uint32_t route, int more)
{
    struct known *k = reach_known(r, route);
    if (k == NULL) return;
    k->status.in_use = (uint32_t)((int)k->status.in_use + more);
    changed(r, k);
}

void reach_login(const struct reach *r, const char *host, uint16_t port, uint64_t circuit, char user[17],
                 char password[17])
{
    char label[REACH_HOST_MAX + 64] = "profile";
    if (r->isolation == REACH_RELAY) (void)snprintf(label, sizeof label, "%s %u", host, (unsigned)port);
    if (r->isolation == REACH_CONVERSATION)
        (void)snprintf(label, sizeof label, "%s %u %llu", host, (unsigned)port, (unsigned long long)circuit);
    size_t n = strlen(label);
    label[n] = 'u';
    (void)snprintf(user, 17, "%016llx", (unsigned long long)siphash(r->key, span_of(label, n + 1)));
    label[n] = 'p';
    (void)snprintf(password, 17, "%016llx", (unsigned long long)siphash(r->key, span_of(label, n + 1)));
}
