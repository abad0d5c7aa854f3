// SPDX-License-Identifier: Apache-2.0
//
// Every operation of the library, with the scene that it needs and what must hold afterwards. Not here: what fails, and
// when (test_alloc.c).
#include "group/test/alloc.h"

// ------------------------------------------------------------------------------------------------------- the scene

void scene_open(struct scene *s, bool public_handshake)
{
    *s = (struct scene){.actor = SIZE_MAX};
    troupe_open(&s->t, 1, SCENE, public_handshake);
    troupe_found(&s->t, NULL, 0);
    troupe_add(&s->t, ALICE, BOB, ERIN);
    troupe_update(&s->t, CAROL);
}

void scene_close(struct scene *s)
{
    struct mls_buf *all[] = {&s->in, &s->out, &s->out2, &s->secret};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) mls_buf_free(all[i]);
    mls_commit_free(&s->commit);
    mls_received_free(&s->received);
    mls_staged_free(s->staged);
    mls_group_free(s->group);
    mls_client_free(s->client);
    store_free(&s->store);
    troupe_close(&s->t);
}

struct mls_group *scene_group(struct scene *s, size_t i) { return s->t.m[i].group; }

// ---------------------------------------------------------------------------------------------------- one by one

static enum mls_error run_client(struct scene *s)
{
    struct mls_config c = cast_config(&s->t.world);
    return mls_client_new(&c, &s->client);
}

static enum mls_error run_keys(struct scene *s) { return mls_signature_keys(s->t.client, 1, &s->secret, &s->out); }

static enum mls_error run_key_package(struct scene *s)
{
    struct mls_leaf_params leaf = cast_leaf(&s->t.m[ERIN]);
    return mls_key_package_new(s->t.client, 1, &leaf, NULL, 0, &s->out, &s->secret);
}

static void prepare_key_package(struct scene *s)
{
    cast_key_package(&s->t.m[ERIN], 1);
    s->in = s->t.m[ERIN].key_package;
    s->t.m[ERIN].key_package = (struct mls_buf){0};
}

static enum mls_error run_reference(struct scene *s) { return mls_key_package_ref(s->t.client, cast_span(s->in), &s->out); }

static enum mls_error run_check(struct scene *s)
{
    uint16_t suite;
    struct mls_member member;
    return mls_key_package_check(s->t.client, cast_span(s->in), &suite, &member);
}

static enum mls_error run_found(struct scene *s)
{
    struct mls_leaf_params leaf = cast_leaf(&s->t.m[ERIN]);
    return mls_group_new(s->t.client, 1, nothing, &leaf, NULL, 0, &s->group);
}

// ------------------------------------------------------------------------------------------------------- joining

static void add_erin(struct scene *s)
{
    cast_key_package(&s->t.m[ERIN], 1);
    const struct mls_proposal p[] = {
        {.type = MLS_PROPOSAL_ADD, .key_package = cast_span(s->t.m[ERIN].key_package)},
        {.type = MLS_PROPOSAL_PSK, .psk = {.type = MLS_PSK_EXTERNAL, .id = s->t.world.psk_id}},
    };
    const struct mls_commit_params params = {.proposals = p, .proposal_count = 2, .tree_in_welcome = true};
    assert_ok(mls_group_commit(scene_group(s, BOB), &params, &s->commit));
    troupe_deliver(&s->t, BOB, s->commit.message);
    assert_ok(mls_group_merge(scene_group(s, BOB), s->commit.staged));
    s->commit.staged = NULL;
}

static enum mls_error run_join(struct scene *s)
{
    return mls_group_join(s->t.client, cast_span(s->commit.welcome), cast_span(s->t.m[ERIN].private_part), nothing, NULL,
                          &s->group);
}

static void erin_is_in(struct scene *s)
{
    s->t.m[ERIN].group = s->group;
    s->group = NULL;
    troupe_agrees(&s->t);
    troupe_talk(&s->t);
    troupe_update(&s->t, ERIN);
}

static void prepare_external(struct scene *s) { assert_ok(mls_group_info(scene_group(s, BOB), true, true, &s->in)); }

static enum mls_error run_external(struct scene *s)
{
    const struct mls_psk_id psk = {.type = MLS_PSK_EXTERNAL, .id = s->t.world.psk_id};
    const struct mls_external_join join = {
        .group_info = cast_span(s->in), .leaf = cast_leaf(&s->t.m[ERIN]), .psks = &psk, .psk_count = 1};
    return mls_group_join_external(s->t.client, &join, &s->out, &s->group);
}

