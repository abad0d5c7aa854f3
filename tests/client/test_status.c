// SPDX-License-Identifier: Apache-2.0
//
// What people hear of each other besides what is said: who has got and read a message, and that messages end; between engines.
#include "town.h"

// One's own messages in the newest conversation, a letter each: q(ueued), s(ent), d(elivered), r(ead); the last one's number.
struct sight {
    char states[20];
    int64_t last;
};

static void note_state(void *arg, const struct history_message *m)
{
    struct sight *s = arg;
    if (m->sender != 0) return;
    s->states[strlen(s->states)] = "?qsdr??"[m->state];
    s->last = m->id;
}

static struct sight look(struct person *p)
{
    struct sight s = {0};
    assert_ok(engine_messages(p->e, &(struct history_page){.chat = newest(p).id}, note_state, &s));
    return s;
}

static bool bob_sees(struct town *t, const char *states)
{
    return is_quiet(t) && strcmp(look(&t->person[1]).states, states) == 0;
}

static bool bob_is_delivered(struct town *t) { return bob_sees(t, "d"); }
static bool bob_is_read(struct town *t) { return bob_sees(t, "r"); }
static bool both_are_there(struct town *t)
{
    return is_quiet(t) && newest(&t->person[0]).members == 2 && newest(&t->person[1]).members == 2;
}

static struct history_receipt receipt;
static size_t receipts;

static void note_receipt(void *arg, const struct history_receipt *r)
{
    (void)arg;
    receipt = *r;
    receipts++;
}

static void read_receipts(struct person *p)
{
    receipts = 0;
    receipt = (struct history_receipt){0};
    assert_ok(engine_receipts(p->e, newest(p).id, look(p).last, note_receipt, NULL));
}

static bool alice_has_two(struct town *t) { return is_quiet(t) && newest(&t->person[0]).unread == 2; }
static bool bob_has_heard(struct town *t) { return is_quiet(t) && newest(&t->person[1]).unread == 1; }

static void who_writes_hears_who_has_read(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    (void)state;
    int64_t contact = meet(t, 0, 1, INVITE_PERSONAL);
    wait_for(t, both_are_there);
    say(bob, newest(bob).id, "Tea?");
    wait_for(t, bob_is_delivered);
    read_receipts(bob);
    assert_true(receipts == 1 && receipt.reader == contact && receipt.delivered > 0 && receipt.read == 0);
    assert_ok(engine_read(alice->e, newest(alice).id, INT64_MAX));
    wait_for(t, bob_is_read);
    read_receipts(bob);
    assert_true(receipts == 1 && receipt.read >= receipt.delivered);
    assert_int_equal(engine_receipts(bob->e, 99, 1, note_receipt, NULL), ERR_NOT_FOUND);

    assert_ok(engine_set(alice->e, newest(alice).id, TALK_RECEIPTS, RECEIPTS_OFF));
    say(bob, newest(bob).id, "Or coffee?");
    say(bob, newest(bob).id, "Say something");
    wait_for(t, alice_has_two);
    assert_ok(engine_read(alice->e, newest(alice).id, INT64_MAX));
    say(alice, newest(alice).id, "Gladly"); // behind which a receipt would have come, too
    wait_for(t, bob_has_heard);
    town_reopen(t); // what is owed is told at the beginning
    say(alice, newest(alice).id, "Now");
    wait_for(t, is_quiet);
    assert_string_equal(look(bob).states, "rss");
    town_close(t);
}

static bool alice_is_asked(struct town *t) { return is_quiet(t) && newest(&t->person[0]).unread == 1; }

static bool bob_is_delivered_now(struct town *t) { return bob_sees(t, "sd"); }

// A stranger learns nothing before they were accepted.
static void a_request_is_answered_first(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    (void)state;
    (void)meet(t, 0, 1, 0);
    say(bob, newest(bob).id, "Do you know me?");
    wait_for(t, alice_is_asked);
    assert_ok(engine_read(alice->e, newest(alice).id, INT64_MAX - 1));
    town_reopen(t);
    wait_for(t, both_are_there);
    assert_string_equal(look(bob).states, "s");
    read_receipts(bob);
    assert_int_equal(receipts, 0);
    int64_t asks = 1;
    assert_ok(engine_answer(alice->e, asks, true));
    say(bob, newest(bob).id, "And now?");
    wait_for(t, bob_is_delivered_now);
    town_close(t);
}

