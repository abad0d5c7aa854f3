// SPDX-License-Identifier: Apache-2.0
//
// Generators of message-protection and messages.
#include "mls/frame.h"
#include "vectors/make/dice.h"
#include "vectors/make/generators.h"

// -------------------------------------------------------------------------------------------- message-protection

enum { SENDER = 1, MEMBERS = 2 };

struct setting {
    struct make *m;
    struct span group_id, tree_hash, confirmed, context;
    uint64_t epoch;
    struct kit_keys signer;
    struct secret encryption, sender_data, membership;
    struct span aad;
    uint32_t generation, padding;
};

static bool sign(const struct setting *s, enum wire_format wire, enum content_type type, struct span raw,
                 struct frame *out)
{
    struct make *m = s->m;
    const struct frame_content c = {.wire = wire,
                                    .group_id = s->group_id,
                                    .epoch = s->epoch,
                                    .sender_type = SENDER_MEMBER,
                                    .sender = SENDER,
                                    .aad = s->aad,
                                    .content_type = type,
                                    .body = raw};
    if (m->t.failed) return false;
    enum err e = frame_sign(&m->t.algo, &c, s->context, s->signer.sk, s->signer.pk, out);
    if (!trial_ok(&m->t, e, "sign a frame")) return false;
    // Nothing in this format says what the tag is of.
    if (type == CONTENT_COMMIT) out->confirmation_tag = kit_random(m, algo_nh(&m->t.algo));
    return !m->t.failed;
}

static struct span protect_public(const struct setting *s, enum content_type type, struct span raw)
{
    struct make *m = s->m;
    struct frame f;
    struct buf out;
    buf_init(&out, TLS_VECTOR_MAX);
    if (!sign(s, WIRE_PUBLIC, type, raw, &f)) return span_of(NULL, 0);
    enum err e = frame_write_public(&m->t.algo, &f, s->context, &s->membership, &out);
    trial_ok(&m->t, e, "protect a PublicMessage");
    frame_wipe(&f);
    return trial_take(&m->t, &out, "protect a PublicMessage");
}

static struct span protect_private(const struct setting *s, enum content_type type, struct span raw)
{
    struct make *m = s->m;
    enum ratchet_type ratchet = type == CONTENT_APPLICATION ? RATCHET_APPLICATION : RATCHET_HANDSHAKE;
    struct span guard = kit_random(m, 4);
    struct secret_tree tree;
    struct secret_step step = {0};
    struct frame f;
    struct buf out;
    buf_init(&out, TLS_VECTOR_MAX);
    if (!sign(s, WIRE_PRIVATE, type, raw, &f)) return span_of(NULL, 0);
    enum err e = secret_tree_new(&tree, MEMBERS, &s->encryption);
    if (e == ERR_OK) {
        e = secret_step_find(&m->t.algo, &tree, SENDER, ratchet, s->generation, UINT32_MAX, 0, &step);
        secret_tree_wipe(&tree);
    }
    if (e == ERR_OK) {
        e = frame_write_private(&m->t.algo, &f, &s->sender_data, &step.key, step.generation, guard.p, s->padding, &out);
    }
    trial_ok(&m->t, e, "protect a PrivateMessage");
    secret_step_wipe(&step);
    frame_wipe(&f);
    return trial_take(&m->t, &out, "protect a PrivateMessage");
}

static void put_setting(const struct setting *s, json_t *o)
{
    struct make *m = s->m;
    kit_bytes(m, o, "group_id", s->group_id);
    kit_number(m, o, "epoch", s->epoch);
    kit_bytes(m, o, "tree_hash", s->tree_hash);
    kit_bytes(m, o, "confirmed_transcript_hash", s->confirmed);
    kit_bytes(m, o, "signature_priv", s->signer.sk);
    kit_bytes(m, o, "signature_pub", s->signer.pk);
    kit_bytes(m, o, "encryption_secret", secret_span(&m->t.algo, &s->encryption));
    kit_bytes(m, o, "sender_data_secret", secret_span(&m->t.algo, &s->sender_data));
    kit_bytes(m, o, "membership_key", secret_span(&m->t.algo, &s->membership));
}

