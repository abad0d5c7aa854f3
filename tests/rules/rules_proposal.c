// SPDX-License-Identifier: Apache-2.0
//
// The rules of proposals by themselves and in a list (RFC 9420 §12.1, §12.2), as far as they are about members: who may
// propose what, what a reference may name, and how Add, Update and Remove go together.
#include "offer.h"

// Sends a proposal of somebody's for real: it waits with everybody.
static struct forge_message wait_for(struct scene *s, size_t who, struct span proposal)
{
    uint8_t ref[CRYPTO_HASH_MAX];
    struct forge_message m = forge_message(s, who, CONTENT_PROPOSAL, proposal);
    struct span message = forge_write(s, who, &m);
    assert_ok(group_add_waiting(scene_group(s, who), m.raw, ref));
    scene_deliver_proposal(s, who, message);
    return m;
}

// A fresh Update of somebody's, with a private half that it keeps.
static struct forge_message update_of(struct scene *s, size_t who, bool send)
{
    uint8_t sk[CRYPTO_SK_MAX];
    struct mls_group *g = scene_group(s, who);
    struct leaf l = forge_leaf(s, who);
    l.source = LEAF_UPDATE;
    l.encryption_key = forge_key(s, sk);
    struct span raw = forge_sign_leaf(s, &l, buf_span(&g->id), g->now.keys.leaf, forge_signature_key(s, who));
    struct forge_message m = forge_message(s, who, CONTENT_PROPOSAL, forge_update(s, raw));
    struct span message = forge_write(s, who, &m);
    forge_keep_update(s, who, &m, l.encryption_key, sk);
    if (send) scene_deliver_proposal(s, who, message);
    return m;
}

static void refer(struct forge *f, const struct forge_message *m)
{
    forge_reference(f, m->body, m->reference, SENDER_MEMBER, m->sender);
}

// ---------------------------------------------------------------------------------------------------- references

enum { NEVER_SENT, EARLIER_EPOCH, FORGOTTEN };

static void reference(struct scene *s)
{
    struct forge f;
    struct forge_message m;
    if (s->wrong && variant(s) == NEVER_SENT) {
        m = forge_message(s, MALLORY, CONTENT_PROPOSAL, forge_remove(s, DAVE));
        (void)forge_write(s, MALLORY, &m);
    } else {
        m = wait_for(s, MALLORY, forge_remove(s, DAVE));
    }
    if (s->wrong && variant(s) == EARLIER_EPOCH) {
        const struct mls_commit_params p = {.without_waiting = true};
        struct mls_commit c;
        assert_ok(mls_group_commit(scene_group(s, CAROL), &p, &c));
        s->wrong = false;
        scene_offer_commit(s, CAROL, scene_span(c.message), c.staged);
        s->wrong = true;
        c.staged = NULL;
        mls_commit_free(&c);
    }
    if (s->wrong && variant(s) == FORGOTTEN) {
        for (size_t i = 0; i < MEMBERS; i++)
            assert_ok(mls_group_drop_proposals(scene_group(s, i), to_api(m.reference)));
    }
    forge_begin(&f, s, MALLORY);
    refer(&f, &m);
    forge_commit(&f);
    forge_offer(&f);
}

// ------------------------------------------------------------------------------------------------------- senders

enum { BY_EXTERNAL, BY_NEW_MEMBER };

static void from_outside(struct scene *s, enum sender_type type, struct span proposal)
{
    struct forge_message m = forge_message_outside(s, type, proposal);
    scene_offer_proposal(s, CAST, forge_write(s, ALICE, &m));
    for (size_t i = 0; i < MEMBERS; i++) {
        if (!s->wrong) assert_ok(mls_group_drop_proposals(scene_group(s, i), (struct mls_span){0}));
    }
}

static void external_update(struct scene *s)
{
    struct leaf l = forge_leaf(s, MALLORY);
    l.source = LEAF_UPDATE;
    l.encryption_key = forge_key(s, NULL);
    struct span raw = forge_sign_leaf(s, &l, span_str("the group"), 0, forge_signature_key(s, MALLORY));
    from_outside(s, SENDER_EXTERNAL, s->wrong ? forge_update(s, raw) : forge_remove(s, DAVE));
}

