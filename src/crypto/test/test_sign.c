// SPDX-License-Identifier: Apache-2.0
//
// Signatures: Wycheproof, round trips of every suite, each size wrong by one, keys that are none, certificates.
#include "crypto/test/vectors.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include "crypto/suite.h"

static bool verify_case(struct crypto *c, uint16_t suite, const char *member, const json_t *group, const json_t *test,
                        bool valid)
{
    const struct crypto_suite *s = crypto_suite(suite);
    const struct span pk = vectors_hex(json_object_get(group, "publicKey"), member);
    enum err e = crypto_verify(c, s, pk, vectors_hex(test, "msg"), vectors_hex(test, "sig"));
    if (e != (valid ? ERR_OK : ERR_UNAUTHENTICATED))
        fail_msg("case %d: %s", (int)vectors_u16(test, "tcId"), err_name(e));
    assert_int_equal(ERR_peek_error(), 0);
    return true;
}

static bool ed25519_case(struct crypto *c, const json_t *group, const json_t *test, bool valid)
{
    return verify_case(c, CRYPTO_X25519_AES128_SHA256_ED25519, "pk", group, test, valid);
}

static bool ed448_case(struct crypto *c, const json_t *group, const json_t *test, bool valid)
{
    return verify_case(c, CRYPTO_X448_AES256_SHA512_ED448, "pk", group, test, valid);
}

static bool ecdsa_case(struct crypto *c, const json_t *group, const json_t *test, bool valid)
{
    return verify_case(c, CRYPTO_P256_AES128_SHA256_P256, "uncompressed", group, test, valid);
}

static void wycheproof_ed25519(void **state)
{
    (void)state;
    vectors_wycheproof("wycheproof/ed25519_test.json", ed25519_case);
}

static void wycheproof_ed448(void **state)
{
    (void)state;
    vectors_wycheproof("wycheproof/ed448_test.json", ed448_case);
}

static void wycheproof_ecdsa_secp256r1_sha256(void **state)
{
    (void)state;
    vectors_wycheproof("wycheproof/ecdsa_secp256r1_sha256_test.json", ecdsa_case);
}

// Runs a check for every suite with a fresh key pair.
struct pair {
    uint8_t sk[CRYPTO_SIGSK_MAX], pk[CRYPTO_SIGPK_MAX];
    struct span sk_span, pk_span;
};

static void for_every_suite(void (*check)(struct crypto *c, const struct crypto_suite *s, const struct pair *k))
{
    struct crypto *c = NULL;
    const struct world w = crypto_system_world();
    const struct crypto_suite *s;
    assert_ok(crypto_new(&c));
    for (size_t i = 0; (s = crypto_suite_at(i)) != NULL; i++) {
        struct pair k = {0};
        uint8_t seed[CRYPTO_SIG_SEED];
        assert_ok(w.random(w.arg, seed, sizeof seed));
        assert_ok(crypto_sig_keygen(c, s, seed, k.sk, k.pk));
        k.sk_span = span_of(k.sk, crypto_sizes(s)->nsigsk);
        k.pk_span = span_of(k.pk, crypto_sizes(s)->nsigpk);
        check(c, s, &k);
        assert_int_equal(ERR_peek_error(), 0);
    }
    crypto_free(c);
}

static void round_trip(struct crypto *c, const struct crypto_suite *s, const struct pair *k)
{
    static uint8_t msg[5000] = {7};
    for (size_t n = 0; n <= sizeof msg; n += 1250) {
        uint8_t sig[CRYPTO_SIG_MAX];
        size_t sig_n = 0;
        assert_ok(crypto_sign(c, s, k->sk_span, n % 2500 == 0 ? k->pk_span : span_of(NULL, 0), span_of(msg, n), sig,
                              &sig_n));
        assert_in_range(sig_n, 1, crypto_sizes(s)->nsigmax);
        assert_ok(crypto_verify(c, s, k->pk_span, span_of(msg, n), span_of(sig, sig_n)));
        if (n > 0)
            assert_int_equal(crypto_verify(c, s, k->pk_span, span_of(msg, n - 1), span_of(sig, sig_n)),
                             ERR_UNAUTHENTICATED);
    }
}

