// SPDX-License-Identifier: Apache-2.0
//
// relay/config: what an operator can set: whimbreld.conf, a file of `name = value` lines with comments. It knows names, types and
// limits of settings, and nothing of what they do.
#ifndef WHIMBREL_RELAY_CONFIG_H
#define WHIMBREL_RELAY_CONFIG_H

#include "base/base.h"
#include "store/store.h"

#include <stdio.h>

enum {
    CONFIG_LISTEN_MAX = 8,
    CONFIG_PUBLISH_MAX = 32,
    CONFIG_WAY_MAX = 501,
    CONFIG_HOSTS_MAX = 256,
    CONFIG_PATH_MAX = 1024,
    CONFIG_NAME_MAX = 64
};

// A hosting password, by its hash, and its quota.
struct config_host {
    char name[CONFIG_NAME_MAX];
    uint8_t hash[WIRE_HASH]; // SHA-256 of the password
    struct store_host quota;
};

struct config {
    char folder[CONFIG_PATH_MAX];
    // Where it is found.
    char host[256];
    uint64_t port;
    char listen[CONFIG_LISTEN_MAX][64]; // numeric addresses
    size_t listens;
    char secret[129]; // of the path
    char publish[CONFIG_PUBLISH_MAX][CONFIG_WAY_MAX]; // further ways, as the file has them
    size_t publishes;
    char certificate[CONFIG_PATH_MAX], key[CONFIG_PATH_MAX], site[CONFIG_PATH_MAX];
    char metrics[64]; // "ADDRESS:PORT", or empty for none
    char user[64];    // to become after the start; empty: stay
    uint64_t threads; // I/O threads; 0: one for each processor, four at most
    uint64_t log_seconds; // how fine times in log lines are; 0: no times
    // Who may create.
    bool hosting_open;
    struct config_host hosts[CONFIG_HOSTS_MAX];
    size_t host_count;
    // Limits (docs/protocol.md §4).
    uint64_t entry_max, blob_max, in_flight_max, follows_max, retention, blob_retention, log_max;
    uint64_t connections_max, connections_per_address, rate_connection, rate_address;
    uint64_t handshake_timeout, request_timeout, idle_timeout; // seconds
    uint64_t memory; // bytes that requests in progress may take, all together
    uint64_t cache;  // bytes that the store may use to be quick
};

// The defaults, for a data folder.
void config_init(struct config *c, const char *folder);
// Certificate, key and site are those that relay_init makes in the folder.
void config_paths(struct config *c);
// Reads FOLDER/whimbreld.conf over the defaults. After an error, `why` holds a sentence that names the file, the line and what to
// do; *out is as before.
enum err config_read(struct config *out, const char *folder, char *why, size_t why_n);
// One setting, as in a line of the file or as a flag.
enum err config_set(struct config *c, const char *name, const char *value, char *why, size_t why_n);
// Writes a new whimbreld.conf with every setting explained.
enum err config_write(const struct config *c, FILE *to);
// The host whose password has this hash; NULL if there is none. Takes the same time whichever it is.
const struct config_host *config_host(const struct config *c, const uint8_t hash[WIRE_HASH]);
// Adds a line for a host to FOLDER/whimbreld.conf.
enum err config_add_host(const char *folder, const struct config_host *h);

#endif
