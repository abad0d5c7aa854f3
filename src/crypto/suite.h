// SPDX-License-Identifier: Apache-2.0
//
// crypto/suite: what the files of the crypto room share, private to it: the tables that a suite consists of, and the
// object with everything that was fetched from OpenSSL. A suite is a row of const pointers to algorithms; an algorithm
// is a row of sizes and functions. Nothing here is written after crypto_new but scratch contexts and curves.
//
// Invariant: between two calls no scratch context holds a key or a byte of a message (EVP_*_CTX_reset frees what the
// provider kept with OPENSSL_clear_free), and no input of ours changes the caller's queue of OpenSSL errors.
#ifndef WHIMBREL_CRYPTO_SUITE_H
#define WHIMBREL_CRYPTO_SUITE_H

#include <openssl/core.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "crypto/crypto.h"
#include "crypto/keccak.h"
#include "crypto/mlkem.h"

enum hash_index { HASH_SHA256, HASH_SHA384, HASH_SHA512, HASHES };
enum aead_index { AEAD_AES128, AEAD_AES256, AEAD_CHACHA20, AEADS };
enum raw_index { RAW_X25519, RAW_X448, RAW_ED25519, RAW_ED448, RAWS, RAW_PEERS = RAW_ED25519 }; // plain bytes
enum curve_index { CURVE_P256, CURVE_P384, CURVE_P521, CURVES };
enum pq_index { PQ_512, PQ_768, PQ_1024, PQS };

enum {
    BLOCK_MAX = 128,  // of SHA-384 and SHA-512
    SCALAR_MAX = 66,  // of P-521
    POINT_MAX = 133,  // of P-521, uncompressed
    FIELD_MAX = 66,   // of P-521: the longest Diffie-Hellman result
};

struct crypto {
    EVP_MD *md[HASHES];
    EVP_CIPHER *cipher[AEADS];
    EVP_PKEY_CTX *raw[RAWS];    // ready for EVP_PKEY_fromdata
    EVP_PKEY_CTX *ec;           // likewise
    EVP_PKEY_CTX *pq[PQS];      // likewise; NULL where OpenSSL has no ML-KEM
    EC_GROUP *group[CURVES];    // NULL until needed, by ossl_group
    EVP_PKEY *peer[RAW_PEERS];  // scratch: somebody else's X25519 or X448 key
    EVP_PKEY *verifier[CURVES]; // scratch: somebody else's ECDSA key; NULL until needed, by ossl_verifier
    const struct pq_backend *backend; // whose ML-KEM it is
    EVP_MD_CTX *md_ctx;         // scratch
    EVP_CIPHER_CTX *cipher_ctx; // scratch
};

// ------------------------------------------------------------------------------------------- context.c

// Around calls of OpenSSL that can fail: the errors raised in between leave the queue again. begin tells whether the
// queue was clean, which end wants to know; end gives back e, or ERR_MEMORY if e is an error and that was its reason.
bool ossl_begin(void);
enum err ossl_end(bool clean, enum err e);
// For calls that no input can make fail, and that are too short for the above: ERR_MEMORY or ERR_CRYPTO.
enum err ossl_failed(void);
// A context ready for EVP_PKEY_fromdata; NULL if OpenSSL does not have the algorithm.
EVP_PKEY_CTX *ossl_importer(const char *name);
// What a curve needs, which costs more to make than a signature: the object has it from the start for its suite only.
// NULL where making it fails.
struct dh_group;
const EC_GROUP *ossl_group(struct crypto *c, const struct dh_group *g);
EVP_PKEY *ossl_verifier(struct crypto *c, const struct dh_group *g);
// Parameters over bytes and text that the importer only reads.
OSSL_PARAM ossl_text(const char *name, const char *text);
OSSL_PARAM ossl_octets(const char *name, const uint8_t *p, size_t n);

// ---------------------------------------------------------------------------------------------- hash.c

struct hash_alg {
    const char *name;
    enum hash_index index;
    uint8_t nh, block;
};
extern const struct hash_alg hash_sha256, hash_sha384, hash_sha512;

enum err hash_digest(struct crypto *c, const struct hash_alg *h, const struct span *parts, size_t n, uint8_t *out);
enum err hash_hmac(struct crypto *c, const struct hash_alg *h, struct span key, const struct span *parts, size_t n,
                   uint8_t *out);
enum err hash_expand(struct crypto *c, const struct hash_alg *h, struct span prk, const struct span *info,
                     size_t n_info, uint8_t *out, size_t n);

// ---------------------------------------------------------------------------------------------- aead.c

