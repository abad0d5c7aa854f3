// SPDX-License-Identifier: Apache-2.0
//
// Vaults: what opens one and what does not, each with an error of its own; nothing readable in its files; migrations; changes of
// passphrase; damage in every part of the file of keys.
#include "unit.h"

#include "vault/keys.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];
static const char *const first[] = {"CREATE TABLE note(text TEXT NOT NULL) STRICT"};
static const char *const both[] = {"CREATE TABLE note(text TEXT NOT NULL) STRICT",
                                   "ALTER TABLE note ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0; INSERT INTO note(text) VALUES('new')"};
static const struct vault_migrations one = {first, 1}, two = {both, 2};

static struct vault_secret passphrase(const char *text)
{
    return (struct vault_secret){.kind = VAULT_PASSPHRASE, .bytes = span_str(text), .passes = 1, .memory_kib = 64};
}

static const uint8_t ring_bytes[VAULT_SECRET] = {9, 8, 7};
static const struct vault_secret ring = {.kind = VAULT_KEYRING, .bytes = {ring_bytes, VAULT_SECRET}};

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/whimbrel-vault-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static int drop_folder(void **state)
{
    (void)state;
    return nftw(folder, drop, 8, FTW_DEPTH | FTW_PHYS);
}

static struct vault *create(const struct vault_secret secret)
{
    struct vault *v = NULL;
    assert_ok(vault_create(folder, &secret, &one, &v));
    assert_ok(vault_keep(v));
    return v;
}

static enum err open_with(const struct vault_secret secret, const struct vault_migrations *m, struct vault **out)
{
    *out = NULL;
    return vault_open(folder, &secret, m, out);
}

