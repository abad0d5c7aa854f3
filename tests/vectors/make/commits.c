// SPDX-License-Identifier: Apache-2.0
//
// Generator of passive-client-handling-commit: one thing after another, each followed by an empty commit of somebody
// else, which shows that the passive member has come out of it with the right keys.
#include "mls/proposal.h"
#include "vectors/make/generators.h"
#include "vectors/make/troupe.h"

// A scene is played on a group of some members with the passive one, in one framing.
typedef void scene(struct troupe *t, enum framing framing);

static void commit_of(struct troupe *t, struct actor *by, const struct mls_proposal *p, size_t n, bool path,
                      enum framing framing)
{
    const struct mls_commit_params c = {
        .proposals = p, .proposal_count = n, .without_path = !path, .tree_in_welcome = kit_coin(t->m)};
    troupe_commit(t, by, &c, framing, NULL);
}

// ----------------------------------------------------------------------------------------------- proposals by value

static void by_value(struct troupe *t, const struct mls_proposal *p, size_t n, bool path, enum framing framing)
{
    commit_of(t, troupe_any(t, NULL), p, n, path, framing);
}

static void empty(struct troupe *t, enum framing framing) { by_value(t, NULL, 0, true, framing); }

static void add_value(struct troupe *t, enum framing framing)
{
    const struct mls_proposal p = troupe_add(t, troupe_hire(t));
    by_value(t, &p, 1, true, framing);
}

static void add_three_without_path(struct troupe *t, enum framing framing)
{
    struct mls_proposal p[3];
    for (size_t i = 0; i < 3; i++) p[i] = troupe_add(t, troupe_hire(t));
    by_value(t, p, 3, false, framing);
}

static void remove_value(struct troupe *t, enum framing framing)
{
    struct actor *whom = troupe_any(t, NULL);
    const struct mls_proposal p = troupe_remove(whom);
    commit_of(t, troupe_any(t, whom), &p, 1, true, framing);
}

static void psk_value(struct troupe *t, enum framing framing)
{
    const struct mls_proposal p[] = {troupe_external_psk(t, 0), troupe_resumption(t)};
    by_value(t, &p[0], 1, true, framing);
    by_value(t, &p[0], 1, false, framing);
    by_value(t, &p[1], 1, true, framing);
    by_value(t, p, 2, false, framing);
}

static void extensions_value(struct troupe *t, enum framing framing)
{
    const struct mls_proposal p = troupe_extensions(t, true);
    by_value(t, &p, 1, true, framing);
    const struct mls_proposal none = {.type = MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS};
    by_value(t, &none, 1, true, framing);
}

static struct mls_proposal reinit(struct troupe *t)
{
    return (struct mls_proposal){.type = MLS_PROPOSAL_REINIT, .group_id = to_api(kit_random(t->m, 20))};
}

static void reinit_value(struct troupe *t, enum framing framing)
{
    const struct mls_proposal p = reinit(t);
    by_value(t, &p, 1, kit_coin(t->m), framing);
}

static void all_by_value(struct troupe *t, enum framing framing)
{
    struct actor *whom = troupe_any(t, NULL);
    const struct mls_proposal p[] = {troupe_add(t, troupe_hire(t)), troupe_remove(whom),
                                     troupe_external_psk(t, 0),     troupe_resumption(t),
                                     troupe_extensions(t, true),    troupe_add(t, troupe_hire(t)),
                                     troupe_external_psk(t, 1)};
    commit_of(t, troupe_any(t, whom), p, sizeof p / sizeof *p, true, framing);
}

static void readd(struct troupe *t, enum framing framing)
{
    struct actor *whom = troupe_any(t, NULL);
    struct mls_proposal p = troupe_remove(whom);
    commit_of(t, troupe_any(t, whom), &p, 1, true, framing);
    p = troupe_add(t, whom);
    by_value(t, &p, 1, true, framing);
}

// ------------------------------------------------------------------------------------------- proposals by reference

static void by_reference(struct troupe *t, const struct mls_proposal *p, bool path, enum framing framing)
{
    struct actor *by = troupe_any(t, NULL);
    troupe_propose(t, by, p, framing);
    commit_of(t, kit_coin(t->m) && p->type != MLS_PROPOSAL_UPDATE ? by : troupe_any(t, by), NULL, 0, path, framing);
}

static void add_reference(struct troupe *t, enum framing framing)
{
    const struct mls_proposal p = troupe_add(t, troupe_hire(t));
    by_reference(t, &p, framing != QUIET, framing);
}

