// SPDX-License-Identifier: Apache-2.0
//
// group/test/troupe: a group of several members for tests that look inside: who founds it, who adds whom, delivery to
// everybody, and each member's records in a store of its own. Nothing here is random but for the seeded world.
#ifndef WHIMBREL_GROUP_TEST_TROUPE_H
#define WHIMBREL_GROUP_TEST_TROUPE_H

#include "cast.h"
#include "group/group.h"
#include "store.h"

enum { TROUPE_MAX = 12 };

struct troupe {
    struct cast_world world;
    struct mls_client *client;
    struct cast_member m[TROUPE_MAX];
    struct store store[TROUPE_MAX];
    size_t n;
    uint16_t suite;
};

static const struct mls_span nothing = {0};

// Members 0 … n - 1 with windows for everything that may come late.
static inline void troupe_open(struct troupe *t, uint16_t suite, size_t n, bool public_handshake)
{
    static const struct mls_custom_proposal proposals[] = {{.type = 0xF124, .external_allowed = true}};
    *t = (struct troupe){.world = {.state = suite, .now = 1800000000}, .suite = suite, .n = n};
    t->world.psk_id = cast_text("the key of the house");
    t->world.psk = cast_text("0123456789abcdef0123456789abcdef");
    struct mls_config c = cast_config(&t->world);
    c.public_handshake = public_handshake;
    c.past_epochs = 2;
    c.past_psks = 3;
    c.skipped_keys = 4;
    c.custom_proposals = proposals;
    c.custom_proposal_count = 1;
    assert_ok(mls_client_new(&c, &t->client));
    for (size_t i = 0; i < n; i++) {
        char name[16];
        snprintf(name, sizeof name, "member %zu", i);
        cast_init(&t->m[i], t->client, suite, name);
    }
}

static inline void troupe_close(struct troupe *t)
{
    for (size_t i = 0; i < t->n; i++) {
        cast_free(&t->m[i]);
        store_free(&t->store[i]);
    }
    mls_client_free(t->client);
}

static inline void troupe_found(struct troupe *t, const struct mls_extension *extensions, size_t n)
{
    struct mls_leaf_params leaf = cast_leaf(&t->m[0]);
    assert_ok(mls_group_new(t->client, t->suite, cast_text("the group"), &leaf, extensions, n, &t->m[0].group));
}

static inline bool troupe_active(const struct troupe *t, size_t i)
{
    return t->m[i].group != NULL && mls_group_active(t->m[i].group);
}

// Gives a handshake message to everybody but `from` (SIZE_MAX: to all), and merges what is staged.
static inline void troupe_deliver(struct troupe *t, size_t from, struct mls_buf message)
{
    for (size_t i = 0; i < t->n; i++) {
        struct mls_received r;
        if (i == from || !troupe_active(t, i)) continue;
        assert_ok(mls_group_receive(t->m[i].group, cast_span(message), &r));
        if (r.staged != NULL) assert_ok(mls_group_merge(t->m[i].group, r.staged));
        r.staged = NULL;
        mls_received_free(&r);
    }
}

// A commit, delivered and merged. Whoever is added and has a KeyPackage joins.
static inline void troupe_commit(struct troupe *t, size_t by, const struct mls_commit_params *params)
{
    struct mls_commit c;
    assert_ok(mls_group_commit(t->m[by].group, params, &c));
    troupe_deliver(t, by, c.message);
    assert_ok(mls_group_merge(t->m[by].group, c.staged));
    c.staged = NULL;
    for (size_t i = 0; i < t->n && c.welcome.size > 0; i++) {
        struct cast_member *m = &t->m[i];
        if (m->group != NULL || m->private_part.size == 0) continue;
        if (!mls_welcome_is_for(t->client, cast_span(c.welcome), cast_span(m->private_part))) continue;
        assert_ok(mls_group_join(t->client, cast_span(c.welcome), cast_span(m->private_part), nothing, NULL, &m->group));
        mls_buf_free(&m->private_part);
    }
    mls_commit_free(&c);
}

static inline void troupe_update(struct troupe *t, size_t by)
{
    const struct mls_commit_params params = {.tree_in_welcome = true};
    troupe_commit(t, by, &params);
}

// Adds members from … to - 1 by one commit.
static inline void troupe_add(struct troupe *t, size_t by, size_t from, size_t to)
{
    struct mls_proposal p[TROUPE_MAX] = {0};
    for (size_t i = from; i < to; i++) {
        cast_key_package(&t->m[i], t->suite);
        p[i - from] = (struct mls_proposal){.type = MLS_PROPOSAL_ADD, .key_package = cast_span(t->m[i].key_package)};
    }
    const struct mls_commit_params params = {.proposals = p, .proposal_count = to - from, .tree_in_welcome = true};
    troupe_commit(t, by, &params);
}

static inline void troupe_propose(struct troupe *t, size_t by, const struct mls_proposal *p)
{
    struct mls_buf message;
    assert_ok(mls_group_propose(t->m[by].group, p, nothing, &message, NULL));
    troupe_deliver(t, by, message);
    mls_buf_free(&message);
}

static inline struct mls_buf troupe_say(struct troupe *t, size_t by, const char *text)
{
    struct mls_buf message;
    assert_ok(mls_group_protect(t->m[by].group, cast_text(text), cast_text("aad"), &message));
    return message;
}

// One member hears a message, which it must be able to open.
static inline void troupe_hear(struct troupe *t, size_t i, struct mls_buf message, const char *text)
{
    struct mls_received r;
    assert_ok(mls_group_receive(t->m[i].group, cast_span(message), &r));
    assert_int_equal(r.content, MLS_CONTENT_APPLICATION);
    assert_int_equal(r.data.size, strlen(text));
    assert_memory_equal(r.data.data, text, r.data.size);
    mls_received_free(&r);
}

// Everybody hears everybody.
static inline void troupe_talk(struct troupe *t)
{
    for (size_t i = 0; i < t->n; i++) {
        if (!troupe_active(t, i)) continue;
        struct mls_buf message = troupe_say(t, i, "hello");
        for (size_t j = 0; j < t->n; j++) {
            if (j != i && troupe_active(t, j)) troupe_hear(t, j, message, "hello");
        }
        mls_buf_free(&message);
    }
}

static inline void troupe_agrees(struct troupe *t)
{
    for (size_t i = 1; i < t->n; i++) {
        if (troupe_active(t, 0) && troupe_active(t, i)) cast_same_epoch(t->m[0].group, t->m[i].group);
    }
}

// Every record of a group, whatever has been stored; the notes of changes are left as after mls_group_saved.
static inline void troupe_dump(struct mls_group *g, struct store *out)
{
    *out = (struct store){0};
    assert_ok(record_note_all(g));
    assert_ok(store_save(out, g, false));
}

// Stores each member's changes, and holds the store against the whole of the group.
static inline void troupe_save(struct troupe *t)
{
    for (size_t i = 0; i < t->n; i++) {
        struct store all;
        if (t->m[i].group == NULL) continue;
        assert_ok(store_save(&t->store[i], t->m[i].group, false));
        troupe_dump(t->m[i].group, &all);
        const char *difference = store_difference(&t->store[i], &all);
        if (difference != NULL) fail_msg("member %zu: stored and dumped records: %s", i, difference);
        store_free(&all);
    }
}

#endif
