// SPDX-License-Identifier: Apache-2.0
//
// tree/slot: what tree.c and hash.c share of the inside of a tree. Private to the room.
#ifndef WHIMBREL_TREE_SLOT_H
#define WHIMBREL_TREE_SLOT_H

#include "tree/tree.h"

// A leaf as a tree holds it: the LeafNode's own bytes.
struct leaf_bytes {
    uint32_t n;
    uint8_t b[];
};

// What an overlay says of one node.
struct tree_slot {
    void *node; // meaningful if `set`
    bool set;   // else the slot only hides a hash of the tree below
    bool hashed;
    uint8_t hash[CRYPTO_HASH_MAX];
};

// A struct leaf_bytes or struct parent; NULL where the node is blank or outside the tree.
void *tree_node(const struct tree *t, uint32_t node);

static inline bool node_is_leaf(uint32_t node) { return (node & 1) == 0; }

#endif
