// SPDX-License-Identifier: Apache-2.0
//
// crypto/mlkem_poly: the parts that mlkem.c is made of: the ring (mlkem_ntt.c), its bytes (mlkem_bytes.c) and its
// random elements (mlkem_sample.c). Private to ML-KEM, its tests and its bench. All of it runs in constant time, except
// mlkem_sample_matrix, whose seed is public. `wide` says which build of a loop to run (crypto/wide.h); both give the
// same numbers.
#ifndef WHIMBREL_CRYPTO_MLKEM_POLY_H
#define WHIMBREL_CRYPTO_MLKEM_POLY_H

#include "crypto/mlkem.h"

enum { MLKEM_Q = 3329, MLKEM_N = 256, MLKEM_K_MAX = 4, MLKEM_POLY_BYTES = 384 };

// An element of R_q or of T_q (FIPS 203 §2.4.4), coefficients modulo q but not always reduced: each function says what
// it takes and gives. An element of R_q has coefficient i at c[i]. One of T_q is kept in rows: coefficient 16 r + i of
// the standard stands at c[16 i + r], so that what the last layers of the NTT and the products combine is a row apart,
// as vectors want it. mlkem_ntt_transpose goes either way.
struct poly {
    _Alignas(32) int16_t c[MLKEM_N];
};

// ------------------------------------------------------------------------------------------------ mlkem_ntt.c

// Algorithm 9, in place. Takes |c| <= q, gives 0 <= c <= q, in rows.
void mlkem_ntt_forward(struct poly *p, bool wide);
// Algorithm 10, in place. Takes |c| <= q in rows, gives |c| < q.
void mlkem_ntt_inverse(struct poly *p, bool wide);
// The sum of a[i] times b[i] in T_q (Algorithm 11) for i < k <= 4. Takes |c| < 4096, gives |c| < q; all in rows.
void mlkem_ntt_dot(struct poly *out, const struct poly *a, const struct poly *b, size_t k, bool wide);
// To rows and back.
void mlkem_ntt_transpose(struct poly *p);
// Takes any int16_t, gives the same modulo q with 0 <= c < q.
void mlkem_ntt_canonical(struct poly *p, bool wide);
// a + b and a - b; the caller minds the bounds.
void mlkem_ntt_add(struct poly *a, const struct poly *b);
void mlkem_ntt_sub(struct poly *out, const struct poly *a, const struct poly *b);

// ---------------------------------------------------------------------------------------------- mlkem_bytes.c

// ByteEncode_12 (Algorithm 5). Takes 0 <= c < q.
void mlkem_bytes_encode(uint8_t out[MLKEM_POLY_BYTES], const struct poly *p);
// ByteDecode_12 (Algorithm 6) without its reduction: gives 0 <= c < 4096.
void mlkem_bytes_decode(struct poly *p, const uint8_t in[MLKEM_POLY_BYTES]);
// ByteEncode_d(Compress_d(p)) (§4.2.1) to 32 d bytes, where d is 1, 4, 5, 10 or 11. Takes 0 <= c < q.
void mlkem_bytes_compress(uint8_t *out, const struct poly *p, unsigned d);
// Decompress_d(ByteDecode_d(in)) from 32 d bytes, likewise. Gives 0 <= c < q.
void mlkem_bytes_decompress(struct poly *p, const uint8_t *in, unsigned d);

// --------------------------------------------------------------------------------------------- mlkem_sample.c

// The k k elements of the matrix A (Algorithm 13, lines 3-7), or of its transpose, row after row, from a public seed.
// Gives 0 <= c < q, in rows.
void mlkem_sample_matrix(struct poly *a, size_t k, const uint8_t rho[32], bool transposed, bool wide);
// n elements SamplePolyCBD_eta(PRF_eta(seed, nonce)) (Algorithm 8), nonce counting up from `first`; eta is 2 or 3.
// Gives |c| <= eta.
void mlkem_sample_noise(struct poly *p, size_t n, unsigned eta, const uint8_t seed[32] /* secret */, uint8_t first,
                        bool wide);

// -------------------------------------------------------------------------------------------------- mlkem.c

// The public functions with the choice of the build left to the caller, for the tests and the bench.
void mlkem_keygen_on(const struct mlkem *m, const uint8_t d[MLKEM_SEED], const uint8_t z[MLKEM_SEED], uint8_t *ek,
                     uint8_t *dk /* secret */, bool wide);
void mlkem_encaps_on(const struct mlkem *m, const uint8_t *ek, const uint8_t r[MLKEM_SEED], uint8_t *ct,
                     uint8_t ss[MLKEM_SS], bool wide);
void mlkem_decaps_on(const struct mlkem *m, const uint8_t *dk, const uint8_t *ct, uint8_t ss[MLKEM_SS], bool wide);

#endif
