// SPDX-License-Identifier: Apache-2.0
//
// A connection's life: made, sent to, closed, gone. What OpenSSL makes of the bytes is in stream.c. Invariants: a connection's
// memory is freed only when libuv has let go of its handle, never within a call by or to its owner; and its owner is
// called by the loop only, but never from within net_conn_send, net_conn_close or net_conn_reset.
#include "net/inner.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    CLOSE_MS = 30000, // for sending what waits when a connection is closed
    STOP_MS = 2000,   // the same, when the loop stops
    LINGER_MS = 2000, // for the peer to close, once all is sent
};

// ---------------------------------------------------------------------------------------------------- birth and death

static void on_gone(uv_handle_t *h)
{
    struct net_conn *c = h->data;
    *c->link = c->next;
    if (c->next != NULL) c->next->link = c->link;
    c->loop->handles--;
    if (c->owner != NULL) c->owner->closed(c->arg, (enum err)c->why);
    mem_free_wiped(c, sizeof *c); // it holds an address
}

static void untouch(struct net_conn *c)
{
    if (c->dirty_link == NULL) return;
    *c->dirty_link = c->dirty_next;
    if (c->dirty_next != NULL) c->dirty_next->dirty_link = c->dirty_link;
    c->dirty_link = NULL;
}

bool net_conn_keep(struct net_conn *c, struct net_queue *q, struct span s)
{
    if (!net_queue_put(q, s)) return false;
    c->loop->pending += s.n;
    return true;
}

void net_conn_drop(struct net_conn *c, struct net_queue *q, size_t n)
{
    net_queue_drop(q, n);
    c->loop->pending -= n;
}

void net_conn_touch(struct net_conn *c)
{
    if (c->dirty_link != NULL) return;
    c->dirty_next = c->loop->dirty;
    if (c->dirty_next != NULL) c->dirty_next->dirty_link = &c->dirty_next;
    c->dirty_link = &c->loop->dirty;
    c->loop->dirty = c;
}

void net_conn_destroy(struct net_conn *c, enum err why)
{
    if (c->state == NET_GONE) return;
    c->state = NET_GONE;
    c->why = (uint16_t)why;
    net_timer_stop(&c->timer);
    untouch(c);
    uv_close((uv_handle_t *)&c->poll, on_gone);
    (void)close(c->fd);
    c->fd = -1;
    SSL_free(c->ssl);
    c->ssl = NULL;
    ERR_clear_error();
    net_tls_unref(c->tls);
    c->loop->pending -= net_conn_pending(c);
    net_queue_free(&c->plain);
    net_queue_free(&c->cipher);
}

static SSL *new_ssl(struct net_loop *l, struct net_tls *tls)
{
    SSL *ssl = SSL_new(tls->ctx);
    if (ssl == NULL) {
        ERR_clear_error();
        return NULL;
    }
    (void)BIO_up_ref(l->bio);
    SSL_set_bio(ssl, l->bio, l->bio);
    if (tls->client) SSL_set_connect_state(ssl);
    else SSL_set_accept_state(ssl);
    return ssl;
}

enum err net_conn_new(struct net_loop *l, int fd, const struct sockaddr *peer, struct net_tls *tls, bool connecting,
                      struct net_conn **out)
{
    struct net_conn *c = mem_new(sizeof *c);
    if (c == NULL) return ERR_MEMORY;
    c->ssl = new_ssl(l, tls);
    if (c->ssl == NULL || uv_poll_init(&l->uv, &c->poll, fd) != 0) {
        enum err e = c->ssl == NULL ? ERR_MEMORY : ERR_IO;
        SSL_free(c->ssl);
        mem_free(c);
        return e;
    }
    c->poll.data = c;
    c->loop = l;
    c->fd = fd;
    c->tls = net_tls_ref(tls);
    c->state = connecting ? NET_CONNECTING : NET_HANDSHAKE;
    c->address_n = (uint8_t)net_address(peer, c->address);
    int one = 1; // what is written together is sent together already
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->next = l->conns;
    if (c->next != NULL) c->next->link = &c->next;
    c->link = &l->conns;
    l->conns = c;
    l->handles++;
    net_conn_touch(c); // then it is polled
    *out = c;
    return ERR_OK;
}

