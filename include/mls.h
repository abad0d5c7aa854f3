// SPDX-License-Identifier: Apache-2.0
//
// libmls: the Messaging Layer Security protocol (RFC 9420). Bytes go in and bytes come out: the library has no sockets,
// no files, no threads of its own and no global state; time and randomness are injected.
//
//  - A struct mls_client holds a configuration and the cryptographic algorithms. It never changes: any number of groups
//    and threads may use it at once.
//  - A struct mls_group is the state of one member in one group. It belongs to one thread at a time.
//  - A struct mls_staged is the next epoch, built and verified, but not yet entered: merge it or drop it. Making or
//    receiving a commit changes nothing in the group; so a commit that loses a race is simply dropped.
//  - Every function that can fail returns enum mls_error; after an error nothing has changed, and outputs are empty.
//  - What the library allocates is freed by its own functions. Secrets are wiped when they are consumed (§9.2).
//  - State changes are reported as small records to be stored (mls_group_changes) before a message leaves the device.
//
// docs/mls.md is a tour with a complete example. Section numbers are those of RFC 9420.
#ifndef MLS_H
#define MLS_H

#include "mls_types.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mls_client;
struct mls_group;
struct mls_staged;

MLS_API_VOID void mls_buf_free(struct mls_buf *b); // wipes, frees, empties

// ------------------------------------------------------------------------------------------------------ client

// Copies the configuration; what it points to must live as long as the client. MLS_E_MISUSE without `credential`.
MLS_API enum mls_error mls_client_new(const struct mls_config *config, struct mls_client **out);
MLS_API_VOID void mls_client_free(struct mls_client *c); // after its groups

MLS_API bool mls_suite_known(uint16_t suite);
MLS_API const char *mls_suite_name(uint16_t suite); // as registered; NULL if unknown
// A fresh signature key pair: EdDSA seeds, ECDSA scalars; public keys as §5.1.1 has them. `private_key` is secret.
MLS_API enum mls_error mls_signature_keys(const struct mls_client *c, uint16_t suite, struct mls_buf *private_key,
                                          struct mls_buf *public_key);

// ------------------------------------------------------------------------------------------------ key packages

// A KeyPackage (§10) as an MLSMessage to publish, and its private part (KeyPackage, init key, leaf key, signature key:
// secret) to keep until the Welcome has come. Use each once. `extensions` are those of the KeyPackage, not of its leaf.
MLS_API enum mls_error mls_key_package_new(const struct mls_client *c, uint16_t suite, const struct mls_leaf_params *leaf,
                                           const struct mls_extension *extensions, size_t extension_count,
                                           struct mls_buf *key_package, struct mls_buf *private_part);
// KeyPackageRef (§5.2) of a KeyPackage, given as an MLSMessage or bare.
MLS_API enum mls_error mls_key_package_ref(const struct mls_client *c, struct mls_span key_package, struct mls_buf *ref);
// Checks it as §10.1 says, but for what only a group can tell. *member describes its leaf, and borrows from the input.
MLS_API enum mls_error mls_key_package_check(const struct mls_client *c, struct mls_span key_package, uint16_t *suite,
                                             struct mls_member *member);
// What is in a private part; the spans point into it. MLS_E_CORRUPT if it is none. The keys are secret.
MLS_API enum mls_error mls_private_part_read(struct mls_span private_part, struct mls_private_part *out);
// Whether a Welcome is for the KeyPackage whose private part this is.
MLS_API bool mls_welcome_is_for(const struct mls_client *c, struct mls_span welcome, struct mls_span private_part);

// ----------------------------------------------------------------------------------------------- making a group

// A group of one (§11). group_id empty: a random one. `extensions` are those of the GroupContext.
MLS_API enum mls_error mls_group_new(const struct mls_client *c, uint16_t suite, struct mls_span group_id,
                                     const struct mls_leaf_params *leaf, const struct mls_extension *extensions,
                                     size_t extension_count, struct mls_group **out);
// Joins by a Welcome (§12.4.3.1). `tree`: the ratchet tree, if it is not in the Welcome, else empty. `parent`: the group
// that the new one continues or branches from (§11.2, §11.3), which the Welcome then has to prove by a PSK; else NULL.
MLS_API enum mls_error mls_group_join(const struct mls_client *c, struct mls_span welcome, struct mls_span private_part,
                                      struct mls_span tree, const struct mls_group *parent, struct mls_group **out);
