// SPDX-License-Identifier: Apache-2.0
//
// The TLS presentation language: readers and writers. Invariant of a reader: p <= end, and after an error p == end,
// so that no later read returns a byte.
#include "codec/tls.h"

struct tls_reader tls_reader_of(struct span s)
{
    static const uint8_t none[1];
    const uint8_t *p = s.p != NULL ? s.p : none;
    return (struct tls_reader){.p = p, .end = p + s.n};
}

size_t tls_left(const struct tls_reader *r) { return (size_t)(r->end - r->p); }

void tls_fail(struct tls_reader *r)
{
    r->err = ERR_MALFORMED;
    r->p = r->end;
}

enum err tls_end(const struct tls_reader *r)
{
    if (r->err != ERR_OK) return r->err;
    return r->p == r->end ? ERR_OK : ERR_MALFORMED;
}

struct span tls_bytes(struct tls_reader *r, size_t n)
{
    if (n > tls_left(r)) {
        tls_fail(r);
        return span_of(r->p, 0);
    }
    const uint8_t *at = r->p;
    r->p += n;
    return span_of(at, n);
}

struct span tls_rest(struct tls_reader *r) { return tls_bytes(r, tls_left(r)); }

static uint64_t read_uint(struct tls_reader *r, size_t n)
{
    struct span s = tls_bytes(r, n);
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) v = v << 8 | s.p[i];
    return v;
}

uint8_t tls_u8(struct tls_reader *r) { return (uint8_t)read_uint(r, 1); }
uint16_t tls_u16(struct tls_reader *r) { return (uint16_t)read_uint(r, 2); }
uint32_t tls_u32(struct tls_reader *r) { return (uint32_t)read_uint(r, 4); }
uint64_t tls_u64(struct tls_reader *r) { return read_uint(r, 8); }

size_t tls_length(struct tls_reader *r)
{
    uint8_t first = tls_u8(r);
    if (r->err != ERR_OK) return 0;
    unsigned prefix = first >> 6;
    size_t v = first & 0x3f;
    // RFC 9420 §2.1.2: "Vectors that start with the prefix "11" are invalid and MUST be rejected."
    if (prefix == 3) {
        tls_fail(r);
        return 0;
    }
    size_t more = ((size_t)1 << prefix) - 1;
    for (size_t i = 0; i < more; i++) v = v << 8 | tls_u8(r);
    // RFC 9420 §2.1.2: "values using more bits than necessary MUST be treated as malformed."
    if ((prefix == 1 && v < 64) || (prefix == 2 && v < 16384)) tls_fail(r);
    return r->err == ERR_OK ? v : 0;
}

struct span tls_vector(struct tls_reader *r)
{
    size_t n = tls_length(r);
    return tls_bytes(r, n);
}

struct tls_reader tls_open(struct tls_reader *r)
{
    struct tls_reader sub = tls_reader_of(tls_vector(r));
    sub.err = r->err;
    return sub;
}

void tls_close(struct tls_reader *r, const struct tls_reader *sub)
{
    if (tls_end(sub) != ERR_OK) tls_fail(r);
}

bool tls_optional(struct tls_reader *r)
{
    uint8_t present = tls_u8(r);
    // RFC 9420 §2.1.1: "a presence octet with a value other than 0 or 1 MUST be rejected as malformed."
    if (present > 1) tls_fail(r);
    return present == 1;
}

static void put_uint(struct buf *b, uint64_t v, size_t n)
{
    uint8_t *at = buf_grow(b, n);
    if (at == NULL) return;
    for (size_t i = 0; i < n; i++) at[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
}

void tls_put_u8(struct buf *b, uint8_t v) { put_uint(b, v, 1); }
void tls_put_u16(struct buf *b, uint16_t v) { put_uint(b, v, 2); }
void tls_put_u32(struct buf *b, uint32_t v) { put_uint(b, v, 4); }
void tls_put_u64(struct buf *b, uint64_t v) { put_uint(b, v, 8); }

void tls_put_length(struct buf *b, size_t n)
{
    if (n < 64) {
        put_uint(b, n, 1);
    } else if (n < 16384) {
        put_uint(b, 0x4000u | n, 2);
    } else if (n <= TLS_VECTOR_MAX) {
        put_uint(b, 0x80000000u | n, 4);
    } else if (b->err == ERR_OK) {
        b->err = ERR_LIMIT;
    }
}

size_t tls_vector_size(size_t n) { return n + (n < 64 ? 1 : n < 16384 ? 2 : 4); }

void tls_put_vector(struct buf *b, struct span s)
{
    tls_put_length(b, s.n);
    buf_put(b, s);
}

size_t tls_begin(struct buf *b)
{
    size_t mark = b->n;
    put_uint(b, 0, 1);
    return mark;
}

void tls_finish(struct buf *b, size_t mark)
{
    if (b->err != ERR_OK) return;
    size_t n = b->n - mark - 1;
    size_t header = n < 64 ? 1 : n < 16384 ? 2 : 4;
    if (n > TLS_VECTOR_MAX) {
        b->err = ERR_LIMIT;
        return;
    }
    if (header > 1) {
        if (buf_grow(b, header - 1) == NULL) return;
        memmove(b->p + mark + header, b->p + mark + 1, n);
    }
    size_t v = header == 1 ? n : header == 2 ? (0x4000u | n) : (0x80000000u | n);
    for (size_t i = 0; i < header; i++) b->p[mark + i] = (uint8_t)(v >> (8 * (header - 1 - i)));
}
