// SPDX-License-Identifier: Apache-2.0
//
// Groups that come from the group: branches, which are tried out and dropped, and the group that a ReInit has announced, in
// which the history goes on.
#include "model.h"

static struct mls_span none;

static void same_epoch(const struct model *m, struct mls_group *a, struct mls_group *b)
{
    struct mls_buf x, y;
    OK(m, mls_group_epoch_authenticator(a, &x), "epoch authenticator");
    OK(m, mls_group_epoch_authenticator(b, &y), "epoch authenticator");
    CHECK(m, same_bytes(x, y), "a related group has two epoch authenticators");
    mls_buf_free(&x);
    mls_buf_free(&y);
}

static void say(const struct model *m, struct mls_group *from, struct mls_group *to)
{
    struct mls_buf message;
    struct mls_received r;
    OK(m, mls_group_protect(from, text_span("hello"), none, &message), "protect in a related group");
    OK(m, mls_group_receive(to, span(message), &r), "receive in a related group");
    CHECK(m, r.data.size == 5, "wrong text");
    mls_received_free(&r);
    mls_buf_free(&message);
}

// Joins by the Welcome of a related group. Without the old group it cannot be checked, and so is refused.
static struct mls_group *join(struct person *p, struct mls_buf welcome, struct mls_buf tree)
{
    struct model *m = p->model;
    struct mls_group *g = NULL;
    if (rng_chance(&m->random, 20)) {
        CHECK(m, mls_group_join(p->client, span(welcome), span(p->private_part), span(tree), NULL, &g) != MLS_OK,
              "%s joined a related group without the old one", p->name);
    }
    if (rng_chance(&m->random, 30)) person_restart(p);
    OK(m, mls_group_join(p->client, span(welcome), span(p->private_part), span(tree), p->group, &g), "join a related group");
    person_drop_key_package(p);
    return g;
}

void branch(struct model *m)
{
    struct person *host = model_pick(m, is_current), *who[PEOPLE_MAX];
    struct mls_span packages[PEOPLE_MAX];
    struct mls_group *g = NULL, *other[PEOPLE_MAX];
    struct mls_buf welcome, tree = {0};
    size_t n = 0;
    if (host == NULL) return;
    for (uint32_t i = 0; i < m->people && n < 8; i++) {
        struct person *p = &m->person[i];
        if (p == host || !is_current(p) || rng_chance(&m->random, 50)) continue;
        person_key_package(p, m->suite);
        packages[n] = span(p->key_package);
        who[n++] = p;
    }
    person_keys(host, m->suite);
    const struct mls_related_params params = {.leaf = person_leaf(host),
                                              .key_packages = packages,
                                              .key_package_count = n,
                                              .tree_in_welcome = rng_chance(&m->random, 50),
                                              .without_path = rng_chance(&m->random, 50)};
    OK(m, mls_group_branch(host->group, &params, &welcome, &g), "branch");
    if (!params.tree_in_welcome) OK(m, mls_group_tree(g, &tree), "tree");
    for (size_t i = 0; i < n; i++) other[i] = join(who[i], welcome, tree);
    for (size_t i = 0; i < n; i++) {
        same_epoch(m, g, other[i]);
        say(m, other[i], g);
        say(m, g, other[i]);
        for (size_t k = 0; k < n; k++) { // what the other says has to be heard by all, or lost
            if (k != i) say(m, other[k], other[i]);
        }
    }
    for (size_t i = 0; i < n; i++) mls_group_free(other[i]);
    mls_group_free(g);
    mls_buf_free(&welcome);
    mls_buf_free(&tree);
    m->count.branches++;
}

// ------------------------------------------------------------------------------------------------------- reinit

static bool all_are_there(const struct model *m)
{
    for (size_t i = 0; i < LEAVES_MAX; i++) {
        int id = m->facts[m->epoch].roster[i];
        if (id != NOBODY && m->person[id].place != MEMBER) return false;
    }
    return true;
}

// Forgets all that belongs to the old group, but for the members' groups themselves.
static void clear(struct model *m)
{
    for (size_t i = 0; i < m->n_log; i++) {
        mls_buf_free(&m->log[i].message);
        mls_buf_free(&m->log[i].ref);
        free(m->log[i].changes.v);
    }
    m->n_log = 0;
    model_forget_facts(m);
    for (size_t i = 0; i < LETTERS_MAX; i++) mls_buf_free(&m->letter[i].message);
    for (uint32_t i = 0; i < m->people; i++) {
        struct person *p = &m->person[i];
        if (p->place == MEMBER) continue;
        person_forget(p);
        person_drop_key_package(p);
        p->place = OUTSIDE;
    }
}

static void move_in(struct person *p, struct mls_group *g, uint32_t leaf)
{
    person_forget(p);
    p->group = g;
    OK(p->model, store_save(&p->store, g, false), "store");
    person_joined(p, leaf, 1, 0);
}

bool reinit(struct model *m)
{
    struct person *host = model_pick(m, is_member), *who[PEOPLE_MAX];
    struct mls_span packages[PEOPLE_MAX];
    struct mls_group *g = NULL, *other[PEOPLE_MAX];
    struct mls_buf welcome, tree = {0};
    size_t n = 0;
    if (host == NULL || !all_are_there(m)) return false;
    uint16_t suite = mls_group_reinit_suite(host->group);
    for (uint32_t i = 0; i < m->people; i++) {
        struct person *p = &m->person[i];
        if (p == host || p->place != MEMBER) continue;
        person_key_package(p, suite);
        packages[n] = span(p->key_package);
        who[n++] = p;
    }
    person_keys(host, suite);
    const struct mls_related_params params = {
        .leaf = person_leaf(host), .key_packages = packages, .key_package_count = n, .tree_in_welcome = rng_chance(&m->random, 50)};
    OK(m, mls_group_reinit(host->group, &params, &welcome, &g), "reinit");
    OK(m, mls_group_tree(g, &tree), "tree");
    if (params.tree_in_welcome) mls_buf_free(&tree);
    for (size_t i = 0; i < n; i++) other[i] = join(who[i], welcome, tree);
    for (size_t i = 0; i < n; i++) same_epoch(m, g, other[i]);
    clear(m);
    m->suite = suite;
    m->over = false;
    mls_buf_free(&m->group_id);
    m->group_id = copy_of(mls_group_id(g));
    model_next_epoch(m);
    struct facts *f = model_next_epoch(m);
    f->roster[0] = host->id;
    for (size_t i = 0; i < n; i++) f->roster[1 + i] = who[i]->id;
    move_in(host, g, 0);
    for (size_t i = 0; i < n; i++) move_in(who[i], other[i], 1 + (uint32_t)i);
    open_server(m);
    mls_buf_free(&welcome);
    mls_buf_free(&tree);
    m->count.reinits++;
    return true;
}
