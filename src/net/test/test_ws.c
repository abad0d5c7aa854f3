// SPDX-License-Identifier: Apache-2.0
//
// net/ws: frames as RFC 6455 §5 defines them, the examples of §5.7 among them; each rule for a receiver by a frame that breaks it; and
// the same result however the bytes are cut.
#include "unit.h"

#include "net/ws.h"

#define SPAN(...) span_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
enum { MAX = 100000 };

// What a parser made of bytes: "text:Hello" and the like, one after the other, and the status it ended with.
struct result {
    struct buf out;
    enum ws_status status;
    bool waiting;
};

static void note(struct buf *b, enum ws_opcode opcode, struct span payload)
{
    uint8_t head[10];
    buf_put(b, span_of(head, ws_head(head, opcode, payload.n)));
    buf_put(b, payload);
}

// Pieces of `step` bytes, each in memory of just its size. 0: all at once.
static struct result parse(bool server, uint32_t max, struct span bytes, size_t step)
{
    struct result r = {0};
    struct ws_parser p;
    enum ws_opcode opcode;
    struct span payload;
    buf_init(&r.out, 1 << 24);
    ws_init(&p, server, max);
    if (step == 0) step = bytes.n;
    for (size_t at = 0; at < bytes.n && r.status == 0; at += step) {
        size_t n = bytes.n - at < step ? bytes.n - at : step;
        uint8_t *piece = malloc(n), *from = piece;
        assert_non_null(piece);
        memcpy(piece, bytes.p + at, n);
        while (ws_next(&p, &from, &n, &opcode, &payload, &r.status)) {
            assert_int_equal(r.status, 0);
            note(&r.out, opcode, payload);
        }
        if (r.status == 0) assert_int_equal(n, 0);
        free(piece);
    }
    r.waiting = ws_waiting(&p);
    if (!r.waiting && r.status == 0) assert_null(p.message.p); // nothing is kept
    ws_wipe(&p);
    return r;
}

// The same, whichever way it is cut.
static struct result parse_cut(bool server, uint32_t max, struct span bytes)
{
    struct result whole = parse(server, max, bytes, 0);
    for (size_t step = 1; step < 12; step++) {
        struct result r = parse(server, max, bytes, step);
        assert_int_equal(r.status, whole.status);
        assert_int_equal(r.waiting, whole.waiting);
        assert_true(span_eq(buf_span(&r.out), buf_span(&whole.out)));
        buf_wipe(&r.out);
    }
    return whole;
}

// A server's frame: unmasked, and with any first byte and length form.
static void put(struct buf *b, uint8_t first, size_t n, uint8_t fill)
{
    uint8_t head[10];
    size_t size = ws_head(head, WS_BINARY, n);
    head[0] = first;
    buf_put(b, span_of(head, size));
    for (size_t i = 0; i < n; i++) buf_put_u8(b, fill);
}

static void expect(bool server, struct span bytes, enum ws_opcode opcode, const char *text)
{
    struct buf b;
    buf_init(&b, 1000);
    note(&b, opcode, span_str(text));
    struct result r = parse_cut(server, MAX, bytes);
    assert_int_equal(r.status, 0);
    assert_false(r.waiting);
    assert_true(span_eq(buf_span(&r.out), buf_span(&b)));
    buf_wipe(&r.out);
    buf_wipe(&b);
}

static void the_examples_of_the_rfc(void **state)
{
    (void)state;
    expect(false, SPAN(0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f), WS_TEXT, "Hello");
    expect(true, SPAN(0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58), WS_TEXT, "Hello");
    expect(false, SPAN(0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f), WS_TEXT, "Hello");
    expect(false, SPAN(0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f), WS_PING, "Hello");
    expect(true, SPAN(0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58), WS_PONG, "Hello");
}

static void every_length_comes_back(void **state)
{
    (void)state;
    static uint8_t payload[70000];
    for (size_t i = 0; i < sizeof payload; i++) payload[i] = (uint8_t)(i * 5 + i / 256);
    static const size_t sizes[] = {0, 1, 2, 7, 8, 9, 15, 16, 17, 124, 125, 126, 127, 128, 65534, 65535, 65536, 65537, 70000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct buf b, expected;
        buf_init(&b, 1 << 20);
        buf_init(&expected, 1 << 20);
        uint8_t mask[4] = {(uint8_t)i, 0xff, 0x80, 0x01};
        ws_put_masked(&b, WS_BINARY, span_of(payload, sizes[i]), mask);
        ws_put_masked(&b, WS_PING, span_of(payload, sizes[i] % 126), mask);
        note(&expected, WS_BINARY, span_of(payload, sizes[i]));
        note(&expected, WS_PING, span_of(payload, sizes[i] % 126));
        struct result r = parse_cut(true, 70000, buf_span(&b));
        assert_int_equal(r.status, 0);
        assert_true(span_eq(buf_span(&r.out), buf_span(&expected)));
        buf_wipe(&r.out);
        // And unmasked, as a server sends it.
        struct result c = parse_cut(false, 70000, buf_span(&expected));
        assert_int_equal(c.status, 0);
        assert_true(span_eq(buf_span(&c.out), buf_span(&expected)));
        buf_wipe(&c.out);
        buf_wipe(&expected);
        buf_wipe(&b);
    }
}

