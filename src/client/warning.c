// SPDX-License-Identifier: Apache-2.0
//
// Warnings: what people must know stands in the vault until they have seen it, since an event that nobody listened to is lost. Invariant:
// of a conversation the same words are told once, and not again before they were seen: a relay that goes on lying tells nothing new.
#include "client/inner.h"

bool warning_keep(struct engine *e, const struct engine_event *w)
{
    bool within = sqlite3_get_autocommit(e->db.h) == 0;
    enum err before = e->db.err;
    if (!within) e->db.err = ERR_OK;
    sqlite3_stmt *q = db_sql(&e->db, "INSERT INTO warning(chat, contact, time, text) SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS("
                                     "SELECT 1 FROM warning WHERE chat = ?1 AND contact = ?2 AND text = ?4)");
    db_int(q, 1, w->chat);
    db_int(q, 2, w->contact);
    db_int(q, 3, (int64_t)engine_now());
    db_text(q, 4, span_str(w->text));
    bool fresh = db_run(&e->db, q) > 0 || e->db.err != ERR_OK; // what cannot be kept is told all the same
    if (!within) e->db.err = before;
    return fresh;
}

enum err engine_warnings(struct engine *e, void (*each)(void *arg, const struct engine_warning *w), void *arg)
{
    e->db.err = ERR_OK;
    sqlite3_stmt *q = db_sql(&e->db, "SELECT id, chat, contact, time, text FROM warning ORDER BY id");
    while (db_row(&e->db, q)) {
        const struct engine_warning w = {.id = db_get_int(q, 0),
                                         .chat = db_get_int(q, 1),
                                         .contact = db_get_int(q, 2),
                                         .time = (uint64_t)db_get_int(q, 3),
                                         .text = db_get(q, 4)};
        each(arg, &w);
    }
    return e->db.err;
}

enum err engine_warning_seen(struct engine *e, int64_t id)
{
    db_begin(&e->db);
    sqlite3_stmt *q = db_sql(&e->db, "DELETE FROM warning WHERE ?1 IN (0, id)");
    db_int(q, 1, id);
    int gone = db_run(&e->db, q);
    enum err x = db_commit(&e->db);
    return x != ERR_OK ? x : gone > 0 || id == 0 ? ERR_OK : ERR_NOT_FOUND;
}
