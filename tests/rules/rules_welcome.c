// SPDX-License-Identifier: Apache-2.0
//
// The rules of Welcomes and GroupInfos (RFC 9420 §12.4.3), but for those of the tree in them: whose they are, whether
// they open, who signed them, and whether all that a joiner learns fits together.
#include "forge.h"

static const struct forge_welcome usual = {.signer = UINT32_MAX};

static void add_erin(struct forge *f, struct scene *s)
{
    forge_begin(f, s, MALLORY);
    forge_value(f, forge_add(s, scene_key_package(s, ERIN)));
    forge_commit(f);
}

static void join(struct forge *f, const struct forge_welcome *w)
{
    forge_join(f, ERIN, forge_welcome(f, ERIN, w), span_of(NULL, 0));
    forge_free(f);
}

static void flawed(struct scene *s)
{
    struct forge f;
    const struct forge_welcome w = {.signer = UINT32_MAX,
                                    .flaw = s->wrong ? (enum welcome_flaw)s->rule->arg : WELCOME_NONE};
    add_erin(&f, s);
    join(&f, &w);
}

// The same flaw in a GroupInfo for an external commit.
static void flawed_info(struct scene *s)
{
    struct forge f;
    const struct forge_welcome w = {.signer = UINT32_MAX,
                                    .flaw = s->wrong ? (enum welcome_flaw)s->rule->arg : WELCOME_NONE};
    add_erin(&f, s);
    forge_join_external(&f, FRANK, forge_group_info(&f, &w, true));
    forge_free(&f);
}

// ------------------------------------------------------------------------------------------------------- its suite

static void other_suite(struct scene *s)
{
    struct forge f;
    struct forge_welcome w = usual;
    if (s->wrong) w.suite = MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519;
    add_erin(&f, s);
    join(&f, &w);
}

static struct group_context staged_context(const struct forge *f)
{
    struct group_context c;
    struct tls_reader r = tls_reader_of(buf_span(&f->staged->next.context));
    group_context_read(&r, &c);
    assert_ok(tls_end(&r));
    return c;
}

enum { CONTEXT_SUITE, CONTEXT_VERSION, CONTEXT_TREE_HASH, CONTEXT_CONFIRMED, CONTEXT_CONFIRMED_EMPTY, CONTEXT_EPOCH };

static void context(struct scene *s)
{
    struct forge f;
    struct forge_welcome w = usual;
    add_erin(&f, s);
    w.context = staged_context(&f);
    switch (s->wrong ? s->rule->arg : -1) {
    case CONTEXT_SUITE: w.context.suite = MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519; break;
    case CONTEXT_VERSION: w.context.version = 2; break;
    case CONTEXT_TREE_HASH: w.context.tree_hash.n--; break;
    case CONTEXT_CONFIRMED: w.context.confirmed_hash.n--; break;
    case CONTEXT_CONFIRMED_EMPTY: w.context.confirmed_hash.n = 0; break;
    case CONTEXT_EPOCH: w.context.epoch = UINT64_MAX; break;
    }
    join(&f, &w);
}

// ------------------------------------------------------------------------------------------------------- its signer

static void signer(struct scene *s)
{
    struct forge f;
    struct forge_welcome w = usual;
    if (s->wrong) w.signer = (uint32_t)s->rule->arg;
    add_erin(&f, s);
    join(&f, &w);
}

// Signed by one member, in the name of another.
static void signed_by_other(struct scene *s)
{
    struct forge f;
    struct forge_welcome w = usual;
    if (s->wrong) w.sk = forge_signature_key(s, CAROL);
    add_erin(&f, s);
    join(&f, &w);
}

// Any member may sign a GroupInfo; a Welcome without a path secret says nothing about who committed.
static void signed_by_any_member(struct scene *s)
{
    struct forge f;
    const struct forge_welcome w = {.signer = CAROL, .sk = forge_signature_key(s, CAROL), .no_path_secret = true};
    add_erin(&f, s);
    join(&f, &w);
}

// ------------------------------------------------------------------------------------------------------ its secrets

// The KeyPackage in the tree is another one of the same client's than the Welcome is for.
static void other_leaf(struct scene *s)
{
    struct forge f;
    forge_begin(&f, s, MALLORY);
    struct span package = scene_copy(s, scene_key_package(s, ERIN));
    if (s->wrong) (void)scene_key_package(s, ERIN);
    forge_value(&f, forge_add(s, package));
    forge_commit(&f);
    join(&f, &usual);
}

