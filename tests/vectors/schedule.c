// SPDX-License-Identifier: Apache-2.0
//
// Vector types key-schedule, psk_secret and transcript-hashes: the key schedule of src/mls, one input at a time.
#include "mls/frame.h"
#include "vectors/model.h"
#include "vectors/types.h"

// -------------------------------------------------------------------------------------------------- key-schedule

// The epoch's secret as the library has it, beside the member that it should be equal to.
static void same_secret(const struct field *f, const char *key, const struct secret *got)
{
    trial_same(f->t, secret_span(&f->t->algo, got), field_get_bytes(f, key), "%s.%s", f->name, key);
}

// welcome_secret, of which the library gives only what comes out of it: key and nonce.
static void welcome_secret(const struct field *f, const struct secret *member)
{
    struct trial *t = f->t;
    const struct algo *a = &t->algo;
    struct secret welcome;
    uint8_t key[CRYPTO_KEY_MAX], nonce[CRYPTO_NONCE], want[CRYPTO_KEY_MAX];
    size_t nk = algo_sizes(a)->nk;
    if (t->failed || !trial_ok(t, label_derive(a, member, "welcome", &welcome), "%s.welcome_secret", f->name)) return;
    same_secret(f, "welcome_secret", &welcome);
    enum err e = schedule_welcome(a, member, key, nonce);
    if (e == ERR_OK) e = label_expand(a, secret_span(a, &welcome), "key", span_of(NULL, 0), want, nk);
    if (!trial_ok(t, e, "%s: welcome_key", f->name)) return;
    trial_same(t, span_of(key, nk), span_of(want, nk), "%s: welcome_key", f->name);
    e = label_expand(a, secret_span(a, &welcome), "nonce", span_of(NULL, 0), want, CRYPTO_NONCE);
    if (!trial_ok(t, e, "%s: welcome_nonce", f->name)) return;
    trial_same(t, span_of(nonce, CRYPTO_NONCE), span_of(want, CRYPTO_NONCE), "%s: welcome_nonce", f->name);
}

// "Verify the external_pub is the public key output from KEM.DeriveKeyPair(external_secret)"
static void external_pub(const struct field *f, const struct secret *external)
{
    struct trial *t = f->t;
    const struct crypto_sizes *z = algo_sizes(&t->algo);
    uint8_t sk[CRYPTO_SK_MAX], pk[CRYPTO_PK_MAX], again[CRYPTO_PK_MAX];
    if (t->failed) return;
    if (!trial_ok(t, schedule_external_keys(&t->algo, external, sk, pk), "%s.external_pub", f->name)) return;
    trial_same(t, span_of(pk, z->npk), field_get_bytes(f, "external_pub"), "%s.external_pub", f->name);
    enum err e = crypto_kem_public(t->algo.crypto, t->algo.suite, span_of(sk, z->nsk), again);
    if (trial_ok(t, e, "%s: the private key of external_pub", f->name)) {
        trial_same(t, span_of(again, z->npk), span_of(pk, z->npk), "%s: the private key of external_pub", f->name);
    }
}

static void exporter(const struct field *epoch, const struct secret *secret)
{
    struct trial *t = epoch->t;
    struct field f = field_get(epoch, "exporter");
    const char *label = field_get_text(&f, "label");
    struct span context = field_get_bytes(&f, "context"), want = field_get_bytes(&f, "secret");
    size_t n = (size_t)field_get_number(&f, "length", UINT16_MAX);
    uint8_t *out = t->failed ? NULL : trial_bytes(t, n);
    if (out == NULL || !trial_ok(t, schedule_export(&t->algo, secret, label, context, out, n), "%s", f.name)) return;
    trial_same(t, span_of(out, n), want, "%s.secret", f.name);
}

static void epoch_secrets(const struct field *f, const struct secret *member, struct span context, struct secret *init)
{
    struct trial *t = f->t;
    struct secret epoch, encryption, confirmation;
    struct epoch_secrets s;
    enum err e = t->failed ? ERR_INVALID : schedule_epoch_secret(&t->algo, member, context, &epoch);
    if (e == ERR_OK) e = schedule_epoch(&t->algo, &epoch, &s, &encryption, &confirmation);
    if (t->failed || !trial_ok(t, e, "%s: epoch secret", f->name)) return;
    const struct {
        const char *key;
        const struct secret *got;
    } rows[] = {{"init_secret", &s.init},
                {"sender_data_secret", &s.sender_data},
                {"encryption_secret", &encryption},
                {"exporter_secret", &s.exporter},
                {"epoch_authenticator", &s.authenticator},
                {"external_secret", &s.external},
                {"confirmation_key", &confirmation},
                {"membership_key", &s.membership},
                {"resumption_psk", &s.resumption}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) same_secret(f, rows[i].key, rows[i].got);
    external_pub(f, &s.external);
    exporter(f, &s.exporter);
    *init = s.init;
}

