// SPDX-License-Identifier: Apache-2.0
//
// X25519 and X448 (RFC 7748) through OpenSSL, as Diffie-Hellman groups of the DHKEM and of the hybrid KEMs. No key is
// kept from one call to the next. Invariant: an all-zero result is refused, as RFC 9180 §7.1.4 demands, and a public key
// that can give nothing else is known for none beforehand.
#include "crypto/suite.h"

#include <openssl/core_names.h>

// The key pair. With both halves at hand OpenSSL computes nothing; from the private half alone it multiplies the base
// point, which costs as much as the exchange.
static EVP_PKEY *own_key(struct crypto *c, const struct dh_group *g, const uint8_t *sk, const uint8_t *pk)
{
    if (pk == NULL) return EVP_PKEY_new_raw_private_key_ex(NULL, g->name, NULL, sk, g->nsk);
    OSSL_PARAM pair[] = {ossl_octets(OSSL_PKEY_PARAM_PRIV_KEY, sk, g->nsk),
                         ossl_octets(OSSL_PKEY_PARAM_PUB_KEY, pk, g->npk), OSSL_PARAM_construct_end()};
    EVP_PKEY *key = NULL;
    return EVP_PKEY_fromdata(c->raw[g->index], &key, EVP_PKEY_KEYPAIR, pair) == 1 ? key : NULL;
}

// The exchange itself. The peer's half goes into a key that is kept for this, and is replaced in the next call.
static enum err derive(struct crypto *c, const struct dh_group *g, EVP_PKEY *key, const uint8_t *peer, uint8_t *out)
{
    static const uint8_t zero[FIELD_MAX];
    EVP_PKEY *other = c->peer[g->index];
    enum err e = ERR_CRYPTO;
    size_t n = g->ndh;
    EVP_PKEY_CTX *x = key == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (x == NULL || EVP_PKEY_set1_encoded_public_key(other, peer, g->npk) != 1 || EVP_PKEY_derive_init(x) != 1 ||
        EVP_PKEY_derive_set_peer_ex(x, other, 0) != 1)
        goto out;
    // RFC 9180 §7.1.4: "the sender and recipient MUST check whether the Diffie-Hellman shared secret is the all-zero
    // value and abort if so". OpenSSL refuses as well; the duty is ours.
    bool ok = EVP_PKEY_derive(x, out, &n) == 1 && n == g->ndh && !mem_equal(out, zero, n);
    e = ok ? ERR_OK : ERR_INVALID;
out:
    EVP_PKEY_CTX_free(x);
    if (e != ERR_OK) mem_wipe(out, g->ndh);
    return e;
}

static bool read_public(const struct dh_group *g, const EVP_PKEY *key, uint8_t *pk)
{
    size_t n = g->npk;
    return key != NULL && EVP_PKEY_get_raw_public_key(key, pk, &n) == 1 && n == g->npk;
}

static enum err xdh_public(struct crypto *c, const struct dh_group *g, const uint8_t *sk, uint8_t *pk)
{
    const bool clean = ossl_begin();
    EVP_PKEY *key = own_key(c, g, sk, NULL);
    bool ok = read_public(g, key, pk);
    enum err e = ok ? ERR_OK : ERR_CRYPTO;
    EVP_PKEY_free(key);
    e = ossl_end(clean, e);
    if (!ok) mem_wipe(pk, g->npk);
    return e;
}

static enum err xdh_shared(struct crypto *c, const struct dh_group *g, const uint8_t *sk, const uint8_t *own_pk,
                           const uint8_t *peer, uint8_t *out)
{
    const bool clean = ossl_begin();
    EVP_PKEY *key = own_key(c, g, sk, own_pk);
    enum err e = derive(c, g, key, peer, out);
    EVP_PKEY_free(key);
    return ossl_end(clean, e);
}

static enum err xdh_ephemeral(struct crypto *c, const struct dh_group *g, const uint8_t *sk, const uint8_t *peer,
                              uint8_t *pk, uint8_t *out)
{
    const bool clean = ossl_begin();
    EVP_PKEY *key = own_key(c, g, sk, NULL);
    enum err e = read_public(g, key, pk) ? derive(c, g, key, peer, out) : ERR_CRYPTO;
    EVP_PKEY_free(key);
    e = ossl_end(clean, e);
    if (e != ERR_OK) {
        mem_wipe(pk, g->npk);
        mem_wipe(out, g->ndh);
    }
    return e;
}

// The coordinates with which every exchange gives zero: those of the points of small order, on the curve and on its twist,
// and what else is equal to them modulo p. RFC 7748 §5 takes every string of the right length; but a leaf with one of
// these would keep everybody else in the group from committing, since nobody can encrypt to it.
static const uint8_t small_x25519[][32] = {
    {0},
    {1},
    {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
     0xda, 9,    0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 5,    0x16, 0x5f, 0x49, 0xb8},
    {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
     4,    0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
};
static const uint8_t small_x448[][56] = {
    {0},
    {1},
    {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
    {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
    {0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
     0,    0,    0,    0,    0,    0,    0,    0,    0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
};

static bool is_small(const uint8_t *pk, const uint8_t *list, size_t count, size_t n, uint8_t top)
{
    for (size_t i = 0; i < count; i++, list += n) {
        if (memcmp(pk, list, n - 1) == 0 && (pk[n - 1] & top) == list[n - 1]) return true;
    }
    return false;
}

// RFC 7748 §5: the highest bit of a coordinate of Curve25519 does not count.
static bool x25519_pk_ok(struct crypto *c, const struct dh_group *g, const uint8_t *pk)
{
    (void)c;
    return !is_small(pk, small_x25519[0], sizeof small_x25519 / sizeof *small_x25519, g->npk, 0x7f);
}

static bool x448_pk_ok(struct crypto *c, const struct dh_group *g, const uint8_t *pk)
{
    (void)c;
    return !is_small(pk, small_x448[0], sizeof small_x448 / sizeof *small_x448, g->npk, 0xff);
}

const struct dh_group dh_x25519 = {
    .name = "X25519",
    .index = RAW_X25519,
    .npk = 32,
    .nsk = 32,
    .ndh = 32,
    .public = xdh_public,
    .shared = xdh_shared,
    .ephemeral = xdh_ephemeral,
    .pk_ok = x25519_pk_ok,
};
const struct dh_group dh_x448 = {
    .name = "X448",
    .index = RAW_X448,
    .npk = 56,
    .nsk = 56,
    .ndh = 56,
    .public = xdh_public,
    .shared = xdh_shared,
    .ephemeral = xdh_ephemeral,
    .pk_ok = x448_pk_ok,
};
