// SPDX-License-Identifier: Apache-2.0
//
// Hash, HMAC and HKDF: published cases, inputs cut into parts in every place, outputs that lie over inputs, limits.
#include "crypto/test/vectors.h"

#include "crypto/suite.h"

static const struct hash_alg *const hashes[] = {&hash_sha256, &hash_sha384, &hash_sha512};
enum { N_HASHES = sizeof hashes / sizeof *hashes };

static struct crypto *new_crypto(void)
{
    struct crypto *c = NULL;
    assert_ok(crypto_new(&c));
    return c;
}

static void expect_hex(const uint8_t *got, size_t n, const char *hex)
{
    char text[2 * CRYPTO_HASH_MAX + 1] = "";
    assert_int_equal(strlen(hex), 2 * n);
    for (size_t i = 0; i < n; i++) (void)snprintf(text + 2 * i, 3, "%02x", got[i]);
    assert_string_equal(text, hex);
}

// FIPS 180-4, the examples for "abc", and the digests of nothing.
static void digests_are_right(void **state)
{
    (void)state;
    static const char abc_512[] =
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
        "454d4423643ce80e2a9ac94fa54ca49f";
    static const char nothing_512[] =
        "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f"
        "63b931bd47417a81a538327af927da3e";
    const char *const abc[] = {
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7", abc_512};
    const char *const nothing[] = {
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b",
        nothing_512};
    struct crypto *c = new_crypto();
    for (size_t i = 0; i < N_HASHES; i++) {
        uint8_t out[CRYPTO_HASH_MAX];
        const struct span cut[] = {span_str("a"), span_of(NULL, 0), span_str("bc")};
        assert_ok(hash_digest(c, hashes[i], cut, 3, out));
        expect_hex(out, hashes[i]->nh, abc[i]);
        assert_ok(hash_digest(c, hashes[i], NULL, 0, out));
        expect_hex(out, hashes[i]->nh, nothing[i]);
    }
    crypto_free(c);
}

// In pieces of every size, the digest of the whole.
static void digests_come_in_pieces(void **state)
{
    (void)state;
    struct crypto *c = new_crypto();
    uint8_t bytes[300], whole[CRYPTO_HASH_MAX], out[CRYPTO_HASH_MAX];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7);
    const struct crypto_suite *s = crypto_suite(CRYPTO_X25519_AES128_SHA256_ED25519);
    const struct span all = span_of(bytes, sizeof bytes);
    assert_ok(crypto_hash(c, s, &all, 1, whole));
    for (size_t piece = 1; piece <= sizeof bytes; piece += 13) {
        struct crypto_digest *d = NULL;
        assert_ok(crypto_digest_new(c, s, &d));
        for (size_t at = 0; at < sizeof bytes; at += piece) {
            size_t n = sizeof bytes - at < piece ? sizeof bytes - at : piece;
            assert_ok(crypto_digest_update(d, span_of(bytes + at, n)));
            assert_ok(crypto_digest_update(d, span_of(NULL, 0)));
        }
        assert_ok(crypto_digest_end(d, out));
        assert_memory_equal(out, whole, 32);
        crypto_digest_free(d);
    }
    crypto_digest_free(NULL);
    crypto_free(c);
}

// RFC 4231 §4.3 (a short key) and §4.7 (a key longer than a block).
static void hmac_is_right(void **state)
{
    (void)state;
    static const char jefe_512[] =
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd"
        "caeab1a34d4a6b4b636e070a38bce737";
    static const char large_512[] =
        "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e52"
        "95e64f73f63f0aec8b915a985d786598";
    const char *const jefe[] = {
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
        jefe_512};
    const char *const large[] = {
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952",
        large_512};
    uint8_t key[131], out[CRYPTO_HASH_MAX];
    memset(key, 0xaa, sizeof key);
    struct crypto *c = new_crypto();
    for (size_t i = 0; i < N_HASHES; i++) {
        const struct span ask[] = {span_str("what do ya want "), span_str("for nothing?")};
        assert_ok(hash_hmac(c, hashes[i], span_str("Jefe"), ask, 2, out));
        expect_hex(out, hashes[i]->nh, jefe[i]);
        const struct span test = span_str("Test Using Larger Than Block-Size Key - Hash Key First");
        assert_ok(hash_hmac(c, hashes[i], span_of(key, sizeof key), &test, 1, out));
        expect_hex(out, hashes[i]->nh, large[i]);
    }
    crypto_free(c);
}

