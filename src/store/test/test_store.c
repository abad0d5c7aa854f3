// SPDX-License-Identifier: Apache-2.0
//
// Logs and entries, held against docs/protocol.md §3.1, in every engine: order, paging, epochs, expiry, trimming, quotas, deletion,
// batches that are taken back, and what the watcher is told. Grants are in test_grants.c.
#include "store/test/stand.h"

// ---------------------------------------------------------------------------------------------------- append and read

static void entries_come_back_in_order(void **state)
{
    struct stand *t = *state;
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    stand_expect(t, 'A', 'k', "");
    assert_int_equal(t->view.head.oldest, 1);
    assert_int_equal(t->view.head.head, 0);
    assert_int_equal(t->view.head.epoch, 0);
    assert_int_equal(stand_append(t, 'A', 'k', 0, "one"), WIRE_OK);
    assert_int_equal(t->appended.seq, 1);
    assert_int_equal(t->appended.time, t->now);
    t->now += 5;
    stand_begin(t);
    assert_int_equal(stand_append(t, 'A', 'k', 0, "two"), WIRE_OK);
    assert_int_equal(stand_append(t, 'A', 'k', 0, "three"), WIRE_OK);
    assert_int_equal(t->appended.seq, 3);
    stand_commit(t);
    stand_expect(t, 'A', 'k', "one,two,three");
    assert_int_equal(t->got[0].seq, 1);
    assert_int_equal(t->got[2].time, t->now);
    assert_int_equal(t->view.head.head, 3);
    stand_reopen(t);
    stand_expect(t, 'A', 'k', "one,two,three");
    assert_int_equal(stand_append(t, 'A', 'k', 0, "four"), WIRE_OK);
    assert_int_equal(t->appended.seq, 4);
}

static void logs_do_not_mix(void **state)
{
    struct stand *t = *state;
    stand_begin(t);
    for (int i = 0; i < 4; i++) assert_int_equal(stand_create(t, (uint8_t)('A' + i), 'k'), WIRE_OK);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(stand_append(t, (uint8_t)('A' + i % 4), 'k', 0, i % 4 == 2 ? "c" : "x"), WIRE_OK);
        assert_int_equal(t->appended.seq, i / 4 + 1);
    }
    stand_commit(t);
    stand_expect(t, 'C', 'k', "c,c,c,c,c,c,c,c,c,c");
    stand_expect(t, 'D', 'k', "x,x,x,x,x,x,x,x,x,x");
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_E_EXISTS);
    assert_int_equal(stand_append(t, 'E', 'k', 0, "x"), WIRE_E_DENIED);
    assert_int_equal(stand_view(t, 'E', 'k'), WIRE_E_DENIED);
}

static void reads_are_paged(void **state)
{
    struct stand *t = *state;
    const uint64_t far[] = {9, 10, UINT64_MAX - 1, UINT64_MAX};
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    stand_begin(t);
    for (int i = 0; i < 9; i++) assert_int_equal(stand_append_n(t, 'A', 'k', 0, (char)('a' + i), 100), WIRE_OK);
    stand_commit(t);
    assert_int_equal(stand_read(t, 'A', 'k', 0, 4, 1 << 20), WIRE_OK);
    assert_int_equal(t->got_n, 4);
    assert_int_equal(stand_read(t, 'A', 'k', 4, 4, 1 << 20), WIRE_OK);
    assert_int_equal(t->got_n, 4);
    assert_int_equal(t->got[0].seq, 5);
    assert_int_equal(t->got[0].text[0], 'e');
    assert_int_equal(stand_read(t, 'A', 'k', 8, 4, 1 << 20), WIRE_OK);
    assert_int_equal(t->got_n, 1);
    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        assert_int_equal(stand_read(t, 'A', 'k', far[i], 0, 1 << 20), WIRE_OK);
        assert_int_equal(t->got_n, 0);
        assert_int_equal(t->view.head.head, 9);
    }
}

