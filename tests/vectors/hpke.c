// SPDX-License-Identifier: Apache-2.0
//
// Vector types hpke (draft-ietf-hpke-pq, in the format of RFC 9180 Appendix A; base mode) and x-wing
// (draft-connolly-cfrg-xwing-kem). Randomness comes from the vectors, so that every value can be compared.
#include "crypto/hpke.h"
#include "vectors/types.h"

enum { KEM_XWING = 0x647a, KEM_X25519 = 0x0020, KEM_X448 = 0x0021 };

// Looks up the KEM, KDF and AEAD of a case.
static bool find(struct trial *t, uint16_t kem, uint16_t kdf, uint16_t aead, struct hpke *out)
{
    if (t->failed) return false;
    enum err e = hpke_find(kem, kdf, aead, out);
    if (e == ERR_UNSUPPORTED) {
        trial_unknown(t, "no HPKE with kem_id 0x%04x, kdf_id 0x%04x, aead_id 0x%04x", kem, kdf, aead);
        return false;
    }
    return trial_ok(t, e, "find the algorithms");
}

// ----------------------------------------------------------------------------------------------------------- KEM

struct kem_case {
    const struct kem_alg *kem;
    struct span sk, pk, seed, enc, ss; // seed: of the encapsulation
};

// Keys, ciphertext and shared secret, in both directions.
static void check_kem(struct trial *t, const struct kem_case *k)
{
    struct crypto *c = t->algo.crypto;
    const struct kem_alg *a = k->kem;
    uint8_t pk[CRYPTO_PK_MAX], enc[CRYPTO_ENC_MAX], ss[CRYPTO_SS_MAX];
    trial_equal(t, k->sk.n, a->nsk, "private key: length");
    trial_equal(t, k->pk.n, a->npk, "public key: length");
    trial_equal(t, k->enc.n, a->nenc, "encapsulated secret: length");
    trial_equal(t, k->ss.n, a->nss, "shared secret: length");
    trial_equal(t, k->seed.n, a->nseed, "randomness of the encapsulation: length");
    if (t->failed || !trial_ok(t, a->public(c, a, k->sk.p, pk), "public key of the private key")) return;
    trial_same(t, span_of(pk, a->npk), k->pk, "public key of the private key");
    trial_true(t, a->pk_ok(c, a, k->pk.p), "the public key is one");
    if (!trial_ok(t, a->encap(c, a, k->pk.p, k->seed, enc, ss), "encapsulate")) return;
    trial_same(t, span_of(enc, a->nenc), k->enc, "encapsulate: ciphertext");
    trial_same(t, span_of(ss, a->nss), k->ss, "encapsulate: shared secret");
    for (int with_pk = 0; with_pk < 2; with_pk++) {
        if (!trial_ok(t, a->decap(c, a, k->sk.p, with_pk ? k->pk.p : NULL, k->enc.p, ss), "decapsulate")) return;
        trial_same(t, span_of(ss, a->nss), k->ss, "decapsulate: shared secret");
    }
    // ML-KEM rejects implicitly, the groups may refuse: in no case does the same secret come out.
    enc[0] ^= 1;
    enum err e = a->decap(c, a, k->sk.p, k->pk.p, enc, ss);
    trial_true(t, e != ERR_OK || !span_eq(span_of(ss, a->nss), k->ss), "another ciphertext gives another secret");
}

void hpke_xwing(struct trial *t, const struct field *v)
{
    struct hpke h;
    struct span seed = field_get_bytes(v, "seed");
    struct kem_case k = {.sk = field_get_bytes(v, "sk"),
                         .pk = field_get_bytes(v, "pk"),
                         .seed = field_get_bytes(v, "eseed"),
                         .enc = field_get_bytes(v, "ct"),
                         .ss = field_get_bytes(v, "ss")};
    if (!find(t, KEM_XWING, 1, 1, &h)) return;
    k.kem = h.kem;
    trial_same(t, k.sk, seed, "the private key is the seed");
    check_kem(t, &k);
}

// ---------------------------------------------------------------------------------------------------------- HPKE

