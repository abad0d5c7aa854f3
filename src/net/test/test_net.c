// SPDX-License-Identifier: Apache-2.0
//
// net: connections over TLS on loopback: what is sent arrives, however much and however slowly; every end is told by its right
// name; and whoever does not speak TLS, or does not end its handshake, is gone. Loops, posts and timers are in test_loop.c.
#include "net/test/stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

static uint8_t pattern(size_t i) { return (uint8_t)(i * 7 + (i >> 8) * 13 + (i >> 16)); }

static void put_pattern(struct peer *p, size_t from, size_t n)
{
    uint8_t *bytes = malloc(n);
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++) bytes[i] = pattern(from + i);
    net_conn_send(p->conn, span_of(bytes, n));
    free(bytes);
}

// Of what a peer counts, without keeping it.
static void expect_pattern(struct peer *p, struct span bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        if (bytes.p[i] != pattern(p->count + i)) fail_msg("byte %zu is wrong", p->count + i);
    }
    p->count += bytes.n;
}

static void echo(struct peer *p, struct span bytes) { net_conn_send(p->conn, bytes); }
static void stop(struct peer *p) { net_loop_stop(p->stage->loop); }

// ---------------------------------------------------------------------------------------------------------- echoes

enum { MANY = 200, ECHO_BYTES = 1 + 1000 + 100000 };
static size_t many_closed;

static void echo_sent(struct peer *p)
{
    put_pattern(p, 0, 1);
    put_pattern(p, 1, 1000);
    put_pattern(p, 1001, 100000);
}

static void echo_came(struct peer *p, struct span bytes)
{
    expect_pattern(p, bytes);
    assert_true(p->count <= ECHO_BYTES);
    if (p->count == ECHO_BYTES) net_conn_close(p->conn);
}

static void echo_done(struct peer *p)
{
    if (++many_closed == MANY) stop(p);
}

static void many_connections_get_their_echo(void **state)
{
    (void)state;
    struct stage s;
    static struct peer p[MANY];
    stage_open(&s);
    many_closed = 0;
    s.model = (struct peer){.on_data = echo};
    for (size_t i = 0; i < MANY; i++) {
        p[i] = (struct peer){.on_open = echo_sent, .on_data = echo_came, .on_closed = echo_done};
        stage_connect(&s, &p[i], NULL);
    }
    stage_run(&s);
    assert_int_equal(s.n, MANY);
    assert_int_equal(s.seen_n, 4);
    assert_memory_equal(s.seen, ((uint8_t[]){127, 0, 0, 1}), 4);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(p[i].count, ECHO_BYTES);
        assert_int_equal(p[i].opened, 1);
        assert_int_equal(p[i].closed, 1);
        assert_int_equal(p[i].why, ERR_OK);
        assert_int_equal(s.accepted[i]->why, ERR_OK);
        peer_wipe(&p[i]);
    }
    stage_close(&s);
}

static void what_is_sent_before_the_handshake_waits_for_it(void **state)
{
    (void)state;
    struct stage s;
    struct peer p = {.on_closed = stop};
    stage_open(&s);
    s.model = (struct peer){.on_data = echo};
    p.on_data = echo_came;
    stage_connect(&s, &p, NULL);
    put_pattern(&p, 0, ECHO_BYTES);
    assert_int_equal(net_conn_pending(p.conn), ECHO_BYTES);
    stage_run(&s);
    assert_int_equal(p.count, ECHO_BYTES);
    peer_wipe(&p);
    stage_close(&s);
}

// ------------------------------------------------------------------------------------------------------ slow readers

enum { BIG = 8 << 20, CHUNK = 256 << 10, MARK = 64 << 10 };

static uint64_t taken_asleep, taken_last; // of what had to wait

static void send_chunk(struct peer *p)
{
    taken_last = net_conn_taken(p->conn);
    if (p->count == BIG) {
        net_conn_close(p->conn);
        return;
    }
    put_pattern(p, p->count, CHUNK);
    p->count += CHUNK;
}

static void start_chunks(struct peer *p)
{
    net_conn_mark(p->conn, MARK);
    send_chunk(p);
}

static struct peer *sleeper;
static struct net_timer alarm_clock;