static void external_init(struct scene *s)
{
    struct span init = forge_external_init(s, forge_key(s, NULL));
    from_outside(s, SENDER_EXTERNAL, s->wrong ? init : forge_extensions(s, NULL, 0));
}

static void external_custom(struct scene *s)
{
    from_outside(s, SENDER_EXTERNAL, forge_custom(s, s->wrong ? SCENE_PATH : SCENE_PROPOSAL, "custom"));
}

static void new_member_removes(struct scene *s)
{
    struct span add = forge_add(s, scene_key_package(s, ERIN));
    if (!s->wrong) {
        from_outside(s, SENDER_NEW_PROPOSAL, add);
        return;
    }
    from_outside(s, SENDER_NEW_PROPOSAL, forge_remove(s, DAVE));
    from_outside(s, SENDER_NEW_PROPOSAL, forge_extensions(s, NULL, 0));
    from_outside(s, SENDER_NEW_PROPOSAL, forge_custom(s, SCENE_PROPOSAL, "custom"));
}

// ---------------------------------------------------------------------------------------------------------- types

static void unknown_type(struct scene *s)
{
    struct span proposal = forge_custom(s, s->wrong ? SCENE_FOREIGN : SCENE_PROPOSAL, "custom");
    if (way(s) != OWN) {
        offer(s, proposal);
        return;
    }
    offer_own(s, &(struct mls_proposal){.type = s->wrong ? SCENE_FOREIGN : SCENE_PROPOSAL});
}

// Dave does not support a type; he is removed in the same commit, or not.
static void unsupported_type(struct scene *s)
{
    struct forge f;
    if (s->wrong) { // the first time: dave's leaf changes
        forge_begin(&f, s, DAVE);
        f.leaf.capabilities.proposals = scene_without(s, f.leaf.capabilities.proposals, SCENE_PATH);
        s->wrong = false;
        forge_commit(&f);
        forge_offer(&f);
        s->wrong = true;
    }
    forge_begin(&f, s, MALLORY);
    forge_value(&f, forge_custom(s, SCENE_PATH, "custom"));
    if (!s->wrong) forge_value(&f, forge_remove(s, DAVE));
    forge_commit(&f);
    forge_offer(&f);
}

// Those who are being added need not support the types of the other proposals in the list.
static void added_need_not(struct scene *s)
{
    struct forge f;
    struct forge_package p = {0};
    struct leaf l = forge_new_leaf(s, ERIN, p.leaf_sk);
    l.capabilities.proposals = scene_without(s, l.capabilities.proposals, SCENE_PATH);
    p.leaf = forge_sign_leaf(s, &l, span_of(NULL, 0), 0, forge_signature_key(s, ERIN));
    forge_begin(&f, s, MALLORY);
    forge_value(&f, forge_custom(s, SCENE_PATH, "custom"));
    forge_value(&f, forge_add(s, forge_key_package(s, ERIN, &p)));
    forge_commit(&f);
    forge_offer(&f);
}

// ------------------------------------------------------------------------------------------------ Update and Remove

static void own_update(struct scene *s)
{
    struct forge f;
    struct forge_message m = update_of(s, MALLORY, true);
    forge_begin(&f, s, s->wrong ? MALLORY : CAROL);
    if (s->wrong && way(s) == BY_VALUE) forge_value(&f, m.body);
    else refer(&f, &m);
    forge_commit(&f);
    forge_offer(&f);
}

static void own_update_made(struct scene *s)
{
    struct mls_commit c;
    const struct mls_proposal p = {.type = s->wrong ? MLS_PROPOSAL_UPDATE : SCENE_PROPOSAL};
    const struct mls_commit_params params = {.proposals = &p, .proposal_count = 1};
    scene_verdict(s, mls_group_commit(scene_group(s, ALICE), &params, &c));
    mls_commit_free(&c);
}

static void removes_committer(struct scene *s)
{
    struct forge f;
    struct span proposal = forge_remove(s, s->wrong ? MALLORY : DAVE);
    forge_begin(&f, s, MALLORY);
    if (way(s) == BY_REFERENCE) {
        struct forge_message m = wait_for(s, CAROL, proposal);
        refer(&f, &m);
    } else {
        forge_value(&f, proposal);
    }
    forge_commit(&f);
    forge_offer(&f);
}