// An entry of 100 bytes is 126 long: three numbers, a length of two bytes, the payload.
static void what_is_read_fits_the_buffer(void **state)
{
    struct stand *t = *state;
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    stand_begin(t);
    for (int i = 0; i < 5; i++) assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'a', 100), WIRE_OK);
    stand_commit(t);
    const struct {
        size_t max, n;
    } row[] = {{126, 1}, {127, 1}, {251, 1}, {252, 2}, {253, 2}, {377, 2}, {378, 3}, {629, 4}, {630, 5}, {9999, 5}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        assert_int_equal(stand_read(t, 'A', 'k', 0, 0, row[i].max), WIRE_OK);
        assert_int_equal(t->got_n, row[i].n);
    }
    // The largest entry is read, too.
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'z', WIRE_ENTRY_MAX), WIRE_OK);
    assert_int_equal(stand_read(t, 'A', 'k', 5, 0, WIRE_ENTRY_MAX + 28), WIRE_OK);
    assert_int_equal(t->got_n, 1);
    assert_int_equal(t->got[0].n, WIRE_ENTRY_MAX);
}

static void time_never_goes_back(void **state)
{
    struct stand *t = *state;
    uint64_t first = t->now;
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(stand_append(t, 'A', 'k', 0, "one"), WIRE_OK);
    t->now -= 1000;
    assert_int_equal(stand_append(t, 'A', 'k', 0, "two"), WIRE_OK);
    assert_int_equal(t->appended.time, first);
    stand_reopen(t);
    assert_int_equal(stand_append(t, 'A', 'k', 0, "three"), WIRE_OK);
    assert_int_equal(t->appended.time, first);
    t->now = first + 1;
    assert_int_equal(stand_append(t, 'A', 'k', 0, "four"), WIRE_OK);
    assert_int_equal(t->appended.time, first + 1);
    stand_expect(t, 'A', 'k', "one,two,three,four");
    assert_int_equal(t->got[2].time, first);
}

// ----------------------------------------------------------------------------------------------------------- epochs

static void one_epoch_is_current(void **state)
{
    struct stand *t = *state;
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(stand_append(t, 'A', 'k', 1, "early"), WIRE_E_STALE);
    assert_int_equal(t->appended.epoch, 0);
    assert_int_equal(stand_advance(t, 'A', 'k', 0, "commit", 0, 0), WIRE_OK);
    assert_int_equal(t->appended.epoch, 0); // the commit belongs to the epoch that it ends
    assert_int_equal(t->appended.seq, 1);
    assert_int_equal(stand_append(t, 'A', 'k', 0, "late"), WIRE_E_STALE);
    assert_int_equal(t->appended.epoch, 1);
    assert_int_equal(stand_advance(t, 'A', 'k', 0, "late", 0, 0), WIRE_E_STALE);
    stand_reopen(t);
    assert_int_equal(stand_append(t, 'A', 'k', 0, "late"), WIRE_E_STALE);
    assert_int_equal(stand_append(t, 'A', 'k', 1, "now"), WIRE_OK);
    stand_expect(t, 'A', 'k', "commit,now");
    assert_int_equal(t->got[0].epoch, 0);
    assert_int_equal(t->got[1].epoch, 1);
    assert_int_equal(t->view.head.epoch, 1);
}

static void of_two_commits_one_wins(void **state)
{
    struct stand *t = *state;
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    for (uint64_t epoch = 0; epoch < 5; epoch++) { // both in one batch
        stand_begin(t);
        assert_int_equal(stand_append(t, 'A', 'k', epoch, "word"), WIRE_OK);
        assert_int_equal(stand_advance(t, 'A', 'k', epoch, "winner", 0, 0), WIRE_OK);
        assert_int_equal(stand_advance(t, 'A', 'k', epoch, "loser", 0, 0), WIRE_E_STALE);
        assert_int_equal(t->appended.epoch, epoch + 1);
        assert_int_equal(stand_append(t, 'A', 'k', epoch, "late"), WIRE_E_STALE);
        stand_commit(t);
    }
    assert_int_equal(stand_advance(t, 'A', 'k', 4, "loser", 0, 0), WIRE_E_STALE); // and in two
    stand_expect(t, 'A', 'k', "word,winner,word,winner,word,winner,word,winner,word,winner");
    assert_int_equal(t->view.head.epoch, 5);
    assert_int_equal(t->got[9].epoch, 4);
}