static void awake(struct net_timer *t)
{
    (void)t;
    struct peer *server = sleeper->stage->accepted[0];
    // The server has stopped sending: the kernel takes no more, and what waits is at most what it sent at once.
    sleeper->hash = server->count;
    taken_asleep = net_conn_taken(server->conn);
    assert_true(net_conn_pending(server->conn) > 0);
    assert_true(net_conn_pending(server->conn) <= CHUNK + CHUNK / 16);
    net_conn_pause(sleeper->conn, false);
}

static void fall_asleep(struct peer *p)
{
    int small = 65536;
    (void)setsockopt(p->conn->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    net_conn_pause(p->conn, true);
    sleeper = p;
    net_timer_start(p->stage->loop, &alarm_clock, 500, awake);
}

static void a_slow_reader_stops_the_writer(void **state)
{
    (void)state;
    struct stage s;
    struct peer p = {.on_open = fall_asleep, .on_data = expect_pattern, .on_closed = stop};
    stage_open(&s);
    s.model = (struct peer){.on_open = start_chunks, .on_drained = send_chunk};
    stage_connect(&s, &p, NULL);
    stage_run(&s);
    assert_true(p.hash < BIG); // the server could not send all of it while the reader slept
    assert_int_equal(p.count, BIG);
    assert_int_equal(p.why, ERR_OK);
    assert_true(s.accepted[0]->drained >= BIG / CHUNK - 1);
    assert_true(taken_last > taken_asleep); // the sign of life of who reads at all
    peer_wipe(&p);
    stage_close(&s);
}

static void send_all_and_close(struct peer *p)
{
    put_pattern(p, 0, BIG);
    assert_int_equal(net_conn_pending(p->conn), BIG);
    net_conn_close(p->conn);
    net_conn_send(p->conn, span_str("too late"));
    assert_int_equal(net_conn_pending(p->conn), BIG);
}

static void closing_sends_what_waits(void **state)
{
    (void)state;
    struct stage s;
    struct peer p = {.on_data = expect_pattern, .on_closed = stop};
    stage_open(&s);
    s.model = (struct peer){.on_open = send_all_and_close};
    stage_connect(&s, &p, NULL);
    put_pattern(&p, 0, 100000); // which the server will not read
    stage_run(&s);
    assert_int_equal(p.count, BIG);
    assert_int_equal(p.why, ERR_OK);
    assert_int_equal(s.accepted[0]->why, ERR_OK);
    peer_wipe(&p);
    stage_close(&s);
}

// -------------------------------------------------------------------------------------------------------------- ends

static void reset(struct peer *p)
{
    struct net_conn *c = p->conn;
    net_conn_reset(c);
    assert_int_equal(p->closed, 0); // not from within
    net_conn_reset(c);
    net_conn_close(c);
    net_conn_send(c, span_str("nobody hears it"));
}

static void a_reset_is_no_proper_end(void **state)
{
    (void)state;
    struct stage s;
    struct peer p = {.on_closed = stop};
    stage_open(&s);
    s.model = (struct peer){.on_open = reset};
    stage_connect(&s, &p, NULL);
    stage_run(&s);
    assert_int_equal(p.why, ERR_IO);
    assert_int_equal(s.accepted[0]->why, ERR_OK); // it was its own wish
    peer_wipe(&p);
    stage_close(&s);
}

static void cut(struct peer *p) { assert_int_equal(shutdown(p->conn->fd, SHUT_WR), 0); }

static void an_end_without_farewell_is_no_proper_end(void **state)
{
    (void)state;
    struct stage s;
    struct peer p = {.on_open = cut};
    stage_open(&s);
    s.model = (struct peer){.on_closed = stop};
    stage_connect(&s, &p, NULL);
    stage_run(&s);
    assert_int_equal(s.accepted[0]->why, ERR_IO);
    peer_wipe(&p);
    stage_close(&s);
}

static void no_listener_no_connection(void **state)
{
    (void)state;
    struct stage s;
    struct peer p = {.on_closed = stop};
    stage_open(&s);
    (void)close(s.fd);
    s.fd = -1;
    stage_connect(&s, &p, NULL);
    stage_run(&s);
    assert_int_equal(p.opened, 0);
    assert_int_equal(p.why, ERR_IO);
    peer_wipe(&p);
    stage_close(&s);
}

static void another_key_is_refused(void **state)
{
    (void)state;
    struct stage s;
    struct peer p = {.on_data = echo_came};
    struct net_tls *other = NULL;
    uint8_t pin[32];
    stage_open(&s);
    s.model = (struct peer){.on_closed = stop};
    net_tls_pin(s.server, pin);
    pin[31] ^= 1;
    assert_ok(net_tls_client(pin, &other));
    stage_connect(&s, &p, other);
    put_pattern(&p, 0, 100); // must not reach it
    stage_run(&s);
    assert_int_equal(p.opened, 0);
    assert_int_equal(p.closed, 1);
    assert_int_equal(p.why, ERR_UNAUTHENTICATED);
    assert_int_equal(s.accepted[0]->opened, 0);
    assert_int_equal(s.accepted[0]->got.n, 0);
    assert_int_equal(s.accepted[0]->why, ERR_MALFORMED);
    net_tls_unref(other);
    peer_wipe(&p);
    stage_close(&s);
}

static void without_a_pin_any_key_will_do(void **state)
{
    (void)state;
    struct stage s;
    struct peer p = {.on_open = echo_sent, .on_data = echo_came, .on_closed = stop};
    struct net_tls *any = NULL;
    stage_open(&s);
    s.model = (struct peer){.on_data = echo};
    assert_ok(net_tls_client(NULL, &any));
    stage_connect(&s, &p, any);
    net_tls_unref(any); // the connection holds on to it
    stage_run(&s);
    assert_int_equal(p.count, ECHO_BYTES);
    peer_wipe(&p);
    stage_close(&s);
}

// --------------------------------------------------------------------------------------------------------- strangers

static void expect_end(int fd, bool reset_only)
{
    uint8_t bytes[256];
    ssize_t n;
    while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0) {}
    if (n < 0) assert_int_equal(errno, ECONNRESET);
    else assert_false(reset_only);
    (void)close(fd);
}

