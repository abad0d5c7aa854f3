// SPDX-License-Identifier: Apache-2.0
//
// Members, commits and path secrets. Invariant: leaf[i].known[k] only where the ancestor of leaf i at level k is not
// blank, and path[k] gives its key.
#include "vectors/make/grove.h"

#include <stdio.h>

#include "group/client.h"

void grove_open(struct make *m, struct grove *g)
{
    *g = (struct grove){.m = m, .group_id = kit_random(m, algo_nh(&m->t.algo))};
    const uint64_t seed[2] = {m->t.state, ~m->t.state};
    tree_init(&g->tree, (uint8_t)algo_nh(&m->t.algo), seed);
    kit_client(m, &g->client, true, 0, NULL, NULL);
    g->leaf = (struct grove_leaf *)(void *)trial_bytes(&m->t, GROVE_MAX * sizeof *g->leaf);
    if (m->t.failed) return;
    struct key_package kp;
    struct span raw = grove_key_package(g, &g->leaf[0]);
    if (m->t.failed || !trial_ok(&m->t, key_package_decode(raw, &kp), "KeyPackage")) return;
    enum err e = tree_resize(&g->tree, 1);
    if (e == ERR_OK) e = tree_set_leaf(&g->tree, 0, kp.leaf.raw);
    trial_ok(&m->t, e, "a tree of one");
}

void grove_close(struct grove *g)
{
    tree_wipe(&g->tree);
    mls_client_free(g->client.client);
}

struct span grove_key_package(struct grove *g, struct grove_leaf *keys)
{
    struct make *m = g->m;
    struct kit_keys k = kit_signature_keys(m);
    struct mls_buf message = {0}, private = {0};
    struct mls_private_part part;
    char name[24];
    (void)snprintf(name, sizeof name, "member %u", g->names++);
    const struct mls_leaf_params params = {
        .credential = {.type = MLS_CREDENTIAL_BASIC, .identity = to_api(span_str(name))},
        .signature_private = to_api(k.sk),
        .not_after = UINT64_MAX};
    if (m->t.failed) return span_of(NULL, 0);
    enum mls_error e = mls_key_package_new(g->client.client, crypto_suite_id(m->t.algo.suite), &params, NULL, 0, &message,
                                           &private);
    struct span whole = kit_take(m, e, &private, "KeyPackage");
    mls_buf_free(&message);
    if (m->t.failed) return span_of(NULL, 0);
    if (!trial_ok(&m->t, (enum err)mls_private_part_read(to_api(whole), &part), "KeyPackage")) return span_of(NULL, 0);
    *keys = (struct grove_leaf){.signature_key = k.sk, .encryption_key = from_api(part.leaf_key)};
    return from_api(part.key_package);
}

struct span grove_update(struct grove *g, uint32_t leaf, struct grove_leaf *keys)
{
    struct make *m = g->m;
    struct kit_keys k = kit_kem_keys(m);
    struct leaf l;
    struct buf b;
    buf_init(&b, TLS_VECTOR_MAX);
    if (m->t.failed || !trial_ok(&m->t, tree_leaf(&g->tree, leaf, &l), "leaf %u", leaf)) return span_of(NULL, 0);
    *keys = (struct grove_leaf){.signature_key = g->leaf[leaf].signature_key, .encryption_key = k.sk};
    l.encryption_key = k.pk;
    l.source = LEAF_UPDATE;
    trial_ok(&m->t, leaf_build(&m->t.algo, &l, g->group_id, leaf, keys->signature_key, &b), "an Update of leaf %u", leaf);
    return trial_take(&m->t, &b, "an Update");
}

// ------------------------------------------------------------------------------------------------------- commits

// Path secrets of nodes that are blank now, or lie outside of the tree, are forgotten.
static void prune(struct grove *g)
{
    for (uint32_t i = 0; i < GROVE_MAX; i++) {
        for (uint32_t level = 0; level < TREE_MAX_LEVELS; level++) {
            bool inside = i < g->tree.leaves && level <= math_depth(g->tree.leaves);
            if (!inside || tree_is_blank(&g->tree, math_ancestor(i, level))) g->leaf[i].known[level] = false;
        }
    }
}

// Everybody learns the secrets from the common ancestor with the committer upwards, and forgets what was there.
static void learn(struct grove *g, uint32_t by, const struct path_draft *d)
{
    for (uint32_t i = 0; i < g->tree.leaves; i++) {
        struct grove_leaf *l = &g->leaf[i];
        if (tree_is_blank(&g->tree, 2 * i)) continue;
        uint32_t from = i == by ? 1 : math_common_level(i, by);
        for (uint32_t level = from; level < TREE_MAX_LEVELS; level++) l->known[level] = false;
        for (size_t k = 0; k < d->n; k++) {
            if (d->level[k] < from) continue;
            l->known[d->level[k]] = true;
            l->path[d->level[k]] = d->secret[k];
        }
    }
}

