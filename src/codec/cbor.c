// SPDX-License-Identifier: Apache-2.0
//
// CBOR. Every item begins with a head: three bits of major type, and an argument in the shortest of five forms (RFC 8949 §3). All
// reading goes through `head`, which refuses every longer form than needed, and the indefinite ones.
#include "codec/cbor.h"

#include "base/utf8.h"

enum { UINT, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE };       // major types
enum { FALSE_ = 20, TRUE_ = 21, NULL_ = 22, HALF = 25, SINGLE = 26, DOUBLE = 27 }; // with SIMPLE
enum { BIGNUM = 2, NEGATIVE_BIGNUM = 3 };                             // tags

struct cbor_reader cbor_reader_of(struct span s)
{
    return (struct cbor_reader){.p = s.p, .end = s.n > 0 ? s.p + s.n : s.p, .err = ERR_OK};
}

static void stop(struct cbor_reader *r, enum err why)
{
    if (r->err == ERR_OK) r->err = why; // the first error counts
    r->p = r->end;
}

void cbor_fail(struct cbor_reader *r) { stop(r, ERR_MALFORMED); }
void cbor_limit(struct cbor_reader *r) { stop(r, ERR_LIMIT); }

enum err cbor_end(const struct cbor_reader *r) { return r->err == ERR_OK && r->p != r->end ? ERR_MALFORMED : r->err; }

static size_t left(const struct cbor_reader *r) { return (size_t)(r->end - r->p); }

enum cbor_kind cbor_peek(const struct cbor_reader *r)
{
    static const enum cbor_kind kinds[] = {CBOR_UINT, CBOR_NEGATIVE, CBOR_BYTES, CBOR_TEXT, CBOR_ARRAY, CBOR_MAP, CBOR_TAG};
    if (r->err != ERR_OK || r->p == r->end) return CBOR_NONE;
    if (*r->p >> 5 != SIMPLE) return kinds[*r->p >> 5];
    uint8_t which = *r->p & 31;
    return which == FALSE_ || which == TRUE_ ? CBOR_BOOL : which == NULL_ ? CBOR_NULL : CBOR_OTHER;
}

// -------------------------------------------------------------------------------------------------------------- heads

// The argument and, in *more, the five bits that said where it stands; nothing but the major type is known to be in order when
// it is SIMPLE.
static uint64_t head(struct cbor_reader *r, unsigned *major, unsigned *more)
{
    *major = *more = 0;
    if (r->err != ERR_OK || r->p == r->end) {
        cbor_fail(r);
        return 0;
    }
    *major = *r->p >> 5;
    *more = *r->p++ & 31;
    if (*more < 24) return *more;
    size_t n = *more > 27 ? 0 : (size_t)1 << (*more - 24);
    if (n == 0 || left(r) < n) { // 28 to 30 are reserved, 31 is an indefinite length
        cbor_fail(r);
        return 0;
    }
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) v = v << 8 | *r->p++;
    if (*major == SIMPLE) return v;
    static const uint64_t least[] = {24, 0x100, 0x10000, 0x100000000};
    if (v < least[*more - 24]) cbor_fail(r);
    return v;
}

// The argument of an item of this major type; 0 and an error for any other.
static uint64_t expect(struct cbor_reader *r, unsigned wanted)
{
    unsigned major, more;
    uint64_t v = head(r, &major, &more);
    if (r->err == ERR_OK && major == wanted) return v;
    cbor_fail(r);
    return 0;
}

static struct span string(struct cbor_reader *r, unsigned major)
{
    uint64_t n = expect(r, major);
    if (n > left(r)) cbor_fail(r);
    if (r->err != ERR_OK) return span_of(NULL, 0);
    struct span s = span_of(r->p, (size_t)n);
    r->p += n;
    return s;
}

// ---------------------------------------------------------------------------------------------------------- single items

static uint64_t number(struct cbor_reader *r, unsigned major, uint64_t max)
{
    uint64_t v = expect(r, major);
    if (v <= max) return v;
    cbor_fail(r);
    return 0;
}

