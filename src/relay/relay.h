// SPDX-License-Identifier: Apache-2.0
//
// relay: whimbreld as a library: a relay that runs until it is told to stop, and what an operator does with a data folder. The
// command line (src/cmd) sees this header and relay/config.h.
#ifndef WHIMBREL_RELAY_H
#define WHIMBREL_RELAY_H

#include "relay/config.h"

// A new data folder: configuration, key, certificate, web site. The folder must be empty or absent. Of `given` only what the
// configuration says of the address and of hosting counts; nothing outside the folder is touched. `why` as in config_read.
enum err relay_init(const struct config *given, char *why, size_t why_n);

// The relay's address (docs/protocol.md §1) by its configuration and certificate.
enum { RELAY_ADDRESS_MAX = 600 };
struct net_tls;
// The address, for a key that has been read already.
void relay_address_of(const struct config *c, const struct net_tls *tls, char out[RELAY_ADDRESS_MAX]);
enum err relay_address(const struct config *c, char out[RELAY_ADDRESS_MAX], char *why, size_t why_n);

// What whimbreld.conf keeps of a hosting password.
enum err relay_password_hash(const char *password, uint8_t hash[WIRE_HASH]);

// Runs until SIGTERM or SIGINT; SIGHUP reloads. `flags` are settings that stand over the file's, also after a reload.
struct relay_flag {
    const char *name, *value;
};
struct relay_run {
    struct config config;
    const struct relay_flag *flags;
    size_t flag_count;
    bool memory;  // keep everything in memory: for tests
    bool sandbox; // drop privileges, Landlock, seccomp
    bool verbose;
};
enum err relay_run(const struct relay_run *run, char *why, size_t why_n);

// One request to a running relay's control socket: GET `path`; the body goes to `out`. ERR_NOT_FOUND if none runs here.
enum err relay_ask(const char *folder, const char *path, struct buf *out);

// For an operator, with or without a relay running in the folder. check prints each fault; *faults is their number.
enum err relay_check(const struct config *c, FILE *to, size_t *faults, char *why, size_t why_n);
enum err relay_backup(const struct config *c, const char *file, char *why, size_t why_n);
// Lets go at once what has expired; the relay must not be running.
enum err relay_gc(const struct config *c, char *why, size_t why_n);

#endif
