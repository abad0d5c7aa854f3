// SPDX-License-Identifier: Apache-2.0
//
// Vector type treekem: update paths, given and made here, processed by every other member. Each runs on an overlay over
// the given tree, as a commit does. Private keys of the vectors were set by different committers, so each path secret
// gives the key of its own node only.
#include "tree/check.h"
#include "vectors/model.h"
#include "vectors/types.h"

struct member {
    bool given;
    struct path_keys keys;
    struct span signature_key; // private
};

struct group {
    struct trial *t;
    struct tree tree;
    struct member *member; // one a leaf
    struct span group_id, confirmed_transcript_hash;
    uint64_t epoch;
};

// ------------------------------------------------------------------------------------------------- private state

// "Set the private value at this node based on path_secret."
static void set_node(struct group *g, struct member *m, const struct field *f)
{
    struct trial *t = g->t;
    const struct algo *a = &t->algo;
    uint32_t node = (uint32_t)field_get_number(f, "node", math_width(g->tree.leaves) - 1), level = math_level(node);
    struct span b = field_get_bytes(f, "path_secret");
    struct secret path_secret = {0}, node_secret;
    uint8_t pk[CRYPTO_PK_MAX];
    if (!trial_equal(t, b.n, algo_nh(a), "%s.path_secret: length", f->name)) return;
    if (!trial_true(t, level > 0 && math_has_leaf(node, m->keys.leaf), "%s.node is above the leaf", f->name)) return;
    memcpy(path_secret.b, b.p, b.n);
    enum err e = label_derive(a, &path_secret, "node", &node_secret);
    if (e == ERR_OK) e = crypto_kem_derive(a->crypto, a->suite, secret_span(a, &node_secret), m->keys.key[level], pk);
    if (!trial_ok(t, e, "%s: derive the key pair", f->name)) return;
    m->keys.have[level] = true;
    trial_same(t, span_of(pk, algo_sizes(a)->npk), tree_key(&g->tree, node), "%s: public key of node %u", f->name,
               node);
}

static void read_member(struct group *g, const struct field *f)
{
    struct trial *t = g->t;
    const struct crypto_sizes *z = algo_sizes(&t->algo);
    uint32_t leaf = (uint32_t)field_get_number(f, "index", g->tree.leaves - 1);
    struct span sk = model_kem_key(f, "encryption_priv"), sig = model_signature_key(f, "signature_priv");
    uint8_t pk[CRYPTO_SIGPK_MAX];
    struct leaf l;
    if (t->failed || !trial_ok(t, tree_leaf(&g->tree, leaf, &l), "%s: leaf %u", f->name, leaf)) return;
    if (!trial_equal(t, sk.n, z->nsk, "%s.encryption_priv: length", f->name)) return;
    struct member *m = &g->member[leaf];
    if (!trial_true(t, !m->given, "%s is the only one of leaf %u", f->name, leaf)) return;
    *m = (struct member){.given = true, .keys = {.leaf = leaf, .have = {true}}, .signature_key = sig};
    memcpy(m->keys.key[0], sk.p, sk.n);
    enum err e = crypto_sig_public(t->algo.crypto, t->algo.suite, sig, pk);
    if (trial_ok(t, e, "%s.signature_priv", f->name)) {
        trial_same(t, span_of(pk, z->nsigpk), l.signature_key, "%s.signature_priv: public key", f->name);
    }
    struct field secrets = field_get(f, "path_secrets");
    for (size_t i = 0; i < field_count(&secrets) && !t->failed; i++) {
        struct field s = field_item(&secrets, i);
        set_node(g, m, &s);
    }
    model_keys(t, &g->tree, &m->keys, f->name);
}

static void read_members(struct group *g, const struct field *v)
{
    struct field list = field_get(v, "leaves_private");
    for (size_t i = 0; i < field_count(&list) && !g->t->failed; i++) {
        struct field f = field_item(&list, i);
        read_member(g, &f);
    }
    for (uint32_t i = 0; !g->t->failed && i < g->tree.leaves; i++) {
        if (!g->member[i].given && !tree_is_blank(&g->tree, 2 * i)) {
            trial_fail(g->t, "leaves_private: nothing for leaf %u, which is not blank", i);
        }
    }
}