// ------------------------------------------------------------------------------------------------------------ deleting

static void a_deleted_log_is_gone_and_counts_on(void **state)
{
    struct stand *t = *state;
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(stand_append(t, 'A', 'k', 0, "one"), WIRE_OK);
    assert_int_equal(stand_advance(t, 'A', 'k', 0, "two", 0, 0), WIRE_OK);
    assert_int_equal(stand_put(t, 'A', 'k', 'd', "last", "p,q"), WIRE_OK);
    assert_int_equal(stand_delete(t, 'A', 'x'), WIRE_E_DENIED);
    assert_int_equal(stand_delete(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(stand_delete(t, 'A', 'k'), WIRE_E_DENIED);
    assert_int_equal(stand_view(t, 'A', 'k'), WIRE_E_DENIED);
    assert_int_equal(stand_append(t, 'A', 'k', 1, "x"), WIRE_E_DENIED);
    stand_reopen(t);
    assert_int_equal(stand_view(t, 'A', 'k'), WIRE_E_DENIED);
    char pools[100];
    assert_int_equal(stand_create(t, 'A', 'n'), WIRE_OK);
    assert_int_equal(stand_view(t, 'A', 'k'), WIRE_E_DENIED); // the old grants are gone
    assert_int_equal(stand_pools(t, 'A', 'n', pools, sizeof pools), WIRE_OK);
    assert_string_equal(pools, "");
    stand_expect(t, 'A', 'n', "");
    assert_int_equal(t->view.head.oldest, 3);
    assert_int_equal(t->view.head.head, 2);
    // §3.1: "counts from the seq and epoch after the last ones": what was meant for the old log is stale.
    assert_int_equal(t->view.head.epoch, 2);
    assert_int_equal(stand_append(t, 'A', 'n', 1, "x"), WIRE_E_STALE);
    assert_int_equal(stand_append(t, 'A', 'n', 2, "three"), WIRE_OK);
    assert_int_equal(t->appended.seq, 3);
    stand_reopen(t);
    stand_expect(t, 'A', 'n', "three");
}

static void deletion_and_creation_in_one_batch(void **state)
{
    struct stand *t = *state;
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(stand_append(t, 'A', 'k', 0, "one"), WIRE_OK);
    for (int keep = 0; keep < 2; keep++) {
        stand_begin(t);
        assert_int_equal(stand_append(t, 'A', 'k', 0, "two"), WIRE_OK);
        assert_int_equal(stand_delete(t, 'A', 'k'), WIRE_OK);
        assert_int_equal(stand_create(t, 'A', 'n'), WIRE_OK);
        assert_int_equal(stand_append(t, 'A', 'n', 1, "three"), WIRE_OK);
        assert_int_equal(t->appended.seq, 3);
        if (keep == 0) stand_rollback(t);
        else stand_commit(t);
        if (keep == 0) stand_expect(t, 'A', 'k', "one");
        if (keep == 0) assert_int_equal(stand_view(t, 'A', 'n'), WIRE_E_DENIED);
    }
    stand_expect(t, 'A', 'n', "three");
    assert_int_equal(stand_view(t, 'A', 'k'), WIRE_E_DENIED);
}

// -------------------------------------------------------------------------------------------------------------- expiry

static void entries_expire(void **state)
{
    struct stand *t = *state;
    struct wire_grant g = stand_grant('k', WIRE_RIGHTS, 0, WIRE_NO_END);
    uint64_t from = t->now;
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);            // 1,000 s, the relay's
    assert_int_equal(stand_create_with(t, 'B', 10, &g, 1), WIRE_OK); // its own
    for (int i = 0; i < 3; i++, t->now += 1000) {
        assert_int_equal(stand_append(t, 'A', 'k', 0, "a"), WIRE_OK);
        assert_int_equal(stand_append(t, 'B', 'k', 0, i == 2 ? "last" : "b"), WIRE_OK);
    }
    t->now = from + 9999;
    stand_expire(t);
    stand_expect(t, 'B', 'k', "b,b,last");
    t->now = from + 10000; // an entry lives for so many seconds, and no longer
    stand_expire(t);
    stand_expect(t, 'B', 'k', "b,last");
    assert_int_equal(t->view.head.oldest, 2);
    assert_int_equal(t->view.head.head, 3);
    t->now = from + 1000000 - 1;
    stand_expire(t);
    stand_expect(t, 'A', 'k', "a,a,a");
    stand_expect(t, 'B', 'k', "");
    t->now = from + 1000000 + 1000;
    stand_expire(t);
    stand_expect(t, 'A', 'k', "a");
    assert_int_equal(t->view.head.oldest, 3);
}

static void seq_goes_on_when_all_has_expired(void **state)
{
    struct stand *t = *state;
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(stand_append(t, 'A', 'k', 0, "one"), WIRE_OK);
    assert_int_equal(stand_advance(t, 'A', 'k', 0, "two", 0, 0), WIRE_OK);
    t->now += 2000000;
    for (uint64_t seq = 3; seq < 6; seq++) {
        stand_expire(t);
        stand_expect(t, 'A', 'k', "");
        assert_int_equal(t->view.head.oldest, seq);
        assert_int_equal(t->view.head.head, seq - 1);
        assert_int_equal(t->view.head.epoch, 1);
        stand_reopen(t);
        stand_expect(t, 'A', 'k', "");
        assert_int_equal(t->view.head.head, seq - 1);
        t->now -= 50; // nor does time go back where no entry is left to say it
        assert_int_equal(stand_append(t, 'A', 'k', 1, "next"), WIRE_OK);
        assert_int_equal(t->appended.seq, seq);
        if (seq == 3) assert_true(t->appended.time >= 1000000000);
        stand_expect(t, 'A', 'k', "next");
        t->now += 2000000;
    }
}

// Old entries of a log that keeps them for longer than the relay now allows: the relay's limit holds.
static void a_shorter_retention_of_the_relay_counts(void **state)
{
    struct stand *t = *state;
    struct wire_grant g = stand_grant('k', WIRE_RIGHTS, 0, WIRE_NO_END);
    if (t->e == &store_memory) return;
    stand_begin(t);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(stand_create_with(t, (uint8_t)i, 900, &g, 1), WIRE_OK);
        assert_int_equal(stand_append(t, (uint8_t)i, 'k', 0, "a"), WIRE_OK);
    }
    stand_commit(t);
    t->settings.retention = 100;
    stand_reopen(t);
    assert_int_equal(stand_create(t, 200, 'k'), WIRE_OK);
    assert_int_equal(stand_append(t, 200, 'k', 0, "b"), WIRE_OK);
    t->now += 100000;
    stand_expire(t);
    for (int i = 0; i < 100; i++) stand_expect(t, (uint8_t)i, 'k', "");
    stand_expect(t, 200, 'k', "");
}

