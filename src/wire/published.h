// SPDX-License-Identifier: Apache-2.0
//
// wire/published: further ways to a relay, as the relay publishes them (docs/protocol.md §2.2): its other addresses, proxies, bridges. It
// is signed with the key behind the relay's pin, so whoever has it can show it to others. This is its encoding; who signs and
// checks is said by net.h. It does not know what a way means: a client leaves out those that it does not.
#ifndef WHIMBREL_WIRE_PUBLISHED_H
#define WHIMBREL_WIRE_PUBLISHED_H

#include "wire/wire.h"

enum { PUBLISHED_WAYS_MAX = 32, PUBLISHED_WAY_MAX = 500 };

struct published {
    uint64_t issued;  // milliseconds since 1970: of two, the later one counts
    struct span ways; // encoded: see published_next
    struct span key;  // SubjectPublicKeyInfo, DER
    struct span signature;
    struct span said; // all before the key
};

// ERR_MALFORMED, ERR_LIMIT, ERR_UNSUPPORTED (another version). Nothing is believed yet: the signature is for the caller to check, over
// published_signed. After an error *out is zeroed.
enum err published_read(struct span in, struct published *out);
// Takes the next way off the list; false at its end. It is printable ASCII, 1 to 500 characters.
bool published_next(struct span *ways, struct span *way);
// Whether a text may be a way.
bool published_is_way(struct span text);

void published_put_way(struct buf *ways, struct span way);
// What is said: all before the key.
void published_write(struct buf *out, uint64_t issued, struct span ways);
// What is signed: a label, and what is said.
void published_signed(struct buf *out, struct span said);
// Appends key and signature to what is said.
void published_finish(struct buf *out, struct span key, struct span signature);

#endif
