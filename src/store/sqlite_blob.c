// SPDX-License-Identifier: Apache-2.0
//
// Blobs: a file each, and a row that says whose it is. Calls come from one thread of their own. Invariants: the row never says
// sealed before the file is whole on the disk; of an unsealed blob, what the row calls its size is on the disk, and what
// a crash leaves beyond that is cut off.
#include "store/sqlite.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXPIRE_BLOBS = 32, WAL_FRAMES = 1000, IDLE_S = 86400, PATH_MAX_ = SQLITE_PATH_MAX + 120 };
static const uint64_t sync_every = 8 << 20;

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS blob(name BLOB PRIMARY KEY, hash BLOB NOT NULL, size INTEGER NOT NULL, most INTEGER NOT NULL,"
    " sealed INTEGER NOT NULL, expires INTEGER NOT NULL, retention INTEGER NOT NULL, host INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS blob_expires ON blob(expires);";
static const char get[] = "SELECT hash, size, most, sealed, expires, retention, host FROM blob WHERE name=?1";

// expires: when it goes, in seconds; of an unsealed blob it moves as chunks come.
struct blob {
    uint8_t hash[WIRE_HASH];
    uint64_t size, most, expires;
    uint32_t retention, host;
    bool sealed;
};

static void path_of(const char *folder, const uint8_t *name, char out[PATH_MAX_])
{
    int n = snprintf(out, PATH_MAX_, "%s/blobs/%02x/", folder, name[0]);
    for (size_t i = 0; i < WIRE_HASH; i++) n += snprintf(out + n, PATH_MAX_ - (size_t)n, "%02x", name[i]);
}

static bool find(sqlite3_stmt *q, const uint8_t *name, struct blob *out, enum err *e)
{
    (void)sqlite3_bind_blob(q, 1, name, WIRE_HASH, SQLITE_STATIC);
    if (!sqlite_step(q, e)) return false;
    *out = (struct blob){.size = (uint64_t)sqlite3_column_int64(q, 1), .most = (uint64_t)sqlite3_column_int64(q, 2),
                         .sealed = sqlite3_column_int(q, 3) != 0, .expires = (uint64_t)sqlite3_column_int64(q, 4),
                         .retention = (uint32_t)sqlite3_column_int64(q, 5), .host = (uint32_t)sqlite3_column_int64(q, 6)};
    bool whole = sqlite3_column_bytes(q, 0) == WIRE_HASH;
    if (whole) memcpy(out->hash, sqlite3_column_blob(q, 0), WIRE_HASH);
    (void)sqlite3_reset(q);
    return whole;
}

// One step of a statement that writes.
static enum err change(struct store *s, sqlite3_stmt *q)
{
    enum err e = ERR_OK;
    (void)sqlite_step(q, &e);
    if (e != ERR_OK) sqlite_distrust(s, sqlite3_extended_errcode(s->blobs));
    return e;
}

static enum err set(struct store *s, const uint8_t *name, uint64_t size, bool sealed, uint64_t expires)
{
    sqlite3_stmt *q = s->blob_set;
    (void)sqlite3_bind_blob(q, 1, name, WIRE_HASH, SQLITE_STATIC);
    (void)sqlite3_bind_int64(q, 2, (int64_t)size);
    (void)sqlite3_bind_int(q, 3, sealed);
    (void)sqlite3_bind_int64(q, 4, (int64_t)expires);
    return change(s, q);
}

static void charge(struct store *s, uint32_t host, uint64_t add, uint64_t take)
{
    struct usage *u = sqlite_usage(s, host);
    if (u != NULL) u->blob_bytes += add - take;
}

// --------------------------------------------------------------------------------------------------------- open, close

// What a crash left: files beyond what was durable, and the quotas.
static enum err recover(struct store *s)
{
    sqlite3_stmt *q = NULL;
    enum err e = sqlite_prepare(s->blobs, "SELECT name, size, most, sealed, host FROM blob", &q);
    while (e == ERR_OK && sqlite_step(q, &e)) {
        char path[PATH_MAX_];
        bool sealed = sqlite3_column_int(q, 3) != 0;
        uint64_t size = (uint64_t)sqlite3_column_int64(q, 1);
        charge(s, (uint32_t)sqlite3_column_int64(q, 4), sealed ? size : (uint64_t)sqlite3_column_int64(q, 2), 0);
        if (sealed || sqlite3_column_bytes(q, 0) != WIRE_HASH) continue;
        path_of(s->folder, sqlite3_column_blob(q, 0), path);
        struct stat st;
        if (stat(path, &st) == 0 && (uint64_t)st.st_size > size && truncate(path, (off_t)size) != 0) e = ERR_IO;
    }
    (void)sqlite3_finalize(q);
    return e;
}

// A name in a folder is durable when the folder is.
static enum err sync_folder(const char *folder)
{
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = dir >= 0 && fsync(dir) == 0;
    if (dir >= 0) close(dir);
    return ok ? ERR_OK : ERR_IO;
}

static enum err make_folder(const char *folder, const char *parent)
{
    if (mkdir(folder, 0700) == 0) return sync_folder(parent);
    return errno == EEXIST ? ERR_OK : ERR_IO;
}

// Instead of SQLite's own, which says nothing of a sync that fails.
static int wal_grew(void *arg, sqlite3 *h, const char *name, int frames)
{
    if (frames >= WAL_FRAMES)
        sqlite_distrust(arg, sqlite3_wal_checkpoint_v2(h, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL));
    return SQLITE_OK;
}

enum err blob_open(struct store *s)
{
    char path[PATH_MAX_];
    (void)snprintf(path, sizeof path, "%s/blobs", s->folder);
    enum err e = make_folder(path, s->folder);
    if (e == ERR_OK) e = sqlite_connect(s->folder, "blobs.db", true, &s->blobs);
    if (e == ERR_OK) e = sqlite_writes(s->blobs);
    if (e == ERR_OK) e = sqlite_err(sqlite3_exec(s->blobs, schema, NULL, NULL, NULL));
    if (e == ERR_OK) (void)sqlite3_wal_hook(s->blobs, wal_grew, s);
    if (e == ERR_OK) e = sqlite_prepare(s->blobs, get, &s->blob_get);
    if (e == ERR_OK) {
        e = sqlite_prepare(s->blobs, "INSERT INTO blob(name, hash, size, most, sealed, expires, retention, host)"
                                     " VALUES(?1, ?2, 0, ?3, 0, ?4, ?5, ?6)", &s->blob_put);
    }
    if (e == ERR_OK) {
        e = sqlite_prepare(s->blobs, "UPDATE blob SET size=?2, sealed=?3, expires=?4 WHERE name=?1", &s->blob_set);
    }
    if (e == ERR_OK) e = sqlite_prepare(s->blobs, "DELETE FROM blob WHERE name=?1", &s->blob_drop);
    if (e == ERR_OK) e = sqlite_prepare(s->blobs, "SELECT name FROM blob WHERE expires<=?1 LIMIT ?2", &s->blob_old);
    return e == ERR_OK ? recover(s) : e;
}

void blob_close(struct store *s)
{
    sqlite3_stmt **const all[] = {&s->blob_get, &s->blob_put, &s->blob_set, &s->blob_drop, &s->blob_old};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        (void)sqlite3_finalize(*all[i]);
        *all[i] = NULL;
    }
    if (s->blobs != NULL && atomic_load(&s->broken) != ERR_OK) {
        (void)sqlite3_db_config(s->blobs, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    (void)sqlite3_close_v2(s->blobs);
    s->blobs = NULL;
}

enum err blob_reader_open(struct store_reader *r)
{
    enum err e = sqlite_connect(r->s->folder, "blobs.db", false, &r->blobs);
    return e == ERR_OK ? sqlite_prepare(r->blobs, get, &r->blob_get) : e;
}

void blob_reader_close(struct store_reader *r)
{
    (void)sqlite3_finalize(r->blob_get);
    (void)sqlite3_close_v2(r->blobs);
    r->blob_get = NULL;
    r->blobs = NULL;
}

// -------------------------------------------------------------------------------------------------------------- writing

static enum err trusted(struct store *s) { return (enum err)atomic_load(&s->broken); }

static enum err drop(struct store *s, const uint8_t *name, const struct blob *b)
{
    char path[PATH_MAX_];
    (void)sqlite3_bind_blob(s->blob_drop, 1, name, WIRE_HASH, SQLITE_STATIC);
    enum err e = change(s, s->blob_drop);
    if (e != ERR_OK) return e;
    charge(s, b->host, 0, b->sealed ? b->size : b->most);
    path_of(s->folder, name, path);
    return unlink(path) == 0 || errno == ENOENT ? ERR_OK : ERR_IO;
}

static void unlink_file(struct store *s, const uint8_t *name)
{
    char path[PATH_MAX_];
    path_of(s->folder, name, path);
    (void)unlink(path);
}

static enum err make_file(struct store *s, const uint8_t *name)
{
    char path[PATH_MAX_], folder[PATH_MAX_], inner[PATH_MAX_];
    path_of(s->folder, name, path);
    (void)snprintf(folder, sizeof folder, "%s/blobs", s->folder);
    (void)snprintf(inner, sizeof inner, "%s/blobs/%02x", s->folder, name[0]);
    enum err e = make_folder(inner, folder);
    if (e != ERR_OK) return e;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return ERR_IO;
    close(fd);
    return sync_folder(inner);
}

static bool over(struct store *s, const struct store_host *host, uint64_t bytes)
{
    const struct usage *u = sqlite_usage(s, host->id);
    if (u == NULL) return host->id != 0; // more hosts than can be kept in mind may have nothing
    return host->bytes_max > 0 && u->bytes + u->blob_bytes + bytes > host->bytes_max;
}

enum err sqlite_blob_create(struct store *s, const uint8_t *name, const uint8_t *hash, uint64_t size, uint32_t retention,
                            const struct store_host *host, uint64_t now, enum wire_code *code)
{
    enum err e = trusted(s);
    struct blob b;
    bool there = e == ERR_OK && find(s->blob_get, name, &b, &e);
    if (e != ERR_OK) return e;
    if (there && b.expires <= now / 1000) {
        e = drop(s, name, &b);
        there = false;
    }
    *code = there ? WIRE_E_EXISTS : size > s->settings.blob_max ? WIRE_E_LIMIT : over(s, host, size) ? WIRE_E_QUOTA : WIRE_OK;
    if (e != ERR_OK || *code != WIRE_OK) return e;
    e = make_file(s, name);
    if (e != ERR_OK) return e;
    sqlite3_stmt *q = s->blob_put;
    (void)sqlite3_bind_blob(q, 1, name, WIRE_HASH, SQLITE_STATIC);
    (void)sqlite3_bind_blob(q, 2, hash, WIRE_HASH, SQLITE_STATIC);
    (void)sqlite3_bind_int64(q, 3, (int64_t)size);
    (void)sqlite3_bind_int64(q, 4, (int64_t)(now / 1000 + IDLE_S));
    (void)sqlite3_bind_int64(q, 5, retention == 0 ? s->settings.blob_retention : retention);
    (void)sqlite3_bind_int64(q, 6, host->id);
    e = change(s, q);
    if (e == ERR_OK) charge(s, host->id, size, 0);
    else unlink_file(s, name);
    return e;
}

static bool find_own(struct store *s, const uint8_t *name, const uint8_t *hash, uint64_t now, struct blob *b,
                     enum wire_code *code, enum err *e)
{
    bool ok = find(s->blob_get, name, b, e) && mem_equal(b->hash, hash, WIRE_HASH) && b->expires > now / 1000;
    *code = ok ? WIRE_OK : WIRE_E_NOT_FOUND;
    return ok;
}

static enum err write_all(int fd, struct span data, uint64_t at)
{
    while (data.n > 0) {
        ssize_t n = pwrite(fd, data.p, data.n, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return ERR_IO;
        data.p += n;
        data.n -= (size_t)n;
        at += (uint64_t)n;
    }
    return ERR_OK;
}

// After a sync that failed, all that was not durable before is taken back: nobody knows what of it is on the disk, and the next
// sync would not say.
static enum err sync_chunks(int fd, uint64_t durable)
{
    if (fsync(fd) == 0) return ERR_OK;
    (void)!ftruncate(fd, (off_t)durable);
    return ERR_IO;
}

// A chunk that was written in part is taken back.
static enum err add_chunk(struct store *s, int fd, const uint8_t *name, struct blob *b, struct span data, uint64_t end,
                          uint64_t now)
{
    enum err e = write_all(fd, data, end);
    if (e != ERR_OK) {
        (void)!ftruncate(fd, (off_t)end);
        return e;
    }
    end += data.n;
    // Now and then it is made durable, so that a seal does not take long; and the row says that somebody is writing.
    bool sync = end / sync_every != (end - data.n) / sync_every, late = b->expires < now / 1000 + IDLE_S - 3600;
    if (!sync && !late) return ERR_OK;
    if (sync) e = sync_chunks(fd, b->size);
    if (e != ERR_OK) return e;
    return set(s, name, sync ? end : b->size, false, late ? now / 1000 + IDLE_S : b->expires);
}

enum err sqlite_blob_append(struct store *s, const uint8_t *name, const uint8_t *hash, uint64_t offset, struct span data,
                            uint64_t now, struct store_blob *out, enum wire_code *code)
{
    enum err e = trusted(s);
    struct blob b;
    struct stat st;
    char path[PATH_MAX_];
    if (e != ERR_OK || !find_own(s, name, hash, now, &b, code, &e)) return e;
    *out = (struct store_blob){.size = b.size, .sealed = b.sealed, .expires = b.expires};
    if (b.sealed) {
        *code = WIRE_E_SEALED;
        return ERR_OK;
    }
    path_of(s->folder, name, path);
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) != 0) {
        if (fd >= 0) close(fd);
        return ERR_IO;
    }
    out->size = (uint64_t)st.st_size;
    if (offset != out->size) *code = WIRE_E_OFFSET;
    else if (data.n > b.most - offset) *code = WIRE_E_LIMIT;
    else e = add_chunk(s, fd, name, &b, data, offset, now);
    close(fd);
    if (e == ERR_OK && *code == WIRE_OK) out->size += data.n;
    return e;
}

enum err sqlite_blob_seal(struct store *s, const uint8_t *name, const uint8_t *hash, uint64_t size, uint64_t now,
                          enum wire_code *code)
{
    enum err e = trusted(s);
    struct blob b;
    struct stat st;
    char path[PATH_MAX_];
    if (e != ERR_OK || !find_own(s, name, hash, now, &b, code, &e)) return e;
    if (b.sealed) { // again, after an answer that was lost
        *code = size == b.size ? WIRE_OK : WIRE_E_SEALED;
        return ERR_OK;
    }
    path_of(s->folder, name, path);
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return ERR_IO;
    if (fstat(fd, &st) != 0) e = ERR_IO;
    else if ((uint64_t)st.st_size != size) *code = WIRE_E_OFFSET;
    else e = sync_chunks(fd, b.size);
    close(fd);
    if (e != ERR_OK || *code != WIRE_OK) return e;
    e = set(s, name, size, true, now / 1000 + b.retention);
    if (e == ERR_OK) charge(s, b.host, size, b.most);
    return e;
}

enum err sqlite_blob_delete(struct store *s, const uint8_t *name, const uint8_t *hash, enum wire_code *code)
{
    enum err e = trusted(s);
    struct blob b;
    bool ok = e == ERR_OK && find(s->blob_get, name, &b, &e) && mem_equal(b.hash, hash, WIRE_HASH);
    *code = ok ? WIRE_OK : WIRE_E_NOT_FOUND;
    return ok ? drop(s, name, &b) : e;
}

// A file's name as path_of writes it.
static bool read_name(const char *text, uint8_t name[WIRE_HASH])
{
    static const char digits[] = "0123456789abcdef";
    if (strlen(text) != 2 * (size_t)WIRE_HASH) return false;
    for (size_t i = 0; i < WIRE_HASH; i++) {
        const char *a = strchr(digits, text[2 * i]), *b = strchr(digits, text[2 * i + 1]);
        if (a == NULL || b == NULL) return false;
        name[i] = (uint8_t)((a - digits) << 4 | (b - digits));
    }
    return true;
}

// Files that no row knows, in one of the folders: a crash between the end of a row and that of its file leaves one.
static enum err sweep(struct store *s, unsigned which)
{
    enum err e = ERR_OK;
    char folder[PATH_MAX_];
    (void)snprintf(folder, sizeof folder, "%s/blobs/%02x", s->folder, which);
    DIR *d = opendir(folder);
    for (struct dirent *x; d != NULL && e == ERR_OK && (x = readdir(d)) != NULL;) {
        uint8_t name[WIRE_HASH];
        struct blob b;
        if (!read_name(x->d_name, name) || find(s->blob_get, name, &b, &e)) continue;
        if (e == ERR_OK) unlink_file(s, name);
    }
    if (d != NULL) (void)closedir(d);
    return e;
}

enum err sqlite_blob_expire(struct store *s, uint64_t now, bool *more)
{
    enum err e = trusted(s);
    uint8_t names[EXPIRE_BLOBS][WIRE_HASH];
    size_t n = 0;
    *more = false;
    if (e != ERR_OK) return e;
    (void)sqlite3_bind_int64(s->blob_old, 1, (int64_t)(now / 1000));
    (void)sqlite3_bind_int64(s->blob_old, 2, EXPIRE_BLOBS);
    while (sqlite_step(s->blob_old, &e)) {
        if (n < EXPIRE_BLOBS && sqlite3_column_bytes(s->blob_old, 0) == WIRE_HASH) {
            memcpy(names[n++], sqlite3_column_blob(s->blob_old, 0), WIRE_HASH);
        }
    }
    for (size_t i = 0; e == ERR_OK && i < n; i++) {
        struct blob b;
        if (find(s->blob_get, names[i], &b, &e)) e = drop(s, names[i], &b);
    }
    if (e == ERR_OK && s->swept < 256) e = sweep(s, s->swept++);
    *more = n == EXPIRE_BLOBS || s->swept < 256;
    return e;
}

// -------------------------------------------------------------------------------------------------------------- reading

enum err sqlite_blob_stat(struct store_reader *r, const uint8_t *name, uint64_t now, struct store_blob *out,
                          enum wire_code *code)
{
    enum err e = ERR_OK;
    struct blob b;
    struct stat st;
    char path[PATH_MAX_];
    bool ok = find(r->blob_get, name, &b, &e) && b.expires > now / 1000;
    *code = ok ? WIRE_OK : WIRE_E_NOT_FOUND;
    if (!ok) return e;
    *out = (struct store_blob){.size = b.size, .sealed = b.sealed, .expires = b.expires};
    if (b.sealed) return ERR_OK;
    path_of(r->s->folder, name, path);
    if (stat(path, &st) != 0) return ERR_IO;
    out->size = (uint64_t)st.st_size;
    return ERR_OK;
}

enum err sqlite_blob_read(struct store_reader *r, const uint8_t *name, uint64_t offset, uint32_t limit, uint64_t now,
                          struct buf *out, enum wire_code *code)
{
    enum err e = ERR_OK;
    struct blob b;
    char path[PATH_MAX_];
    bool ok = find(r->blob_get, name, &b, &e) && b.expires > now / 1000;
    *code = !ok ? WIRE_E_NOT_FOUND : !b.sealed ? WIRE_E_SEALED : WIRE_OK;
    if (*code != WIRE_OK || offset >= b.size) return e;
    size_t n = b.size - offset < limit ? (size_t)(b.size - offset) : limit;
    path_of(r->s->folder, name, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    uint8_t *to = fd < 0 ? NULL : buf_grow(out, n);
    if (fd < 0) return ERR_IO;
    if (to == NULL) e = buf_end(out);
    for (size_t got = 0; e == ERR_OK && got < n;) {
        ssize_t k = pread(fd, to + got, n - got, (off_t)(offset + got));
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) e = k == 0 ? ERR_CORRUPT : ERR_IO;
        else got += (size_t)k;
    }
    close(fd);
    return e;
}

// Whether a blob's file holds at least what its row says is durable.
static bool whole(const struct store_reader *r, const uint8_t *name, uint64_t size, bool sealed)
{
    char path[PATH_MAX_];
    struct stat st;
    path_of(r->s->folder, name, path);
    return stat(path, &st) == 0 && (sealed ? (uint64_t)st.st_size == size : (uint64_t)st.st_size >= size);
}

// A relay that runs may delete one meanwhile: those that do not fit are looked at twice.
enum err blob_check(struct store_reader *r, size_t *missing)
{
    enum { SUSPECTS = 100 };
    uint8_t name[SUSPECTS][WIRE_HASH];
    size_t n = 0;
    sqlite3_stmt *q = NULL;
    *missing = 0;
    enum err e = sqlite_prepare(r->blobs, "SELECT name, size, sealed FROM blob", &q);
    while (e == ERR_OK && n < SUSPECTS && sqlite_step(q, &e)) {
        if (sqlite3_column_bytes(q, 0) != WIRE_HASH) continue;
        memcpy(name[n], sqlite3_column_blob(q, 0), WIRE_HASH);
        n += !whole(r, name[n], (uint64_t)sqlite3_column_int64(q, 1), sqlite3_column_int(q, 2) != 0);
    }
    (void)sqlite3_finalize(q);
    for (size_t i = 0; e == ERR_OK && i < n; i++) {
        struct blob b;
        *missing += find(r->blob_get, name[i], &b, &e) && !whole(r, name[i], b.size, b.sealed);
    }
    return e;
}
