// SPDX-License-Identifier: Apache-2.0
//
// Sending: a file is read, sealed and appended window by window; what the relay has is asked for after every break.
// Invariant: a window is known by a mark, which is stored before a byte of it leaves, and what would come to another
// mark does not leave. So no key seals two contents under one nonce, whatever happens to the file, to this machine or
// to what the relay remembers.
#include "transfer/inner.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum stage { ASK, SEND, SEAL }; // ASK: makes the blob, or asks how much of it is there
enum { REFUSALS = 16 };

static const char changed[] = "the file has changed since it was begun to be sent; send it again, as it is now";

// ------------------------------------------------------------------------------------------------------------- sealing

static size_t window_size(const struct haul *j, uint64_t n)
{
    uint64_t left = j->total - n * WINDOW;
    return left < WINDOW ? (size_t)left : WINDOW;
}

// Reads and seals in place; the marks of all chunks, which are their tags, make the window's.
static enum err seal_window(struct haul *j, uint64_t n, uint8_t mark[MARK])
{
    uint8_t tags[WINDOW_CHUNKS][CRYPTO_TAG];
    size_t k = 0, all = window_size(j, n);
    enum err e = ERR_OK;
    for (size_t at = 0; e == ERR_OK && at < all; k++) {
        uint8_t *p = j->window + at;
        size_t sealed = all - at < FILE_SEALED ? all - at : FILE_SEALED, plain = sealed - CRYPTO_TAG;
        uint64_t index = n * WINDOW_CHUNKS + k;
        e = row_bytes(j->fd, p, plain, index * FILE_CHUNK);
        if (e == ERR_OK) e = file_seal(j->t->h.crypto, &j->row.ref.key, j->row.ref.size, index, span_of(p, plain), p);
        memcpy(tags[k], p + plain, CRYPTO_TAG);
        at += sealed;
    }
    struct span all_tags = span_of(tags, k * CRYPTO_TAG);
    return e == ERR_OK ? crypto_hash(j->t->h.crypto, haul_suite(), &all_tags, 1, mark) : e;
}

// Whether the window may leave: its mark is what it was, or is stored now. ERR_STALE: the file is another one.
static enum err check_mark(struct haul *j, uint64_t n, const uint8_t mark[MARK])
{
    struct db *d = j->t->h.db;
    uint8_t was[MARK];
    db_begin(d);
    sqlite3_stmt *q = db_sql(d, "SELECT mark FROM transfer_window WHERE transfer = ?1 AND n = ?2");
    db_int(q, 1, j->row.id);
    db_int(q, 2, (int64_t)n);
    bool known = db_row(d, q) && db_get_fixed(d, q, 0, was, MARK);
    db_done(q);
    if (!known) {
        q = db_sql(d, "INSERT INTO transfer_window(transfer, n, mark) VALUES(?1, ?2, ?3)");
        db_int(q, 1, j->row.id);
        db_int(q, 2, (int64_t)n);
        db_blob(q, 3, span_of(mark, MARK));
        (void)db_run(d, q);
        q = db_sql(d, "UPDATE transfer SET done = ?2 WHERE id = ?1");
        db_int(q, 1, j->row.id);
        db_int(q, 2, (int64_t)j->row.done);
        (void)db_run(d, q);
    }
    enum err e = db_commit(d);
    return e == ERR_OK && known && memcmp(was, mark, MARK) != 0 ? ERR_STALE : e;
}

// The window is in memory, sealed, and counted in the digest.
static enum err hold(struct haul *j, uint64_t n)
{
    uint8_t mark[MARK];
    bool bytes = j->row.path[0] == 0; // sealed already
    enum err e = ERR_OK;
    j->up.holds = false;
    if (bytes) {
        e = row_bytes(j->fd, j->window, window_size(j, n), n * WINDOW);
    } else {
        if (!row_same(&j->row, j->fd)) return ERR_STALE;
        e = seal_window(j, n, mark);
        if (e == ERR_NOT_FOUND || (e == ERR_OK && !row_same(&j->row, j->fd))) e = ERR_STALE;
        if (e == ERR_OK) e = check_mark(j, n, mark);
    }
    if (e == ERR_OK && n == j->up.digested) {
        e = crypto_digest_update(j->digest, span_of(j->window, window_size(j, n)));
        if (e == ERR_OK) j->up.digested++;
    }
    j->up.holds = e == ERR_OK;
    j->up.held = n;
    return e;
}

