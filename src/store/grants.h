// SPDX-License-Identifier: Apache-2.0
//
// store/grants: the grants of one log, and the rules of docs/protocol.md §3.1 for changing them, which every engine of the store
// shares. It knows hashes, never keys.
#ifndef WHIMBREL_STORE_GRANTS_H
#define WHIMBREL_STORE_GRANTS_H

#include "wire/wire.h"

enum { GRANTS_MAX = 1024 };

struct grants {
    struct wire_grant *v;
    size_t n, room;
};

void grants_free(struct grants *g);
// From encoded elements, as in log_create; WIRE_E_EXISTS if a hash stands twice.
enum err grants_decode(struct grants *g, struct span list, enum wire_code *code);
void grants_encode(const struct grants *g, struct buf *out);
enum err grants_copy(const struct grants *g, struct grants *out);
// The grant with this hash; NULL if there is none.
const struct wire_grant *grants_find(const struct grants *g, const uint8_t *hash);
// Whether the hash has all of these rights; to append or more, its range must have no end.
bool grants_allow(const struct grants *g, const uint8_t *hash, uint8_t rights);
// Adds one or puts it in the place of the one with its hash. WIRE_E_LIMIT for one too many.
enum err grants_set(struct grants *g, const struct wire_grant *grant, enum wire_code *code);
// Whether there was one.
bool grants_remove(struct grants *g, const uint8_t *hash);
// What an advance with replacement does, whose entry is `seq`: the old one only reads, up to that entry; the new one has its rights.
enum err grants_replace(struct grants *g, const uint8_t *old, const uint8_t *fresh, uint64_t from, uint64_t seq,
                        enum wire_code *code);
// Drops those that have ended before the oldest entry that is kept. Whether any did.
bool grants_tidy(struct grants *g, uint64_t oldest);

#endif
