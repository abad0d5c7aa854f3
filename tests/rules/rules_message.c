// SPDX-License-Identifier: Apache-2.0
//
// The rules of messages (RFC 9420 §6, §9, §12.1, §12.4.2, §15.3): where they belong, who may have sent them, what
// authenticates them, and in which state their key is. Each is broken in every framing that has it.
#include "forge.h"

enum { PROPOSAL, COMMIT, APPLICATION, PRIVATE_PROPOSAL, PRIVATE_COMMIT, EXTERNAL, NEW_MEMBER, EXTERNAL_COMMIT, FRAMES };
#define ARG(frame, flaw) ((frame) + (int)FRAMES * (flaw))
static int framing(const struct scene *s) { return s->rule->arg % FRAMES; }
static enum flaw flaw(const struct scene *s) { return s->wrong ? (enum flaw)(s->rule->arg / FRAMES) : FLAW_NONE; }

// ------------------------------------------------------------------------------------------- offering, by framing

static void everybody_forgets(struct scene *s)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        if (!s->wrong) assert_ok(mls_group_drop_proposals(scene_group(s, i), (struct mls_span){0}));
    }
}

// Offers application data to everybody else, who must find it in there.
static void offer_data(struct scene *s, size_t from, struct span message, const char *data)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        struct mls_received r;
        if (i == from || !scene_offer(s, i, message, &r)) continue;
        assert_true(span_eq(scene_span(r.data), span_str(data)));
        assert_int_equal(r.sender, from);
        mls_received_free(&r);
    }
}

static void offer_message(struct scene *s, size_t who, struct forge_message *m)
{
    struct span message = forge_write(s, who, m);
    if (m->type == CONTENT_APPLICATION) offer_data(s, who, message, "data");
    else scene_offer_proposal(s, m->sender_type == SENDER_MEMBER ? who : CAST, message);
    if (m->type == CONTENT_PROPOSAL) everybody_forgets(s);
}

// A message by mallory, or by somebody outside, in the rule's framing. Not of commits.
static struct forge_message message_of(struct scene *s)
{
    switch (framing(s)) {
    case EXTERNAL: return forge_message_outside(s, SENDER_EXTERNAL, forge_remove(s, DAVE));
    case NEW_MEMBER: return forge_message_outside(s, SENDER_NEW_PROPOSAL, forge_add(s, scene_key_package(s, ERIN)));
    case APPLICATION: return forge_message(s, MALLORY, CONTENT_APPLICATION, span_str("data"));
    default: break;
    }
    struct forge_message m = forge_message(s, MALLORY, CONTENT_PROPOSAL, forge_remove(s, DAVE));
    if (framing(s) == PRIVATE_PROPOSAL) m.wire = WIRE_PRIVATE;
    return m;
}

static bool is_commit(const struct scene *s)
{
    return framing(s) == COMMIT || framing(s) == PRIVATE_COMMIT || framing(s) == EXTERNAL_COMMIT;
}

static void begin_commit(struct forge *f, struct scene *s)
{
    if (framing(s) == EXTERNAL_COMMIT) forge_begin_external(f, s, ERIN, ALICE);
    else forge_begin(f, s, MALLORY);
    if (framing(s) == PRIVATE_COMMIT) f->wire = WIRE_PRIVATE;
    f->flaw = flaw(s);
}

// ---------------------------------------------------------------------------------------------- one flaw, any framing

static void flawed(struct scene *s)
{
    if (is_commit(s)) {
        struct forge f;
        begin_commit(&f, s);
        f.other = forge_signature_key(s, CAROL);
        forge_commit(&f);
        forge_offer(&f);
        return;
    }
    struct forge_message m = message_of(s);
    m.flaw = flaw(s);
    if (m.flaw == FLAW_SIGNATURE_OTHER) m.sk = forge_signature_key(s, CAROL);
    offer_message(s, MALLORY, &m);
}

// ------------------------------------------------------------------------------------------------------- its place

