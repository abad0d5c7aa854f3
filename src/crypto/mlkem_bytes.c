// SPDX-License-Identifier: Apache-2.0
//
// Elements of the ring as bytes: FIPS 203 §4.2.1, the coefficients' bits one after another, lowest first, after
// compression or without. Coefficients may be secret: quotients by q are products and shifts, loops count only places,
// and a bit of a message becomes a mask that the compiler cannot see through.
#include "crypto/mlkem_poly.h"

#include "crypto/lanes.h"
#include "crypto/wide.h"

// For each d, 64 values of d bits fill d words. Unrolled, with d a constant, nothing is left of the bookkeeping.
enum { GROUP = 64 };

// Round(2^d / q x) modulo 2^d (4.7): by 2^32 / q rounded up, and a half that makes up for that; the sum wraps at 2^32,
// as the result does at 2^d. Exact for each x < q and each d in use, as the unit test shows by trying them all.
WIDE_BODY uint32_t compress(uint32_t x, unsigned d)
{
    return (x * 1290168 + (UINT32_C(1) << (31 - d)) - 1000) >> (32 - d);
}

// Round(q / 2^d y) (4.8).
WIDE_BODY uint32_t decompress(uint32_t y, unsigned d) { return (y * MLKEM_Q + (UINT32_C(1) << (d - 1))) >> d; }

// 64 coefficients at c, compressed if d < 12, to 8 d bytes.
WIDE_BODY void pack_group(uint8_t *out, const int16_t *c, unsigned d)
{
    uint64_t word = 0;
    unsigned used = 0;
#pragma GCC unroll 64
    for (size_t i = 0; i < GROUP; i++) {
        uint64_t x = d < 12 ? compress((uint16_t)c[i], d) : (uint16_t)c[i];
        word |= x << used;
        used += d;
        if (used < 64) continue;
        lane_store(out, word);
        out += 8;
        used -= 64;
        word = used > 0 ? x >> (d - used) : 0;
    }
}

WIDE_BODY void unpack_group(int16_t *c, const uint8_t *in, unsigned d)
{
    uint64_t word = 0;
    unsigned left = 0;
#pragma GCC unroll 64
    for (size_t i = 0; i < GROUP; i++) {
        uint64_t x = word;
        if (left < d) {
            word = lane_load(in);
            in += 8;
            x |= word << left;
            word >>= d - left;
            left += 64 - d;
        } else {
            word >>= d;
            left -= d;
        }
        uint32_t y = (uint32_t)(x & ((UINT64_C(1) << d) - 1));
        c[i] = (int16_t)(d < 12 ? decompress(y, d) : y);
    }
}

WIDE_BODY void pack(uint8_t *out, const struct poly *p, unsigned d)
{
    for (size_t i = 0; i < MLKEM_N; i += GROUP) pack_group(out + i / 8 * d, p->c + i, d);
}

WIDE_BODY void unpack(struct poly *p, const uint8_t *in, unsigned d)
{
    for (size_t i = 0; i < MLKEM_N; i += GROUP) unpack_group(p->c + i, in + i / 8 * d, d);
}

void mlkem_bytes_encode(uint8_t out[MLKEM_POLY_BYTES], const struct poly *p) { pack(out, p, 12); }

void mlkem_bytes_decode(struct poly *p, const uint8_t in[MLKEM_POLY_BYTES]) { unpack(p, in, 12); }

void mlkem_bytes_compress(uint8_t *out, const struct poly *p, unsigned d)
{
    switch (d) {
    case 1: pack(out, p, 1); break;
    case 4: pack(out, p, 4); break;
    case 5: pack(out, p, 5); break;
    case 10: pack(out, p, 10); break;
    default: pack(out, p, 11); break;
    }
}

typedef uint16_t v8 __attribute__((vector_size(16)));

// Decompress_1 of a secret message: 0 or (q + 1) / 2. A compiler that sees a coefficient with two values may choose
// between them by a branch on the bit; so the bits become masks first, and then it is made to forget what it knows.
static void decompress_message(struct poly *p, const uint8_t in[32])
{
    const v8 bits = {1, 2, 4, 8, 16, 32, 64, 128};
    for (size_t i = 0; i < 32; i++) {
        v8 mask = (v8)((((v8){0} + in[i]) & bits) == bits);
        memcpy(p->c + 8 * i, &mask, sizeof mask);
    }
    __asm__ volatile("" : : "r"(p->c) : "memory");
    for (size_t i = 0; i < MLKEM_N; i++) p->c[i] &= (MLKEM_Q + 1) / 2;
}

void mlkem_bytes_decompress(struct poly *p, const uint8_t *in, unsigned d)
{
    switch (d) {
    case 1: decompress_message(p, in); break;
    case 4: unpack(p, in, 4); break;
    case 5: unpack(p, in, 5); break;
    case 10: unpack(p, in, 10); break;
    default: unpack(p, in, 11); break;
    }
}
