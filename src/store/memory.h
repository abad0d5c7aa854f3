// SPDX-License-Identifier: Apache-2.0
//
// store/memory: what the files of the store in memory share: its logs, key packages and blobs, under one lock.
#ifndef WHIMBREL_STORE_MEMORY_H
#define WHIMBREL_STORE_MEMORY_H

#include "store/grants.h"
#include "store/store.h"

#include <pthread.h>

enum { BUCKETS = 4096, HOSTS = 1024, BLOB_IDLE_S = 86400 };

struct entry {
    uint64_t time, epoch;
    size_t n;
    uint8_t *bytes;
};

struct packet {
    uint8_t device[WIRE_DEVICE];
    bool last_resort;
    bool listed; // among the garbage
    size_t n;
    uint8_t *bytes;
};

// What a batch may change, and an image keeps.
struct state {
    bool exists; // false: deleted, and only seq and epoch count
    uint64_t next, oldest, epoch, time, bytes;
    uint32_t retention;
    struct store_host host;
    struct grants grants;
    struct packet **packet; // those of one log, oldest first
    size_t packets;
};

struct log {
    uint8_t id[WIRE_ID];
    struct log *next, *touched_next;
    struct entry *entry; // entry `seq` stands at seq - base
    size_t base, room;
    struct state now, image;
    bool touched;
};

struct blob {
    uint8_t name[WIRE_HASH], hash[WIRE_HASH];
    struct blob *next;
    uint8_t *bytes;
    uint64_t size, room, most, expires;
    uint32_t retention;
    bool sealed;
    struct store_host host;
};

struct usage {
    uint32_t id;
    uint64_t logs, bytes;
};

struct store {
    pthread_mutex_t lock;
    struct store_settings settings;
    struct log *bucket[BUCKETS], *touched;
    struct blob *blobs;
    struct store_host host[HOSTS]; // that host_set has told of
    size_t hosts;
    struct packet **garbage; // packets that a batch has dropped or made: freed when it ends
    size_t garbage_n, garbage_room;
    struct store_event *event;
    size_t events, event_room;
};

struct store_reader {
    struct store *s;
};

// memory.c: a log that this key has these rights to; NULL, and why. Before a batch changes it: memory_touch.
struct log *memory_find_allowed(struct store *s, const struct store_access *a, uint8_t rights, enum wire_code *code);
enum err memory_touch(struct store *s, struct log *l);
// A packet that this batch makes or drops: it is freed with the batch unless some log holds it then. Once is enough.
enum err memory_discard(struct store *s, struct packet *p);
// Whether so much more would pass the host's quota.
bool memory_over(const struct store *s, const struct store_host *h, uint64_t logs, uint64_t bytes);

// memory_package.c
enum err memory_package_put(struct store *s, const struct store_access *a, const uint8_t *device, struct span last,
                            struct span list, struct wire_pool *pool, enum wire_code *code);
enum err memory_package_take(struct store *s, const struct store_access *a, struct buf *taken, enum wire_code *code);
enum err memory_package_clear(struct store *s, const struct store_access *a, const uint8_t *device, enum wire_code *code);
enum err memory_package_stat(struct store_reader *r, const struct store_access *a, struct buf *pool, enum wire_code *code);

// memory_blob.c
enum err memory_blob_create(struct store *s, const uint8_t *name, const uint8_t *hash, uint64_t size, uint32_t retention,
                            const struct store_host *host, uint64_t now, enum wire_code *code);
enum err memory_blob_append(struct store *s, const uint8_t *name, const uint8_t *hash, uint64_t offset, struct span data,
                            uint64_t now, struct store_blob *out, enum wire_code *code);
enum err memory_blob_seal(struct store *s, const uint8_t *name, const uint8_t *hash, uint64_t size, uint64_t now,
                          enum wire_code *code);
enum err memory_blob_delete(struct store *s, const uint8_t *name, const uint8_t *hash, enum wire_code *code);
enum err memory_blob_stat(struct store_reader *r, const uint8_t *name, uint64_t now, struct store_blob *out,
                          enum wire_code *code);
enum err memory_blob_read(struct store_reader *r, const uint8_t *name, uint64_t offset, uint32_t limit, uint64_t now,
                          struct buf *out, enum wire_code *code);
enum err memory_blob_expire(struct store *s, uint64_t now, bool *more);
void memory_blob_drop_all(struct store *s);

#endif
