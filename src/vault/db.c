// SPDX-License-Identifier: Apache-2.0
//
// Statements. Invariant: between transactions no statement stands on a row, so none holds an old snapshot of the database.
#include "vault/db.h"

void db_init(struct db *d, sqlite3 *h) { *d = (struct db){.h = h}; }

void db_wipe(struct db *d)
{
    for (size_t i = 0; i < DB_STATEMENTS; i++) (void)sqlite3_finalize(d->cache[i].q);
    *d = (struct db){0};
}

static enum err meaning(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return ERR_OK;
    case SQLITE_NOMEM: return ERR_MEMORY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ERR_CORRUPT;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISUSE:
    case SQLITE_ERROR: return ERR_MISUSE;
    default: return ERR_IO;
    }
}

static void note(struct db *d, enum err e)
{
    if (d->err == ERR_OK) d->err = e;
}

// Where a statement is, or where it would be put. It is known by the address of its literal.
static size_t place_of(const struct db *d, const char *sql)
{
    size_t i = (size_t)((uintptr_t)sql * 0x9e3779b97f4a7c15U >> 32) % DB_STATEMENTS;
    while (d->cache[i].sql != NULL && d->cache[i].sql != sql) i = (i + 1) % DB_STATEMENTS;
    return i;
}

sqlite3_stmt *db_sql(struct db *d, const char *sql)
{
    if (d->err != ERR_OK) return NULL;
    size_t i = place_of(d, sql);
    if (d->cache[i].sql != NULL) return d->cache[i].q;
    if (d->n >= DB_STATEMENTS / 4 * 3) {
        note(d, ERR_LIMIT);
        return NULL;
    }
    int rc = sqlite3_prepare_v3(d->h, sql, -1, SQLITE_PREPARE_PERSISTENT, &d->cache[i].q, NULL);
    if (rc != SQLITE_OK) {
        note(d, meaning(rc));
        return NULL;
    }
    d->cache[i].sql = sql;
    d->n++;
    return d->cache[i].q;
}

void db_int(sqlite3_stmt *q, int at, int64_t v)
{
    if (q != NULL) (void)sqlite3_bind_int64(q, at, v);
}

void db_blob(sqlite3_stmt *q, int at, struct span s)
{
    if (q != NULL) (void)sqlite3_bind_blob64(q, at, s.n > 0 ? s.p : (const uint8_t *)"", s.n, SQLITE_STATIC);
}

void db_text(sqlite3_stmt *q, int at, struct span s)
{
    if (q != NULL) (void)sqlite3_bind_text64(q, at, s.n > 0 ? (const char *)s.p : "", s.n, SQLITE_STATIC, SQLITE_UTF8);
}

void db_done(sqlite3_stmt *q)
{
    if (q == NULL) return;
    (void)sqlite3_reset(q);
    (void)sqlite3_clear_bindings(q);
}

bool db_row(struct db *d, sqlite3_stmt *q)
{
    if (q == NULL) return false;
    int rc = sqlite3_step(q);
    if (rc == SQLITE_ROW) return true;
    if (rc != SQLITE_DONE) note(d, meaning(rc));
    db_done(q);
    return false;
}

int db_run(struct db *d, sqlite3_stmt *q)
{
    if (q == NULL) return 0;
    while (db_row(d, q)) {}
    return d->err == ERR_OK ? sqlite3_changes(d->h) : 0;
}

int64_t db_get_int(sqlite3_stmt *q, int at) { return sqlite3_column_int64(q, at); }

struct span db_get(sqlite3_stmt *q, int at)
{
    const void *p = sqlite3_column_blob(q, at);
    return span_of(p, (size_t)sqlite3_column_bytes(q, at));
}

bool db_get_fixed(struct db *d, sqlite3_stmt *q, int at, uint8_t *out, size_t n)
{
    struct span s = db_get(q, at);
    if (s.n != n) {
        note(d, ERR_CORRUPT);
        return false;
    }
    memcpy(out, s.p, n);
    return true;
}

int64_t db_last_id(const struct db *d) { return sqlite3_last_insert_rowid(d->h); }

// SQLite takes another synchronous mode between transactions only.
static void begin(struct db *d, bool lazy)
{
    d->err = ERR_OK;
    if (lazy != d->lazy) {
        (void)db_run(d, lazy ? db_sql(d, "PRAGMA synchronous=NORMAL") : db_sql(d, "PRAGMA synchronous=FULL"));
        d->lazy = lazy;
    }
    (void)db_run(d, db_sql(d, "BEGIN IMMEDIATE"));
}

void db_begin(struct db *d) { begin(d, false); }
void db_begin_lazy(struct db *d) { begin(d, true); }

void db_rollback(struct db *d)
{
    for (size_t i = 0; i < DB_STATEMENTS; i++) db_done(d->cache[i].q);
    d->err = ERR_OK;
    if (sqlite3_get_autocommit(d->h) == 0) (void)db_run(d, db_sql(d, "ROLLBACK"));
    d->err = ERR_OK;
}

enum err db_commit(struct db *d)
{
    if (d->err == ERR_OK) (void)db_run(d, db_sql(d, "COMMIT"));
    enum err e = d->err;
    if (e != ERR_OK) db_rollback(d);
    return e;
}
