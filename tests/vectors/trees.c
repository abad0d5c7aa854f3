// SPDX-License-Identifier: Apache-2.0
//
// Vector types tree-operations and tree-validation: proposals applied to a ratchet tree, and everything that a joiner
// verifies of one. Operations run on a whole tree and on an overlay, with hashes cached before, since commits use both.
#include "mls/proposal.h"
#include "vectors/model.h"
#include "vectors/types.h"

// ----------------------------------------------------------------------------------------------- tree-operations

struct operation {
    uint32_t sender;
    struct proposal proposal;
    struct proposal_body body; // that the proposal points into
};

static void read_operation(const struct field *v, struct operation *o)
{
    struct span raw = field_get_bytes(v, "proposal");
    o->sender = (uint32_t)field_get_number(v, "proposal_sender", UINT32_MAX);
    if (v->t->failed || !trial_ok(v->t, proposal_decode(raw, &o->proposal, &o->body), "proposal: decode")) return;
    if (o->proposal.type < PROPOSAL_ADD || o->proposal.type > PROPOSAL_REMOVE) {
        trial_fail(v->t, "proposal: type %u is not add, update or remove", o->proposal.type);
    }
}

// RFC 9420 §12.1.1, §12.1.2, §12.1.3.
static enum err apply(struct tree *tree, const struct operation *o)
{
    uint32_t added;
    if (o->proposal.type == PROPOSAL_ADD) return tree_add(tree, o->body.key_package.leaf.raw, &added);
    if (o->proposal.type == PROPOSAL_REMOVE) return tree_remove(tree, o->proposal.removed);
    enum err e = tree_set_leaf(tree, o->sender, o->body.leaf.raw);
    return e == ERR_OK ? tree_blank_path(tree, o->sender) : e;
}

struct expected {
    struct span before, hash_before, after, hash_after;
};

// On a whole tree, in place.
static void on_whole(struct trial *t, const struct operation *o, const struct expected *x, const struct tree *fresh)
{
    struct tree tree;
    if (model_tree(t, &tree, x->before, "tree_before")) {
        model_is(t, &tree, x->before, x->hash_before, "tree_before");
        trial_ok(t, apply(&tree, o), "apply the proposal");
        model_is(t, &tree, x->after, x->hash_after, "tree_after");
        model_like(t, &tree, fresh, "tree_after");
    }
    tree_wipe(&tree);
}

// On an overlay: the tree below stays as it was until the overlay is merged.
static void on_overlay(struct trial *t, const struct operation *o, const struct expected *x, const struct tree *fresh)
{
    struct tree whole, overlay;
    if (!model_tree(t, &whole, x->before, "tree_before")) {
        tree_wipe(&whole);
        return;
    }
    (void)model_hash(t, &whole, "tree_before");
    tree_overlay(&overlay, &whole);
    if (trial_ok(t, apply(&overlay, o), "apply the proposal to an overlay")) {
        model_is(t, &overlay, x->after, x->hash_after, "tree_after in an overlay");
        model_like(t, &overlay, fresh, "tree_after in an overlay");
        model_is(t, &whole, x->before, x->hash_before, "tree_before below an overlay");
    }
    if (!t->failed && trial_ok(t, tree_reserve(&whole, &overlay), "reserve")) {
        tree_merge(&overlay);
        model_is(t, &whole, x->after, x->hash_after, "tree_after merged");
        model_like(t, &whole, fresh, "tree_after merged");
    } else {
        tree_wipe(&overlay);
    }
    tree_wipe(&whole);
}

void trees_operations(struct trial *t, const struct field *v)
{
    struct operation o = {0};
    read_operation(v, &o);
    struct expected x = {.before = field_get_bytes(v, "tree_before"),
                         .hash_before = field_get_bytes(v, "tree_hash_before"),
                         .after = field_get_bytes(v, "tree_after"),
                         .hash_after = field_get_bytes(v, "tree_hash_after")};
    struct tree fresh;
    if (t->failed) return;
    if (model_tree(t, &fresh, x.after, "tree_after")) {
        model_is(t, &fresh, x.after, x.hash_after, "tree_after decoded");
        on_whole(t, &o, &x, &fresh);
        on_overlay(t, &o, &x, &fresh);
    }
    tree_wipe(&fresh);
}

