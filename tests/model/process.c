// SPDX-License-Identifier: Apache-2.0
//
// A member works off what the delivery service has for it: proposals, some of which it passes over until a commit needs
// them, and commits, its own among them. At any point the process may restart or the database refuse.
#include "model.h"

bool is_behind(const struct person *p)
{
    return p->place == INVITED || (p->place == MEMBER && p->next < p->model->n_log);
}

// ------------------------------------------------------------------------------------------------------ proposals

// Takes a proposal. false: it has to be taken again.
static bool take_proposal(struct person *p, size_t i)
{
    struct model *m = p->model;
    struct mls_received r;
    struct entry *e = &m->log[i];
    if (e->by == p->id) {
        if (!rng_chance(&m->random, 10)) return true;
        REFUSED(m, mls_group_receive(p->group, span(e->message), &r), MLS_E_MESSAGE_OWN, "an own proposal");
        return true;
    }
    OK(m, mls_group_receive(p->group, span(e->message), &r), "a proposal");
    CHECK(m, r.content == MLS_CONTENT_PROPOSAL && r.proposal_type == e->type && r.staged == NULL, "not that proposal");
    CHECK(m, e->by == NOBODY || (r.sender_type == MLS_SENDER_MEMBER && r.sender == e->leaf), "not from that member");
    if (e->ref.size == 0) e->ref = copy_of(span(r.proposal_ref));
    CHECK(m, same_bytes(e->ref, r.proposal_ref), "another reference");
    mls_received_free(&r);
    if (!person_persist(p)) return false;
    know(p, i);
    CHECK(m, mls_group_proposal_count(p->group) == p->n_known, "%s has %zu proposals waiting, not %zu", p->name,
          mls_group_proposal_count(p->group), p->n_known);
    return true;
}

static void defer(struct person *p, size_t i)
{
    p->deferred = store_check(realloc(p->deferred, (p->n_deferred + 1) * sizeof *p->deferred));
    p->deferred[p->n_deferred++] = i;
}

static bool take_deferred(struct person *p, size_t k)
{
    size_t i = p->deferred[k];
    if (!take_proposal(p, i)) return false;
    memmove(p->deferred + k, p->deferred + k + 1, (--p->n_deferred - k) * sizeof *p->deferred);
    return true;
}

static bool take_all_deferred(struct person *p)
{
    while (p->n_deferred > 0) {
        if (!take_deferred(p, 0)) return false;
    }
    return true;
}

// Under the handshake ratchet, an older message of the same sender must come first, unless its key would be kept.
static bool take_older(struct person *p, const struct entry *e)
{
    for (size_t k = 0; k < p->n_deferred; k++) {
        const struct entry *old = &p->model->log[p->deferred[k]];
        if (!e->private || !old->private || old->by != e->by) continue;
        if (e->generation - old->generation <= p->config.skipped_keys) continue;
        if (!take_deferred(p, k--)) return false;
    }
    return true;
}

static void process_proposal(struct person *p)
{
    struct model *m = p->model;
    size_t i = p->next;
    if (rng_chance(&m->random, 15) && m->log[i].by != p->id) {
        defer(p, i);
        p->next++;
        return;
    }
    if (take_older(p, &m->log[i]) && take_proposal(p, i)) p->next++;
}

// -------------------------------------------------------------------------------------------------------- commits

// Proposals of the last epoch that come too late.
static void refuse_deferred(struct person *p)
{
    struct model *m = p->model;
    struct mls_received r;
    for (size_t k = 0; k < p->n_deferred; k++) {
        const struct entry *e = &m->log[p->deferred[k]];
        REFUSED(m, mls_group_receive(p->group, span(e->message), &r), MLS_E_MESSAGE_EPOCH, "a proposal that comes too late");
    }
    p->n_deferred = 0;
}

// Behind a commit that has been entered.
static void entered(struct person *p)
{
    struct model *m = p->model;
    struct mls_staged *lost = p->staged;
    p->next++;
    person_enter(p, p->epoch + 1);
    if (lost != NULL && rng_chance(&m->random, 50)) {
        REFUSED(m, mls_group_merge(p->group, lost), MLS_E_STAGED_STALE, "a commit that has lost");
    }
    if (p->saved.size > 0 && lost == NULL) {
        struct mls_staged *s = NULL;
        enum mls_error e = mls_staged_restore(p->group, span(p->saved), &s);
        CHECK(m, e == MLS_E_STAGED_STALE || e == MLS_E_GROUP_INACTIVE, "a saved commit outlives its epoch");
    }
    person_drop_pending(p);
    refuse_deferred(p);
}