// "Control frames MAY be injected in the middle of a fragmented message."
static void control_frames_come_between_fragments(void **state)
{
    (void)state;
    struct buf b, expected;
    buf_init(&b, 10000);
    buf_init(&expected, 10000);
    put(&b, WS_BINARY, 300, 'a');
    put(&b, 0x80 | WS_PING, 125, 'p');
    put(&b, WS_CONTINUATION, 0, 0);
    put(&b, 0x80 | WS_PONG, 0, 0);
    put(&b, 0x80 | WS_CONTINUATION, 5, 'b');
    put(&b, WS_TEXT, 0, 0);
    put(&b, 0x80 | WS_CONTINUATION, 0, 0);
    uint8_t whole[305];
    memset(whole, 'a', 300);
    memset(whole + 300, 'b', 5);
    put(&expected, 0x80 | WS_PING, 125, 'p');
    put(&expected, 0x80 | WS_PONG, 0, 0);
    note(&expected, WS_BINARY, span_of(whole, sizeof whole));
    note(&expected, WS_TEXT, span_of(NULL, 0));
    struct result r = parse_cut(false, MAX, buf_span(&b));
    assert_int_equal(r.status, 0);
    assert_true(span_eq(buf_span(&r.out), buf_span(&expected)));
    buf_wipe(&r.out);
    buf_wipe(&b);
    buf_wipe(&expected);
}

static void refused(bool server, enum ws_status status, struct span bytes)
{
    struct result r = parse_cut(server, 1000, bytes);
    assert_int_equal(r.status, status);
    buf_wipe(&r.out);
}

static void broken_rules_are_named(void **state)
{
    (void)state;
    for (unsigned bit = 0x10; bit <= 0x40; bit <<= 1) refused(false, WS_PROTOCOL_ERROR, SPAN((uint8_t)(0x82 | bit), 0));
    static const uint8_t reserved[] = {3, 4, 5, 6, 7, 11, 12, 13, 14, 15};
    for (size_t i = 0; i < sizeof reserved; i++) refused(false, WS_PROTOCOL_ERROR, SPAN((uint8_t)(0x80 | reserved[i]), 0));
    refused(true, WS_PROTOCOL_ERROR, SPAN(0x82, 0x01, 'a'));                    // not masked
    refused(false, WS_PROTOCOL_ERROR, SPAN(0x82, 0x81, 1, 2, 3, 4, 'a'));       // masked
    refused(false, WS_PROTOCOL_ERROR, SPAN(0x09, 0x00));                        // a fragmented ping
    refused(false, WS_PROTOCOL_ERROR, SPAN(0x89, 126, 0, 126));                 // a long one
    refused(false, WS_PROTOCOL_ERROR, SPAN(0x88, 127, 0, 0, 0, 0, 0, 1, 0, 0)); // a long close
    refused(false, WS_PROTOCOL_ERROR, SPAN(0x80, 0x00));                        // continues nothing
    refused(false, WS_PROTOCOL_ERROR, SPAN(0x00, 0x00));
    refused(false, WS_PROTOCOL_ERROR, SPAN(0x02, 0x01, 'a', 0x82, 0x01, 'b'));  // a message within a message
    refused(false, WS_PROTOCOL_ERROR, SPAN(0x02, 0x00, 0x01, 0x00));
    refused(false, WS_PROTOCOL_ERROR, SPAN(0x82, 126, 0, 125));                 // not the shortest form
    refused(false, WS_PROTOCOL_ERROR, SPAN(0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff));
    refused(false, WS_PROTOCOL_ERROR, SPAN(0x82, 127, 0x80, 0, 0, 0, 0, 1, 0, 0));
    refused(false, WS_TOO_BIG, SPAN(0x82, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff));
    refused(false, WS_TOO_BIG, SPAN(0x82, 126, 0x03, 0xe9)); // 1001
    refused(false, 0, SPAN(0x82, 126, 0x03, 0xe8));          // 1000
}

