// SPDX-License-Identifier: Apache-2.0
//
// The rules of a KeyPackage beside those of its leaf (RFC 9420 §10, §10.1), broken where one is fetched, proposed, added
// and committed.
#include "forge.h"

// What is wrong with the package, by the rule's arg.
enum {
    VERSION,
    SUITE,
    SIGNATURE,
    INIT_KEY_SAME,
    INIT_KEY_SHORT,
    INIT_KEY_OFF_CURVE,
};

static struct span package(struct scene *s)
{
    struct forge_package p = {0};
    struct leaf l = forge_new_leaf(s, ERIN, p.leaf_sk);
    p.leaf = forge_sign_leaf(s, &l, span_of(NULL, 0), 0, forge_signature_key(s, ERIN));
    if (!s->wrong) return forge_key_package(s, ERIN, &p);
    switch (s->rule->arg) {
    case VERSION: p.version = MLS_VERSION + 1; break;
    case SUITE: p.suite = MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519; break;
    case SIGNATURE: p.flaw = true; break;
    case INIT_KEY_SAME: p.init_key = l.encryption_key; break;
    case INIT_KEY_SHORT: p.init_key = span_of(forge_key(s, NULL).p, 31); break;
    case INIT_KEY_OFF_CURVE: p.init_key = forge_damage(s, forge_key(s, NULL)); break;
    }
    return forge_key_package(s, ERIN, &p);
}

static void fetched(struct scene *s)
{
    uint16_t suite;
    struct mls_member member;
    scene_verdict(s, mls_key_package_check(s->client, to_api(package(s)), &suite, &member));
}

static void in_message(struct scene *s)
{
    struct buf *b = scene_buf(s);
    struct mls_buf ref;
    message_head(b, WIRE_KEY_PACKAGE);
    buf_put(b, package(s));
    scene_verdict(s, mls_key_package_ref(s->client, to_api(buf_span(b)), &ref));
    mls_buf_free(&ref);
}

static void added(struct scene *s)
{
    struct forge f;
    forge_begin(&f, s, MALLORY);
    forge_value(&f, forge_add(s, package(s)));
    forge_commit(&f);
    forge_offer(&f);
}

static void proposed(struct scene *s)
{
    struct forge_message m = forge_message(s, MALLORY, CONTENT_PROPOSAL, forge_add(s, package(s)));
    scene_offer_proposal(s, MALLORY, forge_write(s, MALLORY, &m));
}

static void own_commit(struct scene *s)
{
    struct mls_commit c;
    const struct mls_proposal p = {.type = MLS_PROPOSAL_ADD, .key_package = to_api(package(s))};
    const struct mls_commit_params params = {.proposals = &p, .proposal_count = 1};
    scene_verdict(s, mls_group_commit(scene_group(s, ALICE), &params, &c));
    mls_commit_free(&c);
}

// A suite that the library has, but not the group: of a fetched KeyPackage that is no flaw.
static void other_suite(struct scene *s)
{
    uint16_t suite;
    struct mls_member member;
    struct mls_buf package, private;
    const uint16_t other = MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519;
    struct mls_leaf_params leaf = scene_leaf(s, ERIN);
    assert_ok(mls_key_package_new(s->client, other, &leaf, NULL, 0, &package, &private));
    assert_ok(mls_key_package_check(s->client, cast_span(package), &suite, &member));
    assert_int_equal(suite, other);
    mls_buf_free(&package);
    mls_buf_free(&private);
}

// §10: extensions of a KeyPackage, also those that nobody knows, are in its leaf's capabilities, and nobody minds them.
static void extensions_are_listed(struct scene *s)
{
    struct mls_leaf_params leaf = scene_leaf(s, ERIN);
    const struct mls_extension list[] = {{SCENE_FOREIGN, cast_text("unknown")}, {0x0A0A, cast_text("grease")}};
    struct mls_buf package, private;
    struct key_package kp;
    struct extension x;
    size_t n = 0;
    assert_ok(mls_key_package_new(s->client, s->suite, &leaf, list, 2, &package, &private));
    assert_ok(key_package_of(scene_span(package), &kp));
    for (size_t at = 0; extensions_next(kp.extensions, &at, &x); n++) {
        assert_true(capabilities_extension(&kp.leaf.capabilities, x.type));
    }
    assert_int_equal(n, 2);
    const struct mls_proposal p = {.type = MLS_PROPOSAL_ADD, .key_package = cast_span(package)};
    scene_commit(s, CAROL, &p, 1);
    mls_buf_free(&package);
    mls_buf_free(&private);
}

static const struct rule rules[] = {
    {MLS_E_KEY_PACKAGE_VERSION, "10.1", "fetched", fetched, NULL, 0, VERSION},
    {MLS_E_KEY_PACKAGE_VERSION, "10", "not that of the MLSMessage around it", in_message, NULL, 0, VERSION},
    {MLS_E_KEY_PACKAGE_VERSION, "10.1", "in an Add", added, NULL, 0, VERSION},
    {MLS_E_KEY_PACKAGE_VERSION, "10.1", "in a proposal", proposed, NULL, 0, VERSION},
    {MLS_E_KEY_PACKAGE_VERSION, "10.1", "in an own commit", own_commit, NULL, 0, VERSION},
    {MLS_E_KEY_PACKAGE_SUITE, "10.1", "in an Add", added, NULL, 0, SUITE},
    {MLS_E_KEY_PACKAGE_SUITE, "10.1", "in a proposal", proposed, NULL, 0, SUITE},
    {MLS_E_KEY_PACKAGE_SUITE, "10.1", "in an own commit", own_commit, NULL, 0, SUITE},
    {MLS_OK, "10.1", "another suite's KeyPackage is none that cannot be fetched", other_suite, NULL, 0, 0},
    {MLS_E_KEY_PACKAGE_SIGNATURE, "10.1", "fetched", fetched, NULL, 0, SIGNATURE},
    {MLS_E_KEY_PACKAGE_SIGNATURE, "10.1", "in an Add", added, NULL, 0, SIGNATURE},
    {MLS_E_KEY_PACKAGE_SIGNATURE, "10.1", "in a proposal", proposed, NULL, 0, SIGNATURE},
    {MLS_E_KEY_PACKAGE_SIGNATURE, "10.1", "in an own commit", own_commit, NULL, 0, SIGNATURE},
    {MLS_E_KEY_PACKAGE_INIT_KEY, "10.1", "the leaf's key, fetched", fetched, NULL, 0, INIT_KEY_SAME},
    {MLS_E_KEY_PACKAGE_INIT_KEY, "10.1", "the leaf's key, in an Add", added, NULL, 0, INIT_KEY_SAME},
    {MLS_E_KEY_PACKAGE_INIT_KEY, "10.1", "the leaf's key, in a proposal", proposed, NULL, 0, INIT_KEY_SAME},
    {MLS_E_KEY_PACKAGE_INIT_KEY, "10", "too short, fetched", fetched, NULL, 0, INIT_KEY_SHORT},
    {MLS_E_KEY_PACKAGE_INIT_KEY, "10", "too short, in an Add", added, NULL, 0, INIT_KEY_SHORT},
    {MLS_E_KEY_PACKAGE_INIT_KEY, "10", "off the curve, in an Add", added, NULL, SCENE_P256, INIT_KEY_OFF_CURVE},
    {MLS_OK, "10", "unknown extensions of a KeyPackage are listed and ignored", extensions_are_listed, NULL, 0, 0},
};

int main(void) { return rules_run("rules-package", rules, sizeof rules / sizeof *rules); }
