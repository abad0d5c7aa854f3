// SPDX-License-Identifier: Apache-2.0
//
// Four SHAKE sponges in step. AVX2 has no 64-bit rotation, yet four lanes to a register make four permutations cost
// less than two scalar ones. The portable way calls the scalar permutation four times.
#include "crypto/keccak_x4.h"

#include "crypto/lanes.h"
#include "crypto/wide.h"

static void permute_portable(uint64_t lane[25][4])
{
    uint64_t a[25];
    for (size_t j = 0; j < 4; j++) {
        for (size_t i = 0; i < 25; i++) a[i] = lane[i][j];
        keccak_permute(a, 24, false);
        for (size_t i = 0; i < 25; i++) lane[i][j] = a[i];
    }
    mem_wipe(a, sizeof a);
}

#if defined(__x86_64__)
typedef uint64_t v4 __attribute__((vector_size(32)));

#define KECCAK_LANE v4
#define KECCAK_BODY WIDE WIDE_BODY
#include "crypto/keccak_round.h"

WIDE static void permute_wide(uint64_t lane[25][4])
{
    v4 a[25];
    memcpy(a, lane, sizeof a);
    keccak_rounds(a, 24);
    memcpy(lane, a, sizeof a);
}
#else
#define permute_wide permute_portable
#endif

void keccak_x4_start(struct keccak_x4 *k, uint8_t rate, const uint8_t *in, size_t n, bool wide)
{
    memset(k, 0, sizeof *k);
    k->rate = rate;
    k->wide = wide;
    for (size_t j = 0; j < 4; j++, in += n) {
        size_t i = 0;
        for (; i + 8 <= n; i += 8) k->lane[i / 8][j] = lane_load(in + i);
        for (; i < n; i++) k->lane[i / 8][j] ^= (uint64_t)in[i] << (i % 8 * 8);
        k->lane[n / 8][j] ^= (uint64_t)0x1f << (n % 8 * 8); // FIPS 202 §6.2 and §5.1, as in keccak.c
        k->lane[rate / 8 - 1][j] ^= (uint64_t)0x80 << 56;
    }
}

void keccak_x4_block(struct keccak_x4 *k, uint8_t *out, size_t stride)
{
    if (k->wide) permute_wide(k->lane);
    else permute_portable(k->lane);
    for (size_t j = 0; j < 4; j++)
        for (size_t i = 0; i < k->rate / 8U; i++) lane_store(out + j * stride + 8 * i, k->lane[i][j]);
}
