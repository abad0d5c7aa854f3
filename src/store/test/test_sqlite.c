// SPDX-License-Identifier: Apache-2.0
//
// What only the SQLite engine has: a folder that one relay holds, files that are foreign, newer or damaged, backups while it
// writes, readers in threads, a WAL that does not grow for ever, and locks that other programs see.
#include "store/sqlite.h"
#include "store/test/stand.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct way way = {"sqlite", &store_sqlite, 1 << 20};

static int set_up(void **state)
{
    struct stand *t = malloc(sizeof *t);
    if (t == NULL) return -1;
    stand_init(t, &way);
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    stand_close(*state);
    free(*state);
    return 0;
}

static void stop(struct stand *t)
{
    if (t->r != NULL) t->e->reader_free(t->r);
    if (t->s != NULL) t->e->close(t->s);
    t->r = NULL;
    t->s = NULL;
}

static char *path_of(const struct stand *t, const char *name)
{
    static char path[200];
    (void)snprintf(path, sizeof path, "%s/%s", t->folder, name);
    return path;
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *h = NULL;
    assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
    assert_int_equal(sqlite3_exec(h, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(h), SQLITE_OK);
}

// -------------------------------------------------------------------------------------------------------------- opening

static void one_relay_has_a_folder(void **state)
{
    struct stand *t = *state;
    struct store *second = NULL;
    stand_start(t);
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(t->e->open(t->folder, &t->settings, &second), ERR_REFUSED);
    assert_null(second);
    assert_int_equal(stand_append(t, 'A', 'k', 0, "one"), WIRE_OK); // the first has noticed nothing
    // Beside it one may read.
    struct store_settings reading = t->settings;
    struct store_reader *r = NULL;
    struct store_totals n;
    reading.read_only = true;
    assert_ok(t->e->open(t->folder, &reading, &second));
    assert_ok(t->e->reader_new(second, &r));
    assert_ok(t->e->totals(r, &n));
    assert_int_equal(n.logs, 1);
    t->e->reader_free(r);
    t->e->close(second);
    assert_int_equal(stand_append(t, 'A', 'k', 0, "two"), WIRE_OK);
    stand_expect(t, 'A', 'k', "one,two");
    stop(t);
    stand_start(t); // whoever comes after it may
    stand_expect(t, 'A', 'k', "one,two");
}

// SQLite's lock on the file tells other programs that somebody is there. One that thinks itself alone deletes the WAL when it goes.
static void other_programs_see_that_it_is_open(void **state)
{
    struct stand *t = *state;
    int status = 0;
    stand_start(t);
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(stand_append(t, 'A', 'k', 0, "one"), WIRE_OK);
    char *path = path_of(t, "store.db");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        int fd = open(path, O_RDWR | O_CLOEXEC);
        bool locked = fd >= 0 && fcntl(fd, F_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
        _exit(locked ? 7 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

static void files_are_their_owners(void **state)
{
    struct stand *t = *state;
    static const char *const files[] = {"store.db", "store.db-wal", "blobs.db", "lock", "blobs"};
    struct stat st;
    mode_t mask = umask(0);
    stand_start(t);
    (void)umask(mask);
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        assert_int_equal(stat(path_of(t, files[i]), &st), 0);
        assert_int_equal(st.st_mode & 077, 0);
    }
}

static bool lies_in(const char *path, const char *text)
{
    static char bytes[1 << 20];
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t n = fread(bytes, 1, sizeof bytes, f);
    assert_int_equal(fclose(f), 0);
    return memmem(bytes, n, text, strlen(text)) != NULL;
}

// Whoever takes the disk finds what is kept, and not what was.
static void what_is_deleted_is_overwritten(void **state)
{
    struct stand *t = *state;
    stand_start(t);
    for (uint8_t log = 'A'; log <= 'B'; log++) {
        assert_int_equal(stand_create(t, log, 'k'), WIRE_OK);
        assert_int_equal(stand_append(t, log, 'k', 0, log == 'A' ? "what-was-deleted" : "what-is-kept"), WIRE_OK);
        assert_int_equal(stand_put(t, log, 'k', 'd', "last", log == 'A' ? "package-that-went" : "package-that-is"),
                         WIRE_OK);
    }
    stop(t);
    assert_true(lies_in(path_of(t, "store.db"), "what-was-deleted"));
    stand_start(t);
    assert_int_equal(stand_delete(t, 'A', 'k'), WIRE_OK);
    stop(t);
    assert_false(lies_in(path_of(t, "store.db"), "what-was-deleted"));
    assert_false(lies_in(path_of(t, "store.db"), "package-that-went"));
    assert_true(lies_in(path_of(t, "store.db"), "what-is-kept"));
    assert_true(lies_in(path_of(t, "store.db"), "package-that-is"));
}

static void expect_refused(struct stand *t, enum err want)
{
    struct store *s = NULL;
    assert_int_equal(t->e->open(t->folder, &t->settings, &s), want);
    assert_null(s);
}

static void foreign_and_newer_files_are_left_alone(void **state)
{
    struct stand *t = *state;
    static uint8_t was[20000], now[20000];
    const char *foreign = "CREATE TABLE other(x); INSERT INTO other VALUES(1);";
    run_sql(path_of(t, "store.db"), foreign);
    FILE *f = fopen(path_of(t, "store.db"), "rb");
    assert_non_null(f);
    size_t n = fread(was, 1, sizeof was, f);
    assert_int_equal(fclose(f), 0);
    expect_refused(t, ERR_UNSUPPORTED);
    f = fopen(path_of(t, "store.db"), "rb");
    assert_non_null(f);
    assert_int_equal(fread(now, 1, sizeof now, f), n);
    assert_int_equal(fclose(f), 0);
    assert_memory_equal(was, now, n);
    assert_int_equal(remove(path_of(t, "store.db")), 0);
    stand_start(t);
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    stop(t);
    run_sql(path_of(t, "store.db"), "PRAGMA user_version=2");
    expect_refused(t, ERR_UNSUPPORTED);
    run_sql(path_of(t, "store.db"), "PRAGMA user_version=1");
    stand_start(t);
    assert_int_equal(stand_view(t, 'A', 'k'), WIRE_OK);
}

static void no_database_is_said_to_be_damaged(void **state)
{
    struct stand *t = *state;
    FILE *f = fopen(path_of(t, "store.db"), "wb");
    assert_non_null(f);
    for (int i = 0; i < 3000; i++) (void)fputs("no database ", f);
    assert_int_equal(fclose(f), 0);
    expect_refused(t, ERR_CORRUPT);
    assert_int_equal(remove(path_of(t, "store.db")), 0);
    struct store *s = NULL;
    assert_int_not_equal(t->e->open("/nowhere/at/all", &t->settings, &s), ERR_OK);
    assert_null(s);
}

// -------------------------------------------------------------------------------------------------------------- damage

static void complain(void *arg, const char *text)
{
    (*(size_t *)arg)++;
    assert_true(strlen(text) > 3);
}

static size_t complaints(struct stand *t)
{
    size_t n = 0;
    assert_ok(t->e->check(t->r, complain, &n));
    return n;
}

static void fill(struct stand *t)
{
    stand_begin(t);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(stand_create(t, (uint8_t)i, 'k'), WIRE_OK);
        for (int k = 0; k < 10; k++) assert_int_equal(stand_append_n(t, (uint8_t)i, 'k', 0, (char)k, 300), WIRE_OK);
    }
    stand_commit(t);
    assert_int_equal(stand_blob_create(t, 'b', 'w', 100, 0), WIRE_OK);
    assert_int_equal(stand_blob_append(t, 'b', 'w', 0, 'x', 100), WIRE_OK);
    assert_int_equal(stand_blob_seal(t, 'b', 'w', 100), WIRE_OK);
}

static void a_sound_store_is_not_complained_of(void **state)
{
    struct stand *t = *state;
    t->host = (struct store_host){.id = 7};
    stand_start(t);
    assert_int_equal(complaints(t), 0);
    fill(t);
    assert_int_equal(stand_delete(t, 3, 'k'), WIRE_OK);
    assert_int_equal(stand_create(t, 4, 'k'), WIRE_E_EXISTS);
    assert_int_equal(complaints(t), 0);
    t->now += 1000000;
    stand_expire(t);
    stand_blob_expire(t);
    assert_int_equal(stand_append(t, 9, 'k', 0, "x"), WIRE_OK);
    assert_int_equal(complaints(t), 0);
}

static void what_does_not_fit_is_complained_of(void **state)
{
    static const char *const damage[] = {
        "DELETE FROM entry WHERE id=55",
        "DELETE FROM log WHERE number=7",
        "UPDATE entry SET total=total+1 WHERE id=55",
        "UPDATE log SET next=3, alive=0 WHERE number=9",
        "UPDATE usage SET bytes=bytes+5",
    };
    struct stand *t = *state;
    t->host = (struct store_host){.id = 7};
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        stand_start(t);
        fill(t);
        stop(t);
        run_sql(path_of(t, "store.db"), damage[i]);
        stand_start(t);
        if (complaints(t) == 0) fail_msg("nobody complains of %s", damage[i]);
        stop(t);
        stand_folder_remove(t->folder);
        assert_int_equal(mkdir(t->folder, 0700), 0);
    }
    // A blob's file that is gone, or cut.
    stand_start(t);
    fill(t);
    char path[300];
    int n = snprintf(path, sizeof path, "%s/blobs/62/", t->folder);
    for (int k = 0; k < WIRE_HASH; k++) n += snprintf(path + n, sizeof path - (size_t)n, "62");
    assert_int_equal(truncate(path, 99), 0);
    assert_int_equal(complaints(t), 1);
    assert_int_equal(remove(path), 0);
    assert_int_equal(complaints(t), 1);
}

// Bytes of the file are changed here and there: whatever comes of it is an error, never a crash; and check says so, unless it were the
// bytes of a payload, of which only its readers know what they should be.
static void flipped_bytes_are_no_crash(void **state)
{
    struct stand *t = *state;
    static uint8_t was[1 << 20];
    size_t refused = 0, complained = 0, silent = 0;
    stand_start(t);
    fill(t);
    stop(t);
    FILE *f = fopen(path_of(t, "store.db"), "rb");
    assert_non_null(f);
    size_t n = fread(was, 1, sizeof was, f);
    assert_int_equal(fclose(f), 0);
    for (size_t at = 0; at < n; at += at < 200 ? 9 : at % 4096 < 120 ? 47 : 1500) {
        uint8_t byte = was[at];
        struct store *s = NULL;
        was[at] ^= 0xa5;
        f = fopen(path_of(t, "store.db"), "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(was, 1, n, f), n);
        assert_int_equal(fclose(f), 0);
        was[at] = byte;
        enum err e = t->e->open(t->folder, &t->settings, &s);
        struct store_reader *r = NULL;
        if (e == ERR_OK) e = t->e->reader_new(s, &r);
        if (e == ERR_OK) {
            size_t k = 0;
            if (t->e->check(r, complain, &k) != ERR_OK || k > 0) complained++;
            else silent++;
            t->s = s;
            t->r = r;
            for (int i = 0; i < 50; i++) { // reading and writing all of it
                struct buf out;
                uint8_t log[WIRE_ID], hash[WIRE_HASH];
                enum wire_code code;
                struct store_appended done;
                memset(log, i, sizeof log);
                memset(hash, 'k', sizeof hash);
                buf_init(&out, 1 << 20);
                struct store_append a = {.access = {.log = log, .hash = hash}, .now = t->now, .payload = span_str("x")};
                (void)!t->e->read(r, &a.access, 0, 0, &out, &t->view, &code);
                buf_wipe(&out);
                if (t->e->begin(s) != ERR_OK) continue;
                if (t->e->log_append(s, &a, &done, &code) != ERR_OK || t->e->commit(s) != ERR_OK) t->e->rollback(s);
            }
        } else {
            assert_true(e == ERR_CORRUPT || e == ERR_UNSUPPORTED || e == ERR_IO);
            refused++;
        }
        if (r != NULL) t->e->reader_free(r);
        if (s != NULL) t->e->close(s);
        t->seen_n = 0;
        t->s = NULL;
        t->r = NULL;
        (void)remove(path_of(t, "store.db-wal"));
        (void)remove(path_of(t, "store.db-shm"));
    }
    print_message("# %zu refused, %zu complained of, %zu not\n", refused, complained, silent);
    assert_true(refused > 5);
    assert_true(complained > 10);
}

// -------------------------------------------------------------------------------------------------------------- backups

struct writer {
    struct stand *t;
    atomic_bool stop;
    size_t batches;
};

// Each batch appends one entry to both logs: so a store in which they differ is of no one moment.
static void *write_on(void *arg)
{
    struct writer *w = arg;
    while (!atomic_load(&w->stop)) {
        stand_begin(w->t);
        assert_int_equal(stand_append_n(w->t, 'A', 'k', 0, 'a', 2000), WIRE_OK);
        assert_int_equal(stand_append_n(w->t, 'B', 'k', 0, 'b', 2000), WIRE_OK);
        stand_commit(w->t);
        w->t->seen_n = 0;
        w->batches++;
    }
    return NULL;
}

static void start_writing(struct stand *t, struct writer *w, pthread_t *thread)
{
    t->settings.log_max = 1 << 30;
    stand_start(t);
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(stand_create(t, 'B', 'k'), WIRE_OK);
    *w = (struct writer){.t = t};
    assert_int_equal(pthread_create(thread, NULL, write_on, w), 0);
}

static void a_backup_is_of_one_moment(void **state)
{
    struct stand *t = *state, *copy = malloc(sizeof *copy);
    struct writer w;
    pthread_t thread;
    assert_non_null(copy);
    start_writing(t, &w, &thread);
    for (int i = 0; i < 5; i++) {
        stand_init(copy, &way);
        (void)usleep(20000);
        assert_ok(t->e->backup(t->r, path_of(copy, "store.db")));
        assert_int_equal(t->e->backup(t->r, path_of(copy, "store.db")), ERR_REFUSED); // there is one
        stand_start(copy);
        assert_int_equal(complaints(copy), 0);
        assert_int_equal(stand_view(copy, 'A', 'k'), WIRE_OK);
        uint64_t head = copy->view.head.head;
        assert_int_equal(stand_view(copy, 'B', 'k'), WIRE_OK);
        assert_int_equal(copy->view.head.head, head);
        assert_int_equal(stand_append(copy, 'A', 'k', 0, "goes on"), WIRE_OK);
        assert_int_equal(copy->appended.seq, head + 1);
        stand_close(copy);
    }
    atomic_store(&w.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(w.batches > 5);
    // One that is there, though empty, is somebody's.
    FILE *f = fopen(path_of(t, "empty"), "wb");
    assert_non_null(f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(t->e->backup(t->r, path_of(t, "empty")), ERR_REFUSED);
    assert_int_equal(t->e->backup(t->r, path_of(t, "no/such/folder")), ERR_IO);
    free(copy);
}

static void readers_see_whole_batches(void **state)
{
    struct stand *t = *state;
    struct writer w;
    pthread_t thread;
    struct store_view a = {0}, b = {0};
    uint8_t log_a[WIRE_ID], log_b[WIRE_ID], hash[WIRE_HASH];
    uint64_t last = 0;
    memset(log_a, 'A', sizeof log_a);
    memset(log_b, 'B', sizeof log_b);
    memset(hash, 'k', sizeof hash);
    start_writing(t, &w, &thread);
    for (int i = 0; i < 2000; i++) {
        enum wire_code code;
        assert_ok(t->e->view(t->r, &(struct store_access){log_a, hash}, &a, &code));
        assert_ok(t->e->view(t->r, &(struct store_access){log_b, hash}, &b, &code));
        assert_true(b.head.head >= a.head.head && a.head.head >= last); // never back
        last = b.head.head;
    }
    atomic_store(&w.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

// However much is written at once: the WAL is begun anew before it holds all of it.
static void the_wal_does_not_grow_for_ever(void **state)
{
    struct stand *t = *state;
    struct stat st;
    off_t most = 0;
    t->settings.log_max = 4 << 20;
    stand_start(t);
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    for (int i = 0; i < 100; i++) { // 400 MiB
        stand_begin(t);
        for (int k = 0; k < 64; k++) assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'x', WIRE_ENTRY_MAX), WIRE_OK);
        stand_commit(t);
        t->seen_n = 0;
        assert_int_equal(stat(path_of(t, "store.db-wal"), &st), 0);
        if (st.st_size > most) most = st.st_size;
    }
    print_message("# at most %lld MiB\n", (long long)most >> 20);
    assert_true(most < 360 << 20);
    assert_int_equal(stand_view(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(t->view.head.head, 100 * 64);
}

// What is kept at hand is bounded in bytes, whatever a log's grants weigh.
static void logs_at_hand_are_bounded(void **state)
{
    enum { LOGS = 60, GRANTS = 1000 };
    struct stand *t = *state;
    struct wire_grant g = stand_grant('r', WIRE_READ, 0, WIRE_NO_END);
    stand_start(t);
    for (uint8_t log = 0; log < LOGS; log++) {
        stand_begin(t);
        assert_int_equal(stand_create(t, log, 'k'), WIRE_OK);
        for (unsigned i = 0; i < GRANTS; i++) {
            memcpy(g.hash, &i, sizeof i);
            assert_int_equal(stand_grant_set(t, log, 'k', g), WIRE_OK);
        }
        stand_commit(t);
        t->seen_n = 0;
        // One more than there may be, until the next one comes.
        assert_true(t->s->hot_bytes <= t->settings.cache / 2 + 1024 * sizeof g + 1000);
    }
    assert_true(t->s->hot_bytes > t->settings.cache / 4);
    stand_reopen(t);
    for (uint8_t log = 0; log < LOGS; log++) {
        assert_int_equal(stand_append(t, log, 'k', 0, "x"), WIRE_OK);
        assert_true(t->s->hot_bytes <= t->settings.cache / 2 + 1024 * sizeof g + 1000);
    }
}

// Each host has a place in memory for what it uses. When there is none left a new one gets nothing, instead of all it likes.
static void one_host_too_many_has_nothing(void **state)
{
    enum { HOSTS = 1024 };
    struct stand *t = *state;
    struct wire_grant g = stand_grant('k', WIRE_RIGHTS, 0, WIRE_NO_END);
    struct buf list;
    uint8_t log[WIRE_ID] = {0};
    enum wire_code code;
    stand_start(t);
    buf_init(&list, 100);
    wire_put_grant(&list, &g);
    stand_begin(t);
    for (uint32_t id = 1; id <= HOSTS + 1; id++) {
        const struct store_host host = {.id = id, .logs_max = 1, .bytes_max = 10};
        memcpy(log, &id, sizeof id);
        assert_ok(t->e->log_create(t->s, log, 0, buf_span(&list), &host, t->now, &code));
        assert_int_equal(code, id <= HOSTS ? WIRE_OK : WIRE_E_QUOTA);
    }
    stand_commit(t);
    buf_wipe(&list);
    t->host = (struct store_host){.id = HOSTS + 1, .bytes_max = 10};
    assert_int_equal(stand_blob_create(t, 'b', 'w', 5, 0), WIRE_E_QUOTA);
    // One that has nothing any more makes room.
    uint32_t id = 77;
    memcpy(log, &id, sizeof id);
    stand_begin(t);
    assert_ok(t->e->log_delete(t->s, &(struct store_access){.log = log, .hash = g.hash}, &code));
    stand_commit(t);
    assert_int_equal(code, WIRE_OK);
    stand_reopen(t);
    assert_int_equal(stand_blob_create(t, 'b', 'w', 5, 0), WIRE_OK);
    assert_int_equal(stand_blob_create(t, 'c', 'w', 6, 0), WIRE_E_QUOTA);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(one_relay_has_a_folder),
        TEST(other_programs_see_that_it_is_open),
        TEST(files_are_their_owners),
        TEST(what_is_deleted_is_overwritten),
        TEST(foreign_and_newer_files_are_left_alone),
        TEST(no_database_is_said_to_be_damaged),
        TEST(a_sound_store_is_not_complained_of),
        TEST(what_does_not_fit_is_complained_of),
        TEST(flipped_bytes_are_no_crash),
        TEST(a_backup_is_of_one_moment),
        TEST(readers_see_whole_batches),
        TEST(the_wal_does_not_grow_for_ever),
        TEST(logs_at_hand_are_bounded),
        TEST(one_host_too_many_has_nothing),
    };
    return unit_run("store-sqlite", tests);
}