static void run(struct vault *v, const char *sql)
{
    if (sqlite3_exec(vault_db(v), sql, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(vault_db(v)));
}

static int64_t ask(struct vault *v, const char *sql)
{
    sqlite3_stmt *q = NULL;
    assert_int_equal(sqlite3_prepare_v2(vault_db(v), sql, -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(q, 0);
    (void)sqlite3_finalize(q);
    return n;
}

static void what_was_stored_is_there_again(void **state)
{
    (void)state;
    struct vault *v = create(passphrase("correct horse"));
    run(v, "INSERT INTO note VALUES('hello')");
    vault_close(v);
    assert_ok(open_with(passphrase("correct horse"), &one, &v));
    assert_int_equal(ask(v, "SELECT count(*) FROM note WHERE text='hello'"), 1);
    assert_int_equal(ask(v, "SELECT sqlite_compileoption_used('ENABLE_FTS5')"), 1);
    vault_close(v);
    vault_close(NULL);
}

static void each_failure_has_its_error(void **state)
{
    struct vault *v = NULL, *other = NULL;
    char path[100];
    (void)state;
    assert_int_equal(open_with(passphrase("x"), &one, &v), ERR_NOT_FOUND);
    const struct vault_secret none = {.kind = VAULT_PASSPHRASE}, costly = {.kind = VAULT_PASSPHRASE, .bytes = span_str("x"), .passes = 65};
    assert_int_equal(vault_create(folder, &none, &one, &v), ERR_INVALID);
    assert_int_equal(vault_create(folder, &costly, &one, &v), ERR_INVALID);
    v = create(passphrase("right"));
    assert_int_equal(open_with(passphrase("right"), &one, &other), ERR_REFUSED);
    assert_int_equal(vault_create(folder, &ring, &one, &other), ERR_REFUSED);
    vault_close(v);
    const struct vault_secret right = passphrase("right");
    assert_int_equal(vault_create(folder, &right, &one, &other), ERR_REFUSED);
    assert_int_equal(open_with(passphrase("wrong"), &one, &v), ERR_UNAUTHENTICATED);
    assert_int_equal(open_with(passphrase(""), &one, &v), ERR_UNAUTHENTICATED);
    assert_int_equal(open_with(passphrase("right "), &one, &v), ERR_UNAUTHENTICATED);
    assert_int_equal(open_with(ring, &one, &v), ERR_INVALID);
    assert_int_equal(vault_open("/nowhere/at/all", &right, &one, &v), ERR_NOT_FOUND);
    // the database is not there, or of somebody else
    (void)snprintf(path, sizeof path, "%s/profile.db", folder);
    assert_int_equal(truncate(path, 0), 0);
    (void)snprintf(path, sizeof path, "%s/profile.db-wal", folder);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/profile.db", folder);
    assert_int_equal(open_with(passphrase("right"), &one, &v), ERR_CORRUPT); // what was there is not made anew, empty
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (int i = 0; i < 2000; i++) assert_int_equal(fwrite("not a database.", 1, 15, f), 15);
    fclose(f);
    assert_int_equal(open_with(passphrase("right"), &one, &v), ERR_CORRUPT);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(open_with(passphrase("right"), &one, &v), ERR_CORRUPT);
    for (int e = 0; e < ERR_CLASSES; e++) assert_true(strlen(vault_text((enum err)e)) > 5);
}

// Looks for bytes in all files of the folder.
static bool anywhere(const char *what, size_t n)
{
    DIR *d = opendir(folder);
    bool found = false;
    assert_non_null(d);
    for (struct dirent *x; (x = readdir(d)) != NULL;) {
        char path[400];
        static uint8_t bytes[4 << 20];
        (void)snprintf(path, sizeof path, "%s/%s", folder, x->d_name);
        FILE *f = fopen(path, "rb");
        if (f == NULL) continue;
        size_t got = fread(bytes, 1, sizeof bytes, f);
        fclose(f);
        found = found || memmem(bytes, got, what, n) != NULL;
    }
    closedir(d);
    return found;
}

static void nothing_readable_is_in_the_files(void **state)
{
    (void)state;
    struct vault *v = create(passphrase("an open secret"));
    run(v, "CREATE VIRTUAL TABLE words USING fts5(body)");
    run(v, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
           " INSERT INTO note SELECT 'plain words of mine ' || i FROM n");
    run(v, "INSERT INTO words SELECT text FROM note");
    for (int closed = 0; closed < 2; closed++) { // first with its log beside it
        assert_false(anywhere("plain words", 11));
        assert_false(anywhere("CREATE TABLE", 12));
        assert_false(anywhere("SQLite format", 13));
        assert_false(anywhere("an open secret", 14));
        if (!closed) vault_close(v);
    }
    assert_true(anywhere("whimkeys", 8)); // the search finds what is there
}

static void files_are_the_owners_alone(void **state)
{
    (void)state;
    umask(0);
    struct vault *v = create(ring);
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *x; (x = readdir(d)) != NULL;) {
        char path[400];
        struct stat st;
        if (x->d_name[0] == '.') continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, x->d_name);
        assert_int_equal(stat(path, &st), 0);
        if ((st.st_mode & 077) != 0) fail_msg("%s may be used by others", x->d_name);
    }
    closedir(d);
    vault_close(v);
    umask(022);
}

static void migrations_run_once_and_in_order(void **state)
{
    static const char *const broken[] = {"CREATE TABLE note(text TEXT NOT NULL) STRICT", "INSERT INTO note(text) VALUES('half'); nonsense"};
    const struct vault_migrations bad = {broken, 2};
    (void)state;
    struct vault *v = create(passphrase("x"));
    run(v, "INSERT INTO note VALUES('old')");
    vault_close(v);
    assert_int_equal(open_with(passphrase("x"), &bad, &v), ERR_IO);
    assert_ok(open_with(passphrase("x"), &one, &v)); // nothing of it stayed
    assert_int_equal(ask(v, "SELECT count(*) FROM note"), 1);
    vault_close(v);
    for (int again = 0; again < 2; again++) {
        assert_ok(open_with(passphrase("x"), &two, &v));
        assert_int_equal(ask(v, "SELECT count(*) FROM note WHERE pinned=0"), 2);
        vault_close(v);
    }
    assert_int_equal(open_with(passphrase("x"), &one, &v), ERR_UNSUPPORTED); // an older program
}

static void passphrases_can_be_changed(void **state)
{
    struct vault *v = create(passphrase("old"));
    unsigned kinds = 0;
    (void)state;
    run(v, "INSERT INTO note VALUES('kept')");
    const struct vault_secret fresh = passphrase("new"), none = {.kind = VAULT_PASSPHRASE};
    assert_int_equal(vault_set_secret(v, &none), ERR_INVALID);
    assert_ok(vault_set_secret(v, &fresh));
    assert_int_equal(vault_drop_secret(v, VAULT_KEYRING), ERR_NOT_FOUND);
    assert_int_equal(vault_drop_secret(v, VAULT_PASSPHRASE), ERR_MISUSE);
    char name[VAULT_KEYRING_NAME], again[VAULT_KEYRING_NAME];
    const struct vault_secret old = passphrase("old");
    assert_int_equal(vault_check_secret(v, &old), ERR_UNAUTHENTICATED);
    assert_ok(vault_check_secret(v, &fresh));
    assert_int_equal(vault_check_secret(v, &ring), ERR_INVALID);
    assert_int_equal(vault_keyring_name(folder, name), ERR_NOT_FOUND);
    assert_ok(vault_set_secret(v, &ring));
    assert_ok(vault_check_secret(v, &ring));
    assert_ok(vault_keyring_name(folder, name));
    assert_int_equal(strspn(name, "0123456789abcdef"), VAULT_KEYRING_NAME - 1);
    assert_ok(vault_set_secret(v, &ring));
    assert_ok(vault_keyring_name(folder, again));
    assert_string_not_equal(name, again);
    vault_close(v);
    assert_ok(vault_kinds(folder, &kinds));
    assert_int_equal(kinds, 1U << VAULT_PASSPHRASE | 1U << VAULT_KEYRING);
    assert_int_equal(open_with(passphrase("old"), &one, &v), ERR_UNAUTHENTICATED);
    assert_ok(open_with(passphrase("new"), &one, &v));
    vault_close(v);
    assert_ok(open_with(ring, &one, &v));
    assert_int_equal(ask(v, "SELECT count(*) FROM note WHERE text='kept'"), 1);
    assert_ok(vault_drop_secret(v, VAULT_PASSPHRASE));
    vault_close(v);
    assert_int_equal(open_with(passphrase("new"), &one, &v), ERR_INVALID);
    assert_ok(open_with(ring, &one, &v));
    vault_close(v);
}

// The file of keys with each byte changed: never the key, never a crash, and an error that says what it is.
static void damaged_keys_do_not_open(void **state)
{
    struct keys k = {0}, back;
    struct buf b;
    uint8_t key[KEYS_KEY] = {1, 2, 3}, got[KEYS_KEY];
    (void)state;
    assert_ok(keys_seal(&k, &ring, key));
    const struct vault_secret weak = passphrase("weak");
    assert_ok(keys_seal(&k, &weak, key));
    buf_init(&b, KEYS_FILE_MAX);
    keys_encode(&k, &b);
    assert_ok(buf_end(&b));
    assert_ok(keys_decode(buf_span(&b), &back));
    assert_ok(keys_open(&back, &weak, got));
    assert_memory_equal(got, key, KEYS_KEY);
    for (size_t n = 0; n < b.n; n++) assert_int_not_equal(keys_decode(span_of(b.p, n), &back), ERR_OK);
    for (size_t i = 0; i < b.n; i++) {
        b.p[i] ^= 1;
        enum err e = keys_decode(buf_span(&b), &back);
        enum err opens = e == ERR_OK ? keys_open(&back, &ring, got) : ERR_CORRUPT;
        enum err opens_too = e == ERR_OK ? keys_open(&back, &weak, got) : ERR_CORRUPT;
        if (i < 9) assert_int_equal(e, ERR_UNSUPPORTED); // magic and version
        else if (opens == ERR_OK && opens_too == ERR_OK) fail_msg("a change of byte %zu was not noticed", i);
        b.p[i] ^= 1;
    }
    buf_put_u8(&b, 0);
    assert_int_equal(keys_decode(buf_span(&b), &back), ERR_CORRUPT);
    buf_wipe(&b);
    k.slot[0] = k.slot[1]; // two of a kind
    keys_encode(&k, &b);
    assert_int_equal(keys_decode(buf_span(&b), &back), ERR_CORRUPT);
    buf_wipe(&b);
}

// A file of keys from somebody else asks for no more than a machine has, and no more time than somebody waits.
static void what_keys_may_cost_is_bounded(void **state)
{
    const struct {
        uint32_t passes, memory_kib;
        bool ok;
    } costs[] = {{64, 256 << 10, true},
                 {16, 1 << 20, true},
                 {17, 1 << 20, false},
                 {65, 8, false},
                 {1, (1 << 20) + 1, false},
                 {1, 4 << 20, false},
                 {64, (256 << 10) + 1, false},
                 {UINT32_MAX, UINT32_MAX, false},
                 {1, 7, false},
                 {0, 8, false}};
    (void)state;
    for (size_t i = 0; i < sizeof costs / sizeof *costs; i++) {
        struct keys k = {.n = 1}, back;
        struct buf b;
        k.slot[0] =
            (struct keys_slot){.kind = VAULT_PASSPHRASE, .passes = costs[i].passes, .memory_kib = costs[i].memory_kib};
        buf_init(&b, KEYS_FILE_MAX);
        keys_encode(&k, &b);
        assert_int_equal(keys_decode(buf_span(&b), &back), costs[i].ok ? ERR_OK : ERR_CORRUPT);
        buf_wipe(&b);
    }
}

// Another process, killed while it had the vault open and a transaction under way.
static void a_crash_loses_nothing_committed(void **state)
{
    (void)state;
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct vault *v = create(passphrase("x"));
        run(v, "INSERT INTO note VALUES('committed')");
        run(v, "BEGIN; INSERT INTO note VALUES('not committed')");
        (void)!write(ready[1], "x", 1);
        for (;;) pause();
    }
    char c;
    assert_int_equal(read(ready[0], &c, 1), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ready[0]);
    close(ready[1]);
    struct vault *v = NULL;
    assert_ok(open_with(passphrase("x"), &one, &v));
    assert_int_equal(ask(v, "SELECT count(*) FROM note"), 1);
    vault_close(v);
}

