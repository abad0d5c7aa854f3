// SPDX-License-Identifier: Apache-2.0
//
// Groups: who may change what, and that nobody follows whoever does it all the same.
#include "town.h"

static struct town *three_in_a_group(int64_t *chat)
{
    struct town *t = town_open(3);
    int64_t contacts[2];
    contacts[0] = meet(t, 1, 0, INVITE_PERSONAL);
    contacts[1] = meet(t, 2, 0, INVITE_PERSONAL);
    assert_ok(engine_group(t->person[0].e, span_str("Tea"), contacts, 2, chat));
    return t;
}

static bool all_have_three(struct town *t)
{
    return is_quiet(t) && newest(&t->person[0]).members == 3 && newest(&t->person[1]).members == 3 &&
           newest(&t->person[2]).members == 3;
}

static bool at_one_but(struct town *t, size_t whom)
{
    uint64_t epoch = newest(&t->person[0]).epoch;
    for (size_t i = 1; i < t->people; i++) {
        if (i != whom && newest(&t->person[i]).epoch != epoch) return false;
    }
    return is_quiet(t);
}

static bool at_one(struct town *t) { return at_one_but(t, SIZE_MAX); }
static bool alice_is_quiet(struct town *t) { return engine_waiting(t->person[0].e) == 0; }

static bool two_are_joined(struct town *t)
{
    return at_one(t) && newest(&t->person[0]).members == 2 && newest(&t->person[1]).members == 2;
}

static bool two_have_read_two(struct town *t)
{
    return is_quiet(t) && read_chat(&t->person[0], newest(&t->person[0]).id).n == 2 &&
           read_chat(&t->person[1], newest(&t->person[1]).id).n == 2;
}

static struct chat *theft;
static bool the_thief_has_it_all(struct town *t)
{
    struct chat *c = chat_find(t->person[0].e, newest(&t->person[0]).id);
    return theft->cursor == c->cursor;
}

struct admins {
    struct person *of;
    size_t members, admins;
    bool whom;
    const uint8_t *account;
};

static void count_admins(void *arg, const struct engine_member *m)
{
    struct admins *a = arg;
    a->members++;
    if (m->admin) a->admins++;
    if (m->admin && memcmp(m->account, a->account, FORMAT_ID) == 0) a->whom = true;
}

static struct admins admins_of(struct person *p, struct person *whom)
{
    struct admins a = {.account = engine_account(whom->e)};
    assert_ok(engine_members(p->e, newest(p).id, count_admins, &a));
    return a;
}

static void assert_all_call_it(struct town *t, const char *name)
{
    for (size_t i = 0; i < t->people; i++) assert_true(span_eq(newest(&t->person[i]).name, span_str(name)));
}

static void admins_change_the_room(void **state)
{
    static const uint8_t image[] = {0xff, 0xd8, 0xff, 0xe0};
    static uint8_t too_much[FORMAT_PICTURE_MAX + 1];
    int64_t chat = 0;
    struct town *t = three_in_a_group(&chat);
    struct person *alice = &t->person[0], *bob = &t->person[1], *carol = &t->person[2];
    struct span picture = {0};
    (void)state;
    wait_for(t, all_have_three);
    assert_ok(engine_rename(alice->e, chat, span_str("Tea and cake")));
    assert_ok(engine_picture(alice->e, chat, span_of(image, sizeof image)));
    wait_for(t, is_quiet);
    wait_for(t, at_one);
    assert_all_call_it(t, "Tea and cake");
    for (size_t i = 0; i < 3; i++) {
        assert_ok(engine_chat_picture(t->person[i].e, newest(&t->person[i]).id, &picture));
        assert_true(span_eq(picture, span_of(image, sizeof image)));
    }
    assert_int_equal(engine_rename(bob->e, newest(bob).id, span_str("Beer")), ERR_REFUSED);
    assert_int_equal(engine_rename(alice->e, chat, span_str("")), ERR_INVALID);
    assert_int_equal(engine_rename(alice->e, chat, span_str("\xff")), ERR_INVALID);
    assert_int_equal(engine_picture(alice->e, chat, span_of(too_much, sizeof too_much)), ERR_LIMIT);
    assert_int_equal(engine_rename(alice->e, 999, span_str("x")), ERR_NOT_FOUND);
    // Bob becomes an admin, and may then what Alice may
    assert_string_equal(contact_of_person(carol, bob).name, "bob"); // whom she has never met
    assert_false(admins_of(carol, bob).whom);
    assert_ok(engine_role(alice->e, chat, contact_of_person(alice, bob).id, true));
    wait_for(t, is_quiet);
    wait_for(t, at_one);
    for (size_t i = 0; i < 3; i++) {
        assert_true(admins_of(&t->person[i], bob).whom);
        assert_int_equal(admins_of(&t->person[i], bob).admins, 2);
    }
    assert_ok(engine_rename(bob->e, newest(bob).id, span_str("Beer")));
    assert_ok(engine_role(bob->e, newest(bob).id, contact_of_person(bob, alice).id, false));
    wait_for(t, is_quiet);
    wait_for(t, at_one);
    assert_all_call_it(t, "Beer");
    assert_false(admins_of(carol, alice).whom);
    assert_int_equal(engine_rename(alice->e, chat, span_str("Tea")), ERR_REFUSED);
    assert_int_equal(alice->warnings + bob->warnings + carol->warnings, 0);
    // the last admin stays one
    assert_ok(engine_role(bob->e, newest(bob).id, 0, false));
    wait_for(t, is_quiet);
    assert_non_null(strstr(bob->warning, "one of them must stay"));
    assert_true(admins_of(carol, bob).whom);
    town_close(t);
}

