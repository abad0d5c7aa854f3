// SPDX-License-Identifier: Apache-2.0
//
// tree/math: relations between the nodes of a full binary tree stored as an array (RFC 9420 Appendix C). Leaf L is
// node 2L; the level of a node is the number of ones at the end of its index. Pure arithmetic: where a node must not be
// a leaf or the root, the caller has made sure of it.
#ifndef WHIMBREL_TREE_MATH_H
#define WHIMBREL_TREE_MATH_H

#include <stdbool.h>
#include <stdint.h>

// Trees are refused above this size: 2^20 leaves, so that a node index always has room in 32 bits.
enum { TREE_MAX_LEAVES = 1 << 20, TREE_MAX_LEVELS = 21 };

static inline uint32_t math_level(uint32_t x) { return (uint32_t)__builtin_ctz(~x); }
static inline uint32_t math_width(uint32_t leaves) { return 2 * leaves - 1; }
// The root of a tree with this many leaves, a power of two.
static inline uint32_t math_root(uint32_t leaves) { return leaves - 1; }
static inline uint32_t math_left(uint32_t x) { return x ^ (1u << (math_level(x) - 1)); }
static inline uint32_t math_right(uint32_t x) { return x ^ (3u << (math_level(x) - 1)); }
static inline uint32_t math_parent(uint32_t x)
{
    uint32_t k = math_level(x);
    return (x | (1u << k)) & ~(1u << (k + 1));
}
static inline uint32_t math_sibling(uint32_t x)
{
    uint32_t p = math_parent(x);
    return x < p ? math_right(p) : math_left(p);
}
// The ancestor of a leaf at a level; level 0 is the leaf's own node.
static inline uint32_t math_ancestor(uint32_t leaf, uint32_t level)
{
    return ((leaf >> level) << (level + 1)) + (1u << level) - 1;
}
// The child of the leaf's ancestor at `level` (>= 1) that is not above the leaf.
static inline uint32_t math_copath(uint32_t leaf, uint32_t level)
{
    return math_sibling(math_ancestor(leaf, level - 1));
}
// The first leaf below a node, and how many there are.
static inline uint32_t math_first_leaf(uint32_t x) { return (x >> (math_level(x) + 1)) << math_level(x); }
static inline uint32_t math_leaf_count(uint32_t x) { return 1u << math_level(x); }
static inline bool math_has_leaf(uint32_t x, uint32_t leaf) { return math_ancestor(leaf, math_level(x)) == x; }
// The level of the lowest common ancestor of two leaves; 0 if they are the same.
static inline uint32_t math_common_level(uint32_t a, uint32_t b)
{
    return a == b ? 0 : 32 - (uint32_t)__builtin_clz(a ^ b);
}
// The smallest power of two that is at least n (n >= 1).
static inline uint32_t math_full(uint32_t n) { return n <= 1 ? 1 : 1u << (32 - __builtin_clz(n - 1)); }
// The level of the root.
static inline uint32_t math_depth(uint32_t leaves) { return (uint32_t)__builtin_ctz(leaves); }

#endif