// -------------------------------------------------------------------------------------------- what a path leads to

static struct span context_of(struct group *g, struct tree *after, const char *step)
{
    return model_context(g->t, g->group_id, g->epoch, model_hash(g->t, after, step), g->confirmed_transcript_hash);
}

// What must hold of the tree after any update path, beside its hash.
static void after_path(struct group *g, struct tree *after, uint32_t sender, const char *step)
{
    struct leaf l;
    if (g->t->failed) return;
    trial_ok(g->t, check_parent_hashes(&g->t->algo, NULL, after), "%s: parent hashes of the tree", step);
    if (!trial_ok(g->t, tree_leaf(after, sender, &l), "%s: leaf of the sender", step)) return;
    trial_equal(g->t, l.source, LEAF_COMMIT, "%s: source of the leaf", step);
    trial_ok(g->t, leaf_verify(&g->t->algo, &l, g->group_id, sender), "%s: signature of the leaf", step);
}

// "Verify that path_secrets[j] is the decrypted path secret": it gives the very keys, and the commit secret, to which
// the decrypted one has led.
static void same_secret(struct group *g, const struct tree *after, uint32_t sender, const struct path_keys *got,
                        const struct secret *commit_secret, const struct field *want)
{
    struct trial *t = g->t;
    struct span b = field_bytes(want);
    struct secret path_secret = {0}, commit = {0};
    struct path_keys derived = {.leaf = got->leaf};
    uint32_t common = math_common_level(sender, got->leaf);
    if (!trial_equal(t, b.n, algo_nh(&t->algo), "%s: length", want->name)) return;
    memcpy(path_secret.b, b.p, b.n);
    enum err e = path_keys_derive(&t->algo, &derived, after, common, &path_secret, &commit);
    if (!trial_ok(t, e, "%s: derive keys", want->name)) return;
    trial_same(t, secret_span(&t->algo, &commit), secret_span(&t->algo, commit_secret), "%s: commit secret",
               want->name);
    for (uint32_t level = common; level < TREE_MAX_LEVELS; level++) {
        trial_true(t, derived.have[level] == got->have[level] || tree_is_blank(after, math_ancestor(got->leaf, level)),
                   "%s: key at level %u", want->name, level);
        if (derived.have[level]) {
            trial_same(t, span_of(derived.key[level], sizeof derived.key[level]),
                       span_of(got->key[level], sizeof got->key[level]), "%s: key at level %u", want->name, level);
        }
    }
}

// One member opens a path that has been merged into `after`. `secrets` is NULL for a path made here.
static void open_path(struct group *g, const struct tree *after, uint32_t sender, const struct update_path *path,
                      struct span context, uint32_t j, struct span commit_secret, const struct field *secrets,
                      const char *step)
{
    struct trial *t = g->t;
    struct path_keys keys = g->member[j].keys, untouched = keys;
    struct secret got = {0};
    enum err e = path_open(&t->algo, after, sender, path, NULL, context, &keys, &got);
    if (!trial_ok(t, e, "%s: leaf %u: process", step, j)) return;
    trial_same(t, secret_span(&t->algo, &got), commit_secret, "%s: leaf %u: commit secret", step, j);
    model_keys(t, after, &keys, step);
    if (secrets != NULL) {
        struct field want = field_item(secrets, j);
        same_secret(g, after, sender, &keys, &got, &want);
    }
    // Bound to the GroupContext.
    e = path_open(&t->algo, after, sender, path, NULL, span_of(context.p, context.n - 1), &untouched, &got);
    trial_refused(t, e, (enum err)MLS_E_PATH_SECRET, "%s: leaf %u: process in another context", step, j);
}

static void open_by_all(struct group *g, const struct tree *after, uint32_t sender, const struct update_path *path,
                        struct span context, struct span commit_secret, const struct field *secrets, const char *step)
{
    for (uint32_t j = 0; !g->t->failed && j < g->tree.leaves; j++) {
        if (j == sender || tree_is_blank(&g->tree, 2 * j)) continue;
        open_path(g, after, sender, path, context, j, commit_secret, secrets, step);
    }
}

