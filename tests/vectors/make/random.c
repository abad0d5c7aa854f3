// SPDX-License-Identifier: Apache-2.0
//
// Generator of passive-client-random: long histories in which everything that a group can do happens at random, in any
// combination that RFC 9420 §12.2 allows. The passive member is never removed, and never speaks.
#include "mls/proposal.h"
#include "vectors/make/generators.h"
#include "vectors/make/troupe.h"

enum { BY_VALUE = 6, MOST = 46 };

// One epoch that is being put together. What stands by value must be valid beside everything that waits.
struct scene {
    struct troupe *t;
    struct actor *by;
    uint64_t touched[TROUPE_ACTORS / 64]; // who is updated or removed in it
    bool extensions, psk[TROUPE_PSKS], resumption;
    size_t wanted; // members that the group should have
    size_t adds, removes;
    struct mls_proposal value[BY_VALUE];
    size_t n;
};

static bool touch(struct scene *s, const struct actor *a)
{
    size_t i = (size_t)(a - s->t->actor);
    uint64_t bit = UINT64_C(1) << (i % 64);
    bool fresh = (s->touched[i / 64] & bit) == 0;
    s->touched[i / 64] |= bit;
    return fresh;
}

// Somebody who can be added: new, or a former member.
static struct actor *candidate(struct scene *s)
{
    struct troupe *t = s->t;
    for (int tries = 0; tries < 3; tries++) {
        struct actor *a = &t->actor[kit_below(t->m, (uint32_t)t->n)];
        if (a->group == NULL && a->private_part.n == 0 && kit_coin(t->m)) return a;
    }
    return troupe_hire(t);
}

static size_t after(const struct scene *s) { return troupe_size(s->t) + s->adds - s->removes; }

// A proposal of a random kind that fits; false if this draw gave none. `outside`: what external senders may propose.
static bool draw(struct scene *s, bool outside, struct mls_proposal *out)
{
    struct troupe *t = s->t;
    struct make *m = t->m;
    struct actor *whom;
    size_t psk;
    uint32_t roll = kit_below(m, 12);
    if (m->plan->wide && kit_below(m, 12) == 0) {
        *out = (struct mls_proposal){.type = KIT_PROPOSAL, .data = to_api(kit_random(m, kit_below(m, 80)))};
        return true;
    }
    // More Adds where members are wanted, more Removes where there are too many.
    if (kit_coin(m)) roll = after(s) < s->wanted ? 0 : after(s) > s->wanted ? 4 : roll;
    switch (roll) {
    case 0: case 1: case 2: case 3:
        if (after(s) >= MOST) return false;
        whom = candidate(s);
        if (!touch(s, whom)) return false;
        *out = troupe_add(t, whom);
        s->adds++;
        return true;
    case 4: case 5: case 6:
        whom = troupe_any(t, s->by);
        if (after(s) <= 4 || !touch(s, whom)) return false;
        *out = troupe_remove(whom);
        s->removes++;
        return true;
    case 7: case 8:
        psk = kit_below(m, (uint32_t)t->n_psk);
        if (s->psk[psk]) return false;
        s->psk[psk] = true;
        *out = troupe_external_psk(t, psk);
        return true;
    case 9: case 10:
        if (s->resumption || outside) return false;
        s->resumption = true;
        *out = troupe_resumption(t);
        return true;
    default:
        if (s->extensions) return false;
        s->extensions = true;
        *out = troupe_extensions(t, true);
        return true;
    }
}

// A member proposes an Update, now and then with another signature key.
static void propose_update(struct scene *s)
{
    struct troupe *t = s->t;
    struct actor *who = troupe_any(t, s->by);
    struct mls_leaf_params leaf = {0};
    struct mls_proposal p = {.type = MLS_PROPOSAL_UPDATE};
    if (!touch(s, who)) return;
    if (kit_below(t->m, 3) == 0) {
        leaf.signature_private = to_api(kit_signature_keys(t->m).sk);
        p.leaf = &leaf;
    }
    troupe_propose(t, who, &p, troupe_framing(t));
}

