// SPDX-License-Identifier: Apache-2.0
//
// The rings of ML-KEM (FIPS 203 §4.3): the constants, the transposition between the two orders of coefficients, and
// the two builds of mlkem_ring.h. Vectors are the compilers' own, of 8 numbers anywhere and of 16 with AVX2; all that a
// processor is asked for by name is the high half of a 16-bit product, which x86 has and compilers miss.
#include "crypto/mlkem_poly.h"

#include "crypto/wide.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

enum {
    MLKEM_ROW = 16,
    MLKEM_Q_INVERSE = -3327, // q^-1 modulo 2^16, signed
    MLKEM_R_SQUARED = 1353,  // 2^32 modulo q: times this, a Montgomery product loses the two divisions by 2^16
    MLKEM_R_BY_128 = 512,    // 2^16 / 128 modulo q: the last line of Algorithm 10 as a Montgomery factor
    MLKEM_BARRETT = 20159,   // 2^26 / q, rounded
};

// zeta^BitRev7(i) 2^16 modulo q, centred, with zeta = 17 (§4.3 and Appendix A). For i = 1 to 15 they serve blocks of
// rows. The others serve the places r = 0 to 15 of a row: row 1 has i = 16 + r, rows 2 + b have i = 32 + 2 r + b and
// rows 4 + b have i = 64 + 4 r + b. The inverse, which counts i down, needs each row from its end.
static const int16_t zeta_block[16] = {-1044, -758, -359,  -1517, 1493, 1422,  287,   202,
                                       -171,  622,  1577,  182,   962,  -1202, -1474, 1468};
static const int16_t zeta_row[8][MLKEM_ROW] = {
    {0},
    {573, -1325, 264, 383, -829, 1458, -1602, -130, -681, 1017, 732, 608, -1542, 411, -205, -1571},
    {1223, -552, -1293, -282, 516, -320, -1618, 126, -853, -271, 107, -247, -398, -1508, 448, 677},
    {652, 1015, 1491, -1544, -8, -666, -1162, 1469, -90, 830, -1421, -951, 961, -725, -1065, -1275},
    {-1103, -1251, 422, -291, -246, -777, -1590, 418, 817, 1322, -1215, -874, -1185, -1510, -108, 958},
    {430, 871, 587, -460, 778, 1483, 644, 329, 1097, -1285, -136, 220, -1530, -854, -308, -1460},
    {555, 1550, 177, 1574, 1159, -602, -872, -156, 603, -1465, 1218, -1187, -1278, -870, 996, 1522},
    {843, 105, -235, 1653, -147, 1119, 349, -75, 610, 384, -1335, -1659, 794, 478, 991, 1628}};
static const int16_t zeta_row_reversed[8][MLKEM_ROW] = {
    {0},
    {-1571, -205, 411, -1542, 608, 732, 1017, -681, -130, -1602, 1458, -829, 383, 264, -1325, 573},
    {677, 448, -1508, -398, -247, 107, -271, -853, 126, -1618, -320, 516, -282, -1293, -552, 1223},
    {-1275, -1065, -725, 961, -951, -1421, 830, -90, 1469, -1162, -666, -8, -1544, 1491, 1015, 652},
    {958, -108, -1510, -1185, -874, -1215, 1322, 817, 418, -1590, -777, -246, -291, 422, -1251, -1103},
    {-1460, -308, -854, -1530, 220, -136, -1285, 1097, 329, 644, 1483, 778, -460, 587, 871, 430},
    {1522, 996, -870, -1278, -1187, 1218, -1465, 603, -156, -872, -602, 1159, 1574, 177, 1550, 555},
    {1628, 991, 478, 794, -1659, -1335, 384, 610, -75, 349, 1119, -147, 1653, -235, 105, 843}};

typedef int16_t v8 __attribute__((vector_size(16)));
typedef uint16_t u8 __attribute__((vector_size(16)));
typedef int16_t v16 __attribute__((vector_size(32)));
typedef uint16_t u16 __attribute__((vector_size(32)));

