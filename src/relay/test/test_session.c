// SPDX-License-Identifier: Apache-2.0
//
// Sessions and requests over real connections: the states of a connection, limits, rates, hosting, and that whatever one client sends harms no other.
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

static void send_message(struct client *c, const char *bytes, size_t n)
{
    client_frame(c, WS_BINARY, span_of(bytes, n));
}

// ------------------------------------------------------------------------------------------------------ the states

static void hello_comes_first(void **state)
{
    static const uint8_t versions[] = {0, 7, 0, 1};
    struct client c;
    (void)state;
    scene_open(&scene, NULL);
    client_dial(&c, &scene);
    client_upgrade(&c);
    const struct wire_reply *r = client_ask(&c, of_log(WIRE_LOG_STAT, 1, 1));
    assert_code(r, WIRE_E_MALFORMED);
    client_ends(&c, WS_INVALID_DATA);
    client_close(&c);
    client_dial(&c, &scene);
    client_upgrade(&c);
    r = client_ask(&c, (struct wire_request){.type = WIRE_HELLO, .versions = span_of(versions, 4)});
    assert_int_equal(r->type, WIRE_R_HELLO);
    assert_int_equal(r->version, 1);
    assert_int_equal(r->limits.frame, 131072);
    assert_int_equal(r->limits.in_flight, 64);
    assert_int_equal(r->limits.hosting, WIRE_HOSTING_OPEN);
    r = client_ask(&c, (struct wire_request){.type = WIRE_HELLO, .versions = span_of(versions, 4)}); // again
    assert_code(r, WIRE_E_MALFORMED);
    client_ends(&c, WS_INVALID_DATA);
    tear_down(&c);
}

static void a_foreign_version_is_unsupported(void **state)
{
    static const uint8_t versions[] = {0, 7};
    struct client c;
    (void)state;
    scene_open(&scene, NULL);
    client_dial(&c, &scene);
    client_upgrade(&c);
    assert_code(client_ask(&c, (struct wire_request){.type = WIRE_HELLO, .versions = span_of(versions, 2)}),
                WIRE_E_UNSUPPORTED);
    client_ends(&c, WS_POLICY);
    tear_down(&c);
}

static void what_is_no_message_ends_the_connection(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        enum ws_opcode opcode;
        enum ws_status status;
    } wrong[] = {
        {"", 0, WS_BINARY, WS_INVALID_DATA},
        {"\x14", 1, WS_BINARY, WS_INVALID_DATA},
        {"\x14\0\0\0\1short", 10, WS_BINARY, WS_INVALID_DATA},
        {"\x80\0\0\0\1", 5, WS_BINARY, WS_INVALID_DATA},         // a reply
        {"\x17\0\0\0\0\0\0\0\1", 9, WS_BINARY, WS_INVALID_DATA}, // id 0
        {"hello", 5, WS_TEXT, WS_UNSUPPORTED_DATA},
        {"\xff\xfe", 2, WS_TEXT, WS_INVALID_DATA},
        {"\x03\xe8", 2, WS_CLOSE, WS_NORMAL},
        {"\x03", 1, WS_CLOSE, WS_PROTOCOL_ERROR},
    };
    (void)state;
    scene_open(&scene, NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct client c;
        client_open(&c, &scene, 0);
        client_frame(&c, wrong[i].opcode, span_of(wrong[i].bytes, wrong[i].n));
        client_ends(&c, wrong[i].status);
        client_close(&c);
    }
    struct client c;
    uint8_t *big = mem_new(WIRE_FRAME_MAX + 1);
    assert_non_null(big);
    client_open(&c, &scene, 0);
    client_frame(&c, WS_BINARY, span_of(big, WIRE_FRAME_MAX + 1));
    client_ends(&c, WS_TOO_BIG);
    mem_free(big);
    tear_down(&c);
}

static void malformed_is_told(void **state)
{
    struct client c;
    (void)state;
    scene_open(&scene, NULL);
    client_open(&c, &scene, 0);
    send_message(&c, "\x14\0\0\1\2short", 10);
    const struct wire_reply *r = client_next(&c);
    assert_code(r, WIRE_E_MALFORMED);
    assert_int_equal(r->id, 0x102);
    client_ends(&c, WS_INVALID_DATA);
    tear_down(&c);
}

