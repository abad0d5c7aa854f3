// SPDX-License-Identifier: Apache-2.0
//
// crypto/mlkem: ML-KEM (FIPS 203) in constant time: nothing secret decides a branch, an index or the time of an
// instruction. Written here because no packaged library on Debian 12 has it; where OpenSSL is 3.5 or newer the crypto
// room uses OpenSSL's instead, and both give the same bytes. Private to the crypto room.
#ifndef WHIMBREL_CRYPTO_MLKEM_H
#define WHIMBREL_CRYPTO_MLKEM_H

#include "base/base.h"

enum {
    MLKEM_SEED = 32,    // each of d, z and m
    MLKEM_SS = 32,      // shared secret
    MLKEM_EK_MAX = 1568,
    MLKEM_DK_MAX = 3168,
    MLKEM_CT_MAX = 1568,
};

struct mlkem; // a parameter set
extern const struct mlkem mlkem_512, mlkem_768, mlkem_1024;

size_t mlkem_ek_size(const struct mlkem *m); // 384 k + 32
size_t mlkem_dk_size(const struct mlkem *m); // 768 k + 96
size_t mlkem_ct_size(const struct mlkem *m); // 32 (du k + dv)

// ML-KEM.KeyGen_internal(d, z) (FIPS 203 §6.1). dk is the expanded decapsulation key.
void mlkem_keygen(const struct mlkem *m, const uint8_t d[MLKEM_SEED], const uint8_t z[MLKEM_SEED], uint8_t *ek,
                  uint8_t *dk /* secret */);
// Whether ek has the right size and passes the modulus check of §7.2.
bool mlkem_ek_ok(const struct mlkem *m, struct span ek);
// Whether dk has the right size and the hash in it is that of the key in it (§7.3).
bool mlkem_dk_ok(const struct mlkem *m, struct span dk);
// ML-KEM.Encaps_internal(ek, r) (§6.2); ek has passed mlkem_ek_ok.
void mlkem_encaps(const struct mlkem *m, const uint8_t *ek, const uint8_t r[MLKEM_SEED], uint8_t *ct,
                  uint8_t ss[MLKEM_SS]);
// ML-KEM.Decaps_internal(dk, c) (§6.3), with implicit rejection: a wrong ciphertext gives a pseudorandom secret.
void mlkem_decaps(const struct mlkem *m, const uint8_t *dk, const uint8_t *ct, uint8_t ss[MLKEM_SS]);

#endif
