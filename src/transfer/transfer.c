// SPDX-License-Identifier: Apache-2.0
//
// What can be asked about transfers: beginning, looking, pausing, dropping, and reading what has come.
#include "transfer/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

// A blob that nobody wants, while the relay is asked to delete it.
struct gone {
    struct transfers *t;
    struct gone *next;
    uint8_t blob[WIRE_ID];
};

// ------------------------------------------------------------------------------------------------------ open and close

static void on_schedule(void *whom)
{
    struct transfers *t = whom;
    haul_schedule(t);
}

enum err transfer_open(const struct transfer_host *h, struct transfers **out)
{
    struct transfers *t = mem_new(sizeof *t);
    if (t == NULL) return ERR_MEMORY;
    *t = (struct transfers){.h = *h, .sweeps = true};
    t->schedule = kick_new(on_schedule, t);
    if (t->schedule == NULL || strlen(h->folder) >= sizeof t->folder) {
        enum err e = t->schedule == NULL ? ERR_MEMORY : ERR_LIMIT;
        kick_free(t->schedule);
        mem_free(t);
        return e;
    }
    (void)snprintf(t->folder, sizeof t->folder, "%s", h->folder);
    *out = t;
    return ERR_OK;
}

void transfer_close(struct transfers *t)
{
    if (t == NULL) return;
    t->closing = true;
    while (t->hauls != NULL) haul_free(t->hauls);
    while (t->drafts != NULL) pieces_free(t->drafts, true);
    while (t->gone != NULL) {
        struct gone *g = t->gone;
        t->gone = g->next;
        mem_free(g);
    }
    kick_free(t->schedule);
    mem_free(t);
}

// -------------------------------------------------------------------------------------------------- what nobody wants

static void on_deleted(void *arg, const struct wire_reply *r)
{
    struct gone *g = arg, **at = &g->t->gone;
    struct db *d = g->t->h.db;
    if (g->t->closing) return;
    bool done = r != NULL && !(r->type == WIRE_R_ERROR && (r->code == WIRE_E_RATE || r->code == WIRE_E_UNAVAILABLE));
    if (done) {
        db_begin(d);
        sqlite3_stmt *q = db_sql(d, "DELETE FROM transfer_gone WHERE blob = ?1");
        db_blob(q, 1, span_of(g->blob, WIRE_ID));
        (void)db_run(d, q);
        (void)db_commit(d); // else it is tried again
    }
    while (*at != g) at = &(*at)->next;
    *at = g->next;
    mem_free(g);
}

static bool being_deleted(const struct transfers *t, struct span blob)
{
    for (const struct gone *g = t->gone; g != NULL; g = g->next) {
        if (span_eq(span_of(g->blob, WIRE_ID), blob)) return true;
    }
    return false;
}

static void delete_one(struct transfers *t, struct link *l, struct span blob, struct span key)
{
    const struct wire_request r = {.type = WIRE_BLOB_DELETE, .blob = blob.p, .key = key.p};
    struct gone *g = blob.n == WIRE_ID && key.n == WIRE_KEY && !being_deleted(t, blob) ? mem_new(sizeof *g) : NULL;
    if (g == NULL) return;
    *g = (struct gone){.t = t, .next = t->gone};
    memcpy(g->blob, blob.p, WIRE_ID);
    if (link_room(l) > 1 && link_ask(l, &r, on_deleted, g) == ERR_OK) t->gone = g;
    else mem_free(g);
}

static void delete_gone(struct transfers *t)
{
    char relay[LINK_ADDRESS_TEXT];
    t->h.db->err = ERR_OK;
    sqlite3_stmt *q = db_sql(t->h.db, "SELECT blob, blob_key, relay FROM transfer_gone LIMIT 16");
    while (db_row(t->h.db, q)) {
        struct span s = db_get(q, 2);
        (void)snprintf(relay, sizeof relay, "%.*s", (int)s.n, (const char *)s.p);
        struct link *l = t->h.link(t->h.arg, relay);
        if (l != NULL) delete_one(t, l, db_get(q, 0), db_get(q, 1));
    }
}

void transfer_settle(struct transfers *t)
{
    if (t->closing) return;
    pieces_settle(t);
    if (t->sweeps) row_sweep(t);
    t->sweeps = false;
    kick_soon(t->schedule, t->h.loop);
}

