// SPDX-License-Identifier: Apache-2.0
//
// What tests of the SOCKS5 server play with: a server on the loopback interface, a place behind it, which this thread plays itself, and
// clients, all with blocking sockets that give up after ten seconds. Names are answered by the stage, and by no resolver (--wrap=getaddrinfo).
#ifndef WHIMBREL_SOCKSD_TEST_STAGE_H
#define WHIMBREL_SOCKSD_TEST_STAGE_H

#include "tests/unit.h"

#include "socksd/socksd.h"

struct stage {
    struct socksd *server;
    int place, place6; // listening, on 127.0.0.1 and [::1] with one port; -1: no IPv6 here
    uint16_t port, place_port;
    struct socksd_options options;
    char allow[4][64];
    const char *list[4];
};
// Defaults without rates; allowed are the place's two addresses and closed.example (see stage_names). Anyone may come.
void stage_init(struct stage *s);
// From s->options, on 127.0.0.1.
void stage_start(struct stage *s);
void stage_wipe(struct stage *s);
// The stage of the test that runs, made before it and taken down behind it.
extern struct stage stage;
int stage_setup(void **state);
int stage_teardown(void **state);

// What a name is at for this stage: numeric addresses with spaces between; "" and unknown names are at none. Four names at most.
void stage_name(const char *name, const char *addresses);
size_t stage_lookups(void); // how many there were since stage_init

int stage_dial(const struct stage *s);
// Sends all of it, receives so many bytes, or until the end: how many came; -1: reset.
void stage_send(int fd, const void *p, size_t n);
ssize_t stage_receive(int fd, void *out, size_t n);
// Exactly these bytes come.
void stage_expect(int fd, const void *p, size_t n);
#define EXPECT(fd, text) stage_expect((fd), (text), sizeof(text) - 1)
#define SEND(fd, text) stage_send((fd), (text), sizeof(text) - 1)
// The connection ends without another byte.
void stage_expect_end(int fd);

// A request for an address or, if it is no numeric one, a name. The number of bytes.
size_t stage_request(const char *host, uint16_t port, uint8_t out[300]);
// A client that is through the greeting (without a password) and asks for a place: the reply.
uint8_t stage_ask(int fd, const char *host, uint16_t port);
// A client's connection to the place through the server, and the place's end of it.
int stage_through(const struct stage *s, int *end);
int stage_accept(const struct stage *s);
// Nobody is waiting at the place.
bool stage_nobody(const struct stage *s);
// Waits until the server says that so many connections are there.
void stage_until(const struct stage *s, uint64_t connections);

#endif
