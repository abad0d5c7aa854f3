// SPDX-License-Identifier: Apache-2.0
//
// HPKE in base mode: the key schedule, the context, and the single-shot functions of crypto.h. Which KEM and KDF it
// is, the tables tell; sizes of everything that comes from outside are checked here, once, for all KEMs.
// Invariant: a context holds a full key schedule or zeros, and its nonce is never used twice.
#include "crypto/hpke.h"

static const struct kem_alg *const kems[] = {
    &dhkem_p256,   &dhkem_p384,   &dhkem_p521,    &dhkem_x25519,         &dhkem_x448,
    &kem_mlkem512, &kem_mlkem768, &kem_mlkem1024, &hybrid_mlkem768_p256, &hybrid_mlkem768_x25519,
    &hybrid_mlkem1024_p384,
};
static const struct kdf_alg *const kdfs[] = {
    &kdf_hkdf_sha256, &kdf_hkdf_sha384,   &kdf_hkdf_sha512,   &kdf_shake128,
    &kdf_shake256,    &kdf_turboshake128, &kdf_turboshake256,
};
static const struct aead_alg *const aeads[] = {&aead_aes128, &aead_aes256, &aead_chacha20};

enum err hpke_find(uint16_t kem, uint16_t kdf, uint16_t aead, struct hpke *out)
{
    struct hpke h = {0};
    for (size_t i = 0; i < sizeof kems / sizeof *kems; i++)
        if (kems[i]->id == kem) h.kem = kems[i];
    for (size_t i = 0; i < sizeof kdfs / sizeof *kdfs; i++)
        if (kdfs[i]->id == kdf) h.kdf = kdfs[i];
    for (size_t i = 0; i < sizeof aeads / sizeof *aeads; i++)
        if (aeads[i]->id == aead) h.aead = aeads[i];
    if (h.kem == NULL || h.kdf == NULL || h.aead == NULL) return ERR_UNSUPPORTED;
    *out = h;
    return ERR_OK;
}

struct label {
    uint8_t b[10]; // suite_id = concat("HPKE", I2OSP(kem_id, 2), I2OSP(kdf_id, 2), I2OSP(aead_id, 2)) (§5.1)
};

static struct label suite_id(const struct hpke *h)
{
    const uint16_t kem = h->kem->id, kdf = h->kdf->id, aead = h->aead->id;
    return (struct label){{'H', 'P', 'K', 'E', (uint8_t)(kem >> 8), (uint8_t)kem, (uint8_t)(kdf >> 8), (uint8_t)kdf,
                           (uint8_t)(aead >> 8), (uint8_t)aead}};
}

// key_schedule_context (§5.1) for a two-stage KDF in mode_base, where psk and psk_id are empty: it depends on the
// suite and on info, but on no key.
static enum err context_two(struct crypto *c, const struct hpke *alg, const struct span *info, size_t n_info,
                            uint8_t context[1 + 2 * CRYPTO_HASH_MAX])
{
    const struct hash_alg *h = alg->kdf->hash;
    struct label id = suite_id(alg);
    const struct span id_span = span_of(id.b, sizeof id.b), none = span_of(NULL, 0);
    context[0] = 0; // mode_base
    enum err e = kdf_labeled_extract(c, h, id_span, none, "psk_id_hash", NULL, 0, context + 1);
    return e == ERR_OK ? kdf_labeled_extract(c, h, id_span, none, "info_hash", info, n_info, context + 1 + h->nh) : e;
}

// The rest of KeySchedule, from the shared secret.
static enum err schedule_from(struct crypto *c, const uint8_t *ss, const uint8_t *context, struct hpke_context *x)
{
    const struct hash_alg *h = x->alg.kdf->hash;
    struct label id = suite_id(&x->alg);
    const struct span id_span = span_of(id.b, sizeof id.b);
    uint8_t secret[CRYPTO_HASH_MAX]; /* secret */
    const struct span context_span = span_of(context, 1 + 2 * (size_t)h->nh), prk = span_of(secret, h->nh);
    enum err e = kdf_labeled_extract(c, h, id_span, span_of(ss, x->alg.kem->nss), "secret", NULL, 0, secret);
    if (e == ERR_OK)
        e = kdf_labeled_expand(c, h, id_span, prk, "key", &context_span, 1, x->key, x->alg.aead->nk);
    if (e == ERR_OK)
        e = kdf_labeled_expand(c, h, id_span, prk, "base_nonce", &context_span, 1, x->base_nonce, CRYPTO_NONCE);
    if (e == ERR_OK) e = kdf_labeled_expand(c, h, id_span, prk, "exp", &context_span, 1, x->exporter_secret, h->nh);
    mem_wipe(secret, sizeof secret);
    return e;
}

static enum err schedule_two(struct crypto *c, const uint8_t *ss, struct span info, struct hpke_context *x)
{
    uint8_t context[1 + 2 * CRYPTO_HASH_MAX];
    enum err e = context_two(c, &x->alg, &info, 1, context);
    return e == ERR_OK ? schedule_from(c, ss, context, x) : e;
}

