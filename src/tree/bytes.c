// SPDX-License-Identifier: Apache-2.0
//
// The ratchet tree as bytes: the ratchet_tree extension (RFC 9420 §12.4.3.3) and single nodes for storage. Decoding
// checks the structure (types alternate, the last node is not blank, lists are in order) and that no key stands twice; the
// other rules of a valid tree are checked by tree/check.
#include "tree/rule.h"
#include "tree/slot.h"

enum { NODE_TYPE_LEAF = 1, NODE_TYPE_PARENT = 2 };
// Bytes that most often follow a tree in the same buffer: what signs it, say. So it is not moved for them.
enum { ROOM_BEHIND = 512 };

// One optional<Node> into a tree; nodes at even places must be leaves, at odd ones parents.
enum err tree_read_node(struct tree *t, uint32_t node, struct tls_reader *r)
{
    if (!tls_optional(r)) return r->err != ERR_OK ? r->err : tree_blank(t, node);
    uint8_t type = tls_u8(r);
    if (type != (node_is_leaf(node) ? NODE_TYPE_LEAF : NODE_TYPE_PARENT)) tls_fail(r);
    if (r->err != ERR_OK) return r->err;
    if (node_is_leaf(node)) {
        struct leaf l;
        leaf_read(r, &l);
        return r->err != ERR_OK ? r->err : tree_set_leaf(t, node / 2, l.raw);
    }
    struct parent *p = NULL;
    enum err e = parent_read(r, &p);
    return e != ERR_OK ? e : tree_take_parent(t, node, p);
}

// Skips one optional<Node> and tells whether it is present.
static bool skip_node(struct tls_reader *r)
{
    struct leaf l;
    if (!tls_optional(r)) return false;
    if (tls_u8(r) == NODE_TYPE_LEAF) {
        leaf_read(r, &l);
    } else {
        for (int i = 0; i < 3; i++) (void)tls_vector(r);
    }
    return true;
}

// Whether the node that has just been read has the key of one before it. It is asked at once: to put a key into the index
// takes as long as there are others like it, and so a tree of one key would take the square of its size.
// RFC 9420 §12.4.3.1: "Verify that the encryption key in the parent node does not appear in any other node of the tree."
static enum err check_new_keys(const struct tree *t, uint32_t node)
{
    uint32_t other;
    if (tree_key_twin(t, node, INDEX_SIGNATURE, &other)) return rule(MLS_E_LEAF_SIGNATURE_KEY_TAKEN);
    if (!tree_key_twin(t, node, INDEX_ENCRYPTION, &other)) return ERR_OK;
    bool leaves = node_is_leaf(node) && node_is_leaf(other);
    return rule(leaves ? MLS_E_LEAF_ENCRYPTION_KEY_TAKEN : MLS_E_TREE_KEY_TWICE);
}

static bool has_leaves(const struct tree *t, uint32_t node)
{
    const uint32_t first = math_first_leaf(node), count = math_leaf_count(node);
    for (uint32_t leaf = first; leaf < first + count && leaf <= t->last; leaf++) {
        if (!tree_is_blank(t, 2 * leaf)) return true;
    }
    return false;
}

// Whether below each parent there are leaves on both sides. Who commits leaves out the parents beside which nobody is (§4.1.2),
// and who goes blanks all those above (§12.1.3): so nobody can have built another tree. And in one that shrinks later, such
// a parent would be cut off without having been blanked.
static bool has_shape(const struct tree *t)
{
    for (uint32_t node = 1; node < math_width(t->leaves); node += 2) {
        if (tree_is_blank(t, node)) continue;
        if (!has_leaves(t, math_left(node)) || !has_leaves(t, math_right(node))) return false;
    }
    return true;
}