static void other_group(struct scene *s)
{
    struct span id = span_str("another group");
    if (is_commit(s)) {
        struct forge f;
        begin_commit(&f, s);
        if (s->wrong) f.group_id = id;
        forge_commit(&f);
        forge_offer(&f);
        return;
    }
    struct forge_message m = message_of(s);
    if (s->wrong) m.group_id = id;
    offer_message(s, MALLORY, &m);
}

static void other_epoch(struct scene *s)
{
    uint64_t by = s->rule->error == MLS_E_MESSAGE_FUTURE ? 1 : UINT64_MAX;
    if (is_commit(s)) {
        struct forge f;
        begin_commit(&f, s);
        if (s->wrong) f.epoch += by;
        forge_commit(&f);
        forge_offer(&f);
        return;
    }
    struct forge_message m = message_of(s);
    if (s->wrong) m.epoch += by;
    offer_message(s, MALLORY, &m);
}

// A real message of the epoch before, that comes too late; and one that was in time.
static void too_late(struct scene *s)
{
    struct mls_buf message;
    assert_ok(mls_group_protect(scene_group(s, MALLORY), cast_text("data"), (struct mls_span){0}, &message));
    if (s->wrong) scene_commit(s, CAROL, NULL, 0);
    offer_data(s, MALLORY, scene_span(message), "data");
    mls_buf_free(&message);
}

// Handshake messages are never read late, however many epochs are kept for application messages.
static void too_late_to_propose(struct scene *s)
{
    struct forge_message m = message_of(s);
    struct span message = forge_write(s, MALLORY, &m);
    if (s->wrong) scene_commit(s, CAROL, NULL, 0);
    scene_offer_proposal(s, MALLORY, message);
    everybody_forgets(s);
}

// ------------------------------------------------------------------------------------------------------- its sender

static void own(struct scene *s)
{
    struct mls_received r;
    struct forge_message m = message_of(s);
    struct span message = forge_write(s, MALLORY, &m);
    if (scene_offer(s, s->wrong ? MALLORY : ALICE, message, &r)) mls_received_free(&r);
    if (m.type == CONTENT_PROPOSAL) everybody_forgets(s);
}

// A leaf that is blank, or that is none.
static void no_member(struct scene *s)
{
    static const uint32_t nobody[] = {5, 8, 0x7fffffff, UINT32_MAX};
    if (s->wrong) scene_add(s, ALICE, ERIN);
    for (size_t i = 0; i < sizeof nobody / sizeof *nobody; i++) {
        struct forge_message m = message_of(s);
        if (s->wrong) m.sender = nobody[i];
        else if (i > 0) return;
        offer_message(s, MALLORY, &m);
    }
}

// A leaf that the epoch of the message did not have, though the present one has it.
static void no_member_then(struct scene *s)
{
    struct forge_message m = message_of(s);
    if (s->wrong) m.sender = 4;
    struct span message = forge_write(s, MALLORY, &m);
    if (s->wrong) scene_add(s, ALICE, ERIN);
    offer_data(s, MALLORY, message, "data");
}

static void no_external_sender(struct scene *s)
{
    static const uint32_t nobody[] = {1, 2, UINT32_MAX};
    for (size_t i = 0; i < sizeof nobody / sizeof *nobody; i++) {
        struct forge_message m = message_of(s);
        if (s->wrong) m.sender = nobody[i];
        else if (i > 0) return;
        offer_message(s, MALLORY, &m);
    }
}

// The group has no external senders any more; before, it had.
static void no_external_senders(struct scene *s)
{
    if (s->wrong) {
        const struct mls_proposal p = {.type = MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS};
        scene_commit(s, ALICE, &p, 1);
    } else {
        const struct mls_extension x = {MLS_EXTENSION_EXTERNAL_SENDERS, cast_span(s->post)};
        const struct mls_proposal p = {
            .type = MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS, .extensions = &x, .extension_count = 1};
        scene_commit(s, ALICE, &p, 1);
    }
    struct forge_message m = message_of(s);
    offer_message(s, MALLORY, &m);
}

// Which content which sender may not send.
struct pair {
    enum sender_type sender;
    enum content_type content;
};

