// SPDX-License-Identifier: Apache-2.0
//
// Trees and contexts as the checks need them. Nothing is cached between two comparisons.
#include "vectors/model.h"

bool model_tree(struct trial *t, struct tree *out, struct span bytes, const char *step)
{
    tree_init(out, (uint8_t)algo_nh(&t->algo), (uint64_t[2]){t->state, ~t->state});
    if (t->failed || !trial_ok(t, tree_decode(out, bytes), "%s: decode", step)) return false;
    struct buf again;
    buf_init(&again, TLS_VECTOR_MAX);
    if (trial_ok(t, tree_encode(out, &again), "%s: encode", step)) {
        trial_same(t, buf_span(&again), bytes, "%s: encoded again", step);
    }
    buf_wipe(&again);
    return !t->failed;
}

struct span model_hash(struct trial *t, struct tree *tree, const char *step)
{
    uint8_t *hash = t->failed ? NULL : trial_bytes(t, algo_nh(&t->algo));
    if (hash == NULL) return span_of(NULL, 0);
    trial_ok(t, tree_hash(&t->algo, tree, math_root(tree->leaves), hash), "%s: tree hash", step);
    return span_of(hash, algo_nh(&t->algo));
}

void model_is(struct trial *t, struct tree *tree, struct span bytes, struct span hash, const char *step)
{
    if (t->failed) return;
    struct buf b;
    buf_init(&b, TLS_VECTOR_MAX);
    if (trial_ok(t, tree_encode(tree, &b), "%s: encode", step)) trial_same(t, buf_span(&b), bytes, "%s: bytes", step);
    buf_wipe(&b);
    trial_same(t, model_hash(t, tree, step), hash, "%s: tree hash", step);
}

void model_like(struct trial *t, const struct tree *tree, const struct tree *fresh, const char *step)
{
    uint32_t node;
    if (t->failed) return;
    trial_equal(t, tree->leaves, fresh->leaves, "%s: number of leaves", step);
    trial_equal(t, tree->members, fresh->members, "%s: number of members", step);
    trial_equal(t, tree_first_blank(tree), tree_first_blank(fresh), "%s: first blank leaf", step);
    for (uint32_t kind = COUNT_CREDENTIAL_USED; kind <= COUNT_PROPOSAL_SUPPORTED; kind++) {
        for (uint32_t type = 0; type <= UINT16_MAX; type++) {
            size_t got = tree_count(tree, (enum tree_count)kind, (uint16_t)type);
            if (got != tree_count(fresh, (enum tree_count)kind, (uint16_t)type)) {
                trial_fail(t, "%s: count %u of type 0x%04x is %zu", step, kind, type, got);
            }
        }
    }
    for (uint32_t x = 0; !t->failed && x < math_width(fresh->leaves); x++) {
        struct span key = tree_key(fresh, x);
        if (key.n == 0) continue;
        bool found = tree_find_key(tree, key, INDEX_ENCRYPTION, &node);
        trial_true(t, found && span_eq(tree_key(tree, node), key), "%s: the key of node %u is in the index", step, x);
        trial_true(t, tree_key_shared(tree, x, INDEX_ENCRYPTION) == tree_key_shared(fresh, x, INDEX_ENCRYPTION),
                   "%s: the index tells whether the key of node %u is shared", step, x);
    }
}

struct secret model_secret(const struct field *of, const char *key)
{
    struct trial *t = of->t;
    struct secret s = {0};
    struct span b = field_get_bytes(of, key);
    if (t->failed) return s;
    if (trial_equal(t, b.n, algo_nh(&t->algo), "%s.%s: length", of->name, key)) memcpy(s.b, b.p, b.n);
    return s;
}

static struct span fill(struct trial *t, struct span sk, size_t n)
{
    uint8_t *whole = t->failed || sk.n >= n ? NULL : trial_bytes(t, n);
    if (whole == NULL) return sk;
    memcpy(whole + n - sk.n, sk.p, sk.n);
    return span_of(whole, n);
}

struct span model_signature_key(const struct field *of, const char *key)
{
    struct span sk = field_get_bytes(of, key);
    if (of->t->failed) return sk;
    const struct crypto_sizes *z = algo_sizes(&of->t->algo);
    switch (crypto_suite_id(of->t->algo.suite)) {
    case CRYPTO_P256_AES128_SHA256_P256:
    case CRYPTO_P521_AES256_SHA512_P521:
    case CRYPTO_P384_AES256_SHA384_P384:
    case CRYPTO_MLKEM1024P384_AES256_SHA384_P384: return fill(of->t, sk, z->nsigsk);
    default: return sk.n == (size_t)z->nsigsk + z->nsigpk ? span_of(sk.p, z->nsigsk) : sk;
    }
}

struct span model_kem_key(const struct field *of, const char *key)
{
    struct span sk = field_get_bytes(of, key);
    switch (crypto_suite_id(of->t->algo.suite)) {
    case CRYPTO_P256_AES128_SHA256_P256:
    case CRYPTO_P521_AES256_SHA512_P521:
    case CRYPTO_P384_AES256_SHA384_P384: return fill(of->t, sk, algo_sizes(&of->t->algo)->nsk);
    default: return sk;
    }
}

struct span model_context(struct trial *t, struct span group_id, uint64_t epoch, struct span tree_hash,
                          struct span confirmed_transcript_hash)
{
    struct buf b;
    if (t->failed) return span_of(NULL, 0);
    buf_init(&b, TLS_VECTOR_MAX);
    const struct group_context c = {.version = MLS_VERSION,
                                    .suite = crypto_suite_id(t->algo.suite),
                                    .group_id = group_id,
                                    .epoch = epoch,
                                    .tree_hash = tree_hash,
                                    .confirmed_hash = confirmed_transcript_hash};
    group_context_write(&b, &c);
    return trial_take(t, &b, "GroupContext");
}

void model_keys(struct trial *t, const struct tree *tree, const struct path_keys *keys, const char *step)
{
    const struct crypto_sizes *z = algo_sizes(&t->algo);
    for (uint32_t level = 0; !t->failed && level < TREE_MAX_LEVELS; level++) {
        uint8_t pk[CRYPTO_PK_MAX];
        if (!keys->have[level]) continue;
        uint32_t node = math_ancestor(keys->leaf, level);
        if (!trial_true(t, level <= math_depth(tree->leaves) && !tree_is_blank(tree, node),
                        "%s: leaf %u: node %u is not blank", step, keys->leaf, node)) return;
        enum err e = crypto_kem_public(t->algo.crypto, t->algo.suite, span_of(keys->key[level], z->nsk), pk);
        if (!trial_ok(t, e, "%s: leaf %u: public key of node %u", step, keys->leaf, node)) return;
        trial_same(t, span_of(pk, z->npk), tree_key(tree, node), "%s: leaf %u: public key of node %u", step,
                   keys->leaf, node);
    }
}
