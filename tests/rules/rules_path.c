// SPDX-License-Identifier: Apache-2.0
//
// The rules of update paths (RFC 9420 §7.5, §7.6, §7.9.2, §12.4, §12.4.2): when there must be one, how long it is, which
// keys it may bring, what its parent hash is, and what everybody finds in it.
#include "forge.h"

static void flaw(struct forge *f)
{
    if (f->s->wrong) f->flaw = (enum flaw)f->s->rule->arg;
}

// A commit of nothing, with a flaw in its path.
static void commit(struct scene *s)
{
    struct forge f;
    forge_begin(&f, s, MALLORY);
    flaw(&f);
    forge_commit(&f);
    forge_offer(&f);
}

// The same by a member in the right half of a tree of eight leaves with three members there: some nodes are filtered out,
// and some resolutions have unmerged leaves.
static void commit_ragged(struct scene *s)
{
    struct forge f;
    if (scene_group(s, ERIN) == NULL) {
        scene_add(s, ALICE, ERIN);
        scene_add(s, DAVE, FRANK);
        scene_add(s, ALICE, FRANK + 1);
        scene_remove(s, CAROL, FRANK);
    }
    forge_begin(&f, s, ERIN);
    flaw(&f);
    forge_commit(&f);
    forge_offer(&f);
}

// Only those below the last copath node can see what is wrong with its ciphertexts.
static void commit_to_some(struct scene *s)
{
    s->victims = 1u << CAROL | 1u << DAVE;
    commit(s);
}

static void commit_with_add(struct scene *s)
{
    struct forge f;
    forge_begin(&f, s, MALLORY);
    forge_value(&f, forge_add(s, scene_key_package(s, ERIN)));
    flaw(&f);
    forge_commit(&f);
    forge_offer(&f);
}

// ------------------------------------------------------------------------------------------------- when there is one

static void remove_member(struct scene *s)
{
    struct forge f;
    forge_begin(&f, s, MALLORY);
    forge_value(&f, forge_remove(s, DAVE));
    flaw(&f);
    forge_commit(&f);
    forge_offer(&f);
}

static void update_member(struct scene *s)
{
    struct forge f;
    struct mls_buf message, ref;
    const struct mls_proposal p = {.type = MLS_PROPOSAL_UPDATE};
    struct mls_group *g = scene_group(s, CAROL);
    assert_ok(mls_group_propose(g, &p, (struct mls_span){0}, &message, &ref));
    scene_deliver_proposal(s, CAROL, scene_span(message));
    struct frame update;
    assert_ok(frame_decode_authenticated(buf_span(&g->waiting[g->n_waiting - 1].raw), &update));
    forge_begin(&f, s, MALLORY);
    forge_reference(&f, update.body, scene_span(ref), SENDER_MEMBER, CAROL);
    flaw(&f);
    forge_commit(&f);
    forge_offer(&f);
    mls_buf_free(&message);
    mls_buf_free(&ref);
}

static void change_extensions(struct scene *s)
{
    struct forge f;
    forge_begin(&f, s, MALLORY);
    forge_value(&f, forge_extensions(s, NULL, 0));
    flaw(&f);
    forge_commit(&f);
    forge_offer(&f);
}

static void custom_with_path(struct scene *s)
{
    struct forge f;
    forge_begin(&f, s, MALLORY);
    forge_value(&f, forge_custom(s, SCENE_PATH, "needs a path"));
    flaw(&f);
    forge_commit(&f);
    forge_offer(&f);
}

static void external(struct scene *s)
{
    struct forge f;
    forge_begin_external(&f, s, ERIN, ALICE);
    flaw(&f);
    forge_commit(&f);
    forge_offer(&f);
}

// What may go without one does.
static void without_path(struct scene *s)
{
    static const uint8_t nonce[CRYPTO_HASH_MAX];
    struct psk_id psk = {.type = PSK_EXTERNAL, .id = span_str("psk"), .nonce = span_of(nonce, 32)};
    s->world.psk_id = cast_text("psk");
    s->world.psk = cast_text("a secret");
    for (int i = 0; i < 4; i++) {
        struct forge f;
        forge_begin(&f, s, MALLORY);
        f.no_path = true;
        if (i == 0) forge_value(&f, forge_add(s, scene_key_package(s, ERIN)));
        if (i == 1) forge_value(&f, forge_psk(s, &psk));
        if (i == 2) forge_value(&f, forge_custom(s, SCENE_PROPOSAL, "no path"));
        const struct reinit r = {.group_id = span_str("next"), .version = MLS_VERSION, .suite = s->suite};
        if (i == 3) forge_value(&f, forge_reinit(s, &r));
        forge_commit(&f);
        forge_offer(&f);
    }
    assert_false(mls_group_active(scene_group(s, ALICE)));
}

