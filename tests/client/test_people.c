// SPDX-License-Identifier: Apache-2.0
//
// People: requests that are accepted and declined, who is blocked, and invitations that are taken back.
#include "town.h"

static bool alice_is_asked(struct town *t) { return is_quiet(t) && newest(&t->person[0]).state == CHAT_REQUEST; }

static bool alice_and_bob_are_joined(struct town *t)
{
    return is_quiet(t) && newest(&t->person[0]).members == 2 && newest(&t->person[1]).members == 2;
}

static void who_is_declined_may_ask_again(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    (void)state;
    (void)meet(t, 0, 1, 0);
    wait_for(t, alice_is_asked);
    int64_t id = contact_of_person(alice, bob).id;
    say(bob, newest(bob).id, "it is me");
    assert_ok(engine_answer(alice->e, id, false));
    assert_int_equal(newest(alice).id, 0);
    assert_int_equal(contact_of_person(alice, bob).state, CONTACT_STRANGER);
    assert_int_equal(engine_answer(alice->e, id, false), ERR_REFUSED);
    assert_int_equal(engine_answer(alice->e, 999, true), ERR_NOT_FOUND);
    wait_for(t, is_quiet);
    // by a group this time
    int64_t chat = 0, to = contact_of_person(bob, alice).id;
    assert_ok(engine_group(bob->e, span_str("Please"), &to, 1, &chat));
    wait_for(t, alice_is_asked);
    assert_int_equal(newest(alice).kind, ROOM_GROUP);
    assert_ok(engine_answer(alice->e, id, true));
    assert_int_equal(newest(alice).state, CHAT_OPEN);
    assert_int_equal(contact_of_person(alice, bob).state, CONTACT_KNOWN);
    town_reopen(t);
    assert_int_equal(newest(alice).state, CHAT_OPEN);
    say(alice, newest(alice).id, "well then");
    wait_for(t, is_quiet);
    assert_int_equal(alice->warnings + bob->warnings, 0);
    town_close(t);
}

static bool bob_is_warned(struct town *t) { return t->person[1].warnings > 0; }

static void who_is_blocked_is_not_heard(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    int64_t contact = meet(t, 1, 0, INVITE_PERSONAL), message = 0;
    (void)state;
    wait_for(t, alice_and_bob_are_joined);
    say(bob, newest(bob).id, "one");
    wait_for(t, is_quiet);
    assert_ok(engine_block(alice->e, contact, true));
    assert_ok(engine_block(alice->e, contact, true));
    assert_int_equal(engine_block(alice->e, 999, true), ERR_NOT_FOUND);
    say(bob, newest(bob).id, "two");
    wait_for(t, is_quiet);
    wait_for(t, is_quiet);
    assert_string_equal(read_chat(alice, newest(alice).id).text, "one\n");
    assert_int_equal(engine_say_text(alice->e, newest(alice).id, span_str("x"), &message), ERR_REFUSED);
    // nor comes anything into the inbox: what bob has of Alice was taken back
    int64_t chat = 0, to = contact_of_person(bob, alice).id;
    assert_ok(engine_group(bob->e, span_str("Listen"), &to, 1, &chat));
    wait_for(t, bob_is_warned);
    assert_non_null(strstr(bob->warning, "no longer valid"));
    assert_int_equal(newest(alice).kind, ROOM_DIRECT);
    // and then it does again
    assert_ok(engine_block(alice->e, contact, false));
    assert_int_equal(contact_of_person(alice, bob).state, CONTACT_KNOWN);
    wait_for(t, is_quiet);
    for (struct chat *c = bob->e->chats; c != NULL; c = c->next) {
        if (c->kind == ROOM_DIRECT) say(bob, c->id, "three");
    }
    wait_for(t, is_quiet);
    wait_for(t, is_quiet);
    assert_string_equal(read_chat(alice, newest(alice).id).text, "one\nthree\n");
    assert_ok(engine_add(bob->e, chat, &to, 1));
    wait_for(t, alice_and_bob_are_joined);
    assert_int_equal(newest(alice).kind, ROOM_GROUP);
    town_close(t);
}

static bool carol_has_read_both(struct town *t)
{
    return is_quiet(t) && read_chat(&t->person[2], newest(&t->person[2]).id).n == 2;
}

