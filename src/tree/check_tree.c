// SPDX-License-Identifier: Apache-2.0
//
// What a joiner must check of a whole tree (RFC 9420 §7.9.2, §12.4.3.1): every leaf, every parent hash, every list of
// unmerged leaves, and that no key stands twice. Leaf signatures, which are nearly all of the cost, can be spread over
// an executor.
#include "tree/check.h"

// ------------------------------------------------------------------------------------------------ unmerged leaves

static enum err check_unmerged_leaf(const struct tree *t, uint32_t node, uint32_t leaf)
{
    // RFC 9420 §12.4.3.1: "Verify that the entry represents a non-blank leaf node that is a descendant of the parent
    // node."
    if (leaf >= t->leaves || !math_has_leaf(node, leaf) || tree_is_blank(t, 2 * leaf)) {
        return rule(MLS_E_TREE_UNMERGED_LEAF);
    }
    for (uint32_t level = 1; level < math_level(node); level++) {
        const struct parent *between = tree_parent(t, math_ancestor(leaf, level));
        // RFC 9420 §12.4.3.1: "Verify that every non-blank intermediate node between the leaf node and the parent node
        // also has an entry for the leaf node in its unmerged_leaves."
        if (between != NULL && !parent_has_unmerged(between, leaf)) return rule(MLS_E_TREE_UNMERGED_PATH);
    }
    return ERR_OK;
}

enum err check_unmerged(const struct tree *t)
{
    enum err e = ERR_OK;
    for (uint32_t node = 1; e == ERR_OK && node < math_width(t->leaves); node += 2) {
        const struct parent *p = tree_parent(t, node);
        for (size_t i = 0; e == ERR_OK && p != NULL && i < p->unmerged_n; i++) {
            e = check_unmerged_leaf(t, node, parent_unmerged(p, i));
        }
    }
    return e;
}

// ------------------------------------------------------------------------------------------------- parent hashes

// The node of a resolution that is not one of p's unmerged leaves, if it is the only one and all the unmerged leaves of
// p below `child` are there too. RFC 9420 §7.9.2: "D is in the resolution of C, and the intersection of P's
// unmerged_leaves with the subtree under C is equal to the resolution of C with D removed."
static bool find_updated(const struct parent *p, uint32_t child, const struct nodes *resolution, uint32_t *d)
{
    size_t others = 0, unmerged = 0;
    for (size_t i = 0; i < resolution->n; i++) {
        uint32_t node = resolution->v[i];
        if ((node & 1) == 0 && parent_has_unmerged(p, node / 2)) {
            unmerged++;
        } else {
            others++;
            *d = node;
        }
    }
    size_t from = parent_unmerged_at(p, math_first_leaf(child));
    size_t to = parent_unmerged_at(p, math_first_leaf(child) + math_leaf_count(child));
    return others == 1 && unmerged == to - from;
}

static struct span parent_hash_field(const struct tree *t, uint32_t node)
{
    struct leaf l;
    if (node & 1) return parent_hash(tree_parent(t, node));
    if (tree_leaf(t, node / 2, &l) != ERR_OK || l.source != LEAF_COMMIT) return span_of(NULL, 0);
    return l.parent_hash;
}

// Whether some node D below `child` carries the parent hash of p with copath child `sibling`.
static enum err chained(const struct algo *a, struct tree *t, const struct parent *p, uint32_t child, uint32_t sibling,
                        struct nodes *scratch, bool *yes)
{
    uint32_t d = 0;
    uint8_t hash[CRYPTO_HASH_MAX];
    scratch->n = 0;
    *yes = false;
    enum err e = tree_resolution(t, child, NULL, scratch);
    if (e != ERR_OK || !find_updated(p, child, scratch, &d)) return e;
    struct span field = parent_hash_field(t, d);
    if (field.n != algo_nh(a)) return ERR_OK;
    // RFC 9420 §7.9.2: "The parent_hash field of D is equal to the parent hash of P with copath child S."
    e = tree_parent_hash(a, t, parent_key(p), parent_hash(p), sibling, p, hash);
    *yes = e == ERR_OK && span_eq(field, span_of(hash, algo_nh(a)));
    return e;
}

