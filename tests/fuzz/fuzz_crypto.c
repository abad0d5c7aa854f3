// SPDX-License-Identifier: Apache-2.0
//
// Bytes from outside as keys, signatures, certificates and ciphertexts, in every suite. Nothing may crash, what a check of
// a key says must be what using the key says, what differs from the genuine in a bit must be refused, and OpenSSL's queue
// of errors must be as it was.
#include "crypto/keccak.h"
#include "crypto/mlkem.h"
#include "kit.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>

enum { SUITES = 10, TEXT = 24 };

// What a suite's owner has: keys, a signature and a ciphertext.
static struct {
    const struct crypto_suite *suite;
    struct span sk, pk, sig_sk, sig_pk, sig, enc, ct;
} own[SUITES];
static struct crypto *crypto;
static const uint8_t text[TEXT] = "what has been signed…";

static struct span message(void) { return span_of(text, TEXT); }
static const struct crypto_sizes *sizes(size_t i) { return crypto_sizes(own[i].suite); }

static bool is_nist(size_t i) { return sizes(i)->nsigpk % 2 == 1 && sizes(i)->nsigpk != 57; } // signatures
static bool is_x(size_t i) { return sizes(i)->npk == 32 || sizes(i)->npk == 56 || sizes(i)->npk == 1216; }

static struct span keep(const uint8_t *p, size_t n)
{
    uint8_t *copy = mem_new(n);
    must(copy != NULL);
    memcpy(copy, p, n);
    return span_of(copy, n);
}

static void make_own(size_t i)
{
    uint8_t sk[CRYPTO_SK_MAX], pk[CRYPTO_PK_MAX], seed[CRYPTO_SIG_SEED], enc[CRYPTO_ENC_MAX], ct[TEXT + CRYPTO_TAG];
    uint8_t sig_sk[CRYPTO_SIGSK_MAX], sig_pk[CRYPTO_SIGPK_MAX], sig[CRYPTO_SIG_MAX];
    const struct crypto_suite *s = own[i].suite = crypto_suite_at(i);
    size_t n = 0;
    must(s != NULL);
    kit_random(seed, sizeof seed);
    must_ok(crypto_kem_derive(crypto, s, span_of(seed, 64), sk, pk));
    must_ok(crypto_sig_keygen(crypto, s, seed, sig_sk, sig_pk));
    must_ok(crypto_sign(crypto, s, span_of(sig_sk, sizes(i)->nsigsk), span_of(NULL, 0), message(), sig, &n));
    must_ok(crypto_hpke_seal(crypto, s, span_of(pk, sizes(i)->npk), message(), message(), seed, enc, ct));
    own[i].sk = keep(sk, sizes(i)->nsk);
    own[i].pk = keep(pk, sizes(i)->npk);
    own[i].sig_sk = keep(sig_sk, sizes(i)->nsigsk);
    own[i].sig_pk = keep(sig_pk, sizes(i)->nsigpk);
    own[i].sig = keep(sig, n);
    own[i].enc = keep(enc, sizes(i)->nenc);
    own[i].ct = keep(ct, sizeof ct);
}

void fuzz_open(void)
{
    must_ok(crypto_new(&crypto));
    for (size_t i = 0; i < SUITES; i++) make_own(i);
    must(crypto_suite_at(SUITES) == NULL);
}

// After an error an output is zeroed or as it was (0xAA here).
static void untouched(const uint8_t *p, size_t n)
{
    for (size_t i = 1; i < n; i++) must(p[i] == p[0]);
    must(n == 0 || p[0] == 0 || p[0] == 0xAA);
}

static struct span patched(struct feed *f, struct span genuine)
{
    struct buf *b = kit_buf();
    unsigned n = feed_u8(f) % 4;
    buf_put(b, genuine);
    feed_patch(f, n, b);
    return kit_copy(buf_span(b));
}

// The genuine thing with some damage, or something else altogether.
static struct span damaged(struct feed *f, struct span genuine)
{
    return feed_u8(f) & 1 ? kit_copy(feed_bytes(f)) : patched(f, genuine);
}

