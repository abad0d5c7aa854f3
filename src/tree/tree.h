// SPDX-License-Identifier: Apache-2.0
//
// tree/tree: the ratchet tree of one epoch (RFC 9420 §4.1, §7): public nodes, their cached hashes, an index of keys
// and counts of capabilities. A tree is either whole, or an overlay that holds only what differs from the whole tree
// under it: so a commit is tried out on an overlay in O(log N), and then merged or dropped. Private keys live in
// tree/path, rules of validity in tree/check.
//
// Invariants: a cached hash is the hash of its subtree; a node without a slot in an overlay has the same subtree as
// in the tree below; where a cached hash is missing, it is missing in all ancestors too.
#ifndef WHIMBREL_TREE_TREE_H
#define WHIMBREL_TREE_TREE_H

#include "base/map.h"
#include "tree/index.h"
#include "tree/math.h"
#include "tree/node.h"

// A list of node numbers or leaf indices, as long as memory allows.
struct nodes {
    uint32_t *v;
    size_t n, cap;
};
enum err nodes_put(struct nodes *l, uint32_t v);
void nodes_free(struct nodes *l);

// What is counted over the members' capabilities.
enum tree_count {
    COUNT_CREDENTIAL_USED = 0,      // members whose credential has this type
    COUNT_CREDENTIAL_SUPPORTED = 1, // members whose capabilities list it
    COUNT_EXTENSION_SUPPORTED = 2,
    COUNT_PROPOSAL_SUPPORTED = 3,
};

struct tree {
    struct tree *under; // NULL: a whole tree
    uint32_t leaves;    // a power of two
    uint32_t members;   // leaves that are not blank
    uint32_t hint;      // no blank leaf lies left of this one
    uint32_t last;      // no member lies right of this leaf
    uint32_t most;      // how many leaves it may have: a power of two, TREE_MAX_LEAVES at most
    uint8_t nh;
    uint32_t cap;      // whole: leaves for which there is room below
    void **node;       // whole: a pointer a node, to struct leaf_bytes or struct parent; NULL where blank
    uint8_t *hash;     // whole: nh bytes a node
    uint8_t *hashed;   // whole: whether hash[] is valid
    struct map slots;  // overlay: node number -> struct tree_slot
    struct index keys; // of the nodes that this tree itself holds
    struct map counts; // (kind << 16 | type) -> int64_t; in an overlay the difference
};

void tree_init(struct tree *t, uint8_t nh, const uint64_t seed[2]);
// An overlay over a whole tree, which must neither change nor go while the overlay lives.
void tree_overlay(struct tree *t, struct tree *under);
void tree_wipe(struct tree *t);

// Makes sure that tree_merge cannot fail.
enum err tree_reserve(struct tree *whole, const struct tree *overlay);
// Moves the overlay's nodes into the whole tree under it and empties the overlay.
void tree_merge(struct tree *overlay);
// The nodes that the overlay sets (blank ones too): start with *at = 0; false at the end.
bool tree_changed(const struct tree *overlay, size_t *at, uint32_t *node);

// -------------------------------------------------------------------------------------------------- looking

bool tree_is_blank(const struct tree *t, uint32_t node);
// The LeafNode as encoded, valid while the leaf stands; empty where it is blank.
struct span tree_leaf_raw(const struct tree *t, uint32_t leaf);
// ERR_NOT_FOUND where the leaf is blank or outside the tree.
enum err tree_leaf(const struct tree *t, uint32_t leaf, struct leaf *out);
// NULL where the node is blank or outside the tree.
const struct parent *tree_parent(const struct tree *t, uint32_t node);
// The public encryption key of a node; empty where it is blank.
struct span tree_key(const struct tree *t, uint32_t node);
bool tree_find_key(const struct tree *t, struct span key, enum index_kind kind, uint32_t *node);
// Whether a node's key of this kind is in another node too.
bool tree_key_shared(const struct tree *t, uint32_t node, enum index_kind kind);
bool tree_key_twin(const struct tree *t, uint32_t node, enum index_kind kind, uint32_t *other);
size_t tree_count(const struct tree *t, enum tree_count kind, uint16_t type);
// Credential types in use: start with *at = 0; false at the end.
bool tree_credential_in_use(const struct tree *t, size_t *at, uint16_t *type);
// The leftmost blank leaf; t->leaves if there is none.
uint32_t tree_first_blank(const struct tree *t);
// Whether a node and all below it are blank: then its resolution is empty.
bool tree_is_empty(const struct tree *t, uint32_t node);
// The resolution of a node (§4.1.1), appended to out, without the leaves in `except` (leaf indices, increasing;
// NULL for none).
enum err tree_resolution(const struct tree *t, uint32_t node, const struct nodes *except, struct nodes *out);

