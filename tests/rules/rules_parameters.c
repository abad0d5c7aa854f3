// SPDX-License-Identifier: Apache-2.0
//
// The rules of proposals that are about the group (RFC 9420 §12.1.4 to §12.1.7, §12.2, §13.4): pre-shared keys, extensions
// of the GroupContext, reinitialisation, and what only a joiner may propose.
#include "offer.h"

// ------------------------------------------------------------------------------------------------------ PreSharedKey

static struct psk_id external_psk(struct scene *s)
{
    static const uint8_t nonce[CRYPTO_HASH_MAX + 1] = {1};
    s->world.psk_id = cast_text("the psk");
    s->world.psk = cast_text("a secret of many bytes");
    return (struct psk_id){.type = PSK_EXTERNAL, .id = span_str("the psk"), .nonce = span_of(nonce, 32)};
}

static void psk_twice(struct scene *s)
{
    static const uint8_t other[32] = {2};
    struct forge f;
    struct psk_id id = external_psk(s), again = id;
    if (!s->wrong) again.nonce = span_of(other, 32); // the same secret under another nonce is another PreSharedKeyID
    forge_begin(&f, s, MALLORY);
    forge_value(&f, forge_psk(s, &id));
    forge_value(&f, forge_psk(s, &again));
    forge_commit(&f);
    forge_offer(&f);
}

static void psk_usage(struct scene *s)
{
    struct psk_id id = external_psk(s);
    id.type = PSK_RESUMPTION;
    id.usage = !s->wrong ? PSK_APPLICATION : variant(s) == 0 ? PSK_REINIT : PSK_BRANCH;
    id.group_id = span_str("the group");
    id.epoch = scene_group(s, ALICE)->now.number;
    offer(s, forge_psk(s, &id));
}

static void psk_nonce(struct scene *s)
{
    struct psk_id id = external_psk(s);
    if (s->wrong) id.nonce.n = variant(s) == 0 ? 31 : variant(s) == 1 ? 33 : 0;
    offer(s, forge_psk(s, &id));
}

enum { PSK_NOBODY_KNOWS, PSK_OF_PAST_EPOCH, PSK_OF_OTHER_GROUP };

static void psk_unknown(struct scene *s)
{
    struct forge f;
    struct psk_id id = external_psk(s);
    if (variant(s) != PSK_NOBODY_KNOWS) {
        id.type = PSK_RESUMPTION;
        id.usage = PSK_APPLICATION;
        id.group_id = span_str(s->wrong && variant(s) == PSK_OF_OTHER_GROUP ? "another group" : "the group");
        id.epoch = scene_group(s, ALICE)->now.number - (s->wrong && variant(s) == PSK_OF_PAST_EPOCH ? 3 : 0);
    }
    forge_begin(&f, s, MALLORY);
    forge_value(&f, forge_psk(s, &id));
    f.psk = span_str("a secret of many bytes"); // what mallory takes for it, if it is nowhere to be found
    if (s->wrong) s->world.psk_id = cast_text("");
    forge_commit(&f);
    forge_offer(&f);
}

// ------------------------------------------------------------------------------------------------------- extensions

static void extensions_twice(struct scene *s)
{
    struct forge f;
    forge_begin(&f, s, MALLORY);
    forge_value(&f, forge_extensions(s, NULL, 0));
    if (s->wrong) forge_value(&f, forge_extensions(s, NULL, 0));
    forge_commit(&f);
    forge_offer(&f);
}

enum { REQUIRE_EXTENSION, REQUIRE_PROPOSAL, REQUIRE_CREDENTIAL };

// A commit whose maker supports everything: it is the others who do not.
static void commit_capable(struct scene *s, struct span proposal)
{
    struct forge f;
    forge_begin(&f, s, MALLORY);
    struct capabilities *c = &f.leaf.capabilities;
    c->extensions = scene_with(s, c->extensions, SCENE_FOREIGN);
    c->proposals = scene_with(s, c->proposals, SCENE_FOREIGN);
    c->credentials = scene_with(s, c->credentials, SCENE_FOREIGN);
    forge_value(&f, proposal);
    forge_commit(&f);
    forge_offer(&f);
}

