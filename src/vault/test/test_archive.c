// SPDX-License-Identifier: Apache-2.0
//
// Archives: what was written is read, in whatever pieces; each byte that is changed, and each place where it is cut off, is noticed; a wrong
// passphrase is told from damage.
#include "unit.h"

#include "vault/archive.h"

#include <sys/stat.h>
#include <unistd.h>

enum { SIZE = 3 * ARCHIVE_PART + 1000 };

static char path[] = "/tmp/whimbrel-archive-XXXXXX/archive";
static uint8_t written[SIZE], got[SIZE], file[SIZE + 4096];

static struct vault_secret passphrase(const char *text)
{
    return (struct vault_secret){.kind = VAULT_PASSPHRASE, .bytes = span_str(text), .passes = 1, .memory_kib = 64};
}

static int make_folder(void **state)
{
    (void)state;
    memcpy(path, "/tmp/whimbrel-archive-XXXXXX", 28);
    path[28] = 0;
    int rc = mkdtemp(path) == NULL;
    path[28] = '/';
    for (size_t i = 0; i < SIZE; i++) written[i] = (uint8_t)(i * 7 + i / 251);
    return rc;
}

static int drop_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    path[28] = 0;
    return rmdir(path);
}

static void write_archive(size_t n, size_t piece)
{
    struct archive_out *a;
    const struct vault_secret secret = passphrase("tea");
    (void)unlink(path);
    assert_ok(archive_create(path, &secret, &a));
    for (size_t i = 0; i < n; i += piece) archive_put(a, span_of(written + i, n - i < piece ? n - i : piece));
    assert_ok(archive_close(a, true));
}

static enum err read_archive(size_t n, size_t piece, bool *whole)
{
    struct archive_in *a = NULL;
    const struct vault_secret secret = passphrase("tea");
    *whole = false;
    enum err e = archive_open(path, &secret, &a);
    if (e != ERR_OK) return e;
    for (size_t i = 0; e == ERR_OK && i < n; i += piece) e = archive_get(a, got + i, n - i < piece ? n - i : piece);
    *whole = e == ERR_OK && archive_at_end(a);
    archive_free(a);
    return e;
}

static void comes_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, ARCHIVE_PART - 1, ARCHIVE_PART, ARCHIVE_PART + 1, SIZE};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        bool whole;
        write_archive(sizes[i], 997);
        memset(got, 0, sizeof got);
        assert_ok(read_archive(sizes[i], 4096, &whole));
        assert_true(whole);
        assert_memory_equal(got, written, sizes[i]);
        assert_int_equal(read_archive(sizes[i] + 1, 4096, &whole), ERR_CORRUPT); // there is no more
    }
}

static size_t load(void)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(file, 1, sizeof file, f);
    assert_int_equal(fclose(f), 0);
    return n;
}

static void store(size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(file, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void each_byte_counts(void **state)
{
    (void)state;
    bool whole;
    write_archive(300, 300);
    size_t n = load();
    for (size_t i = 0; i < n; i++) {
        file[i] ^= 0x10;
        // A cost of Argon2id that is much higher is a passphrase that takes long: those bytes are tried in test_vault.
        bool cost = i >= 8 + 3 + 9 && i < 8 + 3 + 9 + 20;
        store(n);
        if (!cost) assert_true(read_archive(300, 300, &whole) != ERR_OK || !whole);
        file[i] ^= 0x10;
    }
    for (size_t cut = 0; cut < n; cut++) {
        store(cut);
        assert_true(read_archive(300, 300, &whole) != ERR_OK || !whole);
    }
    file[n] = 0;
    store(n + 1);
    assert_true(read_archive(300, 300, &whole) != ERR_OK || !whole);
}

static void parts_have_an_order(void **state)
{
    (void)state;
    bool whole;
    write_archive(SIZE, 5000);
    size_t n = load(), part = ARCHIVE_PART + 17, head = n - (SIZE + 4 * 17);
    memmove(file + head, file + head + part, n - head - part); // the first part is missing
    store(n - part);
    assert_int_equal(read_archive(SIZE - ARCHIVE_PART, 5000, &whole), ERR_CORRUPT);
    write_archive(SIZE, 5000);
    n = load();
    store(head + 3 * part); // the last part is missing
    assert_ok(read_archive(3 * ARCHIVE_PART, 4096, &whole));
    assert_false(whole);
}

static void what_does_not_open(void **state)
{
    (void)state;
    struct archive_in *in;
    struct archive_out *out;
    struct stat st;
    const struct vault_secret wrong = passphrase("coffee"), none = passphrase(""), right = passphrase("tea");
    assert_int_equal(archive_open(path, &right, &in), ERR_NOT_FOUND);
    assert_int_equal(archive_create(path, &none, &out), ERR_INVALID);
    assert_int_equal(stat(path, &st), -1); // nothing is left behind
    write_archive(10, 10);
    assert_int_equal(archive_open(path, &wrong, &in), ERR_UNAUTHENTICATED);
    assert_int_equal(archive_create(path, &right, &out), ERR_REFUSED);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    memcpy(file, "tar", 3);
    store(3);
    assert_int_equal(archive_open(path, &right, &in), ERR_UNSUPPORTED);
    (void)unlink(path);
    assert_ok(archive_create(path, &right, &out));
    archive_put(out, span_of(written, SIZE));
    assert_ok(archive_close(out, false)); // given up
    assert_int_equal(stat(path, &st), -1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, drop_folder)
    static const struct CMUnitTest tests[] = {TEST(comes_back), TEST(each_byte_counts), TEST(parts_have_an_order),
                                              TEST(what_does_not_open)};
    return unit_run("archive", tests);
}
