// SPDX-License-Identifier: Apache-2.0
//
// Groups that come from a group (RFC 9420 §11.2, §11.3): branches and reinitialisations. Both are a new group whose first
// commit adds the members and injects a resumption PSK of the old group, which proves that its maker was a member there.
#include "group/commit.h"
#include "group/join.h"

static bool same_identity(const struct mls_config *c, const struct leaf *a, const struct leaf *b)
{
    struct mls_member x, y;
    if (c->same_identity == NULL) return span_eq(a->credential.raw, b->credential.raw);
    member_of(a, 0, &x);
    member_of(b, 0, &y);
    return c->same_identity(c->arg, &x, &y);
}

// Whether every member of `some` has a counterpart in `all`. Most often it stands behind that of the member before, for who
// adds them all does so in the order in which they were: to begin there keeps this from taking the square of their number.
static bool all_appear(const struct mls_config *c, const struct tree *some, const struct tree *all)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < some->leaves; i++) {
        struct leaf mine, other;
        bool found = false;
        if (tree_leaf(some, i, &mine) != ERR_OK) continue;
        for (uint32_t n = 0; !found && n < all->leaves; n++) {
            uint32_t j = (next + n) % all->leaves;
            found = tree_leaf(all, j, &other) == ERR_OK && same_identity(c, &mine, &other);
            if (found) next = j + 1;
        }
        if (!found) return false;
    }
    return true;
}

static enum err check_branch(const struct mls_group *g, const struct mls_group *parent)
{
    // RFC 9420 §11.3: "The version and cipher_suite values in the Welcome message are the same as those used by the old
    // group."
    if (g->algo.suite != parent->algo.suite) return rule(MLS_E_BRANCH_MISMATCH);
    // RFC 9420 §11.3: "Each LeafNode in a new subgroup MUST match some LeafNode in the original group."
    return all_appear(&g->client->config, &g->tree, &parent->tree) ? ERR_OK : rule(MLS_E_BRANCH_MEMBERS);
}

static enum err check_reinit(const struct mls_group *g, const struct mls_group *parent)
{
    struct tls_reader r = tls_reader_of(buf_span(&parent->now.reinit));
    struct reinit x;
    // RFC 9420 §12.4.3.1: "verify that the last Commit to the referenced group contains a ReInit proposal and that the
    // group_id, version, cipher_suite, and group_context.extensions fields of the GroupInfo match the ReInit proposal."
    if (parent->now.reinit.n == 0) return rule(MLS_E_REINIT_MISMATCH);
    reinit_read(&r, &x);
    if (tls_end(&r) != ERR_OK) return ERR_CORRUPT;
    if (!span_eq(x.group_id, buf_span(&g->id)) || x.version != MLS_VERSION ||
        x.suite != crypto_suite_id(g->algo.suite) || !span_eq(x.extensions, buf_span(&g->now.extensions))) {
        return rule(MLS_E_REINIT_MISMATCH);
    }
    // RFC 9420 §12.4.3.1: "Additionally, verify that all the members of the old group are also members of the new
    // group".
    return all_appear(&g->client->config, &parent->tree, &g->tree) ? ERR_OK : rule(MLS_E_REINIT_MEMBERS);
}

enum err related_check(const struct mls_group *g, const struct mls_group *parent, const struct psk_id *psk)
{
    if (parent == NULL) return ERR_MISUSE; // what cannot be checked is not joined
    // RFC 9420 §11.2: "the group_id field matches the old group and the epoch field indicates the epoch after the
    // Commit covering the ReInit." A branch comes from the epoch that its members are in.
    if (!span_eq(psk->group_id, buf_span(&parent->id)) || psk->epoch != parent->now.number) {
        return rule(psk->usage == PSK_REINIT ? MLS_E_REINIT_MISMATCH : MLS_E_BRANCH_MISMATCH);
    }
    // RFC 9420 §12.4.3.1: "verify that the epoch field in the GroupInfo is equal to 1."
    if (g->now.number != 1) return rule(MLS_E_WELCOME_EPOCH);
    return psk->usage == PSK_REINIT ? check_reinit(g, parent) : check_branch(g, parent);
}