void transfer_wake(struct transfers *t)
{
    if (t->closing) return;
    delete_gone(t);
    transfer_settle(t);
}

// ----------------------------------------------------------------------------------------------------------- beginning

enum err row_add(struct transfers *t, const struct row *r, int64_t *id)
{
    struct db *d = t->h.db;
    sqlite3_stmt *q = db_sql(d, "INSERT INTO transfer(kind, state, use, owner, relay, other, blob, blob_key, key, "
                                "prefix, size, digest, expires,"
                                " path, mtime, file, done, why) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, "
                                "?12, ?13, ?14, ?15, ?16, 0, '')");
    db_int(q, 1, r->kind);
    db_int(q, 2, TRANSFER_WAITING);
    db_int(q, 3, r->use);
    db_int(q, 4, r->owner);
    db_text(q, 5, span_str(r->relay));
    db_text(q, 6, span_str(r->other));
    db_blob(q, 7, span_of(r->ref.blob, WIRE_ID));
    db_blob(q, 8, span_of(r->blob_key, WIRE_KEY));
    db_blob(q, 9, span_of(r->ref.key.key, FILE_KEY));
    db_blob(q, 10, span_of(r->ref.key.prefix, FILE_PREFIX));
    db_int(q, 11, (int64_t)r->ref.size);
    db_blob(q, 12, span_of(r->ref.digest, FILE_DIGEST));
    db_int(q, 13, (int64_t)r->ref.expires);
    db_text(q, 14, span_str(r->path));
    db_int(q, 15, r->mtime);
    db_text(q, 16, span_str(r->file));
    (void)db_run(d, q);
    *id = db_last_id(d);
    return d->err;
}

// Numbers that nobody guesses, and a key of its own.
enum err row_draw(struct transfers *t, struct row *r)
{
    const struct world *w = &t->h.world;
    enum err e = w->random(w->arg, r->ref.blob, WIRE_ID);
    if (e == ERR_OK) e = w->random(w->arg, r->blob_key, WIRE_KEY);
    if (e == ERR_OK) e = w->random(w->arg, r->ref.key.key, FILE_KEY);
    return e == ERR_OK ? w->random(w->arg, r->ref.key.prefix, FILE_PREFIX) : e;
}

bool row_relays(struct row *r, const char *relay, const char *other)
{
    if (other == NULL) other = "";
    if (strlen(relay) >= sizeof r->relay || strlen(other) >= sizeof r->other) return false;
    (void)snprintf(r->relay, sizeof r->relay, "%s", relay);
    (void)snprintf(r->ref.relay, sizeof r->ref.relay, "%s", relay);
    (void)snprintf(r->other, sizeof r->other, "%s", other);
    return true;
}

// What a file is now.
static enum err look_at(const char *path, struct row *r, const char **why)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    bool ok = fd >= 0 && fstat(fd, &st) == 0;
    *why = fd < 0 ? (errno == ENOENT || errno == ENOTDIR ? "there is no such file"
                                                         : "this file cannot be read: is it yours?")
                  : "only files can be sent; put a folder into an archive first";
    enum err e = fd < 0                      ? (errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_REFUSED)
                 : ok && S_ISREG(st.st_mode) ? ERR_OK
                                             : ERR_REFUSED;
    if (fd >= 0) close(fd);
    if (e != ERR_OK) return e;
    r->ref.size = (uint64_t)st.st_size;
    r->mtime = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    *why = "the file is too large for any relay: 4 GiB is the most";
    return r->ref.size <= FILE_MAX ? ERR_OK : ERR_LIMIT;
}

enum err transfer_send(struct transfers *t, const char *path, const struct transfer_to *to, int64_t *id,
                       const char **why)
{
    struct row *r = mem_new(sizeof *r);
    if (r == NULL) return ERR_MEMORY;
    *why = "the path has to begin with /, and may have 4,000 bytes at most";
    enum err e = path[0] == '/' && strlen(path) < sizeof r->path ? look_at(path, r, why) : ERR_REFUSED;
    if (e == ERR_OK) e = row_relays(r, to->relay, to->other) ? row_draw(t, r) : ERR_LIMIT;
    if (e == ERR_OK) {
        (void)snprintf(r->path, sizeof r->path, "%s", path);
        r->kind = TRANSFER_UP;
        r->use = to->use;
        r->owner = to->owner;
        e = row_add(t, r, id);
    }
    mem_free_wiped(r, sizeof *r);
    return e;
}

