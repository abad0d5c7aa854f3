// SPDX-License-Identifier: Apache-2.0
//
// A connection's bytes: from the kernel through OpenSSL to the owner, and back. OpenSSL does no I/O (bio.c): what was received
// lies in the loop's buffers while it looks at it, and what it wants to send lies there until it is written. Invariants: the
// loop's output is empty whenever an owner is called and whenever another connection has its turn; and OpenSSL's queue of
// errors is empty before each call of it.
#include "net/inner.h"

#include <errno.h>
#include <openssl/err.h>

// True if `n` bytes were written; *n may be 0. Else the connection is gone.
static bool send_some(struct net_conn *c, const uint8_t *p, size_t size, size_t *n)
{
    ssize_t sent = send(c->fd, p, size, MSG_NOSIGNAL);
    *n = sent > 0 ? (size_t)sent : 0;
    if (sent >= 0 || errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return true;
    c->os = errno;
    net_conn_destroy(c, ERR_IO);
    return false;
}

bool net_stream_push(struct net_conn *c)
{
    struct net_io *io = &c->loop->io;
    size_t sent = 0, size = io->out_n;
    io->out_n = 0;
    if (c->state == NET_GONE) return false;
    if (c->cipher.n > 0) {
        size_t n;
        if (!send_some(c, c->cipher.p + c->cipher.at, c->cipher.n, &n)) return false;
        net_conn_drop(c, &c->cipher, n);
        c->taken += n;
    }
    if (c->cipher.n == 0 && size > 0 && !send_some(c, io->out, size, &sent)) return false;
    if (sent < size && !net_conn_keep(c, &c->cipher, span_of(io->out + sent, size - sent))) {
        net_conn_destroy(c, ERR_MEMORY);
        return false;
    }
    if (c->cipher.n > 0) net_conn_touch(c); // to be polled for
    return true;
}

// As many records as there is room for.
static bool encrypt(struct net_conn *c)
{
    struct net_io *io = &c->loop->io;
    while (c->plain.n > 0 && sizeof io->out - io->out_n >= NET_RECORD + 256) {
        int n = c->plain.n < NET_RECORD ? (int)c->plain.n : NET_RECORD;
        ERR_clear_error();
        n = SSL_write(c->ssl, c->plain.p + c->plain.at, n);
        if (n <= 0) {
            ERR_clear_error();
            io->out_n = 0;
            net_conn_destroy(c, ERR_CRYPTO);
            return false;
        }
        net_conn_drop(c, &c->plain, (size_t)n);
    }
    return true;
}

bool net_stream_write(struct net_conn *c)
{
    do {
        // What the kernel does not take is encrypted only when it does: so it waits once, not twice.
        if (c->cipher.n == 0 && !encrypt(c)) return false;
        if (!net_stream_push(c)) return false;
    } while (c->cipher.n == 0 && c->plain.n > 0);
    return true;
}

void net_stream_fail(struct net_conn *c, enum err why)
{
    ERR_clear_error();
    c->why = (uint16_t)why;
    c->said_farewell = true; // OpenSSL has said what there is to say
    net_conn_drop(c, &c->plain, c->plain.n);
    if (!net_stream_push(c)) return;
    c->state = NET_OPEN;
    net_conn_close(c);
}

// ------------------------------------------------------------------------------------------------------- the handshake

bool net_stream_shake(struct net_conn *c)
{
    ERR_clear_error();
    int r = SSL_do_handshake(c->ssl);
    if (r != 1 && SSL_get_error(c->ssl, r) == SSL_ERROR_WANT_READ) {
        (void)net_stream_push(c);
        return false;
    }
    if (r != 1 || SSL_version(c->ssl) != TLS1_3_VERSION) {
        bool refused = c->tls->client && SSL_get_verify_result(c->ssl) == X509_V_ERR_APPLICATION_VERIFICATION;
        net_stream_fail(c, refused ? ERR_UNAUTHENTICATED : ERR_MALFORMED);
        return false;
    }
    net_timer_stop(&c->timer);
    c->state = NET_OPEN;
    if (!net_stream_push(c)) return false;
    net_conn_touch(c); // what was sent before
    if (c->owner->open != NULL) c->owner->open(c->arg);
    return c->state == NET_OPEN;
}

// ------------------------------------------------------------------------------------------------------- reading

static void end(struct net_conn *c, int error)
{
    ERR_clear_error();
    switch (error) {
    case SSL_ERROR_WANT_READ: break;
    case SSL_ERROR_ZERO_RETURN: // close_notify
        c->eof = true;
        net_conn_close(c);
        break;
    default: net_stream_fail(c, ERR_MALFORMED);
    }
}

// What was received, decrypted in one piece. The plain bytes do not stay in memory.
static void decrypt(struct net_conn *c)
{
    struct net_loop *l = c->loop;
    size_t n = 0;
    int r = 1;
    while (r > 0 && n < sizeof l->plain && (l->io.in.n > 0 || SSL_pending(c->ssl) > 0)) {
        ERR_clear_error();
        r = SSL_read(c->ssl, l->plain + n, (int)(sizeof l->plain - n));
        if (r > 0) n += (size_t)r;
    }
    int error = r > 0 ? SSL_ERROR_WANT_READ : SSL_get_error(c->ssl, r);
    // An answer to a key update. In an alert's case net_stream_fail sends it, behind the owner's turn.
    if (l->io.out_n > 0 && error == SSL_ERROR_WANT_READ && !net_stream_push(c)) n = 0;
    size_t alert_n = l->io.out_n;
    l->io.out_n = 0;
    if (n > 0) {
        c->owner->data(c->arg, l->plain, n);
        mem_wipe(l->plain, n);
    }
    if (c->state != NET_OPEN) return;
    l->io.out_n = alert_n;
    end(c, error);
}

static void received(struct net_conn *c, size_t n)
{
    struct net_loop *l = c->loop;
    if (c->state >= NET_CLOSING) return;
    l->io.in = span_of(l->in, n);
    if (c->state == NET_OPEN || net_stream_shake(c)) decrypt(c);
    l->io.in = span_of(NULL, 0);
}

// Only what the prelude takes leaves the kernel: so TLS begins with the server's first byte.
static void received_before(struct net_conn *c, size_t n)
{
    size_t used = c->prelude->data(c->prelude_arg, c, span_of(c->loop->in, n));
    mem_wipe(c->loop->in, n);
    if (c->state == NET_GONE) return;
    if (recv(c->fd, c->loop->in, used, 0) != (ssize_t)used || (used < n && c->state == NET_PRELUDE))
        net_conn_destroy(c, ERR_INVALID);
}

void net_stream_read(struct net_conn *c)
{
    bool before = c->state == NET_PRELUDE;
    ssize_t n = recv(c->fd, c->loop->in, sizeof c->loop->in, before ? MSG_PEEK : 0);
    if (n > 0) {
        if (before) received_before(c, (size_t)n);
        else received(c, (size_t)n);
    } else if (n == 0) {
        c->eof = true;
        // Without close_notify something is missing, unless we were about to part anyway.
        if (c->state < NET_CLOSING) net_conn_destroy(c, ERR_IO);
        else if (c->state == NET_LINGER) net_conn_destroy(c, (enum err)c->why);
        else net_conn_touch(c);
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        c->os = errno;
        net_conn_destroy(c, c->state == NET_LINGER ? (enum err)c->why : ERR_IO);
    }
}