static void round_trips(void **state)
{
    (void)state;
    for_every_suite(round_trip);
}

static void public_key(struct crypto *c, const struct crypto_suite *s, const struct pair *k)
{
    uint8_t pk[CRYPTO_SIGPK_MAX];
    assert_ok(crypto_sig_public(c, s, k->sk_span, pk));
    assert_memory_equal(pk, k->pk, k->pk_span.n);
    assert_true(crypto_sig_pk_ok(c, s, k->pk_span));
    assert_int_equal(crypto_sig_public(c, s, span_of(k->sk, k->sk_span.n - 1), pk), ERR_MISUSE);
}

static void public_keys(void **state)
{
    (void)state;
    for_every_suite(public_key);
}

static void tampered(struct crypto *c, const struct crypto_suite *s, const struct pair *k)
{
    uint8_t sig[CRYPTO_SIG_MAX + 1] = {0}, pk[CRYPTO_SIGPK_MAX + 1] = {0};
    size_t n = 0;
    const struct span msg = span_str("message");
    assert_ok(crypto_sign(c, s, k->sk_span, k->pk_span, msg, sig, &n));
    for (size_t i = 0; i < n; i++) {
        sig[i] ^= 1;
        assert_int_equal(crypto_verify(c, s, k->pk_span, msg, span_of(sig, n)), ERR_UNAUTHENTICATED);
        sig[i] ^= 1;
    }
    for (size_t i = 0; i < k->pk_span.n; i++) {
        memcpy(pk, k->pk, k->pk_span.n);
        pk[i] ^= 1;
        assert_int_equal(crypto_verify(c, s, span_of(pk, k->pk_span.n), msg, span_of(sig, n)), ERR_UNAUTHENTICATED);
    }
    memcpy(pk, k->pk, k->pk_span.n);
    const size_t sizes[] = {0, 1, n - 1, n + 1, CRYPTO_SIG_MAX + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        assert_int_equal(crypto_verify(c, s, k->pk_span, msg, span_of(sig, sizes[i])), ERR_UNAUTHENTICATED);
    const size_t keys[] = {0, k->pk_span.n - 1, k->pk_span.n + 1};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        assert_int_equal(crypto_verify(c, s, span_of(pk, keys[i]), msg, span_of(sig, n)), ERR_UNAUTHENTICATED);
        assert_false(crypto_sig_pk_ok(c, s, span_of(pk, keys[i])));
    }
    memset(sig, 0, sizeof sig);
    assert_int_equal(crypto_verify(c, s, k->pk_span, msg, span_of(sig, n)), ERR_UNAUTHENTICATED);
}

static void tampering_is_seen(void **state)
{
    (void)state;
    for_every_suite(tampered);
}

