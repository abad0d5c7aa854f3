// SPDX-License-Identifier: Apache-2.0
//
// Group links: who comes by them is added, or asked about; and nobody comes by one that should not let them in.
#include "town.h"

#include "codec/tls.h"

static struct town *alone_in_a_group(size_t people, int64_t *chat)
{
    struct town *t = town_open(people);
    assert_ok(engine_group(t->person[0].e, span_str("Tea"), NULL, 0, chat));
    wait_for(t, is_quiet);
    return t;
}

static void link_of(struct town *t, struct person *p, int64_t chat, bool asks, struct buf *link)
{
    buf_init(link, FORMAT_LINK_MAX);
    assert_ok(engine_group_link(p->e, chat, asks, link));
    wait_for(t, is_quiet);
}

static void take(struct person *p, const struct buf *link)
{
    int64_t contact = 0;
    const char *why = "";
    if (engine_accept(p->e, span_str((const char *)link->p), &contact, &why) != ERR_OK) fail_msg("%s", why);
    assert_true(contact > 0);
}

static size_t expected;
static bool all_are_in(struct town *t)
{
    for (size_t i = 0; i < expected; i++) {
        if (newest(&t->person[i]).members != expected || newest(&t->person[i]).state != CHAT_OPEN) return false;
    }
    return is_quiet(t);
}

static void who_comes_by_a_link_is_added(void **state)
{
    int64_t chat = 0;
    struct town *t = alone_in_a_group(3, &chat);
    struct person *alice = &t->person[0], *bob = &t->person[1], *carol = &t->person[2];
    struct buf link, again;
    (void)state;
    link_of(t, alice, chat, false, &link);
    take(bob, &link);
    take(carol, &link);
    expected = 3;
    wait_for(t, all_are_in);
    assert_true(span_eq(newest(bob).name, span_str("Tea")));
    assert_int_equal(contact_of_person(bob, alice).state, CONTACT_STRANGER); // a link is no friendship
    assert_int_equal(contact_of_person(alice, bob).state, CONTACT_STRANGER);
    assert_string_equal(contact_of_person(alice, bob).name, "bob");
    say(bob, newest(bob).id, "hello");
    wait_for(t, is_quiet);
    wait_for(t, is_quiet);
    // members have no links to give, and taking the link again changes nothing
    buf_init(&again, FORMAT_LINK_MAX);
    assert_int_equal(engine_group_link(bob->e, newest(bob).id, false, &again), ERR_REFUSED);
    assert_int_equal(engine_group_link(bob->e, 999, false, &again), ERR_NOT_FOUND);
    uint64_t epoch = newest(alice).epoch;
    take(bob, &link);
    wait_for(t, is_quiet);
    wait_for(t, is_quiet);
    assert_int_equal(newest(alice).epoch, epoch);
    assert_int_equal(alice->warnings + bob->warnings + carol->warnings, 0);
    buf_wipe(&link);
    buf_wipe(&again);
    town_close(t);
}

struct requests {
    size_t n;
    struct engine_request last;
};

static void note_request(void *arg, const struct engine_request *r)
{
    struct requests *all = arg;
    all->n++;
    all->last = *r;
}

static struct requests requests_of(struct person *p)
{
    struct requests r = {0};
    assert_ok(engine_requests(p->e, note_request, &r));
    return r;
}

static bool alice_is_asked(struct town *t) { return is_quiet(t) && requests_of(&t->person[0]).n > 0; }

