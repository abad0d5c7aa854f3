// SPDX-License-Identifier: Apache-2.0
//
// The life of a group through the public interface: create, add, talk, update, remove, join from outside, in every cipher
// suite.
#include "cast.h"

struct stage {
    struct cast_world world;
    struct mls_client *client;
    struct cast_member m[6];
    uint16_t suite;
};

static void stage_open(struct stage *s, uint16_t suite, bool public_handshake)
{
    static const char *const names[] = {"alice", "bob", "carol", "dave", "erin", "frank"};
    *s = (struct stage){.world = {.state = suite, .now = 1800000000}, .suite = suite};
    struct mls_config c = cast_config(&s->world);
    c.public_handshake = public_handshake;
    c.padding = 64;
    assert_ok(mls_client_new(&c, &s->client));
    for (size_t i = 0; i < 6; i++) cast_init(&s->m[i], s->client, suite, names[i]);
}

static void stage_close(struct stage *s)
{
    for (size_t i = 0; i < 6; i++) cast_free(&s->m[i]);
    mls_client_free(s->client);
}

// Everybody but the committer takes the commit.
static void deliver(struct stage *s, struct cast_member *from, struct mls_commit *c)
{
    for (size_t i = 0; i < 6; i++) {
        struct cast_member *m = &s->m[i];
        struct mls_received r;
        if (m == from || m->group == NULL || !mls_group_active(m->group)) continue;
        assert_ok(mls_group_receive(m->group, cast_span(c->message), &r));
        assert_int_equal(r.content, MLS_CONTENT_COMMIT);
        assert_ok(mls_group_merge(m->group, r.staged));
        r.staged = NULL;
        mls_received_free(&r);
    }
    assert_ok(mls_group_merge(from->group, c->staged));
    c->staged = NULL;
}

static void add(struct stage *s, struct cast_member *by, struct cast_member *new)
{
    struct mls_commit c;
    cast_key_package(new, s->suite);
    struct mls_proposal p = {.type = MLS_PROPOSAL_ADD, .key_package = cast_span(new->key_package)};
    struct mls_commit_params params = {.proposals = &p, .proposal_count = 1, .tree_in_welcome = true};
    assert_ok(mls_group_commit(by->group, &params, &c));
    deliver(s, by, &c);
    assert_true(mls_welcome_is_for(s->client, cast_span(c.welcome), cast_span(new->private_part)));
    assert_ok(mls_group_join(new->client, cast_span(c.welcome), cast_span(new->private_part), (struct mls_span){0}, NULL,
                             &new->group));
    mls_commit_free(&c);
}

static void talk(struct stage *s, struct cast_member *from)
{
    for (int n = 0; n < 3; n++) {
        struct mls_buf message;
        assert_ok(mls_group_protect(from->group, cast_text("hello"), cast_text("aad"), &message));
        for (size_t i = 0; i < 6; i++) {
            struct cast_member *m = &s->m[i];
            struct mls_received r;
            if (m->group == NULL || !mls_group_active(m->group)) continue;
            enum mls_error e = mls_group_receive(m->group, cast_span(message), &r);
            if (m == from) {
                assert_int_equal(e, MLS_E_MESSAGE_OWN);
                continue;
            }
            assert_ok(e);
            assert_int_equal(r.data.size, 5);
            assert_memory_equal(r.data.data, "hello", 5);
            assert_int_equal(r.sender, mls_group_own_index(from->group));
            mls_received_free(&r);
            assert_int_equal(mls_group_receive(m->group, cast_span(message), &r), MLS_E_MESSAGE_KEY_GONE);
        }
        mls_buf_free(&message);
    }
}

static void everybody_agrees(struct stage *s)
{
    for (size_t i = 1; i < 6; i++) {
        if (s->m[i].group != NULL && mls_group_active(s->m[i].group)) cast_same_epoch(s->m[0].group, s->m[i].group);
    }
}

