// SPDX-License-Identifier: Apache-2.0
//
// The primitives, each measured alone through the crypto room, and the clocks. A unit is what one call costs; where the
// length of its input matters, a second unit is the slope between a short and a long input.
#include "bench/mls.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double clock_of(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

double bench_cpu(void) { return clock_of(CLOCK_PROCESS_CPUTIME_ID); }
double bench_thread(void) { return clock_of(CLOCK_THREAD_CPUTIME_ID); }
double bench_wall(void) { return clock_of(CLOCK_MONOTONIC); }

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double bench_median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, compare);
    return n == 0 ? 0 : n % 2 == 1 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

void bench_check(enum err e, const char *what)
{
    if (e == ERR_OK) return;
    fprintf(stderr, "bench: %s: %s (%s)\n", what, mls_error_name((enum mls_error)e), mls_error_text((enum mls_error)e));
    exit(1);
}

// ------------------------------------------------------------------------------------------------- one call each

enum { SHORT = 64, LONG = 16384 };

struct work {
    struct algo algo;
    uint8_t sig_sk[CRYPTO_SIGSK_MAX], sig_pk[CRYPTO_SIGPK_MAX], sk[CRYPTO_SK_MAX], pk[CRYPTO_PK_MAX];
    uint8_t sig[CRYPTO_SIG_MAX], long_sig[CRYPTO_SIG_MAX], seed[CRYPTO_SEED_MAX], enc[CRYPTO_ENC_MAX];
    uint8_t ct[CRYPTO_HASH_MAX + CRYPTO_TAG], msg[LONG], out[LONG + CRYPTO_TAG];
    size_t sig_n, long_n;
    struct crypto_hpke_info info;
};

static void sign(struct work *w, size_t n)
{
    const struct crypto_sizes *z = algo_sizes(&w->algo);
    size_t sig_n;
    bench_check(crypto_sign(w->algo.crypto, w->algo.suite, span_of(w->sig_sk, z->nsigsk), span_of(w->sig_pk, z->nsigpk),
                            span_of(w->msg, n), w->out, &sig_n), "sign");
}
static void verify(struct work *w, size_t n)
{
    struct span sig = n == SHORT ? span_of(w->sig, w->sig_n) : span_of(w->long_sig, w->long_n);
    bench_check(crypto_verify(w->algo.crypto, w->algo.suite, span_of(w->sig_pk, algo_sizes(&w->algo)->nsigpk),
                              span_of(w->msg, n), sig), "verify");
}
static void keygen(struct work *w, size_t n)
{
    uint8_t sk[CRYPTO_SK_MAX];
    (void)n;
    bench_check(crypto_kem_derive(w->algo.crypto, w->algo.suite, span_of(w->msg, algo_nh(&w->algo)), sk, w->out), "keygen");
}
static void seal(struct work *w, size_t n)
{
    const struct crypto_sizes *z = algo_sizes(&w->algo);
    (void)n;
    bench_check(crypto_hpke_seal_info(w->algo.crypto, w->algo.suite, span_of(w->pk, z->npk), &w->info,
                                      span_of(w->msg, z->nh), w->seed, w->enc, w->ct), "seal");
}
static void open(struct work *w, size_t n)
{
    const struct crypto_sizes *z = algo_sizes(&w->algo);
    (void)n;
    bench_check(crypto_hpke_open(w->algo.crypto, w->algo.suite, span_of(w->sk, z->nsk), span_of(w->pk, z->npk),
                                 span_of(w->enc, z->nenc), span_of(NULL, 0), span_of(w->ct, z->nh + CRYPTO_TAG), w->out),
                "open");
}
static void kdf(struct work *w, size_t n)
{
    struct span info = span_of(w->msg, 24);
    size_t nh = algo_nh(&w->algo);
    (void)n;
    bench_check(crypto_expand(w->algo.crypto, w->algo.suite, span_of(w->msg, nh), &info, 1, w->out, nh), "expand");
}
static void aead(struct work *w, size_t n)
{
    bench_check(crypto_seal(w->algo.crypto, w->algo.suite, w->msg, w->msg, span_of(w->msg, 40), span_of(w->msg, n), w->out),
                "aead");
}
static void hash(struct work *w, size_t n)
{
    struct span s = span_of(w->msg, n);
    bench_check(crypto_hash(w->algo.crypto, w->algo.suite, &s, 1, w->out), "hash");
}

