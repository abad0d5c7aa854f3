// SPDX-License-Identifier: Apache-2.0
//
// Generators of tree-validation and tree-operations.
#include "mls/proposal.h"
#include "vectors/make/generators.h"
#include "vectors/make/grove.h"

static struct span encoded(struct make *m, const struct tree *t)
{
    struct buf b;
    buf_init(&b, TLS_VECTOR_MAX);
    trial_ok(&m->t, tree_encode(t, &b), "ratchet tree");
    return trial_take(&m->t, &b, "ratchet tree");
}

static void put_hash(struct make *m, json_t *o, const char *key, struct tree *t)
{
    uint8_t hash[CRYPTO_HASH_MAX];
    if (m->t.failed || !trial_ok(&m->t, tree_hash(&m->t.algo, t, math_root(t->leaves), hash), "tree hash")) return;
    kit_bytes(m, o, key, span_of(hash, algo_nh(&m->t.algo)));
}

// ----------------------------------------------------------------------------------------------- tree-validation

static void resolutions(struct make *m, json_t *list, const struct tree *t)
{
    for (uint32_t x = 0; !m->t.failed && x < math_width(t->leaves); x++) {
        struct nodes r = {0};
        json_t *one = kit_append_list(m, list);
        trial_ok(&m->t, tree_resolution(t, x, NULL, &r), "resolution");
        for (size_t i = 0; i < r.n; i++) kit_append(m, one, json_integer(r.v[i]));
        nodes_free(&r);
    }
}

static void hashes(struct make *m, json_t *list, struct tree *t)
{
    for (uint32_t x = 0; !m->t.failed && x < math_width(t->leaves); x++) {
        uint8_t hash[CRYPTO_HASH_MAX];
        if (!trial_ok(&m->t, tree_hash(&m->t.algo, t, x, hash), "tree hash")) return;
        kit_append_bytes(m, list, span_of(hash, algo_nh(&m->t.algo)));
    }
}

void gen_tree_validation(struct make *m)
{
    const struct grove_shape *shape;
    for (size_t i = 0; !m->t.failed && (shape = grove_shape_at(i)) != NULL; i++) {
        struct grove g;
        if (m->plan->small && !shape->small) continue;
        grove_open(m, &g);
        shape->build(&g, shape->n);
        json_t *o = kit_case(m);
        kit_bytes(m, o, "tree", encoded(m, &g.tree));
        kit_bytes(m, o, "group_id", g.group_id);
        resolutions(m, kit_list(m, o, "resolutions"), &g.tree);
        hashes(m, kit_list(m, o, "tree_hashes"), &g.tree);
        grove_close(&g);
    }
}

// ----------------------------------------------------------------------------------------------- tree-operations

// One operation on the tree as it stands: add (arg ignored), update or remove leaf `arg`.
struct operation {
    uint16_t type;
    uint32_t sender, arg;
};

static struct span proposal_of(struct grove *g, const struct operation *op, struct span *leaf)
{
    struct grove_leaf keys;
    struct key_package kp = {0};
    struct buf b;
    buf_init(&b, TLS_VECTOR_MAX);
    tls_put_u16(&b, op->type);
    if (op->type == PROPOSAL_ADD) {
        struct span raw = grove_key_package(g, &keys);
        if (!g->m->t.failed) trial_ok(&g->m->t, key_package_decode(raw, &kp), "KeyPackage");
        *leaf = kp.leaf.raw;
        buf_put(&b, raw);
    } else if (op->type == PROPOSAL_UPDATE) {
        *leaf = grove_update(g, op->sender, &keys);
        buf_put(&b, *leaf);
    } else {
        tls_put_u32(&b, op->arg);
    }
    return trial_take(&g->m->t, &b, "proposal");
}

static enum err apply(struct tree *t, const struct operation *op, struct span leaf)
{
    uint32_t at;
    if (op->type == PROPOSAL_ADD) return tree_add(t, leaf, &at);
    if (op->type == PROPOSAL_REMOVE) return tree_remove(t, op->arg);
    enum err e = tree_set_leaf(t, op->sender, leaf);
    return e == ERR_OK ? tree_blank_path(t, op->sender) : e;
}