// -------------------------------------------------------------------------------------------------- signatures

static void play_x509(size_t i, struct feed *f)
{
    struct span der = kit_copy(feed_rest(f));
    uint8_t pk[CRYPTO_SIGPK_MAX], again[CRYPTO_SIGPK_MAX];
    memset(pk, 0xAA, sizeof pk);
    enum err e = crypto_x509_key(own[i].suite, der, pk);
    must(e == ERR_OK || e == ERR_MALFORMED || e == ERR_INVALID || e == ERR_LIMIT);
    if (e != ERR_OK) {
        untouched(pk, sizes(i)->nsigpk);
        return;
    }
    must(crypto_sig_pk_ok(crypto, own[i].suite, span_of(pk, sizes(i)->nsigpk)));
    must_ok(crypto_x509_key(own[i].suite, der, again));
    must(memcmp(pk, again, sizes(i)->nsigpk) == 0);
}

static void play_verify(size_t i, struct feed *f)
{
    struct span pk = damaged(f, own[i].sig_pk), sig = damaged(f, own[i].sig), msg = damaged(f, message());
    enum err e = crypto_verify(crypto, own[i].suite, pk, msg, sig);
    must(e == ERR_OK || e == ERR_UNAUTHENTICATED);
    must(crypto_verify(crypto, own[i].suite, pk, msg, sig) == e);
    bool mine = span_eq(pk, own[i].sig_pk), same = mine && span_eq(sig, own[i].sig) && span_eq(msg, message());
    if (same) must(e == ERR_OK);
    if (e != ERR_OK) return;
    must(crypto_sig_pk_ok(crypto, own[i].suite, pk));
    // Nobody can sign with the owner's key; ECDSA alone has a second signature to each.
    if (mine) must(same || (is_nist(i) && span_eq(msg, message())));
}

static void play_sign(size_t i, struct feed *f)
{
    struct span sk = damaged(f, own[i].sig_sk), msg = kit_copy(feed_rest(f));
    uint8_t pk[CRYPTO_SIGPK_MAX], sig[CRYPTO_SIG_MAX];
    size_t n = 0;
    enum err e = crypto_sig_public(crypto, own[i].suite, sk, pk);
    must(e == ERR_OK || (e == ERR_MISUSE && sk.n != sizes(i)->nsigsk) || (e == ERR_INVALID && is_nist(i)));
    must(crypto_sign(crypto, own[i].suite, sk, span_of(NULL, 0), msg, sig, &n) == e);
    if (e != ERR_OK) return;
    struct span public = span_of(pk, sizes(i)->nsigpk);
    must(n > 0 && n <= sizes(i)->nsigmax);
    must_ok(crypto_verify(crypto, own[i].suite, public, msg, span_of(sig, n)));
    must_ok(crypto_sign(crypto, own[i].suite, sk, public, msg, sig, &n));
    must_ok(crypto_verify(crypto, own[i].suite, public, msg, span_of(sig, n)));
}

// ----------------------------------------------------------------------------------------------------- KEM, HPKE

static void play_public_key(size_t i, struct feed *f)
{
    const struct crypto_sizes *z = sizes(i);
    uint8_t seed[CRYPTO_SEED_MAX], enc[CRYPTO_ENC_MAX], ct[TEXT + CRYPTO_TAG];
    struct span pk = damaged(f, own[i].pk);
    memset(enc, 0xAA, sizeof enc);
    memset(ct, 0xAA, sizeof ct);
    kit_random(seed, sizeof seed);
    bool ok = crypto_kem_pk_ok(crypto, own[i].suite, pk);
    enum err e = crypto_hpke_seal(crypto, own[i].suite, pk, message(), message(), seed, enc, ct);
    must(e == ERR_OK || e == ERR_INVALID);
    must(ok || e == ERR_INVALID);
    must(!ok || e == ERR_OK || is_x(i)); // to few points of X25519 and X448 nobody can seal
    if (e != ERR_OK) untouched(enc, z->nenc);
    if (e != ERR_OK) untouched(ct, sizeof ct);
    if (e == ERR_OK && span_eq(pk, own[i].pk)) {
        uint8_t pt[TEXT];
        must_ok(crypto_hpke_open(crypto, own[i].suite, own[i].sk, pk, span_of(enc, z->nenc), message(),
                                 span_of(ct, sizeof ct), pt));
        must(memcmp(pt, text, TEXT) == 0);
    }
}

