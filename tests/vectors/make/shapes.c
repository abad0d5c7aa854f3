// SPDX-License-Identifier: Apache-2.0
//
// The shapes of trees: those of the formats' description ("Origins of Test Trees"), the examples of RFC 9420 Appendix A,
// and more of what has gone wrong in implementations: unmerged leaves and blanks of every kind, and the step from 32 to
// 33 leaves and back.
#include "vectors/make/grove.h"

static void add(struct grove *g, uint32_t by, uint32_t n, bool path)
{
    grove_commit(g, &(struct grove_commit){.by = by, .added = n, .path = path});
}

static void take_out(struct grove *g, uint32_t by, const uint32_t *removed, size_t n, size_t added)
{
    grove_commit(g, &(struct grove_commit){.by = by, .removed = removed, .n_removed = n, .added = added, .path = true});
}

static void commit(struct grove *g, uint32_t by) { grove_commit(g, &(struct grove_commit){.by = by, .path = true}); }

static void internal_blanks(struct grove *g, uint32_t n)
{
    grove_grow(g, n);
    take_out(g, 0, (const uint32_t[]){2, 3}, 2, 1);
}

static void skipping_blanks(struct grove *g, uint32_t n)
{
    grove_grow(g, n);
    take_out(g, 0, (const uint32_t[]){1, 2, 3}, 3, 0);
}

static void unmerged(struct grove *g, uint32_t n)
{
    grove_grow(g, n);
    add(g, 0, 1, false);
}

// One commit that adds all, with or without a path: parents blank but for the committer's.
static void flat(struct grove *g, uint32_t n) { add(g, 0, n - 1, false); }
static void flat_path(struct grove *g, uint32_t n) { add(g, 0, n - 1, true); }

// The examples of RFC 9420 Appendix A, with members A, B, … at the leaves 0, 1, …
static void full_tree(struct grove *g, uint32_t n)
{
    flat_path(g, n);
    commit(g, 5);
    take_out(g, 6, (const uint32_t[]){2, 3}, 2, 0);
    commit(g, 1);
}

static void resolution_tree(struct grove *g, uint32_t n)
{
    flat_path(g, n);
    commit(g, 5);
    take_out(g, 3, (const uint32_t[]){1, 2}, 2, 0);
    take_out(g, n - 1, (const uint32_t[]){6}, 1, 0);
    add(g, 0, 1, false);
}

static void evolution_tree(struct grove *g, uint32_t n)
{
    flat_path(g, n);
    commit(g, 1);
    take_out(g, 3, (const uint32_t[]){2}, 1, 0);
    add(g, 1, 1, true);
}

static void parent_hash_tree(struct grove *g, uint32_t n)
{
    flat_path(g, n);
    take_out(g, 0, (const uint32_t[]){5}, 1, 0);
    commit(g, 4);
    add(g, 0, 1, false);
}

// Blanked by an Update, with a path that goes over it.
static void updated(struct grove *g, uint32_t n)
{
    grove_grow(g, n);
    const uint32_t who[] = {1, n - 1};
    grove_commit(g, &(struct grove_commit){.by = n / 2, .updated = who, .n_updated = 2, .path = true});
}

// The tree loses its right half, with unmerged leaves on the left.
static void truncated(struct grove *g, uint32_t n)
{
    grove_grow(g, n);
    take_out(g, 3, (const uint32_t[]){1, 2}, 2, 0);
    add(g, 0, 1, false);
    take_out(g, 0, (const uint32_t[]){n - 1}, 1, 0);
}

// Grows past a power of two by unmerged leaves, which are then merged one after the other.
static void crossing(struct grove *g, uint32_t n)
{
    grove_grow(g, n);
    add(g, n / 2, 2, false);
    add(g, 1, 1, false);
    commit(g, n);
    add(g, n + 1, 1, true);
}

// All of the left half but one leaf is blank.
static void lone(struct grove *g, uint32_t n)
{
    grove_grow(g, n);
    uint32_t removed[GROVE_MAX];
    for (uint32_t i = 1; i < n / 2; i++) removed[i - 1] = i;
    take_out(g, n - 1, removed, n / 2 - 1, 0);
    commit(g, 0);
}

static void lived(struct grove *g, uint32_t n) { grove_live(g, 6 * n, n / 2, n + 1); }

static const struct grove_shape shapes[] = {
    {"2", grove_grow, 2, false},
    {"3", grove_grow, 3, false},
    {"4", grove_grow, 4, false},
    {"5", grove_grow, 5, false},
    {"6", grove_grow, 6, false},
    {"7", grove_grow, 7, false},
    {"8", grove_grow, 8, false},
    {"9", grove_grow, 9, false},
    {"32", grove_grow, 32, false},
    {"33", grove_grow, 33, false},
    {"34", grove_grow, 34, false},
    {"internal blanks", internal_blanks, 8, false},
    {"blanks skipped by parent hashes", skipping_blanks, 8, false},
    {"an unmerged leaf", unmerged, 7, false},
    {"an unmerged leaf of four", unmerged, 3, true},
    {"RFC 9420 figure: full tree", full_tree, 7, false},
    {"RFC 9420 figure: resolution", resolution_tree, 10, false},
    {"RFC 9420 figure: evolution", evolution_tree, 4, false},
    {"RFC 9420 figure: parent hashes", parent_hash_tree, 7, false},
    {"flat", flat, 6, false},
    {"flat with a path", flat_path, 11, false},
    {"updated", updated, 8, false},
    {"truncated", truncated, 9, false},
    {"truncated from 33", truncated, 33, false},
    {"past 4", crossing, 4, false},
    {"past 16", crossing, 15, false},
    {"past 32", crossing, 31, false},
    {"a lone leaf", lone, 16, false},
    {"lived", lived, 5, false},
    {"lived", lived, 12, false},
    {"lived", lived, 20, false},
    {"lived", lived, 35, false},
};

const struct grove_shape *grove_shape_at(size_t i) { return i < sizeof shapes / sizeof *shapes ? &shapes[i] : NULL; }