enum err tree_decode(struct tree *t, struct span ratchet_tree)
{
    struct tls_reader r = tls_reader_of(ratchet_tree), in = tls_open(&r), ahead = in;
    uint32_t count = 0, keys = 0;
    bool last = false;
    while (tls_left(&ahead) > 0 && count < math_width(t->most)) {
        last = skip_node(&ahead);
        if (last) keys += node_is_leaf(count) ? 2 : 1;
        count++;
    }
    if (ahead.err != ERR_OK || tls_end(&r) != ERR_OK) return ERR_MALFORMED;
    if (tls_left(&ahead) > 0) return ERR_LIMIT;
    // RFC 9420 §12.4.3.3: "The receiver MUST check that the last node in ratchet_tree is non-blank".
    if (count == 0 || !last) return ERR_MALFORMED;
    enum err e = tree_resize(t, math_full(count / 2 + 1));
    if (e == ERR_OK) e = tree_reserve_keys(t, keys);
    for (uint32_t i = 0; e == ERR_OK && i < count; i++) {
        e = tree_read_node(t, i, &in);
        if (e == ERR_OK) e = check_new_keys(t, i);
    }
    if (e == ERR_OK) e = tls_end(&in);
    // A last node that is a parent, or a right half without leaves, is no tree that anybody can have built.
    if (e == ERR_OK) {
        uint32_t leaves = t->leaves;
        tree_truncate(t);
        if (t->leaves != leaves || t->members == 0) e = ERR_MALFORMED;
        else if (!has_shape(t)) e = rule(MLS_E_TREE_PARENT_HASH);
    }
    return e;
}

// One optional<Node>; NULL is a blank one.
static void write_node(struct buf *out, bool leaf, const void *node)
{
    tls_put_u8(out, node != NULL);
    if (node == NULL) return;
    tls_put_u8(out, leaf ? NODE_TYPE_LEAF : NODE_TYPE_PARENT);
    if (leaf) buf_put(out, span_of(((const struct leaf_bytes *)node)->b, ((const struct leaf_bytes *)node)->n));
    else parent_write(out, node);
}

static size_t node_size(bool leaf, const void *node)
{
    if (node == NULL) return 1;
    return 2 + (leaf ? ((const struct leaf_bytes *)node)->n : parent_size(node));
}

enum err tree_encode_node(const struct tree *t, uint32_t node, struct buf *out)
{
    write_node(out, node_is_leaf(node), tree_node(t, node));
    return buf_end(out);
}

// All nodes of a tree in one array, so that an overlay is not asked for each; *copy owns it where it had to be made.
static enum err flatten(const struct tree *t, void *const **nodes, void ***copy)
{
    uint64_t key;
    const struct tree_slot *s;
    *copy = NULL;
    *nodes = t->node;
    if (t->under == NULL) return ERR_OK;
    size_t width = math_width(t->leaves);
    void **all = mem_new_array(width, sizeof *all);
    if (all == NULL) return ERR_MEMORY;
    size_t below = math_width(t->under->leaves);
    memcpy(all, t->under->node, (width < below ? width : below) * sizeof *all);
    for (size_t at = 0; (s = map_next(&t->slots, &at, &key)) != NULL;) {
        if (s->set && key < width) all[key] = s->node;
    }
    *nodes = *copy = all;
    return ERR_OK;
}

// As opaque<V> around it, with its own length in front, if `wrapped`.
static enum err encode(const struct tree *t, bool wrapped, struct buf *out)
{
    void *const *node;
    void **copy;
    size_t n = 0, count = t->leaves == 0 ? 0 : math_width(t->leaves);
    enum err e = flatten(t, &node, &copy);
    if (e != ERR_OK) return e;
    // RFC 9420 §12.4.3.3: "the sender MUST NOT include blank nodes after the last non-blank node."
    while (count > 0 && node[count - 1] == NULL) count--;
    for (size_t i = 0; i < count; i++) n += node_size(node_is_leaf((uint32_t)i), node[i]);
    buf_reserve(out, tls_vector_size(tls_vector_size(n)) + ROOM_BEHIND);
    if (wrapped) tls_put_length(out, tls_vector_size(n));
    tls_put_length(out, n);
    for (size_t i = 0; i < count; i++) write_node(out, node_is_leaf((uint32_t)i), node[i]);
    mem_free(copy);
    return buf_end(out);
}

enum err tree_encode(const struct tree *t, struct buf *out) { return encode(t, false, out); }
enum err tree_encode_data(const struct tree *t, struct buf *out) { return encode(t, true, out); }

enum err tree_restore_node(struct tree *t, uint32_t node, struct span optional_node)
{
    if (t->under != NULL || node >= math_width(t->leaves)) return ERR_CORRUPT;
    struct tls_reader r = tls_reader_of(optional_node);
    enum err e = tree_read_node(t, node, &r);
    if (e == ERR_OK) e = tls_end(&r);
    return e == ERR_MALFORMED ? ERR_CORRUPT : e;
}
