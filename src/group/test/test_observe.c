// SPDX-License-Identifier: Apache-2.0
//
// What somebody outside of a group can see of it and do with it, and what travels beside the messages: observed groups,
// ratchet trees out of band, the inside of private parts, extensions one by one.
#include "cast.h"

struct pair {
    struct cast_world world;
    struct mls_client *client;
    struct cast_member alice, bob;
};

enum { SUITE = MLS_128_DHKEMP256_AES128GCM_SHA256_P256 };
static const struct mls_span none;

static void pair_open(struct pair *p, const struct mls_extension *extensions, size_t n)
{
    *p = (struct pair){.world = {.state = 7, .now = 1800000000}};
    struct mls_config c = cast_config(&p->world);
    assert_ok(mls_client_new(&c, &p->client));
    cast_init(&p->alice, p->client, SUITE, "alice");
    cast_init(&p->bob, p->client, SUITE, "bob");
    struct mls_leaf_params leaf = cast_leaf(&p->alice);
    assert_ok(mls_group_new(p->client, SUITE, cast_text("room"), &leaf, extensions, n, &p->alice.group));
    cast_key_package(&p->bob, SUITE);
}

static void pair_close(struct pair *p)
{
    cast_free(&p->alice);
    cast_free(&p->bob);
    mls_client_free(p->client);
}

// Alice adds Bob; the tree goes beside the Welcome.
static void add_bob(struct pair *p)
{
    struct mls_commit c;
    struct mls_buf tree, after;
    struct mls_proposal add = {.type = MLS_PROPOSAL_ADD, .key_package = cast_span(p->bob.key_package)};
    struct mls_commit_params params = {.proposals = &add, .proposal_count = 1};
    assert_ok(mls_group_commit(p->alice.group, &params, &c));
    assert_ok(mls_staged_tree(c.staged, &tree));
    assert_ok(mls_group_merge(p->alice.group, c.staged));
    c.staged = NULL;
    assert_ok(mls_group_tree(p->alice.group, &after));
    assert_int_equal(tree.size, after.size);
    assert_memory_equal(tree.data, after.data, tree.size);
    struct mls_span welcome = cast_span(c.welcome), mine = cast_span(p->bob.private_part);
    assert_int_equal(mls_group_join(p->client, welcome, mine, none, NULL, &p->bob.group), MLS_E_WELCOME_TREE);
    assert_ok(mls_group_join(p->client, welcome, mine, cast_span(tree), NULL, &p->bob.group));
    cast_same_epoch(p->alice.group, p->bob.group);
    mls_buf_free(&tree);
    mls_buf_free(&after);
    mls_commit_free(&c);
}

static void tree_beside_the_welcome(void **state)
{
    struct pair p;
    (void)state;
    pair_open(&p, NULL, 0);
    add_bob(&p);
    pair_close(&p);
}

static bool never(void *arg, struct mls_span key, struct mls_span value)
{
    (void)arg;
    (void)key;
    (void)value;
    fail();
    return false;
}

// Every function that would need a secret of the group, or a place in it.
static void refuses_all(struct mls_group *g, struct mls_group *member)
{
    struct mls_buf b;
    struct mls_commit c;
    struct mls_received r;
    struct mls_group *other;
    struct mls_proposal remove = {.type = MLS_PROPOSAL_REMOVE, .removed = 1};
    struct mls_related_params related = {0};
    assert_false(mls_group_active(g));
    assert_int_equal(mls_group_protect(g, cast_text("x"), none, &b), MLS_E_GROUP_INACTIVE);
    assert_int_equal(mls_group_propose(g, &remove, none, &b, NULL), MLS_E_GROUP_INACTIVE);
    assert_int_equal(mls_group_commit(g, NULL, &c), MLS_E_GROUP_INACTIVE);
    assert_int_equal(mls_group_export(g, "label", none, 32, &b), MLS_E_GROUP_INACTIVE);
    assert_int_equal(mls_group_epoch_authenticator(g, &b), MLS_E_GROUP_INACTIVE);
    assert_int_equal(mls_group_info(g, true, true, &b), MLS_E_GROUP_INACTIVE);
    assert_int_equal(mls_group_branch(g, &related, &b, &other), MLS_E_GROUP_INACTIVE);
    assert_int_equal(mls_group_changes(g, never, NULL), MLS_E_GROUP_INACTIVE);
    assert_ok(mls_group_protect(member, cast_text("x"), none, &b));
    assert_int_equal(mls_group_receive(g, cast_span(b), &r), MLS_E_GROUP_INACTIVE);
    mls_buf_free(&b);
}