static void timed_out(struct net_timer *t)
{
    struct net_conn *c = (struct net_conn *)(void *)((char *)t - offsetof(struct net_conn, timer));
    // A peer that took everything and does not close: nothing was lost.
    if (c->state == NET_LINGER) net_conn_destroy(c, (enum err)c->why);
    else if (c->state == NET_CLOSING) net_conn_destroy(c, ERR_IO);
    else {
        c->why = ERR_LIMIT;
        net_conn_reset(c);
    }
}

void net_conn_time(struct net_conn *c, uint64_t ms) { net_timer_start(c->loop, &c->timer, ms, timed_out); }

// ------------------------------------------------------------------------------------------------------- libuv's side

static void connected(struct net_conn *c)
{
    int error = 0;
    socklen_t n = sizeof error;
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0 || error != 0) {
        c->os = error;
        net_conn_destroy(c, ERR_IO);
        return;
    }
    if (c->prelude != NULL) {
        c->state = NET_PRELUDE;
        c->prelude->begin(c->prelude_arg, c);
        return;
    }
    c->state = NET_HANDSHAKE;
    (void)net_stream_shake(c);
}

static void on_event(uv_poll_t *p, int status, int events)
{
    struct net_conn *c = p->data;
    if (status < 0) {
        c->events = 0; // libuv has stopped
        // The peer has cut it off. What it sent before still counts.
        if (c->state == NET_PRELUDE || (c->state == NET_OPEN && !c->paused)) net_stream_read(c);
        if (c->state == NET_CONNECTING) connected(c); // for the reason
        if (c->state != NET_GONE) net_conn_destroy(c, ERR_IO);
        return;
    }
    if (c->state == NET_CONNECTING) connected(c);
    else if ((events & UV_READABLE) != 0 && !(c->state == NET_OPEN && c->paused)) net_stream_read(c);
    if (c->state != NET_GONE) net_conn_touch(c);
}

static void poll_for(struct net_conn *c)
{
    int events = 0;
    if (c->state == NET_CONNECTING || c->cipher.n > 0) events = UV_WRITABLE;
    if (c->state != NET_CONNECTING && !c->eof && !(c->state == NET_OPEN && c->paused)) events |= UV_READABLE;
    if (events == c->events) return;
    c->events = (uint8_t)events;
    int r = events == 0 ? uv_poll_stop(&c->poll) : uv_poll_start(&c->poll, events, on_event);
    if (r != 0) net_conn_destroy(c, ERR_IO);
}

// All is sent.
static void part(struct net_conn *c)
{
    if (c->eof || c->loop->stopping || c->tls->client) {
        net_conn_destroy(c, (enum err)c->why);
        return;
    }
    // Closing a socket into which the peer still sends makes the kernel cut it off, and the peer may lose what it has not read.
    (void)shutdown(c->fd, SHUT_WR);
    c->state = NET_LINGER;
    net_conn_time(c, LINGER_MS);
}

static void say_farewell(struct net_conn *c)
{
    c->said_farewell = true;
    ERR_clear_error();
    (void)SSL_shutdown(c->ssl); // close_notify; its answer is not waited for (RFC 8446 §6.1)
    ERR_clear_error();
    (void)net_stream_push(c);
}

void net_conn_flush(struct net_conn *c)
{
    untouch(c);
    if ((c->state == NET_OPEN || c->state == NET_CLOSING) && !net_stream_write(c)) return;
    bool begins = c->state == NET_HANDSHAKE && c->prelude != NULL && SSL_in_before(c->ssl) == 1;
    if (begins) (void)net_stream_shake(c);
    if ((c->state == NET_HANDSHAKE || c->state == NET_PRELUDE) && !net_stream_push(c)) return;
    if (c->state == NET_CLOSING && c->cipher.n + c->plain.n == 0) {
        if (!c->said_farewell) say_farewell(c);
        if (c->state == NET_CLOSING && c->cipher.n == 0) part(c);
    }
    if (c->state == NET_GONE) return;
    if (c->above && c->state == NET_OPEN && net_conn_pending(c) == 0) {
        c->above = false;
        if (c->owner->drained != NULL) c->owner->drained(c->arg);
        if (c->state == NET_GONE) return;
    }
    poll_for(c);
}

