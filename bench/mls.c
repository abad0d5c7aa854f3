// SPDX-License-Identifier: Apache-2.0
//
// bench/mls: what libmls's operations cost, each beside its floor: the time that its unavoidable primitives take when each
// is measured alone, through the same crypto room, right before and right after. Prints a Markdown table of medians; the
// ratio is the median of each run's own, so that it is of one moment. Time is processor time: what others do on a shared
// machine does not count. Big trees are made with the rooms' inner functions, since ten thousand real members would take
// ten thousand states. docs/performance.md holds such a table, and says how to read it.
#include "bench/mls.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// ------------------------------------------------------------------------------------------------------- options

static struct {
    unsigned long most, only_n, runs;
    unsigned suite; // 0: both
    const char *rows, *tree;
} options = {.most = 1000};

static const char usage[] = "bench-mls [-m MOST] [-n N] [-s SUITE] [-t warm|flat] [-r ROWS] [-k RUNS]\n"
                            "  -m  the largest group (1000; up to 10000)    -n  this size alone\n"
                            "  -s  this suite alone, as 0x0001              -t  this kind of tree alone\n"
                            "  -r  of update, add, join, remove, message, store, build: those named in ROWS\n"
                            "  -k  how often each operation is measured\n";

static void read_options(int argc, char **argv)
{
    for (int c; (c = getopt(argc, argv, "hm:n:s:t:r:k:")) != -1;) {
        switch (c) {
        case 'm': options.most = strtoul(optarg, NULL, 10); break;
        case 'n': options.only_n = strtoul(optarg, NULL, 10); break;
        case 's': options.suite = (unsigned)strtoul(optarg, NULL, 0); break;
        case 't': options.tree = optarg; break;
        case 'r': options.rows = optarg; break;
        case 'h': fputs(usage, stdout); exit(0);
        case 'k': options.runs = strtoul(optarg, NULL, 10); break;
        default: fputs(usage, stderr); exit(2);
        }
    }
    if (options.only_n > 0) options.most = options.only_n;
}

static bool wanted(const char *row) { return options.rows == NULL || strstr(options.rows, row) != NULL; }

// ------------------------------------------------------------------------------------------------------- samples

enum { RUNS_MAX = 1001 };

static size_t runs_for(const struct hall *h, size_t most)
{
    size_t runs = h->n >= 5000 ? 7 : h->n >= 1000 ? 21 : 41;
    if (options.runs > 0) runs = options.runs;
    return runs < most ? runs : most;
}

struct sample {
    double us[RUNS_MAX], floor[RUNS_MAX], ratio[RUNS_MAX];
    size_t n;
};

static void put(struct sample *s, double us, const struct units *before, const struct units *after,
                const struct counts *c)
{
    if (s->n == RUNS_MAX) return;
    double floor = (units_floor(before, c) + units_floor(after, c)) / 2;
    s->us[s->n] = us;
    s->floor[s->n] = floor;
    s->ratio[s->n++] = floor > 0 ? us / floor : 0;
}

// Long operations need more rounds around them, so that a bad moment does not count.
static void measure_units(const struct hall *h, struct units *u) { units_measure(&h->algo, h->n >= 1000 ? 7 : 1, u); }

static void print_head(const struct hall *h, const char *what)
{
    printf("| %s | 0x%04x | %u | %s | ", what, crypto_suite_id(h->algo.suite), h->n, h->warm ? "warm" : "flat");
}

static void print_time(double us)
{
    if (us < 1000) printf("%.1f µs | ", us);
    else printf("%.2f ms | ", us / 1000);
}

static void print_row(const struct hall *h, const char *what, struct sample *s)
{
    double ratio = bench_median(s->ratio, s->n);
    print_head(h, what);
    print_time(bench_median(s->us, s->n));
    if (ratio > 0) {
        print_time(bench_median(s->floor, s->n));
        printf("%.2f |\n", ratio);
    } else {
        printf("| |\n");
    }
    fflush(stdout);
}

