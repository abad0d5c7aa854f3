// SPDX-License-Identifier: Apache-2.0
//
// tests/transfer/hall: what the tests of transfers share: a real relay in this process, a link to it, a vault on disk, and whoever owns
// the transfers: it notes how they end. The link is cut, or all of it ended and begun anew, when a test says so.
#ifndef WHIMBREL_TESTS_TRANSFER_HALL_H
#define WHIMBREL_TESTS_TRANSFER_HALL_H

#include "relay/test/scene.h"

#include "transfer/transfer.h"

enum { USE = 7, OWNER = 42, ENDS = 8 };

struct end {
    int64_t id;
    enum transfer_state state;
    enum transfer_kind kind;
    char why[300], path[500];
    struct transfer_ref ref;
};

struct hall {
    struct scene scene;
    struct net_loop *loop;
    struct net_timer bound;
    char folder[64], files[100], address[LINK_ADDRESS_TEXT];
    struct link_address to;
    struct link *link;
    bool up;
    struct vault *vault;
    struct db db;
    struct crypto *crypto;
    struct transfers *t;
    struct end stored[ENDS], told[ENDS]; // what ended was told, and what was shown of ends
    size_t stored_n, told_n;
    unsigned progress, refuse_end;
    size_t want;             // so many ends, and the loop is left
    bool at_progress;        // or progress
    unsigned asked;          // calls of `link`
    unsigned cut_at, end_at; // at which one the connection is cut, or everything is ended and begun anew
    struct net_post post;
    bool posted;
};

// `settings`: the relay's, as scene_open takes them; NULL: everybody may create.
struct hall *hall_open(const char *const *settings);
void hall_close(struct hall *h);
// What ends with a process and begins with another: vault, transfers, link.
void hall_begin(struct hall *h);
void hall_end(struct hall *h);
void hall_connect(struct hall *h);
// Runs until so many transfers have come to an end.
void hall_run(struct hall *h, size_t ends);
// Files of n bytes that are always the same.
uint8_t byte_at(size_t i);
void hall_path(const struct hall *h, const char *name, char out[200]);
void hall_file(const struct hall *h, const char *name, size_t n, char path[200]);
void assert_file(const char *path, size_t n);
// How many there are in the profile.
size_t hall_files(const struct hall *h);
// Begins one; or has it done, too.
int64_t hall_begin_send(struct hall *h, const char *path);
struct transfer_ref hall_send(struct hall *h, const char *path);
int64_t hall_begin_get(struct hall *h, const struct transfer_ref *ref);
int64_t hall_get(struct hall *h, const struct transfer_ref *ref);
void hall_save(struct hall *h, int64_t id, const char *name, size_t n);
void hall_drop(struct hall *h, int64_t id);
// The next end is a failure, and says so in words.
void hall_fails(struct hall *h, const char *words);

#endif
