// SPDX-License-Identifier: Apache-2.0
//
// Looking at files, and how large those may be that are fetched unasked. Numbers are gathered first, since each file is put together of
// several tables.
#include "files/inner.h"

enum err files_look(struct files *f, int64_t id, files_each *each, void *arg)
{
    struct entry *e = NULL;
    f->h.db->err = ERR_OK;
    enum err x = entry_load(f, id, &e);
    if (x == ERR_OK) x = entry_tell(f, e, each, arg);
    entry_free(e);
    return x;
}

enum err files_of(struct files *f, int64_t message, files_each *each, void *arg)
{
    int64_t id = 0;
    f->h.db->err = ERR_OK;
    sqlite3_stmt *q = db_sql(f->h.db, "SELECT id FROM file WHERE message = ?1 AND message != 0");
    db_int(q, 1, message);
    if (db_row(f->h.db, q)) id = db_get_int(q, 0);
    db_done(q);
    if (f->h.db->err != ERR_OK) return f->h.db->err;
    return id == 0 ? ERR_NOT_FOUND : files_look(f, id, each, arg);
}

static size_t gather(struct files *f, const struct files_query *query, int64_t *ids)
{
    size_t n = 0;
    struct db *d = f->h.db;
    sqlite3_stmt *q =
        query->moving
            ? db_sql(d, "SELECT id FROM file WHERE (message = 0 OR down != 0) AND (?1 = 0 OR chat = ?1) AND id < ?2 AND"
                        " (message = 0 OR EXISTS(SELECT 1 FROM transfer t WHERE t.id = down AND t.state != 5))"
                        " ORDER BY id DESC LIMIT ?3")
        : query->chat != 0 ? db_sql(d, "SELECT id FROM file WHERE chat = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3")
                           : db_sql(d, "SELECT id FROM file WHERE ?1 = 0 AND id < ?2 ORDER BY id DESC LIMIT ?3");
    db_int(q, 1, query->chat);
    db_int(q, 2, query->before == 0 ? INT64_MAX : query->before);
    db_int(q, 3, query->limit);
    while (n < query->limit && db_row(d, q)) ids[n++] = db_get_int(q, 0);
    db_done(q);
    return n;
}

enum err files_list(struct files *f, const struct files_query *q, files_each *each, void *arg)
{
    int64_t *ids = mem_new_array(q->limit, sizeof *ids);
    if (ids == NULL) return ERR_MEMORY;
    f->h.db->err = ERR_OK;
    size_t n = gather(f, q, ids);
    enum err x = f->h.db->err;
    for (size_t i = 0; x == ERR_OK && i < n; i++) {
        x = files_look(f, ids[i], each, arg);
        if (x == ERR_NOT_FOUND) x = ERR_OK;
    }
    mem_free(ids);
    return x;
}

uint64_t files_policy(struct files *f)
{
    uint64_t bytes = 0;
    sqlite3_stmt *q = db_sql(f->h.db, "SELECT bytes FROM file_policy");
    if (db_row(f->h.db, q)) bytes = (uint64_t)db_get_int(q, 0);
    db_done(q);
    return bytes;
}

enum err files_set_policy(struct files *f, uint64_t bytes)
{
    db_begin(f->h.db);
    sqlite3_stmt *q = db_sql(f->h.db, "UPDATE file_policy SET bytes = ?1");
    db_int(q, 1, (int64_t)(bytes <= FILE_MAX ? bytes : FILE_MAX));
    (void)db_run(f->h.db, q);
    return db_commit(f->h.db);
}
