// SPDX-License-Identifier: Apache-2.0
//
// Commits, and the race between them: several members, and perhaps somebody from outside, make one for the same epoch; the
// delivery service takes one, and the others are dropped. What the winner says that it changes must follow from the
// proposals that were made.
#include "model.h"

enum { RACERS = 3, WISHES = 64 };

struct attempt {
    struct person *by;
    struct entry entry;
    struct mls_group *joined; // from outside
    struct mls_buf welcome, tree;
    struct wish wish[WISHES];
    size_t n_wish;
    bool with_waiting, resync;
};

static void attempt_free(struct attempt *a)
{
    mls_buf_free(&a->entry.message);
    free(a->entry.changes.v);
    mls_buf_free(&a->welcome);
    mls_buf_free(&a->tree);
    mls_group_free(a->joined);
    for (size_t i = 0; i < a->n_wish; i++) wish_free(&a->wish[i]);
    *a = (struct attempt){0};
}

// ------------------------------------------------------------------------------------------- what may be asked for

// Whether the wish fits beside those before it: all that are given by value have to be valid together.
static bool fits(const struct model *m, const struct attempt *a, const struct wish *w)
{
    const struct mls_proposal *p = &w->p;
    if (p->type == MLS_PROPOSAL_REMOVE && p->removed == a->by->leaf) return false;
    if (p->type == PROPOSAL_CUSTOM && a->by->limited) return false;
    for (size_t i = 0; i < a->n_wish; i++) {
        const struct mls_proposal *q = &a->wish[i].p;
        if (p->type == MLS_PROPOSAL_ADD && q->type == MLS_PROPOSAL_ADD && w->target == a->wish[i].target) return false;
        if (p->type == MLS_PROPOSAL_REMOVE && q->type == MLS_PROPOSAL_REMOVE && p->removed == q->removed) return false;
        bool extensions = p->type == MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS;
        if (extensions && q->type == MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS) return false;
        // New extensions and new members may not suit each other.
        const struct wish *add = p->type == MLS_PROPOSAL_ADD ? w : q->type == MLS_PROPOSAL_ADD ? &a->wish[i] : NULL;
        extensions = extensions || q->type == MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS;
        if (extensions && add != NULL && m->person[add->target].limited) return false;
    }
    return true;
}

static uint16_t pick_type(struct model *m)
{
    static const uint16_t others[] = {MLS_PROPOSAL_PSK, MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS, PROPOSAL_CUSTOM};
    if (rng_chance(&m->random, 30)) return others[rng_below(&m->random, 3)];
    return rng_below(&m->random, m->people) > model_size(m) + 3 ? MLS_PROPOSAL_ADD : MLS_PROPOSAL_REMOVE;
}

static void make_wishes(struct model *m, struct attempt *a)
{
    // Now and then the group grows by many at once, else a few things happen, or nothing.
    bool many = rng_chance(&m->random, model_size(m) < 3 ? 30 : 2);
    size_t n = many ? m->people - 8 : rng_chance(&m->random, 25) ? 0 : rng_below(&m->random, 5);
    for (size_t i = 0; i < n && a->n_wish < WISHES; i++) {
        struct wish *w = &a->wish[a->n_wish];
        if (!wish_make(m, a->by, many ? MLS_PROPOSAL_ADD : pick_type(m), w)) continue;
        if (fits(m, a, w)) a->n_wish++;
        else wish_free(w);
    }
    if (a->n_wish == 0 && rng_chance(&m->random, 2) && wish_make(m, a->by, MLS_PROPOSAL_REINIT, &a->wish[0])) {
        a->n_wish = 1;
        a->with_waiting = false;
    }
}

// A limited person cannot be added by value while extensions that it does not support may be waiting.
static bool keeps_apart(const struct model *m, const struct attempt *a)
{
    bool limited = false, extensions = false;
    for (size_t i = 0; i < a->n_wish; i++) {
        limited = limited || (a->wish[i].p.type == MLS_PROPOSAL_ADD && m->person[a->wish[i].target].limited);
    }
    for (size_t i = 0; i < a->by->n_known; i++) {
        extensions = extensions || m->log[a->by->known[i]].type == MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS;
    }
    return limited && extensions;
}

// --------------------------------------------------------------------------------------- what must come of it

