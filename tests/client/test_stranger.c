// SPDX-License-Identifier: Apache-2.0
//
// Strangers who hold a public address: what they can put into an inbox, and what an engine does about it before anybody has answered.
#include "town.h"

#include <arpa/inet.h>
#include <unistd.h>

static int last_resort, times = 1; // how key packages are marked; how often the relay shows what is put into an inbox

// A key package of somebody's own, as one that was taken from their pool.
static struct mls_buf package_of(struct person *p)
{
    struct engine *e = p->e;
    struct mls_buf package = {0}, private_part = {0}, ref = {0};
    const struct mls_leaf_params leaf = cred_leaf(e);
    assert_int_equal(mls_key_package_new(e->mls, 1, &leaf, NULL, 0, &package, &private_part), MLS_OK);
    assert_int_equal(mls_key_package_ref(e->mls, (struct mls_span){package.data, package.size}, &ref), MLS_OK);
    sqlite3_stmt *q = db_sql(&e->db, "INSERT INTO package(ref, private, last_resort, created) VALUES(?1, ?2, ?4, ?3)");
    db_blob(q, 1, span_of(ref.data, FORMAT_ID));
    db_blob(q, 2, buf_of(&private_part));
    db_int(q, 3, (int64_t)engine_now());
    db_int(q, 4, last_resort);
    assert_int_equal(db_run(&e->db, q), 1);
    mls_buf_free(&private_part);
    mls_buf_free(&ref);
    return package;
}

// A public invitation of somebody's.
static struct invite address_of(struct town *t, struct person *p, struct buf *bytes)
{
    struct buf link;
    struct invite i;
    buf_init(&link, FORMAT_LINK_MAX);
    buf_init(bytes, FORMAT_LINK_MAX);
    assert_ok(engine_invite(p->e, 0, "everybody", &link));
    wait_for(t, is_quiet);
    assert_ok(invite_from_link(span_str((const char *)link.p), bytes));
    assert_ok(invite_decode(buf_span(bytes), &i));
    buf_wipe(&link);
    return i;
}

// A place of a stranger's choice: whoever connects there is noticed.
struct place {
    int socket;
    char address[LINK_ADDRESS_TEXT];
};

