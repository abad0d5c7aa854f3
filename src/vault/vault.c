// SPDX-License-Identifier: Apache-2.0
//
// Opening and closing vaults. Invariants: the file of keys is replaced as a whole or not at all; a vault that could not be made leaves
// nothing behind; the key is in this process's memory between open and close, and nowhere after.
#include "vault/keys.h"
#include "vault/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_ROOM = 1100, APPLICATION = 0x5768726f, BUSY_MS = 5000 };

struct vault {
    char folder[PATH_ROOM - 32];
    int lock;
    sqlite3 *db;
    bool begun; // and not kept yet
    struct keys keys;
    uint8_t key[KEYS_KEY]; /* secret */
};

static void path_of(const char *folder, const char *name, char path[PATH_ROOM])
{
    (void)snprintf(path, PATH_ROOM, "%.1060s/%s", folder, name);
}

const char *vault_text(enum err e)
{
    switch (e) {
    case ERR_OK: return "it is open";
    case ERR_NOT_FOUND: return "there is no profile here; `whimbrel init` makes one";
    case ERR_UNAUTHENTICATED: return "the passphrase is wrong";
    case ERR_INVALID:
        return "this profile is opened in another way: with a passphrase, or by the keyring of the system that made it";
    case ERR_REFUSED: return "another engine has this profile open; use that, or stop it first";
    case ERR_UNSUPPORTED: return "the profile is of a newer version, or of another program; use that";
    case ERR_CORRUPT: return "the profile is damaged; put a backup in its place";
    case ERR_MEMORY: return "there is not enough memory to open it";
    case ERR_IO:
        return "the profile's files cannot be read or written; look at their rights, and whether the disk is full";
    default: return err_text(e);
    }
}

// -------------------------------------------------------------------------------------------------------- the file of keys

static enum err read_keys(const char *folder, struct keys *out)
{
    char path[PATH_ROOM];
    uint8_t bytes[KEYS_FILE_MAX];
    path_of(folder, "keys", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    ssize_t n = read(fd, bytes, sizeof bytes);
    close(fd);
    if (n < 0) return ERR_IO;
    return (size_t)n == sizeof bytes ? ERR_CORRUPT : keys_decode(span_of(bytes, (size_t)n), out);
}

static bool sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) close(fd);
    return ok;
}

// Into keys.new, which takes the place of the file of keys when it is named so: as a whole, or not at all.
static enum err write_fresh(const char *folder, const struct keys *k)
{
    char path[PATH_ROOM];
    struct buf b;
    path_of(folder, "keys.new", path);
    buf_init(&b, KEYS_FILE_MAX - 1);
    keys_encode(k, &b);
    enum err e = buf_end(&b);
    int fd = e == ERR_OK ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
    if (e == ERR_OK && !(fd >= 0 && write(fd, b.p, b.n) == (ssize_t)b.n && fsync(fd) == 0 && sync_folder(folder))) {
        (void)unlink(path);
        e = ERR_IO;
    }
    if (fd >= 0) close(fd);
    buf_wipe(&b);
    return e;
}

static enum err name_fresh(const char *folder)
{
    char path[PATH_ROOM], fresh[PATH_ROOM];
    path_of(folder, "keys", path);
    path_of(folder, "keys.new", fresh);
    return rename(fresh, path) == 0 && sync_folder(folder) ? ERR_OK : ERR_IO;
}

static enum err write_keys(const char *folder, const struct keys *k)
{
    enum err e = write_fresh(folder, k);
    return e == ERR_OK ? name_fresh(folder) : e;
}

static bool is_there(const char *folder, const char *name)
{
    char path[PATH_ROOM];
    struct stat st;
    path_of(folder, name, path);
    return lstat(path, &st) == 0;
}

// A vault that was begun and never kept: its key is in keys.new, and it holds nothing.
static void discard(const char *folder)
{
    static const char *const names[] = {"profile.db", "profile.db-wal", "profile.db-shm", "keys.new"};
    char path[PATH_ROOM];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) { // keys.new last: while it is there, the rest may go
        path_of(folder, names[i], path);
        (void)unlink(path);
    }
}

// ---------------------------------------------------------------------------------------------------------- the database

static enum err sqlite_error(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return ERR_OK;
    case SQLITE_NOMEM: return ERR_MEMORY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ERR_CORRUPT;
    case SQLITE_BUSY: return ERR_REFUSED;
    default: return ERR_IO;
    }
}

static enum err run(sqlite3 *db, const char *sql) { return sqlite_error(sqlite3_exec(db, sql, NULL, NULL, NULL)); }

