// SPDX-License-Identifier: Apache-2.0
//
// AEAD (RFC 5116): AES-GCM and ChaCha20-Poly1305 with a nonce of 12 bytes and a tag of 16, through OpenSSL. It does not
// choose nonces. Invariant: the scratch context holds no key schedule when a function returns, and a plaintext
// that does not authenticate is never seen: its bytes are zeroed.
#include "crypto/suite.h"

#include <limits.h>

const struct aead_alg aead_aes128 = {.name = "AES-128-GCM", .index = AEAD_AES128, .id = 1, .nk = 16};
const struct aead_alg aead_aes256 = {.name = "AES-256-GCM", .index = AEAD_AES256, .id = 2, .nk = 32};
const struct aead_alg aead_chacha20 = {.name = "ChaCha20-Poly1305", .index = AEAD_CHACHA20, .id = 3, .nk = 32};

// OpenSSL counts in int.
static bool too_long(struct span s) { return s.n > INT_MAX - CRYPTO_TAG; }

static bool feed(EVP_CIPHER_CTX *x, uint8_t *out, struct span in)
{
    int n;
    return in.n == 0 || EVP_CipherUpdate(x, out, &n, in.p, (int)in.n) == 1;
}

enum err aead_seal(struct crypto *c, const struct aead_alg *a, const uint8_t *key, const uint8_t *nonce,
                   struct span aad, struct span pt, uint8_t *out)
{
    if (too_long(aad) || too_long(pt)) return ERR_LIMIT;
    EVP_CIPHER_CTX *x = c->cipher_ctx;
    uint8_t *tag = out + pt.n;
    int n;
    bool ok = EVP_CipherInit_ex2(x, c->cipher[a->index], key, nonce, 1, NULL) == 1 && feed(x, NULL, aad) &&
              feed(x, out, pt) && EVP_CipherFinal_ex(x, tag, &n) == 1 &&
              EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_GET_TAG, CRYPTO_TAG, tag) == 1;
    EVP_CIPHER_CTX_reset(x);
    if (!ok) mem_wipe(out, pt.n + CRYPTO_TAG);
    return ok ? ERR_OK : ossl_failed();
}

enum err aead_open(struct crypto *c, const struct aead_alg *a, const uint8_t *key, const uint8_t *nonce,
                   struct span aad, struct span ct, uint8_t *out)
{
    if (ct.n < CRYPTO_TAG) return ERR_UNAUTHENTICATED;
    if (too_long(aad) || too_long(ct)) return ERR_LIMIT;
    EVP_CIPHER_CTX *x = c->cipher_ctx;
    struct span body = span_of(ct.p, ct.n - CRYPTO_TAG);
    uint8_t tag[CRYPTO_TAG], none[CRYPTO_TAG];
    memcpy(tag, ct.p + body.n, CRYPTO_TAG);
    enum err e = ERR_CRYPTO;
    int n;
    const bool clean = ossl_begin();
    if (EVP_CipherInit_ex2(x, c->cipher[a->index], key, nonce, 0, NULL) != 1 ||
        EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_SET_TAG, CRYPTO_TAG, tag) != 1 || !feed(x, NULL, aad) ||
        !feed(x, out, body))
        goto out;
    // Final writes nothing in these modes; it compares the tags in constant time.
    e = EVP_CipherFinal_ex(x, none, &n) == 1 ? ERR_OK : ERR_UNAUTHENTICATED;
out:
    EVP_CIPHER_CTX_reset(x);
    e = ossl_end(clean, e);
    if (e != ERR_OK) mem_wipe(out, body.n);
    return e;
}

enum err crypto_seal(struct crypto *c, const struct crypto_suite *s, const uint8_t *key, const uint8_t *nonce,
                     struct span aad, struct span pt, uint8_t *out)
{
    return aead_seal(c, s->aead, key, nonce, aad, pt, out);
}

enum err crypto_open(struct crypto *c, const struct crypto_suite *s, const uint8_t *key, const uint8_t *nonce,
                     struct span aad, struct span ct, uint8_t *out)
{
    return aead_open(c, s->aead, key, nonce, aad, ct, out);
}
