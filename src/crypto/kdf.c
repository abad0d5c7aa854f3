// SPDX-License-Identifier: Apache-2.0
//
// The labelled KDFs of HPKE: LabeledExtract and LabeledExpand over HKDF (RFC 9180 §4), LabeledDerive over an
// extendable-output function (draft-ietf-hpke-pq §5). The only place that knows "HPKE-v1". It does not know which
// labels there are.
#include "crypto/suite.h"

const struct kdf_alg kdf_hkdf_sha256 = {.id = 0x0001, .nh = 32, .hash = &hash_sha256};
const struct kdf_alg kdf_hkdf_sha384 = {.id = 0x0002, .nh = 48, .hash = &hash_sha384};
const struct kdf_alg kdf_hkdf_sha512 = {.id = 0x0003, .nh = 64, .hash = &hash_sha512};

const struct kdf_alg kdf_shake128 = {.id = 0x0010, .nh = 32, .xof = keccak_shake128};
const struct kdf_alg kdf_shake256 = {.id = 0x0011, .nh = 64, .xof = keccak_shake256};
const struct kdf_alg kdf_turboshake128 = {.id = 0x0012, .nh = 32, .xof = keccak_turboshake128};
const struct kdf_alg kdf_turboshake256 = {.id = 0x0013, .nh = 64, .xof = keccak_turboshake256};

static struct span version(void) { return span_str("HPKE-v1"); }

static void i2osp2(uint8_t out[2], size_t v)
{
    out[0] = (uint8_t)(v >> 8);
    out[1] = (uint8_t)v;
}

// labeled_ikm = concat("HPKE-v1", suite_id, label, ikm)
enum err kdf_labeled_extract(struct crypto *c, const struct hash_alg *h, struct span suite_id, struct span salt,
                             const char *label, const struct span *ikm, size_t n_ikm, uint8_t *out)
{
    enum { IKM_MAX = 4 };
    if (n_ikm > IKM_MAX) return ERR_MISUSE;
    struct span parts[3 + IKM_MAX] = {version(), suite_id, span_str(label)};
    for (size_t i = 0; i < n_ikm; i++) parts[3 + i] = ikm[i];
    return hash_hmac(c, h, salt, parts, 3 + n_ikm, out);
}

// labeled_info = concat(I2OSP(L, 2), "HPKE-v1", suite_id, label, info)
enum err kdf_labeled_expand(struct crypto *c, const struct hash_alg *h, struct span suite_id, struct span prk,
                            const char *label, const struct span *info, size_t n_info, uint8_t *out, size_t n)
{
    enum { INFO_MAX = 4 };
    if (n > UINT16_MAX) return ERR_LIMIT;
    if (n_info > INFO_MAX) return ERR_MISUSE;
    uint8_t length[2];
    i2osp2(length, n);
    struct span parts[4 + INFO_MAX] = {span_of(length, 2), version(), suite_id, span_str(label)};
    for (size_t i = 0; i < n_info; i++) parts[4 + i] = info[i];
    return hash_expand(c, h, prk, parts, 4 + n_info, out, n);
}

// labeled_ikm = concat(ikm, "HPKE-v1", suite_id, lengthPrefixed(label), I2OSP(L, 2), context)
void kdf_labeled_derive(void (*xof)(struct keccak *k), struct span suite_id, const struct span *ikm, size_t n_ikm,
                        const char *label, const struct span *context, size_t n_context, uint8_t *out, size_t n)
{
    struct keccak k; /* secret */
    uint8_t length[2];
    xof(&k);
    for (size_t i = 0; i < n_ikm; i++) keccak_absorb(&k, ikm[i]);
    keccak_absorb(&k, version());
    keccak_absorb(&k, suite_id);
    i2osp2(length, strlen(label));
    keccak_absorb(&k, span_of(length, 2));
    keccak_absorb(&k, span_str(label));
    i2osp2(length, n);
    keccak_absorb(&k, span_of(length, 2));
    for (size_t i = 0; i < n_context; i++) keccak_absorb(&k, context[i]);
    keccak_finish(&k);
    keccak_squeeze(&k, out, n);
    mem_wipe(&k, sizeof k);
}
