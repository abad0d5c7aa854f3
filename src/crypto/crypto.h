// SPDX-License-Identifier: Apache-2.0
//
// crypto: the cipher suites of MLS as const tables of functions over OpenSSL, with ML-KEM where OpenSSL has none.
// The only room that includes an OpenSSL header. It knows bytes and algorithms, and nothing of groups or messages.
//
// Every function takes the suite and a `struct crypto`, which holds algorithm objects fetched once and scratch
// contexts. A struct crypto belongs to one thread at a time; crypto_clone makes another for a second thread, cheaply.
// Sizes are exact: an output parameter `uint8_t *out` has room for the size that the suite's table names. Randomness
// is always a parameter, so that the same input gives the same bytes.
//
// Errors: any function may fail with ERR_MEMORY or, if OpenSSL fails otherwise, ERR_CRYPTO; the others are named below.
// A secret key of the wrong size is ERR_MISUSE, one of the right size that is no key (a scalar of 0) ERR_INVALID.
// After an error, outputs are zeroed or as before. Secrets that a function consumed are nowhere in memory when it
// returns, but on the stack: mem_wipe_stack. OpenSSL's error queue is left as the caller had it.
#ifndef WHIMBREL_CRYPTO_H
#define WHIMBREL_CRYPTO_H

#include "base/base.h"

enum {
    CRYPTO_HASH_MAX = 64,   // Nh: SHA-512
    CRYPTO_KEY_MAX = 32,    // Nk: AES-256, ChaCha20
    CRYPTO_NONCE = 12,      // Nn of every AEAD here
    CRYPTO_TAG = 16,        // Nt of every AEAD here
    CRYPTO_PK_MAX = 1665,   // Npk: MLKEM1024-P384
    CRYPTO_SK_MAX = 66,     // Nsk: P-521
    CRYPTO_ENC_MAX = 1665,  // Nenc: MLKEM1024-P384
    CRYPTO_SEED_MAX = 128,  // Nseed
    CRYPTO_SS_MAX = 64,     // Nsecret
    CRYPTO_SIGPK_MAX = 133, // an uncompressed point of P-521
    CRYPTO_SIGSK_MAX = 66,  // a scalar of P-521
    CRYPTO_SIG_MAX = 144,   // a DER signature of P-521
};

// Suites of RFC 9420 §17.1, and those of draft-ietf-mls-pq-ciphersuites-06, for which IANA has no values yet: these
// are taken from the private-use range (0xF000-0xFFFF) and will change when there are some (docs/decisions/0002).
enum crypto_suite_id {
    CRYPTO_X25519_AES128_SHA256_ED25519 = 0x0001,
    CRYPTO_P256_AES128_SHA256_P256 = 0x0002,
    CRYPTO_X25519_CHACHA20_SHA256_ED25519 = 0x0003,
    CRYPTO_X448_AES256_SHA512_ED448 = 0x0004,
    CRYPTO_P521_AES256_SHA512_P521 = 0x0005,
    CRYPTO_X448_CHACHA20_SHA512_ED448 = 0x0006,
    CRYPTO_P384_AES256_SHA384_P384 = 0x0007,
    CRYPTO_MLKEM768X25519_AES128_SHA256_ED25519 = 0xF001,
    CRYPTO_MLKEM768X25519_AES256_SHA384_ED25519 = 0xF002,
    CRYPTO_MLKEM1024P384_AES256_SHA384_P384 = 0xF005,
};

struct crypto;
struct crypto_suite; // private to the room

// Sizes in bytes.
struct crypto_sizes {
    uint8_t nh;       // KDF.Nh, hash and MAC
    uint8_t nk;       // AEAD key
    uint16_t npk;     // KEM public key
    uint16_t nsk;     // KEM private key as serialised
    uint16_t nenc;    // KEM output
    uint16_t nss;     // KEM shared secret
    uint16_t nseed;   // randomness that one key generation or encapsulation takes
    uint16_t nsigpk;  // signature public key
    uint16_t nsigsk;  // signature private key: the seed of EdDSA, the scalar of ECDSA
    uint16_t nsigmax; // longest signature
};

