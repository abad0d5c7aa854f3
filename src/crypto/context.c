// SPDX-License-Identifier: Apache-2.0
//
// The object that holds what was fetched from OpenSSL, and the manners towards OpenSSL's error queue. Algorithms are
// fetched once, because OpenSSL 3 otherwise searches its providers in every call, which costs more than a short hash;
// clones share them by reference. No algorithm is chosen here, and no key is kept.
#include "crypto/suite.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>

static const struct hash_alg *const hashes[HASHES] = {&hash_sha256, &hash_sha384, &hash_sha512};
static const struct aead_alg *const aeads[AEADS] = {&aead_aes128, &aead_aes256, &aead_chacha20};
static const char *const raws[RAWS] = {"X25519", "X448", "ED25519", "ED448"};
static const struct dh_group *const curves[CURVES] = {&dh_p256, &dh_p384, &dh_p521};

bool ossl_begin(void)
{
    bool clean = ERR_peek_error() == 0;
    ERR_set_mark();
    return clean;
}

// The reason may lie under others. Those below the mark are the caller's and stay, so only a queue that was clean can
// be searched to the bottom.
static bool no_memory(bool clean)
{
    unsigned long code = ERR_peek_last_error();
    while (clean && code != 0 && ERR_GET_REASON(code) != ERR_R_MALLOC_FAILURE) code = ERR_get_error();
    return code != 0 && ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;
}

enum err ossl_end(bool clean, enum err e)
{
    if (e != ERR_OK && no_memory(clean)) e = ERR_MEMORY;
    ERR_pop_to_mark();
    return e;
}

enum err ossl_failed(void)
{
    return ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE ? ERR_MEMORY : ERR_CRYPTO;
}

EVP_PKEY_CTX *ossl_importer(const char *name)
{
    EVP_PKEY_CTX *x = EVP_PKEY_CTX_new_from_name(NULL, name, NULL);
    if (x != NULL && EVP_PKEY_fromdata_init(x) != 1) {
        EVP_PKEY_CTX_free(x);
        x = NULL;
    }
    return x;
}

// OSSL_PARAM is const by custom only.
OSSL_PARAM ossl_text(const char *name, const char *text)
{
    return OSSL_PARAM_construct_utf8_string(name, (char *)(uintptr_t)text, 0);
}

OSSL_PARAM ossl_octets(const char *name, const uint8_t *p, size_t n)
{
    return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)p, n);
}

// A public key to be replaced by each call's: of the right type and curve, with a base point for a start. Setting the
// bytes of a key that exists is much cheaper than making one, for ECDSA by the cost of building the curve.
static EVP_PKEY *scratch_key(EVP_PKEY_CTX *importer, OSSL_PARAM params[])
{
    EVP_PKEY *key = NULL;
    return EVP_PKEY_fromdata(importer, &key, EVP_PKEY_PUBLIC_KEY, params) == 1 ? key : NULL;
}

static enum err add_peers(struct crypto *c)
{
    for (size_t i = 0; i < RAW_PEERS; i++) {
        static const uint8_t point[56] = {9}; // RFC 7748 §4: any string is a public key
        OSSL_PARAM params[] = {ossl_octets(OSSL_PKEY_PARAM_PUB_KEY, point, i == RAW_X25519 ? 32 : 56),
                               OSSL_PARAM_construct_end()};
        if ((c->peer[i] = scratch_key(c->raw[i], params)) == NULL) return ERR_CRYPTO;
    }
    return ERR_OK;
}

const EC_GROUP *ossl_group(struct crypto *c, const struct dh_group *g)
{
    EC_GROUP **group = &c->group[g->index];
    if (*group == NULL) *group = EC_GROUP_new_by_curve_name_ex(NULL, NULL, nist_nid(g));
    return *group;
}

EVP_PKEY *ossl_verifier(struct crypto *c, const struct dh_group *g)
{
    EVP_PKEY **key = &c->verifier[g->index];
    const EC_GROUP *group = ossl_group(c, g);
    if (*key != NULL || group == NULL) return *key;
    uint8_t point[POINT_MAX];
    const size_t n = EC_POINT_point2oct(group, EC_GROUP_get0_generator(group), POINT_CONVERSION_UNCOMPRESSED, point,
                                        sizeof point, NULL);
    OSSL_PARAM params[] = {ossl_text(OSSL_PKEY_PARAM_GROUP_NAME, g->name),
                           ossl_octets(OSSL_PKEY_PARAM_PUB_KEY, point, n), OSSL_PARAM_construct_end()};
    *key = scratch_key(c->ec, params);
    return *key;
}