// An empty message once reached the write lane, as a request without a type, and rolled back the batch of everybody.
static void nonsense_harms_no_other(void **state)
{
    struct client c, other;
    (void)state;
    set_up(&c);
    client_open(&other, &scene, 0);
    gate_shut(LANE_WRITE);
    uint32_t first = client_send(&c, (struct wire_request){.type = WIRE_LOG_STAT, .log = log_of(1), .key = key_of(1)});
    assert_code(client_reply(&c, first), WIRE_OK);
    uint32_t id = client_send(
        &c,
        (struct wire_request){.type = WIRE_LOG_APPEND, .log = log_of(1), .key = key_of(1), .payload = span_str("a")});
    gate_wait(LANE_WRITE);
    client_frame(&other, WS_BINARY, span_of("", 0));
    client_ends(&other, WS_INVALID_DATA);
    gate_open(LANE_WRITE);
    assert_code(client_reply(&c, id), WIRE_OK);
    assert_false(atomic_load(&scene.relay->lane[LANE_WRITE].failing));
    client_close(&other);
    tear_down(&c);
}

static void unknown_types_are_unsupported(void **state)
{
    struct client c;
    (void)state;
    set_up(&c);
    send_message(&c, "\x7e\0\0\1\0whatever", 13);
    const struct wire_reply *r = client_next(&c);
    assert_code(r, WIRE_E_UNSUPPORTED);
    assert_int_equal(r->id, 256);
    assert_code(client_ask(&c, of_log(WIRE_LOG_STAT, 1, 1)), WIRE_OK); // it goes on
    tear_down(&c);
}

static void pings_are_answered(void **state)
{
    struct client c;
    (void)state;
    set_up(&c);
    client_silent(&c);
    tear_down(&c);
}

// ------------------------------------------------------------------------------------------------------------ limits

// §2, §5: well-formed, but above what the protocol allows: an answer, and the connection goes on.
static void limits_of_the_protocol_are_answered(void **state)
{
    static uint8_t big[WIRE_ENTRY_MAX + 1];
    struct client c;
    (void)state;
    set_up(&c);
    struct wire_request q = of_log(WIRE_LOG_APPEND, 1, 1);
    q.payload = span_of(big, WIRE_ENTRY_MAX);
    assert_code(client_ask(&c, q), WIRE_OK);
    q.payload.n++;
    const struct wire_reply *r = client_ask(&c, q);
    assert_code(r, WIRE_E_LIMIT);
    assert_int_equal(r->detail, WIRE_ENTRY_MAX);
    q = of_log(WIRE_SIGNAL, 1, 1);
    q.payload = span_of(big, WIRE_SIGNAL_MAX + 1);
    r = client_ask(&c, q);
    assert_code(r, WIRE_E_LIMIT);
    assert_int_equal(r->detail, WIRE_SIGNAL_MAX);
    r = client_ask(&c, (struct wire_request){.type = WIRE_HOST, .password = span_of(big, WIRE_PASSWORD_MAX + 1)});
    assert_code(r, WIRE_E_LIMIT);
    q = of_blob(WIRE_BLOB_APPEND, 1, 1);
    q.payload = span_of(big, WIRE_CHUNK_MAX + 1);
    assert_code(client_ask(&c, q), WIRE_E_LIMIT);
    client_silent(&c);
    tear_down(&c);
}

static void a_hello_above_a_limit_may_be_mended(void **state)
{
    uint8_t versions[2 * (WIRE_VERSIONS_MAX + 1)] = {0, 1};
    struct client c;
    (void)state;
    scene_open(&scene, NULL);
    client_dial(&c, &scene);
    client_upgrade(&c);
    const struct wire_reply *r =
        client_ask(&c, (struct wire_request){.type = WIRE_HELLO, .versions = span_of(versions, sizeof versions)});
    assert_code(r, WIRE_E_LIMIT);
    assert_int_equal(r->detail, WIRE_VERSIONS_MAX);
    r = client_ask(&c, (struct wire_request){.type = WIRE_HELLO, .versions = span_of(versions, 2)});
    assert_int_equal(r->type, WIRE_R_HELLO);
    tear_down(&c);
}

