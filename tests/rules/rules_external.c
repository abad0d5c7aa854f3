// SPDX-License-Identifier: Apache-2.0
//
// The rules of external commits (RFC 9420 §12.2, §12.4.3.2): what may be in one, and whom a joiner may replace. What they
// share with other commits is broken in the files about leaves, paths and messages.
#include "offer.h"

static void commit(struct forge *f)
{
    forge_commit(f);
    forge_offer(f);
}

static struct psk_id psk(struct scene *s)
{
    static const uint8_t nonce[32] = {3};
    s->world.psk_id = cast_text("the psk");
    s->world.psk = cast_text("a secret of many bytes");
    return (struct psk_id){.type = PSK_EXTERNAL, .id = span_str("the psk"), .nonce = span_of(nonce, 32)};
}

// -------------------------------------------------------------------------------------------------- ExternalInit

static void no_init(struct scene *s)
{
    struct forge f;
    struct psk_id id = psk(s);
    forge_begin_external(&f, s, ERIN, ALICE);
    forge_value(&f, forge_psk(s, &id));
    if (s->wrong) forge_forget(&f, 0);
    commit(&f);
}

static void nothing_at_all(struct scene *s)
{
    struct forge f;
    forge_begin_external(&f, s, ERIN, ALICE);
    if (s->wrong) forge_forget(&f, 0);
    commit(&f);
}

static void two_inits(struct scene *s)
{
    struct forge f;
    forge_begin_external(&f, s, ERIN, ALICE);
    if (s->wrong) forge_value(&f, buf_span(&f.item[0].raw));
    commit(&f);
}

// An encapsulation that is none: of the wrong length.
static void init_cut_short(struct scene *s)
{
    struct forge f;
    struct proposal p;
    forge_begin_external(&f, s, ERIN, ALICE);
    assert_ok(proposal_decode(buf_span(&f.item[0].raw), &p, NULL));
    struct span cut = forge_external_init(s, span_of(p.kem_output.p, p.kem_output.n - (s->wrong ? 1 : 0)));
    forge_forget(&f, 0);
    forge_value(&f, cut);
    commit(&f);
}

// One for another epoch's key: everybody else arrives at another init secret.
static void init_of_before(struct scene *s)
{
    struct forge f;
    struct span old = span_of(NULL, 0);
    if (s->wrong) {
        forge_begin_external(&f, s, FRANK, ALICE);
        old = scene_copy(s, buf_span(&f.item[0].raw));
        forge_free(&f);
        scene_commit(s, CAROL, NULL, 0);
    }
    forge_begin_external(&f, s, ERIN, ALICE);
    if (s->wrong) {
        forge_forget(&f, 0);
        forge_value(&f, old);
    }
    commit(&f);
}

// ----------------------------------------------------------------------------------------------- other proposals

static void two_removes(struct scene *s)
{
    struct forge f;
    forge_begin_external(&f, s, ERIN, ALICE);
    forge_value(&f, forge_remove(s, DAVE));
    if (s->wrong) forge_value(&f, forge_remove(s, CAROL));
    commit(&f);
}

static void removes_nobody(struct scene *s)
{
    struct forge f;
    forge_begin_external(&f, s, ERIN, ALICE);
    if (s->wrong) scene_add(s, ALICE, FRANK);
    if (s->wrong) {
        forge_free(&f);
        forge_begin_external(&f, s, ERIN, ALICE);
    }
    forge_value(&f, forge_remove(s, s->wrong ? 6 : 4));
    commit(&f);
}

static void other_proposal(struct scene *s)
{
    struct forge f;
    const struct reinit r = {.group_id = span_str("next"), .version = MLS_VERSION, .suite = s->suite};
    struct leaf l = forge_leaf(s, DAVE);
    forge_begin_external(&f, s, ERIN, ALICE);
    if (s->wrong) {
        switch (s->rule->arg) {
        case PROPOSAL_ADD: forge_value(&f, forge_add(s, scene_key_package(s, FRANK))); break;
        case PROPOSAL_UPDATE: forge_value(&f, forge_update(s, l.raw)); break;
        case PROPOSAL_REINIT: forge_value(&f, forge_reinit(s, &r)); break;
        case PROPOSAL_EXTENSIONS: forge_value(&f, forge_extensions(s, NULL, 0)); break;
        case SCENE_PROPOSAL: forge_value(&f, forge_custom(s, SCENE_PROPOSAL, "custom")); break;
        }
    }
    commit(&f);
}

static void by_reference(struct scene *s)
{
    struct forge f;
    uint8_t ref[CRYPTO_HASH_MAX];
    struct forge_message m = forge_message(s, MALLORY, CONTENT_PROPOSAL, forge_remove(s, DAVE));
    struct span message = forge_write(s, MALLORY, &m);
    assert_ok(group_add_waiting(scene_group(s, MALLORY), m.raw, ref));
    scene_deliver_proposal(s, MALLORY, message);
    forge_begin_external(&f, s, ERIN, ALICE);
    if (s->wrong) forge_reference(&f, m.body, m.reference, SENDER_MEMBER, MALLORY);
    else forge_value(&f, m.body);
    commit(&f);
}

