// SPDX-License-Identifier: Apache-2.0
//
// Statements. Invariant: between transactions no statement stands on a row, so none holds an old snapshot of the database.
#include "client/db.h"

// What each table is for is told in docs/client.md.
static const char version_1[] =
    "CREATE TABLE self(one INTEGER PRIMARY KEY CHECK(one = 1), name TEXT NOT NULL, account_public BLOB NOT NULL,"
    " account_private BLOB NOT NULL, device BLOB NOT NULL, device_public BLOB NOT NULL, device_private BLOB NOT NULL,"
    " cert BLOB NOT NULL, relay TEXT NOT NULL, password TEXT NOT NULL, inbox BLOB NOT NULL, inbox_key BLOB NOT NULL,"
    " package_key BLOB NOT NULL, cursor INTEGER NOT NULL) STRICT;"
    "CREATE TABLE invite(key BLOB PRIMARY KEY, flags INTEGER NOT NULL, label TEXT NOT NULL, state INTEGER NOT NULL,"
    " created INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE contact(id INTEGER PRIMARY KEY, account BLOB NOT NULL UNIQUE, key BLOB NOT NULL, name TEXT NOT NULL,"
    " invite BLOB NOT NULL, state INTEGER NOT NULL, verified INTEGER NOT NULL, created INTEGER NOT NULL) STRICT;"
    "CREATE TABLE package(ref BLOB PRIMARY KEY, private BLOB NOT NULL, last_resort INTEGER NOT NULL, created INTEGER "
    "NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE chat(id INTEGER PRIMARY KEY, group_id BLOB NOT NULL UNIQUE, kind INTEGER NOT NULL, name TEXT NOT "
    "NULL,"
    " contact INTEGER NOT NULL, relay TEXT NOT NULL, log BLOB NOT NULL, log_key BLOB NOT NULL, log_epoch INTEGER NOT "
    "NULL,"
    " cursor INTEGER NOT NULL, chain BLOB NOT NULL, state INTEGER NOT NULL, created INTEGER NOT NULL) STRICT;"
    "CREATE TABLE record(chat INTEGER NOT NULL REFERENCES chat ON DELETE CASCADE, key BLOB NOT NULL, value BLOB NOT "
    "NULL,"
    " PRIMARY KEY(chat, key)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE past(chat INTEGER NOT NULL REFERENCES chat ON DELETE CASCADE, seq INTEGER NOT NULL, chain BLOB NOT "
    "NULL,"
    " PRIMARY KEY(chat, seq)) STRICT, WITHOUT ROWID;"
    // sender: a contact, or 0 for oneself; seq: 0 while it is queued
    "CREATE TABLE message(id INTEGER PRIMARY KEY, chat INTEGER NOT NULL REFERENCES chat ON DELETE CASCADE, seq INTEGER "
    "NOT NULL,"
    " mimi BLOB NOT NULL, sender INTEGER NOT NULL, time INTEGER NOT NULL, state INTEGER NOT NULL, content BLOB NOT "
    "NULL) STRICT;"
    "CREATE UNIQUE INDEX message_mimi ON message(chat, mimi);"
    // id: never used twice, since answers to what is long done may come late; acked: the relay says that it has it, and it has not been seen in the log; what: what is to be done; payload: the bytes that were or will be sent, empty until they are made; staged, welcome: of a commit
    "CREATE TABLE work(id INTEGER PRIMARY KEY AUTOINCREMENT, relay TEXT NOT NULL, kind INTEGER NOT NULL, chat INTEGER "
    "NOT NULL,"
    " contact INTEGER NOT NULL, message INTEGER NOT NULL, log BLOB NOT NULL, key BLOB NOT NULL, epoch INTEGER NOT NULL,"
    " acked INTEGER NOT NULL, what BLOB NOT NULL, payload BLOB NOT NULL, staged BLOB NOT NULL, welcome BLOB NOT NULL) "
    "STRICT;"
    "CREATE INDEX work_relay ON work(relay, id);"
    "CREATE INDEX work_chat ON work(chat, id);";

static const char *const versions[] = {version_1};
const struct vault_migrations db_migrations = {versions, sizeof versions / sizeof *versions};

void db_init(struct db *d, sqlite3 *h) { *d = (struct db){.h = h}; }

void db_wipe(struct db *d)
{
    for (size_t i = 0; i < d->n; i++) (void)sqlite3_finalize(d->cache[i].q);
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

sqlite3_stmt *db_sql(struct db *d, const char *sql)
{
    size_t i = 0;
    if (d->err != ERR_OK) return NULL;
    while (i < d->n && d->cache[i].sql != sql) i++;
    if (i == d->n) {
        if (i == DB_STATEMENTS) {
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
    }
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

void db_begin(struct db *d)
{
    d->err = ERR_OK;
    (void)db_run(d, db_sql(d, "BEGIN IMMEDIATE"));
}

void db_rollback(struct db *d)
{
    for (size_t i = 0; i < d->n; i++) db_done(d->cache[i].q);
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