static void play_open(size_t i, struct feed *f)
{
    struct span enc = damaged(f, own[i].enc), ct = damaged(f, own[i].ct), info = damaged(f, message());
    bool same = span_eq(enc, own[i].enc) && span_eq(ct, own[i].ct) && span_eq(info, message());
    struct span pk = feed_u8(f) & 1 ? own[i].pk : span_of(NULL, 0);
    if (ct.n < CRYPTO_TAG) return; // the callers look
    uint8_t *pt = mem_new(ct.n);
    must(pt != NULL);
    memset(pt, 0xAA, ct.n - CRYPTO_TAG);
    enum err e = crypto_hpke_open(crypto, own[i].suite, own[i].sk, pk, enc, info, ct, pt);
    must(e == (same ? ERR_OK : ERR_UNAUTHENTICATED));
    if (e == ERR_OK) must(memcmp(pt, text, TEXT) == 0);
    else untouched(pt, ct.n - CRYPTO_TAG);
    mem_free(pt);
}

static void play_private_key(size_t i, struct feed *f)
{
    const struct crypto_sizes *z = sizes(i);
    uint8_t sk[CRYPTO_SK_MAX], pk[CRYPTO_PK_MAX], again[CRYPTO_PK_MAX], seed[CRYPTO_SEED_MAX], enc[CRYPTO_ENC_MAX];
    uint8_t sent[32], got[32];
    struct span some = damaged(f, own[i].sk), ikm = kit_copy(feed_rest(f));
    enum err e = crypto_kem_public(crypto, own[i].suite, some, pk);
    must(e == ERR_OK || e == ERR_INVALID || (e == ERR_MISUSE && some.n != z->nsk));
    if (e == ERR_OK) must(crypto_kem_pk_ok(crypto, own[i].suite, span_of(pk, z->npk)));
    must_ok(crypto_kem_derive(crypto, own[i].suite, ikm, sk, pk));
    must_ok(crypto_kem_public(crypto, own[i].suite, span_of(sk, z->nsk), again));
    must(memcmp(pk, again, z->npk) == 0);
    kit_random(seed, sizeof seed);
    must_ok(crypto_hpke_export_send(crypto, own[i].suite, span_of(pk, z->npk), ikm, ikm, seed, enc, sent, sizeof sent));
    must_ok(crypto_hpke_export_receive(crypto, own[i].suite, span_of(sk, z->nsk), span_of(NULL, 0),
                                       span_of(enc, z->nenc), ikm, ikm, got, sizeof got));
    must(memcmp(sent, got, sizeof got) == 0);
}

// ------------------------------------------------------------------------------------------------- hashes and AEAD

static void play_hash(size_t i, struct feed *f)
{
    const struct crypto_suite *s = own[i].suite;
    uint8_t a[CRYPTO_HASH_MAX], b[CRYPTO_HASH_MAX], *out;
    size_t n = feed_u16(f) % (256 * (size_t)sizes(i)->nh + 2), nh = sizes(i)->nh;
    struct span key = kit_copy(feed_bytes(f)), one = kit_copy(feed_bytes(f)), two = kit_copy(feed_rest(f));
    struct buf *both = kit_buf();
    buf_put(both, one);
    buf_put(both, two);
    const struct span parts[] = {one, two}, whole = buf_span(both);
    must_ok(crypto_hash(crypto, s, parts, 2, a));
    must_ok(crypto_hash(crypto, s, &whole, 1, b));
    must(memcmp(a, b, nh) == 0);
    must_ok(crypto_mac(crypto, s, key, parts, 2, a));
    must_ok(crypto_mac(crypto, s, key, &whole, 1, b));
    must(memcmp(a, b, nh) == 0);
    must_ok(crypto_extract(crypto, s, key, whole, b)); // HMAC by definition
    must(memcmp(a, b, nh) == 0);
    out = mem_new(n);
    must(out != NULL);
    enum err e = crypto_expand(crypto, s, span_of(a, nh), parts, 2, out, n);
    must(e == (n > 255 * nh ? ERR_LIMIT : ERR_OK));
    if (e == ERR_OK && n > 0) {
        must_ok(crypto_expand(crypto, s, span_of(a, nh), &whole, 1, b, n < nh ? n : nh));
        must(memcmp(out, b, n < nh ? n : nh) == 0);
    }
    mem_free(out);
}