// Pre-shared keys of either kind may be there, in any number.
static void psks_are_welcome(struct scene *s)
{
    static const uint8_t other[32] = {4};
    struct forge f;
    struct psk_id a = psk(s), b = psk(s);
    b.nonce = span_of(other, 32);
    forge_begin_external(&f, s, ERIN, ALICE);
    forge_value(&f, forge_psk(s, &a));
    forge_value(&f, forge_remove(s, DAVE));
    forge_value(&f, forge_psk(s, &b));
    commit(&f);
    scene_commit(s, ERIN, NULL, 0);
    scene_agree(s);
}

static void psk_usage(struct scene *s)
{
    struct forge f;
    struct psk_id id = psk(s);
    id.type = PSK_RESUMPTION;
    id.usage = s->wrong ? PSK_REINIT : PSK_APPLICATION;
    id.group_id = span_str("the group");
    id.epoch = scene_group(s, ALICE)->now.number;
    forge_begin_external(&f, s, ERIN, ALICE);
    forge_value(&f, forge_psk(s, &id));
    f.psk = secret_span(&f.g->algo, &scene_group(s, ALICE)->now.secrets.resumption);
    commit(&f);
}

// ------------------------------------------------------------------------------------------------- through the front door

// A resync by the public interface, and then life goes on.
static void resync(struct scene *s)
{
    struct mls_buf info, message;
    struct mls_group *g = NULL;
    assert_ok(mls_group_info(scene_group(s, ALICE), true, true, &info));
    const struct mls_external_join join = {
        .group_info = cast_span(info), .leaf = scene_leaf(s, CAROL), .resync = true, .resync_index = CAROL};
    assert_ok(mls_group_join_external(s->client, &join, &message, &g));
    for (size_t i = 0; i < MEMBERS; i++) {
        struct mls_received r;
        scene_deliver(s, i, scene_span(message), &r);
        assert_int_equal(r.sender, CAROL); // the leftmost blank leaf is the one that it has just left
        assert_int_equal(mls_staged_removes_me(r.staged), i == CAROL);
        assert_ok(mls_group_merge(scene_group(s, i), r.staged));
        r.staged = NULL;
        mls_received_free(&r);
    }
    assert_false(mls_group_active(scene_group(s, CAROL)));
    mls_group_free(s->m[CAROL].group);
    s->m[CAROL].group = g;
    scene_agree(s);
    scene_commit(s, CAROL, NULL, 0);
    scene_commit(s, DAVE, NULL, 0);
    scene_agree(s);
    mls_buf_free(&info);
    mls_buf_free(&message);
}

// A GroupInfo without external_pub lets nobody in.
static void no_external_pub(struct scene *s)
{
    struct mls_buf info, commit;
    struct mls_group *g = NULL;
    assert_ok(mls_group_info(scene_group(s, ALICE), true, !s->wrong, &info));
    const struct mls_external_join join = {.group_info = cast_span(info), .leaf = scene_leaf(s, ERIN)};
    scene_verdict(s, mls_group_join_external(s->client, &join, &commit, &g));
    mls_buf_free(&info);
    mls_buf_free(&commit);
    mls_group_free(g);
}

static const struct rule rules[] = {
    {MLS_E_EXTERNAL_INIT, "12.2", "none", no_init, NULL, 0, 0},
    {MLS_E_EXTERNAL_INIT, "12.2", "no proposal at all", nothing_at_all, NULL, 0, 0},
    {MLS_E_EXTERNAL_INIT, "12.2", "two", two_inits, NULL, 0, 0},
    {MLS_E_UNAUTHENTICATED, "8.3", "an encapsulation that is none", init_cut_short, NULL, 0, 0},
    {MLS_E_MESSAGE_CONFIRMATION_TAG, "8.3", "an ExternalInit for the key of an earlier epoch", init_of_before, NULL, 0,
     0},
    {MLS_E_EXTERNAL_REMOVE, "12.2", "two", two_removes, NULL, 0, 0},
    {MLS_E_PROPOSAL_REMOVES_NOBODY, "12.1.3", "in an external commit", removes_nobody, NULL, 0, 0},
    {MLS_E_EXTERNAL_PROPOSAL, "12.2", "an Add", other_proposal, NULL, 0, PROPOSAL_ADD},
    {MLS_E_EXTERNAL_PROPOSAL, "12.2", "an Update", other_proposal, NULL, 0, PROPOSAL_UPDATE},
    {MLS_E_EXTERNAL_PROPOSAL, "12.2", "a ReInit", other_proposal, NULL, 0, PROPOSAL_REINIT},
    {MLS_E_EXTERNAL_PROPOSAL, "12.2", "GroupContextExtensions", other_proposal, NULL, 0, PROPOSAL_EXTENSIONS},
    {MLS_E_EXTERNAL_PROPOSAL, "12.2", "a custom proposal", other_proposal, NULL, 0, SCENE_PROPOSAL},
    {MLS_E_EXTERNAL_REFERENCE, "12.4.3.2", "a Remove that waits", by_reference, NULL, 0, 0},
    {MLS_E_PROPOSAL_PSK_USAGE, "12.1.4", "in an external commit", psk_usage, NULL, 0, 0},
    {MLS_OK, "12.2", "PSKs of any number, beside a Remove", psks_are_welcome, NULL, 0, 0},
    {MLS_OK, "12.4.3.2", "a member that has lost its state comes back in its own place", resync, NULL, 0, 0},
    {MLS_E_GROUP_INFO_EXTERNAL, "12.4.3.2", "no external_pub", no_external_pub, NULL, 0, 0},
};

int main(void) { return rules_run("rules-external", rules, sizeof rules / sizeof *rules); }
