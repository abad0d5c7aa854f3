// SPDX-License-Identifier: Apache-2.0
//
// The client's side of the relay's benchmark: connections, messages, and the loop that drives them.
#include "bench/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

void peer_check(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "bench: %s failed (%s)\n", what, strerror(errno));
    exit(1);
}

double peer_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static SSL_CTX *client_context(void)
{
    static SSL_CTX *ctx;
    if (ctx == NULL) {
        ctx = SSL_CTX_new(TLS_client_method());
        peer_check(ctx != NULL, "SSL_CTX_new");
        SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    }
    return ctx;
}

static void upgrade(struct peer *p, const char *path)
{
    char text[600], answer[600];
    int n = snprintf(text, sizeof text,
                     "GET %s HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", path);
    peer_check(SSL_write(p->ssl, text, n) == n, "upgrade");
    int got = SSL_read(p->ssl, answer, sizeof answer - 1);
    peer_check(got > 12 && memcmp(answer, "HTTP/1.1 101", 12) == 0, "upgrade: the relay's answer");
}

static void hello(struct peer *p, uint32_t credit)
{
    static const uint8_t versions[] = {0, WIRE_VERSION};
    struct wire_reply r;
    peer_send(p, &(struct wire_request){.type = WIRE_HELLO, .versions = span_of(versions, 2), .credit = credit});
    peer_wait(p, &r);
    peer_check(r.type == WIRE_R_HELLO, "hello");
}

void peer_open(struct peer *p, uint16_t port, const char *path, uint32_t credit)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const int one = 1;
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    peer_check(p->fd >= 0 && connect(p->fd, (struct sockaddr *)&to, sizeof to) == 0, "connect");
    (void)setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    p->ssl = SSL_new(client_context());
    peer_check(p->ssl != NULL && SSL_set_fd(p->ssl, p->fd) == 1 && SSL_connect(p->ssl) == 1, "handshake");
    p->raw = path == NULL;
    if (path != NULL) {
        ws_init(&p->ws, false, WIRE_FRAME_MAX);
        upgrade(p, path);
        hello(p, credit);
    }
    peer_check(fcntl(p->fd, F_SETFL, O_NONBLOCK) == 0, "fcntl");
}

void peer_close(struct peer *p)
{
    SSL_free(p->ssl);
    if (p->fd >= 0) close(p->fd);
    if (!p->raw) ws_wipe(&p->ws);
}

void peer_send_raw(struct peer *p, struct span bytes)
{
    int n;
    while ((n = SSL_write(p->ssl, bytes.p, (int)bytes.n)) <= 0) {
        int why = SSL_get_error(p->ssl, n);
        peer_check(why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ, "write");
        (void)usleep(100);
    }
}

void peer_send(struct peer *p, const struct wire_request *q)
{
    static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
    struct buf message, frame;
    struct wire_request r = *q;
    buf_init(&message, WIRE_FRAME_MAX);
    buf_init(&frame, WIRE_FRAME_MAX + 16);
    if (r.type != WIRE_CREDIT) r.id = ++p->next_id;
    wire_write_request(&message, &r);
    ws_put_masked(&frame, WS_BINARY, buf_span(&message), mask);
    peer_check(buf_end(&message) == ERR_OK && buf_end(&frame) == ERR_OK, "encode");
    peer_send_raw(p, buf_span(&frame));
    buf_wipe(&message);
    buf_wipe(&frame);
}

static uint8_t incoming[65536];

// Handles what has come; false when there is no more for now.
static bool take(struct peer *p, void (*got)(struct peer *p, const struct wire_reply *r))
{
    int n = SSL_read(p->ssl, incoming, sizeof incoming);
    if (n <= 0) {
        int why = SSL_get_error(p->ssl, n);
        peer_check(why == SSL_ERROR_WANT_READ, "read");
        return false;
    }
    if (p->raw) {
        for (p->owed += (size_t)n; p->owed >= 1024; p->owed -= 1024) got(p, NULL);
        return true;
    }
    uint8_t *at = incoming;
    size_t left = (size_t)n;
    enum ws_opcode opcode;
    enum ws_status status = 0;
    struct span payload;
    struct wire_reply r;
    while (ws_next(&p->ws, &at, &left, &opcode, &payload, &status)) {
        if (opcode == WS_PING) continue;
        peer_check(opcode == WS_BINARY && wire_read_reply(payload, &r) == ERR_OK, "a reply");
        got(p, &r);
    }
    peer_check(status == 0, "frames");
    return true;
}

static struct wire_reply last;
static bool have;

static void keep(struct peer *p, const struct wire_reply *r)
{
    (void)p;
    last = *r;
    have = true;
}

void peer_wait(struct peer *p, struct wire_reply *r)
{
    have = false;
    while (!have) {
        if (!take(p, keep)) (void)usleep(50);
    }
    *r = last;
}

void peer_create_log(struct peer *p)
{
    struct wire_grant g = {.rights = WIRE_RIGHTS, .to_seq = WIRE_NO_END};
    struct buf list;
    struct wire_reply r;
    peer_check(getrandom(p->log, sizeof p->log, 0) == sizeof p->log && getrandom(p->key, sizeof p->key, 0) == sizeof p->key, "random");
    peer_check(EVP_Digest(p->key, sizeof p->key, g.hash, NULL, EVP_sha256(), NULL) == 1, "hash");
    buf_init(&list, 1000);
    wire_put_grant(&list, &g);
    peer_send(p, &(struct wire_request){.type = WIRE_LOG_CREATE, .log = p->log, .grants = buf_span(&list)});
    peer_wait(p, &r);
    peer_check(r.type == WIRE_R_OK, "log_create");
    buf_wipe(&list);
}

void peer_run(struct peer *p, size_t n, void (*got)(struct peer *p, const struct wire_reply *r), bool (*stop)(void))
{
    struct epoll_event events[256];
    int poll = epoll_create1(EPOLL_CLOEXEC);
    peer_check(poll >= 0, "epoll");
    for (size_t i = 0; i < n; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data = {.ptr = &p[i]}};
        peer_check(epoll_ctl(poll, EPOLL_CTL_ADD, p[i].fd, &e) == 0, "epoll_ctl");
    }
    while (!stop()) {
        int k = epoll_wait(poll, events, 256, 1);
        for (int i = 0; i < k; i++) {
            while (take(events[i].data.ptr, got) && SSL_pending(((struct peer *)events[i].data.ptr)->ssl) > 0) {}
        }
    }
    close(poll);
}
