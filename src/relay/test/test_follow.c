// SPDX-License-Identifier: Apache-2.0
//
// Following over real connections: order, credit, ends, and whatever may happen while a read or a look at a grant is under way.
#include "relay/test/scene.h"

static struct scene scene;

static void set_up(struct client *c, uint32_t credit)
{
    scene_open(&scene, NULL);
    client_open(c, &scene, credit);
    make_log(c, 1, 1);
}

static void give_credit(struct client *c, uint32_t n)
{
    client_send(c, (struct wire_request){.type = WIRE_CREDIT, .credit = n});
}

static void append_many(struct client *c, uint8_t log, uint8_t key, unsigned n)
{
    for (unsigned i = 0; i < n; i++) assert_code(append(c, log, key, 0, "entry"), WIRE_OK);
}

static enum wire_code unfollow(struct client *c, uint32_t tag)
{
    const struct wire_reply *r = client_ask(c, (struct wire_request){.type = WIRE_UNFOLLOW, .tag = tag});
    return r->type == WIRE_R_OK ? WIRE_OK : r->code;
}

static void follows_old_and_new(void **state)
{
    struct client writer, two, three;
    (void)state;
    set_up(&writer, 0);
    append_many(&writer, 1, 1, 3);
    client_open(&two, &scene, 1 << 20);
    client_open(&three, &scene, 1 << 20);
    assert_int_equal(follow(&two, 7, 1, 1, 0), WIRE_OK);
    assert_int_equal(follow(&three, 9, 1, 1, 2), WIRE_OK);
    assert_entries(&two, 7, 1, 3);
    assert_entries(&three, 9, 3, 3);
    append_many(&writer, 1, 1, 5);
    assert_entries(&two, 7, 4, 8);
    assert_entries(&three, 9, 4, 8);
    client_close(&two); // cut: the other goes on
    append_many(&writer, 1, 1, 2);
    assert_entries(&three, 9, 9, 10);
    client_close(&writer);
    client_close(&three);
    scene_close(&scene);
}

static void refuses_each_on_its_own(void **state)
{
    struct client c;
    (void)state;
    set_up(&c, 1000);
    make_log(&c, 2, 2);
    assert_code(set_grant(&c, 1, 1, 5, WIRE_APPEND, WIRE_NO_END), WIRE_OK);
    assert_int_equal(follow(&c, 1, 1, 1, 0), WIRE_OK);
    assert_int_equal(follow(&c, 1, 2, 2, 0), WIRE_E_EXISTS); // the tag
    assert_int_equal(follow(&c, 2, 1, 1, 0), WIRE_E_EXISTS); // the log
    assert_int_equal(follow(&c, 2, 2, 1, 0), WIRE_E_DENIED); // another log's key
    assert_int_equal(follow(&c, 2, 3, 3, 0), WIRE_E_DENIED); // no such log
    assert_int_equal(unfollow(&c, 1), WIRE_OK);
    assert_int_equal(follow(&c, 2, 1, 5, 0), WIRE_E_DENIED); // may append, not read
    assert_int_equal(follow(&c, 2, 1, 1, 0), WIRE_OK);
    assert_int_equal(unfollow(&c, 77), WIRE_OK);
    client_close(&c);
    scene_close(&scene);
}

static void keeps_to_the_limit(void **state)
{
    static const char *const settings[] = {"follows_max", "2", NULL};
    struct client c;
    (void)state;
    scene_open(&scene, settings);
    client_open(&c, &scene, 1000);
    for (uint8_t i = 1; i <= 3; i++) make_log(&c, i, i);
    assert_int_equal(follow(&c, 1, 1, 1, 0), WIRE_OK);
    assert_int_equal(follow(&c, 2, 2, 2, 0), WIRE_OK);
    assert_int_equal(follow(&c, 3, 3, 3, 0), WIRE_E_LIMIT);
    assert_int_equal(unfollow(&c, 1), WIRE_OK);
    assert_int_equal(follow(&c, 3, 3, 3, 0), WIRE_OK);
    client_close(&c);
    scene_close(&scene);
}