static void extensions_required(struct scene *s)
{
    static const uint16_t foreign[] = {SCENE_FOREIGN};
    struct mls_buf data;
    size_t what = s->wrong ? (size_t)variant(s) : 3;
    assert_ok(mls_required_capabilities(foreign, what == REQUIRE_EXTENSION, foreign, what == REQUIRE_PROPOSAL, foreign,
                                        what == REQUIRE_CREDENTIAL, &data));
    const struct mls_extension x = {MLS_EXTENSION_REQUIRED_CAPABILITIES, cast_span(data)};
    commit_capable(s, forge_extensions(s, &x, 1));
    mls_buf_free(&data);
}

// One member alone lacks what becomes required; the commit removes it, or not.
static void required_of_dave(struct scene *s)
{
    static const uint16_t required[] = {SCENE_PATH};
    struct mls_buf data;
    struct forge f;
    if (s->wrong) {
        forge_begin(&f, s, DAVE);
        f.leaf.capabilities.proposals = scene_without(s, f.leaf.capabilities.proposals, SCENE_PATH);
        s->wrong = false;
        forge_commit(&f);
        forge_offer(&f);
        s->wrong = true;
    }
    assert_ok(mls_required_capabilities(NULL, 0, required, 1, NULL, 0, &data));
    const struct mls_extension x = {MLS_EXTENSION_REQUIRED_CAPABILITIES, cast_span(data)};
    forge_begin(&f, s, MALLORY);
    forge_value(&f, forge_extensions(s, &x, 1));
    if (!s->wrong) forge_value(&f, forge_remove(s, DAVE));
    forge_commit(&f);
    forge_offer(&f);
    mls_buf_free(&data);
}

// §12.3: the new extensions count for the Adds of the same list; so do they for the old ones that are gone.
static void required_of_added(struct scene *s)
{
    static const uint16_t required[] = {SCENE_PATH};
    struct mls_buf data;
    struct forge f;
    struct forge_package p = {0};
    struct leaf l = forge_new_leaf(s, ERIN, p.leaf_sk);
    if (s->wrong) l.capabilities.proposals = scene_without(s, l.capabilities.proposals, SCENE_PATH);
    else l.capabilities.extensions = scene_without(s, l.capabilities.extensions, SCENE_EXTENSION);
    p.leaf = forge_sign_leaf(s, &l, span_of(NULL, 0), 0, forge_signature_key(s, ERIN));
    assert_ok(mls_required_capabilities(NULL, 0, required, 1, NULL, 0, &data));
    const struct mls_extension x = {MLS_EXTENSION_REQUIRED_CAPABILITIES, cast_span(data)};
    forge_begin(&f, s, MALLORY);
    forge_value(&f,
                forge_add(s, forge_key_package(s, ERIN, &p))); // in front of the extensions: the order does not matter
    forge_value(&f, forge_extensions(s, &x, 1));
    forge_commit(&f);
    forge_offer(&f);
    mls_buf_free(&data);
}

static void extensions_unsupported(struct scene *s)
{
    const struct mls_extension x = {s->wrong ? SCENE_FOREIGN : SCENE_REQUIRED, cast_text("new")};
    if (way(s) != OWN) {
        commit_capable(s, forge_extensions(s, &x, 1));
        return;
    }
    static const uint16_t types[] = {SCENE_EXTENSION, SCENE_REQUIRED, SCENE_FOREIGN};
    struct mls_leaf_params leaf = scene_leaf(s, ALICE);
    leaf.extension_types = types;
    leaf.extension_type_count = 3;
    struct mls_commit c;
    const struct mls_proposal p = {
        .type = MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS, .extensions = &x, .extension_count = 1};
    const struct mls_commit_params params = {.proposals = &p, .proposal_count = 1, .leaf = &leaf};
    scene_verdict(s, mls_group_commit(scene_group(s, ALICE), &params, &c));
    mls_commit_free(&c);
}

