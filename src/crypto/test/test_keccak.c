// SPDX-License-Identifier: Apache-2.0
//
// Keccak: published answers, OpenSSL's at every length around the blocks, input and output in pieces, and the two
// builds against each other, one sponge and four.
#include "unit.h"

#include <openssl/evp.h>

#include "crypto/keccak.h"
#include "crypto/keccak_x4.h"
#include "crypto/wide.h"

enum { LONG = 1000 };

static void expect(const uint8_t *got, const char *hex)
{
    size_t n = strlen(hex) / 2;
    for (size_t i = 0; i < n; i++) {
        unsigned byte = 0;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        assert_int_equal(got[i], byte);
    }
}

// The n bytes of a sponge over `in`, all at once.
static void sponge(void (*start)(struct keccak *), struct span in, uint8_t *out, size_t n)
{
    struct keccak k;
    start(&k);
    keccak_absorb(&k, in);
    keccak_finish(&k);
    keccak_squeeze(&k, out, n);
}

// Bytes that are not all alike, the same in each run.
static void fill(uint8_t *p, size_t n, uint32_t seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525 + 1013904223;
        p[i] = (uint8_t)(seed >> 24);
    }
}

static void sha3_known_answers(void **state)
{
    (void)state;
    uint8_t out[64];
    keccak_sha3_256(NULL, 0, out);
    expect(out, "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a");
    keccak_sha3_256(&(struct span){(const uint8_t *)"abc", 3}, 1, out);
    expect(out, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532");
    keccak_sha3_512(NULL, 0, out);
    expect(out, "a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a6"
                "15b2123af1f5f94c11e3e9402c3ac558f500199d95b6d3e301758586281dcd26");
}

static void shake_known_answers(void **state)
{
    (void)state;
    uint8_t out[64];
    sponge(keccak_shake128, span_of(NULL, 0), out, 32);
    expect(out, "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26");
    sponge(keccak_shake256, span_of(NULL, 0), out, 64);
    expect(out, "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f"
                "d75dc4ddd8c0f200cb05019d67b592f6fc821c49479ab48640292eacb3b7c4be");
}

// RFC 9861 §5: the message ptn(n) is n bytes 00 01 .. FA repeated.
static void turboshake_known_answers(void **state)
{
    (void)state;
    static uint8_t ptn[289], out[10032];
    for (size_t i = 0; i < sizeof ptn; i++) ptn[i] = (uint8_t)(i % 251);
    sponge(keccak_turboshake128, span_of(NULL, 0), out, sizeof out);
    expect(out, "1e415f1c5983aff2169217277d17bb538cd945a397ddec541f1ce41af2c1b74c");
    expect(out + 10000, "a3b9b0385900ce761f22aed548e754da10a5242d62e8c658e3f3a923a7555607");
    sponge(keccak_turboshake128, span_of(ptn, 17), out, 32);
    expect(out, "9c97d036a3bac819db70ede0ca554ec6e4c2a1a4ffbfd9ec269ca6a111161233");
    sponge(keccak_turboshake128, span_of(ptn, 289), out, 32);
    expect(out, "96c77c279e0126f7fc07c9b07f5cdae1e0be60bdbe10620040e75d7223a624d2");
    sponge(keccak_turboshake256, span_of(NULL, 0), out, 64);
    expect(out, "367a329dafea871c7802ec67f905ae13c57695dc2c6663c61035f59a18f8e7db"
                "11edc0e12e91ea60eb6b32df06dd7f002fbafabb6e13ec1cc20d995547600db0");
    sponge(keccak_turboshake256, span_of(ptn, 17), out, 64);
    expect(out, "b3bab0300e6a191fbe6137939835923578794ea54843f5011090fa2f3780a9e5"
                "cb22c59d78b40a0fbff9e672c0fbe0970bd2c845091c6044d687054da5d8e9c7");
}

static void openssl(const EVP_MD *md, struct span in, uint8_t *out, size_t n)
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    assert_non_null(c);
    assert_int_equal(EVP_DigestInit_ex(c, md, NULL), 1);
    assert_int_equal(EVP_DigestUpdate(c, in.p, in.n), 1);
    if ((EVP_MD_get_flags(md) & EVP_MD_FLAG_XOF) != 0)
        assert_int_equal(EVP_DigestFinalXOF(c, out, n), 1);
    else
        assert_int_equal(EVP_DigestFinal_ex(c, out, NULL), 1);
    EVP_MD_CTX_free(c);
}

