// SPDX-License-Identifier: Apache-2.0
//
// tests/fuzz/letter: a message to the group from somebody who has the keys and no scruples: any content, decodable or
// not, under a real signature, membership tag and encryption. Whatever the struct says is what is sent.
#ifndef WHIMBREL_TESTS_FUZZ_LETTER_H
#define WHIMBREL_TESTS_FUZZ_LETTER_H

#include "kit.h"

struct letter {
    uint16_t wire;
    uint8_t content_type, sender_type;
    uint32_t sender;
    struct span group_id, aad;
    uint64_t epoch;
    struct span body;     // as it stands in FramedContent: of application data, with its length
    struct span sk;       // who signs. secret
    bool tagged;          // whether a confirmation tag follows
    struct span tag;
    uint32_t generation;  // of a PrivateMessage
    struct span padding;
    // Where damage is done, as a feed says: so many patches of what is encrypted, and of the whole message.
    struct feed *damage;
    unsigned inner, outer;
    // Filled in by letter_sign.
    struct span framed, signature;
};

// What a member would send in its present epoch, as a PublicMessage.
struct letter letter_from(const struct mls_group *g, uint8_t content_type, struct span body, struct span sk);
// g: the sender's group, or that of somebody who lends its keys. The epoch may be a past one that g keeps.
void letter_sign(const struct mls_group *g, struct letter *l);
// The MLSMessage, signed before; empty if g has no key for it.
struct span letter_seal(const struct mls_group *g, struct letter *l);
// ProposalRef of a proposal that was signed.
struct span letter_reference(const struct mls_group *g, const struct letter *l);

#endif
