// SPDX-License-Identifier: Apache-2.0
//
// Hash, HMAC (RFC 2104) and HKDF (RFC 5869) over OpenSSL's digests. HMAC is composed here of two digests in one scratch
// context: EVP_MAC takes twice as long for the short inputs of MLS. Not here: labels, which belong to those who use
// them. Invariant: the scratch context is reset before a function returns, since OpenSSL keeps the chaining value of
// a finished digest, which is the digest itself, and for SHA-512 the last block of the message too.
#include "crypto/suite.h"

const struct hash_alg hash_sha256 = {.name = "SHA256", .index = HASH_SHA256, .nh = 32, .block = 64};
const struct hash_alg hash_sha384 = {.name = "SHA384", .index = HASH_SHA384, .nh = 48, .block = 128};
const struct hash_alg hash_sha512 = {.name = "SHA512", .index = HASH_SHA512, .nh = 64, .block = 128};

static bool begin(struct crypto *c, const struct hash_alg *h)
{
    return EVP_DigestInit_ex2(c->md_ctx, c->md[h->index], NULL) == 1;
}

static bool update(struct crypto *c, struct span s)
{
    return s.n == 0 || EVP_DigestUpdate(c->md_ctx, s.p, s.n) == 1;
}

static bool update_all(struct crypto *c, const struct span *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!update(c, parts[i])) return false;
    return true;
}

static bool finish(struct crypto *c, uint8_t *out) { return EVP_DigestFinal_ex(c->md_ctx, out, NULL) == 1; }

// Leaves the scratch context holding the digest; the caller resets it.
static bool digest(struct crypto *c, const struct hash_alg *h, const struct span *parts, size_t n, uint8_t *out)
{
    return begin(c, h) && update_all(c, parts, n) && finish(c, out);
}

enum err hash_digest(struct crypto *c, const struct hash_alg *h, const struct span *parts, size_t n, uint8_t *out)
{
    bool ok = digest(c, h, parts, n, out);
    EVP_MD_CTX_reset(c->md_ctx);
    return ok ? ERR_OK : ossl_failed();
}

// RFC 2104 §2: the key, hashed if it is longer than a block, in a block of zeros, xor ipad.
static bool hmac_pad(struct crypto *c, const struct hash_alg *h, struct span key, uint8_t pad[BLOCK_MAX])
{
    memset(pad, 0, BLOCK_MAX);
    if (key.n > h->block) {
        if (!digest(c, h, &key, 1, pad)) return false;
    } else if (key.n > 0) {
        memcpy(pad, key.p, key.n);
    }
    for (size_t i = 0; i < BLOCK_MAX; i++) pad[i] ^= 0x36;
    return true;
}

// One HMAC under a prepared pad, which is as before when it returns: a || parts || b.
static bool hmac_run(struct crypto *c, const struct hash_alg *h, uint8_t pad[BLOCK_MAX], struct span a,
                     const struct span *parts, size_t n, struct span b, uint8_t *out)
{
    uint8_t inner[CRYPTO_HASH_MAX];
    bool ok = begin(c, h) && update(c, span_of(pad, h->block)) && update(c, a) && update_all(c, parts, n) &&
              update(c, b) && finish(c, inner);
    for (size_t i = 0; i < BLOCK_MAX; i++) pad[i] ^= 0x36 ^ 0x5c;
    ok = ok && begin(c, h) && update(c, span_of(pad, h->block)) && update(c, span_of(inner, h->nh)) && finish(c, out);
    for (size_t i = 0; i < BLOCK_MAX; i++) pad[i] ^= 0x36 ^ 0x5c;
    mem_wipe(inner, sizeof inner);
    return ok;
}

enum err hash_hmac(struct crypto *c, const struct hash_alg *h, struct span key, const struct span *parts, size_t n,
                   uint8_t *out)
{
    uint8_t pad[BLOCK_MAX]; /* secret */
    const struct span none = {0};
    bool ok = hmac_pad(c, h, key, pad) && hmac_run(c, h, pad, none, parts, n, none, out);
    EVP_MD_CTX_reset(c->md_ctx);
    mem_wipe(pad, sizeof pad);
    return ok ? ERR_OK : ossl_failed();
}

// RFC 5869 §2.3: T(i) = HMAC(PRK, T(i - 1) || info || i). out may be where prk or info is, if one block is enough.
enum err hash_expand(struct crypto *c, const struct hash_alg *h, struct span prk, const struct span *info,
                     size_t n_info, uint8_t *out, size_t n)
{
    if (n > (size_t)255 * h->nh) return ERR_LIMIT;
    uint8_t pad[BLOCK_MAX], t[CRYPTO_HASH_MAX]; /* secret */
    bool ok = hmac_pad(c, h, prk, pad);
    struct span last = {0};
    uint8_t i = 0;
    for (size_t done = 0; ok && done < n;) {
        i++;
        ok = hmac_run(c, h, pad, last, info, n_info, span_of(&i, 1), t);
        last = span_of(t, h->nh);
        size_t some = n - done < h->nh ? n - done : h->nh;
        if (ok) memcpy(out + done, t, some);
        done += some;
    }
    EVP_MD_CTX_reset(c->md_ctx);
    mem_wipe(pad, sizeof pad);
    mem_wipe(t, sizeof t);
    if (!ok) mem_wipe(out, n);
    return ok ? ERR_OK : ossl_failed();
}

enum err crypto_hash(struct crypto *c, const struct crypto_suite *s, const struct span *parts, size_t n, uint8_t *out)
{
    return hash_digest(c, s->hash, parts, n, out);
}

struct crypto_digest {
    EVP_MD_CTX *ctx;
};

enum err crypto_digest_new(struct crypto *c, const struct crypto_suite *s, struct crypto_digest **out)
{
    struct crypto_digest *d = mem_new(sizeof *d);
    if (d == NULL) return ERR_MEMORY;
    d->ctx = EVP_MD_CTX_new();
    if (d->ctx == NULL || EVP_DigestInit_ex2(d->ctx, c->md[s->hash->index], NULL) != 1) {
        crypto_digest_free(d);
        return ossl_failed();
    }
    *out = d;
    return ERR_OK;
}

enum err crypto_digest_update(struct crypto_digest *d, struct span bytes)
{
    return bytes.n == 0 || EVP_DigestUpdate(d->ctx, bytes.p, bytes.n) == 1 ? ERR_OK : ossl_failed();
}

enum err crypto_digest_end(struct crypto_digest *d, uint8_t *out)
{
    return EVP_DigestFinal_ex(d->ctx, out, NULL) == 1 ? ERR_OK : ossl_failed();
}

void crypto_digest_free(struct crypto_digest *d)
{
    if (d == NULL) return;
    EVP_MD_CTX_free(d->ctx); // which wipes it
    mem_free(d);
}

enum err crypto_mac(struct crypto *c, const struct crypto_suite *s, struct span key, const struct span *parts, size_t n,
                    uint8_t *out)
{
    return hash_hmac(c, s->hash, key, parts, n, out);
}

// RFC 5869 §2.2. A missing salt is a block of zeros, which is what HMAC makes of an empty key.
enum err crypto_extract(struct crypto *c, const struct crypto_suite *s, struct span salt, struct span ikm, uint8_t *out)
{
    return hash_hmac(c, s->hash, salt, &ikm, 1, out);
}

enum err crypto_expand(struct crypto *c, const struct crypto_suite *s, struct span prk, const struct span *info,
                       size_t n_info, uint8_t *out, size_t n)
{
    return hash_expand(c, s->hash, prk, info, n_info, out, n);
}
