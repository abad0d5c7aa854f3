// SPDX-License-Identifier: Apache-2.0
//
// Which requests the page's server answers, by their heads; its tokens; its files.
#include "unit.h"

#include "web/asset.h"
#include "web/gate.h"
#include "web/ticket.h"
#include "web/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PORT = 4711 };

static enum gate gate(const char *line, const char *headers)
{
    char text[2000];
    struct http_request r;
    int n = snprintf(text, sizeof text, "%s HTTP/1.1\r\n%s\r\n", line, headers);
    if (http_read_request(span_of(text, (size_t)n), &r) != ERR_OK) return GATE_BAD;
    return gate_of(&r, PORT);
}

#define HOST "Host: 127.0.0.1:4711\r\n"
#define SOCKET                                                                                      \
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " \
    "AAAAAAAAAAAAAAAAAAAAAA==\r\n"

static void the_page_is_for_those_who_name_it(void **state)
{
    (void)state;
    assert_int_equal(gate("GET /", HOST), GATE_PAGE);
    assert_int_equal(gate("GET /app.js", "Host: localhost:4711\r\n"), GATE_PAGE);
    assert_int_equal(gate("HEAD /", HOST), GATE_HEAD);
    assert_int_equal(gate("GET /", "Host: evil.example:4711\r\n"), GATE_ELSEWHERE); // DNS rebinding
    assert_int_equal(gate("GET /", "Host: 127.0.0.1\r\n"), GATE_ELSEWHERE);
    assert_int_equal(gate("GET /", "Host: 127.0.0.1:4712\r\n"), GATE_ELSEWHERE);
    assert_int_equal(gate("GET /", "Host: 127.0.0.1:4711.evil.example\r\n"), GATE_ELSEWHERE);
    assert_int_equal(gate("GET /", HOST "Host: evil.example\r\n"), GATE_BAD);
    assert_int_equal(gate("POST /", HOST), GATE_METHOD);
    assert_int_equal(gate("GET /", HOST "Content-Length: 3\r\n"), GATE_BAD);
}

static void other_sites_get_nothing(void **state)
{
    (void)state;
    assert_int_equal(gate("GET /app.js", HOST "Sec-Fetch-Site: same-origin\r\n"), GATE_PAGE);
    assert_int_equal(gate("GET /app.js", HOST "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n"),
                     GATE_ELSEWHERE);
    assert_int_equal(gate("GET /app.js", HOST "Sec-Fetch-Site: same-site\r\n"), GATE_ELSEWHERE);
    assert_int_equal(gate("GET /app.js", HOST "Origin: http://evil.example\r\n"), GATE_ELSEWHERE);
    assert_int_equal(gate("GET /app.js", HOST "Origin: null\r\n"), GATE_ELSEWHERE);
    const char *link = HOST "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    assert_int_equal(gate("GET /", link), GATE_PAGE);
    const char *frame = HOST "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n";
    assert_int_equal(gate("GET /", frame), GATE_ELSEWHERE);
}

static struct span token_in(const char *headers)
{
    static char text[500];
    static struct http_request r;
    int n = snprintf(text, sizeof text, "GET /file/1 HTTP/1.1\r\n%s\r\n", headers);
    assert_ok(http_read_request(span_of(text, (size_t)n), &r));
    return gate_token(&r);
}