MLS_API_VOID void mls_group_free(struct mls_group *g);

struct mls_external_join {
    struct mls_span group_info; // an MLSMessage with an external_pub extension
    struct mls_span tree;       // if it is not in the GroupInfo
    struct mls_leaf_params leaf;
    bool resync;              // remove the leaf `resync_index`, a former appearance of this client
    uint32_t resync_index;
    const struct mls_psk_id *psks;
    size_t psk_count;
    struct mls_span authenticated_data;
};
// Joins by an external commit (§12.4.3.2). The group is the one that will be if the commit wins; else free it.
MLS_API enum mls_error mls_group_join_external(const struct mls_client *c, const struct mls_external_join *join,
                                               struct mls_buf *commit, struct mls_group **out);

// A group as its GroupInfo shows it to somebody outside, every signature checked: to look at members and extensions before
// joining or proposing. It has no secrets: whatever needs one gives MLS_E_GROUP_INACTIVE. `tree`: if it is not in there.
MLS_API enum mls_error mls_group_observe(const struct mls_client *c, struct mls_span group_info, struct mls_span tree,
                                         struct mls_group **out);

// --------------------------------------------------------------------------------------------- looking at a group

MLS_API struct mls_span mls_group_id(const struct mls_group *g);
MLS_API uint64_t mls_group_epoch(const struct mls_group *g);
MLS_API uint16_t mls_group_suite(const struct mls_group *g);
MLS_API bool mls_group_active(const struct mls_group *g); // false: removed, reinitialised, or only observed
MLS_API uint32_t mls_group_own_index(const struct mls_group *g);
// Of a group that was joined by a Welcome just now: the leaf of the member who signed it, so who has let this client in. Of any other,
// and once it was read from its records: one's own.
MLS_API uint32_t mls_group_welcomer(const struct mls_group *g);
MLS_API uint32_t mls_group_member_count(const struct mls_group *g);
// Members in the order of their leaves: start with *at = 0; false after the last.
MLS_API bool mls_group_next_member(const struct mls_group *g, uint32_t *at, struct mls_member *out);
MLS_API enum mls_error mls_group_member(const struct mls_group *g, uint32_t index, struct mls_member *out);
MLS_API struct mls_span mls_group_extensions(const struct mls_group *g); // of the GroupContext, encoded without length
MLS_API bool mls_extension_find(struct mls_span extensions, uint16_t type, struct mls_span *data);
// One extension after the other: start with *at = 0; false after the last.
MLS_API bool mls_extension_next(struct mls_span extensions, size_t *at, struct mls_extension *out);
MLS_API enum mls_error mls_group_context(struct mls_group *g, struct mls_buf *out); // the encoded GroupContext (§8.1)
MLS_API enum mls_error mls_group_tree(const struct mls_group *g, struct mls_buf *out); // ratchet_tree (§12.4.3.3)
MLS_API enum mls_error mls_group_tree_hash(const struct mls_group *g, struct mls_buf *out);
MLS_API enum mls_error mls_group_epoch_authenticator(const struct mls_group *g, struct mls_buf *out);
// MLS-Exporter (§8.5); at most 255 hashes of bytes. The output is secret.
MLS_API enum mls_error mls_group_export(const struct mls_group *g, const char *label, struct mls_span context, size_t size,
                                        struct mls_buf *out);
// A GroupInfo as an MLSMessage, with the tree and the key for external commits if wanted (§12.4.3).
MLS_API enum mls_error mls_group_info(struct mls_group *g, bool with_tree, bool with_external_pub, struct mls_buf *out);

// ---------------------------------------------------------------------------------------------------- messages

// Encrypts application data into a PrivateMessage (§6.3). MLS_E_GROUP_PROPOSALS while proposals wait for a commit.
MLS_API enum mls_error mls_group_protect(struct mls_group *g, struct mls_span data, struct mls_span authenticated_data,
                                         struct mls_buf *message);

enum mls_content { MLS_CONTENT_APPLICATION = 1, MLS_CONTENT_PROPOSAL = 2, MLS_CONTENT_COMMIT = 3 };