static bool proposes(const struct model *m, const struct attempt *a, const struct entry *e, const struct change *c)
{
    bool waits = a->with_waiting && e->epoch == m->epoch && !e->commit && is_known(a->by, e);
    if (!waits) return false;
    if (c->type == MLS_CHANGE_ADDED) return e->type == MLS_PROPOSAL_ADD && e->target == c->person;
    if (c->type == MLS_CHANGE_REMOVED) return e->type == MLS_PROPOSAL_REMOVE && e->removed == c->leaf;
    return c->type == MLS_CHANGE_UPDATED && e->type == MLS_PROPOSAL_UPDATE && e->leaf == c->leaf;
}

// Whether a change follows from a proposal, or from the committer's own path.
static bool justified(const struct model *m, const struct attempt *a, const struct change *c)
{
    if (c->type == MLS_CHANGE_UPDATED && c->leaf == a->by->leaf) return true;
    for (size_t i = 0; i < a->n_wish; i++) {
        const struct wish *w = &a->wish[i];
        if (c->type == MLS_CHANGE_ADDED && w->p.type == MLS_PROPOSAL_ADD && w->target == c->person) return true;
        if (c->type == MLS_CHANGE_REMOVED && w->p.type == MLS_PROPOSAL_REMOVE && w->p.removed == c->leaf) return true;
    }
    for (size_t i = m->n_log; i-- > 0 && m->log[i].epoch == m->epoch;) {
        if (proposes(m, a, &m->log[i], c)) return true;
    }
    return false;
}

static bool changed(const struct attempt *a, enum mls_change_type type, int person, uint32_t leaf)
{
    for (size_t i = 0; i < a->entry.changes.n; i++) {
        const struct change *c = &a->entry.changes.v[i];
        if (c->type == type && (person == NOBODY || c->person == person) && (leaf == UINT32_MAX || c->leaf == leaf)) return true;
    }
    return false;
}

// That nothing was left out: whatever was given by value, and the waiting Removes and Adds that nothing speaks against.
static void check_complete(const struct model *m, const struct attempt *a)
{
    bool clear = !a->entry.reinit;
    for (size_t i = 0; i < a->n_wish; i++) {
        const struct wish *w = &a->wish[i];
        if (w->p.type == MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS) clear = false;
        if (w->p.type == MLS_PROPOSAL_ADD) {
            CHECK(m, changed(a, MLS_CHANGE_ADDED, w->target, UINT32_MAX), "a commit leaves its Add out");
        }
        if (w->p.type == MLS_PROPOSAL_REMOVE) {
            CHECK(m, changed(a, MLS_CHANGE_REMOVED, NOBODY, w->p.removed), "a commit leaves its Remove out");
        }
    }
    for (size_t i = 0; a->with_waiting && i < a->by->n_known; i++) {
        if (m->log[a->by->known[i]].type == MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS) clear = false;
    }
    for (size_t i = 0; clear && a->with_waiting && i < a->by->n_known; i++) {
        const struct entry *e = &m->log[a->by->known[i]];
        if (e->type == MLS_PROPOSAL_REMOVE && e->removed != a->by->leaf) {
            CHECK(m, changed(a, MLS_CHANGE_REMOVED, NOBODY, e->removed), "a commit leaves a waiting Remove out");
        }
        if (e->type == MLS_PROPOSAL_ADD) {
            CHECK(m, changed(a, MLS_CHANGE_ADDED, e->target, UINT32_MAX), "a commit leaves a waiting Add out");
        }
    }
}

// ------------------------------------------------------------------------------------------------------- making it

static void check_unchanged(const struct person *p)
{
    struct mls_buf authenticator;
    OK(p->model, mls_group_epoch_authenticator(p->group, &authenticator), "epoch authenticator");
    CHECK(p->model, same_bytes(authenticator, p->model->facts[p->epoch].authenticator), "making a commit changed the group");
    CHECK(p->model, mls_group_proposal_count(p->group) == p->n_known, "making a commit changed what waits");
    mls_buf_free(&authenticator);
}