static void extension_twice(struct scene *s)
{
    const struct mls_extension x[] = {{SCENE_EXTENSION, cast_text("one")}, {SCENE_EXTENSION, cast_text("two")}};
    struct span proposal = forge_extensions(s, x, s->wrong ? 2 : 1);
    struct forge f;
    // A forged list is no message that the kit would sign: it is put into one afterwards.
    forge_begin(&f, s, MALLORY);
    forge_value(&f, forge_extensions(s, x, 1));
    if (s->wrong) f.instead = proposal;
    forge_commit(&f);
    forge_offer(&f);
}

static void external_sender_refused(struct scene *s)
{
    struct mls_buf data;
    const struct mls_credential who = {.type = MLS_CREDENTIAL_BASIC,
                                       .identity = cast_text(s->wrong ? SCENE_REFUSED : "another post")};
    assert_ok(mls_external_sender_add(cast_span(s->post), cast_span(s->post_public), &who, &data));
    const struct mls_extension x = {MLS_EXTENSION_EXTERNAL_SENDERS, cast_span(data)};
    offer_commit(s, forge_extensions(s, &x, 1));
    mls_buf_free(&data);
}

static void known_extension_damaged(struct scene *s)
{
    uint16_t type = variant(s) == 0 ? MLS_EXTENSION_REQUIRED_CAPABILITIES : MLS_EXTENSION_EXTERNAL_SENDERS;
    struct mls_span data = variant(s) == 0 ? cast_span(s->required) : cast_span(s->post);
    if (s->wrong) data.size--;
    const struct mls_extension x = {type, data};
    offer_commit(s, forge_extensions(s, &x, 1));
}

// ----------------------------------------------------------------------------------------------------------- ReInit

static void reinit_alone(struct scene *s)
{
    struct forge f;
    const struct reinit r = {.group_id = span_str("next"), .version = MLS_VERSION, .suite = s->suite};
    forge_begin(&f, s, MALLORY);
    if (s->wrong && variant(s) == 0) forge_value(&f, forge_remove(s, DAVE));
    forge_value(&f, forge_reinit(s, &r));
    if (s->wrong && variant(s) == 1) forge_value(&f, forge_reinit(s, &r));
    if (s->wrong && variant(s) == 2) forge_value(&f, forge_custom(s, SCENE_PROPOSAL, "custom"));
    forge_commit(&f);
    forge_offer(&f);
}

static void reinit_version(struct scene *s)
{
    const struct reinit r = {.group_id = span_str("next"), .version = s->wrong ? 0 : 2, .suite = s->suite};
    offer(s, forge_reinit(s, &r));
}

static void member_external_init(struct scene *s)
{
    if (!s->wrong) {
        offer(s, forge_custom(s, SCENE_PROPOSAL, "custom"));
        return;
    }
    offer(s, forge_external_init(s, forge_key(s, NULL)));
}

