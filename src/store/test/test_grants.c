// SPDX-License-Identifier: Apache-2.0
//
// Grants and key packages, held against docs/protocol.md §3.1 and §3.3, in every engine: rights, ranges, replacement by a commit,
// revocation, limits; pools, last resorts, and that nobody gets what somebody else got.
#include "store/test/stand.h"

#include "store/grants.h"

enum { ALL = WIRE_RIGHTS, MEMBER = WIRE_READ | WIRE_APPEND | WIRE_ADVANCE };

// -------------------------------------------------------------------------------------------------------------- rights

static void a_key_may_do_what_its_grant_says(void **state)
{
    struct stand *t = *state;
    const struct wire_grant g[] = {
        stand_grant('o', ALL, 0, WIRE_NO_END),         stand_grant('r', WIRE_READ, 0, WIRE_NO_END),
        stand_grant('a', WIRE_APPEND, 0, WIRE_NO_END), stand_grant('v', WIRE_APPEND | WIRE_ADVANCE, 0, WIRE_NO_END),
        stand_grant('d', WIRE_ADMIN, 0, WIRE_NO_END),
    };
    char text[100];
    assert_int_equal(stand_create_with(t, 'A', 0, g, 5), WIRE_OK);
    const struct {
        uint8_t key;
        enum wire_code read, append, advance, admin, stat;
    } row[] = {
        {'o', WIRE_OK, WIRE_OK, WIRE_OK, WIRE_OK, WIRE_OK},
        {'r', WIRE_OK, WIRE_E_DENIED, WIRE_E_DENIED, WIRE_E_DENIED, WIRE_OK},
        {'a', WIRE_E_DENIED, WIRE_OK, WIRE_E_DENIED, WIRE_E_DENIED, WIRE_OK},
        {'v', WIRE_E_DENIED, WIRE_OK, WIRE_OK, WIRE_E_DENIED, WIRE_OK},
        {'d', WIRE_E_DENIED, WIRE_E_DENIED, WIRE_E_DENIED, WIRE_OK, WIRE_OK},
        {'x', WIRE_E_DENIED, WIRE_E_DENIED, WIRE_E_DENIED, WIRE_E_DENIED, WIRE_E_DENIED},
    };
    uint64_t epoch = 0;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        uint8_t k = row[i].key;
        assert_int_equal(stand_read(t, 'A', k, 0, 0, 1 << 20), row[i].read);
        assert_int_equal(stand_append(t, 'A', k, epoch, "x"), row[i].append);
        assert_int_equal(stand_advance(t, 'A', k, epoch, "x", 0, 0), row[i].advance);
        epoch += row[i].advance == WIRE_OK;
        assert_int_equal(stand_grant_set(t, 'A', k, stand_grant('z', WIRE_READ, 0, WIRE_NO_END)), row[i].admin);
        assert_int_equal(stand_grant_remove(t, 'A', k, 'z'), row[i].admin);
        assert_int_equal(stand_put(t, 'A', k, 'd', NULL, "p"), row[i].admin);
        assert_int_equal(stand_pools(t, 'A', k, text, sizeof text), row[i].admin);
        assert_int_equal(stand_clear(t, 'A', k, 'd'), row[i].admin);
        assert_int_equal(stand_take(t, 'A', k, text, sizeof text), row[i].append);
        assert_int_equal(stand_view(t, 'A', k), row[i].stat);
    }
}

static void creating_takes_each_hash_once(void **state)
{
    struct stand *t = *state;
    const struct wire_grant g[] = {stand_grant('o', ALL, 0, WIRE_NO_END), stand_grant('o', WIRE_READ, 0, WIRE_NO_END)};
    assert_int_equal(stand_create_with(t, 'A', 0, g, 2), WIRE_E_EXISTS);
    assert_int_equal(stand_view(t, 'A', 'o'), WIRE_E_DENIED);
    assert_int_equal(stand_create_with(t, 'A', 0, g, 1), WIRE_OK);
}

