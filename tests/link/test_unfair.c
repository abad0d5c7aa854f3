// SPDX-License-Identifier: Apache-2.0
//
// Links to a relay that has the right key and is not fair: it is silent, says what nobody asked for, wants to fill memory, or ends
// the connection amid it all. The relay here is some lines on the same loop; each test says what it does once a link has said hello.
#include "net/test/stage.h"

#include "link/link.h"
#include "net/http.h"
#include "net/ws.h"
#include "wire/wire.h"

#include <unistd.h>

enum { FRAME = 1000 }; // the relay's

static struct {
    struct stage stage;
    struct link *link;
    struct ws_parser ws;
    struct net_timer later;
    unsigned ups, downs, pushes, requests, hellos;
    uint64_t pongs;
    struct link_failure why;
    bool dumb, frees;     // dumb: it answers hello with nothing
    bool dumb_once;       // the first; and then a link that goes down is not the end
    enum wire_code error; // or with this
    uint32_t silence_ms;
    void (*on_hello)(struct net_conn *c);
    void (*on_request)(struct net_conn *c);
} t;

static void finish(void)
{
    link_free(t.link);
    t.link = NULL;
    net_loop_stop(t.stage.loop);
}

// ------------------------------------------------------------------------------------------------------------ the relay

static void say_frame(struct net_conn *c, enum ws_opcode opcode, struct span payload)
{
    uint8_t head[10];
    net_conn_send(c, span_of(head, ws_head(head, opcode, payload.n)));
    net_conn_send(c, payload);
}

static void say(struct net_conn *c, const struct wire_reply *r)
{
    struct buf b;
    buf_init(&b, WIRE_FRAME_MAX);
    wire_write_reply(&b, r);
    assert_ok(buf_end(&b));
    say_frame(c, WS_BINARY, buf_span(&b));
    buf_wipe(&b);
}

static void take_request(struct net_conn *c, struct span message)
{
    struct wire_request r;
    assert_ok(wire_read_request(message, &r));
    if (r.type != WIRE_HELLO) {
        t.requests++;
        if (t.on_request != NULL) t.on_request(c);
        return;
    }
    const struct wire_reply hello = {.type = WIRE_R_HELLO,
                                     .id = r.id,
                                     .version = WIRE_VERSION,
                                     .limits = {.frame = FRAME,
                                                .entry = 500,
                                                .signal = 100,
                                                .chunk = 500,
                                                .in_flight = 8,
                                                .follows = 8,
                                                .blob = 1000,
                                                .retention = 3600}};
    const struct wire_reply error = {.type = WIRE_R_ERROR, .id = r.id, .code = t.error};
    if (t.error != WIRE_OK) say(c, &error);
    else if (!t.dumb && !(t.dumb_once && t.hellos++ == 0)) say(c, &hello);
    if (t.on_hello != NULL) t.on_hello(c);
}

static void upgrade(struct peer *p)
{
    struct http_request r;
    char text[200], accept[29];
    size_t size = 0;
    assert_ok(http_head_size(buf_span(&p->got), &size));
    if (size == 0) return;
    assert_ok(http_read_request(span_of(p->got.p, size), &r));
    http_ws_accept(r.ws_key, accept);
    (void)snprintf(text, sizeof text,
                   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Accept: %s\r\n\r\n",
                   accept);
    net_conn_send(p->conn, span_str(text));
    ws_init(&t.ws, true, WIRE_FRAME_MAX);
    p->count = 1; // it is upgraded
}

static void on_data(struct peer *p, struct span bytes)
{
    uint8_t copy[NET_PLAIN], *at = copy;
    size_t n = bytes.n;
    enum ws_opcode opcode;
    enum ws_status status;
    struct span payload;
    if (p->count == 0) {
        buf_put(&p->got, bytes);
        upgrade(p);
        return;
    }
    memcpy(copy, bytes.p, n);
    while (p->conn != NULL && ws_next(&t.ws, &at, &n, &opcode, &payload, &status)) {
        if (opcode == WS_PONG) t.pongs++;
        if (opcode == WS_BINARY) take_request(p->conn, payload);
    }
}

// ------------------------------------------------------------------------------------------------------------- the link

static void up(void *arg, const struct wire_reply *hello)
{
    (void)arg;
    (void)hello;
    t.ups++;
    if (t.dumb_once) finish();
}

