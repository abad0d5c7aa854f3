// SPDX-License-Identifier: Apache-2.0
//
// What must work, where implementations are known to differ or to fail (RFC 9420 §7.5 to §7.9, §12.1 to §12.4, §15.3):
// trees that grow past a power of two and shrink again, unmerged leaves and blank subtrees, one member replaced by another
// in the same leaf, proposals from outside, pre-shared keys in every framing, and commits among proposals that are not
// valid together.
#include "forge.h"

static bool is_member(struct scene *s, size_t who)
{
    return s->m[who].group != NULL && mls_group_active(s->m[who].group);
}

static void everybody_talks(struct scene *s)
{
    scene_agree(s);
    for (size_t i = 0; i < CAST; i++) {
        if (is_member(s, i)) scene_talk(s, i);
    }
}

// ------------------------------------------------------------------------------------------------------ the tree

// From 4 members to 34, one at a time; each new one commits at once, while others are unmerged below the nodes it sets.
static void grow(struct scene *s)
{
    for (size_t i = MEMBERS; i < 34; i++) {
        scene_add(s, i % 3 == 0 ? ALICE : i - 1, i);
        assert_int_equal(mls_group_own_index(scene_group(s, i)), i);
        if (i % 4 == 1) scene_commit(s, i, NULL, 0);
        if (i == 31 || i == 32) scene_commit(s, i, NULL, 0);
    }
    scene_agree(s);
    assert_int_equal(scene_group(s, ALICE)->tree.leaves, 64);
    scene_talk(s, 33);
}

static void past_a_power_of_two(struct scene *s)
{
    grow(s);
    // 34 members become 32, and the tree halves; then 33 again, and it doubles.
    scene_remove(s, 5, 33);
    assert_int_equal(scene_group(s, ALICE)->tree.leaves, 64);
    scene_remove(s, 31, 32);
    assert_int_equal(scene_group(s, ALICE)->tree.leaves, 32);
    scene_commit(s, 31, NULL, 0);
    scene_add(s, DAVE, 34);
    assert_int_equal(scene_group(s, 34)->tree.leaves, 64);
    assert_int_equal(mls_group_own_index(scene_group(s, 34)), 32);
    scene_commit(s, 34, NULL, 0);
    scene_talk(s, 34);
    // The right half goes in one commit, and the tree shrinks by as much as it can.
    struct mls_proposal p[20];
    size_t n = 0;
    for (uint32_t i = 16; i < 32; i++) p[n++] = (struct mls_proposal){.type = MLS_PROPOSAL_REMOVE, .removed = i};
    p[n++] = (struct mls_proposal){.type = MLS_PROPOSAL_REMOVE, .removed = 32};
    scene_commit(s, MALLORY, p, n);
    assert_int_equal(scene_group(s, ALICE)->tree.leaves, 16);
    everybody_talks(s);
}

// Subtrees are blank, leaves unmerged, and then somebody joins who has to check the whole of it; by either way.
static void joins_a_ragged_tree(struct scene *s)
{
    static const size_t gone[] = {5, 6, 10, 11, 2};
    for (size_t i = MEMBERS; i < 13; i++) scene_add(s, i % 2 ? ALICE : DAVE, i);
    scene_commit(s, 12, NULL, 0);
    scene_commit(s, 7, NULL, 0);
    for (size_t i = 0; i < 5; i++) scene_remove(s, i % 2 ? DAVE : 8, gone[i]);
    scene_commit(s, 4, NULL, 0);
    // Two are added without a path: they stay unmerged below every node that is there.
    const struct mls_proposal add[] = {{.type = MLS_PROPOSAL_ADD, .key_package = scene_api(scene_key_package(s, 20))},
                                       {.type = MLS_PROPOSAL_ADD, .key_package = scene_api(scene_key_package(s, 21))}};
    const struct mls_commit_params params = {
        .proposals = add, .proposal_count = 2, .tree_in_welcome = true, .without_path = true};
    scene_commit_params(s, ALICE, &params);
    assert_int_equal(mls_group_own_index(scene_group(s, 20)), 2);
    assert_int_equal(mls_group_own_index(scene_group(s, 21)), 5);
    scene_commit(s, DAVE, NULL, 0); // beside one of them
    scene_add(s, 9, 22);
    scene_join_outside(s, 20, 23);
    everybody_talks(s);
    // An unmerged leaf leaves again, and another takes its place before anything else has happened there.
    scene_remove(s, 23, 21);
    scene_add(s, 22, 24);
    scene_join_outside(s, 24, 25);
    everybody_talks(s);
}

