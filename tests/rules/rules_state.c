// SPDX-License-Identifier: Apache-2.0
//
// What a client may not do in the state that it is in (RFC 9420 §12.4, §12.4.2, §14): to send when it is out, to talk
// while proposals wait, to enter an epoch that does not follow its own.
#include "forge.h"

enum { REMOVED, REINITIALISED, OUTSIDE };

static void end(struct scene *s)
{
    struct mls_proposal p = {.type = MLS_PROPOSAL_REMOVE, .removed = CAROL};
    if (s->rule->arg == REINITIALISED) p = (struct mls_proposal){.type = MLS_PROPOSAL_REINIT};
    scene_commit(s, DAVE, &p, 1);
}

// Everything that sends or changes something. Broken: the group is over for carol. Kept: for mallory it is not, or has not
// been yet.
static void does_nothing(struct scene *s)
{
    struct mls_commit c;
    struct mls_buf out;
    struct mls_staged *staged;
    struct mls_group *branch = NULL;
    struct mls_proposal p = {.type = SCENE_PROPOSAL};
    const struct mls_related_params related = {.leaf = scene_leaf(s, MALLORY)};
    struct mls_buf saved = {0};
    if (s->wrong && s->rule->arg == REINITIALISED) { // the other way round: first it goes on
        s->wrong = false;
        does_nothing(s);
        s->wrong = true;
    } else if (!s->wrong && s->rule->arg == REINITIALISED && !mls_group_active(scene_group(s, MALLORY))) {
        return;
    }
    if (s->wrong) end(s);
    struct mls_group *g = scene_group(s, s->wrong ? CAROL : MALLORY);
    assert_true(mls_group_active(g) == !s->wrong);
    scene_verdict(s, mls_group_protect(g, cast_text("data"), (struct mls_span){0}, &out));
    mls_buf_free(&out);
    scene_verdict(s, mls_group_commit(g, NULL, &c));
    if (!s->wrong) assert_ok(mls_staged_save(c.staged, &saved));
    mls_commit_free(&c);
    scene_verdict(s, mls_staged_restore(g, cast_span(saved), &staged));
    mls_staged_free(staged);
    mls_buf_free(&saved);
    scene_verdict(s, mls_group_info(g, true, true, &out));
    mls_buf_free(&out);
    scene_verdict(s, mls_group_propose(g, &p, (struct mls_span){0}, &out, NULL));
    mls_buf_free(&out);
    scene_verdict(s, mls_group_branch(g, &related, &out, &branch));
    mls_buf_free(&out);
    mls_group_free(branch);
    if (!s->wrong) assert_ok(mls_group_drop_proposals(g, (struct mls_span){0}));
}

// What others still send is not taken: a handshake message for whom the group is over. Just before, it was.
static void takes_nothing(struct scene *s)
{
    struct mls_received r;
    if (!s->wrong) return;
    for (int over = 0; over < 2; over++) {
        struct forge_message m = forge_message(s, MALLORY, CONTENT_PROPOSAL, forge_custom(s, SCENE_PROPOSAL, "late"));
        m.wire = (enum wire_format)s->rule->arg;
        struct span message = forge_write(s, MALLORY, &m);
        s->wrong = over == 1;
        if (scene_offer(s, CAROL, message, &r)) mls_received_free(&r);
        if (over == 1) continue;
        const struct mls_proposal p = {.type = MLS_PROPOSAL_REINIT};
        scene_commit(s, DAVE, &p, 1);
    }
}

// One who only looks on has nothing to say.
static void observer(struct scene *s)
{
    struct mls_buf info, out;
    struct mls_group *g = NULL;
    assert_ok(mls_group_info(scene_group(s, ALICE), true, true, &info));
    assert_ok(mls_group_observe(s->client, cast_span(info), (struct mls_span){0}, &g));
    struct mls_group *who = s->wrong ? g : scene_group(s, MALLORY);
    scene_verdict(s, mls_group_protect(who, cast_text("data"), (struct mls_span){0}, &out));
    mls_buf_free(&out);
    scene_verdict(s, mls_group_export(who, "label", (struct mls_span){0}, 16, &out));
    mls_buf_free(&out);
    scene_verdict(s, mls_group_epoch_authenticator(who, &out));
    mls_buf_free(&out);
    mls_buf_free(&info);
    mls_group_free(g);
}