struct aead_alg {
    const char *name;
    enum aead_index index;
    uint16_t id; // RFC 9180 §7.3
    uint8_t nk;
};
extern const struct aead_alg aead_aes128, aead_aes256, aead_chacha20;

enum err aead_seal(struct crypto *c, const struct aead_alg *a, const uint8_t *key, const uint8_t *nonce,
                   struct span aad, struct span pt, uint8_t *out);
enum err aead_open(struct crypto *c, const struct aead_alg *a, const uint8_t *key, const uint8_t *nonce,
                   struct span aad, struct span ct, uint8_t *out);

// ----------------------------------------------------------------------------------------------- kdf.c

// A KDF of HPKE: HKDF over a hash (two stages), or an extendable-output function (one stage, draft-ietf-hpke-pq).
struct kdf_alg {
    uint16_t id;
    uint8_t nh;
    const struct hash_alg *hash;   // NULL for one stage
    void (*xof)(struct keccak *k); // NULL for two stages
};
extern const struct kdf_alg kdf_hkdf_sha256, kdf_hkdf_sha384, kdf_hkdf_sha512;
extern const struct kdf_alg kdf_shake128, kdf_shake256, kdf_turboshake128, kdf_turboshake256;

// LabeledExtract and LabeledExpand (RFC 9180 §4).
enum err kdf_labeled_extract(struct crypto *c, const struct hash_alg *h, struct span suite_id, struct span salt,
                             const char *label, const struct span *ikm, size_t n_ikm, uint8_t *out);
enum err kdf_labeled_expand(struct crypto *c, const struct hash_alg *h, struct span suite_id, struct span prk,
                            const char *label, const struct span *info, size_t n_info, uint8_t *out, size_t n);
// LabeledDerive (draft-ietf-hpke-hpke §4) over the concatenation of the parts of ikm and of context.
void kdf_labeled_derive(void (*xof)(struct keccak *k), struct span suite_id, const struct span *ikm, size_t n_ikm,
                        const char *label, const struct span *context, size_t n_context, uint8_t *out, size_t n);

// ------------------------------------------------------------------------------------- xdh.c and nist.c

// A Diffie-Hellman group. Keys are in the serialised form of RFC 9180 §7.1.1 and §7.1.2, and of exactly these sizes.
struct dh_group {
    const char *name;
    uint8_t index; // raw_index or curve_index
    uint8_t npk, nsk, ndh;
    uint8_t mask;         // bits of the first byte of a scalar
    const uint8_t *order; // of the curve, nsk bytes; NULL for the X functions, where every string is a scalar
    // ERR_INVALID if sk is no scalar.
    enum err (*public)(struct crypto *c, const struct dh_group *g, const uint8_t *sk, uint8_t *pk);
    // The shared coordinate. own_pk belongs to sk, or is NULL: it only saves time. ERR_INVALID if peer is no point of
    // the curve, or if the result is all zeros (RFC 7748 §6, RFC 9180 §7.1.4).
    enum err (*shared)(struct crypto *c, const struct dh_group *g, const uint8_t *sk, const uint8_t *own_pk,
                       const uint8_t *peer, uint8_t *out);
    // Both at once, for a key that is used once: pk and the shared coordinate. Errors of both.
    enum err (*ephemeral)(struct crypto *c, const struct dh_group *g, const uint8_t *sk, const uint8_t *peer,
                          uint8_t *pk, uint8_t *out);
    bool (*pk_ok)(struct crypto *c, const struct dh_group *g, const uint8_t *pk);
};
extern const struct dh_group dh_x25519, dh_x448, dh_p256, dh_p384, dh_p521;

// OpenSSL's number of the curve.
int nist_nid(const struct dh_group *g);
// Whether 0 < sk < order, in constant time.
bool nist_scalar_ok(const struct dh_group *g, const uint8_t *sk);
// The first scalar in `seed`, nsk bytes at a time: RandomScalar of draft-irtf-cfrg-concrete-hybrid-kems. ERR_RANDOM
// if there is none, which does not happen to random bytes.
enum err nist_random_scalar(const struct dh_group *g, struct span seed, uint8_t *sk);
// Whether pk, an octet string of npk bytes, is an uncompressed point of the curve.
bool nist_pk_ok(struct crypto *c, const struct dh_group *g, const uint8_t *pk);

// ---------------------------------------------------------------------------------------------- sign.c

