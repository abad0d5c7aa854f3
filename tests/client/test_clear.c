// SPDX-License-Identifier: Apache-2.0
//
// Whole conversations that are deleted on one device: nothing of them is in the vault, the others keep theirs, what is on its way does no harm, and it
// goes on when somebody says something. A group is left first, and then is gone.
#include "town.h"

static bool two_are_joined(struct town *t)
{
    return is_quiet(t) && newest(&t->person[0]).members == 2 && newest(&t->person[1]).members == 2;
}

static struct town *two_who_talk(void)
{
    struct town *t = town_open(2);
    (void)meet(t, 1, 0, INVITE_PERSONAL);
    wait_for(t, two_are_joined);
    return t;
}

static void note_word(void *arg, const struct history_message *m, struct span snippet)
{
    (void)m;
    (void)snippet;
    ++*(size_t *)arg;
}

static size_t finds(struct person *p, const char *word)
{
    size_t n = 0;
    const struct search_query q = {.text = span_str(word), .limit = 100};
    assert_ok(engine_search(p->e, &q, note_word, &n));
    return n;
}

static void settle(struct town *t)
{
    wait_for(t, is_quiet);
    wait_for(t, is_quiet);
}

static void it_goes_on_when_somebody_says_something(void **state)
{
    struct town *t = two_who_talk();
    struct person *alice = &t->person[0], *bob = &t->person[1];
    int64_t chat = newest(alice).id, message = 0;
    (void)state;
    say(alice, chat, "one herring");
    settle(t);
    say(bob, newest(bob).id, "two herrings");
    settle(t);
    assert_ok(engine_act(alice->e, chat, newest(alice).last.message, ENGINE_REACT, span_str("x"), &message));
    settle(t);
    assert_ok(engine_draft(alice->e, chat, span_str("three herrings")));
    assert_int_equal(finds(alice, "herr"), 2);
    assert_int_equal(engine_chat_delete(alice->e, 999), ERR_NOT_FOUND);
    assert_ok(engine_chat_delete(alice->e, chat));
    assert_true(newest(alice).hidden);
    assert_int_equal(newest(alice).draft.n, 0);
    assert_int_equal(finds(alice, "herr"), 0);
    assert_int_equal(count(alice,
                           "SELECT (SELECT count(*) FROM message) + (SELECT count(*) FROM reaction) + (SELECT count(*)"
                           " FROM receipt) + (SELECT count(*) FROM owed) + (SELECT count(*) FROM file)"),
                     0);
    assert_int_equal(finds(bob, "herr"), 2); // his are his
    town_reopen(t);
    assert_true(newest(alice).hidden);
    // what he deletes, edits and answers of it comes to nothing; what he says is new
    assert_ok(
        engine_act(bob->e, newest(bob).id, newest(bob).last.message, ENGINE_EDIT, span_str("2 herrings"), &message));
    settle(t);
    assert_true(newest(alice).hidden);
    assert_int_equal(finds(alice, "herr"), 0);
    say(bob, newest(bob).id, "are you there?");
    settle(t);
    assert_false(newest(alice).hidden);
    assert_int_equal(newest(alice).unread, 1);
    assert_string_equal(read_chat(alice, chat).text, "are you there?\n");
    // and she can write where nothing is listed
    assert_ok(engine_chat_delete(alice->e, chat));
    say(alice, chat, "yes");
    assert_false(newest(alice).hidden);
    settle(t);
    assert_non_null(strstr(read_chat(bob, newest(bob).id).text, "yes\n"));
    assert_int_equal(alice->warnings + bob->warnings, 0);
    town_close(t);
}

static void what_is_on_its_way_does_no_harm(void **state)
{
    struct town *t = two_who_talk();
    struct person *alice = &t->person[0], *bob = &t->person[1];
    int64_t chat = newest(alice).id;
    (void)state;
    say(alice, chat, "on its way"); // the relay has been asked, and has not answered
    assert_int_equal(count(alice, "SELECT count(*) FROM work WHERE kind = 9 AND payload != x''"), 1);
    assert_ok(engine_chat_delete(alice->e, chat));
    settle(t);
    assert_non_null(strstr(read_chat(bob, newest(bob).id).text, "on its way\n"));
    assert_string_equal(read_chat(alice, chat).text, "");
    town_reopen(t);
    say(alice, chat, "not sent"); // nobody is connected yet
    assert_int_equal(count(alice, "SELECT count(*) FROM work WHERE kind = 9 AND payload = x'' AND message != 0"), 1);
    assert_ok(engine_chat_delete(alice->e, chat));
    settle(t);
    say(bob, newest(bob).id, "hello");
    settle(t);
    assert_null(strstr(read_chat(bob, newest(bob).id).text, "not sent"));
    assert_string_equal(read_chat(alice, chat).text, "hello\n");
    // one that was encrypted, and whose epoch passes before the relay has it: nothing is said in its place
    say(alice, chat, "too late");
    assert_int_equal(
        sqlite3_exec(alice->e->db.h, "UPDATE work SET epoch = 99 WHERE kind = 9 AND message != 0", NULL, NULL, NULL),
        SQLITE_OK);
    engine_close(alice->e);
    person_open(alice);
    assert_ok(engine_chat_delete(alice->e, chat));
    settle(t);
    assert_string_equal(read_chat(alice, chat).text, "");
    assert_int_equal(alice->warnings + bob->warnings, 0);
    town_close(t);
}