// Many at once: in bounded pieces, and all of them in the end. An entry from the future does not hold up the others.
static void many_expire_in_pieces(void **state)
{
    struct stand *t = *state;
    uint64_t from = t->now;
    stand_begin(t);
    assert_int_equal(stand_create(t, 0, 'k'), WIRE_OK);
    t->now = from + 3000000;
    for (int i = 0; i < 300; i++) assert_int_equal(stand_append(t, 0, 'k', 0, "future"), WIRE_OK);
    t->now = from;
    for (int l = 1; l < 120; l++) {
        assert_int_equal(stand_create(t, (uint8_t)l, 'k'), WIRE_OK);
        for (int i = 0; i < 50; i++) assert_int_equal(stand_append(t, (uint8_t)l, 'k', 0, "x"), WIRE_OK);
    }
    stand_commit(t);
    t->now = from + 1000001;
    // Some calls are spent on entries that are not due.
    for (int i = 0; i < 100; i++) stand_expire(t);
    for (int l = 1; l < 120; l++) {
        assert_int_equal(stand_view(t, (uint8_t)l, 'k'), WIRE_OK);
        assert_int_equal(t->view.head.oldest, 51);
    }
    assert_int_equal(stand_view(t, 0, 'k'), WIRE_OK);
    assert_int_equal(t->view.head.oldest, 1);
    assert_int_equal(t->view.head.head, 300);
}

// ------------------------------------------------------------------------------------------------------------ trimming