// The first commit of a related group: everybody is added, and the PSK injected.
static enum err first_commit(struct mls_group *g, const struct mls_group *parent, uint8_t usage,
                             const struct mls_related_params *params, struct mls_buf *welcome)
{
    size_t n = params->key_package_count;
    struct mls_proposal *p = mem_new_array(n + 1, sizeof *p);
    struct mls_commit commit = {0};
    if (p == NULL) return ERR_MEMORY;
    for (size_t i = 0; i < n; i++) p[i] = (struct mls_proposal){.type = PROPOSAL_ADD, .key_package = params->key_packages[i]};
    p[n] = (struct mls_proposal){.type = PROPOSAL_PSK,
                                 .psk = {.type = PSK_RESUMPTION,
                                         .usage = usage,
                                         .group_id = to_api(buf_span(&parent->id)),
                                         .epoch = parent->now.number}};
    const struct mls_commit_params c = {
        .proposals = p,
        .proposal_count = n + 1,
        .tree_in_welcome = params->tree_in_welcome,
        .without_path = params->without_path};
    g->parent = parent;
    enum err e = (enum err)mls_group_commit(g, &c, &commit);
    if (e == ERR_OK) e = (enum err)mls_group_merge(g, commit.staged);
    if (e == ERR_OK) commit.staged = NULL;
    g->parent = NULL;
    if (e == ERR_OK) {
        *welcome = commit.welcome;
        commit.welcome = (struct mls_buf){0};
    }
    mls_commit_free(&commit);
    mem_free(p);
    return e;
}

enum mls_error mls_group_branch(struct mls_group *g, const struct mls_related_params *params, struct mls_buf *welcome,
                                struct mls_group **out)
{
    struct mls_group *branch = NULL;
    struct buf list;
    *welcome = (struct mls_buf){0};
    *out = NULL;
    if (!group_can_send(g)) return MLS_E_GROUP_INACTIVE;
    buf_init(&list, TLS_VECTOR_MAX);
    enum err e = extensions_write(g->client, params->extensions, params->extension_count, false, &list);
    if (e == ERR_OK) {
        e = group_found(g->client, g->algo.suite, from_api(params->group_id), &params->leaf, buf_span(&list), &branch);
    }
    if (e == ERR_OK) e = first_commit(branch, g, PSK_BRANCH, params, welcome);
    if (e == ERR_OK) e = check_branch(branch, g);
    buf_wipe(&list);
    if (e == ERR_OK) {
        *out = branch;
    } else {
        mls_buf_free(welcome);
        mls_group_free(branch);
    }
    mem_wipe_stack();
    return api_error(e);
}

uint16_t mls_group_reinit_suite(const struct mls_group *g)
{
    struct tls_reader r = tls_reader_of(buf_span(&g->now.reinit));
    struct reinit x;
    if (g->now.reinit.n == 0) return 0;
    reinit_read(&r, &x);
    return tls_end(&r) == ERR_OK ? x.suite : 0;
}

enum mls_error mls_group_reinit(struct mls_group *g, const struct mls_related_params *params, struct mls_buf *welcome,
                                struct mls_group **out)
{
    struct mls_group *next = NULL;
    struct tls_reader r = tls_reader_of(buf_span(&g->now.reinit));
    struct reinit x;
    *welcome = (struct mls_buf){0};
    *out = NULL;
    if (g->now.removed) return MLS_E_GROUP_INACTIVE;
    if (g->now.reinit.n == 0) return MLS_E_MISUSE;
    reinit_read(&r, &x);
    if (tls_end(&r) != ERR_OK) return MLS_E_CORRUPT;
    if (x.version != MLS_VERSION || crypto_suite(x.suite) == NULL) return MLS_E_UNSUPPORTED;
    enum err e = group_found(g->client, crypto_suite(x.suite), x.group_id, &params->leaf, x.extensions, &next);
    if (e == ERR_OK) e = first_commit(next, g, PSK_REINIT, params, welcome);
    if (e == ERR_OK) e = check_reinit(next, g);
    if (e == ERR_OK) {
        *out = next;
    } else {
        mls_buf_free(welcome);
        mls_group_free(next);
    }
    mem_wipe_stack();
    return api_error(e);
}
