// SPDX-License-Identifier: Apache-2.0
//
// The labelled KDFs of HPKE: LabeledExtract and LabeledExpand over HKDF (RFC 9180 §4), LabeledDerive over an
// extendable-output function (draft-ietf-hpke-pq §5). The only place that knows "HPKE-v1". It does not know which
// labels there are.
#include "crypto/suite.h"

const struct kdf_alg kdf_hkdf_sha256 = {.id = 0x0001, .nh = 32, .hash = &hash_sha256};
const struct kdf_alg kdf_hkdf_sha384 = {.id = 0x0002, .nh = 48, .hash = &hash_sha384};
const struct kdf_alg kdf_hkdf_sha512 = {.id = 0x0003, .nh = 64, .hash = &hash_sha512};

static struct span version(void) { return span_str("HPKE-v1"); }

static void i2osp2(uint8_t out[2], size_t v)
{
    out[0] = (uint8_t)(v >> 8);
    out[1] = (uint8_t)v;
}

// labeled_ikm = concat("HPKE-v1", suite_id, label, ikm)
enum err kdf_labeled_extract(struct crypto *c, const struct hash_alg *h, struct span suite_id, struct span salt,
                             const char *label, struct span ikm, uint8_t *out)
{
    const struct span parts[] = {version(), suite_id, span_str(label), ikm};
    return hash_hmac(c, h, salt, parts, 4, out);
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
