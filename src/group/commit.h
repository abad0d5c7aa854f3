// SPDX-License-Identifier: Apache-2.0
//
// group/commit: a commit that is being made, by a member or by a joiner.
#ifndef WHIMBREL_GROUP_COMMIT_H
#define WHIMBREL_GROUP_COMMIT_H

#include "group/propose.h"

struct draft {
    struct mls_group *group;
    struct committer by;
    struct buf values; // the proposals by value, encoded
    struct list list;
    struct mls_staged *staged;
    struct leaf_plan plan; // of the committer's new leaf
    bool has_path;
    struct path_draft path;
    struct buf body;              // the Commit
    struct buf psk_ids;           // of its PSK proposals
    struct frame frame;
    struct secret joiner, member; // secret
    struct buf message;
};

void draft_init(struct draft *d, struct mls_group *g, struct committer by);
void draft_wipe(struct draft *d);
// Puts the waiting proposals that go together, and with those given by value, before these: by reference, in the order of
// their arrival.
enum err draft_choose(struct draft *d);
// Leaves those of them out that make the whole list invalid. An error if what is given by value does.
enum err draft_weed(struct draft *d);
// Makes the path in d->staged, for the leaf d->plan.
enum err draft_path(struct draft *d);
// Everything behind the path but the message: `init` is the init secret of the epoch that ends, or the external one.
enum err draft_finish(struct draft *d, struct span aad, const struct secret *init);
// The Welcome for everybody added, and the GroupInfo, as params ask for them.
enum err draft_invite(struct draft *d, const struct mls_commit_params *params, struct mls_commit *out);
// The message. Comes last: under encryption it moves the handshake ratchet, which nothing takes back.
enum err draft_send(struct draft *d);

// A GroupInfo of an epoch: extensions as asked for, signed with sk. The bytes of GroupInfo, without MLSMessage.
struct info_wishes {
    bool with_tree, with_external_pub;
    const struct mls_extension *extensions;
    size_t extension_count;
};
enum err group_write_info(const struct mls_group *g, const struct epoch *e, const struct tree *t,
                          const struct info_wishes *wishes, struct buf *out);

#endif