static void an_observer_sees_members_and_has_no_secrets(void **state)
{
    struct pair p;
    struct mls_group *seen;
    struct mls_buf info, with_tree, tree, a, b;
    struct mls_member m;
    uint32_t at = 0;
    (void)state;
    pair_open(&p, NULL, 0);
    add_bob(&p);
    assert_ok(mls_group_info(p.alice.group, false, false, &info));
    assert_ok(mls_group_info(p.alice.group, true, true, &with_tree));
    assert_ok(mls_group_tree(p.alice.group, &tree));
    assert_int_equal(mls_group_observe(p.client, cast_span(info), none, &seen), MLS_E_WELCOME_TREE);
    assert_ok(mls_group_observe(p.client, cast_span(info), cast_span(tree), &seen));
    mls_group_free(seen);
    assert_ok(mls_group_observe(p.client, cast_span(with_tree), none, &seen));
    assert_int_equal(mls_group_suite(seen), SUITE);
    assert_int_equal(mls_group_epoch(seen), 1);
    assert_int_equal(mls_group_member_count(seen), 2);
    assert_true(mls_group_next_member(seen, &at, &m) && m.identity.size == 5);
    assert_true(mls_group_next_member(seen, &at, &m));
    assert_memory_equal(m.identity.data, "bob", 3);
    assert_ok(mls_group_context(seen, &a));
    assert_ok(mls_group_context(p.bob.group, &b));
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    refuses_all(seen, p.alice.group);
    mls_group_free(seen);
    // A single changed octet anywhere in it is noticed.
    for (size_t i = 0; i < with_tree.size; i += 11) {
        with_tree.data[i] ^= 1;
        assert_int_not_equal(mls_group_observe(p.client, cast_span(with_tree), none, &seen), MLS_OK);
        assert_null(seen);
        with_tree.data[i] ^= 1;
    }
    struct mls_buf *all[] = {&info, &with_tree, &tree, &a, &b};
    for (size_t i = 0; i < 5; i++) mls_buf_free(all[i]);
    pair_close(&p);
}

static void extensions_come_one_by_one(void **state)
{
    static const uint8_t required[] = {0, 0, 0}, senders[] = {0};
    const struct mls_extension two[] = {{MLS_EXTENSION_REQUIRED_CAPABILITIES, {required, sizeof required}},
                                        {MLS_EXTENSION_EXTERNAL_SENDERS, {senders, sizeof senders}}};
    struct pair p;
    struct mls_extension x;
    size_t at = 0;
    (void)state;
    pair_open(&p, two, 2);
    struct mls_span list = mls_group_extensions(p.alice.group);
    for (size_t i = 0; i < 2; i++) {
        assert_true(mls_extension_next(list, &at, &x));
        assert_int_equal(x.type, two[i].type);
        assert_int_equal(x.data.size, two[i].data.size);
        assert_memory_equal(x.data.data, two[i].data.data, x.data.size);
    }
    assert_false(mls_extension_next(list, &at, &x));
    pair_close(&p);
}

static void a_private_part_opens(void **state)
{
    struct pair p;
    struct mls_private_part part;
    (void)state;
    pair_open(&p, NULL, 0);
    struct mls_span mine = cast_span(p.bob.private_part), public = cast_span(p.bob.key_package);
    assert_ok(mls_private_part_read(mine, &part));
    assert_int_equal(part.key_package.size + 4, public.size); // version and wire format of MLSMessage
    assert_memory_equal(part.key_package.data, public.data + 4, part.key_package.size);
    assert_int_equal(part.init_key.size, 32);
    assert_int_equal(part.leaf_key.size, 32);
    assert_int_equal(part.signature_key.size, p.bob.signature_private.size);
    assert_memory_equal(part.signature_key.data, p.bob.signature_private.data, part.signature_key.size);
    for (size_t n = 0; n < mine.size; n++) {
        struct mls_span shorter = {mine.data, n};
        assert_int_equal(mls_private_part_read(shorter, &part), MLS_E_CORRUPT);
        p.bob.private_part.data[n] ^= 0x40;
        assert_int_equal(mls_private_part_read(mine, &part), MLS_E_CORRUPT);
        p.bob.private_part.data[n] ^= 0x40;
    }
    assert_ok(mls_private_part_read(mine, &part));
    pair_close(&p);
}

