// SPDX-License-Identifier: Apache-2.0
//
// tree/secret: the secret tree of one epoch and its ratchets (RFC 9420 §9). Only what is still needed exists: a node
// secret goes when its children have been derived, a ratchet secret when the next one has, a key when it has been used
// (§9.2). So the memory follows the members that have spoken, not the size of the group.
#ifndef WHIMBREL_TREE_SECRET_H
#define WHIMBREL_TREE_SECRET_H

#include "base/map.h"
#include "tree/label.h"
#include "tree/math.h"

enum ratchet_type { RATCHET_HANDSHAKE = 0, RATCHET_APPLICATION = 1 };

// A key and nonce for one message. secret
struct message_key {
    uint8_t key[CRYPTO_KEY_MAX];
    uint8_t nonce[CRYPTO_NONCE];
};

// The head of a sender's ratchet. secret
struct ratchet {
    uint32_t generation; // of the next message
    struct secret secret;
};

// What a record of a change is about: see secret_tree.dirty.
enum secret_kind { SECRET_NODE = 0, SECRET_RATCHET = 1, SECRET_SKIPPED = 2 };

struct secret_tree {
    uint32_t leaves;
    struct map nodes;    // node number -> struct secret
    struct map ratchets; // secret_ratchet_id -> struct ratchet
    struct map skipped;  // secret_ratchet_id << 32 | generation -> struct message_key
    struct map dirty;    // secret_dirty_key(kind, key) of all that has changed since the owner last cleared it
    uint64_t sum;        // of all entries of the first three: see secret_tree_sum
};

static inline uint64_t secret_ratchet_id(uint32_t leaf, enum ratchet_type type)
{
    return (uint64_t)leaf << 1 | (uint64_t)type;
}
static inline uint64_t secret_dirty_key(enum secret_kind kind, uint64_t key) { return (uint64_t)kind << 60 | key; }

// An empty secret tree: without a root, for restoring one from storage.
void secret_tree_init(struct secret_tree *s, uint32_t leaves);
// One with the epoch's encryption_secret at its root. Behind its nh bytes there are zeros.
enum err secret_tree_new(struct secret_tree *s, uint32_t leaves, const struct secret *encryption_secret);
void secret_tree_wipe(struct secret_tree *s);
// Works s->sum out anew, after entries have been put in by hand. It depends on every byte of every entry, but not on
// their order: what has been stored and restored has the same sum, and what was lost or damaged on the way has not.
void secret_tree_sum(struct secret_tree *s);
// Notes every entry of `from` in to->dirty: `to` takes its place, or is the same.
enum err secret_tree_note_all(struct secret_tree *to, const struct secret_tree *from);

// A step that has been worked out but not taken: what the tree will be once the message has proved to be genuine.
// secret
struct secret_step {
    uint32_t leaf, generation;
    enum ratchet_type type;
    bool from_skipped;
    uint32_t head;                           // generation of the ratchet's head when the step was worked out
    uint32_t levels;                         // of the path that is derived for a first message; 0 otherwise
    struct secret sibling[TREE_MAX_LEVELS];  // at each of these levels, from below
    struct secret other;                     // first secret of the leaf's other ratchet
    struct secret next;                      // ratchet secret of generation + 1
    struct message_key *skipped;             // the last n_skipped of the generations passed over
    uint32_t n_skipped;
    struct message_key key;
};
// Works out the key of a message without changing the tree. `ahead`: how many generations may be passed over; `keep`:
// how many of those keys are kept for late messages. MLS_E_MESSAGE_KEY_GONE, MLS_E_MESSAGE_GENERATION.
enum err secret_step_find(const struct algo *a, const struct secret_tree *s, uint32_t leaf, enum ratchet_type type,
                          uint32_t generation, uint32_t ahead, uint32_t keep, struct secret_step *out);
// The step to a sender's own next message.
enum err secret_step_next(const struct algo *a, const struct secret_tree *s, uint32_t leaf, enum ratchet_type type,
                          struct secret_step *out);
// Whether the tree still is, along the step's path, as it was when the step was worked out. Another one must not be taken:
// it would bring back secrets that have been consumed since.
bool secret_step_fits(const struct secret_tree *s, const struct secret_step *step);
// Makes sure that secret_step_take cannot fail.
enum err secret_step_reserve(struct secret_tree *s, const struct secret_step *step, uint32_t keep);
// Takes a step that fits: deletes what it consumes. On ERR_MEMORY nothing has changed. The step stays the caller's to
// wipe. `keep` bounds the kept keys of this ratchet: older ones go.
enum err secret_step_take(struct secret_tree *s, const struct secret_step *step, uint32_t keep);
void secret_step_wipe(struct secret_step *step);

#endif
