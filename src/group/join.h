// SPDX-License-Identifier: Apache-2.0
//
// group/join: what the ways of joining a group share.
#ifndef WHIMBREL_GROUP_JOIN_H
#define WHIMBREL_GROUP_JOIN_H

#include "group/client.h"
#include "group/list.h"
#include "mls/welcome.h"

// Whether a leaf with these capabilities supports every extension of a GroupContext (§13.4).
enum err join_supports(const struct capabilities *own, struct span extensions);
// Decodes the tree of a GroupInfo, or the one given beside it, and checks all that a joiner must (§12.4.3.1).
enum err join_tree(struct mls_group *g, const struct group_info *info, struct span tree);
// Takes the GroupContext over into g->now.
enum err join_epoch(struct mls_group *g, const struct group_info *info);
// Checks a group that continues `parent` or branches from it (§11.2, §11.3, §12.4.3.1).
enum err related_check(const struct mls_group *g, const struct mls_group *parent, const struct psk_id *psk);

#endif
