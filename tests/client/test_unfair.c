// SPDX-License-Identifier: Apache-2.0
//
// Relays and members who put into a log what an engine cannot take: it says so, and reads on.
#include "town.h"

#include "codec/tls.h"
#include "content/content.h"

static bool two_are_joined(struct town *t)
{
    return is_quiet(t) && newest(&t->person[0]).members == 2 && newest(&t->person[1]).members == 2;
}

// Alice and Bob in a group, both admins.
static struct town *two_admins(int64_t *chat)
{
    struct town *t = town_open(2);
    int64_t contact = meet(t, 1, 0, INVITE_PERSONAL);
    wait_for(t, two_are_joined);
    assert_ok(engine_group(t->person[0].e, span_str("Tea"), &contact, 1, chat));
    while (newest(&t->person[1]).kind != ROOM_GROUP) wait_for(t, two_are_joined);
    assert_ok(engine_role(t->person[0].e, *chat, contact, true));
    while (newest(&t->person[1]).epoch != 2 || newest(&t->person[0]).epoch != 2) wait_for(t, two_are_joined);
    return t;
}

static struct chat *group_of(struct person *p) { return chat_find(p->e, newest(p).id); }

// The bytes of the last piece of work, as they would go to the relay.
static void last_payload(struct person *p, struct buf *out)
{
    buf_init(out, WIRE_ENTRY_MAX);
    sqlite3_stmt *q = db_sql(&p->e->db, "SELECT payload FROM work WHERE payload != x'' ORDER BY id DESC LIMIT 1");
    assert_true(db_row(&p->e->db, q));
    buf_put(out, db_get(q, 0));
    db_done(q);
    assert_true(out->n > 0);
}

// What the relay pushes behind what Alice has read.
static void push(struct buf *list, const struct chat *c, uint64_t ahead, uint64_t epoch, const struct buf *payload)
{
    wire_put_entry(list, &(struct wire_entry){
                             .seq = c->cursor + ahead, .time = 1, .epoch = epoch, .payload = buf_span(payload)});
}

