// SPDX-License-Identifier: Apache-2.0
//
// Signatures: Ed25519 and Ed448 (RFC 8032), ECDSA over the NIST curves with DER signatures (RFC 9420 §5.1.2, which
// takes the form of TLS 1.3). Private keys are seeds and scalars, public keys are what a LeafNode carries. Labels are
// not known here. Invariant: verification says yes or fails; a key or signature that does not even parse fails like
// a wrong one and leaves nothing in OpenSSL's error queue.
#include "crypto/suite.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <sodium/crypto_sign_ed25519.h>

// ---------------------------------------------------------------------------------------------- EdDSA

// RFC 8032 §5.1.5, §5.2.5: the private key is a string of random bytes.
static enum err eddsa_keygen(struct crypto *c, const struct sig_alg *s, struct span seed, uint8_t *sk)
{
    (void)c;
    memcpy(sk, seed.p, s->nsk);
    return ERR_OK;
}

static EVP_PKEY *eddsa_private(struct crypto *c, const struct sig_alg *s, const uint8_t *sk, const uint8_t *pk)
{
    if (pk == NULL) return EVP_PKEY_new_raw_private_key_ex(NULL, s->name, NULL, sk, s->nsk);
    OSSL_PARAM pair[] = {ossl_octets(OSSL_PKEY_PARAM_PRIV_KEY, sk, s->nsk),
                         ossl_octets(OSSL_PKEY_PARAM_PUB_KEY, pk, s->npk), OSSL_PARAM_construct_end()};
    EVP_PKEY *key = NULL;
    return EVP_PKEY_fromdata(c->raw[s->index], &key, EVP_PKEY_KEYPAIR, pair) == 1 ? key : NULL;
}

static enum err eddsa_public(struct crypto *c, const struct sig_alg *s, const uint8_t *sk, uint8_t *pk)
{
    const bool clean = ossl_begin();
    EVP_PKEY *key = eddsa_private(c, s, sk, NULL);
    size_t n = s->npk;
    bool ok = key != NULL && EVP_PKEY_get_raw_public_key(key, pk, &n) == 1 && n == s->npk;
    enum err e = ok ? ERR_OK : ERR_CRYPTO;
    EVP_PKEY_free(key);
    return ossl_end(clean, e);
}

static enum err eddsa_sign(struct crypto *c, const struct sig_alg *s, const uint8_t *sk, const uint8_t *pk,
                           struct span msg, uint8_t *sig, size_t *sig_n)
{
    const bool clean = ossl_begin();
    EVP_PKEY *key = eddsa_private(c, s, sk, pk);
    size_t n = s->nsigmax;
    bool ok = key != NULL && EVP_DigestSignInit_ex(c->md_ctx, NULL, NULL, NULL, NULL, key, NULL) == 1 &&
              EVP_DigestSign(c->md_ctx, sig, &n, msg.p, msg.n) == 1;
    enum err e = ok ? ERR_OK : ERR_CRYPTO;
    EVP_MD_CTX_reset(c->md_ctx);
    EVP_PKEY_free(key);
    e = ossl_end(clean, e);
    if (ok) *sig_n = n;
    return e;
}

static enum err eddsa_verify(struct crypto *c, const struct sig_alg *s, const uint8_t *pk, struct span msg,
                             struct span sig)
{
    OSSL_PARAM half[] = {ossl_octets(OSSL_PKEY_PARAM_PUB_KEY, pk, s->npk), OSSL_PARAM_construct_end()};
    EVP_PKEY *key = NULL;
    enum err e = ERR_CRYPTO;
    const bool clean = ossl_begin();
    if (EVP_PKEY_fromdata(c->raw[s->index], &key, EVP_PKEY_PUBLIC_KEY, half) == 1 &&
        EVP_DigestVerifyInit_ex(c->md_ctx, NULL, NULL, NULL, NULL, key, NULL) == 1)
        e = EVP_DigestVerify(c->md_ctx, sig.p, sig.n, msg.p, msg.n) == 1 ? ERR_OK : ERR_UNAUTHENTICATED;
    EVP_MD_CTX_reset(c->md_ctx);
    EVP_PKEY_free(key);
    return ossl_end(clean, e);
}