static void print_size(const struct hall *h, const char *what, size_t bytes)
{
    print_head(h, what);
    printf("%zu B | | |\n", bytes);
    fflush(stdout);
}

// --------------------------------------------------------------------------------------------------------- commits

static void bench_update(struct hall *h)
{
    static struct sample made, taken;
    struct units before, after;
    struct shape s;
    size_t bytes = 0;
    made.n = taken.n = 0;
    shape_of(h, &h->a->tree, 0, h->n - 1, NULL, &s);
    for (size_t i = 0, runs = runs_for(h, RUNS_MAX) + 1; i < runs; i++) { // the first warms up
        struct mls_commit c;
        struct mls_received r;
        hall_fresh(h);
        measure_units(h, &before);
        double t0 = bench_cpu();
        bench_check((enum err)mls_group_commit(h->a, NULL, &c), "commit");
        double t1 = bench_cpu();
        bench_check((enum err)mls_group_receive(h->b, (struct mls_span){c.message.data, c.message.size}, &r),
                    "receive");
        double t2 = bench_cpu();
        measure_units(h, &after);
        bytes = c.message.size;
        const struct counts make = floor_make(&s, (double)bytes, 0), take = floor_process(&s, (double)bytes);
        if (i > 0) put(&made, t1 - t0, &before, &after, &make);
        if (i > 0) put(&taken, t2 - t1, &before, &after, &take);
        mls_commit_free(&c); // dropped: the next one starts from the same epoch
        mls_received_free(&r);
    }
    print_row(h, "update commit: make", &made);
    print_row(h, "update commit: process", &taken);
    print_size(h, "update commit: size", bytes);
}

static void bench_remove(struct hall *h)
{
    static struct sample made;
    struct units before, after;
    struct tree t;
    struct shape s;
    if (h->n < 3) return;
    made.n = 0;
    tree_overlay(&t, &h->a->tree);
    bench_check(tree_remove(&t, 1), "remove");
    shape_of(h, &t, 0, h->n - 1, NULL, &s);
    tree_wipe(&t);
    for (size_t i = 0, runs = runs_for(h, RUNS_MAX) + 1; i < runs; i++) {
        struct mls_commit c;
        struct mls_proposal p = {.type = MLS_PROPOSAL_REMOVE, .removed = 1};
        struct mls_commit_params params = {.proposals = &p, .proposal_count = 1};
        hall_fresh(h);
        measure_units(h, &before);
        double from = bench_cpu();
        bench_check((enum err)mls_group_commit(h->a, &params, &c), "remove");
        double us = bench_cpu() - from;
        measure_units(h, &after);
        const struct counts make = floor_make(&s, (double)c.message.size, 1);
        if (i > 0) put(&made, us, &before, &after, &make);
        mls_commit_free(&c);
    }
    print_row(h, "remove commit: make", &made);
}

// A commit that adds one member, and its Welcome with the tree inside.
static void add_one(struct hall *h, struct guest *g, struct mls_commit *c)
{
    struct mls_proposal p = {.type = MLS_PROPOSAL_ADD, .key_package = {g->key_package.data, g->key_package.size}};
    struct mls_commit_params params = {.proposals = &p, .proposal_count = 1, .tree_in_welcome = true};
    bench_check((enum err)mls_group_commit(h->a, &params, c), "add");
}