uint64_t cbor_uint(struct cbor_reader *r, uint64_t max) { return number(r, UINT, max); }
uint64_t cbor_negative(struct cbor_reader *r, uint64_t max) { return number(r, NEGATIVE, max); }

struct span cbor_bytes(struct cbor_reader *r) { return string(r, BYTES); }

struct span cbor_text(struct cbor_reader *r)
{
    struct span s = string(r, TEXT);
    if (utf8_ok(s)) return s;
    cbor_fail(r);
    return span_of(NULL, 0);
}

bool cbor_bool(struct cbor_reader *r)
{
    if (cbor_peek(r) != CBOR_BOOL) {
        cbor_fail(r);
        return false;
    }
    return (*r->p++ & 31) == TRUE_;
}

bool cbor_null(struct cbor_reader *r)
{
    if (cbor_peek(r) != CBOR_NULL) return false;
    r->p++;
    return true;
}

static size_t count(struct cbor_reader *r, unsigned major, size_t least)
{
    uint64_t n = expect(r, major);
    if (n <= left(r) / least) return (size_t)n;
    cbor_fail(r); // each element has a byte at least
    return 0;
}

size_t cbor_array(struct cbor_reader *r) { return count(r, ARRAY, 1); }
size_t cbor_map(struct cbor_reader *r) { return count(r, MAP, 2); }

static struct span since(const struct cbor_reader *r, const uint8_t *from)
{
    return r->err == ERR_OK ? span_of(from, (size_t)(r->p - from)) : span_of(NULL, 0);
}

// Bytewise, and the shorter first where one is the other's beginning (RFC 8949 §4.2.1).
static bool before(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int d = n > 0 ? memcmp(a.p, b.p, n) : 0;
    return d < 0 || (d == 0 && a.n < b.n);
}

struct span cbor_key(struct cbor_reader *r, struct span *last)
{
    const uint8_t *from = r->p;
    switch (cbor_peek(r)) {
    case CBOR_UINT: (void)expect(r, UINT); break;
    case CBOR_NEGATIVE: (void)expect(r, NEGATIVE); break;
    case CBOR_BYTES: (void)cbor_bytes(r); break;
    case CBOR_TEXT: (void)cbor_text(r); break;
    default: cbor_fail(r);
    }
    struct span key = since(r, from);
    if (r->err == ERR_OK && !before(*last, key)) cbor_fail(r);
    *last = key;
    return since(r, from);
}

// --------------------------------------------------------------------------------------------------------- items of any kind

// Whether a float of 32 bits (8 of exponent, 23 of fraction) or 64 (11, 52) is the value of one of half its size.
static bool halves(uint64_t v, unsigned exponent_bits, unsigned fraction_bits, unsigned to_exponent, unsigned to_fraction)
{
    uint64_t fraction = v & (((uint64_t)1 << fraction_bits) - 1);
    uint64_t exponent = v >> fraction_bits & (((uint64_t)1 << exponent_bits) - 1);
    int bias = (1 << (exponent_bits - 1)) - 1, to_bias = (1 << (to_exponent - 1)) - 1;
    if (exponent == 0) return fraction == 0; // subnormal here is nothing there
    if (exponent == ((uint64_t)1 << exponent_bits) - 1) return true; // infinity; and of NaN there is one
    int e = (int)exponent - bias;
    unsigned lost = fraction_bits - to_fraction; // bits that the fraction loses
    if (e > to_bias) return false;
    if (e < 1 - to_bias) { // subnormal there: it loses more
        if (e < 1 - to_bias - (int)to_fraction) return false;
        lost += (unsigned)(1 - to_bias - e);
    }
    return (fraction & (((uint64_t)1 << lost) - 1)) == 0;
}

