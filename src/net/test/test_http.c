// SPDX-License-Identifier: Apache-2.0
//
// net/http: requests that are read, and many that are not, each with what is wrong with it; paths; dates against the C
// library's; the handshake of RFC 6455 §1.3.
#include "unit.h"

#include "net/http.h"

#include <time.h>

static struct http_request r;

// In memory of just its size.
static enum err read(const char *text, size_t n)
{
    static uint8_t *kept;
    free(kept);
    kept = malloc(n > 0 ? n : 1);
    assert_non_null(kept);
    memcpy(kept, text, n);
    return http_read_request(span_of(kept, n), &r);
}

static void accepted(const char *text) { assert_ok(read(text, strlen(text))); }

static void refused(enum err e, const char *text)
{
    assert_int_equal(read(text, strlen(text)), e);
    assert_int_equal(r.headers, 0);
    assert_int_equal(r.method.n, 0);
}

static void equal(struct span s, const char *text) { assert_true(span_eq(s, span_str(text))); }

static void requests_are_read(void **state)
{
    (void)state;
    struct span v;
    accepted("GET /a/b?c=d HTTP/1.1\r\nHost: example.org\r\nX-Empty:\r\nAccept: \t a, b \t\r\n\r\n");
    equal(r.method, "GET");
    equal(r.target, "/a/b?c=d");
    assert_int_equal(r.minor, 1);
    assert_int_equal(r.headers, 3);
    assert_true(r.keep_alive);
    assert_false(r.upgrade || r.body);
    assert_true(http_header(&r, "accept", &v));
    equal(v, "a, b");
    assert_true(http_header(&r, "X-EMPTY", &v));
    assert_int_equal(v.n, 0);
    assert_false(http_header(&r, "Accep", &v));
    assert_false(http_header(&r, "Accept-", &v));
    accepted("\r\nHEAD / HTTP/1.0\r\n\r\n");
    assert_int_equal(r.minor, 0);
    assert_false(r.keep_alive);
    accepted("GET / HTTP/1.0\r\nConnection: foo, Keep-Alive\r\n\r\n");
    assert_true(r.keep_alive);
    accepted("GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\nConnection: , Close ,\r\n\r\n");
    assert_false(r.keep_alive);
    accepted("GET / HTTP/1.9\r\nHost:\r\n\r\n");
    assert_int_equal(r.minor, 1);
    accepted("X-Y~! http://h/p HTTP/1.1\r\nHost: h\r\nName: caf\xc3\xa9\r\n\r\n");
    equal(r.target, "http://h/p");
}