static void bench_add(struct hall *h)
{
    static struct sample made;
    struct units before, after;
    struct shape s;
    size_t welcome = 0;
    made.n = 0;
    for (size_t i = 0, runs = runs_for(h, RUNS_MAX) + 1; i < runs; i++) {
        struct mls_commit c;
        struct guest guest;
        hall_guest(h, &guest);
        hall_fresh(h);
        measure_units(h, &before);
        double from = bench_cpu();
        add_one(h, &guest, &c);
        double us = bench_cpu() - from;
        measure_units(h, &after);
        const struct nodes *added = &c.staged->added;
        if (i == 0) shape_of(h, &c.staged->tree, 0, added->v[0], added, &s);
        struct counts make = floor_make(&s, (double)c.message.size, math_common_level(0, added->v[0]));
        floor_invite(&s, 1, (double)guest.key_package.size, &make);
        if (i > 0) put(&made, us, &before, &after, &make);
        welcome = c.welcome.size;
        mls_commit_free(&c);
        hall_guest_free(&guest);
    }
    print_row(h, "add commit with Welcome: make", &made);
    print_size(h, "Welcome with tree: size", welcome);
}

static void bench_build(struct hall *h)
{
    static struct sample built;
    struct units before, after;
    struct crowd crowd;
    hall_crowd(h, &crowd);
    built.n = 0;
    for (size_t i = 0, runs = runs_for(h, h->n >= 1000 ? 3 : RUNS_MAX); i < runs; i++) {
        struct mls_group *g = NULL;
        struct mls_commit c;
        struct shape s;
        hall_founder(h, &g);
        struct mls_commit_params params = {.proposals = crowd.add, .proposal_count = crowd.n, .tree_in_welcome = true};
        measure_units(h, &before);
        double from = bench_cpu();
        bench_check((enum err)mls_group_commit(g, &params, &c), "build");
        double us = bench_cpu() - from;
        measure_units(h, &after);
        const struct nodes *added = &c.staged->added;
        shape_of(h, &c.staged->tree, 0, added->v[added->n - 1], added, &s);
        struct counts make = floor_make(&s, (double)c.message.size, s.nodes - s.depth - 1);
        floor_invite(&s, (double)crowd.n, (double)crowd.guest[0].key_package.size, &make);
        put(&built, us, &before, &after, &make);
        mls_commit_free(&c);
        mls_group_free(g);
    }
    hall_crowd_free(&crowd);
    print_row(h, "build by one commit", &built);
}

// --------------------------------------------------------------------------------------------------------- joining

