// SPDX-License-Identifier: Apache-2.0
//
// Diffie-Hellman and KEMs: Wycheproof, X-Wing's own vectors, round trips of every KEM, keys and ciphertexts that are
// none, and our ML-KEM against OpenSSL's where that has one.
#include "crypto/test/vectors.h"

#include <openssl/err.h>

#include "crypto/hpke.h"

static const uint16_t kem_ids[] = {0x0010, 0x0011, 0x0012, 0x0020, 0x0021, 0x0040,
                                   0x0041, 0x0042, 0x0050, 0x0051, 0x647a};
enum { N_KEMS = sizeof kem_ids / sizeof *kem_ids, KEY_MAX = 1665, SEED_MAX = 128 };

static const struct kem_alg *kem_of(uint16_t id)
{
    struct hpke h;
    assert_ok(hpke_find(id, 1, 1, &h));
    return h.kem;
}

static void fill_random(uint8_t *out, size_t n)
{
    const struct world w = crypto_system_world();
    assert_ok(w.random(w.arg, out, n));
}

static bool all_zero(const uint8_t *p, size_t n)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++) any |= p[i];
    return any == 0;
}

// ---------------------------------------------------------------------------------------- Diffie-Hellman

static bool has_flag(const json_t *test, const char *flag)
{
    const json_t *f = NULL;
    size_t i;
    json_array_foreach(json_object_get(test, "flags"), i, f)
    {
        if (strcmp(json_string_value(f), flag) == 0) return true;
    }
    return false;
}

// "acceptable" are public keys of small order or non-canonical form: RFC 7748 takes them all, and RFC 9180 §7.1.4
// refuses those whose result is zero. These are told beforehand, too.
static bool xdh_case(struct crypto *c, const struct dh_group *g, const json_t *test)
{
    const struct span pk = vectors_hex(test, "public"), sk = vectors_hex(test, "private");
    const struct span want = vectors_hex(test, "shared");
    uint8_t out[FIELD_MAX], own[POINT_MAX];
    if (strcmp(vectors_str(test, "result"), "invalid") == 0) {
        assert_int_not_equal(pk.n, g->npk); // the callers' check of sizes refuses it
        return true;
    }
    assert_int_equal(pk.n, g->npk);
    assert_int_equal(sk.n, g->nsk);
    const bool zero = has_flag(test, "ZeroSharedSecret");
    assert_int_equal(zero, all_zero(want.p, want.n));
    assert_int_equal(g->pk_ok(c, g, pk.p), !zero); // whatever gives zeros is no public key
    assert_ok(g->public(c, g, sk.p, own));
    for (int with_own = 0; with_own < 2; with_own++) {
        memset(out, 0xee, sizeof out);
        enum err e = g->shared(c, g, sk.p, with_own ? own : NULL, pk.p, out);
        assert_int_equal(e, zero ? ERR_INVALID : ERR_OK);
        assert_memory_equal(out, want.p, want.n); // zeros after an error
    }
    return true;
}

static bool x25519_case(struct crypto *c, const json_t *group, const json_t *test, bool valid)
{
    (void)group;
    (void)valid;
    return xdh_case(c, &dh_x25519, test);
}

static bool x448_case(struct crypto *c, const json_t *group, const json_t *test, bool valid)
{
    (void)group;
    (void)valid;
    return xdh_case(c, &dh_x448, test);
}

static void wycheproof_x25519(void **state)
{
    (void)state;
    vectors_wycheproof("wycheproof/x25519_test.json", x25519_case);
    assert_int_equal(ERR_peek_error(), 0);
}

static void wycheproof_x448(void **state)
{
    (void)state;
    vectors_wycheproof("wycheproof/x448_test.json", x448_case);
    assert_int_equal(ERR_peek_error(), 0);
}