// §3.2: a push may take the credit below 0, and none comes until it is above again.
static void pushes_within_credit(void **state)
{
    struct client c;
    (void)state;
    set_up(&c, 1);
    append_many(&c, 1, 1, 2);
    assert_int_equal(follow(&c, 1, 1, 1, 0), WIRE_OK);
    assert_entries(&c, 1, 1, 2); // in one push: one unit was enough to begin
    size_t owed = c.pushed - 1;
    append_many(&c, 1, 1, 1);
    client_silent(&c);
    give_credit(&c, (uint32_t)owed);
    client_silent(&c); // at 0, which is not above it
    give_credit(&c, 1);
    assert_entries(&c, 1, 3, 3);
    client_close(&c);
    scene_close(&scene);
}

static void too_much_credit_ends_the_connection(void **state)
{
    struct client c;
    (void)state;
    set_up(&c, INT32_MAX - 1);
    give_credit(&c, 1);
    client_silent(&c);
    give_credit(&c, 1);
    client_ends(&c, WS_INVALID_DATA);
    client_close(&c);
    scene_close(&scene);
}

static void revocation_ends_a_follow(void **state)
{
    struct client owner, member;
    (void)state;
    set_up(&owner, 0);
    assert_code(set_grant(&owner, 1, 1, 2, WIRE_READ, WIRE_NO_END), WIRE_OK);
    client_open(&member, &scene, 1 << 20);
    assert_int_equal(follow(&member, 5, 1, 2, 0), WIRE_OK);
    append_many(&owner, 1, 1, 1);
    assert_entries(&member, 5, 1, 1);
    struct wire_request q = {.type = WIRE_GRANT_REMOVE, .log = log_of(1), .key = key_of(1)};
    memcpy(q.grant.hash, hash_of(2), WIRE_HASH);
    assert_code(client_ask(&owner, q), WIRE_OK);
    assert_ended(&member, 5, WIRE_E_DENIED);
    append_many(&owner, 1, 1, 1);
    client_silent(&member);
    // A grant with an end: up to there, and no further.
    assert_code(set_grant(&owner, 1, 1, 2, WIRE_READ, 3), WIRE_OK);
    assert_int_equal(follow(&member, 5, 1, 2, 1), WIRE_OK);
    assert_entries(&member, 5, 2, 2);
    append_many(&owner, 1, 1, 2);
    assert_entries(&member, 5, 3, 3);
    assert_ended(&member, 5, WIRE_E_ENDED);
    assert_int_equal(follow(&member, 5, 1, 2, 3), WIRE_OK); // all of it has been sent
    assert_ended(&member, 5, WIRE_E_ENDED);
    client_close(&owner);
    client_close(&member);
    scene_close(&scene);
}

static void deletion_ends_a_follow(void **state)
{
    struct client owner, member;
    (void)state;
    set_up(&owner, 0);
    client_open(&member, &scene, 1 << 20);
    assert_int_equal(follow(&member, 5, 1, 1, 0), WIRE_OK);
    append_many(&owner, 1, 1, 2);
    assert_entries(&member, 5, 1, 2);
    assert_code(client_ask(&owner, (struct wire_request){.type = WIRE_LOG_DELETE, .log = log_of(1), .key = key_of(1)}),
                WIRE_OK);
    assert_ended(&member, 5, WIRE_E_DENIED);
    assert_int_equal(follow(&member, 5, 1, 1, 0), WIRE_E_DENIED);
    make_log(&owner, 1, 1); // again: it counts on
    assert_int_equal(follow(&member, 5, 1, 1, 0), WIRE_OK);
    uint64_t epoch = client_ask(&owner, of_log(WIRE_LOG_STAT, 1, 1))->epoch;
    assert_code(append(&owner, 1, 1, epoch, "entry"), WIRE_OK);
    assert_entries(&member, 5, 3, 3);
    client_close(&owner);
    client_close(&member);
    scene_close(&scene);
}

