// SPDX-License-Identifier: Apache-2.0
//
// store: what a relay needs of whatever keeps its logs, grants, key packages and blobs: the one interface behind which
// every engine stands (sqlite.c, memory.c), and against which test/test_store.c holds each of them. An engine knows
// hashes of access keys, never keys; it knows nothing of connections, and has no clock: time is handed in.
//
// Writing: one thread calls begin, any number of the writes, then commit; what commit has returned for is durable. A write
// that breaks a rule of the protocol says so in *code and changes nothing, and the batch goes on. An enum err other than
// ERR_OK means that the engine itself has failed (ERR_IO, ERR_CORRUPT, ERR_MEMORY): the caller rolls back, and everything in the batch
// was not done. After a sync that failed, or damage that was found, an engine refuses every write with the same error until it is
// opened again: what it has in memory says nothing any more about what is stored.
//
// Reading: any number of threads, each with a reader of its own; a reader sees whole batches, and all that was committed before
// its call.
//
// Waking: when a batch is durable, the engine calls the watcher with what happened, in order. An engine shared by several relays
// does so for the others' batches, too, and carries signals between them; then `payload` may be missing, and is read.
#ifndef WHIMBREL_STORE_H
#define WHIMBREL_STORE_H

#include "wire/wire.h"

struct store;
struct store_reader;

// ------------------------------------------------------------------------------------------------- what happened

enum store_event_kind {
    STORE_ENTRY,   // entry `seq` was appended
    STORE_GRANTS,  // grants have changed: who follows asks again
    STORE_DELETED, // the log is gone
    STORE_SIGNAL,  // payload is a signal, which `origin` has sent
};
struct store_event {
    enum store_event_kind kind;
    uint8_t log[WIRE_ID];
    uint64_t seq, time, epoch;
    struct span payload; // valid during the call; an entry's may be empty: then it is read
    uint64_t origin;     // a signal's sender, as it was given to store_signal
};
// Called by the engine's thread after each commit. Must be quick.
typedef void store_watch(void *arg, const struct store_event *events, size_t n);

// ------------------------------------------------------------------------------------------------------- settings

struct store_settings {
    uint64_t log_max;        // bytes of payload that a log keeps; then its oldest entries go
    uint32_t retention;      // seconds: the most and the default for logs
    uint32_t blob_retention; // likewise for blobs
    uint64_t blob_max;       // bytes
    size_t cache;            // bytes of memory that the engine may use to be quick
    bool read_only;          // only readers: beside a relay that runs, and changing nothing
    store_watch *watch;      // NULL for none
    void *watch_arg;
};

// Whose quota a new log or blob is taken from: a number that stands for a hosting password (0: nobody's, unlimited).
struct store_host {
    uint32_t id;
    uint64_t logs_max, bytes_max; // 0: unlimited
};

// ------------------------------------------------------------------------------------------------ one call's words

struct store_access {
    const uint8_t *log;  // [WIRE_ID]
    const uint8_t *hash; // [WIRE_HASH] SHA-256 of the access key
};

struct store_head {
    uint64_t oldest, head, epoch; // oldest is head + 1 if no entry is kept
};

// What a grant allows to whoever asks.
struct store_view {
    struct store_head head;
    uint8_t rights;
    uint64_t from_seq, to_seq;
};

struct store_append {
    struct store_access access;
    uint64_t epoch, now; // now: milliseconds; the entry's time is never before that of the entry before it
    struct span payload; // must live, unchanged, until the batch ends: the watcher is told of it
    bool advance;
    const uint8_t *new_hash; // [WIRE_HASH] with advance: takes the place of access.hash; NULL for none
    uint64_t new_from;
};
struct store_appended {
    uint64_t seq, epoch, time;
};

struct store_blob {
    uint64_t size; // written so far
    bool sealed;
    uint64_t expires; // seconds since 1970
};

// What one take of key packages may hand out, so that its answer fits into a frame; each device's costs so much besides its bytes.
// package_put refuses what could make it more.
enum { STORE_TAKEN_HEAD = WIRE_DEVICE + 5, STORE_TAKEN_MAX = WIRE_FRAME_MAX - 16 };

// Numbers for people and metrics.
struct store_totals {
    uint64_t logs, entries, blobs, bytes; // entries: about so many; bytes: on disk
};

// ------------------------------------------------------------------------------------------------------ the engine

// Every `code` is WIRE_OK or why not; `detail` as docs/protocol.md §5 says.
struct store_engine {
    const char *name;
    // ERR_REFUSED if another process has it open for writing, ERR_UNSUPPORTED for a foreign or newer store, ERR_CORRUPT, ERR_IO.
    enum err (*open)(const char *folder, const struct store_settings *settings, struct store **out);
    void (*close)(struct store *s);