static void a_range_bounds_what_is_read(void **state)
{
    struct stand *t = *state;
    const struct wire_grant g[] = {stand_grant('o', ALL, 0, WIRE_NO_END), stand_grant('m', WIRE_READ, 3, 5),
                                   stand_grant('l', WIRE_READ, 5, WIRE_NO_END), stand_grant('e', WIRE_READ, 0, 2),
                                   stand_grant('f', WIRE_READ, 100, WIRE_NO_END)};
    static const char *const texts[] = {"1", "2", "3", "4", "5", "6", "7"};
    assert_int_equal(stand_create_with(t, 'A', 0, g, 5), WIRE_OK);
    for (int i = 0; i < 7; i++) assert_int_equal(stand_append(t, 'A', 'o', 0, texts[i]), WIRE_OK);
    stand_reopen(t);
    stand_expect(t, 'A', 'm', "3,4,5");
    assert_int_equal(t->view.from_seq, 3);
    assert_int_equal(t->view.to_seq, 5);
    assert_int_equal(t->view.head.oldest, 1);
    assert_int_equal(t->view.head.head, 7);
    stand_expect(t, 'A', 'l', "5,6,7");
    stand_expect(t, 'A', 'e', "1,2");
    stand_expect(t, 'A', 'f', "");
    assert_int_equal(stand_read(t, 'A', 'm', 3, 0, 1 << 20), WIRE_OK);
    assert_int_equal(t->got_n, 2);
    assert_int_equal(stand_read(t, 'A', 'm', 5, 0, 1 << 20), WIRE_OK);
    assert_int_equal(t->got_n, 0);
    // A range with an end only reads.
    assert_int_equal(stand_grant_set(t, 'A', 'o', stand_grant('m', ALL, 3, 5)), WIRE_OK);
    assert_int_equal(stand_append(t, 'A', 'm', 0, "x"), WIRE_E_DENIED);
    assert_int_equal(stand_grant_remove(t, 'A', 'm', 'o'), WIRE_E_DENIED);
    stand_expect(t, 'A', 'm', "3,4,5");
}

// ------------------------------------------------------------------------------------------------------- replacement

static void a_commit_replaces_its_key(void **state)
{
    struct stand *t = *state;
    assert_int_equal(stand_create_with(t, 'A', 0, (struct wire_grant[]){stand_grant('k', MEMBER, 2, WIRE_NO_END)}, 1),
                     WIRE_OK);
    assert_int_equal(stand_append(t, 'A', 'k', 0, "1"), WIRE_OK);
    assert_int_equal(stand_append(t, 'A', 'k', 0, "2"), WIRE_OK);
    stand_begin(t);
    assert_int_equal(stand_advance(t, 'A', 'k', 0, "3", 'n', 0), WIRE_OK);
    // At once, in the same batch.
    assert_int_equal(stand_append(t, 'A', 'k', 1, "x"), WIRE_E_DENIED);
    assert_int_equal(stand_append(t, 'A', 'n', 1, "4"), WIRE_OK);
    assert_int_equal(stand_advance(t, 'A', 'k', 1, "x", 'y', 0), WIRE_E_DENIED);
    stand_commit(t);
    for (int i = 0; i < 2; i++) {
        stand_expect(t, 'A', 'k', "2,3"); // who is behind sees the commit, and nothing after it
        assert_int_equal(t->view.rights, WIRE_READ);
        assert_int_equal(t->view.to_seq, 3);
        stand_expect(t, 'A', 'n', "2,3,4"); // from the greater of the two
        assert_int_equal(t->view.rights, MEMBER);
        assert_int_equal(t->view.from_seq, 2);
        assert_int_equal(t->view.to_seq, WIRE_NO_END);
        stand_reopen(t);
    }
    assert_int_equal(stand_advance(t, 'A', 'n', 1, "5", 'k', 0), WIRE_E_EXISTS);
    assert_int_equal(stand_advance(t, 'A', 'n', 1, "5", 'n', 0), WIRE_E_EXISTS);
    assert_int_equal(stand_view(t, 'A', 'n'), WIRE_OK);
    assert_int_equal(t->view.head.epoch, 1); // refused is unchanged
    assert_int_equal(t->view.head.head, 4);
    assert_int_equal(stand_advance(t, 'A', 'n', 1, "5", 'm', 5), WIRE_OK);
    stand_expect(t, 'A', 'm', "5");
    assert_int_equal(t->view.from_seq, 5);
    stand_expect(t, 'A', 'n', "2,3,4,5");
    stand_expect(t, 'A', 'k', "2,3");
}