// §3.1: a commit that replaces the key is the last that the old one reads.
static void an_advance_with_replacement_ends_the_old_key(void **state)
{
    struct client a, b;
    (void)state;
    set_up(&a, 0);
    client_open(&b, &scene, 1 << 20);
    assert_int_equal(follow(&b, 1, 1, 1, 0), WIRE_OK);
    append_many(&a, 1, 1, 1);
    const struct wire_request commit = {.type = WIRE_LOG_ADVANCE,
                                        .log = log_of(1),
                                        .key = key_of(1),
                                        .payload = span_str("commit"),
                                        .new_hash = hash_of(2)};
    const struct wire_reply *r = client_ask(&a, commit);
    assert_code(r, WIRE_OK);
    assert_int_equal(r->seq, 2);
    assert_code(append(&a, 1, 2, 1, "behind it"), WIRE_OK);
    assert_entries(&b, 1, 1, 2);
    assert_ended(&b, 1, WIRE_E_ENDED);
    assert_code(append(&a, 1, 1, 1, "with the old key"), WIRE_E_DENIED);
    assert_int_equal(follow(&b, 1, 1, 2, 2), WIRE_OK);
    assert_entries(&b, 1, 3, 3);
    client_close(&a);
    client_close(&b);
    scene_close(&scene);
}

static void signals_reach_the_others(void **state)
{
    struct client a, b, c;
    (void)state;
    set_up(&a, 1000);
    client_open(&b, &scene, 1000);
    client_open(&c, &scene, 0); // without credit
    assert_int_equal(follow(&a, 1, 1, 1, 0), WIRE_OK);
    assert_int_equal(follow(&b, 2, 1, 1, 0), WIRE_OK);
    assert_int_equal(follow(&c, 3, 1, 1, 0), WIRE_OK);
    const struct wire_request q = {
        .type = WIRE_SIGNAL, .log = log_of(1), .key = key_of(1), .payload = span_str("typing")};
    assert_code(client_ask(&a, q), WIRE_OK);
    const struct wire_reply *r = client_push(&b);
    assert_int_equal(r->type, WIRE_P_SIGNAL);
    assert_int_equal(r->tag, 2);
    assert_true(span_eq(r->data, span_str("typing")));
    client_silent(&a);
    client_silent(&c);
    assert_code(set_grant(&a, 1, 1, 2, WIRE_READ, WIRE_NO_END), WIRE_OK);
    struct wire_request reader = q;
    reader.key = key_of(2);
    assert_code(client_ask(&a, reader), WIRE_E_DENIED);
    client_close(&a);
    client_close(&b);
    client_close(&c);
    scene_close(&scene);
}

// ------------------------------------------------------------------------------------- while something is under way

// The read of the follow that goes comes home late: the other one must not wait for it.
static void unfollow_during_a_read_holds_up_nothing(void **state)
{
    struct client c;
    (void)state;
    set_up(&c, 0);
    make_log(&c, 2, 2);
    append_many(&c, 1, 1, 2);
    append_many(&c, 2, 2, 2);
    assert_int_equal(follow(&c, 1, 1, 1, 0), WIRE_OK);
    assert_int_equal(follow(&c, 2, 2, 2, 0), WIRE_OK);
    gate_shut(LANE_READ);
    give_credit(&c, 1 << 20);
    gate_wait(LANE_READ); // log 1 is being read, log 2 is in the queue
    assert_int_equal(unfollow(&c, 1), WIRE_OK);
    gate_open(LANE_READ);
    assert_entries(&c, 2, 1, 2);
    client_close(&c);
    scene_close(&scene);
}

