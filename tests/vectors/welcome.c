// SPDX-License-Identifier: Apache-2.0
//
// Vector type welcome: a Welcome opened step by step with the functions of src/mls. What a joiner makes of it, with a
// tree, is checked by the passive clients (passive.c).
#include "mls/frame.h"
#include "mls/welcome.h"
#include "vectors/model.h"
#include "vectors/types.h"

static bool read_message(struct trial *t, struct span message, enum wire_format want, struct tls_reader *r,
                         const char *step)
{
    enum wire_format format = WIRE_PUBLIC;
    *r = tls_reader_of(message);
    if (t->failed || !trial_ok(t, message_open(r, &format), "%s: MLSMessage", step)) return false;
    return trial_equal(t, format, want, "%s: wire format", step);
}

struct opened {
    struct key_package kp;
    struct welcome welcome;
    struct encrypted_secrets entry;
    struct span secrets_raw, info_raw;
    struct group_secrets secrets;
    struct group_info info;
    struct secret member;
};

// "Identify the entry in welcome.secrets corresponding to key_package"
static bool find_entry(struct trial *t, const struct field *v, struct opened *o)
{
    struct tls_reader r;
    uint8_t ref[CRYPTO_HASH_MAX];
    if (!read_message(t, field_get_bytes(v, "key_package"), WIRE_KEY_PACKAGE, &r, "key_package")) return false;
    key_package_read(&r, &o->kp);
    if (!trial_ok(t, tls_end(&r), "key_package: decode")) return false;
    if (!read_message(t, field_get_bytes(v, "welcome"), WIRE_WELCOME, &r, "welcome")) return false;
    welcome_read(&r, &o->welcome);
    if (!trial_ok(t, tls_end(&r), "welcome: decode")) return false;
    trial_equal(t, o->welcome.suite, crypto_suite_id(t->algo.suite), "welcome: cipher suite");
    trial_equal(t, o->kp.suite, crypto_suite_id(t->algo.suite), "key_package: cipher suite");
    if (t->failed || !trial_ok(t, key_package_ref(&t->algo, o->kp.raw, ref), "KeyPackageRef")) return false;
    return trial_true(t, welcome_find(&o->welcome, span_of(ref, algo_nh(&t->algo)), &o->entry),
                      "welcome: an entry is for key_package");
}

// "Decrypt the encrypted group secrets using init_priv"; "using […] no PSKs".
static bool open_secrets(struct trial *t, const struct field *v, struct opened *o)
{
    struct span sk = model_kem_key(v, "init_priv");
    struct buf b;
    uint8_t pk[CRYPTO_PK_MAX];
    size_t npk = algo_sizes(&t->algo)->npk;
    if (t->failed || !trial_ok(t, crypto_kem_public(t->algo.crypto, t->algo.suite, sk, pk), "init_priv")) return false;
    trial_same(t, span_of(pk, npk), o->kp.init_key, "init_priv: public key");
    buf_init(&b, TLS_VECTOR_MAX);
    enum err e = label_decrypt(&t->algo, sk, o->kp.init_key, "Welcome", o->welcome.encrypted_group_info,
                               o->entry.kem_output, o->entry.ciphertext, &b);
    trial_ok(t, e, "GroupSecrets: decrypt");
    o->secrets_raw = trial_take(t, &b, "GroupSecrets: decrypt");
    if (t->failed) return false;
    // They are sealed for this GroupInfo, and no other.
    buf_init(&b, TLS_VECTOR_MAX);
    e = label_decrypt(&t->algo, sk, o->kp.init_key, "Welcome", span_of(NULL, 0), o->entry.kem_output,
                      o->entry.ciphertext, &b);
    trial_refused(t, e, ERR_UNAUTHENTICATED, "GroupSecrets: decrypt in another context");
    buf_wipe(&b);
    if (!trial_ok(t, group_secrets_decode(o->secrets_raw, &o->secrets), "GroupSecrets: decode")) return false;
    trial_equal(t, o->secrets.n_psks, 0, "GroupSecrets: number of PSKs");
    return trial_equal(t, o->secrets.joiner_secret.n, algo_nh(&t->algo), "joiner_secret: length");
}

static bool open_info(struct trial *t, struct opened *o)
{
    struct secret joiner = {0}, psk_secret;
    uint8_t key[CRYPTO_KEY_MAX], nonce[CRYPTO_NONCE];
    struct span sealed = o->welcome.encrypted_group_info;
    if (!trial_true(t, sealed.n >= CRYPTO_TAG, "encrypted_group_info has a tag")) return false;
    memcpy(joiner.b, o->secrets.joiner_secret.p, algo_nh(&t->algo));
    psk_begin(&psk_secret);
    enum err e = schedule_member(&t->algo, &joiner, &psk_secret, &o->member);
    if (e == ERR_OK) e = schedule_welcome(&t->algo, &o->member, key, nonce);
    uint8_t *out = trial_bytes(t, sealed.n - CRYPTO_TAG);
    if (e == ERR_OK && out != NULL) {
        e = crypto_open(t->algo.crypto, t->algo.suite, key, nonce, span_of(NULL, 0), sealed, out);
    }
    if (!trial_ok(t, e, "GroupInfo: decrypt")) return false;
    o->info_raw = span_of(out, sealed.n - CRYPTO_TAG);
    return trial_ok(t, group_info_decode(o->info_raw, &o->info), "GroupInfo: decode");
}

// "Verify the signature on the decrypted group info using signer_pub", and no other.
static void verify_info(struct trial *t, const struct field *v, const struct opened *o)
{
    struct span pk = field_get_bytes(v, "signer_pub");
    if (t->failed) return;
    trial_ok(t, group_info_verify(&t->algo, &o->info, pk), "GroupInfo: signature");
    struct group_info changed = o->info;
    changed.tbs.n--;
    trial_refused(t, group_info_verify(&t->algo, &changed, pk), ERR_UNAUTHENTICATED,
                  "GroupInfo: signature of something else");
}

// "Recompute a candidate confirmation_tag value using the confirmation_key from the key schedule epoch and the
// confirmed_transcript_hash from the decrypted GroupContext"
static void confirm(struct trial *t, const struct opened *o)
{
    struct secret epoch, encryption, confirmation;
    struct epoch_secrets s;
    uint8_t tag[CRYPTO_HASH_MAX];
    if (t->failed) return;
    trial_equal(t, o->info.context.suite, crypto_suite_id(t->algo.suite), "GroupInfo: cipher suite");
    enum err e = schedule_epoch_secret(&t->algo, &o->member, o->info.context_raw, &epoch);
    if (e == ERR_OK) e = schedule_epoch(&t->algo, &epoch, &s, &encryption, &confirmation);
    if (e == ERR_OK) e = schedule_confirmation_tag(&t->algo, &confirmation, o->info.context.confirmed_hash, tag);
    if (trial_ok(t, e, "confirmation_tag")) {
        trial_same(t, o->info.confirmation_tag, span_of(tag, algo_nh(&t->algo)), "confirmation_tag");
    }
}

void welcome_check(struct trial *t, const struct field *v)
{
    struct opened o;
    if (!find_entry(t, v, &o) || !open_secrets(t, v, &o) || !open_info(t, &o)) return;
    verify_info(t, v, &o);
    confirm(t, &o);
}