static enum err number(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &q, NULL);
    if (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) *out = sqlite3_column_int64(q, 0);
    (void)sqlite3_finalize(q);
    return sqlite_error(rc);
}

// All migrations that are missing, in one transaction. A database that is not being made and has nothing in it has lost it: where
// there are keys, the first migration has been stored.
static enum err migrate(sqlite3 *db, bool create, const struct vault_migrations *m)
{
    int64_t application = 0, version = 0, tables = 0;
    char text[100];
    enum err e = number(db, "SELECT count(*) FROM sqlite_schema", &tables); // the first read: a wrong key is seen here
    if (e == ERR_OK) e = number(db, "PRAGMA application_id", &application);
    if (e == ERR_OK) e = number(db, "PRAGMA user_version", &version);
    if (e != ERR_OK) return e;
    bool fresh = tables == 0 && application == 0 && version == 0;
    if (fresh && !create) return ERR_CORRUPT;
    if (!fresh && application != APPLICATION) return ERR_UNSUPPORTED;
    if (version < 0 || (uint64_t)version > m->n) return ERR_UNSUPPORTED;
    if (!fresh && (size_t)version == m->n) return ERR_OK;
    e = run(db, "BEGIN IMMEDIATE");
    for (size_t i = (size_t)version; e == ERR_OK && i < m->n; i++) e = run(db, m->sql[i]);
    (void)snprintf(text, sizeof text, "PRAGMA application_id=%d; PRAGMA user_version=%zu; COMMIT", APPLICATION, m->n);
    if (e == ERR_OK) e = run(db, text);
    if (e != ERR_OK && sqlite3_get_autocommit(db) == 0) (void)run(db, "ROLLBACK");
    return e;
}

static enum err open_keyed(const struct vault *v, const char *path, int flags, sqlite3 **out)
{
    uint8_t raw[4 + KEYS_KEY] = "raw:"; /* secret */
    enum err e = sqlite_error(sqlite3_open_v2(path, out, flags | SQLITE_OPEN_NOMUTEX, NULL));
    memcpy(raw + 4, v->key, KEYS_KEY);
    pages_register();
    if (e == ERR_OK) e = run(*out, "PRAGMA memory_security=fill; PRAGMA cipher='" PAGES_CIPHER "';");
    if (e == ERR_OK) e = sqlite_error(sqlite3_key_v2(*out, "main", raw, sizeof raw));
    mem_wipe(raw, sizeof raw);
    return e;
}

static enum err open_db(struct vault *v, bool create, const struct vault_migrations *m)
{
    char path[PATH_ROOM];
    path_of(v->folder, "profile.db", path);
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT | O_EXCL : 0), 0600);
    if (fd < 0) return errno == EEXIST ? ERR_REFUSED : errno == ENOENT ? ERR_CORRUPT : ERR_IO; // there were keys for it
    close(fd);
    enum err e = open_keyed(v, path, SQLITE_OPEN_READWRITE, &v->db);
    if (e != ERR_OK) return e;
    (void)sqlite3_extended_result_codes(v->db, 1);
    (void)sqlite3_busy_timeout(v->db, BUSY_MS);
    (void)sqlite3_db_config(v->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    // Plans come of the statements alone. Else one with a limit, or about an indexed column, is made anew each time that it has another value.
    (void)sqlite3_db_config(v->db, SQLITE_DBCONFIG_ENABLE_QPSG, 1, NULL);
    e = run(v->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
                   "PRAGMA secure_delete=ON; PRAGMA journal_size_limit=16777216;");
    return e == ERR_OK ? migrate(v->db, create, m) : e;
}

// ------------------------------------------------------------------------------------------------------------ open, close

void vault_close(struct vault *v)
{
    if (v == NULL) return;
    (void)sqlite3_close_v2(v->db);
    if (v->begun) discard(v->folder);
    if (v->lock >= 0) close(v->lock);
    mem_free_wiped(v, sizeof *v);
}

static enum err vault_new(const char *folder, struct vault **out)
{
    char path[PATH_ROOM];
    struct vault *v = mem_new(sizeof *v);
    if (v == NULL) return ERR_MEMORY;
    v->lock = -1;
    if (strlen(folder) >= sizeof v->folder) {
        vault_close(v);
        return ERR_LIMIT;
    }
    memcpy(v->folder, folder, strlen(folder) + 1);
    path_of(folder, "lock", path);
    v->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    enum err e = v->lock < 0 ? ERR_IO : flock(v->lock, LOCK_EX | LOCK_NB) == 0 ? ERR_OK : ERR_REFUSED;
    if (e == ERR_OK) *out = v;
    else vault_close(v);
    return e;
}

