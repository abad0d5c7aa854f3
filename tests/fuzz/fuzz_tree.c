// SPDX-License-Identifier: Apache-2.0
//
// Ratchet trees. An input is a tree (its bytes, or a founder) and a history of changes to it (grow.c), some of them on
// overlays. A model made of plain arrays does the same by the words of RFC 9420 §7.7 and §12.1; and from time to time
// the tree is encoded, decoded afresh, and held against what came out: hashes, counts, keys, resolutions, the rules of a
// valid tree. So nothing that a tree or an overlay keeps beside its nodes can be wrong.
#include "grow.h"
#include "tree/check.h"

static struct algo algo;

// ------------------------------------------------------------------------------------------------------ the model

struct model_node {
    bool set;
    struct span raw;       // of a leaf
    struct span key, hash; // of a parent
    uint32_t unmerged[GROW_LEAVES];
    size_t n;
};

struct model {
    uint32_t leaves;
    struct model_node node[2 * GROW_LEAVES - 1];
};

static struct model now, before; // `before`: as the overlay was laid

static void model_blank_path(struct model *m, uint32_t leaf)
{
    for (uint32_t k = 1; k <= math_depth(m->leaves); k++) m->node[math_ancestor(leaf, k)] = (struct model_node){0};
}

static void model_truncate(struct model *m)
{
    for (;;) {
        bool inhabited = m->leaves == 1;
        for (uint32_t i = m->leaves / 2; i < m->leaves; i++) inhabited = inhabited || m->node[2 * i].set;
        if (inhabited) return;
        for (uint32_t i = m->leaves - 1; i < math_width(m->leaves); i++) m->node[i] = (struct model_node){0};
        m->leaves /= 2;
    }
}

static void model_unmerged(struct model_node *p, uint32_t leaf)
{
    size_t at = 0;
    if (!p->set) return;
    while (at < p->n && p->unmerged[at] < leaf) at++;
    if (at < p->n && p->unmerged[at] == leaf) return;
    must(p->n < GROW_LEAVES);
    memmove(p->unmerged + at + 1, p->unmerged + at, (p->n - at) * sizeof *p->unmerged);
    p->unmerged[at] = leaf;
    p->n++;
}

static void model_parent(struct model *m, const struct grow_op *op, size_t i)
{
    struct model_node *p = &m->node[op->parent[i].node];
    *p = (struct model_node){.set = true, .key = op->parent[i].key, .hash = op->parent[i].hash};
}

static uint32_t model_first_blank(const struct model *m)
{
    uint32_t leaf = 0;
    while (leaf < m->leaves && m->node[2 * leaf].set) leaf++;
    return leaf;
}

static void model_apply(struct model *m, const struct grow_op *op)
{
    if (op->kind == GROW_ADD || (op->kind == GROW_PATH && !m->node[2 * op->at].set)) {
        must(op->at == model_first_blank(m));
        if (op->at == m->leaves) m->leaves *= 2;
    }
    switch (op->kind) {
    case GROW_ADD:
        m->node[2 * op->at] = (struct model_node){.set = true, .raw = op->raw};
        for (uint32_t k = 1; k <= math_depth(m->leaves); k++) model_unmerged(&m->node[math_ancestor(op->at, k)], op->at);
        break;
    case GROW_REMOVE:
        m->node[2 * op->at].set = false;
        model_blank_path(m, op->at);
        model_truncate(m);
        break;
    case GROW_UPDATE:
    case GROW_PATH:
        m->node[2 * op->at] = (struct model_node){.set = true, .raw = op->raw};
        model_blank_path(m, op->at);
        for (size_t i = 0; i < op->n; i++) model_parent(m, op, i);
        break;
    case GROW_PARENT: {
        struct model_node *p = &m->node[op->parent[0].node];
        model_parent(m, op, 0);
        for (size_t i = 0; i < op->unmerged.n; i += 4) {
            p->unmerged[p->n++] = (uint32_t)op->unmerged.p[i + 2] << 8 | op->unmerged.p[i + 3];
        }
        break;
    }
    case GROW_BLANK: m->node[op->at] = (struct model_node){0}; break;
    case GROW_OVERLAY: before = *m; break;
    case GROW_DROP: *m = before; break;
    case GROW_NOTHING:
    case GROW_MERGE:
    case GROW_HASH: break;
    }
}

