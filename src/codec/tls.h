// SPDX-License-Identifier: Apache-2.0
//
// codec/tls: cursors that read and write the TLS presentation language as RFC 9420 §2.1 uses it: big-endian integers,
// optional<T>, and vectors <V> with a variable-size length of the smallest encoding.
//
// A reader's error sticks and turns every later read into zeros and empty spans, so that a decoder reads like the
// struct in the RFC, followed by one check. Spans that a reader returns point into the bytes that it reads.
#ifndef WHIMBREL_CODEC_TLS_H
#define WHIMBREL_CODEC_TLS_H

#include "base/base.h"

// The longest vector that can be written: 2^30 - 1 bytes (RFC 9420 §2.1.2).
#define TLS_VECTOR_MAX ((size_t)0x3fffffff)

struct tls_reader {
    const uint8_t *p, *end;
    enum err err; // ERR_OK or ERR_MALFORMED
};

struct tls_reader tls_reader_of(struct span s);
// How many bytes are left; 0 after an error.
size_t tls_left(const struct tls_reader *r);
// Puts the reader into its error state: for values that the caller finds impossible.
void tls_fail(struct tls_reader *r);
// ERR_MALFORMED if anything failed or if bytes are left over.
enum err tls_end(const struct tls_reader *r);

uint8_t tls_u8(struct tls_reader *r);
uint16_t tls_u16(struct tls_reader *r);
uint32_t tls_u32(struct tls_reader *r);
uint64_t tls_u64(struct tls_reader *r);
// Exactly n bytes.
struct span tls_bytes(struct tls_reader *r, size_t n);
// All that is left.
struct span tls_rest(struct tls_reader *r);
// The length of a vector <V>: 1, 2 or 4 bytes, refused where a shorter encoding would do.
size_t tls_length(struct tls_reader *r);
// opaque x<V>
struct span tls_vector(struct tls_reader *r);
// A reader over the elements of x<V>; it carries its own error, so close it with tls_close.
struct tls_reader tls_open(struct tls_reader *r);
// Ends a sub-reader: its error, or bytes left in it, become the outer reader's error.
void tls_close(struct tls_reader *r, const struct tls_reader *sub);
// The presence octet of optional<T>; values other than 0 and 1 are malformed.
bool tls_optional(struct tls_reader *r);
// Where the reader stands, to cut out the bytes of a struct afterwards: span_of(from, tls_mark(r) - from).
static inline const uint8_t *tls_mark(const struct tls_reader *r) { return r->p; }
static inline struct span tls_since(const struct tls_reader *r, const uint8_t *from)
{
    return span_of(from, (size_t)(r->p - from));
}

void tls_put_u8(struct buf *b, uint8_t v);
void tls_put_u16(struct buf *b, uint16_t v);
void tls_put_u32(struct buf *b, uint32_t v);
void tls_put_u64(struct buf *b, uint64_t v);
// The length header alone. n above TLS_VECTOR_MAX fails the buffer with ERR_LIMIT.
void tls_put_length(struct buf *b, size_t n);
// opaque x<V>
void tls_put_vector(struct buf *b, struct span s);
// How many bytes a vector of n has.
size_t tls_vector_size(size_t n);
// A vector whose length is known only afterwards: whatever is written between begin and end is its content.
size_t tls_begin(struct buf *b);
void tls_finish(struct buf *b, size_t mark);

#endif
