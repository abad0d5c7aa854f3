// SPDX-License-Identifier: Apache-2.0
//
// Tree hashes and parent hashes (RFC 9420 §7.8, §7.9). A tree hash is computed once and kept until something below it
// changes, so that a commit costs O(log N) hashes. Invariant: a node's hash is cached only when those of all its
// descendants are.
#include "tree/parallel.h"
#include "tree/slot.h"

enum { BELOW_LEVEL = 4 }; // subtrees of 16 leaves: worth a task, and many

enum { NODE_TYPE_LEAF = 1, NODE_TYPE_PARENT = 2 };

// The length header of a vector, without a heap.
static struct span header(size_t n, uint8_t h[4])
{
    struct buf b = {.p = h, .cap = 4, .max = 4};
    tls_put_length(&b, n);
    return span_of(h, b.n);
}

// TreeHashInput of a leaf; raw is empty where the leaf is blank.
static enum err hash_leaf(const struct algo *a, uint32_t leaf, struct span raw, uint8_t *out)
{
    const uint8_t head[6] = {NODE_TYPE_LEAF,       (uint8_t)(leaf >> 24), (uint8_t)(leaf >> 16),
                             (uint8_t)(leaf >> 8), (uint8_t)leaf,         raw.n > 0};
    const struct span parts[] = {span_of(head, sizeof head), raw};
    return crypto_hash(a->crypto, a->suite, parts, 2, out);
}

// TreeHashInput of a parent, NULL where it is blank, with this list of unmerged leaves in place of its own.
static enum err hash_parent(const struct algo *a, const struct parent *p, struct span unmerged, const uint8_t *left,
                            const uint8_t *right, uint8_t *out)
{
    size_t nh = algo_nh(a);
    uint8_t h1[4], h2[4], h3[4], h4[4];
    const uint8_t head[2] = {NODE_TYPE_PARENT, p != NULL};
    struct span parts[12] = {span_of(head, 2)};
    size_t n = 1;
    if (p != NULL) {
        parts[n++] = header(p->key_n, h1);
        parts[n++] = parent_key(p);
        parts[n++] = header(p->hash_n, h2);
        parts[n++] = parent_hash(p);
        parts[n++] = header(unmerged.n, h3);
        parts[n++] = unmerged;
    }
    struct span length = header(nh, h4);
    parts[n++] = length;
    parts[n++] = span_of(left, nh);
    parts[n++] = length;
    parts[n++] = span_of(right, nh);
    return crypto_hash(a->crypto, a->suite, parts, n, out);
}

// Where the hash of a node is kept and whether it is there. In an overlay a node that has no slot belongs to the tree
// below, unless it lies outside of that.
static enum err locate(struct tree **t, uint32_t node, uint8_t **hash, bool *hashed)
{
    struct tree_slot *s = (*t)->under != NULL ? map_get(&(*t)->slots, node) : NULL;
    if ((*t)->under != NULL && s == NULL) {
        if (node < math_width((*t)->under->leaves)) *t = (*t)->under;
        else if ((s = map_put(&(*t)->slots, node)) == NULL) return ERR_MEMORY;
    }
    *hash = s != NULL ? s->hash : (*t)->hash + (size_t)node * (*t)->nh;
    *hashed = s != NULL ? s->hashed : (*t)->hashed[node] != 0;
    return ERR_OK;
}