static bool attempt_by_member(struct model *m, struct person *p, struct attempt *a)
{
    struct mls_proposal by_value[WISHES];
    struct mls_commit c;
    struct mls_leaf_params leaf = {0};
    struct mls_buf sk = {0}, pk = {0};
    *a = (struct attempt){.by = p, .with_waiting = rng_chance(&m->random, 85)};
    a->entry = (struct entry){.commit = true, .epoch = m->epoch, .by = p->id, .leaf = p->leaf,
                              .private = !p->config.public_handshake, .generation = p->generation, .target = NOBODY};
    make_wishes(m, a);
    if (keeps_apart(m, a)) a->with_waiting = false;
    for (size_t i = 0; i < a->n_wish; i++) by_value[i] = a->wish[i].p;
    bool tree = rng_chance(&m->random, 50);
    struct mls_commit_params params = {.proposals = by_value,
                                       .proposal_count = a->n_wish,
                                       .without_waiting = !a->with_waiting,
                                       .without_path = rng_chance(&m->random, 40),
                                       .tree_in_welcome = tree,
                                       .authenticated_data = text_span("commit")};
    struct mls_extension name;
    if (rng_chance(&m->random, 15)) {
        OK(m, mls_signature_keys(p->client, m->suite, &sk, &pk), "signature keys");
        leaf.signature_private = span(sk);
        leaf.signature_public = span(pk);
        params.leaf = &leaf;
    }
    if (rng_chance(&m->random, 15)) {
        person_new_name(p, &leaf, &name);
        params.leaf = &leaf;
    }
    OK(m, mls_group_commit(p->group, &params, &c), "commit");
    check_unchanged(p);
    a->entry.changes = model_changes(m, c.staged);
    a->entry.reinit = mls_staged_reinit(c.staged);
    OK(m, mls_staged_save(c.staged, &p->saved), "save a staged commit");
    if (!tree) OK(m, mls_staged_tree(c.staged, &a->tree), "tree beside the Welcome");
    p->staged = c.staged;
    c.staged = NULL;
    a->entry.message = c.message;
    a->welcome = c.welcome;
    c.message = c.welcome = (struct mls_buf){0};
    mls_commit_free(&c);
    mls_buf_free(&sk);
    mls_buf_free(&pk);
    for (size_t i = 0; i < a->entry.changes.n; i++) {
        CHECK(m, justified(m, a, &a->entry.changes.v[i]), "a commit does what nobody proposed");
    }
    check_complete(m, a);
    if (!person_persist(p)) { // its ratchet may be as before: the commit must not be sent
        person_drop_pending(p);
        return false;
    }
    p->generation += a->entry.private;
    if (rng_chance(&m->random, 30)) person_restart(p); // and its staged commit with it
    return true;
}

// ----------------------------------------------------------------------------------------------------- losing

// A member sees a commit that is going to lose: it may stage it, and nothing has happened.
static void see(struct person *p, const struct attempt *a)
{
    struct model *m = p->model;
    struct mls_received r;
    enum mls_error e = mls_group_receive(p->group, span(a->entry.message), &r);
    bool lacks = e == MLS_E_PROPOSAL_UNKNOWN || e == MLS_E_PSK_UNKNOWN;
    if (e == MLS_OK) {
        struct changes c = model_changes(m, r.staged);
        CHECK(m, changes_equal(&c, &a->entry.changes), "%s sees other changes than a committer who loses", p->name);
        free(c.v);
        mls_received_free(&r);
        m->count.seen++;
    } else {
        CHECK(m, lacks, "%s refuses a commit that loses: %s", p->name, mls_error_name(e));
    }
    check_unchanged(p);
    if (rng_chance(&m->random, 20)) person_restart(p);
}

// Those who are current get to see some of the commits that lose, in any order and some of them twice.
static void show_losers(struct model *m, const struct attempt *a, size_t n, size_t winner)
{
    for (uint32_t k = rng_below(&m->random, 6); n > 1 && k > 0; k--) {
        size_t i = rng_below(&m->random, (uint32_t)n);
        struct person *p = model_pick(m, is_current);
        if (i != winner && p != NULL && p != a[i].by) see(p, &a[i]);
    }
}

// ---------------------------------------------------------------------------------------------------- winning

