// SPDX-License-Identifier: Apache-2.0
//
// ML-KEM: the ring against the definitions of FIPS 203 written out slowly, compression for every number there is,
// the vectors of Wycheproof and CCTV, the rules of implicit rejection, and the two builds against each other.
#include "unit.h"

#include "crypto/keccak.h"
#include "crypto/mlkem_poly.h"
#include "crypto/test/vectors.h"
#include "crypto/wide.h"

static const struct mlkem *const sets[] = {&mlkem_512, &mlkem_768, &mlkem_1024};
enum { SETS = 3 };

// Runs a check with each build that this processor has.
static void with_each_build(void (*check)(bool wide))
{
    if (wide_here()) check(true);
    check(false);
}

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void fill(uint8_t *p, size_t n, uint32_t *seed)
{
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)next(seed);
}

// -------------------------------------------------------------------------------------------------------- the ring

static int modq(int64_t x) { return (int)((x % MLKEM_Q + MLKEM_Q) % MLKEM_Q); }

// Coefficients from -bound to bound; the corner cases -bound, 0 and bound are frequent.
static void random_poly(struct poly *p, int bound, uint32_t *seed)
{
    static const int corner[3] = {-1, 0, 1};
    for (size_t i = 0; i < MLKEM_N; i++) {
        uint32_t r = next(seed);
        p->c[i] = (int16_t)(r % 4 == 0 ? corner[r / 4 % 3] * bound : (int)(r / 4 % (uint32_t)(2 * bound + 1)) - bound);
    }
}

static int power_of_zeta(unsigned exponent)
{
    int64_t z = 1;
    for (unsigned i = 0; i < exponent; i++) z = z * 17 % MLKEM_Q;
    return (int)z;
}

static unsigned bit_reverse_7(unsigned i)
{
    unsigned r = 0;
    for (unsigned b = 0; b < 7; b++) r |= (i >> b & 1) << (6 - b);
    return r;
}

// §4.3: pair i of the NTT of f is f modulo X^2 - zeta^(2 BitRev7(i) + 1).
static void slow_ntt(int out[MLKEM_N], const struct poly *f)
{
    for (unsigned i = 0; i < 128; i++) {
        int64_t gamma = power_of_zeta((2 * bit_reverse_7(i) + 1) % 256), power = 1;
        int64_t sum[2] = {0, 0};
        for (size_t j = 0; j < 128; j++, power = power * gamma % MLKEM_Q) {
            sum[0] += f->c[2 * j] * power;
            sum[1] += f->c[2 * j + 1] * power;
        }
        out[2 * i] = modq(sum[0]);
        out[2 * i + 1] = modq(sum[1]);
    }
}

static void check_ntt(bool wide)
{
    uint32_t seed = 1;
    for (int round = 0; round < 50; round++) {
        struct poly f, g;
        int expected[MLKEM_N];
        random_poly(&f, round % 2 == 0 ? MLKEM_Q : 3, &seed);
        g = f;
        slow_ntt(expected, &f);
        mlkem_ntt_forward(&g, wide);
        for (size_t i = 0; i < MLKEM_N; i++) assert_in_range(g.c[i], 0, MLKEM_Q);
        struct poly standard = g;
        mlkem_ntt_transpose(&standard);
        for (size_t i = 0; i < MLKEM_N; i++) assert_int_equal(modq(standard.c[i]), expected[i]);
        mlkem_ntt_inverse(&g, wide);
        for (size_t i = 0; i < MLKEM_N; i++) assert_int_equal(modq(g.c[i]), modq(f.c[i]));
        for (size_t i = 0; i < MLKEM_N; i++) assert_true(g.c[i] > -MLKEM_Q && g.c[i] < MLKEM_Q);
    }
}

// f g modulo X^256 + 1.
static void slow_multiply(int64_t sum[MLKEM_N], const struct poly *f, const struct poly *g)
{
    for (size_t i = 0; i < MLKEM_N; i++)
        for (size_t j = 0; j < MLKEM_N; j++)
            sum[(i + j) % MLKEM_N] += (i + j < MLKEM_N ? 1 : -1) * f->c[i] * g->c[j];
}

