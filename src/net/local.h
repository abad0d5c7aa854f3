// SPDX-License-Identifier: Apache-2.0
//
// net/local: lines of text between programs of one user on one machine, over a unix socket: who may open the file may talk. No TLS, no
// HTTP; what a line says is for others. Same threads as net/net.h: all of it belongs to the loop's.
#ifndef WHIMBREL_NET_LOCAL_H
#define WHIMBREL_NET_LOCAL_H

#include "net/net.h"

enum { LOCAL_LINE_MAX = 1 << 20, LOCAL_PENDING_MAX = 16 << 20 };

struct local_server;
struct local_conn;

struct local_owner {
    // Somebody has come. What is returned is handed to the other two; NULL sends them away.
    void *(*accept)(void *arg, struct local_conn *c);
    // A line without its end. It holds during the call.
    void (*line)(void *who, struct span line);
    // The last call: they are gone.
    void (*closed)(void *who);
};

// Listens on a path, for the owner of the file alone (mode 0600). ERR_REFUSED if somebody listens there; a socket that nobody listens on is
// replaced. ERR_IO, ERR_LIMIT for a path that is too long, ERR_MEMORY.
enum err local_listen(struct net_loop *l, const char *path, const struct local_owner *owner, void *arg,
                      struct local_server **out);
// Nobody new is taken, all are closed, and the file goes. `closed` is called for each, later, from the loop.
void local_close(struct local_server *s);
// Sends bytes, as they are. A reader who lets more than LOCAL_PENDING_MAX wait is sent away.
void local_send(struct local_conn *c, struct span bytes);
void local_end(struct local_conn *c);

#endif