// -------------------------------------------------------------------------------------------------- messages that end

// Messages and notices.
static size_t shown(struct person *p)
{
    struct seen s = read_chat(p, newest(p).id);
    size_t n = s.n;
    for (const char *at = s.notices; (at = strchr(at, '\n')) != NULL; at++) n++;
    return n;
}

static bool both_have_three(struct town *t)
{
    return is_quiet(t) && shown(&t->person[0]) == 3 && shown(&t->person[1]) == 3;
}
static bool it_is_gone_for_bob(struct town *t) { return shown(&t->person[1]) == 2; }
static bool it_is_gone_for_alice(struct town *t) { return shown(&t->person[0]) == 2; }
static bool alice_knows_the_timer(struct town *t) { return is_quiet(t) && newest(&t->person[0]).timer == 3; }

static bool bob_has_four(struct town *t) { return shown(&t->person[1]) == 4; }

// Whether the bytes stand somewhere in a person's vault, in clear.
static bool is_in_vault(struct person *p, const char *text)
{
    sqlite3_int64 n = 0;
    bool busy = true;
    for (int i = 0; i < 50 && busy; i++) { // what was deleted is cut off by and by
        engine_close(p->e);
        person_open(p);
        unsigned char *all = sqlite3_serialize(p->e->db.h, "main", &n, 0);
        assert_non_null(all);
        busy = memmem(all, (size_t)n, text, strlen(text)) != NULL;
        sqlite3_free(all);
        if (!busy) return false;
    }
    return busy;
}

// A message ends for its writer after it was sent, for its reader after it was read; nothing of it stays, and a restart changes nothing.
static void messages_end(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    int64_t message = 0;
    bool more = true;
    (void)state;
    (void)meet(t, 0, 1, INVITE_PERSONAL);
    wait_for(t, both_are_there);
    say(bob, newest(bob).id, "This stays");
    assert_ok(engine_say_brief(bob->e, newest(bob).id, span_str("Thiswillend"), 2, &message));
    say(bob, newest(bob).id, "And this stays");
    wait_for(t, both_have_three);
    while (more) assert_ok(search_index(&alice->e->history, 100, &more));
    assert_true(is_in_vault(alice, "Thiswillend") && is_in_vault(bob, "hiswillend"));
    wait_for(t, it_is_gone_for_bob);
    assert_int_equal(shown(alice), 3); // she has not read it
    assert_ok(engine_read(alice->e, newest(alice).id, INT64_MAX));
    town_reopen(t);
    wait_for(t, it_is_gone_for_alice);
    assert_int_equal(newest(alice).unread, 0);
    assert_false(is_in_vault(alice, "hiswillend"));
    assert_false(is_in_vault(bob, "hiswillend"));

    assert_int_equal(engine_timer(bob->e, 99, 3), ERR_NOT_FOUND);
    assert_ok(engine_timer(bob->e, newest(bob).id, 3));
    assert_int_equal(newest(bob).timer, 3);
    wait_for(t, alice_knows_the_timer);
    assert_string_equal(read_chat(alice, newest(alice).id).text, "This stays\nAnd this stays\n");
    assert_non_null(strstr(read_chat(alice, newest(alice).id).notices, ": 3\n"));
    assert_string_equal(read_chat(bob, newest(bob).id).text, "I: This stays\nI: And this stays\n");
    say(alice, newest(alice).id, "This ends, too");
    assert_int_equal(shown(alice), 4);
    wait_for(t, bob_has_four);
    assert_ok(engine_read(bob->e, newest(bob).id, INT64_MAX));
    wait_for(t, both_have_three);
    town_close(t);
}

static bool members_know(struct town *t)
{
    return is_quiet(t) && newest(&t->person[1]).members == 2 && newest(&t->person[0]).members == 2 &&
           newest(&t->person[1]).kind == ROOM_GROUP;
}