static void files_are_asked_for_and_given(void **state)
{
    (void)state;
    assert_int_equal(gate("GET /file/12", HOST), GATE_FILE);
    assert_int_equal(gate("HEAD /file/12", HOST), GATE_FILE_HEAD);
    assert_int_equal(gate("PUT /file", HOST "Content-Length: 3\r\n"), GATE_PUT);
    assert_int_equal(gate("PUT /file", HOST "Origin: http://evil.example\r\nContent-Length: 3\r\n"), GATE_ELSEWHERE);
    assert_int_equal(gate("PUT /app.js", HOST "Content-Length: 3\r\n"), GATE_METHOD);
    assert_int_equal(gate("OPTIONS /file", HOST), GATE_METHOD);
    assert_int_equal(gate("GET /file/12", HOST "Content-Length: 3\r\n"), GATE_BAD);
    assert_int_equal(gate("GET /files", HOST), GATE_PAGE);
    assert_true(span_eq(token_in(HOST "Authorization: Bearer abc\r\n"), span_str("abc")));
    assert_true(span_eq(token_in(HOST "authorization: bearer abc\r\n"), span_str("abc")));
    assert_int_equal(token_in(HOST).n, 0);
    assert_int_equal(token_in(HOST "Authorization: Basic abc\r\n").n, 0);
    assert_int_equal(token_in(HOST "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n").n, 0);
}

static void a_socket_tells_its_origin(void **state)
{
    (void)state;
    assert_int_equal(gate("GET /rpc", HOST SOCKET "Origin: http://127.0.0.1:4711\r\n"), GATE_SOCKET);
    assert_int_equal(gate("GET /rpc", HOST SOCKET), GATE_ELSEWHERE);
    assert_int_equal(gate("GET /rpc", HOST SOCKET "Origin: http://localhost:4711\r\n"), GATE_ELSEWHERE);
    assert_int_equal(gate("GET /rpc", HOST SOCKET "Origin: https://127.0.0.1:4711\r\n"), GATE_ELSEWHERE);
    assert_int_equal(gate("GET /rpc", HOST SOCKET "Origin: http://127.0.0.1:4712\r\n"), GATE_ELSEWHERE);
    assert_int_equal(gate("GET /rpc", HOST SOCKET "Origin: http://127.0.0.1:4711\r\nOrigin: http://evil.example\r\n"),
                     GATE_ELSEWHERE);
    assert_int_equal(gate("GET /rpc", HOST "Origin: http://127.0.0.1:4711\r\n"), GATE_BAD);
    assert_int_equal(gate("HEAD /rpc", HOST SOCKET "Origin: http://127.0.0.1:4711\r\n"), GATE_BAD);
}