enum err vault_create(const char *folder, const struct vault_secret *secret, const struct vault_migrations *m,
                      struct vault **out)
{
    struct vault *v = NULL;
    struct keys there;
    enum err e = vault_new(folder, &v);
    if (e != ERR_OK) return e;
    if (read_keys(folder, &there) != ERR_NOT_FOUND) e = ERR_REFUSED;
    if (e == ERR_OK && is_there(folder, "keys.new")) discard(folder); // an attempt that was cut short
    if (e == ERR_OK && is_there(folder, "profile.db"))
        e = ERR_REFUSED; // its keys are lost or elsewhere: not ours to remove
    if (e == ERR_OK && getrandom(v->key, KEYS_KEY, 0) != KEYS_KEY) e = ERR_RANDOM;
    if (e == ERR_OK) e = keys_seal(&v->keys, secret, v->key);
    if (e == ERR_OK) e = write_fresh(folder, &v->keys);
    v->begun = e == ERR_OK;
    if (e == ERR_OK) e = open_db(v, true, m);
    if (e == ERR_OK) *out = v;
    else vault_close(v);
    return e;
}

enum err vault_keep(struct vault *v)
{
    enum err e = v->begun ? name_fresh(v->folder) : ERR_MISUSE;
    if (e == ERR_OK) v->begun = false;
    return e;
}

enum err vault_open(const char *folder, const struct vault_secret *secret, const struct vault_migrations *m,
                    struct vault **out)
{
    struct vault *v = NULL;
    struct keys keys;
    enum err e = read_keys(folder, &keys);
    if (e == ERR_OK) e = vault_new(folder, &v);
    if (e != ERR_OK) return e;
    e = read_keys(folder, &v->keys); // again: another process may have changed them before we had the lock
    if (e == ERR_OK) e = keys_open(&v->keys, secret, v->key);
    if (e == ERR_OK) e = open_db(v, false, m);
    if (e == ERR_OK) *out = v;
    else vault_close(v);
    return e;
}

sqlite3 *vault_db(struct vault *v) { return v->db; }

enum err vault_view(struct vault *v, sqlite3 **out)
{
    char path[PATH_ROOM];
    sqlite3 *db = NULL;
    path_of(v->folder, "profile.db", path);
    enum err e = open_keyed(v, path, SQLITE_OPEN_READONLY, &db);
    if (e == ERR_OK) e = run(db, "PRAGMA temp_store=MEMORY; BEGIN");
    if (e == ERR_OK) *out = db;
    else (void)sqlite3_close_v2(db);
    return e;
}

enum err vault_kinds(const char *folder, unsigned *kinds)
{
    struct keys k;
    enum err e = read_keys(folder, &k);
    if (e != ERR_OK) return e;
    *kinds = 0;
    for (size_t i = 0; i < k.n; i++) *kinds |= 1U << k.slot[i].kind;
    return ERR_OK;
}

// --------------------------------------------------------------------------------------------------------------- secrets

enum err vault_set_secret(struct vault *v, const struct vault_secret *secret)
{
    struct keys k = v->keys;
    enum err e = v->begun ? ERR_MISUSE : keys_seal(&k, secret, v->key);
    if (e == ERR_OK) e = write_keys(v->folder, &k);
    if (e == ERR_OK) v->keys = k;
    return e;
}

enum err vault_drop_secret(struct vault *v, enum vault_kind kind)
{
    struct keys k = v->keys;
    if (v->begun) return ERR_MISUSE;
    if (!keys_drop(&k, kind)) return ERR_NOT_FOUND;
    if (k.n == 0) return ERR_MISUSE;
    enum err e = write_keys(v->folder, &k);
    if (e == ERR_OK) v->keys = k;
    return e;
}

enum err vault_check_secret(const struct vault *v, const struct vault_secret *secret)
{
    uint8_t key[KEYS_KEY]; /* secret */
    enum err e = keys_open(&v->keys, secret, key);
    mem_wipe(key, sizeof key);
    return e;
}

enum err vault_keyring_name(const char *folder, char out[VAULT_KEYRING_NAME])
{
    _Static_assert(VAULT_KEYRING_NAME == 2 * KEYS_SALT + 1, "it is the salt");
    struct keys k;
    enum err e = read_keys(folder, &k);
    for (size_t i = 0; e == ERR_OK && i < k.n; i++) {
        if (k.slot[i].kind != VAULT_KEYRING) continue;
        for (size_t b = 0; b < KEYS_SALT; b++) (void)snprintf(out + 2 * b, 3, "%02x", k.slot[i].salt[b]);
        return ERR_OK;
    }
    return e == ERR_OK ? ERR_NOT_FOUND : e;
}