// Changes that race: both happen, one after the other.
static void changes_that_race_both_happen(void **state)
{
    int64_t chat = 0;
    struct town *t = three_in_a_group(&chat);
    struct person *alice = &t->person[0], *bob = &t->person[1], *carol = &t->person[2];
    (void)state;
    wait_for(t, all_have_three);
    assert_ok(engine_role(alice->e, chat, contact_of_person(alice, bob).id, true));
    wait_for(t, is_quiet);
    wait_for(t, at_one);
    assert_ok(engine_rename(alice->e, chat, span_str("Milk")));
    assert_ok(engine_role(bob->e, newest(bob).id, contact_of_person(bob, carol).id, true));
    say(carol, newest(carol).id, "in the middle");
    wait_for(t, is_quiet);
    wait_for(t, at_one);
    assert_all_call_it(t, "Milk");
    assert_int_equal(admins_of(alice, carol).admins, 3);
    assert_int_equal(read_chat(alice, chat).n, 1);
    assert_int_equal(alice->warnings + bob->warnings + carol->warnings, 0);
    town_close(t);
}

// -------------------------------------------------------------------------------------------------- those who do not ask

// Puts a commit of these proposals into the log as the person's own client would, if it did not look whether it may.
static void force(struct person *p, const struct mls_proposal *proposals, size_t n)
{
    struct engine *e = p->e;
    struct chat *c = chat_find(e, newest(p).id);
    struct mls_commit made = {0};
    struct mls_buf staged = {0};
    const struct mls_commit_params params = {.proposals = proposals, .proposal_count = n, .tree_in_welcome = true};
    assert_ok(mls_group_commit(chat_group(c), &params, &made));
    assert_ok(mls_staged_save(made.staged, &staged));
    db_begin(&e->db);
    int64_t id = work_add(e, &(struct work){.kind = WORK_COMMIT,
                                            .relay = c->peer->relay,
                                            .chat = c->id,
                                            .epoch = c->log_epoch,
                                            .payload = buf_of(&made.message)});
    sqlite3_stmt *q = db_sql(&e->db, "UPDATE work SET staged = ?2, what = x'03000000000000000000' WHERE id = ?1");
    db_int(q, 1, id);
    db_blob(q, 2, buf_of(&staged));
    assert_int_equal(db_run(&e->db, q), 1);
    assert_ok(chat_save(c));
    assert_ok(db_commit(&e->db));
    chat_saved(c);
    mls_buf_free(&staged);
    mls_commit_free(&made);
    peer_pump_all(e);
}