static void removes_self_made(struct scene *s)
{
    struct mls_commit c;
    const struct mls_proposal p = {.type = MLS_PROPOSAL_REMOVE, .removed = s->wrong ? ALICE : DAVE};
    const struct mls_commit_params params = {.proposals = &p, .proposal_count = 1};
    scene_verdict(s, mls_group_commit(scene_group(s, ALICE), &params, &c));
    mls_commit_free(&c);
}

static void removes_nobody(struct scene *s)
{
    static const uint32_t nobody[] = {4, 7, 0x7fffffff, 0x80000003, UINT32_MAX};
    if (s->wrong) scene_add(s, ALICE, ERIN); // a tree of eight leaves, three of them blank
    for (size_t i = 0; i < sizeof nobody / sizeof *nobody; i++) {
        uint32_t leaf = s->wrong && nobody[i] == 4 ? 5 : nobody[i];
        if (!s->wrong && i > 0) break;
        if (way(s) == OWN) offer_own(s, &(struct mls_proposal){.type = MLS_PROPOSAL_REMOVE, .removed = leaf});
        else offer(s, forge_remove(s, leaf));
    }
}

enum { REMOVE_TWICE, UPDATE_AND_REMOVE, UPDATE_TWICE, REMOVE_AND_UPDATE };

static void same_leaf(struct scene *s)
{
    struct forge f;
    struct forge_message update, second;
    int how = variant(s);
    if (how != REMOVE_TWICE) update = update_of(s, DAVE, true);
    if (how == UPDATE_TWICE) second = update_of(s, DAVE, true);
    forge_begin(&f, s, MALLORY);
    if (how == REMOVE_AND_UPDATE) forge_value(&f, forge_remove(s, s->wrong ? DAVE : CAROL));
    if (how == REMOVE_TWICE) forge_value(&f, forge_remove(s, DAVE));
    else refer(&f, &update);
    if (how == UPDATE_AND_REMOVE) forge_value(&f, forge_remove(s, s->wrong ? DAVE : CAROL));
    if (how == REMOVE_TWICE && s->wrong) forge_value(&f, forge_remove(s, DAVE));
    if (how == UPDATE_TWICE && s->wrong) refer(&f, &second);
    forge_commit(&f);
    forge_offer(&f);
}

// -------------------------------------------------------------------------------------------------------------- Add

static struct span package_of(struct scene *s, size_t who, const char *name)
{
    struct forge_package p = {0};
    struct leaf l = forge_new_leaf(s, who, p.leaf_sk);
    if (name != NULL) l.credential = forge_credential(s, CREDENTIAL_BASIC, name);
    p.leaf = forge_sign_leaf(s, &l, span_of(NULL, 0), 0, forge_signature_key(s, who));
    return forge_key_package(s, who, &p);
}

// Two KeyPackages of one client: with the same signature key, or with the same name where that decides.
static void adds_twice(struct scene *s)
{
    struct forge f;
    bool by_name = (s->rule->options & SCENE_ONE_CLIENT) != 0;
    forge_begin(&f, s, MALLORY);
    forge_value(&f, forge_add(s, package_of(s, ERIN, NULL)));
    if (!s->wrong) forge_value(&f, forge_add(s, package_of(s, FRANK, NULL)));
    else forge_value(&f, forge_add(s, by_name ? package_of(s, FRANK, "erin") : package_of(s, ERIN, "another name")));
    forge_commit(&f);
    forge_offer(&f);
}

// A KeyPackage of a member, who is removed by the same commit or not.
static void adds_member(struct scene *s)
{
    struct forge f;
    bool by_name = (s->rule->options & SCENE_ONE_CLIENT) != 0;
    forge_begin(&f, s, MALLORY);
    if (!s->wrong) forge_value(&f, forge_remove(s, DAVE));
    forge_value(&f, forge_add(s, by_name ? package_of(s, ERIN, "dave") : package_of(s, DAVE, "another name")));
    forge_commit(&f);
    forge_offer(&f);
}

