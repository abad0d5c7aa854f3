// SPDX-License-Identifier: Apache-2.0
//
// Reading what has come, in the clear and from any place. Invariant: no byte is given out that is not of a chunk which opened, in
// its place, under the file's own key.
#include "transfer/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct transfer_reader {
    struct transfers *t;
    struct row row; /* secret */
    int fd;
    uint8_t *chunk; /* secret */
    uint64_t index; // which one it is
    size_t n;       // bytes of it; 0: none has been opened
};

enum err transfer_reader_new(struct transfers *t, int64_t id, struct transfer_reader **out)
{
    char path[FILE_PATH];
    struct transfer_reader *r = mem_new(sizeof *r);
    if (r == NULL) return ERR_MEMORY;
    *r = (struct transfer_reader){.t = t, .fd = -1, .chunk = mem_new(FILE_SEALED)};
    t->h.db->err = ERR_OK;
    enum err e = r->chunk == NULL ? ERR_MEMORY : row_read(t, id, &r->row) ? ERR_OK : t->h.db->err;
    if (e == ERR_OK && r->row.id == 0) e = ERR_NOT_FOUND;
    if (e == ERR_OK && !row_here(&r->row)) e = ERR_REFUSED;
    if (e == ERR_OK) {
        row_path(t, r->row.file, path);
        r->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (r->fd < 0) e = errno == ENOENT ? ERR_CORRUPT : ERR_IO;
    }
    if (e == ERR_OK) *out = r;
    else transfer_reader_free(r);
    return e;
}

void transfer_reader_free(struct transfer_reader *r)
{
    if (r == NULL) return;
    if (r->fd >= 0) close(r->fd);
    mem_free_wiped(r->chunk, FILE_SEALED);
    mem_free_wiped(r, sizeof *r);
}

uint64_t transfer_reader_size(const struct transfer_reader *r) { return r->row.ref.size; }
const struct row *reader_row(const struct transfer_reader *r) { return &r->row; }

int reader_take_fd(struct transfer_reader *r)
{
    int fd = r->fd;
    r->fd = -1;
    return fd;
}

enum err read_chunk(struct transfers *t, const struct row *r, int fd, uint64_t at, uint8_t *sealed, uint8_t *out,
                    size_t *n)
{
    uint64_t left = file_sealed_size(r->ref.size) - at;
    size_t size = left < FILE_SEALED ? (size_t)left : FILE_SEALED;
    enum err e = row_bytes(fd, sealed, size, at);
    if (e == ERR_OK) e = file_open(t->h.crypto, &r->ref.key, r->ref.size, at / FILE_SEALED, span_of(sealed, size), out);
    *n = size - CRYPTO_TAG;
    return e == ERR_NOT_FOUND || e == ERR_UNAUTHENTICATED ? ERR_CORRUPT : e;
}

enum err transfer_reader_read(struct transfer_reader *r, uint64_t at, struct buf *out)
{
    uint64_t index = at / FILE_CHUNK;
    if (at >= r->row.ref.size) return ERR_OK;
    if (r->n == 0 || r->index != index) {
        r->n = 0;
        size_t n = 0;
        enum err e = read_chunk(r->t, &r->row, r->fd, index * FILE_SEALED, r->chunk, r->chunk, &n);
        if (e != ERR_OK) return e;
        r->index = index;
        r->n = n;
    }
    size_t from = (size_t)(at % FILE_CHUNK), n = r->n - from, room = out->max - out->n;
    buf_put(out, span_of(r->chunk + from, n < room ? n : room));
    return buf_end(out);
}

enum err transfer_bytes(struct transfers *t, int64_t id, struct buf *out)
{
    struct transfer_reader *r = NULL;
    enum err e = transfer_reader_new(t, id, &r);
    if (e != ERR_OK) return e;
    uint64_t size = transfer_reader_size(r);
    size_t before = out->n;
    if (size > out->max - out->n) e = ERR_LIMIT;
    if (e == ERR_OK) buf_reserve(out, (size_t)size);
    while (e == ERR_OK && out->n - before < size) e = transfer_reader_read(r, out->n - before, out);
    transfer_reader_free(r);
    return e;
}