static struct mls_proposal removal_of(struct person *by, struct person *whom)
{
    struct chat *c = chat_find(by->e, newest(by).id);
    struct mls_member m;
    uint8_t account[FORMAT_ID];
    uint32_t at = 0;
    while (mls_group_next_member(chat_group(c), &at, &m)) {
        if (cred_account(by->e, &m, account) && memcmp(account, engine_account(whom->e), FORMAT_ID) == 0)
            return (struct mls_proposal){.type = MLS_PROPOSAL_REMOVE, .removed = m.index};
    }
    fail_msg("%s does not see %s", by->name, whom->name);
    return (struct mls_proposal){0};
}

struct reroom {
    struct buf bytes;
    struct mls_extension extension;
};

// The room as it is, but for what `change` does to it.
static struct mls_proposal room_with(struct person *p, struct reroom *to, void (*change)(struct room *r))
{
    struct room room;
    assert_ok(chat_room(chat_find(p->e, newest(p).id), &room));
    change(&room);
    buf_init(&to->bytes, 70000);
    room_encode(&room, &to->bytes);
    to->extension = (struct mls_extension){.type = FORMAT_ROOM_EXTENSION, .data = {to->bytes.p, to->bytes.n}};
    return (struct mls_proposal){
        .type = MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS, .extensions = &to->extension, .extension_count = 1};
}

static void call_it_beer(struct room *r) { r->name = span_str("Beer"); }
static void make_it_direct(struct room *r) { r->kind = ROOM_DIRECT; }
static void without_admins(struct room *r) { r->admins = span_of(NULL, 0); }
static uint8_t nobody[FORMAT_ID];
static void with_nobody(struct room *r) { r->admins = span_of(nobody, FORMAT_ID); }

static bool alice_and_carol_are_warned(struct town *t)
{
    return is_quiet(t) && t->person[0].warnings > 0 && t->person[2].warnings > 0;
}

static bool all_have_read_another(struct town *t)
{
    for (size_t i = 0; i < 3; i++) {
        struct seen h = read_chat(&t->person[i], newest(&t->person[i]).id);
        if (h.n < 1 || strstr(h.text, "on we go") == NULL) return false;
    }
    return is_quiet(t);
}

// Nothing of what was tried has happened, with anybody; and the conversation goes on.
static void assert_refused(struct town *t, int64_t chat)
{
    wait_for(t, alice_and_carol_are_warned);
    assert_non_null(strstr(t->person[0].warning, "without being allowed"));
    assert_all_call_it(t, "Tea");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(newest(&t->person[i]).members, 3);
        assert_int_equal(newest(&t->person[i]).kind, ROOM_GROUP);
        assert_int_equal(newest(&t->person[i]).state, CHAT_OPEN);
        assert_int_equal(admins_of(&t->person[i], &t->person[0]).admins, 1);
    }
    say(&t->person[0], chat, "on we go");
    wait_for(t, all_have_read_another);
    wait_for(t, at_one);
}

static void members_who_do_not_ask_are_not_followed(void **state)
{
    (void)state;
    for (int what = 0; what < 3; what++) {
        int64_t chat = 0;
        struct town *t = three_in_a_group(&chat);
        struct person *alice = &t->person[0], *bob = &t->person[1];
        struct mls_proposal p[2];
        struct reroom to = {0};
        wait_for(t, all_have_three);
        p[0] = what == 0 ? removal_of(bob, alice) : room_with(bob, &to, call_it_beer);
        if (what == 2) p[1] = removal_of(bob, alice); // the one mixed with the other
        force(bob, p, what == 2 ? 2 : 1);
        assert_refused(t, chat);
        assert_int_equal(bob->warnings, 0);
        buf_wipe(&to.bytes);
        town_close(t);
    }
}

static void nor_are_admins_who_break_the_room(void **state)
{
    static void (*const change[])(struct room * r) = {make_it_direct, without_admins, with_nobody};
    (void)state;
    for (size_t i = 0; i < sizeof change / sizeof *change; i++) {
        int64_t chat = 0;
        struct town *t = three_in_a_group(&chat);
        struct reroom to = {0};
        wait_for(t, all_have_three);
        const struct mls_proposal p = room_with(&t->person[0], &to, change[i]);
        force(&t->person[0], &p, 1);
        for (int k = 0; k < 3; k++) wait_for(t, is_quiet);
        assert_all_call_it(t, "Tea");
        assert_int_equal(newest(&t->person[1]).kind, ROOM_GROUP);
        assert_int_equal(admins_of(&t->person[1], &t->person[0]).admins, 1);
        say(&t->person[1], newest(&t->person[1]).id, "on we go");
        wait_for(t, all_have_read_another);
        assert_true(at_one(t));
        buf_wipe(&to.bytes);
        town_close(t);
    }
}