static void expect_kept(struct stand *t, uint64_t oldest, uint64_t head)
{
    assert_int_equal(stand_read(t, 'A', 'k', 0, 0, 4 << 20), WIRE_OK);
    assert_int_equal(t->view.head.oldest, oldest);
    assert_int_equal(t->view.head.head, head);
    assert_int_equal(t->got_n, head + 1 - oldest);
    if (t->got_n > 0) assert_int_equal(t->got[0].seq, oldest);
}

static void a_log_keeps_just_so_much(void **state)
{
    struct stand *t = *state;
    const size_t all = t->settings.log_max, quarter = all / 4;
    assert_int_equal(quarter % WIRE_ENTRY_MAX, 0);
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    stand_begin(t);
    for (size_t n = 0; n < all; n += WIRE_ENTRY_MAX) {
        assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'x', WIRE_ENTRY_MAX), WIRE_OK);
    }
    stand_commit(t);
    expect_kept(t, 1, 16); // just full
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'y', 1), WIRE_OK);
    expect_kept(t, 2, 17); // a byte too many
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'y', WIRE_ENTRY_MAX - 1), WIRE_OK);
    expect_kept(t, 2, 18); // just full again
    stand_reopen(t);
    expect_kept(t, 2, 18);
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'y', WIRE_ENTRY_MAX), WIRE_OK);
    expect_kept(t, 3, 19);
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'y', 1), WIRE_OK);
    expect_kept(t, 4, 20);
    // Several go in one batch, and come back if it does not stand.
    stand_begin(t);
    for (int i = 0; i < 5; i++) assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'z', WIRE_ENTRY_MAX), WIRE_OK);
    stand_rollback(t);
    expect_kept(t, 4, 20);
    stand_begin(t);
    for (int i = 0; i < 40; i++) assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'z', WIRE_ENTRY_MAX), WIRE_OK);
    stand_commit(t);
    expect_kept(t, 45, 60);
}

static void the_newest_entry_stays(void **state)
{
    struct stand *t = *state;
    if (t->e == &store_memory) t->e->reader_free(t->r), t->e->close(t->s), t->r = NULL, t->s = NULL;
    t->settings.log_max = 10;
    if (t->e == &store_memory) stand_start(t);
    else stand_reopen(t);
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'a', 11), WIRE_OK);
    expect_kept(t, 1, 1);
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'b', 11), WIRE_OK);
    expect_kept(t, 2, 2);
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'c', 4), WIRE_OK);
    expect_kept(t, 3, 3);
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'd', 3), WIRE_OK);
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'e', 3), WIRE_OK);
    expect_kept(t, 3, 5);
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'f', 1), WIRE_OK);
    expect_kept(t, 4, 6);
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'g', 10), WIRE_OK);
    expect_kept(t, 7, 7);
}

// -------------------------------------------------------------------------------------------------------------- quotas

