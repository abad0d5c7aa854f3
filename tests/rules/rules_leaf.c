// SPDX-License-Identifier: Apache-2.0
//
// The rules of a LeafNode (RFC 9420 §5.3, §7.2, §7.3), broken in each place where a leaf can come from: a KeyPackage, an
// Add, an Update, the path of a commit, the path of an external commit, the tree of a Welcome, and that of a GroupInfo.
#include "forge.h"

enum { DAY = 24 * 3600, AT_COMMIT = 0, AT_RECEIPT = 1 };

// ------------------------------------------------------------------------------------------------------- places

static struct span spoiled_package(struct scene *s)
{
    struct forge_package p = {0};
    struct leaf l = forge_new_leaf(s, ERIN, p.leaf_sk);
    s->rule->spoil(s, &l);
    p.leaf = forge_sign_leaf(s, &l, span_of(NULL, 0), 0, forge_signature_key(s, ERIN));
    return forge_key_package(s, ERIN, &p);
}

static void in_package(struct scene *s)
{
    uint16_t suite;
    struct mls_member member;
    scene_verdict(s, mls_key_package_check(s->client, to_api(spoiled_package(s)), &suite, &member));
}

// What this client itself sends, it has to check.
static void in_own_commit(struct scene *s)
{
    struct mls_commit c;
    const struct mls_proposal p = {.type = MLS_PROPOSAL_ADD, .key_package = to_api(spoiled_package(s))};
    const struct mls_commit_params params = {.proposals = &p, .proposal_count = 1};
    struct snapshot before;
    snapshot_take(scene_group(s, ALICE), &before);
    scene_verdict(s, mls_group_commit(scene_group(s, ALICE), &params, &c));
    snapshot_same(scene_group(s, ALICE), &before); // in public messages, making a commit changes nothing at all
    mls_commit_free(&c);
}

static void in_own_proposal(struct scene *s)
{
    struct mls_group *g = scene_group(s, ALICE);
    const struct mls_proposal p = {.type = MLS_PROPOSAL_ADD, .key_package = to_api(spoiled_package(s))};
    struct snapshot before;
    struct mls_buf message, ref;
    snapshot_take(g, &before);
    enum mls_error e = mls_group_propose(g, &p, (struct mls_span){0}, &message, &ref);
    scene_verdict(s, e);
    if (e == MLS_OK) {
        assert_ok(mls_group_drop_proposals(g, cast_span(ref)));
        mls_group_saved(g);
    }
    snapshot_same(g, &before);
    mls_buf_free(&message);
    mls_buf_free(&ref);
}

// Proposed by the external sender, with this client's own hands.
static void in_external_proposal(struct scene *s)
{
    struct mls_buf message;
    const struct mls_external_proposal p = {
        .suite = s->suite,
        .group_id = cast_text("the group"),
        .epoch = mls_group_epoch(scene_group(s, ALICE)),
        .proposal = {.type = MLS_PROPOSAL_ADD, .key_package = to_api(spoiled_package(s))},
        .signature_private = cast_span(s->post_private),
    };
    enum mls_error e = mls_external_propose(s->client, &p, &message);
    scene_verdict(s, e);
    if (e == MLS_OK) scene_deliver_proposal(s, CAST, scene_span(message));
    mls_buf_free(&message);
}

static void in_add(struct scene *s)
{
    struct forge f;
    forge_begin(&f, s, MALLORY);
    forge_value(&f, forge_add(s, spoiled_package(s)));
    forge_commit(&f);
    forge_offer(&f);
}