static void in_groups_admins_say_how_long(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    int64_t contact, group = 0, notes = 0, again = 0;
    (void)state;
    contact = meet(t, 0, 1, INVITE_PERSONAL);
    wait_for(t, both_are_there);
    contact = contact_of_person(alice, bob).id;
    assert_ok(engine_group(alice->e, span_str("Tea"), &contact, 1, &group));
    wait_for(t, members_know);
    assert_int_equal(engine_timer(bob->e, newest(bob).id, 60), ERR_REFUSED);
    assert_ok(engine_timer(alice->e, group, 60));
    assert_int_equal(engine_timer(alice->e, group, UINT32_MAX), ERR_LIMIT);
    assert_ok(engine_self_chat(alice->e, &notes)); // where nobody else is
    assert_ok(engine_self_chat(alice->e, &again));
    assert_true(notes == again && notes != group);
    say(alice, notes, "Milk");
    wait_for(t, is_quiet);
    assert_string_equal(read_chat(alice, notes).text, "I: Milk\n");
    assert_int_equal(newest(alice).kind, ROOM_SELF);
    town_close(t);
}

// ----------------------------------------------------------------------------------------------------------------- typing

static bool alice_has_heard(struct town *t) { return is_quiet(t) && newest(&t->person[0]).unread == 1; }

static unsigned typing, stopped;

static void on_typing(void *arg, const struct engine_event *e)
{
    (void)arg;
    if (e->kind != ENGINE_TYPING) return;
    assert_true(e->contact != 0 && e->chat != 0);
    typing += e->typing;
    stopped += !e->typing;
}

static bool bob_stopped(struct town *t)
{
    (void)t;
    return stopped == 1;
}

// Who is there is told; what is made up is nothing.
static void who_is_there_sees_who_is_writing(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    uint8_t forged[70] = {1};
    (void)state;
    (void)meet(t, 0, 1, INVITE_PERSONAL);
    wait_for(t, both_are_there);
    alice->e->event = on_typing;
    typing = stopped = 0;
    assert_int_equal(engine_typing(bob->e, 99, true), ERR_NOT_FOUND);
    assert_ok(engine_typing(bob->e, newest(bob).id, true));
    assert_ok(engine_typing(bob->e, newest(bob).id, true)); // once is enough
    assert_ok(engine_typing(bob->e, newest(bob).id, false));
    wait_for(t, bob_stopped);
    assert_int_equal(typing, 1);
    typing_take(chat_find(alice->e, newest(alice).id), span_of(forged, sizeof forged));
    typing_take(chat_find(alice->e, newest(alice).id), span_of(NULL, 0));
    assert_ok(engine_set(bob->e, newest(bob).id, TALK_RECEIPTS, RECEIPTS_OFF));
    assert_ok(engine_typing(bob->e, newest(bob).id, true));
    say(bob, newest(bob).id, "Done"); // behind which it would have come
    wait_for(t, alice_has_heard);
    assert_int_equal(typing + stopped, 2);
    town_close(t);
}

// Groups go from memory and come back.
static void groups_come_and_go(void **state)
{
    enum { MANY = 80 };
    struct town *t = town_open(1);
    struct person *alice = &t->person[0];
    int64_t chat[MANY];
    size_t there = 0;
    (void)state;
    for (size_t i = 0; i < MANY; i++) assert_ok(engine_group(alice->e, span_str("Tea"), NULL, 0, &chat[i]));
    wait_for(t, is_quiet);
    chat_trim(alice->e);
    for (const struct chat *c = alice->e->chats; c != NULL; c = c->next) there += c->mls != NULL;
    assert_int_equal(there, 64);
    for (size_t i = 0; i < MANY; i++) say(alice, chat[i], "Tea");
    wait_for(t, is_quiet);
    for (size_t i = 0; i < MANY; i++) assert_false(read_chat(alice, chat[i]).queued);
    town_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_writes_hears_who_has_read),
        cmocka_unit_test(a_request_is_answered_first),
        cmocka_unit_test(messages_end),
        cmocka_unit_test(in_groups_admins_say_how_long),
        cmocka_unit_test(who_is_there_sees_who_is_writing),
        cmocka_unit_test(groups_come_and_go),
    };
    return unit_run("status", tests);
}