static void quotas_of_a_host(void **state)
{
    struct stand *t = *state;
    t->host = (struct store_host){.id = 7, .logs_max = 2, .bytes_max = 100};
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(stand_create(t, 'B', 'k'), WIRE_OK);
    assert_int_equal(stand_create(t, 'C', 'k'), WIRE_E_QUOTA);
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_E_EXISTS);
    t->host.id = 8;
    assert_int_equal(stand_create(t, 'C', 'k'), WIRE_OK);
    t->host.id = 0;
    assert_int_equal(stand_create(t, 'D', 'k'), WIRE_OK);
    t->host.id = 7;
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'x', 60), WIRE_OK);
    assert_int_equal(stand_append_n(t, 'B', 'k', 0, 'x', 41), WIRE_E_QUOTA);
    stand_reopen(t);
    assert_int_equal(stand_append_n(t, 'B', 'k', 0, 'x', 41), WIRE_E_QUOTA);
    assert_int_equal(stand_append_n(t, 'B', 'k', 0, 'x', 40), WIRE_OK); // just full
    assert_int_equal(stand_append_n(t, 'B', 'k', 0, 'x', 1), WIRE_E_QUOTA);
    assert_int_equal(stand_append_n(t, 'C', 'k', 0, 'x', 100), WIRE_OK);  // the other's own
    assert_int_equal(stand_append_n(t, 'D', 'k', 0, 'x', 1000), WIRE_OK); // nobody's
    assert_int_equal(stand_create(t, 'E', 'k'), WIRE_E_QUOTA);
    // Blobs take from the same bytes; what is deleted comes back.
    assert_int_equal(stand_blob_create(t, 'b', 'w', 1, 0), WIRE_E_QUOTA);
    assert_int_equal(stand_delete(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(stand_blob_create(t, 'b', 'w', 61, 0), WIRE_E_QUOTA);
    assert_int_equal(stand_blob_create(t, 'b', 'w', 60, 0), WIRE_OK);
    assert_int_equal(stand_append_n(t, 'B', 'k', 0, 'x', 1), WIRE_E_QUOTA);
    assert_int_equal(stand_create(t, 'E', 'k'), WIRE_OK);
    assert_int_equal(stand_create(t, 'F', 'k'), WIRE_E_QUOTA);
}

static void a_quota_may_change(void **state)
{
    struct stand *t = *state;
    t->host = (struct store_host){.id = 7, .logs_max = 2, .bytes_max = 100};
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'x', 100), WIRE_OK);
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'x', 1), WIRE_E_QUOTA);
    const struct store_host more = {.id = 7, .bytes_max = 150}, none = {.id = 7}, other = {.id = 8};
    t->e->host_set(t->s, &other);
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'x', 1), WIRE_E_QUOTA);
    t->e->host_set(t->s, &more);
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'x', 51), WIRE_E_QUOTA);
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'x', 50), WIRE_OK);
    if (stand_reopen(t)) assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'x', 1), WIRE_E_QUOTA);
    t->e->host_set(t->s, &none); // unlimited
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'x', 1000), WIRE_OK);
    t->e->host_set(t->s, &more);
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'x', 1), WIRE_E_QUOTA);
}

static void what_expires_comes_back_to_the_quota(void **state)
{
    struct stand *t = *state;
    t->host = (struct store_host){.id = 7, .logs_max = 2, .bytes_max = 100};
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'x', 30), WIRE_OK);
    t->now += 500000;
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'x', 70), WIRE_OK);
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'x', 1), WIRE_E_QUOTA);
    t->now += 500000;
    stand_expire(t);
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'x', 31), WIRE_E_QUOTA);
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'x', 30), WIRE_OK);
    stand_reopen(t);
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'x', 1), WIRE_E_QUOTA);
}

static void a_batch_taken_back_costs_no_quota(void **state)
{
    struct stand *t = *state;
    t->host = (struct store_host){.id = 7, .logs_max = 1, .bytes_max = 100};
    stand_begin(t);
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'x', 100), WIRE_OK);
    assert_int_equal(stand_create(t, 'B', 'k'), WIRE_E_QUOTA);
    assert_int_equal(stand_append_n(t, 'A', 'k', 0, 'x', 1), WIRE_E_QUOTA);
    stand_rollback(t);
    assert_int_equal(stand_create(t, 'B', 'k'), WIRE_OK);
    stand_begin(t);
    assert_int_equal(stand_append_n(t, 'B', 'k', 0, 'x', 100), WIRE_OK);
    stand_rollback(t);
    assert_int_equal(stand_append_n(t, 'B', 'k', 0, 'x', 100), WIRE_OK);
    stand_begin(t);
    assert_int_equal(stand_delete(t, 'B', 'k'), WIRE_OK);
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    stand_rollback(t);
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_E_QUOTA);
}

// ----------------------------------------------------------------------------------------------------------- taken back

