// SPDX-License-Identifier: Apache-2.0
//
// HPKE: the vectors of draft-ietf-hpke-pq, which cover eleven KEMs, both kinds of KDF and all AEADs, completely; then
// the single-shot functions of every suite, tampered with in each input.
#include "crypto/test/vectors.h"

#include <openssl/err.h>

#include "crypto/hpke.h"

enum { KEY_MAX = 1665, TEXT_MAX = 512 };

// ------------------------------------------------------------------------------------- published vectors

// The vectors make the ephemeral key from ikmE by DeriveKeyPair for every DHKEM; ours takes X25519's scalar itself.
static struct span encap_seed(struct crypto *c, const struct kem_alg *k, struct span ikm, uint8_t *sk)
{
    uint8_t pk[KEY_MAX];
    if (k->group == NULL || k->group->order != NULL || k->pq != NULL) return ikm;
    assert_ok(k->derive(c, k, ikm, sk, pk));
    return span_of(sk, k->nsk);
}

// RFC 9180 §7.1.2 has serialised private keys of the X functions clamped; its own vectors and these are not, but for
// X448 here. The scalar is the same.
static void check_private(const struct kem_alg *k, const uint8_t *sk, struct span want)
{
    uint8_t clamped[PQ_SEED + 2];
    assert_int_equal(want.n, k->nsk);
    memcpy(clamped, sk, k->nsk);
    if (k == &dhkem_x448) {
        clamped[0] &= 0xfc;
        clamped[55] |= 0x80;
    }
    assert_memory_equal(clamped, want.p, want.n);
}

static void check_context(const struct hpke_context *x, const json_t *v)
{
    assert_true(span_eq(vectors_hex(v, "key"), span_of(x->key, x->alg.aead->nk)));
    assert_true(span_eq(vectors_hex(v, "base_nonce"), span_of(x->base_nonce, CRYPTO_NONCE)));
    assert_true(span_eq(vectors_hex(v, "exporter_secret"), span_of(x->exporter_secret, x->alg.kdf->nh)));
}

static void check_encryptions(struct crypto *c, struct hpke_context *send, struct hpke_context *receive,
                              const json_t *list)
{
    const json_t *v = NULL;
    size_t i;
    json_array_foreach(list, i, v)
    {
        const struct span aad = vectors_hex(v, "aad"), pt = vectors_hex(v, "pt"), ct = vectors_hex(v, "ct");
        uint8_t out[TEXT_MAX];
        assert_true(ct.n <= sizeof out);
        assert_ok(hpke_seal(c, send, aad, pt, out));
        assert_true(span_eq(ct, span_of(out, pt.n + CRYPTO_TAG)));
        assert_int_equal(hpke_open(c, receive, pt, ct, out), ERR_UNAUTHENTICATED); // wrong aad: seq must stay
        assert_ok(hpke_open(c, receive, aad, ct, out));
        assert_true(span_eq(pt, span_of(out, ct.n - CRYPTO_TAG)));
    }
    assert_int_equal(i, 10);
}

static void check_exports(struct crypto *c, const struct hpke_context *x, const json_t *list)
{
    const json_t *v = NULL;
    size_t i;
    json_array_foreach(list, i, v)
    {
        uint8_t out[TEXT_MAX];
        const struct span want = vectors_hex(v, "exported_value");
        assert_int_equal(want.n, vectors_u16(v, "L"));
        assert_ok(hpke_export(c, x, vectors_hex(v, "exporter_context"), out, want.n));
        assert_true(span_eq(want, span_of(out, want.n)));
    }
    assert_int_equal(i, 5);
}

