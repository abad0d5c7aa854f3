// SPDX-License-Identifier: Apache-2.0
//
// vault/db: statements on the vault's database. The first error sticks until the transaction ends, and makes every later read
// empty and every later write nothing; so a function that does many of them reads like a list, and its caller looks once, at
// the commit, which then rolls back.
#ifndef WHIMBREL_VAULT_DB_H
#define WHIMBREL_VAULT_DB_H

#include "vault/vault.h"

enum { DB_STATEMENTS = 1024 }; // a power of two; three quarters of it may be used
struct db {
    sqlite3 *h;
    enum err err;
    bool lazy; // what is committed is not waited for
    struct {
        const char *sql;
        sqlite3_stmt *q;
    } cache[DB_STATEMENTS]; // where a literal's address says, or in the next free place
    size_t n;
};

void db_init(struct db *d, sqlite3 *h);
void db_wipe(struct db *d);
void db_begin(struct db *d);
// A transaction whose end is not waited for: it survives the end of the process, whatever ends it, and a loss of power may take it back, with
// all later ones of its kind, but never a part of it, nor what was committed before by db_begin's. For what would then come again from
// elsewhere, as entries of a log do.
void db_begin_lazy(struct db *d);
// ERR_OK: all of it is durable. Else nothing of it has happened.
enum err db_commit(struct db *d);
void db_rollback(struct db *d);

// A statement that is ready for its values; `sql` must be a literal. NULL after an error; the functions below take that.
sqlite3_stmt *db_sql(struct db *d, const char *sql);
void db_int(sqlite3_stmt *q, int at, int64_t v);
void db_blob(sqlite3_stmt *q, int at, struct span s); // borrowed until the statement has run
void db_text(sqlite3_stmt *q, int at, struct span s);
// Whether there is a row. Go on until it says no, or end with db_done.
bool db_row(struct db *d, sqlite3_stmt *q);
void db_done(sqlite3_stmt *q);
// Runs a statement that gives no rows; how many it changed.
int db_run(struct db *d, sqlite3_stmt *q);
// Columns of a row; spans hold until the next step.
int64_t db_get_int(sqlite3_stmt *q, int at);
struct span db_get(sqlite3_stmt *q, int at); // blob or text
// A blob of exactly n bytes; false, and an error that sticks, if it has another size.
bool db_get_fixed(struct db *d, sqlite3_stmt *q, int at, uint8_t *out, size_t n);
int64_t db_last_id(const struct db *d);

#endif