static void the_limit_is_the_messages(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10000);
    put(&b, WS_BINARY, 600, 'a');
    put(&b, WS_CONTINUATION, 400, 'a');
    put(&b, 0x80 | WS_PING, 100, 'p'); // does not count
    size_t good = b.n;
    put(&b, 0x80 | WS_CONTINUATION, 0, 'a');
    struct result r = parse_cut(false, 1000, buf_span(&b));
    assert_int_equal(r.status, 0);
    assert_false(r.waiting);
    buf_wipe(&r.out);
    b.n = good;
    put(&b, 0x80 | WS_CONTINUATION, 1, 'a');
    refused(false, WS_TOO_BIG, buf_span(&b));
    buf_wipe(&b);
}

// An announcement is not believed: memory grows with what comes.
static void a_head_alone_takes_no_memory(void **state)
{
    (void)state;
    struct ws_parser p;
    enum ws_opcode opcode;
    enum ws_status status;
    struct span payload;
    uint8_t bytes[] = {0x82, 127, 0, 0, 0, 0, 0x3f, 0xff, 0xff, 0xff, 'a', 'b'}, *at = bytes;
    size_t n = sizeof bytes;
    ws_init(&p, false, 1 << 30);
    assert_false(ws_waiting(&p));
    assert_false(ws_next(&p, &at, &n, &opcode, &payload, &status));
    assert_int_equal(status, 0);
    assert_true(ws_waiting(&p));
    assert_true(p.message.cap <= 64);
    ws_wipe(&p);
}

static void text(bool valid, struct span s)
{
    struct buf b;
    uint8_t head[10];
    buf_init(&b, 100);
    // In two frames, cut wherever: a character may lie across them.
    for (size_t cut = 0; cut <= s.n; cut++) {
        b.n = 0;
        size_t n = ws_head(head, WS_TEXT, cut);
        head[0] = WS_TEXT;
        buf_put(&b, span_of(head, n));
        buf_put(&b, span_of(s.p, cut));
        buf_put(&b, span_of(head, ws_head(head, WS_CONTINUATION, s.n - cut)));
        buf_put(&b, span_of(s.p + cut, s.n - cut));
        refused(false, valid ? 0 : WS_INVALID_DATA, buf_span(&b));
    }
    buf_wipe(&b);
}

static void texts_are_utf8(void **state)
{
    (void)state;
    text(true, span_str("plain"));
    text(true, span_str("\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf"));
    text(true, span_str("\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf"));
    text(false, span_str("\x80"));
    text(false, span_str("\xc0\x80"));     // overlong
    text(false, span_str("\xc1\xbf"));
    text(false, span_str("\xe0\x9f\xbf"));
    text(false, span_str("\xf0\x8f\xbf\xbf"));
    text(false, span_str("\xed\xa0\x80")); // a surrogate
    text(false, span_str("\xf4\x90\x80\x80"));
    text(false, span_str("\xf5\x80\x80\x80"));
    text(false, span_str("\xc2"));         // cut short
    text(false, span_str("\xe2\x82"));
    text(false, span_str("\xf0\x9f\x98"));
    text(false, span_str("\xe2\x28\xa1"));
    text(false, span_str("\xff"));
}

static void closing(struct span payload, bool valid, uint16_t status)
{
    uint16_t got = 0;
    assert_int_equal(ws_close_status(payload, &got), valid);
    if (valid) assert_int_equal(got, status);
}

static void close_payloads(void **state)
{
    (void)state;
    closing(span_of(NULL, 0), true, 1005);
    closing(SPAN(0x03), false, 0);
    closing(SPAN(0x03, 0xe8), true, 1000);
    closing(SPAN(0x03, 0xe9, 'b', 'y', 'e'), true, 1001);
    closing(SPAN(0x03, 0xe8, 0xc3, 0xa9), true, 1000);
    closing(SPAN(0x03, 0xe8, 0xc3), false, 0);
    for (unsigned code = 0; code < 65536; code++) {
        bool valid = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code < 5000);
        closing(SPAN((uint8_t)(code >> 8), (uint8_t)code), valid, (uint16_t)code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_rfc),
        cmocka_unit_test(every_length_comes_back),
        cmocka_unit_test(control_frames_come_between_fragments),
        cmocka_unit_test(broken_rules_are_named),
        cmocka_unit_test(the_limit_is_the_messages),
        cmocka_unit_test(a_head_alone_takes_no_memory),
        cmocka_unit_test(texts_are_utf8),
        cmocka_unit_test(close_payloads),
    };
    return unit_run("ws", tests);
}
