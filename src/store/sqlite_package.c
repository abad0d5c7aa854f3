// SPDX-License-Identifier: Apache-2.0
//
// Key packages in SQLite. Invariant: a package is deleted in the transaction that hands it out, so nobody gets one that somebody
// else got, after a crash neither.
#include "store/sqlite.h"

// The device's pool, how many devices the log has, and how many bytes one take may hand out if the device's largest package
// has `largest` or what it has now.
static enum err count(struct db *db, int64_t log, const uint8_t *device, size_t largest, struct wire_pool *out,
                      size_t *devices, size_t *bytes)
{
    enum err e = ERR_OK;
    sqlite3_stmt *q = db->q[Q_PACKAGE_COUNT];
    *out = (struct wire_pool){.device = device};
    *devices = *bytes = 0;
    (void)sqlite3_bind_int64(q, 1, log);
    while (sqlite_step(q, &e)) {
        size_t most = (size_t)sqlite3_column_int(q, 3);
        (*devices)++;
        if (sqlite3_column_bytes(q, 0) == WIRE_DEVICE && memcmp(sqlite3_column_blob(q, 0), device, WIRE_DEVICE) == 0) {
            out->packages = (uint16_t)sqlite3_column_int(q, 1);
            out->last_resort = sqlite3_column_int(q, 2) != 0;
            if (largest < most) largest = most;
        } else {
            *bytes += most + STORE_TAKEN_HEAD;
        }
    }
    *bytes += largest + STORE_TAKEN_HEAD;
    return e;
}

static enum err add(struct store *s, int64_t log, const uint8_t *device, bool last, struct span body)
{
    enum err e = ERR_OK;
    sqlite3_stmt *q = s->db.q[Q_PACKAGE_ADD];
    (void)sqlite3_bind_int64(q, 1, log);
    (void)sqlite3_bind_blob(q, 2, device, WIRE_DEVICE, SQLITE_STATIC);
    (void)sqlite3_bind_int(q, 3, last);
    (void)sqlite3_bind_blob(q, 4, body.p, (int)body.n, SQLITE_STATIC);
    (void)sqlite_step(q, &e);
    (void)sqlite3_clear_bindings(q);
    return e;
}

static enum err clear(struct store *s, enum statement which, int64_t log, const uint8_t *device)
{
    enum err e = ERR_OK;
    sqlite3_stmt *q = s->db.q[which];
    (void)sqlite3_bind_int64(q, 1, log);
    (void)sqlite3_bind_blob(q, 2, device, WIRE_DEVICE, SQLITE_STATIC);
    (void)sqlite_step(q, &e);
    return e;
}

enum err sqlite_package_put(struct store *s, const struct store_access *a, const uint8_t *device, struct span last,
                            struct span list, struct wire_pool *pool, enum wire_code *code)
{
    enum err e = ERR_OK;
    struct wire_pool had;
    struct span rest = list, package;
    size_t devices = 0, bytes = 0, n = 0, largest = last.n;
    struct hot *h = row_allowed(s, a, WIRE_ADMIN, code, &e);
    if (h == NULL || e != ERR_OK) return e;
    int64_t log = h->row.number;
    for (; wire_next_package(&rest, &package); n++) largest = largest < package.n ? package.n : largest;
    e = count(&s->db, log, device, largest, &had, &devices, &bytes);
    if (e != ERR_OK) return e;
    bool known = had.packages > 0 || had.last_resort;
    bool full = had.packages + n > WIRE_PACKAGES_MAX || (!known && devices >= WIRE_DEVICES_MAX);
    if (full || bytes > STORE_TAKEN_MAX) {
        *code = WIRE_E_LIMIT;
        return ERR_OK;
    }
    if (last.n > 0) e = clear(s, Q_PACKAGE_LAST, log, device);
    if (e == ERR_OK && last.n > 0) e = add(s, log, device, true, last);
    while (e == ERR_OK && wire_next_package(&list, &package)) e = add(s, log, device, false, package);
    return e == ERR_OK ? count(&s->db, log, device, 0, pool, &devices, &bytes) : e;
}

enum err sqlite_package_take(struct store *s, const struct store_access *a, struct buf *taken, enum wire_code *code)
{
    enum err e = ERR_OK;
    int64_t used[WIRE_DEVICES_MAX];
    size_t n = 0;
    uint8_t device[WIRE_DEVICE] = {0};
    bool any = false;
    struct hot *h = row_allowed(s, a, WIRE_APPEND, code, &e);
    if (h == NULL || e != ERR_OK) return e;
    sqlite3_stmt *q = s->db.q[Q_PACKAGE_LIST];
    (void)sqlite3_bind_int64(q, 1, h->row.number);
    while (sqlite_step(q, &e)) { // by device, and in each the last resort behind the others
        if (sqlite3_column_bytes(q, 1) != WIRE_DEVICE) continue;
        if (any && memcmp(device, sqlite3_column_blob(q, 1), WIRE_DEVICE) == 0) continue;
        memcpy(device, sqlite3_column_blob(q, 1), WIRE_DEVICE);
        any = true;
        bool last = sqlite3_column_int(q, 2) != 0;
        struct span body = span_of(sqlite3_column_blob(q, 3), (size_t)sqlite3_column_bytes(q, 3));
        wire_put_taken(taken, &(struct wire_package){.device = device, .last_resort = last, .package = body});
        if (!last && n < WIRE_DEVICES_MAX) used[n++] = sqlite3_column_int64(q, 0);
    }
    if (e == ERR_OK) e = buf_end(taken);
    for (size_t i = 0; e == ERR_OK && i < n; i++) {
        (void)sqlite3_bind_int64(s->db.q[Q_PACKAGE_DROP], 1, used[i]);
        (void)sqlite_step(s->db.q[Q_PACKAGE_DROP], &e);
    }
    return e;
}

enum err sqlite_package_clear(struct store *s, const struct store_access *a, const uint8_t *device, enum wire_code *code)
{
    enum err e = ERR_OK;
    struct hot *h = row_allowed(s, a, WIRE_ADMIN, code, &e);
    return h == NULL || e != ERR_OK ? e : clear(s, Q_PACKAGE_CLEAR, h->row.number, device);
}

enum err sqlite_package_stat(struct store_reader *r, const struct store_access *a, struct buf *pool, enum wire_code *code)
{
    struct row row = {0};
    bool found = false;
    enum err e = log_row_read(&r->db, a->log, &row, &found);
    bool ok = e == ERR_OK && found && row.exists && grants_allow(&row.grants, a->hash, WIRE_ADMIN);
    *code = ok ? WIRE_OK : WIRE_E_DENIED;
    if (found) grants_free(&row.grants);
    if (e != ERR_OK || !ok) return e;
    sqlite3_stmt *q = r->db.q[Q_PACKAGE_COUNT];
    (void)sqlite3_bind_int64(q, 1, row.number);
    while (sqlite_step(q, &e)) {
        if (sqlite3_column_bytes(q, 0) != WIRE_DEVICE) continue;
        wire_put_pool(pool, &(struct wire_pool){.device = sqlite3_column_blob(q, 0),
                                                .packages = (uint16_t)sqlite3_column_int(q, 1),
                                                .last_resort = sqlite3_column_int(q, 2) != 0});
    }
    return e == ERR_OK ? buf_end(pool) : e;
}