static void play_aead(size_t i, struct feed *f)
{
    const struct crypto_suite *s = own[i].suite;
    uint8_t key[CRYPTO_KEY_MAX], nonce[CRYPTO_NONCE];
    kit_random(key, sizeof key);
    kit_random(nonce, sizeof nonce);
    struct span aad = kit_copy(feed_bytes(f)), pt = kit_copy(feed_bytes(f));
    struct buf *sealed = kit_buf();
    uint8_t *at = buf_grow(sealed, pt.n + CRYPTO_TAG);
    must_ok(crypto_seal(crypto, s, key, nonce, aad, pt, at));
    struct span ct = patched(f, buf_span(sealed));
    bool same = span_eq(ct, buf_span(sealed));
    if (ct.n < CRYPTO_TAG) return;
    uint8_t *out = mem_new(ct.n), *in_place = mem_new(ct.n);
    must(out != NULL && in_place != NULL);
    memcpy(in_place, ct.p, ct.n);
    enum err e = crypto_open(crypto, s, key, nonce, aad, ct, out);
    must(e == (same ? ERR_OK : ERR_UNAUTHENTICATED));
    must(crypto_open(crypto, s, key, nonce, aad, span_of(in_place, ct.n), in_place) == e);
    must(memcmp(out, in_place, ct.n - CRYPTO_TAG) == 0); // both zero after a failure
    if (same) must(span_eq(span_of(out, pt.n), pt));
    mem_free(out);
    mem_free(in_place);
}

// ------------------------------------------------------------------------------------------------------ ML-KEM

static const struct {
    const struct mlkem *m;
    size_t k;
} sets[] = {{&mlkem_512, 2}, {&mlkem_768, 3}, {&mlkem_1024, 4}};

// The modulus check of FIPS 203 §7.2, coefficient by coefficient.
static bool canonical(struct span ek, size_t k)
{
    bool ok = ek.n == 384 * k + 32;
    for (size_t i = 0; ok && i < 384 * k; i += 3) {
        unsigned a = ek.p[i] | (ek.p[i + 1] & 0xfu) << 8, b = ek.p[i + 1] >> 4 | (unsigned)ek.p[i + 2] << 4;
        ok = a < 3329 && b < 3329;
    }
    return ok;
}

static void play_mlkem(size_t i, struct feed *f)
{
    const struct mlkem *m = sets[i % 3].m;
    uint8_t d[64], ek[MLKEM_EK_MAX], dk[MLKEM_DK_MAX], ct[MLKEM_CT_MAX], ss[MLKEM_SS], got[MLKEM_SS], rejected[MLKEM_SS];
    kit_random(d, sizeof d);
    mlkem_keygen(m, d, d + 32, ek, dk);
    must(mlkem_ek_ok(m, span_of(ek, mlkem_ek_size(m))) && mlkem_dk_ok(m, span_of(dk, mlkem_dk_size(m))));
    mlkem_encaps(m, ek, d, ct, ss);
    mlkem_decaps(m, dk, ct, got);
    must(memcmp(ss, got, sizeof ss) == 0);
    struct span other_ek = damaged(f, span_of(ek, mlkem_ek_size(m))), other_dk = damaged(f, span_of(dk, mlkem_dk_size(m)));
    struct span other = damaged(f, span_of(ct, mlkem_ct_size(m)));
    must(mlkem_ek_ok(m, other_ek) == canonical(other_ek, sets[i % 3].k));
    if (mlkem_dk_ok(m, other_dk)) must(other_dk.n == mlkem_dk_size(m));
    if (other.n != mlkem_ct_size(m)) return;
    mlkem_decaps(m, dk, other.p, got);
    // FIPS 203 §6.3: a ciphertext that is not the genuine one gives J(z || c).
    struct keccak j;
    keccak_shake256(&j);
    keccak_absorb(&j, span_of(d + 32, 32));
    keccak_absorb(&j, other);
    keccak_finish(&j);
    keccak_squeeze(&j, rejected, sizeof rejected);
    bool same = span_eq(other, span_of(ct, mlkem_ct_size(m)));
    must(memcmp(got, same ? ss : rejected, sizeof got) == 0);
}

