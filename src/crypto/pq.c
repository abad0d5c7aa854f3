// SPDX-License-Identifier: Apache-2.0
//
// ML-KEM as a KEM of HPKE (draft-ietf-hpke-pq §3), and our own implementation as one of its two backends. A private
// key is the seed d || z and is expanded for each use. The lattice arithmetic is in mlkem.c. Invariant: an expanded
// key lives on the stack of one call and is wiped there.
#include "crypto/suite.h"

const struct pq_set pq_512 = {.name = "ML-KEM-512", .index = PQ_512, .own = &mlkem_512, .ek = 800, .ct = 768};
const struct pq_set pq_768 = {.name = "ML-KEM-768", .index = PQ_768, .own = &mlkem_768, .ek = 1184, .ct = 1088};
const struct pq_set pq_1024 = {.name = "ML-KEM-1024", .index = PQ_1024, .own = &mlkem_1024, .ek = 1568, .ct = 1568};

// ----------------------------------------------------------------------------------------- our own backend

static enum err own_public(struct crypto *c, const struct pq_set *p, const uint8_t seed[PQ_SEED], uint8_t *ek)
{
    (void)c;
    uint8_t dk[MLKEM_DK_MAX]; /* secret */
    mlkem_keygen(p->own, seed, seed + MLKEM_SEED, ek, dk);
    mem_wipe(dk, sizeof dk);
    return ERR_OK;
}

static bool own_ek_ok(struct crypto *c, const struct pq_set *p, const uint8_t *ek)
{
    (void)c;
    return mlkem_ek_ok(p->own, span_of(ek, p->ek));
}

static enum err own_encap(struct crypto *c, const struct pq_set *p, const uint8_t *ek, const uint8_t *r, uint8_t *ct,
                          uint8_t *ss)
{
    if (!own_ek_ok(c, p, ek)) return ERR_INVALID;
    mlkem_encaps(p->own, ek, r, ct, ss);
    return ERR_OK;
}

static enum err own_decap(struct crypto *c, const struct pq_set *p, const uint8_t seed[PQ_SEED], const uint8_t *ct,
                          uint8_t *ss)
{
    (void)c;
    uint8_t ek[MLKEM_EK_MAX], dk[MLKEM_DK_MAX]; /* dk is secret */
    mlkem_keygen(p->own, seed, seed + MLKEM_SEED, ek, dk);
    mlkem_decaps(p->own, dk, ct, ss);
    mem_wipe(dk, sizeof dk);
    return ERR_OK;
}

const struct pq_backend pq_own = {
    .public = own_public, .encap = own_encap, .decap = own_decap, .ek_ok = own_ek_ok};

// ------------------------------------------------------------------------------------------ ML-KEM in HPKE

void pq_derive_seed(const struct kem_alg *k, struct span ikm, uint8_t *seed, size_t n)
{
    const uint8_t id[] = {'K', 'E', 'M', (uint8_t)(k->id >> 8), (uint8_t)k->id};
    kdf_labeled_derive(keccak_shake256, span_of(id, sizeof id), &ikm, 1, "DeriveKeyPair", NULL, 0, seed, n);
}

static enum err pq_public(struct crypto *c, const struct kem_alg *k, const uint8_t *sk, uint8_t *pk)
{
    return c->backend->public(c, k->pq, sk, pk);
}

static enum err pq_derive(struct crypto *c, const struct kem_alg *k, struct span ikm, uint8_t *sk, uint8_t *pk)
{
    pq_derive_seed(k, ikm, sk, PQ_SEED);
    enum err e = pq_public(c, k, sk, pk);
    if (e != ERR_OK) mem_wipe(sk, PQ_SEED);
    return e;
}

static enum err pq_encap(struct crypto *c, const struct kem_alg *k, const uint8_t *pk, struct span seed, uint8_t *enc,
                         uint8_t *ss)
{
    return c->backend->encap(c, k->pq, pk, seed.p, enc, ss);
}

// A wrong ciphertext gives another secret (FIPS 203 §6.3), and so the AEAD refuses what follows.
static enum err pq_decap(struct crypto *c, const struct kem_alg *k, const uint8_t *sk, const uint8_t *pk,
                         const uint8_t *enc, uint8_t *ss)
{
    (void)pk;
    return c->backend->decap(c, k->pq, sk, enc, ss);
}

static bool pq_pk_ok(struct crypto *c, const struct kem_alg *k, const uint8_t *pk)
{
    return c->backend->ek_ok(c, k->pq, pk);
}

#define PQ .derive = pq_derive, .public = pq_public, .encap = pq_encap, .decap = pq_decap, .pk_ok = pq_pk_ok

const struct kem_alg kem_mlkem512 = {
    .id = 0x0040, .npk = 800, .nsk = 64, .nenc = 768, .nss = 32, .nseed = 32, .pq = &pq_512, PQ};
const struct kem_alg kem_mlkem768 = {
    .id = 0x0041, .npk = 1184, .nsk = 64, .nenc = 1088, .nss = 32, .nseed = 32, .pq = &pq_768, PQ};
const struct kem_alg kem_mlkem1024 = {
    .id = 0x0042, .npk = 1568, .nsk = 64, .nenc = 1568, .nss = 32, .nseed = 32, .pq = &pq_1024, PQ};