enum err tree_hash(const struct algo *a, struct tree *t, uint32_t node, uint8_t *out)
{
    uint8_t *kept = NULL, left[CRYPTO_HASH_MAX], right[CRYPTO_HASH_MAX];
    struct tree *home = t;
    bool hashed = false;
    if (node >= math_width(t->leaves)) return ERR_MISUSE;
    enum err e = locate(&home, node, &kept, &hashed);
    if (e != ERR_OK) return e;
    if (hashed) {
        memcpy(out, kept, t->nh);
        return ERR_OK;
    }
    if (node_is_leaf(node)) {
        e = hash_leaf(a, node / 2, tree_leaf_raw(home, node / 2), out);
    } else {
        const struct parent *p = tree_parent(home, node);
        e = tree_hash(a, home, math_left(node), left);
        if (e == ERR_OK) e = tree_hash(a, home, math_right(node), right);
        struct span unmerged = p != NULL ? span_of(p->unmerged, 4 * (size_t)p->unmerged_n) : span_of(NULL, 0);
        if (e == ERR_OK) e = hash_parent(a, p, unmerged, left, right, out);
    }
    if (e != ERR_OK) return e;
    // The table of an overlay may have moved while the children were hashed: look again.
    e = locate(&home, node, &kept, &hashed);
    if (e != ERR_OK) return e;
    memcpy(kept, out, t->nh);
    struct tree_slot *s = home->under != NULL ? map_get(&home->slots, node) : NULL;
    if (s != NULL) s->hashed = true;
    else home->hashed[node] = 1;
    return ERR_OK;
}

// Subtrees have no node in common, so each task writes hashes that no other one touches.
static enum err hash_below(const struct algo *a, void *arg, size_t i)
{
    struct tree *t = arg;
    uint8_t hash[CRYPTO_HASH_MAX];
    return tree_hash(a, t, math_ancestor((uint32_t)i << BELOW_LEVEL, BELOW_LEVEL), hash);
}

enum err tree_hash_below(const struct algo *a, const struct executor *x, struct tree *t)
{
    if (x == NULL || x->run == NULL || t->under != NULL) return ERR_OK;
    return parallel_run(a, x, t->leaves >> BELOW_LEVEL, hash_below, t);
}

// Whether p has an unmerged leaf below this node.
static bool touches(const struct parent *p, uint32_t node)
{
    size_t at = parent_unmerged_at(p, math_first_leaf(node));
    return at < p->unmerged_n && math_has_leaf(node, parent_unmerged(p, at));
}

// The unmerged leaves of q that are not unmerged in p, as encoded.
static enum err remaining(const struct parent *q, const struct parent *p, struct buf *out)
{
    for (size_t i = 0; i < q->unmerged_n; i++) {
        if (!parent_has_unmerged(p, parent_unmerged(q, i))) buf_put(out, span_of(q->unmerged + 4 * i, 4));
    }
    return buf_end(out);
}

enum err tree_original_hash(const struct algo *a, struct tree *t, uint32_t node, const struct parent *p, uint8_t *out)
{
    if (p == NULL || !touches(p, node)) return tree_hash(a, t, node, out);
    if (node_is_leaf(node)) return hash_leaf(a, node / 2, span_of(NULL, 0), out);
    uint8_t left[CRYPTO_HASH_MAX], right[CRYPTO_HASH_MAX];
    const struct parent *q = tree_parent(t, node);
    struct buf unmerged;
    buf_init(&unmerged, TLS_VECTOR_MAX);
    enum err e = tree_original_hash(a, t, math_left(node), p, left);
    if (e == ERR_OK) e = tree_original_hash(a, t, math_right(node), p, right);
    if (e == ERR_OK && q != NULL) e = remaining(q, p, &unmerged);
    if (e == ERR_OK) e = hash_parent(a, q, buf_span(&unmerged), left, right, out);
    buf_wipe(&unmerged);
    return e;
}

enum err tree_parent_hash(const struct algo *a, struct tree *t, struct span key, struct span hash, uint32_t copath,
                          const struct parent *p, uint8_t *out)
{
    uint8_t h1[4], h2[4], h3[4], sibling[CRYPTO_HASH_MAX];
    size_t nh = algo_nh(a);
    enum err e = tree_original_hash(a, t, copath, p, sibling);
    if (e != ERR_OK) return e;
    const struct span parts[] = {header(key.n, h1), key, header(hash.n, h2), hash, header(nh, h3), span_of(sibling, nh)};
    return crypto_hash(a->crypto, a->suite, parts, 6, out);
}
