// SPDX-License-Identifier: Apache-2.0
//
// The rules of groups that come from a group (RFC 9420 §11.2, §11.3, §12.4.3.1): a member of the old one makes a new one
// that is not what was announced, and invites the others.
#include "forge.h"

enum { OTHER_SUITE = MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519 }; // with the same kind of signature keys

// What mallory makes.
struct related {
    uint8_t usage; // 0: no PSK
    const char *group_id, *psk_group;
    uint16_t suite;
    int64_t psk_epoch; // relative to the old group's
    const struct mls_extension *extensions;
    size_t extension_count;
    bool late;      // it starts at epoch 2
    size_t without; // a member that is left out; 0: none
    bool stranger;  // erin is there, too
    bool unknown;   // the joiners do not name the old group
};

static struct mls_proposal invitation(struct scene *s, size_t who, uint16_t suite)
{
    struct cast_member *m = &s->m[who];
    struct mls_leaf_params leaf = scene_leaf(s, who);
    mls_buf_free(&m->key_package);
    mls_buf_free(&m->private_part);
    assert_ok(mls_key_package_new(s->client, suite, &leaf, NULL, 0, &m->key_package, &m->private_part));
    return (struct mls_proposal){.type = MLS_PROPOSAL_ADD, .key_package = cast_span(m->key_package)};
}

static void commit_here(struct mls_group *g, const struct mls_proposal *p, size_t n, struct mls_buf *welcome)
{
    struct mls_commit c;
    const struct mls_commit_params params = {.proposals = p, .proposal_count = n, .tree_in_welcome = true};
    assert_ok(mls_group_commit(g, &params, &c));
    assert_ok(mls_group_merge(g, c.staged));
    c.staged = NULL;
    if (welcome != NULL) *welcome = c.welcome;
    if (welcome != NULL) c.welcome = (struct mls_buf){0};
    mls_commit_free(&c);
}

// The new group, whatever it is, and its Welcome.
static struct mls_group *make(struct scene *s, const struct related *r, struct mls_buf *welcome)
{
    struct mls_group *old = scene_group(s, MALLORY), *g = NULL;
    struct mls_leaf_params leaf = scene_leaf(s, MALLORY);
    struct mls_proposal p[MEMBERS + 1];
    struct buf *list = scene_buf(s);
    size_t n = 0;
    assert_ok(extensions_write(s->client, r->extensions, r->extension_count, false, list));
    assert_ok(group_found(s->client, crypto_suite(r->suite), span_str(r->group_id), &leaf, buf_span(list), &g));
    if (r->late) commit_here(g, NULL, 0, NULL);
    for (size_t i = 0; i < MEMBERS; i++) {
        if (i != MALLORY && (i != r->without || r->without == 0)) p[n++] = invitation(s, i, r->suite);
    }
    if (r->stranger) p[n++] = invitation(s, ERIN, r->suite);
    const struct mls_psk_id id = {.type = PSK_RESUMPTION,
                                  .usage = r->usage,
                                  .group_id = cast_text(r->psk_group),
                                  .epoch = old->now.number + (uint64_t)r->psk_epoch};
    if (r->usage != 0) p[n++] = (struct mls_proposal){.type = MLS_PROPOSAL_PSK, .psk = id};
    g->parent = old;
    commit_here(g, p, n, welcome);
    g->parent = NULL;
    return g;
}

static void join_one(struct scene *s, size_t who, const struct related *r, struct mls_span welcome,
                     struct mls_group *maker)
{
    struct mls_group *g = NULL, *parent = r->unknown ? NULL : scene_group(s, who);
    struct snapshot before;
    snapshot_take(scene_group(s, who), &before);
    scene_verdict(
        s, mls_group_join(s->client, welcome, cast_span(s->m[who].private_part), (struct mls_span){0}, parent, &g));
    snapshot_same(scene_group(s, who), &before);
    if (g != NULL) cast_same_epoch(g, maker);
    mls_group_free(g);
}

