// SPDX-License-Identifier: Apache-2.0
//
// Offering a proposal: alone, in a commit, or as this client's own.
#include "offer.h"

int way(const struct scene *s) { return s->rule->arg % WAYS; }
int variant(const struct scene *s) { return s->rule->arg / WAYS; }

void offer_commit(struct scene *s, struct span proposal)
{
    struct forge f;
    forge_begin(&f, s, MALLORY);
    forge_value(&f, proposal);
    forge_commit(&f);
    forge_offer(&f);
}

void offer_proposal(struct scene *s, struct span proposal)
{
    struct forge_message m = forge_message(s, MALLORY, CONTENT_PROPOSAL, proposal);
    scene_offer_proposal(s, MALLORY, forge_write(s, MALLORY, &m));
}

void offer_own(struct scene *s, const struct mls_proposal *p)
{
    struct mls_group *g = scene_group(s, ALICE);
    struct snapshot before;
    struct mls_buf message;
    snapshot_take(g, &before);
    enum mls_error e = mls_group_propose(g, p, (struct mls_span){0}, &message, NULL);
    scene_verdict(s, e);
    if (e == MLS_OK) assert_ok(mls_group_drop_proposals(g, (struct mls_span){0}));
    if (e == MLS_OK) mls_group_saved(g);
    snapshot_same(g, &before);
    mls_buf_free(&message);
}

void offer(struct scene *s, struct span proposal)
{
    if (way(s) == BY_VALUE) offer_commit(s, proposal);
    else offer_proposal(s, proposal);
}
