// SPDX-License-Identifier: Apache-2.0
//
// Every request of docs/protocol.md §3 over a real connection, with what it is answered, and each error that it may meet there.
// Following is in test_follow.c; what concerns the connection as a whole in test_session.c.
#include "relay/test/scene.h"

static struct scene scene;

static void set_up(struct client *c)
{
    scene_open(&scene, NULL);
    client_open(c, &scene, 0);
    make_log(c, 1, 1);
}

static void tear_down(struct client *c)
{
    client_close(c);
    scene_close(&scene);
}

// ------------------------------------------------------------------------------------------------------- the requests

static void logs(void **state)
{
    struct client c;
    (void)state;
    set_up(&c);
    const struct wire_reply *r = append(&c, 1, 1, 0, "one");
    assert_int_equal(r->type, WIRE_R_APPENDED);
    assert_int_equal(r->seq, 1);
    r = append(&c, 1, 1, 3, "stale");
    assert_code(r, WIRE_E_STALE);
    assert_int_equal(r->detail, 0);
    struct wire_request q = of_log(WIRE_LOG_ADVANCE, 1, 1);
    q.payload = span_str("commit");
    assert_int_equal(client_ask(&c, q)->seq, 2);
    r = client_ask(&c, q); // the same epoch again: somebody has won already
    assert_code(r, WIRE_E_STALE);
    assert_int_equal(r->detail, 1);
    q = of_log(WIRE_LOG_READ, 1, 1);
    r = client_ask(&c, q);
    struct span rest = r->entries;
    struct wire_entry e;
    assert_int_equal(r->type, WIRE_R_ENTRIES);
    assert_int_equal(r->head, 2);
    assert_int_equal(r->epoch, 1);
    assert_true(wire_next_entry(&rest, &e));
    assert_true(span_eq(e.payload, span_str("one")));
    assert_true(wire_next_entry(&rest, &e));
    assert_int_equal(e.epoch, 0);
    q.limit = 1;
    q.after = 1;
    r = client_ask(&c, q);
    rest = r->entries;
    assert_true(wire_next_entry(&rest, &e));
    assert_int_equal(e.seq, 2);
    r = client_ask(&c, of_log(WIRE_LOG_STAT, 1, 1));
    assert_int_equal(r->type, WIRE_R_STAT);
    assert_int_equal(r->head, 2);
    assert_code(append(&c, 1, 2, 1, "no grant"), WIRE_E_DENIED);
    assert_code(append(&c, 2, 1, 1, "no log"), WIRE_E_DENIED);
    assert_code(client_ask(&c, of_log(WIRE_LOG_DELETE, 1, 1)), WIRE_OK);
    assert_code(client_ask(&c, of_log(WIRE_LOG_STAT, 1, 1)), WIRE_E_DENIED);
    tear_down(&c);
}

static void grants(void **state)
{
    struct client c;
    (void)state;
    set_up(&c);
    assert_code(set_grant(&c, 1, 1, 2, WIRE_READ, WIRE_NO_END), WIRE_OK);
    assert_code(set_grant(&c, 1, 2, 3, WIRE_READ, WIRE_NO_END), WIRE_E_DENIED); // no admin
    assert_code(append(&c, 1, 2, 0, "may only read"), WIRE_E_DENIED);
    struct wire_request q = of_log(WIRE_LOG_ADVANCE, 1, 1);
    q.payload = span_str("commit");
    q.new_hash = hash_of(2);
    assert_code(client_ask(&c, q), WIRE_E_EXISTS);
    q = of_log(WIRE_GRANT_REMOVE, 1, 1);
    memcpy(q.grant.hash, hash_of(2), WIRE_HASH);
    assert_code(client_ask(&c, q), WIRE_OK);
    assert_code(client_ask(&c, q), WIRE_OK); // what is not there
    assert_code(client_ask(&c, of_log(WIRE_LOG_STAT, 1, 2)), WIRE_E_DENIED);
    q = of_log(WIRE_GRANT_SET, 1, 1);
    q.grant = (struct wire_grant){.rights = WIRE_READ, .to_seq = WIRE_NO_END};
    for (unsigned i = 1; i < 1024; i++) { // with the first one: 1024
        memcpy(q.grant.hash, &i, sizeof i);
        assert_code(client_ask(&c, q), WIRE_OK);
    }
    q.grant.hash[31] = 1;
    const struct wire_reply *r = client_ask(&c, q);
    assert_code(r, WIRE_E_LIMIT);
    assert_int_equal(r->detail, 1024);
    tear_down(&c);
}

