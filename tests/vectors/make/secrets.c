// SPDX-License-Identifier: Apache-2.0
//
// Generators of secret-tree, key-schedule, psk_secret and transcript-hashes.
#include "mls/frame.h"
#include "tree/secret.h"
#include "vectors/make/dice.h"
#include "vectors/make/generators.h"

// --------------------------------------------------------------------------------------------------- secret-tree

static void message_key(struct make *m, json_t *o, struct secret_tree *s, uint32_t leaf, enum ratchet_type type,
                        uint32_t generation)
{
    struct secret_step step;
    bool handshake = type == RATCHET_HANDSHAKE;
    if (m->t.failed) return;
    enum err e = secret_step_find(&m->t.algo, s, leaf, type, generation, UINT32_MAX, 0, &step);
    if (!trial_ok(&m->t, e, "generation %u of leaf %u", generation, leaf)) return;
    trial_ok(&m->t, secret_step_take(s, &step, 0), "generation %u of leaf %u", generation, leaf);
    kit_bytes(m, o, handshake ? "handshake_key" : "application_key",
              span_of(step.key.key, algo_sizes(&m->t.algo)->nk));
    kit_bytes(m, o, handshake ? "handshake_nonce" : "application_nonce", span_of(step.key.nonce, CRYPTO_NONCE));
    secret_step_wipe(&step);
}

static void sender_data(struct make *m, json_t *o, size_t n)
{
    struct secret secret = kit_secret(m);
    struct span ciphertext = kit_random(m, n);
    uint8_t key[CRYPTO_KEY_MAX], nonce[CRYPTO_NONCE];
    if (m->t.failed) return;
    enum err e = schedule_sender_data(&m->t.algo, &secret, ciphertext, key, nonce);
    if (!trial_ok(&m->t, e, "sender data")) return;
    kit_bytes(m, o, "sender_data_secret", secret_span(&m->t.algo, &secret));
    kit_bytes(m, o, "ciphertext", ciphertext);
    kit_bytes(m, o, "key", span_of(key, algo_sizes(&m->t.algo)->nk));
    kit_bytes(m, o, "nonce", span_of(nonce, CRYPTO_NONCE));
}

static void secret_tree_case(struct make *m, uint32_t leaves, size_t ciphertext, const uint32_t *generation, size_t n)
{
    struct secret root = kit_secret(m);
    struct secret_tree s;
    json_t *o = kit_case(m);
    sender_data(m, kit_object(m, o, "sender_data"), ciphertext);
    kit_bytes(m, o, "encryption_secret", secret_span(&m->t.algo, &root));
    json_t *list = kit_list(m, o, "leaves");
    if (m->t.failed || !trial_ok(&m->t, secret_tree_new(&s, leaves, &root), "secret tree")) return;
    for (uint32_t leaf = 0; !m->t.failed && leaf < leaves; leaf++) {
        json_t *keys = kit_append_list(m, list);
        for (size_t i = 0; i < n; i++) {
            json_t *k = kit_append_object(m, keys);
            kit_number(m, k, "generation", generation[i]);
            message_key(m, k, &s, leaf, RATCHET_HANDSHAKE, generation[i]);
            message_key(m, k, &s, leaf, RATCHET_APPLICATION, generation[i]);
        }
    }
    secret_tree_wipe(&s);
}

void gen_secret_tree(struct make *m)
{
    static const uint32_t few[] = {0, 15}, many[] = {0, 1, 2, 15, 16, 100, 255};
    const size_t nh = algo_nh(&m->t.algo);
    if (m->plan->small) {
        secret_tree_case(m, 4, 77, few, 2);
        return;
    }
    secret_tree_case(m, 1, 77, few, 2);
    secret_tree_case(m, 8, 77, few, 2);
    secret_tree_case(m, 32, 77, few, 2);
    // "If the length of the ciphertext is less than KDF.Nh, the whole ciphertext is used" (RFC 9420 §6.3.2).
    secret_tree_case(m, 2, nh - 1, many, 7);
    secret_tree_case(m, 4, nh, many, 7);
    secret_tree_case(m, 16, nh + 1, many, 7);
    secret_tree_case(m, 64, 16, many, 3);
}

// -------------------------------------------------------------------------------------------------- key-schedule

static struct span context_of(struct make *m, struct span group_id, uint64_t epoch, struct span tree_hash,
                              struct span confirmed)
{
    struct buf b;
    buf_init(&b, TLS_VECTOR_MAX);
    const struct group_context c = {.version = MLS_VERSION,
                                    .suite = crypto_suite_id(m->t.algo.suite),
                                    .group_id = group_id,
                                    .epoch = epoch,
                                    .tree_hash = tree_hash,
                                    .confirmed_hash = confirmed};
    group_context_write(&b, &c);
    return trial_take(&m->t, &b, "GroupContext");
}

