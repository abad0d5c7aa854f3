// SPDX-License-Identifier: Apache-2.0
//
// Rows and files: what the vault and the profile's folder keep of transfers. Invariant: a file in the folder that a row
// names was made before the row; a file that no row names is nobody's, and goes.
#include "transfer/inner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

const char transfer_tables[] =
    // relay: where it lies; other: where else it may be made, empty for nowhere. path: what is sent, empty where that
    // is `file`, a sealed file in the profile's folder, or where `file` is what comes.
    "CREATE TABLE transfer(id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, state INTEGER NOT NULL,"
    " use INTEGER NOT NULL, owner INTEGER NOT NULL, relay TEXT NOT NULL, other TEXT NOT NULL, blob BLOB NOT NULL,"
    " blob_key BLOB NOT NULL, key BLOB NOT NULL, prefix BLOB NOT NULL, size INTEGER NOT NULL, digest BLOB NOT NULL,"
    " expires INTEGER NOT NULL, path TEXT NOT NULL, mtime INTEGER NOT NULL, file TEXT NOT NULL, done INTEGER NOT NULL,"
    " why TEXT NOT NULL) STRICT;"
    "CREATE INDEX transfer_state ON transfer(state, id);"
    "CREATE INDEX transfer_file ON transfer(file);"
    // By what each window of a file's chunks is known that has been sealed, stored before a byte of it leaves.
    "CREATE TABLE transfer_window(transfer INTEGER NOT NULL REFERENCES transfer ON DELETE CASCADE, n INTEGER NOT NULL,"
    " mark BLOB NOT NULL, PRIMARY KEY(transfer, n)) STRICT, WITHOUT ROWID;"
    // Blobs that nobody wants any more, and that are not whole.
    "CREATE TABLE transfer_gone(blob BLOB PRIMARY KEY, blob_key BLOB NOT NULL, relay TEXT NOT NULL) STRICT, WITHOUT "
    "ROWID;";

static void take_text(struct db *d, sqlite3_stmt *q, int at, char *out, size_t room)
{
    struct span s = db_get(q, at);
    if (s.n >= room) d->err = ERR_CORRUPT;
    else if (s.n > 0) memcpy(out, s.p, s.n);
}

static void take_row(struct db *d, sqlite3_stmt *q, struct row *out)
{
    *out = (struct row){.kind = (enum transfer_kind)db_get_int(q, 0),
                        .state = (enum transfer_state)db_get_int(q, 1),
                        .use = (uint8_t)db_get_int(q, 2),
                        .owner = db_get_int(q, 3),
                        .mtime = db_get_int(q, 14),
                        .done = (uint64_t)db_get_int(q, 16),
                        .id = db_get_int(q, 18)};
    take_text(d, q, 4, out->relay, sizeof out->relay);
    take_text(d, q, 5, out->other, sizeof out->other);
    (void)db_get_fixed(d, q, 6, out->ref.blob, WIRE_ID);
    (void)db_get_fixed(d, q, 7, out->blob_key, WIRE_KEY);
    (void)db_get_fixed(d, q, 8, out->ref.key.key, FILE_KEY);
    (void)db_get_fixed(d, q, 9, out->ref.key.prefix, FILE_PREFIX);
    out->ref.size = (uint64_t)db_get_int(q, 10);
    (void)db_get_fixed(d, q, 11, out->ref.digest, FILE_DIGEST);
    out->ref.expires = (uint64_t)db_get_int(q, 12);
    take_text(d, q, 13, out->path, sizeof out->path);
    take_text(d, q, 15, out->file, sizeof out->file);
    take_text(d, q, 17, out->why, sizeof out->why);
    memcpy(out->ref.relay, out->relay, sizeof out->ref.relay);
    if (out->ref.size > FILE_MAX) d->err = ERR_CORRUPT;
}

bool row_read(struct transfers *t, int64_t id, struct row *out)
{
    struct db *d = t->h.db;
    sqlite3_stmt *q = db_sql(
        d, "SELECT kind, state, use, owner, relay, other, blob, blob_key, key, prefix, size, digest, expires, path,"
           " mtime, file, done, why, id FROM transfer WHERE id = ?1");
    db_int(q, 1, id);
    bool there = db_row(d, q);
    if (there) take_row(d, q, out);
    db_done(q);
    return there && d->err == ERR_OK;
}

void row_state(struct transfers *t, const struct row *r)
{
    sqlite3_stmt *q = db_sql(t->h.db, "UPDATE transfer SET state = ?2, why = ?3, digest = ?4, expires = ?5, done = ?6,"
                                      " relay = ?7, other = ?8, file = ?9 WHERE id = ?1");
    db_int(q, 1, r->id);
    db_int(q, 2, r->state);
    db_text(q, 3, span_str(r->why));
    db_blob(q, 4, span_of(r->ref.digest, FILE_DIGEST));
    db_int(q, 5, (int64_t)r->ref.expires);
    db_int(q, 6, (int64_t)r->done);
    db_text(q, 7, span_str(r->relay));
    db_text(q, 8, span_str(r->other));
    db_text(q, 9, span_str(r->file));
    (void)db_run(t->h.db, q);
}

