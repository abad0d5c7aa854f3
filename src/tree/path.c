// SPDX-License-Identifier: Apache-2.0
//
// TreeKEM as a receiver does it: private keys, filtered direct paths, reading and applying an UpdatePath. Making one is
// in path_make.c. Invariant: a private key is kept only while the tree holds the public key that belongs to it.
#include "tree/path.h"

#include "tree/rule.h"

void path_keys_wipe(struct path_keys *k) { mem_wipe(k, sizeof *k); }

static void forget_key(struct path_keys *k, uint32_t level)
{
    k->have[level] = false;
    mem_wipe(k->key[level], sizeof k->key[level]);
}

void path_keys_prune(struct path_keys *k, const struct tree *t)
{
    for (uint32_t level = 1; level < TREE_MAX_LEVELS; level++) {
        if (level > math_depth(t->leaves) || tree_is_blank(t, math_ancestor(k->leaf, level))) forget_key(k, level);
    }
}

// The key pair of a node from its path secret (§7.4), checked against the public key in the tree.
static enum err derive_node(const struct algo *a, struct path_keys *k, struct span want, uint32_t level,
                            const struct secret *path_secret)
{
    uint8_t pk[CRYPTO_PK_MAX], sk[CRYPTO_SK_MAX];
    struct secret node_secret;
    const struct crypto_sizes *z = algo_sizes(a);
    enum err e = label_derive(a, path_secret, "node", &node_secret);
    if (e == ERR_OK) e = crypto_kem_derive(a->crypto, a->suite, secret_span(a, &node_secret), sk, pk);
    // RFC 9420 §7.5: "Verify that the derived public keys are the same as the corresponding public keys sent in the
    // UpdatePath."
    if (e == ERR_OK && !span_eq(span_of(pk, z->npk), want)) e = rule(MLS_E_PATH_PUBLIC_KEY);
    if (e == ERR_OK) {
        memcpy(k->key[level], sk, z->nsk);
        k->have[level] = true;
    }
    mem_wipe(&node_secret, sizeof node_secret);
    mem_wipe(sk, sizeof sk);
    return e;
}

enum err path_keys_derive(const struct algo *a, struct path_keys *k, const struct tree *t, uint32_t level,
                          const struct secret *path_secret, struct secret *commit_secret)
{
    struct secret at = *path_secret;
    enum err e = ERR_OK;
    for (; e == ERR_OK && level <= math_depth(t->leaves); level++) {
        struct span want = tree_key(t, math_ancestor(k->leaf, level));
        if (want.n == 0) continue;
        e = derive_node(a, k, want, level, &at);
        if (e == ERR_OK) e = label_derive(a, &at, "path", &at);
    }
    if (e == ERR_OK && commit_secret != NULL) *commit_secret = at;
    mem_wipe(&at, sizeof at);
    return e;
}

void path_filtered(const struct tree *t, uint32_t leaf, uint32_t levels[TREE_MAX_LEVELS], size_t *n)
{
    *n = 0;
    for (uint32_t k = 1; k <= math_depth(t->leaves); k++) {
        if (!tree_is_empty(t, math_copath(leaf, k))) levels[(*n)++] = k;
    }
}

// Counts the HPKECiphertexts of a list, whose structure is checked on the way.
static size_t count_ciphertexts(struct tls_reader *r, struct span *list)
{
    struct tls_reader in = tls_open(r);
    size_t n = 0;
    *list = span_of(in.p, tls_left(&in));
    for (; tls_left(&in) > 0; n++) {
        (void)tls_vector(&in);
        (void)tls_vector(&in);
    }
    tls_close(r, &in);
    return n;
}

void update_path_read(struct tls_reader *r, struct update_path *out)
{
    *out = (struct update_path){0};
    leaf_read(r, &out->leaf);
    struct tls_reader in = tls_open(r);
    for (; tls_left(&in) > 0; out->n++) {
        if (out->n == TREE_MAX_LEVELS) {
            tls_fail(&in);
            break;
        }
        out->node[out->n].key = tls_vector(&in);
        out->node[out->n].n = count_ciphertexts(&in, &out->node[out->n].ciphertexts);
    }
    tls_close(r, &in);
}

// RFC 9420 §12.4.2: "Verify that none of the public keys in the UpdatePath appear in any node of the new ratchet tree."
static enum err check_keys(const struct algo *a, const struct tree *t, const struct update_path *path)
{
    uint32_t node;
    if (tree_find_key(t, path->leaf.encryption_key, INDEX_ENCRYPTION, &node)) return rule(MLS_E_PATH_KEY_TAKEN);
    for (size_t i = 0; i < path->n; i++) {
        struct span key = path->node[i].key;
        // RFC 9420 §5.1.1: "HPKE public keys are opaque values in a format defined by the underlying protocol".
        if (!crypto_kem_pk_ok(a->crypto, a->suite, key)) return rule(MLS_E_PATH_KEY_INVALID);
        if (tree_find_key(t, key, INDEX_ENCRYPTION, &node)) return rule(MLS_E_PATH_KEY_TAKEN);
        if (span_eq(key, path->leaf.encryption_key)) return rule(MLS_E_PATH_KEY_TAKEN);
        for (size_t j = 0; j < i; j++) {
            if (span_eq(key, path->node[j].key)) return rule(MLS_E_PATH_KEY_TAKEN);
        }
    }
    return ERR_OK;
}