// Mallory proposes an Update, dave commits it. Whether the receivers refuse it at once or in the commit is the rule's arg.
static void in_update(struct scene *s)
{
    struct forge f;
    struct leaf l = forge_leaf(s, MALLORY);
    struct mls_group *g = scene_group(s, MALLORY);
    uint8_t leaf_sk[CRYPTO_SK_MAX] = {0};
    l.source = LEAF_UPDATE;
    l.encryption_key = forge_key(s, leaf_sk);
    s->rule->spoil(s, &l);
    struct span own = span_eq(l.signature_key, scene_span(s->m[CAROL].signature_public))
                          ? forge_signature_key(s, CAROL)
                          : forge_signature_key(s, MALLORY);
    struct span raw = forge_sign_leaf(s, &l, buf_span(&g->id), g->now.keys.leaf, own);
    struct forge_message m = forge_message(s, MALLORY, CONTENT_PROPOSAL, forge_update(s, raw));
    struct span message = forge_write(s, MALLORY, &m);
    if (s->wrong && s->rule->arg == AT_RECEIPT) {
        scene_offer_proposal(s, MALLORY, message);
        return;
    }
    forge_keep_update(s, MALLORY, &m, l.encryption_key, leaf_sk);
    scene_deliver_proposal(s, MALLORY, message);
    forge_begin(&f, s, DAVE);
    forge_reference(&f, m.body, m.reference, SENDER_MEMBER, g->now.keys.leaf);
    forge_commit(&f);
    forge_offer(&f);
}

static void in_path(struct scene *s)
{
    struct forge f;
    forge_begin(&f, s, MALLORY);
    s->rule->spoil(s, &f.leaf);
    if (span_eq(f.leaf.signature_key, scene_span(s->m[CAROL].signature_public)))
        f.leaf_sk = forge_signature_key(s, CAROL);
    forge_commit(&f);
    forge_offer(&f);
}

static void in_external_commit(struct scene *s)
{
    struct forge f;
    forge_begin_external(&f, s, ERIN, ALICE);
    s->rule->spoil(s, &f.leaf);
    if (span_eq(f.leaf.signature_key, scene_span(s->m[CAROL].signature_public))) {
        f.leaf_sk = f.sk = forge_signature_key(s, CAROL);
    }
    forge_commit(&f);
    forge_offer(&f);
}

// Mallory's own leaf is spoiled in a tree that nobody else has seen, and erin is let in.
static void spoil_tree(struct forge *f, struct scene *s)
{
    forge_begin(f, s, MALLORY);
    s->rule->spoil(s, &f->leaf);
    if (span_eq(f->leaf.signature_key, scene_span(s->m[CAROL].signature_public)))
        f->leaf_sk = forge_signature_key(s, CAROL);
    forge_value(f, forge_add(s, scene_key_package(s, ERIN)));
    forge_commit(f);
}

static void in_welcome(struct scene *s)
{
    struct forge f;
    const struct forge_welcome w = {.signer = UINT32_MAX};
    spoil_tree(&f, s);
    forge_join(&f, ERIN, forge_welcome(&f, ERIN, &w), span_of(NULL, 0));
    forge_free(&f);
}

static void in_group_info(struct scene *s)
{
    struct forge f;
    spoil_tree(&f, s);
    forge_join_external(&f, FRANK, forge_group_info(&f, NULL, true));
    forge_free(&f);
}

// ------------------------------------------------------------------------------------------------------- flaws

static void signature(struct scene *s, struct leaf *l)
{
    if (s->wrong) l->signature = forge_flip;
}

static void key_short(struct scene *s, struct leaf *l)
{
    if (s->wrong) l->encryption_key = span_of(forge_key(s, NULL).p, 31);
}

static void key_off_curve(struct scene *s, struct leaf *l)
{
    if (s->wrong) l->encryption_key = forge_damage(s, forge_key(s, NULL));
}

static void refused(struct scene *s, struct leaf *l)
{
    l->credential = forge_credential(s, CREDENTIAL_BASIC, s->wrong ? SCENE_REFUSED : "known");
}

static void certificate_of_erin(struct scene *s, struct leaf *l)
{
    l->credential = forge_certificate(s, s->wrong ? FRANK : ERIN);
}

