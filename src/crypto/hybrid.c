// SPDX-License-Identifier: Apache-2.0
//
// The hybrid KEMs MLKEM768-P256, MLKEM768-X25519 (which is X-Wing) and MLKEM1024-P384 of
// draft-irtf-cfrg-concrete-hybrid-kems, by the CG framework of draft-irtf-cfrg-hybrid-kems: ML-KEM and a group, whose
// secrets SHA3-256 combines. The shared secret is safe as long as one of the two is. A private key is a seed of 32
// bytes and is expanded for each use; keys and ciphertexts are the two parts' bytes, ML-KEM's first.
// Invariant: what a seed expands to, and both parts' secrets, are wiped before return.
#include "crypto/suite.h"

enum { HYBRID_SEED = 32 };

// expandDecapsKeyG, without the public halves.
struct expanded {
    uint8_t pq[PQ_SEED];
    uint8_t scalar[SCALAR_MAX];
};

// RandomScalar(seed): the identity for Curve25519.
static enum err random_scalar(const struct dh_group *g, struct span seed, uint8_t *sk)
{
    if (g->order != NULL) return nist_random_scalar(g, seed, sk);
    memcpy(sk, seed.p, g->nsk);
    return ERR_OK;
}

// Group_T.Nseed: four tries for P-256, whose order lets one in 2^32 fail, and one for the others.
static size_t group_seed(const struct dh_group *g) { return g->order != NULL && g->nsk == 32 ? 128 : g->nsk; }

// PRG(seed) is SHAKE256(seed), cut into what each part takes.
static enum err expand(const struct kem_alg *k, const uint8_t *sk, struct expanded *x)
{
    uint8_t t[128]; /* secret */
    const size_t n = group_seed(k->group);
    struct keccak shake;
    keccak_shake256(&shake);
    keccak_absorb(&shake, span_of(sk, HYBRID_SEED));
    keccak_finish(&shake);
    keccak_squeeze(&shake, x->pq, PQ_SEED);
    keccak_squeeze(&shake, t, n);
    enum err e = random_scalar(k->group, span_of(t, n), x->scalar);
    mem_wipe(&shake, sizeof shake);
    mem_wipe(t, sizeof t);
    if (e != ERR_OK) mem_wipe(x, sizeof *x);
    return e == ERR_RANDOM ? ERR_INVALID : e; // a seed without a scalar is no private key
}

// C2PRICombiner: SHA3-256(ss_PQ || ss_T || ct_T || ek_T || label).
static void combine(const struct kem_alg *k, const uint8_t *ss_pq, const uint8_t *ss_t, const uint8_t *ct_t,
                    const uint8_t *ek_t, uint8_t *ss)
{
    const struct span parts[] = {span_of(ss_pq, MLKEM_SS), span_of(ss_t, k->group->ndh), span_of(ct_t, k->group->npk),
                                 span_of(ek_t, k->group->npk), span_str(k->label)};
    keccak_sha3_256(parts, 5, ss);
}

static enum err hybrid_public(struct crypto *c, const struct kem_alg *k, const uint8_t *sk, uint8_t *pk)
{
    struct expanded x; /* secret */
    enum err e = expand(k, sk, &x);
    if (e == ERR_OK) e = c->backend->public(c, k->pq, x.pq, pk);
    if (e == ERR_OK) e = k->group->public(c, k->group, x.scalar, pk + k->pq->ek);
    if (e != ERR_OK) mem_wipe(pk, k->npk);
    mem_wipe(&x, sizeof x);
    return e;
}

static enum err hybrid_derive(struct crypto *c, const struct kem_alg *k, struct span ikm, uint8_t *sk, uint8_t *pk)
{
    pq_derive_seed(k, ikm, sk, HYBRID_SEED);
    enum err e = hybrid_public(c, k, sk, pk);
    if (e != ERR_OK) mem_wipe(sk, HYBRID_SEED);
    return e;
}