// Everybody who is invited joins.
static void play(struct scene *s, const struct related *r)
{
    struct mls_buf welcome;
    struct mls_group *g = make(s, r, &welcome);
    for (size_t i = 0; i < MEMBERS; i++) {
        if (i != MALLORY && (i != r->without || r->without == 0)) join_one(s, i, r, cast_span(welcome), g);
    }
    mls_buf_free(&welcome);
    mls_group_free(g);
}

// ----------------------------------------------------------------------------------------------------------- ReInit

static struct mls_extension next_extension(void) { return (struct mls_extension){SCENE_EXTENSION, cast_text("next")}; }

static void announce(struct scene *s)
{
    const struct mls_extension x = next_extension();
    const struct mls_proposal p = {.type = MLS_PROPOSAL_REINIT,
                                   .group_id = cast_text("next"),
                                   .suite = OTHER_SUITE,
                                   .extensions = &x,
                                   .extension_count = 1};
    if (mls_group_active(scene_group(s, ALICE))) scene_commit(s, CAROL, &p, 1);
}

enum { GROUP_ID, SUITE, EXTENSIONS, NO_EXTENSIONS, PSK_EPOCH, PSK_GROUP, NO_PSK, LATE, LEFT_OUT, USAGE };

static void reinit(struct scene *s)
{
    const struct mls_extension x = next_extension(), other = {SCENE_EXTENSION, cast_text("other")};
    announce(s);
    struct related r = {.usage = PSK_REINIT,
                        .group_id = "next",
                        .psk_group = "the group",
                        .suite = OTHER_SUITE,
                        .extensions = &x,
                        .extension_count = 1};
    s->any = span_str("whatever it is"); // also where a PSK cannot be the right one
    switch (s->wrong ? s->rule->arg : -1) {
    case GROUP_ID: r.group_id = "another"; break;
    case SUITE: r.suite = s->suite; break;
    case EXTENSIONS: r.extensions = &other; break;
    case NO_EXTENSIONS: r.extension_count = 0; break;
    case PSK_EPOCH: r.psk_epoch = -1; break;
    case PSK_GROUP: r.psk_group = "another"; break;
    case NO_PSK: r.usage = 0; break;
    case LATE: r.late = true; break;
    case LEFT_OUT: r.without = DAVE; break;
    }
    play(s, &r);
}

// A reinitialised group, where none was announced.
static void not_announced(struct scene *s)
{
    struct related r = {
        .usage = s->wrong ? PSK_REINIT : PSK_BRANCH, .group_id = "next", .psk_group = "the group", .suite = s->suite};
    play(s, &r);
}

// ----------------------------------------------------------------------------------------------------------- branch

enum { STRANGER = USAGE + 1, UNKNOWN };

static void branch(struct scene *s)
{
    struct related r = {
        .usage = PSK_BRANCH, .group_id = "branch", .psk_group = "the group", .suite = s->suite, .without = DAVE};
    s->any = span_str("whatever it is");
    switch (s->wrong ? s->rule->arg : -1) {
    case SUITE: r.suite = OTHER_SUITE; break;
    case PSK_EPOCH: r.psk_epoch = -1; break;
    case PSK_GROUP: r.psk_group = "another"; break;
    case NO_PSK: r.usage = 0; break;
    case LATE: r.late = true; break;
    case STRANGER: r.stranger = true; break;
    case UNKNOWN:
        r.unknown = true;
        s->any =
            scene_copy(s, span_of(scene_group(s, ALICE)->now.secrets.resumption.b, 32)); // the application has kept it
        break;
    }
    play(s, &r);
}

// ----------------------------------------------------------------------------------------- through the front door

