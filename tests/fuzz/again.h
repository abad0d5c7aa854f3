// SPDX-License-Identifier: Apache-2.0
//
// tests/fuzz/again: writes decoded structs out again, field by field as RFC 9420 defines them, without the library's own
// writers. Whoever decodes bytes and writes them so must get the same bytes back; and every span that is written must lie
// inside the bytes that were decoded.
#ifndef WHIMBREL_TESTS_FUZZ_AGAIN_H
#define WHIMBREL_TESTS_FUZZ_AGAIN_H

#include "group/client.h"
#include "kit.h"
#include "mls/welcome.h"

struct again {
    struct span scope; // what was decoded
    struct buf out;
};

bool again_inside(const struct again *a, struct span s);
void again_raw(struct again *a, struct span s);
void again_vector(struct again *a, struct span s);

void again_credential(struct again *a, const struct credential *c);
void again_leaf(struct again *a, const struct leaf *l);
void again_key_package(struct again *a, const struct key_package *kp);
void again_extensions(struct again *a, struct span list);
void again_psk(struct again *a, const struct psk_id *id);
void again_reinit(struct again *a, const struct reinit *r);
void again_proposal(struct again *a, const struct proposal *p);
void again_path(struct again *a, const struct update_path *p);
void again_commit(struct again *a, const struct commit *c);
// The FramedContent, without what stands before and behind it.
void again_framed(struct again *a, const struct frame *f);
void again_private(struct again *a, const struct private_message *m);
void again_context(struct again *a, const struct group_context *c);
void again_info(struct again *a, const struct group_info *i);
void again_secrets(struct again *a, const struct group_secrets *s);
void again_welcome(struct again *a, const struct welcome *w);

#endif