static void update_reference(struct troupe *t, enum framing framing)
{
    const struct mls_proposal p = {.type = MLS_PROPOSAL_UPDATE};
    by_reference(t, &p, true, framing);
}

// Two Updates of members with new signature keys.
static void update_keys(struct troupe *t, enum framing framing)
{
    struct actor *a = troupe_any(t, NULL), *b = troupe_any(t, a), *by = troupe_any(t, a);
    struct actor *const both[] = {a, b};
    for (size_t i = 0; i < 2; i++) {
        struct kit_keys k = kit_signature_keys(t->m);
        const struct mls_leaf_params leaf = {.signature_private = to_api(k.sk)};
        const struct mls_proposal p = {.type = MLS_PROPOSAL_UPDATE, .leaf = &leaf};
        if (both[i] != by) troupe_propose(t, both[i], &p, framing);
    }
    commit_of(t, by, NULL, 0, true, framing);
    // And one in the path of a commit.
    struct kit_keys k = kit_signature_keys(t->m);
    const struct mls_leaf_params leaf = {.signature_private = to_api(k.sk)};
    const struct mls_commit_params c = {.leaf = &leaf};
    troupe_commit(t, troupe_any(t, NULL), &c, framing, NULL);
}

static void remove_reference(struct troupe *t, enum framing framing)
{
    struct actor *whom = troupe_any(t, NULL), *by = troupe_any(t, whom);
    const struct mls_proposal p = troupe_remove(whom);
    troupe_propose(t, by, &p, framing);
    commit_of(t, kit_coin(t->m) ? by : troupe_any(t, whom), NULL, 0, true, framing);
}

// A member asks to be removed itself.
static void leave(struct troupe *t, enum framing framing)
{
    struct actor *whom = troupe_any(t, NULL);
    const struct mls_proposal p = troupe_remove(whom);
    troupe_propose(t, whom, &p, framing);
    commit_of(t, troupe_any(t, whom), NULL, 0, true, framing);
}

static void psk_reference(struct troupe *t, enum framing framing)
{
    struct mls_proposal p = troupe_external_psk(t, 1);
    by_reference(t, &p, true, framing);
    p = troupe_resumption(t);
    by_reference(t, &p, false, framing);
}

static void extensions_reference(struct troupe *t, enum framing framing)
{
    const struct mls_proposal p = troupe_extensions(t, true);
    by_reference(t, &p, true, framing);
}

static void reinit_reference(struct troupe *t, enum framing framing)
{
    const struct mls_proposal p = reinit(t);
    by_reference(t, &p, kit_coin(t->m), framing);
}

// One of each by reference, from different members, and some by value.
static void all_by_reference(struct troupe *t, enum framing framing)
{
    struct actor *whom = troupe_any(t, NULL), *by = troupe_any(t, whom), *other = by;
    while (other == whom || other == by) other = troupe_any(t, whom);
    const struct mls_proposal update = {.type = MLS_PROPOSAL_UPDATE}, gone = troupe_remove(whom);
    const struct mls_proposal p[] = {troupe_add(t, troupe_hire(t)), troupe_external_psk(t, 0), troupe_resumption(t),
                                     troupe_extensions(t, true)};
    for (size_t i = 0; i < sizeof p / sizeof *p; i++) troupe_propose(t, i % 2 ? by : other, &p[i], framing);
    troupe_propose(t, other, &update, framing);
    troupe_propose(t, whom, &update, framing); // loses against its removal
    troupe_propose(t, by, &gone, framing);
    const struct mls_proposal value[] = {troupe_external_psk(t, 1), troupe_add(t, troupe_hire(t))};
    commit_of(t, by, value, 2, true, framing);
}

// Proposals that nobody commits: the passive member hears them, and they end with the epoch.
static void uncommitted(struct troupe *t, enum framing framing)
{
    const struct mls_proposal p = troupe_add(t, troupe_hire(t)), update = {.type = MLS_PROPOSAL_UPDATE};
    struct actor *by = troupe_any(t, NULL);
    troupe_propose(t, by, &update, framing);
    troupe_propose(t, troupe_any(t, by), &p, framing);
    troupe_commit(t, troupe_any(t, by), &(struct mls_commit_params){.without_waiting = true}, framing, NULL);
}

// ----------------------------------------------------------------------------------------------------- from outside

static void outsider(struct troupe *t, enum framing framing)
{
    struct actor *whom = troupe_any(t, NULL);
    const struct mls_proposal p[] = {troupe_add(t, troupe_hire(t)), troupe_remove(whom), troupe_external_psk(t, 0),
                                     troupe_extensions(t, true)};
    for (size_t i = 0; i < sizeof p / sizeof *p; i++) troupe_propose_outside(t, &p[i]);
    commit_of(t, troupe_any(t, whom), NULL, 0, true, framing);
}

