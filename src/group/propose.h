// SPDX-License-Identifier: Apache-2.0
//
// group/propose: what the application asks for, as Proposals.
#ifndef WHIMBREL_GROUP_PROPOSE_H
#define WHIMBREL_GROUP_PROPOSE_H

#include "group/client.h"
#include "group/list.h"

// Encodes a Proposal. `update` is filled for an Update (its number is not), and may be NULL for other types. g may be
// NULL where the sender is outside of the group: Updates are impossible then, and PSK nonces take the suite of a.
enum err propose_encode(const struct mls_client *c, const struct algo *a, const struct mls_group *g,
                        const struct mls_proposal *p, struct own_update *update, struct buf *out);

#endif