static void tokens_outlive_the_engine(void **state)
{
    (void)state;
    char folder[] = "/tmp/whimbrel-tokens-XXXXXX", first[TOKEN_TEXT + 1], next[TOKEN_TEXT + 1], path[100];
    struct tokens t;
    assert_non_null(mkdtemp(folder));
    assert_false(web_is_wanted(folder));
    assert_int_equal(tokens_init(&t, folder), ERR_OK);
    assert_false(tokens_know(&t, span_str("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")));
    t.port = PORT;
    assert_int_equal(tokens_new(&t, first), ERR_OK);
    assert_true(web_is_wanted(folder));
    tokens_wipe(&t);
    assert_int_equal(tokens_init(&t, folder), ERR_OK); // another start
    assert_int_equal(t.port, PORT);
    assert_true(tokens_know(&t, span_str(first)));
    assert_false(tokens_know(&t, span_of(first, TOKEN_TEXT - 1)));
    first[3] ^= 1;
    assert_false(tokens_know(&t, span_str(first)));
    first[3] ^= 1;
    for (int i = 0; i < WEB_TOKENS; i++) assert_int_equal(tokens_new(&t, next), ERR_OK);
    assert_true(tokens_know(&t, span_str(next)));
    assert_false(tokens_know(&t, span_str(first))); // too old
    tokens_wipe(&t);
    (void)snprintf(path, sizeof path, "%s/ui", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("seven\nzz\n\n", f);
    (void)fclose(f);
    assert_int_equal(tokens_init(&t, folder), ERR_OK); // damaged: as if there were none
    assert_int_equal(t.port, 0);
    assert_false(tokens_know(&t, span_str(next)));
    tokens_wipe(&t);
    (void)unlink(path);
    (void)rmdir(folder);
}

static void players_ask_by_their_path(void **state)
{
    static const char path[] = "GET /play/7/AAAA";
    (void)state;
    assert_int_equal(gate(path, HOST), GATE_PLAY);
    assert_int_equal(gate(path, HOST "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Dest: video\r\n"), GATE_PLAY);
    assert_int_equal(gate(path, HOST "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Dest: audio\r\n"), GATE_PLAY);
    assert_int_equal(gate(path, HOST "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Dest: empty\r\n"), GATE_ELSEWHERE);
    assert_int_equal(gate(path, HOST "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: video\r\n"), GATE_ELSEWHERE);
    assert_int_equal(gate(path, HOST "Origin: http://evil.example\r\n"), GATE_ELSEWHERE);
    assert_int_equal(gate(path, "Host: evil.example:4711\r\n"), GATE_ELSEWHERE);
    const char *link = HOST "Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    assert_int_equal(gate(path, link), GATE_ELSEWHERE);
    assert_int_equal(gate("HEAD /play/7/AAAA", HOST), GATE_METHOD);
    assert_int_equal(gate("PUT /play/7/AAAA", HOST), GATE_METHOD);
    assert_int_equal(gate(path, HOST "Content-Length: 3\r\n"), GATE_BAD);
}

static void a_path_is_good_until_the_secret_changes(void **state)
{
    struct tickets t = {0};
    char path[TICKET_PATH], other[TICKET_PATH], longer[TICKET_PATH + 10];
    uint64_t message = 0;
    (void)state;
    assert_int_equal(crypto_new(&t.crypto), ERR_OK);
    assert_int_equal(tickets_path(&t, 7, path), ERR_REFUSED); // no secret yet
    assert_int_equal(tickets_renew(&t), ERR_OK);
    assert_int_equal(tickets_path(&t, 70, path), ERR_OK);
    assert_true(tickets_know(&t, span_str(path), &message));
    assert_int_equal(message, 70);
    for (size_t i = 0; path[i] != 0; i++) { // no character can be another one, or be missing
        memcpy(other, path, sizeof other);
        other[i] = (char)(other[i] == 'A' ? 'B' : 'A');
        assert_false(tickets_know(&t, span_str(other), &message));
        assert_false(tickets_know(&t, span_of(path, i), &message));
    }
    (void)snprintf(longer, sizeof longer, "/play/0%s", path + 6); // the same number, spelt otherwise
    assert_false(tickets_know(&t, span_str(longer), &message));
    assert_int_equal(tickets_path(&t, 71, other), ERR_OK);
    assert_true(tickets_know(&t, span_str(other), &message));
    other[7] = '0'; // the key of one with the number of another
    assert_false(tickets_know(&t, span_str(other), &message));
    assert_int_equal(tickets_path(&t, UINT64_MAX, other), ERR_REFUSED);
    assert_int_equal(tickets_renew(&t), ERR_OK);
    assert_false(tickets_know(&t, span_str(path), &message));
    crypto_free(t.crypto);
    tickets_wipe(&t);
}

static void there_is_a_page(void **state)
{
    (void)state;
    const struct asset *a = asset_find("/");
    assert_non_null(a);
    assert_string_equal(a->path, "/index.html");
    assert_true(a->bytes.n > 100);
    assert_null(asset_find("/../keys"));
    assert_null(asset_find("/nothing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_for_those_who_name_it), cmocka_unit_test(other_sites_get_nothing),
        cmocka_unit_test(files_are_asked_for_and_given),     cmocka_unit_test(a_socket_tells_its_origin),
        cmocka_unit_test(tokens_outlive_the_engine),         cmocka_unit_test(there_is_a_page),
        cmocka_unit_test(players_ask_by_their_path),         cmocka_unit_test(a_path_is_good_until_the_secret_changes),
    };
    return cmocka_run_group_tests_name("web gate", tests, NULL, NULL);
}