static void junk_gets_nothing(void **state)
{
    (void)state;
    struct stage s;
    uint8_t junk[3000];
    for (size_t i = 0; i < sizeof junk; i++) junk[i] = (uint8_t)(i * 31 + 5);
    struct span inputs[] = {span_str("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), span_of(junk, sizeof junk),
                            span_of("\x16\x03\x01\xff\xff", 5), span_of("\x16\x03\x01\x00\x00", 5),
                            span_of("\x17\x03\x03\x00\x10""0123456789abcdef", 21)};
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        stage_open(&s);
        s.model = (struct peer){.on_closed = stop};
        s.handshake_ms = 1000;
        int fd = stage_socket(&s);
        assert_int_equal(send(fd, inputs[i].p, inputs[i].n, MSG_NOSIGNAL), inputs[i].n);
        stage_run(&s);
        assert_int_equal(s.n, 1);
        assert_int_equal(s.accepted[0]->opened, 0);
        assert_int_equal(s.accepted[0]->got.n, 0);
        // An empty record says nothing wrong yet.
        assert_int_equal(s.accepted[0]->why, i == 3 ? ERR_LIMIT : ERR_MALFORMED);
        expect_end(fd, false);
        stage_close(&s);
    }
}

static void a_handshake_has_its_time(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    s.model = (struct peer){.on_closed = stop};
    s.handshake_ms = 200;
    int fd = stage_socket(&s);
    stage_run(&s);
    assert_int_equal(s.accepted[0]->why, ERR_LIMIT);
    expect_end(fd, true);
    stage_close(&s);
}

static void who_is_refused_gets_no_handshake(void **state)
{
    (void)state;
    struct stage s;
    struct peer p = {.on_closed = stop};
    stage_open(&s);
    s.refuse = true;
    stage_connect(&s, &p, NULL);
    stage_run(&s);
    assert_int_equal(s.n, 0);
    assert_int_equal(s.seen_n, 4);
    assert_int_equal(p.opened, 0);
    assert_true(p.why == ERR_IO);
    peer_wipe(&p);
    stage_close(&s);
}

