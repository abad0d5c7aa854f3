// SPDX-License-Identifier: Apache-2.0
//
// ML-KEM by OpenSSL 3.5 and later, looked for at run time: it compiles against the headers of 3.0, and does nothing
// there. The same bytes as ours come out, since keys are made from the seed and encapsulation gets its randomness from
// the caller; test_kem.c compares the two. No key is kept from one call to the next.
#include "crypto/suite.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#ifndef OSSL_PKEY_PARAM_ML_KEM_SEED
#define OSSL_PKEY_PARAM_ML_KEM_SEED "seed"
#endif
#ifndef OSSL_KEM_PARAM_IKME
#define OSSL_KEM_PARAM_IKME "ikme"
#endif

bool pq_openssl_find(struct crypto *c)
{
    static const struct pq_set *const sets[PQS] = {&pq_512, &pq_768, &pq_1024};
    bool all = true;
    for (size_t i = 0; i < PQS; i++) {
        c->pq[i] = ossl_importer(sets[i]->name);
        if (c->pq[i] == NULL) all = false;
    }
    return all;
}

// The decapsulation key, expanded by OpenSSL.
static EVP_PKEY *private_key(struct crypto *c, const struct pq_set *p, const uint8_t seed[PQ_SEED])
{
    OSSL_PARAM params[] = {ossl_octets(OSSL_PKEY_PARAM_ML_KEM_SEED, seed, PQ_SEED), OSSL_PARAM_construct_end()};
    EVP_PKEY *key = NULL;
    return EVP_PKEY_fromdata(c->pq[p->index], &key, EVP_PKEY_KEYPAIR, params) == 1 ? key : NULL;
}

// The encapsulation key; the import makes the modulus check.
static EVP_PKEY *public_key(struct crypto *c, const struct pq_set *p, const uint8_t *ek)
{
    OSSL_PARAM params[] = {ossl_octets(OSSL_PKEY_PARAM_PUB_KEY, ek, p->ek), OSSL_PARAM_construct_end()};
    EVP_PKEY *key = NULL;
    return EVP_PKEY_fromdata(c->pq[p->index], &key, EVP_PKEY_PUBLIC_KEY, params) == 1 ? key : NULL;
}

static enum err openssl_public(struct crypto *c, const struct pq_set *p, const uint8_t seed[PQ_SEED], uint8_t *ek)
{
    const bool clean = ossl_begin();
    EVP_PKEY *key = private_key(c, p, seed);
    size_t n = 0;
    bool ok = key != NULL && EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, ek, p->ek, &n) == 1 &&
              n == p->ek;
    enum err e = ok ? ERR_OK : ERR_CRYPTO;
    EVP_PKEY_free(key);
    e = ossl_end(clean, e);
    if (!ok) mem_wipe(ek, p->ek);
    return e;
}

static bool openssl_ek_ok(struct crypto *c, const struct pq_set *p, const uint8_t *ek)
{
    const bool clean = ossl_begin();
    EVP_PKEY *key = public_key(c, p, ek);
    EVP_PKEY_free(key);
    return ossl_end(clean, key != NULL ? ERR_OK : ERR_INVALID) == ERR_OK;
}

static enum err openssl_encap(struct crypto *c, const struct pq_set *p, const uint8_t *ek, const uint8_t *r,
                              uint8_t *ct, uint8_t *ss)
{
    OSSL_PARAM params[] = {ossl_octets(OSSL_KEM_PARAM_IKME, r, MLKEM_SEED), OSSL_PARAM_construct_end()};
    size_t n_ct = p->ct, n_ss = MLKEM_SS;
    enum err e = ERR_INVALID;
    const bool clean = ossl_begin();
    EVP_PKEY *key = public_key(c, p, ek);
    EVP_PKEY_CTX *x = key == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (key == NULL) goto out;
    bool ok = x != NULL && EVP_PKEY_encapsulate_init(x, params) == 1 &&
              EVP_PKEY_encapsulate(x, ct, &n_ct, ss, &n_ss) == 1 && n_ct == p->ct && n_ss == MLKEM_SS;
    e = ok ? ERR_OK : ERR_CRYPTO;
out:
    EVP_PKEY_CTX_free(x);
    EVP_PKEY_free(key);
    e = ossl_end(clean, e);
    if (e != ERR_OK) mem_wipe(ss, MLKEM_SS);
    return e;
}

static enum err openssl_decap(struct crypto *c, const struct pq_set *p, const uint8_t seed[PQ_SEED],
                              const uint8_t *ct, uint8_t *ss)
{
    size_t n = MLKEM_SS;
    const bool clean = ossl_begin();
    EVP_PKEY *key = private_key(c, p, seed);
    EVP_PKEY_CTX *x = key == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool ok = x != NULL && EVP_PKEY_decapsulate_init(x, NULL) == 1 &&
              EVP_PKEY_decapsulate(x, ss, &n, ct, p->ct) == 1 && n == MLKEM_SS;
    enum err e = ok ? ERR_OK : ERR_CRYPTO;
    EVP_PKEY_CTX_free(x);
    EVP_PKEY_free(key);
    e = ossl_end(clean, e);
    if (!ok) mem_wipe(ss, MLKEM_SS);
    return e;
}

const struct pq_backend pq_openssl = {
    .public = openssl_public, .encap = openssl_encap, .decap = openssl_decap, .ek_ok = openssl_ek_ok};