// The NIST curves against OpenSSL's EVP, which takes another way to the same result.
static void ecdh_agrees_with_openssl(void **state)
{
    (void)state;
    static const struct dh_group *const curves[] = {&dh_p256, &dh_p384, &dh_p521};
    struct crypto *c = NULL;
    assert_ok(crypto_new(&c));
    for (size_t i = 0; i < 3 * 4; i++) {
        const struct dh_group *g = curves[i % 3];
        uint8_t seed[4 * SCALAR_MAX], sk[SCALAR_MAX], pk[POINT_MAX], peer[POINT_MAX];
        uint8_t ours[FIELD_MAX], theirs[FIELD_MAX];
        EVP_PKEY *other = EVP_PKEY_Q_keygen(NULL, NULL, "EC", g->name), *mine = EVP_PKEY_new();
        size_t n = 0;
        fill_random(seed, sizeof seed);
        assert_ok(nist_random_scalar(g, span_of(seed, sizeof seed), sk));
        assert_ok(g->public(c, g, sk, pk));
        assert_true(g->pk_ok(c, g, pk));
        assert_int_equal(EVP_PKEY_get_octet_string_param(other, "encoded-pub-key", peer, sizeof peer, &n), 1);
        assert_ok(g->shared(c, g, sk, pk, peer, ours));

        assert_int_equal(EVP_PKEY_copy_parameters(mine, other), 1);
        assert_int_equal(EVP_PKEY_set1_encoded_public_key(mine, pk, g->npk), 1);
        EVP_PKEY_CTX *x = EVP_PKEY_CTX_new_from_pkey(NULL, other, NULL);
        assert_int_equal(EVP_PKEY_derive_init(x), 1);
        assert_int_equal(EVP_PKEY_derive_set_peer(x, mine), 1);
        n = sizeof theirs;
        assert_int_equal(EVP_PKEY_derive(x, theirs, &n), 1);
        assert_int_equal(n, g->ndh);
        assert_memory_equal(ours, theirs, n);
        EVP_PKEY_CTX_free(x);
        EVP_PKEY_free(mine);
        EVP_PKEY_free(other);
    }
    crypto_free(c);
}

static void points_off_the_curve_are_refused(void **state)
{
    (void)state;
    static const struct dh_group *const curves[] = {&dh_p256, &dh_p384, &dh_p521};
    struct crypto *c = NULL;
    assert_ok(crypto_new(&c));
    for (size_t i = 0; i < 3; i++) {
        const struct dh_group *g = curves[i];
        uint8_t sk[SCALAR_MAX] = {0}, pk[POINT_MAX], bad[POINT_MAX], out[FIELD_MAX];
        sk[g->nsk - 1] = 3;
        assert_ok(g->public(c, g, sk, pk));
        for (size_t at = 0; at < g->npk; at++) { // any changed byte leaves the curve, or the uncompressed form
            memcpy(bad, pk, g->npk);
            bad[at] ^= 0x01;
            assert_false(g->pk_ok(c, g, bad));
            memset(out, 0xee, sizeof out);
            assert_int_equal(g->shared(c, g, sk, NULL, bad, out), ERR_INVALID);
            assert_true(all_zero(out, g->ndh));
        }
        memset(bad, 0, sizeof bad); // infinity begins so
        assert_int_equal(g->shared(c, g, sk, NULL, bad, out), ERR_INVALID);
        // no scalars: zero and the order
        memset(bad, 0, sizeof bad);
        assert_int_equal(g->shared(c, g, bad, NULL, pk, out), ERR_INVALID);
        assert_int_equal(g->public(c, g, g->order, bad), ERR_INVALID);
    }
    assert_int_equal(ERR_peek_error(), 0);
    crypto_free(c);
}

// -------------------------------------------------------------------------------------------------- KEMs

static void x_wing(void **state)
{
    (void)state;
    json_t *root = vectors_load("xwing/test-vectors.json"), *v = NULL;
    if (root == NULL) return;
    const struct kem_alg *k = kem_of(0x647a);
    struct crypto *c = NULL;
    assert_ok(crypto_new(&c));
    size_t i;
    json_array_foreach(root, i, v)
    {
        const struct span sk = vectors_hex(v, "sk"), pk = vectors_hex(v, "pk"), eseed = vectors_hex(v, "eseed");
        const struct span ct = vectors_hex(v, "ct"), ss = vectors_hex(v, "ss");
        uint8_t out[KEY_MAX], enc[KEY_MAX], secret[CRYPTO_SS_MAX];
        assert_true(span_eq(sk, vectors_hex(v, "seed")));
        assert_int_equal(sk.n, k->nsk);
        assert_ok(k->public(c, k, sk.p, out));
        assert_true(span_eq(pk, span_of(out, k->npk)));
        assert_ok(k->encap(c, k, pk.p, eseed, enc, secret));
        assert_true(span_eq(ct, span_of(enc, k->nenc)));
        assert_true(span_eq(ss, span_of(secret, k->nss)));
        assert_ok(k->decap(c, k, sk.p, pk.p, ct.p, secret));
        assert_true(span_eq(ss, span_of(secret, k->nss)));
        assert_ok(k->decap(c, k, sk.p, NULL, ct.p, secret));
        assert_true(span_eq(ss, span_of(secret, k->nss)));
    }
    assert_int_equal(i, 3);
    crypto_free(c);
    vectors_free(root);
}

