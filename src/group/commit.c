// SPDX-License-Identifier: Apache-2.0
//
// Making a commit (RFC 9420 §12.4.1): staging the next epoch, signing and protecting the Commit. Which of the waiting
// proposals go into it is decided in choose.c, Welcome and GroupInfo are made in invite.c. Nothing in the group changes but the generation of the
// handshake ratchet under which the commit is encrypted.
#include "group/commit.h"

// Encodes the proposals given by value one behind the other, and lists them.
static enum err list_by_value(struct draft *d, const struct mls_commit_params *params)
{
    const struct mls_group *g = d->group;
    size_t *from = mem_new_array(params->proposal_count + 1, sizeof *from);
    enum err e = from == NULL ? ERR_MEMORY : ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < params->proposal_count; i++) {
        from[i] = d->values.n;
        // An Update of the committer's own belongs into the path: list_check refuses it as a proposal.
        if (params->proposals[i].type == PROPOSAL_UPDATE) e = rule(MLS_E_PROPOSAL_OWN_UPDATE);
        if (e == ERR_OK) e = propose_encode(g->client, &g->algo, g, &params->proposals[i], NULL, &d->values);
    }
    if (e == ERR_OK) from[params->proposal_count] = d->values.n;
    for (size_t i = 0; e == ERR_OK && i < params->proposal_count; i++) {
        struct span raw = span_of(d->values.p + from[i], from[i + 1] - from[i]);
        e = list_put(&d->list, raw, d->by.type, d->by.leaf, span_of(NULL, 0));
    }
    mem_free(from);
    return e;
}

// ----------------------------------------------------------------------------------------------------- the commit

void draft_init(struct draft *d, struct mls_group *g, struct committer by)
{
    *d = (struct draft){.group = g, .by = by};
    struct buf *all[] = {&d->values, &d->body, &d->psk_ids, &d->message};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) buf_init(all[i], TLS_VECTOR_MAX);
}

void draft_wipe(struct draft *d)
{
    struct buf *all[] = {&d->values, &d->body, &d->psk_ids, &d->message};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) buf_wipe(all[i]);
    list_free(&d->list);
    frame_wipe(&d->frame);
    leaf_plan_wipe(&d->plan);
    path_draft_wipe(&d->path);
    mls_staged_free(d->staged);
    mem_wipe(d, sizeof *d);
}

enum err draft_path(struct draft *d)
{
    struct mls_group *g = d->group;
    struct mls_staged *s = d->staged;
    struct leaf leaf;
    struct span sk = span_of(d->plan.sk, algo_sizes(&g->algo)->nsigsk);
    enum err e = path_make(&g->algo, &g->client->executor, &g->world, &s->tree, d->by.leaf, &d->plan.like,
                           buf_span(&g->id), sk, &s->next.keys, &d->path);
    d->has_path = e == ERR_OK;
    if (e == ERR_OK) e = tree_leaf(&s->tree, d->by.leaf, &leaf);
    struct check_rules rules = group_rules(g, buf_span(&s->next.extensions), true);
    if (e == ERR_OK) e = check_leaf_fields(&g->algo, &rules, &leaf, LEAF_COMMIT);
    if (e == ERR_OK) memcpy(s->next.signature_key, d->plan.sk, sizeof s->next.signature_key);
    if (e == ERR_OK) {
        e = staged_note(s, d->by.type == SENDER_MEMBER ? MLS_CHANGE_UPDATED : MLS_CHANGE_JOINED, d->by.leaf, leaf.raw);
    }
    return e;
}

// Commit: the proposals, and the path if there is one, encrypted under the provisional GroupContext.
static enum err write_body(struct draft *d)
{
    struct mls_group *g = d->group;
    struct mls_staged *s = d->staged;
    size_t mark = tls_begin(&d->body);
    for (size_t i = 0; i < d->list.n; i++) {
        const struct item *x = &d->list.v[i];
        tls_put_u8(&d->body, x->reference.n > 0 ? COMMIT_BY_REFERENCE : COMMIT_BY_VALUE);
        if (x->reference.n > 0) tls_put_vector(&d->body, x->reference);
        else buf_put(&d->body, x->p.raw);
    }
    tls_finish(&d->body, mark);
    tls_put_u8(&d->body, d->has_path);
    enum err e = buf_end(&d->body);
    if (e != ERR_OK || !d->has_path) return e;
    e = staged_encode_context(s);
    if (e != ERR_OK) return e;
    return path_seal(&g->algo, &g->client->executor, &g->world, &s->tree, d->by.leaf, &d->path, &s->added,
                     buf_span(&s->next.context), &d->body);
}

