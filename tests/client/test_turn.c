// SPDX-License-Identifier: Apache-2.0
//
// What comes in several conversations at once: it is one transaction when the turn is over, and nothing before. If that fails, because of one
// entry or as a whole, no conversation hinders another, nothing comes twice, and what is in memory is what is stored.
#include "town.h"

enum { GROUPS = 3 };

static struct pair {
    struct chat *hers, *his;
} pairs[GROUPS];
static struct town *town;
static struct person *alice, *bob;

static bool all_are_joined(struct town *t)
{
    size_t n = 0;
    for (const struct chat *c = t->person[1].e->chats; c != NULL; c = c->next)
        n += c->kind == ROOM_GROUP && c->caught_up;
    return is_quiet(t) && n == GROUPS;
}

static struct chat *with_log(struct person *p, const uint8_t log[32])
{
    struct chat *c = p->e->chats;
    while (c != NULL && memcmp(c->log, log, 32) != 0) c = c->next;
    assert_non_null(c);
    return c;
}

static int set_up(void **state)
{
    (void)state;
    town = town_open(2);
    alice = &town->person[0];
    bob = &town->person[1];
    int64_t chat = 0, contact = meet(town, 1, 0, INVITE_PERSONAL);
    wait_for(town, is_quiet);
    for (size_t i = 0; i < GROUPS; i++) {
        if (engine_group(alice->e, span_str("Tea"), &contact, 1, &chat) != ERR_OK) return 1;
        pairs[i].hers = chat_find(alice->e, chat);
    }
    wait_for(town, all_are_joined);
    for (size_t i = 0; i < GROUPS; i++) pairs[i].his = with_log(bob, pairs[i].hers->log);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    town_close(town);
    return 0;
}

// Alice says something, and Bob's relay pushes it to him, behind so many others that he has not taken yet.
static void push(size_t group, uint64_t ahead, const char *text)
{
    struct buf list;
    struct chat *c = pairs[group].his;
    buf_init(&list, WIRE_FRAME_MAX);
    say(alice, pairs[group].hers->id, text);
    sqlite3_stmt *q = db_sql(&alice->e->db, "SELECT payload FROM work ORDER BY id DESC LIMIT 1");
    assert_true(db_row(&alice->e->db, q) && db_get(q, 0).n > 0);
    wire_put_entry(
        &list, &(struct wire_entry){
                   .seq = c->cursor + 1 + ahead, .time = engine_now(), .epoch = c->log_epoch, .payload = db_get(q, 0)});
    db_done(q);
    arrive(c, buf_span(&list));
    buf_wipe(&list);
}

// Two messages in each group, taking turns.
static void push_all(void)
{
    for (size_t i = 0; i < GROUPS; i++) push(i, 0, "one");
    for (size_t i = 0; i < GROUPS; i++) push(i, 1, "two");
}

static void each_has(const char *text)
{
    for (size_t i = 0; i < GROUPS; i++) assert_string_equal(read_chat(bob, pairs[i].his->id).text, text);
}

// How often a transaction of Bob's has ended, and which of them fail.
static size_t commits, fail_from, fail_to;

static int on_commit(void *arg)
{
    (void)arg;
    commits++;
    return commits > fail_from && commits <= fail_to;
}

static void watch(size_t from, size_t to)
{
    commits = 0;
    fail_from = from;
    fail_to = to;
    (void)sqlite3_commit_hook(bob->e->db.h, on_commit, NULL);
}

static void a_turn_is_one_transaction(void **state)
{
    (void)state;
    watch(0, 0);
    push_all();
    each_has("");
    assert_int_equal(commits, 0);
    arrive_settle(bob->e);
    assert_int_equal(commits, 1);
    each_has("one\ntwo\n");
    arrive_settle(bob->e);
    assert_int_equal(commits, 1);
}

static void the_turn_ends_by_itself(void **state)
{
    (void)state;
    push_all();
    wait_for(town, is_quiet); // what the relay pushes then is what he has got, but not by its number and time
    each_has("one\ntwo\n");
    assert_null(bob->e->arrived);
}

static void one_that_fails_hinders_no_other(void **state)
{
    char sql[200];
    (void)state;
    push_all();
    (void)snprintf(sql, sizeof sql,
                   "CREATE TEMP TRIGGER no BEFORE INSERT ON main.message WHEN NEW.chat = %lld AND NEW.body = 'two'"
                   " BEGIN SELECT RAISE(ABORT, 'no'); END",
                   (long long)pairs[1].his->id);
    assert_int_equal(sqlite3_exec(bob->e->db.h, sql, NULL, NULL, NULL), SQLITE_OK);
    arrive_settle(bob->e);
    assert_int_equal(sqlite3_exec(bob->e->db.h, "DROP TRIGGER no", NULL, NULL, NULL), SQLITE_OK);
    for (size_t i = 0; i < GROUPS; i++)
        assert_string_equal(read_chat(bob, pairs[i].his->id).text, i == 1 ? "one\n" : "one\ntwo\n");
    assert_non_null(strstr(bob->warning, "passed over"));
    for (size_t i = 0; i < GROUPS; i++) push(i, 0, "three");
    arrive_settle(bob->e);
    for (size_t i = 0; i < GROUPS; i++)
        assert_string_equal(read_chat(bob, pairs[i].his->id).text, i == 1 ? "one\nthree\n" : "one\ntwo\nthree\n");
}

static void what_cannot_be_committed_together_is_taken_one_by_one(void **state)
{
    (void)state;
    watch(0, 1);
    push_all();
    arrive_settle(bob->e);
    assert_int_equal(commits, 1 + GROUPS);
    each_has("one\ntwo\n");
    assert_int_equal(bob->warnings, 0);
    for (size_t i = 0; i < GROUPS; i++) push(i, 0, "three"); // the groups are where they should be
    arrive_settle(bob->e);
    each_has("one\ntwo\nthree\n");
}

// Nothing of it has happened, in memory either: the groups are read again, and all is taken when it comes again.
static void what_cannot_be_stored_has_not_come(void **state)
{
    uint64_t cursor[GROUPS];
    struct buf again[GROUPS];
    (void)state;
    for (size_t i = 0; i < GROUPS; i++) cursor[i] = pairs[i].his->cursor;
    watch(0, SIZE_MAX);
    push_all();
    for (const struct arrival *a = bob->e->arrived; a != NULL; a = a->next) {
        for (size_t i = 0; i < GROUPS; i++) {
            if (a->chat != pairs[i].his->id) continue;
            buf_init(&again[i], WIRE_FRAME_MAX);
            buf_put(&again[i], buf_span(&a->list));
        }
    }
    arrive_settle(bob->e);
    assert_true(pairs[0].his->peer->stalled);
    each_has("");
    for (size_t i = 0; i < GROUPS; i++) {
        assert_int_equal(pairs[i].his->cursor, cursor[i]);
        assert_null(pairs[i].his->mls);
    }
    (void)sqlite3_commit_hook(bob->e->db.h, NULL, NULL);
    pairs[0].his->peer->stalled = false; // as when the connection is made anew
    for (size_t i = 0; i < GROUPS; i++) {
        arrive(pairs[i].his, buf_span(&again[i]));
        buf_wipe(&again[i]);
    }
    arrive_settle(bob->e);
    each_has("one\ntwo\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_turn_is_one_transaction),          TEST(the_turn_ends_by_itself),
        TEST(one_that_fails_hinders_no_other),    TEST(what_cannot_be_committed_together_is_taken_one_by_one),
        TEST(what_cannot_be_stored_has_not_come),
    };
    return unit_run("turn", tests);
}
