// SPDX-License-Identifier: Apache-2.0
//
// Rows of files. Invariant: a file that is being sent has its own content, which lacks only where it lies; one whose message is in the history
// has none, and what the message says counts. So nothing of it is kept in two places, and what is deleted there is gone.
#include "files/inner.h"

#include <stdio.h>

const char files_tables[] =
    // message: 0 while it is being sent. up, down: transfers, or 0. content: of one that is being sent. failed: why it could not be said.
    "CREATE TABLE file(id INTEGER PRIMARY KEY AUTOINCREMENT, chat INTEGER NOT NULL REFERENCES chat ON DELETE CASCADE,"
    " message INTEGER NOT NULL, sender INTEGER NOT NULL, up INTEGER NOT NULL, down INTEGER NOT NULL,"
    " size INTEGER NOT NULL, content BLOB NOT NULL, failed TEXT NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX file_message ON file(message) WHERE message != 0;"
    "CREATE INDEX file_chat ON file(chat, id);"
    "CREATE INDEX file_moving ON file(id) WHERE message = 0 OR down != 0;"
    "CREATE TABLE file_policy(one INTEGER PRIMARY KEY CHECK(one = 1), bytes INTEGER NOT NULL) STRICT;"
    "INSERT INTO file_policy VALUES(1, 8000000);";

// ------------------------------------------------------------------------------------------------------------- loading

static bool take_row(struct db *d, sqlite3_stmt *q, struct entry *e)
{
    bool found = db_row(d, q);
    if (found) {
        e->id = db_get_int(q, 0);
        e->chat = db_get_int(q, 1);
        e->message = db_get_int(q, 2);
        e->sender = db_get_int(q, 3);
        e->up = db_get_int(q, 4);
        e->down = db_get_int(q, 5);
        e->attach.size = (uint64_t)db_get_int(q, 6);
        struct span failed = db_get(q, 7);
        (void)snprintf(e->failed, sizeof e->failed, "%.*s", (int)failed.n, (const char *)failed.p);
        buf_put(&e->bytes, db_get(q, 8));
    }
    db_done(q);
    return found;
}

// What the content says; of one that is being sent, the part that says where it lies is no more than a place.
static void take_content(struct entry *e)
{
    struct attach a;
    uint64_t size = e->attach.size;
    bool ok = content_decode(buf_span(&e->bytes), &e->content) == ERR_OK && attach_read(&e->content, &a) == ERR_OK;
    if (ok) e->attach = a;
    if (ok && e->message == 0) e->attach.size = size; // the file's, which may have been sent anew
    if (!ok) e->attach.type = span_str(ATTACH_ANY_TYPE);
    name_clean(e->attach.name, e->name);
    mem_wipe(&a, sizeof a);
}

enum err entry_load(struct files *f, int64_t id, struct entry **out)
{
    struct db *d = f->h.db;
    struct entry *e = mem_new(sizeof *e);
    if (e == NULL) return ERR_MEMORY;
    buf_init(&e->bytes, CONTENT_MESSAGE_MAX);
    sqlite3_stmt *q = db_sql(d, "SELECT f.id, f.chat, f.message, f.sender, f.up, f.down, f.size, f.failed,"
                                " iif(f.message = 0, f.content, coalesce(m.content, x'')) FROM file f"
                                " LEFT JOIN message m ON m.id = f.message WHERE f.id = ?1");
    db_int(q, 1, id);
    bool found = take_row(d, q, e);
    enum err x = d->err != ERR_OK ? d->err : !found ? ERR_NOT_FOUND : buf_end(&e->bytes);
    if (x == ERR_OK) take_content(e);
    if (x == ERR_OK) *out = e;
    else entry_free(e);
    return x;
}

void entry_free(struct entry *e)
{
    if (e == NULL) return;
    buf_wipe(&e->bytes);
    mem_free_wiped(e, sizeof *e);
}

// ------------------------------------------------------------------------------------------------------------- telling

struct telling {
    struct files_info info;
    char why[300], path[TRANSFER_PATH_MAX];
};

static enum files_state state_of(const struct transfer_info *i, bool said)
{
    switch (i->state) {
    case TRANSFER_RUNNING: return i->kind == TRANSFER_UP ? FILES_SENDING : FILES_FETCHING;
    case TRANSFER_PAUSED: return FILES_PAUSED;
    case TRANSFER_FAILED: return FILES_FAILED;
    case TRANSFER_DONE: return !said ? FILES_SENDING : i->here ? FILES_HERE : FILES_OFFERED;
    default: return FILES_WAITING;
    }
}

