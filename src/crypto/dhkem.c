// SPDX-License-Identifier: Apache-2.0
//
// DHKEM (RFC 9180 §4.1, §7.1): a Diffie-Hellman group and HKDF as a KEM, without the authenticated mode. The group's
// arithmetic is in xdh.c and nist.c. Invariant: ephemeral keys and results of the exchange are wiped before return.
#include "crypto/suite.h"

struct label {
    uint8_t b[5]; // suite_id = concat("KEM", I2OSP(kem_id, 2))
};

static struct label suite_id(const struct kem_alg *k)
{
    return (struct label){{'K', 'E', 'M', (uint8_t)(k->id >> 8), (uint8_t)k->id}};
}

// ExtractAndExpand(dh, kem_context) (§4.1), kem_context = concat(enc, pkRm).
static enum err extract_and_expand(struct crypto *c, const struct kem_alg *k, const uint8_t *dh, const uint8_t *enc,
                                   const uint8_t *pk, uint8_t *ss)
{
    struct label id = suite_id(k);
    uint8_t prk[CRYPTO_HASH_MAX]; /* secret */
    const struct span context[] = {span_of(enc, k->nenc), span_of(pk, k->npk)}, ikm = span_of(dh, k->group->ndh);
    enum err e = kdf_labeled_extract(c, k->hash, span_of(id.b, sizeof id.b), span_of(NULL, 0), "eae_prk", &ikm, 1, prk);
    if (e == ERR_OK)
        e = kdf_labeled_expand(c, k->hash, span_of(id.b, sizeof id.b), span_of(prk, k->hash->nh), "shared_secret",
                               context, 2, ss, k->nss);
    mem_wipe(prk, sizeof prk);
    return e;
}

// §7.1.3, for the NIST curves: the first candidate that is a scalar.
static enum err candidate(struct crypto *c, const struct kem_alg *k, struct span id, struct span prk, uint8_t *sk)
{
    for (unsigned counter = 0; counter < 256; counter++) {
        uint8_t byte = (uint8_t)counter;
        struct span info = span_of(&byte, 1);
        enum err e = kdf_labeled_expand(c, k->hash, id, prk, "candidate", &info, 1, sk, k->nsk);
        if (e != ERR_OK) return e;
        sk[0] &= k->group->mask;
        if (nist_scalar_ok(k->group, sk)) return ERR_OK;
    }
    return ERR_RANDOM; // 256 rejections do not happen to a seed that is random
}

static enum err derive_sk(struct crypto *c, const struct kem_alg *k, struct span ikm, uint8_t *sk)
{
    struct label id = suite_id(k);
    struct span id_span = span_of(id.b, sizeof id.b);
    uint8_t prk[CRYPTO_HASH_MAX]; /* secret */
    struct span prk_span = span_of(prk, k->hash->nh);
    enum err e = kdf_labeled_extract(c, k->hash, id_span, span_of(NULL, 0), "dkp_prk", &ikm, 1, prk);
    if (e == ERR_OK)
        e = k->group->order == NULL
                ? kdf_labeled_expand(c, k->hash, id_span, prk_span, "sk", NULL, 0, sk, k->nsk)
                : candidate(c, k, id_span, prk_span, sk);
    mem_wipe(prk, sizeof prk);
    return e;
}

static enum err dhkem_derive(struct crypto *c, const struct kem_alg *k, struct span ikm, uint8_t *sk, uint8_t *pk)
{
    enum err e = derive_sk(c, k, ikm, sk);
    if (e == ERR_OK) e = k->group->public(c, k->group, sk, pk);
    if (e != ERR_OK) mem_wipe(sk, k->nsk);
    return e;
}

static enum err dhkem_public(struct crypto *c, const struct kem_alg *k, const uint8_t *sk, uint8_t *pk)
{
    return k->group->public(c, k->group, sk, pk);
}

// The ephemeral private key: for the X functions the seed is it, for the NIST curves it is the input of DeriveKeyPair.
static enum err ephemeral_sk(struct crypto *c, const struct kem_alg *k, struct span seed, uint8_t *sk)
{
    if (k->group->order != NULL) return derive_sk(c, k, seed, sk);
    memcpy(sk, seed.p, k->nsk);
    return ERR_OK;
}

static enum err dhkem_encap(struct crypto *c, const struct kem_alg *k, const uint8_t *pk, struct span seed,
                            uint8_t *enc, uint8_t *ss)
{
    uint8_t sk[SCALAR_MAX], dh[FIELD_MAX]; /* secret */
    enum err e = ephemeral_sk(c, k, seed, sk);
    if (e == ERR_OK) e = k->group->ephemeral(c, k->group, sk, pk, enc, dh);
    if (e == ERR_OK) e = extract_and_expand(c, k, dh, enc, pk, ss);
    if (e != ERR_OK) {
        mem_wipe(enc, k->nenc);
        mem_wipe(ss, k->nss);
    }
    mem_wipe(sk, sizeof sk);
    mem_wipe(dh, sizeof dh);
    return e;
}

static enum err dhkem_decap(struct crypto *c, const struct kem_alg *k, const uint8_t *sk, const uint8_t *pk,
                            const uint8_t *enc, uint8_t *ss)
{
    uint8_t own[POINT_MAX], dh[FIELD_MAX]; /* dh is secret */
    enum err e = pk != NULL ? ERR_OK : k->group->public(c, k->group, sk, own);
    if (e != ERR_OK) return e;
    if (pk == NULL) pk = own;
    if (k->group->order != NULL && !nist_scalar_ok(k->group, sk)) return ERR_INVALID;
    e = k->group->shared(c, k->group, sk, pk, enc, dh);
    if (e == ERR_INVALID) e = ERR_UNAUTHENTICATED; // nobody who follows the protocol sends such an enc
    if (e == ERR_OK) e = extract_and_expand(c, k, dh, enc, pk, ss);
    if (e != ERR_OK) mem_wipe(ss, k->nss);
    mem_wipe(dh, sizeof dh);
    return e;
}

static bool dhkem_pk_ok(struct crypto *c, const struct kem_alg *k, const uint8_t *pk)
{
    return k->group->pk_ok(c, k->group, pk);
}

#define DHKEM                                                                                                          \
    .derive = dhkem_derive, .public = dhkem_public, .encap = dhkem_encap, .decap = dhkem_decap, .pk_ok = dhkem_pk_ok

// RFC 9180 §7.1, table 2.
const struct kem_alg dhkem_p256 = {.id = 0x0010, .npk = 65, .nsk = 32, .nenc = 65, .nss = 32, .nseed = 32,
                                   .group = &dh_p256, .hash = &hash_sha256, DHKEM};
const struct kem_alg dhkem_p384 = {.id = 0x0011, .npk = 97, .nsk = 48, .nenc = 97, .nss = 48, .nseed = 48,
                                   .group = &dh_p384, .hash = &hash_sha384, DHKEM};
const struct kem_alg dhkem_p521 = {.id = 0x0012, .npk = 133, .nsk = 66, .nenc = 133, .nss = 64, .nseed = 66,
                                   .group = &dh_p521, .hash = &hash_sha512, DHKEM};
const struct kem_alg dhkem_x25519 = {.id = 0x0020, .npk = 32, .nsk = 32, .nenc = 32, .nss = 32, .nseed = 32,
                                     .group = &dh_x25519, .hash = &hash_sha256, DHKEM};
const struct kem_alg dhkem_x448 = {.id = 0x0021, .npk = 56, .nsk = 56, .nenc = 56, .nss = 64, .nseed = 56,
                                   .group = &dh_x448, .hash = &hash_sha512, DHKEM};