static void put_secret(struct make *m, json_t *o, const char *key, const struct secret *s)
{
    kit_bytes(m, o, key, secret_span(&m->t.algo, s));
}

static void exporter(struct make *m, json_t *o, const struct secret *secret)
{
    const char *label = kit_label(m, kit_below(m, 65));
    struct span context = kit_random(m, kit_below(m, 100));
    size_t n = kit_range(m, 1, 3 * (uint32_t)algo_nh(&m->t.algo));
    uint8_t *out = trial_bytes(&m->t, n);
    if (m->t.failed) return;
    if (!trial_ok(&m->t, schedule_export(&m->t.algo, secret, label, context, out, n), "exporter")) return;
    kit_text(m, o, "label", label);
    kit_bytes(m, o, "context", context);
    kit_number(m, o, "length", n);
    kit_bytes(m, o, "secret", span_of(out, n));
}

static void epoch_outputs(struct make *m, json_t *o, const struct secret *member, struct span context,
                          struct secret *init)
{
    const struct algo *a = &m->t.algo;
    struct secret welcome, epoch, encryption, confirmation;
    struct epoch_secrets s;
    uint8_t sk[CRYPTO_SK_MAX], pk[CRYPTO_PK_MAX];
    enum err e = label_derive(a, member, "welcome", &welcome);
    if (e == ERR_OK) e = schedule_epoch_secret(a, member, context, &epoch);
    if (e == ERR_OK) e = schedule_epoch(a, &epoch, &s, &encryption, &confirmation);
    if (e == ERR_OK) e = schedule_external_keys(a, &s.external, sk, pk);
    if (!trial_ok(&m->t, e, "key schedule")) return;
    put_secret(m, o, "welcome_secret", &welcome);
    put_secret(m, o, "init_secret", &s.init);
    put_secret(m, o, "sender_data_secret", &s.sender_data);
    put_secret(m, o, "encryption_secret", &encryption);
    put_secret(m, o, "exporter_secret", &s.exporter);
    put_secret(m, o, "epoch_authenticator", &s.authenticator);
    put_secret(m, o, "external_secret", &s.external);
    put_secret(m, o, "confirmation_key", &confirmation);
    put_secret(m, o, "membership_key", &s.membership);
    put_secret(m, o, "resumption_psk", &s.resumption);
    kit_bytes(m, o, "external_pub", span_of(pk, algo_sizes(a)->npk));
    exporter(m, kit_object(m, o, "exporter"), &s.exporter);
    *init = s.init;
}

static void schedule_epoch_case(struct make *m, json_t *o, struct span group_id, uint64_t number, struct secret *init)
{
    struct secret commit = kit_secret(m), psk = {0}, joiner, member;
    size_t nh = algo_nh(&m->t.algo);
    struct span tree_hash = kit_random(m, nh), confirmed = kit_random(m, nh);
    if (number % 3 != 2) psk = kit_secret(m); // "can sometimes be the all zero vector"
    struct span context = context_of(m, group_id, number, tree_hash, confirmed);
    if (m->t.failed) return;
    enum err e = schedule_joiner(&m->t.algo, init, &commit, context, &joiner);
    if (e == ERR_OK) e = schedule_member(&m->t.algo, &joiner, &psk, &member);
    if (!trial_ok(&m->t, e, "joiner secret")) return;
    kit_bytes(m, o, "tree_hash", tree_hash);
    put_secret(m, o, "commit_secret", &commit);
    put_secret(m, o, "psk_secret", &psk);
    kit_bytes(m, o, "confirmed_transcript_hash", confirmed);
    kit_bytes(m, o, "group_context", context);
    put_secret(m, o, "joiner_secret", &joiner);
    epoch_outputs(m, o, &member, context, init);
}

void gen_key_schedule(struct make *m)
{
    for (uint32_t i = 0; !m->t.failed && i < (m->plan->small ? 1 : 2); i++) {
        struct span group_id = kit_random(m, i == 0 ? algo_nh(&m->t.algo) : kit_range(m, 1, 100));
        struct secret init = kit_secret(m);
        json_t *o = kit_case(m);
        kit_bytes(m, o, "group_id", group_id);
        put_secret(m, o, "initial_init_secret", &init);
        json_t *list = kit_list(m, o, "epochs");
        for (uint32_t n = 0; n < (m->plan->small ? 2 : i == 0 ? 5 : 20); n++) {
            schedule_epoch_case(m, kit_append_object(m, list), group_id, n, &init);
        }
    }
}