static void a_batch_taken_back_changes_nothing(void **state)
{
    struct stand *t = *state;
    char pools[100], was[100];
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(stand_append(t, 'A', 'k', 0, "one"), WIRE_OK);
    assert_int_equal(stand_put(t, 'A', 'k', 'd', "last", "p,q"), WIRE_OK);
    assert_int_equal(stand_pools(t, 'A', 'k', was, sizeof was), WIRE_OK);
    size_t seen = t->seen_n;
    for (int round = 0; round < 3; round++) {
        stand_begin(t);
        assert_int_equal(stand_append(t, 'A', 'k', 0, "two"), WIRE_OK);
        assert_int_equal(stand_advance(t, 'A', 'k', 0, "three", 'n', 0), WIRE_OK);
        assert_int_equal(stand_create(t, 'B', 'k'), WIRE_OK);
        assert_int_equal(stand_append(t, 'B', 'k', 0, "b"), WIRE_OK);
        assert_int_equal(stand_put(t, 'A', 'n', 'e', NULL, "r"), WIRE_OK);
        assert_int_equal(stand_take(t, 'A', 'n', pools, sizeof pools), WIRE_OK);
        assert_string_equal(pools, "d=p e=r");
        if (round == 1) assert_int_equal(stand_delete(t, 'A', 'n'), WIRE_OK);
        stand_rollback(t);
        if (round == 2) stand_reopen(t);
        assert_int_equal(t->seen_n, seen);
        stand_expect(t, 'A', 'k', "one");
        assert_int_equal(t->view.head.epoch, 0);
        assert_int_equal(t->view.rights, WIRE_RIGHTS);
        assert_int_equal(t->view.to_seq, WIRE_NO_END);
        assert_int_equal(stand_view(t, 'A', 'n'), WIRE_E_DENIED);
        assert_int_equal(stand_view(t, 'B', 'k'), WIRE_E_DENIED);
        assert_int_equal(stand_pools(t, 'A', 'k', pools, sizeof pools), WIRE_OK);
        assert_string_equal(pools, was);
    }
    assert_int_equal(stand_append(t, 'A', 'k', 0, "two"), WIRE_OK);
    assert_int_equal(t->appended.seq, 2);
    assert_int_equal(stand_create(t, 'B', 'k'), WIRE_OK);
}

static void an_empty_batch_is_one(void **state)
{
    struct stand *t = *state;
    stand_begin(t);
    stand_commit(t);
    stand_begin(t);
    stand_rollback(t);
    assert_int_equal(t->seen_n, 0);
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
}

// -------------------------------------------------------------------------------------------------------------- events

static void the_watcher_is_told_in_order(void **state)
{
    struct stand *t = *state;
    struct wire_grant g = stand_grant('r', WIRE_READ, 0, WIRE_NO_END);
    stand_begin(t);
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(stand_create(t, 'B', 'k'), WIRE_OK);
    assert_int_equal(stand_append(t, 'A', 'k', 0, "one"), WIRE_OK);
    assert_int_equal(stand_append(t, 'B', 'k', 0, "b"), WIRE_OK);
    assert_int_equal(stand_append(t, 'A', 'k', 9, "stale"), WIRE_E_STALE);
    assert_int_equal(stand_advance(t, 'A', 'k', 0, "two", 'n', 0), WIRE_OK);
    assert_int_equal(stand_grant_set(t, 'B', 'k', g), WIRE_OK);
    assert_int_equal(stand_grant_remove(t, 'B', 'k', 'z'), WIRE_OK); // nothing to remove
    assert_int_equal(stand_grant_remove(t, 'B', 'k', 'r'), WIRE_OK);
    assert_int_equal(stand_delete(t, 'B', 'k'), WIRE_OK);
    assert_int_equal(t->seen_n, 0); // not before it is durable
    stand_commit(t);
    const struct seen want[] = {
        {.kind = STORE_ENTRY, .log = 'A', .seq = 1, .epoch = 0, .text = "one"},
        {.kind = STORE_ENTRY, .log = 'B', .seq = 1, .epoch = 0, .text = "b"},
        {.kind = STORE_ENTRY, .log = 'A', .seq = 2, .epoch = 0, .text = "two"},
        {.kind = STORE_GRANTS, .log = 'A'},
        {.kind = STORE_GRANTS, .log = 'B'},
        {.kind = STORE_GRANTS, .log = 'B'},
        {.kind = STORE_DELETED, .log = 'B'},
    };
    assert_int_equal(t->seen_n, sizeof want / sizeof *want);
    for (size_t i = 0; i < t->seen_n; i++) {
        assert_int_equal(t->seen[i].kind, want[i].kind);
        assert_int_equal(t->seen[i].log, want[i].log);
        assert_int_equal(t->seen[i].seq, want[i].seq);
        assert_int_equal(t->seen[i].epoch, want[i].epoch);
        assert_string_equal(t->seen[i].text, want[i].text);
        if (t->seen[i].kind == STORE_ENTRY) assert_int_equal(t->seen[i].time, t->now);
    }
    assert_int_equal(stand_append(t, 'A', 'n', 1, "three"), WIRE_OK);
    assert_int_equal(t->seen_n, sizeof want / sizeof *want + 1);
    stand_begin(t); // more than the first room for events
    for (int i = 0; i < 600; i++) assert_int_equal(stand_append(t, 'A', 'n', 1, i % 2 == 0 ? "even" : "odd"), WIRE_OK);
    stand_commit(t);
    assert_int_equal(t->seen_n, sizeof want / sizeof *want + 601);
    assert_string_equal(t->seen[t->seen_n - 1].text, "odd");
    assert_int_equal(t->seen[t->seen_n - 1].seq, 603);
}