static struct rlimit files_before;
static struct net_timer more_files;

static void allow_files(struct net_timer *t)
{
    (void)t;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files_before), 0);
}

static void without_descriptors_accepting_rests(void **state)
{
    (void)state;
    struct stage s;
    struct peer p = {.on_open = echo_sent, .on_data = echo_came, .on_closed = stop};
    stage_open(&s);
    s.model = (struct peer){.on_data = echo};
    stage_connect(&s, &p, NULL);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files_before), 0);
    struct rlimit none = {.rlim_cur = (rlim_t)p.conn->fd + 1, .rlim_max = files_before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    net_timer_start(s.loop, &more_files, 300, allow_files);
    stage_run(&s);
    assert_int_equal(p.count, ECHO_BYTES); // a little later
    peer_wipe(&p);
    stage_close(&s);
}

// ------------------------------------------------------------------------------------------------ other TLS clients

struct stranger {
    const struct stage *stage;
    int max_version;
    bool opened;
    char protocol[16], version[16];
    struct buf got;
};

static bool move(SSL *ssl, int fd, bool wait)
{
    uint8_t bytes[4096];
    int n;
    while ((n = BIO_read(SSL_get_wbio(ssl), bytes, sizeof bytes)) > 0) {
        for (int i = 0; i < n; i++) { // each byte a packet of its own
            if (send(fd, bytes + i, 1, MSG_NOSIGNAL) != 1) return false;
        }
    }
    if (!wait) return true;
    ssize_t came = recv(fd, bytes, sizeof bytes, 0);
    return came > 0 && BIO_write(SSL_get_rbio(ssl), bytes, (int)came) == came;
}

// OpenSSL with its own BIOs, in a thread: sends "hello" and reads five bytes.
static void *be_stranger(void *arg)
{
    struct stranger *s = arg;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = NULL;
    uint8_t bytes[64];
    int fd = stage_socket(s->stage), n, one = 1;
    if (setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof one) != 0) goto out;
    if (ctx == NULL || SSL_CTX_set_max_proto_version(ctx, s->max_version) != 1) goto out;
    ssl = SSL_new(ctx);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (SSL_set_alpn_protos(ssl, (const uint8_t *)"\x02h2\x08http/1.1", 12) != 0) goto out;
    SSL_set_connect_state(ssl);
    while (SSL_do_handshake(ssl) != 1) {
        if (SSL_get_error(ssl, -1) != SSL_ERROR_WANT_READ || !move(ssl, fd, true)) goto out;
    }
    s->opened = true;
    const uint8_t *protocol;
    unsigned protocol_n;
    SSL_get0_alpn_selected(ssl, &protocol, &protocol_n);
    snprintf(s->protocol, sizeof s->protocol, "%.*s", (int)protocol_n, (const char *)protocol);
    snprintf(s->version, sizeof s->version, "%s", SSL_get_version(ssl));
    if (SSL_write(ssl, "hello", 5) != 5 || !move(ssl, fd, false)) goto out;
    while (s->got.n < 5) {
        if ((n = SSL_read(ssl, bytes, sizeof bytes)) > 0) buf_put(&s->got, span_of(bytes, (size_t)n));
        else if (!move(ssl, fd, true)) goto out;
    }
    (void)SSL_shutdown(ssl);
    (void)move(ssl, fd, false);
out:
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    (void)close(fd);
    return NULL;
}

static void meet(struct stranger *stranger, struct stage *s)
{
    pthread_t thread;
    stage_open(s);
    s->model = (struct peer){.on_data = echo, .on_closed = stop};
    stranger->stage = s;
    buf_init(&stranger->got, 100);
    assert_int_equal(pthread_create(&thread, NULL, be_stranger, stranger), 0);
    stage_run(s);
    assert_int_equal(pthread_join(thread, NULL), 0);
    buf_wipe(&stranger->got);
}

static void a_byte_at_a_time_is_enough(void **state)
{
    (void)state;
    struct stage s;
    struct stranger stranger = {.max_version = TLS1_3_VERSION};
    meet(&stranger, &s);
    assert_true(stranger.opened);
    assert_string_equal(stranger.version, "TLSv1.3");
    assert_string_equal(stranger.protocol, "http/1.1");
    assert_int_equal(s.accepted[0]->why, ERR_OK);
    stage_close(&s);
}

