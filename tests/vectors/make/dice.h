// SPDX-License-Identifier: Apache-2.0
//
// vectors/make/dice: random structures of RFC 9420 that are well-formed and mean nothing: keys, hashes and signatures are
// random bytes of plausible lengths. What they are for is decoding.
#ifndef WHIMBREL_VECTORS_MAKE_DICE_H
#define WHIMBREL_VECTORS_MAKE_DICE_H

#include "mls/frame.h"
#include "mls/welcome.h"
#include "vectors/make/kit.h"

// Sizes that go together.
struct dice {
    struct make *m;
    uint16_t suite;
    size_t nh, npk, nenc, nsigpk, nsig;
};
// Those of the trial's suite, or of a random one of RFC 9420 where it has none.
struct dice dice_of_suite(struct make *m);
struct dice dice_of_any(struct make *m);

// All of these belong to the trial.
struct span dice_key_package(struct dice *d);
struct span dice_leaf(struct dice *d, enum leaf_source source);
struct span dice_ratchet_tree(struct dice *d, uint32_t leaves);
// The body of a Proposal of this type, without the type itself.
struct span dice_proposal_body(struct dice *d, uint16_t type);
struct span dice_proposal(struct dice *d);
struct span dice_commit(struct dice *d, bool with_path);
struct span dice_group_info(struct dice *d);
struct span dice_group_secrets(struct dice *d);
struct span dice_welcome(struct dice *d);
// MLSMessages.
struct span dice_public(struct dice *d, enum content_type type);
struct span dice_private(struct dice *d);
struct span dice_message(struct dice *d, enum wire_format format, struct span body);

#endif