// The private key of the X functions as a scalar: with the bits set and cleared that RFC 7748 §5 sets and clears. HPKE
// leaves it open in which of the two forms a private key is written.
static void clamp(const struct kem_alg *k, uint8_t *sk)
{
    if (k->id != KEM_X25519 && k->id != KEM_X448) return;
    sk[0] &= k->id == KEM_X25519 ? 0xf8 : 0xfc;
    if (k->id == KEM_X25519) sk[k->nsk - 1] &= 0x7f;
    sk[k->nsk - 1] |= k->id == KEM_X25519 ? 0x40 : 0x80;
}

// DeriveKeyPair(ikmR).
static void check_derive(struct trial *t, const struct kem_case *k, struct span ikm)
{
    uint8_t sk[CRYPTO_SK_MAX], pk[CRYPTO_PK_MAX], want[CRYPTO_SK_MAX];
    if (!trial_equal(t, k->sk.n, k->kem->nsk, "skRm: length")) return;
    memcpy(want, k->sk.p, k->sk.n);
    if (!trial_ok(t, k->kem->derive(t->algo.crypto, k->kem, ikm, sk, pk), "derive the key pair from ikmR")) return;
    clamp(k->kem, sk);
    clamp(k->kem, want);
    trial_same(t, span_of(sk, k->kem->nsk), span_of(want, k->kem->nsk), "skRm");
    trial_same(t, span_of(pk, k->kem->npk), k->pk, "pkRm");
}

// The vectors derive the ephemeral key of every DHKEM from ikmE; ours takes the scalar of an X function as it is.
static struct span encap_seed(struct trial *t, const struct kem_alg *k, struct span ikm)
{
    uint8_t pk[CRYPTO_PK_MAX], *sk = NULL;
    if (t->failed || (k->id != KEM_X25519 && k->id != KEM_X448)) return ikm;
    sk = trial_bytes(t, k->nsk);
    if (sk == NULL || !trial_ok(t, k->derive(t->algo.crypto, k, ikm, sk, pk), "derive the ephemeral key")) return ikm;
    return span_of(sk, k->nsk);
}

static void check_context(struct trial *t, const struct hpke_context *x, const struct field *v, const char *side)
{
    trial_same(t, span_of(x->key, x->alg.aead->nk), field_get_bytes(v, "key"), "%s: key", side);
    trial_same(t, span_of(x->base_nonce, CRYPTO_NONCE), field_get_bytes(v, "base_nonce"), "%s: base_nonce", side);
    trial_same(t, span_of(x->exporter_secret, x->alg.kdf->nh), field_get_bytes(v, "exporter_secret"),
               "%s: exporter_secret", side);
}

// One message, sealed and opened; the contexts count them.
static void check_encryption(struct trial *t, struct hpke_context *send, struct hpke_context *receive,
                             const struct field *f, uint64_t seq)
{
    struct crypto *c = t->algo.crypto;
    struct span aad = field_get_bytes(f, "aad"), pt = field_get_bytes(f, "pt"), ct = field_get_bytes(f, "ct");
    struct span nonce = field_get_bytes(f, "nonce");
    uint8_t expected[CRYPTO_NONCE];
    uint8_t *sealed = trial_bytes(t, pt.n + CRYPTO_TAG), *opened = trial_bytes(t, ct.n);
    memcpy(expected, send->base_nonce, CRYPTO_NONCE);
    for (size_t i = 0; i < 8; i++) expected[CRYPTO_NONCE - 1 - i] ^= (uint8_t)(seq >> 8 * i);
    trial_same(t, span_of(expected, CRYPTO_NONCE), nonce, "%s.nonce", f->name);
    trial_true(t, ct.n >= CRYPTO_TAG, "%s.ct has a tag", f->name);
    if (t->failed || !trial_ok(t, hpke_seal(c, send, aad, pt, sealed), "%s: seal", f->name)) return;
    trial_same(t, span_of(sealed, pt.n + CRYPTO_TAG), ct, "%s: seal", f->name);
    trial_refused(t, hpke_open(c, receive, span_of(nonce.p, nonce.n), ct, opened), ERR_UNAUTHENTICATED,
                  "%s: open with another aad", f->name);
    if (!trial_ok(t, hpke_open(c, receive, aad, ct, opened), "%s: open", f->name)) return;
    trial_same(t, span_of(opened, ct.n - CRYPTO_TAG), pt, "%s: open", f->name);
}

