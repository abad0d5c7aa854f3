// SPDX-License-Identifier: Apache-2.0
//
// tests/fuzz/grow: ratchet trees that grow as an input says: members come, go and update, overlays are laid, merged and
// dropped. Each step tells what it did, so that a model can do the same. Which leaves and keys it uses is the caller's
// choice: unsigned ones are enough for a tree by itself, joiners want signed ones.
#ifndef WHIMBREL_TESTS_FUZZ_GROW_H
#define WHIMBREL_TESTS_FUZZ_GROW_H

#include "kit.h"
#include "tree/path.h"

enum { GROW_LEAVES = 64 }; // a tree does not grow beyond

enum grow_kind {
    GROW_NOTHING,
    GROW_ADD,     // raw at the leftmost blank leaf `at`
    GROW_REMOVE,  // leaf `at`
    GROW_UPDATE,  // leaf `at` becomes raw, its path blank
    GROW_PATH,    // the same, with these parents; `at` may be one behind the last: a joiner
    GROW_OVERLAY, // an overlay is laid over the tree
    GROW_MERGE,
    GROW_DROP,
    GROW_HASH,   // node `at` is hashed: nothing changes
    GROW_BLANK,  // node `at`, whatever it is. Nobody does that
    GROW_PARENT, // parent[0] with these unmerged leaves. Nor that
};

struct grow_op {
    enum grow_kind kind;
    uint32_t at;
    struct span raw;
    size_t n;
    struct {
        uint32_t node;
        struct span key, hash;
    } parent[TREE_MAX_LEVELS];
    struct span unmerged; // big-endian, as encoded
};

// A leaf that is wanted.
struct grow_leaf {
    uint32_t index;
    enum leaf_source source;
    struct span parent_hash;
    uint8_t flavour; // capabilities, credential and keys, as the maker understands them
};

struct grow {
    struct algo algo;
    struct tree whole, over;
    struct tree *t; // the one that changes
    bool honest;    // all that was done, commits can do
    bool owed;      // a member was removed since the last path: every such commit has one (§12.4)
    bool owed_before; // the same, as the overlay was laid
    uint32_t fresh; // numbers of keys
    // Bytes of a LeafNode, which must decode, and of a public key for an ancestor of `leaf`; until the input ends.
    struct span (*make_leaf)(struct grow *g, const struct grow_leaf *want);
    struct span (*make_key)(struct grow *g, uint32_t leaf, uint32_t level);
    void *arg;
};

// An empty tree, with makers of unsigned leaves and of keys that nobody has.
void grow_init(struct grow *g, struct algo algo);
void grow_wipe(struct grow *g);
// The first leaf.
void grow_found(struct grow *g, uint8_t flavour);
// One step; *op tells what happened.
void grow_step(struct grow *g, struct feed *f, struct grow_op *op);
// What a committer does to a tree: fresh parents on the filtered path, and the leaf.
void grow_path(struct grow *g, uint32_t leaf, uint8_t flavour, struct grow_op *op);

// A LeafNode without its signature, of this flavour and with these keys.
struct span grow_leaf_unsigned(const struct grow_leaf *want, struct span encryption_key, struct span signature_key);
// 32 bytes that are the only ones with this number.
struct span grow_number(uint32_t kind, uint32_t number);

#endif
