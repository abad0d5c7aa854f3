// SPDX-License-Identifier: Apache-2.0
//
// socksd/socksd: a SOCKS5 server (RFC 1928, RFC 1929) for friends: CONNECT, to the places on a list and nowhere else. It keeps no log:
// what it knows of anybody is a count per address, and that only while they are connected and some seconds more.
//
// It has threads of its own; the functions here may be called from any one thread. Options and what they point to are copied.
#ifndef WHIMBREL_SOCKSD_H
#define WHIMBREL_SOCKSD_H

#include "socksd/talk.h"

enum { SOCKSD_WHY = 400, SOCKSD_USERS_MAX = 64, SOCKSD_LISTEN_MAX = 8, SOCKSD_THREADS_MAX = 16 };

struct socksd;

struct socksd_options {
    const char *const *allow; // HOST:PORT each (socksd/allow.h); an empty list is refused
    size_t allow_n;
    const struct socksd_user *users; // names and passwords of 1 to 255 bytes
    size_t users_n;
    // No user is needed. Without this and without users the server is refused; with it, all but loopback addresses are.
    bool anyone;
    unsigned threads;                                  // 0: one a processor, four at most
    uint32_t connections_max, connections_per_address; // an IPv6 client counts with its /64
    uint32_t rate, rate_per_address;                   // new connections a second; four times that at once; 0: no limit
    uint32_t handshake_ms, connect_ms, idle_ms;        // connect: to each address; idle: no byte either way
};
// All but allow, users and anyone.
void socksd_defaults(struct socksd_options *o);

// ERR_REFUSED, ERR_MALFORMED, ERR_LIMIT: `why` says what is wrong and what to do; ERR_MEMORY, ERR_RANDOM, ERR_IO.
enum err socksd_new(const struct socksd_options *o, struct socksd **out, char why[SOCKSD_WHY]);
// Listens on a numeric address; port 0 takes any, *port is what it became. Before socksd_start. ERR_REFUSED where others could come in
// without a password; ERR_MALFORMED, ERR_IO, ERR_LIMIT.
enum err socksd_listen(struct socksd *s, const char *address, uint16_t *port, char why[SOCKSD_WHY]);
// From here on people are served. What a process gives up, it gives up before.
enum err socksd_start(struct socksd *s);
// Closes everything, waits for the threads (and so for a name that is just being looked up), and frees.
void socksd_free(struct socksd *s);

struct socksd_counts {
    uint64_t connections, // now
        accepted,         // since the start: handshakes begun
        served,           // connections made
        refused,          // places that are not on the list, and wrong passwords
        limited,          // sent away by the limits
        failed;           // places that could not be reached
};
void socksd_count(const struct socksd *s, struct socksd_counts *out);

// What a server that listens on `address` may use of this computer's own names, if nobody said so: the addresses by which others may reach
// it; a guess, which only a person can check. Text of at most `size` bytes; false if there is none but the loopback.
bool socksd_own_address(bool v6, char *out, size_t size);

#endif
