// SPDX-License-Identifier: Apache-2.0
//
// store/sqlite: what the files of the SQLite engine share. One writer's connection for logs and one for blobs, each used by one
// thread; a connection for each reader; one for checkpoints.
#ifndef WHIMBREL_STORE_SQLITE_H
#define WHIMBREL_STORE_SQLITE_H

#include "store/grants.h"
#include "store/store.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

enum { SQLITE_PATH_MAX = 1100, SQLITE_HOSTS_MAX = 1024 };

// Statements of the logs' connections; which of them a connection prepares is said in sqlite.c.
enum statement {
    Q_BEGIN,
    Q_READ,
    Q_COMMIT,
    Q_ROLLBACK,
    Q_LOG_GET,
    Q_LOG_PUT,
    Q_LOG_SET,
    Q_ENTRY_HEAD,
    Q_ENTRY_FIRST,
    Q_ENTRY_ADD,
    Q_ENTRY_READ,
    Q_ENTRY_TRIM,
    Q_ENTRY_CUT,
    Q_ENTRY_DROP,
    Q_ENTRY_OLD,
    Q_ENTRY_SCAN,
    Q_SHORT_LOGS,
    Q_USAGE_GET,
    Q_USAGE_SET,
    Q_PACKAGE_ADD,
    Q_PACKAGE_LIST,
    Q_PACKAGE_DROP,
    Q_PACKAGE_CLEAR,
    Q_PACKAGE_CLEAR_ALL,
    Q_PACKAGE_COUNT,
    Q_PACKAGE_LAST,
    Q_TOTALS,
    STATEMENTS
};

struct db {
    sqlite3 *h;
    sqlite3_stmt *q[STATEMENTS];
};

// A log as its row says, and what follows from its entries.
struct row {
    int64_t number;
    uint8_t id[WIRE_ID];
    bool exists; // false: deleted
    uint64_t next, oldest, epoch, time, total; // total: payload bytes of all entries ever
    uint64_t before; // of all entries before the oldest
    uint32_t retention, host;
    uint64_t bytes_max; // of the host, as it was when the log was made: if nobody tells another
    struct grants grants;
};

// A log that the writer keeps at hand.
struct hot {
    struct row row;
    struct hot *next;            // in its bucket
    struct hot *newer, *older;   // by use
    struct hot *dirty_next;
    bool dirty; // changed by this batch: forgotten if it is rolled back
    bool whole; // more than its entries changed: its row is written
    size_t bytes;
};

struct usage {
    uint32_t id;
    _Atomic uint64_t logs, bytes, blob_bytes;
    _Atomic uint64_t bytes_max; // as host_set told it
    atomic_bool told;
    uint64_t was_logs, was_bytes; // before this batch
};

struct store {
    struct store_settings settings;
    char folder[SQLITE_PATH_MAX];
    int lock;      // the lock file; -1 if read-only
    struct db db;  // the writer's
    struct hot **bucket;
    size_t buckets, hot_bytes, hot_max; // bytes of all, and what they may have
    uint64_t seed[2];
    struct hot newest, *dirty; // newest: the ring's anchor
    struct usage usage[SQLITE_HOSTS_MAX];
    _Atomic size_t usages;
    pthread_mutex_t usage_lock; // for adding one
    bool in_batch;
    // What happened in this batch, and its payloads' places in the caller's memory.
    struct store_event *event;
    size_t events, event_room;
    // Checkpoints.
    pthread_t checkpointer;
    sqlite3 *check_db;
    pthread_mutex_t check_lock;
    pthread_cond_t check_wake;
    bool check_stop, check_started;
    atomic_size_t wal_frames;
    atomic_bool gate; // the log is begun anew: no batch begins meanwhile
    pthread_cond_t gate_open;
    atomic_int broken;                     // enum err: what no write is possible after, until the store is opened again
    int64_t short_retention, short_number; // the last log of a short retention that was looked at
    int64_t old_at;                        // the last entry that was looked at, in turn
    // Blobs.
    sqlite3 *blobs;
    unsigned swept; // of the 256 folders, those that were looked through
    sqlite3_stmt *blob_get, *blob_put, *blob_set, *blob_drop, *blob_old;
};

struct store_reader {
    struct store *s;
    struct db db;
    sqlite3 *blobs;
    sqlite3_stmt *blob_get;
};

