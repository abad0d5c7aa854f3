// SPDX-License-Identifier: Apache-2.0
//
// The clients of the tests: see scene.h. Whatever does not come within half a minute fails the test.
#include "relay/test/scene.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/sha.h>
#include <sys/socket.h>
#include <unistd.h>

static const char handshake[] =
    "GET /secret HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

void client_dial(struct client *c, struct scene *s)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(s->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval limit = {.tv_sec = 30};
    *c = (struct client){.scene = s};
    c->last = &c->first;
    c->at = c->in;
    ws_init(&c->ws, false, WIRE_FRAME_MAX);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(c->fd >= 0);
    assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(connect(c->fd, (const struct sockaddr *)&to, sizeof to), 0);
    c->ssl = SSL_new(s->ctx);
    assert_non_null(c->ssl);
    assert_int_equal(SSL_set_fd(c->ssl, c->fd), 1);
    if (SSL_connect(c->ssl) != 1) { // refused
        SSL_free(c->ssl);
        c->ssl = NULL;
    }
}

void client_bytes(struct client *c, struct span bytes)
{
    size_t n = 0;
    assert_int_equal(SSL_write_ex(c->ssl, bytes.p, bytes.n, &n), 1);
    assert_int_equal(n, bytes.n);
}

size_t client_read(struct client *c, void *out, size_t n)
{
    size_t have = 0;
    while (have < n) {
        size_t got = 0;
        if (c->ssl == NULL || SSL_read_ex(c->ssl, (uint8_t *)out + have, n - have, &got) != 1) break;
        have += got;
    }
    return have;
}

void client_upgrade(struct client *c)
{
    char head[129] = "";
    client_bytes(c, span_str(handshake));
    assert_int_equal(client_read(c, head, 129), 129);
    assert_memory_equal(head, "HTTP/1.1 101 ", 13);
    assert_memory_equal(head + 125, "\r\n\r\n", 4);
}

void client_open(struct client *c, struct scene *s, uint32_t credit)
{
    static const uint8_t versions[] = {0, 1};
    client_dial(c, s);
    assert_non_null(c->ssl);
    client_upgrade(c);
    const struct wire_reply *r =
        client_ask(c, (struct wire_request){.type = WIRE_HELLO, .versions = span_of(versions, 2), .credit = credit});
    assert_int_equal(r->type, WIRE_R_HELLO);
}

void client_close(struct client *c)
{
    SSL_free(c->ssl);
    (void)close(c->fd);
    ws_wipe(&c->ws);
    mem_free(c->now);
    while (c->first != NULL) {
        struct message *m = c->first;
        c->first = m->next;
        mem_free(m);
    }
    *c = (struct client){.fd = -1};
}

void client_frame(struct client *c, enum ws_opcode opcode, struct span payload)
{
    static const uint8_t mask[4] = {1, 2, 3, 4};
    struct buf b;
    buf_init(&b, 2 * WIRE_FRAME_MAX);
    ws_put_masked(&b, opcode, payload, mask);
    assert_ok(buf_end(&b));
    client_bytes(c, buf_span(&b));
    buf_wipe(&b);
}

uint32_t client_send(struct client *c, struct wire_request q)
{
    struct buf b;
    buf_init(&b, 2 * WIRE_FRAME_MAX);
    q.id = q.type == WIRE_CREDIT ? 0 : ++c->id;
    wire_write_request(&b, &q);
    assert_ok(buf_end(&b));
    client_frame(c, WS_BINARY, buf_span(&b));
    buf_wipe(&b);
    return q.id;
}

// ----------------------------------------------------------------------------------------------------------- receiving

static struct message *keep(struct span payload)
{
    struct message *m = mem_new(sizeof *m + payload.n);
    assert_non_null(m);
    m->n = payload.n;
    memcpy(m->bytes, payload.p, payload.n);
    assert_ok(wire_read_reply(span_of(m->bytes, m->n), &m->reply));
    return m;
}

// The next frame; false once the relay has closed.
static bool next_frame(struct client *c, enum ws_opcode *opcode, struct span *payload)
{
    enum ws_status status = 0;
    while (!c->over) {
        size_t n = 0;
        if (ws_next(&c->ws, &c->at, &c->left, opcode, payload, &status)) {
            if (*opcode != WS_CLOSE) return true;
            assert_true(ws_close_status(*payload, &c->status));
            continue;
        }
        assert_int_equal(status, 0);
        if (SSL_read_ex(c->ssl, c->in, sizeof c->in, &n) != 1) c->over = true;
        c->at = c->in;
        c->left = n;
    }
    return false;
}

static struct message *receive(struct client *c)
{
    enum ws_opcode opcode;
    struct span payload;
    if (!next_frame(c, &opcode, &payload)) return NULL;
    assert_int_equal(opcode, WS_BINARY);
    struct message *m = keep(payload);
    if (m->reply.type == WIRE_P_ENTRIES) c->pushed += payload.n;
    return m;
}

static const struct wire_reply *show(struct client *c, struct message *m)
{
    mem_free(c->now);
    c->now = m;
    return m == NULL ? NULL : &m->reply;
}

static bool is_push(const struct message *m) { return m->reply.type >= WIRE_P_ENTRIES; }

const struct wire_reply *client_next(struct client *c) { return show(c, receive(c)); }

const struct wire_reply *client_reply(struct client *c, uint32_t id)
{
    for (;;) {
        struct message *m = receive(c);
        if (m == NULL || !is_push(m)) {
            if (m != NULL) assert_int_equal(m->reply.id, id);
            return show(c, m);
        }
        *c->last = m;
        c->last = &m->next;
    }
}