static void take_transfer(void *arg, const struct transfer_info *i)
{
    struct telling *t = arg;
    bool said = t->info.message != 0;
    t->info.state = state_of(i, said);
    t->info.done = t->info.state == FILES_OFFERED ? 0 : i->done;
    (void)snprintf(t->why, sizeof t->why, "%s", i->why);
    if (!said) (void)snprintf(t->path, sizeof t->path, "%s", i->path);
    if (!said) t->info.attach.size = i->size;
}

enum err entry_tell(struct files *f, const struct entry *e, files_each *each, void *arg)
{
    struct telling *t = mem_new(sizeof *t);
    if (t == NULL) return ERR_MEMORY;
    t->info = (struct files_info){.id = e->id,
                                  .chat = e->chat,
                                  .message = e->message,
                                  .sender = e->sender,
                                  .state = FILES_OFFERED,
                                  .why = t->why,
                                  .path = t->path,
                                  .name = e->name,
                                  .attach = e->attach};
    int64_t moves = e->down != 0 ? e->down : e->up;
    enum err x = moves == 0 ? ERR_OK : transfer_look(f->t, moves, take_transfer, t);
    if (x == ERR_NOT_FOUND) x = ERR_OK; // it has gone: what was fetched can be fetched again
    if (e->failed[0] != 0) {
        t->info.state = FILES_FAILED;
        (void)snprintf(t->why, sizeof t->why, "%s", e->failed);
    }
    if (x == ERR_OK) each(arg, &t->info);
    mem_free_wiped(t, sizeof *t);
    return x;
}

// ------------------------------------------------------------------------------------------------------------- writing

int64_t entry_add(struct files *f, const struct entry *e, struct span content)
{
    struct db *d = f->h.db;
    sqlite3_stmt *q = db_sql(d, "INSERT INTO file(chat, message, sender, up, down, size, content, failed)"
                                " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, '')");
    db_int(q, 1, e->chat);
    db_int(q, 2, e->message);
    db_int(q, 3, e->sender);
    db_int(q, 4, e->up);
    db_int(q, 5, e->down);
    db_int(q, 6, (int64_t)e->attach.size);
    db_blob(q, 7, content);
    (void)db_run(d, q);
    return db_last_id(d);
}

void entry_set_down(struct files *f, int64_t id, int64_t down)
{
    sqlite3_stmt *q = db_sql(f->h.db, "UPDATE file SET down = ?2 WHERE id = ?1");
    db_int(q, 1, id);
    db_int(q, 2, down);
    (void)db_run(f->h.db, q);
}

void entry_failed(struct files *f, int64_t id, const char *why)
{
    sqlite3_stmt *q = db_sql(f->h.db, "UPDATE file SET failed = ?2 WHERE id = ?1");
    db_int(q, 1, id);
    db_text(q, 2, span_str(why));
    (void)db_run(f->h.db, q);
}

void entry_said(struct files *f, int64_t id, int64_t message)
{
    sqlite3_stmt *q = db_sql(f->h.db, "UPDATE file SET message = ?2, content = x'', failed = '' WHERE id = ?1");
    db_int(q, 1, id);
    db_int(q, 2, message);
    (void)db_run(f->h.db, q);
}

void entry_drop(struct files *f, int64_t id, bool takes_back)
{
    int64_t up = 0, down = 0;
    struct db *d = f->h.db;
    sqlite3_stmt *q = db_sql(d, "DELETE FROM file WHERE id = ?1 RETURNING up, down");
    db_int(q, 1, id);
    if (db_row(d, q)) {
        up = db_get_int(q, 0);
        down = db_get_int(q, 1);
    }
    db_done(q);
    enum err x = up == 0 ? ERR_OK : takes_back ? transfer_unsend(f->t, up) : transfer_drop(f->t, up);
    if (x == ERR_OK || x == ERR_NOT_FOUND) x = down == 0 ? ERR_OK : transfer_drop(f->t, down);
    if (x != ERR_OK && x != ERR_NOT_FOUND && d->err == ERR_OK) d->err = x;
}
