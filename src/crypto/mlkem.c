// SPDX-License-Identifier: Apache-2.0
//
// ML-KEM (FIPS 203): K-PKE (§5) and the KEM over it (§6), in terms of the ring, its bytes and its samples, which have
// files of their own. No randomness is drawn here: seeds come from the caller. Nothing secret decides a branch or an
// index; taken out of that check (base/ct.h) are only rho, the encapsulation key and the ciphertext of Encaps, which
// the standard sends to everyone.
#include "crypto/mlkem.h"

#include "base/ct.h"
#include "crypto/keccak.h"
#include "crypto/mlkem_poly.h"
#include "crypto/wide.h"

enum { ETA_2 = 2 };

// FIPS 203 §8, Table 2.
struct mlkem {
    uint8_t k, eta_1, du, dv;
};

const struct mlkem mlkem_512 = {.k = 2, .eta_1 = 3, .du = 10, .dv = 4};
const struct mlkem mlkem_768 = {.k = 3, .eta_1 = 2, .du = 10, .dv = 4};
const struct mlkem mlkem_1024 = {.k = 4, .eta_1 = 2, .du = 11, .dv = 5};

// What K-PKE works on; secret but for the matrix and t. The largest thing on the stack: 16 KiB.
struct work {
    struct poly matrix[MLKEM_K_MAX * MLKEM_K_MAX];
    struct poly t[MLKEM_K_MAX];         // the vector of the encryption key
    struct poly s[MLKEM_K_MAX];         // s, or y of Algorithm 14
    struct poly e[MLKEM_K_MAX + 1];     // e, or e1 and then e2
    struct poly u, v;
};

static size_t vector_size(const struct mlkem *m) { return (size_t)MLKEM_POLY_BYTES * m->k; }

size_t mlkem_ek_size(const struct mlkem *m) { return vector_size(m) + 32; }
size_t mlkem_dk_size(const struct mlkem *m) { return 2 * vector_size(m) + 96; }
size_t mlkem_ct_size(const struct mlkem *m) { return 32U * ((size_t)m->du * m->k + m->dv); }

// ---------------------------------------------------------------------------------------------------------- K-PKE

// ByteEncode_12 of an element of T_q, whose order of coefficients it restores.
static void encode(uint8_t *out, struct poly *p, bool wide)
{
    mlkem_ntt_transpose(p);
    mlkem_ntt_canonical(p, wide);
    mlkem_bytes_encode(out, p);
}

static void decode_vector(struct poly *p, size_t k, const uint8_t *in)
{
    for (size_t i = 0; i < k; i++) {
        mlkem_bytes_decode(&p[i], in + MLKEM_POLY_BYTES * i);
        mlkem_ntt_transpose(&p[i]);
    }
}

// K-PKE.KeyGen (Algorithm 13). dk gets only s.
static void pke_keygen(const struct mlkem *m, const uint8_t d[32], uint8_t *ek, uint8_t *dk, bool wide)
{
    struct work w;
    uint8_t g[64], *rho = g, *sigma = g + 32;
    keccak_sha3_512((const struct span[]){span_of(d, 32), span_of(&m->k, 1)}, 2, g);
    CT_PUBLIC(rho, 32);
    mlkem_sample_matrix(w.matrix, m->k, rho, false, wide);
    mlkem_sample_noise(w.s, m->k, m->eta_1, sigma, 0, wide);
    mlkem_sample_noise(w.e, m->k, m->eta_1, sigma, m->k, wide);
    for (size_t i = 0; i < m->k; i++) mlkem_ntt_forward(&w.s[i], wide);
    for (size_t i = 0; i < m->k; i++) {
        mlkem_ntt_forward(&w.e[i], wide);
        mlkem_ntt_dot(&w.t[i], w.matrix + m->k * i, w.s, m->k, wide);
        mlkem_ntt_add(&w.t[i], &w.e[i]);
        encode(ek + MLKEM_POLY_BYTES * i, &w.t[i], wide);
    }
    memcpy(ek + vector_size(m), rho, 32);
    for (size_t i = 0; i < m->k; i++) encode(dk + MLKEM_POLY_BYTES * i, &w.s[i], wide);
    mem_wipe(&w, sizeof w);
    mem_wipe(g, sizeof g);
}