static void an_admin_may_be_asked(void **state)
{
    int64_t chat = 0;
    struct town *t = alone_in_a_group(3, &chat);
    struct person *alice = &t->person[0], *bob = &t->person[1], *carol = &t->person[2];
    struct buf link;
    (void)state;
    link_of(t, alice, chat, true, &link);
    take(bob, &link);
    wait_for(t, alice_is_asked);
    town_reopen(t);
    struct requests r = requests_of(alice);
    assert_int_equal(r.n, 1);
    assert_int_equal(r.last.chat, chat);
    assert_int_equal(r.last.contact, contact_of_person(alice, bob).id);
    assert_int_equal(newest(alice).members, 1);
    assert_int_equal(engine_admit(alice->e, chat, 999, true), ERR_NOT_FOUND);
    assert_ok(engine_admit(alice->e, chat, r.last.contact, true));
    expected = 2;
    wait_for(t, all_are_in);
    assert_int_equal(requests_of(alice).n, 0);
    take(carol, &link);
    wait_for(t, alice_is_asked);
    assert_ok(engine_admit(alice->e, chat, requests_of(alice).last.contact, false));
    wait_for(t, is_quiet);
    assert_int_equal(requests_of(alice).n, 0);
    assert_int_equal(newest(alice).members, 2);
    assert_int_equal(newest(carol).id, 0);
    buf_wipe(&link);
    town_close(t);
}

static bool bob_is_out(struct town *t)
{
    return is_quiet(t) && newest(&t->person[1]).state == CHAT_REMOVED && newest(&t->person[0]).members == 1;
}

// Who was put out comes back only if somebody agrees; who is blocked is not even heard.
static void who_was_put_out_is_asked_about(void **state)
{
    int64_t chat = 0;
    struct town *t = alone_in_a_group(2, &chat);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    struct buf link;
    (void)state;
    link_of(t, alice, chat, false, &link);
    take(bob, &link);
    expected = 2;
    wait_for(t, all_are_in);
    int64_t id = contact_of_person(alice, bob).id, bobs = newest(bob).id;
    assert_ok(engine_remove(alice->e, chat, id));
    wait_for(t, bob_is_out);
    take(bob, &link);
    wait_for(t, alice_is_asked);
    assert_int_equal(newest(alice).members, 1);
    assert_ok(engine_admit(alice->e, chat, id, true));
    wait_for(t, all_are_in);
    assert_int_equal(newest(bob).id, bobs);
    assert_ok(engine_remove(alice->e, chat, id));
    wait_for(t, bob_is_out);
    assert_ok(engine_block(alice->e, id, true));
    wait_for(t, is_quiet);
    take(bob, &link);
    wait_for(t, is_quiet);
    wait_for(t, is_quiet);
    assert_int_equal(requests_of(alice).n, 0);
    assert_int_equal(newest(alice).members, 1);
    buf_wipe(&link);
    town_close(t);
}

static bool bob_is_warned(struct town *t) { return is_quiet(t) && t->person[1].warnings > 0; }

static int64_t newest_invite;
static void note_invite(void *arg, const struct engine_invite_info *i)
{
    (void)arg;
    if (newest_invite == 0) newest_invite = i->id;
    assert_int_equal(i->flags, INVITE_GROUP);
}

static void links_that_are_over_let_nobody_in(void **state)
{
    int64_t chat = 0;
    struct town *t = alone_in_a_group(3, &chat);
    struct person *alice = &t->person[0], *bob = &t->person[1], *carol = &t->person[2];
    struct buf link, former;
    (void)state;
    link_of(t, alice, chat, false, &link);
    newest_invite = 0;
    assert_ok(engine_invites(alice->e, note_invite, NULL));
    assert_ok(engine_invite_revoke(alice->e, newest_invite));
    wait_for(t, is_quiet);
    take(bob, &link);
    wait_for(t, bob_is_warned);
    assert_int_equal(newest(alice).members, 1);
    // nor do those of somebody who is no admin any more
    link_of(t, alice, chat, false, &former);
    take(carol, &former);
    expected = 2;
    struct person bob_then = t->person[1];
    t->person[1] = *carol; // who is in are the first two
    wait_for(t, all_are_in);
    t->person[1] = bob_then;
    assert_ok(engine_role(alice->e, chat, contact_of_person(alice, carol).id, true));
    wait_for(t, is_quiet);
    wait_for(t, is_quiet);
    assert_ok(engine_role(alice->e, chat, 0, false));
    wait_for(t, is_quiet);
    take(bob, &former);
    wait_for(t, is_quiet);
    wait_for(t, is_quiet);
    assert_int_equal(newest(alice).members, 2);
    assert_int_equal(newest(bob).id, 0);
    buf_wipe(&link);
    buf_wipe(&former);
    town_close(t);
}