static void down(void *arg, const struct link_failure *why, uint32_t retry_ms)
{
    (void)arg;
    (void)retry_ms;
    t.downs++;
    t.why = *why;
    assert_false(link_is_up(t.link));
    if (!t.dumb_once) finish();
}

static void no_answer(void *arg, const struct wire_reply *r)
{
    (void)arg;
    (void)r;
}

// A push is answered with a request, so that the relay sees what it was sent before.
static void push(void *arg, const struct wire_reply *r)
{
    static const uint8_t id[32];
    static const uint8_t bytes[FRAME];
    const struct wire_request stat = {.type = WIRE_LOG_STAT, .log = id, .key = id};
    const struct wire_request large = {
        .type = WIRE_LOG_APPEND, .log = id, .key = id, .payload = span_of(bytes, sizeof bytes)};
    (void)arg;
    (void)r;
    t.pushes++;
    assert_int_equal(link_ask(t.link, &large, no_answer, NULL), ERR_LIMIT); // for this relay
    if (t.frees) finish();
    else assert_ok(link_ask(t.link, &stat, no_answer, NULL));
}

static const struct link_events events = {.up = up, .down = down, .push = push};

static int begin(void **state)
{
    (void)state;
    memset(&t, 0, sizeof t);
    stage_open(&t.stage);
    t.stage.model.on_data = on_data;
    return 0;
}

static int leave(void **state)
{
    (void)state;
    ws_wipe(&t.ws);
    net_timer_stop(&t.later);
    stage_close(&t.stage);
    return 0;
}

static void run(void)
{
    const struct link_settings settings = {
        .silence_ms = t.silence_ms, .attempt_ms = t.dumb_once ? 60000 : 3000, .retry_ms = 1000};
    struct link_address to = {.host = "127.0.0.1", .port = ntohs(t.stage.address.sin_port), .secret = "s"};
    net_tls_pin(t.stage.server, to.pin);
    assert_ok(link_new(t.stage.loop, &to, &settings, &events, NULL, &t.link));
    struct link_address other = to;
    (void)snprintf(other.host, sizeof other.host, "localhost");
    if (t.dumb_once) link_others(t.link, &other, 1);
    link_open(t.link);
    stage_run(&t.stage);
}

static void fails(unsigned ups, enum link_phase phase, enum err e)
{
    run();
    assert_int_equal(t.ups, ups);
    assert_int_equal(t.downs, 1);
    assert_int_equal(t.why.phase, phase);
    assert_int_equal(t.why.err, e);
}

// ------------------------------------------------------------------------------------------------------------ the tests

static void pause_reading(struct net_conn *c) { net_conn_pause(c, true); }

static void silence_ends_a_connection(void **state)
{
    (void)state;
    t.silence_ms = 300;
    t.on_hello = pause_reading; // so pings are not answered
    fails(1, LINK_UP, ERR_LIMIT);
}

static void hello_without_an_answer_ends_the_attempt(void **state)
{
    (void)state;
    t.dumb = true;
    fails(0, LINK_CONNECTING, ERR_LIMIT);
}

// Some networks let a connection begin, and then nothing through: another address is tried long before the attempt has had its time.
static void who_is_silent_at_hello_is_left_for_another(void **state)
{
    (void)state;
    t.dumb_once = true;
    run();
    assert_int_equal(t.hellos, 2);
    assert_int_equal(t.ups, 1);
    assert_int_equal(t.downs, 1); // of the first
    assert_int_equal(t.why.phase, LINK_GREETING);
    assert_int_equal(t.why.err, ERR_LIMIT);
}

static void say_answer(struct net_conn *c)
{
    const struct wire_reply r = {.type = WIRE_R_OK, .id = 4711};
    say(c, &r);
}

static void an_answer_that_nobody_waits_for_ends_it(void **state)
{
    (void)state;
    t.on_hello = say_answer;
    fails(1, LINK_UP, ERR_INVALID);
}

static void say_push(struct net_conn *c)
{
    const struct wire_reply r = {.type = WIRE_P_ENDED, .tag = 1, .code = WIRE_E_DENIED};
    say(c, &r);
}

static void a_push_before_hello_ends_it(void **state)
{
    (void)state;
    t.dumb = true;
    t.on_hello = say_push;
    fails(0, LINK_GREETING, ERR_INVALID);
    assert_int_equal(t.pushes, 0);
}