    // What a host may have from now on, in the logs that it has, too; until it is told, it is what it was when each was made. Any
    // thread.
    void (*host_set)(struct store *s, const struct store_host *host);

    enum err (*begin)(struct store *s);
    enum err (*commit)(struct store *s); // calls the watcher
    void (*rollback)(struct store *s);

    // Logs. `grants` as in a log_create request (checked for its form, not for duplicates).
    enum err (*log_create)(struct store *s, const uint8_t *log, uint32_t retention, struct span grants,
                           const struct store_host *host, uint64_t now, enum wire_code *code);
    enum err (*log_append)(struct store *s, const struct store_append *a, struct store_appended *out, enum wire_code *code);
    enum err (*log_delete)(struct store *s, const struct store_access *a, enum wire_code *code);
    enum err (*grant_set)(struct store *s, const struct store_access *a, const struct wire_grant *g, enum wire_code *code);
    enum err (*grant_remove)(struct store *s, const struct store_access *a, const uint8_t *hash, enum wire_code *code);

    // Key packages. `list` as in package_put; *pool the device's afterwards; `taken` gets encoded Taken elements.
    enum err (*package_put)(struct store *s, const struct store_access *a, const uint8_t *device, struct span last_resort,
                            struct span list, struct wire_pool *pool, enum wire_code *code);
    enum err (*package_take)(struct store *s, const struct store_access *a, struct buf *taken, enum wire_code *code);
    enum err (*package_clear)(struct store *s, const struct store_access *a, const uint8_t *device, enum wire_code *code);

    // Blobs, by the SHA-256 of their ids. These calls stand outside batches and come from one thread, which may be another
    // than that of the batches, so that a long seal delays no entry. Expired blobs are not found. What blob_append has
    // taken need not be durable; blob_seal makes the whole blob durable.
    enum err (*blob_create)(struct store *s, const uint8_t *name, const uint8_t *hash, uint64_t size, uint32_t retention,
                            const struct store_host *host, uint64_t now, enum wire_code *code);
    enum err (*blob_append)(struct store *s, const uint8_t *name, const uint8_t *hash, uint64_t offset, struct span data,
                            uint64_t now, struct store_blob *out, enum wire_code *code);
    enum err (*blob_seal)(struct store *s, const uint8_t *name, const uint8_t *hash, uint64_t size, uint64_t now,
                          enum wire_code *code);
    enum err (*blob_delete)(struct store *s, const uint8_t *name, const uint8_t *hash, enum wire_code *code);

    // Called within no batch: lets go what has expired, a bounded piece of it; *more if there is more to do.
    enum err (*expire)(struct store *s, uint64_t now, bool *more);
    // The same for blobs, by the thread that the blob calls come from.
    enum err (*blob_expire)(struct store *s, uint64_t now, bool *more);
    // Hands a signal to the watchers of every relay on this store; not part of a batch, any thread.
    enum err (*signal)(struct store *s, const uint8_t *log, uint64_t origin, struct span data);

    // Readers. Entries go to `out` as encoded Entry elements, until the next would make `out` longer than its maximum or `limit`
    // are there; at least one if there is one and it fits an empty buffer.
    enum err (*reader_new)(struct store *s, struct store_reader **out);
    void (*reader_free)(struct store_reader *r);
    enum err (*view)(struct store_reader *r, const struct store_access *a, struct store_view *out, enum wire_code *code);
    enum err (*read)(struct store_reader *r, const struct store_access *a, uint64_t after, uint32_t limit, struct buf *out,
                     struct store_view *view, enum wire_code *code);
    enum err (*package_stat)(struct store_reader *r, const struct store_access *a, struct buf *pool, enum wire_code *code);
    enum err (*blob_stat)(struct store_reader *r, const uint8_t *name, uint64_t now, struct store_blob *out,
                          enum wire_code *code);
    enum err (*blob_read)(struct store_reader *r, const uint8_t *name, uint64_t offset, uint32_t limit, uint64_t now,
                          struct buf *out, enum wire_code *code);
    enum err (*totals)(struct store_reader *r, struct store_totals *out);

    // For the operator. check reads everything and calls `complain` for each fault; backup writes a consistent copy of the
    // store, without blobs, into a file that must not exist, while others read and write.
    enum err (*check)(struct store_reader *r, void (*complain)(void *arg, const char *text), void *arg);
    enum err (*backup)(struct store_reader *r, const char *file);
};

extern const struct store_engine store_sqlite, store_memory;

#endif
