// SPDX-License-Identifier: Apache-2.0
//
// bench/mls: what libmls's operations cost, each beside its floor: the time that its unavoidable primitives (signatures,
// KEM operations, KDF calls, AEAD and hash bytes) take when each is measured alone, through the same crypto room, in the
// same run. Prints a Markdown table: docs/performance.md holds one. Big trees are made with the rooms' inner functions,
// since ten thousand real members would take ten thousand states.
#include "bench/mls.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

// ------------------------------------------------------------------------------------------------------- measuring

static double clock_of(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

// Processor time: what others do on a shared machine does not count. Only the row of two threads takes the wall clock.
double bench_now(void) { return clock_of(CLOCK_PROCESS_CPUTIME_ID); }
static double wall_now(void) { return clock_of(CLOCK_MONOTONIC); }

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double bench_median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, compare);
    return n == 0 ? 0 : v[n / 2];
}

void bench_check(enum err e, const char *what)
{
    if (e == ERR_OK) return;
    fprintf(stderr, "bench: %s: %s (%s)\n", what, mls_error_name((enum mls_error)e), mls_error_text((enum mls_error)e));
    exit(1);
}

// ---------------------------------------------------------------------------------------------------- primitives

struct unit_work {
    struct algo algo;
    uint8_t sig_sk[CRYPTO_SIGSK_MAX], sig_pk[CRYPTO_SIGPK_MAX], sk[CRYPTO_SK_MAX], pk[CRYPTO_PK_MAX];
    uint8_t sig[CRYPTO_SIG_MAX], seed[CRYPTO_SEED_MAX], enc[CRYPTO_ENC_MAX], ct[128], msg[16384], out[16384 + 16];
    size_t sig_n;
    struct crypto_hpke_info info;
};

static void do_sign(struct unit_work *w)
{
    const struct crypto_sizes *z = algo_sizes(&w->algo);
    bench_check(crypto_sign(w->algo.crypto, w->algo.suite, span_of(w->sig_sk, z->nsigsk), span_of(w->sig_pk, z->nsigpk),
                            span_of(w->msg, 300), w->sig, &w->sig_n), "sign");
}
static void do_verify(struct unit_work *w)
{
    bench_check(crypto_verify(w->algo.crypto, w->algo.suite, span_of(w->sig_pk, algo_sizes(&w->algo)->nsigpk),
                              span_of(w->msg, 300), span_of(w->sig, w->sig_n)), "verify");
}
static void do_keygen(struct unit_work *w)
{
    bench_check(crypto_kem_derive(w->algo.crypto, w->algo.suite, span_of(w->seed, 32), w->sk, w->pk), "keygen");
}
static void do_seal(struct unit_work *w)
{
    const struct crypto_sizes *z = algo_sizes(&w->algo);
    bench_check(crypto_hpke_seal_info(w->algo.crypto, w->algo.suite, span_of(w->pk, z->npk), &w->info,
                                      span_of(w->msg, z->nh), w->seed, w->enc, w->ct), "seal");
}
static void do_open(struct unit_work *w)
{
    const struct crypto_sizes *z = algo_sizes(&w->algo);
    bench_check(crypto_hpke_open(w->algo.crypto, w->algo.suite, span_of(w->sk, z->nsk), span_of(w->pk, z->npk),
                                 span_of(w->enc, z->nenc), span_of(NULL, 0), span_of(w->ct, z->nh + CRYPTO_TAG), w->out),
                "open");
}
static void do_expand(struct unit_work *w)
{
    size_t nh = algo_nh(&w->algo);
    bench_check(label_expand(&w->algo, span_of(w->msg, nh), "epoch", span_of(w->msg, 16), w->out, nh), "expand");
}
static void do_aead(struct unit_work *w)
{
    bench_check(crypto_seal(w->algo.crypto, w->algo.suite, w->msg, w->msg, span_of(w->msg, 40), span_of(w->msg, 180),
                            w->out), "aead");
}
static void do_hash(struct unit_work *w)
{
    struct span s = span_of(w->msg, 150);
    bench_check(crypto_hash(w->algo.crypto, w->algo.suite, &s, 1, w->out), "hash");
}
static void do_hash_long(struct unit_work *w)
{
    struct span s = span_of(w->msg, 16384);
    bench_check(crypto_hash(w->algo.crypto, w->algo.suite, &s, 1, w->out), "hash");
}

