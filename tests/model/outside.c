// SPDX-License-Identifier: Apache-2.0
//
// Coming in: by a Welcome, and by an external commit on a GroupInfo that some member gives, as a new member or in the place
// of a leaf that one had before.
#include "model.h"

static void learn_psks(struct person *p)
{
    for (int i = 0; i < PSKS; i++) p->knows[i] = true;
}

void try_join(struct person *p)
{
    struct model *m = p->model;
    struct mls_group *g = NULL;
    if (p->place != INVITED) return;
    CHECK(m, mls_welcome_is_for(p->client, span(p->welcome), span(p->private_part)), "a Welcome is for somebody else");
    enum mls_error e = mls_group_join(p->client, span(p->welcome), span(p->private_part), span(p->tree), NULL, &g);
    if (e == MLS_E_PSK_UNKNOWN) {
        learn_psks(p);
        e = mls_group_join(p->client, span(p->welcome), span(p->private_part), span(p->tree), NULL, &g);
    }
    if (e == MLS_E_PSK_UNKNOWN) { // a PSK of an epoch in which it was no member: it has to come in another way
        bool there = m->facts[m->epoch].roster[p->leaf] == p->id;
        mls_buf_free(&p->welcome);
        mls_buf_free(&p->tree);
        person_drop_key_package(p);
        p->place = there ? STRANDED : OUTSIDE;
        return;
    }
    OK(m, e, "join");
    p->group = g;
    OK(m, store_save(&p->store, g, false), "store");
    person_joined(p, p->leaf, p->epoch, p->next);
    m->count.joins++;
}

bool join_from_outside(struct model *m, struct person *p, bool resync, struct entry *out, struct mls_group **group)
{
    struct mls_buf info, tree = {0}, sk, pk;
    const struct person *host = model_pick(m, is_current);
    if (host == NULL || host == p) return false;
    bool inside = rng_chance(&m->random, 50);
    OK(m, mls_group_info(host->group, inside, true, &info), "GroupInfo");
    if (!inside) OK(m, mls_group_tree(host->group, &tree), "tree");
    OK(m, mls_signature_keys(p->client, m->suite, &sk, &pk), "signature keys");
    struct mls_external_join join = {.group_info = span(info),
                                     .tree = span(tree),
                                     .leaf = person_leaf(p),
                                     .resync = resync,
                                     .resync_index = p->leaf,
                                     .authenticated_data = text_span("from outside")};
    join.leaf.signature_private = span(sk);
    join.leaf.signature_public = span(pk);
    const struct mls_psk_id psk = {.type = MLS_PSK_EXTERNAL, .id = text_span("psk1")};
    if (p->knows[1] && rng_chance(&m->random, 30)) {
        join.psks = &psk;
        join.psk_count = 1;
    }
    *out = (struct entry){.commit = true, .epoch = m->epoch, .by = p->id, .target = NOBODY};
    OK(m, mls_group_join_external(p->client, &join, &out->message, group), "join from outside");
    out->leaf = mls_group_own_index(*group);
    // What it changes, by the model: its old leaf goes, and it takes the leftmost one that is blank.
    out->changes.v = store_check(calloc(2, sizeof *out->changes.v));
    if (resync) out->changes.v[out->changes.n++] = (struct change){MLS_CHANGE_REMOVED, p->leaf, p->id};
    out->changes.v[out->changes.n++] = (struct change){MLS_CHANGE_JOINED, out->leaf, p->id};
    mls_buf_free(&info);
    mls_buf_free(&tree);
    mls_buf_free(&sk);
    mls_buf_free(&pk);
    return true;
}
