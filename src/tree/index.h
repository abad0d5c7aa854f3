// SPDX-License-Identifier: Apache-2.0
//
// tree/index: which node holds a public key. RFC 9420 wants keys to be unique in a tree (§7.3, §12.4.2, §12.4.3.1);
// asking every node would make each commit O(N). The index keeps node numbers only, four bytes an entry; the keys
// themselves stay in the nodes, and a lookup compares with them. It is keyed with a random seed, since the keys that
// it hashes come from outside.
#ifndef WHIMBREL_TREE_INDEX_H
#define WHIMBREL_TREE_INDEX_H

#include "base/base.h"

enum index_kind { INDEX_ENCRYPTION = 0, INDEX_SIGNATURE = 1 };

struct index {
    uint32_t *slot;       // 0 empty, UINT32_MAX deleted, else 1 + 2 * node + kind
    size_t cap, n, dirty; // slots, entries, entries and deleted ones
    uint64_t seed[2];
};

// Tells a node's key of this kind; an empty span where it has none (any more).
typedef struct span index_key_of(const void *tree, uint32_t node, enum index_kind kind);

void index_init(struct index *x, const uint64_t seed[2]);
void index_free(struct index *x);
// Room for n more entries, so that as many index_put cannot fail.
enum err index_reserve(struct index *x, size_t n, index_key_of *key_of, const void *tree);
// Needs room made by index_reserve.
void index_put(struct index *x, struct span key, uint32_t node, enum index_kind kind);
void index_delete(struct index *x, struct span key, uint32_t node, enum index_kind kind);
// Finds a node, other than `except`, for which key_of still gives this key.
bool index_find(const struct index *x, struct span key, enum index_kind kind, uint32_t except, index_key_of *key_of,
                const void *tree, uint32_t *node);

#endif
