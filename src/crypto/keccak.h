// SPDX-License-Identifier: Apache-2.0
//
// crypto/keccak: Keccak-f[1600] and the functions of FIPS 202 that ML-KEM and draft-ietf-hpke-pq need, with the
// TurboSHAKE of RFC 9861. Constant time: no branch or index depends on data. Private to the crypto room.
#ifndef WHIMBREL_CRYPTO_KECCAK_H
#define WHIMBREL_CRYPTO_KECCAK_H

#include "base/base.h"

// A sponge that first absorbs, then squeezes. Wipe it with mem_wipe when it held a secret.
struct keccak {
    uint64_t lane[25];
    uint8_t rate;   // bytes: 168 for SHAKE128, 136 for SHAKE256 and SHA3-256, 72 for SHA3-512
    uint8_t at;     // position in the current block
    uint8_t rounds; // 24, or 12 for TurboSHAKE
    uint8_t domain; // suffix and first padding bit
};

void keccak_shake128(struct keccak *k);
void keccak_shake256(struct keccak *k);
void keccak_turboshake128(struct keccak *k); // D = 0x1F
void keccak_turboshake256(struct keccak *k); // D = 0x1F
void keccak_absorb(struct keccak *k, struct span s);
void keccak_finish(struct keccak *k); // pads; then squeeze as often as wanted
void keccak_squeeze(struct keccak *k, uint8_t *out, size_t n);

void keccak_sha3_256(const struct span *parts, size_t n, uint8_t out[32]);
void keccak_sha3_512(const struct span *parts, size_t n, uint8_t out[64]);

#endif