static void check_dot(bool wide)
{
    uint32_t seed = 2;
    for (size_t k = 1; k <= MLKEM_K_MAX; k++) {
        struct poly a[MLKEM_K_MAX], b[MLKEM_K_MAX], out;
        int64_t expected[MLKEM_N] = {0};
        for (size_t i = 0; i < k; i++) {
            random_poly(&a[i], MLKEM_Q, &seed);
            random_poly(&b[i], MLKEM_Q, &seed);
            slow_multiply(expected, &a[i], &b[i]);
            mlkem_ntt_forward(&a[i], wide);
            mlkem_ntt_forward(&b[i], wide);
            // The largest that a decoded number can be: the same modulo q, or as near as it gets.
            for (size_t j = 0; j < MLKEM_N; j++)
                if (a[i].c[j] + MLKEM_Q < 4096) a[i].c[j] = (int16_t)(a[i].c[j] + MLKEM_Q);
        }
        mlkem_ntt_dot(&out, a, b, k, wide);
        for (size_t i = 0; i < MLKEM_N; i++) assert_true(out.c[i] > -MLKEM_Q && out.c[i] < MLKEM_Q);
        mlkem_ntt_inverse(&out, wide);
        for (size_t i = 0; i < MLKEM_N; i++) assert_int_equal(modq(out.c[i]), modq(expected[i]));
    }
}

static void check_canonical(bool wide)
{
    for (int base = INT16_MIN; base <= INT16_MAX; base += MLKEM_N) {
        struct poly p;
        for (int i = 0; i < MLKEM_N; i++) p.c[i] = (int16_t)(base + i);
        mlkem_ntt_canonical(&p, wide);
        for (int i = 0; i < MLKEM_N; i++) assert_int_equal(p.c[i], modq(base + i));
    }
}

static void ntt_is_the_definition(void **state)
{
    (void)state;
    with_each_build(check_ntt);
}

static void products_are_the_definition(void **state)
{
    (void)state;
    with_each_build(check_dot);
}

static void reduction_is_exact_for_every_number(void **state)
{
    (void)state;
    with_each_build(check_canonical);
}

// ----------------------------------------------------------------------------------------------------------- bytes

// Number i of d bits in a string of bytes, by ByteEncode's definition.
static unsigned bits_at(const uint8_t *in, size_t i, unsigned d)
{
    unsigned v = 0;
    for (unsigned b = 0; b < d; b++) v |= (unsigned)(in[(i * d + b) / 8] >> ((i * d + b) % 8) & 1) << b;
    return v;
}

static void compression_is_exact_for_every_number(void **state)
{
    (void)state;
    static const unsigned widths[] = {1, 4, 5, 10, 11};
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        unsigned d = widths[w];
        for (int base = 0; base < MLKEM_Q; base += MLKEM_N) {
            struct poly p;
            uint8_t bytes[32 * 11];
            for (int i = 0; i < MLKEM_N; i++) p.c[i] = (int16_t)((base + i) % MLKEM_Q);
            mlkem_bytes_compress(bytes, &p, d);
            for (size_t i = 0; i < MLKEM_N; i++) {
                // (4.7), where ties cannot be: q is odd.
                unsigned x = (unsigned)p.c[i], rounded = ((x << d) + (MLKEM_Q - 1) / 2) / MLKEM_Q;
                assert_int_equal(bits_at(bytes, i, d), rounded % (1U << d));
            }
            struct poly back;
            mlkem_bytes_decompress(&back, bytes, d);
            for (size_t i = 0; i < MLKEM_N; i++) {
                // (4.8), ties upwards.
                unsigned y = bits_at(bytes, i, d), rounded = (2 * MLKEM_Q * y + (1U << d)) / (2U << d);
                assert_int_equal(back.c[i], rounded);
            }
        }
    }
}

static void twelve_bits_round_trip(void **state)
{
    (void)state;
    for (int base = 0; base < 4096; base += MLKEM_N) {
        struct poly p, back;
        uint8_t bytes[MLKEM_POLY_BYTES];
        for (int i = 0; i < MLKEM_N; i++) p.c[i] = (int16_t)(base + i);
        mlkem_bytes_encode(bytes, &p);
        for (size_t i = 0; i < MLKEM_N; i++) assert_int_equal(bits_at(bytes, i, 12), p.c[i]);
        mlkem_bytes_decode(&back, bytes);
        assert_memory_equal(back.c, p.c, sizeof p.c);
    }
}

