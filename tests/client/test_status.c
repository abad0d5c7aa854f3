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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_writes_hears_who_has_read),
        cmocka_unit_test(a_request_is_answered_first),
    };
    return unit_run("status", tests);
}
