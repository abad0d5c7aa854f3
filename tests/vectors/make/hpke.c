// SPDX-License-Identifier: Apache-2.0
//
// Generators of hpke (base mode, in the format of RFC 9180 Appendix A) and x-wing.
#include "crypto/hpke.h"
#include "vectors/make/generators.h"

enum { KEM_X25519 = 0x0020, KEM_X448 = 0x0021, KEM_XWING = 0x647a };

// The randomness that our encapsulation takes, from the ikmE of the vectors: see tests/vectors/hpke.c.
static struct span encap_seed(struct make *m, const struct kem_alg *k, struct span ikm)
{
    uint8_t pk[CRYPTO_PK_MAX], *sk = trial_bytes(&m->t, k->nsk);
    if (m->t.failed || (k->id != KEM_X25519 && k->id != KEM_X448)) return ikm;
    trial_ok(&m->t, k->derive(m->t.algo.crypto, k, ikm.p != NULL ? ikm : span_of("", 0), sk, pk), "ephemeral key");
    return span_of(sk, k->nsk);
}

static void encryptions(struct make *m, json_t *o, struct hpke_context *x)
{
    json_t *list = kit_list(m, o, "encryptions");
    for (uint64_t i = 0; !m->t.failed && i < (m->plan->small ? 2 : 10); i++) {
        json_t *one = kit_append_object(m, list);
        struct span aad = kit_random(m, kit_below(m, 40)), pt = kit_random(m, kit_below(m, 100));
        uint8_t nonce[CRYPTO_NONCE], *ct = trial_bytes(&m->t, pt.n + CRYPTO_TAG);
        memcpy(nonce, x->base_nonce, sizeof nonce);
        for (size_t k = 0; k < 8; k++) nonce[CRYPTO_NONCE - 1 - k] ^= (uint8_t)(i >> 8 * k);
        if (m->t.failed || !trial_ok(&m->t, hpke_seal(m->t.algo.crypto, x, aad, pt, ct), "seal")) return;
        kit_bytes(m, one, "aad", aad);
        kit_bytes(m, one, "ct", span_of(ct, pt.n + CRYPTO_TAG));
        kit_bytes(m, one, "nonce", span_of(nonce, sizeof nonce));
        kit_bytes(m, one, "pt", pt);
    }
}

static void exports(struct make *m, json_t *o, const struct hpke_context *x)
{
    json_t *list = kit_list(m, o, "exports");
    for (uint32_t i = 0; !m->t.failed && i < (m->plan->small ? 1 : 5); i++) {
        json_t *one = kit_append_object(m, list);
        struct span context = kit_random(m, kit_below(m, 60));
        uint8_t out[96];
        size_t n = kit_range(m, 1, sizeof out);
        if (m->t.failed || !trial_ok(&m->t, hpke_export(m->t.algo.crypto, x, context, out, n), "export")) return;
        kit_bytes(m, one, "exporter_context", context);
        kit_number(m, one, "L", n);
        kit_bytes(m, one, "exported_value", span_of(out, n));
    }
}

static void hpke_case(struct make *m, const struct hpke *h)
{
    struct crypto *c = m->t.algo.crypto;
    const struct kem_alg *k = h->kem;
    struct span ikm = kit_random(m, k->nsk), ikm_e = kit_random(m, k->nseed), info = kit_random(m, kit_below(m, 60));
    struct span seed = encap_seed(m, k, ikm_e);
    uint8_t sk[CRYPTO_SK_MAX], pk[CRYPTO_PK_MAX], enc[CRYPTO_ENC_MAX], ss[CRYPTO_SS_MAX];
    struct hpke_context x;
    if (m->t.failed || !trial_ok(&m->t, k->derive(c, k, ikm, sk, pk), "key pair")) return;
    enum err e = k->encap(c, k, pk, seed, enc, ss);
    if (e == ERR_OK) e = hpke_setup_send(c, h, span_of(pk, k->npk), info, seed, enc, &x);
    if (!trial_ok(&m->t, e, "set up")) return;
    json_t *o = kit_case(m);
    kit_number(m, o, "mode", 0);
    kit_number(m, o, "kem_id", k->id);
    kit_number(m, o, "kdf_id", h->kdf->id);
    kit_number(m, o, "aead_id", h->aead->id);
    kit_bytes(m, o, "info", info);
    kit_bytes(m, o, "ikmR", ikm);
    kit_bytes(m, o, "ikmE", ikm_e);
    kit_bytes(m, o, "skRm", span_of(sk, k->nsk));
    kit_bytes(m, o, "pkRm", span_of(pk, k->npk));
    kit_bytes(m, o, "enc", span_of(enc, k->nenc));
    kit_bytes(m, o, "shared_secret", span_of(ss, k->nss));
    kit_bytes(m, o, "key", span_of(x.key, h->aead->nk));
    kit_bytes(m, o, "base_nonce", span_of(x.base_nonce, CRYPTO_NONCE));
    kit_bytes(m, o, "exporter_secret", span_of(x.exporter_secret, h->kdf->nh));
    encryptions(m, o, &x);
    exports(m, o, &x);
    hpke_wipe(&x);
}

void gen_hpke(struct make *m)
{
    // Every KEM once with each KDF, and each AEAD in turn; a combination that is not here is left out.
    static const uint16_t kems[] = {0x0010, 0x0011, 0x0012, 0x0020, 0x0021, 0x0040,
                                    0x0041, 0x0042, 0x0050, 0x0051, KEM_XWING};
    static const uint16_t kdfs[] = {0x0001, 0x0002, 0x0003, 0x0010, 0x0011, 0x0012, 0x0013};
    size_t at = 0;
    for (size_t i = 0; i < sizeof kems / sizeof *kems; i++) {
        for (size_t j = 0; !m->t.failed && j < sizeof kdfs / sizeof *kdfs; j++) {
            struct hpke h;
            if (hpke_find(kems[i], kdfs[j], (uint16_t)(1 + at % 3), &h) != ERR_OK) continue;
            at++;
            hpke_case(m, &h);
            if (m->plan->small) break;
        }
    }
}

void gen_xwing(struct make *m)
{
    struct crypto *c = m->t.algo.crypto;
    struct hpke h;
    if (!trial_ok(&m->t, hpke_find(KEM_XWING, 1, 1, &h), "X-Wing")) return;
    const struct kem_alg *k = h.kem;
    for (uint32_t i = 0; !m->t.failed && i < (m->plan->small ? 2 : 10); i++) {
        struct span sk = kit_random(m, k->nsk), seed = kit_random(m, k->nseed);
        uint8_t pk[CRYPTO_PK_MAX], enc[CRYPTO_ENC_MAX], ss[CRYPTO_SS_MAX];
        if (m->t.failed || !trial_ok(&m->t, k->public(c, k, sk.p, pk), "public key")) return;
        if (!trial_ok(&m->t, k->encap(c, k, pk, seed, enc, ss), "encapsulate")) return;
        json_t *o = kit_case(m);
        kit_bytes(m, o, "seed", sk);
        kit_bytes(m, o, "eseed", seed);
        kit_bytes(m, o, "ss", span_of(ss, k->nss));
        kit_bytes(m, o, "sk", sk);
        kit_bytes(m, o, "pk", span_of(pk, k->npk));
        kit_bytes(m, o, "ct", span_of(enc, k->nenc));
    }
}