static void propose_one(struct scene *s)
{
    struct troupe *t = s->t;
    struct mls_proposal p;
    uint32_t roll = kit_below(t->m, 10);
    if (roll < 3) {
        propose_update(s);
    } else if (roll == 3) {
        if (after(s) >= MOST) return;
        troupe_ask(t, troupe_hire(t));
        s->adds++;
    } else if (roll == 4) {
        if (draw(s, true, &p)) troupe_propose_outside(t, &p);
    } else if (draw(s, false, &p)) {
        troupe_propose(t, troupe_any(t, NULL), &p, troupe_framing(t));
    }
}

static void commit(struct scene *s)
{
    struct troupe *t = s->t;
    struct make *m = t->m;
    struct mls_leaf_params leaf = {0};
    struct mls_commit_params c = {.proposals = s->value,
                                  .without_waiting = kit_below(m, 16) == 0,
                                  .without_path = kit_coin(m),
                                  .tree_in_welcome = kit_coin(m)};
    for (uint32_t i = kit_below(m, BY_VALUE + 1); !m->t.failed && i > 0; i--) s->n += draw(s, false, &s->value[s->n]);
    c.proposal_count = s->n;
    if (kit_below(m, 12) == 0) {
        leaf.signature_private = to_api(kit_signature_keys(m).sk);
        c.leaf = &leaf;
        c.without_path = false;
    }
    troupe_commit(t, s->by, &c, troupe_framing(t), NULL);
}

static void join(struct scene *s, bool resync)
{
    struct troupe *t = s->t;
    struct mls_psk_id id[2];
    size_t n = 0;
    if (kit_below(t->m, 3) == 0) id[n++] = troupe_external_psk(t, kit_below(t->m, (uint32_t)t->n_psk)).psk;
    if (resync && kit_below(t->m, 3) == 0) id[n++] = troupe_resumption(t).psk;
    struct actor *who = resync ? s->by : candidate(s);
    if (who->group == NULL) who->private_part = span_of(NULL, 0);
    // Proposals may be waiting when somebody joins from outside: they end with the epoch.
    troupe_join(t, who, id, n);
}

static void epoch(struct troupe *t, size_t wanted)
{
    struct make *m = t->m;
    struct scene s = {.t = t, .by = troupe_any(t, NULL), .wanted = wanted};
    (void)touch(&s, s.by);
    uint32_t most = kit_below(m, 5) == 0 ? 12 : 3;
    for (uint32_t i = kit_below(m, most + 1); !m->t.failed && i > 0; i--) propose_one(&s);
    if (m->t.failed) return;
    uint32_t roll = kit_below(m, 14);
    if (roll == 0 && troupe_size(t) < MOST) join(&s, false);
    else if (roll == 1) join(&s, true);
    else commit(&s);
}

// Some members first, then the passive one, at whatever leaf is free.
static void open_history(struct make *m, struct troupe *t, uint32_t before)
{
    struct mls_proposal p[3];
    size_t others = m->plan->small ? 1 : 3;
    troupe_open(m, t, 4);
    (void)troupe_found(t, true);
    for (size_t i = 0; i < others; i++) p[i] = troupe_add(t, troupe_hire(t));
    troupe_commit(t, troupe_any(t, NULL), &(struct mls_commit_params){.proposals = p, .proposal_count = others},
                  troupe_framing(t), NULL);
    for (uint32_t i = 0; !m->t.failed && i < before; i++) epoch(t, 3 + before);
    struct actor *passive = troupe_hire(t);
    p[0] = troupe_add(t, passive);
    const struct mls_commit_params c = {.proposals = p,
                                        .proposal_count = 1,
                                        .without_waiting = true,
                                        .without_path = kit_coin(m),
                                        .tree_in_welcome = kit_coin(m)};
    troupe_commit(t, troupe_any(t, NULL), &c, troupe_framing(t), passive);
}

static void history(struct make *m, uint32_t before, uint32_t epochs, uint32_t low, uint32_t high)
{
    struct troupe t;
    open_history(m, &t, before);
    // The group grows and shrinks in waves of 25 epochs.
    for (uint32_t i = 0; !m->t.failed && i < epochs; i++) epoch(&t, (i / 25) % 2 == 0 ? high : low);
    troupe_close(&t);
}

void gen_passive_random(struct make *m)
{
    if (m->plan->small) {
        history(m, 0, 2, 3, 3);
        return;
    }
    history(m, 10, 200, 6, 38); // past 32 leaves and back, several times
    history(m, 3, 150, 5, 12);
    history(m, 20, 100, 30, 35); // around 32 leaves
}