static void say_junk(struct net_conn *c)
{
    say_push(c);
    say_frame(c, WS_BINARY, span_str("\xff\xff\xff\xff\xff"));
    say_push(c);
}

static void what_comes_behind_junk_is_not_heard(void **state)
{
    (void)state;
    t.on_hello = say_junk;
    fails(1, LINK_UP, ERR_MALFORMED);
    assert_int_equal(t.pushes, 1);
}

static void say_masked(struct net_conn *c) { net_conn_send(c, span_of("\x82\x81xxxx\x00", 7)); }

static void a_broken_frame_ends_it(void **state)
{
    (void)state;
    t.on_hello = say_masked;
    fails(1, LINK_UP, ERR_MALFORMED);
}

static void say_close(struct net_conn *c)
{
    say_frame(c, WS_CLOSE, span_of("\x03\xe9", 2));
    say_push(c);
}

static void nothing_is_heard_behind_a_close(void **state)
{
    (void)state;
    t.on_hello = say_close;
    fails(1, LINK_UP, ERR_OK);
    assert_int_equal(t.pushes, 0);
}

static void say_three(struct net_conn *c)
{
    for (int i = 0; i < 3; i++) say_push(c);
}

// Only one of the ways to be turned away has to do with versions, and is told so.
static void a_relay_of_another_version_is_told(void **state)
{
    (void)state;
    t.error = WIRE_E_UNSUPPORTED;
    fails(0, LINK_GREETING, ERR_UNSUPPORTED);
    assert_non_null(strstr(link_failure_text(&t.why), "version"));
}

static void a_relay_that_is_busy_is_no_other_version(void **state)
{
    (void)state;
    t.error = WIRE_E_UNAVAILABLE;
    fails(0, LINK_GREETING, ERR_REFUSED);
    assert_null(strstr(link_failure_text(&t.why), "version"));
}

static void a_relay_that_stops_is_no_other_version(void **state)
{
    (void)state;
    t.dumb = true;
    t.on_hello = say_close;
    fails(0, LINK_GREETING, ERR_IO);
    assert_null(strstr(link_failure_text(&t.why), "version"));
}

static void a_link_may_be_freed_in_a_push(void **state)
{
    (void)state;
    t.on_hello = say_three;
    t.frees = true;
    run();
    assert_int_equal(t.pushes, 1);
    assert_int_equal(t.downs, 0);
}

// It reads nothing, and sends pings as fast as they are taken. The kernel holds some megabytes each way; what is above stays out of
// the memory of this process.
enum { PINGS = 400000 };

static void flood(struct net_conn *c)
{
    static uint8_t frame[127];
    struct buf all;
    buf_init(&all, 1 << 26);
    (void)ws_head(frame, WS_PING, 125);
    for (int i = 0; i < PINGS; i++) buf_put(&all, span_of(frame, sizeof frame));
    assert_ok(buf_end(&all));
    net_conn_pause(c, true);
    net_conn_mark(c, 1);
    net_conn_send(c, buf_span(&all));
    buf_wipe(&all);
}

static void read_again(struct peer *p)
{
    net_conn_mark(p->conn, 0);
    net_conn_pause(p->conn, false);
    say_push(p->conn);
}

static void finish_at_request(struct net_conn *c)
{
    (void)c;
    finish();
}

static void pings_do_not_fill_memory(void **state)
{
    (void)state;
    t.on_hello = flood;
    t.stage.model.on_drained = read_again;
    t.on_request = finish_at_request;
    run();
    assert_int_equal(t.requests, 1);
    assert_true(t.pongs > 0);
    if (t.pongs > PINGS / 2) fail_msg("%ju of %d pings were answered", (uintmax_t)t.pongs, PINGS);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(silence_ends_a_connection),
        TEST(hello_without_an_answer_ends_the_attempt),
        TEST(who_is_silent_at_hello_is_left_for_another),
        TEST(an_answer_that_nobody_waits_for_ends_it),
        TEST(a_push_before_hello_ends_it),
        TEST(what_comes_behind_junk_is_not_heard),
        TEST(a_broken_frame_ends_it),
        TEST(nothing_is_heard_behind_a_close),
        TEST(a_relay_of_another_version_is_told),
        TEST(a_relay_that_is_busy_is_no_other_version),
        TEST(a_relay_that_stops_is_no_other_version),
        TEST(a_link_may_be_freed_in_a_push),
        TEST(pings_do_not_fill_memory),
    };
    return unit_run("link unfair", tests);
}
