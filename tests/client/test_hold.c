// SPDX-License-Identifier: Apache-2.0
//
// Changed keys: somebody comes back from an archive with a fresh device. Nothing is said to it before that was confirmed, and then nothing of it is
// lost; in a group that holds for those alone whose number was compared.
#include "client/backup.h"
#include "town.h"

#include <sys/stat.h>

static const uint8_t ring_bytes[VAULT_SECRET] = {1};
static const struct vault_secret ring = {.kind = VAULT_KEYRING, .bytes = {ring_bytes, VAULT_SECRET}};

static struct {
    int64_t direct, group; // of Alice
    int64_t bob;           // to her
    unsigned moves;
    bool written;
} here;

static void on_written(void *arg, enum err e)
{
    (void)arg;
    assert_ok(e);
    here.written = true;
}
static bool is_written(struct town *t) { return t->folder[0] != 0 && here.written; }

// The profile of somebody goes into an archive, and goes on from there.
static void moves(struct person *p)
{
    char archive[120], folder[120];
    const struct span words = span_str("four quite random words");
    here.moves++;
    (void)snprintf(archive, sizeof archive, "%s/archive%u", p->town->folder, here.moves % 100);
    (void)snprintf(folder, sizeof folder, "%s/again%u", p->town->folder, here.moves % 100);
    here.written = false;
    assert_ok(engine_backup(p->e, p->folder, archive, words, on_written, NULL));
    wait_for(p->town, is_written);
    engine_close(p->e);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_ok(engine_restore(folder, &ring, archive, words));
    (void)snprintf(p->folder, sizeof p->folder, "%.99s", folder);
    person_open(p);
}

static void note_changed(void *arg, const struct engine_contact *c) { *(uint64_t *)arg = c->changed; }

static uint64_t changed(struct person *p, int64_t contact)
{
    uint64_t at = 0;
    assert_ok(engine_contacts(p->e, contact, note_changed, &at));
    return at;
}

static bool says(struct person *p, int64_t chat, const char *text)
{
    int64_t message = 0;
    enum err x = engine_say_text(p->e, chat, span_str(text), &message);
    if (x != ERR_OK) assert_int_equal(x, ERR_UNAUTHENTICATED);
    return x == ERR_OK;
}

static bool two_are_joined(struct town *t)
{
    return is_quiet(t) && newest(&t->person[0]).members == 2 && newest(&t->person[1]).members == 2;
}

static bool the_change_is_here(struct town *t)
{
    struct person *bob = &t->person[1];
    struct chat *c = bob->e->chats;
    while (c != NULL && c->kind != ROOM_DIRECT) c = c->next;
    return is_quiet(t) && changed(&t->person[0], here.bob) != 0 && c != NULL && c->state == CHAT_OPEN;
}

static struct town *two_who_talk(void)
{
    struct town *t = town_open(2);
    here.bob = meet(t, 1, 0, INVITE_PERSONAL);
    wait_for(t, two_are_joined);
    here.direct = newest(&t->person[0]).id;
    assert_true(says(&t->person[0], here.direct, "one"));
    wait_for(t, is_quiet);
    return t;
}

static void note_held(void *arg, int64_t contact)
{
    assert_int_equal(contact, here.bob);
    ++*(unsigned *)arg;
}