// CombineSecrets_OneStage (draft-ietf-hpke-hpke §5.1): one derivation gives key, nonce and exporter secret.
static enum err schedule_one(const uint8_t *ss, struct span info, struct hpke_context *x)
{
    if (info.n > UINT16_MAX) return ERR_LIMIT;
    struct label id = suite_id(&x->alg);
    const size_t nss = x->alg.kem->nss, nk = x->alg.aead->nk, nh = x->alg.kdf->nh;
    const uint8_t psk_ss_length[] = {0, 0, 0, (uint8_t)nss};
    const uint8_t mode_id_length[] = {0, 0, 0}, info_length[] = {(uint8_t)(info.n >> 8), (uint8_t)info.n};
    const struct span secrets[] = {span_of(psk_ss_length, 4), span_of(ss, nss)};
    const struct span context[] = {span_of(mode_id_length, 3), span_of(info_length, 2), info};
    uint8_t out[CRYPTO_KEY_MAX + CRYPTO_NONCE + CRYPTO_HASH_MAX]; /* secret */
    kdf_labeled_derive(x->alg.kdf->xof, span_of(id.b, sizeof id.b), secrets, 2, "secret", context, 3, out,
                       nk + CRYPTO_NONCE + nh);
    memcpy(x->key, out, nk);
    memcpy(x->base_nonce, out + nk, CRYPTO_NONCE);
    memcpy(x->exporter_secret, out + nk + CRYPTO_NONCE, nh);
    mem_wipe(out, sizeof out);
    return ERR_OK;
}

static enum err schedule(struct crypto *c, const uint8_t *ss, struct span info, struct hpke_context *x)
{
    return x->alg.kdf->hash != NULL ? schedule_two(c, ss, info, x) : schedule_one(ss, info, x);
}

enum err hpke_setup_send(struct crypto *c, const struct hpke *h, struct span pk, struct span info, struct span seed,
                         uint8_t *enc, struct hpke_context *out)
{
    if (pk.n != h->kem->npk) return ERR_INVALID;
    if (seed.n < h->kem->nseed) return ERR_MISUSE;
    uint8_t ss[CRYPTO_SS_MAX]; /* secret */
    *out = (struct hpke_context){.alg = *h};
    enum err e = h->kem->encap(c, h->kem, pk.p, seed, enc, ss);
    if (e == ERR_OK) {
        e = schedule(c, ss, info, out);
        if (e != ERR_OK) mem_wipe(enc, h->kem->nenc);
    }
    if (e != ERR_OK) hpke_wipe(out);
    mem_wipe(ss, sizeof ss);
    return e;
}

enum err hpke_setup_receive(struct crypto *c, const struct hpke *h, struct span sk, struct span pk, struct span enc,
                            struct span info, struct hpke_context *out)
{
    if (sk.n != h->kem->nsk || (pk.n != 0 && pk.n != h->kem->npk)) return ERR_MISUSE;
    if (enc.n != h->kem->nenc) return ERR_UNAUTHENTICATED;
    uint8_t ss[CRYPTO_SS_MAX]; /* secret */
    *out = (struct hpke_context){.alg = *h};
    enum err e = h->kem->decap(c, h->kem, sk.p, pk.n == 0 ? NULL : pk.p, enc.p, ss);
    if (e == ERR_OK) e = schedule(c, ss, info, out);
    if (e != ERR_OK) hpke_wipe(out);
    mem_wipe(ss, sizeof ss);
    return e;
}

void hpke_wipe(struct hpke_context *x) { mem_wipe(x, sizeof *x); }

// ComputeNonce (§5.2): base_nonce xor I2OSP(seq, Nn).
static void nonce_at(const struct hpke_context *x, uint8_t nonce[CRYPTO_NONCE])
{
    memcpy(nonce, x->base_nonce, CRYPTO_NONCE);
    for (size_t i = 0; i < 8; i++) nonce[CRYPTO_NONCE - 1 - i] ^= (uint8_t)(x->seq >> 8 * i);
}

enum err hpke_seal(struct crypto *c, struct hpke_context *x, struct span aad, struct span pt, uint8_t *out)
{
    if (x->seq == UINT64_MAX) return ERR_LIMIT;
    uint8_t nonce[CRYPTO_NONCE];
    nonce_at(x, nonce);
    enum err e = aead_seal(c, x->alg.aead, x->key, nonce, aad, pt, out);
    if (e == ERR_OK) x->seq++;
    return e;
}

enum err hpke_open(struct crypto *c, struct hpke_context *x, struct span aad, struct span ct, uint8_t *out)
{
    if (x->seq == UINT64_MAX) return ERR_LIMIT;
    uint8_t nonce[CRYPTO_NONCE];
    nonce_at(x, nonce);
    enum err e = aead_open(c, x->alg.aead, x->key, nonce, aad, ct, out);
    if (e == ERR_OK) x->seq++;
    return e;
}