static void older_tls_is_refused(void **state)
{
    (void)state;
    struct stage s;
    struct stranger stranger = {.max_version = TLS1_2_VERSION};
    meet(&stranger, &s);
    assert_false(stranger.opened);
    assert_int_equal(s.accepted[0]->why, ERR_MALFORMED);
    stage_close(&s);
}

// ------------------------------------------------------------------------------------------------------------- files

static void keys_and_certificates_belong_together(void **state)
{
    (void)state;
    struct stage s;
    struct net_tls *t = NULL;
    char other[96], junk[96];
    stage_open(&s);
    snprintf(other, sizeof other, "%s/other.pem", s.folder);
    snprintf(junk, sizeof junk, "%s/junk.pem", s.folder);
    assert_int_equal(net_tls_server("/nonexistent", s.key, &t), ERR_NOT_FOUND);
    assert_int_equal(net_tls_server(s.certificate, "/nonexistent", &t), ERR_NOT_FOUND);
    assert_int_equal(net_tls_server(s.key, s.key, &t), ERR_MALFORMED);
    assert_int_equal(net_tls_server(s.certificate, s.certificate, &t), ERR_MALFORMED);
    assert_ok(net_tls_generate("127.0.0.1", junk, other));
    assert_int_equal(net_tls_server(s.certificate, other, &t), ERR_INVALID);
    assert_null(t);
    assert_int_equal(net_tls_generate("::1", junk, other), ERR_IO); // nothing is overwritten
    assert_ok(net_tls_server(junk, other, &t));
    uint8_t a[32], b[32];
    net_tls_pin(t, a);
    net_tls_pin(s.server, b);
    assert_memory_not_equal(a, b, 32);
    net_tls_unref(t);
    (void)unlink(other);
    (void)unlink(junk);
    stage_close(&s);
}

static void ipv4_is_ipv4_however_it_comes(void **state)
{
    (void)state;
    uint8_t out[16];
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    assert_int_equal(inet_pton(AF_INET, "192.0.2.7", &in.sin_addr), 1);
    assert_int_equal(net_address((struct sockaddr *)&in, out), 4);
    assert_memory_equal(out, "\xc0\0\2\7", 4);
    memset(out, 0, sizeof out);
    assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.7", &in6.sin6_addr), 1);
    assert_int_equal(net_address((struct sockaddr *)&in6, out), 4);
    assert_memory_equal(out, "\xc0\0\2\7", 4);
    assert_int_equal(inet_pton(AF_INET6, "2001:db8::1", &in6.sin6_addr), 1);
    assert_int_equal(net_address((struct sockaddr *)&in6, out), 16);
    assert_memory_equal(out, &in6.sin6_addr, 16);
    in6.sin6_family = AF_UNIX;
    assert_int_equal(net_address((struct sockaddr *)&in6, out), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_connections_get_their_echo),
        cmocka_unit_test(what_is_sent_before_the_handshake_waits_for_it),
        cmocka_unit_test(a_slow_reader_stops_the_writer),
        cmocka_unit_test(closing_sends_what_waits),
        cmocka_unit_test(a_reset_is_no_proper_end),
        cmocka_unit_test(an_end_without_farewell_is_no_proper_end),
        cmocka_unit_test(no_listener_no_connection),
        cmocka_unit_test(another_key_is_refused),
        cmocka_unit_test(without_a_pin_any_key_will_do),
        cmocka_unit_test(junk_gets_nothing),
        cmocka_unit_test(a_handshake_has_its_time),
        cmocka_unit_test(who_is_refused_gets_no_handshake),
        cmocka_unit_test(without_descriptors_accepting_rests),
        cmocka_unit_test(a_byte_at_a_time_is_enough),
        cmocka_unit_test(older_tls_is_refused),
        cmocka_unit_test(keys_and_certificates_belong_together),
        cmocka_unit_test(ipv4_is_ipv4_however_it_comes),
    };
    return unit_run("net", tests);
}