static void nothing_is_said_to_changed_keys(void **state)
{
    struct town *t = two_who_talk();
    struct person *alice = &t->person[0], *bob = &t->person[1];
    unsigned n = 0;
    (void)state;
    assert_int_equal(changed(alice, here.bob), 0);
    moves(bob);
    wait_for(t, the_change_is_here);
    uint64_t first = changed(alice, here.bob);
    assert_true(engine_is_held(alice->e, here.direct));
    engine_held(alice->e, here.direct, note_held, &n);
    assert_int_equal(n, 1);
    assert_false(says(alice, here.direct, "to whom?"));
    assert_int_equal(engine_timer(alice->e, here.direct, 60), ERR_UNAUTHENTICATED);
    int64_t message = 0;
    assert_int_equal(engine_act(alice->e, here.direct, 1, ENGINE_DELETE, span_str(""), &message), ERR_UNAUTHENTICATED);
    // what the other says is heard; that one has got it is not told yet
    say(bob, newest(bob).id, "it is me");
    wait_for(t, is_quiet);
    assert_non_null(strstr(read_chat(alice, here.direct).text, "it is me\n"));
    assert_null(strstr(read_chat(alice, here.direct).text, "to whom"));
    assert_non_null(strstr(read_chat(alice, here.direct).notices, "device\n"));
    town_reopen(t);
    assert_true(engine_is_held(alice->e, here.direct));
    // once more, before anybody has looked: who has seen the first change has not seen this one
    moves(bob);
    wait_for(t, the_change_is_here);
    while (changed(alice, here.bob) == first) wait_for(t, the_change_is_here);
    assert_int_equal(engine_confirm(alice->e, here.bob, first), ERR_STALE);
    assert_int_equal(engine_confirm(alice->e, 999, 0), ERR_NOT_FOUND);
    assert_true(engine_is_held(alice->e, here.direct));
    assert_ok(engine_confirm(alice->e, here.bob, changed(alice, here.bob)));
    assert_ok(engine_confirm(alice->e, here.bob, 0)); // there is nothing to confirm
    assert_false(engine_is_held(alice->e, here.direct));
    assert_true(says(alice, here.direct, "well then"));
    wait_for(t, is_quiet);
    wait_for(t, is_quiet);
    assert_non_null(strstr(read_chat(bob, newest(bob).id).text, "well then\n"));
    assert_int_equal(alice->warnings, 0);
    town_close(t);
}

// ------------------------------------------------------------------------------------------------------------ in a group

// Carol has made it; Alice and Bob have met there alone.
static struct town *three_in_a_group(bool compared)
{
    struct town *t = town_open(3);
    struct person *alice = &t->person[0], *bob = &t->person[1], *carol = &t->person[2];
    int64_t contacts[2] = {meet(t, 0, 2, INVITE_PERSONAL), 0}, chat = 0;
    contacts[1] = meet(t, 1, 2, INVITE_PERSONAL);
    wait_for(t, is_quiet);
    assert_ok(engine_group(carol->e, span_str("Tea"), contacts, 2, &chat));
    wait_for(t, three_are_joined);
    here.group = newest(alice).id;
    here.bob = contact_of_person(alice, bob).id;
    assert_true(says(bob, newest(bob).id, "hello"));
    wait_for(t, is_quiet);
    assert_ok(engine_verified(alice->e, here.bob, compared));
    return t;
}

static bool bob_is_back(struct town *t)
{
    return newest(&t->person[1]).state == CHAT_OPEN && newest(&t->person[1]).members == 3 &&
           engine_waiting(t->person[1].e) == 0;
}

static bool alice_knows(struct town *t) { return changed(&t->person[0], here.bob) != 0; }

// Alice is away while Carol takes Bob's fresh device in.
static void bob_moves_unseen(struct town *t)
{
    engine_close(t->person[0].e);
    t->person[0].e = NULL;
    moves(&t->person[1]);
    wait_for(t, bob_is_back);
    person_open(&t->person[0]);
}

static void what_waits_is_not_said_to_changed_keys(void **state)
{
    struct town *t = three_in_a_group(true);
    struct person *alice = &t->person[0], *bob = &t->person[1], *carol = &t->person[2];
    (void)state;
    bob_moves_unseen(t);
    assert_true(says(alice, here.group, "for those I know")); // she has not heard of it
    wait_for(t, alice_knows);
    assert_true(engine_is_held(alice->e, here.group));
    assert_false(says(alice, here.group, "and this"));
    say(carol, newest(carol).id, "he has a new telephone");
    while (strstr(read_chat(alice, here.group).text, "telephone") == NULL) wait_for(t, alice_knows);
    assert_true(read_chat(alice, here.group).queued);
    assert_null(strstr(read_chat(bob, newest(bob).id).text, "for those"));
    // what is no message is not held: keys are renewed, and members can be put out
    assert_int_equal(engine_waiting(alice->e) > 0, true);
    assert_ok(engine_confirm(alice->e, here.bob, 0));
    wait_for(t, is_quiet);
    wait_for(t, is_quiet);
    assert_non_null(strstr(read_chat(bob, newest(bob).id).text, "for those I know\n"));
    assert_non_null(strstr(read_chat(carol, newest(carol).id).text, "for those I know\n"));
    assert_false(read_chat(alice, here.group).queued);
    town_close(t);
}

static bool alice_is_out(struct town *t)
{
    return newest(&t->person[0]).state == CHAT_LEFT && newest(&t->person[2]).members == 2;
}

