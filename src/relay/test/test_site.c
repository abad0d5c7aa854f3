// SPDX-License-Identifier: Apache-2.0
//
// The static site: what is read from a folder, and the answers that a plain web server gives: GET and HEAD, folders, conditional
// requests, errors. No file outside the folder is ever an answer.
#include "unit.h"

#include "relay/site.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static struct site *site;

static void path_to(char out[300], const char *name) { snprintf(out, 300, "%s/%s", folder, name); }

static void write_file(const char *name, const char *text)
{
    char path[300];
    path_to(path, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    // Sun, 06 Nov 1994 08:49:37 GMT
    const struct timespec times[2] = {{.tv_sec = 784111777}, {.tv_sec = 784111777}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static int set_up(void **state)
{
    char path[300];
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/whimbrel-site-XXXXXX");
    assert_non_null(mkdtemp(folder));
    static const char *const folders[] = {"docs", "docs/deep", "odd \xc3\xa4", ".git", "empty"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        path_to(path, folders[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    write_file("index.html", "home");
    write_file("a.css", "body{}");
    write_file("nothing", "");
    write_file("docs/index.html", "docs");
    write_file("docs/deep/page.txt", "deep");
    write_file("odd \xc3\xa4/index.html", "odd");
    write_file(".secret", "hidden");
    write_file(".git/config", "hidden");
    path_to(path, "out");
    assert_int_equal(symlink("/etc", path), 0);
    path_to(path, "passwd");
    assert_int_equal(symlink("/etc/passwd", path), 0);
    path_to(path, "fifo");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_ok(site_new(folder, &site));
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"index.html",
                                        "a.css",
                                        "nothing",
                                        "docs/index.html",
                                        "docs/deep/page.txt",
                                        "odd \xc3\xa4/index.html",
                                        ".secret",
                                        ".git/config",
                                        "out",
                                        "passwd",
                                        "fifo",
                                        "docs/deep",
                                        "docs",
                                        "odd \xc3\xa4",
                                        ".git",
                                        "empty",
                                        "404.html",
                                        ""};
    (void)state;
    site_unref(site);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[300];
        path_to(path, names[i]);
        (void)remove(path);
    }
    return 0;
}

// ------------------------------------------------------------------------------------------------------------ asking

static struct {
    char head[8192]; // the answer's head, and a body that is not a file's
    struct span body;
    bool close;
} got;

static void ask_of(const struct site *s, const char *request)
{
    struct http_request r;
    struct buf out;
    buf_init(&out, 16384);
    enum err e = http_read_request(span_str(request), &r);
    assert_ok(site_answer(s, e == ERR_OK ? &r : NULL, e, 784111777, &out, &got.body, &got.close));
    assert_true(out.n < sizeof got.head);
    memcpy(got.head, out.p, out.n);
    got.head[out.n] = 0;
    buf_wipe(&out);
}

static void ask(const char *line, const char *headers)
{
    char request[3000];
    snprintf(request, sizeof request, "%s HTTP/1.1\r\nHost: x\r\n%s\r\n", line, headers);
    ask_of(site, request);
}

static void assert_status(const char *status)
{
    assert_memory_equal(got.head + strlen("HTTP/1.1 "), status, strlen(status));
}

static bool says(const char *header)
{
    char line[300];
    snprintf(line, sizeof line, "\r\n%s\r\n", header);
    return strstr(got.head, line) != NULL;
}

static void assert_file(const char *line, const char *text, const char *type)
{
    char header[200];
    ask(line, "");
    assert_status("200 OK");
    assert_true(span_eq(got.body, span_str(text)));
    snprintf(header, sizeof header, "Content-Type: %s", type);
    assert_true(says(header));
    snprintf(header, sizeof header, "Content-Length: %zu", strlen(text));
    assert_true(says(header));
    assert_false(got.close);
}

static void files_are_served(void **state)
{
    (void)state;
    assert_file("GET /", "home", "text/html; charset=utf-8");
    assert_true(says("Date: Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_true(says("Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_true(says("Connection: keep-alive"));
    assert_file("GET /index.html", "home", "text/html; charset=utf-8");
    assert_file("GET /a.css?v=3", "body{}", "text/css; charset=utf-8");
    assert_file("GET /nothing", "", "application/octet-stream");
    assert_file("GET /docs/", "docs", "text/html; charset=utf-8");
    assert_file("GET /docs/deep/page.txt", "deep", "text/plain; charset=utf-8");
    assert_file("GET /docs/./deep/../deep//page.txt", "deep", "text/plain; charset=utf-8");
    assert_file("GET /d%6fcs/", "docs", "text/html; charset=utf-8");
    assert_file("GET http://x/a.css", "body{}", "text/css; charset=utf-8");
}

static void head_has_no_body(void **state)
{
    (void)state;
    ask("GET /a.css", "");
    char as_get[sizeof got.head];
    memcpy(as_get, got.head, sizeof as_get);
    ask("HEAD /a.css", "");
    assert_string_equal(got.head, as_get);
    assert_int_equal(got.body.n, 0);
    ask("HEAD /missing", "");
    assert_status("404 ");
    assert_memory_equal(got.head + strlen(got.head) - 4, "\r\n\r\n", 4);
}

static void nothing_else_is_there(void **state)
{
    static const char *const missing[] = {"/missing",     "/docs/missing", "/.secret",   "/.git/config",      "/passwd",
                                          "/out/passwd",  "/out/",         "/fifo",      "/empty/",           "/empty",
                                          "/index.html/", "/INDEX.HTML",   "/%2esecret", "/docs/index.html/x"};
    static const char *const wrong[] = {
        "/../etc/passwd", "/docs/../../x", "/%2e%2e/x", "/..%2fetc/passwd", "/%00", "/%", "/%zz", "/%2", "*", "x"};
    (void)state;
    char line[200], first[sizeof got.head] = "";
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
        snprintf(line, sizeof line, "GET %s", missing[i]);
        ask(line, "");
        assert_status("404 Not Found");
        // All alike, whatever the path.
        if (first[0] == 0) memcpy(first, got.head, sizeof first);
        assert_string_equal(got.head, first);
        assert_int_equal(got.body.n, 0);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(line, sizeof line, "GET %s", wrong[i]);
        ask(line, "");
        assert_status("400 Bad Request");
    }
}

static void folders_are_redirected_to(void **state)
{
    (void)state;
    ask("GET /docs", "");
    assert_status("301 Moved Permanently");
    assert_true(says("Location: /docs/"));
    ask("GET /docs?x=1", "");
    assert_true(says("Location: /docs/"));
    ask("GET /odd%20%c3%a4", ""); // what is no character of a URL is escaped again
    assert_status("301 ");
    assert_true(says("Location: /odd%20%C3%A4/"));
    assert_file("GET /odd%20%C3%A4/", "odd", "text/html; charset=utf-8");
    ask("GET //evil.example/..%2fdocs", "");
    assert_true(says("Location: /docs/"));
}

static void what_has_not_changed_is_not_sent(void **state)
{
    char etag[100], header[300];
    (void)state;
    ask("GET /a.css", "");
    const char *at = strstr(got.head, "ETag: ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "ETag: %99[^\r]", etag), 1);
    static const char *const same[] = {"If-None-Match: %s\r\n", "If-None-Match: \"x\", W/%s\r\n",
                                       "If-None-Match: %s\r\nIf-Modified-Since: Sat, 05 Nov 1994 08:49:37 GMT\r\n"};
    for (size_t i = 0; i < 3; i++) {
        int n = snprintf(header, sizeof header, "%s", same[i]);
        char *place = strstr(header, "%s"), rest[200];
        assert_non_null(place);
        snprintf(rest, sizeof rest, "%s", place + 2);
        snprintf(place, sizeof header - (size_t)(place - header), "%s%s", etag, rest);
        (void)n;
        ask("GET /a.css", header);
        assert_status("304 Not Modified");
        assert_int_equal(got.body.n, 0);
        assert_null(strstr(got.head, "Content-Length"));
        assert_non_null(strstr(got.head, etag));
    }
    ask("GET /a.css", "If-None-Match: *\r\n");
    assert_status("304 ");
    ask("GET /a.css", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    assert_status("304 ");
    ask("HEAD /a.css", "If-Modified-Since: Sun, 06 Nov 2094 08:49:37 GMT\r\n");
    assert_status("304 ");
    static const char *const other[] = {"If-None-Match: \"x\"\r\n",
                                        "If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n",
                                        "If-Modified-Since: yesterday\r\n",
                                        "If-None-Match: \"x\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"};
    for (size_t i = 0; i < 4; i++) {
        ask("GET /a.css", other[i]);
        assert_status("200 OK");
    }
}

static void other_methods_and_versions(void **state)
{
    (void)state;
    ask("POST /", "Content-Length: 3\r\n");
    assert_status("405 ");
    assert_true(says("Allow: GET, HEAD"));
    assert_true(got.close); // a body follows, which nobody reads
    ask("DELETE /a.css", "");
    assert_status("405 ");
    ask("get /", "");
    assert_status("405 ");
    ask("GET /", "Connection: close\r\n");
    assert_status("200 ");
    assert_true(got.close);
    assert_true(says("Connection: close"));
    ask_of(site, "GET / HTTP/1.0\r\n\r\n");
    assert_status("200 ");
    assert_true(got.close);
    ask_of(site, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_false(got.close);
    ask_of(site, "GET / HTTP/2.0\r\nHost: x\r\n\r\n");
    assert_status("505 ");
    ask_of(site, "GET / HTTP/1.1\r\n\r\n"); // no Host
    assert_status("400 ");
    assert_true(got.close);
    ask_of(site, "nonsense\r\n\r\n");
    assert_status("400 ");
    struct buf out;
    buf_init(&out, 4096);
    assert_ok(site_answer(site, NULL, ERR_LIMIT, 0, &out, &got.body, &got.close));
    assert_memory_equal(out.p, "HTTP/1.1 431 Request Header Fields Too Large\r\n", 46);
    assert_true(got.close);
    buf_wipe(&out);
}

static void the_operator_has_a_page_for_what_is_missing(void **state)
{
    struct site *own = NULL;
    (void)state;
    write_file("404.html", "gone fishing");
    assert_ok(site_new(folder, &own));
    ask_of(own, "GET /missing HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_status("404 Not Found");
    assert_true(span_eq(got.body, span_str("gone fishing")));
    assert_null(strstr(got.head, "ETag"));
    ask_of(own, "GET /missing HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\n\r\n");
    assert_status("404 Not Found");
    // It is read once: what changes on disk is seen after a reload only.
    write_file("404.html", "another");
    ask_of(own, "GET /404.html HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(span_eq(got.body, span_str("gone fishing")));
    struct site *again = site_ref(own);
    site_unref(own);
    ask_of(again, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(span_eq(got.body, span_str("home")));
    site_unref(again);
}

static void folders_that_cannot_be_read(void **state)
{
    struct site *s = NULL;
    char path[300];
    (void)state;
    assert_int_equal(site_new("/nowhere", &s), ERR_IO);
    assert_null(s);
    path_to(path, "index.html");
    assert_int_equal(site_new(path, &s), ERR_IO);
    // More than fits: a file of holes.
    path_to(path, "docs/deep/page.txt");
    assert_int_equal(truncate(path, (off_t)SITE_BYTES_MAX + 1), 0);
    assert_int_equal(site_new(folder, &s), ERR_LIMIT);
    assert_int_equal(truncate(path, 4), 0);
    path_to(path, "empty");
    assert_ok(site_new(path, &s)); // an empty site is one
    ask_of(s, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_status("404 ");
    site_unref(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_served),
        cmocka_unit_test(head_has_no_body),
        cmocka_unit_test(nothing_else_is_there),
        cmocka_unit_test(folders_are_redirected_to),
        cmocka_unit_test(what_has_not_changed_is_not_sent),
        cmocka_unit_test(other_methods_and_versions),
        cmocka_unit_test(the_operator_has_a_page_for_what_is_missing),
        cmocka_unit_test(folders_that_cannot_be_read),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("site", tests, set_up, tear_down);
}