static size_t work_of(struct person *p, const char *sql)
{
    sqlite3_stmt *q = NULL;
    assert_int_equal(sqlite3_prepare_v2(p->e->db.h, sql, -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    size_t n = (size_t)sqlite3_column_int64(q, 0);
    (void)sqlite3_finalize(q);
    return n;
}

// The relay takes a change of Alice's, and shows it to her behind one of Bob's: it counts for nobody.
static void a_change_of_ones_own_in_another_epoch(void **state)
{
    int64_t chat = 0;
    struct town *t = two_admins(&chat);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    struct chat *c = group_of(alice);
    struct buf mine, his, list;
    (void)state;
    assert_ok(engine_rename(alice->e, chat, span_str("Milk")));
    last_payload(alice, &mine);
    assert_ok(engine_rename(bob->e, newest(bob).id, span_str("Beer")));
    last_payload(bob, &his);
    buf_init(&list, WIRE_FRAME_MAX);
    uint64_t cursor = c->cursor, epoch = c->log_epoch;
    push(&list, c, 1, epoch, &his);
    push(&list, c, 2, epoch + 1, &mine);
    chat_entries(c, buf_span(&list));
    assert_false(c->peer->stalled);
    assert_int_equal(c->cursor, cursor + 2);
    assert_true(span_eq(newest(alice).name, span_str("Beer")));
    assert_non_null(strstr(alice->warning, "no longer counts"));
    assert_int_equal(work_of(alice, "SELECT count(*) FROM work WHERE kind = 7"), 1); // it is made again
    buf_wipe(&mine);
    buf_wipe(&his);
    buf_wipe(&list);
    town_close(t);
}

// Whatever it is that fails: what comes before it and behind it is read, and the next time it is no more in the way.
static void what_cannot_be_taken_is_passed_over(void **state)
{
    int64_t chat = 0;
    struct town *t = two_admins(&chat);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    struct chat *c = group_of(alice);
    struct buf mine, one, two, list;
    (void)state;
    assert_ok(engine_rename(alice->e, chat, span_str("Milk")));
    last_payload(alice, &mine);
    assert_int_equal(sqlite3_exec(alice->e->db.h, "UPDATE work SET what = x'00'", NULL, NULL, NULL), SQLITE_OK);
    say(bob, newest(bob).id, "before");
    last_payload(bob, &one);
    say(bob, newest(bob).id, "behind");
    last_payload(bob, &two);
    buf_init(&list, WIRE_FRAME_MAX);
    uint64_t cursor = c->cursor, epoch = c->log_epoch;
    push(&list, c, 1, epoch, &one);
    push(&list, c, 2, epoch, &mine);
    push(&list, c, 3, epoch, &two);
    chat_entries(c, buf_span(&list));
    assert_false(c->peer->stalled);
    assert_int_equal(c->cursor, cursor + 3);
    assert_string_equal(read_chat(alice, chat).text, "before\nbehind\n");
    assert_non_null(strstr(alice->warning, "passed over"));
    assert_int_equal(work_of(alice, "SELECT count(*) FROM work WHERE kind = 7"), 0);
    buf_wipe(&mine);
    buf_wipe(&one);
    buf_wipe(&two);
    buf_wipe(&list);
    town_close(t);
}

// What looks like a commit of the epoch before the present one, and is signed by nobody.
static void forge_commit(struct chat *c, struct buf *out)
{
    static const uint8_t junk[64] = {3};
    buf_init(out, 1000);
    tls_put_u16(out, 1); // mls10
    tls_put_u16(out, 2); // a PrivateMessage
    tls_put_vector(out, in_span(mls_group_id(c->mls)));
    tls_put_u64(out, mls_group_epoch(c->mls) - 1);
    tls_put_u8(out, 3); // of a commit
    tls_put_vector(out, span_of(NULL, 0));
    tls_put_vector(out, span_of(junk, 28));
    tls_put_vector(out, span_of(junk, sizeof junk));
    assert_ok(buf_end(out));
}

// The relay, or anybody who may append, makes up a change beside the one that counts: nobody thinks that the group is divided by it.
static void a_change_that_nobody_has_signed(void **state)
{
    int64_t chat = 0;
    struct town *t = two_admins(&chat);
    struct person *alice = &t->person[0];
    struct chat *c = group_of(alice);
    struct buf made, list;
    (void)state;
    assert_non_null(chat_group(c));
    forge_commit(c, &made);
    buf_init(&list, WIRE_FRAME_MAX);
    push(&list, c, 1, c->log_epoch, &made);
    chat_entries(c, buf_span(&list));
    assert_int_equal(c->behind, 0);
    assert_int_equal(alice->warnings, 1);
    buf_wipe(&made);
    buf_wipe(&list);
    town_close(t);
}

// However much nonsense comes at once, it is told once, in each way in which it is wrong, and read.
static void much_nonsense_at_once(void **state)
{
    enum { MANY = 15000 };
    int64_t chat = 0;
    struct town *t = two_admins(&chat);
    struct person *alice = &t->person[0];
    struct chat *c = group_of(alice);
    struct buf list;
    (void)state;
    const uint64_t cursor = c->cursor;
    buf_init(&list, 1 << 20);
    for (uint64_t i = 1; i <= MANY; i++)
        wire_put_entry(&list, &(struct wire_entry){.seq = cursor + i, .time = 1, .payload = span_str("x")});
    assert_ok(buf_end(&list));
    chat_entries(c, buf_span(&list));
    assert_false(c->peer->stalled);
    assert_int_equal(c->cursor, cursor + MANY);
    assert_int_equal(alice->warnings, 2); // that it is nonsense, and that it is here already
    buf_wipe(&list);
    town_close(t);
}

static uint8_t device[FORMAT_DEVICE];
static bool alice_has_a_fresh_device(struct town *t)
{
    return memcmp(t->person[0].e->self.device, device, sizeof device) != 0;
}

// What follows from a state that cannot go on fails to be stored, as on a full disk: it is done with the next connection.
static void who_cannot_follow_and_cannot_store_it(void **state)
{
    int64_t chat = 0;
    struct town *t = two_admins(&chat);
    struct person *alice = &t->person[0];
    struct chat *c = group_of(alice);
    sqlite3 *db = alice->e->db.h;
    (void)state;
    memcpy(device, alice->e->self.device, sizeof device);
    assert_int_equal(sqlite3_exec(db, "CREATE TRIGGER full BEFORE INSERT ON work BEGIN SELECT RAISE(ABORT, 'no'); END",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    c->behind = BEHIND_OUT;
    behind_settle(c);
    assert_memory_equal(alice->e->self.device, device, sizeof device);
    assert_int_equal(c->behind, BEHIND_OUT);
    assert_int_equal(sqlite3_exec(db, "DROP TRIGGER full", NULL, NULL, NULL), SQLITE_OK);
    link_break(c->peer->link);
    wait_for(t, alice_has_a_fresh_device);
    town_close(t);
}

static bool three_are_together(struct town *t)
{
    for (size_t i = 0; i < 3; i++) {
        if (newest(&t->person[i]).members != 3 || newest(&t->person[i]).epoch != newest(&t->person[0]).epoch)
            return false;
    }
    return is_quiet(t);
}

// A plain member really makes one, beside an admin's that all have taken: the admins decide where the group goes on.
static void a_change_of_a_plain_member_beside_an_admins(void **state)
{
    struct town *t = town_open(3);
    struct person *alice = &t->person[0], *bob = &t->person[1], *carol = &t->person[2];
    int64_t contacts[2] = {meet(t, 1, 0, INVITE_PERSONAL), meet(t, 2, 0, INVITE_PERSONAL)}, chat = 0;
    struct mls_commit made = {0};
    const struct mls_commit_params params = {.tree_in_welcome = true};
    struct buf entry, list[2];
    (void)state;
    assert_ok(engine_group(alice->e, span_str("Tea"), contacts, 2, &chat));
    wait_for(t, three_are_together);
    assert_non_null(chat_group(group_of(carol)));
    assert_int_equal(mls_group_commit(group_of(carol)->mls, &params, &made), MLS_OK);
    uint64_t epoch = newest(alice).epoch;
    assert_ok(engine_rename(alice->e, chat, span_str("Milk")));
    while (newest(alice).epoch == epoch || !three_are_together(t)) wait_for(t, is_quiet);
    buf_init(&entry, WIRE_ENTRY_MAX);
    buf_put(&entry, buf_of(&made.message));
    for (size_t i = 0; i < 2; i++) {
        struct chat *c = group_of(&t->person[i]);
        buf_init(&list[i], WIRE_FRAME_MAX);
        push(&list[i], c, 1, c->log_epoch, &entry);
        chat_entries(c, buf_span(&list[i]));
        assert_int_equal(c->behind, 0);
        buf_wipe(&list[i]);
    }
    assert_true(span_eq(newest(bob).name, span_str("Milk")));
    mls_commit_free(&made);
    buf_wipe(&entry);
    town_close(t);
}

static void on_appended(void *arg, const struct wire_reply *r)
{
    assert_true(r != NULL && r->type == WIRE_R_APPENDED);
    *(bool *)arg = true;
}

static bool appended;
static bool it_is_there(struct town *t)
{
    (void)t;
    return appended;
}

static bool both_have_read_two(struct town *t)
{
    return is_quiet(t) && read_chat(&t->person[0], newest(&t->person[0]).id).n == 2 &&
           read_chat(&t->person[1], newest(&t->person[1]).id).n == 2;
}

// A member puts a commit into the log that moves the group to the next epoch, and the log not: all go on all the same.
static void a_commit_that_does_not_advance_the_log(void **state)
{
    int64_t chat = 0;
    struct town *t = two_admins(&chat);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    struct chat *c = group_of(bob);
    struct buf his;
    (void)state;
    c->peer->ready = false; // his engine would do as it should
    assert_ok(engine_rename(bob->e, newest(bob).id, span_str("Beer")));
    c->peer->ready = true;
    struct work w;
    struct buf memory;
    int64_t id = (int64_t)work_of(bob, "SELECT max(id) FROM work");
    assert_true(work_load(bob->e, id, &w, &memory));
    assert_ok(commit_make(c, &w));
    last_payload(bob, &his);
    assert_int_equal(sqlite3_exec(bob->e->db.h, "UPDATE work SET acked = 1", NULL, NULL, NULL), SQLITE_OK);
    const struct wire_request r = {
        .type = WIRE_LOG_APPEND, .log = c->log, .key = c->log_key, .epoch = c->log_epoch, .payload = buf_span(&his)};
    assert_ok(link_ask(c->peer->link, &r, on_appended, &appended));
    wait_for(t, it_is_there);
    wait_for(t, is_quiet);
    say(alice, chat, "one");
    say(bob, newest(bob).id, "two");
    wait_for(t, both_have_read_two);
    assert_ok(engine_rename(alice->e, chat, span_str("Milk")));
    while (!span_eq(newest(bob).name, span_str("Milk"))) wait_for(t, is_quiet);
    buf_wipe(&memory);
    buf_wipe(&his);
    town_close(t);
}

static bool carol_has_heard(struct town *t)
{
    return is_quiet(t) && strstr(read_chat(&t->person[2], newest(&t->person[2]).id).text, "hello all") != NULL;
}

// Whoever came later does not get what was said before, though they know from the relay how it looked there; who was there gets it.
static void what_was_said_before_is_not_for_who_came_later_to_ask_for(void **state)
{
    struct town *t = town_open(3);
    struct person *alice = &t->person[0], *bob = &t->person[1], *carol = &t->person[2];
    struct person *const who[] = {bob, carol};
    int64_t chat = 0, contacts[2];
    uint8_t hash[32];
    struct buf body;
    (void)state;
    contacts[0] = meet(t, 1, 0, INVITE_PERSONAL);
    contacts[1] = meet(t, 2, 0, INVITE_PERSONAL);
    wait_for(t, is_quiet);
    assert_ok(engine_group(alice->e, span_str("Tea"), contacts, 1, &chat));
    while (newest(bob).kind != ROOM_GROUP) wait_for(t, two_are_joined);
    say(alice, chat, "between us");
    wait_for(t, is_quiet);
    buf_init(&body, 64);
    sqlite3_stmt *q = db_sql(&alice->e->db, "SELECT k.seq, k.payload FROM kept k WHERE k.chat = ?1 AND k.message != 0");
    db_int(q, 1, chat);
    assert_true(db_row(&alice->e->db, q));
    assert_ok(sha256(alice->e, db_get(q, 1), hash));
    tls_put_u64(&body, (uint64_t)db_get_int(q, 0));
    buf_put(&body, span_of(hash, 32));
    db_done(q);
    assert_ok(engine_add(alice->e, chat, &contacts[1], 1));
    wait_for(t, three_are_together);
    for (size_t i = 2; i-- > 0;) {
        db_begin(&who[i]->e->db);
        assert_ok(say_control(group_of(who[i]), CONTENT_SESSION, HISTORY_AGAIN_TYPE, buf_span(&body)));
        assert_ok(db_commit(&who[i]->e->db));
        peer_pump_all(who[i]->e);
        for (int k = 0; k < 3; k++) wait_for(t, is_quiet);
        say(bob, newest(bob).id, "hello all");
        wait_for(t, carol_has_heard);
        for (int k = 0; k < 3; k++) wait_for(t, is_quiet);
        assert_int_equal(strstr(read_chat(carol, newest(carol).id).text, "between us") != NULL, i == 0);
    }
    buf_wipe(&body);
    town_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_of_ones_own_in_another_epoch),
        cmocka_unit_test(what_cannot_be_taken_is_passed_over),
        cmocka_unit_test(a_commit_that_does_not_advance_the_log),
        cmocka_unit_test(a_change_that_nobody_has_signed),
        cmocka_unit_test(much_nonsense_at_once),
        cmocka_unit_test(who_cannot_follow_and_cannot_store_it),
        cmocka_unit_test(a_change_of_a_plain_member_beside_an_admins),
        cmocka_unit_test(what_was_said_before_is_not_for_who_came_later_to_ask_for),
    };
    return unit_run("unfair", tests);
}
