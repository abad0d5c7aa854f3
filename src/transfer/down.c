// SPDX-License-Identifier: Apache-2.0
//
// Fetching: a blob is read by ranges, several at a time; each chunk is opened to see that it is the right one and is
// then written to the profile as it came, and all of them come to the digest that the message told. Invariant: the file
// on the disk holds nothing but right chunks, in their places, up to `done`; what a crash has left otherwise is cut off
// when it goes on.
#include "transfer/inner.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum stage { LOOK, CHECK, FETCH }; // LOOK: whether it is there; CHECK: what is on the disk
enum { SPARE = 16 << 20 };         // bytes of the disk that are left to others

static const char altered[] =
    "what the relay has is not the file that was sent: it is damaged, or somebody has changed it. Ask for "
    "the file again";

static size_t chunk_size(const struct haul *j, uint64_t index)
{
    uint64_t left = j->total - index * FILE_SEALED;
    return left < FILE_SEALED ? (size_t)left : FILE_SEALED;
}

static void broken(struct haul *j)
{
    j->down.asked = false;
    if (j->down.stage == FETCH) j->down.stage = LOOK;
    memset(j->down.busy, 0, sizeof j->down.busy);
    memset(j->down.got, 0, sizeof j->down.got);
    j->at = j->done;
}

// ------------------------------------------------------------------------------------------------------ what is there

static bool is_right(struct haul *j, uint64_t index, const uint8_t *sealed)
{
    return file_open(j->t->h.crypto, &j->row.ref.key, j->row.ref.size, index, span_of(sealed, chunk_size(j, index)),
                     j->window + WINDOW) == ERR_OK;
}

static enum err open_file(struct haul *j)
{
    struct statvfs v;
    enum err e = row_open(j->t, j->row.file, &j->fd);
    if (e != ERR_OK) return e;
    off_t end = lseek(j->fd, 0, SEEK_END);
    uint64_t there = end > 0 ? (uint64_t)end : 0, need = there < j->total ? j->total - there : 0;
    if (fstatvfs(j->fd, &v) == 0 && (uint64_t)v.f_bavail * v.f_frsize < need + SPARE) return ERR_LIMIT;
    return crypto_digest_new(j->t->h.crypto, haul_suite(), &j->digest);
}

// A window of what is on the disk: true if there may be more.
static bool check_some(struct haul *j)
{
    for (size_t k = 0; k < WINDOW_CHUNKS && j->done < j->total; k++) {
        uint64_t index = j->done / FILE_SEALED;
        size_t n = chunk_size(j, index);
        if (row_bytes(j->fd, j->window, n, j->done) != ERR_OK || !is_right(j, index, j->window)) return false;
        if (crypto_digest_update(j->digest, span_of(j->window, n)) != ERR_OK) return false;
        j->done += n;
    }
    return j->done < j->total;
}

static void check(struct haul *j)
{
    if (check_some(j)) return;
    if (ftruncate(j->fd, (off_t)j->done) != 0) {
        haul_fail_as(j, ERR_IO);
        return;
    }
    j->at = j->done;
    j->down.stage = LOOK;
    haul_progress(j, j->done);
}

static void on_stat(void *arg, const struct wire_reply *r)
{
    struct flight f;
    struct haul *j = haul_home(arg, r, &f);
    if (j == NULL) return;
    j->down.asked = false;
    if (r->type == WIRE_R_BLOB) {
        j->row.ref.expires = r->expires;
        if (!r->sealed || r->size != j->total) haul_fail(j, altered);
        else j->down.stage = FETCH;
    } else if (r->type == WIRE_R_ERROR && r->code == WIRE_E_NOT_FOUND) {
        haul_fail(j, "the file is not on the relay any more: it has expired, or was taken back. Ask for it again");
    } else {
        haul_refused(j, r);
    }
    haul_kick(j);
}

// ------------------------------------------------------------------------------------------------------------ fetching

// All chunks are there: it is the file, or it goes.
static void end(struct haul *j)
{
    uint8_t digest[FILE_DIGEST];
    enum err e = crypto_digest_end(j->digest, digest);
    if (e == ERR_OK && memcmp(digest, j->row.ref.digest, FILE_DIGEST) != 0) {
        (void)!ftruncate(j->fd, 0);
        haul_fail(j, altered);
        return;
    }
    if (e == ERR_OK) e = row_sync(j->t, j->fd);
    if (e == ERR_OK) haul_done(j);
    else haul_fail_as(j, e);
}