static void a_signal_is_passed_on_and_not_kept(void **state)
{
    struct stand *t = *state;
    uint8_t log[WIRE_ID];
    memset(log, 'A', sizeof log);
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    assert_ok(t->e->signal(t->s, log, 42, span_str("typing")));
    assert_int_equal(t->seen_n, 1);
    assert_int_equal(t->seen[0].kind, STORE_SIGNAL);
    assert_int_equal(t->seen[0].log, 'A');
    assert_int_equal(t->seen[0].origin, 42);
    assert_string_equal(t->seen[0].text, "typing");
    stand_expect(t, 'A', 'k', "");
}

// ------------------------------------------------------------------------------------------------------------- numbers

static void totals_are_about_right(void **state)
{
    struct stand *t = *state;
    struct store_totals n;
    stand_begin(t);
    for (int i = 0; i < 10; i++) assert_int_equal(stand_create(t, (uint8_t)i, 'k'), WIRE_OK);
    for (int i = 0; i < 100; i++) assert_int_equal(stand_append(t, (uint8_t)(i % 10), 'k', 0, "text"), WIRE_OK);
    stand_commit(t);
    assert_int_equal(stand_delete(t, 9, 'k'), WIRE_OK);
    assert_int_equal(stand_blob_create(t, 'b', 'k', 10, 0), WIRE_OK);
    assert_ok(t->e->totals(t->r, &n));
    assert_int_equal(n.logs, 9);
    assert_in_range(n.entries, 90, 100);
    assert_int_equal(n.blobs, 1);
    assert_true(n.bytes >= 360);
}

int main(void)
{
    static const struct stand_test tests[] = {
        STAND_TEST(entries_come_back_in_order),
        STAND_TEST(logs_do_not_mix),
        STAND_TEST(reads_are_paged),
        STAND_TEST(what_is_read_fits_the_buffer),
        STAND_TEST(time_never_goes_back),
        STAND_TEST(one_epoch_is_current),
        STAND_TEST(of_two_commits_one_wins),
        STAND_TEST(a_deleted_log_is_gone_and_counts_on),
        STAND_TEST(deletion_and_creation_in_one_batch),
        STAND_TEST(entries_expire),
        STAND_TEST(seq_goes_on_when_all_has_expired),
        STAND_TEST(a_shorter_retention_of_the_relay_counts),
        STAND_TEST(many_expire_in_pieces),
        STAND_TEST(a_log_keeps_just_so_much),
        STAND_TEST(the_newest_entry_stays),
        STAND_TEST(quotas_of_a_host),
        STAND_TEST(a_quota_may_change),
        STAND_TEST(what_expires_comes_back_to_the_quota),
        STAND_TEST(a_batch_taken_back_costs_no_quota),
        STAND_TEST(a_batch_taken_back_changes_nothing),
        STAND_TEST(an_empty_batch_is_one),
        STAND_TEST(the_watcher_is_told_in_order),
        STAND_TEST(a_signal_is_passed_on_and_not_kept),
        STAND_TEST(totals_are_about_right),
    };
    return stand_run("store", tests, sizeof tests / sizeof *tests);
}