static void bodies_are_seen(void **state)
{
    (void)state;
    accepted("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
    assert_true(r.body);
    accepted("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 00\r\n\r\n");
    assert_false(r.body);
    accepted("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_true(r.body);
    refused(ERR_MALFORMED, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n");
    refused(ERR_MALFORMED, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n");
    refused(ERR_MALFORMED, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\n");
    refused(ERR_MALFORMED, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 5\r\n\r\n");
    refused(ERR_MALFORMED, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n");
    refused(ERR_MALFORMED, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n");
}

static void what_is_no_request_is_refused(void **state)
{
    (void)state;
    static const char *const malformed[] = {
        "", "\r\n", "\r\n\r\n", "\r\n\r\nGET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r\n", "GET / HTTP/1.0", "GET\r\n\r\n",
        "GET /\r\n\r\n", "GET  / HTTP/1.0\r\n\r\n", "GET /  HTTP/1.0\r\n\r\n", " GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.0 \r\n\r\n", "GET / http/1.0\r\n\r\n", "GET / HTTP/1\r\n\r\n", "GET / HTTP/1.10\r\n\r\n",
        "GET / HTTP/11.1\r\n\r\n", "GET / HTTP/a.1\r\n\r\n", "GET /a b HTTP/1.0\r\n\r\n", "G(T / HTTP/1.0\r\n\r\n",
        "GET /\t HTTP/1.0\r\n\r\n", "GET /\xc3\xa9 HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r\nName\r\n\r\n",
        "GET / HTTP/1.0\r\n: value\r\n\r\n", "GET / HTTP/1.0\r\nName : value\r\n\r\n",
        "GET / HTTP/1.0\r\n Name: value\r\n\r\n", "GET / HTTP/1.0\r\nName: a\r\n b\r\n\r\n",
        "GET / HTTP/1.0\r\nName: a\r\n\tb: c\r\n\r\n", "GET / HTTP/1.0\nName: a\n\n", "GET / HTTP/1.0\r\nName: a\n\r\n",
        "GET / HTTP/1.0\r\nName: a\rb\r\n\r\n", "GET / HTTP/1.0\r\nName: \x01\r\n\r\n", "GET / HTTP/1.0\r\nName: \x7f\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\nmore", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", "GET / HTTP/1.0\r\n\r\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) refused(ERR_MALFORMED, malformed[i]);
    assert_int_equal(read("GET / HTTP/1.0\r\nName: a\0b\r\n\r\n", 29), ERR_MALFORMED);
    refused(ERR_UNSUPPORTED, "GET / HTTP/2.0\r\n\r\n");
    refused(ERR_UNSUPPORTED, "PRI * HTTP/2.0\r\n\r\n");
    refused(ERR_UNSUPPORTED, "GET / HTTP/0.9\r\n\r\n");
}

static void limits_hold(void **state)
{
    (void)state;
    static char text[3 * HTTP_HEAD_MAX];
    size_t size;
    for (unsigned more = 0; more < 2; more++) { // at the limit, and above it
        int n = sprintf(text, "GET / HTTP/1.0\r\n");
        for (unsigned i = 0; i < HTTP_HEADERS_MAX + more; i++) n += sprintf(text + n, "A%u: b\r\n", i);
        n += sprintf(text + n, "\r\n");
        assert_int_equal(read(text, (size_t)n), more ? ERR_LIMIT : ERR_OK);
        n = sprintf(text, "GET /%0*u HTTP/1.0\r\n\r\n", (int)(HTTP_TARGET_MAX - 2 + more), 0);
        assert_int_equal(read(text, (size_t)n), more ? ERR_LIMIT : ERR_OK);
        n = sprintf(text, "GET / HTTP/1.0\r\nA: %0*u\r\n\r\n", (int)(HTTP_HEAD_MAX - 23 + more), 0);
        assert_int_equal(n, HTTP_HEAD_MAX + more);
        assert_int_equal(read(text, (size_t)n), more ? ERR_LIMIT : ERR_OK);
        assert_int_equal(http_head_size(span_of(text, (size_t)n), &size), more ? ERR_LIMIT : ERR_OK);
        assert_int_equal(size, more ? 0 : HTTP_HEAD_MAX);
    }
}

static void heads_are_found(void **state)
{
    (void)state;
    static const char text[] = "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n";
    const size_t head = strlen("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    size_t size;
    for (size_t n = 0; n < sizeof text; n++) {
        assert_ok(http_head_size(span_of(text, n), &size));
        assert_int_equal(size, n < head ? 0 : head);
        if (n + 1 == sizeof text) break;
    }
    // Junk is known by its first bytes.
    assert_int_equal(http_head_size(span_of("\x16\x03\x01", 3), &size), ERR_MALFORMED);
    assert_int_equal(http_head_size(span_of("a\nb", 3), &size), ERR_MALFORMED);
    assert_int_equal(http_head_size(span_of("\r\n\r\n", 4), &size), ERR_MALFORMED);
    assert_int_equal(http_head_size(span_of("\n", 1), &size), ERR_MALFORMED);
    assert_int_equal(http_head_size(span_of("\0", 1), &size), ERR_MALFORMED);
}

static void path(const char *target, enum err e, const char *expected)
{
    char out[HTTP_TARGET_MAX];
    assert_int_equal(http_path(span_str(target), out), e);
    assert_string_equal(out, expected);
}

static void paths_are_resolved(void **state)
{
    (void)state;
    path("/", ERR_OK, "/");
    path("/a", ERR_OK, "/a");
    path("/a/", ERR_OK, "/a/");
    path("/a/b.html?x=/../..", ERR_OK, "/a/b.html");
    path("/a//b///c", ERR_OK, "/a/b/c");
    path("/./a/./b/.", ERR_OK, "/a/b/");
    path("/a/b/../c", ERR_OK, "/a/c");
    path("/a/b/..", ERR_OK, "/a/");
    path("/a/..", ERR_OK, "/");
    path("/a/../b/../", ERR_OK, "/");
    path("/...", ERR_OK, "/...");
    path("/..a/.b/c..", ERR_OK, "/..a/.b/c..");
    path("/%41%c3%a9%20", ERR_OK, "/A\xc3\xa9 ");
    path("/%252e", ERR_OK, "/%2e");
    path("/a%2f..%2Fb", ERR_OK, "/b");
    path("http://example.org/a/b", ERR_OK, "/a/b");
    path("HTTPS://example.org", ERR_OK, "/");
    path("http://example.org?a", ERR_OK, "/");
    path("/a#b", ERR_OK, "/a");
    static const char *const bad[] = {"", "*", "a", "example.org:443", "/..", "/../a", "/a/../..", "/a/../../b", "/%2e%2e/a",
                                      "/%2e%2e", "/a/%2e./..", "//..", "/./..", "/%", "/%4", "/%4g", "/%g4", "/%00", "/a%00b",
                                      "ftp://example.org/", "http:/a", "http://h/../a"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) path(bad[i], ERR_MALFORMED, "");
}

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define ASK "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"

static void handshakes_are_read(void **state)
{
    (void)state;
    accepted(ASK "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n\r\n");
    assert_true(r.upgrade);
    equal(r.ws_key, KEY);
    assert_int_equal(r.ws_version, 13);
    accepted(ASK "\r\n");
    assert_true(r.upgrade);
    assert_int_equal(r.ws_key.n, 0);
    assert_int_equal(r.ws_version, 0);
    static const char *const keys[] = {"", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZR==", "dGhlIHNhbXBsZSBub25jZQ=A",
                                       "dGhlIHNhbXBsZSBub2 jZQ==", "dGhlIHNhbXBsZSBub25jZQ==dGhl", "-GhlIHNhbXBsZSBub25jZQ=="};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char text[400];
        snprintf(text, sizeof text, ASK "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13a\r\n\r\n", keys[i]);
        accepted(text);
        assert_int_equal(r.ws_key.n, 0);
        assert_int_equal(r.ws_version, 0);
    }
    accepted(ASK "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Version: 13\r\n\r\n");
    assert_int_equal(r.ws_key.n, 0);
    assert_int_equal(r.ws_version, 0);
    accepted(ASK "Sec-WebSocket-Version: 013\r\n\r\n");
    assert_int_equal(r.ws_version, 0);
    accepted("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: close\r\n\r\n");
    assert_false(r.upgrade);
    accepted("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websockets\r\nConnection: upgrade\r\n\r\n");
    assert_false(r.upgrade);
    char out[29], key[25];
    http_ws_accept(span_str(KEY), out);
    assert_string_equal(out, ACCEPT);
    http_ws_key((const uint8_t *)"the sample nonce", key);
    assert_string_equal(key, KEY);
}

static void answer(const char *text, enum err e, unsigned status, bool fits)
{
    unsigned got = 77;
    bool accepts = true;
    assert_int_equal(http_read_upgrade(span_str(text), KEY, &got, &accepts), e);
    assert_int_equal(got, status);
    assert_int_equal(accepts, fits);
}

#define YES "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " ACCEPT "\r\n"

static void answers_to_handshakes(void **state)
{
    (void)state;
    answer("HTTP/1.1 101 Switching Protocols\r\n" YES "\r\n", ERR_OK, 101, true);
    answer("HTTP/1.1 101\r\n" YES "\r\n", ERR_OK, 101, true);
    answer("HTTP/1.1 101 \r\n" YES "Server: x\r\n\r\n", ERR_OK, 101, true);
    answer("HTTP/1.0 101 x\r\n" YES "\r\n", ERR_OK, 101, false);
    answer("HTTP/1.1 200 OK\r\n" YES "\r\n", ERR_OK, 200, false);
    answer("HTTP/1.1 404 Not Found\r\n\r\n", ERR_OK, 404, false);
    answer("HTTP/1.1 101 x\r\n" YES "Sec-WebSocket-Protocol: a\r\n\r\n", ERR_OK, 101, false);
    answer("HTTP/1.1 101 x\r\n" YES "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", ERR_OK, 101, false);
    answer("HTTP/1.1 101 x\r\n" YES "Sec-WebSocket-Accept: " ACCEPT "\r\n\r\n", ERR_OK, 101, false);
    answer("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Accept: t3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", ERR_OK, 101, false);
    answer("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: " ACCEPT "\r\n\r\n", ERR_OK, 101, false);
    answer("HTTP/1.1 101x\r\n" YES "\r\n", ERR_MALFORMED, 0, false);
    answer("HTTP/1.1 10\r\n" YES "\r\n", ERR_MALFORMED, 0, false);
    answer("HTTP/1.1  101\r\n" YES "\r\n", ERR_MALFORMED, 0, false);
    answer("HTTP/1.1 001 x\r\n\r\n", ERR_MALFORMED, 0, false);
    answer("HTTP/2.0 101 x\r\n\r\n", ERR_UNSUPPORTED, 0, false);
    answer("SSH-2.0-OpenSSH_9.2\r\n\r\n", ERR_MALFORMED, 0, false);
    answer("HTTP/1.1 101 x\r\n" YES, ERR_MALFORMED, 0, false);
}

static void dates_agree_with_the_c_library(void **state)
{
    (void)state;
    char out[30], expected[64];
    uint64_t back, seed = 3;
    for (size_t i = 0; i < 20000; i++) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        uint64_t s = (seed >> 25) % 253402300800ULL; // to the year 9999
        if (i < 800) s = i * 86400 * 183 + 86399;    // every half year
        time_t t = (time_t)s;
        struct tm tm;
        assert_non_null(gmtime_r(&t, &tm));
        assert_int_not_equal(strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &tm), 0);
        http_date(s, out);
        assert_string_equal(out, expected);
        assert_true(http_read_date(span_str(out), &back));
        assert_int_equal(back, s);
        assert_int_not_equal(strftime(expected, sizeof expected, "%a %b %e %H:%M:%S %Y", &tm), 0);
        assert_true(http_read_date(span_str(expected), &back));
        assert_int_equal(back, s);
        assert_int_not_equal(strftime(expected, sizeof expected, "%A, %d-%b-%y %H:%M:%S GMT", &tm), 0);
        assert_true(http_read_date(span_str(expected), &back));
        if (tm.tm_year + 1900 < 2070) assert_int_equal(back, s);
    }
    http_date(UINT64_MAX, out);
    assert_string_equal(out, "Fri, 31 Dec 9999 23:59:59 GMT");
}

static void what_is_no_date(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "Sun", "Sun,", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 29 Feb 2023 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1969 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
        "sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06-Nov-94 08:49:37 GMT", "Sunday, 06 Nov 1994 08:49:37 GMT",
        "Sunday Nov  6 08:49:37 1994", "Sun Nov 6 08:49:37 1994", "Xyz, 06 Nov 1994 08:49:37 GMT", "0", "784111777"};
    uint64_t s;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (http_read_date(span_str(bad[i]), &s)) fail_msg("%s was taken for a date", bad[i]);
        assert_int_equal(s, 0);
    }
    assert_true(http_read_date(span_str("Sun, 06 Nov 1994 08:49:37 GMT"), &s));
    assert_int_equal(s, 784111777);
    assert_true(http_read_date(span_str("Thu, 29 Feb 2024 00:00:00 GMT"), &s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_read),
        cmocka_unit_test(bodies_are_seen),
        cmocka_unit_test(what_is_no_request_is_refused),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(heads_are_found),
        cmocka_unit_test(paths_are_resolved),
        cmocka_unit_test(handshakes_are_read),
        cmocka_unit_test(answers_to_handshakes),
        cmocka_unit_test(dates_agree_with_the_c_library),
        cmocka_unit_test(what_is_no_date),
    };
    return unit_run("http", tests);
}
