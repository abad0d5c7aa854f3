// SPDX-License-Identifier: Apache-2.0
//
// A group as records for storage. Every change leaves a note of what it is about; when the caller asks, each note becomes
// the record as it now stands, or its deletion. So what an operation writes is what it changed, whatever the size of the
// group, and a secret that is consumed leaves the store together with the memory. One record is a sum over all others
// (but the tree's nodes, whose hash is in a record), by which restore.c sees that one is lost, damaged or of another time.
#include "group/records.h"

#include "base/siphash.h"

// ------------------------------------------------------------------------------------------------------- notes

enum { KIND_SHIFT = 56 };

enum err record_note(struct mls_group *g, enum record_kind kind, uint64_t number)
{
    g->sum_known = false;
    return map_put(&g->dirty, (uint64_t)kind << KIND_SHIFT | number) != NULL ? ERR_OK : ERR_MEMORY;
}

enum err record_reserve(struct mls_group *g, size_t n) { return map_reserve(&g->dirty, n); }

static enum err note_lists(struct mls_group *g)
{
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < g->n_waiting; i++) e = record_note(g, RECORD_WAITING, g->waiting[i].number);
    for (size_t i = 0; e == ERR_OK && i < g->n_update; i++) e = record_note(g, RECORD_UPDATE, g->update[i].number);
    for (size_t i = 0; e == ERR_OK && i < g->n_psk; i++) e = record_note(g, RECORD_PSK, g->psk[i].epoch);
    for (size_t i = 0; e == ERR_OK && i < g->n_past; i++) {
        e = record_note(g, RECORD_PAST, g->past[i].number);
        g->past[i].fresh = true;
    }
    return e == ERR_OK ? secret_tree_note_all(&g->secrets, &g->secrets) : e;
}

enum err record_note_all(struct mls_group *g)
{
    static const enum record_kind single[] = {RECORD_GROUP, RECORD_EXTENSIONS, RECORD_SECRETS, RECORD_SIGNATURE,
                                              RECORD_REINIT};
    enum err e = record_reserve(g, sizeof single / sizeof *single + TREE_MAX_LEVELS + 2 * (size_t)g->tree.leaves);
    for (size_t i = 0; e == ERR_OK && i < sizeof single / sizeof *single; i++) e = record_note(g, single[i], 0);
    for (uint32_t k = 0; e == ERR_OK && k < TREE_MAX_LEVELS; k++) {
        if (g->now.keys.have[k]) e = record_note(g, RECORD_KEY, k);
    }
    for (uint32_t i = 0; e == ERR_OK && i < math_width(g->tree.leaves); i++) {
        if (!tree_is_blank(&g->tree, i)) e = record_note(g, RECORD_NODE, i);
    }
    return e == ERR_OK ? note_lists(g) : e;
}

size_t record_key(uint8_t out[RECORD_KEY_MAX], enum record_kind kind, uint64_t number, const uint64_t *second)
{
    struct buf b = {.p = out, .cap = RECORD_KEY_MAX, .max = RECORD_KEY_MAX};
    tls_put_u8(&b, (uint8_t)kind);
    tls_put_u64(&b, number);
    if (second != NULL) tls_put_u64(&b, *second);
    return b.n;
}

static enum record_kind past_kind(enum secret_kind kind)
{
    return kind == SECRET_NODE ? RECORD_PAST_SECRET : kind == SECRET_RATCHET ? RECORD_PAST_RATCHET : RECORD_PAST_SKIPPED;
}

static const struct map *map_of(const struct secret_tree *s, enum secret_kind kind)
{
    return kind == SECRET_NODE ? &s->nodes : kind == SECRET_RATCHET ? &s->ratchets : &s->skipped;
}

static void put_gone(struct mls_group *g, enum record_kind kind, uint64_t number, const uint64_t *second)
{
    uint8_t key[RECORD_KEY_MAX];
    size_t n = record_key(key, kind, number, second);
    tls_put_vector(&g->gone, span_of(key, n));
}

void record_drop_past(struct mls_group *g, const struct past *p)
{
    uint64_t key;
    g->sum_known = false;
    put_gone(g, RECORD_PAST, p->number, NULL);
    for (enum secret_kind kind = SECRET_NODE; kind <= SECRET_SKIPPED; kind++) {
        for (size_t at = 0; map_next(map_of(&p->secrets, kind), &at, &key) != NULL;) {
            put_gone(g, past_kind(kind), p->number, &key);
        }
    }
    for (size_t at = 0; map_next(&p->secrets.dirty, &at, &key) != NULL;) {
        uint64_t number = key & ((UINT64_C(1) << SECRET_KIND_SHIFT) - 1);
        put_gone(g, past_kind((enum secret_kind)(key >> SECRET_KIND_SHIFT)), p->number, &number);
    }
}

