// SPDX-License-Identifier: Apache-2.0
//
// An HTTP proxy that says anything, and any user, password and host: the request is one head that a server reads as a CONNECT with what was
// asked and nothing more; an answer means the same in one piece as byte by byte, and nothing is taken behind its end.
#include "kit.h"

#include "net/http.h"
#include "reach/connect.h"

void fuzz_open(void) {}

static void check_request(struct span head, bool login)
{
    struct http_request r;
    struct span v;
    size_t size = 0;
    must_ok(http_head_size(head, &size));
    must(size == head.n);
    must_ok(http_read_request(head, &r));
    must(span_eq(r.method, span_str("CONNECT")) && r.headers == (login ? 2 : 1) && !r.body);
    must(http_header(&r, "host", &v) && span_eq(v, r.target));
    must(http_header(&r, "proxy-authorization", &v) == login);
}

static enum reach_step all(struct connect *c, struct span bytes, size_t *used)
{
    enum reach_step step = connect_take(c, bytes, used);
    must(*used <= bytes.n && (step != REACH_MORE || *used == bytes.n));
    return step;
}

static enum reach_step one_by_one(struct connect *c, struct span bytes, size_t *used)
{
    enum reach_step step = REACH_MORE;
    *used = 0;
    while (step == REACH_MORE && *used < bytes.n) {
        size_t n;
        step = connect_take(c, span_of(bytes.p + *used, 1), &n);
        *used += n;
    }
    return step;
}

void fuzz_one(struct span bytes)
{
    struct feed f = {bytes.p, bytes.n};
    struct reach_target to = {.port = feed_u16(&f)};
    struct span host = feed_bytes(&f), user = feed_bytes(&f), password = feed_bytes(&f);
    struct connect c, d;
    struct buf send;
    size_t n, m;
    buf_init(&send, 4096);
    memcpy(to.host, host.p, host.n < REACH_HOST_MAX ? host.n : REACH_HOST_MAX);
    if (connect_open(&c, user, password, &to, &send) != ERR_OK) {
        buf_wipe(&send);
        connect_wipe(&c);
        return;
    }
    check_request(buf_span(&send), user.n > 0);
    must_ok(connect_open(&d, user, password, &to, &send));
    struct span answer = kit_copy(feed_rest(&f));
    enum reach_step step = all(&c, answer, &n);
    must(one_by_one(&d, answer, &m) == step && n == m);
    if (step == REACH_MORE) connect_closed(&c, false);
    if (step == REACH_FAILED) must(c.failure.hop == d.failure.hop && c.failure.code == d.failure.code);
    must(step == REACH_DONE || (c.failure.hop != HOP_NONE && strlen(reach_failure_text(&c.failure)) > 20));
    must(c.failure.code == 0 || c.failure.code >= 300);
    connect_wipe(&c);
    connect_wipe(&d);
    buf_wipe(&send);
}

void fuzz_seeds(const char *folder)
{
#define FRONT "\x01\xbb\x05r.org\x01u\x01p"
    kit_seed(folder, "done", span_str(FRONT "HTTP/1.1 200 OK\r\nVia: x\r\n\r\nhello"));
    kit_seed(
        folder, "login",
        span_str(FRONT "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n"));
    kit_seed(folder, "interim", span_str(FRONT "HTTP/1.1 102 x\r\n\r\nHTTP/1.0 200\r\n\r\n"));
    kit_seed(folder, "other", span_str(FRONT "SSH-2.0-x\r\n"));
    kit_seed(folder, "numeric",
             span_str("\x01\xbb\x0b"
                      "2001:db8::1\xff"));
}