// sqlite.c: what SQLite's result means here.
enum err sqlite_err(int rc);
// After a sync that failed nobody knows what is on the disk and what will be; after damage was found, what else is damaged: then
// nothing more is written, and what is in memory is not taken for what is stored.
void sqlite_distrust(struct store *s, int rc);
// One step of a statement that was bound: true if there is a row. Errors go to *e, which must be ERR_OK.
bool sqlite_step(sqlite3_stmt *q, enum err *e);
// Opens FOLDER/NAME with the settings of all connections; `create` and `write` as they say.
enum err sqlite_connect(const char *folder, const char *name, bool write, sqlite3 **out);
enum err sqlite_writes(sqlite3 *h);
enum err sqlite_prepare(sqlite3 *h, const char *sql, sqlite3_stmt **out);
struct usage *sqlite_usage(struct store *s, uint32_t host);

// sqlite_row.c: logs at hand. find gives NULL where there is no such log, or no memory (*e).
struct hot *log_row_find(struct store *s, const uint8_t *id, enum err *e);
enum err log_row_read(struct db *db, const uint8_t *id, struct row *out, bool *found);
void log_row_free(struct row *r);
// A new row for a log that never was.
struct hot *log_row_new(struct store *s, const uint8_t *id, enum err *e);
// Marks it as changed; its row is written at the end of the batch if `grants` says that more than its entries changed.
void row_dirty(struct store *s, struct hot *h, bool whole);
enum err row_write_all(struct store *s);
void row_settle(struct store *s);
void row_forget(struct store *s); // after a rollback
void row_forget_all(struct store *s);
struct hot *row_allowed(struct store *s, const struct store_access *a, uint8_t rights, enum wire_code *code, enum err *e);
enum err row_tell(struct store *s, enum store_event_kind kind, const struct row *r, const struct store_event *entry);

// sqlite_log.c
enum err sqlite_log_create(struct store *s, const uint8_t *log, uint32_t retention, struct span list,
                           const struct store_host *host, uint64_t now, enum wire_code *code);
enum err sqlite_log_append(struct store *s, const struct store_append *a, struct store_appended *out, enum wire_code *code);
enum err sqlite_log_delete(struct store *s, const struct store_access *a, enum wire_code *code);
enum err sqlite_grant_set(struct store *s, const struct store_access *a, const struct wire_grant *g, enum wire_code *code);
enum err sqlite_grant_remove(struct store *s, const struct store_access *a, const uint8_t *hash, enum wire_code *code);
enum err sqlite_expire(struct store *s, uint64_t now, bool *more);
enum err sqlite_view(struct store_reader *r, const struct store_access *a, struct store_view *out, enum wire_code *code);
enum err sqlite_read(struct store_reader *r, const struct store_access *a, uint64_t after, uint32_t limit, struct buf *out,
                     struct store_view *view, enum wire_code *code);

// sqlite_package.c
enum err sqlite_package_put(struct store *s, const struct store_access *a, const uint8_t *device, struct span last,
                            struct span list, struct wire_pool *pool, enum wire_code *code);
enum err sqlite_package_take(struct store *s, const struct store_access *a, struct buf *taken, enum wire_code *code);
enum err sqlite_package_clear(struct store *s, const struct store_access *a, const uint8_t *device, enum wire_code *code);
enum err sqlite_package_stat(struct store_reader *r, const struct store_access *a, struct buf *pool, enum wire_code *code);

// sqlite_check.c
enum err sqlite_check(struct store_reader *r, void (*complain)(void *arg, const char *text), void *arg);
enum err sqlite_backup(struct store_reader *r, const char *file);

// sqlite_blob.c
enum err blob_open(struct store *s);
void blob_close(struct store *s);
enum err blob_reader_open(struct store_reader *r);
// How many blobs' files are not what their rows say.
enum err blob_check(struct store_reader *r, size_t *missing);
void blob_reader_close(struct store_reader *r);
enum err sqlite_blob_create(struct store *s, const uint8_t *name, const uint8_t *hash, uint64_t size, uint32_t retention,
                            const struct store_host *host, uint64_t now, enum wire_code *code);
enum err sqlite_blob_append(struct store *s, const uint8_t *name, const uint8_t *hash, uint64_t offset, struct span data,
                            uint64_t now, struct store_blob *out, enum wire_code *code);
enum err sqlite_blob_seal(struct store *s, const uint8_t *name, const uint8_t *hash, uint64_t size, uint64_t now,
                          enum wire_code *code);
enum err sqlite_blob_delete(struct store *s, const uint8_t *name, const uint8_t *hash, enum wire_code *code);
enum err sqlite_blob_stat(struct store_reader *r, const uint8_t *name, uint64_t now, struct store_blob *out,
                          enum wire_code *code);
enum err sqlite_blob_read(struct store_reader *r, const uint8_t *name, uint64_t offset, uint32_t limit, uint64_t now,
                          struct buf *out, enum wire_code *code);
enum err sqlite_blob_expire(struct store *s, uint64_t now, bool *more);

#endif
