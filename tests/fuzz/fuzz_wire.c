// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a message of the relay's protocol, read by either side. Whatever reads encodes to the same bytes, its lists walk
// to their ends, and a refusal can always be written.
#include "kit.h"

#include "wire/published.h"
#include "wire/samples.h"

static void same(const struct buf *again, struct span bytes)
{
    must_ok(buf_end(again));
    must(span_eq(buf_span(again), bytes));
}

static void walk(const struct wire_request *q)
{
    struct span grants = q->grants, follows = q->follows, packages = q->packages, package;
    struct wire_grant g;
    struct wire_follow f;
    while (wire_next_grant(&grants, &g)) {}
    while (wire_next_follow(&follows, &f)) {}
    while (wire_next_package(&packages, &package)) {}
    must(grants.n + follows.n + packages.n == 0);
}

static void walk_reply(const struct wire_reply *r)
{
    struct span entries = r->entries, followed = r->followed, taken = r->packages, pool = r->pool;
    struct wire_entry e;
    struct wire_followed f;
    struct wire_package p;
    struct wire_pool d;
    while (wire_next_entry(&entries, &e)) {}
    while (wire_next_followed(&followed, &f)) {}
    while (wire_next_taken(&taken, &p)) {}
    while (wire_next_pool(&pool, &d)) {}
    must(entries.n + followed.n + taken.n + pool.n == 0);
}

// What a relay publishes, too: its ways walk to their end.
static void try_published(struct span bytes)
{
    struct published p;
    struct span way;
    struct buf again;
    if (published_read(bytes, &p) != ERR_OK) return;
    buf_init(&again, 2 * WIRE_PUBLISHED_MAX);
    struct span ways = p.ways;
    while (published_next(&ways, &way)) must(published_is_way(way));
    must(ways.n == 0);
    published_write(&again, p.issued, p.ways);
    same(&again, p.said);
    published_finish(&again, p.key, p.signature);
    same(&again, bytes);
    buf_wipe(&again);
}

void fuzz_open(void) {}

void fuzz_one(struct span bytes)
{
    struct wire_request q;
    struct wire_reply r;
    struct buf again;
    buf_init(&again, 2 * WIRE_FRAME_MAX);
    if (wire_read_request(bytes, &q) == ERR_OK) {
        walk(&q);
        wire_write_request(&again, &q);
        same(&again, bytes);
    } else {
        wire_refuse(bytes, &r);
        wire_write_reply(&again, &r);
        must_ok(buf_end(&again));
        must_ok(wire_read_reply(buf_span(&again), &r));
    }
    buf_wipe(&again);
    if (wire_read_reply(bytes, &r) == ERR_OK) {
        walk_reply(&r);
        wire_write_reply(&again, &r);
        same(&again, bytes);
    }
    buf_wipe(&again);
    try_published(bytes);
}

static void seed(void *folder, const char *name, struct span message) { kit_seed(folder, name, message); }

void fuzz_seeds(const char *folder)
{
    struct buf ways, out;
    buf_init(&ways, WIRE_PUBLISHED_MAX);
    buf_init(&out, WIRE_PUBLISHED_MAX);
    published_put_way(&ways, span_str("wss://relay.example:8443/secret#pin"));
    published_put_way(&ways, span_str("socks5://user:word@192.0.2.1:1080"));
    published_write(&out, 1800000000123, buf_span(&ways));
    published_finish(&out, span_str("key"), span_str("signature"));
    kit_seed(folder, "published_ways", buf_span(&out));
    buf_wipe(&ways);
    buf_wipe(&out);
    samples_all(seed, (void *)(uintptr_t)folder);
}
