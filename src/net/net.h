// SPDX-License-Identifier: Apache-2.0
//
// net: connections for programs that have many: an event loop a thread, TLS connections on it, listeners. What HTTP and
// WebSocket say is in net/http.h and net/ws.h, which do no I/O. It knows nothing of relays or messages.
//
// Threads: a loop and all that belongs to it (listeners, connections, timers) are used by the loop's own thread only;
// loop_post is the one call that any thread may make. Memory: an idle connection costs what OpenSSL needs, the kernel's
// socket, and under a kilobyte here: buffers exist while they hold something.
#ifndef WHIMBREL_NET_H
#define WHIMBREL_NET_H

#include "base/base.h"

#include <sys/socket.h>

// ---------------------------------------------------------------------------------------------------------- loops

struct net_loop;

enum err net_loop_new(struct net_loop **out);
// All connections and listeners must be gone: see net_loop_run.
void net_loop_free(struct net_loop *l);
// Runs until net_loop_stop and until every connection has been closed and every posted call has been made.
void net_loop_run(struct net_loop *l);
// From the loop's thread: listeners close, connections are closed (their `closed` is called; who takes too long to read what is
// pending is cut off after 2 s), then net_loop_run returns.
void net_loop_stop(struct net_loop *l);
// net_loop_run returns soon, everything as it is; it may be called again. For tests, which look at things in between.
void net_loop_pause(struct net_loop *l);
// Bytes that wait to be taken by the kernel, over all connections: net_conn_pending of each.
size_t net_loop_pending(const struct net_loop *l);
// Milliseconds, monotonic: when the loop woke.
uint64_t net_loop_now(const struct net_loop *l);

// A call that another thread asks for. The struct is the caller's, and is free again when fn runs; posted calls run in order.
// Never fails and never allocates; wakes the loop once, however many are posted.
struct net_post {
    void (*fn)(struct net_post *p);
    struct net_post *next;
};
void net_loop_post(struct net_loop *l, struct net_post *p);

// What is done when a turn of the loop is over: all that the network, timers and posts had for it has been told, and what was sent is on its
// way. It runs once, before the loop sleeps, and what it sends leaves then, too; what it asks for itself has the next turn, which comes at
// once. For the loop's own thread. Never fails and never allocates.
struct net_turn {
    void (*fn)(struct net_turn *t);
    struct net_turn *next, **link; // link: NULL while it is not asked for
};
void net_loop_turn(struct net_loop *l, struct net_turn *t); // no effect if it is asked for already
void net_turn_drop(struct net_turn *t);                     // it does not run; no effect if it was not asked for

// A timer within a struct of the caller's; zeroed is idle. Precise to some 100 ms: for time-outs, thousands of them.
struct net_timer {
    void (*fn)(struct net_timer *t);
    struct net_timer *next, **link;
    uint64_t due;
};
void net_timer_start(struct net_loop *l, struct net_timer *t, uint64_t ms, void (*fn)(struct net_timer *t));
void net_timer_stop(struct net_timer *t);

// ------------------------------------------------------------------------------------------------------------ TLS

// Certificate and key, TLS 1.3 only. Shared by threads; connections hold on to the one that they began with.
struct net_tls;
// PEM files. ERR_NOT_FOUND (a file is missing), ERR_MALFORMED, ERR_INVALID (key and certificate do not belong together).
enum err net_tls_server(const char *certificate, const char *key, struct net_tls **out);
// For clients that know the server's key: `pin` is the SHA-256 of its SubjectPublicKeyInfo; NULL accepts any (tests).
enum err net_tls_client(const uint8_t *pin, struct net_tls **out);
struct net_tls *net_tls_ref(struct net_tls *t);
void net_tls_unref(struct net_tls *t); // the last one frees
// Writes a new P-256 key and a certificate that it signs itself, for a DNS name or numeric address, as PEM files that must not
// exist; the key's is for the owner's eyes only. ERR_IO if they cannot be written.
enum err net_tls_generate(const char *host, const char *certificate, const char *key);
// SHA-256 of the certificate's SubjectPublicKeyInfo.
void net_tls_pin(const struct net_tls *t, uint8_t pin[32]);
// Signs with a server's key (of EC and RSA keys over SHA-256), and appends its SubjectPublicKeyInfo and the signature.
enum err net_tls_sign(const struct net_tls *server, struct span message, struct buf *key, struct buf *signature);
// Whether this key fits the pin and has signed the message: ERR_UNAUTHENTICATED if not.
enum err net_tls_check(const uint8_t pin[32], struct span message, struct span key, struct span signature);

// ---------------------------------------------------------------------------------------------------- connections

struct net_conn;

