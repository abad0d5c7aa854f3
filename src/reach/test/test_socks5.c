// SPDX-License-Identifier: Apache-2.0
//
// The client's side of SOCKS5 against scripts of a proxy: what is sent to the byte, answers split at each place, each refusal, answers that
// are none, and hanging up at each point.
#include "unit.h"

#include "reach/socks5.h"

static struct socks5 s;

static void same(struct span a, const char *b, size_t n)
{
    assert_int_equal(a.n, n);
    assert_memory_equal(a.p, b, n);
}
#define is(span, text) same((span), (text), sizeof(text) - 1)

static struct span begin(enum socks5_mode mode, const char *host)
{
    struct reach_target to = {.port = 443};
    struct span send;
    (void)snprintf(to.host, sizeof to.host, "%s", host);
    assert_ok(socks5_open(&s, mode, span_str("bob"), span_str("pw"), &to, &send));
    return send;
}

// Gives bytes that are all taken.
static enum reach_step give(const char *bytes, size_t n, struct span *send)
{
    size_t used;
    enum reach_step step = socks5_take(&s, span_of(bytes, n), &used, send);
    if (step != REACH_FAILED) assert_int_equal(used, n);
    return step;
}
#define say(text, send) give((text), sizeof(text) - 1, (send))

static void open_and_by_number(void **state)
{
    struct span send;
    (void)state;
    is(begin(SOCKS5_OPEN, "192.0.2.1"), "\x05\x01\x00");
    assert_int_equal(say("\x05\x00", &send), REACH_MORE);
    is(send, "\x05\x01\x00\x01\xc0\x00\x02\x01\x01\xbb");
    assert_int_equal(say("\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", &send), REACH_DONE);
    assert_int_equal(send.n, 0);
    (void)begin(SOCKS5_OPEN, "2001:db8::1");
    assert_int_equal(say("\x05\x00", &send), REACH_MORE);
    is(send, "\x05\x01\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\xbb");
}

static void a_name_is_handed_on(void **state)
{
    struct span send;
    (void)state;
    (void)begin(SOCKS5_OPEN, "relay.example");
    assert_int_equal(say("\x05\x00", &send), REACH_MORE);
    is(send, "\x05\x01\x00\x03\x0drelay.example\x01\xbb");
    (void)begin(SOCKS5_OPEN, "127.0.0.1.example"); // no number
    assert_int_equal(say("\x05\x00", &send), REACH_MORE);
    assert_int_equal(send.p[3], SOCKS5_NAME);
}

static void user_and_password(void **state)
{
    struct span send;
    (void)state;
    is(begin(SOCKS5_LOGIN, "192.0.2.1"), "\x05\x01\x02"); // nothing weaker is offered
    assert_int_equal(say("\x05\x02", &send), REACH_MORE);
    is(send, "\x01\x03"
             "bob\x02"
             "pw");
    assert_int_equal(say("\x01\x00", &send), REACH_MORE);
    assert_int_equal(send.n, 10);
    is(begin(SOCKS5_ISOLATE, "192.0.2.1"), "\x05\x01\x02");
}

static void logins_have_bounds(void **state)
{
    char text[300];
    struct reach_target to = {.host = "a", .port = 1};
    struct span send;
    (void)state;
    memset(text, 'x', sizeof text);
    assert_ok(socks5_open(&s, SOCKS5_LOGIN, span_of(text, 255), span_of(text, 255), &to, &send));
    assert_int_equal(say("\x05\x02", &send), REACH_MORE);
    assert_int_equal(send.n, SOCKS5_LOGIN_MAX);
    assert_ok(socks5_open(&s, SOCKS5_LOGIN, span_str("u"), span_of(NULL, 0), &to, &send));
    assert_int_equal(socks5_open(&s, SOCKS5_LOGIN, span_of(text, 256), span_str("p"), &to, &send), ERR_LIMIT);
    assert_int_equal(socks5_open(&s, SOCKS5_LOGIN, span_str("u"), span_of(text, 256), &to, &send), ERR_LIMIT);
    assert_int_equal(socks5_open(&s, SOCKS5_LOGIN, span_of(NULL, 0), span_str("p"), &to, &send), ERR_LIMIT);
    assert_ok(socks5_open(&s, SOCKS5_OPEN, span_of(NULL, 0), span_of(NULL, 0), &to, &send));
}