static bool alice_is_out(struct town *t)
{
    return newest(&t->person[0]).state == CHAT_LEFT && newest(&t->person[2]).members == 2 && is_quiet(t);
}

static bool alice_is_quiet(struct town *t) { return engine_waiting(t->person[0].e) == 0; }
static bool alice_is_back(struct town *t) { return three_are_joined(t) && newest(&t->person[0]).state == CHAT_OPEN; }

static void a_group_is_left_first(void **state)
{
    struct town *t = town_open(3);
    struct person *alice = &t->person[0], *carol = &t->person[2];
    int64_t contacts[2] = {meet(t, 0, 2, INVITE_PERSONAL), 0}, made = 0;
    struct buf link;
    (void)state;
    contacts[1] = meet(t, 1, 2, INVITE_PERSONAL);
    wait_for(t, is_quiet);
    assert_ok(engine_group(carol->e, span_str("Tea"), contacts, 2, &made));
    wait_for(t, three_are_joined);
    int64_t group = newest(alice).id;
    assert_ok(engine_role(carol->e, made, contacts[0], true));
    settle(t);
    buf_init(&link, FORMAT_LINK_MAX);
    assert_ok(engine_group_link(alice->e, group, false, &link));
    say(carol, made, "herring for all");
    settle(t);
    assert_int_equal(engine_chat_delete(alice->e, group), ERR_MISUSE);
    assert_int_equal(finds(alice, "herr"), 1);
    assert_ok(engine_leave(alice->e, group));
    wait_for(t, alice_is_out);
    assert_ok(engine_chat_delete(alice->e, group));
    wait_for(t, alice_is_quiet); // her link is taken back
    assert_null(chat_find(alice->e, group));
    assert_int_equal(finds(alice, "herr"), 0);
    assert_int_equal(
        count(alice, "SELECT (SELECT count(*) FROM record WHERE chat NOT IN (SELECT id FROM chat)) + (SELECT count(*)"
                     " FROM invite WHERE chat > 0) + (SELECT count(*) FROM message WHERE chat NOT IN (SELECT id FROM"
                     " chat)) + (SELECT count(*) FROM kept WHERE chat NOT IN (SELECT id FROM chat))"),
        0);
    settle(t);
    town_reopen(t);
    assert_null(chat_find(alice->e, group));
    // she may come in again, and it is another conversation to her
    say(carol, made, "and now?");
    assert_ok(engine_add(carol->e, made, contacts, 1));
    wait_for(t, alice_is_back);
    assert_true(newest(alice).id > group);
    say(carol, made, "welcome");
    settle(t);
    assert_string_equal(read_chat(alice, newest(alice).id).text, "welcome\n");
    assert_int_equal(alice->warnings + carol->warnings, 0);
    buf_wipe(&link);
    town_close(t);
}

static bool alice_is_asked(struct town *t)
{
    return is_quiet(t) && newest(&t->person[0]).state == CHAT_REQUEST && newest(&t->person[0]).unread > 0;
}

static void a_request_that_is_declined_leaves_no_words(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    (void)state;
    (void)meet(t, 0, 1, 0);
    wait_for(t, is_quiet);
    say(bob, newest(bob).id, "buy my herring");
    wait_for(t, alice_is_asked);
    assert_int_equal(finds(alice, "herr"), 1);
    assert_int_equal(engine_chat_delete(alice->e, newest(alice).id), ERR_REFUSED);
    assert_ok(engine_answer(alice->e, contact_of_person(alice, bob).id, false));
    assert_int_equal(finds(alice, "herr"), 0);
    assert_int_equal(
        sqlite3_exec(alice->e->db.h, "INSERT INTO search(search, rank) VALUES('integrity-check', 1)", NULL, NULL, NULL),
        SQLITE_OK);
    town_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_goes_on_when_somebody_says_something),
        cmocka_unit_test(what_is_on_its_way_does_no_harm),
        cmocka_unit_test(a_group_is_left_first),
        cmocka_unit_test(a_request_that_is_declined_leaves_no_words),
    };
    return unit_run("talk-clear", tests);
}