static void model_read(struct model *m, const struct tree *t)
{
    *m = (struct model){.leaves = t->leaves};
    for (uint32_t i = 0; i < math_width(t->leaves); i++) {
        struct model_node *x = &m->node[i];
        x->set = !tree_is_blank(t, i);
        if (!x->set) continue;
        if (i % 2 == 0) {
            x->raw = kit_copy(tree_leaf_raw(t, i / 2));
            continue;
        }
        const struct parent *p = tree_parent(t, i);
        x->key = kit_copy(parent_key(p));
        x->hash = kit_copy(parent_hash(p));
        for (; x->n < p->unmerged_n && x->n < GROW_LEAVES; x->n++) x->unmerged[x->n] = parent_unmerged(p, x->n);
    }
}

static void model_put(const struct model_node *x, bool leaf, struct buf *b)
{
    tls_put_u8(b, x->set);
    if (!x->set) return;
    tls_put_u8(b, leaf ? 1 : 2);
    if (leaf) {
        buf_put(b, x->raw);
        return;
    }
    tls_put_vector(b, x->key);
    tls_put_vector(b, x->hash);
    size_t mark = tls_begin(b);
    for (size_t i = 0; i < x->n; i++) tls_put_u32(b, x->unmerged[i]);
    tls_finish(b, mark);
}

static struct span model_encode(const struct model *m)
{
    struct buf *b = kit_buf();
    uint32_t n = math_width(m->leaves);
    while (n > 0 && !m->node[n - 1].set) n--;
    size_t mark = tls_begin(b);
    for (uint32_t i = 0; i < n; i++) model_put(&m->node[i], i % 2 == 0, b);
    tls_finish(b, mark);
    must_ok(buf_end(b));
    return buf_span(b);
}

// ------------------------------------------------------------------------------------------------- comparisons

// Each node by itself: its key is found, and as often as it is there.
static void compare_node(const struct tree *t, const struct tree *fresh, uint32_t node)
{
    struct nodes a = {0}, b = {0};
    uint32_t found;
    must(tree_is_blank(t, node) == tree_is_blank(fresh, node));
    for (enum index_kind kind = INDEX_ENCRYPTION; kind <= INDEX_SIGNATURE; kind++) {
        must(tree_key_shared(t, node, kind) == tree_key_shared(fresh, node, kind));
    }
    struct span key = tree_key(t, node);
    must(span_eq(key, tree_key(fresh, node)));
    if (key.n > 0) must(tree_find_key(t, key, INDEX_ENCRYPTION, &found) && span_eq(tree_key(t, found), key));
    must_ok(tree_resolution(t, node, NULL, &a));
    must_ok(tree_resolution(fresh, node, NULL, &b));
    must(span_eq(span_of(a.v, a.n * sizeof *a.v), span_of(b.v, b.n * sizeof *b.v)));
    nodes_free(&a);
    nodes_free(&b);
}

// The filtered direct path is where the resolution of the copath is not empty (§4.1.2).
static void compare_path(const struct tree *t, uint32_t leaf)
{
    uint32_t level[TREE_MAX_LEVELS];
    size_t n = 0, at = 0;
    path_filtered(t, leaf, level, &n);
    for (uint32_t k = 1; k <= math_depth(t->leaves); k++) {
        struct nodes r = {0};
        must_ok(tree_resolution(t, math_copath(leaf, k), NULL, &r));
        if (r.n > 0) must(at < n && level[at++] == k);
        nodes_free(&r);
    }
    must(at == n);
}