// -------------------------------------------------------------------------------------------------- changing

// Copies the LeafNode; raw decodes. Grows nothing: leaf < t->leaves.
enum err tree_set_leaf(struct tree *t, uint32_t leaf, struct span raw);
enum err tree_blank(struct tree *t, uint32_t node);
// Blanks the ancestors of a leaf, not the leaf.
enum err tree_blank_path(struct tree *t, uint32_t leaf);
// A parent with no unmerged leaves.
enum err tree_set_parent(struct tree *t, uint32_t node, struct span key, struct span parent_hash);
// Takes the parent, on an error too.
enum err tree_take_parent(struct tree *t, uint32_t node, struct parent *take_p);
// Adds a member at the leftmost blank leaf, extending the tree if need be (§12.1.1); *leaf tells where.
enum err tree_add(struct tree *t, struct span raw, uint32_t *leaf);
// Takes a member out, blanks its path and truncates the tree (§12.1.3).
enum err tree_remove(struct tree *t, uint32_t leaf);
// Doubles the number of leaves. ERR_LIMIT at t->most.
enum err tree_extend(struct tree *t);
// Halves it while the right half has no members.
void tree_truncate(struct tree *t);

// -------------------------------------------------------------------------------- as bytes (§12.4.3.3), and hashes

// `optional<Node> ratchet_tree<V>` into a whole, empty tree. Structure is checked; rules are not (see tree/check), but that
// no key stands twice: MLS_E_LEAF_SIGNATURE_KEY_TAKEN, MLS_E_LEAF_ENCRYPTION_KEY_TAKEN, MLS_E_TREE_KEY_TWICE.
enum err tree_decode(struct tree *t, struct span ratchet_tree);
enum err tree_encode(const struct tree *t, struct buf *out);
// The same as the content of an extension: `opaque extension_data<V>` with the vector in it.
enum err tree_encode_data(const struct tree *t, struct buf *out);
// One node as optional<Node>, for storage.
enum err tree_encode_node(const struct tree *t, uint32_t node, struct buf *out);
// Reads one optional<Node> and sets it. The error sticks in the reader, or is returned.
enum err tree_read_node(struct tree *t, uint32_t node, struct tls_reader *r);
// Sets one node of a whole tree from optional<Node>. ERR_CORRUPT if it is none.
enum err tree_restore_node(struct tree *t, uint32_t node, struct span optional_node);
// Gives a whole, empty tree its number of leaves, a power of two.
enum err tree_resize(struct tree *t, uint32_t leaves);
// Room for n more keys in the index, so that it does not grow bit by bit while a whole tree is read.
enum err tree_reserve_keys(struct tree *t, size_t n);

// The tree hash of a node (§7.8), nh bytes.
enum err tree_hash(const struct algo *a, struct tree *t, uint32_t node, uint8_t *out);
// Hashes the lower part of a whole tree, not an overlay, with the help of an executor (NULL: does nothing), so that tree_hash of
// the root has little left to do.
struct executor;
enum err tree_hash_below(const struct algo *a, const struct executor *x, struct tree *t);
// The original tree hash (§7.9): that of a node as if the unmerged leaves of p were blank and unmerged nowhere.
enum err tree_original_hash(const struct algo *a, struct tree *t, uint32_t node, const struct parent *p, uint8_t *out);
// The parent hash of a node with this key and parent_hash field, and this copath child (§7.9), nh bytes. p gives the
// unmerged leaves; NULL for none.
enum err tree_parent_hash(const struct algo *a, struct tree *t, struct span key, struct span hash, uint32_t copath,
                          const struct parent *p, uint8_t *out);

#endif
