// SPDX-License-Identifier: Apache-2.0
//
// Logs that the writer keeps at hand: what an append needs without asking SQLite, bounded, the least used go first. Invariant: a row at
// hand is what its row and its entries say, but for what this batch has changed; a batch that is rolled back takes the rows it changed
// from hand.
#include "store/sqlite.h"

#include "base/siphash.h"

#include <sys/random.h>

enum { BUCKETS_FIRST = 1024, ROW_COST = 300 }; // ROW_COST: bytes, without grants

void log_row_free(struct row *r)
{
    grants_free(&r->grants);
    *r = (struct row){0};
}

// ------------------------------------------------------------------------------------------------------------- reading

static enum err read_ends(struct db *db, struct row *r)
{
    enum err e = ERR_OK;
    sqlite3_stmt *head = db->q[Q_ENTRY_HEAD], *first = db->q[Q_ENTRY_FIRST];
    r->oldest = r->next;
    r->before = r->total;
    (void)sqlite3_bind_int64(head, 1, r->number);
    if (!sqlite_step(head, &e)) return e;
    r->next = (uint64_t)sqlite3_column_int64(head, 0) + 1;
    r->time = (uint64_t)sqlite3_column_int64(head, 1);
    r->total = (uint64_t)sqlite3_column_int64(head, 2);
    (void)sqlite3_reset(head);
    (void)sqlite3_bind_int64(first, 1, r->number);
    if (sqlite_step(first, &e)) {
        r->oldest = (uint64_t)sqlite3_column_int64(first, 0);
        r->before = (uint64_t)sqlite3_column_int64(first, 1);
        (void)sqlite3_reset(first);
    }
    return e;
}

enum err log_row_read(struct db *db, const uint8_t *id, struct row *out, bool *found)
{
    enum err e = ERR_OK;
    enum wire_code code = WIRE_OK;
    sqlite3_stmt *q = db->q[Q_LOG_GET];
    *found = false;
    (void)sqlite3_bind_blob(q, 1, id, WIRE_ID, SQLITE_STATIC);
    if (!sqlite_step(q, &e)) {
        // Whether there is such a log must not be told by the time that it takes: the same is asked for one that is not.
        struct row none = {.number = -1};
        return e == ERR_OK ? read_ends(db, &none) : e;
    }
    struct row r = {.number = sqlite3_column_int64(q, 0), .exists = sqlite3_column_int(q, 1) != 0};
    memcpy(r.id, id, WIRE_ID);
    r.next = (uint64_t)sqlite3_column_int64(q, 2);
    r.epoch = (uint64_t)sqlite3_column_int64(q, 3);
    r.time = (uint64_t)sqlite3_column_int64(q, 4);
    r.total = (uint64_t)sqlite3_column_int64(q, 5);
    r.retention = (uint32_t)sqlite3_column_int64(q, 6);
    r.host = (uint32_t)sqlite3_column_int64(q, 7);
    r.bytes_max = (uint64_t)sqlite3_column_int64(q, 8);
    e = grants_decode(&r.grants, span_of(sqlite3_column_blob(q, 9), (size_t)sqlite3_column_bytes(q, 9)), &code);
    (void)sqlite3_reset(q);
    if (e == ERR_OK && code != WIRE_OK) e = ERR_CORRUPT;
    if (e == ERR_OK) e = read_ends(db, &r);
    if (e != ERR_OK) {
        log_row_free(&r);
        return e;
    }
    *out = r;
    *found = true;
    return ERR_OK;
}

// ------------------------------------------------------------------------------------------------------------- the table

// Clients choose the ids: without a seed they could make them meet in one bucket.
static struct hot **place(struct store *s, const uint8_t *id)
{
    return &s->bucket[siphash(s->seed, span_of(id, WIRE_ID)) & (s->buckets - 1)];
}

static void unlink_hot(struct hot *h)
{
    h->newer->older = h->older;
    h->older->newer = h->newer;
}

static void use(struct store *s, struct hot *h)
{
    if (h->newer != NULL) unlink_hot(h);
    h->older = s->newest.older;
    h->newer = &s->newest;
    h->older->newer = h;
    s->newest.older = h;
}

static void drop(struct store *s, struct hot *h)
{
    struct hot **at = place(s, h->row.id);
    while (*at != h) at = &(*at)->next;
    *at = h->next;
    unlink_hot(h);
    s->hot_bytes -= h->bytes;
    log_row_free(&h->row);
    mem_free(h);
}

// A log may have a thousand grants, or one.
static void weigh(struct store *s, struct hot *h)
{
    size_t bytes = ROW_COST + h->row.grants.room * sizeof *h->row.grants.v;
    s->hot_bytes += bytes - h->bytes;
    h->bytes = bytes;
}

static bool ready(struct store *s)
{
    if (s->bucket != NULL) return true;
    if (getrandom(s->seed, sizeof s->seed, 0) != sizeof s->seed) return false;
    s->buckets = BUCKETS_FIRST;
    while (s->buckets < s->hot_max / ROW_COST) s->buckets *= 2;
    s->bucket = mem_new_array(s->buckets, sizeof *s->bucket);
    return s->bucket != NULL;
}

// The least used ones, but none that this batch has changed.
static void make_room(struct store *s)
{
    struct hot *h = s->newest.newer;
    while (s->hot_bytes >= s->hot_max && h != &s->newest) {
        struct hot *next = h->newer;
        if (!h->dirty) drop(s, h);
        h = next;
    }
}