// The curves of a suite: the signature's and the KEM's. NULL: all there are.
static enum err add_curves(struct crypto *c, const struct crypto_suite *s)
{
    for (size_t i = 0; s == NULL && i < CURVES; i++) {
        if (ossl_verifier(c, curves[i]) == NULL) return ERR_CRYPTO;
    }
    if (s == NULL) return ERR_OK;
    const struct dh_group *kem = s->kem->group;
    if (kem != NULL && kem->order != NULL && ossl_group(c, kem) == NULL) return ERR_CRYPTO;
    return s->sig->curve != NULL && ossl_verifier(c, s->sig->curve) == NULL ? ERR_CRYPTO : ERR_OK;
}

// What every object has of its own: contexts belong to one thread.
static enum err add_own(struct crypto *c, const struct crypto_suite *s)
{
    for (size_t i = 0; i < RAWS; i++)
        if ((c->raw[i] = ossl_importer(raws[i])) == NULL) return ERR_CRYPTO;
    if ((c->ec = ossl_importer("EC")) == NULL) return ERR_CRYPTO;
    c->backend = pq_openssl_find(c) ? &pq_openssl : &pq_own;
    c->md_ctx = EVP_MD_CTX_new();
    c->cipher_ctx = EVP_CIPHER_CTX_new();
    if (c->md_ctx == NULL || c->cipher_ctx == NULL) return ERR_MEMORY;
    enum err e = add_peers(c);
    return e == ERR_OK ? add_curves(c, s) : e;
}

static enum err fetch(struct crypto *c)
{
    for (size_t i = 0; i < HASHES; i++)
        if ((c->md[i] = EVP_MD_fetch(NULL, hashes[i]->name, NULL)) == NULL) return ERR_CRYPTO;
    for (size_t i = 0; i < AEADS; i++)
        if ((c->cipher[i] = EVP_CIPHER_fetch(NULL, aeads[i]->name, NULL)) == NULL) return ERR_CRYPTO;
    return ERR_OK;
}

// A pointer enters the object only after its count went up, so that crypto_free always takes back what was given.
static enum err share(struct crypto *c, const struct crypto *from)
{
    for (size_t i = 0; i < HASHES; i++) {
        if (EVP_MD_up_ref(from->md[i]) != 1) return ERR_CRYPTO;
        c->md[i] = from->md[i];
    }
    for (size_t i = 0; i < AEADS; i++) {
        if (EVP_CIPHER_up_ref(from->cipher[i]) != 1) return ERR_CRYPTO;
        c->cipher[i] = from->cipher[i];
    }
    return ERR_OK;
}

static enum err make(const struct crypto *from, const struct crypto_suite *s, struct crypto **out)
{
    struct crypto *c = (struct crypto *)mem_new(sizeof *c);
    if (c == NULL) return ERR_MEMORY;
    const bool clean = ossl_begin();
    enum err e = from == NULL ? fetch(c) : share(c, from);
    if (e == ERR_OK) e = add_own(c, s);
    e = ossl_end(clean, e);
    if (e == ERR_OK)
        *out = c;
    else
        crypto_free(c);
    return e;
}

enum err crypto_new(struct crypto **out) { return make(NULL, NULL, out); }

enum err crypto_clone(const struct crypto *c, const struct crypto_suite *s, struct crypto **out)
{
    return make(c, s, out);
}

void crypto_free(struct crypto *c)
{
    if (c == NULL) return;
    for (size_t i = 0; i < HASHES; i++) EVP_MD_free(c->md[i]);
    for (size_t i = 0; i < AEADS; i++) EVP_CIPHER_free(c->cipher[i]);
    for (size_t i = 0; i < RAWS; i++) EVP_PKEY_CTX_free(c->raw[i]);
    for (size_t i = 0; i < CURVES; i++) EC_GROUP_free(c->group[i]);
    for (size_t i = 0; i < RAW_PEERS; i++) EVP_PKEY_free(c->peer[i]);
    for (size_t i = 0; i < CURVES; i++) EVP_PKEY_free(c->verifier[i]);
    for (size_t i = 0; i < PQS; i++) EVP_PKEY_CTX_free(c->pq[i]);
    EVP_PKEY_CTX_free(c->ec);
    EVP_MD_CTX_free(c->md_ctx);
    EVP_CIPHER_CTX_free(c->cipher_ctx);
    mem_free_wiped(c, sizeof *c);
}