static void certificate_of_mallory(struct scene *s, struct leaf *l)
{
    l->credential = forge_certificate(s, s->wrong ? FRANK : MALLORY);
}

static void certificate_none(struct scene *s, struct leaf *l)
{
    l->credential = s->wrong ? forge_credential(s, CREDENTIAL_X509, "") : forge_certificate(s, ERIN);
}

static void required_extension(struct scene *s, struct leaf *l)
{
    if (s->wrong) l->capabilities.extensions = scene_without(s, l->capabilities.extensions, SCENE_REQUIRED);
}

static void required_proposal(struct scene *s, struct leaf *l)
{
    if (s->wrong) l->capabilities.proposals = scene_without(s, l->capabilities.proposals, SCENE_PROPOSAL);
}

static void required_credential(struct scene *s, struct leaf *l)
{
    if (s->wrong) l->capabilities.credentials = scene_without(s, l->capabilities.credentials, SCENE_BADGE);
}

static void group_extension(struct scene *s, struct leaf *l)
{
    if (s->wrong) l->capabilities.extensions = scene_without(s, l->capabilities.extensions, SCENE_EXTENSION);
}

static void not_listed(struct scene *s, struct leaf *l)
{
    l->credential = forge_credential(s, SCENE_PASS, "a pass");
    if (s->wrong) l->capabilities.credentials = scene_without(s, l->capabilities.credentials, SCENE_PASS);
}

static void foreign(struct scene *s, struct leaf *l)
{
    l->capabilities.credentials = scene_with(s, l->capabilities.credentials, SCENE_FOREIGN);
    l->credential = forge_credential(s, s->wrong ? SCENE_FOREIGN : SCENE_PASS, "an identity");
}

static void in_use(struct scene *s, struct leaf *l)
{
    l->credential = forge_credential(s, SCENE_PASS, "a pass");
    if (s->wrong) l->capabilities.credentials = scene_without(s, l->capabilities.credentials, CREDENTIAL_BASIC);
}

static void expired(struct scene *s, struct leaf *l)
{
    l->not_before = s->world.now - 2 * DAY;
    l->not_after = s->wrong ? s->world.now - 1 : s->world.now;
}

static void not_yet(struct scene *s, struct leaf *l)
{
    l->not_before = s->wrong ? s->world.now + 1 : s->world.now;
    l->not_after = s->world.now + DAY;
}

static void too_long(struct scene *s, struct leaf *l)
{
    l->not_before = s->world.now;
    l->not_after = s->world.now + 100 * DAY + (s->wrong ? 1 : 0);
}

static void backwards(struct scene *s, struct leaf *l)
{
    l->not_before = s->world.now;
    l->not_after = s->world.now - (s->wrong ? 1 : 0);
}

static void extension(struct scene *s, struct leaf *l)
{
    struct buf *b = scene_buf(s);
    tls_put_u16(b, s->wrong ? SCENE_FOREIGN : SCENE_REQUIRED);
    tls_put_vector(b, span_str("data"));
    l->extensions = buf_span(b);
}

static void source_update(struct scene *s, struct leaf *l)
{
    if (s->wrong) l->source = LEAF_UPDATE;
}

static void source_commit(struct scene *s, struct leaf *l)
{
    if (s->wrong) l->source = LEAF_COMMIT;
}

static void source_package(struct scene *s, struct leaf *l)
{
    if (!s->wrong) return;
    l->source = LEAF_KEY_PACKAGE;
    l->not_before = s->world.now;
    l->not_after = s->world.now + DAY;
}

static void unchanged(struct scene *s, struct leaf *l)
{
    if (s->wrong) l->encryption_key = forge_leaf(s, MALLORY).encryption_key;
}

static void signature_key_of_carol(struct scene *s, struct leaf *l)
{
    if (s->wrong) l->signature_key = scene_span(s->m[CAROL].signature_public);
}

static void key_of_carol(struct scene *s, struct leaf *l)
{
    if (s->wrong) l->encryption_key = forge_leaf(s, CAROL).encryption_key;
}