enum err record_reserve_gone(struct mls_group *g)
{
    size_t n = 0;
    for (size_t i = 0; i < g->n_past; i++) {
        const struct secret_tree *s = &g->past[i].secrets;
        n += 1 + s->nodes.n + s->ratchets.n + s->skipped.n + s->dirty.n;
    }
    if (n == 0) return ERR_OK;
    if (buf_grow(&g->gone, n * (RECORD_KEY_MAX + 1)) == NULL) return buf_end(&g->gone);
    g->gone.n -= n * (RECORD_KEY_MAX + 1);
    return ERR_OK;
}

// ---------------------------------------------------------------------------------------------- values of records

static void put_group(const struct mls_group *g, struct buf *b)
{
    const struct epoch *e = &g->now;
    size_t nh = algo_nh(&g->algo);
    tls_put_u8(b, RECORD_FORMAT);
    tls_put_u16(b, crypto_suite_id(g->algo.suite));
    tls_put_vector(b, buf_span(&g->id));
    tls_put_u64(b, e->number);
    tls_put_u32(b, e->keys.leaf);
    tls_put_u32(b, g->tree.leaves);
    tls_put_u8(b, e->removed);
    tls_put_vector(b, span_of(e->tree_hash, nh));
    tls_put_vector(b, span_of(e->confirmed, e->confirmed_n));
    tls_put_vector(b, span_of(e->interim, nh));
    tls_put_vector(b, span_of(e->tag, nh));
}

void record_put_secrets(const struct algo *a, const struct epoch_secrets *s, struct buf *b)
{
    const struct secret *all[] = {&s->init,       &s->sender_data, &s->exporter,     &s->external,
                                  &s->membership, &s->resumption,  &s->authenticator};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) buf_put(b, secret_span(a, all[i]));
}

static bool put_update(const struct mls_group *g, uint64_t number, struct buf *b)
{
    const struct crypto_sizes *z = algo_sizes(&g->algo);
    for (size_t i = 0; i < g->n_update; i++) {
        if (g->update[i].number != number) continue;
        buf_put(b, span_of(g->update[i].leaf_key, z->nsk));
        buf_put(b, span_of(g->update[i].signature_key, z->nsigsk));
        buf_put(b, buf_span(&g->update[i].encryption_key));
        return true;
    }
    return false;
}

static bool put_past(const struct mls_group *g, uint64_t number, struct buf *b)
{
    for (size_t i = 0; i < g->n_past; i++) {
        const struct past *p = &g->past[i];
        if (p->number != number) continue;
        tls_put_u32(b, p->own_leaf);
        tls_put_u32(b, p->leaves);
        tls_put_vector(b, buf_span(&p->context));
        buf_put(b, secret_span(&g->algo, &p->sender_data));
        for (size_t j = 0; j < p->n; j++) {
            tls_put_u32(b, p->leaf[j].leaf);
            tls_put_vector(b, buf_span(&p->leaf[j].key));
        }
        return true;
    }
    return false;
}

static bool put_waiting(const struct mls_group *g, uint64_t number, struct buf *b)
{
    for (size_t i = 0; i < g->n_waiting; i++) {
        if (g->waiting[i].number == number) buf_put(b, buf_span(&g->waiting[i].raw));
    }
    return b->n > 0;
}

static bool put_psk(const struct mls_group *g, uint64_t epoch, struct buf *b)
{
    for (size_t i = 0; i < g->n_psk; i++) {
        if (g->psk[i].epoch == epoch) buf_put(b, secret_span(&g->algo, &g->psk[i].psk));
    }
    return b->n > 0;
}

// Writes the record as it stands; false if there is none (any more). Failures stick in the buffer.
static bool put_value(const struct mls_group *g, enum record_kind kind, uint64_t number, struct buf *b)
{
    const struct crypto_sizes *z = algo_sizes(&g->algo);
    switch (kind) {
    case RECORD_GROUP: put_group(g, b); return true;
    case RECORD_EXTENSIONS: buf_put(b, buf_span(&g->now.extensions)); return true;
    case RECORD_SECRETS: record_put_secrets(&g->algo, &g->now.secrets, b); return true;
    case RECORD_SIGNATURE: buf_put(b, span_of(g->now.signature_key, z->nsigsk)); return !g->now.removed;
    case RECORD_REINIT: buf_put(b, buf_span(&g->now.reinit)); return b->n > 0;
    case RECORD_KEY:
        buf_put(b, span_of(g->now.keys.key[number], z->nsk));
        return g->now.keys.have[number];
    case RECORD_NODE:
        if (tree_is_blank(&g->tree, (uint32_t)number)) return false;
        if (tree_encode_node(&g->tree, (uint32_t)number, b) != ERR_OK) return true; // the error sticks in b
        return true;
    case RECORD_WAITING: return put_waiting(g, number, b);
    case RECORD_UPDATE: return put_update(g, number, b);
    case RECORD_PSK: return put_psk(g, number, b);
    case RECORD_PAST: return put_past(g, number, b);
    default: return false;
    }
}