static enum err open_file(struct haul *j)
{
    char path[FILE_PATH];
    if (j->fd >= 0) return ERR_OK;
    row_path(j->t, j->row.file, path);
    bool bytes = j->row.path[0] == 0;
    j->fd = open(bytes ? path : j->row.path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (j->fd < 0 || (!bytes && !row_same(&j->row, j->fd))) return ERR_STALE;
    return crypto_digest_new(j->t->h.crypto, haul_suite(), &j->digest);
}

static void fail_as(struct haul *j, enum err e)
{
    if (e == ERR_STALE)
        haul_fail(j,
                  j->fd < 0 ? "the file is gone, or cannot be read any more: send it again when it is there" : changed);
    else haul_fail_as(j, e);
}

// ------------------------------------------------------------------------------------------------------------- answers

static void broken(struct haul *j)
{
    j->up.stage = ASK;
    j->up.asked = j->up.rewinds = j->up.holds = false;
}

// When all has come home, it looks how much is there.
static void rewind_later(struct haul *j)
{
    j->up.rewinds = true;
    if (++j->up.refusals > REFUSALS)
        haul_fail(j, "the relay does not keep what it is sent; try again later, or with another relay");
}

// Another relay may make it, where this one wants a password.
static bool go_elsewhere(struct haul *j)
{
    struct row *r = &j->row;
    if (r->other[0] == 0 || strcmp(r->other, r->relay) == 0) return false;
    memcpy(r->relay, r->other, sizeof r->relay);
    memcpy(r->ref.relay, r->other, sizeof r->relay);
    r->other[0] = 0;
    r->state = TRANSFER_WAITING;
    db_begin(j->t->h.db);
    row_state(j->t, r);
    return db_commit(j->t->h.db) == ERR_OK;
}

static void on_made(void *arg, const struct wire_reply *r)
{
    struct flight f;
    struct haul *j = haul_home(arg, r, &f);
    if (j == NULL) return;
    j->up.asked = false;
    bool there = r->type == WIRE_R_OK || (r->type == WIRE_R_ERROR && r->code == WIRE_E_EXISTS);
    if (there) j->up.made = true;
    else if (r->type != WIRE_R_ERROR || r->code != WIRE_E_HOSTING || !go_elsewhere(j)) haul_refused(j, r);
    haul_kick(j);
}

static void on_stat(void *arg, const struct wire_reply *r)
{
    struct flight f;
    struct haul *j = haul_home(arg, r, &f);
    if (j == NULL) return;
    j->up.asked = false;
    if (r->type == WIRE_R_BLOB && (r->size > j->total || (r->sealed && r->size != j->total))) {
        haul_fail(j, "the relay has something else under the file's number; send it again");
    } else if (r->type == WIRE_R_BLOB) {
        j->up.sealed = r->sealed;
        j->row.ref.expires = r->expires;
        j->at = r->size;
        j->up.stage = SEND;
        haul_progress(j, r->size);
    } else if (r->type == WIRE_R_ERROR &&
               r->code == WIRE_E_NOT_FOUND) { // it is not there yet, or it was not written to for too long
        j->up.made = false;
        j->row.done = 0;
        rewind_later(j);
    } else {
        haul_refused(j, r);
    }
    haul_kick(j);
}

static void on_appended(void *arg, const struct wire_reply *r)
{
    struct flight f;
    struct haul *j = haul_home(arg, r, &f);
    if (j == NULL) return;
    if (r->type == WIRE_R_BLOB) {
        if (f.at + f.n > j->row.done) haul_progress(j, f.at + f.n);
        j->up.refusals = 0;
    } else {
        bool place = r->type == WIRE_R_ERROR &&
                     (r->code == WIRE_E_OFFSET || r->code == WIRE_E_SEALED || r->code == WIRE_E_NOT_FOUND);
        if (!j->up.rewinds) rewind_later(j);
        if (!place) haul_refused(j, r);
    }
    haul_kick(j);
}

static void on_sealed(void *arg, const struct wire_reply *r)
{
    struct flight f;
    struct haul *j = haul_home(arg, r, &f);
    if (j == NULL) return;
    j->up.asked = false;
    bool place = r->type == WIRE_R_ERROR &&
                 (r->code == WIRE_E_OFFSET || r->code == WIRE_E_SEALED || r->code == WIRE_E_NOT_FOUND);
    if (r->type != WIRE_R_OK && !place) haul_refused(j, r);
    if (r->type == WIRE_R_OK) j->up.stage = ASK; // when it expires
    else rewind_later(j);
    haul_kick(j);
}

// --------------------------------------------------------------------------------------------------------------- steps

static void ask(struct haul *j, const struct link *l)
{
    const struct row *row = &j->row;
    struct wire_request r = {.type = WIRE_BLOB_CREATE, .blob = row->ref.blob, .key = row->blob_key, .size = j->total};
    if (j->up.asked) return;
    if (j->total > link_limits(l)->blob && !j->up.made) {
        char why[WHY];
        (void)snprintf(why, sizeof why, "the file has %.1f MB, and this relay takes files up to %.1f MB",
                       (double)j->row.ref.size / 1e6, (double)link_limits(l)->blob / 1e6);
        haul_fail(j, why);
        return;
    }
    bool made = j->up.made || row->done > 0;
    if (made) r = (struct wire_request){.type = WIRE_BLOB_STAT, .blob = row->ref.blob};
    j->up.asked = haul_ask(j, &r, NULL, made ? on_stat : on_made);
}

// Appends from the window in memory while that may be.
static void append(struct haul *j, const struct link *l)
{
    uint64_t end = j->up.held * WINDOW + window_size(j, j->up.held);
    uint32_t most = link_limits(l)->chunk < FILE_SEALED ? link_limits(l)->chunk : FILE_SEALED;
    bool sent = most > 0;
    while (sent && j->at < end) {
        uint32_t n = end - j->at < most ? (uint32_t)(end - j->at) : most;
        const struct flight f = {.at = j->at, .n = n};
        const struct wire_request r = {.type = WIRE_BLOB_APPEND,
                                       .blob = j->row.ref.blob,
                                       .key = j->row.blob_key,
                                       .offset = j->at,
                                       .payload = span_of(j->window + j->at % WINDOW, n)};
        sent = haul_ask(j, &r, &f, on_appended);
        if (sent) j->at += n;
    }
}

// All of it is there.
static void close_blob(struct haul *j)
{
    const struct wire_request r = {
        .type = WIRE_BLOB_SEAL, .blob = j->row.ref.blob, .key = j->row.blob_key, .size = j->total};
    enum err e = ERR_OK;
    if (j->up.sealed) {
        e = crypto_digest_end(j->digest, j->row.ref.digest);
        if (e == ERR_OK) haul_done(j);
        else fail_as(j, e);
    } else if (j->flights == 0 && !j->up.asked) {
        j->up.asked = haul_ask(j, &r, NULL, on_sealed);
    }
}

// One window at a time is made; then others have their turn.
static void step(struct haul *j)
{
    const struct link *l = haul_link(j);
    enum err e = l == NULL ? ERR_OK : open_file(j);
    if (e != ERR_OK) fail_as(j, e);
    if (l == NULL || e != ERR_OK) return;
    if (j->up.rewinds) {
        if (j->flights > 0) return;
        broken(j);
    }
    if (j->up.stage == ASK) {
        ask(j, l);
        return;
    }
    uint64_t windows = (j->total - 1) / WINDOW + 1, want = j->at < j->total ? j->at / WINDOW : windows;
    if (want > j->up.digested) want = j->up.digested; // what is there already is counted first
    if (want == windows) {
        close_blob(j);
        return;
    }
    if (!j->up.holds || j->up.held != want) {
        e = hold(j, want);
        if (e != ERR_OK) {
            fail_as(j, e);
            return;
        }
    }
    if (j->at / WINDOW == want && j->at < j->total) append(j, l);
    if (j->at / WINDOW != want || j->at == j->total) haul_kick(j);
}

const struct ops up_ops = {.step = step, .broken = broken, .close = NULL};