// ---------------------------------------------------------------------------------------------------------- keys

static void key_of(struct scene *s, struct span key)
{
    struct forge f;
    forge_begin(&f, s, MALLORY);
    flaw(&f);
    f.other = key;
    forge_commit(&f);
    forge_offer(&f);
}

static void key_of_leaf(struct scene *s) { key_of(s, forge_leaf(s, DAVE).encryption_key); }

static void key_of_parent(struct scene *s)
{
    const struct tree *t = &scene_group(s, ALICE)->tree;
    key_of(s, scene_copy(s, tree_key(t, math_right(math_root(t->leaves)))));
}

static void key_of_added(struct scene *s)
{
    struct forge f;
    struct key_package kp;
    struct span package = scene_key_package(s, ERIN);
    assert_ok(key_package_decode(package, &kp));
    forge_begin(&f, s, MALLORY);
    forge_value(&f, forge_add(s, package));
    flaw(&f);
    f.other = kp.leaf.encryption_key;
    forge_commit(&f);
    forge_offer(&f);
}

static void key_off_curve(struct scene *s) { key_of(s, forge_damage(s, forge_key(s, NULL))); }

// The leaf of the path has somebody else's key: found among the keys of the path, before the rules of leaves.
static void leaf_key_taken(struct scene *s)
{
    struct forge f;
    forge_begin(&f, s, MALLORY);
    if (s->wrong) f.leaf.encryption_key = forge_leaf(s, CAROL).encryption_key;
    forge_commit(&f);
    forge_offer(&f);
}

// ----------------------------------------------------------------------------------------------- nobody's secret

// Dave lets somebody in beside him, with the path secret of the node that they share or without.
static void invite(struct scene *s, size_t who, bool path_secret)
{
    struct forge f;
    bool wrong = s->wrong;
    struct cast_member *m = &s->m[who];
    const struct forge_welcome w = {.signer = UINT32_MAX, .no_path_secret = !path_secret};
    forge_begin(&f, s, DAVE);
    forge_value(&f, forge_add(s, scene_key_package(s, who)));
    forge_commit(&f);
    struct span welcome = forge_welcome(&f, who, &w);
    s->wrong = false; // the commit is as it should be
    forge_offer(&f);
    s->wrong = wrong;
    assert_ok(
        mls_group_join(s->client, to_api(welcome), cast_span(m->private_part), (struct mls_span){0}, NULL, &m->group));
}

// Who was invited without the path secret that is due cannot follow a path that is encrypted under it: that is noticed,
// nothing breaks, and the others can remove whoever it was.
static void no_key_for_me(struct scene *s)
{
    struct forge f;
    size_t who = s->wrong ? ERIN : FRANK;
    bool wrong = s->wrong;
    if (wrong) scene_remove(s, ALICE, CAROL);
    invite(s, who, !wrong);
    s->victims = 1u << ERIN;
    forge_begin(&f, s, MALLORY);
    forge_commit(&f);
    forge_offer(&f);
    s->wrong = false;
    if (wrong) scene_remove(s, ALICE, ERIN);
    s->wrong = wrong;
}

