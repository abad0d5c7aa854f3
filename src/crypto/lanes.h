// SPDX-License-Identifier: Apache-2.0
//
// crypto/lanes: 64-bit little-endian words in byte strings of any alignment. Compilers make one move of each.
#ifndef WHIMBREL_CRYPTO_LANES_H
#define WHIMBREL_CRYPTO_LANES_H

#include <stdint.h>

static inline uint64_t lane_load(const uint8_t p[8])
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

static inline void lane_store(uint8_t p[8], uint64_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
    p[4] = (uint8_t)(v >> 32);
    p[5] = (uint8_t)(v >> 40);
    p[6] = (uint8_t)(v >> 48);
    p[7] = (uint8_t)(v >> 56);
}

#endif
