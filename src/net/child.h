// SPDX-License-Identifier: Apache-2.0
//
// net/child: a program that this one runs and talks to: its standard output is read line by line, its standard input is held open, and closed
// when it is to end; what it says on standard error goes nowhere. It gets no file, no memory and no environment but what it is given.
#ifndef WHIMBREL_NET_CHILD_H
#define WHIMBREL_NET_CHILD_H

#include "net/net.h"

enum { CHILD_LINE_MAX = 4096 };

struct net_child;
struct net_child_owner {
    // A line without its end; one that is too long, or no text, ends the program.
    void (*line)(void *arg, const char *line);
    // The last call: it has ended by itself.
    void (*closed)(void *arg);
};

// `words` and `environment` end with NULL; words[0] is looked for in the PATH of `environment`. ERR_NOT_FOUND: there is no such program;
// ERR_IO: it cannot be run; ERR_MEMORY, ERR_REFUSED (the loop is stopping).
enum err net_child_start(struct net_loop *l, const char *const *words, const char *const *environment,
                         const struct net_child_owner *owner, void *arg, struct net_child **out);
// Its standard input closes, it is told to end (SIGTERM), and made to 2 s later. Nobody is called any more; NULL is fine.
void net_child_stop(struct net_child *c);

#endif