// A replacement that fails takes nothing of the batch with it.
static void a_stale_commit_replaces_nothing(void **state)
{
    struct stand *t = *state;
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    stand_begin(t);
    assert_int_equal(stand_advance(t, 'A', 'k', 0, "1", 'n', 0), WIRE_OK);
    assert_int_equal(stand_advance(t, 'A', 'k', 0, "x", 'm', 0), WIRE_E_DENIED); // the loser's key only reads now
    assert_int_equal(stand_advance(t, 'A', 'n', 0, "x", 'm', 0), WIRE_E_STALE);
    assert_int_equal(stand_advance(t, 'A', 'n', 1, "x", 'k', 0), WIRE_E_EXISTS);
    stand_commit(t);
    assert_int_equal(stand_view(t, 'A', 'm'), WIRE_E_DENIED);
    stand_expect(t, 'A', 'n', "1");
    assert_int_equal(t->view.rights, ALL);
}

// A key that may not read yet, or not at all, leaves no grant behind: there is nothing that it could say.
static void a_key_that_read_nothing_ends(void **state)
{
    struct stand *t = *state;
    const struct wire_grant g[] = {stand_grant('f', MEMBER, 1000, WIRE_NO_END),
                                   stand_grant('w', WIRE_APPEND | WIRE_ADVANCE, 0, WIRE_NO_END),
                                   stand_grant('o', ALL, 0, WIRE_NO_END)};
    assert_int_equal(stand_create_with(t, 'A', 0, g, 3), WIRE_OK);
    assert_int_equal(stand_advance(t, 'A', 'f', 0, "1", 'g', 0), WIRE_OK);
    assert_int_equal(stand_advance(t, 'A', 'w', 1, "2", 'x', 0), WIRE_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(stand_view(t, 'A', 'f'), WIRE_E_DENIED);
        assert_int_equal(stand_view(t, 'A', 'w'), WIRE_E_DENIED);
        assert_int_equal(stand_view(t, 'A', 'g'), WIRE_OK);
        assert_int_equal(t->view.from_seq, 1000);
        assert_int_equal(stand_view(t, 'A', 'x'), WIRE_OK);
        stand_expect(t, 'A', 'o', "1,2");
        stand_reopen(t); // and the log can be read again, which a grant of no entry would not let it
    }
}

static void grants_that_have_ended_go_with_their_entries(void **state)
{
    struct stand *t = *state;
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(stand_append(t, 'A', 'k', 0, "1"), WIRE_OK);
    assert_int_equal(stand_advance(t, 'A', 'k', 0, "2", 'n', 0), WIRE_OK);
    t->now += 500000;
    assert_int_equal(stand_append(t, 'A', 'n', 1, "3"), WIRE_OK);
    stand_expire(t);
    stand_expect(t, 'A', 'k', "1,2");
    t->now += 500000;
    stand_expire(t);
    assert_int_equal(stand_view(t, 'A', 'k'), WIRE_E_DENIED);
    stand_expect(t, 'A', 'n', "3");
    t->now += 1000000;
    stand_expire(t);
    stand_expect(t, 'A', 'n', ""); // one without an end stays, whatever expires
    stand_reopen(t);
    assert_int_equal(stand_view(t, 'A', 'k'), WIRE_E_DENIED);
    assert_int_equal(stand_append(t, 'A', 'n', 1, "4"), WIRE_OK);
}

// ---------------------------------------------------------------------------------------------------- setting, removing