static void limits_of_the_configuration_are_answered(void **state)
{
    static const char *const settings[] = {"entry_max", "2000",           "blob_max", "4096", "retention",
                                           "1h",        "blob_retention", "1h",       NULL};
    static uint8_t big[2001];
    struct client c;
    (void)state;
    scene_open(&scene, settings);
    client_open(&c, &scene, 0);
    make_log(&c, 1, 1);
    struct wire_request q = of_log(WIRE_LOG_APPEND, 1, 1);
    q.payload = span_of(big, 2001);
    const struct wire_reply *r = client_ask(&c, q);
    assert_code(r, WIRE_E_LIMIT);
    assert_int_equal(r->detail, 2000);
    q = of_blob(WIRE_BLOB_CREATE, 1, 1);
    q.size = 4097;
    r = client_ask(&c, q);
    assert_code(r, WIRE_E_LIMIT);
    assert_int_equal(r->detail, 4096);
    q.size = 4096;
    q.retention = 3601;
    r = client_ask(&c, q);
    assert_code(r, WIRE_E_LIMIT);
    assert_int_equal(r->detail, 3600);
    tear_down(&c);
}

static void requests_in_flight_are_limited(void **state)
{
    static const char *const settings[] = {"in_flight_max", "3", NULL};
    struct client c;
    uint32_t id[5];
    (void)state;
    scene_open(&scene, settings);
    client_open(&c, &scene, 0);
    make_log(&c, 1, 1);
    gate_shut(LANE_READ);
    for (int i = 0; i < 5; i++) id[i] = client_send(&c, of_log(WIRE_LOG_STAT, 1, 1));
    for (int i = 3; i < 5; i++) {
        const struct wire_reply *r = client_reply(&c, id[i]);
        assert_code(r, WIRE_E_LIMIT);
        assert_int_equal(r->detail, 3);
    }
    gate_open(LANE_READ);
    for (int i = 0; i < 3; i++) assert_code(client_reply(&c, id[i]), WIRE_OK);
    // Follows count, too.
    const struct wire_follow f = {.tag = 1, .log = log_of(1), .key = key_of(1)};
    struct buf list;
    buf_init(&list, 4096);
    wire_put_follow(&list, &f);
    gate_shut(LANE_READ);
    for (int i = 0; i < 4; i++)
        id[i] = client_send(&c, (struct wire_request){.type = WIRE_FOLLOW, .follows = buf_span(&list)});
    assert_code(client_reply(&c, id[3]), WIRE_E_LIMIT);
    gate_open(LANE_READ);
    for (int i = 0; i < 3; i++) assert_int_equal(client_reply(&c, id[i])->type, WIRE_R_FOLLOWED);
    assert_code(client_ask(&c, of_log(WIRE_LOG_STAT, 1, 1)), WIRE_OK);
    buf_wipe(&list);
    tear_down(&c);
}

static void rates_are_limited(void **state)
{
    static const char *const settings[] = {"rate_connection", "1", NULL};
    struct client c, other;
    (void)state;
    scene_open(&scene, settings);
    client_open(&c, &scene, 0);
    make_log(&c, 1, 1); // one of two
    bool refused = false;
    for (int i = 0; i < 100 && !refused;
         i++) { // however slow this machine is: two answers cannot take a second each for ever
        const struct wire_reply *r = client_ask(&c, of_log(WIRE_LOG_STAT, 1, 1));
        refused = r->type == WIRE_R_ERROR;
        if (refused) assert_int_equal(r->code, WIRE_E_RATE);
        if (refused) assert_in_range(r->detail, 1, 1000);
    }
    assert_true(refused);
    client_open(&other, &scene, 0); // a connection of its own is not held up
    assert_code(client_ask(&other, of_log(WIRE_LOG_STAT, 1, 1)), WIRE_OK);
    client_close(&other);
    tear_down(&c);
}

// An address has its rate over all of its connections, and does not get it anew by connecting again.
static void an_address_has_one_rate(void **state)
{
    static const char *const settings[] = {"rate_address", "1", NULL};
    (void)state;
    scene_open(&scene, settings);
    unsigned answered = 0, refused = 0;
    for (int i = 0; i < 30; i++) {
        struct client c;
        client_open(&c, &scene, 0);
        const struct wire_reply *r = client_ask(&c, of_log(WIRE_LOG_STAT, 1, 1));
        if (r->code == WIRE_E_RATE) refused++;
        else answered++;
        client_close(&c);
        if (i % 2 == 1) wait_until(quota_connections(&scene.relay->quota) == 0);
    }
    assert_true(refused > 0);
    assert_true(answered >= 2);
    scene_close(&scene);
}

