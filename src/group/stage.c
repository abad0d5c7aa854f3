// SPDX-License-Identifier: Apache-2.0
//
// Staged epochs: built on an overlay beside the group, derived, and then merged or dropped. Merging first makes sure of
// all the memory that it needs, and then only moves things, so that it either happens or does not.
#include "group/list.h"

enum err staged_new(struct mls_group *g, uint32_t committer, struct mls_staged **out)
{
    struct mls_staged *s = mem_new(sizeof *s);
    if (s == NULL) return ERR_MEMORY;
    s->group = g;
    s->base = g->now.number;
    s->committer = committer;
    tree_overlay(&s->tree, &g->tree);
    secret_tree_init(&s->secrets, 1);
    buf_init(&s->next.extensions, TLS_VECTOR_MAX);
    buf_init(&s->next.context, TLS_VECTOR_MAX);
    buf_init(&s->next.reinit, TLS_VECTOR_MAX);
    buf_put(&s->next.extensions, buf_span(&g->now.extensions));
    s->next.number = g->now.number + 1;
    s->next.confirmed_n = g->now.confirmed_n;
    memcpy(s->next.confirmed, g->now.confirmed, sizeof s->next.confirmed);
    memcpy(s->next.signature_key, g->now.signature_key, sizeof s->next.signature_key);
    s->next.keys = g->now.keys;
    if (buf_end(&s->next.extensions) != ERR_OK) {
        mls_staged_free(s);
        return ERR_MEMORY;
    }
    *out = s;
    return ERR_OK;
}

void mls_staged_free(struct mls_staged *s)
{
    if (s == NULL) return;
    for (size_t i = 0; i < s->n_change; i++) buf_wipe(&s->change[i].raw);
    mem_free(s->change);
    nodes_free(&s->added);
    tree_wipe(&s->tree);
    secret_tree_wipe(&s->secrets);
    secret_step_wipe(&s->step);
    epoch_wipe(&s->next);
    mem_free_wiped(s, sizeof *s);
    mem_wipe_stack();
}

enum err staged_note(struct mls_staged *s, enum mls_change_type type, uint32_t leaf, struct span raw)
{
    if (s->n_change == s->cap_change) {
        size_t cap = s->cap_change ? s->cap_change * 2 : 4;
        struct staged_change *bigger = mem_new_array(cap, sizeof *bigger);
        if (bigger == NULL) return ERR_MEMORY;
        if (s->n_change > 0) memcpy(bigger, s->change, s->n_change * sizeof *bigger);
        mem_free(s->change);
        s->change = bigger;
        s->cap_change = cap;
    }
    struct staged_change *c = &s->change[s->n_change];
    *c = (struct staged_change){.type = type, .leaf = leaf};
    buf_init(&c->raw, TLS_VECTOR_MAX);
    buf_put(&c->raw, raw);
    if (buf_end(&c->raw) != ERR_OK) {
        buf_wipe(&c->raw);
        return ERR_MEMORY;
    }
    s->n_change++;
    return ERR_OK;
}

enum err staged_check(const struct mls_staged *s)
{
    // RFC 9420 §12.2: "After processing the Commit the ratchet tree is invalid".
    enum err e = check_overlay(&s->tree);
    if (e == ERR_OK && s->changes_extensions) e = check_extensions(&s->tree, buf_span(&s->next.extensions));
    return e;
}

enum err staged_assign_leaf(struct mls_staged *s, uint32_t *leaf)
{
    // RFC 9420 §12.4.2: "If this is an external Commit, assign the sender the leftmost blank leaf node in the new ratchet
    // tree."
    *leaf = tree_first_blank(&s->tree);
    return *leaf == s->tree.leaves ? tree_extend(&s->tree) : ERR_OK;
}

enum err staged_encode_context(struct mls_staged *s)
{
    const struct algo *a = &s->group->algo;
    enum err e = tree_hash(a, &s->tree, math_root(s->tree.leaves), s->next.tree_hash);
    return e == ERR_OK ? epoch_encode_context(s->group, &s->next) : e;
}