static void grants_are_set_and_removed(void **state)
{
    struct stand *t = *state;
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(stand_append(t, 'A', 'k', 0, "1"), WIRE_OK);
    assert_int_equal(stand_grant_set(t, 'A', 'k', stand_grant('r', WIRE_READ, 0, WIRE_NO_END)), WIRE_OK);
    stand_expect(t, 'A', 'r', "1");
    assert_int_equal(stand_grant_set(t, 'A', 'k', stand_grant('r', WIRE_APPEND, 0, WIRE_NO_END)), WIRE_OK);
    assert_int_equal(stand_read(t, 'A', 'r', 0, 0, 1000), WIRE_E_DENIED);
    assert_int_equal(stand_append(t, 'A', 'r', 0, "2"), WIRE_OK);
    stand_begin(t);
    assert_int_equal(stand_grant_remove(t, 'A', 'k', 'r'), WIRE_OK);
    assert_int_equal(stand_append(t, 'A', 'r', 0, "x"), WIRE_E_DENIED); // at once
    assert_int_equal(stand_grant_remove(t, 'A', 'k', 'r'), WIRE_OK);    // and again
    stand_commit(t);
    stand_reopen(t);
    assert_int_equal(stand_view(t, 'A', 'r'), WIRE_E_DENIED);
    stand_expect(t, 'A', 'k', "1,2");
    assert_int_equal(stand_grant_remove(t, 'A', 'k', 'k'), WIRE_OK); // itself
    assert_int_equal(stand_view(t, 'A', 'k'), WIRE_E_DENIED);
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_E_EXISTS); // nobody's, but there
    stand_reopen(t);
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_E_EXISTS);
}

static void a_log_holds_so_many_grants(void **state)
{
    struct stand *t = *state;
    struct wire_grant g = stand_grant('r', WIRE_READ, 0, WIRE_NO_END);
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    stand_begin(t);
    for (unsigned i = 1; i < GRANTS_MAX; i++) {
        g.hash[0] = (uint8_t)i;
        g.hash[1] = (uint8_t)(i >> 8);
        assert_int_equal(stand_grant_set(t, 'A', 'k', g), WIRE_OK);
    }
    g.hash[2] = 1;
    assert_int_equal(stand_grant_set(t, 'A', 'k', g), WIRE_E_LIMIT);
    g.hash[2] = 'r';
    assert_int_equal(stand_grant_set(t, 'A', 'k', g), WIRE_OK); // one that is there
    assert_int_equal(stand_advance(t, 'A', 'k', 0, "x", 'n', 0), WIRE_E_LIMIT);
    stand_commit(t);
    stand_reopen(t);
    g.hash[2] = 1;
    assert_int_equal(stand_grant_set(t, 'A', 'k', g), WIRE_E_LIMIT);
    assert_int_equal(stand_grant_remove(t, 'A', 'k', 'z'), WIRE_OK);
    assert_int_equal(stand_append(t, 'A', 'k', 0, "1"), WIRE_OK);
    stand_expect(t, 'A', 'k', "1");
}

// -------------------------------------------------------------------------------------------------------- key packages

static void a_package_is_handed_out_once(void **state)
{
    struct stand *t = *state;
    char text[200];
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(stand_put(t, 'A', 'k', 'd', "last", "p,q"), WIRE_OK);
    assert_int_equal(t->pool.packages, 2);
    assert_true(t->pool.last_resort);
    assert_int_equal(t->pool.device[0], 'd');
    assert_int_equal(stand_put(t, 'A', 'k', 'e', NULL, "r,s,t"), WIRE_OK);
    assert_int_equal(t->pool.packages, 3);
    assert_false(t->pool.last_resort);
    assert_int_equal(stand_pools(t, 'A', 'k', text, sizeof text), WIRE_OK);
    assert_string_equal(text, "d=2! e=3");
    static const char *const takes[] = {"d=p e=r", "d=q e=s", "d=last! e=t", "d=last!", "d=last!"};
    for (size_t i = 0; i < sizeof takes / sizeof *takes; i++) {
        assert_int_equal(stand_take(t, 'A', 'k', text, sizeof text), WIRE_OK);
        assert_string_equal(text, takes[i]);
        if (i == 1) stand_reopen(t);
    }
    assert_int_equal(stand_pools(t, 'A', 'k', text, sizeof text), WIRE_OK);
    assert_string_equal(text, "d=0!");
    assert_int_equal(stand_put(t, 'A', 'k', 'd', "newer", ""), WIRE_OK);
    assert_int_equal(t->pool.packages, 0);
    assert_int_equal(stand_put(t, 'A', 'k', 'd', NULL, "u"), WIRE_OK);
    assert_true(t->pool.last_resort);
    assert_int_equal(stand_take(t, 'A', 'k', text, sizeof text), WIRE_OK);
    assert_string_equal(text, "d=u");
    assert_int_equal(stand_take(t, 'A', 'k', text, sizeof text), WIRE_OK);
    assert_string_equal(text, "d=newer!");
}