// ------------------------------------------------------------------------------------------- one leaf after another

// Removed and added by one commit: the same client in the same leaf, with other keys.
static void removed_and_added(struct scene *s)
{
    const struct mls_proposal p[] = {
        {.type = MLS_PROPOSAL_REMOVE, .removed = CAROL},
        {.type = MLS_PROPOSAL_ADD, .key_package = scene_api(scene_key_package(s, CAROL))},
    };
    struct mls_group *old = scene_group(s, CAROL);
    struct mls_commit c;
    const struct mls_commit_params params = {.proposals = p, .proposal_count = 2, .tree_in_welcome = true};
    assert_ok(mls_group_commit(scene_group(s, ALICE), &params, &c));
    struct mls_staged *staged = c.staged;
    c.staged = NULL;
    scene_offer_commit(s, ALICE, scene_span(c.message), staged);
    assert_false(mls_group_active(old));
    mls_group_free(old);
    s->m[CAROL].group = NULL;
    assert_ok(mls_group_join(s->client, cast_span(c.welcome), cast_span(s->m[CAROL].private_part), (struct mls_span){0},
                             NULL, &s->m[CAROL].group));
    assert_int_equal(mls_group_own_index(scene_group(s, CAROL)), CAROL);
    mls_commit_free(&c);
    everybody_talks(s);
    scene_commit(s, CAROL, NULL, 0);
    everybody_talks(s);
}

// Proposals of many by reference in one commit: Updates of two members, a Remove, and Adds that take the free leaf and a
// new one.
static void many_at_once(struct scene *s)
{
    struct mls_proposal update = {.type = MLS_PROPOSAL_UPDATE},
                        remove = {.type = MLS_PROPOSAL_REMOVE, .removed = CAROL};
    struct mls_proposal erin = {.type = MLS_PROPOSAL_ADD, .key_package = scene_api(scene_key_package(s, ERIN))};
    struct mls_proposal frank = {.type = MLS_PROPOSAL_ADD, .key_package = scene_api(scene_key_package(s, FRANK))};
    scene_propose(s, MALLORY, &frank);
    scene_propose(s, MALLORY, &update);
    scene_propose(s, CAROL, &update); // she is removed: her Update has to stay out
    scene_propose(s, DAVE, &update);
    scene_propose(s, DAVE, &update); // the later one counts
    scene_propose(s, ALICE, &remove);
    scene_propose(s, CAROL, &erin);
    scene_propose(s, ALICE, &update); // the committer's own stays out, too
    scene_commit(s, ALICE, NULL, 0);
    assert_false(is_member(s, CAROL));
    assert_int_equal(mls_group_own_index(scene_group(s, FRANK)), CAROL);
    assert_int_equal(mls_group_own_index(scene_group(s, ERIN)), MEMBERS);
    assert_int_equal(mls_group_proposal_count(scene_group(s, ALICE)), 0);
    everybody_talks(s);
    scene_commit(s, DAVE, NULL, 0);
    scene_commit(s, FRANK, NULL, 0);
    everybody_talks(s);
}

// A member asks to be removed; it cannot do it itself, but anybody else can.
static void leaves(struct scene *s)
{
    const struct mls_proposal p = {.type = MLS_PROPOSAL_REMOVE, .removed = DAVE};
    struct mls_commit c;
    scene_propose(s, DAVE, &p);
    assert_ok(mls_group_commit(scene_group(s, DAVE), NULL, &c)); // of everything but that
    struct mls_change change;
    for (size_t at = 0; mls_staged_next_change(c.staged, &at, &change);) assert_true(change.type != MLS_CHANGE_REMOVED);
    mls_commit_free(&c);
    scene_commit(s, CAROL, NULL, 0);
    assert_false(is_member(s, DAVE));
    everybody_talks(s);
}

