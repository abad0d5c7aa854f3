// SPDX-License-Identifier: Apache-2.0
//
// The object that holds what was fetched from OpenSSL, and the manners towards OpenSSL's error queue. Algorithms are
// fetched once, because OpenSSL 3 otherwise searches its providers in every call, which costs more than a short hash;
// clones share them by reference. No algorithm is chosen here, and no key is kept.
#include "crypto/suite.h"

#include <openssl/err.h>

static const struct hash_alg *const hashes[HASHES] = {&hash_sha256, &hash_sha384, &hash_sha512};
static const struct aead_alg *const aeads[AEADS] = {&aead_aes128, &aead_aes256, &aead_chacha20};
static const char *const raws[RAWS] = {"X25519", "X448", "ED25519", "ED448"};
static const struct dh_group *const curves[CURVES] = {&dh_p256, &dh_p384, &dh_p521};

void ossl_mark(void) { ERR_set_mark(); }

void ossl_unmark(void) { ERR_pop_to_mark(); }

enum err ossl_error(enum err otherwise)
{
    return ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE ? ERR_MEMORY : otherwise;
}

static EVP_PKEY_CTX *importer(const char *name)
{
    EVP_PKEY_CTX *x = EVP_PKEY_CTX_new_from_name(NULL, name, NULL);
    if (x != NULL && EVP_PKEY_fromdata_init(x) != 1) {
        EVP_PKEY_CTX_free(x);
        x = NULL;
    }
    return x;
}

// What every object has of its own: contexts belong to one thread.
static enum err add_own(struct crypto *c)
{
    for (size_t i = 0; i < RAWS; i++)
        if ((c->raw[i] = importer(raws[i])) == NULL) return ossl_error(ERR_CRYPTO);
    for (size_t i = 0; i < CURVES; i++)
        if ((c->group[i] = EC_GROUP_new_by_curve_name_ex(NULL, NULL, nist_nid(curves[i]))) == NULL)
            return ossl_error(ERR_CRYPTO);
    if ((c->ec = importer("EC")) == NULL) return ossl_error(ERR_CRYPTO);
    c->md_ctx = EVP_MD_CTX_new();
    c->cipher_ctx = EVP_CIPHER_CTX_new();
    return c->md_ctx == NULL || c->cipher_ctx == NULL ? ERR_MEMORY : ERR_OK;
}

static enum err fetch(struct crypto *c)
{
    for (size_t i = 0; i < HASHES; i++)
        if ((c->md[i] = EVP_MD_fetch(NULL, hashes[i]->name, NULL)) == NULL) return ossl_error(ERR_CRYPTO);
    for (size_t i = 0; i < AEADS; i++)
        if ((c->cipher[i] = EVP_CIPHER_fetch(NULL, aeads[i]->name, NULL)) == NULL) return ossl_error(ERR_CRYPTO);
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

static enum err make(const struct crypto *from, struct crypto **out)
{
    struct crypto *c = (struct crypto *)mem_new(sizeof *c);
    if (c == NULL) return ERR_MEMORY;
    ossl_mark();
    enum err e = from == NULL ? fetch(c) : share(c, from);
    if (e == ERR_OK) e = add_own(c);
    ossl_unmark();
    if (e == ERR_OK)
        *out = c;
    else
        crypto_free(c);
    return e;
}

enum err crypto_new(struct crypto **out) { return make(NULL, out); }

enum err crypto_clone(const struct crypto *c, struct crypto **out) { return make(c, out); }

void crypto_free(struct crypto *c)
{
    if (c == NULL) return;
    for (size_t i = 0; i < HASHES; i++) EVP_MD_free(c->md[i]);
    for (size_t i = 0; i < AEADS; i++) EVP_CIPHER_free(c->cipher[i]);
    for (size_t i = 0; i < RAWS; i++) EVP_PKEY_CTX_free(c->raw[i]);
    for (size_t i = 0; i < CURVES; i++) EC_GROUP_free(c->group[i]);
    EVP_PKEY_CTX_free(c->ec);
    EVP_MD_CTX_free(c->md_ctx);
    EVP_CIPHER_CTX_free(c->cipher_ctx);
    mem_free_wiped(c, sizeof *c);
}
