// SPDX-License-Identifier: Apache-2.0
//
// vectors/rewrite: structures of RFC 9420 written again from what the library's decoders took out of them. The library
// keeps most bytes as they came; here each field is written by itself, so that a decoder that mixes two fields up, or
// passes over one, does not come out even.
#ifndef WHIMBREL_VECTORS_REWRITE_H
#define WHIMBREL_VECTORS_REWRITE_H

#include "mls/frame.h"
#include "mls/welcome.h"

void rewrite_extensions(struct buf *b, struct span list);
void rewrite_leaf(struct buf *b, const struct leaf *l);
void rewrite_key_package(struct buf *b, const struct key_package *kp);
// Without the type; the proposal was read into a body.
void rewrite_proposal_body(struct buf *b, const struct proposal *p);
void rewrite_commit(struct buf *b, const struct commit *c);
void rewrite_group_info(struct buf *b, const struct group_info *info);
void rewrite_group_secrets(struct buf *b, const struct group_secrets *s);
void rewrite_welcome(struct buf *b, const struct welcome *w);
// A PublicMessage, behind the head of the MLSMessage.
void rewrite_public(struct buf *b, const struct frame *f);
void rewrite_private(struct buf *b, const struct private_message *m);
// optional<Node> ratchet_tree<V>, node by node.
void rewrite_tree(struct buf *b, const struct tree *t);

#endif