static void other(struct cbor_reader *r)
{
    unsigned major, more;
    uint64_t v = head(r, &major, &more);
    bool ok = r->err == ERR_OK;
    if (more == 24) ok = ok && v >= 32; // simple values below have one byte
    else if (more == HALF) ok = ok && ((v & 0x7c00) != 0x7c00 || (v & 0x3ff) == 0 || v == 0x7e00);
    else if (more == SINGLE) ok = ok && !halves(v, 8, 23, 5, 10);
    else if (more == DOUBLE) ok = ok && !halves(v, 11, 52, 8, 23);
    if (!ok) cbor_fail(r);
}

static void any(struct cbor_reader *r, unsigned depth);

static void map(struct cbor_reader *r, unsigned depth)
{
    struct span last = {0};
    size_t n = cbor_map(r);
    for (size_t i = 0; i < n && r->err == ERR_OK; i++) {
        (void)cbor_key(r, &last);
        any(r, depth);
    }
}

// A bignum that a plain integer could be, or with zeros in front, has a shorter encoding (§3.4.3).
static void tag(struct cbor_reader *r, unsigned depth)
{
    uint64_t which = expect(r, TAG);
    if (which != BIGNUM && which != NEGATIVE_BIGNUM) {
        any(r, depth);
        return;
    }
    struct span digits = cbor_bytes(r);
    if (digits.n <= 8 || digits.p[0] == 0) cbor_fail(r);
}

static void any(struct cbor_reader *r, unsigned depth)
{
    enum cbor_kind kind = cbor_peek(r);
    bool nests = kind == CBOR_ARRAY || kind == CBOR_MAP || kind == CBOR_TAG;
    if (nests && depth == 0) {
        cbor_fail(r);
        return;
    }
    switch (kind) {
    case CBOR_UINT: (void)expect(r, UINT); break;
    case CBOR_NEGATIVE: (void)expect(r, NEGATIVE); break;
    case CBOR_BYTES: (void)cbor_bytes(r); break;
    case CBOR_TEXT: (void)cbor_text(r); break;
    case CBOR_ARRAY:
        for (size_t n = cbor_array(r); n > 0 && r->err == ERR_OK; n--) any(r, depth - 1);
        break;
    case CBOR_MAP: map(r, depth - 1); break;
    case CBOR_TAG: tag(r, depth - 1); break;
    case CBOR_BOOL:
    case CBOR_NULL: r->p++; break;
    case CBOR_OTHER: other(r); break;
    default: cbor_fail(r);
    }
}

struct span cbor_any(struct cbor_reader *r, unsigned depth)
{
    const uint8_t *from = r->p;
    any(r, depth);
    return since(r, from);
}

// ------------------------------------------------------------------------------------------------------------ writing

static void put_head(struct buf *b, unsigned major, uint64_t v)
{
    unsigned n = v < 24 ? 0 : v < 0x100 ? 1 : v < 0x10000 ? 2 : v < 0x100000000 ? 4 : 8;
    unsigned more = n == 0 ? (unsigned)v : n == 1 ? 24 : n == 2 ? 25 : n == 4 ? 26 : 27;
    buf_put_u8(b, (uint8_t)(major << 5 | more));
    while (n > 0) buf_put_u8(b, (uint8_t)(v >> 8 * --n));
}

void cbor_put_uint(struct buf *b, uint64_t v) { put_head(b, UINT, v); }

void cbor_put_bytes(struct buf *b, struct span s)
{
    put_head(b, BYTES, s.n);
    buf_put(b, s);
}

void cbor_put_text(struct buf *b, struct span s)
{
    if (!utf8_ok(s) && b->err == ERR_OK) b->err = ERR_MISUSE;
    put_head(b, TEXT, s.n);
    buf_put(b, s);
}

void cbor_put_bool(struct buf *b, bool v) { put_head(b, SIMPLE, v ? TRUE_ : FALSE_); }
void cbor_put_null(struct buf *b) { put_head(b, SIMPLE, NULL_); }
void cbor_put_array(struct buf *b, size_t n) { put_head(b, ARRAY, n); }
void cbor_put_map(struct buf *b, size_t n) { put_head(b, MAP, n); }