// Signature key and credential change, by an Update and by a path; late messages keep being judged by the old key.
static void keys_change(struct scene *s)
{
    struct mls_buf before, sk, pk;
    struct mls_received r;
    assert_ok(mls_group_protect(scene_group(s, MALLORY), cast_text("late"), (struct mls_span){0}, &before));
    for (int way = 0; way < 2; way++) {
        assert_ok(mls_signature_keys(s->client, s->suite, &sk, &pk));
        struct mls_leaf_params leaf = scene_leaf(s, MALLORY);
        leaf.signature_private = cast_span(sk);
        leaf.signature_public = cast_span(pk);
        leaf.credential.identity = cast_text(way == 0 ? "mallory by Update" : "mallory by path");
        const struct mls_proposal update = {.type = MLS_PROPOSAL_UPDATE, .leaf = &leaf};
        const struct mls_commit_params params = {.leaf = &leaf};
        if (way == 0) {
            scene_propose(s, MALLORY, &update);
            scene_commit(s, DAVE, NULL, 0);
        } else {
            scene_commit_params(s, MALLORY, &params);
        }
        struct mls_member now;
        assert_ok(mls_group_member(scene_group(s, ALICE), MALLORY, &now));
        assert_true(span_eq(from_api(now.signature_key), scene_span(pk)));
        everybody_talks(s);
        mls_buf_free(&sk);
        mls_buf_free(&pk);
    }
    scene_deliver(s, ALICE, scene_span(before), &r);
    assert_true(span_eq(scene_span(r.data), span_str("late")));
    mls_received_free(&r);
    mls_buf_free(&before);
}

// ------------------------------------------------------------------------------------------------------ from outside

static void from_outside(struct scene *s, enum sender_type type, struct span proposal)
{
    struct forge_message m = forge_message_outside(s, type, proposal);
    scene_deliver_proposal(s, CAST, forge_write(s, ALICE, &m));
}

// An external sender proposes all that it may, a newcomer itself; somebody commits it.
static void outsiders_propose(struct scene *s)
{
    static const uint8_t nonce[32] = {7};
    const struct psk_id psk = {.type = PSK_EXTERNAL, .id = span_str("the psk"), .nonce = span_of(nonce, 32)};
    const struct mls_extension x[] = {{SCENE_REQUIRED, cast_text("new")},
                                      {MLS_EXTENSION_EXTERNAL_SENDERS, cast_span(s->post)}};
    s->world.psk_id = cast_text("the psk");
    s->world.psk = cast_text("a secret of many bytes");
    from_outside(s, SENDER_EXTERNAL, forge_remove(s, DAVE));
    from_outside(s, SENDER_EXTERNAL, forge_add(s, scene_key_package(s, FRANK)));
    from_outside(s, SENDER_NEW_PROPOSAL, forge_add(s, scene_key_package(s, ERIN)));
    from_outside(s, SENDER_EXTERNAL, forge_psk(s, &psk));
    from_outside(s, SENDER_EXTERNAL, forge_extensions(s, x, 2));
    from_outside(s, SENDER_EXTERNAL, forge_custom(s, SCENE_PROPOSAL, "custom"));
    scene_commit(s, CAROL, NULL, 0);
    assert_false(is_member(s, DAVE));
    assert_true(is_member(s, ERIN) && is_member(s, FRANK));
    struct mls_span data;
    assert_true(mls_extension_find(mls_group_extensions(scene_group(s, ERIN)), SCENE_REQUIRED, &data));
    assert_false(mls_extension_find(mls_group_extensions(scene_group(s, ERIN)), SCENE_EXTENSION, &data));
    everybody_talks(s);
    const struct reinit r = {.group_id = span_str("next"), .version = MLS_VERSION, .suite = s->suite};
    from_outside(s, SENDER_EXTERNAL, forge_reinit(s, &r));
    scene_commit(s, ALICE, NULL, 0);
    for (size_t i = 0; i < CAST; i++) assert_false(is_member(s, i));
}

