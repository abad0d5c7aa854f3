// SPDX-License-Identifier: Apache-2.0
//
// A hash table with linear probing and deletion by shifting back, so that there are no tombstones. Invariant: at most
// three quarters full, and an empty slot is all zeros.
#include "base/map.h"

static uint64_t *key_of(const struct map *m, size_t i) { return (uint64_t *)(void *)(m->slot + i * m->stride); }
static void *value_of(const struct map *m, size_t i) { return m->slot + i * m->stride + sizeof(uint64_t); }

// Fibonacci hashing, which spreads runs of neighbouring keys, twice; in a seeded map the first factor is not known, and
// so neither is which keys meet.
#define FACTOR 0x9e3779b97f4a7c15ULL

static size_t home(const struct map *m, uint64_t key)
{
    uint64_t h = (key ^ m->seed[0]) * (m->seed[1] | 1);
    h ^= h >> 32;
    h *= FACTOR;
    h ^= h >> 32;
    return (size_t)h & (m->cap - 1);
}

void map_init(struct map *m, size_t size) { map_init_seeded(m, size, (const uint64_t[2]){0, FACTOR}); }

void map_init_seeded(struct map *m, size_t size, const uint64_t seed[2])
{
    *m = (struct map){.stride = sizeof(uint64_t) + (size + 7) / 8 * 8, .seed = {seed[0], seed[1]}};
}

void map_wipe(struct map *m)
{
    mem_free_wiped(m->slot, m->cap * m->stride);
    m->slot = NULL;
    m->cap = m->n = 0;
}

// The slot that holds the key, or the empty one where it belongs.
static size_t find(const struct map *m, uint64_t key)
{
    size_t i = home(m, key);
    while (*key_of(m, i) != 0 && *key_of(m, i) != key + 1) i = (i + 1) & (m->cap - 1);
    return i;
}

void *map_get(const struct map *m, uint64_t key)
{
    if (m->n == 0) return NULL;
    size_t i = find(m, key);
    return *key_of(m, i) != 0 ? value_of(m, i) : NULL;
}

enum err map_reserve(struct map *m, size_t n)
{
    size_t cap = m->cap ? m->cap : 8;
    while ((m->n + n) * 4 > cap * 3) {
        if (cap > SIZE_MAX / 2 / m->stride) return ERR_MEMORY;
        cap *= 2;
    }
    if (cap == m->cap) return ERR_OK;
    struct map bigger = *m;
    bigger.slot = mem_new_array(cap, m->stride);
    bigger.cap = cap;
    if (bigger.slot == NULL) return ERR_MEMORY;
    for (size_t i = 0; i < m->cap; i++) {
        uint64_t key = *key_of(m, i);
        if (key != 0) memcpy(key_of(&bigger, find(&bigger, key - 1)), key_of(m, i), m->stride);
    }
    mem_free_wiped(m->slot, m->cap * m->stride);
    *m = bigger;
    return ERR_OK;
}

void *map_put(struct map *m, uint64_t key)
{
    void *found = map_get(m, key);
    if (found != NULL) return found;
    if (map_reserve(m, 1) != ERR_OK) return NULL;
    size_t i = find(m, key);
    *key_of(m, i) = key + 1;
    m->n++;
    return value_of(m, i);
}

void map_delete(struct map *m, uint64_t key)
{
    if (m->n == 0) return;
    size_t hole = find(m, key);
    if (*key_of(m, hole) == 0) return;
    for (size_t i = (hole + 1) & (m->cap - 1); *key_of(m, i) != 0; i = (i + 1) & (m->cap - 1)) {
        size_t want = home(m, *key_of(m, i) - 1);
        // An entry may move back into the hole unless its home lies behind the hole, up to where it stands.
        if (((i - want) & (m->cap - 1)) < ((i - hole) & (m->cap - 1))) continue;
        memcpy(key_of(m, hole), key_of(m, i), m->stride);
        hole = i;
    }
    mem_wipe(key_of(m, hole), m->stride);
    m->n--;
}

void *map_next(const struct map *m, size_t *at, uint64_t *key)
{
    for (; *at < m->cap; (*at)++) {
        if (*key_of(m, *at) == 0) continue;
        *key = *key_of(m, *at) - 1;
        return value_of(m, (*at)++);
    }
    return NULL;
}
