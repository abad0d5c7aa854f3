// SPDX-License-Identifier: Apache-2.0
//
// mls_commit: the second half of mls.h, which includes it: commits and staged epochs, related groups, and the state as
// records.
#ifndef MLS_COMMIT_H
#define MLS_COMMIT_H

#include "mls.h"

#ifdef __cplusplus
extern "C" {
#endif

// ------------------------------------------------------------------------------------------------------ commits

struct mls_commit_params {
    const struct mls_proposal *proposals; // by value, besides the waiting ones
    size_t proposal_count;
    bool without_waiting;                 // leave the waiting proposals out
    bool without_path;                    // leave the update path out where §12.4 allows that
    const struct mls_leaf_params *leaf;   // what changes in the committer's leaf; NULL: only the keys do
    bool tree_in_welcome;                 // put the ratchet tree into the Welcome
    bool external_pub;                    // make a GroupInfo with external_pub (and the tree, if tree_in_welcome)
    const struct mls_extension *info_extensions; // further extensions of the Welcome's GroupInfo
    size_t info_extension_count;
    struct mls_span authenticated_data;
};

struct mls_commit {
    struct mls_buf message;    // the commit
    struct mls_buf welcome;    // for all who are added; empty if nobody is
    struct mls_buf group_info; // if external_pub was asked for
    struct mls_staged *staged; // merge it when the commit has won
};
// Makes a commit (§12.4.1) of the waiting proposals, as far as they are valid together, and of those given by value, all
// of which must be valid. The group does not change. Do not send the Welcome before the commit has won.
MLS_API enum mls_error mls_group_commit(struct mls_group *g, const struct mls_commit_params *params,
                                        struct mls_commit *out);
MLS_API_VOID void mls_commit_free(struct mls_commit *c); // frees `staged` too, unless it was set to NULL

// ------------------------------------------------------------------------------------------------ staged epochs

enum mls_change_type { MLS_CHANGE_ADDED, MLS_CHANGE_REMOVED, MLS_CHANGE_UPDATED, MLS_CHANGE_JOINED };
struct mls_change {
    enum mls_change_type type;
    struct mls_member member; // REMOVED: as it was; else as it will be. Its spans hold while the staged epoch does
};
MLS_API uint64_t mls_staged_epoch(const struct mls_staged *s);
MLS_API uint32_t mls_staged_committer(const struct mls_staged *s); // leaf index, of a joiner the new one
// Changes of membership and leaves: start with *at = 0; false after the last.
MLS_API bool mls_staged_next_change(const struct mls_staged *s, size_t *at, struct mls_change *out);
MLS_API bool mls_staged_removes_me(const struct mls_staged *s);
MLS_API bool mls_staged_reinit(const struct mls_staged *s); // the group ends with this commit (§11.2)
MLS_API bool mls_staged_changes_extensions(const struct mls_staged *s);
// As mls_group_extensions, of the epoch that would be; it holds while the staged epoch does.
MLS_API struct mls_span mls_staged_extensions(const struct mls_staged *s);
// Secrets and facts of the epoch that would be, for applications that decide by them.
MLS_API enum mls_error mls_staged_export(const struct mls_staged *s, const char *label, struct mls_span context, size_t size,
                                         struct mls_buf *out);
MLS_API enum mls_error mls_staged_epoch_authenticator(const struct mls_staged *s, struct mls_buf *out);
// The ratchet tree that goes beside a Welcome if it is not in it.
MLS_API enum mls_error mls_staged_tree(const struct mls_staged *s, struct mls_buf *out);
// Enters the epoch and frees `take`. MLS_E_STAGED_STALE if it was staged on another epoch, MLS_E_MISUSE on another group,
// MLS_E_MEMORY: then nothing has changed, and `take` stays the caller's.
MLS_API enum mls_error mls_group_merge(struct mls_group *g, struct mls_staged *take);
MLS_API_VOID void mls_staged_free(struct mls_staged *s);
// A staged commit of this member's own as bytes (secret), so that it can be merged after a restart; and back. The bytes hold
// all of the next epoch: delete them when the commit has been merged, in the same transaction, or has lost (§9.2).
MLS_API enum mls_error mls_staged_save(const struct mls_staged *s, struct mls_buf *out);
MLS_API enum mls_error mls_staged_restore(struct mls_group *g, struct mls_span saved, struct mls_staged **out);

// ----------------------------------------------------------------------------------------------- related groups

// What a group that continues another needs (§11.2, §11.3): KeyPackages of the members, without the caller's own.
struct mls_related_params {
    struct mls_span group_id; // of a branch; empty: a random one
    struct mls_leaf_params leaf;
    const struct mls_span *key_packages;
    size_t key_package_count;
    const struct mls_extension *extensions; // of a branch: of its GroupContext
    size_t extension_count;
    bool tree_in_welcome;
    bool without_path; // no update path in the commit that adds them all
};
// A subgroup with the same version and suite. *out is at epoch 1.
MLS_API enum mls_error mls_group_branch(struct mls_group *g, const struct mls_related_params *params,
                                        struct mls_buf *welcome, struct mls_group **out);
// The group that a committed ReInit announced. *out is at epoch 1. The suite may differ: see mls_group_reinit_suite.
MLS_API enum mls_error mls_group_reinit(struct mls_group *g, const struct mls_related_params *params,
                                        struct mls_buf *welcome, struct mls_group **out);
// The suite that a committed ReInit names; 0 if there is none.
MLS_API uint16_t mls_group_reinit_suite(const struct mls_group *g);

// ------------------------------------------------------------------------------------------------ state on disk

// A group's state is a set of records: short keys, values of some dozens to some hundreds of bytes, most of them secret.
// Changes since the last mls_group_saved: `value.data` NULL means that the record goes. Store them in one transaction,
// before the message that caused them leaves or the plaintext is shown; then call mls_group_saved. If storing fails,
// drop the group and restore it. `each` returns false to stop, which gives MLS_E_MISUSE.
MLS_API enum mls_error mls_group_changes(struct mls_group *g,
                                         bool (*each)(void *arg, struct mls_span key, struct mls_span value), void *arg);
MLS_API_VOID void mls_group_saved(struct mls_group *g);
// Builds a group from all of its records, in any order. `next` gives one record at a time, and false after the last;
// the spans hold until the next call. Checks that the records fit together: MLS_E_CORRUPT if they do not.
MLS_API enum mls_error mls_group_restore(const struct mls_client *c,
                                         bool (*next)(void *arg, struct mls_span *key, struct mls_span *value), void *arg,
                                         struct mls_group **out);

#ifdef __cplusplus
}
#endif
#endif
