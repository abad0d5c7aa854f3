// SPDX-License-Identifier: Apache-2.0
//
// crypto/keccak_x4: four SHAKE sponges that run in step, for ML-KEM, which expands many short seeds to equal lengths.
// With `wide` (see crypto/wide.h) they share the vector registers, else they take turns; the bytes are the same.
// Constant time like crypto/keccak. Private to the crypto room.
#ifndef WHIMBREL_CRYPTO_KECCAK_X4_H
#define WHIMBREL_CRYPTO_KECCAK_X4_H

#include "base/base.h"

enum { KECCAK_RATE_128 = 168, KECCAK_RATE_256 = 136 };

// Wipe it with mem_wipe when it held a secret.
struct keccak_x4 {
    _Alignas(32) uint64_t lane[25][4]; // lane i of sponge j stands at [i][j]
    uint8_t rate;                      // bytes, as in struct keccak
    bool wide;
};

// Starts four SHAKEs. Input j is the n bytes, fewer than the rate, at in + j n.
void keccak_x4_start(struct keccak_x4 *k, uint8_t rate, const uint8_t *in, size_t n, bool wide);
// Squeezes one block of each: `rate` bytes to out + j stride.
void keccak_x4_block(struct keccak_x4 *k, uint8_t *out, size_t stride);

// One sponge's permutation with the choice that struct keccak makes by itself.
void keccak_permute(uint64_t lane[25], unsigned rounds, bool wide);

#endif