static void openssl_agrees_at_every_length(void **state)
{
    (void)state;
    uint8_t in[LONG], ours[LONG + 1], theirs[LONG + 1];
    fill(in, sizeof in, 1);
    for (size_t n = 0; n <= LONG; n++) {
        struct span s = span_of(in, n);
        keccak_sha3_256(&s, 1, ours);
        openssl(EVP_sha3_256(), s, theirs, 32);
        assert_memory_equal(ours, theirs, 32);
        keccak_sha3_512(&s, 1, ours);
        openssl(EVP_sha3_512(), s, theirs, 64);
        assert_memory_equal(ours, theirs, 64);
        sponge(keccak_shake128, s, ours, LONG - n + 1);
        openssl(EVP_shake128(), s, theirs, LONG - n + 1);
        assert_memory_equal(ours, theirs, LONG - n + 1);
        sponge(keccak_shake256, s, ours, LONG - n + 1);
        openssl(EVP_shake256(), s, theirs, LONG - n + 1);
        assert_memory_equal(ours, theirs, LONG - n + 1);
    }
}

static void pieces_do_not_matter(void **state)
{
    (void)state;
    static void (*const starts[])(struct keccak *) = {keccak_shake128, keccak_shake256, keccak_turboshake128,
                                                      keccak_turboshake256};
    uint8_t in[LONG], whole[LONG], out[LONG];
    fill(in, sizeof in, 2);
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        sponge(starts[i], span_of(in, LONG), whole, LONG);
        for (size_t piece = 1; piece < 200; piece++) {
            struct keccak k;
            starts[i](&k);
            for (size_t at = 0, n; at < LONG; at += n) {
                n = LONG - at < piece ? LONG - at : piece;
                keccak_absorb(&k, span_of(in + at, n));
            }
            keccak_finish(&k);
            for (size_t at = 0, n; at < LONG; at += n) {
                n = LONG - at < piece ? LONG - at : piece;
                keccak_squeeze(&k, out + at, n);
            }
            assert_memory_equal(out, whole, LONG);
        }
    }
    struct span parts[3] = {span_of(in, 5), span_of(NULL, 0), span_of(in + 5, 300)};
    keccak_sha3_256(parts, 3, out);
    keccak_sha3_256(&(struct span){in, 305}, 1, whole);
    assert_memory_equal(out, whole, 32);
}

static void both_builds_agree(void **state)
{
    (void)state;
    if (!wide_here()) {
        print_message("# skipped: this processor has one build only\n");
        skip();
    }
    uint64_t a[25], b[25];
    fill((uint8_t *)a, sizeof a, 3);
    memcpy(b, a, sizeof a);
    for (unsigned i = 0; i < 100; i++) {
        unsigned rounds = i % 2 == 0 ? 24 : 12;
        keccak_permute(a, rounds, true);
        keccak_permute(b, rounds, false);
        assert_memory_equal(a, b, sizeof a);
    }
}

// Four inputs of n bytes, three blocks each, against one sponge at a time.
static void check_four(uint8_t rate, size_t n, bool wide)
{
    uint8_t in[4 * KECCAK_RATE_128], out[4 * 3 * KECCAK_RATE_128], one[3 * KECCAK_RATE_128];
    struct keccak_x4 k;
    size_t stride = 3U * rate;
    fill(in, sizeof in, (uint32_t)n);
    keccak_x4_start(&k, rate, in, n, wide);
    for (size_t at = 0; at < stride; at += rate) keccak_x4_block(&k, out + at, stride);
    for (size_t j = 0; j < 4; j++) {
        sponge(rate == KECCAK_RATE_128 ? keccak_shake128 : keccak_shake256, span_of(in + j * n, n), one, stride);
        assert_memory_equal(out + j * stride, one, stride);
    }
}

static void four_are_as_one(void **state)
{
    (void)state;
    for (int wide = wide_here(); wide >= 0; wide--) {
        for (size_t n = 0; n < KECCAK_RATE_128; n++) check_four(KECCAK_RATE_128, n, wide != 0);
        for (size_t n = 0; n < KECCAK_RATE_256; n++) check_four(KECCAK_RATE_256, n, wide != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha3_known_answers),   cmocka_unit_test(shake_known_answers),
        cmocka_unit_test(turboshake_known_answers), cmocka_unit_test(openssl_agrees_at_every_length),
        cmocka_unit_test(pieces_do_not_matter), cmocka_unit_test(both_builds_agree),
        cmocka_unit_test(four_are_as_one),
    };
    return unit_run("keccak", tests);
}