static void connections_of_an_address_are_limited(void **state)
{
    static const char *const settings[] = {"connections_per_address", "2", NULL};
    struct client a, b, c;
    (void)state;
    scene_open(&scene, settings);
    client_open(&a, &scene, 0);
    client_open(&b, &scene, 0);
    client_dial(&c, &scene);
    assert_null(c.ssl);
    client_close(&c);
    client_close(&b);
    wait_until(quota_connections(&scene.relay->quota) == 1);
    client_open(&b, &scene, 0);
    client_close(&a);
    client_close(&b);
    scene_close(&scene);
}

// ------------------------------------------------------------------------------------------------------------ hosting

// Two requests in one record, so that the relay sees them at one moment. The first one's id.
static uint32_t send_two(struct client *c, struct wire_request a, struct wire_request b)
{
    struct buf one, two, both;
    static const uint8_t mask[4] = {9, 8, 7, 6};
    buf_init(&one, 4096);
    buf_init(&two, 4096);
    buf_init(&both, 8192);
    a.id = ++c->id;
    b.id = ++c->id;
    wire_write_request(&one, &a);
    wire_write_request(&two, &b);
    ws_put_masked(&both, WS_BINARY, buf_span(&one), mask);
    ws_put_masked(&both, WS_BINARY, buf_span(&two), mask);
    assert_ok(buf_end(&both));
    client_bytes(c, buf_span(&both));
    buf_wipe(&one);
    buf_wipe(&two);
    buf_wipe(&both);
    return a.id;
}

static void hosting_needs_a_password(void **state)
{
    char line[200];
    const char *settings[] = {"hosting", "no", "hosting_password", line, NULL};
    const uint8_t *hash = hash_of(9);
    struct client c;
    (void)state;
    int n = snprintf(line, sizeof line, "town ");
    for (size_t i = 0; i < 32; i++) n += snprintf(line + n, sizeof line - (size_t)n, "%02x", hash[i]);
    (void)snprintf(line + n, sizeof line - (size_t)n, " 1 1K");
    scene_open(&scene, settings);
    client_open(&c, &scene, 0);
    struct wire_grant g = {.rights = WIRE_RIGHTS, .to_seq = WIRE_NO_END};
    struct buf list;
    buf_init(&list, 4096);
    wire_put_grant(&list, &g);
    const struct wire_request create = {.type = WIRE_LOG_CREATE, .log = log_of(1), .grants = buf_span(&list)};
    assert_code(client_ask(&c, create), WIRE_E_HOSTING);
    // A wrong one is answered a second later, and another, even the right one, not before.
    const struct wire_request right = {.type = WIRE_HOST, .password = span_of(key_of(9), 32)};
    uint32_t wrong = send_two(&c, (struct wire_request){.type = WIRE_HOST, .password = span_str("guess")}, right);
    const struct wire_reply *r = client_reply(&c, wrong + 1);
    assert_code(r, WIRE_E_RATE);
    assert_int_equal(r->detail, 1000);
    assert_code(client_reply(&c, wrong), WIRE_E_HOSTING);
    assert_code(client_ask(&c, right), WIRE_OK);
    assert_code(client_ask(&c, create), WIRE_OK);
    struct wire_request second = create;
    second.log = log_of(2);
    assert_code(client_ask(&c, second), WIRE_E_QUOTA);
    struct wire_request blob = of_blob(WIRE_BLOB_CREATE, 1, 1);
    blob.size = 1025;
    assert_code(client_ask(&c, blob), WIRE_E_QUOTA);
    // What a reload takes back is gone for those who are connected, too.
    static const char *const open[] = {"hosting", "yes", NULL}, *const closed[] = {"hosting", "no", NULL};
    blob.size = 1;
    scene.config.host_count = 0;
    scene_reload(&scene, NULL);
    scene_settle(&scene);
    assert_code(client_ask(&c, blob), WIRE_E_HOSTING);
    scene_reload(&scene, open);
    scene_settle(&scene);
    assert_code(client_ask(&c, blob), WIRE_OK);
    scene_reload(&scene, closed);
    scene_settle(&scene);
    assert_code(client_ask(&c, second), WIRE_E_HOSTING);
    buf_wipe(&list);
    tear_down(&c);
}

