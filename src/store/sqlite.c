// SPDX-License-Identifier: Apache-2.0
//
// The SQLite engine: opening, schema, batches, checkpoints, and the operator's work. WAL, with a sync at every commit: what commit
// has returned for survives the loss of power. Checkpoints run in a thread of their own, so that no commit pays for them.
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { APPLICATION = 0x5768696d, VERSION = 1, BUSY_MS = 20000 };
enum { WAL_SOON = 4000, WAL_MOST = 32768, WAL_FAR = 131072, WAL_FEW = 500 };                      // frames
enum { LOOK_MS = 1000, PAUSE_MS = 50, RESTART_MS = 200, RESTART_TRIES = 4, RESTART_AGAIN = 100 }; // and rounds

static const char schema[] =
    // next, time and total are those behind the last entry when the row was written: entries that came later tell better.
    "CREATE TABLE log(number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, alive INTEGER NOT NULL, next INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL, time INTEGER NOT NULL, total INTEGER NOT NULL, retention INTEGER NOT NULL,"
    " host INTEGER NOT NULL, bytes_max INTEGER NOT NULL, grants BLOB NOT NULL) STRICT;"
    "CREATE INDEX log_retention ON log(retention, number) WHERE alive;"
    // total: payload bytes of this log up to and including this entry.
    "CREATE TABLE entry(id INTEGER PRIMARY KEY, log INTEGER NOT NULL, seq INTEGER NOT NULL, time INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL, total INTEGER NOT NULL, payload BLOB NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX entry_seq ON entry(log, seq);"
    "CREATE TABLE package(id INTEGER PRIMARY KEY, log INTEGER NOT NULL, device BLOB NOT NULL, last INTEGER NOT NULL,"
    " body BLOB NOT NULL) STRICT;"
    "CREATE INDEX package_log ON package(log, device, last, id);"
    "CREATE TABLE usage(host INTEGER PRIMARY KEY, logs INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;";