// ---------------------------------------------------------------------------------------------------- pre-shared keys

// External and resumption PSKs, of this epoch and a past one, by value and by reference, with somebody who joins by them.
static void pre_shared_keys(struct scene *s)
{
    const uint64_t epoch = mls_group_epoch(scene_group(s, ALICE));
    struct mls_proposal p[] = {
        {.type = MLS_PROPOSAL_PSK, .psk = {.type = MLS_PSK_EXTERNAL, .id = cast_text("the psk")}},
        {.type = MLS_PROPOSAL_PSK,
         .psk = {.type = MLS_PSK_RESUMPTION,
                 .usage = MLS_PSK_APPLICATION,
                 .group_id = cast_text("the group"),
                 .epoch = epoch}},
        {.type = MLS_PROPOSAL_PSK,
         .psk = {.type = MLS_PSK_RESUMPTION,
                 .usage = MLS_PSK_APPLICATION,
                 .group_id = cast_text("the group"),
                 .epoch = epoch - 1}},
        {.type = MLS_PROPOSAL_PSK,
         .psk = {.type = MLS_PSK_EXTERNAL, .id = cast_text("the psk")}}, // once more, with a new nonce
    };
    s->world.psk_id = cast_text("the psk");
    s->world.psk = cast_text("a secret of many bytes");
    scene_propose(s, DAVE, &p[0]);
    scene_propose(s, MALLORY, &p[1]);
    scene_commit(s, CAROL, &p[2], 2); // two that wait, two by value
    everybody_talks(s);
    // Somebody who is added has external ones only.
    struct mls_proposal with[] = {
        p[0], {.type = MLS_PROPOSAL_ADD, .key_package = scene_api(scene_key_package(s, ERIN))}, p[3]};
    scene_commit(s, ALICE, with, 3);
    assert_true(is_member(s, ERIN));
    everybody_talks(s);
}

// ------------------------------------------------------------------------------------------------------ bad company

// Proposals that are valid by themselves, and not beside the others or in this group: a commit leaves them out.
static void commits_all_the_same(struct scene *s)
{
    const struct mls_extension foreign = {SCENE_FOREIGN, cast_text("nobody supports it")};
    struct forge_package package = {0};
    struct leaf l = forge_new_leaf(s, ERIN, package.leaf_sk), u = forge_leaf(s, MALLORY);
    struct forge f;
    forge_begin(&f, s, DAVE); // dave gives up a proposal type that the others support
    f.leaf.capabilities.proposals = scene_without(s, f.leaf.capabilities.proposals, SCENE_PATH);
    forge_commit(&f);
    forge_offer(&f);
    l.capabilities.credentials = scene_with(s, l.capabilities.credentials, SCENE_FOREIGN);
    l.credential = forge_credential(s, SCENE_FOREIGN, "of a type that nobody supports");
    package.leaf = forge_sign_leaf(s, &l, span_of(NULL, 0), 0, forge_signature_key(s, ERIN));
    u.source = LEAF_UPDATE;
    u.encryption_key = forge_leaf(s, DAVE).encryption_key; // taken
    struct span bad[] = {
        forge_add(s, forge_key_package(s, ERIN, &package)),
        forge_extensions(s, &foreign, 1),
        forge_custom(s, SCENE_PATH, "dave does not support it"),
        forge_update(s, forge_sign_leaf(s, &u, span_str("the group"), MALLORY, forge_signature_key(s, MALLORY))),
        forge_remove(s, CAROL), // who is removed by value, too
    };
    const struct mls_proposal good = {.type = MLS_PROPOSAL_ADD, .key_package = scene_api(scene_key_package(s, FRANK))};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t ref[CRYPTO_HASH_MAX];
        struct forge_message m = forge_message(s, MALLORY, CONTENT_PROPOSAL, bad[i]);
        struct span message = forge_write(s, MALLORY, &m);
        assert_ok(group_add_waiting(scene_group(s, MALLORY), m.raw, ref));
        scene_deliver_proposal(s, MALLORY, message);
        if (i == 2) scene_propose(s, DAVE, &good);
    }
    const struct mls_proposal remove = {.type = MLS_PROPOSAL_REMOVE, .removed = CAROL};
    scene_commit(s, ALICE, &remove, 1);
    assert_true(is_member(s, FRANK) && !is_member(s, CAROL));
    assert_int_equal(mls_group_member_count(scene_group(s, ALICE)), MEMBERS);
    everybody_talks(s);
}