enum err hpke_export(struct crypto *c, const struct hpke_context *x, struct span context, uint8_t *out, size_t n)
{
    struct label id = suite_id(&x->alg);
    const struct span id_span = span_of(id.b, sizeof id.b), secret = span_of(x->exporter_secret, x->alg.kdf->nh);
    if (x->alg.kdf->hash != NULL)
        return kdf_labeled_expand(c, x->alg.kdf->hash, id_span, secret, "sec", &context, 1, out, n);
    if (n > UINT16_MAX) return ERR_LIMIT;
    kdf_labeled_derive(x->alg.kdf->xof, id_span, &secret, 1, "sec", &context, 1, out, n);
    return ERR_OK;
}

// ------------------------------------------------------------------------------- what the suites use of it

static struct hpke of(const struct crypto_suite *s)
{
    return (struct hpke){.kem = s->kem, .kdf = s->kdf, .aead = s->aead};
}

enum err crypto_kem_derive(struct crypto *c, const struct crypto_suite *s, struct span ikm, uint8_t *sk, uint8_t *pk)
{
    return s->kem->derive(c, s->kem, ikm, sk, pk);
}

enum err crypto_kem_public(struct crypto *c, const struct crypto_suite *s, struct span sk, uint8_t *pk)
{
    return sk.n != s->kem->nsk ? ERR_MISUSE : s->kem->public(c, s->kem, sk.p, pk);
}

bool crypto_kem_pk_ok(struct crypto *c, const struct crypto_suite *s, struct span pk)
{
    return pk.n == s->kem->npk && s->kem->pk_ok(c, s->kem, pk.p);
}

enum err crypto_hpke_info(struct crypto *c, const struct crypto_suite *s, const struct span *info, size_t n,
                          struct crypto_hpke_info *out)
{
    struct hpke h = of(s);
    return context_two(c, &h, info, n, out->context);
}

enum err crypto_hpke_seal(struct crypto *c, const struct crypto_suite *s, struct span pk, struct span info,
                          struct span pt, const uint8_t *seed, uint8_t *enc, uint8_t *ct)
{
    struct crypto_hpke_info hashed;
    enum err e = crypto_hpke_info(c, s, &info, 1, &hashed);
    return e == ERR_OK ? crypto_hpke_seal_info(c, s, pk, &hashed, pt, seed, enc, ct) : e;
}

enum err crypto_hpke_seal_info(struct crypto *c, const struct crypto_suite *s, struct span pk,
                               const struct crypto_hpke_info *info, struct span pt, const uint8_t *seed, uint8_t *enc,
                               uint8_t *ct)
{
    if (pk.n != s->kem->npk) return ERR_INVALID;
    uint8_t ss[CRYPTO_SS_MAX]; /* secret */
    struct hpke_context x = {.alg = of(s)};
    enum err e = s->kem->encap(c, s->kem, pk.p, span_of(seed, s->kem->nseed), enc, ss);
    if (e == ERR_OK) {
        e = schedule_from(c, ss, info->context, &x);
        if (e == ERR_OK) e = hpke_seal(c, &x, span_of(NULL, 0), pt, ct);
        if (e != ERR_OK) mem_wipe(enc, s->kem->nenc);
    }
    hpke_wipe(&x);
    mem_wipe(ss, sizeof ss);
    return e;
}

enum err crypto_hpke_open(struct crypto *c, const struct crypto_suite *s, struct span sk, struct span pk,
                          struct span enc, struct span info, struct span ct, uint8_t *pt)
{
    struct hpke h = of(s);
    struct hpke_context x;
    enum err e = hpke_setup_receive(c, &h, sk, pk, enc, info, &x);
    if (e == ERR_OK) e = hpke_open(c, &x, span_of(NULL, 0), ct, pt);
    hpke_wipe(&x);
    return e;
}

enum err crypto_hpke_export_send(struct crypto *c, const struct crypto_suite *s, struct span pk, struct span info,
                                 struct span context, const uint8_t *seed, uint8_t *enc, uint8_t *out, size_t n)
{
    struct hpke h = of(s);
    struct hpke_context x;
    enum err e = hpke_setup_send(c, &h, pk, info, span_of(seed, s->kem->nseed), enc, &x);
    if (e == ERR_OK) {
        e = hpke_export(c, &x, context, out, n);
        if (e != ERR_OK) mem_wipe(enc, s->kem->nenc);
    }
    hpke_wipe(&x);
    return e;
}

enum err crypto_hpke_export_receive(struct crypto *c, const struct crypto_suite *s, struct span sk, struct span pk,
                                    struct span enc, struct span info, struct span context, uint8_t *out, size_t n)
{
    struct hpke h = of(s);
    struct hpke_context x;
    enum err e = hpke_setup_receive(c, &h, sk, pk, enc, info, &x);
    if (e == ERR_OK) e = hpke_export(c, &x, context, out, n);
    hpke_wipe(&x);
    return e;
}
