// SPDX-License-Identifier: Apache-2.0
//
// Every allocation that OpenSSL makes under an operation fails once: the operation reports an error and gives back all
// memory, nothing crashes, nothing is accepted that should not be, and the next call works.
#include "crypto/test/vectors.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "crypto/suite.h"

static long countdown = -1; // allocations until one fails; negative: none fails
static long live;           // blocks that are allocated

static bool fails(void) { return countdown >= 0 && countdown-- == 0; }

static void *give(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    void *p = fails() ? NULL : malloc(n);
    if (p != NULL) live++;
    return p;
}

static void *move(void *old, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    if (fails()) return NULL;
    void *p = realloc(old, n);
    if (p != NULL && old == NULL) live++;
    return p;
}

static void take(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    if (p != NULL) live--;
    free(p);
}

struct fixture {
    struct crypto *c;
    const struct crypto_suite *s;
    uint8_t seed[CRYPTO_SIG_SEED], sk[CRYPTO_SK_MAX], pk[CRYPTO_PK_MAX], enc[CRYPTO_ENC_MAX], ct[32 + CRYPTO_TAG];
    uint8_t sigsk[CRYPTO_SIGSK_MAX], sigpk[CRYPTO_SIGPK_MAX], sig[CRYPTO_SIG_MAX];
    size_t sig_n;
};

static enum err do_new(struct fixture *f)
{
    (void)f;
    struct crypto *c = NULL;
    enum err e = crypto_new(&c);
    if (e == ERR_OK) crypto_free(c);
    return e;
}

static enum err do_clone(struct fixture *f)
{
    struct crypto *c = NULL;
    enum err e = crypto_clone(f->c, f->s, &c);
    if (e == ERR_OK) crypto_free(c);
    return e;
}

static enum err do_mac(struct fixture *f)
{
    uint8_t out[CRYPTO_HASH_MAX];
    const struct span all = span_of(f->seed, sizeof f->seed);
    return crypto_mac(f->c, f->s, all, &all, 1, out);
}

static enum err do_open(struct fixture *f)
{
    uint8_t pt[32];
    const struct crypto_sizes *z = crypto_sizes(f->s);
    return crypto_hpke_open(f->c, f->s, span_of(f->sk, z->nsk), span_of(NULL, 0), span_of(f->enc, z->nenc),
                            span_of(NULL, 0), span_of(f->ct, sizeof f->ct), pt);
}

static enum err do_seal(struct fixture *f)
{
    const struct crypto_sizes *z = crypto_sizes(f->s);
    return crypto_hpke_seal(f->c, f->s, span_of(f->pk, z->npk), span_of(NULL, 0), span_of(f->seed, 32), f->seed,
                            f->enc, f->ct);
}

static enum err do_sign(struct fixture *f)
{
    const struct crypto_sizes *z = crypto_sizes(f->s);
    return crypto_sign(f->c, f->s, span_of(f->sigsk, z->nsigsk), span_of(NULL, 0), span_of(f->seed, 50), f->sig,
                       &f->sig_n);
}

static enum err do_verify(struct fixture *f)
{
    const struct crypto_sizes *z = crypto_sizes(f->s);
    return crypto_verify(f->c, f->s, span_of(f->sigpk, z->nsigpk), span_of(f->seed, 50),
                         span_of(f->sig, f->sig_n));
}

static enum err do_forged(struct fixture *f)
{
    const struct crypto_sizes *z = crypto_sizes(f->s);
    return crypto_verify(f->c, f->s, span_of(f->sigpk, z->nsigpk), span_of(f->seed, 51), span_of(f->sig, f->sig_n)) ==
                   ERR_OK
               ? ERR_OK
               : ERR_UNAUTHENTICATED;
}

// The call with its n-th allocation failing; *hit tells whether it came so far.
static enum err call_failing(struct fixture *f, enum err (*call)(struct fixture *f), long n, bool *hit)
{
    countdown = n;
    enum err e = call(f);
    *hit = countdown < 0;
    countdown = -1;
    ERR_clear_error();
    return e;
}

// Fails the first, second, … allocation of the call until none is left to fail; `want` is what it then returns. The
// first failure of each kind may leave memory behind that OpenSSL's error queue keeps for the next; the second may not.
static void exhaust(struct fixture *f, const char *name, enum err (*call)(struct fixture *f), enum err want)
{
    assert_int_equal(call(f), want); // what OpenSSL sets up once and keeps
    bool hit = true;
    for (long n = 0; hit; n++) {
        enum err e = call_failing(f, call, n, &hit), again = e;
        const long before = live;
        if (hit) again = call_failing(f, call, n, &hit);
        if (want != ERR_OK && (e == ERR_OK || again == ERR_OK))
            fail_msg("%s: accepted when allocation %ld failed", name, n);
        if (!hit) assert_int_equal(e, want);
        if (live > before) fail_msg("%s: %ld blocks lost when allocation %ld failed", name, live - before, n);
        assert_int_equal(call(f), want);
        assert_true(n < 20000);
    }
}

static void allocations_fail(void **state)
{
    (void)state;
    static struct fixture f;
    memset(f.seed, 0x33, sizeof f.seed);
    assert_ok(crypto_new(&f.c));
    exhaust(&f, "new", do_new, ERR_OK);
    exhaust(&f, "clone", do_clone, ERR_OK);
    for (size_t i = 0; (f.s = crypto_suite_at(i)) != NULL; i++) {
        assert_ok(crypto_kem_derive(f.c, f.s, span_of(f.seed, sizeof f.seed), f.sk, f.pk));
        assert_ok(crypto_sig_keygen(f.c, f.s, f.seed, f.sigsk, f.sigpk));
        exhaust(&f, "mac", do_mac, ERR_OK);
        exhaust(&f, "seal", do_seal, ERR_OK);
        exhaust(&f, "open", do_open, ERR_OK);
        exhaust(&f, "sign", do_sign, ERR_OK);
        exhaust(&f, "verify", do_verify, ERR_OK);
        exhaust(&f, "forged", do_forged, ERR_UNAUTHENTICATED);
    }
    crypto_free(f.c);
}

int main(void)
{
    if (CRYPTO_set_mem_functions(give, move, take) != 1) {
        print_message("1..0 # SKIP OpenSSL has allocated already\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(allocations_fail)};
    return unit_run("crypto memory", tests);
}
