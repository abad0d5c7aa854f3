// SPDX-License-Identifier: Apache-2.0
//
// Forged update paths (RFC 9420 §7.4 to §7.6, §7.9): path secrets, keys, parent hashes and a signed leaf that belong
// together, but for the flaw; and the path secrets sealed to whoever is below the copath.
#include "forge.h"

static const struct algo *algo(const struct forge *f) { return &f->g->algo; }

static void random_secret(struct forge *f, struct secret *out)
{
    assert_true(cast_random(&f->s->world, out->b, algo_nh(algo(f))));
}

// Path secrets and the keys that come from them.
static void make_keys(struct forge *f)
{
    struct path_keys *k = &f->staged->next.keys;
    const struct crypto_sizes *z = algo_sizes(algo(f));
    path_filtered(&f->staged->tree, f->by.leaf, f->level, &f->levels);
    path_keys_wipe(k);
    k->leaf = f->by.leaf;
    random_secret(f, &f->path_secret[0]);
    for (size_t i = 0; i < f->levels; i++) {
        struct secret node;
        uint8_t pk[CRYPTO_PK_MAX];
        assert_ok(label_derive(algo(f), &f->path_secret[i], "node", &node));
        assert_ok(
            crypto_kem_derive(algo(f)->crypto, algo(f)->suite, secret_span(algo(f), &node), k->key[f->level[i]], pk));
        k->have[f->level[i]] = true;
        buf_put(&f->key[i], span_of(pk, z->npk));
        assert_ok(label_derive(algo(f), &f->path_secret[i], "path", &f->path_secret[i + 1]));
    }
}

static void set_key(struct forge *f, size_t i, struct span key)
{
    key = scene_copy(f->s, key); // it may be a part of the old one
    buf_wipe(&f->key[i]);
    buf_put(&f->key[i], key);
}

static void spoil_keys(struct forge *f)
{
    uint32_t first = math_ancestor(f->by.leaf, f->level[0]);
    switch (f->flaw) {
    case FLAW_KEY_INVALID: set_key(f, 0, f->other.n > 0 ? f->other : span_of(f->key[0].p, f->key[0].n - 1)); break;
    case FLAW_KEY_OF_PATH: set_key(f, 0, buf_span(&f->key[1])); break;
    case FLAW_KEY_OF_LEAF: set_key(f, 0, f->leaf.encryption_key); break;
    case FLAW_KEY_OF_TREE: set_key(f, 0, f->other); break;
    case FLAW_KEY_REPLACED: set_key(f, 0, tree_key(&f->staged->tree, first)); break;
    case FLAW_KEY_UNKNOWN: set_key(f, f->levels - 1, forge_key(f->s, NULL)); break;
    case FLAW_PATH_SHORT: f->levels--; break;
    case FLAW_PATH_LONG: set_key(f, f->levels++, forge_key(f->s, NULL)); break;
    default: break;
    }
}

// The new parents from the root down; the hash for the leaf is copied to out.
static struct span place(struct forge *f, uint8_t out[2][CRYPTO_HASH_MAX])
{
    struct tree *t = &f->staged->tree;
    struct span above = f->root_hash;
    size_t nh = algo_nh(algo(f));
    assert_ok(tree_blank_path(t, f->by.leaf));
    for (size_t i = f->flaw == FLAW_PATH_LONG ? f->levels - 1 : f->levels; i-- > 0;) {
        struct span key = buf_span(&f->key[i]);
        uint8_t hash[CRYPTO_HASH_MAX];
        assert_ok(tree_set_parent(t, math_ancestor(f->by.leaf, f->level[i]), key, above));
        assert_ok(tree_parent_hash(algo(f), t, key, above, math_copath(f->by.leaf, f->level[i]), NULL, hash));
        memcpy(out[1], out[0], nh); // the hash of the node above
        memcpy(out[0], hash, nh);
        above = span_of(out[0], nh);
    }
    return above;
}