// The suite with this code point; NULL if there is none.
const struct crypto_suite *crypto_suite(uint16_t id);
// The i-th suite of the table, from 0; NULL past the end.
const struct crypto_suite *crypto_suite_at(size_t i);
uint16_t crypto_suite_id(const struct crypto_suite *s);
const char *crypto_suite_name(const struct crypto_suite *s); // as registered: "MLS_128_DHKEMX25519_…"
const struct crypto_sizes *crypto_sizes(const struct crypto_suite *s);

// Fetches every algorithm once. ERR_CRYPTO if the library lacks one, ERR_MEMORY.
enum err crypto_new(struct crypto **out);
// Another one for another thread, sharing the fetched algorithms. It is made for this suite; it serves the others as well,
// but what they need of curves it makes when it is first asked for.
enum err crypto_clone(const struct crypto *c, const struct crypto_suite *s, struct crypto **out);
void crypto_free(struct crypto *c);

// ------------------------------------------------------------------------------------- hash, MAC, KDF, AEAD

// out = Hash(parts[0] || parts[1] || …), nh bytes. out may be one of the parts, here and in the next three.
enum err crypto_hash(struct crypto *c, const struct crypto_suite *s, const struct span *parts, size_t n, uint8_t *out);
// The same for what comes in pieces: a file. A digest belongs to one thread at a time, and ends with crypto_digest_free, before
// which any number of updates and one end may come; the end writes nh bytes.
struct crypto_digest;
enum err crypto_digest_new(struct crypto *c, const struct crypto_suite *s, struct crypto_digest **out);
enum err crypto_digest_update(struct crypto_digest *d, struct span bytes);
enum err crypto_digest_end(struct crypto_digest *d, uint8_t *out);
void crypto_digest_free(struct crypto_digest *d);
// HMAC over the parts (RFC 2104), nh bytes.
enum err crypto_mac(struct crypto *c, const struct crypto_suite *s, struct span key, const struct span *parts, size_t n,
                    uint8_t *out);
// HKDF (RFC 5869): out of nh bytes; out of `n` bytes, ERR_LIMIT above 255 * nh. For n above nh, out may lie over prk
// but not over info.
enum err crypto_extract(struct crypto *c, const struct crypto_suite *s, struct span salt, struct span ikm,
                        uint8_t *out);
enum err crypto_expand(struct crypto *c, const struct crypto_suite *s, struct span prk, const struct span *info,
                       size_t n_info, uint8_t *out, size_t n);
// AEAD (RFC 5116). seal writes pt.n + CRYPTO_TAG bytes; open writes ct.n - CRYPTO_TAG and fails with
// ERR_UNAUTHENTICATED, leaving zeros. out may be the input itself (in place, where a failure zeroes the input), but may
// not overlap it otherwise. ERR_LIMIT from 2^31 - 17 bytes.
enum err crypto_seal(struct crypto *c, const struct crypto_suite *s, const uint8_t *key, const uint8_t *nonce,
                     struct span aad, struct span pt, uint8_t *out);
enum err crypto_open(struct crypto *c, const struct crypto_suite *s, const uint8_t *key, const uint8_t *nonce,
                     struct span aad, struct span ct, uint8_t *out);

// ---------------------------------------------------------------------------------------------- signatures

// A key pair from random bytes, always CRYPTO_SIG_SEED of them: EdDSA takes its private key from the front, ECDSA the
// first scalar that it finds, of which there are at least two tries (four for P-256, so that failure has a
// probability of 2^-128 at most; it is ERR_RANDOM). sk is secret.
enum { CRYPTO_SIG_SEED = 132 };
enum err crypto_sig_keygen(struct crypto *c, const struct crypto_suite *s, const uint8_t seed[CRYPTO_SIG_SEED],
                           uint8_t *sk, uint8_t *pk);
// ERR_INVALID for an ECDSA scalar that is not in [1, order - 1], here and in crypto_sign.
enum err crypto_sig_public(struct crypto *c, const struct crypto_suite *s, struct span sk, uint8_t *pk);
// EdDSA (RFC 8032), or ECDSA with a DER signature (RFC 8446 §4.2.3); *sig_n tells its length. ECDSA takes its nonce
// from OpenSSL, not from the caller: it is the one place where randomness is not injected.
// pk is the public key that belongs to sk; an empty span has it computed, which costs as much as the signature. Never
// hand in another key: EdDSA signatures of one message under two public keys give the private key away.
enum err crypto_sign(struct crypto *c, const struct crypto_suite *s, struct span sk, struct span pk, struct span msg,
                     uint8_t *sig, size_t *sig_n);
