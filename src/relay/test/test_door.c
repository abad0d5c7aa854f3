// SPDX-License-Identifier: Apache-2.0
//
// The door, over real connections: what strangers see, that who asks without reading costs no memory, and what a reload of
// certificate, site and limits does to those who are in already.
#include "relay/test/scene.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/x509.h>
#include <unistd.h>

static struct scene scene;

static void say(struct client *c, const char *text) { client_bytes(c, span_str(text)); }

// One answer's head, and as many bytes of body as it says.
static size_t read_answer(struct client *c, char head[2000])
{
    size_t n = 0, length = 0;
    char *end;
    while (n < 1999 && (n < 4 || memcmp(head + n - 4, "\r\n\r\n", 4) != 0)) {
        if (client_read(c, head + n, 1) != 1) break;
        n++;
    }
    head[n] = 0;
    const char *at = strstr(head, "Content-Length: ");
    if (at != NULL) length = strtoul(at + strlen("Content-Length: "), &end, 10);
    uint8_t *body = mem_new(length + 1);
    assert_non_null(body);
    assert_int_equal(client_read(c, body, length), length);
    mem_free(body);
    return length;
}

static void strangers_see_a_site(void **state)
{
    static const char *const strange[] = {
        "GET /secret HTTP/1.1\r\nHost: x\r\n\r\n", // the path alone
        "GET /secret HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
        "13\r\n\r\n",
        "GET /secret HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 12\r\n\r\n",
        "GET /secret/ HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        "GET /secret?a HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        "GET /guess HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    };
    struct client c;
    char head[2000], first[2000] = "";
    (void)state;
    scene_open(&scene, NULL);
    client_dial(&c, &scene);
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        say(&c, strange[i]);
        (void)read_answer(&c, head);
        char *date = strstr(head, "Date: ");
        assert_non_null(date);
        memset(date, 'x', strlen("Date: Sun, 06 Nov 1994 08:49:37 GMT"));
        if (i == 0) memcpy(first, head, sizeof first);
        assert_memory_equal(head, "HTTP/1.1 404 Not Found\r\n", 24);
        assert_string_equal(head, first); // one like the other
    }
    client_upgrade(&c); // the same connection, when it knows
    client_close(&c);
    scene_close(&scene);
}

static void requests_may_come_together_or_in_pieces(void **state)
{
    static const char request[] =
        "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /big.bin HTTP/1.1\r\nHost: x\r\n\r\nHEAD / HTTP/1.1\r\nHost: x\r\n"
        "\r\n\r\nGET /missing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    struct client c;
    char head[2000];
    (void)state;
    scene_open(&scene, NULL);
    for (int pieces = 0; pieces < 2; pieces++) {
        client_dial(&c, &scene);
        for (size_t i = 0; pieces && request[i] != 0; i++) client_bytes(&c, span_of(request + i, 1));
        if (!pieces) say(&c, request);
        assert_int_equal(read_answer(&c, head), 17);
        assert_int_equal(read_answer(&c, head), 300000);
        assert_memory_equal(head, "HTTP/1.1 200 OK\r\n", 17);
        while (client_read(&c, head, 1) == 1 && head[0] != '\n') {}
        char *end = head;
        for (size_t n = 0; n < 4 || memcmp(end - 4, "\r\n\r\n", 4) != 0; n++)
            assert_int_equal(client_read(&c, end++, 1), 1);
        (void)read_answer(&c, head);
        assert_memory_equal(head, "HTTP/1.1 404 ", 13);
        assert_int_equal(client_read(&c, head, 1), 0); // and closed
        client_close(&c);
    }
    scene_close(&scene);
}

static void junk_is_a_bad_request(void **state)
{
    struct client c;
    char head[2000], *big = malloc(9000);
    (void)state;
    assert_non_null(big);
    scene_open(&scene, NULL);
    client_dial(&c, &scene);
    say(&c, "\x16\x03\x01 hello\r\n\r\n");
    (void)read_answer(&c, head);
    assert_memory_equal(head, "HTTP/1.1 400 ", 13);
    assert_int_equal(client_read(&c, head, 1), 0);
    client_close(&c);
    client_dial(&c, &scene);
    memset(big, 'x', 9000);
    memcpy(big, "GET /", 5);
    client_bytes(&c, span_of(big, 9000)); // a head without an end
    (void)read_answer(&c, head);
    assert_memory_equal(head, "HTTP/1.1 431 ", 13);
    client_close(&c);
    free(big);
    scene_close(&scene);
}

