// SPDX-License-Identifier: Apache-2.0
//
// CONNECT. A successful answer ends with its head ("any 2xx response indicates that the sender will switch to tunnel mode immediately
// after the response header section", RFC 9110 §9.3.6), whatever fields it has; of another one only the status is of use.
#include "reach/connect.h"

#include "base/base64.h"
#include "net/http.h"

#include <stdio.h>

static bool plain(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < 0x20 || s.p[i] == 0x7f) return false;
    }
    return true;
}

// Basic credentials are in the ordinary base64 (RFC 7617 §2, RFC 4648 §4); ours is that for file names.
static void put_basic(struct buf *send, struct span user, struct span password)
{
    uint8_t pair[2 * CONNECT_LOGIN_MAX + 1];  /* secret */
    char text[4 * (sizeof pair / 3 + 1) + 1]; /* secret */
    memcpy(pair, user.p, user.n);
    pair[user.n] = ':';
    if (password.n > 0) memcpy(pair + user.n + 1, password.p, password.n);
    size_t n = user.n + 1 + password.n;
    base64_encode(span_of(pair, n), text);
    for (char *c = text; *c != 0; c++) *c = (char)(*c == '-' ? '+' : *c == '_' ? '/' : *c);
    buf_put(send, span_str("Proxy-Authorization: Basic "));
    buf_put(send, span_str(text));
    buf_put(send, span_of("==", (3 - n % 3) % 3));
    buf_put(send, span_str("\r\n"));
    mem_wipe(pair, sizeof pair);
    mem_wipe(text, sizeof text);
}

enum err connect_open(struct connect *c, struct span user, struct span password, const struct reach_target *to,
                      struct buf *send)
{
    char at[REACH_HOST_MAX + 16], line[2 * sizeof at + 64];
    *c = (struct connect){.login = user.n > 0};
    buf_init(&c->in, HTTP_HEAD_MAX);
    if (!reach_host_ok(to->host) || to->port == 0) return ERR_INVALID;
    if (user.n > CONNECT_LOGIN_MAX || password.n > CONNECT_LOGIN_MAX) return ERR_LIMIT;
    if (!plain(user) || !plain(password) || (user.n > 0 && memchr(user.p, ':', user.n) != NULL)) return ERR_INVALID;
    bool v6 = strchr(to->host, ':') != NULL;
    (void)snprintf(at, sizeof at, "%s%s%s:%u", v6 ? "[" : "", to->host, v6 ? "]" : "", (unsigned)to->port);
    (void)snprintf(line, sizeof line, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", at, at);
    buf_wipe(send);
    buf_put(send, span_str(line));
    if (c->login) put_basic(send, user, password);
    buf_put(send, span_str("\r\n"));
    return buf_end(send);
}

static enum reach_step fail(struct connect *c, enum reach_hop hop, enum err e, unsigned code)
{
    c->failure = (struct reach_failure){.hop = hop, .err = e, .code = (uint16_t)code};
    buf_wipe(&c->in);
    return REACH_FAILED;
}

// A whole head is there.
static enum reach_step on_head(struct connect *c)
{
    unsigned status = 0;
    bool accepted = false;
    enum err e = http_read_upgrade(buf_span(&c->in), "", &status, &accepted);
    buf_wipe(&c->in);
    if (e != ERR_OK) return fail(c, HOP_GREETING, e, 0);
    if (status >= 200 && status < 300) return REACH_DONE;
    if (status == 407) return fail(c, HOP_LOGIN, c->login ? ERR_UNAUTHENTICATED : ERR_REFUSED, 407);
    if (status >= 300) return fail(c, HOP_BEYOND, ERR_REFUSED, status);
    // "A client MUST be able to parse one or more 1xx responses received prior to a final response" (RFC 9110 §15.2)
    if (status == 101 || ++c->interim > CONNECT_INTERIM_MAX) return fail(c, HOP_GREETING, ERR_INVALID, 0);
    return REACH_MORE;
}

enum reach_step connect_take(struct connect *c, struct span bytes, size_t *used)
{
    *used = 0;
    enum reach_step step = c->failure.hop == HOP_NONE ? REACH_MORE : REACH_FAILED;
    while (step == REACH_MORE && *used < bytes.n) {
        size_t size = 0;
        uint8_t last = bytes.p[(*used)++];
        buf_put_u8(&c->in, last);
        // What begins otherwise is no HTTP, and may never end a line. Only the end of a line can be the end of a head.
        enum err e = c->in.n <= 5 && last != (uint8_t) "HTTP/"[c->in.n - 1] ? ERR_MALFORMED : buf_end(&c->in);
        if (e == ERR_OK && (last == '\n' || c->in.n == HTTP_HEAD_MAX)) e = http_head_size(buf_span(&c->in), &size);
        if (e != ERR_OK) step = fail(c, HOP_GREETING, ERR_MALFORMED, 0);
        else if (size > 0) step = on_head(c);
    }
    return step;
}

void connect_closed(struct connect *c, bool late)
{
    // Silence is what a proxy says while it tries to reach the relay; half an answer is none.
    if (c->failure.hop == HOP_NONE) (void)fail(c, HOP_BEYOND, late ? ERR_LIMIT : ERR_IO, 0);
}

void connect_wipe(struct connect *c) { buf_wipe(&c->in); }