struct sig_alg {
    const char *name;
    uint8_t npk, nsk, nsigmax;
    uint8_t index;               // raw_index of EdDSA
    const struct dh_group *curve; // of ECDSA, NULL for EdDSA
    const struct hash_alg *hash; // of ECDSA
    enum err (*keygen)(struct crypto *c, const struct sig_alg *s, struct span seed, uint8_t *sk);
    enum err (*public)(struct crypto *c, const struct sig_alg *s, const uint8_t *sk, uint8_t *pk);
    enum err (*sign)(struct crypto *c, const struct sig_alg *s, const uint8_t *sk, const uint8_t *pk, struct span msg,
                     uint8_t *sig, size_t *sig_n);
    enum err (*verify)(struct crypto *c, const struct sig_alg *s, const uint8_t *pk, struct span msg, struct span sig);
};
extern const struct sig_alg sig_ed25519, sig_ed448, sig_p256, sig_p384, sig_p521;

// ------------------------------------------------------------------------------ pq.c and pq_openssl.c

enum { PQ_SEED = 64 }; // d || z, the form in which draft-ietf-hpke-pq keeps a decapsulation key

// A parameter set of ML-KEM, for either backend.
struct pq_set {
    const char *name;
    enum pq_index index;
    const struct mlkem *own;
    uint16_t ek, ct; // sizes
};
extern const struct pq_set pq_512, pq_768, pq_1024;

// ML-KEM by one of two implementations, which give the same bytes: ours, and that of OpenSSL 3.5 and later.
struct pq_backend {
    enum err (*public)(struct crypto *c, const struct pq_set *p, const uint8_t seed[PQ_SEED], uint8_t *ek);
    // ERR_INVALID if ek fails the modulus check (FIPS 203 §7.2).
    enum err (*encap)(struct crypto *c, const struct pq_set *p, const uint8_t *ek, const uint8_t *r, uint8_t *ct,
                      uint8_t *ss);
    enum err (*decap)(struct crypto *c, const struct pq_set *p, const uint8_t seed[PQ_SEED], const uint8_t *ct,
                      uint8_t *ss);
    bool (*ek_ok)(struct crypto *c, const struct pq_set *p, const uint8_t *ek);
};
extern const struct pq_backend pq_own, pq_openssl;

// Whether this OpenSSL has all of ML-KEM; if so, c->pq is filled.
bool pq_openssl_find(struct crypto *c);

// --------------------------------------------------------------------------- dhkem.c, pq.c and hybrid.c

// A KEM. The functions get keys, enc and seed of the right sizes: hpke.c has looked.
struct kem_alg {
    uint16_t id;
    uint16_t npk, nsk, nenc, nss, nseed;
    const struct dh_group *group; // NULL for ML-KEM alone
    const struct hash_alg *hash;  // of DHKEM
    const struct pq_set *pq;      // NULL for DHKEM
    const char *label;            // of a hybrid
    enum err (*derive)(struct crypto *c, const struct kem_alg *k, struct span ikm, uint8_t *sk, uint8_t *pk);
    enum err (*public)(struct crypto *c, const struct kem_alg *k, const uint8_t *sk, uint8_t *pk);
    // ERR_INVALID if pk is no public key.
    enum err (*encap)(struct crypto *c, const struct kem_alg *k, const uint8_t *pk, struct span seed, uint8_t *enc,
                      uint8_t *ss);
    // pk may be NULL. ERR_UNAUTHENTICATED if enc can come from no encapsulation, ERR_INVALID if sk is no key.
    enum err (*decap)(struct crypto *c, const struct kem_alg *k, const uint8_t *sk, const uint8_t *pk,
                      const uint8_t *enc, uint8_t *ss);
    bool (*pk_ok)(struct crypto *c, const struct kem_alg *k, const uint8_t *pk);
};
extern const struct kem_alg dhkem_p256, dhkem_p384, dhkem_p521, dhkem_x25519, dhkem_x448;
extern const struct kem_alg kem_mlkem512, kem_mlkem768, kem_mlkem1024;
extern const struct kem_alg hybrid_mlkem768_p256, hybrid_mlkem768_x25519, hybrid_mlkem1024_p384;

// DeriveKeyPair's seed for the KEMs of draft-ietf-hpke-pq: SHAKE256.LabeledDerive(ikm, "DeriveKeyPair", "", n).
void pq_derive_seed(const struct kem_alg *k, struct span ikm, uint8_t *seed, size_t n);

// --------------------------------------------------------------------------------------------- suite.c

struct crypto_suite {
    uint16_t id;
    const char *name;
    struct crypto_sizes sizes;
    const struct hash_alg *hash;
    const struct aead_alg *aead;
    const struct kem_alg *kem;
    const struct kdf_alg *kdf;
    const struct sig_alg *sig;
};

#endif