static void samples_are_the_same_in_both_builds(void **state)
{
    (void)state;
    uint32_t seed = 3;
    for (int round = 0; round < 100; round++) {
        static struct poly a[16], b[16];
        uint8_t s[32];
        fill(s, sizeof s, &seed);
        size_t k = 2 + (size_t)round % 3;
        mlkem_sample_matrix(a, k, s, round % 2 == 0, wide_here());
        mlkem_sample_matrix(b, k, s, round % 2 == 0, false);
        assert_memory_equal(a, b, k * k * sizeof *a);
        mlkem_sample_noise(a, 9, 2 + (unsigned)round % 2, s, (uint8_t)round, wide_here());
        mlkem_sample_noise(b, 9, 2 + (unsigned)round % 2, s, (uint8_t)round, false);
        assert_memory_equal(a, b, 9 * sizeof *a);
    }
}

// ------------------------------------------------------------------------------------------------------ the scheme

struct pair {
    uint8_t ek[MLKEM_EK_MAX], dk[MLKEM_DK_MAX];
};

static void new_pair(const struct mlkem *m, struct pair *p, uint32_t *seed)
{
    uint8_t d[MLKEM_SEED], z[MLKEM_SEED];
    fill(d, sizeof d, seed);
    fill(z, sizeof z, seed);
    mlkem_keygen(m, d, z, p->ek, p->dk);
}

static void sizes_are_those_of_table_3(void **state)
{
    (void)state;
    static const size_t sizes[SETS][3] = {{800, 1632, 768}, {1184, 2400, 1088}, {1568, 3168, 1568}};
    for (size_t i = 0; i < SETS; i++) {
        assert_int_equal(mlkem_ek_size(sets[i]), sizes[i][0]);
        assert_int_equal(mlkem_dk_size(sets[i]), sizes[i][1]);
        assert_int_equal(mlkem_ct_size(sets[i]), sizes[i][2]);
    }
}

static void round_trips(void **state)
{
    (void)state;
    uint32_t seed = 4;
    for (int round = 0; round < 300; round++) {
        const struct mlkem *m = sets[round % SETS];
        struct pair p;
        uint8_t r[MLKEM_SEED], ct[MLKEM_CT_MAX], sent[MLKEM_SS], got[MLKEM_SS];
        new_pair(m, &p, &seed);
        assert_true(mlkem_ek_ok(m, span_of(p.ek, mlkem_ek_size(m))));
        assert_true(mlkem_dk_ok(m, span_of(p.dk, mlkem_dk_size(m))));
        fill(r, sizeof r, &seed);
        mlkem_encaps(m, p.ek, r, ct, sent);
        mlkem_decaps(m, p.dk, ct, got);
        assert_memory_equal(sent, got, MLKEM_SS);
    }
}