static void who_is_blocked_is_not_heard_in_groups(void **state)
{
    struct town *t = town_open(3);
    struct person *alice = &t->person[0], *bob = &t->person[1], *carol = &t->person[2];
    int64_t contacts[2], chat = 0;
    (void)state;
    contacts[0] = meet(t, 1, 0, INVITE_PERSONAL);
    contacts[1] = meet(t, 2, 0, INVITE_PERSONAL);
    assert_ok(engine_group(alice->e, span_str("Tea"), contacts, 2, &chat));
    wait_for(t, three_are_joined);
    assert_ok(engine_block(alice->e, contacts[0], true));
    say(bob, newest(bob).id, "you do not hear me");
    say(alice, chat, "hello");
    wait_for(t, carol_has_read_both);
    wait_for(t, is_quiet);
    assert_string_equal(read_chat(alice, chat).text, "I: hello\n");
    assert_int_equal(read_chat(bob, newest(bob).id).n, 2);
    // they may still be told apart as members, and be put out
    assert_ok(engine_remove(alice->e, chat, contacts[0]));
    wait_for(t, is_quiet);
    wait_for(t, is_quiet);
    assert_int_equal(newest(bob).state, CHAT_REMOVED);
    assert_int_equal(newest(carol).members, 2);
    town_close(t);
}

struct listed {
    struct engine_invite_info newest;
    char link[FORMAT_LINK_MAX];
    size_t n;
};

static void note_invite(void *arg, const struct engine_invite_info *i)
{
    struct listed *l = arg;
    if (l->n++ > 0) return;
    l->newest = *i;
    assert_true(span_eq(i->label, span_str("Dave")));
    (void)snprintf(l->link, sizeof l->link, "%s", i->link);
}

static struct listed invites_of(struct person *p)
{
    struct listed l = {0};
    assert_ok(engine_invites(p->e, note_invite, &l));
    return l;
}

static void an_invitation_is_taken_back(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    struct buf link;
    int64_t contact = 0;
    const char *why = "";
    (void)state;
    assert_int_equal(invites_of(alice).n, 0);
    buf_init(&link, FORMAT_LINK_MAX);
    assert_ok(engine_invite(alice->e, INVITE_PERSONAL | INVITE_ONCE, "Dave", &link));
    struct listed l = invites_of(alice);
    assert_int_equal(l.n, 1);
    assert_string_equal(l.link, (const char *)link.p);
    assert_int_equal(l.newest.state, ENGINE_INVITE_OPEN);
    assert_int_equal(l.newest.flags, INVITE_PERSONAL | INVITE_ONCE);
    wait_for(t, is_quiet);
    assert_int_equal(engine_invite_revoke(alice->e, 999), ERR_NOT_FOUND);
    assert_ok(engine_invite_revoke(alice->e, l.newest.id));
    assert_int_equal(engine_invite_revoke(alice->e, l.newest.id), ERR_REFUSED);
    wait_for(t, is_quiet);
    assert_ok(engine_accept(bob->e, span_str((const char *)link.p), &contact, &why));
    wait_for(t, bob_is_warned);
    assert_non_null(strstr(bob->warning, "taken it back"));
    assert_int_equal(invites_of(alice).newest.state, ENGINE_INVITE_REVOKED);
    assert_int_equal(newest(alice).id, 0);
    assert_int_equal(contact_of_person(alice, bob).id, 0);
    buf_wipe(&link);
    town_close(t);
}

static void invitations_that_were_used_say_so(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0];
    struct buf link;
    int64_t contact = 0;
    const char *why = "";
    (void)state;
    buf_init(&link, FORMAT_LINK_MAX);
    assert_ok(engine_invite(alice->e, INVITE_PERSONAL | INVITE_ONCE, "Dave", &link));
    wait_for(t, is_quiet);
    assert_ok(engine_accept(t->person[1].e, span_str((const char *)link.p), &contact, &why));
    wait_for(t, alice_and_bob_are_joined);
    assert_int_equal(invites_of(alice).n, 1); // those that engines make for each other are not shown
    assert_int_equal(invites_of(alice).newest.state, ENGINE_INVITE_USED);
    assert_int_equal(invites_of(alice).newest.uses, 1);
    assert_int_equal(engine_contact_rename(alice->e, contact, span_str("")), ERR_INVALID);
    assert_int_equal(engine_contact_rename(alice->e, 999, span_str("x")), ERR_NOT_FOUND);
    assert_ok(engine_contact_rename(alice->e, contact_of_person(alice, &t->person[1]).id, span_str("Robert")));
    assert_string_equal(contact_of_person(alice, &t->person[1]).name, "Robert");
    buf_wipe(&link);
    town_close(t);
}

// ------------------------------------------------------------------------------------------------- in another's name

static uint64_t inbox_was;
static bool alice_has_read_her_inbox(struct town *t) { return t->person[0].e->self.cursor > inbox_was; }

static struct buf way_to(struct person *p, const struct person *whom)
{
    struct buf way;
    buf_init(&way, FORMAT_LINK_MAX);
    sqlite3_stmt *q = db_sql(&p->e->db, "SELECT invite FROM contact WHERE account = ?1");
    db_blob(q, 1, span_of(engine_account(whom->e), FORMAT_ID));
    if (db_row(&p->e->db, q)) buf_put(&way, db_get(q, 0));
    db_done(q);
    return way;
}