static void merge_own(struct person *p)
{
    struct model *m = p->model;
    const struct entry *e = &m->log[p->next];
    if (p->staged == NULL) OK(m, mls_staged_restore(p->group, span(p->saved), &p->staged), "restore a staged commit");
    struct changes c = model_changes(m, p->staged);
    CHECK(m, changes_equal(&c, &e->changes), "a saved commit changes something else");
    free(c.v);
    struct mls_staged *s = p->staged;
    OK(m, mls_group_merge(p->group, s), "merge an own commit");
    p->staged = NULL;
    if (!person_persist(p)) return; // again, from the saved bytes
    mls_buf_free(&p->saved);
    entered(p);
}

// Receives a commit until it is staged, fetching what it needs. NULL: something has to come again.
static struct mls_staged *stage(struct person *p)
{
    struct model *m = p->model;
    const struct entry *e = &m->log[p->next];
    struct mls_received r;
    enum mls_error x = mls_group_receive(p->group, span(e->message), &r);
    if (x == MLS_E_PROPOSAL_UNKNOWN && p->n_deferred > 0) {
        if (!take_all_deferred(p)) return NULL;
        x = mls_group_receive(p->group, span(e->message), &r);
    }
    if (x == MLS_E_PSK_UNKNOWN) {
        for (int i = 0; i < PSKS; i++) p->knows[i] = true;
        x = mls_group_receive(p->group, span(e->message), &r);
    }
    OK(m, x, "a commit");
    CHECK(m, r.content == MLS_CONTENT_COMMIT && r.staged != NULL && r.sender == e->leaf, "not that commit");
    struct changes c = model_changes(m, r.staged);
    CHECK(m, changes_equal(&c, &e->changes), "%s sees other changes than the committer", p->name);
    CHECK(m, mls_staged_reinit(r.staged) == e->reinit, "%s sees another ReInit", p->name);
    free(c.v);
    struct mls_staged *s = r.staged;
    r.staged = NULL;
    mls_received_free(&r);
    return s;
}

static void leave(struct person *p)
{
    p->place = REMOVED;
    p->next++;
    p->n_deferred = p->n_known = 0;
    person_drop_pending(p);
    CHECK(p->model, !mls_group_active(p->group), "%s was removed and does not know", p->name);
}

static void process_commit(struct person *p)
{
    struct model *m = p->model;
    const struct entry *e = &m->log[p->next];
    if (e->by == p->id && p->saved.size > 0) {
        merge_own(p);
        return;
    }
    struct mls_staged *s = stage(p);
    if (s == NULL) return;
    if (rng_chance(&m->random, 15)) { // it forgets what it has staged, and gets the commit again
        mls_staged_free(s);
        if (rng_chance(&m->random, 50)) person_restart(p);
        return;
    }
    size_t lives = p->lives;
    if (rng_chance(&m->random, 25)) hear(m, 6); // others, and perhaps this one: staged commits hold while messages come
    if (p->lives != lives) {
        mls_staged_free(s);
        return;
    }
    bool removed = false;
    for (size_t i = 0; i < e->changes.n; i++) {
        const struct change *c = &e->changes.v[i];
        removed = removed || (c->type == MLS_CHANGE_REMOVED && c->leaf == p->leaf);
    }
    CHECK(m, mls_staged_removes_me(s) == removed, "%s is mistaken about its removal", p->name);
    OK(m, mls_group_merge(p->group, s), "merge");
    if (!person_persist(p)) return;
    if (removed) leave(p);
    else entered(p);
}

void process(struct person *p)
{
    if (p->place == INVITED) try_join(p);
    else if (p->place != MEMBER || p->next >= p->model->n_log) return;
    else if (p->model->log[p->next].commit) process_commit(p);
    else process_proposal(p);
}

void catch_up(struct model *m)
{
    for (uint32_t i = 0; i < m->people; i++) {
        while (is_behind(&m->person[i])) process(&m->person[i]);
    }
}
