// SPDX-License-Identifier: Apache-2.0
//
// Logs, entries and grants in SQLite. An append is one row of the table of entries; the log's own row is written when its epoch, grants
// or beginning change. Invariant: seq goes on from the greater of what the log's row and its last entry say, so it never
// comes twice, whatever has expired.
#include "store/sqlite.h"

enum { EXPIRE_LOGS = 256, EXPIRE_SCAN = 1000, EXPIRE_ROWS = 2000 }; // in one call

static uint64_t kept(const struct row *r) { return r->total - r->before; }

static bool over(struct store *s, uint32_t host, uint64_t logs_max, uint64_t bytes_max, uint64_t logs, uint64_t bytes)
{
    const struct usage *u = sqlite_usage(s, host);
    if (u == NULL) return host != 0 && logs > 0; // more hosts than can be kept in mind may have nothing
    if (logs == 0 && atomic_load(&u->told)) bytes_max = u->bytes_max;
    return (logs_max > 0 && u->logs + logs > logs_max) || (bytes_max > 0 && u->bytes + u->blob_bytes + bytes > bytes_max);
}

static void charge(struct store *s, const struct row *r, int64_t logs, int64_t bytes)
{
    struct usage *u = sqlite_usage(s, r->host);
    if (u == NULL) return;
    u->logs += (uint64_t)logs;
    u->bytes += (uint64_t)bytes;
}

// ------------------------------------------------------------------------------------------------------------- creating

enum err sqlite_log_create(struct store *s, const uint8_t *log, uint32_t retention, struct span list,
                           const struct store_host *host, uint64_t now, enum wire_code *code)
{
    enum err e = ERR_OK;
    struct grants grants = {0};
    (void)now;
    *code = WIRE_OK;
    if (log_row_find(s, log, &e) != NULL) *code = WIRE_E_EXISTS;
    else if (e == ERR_OK && over(s, host->id, host->logs_max, 0, 1, 0)) *code = WIRE_E_QUOTA;
    if (e != ERR_OK || *code != WIRE_OK) return e;
    e = grants_decode(&grants, list, code);
    if (e != ERR_OK || *code != WIRE_OK) return e;
    struct hot *h = log_row_new(s, log, &e);
    if (h == NULL) {
        grants_free(&grants);
        return e == ERR_OK ? ERR_MEMORY : e;
    }
    row_dirty(s, h, true);
    grants_free(&h->row.grants);
    h->row.grants = grants;
    h->row.exists = true;
    h->row.retention = retention == 0 ? s->settings.retention : retention;
    h->row.host = host->id;
    h->row.bytes_max = host->bytes_max;
    charge(s, &h->row, 1, 0);
    return ERR_OK;
}

// ------------------------------------------------------------------------------------------------------------- appending

static enum err add_entry(struct store *s, const struct row *r, const struct store_event *x, uint64_t total)
{
    enum err e = ERR_OK;
    sqlite3_stmt *q = s->db.q[Q_ENTRY_ADD];
    (void)sqlite3_bind_int64(q, 1, r->number);
    (void)sqlite3_bind_int64(q, 2, (int64_t)x->seq);
    (void)sqlite3_bind_int64(q, 3, (int64_t)x->time);
    (void)sqlite3_bind_int64(q, 4, (int64_t)x->epoch);
    (void)sqlite3_bind_int64(q, 5, (int64_t)total);
    (void)sqlite3_bind_blob(q, 6, x->payload.p, (int)x->payload.n, SQLITE_STATIC);
    (void)sqlite_step(q, &e);
    return e;
}

