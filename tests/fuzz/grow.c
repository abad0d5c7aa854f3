// SPDX-License-Identifier: Apache-2.0
//
// Growing trees: see grow.h. Steps that make no sense for a tree as it stands do nothing.
#include "grow.h"

struct span grow_number(uint32_t kind, uint32_t number)
{
    struct buf *b = kit_buf();
    tls_put_u32(b, kind);
    tls_put_u32(b, number);
    for (int i = 0; i < 24; i++) buf_put_u8(b, 0xA5);
    return buf_span(b);
}

static void put_types(struct buf *b, unsigned which, unsigned always, uint16_t first)
{
    size_t mark = tls_begin(b);
    for (unsigned i = 0; i < always; i++) tls_put_u16(b, (uint16_t)(i + 1));
    for (unsigned i = 0; i < 2; i++) {
        if (which >> i & 1) tls_put_u16(b, (uint16_t)(first + i));
    }
    tls_finish(b, mark);
}

// Bits of the flavour: 0 the credential's type, 1-2 credentials supported, 3-4 extensions, 5-6 proposals, 7 the maker's.
struct span grow_leaf_unsigned(const struct grow_leaf *want, struct span encryption_key, struct span signature_key)
{
    struct buf *b = kit_buf();
    tls_put_vector(b, encryption_key);
    tls_put_vector(b, signature_key);
    tls_put_u16(b, want->flavour & 1 ? 0xF0C0 : CREDENTIAL_BASIC);
    tls_put_vector(b, span_of(signature_key.p, signature_key.n < 8 ? signature_key.n : 8));
    put_types(b, 0, 1, 0);
    put_types(b, 0, 1, 0);
    put_types(b, want->flavour >> 3 & 3, 0, 0xF0E0);
    put_types(b, want->flavour >> 5 & 3, 0, 0xF0A0);
    put_types(b, (want->flavour >> 1 & 3) | (want->flavour & 1), 2, 0xF0C0);
    tls_put_u8(b, (uint8_t)want->source);
    if (want->source == LEAF_KEY_PACKAGE) {
        tls_put_u64(b, KIT_NOW - 3600);
        tls_put_u64(b, KIT_NOW + 3600);
    } else if (want->source == LEAF_COMMIT) {
        tls_put_vector(b, want->parent_hash);
    }
    tls_put_u8(b, 0); // no extensions
    must_ok(buf_end(b));
    return buf_span(b);
}

// Flavours with the highest bit take the keys of somebody else.
static struct span plain_leaf(struct grow *g, const struct grow_leaf *want)
{
    uint32_t n = want->flavour & 0x80 ? want->flavour % 4 : g->fresh++;
    struct buf *b = kit_buf();
    buf_put(b, grow_leaf_unsigned(want, grow_number(1, n), grow_number(2, n)));
    tls_put_vector(b, span_str("unsigned"));
    return buf_span(b);
}

static struct span plain_key(struct grow *g, uint32_t leaf, uint32_t level)
{
    (void)leaf;
    (void)level;
    return grow_number(1, g->fresh++);
}

void grow_init(struct grow *g, struct algo algo)
{
    static const uint64_t seed[2] = {3, 4};
    *g = (struct grow){
        .algo = algo, .t = &g->whole, .honest = true, .fresh = 4, .make_leaf = plain_leaf, .make_key = plain_key};
    tree_init(&g->whole, (uint8_t)algo_nh(&algo), seed);
}

void grow_wipe(struct grow *g)
{
    if (g->t == &g->over) tree_wipe(&g->over);
    tree_wipe(&g->whole);
}

void grow_found(struct grow *g, uint8_t flavour)
{
    const struct grow_leaf want = {.source = LEAF_KEY_PACKAGE, .flavour = flavour};
    must_ok(tree_resize(&g->whole, 1));
    must_ok(tree_set_leaf(&g->whole, 0, g->make_leaf(g, &want)));
}

// --------------------------------------------------------------------------------------------- honest changes

static void add(struct grow *g, uint8_t flavour, struct grow_op *op)
{
    uint32_t at = tree_first_blank(g->t), found = 0;
    const struct grow_leaf want = {.index = at, .source = LEAF_KEY_PACKAGE, .flavour = flavour};
    if (at >= GROW_LEAVES) return;
    op->raw = g->make_leaf(g, &want);
    must_ok(tree_add(g->t, op->raw, &found));
    must(found == at);
    op->kind = GROW_ADD;
    op->at = at;
}

static void update(struct grow *g, uint32_t leaf, uint8_t flavour, struct grow_op *op)
{
    const struct grow_leaf want = {.index = leaf, .source = LEAF_UPDATE, .flavour = flavour};
    op->raw = g->make_leaf(g, &want);
    must_ok(tree_set_leaf(g->t, leaf, op->raw));
    must_ok(tree_blank_path(g->t, leaf));
    op->kind = GROW_UPDATE;
    op->at = leaf;
}