// No application data while a proposal waits, whoever has sent it.
static void proposals_wait(struct scene *s)
{
    struct mls_buf out;
    if (s->wrong) {
        bool external = s->rule->arg == SENDER_EXTERNAL;
        uint8_t ref[CRYPTO_HASH_MAX];
        struct forge_message m = external ? forge_message_outside(s, SENDER_EXTERNAL, forge_remove(s, DAVE))
                                          : forge_message(s, MALLORY, CONTENT_PROPOSAL, forge_remove(s, DAVE));
        scene_deliver_proposal(s, external ? CAST : MALLORY, forge_write(s, MALLORY, &m));
        if (!external) assert_ok(group_add_waiting(scene_group(s, MALLORY), m.raw, ref));
    } else {
        scene_commit(s, ALICE, NULL, 0); // of what waits
    }
    struct mls_group *g = scene_group(s, CAROL);
    struct snapshot before;
    if (s->wrong) snapshot_take(g, &before);
    scene_verdict(s, mls_group_protect(g, cast_text("data"), (struct mls_span){0}, &out));
    if (s->wrong) snapshot_same(g, &before);
    mls_buf_free(&out);
}

enum { OWN_AFTER_OTHERS, OTHERS_AFTER_OWN, SAVED, TWICE };

// Two commits of one epoch: the second of them cannot be entered.
static void stale(struct scene *s)
{
    struct mls_group *g = scene_group(s, ALICE);
    struct mls_commit own, other;
    struct mls_received r;
    struct snapshot before;
    assert_ok(mls_group_commit(g, NULL, &own));
    assert_ok(mls_group_commit(scene_group(s, CAROL), NULL, &other));
    scene_deliver(s, ALICE, scene_span(other.message), &r);
    bool others_first = s->rule->arg == OWN_AFTER_OTHERS;
    struct mls_staged **first = others_first ? &r.staged : &own.staged,
                      **second = others_first ? &own.staged : &r.staged;
    if (s->wrong) {
        assert_ok(mls_group_merge(g, *first));
        *first = NULL;
    }
    snapshot_take(g, &before);
    enum mls_error e = mls_group_merge(g, *second);
    scene_verdict(s, e);
    if (e == MLS_OK) *second = NULL;
    if (e != MLS_OK) snapshot_same(g, &before);
    else
        for (size_t i = 0; i < 6; i++) mls_buf_free(&before.part[i]);
    // The rest of the group goes the same way.
    bool own_won = s->wrong != others_first;
    for (size_t i = 1; i < MEMBERS; i++) {
        struct mls_received x;
        if (!own_won && i == CAROL) {
            assert_ok(mls_group_merge(scene_group(s, CAROL), other.staged));
            other.staged = NULL;
            continue;
        }
        scene_deliver(s, i, scene_span(own_won ? own.message : other.message), &x);
        assert_ok(mls_group_merge(scene_group(s, i), x.staged));
        x.staged = NULL;
        mls_received_free(&x);
    }
    scene_agree(s);
    mls_received_free(&r);
    mls_commit_free(&own);
    mls_commit_free(&other);
}

static void stale_saved(struct scene *s)
{
    struct mls_group *g = scene_group(s, ALICE);
    struct mls_commit own;
    struct mls_buf saved;
    struct mls_staged *staged;
    assert_ok(mls_group_commit(g, NULL, &own));
    assert_ok(mls_staged_save(own.staged, &saved));
    if (s->wrong) scene_commit(s, CAROL, NULL, 0);
    scene_verdict(s, mls_staged_restore(g, cast_span(saved), &staged));
    mls_staged_free(staged);
    mls_commit_free(&own);
    mls_buf_free(&saved);
}

static const struct rule rules[] = {
    {MLS_E_GROUP_INACTIVE, "12.4.2", "a removed member does nothing more", does_nothing, NULL, 0, REMOVED},
    {MLS_E_GROUP_INACTIVE, "12.4.2", "in a reinitialised group nobody does", does_nothing, NULL, 0, REINITIALISED},
    {MLS_E_GROUP_INACTIVE, "12.4.2", "a reinitialised group takes no proposal", takes_nothing, NULL, 0, WIRE_PUBLIC},
    {MLS_E_GROUP_INACTIVE, "12.4.2", "and no private one", takes_nothing, NULL, 0, WIRE_PRIVATE},
    {MLS_E_GROUP_INACTIVE, "12.4.3.2", "an observer has no secrets", observer, NULL, 0, 0},
    {MLS_E_GROUP_PROPOSALS, "12.4", "a member's proposal waits", proposals_wait, NULL, 0, SENDER_MEMBER},
    {MLS_E_GROUP_PROPOSALS, "12.4", "an external sender's waits", proposals_wait, NULL, 0, SENDER_EXTERNAL},
    {MLS_E_STAGED_STALE, "14", "an own commit after another's", stale, NULL, 0, OWN_AFTER_OTHERS},
    {MLS_E_STAGED_STALE, "14", "another's commit after an own", stale, NULL, 0, OTHERS_AFTER_OWN},
    {MLS_E_STAGED_STALE, "14", "an own commit, stored and brought back", stale_saved, NULL, 0, 0},
};

int main(void) { return rules_run("rules-state", rules, sizeof rules / sizeof *rules); }
