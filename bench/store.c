// SPDX-License-Identifier: Apache-2.0
//
// The bare store, without a relay in front of it: rows a second by batch size, beside a floor of plain SQLite in the same run; what an
// append and a start cost with few and with many logs; how long a commit takes while checkpoints go on. Every commit is synced,
// so the folder counts: WHIMBREL_BENCH_DIR names it.
//   bench-store [rates|logs|stalls] [--logs N] [--rows N] [--many N] [--seconds N]
#include "store/store.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PAYLOAD = 1024, SAMPLES = 1 << 20, CREATE_BATCH = 1000 };

static struct {
    const char *what;
    uint64_t logs, many, rows; // rows: a commit; 0: 1, 10, 100 and 1,000
    double seconds;
    char folder[400];
} options = {.what = "", .logs = 100000, .many = 100000, .seconds = 2};

static uint8_t payload[PAYLOAD];
static double sample[SAMPLES]; // milliseconds of each commit
static size_t samples;

static void check(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static uint64_t dice(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double percentile(double p)
{
    if (samples == 0) return 0;
    qsort(sample, samples, sizeof *sample, compare);
    return sample[(size_t)(p * (double)(samples - 1))];
}

// ----------------------------------------------------------------------------------------------------------- the engine

static const uint8_t *log_id(uint64_t n)
{
    static uint8_t id[WIRE_ID];
    for (size_t i = 0; i < 4; i++) {
        uint64_t x = dice(&(uint64_t){n * 4 + i});
        memcpy(id + 8 * i, &x, 8);
    }
    return id;
}

static struct store *open_store(const char *folder)
{
    struct store *s = NULL;
    const struct store_settings settings = {
        .log_max = 64 << 20, .retention = 30 * 86400, .blob_retention = 86400, .blob_max = 1 << 20, .cache = 64 << 20};
    (void)mkdir(folder, 0700);
    check(store_sqlite.open(folder, &settings, &s) == ERR_OK, "the store does not open");
    return s;
}

static void create_logs(struct store *s, uint64_t from, uint64_t to)
{
    const struct store_host host = {0};
    struct wire_grant g = {.rights = WIRE_RIGHTS, .to_seq = WIRE_NO_END};
    struct buf list;
    enum wire_code code = WIRE_OK;
    buf_init(&list, 1000);
    wire_put_grant(&list, &g);
    while (from < to) {
        check(store_sqlite.begin(s) == ERR_OK, "begin");
        for (unsigned i = 0; i < CREATE_BATCH && from < to; i++, from++) {
            enum err e = store_sqlite.log_create(s, log_id(from), 0, buf_span(&list), &host, 1, &code);
            check(e == ERR_OK && code == WIRE_OK, "create");
        }
        check(store_sqlite.commit(s) == ERR_OK, "commit");
    }
    buf_wipe(&list);
}

static void append_batch(struct store *s, uint64_t logs, unsigned rows, uint64_t *seed)
{
    static const uint8_t hash[WIRE_HASH] = {0};
    struct store_appended done;
    enum wire_code code;
    check(store_sqlite.begin(s) == ERR_OK, "begin");
    for (unsigned i = 0; i < rows; i++) {
        const struct store_append a = {.access = {.log = log_id(dice(seed) % logs), .hash = hash},
                                       .now = 1,
                                       .payload = span_of(payload, sizeof payload)};
        check(store_sqlite.log_append(s, &a, &done, &code) == ERR_OK && code == WIRE_OK, "append");
    }
    check(store_sqlite.commit(s) == ERR_OK, "commit");
}

// Rows a second; how long each commit took stays in `sample`.
static double append_for(struct store *s, uint64_t logs, unsigned rows, double seconds)
{
    static uint64_t seed = 7;
    double start = now_ms(), at = start;
    uint64_t n = 0;
    samples = 0;
    while (at - start < seconds * 1e3) {
        append_batch(s, logs, rows, &seed);
        double then = now_ms();
        if (samples < SAMPLES) sample[samples++] = then - at;
        at = then;
        n += rows;
    }
    return (double)n / (at - start) * 1e3;
}

// ------------------------------------------------------------------------------------------------------------ the floor

// As little as stores an entry durably and in order: a row, and an index that lets no seq come twice.
struct floor {
    sqlite3 *h;
    sqlite3_stmt *begin, *commit, *add;
    uint64_t *seq;
};

static void run_sql(sqlite3 *h, const char *sql) { check(sqlite3_exec(h, sql, NULL, NULL, NULL) == SQLITE_OK, sql); }

static void floor_open(struct floor *f, const char *folder, uint64_t logs)
{
    char path[600];
    (void)mkdir(folder, 0700);
    (void)snprintf(path, sizeof path, "%s/floor.db", folder);
    check(sqlite3_open(path, &f->h) == SQLITE_OK, "the floor does not open");
    run_sql(f->h, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=10000;"
                  "PRAGMA cache_size=-65536;"
                  "CREATE TABLE entry(id INTEGER PRIMARY KEY, log INTEGER, seq INTEGER, time INTEGER, payload BLOB);"
                  "CREATE UNIQUE INDEX entry_seq ON entry(log, seq);");
    check(sqlite3_prepare_v2(f->h, "BEGIN IMMEDIATE", -1, &f->begin, NULL) == SQLITE_OK, "prepare");
    check(sqlite3_prepare_v2(f->h, "COMMIT", -1, &f->commit, NULL) == SQLITE_OK, "prepare");
    check(sqlite3_prepare_v2(f->h, "INSERT INTO entry(log, seq, time, payload) VALUES(?1, ?2, 1, ?3)", -1, &f->add,
                             NULL) == SQLITE_OK,
          "prepare");
    f->seq = calloc(logs, sizeof *f->seq);
    check(f->seq != NULL, "memory");
}

static void step(sqlite3_stmt *q)
{
    check(sqlite3_step(q) == SQLITE_DONE, "a statement of the floor");
    (void)sqlite3_reset(q);
}

static double floor_for(struct floor *f, uint64_t logs, unsigned rows, double seconds)
{
    static uint64_t seed = 7;
    double start = now_ms();
    uint64_t n = 0;
    while (now_ms() - start < seconds * 1e3) {
        step(f->begin);
        for (unsigned i = 0; i < rows; i++, n++) {
            uint64_t log = dice(&seed) % logs;
            (void)sqlite3_bind_int64(f->add, 1, (int64_t)log);
            (void)sqlite3_bind_int64(f->add, 2, (int64_t)++f->seq[log]);
            (void)sqlite3_bind_blob(f->add, 3, payload, sizeof payload, SQLITE_STATIC);
            step(f->add);
        }
        step(f->commit);
    }
    return (double)n / (now_ms() - start) * 1e3;
}

static void floor_close(struct floor *f)
{
    (void)sqlite3_finalize(f->begin);
    (void)sqlite3_finalize(f->commit);
    (void)sqlite3_finalize(f->add);
    (void)sqlite3_close(f->h);
    free(f->seq);
}

// ------------------------------------------------------------------------------------------------------------- measures

static const char *inner(const char *name)
{
    static char path[500];
    (void)snprintf(path, sizeof path, "%s/%s", options.folder, name);
    return path;
}

static void rates(void)
{
    const unsigned usual[] = {1, 10, 100, 1000}, one[] = {(unsigned)options.rows};
    const unsigned *rows = options.rows > 0 ? one : usual;
    const size_t sizes = options.rows > 0 ? 1 : sizeof usual / sizeof *usual;
    struct store *s = open_store(inner("rates"));
    struct floor f;
    create_logs(s, 0, options.logs);
    floor_open(&f, inner("rates"), options.logs);
    printf("appends of 1 KiB to %llu random logs, each commit synced; rows/s\n", (unsigned long long)options.logs);
    printf("%12s %12s %12s %8s\n", "rows/commit", "store", "floor", "ratio");
    for (size_t i = 0; i < sizes; i++) {
        // In turns, so that both meet the same disk.
        double store = 0, floor = 0;
        for (int turn = 0; turn < 4; turn++) {
            store += append_for(s, options.logs, rows[i], options.seconds / 4) / 4;
            floor += floor_for(&f, options.logs, rows[i], options.seconds / 4) / 4;
        }
        printf("%12u %12.0f %12.0f %7.2f\n", rows[i], store, floor, store / floor);
        (void)fflush(stdout);
    }
    floor_close(&f);
    store_sqlite.close(s);
}

static void many_logs(void)
{
    double first = 0;
    printf("\nan append in batches of 100, and a start, by the number of logs\n%12s %12s %12s %12s\n", "logs", "us/append", "ratio",
           "start ms");
    for (uint64_t logs = 1000; logs <= options.many; logs *= 10) {
        char name[40];
        (void)snprintf(name, sizeof name, "logs-%llu", (unsigned long long)logs);
        struct store *s = open_store(inner(name));
        create_logs(s, 0, logs);
        (void)append_for(s, logs, 100, options.seconds / 2);
        double cost = 1e6 / append_for(s, logs, 100, options.seconds);
        store_sqlite.close(s);
        double start = now_ms();
        s = open_store(inner(name));
        double took = now_ms() - start;
        store_sqlite.close(s);
        if (first == 0) first = cost;
        printf("%12llu %12.1f %12.2f %12.1f\n", (unsigned long long)logs, cost, cost / first, took);
        (void)fflush(stdout);
    }
}

static void stalls(void)
{
    struct store *s = open_store(inner("stalls"));
    create_logs(s, 0, options.logs);
    printf("\ncommits of 100 rows, back to back, while checkpoints go on\n");
    double rate = append_for(s, options.logs, 100, 4 * options.seconds);
    printf("%12.0f rows/s; ms: p50 %.2f, p99 %.2f, p99.9 %.2f, max %.2f\n", rate, percentile(0.5), percentile(0.99),
           percentile(0.999), percentile(1));
    struct stat st;
    char path[600];
    (void)snprintf(path, sizeof path, "%s/store.db-wal", inner("stalls"));
    if (stat(path, &st) == 0) printf("%12.1f MiB of WAL at its longest\n", (double)st.st_size / (1 << 20));
    store_sqlite.close(s);
}

static void parse(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "0";
        if (strcmp(argv[i], "--logs") == 0) options.logs = strtoull(value, NULL, 10), i++;
        else if (strcmp(argv[i], "--rows") == 0) options.rows = strtoull(value, NULL, 10), i++;
        else if (strcmp(argv[i], "--many") == 0) options.many = strtoull(value, NULL, 10), i++;
        else if (strcmp(argv[i], "--seconds") == 0) options.seconds = strtod(value, NULL), i++;
        else options.what = argv[i];
    }
    check(options.logs > 0 && options.many > 0 && options.seconds > 0, "numbers are above 0");
}

static bool wanted(const char *what) { return options.what[0] == 0 || strcmp(options.what, what) == 0; }

int main(int argc, char **argv)
{
    const char *where = getenv("WHIMBREL_BENCH_DIR");
    char command[500];
    parse(argc, argv);
    for (size_t i = 0; i < sizeof payload; i++) payload[i] = (uint8_t)dice(&(uint64_t){i});
    (void)snprintf(options.folder, sizeof options.folder, "%.300s/whimbrel-bench-XXXXXX",
                   where != NULL ? where : "/var/tmp");
    check(mkdtemp(options.folder) != NULL, "no folder; WHIMBREL_BENCH_DIR names one");
    if (wanted("rates")) rates();
    if (wanted("logs")) many_logs();
    if (wanted("stalls")) stalls();
    (void)snprintf(command, sizeof command, "rm -rf '%s'", options.folder);
    return system(command) == 0 ? 0 : 1;
}
