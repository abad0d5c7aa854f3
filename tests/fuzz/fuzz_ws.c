// SPDX-License-Identifier: Apache-2.0
//
// Bytes as WebSocket frames, for either side. However they are cut, the same messages come out, and the same status ends them; what is
// returned keeps RFC 6455; and what is written is read again.
#include "kit.h"

#include "net/ws.h"

enum { MOST = 4096 };

// What a parser said of some bytes: messages one behind the other, and how it ended.
struct told {
    struct buf text;
    enum ws_status status;
    bool waiting;
};

static void check(enum ws_opcode opcode, struct span payload)
{
    uint16_t status = 0;
    must(opcode == WS_TEXT || opcode == WS_BINARY || opcode == WS_CLOSE || opcode == WS_PING || opcode == WS_PONG);
    must(payload.n <= (opcode >= WS_CLOSE ? 125 : MOST));
    if (opcode != WS_CLOSE || !ws_close_status(payload, &status)) return;
    must(status == 1005 ? payload.n == 0 : status >= 1000 && status < 5000);
}

// `cuts` says where the bytes are cut; empty: nowhere.
static void parse(bool server, struct span bytes, struct feed cuts, struct told *t)
{
    struct ws_parser p;
    *t = (struct told){0};
    buf_init(&t->text, 1 << 22);
    ws_init(&p, server, MOST);
    for (size_t at = 0; at <= bytes.n && t->status == 0;) {
        size_t n = cuts.n > 0 ? feed_u8(&cuts) : bytes.n - at;
        if (n > bytes.n - at) n = bytes.n - at;
        struct span copy = kit_copy(span_of(bytes.p + at, n)); // of just its size, so that ASan sees more
        uint8_t *to = (uint8_t *)(uintptr_t)copy.p;
        size_t left = n;
        enum ws_opcode opcode;
        struct span payload;
        while (ws_next(&p, &to, &left, &opcode, &payload, &t->status)) {
            check(opcode, payload);
            buf_put_u8(&t->text, (uint8_t)opcode);
            for (unsigned i = 0; i < 4; i++) buf_put_u8(&t->text, (uint8_t)(payload.n >> 8 * i));
            buf_put(&t->text, payload);
        }
        must(t->status != 0 || left == 0);
        must(p.message.n <= MOST);
        at += n;
        if (at == bytes.n && cuts.n == 0) break;
    }
    t->waiting = ws_waiting(&p);
    must_ok(buf_end(&t->text));
    ws_wipe(&p);
}

static void read_frames(struct feed *f)
{
    bool server = (feed_u8(f) & 1) != 0;
    struct span cuts = feed_bytes(f), bytes = feed_rest(f);
    struct told whole, pieces;
    parse(server, bytes, (struct feed){0}, &whole);
    parse(server, bytes, (struct feed){cuts.p, cuts.n}, &pieces);
    must(span_eq(buf_span(&whole.text), buf_span(&pieces.text)));
    must(whole.status == pieces.status);
    must(whole.status != 0 || whole.waiting == pieces.waiting);
    buf_wipe(&whole.text);
    buf_wipe(&pieces.text);
}

// What either side writes, the other reads.
static void write_frame(struct feed *f)
{
    static const enum ws_opcode opcodes[] = {WS_BINARY, WS_PING, WS_PONG};
    bool server = (feed_u8(f) & 1) != 0;
    enum ws_opcode opcode = opcodes[feed_u8(f) % 3];
    struct span mask = feed_take(f, 4), payload = feed_rest(f);
    struct told t;
    struct buf *out = kit_buf();
    uint8_t head[10];
    if (mask.n < 4) return;
    if (payload.n > (opcode == WS_BINARY ? MOST : 125)) payload.n = 125;
    if (server) {
        ws_put_masked(out, opcode, payload, mask.p);
    } else {
        buf_put(out, span_of(head, ws_head(head, opcode, payload.n)));
        buf_put(out, payload);
    }
    must_ok(buf_end(out));
    parse(server, buf_span(out), (struct feed){0}, &t);
    must(t.status == 0 && !t.waiting && t.text.n == 5 + payload.n && t.text.p[0] == opcode);
    must(payload.n == 0 || memcmp(t.text.p + 5, payload.p, payload.n) == 0);
    buf_wipe(&t.text);
}

void fuzz_open(void) {}

void fuzz_one(struct span bytes)
{
    struct feed f = {bytes.p, bytes.n};
    if ((feed_u8(&f) & 1) != 0) write_frame(&f);
    else read_frames(&f);
}

void fuzz_seeds(const char *folder)
{
    // kind, server, no cuts; then frames
    static const char hello[] = "\0\1\0\x82\x85\1\2\3\4igomn",
                      parts[] = "\0\1\3\1\1\1\1\x83\0\0\0\0abc\x89\x80\0\0\0\0\x80\x82\0\0\0\0de",
                      close[] = "\0\1\0\x88\x82\0\0\0\0\3\xe8", text[] = "\0\0\0\x81\x03\xe2\x82\xac",
                      pong[] = "\0\0\0\x8a\0", medium[] = "\0\0\0\x82\x7e\0\x7e",
                      large[] = "\0\0\0\x82\x7f\0\0\0\0\0\1\0\0", own[] = "\1\1\0\1\2\3\4hello",
                      other[] = "\1\0\1\1\2\3\4ping";
    const struct {
        const char *name;
        struct span bytes;
    } seeds[] = {
        {"hello", span_of(hello, sizeof hello - 1)}, {"parts", span_of(parts, sizeof parts - 1)},
        {"close", span_of(close, sizeof close - 1)}, {"text", span_of(text, sizeof text - 1)},
        {"pong", span_of(pong, sizeof pong - 1)},    {"medium", span_of(medium, sizeof medium - 1)},
        {"large", span_of(large, sizeof large - 1)}, {"own", span_of(own, sizeof own - 1)},
        {"other", span_of(other, sizeof other - 1)},
    };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) kit_seed(folder, seeds[i].name, seeds[i].bytes);
}
