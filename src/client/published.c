// SPDX-License-Identifier: Apache-2.0
//
// Further ways to relays, as these publish them (docs/protocol.md §2.2): asked for on each connection, believed if the relay's key has signed
// them, and kept for the day on which the way that one has is blocked. Other addresses are tried by the link; proxies become routes to
// that relay alone, after one's own, and only where the policy lets all ways be used: a relay must not choose what its guests hide behind.
#include "client/inner.h"

#include "base/siphash.h"
#include "client/routes.h"
#include "wire/published.h"

enum { PROXIES_MAX = 8 }; // of one relay
// Their numbers are apart from those of the vault's routes, and the same in all runs, since networks remember them.
enum { FIRST_ID = 0x40000000, IDS = 0x3fffffff };

const char published_tables[] =
    // What a relay has published last, as it came.
    "CREATE TABLE published(relay TEXT PRIMARY KEY, issued INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT;";

// ------------------------------------------------------------------------------------------------------------ using them

static uint32_t id_of(const char *relay, struct span way)
{
    static const uint64_t key[2] = {0x776869, 0x6d6272}; // it is to spread, and no secret
    uint64_t hash = siphash(key, way) + 3 * siphash(key, span_str(relay));
    return FIRST_ID + (uint32_t)(hash % IDS);
}

static bool stays(const uint32_t *ids, size_t n, uint32_t id)
{
    for (size_t i = 0; i < n; i++) {
        if (ids[i] == id) return true;
    }
    return false;
}

static void remove_old(struct reach *r, const struct link_address *own, const uint32_t *ids, size_t n)
{
    const struct route *x;
    for (size_t i = 0; (x = reach_at(r, i)) != NULL;) {
        bool old =
            x->published && strcmp(x->relay, own->host) == 0 && x->relay_port == own->port && !stays(ids, n, x->id);
        if (!old || reach_remove(r, x->id) != ERR_OK) i++;
    }
}

static void add_proxy(struct peer *p, const struct link_address *own, struct span way, uint32_t *ids, size_t *n)
{
    const char *host = own->host;
    struct route r; /* secret */
    const char *why;
    uint32_t id = id_of(host, way);
    struct span line = way.n > 7 && memcmp(way.p, "bridge ", 7) == 0 ? span_of(way.p + 7, way.n - 7) : way;
    bool ok = *n < PROXIES_MAX && !stays(ids, *n, id) && route_read(line, false, &r, &why) == ERR_OK &&
              strlen(host) < sizeof r.relay && routes_check(&r) == NULL && route_may_be_offered(&r, host);
    if (ok) {
        memcpy(r.relay, host, strlen(host) + 1);
        r.relay_port = own->port;
        r.published = true;
        r.id = id;
        ok = reach_find(p->e->reach, id) != NULL || reach_add(p->e->reach, &r, &id) == ERR_OK;
    }
    if (ok) ids[(*n)++] = id;
    mem_wipe(&r, sizeof r);
}

// Another address of the same relay. Whoever reaches it as an onion service is not led out of Tor.
static bool is_other(struct span way, const struct link_address *own, struct link_address *out)
{
    const char *why;
    return link_address_read(way, out, &why) == ERR_OK && memcmp(out->pin, own->pin, LINK_PIN) == 0 &&
           !link_address_same(out, own) && (reach_is_onion(out->host) || !reach_is_onion(own->host));
}

static void use(struct peer *p, const struct published *all)
{
    struct link_address own, other, others[LINK_OTHERS_MAX];
    uint32_t ids[PROXIES_MAX];
    const char *why;
    size_t n = 0, proxies = 0;
    struct span ways = all->ways, way;
    if (link_address_read(span_str(p->relay), &own, &why) != ERR_OK) return;
    while (published_next(&ways, &way)) {
        if (way.n < 6 || memcmp(way.p, "wss://", 6) != 0) add_proxy(p, &own, way, ids, &proxies);
        else if (n < LINK_OTHERS_MAX && is_other(way, &own, &other)) others[n++] = other;
    }
    remove_old(p->e->reach, &own, ids, proxies);
    link_others(p->link, others, n);
    mem_wipe(&own, sizeof own);
    mem_wipe(&other, sizeof other);
    mem_wipe(others, sizeof others);
}

// -------------------------------------------------------------------------------------------------------- believing them

static enum err check(const char *relay, struct span bytes, struct published *out)
{
    struct link_address own;
    struct buf said;
    const char *why;
    enum err e = published_read(bytes, out);
    if (e == ERR_OK) e = link_address_read(span_str(relay), &own, &why);
    buf_init(&said, 2 * WIRE_PUBLISHED_MAX);
    if (e == ERR_OK) published_signed(&said, out->said);
    if (e == ERR_OK) e = buf_end(&said);
    if (e == ERR_OK) e = net_tls_check(own.pin, buf_span(&said), out->key, out->signature);
    buf_wipe(&said);
    mem_wipe(&own, sizeof own);
    return e;
}

void published_load(struct peer *p)
{
    struct published all;
    sqlite3_stmt *q = db_sql(&p->e->db, "SELECT bytes FROM published WHERE relay = ?1");
    db_text(q, 1, span_str(p->relay));
    if (db_row(&p->e->db, q) && check(p->relay, db_get(q, 0), &all) == ERR_OK) use(p, &all);
    db_done(q);
}

size_t published_others(struct engine *e, const char *relay, struct link_address out[LINK_OTHERS_MAX])
{
    struct link_address own = {.port = 0}; /* secret */
    struct published all;
    struct span way;
    const char *why;
    size_t n = 0;
    sqlite3_stmt *q = db_sql(&e->db, "SELECT bytes FROM published WHERE relay = ?1");
    db_text(q, 1, span_str(relay));
    if (db_row(&e->db, q) && check(relay, db_get(q, 0), &all) == ERR_OK &&
        link_address_read(span_str(relay), &own, &why) == ERR_OK)
        while (n < LINK_OTHERS_MAX && published_next(&all.ways, &way)) n += is_other(way, &own, &out[n]);
    db_done(q);
    mem_wipe(&own, sizeof own);
    return n;
}

static bool is_newer(struct peer *p, const struct published *all)
{
    sqlite3_stmt *q = db_sql(&p->e->db, "SELECT issued FROM published WHERE relay = ?1");
    db_text(q, 1, span_str(p->relay));
    bool newer = !db_row(&p->e->db, q) || (uint64_t)db_get_int(q, 0) < all->issued;
    db_done(q);
    return newer;
}

// The relay that publishes nothing takes nothing back: what it has said once stays until it says something else.
static void on_ways(void *arg, const struct wire_reply *r)
{
    struct peer *p = arg;
    struct published all;
    struct db *d = &p->e->db;
    if (r == NULL || r->type != WIRE_R_PUBLISHED || r->data.n == 0 || p->e->closing) return;
    if (check(p->relay, r->data, &all) != ERR_OK || all.issued > INT64_MAX || !is_newer(p, &all)) return;
    db_begin(d);
    sqlite3_stmt *q = db_sql(d, "INSERT OR REPLACE INTO published VALUES(?1, ?2, ?3)");
    db_text(q, 1, span_str(p->relay));
    db_int(q, 2, (int64_t)all.issued);
    db_blob(q, 3, r->data);
    (void)db_run(d, q);
    if (db_commit(d) == ERR_OK) use(p, &all);
}

void published_ask(struct peer *p)
{
    const struct wire_request r = {.type = WIRE_WAYS};
    if (link_room(p->link) > 0) (void)!link_ask(p->link, &r, on_ways, p); // the next connection asks again
}