static void check_export(struct trial *t, const struct hpke_context *x, const struct field *f, const char *side)
{
    struct span context = field_get_bytes(f, "exporter_context"), want = field_get_bytes(f, "exported_value");
    size_t n = (size_t)field_get_number(f, "L", UINT16_MAX);
    uint8_t *out = t->failed ? NULL : trial_bytes(t, n);
    if (out == NULL || !trial_ok(t, hpke_export(t->algo.crypto, x, context, out, n), "%s: %s", f->name, side)) return;
    trial_same(t, span_of(out, n), want, "%s: %s", f->name, side);
}

static void check_messages(struct trial *t, struct hpke_context *send, struct hpke_context *receive,
                           const struct field *v)
{
    struct field list = field_get(v, "encryptions"), exports = field_get(v, "exports");
    for (size_t i = 0; i < field_count(&list) && !t->failed; i++) {
        struct field f = field_item(&list, i);
        check_encryption(t, send, receive, &f, i);
    }
    for (size_t i = 0; i < field_count(&exports) && !t->failed; i++) {
        struct field f = field_item(&exports, i);
        check_export(t, send, &f, "sender");
        check_export(t, receive, &f, "receiver");
    }
}

// suite_id = concat("HPKE", I2OSP(kem_id, 2), I2OSP(kdf_id, 2), I2OSP(aead_id, 2)) (RFC 9180 §5.1)
static void check_suite_id(struct trial *t, const struct hpke *h, struct span want)
{
    struct buf b;
    buf_init(&b, 16);
    buf_put(&b, span_str("HPKE"));
    tls_put_u16(&b, h->kem->id);
    tls_put_u16(&b, h->kdf->id);
    tls_put_u16(&b, h->aead->id);
    trial_same(t, buf_span(&b), want, "suite_id");
    buf_wipe(&b);
}

void hpke_base(struct trial *t, const struct field *v)
{
    uint64_t mode = field_get_number(v, "mode", 3);
    uint16_t kem = (uint16_t)field_get_number(v, "kem_id", UINT16_MAX);
    uint16_t kdf = (uint16_t)field_get_number(v, "kdf_id", UINT16_MAX);
    uint16_t aead = (uint16_t)field_get_number(v, "aead_id", UINT16_MAX);
    struct span info = field_get_bytes(v, "info"), ikm = field_get_bytes(v, "ikmR"), ikm_e = field_get_bytes(v, "ikmE");
    struct kem_case k = {.sk = field_get_bytes(v, "skRm"),
                         .pk = field_get_bytes(v, "pkRm"),
                         .enc = field_get_bytes(v, "enc"),
                         .ss = field_get_bytes(v, "shared_secret")};
    struct hpke h;
    struct hpke_context send, receive;
    uint8_t enc[CRYPTO_ENC_MAX];
    if (!t->failed && mode != 0) trial_unknown(t, "mode %u: only base mode is here", (unsigned)mode);
    if (!find(t, kem, kdf, aead, &h)) return;
    if (field_has(v, "suite_id")) check_suite_id(t, &h, field_get_bytes(v, "suite_id"));
    k.kem = h.kem;
    check_derive(t, &k, ikm);
    k.seed = encap_seed(t, h.kem, ikm_e);
    check_kem(t, &k);
    if (t->failed) return;
    struct crypto *c = t->algo.crypto;
    if (!trial_ok(t, hpke_setup_send(c, &h, k.pk, info, k.seed, enc, &send), "set the sender up")) return;
    trial_same(t, span_of(enc, h.kem->nenc), k.enc, "enc");
    check_context(t, &send, v, "sender");
    if (trial_ok(t, hpke_setup_receive(c, &h, k.sk, k.pk, k.enc, info, &receive), "set the receiver up")) {
        check_context(t, &receive, v, "receiver");
        check_messages(t, &send, &receive, v);
        hpke_wipe(&receive);
    }
    hpke_wipe(&send);
}