// ------------------------------------------------------------------------------------------------------- the owner's side

void net_conn_send(struct net_conn *c, struct span bytes)
{
    if (c->state >= NET_CLOSING || bytes.n == 0) return;
    if (!net_conn_keep(c, &c->plain, bytes)) {
        net_conn_destroy(c, ERR_MEMORY);
        return;
    }
    if (c->mark > 0 && net_conn_pending(c) > c->mark) c->above = true;
    net_conn_touch(c);
}

size_t net_conn_pending(const struct net_conn *c) { return (size_t)c->plain.n + c->cipher.n; }
uint64_t net_conn_taken(const struct net_conn *c) { return c->taken; }
void net_conn_mark(struct net_conn *c, size_t bytes) { c->mark = bytes; }

void net_conn_pause(struct net_conn *c, bool pause)
{
    if (c->paused == pause || c->state >= NET_CLOSING) return;
    c->paused = pause;
    net_conn_touch(c);
}

void net_conn_close(struct net_conn *c)
{
    if (c->state == NET_GONE) return;
    if (c->state < NET_OPEN || (c->state == NET_LINGER && c->loop->stopping)) {
        net_conn_destroy(c, (enum err)c->why);
        return;
    }
    if (c->state == NET_OPEN) {
        c->state = NET_CLOSING;
        net_conn_time(c, c->loop->stopping ? STOP_MS : CLOSE_MS);
    } else if (c->loop->stopping) {
        net_conn_time(c, STOP_MS);
    }
    net_conn_touch(c);
}

void net_conn_reset(struct net_conn *c)
{
    if (c->state == NET_GONE) return;
    struct linger none = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    net_conn_destroy(c, (enum err)c->why);
}

void net_conn_owner(struct net_conn *c, const struct net_owner *owner, void *arg)
{
    c->owner = owner;
    c->arg = arg;
}

struct net_loop *net_conn_loop(const struct net_conn *c) { return c->loop; }

size_t net_conn_address(const struct net_conn *c, uint8_t out[16])
{
    memcpy(out, c->address, c->address_n);
    return c->address_n;
}

// ------------------------------------------------------------------------------------------------------- clients

enum err net_connect(struct net_loop *l, const struct sockaddr *to, struct net_tls *tls, const struct net_owner *owner,
                     void *arg, struct net_conn **out)
{
    *out = NULL;
    socklen_t n = to->sa_family == AF_INET    ? sizeof(struct sockaddr_in)
                  : to->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                  : to->sa_family == AF_UNIX  ? sizeof(struct sockaddr_un)
                                              : 0;
    if (!tls->client || n == 0) return ERR_MISUSE;
    if (l->stopping) return ERR_REFUSED;
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return ERR_IO;
    enum err e = connect(fd, to, n) == 0 || errno == EINPROGRESS ? ERR_OK : ERR_IO;
    if (e == ERR_OK) e = net_conn_new(l, fd, to, tls, true, out);
    if (e == ERR_OK) {
        net_conn_owner(*out, owner, arg);
    } else {
        int why = errno;
        (void)close(fd);
        errno = why;
    }
    return e;
}

void net_conn_before(struct net_conn *c, const struct net_prelude *p, void *arg)
{
    c->prelude = p;
    c->prelude_arg = arg;
}

void net_conn_raw(struct net_conn *c, struct span bytes)
{
    if (c->state != NET_PRELUDE || bytes.n == 0) return;
    if (net_conn_keep(c, &c->cipher, bytes)) net_conn_touch(c);
    else net_conn_destroy(c, ERR_MEMORY);
}

void net_conn_secure(struct net_conn *c)
{
    if (c->state != NET_PRELUDE) return;
    c->state = NET_HANDSHAKE;
    net_conn_touch(c); // it begins when the loop sleeps, behind what was sent raw
}

int net_conn_errno(const struct net_conn *c) { return c->os; }