// Lets go the entries before `from`, and says so in the row at hand.
static enum err cut(struct store *s, struct hot *h, uint64_t from)
{
    enum err e = ERR_OK;
    sqlite3_stmt *q = s->db.q[Q_ENTRY_CUT], *first = s->db.q[Q_ENTRY_FIRST];
    uint64_t had = kept(&h->row);
    (void)sqlite3_bind_int64(q, 1, h->row.number);
    (void)sqlite3_bind_int64(q, 2, (int64_t)from);
    (void)sqlite_step(q, &e);
    if (e != ERR_OK) return e;
    h->row.oldest = h->row.next;
    h->row.before = h->row.total;
    (void)sqlite3_bind_int64(first, 1, h->row.number);
    if (sqlite_step(first, &e)) {
        h->row.oldest = (uint64_t)sqlite3_column_int64(first, 0);
        h->row.before = (uint64_t)sqlite3_column_int64(first, 1);
        (void)sqlite3_reset(first);
    }
    charge(s, &h->row, 0, -(int64_t)(had - kept(&h->row)));
    row_dirty(s, h, grants_tidy(&h->row.grants, h->row.oldest));
    return e;
}

// The newest entry stays, however large it is.
static enum err trim(struct store *s, struct hot *h)
{
    enum err e = ERR_OK;
    struct row *r = &h->row;
    if (kept(r) <= s->settings.log_max) return ERR_OK;
    sqlite3_stmt *q = s->db.q[Q_ENTRY_TRIM];
    uint64_t from = r->next - 1;
    // The first entry behind which no more than log_max is kept is the one after the first with this total.
    (void)sqlite3_bind_int64(q, 1, r->number);
    (void)sqlite3_bind_int64(q, 2, (int64_t)(r->total - s->settings.log_max - 1));
    if (sqlite_step(q, &e)) {
        from = (uint64_t)sqlite3_column_int64(q, 0) + 1;
        (void)sqlite3_reset(q);
    }
    if (from > r->next - 1) from = r->next - 1;
    return e == ERR_OK && from > r->oldest ? cut(s, h, from) : e;
}

static enum err append_to(struct store *s, struct hot *h, const struct store_append *a, struct store_appended *out)
{
    struct row *r = &h->row;
    const struct store_event x = {.kind = STORE_ENTRY, .seq = r->next, .time = a->now > r->time ? a->now : r->time,
                                  .epoch = a->epoch, .payload = a->payload};
    enum err e = add_entry(s, r, &x, r->total + a->payload.n);
    if (e != ERR_OK) return e;
    r->next++;
    r->time = x.time;
    r->total += a->payload.n;
    r->epoch += a->advance;
    *out = (struct store_appended){.seq = x.seq, .epoch = x.epoch, .time = x.time};
    charge(s, r, 0, (int64_t)a->payload.n);
    e = trim(s, h);
    if (e == ERR_OK) e = row_tell(s, STORE_ENTRY, r, &x);
    if (e == ERR_OK && a->new_hash != NULL) e = row_tell(s, STORE_GRANTS, r, NULL);
    return e;
}

enum err sqlite_log_append(struct store *s, const struct store_append *a, struct store_appended *out, enum wire_code *code)
{
    enum err e = ERR_OK;
    struct hot *h = row_allowed(s, &a->access, a->advance ? WIRE_APPEND | WIRE_ADVANCE : WIRE_APPEND, code, &e);
    if (h == NULL || e != ERR_OK) return e;
    if (a->epoch != h->row.epoch) {
        *out = (struct store_appended){.epoch = h->row.epoch};
        *code = WIRE_E_STALE;
        return ERR_OK;
    }
    if (over(s, h->row.host, 0, h->row.bytes_max, 0, a->payload.n)) {
        *code = WIRE_E_QUOTA;
        return ERR_OK;
    }
    row_dirty(s, h, a->advance);
    if (a->new_hash != NULL) {
        e = grants_replace(&h->row.grants, a->access.hash, a->new_hash, a->new_from, h->row.next, code);
    }
    return e != ERR_OK || *code != WIRE_OK ? e : append_to(s, h, a, out);
}

// ------------------------------------------------------------------------------------------------------- deleting, grants