static void protection_case(struct make *m, struct span proposal, struct span commit, struct span application,
                            struct span aad, uint32_t generation, uint32_t padding)
{
    const size_t nh = algo_nh(&m->t.algo);
    struct setting s = {.m = m,
                        .group_id = kit_random(m, kit_range(m, 1, 60)),
                        .tree_hash = kit_random(m, nh),
                        .confirmed = kit_random(m, nh),
                        .epoch = kit_below(m, 1u << 30),
                        .signer = kit_signature_keys(m),
                        .encryption = kit_secret(m),
                        .sender_data = kit_secret(m),
                        .membership = kit_secret(m),
                        .aad = aad,
                        .generation = generation,
                        .padding = padding};
    struct buf b;
    buf_init(&b, TLS_VECTOR_MAX);
    const struct group_context c = {.version = MLS_VERSION,
                                    .suite = crypto_suite_id(m->t.algo.suite),
                                    .group_id = s.group_id,
                                    .epoch = s.epoch,
                                    .tree_hash = s.tree_hash,
                                    .confirmed_hash = s.confirmed};
    group_context_write(&b, &c);
    s.context = trial_take(&m->t, &b, "GroupContext");
    json_t *o = kit_case(m);
    put_setting(&s, o);
    kit_bytes(m, o, "proposal", proposal);
    kit_bytes(m, o, "proposal_pub", protect_public(&s, CONTENT_PROPOSAL, proposal));
    kit_bytes(m, o, "proposal_priv", protect_private(&s, CONTENT_PROPOSAL, proposal));
    kit_bytes(m, o, "commit", commit);
    kit_bytes(m, o, "commit_pub", protect_public(&s, CONTENT_COMMIT, commit));
    kit_bytes(m, o, "commit_priv", protect_private(&s, CONTENT_COMMIT, commit));
    kit_bytes(m, o, "application", application);
    kit_bytes(m, o, "application_priv", protect_private(&s, CONTENT_APPLICATION, application));
}

void gen_message_protection(struct make *m)
{
    static const uint8_t remove[] = {0, PROPOSAL_REMOVE, 0, 0, 0, 0};
    struct dice d = dice_of_suite(m);
    // A Remove, a commit of it without path, and a text: what every implementation can make something of.
    static const uint8_t commit[] = {7, COMMIT_BY_VALUE, 0, PROPOSAL_REMOVE, 0, 0, 0, 0, 0};
    protection_case(m, span_of(remove, sizeof remove), span_of(commit, sizeof commit), span_str("a text"),
                    span_of(NULL, 0), 0, 0);
    if (m->plan->small) return;
    for (uint32_t i = 0; !m->t.failed && i < 6; i++) {
        struct span proposal = dice_proposal(&d), a_commit = dice_commit(&d, i % 2 == 0);
        protection_case(m, proposal, a_commit, kit_random(m, i == 0 ? 0 : kit_below(m, 2000)),
                        kit_random(m, kit_below(m, 100)), i % 3 == 0 ? 0 : kit_below(m, 200), 1u << (2 * i));
    }
}

// ------------------------------------------------------------------------------------------------------ messages

void gen_messages(struct make *m)
{
    static const struct {
        const char *key;
        uint16_t type;
    } proposals[] = {{"add_proposal", PROPOSAL_ADD},
                     {"update_proposal", PROPOSAL_UPDATE},
                     {"remove_proposal", PROPOSAL_REMOVE},
                     {"pre_shared_key_proposal", PROPOSAL_PSK},
                     {"re_init_proposal", PROPOSAL_REINIT},
                     {"external_init_proposal", PROPOSAL_EXTERNAL_INIT},
                     {"group_context_extensions_proposal", PROPOSAL_EXTENSIONS}};
    for (uint32_t i = 0; !m->t.failed && i < (m->plan->small ? 2 : 300); i++) {
        struct dice d = dice_of_any(m);
        json_t *o = kit_case(m);
        kit_bytes(m, o, "mls_welcome", dice_message(&d, WIRE_WELCOME, dice_welcome(&d)));
        kit_bytes(m, o, "mls_group_info", dice_message(&d, WIRE_GROUP_INFO, dice_group_info(&d)));
        kit_bytes(m, o, "mls_key_package", dice_message(&d, WIRE_KEY_PACKAGE, dice_key_package(&d)));
        kit_bytes(m, o, "ratchet_tree", dice_ratchet_tree(&d, kit_range(m, 1, m->plan->small ? 2 : 6)));
        kit_bytes(m, o, "group_secrets", dice_group_secrets(&d));
        for (size_t j = 0; j < sizeof proposals / sizeof *proposals; j++) {
            kit_bytes(m, o, proposals[j].key, dice_proposal_body(&d, proposals[j].type));
        }
        kit_bytes(m, o, "commit", dice_commit(&d, kit_coin(m)));
        kit_bytes(m, o, "public_message_application", dice_public(&d, CONTENT_APPLICATION));
        kit_bytes(m, o, "public_message_proposal", dice_public(&d, CONTENT_PROPOSAL));
        kit_bytes(m, o, "public_message_commit", dice_public(&d, CONTENT_COMMIT));
        kit_bytes(m, o, "private_message", dice_private(&d));
    }
}