static struct hot *add(struct store *s, struct row *row, enum err *e)
{
    make_room(s);
    struct hot *h = mem_new(sizeof *h);
    if (h == NULL) {
        log_row_free(row);
        *e = ERR_MEMORY;
        return NULL;
    }
    h->row = *row;
    struct hot **at = place(s, row->id);
    h->next = *at;
    *at = h;
    use(s, h);
    weigh(s, h);
    return h;
}

static struct hot *find_any(struct store *s, const uint8_t *id, enum err *e)
{
    struct row row;
    bool found = false;
    if (!ready(s)) {
        *e = ERR_MEMORY;
        return NULL;
    }
    struct hot *h = *place(s, id);
    while (h != NULL && memcmp(h->row.id, id, WIRE_ID) != 0) h = h->next;
    if (h != NULL) {
        use(s, h);
        return h;
    }
    *e = log_row_read(&s->db, id, &row, &found);
    return *e == ERR_OK && found ? add(s, &row, e) : NULL;
}

struct hot *log_row_find(struct store *s, const uint8_t *id, enum err *e)
{
    struct hot *h = find_any(s, id, e);
    return h != NULL && h->row.exists ? h : NULL;
}

struct hot *row_allowed(struct store *s, const struct store_access *a, uint8_t rights, enum wire_code *code, enum err *e)
{
    struct hot *h = log_row_find(s, a->log, e);
    bool ok = h != NULL && grants_allow(&h->row.grants, a->hash, rights);
    *code = ok ? WIRE_OK : WIRE_E_DENIED;
    return ok ? h : NULL;
}

struct hot *log_row_new(struct store *s, const uint8_t *id, enum err *e)
{
    sqlite3_stmt *q = s->db.q[Q_LOG_PUT];
    struct hot *h = find_any(s, id, e); // one that was deleted counts on
    if (h != NULL || *e != ERR_OK) return h;
    (void)sqlite3_bind_blob(q, 1, id, WIRE_ID, SQLITE_STATIC);
    (void)sqlite_step(q, e);
    if (*e != ERR_OK) return NULL;
    struct row row = {.number = sqlite3_last_insert_rowid(s->db.h), .next = 1, .oldest = 1};
    memcpy(row.id, id, WIRE_ID);
    return add(s, &row, e);
}

// ------------------------------------------------------------------------------------------------------------- changes

void row_dirty(struct store *s, struct hot *h, bool whole)
{
    h->whole |= whole;
    if (h->dirty) return;
    h->dirty = true;
    h->dirty_next = s->dirty;
    s->dirty = h;
}

static enum err write_row(struct store *s, const struct row *r)
{
    struct buf grants;
    enum err e = ERR_OK;
    sqlite3_stmt *q = s->db.q[Q_LOG_SET];
    buf_init(&grants, GRANTS_MAX * 64);
    grants_encode(&r->grants, &grants);
    e = buf_end(&grants);
    if (e == ERR_OK) {
        (void)sqlite3_bind_int64(q, 1, r->number);
        (void)sqlite3_bind_int(q, 2, r->exists);
        (void)sqlite3_bind_int64(q, 3, (int64_t)r->next);
        (void)sqlite3_bind_int64(q, 4, (int64_t)r->epoch);
        (void)sqlite3_bind_int64(q, 5, (int64_t)r->time);
        (void)sqlite3_bind_int64(q, 6, (int64_t)r->total);
        (void)sqlite3_bind_int64(q, 7, r->retention);
        (void)sqlite3_bind_int64(q, 8, r->host);
        (void)sqlite3_bind_int64(q, 9, (int64_t)r->bytes_max);
        (void)sqlite3_bind_blob(q, 10, grants.n > 0 ? grants.p : (const uint8_t *)"", (int)grants.n, SQLITE_STATIC);
        (void)sqlite_step(q, &e);
        (void)sqlite3_clear_bindings(q);
    }
    buf_wipe(&grants);
    return e;
}

enum err row_write_all(struct store *s)
{
    enum err e = ERR_OK;
    for (struct hot *h = s->dirty; e == ERR_OK && h != NULL; h = h->dirty_next) {
        if (h->whole) e = write_row(s, &h->row);
    }
    return e;
}

void row_settle(struct store *s)
{
    for (struct hot *h = s->dirty, *next; h != NULL; h = next) {
        next = h->dirty_next;
        h->dirty = h->whole = false;
        weigh(s, h);
        h->dirty_next = NULL;
    }
    s->dirty = NULL;
}

void row_forget(struct store *s)
{
    for (struct hot *h = s->dirty, *next; h != NULL; h = next) {
        next = h->dirty_next;
        drop(s, h);
    }
    s->dirty = NULL;
}

void row_forget_all(struct store *s)
{
    for (struct hot *h = s->newest.newer; h != NULL && h != &s->newest; h = s->newest.newer) drop(s, h);
    s->dirty = NULL;
}

enum err row_tell(struct store *s, enum store_event_kind kind, const struct row *r, const struct store_event *entry)
{
    if (s->settings.watch == NULL) return ERR_OK;
    if (s->events == s->event_room) {
        size_t room = s->event_room == 0 ? 256 : 2 * s->event_room;
        struct store_event *more = mem_new_array(room, sizeof *more);
        if (more == NULL) return ERR_MEMORY;
        if (s->events > 0) memcpy(more, s->event, s->events * sizeof *more);
        mem_free(s->event);
        s->event = more;
        s->event_room = room;
    }
    struct store_event *e = &s->event[s->events++];
    *e = entry != NULL ? *entry : (struct store_event){.kind = kind};
    memcpy(e->log, r->id, WIRE_ID);
    return ERR_OK;
}
