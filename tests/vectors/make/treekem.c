// SPDX-License-Identifier: Apache-2.0
//
// Generator of treekem.
#include "mls/schedule.h"
#include "vectors/make/generators.h"
#include "vectors/make/grove.h"

enum { SENDERS = 10, SENDERS_OF_LARGE = 5 }; // update paths of a tree, at most

static void private_state(struct grove *g, json_t *list)
{
    struct make *m = g->m;
    for (uint32_t i = 0; !m->t.failed && i < g->tree.leaves; i++) {
        const struct grove_leaf *l = &g->leaf[i];
        if (tree_is_blank(&g->tree, 2 * i)) continue;
        json_t *o = kit_append_object(m, list);
        kit_number(m, o, "index", i);
        kit_bytes(m, o, "encryption_priv", l->encryption_key);
        kit_bytes(m, o, "signature_priv", l->signature_key);
        json_t *secrets = kit_list(m, o, "path_secrets");
        for (uint32_t level = 1; level < TREE_MAX_LEVELS; level++) {
            if (!l->known[level]) continue;
            json_t *s = kit_append_object(m, secrets);
            kit_number(m, s, "node", math_ancestor(i, level));
            kit_bytes(m, s, "path_secret", secret_span(&m->t.algo, &l->path[level]));
        }
    }
}

// What each member decrypts: the secret of its lowest common ancestor with the sender; null for whoever decrypts nothing.
static void path_secrets(struct grove *g, json_t *list, uint32_t sender, const struct path_draft *d)
{
    struct make *m = g->m;
    for (uint32_t j = 0; !m->t.failed && j < g->tree.leaves; j++) {
        const struct secret *s = NULL;
        for (size_t k = 0; j != sender && k < d->n; k++) {
            if (d->level[k] == math_common_level(sender, j)) s = &d->secret[k];
        }
        if (s == NULL || tree_is_blank(&g->tree, 2 * j)) kit_append(m, list, json_null());
        else kit_append_bytes(m, list, secret_span(&m->t.algo, s));
    }
}

static struct span context_of(struct grove *g, uint64_t epoch, struct span confirmed, struct span tree_hash)
{
    struct buf b;
    buf_init(&b, TLS_VECTOR_MAX);
    const struct group_context c = {.version = MLS_VERSION,
                                    .suite = crypto_suite_id(g->m->t.algo.suite),
                                    .group_id = g->group_id,
                                    .epoch = epoch,
                                    .tree_hash = tree_hash,
                                    .confirmed_hash = confirmed};
    group_context_write(&b, &c);
    return trial_take(&g->m->t, &b, "GroupContext");
}

static void update_path(struct grove *g, json_t *o, uint32_t sender, uint64_t epoch, struct span confirmed)
{
    struct make *m = g->m;
    struct grove_path p;
    struct buf b;
    uint8_t hash[CRYPTO_HASH_MAX];
    size_t nh = algo_nh(&m->t.algo);
    buf_init(&b, TLS_VECTOR_MAX);
    grove_make_path(g, sender, &p);
    if (!m->t.failed) {
        trial_ok(&m->t, tree_hash(&m->t.algo, &p.after, math_root(p.after.leaves), hash), "tree hash");
        struct span context = context_of(g, epoch, confirmed, span_of(hash, nh));
        trial_ok(&m->t,
                 path_seal(&m->t.algo, NULL, &m->t.world, &p.after, sender, &p.draft, NULL, context, &b), "seal");
        kit_number(m, o, "sender", sender);
        kit_bytes(m, o, "update_path", buf_span(&b));
        path_secrets(g, kit_list(m, o, "path_secrets"), sender, &p.draft);
        kit_bytes(m, o, "commit_secret", secret_span(&m->t.algo, &p.draft.commit_secret));
        kit_bytes(m, o, "tree_hash_after", span_of(hash, nh));
        path_draft_wipe(&p.draft);
    }
    tree_wipe(&p.after);
    buf_wipe(&b);
}

static void one_tree(struct make *m, const struct grove_shape *shape)
{
    struct grove g;
    grove_open(m, &g);
    shape->build(&g, shape->n);
    uint64_t epoch = kit_below(m, 1u << 20);
    struct span confirmed = kit_random(m, algo_nh(&m->t.algo));
    struct buf tree;
    buf_init(&tree, TLS_VECTOR_MAX);
    json_t *o = kit_case(m);
    if (!m->t.failed) trial_ok(&m->t, tree_encode(&g.tree, &tree), "ratchet tree");
    kit_bytes(m, o, "group_id", g.group_id);
    kit_number(m, o, "epoch", epoch);
    kit_bytes(m, o, "confirmed_transcript_hash", confirmed);
    kit_bytes(m, o, "ratchet_tree", buf_span(&tree));
    private_state(&g, kit_list(m, o, "leaves_private"));
    json_t *paths = kit_list(m, o, "update_paths");
    // All members where they are few; of a large tree some, spread over it.
    uint32_t members = g.tree.members, want = members <= SENDERS ? members : SENDERS_OF_LARGE, seen = 0, made = 0;
    if (m->plan->small) want = 1;
    for (uint32_t i = 0; !m->t.failed && i < g.tree.leaves && made < want; i++) {
        if (tree_is_blank(&g.tree, 2 * i) || seen++ * want < made * members) continue;
        update_path(&g, kit_append_object(m, paths), i, epoch, confirmed);
        made++;
    }
    buf_wipe(&tree);
    grove_close(&g);
}

void gen_treekem(struct make *m)
{
    const struct grove_shape *shape;
    for (size_t i = 0; !m->t.failed && (shape = grove_shape_at(i)) != NULL; i++) {
        if (!m->plan->small || shape->small) one_tree(m, shape);
    }
}
