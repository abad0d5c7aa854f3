// SPDX-License-Identifier: Apache-2.0
//
// Which waiting proposals a commit takes: as many as are valid together, after few looks at each, however many of them
// somebody sends who wants to keep the others from committing. Looks are counted by what the application is asked.
#include "cast.h"
#include "group/list.h"

enum { MANY = 120, CREDENTIAL_ODD = 0xF00D, EXTENSION_ODD = 0xF0AB };

struct pair {
    struct cast_world world;
    struct mls_client *client;
    struct cast_member alice, bob, erin;
};

static struct mls_span none;
static size_t asked;

static bool count(void *arg, const struct mls_credential_check *check)
{
    (void)arg, (void)check;
    asked++;
    return true;
}

static bool same_name(void *arg, const struct mls_member *a, const struct mls_member *b)
{
    (void)arg;
    return a->identity.size == b->identity.size && memcmp(a->identity.data, b->identity.data, a->identity.size) == 0;
}

static void pair_open(struct pair *p, bool names_are_clients)
{
    *p = (struct pair){.world = {.state = 5, .now = 1800000000, .credential = count}};
    struct mls_config c = cast_config(&p->world);
    struct mls_commit commit;
    if (names_are_clients) c.same_client = same_name;
    assert_ok(mls_client_new(&c, &p->client));
    cast_init(&p->alice, p->client, 1, "alice");
    cast_init(&p->bob, p->client, 1, "bob");
    cast_init(&p->erin, p->client, 1, "erin");
    struct mls_leaf_params leaf = cast_leaf(&p->alice);
    assert_ok(mls_group_new(p->client, 1, none, &leaf, NULL, 0, &p->alice.group));
    cast_key_package(&p->bob, 1);
    cast_key_package(&p->erin, 1);
    const struct mls_proposal add = {.type = MLS_PROPOSAL_ADD, .key_package = cast_span(p->bob.key_package)};
    const struct mls_commit_params params = {.proposals = &add, .proposal_count = 1, .tree_in_welcome = true};
    assert_ok(mls_group_commit(p->alice.group, &params, &commit));
    assert_ok(mls_group_merge(p->alice.group, commit.staged));
    commit.staged = NULL;
    assert_ok(mls_group_join(p->client, cast_span(commit.welcome), cast_span(p->bob.private_part), none, NULL, &p->bob.group));
    mls_commit_free(&commit);
}

static void pair_close(struct pair *p)
{
    cast_free(&p->alice);
    cast_free(&p->bob);
    cast_free(&p->erin);
    mls_client_free(p->client);
}

// Bob proposes, and Alice sees it.
static void propose(struct pair *p, const struct mls_proposal *what)
{
    struct mls_buf message;
    struct mls_received r;
    assert_ok(mls_group_propose(p->bob.group, what, none, &message, NULL));
    assert_ok(mls_group_receive(p->alice.group, cast_span(message), &r));
    mls_received_free(&r);
    mls_buf_free(&message);
}

static void propose_erin(struct pair *p)
{
    const struct mls_proposal add = {.type = MLS_PROPOSAL_ADD, .key_package = cast_span(p->erin.key_package)};
    propose(p, &add);
}

static void propose_stranger(struct pair *p, uint16_t credential)
{
    struct cast_member x;
    struct mls_buf key_package, private_part;
    cast_init(&x, p->client, 1, "mallory");
    struct mls_leaf_params leaf = cast_leaf(&x);
    leaf.credential.type = credential;
    assert_ok(mls_key_package_new(p->client, 1, &leaf, NULL, 0, &key_package, &private_part));
    const struct mls_proposal add = {.type = MLS_PROPOSAL_ADD, .key_package = cast_span(key_package)};
    propose(p, &add);
    mls_buf_free(&key_package);
    mls_buf_free(&private_part);
    cast_free(&x);
}