static void put_packages(struct client *c, uint8_t device, size_t bytes, unsigned n, enum wire_code code)
{
    static uint8_t body[WIRE_PACKAGE_MAX];
    uint8_t name[WIRE_DEVICE];
    struct buf list;
    buf_init(&list, WIRE_FRAME_MAX);
    memset(name, device, sizeof name);
    for (unsigned i = 0; i < n; i++) wire_put_package(&list, span_of(body, bytes));
    struct wire_request q = of_log(WIRE_PACKAGE_PUT, 1, 1);
    q.device = name;
    q.packages = buf_span(&list);
    q.last_resort = n == 0 ? span_of(body, bytes) : span_of(NULL, 0);
    assert_code(client_ask(c, q), code);
    buf_wipe(&list);
}

static void packages(void **state)
{
    struct client c;
    struct wire_package p;
    struct wire_pool pool;
    (void)state;
    set_up(&c);
    put_packages(&c, 1, 100, 2, WIRE_OK);
    put_packages(&c, 1, 200, 0, WIRE_OK);
    const struct wire_reply *r = client_ask(&c, of_log(WIRE_PACKAGE_STAT, 1, 1));
    struct span rest = r->pool;
    assert_true(wire_next_pool(&rest, &pool));
    assert_int_equal(pool.packages, 2);
    assert_true(pool.last_resort);
    for (int i = 0; i < 4; i++) {
        r = client_ask(&c, of_log(WIRE_PACKAGE_TAKE, 1, 1));
        rest = r->packages;
        assert_true(wire_next_taken(&rest, &p));
        assert_int_equal(p.package.n, i < 2 ? 100 : 200);
        assert_int_equal(p.last_resort, i >= 2);
    }
    put_packages(&c, 1, 10, 100, WIRE_OK);
    put_packages(&c, 1, 10, 1, WIRE_E_LIMIT);
    uint8_t name[WIRE_DEVICE];
    memset(name, 1, sizeof name);
    struct wire_request q = of_log(WIRE_PACKAGE_CLEAR, 1, 1);
    q.device = name;
    assert_code(client_ask(&c, q), WIRE_OK);
    r = client_ask(&c, of_log(WIRE_PACKAGE_TAKE, 1, 1));
    assert_int_equal(r->packages.n, 0);
    assert_code(client_ask(&c, of_log(WIRE_PACKAGE_TAKE, 1, 2)), WIRE_E_DENIED);
    tear_down(&c);
}

