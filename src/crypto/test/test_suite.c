// SPDX-License-Identifier: Apache-2.0
//
// The table of suites against the algorithms' own tables, the objects that hold what was fetched, and clones at work in
// two threads at once (built with -fsanitize=thread this also proves that they share nothing that changes).
#include "crypto/test/vectors.h"

#include <openssl/err.h>
#include <pthread.h>

#include "crypto/suite.h"

static void suites_are_consistent(void **state)
{
    (void)state;
    const struct crypto_suite *s;
    size_t i;
    for (i = 0; (s = crypto_suite_at(i)) != NULL; i++) {
        const struct crypto_sizes *z = crypto_sizes(s);
        assert_ptr_equal(crypto_suite(crypto_suite_id(s)), s);
        assert_int_equal(strncmp(crypto_suite_name(s), "MLS_", 4), 0);
        assert_int_equal(z->nh, s->hash->nh);
        assert_int_equal(z->nh, s->kdf->nh);
        assert_ptr_equal(s->kdf->hash, s->hash);
        assert_int_equal(z->nk, s->aead->nk);
        assert_int_equal(z->npk, s->kem->npk);
        assert_int_equal(z->nsk, s->kem->nsk);
        assert_int_equal(z->nenc, s->kem->nenc);
        assert_int_equal(z->nss, s->kem->nss);
        assert_int_equal(z->nseed, s->kem->nseed);
        assert_int_equal(z->nsigpk, s->sig->npk);
        assert_int_equal(z->nsigsk, s->sig->nsk);
        assert_int_equal(z->nsigmax, s->sig->nsigmax);
        // what callers allocate
        assert_true(z->nh <= CRYPTO_HASH_MAX && z->nk <= CRYPTO_KEY_MAX && z->npk <= CRYPTO_PK_MAX);
        assert_true(z->nsk <= CRYPTO_SK_MAX && z->nenc <= CRYPTO_ENC_MAX && z->nss <= CRYPTO_SS_MAX);
        assert_true(z->nseed <= CRYPTO_SEED_MAX && z->nsigpk <= CRYPTO_SIGPK_MAX && z->nsigsk <= CRYPTO_SIGSK_MAX);
        assert_true(z->nsigmax <= CRYPTO_SIG_MAX);
        if (s->sig->curve != NULL) assert_true(2 * s->sig->curve->nsk <= CRYPTO_SIG_SEED);
    }
    assert_int_equal(i, 10);
    assert_null(crypto_suite_at(SIZE_MAX));
    assert_null(crypto_suite(0));
    assert_null(crypto_suite(8));
    assert_null(crypto_suite(0xF003));
}

static void objects_live_and_die(void **state)
{
    (void)state;
    struct crypto *c = NULL, *d = NULL, *e = NULL;
    uint8_t out[CRYPTO_HASH_MAX];
    crypto_free(NULL);
    assert_ok(crypto_new(&c));
    assert_ok(crypto_clone(c, crypto_suite_at(0), &d));
    crypto_free(c); // a clone outlives what it was made from
    assert_ok(crypto_clone(d, crypto_suite_at(1), &e));
    crypto_free(d);
    const struct span abc = span_str("abc");
    assert_ok(crypto_hash(e, crypto_suite_at(0), &abc, 1, out));
    assert_int_equal(out[0], 0xba);
    crypto_free(e);
    assert_int_equal(ERR_peek_error(), 0);
}

static void system_world(void **state)
{
    (void)state;
    const struct world w = crypto_system_world();
    uint8_t a[64] = {0}, b[64] = {0};
    assert_ok(w.random(w.arg, a, sizeof a));
    assert_ok(w.random(w.arg, b, sizeof b));
    assert_memory_not_equal(a, b, sizeof a);
    assert_ok(w.random(w.arg, a, 0));
    assert_true(w.now(w.arg) > 1700000000);
}

// ----------------------------------------------------------------------------------------------- threads

// Everything a suite does, once; returns the first error.
static enum err work(struct crypto *c, const struct crypto_suite *s, const uint8_t seed[CRYPTO_SIG_SEED])
{
    const struct crypto_sizes *z = crypto_sizes(s);
    uint8_t sk[CRYPTO_SK_MAX], pk[CRYPTO_PK_MAX], enc[CRYPTO_ENC_MAX], ct[32 + CRYPTO_TAG], pt[32];
    uint8_t sig[CRYPTO_SIG_MAX], sigsk[CRYPTO_SIGSK_MAX], sigpk[CRYPTO_SIGPK_MAX], hash[CRYPTO_HASH_MAX];
    const struct span msg = span_of(seed, 32), info = span_str("info");
    size_t n = 0;
    enum err e = crypto_kem_derive(c, s, span_of(seed, CRYPTO_SIG_SEED), sk, pk);
    if (e == ERR_OK) e = crypto_hpke_seal(c, s, span_of(pk, z->npk), info, msg, seed, enc, ct);
    if (e == ERR_OK)
        e = crypto_hpke_open(c, s, span_of(sk, z->nsk), span_of(pk, z->npk), span_of(enc, z->nenc), info,
                             span_of(ct, sizeof ct), pt);
    if (e == ERR_OK && !mem_equal(pt, seed, sizeof pt)) e = ERR_CRYPTO;
    if (e == ERR_OK) e = crypto_sig_keygen(c, s, seed, sigsk, sigpk);
    if (e == ERR_OK) e = crypto_sign(c, s, span_of(sigsk, z->nsigsk), span_of(sigpk, z->nsigpk), msg, sig, &n);
    if (e == ERR_OK) e = crypto_verify(c, s, span_of(sigpk, z->nsigpk), msg, span_of(sig, n));
    if (e == ERR_OK) e = crypto_mac(c, s, msg, &info, 1, hash);
    return e;
}

struct job {
    struct crypto *c;
    enum err e;
    uint8_t first;
};

static void *run_job(void *arg)
{
    struct job *j = (struct job *)arg;
    const struct crypto_suite *s;
    for (unsigned round = 0; round < 5; round++)
        for (size_t i = 0; j->e == ERR_OK && (s = crypto_suite_at(i)) != NULL; i++) {
            uint8_t seed[CRYPTO_SIG_SEED];
            memset(seed, (int)(j->first + round), sizeof seed);
            j->e = work(j->c, s, seed);
        }
    return NULL;
}

static void clones_work_side_by_side(void **state)
{
    (void)state;
    enum { THREADS = 3 };
    struct crypto *c = NULL;
    struct job jobs[THREADS];
    pthread_t threads[THREADS];
    assert_ok(crypto_new(&c));
    for (size_t i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){.e = ERR_OK, .first = (uint8_t)(10 * i + 1)};
        assert_ok(crypto_clone(c, crypto_suite_at(i), &jobs[i].c));
        assert_int_equal(pthread_create(&threads[i], NULL, run_job, &jobs[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_ok(jobs[i].e);
        crypto_free(jobs[i].c);
    }
    crypto_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(suites_are_consistent),
        cmocka_unit_test(objects_live_and_die),
        cmocka_unit_test(system_world),
        cmocka_unit_test(clones_work_side_by_side),
    };
    return unit_run("crypto suite", tests);
}
