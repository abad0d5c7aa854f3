// SPDX-License-Identifier: Apache-2.0
//
// The NIST curves P-256, P-384 and P-521 as Diffie-Hellman groups, over OpenSSL's EC_GROUP and EC_POINT: EVP cannot
// compute a public key from a private one, and building an EVP key costs as much as the exchange. Points travel
// uncompressed (SEC 1 §2.3.3), scalars big-endian and as long as the order.
// Invariant: no point is multiplied that is not on the curve, no scalar is used outside [1, order - 1], and every
// intermediate value lies in a BN_CTX of this call, whose memory OpenSSL clears when it is freed.
#include "crypto/suite.h"

#include <openssl/bn.h>
#include <openssl/obj_mac.h>

int nist_nid(const struct dh_group *g)
{
    static const int nids[CURVES] = {NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1};
    return nids[g->index];
}

// In constant time, byte by byte from the end: the borrow of sk - order tells whether sk is smaller.
bool nist_scalar_ok(const struct dh_group *g, const uint8_t *sk)
{
    unsigned borrow = 0, any = 0;
    for (size_t i = g->nsk; i-- > 0;) {
        borrow = ((unsigned)sk[i] - g->order[i] - borrow) >> 8 & 1;
        any |= sk[i];
    }
    return borrow == 1 && any != 0;
}

enum err nist_random_scalar(const struct dh_group *g, struct span seed, uint8_t *sk)
{
    for (size_t at = 0; at + g->nsk <= seed.n; at += g->nsk) {
        memcpy(sk, seed.p + at, g->nsk);
        sk[0] &= g->mask;
        if (nist_scalar_ok(g, sk)) return ERR_OK;
    }
    mem_wipe(sk, g->nsk);
    return ERR_RANDOM;
}

// SEC 1 §2.3.4 for the uncompressed form alone. OpenSSL checks that the point satisfies the curve equation, and the
// cofactor of these curves is 1, so it is in the group; infinity has another encoding.
static bool read_point(const EC_GROUP *group, const struct dh_group *g, const uint8_t *pk, EC_POINT *p, BN_CTX *x)
{
    return pk[0] == 0x04 && EC_POINT_oct2point(group, p, pk, g->npk, x) == 1;
}

bool nist_pk_ok(struct crypto *c, const struct dh_group *g, const uint8_t *pk)
{
    const bool clean = ossl_begin();
    const EC_GROUP *group = ossl_group(c, g);
    EC_POINT *p = group == NULL ? NULL : EC_POINT_new(group);
    bool ok = p != NULL && read_point(group, g, pk, p, NULL);
    EC_POINT_free(p);
    return ossl_end(clean, ok ? ERR_OK : ERR_INVALID) == ERR_OK;
}

// r = sk * p, or sk * G where p is NULL.
static bool multiply(const EC_GROUP *group, EC_POINT *r, const EC_POINT *p, const BIGNUM *k, BN_CTX *x)
{
    return p == NULL ? EC_POINT_mul(group, r, k, NULL, NULL, x) == 1 : EC_POINT_mul(group, r, NULL, p, k, x) == 1;
}

static BIGNUM *read_scalar(const struct dh_group *g, const uint8_t *sk)
{
    BIGNUM *k = BN_secure_new();
    if (k == NULL) return NULL;
    BN_set_flags(k, BN_FLG_CONSTTIME);
    if (BN_bin2bn(sk, g->nsk, k) != NULL) return k;
    BN_clear_free(k);
    return NULL;
}

static enum err nist_public(struct crypto *c, const struct dh_group *g, const uint8_t *sk, uint8_t *pk)
{
    if (!nist_scalar_ok(g, sk)) return ERR_INVALID;
    const bool clean = ossl_begin();
    const EC_GROUP *group = ossl_group(c, g);
    BN_CTX *x = BN_CTX_secure_new();
    BIGNUM *k = read_scalar(g, sk);
    EC_POINT *r = group == NULL ? NULL : EC_POINT_new(group);
    bool ok = x != NULL && k != NULL && r != NULL && multiply(group, r, NULL, k, x) &&
              EC_POINT_point2oct(group, r, POINT_CONVERSION_UNCOMPRESSED, pk, g->npk, x) == g->npk;
    enum err e = ok ? ERR_OK : ERR_CRYPTO;
    EC_POINT_clear_free(r);
    BN_clear_free(k);
    BN_CTX_free(x);
    e = ossl_end(clean, e);
    if (!ok) mem_wipe(pk, g->npk);
    return e;
}

