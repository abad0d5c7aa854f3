// SPDX-License-Identifier: Apache-2.0
//
// People talk: engines with vaults on disk, and a relay over TCP, all in this process. Invitations, first messages, groups,
// removal, being offline, restarts in the middle, and relays that lie.
#include "town.h"

// -------------------------------------------------------------------------------------------------------------- tests

static bool both_have_two(struct town *t)
{
    return is_quiet(t) && newest(&t->person[0]).members == 2 && newest(&t->person[1]).members == 2;
}

static bool alice_has_heard(struct town *t)
{
    return both_have_two(t) && read_chat(&t->person[0], newest(&t->person[0]).id).n == 1;
}

static bool both_have_read_three(struct town *t)
{
    return is_quiet(t) && read_chat(&t->person[0], newest(&t->person[0]).id).n == 3 &&
           read_chat(&t->person[1], newest(&t->person[1]).id).n == 3;
}

static void two_people_talk(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    char one[61], two[61];
    (void)state;
    int64_t contact = meet(t, 0, 1, INVITE_PERSONAL);
    int64_t chat = newest(bob).id;
    say(bob, chat, "Hello Alice!"); // before she knows of it
    wait_for(t, alice_has_heard);
    assert_int_equal(newest(alice).kind, ROOM_DIRECT);
    assert_int_equal(newest(alice).state, CHAT_OPEN);
    assert_int_equal(contact_of_person(alice, bob).state, CONTACT_KNOWN);
    assert_string_equal(contact_of_person(alice, bob).name, "bob");
    assert_string_equal(contact_of_person(bob, alice).name, "alice");
    say(alice, newest(alice).id, "Hello Bob!");
    say(alice, newest(alice).id, "Tea at *six*?");
    wait_for(t, both_have_read_three);
    assert_string_equal(read_chat(bob, chat).text, "I: Hello Alice!\nHello Bob!\nTea at *six*?\n");
    assert_string_equal(read_chat(alice, newest(alice).id).text, "Hello Alice!\nI: Hello Bob!\nI: Tea at *six*?\n");
    assert_false(read_chat(alice, newest(alice).id).queued);
    assert_ok(engine_safety(bob->e, contact, one));
    assert_ok(engine_safety(alice->e, contact_of_person(alice, bob).id, two));
    assert_string_equal(one, two);
    assert_int_equal(alice->warnings + bob->warnings, 0);
    town_close(t);
}

static bool alice_has_one(struct town *t) { return newest(&t->person[0]).members == 2; }

static void strangers_make_a_request(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    (void)state;
    (void)meet(t, 0, 1, 0); // an address for everybody
    wait_for(t, alice_has_one);
    assert_int_equal(contact_of_person(alice, bob).state, CONTACT_REQUEST);
    assert_int_equal(newest(alice).state, CHAT_REQUEST);
    assert_ok(engine_answer(alice->e, contact_of_person(alice, bob).id, true));
    assert_int_equal(newest(alice).state, CHAT_OPEN);
    town_close(t);
}

static bool bob_is_told(struct town *t) { return t->person[2].warnings > 0; }

static void an_invitation_for_one_use_works_once(void **state)
{
    struct town *t = town_open(3);
    struct buf link;
    const char *why = "";
    int64_t contact = 0;
    (void)state;
    buf_init(&link, FORMAT_LINK_MAX);
    assert_ok(engine_invite(t->person[0].e, INVITE_PERSONAL | INVITE_ONCE, "bob", &link));
    wait_for(t, is_quiet);
    assert_ok(engine_accept(t->person[1].e, span_str((const char *)link.p), &contact, &why));
    wait_for(t, both_have_two);
    assert_ok(engine_accept(t->person[2].e, span_str((const char *)link.p), &contact, &why));
    wait_for(t, bob_is_told);
    assert_non_null(strstr(t->person[2].warning, "no longer valid"));
    assert_int_equal(newest(&t->person[0]).members, 2);
    assert_int_equal(contact_of_person(&t->person[0], &t->person[2]).state, 0);
    assert_int_equal(engine_accept(t->person[0].e, span_str((const char *)link.p), &contact, &why),
                     ERR_REFUSED); // her own
    assert_int_equal(engine_accept(t->person[1].e, span_str((const char *)link.p), &contact, &why),
                     ERR_REFUSED); // a contact already
    assert_int_equal(engine_accept(t->person[1].e, span_str("whimbrel:abc"), &contact, &why), ERR_INVALID);
    buf_wipe(&link);
    town_close(t);
}

static bool all_have_three(struct town *t)
{
    return is_quiet(t) && newest(&t->person[0]).members == 3 && newest(&t->person[1]).members == 3 &&
           newest(&t->person[2]).members == 3;
}

static bool carol_is_out(struct town *t)
{
    return is_quiet(t) && newest(&t->person[0]).members == 2 && newest(&t->person[1]).members == 2;
}

static bool two_have_two_messages(struct town *t)
{
    return is_quiet(t) && read_chat(&t->person[0], newest(&t->person[0]).id).n == 2 &&
           read_chat(&t->person[1], newest(&t->person[1]).id).n == 2;
}

