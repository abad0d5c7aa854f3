// SPDX-License-Identifier: Apache-2.0
//
// net/inner: what the files of this room know of each other's structs, and nobody else. A loop owns three buffers that every
// connection on it borrows while it is being read or written: so none of them needs buffers of its own to be idle.
#ifndef WHIMBREL_NET_INNER_H
#define WHIMBREL_NET_INNER_H

#include "net/net.h"

#include <stdatomic.h>

#include <openssl/ssl.h>
#include <uv.h>

enum {
    NET_IN = 65536,                  // what one recv takes
    NET_RECORD = 16384,              // plain bytes of a TLS record (RFC 8446 §5.1)
    NET_PLAIN = NET_IN + NET_RECORD, // what it may decrypt to, the part that OpenSSL kept from before included
    NET_OUT = 8 * (NET_RECORD + 256),
    NET_WHEEL = 1024, // slots of the timer wheel, each of
    NET_TICK = 100,   // milliseconds
    NET_QUEUE_MAX = 1 << 30
};

// Where OpenSSL reads and writes while a connection has its turn.
struct net_io {
    struct span in;
    size_t out_n;
    uint8_t out[NET_OUT];
};

struct net_loop {
    uv_loop_t uv;
    uv_prepare_t prepare; // flushes before the loop sleeps
    uv_idle_t again;      // keeps it from sleeping
    uv_async_t async;     // posts have come
    uv_timer_t timer;     // the wheel's
    _Atomic(struct net_post *) posts; // the last one first
    uint64_t tick;        // of the wheel: all before are done, and this one
    uint64_t wake;        // the tick for which `timer` is set; 0: it is not
    struct net_timer *slot[NET_WHEEL];
    struct net_conn *conns, *dirty;
    struct net_turn *turns; // to run, the last one first
    struct net_listener *listeners;
    size_t pending; // bytes in all queues of all connections
    size_t handles; // of connections and listeners that libuv has not let go yet
    bool stopping;
    BIO *bio; // one for all connections: `io` is where it points
    BIO_METHOD *bio_method;
    struct net_io io;
    uint8_t in[NET_IN], plain[NET_PLAIN];
};

void net_wheel_turn(struct net_loop *l);

// A BIO over loop->io.
enum err net_bio_new(struct net_loop *l);
void net_bio_free(struct net_loop *l);

struct net_tls {
    atomic_size_t refs;
    SSL_CTX *ctx;
    bool client, pinned;
    uint8_t pin[32];
};

// Bytes that wait. Nothing is allocated while there are none.
struct net_queue {
    uint8_t *p;
    uint32_t at, n, cap; // n bytes from `at`
};
bool net_queue_put(struct net_queue *q, struct span s);
void net_queue_drop(struct net_queue *q, size_t n); // off the front
void net_queue_free(struct net_queue *q);

enum net_state {
    NET_CONNECTING,
    NET_PRELUDE, // a proxy is talked to; `cipher` holds plain bytes
    NET_HANDSHAKE,
    NET_OPEN,
    NET_CLOSING, // what waits is sent, then the farewell; what comes is thrown away
    NET_LINGER,  // all is sent; the peer has some time to close, so that the kernel need not cut off what is under way
    NET_GONE,    // until libuv lets go of the handle
};

struct net_conn {
    uv_poll_t poll;
    struct net_loop *loop;
    SSL *ssl;
    struct net_tls *tls;
    const struct net_owner *owner;
    void *arg;
    struct net_conn *next, **link;             // of all
    struct net_conn *dirty_next, **dirty_link; // of those that flushing must look at
    struct net_queue plain, cipher;            // plain bytes to be encrypted; records for the kernel, which go first
    struct net_timer timer;                    // of the handshake, and of closing
    const struct net_prelude *prelude;
    void *prelude_arg;
    int os; // errno
    size_t mark;
    uint64_t taken;
    int fd;
    uint16_t why;      // enum err
    uint8_t state;     // enum net_state
    uint8_t events;    // what libuv polls for
    bool paused, eof, above; // above: was above the mark
    bool said_farewell;
    uint8_t address_n, address[16];
};

// A connection on an open, non-blocking socket, which is its own from then on, unless there is no memory.
enum err net_conn_new(struct net_loop *l, int fd, const struct sockaddr *peer, struct net_tls *tls, bool connecting,
                      struct net_conn **out);
void net_conn_time(struct net_conn *c, uint64_t ms);
// Its handle is closed; `closed` is called when libuv lets it go.
void net_conn_destroy(struct net_conn *c, enum err why);
void net_conn_touch(struct net_conn *c);
// The connection's queues change by these alone, so that the loop's sum is right.
bool net_conn_keep(struct net_conn *c, struct net_queue *q, struct span s);
void net_conn_drop(struct net_conn *c, struct net_queue *q, size_t n);
void net_conn_flush(struct net_conn *c);
// The kernel has something to read, or something has gone wrong with it.
void net_stream_read(struct net_conn *c);
// The handshake goes as far as it can. False if the connection is not open afterwards.
bool net_stream_shake(struct net_conn *c);
// Encrypts and writes as much as the kernel takes. False if the connection is gone.
bool net_stream_write(struct net_conn *c);
// Hands what OpenSSL wrote to the kernel, or keeps it. False if the connection is gone.
bool net_stream_push(struct net_conn *c);
// The end of a connection that cannot go on: what OpenSSL has to say is still sent.
void net_stream_fail(struct net_conn *c, enum err why);

size_t net_address(const struct sockaddr *a, uint8_t out[16]);
void net_listener_destroy(struct net_listener *n);

#endif
