// SPDX-License-Identifier: Apache-2.0
//
// tree/check: the rules that leaves and trees must keep (RFC 9420 §7.3, §7.9.2, §12.4.3.1, §13.4). Nothing here changes
// a tree. What only the application can judge (credentials, §5.3.1) is asked for through a callback.
#ifndef WHIMBREL_TREE_CHECK_H
#define WHIMBREL_TREE_CHECK_H

#include "tree/parallel.h"
#include "tree/rule.h"
#include "tree/tree.h"

// Why a credential is being looked at.
enum check_purpose { CHECK_ADD, CHECK_UPDATE, CHECK_COMMIT, CHECK_JOIN, CHECK_EXTERNAL_COMMIT };

// What a leaf is held against.
struct check_rules {
    struct span group_id;
    struct span extensions; // of the GroupContext
    uint64_t now;           // seconds since 1970
    uint64_t max_lifetime;  // seconds; UINT64_MAX: any
    bool lifetime;          // whether `now` must lie inside a lifetime
    const struct executor *executor;
    // Accepts a credential (ERR_OK) or refuses it. `replaced` is the leaf that this one takes the place of, or NULL.
    enum err (*credential)(void *arg, enum check_purpose why, const struct leaf *leaf, const struct leaf *replaced);
    void *arg;
};

// What can be said of a leaf by itself and against the GroupContext: keys, signature (for the group and index where the
// source is update or commit), source, lifetime, capabilities, extensions, certificate; not the credential.
enum err check_leaf(const struct algo *a, const struct check_rules *rules, const struct leaf *l, enum leaf_source source,
                    uint32_t index);
// The same without the signature.
enum err check_leaf_fields(const struct algo *a, const struct check_rules *rules, const struct leaf *l,
                           enum leaf_source source);

// What the changes of an overlay do to the whole: unique keys, credential types that everybody supports.
enum err check_overlay(const struct tree *overlay);
// The same of one leaf that is about to come into a tree, in the place of leaf `instead` (UINT32_MAX: of none).
enum err check_newcomer(const struct tree *t, const struct leaf *l, uint32_t instead);
// Whether every member supports all that the extensions of a GroupContext ask for.
enum err check_extensions(const struct tree *t, struct span extensions);

// All that a joiner must check of a tree (§12.4.3.1) but for its hash.
enum err check_tree(const struct algo *a, const struct check_rules *rules, struct tree *t);
// Only the parent hashes (§7.9.2). x may be NULL.
enum err check_parent_hashes(const struct algo *a, const struct executor *x, struct tree *t);
// Only the lists of unmerged leaves.
enum err check_unmerged(const struct tree *t);

#endif
