// SPDX-License-Identifier: Apache-2.0
//
// tree/label: the labelled functions that all of MLS is made of: RefHash, ExpandWithLabel, DeriveSecret,
// SignWithLabel, EncryptWithLabel (RFC 9420 §5.1.2, §5.1.3, §5.2, §8). Labels are given without the "MLS 1.0 " prefix.
#ifndef WHIMBREL_TREE_LABEL_H
#define WHIMBREL_TREE_LABEL_H

#include "crypto/crypto.h"

// Crypto and suite, which travel together through every function of the tree and mls rooms.
struct algo {
    struct crypto *crypto; // of this thread
    const struct crypto_suite *suite;
};

static inline const struct crypto_sizes *algo_sizes(const struct algo *a) { return crypto_sizes(a->suite); }
static inline size_t algo_nh(const struct algo *a) { return crypto_sizes(a->suite)->nh; }

// A secret of nh bytes on the stack or inside a struct. Wipe it with mem_wipe.
struct secret {
    uint8_t b[CRYPTO_HASH_MAX];
};
static inline struct span secret_span(const struct algo *a, const struct secret *s)
{
    return span_of(s->b, algo_nh(a));
}

// RefHash(label, value), nh bytes; the label in full, as §5.2 gives it.
enum err label_ref_hash(const struct algo *a, const char *label, struct span value, uint8_t *out);

// ExpandWithLabel(secret, label, context, n) into out[0..n).
enum err label_expand(const struct algo *a, struct span secret, const char *label, struct span context, uint8_t *out,
                      size_t n);
// DeriveSecret(secret, label). out may be secret itself.
enum err label_derive(const struct algo *a, const struct secret *secret, const char *label, struct secret *out);
// DeriveTreeSecret(secret, label, generation, n) (§9.1).
enum err label_derive_tree(const struct algo *a, const struct secret *secret, const char *label, uint32_t generation,
                           uint8_t *out, size_t n);

// SignWithLabel over the concatenation of the parts. sig has room for CRYPTO_SIG_MAX.
enum err label_sign(const struct algo *a, struct span sk, struct span pk, const char *label, const struct span *parts,
                    size_t n, uint8_t *sig, size_t *sig_n);
// VerifyWithLabel: ERR_UNAUTHENTICATED if the signature is wrong.
enum err label_verify(const struct algo *a, struct span pk, const char *label, const struct span *parts, size_t n,
                      struct span sig);

// The EncryptContext { label, context } of EncryptWithLabel, hashed once for all who are encrypted to under it.
enum err label_info(const struct algo *a, const char *label, struct span context, struct crypto_hpke_info *out);
// EncryptWithLabel: the HPKECiphertext's two halves are appended to `out` as kem_output<V>, ciphertext<V>.
enum err label_encrypt(const struct algo *a, struct span pk, const struct crypto_hpke_info *info, struct span pt,
                       const uint8_t *seed, struct buf *out);
// DecryptWithLabel into pt, which takes ct.n - CRYPTO_TAG bytes. pk may be empty (then it is computed from sk).
enum err label_decrypt(const struct algo *a, struct span sk, struct span pk, const char *label, struct span context,
                       struct span kem_output, struct span ct, struct buf *pt);

#endif