static void external_is_in(struct scene *s)
{
    troupe_deliver(&s->t, SIZE_MAX, s->out);
    erin_is_in(s);
}

static enum mls_error run_observe(struct scene *s)
{
    return mls_group_observe(s->t.client, cast_span(s->in), nothing, &s->group);
}

// ------------------------------------------------------------------------------------------------------ messages

static void act_as_bob(struct scene *s) { s->actor = BOB; }

static enum mls_error run_protect(struct scene *s)
{
    return mls_group_protect(scene_group(s, BOB), cast_text("text"), cast_text("aad"), &s->out);
}

static void all_hear_bob(struct scene *s)
{
    for (size_t i = 0; i < SCENE; i++) {
        if (i != BOB && troupe_active(&s->t, i)) troupe_hear(&s->t, i, s->out, "text");
    }
}

static void prepare_message(struct scene *s)
{
    s->actor = BOB;
    s->in = troupe_say(&s->t, CAROL, "text");
}

// The third message of a sender whose first two have not come.
static void prepare_later_message(struct scene *s)
{
    s->actor = BOB;
    for (int i = 0; i < 3; i++) {
        mls_buf_free(&s->in);
        s->in = troupe_say(&s->t, CAROL, "text");
    }
}

static void prepare_past_message(struct scene *s)
{
    prepare_later_message(s);
    troupe_update(&s->t, DAVE);
}

static enum mls_error run_receive(struct scene *s) { return mls_group_receive(scene_group(s, BOB), cast_span(s->in), &s->received); }

static void bob_has_heard(struct scene *s)
{
    assert_int_equal(s->received.data.size, 4);
    assert_memory_equal(s->received.data.data, "text", 4);
    struct mls_received again;
    assert_int_equal(mls_group_receive(scene_group(s, BOB), cast_span(s->in), &again), MLS_E_MESSAGE_KEY_GONE);
}

// ----------------------------------------------------------------------------------------------------- proposals

static enum mls_error run_propose(struct scene *s)
{
    const struct mls_extension x = {.type = MLS_EXTENSION_APPLICATION_ID, .data = cast_text("id")};
    const struct mls_proposal p = {.type = s->type,
                                   .key_package = cast_span(s->in),
                                   .removed = 3,
                                   .psk = {.type = MLS_PSK_EXTERNAL, .id = s->t.world.psk_id},
                                   .extensions = &x,
                                   .extension_count = 1,
                                   .data = cast_text("custom")};
    return mls_group_propose(scene_group(s, BOB), &p, cast_text("aad"), &s->out, &s->out2);
}

static void others_commit(struct scene *s)
{
    troupe_deliver(&s->t, BOB, s->out);
    assert_int_equal(mls_group_proposal_count(scene_group(s, BOB)), 1);
    if (s->type == MLS_PROPOSAL_REINIT) return;
    troupe_update(&s->t, CAROL);
    troupe_talk(&s->t);
}

#define PROPOSE(name, number)                                                                                          \
    static void prepare_##name(struct scene *s)                                                                        \
    {                                                                                                                  \
        prepare_key_package(s);                                                                                        \
        s->actor = BOB;                                                                                                \
        s->type = (number);                                                                                            \
    }
PROPOSE(add, MLS_PROPOSAL_ADD)
PROPOSE(update, MLS_PROPOSAL_UPDATE)
PROPOSE(remove, MLS_PROPOSAL_REMOVE)
PROPOSE(psk, MLS_PROPOSAL_PSK)
PROPOSE(reinit, MLS_PROPOSAL_REINIT)
PROPOSE(extensions, MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS)
PROPOSE(custom, 0xF124)

// A proposal of Carol's on its way to Bob.
static void prepare_proposal(struct scene *s)
{
    const struct mls_proposal p = {.type = MLS_PROPOSAL_UPDATE};
    s->actor = BOB;
    assert_ok(mls_group_propose(scene_group(s, CAROL), &p, nothing, &s->in, NULL));
}