// What a connection's owner is told. `arg` is the owner's.
struct net_owner {
    void (*open)(void *arg);                    // TLS is up; may be NULL
    void (*data)(void *arg, uint8_t *bytes, size_t n); // plain bytes: used up by the call, which may overwrite them
    void (*drained)(void *arg);                 // net_conn_pending has fallen to 0 after having been above the mark
    void (*closed)(void *arg, enum err why);    // the last call; the connection is gone
};
// Why it is gone: ERR_OK, it was closed properly by either side, or reset by its owner; ERR_IO, it broke, or the peer ended it
// without a farewell; ERR_LIMIT, the handshake took too long; ERR_MALFORMED, what came is not TLS 1.3, or the peer does not
// like us; ERR_UNAUTHENTICATED, the server has another key; ERR_MEMORY.

// Sends plain bytes: copied, encrypted together with whatever else is sent before the loop sleeps, written then. Bytes
// that the kernel does not take wait in memory. No effect on a closing connection. ERR_MEMORY closes it.
void net_conn_send(struct net_conn *c, struct span bytes);
// Bytes that wait to be taken by the kernel.
size_t net_conn_pending(const struct net_conn *c);
// Bytes that had to wait, and that the kernel has taken since: it grows while the peer takes what it is sent, however slowly.
uint64_t net_conn_taken(const struct net_conn *c);
// Above so many pending bytes the owner will hear `drained` (default 0: never).
void net_conn_mark(struct net_conn *c, size_t bytes);
// Stops and resumes reading: what the peer sends waits in the kernel, and then at the peer.
void net_conn_pause(struct net_conn *c, bool pause);
// Sends what is pending, for at most 30 s, closes TLS and the socket; what the peer sends meanwhile is thrown away. `closed` is
// called later, from the loop. A connection that is not open yet is gone at once.
void net_conn_close(struct net_conn *c);
// Closes at once, without a farewell; `closed` is called later, from the loop.
void net_conn_reset(struct net_conn *c);
// Changes who is told: a connection that began as HTTP becomes a session.
void net_conn_owner(struct net_conn *c, const struct net_owner *owner, void *arg);
struct net_loop *net_conn_loop(const struct net_conn *c);
// The peer's address without the port: 4 or 16 bytes (IPv4-mapped ones as 4); its length is returned; 0 if unknown.
size_t net_conn_address(const struct net_conn *c, uint8_t out[16]);

// A client's connection to a numeric address or a unix socket. After ERR_IO, errno says why.
enum err net_connect(struct net_loop *l, const struct sockaddr *to, struct net_tls *tls, const struct net_owner *owner,
                     void *arg, struct net_conn **out);

// What is said before TLS, to a proxy that leads to the server.
struct net_prelude {
    void (*begin)(void *arg, struct net_conn *c); // the socket is connected
    // What has come: how many bytes it takes. All of them, unless it ends the prelude or the connection: the rest is the server's.
    size_t (*data)(void *arg, struct net_conn *c, struct span bytes);
};
// Before the connection is made, so at once after net_connect.
void net_conn_before(struct net_conn *c, const struct net_prelude *p, void *arg);
// In a prelude: sends bytes as they are.
void net_conn_raw(struct net_conn *c, struct span bytes);
// Ends the prelude: now TLS begins.
void net_conn_secure(struct net_conn *c);
// In `closed`: the operating system's error behind ERR_IO; 0 if there was none.
int net_conn_errno(const struct net_conn *c);

// Before the handshake: the name in the ClientHello (SNI, RFC 6066 §3), without which some sites do not answer. Numeric addresses are
// left out, as the RFC has it. ERR_INVALID for what is no name.
enum err net_conn_name(struct net_conn *c, const char *host);

// The addresses of a host, which may be numeric. `done` is called once, from the loop, not from within the call; n is 0 if there
// are none. The list is valid during the call.
struct net_lookup;
enum err net_resolve(struct net_loop *l, const char *host, uint16_t port,
                     void (*done)(void *arg, const struct sockaddr *const *list, size_t n), void *arg,
                     struct net_lookup **out);
// `done` will not be called.
void net_resolve_forget(struct net_lookup *r);

// ------------------------------------------------------------------------------------------------------ listeners

struct net_listener;

struct net_accept {
    // Before TLS: whether to talk to this address at all, and how. NULL refuses: the socket is closed at once.
    struct net_tls *(*admit)(void *arg, const uint8_t *address, size_t n);
    // A connection that was admitted, before its handshake: must give it an owner. It has handshake_ms to become `open`, or
    // is reset.
    void (*accept)(void *arg, struct net_conn *c);
    void *arg;
    uint32_t handshake_ms;
};

// Opens a listening socket on a numeric address ("::", "0.0.0.0", "127.0.0.1"), non-blocking; port 0 takes any, *port is what it
// became. "::" takes IPv6 only, so that both can stand side by side. The socket may be given to several loops.
enum err net_listen_socket(const char *address, uint16_t *port, int *fd);
// Accepts on a listening socket, which stays the caller's to close once all listeners on it are gone.
enum err net_listen(struct net_loop *l, int fd, const struct net_accept *accept, struct net_listener **out);
void net_listener_close(struct net_listener *n);

#endif