static void compare_counts(const struct tree *t, const struct tree *fresh)
{
    static const uint16_t types[] = {1, 2, 0xF0A0, 0xF0A1, 0xF0C0, 0xF0C1, 0xF0E0, 0xF0E1, 7};
    size_t used = 0, again = 0;
    uint16_t type;
    for (enum tree_count kind = COUNT_CREDENTIAL_USED; kind <= COUNT_PROPOSAL_SUPPORTED; kind++) {
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
            must(tree_count(t, kind, types[i]) == tree_count(fresh, kind, types[i]));
        }
    }
    for (size_t at = 0; tree_credential_in_use(t, &at, &type); used++) {
        must(tree_count(fresh, COUNT_CREDENTIAL_USED, type) > 0);
        must(tree_count(fresh, COUNT_CREDENTIAL_USED, type) == tree_count(t, COUNT_CREDENTIAL_USED, type));
    }
    for (size_t at = 0; tree_credential_in_use(fresh, &at, &type); again++) continue;
    must(used == again);
}

static void compare_hashes(struct tree *t, struct tree *fresh)
{
    uint8_t a[CRYPTO_HASH_MAX], b[CRYPTO_HASH_MAX];
    must_ok(tree_hash(&algo, t, math_root(t->leaves), a));
    must_ok(tree_hash(&algo, fresh, math_root(t->leaves), b));
    must(memcmp(a, b, algo_nh(&algo)) == 0);
    for (uint32_t node = 1; node < math_width(t->leaves); node += 2) {
        const struct parent *p = tree_parent(t, node), *q = tree_parent(fresh, node);
        if (p == NULL) continue;
        must_ok(tree_original_hash(&algo, t, math_left(node), p, a));
        must_ok(tree_original_hash(&algo, fresh, math_left(node), q, b));
        must(memcmp(a, b, algo_nh(&algo)) == 0);
    }
}

// Whether a key stands twice in it, as the input may want: then its bytes are refused.
static bool has_twins(const struct tree *t)
{
    bool any = false;
    for (uint32_t i = 0; i < math_width(t->leaves); i++) {
        any = any || tree_key_shared(t, i, INDEX_ENCRYPTION) || tree_key_shared(t, i, INDEX_SIGNATURE);
    }
    return any;
}

// Holds the tree against the model, and against what its bytes decode to.
static void compare(struct grow *g)
{
    static const uint64_t seed[2] = {5, 6};
    struct tree fresh, *t = g->t;
    struct buf *bytes = kit_buf();
    must_ok(tree_encode(t, bytes));
    must(span_eq(buf_span(bytes), model_encode(&now)));
    must(t->leaves == now.leaves && tree_first_blank(t) == model_first_blank(&now));
    tree_init(&fresh, t->nh, seed);
    enum err e = tree_decode(&fresh, buf_span(bytes));
    must(e != ERR_OK ? !g->honest || has_twins(t) : !has_twins(t));
    if (e == ERR_OK && fresh.leaves == t->leaves) {
        must(fresh.members == t->members && tree_first_blank(&fresh) == tree_first_blank(t));
        compare_counts(t, &fresh);
        for (uint32_t i = 0; i < math_width(t->leaves); i++) compare_node(t, &fresh, i);
        for (uint32_t i = 0; i < t->leaves; i++) compare_path(t, i);
        compare_hashes(t, &fresh);
        enum err unmerged = check_unmerged(t), chain = check_parent_hashes(&algo, NULL, t);
        must(check_unmerged(&fresh) == unmerged && check_parent_hashes(&algo, NULL, &fresh) == chain);
        // Whatever honest members commit keeps the tree valid (§7.9).
        if (g->honest) must_ok(unmerged);
        if (g->honest && !g->owed) must_ok(chain);
        (void)check_overlay(t);
    }
    tree_wipe(&fresh);
}

// What an overlay changes it must also name: the store hears of nothing else.
static void compare_changes(const struct tree *over)
{
    bool named[2 * GROW_LEAVES - 1] = {0};
    uint32_t node;
    for (size_t at = 0; tree_changed(over, &at, &node);) {
        if (node < 2 * GROW_LEAVES - 1) named[node] = true;
    }
    for (uint32_t i = 0; i < 2 * GROW_LEAVES - 1; i++) {
        struct buf *a = kit_buf(), *b = kit_buf();
        model_put(&before.node[i], i % 2 == 0, a);
        model_put(&now.node[i], i % 2 == 0, b);
        if (!span_eq(buf_span(a), buf_span(b))) must(named[i]);
    }
}

