// SPDX-License-Identifier: Apache-2.0
//
// TreeKEM as a committer does it (RFC 9420 §7.4, §7.5): fresh keys along the filtered direct path, parent hashes from
// the root down, a signed leaf, and the path secrets encrypted to everybody below the copath.
#include "tree/path.h"

#include "tree/rule.h"

void path_draft_wipe(struct path_draft *d) { mem_wipe(d, sizeof *d); }

struct keygen {
    struct path_draft *draft;
    struct path_keys *keys;
};

static enum err make_node(const struct algo *a, void *arg, size_t i)
{
    struct keygen *g = arg;
    struct secret node_secret;
    enum err e = label_derive(a, &g->draft->secret[i], "node", &node_secret);
    if (e == ERR_OK) {
        e = crypto_kem_derive(a->crypto, a->suite, secret_span(a, &node_secret), g->keys->key[g->draft->level[i]],
                              g->draft->key[i]);
    }
    mem_wipe(&node_secret, sizeof node_secret);
    return e;
}

// path_secret[0] at random, the others and the commit secret derived from it.
static enum err make_secrets(const struct algo *a, const struct world *w, struct path_draft *d)
{
    struct secret at;
    enum err e = w->random(w->arg, at.b, algo_nh(a));
    for (size_t i = 0; e == ERR_OK && i < d->n; i++) {
        d->secret[i] = at;
        e = label_derive(a, &at, "path", &at);
    }
    if (e == ERR_OK) d->commit_secret = at;
    mem_wipe(&at, sizeof at);
    return e;
}

// Puts the new parents into the tree, from the root down; *above becomes the parent hash for the leaf.
static enum err place_parents(const struct algo *a, struct tree *t, uint32_t sender, const struct path_draft *d,
                              uint8_t *hash, struct span *above)
{
    enum err e = tree_blank_path(t, sender);
    *above = span_of(hash, 0);
    for (size_t i = d->n; e == ERR_OK && i-- > 0;) {
        struct span key = span_of(d->key[i], algo_sizes(a)->npk);
        e = tree_set_parent(t, math_ancestor(sender, d->level[i]), key, *above);
        if (e == ERR_OK) e = tree_parent_hash(a, t, key, *above, math_copath(sender, d->level[i]), NULL, hash);
        *above = span_of(hash, algo_nh(a));
    }
    return e;
}

static enum err make_leaf(const struct algo *a, const struct world *w, struct tree *t, uint32_t sender,
                          const struct leaf *like, struct span above, struct span group_id, struct span sk,
                          struct path_keys *k)
{
    const struct crypto_sizes *z = algo_sizes(a);
    uint8_t ikm[CRYPTO_SK_MAX], pk[CRYPTO_PK_MAX];
    struct leaf l = *like;
    struct buf raw;
    buf_init(&raw, TLS_VECTOR_MAX);
    enum err e = w->random(w->arg, ikm, z->nsk);
    if (e == ERR_OK) e = crypto_kem_derive(a->crypto, a->suite, span_of(ikm, z->nsk), k->key[0], pk);
    l.encryption_key = span_of(pk, z->npk);
    l.source = LEAF_COMMIT;
    l.parent_hash = above;
    if (e == ERR_OK) e = leaf_build(a, &l, group_id, sender, sk, &raw);
    if (e == ERR_OK) e = tree_set_leaf(t, sender, buf_span(&raw));
    k->have[0] = e == ERR_OK;
    mem_wipe(ikm, sizeof ikm);
    buf_wipe(&raw);
    return e;
}

enum err path_make(const struct algo *a, const struct executor *x, const struct world *w, struct tree *t,
                   uint32_t sender, const struct leaf *like, struct span group_id, struct span sk, struct path_keys *k,
                   struct path_draft *d)
{
    uint8_t hash[CRYPTO_HASH_MAX];
    struct span above;
    *d = (struct path_draft){0};
    path_filtered(t, sender, d->level, &d->n);
    path_keys_wipe(k);
    k->leaf = sender;
    enum err e = make_secrets(a, w, d);
    if (e == ERR_OK) e = parallel_run(a, x, d->n, make_node, &(struct keygen){d, k});
    for (size_t i = 0; e == ERR_OK && i < d->n; i++) k->have[d->level[i]] = true;
    if (e == ERR_OK) e = place_parents(a, t, sender, d, hash, &above);
    if (e == ERR_OK) e = make_leaf(a, w, t, sender, like, above, group_id, sk, k);
    if (e == ERR_OK) return ERR_OK;
    path_keys_wipe(k);
    path_draft_wipe(d);
    return e;
}