static void bob_commits(struct scene *s)
{
    assert_int_equal(s->received.proposal_type, MLS_PROPOSAL_UPDATE);
    for (size_t i = 0; i < SCENE; i++) {
        struct mls_received r;
        if (i == BOB || i == CAROL || !troupe_active(&s->t, i)) continue;
        assert_ok(mls_group_receive(scene_group(s, i), cast_span(s->in), &r));
        mls_received_free(&r);
    }
    troupe_update(&s->t, BOB);
    troupe_talk(&s->t);
}

static enum mls_error run_drop(struct scene *s) { return mls_group_drop_proposals(scene_group(s, BOB), nothing); }

static void prepare_waiting(struct scene *s)
{
    const struct mls_proposal update = {.type = MLS_PROPOSAL_UPDATE};
    const struct mls_proposal remove = {.type = MLS_PROPOSAL_REMOVE, .removed = 3};
    const struct mls_proposal psk = {.type = MLS_PROPOSAL_PSK, .psk = {.type = MLS_PSK_EXTERNAL, .id = s->t.world.psk_id}};
    s->actor = BOB;
    troupe_propose(&s->t, BOB, &update);
    troupe_propose(&s->t, CAROL, &update);
    troupe_propose(&s->t, ALICE, &remove);
    troupe_propose(&s->t, ALICE, &psk);
}

static void nothing_waits(struct scene *s) { assert_int_equal(mls_group_proposal_count(scene_group(s, BOB)), 0); }

static enum mls_error run_external_proposal(struct scene *s)
{
    const struct mls_external_proposal p = {.suite = 1,
                                            .group_id = mls_group_id(scene_group(s, BOB)),
                                            .epoch = mls_group_epoch(scene_group(s, BOB)),
                                            .proposal = {.type = MLS_PROPOSAL_ADD, .key_package = cast_span(s->in)},
                                            .signature_private = cast_span(s->t.m[ERIN].signature_private),
                                            .new_member = true};
    return mls_external_propose(s->t.client, &p, &s->out);
}

static void all_take_it(struct scene *s)
{
    troupe_deliver(&s->t, SIZE_MAX, s->out);
    troupe_update(&s->t, ALICE);
}

static enum mls_error run_sender(struct scene *s)
{
    const struct mls_credential who = {.type = MLS_CREDENTIAL_BASIC, .identity = cast_text("the server")};
    return mls_external_sender_add(nothing, cast_span(s->t.m[ERIN].signature_public), &who, &s->out);
}

static enum mls_error run_capabilities(struct scene *s)
{
    const uint16_t list[] = {1};
    return mls_required_capabilities(list, 1, list, 1, list, 1, &s->out);
}

// ------------------------------------------------------------------------------------------------------- commits

// Everything at once: waiting proposals, an Add, a path, a Welcome and a GroupInfo.
static enum mls_error run_commit(struct scene *s)
{
    const struct mls_proposal p = {.type = MLS_PROPOSAL_ADD, .key_package = cast_span(s->in)};
    const struct mls_commit_params params = {
        .proposals = &p, .proposal_count = 1, .tree_in_welcome = true, .external_pub = true};
    return mls_group_commit(scene_group(s, BOB), &params, &s->commit);
}

static void prepare_commit(struct scene *s)
{
    prepare_waiting(s);
    prepare_key_package(s);
}

static void finish_commit(struct scene *s)
{
    troupe_deliver(&s->t, BOB, s->commit.message);
    if (s->commit.staged != NULL) assert_ok(mls_group_merge(scene_group(s, BOB), s->commit.staged));
    s->commit.staged = NULL;
    assert_false(troupe_active(&s->t, DAVE));
    assert_ok(run_join(s));
    erin_is_in(s);
}

// One of the waiting proposals cannot be committed, which makes the commit try what can.
static void prepare_weeding(struct scene *s)
{
    struct mls_buf message;
    prepare_key_package(s);
    s->actor = BOB;
    const struct mls_proposal add = {.type = MLS_PROPOSAL_ADD, .key_package = cast_span(s->in)};
    troupe_propose(&s->t, CAROL, &add);
    cast_key_package(&s->t.m[ERIN], 1); // another KeyPackage of the same client
    const struct mls_proposal twice = {.type = MLS_PROPOSAL_ADD, .key_package = cast_span(s->t.m[ERIN].key_package)};
    assert_ok(mls_group_propose(scene_group(s, DAVE), &twice, nothing, &message, NULL));
    troupe_deliver(&s->t, DAVE, message);
    mls_buf_free(&message);
}