// ---------------------------------------------------------------------------------------------------- the fuzzer

void fuzz_open(void)
{
    must_ok(crypto_new(&algo.crypto));
    algo.suite = crypto_suite(CRYPTO_X25519_AES128_SHA256_ED25519);
}

// The tree to begin with; false if the input has none that decodes.
static bool begin(struct grow *g, struct feed *f)
{
    uint8_t flags = feed_u8(f);
    if ((flags & 1) == 0) {
        grow_found(g, flags >> 1);
        return true;
    }
    g->honest = false;
    struct span bytes = kit_copy(feed_take(f, feed_u16(f)));
    if (tree_decode(&g->whole, bytes) != ERR_OK) return false;
    return g->whole.leaves <= GROW_LEAVES;
}

// Lists of unmerged leaves longer than the model's cannot be compared.
static bool comparable(const struct tree *t)
{
    for (uint32_t node = 1; node < math_width(t->leaves); node += 2) {
        const struct parent *p = tree_parent(t, node);
        if (p != NULL && p->unmerged_n > GROW_LEAVES / 2) return false;
    }
    return true;
}

void fuzz_one(struct span input)
{
    enum { STEPS = 96, SIZE = 8192 };
    struct feed f = {input.p, input.n};
    struct grow g;
    struct grow_op op;
    if (input.n > SIZE) return;
    grow_init(&g, algo);
    if (begin(&g, &f) && comparable(&g.whole)) {
        model_read(&now, &g.whole);
        compare(&g);
        for (int i = 0; i < STEPS && f.n > 0; i++) {
            if (g.t == &g.over && f.p[0] % 16 == 11) compare_changes(&g.over); // before it is merged
            grow_step(&g, &f, &op);
            model_apply(&now, &op);
            if (op.kind == GROW_MERGE || op.kind == GROW_DROP || op.kind == GROW_HASH) compare(&g);
        }
        if (comparable(g.t)) compare(&g);
    }
    grow_wipe(&g);
}

void fuzz_seeds(const char *folder)
{
    // Histories that leave every shape behind: blank leaves, unmerged leaves, a tree that shrinks, an overlay that grows it.
    static const char *const histories[] = {
        "\x00\x00\x02\x00\x04\x00\x06\x07\x01\x10\x04\x01\x00\x08\x00\x0a\x0d\x03",
        "\x00\x00\x02\x00\x04\x00\x06\x07\x02\x10\x0a\x00\x00\x08\x07\x00\x06\x05\x03\x0b\x00\x04\x02\x0d\x01",
        "\x02\x00\x02\x00\x04\x00\x06\x00\x08\x07\x04\x10\x04\x04\x04\x03\x0d\x00\x04\x02\x0a\x00\x00\x02\x00\x04\x0c\x00",
        "\x00\x00\x02\x00\x04\x00\x06\x00\x08\x00\x0a\x00\x0c\x00\x0e\x07\x00\x00\x07\x05\x00\x04\x01\x09\x00\x0a\x01\x09\x01",
        "\x00\x00\x02\x00\x04\x07\x01\x00\x0e\x03\x01\x02\x05\x04\x0f\x01\x0d\x03",
    };
    static const uint8_t lengths[] = {18, 25, 28, 29, 18};
    struct grow g;
    struct buf *bytes = kit_buf(), *seed = kit_buf();
    for (size_t i = 0; i < sizeof lengths; i++) {
        const char name[] = {(char)('a' + i), 0};
        kit_seed(folder, name, span_of(histories[i], lengths[i]));
    }
    grow_init(&g, algo);
    grow_found(&g, 0);
    struct feed f = {(const uint8_t *)histories[3] + 1, 28};
    for (struct grow_op op; f.n > 0;) grow_step(&g, &f, &op);
    must_ok(tree_encode(g.t, bytes));
    buf_put_u8(seed, 1);
    tls_put_u16(seed, (uint16_t)bytes->n);
    buf_put(seed, buf_span(bytes));
    buf_put(seed, span_of(histories[1] + 1, 24));
    kit_seed(folder, "bytes", buf_span(seed));
    grow_wipe(&g);
}