enum err path_merge(const struct algo *a, struct tree *t, uint32_t sender, const struct update_path *path)
{
    uint32_t level[TREE_MAX_LEVELS];
    uint8_t hash[CRYPTO_HASH_MAX];
    struct span above = span_of(hash, 0); // the parent hash of the next node up; empty for the root
    size_t n = 0;
    enum err e = check_keys(a, t, path);
    if (e != ERR_OK) return e;
    path_filtered(t, sender, level, &n);
    if (n != path->n) return rule(MLS_E_PATH_LENGTH);
    e = tree_blank_path(t, sender);
    for (size_t i = n; e == ERR_OK && i-- > 0;) {
        uint32_t copath = math_copath(sender, level[i]);
        e = tree_set_parent(t, math_ancestor(sender, level[i]), path->node[i].key, above);
        if (e == ERR_OK) e = tree_parent_hash(a, t, path->node[i].key, above, copath, NULL, hash);
        above = span_of(hash, algo_nh(a));
    }
    // RFC 9420 §7.9.2: "clients MUST recompute the expected value of parent_hash for the committer's new leaf and verify
    // that it matches the parent_hash value in the supplied leaf_node."
    if (e == ERR_OK && !span_eq(path->leaf.parent_hash, above)) e = rule(MLS_E_PATH_PARENT_HASH);
    return e == ERR_OK ? tree_set_leaf(t, sender, path->leaf.raw) : e;
}

// The place of this member in a resolution: the node whose private key it has.
static bool find_own(const struct path_keys *k, const struct nodes *resolution, size_t *at, uint32_t *level)
{
    for (size_t i = 0; i < resolution->n; i++) {
        *level = math_level(resolution->v[i]);
        if (!math_has_leaf(resolution->v[i], k->leaf) || !k->have[*level]) continue;
        *at = i;
        return true;
    }
    return false;
}

// Opens the i-th ciphertext of a list with the private key of a level.
static enum err open_secret(const struct algo *a, const struct path_keys *k, struct span pk, struct span list, size_t i,
                            uint32_t level, struct span context, struct secret *out)
{
    struct tls_reader r = tls_reader_of(list);
    struct buf pt;
    struct span kem_output, ct;
    do {
        kem_output = tls_vector(&r);
        ct = tls_vector(&r);
    } while (i-- > 0);
    buf_init(&pt, CRYPTO_HASH_MAX);
    struct span sk = span_of(k->key[level], algo_sizes(a)->nsk);
    enum err e = label_decrypt(a, sk, pk, "UpdatePathNode", context, kem_output, ct, &pt);
    if (e == ERR_OK && pt.n != algo_nh(a)) e = rule(MLS_E_PATH_SECRET);
    if (e == ERR_UNAUTHENTICATED || e == ERR_LIMIT) e = rule(MLS_E_PATH_SECRET);
    if (e == ERR_OK) memcpy(out->b, pt.p, pt.n);
    buf_wipe(&pt);
    return e;
}

enum err path_open(const struct algo *a, const struct tree *t, uint32_t sender, const struct update_path *path,
                   const struct nodes *added, struct span context, struct path_keys *k, struct secret *commit_secret)
{
    uint32_t level[TREE_MAX_LEVELS], own = 0, common = math_common_level(sender, k->leaf);
    size_t n = 0, at = 0;
    bool found = false;
    struct secret path_secret;
    struct nodes resolution = {0};
    enum err e = ERR_OK;
    path_filtered(t, sender, level, &n);
    if (n != path->n) return ERR_MISUSE; // path_merge has checked it
    for (size_t i = 0; e == ERR_OK && i < n; i++) {
        resolution.n = 0;
        e = tree_resolution(t, math_copath(sender, level[i]), added, &resolution);
        // RFC 9420 §7.6: "The length of the encrypted_path_secret vector MUST be equal to the length of the resolution
        // of the copath node (excluding new leaf nodes)".
        if (e == ERR_OK && resolution.n != path->node[i].n) e = rule(MLS_E_PATH_CIPHERTEXTS);
        if (e != ERR_OK || level[i] != common) continue;
        found = find_own(k, &resolution, &at, &own);
        if (!found) continue;
        struct span pk = tree_key(t, math_ancestor(k->leaf, own));
        e = open_secret(a, k, pk, path->node[i].ciphertexts, at, own, context, &path_secret);
    }
    if (e == ERR_OK && !found) e = rule(MLS_E_PATH_SECRET);
    if (e == ERR_OK) e = path_keys_derive(a, k, t, common, &path_secret, commit_secret);
    mem_wipe(&path_secret, sizeof path_secret);
    nodes_free(&resolution);
    return e;
}