// A key package of another device of somebody, which was made then.
static void device_package(struct person *p, uint64_t created, struct mls_buf *package)
{
    struct engine *e = p->e;
    const struct self before = e->self;
    struct mls_buf private_part = {0};
    struct buf cert;
    assert_ok(self_make_device(e));
    const struct cert of = {.account_key = e->self.account_public,
                            .device_key = span_of(e->self.device_public, 32),
                            .device = e->self.device,
                            .created = created};
    buf_init(&cert, CERT_MAX);
    assert_ok(cert_make(e->crypto, e->self.account_private, &of, &cert));
    memcpy(e->self.cert, cert.p, e->self.cert_n = cert.n);
    const struct mls_leaf_params leaf = cred_leaf(e);
    assert_ok(mls_key_package_new(e->mls, e->settings.suite, &leaf, NULL, 0, package, &private_part));
    mls_buf_free(&private_part);
    buf_wipe(&cert);
    e->self = before;
}

// Whoever is in a group may put a later device in the place of somebody's, and no other.
static void an_older_device_takes_nobodys_place(void **state)
{
    (void)state;
    for (int fresh = 0; fresh < 2; fresh++) {
        int64_t chat = 0;
        struct town *t = three_in_a_group(&chat);
        struct person *alice = &t->person[0], *bob = &t->person[1];
        struct mls_buf package = {0};
        wait_for(t, all_have_three);
        device_package(alice, fresh ? engine_now() : newest(alice).created - 86400000, &package);
        const struct mls_proposal p[] = {
            removal_of(bob, alice),
            {.type = MLS_PROPOSAL_ADD, .key_package = {package.data, package.size}},
        };
        force(bob, p, 2);
        if (!fresh) assert_refused(t, chat);
        for (int k = 0; k < 3; k++) wait_for(t, is_quiet);
        assert_int_equal(newest(alice).state, fresh ? CHAT_REMOVED : CHAT_OPEN);
        assert_int_equal(newest(&t->person[2]).members, 3);
        assert_int_equal(admins_of(&t->person[2], alice).admins, 1);
        mls_buf_free(&package);
        town_close(t);
    }
}

// ----------------------------------------------------------------------------------------------------- going and coming

static bool bob_is_out(struct town *t)
{
    return at_one_but(t, 1) && newest(&t->person[1]).state == CHAT_LEFT && newest(&t->person[0]).members == 2;
}

static bool bob_has_read_it(struct town *t)
{
    return is_quiet(t) && read_chat(&t->person[1], newest(&t->person[1]).id).n == 2;
}

static bool bob_is_back(struct town *t)
{
    return newest(&t->person[1]).state == CHAT_OPEN && newest(&t->person[1]).members == 3 && at_one(t);
}

static void who_leaves_is_out_and_may_come_back(void **state)
{
    int64_t chat = 0, message = 0;
    struct town *t = three_in_a_group(&chat);
    struct person *alice = &t->person[0], *bob = &t->person[1], *carol = &t->person[2];
    (void)state;
    wait_for(t, all_have_three);
    assert_int_equal(engine_leave(alice->e, chat), ERR_MISUSE);
    assert_int_equal(engine_leave(alice->e, 999), ERR_NOT_FOUND);
    int64_t bobs = newest(bob).id, to = contact_of_person(alice, bob).id;
    say(bob, bobs, "farewell");
    assert_ok(engine_leave(bob->e, bobs));
    wait_for(t, bob_is_out);
    assert_string_equal(read_chat(alice, chat).text, "farewell\n");
    assert_non_null(strstr(read_chat(carol, newest(carol).id).notices, "left\n"));
    assert_null(strstr(read_chat(carol, newest(carol).id).notices, "removed"));
    assert_non_null(strstr(read_chat(bob, bobs).notices, "I: left\n"));
    assert_int_equal(engine_leave(bob->e, bobs), ERR_REFUSED);
    assert_int_equal(engine_say_text(bob->e, bobs, span_str("x"), &message), ERR_REFUSED);
    say(alice, chat, "he is gone");
    wait_for(t, is_quiet);
    assert_int_equal(read_chat(bob, bobs).n, 1);
    // and comes back, to the same conversation
    assert_ok(engine_add(alice->e, chat, &to, 1));
    wait_for(t, bob_is_back);
    assert_int_equal(newest(bob).id, bobs);
    say(alice, chat, "there you are");
    wait_for(t, bob_has_read_it);
    say(bob, bobs, "here I am");
    wait_for(t, is_quiet);
    wait_for(t, at_one);
    assert_string_equal(read_chat(bob, bobs).text, "I: farewell\nthere you are\nI: here I am\n");
    town_reopen(t);
    say(bob, bobs, "still");
    wait_for(t, is_quiet);
    wait_for(t, at_one);
    assert_non_null(strstr(read_chat(carol, newest(carol).id).text, "here I am\nstill\n"));
    assert_int_equal(alice->warnings + bob->warnings + carol->warnings, 0);
    town_close(t);
}

