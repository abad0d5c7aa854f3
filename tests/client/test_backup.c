// SPDX-License-Identifier: Apache-2.0
//
// Archives that somebody else has made, with a passphrase that they have said: what would send files of this computer, name files outside the
// profile's folder, or bring an account whose two keys are not of each other, is not taken, and nothing is left of the attempt.
#include "client/backup.h"
#include "town.h"

#include <sys/stat.h>
#include <unistd.h>

static const uint8_t ring_bytes[VAULT_SECRET] = {1};
static const struct vault_secret ring = {.kind = VAULT_KEYRING, .bytes = {ring_bytes, VAULT_SECRET}};

static bool written;
static void on_written(void *arg, enum err e)
{
    (void)arg;
    assert_ok(e);
    written = true;
}
static bool is_written(struct town *t) { return t->folder[0] != 0 && written; }

// What comes of an archive of a profile in which somebody has run a statement.
static enum err brought_with(const char *statement)
{
    const struct span words = span_str("four quite random words");
    char archive[120], folder[120], path[160];
    struct town *t = town_open(1);
    struct person *p = &t->person[0];
    if (sqlite3_exec(p->e->db.h, statement, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s", sqlite3_errmsg(p->e->db.h));
    (void)snprintf(archive, sizeof archive, "%s/archive", t->folder);
    (void)snprintf(folder, sizeof folder, "%s/again", t->folder);
    written = false;
    assert_ok(engine_backup(p->e, p->folder, archive, words, on_written, NULL));
    wait_for(t, is_written);
    assert_int_equal(mkdir(folder, 0700), 0);
    enum err e = engine_restore(folder, &ring, archive, words);
    if (e != ERR_OK) {
        (void)snprintf(path, sizeof path, "%s/lock", folder);
        (void)unlink(path);
        assert_int_equal(rmdir(folder), 0);
    }
    town_close(t);
    return e;
}

#define TRANSFER(path, file) \
    "INSERT INTO transfer VALUES(1, 2, 5, 1, 1, 'wss://r', '', randomblob(32), x'', randomblob(32), randomblob(4), 5, randomblob(32), 0, '" \
    path "', 0, '" file "', 5, '')"

static void files_of_ones_own_are_not_named(void **state)
{
    (void)state;
    assert_int_equal(brought_with(TRANSFER("", "0123456789abcdef")), ERR_OK);
    assert_int_equal(brought_with(TRANSFER("", "../../keys")), ERR_CORRUPT);
    assert_int_equal(brought_with(TRANSFER("", ".")), ERR_CORRUPT);
    assert_int_equal(brought_with(TRANSFER("/etc/passwd", "0123456789abcdef")), ERR_CORRUPT);
}

static void an_accounts_keys_are_of_each_other(void **state)
{
    (void)state;
    assert_int_equal(brought_with("UPDATE self SET name = 'another'"), ERR_OK);
    assert_int_equal(brought_with("UPDATE self SET account_public = randomblob(32)"), ERR_CORRUPT);
    assert_int_equal(brought_with("UPDATE self SET account_private = randomblob(32)"), ERR_CORRUPT);
    assert_int_equal(brought_with("UPDATE self SET account_private = randomblob(31)"), ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_ones_own_are_not_named),
        cmocka_unit_test(an_accounts_keys_are_of_each_other),
    };
    return unit_run("talk-backup", tests);
}