const struct wire_reply *client_ask(struct client *c, struct wire_request q)
{
    return client_reply(c, client_send(c, q));
}

const struct wire_reply *client_push(struct client *c)
{
    struct message *m = c->first;
    if (m == NULL) {
        m = receive(c);
        if (m != NULL) assert_true(is_push(m));
        return show(c, m);
    }
    c->first = m->next;
    if (c->first == NULL) c->last = &c->first;
    return show(c, m);
}

void client_silent(struct client *c)
{
    enum ws_opcode opcode;
    struct span payload;
    assert_null(c->first);
    client_frame(c, WS_PING, span_str("?"));
    assert_true(next_frame(c, &opcode, &payload));
    assert_int_equal(opcode, WS_PONG);
}

bool client_hears(struct client *c, enum ws_opcode wanted)
{
    enum ws_opcode opcode;
    struct span payload;
    if (!next_frame(c, &opcode, &payload)) return false;
    assert_int_equal(opcode, wanted);
    return true;
}

void client_ends(struct client *c, enum ws_status status)
{
    enum ws_opcode opcode;
    struct span payload;
    while (next_frame(c, &opcode, &payload)) {}
    assert_int_equal(c->status, status);
}

// ------------------------------------------------------------------------------------------------------- short words

static const uint8_t *filled(uint8_t (*pool)[32], uint8_t n, uint8_t more)
{
    memset(pool[n], n ^ more, 32);
    return pool[n];
}

const uint8_t *log_of(uint8_t n)
{
    static uint8_t pool[256][32];
    return filled(pool, n, 0x80);
}

const uint8_t *key_of(uint8_t n)
{
    static uint8_t pool[256][32];
    return filled(pool, n, 0x40);
}

const uint8_t *hash_of(uint8_t n)
{
    static uint8_t pool[256][32];
    return SHA256(key_of(n), 32, pool[n]);
}

struct wire_request of_log(enum wire_type type, uint8_t log, uint8_t key)
{
    return (struct wire_request){.type = type, .log = log_of(log), .key = key_of(key)};
}

struct wire_request of_blob(enum wire_type type, uint8_t blob, uint8_t key)
{
    bool keyless = type == WIRE_BLOB_READ || type == WIRE_BLOB_STAT;
    return (struct wire_request){.type = type, .blob = log_of(blob), .key = keyless ? NULL : key_of(key)};
}

void make_log(struct client *c, uint8_t log, uint8_t key)
{
    struct wire_grant g = {.rights = WIRE_RIGHTS, .from_seq = 0, .to_seq = WIRE_NO_END};
    struct buf list;
    buf_init(&list, 4096);
    memcpy(g.hash, hash_of(key), WIRE_HASH);
    wire_put_grant(&list, &g);
    assert_code(
        client_ask(c, (struct wire_request){.type = WIRE_LOG_CREATE, .log = log_of(log), .grants = buf_span(&list)}),
        WIRE_OK);
    buf_wipe(&list);
}

const struct wire_reply *append(struct client *c, uint8_t log, uint8_t key, uint64_t epoch, const char *text)
{
    return client_ask(c, (struct wire_request){.type = WIRE_LOG_APPEND,
                                               .log = log_of(log),
                                               .key = key_of(key),
                                               .epoch = epoch,
                                               .payload = span_str(text)});
}

const struct wire_reply *set_grant(struct client *c, uint8_t log, uint8_t admin, uint8_t key, uint8_t rights,
                                   uint64_t to)
{
    struct wire_request q = {
        .type = WIRE_GRANT_SET, .log = log_of(log), .key = key_of(admin), .grant = {.rights = rights, .to_seq = to}};
    memcpy(q.grant.hash, hash_of(key), WIRE_HASH);
    return client_ask(c, q);
}

enum wire_code follow(struct client *c, uint32_t tag, uint8_t log, uint8_t key, uint64_t after)
{
    const struct wire_follow f = {.tag = tag, .log = log_of(log), .key = key_of(key), .after = after};
    struct wire_followed done = {0};
    struct buf list;
    buf_init(&list, 4096);
    wire_put_follow(&list, &f);
    const struct wire_reply *r = client_ask(c, (struct wire_request){.type = WIRE_FOLLOW, .follows = buf_span(&list)});
    buf_wipe(&list);
    assert_non_null(r);
    if (r->type == WIRE_R_ERROR) return r->code;
    struct span rest = r->followed;
    assert_int_equal(r->type, WIRE_R_FOLLOWED);
    assert_true(wire_next_followed(&rest, &done));
    assert_int_equal(rest.n, 0);
    assert_int_equal(done.tag, tag);
    return (enum wire_code)done.code;
}

void assert_entries(struct client *c, uint32_t tag, uint64_t from, uint64_t to)
{
    while (from <= to) {
        const struct wire_reply *r = client_push(c);
        struct wire_entry e;
        assert_non_null(r);
        assert_int_equal(r->type, WIRE_P_ENTRIES);
        assert_int_equal(r->tag, tag);
        for (struct span rest = r->entries; wire_next_entry(&rest, &e); from++) assert_int_equal(e.seq, from);
    }
    assert_int_equal(from, to + 1);
}

void assert_ended(struct client *c, uint32_t tag, enum wire_code code)
{
    const struct wire_reply *r = client_push(c);
    assert_non_null(r);
    assert_int_equal(r->type, WIRE_P_ENDED);
    assert_int_equal(r->tag, tag);
    assert_int_equal(r->code, code);
}