enum err transfer_put(struct transfers *t, struct span bytes, const struct transfer_to *to, int64_t *id,
                      struct transfer_ref *ref)
{
    struct transfer_draft *d = NULL;
    if (bytes.n > TRANSFER_BYTES_MAX) return ERR_LIMIT;
    enum err e = transfer_draft_new(t, bytes.n, &d);
    if (e == ERR_OK) e = transfer_draft_add(d, bytes);
    if (e == ERR_OK) e = pieces_close(d);
    if (e == ERR_OK) e = pieces_send(d, to, id);
    if (e == ERR_OK) *ref = d->row.ref;
    pieces_free(d, e != ERR_OK);
    t->sweeps = true; // if the transaction does not come about, nobody knows the file
    return e;
}

enum err transfer_get(struct transfers *t, const struct transfer_ref *ref, uint64_t max, uint8_t use, int64_t owner,
                      int64_t *id)
{
    struct link_address a;
    const char *why;
    if (ref->size > max || ref->size > FILE_MAX) return ERR_LIMIT;
    if (link_address_read(span_str(ref->relay), &a, &why) != ERR_OK) return ERR_INVALID;
    struct row *r = mem_new(sizeof *r);
    if (r == NULL) return ERR_MEMORY;
    *r = (struct row){.kind = TRANSFER_DOWN, .use = use, .owner = owner, .ref = *ref};
    enum err e = row_relays(r, ref->relay, NULL) ? row_name(t, r->file) : ERR_LIMIT;
    if (e == ERR_OK) e = row_add(t, r, id);
    mem_free_wiped(r, sizeof *r);
    return e;
}

// ------------------------------------------------------------------------------------------------------ while it lasts

enum err transfer_look(struct transfers *t, int64_t id, void (*each)(void *arg, const struct transfer_info *i),
                       void *arg)
{
    struct row r;
    struct transfer_info i;
    t->h.db->err = ERR_OK;
    if (!row_read(t, id, &r)) return t->h.db->err != ERR_OK ? t->h.db->err : ERR_NOT_FOUND;
    const struct haul *j = haul_find(t, id, false);
    row_info(j != NULL && !j->over ? &j->row : &r, &i); // the haul knows better
    each(arg, &i);
    mem_wipe(&r, sizeof r);
    return ERR_OK;
}

enum err transfer_list(struct transfers *t, void (*each)(void *arg, const struct transfer_info *i), void *arg)
{
    int64_t id = 0;
    enum err e = ERR_OK;
    do {
        t->h.db->err = ERR_OK;
        sqlite3_stmt *q = db_sql(t->h.db, "SELECT min(id) FROM transfer WHERE id > ?1");
        db_int(q, 1, id);
        id = db_row(t->h.db, q) ? db_get_int(q, 0) : 0;
        db_done(q);
        if (id > 0) e = transfer_look(t, id, each, arg);
    } while (id > 0 && e == ERR_OK);
    return t->h.db->err != ERR_OK ? t->h.db->err : e;
}

static void tell(struct transfers *t, const struct row *r)
{
    struct transfer_info i;
    row_info(r, &i);
    t->h.told(t->h.arg, &i);
}

enum err transfer_pause(struct transfers *t, int64_t id)
{
    struct row r;
    db_begin(t->h.db);
    enum err e = row_read(t, id, &r) ? ERR_OK : ERR_NOT_FOUND;
    if (e == ERR_OK && r.state == TRANSFER_DONE) e = ERR_REFUSED;
    struct haul *j = haul_find(t, id, false);
    if (e == ERR_OK) {
        r.state = TRANSFER_PAUSED;
        if (j != NULL) r.done = j->row.done;
        row_state(t, &r);
        e = db_commit(t->h.db);
    } else {
        db_rollback(t->h.db);
    }
    if (e == ERR_OK && j != NULL) haul_end(j);
    if (e == ERR_OK) tell(t, &r);
    mem_wipe(&r, sizeof r);
    return e;
}