struct mls_received {
    enum mls_content content;
    enum mls_sender_type sender_type;
    uint32_t sender; // leaf index of a member (of a joiner too), or index into external_senders
    uint64_t epoch;
    uint32_t generation;               // of a PrivateMessage
    struct mls_buf authenticated_data;
    struct mls_buf data;               // application data; or the Proposal, encoded
    struct mls_buf proposal_ref;       // of a proposal, which now waits for a commit
    uint16_t proposal_type;
    struct mls_staged *staged;         // of a commit: the caller's, to merge or free
};
// Takes any message to the group: an MLSMessage with a PublicMessage or a PrivateMessage. Of a PrivateMessage that is refused though its signature is good, content,
// sender_type and sender say whose it is: as of a commit whose path secret does not open here (MLS_E_PATH_SECRET), which proves something.
MLS_API enum mls_error mls_group_receive(struct mls_group *g, struct mls_span message, struct mls_received *out);
// For a PrivateMessage of which mls_group_receive has said MLS_E_MESSAGE_OWN. MLS_OK: this member has signed it, with a key that this state has not
// used: so the state is older than the message, as one is that was put back from a copy. The key counts as used from now on. Of a commit nothing else
// can be had, since its secrets are not here. MLS_E_MESSAGE_KEY_GONE: this state has used the key, for that message or another.
MLS_API enum mls_error mls_group_receive_own(struct mls_group *g, struct mls_span message, struct mls_received *out);
MLS_API_VOID void mls_received_free(struct mls_received *r); // frees `staged` too, unless it was set to NULL

// What can be seen of a message without any key.
struct mls_message_info {
    uint16_t wire_format; // 1 public, 2 private, 3 welcome, 4 group info, 5 key package
    struct mls_span group_id;
    uint64_t epoch;
    uint8_t content; // enum mls_content; 0 where it does not apply
    uint16_t suite;  // of a Welcome, a GroupInfo, a KeyPackage; else 0
};
MLS_API enum mls_error mls_message_peek(struct mls_span message, struct mls_message_info *out);

// --------------------------------------------------------------------------------------------------- proposals

// A proposal to make. Fields that its type does not use are ignored.
struct mls_proposal {
    uint16_t type;                          // enum mls_proposal_type, or a custom one
    struct mls_span key_package;            // add: as an MLSMessage, or bare
    const struct mls_leaf_params *leaf;     // update: what changes; NULL: only the keys do
    uint32_t removed;                       // remove
    struct mls_psk_id psk;                  // psk
    struct mls_span group_id;               // reinit; empty: a random one
    uint16_t version, suite;                // reinit; 0: as now
    const struct mls_extension *extensions; // reinit, group_context_extensions: all of them, replacing the old ones
    size_t extension_count;
    struct mls_span data;                   // custom
};
// Sends a proposal (§12.1); it then waits for a commit, here as with the receivers. `ref` may be NULL.
MLS_API enum mls_error mls_group_propose(struct mls_group *g, const struct mls_proposal *p,
                                         struct mls_span authenticated_data, struct mls_buf *message, struct mls_buf *ref);
MLS_API size_t mls_group_proposal_count(const struct mls_group *g);
// Forgets one proposal, or all of them with an empty ref.
MLS_API enum mls_error mls_group_drop_proposals(struct mls_group *g, struct mls_span ref);

// A proposal from outside (§12.1.8): by a new member who asks to be added (signer NULL: the KeyPackage's own key), or by
// the external sender with this index.
struct mls_external_proposal {
    uint16_t suite;
    struct mls_span group_id;
    uint64_t epoch;
    struct mls_proposal proposal;
    struct mls_span signature_private;                   // secret: of the KeyPackage, or of the external sender
    bool new_member;                                     // else an external sender
    uint32_t sender_index;
    struct mls_span authenticated_data;
};
MLS_API enum mls_error mls_external_propose(const struct mls_client *c, const struct mls_external_proposal *p,
                                            struct mls_buf *message);
// The data of an external_senders extension (§12.1.8.1) with one more sender behind those in `before` (may be empty).
MLS_API enum mls_error mls_external_sender_add(struct mls_span before, struct mls_span signature_public,
                                               const struct mls_credential *credential, struct mls_buf *out);
// The data of a required_capabilities extension (§11.1).
MLS_API enum mls_error mls_required_capabilities(const uint16_t *extensions, size_t extension_count,
                                                 const uint16_t *proposals, size_t proposal_count,
                                                 const uint16_t *credentials, size_t credential_count,
                                                 struct mls_buf *out);

#ifdef __cplusplus
}
#endif

#include "mls_commit.h"

#endif
