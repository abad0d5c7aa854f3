// SPDX-License-Identifier: Apache-2.0
//
// Applying a list of proposals to a staged epoch in the order of RFC 9420 §12.3: group context extensions, Updates,
// Removes, Adds. Each new leaf is validated before it enters the overlay; the group itself is only read.
#include "group/list.h"

static enum err apply_extensions(const struct mls_group *g, const struct list *l, struct mls_staged *s)
{
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < l->n; i++) {
        struct span now, before = span_of(NULL, 0);
        if (l->v[i].p.type != PROPOSAL_EXTENSIONS) continue;
        // RFC 9420 §5.3.1: "When an external_senders extension is added to the group". RFC 9420 §5.3.1: "When an
        // existing external_senders extension is updated". MLS_E_LEAF_CREDENTIAL
        (void)extensions_find(buf_span(&g->now.extensions), EXTENSION_EXTERNAL_SENDERS, &before);
        if (extensions_find(l->v[i].p.extensions, EXTENSION_EXTERNAL_SENDERS, &now) && !span_eq(now, before)) {
            e = list_leave_out(l, i, group_ask_external_senders(g->client, now));
        }
        if (e != ERR_OK || list_is_out(l, i)) continue;
        buf_wipe(&s->next.extensions);
        buf_put(&s->next.extensions, l->v[i].p.extensions);
        s->changes_extensions = true;
        e = buf_end(&s->next.extensions);
    }
    return e;
}

// The private half of an Update that this member proposed and somebody else has committed.
static enum err use_own_update(const struct mls_group *g, const struct leaf *l, struct mls_staged *s)
{
    for (size_t i = 0; i < g->n_update; i++) {
        const struct own_update *u = &g->update[i];
        if (!span_eq(buf_span(&u->encryption_key), l->encryption_key)) continue;
        uint32_t leaf = s->next.keys.leaf;
        path_keys_wipe(&s->next.keys);
        s->next.keys.leaf = leaf;
        s->next.keys.have[0] = true;
        memcpy(s->next.keys.key[0], u->leaf_key, algo_sizes(&g->algo)->nsk);
        memcpy(s->next.signature_key, u->signature_key, sizeof u->signature_key);
        return ERR_OK;
    }
    return ERR_CORRUPT; // an Update in this member's name that it has not made
}

// RFC 9420 §12.1.2: "An Update proposal is invalid if the LeafNode is invalid for an Update proposal". An own one is not
// asked for the signature that it has just been given.
static enum err check_update(const struct mls_group *g, const struct check_rules *rules, const struct item *i, bool own)
{
    struct leaf old;
    const struct leaf *new = i->p.update;
    enum err e = tree_leaf(&g->tree, i->sender, &old);
    if (e == ERR_NOT_FOUND) return rule(MLS_E_MESSAGE_SENDER);
    if (e == ERR_OK && own) e = check_leaf_fields(&g->algo, rules, new, LEAF_UPDATE);
    if (e == ERR_OK && !own) e = check_leaf(&g->algo, rules, new, LEAF_UPDATE, i->sender);
    // RFC 9420 §7.3: "encryption_key represents a different public key than the encryption_key in the leaf node being
    // replaced by the Update proposal."
    if (e == ERR_OK && span_eq(new->encryption_key, old.encryption_key)) e = rule(MLS_E_LEAF_KEY_UNCHANGED);
    // RFC 9420 §5.3.1: "When a member receives an Update proposal whose LeafNode has a new credential for the member".
    // MLS_E_LEAF_CREDENTIAL
    return e == ERR_OK && !own ? rules->credential(rules->arg, CHECK_UPDATE, new, &old) : e;
}

// `alone`: whether it has to be left out if the tree does not take it as it is now; else the whole is looked at afterwards.
static enum err apply_update(const struct mls_group *g, const struct check_rules *rules, const struct item *i, bool alone,
                             struct mls_staged *s)
{
    const struct leaf *new = i->p.update;
    enum err e = check_update(g, rules, i, false);
    if (e == ERR_OK && alone) e = check_newcomer(&s->tree, new, i->sender);
    if (e == ERR_OK && i->sender == g->now.keys.leaf) e = use_own_update(g, new, s);
    if (e == ERR_OK) e = tree_set_leaf(&s->tree, i->sender, new->raw);
    if (e == ERR_OK) e = tree_blank_path(&s->tree, i->sender);
    return e == ERR_OK ? staged_note(s, MLS_CHANGE_UPDATED, i->sender, new->raw) : e;
}

static enum err apply_remove(const struct mls_group *g, const struct item *i, struct mls_staged *s)
{
    enum err e = staged_note(s, MLS_CHANGE_REMOVED, i->p.removed, tree_leaf_raw(&s->tree, i->p.removed));
    if (e == ERR_OK) e = tree_remove(&s->tree, i->p.removed);
    if (e == ERR_OK && i->p.removed == g->now.keys.leaf && !s->mine) s->next.removed = true;
    return e;
}

struct add_work {
    const struct check_rules *rules;
    const struct list *list;
};

static enum err check_one_add(const struct algo *a, void *arg, size_t i)
{
    const struct add_work *w = arg;
    if (w->list->v[i].p.type != PROPOSAL_ADD) return ERR_OK;
    // RFC 9420 §12.1.1: "An Add proposal is invalid if the KeyPackage is invalid according to Section 10.1."
    return list_leave_out(w->list, i, key_package_check(a, w->rules, w->list->v[i].p.add));
}