// ---------------------------------------------------------------------------------------------------- the fuzzer

static void (*const plays[])(size_t i, struct feed *f) = {
    play_x509, play_verify, play_sign, play_public_key, play_open, play_private_key, play_hash, play_aead, play_mlkem};
enum { PLAYS = sizeof plays / sizeof *plays };

void fuzz_one(struct span input)
{
    struct feed f = {input.p, input.n};
    size_t play = feed_u8(&f) % PLAYS, suite = feed_u8(&f);
    bool marked = suite & 0x80; // whether an error of the caller's stands in the queue
    ERR_clear_error();
    if (marked) ERR_raise(ERR_LIB_USER, 42);
    plays[play]((suite & 0x7f) % SUITES, &f);
    if (marked) must(ERR_GET_REASON(ERR_get_error()) == 42);
    must(ERR_get_error() == 0);
}

// A self-signed certificate with nothing but a key in it.
static void seed_certificate(const char *folder, uint8_t suite, const char *name, EVP_PKEY *key, const EVP_MD *md)
{
    X509 *x = X509_new();
    uint8_t *der = NULL;
    struct buf *b = kit_buf();
    must(key != NULL && x != NULL && X509_set_pubkey(x, key) == 1);
    must(X509_gmtime_adj(X509_getm_notBefore(x), 0) != NULL && X509_gmtime_adj(X509_getm_notAfter(x), 60) != NULL);
    must(X509_sign(x, key, md) > 0);
    int n = i2d_X509(x, &der);
    must(n > 0);
    buf_put(b, span_of((const uint8_t[]){0, suite}, 2));
    buf_put(b, span_of(der, (size_t)n));
    uint8_t pk[CRYPTO_SIGPK_MAX];
    if (EVP_PKEY_is_a(key, "RSA") == 0) must_ok(crypto_x509_key(own[suite].suite, span_of(der, (size_t)n), pk));
    kit_seed(folder, name, buf_span(b));
    OPENSSL_free(der);
    X509_free(x);
    EVP_PKEY_free(key);
}

static EVP_PKEY *compressed(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    must(key != NULL && EVP_PKEY_set_utf8_string_param(key, "point-format", "compressed") == 1);
    return key;
}

void fuzz_seeds(const char *folder)
{
    for (uint8_t play = 1; play < PLAYS; play++) {
        for (uint8_t suite = 0; suite < SUITES; suite++) {
            char name[32];
            const uint8_t some[] = {play, suite, 0, 1, 0, 0, 7, 3, 0, 1, 2, 0, 9, 4, 0, 1, 0, 0, 1, 1, 0};
            snprintf(name, sizeof name, "%u-%u", play, suite);
            kit_seed(folder, name, span_of(some, sizeof some));
        }
    }
    seed_certificate(folder, 0, "x509-ed25519", EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL);
    seed_certificate(folder, 3, "x509-ed448", EVP_PKEY_Q_keygen(NULL, NULL, "ED448"), NULL);
    seed_certificate(folder, 1, "x509-p256", EVP_EC_gen("P-256"), EVP_sha256());
    seed_certificate(folder, 1, "x509-compressed", compressed(), EVP_sha256());
    seed_certificate(folder, 6, "x509-p384", EVP_EC_gen("P-384"), EVP_sha384());
    seed_certificate(folder, 4, "x509-p521", EVP_EC_gen("P-521"), EVP_sha512());
    seed_certificate(folder, 1, "x509-rsa", EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024), EVP_sha256());
}
