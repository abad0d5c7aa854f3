// SPDX-License-Identifier: Apache-2.0
//
// Reinitialisation into a suite with a longer hash, as other implementations do it: their PSK's nonce may have the length
// that the old suite's hash has. Looks inside of the room, because libmls itself makes no such Welcome.
#include "cast.h"
#include "group/commit.h"

enum { OLD = MLS_128_DHKEMP256_AES128GCM_SHA256_P256, NEW = MLS_256_DHKEMP521_AES256GCM_SHA512_P521 };
static const struct mls_span none;

struct pair {
    struct cast_world world;
    struct mls_client *client;
    struct cast_member alice, bob; // in the old group, which has ended
};

static void merge_at(struct mls_group *g, struct mls_span message)
{
    struct mls_received r;
    assert_ok(mls_group_receive(g, message, &r));
    assert_ok(mls_group_merge(g, r.staged));
    r.staged = NULL;
    mls_received_free(&r);
}

static void commit_one(struct pair *p, struct mls_proposal proposal, struct mls_buf *welcome)
{
    struct mls_commit c;
    struct mls_commit_params params = {.proposals = &proposal, .proposal_count = 1, .tree_in_welcome = true};
    assert_ok(mls_group_commit(p->alice.group, &params, &c));
    if (p->bob.group != NULL) merge_at(p->bob.group, cast_span(c.message));
    assert_ok(mls_group_merge(p->alice.group, c.staged));
    c.staged = NULL;
    if (welcome != NULL) {
        *welcome = c.welcome;
        c.welcome = (struct mls_buf){0};
    }
    mls_commit_free(&c);
}

static void pair_open(struct pair *p)
{
    struct mls_buf welcome;
    *p = (struct pair){.world = {.state = 9, .now = 1800000000}};
    struct mls_config c = cast_config(&p->world);
    assert_ok(mls_client_new(&c, &p->client));
    cast_init(&p->alice, p->client, OLD, "alice");
    cast_init(&p->bob, p->client, OLD, "bob");
    struct mls_leaf_params leaf = cast_leaf(&p->alice);
    assert_ok(mls_group_new(p->client, OLD, cast_text("room"), &leaf, NULL, 0, &p->alice.group));
    cast_key_package(&p->bob, OLD);
    commit_one(p, (struct mls_proposal){.type = MLS_PROPOSAL_ADD, .key_package = cast_span(p->bob.key_package)}, &welcome);
    assert_ok(mls_group_join(p->client, cast_span(welcome), cast_span(p->bob.private_part), none, NULL, &p->bob.group));
    commit_one(p, (struct mls_proposal){.type = MLS_PROPOSAL_REINIT, .group_id = cast_text("next"), .suite = NEW}, NULL);
    mls_buf_free(&welcome);
}

static void pair_close(struct pair *p)
{
    cast_free(&p->alice);
    cast_free(&p->bob);
    mls_client_free(p->client);
}

// What mls_group_reinit does, but with a nonce of any length: list_check, which would refuse it, is left out.
static void first_commit(struct mls_group *g, struct mls_group *old, struct mls_span key_package, struct mls_span nonce,
                         struct mls_commit *out)
{
    struct draft d;
    size_t at = 0;
    const struct mls_proposal p[] = {
        {.type = MLS_PROPOSAL_ADD, .key_package = key_package},
        {.type = MLS_PROPOSAL_PSK,
         .psk = {.type = MLS_PSK_RESUMPTION,
                 .usage = MLS_PSK_REINIT,
                 .group_id = mls_group_id(old),
                 .epoch = mls_group_epoch(old),
                 .nonce = nonce}},
    };
    struct buf one[2];
    const struct committer me = {SENDER_MEMBER, 0};
    const struct mls_commit_params params = {.tree_in_welcome = true};
    draft_init(&d, g, me);
    g->parent = old;
    for (size_t i = 0; i < 2; i++) {
        buf_init(&one[i], TLS_VECTOR_MAX);
        assert_ok(propose_encode(g->client, &g->algo, g, &p[i], NULL, &one[i]));
        buf_put(&d.values, buf_span(&one[i]));
    }
    for (size_t i = 0; i < 2; at += one[i++].n) {
        assert_ok(list_put(&d.list, span_of(d.values.p + at, one[i].n), me.type, me.leaf, span_of(NULL, 0)));
    }
    assert_ok(staged_new(g, 0, &d.staged));
    d.staged->mine = true;
    assert_ok(list_apply(g, &d.list, me, true, d.staged));
    assert_ok(draft_finish(&d, span_of(NULL, 0), &g->now.secrets.init));
    assert_ok(draft_invite(&d, &params, out));
    assert_ok(mls_group_merge(g, d.staged));
    d.staged = NULL;
    g->parent = NULL;
    for (size_t i = 0; i < 2; i++) buf_wipe(&one[i]);
    draft_wipe(&d);
}

// Whether bob joins a group whose reinit PSK has a nonce of n bytes.
static enum mls_error join_with_nonce(struct pair *p, size_t n)
{
    static const uint8_t nonce[65] = {1, 2, 3};
    struct cast_member maker, joiner;
    struct mls_commit c = {0};
    cast_init(&maker, p->client, NEW, "alice");
    cast_init(&joiner, p->client, NEW, "bob");
    cast_key_package(&joiner, NEW);
    struct mls_leaf_params leaf = cast_leaf(&maker);
    assert_ok(mls_group_new(p->client, NEW, cast_text("next"), &leaf, NULL, 0, &maker.group));
    first_commit(maker.group, p->alice.group, cast_span(joiner.key_package), (struct mls_span){nonce, n}, &c);
    enum mls_error e = mls_group_join(p->client, cast_span(c.welcome), cast_span(joiner.private_part), none, p->bob.group,
                                      &joiner.group);
    if (e == MLS_OK) cast_same_epoch(maker.group, joiner.group);
    mls_commit_free(&c);
    cast_free(&maker);
    cast_free(&joiner);
    return e;
}

static void a_nonce_has_the_length_of_the_new_or_the_old_hash(void **state)
{
    struct pair p;
    (void)state;
    pair_open(&p);
    assert_ok(join_with_nonce(&p, 64));
    assert_ok(join_with_nonce(&p, 32));
    static const size_t wrong[] = {1, 31, 33, 48, 63, 65};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(join_with_nonce(&p, wrong[i]), MLS_E_PROPOSAL_PSK_NONCE);
    }
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nonce_has_the_length_of_the_new_or_the_old_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