enum err sqlite_log_delete(struct store *s, const struct store_access *a, enum wire_code *code)
{
    enum err e = ERR_OK;
    struct hot *h = row_allowed(s, a, WIRE_ADMIN, code, &e);
    if (h == NULL || e != ERR_OK) return e;
    const enum statement drops[] = {Q_ENTRY_DROP, Q_PACKAGE_CLEAR_ALL};
    row_dirty(s, h, true);
    for (size_t i = 0; e == ERR_OK && i < 2; i++) {
        (void)sqlite3_bind_int64(s->db.q[drops[i]], 1, h->row.number);
        (void)sqlite_step(s->db.q[drops[i]], &e);
    }
    charge(s, &h->row, -1, -(int64_t)kept(&h->row));
    h->row.exists = false;
    h->row.epoch++; // what was meant for this log is stale in the next one under its id
    h->row.oldest = h->row.next;
    h->row.before = h->row.total;
    grants_free(&h->row.grants);
    return e == ERR_OK ? row_tell(s, STORE_DELETED, &h->row, NULL) : e;
}

enum err sqlite_grant_set(struct store *s, const struct store_access *a, const struct wire_grant *g, enum wire_code *code)
{
    enum err e = ERR_OK;
    struct hot *h = row_allowed(s, a, WIRE_ADMIN, code, &e);
    if (h == NULL || e != ERR_OK) return e;
    row_dirty(s, h, true);
    e = grants_set(&h->row.grants, g, code);
    return e == ERR_OK && *code == WIRE_OK ? row_tell(s, STORE_GRANTS, &h->row, NULL) : e;
}

enum err sqlite_grant_remove(struct store *s, const struct store_access *a, const uint8_t *hash, enum wire_code *code)
{
    enum err e = ERR_OK;
    struct hot *h = row_allowed(s, a, WIRE_ADMIN, code, &e);
    if (h == NULL || e != ERR_OK) return e;
    row_dirty(s, h, true);
    return grants_remove(&h->row.grants, hash) ? row_tell(s, STORE_GRANTS, &h->row, NULL) : ERR_OK;
}

// -------------------------------------------------------------------------------------------------------------- expiry

// What one call lets go: so many entries, of so many logs.
struct piece {
    uint64_t now;
    size_t rows;
    size_t logs;
    uint8_t id[EXPIRE_LOGS][WIRE_ID];
};

// Lets go what is older than the log's retention, and than any may be. Its row is written: when the last entry goes, only the
// row knows where to count on.
static enum err expire_log(struct store *s, struct piece *p, const uint8_t *id)
{
    enum err e = ERR_OK;
    struct hot *h = log_row_find(s, id, &e);
    if (h == NULL || e != ERR_OK) return e;
    uint32_t seconds = h->row.retention < s->settings.retention ? h->row.retention : s->settings.retention;
    uint64_t ms = (uint64_t)seconds * 1000, from = h->row.next;
    if (p->now < ms || h->row.oldest == h->row.next) return ERR_OK;
    sqlite3_stmt *q = s->db.q[Q_ENTRY_OLD];
    (void)sqlite3_bind_int64(q, 1, h->row.number);
    (void)sqlite3_bind_int64(q, 2, (int64_t)(p->now - ms));
    if (sqlite_step(q, &e)) {
        from = (uint64_t)sqlite3_column_int64(q, 0);
        (void)sqlite3_reset(q);
    }
    if (e != ERR_OK || from <= h->row.oldest) return e;
    if (from > h->row.oldest + p->rows) from = h->row.oldest + p->rows;
    p->rows -= (size_t)(from - h->row.oldest);
    row_dirty(s, h, true);
    return cut(s, h, from);
}

static void note(struct piece *p, sqlite3_stmt *q, int column)
{
    if (sqlite3_column_bytes(q, column) == WIRE_ID) memcpy(p->id[p->logs++], sqlite3_column_blob(q, column), WIRE_ID);
}