// What is given by value has to be valid whatever waits, and then nothing is made.
static void by_value_must_be_valid(struct scene *s)
{
    const struct mls_proposal waits = {.type = SCENE_PROPOSAL, .data = cast_text("waits")};
    const struct mls_proposal p = {.type = MLS_PROPOSAL_REMOVE, .removed = s->wrong ? 17 : DAVE};
    const struct mls_commit_params params = {.proposals = &p, .proposal_count = 1};
    struct mls_commit c;
    if (s->wrong) scene_propose(s, CAROL, &waits);
    scene_verdict(s, mls_group_commit(scene_group(s, ALICE), &params, &c));
    mls_commit_free(&c);
}

// A Remove of a member and an Add of the same client's new KeyPackage wait: both are committed, whichever came first.
static void replaced_by_reference(struct scene *s)
{
    const struct mls_proposal add = {.type = MLS_PROPOSAL_ADD, .key_package = scene_api(scene_key_package(s, CAROL))};
    const struct mls_proposal remove = {.type = MLS_PROPOSAL_REMOVE, .removed = CAROL};
    scene_propose(s, DAVE, &add);
    scene_propose(s, DAVE, &remove);
    struct mls_commit c;
    const struct mls_commit_params params = {.tree_in_welcome = true};
    assert_ok(mls_group_commit(scene_group(s, ALICE), &params, &c));
    assert_true(c.welcome.size > 0);
    size_t removed = 0, added = 0;
    struct mls_change change;
    for (size_t at = 0; mls_staged_next_change(c.staged, &at, &change);) {
        removed += change.type == MLS_CHANGE_REMOVED;
        added += change.type == MLS_CHANGE_ADDED;
    }
    assert_int_equal(removed, 1);
    assert_int_equal(added, 1);
    mls_commit_free(&c);
}

// ------------------------------------------------------------------------------------------------------------- late

// Between receiving a private commit and entering its epoch, messages go on being read; what was read before cannot be
// read again afterwards, though the epoch is kept.
static void read_once(struct scene *s)
{
    struct mls_buf said[2];
    struct mls_commit c;
    struct mls_received commit, r;
    assert_ok(mls_group_protect(scene_group(s, MALLORY), cast_text("one"), (struct mls_span){0}, &said[0]));
    assert_ok(mls_group_protect(scene_group(s, CAROL), cast_text("two"), (struct mls_span){0}, &said[1]));
    assert_ok(mls_group_commit(scene_group(s, MALLORY), NULL, &c));
    scene_deliver(s, ALICE, scene_span(c.message), &commit);
    for (int i = 0; i < 2; i++) {
        scene_deliver(s, ALICE, scene_span(said[i]), &r);
        mls_received_free(&r);
    }
    assert_ok(mls_group_merge(scene_group(s, ALICE), commit.staged));
    commit.staged = NULL;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mls_group_receive(scene_group(s, ALICE), cast_span(said[i]), &r), MLS_E_MESSAGE_KEY_GONE);
        mls_buf_free(&said[i]);
    }
    mls_received_free(&commit);
    mls_commit_free(&c);
}