// A path secret for a common ancestor that is blank.
static void path_secret_for_blank(struct scene *s)
{
    struct forge f;
    forge_begin(&f, s, MALLORY);
    forge_value(&f, forge_add(s, scene_key_package(s, ERIN)));
    f.no_path = true;
    forge_commit(&f);
    struct forge_welcome w = usual;
    if (s->wrong) w.path_secret = span_of(f.joiner.b, 32);
    join(&f, &w);
}

// The joiner as the signer: then there is no common ancestor below which two sides lie.
static void signed_by_joiner(struct scene *s)
{
    struct forge f;
    add_erin(&f, s);
    struct forge_welcome w = usual;
    if (s->wrong) {
        w.signer = f.staged->added.v[0];
        w.sk = forge_signature_key(s, ERIN);
    }
    join(&f, &w);
}

// ------------------------------------------------------------------------------------------------------------ PSKs

static struct psk_id psk(struct scene *s)
{
    static const uint8_t nonce[33] = {3};
    s->world.psk_id = cast_text("the psk");
    s->world.psk = cast_text("a secret of many bytes");
    return (struct psk_id){.type = PSK_EXTERNAL, .id = span_str("the psk"), .nonce = span_of(nonce, 32)};
}

static void add_with_psk(struct forge *f, struct scene *s, const struct psk_id *id)
{
    forge_begin(f, s, MALLORY);
    forge_value(f, forge_psk(s, id));
    forge_value(f, forge_add(s, scene_key_package(s, ERIN)));
    forge_commit(f);
}

static void psk_unknown(struct scene *s)
{
    struct forge f;
    struct psk_id id = psk(s);
    add_with_psk(&f, s, &id);
    if (s->wrong) s->world.psk_id = cast_text("");
    join(&f, &usual);
}

static void psk_other(struct scene *s)
{
    struct forge f;
    struct psk_id id = psk(s);
    add_with_psk(&f, s, &id);
    if (s->wrong) s->world.psk = cast_text("another secret");
    join(&f, &usual);
}

static void psk_nonce(struct scene *s)
{
    struct forge f;
    struct psk_id id = psk(s);
    if (s->wrong) id.nonce.n = 33;
    add_with_psk(&f, s, &id);
    join(&f, &usual);
}

// Two PSKs of usage reinit or branch; one of them is already one too many here, but that is found later.
static void two_related(struct scene *s)
{
    struct forge f;
    struct buf *ids = scene_buf(s);
    struct psk_id id = psk(s),
                  first = {.type = PSK_RESUMPTION, .usage = PSK_BRANCH, .group_id = span_str("a"), .nonce = id.nonce};
    struct psk_id second = first;
    second.usage = s->rule->arg == 0 ? PSK_REINIT : PSK_BRANCH;
    second.group_id = span_str("b");
    add_with_psk(&f, s, &id);
    struct forge_welcome w = usual;
    s->any = span_str("a secret of many bytes");
    if (s->wrong) {
        psk_id_write(ids, &first);
        psk_id_write(ids, &second);
        w.psks = buf_span(ids);
    }
    join(&f, &w);
}

// ------------------------------------------------------------------------------------------------------ the group

static void extension_unsupported(struct scene *s)
{
    struct forge f;
    struct forge_package p = {0};
    struct leaf l = forge_new_leaf(s, ERIN, p.leaf_sk);
    if (s->wrong) l.capabilities.extensions = scene_without(s, l.capabilities.extensions, SCENE_EXTENSION);
    p.leaf = forge_sign_leaf(s, &l, span_of(NULL, 0), 0, forge_signature_key(s, ERIN));
    forge_begin(&f, s, MALLORY);
    forge_value(&f, forge_add(s, forge_key_package(s, ERIN, &p)));
    forge_commit(&f);
    join(&f, &usual);
}

static void extension_unsupported_outside(struct scene *s)
{
    struct forge f;
    struct mls_group *g = NULL;
    struct mls_buf commit;
    add_erin(&f, s);
    struct span info = forge_group_info(&f, &usual, true);
    struct mls_external_join join = {.group_info = to_api(info), .leaf = scene_leaf(s, FRANK)};
    if (s->wrong) join.leaf.extension_type_count = 0;
    scene_verdict(s, mls_group_join_external(s->client, &join, &commit, &g));
    mls_buf_free(&commit);
    mls_group_free(g);
    forge_free(&f);
}