static bool was_added(const struct mls_staged *s, uint32_t leaf)
{
    for (size_t i = s->added.n; i-- > 0;) {
        if (s->added.v[i] == leaf) return true;
    }
    return false;
}

// RFC 9420 §12.2: "It contains multiple Add proposals that contain KeyPackages that represent the same client according
// to the application (for example, identical signature keys)." RFC 9420 §12.2: "It contains an Add proposal with a
// KeyPackage that represents a client already in the group according to the application".
static enum err check_same_client(const struct mls_group *g, const struct mls_staged *s, const struct leaf *l)
{
    const struct mls_config *config = &g->client->config;
    struct mls_member mine, other;
    uint32_t node;
    if (tree_find_key(&s->tree, l->signature_key, INDEX_SIGNATURE, &node)) {
        return rule(was_added(s, node / 2) ? MLS_E_PROPOSAL_ADDS_TWICE : MLS_E_PROPOSAL_ADDS_MEMBER);
    }
    if (config->same_client == NULL) return ERR_OK;
    member_of(l, 0, &mine);
    for (uint32_t leaf = 0; leaf < s->tree.leaves; leaf++) {
        struct leaf there;
        if (tree_leaf(&s->tree, leaf, &there) != ERR_OK) continue;
        member_of(&there, leaf, &other);
        if (!config->same_client(config->arg, &mine, &other)) continue;
        return rule(was_added(s, leaf) ? MLS_E_PROPOSAL_ADDS_TWICE : MLS_E_PROPOSAL_ADDS_MEMBER);
    }
    return ERR_OK;
}

static enum err apply_add(const struct mls_group *g, const struct check_rules *rules, const struct item *i, bool alone,
                          struct mls_staged *s)
{
    const struct leaf *l = &i->p.add->leaf;
    uint32_t leaf = 0;
    enum err e = check_same_client(g, s, l);
    if (e == ERR_OK && alone) e = check_newcomer(&s->tree, l, UINT32_MAX);
    if (e == ERR_OK) e = rules->credential(rules->arg, CHECK_ADD, l, NULL);
    if (e == ERR_OK) e = tree_add(&s->tree, l->raw, &leaf);
    if (e == ERR_OK) e = nodes_put(&s->added, leaf);
    return e == ERR_OK ? staged_note(s, MLS_CHANGE_ADDED, leaf, l->raw) : e;
}

enum err list_check_alone(const struct mls_group *g, const struct item *i, bool sending)
{
    // A commit may bring other extensions for this proposal to be held against: those of the group count when sending.
    struct span extensions = sending ? buf_span(&g->now.extensions) : span_of(NULL, 0);
    struct check_rules rules = group_rules(g, extensions, sending);
    enum err e = list_check_item(g, i, (struct committer){SENDER_MEMBER, UINT32_MAX});
    if (e != ERR_OK) return e;
    switch (i->p.type) {
    case PROPOSAL_ADD:
        // RFC 9420 §10.1: "When a KeyPackage is received by a group member in an Add message". And of its credential,
        // RFC 9420 §5.3.1: "When a member receives an Add proposal adding a member to the group". MLS_E_LEAF_CREDENTIAL
        e = key_package_check(&g->algo, &rules, i->p.add);
        return e == ERR_OK ? rules.credential(rules.arg, CHECK_ADD, &i->p.add->leaf, NULL) : e;
    case PROPOSAL_UPDATE: return check_update(g, &rules, i, sending);
    default: return proposal_is_custom(i->p.type) ? list_check_custom(g, i->p.type) : ERR_OK;
    }
}

static enum err apply_reinit(const struct list *l, struct mls_staged *s)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->v[i].p.type == PROPOSAL_REINIT) reinit_write(&s->next.reinit, &l->v[i].p.reinit);
    }
    return buf_end(&s->next.reinit);
}

enum err list_apply(const struct mls_group *g, const struct list *l, struct committer by, bool sending,
                    struct mls_staged *s)
{
    (void)by;
    // RFC 9420 §12.3: "The client MUST apply the proposals in the list in the following order".
    enum err e = apply_extensions(g, l, s);
    // RFC 9420 §12.3: "The new extensions MUST be used when evaluating other proposals in this list."
    struct check_rules rules = group_rules(g, buf_span(&s->next.extensions), sending);
    for (size_t i = 0; e == ERR_OK && i < l->n; i++) {
        if (l->v[i].p.type != PROPOSAL_UPDATE) continue;
        e = list_leave_out(l, i, apply_update(g, &rules, &l->v[i], l->out != NULL, s));
    }
    for (size_t i = 0; e == ERR_OK && i < l->n; i++) {
        if (l->v[i].p.type == PROPOSAL_REMOVE) e = apply_remove(g, &l->v[i], s);
    }
    if (e == ERR_OK) e = parallel_run(&g->algo, rules.executor, l->n, check_one_add, &(struct add_work){&rules, l});
    for (size_t i = 0; e == ERR_OK && i < l->n; i++) {
        if (l->v[i].p.type != PROPOSAL_ADD || list_is_out(l, i)) continue;
        e = list_leave_out(l, i, apply_add(g, &rules, &l->v[i], l->out != NULL, s));
    }
    return e == ERR_OK ? apply_reinit(l, s) : e;
}