struct keys {
    uint8_t sk[PQ_SEED + 2], pk[KEY_MAX], seed[SEED_MAX], enc[KEY_MAX], ss[CRYPTO_SS_MAX];
};

static void for_every_kem(void (*check)(struct crypto *c, const struct kem_alg *k, struct keys *x))
{
    struct crypto *c = NULL;
    assert_ok(crypto_new(&c));
    for (size_t i = 0; i < N_KEMS; i++) {
        static struct keys x;
        const struct kem_alg *k = kem_of(kem_ids[i]);
        fill_random(x.seed, sizeof x.seed);
        assert_true(k->nsk <= sizeof x.sk && k->nseed <= sizeof x.seed);
        assert_ok(k->derive(c, k, span_of(x.seed, k->nsk), x.sk, x.pk));
        fill_random(x.seed, sizeof x.seed);
        assert_ok(k->encap(c, k, x.pk, span_of(x.seed, k->nseed), x.enc, x.ss));
        check(c, k, &x);
        assert_int_equal(ERR_peek_error(), 0);
    }
    crypto_free(c);
}

static void kem_round_trip(struct crypto *c, const struct kem_alg *k, struct keys *x)
{
    uint8_t ss[CRYPTO_SS_MAX], pk[KEY_MAX], enc[KEY_MAX];
    assert_true(k->pk_ok(c, k, x->pk));
    assert_ok(k->public(c, k, x->sk, pk));
    assert_memory_equal(pk, x->pk, k->npk);
    assert_ok(k->decap(c, k, x->sk, x->pk, x->enc, ss));
    assert_memory_equal(ss, x->ss, k->nss);
    assert_ok(k->decap(c, k, x->sk, NULL, x->enc, ss));
    assert_memory_equal(ss, x->ss, k->nss);
    // the same seed gives the same bytes, another one does not
    assert_ok(k->encap(c, k, x->pk, span_of(x->seed, k->nseed), enc, ss));
    assert_memory_equal(enc, x->enc, k->nenc);
    assert_memory_equal(ss, x->ss, k->nss);
    x->seed[5] ^= 1;
    assert_ok(k->encap(c, k, x->pk, span_of(x->seed, k->nseed), enc, ss));
    assert_memory_not_equal(enc, x->enc, k->nenc);
    assert_memory_not_equal(ss, x->ss, k->nss);
}

static void round_trips(void **state)
{
    (void)state;
    for_every_kem(kem_round_trip);
}

static void enc_tampered(struct crypto *c, const struct kem_alg *k, struct keys *x)
{
    uint8_t ss[CRYPTO_SS_MAX];
    for (size_t at = 0; at < k->nenc; at += k->nenc > 200 ? 31 : 1) {
        x->enc[at] ^= 0x04;
        enum err e = k->decap(c, k, x->sk, x->pk, x->enc, ss);
        if (e == ERR_OK)
            assert_memory_not_equal(ss, x->ss, k->nss); // ML-KEM rejects implicitly, every X25519 key is one
        else
            assert_int_equal(e, ERR_UNAUTHENTICATED);
        x->enc[at] ^= 0x04;
    }
}

static void tampered_encapsulations_give_nothing(void **state)
{
    (void)state;
    for_every_kem(enc_tampered);
}

static void bad_pk(struct crypto *c, const struct kem_alg *k, struct keys *x)
{
    const struct span seed = span_of(x->seed, k->nseed);
    uint8_t bad[KEY_MAX], enc[KEY_MAX], ss[CRYPTO_SS_MAX];
    if (k->pq != NULL) { // FIPS 203 §7.2: a coefficient of 2^12 - 1 is above q
        memcpy(bad, x->pk, k->npk);
        bad[0] = bad[1] = 0xff;
        assert_false(k->pk_ok(c, k, bad));
        assert_int_equal(k->encap(c, k, bad, seed, enc, ss), ERR_INVALID);
    }
    if (k->group == NULL) return;
    const size_t front = k->npk - k->group->npk; // the group's part stands last
    memcpy(bad, x->pk, k->npk);
    memset(bad + front, 0, k->group->npk);
    memset(enc, 0xee, sizeof enc);
    assert_int_equal(k->encap(c, k, bad, seed, enc, ss), ERR_INVALID);
    assert_true(all_zero(enc, k->nenc));
    assert_false(k->pk_ok(c, k, bad));
    // the same as ciphertext
    memset(x->enc + k->nenc - k->group->npk, 0, k->group->npk);
    assert_int_equal(k->decap(c, k, x->sk, x->pk, x->enc, ss), ERR_UNAUTHENTICATED);
}

