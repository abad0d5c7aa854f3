// SPDX-License-Identifier: Apache-2.0
//
// Which of the waiting proposals go into a commit (RFC 9420 §12.2, §12.4): as many as are valid together, and beside
// those that are given by value. Anybody in the group can send proposals that are invalid in ways which only the whole
// list shows; they are left out, and never keep a member from committing.
#include "group/commit.h"

// Whether a waiting proposal fits beside those chosen already. Removes come before Updates, later Updates before earlier
// ones, and anything before a ReInit (§12.2), which is why the caller goes from the latest to the earliest, in passes.
static bool fits(const struct list *chosen, const struct item *i)
{
    for (size_t j = 0; j < chosen->n; j++) {
        const struct item *other = &chosen->v[j];
        if (i->p.type == PROPOSAL_REINIT || other->p.type == PROPOSAL_REINIT) return false;
        if (i->p.type == PROPOSAL_EXTENSIONS && other->p.type == PROPOSAL_EXTENSIONS) return false;
        if (i->p.type == PROPOSAL_PSK && other->p.type == PROPOSAL_PSK && span_eq(i->p.psk.raw, other->p.psk.raw)) {
            return false;
        }
        bool mine = i->p.type == PROPOSAL_UPDATE || i->p.type == PROPOSAL_REMOVE;
        bool its = other->p.type == PROPOSAL_UPDATE || other->p.type == PROPOSAL_REMOVE;
        uint32_t a = i->p.type == PROPOSAL_UPDATE ? i->sender : i->p.removed;
        uint32_t b = other->p.type == PROPOSAL_UPDATE ? other->sender : other->p.removed;
        if (mine && its && a == b) return false;
        if (i->p.type == PROPOSAL_ADD && other->p.type == PROPOSAL_ADD &&
            span_eq(i->p.add->leaf.signature_key, other->p.add->leaf.signature_key)) {
            return false;
        }
    }
    return true;
}

static bool acceptable(const struct mls_group *g, const struct item *i, struct committer by)
{
    struct span secret;
    if (list_check_item(g, i, by) != ERR_OK) return false;
    return i->p.type != PROPOSAL_PSK || group_find_psk(g->client, g, &i->p.psk, &secret) == ERR_OK;
}

static enum err put_waiting(const struct mls_group *g, const struct waiting *w, struct list *out)
{
    struct frame f;
    enum err e = frame_decode_authenticated(buf_span(&w->raw), &f);
    return e == ERR_OK ? list_put(out, f.body, f.sender_type, f.sender, span_of(w->ref, algo_nh(&g->algo))) : e;
}

enum err draft_choose(struct draft *d)
{
    enum { PASS_REMOVE, PASS_OTHER, PASS_REINIT, PASSES };
    const struct mls_group *g = d->group;
    struct list one = {0}, chosen = {0};
    bool *take = mem_new_array(g->n_waiting, sizeof *take);
    enum err e = take == NULL ? ERR_MEMORY : ERR_OK;
    for (int pass = 0; e == ERR_OK && pass < PASSES; pass++) {
        for (size_t i = g->n_waiting; e == ERR_OK && i-- > 0;) {
            one.n = 0;
            e = put_waiting(g, &g->waiting[i], &one);
            if (e != ERR_OK) break;
            uint16_t type = one.v[0].p.type;
            int when = type == PROPOSAL_REMOVE ? PASS_REMOVE : type == PROPOSAL_REINIT ? PASS_REINIT : PASS_OTHER;
            if (when != pass || !fits(&chosen, &one.v[0]) || !acceptable(g, &one.v[0], d->by)) continue;
            take[i] = true;
            e = put_waiting(g, &g->waiting[i], &chosen);
        }
    }
    for (size_t i = 0; e == ERR_OK && i < g->n_waiting; i++) {
        if (take[i]) e = put_waiting(g, &g->waiting[i], &d->list);
    }
    mem_free(take);
    list_free(&one);
    list_free(&chosen);
    return e;
}

// ------------------------------------------------------------------------------------------------------- weeding

static enum err copy(const struct list *from, const bool *take, struct list *out)
{
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < from->n; i++) {
        const struct item *x = &from->v[i];
        if (take[i]) e = list_put(out, x->p.raw, x->sender_type, x->sender, x->reference);
    }
    return e;
}

// Whether a commit of these proposals would be valid.
static enum err trial(const struct draft *d, const bool *take)
{
    struct list l = {0};
    struct mls_staged *s = NULL;
    struct secret psk_secret = {{0}};
    enum err e = copy(&d->list, take, &l);
    if (e == ERR_OK) e = list_check(d->group, &l, d->by);
    if (e == ERR_OK) e = staged_new(d->group, d->by.leaf, &s);
    if (e == ERR_OK) s->mine = true;
    if (e == ERR_OK) e = list_apply(d->group, &l, d->by, true, s);
    if (e == ERR_OK) e = staged_check(s);
    if (e == ERR_OK) e = list_psk_secret(d->group, &l, &psk_secret, NULL);
    mem_wipe(&psk_secret, sizeof psk_secret);
    mls_staged_free(s);
    list_free(&l);
    return e;
}

bool draft_failed_for_good(enum err e) { return e == ERR_MEMORY || e == ERR_RANDOM || e == ERR_CRYPTO; }

// How many of order[0..n) are valid beside what is taken already: all, or by halving. They are taken.
static enum err longest_run(const struct draft *d, const size_t *order, size_t n, bool *take, size_t *out)
{
    size_t good = 0, bad = n + 1;
    while (bad - good > 1) {
        size_t some = bad > n ? n : good + (bad - good) / 2;
        for (size_t i = 0; i < n; i++) take[order[i]] = i < some;
        enum err e = trial(d, take);
        if (draft_failed_for_good(e)) return e;
        if (e == ERR_OK) good = some;
        else bad = some;
    }
    for (size_t i = 0; i < n; i++) take[order[i]] = i < good;
    *out = good;
    return ERR_OK;
}

// The places of the waiting proposals in the list, Removes first: they make room for the others.
static size_t order_waiting(const struct list *l, size_t *order)
{
    size_t n = 0;
    for (int others = 0; others < 2; others++) {
        for (size_t i = 0; i < l->n; i++) {
            if (l->v[i].reference.n > 0 && (l->v[i].p.type != PROPOSAL_REMOVE) == (others == 1)) order[n++] = i;
        }
    }
    return n;
}

enum err draft_weed(struct draft *d)
{
    struct list kept = {0};
    size_t *order = mem_new_array(d->list.n, sizeof *order), run = 0;
    bool *take = mem_new_array(d->list.n, sizeof *take);
    enum err e = order == NULL || take == NULL ? ERR_MEMORY : ERR_OK;
    if (e != ERR_OK) goto out;
    size_t n = order_waiting(&d->list, order);
    for (size_t i = 0; i < d->list.n; i++) take[i] = d->list.v[i].reference.n == 0;
    e = trial(d, take);                                               // what was given by value has to be valid
    for (size_t from = 0; e == ERR_OK && from < n; from += run + 1) { // behind the run comes one that is left out
        e = longest_run(d, order + from, n - from, take, &run);
    }
    if (e == ERR_OK) e = copy(&d->list, take, &kept);
    if (e == ERR_OK) {
        list_free(&d->list);
        d->list = kept;
        kept = (struct list){0};
    }
out:
    mem_free(order);
    mem_free(take);
    list_free(&kept);
    return e;
}
