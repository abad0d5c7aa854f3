// SPDX-License-Identifier: Apache-2.0
//
// tree/path: TreeKEM (RFC 9420 §7.4 to §7.6): the private keys that a member has along its direct path, and update
// paths, made and applied. Works on a tree to which the proposals of the commit have been applied, normally an overlay.
#ifndef WHIMBREL_TREE_PATH_H
#define WHIMBREL_TREE_PATH_H

#include "tree/parallel.h"
#include "tree/tree.h"

// The private keys of one member: level 0 is its leaf, level k its ancestor there. secret
struct path_keys {
    uint32_t leaf;
    bool have[TREE_MAX_LEVELS];
    uint8_t key[TREE_MAX_LEVELS][CRYPTO_SK_MAX];
};
void path_keys_wipe(struct path_keys *k);
// Wipes the keys of ancestors that are blank now or lie outside of the tree.
void path_keys_prune(struct path_keys *k, const struct tree *t);
// Sets the keys of the ancestors from `level` up, as far as they are not blank, from the path secret of that level.
// ERR_INVALID if a derived public key is not that of the tree.
enum err path_keys_derive(const struct algo *a, struct path_keys *k, const struct tree *t, uint32_t level,
                          const struct secret *path_secret, struct secret *commit_secret);

// Levels of the filtered direct path of a leaf (§4.1.2), from below; *n of them.
void path_filtered(const struct tree *t, uint32_t leaf, uint32_t levels[TREE_MAX_LEVELS], size_t *n);

// An UpdatePath as decoded; it borrows.
struct update_path {
    struct leaf leaf;
    size_t n;
    struct {
        struct span key;
        struct span ciphertexts; // the content of encrypted_path_secret<V>
        size_t n;                // how many there are
    } node[TREE_MAX_LEVELS];
};
void update_path_read(struct tls_reader *r, struct update_path *out);

// The receiver's first half: checks the path against the tree, blanks the sender's path and puts the new nodes and the
// leaf there. The leaf itself is not validated (tree/check does), but its parent hash is.
enum err path_merge(const struct algo *a, struct tree *t, uint32_t sender, const struct update_path *path);
// The second half, after path_merge: opens the path secret that is encrypted to k, checks every derived key, and keeps
// the private keys. `added` are the leaves of this commit's Adds; context is the provisional GroupContext.
enum err path_open(const struct algo *a, const struct tree *t, uint32_t sender, const struct update_path *path,
                   const struct nodes *added, struct span context, struct path_keys *k, struct secret *commit_secret);

// A path that this member makes.
struct path_draft {
    size_t n;
    uint32_t level[TREE_MAX_LEVELS];
    struct secret secret[TREE_MAX_LEVELS]; // secret: the path secret of each
    uint8_t key[TREE_MAX_LEVELS][CRYPTO_PK_MAX];
    struct secret commit_secret; // secret
};
void path_draft_wipe(struct path_draft *d);
// Fresh keys for the leaf and its path: blanks the path, sets the new parents with their parent hashes and the new
// leaf, which is made of `like` (keys, parent hash and source are filled in) and signed with sk.
enum err path_make(const struct algo *a, const struct executor *x, const struct world *w, struct tree *t,
                   uint32_t sender, const struct leaf *like, struct span group_id, struct span sk, struct path_keys *k,
                   struct path_draft *d);
// The UpdatePath as encoded: the tree's leaf and each path secret encrypted to the resolution of its copath child.
enum err path_seal(const struct algo *a, const struct executor *x, const struct world *w, const struct tree *t,
                   uint32_t sender, const struct path_draft *d, const struct nodes *added, struct span context,
                   struct buf *out);

#endif
