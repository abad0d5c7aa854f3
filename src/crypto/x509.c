// SPDX-License-Identifier: Apache-2.0
//
// The public key of an X.509 certificate, for leaves with the x509 credential (RFC 9420 §5.3). Chains, names and dates
// are the application's business: nothing is validated here. Invariant: the bytes are untrusted, so their number is
// limited, there is exactly one certificate, and a parser error leaves no trace in OpenSSL's error queue.
#include "crypto/suite.h"

#include <openssl/core_names.h>
#include <openssl/x509.h>

// Real end-entity certificates have one to four kilobytes.
enum { CERTIFICATE_MAX = 64 * 1024 };

static enum err eddsa_key(const EVP_PKEY *key, const struct sig_alg *a, uint8_t *pk)
{
    size_t n = a->npk;
    if (!EVP_PKEY_is_a(key, a->name)) return ERR_INVALID;
    return EVP_PKEY_get_raw_public_key(key, pk, &n) == 1 && n == a->npk ? ERR_OK : ERR_INVALID;
}

// A certificate may have its point compressed; a LeafNode may not.
static enum err ecdsa_key(const EVP_PKEY *key, const struct sig_alg *a, uint8_t *pk)
{
    char name[32];
    uint8_t point[POINT_MAX];
    size_t n = 0;
    int nid = EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, name, sizeof name, NULL) == 1 ? OBJ_sn2nid(name)
                                                                                                     : NID_undef;
    if (nid != nist_nid(a->curve) ||
        EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &n) != 1)
        return ERR_INVALID;
    EC_GROUP *group = EC_GROUP_new_by_curve_name_ex(NULL, NULL, nid);
    EC_POINT *p = group == NULL ? NULL : EC_POINT_new(group);
    enum err e = ERR_MEMORY;
    if (p == NULL) goto out;
    bool ok = EC_POINT_oct2point(group, p, point, n, NULL) == 1 &&
              EC_POINT_point2oct(group, p, POINT_CONVERSION_UNCOMPRESSED, pk, a->npk, NULL) == a->npk;
    e = ok ? ERR_OK : ERR_INVALID;
out:
    EC_POINT_free(p);
    EC_GROUP_free(group);
    return e;
}

enum err crypto_x509_key(const struct crypto_suite *s, struct span certificate, uint8_t *pk)
{
    if (certificate.n == 0) return ERR_MALFORMED;
    if (certificate.n > CERTIFICATE_MAX) return ERR_LIMIT;
    enum err e = ERR_MALFORMED;
    const unsigned char *at = certificate.p;
    const bool clean = ossl_begin();
    X509 *x = d2i_X509(NULL, &at, (long)certificate.n);
    if (x == NULL || at != certificate.p + certificate.n) goto out;
    const EVP_PKEY *key = X509_get0_pubkey(x);
    if (key == NULL)
        e = ERR_INVALID; // an algorithm that OpenSSL does not know, or no point of its curve
    else
        e = s->sig->curve == NULL ? eddsa_key(key, s->sig, pk) : ecdsa_key(key, s->sig, pk);
out:
    X509_free(x);
    e = ossl_end(clean, e);
    if (e != ERR_OK) mem_wipe(pk, s->sig->npk);
    return e;
}