static void who_leaves_is_not_held(void **state)
{
    struct town *t = three_in_a_group(true);
    struct person *alice = &t->person[0];
    (void)state;
    bob_moves_unseen(t);
    assert_true(says(alice, here.group, "not for him"));
    wait_for(t, alice_knows);
    assert_true(engine_is_held(alice->e, here.group));
    assert_ok(engine_leave(alice->e, here.group));
    wait_for(t, alice_is_out);
    wait_for(t, is_quiet);
    assert_null(strstr(read_chat(&t->person[1], newest(&t->person[1]).id).text, "not for him"));
    town_close(t);
}

static void a_group_is_told_alone(void **state)
{
    struct town *t = three_in_a_group(false);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    (void)state;
    bob_moves_unseen(t);
    wait_for(t, alice_knows);
    assert_false(engine_is_held(alice->e, here.group));
    assert_true(says(alice, here.group, "hello all"));
    wait_for(t, is_quiet);
    wait_for(t, is_quiet);
    assert_non_null(strstr(read_chat(bob, newest(bob).id).text, "hello all\n"));
    assert_non_null(strstr(read_chat(alice, here.group).notices, "device\n"));
    town_close(t);
}

static bool alice_is_in(struct town *t) { return is_quiet(t) && newest(&t->person[0]).kind == ROOM_GROUP; }

// A device that is met elsewhere is another one, too: here in a group that one is taken into.
static void a_device_is_met_in_another_conversation(void **state)
{
    struct town *t = two_who_talk();
    struct person *alice = &t->person[0], *bob = &t->person[1];
    int64_t to = contact_of_person(bob, alice).id, group = 0;
    (void)state;
    assert_int_equal(sqlite3_exec(alice->e->db.h, "UPDATE device SET key = zeroblob(32)", NULL, NULL, NULL), SQLITE_OK);
    assert_ok(engine_verified(alice->e, here.bob, true));
    assert_ok(engine_group(bob->e, span_str("Tea"), &to, 1, &group));
    wait_for(t, alice_is_in);
    here.group = newest(alice).id;
    assert_true(changed(alice, here.bob) != 0);
    assert_true(engine_is_held(alice->e, here.direct));
    assert_true(engine_is_held(alice->e, here.group)); // whose number was compared
    assert_non_null(strstr(read_chat(alice, here.group).notices, "device\n"));
    assert_ok(engine_confirm(alice->e, here.bob, 0));
    assert_true(says(alice, here.direct, "two") && says(alice, here.group, "three"));
    wait_for(t, is_quiet);
    wait_for(t, is_quiet);
    assert_non_null(strstr(read_chat(bob, group).text, "three\n"));
    assert_int_equal(engine_waiting(alice->e), 0); // and receipts that had waited are gone
    town_close(t);
}

static void a_bot_is_not_held(void **state)
{
    struct town *t = two_who_talk();
    struct person *alice = &t->person[0], *bob = &t->person[1];
    (void)state;
    moves(bob);
    wait_for(t, the_change_is_here);
    assert_true(engine_is_held(alice->e, here.direct));
    assert_int_equal(engine_setting_put(alice->e, span_str("hold-changed-keys"), 2), ERR_INVALID);
    assert_ok(engine_setting_put(alice->e, span_str("hold-changed-keys"), 0));
    assert_false(engine_is_held(alice->e, here.direct)); // and not from the next change on alone
    assert_int_equal(changed(alice, here.bob), 0);
    uint64_t epoch = newest(alice).epoch;
    moves(bob);
    while (newest(alice).epoch == epoch) wait_for(t, is_quiet);
    wait_for(t, is_quiet);
    assert_true(says(alice, here.direct, "two"));
    wait_for(t, is_quiet);
    wait_for(t, is_quiet);
    assert_non_null(strstr(read_chat(bob, newest(bob).id).text, "two\n"));
    town_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_said_to_changed_keys),
        cmocka_unit_test(what_waits_is_not_said_to_changed_keys),
        cmocka_unit_test(who_leaves_is_not_held),
        cmocka_unit_test(a_group_is_told_alone),
        cmocka_unit_test(a_device_is_met_in_another_conversation),
        cmocka_unit_test(a_bot_is_not_held),
    };
    return unit_run("talk-hold", tests);
}
