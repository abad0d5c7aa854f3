// SPDX-License-Identifier: Apache-2.0
//
// vectors/model: what the checks of trees and of TreeKEM share: a tree from its bytes, its hash and bytes again, a
// GroupContext, and the comparison of two trees that should be the same.
#ifndef WHIMBREL_VECTORS_MODEL_H
#define WHIMBREL_VECTORS_MODEL_H

#include "mls/schedule.h"
#include "tree/path.h"
#include "vectors/field.h"

// Decodes a ratchet tree and encodes it again, which must give the same bytes. Wipe it with tree_wipe in any case.
bool model_tree(struct trial *t, struct tree *out, struct span bytes, const char *step);
// The tree encodes to these bytes and its root has this hash.
void model_is(struct trial *t, struct tree *tree, struct span bytes, struct span hash, const char *step);
// The hash of the root, which belongs to the trial.
struct span model_hash(struct trial *t, struct tree *tree, const char *step);
// What a tree keeps beside its nodes (sizes, counts, the index of keys) is what decoding its bytes would give.
void model_like(struct trial *t, const struct tree *tree, const struct tree *fresh, const char *step);

// A member that is a secret of the suite's length.
struct secret model_secret(const struct field *of, const char *key);

// A private key of the suite's signature scheme, or of its KEM. Scalars of the NIST curves are integers, and there are
// published vectors that leave zeros away at their front: these are put back. Others have EdDSA keys with the public key
// behind them, which is cut off.
struct span model_signature_key(const struct field *of, const char *key);
struct span model_kem_key(const struct field *of, const char *key);

// GroupContext (RFC 9420 §8.1) as encoded, without extensions.
struct span model_context(struct trial *t, struct span group_id, uint64_t epoch, struct span tree_hash,
                          struct span confirmed_transcript_hash);

// Every private key belongs to the public key that the tree holds in its place.
void model_keys(struct trial *t, const struct tree *tree, const struct path_keys *keys, const char *step);

#endif