static double time_unit(struct unit_work *w, void (*f)(struct unit_work *w), size_t inner)
{
    enum { RUNS = 15 };
    double v[RUNS];
    for (size_t i = 0; i < RUNS; i++) {
        double from = bench_now();
        for (size_t j = 0; j < inner; j++) f(w);
        v[i] = (bench_now() - from) / (double)inner;
    }
    return bench_median(v, RUNS);
}

void bench_units(const struct algo *a, struct units *u)
{
    static struct unit_work w;
    const struct crypto_sizes *z = algo_sizes(a);
    memset(&w, 7, sizeof w);
    w.algo = *a;
    bench_check(crypto_sig_keygen(a->crypto, a->suite, w.msg, w.sig_sk, w.sig_pk), "keys");
    bench_check(crypto_kem_derive(a->crypto, a->suite, span_of(w.seed, 32), w.sk, w.pk), "keys");
    bench_check(crypto_hpke_info(a->crypto, a->suite, span_of(NULL, 0), &w.info), "info");
    u->sign = time_unit(&w, do_sign, 5);
    u->verify = time_unit(&w, do_verify, 5);
    u->keygen = time_unit(&w, do_keygen, 5);
    u->seal = time_unit(&w, do_seal, 5);
    u->open = time_unit(&w, do_open, 5);
    u->expand = time_unit(&w, do_expand, 50);
    u->aead = time_unit(&w, do_aead, 50);
    u->hash = time_unit(&w, do_hash, 50);
    u->hash_byte = (time_unit(&w, do_hash_long, 10) - u->hash) / (16384 - 150);
    (void)z;
}

double bench_floor(const struct units *u, const struct counts *c)
{
    return c->sign * u->sign + c->verify * u->verify + c->keygen * u->keygen + c->seal * u->seal + c->open * u->open +
           c->expand * u->expand + c->aead * u->aead + c->hash * u->hash + c->hash_bytes * u->hash_byte;
}

// ------------------------------------------------------------------------------------------------------- the rows

static void row(const struct hall *h, const char *what, double us, const struct counts *c)
{
    double floor = c != NULL ? bench_floor(&h->units, c) : 0;
    printf("| %s | 0x%04x | %u | %s | ", what, crypto_suite_id(h->algo.suite), h->n, h->warm ? "warm" : "flat");
    if (us < 1000) printf("%.1f µs | ", us);
    else printf("%.2f ms | ", us / 1000);
    if (c == NULL) printf("| |\n");
    else if (floor < 1000) printf("%.1f µs | %.2f |\n", floor, us / floor);
    else printf("%.2f ms | %.2f |\n", floor / 1000, us / floor);
    fflush(stdout);
}

static void size_row(const struct hall *h, const char *what, size_t bytes)
{
    printf("| %s | 0x%04x | %u | %s | %zu B | | |\n", what, crypto_suite_id(h->algo.suite), h->n,
           h->warm ? "warm" : "flat", bytes);
    fflush(stdout);
}

static size_t runs_for(const struct hall *h) { return h->n >= 5000 ? 9 : h->n >= 1000 ? 15 : 31; }

// KDF calls of a new epoch: joiner (extract, expand), member (extract), epoch, nine secrets; an extract costs what half
// an expand does, and is counted as one, generously to nobody: three of some seventy.
enum { EPOCH_EXPANDS = 13, TRANSCRIPT_HASHES = 3 };

static double levels(const struct hall *h) { return (double)h->path_levels; }

static void bench_update(struct hall *h)
{
    enum { MAX = 64 };
    double made[MAX], taken[MAX];
    size_t runs = runs_for(h), bytes = 0;
    for (size_t i = 0; i < runs; i++) {
        struct mls_commit c;
        struct mls_received r;
        bench_units(&h->algo, &h->units);
        double t0 = bench_now();
        bench_check((enum err)mls_group_commit(h->a, NULL, &c), "commit");
        double t1 = bench_now();
        bench_check((enum err)mls_group_receive(h->b, (struct mls_span){c.message.data, c.message.size}, &r), "receive");
        double t2 = bench_now();
        made[i] = t1 - t0;
        taken[i] = t2 - t1;
        bytes = c.message.size;
        mls_commit_free(&c); // dropped: the next one starts from the same epoch
        mls_received_free(&r);
    }
    double l = levels(h), seals = (double)h->resolution;
    // Leaf and path nodes are hashed once, and each path node once more for its parent hash.
    const struct counts make = {.sign = 2, .keygen = l + 1, .seal = seals, .expand = 2 * l + 1 + EPOCH_EXPANDS + 5,
                                .aead = 2, .hash = 2 * l + 1 + TRANSCRIPT_HASHES, .hash_bytes = 4 * (double)bytes};
    const struct counts take = {.verify = 2, .open = 1, .keygen = (double)h->shared_levels,
                                .expand = 2 * (double)h->shared_levels + 1 + EPOCH_EXPANDS + 5, .aead = 2,
                                .hash = 2 * l + 1 + TRANSCRIPT_HASHES, .hash_bytes = 2 * (double)bytes};
    row(h, "update commit: make", bench_median(made, runs), &make);
    row(h, "update commit: process", bench_median(taken, runs), &take);
    size_row(h, "update commit: size", bytes);
}

