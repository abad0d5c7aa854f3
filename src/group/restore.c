// SPDX-License-Identifier: Apache-2.0
//
// A group from its records. They come in any order, and are collected first; then the tree is built, and its hash, the
// own leaf and the sum over all records are held against what they should be. Records are trusted to be this program's own
// (they hold its secrets), but not to be whole: whatever is missing, damaged or of another time gives ERR_CORRUPT, never
// undefined behaviour.
#include "group/records.h"

#include <stdlib.h>

struct record {
    uint8_t kind;
    uint64_t number, second;
    struct span value;
};

// All records, copied one behind the other. secret
struct heap {
    struct buf bytes;
    struct record *v;
    size_t n, cap;
};

static void heap_wipe(struct heap *h)
{
    buf_wipe(&h->bytes);
    mem_free(h->v);
}

static enum err collect(struct heap *h, bool (*next)(void *arg, struct mls_span *key, struct mls_span *value), void *arg)
{
    struct mls_span key, value;
    while (next(arg, &key, &value)) {
        tls_put_vector(&h->bytes, from_api(key));
        tls_put_vector(&h->bytes, from_api(value));
        h->cap++;
    }
    enum err e = buf_end(&h->bytes);
    if (e == ERR_OK && (h->v = mem_new_array(h->cap, sizeof *h->v)) == NULL) e = ERR_MEMORY;
    struct tls_reader r = tls_reader_of(buf_span(&h->bytes));
    while (e == ERR_OK && tls_left(&r) > 0) {
        struct tls_reader k = tls_reader_of(tls_vector(&r));
        struct record *x = &h->v[h->n++];
        x->kind = tls_u8(&k);
        x->number = tls_u64(&k);
        bool two = x->kind >= RECORD_PAST_SECRET;
        if (two) x->second = tls_u64(&k);
        x->value = tls_vector(&r);
        if (tls_end(&k) != ERR_OK || r.err != ERR_OK) e = ERR_CORRUPT;
    }
    return e;
}

static bool copy_exact(uint8_t *to, size_t n, struct span from)
{
    if (from.n != n) return false;
    memcpy(to, from.p, n);
    return true;
}

void record_read_secrets(const struct algo *a, struct tls_reader *r, struct epoch_secrets *out)
{
    struct secret *all[] = {&out->init,       &out->sender_data, &out->exporter,     &out->external,
                            &out->membership, &out->resumption,  &out->authenticator};
    size_t nh = algo_nh(a);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct span s = tls_bytes(r, nh);
        if (r->err == ERR_OK) memcpy(all[i]->b, s.p, nh);
    }
}

// The record that everything else depends on: makes the group.
static enum err restore_core(const struct mls_client *c, const struct heap *h, struct mls_group **out)
{
    struct span value = span_of(NULL, 0);
    for (size_t i = 0; i < h->n; i++) {
        if (h->v[i].kind == RECORD_GROUP) value = h->v[i].value;
    }
    struct tls_reader r = tls_reader_of(value);
    uint8_t format = tls_u8(&r);
    if (r.err == ERR_OK && format != RECORD_FORMAT) return ERR_UNSUPPORTED;
    const struct crypto_suite *suite = crypto_suite(tls_u16(&r));
    struct span id = tls_vector(&r);
    if (r.err != ERR_OK || suite == NULL) return ERR_CORRUPT;
    struct mls_group *g = NULL;
    enum err e = group_alloc(c, suite, id, &g);
    if (e != ERR_OK) return e;
    size_t nh = algo_nh(&g->algo);
    g->now.number = tls_u64(&r);
    g->now.keys.leaf = tls_u32(&r);
    uint32_t leaves = tls_u32(&r);
    uint8_t removed = tls_u8(&r);
    bool ok = copy_exact(g->now.tree_hash, nh, tls_vector(&r));
    struct span confirmed = tls_vector(&r);
    ok = ok && (confirmed.n == 0 || copy_exact(g->now.confirmed, nh, confirmed));
    g->now.confirmed_n = confirmed.n;
    ok = ok && copy_exact(g->now.interim, nh, tls_vector(&r)) && copy_exact(g->now.tag, nh, tls_vector(&r));
    g->now.removed = removed == 1;
    if (!ok || tls_end(&r) != ERR_OK || g->now.keys.leaf >= leaves || removed > 1) e = ERR_CORRUPT;
    if (g->now.number >= RECORD_NUMBER_MAX) e = ERR_CORRUPT;
    if (e == ERR_OK) e = tree_resize(&g->tree, leaves);
    if (e == ERR_MISUSE || e == ERR_LIMIT) e = ERR_CORRUPT;
    if (e == ERR_OK) {
        secret_tree_init(&g->secrets, leaves);
        *out = g;
    } else {
        mls_group_free(g);
    }
    return e;
}

