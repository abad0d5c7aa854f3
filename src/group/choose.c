// SPDX-License-Identifier: Apache-2.0
//
// Which of the waiting proposals go into a commit (RFC 9420 §12.2, §12.4): as many as are valid together, and beside
// those that are given by value. Anybody in the group can send proposals that are invalid in ways which only the whole
// list shows; they are left out, and never keep a member from committing. Nor do they keep it long: each is looked at a few
// times, however many of them there are.
#include "group/commit.h"

// The leaf that a proposal brings; NULL if it brings none.
static const struct leaf *new_leaf(const struct proposal *p)
{
    return p->type == PROPOSAL_ADD ? &p->add->leaf : p->type == PROPOSAL_UPDATE ? p->update : NULL;
}

// Whether two new leaves with different signature keys may stand in one tree (§7.3), and are of two clients (§12.2).
static bool leaves_fit(const struct mls_config *c, const struct proposal *p, const struct proposal *q)
{
    const struct leaf *a = new_leaf(p), *b = new_leaf(q);
    struct mls_member x, y;
    if (a == NULL || b == NULL) return true;
    if (span_eq(a->encryption_key, b->encryption_key)) return false;
    if (!types_contain(a->capabilities.credentials, b->credential.type)) return false;
    if (!types_contain(b->capabilities.credentials, a->credential.type)) return false;
    if (c->same_client == NULL || (p->type == PROPOSAL_UPDATE && q->type == PROPOSAL_UPDATE)) return true;
    member_of(a, 0, &x);
    member_of(b, 0, &y);
    return !c->same_client(c->arg, &x, &y);
}

// Whether a waiting proposal fits beside those chosen already, of which the first have been given by value. Removes come
// before Updates, later Updates before earlier ones, and anything before a ReInit (§12.2), which is why the caller goes from
// the latest to the earliest, in passes. Which of two waiting leaves can stay is seen when they are tried.
static bool fits(const struct mls_config *c, const struct list *chosen, const struct item *i)
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
        const struct leaf *leaf = new_leaf(&i->p), *its_leaf = new_leaf(&other->p);
        if (leaf != NULL && its_leaf != NULL && span_eq(leaf->signature_key, its_leaf->signature_key)) return false;
        if (other->reference.n == 0 && !leaves_fit(c, &i->p, &other->p)) return false;
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

static enum err copy(const struct item *i, struct list *out)
{
    return list_put(out, i->p.raw, i->sender_type, i->sender, i->reference);
}

static enum err copy_all(const struct list *from, struct list *out)
{
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < from->n; i++) e = copy(&from->v[i], out);
    return e;
}

enum err draft_choose(struct draft *d)
{
    enum { PASS_REMOVE, PASS_OTHER, PASS_REINIT, PASSES };
    const struct mls_group *g = d->group;
    struct list one = {0}, chosen = {0}, given = d->list;
    bool *take = mem_new_array(g->n_waiting, sizeof *take);
    d->list = (struct list){0};
    enum err e = take == NULL ? ERR_MEMORY : copy_all(&given, &chosen);
    for (int pass = 0; e == ERR_OK && pass < PASSES; pass++) {
        for (size_t i = g->n_waiting; e == ERR_OK && i-- > 0;) {
            one.n = 0;
            e = put_waiting(g, &g->waiting[i], &one);
            if (e != ERR_OK) break;
            const struct item *x = &one.v[0];
            uint16_t type = x->p.type;
            int when = type == PROPOSAL_REMOVE ? PASS_REMOVE : type == PROPOSAL_REINIT ? PASS_REINIT : PASS_OTHER;
            if (when != pass || !fits(&g->client->config, &chosen, x) || !acceptable(g, x, d->by)) continue;
            take[i] = true;
            e = put_waiting(g, &g->waiting[i], &chosen);
        }
    }
    for (size_t i = 0; e == ERR_OK && i < g->n_waiting; i++) {
        if (take[i]) e = put_waiting(g, &g->waiting[i], &d->list);
    }
    if (e == ERR_OK) e = copy_all(&given, &d->list);
    mem_free(take);
    list_free(&one);
    list_free(&chosen);
    list_free(&given);
    return e;
}

// ------------------------------------------------------------------------------------------------------- weeding

// Whether a commit of these proposals would be valid, without those that the list then says are out.
static enum err trial(const struct draft *d, const struct list *l)
{
    struct mls_staged *s = NULL;
    struct secret psk_secret = {{0}};
    enum err e = list_check(d->group, l, d->by);
    if (e == ERR_OK) e = staged_new(d->group, d->by.leaf, &s);
    if (e == ERR_OK) s->mine = true;
    if (e == ERR_OK) e = list_apply(d->group, l, d->by, true, s);
    if (e == ERR_OK) e = staged_check(s);
    if (e == ERR_OK) e = list_psk_secret(d->group, l, &psk_secret, NULL);
    mem_wipe(&psk_secret, sizeof psk_secret);
    mls_staged_free(s);
    return e;
}

// What is let in of the waiting proposals. Where one makes the whole invalid and not just itself (extensions that some
// member does not support, the last place in a tree), its kind is left out altogether.
enum weeding { WEED_SINGLE, WEED_EXTENSIONS, WEED_ALL_BUT_REMOVES, WEED_ALL, WEEDINGS };

static bool let_in(const struct item *i, enum weeding how)
{
    if (i->reference.n == 0 || how == WEED_SINGLE) return true;
    if (how == WEED_EXTENSIONS) return i->p.type != PROPOSAL_EXTENSIONS;
    return how == WEED_ALL_BUT_REMOVES && i->p.type == PROPOSAL_REMOVE;
}

static enum err weed(struct draft *d, enum weeding how)
{
    struct list some = {0}, kept = {0};
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < d->list.n; i++) {
        if (let_in(&d->list.v[i], how)) e = copy(&d->list.v[i], &some);
    }
    if (e == ERR_OK && (some.out = mem_new_array(some.n, sizeof *some.out)) == NULL) e = ERR_MEMORY;
    if (e == ERR_OK) e = trial(d, &some);
    for (size_t i = 0; e == ERR_OK && i < some.n; i++) {
        if (!some.out[i]) e = copy(&some.v[i], &kept);
    }
    list_free(&some);
    if (e != ERR_OK) {
        list_free(&kept);
        return e;
    }
    list_free(&d->list);
    d->list = kept;
    return ERR_OK;
}

enum err draft_weed(struct draft *d)
{
    enum err e = ERR_INVALID;
    for (enum weeding how = WEED_SINGLE; how < WEEDINGS && e != ERR_OK; how++) {
        e = weed(d, how);
        if (list_failed_for_good(e)) break;
    }
    return e;
}
