// SPDX-License-Identifier: Apache-2.0
//
// The SQLite engine on a disk that fails: syncs and writes that do not work, a full disk, and power that goes at every moment of a
// history. What was acknowledged is there afterwards, what was refused is not, and nothing comes twice.
#include "store/test/disk.h"
#include "store/test/stand.h"

#include <sched.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <unistd.h>

static const struct way way = {"sqlite", &store_sqlite, 1 << 20};

static int set_up(void **state)
{
    struct stand *t = malloc(sizeof *t);
    if (t == NULL) return -1;
    disk_install();
    stand_init(t, &way);
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    stand_close(*state);
    disk_remove();
    free(*state);
    return 0;
}

// A batch of one entry, which may fail.
static enum err try_append(struct stand *t, uint64_t epoch, const char *text)
{
    uint8_t log[WIRE_ID], hash[WIRE_HASH];
    enum wire_code code;
    memset(log, 'A', sizeof log);
    memset(hash, 'k', sizeof hash);
    const struct store_append a = {
        .access = {.log = log, .hash = hash}, .epoch = epoch, .now = t->now, .payload = span_str(text)};
    enum err e = t->e->begin(t->s);
    if (e != ERR_OK) return e;
    e = t->e->log_append(t->s, &a, &t->appended, &code);
    if (e == ERR_OK) assert_int_equal(code, WIRE_OK);
    if (e == ERR_OK) e = t->e->commit(t->s);
    if (e != ERR_OK) t->e->rollback(t->s);
    return e;
}

static void two_entries(struct stand *t)
{
    stand_start(t);
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(stand_append(t, 'A', 'k', 0, "one"), WIRE_OK);
    assert_int_equal(stand_append(t, 'A', 'k', 0, "two"), WIRE_OK);
}

// --------------------------------------------------------------------------------------------------------------- faults

static void a_commit_syncs_once(void **state)
{
    struct stand *t = *state;
    two_entries(t);
    size_t before = disk_syncs(DISK_WAL | DISK_STORE);
    for (int i = 0; i < 10; i++) assert_ok(try_append(t, 0, "x"));
    assert_int_equal(disk_syncs(DISK_WAL | DISK_STORE), before + 10);
}

static void a_sync_that_fails_acknowledges_nothing(void **state)
{
    struct stand *t = *state;
    two_entries(t);
    size_t seen = t->seen_n;
    disk_fail_syncs(DISK_WAL);
    assert_int_equal(try_append(t, 0, "three"), ERR_IO);
    assert_int_equal(t->seen_n, seen);    // nobody is told
    stand_expect(t, 'A', 'k', "one,two"); // and what is there is served
    // Nobody knows what is on the disk now: nothing is written, though the disk says that it works again.
    disk_fail_syncs(0);
    assert_int_equal(try_append(t, 0, "four"), ERR_IO);
    bool more;
    assert_int_equal(t->e->expire(t->s, t->now, &more), ERR_IO);
    stand_expect(t, 'A', 'k', "one,two");
    stand_reopen(t);
    stand_expect(t, 'A', 'k', "one,two");
    assert_ok(try_append(t, 0, "five"));
    assert_int_equal(t->appended.seq, 3);
    stand_expect(t, 'A', 'k', "one,two,five");
}

// The process ends after the sync that failed, without closing anything: the refused batch lies whole in the WAL.
static void what_was_refused_does_not_come_back(void **state)
{
    struct stand *t = *state;
    disk_record();
    two_entries(t);
    disk_fail_syncs(DISK_WAL);
    assert_int_equal(try_append(t, 0, "three"), ERR_IO);
    size_t moment = disk_moments() - 1;
    struct stand *after = malloc(sizeof *after);
    assert_non_null(after);
    stand_init(after, &way);
    disk_image(moment, DISK_EVERYTHING, 0, after->folder);
    disk_fail_syncs(0);
    disk_forget();
    stand_start(after);
    stand_expect(after, 'A', 'k', "one,two");
    assert_int_equal(stand_append(after, 'A', 'k', 0, "next"), WIRE_OK);
    assert_int_equal(after->appended.seq, 3);
    stand_close(after);
    free(after);
}

static void wait_until_refused(struct stand *t)
{
    for (int i = 0; i < 2000; i++) {
        enum err e = try_append(t, 0, "x");
        if (e == ERR_IO) return;
        assert_ok(e);
        (void)usleep(5000);
    }
    fail_msg("a checkpoint whose sync failed was not noticed");
}