// ------------------------------------------------------------------------------------------------ the given paths

static bool read_path(struct trial *t, struct span bytes, struct update_path *out, const char *step)
{
    struct tls_reader r = tls_reader_of(bytes);
    update_path_read(&r, out);
    return !t->failed && trial_ok(t, tls_end(&r), "%s: decode", step);
}

// A path with another parent hash, or none, in its leaf is refused.
static void wrong_parent_hash(struct group *g, uint32_t sender, struct update_path path, const char *step)
{
    uint8_t hash[CRYPTO_HASH_MAX] = {0};
    struct tree overlay;
    struct span right = path.leaf.parent_hash;
    if (right.n > sizeof hash) return; // it has failed already
    for (int empty = 0; empty < 2 && right.n > 0; empty++) {
        memcpy(hash, right.p, right.n);
        hash[right.n - 1] ^= 1;
        path.leaf.parent_hash = empty ? span_of(NULL, 0) : span_of(hash, right.n);
        tree_overlay(&overlay, &g->tree);
        trial_refused(g->t, path_merge(&g->t->algo, &overlay, sender, &path), (enum err)MLS_E_PATH_PARENT_HASH,
                      "%s: with another parent hash", step);
        tree_wipe(&overlay);
    }
}

static void given_path(struct group *g, const struct field *f)
{
    struct trial *t = g->t;
    uint32_t sender = (uint32_t)field_get_number(f, "sender", g->tree.leaves - 1);
    struct span bytes = field_get_bytes(f, "update_path"), hash_after = field_get_bytes(f, "tree_hash_after");
    struct span commit_secret = field_get_bytes(f, "commit_secret");
    struct field secrets = field_get(f, "path_secrets");
    struct update_path path;
    struct tree after;
    if (!read_path(t, bytes, &path, f->name)) return;
    if (!trial_true(t, !tree_is_blank(&g->tree, 2 * sender), "%s.sender is a member", f->name)) return;
    struct field own = field_item(&secrets, sender);
    trial_true(t, field_null(&own), "%s is null for the sender", own.name);
    tree_overlay(&after, &g->tree);
    if (trial_ok(t, path_merge(&t->algo, &after, sender, &path), "%s: merge", f->name)) {
        after_path(g, &after, sender, f->name);
        trial_same(t, model_hash(t, &after, f->name), hash_after, "%s.tree_hash_after", f->name);
        struct span context = context_of(g, &after, f->name);
        open_by_all(g, &after, sender, &path, context, commit_secret, &secrets, f->name);
        wrong_parent_hash(g, sender, path, f->name);
    }
    tree_wipe(&after);
}

// ------------------------------------------------------------------------------------------------- paths made here

// The committer's half: a new path into `after`, sealed for the others.
static struct span make_path(struct group *g, struct tree *after, uint32_t sender, struct secret *commit_secret,
                             struct span *context, const char *step)
{
    struct trial *t = g->t;
    struct path_draft draft;
    struct path_keys keys;
    struct buf sealed;
    struct leaf like;
    enum err e = tree_leaf(&g->tree, sender, &like);
    buf_init(&sealed, TLS_VECTOR_MAX);
    if (e == ERR_OK) {
        e = path_make(&t->algo, NULL, &t->world, after, sender, &like, g->group_id, g->member[sender].signature_key,
                      &keys, &draft);
    }
    if (!trial_ok(t, e, "%s: make", step)) return span_of(NULL, 0);
    trial_true(t, keys.have[0], "%s: the sender has its leaf's key", step);
    for (size_t i = 0; i < draft.n; i++) {
        trial_true(t, keys.have[draft.level[i]], "%s: the sender has the key of level %u", step, draft.level[i]);
    }
    model_keys(t, after, &keys, step);
    after_path(g, after, sender, step);
    *context = context_of(g, after, step);
    *commit_secret = draft.commit_secret;
    if (!t->failed) {
        e = path_seal(&t->algo, NULL, &t->world, after, sender, &draft, NULL, *context, &sealed);
        trial_ok(t, e, "%s: seal", step);
    }
    path_keys_wipe(&keys);
    path_draft_wipe(&draft);
    return trial_take(t, &sealed, step);
}

