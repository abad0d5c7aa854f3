// SPDX-License-Identifier: Apache-2.0
//
// wire/read: what the decoders of requests and replies share, and nobody else sees: a reader that tells what is too much from
// what is malformed, and checks of whole lists. Nothing here allocates. Invariant: what is malformed stays malformed, however
// much of it is too much, so that ERR_LIMIT always means a message whose parts are all in their places.
#ifndef WHIMBREL_WIRE_READ_H
#define WHIMBREL_WIRE_READ_H

#include "wire/wire.h"

struct wire_reader {
    struct tls_reader r;
    uint64_t limit; // the first one that was passed; 0 while none was
};

// ERR_MALFORMED, ERR_LIMIT, or that everything was read and is as it should be.
enum err wire_read_end(const struct wire_reader *d);
// Says that there are n of what may be `most`.
void wire_read_count(struct wire_reader *d, size_t n, size_t most);
// Exactly n bytes; never NULL, but nothing is there after an error.
const uint8_t *wire_read_fixed(struct wire_reader *d, size_t n);
// opaque x<V> with least to most bytes.
struct span wire_read_sized(struct wire_reader *d, size_t least, size_t most);
// One octet that is 0 or 1.
bool wire_read_flag(struct wire_reader *d);
// An amount of credit (§3.2): below 2^31.
uint32_t wire_read_credit(struct wire_reader *d);
// A grant on its own, with the rules of §3.1.
void wire_read_grant(struct wire_reader *d, struct wire_grant *out);

// Lists <V>: read, and checked element by element. The spans can be walked with wire_next_… .
struct span wire_read_versions(struct wire_reader *d);
struct span wire_read_grants(struct wire_reader *d);
struct span wire_read_follows(struct wire_reader *d);
struct span wire_read_packages(struct wire_reader *d);
struct span wire_read_entries(struct wire_reader *d, uint64_t *last); // seq of the last one; 0 if there is none
struct span wire_read_followed(struct wire_reader *d);
struct span wire_read_taken(struct wire_reader *d);
struct span wire_read_pool(struct wire_reader *d);

#endif