static void public_keys_that_are_none_are_refused(void **state)
{
    (void)state;
    for_every_kem(bad_pk);
}

// What crypto.h says of sizes, by suite.
static void sizes_are_exact(void **state)
{
    (void)state;
    struct crypto *c = NULL;
    const struct crypto_suite *s;
    assert_ok(crypto_new(&c));
    for (size_t i = 0; (s = crypto_suite_at(i)) != NULL; i++) {
        uint8_t sk[CRYPTO_SK_MAX], pk[CRYPTO_PK_MAX], out[CRYPTO_PK_MAX + 1] = {0};
        const struct crypto_sizes *z = crypto_sizes(s);
        assert_ok(crypto_kem_derive(c, s, span_str("a secret of at least as many bytes as a private key has"), sk, pk));
        assert_true(crypto_kem_pk_ok(c, s, span_of(pk, z->npk)));
        memcpy(out, pk, z->npk);
        assert_false(crypto_kem_pk_ok(c, s, span_of(out, z->npk - 1)));
        assert_false(crypto_kem_pk_ok(c, s, span_of(out, z->npk + 1)));
        assert_false(crypto_kem_pk_ok(c, s, span_of(NULL, 0)));
        assert_ok(crypto_kem_public(c, s, span_of(sk, z->nsk), out));
        assert_memory_equal(out, pk, z->npk);
        assert_int_equal(crypto_kem_public(c, s, span_of(sk, z->nsk - 1), out), ERR_MISUSE);
    }
    crypto_free(c);
}

// ---------------------------------------------------------------------------------------------- backends

static void compare_backends(struct crypto *c, const struct pq_set *p)
{
    static uint8_t ek[2][MLKEM_EK_MAX], ct[2][MLKEM_CT_MAX], ss[2][MLKEM_SS];
    static const struct pq_backend *const backends[] = {&pq_own, &pq_openssl};
    uint8_t seed[PQ_SEED], r[MLKEM_SEED];
    fill_random(seed, sizeof seed);
    fill_random(r, sizeof r);
    for (size_t i = 0; i < 2; i++) {
        const struct pq_backend *b = backends[i];
        assert_ok(b->public(c, p, seed, ek[i]));
        assert_true(b->ek_ok(c, p, ek[i]));
        assert_ok(b->encap(c, p, ek[i], r, ct[i], ss[i]));
    }
    assert_memory_equal(ek[0], ek[1], p->ek);
    assert_memory_equal(ct[0], ct[1], p->ct);
    assert_memory_equal(ss[0], ss[1], MLKEM_SS);
    ct[1][r[0]] ^= (uint8_t)(r[1] % 2); // every other ciphertext is wrong
    for (size_t i = 0; i < 2; i++) assert_ok(backends[i]->decap(c, p, seed, ct[1], ss[i]));
    assert_memory_equal(ss[0], ss[1], MLKEM_SS);
    ek[0][3 * r[2]] = ek[0][3 * r[2] + 1] = 0xff;
    for (size_t i = 0; i < 2; i++) {
        assert_false(backends[i]->ek_ok(c, p, ek[0]));
        assert_int_equal(backends[i]->encap(c, p, ek[0], r, ct[i], ss[i]), ERR_INVALID);
    }
}

static void ml_kem_agrees_with_openssl(void **state)
{
    (void)state;
    struct crypto *c = NULL;
    assert_ok(crypto_new(&c));
    print_message("# ML-KEM is %s\n", c->backend == &pq_openssl ? "OpenSSL's" : "our own");
    if (c->backend == &pq_own)
        print_message("# skipped: this OpenSSL has no ML-KEM to compare with\n");
    else
        for (size_t i = 0; i < 100; i++) {
            compare_backends(c, &pq_512);
            compare_backends(c, &pq_768);
            compare_backends(c, &pq_1024);
        }
    assert_int_equal(ERR_peek_error(), 0);
    crypto_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wycheproof_x25519),
        cmocka_unit_test(wycheproof_x448),
        cmocka_unit_test(ecdh_agrees_with_openssl),
        cmocka_unit_test(points_off_the_curve_are_refused),
        cmocka_unit_test(x_wing),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(tampered_encapsulations_give_nothing),
        cmocka_unit_test(public_keys_that_are_none_are_refused),
        cmocka_unit_test(sizes_are_exact),
        cmocka_unit_test(ml_kem_agrees_with_openssl),
    };
    return unit_run("crypto kem", tests);
}