static const struct rule rules[] = {
    {MLS_E_PROPOSAL_UNKNOWN, "12.4", "never sent", reference, NULL, 0, ARG(0, NEVER_SENT)},
    {MLS_E_PROPOSAL_UNKNOWN, "12.1", "of an earlier epoch", reference, NULL, 0, ARG(0, EARLIER_EPOCH)},
    {MLS_E_PROPOSAL_UNKNOWN, "12.4", "forgotten", reference, NULL, 0, ARG(0, FORGOTTEN)},

    {MLS_E_PROPOSAL_SENDER, "12.1.8", "an Update by an external sender", external_update, NULL, 0, 0},
    {MLS_E_PROPOSAL_SENDER, "12.1.8", "an ExternalInit by an external sender", external_init, NULL, 0, 0},
    {MLS_E_PROPOSAL_SENDER, "12.1.8", "a custom proposal by an external sender", external_custom, NULL, 0, 0},
    {MLS_E_PROPOSAL_SENDER, "6.1", "anything but an Add by a new member", new_member_removes, NULL, 0, 0},

    {MLS_E_PROPOSAL_TYPE, "12.2", "unknown, received", unknown_type, NULL, 0, RECEIVED},
    {MLS_E_PROPOSAL_TYPE, "12.2", "unknown, by value", unknown_type, NULL, 0, BY_VALUE},
    {MLS_E_PROPOSAL_TYPE, "12.2", "unknown, own", unknown_type, NULL, 0, OWN},
    {MLS_E_PROPOSAL_TYPE, "12.2", "not supported by a member who is not removed", unsupported_type, NULL, 0, 0},
    {MLS_OK, "12.2", "those who are added need not support a proposal's type", added_need_not, NULL, 0, 0},

    {MLS_E_PROPOSAL_OWN_UPDATE, "12.2", "by value", own_update, NULL, 0, BY_VALUE},
    {MLS_E_PROPOSAL_OWN_UPDATE, "12.2", "by reference", own_update, NULL, 0, BY_REFERENCE},
    {MLS_E_PROPOSAL_OWN_UPDATE, "12.2", "made", own_update_made, NULL, 0, 0},
    {MLS_E_PROPOSAL_REMOVES_COMMITTER, "12.2", "by value", removes_committer, NULL, 0, BY_VALUE},
    {MLS_E_PROPOSAL_REMOVES_COMMITTER, "12.2", "by reference", removes_committer, NULL, 0, BY_REFERENCE},
    {MLS_E_PROPOSAL_REMOVES_COMMITTER, "12.2", "made", removes_self_made, NULL, 0, 0},
    {MLS_E_PROPOSAL_REMOVES_NOBODY, "12.1.3", "received", removes_nobody, NULL, 0, RECEIVED},
    {MLS_E_PROPOSAL_REMOVES_NOBODY, "12.1.3", "by value", removes_nobody, NULL, 0, BY_VALUE},
    {MLS_E_PROPOSAL_REMOVES_NOBODY, "12.1.3", "own", removes_nobody, NULL, 0, OWN},
    {MLS_E_PROPOSAL_SAME_LEAF, "12.2", "two Removes", same_leaf, NULL, 0, ARG(0, REMOVE_TWICE)},
    {MLS_E_PROPOSAL_SAME_LEAF, "12.2", "an Update and a Remove", same_leaf, NULL, 0, ARG(0, UPDATE_AND_REMOVE)},
    {MLS_E_PROPOSAL_SAME_LEAF, "12.2", "a Remove and an Update", same_leaf, NULL, 0, ARG(0, REMOVE_AND_UPDATE)},
    {MLS_E_PROPOSAL_SAME_LEAF, "12.2", "two Updates", same_leaf, NULL, 0, ARG(0, UPDATE_TWICE)},

    {MLS_E_PROPOSAL_ADDS_TWICE, "12.2", "one signature key", adds_twice, NULL, 0, 0},
    {MLS_E_PROPOSAL_ADDS_TWICE, "12.2", "one client by the application's word", adds_twice, NULL, SCENE_ONE_CLIENT, 0},
    {MLS_E_PROPOSAL_ADDS_MEMBER, "12.2", "one signature key", adds_member, NULL, 0, 0},
    {MLS_E_PROPOSAL_ADDS_MEMBER, "12.2", "one client by the application's word", adds_member, NULL, SCENE_ONE_CLIENT,
     0},
};

int main(void) { return rules_run("rules-proposal", rules, sizeof rules / sizeof *rules); }
