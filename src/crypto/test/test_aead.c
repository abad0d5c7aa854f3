// SPDX-License-Identifier: Apache-2.0
//
// The AEADs: Wycheproof, every bit of an input turned, sealing in place, and what is left when a tag is wrong.
#include "crypto/test/vectors.h"

#include <openssl/err.h>

#include "crypto/suite.h"

static const struct aead_alg *const aeads[] = {&aead_aes128, &aead_aes256, &aead_chacha20};
enum { N_AEADS = sizeof aeads / sizeof *aeads };

static bool run(struct crypto *c, const struct aead_alg *a, const json_t *test, bool valid)
{
    const struct span key = vectors_hex(test, "key"), iv = vectors_hex(test, "iv"), aad = vectors_hex(test, "aad");
    const struct span msg = vectors_hex(test, "msg"), ct = vectors_hex(test, "ct"), tag = vectors_hex(test, "tag");
    uint8_t in[4096], out[4096];
    assert_int_equal(key.n, a->nk);
    if (iv.n != CRYPTO_NONCE) return false;
    assert_int_equal(tag.n, CRYPTO_TAG);
    assert_true(ct.n + tag.n <= sizeof in);
    if (ct.n > 0) memcpy(in, ct.p, ct.n);
    memcpy(in + ct.n, tag.p, tag.n);
    memset(out, 0xee, sizeof out);
    enum err e = aead_open(c, a, key.p, iv.p, aad, span_of(in, ct.n + tag.n), out);
    if (valid) {
        assert_ok(e);
        assert_true(span_eq(msg, span_of(out, ct.n)));
        assert_ok(aead_seal(c, a, key.p, iv.p, aad, msg, out));
        assert_memory_equal(out, in, ct.n + tag.n);
    } else {
        assert_int_equal(e, ERR_UNAUTHENTICATED);
        for (size_t i = 0; i < ct.n; i++) assert_int_equal(out[i], 0);
    }
    assert_int_equal(out[ct.n + tag.n], 0xee);
    return true;
}

static bool gcm_case(struct crypto *c, const json_t *group, const json_t *test, bool valid)
{
    const unsigned bits = vectors_u16(group, "keySize");
    if (bits == 192) return false;
    return run(c, bits == 128 ? &aead_aes128 : &aead_aes256, test, valid);
}

static bool chacha_case(struct crypto *c, const json_t *group, const json_t *test, bool valid)
{
    (void)group;
    return run(c, &aead_chacha20, test, valid);
}

static void wycheproof_aes_gcm(void **state)
{
    (void)state;
    vectors_wycheproof("wycheproof/aes_gcm_test.json", gcm_case);
}

static void wycheproof_chacha20_poly1305(void **state)
{
    (void)state;
    vectors_wycheproof("wycheproof/chacha20_poly1305_test.json", chacha_case);
}

static void every_byte_counts(void **state)
{
    (void)state;
    struct crypto *c = NULL;
    assert_ok(crypto_new(&c));
    for (size_t i = 0; i < N_AEADS; i++)
        for (size_t n = 0; n <= 33; n += 11) {
            uint8_t key[CRYPTO_KEY_MAX] = {1}, nonce[CRYPTO_NONCE] = {2}, aad[5] = {3}, pt[33] = {4}, ct[49], out[33];
            struct {
                uint8_t *p;
                size_t n;
            } inputs[] = {{key, aeads[i]->nk}, {nonce, sizeof nonce}, {aad, sizeof aad}, {ct, n + CRYPTO_TAG}};
            assert_ok(aead_seal(c, aeads[i], key, nonce, span_of(aad, 5), span_of(pt, n), ct));
            for (size_t j = 0; j < 4; j++)
                for (size_t k = 0; k < inputs[j].n; k++) {
                    inputs[j].p[k] ^= (uint8_t)(1u << k % 8);
                    memset(out, 0xee, sizeof out);
                    enum err e = aead_open(c, aeads[i], key, nonce, span_of(aad, 5), span_of(ct, n + CRYPTO_TAG), out);
                    assert_int_equal(e, ERR_UNAUTHENTICATED);
                    for (size_t l = 0; l < n; l++) assert_int_equal(out[l], 0);
                    inputs[j].p[k] ^= (uint8_t)(1u << k % 8);
                }
            assert_ok(aead_open(c, aeads[i], key, nonce, span_of(aad, 5), span_of(ct, n + CRYPTO_TAG), out));
            assert_memory_equal(out, pt, n);
            // one byte less of the ciphertext, and of the associated data
            assert_int_equal(aead_open(c, aeads[i], key, nonce, span_of(aad, 5), span_of(ct, n + CRYPTO_TAG - 1), out),
                             ERR_UNAUTHENTICATED);
            assert_int_equal(aead_open(c, aeads[i], key, nonce, span_of(aad, 4), span_of(ct, n + CRYPTO_TAG), out),
                             ERR_UNAUTHENTICATED);
        }
    crypto_free(c);
}