static void put_leaf(struct forge *f, struct span parent_hash, struct span middle)
{
    struct leaf l = f->leaf;
    l.parent_hash = parent_hash;
    if (f->flaw == FLAW_PARENT_HASH) l.parent_hash = forge_damage(f->s, parent_hash);
    if (f->flaw == FLAW_PARENT_HASH_EMPTY) l.parent_hash = span_of(NULL, 0);
    if (f->flaw == FLAW_PARENT_HASH_MIDDLE) l.parent_hash = middle;
    struct span group_id = f->flaw == FLAW_LEAF_GROUP ? span_str("another group") : buf_span(&f->g->id);
    uint32_t index = f->flaw == FLAW_LEAF_INDEX ? f->by.leaf + 1 : f->by.leaf;
    assert_ok(tree_set_leaf(&f->staged->tree, f->by.leaf, forge_sign_leaf(f->s, &l, group_id, index, f->leaf_sk)));
}

void forge_path(struct forge *f)
{
    uint8_t hash[2][CRYPTO_HASH_MAX] = {{0}};
    struct path_keys *k = &f->staged->next.keys;
    make_keys(f);
    if (f->leaf.encryption_key.n == 0) f->leaf.encryption_key = forge_key(f->s, k->key[0]);
    k->have[0] = true;
    memcpy(f->staged->next.signature_key, f->leaf_sk.p, f->leaf_sk.n);
    if (f->levels > 0) spoil_keys(f);
    struct span above = place(f, hash);
    put_leaf(f, above, span_of(hash[1], algo_nh(algo(f))));
}

// ------------------------------------------------------------------------------------------------------- sealing

static void seal_one(struct forge *f, uint32_t node, size_t i, const struct crypto_hpke_info *info, struct buf *out)
{
    uint8_t seed[CRYPTO_SEED_MAX];
    struct secret other = {{0}};
    size_t nh = algo_nh(algo(f)), from = out->n;
    bool last = i + 1 == f->levels;
    struct span secret = span_of(f->path_secret[i].b, nh);
    if (f->flaw == FLAW_SECRET_OTHER && last) secret = span_of(other.b, nh);
    if (f->flaw == FLAW_SECRET_SHORT) secret.n--;
    if (f->flaw == FLAW_SECRET_LONG) secret.n++;
    assert_true(cast_random(&f->s->world, seed, sizeof seed));
    enum err e = label_encrypt(algo(f), tree_key(&f->staged->tree, node), info, secret, seed, out);
    if (e != ERR_OK) { // to a key that is none
        out->n = from;
        out->err = ERR_OK;
        tls_put_vector(out, span_str("x"));
        tls_put_vector(out, span_str("x"));
    }
    if (f->flaw == FLAW_CIPHERTEXT_DAMAGED && last) out->p[out->n - 1] ^= 1;
}

static void seal_node(struct forge *f, size_t i, const struct crypto_hpke_info *info)
{
    struct nodes resolution = {0};
    bool last = i + 1 == f->levels;
    const struct nodes *except = f->flaw == FLAW_CIPHERTEXT_ADDED ? NULL : &f->staged->added;
    bool extra_node = f->flaw == FLAW_PATH_LONG && last;
    if (!extra_node) {
        assert_ok(tree_resolution(&f->staged->tree, math_copath(f->by.leaf, f->level[i]), except, &resolution));
    }
    tls_put_vector(&f->body, buf_span(&f->key[i]));
    size_t mark = tls_begin(&f->body);
    size_t n = resolution.n - (f->flaw == FLAW_CIPHERTEXT_MISSING && last);
    for (size_t j = 0; j < n; j++) seal_one(f, resolution.v[j], i, info, &f->body);
    if (f->flaw == FLAW_CIPHERTEXT_EXTRA && last) seal_one(f, resolution.v[0], i, info, &f->body);
    tls_finish(&f->body, mark);
    nodes_free(&resolution);
}

void forge_seal(struct forge *f)
{
    struct crypto_hpke_info info;
    assert_ok(label_info(algo(f), "UpdatePathNode", buf_span(&f->staged->next.context), &info));
    buf_put(&f->body, tree_leaf_raw(&f->staged->tree, f->by.leaf));
    size_t mark = tls_begin(&f->body);
    for (size_t i = 0; i < f->levels; i++) seal_node(f, i, &info);
    tls_finish(&f->body, mark);
}
