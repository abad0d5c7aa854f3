// SPDX-License-Identifier: Apache-2.0
//
// group/receive: a message on its way in, and the processing of commits.
#ifndef WHIMBREL_GROUP_RECEIVE_H
#define WHIMBREL_GROUP_RECEIVE_H

#include "group/list.h"
#include "mls/welcome.h"

// Who must have signed; the key points into what stands beside it, or into the group.
struct signer {
    struct span key;
    struct proposal_body body;
    struct commit commit;
};

// What a message brings, in buffers until all has gone well.
struct delivery {
    struct mls_received *out;
    struct buf aad, data, ref;
    bool own;     // it has to be of this member, and is only looked at
    bool genuine; // its signature is good
};

// Stages what a commit does, once its frame has been authenticated (§12.4.2).
enum err process_commit(struct mls_group *g, const struct frame *f, struct mls_staged **out);

#endif