static void short_ciphertexts_are_refused(void **state)
{
    (void)state;
    struct crypto *c = NULL;
    assert_ok(crypto_new(&c));
    const uint8_t key[CRYPTO_KEY_MAX] = {1}, nonce[CRYPTO_NONCE] = {2}, ct[CRYPTO_TAG] = {0};
    uint8_t out[1];
    for (size_t i = 0; i < N_AEADS; i++)
        for (size_t n = 0; n <= CRYPTO_TAG; n++)
            assert_int_equal(aead_open(c, aeads[i], key, nonce, span_of(NULL, 0), span_of(ct, n), out),
                             ERR_UNAUTHENTICATED);
    crypto_free(c);
}

static void in_place(void **state)
{
    (void)state;
    struct crypto *c = NULL;
    assert_ok(crypto_new(&c));
    const uint8_t key[CRYPTO_KEY_MAX] = {1}, nonce[CRYPTO_NONCE] = {2};
    const struct span aad = span_str("header");
    const struct crypto_suite *s;
    for (size_t i = 0; (s = crypto_suite_at(i)) != NULL; i++) {
        static uint8_t body[70000 + CRYPTO_TAG], ct[70000 + CRYPTO_TAG];
        const size_t n = 70000;
        memset(body, 0x42, n);
        assert_ok(crypto_seal(c, s, key, nonce, aad, span_of(body, n), ct));
        assert_ok(crypto_seal(c, s, key, nonce, aad, span_of(body, n), body));
        assert_memory_equal(body, ct, sizeof ct);
        assert_ok(crypto_open(c, s, key, nonce, aad, span_of(body, sizeof body), body));
        for (size_t k = 0; k < n; k++) assert_int_equal(body[k], 0x42);
    }
    crypto_free(c);
}

static void errors_of_the_caller_stay(void **state)
{
    (void)state;
    struct crypto *c = NULL;
    assert_ok(crypto_new(&c));
    const uint8_t key[CRYPTO_KEY_MAX] = {1}, nonce[CRYPTO_NONCE] = {2}, ct[CRYPTO_TAG] = {0};
    uint8_t out[1];
    ERR_raise(ERR_LIB_USER, 77);
    for (size_t i = 0; i < N_AEADS; i++)
        assert_int_equal(aead_open(c, aeads[i], key, nonce, span_of(NULL, 0), span_of(ct, sizeof ct), out),
                         ERR_UNAUTHENTICATED);
    assert_int_equal(ERR_GET_REASON(ERR_get_error()), 77);
    assert_int_equal(ERR_get_error(), 0);
    crypto_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wycheproof_aes_gcm), cmocka_unit_test(wycheproof_chacha20_poly1305),
        cmocka_unit_test(every_byte_counts),  cmocka_unit_test(short_ciphertexts_are_refused),
        cmocka_unit_test(in_place),           cmocka_unit_test(errors_of_the_caller_stay),
    };
    return unit_run("crypto aead", tests);
}