static void operation(struct grove *g, struct operation op)
{
    struct make *m = g->m;
    struct span leaf = span_of(NULL, 0);
    if (m->t.failed) return;
    struct span proposal = proposal_of(g, &op, &leaf);
    struct tree after;
    tree_overlay(&after, &g->tree);
    json_t *o = kit_case(m);
    kit_bytes(m, o, "tree_before", encoded(m, &g->tree));
    kit_bytes(m, o, "proposal", proposal);
    kit_number(m, o, "proposal_sender", op.sender);
    put_hash(m, o, "tree_hash_before", &g->tree);
    if (!m->t.failed) trial_ok(&m->t, apply(&after, &op, leaf), "operation");
    kit_bytes(m, o, "tree_after", encoded(m, &after));
    put_hash(m, o, "tree_hash_after", &after);
    tree_wipe(&after);
}

static void small_operations(struct make *m)
{
    struct grove g;
    grove_open(m, &g);
    operation(&g, (struct operation){PROPOSAL_ADD, 0, 0});
    operation(&g, (struct operation){PROPOSAL_UPDATE, 0, 0});
    grove_grow(&g, 2);
    operation(&g, (struct operation){PROPOSAL_REMOVE, 0, 1});
    grove_close(&g);
}

static uint32_t next_member(const struct tree *t, uint32_t leaf)
{
    do leaf = (leaf + 1) % t->leaves;
    while (tree_is_blank(t, 2 * leaf));
    return leaf;
}

// Every operation on every member of a tree, or on some of many.
static void all_operations(struct make *m, void (*build)(struct grove *g, uint32_t n), uint32_t n)
{
    struct grove g;
    grove_open(m, &g);
    build(&g, n);
    operation(&g, (struct operation){PROPOSAL_ADD, 0, 0});
    for (uint32_t i = 0, step = 1 + g.tree.members / 4; !m->t.failed && i < g.tree.leaves; i += step) {
        uint32_t leaf = next_member(&g.tree, i + g.tree.leaves - 1), other = next_member(&g.tree, leaf);
        operation(&g, (struct operation){PROPOSAL_UPDATE, leaf, 0});
        if (other != leaf) operation(&g, (struct operation){PROPOSAL_REMOVE, other, leaf});
    }
    grove_close(&g);
}

// 33 leaves, of which some of the last go one after the other: truncation by one level, by none, and again.
static void shrinking(struct make *m)
{
    struct grove g;
    grove_open(m, &g);
    grove_grow(&g, 33);
    for (uint32_t last = 32; !m->t.failed && last >= 15; last -= last == 32 ? 1 : 4) {
        operation(&g, (struct operation){PROPOSAL_REMOVE, 0, last});
        for (uint32_t leaf = g.tree.leaves - 1; !m->t.failed && leaf >= last; leaf--) {
            if (leaf < g.tree.leaves && !tree_is_blank(&g.tree, 2 * leaf)) {
                grove_commit(&g, &(struct grove_commit){.by = last % 7, .removed = &leaf, .n_removed = 1, .path = true});
            }
        }
    }
    grove_close(&g);
}

// A removal after which several levels are truncated: members 0 and 12 alone.
static void deep_truncation(struct make *m)
{
    struct grove g;
    uint32_t removed[11];
    for (uint32_t i = 0; i < 11; i++) removed[i] = i + 1;
    grove_open(m, &g);
    grove_grow(&g, 13);
    grove_commit(&g, &(struct grove_commit){.by = 0, .removed = removed, .n_removed = 11, .path = true});
    operation(&g, (struct operation){PROPOSAL_ADD, 12, 0});
    operation(&g, (struct operation){PROPOSAL_REMOVE, 0, 12});
    operation(&g, (struct operation){PROPOSAL_REMOVE, 12, 0});
    grove_close(&g);
}

void gen_tree_operations(struct make *m)
{
    const struct grove_shape *shape;
    if (m->plan->small) {
        small_operations(m);
        return;
    }
    for (uint32_t n = 1; n <= 9; n++) all_operations(m, grove_grow, n);
    for (size_t i = 0; !m->t.failed && (shape = grove_shape_at(i)) != NULL; i++) {
        if (shape->build != grove_grow && shape->n < 16) all_operations(m, shape->build, shape->n);
    }
    shrinking(m);
    deep_truncation(m);
}