// What the winner's commit does to the roster.
static void apply(struct model *m, struct attempt *a)
{
    struct facts *f = &m->facts[m->epoch];
    for (size_t i = 0; i < a->entry.changes.n; i++) {
        const struct change *c = &a->entry.changes.v[i];
        CHECK(m, c->leaf < LEAVES_MAX, "leaf %u", c->leaf);
        if (c->type == MLS_CHANGE_REMOVED || c->type == MLS_CHANGE_UPDATED) {
            CHECK(m, f->roster[c->leaf] == c->person, "a change of somebody who is not there");
        }
        if (c->type == MLS_CHANGE_REMOVED) f->roster[c->leaf] = NOBODY;
        if (c->type == MLS_CHANGE_ADDED || c->type == MLS_CHANGE_JOINED) {
            CHECK(m, f->roster[c->leaf] == NOBODY, "a new member at a leaf that is taken");
            for (uint32_t k = 0; k < c->leaf; k++) CHECK(m, f->roster[k] != NOBODY, "a blank leaf was passed over");
            f->roster[c->leaf] = c->person;
        }
    }
    for (size_t i = 0; i < a->entry.changes.n; i++) {
        const struct change *c = &a->entry.changes.v[i];
        struct person *p = &m->person[c->person];
        if (c->type == MLS_CHANGE_ADDED) {
            p->place = INVITED;
            p->leaf = c->leaf;
            p->next = m->n_log;
            p->epoch = m->epoch;
            p->welcome = copy_of(span(a->welcome));
            p->tree = copy_of(span(a->tree));
        }
        // Who was removed without having a state is free again; the others learn it from the commit.
        if (c->type == MLS_CHANGE_REMOVED && p->place == STRANDED && p != a->by) p->place = OUTSIDE;
        m->count.removed += c->type == MLS_CHANGE_REMOVED;
    }
}

static void win(struct model *m, struct attempt *a)
{
    model_publish(m, a->entry);
    model_next_epoch(m);
    apply(m, a);
    a->entry.message = (struct mls_buf){0}; // the log has it
    m->over = m->over || a->entry.reinit;
    m->count.commits++;
    if (model_size(m) > m->count.most) m->count.most = model_size(m);
    if (a->joined != NULL) {
        if (a->resync) person_forget(a->by);
        a->by->group = a->joined;
        a->joined = NULL;
        person_joined(a->by, mls_group_own_index(a->by->group), m->epoch, m->n_log);
        OK(m, store_save(&a->by->store, a->by->group, false), "store");
        m->count.resyncs++;
    } else if (rng_chance(&m->random, 60)) {
        while (a->by->place == MEMBER && a->by->epoch < m->epoch) process(a->by);
    }
    a->entry.changes.v = NULL; // the log has them
}

static bool attempt_from_outside(struct model *m, struct attempt *a)
{
    bool resync = rng_chance(&m->random, 50);
    struct person *p = NULL;
    if (resync) {
        uint32_t leaf = model_pick_leaf(m, UINT32_MAX);
        p = leaf == UINT32_MAX ? NULL : &m->person[m->facts[m->epoch].roster[leaf]];
        // Somebody who has not yet come in, or who has a commit out, has no reason to.
        if (p == NULL || p->place == INVITED || p->saved.size > 0) return false;
        if (p->place == REMOVED || p->leaf != leaf) return false;
    } else {
        p = model_pick(m, is_outside);
        if (p == NULL || (p->limited && m->facts[m->epoch].has_custom)) return false;
    }
    *a = (struct attempt){.by = p, .resync = resync};
    return join_from_outside(m, p, resync, &a->entry, &a->joined);
}

void race(struct model *m)
{
    static struct attempt a[RACERS + 1];
    size_t n = 0, members = 1 + (rng_chance(&m->random, 50) ? 0 : rng_below(&m->random, RACERS));
    if (rng_chance(&m->random, 12) && attempt_from_outside(m, &a[n])) n++;
    for (size_t i = 0; i < members; i++) {
        struct person *p = model_pick(m, is_current);
        if (p == NULL || p->saved.size > 0 || (n > 0 && a[0].joined != NULL && a[0].by == p)) continue;
        if (attempt_by_member(m, p, &a[n])) n++;
        else attempt_free(&a[n]);
    }
    if (n == 0) return;
    size_t winner = rng_below(&m->random, (uint32_t)n);
    show_losers(m, a, n, winner);
    win(m, &a[winner]);
    m->count.lost += n - 1;
    for (size_t i = 0; i < n; i++) attempt_free(&a[i]);
}