static enum mls_error run_plain_commit(struct scene *s) { return mls_group_commit(scene_group(s, BOB), NULL, &s->commit); }

static void all_take_the_commit(struct scene *s)
{
    troupe_deliver(&s->t, BOB, s->commit.message);
    assert_ok(mls_group_merge(scene_group(s, BOB), s->commit.staged));
    s->commit.staged = NULL;
    troupe_agrees(&s->t);
    assert_int_equal(mls_group_member_count(scene_group(s, BOB)), 5);
}

// A commit of Carol's with the waiting proposals, on its way to Bob, one of whose Updates is in it.
static void prepare_received_commit(struct scene *s)
{
    prepare_waiting(s);
    cast_key_package(&s->t.m[ERIN], 1);
    const struct mls_proposal p = {.type = MLS_PROPOSAL_ADD, .key_package = cast_span(s->t.m[ERIN].key_package)};
    const struct mls_commit_params params = {.proposals = &p, .proposal_count = 1};
    assert_ok(mls_group_commit(scene_group(s, CAROL), &params, &s->commit));
    s->in = s->commit.message;
    s->commit.message = (struct mls_buf){0};
}

// The others follow; Bob, who has staged it or merged it, too.
static void all_follow_carol(struct scene *s)
{
    if (s->received.staged != NULL) assert_ok(mls_group_merge(scene_group(s, BOB), s->received.staged));
    s->received.staged = NULL;
    for (size_t i = 0; i < SCENE; i++) {
        struct mls_received r;
        if (i == BOB || i == CAROL || !troupe_active(&s->t, i)) continue;
        assert_ok(mls_group_receive(scene_group(s, i), cast_span(s->in), &r));
        assert_ok(mls_group_merge(scene_group(s, i), r.staged));
        r.staged = NULL;
        mls_received_free(&r);
    }
    assert_ok(mls_group_merge(scene_group(s, CAROL), s->commit.staged));
    s->commit.staged = NULL;
    troupe_agrees(&s->t);
    troupe_talk(&s->t);
    troupe_update(&s->t, BOB);
}

static void prepare_merge(struct scene *s)
{
    prepare_received_commit(s);
    assert_ok(run_receive(s));
    // Meanwhile Carol and Bob speak, which moves the secret tree under the staged commit.
    assert_ok(mls_group_drop_proposals(scene_group(s, BOB), nothing));
    struct mls_buf message = troupe_say(&s->t, BOB, "text");
    mls_buf_free(&message);
}

static enum mls_error run_merge(struct scene *s)
{
    enum mls_error e = mls_group_merge(scene_group(s, BOB), s->received.staged);
    if (e == MLS_OK) s->received.staged = NULL;
    return e;
}

// Bob is the one who is removed.
static void prepare_removal(struct scene *s)
{
    const struct mls_proposal p = {.type = MLS_PROPOSAL_REMOVE, .removed = mls_group_own_index(scene_group(s, BOB))};
    const struct mls_commit_params params = {.proposals = &p, .proposal_count = 1};
    s->actor = BOB;
    assert_ok(mls_group_commit(scene_group(s, CAROL), &params, &s->commit));
    s->in = s->commit.message;
    s->commit.message = (struct mls_buf){0};
    assert_ok(run_receive(s));
}

static void bob_is_out(struct scene *s) { assert_false(mls_group_active(scene_group(s, BOB))); }

static void prepare_own_merge(struct scene *s)
{
    prepare_commit(s);
    assert_ok(run_commit(s));
}

static enum mls_error run_own_merge(struct scene *s)
{
    enum mls_error e = mls_group_merge(scene_group(s, BOB), s->commit.staged);
    if (e == MLS_OK) s->commit.staged = NULL;
    return e;
}

static enum mls_error run_save(struct scene *s) { return mls_staged_save(s->commit.staged, &s->secret); }

static void prepare_saved(struct scene *s)
{
    prepare_own_merge(s);
    assert_ok(run_save(s));
    mls_staged_free(s->commit.staged);
    s->commit.staged = NULL;
}

static enum mls_error run_restore_staged(struct scene *s)
{
    return mls_staged_restore(scene_group(s, BOB), cast_span(s->secret), &s->commit.staged);
}

// ------------------------------------------------------------------------------------------------ state, and looking

