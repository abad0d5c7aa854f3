// SPDX-License-Identifier: Apache-2.0
//
// The rules of a whole tree, as a joiner must check them (RFC 9420 §7.1, §7.9.2, §12.4.3.1, §12.4.3.3). Mallory builds a
// tree that no honest history leads to, hashes and signs it, and lets erin in; or offers it to somebody who would join
// by an external commit.
#include "forge.h"

// A commit that adds erin, with the tree spoiled behind it.
static void build(struct forge *f, struct scene *s, void (*spoil)(struct forge *f, struct tree *t))
{
    forge_begin(f, s, MALLORY);
    forge_value(f, forge_add(s, scene_key_package(s, ERIN)));
    f->spoil_tree = spoil;
    forge_commit(f);
}

// Joins by the Welcome, then as if by an external commit.
static void offer(struct forge *f)
{
    const struct forge_welcome w = {.signer = UINT32_MAX};
    forge_join(f, ERIN, forge_welcome(f, ERIN, &w), span_of(NULL, 0));
    forge_join_external(f, FRANK, forge_group_info(f, NULL, true));
    forge_free(f);
}

static void play(struct scene *s, void (*spoil)(struct forge *f, struct tree *t))
{
    struct forge f;
    build(&f, s, spoil);
    offer(&f);
}

// ------------------------------------------------------------------------------------------------------ its parts

// Puts another parent into a place; `unmerged` ends with UINT32_MAX.
static void put_parent(struct forge *f, struct tree *t, uint32_t node, struct span key, struct span hash,
                       const uint32_t *unmerged)
{
    struct buf *list = scene_buf(f->s);
    struct parent *p = NULL;
    key = scene_copy(f->s, key);
    hash = scene_copy(f->s, hash);
    for (; *unmerged != UINT32_MAX; unmerged++) tls_put_u32(list, *unmerged);
    assert_ok(parent_new(key, hash, &p));
    p->unmerged = mem_new(list->n);
    p->unmerged_n = p->unmerged_cap = (uint32_t)(list->n / 4);
    if (list->n > 0) memcpy(p->unmerged, list->p, list->n);
    assert_ok(tree_take_parent(t, node, p));
}

static void put_unmerged(struct forge *f, struct tree *t, uint32_t node, const uint32_t *unmerged)
{
    const struct parent *p = tree_parent(t, node);
    assert_non_null(p);
    if (f->s->wrong) put_parent(f, t, node, parent_key(p), parent_hash(p), unmerged);
}

static void put_key(struct forge *f, struct tree *t, uint32_t node, struct span key)
{
    static const uint32_t none[] = {UINT32_MAX};
    const struct parent *p = tree_parent(t, node);
    if (f->s->wrong) put_parent(f, t, node, key, p != NULL ? parent_hash(p) : span_of(NULL, 0), none);
}

// Nodes of the tree with five leaves: alice 0, mallory 1, carol 2, dave 3, erin 4; the parents of the first four are
// 1, 5 and 3, the root is 7. Mallory's path has 1, 3 and 7; 5 is dave's.
enum { NODE_ALICE_MALLORY = 1, NODE_LEFT = 3, NODE_CAROL_DAVE = 5, NODE_ROOT = 7, NODE_ERIN = 9 };

// ---------------------------------------------------------------------------------------------------- parent hashes

static void other_key(struct forge *f, struct tree *t) { put_key(f, t, NODE_CAROL_DAVE, forge_key(f->s, NULL)); }
static void other_key_of_root(struct forge *f, struct tree *t) { put_key(f, t, NODE_ROOT, forge_key(f->s, NULL)); }
static void key_from_nowhere(struct forge *f, struct tree *t) { put_key(f, t, NODE_ERIN, forge_key(f->s, NULL)); }

static void other_hash(struct forge *f, struct tree *t)
{
    static const uint32_t none[] = {UINT32_MAX};
    const struct parent *p = tree_parent(t, NODE_LEFT);
    if (f->s->wrong) put_parent(f, t, NODE_LEFT, parent_key(p), forge_damage(f->s, parent_hash(p)), none);
}

// Dave's leaf, which chains node 5, is replaced by one that he signed for an Update.
static void chain_cut(struct forge *f, struct tree *t)
{
    struct leaf l = forge_leaf(f->s, DAVE);
    if (!f->s->wrong) return;
    l.source = LEAF_UPDATE;
    struct span raw = forge_sign_leaf(f->s, &l, buf_span(&f->g->id), DAVE, forge_signature_key(f->s, DAVE));
    assert_ok(tree_set_leaf(t, DAVE, raw));
}

