// SPDX-License-Identifier: Apache-2.0
//
// Buffers that grow up to a declared maximum, with a sticky error. Invariant: n <= cap <= max, and every byte that was
// ever in use is wiped before its memory goes back to the heap.
#include "base/base.h"

void buf_init(struct buf *b, size_t max) { *b = (struct buf){.max = max}; }

void buf_wipe(struct buf *b)
{
    mem_free_wiped(b->p, b->cap);
    buf_init(b, b->max);
}

static void buf_move(struct buf *b, size_t need, bool exact)
{
    // What comes first may be all that comes; after that, doubling keeps the moves few.
    size_t cap = exact || b->p == NULL ? need : b->cap;
    if (cap < 64) cap = 64;
    while (cap < need) cap = cap > b->max / 2 ? b->max : cap * 2;
    if (cap > b->max) cap = b->max;
    uint8_t *p = mem_new(cap);
    if (p == NULL) {
        b->err = ERR_MEMORY;
        return;
    }
    if (b->p != NULL) memcpy(p, b->p, b->n);
    mem_free_wiped(b->p, b->cap);
    b->p = p;
    b->cap = cap;
}

static void make_room(struct buf *b, size_t n, bool exact)
{
    if (b->err == ERR_OK && n > b->max - b->n) b->err = ERR_LIMIT;
    if (b->err == ERR_OK && (b->p == NULL || n > b->cap - b->n)) buf_move(b, b->n + n, exact);
}

void buf_reserve(struct buf *b, size_t n) { make_room(b, n, true); }

uint8_t *buf_grow(struct buf *b, size_t n)
{
    make_room(b, n, false);
    if (b->err != ERR_OK) return NULL;
    uint8_t *at = b->p + b->n;
    b->n += n;
    return at;
}

void buf_put(struct buf *b, struct span s)
{
    uint8_t *at = buf_grow(b, s.n);
    if (at != NULL && s.n > 0) memcpy(at, s.p, s.n);
}

void buf_put_u8(struct buf *b, uint8_t v)
{
    uint8_t *at = buf_grow(b, 1);
    if (at != NULL) *at = v;
}

enum err buf_end(const struct buf *b) { return b->err; }

enum err buf_take(struct buf *b, uint8_t **out, size_t *n)
{
    if (b->err != ERR_OK) return b->err;
    *out = b->p;
    *n = b->n;
    b->p = NULL;
    b->n = b->cap = 0;
    return ERR_OK;
}