static void check_vector(struct crypto *c, const json_t *v)
{
    struct hpke h;
    struct hpke_context send, receive;
    uint8_t sk[PQ_SEED + 2], pk[KEY_MAX], enc[KEY_MAX], ss[CRYPTO_SS_MAX], ske[PQ_SEED + 2];
    const struct span none = span_of(NULL, 0);
    assert_int_equal(vectors_u16(v, "mode"), 0);
    assert_ok(hpke_find(vectors_u16(v, "kem_id"), vectors_u16(v, "kdf_id"), vectors_u16(v, "aead_id"), &h));
    const struct span info = vectors_hex(v, "info"), want_enc = vectors_hex(v, "enc");

    assert_ok(h.kem->derive(c, h.kem, vectors_hex(v, "ikmR"), sk, pk));
    const struct span sk_span = span_of(sk, h.kem->nsk), pk_span = span_of(pk, h.kem->npk);
    check_private(h.kem, sk, vectors_hex(v, "skRm"));
    assert_true(span_eq(vectors_hex(v, "pkRm"), pk_span));

    const struct span seed = encap_seed(c, h.kem, vectors_hex(v, "ikmE"), ske);
    assert_ok(h.kem->encap(c, h.kem, pk, seed, enc, ss));
    assert_true(span_eq(want_enc, span_of(enc, h.kem->nenc)));
    assert_true(span_eq(vectors_hex(v, "shared_secret"), span_of(ss, h.kem->nss)));
    assert_ok(h.kem->decap(c, h.kem, sk, NULL, want_enc.p, ss));
    assert_true(span_eq(vectors_hex(v, "shared_secret"), span_of(ss, h.kem->nss)));

    assert_ok(hpke_setup_send(c, &h, pk_span, info, seed, enc, &send));
    assert_true(span_eq(want_enc, span_of(enc, h.kem->nenc)));
    assert_ok(hpke_setup_receive(c, &h, sk_span, none, want_enc, info, &receive));
    check_context(&receive, v);
    assert_ok(hpke_setup_receive(c, &h, sk_span, pk_span, want_enc, info, &receive));
    check_context(&receive, v);
    check_context(&send, v);
    check_encryptions(c, &send, &receive, json_object_get(v, "encryptions"));
    check_exports(c, &send, json_object_get(v, "exports"));
    check_exports(c, &receive, json_object_get(v, "exports"));
    hpke_wipe(&send);
    hpke_wipe(&receive);
}

static void draft_ietf_hpke_pq(void **state)
{
    (void)state;
    json_t *root = vectors_load("hpke-pq/test-vectors.json"), *v = NULL;
    if (root == NULL) return;
    struct crypto *c = NULL;
    size_t i;
    assert_ok(crypto_new(&c));
    json_array_foreach(root, i, v) check_vector(c, v);
    assert_int_equal(i, 13);
    print_message("# hpke-pq: %zu entries\n", i);
    crypto_free(c);
    vectors_free(root);
}

// ---------------------------------------------------------------------------------------------- contexts

static void contexts_have_limits(void **state)
{
    (void)state;
    static const uint16_t kdfs[] = {1, 2, 3, 0x10, 0x11, 0x12, 0x13};
    static uint8_t big[70000], out[70000];
    struct crypto *c = NULL;
    assert_ok(crypto_new(&c));
    for (size_t i = 0; i < sizeof kdfs / sizeof *kdfs; i++) {
        struct hpke h;
        struct hpke_context x;
        uint8_t sk[32], pk[32], enc[32];
        const uint8_t seed[32] = {9};
        const struct span none = span_of(NULL, 0), all = span_of(big, sizeof big);
        assert_ok(hpke_find(0x0020, kdfs[i], 3, &h));
        assert_ok(h.kem->derive(c, h.kem, span_of(seed, 32), sk, pk));
        const struct span to = span_of(pk, 32), random = span_of(seed, 32);
        // a one-stage KDF gives info a length of two bytes
        assert_int_equal(hpke_setup_send(c, &h, to, all, random, enc, &x), kdfs[i] < 0x10 ? ERR_OK : ERR_LIMIT);
        assert_ok(hpke_setup_send(c, &h, to, none, random, enc, &x));
        assert_int_equal(hpke_export(c, &x, none, out, 65536), ERR_LIMIT);
        assert_int_equal(hpke_export(c, &x, none, out, 65535), kdfs[i] < 0x10 ? ERR_LIMIT : ERR_OK);
        assert_ok(hpke_export(c, &x, all, out, 100));
        x.seq = UINT64_MAX - 1;
        assert_ok(hpke_seal(c, &x, none, none, out));
        assert_int_equal(hpke_seal(c, &x, none, none, out), ERR_LIMIT);
        assert_int_equal(hpke_open(c, &x, none, span_of(out, 16), out), ERR_LIMIT);
        assert_int_equal(hpke_setup_send(c, &h, to, none, span_of(seed, 31), enc, &x), ERR_MISUSE);
    }
    struct hpke h;
    assert_int_equal(hpke_find(0x0013, 1, 1, &h), ERR_UNSUPPORTED);
    assert_int_equal(hpke_find(0x0010, 4, 1, &h), ERR_UNSUPPORTED);
    assert_int_equal(hpke_find(0x0010, 1, 0xffff, &h), ERR_UNSUPPORTED);
    crypto_free(c);
}

// ------------------------------------------------------------------------------------------------- suites