static const struct rule rules[] = {
    {MLS_E_PATH_MISSING, "12.4", "in a commit of nothing", commit, NULL, 0, FLAW_PATH_NONE},
    {MLS_E_PATH_MISSING, "12.4.2", "with a Remove", remove_member, NULL, 0, FLAW_PATH_NONE},
    {MLS_E_PATH_MISSING, "12.4.2", "with an Update", update_member, NULL, 0, FLAW_PATH_NONE},
    {MLS_E_PATH_MISSING, "12.4", "with GroupContextExtensions", change_extensions, NULL, 0, FLAW_PATH_NONE},
    {MLS_E_PATH_MISSING, "12.4", "with a custom proposal that needs one", custom_with_path, NULL, 0, FLAW_PATH_NONE},
    {MLS_E_PATH_MISSING, "12.4.3.2", "in an external commit", external, NULL, 0, FLAW_PATH_NONE},
    {MLS_OK, "12.4", "Add, PreSharedKey, ReInit and some custom proposals need no path", without_path, NULL, 0, 0},

    {MLS_E_PATH_LENGTH, "7.6", "a node too few", commit, NULL, 0, FLAW_PATH_SHORT},
    {MLS_E_PATH_LENGTH, "7.6", "a node too many", commit, NULL, 0, FLAW_PATH_LONG},
    {MLS_E_PATH_LENGTH, "7.6", "a node too few, with blank copath nodes", commit_ragged, NULL, 0, FLAW_PATH_SHORT},
    {MLS_E_PATH_LENGTH, "7.6", "a node too many, with blank copath nodes", commit_ragged, NULL, 0, FLAW_PATH_LONG},
    {MLS_E_PATH_LENGTH, "7.6", "in an external commit", external, NULL, 0, FLAW_PATH_SHORT},

    {MLS_E_PATH_CIPHERTEXTS, "7.6", "one too few", commit, NULL, 0, FLAW_CIPHERTEXT_MISSING},
    {MLS_E_PATH_CIPHERTEXTS, "7.6", "one too many", commit, NULL, 0, FLAW_CIPHERTEXT_EXTRA},
    {MLS_E_PATH_CIPHERTEXTS, "7.6", "one too few, with unmerged leaves", commit_ragged, NULL, 0,
     FLAW_CIPHERTEXT_MISSING},
    {MLS_E_PATH_CIPHERTEXTS, "7.6", "one too many, with unmerged leaves", commit_ragged, NULL, 0,
     FLAW_CIPHERTEXT_EXTRA},
    {MLS_E_PATH_CIPHERTEXTS, "7.6", "for those who are added", commit_with_add, NULL, 0, FLAW_CIPHERTEXT_ADDED},
    {MLS_E_PATH_CIPHERTEXTS, "7.6", "in an external commit", external, NULL, 0, FLAW_CIPHERTEXT_MISSING},

    {MLS_E_PATH_KEY_TAKEN, "12.4.2", "by a leaf", key_of_leaf, NULL, 0, FLAW_KEY_OF_TREE},
    {MLS_E_PATH_KEY_TAKEN, "12.4.2", "by a parent", key_of_parent, NULL, 0, FLAW_KEY_OF_TREE},
    {MLS_E_PATH_KEY_TAKEN, "12.4.2", "by a leaf that is being added", key_of_added, NULL, 0, FLAW_KEY_OF_TREE},
    {MLS_E_PATH_KEY_TAKEN, "12.4.2", "by the node that it replaces", commit, NULL, 0, FLAW_KEY_REPLACED},
    {MLS_E_PATH_KEY_TAKEN, "12.4.2", "by another node of the path", commit, NULL, 0, FLAW_KEY_OF_PATH},
    {MLS_E_PATH_KEY_TAKEN, "12.4.2", "by the leaf of the path", commit, NULL, 0, FLAW_KEY_OF_LEAF},
    {MLS_E_PATH_KEY_TAKEN, "12.4.2", "by another leaf, for the leaf of the path", leaf_key_taken, NULL, 0, 0},
    {MLS_E_PATH_KEY_TAKEN, "12.4.2", "by a leaf, in an external commit", external, NULL, 0, FLAW_KEY_OF_LEAF},
    {MLS_E_PATH_KEY_INVALID, "5.1.1", "too short", commit, NULL, 0, FLAW_KEY_INVALID},
    {MLS_E_PATH_KEY_INVALID, "5.1.1", "off the curve", key_off_curve, NULL, SCENE_P256, FLAW_KEY_INVALID},

    {MLS_E_PATH_PARENT_HASH, "7.9.2", "other bytes", commit, NULL, 0, FLAW_PARENT_HASH},
    {MLS_E_PATH_PARENT_HASH, "7.9.2", "empty", commit, NULL, 0, FLAW_PARENT_HASH_EMPTY},
    {MLS_E_PATH_PARENT_HASH, "7.9.2", "that of the node above the first", commit, NULL, 0, FLAW_PARENT_HASH_MIDDLE},
    {MLS_E_PATH_PARENT_HASH, "7.9.2", "in an external commit", external, NULL, 0, FLAW_PARENT_HASH},

    {MLS_E_PATH_SECRET, "7.5", "damaged", commit_to_some, NULL, 0, FLAW_CIPHERTEXT_DAMAGED},
    {MLS_E_PATH_SECRET, "7.5", "too short", commit, NULL, 0, FLAW_SECRET_SHORT},
    {MLS_E_PATH_SECRET, "7.5", "too long", commit, NULL, 0, FLAW_SECRET_LONG},
    {MLS_E_PATH_SECRET, "7.5", "none that this member has a key for", no_key_for_me, NULL, 0, 0},
    {MLS_E_PATH_PUBLIC_KEY, "7.5", "the secret is another", commit_to_some, NULL, 0, FLAW_SECRET_OTHER},
    {MLS_E_PATH_PUBLIC_KEY, "7.5", "a key above is another", commit, NULL, 0, FLAW_KEY_UNKNOWN},
};

int main(void) { return rules_run("rules-path", rules, sizeof rules / sizeof *rules); }