static void follows_again_during_a_read(void **state)
{
    struct client c;
    (void)state;
    set_up(&c, 0);
    append_many(&c, 1, 1, 2);
    assert_int_equal(follow(&c, 1, 1, 1, 0), WIRE_OK);
    gate_shut(LANE_READ);
    give_credit(&c, 1 << 20);
    gate_wait(LANE_READ);
    assert_int_equal(unfollow(&c, 1), WIRE_OK);
    const struct wire_follow f = {.tag = 1, .log = log_of(1), .key = key_of(1), .after = 1};
    struct wire_followed done;
    struct buf list;
    buf_init(&list, 4096);
    wire_put_follow(&list, &f);
    uint32_t id = client_send(&c, (struct wire_request){.type = WIRE_FOLLOW, .follows = buf_span(&list)});
    buf_wipe(&list);
    gate_open(LANE_READ);
    const struct wire_reply *r = client_reply(&c, id);
    struct span rest = r->followed;
    assert_int_equal(r->type, WIRE_R_FOLLOWED);
    assert_true(wire_next_followed(&rest, &done));
    assert_int_equal(done.code, WIRE_OK);
    assert_entries(&c, 1, 2, 2); // of the second, not of the first
    client_close(&c);
    scene_close(&scene);
}

// Unfollowed before it was answered: the answer says that nothing is followed.
static void unfollow_before_the_answer(void **state)
{
    struct client c;
    struct wire_followed done;
    struct buf list;
    (void)state;
    set_up(&c, 1 << 20);
    append_many(&c, 1, 1, 1);
    gate_shut(LANE_READ);
    buf_init(&list, 4096);
    wire_put_follow(&list, &(struct wire_follow){.tag = 1, .log = log_of(1), .key = key_of(1)});
    uint32_t id = client_send(&c, (struct wire_request){.type = WIRE_FOLLOW, .follows = buf_span(&list)});
    assert_int_equal(unfollow(&c, 1), WIRE_OK);
    gate_open(LANE_READ);
    struct span rest = client_reply(&c, id)->followed;
    assert_true(wire_next_followed(&rest, &done));
    assert_int_equal(done.code, WIRE_E_ENDED);
    client_silent(&c);
    buf_wipe(&list);
    client_close(&c);
    scene_close(&scene);
}

// A connection that goes while its reads, looks and writes are under way.
static void closing_amid_jobs(void **state)
{
    (void)state;
    for (int lane = LANE_WRITE; lane <= LANE_READ; lane++) {
        struct client c, other;
        set_up(&c, 1 << 20);
        client_open(&other, &scene, 1 << 20);
        append_many(&c, 1, 1, 2);
        assert_int_equal(follow(&other, 1, 1, 1, 2), WIRE_OK);
        gate_shut((enum lane_kind)lane);
        const struct wire_follow f = {.tag = 1, .log = log_of(1), .key = key_of(1)};
        struct buf list;
        buf_init(&list, 4096);
        wire_put_follow(&list, &f);
        client_send(&c, (struct wire_request){.type = WIRE_FOLLOW, .follows = buf_span(&list)});
        client_send(&c, (struct wire_request){.type = WIRE_LOG_READ, .log = log_of(1), .key = key_of(1)});
        client_send(&c, (struct wire_request){
                            .type = WIRE_LOG_APPEND, .log = log_of(1), .key = key_of(1), .payload = span_str("x")});
        gate_wait((enum lane_kind)lane);
        buf_wipe(&list);
        client_close(&c);
        wait_until(scene_sessions(&scene) == 1);
        gate_open((enum lane_kind)lane);
        assert_entries(&other, 1, 3, 3); // it was written all the same
        client_close(&other);
        scene_close(&scene);
    }
}

// The grant goes while entries are being read with it: nothing is sent that came behind.
static void revocation_during_a_read(void **state)
{
    struct client owner, member;
    (void)state;
    set_up(&owner, 0);
    assert_code(set_grant(&owner, 1, 1, 2, WIRE_READ, WIRE_NO_END), WIRE_OK);
    append_many(&owner, 1, 1, 2);
    client_open(&member, &scene, 0);
    assert_int_equal(follow(&member, 5, 1, 2, 0), WIRE_OK);
    gate_shut(LANE_READ);
    give_credit(&member, 1 << 20);
    gate_wait(LANE_READ);
    struct wire_request q = {.type = WIRE_GRANT_REMOVE, .log = log_of(1), .key = key_of(1)};
    memcpy(q.grant.hash, hash_of(2), WIRE_HASH);
    assert_code(client_ask(&owner, q), WIRE_OK);
    gate_open(LANE_READ);
    assert_ended(&member, 5, WIRE_E_DENIED);
    client_silent(&member);
    client_close(&owner);
    client_close(&member);
    scene_close(&scene);
}