struct sealed {
    uint8_t sk[CRYPTO_SK_MAX + 1], pk[CRYPTO_PK_MAX + 1], seed[CRYPTO_SEED_MAX], enc[CRYPTO_ENC_MAX + 1];
    uint8_t ct[64 + CRYPTO_TAG];
    struct span sk_span, pk_span, enc_span, ct_span, info, pt;
};

static void for_every_suite(void (*check)(struct crypto *c, const struct crypto_suite *s, struct sealed *x))
{
    const struct world w = crypto_system_world();
    struct crypto *c = NULL;
    const struct crypto_suite *s;
    assert_ok(crypto_new(&c));
    for (size_t i = 0; (s = crypto_suite_at(i)) != NULL; i++) {
        const struct crypto_sizes *z = crypto_sizes(s);
        static struct sealed x;
        memset(&x, 0, sizeof x);
        assert_ok(w.random(w.arg, x.seed, sizeof x.seed));
        assert_ok(crypto_kem_derive(c, s, span_of(x.seed, sizeof x.seed), x.sk, x.pk));
        assert_ok(w.random(w.arg, x.seed, sizeof x.seed));
        x.sk_span = span_of(x.sk, z->nsk);
        x.pk_span = span_of(x.pk, z->npk);
        x.enc_span = span_of(x.enc, z->nenc);
        x.info = span_str("info");
        x.pt = span_str("a path secret");
        x.ct_span = span_of(x.ct, x.pt.n + CRYPTO_TAG);
        assert_ok(crypto_hpke_seal(c, s, x.pk_span, x.info, x.pt, x.seed, x.enc, x.ct));
        check(c, s, &x);
        assert_int_equal(ERR_peek_error(), 0);
    }
    crypto_free(c);
}

static enum err open_sealed(struct crypto *c, const struct crypto_suite *s, const struct sealed *x, uint8_t out[64])
{
    memset(out, 0, 64);
    enum err e = crypto_hpke_open(c, s, x->sk_span, x->pk_span, x->enc_span, x->info, x->ct_span, out);
    if (e != ERR_OK)
        for (size_t i = 0; i < 64; i++) assert_int_equal(out[i], 0);
    return e;
}

static void suite_round_trip(struct crypto *c, const struct crypto_suite *s, struct sealed *x)
{
    uint8_t out[64];
    assert_ok(open_sealed(c, s, x, out));
    assert_memory_equal(out, x->pt.p, x->pt.n);
    x->pk_span = span_of(NULL, 0);
    assert_ok(open_sealed(c, s, x, out));
    assert_memory_equal(out, x->pt.p, x->pt.n);
}

// One info for many: the same bytes as with the info itself.
static void suite_info(struct crypto *c, const struct crypto_suite *s, struct sealed *x)
{
    struct crypto_hpke_info info;
    uint8_t enc[CRYPTO_ENC_MAX], ct[sizeof x->ct];
    assert_ok(crypto_hpke_info(c, s, &x->info, 1, &info));
    for (int i = 0; i < 2; i++) {
        memset(enc, 0, sizeof enc);
        assert_ok(crypto_hpke_seal_info(c, s, x->pk_span, &info, x->pt, x->seed, enc, ct));
        assert_memory_equal(enc, x->enc, x->enc_span.n);
        assert_memory_equal(ct, x->ct, x->ct_span.n);
    }
    x->pk_span.n--;
    assert_int_equal(crypto_hpke_seal_info(c, s, x->pk_span, &info, x->pt, x->seed, enc, ct), ERR_INVALID);
}

static void infos_are_hashed_once(void **state)
{
    (void)state;
    for_every_suite(suite_info);
}

static void round_trips(void **state)
{
    (void)state;
    for_every_suite(suite_round_trip);
}

static void suite_tampered(struct crypto *c, const struct crypto_suite *s, struct sealed *x)
{
    uint8_t out[64];
    for (size_t i = 0; i < x->ct_span.n; i++) {
        x->ct[i] ^= 0x10;
        assert_int_equal(open_sealed(c, s, x, out), ERR_UNAUTHENTICATED);
        x->ct[i] ^= 0x10;
    }
    for (size_t i = 0; i < x->enc_span.n; i += x->enc_span.n > 200 ? 53 : 7) {
        x->enc[i] ^= 0x01;
        assert_int_equal(open_sealed(c, s, x, out), ERR_UNAUTHENTICATED);
        x->enc[i] ^= 0x01;
    }
    x->info = span_str("infp");
    assert_int_equal(open_sealed(c, s, x, out), ERR_UNAUTHENTICATED);
    x->info = span_str("info");
    x->sk[7] ^= 0x08;
    x->pk_span = span_of(NULL, 0);
    assert_int_equal(open_sealed(c, s, x, out), ERR_UNAUTHENTICATED);
    x->sk[7] ^= 0x08;
    assert_ok(open_sealed(c, s, x, out));
}