static void hosts_that_cannot_be_sent(void **state)
{
    static const char *const bad[] = {"", "a b", "a\r\nb", "a\x7f", "\xc3\xa9.example", "a/b", "[::1]", "a@b"};
    struct reach_target to = {.port = 1};
    struct span send;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        (void)snprintf(to.host, sizeof to.host, "%s", bad[i]);
        assert_int_equal(socks5_open(&s, SOCKS5_OPEN, span_str(""), span_str(""), &to, &send), ERR_INVALID);
    }
    to = (struct reach_target){.host = "a", .port = 0};
    assert_int_equal(socks5_open(&s, SOCKS5_OPEN, span_str(""), span_str(""), &to, &send), ERR_INVALID);
    memset(to.host, 'x', REACH_HOST_MAX); // the longest
    to.port = 1;
    assert_ok(socks5_open(&s, SOCKS5_OPEN, span_str(""), span_str(""), &to, &send));
    assert_int_equal(say("\x05\x00", &send), REACH_MORE);
    assert_int_equal(send.n, 4 + 1 + REACH_HOST_MAX + 2);
}

static void onions_are_known(void **state)
{
    (void)state;
    assert_true(reach_is_onion("abc.onion"));
    assert_true(reach_is_onion("abc.OniOn"));
    assert_true(reach_is_onion("abc.onion."));
    assert_false(reach_is_onion("onion"));
    assert_false(reach_is_onion("abc.onion.example"));
    assert_false(reach_is_onion("abconion"));
}

// ------------------------------------------------------------------------------------------------------------ splitting

static const char *const replies[] = {
    "\x05\x00\x00\x01\x01\x02\x03\x04\x05\x06",
    "\x05\x00\x00\x04"
    "0123456789abcdef\x05\x06",
    "\x05\x00\x00\x03\x03"
    "abc\x05\x06",
    "\x05\x00\xff\x03\x00\x05\x06",
};
static const size_t reply_sizes[] = {10, 22, 10, 7};

// The three answers of a proxy one after the other, each in two pieces, or byte by byte, with bytes of the relay's right behind.
static void play(size_t reply, size_t cut)
{
    struct {
        const char *p;
        size_t n;
    } script[] = {{"\x05\x02", 2}, {"\x01\x00", 2}, {replies[reply], reply_sizes[reply]}};
    struct span send = begin(SOCKS5_LOGIN, "relay.example");
    enum reach_step step = REACH_MORE;
    for (size_t i = 0; i < 3; i++) {
        char bytes[64];
        size_t n = script[i].n, used, at = 0;
        memcpy(bytes, script[i].p, n);
        memcpy(bytes + n, "hi", 2);
        for (size_t piece = cut == 0 ? 1 : cut < n ? cut : n; at < n; piece = cut == 0 ? 1 : n - at) {
            bool last = at + piece == n;
            step = socks5_take(&s, span_of(bytes + at, last && i == 2 ? piece + 2 : piece), &used, &send);
            assert_int_equal(used, piece);
            at += used;
            assert_int_equal(step, last && i == 2 ? REACH_DONE : REACH_MORE);
            assert_int_equal(send.n > 0, last && i < 2);
        }
    }
    size_t used;
    assert_int_equal(socks5_take(&s, span_str("more"), &used, &send), REACH_DONE);
    assert_int_equal(used, 0);
}

static void answers_may_be_split_anywhere(void **state)
{
    (void)state;
    for (size_t r = 0; r < 4; r++) {
        for (size_t cut = 0; cut <= reply_sizes[r]; cut++) play(r, cut);
    }
}