static bool bob_is_back(struct town *t)
{
    return is_quiet(t) && newest(&t->person[1]).state == CHAT_OPEN && newest(&t->person[0]).members == 2;
}

static void who_has_left_may_ask_to_come_back(void **state)
{
    int64_t chat = 0;
    struct town *t = alone_in_a_group(2, &chat);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    struct buf link;
    (void)state;
    link_of(t, alice, chat, false, &link);
    take(bob, &link);
    expected = 2;
    wait_for(t, all_are_in);
    int64_t bobs = newest(bob).id;
    assert_int_equal(engine_return(bob->e, bobs), ERR_MISUSE);
    assert_int_equal(engine_return(bob->e, 999), ERR_NOT_FOUND);
    assert_ok(engine_leave(bob->e, bobs));
    while (newest(bob).state != CHAT_LEFT || newest(alice).members != 1) wait_for(t, is_quiet);
    assert_ok(engine_return(bob->e, bobs));
    wait_for(t, alice_is_asked);
    assert_ok(engine_admit(alice->e, chat, requests_of(alice).last.contact, true));
    wait_for(t, bob_is_back);
    assert_int_equal(newest(bob).id, bobs);
    buf_wipe(&link);
    town_close(t);
}

// A key package of the device that somebody has now.
static struct mls_buf package_of(struct person *p)
{
    struct mls_buf package = {0}, private_part = {0};
    const struct mls_leaf_params leaf = cred_leaf(p->e);
    assert_int_equal(mls_key_package_new(p->e->mls, 1, &leaf, NULL, 0, &package, &private_part), MLS_OK);
    mls_buf_free(&private_part);
    return package;
}

// How many proposals it comes to in the newest conversation, when a contact is to be added with this.
static size_t proposals_of(struct person *p, int64_t contact, const struct mls_buf *package)
{
    struct mls_proposal proposals[COMMIT_PROPOSALS];
    struct buf packages, list;
    size_t n = 0;
    struct chat *c = chat_find(p->e, newest(p).id);
    assert_non_null(chat_group(c));
    buf_init(&packages, 10000);
    buf_init(&list, 20000);
    tls_put_vector(&packages, buf_of(package));
    tls_put_u64(&list, (uint64_t)contact);
    tls_put_vector(&list, buf_span(&packages));
    assert_ok(adding_plan(c, buf_span(&list), proposals, &n));
    buf_wipe(&packages);
    buf_wipe(&list);
    return n;
}

// As if it were made some time after the one before.
static void make_later_device(struct engine *e)
{
    struct self *s = &e->self;
    struct buf bytes;
    assert_ok(self_make_device(e));
    const struct cert cert = {.account_key = s->account_public,
                              .device_key = span_of(s->device_public, 32),
                              .device = s->device,
                              .created = engine_now() + 100};
    buf_init(&bytes, CERT_MAX);
    assert_ok(cert_make(e->crypto, s->account_private, &cert, &bytes));
    memcpy(s->cert, bytes.p, s->cert_n = bytes.n);
    buf_wipe(&bytes);
}

