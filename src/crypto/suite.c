// SPDX-License-Identifier: Apache-2.0
//
// The table of cipher suites (RFC 9420 §17.1; draft-ietf-mls-pq-ciphersuites): code points, names, sizes, and the
// algorithms that each consists of. No code runs here but the search. Invariant: the sizes are those of the algorithms'
// own tables; test_suite.c holds one against the other.
#include "crypto/suite.h"

// The KDF of HPKE is HKDF with the suite's hash (RFC 9420 §5.1).
static const struct crypto_suite suites[] = {
    {
        .id = CRYPTO_X25519_AES128_SHA256_ED25519,
        .name = "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
        .sizes = {.nh = 32, .nk = 16, .npk = 32, .nsk = 32, .nenc = 32, .nss = 32, .nseed = 32, .nsigpk = 32,
                  .nsigsk = 32, .nsigmax = 64},
        .hash = &hash_sha256,
        .aead = &aead_aes128,
        .kem = &dhkem_x25519,
        .kdf = &kdf_hkdf_sha256,
        .sig = &sig_ed25519,
    },
    {
        .id = CRYPTO_P256_AES128_SHA256_P256,
        .name = "MLS_128_DHKEMP256_AES128GCM_SHA256_P256",
        .sizes = {.nh = 32, .nk = 16, .npk = 65, .nsk = 32, .nenc = 65, .nss = 32, .nseed = 32, .nsigpk = 65,
                  .nsigsk = 32, .nsigmax = 72},
        .hash = &hash_sha256,
        .aead = &aead_aes128,
        .kem = &dhkem_p256,
        .kdf = &kdf_hkdf_sha256,
        .sig = &sig_p256,
    },
    {
        .id = CRYPTO_X25519_CHACHA20_SHA256_ED25519,
        .name = "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519",
        .sizes = {.nh = 32, .nk = 32, .npk = 32, .nsk = 32, .nenc = 32, .nss = 32, .nseed = 32, .nsigpk = 32,
                  .nsigsk = 32, .nsigmax = 64},
        .hash = &hash_sha256,
        .aead = &aead_chacha20,
        .kem = &dhkem_x25519,
        .kdf = &kdf_hkdf_sha256,
        .sig = &sig_ed25519,
    },
    {
        .id = CRYPTO_X448_AES256_SHA512_ED448,
        .name = "MLS_256_DHKEMX448_AES256GCM_SHA512_Ed448",
        .sizes = {.nh = 64, .nk = 32, .npk = 56, .nsk = 56, .nenc = 56, .nss = 64, .nseed = 56, .nsigpk = 57,
                  .nsigsk = 57, .nsigmax = 114},
        .hash = &hash_sha512,
        .aead = &aead_aes256,
        .kem = &dhkem_x448,
        .kdf = &kdf_hkdf_sha512,
        .sig = &sig_ed448,
    },
    {
        .id = CRYPTO_P521_AES256_SHA512_P521,
        .name = "MLS_256_DHKEMP521_AES256GCM_SHA512_P521",
        .sizes = {.nh = 64, .nk = 32, .npk = 133, .nsk = 66, .nenc = 133, .nss = 64, .nseed = 66, .nsigpk = 133,
                  .nsigsk = 66, .nsigmax = 139},
        .hash = &hash_sha512,
        .aead = &aead_aes256,
        .kem = &dhkem_p521,
        .kdf = &kdf_hkdf_sha512,
        .sig = &sig_p521,
    },
    {
        .id = CRYPTO_X448_CHACHA20_SHA512_ED448,
        .name = "MLS_256_DHKEMX448_CHACHA20POLY1305_SHA512_Ed448",
        .sizes = {.nh = 64, .nk = 32, .npk = 56, .nsk = 56, .nenc = 56, .nss = 64, .nseed = 56, .nsigpk = 57,
                  .nsigsk = 57, .nsigmax = 114},
        .hash = &hash_sha512,
        .aead = &aead_chacha20,
        .kem = &dhkem_x448,
        .kdf = &kdf_hkdf_sha512,
        .sig = &sig_ed448,
    },
    {
        .id = CRYPTO_P384_AES256_SHA384_P384,
        .name = "MLS_256_DHKEMP384_AES256GCM_SHA384_P384",
        .sizes = {.nh = 48, .nk = 32, .npk = 97, .nsk = 48, .nenc = 97, .nss = 48, .nseed = 48, .nsigpk = 97,
                  .nsigsk = 48, .nsigmax = 104},
        .hash = &hash_sha384,
        .aead = &aead_aes256,
        .kem = &dhkem_p384,
        .kdf = &kdf_hkdf_sha384,
        .sig = &sig_p384,
    },
    {
        .id = CRYPTO_MLKEM768X25519_AES128_SHA256_ED25519,
        .name = "MLS_128_MLKEM768X25519_AES128GCM_SHA256_Ed25519",
        .sizes = {.nh = 32, .nk = 16, .npk = 1216, .nsk = 32, .nenc = 1120, .nss = 32, .nseed = 64, .nsigpk = 32,
                  .nsigsk = 32, .nsigmax = 64},
        .hash = &hash_sha256,
        .aead = &aead_aes128,
        .kem = &hybrid_mlkem768_x25519,
        .kdf = &kdf_hkdf_sha256,
        .sig = &sig_ed25519,
    },
    {
        .id = CRYPTO_MLKEM768X25519_AES256_SHA384_ED25519,
        .name = "MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519",
        .sizes = {.nh = 48, .nk = 32, .npk = 1216, .nsk = 32, .nenc = 1120, .nss = 32, .nseed = 64, .nsigpk = 32,
                  .nsigsk = 32, .nsigmax = 64},
        .hash = &hash_sha384,
        .aead = &aead_aes256,
        .kem = &hybrid_mlkem768_x25519,
        .kdf = &kdf_hkdf_sha384,
        .sig = &sig_ed25519,
    },
    {
        .id = CRYPTO_MLKEM1024P384_AES256_SHA384_P384,
        .name = "MLS_192_MLKEM1024P384_AES256GCM_SHA384_P384",
        .sizes = {.nh = 48, .nk = 32, .npk = 1665, .nsk = 32, .nenc = 1665, .nss = 32, .nseed = 80, .nsigpk = 97,
                  .nsigsk = 48, .nsigmax = 104},
        .hash = &hash_sha384,
        .aead = &aead_aes256,
        .kem = &hybrid_mlkem1024_p384,
        .kdf = &kdf_hkdf_sha384,
        .sig = &sig_p384,
    },
};

enum { SUITES = sizeof suites / sizeof *suites };

const struct crypto_suite *crypto_suite(uint16_t id)
{
    for (size_t i = 0; i < SUITES; i++)
        if (suites[i].id == id) return &suites[i];
    return NULL;
}

const struct crypto_suite *crypto_suite_at(size_t i) { return i < SUITES ? &suites[i] : NULL; }

uint16_t crypto_suite_id(const struct crypto_suite *s) { return s->id; }

const char *crypto_suite_name(const struct crypto_suite *s) { return s->name; }

const struct crypto_sizes *crypto_sizes(const struct crypto_suite *s) { return &s->sizes; }