// Whoever asks on and on and reads nothing is not read any more, until the answers are taken.
static void a_visitor_who_does_not_read_waits(void **state)
{
    static const char request[] = "GET /missing HTTP/1.1\r\nHost: x\r\n\r\n";
    struct client c;
    char head[2000];
    size_t asked = 0;
    (void)state;
    scene_open(&scene, NULL);
    client_dial(&c, &scene);
    const struct timeval short_wait = {.tv_usec = 300000};
    assert_int_equal(setsockopt(c.fd, SOL_SOCKET, SO_SNDTIMEO, &short_wait, sizeof short_wait), 0);
    // The kernel's buffers take some megabytes; an endless appetite would take these all.
    for (; asked < 1000000; asked++) {
        size_t n = 0;
        if (SSL_write_ex(c.ssl, request, sizeof request - 1, &n) != 1) break;
    }
    assert_in_range(asked, 1, 999999);
    client_close(&c);
    // Who reads late is answered all the same.
    client_dial(&c, &scene);
    for (int i = 0; i < 5000; i++) say(&c, request);
    for (int i = 0; i < 5000; i++) {
        (void)read_answer(&c, head);
        assert_memory_equal(head, "HTTP/1.1 404 ", 13);
    }
    client_close(&c);
    scene_close(&scene);
}

static const char page_request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

static void connecting_too_fast_costs_the_answer(void **state)
{
    static const char *const settings[] = {"rate_address", "1", NULL};
    struct client c;
    char head[2000] = "HTTP";
    int answers = 0;
    (void)state;
    scene_open(&scene, settings);
    client_dial(&c, &scene);
    while (answers < 100 && c.ssl != NULL) {
        size_t n = 0;
        if (SSL_write_ex(c.ssl, page_request, sizeof page_request - 1, &n) != 1) break;
        (void)read_answer(&c, head);
        if (head[0] == 0) break;
        answers++;
    }
    assert_in_range(answers, 2, 99);
    client_close(&c);
    scene_close(&scene);
}