// ---------------------------------------------------------------------------------------------------- psk_secret

static void one_psk(struct make *m, json_t *o, bool plain, struct secret *psk_secret, uint16_t index, uint16_t count)
{
    const uint32_t nh = (uint32_t)algo_nh(&m->t.algo);
    const struct psk_id id = {.type = PSK_EXTERNAL,
                              .id = kit_random(m, plain ? nh : kit_range(m, 1, 200)),
                              .nonce = kit_random(m, nh)};
    struct span psk = kit_random(m, plain ? nh : kit_range(m, 1, 200));
    if (m->t.failed) return;
    trial_ok(&m->t, psk_add(&m->t.algo, psk_secret, &id, psk, index, count), "PSK %u", index);
    kit_bytes(m, o, "psk_id", id.id);
    kit_bytes(m, o, "psk", psk);
    kit_bytes(m, o, "psk_nonce", id.nonce);
}

void gen_psk_secret(struct make *m)
{
    for (uint16_t n = 0; !m->t.failed && n <= (m->plan->small ? 2 : 12); n++) {
        uint16_t count = n <= 10 ? n : n == 11 ? 40 : 5;
        struct secret psk_secret;
        json_t *o = kit_case(m), *list = kit_list(m, o, "psks");
        psk_begin(&psk_secret);
        for (uint16_t i = 0; i < count; i++) {
            one_psk(m, kit_append_object(m, list), n <= 10, &psk_secret, i, count);
        }
        put_secret(m, o, "psk_secret", &psk_secret);
    }
}

// --------------------------------------------------------------------------------------------- transcript-hashes

static void transcript(struct make *m, enum wire_format wire)
{
    struct dice d = dice_of_suite(m);
    struct secret key = kit_secret(m);
    struct kit_keys signer = kit_signature_keys(m);
    struct span before = kit_random(m, d.nh), context = kit_random(m, 100), body = dice_commit(&d, kit_coin(m));
    uint8_t confirmed[CRYPTO_HASH_MAX], interim[CRYPTO_HASH_MAX], tag[CRYPTO_HASH_MAX];
    struct frame_transcript parts;
    struct frame f = {0};
    struct buf raw;
    const struct frame_content c = {.wire = wire,
                                    .group_id = kit_random(m, kit_range(m, 1, 40)),
                                    .epoch = kit_below(m, 1u << 30),
                                    .sender_type = SENDER_MEMBER,
                                    .sender = kit_below(m, 100),
                                    .aad = kit_random(m, kit_below(m, 40)),
                                    .content_type = CONTENT_COMMIT,
                                    .body = body};
    buf_init(&raw, TLS_VECTOR_MAX);
    enum err e = m->t.failed ? ERR_INVALID : frame_sign(&m->t.algo, &c, context, signer.sk, signer.pk, &f);
    if (e == ERR_OK) frame_transcript(&f, &parts);
    if (e == ERR_OK) e = schedule_confirmed_hash(&m->t.algo, before, parts.parts, FRAME_TRANSCRIPT_PARTS, confirmed);
    if (e == ERR_OK) e = schedule_confirmation_tag(&m->t.algo, &key, span_of(confirmed, d.nh), tag);
    f.confirmation_tag = span_of(tag, d.nh);
    if (e == ERR_OK) e = schedule_interim_hash(&m->t.algo, span_of(confirmed, d.nh), f.confirmation_tag, interim);
    if (e == ERR_OK) e = frame_authenticated(&f, &raw);
    if (!m->t.failed && trial_ok(&m->t, e, "AuthenticatedContent")) {
        json_t *o = kit_case(m);
        put_secret(m, o, "confirmation_key", &key);
        kit_bytes(m, o, "authenticated_content", buf_span(&raw));
        kit_bytes(m, o, "interim_transcript_hash_before", before);
        kit_bytes(m, o, "confirmed_transcript_hash_after", span_of(confirmed, d.nh));
        kit_bytes(m, o, "interim_transcript_hash_after", span_of(interim, d.nh));
    }
    buf_wipe(&raw);
    frame_wipe(&f);
}

void gen_transcript_hashes(struct make *m)
{
    for (uint32_t i = 0; !m->t.failed && i < (m->plan->small ? 1 : 8); i++) {
        transcript(m, i % 2 == 0 ? WIRE_PUBLIC : WIRE_PRIVATE);
    }
}
