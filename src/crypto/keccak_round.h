// SPDX-License-Identifier: Apache-2.0
//
// crypto/keccak_round: Keccak-f[1600] (FIPS 202 §3), written once for a lane of any type that has ^ ~ & << and >>:
// uint64_t in keccak.c, a vector of four uint64_t in keccak_x4.c. Include with KECCAK_LANE, the type, and KECCAK_BODY,
// what stands before each function; then call keccak_rounds. Only shifts by constants and logic, so constant time.
// Lane (x, y) of the standard is a[5 y + x].
#ifndef WHIMBREL_CRYPTO_KECCAK_ROUND_H
#define WHIMBREL_CRYPTO_KECCAK_ROUND_H

#include <stdint.h>

// §3.2.5, the 24 round constants of iota.
static const uint64_t keccak_iota[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};

#define ROL(v, n) ((v) << (n) | (v) >> (64 - (n)))

// chi (§3.2.4) on one plane.
KECCAK_BODY void keccak_chi(KECCAK_LANE e[5], KECCAK_LANE b0, KECCAK_LANE b1, KECCAK_LANE b2, KECCAK_LANE b3,
                            KECCAK_LANE b4)
{
    e[0] = b0 ^ (~b1 & b2);
    e[1] = b1 ^ (~b2 & b3);
    e[2] = b2 ^ (~b3 & b4);
    e[3] = b3 ^ (~b4 & b0);
    e[4] = b4 ^ (~b0 & b1);
}

// One round from a to e. Theta (§3.2.1) gives d, which is added as rho (§3.2.2, the rotations) and pi (§3.2.3, which
// lane goes where) fetch the lanes of each plane for chi.
KECCAK_BODY void keccak_round(KECCAK_LANE e[25], const KECCAK_LANE a[25], uint64_t iota)
{
    KECCAK_LANE c0 = a[0] ^ a[5] ^ a[10] ^ a[15] ^ a[20];
    KECCAK_LANE c1 = a[1] ^ a[6] ^ a[11] ^ a[16] ^ a[21];
    KECCAK_LANE c2 = a[2] ^ a[7] ^ a[12] ^ a[17] ^ a[22];
    KECCAK_LANE c3 = a[3] ^ a[8] ^ a[13] ^ a[18] ^ a[23];
    KECCAK_LANE c4 = a[4] ^ a[9] ^ a[14] ^ a[19] ^ a[24];
    KECCAK_LANE d0 = c4 ^ ROL(c1, 1);
    KECCAK_LANE d1 = c0 ^ ROL(c2, 1);
    KECCAK_LANE d2 = c1 ^ ROL(c3, 1);
    KECCAK_LANE d3 = c2 ^ ROL(c4, 1);
    KECCAK_LANE d4 = c3 ^ ROL(c0, 1);

    keccak_chi(e, a[0] ^ d0, ROL(a[6] ^ d1, 44), ROL(a[12] ^ d2, 43), ROL(a[18] ^ d3, 21), ROL(a[24] ^ d4, 14));
    e[0] ^= iota;
    keccak_chi(e + 5, ROL(a[3] ^ d3, 28), ROL(a[9] ^ d4, 20), ROL(a[10] ^ d0, 3), ROL(a[16] ^ d1, 45),
               ROL(a[22] ^ d2, 61));
    keccak_chi(e + 10, ROL(a[1] ^ d1, 1), ROL(a[7] ^ d2, 6), ROL(a[13] ^ d3, 25), ROL(a[19] ^ d4, 8),
               ROL(a[20] ^ d0, 18));
    keccak_chi(e + 15, ROL(a[4] ^ d4, 27), ROL(a[5] ^ d0, 36), ROL(a[11] ^ d1, 10), ROL(a[17] ^ d2, 15),
               ROL(a[23] ^ d3, 56));
    keccak_chi(e + 20, ROL(a[2] ^ d2, 62), ROL(a[8] ^ d3, 55), ROL(a[14] ^ d4, 39), ROL(a[15] ^ d0, 41),
               ROL(a[21] ^ d1, 2));
}

// The last `rounds` rounds (an even number) of Keccak-f[1600], as Keccak-p (§3.3) and TurboSHAKE count them.
KECCAK_BODY void keccak_rounds(KECCAK_LANE a[25], unsigned rounds)
{
    KECCAK_LANE e[25];
    for (unsigned r = 24 - rounds; r < 24; r += 2) {
        keccak_round(e, a, keccak_iota[r]);
        keccak_round(a, e, keccak_iota[r + 1]);
    }
}

#endif