static void takes_of_one_batch_differ(void **state)
{
    struct stand *t = *state;
    char text[200];
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(stand_create(t, 'B', 'k'), WIRE_OK);
    stand_begin(t);
    assert_int_equal(stand_put(t, 'A', 'k', 'd', NULL, "p,q"), WIRE_OK);
    assert_int_equal(stand_put(t, 'B', 'k', 'd', NULL, "other"), WIRE_OK);
    assert_int_equal(stand_take(t, 'A', 'k', text, sizeof text), WIRE_OK);
    assert_string_equal(text, "d=p");
    assert_int_equal(stand_take(t, 'A', 'k', text, sizeof text), WIRE_OK);
    assert_string_equal(text, "d=q");
    assert_int_equal(stand_take(t, 'A', 'k', text, sizeof text), WIRE_OK);
    assert_string_equal(text, "");
    stand_commit(t);
    assert_int_equal(stand_take(t, 'B', 'k', text, sizeof text), WIRE_OK);
    assert_string_equal(text, "d=other");
}

static void what_is_taken_back_is_there_again(void **state)
{
    struct stand *t = *state;
    char text[200];
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(stand_put(t, 'A', 'k', 'd', "last", "p,q"), WIRE_OK);
    for (int round = 0; round < 2; round++) {
        stand_begin(t);
        assert_int_equal(stand_take(t, 'A', 'k', text, sizeof text), WIRE_OK);
        assert_string_equal(text, "d=p");
        assert_int_equal(stand_put(t, 'A', 'k', 'd', "newer", "r"), WIRE_OK);
        assert_int_equal(stand_put(t, 'A', 'k', 'e', NULL, "s"), WIRE_OK);
        assert_int_equal(stand_take(t, 'A', 'k', text, sizeof text), WIRE_OK);
        assert_int_equal(stand_clear(t, 'A', 'k', 'd'), WIRE_OK);
        if (round == 1) assert_int_equal(stand_delete(t, 'A', 'k'), WIRE_OK);
        stand_rollback(t);
        assert_int_equal(stand_pools(t, 'A', 'k', text, sizeof text), WIRE_OK);
        assert_string_equal(text, "d=2!");
    }
    static const char *const takes[] = {"d=p", "d=q", "d=last!"};
    for (size_t i = 0; i < sizeof takes / sizeof *takes; i++) {
        assert_int_equal(stand_take(t, 'A', 'k', text, sizeof text), WIRE_OK);
        assert_string_equal(text, takes[i]);
    }
}

static void pools_are_cleared_by_device(void **state)
{
    struct stand *t = *state;
    char text[200];
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    assert_int_equal(stand_put(t, 'A', 'k', 'd', "last", "p,q"), WIRE_OK);
    assert_int_equal(stand_put(t, 'A', 'k', 'e', NULL, "r"), WIRE_OK);
    assert_int_equal(stand_clear(t, 'A', 'k', 'd'), WIRE_OK);
    assert_int_equal(stand_clear(t, 'A', 'k', 'x'), WIRE_OK);
    assert_int_equal(stand_pools(t, 'A', 'k', text, sizeof text), WIRE_OK);
    assert_string_equal(text, "e=1");
    assert_int_equal(stand_take(t, 'A', 'k', text, sizeof text), WIRE_OK);
    assert_string_equal(text, "e=r");
}