// Ed25519 is signed and checked by libsodium, in half the time that OpenSSL 3 takes (docs/decisions/0006). It needs no initialisation. Long
// messages (a GroupInfo with a large tree) go to OpenSSL, whose SHA-512 is twice as fast.
enum { ED25519_LONG = 65536 };
static enum err ed25519_sign(struct crypto *c, const struct sig_alg *s, const uint8_t *sk, const uint8_t *pk,
                             struct span msg, uint8_t *sig, size_t *sig_n)
{
    uint8_t pair[crypto_sign_ed25519_SECRETKEYBYTES], own[crypto_sign_ed25519_PUBLICKEYBYTES]; /* pair: secret */
    if (msg.n > ED25519_LONG) return eddsa_sign(c, s, sk, pk, msg, sig, sig_n);
    if (pk == NULL) {
        (void)crypto_sign_ed25519_seed_keypair(own, pair, sk); // what it may say is that it is done
    } else {
        memcpy(pair, sk, s->nsk);
        memcpy(pair + s->nsk, pk, s->npk);
    }
    const uint8_t *bytes = msg.n > 0 ? msg.p : pair; // never NULL
    (void)crypto_sign_ed25519_detached(sig, NULL, bytes, msg.n, pair);
    mem_wipe(pair, sizeof pair);
    *sig_n = s->nsigmax;
    return ERR_OK;
}

// It also refuses public keys of small order and encodings of keys that are not the shortest, for which no honest signer has a use.
static enum err ed25519_verify(struct crypto *c, const struct sig_alg *s, const uint8_t *pk, struct span msg, struct span sig)
{
    if (sig.n != s->nsigmax) return ERR_UNAUTHENTICATED;
    if (msg.n > ED25519_LONG) return eddsa_verify(c, s, pk, msg, sig);
    const uint8_t *bytes = msg.n > 0 ? msg.p : sig.p; // never NULL
    return crypto_sign_ed25519_verify_detached(sig.p, bytes, msg.n, pk) == 0 ? ERR_OK : ERR_UNAUTHENTICATED;
}

// ---------------------------------------------------------------------------------------------- ECDSA

static enum err ecdsa_keygen(struct crypto *c, const struct sig_alg *s, struct span seed, uint8_t *sk)
{
    (void)c;
    return nist_random_scalar(s->curve, seed, sk);
}

static enum err ecdsa_public(struct crypto *c, const struct sig_alg *s, const uint8_t *sk, uint8_t *pk)
{
    return s->curve->public(c, s->curve, sk, pk);
}

// An EVP key from the scalar; signing needs no public key. OpenSSL wants it in the machine's byte order.
static EVP_PKEY *ecdsa_private(struct crypto *c, const struct sig_alg *s, const uint8_t *sk)
{
    uint8_t native[SCALAR_MAX]; /* secret */
    EVP_PKEY *key = NULL;
    BIGNUM *k = BN_secure_new();
    bool ok = k != NULL && BN_bin2bn(sk, s->nsk, k) != NULL && BN_bn2nativepad(k, native, s->nsk) == s->nsk;
    BN_clear_free(k);
    OSSL_PARAM params[] = {ossl_text(OSSL_PKEY_PARAM_GROUP_NAME, s->curve->name),
                           OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native, s->nsk),
                           OSSL_PARAM_construct_end()};
    if (ok && EVP_PKEY_fromdata(c->ec, &key, EVP_PKEY_KEYPAIR, params) != 1) key = NULL;
    mem_wipe(native, sizeof native);
    return key;
}

static enum err ecdsa_sign(struct crypto *c, const struct sig_alg *s, const uint8_t *sk, const uint8_t *pk,
                           struct span msg, uint8_t *sig, size_t *sig_n)
{
    (void)pk;
    if (!nist_scalar_ok(s->curve, sk)) return ERR_INVALID;
    uint8_t hash[CRYPTO_HASH_MAX];
    enum err e = hash_digest(c, s->hash, &msg, 1, hash);
    if (e != ERR_OK) return e;
    size_t n = s->nsigmax;
    const bool clean = ossl_begin();
    EVP_PKEY *key = ecdsa_private(c, s, sk);
    EVP_PKEY_CTX *x = key == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool ok = x != NULL && EVP_PKEY_sign_init(x) == 1 && EVP_PKEY_sign(x, sig, &n, hash, s->hash->nh) == 1;
    e = ok ? ERR_OK : ERR_CRYPTO;
    EVP_PKEY_CTX_free(x);
    EVP_PKEY_free(key);
    e = ossl_end(clean, e);
    if (ok) *sig_n = n;
    return e;
}

