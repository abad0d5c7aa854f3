// SPDX-License-Identifier: Apache-2.0
//
// Strangers who hold a public address: what they can put into an inbox, and what an engine does about it before anybody has answered.
#include "town.h"

// A key package of somebody's own, as one that was taken from their pool.
static struct mls_buf package_of(struct person *p)
{
    struct engine *e = p->e;
    struct mls_buf package = {0}, private_part = {0}, ref = {0};
    const struct mls_leaf_params leaf = cred_leaf(e);
    assert_int_equal(mls_key_package_new(e->mls, 1, &leaf, NULL, 0, &package, &private_part), MLS_OK);
    assert_int_equal(mls_key_package_ref(e->mls, (struct mls_span){package.data, package.size}, &ref), MLS_OK);
    sqlite3_stmt *q = db_sql(&e->db, "INSERT INTO package(ref, private, last_resort, created) VALUES(?1, ?2, 0, ?3)");
    db_blob(q, 1, span_of(ref.data, FORMAT_ID));
    db_blob(q, 2, buf_of(&private_part));
    db_int(q, 3, (int64_t)engine_now());
    assert_int_equal(db_run(&e->db, q), 1);
    mls_buf_free(&private_part);
    mls_buf_free(&ref);
    return package;
}

static size_t count(struct person *p, const char *sql)
{
    sqlite3_stmt *q = NULL;
    assert_int_equal(sqlite3_prepare_v2(p->e->db.h, sql, -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    size_t n = (size_t)sqlite3_column_int64(q, 0);
    (void)sqlite3_finalize(q);
    return n;
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

// A relay that is nobody's: nothing listens there.
static const char elsewhere[] = "wss://127.0.0.1:9/secret#AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

// Bob writes to Alice's inbox: an introduction whose Welcome is said to lie at another relay. `from`: whose invitation is in it.
static void introduce(struct person *bob, struct person *alice, const struct invite *to, const uint8_t *from)
{
    static const uint8_t fill[FORMAT_ID] = {1};
    struct engine *e = bob->e;
    struct buf mine, blob, body, letter, entry;
    struct mls_buf package = package_of(alice), ref = {0};
    const struct invite i = {.relay = span_str(elsewhere),
                             .inbox = fill,
                             .key = fill,
                             .package_key = fill,
                             .account = from,
                             .name = span_str("mallory")};
    buf_init(&mine, FORMAT_LINK_MAX);
    buf_init(&blob, 1024);
    buf_init(&body, 8192);
    buf_init(&letter, 8192);
    buf_init(&entry, WIRE_ENTRY_MAX);
    invite_encode(&i, &mine);
    blob_ref_encode(&(struct blob_ref){span_str(elsewhere), fill, span_of(fill, 32), span_of(fill, 7), 100000, fill},
                    &blob);
    intro_encode(&(struct intro){.invite_key = to->key,
                                 .name = span_str("mallory"),
                                 .invite = buf_span(&mine),
                                 .blob = buf_span(&blob),
                                 .log_key = fill,
                                 .chain = fill},
                 &body);
    const struct letter l = {
        .kind = INBOX_INTRODUCTION, .body = buf_span(&body), .account_key = e->self.account_public};
    assert_int_equal(mls_key_package_ref(e->mls, (struct mls_span){package.data, package.size}, &ref), MLS_OK);
    assert_ok(inbox_sign(e->crypto, &l, e->self.account_private, ref.data, &letter));
    assert_ok(inbox_seal(e->crypto, &e->world, buf_of(&package), ref.data, buf_span(&letter), &entry));
    assert_true(inbox_entry(
        alice->e, &(struct wire_entry){.seq = alice->e->self.cursor + 1, .time = 1, .payload = buf_span(&entry)}));
    mls_buf_free(&package);
    mls_buf_free(&ref);
    buf_wipe(&mine);
    buf_wipe(&blob);
    buf_wipe(&body);
    buf_wipe(&letter);
    buf_wipe(&entry);
}

// Somebody known to Alice is not made use of by somebody else.
static void nobody_introduces_in_the_name_of_another(void **state)
{
    struct town *t = town_open(3);
    struct person *alice = &t->person[0], *bob = &t->person[1], *carol = &t->person[2];
    struct buf bytes;
    (void)state;
    (void)meet(t, 0, 2, INVITE_PERSONAL);
    wait_for(t, is_quiet);
    const struct invite to = address_of(t, alice, &bytes);
    uint64_t cursor = alice->e->self.cursor;
    introduce(bob, alice, &to, engine_account(carol->e));
    assert_int_equal(alice->e->self.cursor, cursor + 1); // it was read
    assert_int_equal(count(alice, "SELECT count(*) FROM welcome"), 0);
    assert_int_equal(count(alice, "SELECT count(*) FROM transfer"), 0);
    buf_wipe(&bytes);
    town_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_introduces_in_the_name_of_another),
    };
    return unit_run("stranger", tests);
}