// One path secret to one node of a resolution.
struct seal_job {
    uint32_t node;
    uint32_t draft; // index into the draft
};

struct seal_work {
    const struct tree *tree;
    const struct path_draft *draft;
    struct crypto_hpke_info info;
    struct seal_job *job;
    uint8_t *seed; // nseed bytes a job. secret
    uint8_t *out;  // size bytes a job
    size_t size;   // of an encoded HPKECiphertext
};

static enum err seal_one(const struct algo *a, void *arg, size_t i)
{
    struct seal_work *w = arg;
    struct buf out = {.p = w->out + i * w->size, .cap = w->size, .max = w->size};
    return label_encrypt(a, tree_key(w->tree, w->job[i].node), &w->info,
                         secret_span(a, &w->draft->secret[w->job[i].draft]), w->seed + i * algo_sizes(a)->nseed, &out);
}

// All the jobs of a draft, in the order of the encoding.
static enum err list_jobs(const struct tree *t, uint32_t sender, const struct path_draft *d, const struct nodes *added,
                          struct nodes *all, size_t first[TREE_MAX_LEVELS + 1])
{
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < d->n; i++) {
        first[i] = all->n;
        e = tree_resolution(t, math_copath(sender, d->level[i]), added, all);
    }
    first[d->n] = all->n;
    return e;
}

static enum err seal_all(const struct algo *a, const struct executor *x, const struct world *world, size_t n,
                         struct seal_work *w)
{
    size_t nseed = algo_sizes(a)->nseed;
    w->seed = mem_new_array(n, nseed);
    w->out = mem_new_array(n, w->size);
    if (w->seed == NULL || w->out == NULL) return ERR_MEMORY;
    // Randomness is drawn here, in order, so that the result does not depend on how the work is spread.
    enum err e = n == 0 ? ERR_OK : world->random(world->arg, w->seed, n * nseed);
    return e == ERR_OK ? parallel_run(a, x, n, seal_one, w) : e;
}

enum err path_seal(const struct algo *a, const struct executor *x, const struct world *world, const struct tree *t,
                   uint32_t sender, const struct path_draft *d, const struct nodes *added, struct span context,
                   struct buf *out)
{
    const struct crypto_sizes *z = algo_sizes(a);
    struct nodes all = {0};
    size_t first[TREE_MAX_LEVELS + 1] = {0};
    struct seal_work w = {.tree = t, .draft = d};
    w.size = tls_vector_size(z->nenc) + tls_vector_size(algo_nh(a) + CRYPTO_TAG);
    enum err e = label_info(a, "UpdatePathNode", context, &w.info);
    if (e == ERR_OK) e = list_jobs(t, sender, d, added, &all, first);
    if (e == ERR_OK && (w.job = mem_new_array(all.n, sizeof *w.job)) == NULL) e = ERR_MEMORY;
    for (uint32_t i = 0; e == ERR_OK && i < d->n; i++) {
        for (size_t j = first[i]; j < first[i + 1]; j++) w.job[j] = (struct seal_job){all.v[j], i};
    }
    if (e == ERR_OK) e = seal_all(a, x, world, all.n, &w);
    if (e != ERR_OK) goto out;
    buf_put(out, tree_leaf_raw(t, sender));
    size_t nodes = tls_begin(out);
    for (size_t i = 0; i < d->n; i++) {
        tls_put_vector(out, span_of(d->key[i], z->npk));
        tls_put_vector(out, span_of(w.out + first[i] * w.size, (first[i + 1] - first[i]) * w.size));
    }
    tls_finish(out, nodes);
    e = buf_end(out);
out:
    mem_free_wiped(w.seed, all.n * z->nseed);
    mem_free(w.out);
    mem_free(w.job);
    nodes_free(&all);
    return e;
}