// Alice commits what waits and what is given; Bob follows. How many members there are then.
static size_t commit(struct pair *p, const struct mls_proposal *given, size_t n, size_t looks)
{
    struct mls_commit c;
    struct mls_received r;
    const struct mls_commit_params params = {.proposals = given, .proposal_count = n};
    asked = 0;
    assert_ok(mls_group_commit(p->alice.group, &params, &c));
    assert_true(asked <= looks);
    assert_ok(mls_group_receive(p->bob.group, cast_span(c.message), &r));
    assert_ok(mls_group_merge(p->bob.group, r.staged));
    r.staged = NULL;
    mls_received_free(&r);
    assert_ok(mls_group_merge(p->alice.group, c.staged));
    c.staged = NULL;
    mls_commit_free(&c);
    cast_same_epoch(p->alice.group, p->bob.group);
    return mls_group_member_count(p->alice.group);
}

// Each is valid, but no two of them are together.
static void many_of_one_client_cost_little(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, true);
    for (int i = 0; i < MANY; i++) {
        if (i == MANY / 2) propose_erin(&p);
        propose_stranger(&p, MLS_CREDENTIAL_BASIC);
    }
    assert_int_equal(commit(&p, NULL, 0, 4 * MANY), 4); // one of them, and Erin
    pair_close(&p);
}

// Each is valid by itself, but in no tree with these members.
static void many_that_suit_no_member_cost_little(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, false);
    for (int i = 0; i < MANY; i++) {
        if (i == MANY / 2) propose_erin(&p);
        propose_stranger(&p, CREDENTIAL_ODD);
    }
    assert_int_equal(commit(&p, NULL, 0, 4 * MANY), 3);
    pair_close(&p);
}

// What is given by value comes first, and may not be made invalid by what waits.
static void what_is_given_comes_first(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, true);
    propose_erin(&p);
    cast_key_package(&p.erin, 1); // of the same client
    propose_stranger(&p, MLS_CREDENTIAL_BASIC);
    const struct mls_proposal add = {.type = MLS_PROPOSAL_ADD, .key_package = cast_span(p.erin.key_package)};
    assert_int_equal(commit(&p, &add, 1, 12), 4);
    pair_close(&p);
}

// New extensions that somebody does not support spoil the whole commit: they are left out, and nothing else is.
static void extensions_that_some_lack_are_left_out(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, false);
    const struct mls_extension odd = {.type = EXTENSION_ODD, .data = cast_text("odd")};
    const struct mls_proposal extensions = {
        .type = MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS, .extensions = &odd, .extension_count = 1};
    propose_stranger(&p, MLS_CREDENTIAL_BASIC);
    propose(&p, &extensions);
    propose_erin(&p);
    assert_int_equal(commit(&p, NULL, 0, 12), 4);
    assert_int_equal(mls_group_extensions(p.alice.group).size, 0);
    pair_close(&p);
}

// A stranger's commit that is much too long is refused before there is a list of what is in it.
static void a_stranger_makes_no_long_list(void **state)
{
    (void)state;
    struct pair p;
    struct buf body;
    struct commit c;
    struct list l = {0};
    static const uint8_t reference[] = {COMMIT_BY_REFERENCE, 1, 7};
    const struct committer stranger = {SENDER_NEW_COMMIT, 0};
    pair_open(&p, false);
    for (size_t n = 1; n < 100000; n *= 300) {
        buf_init(&body, TLS_VECTOR_MAX);
        size_t mark = tls_begin(&body);
        for (size_t i = 0; i < n; i++) buf_put(&body, span_of(reference, sizeof reference));
        tls_finish(&body, mark);
        tls_put_u8(&body, 0);
        assert_ok(commit_decode(buf_span(&body), &c));
        enum err e = list_of_commit(p.alice.group, &c, stranger, &l);
        assert_int_equal(e, n < 1000 ? (enum err)MLS_E_EXTERNAL_REFERENCE : ERR_LIMIT);
        assert_true(l.cap <= 2048);
        list_free(&l);
        buf_wipe(&body);
    }
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_of_one_client_cost_little),
        cmocka_unit_test(many_that_suit_no_member_cost_little),
        cmocka_unit_test(what_is_given_comes_first),
        cmocka_unit_test(extensions_that_some_lack_are_left_out),
        cmocka_unit_test(a_stranger_makes_no_long_list),
    };
    return unit_run("group-choose", tests);
}