static void id_taken(struct scene *s)
{
    struct forge f;
    add_erin(&f, s);
    s->known = s->wrong;
    join(&f, &usual);
}

static void id_taken_outside(struct scene *s)
{
    struct forge f;
    add_erin(&f, s);
    s->known = s->wrong;
    forge_join_external(&f, FRANK, forge_group_info(&f, &usual, true));
    forge_free(&f);
}

static void external_sender_refused(struct scene *s)
{
    struct forge f;
    struct mls_buf data;
    const struct mls_credential who = {.type = MLS_CREDENTIAL_BASIC,
                                       .identity = cast_text(s->wrong ? SCENE_REFUSED : "another post")};
    assert_ok(mls_external_sender_add((struct mls_span){0}, cast_span(s->post_public), &who, &data));
    const struct mls_extension x = {MLS_EXTENSION_EXTERNAL_SENDERS, cast_span(data)};
    forge_begin(&f, s, MALLORY);
    forge_value(&f, forge_extensions(s, &x, 1));
    forge_value(&f, forge_add(s, scene_key_package(s, ERIN)));
    forge_commit(&f);
    forge_join(&f, ERIN, forge_welcome(&f, ERIN, &usual), span_of(NULL, 0));
    forge_join_external(&f, FRANK, forge_group_info(&f, &usual, true));
    forge_free(&f);
    mls_buf_free(&data);
}

// Unknown extensions of a GroupInfo, and those of GREASE, are ignored.
static void unknown_info_extensions(struct scene *s)
{
    const struct mls_extension list[] = {{SCENE_FOREIGN, cast_text("unknown")}, {0x1A1A, cast_text("grease")}};
    const struct mls_proposal p = {.type = MLS_PROPOSAL_ADD, .key_package = to_api(scene_key_package(s, ERIN))};
    const struct mls_commit_params params = {.proposals = &p,
                                             .proposal_count = 1,
                                             .tree_in_welcome = true,
                                             .info_extensions = list,
                                             .info_extension_count = 2};
    struct mls_commit c;
    struct mls_group *g = NULL;
    assert_ok(mls_group_commit(scene_group(s, ALICE), &params, &c));
    assert_ok(mls_group_join(s->client, cast_span(c.welcome), cast_span(s->m[ERIN].private_part), (struct mls_span){0},
                             NULL, &g));
    mls_group_free(g);
    mls_commit_free(&c);
}