static void a_slow_follower_holds_up_nobody(void **state)
{
    struct client writer, slow, quick;
    char text[1000];
    (void)state;
    set_up(&writer, 0);
    client_open(&slow, &scene, INT32_MAX);
    client_open(&quick, &scene, INT32_MAX);
    assert_int_equal(follow(&slow, 1, 1, 1, 0), WIRE_OK);
    assert_int_equal(follow(&quick, 1, 1, 1, 0), WIRE_OK);
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    // More than the kernel and the relay hold for one connection.
    for (uint64_t i = 1; i <= 12000; i++) {
        assert_code(append(&writer, 1, 1, 0, text), WIRE_OK);
        assert_entries(&quick, 1, i, i);
    }
    assert_entries(&slow, 1, 1, 12000); // and it has lost nothing
    client_close(&writer);
    client_close(&slow);
    client_close(&quick);
    scene_close(&scene);
}

// The store cannot tell: the client is sent away, to come again, rather than left waiting.
static void a_failing_store_ends_followers(void **state)
{
    struct client c;
    (void)state;
    set_up(&c, 0);
    append_many(&c, 1, 1, 1);
    assert_int_equal(follow(&c, 1, 1, 1, 0), WIRE_OK);
    gate_fail(LANE_READ, ERR_IO);
    give_credit(&c, 1000);
    client_ends(&c, WS_INTERNAL);
    gate_fail(LANE_READ, ERR_OK);
    client_close(&c);
    scene_close(&scene);
}

// More news than may be on their way to a busy worker: what was not told is read.
static void missed_news_are_read(void **state)
{
    struct client writer, c;
    (void)state;
    set_up(&writer, 0);
    client_open(&c, &scene, INT32_MAX);
    assert_int_equal(follow(&c, 1, 1, 1, 0), WIRE_OK);
    for (size_t i = 0; i < scene.relay->workers; i++)
        atomic_fetch_add(&scene.relay->worker[i].hub.waiting, SIZE_MAX / 4);
    append_many(&writer, 1, 1, 10);
    assert_entries(&c, 1, 1, 10);
    for (size_t i = 0; i < scene.relay->workers; i++)
        atomic_fetch_sub(&scene.relay->worker[i].hub.waiting, SIZE_MAX / 4);
    append_many(&writer, 1, 1, 10);
    assert_entries(&c, 1, 11, 20);
    client_close(&c);
    client_close(&writer);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_old_and_new),
        cmocka_unit_test(refuses_each_on_its_own),
        cmocka_unit_test(keeps_to_the_limit),
        cmocka_unit_test(pushes_within_credit),
        cmocka_unit_test(too_much_credit_ends_the_connection),
        cmocka_unit_test(revocation_ends_a_follow),
        cmocka_unit_test(deletion_ends_a_follow),
        cmocka_unit_test(an_advance_with_replacement_ends_the_old_key),
        cmocka_unit_test(signals_reach_the_others),
        cmocka_unit_test(unfollow_during_a_read_holds_up_nothing),
        cmocka_unit_test(follows_again_during_a_read),
        cmocka_unit_test(unfollow_before_the_answer),
        cmocka_unit_test(closing_amid_jobs),
        cmocka_unit_test(revocation_during_a_read),
        cmocka_unit_test(a_slow_follower_holds_up_nobody),
        cmocka_unit_test(a_failing_store_ends_followers),
        cmocka_unit_test(missed_news_are_read),
    };
    return unit_run("follow", tests);
}