// A profile that was restored has its conversations, and a device that is in none of them.
static void a_device_of_who_is_in_it_is_added_at_once(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    (void)state;
    (void)meet(t, 1, 0, INVITE_PERSONAL);
    expected = 2;
    wait_for(t, all_are_in);
    int64_t bobs = newest(bob).id;
    uint64_t epoch = newest(alice).epoch;
    struct mls_buf former = package_of(bob);
    uint8_t device[FORMAT_DEVICE];
    memcpy(device, bob->e->self.device, FORMAT_DEVICE);
    for (size_t i = 0; i < FORMAT_DEVICE; i++) bob->e->self.device[i] ^= 1; // as backup.c makes it
    make_later_device(bob->e);
    assert_int_equal(sqlite3_exec(bob->e->db.h, "UPDATE chat SET state = 3; DELETE FROM record; DELETE FROM package",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_stmt *q =
        db_sql(&bob->e->db, "UPDATE self SET device = ?1, device_public = ?2, device_private = ?3, cert = ?4");
    db_blob(q, 1, span_of(bob->e->self.device, FORMAT_DEVICE));
    db_blob(q, 2, span_of(bob->e->self.device_public, 32));
    db_blob(q, 3, span_of(bob->e->self.device_private, 32));
    db_blob(q, 4, span_of(bob->e->self.cert, bob->e->self.cert_n));
    assert_int_equal(db_run(&bob->e->db, q), 1);
    (void)work_add(
        bob->e,
        &(struct work){.kind = WORK_CLEAR, .relay = bob->e->self.relay, .what = span_of(device, FORMAT_DEVICE)});
    (void)work_add(bob->e, &(struct work){.kind = WORK_PACKAGES, .relay = bob->e->self.relay});
    town_reopen(t);
    wait_for(t, is_quiet);
    assert_ok(engine_return(bob->e, bobs));
    wait_for(t, bob_is_back);
    assert_int_equal(newest(bob).id, bobs);
    assert_true(newest(alice).epoch > epoch);
    assert_string_equal(read_chat(alice, newest(alice).id).notices, "device\n"); // before anything else
    assert_true(engine_is_held(alice->e, newest(alice).id));
    assert_ok(engine_confirm(alice->e, contact_of_person(alice, bob).id, 0));
    say(alice, newest(alice).id, "welcome back");
    say(bob, bobs, "thank you");
    while (read_chat(alice, newest(alice).id).n < 2 || read_chat(bob, bobs).n < 2) wait_for(t, is_quiet);
    assert_int_equal(proposals_of(alice, contact_of_person(alice, bob).id, &former),
                     0); // the device that was comes to nothing
    mls_buf_free(&former);
    town_close(t);
}

static uint64_t inbox_was;
static bool alice_has_read_her_inbox(struct town *t) { return t->person[0].e->self.cursor > inbox_was; }

static struct buf way_to(struct person *p, int64_t contact)
{
    struct buf way;
    buf_init(&way, FORMAT_LINK_MAX);
    sqlite3_stmt *q = db_sql(&p->e->db, "SELECT invite FROM contact WHERE id = ?1");
    db_int(q, 1, contact);
    assert_true(db_row(&p->e->db, q));
    buf_put(&way, db_get(q, 0));
    db_done(q);
    return way;
}

// Nobody knocks in the name of somebody else: not even the way to somebody who has merely been met becomes another.
static void nobody_knocks_in_the_name_of_another(void **state)
{
    int64_t chat = 0;
    struct town *t = alone_in_a_group(2, &chat);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    static const uint8_t dave[FORMAT_ID] = {7};
    struct buf link;
    (void)state;
    db_begin(&alice->e->db);
    int64_t met = contact_put(alice->e, dave, span_of(NULL, 0), span_of(NULL, 0), CONTACT_STRANGER);
    assert_ok(db_commit(&alice->e->db));
    link_of(t, alice, chat, true, &link);
    memcpy(bob->e->self.account, dave, FORMAT_ID);
    inbox_was = alice->e->self.cursor;
    take(bob, &link);
    wait_for(t, alice_has_read_her_inbox);
    assert_int_equal(requests_of(alice).n, 0);
    struct buf way = way_to(alice, met);
    assert_int_equal(way.n, 0);
    buf_wipe(&way);
    assert_string_equal(contact_of_person(alice, bob).name, "");
    buf_wipe(&link);
    town_close(t);
}

// A knock of Bob's by a link of Alice's, as it stands in her inbox.
static enum err knock_at(struct person *alice, struct person *bob, const struct buf *link)
{
    struct buf bytes, mine, body;
    struct invite to;
    int64_t chat = 0, contact = 0;
    buf_init(&bytes, FORMAT_LINK_MAX);
    buf_init(&mine, FORMAT_LINK_MAX);
    buf_init(&body, 8192);
    assert_ok(invite_from_link(span_str((const char *)link->p), &bytes));
    assert_ok(invite_decode(buf_span(&bytes), &to));
    db_begin(&bob->e->db);
    assert_ok(invite_make(bob->e, &(struct invite_new){.flags = INVITE_PERSONAL, .chat = INVITE_KNOCKING}, &mine));
    assert_ok(db_commit(&bob->e->db));
    knock_encode(&(struct knock){to.key, span_str(bob->name), buf_span(&mine), span_of(NULL, 0)}, &body);
    db_begin(&alice->e->db);
    enum err x = knock_arrived(alice->e, buf_span(&body), &chat, &contact);
    if (x == ERR_OK) assert_ok(db_commit(&alice->e->db));
    else db_rollback(&alice->e->db);
    buf_wipe(&bytes);
    buf_wipe(&mine);
    buf_wipe(&body);
    return x;
}

// However often they ask, their key packages are taken once; and at some time they are not even listened to.
static void who_knocks_again_and_again_costs_nothing(void **state)
{
    int64_t chat = 0;
    struct town *t = alone_in_a_group(2, &chat);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    struct buf link;
    (void)state;
    link_of(t, alice, chat, false, &link);
    for (int i = 0; i < 10; i++) assert_ok(knock_at(alice, bob, &link));
    assert_int_equal(count(alice, "SELECT count(*) FROM work WHERE kind = 6"), 1);
    assert_int_equal(knock_at(alice, bob, &link), ERR_REFUSED);
    assert_int_equal(sqlite3_exec(alice->e->db.h, "UPDATE knocked SET since = since - 3600001", NULL, NULL, NULL),
                     SQLITE_OK); // an hour later
    assert_ok(knock_at(alice, bob, &link));
    // all who come by one link, whoever they are
    assert_int_equal(sqlite3_exec(alice->e->db.h, "UPDATE knocked SET n = 1000", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(alice->e->db.h, "DELETE FROM knocked WHERE who NOT IN (SELECT key FROM invite)", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(knock_at(alice, bob, &link), ERR_REFUSED);
    // and who takes a link twice knocks once, if the first has not gone yet
    bob->e->closing = true; // nothing is sent
    take(bob, &link);
    take(bob, &link);
    assert_int_equal(count(bob, "SELECT count(*) FROM work WHERE kind = 11"), 1);
    bob->e->closing = false;
    peer_pump_all(alice->e);
    peer_pump_all(bob->e);
    wait_for(t, is_quiet);
    buf_wipe(&link);
    town_close(t);
}

static void no_more_wait_than_can_be_answered(void **state)
{
    int64_t chat = 0;
    struct town *t = alone_in_a_group(2, &chat);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    struct buf link;
    (void)state;
    link_of(t, alice, chat, true, &link);
    for (int64_t i = 0; i < 200; i++) {
        sqlite3_stmt *q = db_sql(&alice->e->db, "INSERT INTO asking(chat, contact, time) VALUES(?1, ?2, 0)");
        db_int(q, 1, chat);
        db_int(q, 2, 1000 + i);
        assert_int_equal(db_run(&alice->e->db, q), 1);
    }
    inbox_was = alice->e->self.cursor;
    take(bob, &link);
    wait_for(t, alice_has_read_her_inbox);
    assert_int_equal(requests_of(alice).n, 200);
    assert_int_equal(contact_of_person(alice, bob).id, 0);
    assert_ok(engine_admit(alice->e, chat, 1000, false));
    inbox_was = alice->e->self.cursor;
    take(bob, &link);
    wait_for(t, alice_has_read_her_inbox);
    assert_int_equal(requests_of(alice).n, 200);
    assert_true(contact_of_person(alice, bob).id != 0);
    buf_wipe(&link);
    town_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_comes_by_a_link_is_added),
        cmocka_unit_test(an_admin_may_be_asked),
        cmocka_unit_test(who_was_put_out_is_asked_about),
        cmocka_unit_test(links_that_are_over_let_nobody_in),
        cmocka_unit_test(who_has_left_may_ask_to_come_back),
        cmocka_unit_test(a_device_of_who_is_in_it_is_added_at_once),
        cmocka_unit_test(nobody_knocks_in_the_name_of_another),
        cmocka_unit_test(who_knocks_again_and_again_costs_nothing),
        cmocka_unit_test(no_more_wait_than_can_be_answered),
    };
    return unit_run("link", tests);
}