static void outsider_reinit(struct troupe *t, enum framing framing)
{
    const struct mls_proposal p = reinit(t);
    troupe_propose_outside(t, &p);
    commit_of(t, troupe_any(t, NULL), NULL, 0, true, framing);
}

static void asked(struct troupe *t, enum framing framing)
{
    troupe_ask(t, troupe_hire(t));
    commit_of(t, troupe_any(t, NULL), NULL, 0, true, framing);
}

static void join(struct troupe *t, enum framing framing)
{
    (void)framing;
    troupe_join(t, troupe_hire(t), NULL, 0);
}

static void join_with_psk(struct troupe *t, enum framing framing)
{
    const struct mls_psk_id id = troupe_external_psk(t, 0).psk;
    (void)framing;
    troupe_join(t, troupe_hire(t), &id, 1);
}

static void resync(struct troupe *t, enum framing framing)
{
    const struct mls_psk_id id = troupe_external_psk(t, 1).psk;
    (void)framing;
    troupe_join(t, troupe_any(t, NULL), NULL, 0);
    troupe_join(t, troupe_any(t, NULL), &id, 1);
}

static void custom(struct troupe *t, enum framing framing)
{
    const struct mls_proposal p = {.type = KIT_PROPOSAL, .data = to_api(kit_random(t->m, 30))};
    by_value(t, &p, 1, false, framing);
    by_reference(t, &p, false, framing);
}

// ------------------------------------------------------------------------------------------------------------ scenes

static const struct {
    scene *play;
    bool ends;   // the group ends with it
    bool public; // external commits, which are public in any case: played once
    bool small;  // the one that stands for all where little is wanted
} scenes[] = {
    {empty, false, false, false},
    {add_value, false, false, false},
    {add_three_without_path, false, false, false},
    {remove_value, false, false, false},
    {psk_value, false, false, false},
    {extensions_value, false, false, false},
    {reinit_value, true, false, false},
    {all_by_value, false, false, false},
    {readd, false, false, false},
    {add_reference, false, false, false},
    {update_reference, false, false, true},
    {update_keys, false, false, false},
    {remove_reference, false, false, false},
    {leave, false, false, false},
    {psk_reference, false, false, false},
    {extensions_reference, false, false, false},
    {reinit_reference, true, false, false},
    {all_by_reference, false, false, false},
    {uncommitted, false, false, false},
    {outsider, false, false, false},
    {outsider_reinit, true, false, false},
    {asked, false, false, false},
    {join, false, true, false},
    {join_with_psk, false, true, false},
    {resync, false, true, false},
    {custom, false, false, false},
};

// A founder, others, and the passive member among them.
static void open_stage(struct make *m, struct troupe *t, uint32_t others)
{
    struct mls_proposal p[16];
    troupe_open(m, t, 2);
    struct actor *founder = troupe_found(t, true), *passive = NULL;
    uint32_t place = kit_below(m, others + 1);
    for (uint32_t i = 0; i <= others; i++) {
        struct actor *a = troupe_hire(t);
        if (i == place) passive = a;
        p[i] = troupe_add(t, a);
    }
    const struct mls_commit_params c = {.proposals = p,
                                        .proposal_count = others + 1,
                                        .without_path = kit_coin(m),
                                        .tree_in_welcome = m->plan->small || kit_coin(m)};
    troupe_commit(t, founder, &c, troupe_framing(t), passive);
}

// ReInits are for wide plans only, as application-defined proposals are: other implementations handle the commit of one
// apart from all others, if at all, and the published vectors have none.
static bool wanted(const struct make *m, size_t i, enum framing framing)
{
    bool odd = m->t.algo.suite != NULL && crypto_suite_id(m->t.algo.suite) % 2 == 1;
    if (m->plan->small) return scenes[i].small && framing == (odd ? LOUD : QUIET);
    if (scenes[i].public && framing != LOUD) return false;
    return m->plan->wide || (!scenes[i].ends && scenes[i].play != custom);
}

void gen_passive_commits(struct make *m)
{
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
        for (enum framing framing = LOUD; !m->t.failed && framing <= PADDED; framing++) {
            struct troupe t;
            if (!wanted(m, i, framing)) continue;
            open_stage(m, &t, m->plan->small ? 1 : kit_range(m, 3, 8));
            scenes[i].play(&t, framing);
            if (!scenes[i].ends && !m->plan->small && !m->t.failed) empty(&t, framing);
            troupe_close(&t);
        }
    }
}