static void the_longest_reply_fits(void **state)
{
    char reply[SOCKS5_REQUEST_MAX + 1] = "\x05\x00\x00\x03\xff";
    struct span send;
    size_t used;
    (void)state;
    (void)begin(SOCKS5_OPEN, "a");
    assert_int_equal(say("\x05\x00", &send), REACH_MORE);
    assert_int_equal(socks5_take(&s, span_of(reply, sizeof reply), &used, &send), REACH_DONE);
    assert_int_equal(used, SOCKS5_REQUEST_MAX);
}

// ------------------------------------------------------------------------------------------------------------- refusals

static void failed(enum reach_step step, enum reach_hop hop, enum err e)
{
    assert_int_equal(step, REACH_FAILED);
    assert_int_equal(s.failure.hop, hop);
    assert_int_equal(s.failure.err, e);
    assert_true(strlen(reach_failure_text(&s.failure)) > 20);
    struct span send;
    size_t used;
    assert_int_equal(socks5_take(&s, span_str("\x05\x00"), &used, &send), REACH_FAILED); // and it stays so
    assert_int_equal(used, 0);
}

static void each_code_has_a_sentence(void **state)
{
    const char *seen[256] = {0};
    const char *unknown = NULL;
    size_t known = 0;
    (void)state;
    for (unsigned code = 1; code < 256; code++) {
        char reply[] = {5, (char)code, 0, 1, 0, 0, 0, 0, 0, 0};
        struct span send;
        (void)begin(SOCKS5_OPEN, "relay.example");
        assert_int_equal(say("\x05\x00", &send), REACH_MORE);
        failed(give(reply, sizeof reply, &send), HOP_BEYOND, ERR_REFUSED);
        assert_int_equal(s.failure.code, code);
        seen[code] = reach_failure_text(&s.failure);
        if (code == 9) unknown = seen[code];
    }
    for (unsigned code = 1; code < 256; code++) {
        bool is_known = code <= 8 || (code >= 0xf0 && code <= 0xf7);
        assert_int_equal(seen[code] != unknown, is_known);
        for (unsigned other = 1; is_known && other < code; other++) assert_ptr_not_equal(seen[code], seen[other]);
        if (code >= 0xf0 && code <= 0xf7) assert_non_null(strstr(seen[code], "onion"));
        known += is_known;
    }
    assert_int_equal(known, 16);
}

static void a_refusal_is_known_by_its_second_byte(void **state)
{
    struct span send;
    (void)state;
    (void)begin(SOCKS5_OPEN, "a");
    assert_int_equal(say("\x05\x00", &send), REACH_MORE);
    failed(say("\x05\x05", &send), HOP_BEYOND, ERR_REFUSED);
}

static void logins_that_are_refused(void **state)
{
    struct span send;
    (void)state;
    (void)begin(SOCKS5_OPEN, "a");
    failed(say("\x05\xff", &send), HOP_LOGIN, ERR_REFUSED);
    (void)begin(SOCKS5_LOGIN, "a");
    failed(say("\x05\xff", &send), HOP_LOGIN, ERR_REFUSED);
    for (unsigned code = 1; code < 256; code++) {
        const char answer[] = {1, (char)code};
        (void)begin(SOCKS5_LOGIN, "a");
        assert_int_equal(say("\x05\x02", &send), REACH_MORE);
        failed(give(answer, 2, &send), HOP_LOGIN, ERR_UNAUTHENTICATED);
    }
}

static void a_method_that_was_not_offered(void **state)
{
    struct span send;
    (void)state;
    for (unsigned m = 0; m < 255; m++) {
        const char answer[] = {5, (char)m};
        if (m != SOCKS5_NO_LOGIN) {
            (void)begin(SOCKS5_OPEN, "a");
            failed(give(answer, 2, &send), HOP_GREETING, ERR_INVALID);
        }
        if (m != SOCKS5_PASSWORD) { // above all none: the circuit would be shared
            (void)begin(SOCKS5_ISOLATE, "a");
            failed(give(answer, 2, &send), HOP_GREETING, ERR_INVALID);
        }
    }
}

