// SPDX-License-Identifier: Apache-2.0
//
// The door. A visitor is a connection that speaks HTTP. Invariant: what a visitor is answered depends on the path secret only where
// the whole handshake is right, and the path is compared in constant time for every request, so that neither an answer nor its
// timing tells how near a guess was.
#include "relay/door.h"

#include "relay/session.h"

#include <stdio.h>

struct visitor {
    struct worker *worker;
    struct net_conn *conn;
    struct quota_entry *address;
    struct net_timer timer;
    struct buf head;   // what has come of a request
    struct site *site; // while a file of it is being sent: `body` is what is left of it
    struct span body;
    bool full;    // too much waits to be sent: nothing is read until it is
    bool last;    // the connection ends after this answer
    bool leaving; // it is ending
};

enum { PIECE = 65536, TIMED_OUT_MS = 5000 };

static void visitor_free(struct visitor *v)
{
    net_timer_stop(&v->timer);
    site_unref(v->site);
    buf_wipe(&v->head);
    mem_free(v);
}

static void on_closed(void *arg, enum err why)
{
    struct visitor *v = arg;
    (void)why;
    quota_leave(&v->worker->relay->quota, v->address, net_loop_now(v->worker->loop));
    atomic_fetch_sub(&v->worker->counts.visitors, 1);
    visitor_free(v);
}

static void timed_out(struct net_timer *t)
{
    struct visitor *v = (struct visitor *)(void *)((char *)t - offsetof(struct visitor, timer));
    if (v->leaving) net_conn_reset(v->conn);
    else net_conn_close(v->conn);
    v->leaving = true;
    net_timer_start(v->worker->loop, &v->timer, TIMED_OUT_MS, timed_out);
}

static void wait_for_request(struct visitor *v)
{
    net_timer_start(v->worker->loop, &v->timer, v->worker->config->request_timeout * 1000, timed_out);
}

// Both hashes always, and all of their bytes.
static bool is_secret(struct visitor *v, struct span target)
{
    uint8_t hash[WIRE_HASH];
    if (relay_hash(v->worker->crypto, target.p, target.n, hash) != ERR_OK) return false;
    return mem_equal(hash, v->worker->relay->path_hash, sizeof hash);
}

static bool is_handshake(const struct http_request *r)
{
    return span_eq(r->method, span_str("GET")) && r->minor == 1 && r->upgrade && !r->body && r->ws_key.n > 0 &&
           r->ws_version == 13;
}