// HMAC against OpenSSL's own, for keys and messages around the block sizes.
static void hmac_agrees_with_openssl(void **state)
{
    (void)state;
    static const char *const names[] = {"SHA256", "SHA384", "SHA512"};
    uint8_t bytes[300], ours[CRYPTO_HASH_MAX], theirs[CRYPTO_HASH_MAX];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7 + 3);
    struct crypto *c = new_crypto();
    for (size_t i = 0; i < N_HASHES; i++)
        for (size_t k = 0; k <= 140; k += k < 60 ? 15 : 1)
            for (size_t n = 0; n <= sizeof bytes; n += 37) {
                const struct span cut[] = {span_of(bytes, n / 3), span_of(bytes + n / 3, n - n / 3)};
                size_t len = 0;
                assert_ok(hash_hmac(c, hashes[i], span_of(bytes + 9, k), cut, 2, ours));
                assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, names[i], NULL, bytes + 9, k, bytes, n, theirs,
                                          sizeof theirs, &len));
                assert_int_equal(len, hashes[i]->nh);
                assert_memory_equal(ours, theirs, len);
            }
    crypto_free(c);
}

static bool hkdf_case(struct crypto *c, const struct hash_alg *h, const json_t *test, bool valid)
{
    uint8_t prk[CRYPTO_HASH_MAX], out[255 * CRYPTO_HASH_MAX + 1];
    const struct span ikm = vectors_hex(test, "ikm"), salt = vectors_hex(test, "salt");
    const struct span info = vectors_hex(test, "info"), okm = vectors_hex(test, "okm");
    const size_t n = vectors_u16(test, "size");
    assert_true(n <= sizeof out);
    assert_ok(hash_hmac(c, h, salt, &ikm, 1, prk));
    const struct span cut[] = {span_of(info.p, info.n / 2), span_of(info.p + info.n / 2, info.n - info.n / 2)};
    enum err e = hash_expand(c, h, span_of(prk, h->nh), cut, 2, out, n);
    if (!valid) {
        assert_int_equal(e, ERR_LIMIT);
    } else {
        assert_ok(e);
        assert_int_equal(n, okm.n);
        assert_memory_equal(out, okm.p, n);
    }
    return true;
}

static bool hkdf_sha256_case(struct crypto *c, const json_t *group, const json_t *test, bool valid)
{
    (void)group;
    return hkdf_case(c, &hash_sha256, test, valid);
}

static bool hkdf_sha384_case(struct crypto *c, const json_t *group, const json_t *test, bool valid)
{
    (void)group;
    return hkdf_case(c, &hash_sha384, test, valid);
}

static void wycheproof_hkdf_sha256(void **state)
{
    (void)state;
    vectors_wycheproof("wycheproof/hkdf_sha256_test.json", hkdf_sha256_case);
}

static void wycheproof_hkdf_sha384(void **state)
{
    (void)state;
    vectors_wycheproof("wycheproof/hkdf_sha384_test.json", hkdf_sha384_case);
}

static void outputs_may_lie_over_inputs(void **state)
{
    (void)state;
    struct crypto *c = new_crypto();
    const struct crypto_suite *s;
    for (size_t i = 0; (s = crypto_suite_at(i)) != NULL; i++) {
        const size_t nh = crypto_sizes(s)->nh;
        uint8_t secret[CRYPTO_HASH_MAX], want[CRYPTO_HASH_MAX];
        memset(secret, 0x5a, sizeof secret);
        const struct span all = span_of(secret, nh), info = span_str("info");
        assert_ok(crypto_hash(c, s, &all, 1, want));
        assert_ok(crypto_hash(c, s, &all, 1, secret));
        assert_memory_equal(secret, want, nh);
        assert_ok(crypto_mac(c, s, all, &info, 1, want));
        assert_ok(crypto_mac(c, s, all, &info, 1, secret));
        assert_memory_equal(secret, want, nh);
        assert_ok(crypto_extract(c, s, all, all, want));
        assert_ok(crypto_extract(c, s, all, all, secret));
        assert_memory_equal(secret, want, nh);
        assert_ok(crypto_expand(c, s, all, &info, 1, want, nh));
        assert_ok(crypto_expand(c, s, all, &info, 1, secret, nh));
        assert_memory_equal(secret, want, nh);
    }
    crypto_free(c);
}

static void expand_has_a_limit(void **state)
{
    (void)state;
    struct crypto *c = new_crypto();
    static uint8_t out[255 * CRYPTO_HASH_MAX + 1];
    for (size_t i = 0; i < N_HASHES; i++) {
        const size_t most = (size_t)255 * hashes[i]->nh;
        const struct span prk = span_str("some pseudorandom key"), info = span_str("info");
        assert_ok(hash_expand(c, hashes[i], prk, &info, 1, out, most));
        assert_int_equal(hash_expand(c, hashes[i], prk, &info, 1, out, most + 1), ERR_LIMIT);
        uint8_t first = out[0];
        assert_ok(hash_expand(c, hashes[i], prk, &info, 1, out, 0));
        assert_int_equal(out[0], first);
    }
    crypto_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_right),        cmocka_unit_test(hmac_is_right),
        cmocka_unit_test(hmac_agrees_with_openssl), cmocka_unit_test(wycheproof_hkdf_sha256),
        cmocka_unit_test(wycheproof_hkdf_sha384),   cmocka_unit_test(outputs_may_lie_over_inputs),
        cmocka_unit_test(expand_has_a_limit),       cmocka_unit_test(digests_come_in_pieces),
    };
    return unit_run("crypto hash", tests);
}