static struct place place_open(void)
{
    struct place p = {.socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof at;
    struct link_address a = {.host = "127.0.0.1", .secret = "secret"};
    assert_int_equal(bind(p.socket, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(p.socket, 9), 0);
    assert_int_equal(getsockname(p.socket, (struct sockaddr *)&at, &n), 0);
    a.port = ntohs(at.sin_port);
    link_address_write(&a, p.address);
    return p;
}

static struct place *watched;
static bool somebody_has_come(struct town *t)
{
    int fd = accept(watched->socket, NULL, NULL);
    (void)t;
    if (fd >= 0) close(fd);
    return fd >= 0;
}

// Puts an introduction into Alice's inbox as Bob's engine would: `i` lacks what is the same in all. `from`: whose invitation is in it.
static void introduce(struct person *bob, struct person *alice, const struct place *at, const struct invite *to,
                      const uint8_t *from, struct mls_buf *package, struct intro i)
{
    static const uint8_t fill[FORMAT_ID] = {1};
    struct engine *e = bob->e;
    struct buf mine, body, letter, entry;
    struct mls_buf ref = {0};
    buf_init(&mine, FORMAT_LINK_MAX);
    buf_init(&body, 20000);
    buf_init(&letter, 20000);
    buf_init(&entry, WIRE_ENTRY_MAX);
    invite_encode(&(struct invite){.relay = span_str(at->address),
                                   .inbox = fill,
                                   .key = fill,
                                   .package_key = fill,
                                   .account = from,
                                   .name = span_str("mallory")},
                  &mine);
    i.invite_key = to->key;
    i.name = span_str("mallory");
    i.invite = buf_span(&mine);
    i.log_key = i.chain = fill;
    intro_encode(&i, &body);
    const struct letter l = {
        .kind = INBOX_INTRODUCTION, .body = buf_span(&body), .account_key = e->self.account_public};
    assert_int_equal(mls_key_package_ref(e->mls, (struct mls_span){package->data, package->size}, &ref), MLS_OK);
    assert_ok(inbox_sign(e->crypto, &l, e->self.account_private, ref.data, &letter));
    assert_ok(inbox_seal(e->crypto, &e->world, buf_of(package), ref.data, buf_span(&letter), &entry));
    for (int k = 0; k < times; k++)
        assert_true(inbox_entry(
            alice->e, &(struct wire_entry){.seq = alice->e->self.cursor + 1, .time = 1, .payload = buf_span(&entry)}));
    mls_buf_free(package);
    mls_buf_free(&ref);
    buf_wipe(&mine);
    buf_wipe(&body);
    buf_wipe(&letter);
    buf_wipe(&entry);
}

// One whose Welcome is said to lie at that place.
static void introduce_from_afar(struct person *bob, struct person *alice, const struct place *at,
                                const struct invite *to, const uint8_t *from)
{
    static const uint8_t fill[FORMAT_ID] = {1};
    struct buf blob;
    struct mls_buf package = package_of(alice);
    buf_init(&blob, 1024);
    blob_ref_encode(&(struct blob_ref){span_str(at->address), fill, span_of(fill, 32), span_of(fill, 7), 100000, fill},
                    &blob);
    introduce(bob, alice, at, to, from, &package, (struct intro){.blob = buf_span(&blob)});
    buf_wipe(&blob);
}

// One into a conversation of two whose log lies at that place.
static void introduce_with_welcome(struct person *bob, struct person *alice, const struct place *at,
                                   const struct invite *to)
{
    char relay[RELAY_ROOM];
    struct engine *e = bob->e;
    struct mls_buf package = package_of(alice);
    struct mls_commit made = {0};
    struct chat *c = NULL;
    struct buf way;
    buf_init(&way, FORMAT_LINK_MAX);
    invite_encode(to, &way);
    memcpy(relay, e->self.relay, sizeof relay);
    memcpy(e->self.relay, at->address, sizeof at->address);
    db_begin(&e->db);
    int64_t contact = contact_put(e, engine_account(alice->e), span_str("alice"), buf_span(&way), CONTACT_KNOWN);
    assert_ok(chat_new(e, ROOM_DIRECT, span_of(NULL, 0), &contact, 1, &c));
    const struct mls_proposal add = {.type = MLS_PROPOSAL_ADD, .key_package = {package.data, package.size}};
    const struct mls_commit_params params = {.proposals = &add, .proposal_count = 1, .tree_in_welcome = true};
    assert_int_equal(mls_group_commit(chat_group(c), &params, &made), MLS_OK);
    introduce(bob, alice, at, to, engine_account(e), &package, (struct intro){.welcome = buf_of(&made.welcome)});
    mls_commit_free(&made);
    memcpy(e->self.relay, relay, sizeof relay);
    c->peer->strangers = true; // Bob's own engine does not come there
    chat_forget(c);
    db_rollback(&e->db);
    buf_wipe(&way);
}

static void settle(struct town *t)
{
    for (int i = 0; i < 5; i++) wait_for(t, is_quiet);
    town_reopen(t);
    for (int i = 0; i < 5; i++) wait_for(t, is_quiet);
    engine_wake(t->person[0].e);
    for (int i = 0; i < 5; i++) wait_for(t, is_quiet);
}

// Before anybody has answered, nothing is connected to that a stranger has chosen; then it is.
static void requests_connect_to_nothing(void **state)
{
    (void)state;
    for (int what = 0; what < 3; what++) {
        struct town *t = town_open(2);
        struct person *alice = &t->person[0], *bob = &t->person[1];
        struct place at = place_open();
        struct buf bytes;
        const struct invite to = address_of(t, alice, &bytes);
        watched = &at;
        if (what == 0) introduce_from_afar(bob, alice, &at, &to, engine_account(bob->e));
        else introduce_with_welcome(bob, alice, &at, &to);
        assert_int_equal(contact_of_person(alice, bob).state, CONTACT_REQUEST);
        assert_string_equal(contact_of_person(alice, bob).name, "mallory");
        assert_int_equal(newest(alice).state, what == 0 ? 0 : CHAT_REQUEST);
        settle(t);
        assert_false(somebody_has_come(t));
        assert_ok(engine_answer(alice->e, contact_of_person(alice, bob).id, what < 2));
        if (what < 2) wait_for(t, somebody_has_come);
        else settle(t);
        assert_false(what == 2 && somebody_has_come(t));
        assert_int_equal(count(alice, "SELECT count(*) FROM welcome"), what == 0);
        close(at.socket);
        buf_wipe(&bytes);
        town_close(t);
    }
}

static void so_many_requests_wait(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    struct place at = place_open();
    struct buf bytes;
    (void)state;
    const struct invite to = address_of(t, alice, &bytes);
    for (int i = 0; i < 4; i++) introduce_from_afar(bob, alice, &at, &to, engine_account(bob->e));
    assert_int_equal(count(alice, "SELECT count(*) FROM welcome"), 4);
    assert_int_equal(alice->warnings, 0);
    introduce_with_welcome(bob, alice, &at, &to); // no more of one
    assert_int_equal(count(alice, "SELECT count(*) FROM welcome"), 4);
    assert_int_equal(newest(alice).id, 0);
    assert_non_null(strstr(alice->warning, "so many requests"));
    // they go with the answer, and so there is room
    assert_ok(engine_answer(alice->e, contact_of_person(alice, bob).id, false));
    assert_int_equal(count(alice, "SELECT count(*) FROM welcome"), 0);
    introduce_with_welcome(bob, alice, &at, &to);
    assert_int_equal(newest(alice).state, CHAT_REQUEST);
    // and no more of all
    static const char others[] =
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION SELECT x + 1 FROM n WHERE x < 99) INSERT INTO"
        " welcome(contact, body, private, come, created) SELECT 1000 + x, x'', x'', -1, 0 FROM n";
    assert_int_equal(sqlite3_exec(alice->e->db.h, others, NULL, NULL, NULL), SQLITE_OK);
    introduce_from_afar(bob, alice, &at, &to, engine_account(bob->e));
    assert_int_equal(count(alice, "SELECT count(*) FROM welcome"), 99);
    close(at.socket);
    buf_wipe(&bytes);
    town_close(t);
}

static bool alice_is_asked(struct town *t) { return is_quiet(t) && newest(&t->person[0]).state == CHAT_REQUEST; }

static bool alice_has_read_enough(struct town *t)
{
    return is_quiet(t) && read_chat(&t->person[0], newest(&t->person[0]).id).n >= 100;
}

static bool alice_has_read_all(struct town *t)
{
    return is_quiet(t) && read_chat(&t->person[0], newest(&t->person[0]).id).n == 310;
}

// Of a conversation at one's own relay a request shows the beginning, and the rest once it is accepted.
static void a_request_shows_the_beginning(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    (void)state;
    (void)meet(t, 0, 1, 0);
    wait_for(t, alice_is_asked);
    for (int i = 0; i < 110; i++) say(bob, newest(bob).id, "buy my soap");
    wait_for(t, alice_has_read_enough);
    for (int i = 0; i < 200; i++) say(bob, newest(bob).id, "buy my soap");
    for (int i = 0; i < 3; i++) wait_for(t, is_quiet);
    town_reopen(t);
    for (int i = 0; i < 3; i++) wait_for(t, is_quiet);
    assert_in_range(read_chat(alice, newest(alice).id).n, 100, 200);
    assert_ok(engine_answer(alice->e, contact_of_person(alice, bob).id, true));
    wait_for(t, alice_has_read_all);
    assert_int_equal(alice->warnings, 0);
    town_close(t);
}

static bool bob_is_out(struct town *t)
{
    return is_quiet(t) && newest(&t->person[1]).state == CHAT_LEFT && newest(&t->person[2]).members == 2;
}

// A group of Carol's own, under the id of one that she is in, of which she is the admin; Bob, who has left that, is asked into it.
static void take_over(struct person *carol, struct person *bob, const struct place *at, const struct invite *to)
{
    static const uint8_t fill[FORMAT_ID] = {1};
    struct engine *e = carol->e;
    struct chat *c = chat_find(e, newest(carol).id);
    struct mls_buf package = package_of(bob);
    struct mls_group *g = NULL;
    struct mls_commit made = {0};
    struct mls_leaf_params leaf = cred_leaf(e);
    struct buf extension;
    assert_non_null(chat_group(c));
    const struct room room = {.kind = ROOM_GROUP,
                              .relay = span_str(e->self.relay),
                              .log = fill,
                              .name = span_str("Tea"),
                              .admins = span_of(e->self.account, FORMAT_ID),
                              .recovery = fill};
    buf_init(&extension, 70000);
    room_encode(&room, &extension);
    const struct mls_extension x = {.type = FORMAT_ROOM_EXTENSION, .data = {extension.p, extension.n}};
    assert_int_equal(mls_group_new(e->mls, 1, mls_group_id(c->mls), &leaf, &x, 1, &g), MLS_OK);
    const struct mls_proposal add = {.type = MLS_PROPOSAL_ADD, .key_package = {package.data, package.size}};
    const struct mls_commit_params params = {.proposals = &add, .proposal_count = 1, .tree_in_welcome = true};
    assert_int_equal(mls_group_commit(g, &params, &made), MLS_OK);
    introduce(carol, bob, at, to, engine_account(e), &package, (struct intro){.welcome = buf_of(&made.welcome)});
    mls_commit_free(&made);
    mls_group_free(g);
    buf_wipe(&extension);
}

// Whoever was a plain member does not lead those who have left into a group of theirs: that is another one, and a request.
static void a_plain_member_takes_no_group_over(void **state)
{
    struct town *t = town_open(3);
    struct person *alice = &t->person[0], *bob = &t->person[1], *carol = &t->person[2];
    struct place at = place_open();
    struct buf bytes;
    int64_t contacts[2], chat = 0;
    (void)state;
    contacts[0] = meet(t, 1, 0, INVITE_PERSONAL);
    contacts[1] = meet(t, 2, 0, INVITE_PERSONAL);
    assert_ok(engine_group(alice->e, span_str("Tea"), contacts, 2, &chat));
    wait_for(t, three_are_joined);
    int64_t bobs = newest(bob).id;
    assert_ok(engine_leave(bob->e, bobs));
    wait_for(t, bob_is_out);
    const struct invite to = address_of(t, bob, &bytes);
    take_over(carol, bob, &at, &to);
    assert_int_equal(chat_find(bob->e, bobs)->state, CHAT_LEFT);
    assert_true(newest(bob).id != bobs);
    assert_int_equal(newest(bob).state, CHAT_REQUEST);
    // and an admin takes him back, as ever
    assert_ok(engine_add(alice->e, chat, contacts, 1));
    while (chat_find(bob->e, bobs)->state != CHAT_OPEN) wait_for(t, is_quiet);
    assert_ok(engine_answer(bob->e, contact_of_person(bob, carol).id, false));
    wait_for(t, three_are_joined);
    assert_int_equal(newest(bob).id, bobs);
    say(alice, chat, "welcome back");
    while (read_chat(bob, bobs).n < 1) wait_for(t, is_quiet);
    close(at.socket);
    buf_wipe(&bytes);
    town_close(t);
}

static bool the_move_is_there;
static void on_moved(void *arg, const struct wire_reply *r)
{
    (void)arg;
    assert_true(r != NULL && r->type == WIRE_R_APPENDED);
    the_move_is_there = true;
}
static bool it_has_moved(struct town *t)
{
    (void)t;
    return the_move_is_there;
}

// A commit by which the conversation goes on at another log, at a place of its maker's choice.
static void move_to(struct chat *c, const struct place *at)
{
    static const uint8_t fill[FORMAT_ID] = {7};
    struct mls_commit made = {0};
    struct mls_buf key = {0};
    struct room room;
    struct buf extension;
    uint8_t hash[WIRE_HASH];
    assert_ok(chat_room(c, &room));
    room.relay = span_str(at->address);
    room.log = fill;
    buf_init(&extension, 70000);
    room_encode(&room, &extension);
    const struct mls_extension x = {.type = FORMAT_ROOM_EXTENSION, .data = {extension.p, extension.n}};
    const struct mls_proposal p = {
        .type = MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS, .extensions = &x, .extension_count = 1};
    const struct mls_commit_params params = {.proposals = &p, .proposal_count = 1, .tree_in_welcome = true};
    assert_int_equal(mls_group_commit(chat_group(c), &params, &made), MLS_OK);
    assert_int_equal(mls_staged_export(made.staged, chat_key_label, (struct mls_span){c->log, 32}, 32, &key), MLS_OK);
    assert_ok(sha256(c->e, buf_of(&key), hash));
    const struct wire_request r = {.type = WIRE_LOG_ADVANCE,
                                   .log = c->log,
                                   .key = c->log_key,
                                   .epoch = c->log_epoch,
                                   .payload = buf_of(&made.message),
                                   .new_hash = hash};
    assert_ok(link_ask(c->peer->link, &r, on_moved, NULL));
    mls_buf_free(&key);
    mls_commit_free(&made);
    buf_wipe(&extension);
}

static bool alice_has_moved(struct town *t)
{
    return is_quiet(t) && memcmp(chat_find(t->person[0].e, newest(&t->person[0]).id)->log, (uint8_t[]){7}, 1) == 0;
}

// What is read of a request, at one's own relay, leads nowhere else either.
static void a_request_that_moves_connects_to_nothing(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    struct place at = place_open();
    (void)state;
    watched = &at;
    (void)meet(t, 0, 1, 0);
    wait_for(t, alice_is_asked);
    move_to(chat_find(bob->e, newest(bob).id), &at);
    wait_for(t, it_has_moved);
    engine_close(bob->e);
    bob->e = NULL;
    wait_for(t, alice_has_moved);
    for (int i = 0; i < 10; i++) wait_for(t, is_quiet);
    assert_false(somebody_has_come(t));
    assert_ok(engine_answer(alice->e, 1, true));
    wait_for(t, somebody_has_come);
    close(at.socket);
    town_close(t);
}

// A relay shows an entry of the inbox once more, or goes back to an older state, and the key package that it is for is the one of last
// resort, which stays.
static void an_introduction_is_taken_once(void **state)
{
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    struct place at = place_open();
    struct buf bytes;
    (void)state;
    const struct invite to = address_of(t, alice, &bytes);
    last_resort = 1;
    times = 2;
    introduce_with_welcome(bob, alice, &at, &to);
    last_resort = 0;
    times = 1;
    assert_int_equal(count(alice, "SELECT count(*) FROM chat"), 1);
    close(at.socket);
    buf_wipe(&bytes);
    town_close(t);
}

// Somebody known to Alice is not made use of by somebody else.
static void nobody_introduces_in_the_name_of_another(void **state)
{
    struct town *t = town_open(3);
    struct person *alice = &t->person[0], *bob = &t->person[1], *carol = &t->person[2];
    struct place at = place_open();
    struct buf bytes;
    (void)state;
    (void)meet(t, 0, 2, INVITE_PERSONAL);
    wait_for(t, is_quiet);
    const struct invite to = address_of(t, alice, &bytes);
    uint64_t cursor = alice->e->self.cursor;
    introduce_from_afar(bob, alice, &at, &to, engine_account(carol->e));
    assert_int_equal(alice->e->self.cursor, cursor + 1); // it was read
    assert_int_equal(count(alice, "SELECT count(*) FROM welcome"), 0);
    assert_int_equal(count(alice, "SELECT count(*) FROM transfer"), 0);
    close(at.socket);
    buf_wipe(&bytes);
    town_close(t);
}

// Whoever holds an address asks about a conversation of which they know an id, or make one up: no other is looked into for that.
static void a_knock_opens_no_group(void **state)
{
    static const uint8_t fill[FORMAT_ID] = {1};
    struct town *t = town_open(2);
    struct person *alice = &t->person[0], *bob = &t->person[1];
    struct buf bytes, mine, body;
    int64_t chat = 0, contact = 0;
    (void)state;
    for (int i = 0; i < 3; i++) assert_ok(engine_group(alice->e, span_str("Tea"), NULL, 0, &chat));
    const struct invite to = address_of(t, alice, &bytes);
    town_reopen(t);
    while (!is_quiet(t)) wait_for(t, is_quiet);
    for (struct chat *c = alice->e->chats; c != NULL; c = c->next) chat_drop_group(c);
    buf_init(&mine, FORMAT_LINK_MAX);
    buf_init(&body, 8192);
    invite_encode(&(struct invite){.relay = span_str(t->address),
                                   .inbox = fill,
                                   .key = fill,
                                   .package_key = fill,
                                   .account = engine_account(bob->e),
                                   .name = span_str("mallory")},
                  &mine);
    knock_encode(
        &(struct knock){
            .invite_key = to.key, .name = span_str("mallory"), .invite = buf_span(&mine), .group = span_of(fill, 16)},
        &body);
    assert_ok(buf_end(&body));
    db_begin(&alice->e->db);
    assert_int_equal(knock_arrived(alice->e, buf_span(&body), &chat, &contact), ERR_REFUSED);
    db_rollback(&alice->e->db);
    for (struct chat *c = alice->e->chats; c != NULL; c = c->next) assert_null(c->mls);
    buf_wipe(&bytes);
    buf_wipe(&mine);
    buf_wipe(&body);
    town_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_connect_to_nothing),
        cmocka_unit_test(so_many_requests_wait),
        cmocka_unit_test(a_request_shows_the_beginning),
        cmocka_unit_test(a_plain_member_takes_no_group_over),
        cmocka_unit_test(nobody_introduces_in_the_name_of_another),
        cmocka_unit_test(a_request_that_moves_connects_to_nothing),
        cmocka_unit_test(an_introduction_is_taken_once),
        cmocka_unit_test(a_knock_opens_no_group),
    };
    return unit_run("stranger", tests);
}