static size_t heap_bytes(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

// What a joined group holds once its state has been stored, and the encoded tree beside it.
static void print_memory(const struct hall *h, size_t memory, double tree)
{
    print_head(h, "memory of a joined group, a member");
    printf("%.0f B | %.0f B | %.2f |\n", (double)memory / (h->n + 1), tree / (h->n + 1), (double)memory / tree);
}

struct joins {
    struct sample one, two;
    double wall_one, wall_two; // the best
};

static void join_once(struct hall *h, const struct mls_client *client, const struct mls_commit *c,
                      const struct guest *g, struct mls_group **out)
{
    struct mls_span w = {c->welcome.data, c->welcome.size}, mine = {g->private_part.data, g->private_part.size};
    (void)h;
    bench_check((enum err)mls_group_join(client, w, mine, (struct mls_span){0}, NULL, out), "join");
}

static void join_both(struct hall *h, struct joins *j, const struct mls_commit *c, const struct guest *guest,
                      const struct counts *floor, size_t *memory)
{
    struct mls_group *g = NULL;
    struct units u[3];
    size_t heap = heap_bytes();
    measure_units(h, &u[0]);
    double t0 = bench_cpu(), w0 = bench_wall();
    join_once(h, h->client, c, guest, &g);
    double t1 = bench_cpu(), w1 = bench_wall();
    mls_group_saved(g);
    *memory = heap_bytes() - heap;
    mls_group_free(g);
    measure_units(h, &u[1]);
    (void)hall_waited();
    double w2 = bench_wall(), t2 = bench_thread();
    join_once(h, h->client2, c, guest, &g);
    double t3 = bench_thread() + hall_waited(), w3 = bench_wall();
    measure_units(h, &u[2]);
    mls_group_free(g);
    put(&j->one, t1 - t0, &u[0], &u[1], floor);
    put(&j->two, t3 - t2, &u[1], &u[2], floor);
    if (j->wall_one == 0 || w1 - w0 < j->wall_one) j->wall_one = w1 - w0;
    if (j->wall_two == 0 || w3 - w2 < j->wall_two) j->wall_two = w3 - w2;
}

static void bench_join(struct hall *h)
{
    static struct joins j;
    struct mls_commit c;
    struct guest guest;
    struct shape s;
    size_t memory = 0;
    memset(&j, 0, sizeof j);
    hall_guest(h, &guest);
    hall_fresh(h);
    add_one(h, &guest, &c);
    shape_of(h, &c.staged->tree, 0, c.staged->added.v[0], &c.staged->added, &s);
    const struct counts floor = floor_join(&s, (double)guest.key_package.size);
    for (size_t i = 0, runs = runs_for(h, RUNS_MAX) + 1; i < runs; i++) {
        join_both(h, &j, &c, &guest, &floor, &memory);
        if (i == 0) j.one.n = j.two.n = 0;
    }
    print_row(h, "join by Welcome", &j.one);
    if (h->n >= 100) {
        print_row(h, "join, two threads: the longer one", &j.two);
        print_head(h, "join, two threads: wall clock of one / of two");
        print_time(j.wall_one);
        print_time(j.wall_two);
        printf("%.2f |\n", j.wall_one / j.wall_two);
    }
    print_size(h, "ratchet tree: size", (size_t)s.tree_bytes);
    print_memory(h, memory, s.tree_bytes);
    mls_commit_free(&c);
    hall_guest_free(&guest);
}

// -------------------------------------------------------------------------------------------------------- messages

// One message of 100 bytes from a to b.
static void talk(struct hall *h, double *sent, double *received, size_t *bytes)
{
    static const uint8_t data[100];
    struct mls_buf m;
    struct mls_received r;
    double t0 = bench_cpu();
    bench_check((enum err)mls_group_protect(h->a, (struct mls_span){data, sizeof data}, (struct mls_span){0}, &m),
                "protect");
    double t1 = bench_cpu();
    bench_check((enum err)mls_group_receive(h->b, (struct mls_span){m.data, m.size}, &r), "unprotect");
    *received = bench_cpu() - t1;
    *sent = t1 - t0;
    *bytes = m.size;
    mls_buf_free(&m);
    mls_received_free(&r);
}

static void bench_messages(struct hall *h)
{
    enum { ROUNDS = 50, BATCH = 10 };
    static struct sample out, in, both, first, later;
    static const struct counts none;
    struct units before = {0}, after = {0};
    struct shape s;
    size_t bytes = 0;
    double x, y;
    out.n = in.n = both.n = first.n = later.n = 0;
    shape_of(h, &h->a->tree, 0, h->n - 1, NULL, &s);
    const struct counts protect = floor_protect(&s), unprotect = floor_unprotect(&s);
    struct counts sum = protect;
    for (size_t i = 0; i < UNITS; i++) sum.n[i] += unprotect.n[i];
    for (size_t i = 0; i < ROUNDS; i++) {
        hall_fresh(h);
        talk(h, &x, &y, &bytes);
        put(&first, x + y, &before, &after, &none);
        units_measure(&h->algo, 1, &before);
        double sent = 0, received = 0;
        for (size_t j = 0; j < BATCH; j++) {
            talk(h, &x, &y, &bytes);
            sent += x / BATCH;
            received += y / BATCH;
        }
        units_measure(&h->algo, 1, &after);
        put(&out, sent, &before, &after, &protect);
        put(&in, received, &before, &after, &unprotect);
        put(&both, sent + received, &before, &after, &sum);
        later.ratio[later.n++] = first.us[i] / (sent + received);
    }
    print_row(h, "protect 100 B", &out);
    print_row(h, "unprotect 100 B", &in);
    print_row(h, "protect + unprotect 100 B", &both);
    print_head(h, "first message of an epoch, beside a later one");
    print_time(bench_median(first.us, first.n));
    print_time(bench_median(both.us, both.n));
    printf("%.2f |\n", bench_median(later.ratio, later.n));
    print_size(h, "message of 100 B: size", bytes);
}

// --------------------------------------------------------------------------------------------------------- storage

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
    static struct sample stored, restored;
    static const struct counts none;
    struct units before, after;
    struct shape s;
    size_t bytes = 0;
    stored.n = restored.n = 0;
    shape_of(h, &h->a->tree, 0, h->n - 1, NULL, &s);
    const struct counts floor = floor_restore(&s);
    hall_fresh(h);
    for (size_t i = 0, runs = runs_for(h, RUNS_MAX) + 1; i < runs; i++) {
        struct shelf shelf;
        struct mls_group *g = NULL;
        buf_init(&shelf.bytes, TLS_VECTOR_MAX);
        if (buf_grow(&shelf.bytes, 2 * (size_t)s.tree_bytes + 10000) != NULL)
            shelf.bytes.n = 0; // growing is not theirs
        bench_check(record_note_all(h->a), "note");
        measure_units(h, &before);
        double t0 = bench_cpu();
        bench_check((enum err)mls_group_changes(h->a, store, &shelf), "store");
        double t1 = bench_cpu();
        struct tls_reader r = tls_reader_of(buf_span(&shelf.bytes));
        double t2 = bench_cpu();
        bench_check((enum err)mls_group_restore(h->client, load, &r, &g), "restore");
        double t3 = bench_cpu();
        measure_units(h, &after);
        if (i > 0) put(&stored, t1 - t0, &before, &after, &none);
        if (i > 0) put(&restored, t3 - t2, &before, &after, &floor);
        bytes = shelf.bytes.n;
        mls_group_free(g);
        buf_wipe(&shelf.bytes);
    }
    print_row(h, "store everything", &stored);
    print_row(h, "restore", &restored);
    print_size(h, "stored state: size", bytes);
}