// ----------------------------------------------------------------------------------------------- tree-validation

// One element of "resolutions": a list of node numbers, in order.
static void resolution(struct trial *t, const struct tree *tree, uint32_t node, const struct field *want)
{
    struct nodes got = {0};
    trial_ok(t, tree_resolution(tree, node, NULL, &got), "%s", want->name);
    trial_equal(t, got.n, field_count(want), "%s: length", want->name);
    for (size_t i = 0; !t->failed && i < got.n; i++) {
        struct field f = field_item(want, i);
        trial_equal(t, got.v[i], field_number(&f, UINT32_MAX), "%s", f.name);
    }
    nodes_free(&got);
}

static void resolutions(struct trial *t, const struct field *v, const struct tree *tree)
{
    struct field list = field_get(v, "resolutions");
    trial_equal(t, field_count(&list), math_width(tree->leaves), "resolutions: length");
    for (uint32_t node = 0; !t->failed && node < math_width(tree->leaves); node++) {
        struct field f = field_item(&list, node);
        resolution(t, tree, node, &f);
    }
}

// The hash of every node. From the leaves up each is computed on its own; from the root down all at once.
static void hashes(struct trial *t, const struct field *v, struct tree *tree, bool root_first)
{
    struct field list = field_get(v, "tree_hashes");
    uint8_t hash[CRYPTO_HASH_MAX];
    trial_equal(t, field_count(&list), math_width(tree->leaves), "tree_hashes: length");
    if (!t->failed && root_first) (void)model_hash(t, tree, "tree");
    for (uint32_t node = 0; !t->failed && node < math_width(tree->leaves); node++) {
        struct field f = field_item(&list, node);
        struct span want = field_bytes(&f);
        if (!trial_ok(t, tree_hash(&t->algo, tree, node, hash), "%s", f.name)) return;
        trial_same(t, span_of(hash, algo_nh(&t->algo)), want, "%s", f.name);
    }
}

static void signatures(struct trial *t, const struct tree *tree, struct span group_id)
{
    for (uint32_t i = 0; !t->failed && i < tree->leaves; i++) {
        struct leaf l;
        if (tree_is_blank(tree, 2 * i)) continue;
        if (!trial_ok(t, tree_leaf(tree, i, &l), "leaf %u: decode", i)) return;
        trial_ok(t, leaf_verify(&t->algo, &l, group_id, i), "leaf %u: signature", i);
        // Bound to group and index, where the source is update or commit; so it fails as soon as the index is another.
        if (l.source != LEAF_KEY_PACKAGE) {
            trial_refused(t, leaf_verify(&t->algo, &l, group_id, i + 1), ERR_UNAUTHENTICATED,
                          "leaf %u: signature for another index", i);
        }
    }
}

void trees_validation(struct trial *t, const struct field *v)
{
    struct span bytes = field_get_bytes(v, "tree"), group_id = field_get_bytes(v, "group_id");
    struct tree tree, again;
    if (t->failed) return;
    if (model_tree(t, &tree, bytes, "tree")) {
        resolutions(t, v, &tree);
        hashes(t, v, &tree, false);
        trial_ok(t, check_unmerged(&tree), "unmerged leaves");
        trial_ok(t, check_parent_hashes(&t->algo, NULL, &tree), "parent hashes");
        signatures(t, &tree, group_id);
    }
    tree_wipe(&tree);
    if (t->failed) return;
    // All of it as a joiner does it, with no hash cached yet.
    if (model_tree(t, &again, bytes, "tree")) {
        struct check_rules rules = {.group_id = group_id, .max_lifetime = UINT64_MAX};
        enum err e = check_tree(&t->algo, &rules, &again);
        trial_ok(t, e, "all checks of a joiner");
        hashes(t, v, &again, true);
    }
    tree_wipe(&again);
}