static void tampering_is_seen(void **state)
{
    (void)state;
    for_every_suite(suite_tampered);
}

static void suite_sizes(struct crypto *c, const struct crypto_suite *s, struct sealed *x)
{
    uint8_t out[64], enc[CRYPTO_ENC_MAX], ct[64 + CRYPTO_TAG];
    const struct crypto_sizes *z = crypto_sizes(s);
    const int wrong[] = {-1, 1};
    for (size_t i = 0; i < 2; i++) {
        struct sealed y = *x;
        y.enc_span.n = z->nenc + (size_t)wrong[i];
        assert_int_equal(open_sealed(c, s, &y, out), ERR_UNAUTHENTICATED);
        y = *x;
        y.sk_span.n = z->nsk + (size_t)wrong[i];
        assert_int_equal(open_sealed(c, s, &y, out), ERR_MISUSE);
        y = *x;
        y.pk_span.n = z->npk + (size_t)wrong[i];
        assert_int_equal(open_sealed(c, s, &y, out), ERR_MISUSE);
        assert_int_equal(crypto_hpke_seal(c, s, y.pk_span, y.info, y.pt, y.seed, enc, ct), ERR_INVALID);
        y = *x;
        y.ct_span.n--;
        assert_int_equal(open_sealed(c, s, &y, out), ERR_UNAUTHENTICATED);
        y.ct_span.n = CRYPTO_TAG - 1;
        assert_int_equal(open_sealed(c, s, &y, out), ERR_UNAUTHENTICATED);
        y.ct_span.n = 0;
        assert_int_equal(open_sealed(c, s, &y, out), ERR_UNAUTHENTICATED);
    }
    if (s->kem->group->order != NULL) {
        memset(x->pk + z->npk - 40, 0, 40); // no point of the curve
        assert_int_equal(crypto_hpke_seal(c, s, x->pk_span, x->info, x->pt, x->seed, enc, ct), ERR_INVALID);
    }
    if (s->kem->pq == NULL && s->kem->group->order != NULL) { // a private key that is none
        memset(x->sk, 0, z->nsk);
        assert_int_equal(open_sealed(c, s, x, out), ERR_INVALID);
    }
}

static void sizes_are_exact(void **state)
{
    (void)state;
    for_every_suite(suite_sizes);
}

static void suite_export(struct crypto *c, const struct crypto_suite *s, struct sealed *x)
{
    uint8_t enc[CRYPTO_ENC_MAX], a[100], b[100];
    const struct span context = span_str("MLS 1.0 external init secret"), none = span_of(NULL, 0);
    const size_t nenc = crypto_sizes(s)->nenc;
    assert_ok(crypto_hpke_export_send(c, s, x->pk_span, x->info, context, x->seed, enc, a, sizeof a));
    assert_memory_equal(enc, x->enc, nenc);
    assert_ok(crypto_hpke_export_receive(c, s, x->sk_span, x->pk_span, x->enc_span, x->info, context, b, sizeof b));
    assert_memory_equal(a, b, sizeof a);
    assert_ok(crypto_hpke_export_receive(c, s, x->sk_span, none, x->enc_span, x->info, none, b, sizeof b));
    assert_memory_not_equal(a, b, sizeof a);
    // §5.3: the length is part of what is derived
    assert_ok(crypto_hpke_export_receive(c, s, x->sk_span, none, x->enc_span, x->info, context, b, 32));
    assert_memory_not_equal(a, b, 32);
    const struct span cut = span_of(enc, nenc - 1);
    assert_int_equal(crypto_hpke_export_receive(c, s, x->sk_span, none, cut, x->info, context, b, 32),
                     ERR_UNAUTHENTICATED);
}

static void exports_agree(void **state)
{
    (void)state;
    for_every_suite(suite_export);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draft_ietf_hpke_pq), cmocka_unit_test(contexts_have_limits), cmocka_unit_test(round_trips),
        cmocka_unit_test(tampering_is_seen),  cmocka_unit_test(sizes_are_exact),      cmocka_unit_test(exports_agree),
        cmocka_unit_test(infos_are_hashed_once),
    };
    return unit_run("crypto hpke", tests);
}