// A leaf below the sibling is another than the one that the path was encrypted to.
static void sibling_changed(struct forge *f, struct tree *t)
{
    struct leaf l = forge_leaf(f->s, CAROL);
    if (!f->s->wrong) return;
    l.encryption_key = forge_key(f->s, NULL);
    struct span raw = forge_sign_leaf(f->s, &l, buf_span(&f->g->id), CAROL, forge_signature_key(f->s, CAROL));
    assert_ok(tree_set_leaf(t, CAROL, raw));
}

// A merged leaf is called unmerged by both of its ancestors: then it would not count in the original tree hash.
static void merged_leaf(struct forge *f, struct tree *t)
{
    static const uint32_t dave[] = {DAVE, UINT32_MAX}, both[] = {DAVE, ERIN, UINT32_MAX};
    put_unmerged(f, t, NODE_CAROL_DAVE, dave);
    put_unmerged(f, t, NODE_LEFT, dave);
    put_unmerged(f, t, NODE_ROOT, both);
}

// The leaf at the end of the chain is called unmerged.
static void chain_unmerged(struct forge *f, struct tree *t)
{
    static const uint32_t mallory[] = {MALLORY, UINT32_MAX};
    put_unmerged(f, t, NODE_ALICE_MALLORY, mallory);
}

// A path whose root says that there is something above it. Mallory's leaf and the tree below agree with it.
static void root_with_hash(struct scene *s)
{
    struct forge f;
    forge_begin(&f, s, MALLORY);
    forge_value(&f, forge_add(s, scene_key_package(s, ERIN)));
    if (s->wrong) f.root_hash = span_str("there is nothing above the root");
    forge_commit(&f);
    offer(&f);
}

static void play_other_key(struct scene *s) { play(s, other_key); }
static void play_other_key_of_root(struct scene *s) { play(s, other_key_of_root); }
static void play_key_from_nowhere(struct scene *s) { play(s, key_from_nowhere); }
static void play_other_hash(struct scene *s) { play(s, other_hash); }
static void play_chain_cut(struct scene *s) { play(s, chain_cut); }
static void play_sibling_changed(struct scene *s) { play(s, sibling_changed); }
static void play_merged_leaf(struct scene *s) { play(s, merged_leaf); }
static void play_chain_unmerged(struct scene *s) { play(s, chain_unmerged); }

// --------------------------------------------------------------------------------------------------- unmerged leaves

static void unmerged_blank(struct forge *f, struct tree *t)
{
    static const uint32_t list[] = {ERIN, ERIN + 1, UINT32_MAX};
    put_unmerged(f, t, NODE_ROOT, list);
}

static void unmerged_elsewhere(struct forge *f, struct tree *t)
{
    static const uint32_t list[] = {ERIN, UINT32_MAX};
    put_unmerged(f, t, NODE_LEFT, list);
}

static void unmerged_beyond(struct forge *f, struct tree *t)
{
    static const uint32_t list[] = {ERIN, 8, UINT32_MAX};
    put_unmerged(f, t, NODE_ROOT, list);
}

static void unmerged_far_beyond(struct forge *f, struct tree *t)
{
    static const uint32_t list[] = {ERIN, 0x80000000, UINT32_MAX};
    put_unmerged(f, t, NODE_ROOT, list);
}

// The root calls carol unmerged, the nodes between do not.
static void unmerged_gap(struct forge *f, struct tree *t)
{
    static const uint32_t carol[] = {CAROL, ERIN, UINT32_MAX};
    put_unmerged(f, t, NODE_ROOT, carol);
}

// All but the lowest do.
static void unmerged_gap_below(struct forge *f, struct tree *t)
{
    static const uint32_t carol[] = {CAROL, ERIN, UINT32_MAX}, alone[] = {CAROL, UINT32_MAX};
    put_unmerged(f, t, NODE_ROOT, carol);
    put_unmerged(f, t, NODE_LEFT, alone);
}

static void unsorted(struct forge *f, struct tree *t)
{
    static const uint32_t list[] = {ERIN, CAROL, UINT32_MAX};
    put_unmerged(f, t, NODE_ROOT, list);
}

static void listed_twice(struct forge *f, struct tree *t)
{
    static const uint32_t list[] = {ERIN, ERIN, UINT32_MAX};
    put_unmerged(f, t, NODE_ROOT, list);
}

static void play_unmerged_blank(struct scene *s) { play(s, unmerged_blank); }
static void play_unmerged_elsewhere(struct scene *s) { play(s, unmerged_elsewhere); }
static void play_unmerged_beyond(struct scene *s) { play(s, unmerged_beyond); }
static void play_unmerged_far_beyond(struct scene *s) { play(s, unmerged_far_beyond); }
static void play_unmerged_gap(struct scene *s) { play(s, unmerged_gap); }
static void play_unmerged_gap_below(struct scene *s) { play(s, unmerged_gap_below); }
static void play_unsorted(struct scene *s) { play(s, unsorted); }
static void play_listed_twice(struct scene *s) { play(s, listed_twice); }