// The chunks in front that are whole.
static enum err take_chunks(struct haul *j)
{
    while (j->done < j->total) {
        uint64_t index = j->done / FILE_SEALED;
        size_t place = index % WINDOW_CHUNKS, n = chunk_size(j, index);
        const uint8_t *sealed = j->window + place * FILE_SEALED;
        if (j->down.got[place] < n) return ERR_OK;
        if (!is_right(j, index, sealed)) return ERR_UNAUTHENTICATED;
        enum err e = row_put_bytes(j->fd, span_of(sealed, n), j->done);
        if (e == ERR_OK) e = crypto_digest_update(j->digest, span_of(sealed, n));
        if (e != ERR_OK) return e;
        j->down.got[place] = 0;
        j->done += n;
        if (j->done % WINDOW == 0) row_flush(j->fd, j->done - WINDOW, WINDOW);
    }
    return ERR_OK;
}

static void on_read(void *arg, const struct wire_reply *r)
{
    struct flight f;
    struct haul *j = haul_home(arg, r, &f);
    if (j == NULL) return;
    size_t place = f.at / FILE_SEALED % WINDOW_CHUNKS;
    j->down.busy[place] = false;
    if (r->type == WIRE_R_CHUNK && r->data.n > 0 && r->data.n <= f.n) {
        memcpy(j->window + place * FILE_SEALED + f.at % FILE_SEALED, r->data.p, r->data.n);
        j->down.got[place] += (uint32_t)r->data.n;
        uint64_t before = j->done;
        enum err e = take_chunks(j);
        if (e == ERR_UNAUTHENTICATED) haul_fail(j, altered);
        else if (e != ERR_OK) haul_fail_as(j, e);
        else if (j->done > before) haul_progress(j, j->done);
    } else if (r->type == WIRE_R_CHUNK) { // it ends here, or gives more than it was asked for
        haul_fail(j, altered);
    } else if (r->type == WIRE_R_ERROR && (r->code == WIRE_E_NOT_FOUND || r->code == WIRE_E_SEALED)) {
        j->down.stage = LOOK;
    } else {
        haul_refused(j, r);
    }
    haul_kick(j);
}

static void ask(struct haul *j)
{
    const struct wire_request r = {.type = WIRE_BLOB_STAT, .blob = j->row.ref.blob};
    if (!j->down.asked && j->flights == 0) j->down.asked = haul_ask(j, &r, NULL, on_stat);
}

// The rest of each chunk that fits into the window and is not on its way, the front first.
static void fetch(struct haul *j, const struct link *l)
{
    uint64_t first = j->done / FILE_SEALED, chunks = file_chunks(j->row.ref.size);
    uint32_t most = link_limits(l)->chunk;
    bool sent = most > 0;
    for (uint64_t i = first; sent && i < chunks && i < first + WINDOW_CHUNKS; i++) {
        size_t place = i % WINDOW_CHUNKS, n = chunk_size(j, i), got = j->down.got[place];
        if (j->down.busy[place] || got >= n) continue;
        const struct flight f = {.at = i * FILE_SEALED + got, .n = n - got < most ? (uint32_t)(n - got) : most};
        const struct wire_request r = {.type = WIRE_BLOB_READ, .blob = j->row.ref.blob, .offset = f.at, .limit = f.n};
        sent = haul_ask(j, &r, &f, on_read);
        j->down.busy[place] = sent;
    }
}

static void step(struct haul *j)
{
    const struct link *l = haul_link(j);
    if (l == NULL) return;
    enum err e = ERR_OK;
    if (j->fd < 0) {
        e = open_file(j);
        j->down.stage = CHECK;
    }
    if (e != ERR_OK) {
        haul_fail_as(j, e);
        return;
    }
    if (j->down.stage == CHECK) {
        check(j);
        haul_kick(j);
    } else if (j->done == j->total) {
        end(j);
    } else if (j->down.stage == LOOK) {
        ask(j);
    } else {
        fetch(j, l);
    }
}

const struct ops down_ops = {.step = step, .broken = broken, .close = NULL};