static void bench_add_and_join(struct hall *h)
{
    enum { MAX = 64 };
    double made[MAX], joined[MAX], joined2[MAX];
    size_t runs = runs_for(h) / 3 + 1, welcome = 0, memory = 0;
    for (size_t i = 0; i < runs; i++) {
        struct mls_commit c;
        struct mls_group *g = NULL, *g2 = NULL;
        struct guest guest;
        bench_units(&h->algo, &h->units);
        hall_guest(h, &guest);
        struct mls_proposal p = {.type = MLS_PROPOSAL_ADD, .key_package = {guest.key_package.data, guest.key_package.size}};
        struct mls_commit_params params = {.proposals = &p, .proposal_count = 1, .tree_in_welcome = true};
        double t0 = bench_now();
        bench_check((enum err)mls_group_commit(h->a, &params, &c), "add");
        made[i] = bench_now() - t0;
        welcome = c.welcome.size;
        struct mls_span w = {c.welcome.data, c.welcome.size}, mine = {guest.private_part.data, guest.private_part.size};
        size_t before = mallinfo2().uordblks;
        double t1 = bench_now();
        bench_check((enum err)mls_group_join(h->client, w, mine, (struct mls_span){0}, NULL, &g), "join");
        joined[i] = bench_now() - t1;
        memory = mallinfo2().uordblks - before;
        t1 = wall_now();
        bench_check((enum err)mls_group_join(h->client2, w, mine, (struct mls_span){0}, NULL, &g2), "join");
        joined2[i] = wall_now() - t1;
        mls_group_free(g);
        mls_group_free(g2);
        mls_commit_free(&c);
        hall_guest_free(&guest);
    }
    double l = levels(h), n = (double)h->n + 1, parents = (double)h->parents;
    const struct counts make = {.sign = 3, .verify = 2, .keygen = l + 1, .seal = (double)h->resolution + 1,
                                .expand = 2 * l + 1 + EPOCH_EXPANDS + 7, .aead = 3,
                                .hash = 3 * l + TRANSCRIPT_HASHES, .hash_bytes = 3 * (double)welcome};
    const struct counts join = {.verify = n + 1, .open = 1, .keygen = (double)h->shared_levels,
                                .expand = EPOCH_EXPANDS + 3, .aead = 1, .hash = 2 * n + parents,
                                .hash_bytes = 2 * (double)welcome};
    row(h, "add commit with Welcome: make", bench_median(made, runs), &make);
    row(h, "join by Welcome", bench_median(joined, runs), &join);
    row(h, "join by Welcome, two threads", bench_median(joined2, runs), &join);
    size_row(h, "Welcome with tree: size", welcome);
    size_row(h, "ratchet tree: size", hall_tree_size(h));
    size_row(h, "joined group: memory", memory);
}

static void bench_remove(struct hall *h)
{
    enum { MAX = 64 };
    double made[MAX];
    size_t runs = runs_for(h) / 3 + 1;
    if (h->n < 3) return;
    for (size_t i = 0; i < runs; i++) {
        struct mls_commit c;
        struct mls_proposal p = {.type = MLS_PROPOSAL_REMOVE, .removed = 1};
        struct mls_commit_params params = {.proposals = &p, .proposal_count = 1};
        double t0 = bench_now();
        bench_check((enum err)mls_group_commit(h->a, &params, &c), "remove");
        made[i] = bench_now() - t0;
        mls_commit_free(&c);
    }
    row(h, "remove commit: make", bench_median(made, runs), NULL);
}