// ------------------------------------------------------------------------------------------------------------ keys

static void key_of_leaf(struct forge *f, struct tree *t) { put_key(f, t, NODE_CAROL_DAVE, tree_key(t, 2 * ALICE)); }
static void key_of_parent(struct forge *f, struct tree *t) { put_key(f, t, NODE_CAROL_DAVE, tree_key(t, NODE_LEFT)); }
static void key_short(struct forge *f, struct tree *t)
{
    put_key(f, t, NODE_CAROL_DAVE, span_of(forge_key(f->s, NULL).p, 31));
}
static void key_off_curve(struct forge *f, struct tree *t)
{
    put_key(f, t, NODE_CAROL_DAVE, forge_damage(f->s, forge_key(f->s, NULL)));
}
static void play_key_of_leaf(struct scene *s) { play(s, key_of_leaf); }
static void play_key_of_parent(struct scene *s) { play(s, key_of_parent); }
static void play_key_short(struct scene *s) { play(s, key_short); }
static void play_key_off_curve(struct scene *s) { play(s, key_off_curve); }

// ------------------------------------------------------------------------------------------------------ another tree

// The tree beside the Welcome is that of the epoch before.
static void tree_of_before(struct scene *s)
{
    struct forge f;
    struct buf *tree = scene_buf(s);
    const struct forge_welcome w = {.flaw = WELCOME_TREE_NONE, .signer = UINT32_MAX};
    build(&f, s, NULL);
    assert_ok(tree_encode(s->wrong ? &f.g->tree : &f.staged->tree, tree));
    forge_join(&f, ERIN, forge_welcome(&f, ERIN, &w), buf_span(tree));
    forge_free(&f);
}

// The tree inside is another than the GroupContext names.
static void tree_inside(struct scene *s)
{
    struct forge f;
    struct buf *tree = scene_buf(s);
    build(&f, s, NULL);
    assert_ok(tree_encode(s->wrong ? &f.g->tree : &f.staged->tree, tree));
    const struct forge_welcome w = {.signer = UINT32_MAX, .tree = buf_span(tree)};
    forge_join(&f, ERIN, forge_welcome(&f, ERIN, &w), span_of(NULL, 0));
    forge_join_external(&f, FRANK, forge_group_info(&f, &w, true));
    forge_free(&f);
}

// The bytes of the tree, changed where no tree hash can see it.
enum { BLANKS_BEHIND, LAST_PARENT, EMPTY, BYTES_BEHIND, LEAF_AS_PARENT, PRESENCE, LONG_LENGTH, PREFIX_11 };

static void tree_bytes(struct scene *s)
{
    struct forge f;
    struct buf *tree = scene_buf(s), *out = scene_buf(s);
    const struct forge_welcome w = {.flaw = WELCOME_TREE_NONE, .signer = UINT32_MAX};
    int how = s->wrong ? s->rule->arg : -1;
    build(&f, s, NULL);
    assert_ok(tree_encode(&f.staged->tree, tree));
    struct tls_reader r = tls_reader_of(buf_span(tree));
    struct span nodes = tls_vector(&r);
    size_t mark = tls_begin(out);
    size_t from = out->n;
    for (uint32_t i = 0; how == LAST_PARENT && i <= NODE_ALICE_MALLORY; i++) {
        assert_ok(tree_encode_node(&f.staged->tree, i, out));
    }
    if (how != EMPTY && how != LAST_PARENT) buf_put(out, nodes);
    if (how == BLANKS_BEHIND) buf_put(out, span_of((const uint8_t[6]){0}, 6));
    if (how == LEAF_AS_PARENT) out->p[from + 1] = 2;
    if (how == PRESENCE) out->p[from] = 2;
    tls_finish(out, mark);
    if (how == BYTES_BEHIND) buf_put_u8(out, 0);
    if (how == PREFIX_11) out->p[0] |= 0xc0;
    if (how == LONG_LENGTH) { // four bytes where two are enough
        struct buf *longer = scene_buf(s);
        tls_put_u32(longer, 0x80000000 | (uint32_t)nodes.n);
        buf_put(longer, nodes);
        assert_true(nodes.n < 16384);
        out = longer;
    }
    forge_join(&f, ERIN, forge_welcome(&f, ERIN, &w), buf_span(out));
    forge_free(&f);
}