// A request that cannot be done is its sender's trouble. Taking from a pool too large for a frame once was a failure of the store, for
// everybody in the batch.
static void what_cannot_be_done_harms_no_other(void **state)
{
    struct client c, other;
    (void)state;
    set_up(&c);
    client_open(&other, &scene, 0);
    make_log(&other, 2, 2);
    gate_spoil(ERR_LIMIT);
    gate_shut(LANE_WRITE);
    uint32_t first = client_send(
        &c,
        (struct wire_request){.type = WIRE_LOG_APPEND, .log = log_of(1), .key = key_of(1), .payload = span_str("a")});
    gate_wait(LANE_WRITE); // what comes now is one batch
    uint32_t before = client_send(
        &other,
        (struct wire_request){.type = WIRE_LOG_APPEND, .log = log_of(2), .key = key_of(2), .payload = span_str("b")});
    wait_until(atomic_load(&scene.relay->worker[0].counts.requests) +
                   atomic_load(&scene.relay->worker[1].counts.requests) ==
               6);
    uint32_t take = client_send(&c, of_log(WIRE_PACKAGE_TAKE, 1, 1));
    wait_until(atomic_load(&scene.relay->worker[0].counts.requests) +
                   atomic_load(&scene.relay->worker[1].counts.requests) ==
               7);
    uint32_t behind = client_send(
        &other,
        (struct wire_request){.type = WIRE_LOG_APPEND, .log = log_of(2), .key = key_of(2), .payload = span_str("c")});
    wait_until(atomic_load(&scene.relay->worker[0].counts.requests) +
                   atomic_load(&scene.relay->worker[1].counts.requests) ==
               8);
    gate_open(LANE_WRITE);
    assert_code(client_reply(&c, first), WIRE_OK);
    const struct wire_reply *r = client_reply(&c, take);
    assert_code(r, WIRE_E_LIMIT);
    assert_int_equal(r->detail, WIRE_FRAME_MAX);
    assert_int_equal(client_reply(&other, before)->seq, 1);
    assert_int_equal(client_reply(&other, behind)->seq, 2);
    assert_int_equal(atomic_load(&scene.relay->lane[LANE_WRITE].counts.failures), 0);
    client_close(&other);
    tear_down(&c);
}

static void blobs(void **state)
{
    struct client c;
    (void)state;
    set_up(&c);
    struct wire_request q = of_blob(WIRE_BLOB_CREATE, 5, 5);
    q.size = 10;
    assert_code(client_ask(&c, q), WIRE_OK);
    assert_code(client_ask(&c, q), WIRE_E_EXISTS);
    q = of_blob(WIRE_BLOB_APPEND, 5, 5);
    q.payload = span_str("12345");
    const struct wire_reply *r = client_ask(&c, q);
    assert_int_equal(r->type, WIRE_R_BLOB);
    assert_int_equal(r->size, 5);
    r = client_ask(&c, q); // again
    assert_code(r, WIRE_E_OFFSET);
    assert_int_equal(r->detail, 5);
    q.offset = 5;
    q.payload = span_str("123456");
    assert_code(client_ask(&c, q), WIRE_E_LIMIT);
    assert_code(client_ask(&c, of_blob(WIRE_BLOB_READ, 5, 0)), WIRE_E_SEALED);
    q = of_blob(WIRE_BLOB_SEAL, 5, 5);
    q.size = 4;
    r = client_ask(&c, q);
    assert_code(r, WIRE_E_OFFSET);
    assert_int_equal(r->detail, 5);
    q.size = 5;
    assert_code(client_ask(&c, q), WIRE_OK);
    assert_code(client_ask(&c, q), WIRE_OK); // an answer that was lost
    q = of_blob(WIRE_BLOB_APPEND, 5, 5);
    q.offset = 5;
    q.payload = span_str("6");
    assert_code(client_ask(&c, q), WIRE_E_SEALED);
    q = of_blob(WIRE_BLOB_READ, 5, 0);
    q.offset = 1;
    q.limit = 3;
    r = client_ask(&c, q);
    assert_int_equal(r->type, WIRE_R_CHUNK);
    assert_true(span_eq(r->data, span_str("234")));
    q.offset = 5;
    assert_int_equal(client_ask(&c, q)->data.n, 0);
    r = client_ask(&c, of_blob(WIRE_BLOB_STAT, 5, 0));
    assert_true(r->sealed);
    assert_int_equal(r->size, 5);
    assert_code(client_ask(&c, of_blob(WIRE_BLOB_DELETE, 5, 6)), WIRE_E_NOT_FOUND);
    assert_code(client_ask(&c, of_blob(WIRE_BLOB_DELETE, 5, 5)), WIRE_OK);
    assert_code(client_ask(&c, of_blob(WIRE_BLOB_STAT, 5, 0)), WIRE_E_NOT_FOUND);
    tear_down(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logs),     cmocka_unit_test(grants),
        cmocka_unit_test(packages), cmocka_unit_test(what_cannot_be_done_harms_no_other),
        cmocka_unit_test(blobs),
    };
    return unit_run("request", tests);
}