static bool all_have_one_message(struct town *t)
{
    for (size_t i = 0; i < 3; i++) {
        if (read_chat(&t->person[i], newest(&t->person[i]).id).n != 1) return false;
    }
    return is_quiet(t);
}

static void a_group_with_somebody_removed(void **state)
{
    struct town *t = town_open(3);
    struct person *alice = &t->person[0], *bob = &t->person[1], *carol = &t->person[2];
    int64_t chat = 0, contacts[2];
    (void)state;
    contacts[0] = meet(t, 1, 0, INVITE_PERSONAL);
    contacts[1] = meet(t, 2, 0, INVITE_PERSONAL);
    assert_ok(engine_group(alice->e, span_str("Tea"), contacts, 2, &chat));
    wait_for(t, all_have_three);
    assert_true(span_eq(newest(carol).name, span_str("Tea")));
    say(bob, newest(bob).id, "Who brings cake?");
    wait_for(t, all_have_one_message);
    assert_ok(engine_remove(alice->e, chat, contacts[1]));
    wait_for(t, carol_is_out);
    say(alice, chat, "Carol must not know");
    wait_for(t, two_have_two_messages);
    assert_int_equal(read_chat(carol, newest(carol).id).n, 1);
    assert_int_equal(newest(carol).state, CHAT_REMOVED);
    int64_t message = 0;
    assert_int_equal(engine_say_text(carol->e, newest(carol).id, span_str("still here?"), &message), ERR_REFUSED);
    town_close(t);
}

// Everybody is closed and opened again after each step, and messages are said while nobody is there.
static bool both_have_read_twenty(struct town *t)
{
    return is_quiet(t) && read_chat(&t->person[0], newest(&t->person[0]).id).n == 20 &&
           read_chat(&t->person[1], newest(&t->person[1]).id).n == 20;
}

static void restarts_lose_and_repeat_nothing(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    char text[20];
    (void)state;
    (void)meet(t, 0, 1, INVITE_PERSONAL);
    town_reopen(t);
    wait_for(t, both_have_two);
    for (unsigned i = 0; i < 20; i++) {
        struct person *p = i % 2 == 0 ? alice : bob;
        (void)snprintf(text, sizeof text, "message %u", i);
        say(p, newest(p).id, text);
        if (i % 3 == 0) town_reopen(t); // before it is sent, or between sending and the answer
    }
    wait_for(t, both_have_read_twenty);
    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(text, sizeof text, "message %u\n", i);
        assert_non_null(strstr(read_chat(alice, newest(alice).id).text, text));
        assert_non_null(strstr(read_chat(bob, newest(bob).id).text, text));
    }
    assert_int_equal(alice->warnings + bob->warnings, 0);
    town_close(t);
}

static bool alice_has_nothing_of_it(struct town *t)
{
    return is_quiet(t) && strcmp(read_chat(&t->person[0], newest(&t->person[0]).id).text, "\nstays\n") == 0;
}

// What is deleted for all is in nobody's vault any more; and nobody deletes what another has written.
static void what_is_deleted_is_gone(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    int64_t first = 0, message = 0;
    (void)state;
    (void)meet(t, 0, 1, INVITE_PERSONAL);
    wait_for(t, both_have_two);
    int64_t chat = newest(bob).id;
    assert_ok(engine_say_text(bob->e, chat, span_str("never mind"), &first));
    say(bob, chat, "stays");
    assert_int_equal(engine_act(bob->e, chat, 999, ENGINE_DELETE, span_str(""), &message), ERR_NOT_FOUND);
    wait_for(t, is_quiet);
    assert_ok(engine_act(bob->e, chat, first, ENGINE_DELETE, span_str(""), &message));
    wait_for(t, alice_has_nothing_of_it);
    assert_string_equal(read_chat(bob, chat).text, "I: \nI: stays\n");
    assert_int_equal(engine_act(alice->e, newest(alice).id, 2, ENGINE_DELETE, span_str(""), &message), ERR_REFUSED);
    town_close(t);
}

// The relay hands out somebody else's keys: here the invitation names another account than the one whose keys are in the pool.
static bool bob_is_warned(struct town *t) { return t->person[1].warnings > 0; }

static void keys_of_somebody_else_are_noticed(void **state)
{
    struct town *t = town_open(3);
    struct person *alice = &t->person[0], *bob = &t->person[1], *carol = &t->person[2];
    struct buf link, bytes, false_link;
    struct invite i;
    const char *why = "";
    int64_t contact = 0, message = 0;
    (void)state;
    buf_init(&link, FORMAT_LINK_MAX);
    buf_init(&bytes, FORMAT_LINK_MAX);
    buf_init(&false_link, FORMAT_LINK_MAX);
    assert_ok(engine_invite(alice->e, INVITE_PERSONAL, "bob", &link));
    wait_for(t, is_quiet);
    assert_ok(invite_from_link(span_str((const char *)link.p), &bytes));
    assert_ok(invite_decode(buf_span(&bytes), &i));
    i.account = engine_account(carol->e);
    assert_ok(invite_link(&i, NULL, &false_link));
    assert_ok(engine_accept(bob->e, span_str((const char *)false_link.p), &contact, &why));
    assert_ok(engine_say_text(bob->e, newest(bob).id, span_str("for Carol alone"), &message));
    wait_for(t, bob_is_warned);
    assert_non_null(strstr(bob->warning, "a key that is not theirs"));
    assert_int_equal(newest(bob).members, 1);
    assert_int_equal(contact_of_person(alice, bob).state, 0); // Alice has heard nothing
    buf_wipe(&link);
    buf_wipe(&bytes);
    buf_wipe(&false_link);
    town_close(t);
}

