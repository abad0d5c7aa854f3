// SPDX-License-Identifier: Apache-2.0
//
// Bytes that are to be sent, as they come: sealed chunk by chunk into a file of the profile, and a row when they are sent. Invariant:
// nothing of them is on the disk in the clear; a draft that has not become a row is in the list, and its file goes with it.
#include "transfer/inner.h"

#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { SPARE = 16 << 20, KEPT_MS = 6 * 3600 * 1000 }; // bytes left to others; how long it waits to be sent

static bool has_room(const struct transfer_draft *d, uint64_t size)
{
    struct statvfs v;
    return fstatvfs(d->fd, &v) != 0 || (uint64_t)v.f_bavail * v.f_frsize >= file_sealed_size(size) + SPARE;
}

enum err transfer_draft_new(struct transfers *t, uint64_t size, struct transfer_draft **out)
{
    if (size > FILE_MAX) return ERR_LIMIT;
    struct transfer_draft *d = mem_new(sizeof *d);
    if (d == NULL) return ERR_MEMORY;
    *d = (struct transfer_draft){.t = t, .next = t->drafts, .fd = -1, .chunk = mem_new(FILE_SEALED)};
    t->drafts = d;
    d->since = net_loop_now(t->h.loop);
    enum err e = d->chunk == NULL ? ERR_MEMORY : row_draw(t, &d->row);
    if (e == ERR_OK) e = row_name(t, d->row.file);
    if (e == ERR_OK) e = row_open(t, d->row.file, &d->fd);
    if (e == ERR_OK && !has_room(d, size)) e = ERR_LIMIT;
    if (e == ERR_OK) e = crypto_digest_new(t->h.crypto, haul_suite(), &d->digest);
    d->row.kind = TRANSFER_UP;
    d->row.ref.size = size;
    if (e == ERR_OK) *out = d;
    else pieces_free(d, true);
    return e;
}

void pieces_free(struct transfer_draft *d, bool with_file)
{
    char path[FILE_PATH];
    if (d == NULL) return;
    struct transfer_draft **at = &d->t->drafts;
    while (*at != d) at = &(*at)->next;
    *at = d->next;
    row_path(d->t, d->row.file, path);
    if (d->fd >= 0) close(d->fd);
    if (d->fd >= 0 && with_file) (void)unlink(path);
    crypto_digest_free(d->digest);
    mem_free_wiped(d->chunk, FILE_SEALED);
    mem_free_wiped(d, sizeof *d);
}

void transfer_draft_free(struct transfer_draft *d) { pieces_free(d, true); }

// The chunk in memory is sealed and written.
static enum err seal(struct transfer_draft *d)
{
    uint64_t at = d->index * FILE_SEALED;
    struct span sealed = span_of(d->chunk, d->n + CRYPTO_TAG);
    enum err e =
        file_seal(d->t->h.crypto, &d->row.ref.key, d->row.ref.size, d->index, span_of(d->chunk, d->n), d->chunk);
    if (e == ERR_OK) e = row_put_bytes(d->fd, sealed, at);
    if (e == ERR_OK) e = crypto_digest_update(d->digest, sealed);
    if (e == ERR_OK && (at + FILE_SEALED) % WINDOW == 0) row_flush(d->fd, at + FILE_SEALED - WINDOW, WINDOW);
    d->index++;
    d->n = 0;
    return e;
}

enum err transfer_draft_add(struct transfer_draft *d, struct span bytes)
{
    uint64_t got = d->index * FILE_CHUNK + d->n;
    enum err e = bytes.n > d->row.ref.size - got ? ERR_INVALID : ERR_OK;
    while (e == ERR_OK && bytes.n > 0) {
        size_t room = FILE_CHUNK - d->n, n = bytes.n < room ? bytes.n : room;
        memcpy(d->chunk + d->n, bytes.p, n);
        d->n += n;
        bytes = span_of(bytes.p + n, bytes.n - n);
        if (d->n == FILE_CHUNK) e = seal(d);
    }
    return e;
}

enum err pieces_close(struct transfer_draft *d)
{
    if (d->index * FILE_CHUNK + d->n != d->row.ref.size) return ERR_INVALID;
    enum err e = d->n > 0 || d->row.ref.size == 0 ? seal(d) : ERR_OK;
    if (e == ERR_OK) e = crypto_digest_end(d->digest, d->row.ref.digest);
    return e == ERR_OK ? row_sync(d->t, d->fd) : e;
}

enum err transfer_draft_end(struct transfer_draft *d, int64_t *draft)
{
    enum err e = pieces_close(d);
    if (e != ERR_OK) return e;
    mem_free_wiped(d->chunk, FILE_SEALED);
    d->chunk = NULL;
    *draft = d->number = ++d->t->drafted;
    return ERR_OK;
}

static struct transfer_draft *find(struct transfers *t, int64_t number)
{
    struct transfer_draft *d = t->drafts;
    while (d != NULL && (d->number != number || number == 0 || d->sent)) d = d->next;
    return d;
}

enum err transfer_draft_drop(struct transfers *t, int64_t draft)
{
    struct transfer_draft *d = find(t, draft);
    pieces_free(d, true);
    return d == NULL ? ERR_NOT_FOUND : ERR_OK;
}

enum err pieces_send(struct transfer_draft *d, const struct transfer_to *to, int64_t *id)
{
    if (!row_relays(&d->row, to->relay, to->other)) return ERR_LIMIT;
    d->row.use = to->use;
    d->row.owner = to->owner;
    return row_add(d->t, &d->row, id);
}

enum err transfer_send_draft(struct transfers *t, int64_t draft, const struct transfer_to *to, int64_t *id,
                             uint64_t *size)
{
    struct transfer_draft *d = find(t, draft);
    if (d == NULL) return ERR_NOT_FOUND;
    enum err e = pieces_send(d, to, id);
    d->sent = e == ERR_OK;
    *size = d->row.ref.size;
    return e;
}

void pieces_settle(struct transfers *t)
{
    uint64_t now = net_loop_now(t->h.loop);
    t->h.db->err = ERR_OK;
    for (struct transfer_draft *d = t->drafts, *next; d != NULL; d = next) {
        next = d->next;
        if (d->sent && row_known(t, d->row.file)) pieces_free(d, false);
        else if (d->number != 0 && now - d->since > KEPT_MS) pieces_free(d, true);
        else d->sent = false;
    }
}

bool pieces_has(const struct transfers *t, const char *file)
{
    const struct transfer_draft *d = t->drafts;
    while (d != NULL && strcmp(d->row.file, file) != 0) d = d->next;
    return d != NULL;
}