// A connection that ends while its wrong password waits for its answer.
static void leaving_after_a_wrong_password(void **state)
{
    struct client c;
    (void)state;
    set_up(&c);
    client_send(&c, (struct wire_request){.type = WIRE_HOST, .password = span_str("guess")});
    client_silent(&c);
    client_close(&c);
    wait_until(quota_connections(&scene.relay->quota) == 0);
    client_open(&c, &scene, 0);
    client_send(&c, (struct wire_request){.type = WIRE_HOST, .password = span_str("guess")});
    client_frame(&c, WS_CLOSE, span_of("\x03\xe8", 2));
    client_ends(&c, WS_NORMAL);
    tear_down(&c);
}

// ------------------------------------------------------------------------------------------------------------ silence

// A message that begins and never ends; pings in its midst give it no more time.
static void a_message_must_end(void **state)
{
    static const char *const settings[] = {"request_timeout", "1", NULL};
    static const uint8_t begun[] = {WS_BINARY, 0x81, 0, 0, 0, 0, 0x14}; // not the last part
    struct client c;
    size_t n = 0;
    (void)state;
    scene_open(&scene, settings);
    client_open(&c, &scene, 0);
    client_bytes(&c, span_of(begun, sizeof begun));
    for (int i = 0; i < 600 && SSL_write_ex(c.ssl, "\x89\x80\0\0\0\0", 6, &n) == 1; i++) { // a minute of pings
        for (int k = 0; k < 100; k++) scene_nap();
        if (atomic_load(&scene.relay->worker[0].counts.sessions) +
                atomic_load(&scene.relay->worker[1].counts.sessions) ==
            0)
            break;
    }
    client_ends(&c, WS_POLICY);
    tear_down(&c);
}

// Asked whether it lives, and cut off when it says nothing.
static void the_silent_are_asked(void **state)
{
    static const char *const settings[] = {"idle_timeout", "1", NULL};
    struct client c;
    (void)state;
    scene_open(&scene, settings);
    client_open(&c, &scene, 0);
    client_hears(&c, WS_PING);
    client_frame(&c, WS_PONG, span_of(NULL, 0));
    client_hears(&c, WS_PING); // again, so the answer counted
    assert_false(client_hears(&c, WS_PING));
    assert_int_equal(c.status, 0);
    tear_down(&c);
}

// ------------------------------------------------------------------------------------------------------------ trouble

static void a_failing_store_is_unavailable(void **state)
{
    struct client c;
    (void)state;
    set_up(&c);
    gate_fail(LANE_WRITE, ERR_IO);
    assert_code(append(&c, 1, 1, 0, "lost"), WIRE_E_UNAVAILABLE);
    assert_true(atomic_load(&scene.relay->lane[LANE_WRITE].failing));
    gate_fail(LANE_WRITE, ERR_OK);
    assert_int_equal(append(&c, 1, 1, 0, "kept")->seq, 1);
    assert_false(atomic_load(&scene.relay->lane[LANE_WRITE].failing));
    gate_fail(LANE_READ, ERR_IO);
    assert_code(client_ask(&c, of_log(WIRE_LOG_STAT, 1, 1)), WIRE_E_UNAVAILABLE);
    gate_fail(LANE_READ, ERR_OK);
    tear_down(&c);
}

static void too_much_waiting_is_unavailable(void **state)
{
    static const char *const settings[] = {"memory", "1M", NULL};
    static uint8_t big[WIRE_ENTRY_MAX];
    struct client c;
    uint32_t id[30];
    unsigned refused = 0;
    (void)state;
    scene_open(&scene, settings);
    client_open(&c, &scene, 0);
    make_log(&c, 1, 1);
    struct wire_request q = of_log(WIRE_LOG_APPEND, 1, 1);
    q.payload = span_of(big, sizeof big);
    gate_shut(LANE_WRITE);
    for (int i = 0; i < 30; i++) id[i] = client_send(&c, q);
    wait_until(atomic_load(&scene.relay->lane[LANE_WRITE].counts.refused) > 0);
    gate_open(LANE_WRITE);
    for (int i = 0; i < 30; i++) {
        const struct wire_reply *r = client_next(&c); // refused ones come first
        assert_true(r->id >= id[0] && r->id <= id[29]);
        if (r->type == WIRE_R_ERROR) assert_int_equal(r->code, WIRE_E_UNAVAILABLE);
        refused += r->type == WIRE_R_ERROR;
    }
    assert_in_range(refused, 1, 29);
    tear_down(&c);
}

