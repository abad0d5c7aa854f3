// SPDX-License-Identifier: Apache-2.0
//
// group/list: the proposals of a commit: collected, held against §12.2, and applied to a staged epoch (§12.3).
#ifndef WHIMBREL_GROUP_LIST_H
#define WHIMBREL_GROUP_LIST_H

#include "group/group.h"

struct item {
    struct proposal p;
    enum sender_type sender_type; // of the proposal: the committer's for those by value
    uint32_t sender;
    struct span reference; // empty: by value
};

struct list {
    struct item *v;
    struct proposal_body *body; // one an item
    size_t n, cap;
    bool *out; // NULL, or one an item: what came by reference and turns out to be invalid is noted there and left out
};

// Who commits: a member, or a joiner with sender_type SENDER_NEW_COMMIT.
struct committer {
    enum sender_type type;
    uint32_t leaf;
};

// Whether an error lies in no proposal: no other list would help.
bool list_failed_for_good(enum err e);
// What an item's error means for the list: ERR_OK if the item can be left out.
enum err list_leave_out(const struct list *l, size_t i, enum err e);
static inline bool list_is_out(const struct list *l, size_t i) { return l->out != NULL && l->out[i]; }

enum err list_reserve(struct list *l, size_t n);
void list_free(struct list *l);
// Adds one proposal; raw is borrowed.
enum err list_put(struct list *l, struct span raw, enum sender_type type, uint32_t sender, struct span reference);
// Collects the proposals of a commit. MLS_E_PROPOSAL_UNKNOWN, MLS_E_EXTERNAL_REFERENCE.
enum err list_of_commit(const struct mls_group *g, const struct commit *c, struct committer by, struct list *out);

// The rules that need nothing but the list, the tree and the GroupContext (§12.1, §12.2).
enum err list_check(const struct mls_group *g, const struct list *l, struct committer by);
// Whether one proposal by itself could be committed now: to choose among those that wait.
enum err list_check_item(const struct mls_group *g, const struct item *i, struct committer by);
// Whether a proposal of a type that RFC 9420 does not define is known here.
enum err list_check_custom(const struct mls_group *g, uint16_t type);
// What can be said of a proposal when it is sent or arrives, whatever else will be in the commit. Members that propose
// nonsense are refused at once, so that it neither waits nor keeps anybody from sending.
enum err list_check_alone(const struct mls_group *g, const struct item *i, bool sending);
// Whether a sender of this kind may make a proposal of this type (§12.1.8).
enum err list_check_sender(const struct mls_group *g, uint16_t type, enum sender_type sender);
// Whether a commit with these proposals must have a path (§12.4).
bool list_needs_path(const struct mls_group *g, const struct list *l);

// Applies the list to s->tree and s->next, validating each leaf on the way (§12.3); notes added leaves and changes.
enum err list_apply(const struct mls_group *g, const struct list *l, struct committer by, bool sending,
                    struct mls_staged *s);
// psk_secret of the list's PSKs in order (§8.4), and their PreSharedKeyIDs encoded one after another (may be NULL).
enum err list_psk_secret(const struct mls_group *g, const struct list *l, struct secret *psk_secret, struct buf *ids);

// ---------------------------------------------------------------------------------------------------- propose.c

// A member's frame as the message to send; a private one takes a step of the ratchet that belongs to its content.
enum err group_write_frame(struct mls_group *g, const struct frame *f, struct buf *out);

// ------------------------------------------------------------------------------------------------------ stage.c

// A staged epoch that is still equal to the present one.
enum err staged_new(struct mls_group *g, uint32_t committer, struct mls_staged **out);
enum err staged_note(struct mls_staged *s, enum mls_change_type type, uint32_t leaf, struct span raw);
// What has to stand beside the tree: unique keys, capabilities, extensions. After the proposals and the path.
enum err staged_check(const struct mls_staged *s);
// The tree hash, and s->next.context with the confirmed hash as it is.
enum err staged_encode_context(struct mls_staged *s);
// The leaf of a joiner: the leftmost blank one, in a tree that grows if it must (§12.4.2).
enum err staged_assign_leaf(struct mls_staged *s, uint32_t *leaf);
// The rest of the new epoch, once commit secret, PSKs and init secret are known. joiner and member may be NULL.
struct staged_inputs {
    const struct secret *init, *commit_secret, *psk_secret;
};
enum err staged_derive(struct mls_staged *s, const struct staged_inputs *in, const struct frame *commit,
                       struct secret *joiner, struct secret *member);

#endif
