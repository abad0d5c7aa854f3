// SPDX-License-Identifier: Apache-2.0
//
// net/local: talk between programs on one machine, without TLS: over a unix socket, where who may open the file may talk, or over TCP
// on the loopback interface, where anybody on the machine may, and whoever listens must ask who it is (local_is_own says which
// user). Lines or bytes; what they say is for others. Same threads as net/net.h: all of it belongs to the loop's.
#ifndef WHIMBREL_NET_LOCAL_H
#define WHIMBREL_NET_LOCAL_H

#include "net/net.h"

enum { LOCAL_LINE_MAX = 1 << 20, LOCAL_PENDING_MAX = 16 << 20 };

struct local_server;
struct local_conn;

struct local_owner {
    // Somebody has come. What is returned is handed to the others; NULL sends them away.
    void *(*accept)(void *arg, struct local_conn *c);
    // A line without its end. It holds during the call. If this is NULL, `bytes` is called instead, with whatever comes; the call
    // may overwrite them.
    void (*line)(void *who, struct span line);
    void (*bytes)(void *who, uint8_t *bytes, size_t n);
    void (*drained)(void *who); // nothing waits to be sent any more; may be NULL
    // The last call: they are gone.
    void (*closed)(void *who);
};

// Listens on a path, for the owner of the file alone (mode 0600). ERR_REFUSED if somebody listens there; a socket that nobody listens on is
// replaced. ERR_IO, ERR_LIMIT for a path that is too long, ERR_MEMORY.
enum err local_listen(struct net_loop *l, const char *path, const struct local_owner *owner, void *arg,
                      struct local_server **out);
// Listens on 127.0.0.1. *port 0 takes any; it is what it became. ERR_REFUSED if the port is taken, ERR_IO, ERR_MEMORY.
enum err local_listen_port(struct net_loop *l, uint16_t *port, const struct local_owner *owner, void *arg,
                           struct local_server **out);
// Nobody new is taken, all are closed, and the file goes. `closed` is called for each, later, from the loop.
void local_close(struct local_server *s);
// Sends bytes, as they are. A reader who lets more than LOCAL_PENDING_MAX wait is sent away.
void local_send(struct local_conn *c, struct span bytes);
size_t local_pending(const struct local_conn *c); // bytes that wait
// Stops and resumes reading.
void local_pause(struct local_conn *c, bool pause);
// Over TCP: whether whoever is at the other end runs as the user that this process runs as, or as root, as /proc/net/tcp tells (proc(5)). True
// where the system does not tell.
bool local_is_own(const struct local_conn *c);
// Closes at once.
void local_end(struct local_conn *c);
// Closes when all has been sent.
void local_finish(struct local_conn *c);

#endif