static bool only_carol_is_there(struct town *t)
{
    return newest(&t->person[2]).members == 1 && newest(&t->person[0]).state == CHAT_LEFT &&
           newest(&t->person[1]).state == CHAT_LEFT;
}

// An admin who was away sees to who left in the meantime; and the last one closes the door.
static void all_leave(void **state)
{
    int64_t chat = 0;
    struct town *t = three_in_a_group(&chat);
    struct person *alice = &t->person[0], *bob = &t->person[1], *carol = &t->person[2];
    (void)state;
    wait_for(t, all_have_three);
    assert_ok(engine_role(alice->e, chat, contact_of_person(alice, carol).id, true));
    wait_for(t, is_quiet);
    wait_for(t, at_one);
    assert_ok(engine_leave(alice->e, chat));
    assert_ok(engine_leave(bob->e, newest(bob).id));
    engine_close(carol->e);
    carol->e = NULL;
    wait_for(t, is_quiet);
    person_open(carol);
    wait_for(t, only_carol_is_there);
    assert_int_equal(admins_of(carol, alice).admins, 1);
    assert_ok(engine_leave(carol->e, newest(carol).id));
    assert_int_equal(newest(carol).state, CHAT_LEFT);
    town_reopen(t);
    assert_int_equal(newest(carol).state, CHAT_LEFT);
    assert_int_equal(alice->warnings + bob->warnings + carol->warnings, 0);
    town_close(t);
}

static bool alice_and_carol_are_even(struct town *t)
{
    struct person *alice = &t->person[0], *carol = &t->person[2];
    return chat_find(alice->e, newest(alice).id)->cursor == chat_find(carol->e, newest(carol).id)->cursor;
}

// A removed member who keeps trying reaches nothing: what it says in its old epoch is refused by the relay, and what it
// knows of the log opens nothing.
static void the_removed_keep_out(void **state)
{
    int64_t chat = 0;
    struct town *t = three_in_a_group(&chat);
    struct person *alice = &t->person[0], *bob = &t->person[1], *carol = &t->person[2];
    uint8_t key[32];
    (void)state;
    wait_for(t, all_have_three);
    struct chat *c = chat_find(bob->e, newest(bob).id);
    memcpy(key, c->log_key, 32);
    assert_ok(engine_remove(alice->e, chat, contact_of_person(alice, bob).id));
    wait_for(t, is_quiet);
    while (c->state != CHAT_REMOVED) wait_for(t, is_quiet);
    assert_memory_equal(c->log_key, key, 32); // he does not know the new one
    assert_int_not_equal(memcmp(key, chat_find(alice->e, chat)->log_key, 32), 0);
    // a client that takes no notice
    c->state = CHAT_OPEN;
    c->caught_up = c->following = true;
    int64_t message = 0;
    db_begin(&bob->e->db);
    message = work_add(bob->e, &(struct work){.kind = WORK_SAY,
                                              .relay = c->peer->relay,
                                              .chat = c->id,
                                              .epoch = c->log_epoch,
                                              .payload = span_str("noise")});
    assert_ok(db_commit(&bob->e->db));
    peer_pump_all(bob->e);
    say(alice, chat, "among us");
    for (int i = 0; i < 5; i++) {
        wait_for(t, alice_is_quiet);
        c->caught_up = true;
        peer_pump_all(bob->e);
    }
    assert_true(message > 0);
    assert_int_equal(read_chat(bob, c->id).n, 0);
    assert_string_equal(read_chat(carol, newest(carol).id).text, "among us\n");
    assert_int_equal(carol->warnings, 0);
    wait_for(t, alice_and_carol_are_even);
    town_close(t);
}