// K-PKE.Encrypt (Algorithm 14).
static void pke_encrypt(const struct mlkem *m, const uint8_t *ek, const uint8_t message[32], const uint8_t coins[32],
                        uint8_t *ct, bool wide)
{
    struct work w;
    decode_vector(w.t, m->k, ek);
    mlkem_sample_matrix(w.matrix, m->k, ek + vector_size(m), true, wide);
    mlkem_sample_noise(w.s, m->k, m->eta_1, coins, 0, wide);
    mlkem_sample_noise(w.e, m->k + 1U, ETA_2, coins, m->k, wide);
    for (size_t i = 0; i < m->k; i++) mlkem_ntt_forward(&w.s[i], wide);
    for (size_t i = 0; i < m->k; i++) {
        mlkem_ntt_dot(&w.u, w.matrix + m->k * i, w.s, m->k, wide);
        mlkem_ntt_inverse(&w.u, wide);
        mlkem_ntt_add(&w.u, &w.e[i]);
        mlkem_ntt_canonical(&w.u, wide);
        mlkem_bytes_compress(ct + 32U * m->du * i, &w.u, m->du);
    }
    mlkem_ntt_dot(&w.v, w.t, w.s, m->k, wide);
    mlkem_ntt_inverse(&w.v, wide);
    mlkem_ntt_add(&w.v, &w.e[m->k]);
    mlkem_bytes_decompress(&w.u, message, 1);
    mlkem_ntt_add(&w.v, &w.u); // |v| < q + 2 + q: it fits
    mlkem_ntt_canonical(&w.v, wide);
    mlkem_bytes_compress(ct + 32U * m->du * m->k, &w.v, m->dv);
    mem_wipe(&w, sizeof w);
}

// K-PKE.Decrypt (Algorithm 15).
static void pke_decrypt(const struct mlkem *m, const uint8_t *dk, const uint8_t *ct, uint8_t message[32], bool wide)
{
    struct poly u[MLKEM_K_MAX], s[MLKEM_K_MAX], v, w; /* secret */
    for (size_t i = 0; i < m->k; i++) {
        mlkem_bytes_decompress(&u[i], ct + 32U * m->du * i, m->du);
        mlkem_ntt_forward(&u[i], wide);
    }
    mlkem_bytes_decompress(&v, ct + 32U * m->du * m->k, m->dv);
    decode_vector(s, m->k, dk);
    mlkem_ntt_dot(&w, s, u, m->k, wide);
    mlkem_ntt_inverse(&w, wide);
    mlkem_ntt_sub(&w, &v, &w);
    mlkem_ntt_canonical(&w, wide);
    mlkem_bytes_compress(message, &w, 1);
    mem_wipe(u, sizeof u);
    mem_wipe(s, sizeof s);
    mem_wipe(&v, sizeof v);
    mem_wipe(&w, sizeof w);
}

// --------------------------------------------------------------------------------------------------------- ML-KEM

static void hash_ek(const struct mlkem *m, const uint8_t *ek, uint8_t out[32])
{
    keccak_sha3_256((const struct span[]){span_of(ek, mlkem_ek_size(m))}, 1, out);
}

// Algorithm 16: dk is s || ek || H(ek) || z.
void mlkem_keygen_on(const struct mlkem *m, const uint8_t d[MLKEM_SEED], const uint8_t z[MLKEM_SEED], uint8_t *ek,
                     uint8_t *dk, bool wide)
{
    uint8_t *tail = dk + vector_size(m);
    pke_keygen(m, d, ek, dk, wide);
    CT_PUBLIC(ek, mlkem_ek_size(m));
    memcpy(tail, ek, mlkem_ek_size(m));
    hash_ek(m, ek, tail + mlkem_ek_size(m));
    memcpy(tail + mlkem_ek_size(m) + 32, z, MLKEM_SEED);
}

bool mlkem_ek_ok(const struct mlkem *m, struct span ek)
{
    if (ek.n != mlkem_ek_size(m)) return false;
    // §7.2, modulus check: encoding what has been decoded gives the same bytes, that is, each number is below q.
    struct poly p;
    for (size_t i = 0; i < m->k; i++) {
        mlkem_bytes_decode(&p, ek.p + MLKEM_POLY_BYTES * i);
        for (size_t j = 0; j < MLKEM_N; j++)
            if (p.c[j] >= MLKEM_Q) return false;
    }
    return true;
}

