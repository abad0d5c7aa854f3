// SPDX-License-Identifier: Apache-2.0
//
// Generators of welcome and of passive-client-welcome.
#include "vectors/make/generators.h"
#include "vectors/make/troupe.h"

// ----------------------------------------------------------------------------------------------------- welcome

// `adds` members in one commit; the first of them is the one of the case.
static void welcome_case(struct make *m, size_t adds, bool path, bool tree_inside)
{
    struct troupe t;
    struct mls_proposal p[4];
    struct mls_commit c = {0};
    struct mls_private_part part;
    troupe_open(m, &t, 0);
    struct actor *founder = troupe_found(&t, kit_coin(m)), *first = NULL;
    for (size_t i = 0; i < adds; i++) {
        struct actor *a = troupe_hire(&t);
        p[i] = troupe_add(&t, a);
        if (i == 0) first = a;
    }
    const struct mls_commit_params params = {
        .proposals = p, .proposal_count = adds, .without_path = !path, .tree_in_welcome = tree_inside};
    if (!m->t.failed && trial_ok(&m->t, (enum err)mls_group_commit(founder->group, &params, &c), "commit") &&
        trial_ok(&m->t, (enum err)mls_private_part_read(to_api(first->private_part), &part), "keys")) {
        json_t *o = kit_case(m);
        kit_bytes(m, o, "init_priv", from_api(part.init_key));
        kit_bytes(m, o, "signer_pub", founder->signer.pk);
        kit_bytes(m, o, "key_package", first->key_package);
        kit_bytes(m, o, "welcome", span_of(c.welcome.data, c.welcome.size));
    }
    mls_commit_free(&c);
    troupe_close(&t);
}

void gen_welcome(struct make *m)
{
    welcome_case(m, 1, false, false);
    if (m->plan->small) return;
    for (uint32_t i = 0; i < 8; i++) welcome_case(m, 1 + i % 4, i % 2 == 0, i / 4 == 0);
}

// ------------------------------------------------------------------------------------------- passive-client-welcome

// A commit of a random member that adds n others, beside the passive one if there is any.
static void add_all(struct troupe *t, size_t n, const struct mls_commit_params *like, size_t psks,
                    struct actor *passive)
{
    struct mls_proposal p[64];
    struct mls_commit_params params = *like;
    size_t at = 0, place = n > 0 ? kit_below(t->m, (uint32_t)n + 1) : 0;
    for (size_t i = 0; i <= n && i < 40; i++) {
        if (passive != NULL && i == place) p[at++] = troupe_add(t, passive);
        if (i < n) p[at++] = troupe_add(t, troupe_hire(t));
    }
    for (size_t i = 0; i < psks; i++) p[at++] = troupe_external_psk(t, i);
    params.proposals = p;
    params.proposal_count = at;
    troupe_commit(t, troupe_any(t, NULL), &params, troupe_framing(t), passive);
}

// Some members leave, so that there are blanks and holes to be filled.
static void thin_out(struct troupe *t, size_t n)
{
    const struct mls_commit_params params = {0};
    for (size_t i = 0; !t->m->t.failed && i < n && troupe_size(t) > 2; i++) {
        struct actor *whom = troupe_any(t, NULL), *by = troupe_any(t, whom);
        struct mls_proposal p = troupe_remove(whom);
        struct mls_commit_params c = params;
        c.proposals = &p;
        c.proposal_count = 1;
        troupe_commit(t, by, &c, troupe_framing(t), NULL);
    }
}

struct welcome_plan {
    size_t before, leave; // members before the passive one comes, and how many of them leave
    size_t beside, psks;  // who is added together with it, and external PSKs in that commit
    bool outsider;
};

static void passive_case(struct make *m, const struct welcome_plan *w, bool tree_inside, bool path)
{
    struct troupe t;
    troupe_open(m, &t, w->psks);
    (void)troupe_found(&t, w->outsider);
    const struct mls_commit_params plain = {.tree_in_welcome = true};
    if (w->before > 0) add_all(&t, w->before, &plain, 0, NULL);
    for (size_t i = 0; i < 2 && !m->t.failed; i++) {
        troupe_commit(&t, troupe_any(&t, NULL), &(struct mls_commit_params){0}, troupe_framing(&t), NULL);
    }
    thin_out(&t, w->leave);
    if (w->outsider) {
        struct mls_proposal p = troupe_extensions(&t, true);
        const struct mls_commit_params c = {.proposals = &p, .proposal_count = 1};
        troupe_commit(&t, troupe_any(&t, NULL), &c, troupe_framing(&t), NULL);
    }
    const struct mls_commit_params last = {.without_path = !path, .tree_in_welcome = tree_inside};
    add_all(&t, w->beside, &last, w->psks, troupe_hire(&t));
    troupe_close(&t);
}

void gen_passive_welcome(struct make *m)
{
    static const struct welcome_plan plans[] = {
        {.before = 1},
        {.before = 1, .psks = 1},
        {.before = 0, .beside = 3, .psks = 3},
        {.before = 6, .leave = 2, .beside = 0},
        {.before = 9, .leave = 5, .beside = 2, .psks = 2, .outsider = true},
        {.before = 31},
        {.before = 30, .leave = 3, .beside = 8, .psks = 1},
    };
    // Small: one case, with the tree in the Welcome for one half of the suites, and beside it for the other.
    if (m->plan->small) {
        bool odd = crypto_suite_id(m->t.algo.suite) % 2 == 1;
        passive_case(m, &plans[1], odd, !odd);
        return;
    }
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        for (int inside = 0; inside < 2; inside++) {
            for (int path = 0; path < 2; path++) {
                if (!m->t.failed) passive_case(m, &plans[i], inside, path);
            }
        }
    }
}