// A group with something of everything to store.
static void prepare_state(struct scene *s)
{
    troupe_talk(&s->t);
    troupe_update(&s->t, ALICE);
    prepare_later_message(s);
    assert_ok(run_receive(s));
    mls_received_free(&s->received);
    prepare_waiting(s);
    troupe_dump(scene_group(s, BOB), &s->store);
}

static bool count_record(void *arg, struct mls_span key, struct mls_span value)
{
    (void)key;
    (void)value;
    ++*(size_t *)arg;
    return true;
}

static void prepare_changes(struct scene *s)
{
    prepare_state(s);
    s->actor = SIZE_MAX; // a dump would take the notes away
    assert_ok(record_note_all(scene_group(s, BOB)));
}

static enum mls_error run_changes(struct scene *s)
{
    size_t n = 0;
    enum mls_error e = mls_group_changes(scene_group(s, BOB), count_record, &n);
    return e == MLS_OK && n < s->store.n ? MLS_E_CORRUPT : e;
}

// The records were taken out of the store before, so that only the library allocates.
struct shelf {
    struct mls_span (*record)[2];
    size_t n, at;
};

static bool next_record(void *arg, struct mls_span *key, struct mls_span *value)
{
    struct shelf *shelf = arg;
    if (shelf->at == shelf->n) return false;
    *key = shelf->record[shelf->at][0];
    *value = shelf->record[shelf->at++][1];
    return true;
}

static struct shelf shelf;

static void prepare_restore(struct scene *s)
{
    prepare_state(s);
    shelf = (struct shelf){.record = store_check(calloc(s->store.n, sizeof *shelf.record)), .n = s->store.n};
    for (size_t i = 0; i < s->store.n; i++) {
        struct store_record *x = &s->store.v[i];
        for (size_t k = 0; k < x->n; k++) x->value[k] ^= STORE_MASK;
        shelf.record[i][0] = (struct mls_span){x->key, x->key_n};
        shelf.record[i][1] = (struct mls_span){x->value, x->n};
    }
}

static enum mls_error run_restore(struct scene *s)
{
    shelf.at = 0;
    return mls_group_restore(s->t.client, next_record, &shelf, &s->group);
}

static void bob_is_the_same(struct scene *s)
{
    struct store a, b;
    troupe_dump(scene_group(s, BOB), &a);
    troupe_dump(s->group, &b);
    assert_null(store_difference(&a, &b));
    store_free(&a);
    store_free(&b);
    free(shelf.record);
}

static enum mls_error run_info(struct scene *s) { return mls_group_info(scene_group(s, BOB), true, true, &s->out); }
static enum mls_error run_tree(struct scene *s) { return mls_group_tree(scene_group(s, BOB), &s->out); }
static enum mls_error run_context(struct scene *s) { return mls_group_context(scene_group(s, BOB), &s->out); }
static enum mls_error run_export(struct scene *s)
{
    return mls_group_export(scene_group(s, BOB), "label", cast_text("context"), 99, &s->out);
}

// ------------------------------------------------------------------------------------------------- related groups

static enum mls_error run_branch(struct scene *s)
{
    const struct mls_span package = cast_span(s->t.m[CAROL].key_package);
    const struct mls_related_params params = {
        .leaf = cast_leaf(&s->t.m[BOB]), .key_packages = &package, .key_package_count = 1, .tree_in_welcome = true};
    return s->flag ? mls_group_reinit(scene_group(s, BOB), &params, &s->out, &s->group)
                   : mls_group_branch(scene_group(s, BOB), &params, &s->out, &s->group);
}

static void prepare_branch(struct scene *s)
{
    s->actor = BOB;
    cast_key_package(&s->t.m[CAROL], 1);
}

// A group of two, which has ended with a ReInit.
static void prepare_new_group(struct scene *s)
{
    for (uint32_t i = 0; i < 4; i += 3) {
        const struct mls_proposal p = {.type = MLS_PROPOSAL_REMOVE, .removed = i};
        const struct mls_commit_params params = {.proposals = &p, .proposal_count = 1};
        troupe_commit(&s->t, BOB, &params);
    }
    const struct mls_proposal p = {.type = MLS_PROPOSAL_REINIT};
    const struct mls_commit_params params = {.proposals = &p, .proposal_count = 1};
    troupe_commit(&s->t, BOB, &params);
    prepare_branch(s);
    s->flag = true;
}