bool mlkem_dk_ok(const struct mlkem *m, struct span dk)
{
    if (dk.n != mlkem_dk_size(m)) return false;
    uint8_t h[32];
    const uint8_t *ek = dk.p + vector_size(m);
    hash_ek(m, ek, h);
    return mem_equal(h, ek + mlkem_ek_size(m), sizeof h);
}

// Algorithm 17: (K, r) = G(m || H(ek)).
void mlkem_encaps_on(const struct mlkem *m, const uint8_t *ek, const uint8_t r[MLKEM_SEED], uint8_t *ct,
                     uint8_t ss[MLKEM_SS], bool wide)
{
    uint8_t h[32], g[64]; /* secret */
    hash_ek(m, ek, h);
    keccak_sha3_512((const struct span[]){span_of(r, MLKEM_SEED), span_of(h, 32)}, 2, g);
    pke_encrypt(m, ek, r, g + 32, ct, wide);
    CT_PUBLIC(ct, mlkem_ct_size(m));
    memcpy(ss, g, MLKEM_SS);
    mem_wipe(g, sizeof g);
}

// All ones where the two differ, else 0. The value leaves through a register that the compiler knows nothing about,
// so that it cannot turn the selection below into a branch.
static uint8_t differ(const uint8_t *a, const uint8_t *b, size_t n)
{
    uint8_t diff = 0;
    for (size_t i = 0; i < n; i++) diff |= a[i] ^ b[i];
    unsigned mask = (0U - diff) >> 8; // its low byte is all ones unless diff is 0
    __asm__ volatile("" : "+r"(mask));
    return (uint8_t)mask;
}

// Algorithm 18. The implicit rejection of lines 7-10 computes both secrets and selects by a mask.
void mlkem_decaps_on(const struct mlkem *m, const uint8_t *dk, const uint8_t *ct, uint8_t ss[MLKEM_SS], bool wide)
{
    const uint8_t *ek = dk + vector_size(m), *h = ek + mlkem_ek_size(m), *z = h + 32;
    uint8_t message[32], g[64], rejected[MLKEM_SS], again[MLKEM_CT_MAX]; /* secret */
    struct keccak j;                                                     /* secret */
    pke_decrypt(m, dk, ct, message, wide);
    keccak_sha3_512((const struct span[]){span_of(message, 32), span_of(h, 32)}, 2, g);
    keccak_shake256(&j);
    keccak_absorb(&j, span_of(z, MLKEM_SEED));
    keccak_absorb(&j, span_of(ct, mlkem_ct_size(m)));
    keccak_finish(&j);
    keccak_squeeze(&j, rejected, sizeof rejected);
    pke_encrypt(m, ek, message, g + 32, again, wide);
    uint8_t mask = differ(ct, again, mlkem_ct_size(m));
    for (size_t i = 0; i < MLKEM_SS; i++) ss[i] = (uint8_t)(g[i] ^ (mask & (g[i] ^ rejected[i])));
    mem_wipe(message, sizeof message);
    mem_wipe(g, sizeof g);
    mem_wipe(rejected, sizeof rejected);
    mem_wipe(again, sizeof again);
    mem_wipe(&j, sizeof j);
}

void mlkem_keygen(const struct mlkem *m, const uint8_t d[MLKEM_SEED], const uint8_t z[MLKEM_SEED], uint8_t *ek,
                  uint8_t *dk)
{
    mlkem_keygen_on(m, d, z, ek, dk, wide_here());
}

void mlkem_encaps(const struct mlkem *m, const uint8_t *ek, const uint8_t r[MLKEM_SEED], uint8_t *ct,
                  uint8_t ss[MLKEM_SS])
{
    mlkem_encaps_on(m, ek, r, ct, ss, wide_here());
}

void mlkem_decaps(const struct mlkem *m, const uint8_t *dk, const uint8_t *ct, uint8_t ss[MLKEM_SS])
{
    mlkem_decaps_on(m, dk, ct, ss, wide_here());
}
