// SPDX-License-Identifier: Apache-2.0
//
// crypto/mlkem_ring: the NTT, its inverse and products in T_q (FIPS 203 §4.3), written once for vectors of 8 or 16
// numbers. mlkem_ntt.c includes it for each; before, define RING_V (a vector type of int16_t), RING_U (the same of
// uint16_t), RING_HIGH(a, b) (the high halves of the products), RING_BODY (what stands before each function) and
// RING(name). Sums grow until a bound, always stated, says that they must be reduced; no operation depends on a value.
// This is a template, so it has no include guard.

enum {
    RING(lanes) = sizeof(RING_V) / sizeof(int16_t),
};

// A factor of Montgomery products: b 2^16 modulo q or just b, and that times q^-1 modulo 2^16.
struct RING(factor) {
    RING_V b;
    RING_V b_by_q;
};

RING_BODY RING_V RING(load)(const int16_t *p)
{
    RING_V v;
    memcpy(&v, p, sizeof v);
    return v;
}

RING_BODY void RING(store)(int16_t *p, RING_V v) { memcpy(p, &v, sizeof v); }

RING_BODY RING_V RING(low)(RING_V a, RING_V b) { return (RING_V)((RING_U)a * (RING_U)b); }

RING_BODY struct RING(factor) RING(factor_of)(RING_V b)
{
    return (struct RING(factor)){b, RING(low)(b, (RING_V){0} + (int16_t)MLKEM_Q_INVERSE)};
}

RING_BODY struct RING(factor) RING(factor_of_all)(int16_t b) { return RING(factor_of)((RING_V){0} + b); }

// a b / 2^16 modulo q, strictly between -q and q if |a b| < 2^15 q: the high halves of a b and of t q, where t is the
// multiple that makes the low halves equal, so that they cancel.
RING_BODY RING_V RING(montgomery)(RING_V a, struct RING(factor) f)
{
    RING_V t = RING(low)(a, f.b_by_q);
    return RING_HIGH(a, f.b) - RING_HIGH(t, (RING_V){0} + (int16_t)MLKEM_Q);
}

// a modulo q in 0..q (q itself stands for some negative multiples of q).
RING_BODY RING_V RING(barrett)(RING_V a)
{
    RING_V quotient = RING_HIGH(a, (RING_V){0} + (int16_t)MLKEM_BARRETT) >> 10;
    return (RING_V)((RING_U)a - (RING_U)quotient * (uint16_t)MLKEM_Q); // unsigned: the product alone may not fit
}

RING_BODY void RING(reduce)(int16_t c[MLKEM_N])
{
    for (size_t i = 0; i < MLKEM_N; i += RING(lanes)) RING(store)(c + i, RING(barrett)(RING(load)(c + i)));
}

// The same in 0..q-1.
RING_BODY void RING(canonical)(int16_t c[MLKEM_N])
{
    for (size_t i = 0; i < MLKEM_N; i += RING(lanes)) {
        RING_V a = RING(barrett)(RING(load)(c + i)) - (int16_t)MLKEM_Q;
        RING(store)(c + i, a + ((a >> 15) & (int16_t)MLKEM_Q));
    }
}

// Algorithm 9, lines 8-10, on n vectors.
RING_BODY void RING(forward_step)(int16_t *lo, int16_t *hi, size_t n, struct RING(factor) zeta)
{
    for (size_t i = 0; i < n; i += RING(lanes)) {
        RING_V a = RING(load)(lo + i), t = RING(montgomery)(RING(load)(hi + i), zeta);
        RING(store)(hi + i, a - t);
        RING(store)(lo + i, a + t);
    }
}

// Algorithm 10, lines 8-10, on n vectors.
RING_BODY void RING(inverse_step)(int16_t *lo, int16_t *hi, size_t n, struct RING(factor) zeta)
{
    for (size_t i = 0; i < n; i += RING(lanes)) {
        RING_V a = RING(load)(lo + i), b = RING(load)(hi + i);
        RING(store)(lo + i, a + b);
        RING(store)(hi + i, RING(montgomery)(b - a, zeta));
    }
}

