// SPDX-License-Identifier: Apache-2.0
//
// base/map: a hash table from 64-bit keys to values of one fixed size, kept inside the table. Values may be secrets:
// deleting, growing and freeing wipe them. Keys are small integers. Where somebody outside can choose many of them, the
// map is seeded, so that nobody can aim at collisions.
#ifndef WHIMBREL_BASE_MAP_H
#define WHIMBREL_BASE_MAP_H

#include "base/base.h"

struct map {
    uint8_t *slot; // cap slots of `stride` bytes: key + 1 (8 bytes, 0 where empty), then the value
    size_t stride, cap, n;
    uint64_t seed[2];
};

// An empty map for values of `size` bytes, aligned to 8. Nothing is allocated before the first map_put.
void map_init(struct map *m, size_t size);
// The same for keys from outside: where they lie depends on the seed, which is secret and random.
void map_init_seeded(struct map *m, size_t size, const uint64_t seed[2]);
void map_wipe(struct map *m);
// The value under this key, valid until the map changes; NULL if there is none.
void *map_get(const struct map *m, uint64_t key);
// The value under this key, new ones zeroed; NULL without memory. key < UINT64_MAX.
[[nodiscard]] void *map_put(struct map *m, uint64_t key);
void map_delete(struct map *m, uint64_t key);
// Room for n more entries, so that as many map_put cannot fail.
enum err map_reserve(struct map *m, size_t n);
// Iteration in no particular order: start with *at = 0; NULL at the end. The map must not change meanwhile.
void *map_next(const struct map *m, size_t *at, uint64_t *key);

#endif