static const struct rule rules[] = {
    {MLS_E_PROPOSAL_PSK_TWICE, "12.2", "one PreSharedKeyID", psk_twice, NULL, 0, 0},
    {MLS_E_PROPOSAL_PSK_USAGE, "12.1.4", "reinit, received", psk_usage, NULL, 0, ARG(RECEIVED, 0)},
    {MLS_E_PROPOSAL_PSK_USAGE, "12.1.4", "reinit, by value", psk_usage, NULL, 0, ARG(BY_VALUE, 0)},
    {MLS_E_PROPOSAL_PSK_USAGE, "12.1.4", "branch, received", psk_usage, NULL, 0, ARG(RECEIVED, 1)},
    {MLS_E_PROPOSAL_PSK_USAGE, "12.1.4", "branch, by value", psk_usage, NULL, 0, ARG(BY_VALUE, 1)},
    {MLS_E_PROPOSAL_PSK_NONCE, "12.1.4", "too short, received", psk_nonce, NULL, 0, ARG(RECEIVED, 0)},
    {MLS_E_PROPOSAL_PSK_NONCE, "12.1.4", "too short, by value", psk_nonce, NULL, 0, ARG(BY_VALUE, 0)},
    {MLS_E_PROPOSAL_PSK_NONCE, "12.1.4", "too long, by value", psk_nonce, NULL, 0, ARG(BY_VALUE, 1)},
    {MLS_E_PROPOSAL_PSK_NONCE, "12.1.4", "empty, by value", psk_nonce, NULL, 0, ARG(BY_VALUE, 2)},
    {MLS_E_PSK_UNKNOWN, "12.4.2", "external", psk_unknown, NULL, 0, ARG(0, PSK_NOBODY_KNOWS)},
    {MLS_E_PSK_UNKNOWN, "12.4.2", "of an epoch that is not kept", psk_unknown, NULL, SCENE_PAST,
     ARG(0, PSK_OF_PAST_EPOCH)},
    {MLS_E_PSK_UNKNOWN, "12.4.2", "of another group", psk_unknown, NULL, 0, ARG(0, PSK_OF_OTHER_GROUP)},

    {MLS_E_PROPOSAL_EXTENSIONS_TWICE, "12.2", "two proposals", extensions_twice, NULL, 0, 0},
    {MLS_E_PROPOSAL_EXTENSIONS_REQUIRED, "12.1.7", "an extension", extensions_required, NULL, 0,
     ARG(0, REQUIRE_EXTENSION)},
    {MLS_E_PROPOSAL_EXTENSIONS_REQUIRED, "12.1.7", "a proposal", extensions_required, NULL, 0,
     ARG(0, REQUIRE_PROPOSAL)},
    {MLS_E_PROPOSAL_EXTENSIONS_REQUIRED, "12.1.7", "a credential type", extensions_required, NULL, 0,
     ARG(0, REQUIRE_CREDENTIAL)},
    {MLS_E_PROPOSAL_EXTENSIONS_REQUIRED, "12.1.7", "one member lacks it, who is not removed", required_of_dave, NULL, 0,
     0},
    {MLS_E_LEAF_REQUIRED, "12.3", "new extensions count for the Adds beside them", required_of_added, NULL, 0, 0},
    {MLS_E_PROPOSAL_EXTENSIONS_UNSUPPORTED, "13.4", "by value", extensions_unsupported, NULL, 0, BY_VALUE},
    {MLS_E_PROPOSAL_EXTENSIONS_UNSUPPORTED, "13.4", "own", extensions_unsupported, NULL, 0, OWN},
    {MLS_E_MALFORMED, "13.4", "one type twice in the GroupContext", extension_twice, NULL, 0, 0},
    {MLS_E_LEAF_CREDENTIAL, "5.3.1", "of a new external sender", external_sender_refused, NULL, 0, 0},
    {MLS_E_MALFORMED, "11.1", "required_capabilities cut short", known_extension_damaged, NULL, 0, ARG(0, 0)},
    {MLS_E_MALFORMED, "12.1.8", "external_senders cut short", known_extension_damaged, NULL, 0, ARG(0, 1)},

    {MLS_E_PROPOSAL_REINIT_ALONE, "12.2", "with a Remove", reinit_alone, NULL, 0, ARG(0, 0)},
    {MLS_E_PROPOSAL_REINIT_ALONE, "12.2", "twice", reinit_alone, NULL, 0, ARG(0, 1)},
    {MLS_E_PROPOSAL_REINIT_ALONE, "12.2", "with a custom proposal", reinit_alone, NULL, 0, ARG(0, 2)},
    {MLS_E_PROPOSAL_REINIT_VERSION, "12.1.5", "received", reinit_version, NULL, 0, RECEIVED},
    {MLS_E_PROPOSAL_REINIT_VERSION, "12.1.5", "by value", reinit_version, NULL, 0, BY_VALUE},
    {MLS_E_PROPOSAL_EXTERNAL_INIT, "12.2", "received", member_external_init, NULL, 0, RECEIVED},
    {MLS_E_PROPOSAL_EXTERNAL_INIT, "12.2", "by value", member_external_init, NULL, 0, BY_VALUE},
};

int main(void) { return rules_run("rules-parameters", rules, sizeof rules / sizeof *rules); }