static void new_path(struct group *g, const struct field *f)
{
    struct trial *t = g->t;
    uint32_t sender = (uint32_t)field_get_number(f, "sender", g->tree.leaves - 1);
    struct secret commit_secret = {0};
    struct span context = {0};
    struct update_path path;
    struct tree mine, theirs;
    char step[128];
    (void)snprintf(step, sizeof step, "new path of %s", f->name);
    if (t->failed) return;
    tree_overlay(&mine, &g->tree);
    tree_overlay(&theirs, &g->tree);
    struct span bytes = make_path(g, &mine, sender, &commit_secret, &context, step);
    if (read_path(t, bytes, &path, step) &&
        trial_ok(t, path_merge(&t->algo, &theirs, sender, &path), "%s: merge", step)) {
        after_path(g, &theirs, sender, step);
        trial_same(t, model_hash(t, &theirs, step), model_hash(t, &mine, step), "%s: tree hash", step);
        trial_same(t, context_of(g, &theirs, step), context, "%s: context", step);
        open_by_all(g, &theirs, sender, &path, context, secret_span(&t->algo, &commit_secret), NULL, step);
    }
    tree_wipe(&mine);
    tree_wipe(&theirs);
    mem_wipe(&commit_secret, sizeof commit_secret);
}

// The last step on a path's way: the overlay merged into the tree under it, which then hashes and encodes the same.
static void merged(struct group *g, struct span tree_bytes, const struct field *f)
{
    struct trial *t = g->t;
    uint32_t sender = (uint32_t)field_get_number(f, "sender", g->tree.leaves - 1);
    struct span hash_after = field_get_bytes(f, "tree_hash_after");
    struct update_path path;
    struct tree whole, overlay;
    struct buf bytes;
    if (!read_path(t, field_get_bytes(f, "update_path"), &path, f->name)) return;
    buf_init(&bytes, TLS_VECTOR_MAX);
    if (model_tree(t, &whole, tree_bytes, "ratchet_tree")) {
        tree_overlay(&overlay, &whole);
        enum err e = path_merge(&t->algo, &overlay, sender, &path);
        if (e == ERR_OK) e = tree_encode(&overlay, &bytes);
        if (e == ERR_OK) e = tree_reserve(&whole, &overlay);
        if (trial_ok(t, e, "%s: merge into the whole tree", f->name)) tree_merge(&overlay);
        else tree_wipe(&overlay);
        model_is(t, &whole, buf_span(&bytes), hash_after, f->name);
    }
    tree_wipe(&whole);
    buf_wipe(&bytes);
}

void treekem_check(struct trial *t, const struct field *v)
{
    struct group g = {.t = t, .epoch = field_get_number(v, "epoch", UINT64_MAX)};
    struct span tree_bytes = field_get_bytes(v, "ratchet_tree");
    g.group_id = field_get_bytes(v, "group_id");
    g.confirmed_transcript_hash = field_get_bytes(v, "confirmed_transcript_hash");
    struct field paths = field_get(v, "update_paths");
    if (model_tree(t, &g.tree, tree_bytes, "ratchet_tree")) {
        const struct check_rules rules = {.group_id = g.group_id, .max_lifetime = UINT64_MAX};
        trial_ok(t, check_tree(&t->algo, &rules, &g.tree), "ratchet_tree: all checks of a joiner");
        g.member = (struct member *)(void *)trial_bytes(t, g.tree.leaves * sizeof *g.member);
    }
    if (!t->failed) {
        read_members(&g, v);
        trial_true(t, field_count(&paths) > 0, "update_paths is not empty");
    }
    for (size_t i = 0; i < field_count(&paths) && !t->failed; i++) {
        struct field f = field_item(&paths, i);
        given_path(&g, &f);
        new_path(&g, &f);
        merged(&g, tree_bytes, &f);
    }
    tree_wipe(&g.tree);
}
