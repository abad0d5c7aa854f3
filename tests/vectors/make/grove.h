// SPDX-License-Identifier: Apache-2.0
//
// vectors/make/grove: a ratchet tree with the private state of all of its members, and commits that change it: TreeKEM
// without messages. It knows every path secret that a member knows, which a group of libmls does not keep.
#ifndef WHIMBREL_VECTORS_MAKE_GROVE_H
#define WHIMBREL_VECTORS_MAKE_GROVE_H

#include "tree/path.h"
#include "vectors/make/kit.h"

enum { GROVE_MAX = 128 }; // leaves

struct grove_leaf {
    struct span signature_key, encryption_key; // private
    bool known[TREE_MAX_LEVELS];               // which path secrets it knows, by level
    struct secret path[TREE_MAX_LEVELS];
};

struct grove {
    struct make *m;
    struct kit_client client;
    struct tree tree;
    struct span group_id;
    struct grove_leaf *leaf; // GROVE_MAX of them
    uint32_t names;          // members so far
};

// A group of one.
void grove_open(struct make *m, struct grove *g);
void grove_close(struct grove *g);

// A KeyPackage of somebody new, and the private keys that go with it, for the leaf where it is going to stand.
struct span grove_key_package(struct grove *g, struct grove_leaf *keys);
// An Update of a member: its new LeafNode. The private key enters keys.
struct span grove_update(struct grove *g, uint32_t leaf, struct grove_leaf *keys);

// A commit: Updates, Removes, Adds, then the path of the committer, if it has one.
struct grove_commit {
    uint32_t by;
    const uint32_t *updated, *removed;
    size_t n_updated, n_removed, added;
    bool path;
};
void grove_commit(struct grove *g, const struct grove_commit *c);

// get_tree(n) of the formats' description: leaf i commits adding leaf i + 1.
void grove_grow(struct grove *g, uint32_t n);
// Random commits, with at least `least` members and at most `most`.
void grove_live(struct grove *g, uint32_t commits, uint32_t least, uint32_t most);

// A fresh path of a member on an overlay over the tree, which must be wiped with tree_wipe.
struct grove_path {
    struct tree after;
    struct path_draft draft;
};
void grove_make_path(struct grove *g, uint32_t by, struct grove_path *out);

// The shapes that trees of vectors have, from simple to complicated.
struct grove_shape {
    const char *name;
    void (*build)(struct grove *g, uint32_t n);
    uint32_t n;
    bool small; // the one that stands for all where little is wanted
};
const struct grove_shape *grove_shape_at(size_t i); // NULL past the end

#endif