static void update_one(struct grove *g, uint32_t leaf)
{
    struct grove_leaf keys;
    struct span raw = grove_update(g, leaf, &keys);
    if (g->m->t.failed) return;
    enum err e = tree_set_leaf(&g->tree, leaf, raw);
    if (e == ERR_OK) e = tree_blank_path(&g->tree, leaf);
    trial_ok(&g->m->t, e, "update leaf %u", leaf);
    g->leaf[leaf] = keys;
}

static void add_one(struct grove *g)
{
    struct grove_leaf keys;
    struct key_package kp;
    uint32_t leaf = 0;
    struct span raw = grove_key_package(g, &keys);
    if (g->m->t.failed || !trial_ok(&g->m->t, key_package_decode(raw, &kp), "KeyPackage")) return;
    if (!trial_ok(&g->m->t, tree_add(&g->tree, kp.leaf.raw, &leaf), "add")) return;
    if (leaf >= GROVE_MAX) trial_fail(&g->m->t, "a grove of more than %d leaves", GROVE_MAX);
    else g->leaf[leaf] = keys;
}

static void make_path(struct grove *g, struct tree *t, uint32_t by, struct path_keys *keys, struct path_draft *d)
{
    struct make *m = g->m;
    struct leaf like;
    if (m->t.failed) return;
    enum err e = tree_leaf(t, by, &like);
    if (e == ERR_OK) {
        e = path_make(&m->t.algo, NULL, &m->t.world, t, by, &like, g->group_id, g->leaf[by].signature_key, keys, d);
    }
    trial_ok(&m->t, e, "a path of leaf %u", by);
}

void grove_commit(struct grove *g, const struct grove_commit *c)
{
    struct make *m = g->m;
    struct path_keys keys;
    struct path_draft draft;
    for (size_t i = 0; !m->t.failed && i < c->n_updated; i++) update_one(g, c->updated[i]);
    for (size_t i = 0; !m->t.failed && i < c->n_removed; i++) {
        trial_ok(&m->t, tree_remove(&g->tree, c->removed[i]), "remove leaf %u", c->removed[i]);
        prune(g);
    }
    for (size_t i = 0; !m->t.failed && i < c->added; i++) add_one(g);
    prune(g);
    if (m->t.failed || !c->path) return;
    make_path(g, &g->tree, c->by, &keys, &draft);
    if (m->t.failed) return;
    learn(g, c->by, &draft);
    g->leaf[c->by].encryption_key = kit_copy(m, span_of(keys.key[0], algo_sizes(&m->t.algo)->nsk));
    path_keys_wipe(&keys);
    path_draft_wipe(&draft);
}

void grove_make_path(struct grove *g, uint32_t by, struct grove_path *out)
{
    struct path_keys keys;
    tree_overlay(&out->after, &g->tree);
    make_path(g, &out->after, by, &keys, &out->draft);
    path_keys_wipe(&keys);
}

// -------------------------------------------------------------------------------------------------------- growing

void grove_grow(struct grove *g, uint32_t n)
{
    for (uint32_t i = 0; !g->m->t.failed && i + 1 < n; i++) {
        grove_commit(g, &(struct grove_commit){.by = i, .added = 1, .path = true});
    }
}

static uint32_t any_member(struct grove *g)
{
    uint32_t leaf = kit_below(g->m, g->tree.leaves);
    while (tree_is_blank(&g->tree, 2 * leaf)) leaf = (leaf + 1) % g->tree.leaves;
    return leaf;
}

void grove_live(struct grove *g, uint32_t commits, uint32_t least, uint32_t most)
{
    for (uint32_t i = 0; !g->m->t.failed && i < commits; i++) {
        uint32_t by = any_member(g), other = any_member(g), members = g->tree.members;
        struct grove_commit c = {.by = by, .path = true};
        switch (kit_below(g->m, 4)) {
        case 0: break;
        case 1:
            if (other != by && members > least) c.removed = &other, c.n_removed = 1;
            break;
        case 2:
            if (other != by) c.updated = &other, c.n_updated = 1;
            break;
        default:
            c.added = members < most ? kit_range(g->m, 1, most - members < 3 ? most - members : 3) : 0;
            c.path = c.added == 0 || kit_below(g->m, 3) == 0;
            break;
        }
        grove_commit(g, &c);
    }
}