// Whatever cuts a new vault short: the next attempt begins anew. A database whose keys are gone is left alone.
static void what_was_not_kept_is_begun_anew(void **state)
{
    struct vault *v = NULL;
    char path[100];
    const struct vault_secret first_try = passphrase("first");
    (void)state;
    for (int cut = 0; cut < 2; cut++) {
        if (cut == 0) { // closed
            assert_ok(vault_create(folder, &first_try, &one, &v));
            run(v, "INSERT INTO note VALUES('never kept')");
            vault_close(v);
        } else { // killed
            pid_t child = fork();
            if (child == 0) {
                if (vault_create(folder, &first_try, &one, &v) != ERR_OK) _exit(1);
                kill(getpid(), SIGKILL);
            }
            waitpid(child, NULL, 0);
            assert_true(anywhere("whimkeys", 8)); // what it left
        }
        assert_int_equal(open_with(first_try, &one, &v), ERR_NOT_FOUND);
    }
    v = create(passphrase("second"));
    assert_int_equal(ask(v, "SELECT count(*) FROM note"), 0);
    assert_int_equal(vault_keep(v), ERR_MISUSE);
    vault_close(v);
    assert_ok(open_with(passphrase("second"), &one, &v));
    vault_close(v);
    (void)snprintf(path, sizeof path, "%s/keys", folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(vault_create(folder, &first_try, &one, &v), ERR_REFUSED);
    (void)snprintf(path, sizeof path, "%s/profile.db", folder);
    assert_int_equal(access(path, F_OK), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, drop_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_stored_is_there_again),   TEST(each_failure_has_its_error),
        TEST(nothing_readable_is_in_the_files), TEST(files_are_the_owners_alone),
        TEST(migrations_run_once_and_in_order), TEST(passphrases_can_be_changed),
        TEST(damaged_keys_do_not_open),         TEST(what_keys_may_cost_is_bounded),
        TEST(a_crash_loses_nothing_committed),  TEST(what_was_not_kept_is_begun_anew),
    };
    return unit_run("vault", tests);
}
