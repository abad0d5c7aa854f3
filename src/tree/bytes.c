// SPDX-License-Identifier: Apache-2.0
//
// The ratchet tree as bytes: the ratchet_tree extension (RFC 9420 §12.4.3.3) and single nodes for storage. Decoding
// checks the structure (types alternate, the last node is not blank, lists are in order); the rules of a valid tree
// are checked by tree/check.
#include "tree/slot.h"

enum { NODE_TYPE_LEAF = 1, NODE_TYPE_PARENT = 2 };

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

enum err tree_decode(struct tree *t, struct span ratchet_tree)
{
    struct tls_reader r = tls_reader_of(ratchet_tree), in = tls_open(&r), ahead = in;
    uint32_t count = 0;
    bool last = false;
    while (tls_left(&ahead) > 0 && count < math_width(t->most)) {
        last = skip_node(&ahead);
        count++;
    }
    if (ahead.err != ERR_OK || tls_end(&r) != ERR_OK) return ERR_MALFORMED;
    if (tls_left(&ahead) > 0) return ERR_LIMIT;
    // RFC 9420 §12.4.3.3: "The receiver MUST check that the last node in ratchet_tree is non-blank".
    if (count == 0 || !last) return ERR_MALFORMED;
    enum err e = tree_resize(t, math_full(count / 2 + 1));
    for (uint32_t i = 0; e == ERR_OK && i < count; i++) e = tree_read_node(t, i, &in);
    if (e == ERR_OK) e = tls_end(&in);
    // A last node that is a parent, or a right half without leaves, is no tree that anybody can have built.
    if (e == ERR_OK) {
        uint32_t leaves = t->leaves;
        tree_truncate(t);
        if (t->leaves != leaves || t->members == 0) e = ERR_MALFORMED;
    }
    return e;
}

enum err tree_encode_node(const struct tree *t, uint32_t node, struct buf *out)
{
    tls_put_u8(out, !tree_is_blank(t, node));
    if (tree_is_blank(t, node)) return buf_end(out);
    tls_put_u8(out, node_is_leaf(node) ? NODE_TYPE_LEAF : NODE_TYPE_PARENT);
    if (node_is_leaf(node)) buf_put(out, tree_leaf_raw(t, node / 2));
    else parent_write(out, tree_parent(t, node));
    return buf_end(out);
}

enum err tree_encode(const struct tree *t, struct buf *out)
{
    uint32_t count = t->leaves == 0 ? 0 : math_width(t->leaves);
    // RFC 9420 §12.4.3.3: "the sender MUST NOT include blank nodes after the last non-blank node."
    while (count > 0 && tree_is_blank(t, count - 1)) count--;
    size_t mark = tls_begin(out);
    enum err e = buf_end(out);
    for (uint32_t i = 0; e == ERR_OK && i < count; i++) e = tree_encode_node(t, i, out);
    tls_finish(out, mark);
    return e == ERR_OK ? buf_end(out) : e;
}

enum err tree_restore_node(struct tree *t, uint32_t node, struct span optional_node)
{
    if (t->under != NULL || node >= math_width(t->leaves)) return ERR_CORRUPT;
    struct tls_reader r = tls_reader_of(optional_node);
    enum err e = tree_read_node(t, node, &r);
    if (e == ERR_OK) e = tls_end(&r);
    return e == ERR_MALFORMED ? ERR_CORRUPT : e;
}