static void pools_have_limits(void **state)
{
    struct stand *t = *state;
    char many[2 * WIRE_PACKAGES_MAX + 2], text[4000];
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    for (size_t i = 0; i < 2 * WIRE_PACKAGES_MAX; i++) many[i] = i % 2 == 0 ? 'p' : ',';
    many[2 * WIRE_PACKAGES_MAX - 1] = 0;
    assert_int_equal(stand_put(t, 'A', 'k', 'd', "last", many), WIRE_OK);
    assert_int_equal(t->pool.packages, WIRE_PACKAGES_MAX);
    assert_int_equal(stand_put(t, 'A', 'k', 'd', "newer", "q"), WIRE_E_LIMIT);
    assert_int_equal(stand_put(t, 'A', 'k', 'd', "newer", ""), WIRE_OK);
    assert_int_equal(stand_take(t, 'A', 'k', text, sizeof text), WIRE_OK);
    assert_int_equal(stand_put(t, 'A', 'k', 'd', NULL, "q,q"), WIRE_E_LIMIT);
    assert_int_equal(stand_put(t, 'A', 'k', 'd', NULL, "q"), WIRE_OK);
    for (uint8_t d = 1; d < WIRE_DEVICES_MAX; d++) {
        assert_int_equal(stand_put(t, 'A', 'k', 'A' + d, d % 2 == 0 ? "l" : NULL, d % 2 == 0 ? "" : "p"), WIRE_OK);
    }
    assert_int_equal(stand_put(t, 'A', 'k', 'z', NULL, "p"), WIRE_E_LIMIT);
    assert_int_equal(stand_put(t, 'A', 'k', 'z', "l", ""), WIRE_E_LIMIT);
    assert_int_equal(stand_put(t, 'A', 'k', 'B', NULL, "p"), WIRE_OK); // one that is known
    stand_reopen(t);
    assert_int_equal(stand_put(t, 'A', 'k', 'z', "l", ""), WIRE_E_LIMIT);
    assert_int_equal(stand_pools(t, 'A', 'k', text, sizeof text), WIRE_OK);
    assert_non_null(strstr(text, "d=100!"));
    assert_int_equal(stand_clear(t, 'A', 'k', 'B'), WIRE_OK);
    assert_int_equal(stand_put(t, 'A', 'k', 'z', "l", ""), WIRE_OK);
}

// A take is one message: what would not fit into it, of all devices, is not put.
static void a_take_fits_a_message(void **state)
{
    struct stand *t = *state;
    static char large[WIRE_PACKAGE_MAX + 1], text[4000];
    unsigned put = 0;
    memset(large, 'x', WIRE_PACKAGE_MAX);
    assert_int_equal(stand_create(t, 'A', 'k'), WIRE_OK);
    for (uint8_t d = 0; d < WIRE_DEVICES_MAX; d++) {
        enum wire_code code = stand_put(t, 'A', 'k', 'A' + d, d % 2 == 0 ? large : NULL, d % 2 == 0 ? "p" : large);
        put += code == WIRE_OK;
        if (code != WIRE_OK) assert_int_equal(code, WIRE_E_LIMIT);
    }
    assert_in_range(put, 7, 8);
    assert_int_equal(stand_put(t, 'A', 'k', 'A', NULL, "q"), WIRE_OK); // small ones always are
    for (int i = 0; i < 3; i++) assert_int_equal(stand_take(t, 'A', 'k', text, sizeof text), WIRE_OK);
    stand_reopen(t);
    assert_int_equal(stand_put(t, 'A', 'k', 'z', large, ""), WIRE_OK); // there is room again
    assert_int_equal(stand_put(t, 'A', 'k', 'y', NULL, large), WIRE_OK);
    assert_int_equal(stand_take(t, 'A', 'k', text, sizeof text), WIRE_OK);
}

int main(void)
{
    static const struct stand_test tests[] = {
        STAND_TEST(a_key_may_do_what_its_grant_says),
        STAND_TEST(creating_takes_each_hash_once),
        STAND_TEST(a_range_bounds_what_is_read),
        STAND_TEST(a_commit_replaces_its_key),
        STAND_TEST(a_stale_commit_replaces_nothing),
        STAND_TEST(a_key_that_read_nothing_ends),
        STAND_TEST(grants_that_have_ended_go_with_their_entries),
        STAND_TEST(grants_are_set_and_removed),
        STAND_TEST(a_log_holds_so_many_grants),
        STAND_TEST(a_package_is_handed_out_once),
        STAND_TEST(takes_of_one_batch_differ),
        STAND_TEST(what_is_taken_back_is_there_again),
        STAND_TEST(pools_are_cleared_by_device),
        STAND_TEST(pools_have_limits),
        STAND_TEST(a_take_fits_a_message),
    };
    return stand_run("store-grants", tests, sizeof tests / sizeof *tests);
}