// Whoever makes the new group is held to the same.
static void own(struct scene *s, bool is_branch)
{
    struct mls_group *old = scene_group(s, MALLORY), *g = NULL;
    struct mls_buf welcome;
    struct mls_span packages[MEMBERS];
    size_t n = 0;
    uint16_t suite = is_branch ? s->suite : OTHER_SUITE;
    for (size_t i = 0; i < MEMBERS; i++) {
        if (i == MALLORY || (i == DAVE && s->wrong && !is_branch)) continue;
        packages[n++] = invitation(s, i, suite).key_package;
    }
    if (is_branch && s->wrong) packages[n - 1] = invitation(s, ERIN, suite).key_package;
    const struct mls_related_params params = {
        .leaf = scene_leaf(s, MALLORY), .key_packages = packages, .key_package_count = n, .tree_in_welcome = true};
    enum mls_error e =
        is_branch ? mls_group_branch(old, &params, &welcome, &g) : mls_group_reinit(old, &params, &welcome, &g);
    scene_verdict(s, e);
    for (size_t i = 0; e == MLS_OK && i < MEMBERS; i++) {
        if (i != MALLORY) join_one(s, i, &(struct related){0}, cast_span(welcome), g);
    }
    mls_buf_free(&welcome);
    mls_group_free(g);
}

static void own_branch(struct scene *s) { own(s, true); }
static void own_reinit(struct scene *s)
{
    announce(s);
    own(s, false);
}

static const struct rule rules[] = {
    {MLS_E_REINIT_MISMATCH, "12.4.3.1", "another group_id", reinit, NULL, 0, GROUP_ID},
    {MLS_E_REINIT_MISMATCH, "12.4.3.1", "another cipher suite", reinit, NULL, 0, SUITE},
    {MLS_E_REINIT_MISMATCH, "12.4.3.1", "other extensions", reinit, NULL, 0, EXTENSIONS},
    {MLS_E_REINIT_MISMATCH, "12.4.3.1", "no extensions", reinit, NULL, 0, NO_EXTENSIONS},
    {MLS_E_REINIT_MISMATCH, "11.2", "a PSK of the epoch before", reinit, NULL, 0, PSK_EPOCH},
    {MLS_E_REINIT_MISMATCH, "11.2", "a PSK of another group", reinit, NULL, 0, PSK_GROUP},
    {MLS_E_REINIT_MISMATCH, "11.2", "no PSK", reinit, NULL, 0, NO_PSK},
    {MLS_E_REINIT_MISMATCH, "12.4.3.1", "nothing was announced", not_announced, NULL, 0, 0},
    {MLS_E_REINIT_MEMBERS, "12.4.3.1", "one is left out", reinit, NULL, 0, LEFT_OUT},
    {MLS_E_REINIT_MEMBERS, "12.4.3.1", "one is left out by this client", own_reinit, NULL, 0, 0},
    {MLS_E_WELCOME_EPOCH, "11.2", "of a reinitialised group", reinit, NULL, 0, LATE},
    {MLS_E_WELCOME_EPOCH, "11.3", "of a branch", branch, NULL, 0, LATE},
    {MLS_E_BRANCH_MISMATCH, "11.3", "another cipher suite", branch, NULL, 0, SUITE},
    {MLS_E_BRANCH_MISMATCH, "11.3", "a PSK of the epoch before", branch, NULL, 0, PSK_EPOCH},
    {MLS_E_BRANCH_MISMATCH, "11.3", "a PSK of another group", branch, NULL, 0, PSK_GROUP},
    {MLS_E_BRANCH_MISMATCH, "11.3", "no PSK", branch, NULL, 0, NO_PSK},
    {MLS_E_BRANCH_MEMBERS, "11.3", "a stranger", branch, NULL, 0, STRANGER},
    {MLS_E_BRANCH_MEMBERS, "11.3", "a stranger, invited by this client", own_branch, NULL, 0, 0},
    {MLS_E_MISUSE, "11.3", "the joiner does not name the old group", branch, NULL, 0, UNKNOWN},
};

int main(void) { return rules_run("rules-related", rules, sizeof rules / sizeof *rules); }
