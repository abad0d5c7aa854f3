// SPDX-License-Identifier: Apache-2.0
//
// CONNECT against scripts of an HTTP proxy: what is sent to the byte, answers split at each place, each class of status, answers that
// are none, and hanging up.
#include "unit.h"

#include "net/http.h"
#include "reach/connect.h"

static struct connect c;
static struct buf send;

static void begin(const char *user, const char *password, const char *host)
{
    struct reach_target to = {.port = 443};
    (void)snprintf(to.host, sizeof to.host, "%s", host);
    connect_wipe(&c);
    buf_wipe(&send);
    buf_init(&send, 4096);
    assert_ok(connect_open(&c, span_str(user), span_str(password), &to, &send));
}

static void sent(const char *text)
{
    assert_int_equal(send.n, strlen(text));
    assert_memory_equal(send.p, text, send.n);
    buf_wipe(&send);
}

static void what_is_asked(void **state)
{
    (void)state;
    begin("", "", "relay.example");
    sent("CONNECT relay.example:443 HTTP/1.1\r\nHost: relay.example:443\r\n\r\n");
    begin("", "", "2001:db8::1");
    sent("CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n");
    begin("Aladdin", "open sesame", "192.0.2.1"); // the example of RFC 7617 §2
    sent("CONNECT 192.0.2.1:443 HTTP/1.1\r\nHost: 192.0.2.1:443\r\nProxy-Authorization: Basic "
         "QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
    begin("a", "", "b"); // one byte less to the end of a group
    sent("CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\nProxy-Authorization: Basic YTo=\r\n\r\n");
    begin("?>?", "~~", "b"); // with both characters that base64url has not
    sent("CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\nProxy-Authorization: Basic Pz4/On5+\r\n\r\n");
}

static void what_cannot_be_asked(void **state)
{
    char text[256];
    struct reach_target to = {.host = "a", .port = 1};
    (void)state;
    buf_init(&send, 4096);
    memset(text, 'x', sizeof text);
    assert_int_equal(connect_open(&c, span_str("a:b"), span_str("c"), &to, &send), ERR_INVALID);
    assert_int_equal(connect_open(&c, span_str("a\r\nX: y"), span_str("c"), &to, &send), ERR_INVALID);
    assert_int_equal(connect_open(&c, span_str("a"), span_str("c\n"), &to, &send), ERR_INVALID);
    assert_int_equal(connect_open(&c, span_of(text, 256), span_str("c"), &to, &send), ERR_LIMIT);
    assert_int_equal(connect_open(&c, span_str("a"), span_of(text, 256), &to, &send), ERR_LIMIT);
    assert_ok(connect_open(&c, span_of(text, 255), span_of(text, 255), &to, &send));
    (void)snprintf(to.host, sizeof to.host, "a\r\nEvil: yes");
    assert_int_equal(connect_open(&c, span_str(""), span_str(""), &to, &send), ERR_INVALID);
    buf_wipe(&send);
}

// In two pieces, with the relay's bytes behind.
static enum reach_step answer_cut(const char *head, size_t cut)
{
    char bytes[HTTP_HEAD_MAX + 16];
    size_t n = strlen(head), used;
    enum reach_step step = REACH_MORE;
    (void)snprintf(bytes, sizeof bytes, "%shello", head);
    if (cut > 0) {
        step = connect_take(&c, span_of(bytes, cut), &used);
        if (step != REACH_MORE) return step;
        assert_int_equal(used, cut);
    }
    step = connect_take(&c, span_of(bytes + cut, n + 5 - cut), &used);
    if (step == REACH_DONE) assert_int_equal(used, n - cut);
    return step;
}

static void answers_may_be_split_anywhere(void **state)
{
    static const char *const heads[] = {
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.0 200 Connection established\r\nProxy-Agent: x\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 299 Fine\r\nTransfer-Encoding: chunked\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        for (size_t cut = 0; cut < strlen(heads[i]); cut++) {
            begin("", "", "a");
            assert_int_equal(answer_cut(heads[i], cut), REACH_DONE);
        }
    }
    buf_wipe(&send);
}

static void failed(enum reach_hop hop, enum err e, unsigned code)
{
    size_t used;
    assert_int_equal(c.failure.hop, hop);
    assert_int_equal(c.failure.err, e);
    assert_int_equal(c.failure.code, code);
    assert_true(strlen(reach_failure_text(&c.failure)) > 20);
    assert_int_equal(connect_take(&c, span_str("HTTP/1.1 200 OK\r\n\r\n"), &used), REACH_FAILED);
    assert_int_equal(used, 0);
}

static void each_status(void **state)
{
    char head[64];
    (void)state;
    for (unsigned status = 102; status <= 999; status++) {
        (void)snprintf(head, sizeof head, "HTTP/1.1 %u x\r\n\r\n", status);
        begin("", "", "a");
        enum reach_step step = answer_cut(head, 0);
        if (status >= 200 && status < 300) {
            assert_int_equal(step, REACH_DONE);
        } else {
            assert_int_equal(step, REACH_FAILED);
            if (status < 200) failed(HOP_GREETING, ERR_MALFORMED, 0); // "hello" is no further answer
            else if (status == 407) failed(HOP_LOGIN, ERR_REFUSED, 407);
            else failed(HOP_BEYOND, ERR_REFUSED, status);
        }
    }
    begin("bob", "pw", "a");
    assert_int_equal(answer_cut("HTTP/1.1 407 x\r\n\r\n", 0), REACH_FAILED);
    failed(HOP_LOGIN, ERR_UNAUTHENTICATED, 407);
    buf_wipe(&send);
}

static void what_is_no_answer(void **state)
{
    static const char *const bad[] = {
        "SSH-2.0-x",
        "\x05",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.1 200 OK\n\n",
        "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        begin("", "", "a");
        assert_int_equal(answer_cut(bad[i], 0), REACH_FAILED);
        assert_int_equal(c.failure.hop, HOP_GREETING);
    }
    begin("", "", "a");
    size_t used;
    for (int i = 0; i < CONNECT_INTERIM_MAX; i++)
        assert_int_equal(connect_take(&c, span_str("HTTP/1.1 102 x\r\n\r\n"), &used), REACH_MORE);
    assert_int_equal(connect_take(&c, span_str("HTTP/1.1 102 x\r\n\r\n"), &used), REACH_FAILED);
    failed(HOP_GREETING, ERR_INVALID, 0);
    buf_wipe(&send);
}

static void a_head_without_end(void **state)
{
    char line[] = "x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n";
    size_t used, all = 0;
    (void)state;
    begin("", "", "a");
    assert_int_equal(connect_take(&c, span_str("HTTP/1.1 200 OK\r\n"), &used), REACH_MORE);
    while (connect_take(&c, span_str(line), &used) == REACH_MORE) all += used;
    assert_in_range(all, HTTP_HEAD_MAX - 200, HTTP_HEAD_MAX);
    failed(HOP_GREETING, ERR_MALFORMED, 0);
    buf_wipe(&send);
}

static void hanging_up(void **state)
{
    static const char head[] = "HTTP/1.1 200 OK\r\n\r\n";
    size_t used;
    (void)state;
    for (size_t n = 0; n < sizeof head - 1; n++) {
        for (int late = 0; late < 2; late++) {
            begin("", "", "a");
            assert_int_equal(connect_take(&c, span_of(head, n), &used), REACH_MORE);
            connect_closed(&c, late == 1);
            failed(HOP_BEYOND, late == 1 ? ERR_LIMIT : ERR_IO, 0);
        }
    }
    buf_wipe(&send);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked),
        cmocka_unit_test(what_cannot_be_asked),
        cmocka_unit_test(answers_may_be_split_anywhere),
        cmocka_unit_test(each_status),
        cmocka_unit_test(what_is_no_answer),
        cmocka_unit_test(a_head_without_end),
        cmocka_unit_test(hanging_up),
    };
    return unit_run("reach connect", tests);
}