static bool put_secret(const struct mls_group *g, const struct secret_tree *s, enum secret_kind kind, uint64_t key,
                       struct buf *b)
{
    const void *v = map_get(map_of(s, kind), key);
    if (v == NULL) return false;
    if (kind == SECRET_NODE) {
        buf_put(b, secret_span(&g->algo, v));
    } else if (kind == SECRET_RATCHET) {
        const struct ratchet *r = v;
        tls_put_u32(b, r->generation);
        buf_put(b, secret_span(&g->algo, &r->secret));
    } else {
        const struct message_key *k = v;
        buf_put(b, span_of(k->key, algo_sizes(&g->algo)->nk));
        buf_put(b, span_of(k->nonce, sizeof k->nonce));
    }
    return true;
}

// -------------------------------------------------------------------------------------------------------- the sum

static uint64_t hash_of(enum record_kind kind, uint64_t number, struct span value)
{
    const uint64_t key[2] = {number, (uint64_t)kind};
    return siphash(key, value);
}

// Adds the record to *sum if it exists.
static enum err add_record(const struct mls_group *g, enum record_kind kind, uint64_t number, struct buf *scratch,
                           uint64_t *sum)
{
    bool exists = put_value(g, kind, number, scratch);
    enum err e = buf_end(scratch);
    if (e == ERR_OK && exists) *sum ^= hash_of(kind, number, buf_span(scratch));
    if (scratch->n > 0) mem_wipe(scratch->p, scratch->n);
    scratch->n = 0;
    return e;
}

static enum err sum_group(const struct mls_group *g, uint64_t *out)
{
    struct buf scratch;
    enum err e = ERR_OK;
    uint64_t sum = 0;
    buf_init(&scratch, TLS_VECTOR_MAX);
    for (enum record_kind kind = RECORD_GROUP; e == ERR_OK && kind <= RECORD_REINIT; kind++) {
        e = add_record(g, kind, 0, &scratch, &sum);
    }
    for (uint32_t k = 0; e == ERR_OK && k < TREE_MAX_LEVELS; k++) e = add_record(g, RECORD_KEY, k, &scratch, &sum);
    for (size_t i = 0; e == ERR_OK && i < g->n_update; i++) {
        e = add_record(g, RECORD_UPDATE, g->update[i].number, &scratch, &sum);
    }
    for (size_t i = 0; e == ERR_OK && i < g->n_psk; i++) {
        e = add_record(g, RECORD_PSK, g->psk[i].epoch, &scratch, &sum);
    }
    for (size_t i = 0; e == ERR_OK && i < g->n_past; i++) {
        e = add_record(g, RECORD_PAST, g->past[i].number, &scratch, &sum);
    }
    for (size_t i = 0; i < g->n_waiting; i++) { // a reference is a hash of the whole
        sum ^= hash_of(RECORD_WAITING, g->waiting[i].number, span_of(g->waiting[i].ref, algo_nh(&g->algo)));
    }
    buf_wipe(&scratch);
    *out = sum;
    return e;
}

enum err record_sum(struct mls_group *g, uint64_t *out)
{
    enum err e = g->sum_known ? ERR_OK : sum_group(g, &g->sum);
    g->sum_known = e == ERR_OK;
    *out = g->sum ^ hash_of(RECORD_SECRET, g->now.number, span_of(&g->secrets.sum, sizeof g->secrets.sum));
    for (size_t i = 0; i < g->n_past; i++) {
        const uint64_t *sum = &g->past[i].secrets.sum;
        *out ^= hash_of(RECORD_PAST_SECRET, g->past[i].number, span_of(sum, sizeof *sum));
    }
    return e;
}

// ------------------------------------------------------------------------------------------------------ telling

struct teller {
    const struct mls_group *group;
    bool (*each)(void *arg, struct mls_span key, struct mls_span value);
    void *arg;
    struct buf value;
};