// All connections of an address together get a quarter of what may wait. The test's clients have one address, so the rest stays free.
static void an_address_gets_a_part_of_what_may_wait(void **state)
{
    static const char *const settings[] = {"memory", "4M", NULL};
    static uint8_t big[WIRE_ENTRY_MAX];
    struct client c[2];
    unsigned answered = 0, refused = 0;
    (void)state;
    scene_open(&scene, settings);
    for (int i = 0; i < 2; i++) client_open(&c[i], &scene, 0);
    make_log(&c[0], 1, 1);
    struct wire_request q = of_log(WIRE_LOG_APPEND, 1, 1);
    q.payload = span_of(big, sizeof big);
    gate_shut(LANE_WRITE);
    for (int i = 0; i < 20; i++) client_send(&c[i % 2], q);                      // 1.3 MB
    wait_until(atomic_load(&scene.relay->lane[LANE_WRITE].counts.refused) == 5); // 15 fit 1 MiB
    gate_open(LANE_WRITE);
    for (int i = 0; i < 20; i++) {
        const struct wire_reply *r = client_next(&c[i % 2]);
        if (r->type == WIRE_R_ERROR) assert_int_equal(r->code, WIRE_E_UNAVAILABLE);
        answered += r->type != WIRE_R_ERROR;
        refused += r->type == WIRE_R_ERROR;
    }
    assert_int_equal(answered, 15);
    assert_int_equal(refused, 5);
    assert_code(append(&c[0], 1, 1, 0, "there is room again"), WIRE_OK);
    for (int i = 0; i < 2; i++) client_close(&c[i]);
    scene_close(&scene);
}

// Requests that were heard are answered before a relay that stops says goodbye.
static void draining_answers_first(void **state)
{
    struct client c;
    (void)state;
    set_up(&c);
    gate_shut(LANE_WRITE);
    uint32_t id = client_send(
        &c,
        (struct wire_request){.type = WIRE_LOG_APPEND, .log = log_of(1), .key = key_of(1), .payload = span_str("a")});
    gate_wait(LANE_WRITE);
    scene_drain(&scene);
    gate_open(LANE_WRITE);
    assert_code(client_reply(&c, id), WIRE_OK);
    client_ends(&c, WS_GOING_AWAY);
    client_close(&c);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_comes_first),
        cmocka_unit_test(a_foreign_version_is_unsupported),
        cmocka_unit_test(what_is_no_message_ends_the_connection),
        cmocka_unit_test(malformed_is_told),
        cmocka_unit_test(nonsense_harms_no_other),
        cmocka_unit_test(unknown_types_are_unsupported),
        cmocka_unit_test(pings_are_answered),
        cmocka_unit_test(limits_of_the_protocol_are_answered),
        cmocka_unit_test(a_hello_above_a_limit_may_be_mended),
        cmocka_unit_test(limits_of_the_configuration_are_answered),
        cmocka_unit_test(requests_in_flight_are_limited),
        cmocka_unit_test(rates_are_limited),
        cmocka_unit_test(an_address_has_one_rate),
        cmocka_unit_test(connections_of_an_address_are_limited),
        cmocka_unit_test(hosting_needs_a_password),
        cmocka_unit_test(leaving_after_a_wrong_password),
        cmocka_unit_test(a_message_must_end),
        cmocka_unit_test(the_silent_are_asked),
        cmocka_unit_test(a_failing_store_is_unavailable),
        cmocka_unit_test(too_much_waiting_is_unavailable),
        cmocka_unit_test(an_address_gets_a_part_of_what_may_wait),
        cmocka_unit_test(draining_answers_first),
    };
    return unit_run("session", tests);
}