// The seed is ML-KEM's randomness, then the group's (EncapsDerand).
static enum err hybrid_encap(struct crypto *c, const struct kem_alg *k, const uint8_t *pk, struct span seed,
                             uint8_t *enc, uint8_t *ss)
{
    const struct dh_group *g = k->group;
    uint8_t scalar[SCALAR_MAX], ss_pq[MLKEM_SS], ss_t[FIELD_MAX]; /* secret */
    const uint8_t *ek_t = pk + k->pq->ek;
    uint8_t *ct_t = enc + k->pq->ct;
    enum err e = random_scalar(g, span_of(seed.p + MLKEM_SEED, seed.n - MLKEM_SEED), scalar);
    if (e == ERR_OK) e = c->backend->encap(c, k->pq, pk, seed.p, enc, ss_pq);
    if (e == ERR_OK) e = g->ephemeral(c, g, scalar, ek_t, ct_t, ss_t);
    if (e == ERR_OK)
        combine(k, ss_pq, ss_t, ct_t, ek_t, ss);
    else
        mem_wipe(enc, k->nenc);
    mem_wipe(scalar, sizeof scalar);
    mem_wipe(ss_pq, sizeof ss_pq);
    mem_wipe(ss_t, sizeof ss_t);
    return e;
}

static enum err hybrid_decap(struct crypto *c, const struct kem_alg *k, const uint8_t *sk, const uint8_t *pk,
                             const uint8_t *enc, uint8_t *ss)
{
    const struct dh_group *g = k->group;
    struct expanded x;                        /* secret */
    uint8_t ss_pq[MLKEM_SS], ss_t[FIELD_MAX]; /* secret */
    uint8_t own[POINT_MAX];
    const uint8_t *ct_t = enc + k->pq->ct, *ek_t = pk == NULL ? own : pk + k->pq->ek;
    enum err e = expand(k, sk, &x);
    if (e == ERR_OK && pk == NULL) e = g->public(c, g, x.scalar, own);
    if (e == ERR_OK) e = c->backend->decap(c, k->pq, x.pq, enc, ss_pq);
    if (e == ERR_OK) {
        e = g->shared(c, g, x.scalar, ek_t, ct_t, ss_t);
        if (e == ERR_INVALID) e = ERR_UNAUTHENTICATED; // no point, or X25519's all-zero result: from no honest sender
    }
    if (e == ERR_OK) combine(k, ss_pq, ss_t, ct_t, ek_t, ss);
    mem_wipe(&x, sizeof x);
    mem_wipe(ss_pq, sizeof ss_pq);
    mem_wipe(ss_t, sizeof ss_t);
    return e;
}

static bool hybrid_pk_ok(struct crypto *c, const struct kem_alg *k, const uint8_t *pk)
{
    return c->backend->ek_ok(c, k->pq, pk) && k->group->pk_ok(c, k->group, pk + k->pq->ek);
}

#define HYBRID                                                                                                         \
    .nsk = HYBRID_SEED, .nss = 32, .derive = hybrid_derive, .public = hybrid_public, .encap = hybrid_encap,            \
    .decap = hybrid_decap, .pk_ok = hybrid_pk_ok

// draft-ietf-hpke-pq §8.2. A longer seed than this gives P-256 more tries.
const struct kem_alg hybrid_mlkem768_p256 = {.id = 0x0050, .npk = 1249, .nenc = 1153, .nseed = 128, .group = &dh_p256,
                                             .pq = &pq_768, .label = "MLKEM768-P256", HYBRID};
const struct kem_alg hybrid_mlkem768_x25519 = {.id = 0x647a, .npk = 1216, .nenc = 1120, .nseed = 64,
                                               .group = &dh_x25519, .pq = &pq_768, .label = "\\.//^\\", HYBRID};
const struct kem_alg hybrid_mlkem1024_p384 = {.id = 0x0051, .npk = 1665, .nenc = 1665, .nseed = 80,
                                              .group = &dh_p384, .pq = &pq_1024, .label = "MLKEM1024-P384", HYBRID};