// Layers len = 128 to 16 combine whole rows, with one zeta for each block; after the transposition, layers 8 to 2 do
// too, with a row of zetas. |c| grows by less than q a layer: over all seven from q to 8 q = 26632 < 2^15.
RING_BODY void RING(forward)(int16_t c[MLKEM_N])
{
    const int16_t *block = zeta_block + 1;
    for (size_t len = 128; len >= 16; len /= 2)
        for (size_t at = 0; at < MLKEM_N; at += 2 * len)
            RING(forward_step)(c + at, c + at + len, len, RING(factor_of_all)(*block++));
    transpose(c);
    const int16_t(*row)[MLKEM_ROW] = zeta_row + 1;
    for (size_t len = 8 * MLKEM_ROW; len >= 2 * MLKEM_ROW; len /= 2) {
        for (size_t at = 0; at < MLKEM_N; at += 2 * len, row++) {
            for (size_t v = 0; v < MLKEM_ROW; v += RING(lanes)) {
                struct RING(factor) zeta = RING(factor_of)(RING(load)(*row + v));
                for (size_t i = at + v; i < at + len; i += MLKEM_ROW)
                    RING(forward_step)(c + i, c + i + len, RING(lanes), zeta);
            }
        }
    }
    RING(reduce)(c);
}

// The same backwards. Sums double at each layer: after three, q has become 8 q, and all is reduced.
RING_BODY void RING(inverse)(int16_t c[MLKEM_N])
{
    const int16_t(*row)[MLKEM_ROW] = zeta_row_reversed + 7;
    for (size_t len = 2 * MLKEM_ROW; len <= 8 * MLKEM_ROW; len *= 2) {
        for (size_t at = 0; at < MLKEM_N; at += 2 * len, row--) {
            for (size_t v = 0; v < MLKEM_ROW; v += RING(lanes)) {
                struct RING(factor) zeta = RING(factor_of)(RING(load)(*row + v));
                for (size_t i = at + v; i < at + len; i += MLKEM_ROW)
                    RING(inverse_step)(c + i, c + i + len, RING(lanes), zeta);
            }
        }
    }
    transpose(c);
    RING(reduce)(c);
    const int16_t *block = zeta_block + 15;
    for (size_t len = 16; len <= 128; len *= 2) {
        if (len == 128) RING(reduce)(c);
        for (size_t at = 0; at < MLKEM_N; at += 2 * len)
            RING(inverse_step)(c + at, c + at + len, len, RING(factor_of_all)(*block--));
    }
    struct RING(factor) by_128 = RING(factor_of_all)(MLKEM_R_BY_128);
    for (size_t i = 0; i < MLKEM_N; i += RING(lanes)) RING(store)(c + i, RING(montgomery)(RING(load)(c + i), by_128));
}

// One vector of coefficients 2 i and one of 2 i + 1 of the sum of k products, each by BaseCaseMultiply (Algorithm 12).
// A Montgomery product of a < 2^12 and b <= q lies below 0.6 q, so that eight of them, and their negatives, fit.
RING_BODY void RING(dot_step)(int16_t *out, const struct poly *a, const struct poly *b, size_t k, size_t at,
                              struct RING(factor) gamma)
{
    RING_V c0 = {0}, c1 = {0};
    for (size_t i = 0; i < k; i++) {
        RING_V a0 = RING(load)(a[i].c + at), a1 = RING(load)(a[i].c + at + MLKEM_ROW);
        struct RING(factor) b0 = RING(factor_of)(RING(load)(b[i].c + at));
        struct RING(factor) b1 = RING(factor_of)(RING(load)(b[i].c + at + MLKEM_ROW));
        c0 += RING(montgomery)(a0, b0) + RING(montgomery)(RING(montgomery)(a1, b1), gamma);
        c1 += RING(montgomery)(a0, b1) + RING(montgomery)(a1, b0);
    }
    struct RING(factor) r_squared = RING(factor_of_all)(MLKEM_R_SQUARED);
    RING(store)(out + at, RING(montgomery)(c0, r_squared));
    RING(store)(out + at + MLKEM_ROW, RING(montgomery)(c1, r_squared));
}

RING_BODY void RING(dot)(int16_t *out, const struct poly *a, const struct poly *b, size_t k)
{
    for (size_t pair = 0; pair < 8; pair += 2) {
        for (size_t v = 0; v < MLKEM_ROW; v += RING(lanes)) {
            // gamma_i = zeta^(2 BitRev7(i) + 1) (§4.3.1): the zeta of the last layer, and its negative for odd i.
            size_t at = 2 * MLKEM_ROW * pair + v;
            RING_V gamma = RING(load)(zeta_row[4 + pair / 2] + v);
            RING(dot_step)(out, a, b, k, at, RING(factor_of)(gamma));
            RING(dot_step)(out, a, b, k, at + 2 * MLKEM_ROW, RING(factor_of)(-gamma));
        }
    }
}