static void key_of_parent(struct scene *s, struct leaf *l)
{
    const struct tree *t = &scene_group(s, ALICE)->tree;
    if (s->wrong) l->encryption_key = scene_copy(s, tree_key(t, math_right(math_root(t->leaves))));
}

// -------------------------------------------------------------------------------------- flaws that are none of fields

static void path_flaw(struct scene *s)
{
    struct forge f;
    forge_begin(&f, s, MALLORY);
    if (s->wrong) f.flaw = (enum flaw)s->rule->arg;
    forge_commit(&f);
    forge_offer(&f);
}

// An Update that was signed for another member's leaf, or for another group.
static void update_elsewhere(struct scene *s)
{
    struct leaf l = forge_leaf(s, MALLORY);
    struct mls_group *g = scene_group(s, MALLORY);
    bool index = s->wrong && s->rule->arg == FLAW_LEAF_INDEX, group = s->wrong && s->rule->arg == FLAW_LEAF_GROUP;
    l.source = LEAF_UPDATE;
    l.encryption_key = forge_key(s, NULL);
    struct span id = group ? span_str("another group") : buf_span(&g->id);
    struct span raw = forge_sign_leaf(s, &l, id, g->now.keys.leaf + index, forge_signature_key(s, MALLORY));
    struct forge_message m = forge_message(s, MALLORY, CONTENT_PROPOSAL, forge_update(s, raw));
    scene_offer_proposal(s, MALLORY, forge_write(s, MALLORY, &m));
}

// Two Updates that bring the same new key.
static void same_key_twice(struct scene *s)
{
    static const size_t who[] = {MALLORY, CAROL};
    struct forge f;
    uint8_t sk[CRYPTO_SK_MAX];
    struct span key = forge_key(s, sk);
    forge_begin(&f, s, DAVE);
    for (size_t i = 0; i < 2; i++) {
        struct mls_group *g = scene_group(s, who[i]);
        struct leaf l = forge_leaf(s, who[i]);
        l.source = LEAF_UPDATE;
        l.encryption_key = s->wrong ? key : forge_key(s, sk);
        struct span raw = forge_sign_leaf(s, &l, buf_span(&g->id), g->now.keys.leaf, forge_signature_key(s, who[i]));
        struct forge_message m = forge_message(s, who[i], CONTENT_PROPOSAL, forge_update(s, raw));
        struct span message = forge_write(s, who[i], &m);
        forge_keep_update(s, who[i], &m, l.encryption_key, sk);
        scene_deliver_proposal(s, who[i], message);
        forge_reference(&f, m.body, m.reference, SENDER_MEMBER, g->now.keys.leaf);
    }
    forge_commit(&f);
    forge_offer(&f);
}

// The credential of a member changes to one that is no successor.
static void resync_identity(struct scene *s)
{
    struct forge f;
    forge_begin_external(&f, s, ERIN, ALICE);
    forge_value(&f, forge_remove(s, MALLORY));
    f.leaf.credential = forge_credential(s, CREDENTIAL_BASIC, s->wrong ? SCENE_REFUSED : "mallory");
    forge_commit(&f);
    forge_offer(&f);
}

static void resync_unchanged(struct scene *s)
{
    struct forge f;
    forge_begin_external(&f, s, ERIN, ALICE);
    forge_value(&f, forge_remove(s, MALLORY));
    if (s->wrong) f.leaf.encryption_key = forge_leaf(s, MALLORY).encryption_key;
    forge_commit(&f);
    forge_offer(&f);
}

// ------------------------------------------------------------------------------------------------------- the table