// OpenSSL encodes the signature that it has decoded once more and compares, so only DER passes.
static enum err ecdsa_verify(struct crypto *c, const struct sig_alg *s, const uint8_t *pk, struct span msg,
                             struct span sig)
{
    if (pk[0] != 0x04) return ERR_UNAUTHENTICATED;
    uint8_t hash[CRYPTO_HASH_MAX];
    enum err e = hash_digest(c, s->hash, &msg, 1, hash);
    if (e != ERR_OK) return e;
    EVP_PKEY_CTX *x = NULL;
    const bool clean = ossl_begin();
    EVP_PKEY *key = ossl_verifier(c, s->curve);
    e = ERR_CRYPTO;
    if (key == NULL) goto out;
    e = ERR_UNAUTHENTICATED;
    if (EVP_PKEY_set1_encoded_public_key(key, pk, s->npk) != 1) goto out; // no point of the curve
    e = ERR_CRYPTO;
    x = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (x == NULL || EVP_PKEY_verify_init(x) != 1) goto out;
    e = EVP_PKEY_verify(x, sig.p, sig.n, hash, s->hash->nh) == 1 ? ERR_OK : ERR_UNAUTHENTICATED;
out:
    EVP_PKEY_CTX_free(x);
    return ossl_end(clean, e);
}

// --------------------------------------------------------------------------------------- public functions

enum err crypto_sig_keygen(struct crypto *c, const struct crypto_suite *s, const uint8_t seed[CRYPTO_SIG_SEED],
                           uint8_t *sk, uint8_t *pk)
{
    const struct sig_alg *a = s->sig;
    enum err e = a->keygen(c, a, span_of(seed, CRYPTO_SIG_SEED), sk);
    if (e == ERR_OK) e = a->public(c, a, sk, pk);
    if (e != ERR_OK) mem_wipe(sk, a->nsk);
    return e;
}

enum err crypto_sig_public(struct crypto *c, const struct crypto_suite *s, struct span sk, uint8_t *pk)
{
    return sk.n != s->sig->nsk ? ERR_MISUSE : s->sig->public(c, s->sig, sk.p, pk);
}

enum err crypto_sign(struct crypto *c, const struct crypto_suite *s, struct span sk, struct span pk, struct span msg,
                     uint8_t *sig, size_t *sig_n)
{
    const struct sig_alg *a = s->sig;
    if (sk.n != a->nsk || (pk.n != 0 && pk.n != a->npk)) return ERR_MISUSE;
    return a->sign(c, a, sk.p, pk.n == 0 ? NULL : pk.p, msg, sig, sig_n);
}

enum err crypto_verify(struct crypto *c, const struct crypto_suite *s, struct span pk, struct span msg,
                       struct span sig)
{
    const struct sig_alg *a = s->sig;
    if (pk.n != a->npk || sig.n == 0 || sig.n > a->nsigmax) return ERR_UNAUTHENTICATED;
    return a->verify(c, a, pk.p, msg, sig);
}

bool crypto_sig_pk_ok(struct crypto *c, const struct crypto_suite *s, struct span pk)
{
    const struct sig_alg *a = s->sig;
    return pk.n == a->npk && (a->curve == NULL || nist_pk_ok(c, a->curve, pk.p));
}

#define EDDSA .keygen = eddsa_keygen, .public = eddsa_public
#define ECDSA .keygen = ecdsa_keygen, .public = ecdsa_public, .sign = ecdsa_sign, .verify = ecdsa_verify

const struct sig_alg sig_ed25519 = {.name = "ED25519",
                                    .npk = 32,
                                    .nsk = 32,
                                    .nsigmax = 64,
                                    .index = RAW_ED25519,
                                    EDDSA,
                                    .sign = ed25519_sign,
                                    .verify = ed25519_verify};
const struct sig_alg sig_ed448 = {.name = "ED448",
                                  .npk = 57,
                                  .nsk = 57,
                                  .nsigmax = 114,
                                  .index = RAW_ED448,
                                  EDDSA,
                                  .sign = eddsa_sign,
                                  .verify = eddsa_verify};
const struct sig_alg sig_p256 = {
    .name = "ECDSA", .npk = 65, .nsk = 32, .nsigmax = 72, .curve = &dh_p256, .hash = &hash_sha256, ECDSA};
const struct sig_alg sig_p384 = {
    .name = "ECDSA", .npk = 97, .nsk = 48, .nsigmax = 104, .curve = &dh_p384, .hash = &hash_sha384, ECDSA};
const struct sig_alg sig_p521 = {
    .name = "ECDSA", .npk = 133, .nsk = 66, .nsigmax = 139, .curve = &dh_p521, .hash = &hash_sha512, ECDSA};