static void a_checkpoint_whose_sync_fails_stops_writing(void **state)
{
    struct stand *t = *state;
    t->settings.log_max = 1 << 30;
    two_entries(t);
    disk_fail_syncs(DISK_STORE);
    for (int i = 0; i < 300; i++) { // more than 5,000 pages
        if (t->e->begin(t->s) != ERR_OK) break;
        t->in_batch = true;
        assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'x', WIRE_ENTRY_MAX), WIRE_OK);
        t->in_batch = false;
        assert_ok(t->e->commit(t->s));
    }
    wait_until_refused(t);
    assert_int_equal(stand_view(t, 'A', 'k'), WIRE_OK);
    uint64_t head = t->view.head.head;
    disk_fail_syncs(0);
    stand_reopen(t);
    assert_int_equal(stand_view(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(t->view.head.head, head);
    assert_int_equal(t->view.head.oldest, 1);
    assert_ok(try_append(t, 0, "x"));
    assert_int_equal(t->appended.seq, head + 1);
}

static void a_full_disk_refuses_and_recovers(void **state)
{
    struct stand *t = *state;
    two_entries(t);
    for (int full = 0; full < 2; full++) {
        disk_fail_writes(DISK_WAL, full == 1);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(try_append(t, 0, "no"), ERR_IO);
            stand_expect(t, 'A', 'k', full == 0 ? "one,two" : "one,two,yes");
        }
        disk_fail_writes(0, false); // somebody has made room
        assert_ok(try_append(t, 0, "yes"));
        assert_int_equal(t->appended.seq, 3 + full);
    }
    stand_reopen(t);
    stand_expect(t, 'A', 'k', "one,two,yes,yes");
}

// The disk is full when a blob's row is to be written: there is no blob, and no file that nobody knows.
static void a_blob_that_cannot_be_noted_is_none(void **state)
{
    struct stand *t = *state;
    uint8_t name[WIRE_HASH], hash[WIRE_HASH];
    char path[300];
    enum wire_code code;
    stand_start(t);
    memset(name, 'b', sizeof name);
    memset(hash, 'w', sizeof hash);
    t->host = (struct store_host){.id = 7, .bytes_max = 100};
    disk_fail_writes(DISK_BLOBS_WAL, true);
    assert_int_equal(t->e->blob_create(t->s, name, hash, 60, 0, &t->host, t->now, &code), ERR_IO);
    int n = snprintf(path, sizeof path, "%s/blobs/62/", t->folder);
    for (int i = 0; i < WIRE_HASH; i++) n += snprintf(path + n, sizeof path - (size_t)n, "62");
    assert_int_not_equal(access(path, F_OK), 0);
    disk_fail_writes(0, false);
    assert_int_equal(stand_blob_create(t, 'b', 'w', 60, 0), WIRE_OK);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(stand_blob_append(t, 'b', 'w', 0, 'x', 10), WIRE_OK);
    disk_fail_writes(DISK_BLOBS_WAL, true);
    assert_int_equal(t->e->blob_seal(t->s, name, hash, 10, t->now, &code), ERR_IO);
    disk_fail_writes(0, false);
    assert_int_equal(stand_blob_create(t, 'c', 'w', 41, 0), WIRE_E_QUOTA); // it still counts in full
    assert_int_equal(stand_blob_stat(t, 'b'), WIRE_OK);
    assert_false(t->blob.sealed);
    uint64_t at = t->blob.size;
    assert_true(at == 10 || at == 0);
    if (at == 0) assert_int_equal(stand_blob_append(t, 'b', 'w', 0, 'x', 10), WIRE_OK);
    assert_int_equal(stand_blob_seal(t, 'b', 'w', 10), WIRE_OK);
    assert_int_equal(stand_blob_create(t, 'c', 'w', 90, 0), WIRE_OK);
}

// A file that a crash has left, after its row went or before it came, is found and let go.
static void files_that_nobody_knows_go(void **state)
{
    struct stand *t = *state;
    char path[300];
    stand_start(t);
    assert_int_equal(stand_blob_create(t, 'b', 'w', 60, 0), WIRE_OK);
    int n = snprintf(path, sizeof path, "%s/blobs/62/", t->folder);
    for (int i = 0; i < WIRE_HASH; i++) n += snprintf(path + n, sizeof path - (size_t)n, i == 9 ? "63" : "62");
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fclose(f), 0);
    stand_blob_expire(t);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(stand_blob_append(t, 'b', 'w', 0, 'x', 10), WIRE_OK); // its file is still there
}

