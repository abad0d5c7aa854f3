// SPDX-License-Identifier: Apache-2.0
//
// crypto/hpke: HPKE in base mode (RFC 9180 §5, §6), keyed by any of its algorithms: the KEMs 0x0010-0x0012, 0x0020,
// 0x0021, 0x0040-0x0042, 0x0050, 0x0051, 0x647a, the KDFs 1-3 and 0x0010-0x0013, the AEADs 1-3. The cipher suites of
// MLS use a part of it, by crypto.h; the whole is what the published test vectors cover. Private to the crypto room.
#ifndef WHIMBREL_CRYPTO_HPKE_H
#define WHIMBREL_CRYPTO_HPKE_H

#include "crypto/suite.h"

struct hpke {
    const struct kem_alg *kem;
    const struct kdf_alg *kdf;
    const struct aead_alg *aead;
};

// Secret. Belongs to one direction: a context that has sealed must not open.
struct hpke_context {
    struct hpke alg;
    uint8_t key[CRYPTO_KEY_MAX];
    uint8_t base_nonce[CRYPTO_NONCE];
    uint8_t exporter_secret[CRYPTO_HASH_MAX];
    uint64_t seq;
};

// Looks the three algorithms up by their code points; ERR_UNSUPPORTED.
enum err hpke_find(uint16_t kem, uint16_t kdf, uint16_t aead, struct hpke *out);

// SetupBaseS. enc has kem->nenc bytes. ERR_INVALID if pk is no public key.
enum err hpke_setup_send(struct crypto *c, const struct hpke *h, struct span pk, struct span info, struct span seed,
                         uint8_t *enc, struct hpke_context *out);
// SetupBaseR. pk belongs to sk, or is empty. ERR_UNAUTHENTICATED if enc has the wrong size or is no point;
// ERR_MISUSE or ERR_INVALID if sk is no key.
enum err hpke_setup_receive(struct crypto *c, const struct hpke *h, struct span sk, struct span pk, struct span enc,
                            struct span info, struct hpke_context *out);
// ContextS.Seal and ContextR.Open (§5.2). After an error the sequence number is as before.
enum err hpke_seal(struct crypto *c, struct hpke_context *x, struct span aad, struct span pt, uint8_t *out);
enum err hpke_open(struct crypto *c, struct hpke_context *x, struct span aad, struct span ct, uint8_t *out);
// Context.Export (§5.3). ERR_LIMIT if n is above what the KDF gives: 255 * Nh, or 65535 bytes.
enum err hpke_export(struct crypto *c, const struct hpke_context *x, struct span context, uint8_t *out, size_t n);
void hpke_wipe(struct hpke_context *x);

#endif
