// SPDX-License-Identifier: Apache-2.0
//
// A hash table of node numbers with linear probing and SipHash. Invariant: at least a quarter of the slots is empty, so
// that every probe ends.
#include "tree/index.h"

#include "base/siphash.h"

enum { EMPTY = 0 };
#define DELETED UINT32_MAX

void index_init(struct index *x, const uint64_t seed[2])
{
    *x = (struct index){.seed = {seed[0], seed[1]}};
}

void index_free(struct index *x)
{
    mem_free(x->slot);
    x->slot = NULL;
    x->cap = x->n = x->dirty = 0;
}

static size_t home(const struct index *x, struct span key)
{
    return (size_t)siphash(x->seed, key) & (x->cap - 1);
}

enum err index_reserve(struct index *x, size_t n, index_key_of *key_of, const void *tree)
{
    if ((x->dirty + n) * 4 <= x->cap * 3) return ERR_OK;
    size_t cap = 16;
    while ((x->n + n) * 4 > cap * 2) cap *= 2;
    struct index bigger = *x;
    bigger.slot = mem_new_array(cap, sizeof *bigger.slot);
    if (bigger.slot == NULL) return ERR_MEMORY;
    bigger.cap = cap;
    bigger.n = bigger.dirty = 0;
    for (size_t i = 0; i < x->cap; i++) {
        uint32_t v = x->slot[i];
        if (v == EMPTY || v == DELETED) continue;
        enum index_kind kind = (v - 1) & 1 ? INDEX_SIGNATURE : INDEX_ENCRYPTION;
        struct span key = key_of(tree, (v - 1) / 2, kind);
        if (key.n > 0) index_put(&bigger, key, (v - 1) / 2, kind);
    }
    mem_free(x->slot);
    *x = bigger;
    return ERR_OK;
}

void index_put(struct index *x, struct span key, uint32_t node, enum index_kind kind)
{
    size_t i = home(x, key);
    while (x->slot[i] != EMPTY && x->slot[i] != DELETED) i = (i + 1) & (x->cap - 1);
    if (x->slot[i] == EMPTY) x->dirty++;
    x->slot[i] = 1 + 2 * node + (uint32_t)kind;
    x->n++;
}

void index_delete(struct index *x, struct span key, uint32_t node, enum index_kind kind)
{
    if (x->cap == 0) return;
    for (size_t i = home(x, key); x->slot[i] != EMPTY; i = (i + 1) & (x->cap - 1)) {
        if (x->slot[i] != 1 + 2 * node + (uint32_t)kind) continue;
        x->slot[i] = DELETED;
        x->n--;
        return;
    }
}

bool index_find(const struct index *x, struct span key, enum index_kind kind, uint32_t except, index_key_of *key_of,
                const void *tree, uint32_t *node)
{
    if (x->cap == 0 || key.n == 0) return false;
    for (size_t i = home(x, key); x->slot[i] != EMPTY; i = (i + 1) & (x->cap - 1)) {
        uint32_t v = x->slot[i];
        if (v == DELETED || ((v - 1) & 1) != (uint32_t)kind || (v - 1) / 2 == except) continue;
        if (!span_eq(key_of(tree, (v - 1) / 2, kind), key)) continue;
        *node = (v - 1) / 2;
        return true;
    }
    return false;
}