// Neither a handshake nor a request may take for ever.
static void the_slow_are_cut_off(void **state)
{
    static const char *const settings[] = {"handshake_timeout", "1", "request_timeout", "1", NULL};
    struct client c;
    char head[2000];
    (void)state;
    scene_open(&scene, settings);
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(scene.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval limit = {.tv_sec = 30};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(send(fd, "\x16\x03\x01", 3, MSG_NOSIGNAL), 3);
    ssize_t n = recv(fd, head, 1, 0);
    assert_true(n == 0 || errno == ECONNRESET);
    (void)close(fd);
    client_dial(&c, &scene); // half a request
    say(&c, "GET / HTTP/1.1\r\nHost: ");
    assert_int_equal(client_read(&c, head, 1), 0);
    client_close(&c);
    client_dial(&c, &scene); // and one behind another that was whole
    say(&c, page_request);
    (void)read_answer(&c, head);
    assert_int_equal(client_read(&c, head, 1), 0);
    client_close(&c);
    wait_until(quota_connections(&scene.relay->quota) == 0);
    scene_close(&scene);
}

// ------------------------------------------------------------------------------------------------------------ reloads

static void write_page(const char *text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/site/index.html", scene.folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static size_t ask_page(struct client *c)
{
    char head[2000];
    say(c, page_request);
    return read_answer(c, head);
}

// The old site, certificate and limits are gone from memory while somebody still uses what came of them.
static void a_reload_drops_nobody(void **state)
{
    static const char *const tighter[] = {"in_flight_max", "1",       "follows_max", "1", "entry_max",
                                          "1024",          "hosting", "no",          NULL};
    struct client reader, session, visitor, fresh;
    char head[2000], body[1000];
    (void)state;
    scene_open(&scene, NULL);
    client_open(&session, &scene, 1 << 20);
    make_log(&session, 1, 1);
    make_log(&session, 2, 2);
    assert_int_equal(follow(&session, 1, 1, 1, 0), WIRE_OK);
    assert_int_equal(follow(&session, 2, 2, 2, 0), WIRE_OK);
    client_dial(&visitor, &scene);
    assert_int_equal(ask_page(&visitor), 17);
    client_dial(&reader, &scene); // amid a file of the old site
    for (int i = 0; i < 40; i++) say(&reader, "GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n");
    size_t length = 0;
    assert_int_equal(client_read(&reader, body, 1000), 1000);
    write_page("new");
    scene_reload(&scene, tighter);
    scene_settle(&scene);
    assert_int_equal(ask_page(&visitor), 3);
    for (uint64_t n = 1000; n < 300000; n += length) { // head and body of the first, all of the old bytes
        length = client_read(&reader, body, sizeof body);
        assert_int_equal(length, 1000);
    }
    client_close(&reader);
    // The session goes on, by the new limits.
    assert_code(append(&session, 1, 1, 0, "after"), WIRE_OK);
    assert_entries(&session, 1, 1, 1);
    assert_code(append(&session, 2, 2, 0, "after"), WIRE_OK);
    assert_entries(&session, 2, 1, 1);
    memset(body, 'x', sizeof body);
    char long_text[1026];
    memset(long_text, 'x', 1025);
    long_text[1025] = 0;
    assert_code(append(&session, 1, 1, 0, long_text), WIRE_E_LIMIT);
    assert_int_equal(follow(&session, 3, 3, 3, 0), WIRE_E_LIMIT);
    client_open(&fresh, &scene, 0);
    struct wire_grant g = {.rights = WIRE_RIGHTS, .to_seq = WIRE_NO_END};
    struct buf list;
    buf_init(&list, 4096);
    wire_put_grant(&list, &g);
    const struct wire_request create = {.type = WIRE_LOG_CREATE, .log = log_of(5), .grants = buf_span(&list)};
    assert_code(client_ask(&fresh, create), WIRE_E_HOSTING);
    assert_code(client_ask(&session, create), WIRE_E_HOSTING);
    buf_wipe(&list);
    (void)head;
    client_close(&fresh);
    client_close(&visitor);
    client_close(&session);
    scene_close(&scene);
}

static void pin_of_peer(const struct client *c, uint8_t out[32])
{
    X509 *x = SSL_get1_peer_certificate(c->ssl);
    unsigned n = 32;
    assert_non_null(x);
    assert_int_equal(X509_pubkey_digest(x, EVP_sha256(), out, &n), 1);
    X509_free(x);
}

static void a_new_certificate_is_for_new_connections(void **state)
{
    struct client before, after;
    uint8_t a[32], b[32];
    (void)state;
    scene_open(&scene, NULL);
    client_open(&before, &scene, 0);
    make_log(&before, 1, 1);
    pin_of_peer(&before, a);
    assert_int_equal(unlink(scene.config.certificate), 0);
    assert_int_equal(unlink(scene.config.key), 0);
    assert_ok(net_tls_generate("localhost", scene.config.certificate, scene.config.key));
    scene_reload(&scene, NULL);
    scene_settle(&scene);
    client_open(&after, &scene, 0);
    pin_of_peer(&after, b);
    assert_memory_not_equal(a, b, 20);
    assert_code(append(&before, 1, 1, 0, "still here"), WIRE_OK);
    assert_code(append(&after, 1, 1, 0, "here too"), WIRE_OK);
    client_close(&before);
    client_close(&after);
    scene_close(&scene);
}

// Reload upon reload, while connections come, ask and go: the sanitizers see whether anything old is used.
static void reloads_amid_traffic(void **state)
{
    static const char *const a[] = {"in_flight_max", "2", "rate_connection", "100000", NULL}, *const b[] = {
                                                                                                  "in_flight_max", "64",
                                                                                                  "rate_connection",
                                                                                                  "0", NULL};
    struct client session;
    (void)state;
    scene_open(&scene, NULL);
    client_open(&session, &scene, INT32_MAX);
    make_log(&session, 1, 1);
    assert_int_equal(follow(&session, 1, 1, 1, 0), WIRE_OK);
    for (uint64_t i = 1; i <= 30; i++) {
        struct client c;
        client_dial(&c, &scene);
        say(&c, "GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
        uint32_t id = client_send(
            &session, (struct wire_request){
                          .type = WIRE_LOG_APPEND, .log = log_of(1), .key = key_of(1), .payload = span_str("x")});
        scene_reload(&scene, i % 2 ? a : b);
        assert_code(client_reply(&session, id), WIRE_OK);
        assert_entries(&session, 1, i, i);
        client_close(&c);
    }
    client_close(&session);
    scene_close(&scene);
}

// A relay that fails while it starts must not hang: a worker that never ran has a listener.
static void a_worker_that_never_ran_can_be_wiped(void **state)
{
    struct worker w = {0};
    struct net_listener *n = NULL;
    struct relay *r = mem_new(sizeof *r);
    (void)state;
    assert_non_null(r);
    scene_open(&scene, NULL);
    assert_ok(worker_init(&w, r, scene.setup));
    const struct net_accept accept = {.handshake_ms = 1};
    assert_ok(net_listen(w.loop, scene.socket, &accept, &n));
    worker_wipe(&w);
    mem_free(r);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_see_a_site),
        cmocka_unit_test(requests_may_come_together_or_in_pieces),
        cmocka_unit_test(junk_is_a_bad_request),
        cmocka_unit_test(a_visitor_who_does_not_read_waits),
        cmocka_unit_test(connecting_too_fast_costs_the_answer),
        cmocka_unit_test(the_slow_are_cut_off),
        cmocka_unit_test(a_reload_drops_nobody),
        cmocka_unit_test(a_new_certificate_is_for_new_connections),
        cmocka_unit_test(reloads_amid_traffic),
        cmocka_unit_test(a_worker_that_never_ran_can_be_wiped),
    };
    return unit_run("door", tests);
}
