// SPDX-License-Identifier: Apache-2.0
//
// One Keccak sponge (FIPS 202 §4): SHA3, SHAKE and TurboSHAKE (RFC 9861). Four at once are in keccak_x4.c. A sponge
// absorbs any pieces, is finished once, then squeezes any pieces; lengths are public, contents may be secret.
#include "crypto/keccak.h"

#include "crypto/keccak_x4.h"
#include "crypto/lanes.h"
#include "crypto/wide.h"

#define KECCAK_LANE uint64_t
#define KECCAK_BODY WIDE_BODY
#include "crypto/keccak_round.h"

enum {
    RATE_128 = 168, // SHAKE128: 1600 bits less twice 128
    RATE_256 = 136, // SHAKE256, SHA3-256
    RATE_512 = 72,  // SHA3-512
    SUFFIX_SHA3 = 0x06,  // FIPS 202 §6.1: bits 01, then the first bit of the padding
    SUFFIX_SHAKE = 0x1f, // FIPS 202 §6.2: bits 1111, then that; RFC 9861 §2.2: also TurboSHAKE with D = 1F
};

WIDE_BODY void permute_body(uint64_t lane[25], unsigned rounds)
{
    uint64_t a[25];
    memcpy(a, lane, sizeof a);
    keccak_rounds(a, rounds);
    memcpy(lane, a, sizeof a);
}
static void permute_portable(uint64_t lane[25], unsigned rounds) { permute_body(lane, rounds); }
// Rotations that keep their source and and-not, which BMI has, save a quarter of the time.
WIDE static void permute_wide(uint64_t lane[25], unsigned rounds) { permute_body(lane, rounds); }

void keccak_permute(uint64_t lane[25], unsigned rounds, bool wide)
{
    if (wide) permute_wide(lane, rounds);
    else permute_portable(lane, rounds);
}

static void start(struct keccak *k, uint8_t rate, uint8_t rounds, uint8_t domain)
{
    *k = (struct keccak){.rate = rate, .rounds = rounds, .domain = domain};
}

void keccak_shake128(struct keccak *k) { start(k, RATE_128, 24, SUFFIX_SHAKE); }
void keccak_shake256(struct keccak *k) { start(k, RATE_256, 24, SUFFIX_SHAKE); }
void keccak_turboshake128(struct keccak *k) { start(k, RATE_128, 12, SUFFIX_SHAKE); }
void keccak_turboshake256(struct keccak *k) { start(k, RATE_256, 12, SUFFIX_SHAKE); }

static void next_block(struct keccak *k)
{
    keccak_permute(k->lane, k->rounds, wide_here());
    k->at = 0;
}

static void absorb_byte(struct keccak *k, uint8_t b)
{
    k->lane[k->at / 8] ^= (uint64_t)b << (k->at % 8 * 8);
    k->at++;
}

void keccak_absorb(struct keccak *k, struct span s)
{
    while (s.n > 0) {
        size_t used = 1;
        if (k->at % 8 == 0 && s.n >= 8) {
            k->lane[k->at / 8] ^= lane_load(s.p);
            k->at = (uint8_t)(k->at + 8);
            used = 8;
        } else {
            absorb_byte(k, *s.p);
        }
        if (k->at == k->rate) next_block(k);
        s.p += used;
        s.n -= used;
    }
}

void keccak_finish(struct keccak *k)
{
    // FIPS 202 §5.1: pad10*1. at < rate here, so that both ends of the padding fit, in one byte if need be.
    absorb_byte(k, k->domain);
    k->lane[k->rate / 8 - 1] ^= (uint64_t)0x80 << 56;
    next_block(k);
}

void keccak_squeeze(struct keccak *k, uint8_t *out, size_t n)
{
    while (n > 0) {
        if (k->at == k->rate) next_block(k);
        size_t got = 1;
        if (k->at % 8 == 0 && n >= 8) {
            lane_store(out, k->lane[k->at / 8]);
            k->at = (uint8_t)(k->at + 8);
            got = 8;
        } else {
            *out = (uint8_t)(k->lane[k->at / 8] >> (k->at % 8 * 8));
            k->at++;
        }
        out += got;
        n -= got;
    }
}

static void hash(uint8_t rate, const struct span *parts, size_t n, uint8_t *out, size_t size)
{
    struct keccak k;
    start(&k, rate, 24, SUFFIX_SHA3);
    for (size_t i = 0; i < n; i++) keccak_absorb(&k, parts[i]);
    keccak_finish(&k);
    keccak_squeeze(&k, out, size);
    mem_wipe(&k, sizeof k);
}

void keccak_sha3_256(const struct span *parts, size_t n, uint8_t out[32]) { hash(RATE_256, parts, n, out, 32); }
void keccak_sha3_512(const struct span *parts, size_t n, uint8_t out[64]) { hash(RATE_512, parts, n, out, 64); }