// Twenty in a group: they come in one commit, go and come back in disorder, all the while talking.
enum { CROWD = 20, ROUNDS = 3 };

static bool crowd_is_joined(struct town *t)
{
    for (size_t i = 0; i < CROWD; i++) {
        if (newest(&t->person[i]).kind != ROOM_GROUP || newest(&t->person[i]).members != CROWD ||
            newest(&t->person[i]).state != CHAT_OPEN)
            return false;
    }
    return at_one(t);
}

static bool crowd_agrees(struct town *t) { return crowd_is_joined(t) && is_quiet(t); }

static void a_crowd_with_churn(void **state)
{
    struct town *t = town_open(CROWD);
    struct person *alice = &t->person[0];
    int64_t contacts[CROWD - 1], chat = 0;
    (void)state;
    for (size_t i = 1; i < CROWD; i++) contacts[i - 1] = meet(t, i, 0, INVITE_PERSONAL);
    wait_for(t, is_quiet);
    assert_ok(engine_group(alice->e, span_str("Crowd"), contacts, CROWD - 1, &chat));
    wait_for(t, crowd_is_joined);
    assert_true(newest(alice).epoch <= 3); // not a commit for each
    assert_ok(engine_role(alice->e, chat, contacts[0], true));
    wait_for(t, crowd_agrees);
    for (size_t r = 0; r < ROUNDS; r++) {
        struct person *bob = &t->person[1];
        size_t out = 3 + 5 * r, gone = 5 + 5 * r;
        assert_ok(engine_remove(alice->e, chat, contacts[out - 1]));
        assert_ok(engine_leave(t->person[gone].e, newest(&t->person[gone]).id));
        assert_ok(engine_rename(bob->e, newest(bob).id, span_str("Crowd of bob"))); // races with the other
        say(&t->person[2], newest(&t->person[2]).id, "in between");
        for (;;) {
            wait_for(t, is_quiet);
            if (newest(&t->person[gone]).state == CHAT_LEFT && newest(&t->person[out]).state == CHAT_REMOVED &&
                newest(alice).members == CROWD - 2)
                break;
        }
        assert_ok(engine_add(alice->e, chat, (int64_t[]){contacts[out - 1], contacts[gone - 1]}, 2));
        say(&t->person[2], newest(&t->person[2]).id, "after it");
        wait_for(t, crowd_agrees);
    }
    for (size_t i = 0; i < CROWD; i++) {
        struct person *p = &t->person[i];
        assert_int_equal(p->warnings, 0);
        assert_true(span_eq(newest(p).name, span_str("Crowd of bob")));
    }
    assert_int_equal(read_chat(alice, chat).n, 2 * ROUNDS);
    assert_int_equal(read_chat(&t->person[19], newest(&t->person[19]).id).n, 2 * ROUNDS);
    town_close(t);
}

// ------------------------------------------------------------------------------------------------------------- renewing

static void run_sql(struct person *p, const char *sql)
{
    assert_int_equal(sqlite3_exec(p->e->db.h, sql, NULL, NULL, NULL), SQLITE_OK);
}

static uint64_t start;

static bool somebody_has_renewed(struct town *t) { return at_one(t) && newest(&t->person[0]).epoch == start + 1; }