static enum err tell(struct teller *t, const uint8_t *key, size_t n, bool exists)
{
    static const uint8_t nothing[1];
    enum err e = buf_end(&t->value);
    if (e != ERR_OK) return e;
    struct span value = !exists ? span_of(NULL, 0) : t->value.n > 0 ? buf_span(&t->value) : span_of(nothing, 0);
    bool go_on = t->each(t->arg, to_api(span_of(key, n)), to_api(value));
    if (t->value.n > 0) mem_wipe(t->value.p, t->value.n);
    t->value.n = 0;
    return go_on ? ERR_OK : ERR_MISUSE;
}

// Whether there is anything to store.
static bool has_changes(const struct mls_group *g)
{
    bool any = g->dirty.n > 0 || g->gone.n > 0 || g->secrets.dirty.n > 0;
    for (size_t i = 0; i < g->n_past; i++) any = any || g->past[i].fresh || g->past[i].secrets.dirty.n > 0;
    return any;
}

static enum err tell_sum(struct teller *t, struct mls_group *g)
{
    uint8_t key[RECORD_KEY_MAX];
    uint64_t sum = 0;
    size_t n = record_key(key, RECORD_SUM, 0, NULL);
    enum err e = record_sum(g, &sum);
    tls_put_u64(&t->value, sum);
    return e == ERR_OK ? tell(t, key, n, true) : e;
}

static enum err tell_secret(struct teller *t, const struct secret_tree *s, enum secret_kind kind, uint64_t number,
                            const uint64_t *past)
{
    uint8_t key[RECORD_KEY_MAX];
    static const enum record_kind present[] = {RECORD_SECRET, RECORD_RATCHET, RECORD_SKIPPED};
    size_t n = past != NULL ? record_key(key, past_kind(kind), *past, &number)
                            : record_key(key, present[kind], number, NULL);
    return tell(t, key, n, put_secret(t->group, s, kind, number, &t->value));
}

static enum err tell_dirty(struct teller *t, const struct secret_tree *s, const uint64_t *past)
{
    uint64_t key;
    enum err e = ERR_OK;
    for (size_t at = 0; e == ERR_OK && map_next(&s->dirty, &at, &key) != NULL;) {
        uint64_t number = key & ((UINT64_C(1) << SECRET_KIND_SHIFT) - 1);
        e = tell_secret(t, s, (enum secret_kind)(key >> SECRET_KIND_SHIFT), number, past);
    }
    return e;
}

static enum err tell_past(struct teller *t, const struct past *p)
{
    uint64_t key;
    enum err e = tell_dirty(t, &p->secrets, &p->number);
    for (enum secret_kind kind = SECRET_NODE; p->fresh && kind <= SECRET_SKIPPED; kind++) {
        for (size_t at = 0; e == ERR_OK && map_next(map_of(&p->secrets, kind), &at, &key) != NULL;) {
            e = tell_secret(t, &p->secrets, kind, key, &p->number);
        }
    }
    return e;
}

enum mls_error mls_group_changes(struct mls_group *g,
                                 bool (*each)(void *arg, struct mls_span key, struct mls_span value), void *arg)
{
    struct teller t = {.group = g, .each = each, .arg = arg};
    struct tls_reader gone = tls_reader_of(buf_span(&g->gone));
    uint8_t key[RECORD_KEY_MAX];
    uint64_t note;
    enum err e = ERR_OK;
    if (g->outside) return MLS_E_GROUP_INACTIVE;
    buf_init(&t.value, TLS_VECTOR_MAX);
    while (e == ERR_OK && tls_left(&gone) > 0) {
        struct span k = tls_vector(&gone);
        e = tell(&t, k.p, k.n, false);
    }
    for (size_t at = 0; e == ERR_OK && map_next(&g->dirty, &at, &note) != NULL;) {
        enum record_kind kind = (enum record_kind)(note >> KIND_SHIFT);
        uint64_t number = note & ((UINT64_C(1) << KIND_SHIFT) - 1);
        size_t n = record_key(key, kind, number, NULL);
        bool exists = put_value(g, kind, number, &t.value);
        if (!exists) t.value.n = 0;
        e = tell(&t, key, n, exists);
    }
    if (e == ERR_OK) e = tell_dirty(&t, &g->secrets, NULL);
    for (size_t i = 0; e == ERR_OK && i < g->n_past; i++) e = tell_past(&t, &g->past[i]);
    if (e == ERR_OK && has_changes(g)) e = tell_sum(&t, g);
    buf_wipe(&t.value);
    mem_wipe_stack();
    return api_error(e);
}

void mls_group_saved(struct mls_group *g)
{
    map_wipe(&g->dirty);
    map_wipe(&g->secrets.dirty);
    buf_wipe(&g->gone);
    for (size_t i = 0; i < g->n_past; i++) {
        map_wipe(&g->past[i].secrets.dirty);
        g->past[i].fresh = false;
    }
}