// Transposes an 8 by 8 block: three times, rows i and i + 4 are interleaved.
WIDE_BODY void transpose_8x8(v8 a[8])
{
    v8 b[8];
    for (size_t stage = 0; stage < 3; stage++) {
        for (size_t i = 0; i < 4; i++) {
            b[2 * i] = __builtin_shufflevector(a[i], a[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
            b[2 * i + 1] = __builtin_shufflevector(a[i], a[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
        }
        memcpy(a, b, sizeof b);
    }
}

// Transposes the block at c + from, and that at c + to, and exchanges them.
WIDE_BODY void transpose_pair(int16_t c[MLKEM_N], size_t from, size_t to)
{
    v8 a[8], b[8];
    for (size_t i = 0; i < 8; i++) memcpy(&a[i], c + from + MLKEM_ROW * i, sizeof a[i]);
    for (size_t i = 0; i < 8; i++) memcpy(&b[i], c + to + MLKEM_ROW * i, sizeof b[i]);
    transpose_8x8(a);
    for (size_t i = 0; i < 8; i++) memcpy(c + to + MLKEM_ROW * i, &a[i], sizeof a[i]);
    transpose_8x8(b);
    for (size_t i = 0; i < 8; i++) memcpy(c + from + MLKEM_ROW * i, &b[i], sizeof b[i]);
}

WIDE_BODY void transpose(int16_t c[MLKEM_N])
{
    v8 a[8];
    for (size_t at = 0; at < MLKEM_N; at += 8 * MLKEM_ROW + 8) {
        for (size_t i = 0; i < 8; i++) memcpy(&a[i], c + at + MLKEM_ROW * i, sizeof a[i]);
        transpose_8x8(a);
        for (size_t i = 0; i < 8; i++) memcpy(c + at + MLKEM_ROW * i, &a[i], sizeof a[i]);
    }
    transpose_pair(c, 8, 8 * MLKEM_ROW);
}

void mlkem_ntt_transpose(struct poly *p) { transpose(p->c); }

// The high halves of the products.
#if defined(__SSE2__)
WIDE_BODY v8 high_8(v8 a, v8 b) { return (v8)_mm_mulhi_epi16((__m128i)a, (__m128i)b); }
#else
typedef int32_t w8 __attribute__((vector_size(32)));
WIDE_BODY v8 high_8(v8 a, v8 b)
{
    return __builtin_convertvector((__builtin_convertvector(a, w8) * __builtin_convertvector(b, w8)) >> 16, v8);
}
#endif

#define RING_V v8
#define RING_U u8
#define RING_HIGH high_8
#define RING_BODY WIDE_BODY
#define RING(name) name##_8
#include "crypto/mlkem_ring.h"
#undef RING_V
#undef RING_U
#undef RING_HIGH
#undef RING_BODY
#undef RING

static void forward_portable(int16_t *c) { forward_8(c); }
static void inverse_portable(int16_t *c) { inverse_8(c); }
static void canonical_portable(int16_t *c) { canonical_8(c); }
static void dot_portable(int16_t *out, const struct poly *a, const struct poly *b, size_t k) { dot_8(out, a, b, k); }

#if defined(__x86_64__)
WIDE WIDE_BODY v16 high_16(v16 a, v16 b) { return (v16)_mm256_mulhi_epi16((__m256i)a, (__m256i)b); }

#define RING_V v16
#define RING_U u16
#define RING_HIGH high_16
#define RING_BODY WIDE WIDE_BODY
#define RING(name) name##_16
#include "crypto/mlkem_ring.h"

WIDE static void forward_wide(int16_t *c) { forward_16(c); }
WIDE static void inverse_wide(int16_t *c) { inverse_16(c); }
WIDE static void canonical_wide(int16_t *c) { canonical_16(c); }
WIDE static void dot_wide(int16_t *out, const struct poly *a, const struct poly *b, size_t k) { dot_16(out, a, b, k); }
#else
#define forward_wide forward_portable
#define inverse_wide inverse_portable
#define canonical_wide canonical_portable
#define dot_wide dot_portable
#endif

void mlkem_ntt_forward(struct poly *p, bool wide)
{
    if (wide) forward_wide(p->c);
    else forward_portable(p->c);
}

void mlkem_ntt_inverse(struct poly *p, bool wide)
{
    if (wide) inverse_wide(p->c);
    else inverse_portable(p->c);
}

void mlkem_ntt_canonical(struct poly *p, bool wide)
{
    if (wide) canonical_wide(p->c);
    else canonical_portable(p->c);
}

void mlkem_ntt_dot(struct poly *out, const struct poly *a, const struct poly *b, size_t k, bool wide)
{
    if (wide) dot_wide(out->c, a, b, k);
    else dot_portable(out->c, a, b, k);
}

void mlkem_ntt_add(struct poly *a, const struct poly *b)
{
    for (size_t i = 0; i < MLKEM_N; i++) a->c[i] = (int16_t)(a->c[i] + b->c[i]);
}

void mlkem_ntt_sub(struct poly *out, const struct poly *a, const struct poly *b)
{
    for (size_t i = 0; i < MLKEM_N; i++) out->c[i] = (int16_t)(a->c[i] - b->c[i]);
}
