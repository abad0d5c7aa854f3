// SPDX-License-Identifier: Apache-2.0
//
// Elements of lists, as they are walked and written. An element is taken off a list whole or not at all. Walking holds the
// encoding only; the rules of the protocol are held by those who read whole lists (read.c).
#include "wire/wire.h"

// Ends a step: what is left of the list, if the element was all there.
static bool step(struct span *list, const struct tls_reader *r)
{
    if (r->err != ERR_OK) return false;
    *list = span_of(r->p, (size_t)(r->end - r->p));
    return true;
}

bool wire_next_grant(struct span *list, struct wire_grant *out)
{
    struct tls_reader r = tls_reader_of(*list);
    struct span hash = tls_bytes(&r, WIRE_HASH);
    uint8_t rights = tls_u8(&r);
    uint64_t from = tls_u64(&r), to = tls_u64(&r);
    if (!step(list, &r)) return false;
    memcpy(out->hash, hash.p, WIRE_HASH);
    out->rights = rights;
    out->from_seq = from;
    out->to_seq = to;
    return true;
}

bool wire_next_follow(struct span *list, struct wire_follow *out)
{
    struct tls_reader r = tls_reader_of(*list);
    struct wire_follow f = {.tag = tls_u32(&r)};
    f.log = tls_bytes(&r, WIRE_ID).p;
    f.key = tls_bytes(&r, WIRE_KEY).p;
    f.after = tls_u64(&r);
    if (!step(list, &r)) return false;
    *out = f;
    return true;
}

bool wire_next_package(struct span *list, struct span *out)
{
    struct tls_reader r = tls_reader_of(*list);
    struct span package = tls_vector(&r);
    if (!step(list, &r)) return false;
    *out = package;
    return true;
}

bool wire_next_entry(struct span *list, struct wire_entry *out)
{
    struct tls_reader r = tls_reader_of(*list);
    struct wire_entry e = {.seq = tls_u64(&r)};
    e.time = tls_u64(&r);
    e.epoch = tls_u64(&r);
    e.payload = tls_vector(&r);
    if (!step(list, &r)) return false;
    *out = e;
    return true;
}

bool wire_next_followed(struct span *list, struct wire_followed *out)
{
    struct tls_reader r = tls_reader_of(*list);
    struct wire_followed f = {.tag = tls_u32(&r)};
    f.code = tls_u8(&r);
    f.oldest = tls_u64(&r);
    f.head = tls_u64(&r);
    f.epoch = tls_u64(&r);
    if (!step(list, &r)) return false;
    *out = f;
    return true;
}

bool wire_next_taken(struct span *list, struct wire_package *out)
{
    struct tls_reader r = tls_reader_of(*list);
    struct wire_package p = {.device = tls_bytes(&r, WIRE_DEVICE).p};
    p.last_resort = tls_optional(&r); // 0 or 1
    p.package = tls_vector(&r);
    if (!step(list, &r)) return false;
    *out = p;
    return true;
}

bool wire_next_pool(struct span *list, struct wire_pool *out)
{
    struct tls_reader r = tls_reader_of(*list);
    struct wire_pool p = {.device = tls_bytes(&r, WIRE_DEVICE).p};
    p.packages = tls_u16(&r);
    p.last_resort = tls_optional(&r); // 0 or 1
    if (!step(list, &r)) return false;
    *out = p;
    return true;
}

// ---------------------------------------------------------------------------------------------------------- writing

// Big-endian, and where the next byte goes.
static uint8_t *store(uint8_t *at, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++) at[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
    return at + n;
}

static uint8_t *store_bytes(uint8_t *at, const uint8_t *p, size_t n)
{
    memcpy(at, p, n);
    return at + n;
}

void wire_put_grant(struct buf *list, const struct wire_grant *g)
{
    uint8_t *at = buf_grow(list, WIRE_HASH + 1 + 8 + 8);
    if (at == NULL) return;
    at = store_bytes(at, g->hash, WIRE_HASH);
    at = store(at, g->rights, 1);
    at = store(at, g->from_seq, 8);
    (void)store(at, g->to_seq, 8);
}

void wire_put_follow(struct buf *list, const struct wire_follow *f)
{
    uint8_t *at = buf_grow(list, 4 + WIRE_ID + WIRE_KEY + 8);
    if (at == NULL) return;
    at = store(at, f->tag, 4);
    at = store_bytes(at, f->log, WIRE_ID);
    at = store_bytes(at, f->key, WIRE_KEY);
    (void)store(at, f->after, 8);
}

void wire_put_package(struct buf *list, struct span package) { tls_put_vector(list, package); }

// On the way of every entry to every follower: the room is made once, the rest is stores.
void wire_put_entry(struct buf *list, const struct wire_entry *e)
{
    size_t n = e->payload.n;
    if (n > TLS_VECTOR_MAX) {
        if (list->err == ERR_OK) list->err = ERR_LIMIT;
        return;
    }
    uint8_t *at = buf_grow(list, 3 * 8 + tls_vector_size(n));
    if (at == NULL) return;
    at = store(at, e->seq, 8);
    at = store(at, e->time, 8);
    at = store(at, e->epoch, 8);
    if (n < 64) at = store(at, n, 1);
    else if (n < 16384) at = store(at, 0x4000u | n, 2);
    else at = store(at, 0x80000000u | n, 4);
    if (n > 0) memcpy(at, e->payload.p, n);
}

void wire_put_followed(struct buf *list, const struct wire_followed *f)
{
    uint8_t *at = buf_grow(list, 4 + 1 + 3 * 8);
    if (at == NULL) return;
    at = store(at, f->tag, 4);
    at = store(at, f->code, 1);
    at = store(at, f->oldest, 8);
    at = store(at, f->head, 8);
    (void)store(at, f->epoch, 8);
}

void wire_put_taken(struct buf *list, const struct wire_package *p)
{
    buf_put(list, span_of(p->device, WIRE_DEVICE));
    tls_put_u8(list, p->last_resort);
    tls_put_vector(list, p->package);
}

void wire_put_pool(struct buf *list, const struct wire_pool *p)
{
    buf_put(list, span_of(p->device, WIRE_DEVICE));
    tls_put_u16(list, p->packages);
    tls_put_u8(list, p->last_resort);
}