// ERR_UNAUTHENTICATED if the signature is wrong or malformed, or if the public key is none or of the wrong size.
enum err crypto_verify(struct crypto *c, const struct crypto_suite *s, struct span pk, struct span msg,
                       struct span sig);
// Whether pk can be a public key of this suite: right size, and for ECDSA an uncompressed point of the curve.
bool crypto_sig_pk_ok(struct crypto *c, const struct crypto_suite *s, struct span pk);
// The public key of one certificate (DER) in this suite's format. Nothing else in it is looked at. ERR_MALFORMED if the
// certificate does not parse or is followed by more, ERR_LIMIT above 64 KiB, ERR_INVALID if its key is of another
// algorithm or curve.
enum err crypto_x509_key(const struct crypto_suite *s, struct span certificate, uint8_t *pk);

// ------------------------------------------------------------------------------------------ KEM and HPKE

// DeriveKeyPair (RFC 9180 §4, §7.1.3; draft-ietf-hpke-pq for the others). ikm should have nsk bytes of entropy.
enum err crypto_kem_derive(struct crypto *c, const struct crypto_suite *s, struct span ikm, uint8_t *sk, uint8_t *pk);
enum err crypto_kem_public(struct crypto *c, const struct crypto_suite *s, struct span sk, uint8_t *pk);
// Whether pk can be a public key: right size, uncompressed point of the curve, ML-KEM's modulus check (FIPS 203 §7.2),
// and for X25519 and X448 not one of the few of small order, with which the exchange gives zeros (RFC 9180 §7.1.4). An
// encapsulation to what passes does not fail.
bool crypto_kem_pk_ok(struct crypto *c, const struct crypto_suite *s, struct span pk);

// What `info` comes to in the key schedule (RFC 9180 §5.1). It depends on no key: whoever seals under one info to many
// hashes it once.
struct crypto_hpke_info {
    uint8_t context[1 + 2 * CRYPTO_HASH_MAX];
};
// The info is given in parts, four at most.
enum err crypto_hpke_info(struct crypto *c, const struct crypto_suite *s, const struct span *info, size_t n,
                          struct crypto_hpke_info *out);

// SealBase / OpenBase (RFC 9180 §6.1) with an empty AAD. `seed` has nseed fresh random bytes. enc has nenc bytes, ct
// has pt.n + CRYPTO_TAG. ERR_INVALID if pk is no public key, or if X25519 or X448 gives zeros with it (RFC 9180
// §7.1.4).
enum err crypto_hpke_seal(struct crypto *c, const struct crypto_suite *s, struct span pk, struct span info,
                          struct span pt, const uint8_t *seed, uint8_t *enc, uint8_t *ct);
enum err crypto_hpke_seal_info(struct crypto *c, const struct crypto_suite *s, struct span pk,
                               const struct crypto_hpke_info *info, struct span pt, const uint8_t *seed, uint8_t *enc,
                               uint8_t *ct);
// pk is the public key that belongs to sk; an empty span has it computed, which doubles the time. ERR_UNAUTHENTICATED
// if it does not open, for whatever reason: an enc of the wrong size or that is no point, X25519's zeros, the tag.
enum err crypto_hpke_open(struct crypto *c, const struct crypto_suite *s, struct span sk, struct span pk,
                          struct span enc, struct span info, struct span ct, uint8_t *pt);
// SetupBaseS / SetupBaseR followed by Export(context, n) (RFC 9180 §5.3). Errors as above; ERR_LIMIT above 255 * nh.
enum err crypto_hpke_export_send(struct crypto *c, const struct crypto_suite *s, struct span pk, struct span info,
                                 struct span context, const uint8_t *seed, uint8_t *enc, uint8_t *out, size_t n);
enum err crypto_hpke_export_receive(struct crypto *c, const struct crypto_suite *s, struct span sk, struct span pk,
                                    struct span enc, struct span info, struct span context, uint8_t *out, size_t n);

// --------------------------------------------------------------------------------------------- randomness

// A struct world whose random bytes come from OpenSSL's generator and whose clock is the system's. Its random fails
// with ERR_RANDOM, leaving zeros. It may be used from any thread.
struct world crypto_system_world(void);

#endif