enum err staged_derive(struct mls_staged *s, const struct staged_inputs *in, const struct frame *commit,
                       struct secret *joiner, struct secret *member)
{
    const struct mls_group *g = s->group;
    const struct algo *a = &g->algo;
    struct secret epoch_secret, join, memb;
    struct frame_transcript t;
    frame_transcript(commit, &t);
    size_t nh = algo_nh(a);
    enum err e = schedule_confirmed_hash(a, span_of(g->now.interim, nh), t.parts, FRAME_TRANSCRIPT_PARTS,
                                         s->next.confirmed);
    s->next.confirmed_n = nh;
    if (e == ERR_OK) e = staged_encode_context(s);
    struct span context = buf_span(&s->next.context);
    if (e == ERR_OK) e = schedule_joiner(a, in->init, in->commit_secret, context, &join);
    if (e == ERR_OK) e = schedule_member(a, &join, in->psk_secret, &memb);
    if (e == ERR_OK) e = schedule_epoch_secret(a, &memb, context, &epoch_secret);
    if (e == ERR_OK) {
        secret_tree_wipe(&s->secrets);
        e = epoch_derive(a, &epoch_secret, s->tree.leaves, &s->next, &s->secrets);
    }
    if (e == ERR_OK && joiner != NULL) *joiner = join;
    if (e == ERR_OK && member != NULL) *member = memb;
    if (e == ERR_OK) path_keys_prune(&s->next.keys, &s->tree);
    s->ready = e == ERR_OK;
    mem_wipe(&join, sizeof join);
    mem_wipe(&memb, sizeof memb);
    mem_wipe(&epoch_secret, sizeof epoch_secret);
    return e;
}

// ------------------------------------------------------------------------------------------------- looking at it

uint64_t mls_staged_epoch(const struct mls_staged *s) { return s->next.number; }
uint32_t mls_staged_committer(const struct mls_staged *s) { return s->committer; }
bool mls_staged_removes_me(const struct mls_staged *s) { return s->next.removed; }
bool mls_staged_reinit(const struct mls_staged *s) { return s->next.reinit.n > 0; }
bool mls_staged_changes_extensions(const struct mls_staged *s) { return s->changes_extensions; }
struct mls_span mls_staged_extensions(const struct mls_staged *s)
{
    return (struct mls_span){s->next.extensions.p, s->next.extensions.n};
}

bool mls_staged_next_change(const struct mls_staged *s, size_t *at, struct mls_change *out)
{
    struct leaf l;
    if (*at >= s->n_change) return false;
    const struct staged_change *c = &s->change[(*at)++];
    if (leaf_decode(buf_span(&c->raw), &l) != ERR_OK) return false;
    out->type = c->type;
    member_of(&l, c->leaf, &out->member);
    return true;
}

enum mls_error mls_staged_export(const struct mls_staged *s, const char *label, struct mls_span context, size_t size,
                                 struct mls_buf *out)
{
    struct buf b;
    buf_init(&b, size);
    *out = (struct mls_buf){0};
    if (!s->ready) return MLS_E_GROUP_INACTIVE;
    uint8_t *p = buf_grow(&b, size);
    enum err e = buf_end(&b);
    if (e == ERR_OK) e = schedule_export(&s->group->algo, &s->next.secrets.exporter, label, from_api(context), p, size);
    e = give(&b, e, out);
    mem_wipe_stack();
    return api_error(e);
}

enum mls_error mls_staged_epoch_authenticator(const struct mls_staged *s, struct mls_buf *out)
{
    struct buf b;
    buf_init(&b, CRYPTO_HASH_MAX);
    *out = (struct mls_buf){0};
    if (!s->ready) return MLS_E_GROUP_INACTIVE;
    buf_put(&b, secret_span(&s->group->algo, &s->next.secrets.authenticator));
    return api_error(give(&b, buf_end(&b), out));
}

enum mls_error mls_staged_tree(const struct mls_staged *s, struct mls_buf *out)
{
    struct buf b;
    buf_init(&b, TLS_VECTOR_MAX);
    *out = (struct mls_buf){0};
    if (!s->ready) return MLS_E_GROUP_INACTIVE;
    return api_error(give(&b, tree_encode(&s->tree, &b), out));
}