// Whoever has copied a profile reads along, until the one that was copied has renewed its keys.
static void a_copy_of_the_keys_becomes_useless(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1], thief = {.town = t, .name = "thief"};
    char command[400];
    (void)state;
    (void)meet(t, 1, 0, INVITE_PERSONAL);
    wait_for(t, two_are_joined);
    start = newest(alice).epoch;
    engine_close(bob->e);
    (void)snprintf(thief.folder, sizeof thief.folder, "%s/thief", t->folder);
    (void)snprintf(command, sizeof command, "cp -r %s %s", bob->folder, thief.folder);
    assert_int_equal(system(command), 0);
    person_open(bob);
    say(alice, newest(alice).id, "before");
    wait_for(t, is_quiet);
    // a week and more has passed for bob
    run_sql(bob, "UPDATE chat SET renewed = renewed - 10 * 86400000");
    town_reopen(t);
    wait_for(t, somebody_has_renewed);
    say(alice, newest(alice).id, "after");
    wait_for(t, two_have_read_two);
    for (int i = 0; i < 3; i++) wait_for(t, is_quiet); // and nothing more of the kind
    assert_int_equal(newest(alice).epoch, start + 1);
    engine_close(bob->e);
    bob->e = NULL;
    person_open(&thief);
    struct chat *c = chat_find(thief.e, newest(&thief).id);
    theft = c;
    wait_for(t, the_thief_has_it_all);
    struct seen seen = read_chat(&thief, newest(&thief).id);
    assert_non_null(strstr(seen.text, "before\n"));
    assert_null(strstr(seen.text, "after"));
    engine_close(thief.e);
    person_open(bob);
    town_close(t);
}

static void nothing_is_renewed_where_one_does_not_want_it(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    (void)state;
    (void)meet(t, 1, 0, INVITE_PERSONAL);
    wait_for(t, two_are_joined);
    start = newest(alice).epoch;
    assert_int_equal(engine_setting_put(bob->e, span_str("renew-days"), 400), ERR_INVALID);
    assert_int_equal(engine_setting_put(bob->e, span_str("renew"), 4), ERR_NOT_FOUND);
    assert_ok(engine_setting_put(bob->e, span_str("renew-days"), 0));
    run_sql(bob, "UPDATE chat SET renewed = renewed - 10 * 86400000");
    town_reopen(t);
    for (int i = 0; i < 3; i++) wait_for(t, is_quiet);
    assert_int_equal(newest(alice).epoch, start);
    assert_ok(engine_setting_put(bob->e, span_str("renew-days"), 8)); // and up to a quarter later
    town_reopen(t);
    wait_for(t, somebody_has_renewed);
    town_close(t);
}

// A Welcome into a hybrid group of this size is larger than an inbox entry: it goes as a blob.
enum { MANY = 40 };

static bool many_are_joined(struct town *t)
{
    for (size_t i = 0; i < MANY; i++) {
        if (newest(&t->person[i]).kind != ROOM_GROUP || newest(&t->person[i]).members != MANY) return false;
    }
    return at_one(t);
}

static bool many_have_read_it(struct town *t)
{
    for (size_t i = 0; i < MANY; i++) {
        if (read_chat(&t->person[i], newest(&t->person[i]).id).n != 2) return false;
    }
    return is_quiet(t);
}

static void a_hybrid_group_of_many(void **state)
{
    struct town *t = town_open_with(MANY, &(struct engine_settings){.link = {.retry_ms = 100}, .packages = 2});
    int64_t contacts[MANY - 1], chat = 0;
    (void)state;
    for (size_t i = 1; i < MANY; i++) contacts[i - 1] = meet(t, i, 0, INVITE_PERSONAL);
    wait_for(t, is_quiet);
    assert_ok(engine_group(t->person[0].e, span_str("Many"), contacts, MANY - 1, &chat));
    wait_for(t, many_are_joined);
    say(&t->person[0], chat, "welcome");
    say(&t->person[MANY - 1], newest(&t->person[MANY - 1]).id, "thank you");
    for (size_t i = 0; i < MANY; i++) assert_int_equal(t->person[i].warnings, 0);
    wait_for(t, many_have_read_it);
    town_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(admins_change_the_room),
        cmocka_unit_test(changes_that_race_both_happen),
        cmocka_unit_test(members_who_do_not_ask_are_not_followed),
        cmocka_unit_test(nor_are_admins_who_break_the_room),
        cmocka_unit_test(an_older_device_takes_nobodys_place),
        cmocka_unit_test(who_leaves_is_out_and_may_come_back),
        cmocka_unit_test(all_leave),
        cmocka_unit_test(the_removed_keep_out),
        cmocka_unit_test(a_crowd_with_churn),
        cmocka_unit_test(a_hybrid_group_of_many),
        cmocka_unit_test(a_copy_of_the_keys_becomes_useless),
        cmocka_unit_test(nothing_is_renewed_where_one_does_not_want_it),
    };
    return unit_run("group", tests);
}