// A message of one who has been removed since is still read while its epoch is kept, and not longer.
static void late_from_the_removed(struct scene *s)
{
    struct mls_buf said[2];
    struct mls_received r;
    for (int i = 0; i < 2; i++) {
        assert_ok(mls_group_protect(scene_group(s, DAVE), cast_text("bye"), (struct mls_span){0}, &said[i]));
    }
    scene_remove(s, CAROL, DAVE);
    scene_add(s, CAROL, ERIN); // into dave's leaf
    scene_deliver(s, ALICE, scene_span(said[0]), &r);
    assert_int_equal(r.sender, DAVE);
    mls_received_free(&r);
    scene_commit(s, ERIN, NULL, 0);
    assert_int_equal(mls_group_receive(scene_group(s, ALICE), cast_span(said[1]), &r), MLS_E_MESSAGE_EPOCH);
    for (int i = 0; i < 2; i++) mls_buf_free(&said[i]);
}

// The removed one cannot read on, and cannot make the others believe anything.
static void removed_for_good(struct scene *s)
{
    struct mls_buf said;
    struct mls_received r;
    struct mls_group *dave = scene_group(s, DAVE);
    const struct mls_proposal p = {.type = MLS_PROPOSAL_REMOVE, .removed = DAVE};
    struct forge_message m = forge_message(s, DAVE, CONTENT_APPLICATION, span_str("still here"));
    scene_commit(s, CAROL, &p, 1);
    assert_ok(mls_group_protect(scene_group(s, ALICE), cast_text("between us"), (struct mls_span){0}, &said));
    assert_int_equal(mls_group_receive(dave, cast_span(said), &r), MLS_E_MESSAGE_FUTURE);
    m.epoch++;
    struct span forged = forge_write(s, DAVE, &m); // with the keys that he still has
    assert_int_equal(mls_group_receive(scene_group(s, ALICE), to_api(forged), &r), MLS_E_MESSAGE_SENDER_DATA);
    mls_buf_free(&said);
}

static const struct rule rules[] = {
    {MLS_OK, "7.7", "32 leaves become 33 and 32 again, and half of them go at once", past_a_power_of_two, NULL, 0, 0},
    {MLS_OK, "7.9", "blank subtrees and unmerged leaves are joined from inside and outside", joins_a_ragged_tree, NULL,
     0, 0},
    {MLS_OK, "7.9", "the same with private handshakes", joins_a_ragged_tree, NULL, SCENE_PRIVATE, 0},
    {MLS_OK, "12.3", "Removes make room for the Adds of the same commit", removed_and_added, NULL, 0, 0},
    {MLS_OK, "12.3", "Updates, Removes and Adds of many by reference", many_at_once, NULL, 0, 0},
    {MLS_OK, "12.3", "the same with private handshakes", many_at_once, NULL, SCENE_PRIVATE, 0},
    {MLS_OK, "12.1.3", "a member asks to be removed", leaves, NULL, 0, 0},
    {MLS_OK, "7.3", "a member changes its signature key and credential", keys_change, NULL, SCENE_PAST, 0},
    {MLS_OK, "12.1.8", "external senders and newcomers propose what they may", outsiders_propose, NULL, 0, 0},
    {MLS_OK, "8.4", "pre-shared keys of both kinds, by value and by reference", pre_shared_keys, NULL, SCENE_PAST, 0},
    {MLS_OK, "8.4", "the same with private handshakes", pre_shared_keys, NULL, SCENE_PAST | SCENE_PRIVATE, 0},
    {MLS_OK, "12.4", "a commit leaves out what is not valid together", commits_all_the_same, NULL, 0, 0},
    {MLS_E_PROPOSAL_REMOVES_NOBODY, "12.4.1", "an own commit whose own proposal is invalid", by_value_must_be_valid,
     NULL, 0, 0},
    {MLS_OK, "12.2", "an Add of a member who is removed, both waiting", replaced_by_reference, NULL, 0, 0},
    {MLS_OK, "9.2", "nothing is read twice, also while a commit waits", read_once, NULL, SCENE_PAST | SCENE_PRIVATE, 0},
    {MLS_OK, "15.3", "late messages of one who has been removed", late_from_the_removed, NULL, SCENE_PAST, 0},
    {MLS_OK, "12.4.2", "a removed member neither reads nor is believed", removed_for_good, NULL, 0, 0},
};

int main(void) { return rules_run("rules-life", rules, sizeof rules / sizeof *rules); }
