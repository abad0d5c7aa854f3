// SPDX-License-Identifier: Apache-2.0
//
// One history: a group is founded, then things happen in random order, and in the end everybody comes together.
#include "model.h"

static void found(struct model *m)
{
    struct person *p = &m->person[0];
    struct wish w;
    model_next_epoch(m)->roster[0] = 0;
    person_keys(p, m->suite);
    struct mls_leaf_params leaf = person_leaf(p);
    (void)wish_make(m, p, MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS, &w);
    size_t n = rng_chance(&m->random, 50) ? w.p.extension_count : 0;
    struct mls_span id = rng_chance(&m->random, 50) ? text_span("a name for the group") : (struct mls_span){0};
    OK(m, mls_group_new(p->client, m->suite, id, &leaf, w.p.extensions, n, &p->group), "found a group");
    wish_free(&w);
    m->group_id = copy_of(mls_group_id(p->group));
    OK(m, store_save(&p->store, p->group, false), "store");
    person_joined(p, 0, 0, 0);
}

static void process_some(struct model *m)
{
    for (uint32_t n = 1 + rng_below(&m->random, 2 * m->people); n > 0; n--) {
        struct person *p = model_pick(m, is_behind);
        if (p != NULL) process(p);
    }
}

static bool is_removed(const struct person *p) { return p->place == REMOVED; }

// Somebody who was removed deletes the group, and may come back later.
static void move_on(struct model *m)
{
    struct person *p = model_pick(m, is_removed);
    if (p == NULL) return;
    person_forget(p);
    p->place = OUTSIDE;
}

static void restart_some(struct model *m)
{
    for (uint32_t n = 1 + rng_below(&m->random, 4); n > 0; n--) {
        struct person *p = model_pick(m, has_group);
        if (p != NULL) person_restart(p);
    }
}

static void one_step(struct model *m)
{
    uint32_t r = rng_below(&m->random, 100);
    if (r < 14) for (uint32_t n = 1 + rng_below(&m->random, 5); n > 0; n--) speak(m);
    else if (r < 30) hear(m, 20);
    else if (r < 48) for (uint32_t n = 1 + rng_below(&m->random, 3); n > 0; n--) propose(m);
    else if (r < 53) propose_from_outside(m);
    else if (r < 71) race(m);
    else if (r < 84) process_some(m);
    else if (r < 90) restart_some(m);
    else if (r < 92) eavesdrop(m);
    else if (r < 95) catch_up(m);
    else if (r < 96) branch(m);
    else move_on(m);
}

// What the commit of a ReInit leaves: a group that can be read, but not spoken in.
static bool go_over(struct model *m)
{
    catch_up(m);
    speak(m);
    hear(m, 20);
    eavesdrop(m);
    return reinit(m);
}

void play(struct model *m)
{
    found(m);
    for (m->step = 1; m->step <= m->steps; m->step++) {
        one_step(m);
        if (m->over && !go_over(m)) return;
    }
    catch_up(m);
    hear(m, 100);
    eavesdrop(m);
    // One more commit, which everybody follows.
    race(m);
    catch_up(m);
}