uint64_t row_plain(const struct row *r, uint64_t sealed)
{
    uint64_t over = sealed % FILE_SEALED,
             plain = sealed / FILE_SEALED * FILE_CHUNK + (over < FILE_CHUNK ? over : FILE_CHUNK);
    return plain < r->ref.size ? plain : r->ref.size;
}

// A file that was fetched whole, or bytes of one's own, which are whole from the beginning.
bool row_here(const struct row *r)
{
    return r->kind == TRANSFER_UP ? r->path[0] == 0 && r->file[0] != 0 : r->state == TRANSFER_DONE;
}

void row_info(const struct row *r, struct transfer_info *out)
{
    *out = (struct transfer_info){.id = r->id,
                                  .kind = r->kind,
                                  .state = r->state,
                                  .here = row_here(r),
                                  .use = r->use,
                                  .owner = r->owner,
                                  .done = row_plain(r, r->done),
                                  .size = r->ref.size,
                                  .path = r->path,
                                  .why = r->why,
                                  .ref = &r->ref};
}

// --------------------------------------------------------------------------------------------------------------- files

void row_path(const struct transfers *t, const char *file, char out[FILE_PATH])
{
    (void)snprintf(out, FILE_PATH, "%s/%s", t->folder, file);
}

enum err row_name(struct transfers *t, char name[FILE_NAME])
{
    uint8_t random[(FILE_NAME - 1) / 2];
    enum err e = t->h.world.random(t->h.world.arg, random, sizeof random);
    for (size_t i = 0; e == ERR_OK && i < sizeof random; i++) (void)snprintf(name + 2 * i, 3, "%02x", random[i]);
    return e;
}

enum err row_open(struct transfers *t, const char *name, int *fd)
{
    char path[FILE_PATH];
    if (mkdir(t->folder, 0700) != 0 && errno != EEXIST) return ERR_IO;
    row_path(t, name, path);
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return *fd >= 0 ? ERR_OK : errno == ENOSPC ? ERR_LIMIT : ERR_IO;
}

enum err row_sync(struct transfers *t, int fd)
{
    int folder = open(t->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = folder >= 0 && fsync(fd) == 0 && fsync(folder) == 0;
    if (folder >= 0) close(folder);
    return ok ? ERR_OK : ERR_IO;
}

void row_flush(int fd, uint64_t at, uint64_t n)
{
#ifdef SYNC_FILE_RANGE_WRITE
    (void)sync_file_range(fd, (off_t)at, (off_t)n, SYNC_FILE_RANGE_WRITE); // a wish; row_sync is what counts
#else
    (void)fd, (void)at, (void)n;
#endif
}

static bool is_ours(const char *name)
{
    return strlen(name) == FILE_NAME - 1 && strspn(name, "0123456789abcdef") == FILE_NAME - 1;
}

bool row_known(struct transfers *t, const char *name)
{
    struct db *d = t->h.db;
    sqlite3_stmt *q = db_sql(d, "SELECT 1 FROM transfer WHERE file = ?1");
    db_text(q, 1, span_str(name));
    bool known = db_row(d, q);
    db_done(q);
    return known || d->err != ERR_OK;
}

void row_sweep(struct transfers *t)
{
    char path[FILE_PATH];
    DIR *dir = opendir(t->folder);
    t->h.db->err = ERR_OK;
    for (struct dirent *x; dir != NULL && (x = readdir(dir)) != NULL;) {
        if (!is_ours(x->d_name) || row_known(t, x->d_name) || pieces_has(t, x->d_name)) continue;
        row_path(t, x->d_name, path);
        (void)unlink(path);
    }
    if (dir != NULL) (void)closedir(dir);
}

uint64_t transfer_free(const struct transfers *t)
{
    struct statvfs v;
    char above[TRANSFER_PATH_MAX];
    bool known = statvfs(t->folder, &v) == 0;
    if (!known) { // it is made when the first file comes
        (void)snprintf(above, sizeof above, "%s", t->folder);
        char *end = strrchr(above, '/');
        if (end != NULL && end != above) *end = 0;
        known = statvfs(above, &v) == 0;
    }
    return known ? (uint64_t)v.f_bavail * v.f_frsize : 0;
}

uint64_t transfer_stored(const struct transfers *t)
{
    uint64_t all = 0;
    struct stat st;
    DIR *dir = opendir(t->folder);
    for (struct dirent *x; dir != NULL && (x = readdir(dir)) != NULL;) {
        if (is_ours(x->d_name) && fstatat(dirfd(dir), x->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            all += (uint64_t)st.st_size;
    }
    if (dir != NULL) (void)closedir(dir);
    return all;
}

bool row_same(const struct row *r, int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == r->ref.size &&
           (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec == r->mtime;
}

enum err row_bytes(int fd, uint8_t *out, size_t n, uint64_t at)
{
    while (n > 0) {
        ssize_t k = pread(fd, out, n, (off_t)at);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) return k == 0 ? ERR_NOT_FOUND : ERR_IO;
        out += k;
        n -= (size_t)k;
        at += (uint64_t)k;
    }
    return ERR_OK;
}

enum err row_put_bytes(int fd, struct span s, uint64_t at)
{
    while (s.n > 0) {
        ssize_t k = pwrite(fd, s.p, s.n, (off_t)at);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) return k < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) ? ERR_LIMIT : ERR_IO;
        s.p += k;
        s.n -= (size_t)k;
        at += (uint64_t)k;
    }
    return ERR_OK;
}
