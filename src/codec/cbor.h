// SPDX-License-Identifier: Apache-2.0
//
// codec/cbor: cursors that read and write CBOR (RFC 8949) in its core deterministic encoding (§4.2.1): definite lengths,
// shortest heads, shortest floats, map keys in the order of their encodings and each once. Whatever is encoded otherwise is
// malformed, so a value has one encoding, and what was read can be written again as the same bytes.
//
// A reader's error sticks and turns every later read into zeros and empty spans, as in codec/tls.h. Spans that a reader
// returns point into the bytes that it reads.
#ifndef WHIMBREL_CODEC_CBOR_H
#define WHIMBREL_CODEC_CBOR_H

#include "base/base.h"

struct cbor_reader {
    const uint8_t *p, *end;
    enum err err; // ERR_OK, ERR_MALFORMED, or ERR_LIMIT of the caller's
};

// What stands next. CBOR_OTHER is a float, or a simple value but false, true and null; CBOR_NONE the end, or an error.
enum cbor_kind {
    CBOR_NONE,
    CBOR_UINT,
    CBOR_NEGATIVE,
    CBOR_BYTES,
    CBOR_TEXT,
    CBOR_ARRAY,
    CBOR_MAP,
    CBOR_TAG,
    CBOR_BOOL,
    CBOR_NULL,
    CBOR_OTHER,
};

struct cbor_reader cbor_reader_of(struct span s);
// The first error, or ERR_MALFORMED if bytes are left over.
enum err cbor_end(const struct cbor_reader *r);
// Puts the reader into its error state: for values that the caller finds impossible, or larger than its limits.
void cbor_fail(struct cbor_reader *r);
void cbor_limit(struct cbor_reader *r);
enum cbor_kind cbor_peek(const struct cbor_reader *r);

// Each fails where something else stands. A number above `max` is malformed, too.
uint64_t cbor_uint(struct cbor_reader *r, uint64_t max);
uint64_t cbor_negative(struct cbor_reader *r, uint64_t max); // n, where the number is -1 - n
struct span cbor_bytes(struct cbor_reader *r);
struct span cbor_text(struct cbor_reader *r); // valid UTF-8
bool cbor_bool(struct cbor_reader *r);
// Whether null stands next; then it is read.
bool cbor_null(struct cbor_reader *r);
// The number of elements, or of pairs, which the caller reads next. Never more than there are bytes left.
size_t cbor_array(struct cbor_reader *r);
size_t cbor_map(struct cbor_reader *r);
// A map's next key, as its encoding: an integer, or a text or byte string. *last is the key before it, or empty, and becomes
// this one; a key that does not come after it fails.
struct span cbor_key(struct cbor_reader *r, struct span *last);
// One item of any kind with all that is in it, as its encoding. Arrays, maps and tags may stand in each other `depth` levels
// deep; keys of maps are those that cbor_key takes.
struct span cbor_any(struct cbor_reader *r, unsigned depth);

void cbor_put_uint(struct buf *b, uint64_t v);
void cbor_put_bytes(struct buf *b, struct span s);
void cbor_put_text(struct buf *b, struct span s); // must be UTF-8: ERR_MISUSE fails the buffer
void cbor_put_bool(struct buf *b, bool v);
void cbor_put_null(struct buf *b);
void cbor_put_array(struct buf *b, size_t n);
void cbor_put_map(struct buf *b, size_t n);

#endif
