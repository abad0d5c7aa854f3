// SPDX-License-Identifier: Apache-2.0
//
// The stage of the tests of connections: see stage.h.
#include "net/test/stage.h"

#include <arpa/inet.h>
#include <unistd.h>

enum { BOUND_MS = 60000 };

static void on_open(void *arg)
{
    struct peer *p = arg;
    p->opened++;
    if (p->on_open != NULL) p->on_open(p);
}

static void on_data(void *arg, uint8_t *bytes, size_t n)
{
    struct peer *p = arg;
    assert_int_equal(p->closed, 0);
    assert_int_equal(p->stage->loop->io.out_n, 0);
    if (p->on_data != NULL) p->on_data(p, span_of(bytes, n));
    else buf_put(&p->got, span_of(bytes, n));
}

static void on_drained(void *arg)
{
    struct peer *p = arg;
    assert_int_equal(net_conn_pending(p->conn), 0);
    p->drained++;
    if (p->on_drained != NULL) p->on_drained(p);
}

static void on_closed(void *arg, enum err why)
{
    struct peer *p = arg;
    p->closed++;
    p->why = why;
    p->conn = NULL;
    if (p->on_closed != NULL) p->on_closed(p);
}

static const struct net_owner owner = {.open = on_open, .data = on_data, .drained = on_drained, .closed = on_closed};

static struct net_tls *admit(void *arg, const uint8_t *address, size_t n)
{
    struct stage *s = arg;
    memcpy(s->seen, address, n);
    s->seen_n = n;
    return s->refuse ? NULL : s->server;
}

static void on_accept(void *arg, struct net_conn *c)
{
    struct stage *s = arg;
    struct peer *p = malloc(sizeof *p);
    assert_non_null(p);
    assert_true(s->n < sizeof s->accepted / sizeof *s->accepted);
    *p = s->model;
    p->stage = s;
    p->conn = c;
    buf_init(&p->got, 1 << 28);
    s->accepted[s->n++] = p;
    net_conn_owner(c, &owner, p);
}

void stage_connect(struct stage *s, struct peer *p, struct net_tls *tls)
{
    p->stage = s;
    buf_init(&p->got, 1 << 28);
    assert_ok(net_connect(s->loop, (const struct sockaddr *)&s->address, tls != NULL ? tls : s->client, &owner, p, &p->conn));
}

int stage_socket(const struct stage *s)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = 30};
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&s->address, sizeof s->address), 0);
    return fd;
}

void peer_wipe(struct peer *p) { buf_wipe(&p->got); }

static void too_long(struct net_timer *t)
{
    (void)t;
    fprintf(stderr, "a test of connections does not end\n");
    abort();
}

void stage_open(struct stage *s)
{
    uint16_t port = 0;
    uint8_t pin[32];
    *s = (struct stage){.handshake_ms = 30000, .fd = -1};
    snprintf(s->folder, sizeof s->folder, "/tmp/whimbrel-net-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    snprintf(s->certificate, sizeof s->certificate, "%s/certificate.pem", s->folder);
    snprintf(s->key, sizeof s->key, "%s/key.pem", s->folder);
    assert_ok(net_tls_generate("localhost", s->certificate, s->key));
    assert_ok(net_tls_server(s->certificate, s->key, &s->server));
    net_tls_pin(s->server, pin);
    assert_ok(net_tls_client(pin, &s->client));
    assert_ok(net_loop_new(&s->loop));
    assert_ok(net_listen_socket("127.0.0.1", &port, &s->fd));
    assert_int_not_equal(port, 0);
    s->address.sin_family = AF_INET;
    s->address.sin_port = htons(port);
    s->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

void stage_run(struct stage *s)
{
    struct net_accept accept = {.admit = admit, .accept = on_accept, .arg = s, .handshake_ms = s->handshake_ms};
    if (s->fd >= 0 && !s->loop->stopping) assert_ok(net_listen(s->loop, s->fd, &accept, &s->listener));
    net_timer_start(s->loop, &s->bound, BOUND_MS, too_long);
    net_loop_run(s->loop);
    net_timer_stop(&s->bound);
    assert_int_equal(s->loop->handles, 0);
    for (size_t i = 0; i < s->n; i++) assert_int_equal(s->accepted[i]->closed, 1);
}

void stage_close(struct stage *s)
{
    for (size_t i = 0; i < s->n; i++) {
        peer_wipe(s->accepted[i]);
        free(s->accepted[i]);
    }
    net_loop_free(s->loop);
    net_tls_unref(s->server);
    net_tls_unref(s->client);
    if (s->fd >= 0) (void)close(s->fd);
    (void)unlink(s->certificate);
    (void)unlink(s->key);
    (void)rmdir(s->folder);
}