// The visitor becomes a session; `rest` came behind the request.
static void let_in(struct visitor *v, const struct http_request *r, uint8_t *rest, size_t n)
{
    char accept[29], text[160];
    struct session *s = NULL;
    http_ws_accept(r->ws_key, accept);
    int size = snprintf(text, sizeof text, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                           "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept);
    if (session_new(v->worker, v->conn, v->address, &s) != ERR_OK) {
        net_conn_reset(v->conn);
        return;
    }
    net_conn_send(v->conn, span_of(text, (size_t)size));
    atomic_fetch_sub(&v->worker->counts.visitors, 1);
    if (n > 0) session_data(s, rest, n);
    visitor_free(v);
}

static void leave(struct visitor *v)
{
    v->leaving = true;
    net_timer_stop(&v->timer); // the connection has its own for this
    net_conn_close(v->conn);
}

// The next piece of a file. What is not sent yet costs no memory.
static void send_piece(struct visitor *v)
{
    size_t n = v->body.n < PIECE ? v->body.n : PIECE;
    net_conn_send(v->conn, span_of(v->body.p, n));
    v->body.p += n;
    v->body.n -= n;
    if (v->body.n > 0) return;
    site_unref(v->site);
    v->site = NULL;
    net_conn_pause(v->conn, false);
    if (v->last) leave(v);
}

static void show_page(struct visitor *v, const struct http_request *r, enum err error)
{
    struct buf out;
    uint64_t wait;
    const struct worker *w = v->worker;
    bool slow = quota_take(&w->relay->quota, v->address, net_loop_now(w->loop) + 1, w->config->rate_address, &wait);
    buf_init(&out, 2 * HTTP_HEAD_MAX);
    atomic_fetch_add(&v->worker->counts.pages, 1);
    enum err e = slow ? site_answer(w->site, r, error, relay_now() / 1000, &out, &v->body, &v->last) : ERR_LIMIT;
    if (e == ERR_OK) net_conn_send(v->conn, buf_span(&out));
    buf_wipe(&out);
    v->last |= e != ERR_OK || w->stopping;
    if (e == ERR_OK && v->body.n > 0) {
        v->site = site_ref(w->site);
        net_conn_pause(v->conn, true);
        send_piece(v);
    } else if (v->last) {
        leave(v);
    } else if (net_conn_pending(v->conn) > PIECE) { // whoever asks and does not read is asked to wait
        v->full = true;
        net_conn_pause(v->conn, true);
    }
}

static bool is_busy(const struct visitor *v) { return v->site != NULL || v->full; }

// One request off the front of v->head. False if more bytes are needed, or the visitor is leaving or has become a session.
static bool handle(struct visitor *v)
{
    struct http_request r;
    size_t size = 0;
    enum err e = http_head_size(buf_span(&v->head), &size);
    if (e == ERR_OK && size == 0) return false;
    if (e == ERR_OK) e = http_read_request(span_of(v->head.p, size), &r);
    bool secret = e == ERR_OK && is_secret(v, r.target);
    if (secret && is_handshake(&r) && !v->worker->stopping) {
        let_in(v, &r, v->head.p + size, v->head.n - size);
        return false;
    }
    show_page(v, e == ERR_OK ? &r : NULL, e);
    if (v->leaving) return false;
    wait_for_request(v);
    memmove(v->head.p, v->head.p + size, v->head.n - size);
    v->head.n -= size;
    return v->head.n > 0;
}

static void on_data(void *arg, uint8_t *bytes, size_t n)
{
    struct visitor *v = arg;
    if (v->leaving) return;
    buf_put(&v->head, span_of(bytes, n));
    if (buf_end(&v->head) != ERR_OK) {
        leave(v);
        return;
    }
    while (!is_busy(v) && handle(v)) {}
}

static void on_drained(void *arg)
{
    struct visitor *v = arg;
    if (v->leaving || !is_busy(v)) return;
    wait_for_request(v);
    if (v->full) net_conn_pause(v->conn, false);
    v->full = false;
    if (v->site != NULL) send_piece(v);
    while (!is_busy(v) && !v->leaving && v->head.n > 0 && handle(v)) {}
}

// ---------------------------------------------------------------------------------------------------------- accepting

static struct net_tls *admit(void *arg, const uint8_t *address, size_t n)
{
    struct worker *w = arg;
    (void)address;
    (void)n;
    atomic_fetch_add(&w->counts.accepted, 1);
    if (w->stopping || quota_connections(&w->relay->quota) >= w->config->connections_max) {
        atomic_fetch_add(&w->counts.refused, 1);
        return NULL;
    }
    return w->tls;
}

static const struct net_owner owner = {.data = on_data, .drained = on_drained, .closed = on_closed};
static void ignore_data(void *arg, uint8_t *bytes, size_t n)
{
    (void)arg;
    (void)bytes;
    (void)n;
}
static void ignore_closed(void *arg, enum err why)
{
    (void)arg;
    (void)why;
}
static const struct net_owner nobody = {.data = ignore_data, .closed = ignore_closed};

static void accept_visitor(void *arg, struct net_conn *conn)
{
    struct worker *w = arg;
    const struct config *c = w->config;
    uint8_t address[16];
    size_t n = net_conn_address(conn, address);
    struct quota_entry *entry = quota_enter(&w->relay->quota, address, n, net_loop_now(w->loop),
                                            c->connections_per_address, c->connections_max);
    struct visitor *v = entry == NULL ? NULL : mem_new(sizeof *v);
    if (v == NULL) {
        quota_leave(&w->relay->quota, entry, net_loop_now(w->loop));
        atomic_fetch_add(&w->counts.refused, 1);
        net_conn_owner(conn, &nobody, NULL);
        net_conn_reset(conn);
        return;
    }
    *v = (struct visitor){.worker = w, .conn = conn, .address = entry};
    buf_init(&v->head, 4 * HTTP_HEAD_MAX + 65536);
    atomic_fetch_add(&w->counts.visitors, 1);
    net_conn_owner(conn, &owner, v);
    net_conn_mark(conn, 1);
    wait_for_request(v);
}

struct net_accept door_accept(struct worker *w)
{
    return (struct net_accept){.admit = admit,
                               .accept = accept_visitor,
                               .arg = w,
                               .handshake_ms = (uint32_t)(w->config->handshake_timeout * 1000)};
}