// ------------------------------------------------------------------------------------------------------ all of them

static double time_calls(struct work *w, void (*f)(struct work *w, size_t n), size_t n, size_t calls)
{
    double from = bench_cpu();
    for (size_t i = 0; i < calls; i++) f(w, n);
    return (bench_cpu() - from) / (double)calls;
}

// How often a call is made in a round, short and long (0: its length does not matter).
static const struct row {
    enum unit unit;
    void (*f)(struct work *w, size_t n);
    size_t calls, long_calls;
} rows[] = {
    {UNIT_SIGN, sign, 6, 2},    {UNIT_VERIFY, verify, 4, 2}, {UNIT_KEYGEN, keygen, 5, 0}, {UNIT_SEAL, seal, 3, 0},
    {UNIT_OPEN, open, 3, 0},    {UNIT_KDF, kdf, 50, 0},      {UNIT_AEAD, aead, 50, 10},   {UNIT_HASH, hash, 100, 4},
};

static void prepare(struct work *w)
{
    const struct crypto_sizes *z = algo_sizes(&w->algo);
    const struct algo *a = &w->algo;
    struct span sk = span_of(w->sig_sk, z->nsigsk), pk = span_of(w->sig_pk, z->nsigpk);
    memset(w->msg, 7, sizeof w->msg);
    bench_check(crypto_sig_keygen(a->crypto, a->suite, w->msg, w->sig_sk, w->sig_pk), "keys");
    bench_check(crypto_sign(a->crypto, a->suite, sk, pk, span_of(w->msg, SHORT), w->sig, &w->sig_n), "sign");
    bench_check(crypto_sign(a->crypto, a->suite, sk, pk, span_of(w->msg, LONG), w->long_sig, &w->long_n), "sign");
    bench_check(crypto_kem_derive(a->crypto, a->suite, span_of(w->msg, z->nh), w->sk, w->pk), "keys");
    bench_check(crypto_hpke_info(a->crypto, a->suite, NULL, 0, &w->info), "info");
    seal(w, 0);
}

static void one_round(struct work *w, struct units *u)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        double s = time_calls(w, r->f, SHORT, r->calls), byte = 0;
        if (r->long_calls > 0) byte = (time_calls(w, r->f, LONG, r->long_calls) - s) / (LONG - SHORT);
        // The fixed part: what a call would cost without input.
        u->us[r->unit] = r->long_calls > 0 ? s - byte * SHORT : s;
        if (r->long_calls > 0) u->us[r->unit + 1] = byte;
    }
}

void units_measure(const struct algo *a, size_t rounds, struct units *u)
{
    enum { MOST = 32 };
    static struct work w;
    static double v[UNITS][MOST];
    if (w.algo.crypto != a->crypto || w.algo.suite != a->suite) { // an address may come again with another suite
        memset(&w, 0, sizeof w);
        w.algo = *a;
        prepare(&w);
    }
    if (rounds > MOST) rounds = MOST;
    for (size_t i = 0; i < rounds; i++) {
        one_round(&w, u);
        for (size_t j = 0; j < UNITS; j++) v[j][i] = u->us[j];
    }
    for (size_t j = 0; j < UNITS; j++) u->us[j] = bench_median(v[j], rounds);
}

double units_floor(const struct units *u, const struct counts *c)
{
    double sum = 0;
    for (size_t i = 0; i < UNITS; i++) sum += u->us[i] * c->n[i];
    return sum;
}