static enum err put_node_secret(struct secret_tree *s, size_t nh, uint64_t node, struct span value)
{
    if (node >= math_width(s->leaves) || map_get(&s->nodes, node) != NULL) return ERR_CORRUPT;
    struct secret *v = map_put(&s->nodes, node);
    if (v == NULL) return ERR_MEMORY;
    return copy_exact(v->b, nh, value) ? ERR_OK : ERR_CORRUPT;
}

static enum err put_ratchet(struct secret_tree *s, size_t nh, uint64_t id, struct span value)
{
    if (id >= 2 * (uint64_t)s->leaves || map_get(&s->ratchets, id) != NULL) return ERR_CORRUPT;
    struct ratchet *v = map_put(&s->ratchets, id);
    struct tls_reader r = tls_reader_of(value);
    if (v == NULL) return ERR_MEMORY;
    v->generation = tls_u32(&r);
    return copy_exact(v->secret.b, nh, tls_rest(&r)) && r.err == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

static enum err put_skipped(struct secret_tree *s, size_t nk, uint64_t key, struct span value)
{
    if (key >> 32 >= 2 * (uint64_t)s->leaves || value.n != nk + CRYPTO_NONCE) return ERR_CORRUPT;
    if (map_get(&s->skipped, key) != NULL) return ERR_CORRUPT;
    struct message_key *v = map_put(&s->skipped, key);
    if (v == NULL) return ERR_MEMORY;
    memcpy(v->key, value.p, nk);
    memcpy(v->nonce, value.p + nk, CRYPTO_NONCE);
    return ERR_OK;
}

static enum err put_waiting(struct mls_group *g, const struct record *x)
{
    uint8_t ref[CRYPTO_HASH_MAX];
    struct frame f;
    if (frame_decode_authenticated(x->value, &f) != ERR_OK || f.content_type != CONTENT_PROPOSAL) return ERR_CORRUPT;
    if (g->n_waiting > 0 && x->number <= g->waiting[g->n_waiting - 1].number) return ERR_CORRUPT; // they come sorted
    enum err e = label_ref_hash(&g->algo, "MLS 1.0 Proposal Reference", x->value, ref);
    return e == ERR_OK ? group_keep_waiting(g, x->value, ref, x->number) : e;
}

static enum err put_update(struct mls_group *g, const struct record *x)
{
    const struct crypto_sizes *z = algo_sizes(&g->algo);
    struct tls_reader r = tls_reader_of(x->value);
    struct own_update u = {.number = x->number};
    for (size_t i = 0; i < g->n_update; i++) {
        if (g->update[i].number == x->number) return ERR_CORRUPT;
    }
    struct own_update *bigger = mem_new_array(g->n_update + 1, sizeof *bigger);
    if (bigger == NULL) return ERR_MEMORY;
    bool ok = copy_exact(u.leaf_key, z->nsk, tls_bytes(&r, z->nsk));
    ok = ok && copy_exact(u.signature_key, z->nsigsk, tls_bytes(&r, z->nsigsk)) && tls_left(&r) == z->npk;
    buf_init(&u.encryption_key, CRYPTO_PK_MAX);
    buf_put(&u.encryption_key, tls_rest(&r));
    if (!ok || buf_end(&u.encryption_key) != ERR_OK) {
        buf_wipe(&u.encryption_key);
        mem_free(bigger);
        return ok ? ERR_MEMORY : ERR_CORRUPT;
    }
    if (g->n_update > 0) memcpy(bigger, g->update, g->n_update * sizeof *bigger);
    bigger[g->n_update++] = u;
    mem_free_wiped(g->update, (g->n_update - 1) * sizeof *bigger);
    g->update = bigger;
    mem_wipe(&u, sizeof u);
    return ERR_OK;
}

static enum err put_psk(struct mls_group *g, const struct record *x)
{
    size_t at = 0;
    while (at < g->n_psk && g->psk[at].epoch > x->number) at++;
    if (at < g->n_psk && g->psk[at].epoch == x->number) return ERR_CORRUPT;
    struct past_psk *bigger = mem_new_array(g->n_psk + 1, sizeof *bigger);
    if (bigger == NULL) return ERR_MEMORY;
    if (at > 0) memcpy(bigger, g->psk, at * sizeof *bigger);
    if (g->n_psk > at) memcpy(bigger + at + 1, g->psk + at, (g->n_psk - at) * sizeof *bigger);
    bigger[at].epoch = x->number;
    bool ok = copy_exact(bigger[at].psk.b, algo_nh(&g->algo), x->value);
    mem_free_wiped(g->psk, g->n_psk * sizeof *bigger);
    g->psk = bigger;
    g->n_psk++;
    return ok ? ERR_OK : ERR_CORRUPT;
}

// ------------------------------------------------------------------------------------------------- past epochs

static enum err read_past(const struct algo *a, struct span value, struct past *p)
{
    struct tls_reader r = tls_reader_of(value);
    p->own_leaf = tls_u32(&r);
    p->leaves = tls_u32(&r);
    buf_init(&p->context, TLS_VECTOR_MAX);
    buf_put(&p->context, tls_vector(&r));
    struct span sender_data = tls_bytes(&r, algo_nh(a));
    bool power = p->leaves > 0 && p->leaves <= TREE_MAX_LEAVES && (p->leaves & (p->leaves - 1)) == 0;
    if (r.err != ERR_OK || !power || !copy_exact(p->sender_data.b, algo_nh(a), sender_data)) return ERR_CORRUPT;
    struct tls_reader count = r;
    size_t n = 0;
    for (; tls_left(&count) > 0; n++) {
        (void)tls_u32(&count);
        (void)tls_vector(&count);
    }
    if (count.err != ERR_OK) return ERR_CORRUPT;
    if ((p->leaf = mem_new_array(n, sizeof *p->leaf)) == NULL) return ERR_MEMORY;
    for (; p->n < n; p->n++) {
        p->leaf[p->n].leaf = tls_u32(&r);
        buf_init(&p->leaf[p->n].key, CRYPTO_SIGPK_MAX);
        buf_put(&p->leaf[p->n].key, tls_vector(&r));
        enum err e = buf_end(&p->leaf[p->n].key);
        if (e != ERR_OK) return e == ERR_MEMORY ? e : ERR_CORRUPT;
    }
    return buf_end(&p->context);
}

static enum err put_past(struct mls_group *g, const struct record *x)
{
    size_t at = 0;
    while (at < g->n_past && g->past[at].number > x->number) at++;
    if (at < g->n_past && g->past[at].number == x->number) return ERR_CORRUPT;
    struct past *bigger = mem_new_array(g->n_past + 1, sizeof *bigger);
    if (bigger == NULL) return ERR_MEMORY;
    if (at > 0) memcpy(bigger, g->past, at * sizeof *bigger);
    if (g->n_past > at) memcpy(bigger + at + 1, g->past + at, (g->n_past - at) * sizeof *bigger);
    mem_free_wiped(g->past, g->n_past * sizeof *bigger);
    g->past = bigger;
    g->n_past++;
    bigger[at].number = x->number;
    enum err e = read_past(&g->algo, x->value, &bigger[at]);
    secret_tree_init(&bigger[at].secrets, bigger[at].leaves);
    return e;
}

static enum err put_past_secret(struct mls_group *g, const struct record *x)
{
    const struct crypto_sizes *z = algo_sizes(&g->algo);
    for (size_t i = 0; i < g->n_past; i++) {
        struct secret_tree *s = &g->past[i].secrets;
        if (g->past[i].number != x->number) continue;
        if (x->kind == RECORD_PAST_SECRET) return put_node_secret(s, z->nh, x->second, x->value);
        if (x->kind == RECORD_PAST_RATCHET) return put_ratchet(s, z->nh, x->second, x->value);
        return put_skipped(s, z->nk, x->second, x->value);
    }
    return ERR_CORRUPT;
}

// ------------------------------------------------------------------------------------------------- all the rest

// Whether a record may have this number. Of most kinds there is one, and nothing of a past epoch is of the present.
static bool has_place(const struct mls_group *g, const struct record *x, unsigned seen)
{
    if (x->kind <= RECORD_REINIT || x->kind == RECORD_SUM) return x->number == 0 && (seen & 1u << x->kind) == 0;
    if (x->kind == RECORD_PSK || x->kind == RECORD_PAST) return x->number < g->now.number;
    if (x->kind == RECORD_WAITING || x->kind == RECORD_UPDATE) return x->number < RECORD_NUMBER_MAX;
    return true;
}

static enum err put_record(struct mls_group *g, const struct record *x, unsigned *seen)
{
    const struct crypto_sizes *z = algo_sizes(&g->algo);
    struct tls_reader r = tls_reader_of(x->value);
    if (!has_place(g, x, *seen)) return ERR_CORRUPT;
    if (x->kind <= RECORD_PAST) *seen |= 1u << x->kind;
    switch (x->kind) {
    case RECORD_GROUP:
    case RECORD_SUM: return ERR_OK; // looked at by restore_core and check_sum
    case RECORD_EXTENSIONS: buf_put(&g->now.extensions, x->value); return buf_end(&g->now.extensions);
    case RECORD_SECRETS: record_read_secrets(&g->algo, &r, &g->now.secrets); return tls_end(&r);
    case RECORD_SIGNATURE: return copy_exact(g->now.signature_key, z->nsigsk, x->value) ? ERR_OK : ERR_CORRUPT;
    case RECORD_REINIT: buf_put(&g->now.reinit, x->value); return buf_end(&g->now.reinit);
    case RECORD_KEY:
        if (x->number >= TREE_MAX_LEVELS || g->now.keys.have[x->number]) return ERR_CORRUPT;
        g->now.keys.have[x->number] = true;
        return copy_exact(g->now.keys.key[x->number], z->nsk, x->value) ? ERR_OK : ERR_CORRUPT;
    case RECORD_NODE:
        if (x->number >= math_width(g->tree.leaves)) return ERR_CORRUPT;
        if (!tree_is_blank(&g->tree, (uint32_t)x->number)) return ERR_CORRUPT;
        return tree_restore_node(&g->tree, (uint32_t)x->number, x->value);
    case RECORD_SECRET: return put_node_secret(&g->secrets, z->nh, x->number, x->value);
    case RECORD_RATCHET: return put_ratchet(&g->secrets, z->nh, x->number, x->value);
    case RECORD_SKIPPED: return put_skipped(&g->secrets, z->nk, x->number, x->value);
    case RECORD_UPDATE: return put_update(g, x);
    case RECORD_PSK: return put_psk(g, x);
    case RECORD_PAST: return put_past(g, x);
    case RECORD_WAITING:
    case RECORD_PAST_SECRET:
    case RECORD_PAST_RATCHET:
    case RECORD_PAST_SKIPPED: return ERR_OK; // in later rounds
    default: return ERR_CORRUPT;
    }
}

static int by_number(const void *a, const void *b)
{
    const struct record *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

// Records that need others to be there first, and waiting proposals in the order of their numbers.
static enum err later_rounds(struct mls_group *g, struct heap *h)
{
    enum err e = ERR_OK;
    size_t later = 0;
    for (size_t i = 0; i < h->n; i++) {
        struct record x = h->v[i];
        if (x.kind != RECORD_WAITING && x.kind < RECORD_PAST_SECRET) continue;
        h->v[i] = h->v[later];
        h->v[later++] = x;
    }
    qsort(h->v, later, sizeof *h->v, by_number);
    for (size_t i = 0; e == ERR_OK && i < later; i++) {
        if (h->v[i].kind == RECORD_WAITING) e = put_waiting(g, &h->v[i]);
        if (h->v[i].kind >= RECORD_PAST_SECRET) e = put_past_secret(g, &h->v[i]);
    }
    return e;
}

static enum err check_sum(struct mls_group *g, const struct heap *h)
{
    uint64_t want = 0, sum = 0;
    bool found = false;
    for (size_t i = 0; i < h->n; i++) {
        struct tls_reader r = tls_reader_of(h->v[i].value);
        if (h->v[i].kind != RECORD_SUM || h->v[i].number != 0) continue;
        want = tls_u64(&r);
        found = tls_end(&r) == ERR_OK;
    }
    secret_tree_sum(&g->secrets);
    for (size_t i = 0; i < g->n_past; i++) secret_tree_sum(&g->past[i].secrets);
    g->sum_known = false;
    enum err e = record_sum(g, &sum);
    return e != ERR_OK ? e : found && sum == want ? ERR_OK : ERR_CORRUPT;
}

// Whether what the records say of each other is true.
static enum err check(struct mls_group *g, unsigned seen)
{
    uint8_t hash[CRYPTO_HASH_MAX], pk[CRYPTO_PK_MAX];
    const struct crypto_sizes *z = algo_sizes(&g->algo);
    unsigned need = 1u << RECORD_GROUP | 1u << RECORD_EXTENSIONS | 1u << RECORD_SECRETS | 1u << RECORD_NODE;
    if ((seen & need) != need || tree_is_blank(&g->tree, 2 * g->now.keys.leaf)) return ERR_CORRUPT;
    enum err e = tree_hash(&g->algo, &g->tree, math_root(g->tree.leaves), hash);
    if (e == ERR_OK && !span_eq(span_of(hash, z->nh), span_of(g->now.tree_hash, z->nh))) e = ERR_CORRUPT;
    for (uint32_t k = 1; e == ERR_OK && k < TREE_MAX_LEVELS; k++) {
        if (!g->now.keys.have[k]) continue;
        bool there = k <= math_depth(g->tree.leaves) && !tree_is_blank(&g->tree, math_ancestor(g->now.keys.leaf, k));
        if (!there) e = ERR_CORRUPT;
    }
    if (e != ERR_OK || g->now.removed) return e;
    if (!g->now.keys.have[0] || (seen & 1u << RECORD_SIGNATURE) == 0) return ERR_CORRUPT;
    e = crypto_kem_public(g->algo.crypto, g->algo.suite, span_of(g->now.keys.key[0], z->nsk), pk);
    if (e == ERR_OK && !span_eq(span_of(pk, z->npk), tree_key(&g->tree, 2 * g->now.keys.leaf))) e = ERR_CORRUPT;
    // A signature under a key that is not the leaf's own would give the private key away.
    if (e == ERR_OK) e = crypto_sig_public(g->algo.crypto, g->algo.suite, span_of(g->now.signature_key, z->nsigsk), pk);
    struct leaf own;
    if (e == ERR_OK) e = group_own_leaf(g, &own);
    if (e == ERR_OK && !span_eq(span_of(pk, z->nsigpk), own.signature_key)) e = ERR_CORRUPT;
    return e;
}

static enum err restore(const struct mls_client *c, struct heap *h, struct mls_group **out)
{
    struct mls_group *g = NULL;
    unsigned seen = 0;
    enum err e = restore_core(c, h, &g);
    for (size_t i = 0; e == ERR_OK && i < h->n; i++) e = put_record(g, &h->v[i], &seen);
    if (e == ERR_OK) e = later_rounds(g, h);
    if (e == ERR_OK) e = epoch_encode_context(g, &g->now);
    if (e == ERR_OK) e = check(g, seen);
    if (e == ERR_OK) e = check_sum(g, h);
    if (e == ERR_OK) {
        mls_group_saved(g); // what was just read needs no storing
        *out = g;
    } else {
        mls_group_free(g);
    }
    return e;
}

enum mls_error mls_group_restore(const struct mls_client *c,
                                 bool (*next)(void *arg, struct mls_span *key, struct mls_span *value), void *arg,
                                 struct mls_group **out)
{
    struct heap h = {0};
    *out = NULL;
    buf_init(&h.bytes, SIZE_MAX / 2);
    enum err e = collect(&h, next, arg);
    if (e == ERR_OK) e = restore(c, &h, out);
    heap_wipe(&h);
    mem_wipe_stack();
    // A store that does not decode is damaged, whatever else it is.
    bool damaged = e == ERR_MALFORMED || e == ERR_INVALID;
    return damaged ? MLS_E_CORRUPT : api_error(e);
}