static const struct rule rules[] = {
    {MLS_E_LEAF_SIGNATURE, "7.3", "in a KeyPackage", in_package, signature, 0, 0},
    {MLS_E_LEAF_SIGNATURE, "7.3", "in an Add", in_add, signature, 0, 0},
    {MLS_E_LEAF_SIGNATURE, "7.3", "in an own commit's Add", in_own_commit, signature, 0, 0},
    {MLS_E_LEAF_SIGNATURE, "7.3", "in an Update", in_update, signature, 0, AT_RECEIPT},
    {MLS_E_LEAF_SIGNATURE, "7.3", "in a path", in_path, signature, 0, 0},
    {MLS_E_LEAF_SIGNATURE, "7.3", "in an external commit", in_external_commit, signature, 0, 0},
    {MLS_E_LEAF_SIGNATURE, "7.3", "in a joined tree", in_welcome, signature, 0, 0},
    {MLS_E_LEAF_SIGNATURE, "7.3", "in the tree of a GroupInfo", in_group_info, signature, 0, 0},
    {MLS_E_LEAF_SIGNATURE, "7.2", "a path leaf signed for another index", path_flaw, NULL, 0, FLAW_LEAF_INDEX},
    {MLS_E_LEAF_SIGNATURE, "7.2", "a path leaf signed for another group", path_flaw, NULL, 0, FLAW_LEAF_GROUP},
    {MLS_E_LEAF_SIGNATURE, "7.2", "an Update signed for another index", update_elsewhere, NULL, 0, FLAW_LEAF_INDEX},
    {MLS_E_LEAF_SIGNATURE, "7.2", "an Update signed for another group", update_elsewhere, NULL, 0, FLAW_LEAF_GROUP},

    {MLS_E_LEAF_KEY_INVALID, "10", "too short, in a KeyPackage", in_package, key_short, 0, 0},
    {MLS_E_LEAF_KEY_INVALID, "10", "too short, in an Add", in_add, key_short, 0, 0},
    {MLS_E_LEAF_KEY_INVALID, "10", "too short, in an Update", in_update, key_short, 0, AT_RECEIPT},
    {MLS_E_LEAF_KEY_INVALID, "10", "too short, in a path", in_path, key_short, 0, 0},
    {MLS_E_LEAF_KEY_INVALID, "10", "too short, in an external commit", in_external_commit, key_short, 0, 0},
    {MLS_E_LEAF_KEY_INVALID, "10", "too short, in a joined tree", in_welcome, key_short, 0, 0},
    {MLS_E_LEAF_KEY_INVALID, "10", "off the curve, in a KeyPackage", in_package, key_off_curve, SCENE_P256, 0},
    {MLS_E_LEAF_KEY_INVALID, "10", "off the curve, in an Add", in_add, key_off_curve, SCENE_P256, 0},
    {MLS_E_LEAF_KEY_INVALID, "10", "off the curve, in an Update", in_update, key_off_curve, SCENE_P256, AT_RECEIPT},
    {MLS_E_LEAF_KEY_INVALID, "10", "off the curve, in a path", in_path, key_off_curve, SCENE_P256, 0},
    {MLS_E_LEAF_KEY_INVALID, "10", "off the curve, in a joined tree", in_welcome, key_off_curve, SCENE_P256, 0},

    {MLS_E_LEAF_CREDENTIAL, "5.3.1", "in a KeyPackage", in_package, refused, 0, 0},
    {MLS_E_LEAF_CREDENTIAL, "5.3.1", "in an own commit's Add", in_own_commit, refused, 0, 0},
    {MLS_E_LEAF_CREDENTIAL, "5.3.1", "in an own Add proposal", in_own_proposal, refused, 0, 0},
    {MLS_E_LEAF_CREDENTIAL, "5.3.1", "in an Add", in_add, refused, 0, 0},
    {MLS_E_LEAF_CREDENTIAL, "5.3.1", "in an Update", in_update, refused, 0, AT_RECEIPT},
    {MLS_E_LEAF_CREDENTIAL, "5.3.1", "in a path", in_path, refused, 0, 0},
    {MLS_E_LEAF_CREDENTIAL, "5.3.1", "in an external commit", in_external_commit, refused, 0, 0},
    {MLS_E_LEAF_CREDENTIAL, "5.3.1", "in a joined tree", in_welcome, refused, 0, 0},
    {MLS_E_LEAF_CREDENTIAL, "5.3.1", "in the tree of a GroupInfo", in_group_info, refused, 0, 0},
    {MLS_E_EXTERNAL_IDENTITY, "12.2", "no successor of the member that is removed", resync_identity, NULL, 0, 0},

    {MLS_E_LEAF_CERTIFICATE, "5.3", "of another key, in a KeyPackage", in_package, certificate_of_erin, 0, 0},
    {MLS_E_LEAF_CERTIFICATE, "5.3", "of another key, in an Add", in_add, certificate_of_erin, 0, 0},
    {MLS_E_LEAF_CERTIFICATE, "5.3", "of another key, in an Update", in_update, certificate_of_mallory, 0, AT_RECEIPT},
    {MLS_E_LEAF_CERTIFICATE, "5.3", "of another key, in a path", in_path, certificate_of_mallory, 0, 0},
    {MLS_E_LEAF_CERTIFICATE, "5.3", "of another key, in an external commit", in_external_commit, certificate_of_erin, 0,
     0},
    {MLS_E_LEAF_CERTIFICATE, "5.3", "of another key, in a joined tree", in_welcome, certificate_of_mallory, 0, 0},
    {MLS_E_LEAF_CERTIFICATE, "5.3", "an empty chain", in_add, certificate_none, 0, 0},

    {MLS_E_LEAF_REQUIRED, "7.3", "an extension, in an Add", in_add, required_extension, 0, 0},
    {MLS_E_LEAF_REQUIRED, "7.3", "a proposal, in an Add", in_add, required_proposal, 0, 0},
    {MLS_E_LEAF_REQUIRED, "7.3", "a credential type, in an Add", in_add, required_credential, 0, 0},
    {MLS_E_LEAF_REQUIRED, "7.3", "in an own commit's Add", in_own_commit, required_extension, 0, 0},
    {MLS_E_LEAF_REQUIRED, "7.3", "in an own Add proposal", in_own_proposal, required_extension, 0, 0},
    {MLS_E_LEAF_REQUIRED, "7.3", "in an Update", in_update, required_extension, 0, AT_COMMIT},
    {MLS_E_LEAF_REQUIRED, "7.3", "in a path", in_path, required_proposal, 0, 0},
    {MLS_E_LEAF_REQUIRED, "7.3", "in an external commit", in_external_commit, required_credential, 0, 0},
    {MLS_E_LEAF_REQUIRED, "7.3", "in a joined tree", in_welcome, required_extension, 0, 0},

    {MLS_E_LEAF_GROUP_EXTENSION, "13.4", "in an Add", in_add, group_extension, 0, 0},
    {MLS_E_LEAF_GROUP_EXTENSION, "13.4", "in an own commit's Add", in_own_commit, group_extension, 0, 0},
    {MLS_E_LEAF_GROUP_EXTENSION, "13.4", "in an Update", in_update, group_extension, 0, AT_COMMIT},
    {MLS_E_LEAF_GROUP_EXTENSION, "13.4", "in a path", in_path, group_extension, 0, 0},
    {MLS_E_LEAF_GROUP_EXTENSION, "13.4", "in an external commit", in_external_commit, group_extension, 0, 0},
    {MLS_E_LEAF_GROUP_EXTENSION, "13.4", "in a joined tree", in_welcome, group_extension, 0, 0},

    {MLS_E_LEAF_CREDENTIAL_NOT_LISTED, "7.2", "in a KeyPackage", in_package, not_listed, 0, 0},
    {MLS_E_LEAF_CREDENTIAL_NOT_LISTED, "7.2", "in an Add", in_add, not_listed, 0, 0},
    {MLS_E_LEAF_CREDENTIAL_NOT_LISTED, "7.2", "in an Update", in_update, not_listed, 0, AT_RECEIPT},
    {MLS_E_LEAF_CREDENTIAL_NOT_LISTED, "7.2", "in a path", in_path, not_listed, 0, 0},
    {MLS_E_LEAF_CREDENTIAL_NOT_LISTED, "7.2", "in an external commit", in_external_commit, not_listed, 0, 0},

    {MLS_E_LEAF_CREDENTIAL_FOREIGN, "7.3", "in an Add", in_add, foreign, 0, 0},
    {MLS_E_LEAF_CREDENTIAL_FOREIGN, "7.3", "in an own commit's Add", in_own_commit, foreign, 0, 0},
    {MLS_E_LEAF_CREDENTIAL_FOREIGN, "7.3", "in an Update", in_update, foreign, 0, AT_COMMIT},
    {MLS_E_LEAF_CREDENTIAL_FOREIGN, "7.3", "in a path", in_path, foreign, 0, 0},
    {MLS_E_LEAF_CREDENTIAL_FOREIGN, "7.3", "in an external commit", in_external_commit, foreign, 0, 0},
    {MLS_E_LEAF_CREDENTIAL_FOREIGN, "7.3", "in a joined tree", in_welcome, foreign, 0, 0},
    // Of a whole tree, the two halves of the rule say the same: each type in use is supported by everybody.
    {MLS_E_LEAF_CREDENTIAL_FOREIGN, "7.3", "a type in use that the leaf lacks, in a joined tree", in_welcome, in_use, 0,
     0},
    {MLS_E_LEAF_CREDENTIALS_IN_USE, "7.3", "in an Add", in_add, in_use, 0, 0},
    {MLS_E_LEAF_CREDENTIALS_IN_USE, "7.3", "in an own commit's Add", in_own_commit, in_use, 0, 0},
    {MLS_E_LEAF_CREDENTIALS_IN_USE, "7.3", "in an Update", in_update, in_use, 0, AT_COMMIT},
    {MLS_E_LEAF_CREDENTIALS_IN_USE, "7.3", "in a path", in_path, in_use, 0, 0},
    {MLS_E_LEAF_CREDENTIALS_IN_USE, "7.3", "in an external commit", in_external_commit, in_use, 0, 0},

    // A receiver may be late and does not ask (§7.3 recommends it, and members that disagree would fork).
    {MLS_E_LEAF_LIFETIME, "7.3", "over, in a KeyPackage", in_package, expired, 0, 0},
    {MLS_E_LEAF_LIFETIME, "7.3", "over, in an own commit's Add", in_own_commit, expired, 0, 0},
    {MLS_E_LEAF_LIFETIME, "7.3", "over, in an own Add proposal", in_own_proposal, expired, 0, 0},
    {MLS_E_LEAF_LIFETIME, "7.3", "over, in an own proposal from outside", in_external_proposal, expired, 0, 0},
    {MLS_E_LEAF_LIFETIME, "7.3", "not begun, in a KeyPackage", in_package, not_yet, 0, 0},
    {MLS_E_LEAF_LIFETIME, "7.3", "not begun, in an own commit's Add", in_own_commit, not_yet, 0, 0},
    {MLS_E_LEAF_LIFETIME_LENGTH, "7.2", "too long, in a KeyPackage", in_package, too_long, 0, 0},
    {MLS_E_LEAF_LIFETIME_LENGTH, "7.2", "too long, in an Add", in_add, too_long, 0, 0},
    {MLS_E_LEAF_LIFETIME_LENGTH, "7.2", "too long, in an own commit's Add", in_own_commit, too_long, 0, 0},
    {MLS_E_LEAF_LIFETIME_LENGTH, "7.2", "ends before it begins, in an Add", in_add, backwards, 0, 0},

    {MLS_E_LEAF_EXTENSION, "7.3", "in a KeyPackage", in_package, extension, 0, 0},
    {MLS_E_LEAF_EXTENSION, "7.3", "in an Add", in_add, extension, 0, 0},
    {MLS_E_LEAF_EXTENSION, "7.3", "in an Update", in_update, extension, 0, AT_RECEIPT},
    {MLS_E_LEAF_EXTENSION, "7.3", "in a path", in_path, extension, 0, 0},
    {MLS_E_LEAF_EXTENSION, "7.3", "in an external commit", in_external_commit, extension, 0, 0},
    {MLS_E_LEAF_EXTENSION, "7.3", "in a joined tree", in_welcome, extension, 0, 0},

    {MLS_E_LEAF_SOURCE, "7.3", "update, in a KeyPackage", in_package, source_update, 0, 0},
    {MLS_E_LEAF_SOURCE, "7.3", "update, in an Add", in_add, source_update, 0, 0},
    {MLS_E_LEAF_SOURCE, "7.3", "commit, in an Add", in_add, source_commit, 0, 0},
    {MLS_E_LEAF_SOURCE, "7.3", "key_package, in an Update", in_update, source_package, 0, AT_RECEIPT},
    {MLS_E_LEAF_SOURCE, "7.3", "commit, in an Update", in_update, source_commit, 0, AT_RECEIPT},
    {MLS_E_LEAF_SOURCE, "12.4.2", "key_package, in a path", in_path, source_package, 0, 0},
    {MLS_E_LEAF_SOURCE, "12.4.2", "update, in a path", in_path, source_update, 0, 0},
    {MLS_E_LEAF_SOURCE, "12.4.2", "key_package, in an external commit", in_external_commit, source_package, 0, 0},

    {MLS_E_LEAF_KEY_UNCHANGED, "7.3", "in an Update", in_update, unchanged, 0, AT_RECEIPT},
    {MLS_E_LEAF_KEY_UNCHANGED, "12.4.2", "in a path", in_path, unchanged, 0, 0},
    {MLS_E_LEAF_KEY_UNCHANGED, "12.2", "in an external commit that removes the old leaf", resync_unchanged, NULL, 0, 0},

    // In an Add, the same signature key means the same client: MLS_E_PROPOSAL_ADDS_MEMBER.
    {MLS_E_LEAF_SIGNATURE_KEY_TAKEN, "7.3", "in an Update", in_update, signature_key_of_carol, 0, AT_COMMIT},
    {MLS_E_LEAF_SIGNATURE_KEY_TAKEN, "7.3", "in a path", in_path, signature_key_of_carol, 0, 0},
    {MLS_E_LEAF_SIGNATURE_KEY_TAKEN, "7.3", "in an external commit", in_external_commit, signature_key_of_carol, 0, 0},
    {MLS_E_LEAF_SIGNATURE_KEY_TAKEN, "7.3", "in a joined tree", in_welcome, signature_key_of_carol, 0, 0},
    // In a path, an encryption key of somebody else's is found by the rule about the keys of paths: MLS_E_PATH_KEY_TAKEN.
    {MLS_E_LEAF_ENCRYPTION_KEY_TAKEN, "7.3", "in an Add", in_add, key_of_carol, 0, 0},
    {MLS_E_LEAF_ENCRYPTION_KEY_TAKEN, "16.7", "a parent's, in an Add", in_add, key_of_parent, 0, 0},
    {MLS_E_LEAF_ENCRYPTION_KEY_TAKEN, "7.3", "in an Update", in_update, key_of_carol, 0, AT_COMMIT},
    {MLS_E_LEAF_ENCRYPTION_KEY_TAKEN, "7.3", "one key in two Updates", same_key_twice, NULL, 0, 0},
    {MLS_E_LEAF_ENCRYPTION_KEY_TAKEN, "7.3", "in a joined tree", in_welcome, key_of_carol, 0, 0},
};

int main(void) { return rules_run("rules-leaf", rules, sizeof rules / sizeof *rules); }