static const char *const queries[STATEMENTS] = {
    [Q_BEGIN] = "BEGIN IMMEDIATE",
    [Q_READ] = "BEGIN",
    [Q_COMMIT] = "COMMIT",
    [Q_ROLLBACK] = "ROLLBACK",
    [Q_LOG_GET] =
        "SELECT number, alive, next, epoch, time, total, retention, host, bytes_max, grants FROM log WHERE id=?1",
    [Q_LOG_PUT] = "INSERT INTO log(id, alive, next, epoch, time, total, retention, host, bytes_max, grants)"
                  " VALUES(?1, 0, 1, 0, 0, 0, 0, 0, 0, x'')",
    [Q_LOG_SET] = "UPDATE log SET alive=?2, next=?3, epoch=?4, time=?5, total=?6, retention=?7, host=?8, bytes_max=?9,"
                  " grants=?10 WHERE number=?1",
    [Q_ENTRY_HEAD] = "SELECT seq, time, total FROM entry WHERE log=?1 ORDER BY seq DESC LIMIT 1",
    [Q_ENTRY_FIRST] = "SELECT seq, total - length(payload) FROM entry WHERE log=?1 ORDER BY seq LIMIT 1",
    [Q_ENTRY_ADD] = "INSERT INTO entry(log, seq, time, epoch, total, payload) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [Q_ENTRY_READ] = "SELECT seq, time, epoch, payload FROM entry WHERE log=?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq",
    [Q_ENTRY_TRIM] = "SELECT seq FROM entry WHERE log=?1 AND total>?2 ORDER BY seq LIMIT 1",
    [Q_ENTRY_CUT] = "DELETE FROM entry WHERE log=?1 AND seq<?2",
    [Q_ENTRY_DROP] = "DELETE FROM entry WHERE log=?1",
    [Q_ENTRY_OLD] = "SELECT seq FROM entry WHERE log=?1 AND time>?2 ORDER BY seq LIMIT 1",
    [Q_ENTRY_SCAN] = "SELECT e.id, e.time, e.log, l.id FROM entry e JOIN log l ON l.number=e.log WHERE e.id>?1"
                     " ORDER BY e.id LIMIT ?2",
    [Q_SHORT_LOGS] =
        "SELECT l.retention, l.number, l.id, (SELECT e.time FROM entry e WHERE e.log=l.number ORDER BY e.seq LIMIT 1)"
        " FROM log l WHERE l.alive AND (l.retention, l.number)>(?1, ?2) AND l.retention<?3"
        " ORDER BY l.retention, l.number LIMIT ?4",
    [Q_USAGE_GET] = "SELECT host, logs, bytes FROM usage WHERE logs != 0 OR bytes != 0",
    [Q_USAGE_SET] = "INSERT INTO usage(host, logs, bytes) VALUES(?1, ?2, ?3)"
                    " ON CONFLICT(host) DO UPDATE SET logs=excluded.logs, bytes=excluded.bytes",
    [Q_PACKAGE_ADD] = "INSERT INTO package(log, device, last, body) VALUES(?1, ?2, ?3, ?4)",
    [Q_PACKAGE_LIST] = "SELECT id, device, last, body FROM package WHERE log=?1 ORDER BY device, last, id",
    [Q_PACKAGE_DROP] = "DELETE FROM package WHERE id=?1",
    [Q_PACKAGE_CLEAR] = "DELETE FROM package WHERE log=?1 AND device=?2",
    [Q_PACKAGE_CLEAR_ALL] = "DELETE FROM package WHERE log=?1",
    [Q_PACKAGE_COUNT] =
        "SELECT device, sum(NOT last), sum(last), max(length(body)) FROM package WHERE log=?1 GROUP BY device"
        " ORDER BY min(id)",
    [Q_PACKAGE_LAST] = "DELETE FROM package WHERE log=?1 AND device=?2 AND last",
    [Q_TOTALS] =
        "SELECT (SELECT count(*) FROM log WHERE alive), (SELECT coalesce(max(id) - min(id) + 1, 0) FROM entry),"
        " (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size)",
};

// ----------------------------------------------------------------------------------------------------------------- SQLite

enum err sqlite_err(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return ERR_OK;
    case SQLITE_NOMEM: return ERR_MEMORY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ERR_CORRUPT;
    default: return ERR_IO; // full, a failing disk, a lock that did not come
    }
}

void sqlite_distrust(struct store *s, int rc)
{
    bool sync = rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC;
    bool damage = sqlite_err(rc) == ERR_CORRUPT;
    if (sync || damage) atomic_store(&s->broken, damage ? ERR_CORRUPT : ERR_IO);
}

bool sqlite_step(sqlite3_stmt *q, enum err *e)
{
    int rc = sqlite3_step(q);
    if (rc == SQLITE_ROW) return true;
    if (*e == ERR_OK) *e = sqlite_err(rc);
    (void)sqlite3_reset(q);
    return false;
}

enum err sqlite_prepare(sqlite3 *h, const char *sql, sqlite3_stmt **out)
{
    return sqlite_err(sqlite3_prepare_v3(h, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL));
}

static enum err run(sqlite3 *h, const char *sql) { return sqlite_err(sqlite3_exec(h, sql, NULL, NULL, NULL)); }