static void bad_key(struct crypto *c, const struct crypto_suite *s, const struct pair *k)
{
    uint8_t bytes[CRYPTO_SIGPK_MAX + 1], sig[CRYPTO_SIG_MAX], pk[CRYPTO_SIGPK_MAX];
    const size_t sk_n = k->sk_span.n, pk_n = k->pk_span.n;
    size_t n = 99;
    const struct span msg = span_str("message"), none = span_of(NULL, 0);
    assert_int_equal(crypto_sign(c, s, span_of(k->sk, sk_n - 1), none, msg, sig, &n), ERR_MISUSE);
    assert_int_equal(crypto_sign(c, s, k->sk_span, span_of(k->pk, pk_n - 1), msg, sig, &n), ERR_MISUSE);
    if (s->sig->curve == NULL) return; // of EdDSA every string is a private key
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(crypto_sign(c, s, span_of(bytes, sk_n), none, msg, sig, &n), ERR_INVALID);
    assert_int_equal(crypto_sig_public(c, s, span_of(bytes, sk_n), pk), ERR_INVALID);
    assert_int_equal(crypto_sign(c, s, span_of(s->sig->curve->order, sk_n), none, msg, sig, &n), ERR_INVALID);
    assert_int_equal(crypto_sig_public(c, s, span_of(s->sig->curve->order, sk_n), pk), ERR_INVALID);
    assert_int_equal(n, 99);

    // Forms of a point other than the uncompressed one: infinity, compressed, hybrid.
    memcpy(bytes, k->pk, pk_n);
    bytes[0] = 0x06 | (k->pk[pk_n - 1] & 1);
    assert_false(crypto_sig_pk_ok(c, s, span_of(bytes, pk_n)));
    assert_int_equal(crypto_verify(c, s, span_of(bytes, pk_n), msg, span_of("\x30\x00", 2)), ERR_UNAUTHENTICATED);
    bytes[0] = 0x02 | (k->pk[pk_n - 1] & 1);
    assert_false(crypto_sig_pk_ok(c, s, span_of(bytes, pk_n)));
    assert_false(crypto_sig_pk_ok(c, s, span_of(bytes, 1 + pk_n / 2)));
    memset(bytes, 0, sizeof bytes);
    assert_false(crypto_sig_pk_ok(c, s, span_of(bytes, pk_n)));
    bytes[0] = 0x04;
    assert_false(crypto_sig_pk_ok(c, s, span_of(bytes, pk_n)));
    // coordinates that are not below the prime
    memset(bytes + 1, 0xff, pk_n - 1);
    assert_false(crypto_sig_pk_ok(c, s, span_of(bytes, pk_n)));
}

static void keys_that_are_none_are_refused(void **state)
{
    (void)state;
    for_every_suite(bad_key);
}

// Around 0 and the order of each curve.
static void scalars_have_a_range(void **state)
{
    (void)state;
    const struct dh_group *const curves[] = {&dh_p256, &dh_p384, &dh_p521};
    for (size_t i = 0; i < 3; i++) {
        uint8_t k[SCALAR_MAX] = {0}, out[SCALAR_MAX];
        const struct dh_group *g = curves[i];
        assert_false(nist_scalar_ok(g, k));
        k[g->nsk - 1] = 1;
        assert_true(nist_scalar_ok(g, k));
        memcpy(k, g->order, g->nsk);
        assert_false(nist_scalar_ok(g, k));
        k[g->nsk - 1]--; // the orders are odd
        assert_true(nist_scalar_ok(g, k));
        k[g->nsk - 1] = (uint8_t)(k[g->nsk - 1] + 2);
        assert_false(nist_scalar_ok(g, k));
        memset(k, 0xff, sizeof k);
        assert_false(nist_scalar_ok(g, k));

        uint8_t seed[4 * SCALAR_MAX] = {0};
        assert_int_equal(nist_random_scalar(g, span_of(seed, (size_t)3 * g->nsk), out), ERR_RANDOM);
        memcpy(seed + g->nsk, g->order, g->nsk);
        seed[3 * g->nsk - 1] = 9;
        assert_ok(nist_random_scalar(g, span_of(seed, (size_t)3 * g->nsk), out));
        assert_int_equal(out[g->nsk - 1], 9);
        assert_int_equal(nist_random_scalar(g, span_of(seed, (size_t)3 * g->nsk - 1), out), ERR_RANDOM);
    }
}

// --------------------------------------------------------------------------------------- certificates

// A self-signed certificate with this key, as DER.
static struct span certificate(EVP_PKEY *key, const char *md, uint8_t out[4096])
{
    X509 *x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const uint8_t *)"device", -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    assert_int_equal(X509_set_pubkey(x, key), 1);
    assert_true(X509_sign(x, key, md == NULL ? NULL : EVP_get_digestbyname(md)) > 0);
    const int n = i2d_X509(x, NULL);
    assert_in_range(n, 1, 4095);
    uint8_t *at = out;
    assert_int_equal(i2d_X509(x, &at), n);
    X509_free(x);
    return span_of(out, (size_t)n);
}

static EVP_PKEY *suite_key(const struct crypto_suite *s)
{
    if (s->sig->curve == NULL) return EVP_PKEY_Q_keygen(NULL, NULL, s->sig->name);
    return EVP_PKEY_Q_keygen(NULL, NULL, "EC", s->sig->curve->name);
}