static void another_version_at_each_point(void **state)
{
    struct span send;
    (void)state;
    for (unsigned v = 0; v < 256; v++) {
        const char answer[] = {(char)v};
        if (v != 5) {
            (void)begin(SOCKS5_LOGIN, "a");
            failed(give(answer, 1, &send), HOP_GREETING, ERR_MALFORMED);
            (void)begin(SOCKS5_OPEN, "a");
            assert_int_equal(say("\x05\x00", &send), REACH_MORE);
            failed(give(answer, 1, &send), HOP_BEYOND, ERR_MALFORMED);
        }
        if (v == 1) continue;
        (void)begin(SOCKS5_LOGIN, "a");
        assert_int_equal(say("\x05\x02", &send), REACH_MORE);
        failed(give(answer, 1, &send), HOP_LOGIN, ERR_MALFORMED);
    }
}

static void kinds_of_address_that_are_none(void **state)
{
    struct span send;
    (void)state;
    for (unsigned kind = 0; kind < 256; kind++) {
        const char reply[] = {5, 0, 0, (char)kind, 0};
        if (kind == SOCKS5_IPV4 || kind == SOCKS5_IPV6 || kind == SOCKS5_NAME) continue;
        (void)begin(SOCKS5_OPEN, "a");
        assert_int_equal(say("\x05\x00", &send), REACH_MORE);
        failed(give(reply, 5, &send), HOP_BEYOND, ERR_MALFORMED);
    }
}

static void answers_before_the_question(void **state)
{
    struct span send;
    (void)state;
    (void)begin(SOCKS5_OPEN, "a");
    failed(say("\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", &send), HOP_GREETING, ERR_INVALID);
    assert_int_equal(send.n, 0);
}

// --------------------------------------------------------------------------------------------------------- hanging up

static void hangs_up(size_t n, enum reach_hop hop)
{
    static const char all[] = "\x05\x02\x01\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00";
    static const enum err errs[] = {ERR_IO, ERR_LIMIT};
    const char *texts[2];
    struct span send;
    for (int late = 0; late < 2; late++) {
        (void)begin(SOCKS5_LOGIN, "a");
        for (size_t i = 0; i < n; i++) assert_int_equal(give(all + i, 1, &send), REACH_MORE);
        socks5_closed(&s, late == 1);
        failed(REACH_FAILED, hop, errs[late]);
        texts[late] = reach_failure_text(&s.failure);
    }
    assert_string_not_equal(texts[0], texts[1]);
}

static void hanging_up_at_each_byte(void **state)
{
    (void)state;
    for (size_t n = 0; n <= 13; n++) hangs_up(n, n < 2 ? HOP_GREETING : n < 4 ? HOP_LOGIN : HOP_BEYOND);
}

static void what_has_failed_fails_no_other_way(void **state)
{
    struct span send;
    (void)state;
    (void)begin(SOCKS5_OPEN, "a");
    assert_int_equal(say("\x05\xff", &send), REACH_FAILED);
    socks5_closed(&s, false);
    assert_int_equal(s.failure.hop, HOP_LOGIN);
    socks5_wipe(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_and_by_number),
        cmocka_unit_test(a_name_is_handed_on),
        cmocka_unit_test(user_and_password),
        cmocka_unit_test(logins_have_bounds),
        cmocka_unit_test(hosts_that_cannot_be_sent),
        cmocka_unit_test(onions_are_known),
        cmocka_unit_test(answers_may_be_split_anywhere),
        cmocka_unit_test(the_longest_reply_fits),
        cmocka_unit_test(each_code_has_a_sentence),
        cmocka_unit_test(a_refusal_is_known_by_its_second_byte),
        cmocka_unit_test(logins_that_are_refused),
        cmocka_unit_test(a_method_that_was_not_offered),
        cmocka_unit_test(another_version_at_each_point),
        cmocka_unit_test(kinds_of_address_that_are_none),
        cmocka_unit_test(answers_before_the_question),
        cmocka_unit_test(hanging_up_at_each_byte),
        cmocka_unit_test(what_has_failed_fails_no_other_way),
    };
    return unit_run("reach socks5", tests);
}