static void bench_messages(struct hall *h)
{
    enum { RUNS = 301 };
    static double both[RUNS], out[RUNS], in[RUNS];
    double first = 0;
    bench_units(&h->algo, &h->units);
    for (size_t i = 0; i < RUNS; i++) {
        static const uint8_t data[100];
        struct mls_buf m;
        struct mls_received r;
        double t0 = bench_now();
        bench_check((enum err)mls_group_protect(h->a, (struct mls_span){data, 100}, (struct mls_span){0}, &m), "protect");
        double t1 = bench_now();
        bench_check((enum err)mls_group_receive(h->b, (struct mls_span){m.data, m.size}, &r), "unprotect");
        double t2 = bench_now();
        out[i] = t1 - t0;
        in[i] = t2 - t1;
        both[i] = t2 - t0;
        if (i == 0) first = t2 - t0;
        mls_buf_free(&m);
        mls_received_free(&r);
    }
    const struct counts c = {.sign = 1, .verify = 1, .expand = 10, .aead = 4};
    double later = bench_median(both, RUNS);
    row(h, "protect 100 B", bench_median(out, RUNS), &(struct counts){.sign = 1, .expand = 5, .aead = 2});
    row(h, "unprotect 100 B", bench_median(in, RUNS), &(struct counts){.verify = 1, .expand = 5, .aead = 2});
    row(h, "protect + unprotect 100 B", later, &c);
    printf("| first message of an epoch / later ones | 0x%04x | %u | | %.2f | | |\n", crypto_suite_id(h->algo.suite), h->n,
           first / later);
}

struct shelf {
    struct buf bytes;
};

static bool store(void *arg, struct mls_span key, struct mls_span value)
{
    struct shelf *s = arg;
    if (value.data == NULL) return true;
    tls_put_vector(&s->bytes, span_of(key.data, key.size));
    tls_put_vector(&s->bytes, span_of(value.data, value.size));
    return true;
}

static bool load(void *arg, struct mls_span *key, struct mls_span *value)
{
    struct tls_reader *r = arg;
    if (tls_left(r) == 0) return false;
    struct span k = tls_vector(r), v = tls_vector(r);
    *key = (struct mls_span){k.p, k.n};
    *value = (struct mls_span){v.p, v.n};
    return true;
}

static void bench_storage(struct hall *h)
{
    enum { MAX = 64 };
    double stored[MAX], restored[MAX];
    size_t runs = runs_for(h) / 3 + 1, bytes = 0;
    for (size_t i = 0; i < runs; i++) {
        struct shelf s;
        struct mls_group *g = NULL;
        buf_init(&s.bytes, TLS_VECTOR_MAX);
        bench_check(record_note_all(h->a), "note");
        double t0 = bench_now();
        bench_check((enum err)mls_group_changes(h->a, store, &s), "store");
        stored[i] = bench_now() - t0;
        struct tls_reader r = tls_reader_of(buf_span(&s.bytes));
        double t1 = bench_now();
        bench_check((enum err)mls_group_restore(h->client, load, &r, &g), "restore");
        restored[i] = bench_now() - t1;
        bytes = s.bytes.n;
        mls_group_free(g);
        buf_wipe(&s.bytes);
    }
    const struct counts c = {.hash = 2 * (double)h->n, .keygen = 1};
    row(h, "store everything", bench_median(stored, runs), NULL);
    row(h, "restore", bench_median(restored, runs), &c);
    size_row(h, "stored state: size", bytes);
}

static void bench_build(const struct hall *h)
{
    double us = 0;
    size_t welcome = 0;
    hall_build(h, &us, &welcome);
    double n = (double)h->n;
    const struct counts c = {.verify = 2 * (n - 1), .seal = n - 1, .sign = 3, .hash = 4 * n,
                             .hash_bytes = 3 * (double)welcome, .keygen = 15, .expand = 30};
    row(h, "build by one commit", us, &c);
}

int main(int argc, char **argv)
{
    static const uint16_t suites[] = {CRYPTO_X25519_AES128_SHA256_ED25519, CRYPTO_MLKEM768X25519_AES256_SHA384_ED25519};
    static const uint32_t sizes[] = {2, 10, 100, 1000, 5000, 10000};
    uint32_t most = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000;
    printf("| operation | suite | members | tree | median | floor | ratio |\n|---|---|---|---|---|---|---|\n");
    for (size_t s = 0; s < sizeof suites / sizeof *suites; s++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes && sizes[i] <= most; i++) {
            for (int warm = 1; warm >= 0; warm--) {
                struct hall h;
                hall_open(&h, suites[s], sizes[i], warm == 1);
                bench_update(&h);
                bench_add_and_join(&h);
                bench_remove(&h);
                bench_messages(&h);
                bench_storage(&h);
                if (warm == 0) bench_build(&h);
                hall_close(&h);
            }
        }
    }
    return 0;
}