// What the relay has of it is to be deleted.
static void put_gone(struct transfers *t, const struct row *r)
{
    sqlite3_stmt *q = db_sql(t->h.db, "INSERT OR IGNORE INTO transfer_gone(blob, blob_key, relay) VALUES(?1, ?2, ?3)");
    db_blob(q, 1, span_of(r->ref.blob, WIRE_ID));
    db_blob(q, 2, span_of(r->blob_key, WIRE_KEY));
    db_text(q, 3, span_str(r->relay));
    (void)db_run(t->h.db, q);
}

// The file is another one than when it was begun: it is a new one, under a new key.
static enum err renew(struct transfers *t, struct row *r)
{
    const char *why;
    int fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    bool same = fd >= 0 && row_same(r, fd);
    if (fd >= 0) close(fd);
    if (same) return ERR_OK;
    put_gone(t, r);
    enum err e = look_at(r->path, r, &why);
    if (e == ERR_OK) e = row_draw(t, r);
    if (e != ERR_OK) return e;
    r->done = 0;
    sqlite3_stmt *q = db_sql(t->h.db, "DELETE FROM transfer_window WHERE transfer = ?1");
    db_int(q, 1, r->id);
    (void)db_run(t->h.db, q);
    q = db_sql(t->h.db, "UPDATE transfer SET blob = ?2, blob_key = ?3, key = ?4, prefix = ?5, size = ?6, mtime = ?7"
                        " WHERE id = ?1");
    db_int(q, 1, r->id);
    db_blob(q, 2, span_of(r->ref.blob, WIRE_ID));
    db_blob(q, 3, span_of(r->blob_key, WIRE_KEY));
    db_blob(q, 4, span_of(r->ref.key.key, FILE_KEY));
    db_blob(q, 5, span_of(r->ref.key.prefix, FILE_PREFIX));
    db_int(q, 6, (int64_t)r->ref.size);
    db_int(q, 7, r->mtime);
    (void)db_run(t->h.db, q);
    return t->h.db->err;
}

enum err transfer_resume(struct transfers *t, int64_t id)
{
    struct row r;
    db_begin(t->h.db);
    enum err e = row_read(t, id, &r) ? ERR_OK : ERR_NOT_FOUND;
    if (e == ERR_OK && r.state == TRANSFER_DONE) e = ERR_REFUSED;
    if (e == ERR_OK && r.kind == TRANSFER_UP && r.path[0] != 0) e = renew(t, &r);
    if (e == ERR_OK) {
        r.state = TRANSFER_WAITING;
        r.why[0] = 0;
        row_state(t, &r);
        e = db_commit(t->h.db);
    } else {
        db_rollback(t->h.db);
    }
    if (e == ERR_OK) tell(t, &r);
    mem_wipe(&r, sizeof r);
    if (e == ERR_OK) transfer_wake(t);
    return e;
}

static enum err drop(struct transfers *t, int64_t id, bool unsends)
{
    struct row r;
    if (!row_read(t, id, &r)) return t->h.db->err != ERR_OK ? t->h.db->err : ERR_NOT_FOUND;
    if (r.kind == TRANSFER_UP && (unsends || r.state != TRANSFER_DONE)) put_gone(t, &r);
    mem_wipe(&r, sizeof r);
    sqlite3_stmt *q = db_sql(t->h.db, "DELETE FROM transfer WHERE id = ?1");
    db_int(q, 1, id);
    (void)db_run(t->h.db, q);
    for (struct haul *j = t->hauls; j != NULL; j = j->next) {
        if (j->row.id == id) haul_end(j); // if the transaction does not come about, it is begun again
    }
    t->sweeps = true;
    return t->h.db->err;
}

enum err transfer_drop(struct transfers *t, int64_t id) { return drop(t, id, false); }
enum err transfer_unsend(struct transfers *t, int64_t id) { return drop(t, id, true); }

enum err transfer_shed(struct transfers *t, int64_t id)
{
    sqlite3_stmt *q = db_sql(t->h.db, "UPDATE transfer SET file = '' WHERE id = ?1 AND kind = ?2 AND state = ?3");
    db_int(q, 1, id);
    db_int(q, 2, TRANSFER_UP);
    db_int(q, 3, TRANSFER_DONE);
    int n = db_run(t->h.db, q);
    t->sweeps = true;
    return t->h.db->err != ERR_OK ? t->h.db->err : n > 0 ? ERR_OK : ERR_NOT_FOUND;
}