static const struct rule rules[] = {
    {MLS_E_WELCOME_NOT_MINE, "12.4.3.1", "no entry for the KeyPackage", flawed, NULL, 0, WELCOME_REFERENCE},
    {MLS_E_WELCOME_SUITE, "12.4.3.1", "of the Welcome", other_suite, NULL, 0, 0},
    {MLS_E_WELCOME_SUITE, "12.4.3.1", "of the GroupInfo", context, NULL, 0, CONTEXT_SUITE},
    {MLS_E_UNSUPPORTED, "8.1", "another version in the GroupInfo", context, NULL, 0, CONTEXT_VERSION},
    {MLS_E_TREE_HASH, "12.4.3.1", "a hash that is too short", context, NULL, 0, CONTEXT_TREE_HASH},
    {MLS_E_MALFORMED, "8.2", "a confirmed_transcript_hash that is too short", context, NULL, 0, CONTEXT_CONFIRMED},
    {MLS_E_MALFORMED, "8.2", "an empty one, though the epoch is not 0", context, NULL, 0, CONTEXT_CONFIRMED_EMPTY},
    {MLS_E_LIMIT, "8.1", "an epoch that nobody reaches by commits", context, NULL, 0, CONTEXT_EPOCH},
    {MLS_E_WELCOME_SECRETS, "12.4.3.1", "damaged", flawed, NULL, 0, WELCOME_SECRETS},
    {MLS_E_WELCOME_SECRETS, "12.4.3.1", "a joiner_secret that is too short", flawed, NULL, 0, WELCOME_JOINER_SHORT},
    {MLS_E_WELCOME_SECRETS, "12.4.3.1", "a path_secret that is too short", flawed, NULL, 0, WELCOME_PATH_SHORT},
    {MLS_E_WELCOME_SECRETS, "12.4.3.1", "a byte behind them", flawed, NULL, 0, WELCOME_SECRETS_TAIL},
    {MLS_E_WELCOME_GROUP_INFO, "12.4.3.1", "damaged", flawed, NULL, 0, WELCOME_INFO},
    {MLS_E_WELCOME_GROUP_INFO, "12.4.3.1", "shorter than a tag", flawed, NULL, 0, WELCOME_INFO_SHORT},
    {MLS_E_WELCOME_GROUP_INFO, "12.4.3.1", "another PSK", psk_other, NULL, 0, 0},
    {MLS_E_WELCOME_LEAF, "12.4.3.1", "the leaf of another KeyPackage", other_leaf, NULL, 0, 0},
    {MLS_E_WELCOME_PATH_SECRET, "12.4.3.1", "another one", flawed, NULL, 0, WELCOME_PATH_SECRET},
    {MLS_E_WELCOME_PATH_SECRET, "12.4.3.1", "for a blank node", path_secret_for_blank, NULL, 0, 0},
    {MLS_E_WELCOME_PATH_SECRET, "12.4.3.1", "from the joiner to itself", signed_by_joiner, NULL, 0, 0},
    {MLS_E_WELCOME_PSKS, "12.4.3.1", "one for a branch, one for a reinit", two_related, NULL, 0, 0},
    {MLS_E_WELCOME_PSKS, "12.4.3.1", "two for branches", two_related, NULL, 0, 1},
    {MLS_E_WELCOME_TREE, "12.4.3.3", "nowhere, in a Welcome", flawed, NULL, 0, WELCOME_TREE_NONE},
    {MLS_E_WELCOME_TREE, "12.4.3.3", "nowhere, in a GroupInfo", flawed_info, NULL, 0, WELCOME_TREE_NONE},
    {MLS_E_PSK_UNKNOWN, "12.4.3.1", "in a Welcome", psk_unknown, NULL, 0, 0},
    {MLS_E_PROPOSAL_PSK_NONCE, "12.1.4", "in a Welcome", psk_nonce, NULL, 0, 0},

    {MLS_E_GROUP_INFO_SIGNER, "12.4.3.1", "a blank leaf", signer, NULL, 0, 6},
    {MLS_E_GROUP_INFO_SIGNER, "12.4.3.1", "a leaf outside of the tree", signer, NULL, 0, 8},
    {MLS_E_GROUP_INFO_SIGNER, "12.4.3.1", "a leaf outside of any tree", signer, NULL, 0, 0x7fffffff},
    {MLS_E_GROUP_INFO_SIGNATURE, "12.4.3.1", "damaged, in a Welcome", flawed, NULL, 0, WELCOME_SIGNATURE},
    {MLS_E_GROUP_INFO_SIGNATURE, "12.4.3", "damaged, in a GroupInfo", flawed_info, NULL, 0, WELCOME_SIGNATURE},
    {MLS_E_GROUP_INFO_SIGNATURE, "12.4.3.1", "another member's", signed_by_other, NULL, 0, 0},
    {MLS_OK, "12.4.3.1", "any member may sign for a Welcome without path secrets", signed_by_any_member, NULL, 0, 0},
    {MLS_E_MESSAGE_CONFIRMATION_TAG, "12.4.3.1", "of a GroupInfo", flawed, NULL, 0, WELCOME_TAG},
    {MLS_E_GROUP_INFO_EXTENSION, "13.4", "the joiner does not support it", extension_unsupported, NULL, 0, 0},
    {MLS_E_GROUP_INFO_EXTENSION, "13.4", "nor does who joins from outside", extension_unsupported_outside, NULL, 0, 0},
    {MLS_E_GROUP_ID_TAKEN, "12.4.3.1", "by a Welcome", id_taken, NULL, SCENE_KNOWN, 0},
    {MLS_E_GROUP_ID_TAKEN, "12.4.3", "by an external commit", id_taken_outside, NULL, SCENE_KNOWN, 0},
    {MLS_E_LEAF_CREDENTIAL, "5.3.1", "of an external sender, when joining", external_sender_refused, NULL, 0, 0},
    {MLS_OK, "13.4", "unknown extensions of a GroupInfo are ignored", unknown_info_extensions, NULL, 0, 0},
};

int main(void) { return rules_run("rules-welcome", rules, sizeof rules / sizeof *rules); }