static void check_certificate(const struct crypto_suite *s, struct span der, EVP_PKEY *key)
{
    uint8_t pk[CRYPTO_SIGPK_MAX], want[CRYPTO_SIGPK_MAX];
    size_t n = sizeof want;
    if (s->sig->curve == NULL)
        assert_int_equal(EVP_PKEY_get_raw_public_key(key, want, &n), 1);
    else // EVP gives the uncompressed form of a generated key
        assert_int_equal(EVP_PKEY_get_octet_string_param(key, "encoded-pub-key", want, sizeof want, &n), 1);
    assert_int_equal(n, s->sig->npk);
    assert_ok(crypto_x509_key(s, der, pk));
    assert_memory_equal(pk, want, n);

    const struct crypto_suite *other;
    for (size_t i = 0; (other = crypto_suite_at(i)) != NULL; i++)
        assert_int_equal(crypto_x509_key(other, der, pk), other->sig == s->sig ? ERR_OK : ERR_INVALID);
    for (size_t i = 0; i < der.n; i++) assert_int_equal(crypto_x509_key(s, span_of(der.p, i), pk), ERR_MALFORMED);
    uint8_t longer[4097] = {0};
    memcpy(longer, der.p, der.n);
    assert_int_equal(crypto_x509_key(s, span_of(longer, der.n + 1), pk), ERR_MALFORMED);
    for (size_t i = 0; i < der.n; i++) { // whatever it says, it must neither crash nor leave errors behind
        longer[i] ^= 0x55;
        (void)crypto_x509_key(s, span_of(longer, der.n), pk);
        longer[i] ^= 0x55;
    }
    assert_int_equal(ERR_peek_error(), 0);
}

static void certificates(void **state)
{
    (void)state;
    const struct crypto_suite *s;
    for (size_t i = 0; (s = crypto_suite_at(i)) != NULL; i++) {
        uint8_t der[4096];
        EVP_PKEY *key = suite_key(s);
        assert_non_null(key);
        check_certificate(s, certificate(key, s->sig->curve == NULL ? NULL : "SHA256", der), key);
        EVP_PKEY_free(key);
    }
}

static void certificates_with_other_keys(void **state)
{
    (void)state;
    const struct crypto_suite *s = crypto_suite(CRYPTO_P256_AES128_SHA256_P256);
    uint8_t der[4096], pk[CRYPTO_SIGPK_MAX];
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    assert_int_equal(crypto_x509_key(s, certificate(key, "SHA256", der), pk), ERR_INVALID);
    EVP_PKEY_free(key);

    // A compressed point in the certificate comes out uncompressed.
    key = suite_key(s);
    uint8_t want[CRYPTO_SIGPK_MAX];
    size_t n = 0;
    assert_int_equal(EVP_PKEY_get_octet_string_param(key, "encoded-pub-key", want, sizeof want, &n), 1);
    assert_int_equal(EVP_PKEY_set_utf8_string_param(key, "point-format", "compressed"), 1);
    const struct span small = certificate(key, "SHA256", der);
    assert_ok(crypto_x509_key(s, small, pk));
    assert_memory_equal(pk, want, n);
    EVP_PKEY_free(key);

    static uint8_t large[64 * 1024 + 1] = {0x30};
    assert_int_equal(crypto_x509_key(s, span_of(large, sizeof large), pk), ERR_LIMIT);
    assert_int_equal(crypto_x509_key(s, span_of(NULL, 0), pk), ERR_MALFORMED);
    assert_int_equal(ERR_peek_error(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wycheproof_ed25519),
        cmocka_unit_test(wycheproof_ed448),
        cmocka_unit_test(wycheproof_ecdsa_secp256r1_sha256),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(public_keys),
        cmocka_unit_test(tampering_is_seen),
        cmocka_unit_test(keys_that_are_none_are_refused),
        cmocka_unit_test(scalars_have_a_range),
        cmocka_unit_test(certificates),
        cmocka_unit_test(certificates_with_other_keys),
    };
    return unit_run("crypto sign", tests);
}