static enum mls_error run_join_branch(struct scene *s)
{
    return mls_group_join(s->t.client, cast_span(s->out), cast_span(s->t.m[CAROL].private_part), nothing,
                          scene_group(s, CAROL), &s->group);
}

static void carol_joins(struct scene *s)
{
    struct mls_group *bobs = s->group;
    s->group = NULL;
    assert_ok(run_join_branch(s));
    cast_same_epoch(bobs, s->group);
    mls_group_free(bobs);
}

static void prepare_joining_branch(struct scene *s)
{
    prepare_branch(s);
    assert_ok(run_branch(s));
    mls_group_free(s->group);
    s->group = NULL;
    s->actor = CAROL;
}

// -------------------------------------------------------------------------------------------------------- all

const struct operation operations[] = {
    {"a client", false, NULL, run_client, NULL},
    {"signature keys", false, NULL, run_keys, NULL},
    {"a KeyPackage", false, NULL, run_key_package, NULL},
    {"a KeyPackage's reference", false, prepare_key_package, run_reference, NULL},
    {"checking a KeyPackage", false, prepare_key_package, run_check, NULL},
    {"founding a group", false, NULL, run_found, NULL},
    {"joining by a Welcome", false, add_erin, run_join, erin_is_in},
    {"joining from outside", false, prepare_external, run_external, external_is_in},
    {"observing a group", false, prepare_external, run_observe, NULL},
    {"protecting a message", false, act_as_bob, run_protect, all_hear_bob},
    {"receiving a message", false, prepare_message, run_receive, bob_has_heard},
    {"receiving a later message", false, prepare_later_message, run_receive, bob_has_heard},
    {"receiving a message of the last epoch", false, prepare_past_message, run_receive, bob_has_heard},
    {"proposing an Add", false, prepare_add, run_propose, others_commit},
    {"proposing an Update", false, prepare_update, run_propose, others_commit},
    {"proposing an Update in public", true, prepare_update, run_propose, others_commit},
    {"proposing a Remove", false, prepare_remove, run_propose, others_commit},
    {"proposing a PSK", false, prepare_psk, run_propose, others_commit},
    {"proposing a ReInit", false, prepare_reinit, run_propose, others_commit},
    {"proposing extensions", false, prepare_extensions, run_propose, others_commit},
    {"proposing something else", true, prepare_custom, run_propose, others_commit},
    {"receiving a proposal", false, prepare_proposal, run_receive, bob_commits},
    {"receiving a public proposal", true, prepare_proposal, run_receive, bob_commits},
    {"dropping proposals", false, prepare_waiting, run_drop, nothing_waits},
    {"proposing from outside", false, prepare_key_package, run_external_proposal, all_take_it},
    {"external_senders", false, NULL, run_sender, NULL},
    {"required_capabilities", false, NULL, run_capabilities, NULL},
    {"committing", false, prepare_commit, run_commit, finish_commit},
    {"committing in public", true, prepare_commit, run_commit, finish_commit},
    {"committing what is valid", false, prepare_weeding, run_plain_commit, all_take_the_commit},
    {"receiving a commit", false, prepare_received_commit, run_receive, all_follow_carol},
    {"receiving a public commit", true, prepare_received_commit, run_receive, all_follow_carol},
    {"merging a commit", false, prepare_merge, run_merge, all_follow_carol},
    {"merging an own commit", false, prepare_own_merge, run_own_merge, finish_commit},
    {"merging one's removal", false, prepare_removal, run_merge, bob_is_out},
    {"saving a staged commit", false, prepare_own_merge, run_save, finish_commit},
    {"restoring a staged commit", false, prepare_saved, run_restore_staged, finish_commit},
    {"telling the changes", false, prepare_changes, run_changes, NULL},
    {"restoring a group", false, prepare_restore, run_restore, bob_is_the_same},
    {"a GroupInfo", false, act_as_bob, run_info, NULL},
    {"the tree", false, act_as_bob, run_tree, NULL},
    {"the context", false, act_as_bob, run_context, NULL},
    {"exporting", false, act_as_bob, run_export, NULL},
    {"branching", false, prepare_branch, run_branch, carol_joins},
    {"a group after a ReInit", false, prepare_new_group, run_branch, carol_joins},
    {"joining a branch", false, prepare_joining_branch, run_join_branch, NULL},
};
const size_t operations_n = sizeof operations / sizeof *operations;