static const struct rule rules[] = {
    {MLS_E_TREE_HASH, "12.4.3.1", "the tree beside the Welcome is another", tree_of_before, NULL, 0, 0},
    {MLS_E_TREE_HASH, "12.4.3.3", "the tree inside the GroupInfo is another", tree_inside, NULL, 0, 0},

    // That both children of a node chain to it, the other half of "exactly one", would take a collision of hashes: each
    // hash would have to cover the other.
    {MLS_E_TREE_PARENT_HASH, "7.9.2", "a parent with a key of the inviter's", play_other_key, NULL, 0, 0},
    {MLS_E_TREE_PARENT_HASH, "7.9.2", "a root with a key of the inviter's", play_other_key_of_root, NULL, 0, 0},
    {MLS_E_TREE_PARENT_HASH, "7.9.2", "a parent where no path has led", play_key_from_nowhere, NULL, 0, 0},
    {MLS_E_TREE_PARENT_HASH, "7.9.2", "a parent_hash field with other bytes", play_other_hash, NULL, 0, 0},
    {MLS_E_TREE_PARENT_HASH, "7.9.2", "the leaf at the end of the chain is another", play_chain_cut, NULL, 0, 0},
    {MLS_E_TREE_PARENT_HASH, "7.9.2", "a leaf below the sibling is another", play_sibling_changed, NULL, 0, 0},
    {MLS_E_TREE_PARENT_HASH, "7.9.2", "a merged leaf is called unmerged", play_merged_leaf, NULL, 0, 0},
    {MLS_E_TREE_PARENT_HASH, "7.9.2", "the leaf of the chain is called unmerged", play_chain_unmerged, NULL, 0, 0},
    {MLS_E_TREE_PARENT_HASH, "7.9", "a root with something above it", root_with_hash, NULL, 0, 0},

    {MLS_E_TREE_UNMERGED_LEAF, "12.4.3.1", "a blank leaf", play_unmerged_blank, NULL, 0, 0},
    {MLS_E_TREE_UNMERGED_LEAF, "12.4.3.1", "a leaf that is no descendant", play_unmerged_elsewhere, NULL, 0, 0},
    {MLS_E_TREE_UNMERGED_LEAF, "12.4.3.1", "a leaf outside of the tree", play_unmerged_beyond, NULL, 0, 0},
    {MLS_E_TREE_UNMERGED_LEAF, "12.4.3.1", "a leaf outside of any tree", play_unmerged_far_beyond, NULL, 0, 0},
    {MLS_E_TREE_UNMERGED_PATH, "12.4.3.1", "at the root alone", play_unmerged_gap, NULL, 0, 0},
    {MLS_E_TREE_UNMERGED_PATH, "12.4.3.1", "everywhere but at the lowest node", play_unmerged_gap_below, NULL, 0, 0},
    {MLS_E_MALFORMED, "7.1", "unmerged leaves out of order", play_unsorted, NULL, 0, 0},
    {MLS_E_MALFORMED, "7.1", "an unmerged leaf twice", play_listed_twice, NULL, 0, 0},

    {MLS_E_TREE_KEY_TWICE, "12.4.3.1", "a parent with a leaf's key", play_key_of_leaf, NULL, 0, 0},
    {MLS_E_TREE_KEY_TWICE, "12.4.3.1", "two parents with one key", play_key_of_parent, NULL, 0, 0},
    {MLS_E_TREE_KEY_INVALID, "5.1.1", "too short", play_key_short, NULL, 0, 0},
    {MLS_E_TREE_KEY_INVALID, "5.1.1", "off the curve", play_key_off_curve, NULL, SCENE_P256, 0},

    {MLS_E_MALFORMED, "12.4.3.3", "blank nodes behind the last", tree_bytes, NULL, 0, BLANKS_BEHIND},
    {MLS_E_MALFORMED, "12.4.3.3", "a parent as the last node, with no leaf to its right", tree_bytes, NULL, 0,
     LAST_PARENT},
    {MLS_E_MALFORMED, "12.4.3.3", "no nodes", tree_bytes, NULL, 0, EMPTY},
    {MLS_E_MALFORMED, "12.4.3.3", "bytes behind the tree", tree_bytes, NULL, 0, BYTES_BEHIND},
    {MLS_E_MALFORMED, "12.4.3.3", "a parent in a leaf's place", tree_bytes, NULL, 0, LEAF_AS_PARENT},
    {MLS_E_MALFORMED, "2.1.2", "a length in more bytes than necessary", tree_bytes, NULL, 0, LONG_LENGTH},
    {MLS_E_MALFORMED, "2.1.2", "a length that starts with two ones", tree_bytes, NULL, 0, PREFIX_11},
    {MLS_E_MALFORMED, "2.1.1", "a presence octet that is neither 0 nor 1", tree_bytes, NULL, 0, PRESENCE},
};

int main(void) { return rules_run("rules-tree", rules, sizeof rules / sizeof *rules); }