static void wrong_content(struct scene *s)
{
    static const struct pair pairs[] = {{SENDER_EXTERNAL, CONTENT_COMMIT},
                                        {SENDER_NEW_PROPOSAL, CONTENT_COMMIT},
                                        {SENDER_NEW_COMMIT, CONTENT_PROPOSAL}};
    static const uint8_t empty_commit[] = {0, 0}, tag[32];
    for (size_t i = 0; s->wrong && i < sizeof pairs / sizeof *pairs; i++) {
        struct forge_message m = forge_message_outside(s, pairs[i].sender, forge_add(s, scene_key_package(s, ERIN)));
        m.type = pairs[i].content;
        if (m.type == CONTENT_COMMIT) {
            m.body = span_of(empty_commit, 2);
            m.confirmation_tag = span_of(tag, 32);
        }
        offer_message(s, ALICE, &m);
    }
    if (s->wrong) return;
    struct forge_message m = forge_message_outside(s, SENDER_EXTERNAL, forge_remove(s, DAVE));
    offer_message(s, ALICE, &m);
}

static void public_application(struct scene *s)
{
    struct forge_message m = forge_message(s, MALLORY, CONTENT_APPLICATION, span_str("data"));
    m.wire = s->wrong ? WIRE_PUBLIC : WIRE_PRIVATE;
    offer_message(s, MALLORY, &m);
}

// Signed as a PrivateMessage, sent as a PublicMessage: the signature covers the wire format.
static void signed_for_other_wire(struct scene *s)
{
    struct forge_message m = message_of(s);
    m.resign = s->wrong;
    offer_message(s, MALLORY, &m);
}

// Signed under the GroupContext of the epoch before, with everything else of the present one.
static void signed_for_other_context(struct scene *s)
{
    struct mls_buf before;
    assert_ok(mls_group_context(scene_group(s, MALLORY), &before));
    if (s->wrong) scene_commit(s, CAROL, NULL, 0);
    struct forge_message m = message_of(s);
    if (s->wrong) m.context = scene_span(before);
    offer_message(s, MALLORY, &m);
    mls_buf_free(&before);
}

// ------------------------------------------------------------------------------------------------------- generations

static void far_ahead(struct scene *s)
{
    struct forge_message m = message_of(s);
    uint32_t most = s->config.max_ahead;
    if (s->rule->arg / FRAMES == 0) m.generation = s->wrong ? most + 1 : most;
    else if (s->wrong) m.claimed = UINT32_MAX; // nobody should try to derive so many keys, mallory neither
    offer_message(s, MALLORY, &m);
}

static void twice(struct scene *s)
{
    struct forge_message m = message_of(s);
    struct span message = forge_write(s, MALLORY, &m);
    for (size_t i = 0; i < MEMBERS; i++) {
        struct mls_received r;
        if (i == MALLORY) continue;
        if (s->wrong) {
            scene_deliver(s, i, message, &r);
            mls_received_free(&r);
        }
        if (scene_offer(s, i, message, &r)) mls_received_free(&r);
    }
    everybody_forgets(s);
}

// Generation 0 comes after generation 5; the keys of the last four that were passed over are kept.
static void passed_over(struct scene *s)
{
    struct span message[6];
    for (size_t i = 0; i < 6; i++) {
        struct forge_message m = message_of(s);
        message[i] = forge_write(s, MALLORY, &m);
    }
    for (size_t i = 0; i < MEMBERS; i++) {
        struct mls_received r;
        if (i == MALLORY) continue;
        scene_deliver(s, i, message[5], &r);
        mls_received_free(&r);
    }
    offer_data(s, MALLORY, message[s->wrong ? 0 : 1], "data");
}

