// SPDX-License-Identifier: Apache-2.0
//
// The scenario of bench/peers for libmls, through mls.h alone: a flat group, made by one commit, and a warm one, in which
// each member has added the next. All messages are bytes, all commits encrypted, the tree is in the Welcome. Time is
// processor time. main.rs has the same for other libraries; README.md says how to run them. Not a part of make bench,
// which measures more, and against floors.
#include <mls.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SUITE = MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519, RUNS_MAX = 201 };

static struct mls_client *client;

static struct mls_span bytes(struct mls_buf b) { return (struct mls_span){b.data, b.size}; }

static void must(enum mls_error e)
{
    if (e == MLS_OK) return;
    fprintf(stderr, "%s: %s\n", mls_error_name(e), mls_error_text(e));
    exit(1);
}

static bool accept(void *arg, const struct mls_credential_check *check)
{
    (void)arg;
    (void)check;
    return true;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

// ------------------------------------------------------------------------------------------------------- reporting

struct times {
    double ms[RUNS_MAX];
    size_t n;
};

static void put(struct times *t, double from) { t->ms[t->n++] = now() - from; }

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void report(const char *what, const char *tree, size_t n, struct times *t)
{
    qsort(t->ms, t->n, sizeof *t->ms, compare);
    printf("| %s | %zu | %s | libmls | %.3f |\n", what, n, tree, t->ms[t->n / 2]);
}

// --------------------------------------------------------------------------------------------------------- people

struct person {
    struct mls_buf sk, pk, key_package, private_part;
};

static struct mls_leaf_params leaf_of(const struct person *p)
{
    return (struct mls_leaf_params){
        .credential = {.type = MLS_CREDENTIAL_BASIC, .identity = {(const uint8_t *)"member 123", 10}},
        .signature_private = bytes(p->sk),
        .signature_public = bytes(p->pk),
    };
}

static void arrive(struct person *p)
{
    must(mls_signature_keys(client, SUITE, &p->sk, &p->pk));
    struct mls_leaf_params leaf = leaf_of(p);
    must(mls_key_package_new(client, SUITE, &leaf, NULL, 0, &p->key_package, &p->private_part));
}

static void leave(struct person *p)
{
    struct mls_buf *all[] = {&p->sk, &p->pk, &p->key_package, &p->private_part};
    for (size_t i = 0; i < 4; i++) mls_buf_free(all[i]);
}

static struct mls_group *found(void)
{
    struct mls_group *g = NULL;
    struct person p;
    arrive(&p);
    struct mls_leaf_params leaf = leaf_of(&p);
    must(mls_group_new(client, SUITE, (struct mls_span){0}, &leaf, NULL, 0, &g));
    leave(&p);
    return g;
}

static void add(struct mls_group *g, const struct person *people, size_t n, struct mls_commit *c)
{
    struct mls_proposal *p = calloc(n, sizeof *p);
    if (p == NULL) abort();
    for (size_t i = 0; i < n; i++) {
        p[i] = (struct mls_proposal){.type = MLS_PROPOSAL_ADD, .key_package = bytes(people[i].key_package)};
    }
    const struct mls_commit_params params = {.proposals = p, .proposal_count = n, .tree_in_welcome = true};
    must(mls_group_commit(g, &params, c));
    free(p);
}

static void apply(struct mls_group *g, struct mls_commit *c)
{
    must(mls_group_merge(g, c->staged));
    c->staged = NULL;
}

static struct mls_group *join(const struct person *p, const struct mls_commit *c)
{
    struct mls_group *g = NULL;
    must(mls_group_join(client, bytes(c->welcome), bytes(p->private_part), (struct mls_span){0}, NULL, &g));
    return g;
}

// -------------------------------------------------------------------------------------------------------- scenario

static void update(struct mls_group *a, struct mls_group *b, struct times *make, struct times *process)
{
    struct mls_commit c;
    struct mls_received r;
    double from = now();
    must(mls_group_commit(a, NULL, &c));
    put(make, from);
    apply(a, &c);
    from = now();
    must(mls_group_receive(b, bytes(c.message), &r));
    must(mls_group_merge(b, r.staged));
    put(process, from);
    r.staged = NULL;
    mls_received_free(&r);
    mls_commit_free(&c);
}

static void commits(const char *tree, size_t n, size_t runs, struct mls_group *a, struct mls_group *b)
{
    struct times make = {0}, process = {0}, adding = {0}, joining = {0};
    for (size_t i = 0; i < runs; i++) update(a, b, &make, &process);
    for (size_t i = 0; i < runs; i++) {
        struct person guest;
        struct mls_commit c;
        arrive(&guest);
        double from = now();
        add(a, &guest, 1, &c);
        put(&adding, from);
        from = now();
        struct mls_group *g = join(&guest, &c);
        put(&joining, from);
        mls_group_free(g);
        mls_commit_free(&c); // dropped
        leave(&guest);
    }
    report("update commit: make", tree, n, &make);
    report("update commit: process", tree, n, &process);
    report("add commit with Welcome: make", tree, n, &adding);
    report("join by Welcome", tree, n, &joining);
}

static void flat(size_t n, size_t runs)
{
    struct person *people = calloc(n, sizeof *people);
    struct mls_group *a = found();
    struct mls_commit c;
    struct times build = {0};
    if (people == NULL) abort();
    for (size_t i = 1; i < n; i++) arrive(&people[i]);
    double from = now();
    add(a, people + 1, n - 1, &c);
    put(&build, from);
    apply(a, &c);
    report("build by one commit", "flat", n, &build);
    struct mls_group *b = join(&people[n - 1], &c);
    mls_commit_free(&c);
    commits("flat", n, runs, a, b);
    for (size_t i = 1; i < n; i++) leave(&people[i]);
    free(people);
    mls_group_free(a);
    mls_group_free(b);
}

static void talk(size_t n, struct mls_group *a, struct mls_group *b)
{
    static const uint8_t data[100];
    struct times out = {0}, back = {0};
    for (size_t i = 0; i < RUNS_MAX; i++) {
        struct mls_buf m;
        struct mls_received r;
        double from = now();
        must(mls_group_protect(a, (struct mls_span){data, sizeof data}, (struct mls_span){0}, &m));
        put(&out, from);
        from = now();
        must(mls_group_receive(b, bytes(m), &r));
        put(&back, from);
        mls_buf_free(&m);
        mls_received_free(&r);
    }
    report("protect 100 B", "warm", n, &out);
    report("unprotect 100 B", "warm", n, &back);
}

// Each member adds the next one, so that nearly all have set their path: only the last two need to be there.
static void warm(size_t n, size_t runs)
{
    struct mls_group *last = found(), *before = NULL;
    struct times ignored = {0};
    for (size_t i = 1; i < n; i++) {
        struct person next;
        struct mls_commit c;
        arrive(&next);
        add(last, &next, 1, &c);
        apply(last, &c);
        mls_group_free(before);
        before = last;
        last = join(&next, &c);
        mls_commit_free(&c);
        leave(&next);
    }
    update(last, before, &ignored, &ignored);
    commits("warm", n, runs, last, before);
    talk(n, last, before);
    mls_group_free(last);
    mls_group_free(before);
}

int main(int argc, char **argv)
{
    static const size_t usual[] = {10, 100, 1000};
    const struct mls_config config = {.credential = accept};
    must(mls_client_new(&config, &client));
    for (int i = 0; i < (argc > 1 ? argc - 1 : 3); i++) {
        size_t n = argc > 1 ? strtoul(argv[i + 1], NULL, 10) : usual[i], runs = n >= 1000 ? 7 : 21;
        flat(n, runs);
        warm(n, runs);
    }
    mls_client_free(client);
    return 0;
}