// Carol makes a group with Alice and Bob in it, and tells Alice that it is Bob who has asked her in.
static void nobody_comes_in_the_name_of_another(void **state)
{
    struct town *t = town_open(3);
    struct person *alice = &t->person[0], *bob = &t->person[1], *carol = &t->person[2];
    int64_t to[2], chat = 0;
    (void)state;
    (void)meet(t, 1, 0, INVITE_PERSONAL);
    wait_for(t, alice_and_bob_are_joined);
    to[0] = meet(t, 0, 2, INVITE_PERSONAL);
    to[1] = meet(t, 1, 2, INVITE_PERSONAL);
    for (int i = 0; i < 3; i++) wait_for(t, is_quiet);
    int64_t before = newest(alice).id;
    struct buf way = way_to(alice, bob);
    inbox_was = alice->e->self.cursor;
    assert_ok(engine_group(carol->e, span_str("From Bob"), to, 2, &chat));
    memcpy(carol->e->self.account, engine_account(bob->e), FORMAT_ID);
    wait_for(t, alice_has_read_her_inbox);
    wait_for(t, is_quiet);
    assert_int_equal(newest(alice).id, before);
    struct buf now = way_to(alice, bob);
    assert_true(now.n > 0 && span_eq(buf_span(&now), buf_span(&way)));
    buf_wipe(&way);
    buf_wipe(&now);
    town_close(t);
}

// A conversation of two in which somebody else listens is none.
static void nobody_listens_to_two(void **state)
{
    struct town *t = town_open(3);
    struct person *alice = &t->person[0], *bob = &t->person[1], *carol = &t->person[2];
    struct mls_buf package = {0}, private_part = {0};
    struct mls_commit made = {0};
    struct chat *c = NULL;
    (void)state;
    int64_t to = meet(t, 0, 2, INVITE_PERSONAL);
    for (int i = 0; i < 3; i++) wait_for(t, is_quiet);
    int64_t before = newest(alice).id;
    const struct mls_leaf_params leaf = cred_leaf(bob->e);
    assert_int_equal(mls_key_package_new(bob->e->mls, 1, &leaf, NULL, 0, &package, &private_part), MLS_OK);
    inbox_was = alice->e->self.cursor;
    db_begin(&carol->e->db);
    assert_ok(chat_new(carol->e, ROOM_DIRECT, span_str(""), &to, 1, &c));
    const struct mls_proposal add = {.type = MLS_PROPOSAL_ADD, .key_package = {package.data, package.size}};
    const struct mls_commit_params params = {.proposals = &add, .proposal_count = 1};
    assert_int_equal(mls_group_commit(c->mls, &params, &made), MLS_OK);
    assert_int_equal(mls_group_merge(c->mls, made.staged), MLS_OK);
    made.staged = NULL;
    assert_ok(chat_save(c));
    assert_ok(db_commit(&carol->e->db));
    chat_saved(c);
    link_open(c->peer->link);
    peer_pump_all(carol->e);
    wait_for(t, alice_has_read_her_inbox);
    assert_int_equal(newest(alice).id, before);
    mls_commit_free(&made);
    mls_buf_free(&package);
    mls_buf_free(&private_part);
    town_close(t);
}

// Bob's profile was made of an archive, and whoever knows the number of his conversation with Alice is none the more Alice.
static void nobody_takes_a_place_of_two(void **state)
{
    struct town *t = town_open(3);
    struct person *bob = &t->person[0], *carol = &t->person[2];
    struct chat *c = NULL;
    (void)state;
    (void)meet(t, 1, 0, INVITE_PERSONAL);
    wait_for(t, alice_and_bob_are_joined);
    int64_t of_two = newest(bob).id, to = meet(t, 0, 2, INVITE_PERSONAL);
    for (int i = 0; i < 3; i++) wait_for(t, is_quiet);
    inbox_was = bob->e->self.cursor;
    db_begin(&carol->e->db);
    assert_ok(chat_new(carol->e, ROOM_DIRECT, span_str(""), &to, 1, &c));
    assert_ok(db_commit(&carol->e->db));
    chat_saved(c);
    sqlite3_stmt *q = db_sql(&bob->e->db, "UPDATE chat SET state = 3, group_id = ?2 WHERE id = ?1");
    db_int(q, 1, of_two);
    db_blob(q, 2, in_span(mls_group_id(c->mls)));
    assert_int_equal(db_run(&bob->e->db, q), 1);
    q = db_sql(&bob->e->db, "DELETE FROM record WHERE chat = ?1");
    db_int(q, 1, of_two);
    (void)db_run(&bob->e->db, q);
    engine_close(bob->e);
    person_open(bob);
    link_open(c->peer->link);
    peer_pump_all(carol->e);
    wait_for(t, alice_has_read_her_inbox);
    assert_int_equal(chat_find(bob->e, of_two)->state, CHAT_LEFT);
    town_close(t);
}

