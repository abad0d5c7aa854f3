// SPDX-License-Identifier: Apache-2.0
//
// group/group: the inside of struct mls_client, mls_group and mls_staged. A group is: the small state of the present epoch
// (struct epoch), the ratchet tree, the secret tree, proposals that wait for a commit, what is kept of past epochs, and
// notes of what has changed since it was last stored. A staged epoch is another struct epoch with an overlay over the
// tree: merging swaps the one for the other and cannot fail half-way.
#ifndef WHIMBREL_GROUP_GROUP_H
#define WHIMBREL_GROUP_GROUP_H

#include "mls.h"
#include "mls/frame.h"

struct mls_client {
    struct mls_config config;
    struct crypto *crypto; // never used, only cloned: so that threads may share the client
    struct world world, system;
    struct executor executor;
};

// The small state of an epoch. secret
struct epoch {
    uint64_t number;
    struct buf extensions; // of the GroupContext
    uint8_t tree_hash[CRYPTO_HASH_MAX], confirmed[CRYPTO_HASH_MAX], interim[CRYPTO_HASH_MAX], tag[CRYPTO_HASH_MAX];
    size_t confirmed_n; // 0 in epoch 0, then nh
    struct epoch_secrets secrets;
    struct path_keys keys; // and the own leaf
    uint8_t signature_key[CRYPTO_SIGSK_MAX];
    bool removed;       // this client is no member any more
    struct buf reinit;  // the ReInit that has ended the group; empty if there is none
    struct buf context; // the GroupContext as encoded, which every signature covers
};

// A proposal that waits for a commit.
struct waiting {
    uint64_t number; // in the order of arrival
    uint8_t ref[CRYPTO_HASH_MAX];
    struct buf raw; // the AuthenticatedContent
};

// The private half of an Update that this member has proposed. secret
struct own_update {
    uint64_t number; // that of the waiting proposal
    uint8_t leaf_key[CRYPTO_SK_MAX], signature_key[CRYPTO_SIGSK_MAX];
    struct buf encryption_key; // public: which leaf it belongs to
};

// A leaf's signature key as it was in a past epoch, where it has changed since; empty: the leaf was blank.
struct past_leaf {
    uint32_t leaf;
    struct buf key;
};

// What is kept of a past epoch to open late application messages. secret
struct past {
    uint64_t number;
    uint32_t own_leaf, leaves;
    struct buf context;
    struct secret sender_data;
    struct secret_tree secrets;
    struct past_leaf *leaf; // changes on the way to the next epoch
    size_t n;
    bool fresh; // never stored yet
};

struct past_psk {
    uint64_t epoch;
    struct secret psk;
};

struct mls_group {
    const struct mls_client *client;
    struct algo algo; // its own crypto object
    struct world world;
    struct buf id;
    struct epoch now;
    struct tree tree;
    struct secret_tree secrets;
    struct waiting *waiting;
    size_t n_waiting, cap_waiting;
    uint64_t next_number;
    const struct mls_group *parent; // while the first commit of a branch or of a reinitialised group is made
    bool welcomed;                  // joined by a Welcome, since it was last read from records
    uint32_t welcomer;              // who signed its GroupInfo then: a leaf
    bool outside; // this client is no member (yet): it joins by an external commit, or observes; it has no secrets
    struct own_update *update;
    size_t n_update;
    struct past *past; // the latest first
    size_t n_past;
    struct past_psk *psk; // the latest first
    size_t n_psk;
    struct map dirty; // record ids that changed since the last mls_group_saved (see records.c)
    struct buf gone;  // keys of records that went, each with a length octet
    uint64_t sum;     // of the records but those of tree and secret trees, if sum_known (see records.c)
    bool sum_known;
};

struct staged_change {
    enum mls_change_type type;
    uint32_t leaf;
    struct buf raw; // the LeafNode: of a removed member as it was
};

struct mls_staged {
    struct mls_group *group;
    uint64_t base; // the epoch that it follows
    bool ready;    // false: this client is removed, and there is no next epoch for it
    struct tree tree;
    struct epoch next;
    struct secret_tree secrets;
    uint32_t committer;
    struct staged_change *change;
    size_t n_change, cap_change;
    struct nodes added; // leaves, in the order of the Adds
    bool mine, has_step, changes_extensions;
    struct secret_step step; // of the handshake ratchet, taken on merging. secret
};

// ------------------------------------------------------------------------------------------------------- bridges

static inline struct span from_api(struct mls_span s) { return span_of(s.data, s.size); }
static inline struct mls_span to_api(struct span s) { return (struct mls_span){s.p, s.n}; }
static inline enum mls_error api_error(enum err e) { return (enum mls_error)e; }
// Gives the buffer's bytes to the caller; frees them on an error.
enum err give(struct buf *b, enum err e, struct mls_buf *out);
void member_of(const struct leaf *l, uint32_t index, struct mls_member *out);
void psk_from_api(const struct mls_psk_id *in, struct psk_id *out);

// -------------------------------------------------------------------------------------------------- records.c

