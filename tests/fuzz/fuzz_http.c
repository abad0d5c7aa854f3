// SPDX-License-Identifier: Apache-2.0
//
// Bytes from a stranger at the relay's door: a head is found in the same place however the bytes come; what is read of it lies
// inside it; a path stays below the root; every answer of the site is one that a client can read, and has the length that it says.
// The other side's reading of a handshake's answer, and dates, besides.
#include "kit.h"

#include "relay/site.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct site *site;

static bool inside(struct span s, struct span whole)
{
    return s.n == 0 || (s.p >= whole.p && s.p + s.n <= whole.p + whole.n);
}

// A byte more makes no other head; an error may come as soon as it is clear.
static enum err find_head(struct span bytes, size_t *size)
{
    size_t early = 0;
    enum err e = http_head_size(bytes, size);
    must(e == ERR_OK || e == ERR_MALFORMED || e == ERR_LIMIT);
    must(e != ERR_OK || *size <= bytes.n);
    for (size_t n = 0; n < bytes.n && n < 600; n++) {
        enum err sooner = http_head_size(span_of(bytes.p, n), &early);
        if (sooner != ERR_OK) must(e == sooner);
        else must(early == 0 || (e == ERR_OK && early == *size));
    }
    return e;
}

static void check_path(struct span target)
{
    char path[HTTP_TARGET_MAX];
    enum err e = http_path(target, path);
    must(e == ERR_OK || e == ERR_MALFORMED || e == ERR_LIMIT);
    if (e != ERR_OK) return;
    must(path[0] == '/' && strlen(path) < sizeof path);
    must(strstr(path, "//") == NULL && strstr(path, "/../") == NULL && strstr(path, "/./") == NULL);
    size_t n = strlen(path);
    must(!(n >= 3 && strcmp(path + n - 3, "/..") == 0) && !(n >= 2 && strcmp(path + n - 2, "/.") == 0));
}

static void check_request(const struct http_request *r, struct span head)
{
    struct span v;
    char accept[29];
    must(inside(r->method, head) && inside(r->target, head) && inside(r->ws_key, head));
    must(r->method.n > 0 && r->target.n > 0 && r->target.n < HTTP_TARGET_MAX && r->minor <= 1);
    must(r->headers <= HTTP_HEADERS_MAX && (r->ws_key.n == 0 || r->ws_key.n == 24));
    for (size_t i = 0; i < r->headers; i++) {
        must(inside(r->header[i].name, head) && inside(r->header[i].value, head) && r->header[i].name.n > 0);
    }
    must(r->minor == 0 || http_header(r, "host", &v));
    check_path(r->target);
    if (r->ws_key.n == 0) return;
    http_ws_accept(r->ws_key, accept);
    must(strlen(accept) == 28);
}

static void check_answer(const struct http_request *r, enum err error)
{
    struct buf out;
    struct span file;
    bool close = false, accepted = true;
    unsigned status = 0;
    size_t size = 0, length = 0;
    buf_init(&out, 2 * HTTP_HEAD_MAX);
    must_ok(site_answer(site, r, error, 784111777, &out, &file, &close));
    must_ok(http_head_size(buf_span(&out), &size));
    must(size > 0);
    must_ok(http_read_upgrade(span_of(out.p, size), "dGhlIHNhbXBsZSBub25jZQ==", &status, &accepted));
    must(!accepted && status >= 200 && status <= 505 && status != 101);
    char *head = (char *)(uintptr_t)kit_copy(span_of(out.p, size)).p;
    head[size - 1] = 0;
    const char *at = strstr(head, "Content-Length: ");
    must((at != NULL) == (status != 304));
    if (at != NULL) length = strtoul(at + 16, NULL, 10);
    bool headless = r != NULL && span_eq(r->method, span_str("HEAD"));
    must(out.n - size + file.n == (headless ? 0 : length) || (headless && status == 400 && out.n - size == length));
    must(r != NULL || close);
    buf_wipe(&out);
}

static void ask(struct span bytes)
{
    struct http_request r;
    size_t size = 0;
    enum err e = find_head(bytes, &size);
    if (e == ERR_OK && size == 0) return;
    struct span head = kit_copy(span_of(bytes.p, size));
    if (e == ERR_OK) e = http_read_request(head, &r);
    must(e == ERR_OK || e == ERR_MALFORMED || e == ERR_LIMIT || e == ERR_UNSUPPORTED);
    if (e == ERR_OK) check_request(&r, head);
    check_answer(e == ERR_OK ? &r : NULL, e);
}

static void answer(struct span bytes)
{
    unsigned status;
    bool accepted;
    size_t size = 0;
    (void)find_head(bytes, &size);
    enum err e = http_read_upgrade(bytes, "dGhlIHNhbXBsZSBub25jZQ==", &status, &accepted);
    must(e == ERR_OK || !accepted);
    must(!accepted || status == 101);
    must(e != ERR_OK || (size == bytes.n && status >= 100 && status <= 999));
}

static void date(struct span bytes)
{
    uint64_t seconds = 0, again = 0;
    char text[30];
    if (!http_read_date(bytes, &seconds)) return;
    http_date(seconds, text);
    must(http_read_date(span_str(text), &again) && again == seconds);
}

// ------------------------------------------------------------------------------------------------------------ the kit

static char folder[] = "/tmp/whimbrel-fuzz-http-XXXXXX";

static void put_file(const char *name, const char *text)
{
    char path[200];
    must(snprintf(path, sizeof path, "%s/%s", folder, name) > 0);
    FILE *f = fopen(path, "w");
    must(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
}

void fuzz_open(void)
{
    static const char *const names[] = {"a/index.html", "index.html", "x.css", "a", ""};
    char path[200];
    must(mkdtemp(folder) != NULL);
    must(snprintf(path, sizeof path, "%s/a", folder) > 0 && mkdir(path, 0700) == 0);
    put_file("index.html", "home");
    put_file("x.css", "");
    put_file("a/index.html", "a");
    must_ok(site_new(folder, &site));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        must(snprintf(path, sizeof path, "%s/%s", folder, names[i]) > 0 && remove(path) == 0);
    }
}

void fuzz_one(struct span bytes)
{
    struct feed f = {bytes.p, bytes.n};
    switch (feed_u8(&f) % 4) {
    case 0:
    case 1: ask(feed_rest(&f)); break;
    case 2: answer(feed_rest(&f)); break;
    default: date(feed_rest(&f)); break;
    }
}

void fuzz_seeds(const char *to)
{
    static const char *const seeds[][2] = {
        {"get", "@GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
        {"head", "@HEAD /x.css HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\n\r\n"},
        {"folder", "@GET http://x/a?b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"},
        {"path",
         "@GET /a/%2e%2e/./x.css#y HTTP/1.1\r\nHost: x\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"},
        {"post", "@POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"},
        {"upgrade", "@GET /secret HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"},
        {"http2", "@PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
        {"accepted", "BHTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"},
        {"refused", "BHTTP/1.0 404 Not Found\r\n\r\n"},
        {"date", "CSun, 06 Nov 1994 08:49:37 GMT"},
        {"date850", "CSunday, 06-Nov-94 08:49:37 GMT"},
        {"dateasc", "CSun Nov  6 08:49:37 1994"},
    };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) kit_seed(to, seeds[i][0], span_str(seeds[i][1]));
}