void grow_path(struct grow *g, uint32_t leaf, uint8_t flavour, struct grow_op *op)
{
    uint32_t level[TREE_MAX_LEVELS];
    uint8_t hash[CRYPTO_HASH_MAX];
    size_t n = 0, nh = algo_nh(&g->algo);
    struct span above = span_of(NULL, 0);
    path_filtered(g->t, leaf, level, &n);
    must_ok(tree_blank_path(g->t, leaf));
    for (size_t i = n; i-- > 0;) {
        struct span key = g->make_key(g, leaf, level[i]);
        op->parent[i].node = math_ancestor(leaf, level[i]);
        op->parent[i].key = key;
        op->parent[i].hash = above;
        must_ok(tree_set_parent(g->t, op->parent[i].node, key, above));
        must_ok(tree_parent_hash(&g->algo, g->t, key, above, math_copath(leaf, level[i]), NULL, hash));
        above = kit_copy(span_of(hash, nh));
    }
    const struct grow_leaf want = {.index = leaf, .source = LEAF_COMMIT, .parent_hash = above, .flavour = flavour};
    op->raw = g->make_leaf(g, &want);
    must_ok(tree_set_leaf(g->t, leaf, op->raw));
    op->kind = GROW_PATH;
    op->at = leaf;
    op->n = n;
    g->owed = false;
}

static void join(struct grow *g, uint8_t flavour, struct grow_op *op)
{
    uint32_t at = tree_first_blank(g->t);
    if (at >= GROW_LEAVES) return;
    if (at == g->t->leaves) must_ok(tree_extend(g->t));
    grow_path(g, at, flavour, op);
}

// ------------------------------------------------------------------------------------- overlays, and what nobody does

static void overlay(struct grow *g, enum grow_kind kind, struct grow_op *op)
{
    if ((kind == GROW_OVERLAY) == (g->t == &g->over)) return;
    if (kind == GROW_OVERLAY) {
        g->owed_before = g->owed;
        tree_overlay(&g->over, &g->whole);
        g->t = &g->over;
    } else {
        if (kind == GROW_MERGE) {
            must_ok(tree_reserve(&g->whole, &g->over));
            tree_merge(&g->over);
        } else {
            tree_wipe(&g->over);
            g->owed = g->owed_before;
        }
        g->t = &g->whole;
    }
    op->kind = kind;
}

static bool has_leaves(const struct tree *t, uint32_t node)
{
    bool any = false;
    for (uint32_t i = 0; i < math_leaf_count(node); i++) any = any || !tree_is_blank(t, 2 * (math_first_leaf(node) + i));
    return any;
}

// Any parent at all, but with leaves on both sides: without, the tree's bytes do not decode.
static void set_parent(struct grow *g, struct feed *f, struct grow_op *op)
{
    uint32_t node = (feed_u8(f) % math_width(g->t->leaves)) | 1;
    struct buf *list = kit_buf();
    struct parent *p = NULL;
    uint32_t leaf = 0;
    if (node >= math_width(g->t->leaves)) return;
    if (!has_leaves(g->t, math_left(node)) || !has_leaves(g->t, math_right(node))) return;
    for (unsigned n = feed_u8(f) % 4; n > 0; n--) {
        leaf += 1 + feed_u8(f) % 8;
        tls_put_u32(list, leaf - 1);
    }
    op->parent[0].node = node;
    op->parent[0].key = grow_number(1, feed_u8(f));
    op->parent[0].hash = kit_copy(feed_take(f, feed_u8(f) % 33));
    op->unmerged = buf_span(list);
    must_ok(parent_new(op->parent[0].key, op->parent[0].hash, &p));
    for (size_t i = 0; i < list->n; i += 4) {
        must_ok(parent_add_unmerged(p, (uint32_t)list->p[i + 2] << 8 | list->p[i + 3]));
    }
    must_ok(tree_take_parent(g->t, node, p));
    g->honest = false;
    op->kind = GROW_PARENT;
}

static void blank(struct grow *g, uint32_t node, struct grow_op *op)
{
    if (node % 2 == 0) return; // leaves go by GROW_REMOVE
    must_ok(tree_blank(g->t, node));
    g->honest = false;
    op->kind = GROW_BLANK;
    op->at = node;
}

void grow_step(struct grow *g, struct feed *f, struct grow_op *op)
{
    uint8_t what = feed_u8(f), arg = feed_u8(f), hash[CRYPTO_HASH_MAX];
    uint32_t leaf = arg % g->t->leaves, node = arg % math_width(g->t->leaves);
    bool there = !tree_is_blank(g->t, 2 * leaf);
    *op = (struct grow_op){0};
    switch (what % 16) {
    case 0:
    case 1:
    case 2:
    case 3: add(g, arg, op); break;
    case 4:
    case 5:
        if (!there || g->t->members == 1) break;
        must_ok(tree_remove(g->t, leaf));
        op->kind = GROW_REMOVE;
        op->at = leaf;
        g->owed = true;
        break;
    case 6:
        if (there) update(g, leaf, feed_u8(f), op);
        break;
    case 7:
    case 8:
        if (there) grow_path(g, leaf, feed_u8(f), op);
        break;
    case 9: join(g, arg, op); break;
    case 10: overlay(g, GROW_OVERLAY, op); break;
    case 11: overlay(g, GROW_MERGE, op); break;
    case 12: overlay(g, GROW_DROP, op); break;
    case 13:
        must_ok(tree_hash(&g->algo, g->t, node, hash));
        op->kind = GROW_HASH;
        op->at = node;
        break;
    case 14: set_parent(g, f, op); break;
    case 15: blank(g, node, op); break;
    }
}
