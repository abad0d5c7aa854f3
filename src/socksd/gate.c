// SPDX-License-Identifier: Apache-2.0
//
// The gate: how many connections there are and how fast new ones come, in all and per address. An address is remembered while it is
// connected, and then until its bucket is full again: that is four seconds, and a sweep.
#include "socksd/inner.h"

enum { AT_ONCE = 4, SWEEP_ABOVE = 256, SWEEP_MOST = 64 };

struct entry {
    struct socksd_bucket bucket;
    uint64_t connections;
};

void socksd_gate_init(struct socksd_gate *g, const struct socksd_options *o, const uint64_t seed[2])
{
    *g = (struct socksd_gate){.connections_max = o->connections_max,
                              .per_address = o->connections_per_address,
                              .rate = o->rate,
                              .rate_per_address = o->rate_per_address};
    (void)pthread_mutex_init(&g->lock, NULL);
    map_init_seeded(&g->addresses, sizeof(struct entry), seed);
}

void socksd_gate_wipe(struct socksd_gate *g)
{
    map_wipe(&g->addresses);
    (void)pthread_mutex_destroy(&g->lock);
}

static uint64_t big_endian(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) v = v << 8 | p[i];
    return v;
}

uint64_t socksd_gate_key(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET)
        return big_endian((const uint8_t *)&((const struct sockaddr_in *)(const void *)a)->sin_addr, 4);
    if (a->sa_family != AF_INET6) return 0;
    const struct in6_addr *in6 = &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
    // No network has a /64 that begins with 32 zeros, so these and IPv4's do not meet.
    return IN6_IS_ADDR_V4MAPPED(in6) ? big_endian(in6->s6_addr + 12, 4)
                                     : big_endian(in6->s6_addr, 8) & (UINT64_MAX - 1);
}

static void refill(struct socksd_bucket *b, uint64_t now_ms, uint32_t rate)
{
    const uint64_t full = (uint64_t)rate * 1000 * AT_ONCE, more = (now_ms - b->at) * rate;
    b->level = b->at == 0 || now_ms - b->at > 1000 * AT_ONCE || b->level + more > full ? full : b->level + more;
    b->at = now_ms;
}

// Forgets some of those that have left.
static void sweep(struct socksd_gate *g, uint64_t now_ms)
{
    uint64_t keys[SWEEP_MOST], key;
    size_t n = 0, at = 0;
    for (struct entry *e; n < SWEEP_MOST && (e = map_next(&g->addresses, &at, &key)) != NULL;) {
        if (e->connections == 0 && now_ms - e->bucket.at > 1000 * AT_ONCE) keys[n++] = key;
    }
    while (n > 0) map_delete(&g->addresses, keys[--n]);
}

bool socksd_gate_enter(struct socksd_gate *g, uint64_t key, uint64_t now_ms)
{
    bool ok = false;
    (void)pthread_mutex_lock(&g->lock);
    if (g->addresses.n > SWEEP_ABOVE && g->addresses.n > 2 * (size_t)g->connections) sweep(g, now_ms);
    refill(&g->all, now_ms, g->rate);
    const bool room = g->connections < g->connections_max && (g->rate == 0 || g->all.level >= 1000);
    struct entry *e = room ? map_put(&g->addresses, key) : NULL;
    if (e != NULL) {
        refill(&e->bucket, now_ms, g->rate_per_address);
        ok = e->connections < g->per_address && (g->rate_per_address == 0 || e->bucket.level >= 1000);
    }
    if (ok) {
        g->connections++;
        e->connections++;
        if (g->rate != 0) g->all.level -= 1000;
        if (g->rate_per_address != 0) e->bucket.level -= 1000;
    }
    (void)pthread_mutex_unlock(&g->lock);
    return ok;
}

void socksd_gate_leave(struct socksd_gate *g, uint64_t key, uint64_t now_ms)
{
    (void)pthread_mutex_lock(&g->lock);
    struct entry *e = map_get(&g->addresses, key);
    g->connections--;
    if (e != NULL && --e->connections == 0 && (g->rate_per_address == 0 || now_ms - e->bucket.at > 1000 * AT_ONCE))
        map_delete(&g->addresses, key);
    (void)pthread_mutex_unlock(&g->lock);
}
