// SPDX-License-Identifier: Apache-2.0
//
// Groups that come from a group: to see that all members of the one are in the other takes few looks at each.
#include "cast.h"

enum { MANY = 40 };

static struct mls_span none;
static size_t looks;

static bool same_name(void *arg, const struct mls_member *a, const struct mls_member *b)
{
    (void)arg;
    looks++;
    return a->identity.size == b->identity.size && memcmp(a->identity.data, b->identity.data, a->identity.size) == 0;
}

// The last member branches off a group of all, whose leaves are then all one place to the right.
static void each_member_is_found_at_once(void **state)
{
    (void)state;
    static struct cast_member m[MANY];
    struct mls_proposal add[MANY];
    struct mls_span packages[MANY];
    struct cast_world world = {.state = 11, .now = 1800000000};
    struct mls_config c = cast_config(&world);
    struct mls_client *client;
    struct mls_commit commit;
    struct mls_group *branch = NULL;
    struct mls_buf welcome;
    c.same_identity = same_name;
    assert_ok(mls_client_new(&c, &client));
    for (size_t i = 0; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof name, "member %zu", i);
        cast_init(&m[i], client, 1, name);
        cast_key_package(&m[i], 1);
        packages[i] = cast_span(m[i].key_package);
        add[i] = (struct mls_proposal){.type = MLS_PROPOSAL_ADD, .key_package = packages[i]};
    }
    struct mls_leaf_params leaf = cast_leaf(&m[0]);
    assert_ok(mls_group_new(client, 1, none, &leaf, NULL, 0, &m[0].group));
    const struct mls_commit_params params = {.proposals = add + 1, .proposal_count = MANY - 1, .tree_in_welcome = true};
    assert_ok(mls_group_commit(m[0].group, &params, &commit));
    struct cast_member *last = &m[MANY - 1];
    assert_ok(mls_group_join(client, cast_span(commit.welcome), cast_span(last->private_part), none, NULL, &last->group));
    looks = 0;
    const struct mls_related_params related = {
        .leaf = cast_leaf(last), .key_packages = packages, .key_package_count = MANY - 1};
    assert_ok(mls_group_branch(last->group, &related, &welcome, &branch));
    assert_true(looks >= MANY && looks <= 3 * MANY);
    mls_group_free(branch);
    mls_buf_free(&welcome);
    mls_commit_free(&commit);
    for (size_t i = 0; i < MANY; i++) cast_free(&m[i]);
    mls_client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_member_is_found_at_once),
    };
    return unit_run("group-related", tests);
}