enum err sqlite_connect(const char *folder, const char *name, bool write, sqlite3 **out)
{
    char path[SQLITE_PATH_MAX + 40];
    sqlite3 *h = NULL;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    int flags = SQLITE_OPEN_NOMUTEX | (write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
    if (write) {
        // With no more rights than this, nor has its WAL. One that is there must not be opened: closing it again would take
        // the locks of every other connection of this process with it (POSIX), and another process's last words with the file could
        // be to delete its WAL.
        int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0 && errno != EEXIST) return ERR_IO;
        if (fd >= 0) close(fd);
    } else if (access(path, R_OK) != 0) {
        return ERR_NOT_FOUND;
    }
    enum err e = sqlite_err(sqlite3_open_v2(path, &h, flags, NULL));
    if (e == ERR_OK) {
        (void)sqlite3_extended_result_codes(h, 1);
        (void)sqlite3_busy_timeout(h, BUSY_MS);
        (void)sqlite3_db_config(h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        e = run(h, "PRAGMA temp_store=MEMORY;");
    }
    if (e == ERR_OK) *out = h;
    else (void)sqlite3_close_v2(h);
    return e;
}

// How a connection writes; for a file that is known to be ours.
enum err sqlite_writes(sqlite3 *h)
{
    sqlite3_stmt *q = NULL;
    enum err e = sqlite_prepare(h, "PRAGMA journal_mode=WAL", &q);
    bool wal = e == ERR_OK && sqlite_step(q, &e) && strcmp((const char *)sqlite3_column_text(q, 0), "wal") == 0;
    (void)sqlite3_finalize(q);
    if (e == ERR_OK && !wal) e = ERR_IO; // a file system without shared memory
    if (e != ERR_OK) return e;
    // What is deleted is overwritten with zeros, however this SQLite was built.
    return run(h, "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=67108864; "
                  "PRAGMA secure_delete=ON;");
}

static enum err pragma(sqlite3 *h, const char *sql, int64_t *out)
{
    sqlite3_stmt *q = NULL;
    enum err e = sqlite_prepare(h, sql, &q);
    if (e == ERR_OK && sqlite_step(q, &e)) *out = sqlite3_column_int64(q, 0);
    (void)sqlite3_finalize(q);
    return e;
}

// A new file gets the schema; another one must be ours, and not newer.
static enum err check_schema(sqlite3 *h, bool write)
{
    int64_t application = 0, version = 0, tables = 0;
    enum err e = pragma(h, "PRAGMA application_id", &application);
    if (e == ERR_OK) e = pragma(h, "PRAGMA user_version", &version);
    if (e == ERR_OK) e = pragma(h, "SELECT count(*) FROM sqlite_schema", &tables);
    if (e != ERR_OK) return e;
    if (tables == 0 && application == 0 && write) {
        char text[200];
        e = sqlite_writes(h);
        if (e != ERR_OK) return e;
        (void)snprintf(text, sizeof text, "PRAGMA application_id=%d; PRAGMA user_version=%d;", APPLICATION, VERSION);
        e = run(h, "BEGIN IMMEDIATE");
        if (e == ERR_OK) e = run(h, schema);
        if (e == ERR_OK) e = run(h, text);
        if (e == ERR_OK) e = run(h, "COMMIT");
        return e;
    }
    if (application != APPLICATION || version != VERSION) return ERR_UNSUPPORTED;
    return write ? sqlite_writes(h) : ERR_OK;
}

static enum err db_open(struct db *db, const char *folder, bool write)
{
    enum err e = sqlite_connect(folder, "store.db", write, &db->h);
    if (e == ERR_OK) e = check_schema(db->h, write);
    for (size_t i = 0; e == ERR_OK && i < STATEMENTS; i++) e = sqlite_prepare(db->h, queries[i], &db->q[i]);
    return e;
}

static void db_close(struct db *db)
{
    for (size_t i = 0; i < STATEMENTS; i++) (void)sqlite3_finalize(db->q[i]);
    (void)sqlite3_close_v2(db->h);
    *db = (struct db){0};
}

// ------------------------------------------------------------------------------------------------------------------ usage

struct usage *sqlite_usage(struct store *s, uint32_t host)
{
    if (host == 0) return NULL;
    size_t n = atomic_load(&s->usages);
    for (size_t i = 0; i < n; i++) {
        if (s->usage[i].id == host) return &s->usage[i];
    }
    pthread_mutex_lock(&s->usage_lock);
    n = atomic_load(&s->usages);
    struct usage *u = NULL;
    for (size_t i = 0; i < n; i++) {
        if (s->usage[i].id == host) u = &s->usage[i];
    }
    if (u == NULL && n < SQLITE_HOSTS_MAX) {
        u = &s->usage[n];
        u->id = host;
        atomic_store(&s->usages, n + 1);
    }
    pthread_mutex_unlock(&s->usage_lock);
    return u;
}

static void sqlite_host_set(struct store *s, const struct store_host *host)
{
    struct usage *u = sqlite_usage(s, host->id);
    if (u == NULL) return;
    atomic_store(&u->bytes_max, host->bytes_max);
    atomic_store(&u->told, true);
}

static enum err load_usage(struct store *s)
{
    enum err e = ERR_OK;
    while (sqlite_step(s->db.q[Q_USAGE_GET], &e)) {
        struct usage *u = sqlite_usage(s, (uint32_t)sqlite3_column_int64(s->db.q[Q_USAGE_GET], 0));
        if (u == NULL) continue;
        u->logs = u->was_logs = (uint64_t)sqlite3_column_int64(s->db.q[Q_USAGE_GET], 1);
        u->bytes = u->was_bytes = (uint64_t)sqlite3_column_int64(s->db.q[Q_USAGE_GET], 2);
    }
    return e;
}

static enum err write_usage(struct store *s)
{
    enum err e = ERR_OK;
    size_t n = atomic_load(&s->usages);
    for (size_t i = 0; e == ERR_OK && i < n; i++) {
        struct usage *u = &s->usage[i];
        if (u->logs == u->was_logs && u->bytes == u->was_bytes) continue;
        sqlite3_stmt *q = s->db.q[Q_USAGE_SET];
        (void)sqlite3_bind_int64(q, 1, u->id);
        (void)sqlite3_bind_int64(q, 2, (int64_t)u->logs);
        (void)sqlite3_bind_int64(q, 3, (int64_t)u->bytes);
        (void)sqlite_step(q, &e);
    }
    return e;
}

static void settle_usage(struct store *s, bool keep)
{
    size_t n = atomic_load(&s->usages);
    for (size_t i = 0; i < n; i++) {
        struct usage *u = &s->usage[i];
        if (keep) {
            u->was_logs = u->logs;
            u->was_bytes = u->bytes;
        } else {
            u->logs = u->was_logs;
            u->bytes = u->was_bytes;
        }
    }
}

// --------------------------------------------------------------------------------------------------------------- batches

static void wait_for_gate(struct store *s)
{
    if (!atomic_load(&s->gate)) return;
    pthread_mutex_lock(&s->check_lock);
    while (atomic_load(&s->gate)) pthread_cond_wait(&s->gate_open, &s->check_lock);
    pthread_mutex_unlock(&s->check_lock);
}

static enum err sqlite_begin(struct store *s)
{
    enum err e = (enum err)atomic_load(&s->broken);
    if (e != ERR_OK) return e;
    wait_for_gate(s);
    (void)sqlite_step(s->db.q[Q_BEGIN], &e);
    s->in_batch = e == ERR_OK;
    return e;
}

// A commit whose sync failed lies in the WAL as if it were one, and would come back to life when the store is opened after a
// crash. It has been refused: a commit that changes nothing takes its place. No checkpoint may trust what is in memory now.
static void bury(struct store *s)
{
    char text[80];
    (void)snprintf(text, sizeof text, "BEGIN IMMEDIATE; PRAGMA user_version=%d; COMMIT", VERSION);
    if (run(s->db.h, text) != ERR_OK && sqlite3_get_autocommit(s->db.h) == 0) (void)run(s->db.h, "ROLLBACK");
    (void)sqlite3_db_config(s->db.h, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

static void sqlite_rollback(struct store *s)
{
    enum err ignored = ERR_OK;
    sqlite_distrust(s, sqlite3_extended_errcode(s->db.h));
    // After some errors SQLite has rolled back by itself.
    if (sqlite3_get_autocommit(s->db.h) == 0) (void)sqlite_step(s->db.q[Q_ROLLBACK], &ignored);
    if (atomic_load(&s->broken) != ERR_OK) bury(s);
    row_forget(s);
    settle_usage(s, false);
    s->events = 0;
    s->in_batch = false;
}

static enum err sqlite_commit(struct store *s)
{
    enum err e = row_write_all(s);
    if (e == ERR_OK) e = write_usage(s);
    if (e == ERR_OK && !sqlite_step(s->db.q[Q_COMMIT], &e) && e != ERR_OK) {
        sqlite_distrust(s, sqlite3_extended_errcode(s->db.h));
    }
    if (e != ERR_OK) return e;
    s->in_batch = false;
    row_settle(s);
    settle_usage(s, true);
    if (s->events > 0 && s->settings.watch != NULL) s->settings.watch(s->settings.watch_arg, s->event, s->events);
    s->events = 0;
    return ERR_OK;
}

static enum err sqlite_signal(struct store *s, const uint8_t *log, uint64_t origin, struct span data)
{
    struct store_event e = {.kind = STORE_SIGNAL, .origin = origin, .payload = data};
    memcpy(e.log, log, WIRE_ID);
    if (s->settings.watch != NULL) s->settings.watch(s->settings.watch_arg, &e, 1);
    return ERR_OK;
}

// ----------------------------------------------------------------------------------------------------------- checkpoints

static int wal_grew(void *arg, sqlite3 *h, const char *name, int frames)
{
    struct store *s = arg;
    (void)h;
    (void)name;
    atomic_store(&s->wal_frames, (size_t)frames);
    if (frames >= WAL_SOON) pthread_cond_signal(&s->check_wake);
    return SQLITE_OK;
}

// *done: the frames that are in the file now; all of them: false if there were more when it began.
static bool checkpoint(struct store *s, sqlite3 *h, int mode, size_t *done)
{
    int all = 0, copied = 0;
    int rc = sqlite3_wal_checkpoint_v2(h, NULL, mode, &all, &copied);
    *done = rc == SQLITE_OK && copied > 0 ? (size_t)copied : 0;
    sqlite_distrust(s, rc);
    return rc == SQLITE_OK && copied == all;
}

static int wait_a_little(void *arg, int tries)
{
    (void)arg;
    if (tries >= RESTART_MS) return 0;
    (void)usleep(1000);
    return 1;
}

static bool sync_store(struct store *s, sqlite3 *h)
{
    sqlite3_file *file = NULL;
    if (sqlite3_file_control(h, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK || file->pMethods == NULL)
        return false;
    if (file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) == SQLITE_OK) return true;
    sqlite_distrust(s, SQLITE_IOERR_FSYNC);
    return false;
}

// A log that grows all the same is begun anew. Batches wait meanwhile, so all that can be done before is: what was copied is
// synced, and what came during that is copied, until little is left; then the gate closes. Somebody who reads for long (a
// backup) is not waited for.
static bool restart(struct store *s, sqlite3 *h)
{
    size_t done = 0;
    for (int i = 0; i < RESTART_TRIES; i++) {
        (void)checkpoint(s, h, SQLITE_CHECKPOINT_PASSIVE, &done);
        if (!sync_store(s, h)) return false;
        size_t frames = atomic_load(&s->wal_frames);
        if (frames < done + WAL_FEW || frames > WAL_FAR) break;
    }
    atomic_store(&s->gate, true);
    bool ok = checkpoint(s, h, SQLITE_CHECKPOINT_RESTART, &done);
    pthread_mutex_lock(&s->check_lock);
    atomic_store(&s->gate, false);
    pthread_cond_broadcast(&s->gate_open);
    pthread_mutex_unlock(&s->check_lock);
    return ok;
}

// Until the time is over or the store closes; or, unless it is a pause, until there is something to do.
static void wait_for_work(struct store *s, long ms, bool pause)
{
    struct timespec until;
    int rc = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += ms % 1000 * 1000000;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    do {
        if (!s->check_stop) rc = pthread_cond_timedwait(&s->check_wake, &s->check_lock, &until);
    } while (pause && rc == 0 && !s->check_stop);
}

// Passive ones hold up nobody; with a pause in between, pages that change often are not copied for every change.
static void *checkpoints(void *arg)
{
    struct store *s = arg;
    unsigned patience = 0; // rounds until a restart is tried again
    sqlite3 *h = s->check_db;
    (void)sqlite3_busy_handler(h, wait_a_little, NULL);
    pthread_mutex_lock(&s->check_lock);
    while (!s->check_stop) {
        size_t frames = atomic_load(&s->wal_frames), done = 0;
        if (frames < WAL_SOON || atomic_load(&s->broken) != ERR_OK) {
            wait_for_work(s, LOOK_MS, false);
            continue;
        }
        pthread_mutex_unlock(&s->check_lock);
        bool all = checkpoint(s, h, SQLITE_CHECKPOINT_PASSIVE, &done);
        // Nothing was written meanwhile: the next commit begins the log anew by itself, and says how long it is then.
        if (!all || !atomic_compare_exchange_strong(&s->wal_frames, &frames, 0)) {
            if (frames > WAL_MOST && patience == 0) patience = restart(s, h) ? 0 : RESTART_AGAIN;
            else patience -= patience > 0;
        }
        pthread_mutex_lock(&s->check_lock);
        wait_for_work(s, PAUSE_MS, true);
    }
    pthread_mutex_unlock(&s->check_lock);
    return NULL;
}

// ----------------------------------------------------------------------------------------------------------- open, close

static enum err take_lock(struct store *s)
{
    char path[SQLITE_PATH_MAX + 40];
    (void)snprintf(path, sizeof path, "%s/lock", s->folder);
    s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock < 0) return ERR_IO;
    return flock(s->lock, LOCK_EX | LOCK_NB) == 0 ? ERR_OK : errno == EWOULDBLOCK ? ERR_REFUSED : ERR_IO;
}

static enum err start_writing(struct store *s)
{
    enum err e = take_lock(s);
    if (e == ERR_OK) e = db_open(&s->db, s->folder, true);
    if (e == ERR_OK) e = load_usage(s);
    if (e == ERR_OK) e = blob_open(s);
    if (e != ERR_OK) return e;
    char text[80];
    (void)snprintf(text, sizeof text, "PRAGMA cache_size=-%zu", s->settings.cache / 2 / 1024);
    e = run(s->db.h, text);
    s->hot_max = s->settings.cache / 2;
    (void)sqlite3_wal_hook(s->db.h, wal_grew, s);
    if (e == ERR_OK) e = sqlite_connect(s->folder, "store.db", true, &s->check_db);
    if (e == ERR_OK) e = sqlite_writes(s->check_db);
    if (e == ERR_OK && pthread_create(&s->checkpointer, NULL, checkpoints, s) != 0) e = ERR_MEMORY;
    s->check_started = e == ERR_OK;
    return e;
}

static void sqlite_close(struct store *s)
{
    if (s == NULL) return;
    if (s->check_started) {
        pthread_mutex_lock(&s->check_lock);
        s->check_stop = true;
        pthread_cond_signal(&s->check_wake);
        pthread_mutex_unlock(&s->check_lock);
        pthread_join(s->checkpointer, NULL);
    }
    if (s->check_db != NULL && atomic_load(&s->broken) != ERR_OK) {
        (void)sqlite3_db_config(s->check_db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        (void)sqlite3_db_config(s->db.h, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    (void)sqlite3_close_v2(s->check_db);
    row_forget_all(s);
    blob_close(s);
    db_close(&s->db);
    if (s->lock >= 0) close(s->lock);
    pthread_mutex_destroy(&s->check_lock);
    pthread_mutex_destroy(&s->usage_lock);
    pthread_cond_destroy(&s->check_wake);
    pthread_cond_destroy(&s->gate_open);
    mem_free(s->bucket);
    mem_free(s->event);
    mem_free(s);
}

static enum err sqlite_open(const char *folder, const struct store_settings *settings, struct store **out)
{
    struct store *s = mem_new(sizeof *s);
    if (s == NULL) return ERR_MEMORY;
    s->settings = *settings;
    s->lock = -1;
    s->newest.newer = s->newest.older = &s->newest;
    pthread_mutex_init(&s->check_lock, NULL);
    pthread_mutex_init(&s->usage_lock, NULL);
    pthread_cond_init(&s->check_wake, NULL);
    pthread_cond_init(&s->gate_open, NULL);
    enum err e = snprintf(s->folder, sizeof s->folder, "%s", folder) < (int)sizeof s->folder ? ERR_OK : ERR_LIMIT;
    if (e == ERR_OK && !settings->read_only) e = start_writing(s);
    if (e == ERR_OK) *out = s;
    else sqlite_close(s);
    return e;
}

// --------------------------------------------------------------------------------------------------------------- readers

static void sqlite_reader_free(struct store_reader *r)
{
    if (r == NULL) return;
    blob_reader_close(r);
    db_close(&r->db);
    mem_free(r);
}

static enum err sqlite_reader_new(struct store *s, struct store_reader **out)
{
    struct store_reader *r = mem_new(sizeof *r);
    if (r == NULL) return ERR_MEMORY;
    r->s = s;
    enum err e = db_open(&r->db, s->folder, false);
    if (e == ERR_OK) e = blob_reader_open(r);
    if (e == ERR_OK) *out = r;
    else sqlite_reader_free(r);
    return e;
}

static enum err sqlite_totals(struct store_reader *r, struct store_totals *out)
{
    enum err e = ERR_OK;
    sqlite3_stmt *q = r->db.q[Q_TOTALS];
    struct store_totals t = {0};
    int64_t blobs = 0, bytes = 0;
    if (sqlite_step(q, &e)) {
        t.logs = (uint64_t)sqlite3_column_int64(q, 0);
        t.entries = (uint64_t)sqlite3_column_int64(q, 1);
        t.bytes = (uint64_t)sqlite3_column_int64(q, 2);
        (void)sqlite3_reset(q);
    }
    if (e == ERR_OK) e = pragma(r->blobs, "SELECT count(*) FROM blob", &blobs);
    if (e == ERR_OK) e = pragma(r->blobs, "SELECT coalesce(sum(size), 0) FROM blob", &bytes);
    t.blobs = (uint64_t)blobs;
    t.bytes += (uint64_t)bytes;
    if (e == ERR_OK) *out = t;
    return e;
}

const struct store_engine store_sqlite = {
    .name = "sqlite",
    .open = sqlite_open,
    .close = sqlite_close,
    .host_set = sqlite_host_set,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .log_create = sqlite_log_create,
    .log_append = sqlite_log_append,
    .log_delete = sqlite_log_delete,
    .grant_set = sqlite_grant_set,
    .grant_remove = sqlite_grant_remove,
    .package_put = sqlite_package_put,
    .package_take = sqlite_package_take,
    .package_clear = sqlite_package_clear,
    .blob_create = sqlite_blob_create,
    .blob_append = sqlite_blob_append,
    .blob_seal = sqlite_blob_seal,
    .blob_delete = sqlite_blob_delete,
    .expire = sqlite_expire,
    .blob_expire = sqlite_blob_expire,
    .signal = sqlite_signal,
    .reader_new = sqlite_reader_new,
    .reader_free = sqlite_reader_free,
    .view = sqlite_view,
    .read = sqlite_read,
    .package_stat = sqlite_package_stat,
    .blob_stat = sqlite_blob_stat,
    .blob_read = sqlite_blob_read,
    .totals = sqlite_totals,
    .check = sqlite_check,
    .backup = sqlite_backup,
};