static enum err check_chain(const struct algo *a, struct tree *t, uint32_t node)
{
    struct nodes scratch = {0};
    const struct parent *p = tree_parent(t, node);
    bool left = false, right = false;
    if (p == NULL) return ERR_OK;
    // RFC 9420 §7.5: "The root node always has a zero-length hash for its parent hash."
    if (node == math_root(t->leaves) && parent_hash(p).n > 0) return rule(MLS_E_TREE_PARENT_HASH);
    enum err e = chained(a, t, p, math_left(node), math_right(node), &scratch, &left);
    if (e == ERR_OK) e = chained(a, t, p, math_right(node), math_left(node), &scratch, &right);
    nodes_free(&scratch);
    // RFC 9420 §7.9.2: "verifying that there is exactly one descendant of each non-blank parent node for which the
    // parent node is parent-hash valid."
    return e == ERR_OK && left == right ? rule(MLS_E_TREE_PARENT_HASH) : e;
}

static enum err check_one_chain(const struct algo *a, void *arg, size_t i)
{
    return check_chain(a, arg, 2 * (uint32_t)i + 1);
}

// RFC 9420 §7.9.2: "When joining a group, the new member MUST authenticate that each non-blank parent node P is
// parent-hash valid." MLS_E_TREE_PARENT_HASH
enum err check_parent_hashes(const struct algo *a, const struct executor *x, struct tree *t)
{
    uint8_t root[CRYPTO_HASH_MAX];
    // All tree hashes are there from now on, so that the tasks only read them; but an overlay makes room while it is read.
    enum err e = t->leaves == 0 ? ERR_OK : tree_hash(a, t, math_root(t->leaves), root);
    if (e != ERR_OK || t->leaves < 2) return e;
    return parallel_run(a, t->under == NULL ? x : NULL, t->leaves - 1, check_one_chain, t);
}

// -------------------------------------------------------------------------------------------------------- leaves

struct leaf_work {
    const struct check_rules *rules;
    const struct tree *tree;
};

static enum err check_one_leaf(const struct algo *a, void *arg, size_t i)
{
    const struct leaf_work *w = arg;
    struct leaf l;
    if (tree_is_blank(w->tree, 2 * (uint32_t)i)) return ERR_OK;
    enum err e = tree_leaf(w->tree, (uint32_t)i, &l);
    // RFC 9420 §12.4.3.1: "For each non-empty leaf node, validate the LeafNode as described in Section 7.3."
    return e == ERR_OK ? check_leaf(a, w->rules, &l, (enum leaf_source)l.source, (uint32_t)i) : e;
}

static enum err check_parent_key(const struct algo *a, void *arg, size_t i)
{
    const struct leaf_work *w = arg;
    uint32_t node = 2 * (uint32_t)i + 1;
    if (tree_is_blank(w->tree, node)) return ERR_OK;
    // RFC 9420 §5.1.1: "HPKE public keys are opaque values in a format defined by the underlying protocol".
    return crypto_kem_pk_ok(a->crypto, a->suite, tree_key(w->tree, node)) ? ERR_OK : rule(MLS_E_TREE_KEY_INVALID);
}

// Credential types, and the application's word on each credential.
static enum err check_members(const struct check_rules *rules, const struct tree *t)
{
    uint16_t type;
    enum err e = ERR_OK;
    for (size_t at = 0; tree_credential_in_use(t, &at, &type);) {
        if (tree_count(t, COUNT_CREDENTIAL_SUPPORTED, type) != t->members) return rule(MLS_E_LEAF_CREDENTIAL_FOREIGN);
    }
    for (uint32_t leaf = 0; e == ERR_OK && leaf < t->leaves; leaf++) {
        struct leaf l;
        if (tree_is_blank(t, 2 * leaf)) continue;
        e = tree_leaf(t, leaf, &l);
        // RFC 9420 §5.3.1: "When a member receives a GroupInfo object that it will use to join a group, either via a
        // Welcome or via an external Commit". MLS_E_LEAF_CREDENTIAL
        if (e == ERR_OK && rules->credential != NULL) e = rules->credential(rules->arg, CHECK_JOIN, &l, NULL);
    }
    return e;
}

enum err check_tree(const struct algo *a, const struct check_rules *rules, struct tree *t)
{
    struct leaf_work w = {rules, t};
    enum err e = check_unmerged(t);
    if (e == ERR_OK) e = parallel_run(a, rules->executor, t->leaves - 1, check_parent_key, &w);
    if (e == ERR_OK) e = check_members(rules, t);
    if (e == ERR_OK) e = check_parent_hashes(a, rules->executor, t);
    return e == ERR_OK ? parallel_run(a, rules->executor, t->leaves, check_one_leaf, &w) : e;
}