// A disk of 2 MiB, of which the test's own is made where it may: logs fill it, then somebody makes room.
static void a_disk_that_is_really_full(void **state)
{
    struct stand *t = *state;
    struct store_totals n;
    char ballast[100];
    enum err e = ERR_OK;
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", t->folder, "tmpfs", 0, "size=2m") != 0) {
        print_message("# skipped: no right to mount\n");
        return;
    }
    (void)snprintf(ballast, sizeof ballast, "%s/ballast", t->folder);
    FILE *f = fopen(ballast, "wb");
    static uint8_t bytes[600000];
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, sizeof bytes, f), sizeof bytes);
    assert_int_equal(fclose(f), 0);
    two_entries(t);
    assert_int_equal(stand_blob_create(t, 'b', 'w', 1 << 20, 0), WIRE_OK);
    uint64_t head = 2;
    for (int i = 0; i < 100000 && e == ERR_OK; i++) {
        e = try_append(t, 0, "an entry of a length that fills a page of the write-ahead log in no time at all");
        if (e == ERR_OK) assert_int_equal(t->appended.seq, ++head);
    }
    assert_int_equal(e, ERR_IO);
    uint8_t name[WIRE_HASH], hash[WIRE_HASH];
    enum wire_code code;
    memset(name, 'b', sizeof name);
    memset(hash, 'w', sizeof hash);
    for (uint64_t at = 0; e != ERR_OK || at < 1 << 20; at += 4096) { // the last page may still be had
        e = t->e->blob_append(t->s, name, hash, at, span_of(bytes, 4096), t->now, &t->blob, &code);
        if (e != ERR_OK) break;
    }
    assert_int_equal(e, ERR_IO);
    assert_int_equal(try_append(t, 0, "x"), ERR_IO);
    assert_int_equal(stand_view(t, 'A', 'k'), WIRE_OK); // and is served
    assert_int_equal(t->view.head.head, head);
    assert_int_equal(remove(ballast), 0);
    assert_ok(try_append(t, 0, "x"));
    assert_int_equal(t->appended.seq, head + 1);
    assert_int_equal(stand_blob_stat(t, 'b'), WIRE_OK);
    assert_int_equal(t->blob.size % 4096, 0); // no half of a chunk is left
    assert_int_equal(stand_blob_append(t, 'b', 'w', t->blob.size, 'x', 100), WIRE_OK);
    stand_reopen(t);
    assert_int_equal(stand_view(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(t->view.head.head, head + 1);
    assert_ok(t->e->totals(t->r, &n));
    t->e->reader_free(t->r);
    t->e->close(t->s);
    t->r = NULL;
    t->s = NULL;
    assert_int_equal(umount(t->folder), 0);
}

// ---------------------------------------------------------------------------------------------------- the power goes

enum { LOGS = 4, STEPS = 40 };

// Everything that can be read of the store, as text.
static void digest(struct stand *t, char *out, size_t room)
{
    size_t n = 0;
    for (uint8_t log = 'A'; log < 'A' + LOGS; log++) {
        for (uint8_t key = 'k'; key < 'k' + 3; key++) {
            char pools[100] = "";
            if (stand_read(t, log, key, 0, 0, 1 << 20) != WIRE_OK) continue;
            const struct store_view *v = &t->view;
            n += (size_t)snprintf(out + n, room - n, "%c%c %u %llu-%llu %llu-%llu e%llu:", log, key, v->rights,
                                  (unsigned long long)v->from_seq, (unsigned long long)v->to_seq,
                                  (unsigned long long)v->head.oldest, (unsigned long long)v->head.head,
                                  (unsigned long long)v->head.epoch);
            for (size_t i = 0; i < t->got_n && n < room; i++) {
                const struct got *g = &t->got[i];
                if (i > 0) assert_int_equal(g->seq, t->got[i - 1].seq + 1);
                n += (size_t)snprintf(out + n, room - n, " %llu/%llu=%.8s", (unsigned long long)g->seq,
                                      (unsigned long long)g->epoch, g->text);
            }
            if (stand_pools(t, log, key, pools, sizeof pools) != WIRE_OK) pools[0] = 0;
            assert_true(n < room);
            n += (size_t)snprintf(out + n, room - n, " [%s]\n", pools);
            assert_true(n < room);
        }
    }
    out[n] = 0;
}

static void checkpoint(struct stand *t, int mode)
{
    char path[100];
    sqlite3 *h = NULL;
    (void)snprintf(path, sizeof path, "%s/store.db", t->folder);
    assert_int_equal(sqlite3_open_v2(path, &h, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_wal_checkpoint_v2(h, NULL, mode, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(h), SQLITE_OK);
}

// One batch of the history. Codes do not matter: what is refused changes nothing.
static void step(struct stand *t, unsigned i)
{
    char text[100];
    stand_begin(t);
    uint8_t log = (uint8_t)('A' + i % LOGS);
    (void)stand_create(t, log, 'k');
    for (unsigned n = 0; n <= i % 5; n++)
        (void)stand_append_n(t, log, 'k', i / LOGS % 3, (char)('a' + i % 26), 1 + 700 * n);
    if (i % 3 == 1) (void)stand_advance(t, log, 'k', i / LOGS % 3, "commit", i % 9 == 1 ? 'l' : 0, 2);
    if (i % 7 == 2) (void)stand_put(t, log, 'k', 'd', "last", "p,q");
    if (i % 7 == 5) (void)stand_take(t, log, 'k', text, sizeof text);
    if (i % 11 == 10) (void)stand_delete(t, log, 'k');
    if (i % 13 == 12) stand_rollback(t);
    else stand_commit(t);
    t->now += 40000;
}

static void no_complaint(void *arg, const char *text) { fail_msg("%s: %s", (const char *)arg, text); }

static void expect_one_of(struct stand *t, size_t moment, const char *was, const char *will_be)
{
    static char now[1 << 16];
    char where[60];
    digest(t, now, sizeof now);
    if (strcmp(now, was) != 0 && strcmp(now, will_be) != 0) {
        fail_msg("after the power went at moment %zu the store holds\n%s\ninstead of\n%s\nor\n%s", moment, now, was,
                 will_be);
    }
    (void)snprintf(where, sizeof where, "moment %zu", moment);
    assert_ok(t->e->check(t->r, no_complaint, where));
}

static void what_was_acknowledged_outlives_the_power(void **state)
{
    struct stand *t = *state, *after = malloc(sizeof *after);
    static char history[STEPS + 4][1 << 15];
    size_t marks = 0;
    assert_non_null(after);
    disk_record();
    stand_start(t);
    disk_mark();
    digest(t, history[++marks], sizeof *history);
    for (unsigned i = 0; i < STEPS; i++) {
        bool more;
        if (i % 10 == 9) assert_ok(t->e->expire(t->s, t->now, &more));
        else step(t, i);
        disk_mark();
        digest(t, history[++marks], sizeof *history);
        if (i % 8 == 3) checkpoint(t, i % 16 == 3 ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_RESTART);
        if (i == 25) stand_reopen(t);
    }
    memcpy(history[marks + 1], history[marks], sizeof *history);
    assert_true(strlen(history[marks]) > 200);
    size_t moments = disk_moments(), seen = 0;
    for (size_t m = 0; m < moments; m++) {
        for (enum disk_loss loss = DISK_NOTHING; loss <= DISK_SOME; loss++) {
            if (loss != DISK_SOME && m % 3 != 0) continue; // the dice are thrown at each moment
            size_t acknowledged = disk_marks(m);
            stand_init(after, &way);
            disk_image(m, loss, m * 7 + loss, after->folder);
            after->now = t->now;
            stand_start(after);
            expect_one_of(after, m, history[acknowledged], history[acknowledged + 1]);
            (void)stand_create(after, 'Z', 'k');
            assert_int_equal(stand_append(after, 'Z', 'k', 0, "goes on"), WIRE_OK);
            stand_close(after);
            seen++;
        }
    }
    print_message("# %zu moments, %zu disks\n", moments, seen);
    free(after);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(a_commit_syncs_once),
        TEST(a_sync_that_fails_acknowledges_nothing),
        TEST(what_was_refused_does_not_come_back),
        TEST(a_checkpoint_whose_sync_fails_stops_writing),
        TEST(a_full_disk_refuses_and_recovers),
        TEST(a_blob_that_cannot_be_noted_is_none),
        TEST(files_that_nobody_knows_go),
        TEST(what_was_acknowledged_outlives_the_power),
        TEST(a_disk_that_is_really_full), // it leaves the process in a namespace of its own
    };
    return unit_run("store-disk", tests);
}