// ECDH as RFC 9180 §7.1.4 has it: the x coordinate of the product.
static enum err nist_shared(struct crypto *c, const struct dh_group *g, const uint8_t *sk, const uint8_t *own_pk,
                            const uint8_t *peer, uint8_t *out)
{
    (void)own_pk;
    if (!nist_scalar_ok(g, sk)) return ERR_INVALID;
    enum err e = ERR_MEMORY;
    const bool clean = ossl_begin();
    const EC_GROUP *group = ossl_group(c, g);
    BN_CTX *x = BN_CTX_secure_new();
    BIGNUM *k = read_scalar(g, sk), *coordinate = BN_secure_new();
    EC_POINT *p = group == NULL ? NULL : EC_POINT_new(group), *r = group == NULL ? NULL : EC_POINT_new(group);
    if (x == NULL || k == NULL || coordinate == NULL || p == NULL || r == NULL) goto out;
    e = ERR_INVALID;
    if (!read_point(group, g, peer, p, x)) goto out;
    // The product is not infinity, since the order is prime and the scalar smaller.
    bool ok = multiply(group, r, p, k, x) && EC_POINT_get_affine_coordinates(group, r, coordinate, NULL, x) == 1 &&
              BN_bn2binpad(coordinate, out, g->ndh) == g->ndh;
    e = ok ? ERR_OK : ERR_CRYPTO;
out:
    EC_POINT_free(p);
    EC_POINT_clear_free(r);
    BN_clear_free(coordinate);
    BN_clear_free(k);
    BN_CTX_free(x);
    e = ossl_end(clean, e);
    if (e != ERR_OK) mem_wipe(out, g->ndh);
    return e;
}

static enum err nist_ephemeral(struct crypto *c, const struct dh_group *g, const uint8_t *sk, const uint8_t *peer,
                               uint8_t *pk, uint8_t *out)
{
    enum err e = nist_public(c, g, sk, pk);
    if (e != ERR_OK) return e;
    e = nist_shared(c, g, sk, pk, peer, out);
    if (e != ERR_OK) mem_wipe(pk, g->npk);
    return e;
}

// The orders, SP 800-186 §3.2.1.
static const uint8_t order_p256[32] = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
};
static const uint8_t order_p384[48] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
};
static const uint8_t order_p521[66] = {
    0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfa,
    0x51, 0x86, 0x87, 0x83, 0xbf, 0x2f, 0x96, 0x6b, 0x7f, 0xcc, 0x01, 0x48, 0xf7, 0x09, 0xa5, 0xd0, 0x3b,
    0xb5, 0xc9, 0xb8, 0x89, 0x9c, 0x47, 0xae, 0xbb, 0x6f, 0xb7, 0x1e, 0x91, 0x38, 0x64, 0x09,
};

const struct dh_group dh_p256 = {
    .name = "P-256",
    .index = CURVE_P256,
    .npk = 65,
    .nsk = 32,
    .ndh = 32,
    .mask = 0xff,
    .order = order_p256,
    .public = nist_public,
    .shared = nist_shared,
    .ephemeral = nist_ephemeral,
    .pk_ok = nist_pk_ok,
};
const struct dh_group dh_p384 = {
    .name = "P-384",
    .index = CURVE_P384,
    .npk = 97,
    .nsk = 48,
    .ndh = 48,
    .mask = 0xff,
    .order = order_p384,
    .public = nist_public,
    .shared = nist_shared,
    .ephemeral = nist_ephemeral,
    .pk_ok = nist_pk_ok,
};
const struct dh_group dh_p521 = {
    .name = "P-521",
    .index = CURVE_P521,
    .npk = 133,
    .nsk = 66,
    .ndh = 66,
    .mask = 0x01,
    .order = order_p521,
    .public = nist_public,
    .shared = nist_shared,
    .ephemeral = nist_ephemeral,
    .pk_ok = nist_pk_ok,
};