static void a_peek_tells_the_suite(void **state)
{
    struct pair p;
    struct mls_buf info;
    struct mls_commit c;
    struct mls_message_info seen;
    (void)state;
    pair_open(&p, NULL, 0);
    struct mls_proposal add = {.type = MLS_PROPOSAL_ADD, .key_package = cast_span(p.bob.key_package)};
    struct mls_commit_params params = {.proposals = &add, .proposal_count = 1};
    assert_ok(mls_group_commit(p.alice.group, &params, &c));
    assert_ok(mls_group_info(p.alice.group, false, false, &info));
    const struct mls_buf message[] = {c.welcome, info, p.bob.key_package, c.message};
    const uint16_t format[] = {3, 4, 5, 2}, suite[] = {SUITE, SUITE, SUITE, 0};
    for (size_t i = 0; i < 4; i++) {
        assert_ok(mls_message_peek(cast_span(message[i]), &seen));
        assert_int_equal(seen.wire_format, format[i]);
        assert_int_equal(seen.suite, suite[i]);
        for (size_t n = 0; n < message[i].size; n++) {
            assert_int_equal(mls_message_peek((struct mls_span){message[i].data, n}, &seen), MLS_E_MALFORMED);
        }
    }
    mls_buf_free(&info);
    mls_commit_free(&c);
    pair_close(&p);
}

// A branch whose first commit has no path: everybody arrives all the same.
static void a_branch_needs_no_path(void **state)
{
    struct pair p;
    struct mls_buf with, without;
    struct mls_group *mine[2] = {0}, *theirs[2] = {0};
    (void)state;
    pair_open(&p, NULL, 0);
    add_bob(&p);
    for (size_t i = 0; i < 2; i++) {
        cast_key_package(&p.bob, SUITE);
        struct mls_span kp = cast_span(p.bob.key_package);
        struct mls_related_params params = {.group_id = cast_text(i == 0 ? "one" : "two"),
                                            .leaf = cast_leaf(&p.alice),
                                            .key_packages = &kp,
                                            .key_package_count = 1,
                                            .tree_in_welcome = true,
                                            .without_path = i == 1};
        struct mls_buf *welcome = i == 0 ? &with : &without;
        assert_ok(mls_group_branch(p.alice.group, &params, welcome, &mine[i]));
        assert_ok(mls_group_join(p.client, cast_span(*welcome), cast_span(p.bob.private_part), none, p.bob.group,
                                 &theirs[i]));
        cast_same_epoch(mine[i], theirs[i]);
    }
    assert_true(without.size + 32 <= with.size); // no path secret
    for (size_t i = 0; i < 2; i++) mls_group_free(mine[i]);
    for (size_t i = 0; i < 2; i++) mls_group_free(theirs[i]);
    mls_buf_free(&with);
    mls_buf_free(&without);
    pair_close(&p);
}

// An invitation has no extension twice: not one that the application brings beside that which is asked for.
static void an_invitation_has_nothing_twice(void **state)
{
    struct pair p;
    (void)state;
    pair_open(&p, NULL, 0);
    static const uint16_t types[] = {MLS_EXTENSION_RATCHET_TREE, MLS_EXTENSION_EXTERNAL_PUB};
    for (size_t i = 0; i < 2; i++) {
        for (int asked = 0; asked < 2; asked++) {
            struct mls_commit c;
            const struct mls_extension mine = {.type = types[i], .data = cast_text("mine")};
            const struct mls_proposal add = {.type = MLS_PROPOSAL_ADD, .key_package = cast_span(p.bob.key_package)};
            const struct mls_commit_params params = {.proposals = &add,
                                                     .proposal_count = 1,
                                                     .tree_in_welcome = i == 0 && asked == 1,
                                                     .external_pub = i == 1 && asked == 1,
                                                     .info_extensions = &mine,
                                                     .info_extension_count = 1};
            assert_int_equal(mls_group_commit(p.alice.group, &params, &c), asked == 1 ? MLS_E_MISUSE : MLS_OK);
            mls_commit_free(&c);
        }
    }
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tree_beside_the_welcome),
        cmocka_unit_test(an_observer_sees_members_and_has_no_secrets),
        cmocka_unit_test(extensions_come_one_by_one),
        cmocka_unit_test(a_private_part_opens),
        cmocka_unit_test(a_peek_tells_the_suite),
        cmocka_unit_test(a_branch_needs_no_path),
        cmocka_unit_test(an_invitation_has_nothing_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