// Looks at the entries behind *at for those that are older than any may be; `front`: no further than to the first that is not. *at is
// where to go on, 0 at the end. True if there were any.
static bool expire_scan(struct store *s, struct piece *p, int64_t *at, bool front, enum err *e)
{
    uint64_t ms = (uint64_t)s->settings.retention * 1000;
    sqlite3_stmt *q = s->db.q[Q_ENTRY_SCAN];
    int64_t log = 0;
    size_t seen = 0;
    bool due = true;
    p->logs = 0;
    if (p->now < ms) return false;
    (void)sqlite3_bind_int64(q, 1, *at);
    (void)sqlite3_bind_int64(q, 2, EXPIRE_SCAN);
    *at = 0;
    while (p->logs < EXPIRE_LOGS && sqlite_step(q, e)) {
        seen++;
        *at = sqlite3_column_int64(q, 0);
        due = (uint64_t)sqlite3_column_int64(q, 1) <= p->now - ms;
        if (!due && front) break;
        if (due && sqlite3_column_int64(q, 2) != log) note(p, q, 3);
        if (due) log = sqlite3_column_int64(q, 2);
    }
    (void)sqlite3_reset(q);
    if (p->logs < EXPIRE_LOGS && seen < EXPIRE_SCAN) *at = 0;
    for (size_t i = 0; *e == ERR_OK && p->rows > 0 && i < p->logs; i++) *e = expire_log(s, p, p->id[i]);
    return p->logs > 0;
}

// Logs of a shorter retention take turns.
static enum err expire_short(struct store *s, struct piece *p)
{
    enum err e = ERR_OK;
    int64_t retention[EXPIRE_LOGS], number[EXPIRE_LOGS];
    bool due[EXPIRE_LOGS];
    sqlite3_stmt *q = s->db.q[Q_SHORT_LOGS];
    (void)sqlite3_bind_int64(q, 1, s->short_retention);
    (void)sqlite3_bind_int64(q, 2, s->short_number);
    (void)sqlite3_bind_int64(q, 3, s->settings.retention);
    (void)sqlite3_bind_int64(q, 4, EXPIRE_LOGS);
    for (p->logs = 0; p->logs < EXPIRE_LOGS && sqlite_step(q, &e);) {
        size_t i = p->logs;
        retention[i] = sqlite3_column_int64(q, 0);
        number[i] = sqlite3_column_int64(q, 1);
        due[i] = sqlite3_column_type(q, 3) != SQLITE_NULL &&
                 (uint64_t)sqlite3_column_int64(q, 3) + (uint64_t)retention[i] * 1000 <= p->now;
        note(p, q, 2);
    }
    (void)sqlite3_reset(q);
    size_t i = 0;
    for (; e == ERR_OK && p->rows > 0 && i < p->logs; i++) {
        if (due[i]) e = expire_log(s, p, p->id[i]);
    }
    bool all = i == p->logs && p->rows > 0;
    s->short_retention = all && i < EXPIRE_LOGS ? 0 : i > 0 ? retention[i - 1] : s->short_retention;
    s->short_number = all && i < EXPIRE_LOGS ? 0 : i > 0 ? number[i - 1] - (p->rows == 0) : s->short_number;
    return e;
}

// The entries lie in the order in which they came, so the oldest are in front. Behind some that a wrong clock has put into the
// future there may be others, which are found in turn.
enum err sqlite_expire(struct store *s, uint64_t now, bool *more)
{
    struct piece p = {.now = now, .rows = EXPIRE_ROWS};
    int64_t front = 0;
    enum err e = store_sqlite.begin(s);
    if (e != ERR_OK) return e;
    *more = expire_scan(s, &p, &front, true, &e);
    if (e == ERR_OK && p.rows > 0) *more = expire_scan(s, &p, &s->old_at, false, &e) || *more;
    if (e == ERR_OK && p.rows > 0) e = expire_short(s, &p);
    if (e == ERR_OK) e = store_sqlite.commit(s);
    if (e != ERR_OK) {
        store_sqlite.rollback(s);
        return e;
    }
    *more = *more || p.rows == 0 || s->short_number != 0;
    return ERR_OK;
}

