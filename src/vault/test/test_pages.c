// SPDX-License-Identifier: Apache-2.0
//
// Pages: they are what SQLite3 Multiple Ciphers itself writes and reads by the name of chacha20, either way; no byte of a file can be changed
// unnoticed, nor can pages change places; counters that begin anew.
#include "unit.h"

#include "vault/pages.h"
#include "vault/vault.h"

#include <unistd.h>

enum { PAGE = 4096, ROWS = 400 };

static char path[64];

static int make_file(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/whimbrel-pages-XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 || close(fd) != 0 || unlink(path) != 0;
}

static int drop_file(void **state)
{
    (void)state;
    return unlink(path);
}

static sqlite3 *open_as(const char *cipher, const char *key)
{
    char pragma[64];
    sqlite3 *db = NULL;
    pages_register();
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    (void)snprintf(pragma, sizeof pragma, "PRAGMA cipher='%s'", cipher);
    assert_int_equal(sqlite3_exec(db, pragma, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_key(db, key, (int)strlen(key)), SQLITE_OK);
    return db;
}

static const char key_one[] = "raw:an unguessable key of thirty-two", key_two[] = "raw:Another";
_Static_assert(sizeof key_one == 4 + 32 + 1, "a vault's key");

static void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
}

static void fill(sqlite3 *db)
{
    run(db, "CREATE TABLE note(text TEXT); WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 400)"
            " INSERT INTO note SELECT printf('%0100d', i) FROM n");
}

// SQLITE_OK if all of it can be read; *rows: how much.
static int read_all(sqlite3 *db, int64_t *rows)
{
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(db, "SELECT count(DISTINCT text) FROM note", -1, &q, NULL);
    if (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) *rows = sqlite3_column_int64(q, 0);
    (void)sqlite3_finalize(q);
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static void they_are_chacha20s(void **state)
{
    static const char *const names[] = {PAGES_CIPHER, "chacha20"};
    int64_t rows = 0;
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        sqlite3 *db = open_as(names[i], key_one);
        if (i == 0) fill(db);
        else run(db, "UPDATE note SET text = text || ' and more'");
        (void)sqlite3_close(db);
        db = open_as(names[1 - i], key_one);
        assert_int_equal(read_all(db, &rows), SQLITE_OK);
        assert_int_equal(rows, ROWS);
        (void)sqlite3_close(db);
    }
}

static void another_key_opens_nothing(void **state)
{
    static const char *const others[] = {key_two, "raw:an unguessable key of thirty-twO", "an unguessable key of thirty-two"};
    int64_t rows = 0;
    (void)state;
    sqlite3 *db = open_as(PAGES_CIPHER, key_one);
    fill(db);
    (void)sqlite3_close(db);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        db = open_as(PAGES_CIPHER, others[i]);
        assert_int_equal(read_all(db, &rows), SQLITE_NOTADB);
        (void)sqlite3_close(db);
    }
}

static void change(FILE *f, long at, const uint8_t *bytes, size_t n)
{
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fflush(f), 0);
}

// Bytes 16 to 23 of the first page tell SQLite how to read it before there is a page, and are read again with it.
static void every_byte_counts(void **state)
{
    uint8_t whole[3 * PAGE], flipped;
    int64_t rows = 0;
    (void)state;
    sqlite3 *db = open_as(PAGES_CIPHER, key_one);
    fill(db);
    (void)sqlite3_close(db);
    FILE *f = fopen(path, "r+be");
    assert_non_null(f);
    assert_int_equal(fread(whole, 1, sizeof whole, f), sizeof whole);
    for (size_t at = 0; at < sizeof whole; at += at < 100 || at % PAGE >= PAGE - 40 ? 1 : 37) {
        flipped = whole[at] ^ 1;
        change(f, (long)at, &flipped, 1);
        db = open_as(PAGES_CIPHER, key_one);
        int rc = read_all(db, &rows);
        if (rc == SQLITE_OK) fail_msg("byte %zu", at);
        (void)sqlite3_close(db);
        change(f, (long)at, &whole[at], 1);
    }
    change(f, PAGE, whole + (size_t)2 * PAGE, PAGE); // the third page in the second one's place
    db = open_as(PAGES_CIPHER, key_one);
    assert_int_equal(read_all(db, &rows) & 0xff, SQLITE_CORRUPT);
    (void)sqlite3_close(db);
    (void)fclose(f);
}

static void counters_begin_anew(void **state)
{
    static const uint8_t key[32] = {1, 2, 3}, nonce[12] = {4, 5, 6};
    uint8_t whole[300], parts[300];
    (void)state;
    for (uint32_t before = 0; before < 7; before++) { // so many blocks before the counter's end
        memset(whole, 0, sizeof whole);
        memset(parts, 0, sizeof parts);
        uint32_t counter = UINT32_MAX - before;
        pages_stream(whole, sizeof whole, key, nonce, counter);
        for (size_t at = 0; at < sizeof parts; at += 64, counter++)
            pages_stream(parts + at, sizeof parts - at < 64 ? sizeof parts - at : 64, key, nonce, counter);
        assert_memory_equal(whole, parts, sizeof whole);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(they_are_chacha20s, make_file, drop_file),
        cmocka_unit_test_setup_teardown(another_key_opens_nothing, make_file, drop_file),
        cmocka_unit_test_setup_teardown(every_byte_counts, make_file, drop_file),
        cmocka_unit_test(counters_begin_anew),
    };
    return unit_run("pages", tests);
}