// Each bit of the ciphertext counts, the rejected secret depends on the ciphertext, and is J(z || c) of Algorithm 18.
static void tampering_gives_another_secret(void **state)
{
    (void)state;
    uint32_t seed = 5;
    for (size_t i = 0; i < SETS; i++) {
        struct pair p, other;
        uint8_t r[MLKEM_SEED], ct[MLKEM_CT_MAX], sent[MLKEM_SS], got[MLKEM_SS], last[MLKEM_SS] = {0};
        new_pair(sets[i], &p, &seed);
        fill(r, sizeof r, &seed);
        mlkem_encaps(sets[i], p.ek, r, ct, sent);
        other = p;
        other.dk[mlkem_dk_size(sets[i]) - 1] ^= 1; // another z
        for (size_t bit = 0; bit < 8 * mlkem_ct_size(sets[i]); bit += 1 + bit % 13) {
            ct[bit / 8] ^= (uint8_t)(1 << bit % 8);
            mlkem_decaps(sets[i], p.dk, ct, got);
            assert_memory_not_equal(got, sent, MLKEM_SS);
            assert_memory_not_equal(got, last, MLKEM_SS);
            memcpy(last, got, MLKEM_SS);
            mlkem_decaps(sets[i], other.dk, ct, got);
            assert_memory_not_equal(got, last, MLKEM_SS);
            ct[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        mlkem_decaps(sets[i], other.dk, ct, got);
        assert_memory_equal(got, sent, MLKEM_SS); // z has no part in what is accepted
    }
}

static void both_builds_give_the_same_bytes(void **state)
{
    (void)state;
    uint32_t seed = 6;
    for (int round = 0; round < 300; round++) {
        const struct mlkem *m = sets[round % SETS];
        struct pair p = {0}, q = {0};
        uint8_t s[3][MLKEM_SEED], ct[2][MLKEM_CT_MAX] = {0}, ss[2][MLKEM_SS];
        fill(s[0], sizeof s, &seed);
        mlkem_keygen_on(m, s[0], s[1], p.ek, p.dk, wide_here());
        mlkem_keygen_on(m, s[0], s[1], q.ek, q.dk, false);
        assert_memory_equal(&p, &q, sizeof p);
        mlkem_encaps_on(m, p.ek, s[2], ct[0], ss[0], wide_here());
        mlkem_encaps_on(m, p.ek, s[2], ct[1], ss[1], false);
        assert_memory_equal(ct[0], ct[1], sizeof ct[0]);
        assert_memory_equal(ss[0], ss[1], MLKEM_SS);
        if (round % 2 == 0) fill(ct[0], mlkem_ct_size(m), &seed);
        mlkem_decaps_on(m, p.dk, ct[0], ss[0], wide_here());
        mlkem_decaps_on(m, p.dk, ct[0], ss[1], false);
        assert_memory_equal(ss[0], ss[1], MLKEM_SS);
    }
}

// Ten thousand keys, ciphertexts and rejections as one hash: the accumulated vectors of C2SP CCTV (ML-KEM/README), with
// the results that BoringSSL (768, 1024) and the Rust crate fips203 (all three) have for the final standard.
static void accumulate(const struct mlkem *m, const char *expected)
{
    struct keccak random, sum;
    keccak_shake128(&random);
    keccak_finish(&random);
    keccak_shake128(&sum);
    for (int i = 0; i < 10000; i++) {
        struct pair p;
        uint8_t d[MLKEM_SEED], z[MLKEM_SEED], r[MLKEM_SEED], ct[MLKEM_CT_MAX], sent[MLKEM_SS], got[MLKEM_SS];
        keccak_squeeze(&random, d, sizeof d);
        keccak_squeeze(&random, z, sizeof z);
        keccak_squeeze(&random, r, sizeof r);
        mlkem_keygen(m, d, z, p.ek, p.dk);
        mlkem_encaps(m, p.ek, r, ct, sent);
        keccak_absorb(&sum, span_of(p.ek, mlkem_ek_size(m)));
        keccak_absorb(&sum, span_of(p.dk, mlkem_dk_size(m)));
        keccak_absorb(&sum, span_of(ct, mlkem_ct_size(m)));
        keccak_absorb(&sum, span_of(sent, sizeof sent));
        mlkem_decaps(m, p.dk, ct, got);
        assert_memory_equal(got, sent, sizeof got);
        keccak_squeeze(&random, ct, mlkem_ct_size(m));
        mlkem_decaps(m, p.dk, ct, got);
        keccak_absorb(&sum, span_of(got, sizeof got));
    }
    uint8_t hash[32];
    char hex[65];
    keccak_finish(&sum);
    keccak_squeeze(&sum, hash, sizeof hash);
    for (size_t i = 0; i < sizeof hash; i++) (void)snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    assert_string_equal(hex, expected);
}

static void accumulated_vectors(void **state)
{
    (void)state;
    accumulate(&mlkem_512, "705dcffc87f4e67e35a09dcaa31772e86f3341bd3ccf1e78a5fef99ae6a35a13");
    accumulate(&mlkem_768, "f959d18d3d1180121433bf0e05f11e7908cf9d03edc150b2b07cb90bef5bc1c1");
    accumulate(&mlkem_1024, "e3bf82b013307b2e9d47dde791ff6dfc82e694e6382404abdb948b908b75bad5");
}

static void bad_keys_are_refused(void **state)
{
    (void)state;
    uint32_t seed = 7;
    for (size_t i = 0; i < SETS; i++) {
        struct pair p;
        new_pair(sets[i], &p, &seed);
        size_t en = mlkem_ek_size(sets[i]), dn = mlkem_dk_size(sets[i]);
        assert_false(mlkem_ek_ok(sets[i], span_of(p.ek, en - 1)));
        assert_false(mlkem_ek_ok(sets[i], span_of(p.ek, en + 1)));
        assert_false(mlkem_ek_ok(sets[i], span_of(NULL, 0)));
        assert_false(mlkem_dk_ok(sets[i], span_of(p.dk, dn - 1)));
        assert_false(mlkem_dk_ok(sets[i], span_of(p.dk, dn + 1)));
        assert_false(mlkem_dk_ok(sets[i], span_of(NULL, 0)));
        for (size_t at = 0; at + 3 <= en - 32; at += 3) { // each number as q, the smallest that is too large
            uint8_t saved[3] = {p.ek[at], p.ek[at + 1], p.ek[at + 2]};
            p.ek[at] = MLKEM_Q & 0xff;
            p.ek[at + 1] = (uint8_t)((saved[1] & 0xf0) | MLKEM_Q >> 8);
            assert_false(mlkem_ek_ok(sets[i], span_of(p.ek, en)));
            p.ek[at] = (MLKEM_Q - 1) & 0xff;
            assert_true(mlkem_ek_ok(sets[i], span_of(p.ek, en)));
            memcpy(p.ek + at, saved, 3);
            p.ek[at + 1] = (uint8_t)((saved[1] & 0x0f) | (MLKEM_Q & 15) << 4);
            p.ek[at + 2] = MLKEM_Q >> 4;
            assert_false(mlkem_ek_ok(sets[i], span_of(p.ek, en)));
            memcpy(p.ek + at, saved, 3);
        }
        for (size_t at = dn - 64 - en; at < dn - 32; at++) { // every byte of ek and of its hash
            p.dk[at] ^= 0x10;
            assert_false(mlkem_dk_ok(sets[i], span_of(p.dk, dn)));
            p.dk[at] ^= 0x10;
        }
        assert_true(mlkem_dk_ok(sets[i], span_of(p.dk, dn)));
    }
}

// ------------------------------------------------------------------------------------------------------ Wycheproof

// Keys from a seed d || z; false where Wycheproof's seed has not the size of one.
static bool keys_of_seed(const struct mlkem *m, struct span seed, struct pair *p, bool wide)
{
    if (seed.n != 2 * MLKEM_SEED) return false;
    mlkem_keygen_on(m, seed.p, seed.p + MLKEM_SEED, p->ek, p->dk, wide);
    return true;
}

static void keygen_case(const struct mlkem *m, const json_t *test, bool valid, bool wide)
{
    struct pair p;
    assert_int_equal(keys_of_seed(m, vectors_hex(test, "seed"), &p, wide), valid);
    if (!valid) return;
    assert_true(span_eq(span_of(p.ek, mlkem_ek_size(m)), vectors_hex(test, "ek")));
    assert_true(span_eq(span_of(p.dk, mlkem_dk_size(m)), vectors_hex(test, "dk")));
    assert_true(mlkem_ek_ok(m, vectors_hex(test, "ek")));
    assert_true(mlkem_dk_ok(m, vectors_hex(test, "dk")));
}

static void encaps_case(const struct mlkem *m, const json_t *test, bool valid, bool wide)
{
    struct span ek = vectors_hex(test, "ek"), r = vectors_hex(test, "m");
    uint8_t ct[MLKEM_CT_MAX], ss[MLKEM_SS];
    assert_int_equal(r.n, MLKEM_SEED);
    assert_int_equal(mlkem_ek_ok(m, ek), valid);
    if (!valid) return;
    mlkem_encaps_on(m, ek.p, r.p, ct, ss, wide);
    assert_true(span_eq(span_of(ct, mlkem_ct_size(m)), vectors_hex(test, "c")));
    assert_true(span_eq(span_of(ss, MLKEM_SS), vectors_hex(test, "K")));
}

// Valid cases include those whose ciphertext is rejected implicitly: K is then the rejected secret.
static void decaps_case(const struct mlkem *m, const json_t *test, bool valid, bool wide)
{
    struct pair p;
    struct span ct = vectors_hex(test, "c");
    uint8_t ss[MLKEM_SS];
    bool keys = keys_of_seed(m, vectors_hex(test, "seed"), &p, wide);
    assert_int_equal(keys && ct.n == mlkem_ct_size(m), valid);
    if (!valid) return;
    assert_true(span_eq(span_of(p.ek, mlkem_ek_size(m)), vectors_hex(test, "ek")));
    mlkem_decaps_on(m, p.dk, ct.p, ss, wide);
    assert_true(span_eq(span_of(ss, MLKEM_SS), vectors_hex(test, "K")));
}

typedef void vector_case(const struct mlkem *m, const json_t *test, bool valid, bool wide);

static void run_vectors(const char *file, vector_case *check)
{
    json_t *root = vectors_load(file), *group = NULL, *test = NULL;
    size_t i, j, valid = 0, invalid = 0;
    json_array_foreach(json_object_get(root, "testGroups"), i, group)
    {
        bool large = strcmp(vectors_str(group, "parameterSet"), "ML-KEM-1024") == 0;
        if (!large) assert_string_equal(vectors_str(group, "parameterSet"), "ML-KEM-768");
        json_array_foreach(json_object_get(group, "tests"), j, test)
        {
            bool good = strcmp(vectors_str(test, "result"), "valid") == 0;
            check(large ? &mlkem_1024 : &mlkem_768, test, good, wide_here());
            check(large ? &mlkem_1024 : &mlkem_768, test, good, false);
            valid += good;
            invalid += !good;
        }
    }
    print_message("# %s: %zu valid, %zu invalid\n", file, valid, invalid);
    assert_int_equal(valid + invalid, json_integer_value(json_object_get(root, "numberOfTests")));
    vectors_free(root);
}

static void wycheproof_768_keygen(void **state)
{
    (void)state;
    run_vectors("wycheproof/mlkem_768_keygen_seed_test.json", keygen_case);
}

static void wycheproof_768_encaps(void **state)
{
    (void)state;
    run_vectors("wycheproof/mlkem_768_encaps_test.json", encaps_case);
}

static void wycheproof_768_decaps(void **state)
{
    (void)state;
    run_vectors("wycheproof/mlkem_768_test.json", decaps_case);
}

static void wycheproof_1024_keygen(void **state)
{
    (void)state;
    run_vectors("wycheproof/mlkem_1024_keygen_seed_test.json", keygen_case);
}

static void wycheproof_1024_encaps(void **state)
{
    (void)state;
    run_vectors("wycheproof/mlkem_1024_encaps_test.json", encaps_case);
}

static void wycheproof_1024_decaps(void **state)
{
    (void)state;
    run_vectors("wycheproof/mlkem_1024_test.json", decaps_case);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ntt_is_the_definition),
        cmocka_unit_test(products_are_the_definition),
        cmocka_unit_test(reduction_is_exact_for_every_number),
        cmocka_unit_test(compression_is_exact_for_every_number),
        cmocka_unit_test(twelve_bits_round_trip),
        cmocka_unit_test(samples_are_the_same_in_both_builds),
        cmocka_unit_test(sizes_are_those_of_table_3),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(tampering_gives_another_secret),
        cmocka_unit_test(both_builds_give_the_same_bytes),
        cmocka_unit_test(accumulated_vectors),
        cmocka_unit_test(bad_keys_are_refused),
        cmocka_unit_test(wycheproof_768_keygen),
        cmocka_unit_test(wycheproof_768_encaps),
        cmocka_unit_test(wycheproof_768_decaps),
        cmocka_unit_test(wycheproof_1024_keygen),
        cmocka_unit_test(wycheproof_1024_encaps),
        cmocka_unit_test(wycheproof_1024_decaps),
    };
    return unit_run("mlkem", tests);
}