static bool alice_has_read_it(struct town *t)
{
    return is_quiet(t) && strstr(read_chat(&t->person[0], newest(&t->person[0]).id).text, "after it") != NULL;
}

// An introduction to a place that there cannot be is passed over, and what comes behind it is read.
static void an_introduction_to_nowhere_stops_nothing(void **state)
{
    struct town *t = town_open(3);
    struct person *alice = &t->person[0], *bob = &t->person[1], *carol = &t->person[2];
    struct buf bytes;
    struct room room;
    struct mls_commit made = {0};
    struct chat *c = NULL;
    (void)state;
    (void)meet(t, 0, 1, INVITE_PERSONAL);
    wait_for(t, alice_and_bob_are_joined);
    int64_t to = meet(t, 0, 2, INVITE_PERSONAL);
    for (int i = 0; i < 3; i++) wait_for(t, is_quiet);
    int64_t before = newest(alice).id;
    inbox_was = alice->e->self.cursor;
    db_begin(&carol->e->db);
    assert_ok(chat_new(carol->e, ROOM_GROUP, span_str("Nowhere"), &to, 1, &c));
    assert_ok(chat_room(c, &room));
    room.relay = span_str("there is no such place");
    buf_init(&bytes, 70000);
    room_encode(&room, &bytes);
    const struct mls_extension x = {.type = FORMAT_ROOM_EXTENSION, .data = out_span(buf_span(&bytes))};
    const struct mls_proposal change = {
        .type = MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS, .extensions = &x, .extension_count = 1};
    const struct mls_commit_params params = {.proposals = &change, .proposal_count = 1};
    assert_int_equal(mls_group_commit(c->mls, &params, &made), MLS_OK);
    assert_int_equal(mls_group_merge(c->mls, made.staged), MLS_OK);
    made.staged = NULL;
    assert_ok(chat_save(c));
    assert_ok(db_commit(&carol->e->db));
    chat_saved(c);
    link_open(c->peer->link);
    peer_pump_all(carol->e);
    wait_for(t, alice_has_read_her_inbox);
    assert_int_equal(newest(alice).id, before);
    assert_int_equal(alice->warnings, 0);
    int64_t chat = 0, whom = contact_of_person(bob, alice).id;
    assert_ok(engine_group(bob->e, span_str("Somewhere"), &whom, 1, &chat));
    say(bob, chat, "after it");
    wait_for(t, alice_has_read_it);
    mls_commit_free(&made);
    buf_wipe(&bytes);
    town_close(t);
}

static bool carol_is_joined(struct town *t) { return is_quiet(t) && newest(&t->person[2]).members == 2; }

// What one person has got for themselves makes nobody else a contact: they ask, like anybody.
static void a_personal_way_that_is_handed_on_is_a_public_one(void **state)
{
    struct town *t = town_open(3);
    struct person *alice = &t->person[0], *bob = &t->person[1], *carol = &t->person[2];
    struct buf link;
    int64_t contact = 0;
    const char *why = "";
    (void)state;
    buf_init(&link, FORMAT_LINK_MAX);
    assert_ok(engine_invite(alice->e, INVITE_PERSONAL, "Dave", &link));
    wait_for(t, is_quiet);
    assert_ok(engine_accept(bob->e, span_str((const char *)link.p), &contact, &why));
    wait_for(t, alice_and_bob_are_joined);
    assert_int_equal(contact_of_person(alice, bob).state, CONTACT_KNOWN);
    assert_ok(engine_accept(carol->e, span_str((const char *)link.p), &contact, &why));
    wait_for(t, carol_is_joined);
    wait_for(t, alice_is_asked);
    assert_int_equal(contact_of_person(alice, carol).state, CONTACT_REQUEST);
    // it is still Bob's: who blocks Bob closes it
    assert_ok(engine_block(alice->e, contact_of_person(alice, bob).id, true));
    assert_int_equal(invites_of(alice).newest.state, ENGINE_INVITE_REVOKED);
    buf_wipe(&link);
    town_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_declined_may_ask_again),
        cmocka_unit_test(who_is_blocked_is_not_heard),
        cmocka_unit_test(who_is_blocked_is_not_heard_in_groups),
        cmocka_unit_test(an_invitation_is_taken_back),
        cmocka_unit_test(invitations_that_were_used_say_so),
        cmocka_unit_test(nobody_comes_in_the_name_of_another),
        cmocka_unit_test(nobody_listens_to_two),
        cmocka_unit_test(nobody_takes_a_place_of_two),
        cmocka_unit_test(an_introduction_to_nowhere_stops_nothing),
        cmocka_unit_test(a_personal_way_that_is_handed_on_is_a_public_one),
    };
    return unit_run("people", tests);
}