enum err draft_finish(struct draft *d, struct span aad, const struct secret *init)
{
    static const struct secret zero;
    struct mls_group *g = d->group;
    struct mls_staged *s = d->staged;
    struct leaf own = {.signature_key = d->plan.like.signature_key};
    struct secret psk_secret;
    enum err e = staged_check(s);
    if (e == ERR_OK) e = write_body(d);
    if (e == ERR_OK) e = list_psk_secret(g, &d->list, &psk_secret, &d->psk_ids);
    if (e == ERR_OK && d->by.type == SENDER_MEMBER) e = group_own_leaf(g, &own);
    const struct frame_content c = {
        .wire = g->client->config.public_handshake || d->by.type != SENDER_MEMBER ? WIRE_PUBLIC : WIRE_PRIVATE,
        .group_id = buf_span(&g->id),
        .epoch = g->now.number,
        .sender_type = d->by.type,
        .sender = d->by.leaf,
        .aad = aad,
        .content_type = CONTENT_COMMIT,
        .body = buf_span(&d->body),
    };
    // A member signs with the key that the others know; a joiner with the one in its path.
    const uint8_t *sk = d->by.type == SENDER_MEMBER ? g->now.signature_key : d->plan.sk;
    struct span signature_key = span_of(sk, algo_sizes(&g->algo)->nsigsk);
    if (e == ERR_OK) e = frame_sign(&g->algo, &c, buf_span(&g->now.context), signature_key, own.signature_key, &d->frame);
    const struct staged_inputs in = {.init = init,
                                     .commit_secret = d->has_path ? &d->path.commit_secret : &zero,
                                     .psk_secret = &psk_secret};
    if (e == ERR_OK) e = staged_derive(s, &in, &d->frame, &d->joiner, &d->member);
    d->frame.confirmation_tag = span_of(s->next.tag, algo_nh(&g->algo));
    mem_wipe(&psk_secret, sizeof psk_secret);
    return e;
}

enum err draft_send(struct draft *d) { return group_write_frame(d->group, &d->frame, &d->message); }

// Everything behind the list of proposals.
static enum err build(struct draft *d, const struct mls_commit_params *params)
{
    struct mls_group *g = d->group;
    struct leaf old;
    enum err e = list_check(g, &d->list, d->by);
    if (e == ERR_OK) e = staged_new(g, d->by.leaf, &d->staged);
    if (e != ERR_OK) return e;
    d->staged->mine = true;
    e = list_apply(g, &d->list, d->by, true, d->staged);
    if (e == ERR_OK) e = group_own_leaf(g, &old);
    if (e == ERR_OK) e = leaf_plan_new(g->client, &g->algo, params->leaf, &old, g->now.signature_key, &d->plan);
    // RFC 9420 §12.4.1: "If the path field is required based on the proposals that are in the Commit (see above), then it
    // MUST be populated."
    if (e == ERR_OK && (list_needs_path(g, &d->list) || !params->without_path)) e = draft_path(d);
    return e == ERR_OK ? draft_finish(d, from_api(params->authenticated_data), &g->now.secrets.init) : e;
}

// Back to the list of proposals.
static void draft_clear(struct draft *d)
{
    buf_wipe(&d->body);
    buf_wipe(&d->psk_ids);
    frame_wipe(&d->frame);
    leaf_plan_wipe(&d->plan);
    path_draft_wipe(&d->path);
    mls_staged_free(d->staged);
    d->staged = NULL;
    d->has_path = false;
}

// Most often all that waits is valid, and is looked at once. If it is not, what makes it invalid is left out.
static enum err commit(struct draft *d, const struct mls_commit_params *params)
{
    enum err e = list_by_value(d, params);
    size_t given = d->list.n;
    if (e == ERR_OK && !params->without_waiting) e = draft_choose(d);
    bool waiting = d->list.n > given;
    if (e == ERR_OK) e = build(d, params);
    if (e == ERR_OK || !waiting || list_failed_for_good(e)) return e;
    draft_clear(d);
    e = draft_weed(d);
    return e == ERR_OK ? build(d, params) : e;
}

enum mls_error mls_group_commit(struct mls_group *g, const struct mls_commit_params *params, struct mls_commit *out)
{
    static const struct mls_commit_params nothing;
    struct draft d;
    *out = (struct mls_commit){0};
    if (!group_can_send(g)) return MLS_E_GROUP_INACTIVE;
    draft_init(&d, g, (struct committer){SENDER_MEMBER, g->now.keys.leaf});
    enum err e = commit(&d, params != NULL ? params : &nothing);
    if (e == ERR_OK) e = draft_invite(&d, params != NULL ? params : &nothing, out);
    if (e == ERR_OK) e = draft_send(&d);
    if (e == ERR_OK) e = give(&d.message, ERR_OK, &out->message);
    if (e == ERR_OK) {
        out->staged = d.staged;
        d.staged = NULL;
    } else {
        mls_commit_free(out);
    }
    draft_wipe(&d);
    mem_wipe_stack();
    return api_error(e);
}

void mls_commit_free(struct mls_commit *c)
{
    mls_buf_free(&c->message);
    mls_buf_free(&c->welcome);
    mls_buf_free(&c->group_info);
    mls_staged_free(c->staged);
    *c = (struct mls_commit){0};
}