static const struct rule rules[] = {
    {MLS_E_MESSAGE_GROUP, "6", "a proposal", other_group, NULL, 0, ARG(PROPOSAL, 0)},
    {MLS_E_MESSAGE_GROUP, "6", "a commit", other_group, NULL, 0, ARG(COMMIT, 0)},
    {MLS_E_MESSAGE_GROUP, "6", "an application message", other_group, NULL, 0, ARG(APPLICATION, 0)},
    {MLS_E_MESSAGE_GROUP, "6", "a private commit", other_group, NULL, 0, ARG(PRIVATE_COMMIT, 0)},
    {MLS_E_MESSAGE_GROUP, "6", "an external commit", other_group, NULL, 0, ARG(EXTERNAL_COMMIT, 0)},
    {MLS_E_MESSAGE_GROUP, "6", "an external proposal", other_group, NULL, 0, ARG(EXTERNAL, 0)},
    {MLS_E_MESSAGE_EPOCH, "12.1", "a proposal", other_epoch, NULL, 0, ARG(PROPOSAL, 0)},
    {MLS_E_MESSAGE_EPOCH, "12.4.2", "a commit", other_epoch, NULL, 0, ARG(COMMIT, 0)},
    {MLS_E_MESSAGE_EPOCH, "12.4.2", "a private commit", other_epoch, NULL, 0, ARG(PRIVATE_COMMIT, 0)},
    {MLS_E_MESSAGE_EPOCH, "12.4.2", "an external commit", other_epoch, NULL, 0, ARG(EXTERNAL_COMMIT, 0)},
    {MLS_E_MESSAGE_EPOCH, "12.1", "an external proposal", other_epoch, NULL, 0, ARG(EXTERNAL, 0)},
    {MLS_E_MESSAGE_EPOCH, "12.1", "a new member's proposal", other_epoch, NULL, 0, ARG(NEW_MEMBER, 0)},
    {MLS_E_MESSAGE_EPOCH, "15.3", "an application message, when no epochs are kept", too_late, NULL, 0,
     ARG(APPLICATION, 0)},
    {MLS_E_MESSAGE_EPOCH, "12.1", "a private proposal, though epochs are kept", too_late_to_propose, NULL, SCENE_PAST,
     ARG(PRIVATE_PROPOSAL, 0)},
    {MLS_E_MESSAGE_FUTURE, "12.1", "a proposal", other_epoch, NULL, 0, ARG(PROPOSAL, 0)},
    {MLS_E_MESSAGE_FUTURE, "12.4.2", "a commit", other_epoch, NULL, 0, ARG(COMMIT, 0)},
    {MLS_E_MESSAGE_FUTURE, "12.4.2", "an external commit", other_epoch, NULL, 0, ARG(EXTERNAL_COMMIT, 0)},
    {MLS_E_MESSAGE_FUTURE, "6", "an application message", other_epoch, NULL, 0, ARG(APPLICATION, 0)},

    {MLS_E_MESSAGE_OWN, "9.2", "a proposal", own, NULL, 0, ARG(PROPOSAL, 0)},
    {MLS_E_MESSAGE_OWN, "9.2", "a private proposal", own, NULL, 0, ARG(PRIVATE_PROPOSAL, 0)},
    {MLS_E_MESSAGE_OWN, "9.2", "an application message", own, NULL, 0, ARG(APPLICATION, 0)},
    {MLS_E_MESSAGE_SENDER, "6.1", "a proposal by no member", no_member, NULL, 0, ARG(PROPOSAL, 0)},
    {MLS_E_MESSAGE_SENDER, "6.3.2", "a private proposal by no member", no_member, NULL, 0, ARG(PRIVATE_PROPOSAL, 0)},
    {MLS_E_MESSAGE_SENDER, "6.3.2", "an application message by no member", no_member, NULL, 0, ARG(APPLICATION, 0)},
    {MLS_E_MESSAGE_SENDER, "6.3.2", "a late application message by no member of its epoch", no_member_then, NULL,
     SCENE_PAST, ARG(APPLICATION, 0)},
    {MLS_E_MESSAGE_SENDER, "6.1", "an external sender with no entry", no_external_sender, NULL, 0, ARG(EXTERNAL, 0)},
    {MLS_E_MESSAGE_SENDER, "12.1.8", "an external sender without the extension", no_external_senders, NULL, 0,
     ARG(EXTERNAL, 0)},
    {MLS_E_MESSAGE_SENDER_TYPE, "6.1", "content that its sender may not send", wrong_content, NULL, 0, 0},
    {MLS_E_MESSAGE_PUBLIC_APPLICATION, "6", "in a PublicMessage", public_application, NULL, 0, 0},

    {MLS_E_MESSAGE_SIGNATURE, "6.1", "of a proposal", flawed, NULL, 0, ARG(PROPOSAL, FLAW_SIGNATURE)},
    {MLS_E_MESSAGE_SIGNATURE, "6.1", "of a commit", flawed, NULL, 0, ARG(COMMIT, FLAW_SIGNATURE)},
    {MLS_E_MESSAGE_SIGNATURE, "6.1", "of an application message", flawed, NULL, 0, ARG(APPLICATION, FLAW_SIGNATURE)},
    {MLS_E_MESSAGE_SIGNATURE, "6.1", "of a private proposal", flawed, NULL, 0, ARG(PRIVATE_PROPOSAL, FLAW_SIGNATURE)},
    {MLS_E_MESSAGE_SIGNATURE, "6.1", "of a private commit", flawed, NULL, 0, ARG(PRIVATE_COMMIT, FLAW_SIGNATURE)},
    {MLS_E_MESSAGE_SIGNATURE, "6.1", "of an external proposal", flawed, NULL, 0, ARG(EXTERNAL, FLAW_SIGNATURE)},
    {MLS_E_MESSAGE_SIGNATURE, "6.1", "of a new member's proposal", flawed, NULL, 0, ARG(NEW_MEMBER, FLAW_SIGNATURE)},
    {MLS_E_MESSAGE_SIGNATURE, "12.4.3.2", "of an external commit", flawed, NULL, 0,
     ARG(EXTERNAL_COMMIT, FLAW_SIGNATURE)},
    {MLS_E_MESSAGE_SIGNATURE, "6.1", "a proposal by another member", flawed, NULL, 0,
     ARG(PROPOSAL, FLAW_SIGNATURE_OTHER)},
    {MLS_E_MESSAGE_SIGNATURE, "6.1", "a commit by another member", flawed, NULL, 0, ARG(COMMIT, FLAW_SIGNATURE_OTHER)},
    {MLS_E_MESSAGE_SIGNATURE, "6.1", "an application message by another member", flawed, NULL, 0,
     ARG(APPLICATION, FLAW_SIGNATURE_OTHER)},
    {MLS_E_MESSAGE_SIGNATURE, "12.4.3.2", "an external commit by a member", flawed, NULL, 0,
     ARG(EXTERNAL_COMMIT, FLAW_SIGNATURE_OTHER)},
    {MLS_E_MESSAGE_SIGNATURE, "6.1", "an external proposal by a member", flawed, NULL, 0,
     ARG(EXTERNAL, FLAW_SIGNATURE_OTHER)},
    {MLS_E_MESSAGE_SIGNATURE, "6.1", "of a proposal, for another wire format", signed_for_other_wire, NULL, 0,
     ARG(PROPOSAL, 0)},
    {MLS_E_MESSAGE_SIGNATURE, "6.1", "of a private proposal, for another wire format", signed_for_other_wire, NULL, 0,
     ARG(PRIVATE_PROPOSAL, 0)},
    {MLS_E_MESSAGE_SIGNATURE, "6.1", "of a proposal, for another epoch's context", signed_for_other_context, NULL, 0,
     ARG(PROPOSAL, 0)},
    {MLS_E_MESSAGE_SIGNATURE, "6.1", "of an application message, for another epoch's context", signed_for_other_context,
     NULL, 0, ARG(APPLICATION, 0)},

    {MLS_E_MESSAGE_MEMBERSHIP_TAG, "6.2", "of a proposal", flawed, NULL, 0, ARG(PROPOSAL, FLAW_MEMBERSHIP_TAG)},
    {MLS_E_MESSAGE_MEMBERSHIP_TAG, "6.2", "of a commit", flawed, NULL, 0, ARG(COMMIT, FLAW_MEMBERSHIP_TAG)},
    {MLS_E_MESSAGE_MEMBERSHIP_TAG, "6.2", "empty", flawed, NULL, 0, ARG(PROPOSAL, FLAW_MEMBERSHIP_NONE)},
    {MLS_E_MESSAGE_CONFIRMATION_TAG, "12.4.2", "of a commit", flawed, NULL, 0, ARG(COMMIT, FLAW_CONFIRMATION_TAG)},
    {MLS_E_MESSAGE_CONFIRMATION_TAG, "12.4.2", "empty", flawed, NULL, 0, ARG(COMMIT, FLAW_CONFIRMATION_NONE)},
    {MLS_E_MESSAGE_CONFIRMATION_TAG, "12.4.2", "of a private commit", flawed, NULL, 0,
     ARG(PRIVATE_COMMIT, FLAW_CONFIRMATION_TAG)},
    {MLS_E_MESSAGE_CONFIRMATION_TAG, "12.4.2", "of an external commit", flawed, NULL, 0,
     ARG(EXTERNAL_COMMIT, FLAW_CONFIRMATION_TAG)},

    {MLS_E_MESSAGE_SENDER_DATA, "6.3.2", "damaged", flawed, NULL, 0, ARG(APPLICATION, FLAW_SENDER_DATA)},
    {MLS_E_MESSAGE_SENDER_DATA, "6.3.2", "too short", flawed, NULL, 0, ARG(APPLICATION, FLAW_SENDER_DATA_SHORT)},
    {MLS_E_MESSAGE_SENDER_DATA, "6.3.2", "of a private commit", flawed, NULL, 0, ARG(PRIVATE_COMMIT, FLAW_SENDER_DATA)},
    {MLS_E_MESSAGE_CONTENT, "6.3.1", "damaged", flawed, NULL, 0, ARG(APPLICATION, FLAW_CIPHERTEXT)},
    {MLS_E_MESSAGE_CONTENT, "6.3.1", "shorter than a tag", flawed, NULL, 0, ARG(APPLICATION, FLAW_CIPHERTEXT_SHORT)},
    {MLS_E_MESSAGE_CONTENT, "6.3.1", "of a private commit", flawed, NULL, 0, ARG(PRIVATE_COMMIT, FLAW_CIPHERTEXT)},
    {MLS_E_MESSAGE_PADDING, "6.3.1", "of an application message", flawed, NULL, 0, ARG(APPLICATION, FLAW_PADDING)},
    {MLS_E_MESSAGE_PADDING, "6.3.1", "of a private proposal", flawed, NULL, 0, ARG(PRIVATE_PROPOSAL, FLAW_PADDING)},
    {MLS_E_MESSAGE_PADDING, "6.3.1", "of a private commit", flawed, NULL, 0, ARG(PRIVATE_COMMIT, FLAW_PADDING)},
    {MLS_E_MALFORMED, "6", "a byte behind a public message", flawed, NULL, 0, ARG(PROPOSAL, FLAW_TAIL)},
    {MLS_E_MALFORMED, "6", "a byte behind a private message", flawed, NULL, 0, ARG(APPLICATION, FLAW_TAIL)},

    {MLS_E_MESSAGE_GENERATION, "15.3", "further ahead than the policy says", far_ahead, NULL, 0, ARG(APPLICATION, 0)},
    {MLS_E_MESSAGE_GENERATION, "15.3", "further ahead, a private proposal", far_ahead, NULL, 0,
     ARG(PRIVATE_PROPOSAL, 0)},
    {MLS_E_MESSAGE_GENERATION, "15.3", "billions ahead", far_ahead, NULL, 0, ARG(APPLICATION, 1)},
    {MLS_E_MESSAGE_KEY_GONE, "9.2", "an application message twice", twice, NULL, 0, ARG(APPLICATION, 0)},
    {MLS_E_MESSAGE_KEY_GONE, "9.2", "a private proposal twice", twice, NULL, 0, ARG(PRIVATE_PROPOSAL, 0)},
    {MLS_E_MESSAGE_KEY_GONE, "15.3", "passed over, and not kept", passed_over, NULL, 0, ARG(APPLICATION, 0)},
};

int main(void) { return rules_run("rules-message", rules, sizeof rules / sizeof *rules); }