// -------------------------------------------------------------------------------------------------------------- reading

static enum err look(struct store_reader *r, const struct store_access *a, struct row *row, struct store_view *out,
                     enum wire_code *code)
{
    bool found = false;
    *code = WIRE_E_DENIED;
    enum err e = log_row_read(&r->db, a->log, row, &found);
    if (e != ERR_OK || !found) return e;
    const struct wire_grant *g = row->exists ? grants_find(&row->grants, a->hash) : NULL;
    if (g != NULL) {
        *out = (struct store_view){.head = {.oldest = row->oldest, .head = row->next - 1, .epoch = row->epoch},
                                   .rights = g->rights, .from_seq = g->from_seq, .to_seq = g->to_seq};
        *code = WIRE_OK;
    }
    grants_free(&row->grants);
    return ERR_OK;
}

// A reader's own transaction, so that what it reads is of one moment.
static enum err begin_reading(struct store_reader *r)
{
    enum err e = ERR_OK;
    (void)sqlite_step(r->db.q[Q_READ], &e);
    return e;
}

static void end_reading(struct store_reader *r)
{
    enum err ignored = ERR_OK;
    if (sqlite3_get_autocommit(r->db.h) == 0) (void)sqlite_step(r->db.q[Q_COMMIT], &ignored);
}

enum err sqlite_view(struct store_reader *r, const struct store_access *a, struct store_view *out, enum wire_code *code)
{
    struct row row = {0};
    enum err e = begin_reading(r);
    if (e == ERR_OK) e = look(r, a, &row, out, code);
    end_reading(r);
    return e;
}

static enum err read_entries(struct store_reader *r, const struct row *row, uint64_t from, uint64_t to, uint32_t limit,
                             struct buf *out)
{
    enum err e = ERR_OK;
    sqlite3_stmt *q = r->db.q[Q_ENTRY_READ];
    (void)sqlite3_bind_int64(q, 1, row->number);
    (void)sqlite3_bind_int64(q, 2, (int64_t)from);
    (void)sqlite3_bind_int64(q, 3, (int64_t)to);
    for (uint64_t n = 0; (limit == 0 || n < limit) && sqlite_step(q, &e); n++) {
        struct wire_entry x = {.seq = (uint64_t)sqlite3_column_int64(q, 0), .time = (uint64_t)sqlite3_column_int64(q, 1),
                               .epoch = (uint64_t)sqlite3_column_int64(q, 2)};
        x.payload = span_of(sqlite3_column_blob(q, 3), (size_t)sqlite3_column_bytes(q, 3));
        if (n > 0 && out->n + 24 + tls_vector_size(x.payload.n) > out->max) break;
        wire_put_entry(out, &x);
    }
    (void)sqlite3_reset(q);
    return e == ERR_OK ? buf_end(out) : e;
}

enum err sqlite_read(struct store_reader *r, const struct store_access *a, uint64_t after, uint32_t limit, struct buf *out,
                     struct store_view *view, enum wire_code *code)
{
    struct row row = {0};
    enum err e = begin_reading(r);
    if (e == ERR_OK) e = look(r, a, &row, view, code);
    if (e == ERR_OK && *code == WIRE_OK && (view->rights & WIRE_READ) == 0) *code = WIRE_E_DENIED;
    if (e == ERR_OK && *code == WIRE_OK) {
        uint64_t from = after == UINT64_MAX ? after : after + 1, to = view->head.head;
        if (from < view->from_seq) from = view->from_seq;
        if (from < view->head.oldest) from = view->head.oldest;
        if (to > view->to_seq) to = view->to_seq;
        if (from <= to) e = read_entries(r, &row, from, to, limit, out);
    }
    end_reading(r);
    return e;
}