static void one_epoch(const struct field *f, struct span group_id, uint64_t number, struct secret *init)
{
    struct trial *t = f->t;
    struct secret commit = model_secret(f, "commit_secret"), psk = {0}, joiner, member;
    // "Note that psk_secret can sometimes be the all zero vector."
    if (!t->failed && field_has(f, "psk_secret")) psk = model_secret(f, "psk_secret");
    struct span context = model_context(t, group_id, number, field_get_bytes(f, "tree_hash"),
                                        field_get_bytes(f, "confirmed_transcript_hash"));
    trial_same(t, context, field_get_bytes(f, "group_context"), "%s.group_context", f->name);
    if (t->failed) return;
    if (!trial_ok(t, schedule_joiner(&t->algo, init, &commit, context, &joiner), "%s.joiner_secret", f->name)) return;
    same_secret(f, "joiner_secret", &joiner);
    if (!trial_ok(t, schedule_member(&t->algo, &joiner, &psk, &member), "%s: member secret", f->name)) return;
    welcome_secret(f, &member);
    epoch_secrets(f, &member, context, init);
}

void schedule_keys(struct trial *t, const struct field *v)
{
    struct secret init = model_secret(v, "initial_init_secret");
    struct span group_id = field_get_bytes(v, "group_id");
    struct field epochs = field_get(v, "epochs");
    size_t n = field_count(&epochs);
    trial_true(t, n > 0, "epochs is not empty");
    for (size_t i = 0; !t->failed && i < n; i++) {
        struct field f = field_item(&epochs, i);
        one_epoch(&f, group_id, i, &init);
    }
}

// ---------------------------------------------------------------------------------------------------- psk_secret

static void one_psk(const struct field *f, struct secret *psk_secret, size_t index, size_t count)
{
    struct trial *t = f->t;
    const struct psk_id id = {
        .type = PSK_EXTERNAL, .id = field_get_bytes(f, "psk_id"), .nonce = field_get_bytes(f, "psk_nonce")};
    struct span psk = field_get_bytes(f, "psk");
    if (t->failed) return;
    enum err e = psk_add(&t->algo, psk_secret, &id, psk, (uint16_t)index, (uint16_t)count);
    trial_ok(t, e, "%s: inject", f->name);
    // A PreSharedKeyID that is read again is the same.
    struct buf b;
    struct psk_id again;
    buf_init(&b, TLS_VECTOR_MAX);
    psk_id_write(&b, &id);
    struct tls_reader r = tls_reader_of(buf_span(&b));
    psk_id_read(&r, &again);
    if (trial_ok(t, tls_end(&r), "%s: PreSharedKeyID", f->name)) {
        trial_same(t, again.id, id.id, "%s: psk_id read again", f->name);
        trial_same(t, again.nonce, id.nonce, "%s: psk_nonce read again", f->name);
    }
    buf_wipe(&b);
}

void schedule_psk(struct trial *t, const struct field *v)
{
    struct span want = field_get_bytes(v, "psk_secret");
    struct field list = field_get(v, "psks");
    struct secret psk_secret;
    size_t n = field_count(&list);
    if (n > UINT16_MAX) trial_fail(t, "psks: %zu of them", n);
    psk_begin(&psk_secret);
    for (size_t i = 0; !t->failed && i < n; i++) {
        struct field f = field_item(&list, i);
        one_psk(&f, &psk_secret, i, n);
    }
    trial_same(t, secret_span(&t->algo, &psk_secret), want, "psk_secret");
}

// --------------------------------------------------------------------------------------------- transcript-hashes

static void transcript(struct trial *t, const struct field *v, const struct frame *f)
{
    struct secret key = model_secret(v, "confirmation_key");
    struct span before = field_get_bytes(v, "interim_transcript_hash_before");
    struct span confirmed = field_get_bytes(v, "confirmed_transcript_hash_after");
    struct span interim = field_get_bytes(v, "interim_transcript_hash_after");
    uint8_t out[CRYPTO_HASH_MAX];
    size_t nh = algo_nh(&t->algo);
    struct frame_transcript parts;
    if (t->failed) return;
    frame_transcript(f, &parts);
    enum err e = schedule_confirmed_hash(&t->algo, before, parts.parts, FRAME_TRANSCRIPT_PARTS, out);
    if (!trial_ok(t, e, "confirmed_transcript_hash_after")) return;
    trial_same(t, span_of(out, nh), confirmed, "confirmed_transcript_hash_after");
    if (!trial_ok(t, schedule_confirmation_tag(&t->algo, &key, confirmed, out), "confirmation_tag")) return;
    trial_same(t, f->confirmation_tag, span_of(out, nh), "confirmation_tag");
    if (!trial_ok(t, schedule_interim_hash(&t->algo, confirmed, f->confirmation_tag, out), "interim")) return;
    trial_same(t, span_of(out, nh), interim, "interim_transcript_hash_after");
}

void schedule_transcript(struct trial *t, const struct field *v)
{
    struct span raw = field_get_bytes(v, "authenticated_content");
    struct frame f;
    struct buf again;
    if (t->failed || !trial_ok(t, frame_decode_authenticated(raw, &f), "authenticated_content: decode")) return;
    trial_equal(t, f.content_type, CONTENT_COMMIT, "authenticated_content: content type");
    buf_init(&again, TLS_VECTOR_MAX);
    if (trial_ok(t, frame_authenticated(&f, &again), "authenticated_content: encode")) {
        trial_same(t, buf_span(&again), raw, "authenticated_content: encoded again");
    }
    buf_wipe(&again);
    transcript(t, v, &f);
    frame_wipe(&f);
}