// What a record is about; its key is the kind and a number. The secret trees keep notes of their own.
enum record_kind {
    RECORD_GROUP = 1,  // version, suite, identifier, leaf index, epoch, hashes
    RECORD_EXTENSIONS, // of the GroupContext
    RECORD_SECRETS,    // of the epoch. secret
    RECORD_SIGNATURE,  // the signature key. secret
    RECORD_REINIT,     // that has ended the group
    RECORD_KEY,        // a private key by level. secret
    RECORD_NODE,       // a tree node by number
    RECORD_SECRET,     // a node of the secret tree by number. secret
    RECORD_RATCHET,    // the head of a ratchet by secret_ratchet_id. secret
    RECORD_SKIPPED,    // a skipped key by its map key. secret
    RECORD_WAITING,    // a waiting proposal by number
    RECORD_UPDATE,     // the private half of an own Update by number. secret
    RECORD_PSK,        // a past resumption PSK by epoch. secret
    RECORD_SUM,        // of all records but the tree's, which has its hash
    RECORD_PAST,       // a past epoch: context, sender data secret, changed leaves. secret
    RECORD_PAST_SECRET, RECORD_PAST_RATCHET, RECORD_PAST_SKIPPED, // by epoch and number. secret
};
// Numbers of records, epochs among them, are below this: a note of a change has that much room for one.
#define RECORD_NUMBER_MAX (UINT64_C(1) << 56)
// Notes that a record has changed or gone.
enum err record_note(struct mls_group *g, enum record_kind kind, uint64_t number);
// Room for n more notes, so that as many record_note cannot fail.
enum err record_reserve(struct mls_group *g, size_t n);

// Notes every record, as of a group that has never been stored.
enum err record_note_all(struct mls_group *g);
// Forgets the records of a past epoch; record_reserve_gone has made the room.
void record_drop_past(struct mls_group *g, const struct past *p);
enum err record_reserve_gone(struct mls_group *g);

// ---------------------------------------------------------------------------------------------------- group.c

// A zeroed group with its own crypto object and an empty tree.
enum err group_alloc(const struct mls_client *c, const struct crypto_suite *suite, struct span id,
                     struct mls_group **out);
void epoch_wipe(struct epoch *e);
void past_wipe(struct past *p);
// Encodes the GroupContext of an epoch into e->context.
enum err epoch_encode_context(const struct mls_group *g, struct epoch *e);
// Derives everything from an epoch secret: e's secrets, the secret tree of `leaves` leaves, the confirmation tag over
// e->confirmed, and the interim hash.
enum err epoch_derive(const struct algo *a, const struct secret *epoch_secret, uint32_t leaves, struct epoch *e,
                      struct secret_tree *secrets);
bool group_can_send(const struct mls_group *g);
struct check_rules group_rules(const struct mls_group *g, struct span extensions, bool lifetime);
// Asks the application about a credential (rules.credential).
enum err group_ask_credential(void *client, enum check_purpose why, const struct leaf *leaf,
                              const struct leaf *replaced);
// Asks about each credential of an external_senders extension. MLS_E_LEAF_CREDENTIAL, ERR_MALFORMED.
enum err group_ask_external_senders(const struct mls_client *c, struct span data);
// The own leaf's signature key, public.
enum err group_own_leaf(const struct mls_group *g, struct leaf *out);
// A waiting proposal by reference; NULL if there is none.
const struct waiting *group_find_waiting(const struct mls_group *g, struct span ref);
// Adds a proposal unless it waits already; tells its reference. ERR_LIMIT above max_proposals.
enum err group_add_waiting(struct mls_group *g, struct span raw, uint8_t ref[CRYPTO_HASH_MAX]);
// Adds it under this number, which must be higher than that of any other.
enum err group_keep_waiting(struct mls_group *g, struct span raw, const uint8_t ref[CRYPTO_HASH_MAX], uint64_t number);
void group_clear_waiting(struct mls_group *g);
// The secret behind a PSK id, borrowed. MLS_E_PSK_UNKNOWN.
enum err group_find_psk(const struct mls_client *c, const struct mls_group *g, const struct psk_id *id,
                        struct span *secret);

// ------------------------------------------------------------------------------------------------- leaf params

// A leaf made of what the application wants, as leaf_build takes it; `scratch` holds the lists. `old`: the leaf that it
// replaces, whose fields stay where params say nothing, or NULL.
struct leaf_plan {
    struct leaf like;
    struct buf scratch;
    uint8_t sk[CRYPTO_SIGSK_MAX]; // secret
    uint8_t pk[CRYPTO_SIGPK_MAX];
    bool new_key;
};
enum err leaf_plan_new(const struct mls_client *c, const struct algo *a, const struct mls_leaf_params *params,
                       const struct leaf *old, const uint8_t *old_sk, struct leaf_plan *out);
void leaf_plan_wipe(struct leaf_plan *p);
enum err credential_write(const struct mls_credential *in, struct buf *out);
// The content of `Extension extensions<V>`, with a random GREASE extension if asked for; no type may stand twice.
enum err extensions_write(const struct mls_client *c, const struct mls_extension *list, size_t n, bool grease,
                          struct buf *out);

#endif