// ------------------------------------------------------------------------------------------------------------ main

static void bench_hall(uint16_t suite, uint32_t n, bool warm)
{
    static const struct {
        const char *name;
        void (*run)(struct hall *h);
    } rows[] = {{"update", bench_update},    {"add", bench_add},       {"join", bench_join},  {"remove", bench_remove},
                {"message", bench_messages}, {"store", bench_storage}, {"build", bench_build}};
    struct hall h;
    if (options.suite != 0 && options.suite != suite) return;
    if (options.tree != NULL && strcmp(options.tree, warm ? "warm" : "flat") != 0) return;
    bool linear = n == 5000 && options.only_n != n; // only there to show that building is linear
    if (linear && (warm || !wanted("build"))) return;
    hall_open(&h, suite, n, warm);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool built = rows[i].run == bench_build; // makes a tree of its own, which is flat
        if (wanted(rows[i].name) && !(built && warm) && (built || !linear)) rows[i].run(&h);
    }
    hall_close(&h);
}

int main(int argc, char **argv)
{
    static const uint16_t suites[] = {CRYPTO_X25519_AES128_SHA256_ED25519, CRYPTO_MLKEM768X25519_AES256_SHA384_ED25519};
    static const uint32_t sizes[] = {2, 10, 100, 1000, 5000, 10000};
    read_options(argc, argv);
    printf("| operation | suite | members | tree | median | floor | ratio |\n|---|---|---|---|---|---|---|\n");
    for (size_t s = 0; s < sizeof suites / sizeof *suites; s++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            if (sizes[i] > options.most || (options.only_n > 0 && sizes[i] != options.only_n)) continue;
            bench_hall(suites[s], sizes[i], true);
            bench_hall(suites[s], sizes[i], false);
        }
    }
    return 0;
}