static bool alice_is_warned(struct town *t) { return t->person[0].warnings > 0; }

static bool both_are_quiet_with_three(struct town *t)
{
    return is_quiet(t) && read_chat(&t->person[0], newest(&t->person[0]).id).n == 3;
}

static void count_warning(void *arg, const struct engine_warning *w)
{
    assert_true(w->id > 0 && w->chat > 0 && w->text.n > 0 && w->time > 0);
    ++*(unsigned *)arg;
}

static unsigned kept_warnings(struct person *p)
{
    unsigned n = 0;
    assert_ok(engine_warnings(p->e, count_warning, &n));
    return n;
}

// Bob has been shown another history than Alice: his running hash is another one. She is told once, until she has seen it.
static void histories_that_differ_are_noticed(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    (void)state;
    (void)meet(t, 0, 1, INVITE_PERSONAL);
    wait_for(t, both_have_two);
    say(bob, newest(bob).id, "one");
    wait_for(t, is_quiet);
    assert_int_equal(alice->warnings, 0);
    bob->e->chats->chain[7] ^= 1;
    say(bob, newest(bob).id, "two");
    wait_for(t, alice_is_warned);
    assert_non_null(strstr(alice->warning, "different histories"));
    say(bob, newest(bob).id, "three");
    wait_for(t, both_are_quiet_with_three);
    assert_int_equal(alice->warnings, 1);
    assert_int_equal(kept_warnings(alice), 1);
    town_reopen(t);
    assert_int_equal(kept_warnings(alice), 1);
    assert_int_equal(engine_warning_seen(alice->e, 99), ERR_NOT_FOUND);
    assert_ok(engine_warning_seen(alice->e, 0));
    assert_int_equal(kept_warnings(alice), 0);
    town_close(t);
}

static bool relay_has_ended(struct town *t) { return scene_drained(&t->scene); }

static bool both_have_five(struct town *t)
{
    return is_quiet(t) && read_chat(&t->person[0], newest(&t->person[0]).id).n == 5 &&
           read_chat(&t->person[1], newest(&t->person[1]).id).n == 5;
}

static bool carol_is_there(struct town *t) { return is_quiet(t) && newest(&t->person[2]).members == 2; }

// A relay comes back with nothing at all: the conversation goes on, all of it is at the relay again, and so are inbox, key packages and
// invitations.
static void a_relay_that_has_lost_all(void **state)
{
    struct town *t = town_open(3);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    const char *why = "";
    int64_t contact = 0;
    struct buf link;
    (void)state;
    (void)meet(t, 0, 1, INVITE_PERSONAL);
    wait_for(t, both_have_two);
    say(bob, newest(bob).id, "one");
    say(alice, newest(alice).id, "two");
    say(bob, newest(bob).id, "three");
    wait_for(t, both_have_read_three);
    buf_init(&link, FORMAT_LINK_MAX);
    assert_ok(engine_invite(alice->e, INVITE_PERSONAL, "carol", &link));
    wait_for(t, is_quiet);
    scene_drain(&t->scene);
    wait_for(t, relay_has_ended);
    scene_forget(&t->scene);
    say(bob, newest(bob).id, "four");
    say(alice, newest(alice).id, "five");
    wait_for(t, both_have_five);
    assert_non_null(strstr(alice->warning, "older state"));
    assert_non_null(strstr(bob->warning, "older state"));
    uint64_t head = alice->e->chats->cursor;
    assert_true(head >= 5 && bob->e->chats->cursor == head);
    assert_memory_equal(alice->e->chats->chain, bob->e->chats->chain, 32);
    assert_false(alice->e->chats->lost || bob->e->chats->lost);
    assert_ok(engine_accept(t->person[2].e, span_str((const char *)link.p), &contact, &why));
    wait_for(t, carol_is_there);
    buf_wipe(&link);
    town_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_people_talk),
        cmocka_unit_test(strangers_make_a_request),
        cmocka_unit_test(an_invitation_for_one_use_works_once),
        cmocka_unit_test(a_group_with_somebody_removed),
        cmocka_unit_test(restarts_lose_and_repeat_nothing),
        cmocka_unit_test(what_is_deleted_is_gone),
        cmocka_unit_test(keys_of_somebody_else_are_noticed),
        cmocka_unit_test(histories_that_differ_are_noticed),
        cmocka_unit_test(a_relay_that_has_lost_all),
    };
    return unit_run("talk", tests);
}