static void update(struct stage *s, struct cast_member *by)
{
    struct mls_commit c;
    assert_ok(mls_group_commit(by->group, NULL, &c));
    deliver(s, by, &c);
    mls_commit_free(&c);
}

static void propose(struct stage *s, struct cast_member *by, const struct mls_proposal *p)
{
    struct mls_buf message;
    assert_ok(mls_group_propose(by->group, p, (struct mls_span){0}, &message, NULL));
    for (size_t i = 0; i < 6; i++) {
        struct mls_received r;
        if (s->m[i].group == NULL || &s->m[i] == by || !mls_group_active(s->m[i].group)) continue;
        assert_ok(mls_group_receive(s->m[i].group, cast_span(message), &r));
        assert_int_equal(r.proposal_type, p->type);
        mls_received_free(&r);
    }
    mls_buf_free(&message);
}

static void remove_member(struct stage *s, struct cast_member *by, struct cast_member *whom)
{
    struct mls_proposal p = {.type = MLS_PROPOSAL_REMOVE, .removed = mls_group_own_index(whom->group)};
    propose(s, by, &p);
    update(s, by == &s->m[0] ? &s->m[1] : &s->m[0]);
    assert_false(mls_group_active(whom->group));
}

static void join_from_outside(struct stage *s, struct cast_member *host, struct cast_member *new)
{
    struct mls_buf info, commit;
    assert_ok(mls_group_info(host->group, true, true, &info));
    struct mls_external_join join = {.group_info = cast_span(info), .leaf = cast_leaf(new)};
    assert_ok(mls_group_join_external(new->client, &join, &commit, &new->group));
    for (size_t i = 0; i < 6; i++) {
        struct mls_received r;
        if (s->m[i].group == NULL || &s->m[i] == new || !mls_group_active(s->m[i].group)) continue;
        assert_ok(mls_group_receive(s->m[i].group, cast_span(commit), &r));
        assert_ok(mls_group_merge(s->m[i].group, r.staged));
        r.staged = NULL;
        mls_received_free(&r);
    }
    mls_buf_free(&info);
    mls_buf_free(&commit);
}

static void live(uint16_t suite, bool public_handshake)
{
    struct stage s;
    stage_open(&s, suite, public_handshake);
    struct mls_leaf_params leaf = cast_leaf(&s.m[0]);
    assert_ok(mls_group_new(s.client, suite, cast_text("the group"), &leaf, NULL, 0, &s.m[0].group));
    update(&s, &s.m[0]);
    add(&s, &s.m[0], &s.m[1]);
    add(&s, &s.m[1], &s.m[2]);
    add(&s, &s.m[0], &s.m[3]);
    everybody_agrees(&s);
    talk(&s, &s.m[2]);
    update(&s, &s.m[3]);
    struct mls_proposal p = {.type = MLS_PROPOSAL_UPDATE};
    propose(&s, &s.m[1], &p);
    update(&s, &s.m[2]);
    everybody_agrees(&s);
    talk(&s, &s.m[1]);
    remove_member(&s, &s.m[2], &s.m[1]);
    everybody_agrees(&s);
    talk(&s, &s.m[0]);
    join_from_outside(&s, &s.m[0], &s.m[4]);
    everybody_agrees(&s);
    talk(&s, &s.m[4]);
    update(&s, &s.m[4]);
    add(&s, &s.m[4], &s.m[5]);
    everybody_agrees(&s);
    talk(&s, &s.m[5]);
    stage_close(&s);
}

static void every_suite_lives(void **state)
{
    (void)state;
    for (uint16_t suite = 1; suite != 0; suite++) {
        if (mls_suite_known(suite)) live(suite, suite % 2 == 0);
    }
}

static void handshakes_may_be_public(void **state)
{
    (void)state;
    live(1, true);
    live(1, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(handshakes_may_be_public), cmocka_unit_test(every_suite_lives)};
    return unit_run("group", tests);
}
