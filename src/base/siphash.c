// SPDX-License-Identifier: Apache-2.0
//
// SipHash-2-4, as its paper gives it. Reads bytes one by one where words could be read, so that it runs the same on
// every machine; what it hashes here is short.
#include "base/siphash.h"

static uint64_t rotl(uint64_t x, int n) { return x << n | x >> (64 - n); }

static void sip_round(uint64_t v[4])
{
    v[0] += v[1], v[2] += v[3];
    v[1] = rotl(v[1], 13) ^ v[0], v[3] = rotl(v[3], 16) ^ v[2];
    v[0] = rotl(v[0], 32);
    v[2] += v[1], v[0] += v[3];
    v[1] = rotl(v[1], 17) ^ v[2], v[3] = rotl(v[3], 21) ^ v[0];
    v[2] = rotl(v[2], 32);
}

static uint64_t little_endian(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) v |= (uint64_t)p[i] << (8 * i);
    return v;
}

uint64_t siphash(const uint64_t key[2], struct span s)
{
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575ULL, key[1] ^ 0x646f72616e646f6dULL, key[0] ^ 0x6c7967656e657261ULL,
                     key[1] ^ 0x7465646279746573ULL};
    static const uint8_t none[1];
    const uint8_t *p = s.n > 0 ? s.p : none;
    size_t whole = s.n / 8 * 8;
    for (size_t i = 0; i <= whole; i += 8) {
        uint64_t m = i < whole ? little_endian(p + i, 8) : little_endian(p + i, s.n - whole) | (uint64_t)s.n << 56;
        v[3] ^= m;
        sip_round(v), sip_round(v);
        v[0] ^= m;
    }
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++) sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
