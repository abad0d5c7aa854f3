// SPDX-License-Identifier: Apache-2.0
//
// Lists of proposals: collecting them and holding them against RFC 9420 §12.1 and §12.2. Rules that depend on the tree
// as it will be are checked while the list is applied (apply.c).
#include "group/list.h"

// More than any commit can sensibly have: each of 2^20 leaves removed, and as many added.
enum { LIST_MAX = 2 * TREE_MAX_LEAVES, PSK_MAX = 1024 };

bool list_failed_for_good(enum err e) { return e == ERR_MEMORY || e == ERR_RANDOM || e == ERR_CRYPTO; }

enum err list_leave_out(const struct list *l, size_t i, enum err e)
{
    if (e == ERR_OK || l->out == NULL || l->v[i].reference.n == 0 || list_failed_for_good(e)) return e;
    l->out[i] = true;
    return ERR_OK;
}

enum err list_reserve(struct list *l, size_t n)
{
    if (n <= l->cap) return ERR_OK;
    if (n > LIST_MAX) return ERR_LIMIT;
    size_t cap = l->cap ? l->cap : 8;
    while (cap < n) cap *= 2;
    struct item *v = mem_new_array(cap, sizeof *v);
    struct proposal_body *body = mem_new_array(cap, sizeof *body);
    if (v == NULL || body == NULL) {
        mem_free(v);
        mem_free(body);
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < l->n; i++) {
        v[i] = l->v[i];
        body[i] = l->body[i];
        if (v[i].p.type == PROPOSAL_ADD) v[i].p.add = &body[i].key_package;
        if (v[i].p.type == PROPOSAL_UPDATE) v[i].p.update = &body[i].leaf;
    }
    mem_free(l->v);
    mem_free(l->body);
    l->v = v;
    l->body = body;
    l->cap = cap;
    return ERR_OK;
}

void list_free(struct list *l)
{
    mem_free(l->v);
    mem_free(l->body);
    mem_free(l->out);
    *l = (struct list){0};
}

enum err list_put(struct list *l, struct span raw, enum sender_type type, uint32_t sender, struct span reference)
{
    enum err e = list_reserve(l, l->n + 1);
    if (e != ERR_OK) return e;
    struct item *i = &l->v[l->n];
    *i = (struct item){.sender_type = type, .sender = sender, .reference = reference};
    e = proposal_decode(raw, &i->p, &l->body[l->n]);
    if (e == ERR_OK) l->n++;
    return e;
}

enum err list_of_commit(const struct mls_group *g, const struct commit *c, struct committer by, struct list *out)
{
    struct span raw, reference;
    // A stranger can send this: more than it may contain (§12.2) is not even listed.
    if (by.type == SENDER_NEW_COMMIT && c->n > PSK_MAX + 2) return ERR_LIMIT;
    enum err e = list_reserve(out, c->n);
    for (size_t at = 0; e == ERR_OK && commit_next(c, &at, &raw, &reference);) {
        if (reference.n == 0) {
            e = list_put(out, raw, by.type, by.leaf, reference);
            continue;
        }
        // RFC 9420 §12.4.3.2: "The Commit MUST NOT include any proposals by reference".
        if (by.type == SENDER_NEW_COMMIT) return rule(MLS_E_EXTERNAL_REFERENCE);
        const struct waiting *w = group_find_waiting(g, reference);
        struct frame f;
        if (w == NULL) return rule(MLS_E_PROPOSAL_UNKNOWN);
        e = frame_decode_authenticated(buf_span(&w->raw), &f);
        if (e == ERR_OK) e = list_put(out, f.body, f.sender_type, f.sender, span_of(w->ref, algo_nh(&g->algo)));
    }
    return e;
}

static const struct mls_custom_proposal *find_custom(const struct mls_group *g, uint16_t type)
{
    for (size_t i = 0; i < g->client->config.custom_proposal_count; i++) {
        if (g->client->config.custom_proposals[i].type == type) return &g->client->config.custom_proposals[i];
    }
    return NULL;
}

enum err list_check_custom(const struct mls_group *g, uint16_t type)
{
    return find_custom(g, type) != NULL ? ERR_OK : rule(MLS_E_PROPOSAL_TYPE);
}

bool list_needs_path(const struct mls_group *g, const struct list *l)
{
    // RFC 9420 §12.4: "By default, the path field of a Commit MUST be populated." MLS_E_PATH_MISSING
    if (l->n == 0) return true;
    for (size_t i = 0; i < l->n; i++) {
        uint16_t type = l->v[i].p.type;
        const struct mls_custom_proposal *custom = find_custom(g, type);
        if (type == PROPOSAL_UPDATE || type == PROPOSAL_REMOVE || type == PROPOSAL_EXTERNAL_INIT ||
            type == PROPOSAL_EXTENSIONS || (proposal_is_custom(type) && (custom == NULL || custom->path_required))) {
            return true;
        }
    }
    return false;
}

enum err list_check_sender(const struct mls_group *g, uint16_t type, enum sender_type sender)
{
    const struct mls_custom_proposal *custom = find_custom(g, type);
    bool external = type == PROPOSAL_ADD || type == PROPOSAL_REMOVE || type == PROPOSAL_PSK ||
                    type == PROPOSAL_REINIT || type == PROPOSAL_EXTENSIONS ||
                    (custom != NULL && custom->external_allowed);
    // RFC 9420 §12.1.8: "Messages from external senders containing proposal types other than the above MUST be rejected
    // as malformed."
    if (sender == SENDER_EXTERNAL && !external) return rule(MLS_E_PROPOSAL_SENDER);
    // RFC 9420 §6.1: "the proposal_type of the Proposal MUST be add."
    if (sender == SENDER_NEW_PROPOSAL && type != PROPOSAL_ADD) return rule(MLS_E_PROPOSAL_SENDER);
    return ERR_OK;
}

// RFC 9420 §12.2: "a Proposal with a non-default proposal type that is not supported by some members of the group that
// will process the Commit (i.e., members being added or removed by the Commit do not need to support the proposal type)."
static enum err check_custom(const struct mls_group *g, const struct list *l, uint16_t type)
{
    size_t members = g->tree.members, support = tree_count(&g->tree, COUNT_PROPOSAL_SUPPORTED, type);
    for (size_t i = 0; i < l->n; i++) {
        struct leaf leaf;
        if (l->v[i].p.type != PROPOSAL_REMOVE || tree_leaf(&g->tree, l->v[i].p.removed, &leaf) != ERR_OK) continue;
        members--;
        if (types_contain(leaf.capabilities.proposals, type)) support--;
    }
    return support == members ? ERR_OK : rule(MLS_E_PROPOSAL_TYPE);
}

// Each type is looked at once, however often it stands there: those that this client knows are few.
static enum err check_customs(const struct mls_group *g, const struct list *l)
{
    struct verdict {
        bool known;
        enum err e;
    } *verdict = mem_new_array(g->client->config.custom_proposal_count, sizeof *verdict);
    enum err e = verdict == NULL ? ERR_MEMORY : ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < l->n; i++) {
        uint16_t type = l->v[i].p.type;
        if (!proposal_is_custom(type)) continue;
        const struct mls_custom_proposal *custom = find_custom(g, type);
        struct verdict unknown = {true, rule(MLS_E_PROPOSAL_TYPE)};
        struct verdict *v = custom != NULL ? &verdict[custom - g->client->config.custom_proposals] : &unknown;
        if (!v->known) *v = (struct verdict){true, check_custom(g, l, type)};
        e = list_leave_out(l, i, v->e);
    }
    mem_free(verdict);
    return e;
}

// When a PreSharedKey proposal is invalid.
static enum err check_psk(const struct mls_group *g, const struct psk_id *psk)
{
    if (psk->type == PSK_RESUMPTION && psk->usage != PSK_APPLICATION) {
        // RFC 9420 §12.1.4: "The PreSharedKey proposal is not being processed as part of a reinitialization of the
        // group […] usage set to reinit." RFC 9420 §12.1.4: "The PreSharedKey proposal is not being processed as part
        // of a subgroup branching operation […] usage set to branch." The first commit of a related group is made in
        // related.c, and nobody processes it.
        if (g->parent == NULL) return rule(MLS_E_PROPOSAL_PSK_USAGE);
    }
    // RFC 9420 §12.1.4: "The psk_nonce is not of length KDF.Nh."
    return psk->nonce.n == algo_nh(&g->algo) ? ERR_OK : rule(MLS_E_PROPOSAL_PSK_NONCE);
}

enum err list_check_item(const struct mls_group *g, const struct item *i, struct committer by)
{
    enum err e = list_check_sender(g, i->p.type, i->sender_type);
    if (e != ERR_OK) return e;
    switch (i->p.type) {
    case PROPOSAL_UPDATE:
        // An Update replaces its sender's leaf: only a member has one.
        if (i->sender_type != SENDER_MEMBER) return rule(MLS_E_PROPOSAL_SENDER);
        // RFC 9420 §12.2: "It contains an Update proposal generated by the committer."
        return i->sender == by.leaf ? rule(MLS_E_PROPOSAL_OWN_UPDATE) : ERR_OK;
    case PROPOSAL_REMOVE:
        // RFC 9420 §12.1.3: "invalid if the removed field does not identify a non-blank leaf node."
        if (tree_leaf_raw(&g->tree, i->p.removed).n == 0) return rule(MLS_E_PROPOSAL_REMOVES_NOBODY);
        // RFC 9420 §12.2: "It contains a Remove proposal that removes the committer."
        return by.type == SENDER_MEMBER && i->p.removed == by.leaf ? rule(MLS_E_PROPOSAL_REMOVES_COMMITTER) : ERR_OK;
    case PROPOSAL_PSK: return check_psk(g, &i->p.psk);
    case PROPOSAL_REINIT:
        // RFC 9420 §12.1.5: "invalid if the version field is less than the version for the current group."
        return i->p.reinit.version < MLS_VERSION ? rule(MLS_E_PROPOSAL_REINIT_VERSION) : ERR_OK;
    case PROPOSAL_EXTERNAL_INIT:
        // RFC 9420 §12.2: "It contains an ExternalInit proposal."
        return by.type == SENDER_MEMBER ? rule(MLS_E_PROPOSAL_EXTERNAL_INIT) : ERR_OK;
    default: return ERR_OK;
    }
}

// What an external commit may contain (§12.2).
static enum err check_external(const struct list *l)
{
    size_t inits = 0, removes = 0;
    for (size_t i = 0; i < l->n; i++) {
        uint16_t type = l->v[i].p.type;
        if (type == PROPOSAL_EXTERNAL_INIT) inits++;
        else if (type == PROPOSAL_REMOVE) removes++;
        // RFC 9420 §12.2: "No other proposals"
        else if (type != PROPOSAL_PSK) return rule(MLS_E_EXTERNAL_PROPOSAL);
    }
    // RFC 9420 §12.2: "Exactly one ExternalInit"
    if (inits != 1) return rule(MLS_E_EXTERNAL_INIT);
    // RFC 9420 §12.2: "At most one Remove proposal, with which the joiner removes an old version of themselves."
    return removes > 1 ? rule(MLS_E_EXTERNAL_REMOVE) : ERR_OK;
}

// Rules about pairs of proposals.
static enum err check_pairs(const struct list *l)
{
    struct map leaves;
    size_t extensions = 0, psks = 0;
    enum err e = ERR_OK;
    map_init(&leaves, 0);
    for (size_t i = 0; e == ERR_OK && i < l->n; i++) {
        const struct proposal *p = &l->v[i].p;
        // RFC 9420 §12.2: "It contains a ReInit proposal together with any other proposal."
        if (p->type == PROPOSAL_REINIT && l->n > 1) e = rule(MLS_E_PROPOSAL_REINIT_ALONE);
        // RFC 9420 §12.2: "It contains multiple GroupContextExtensions proposals."
        if (p->type == PROPOSAL_EXTENSIONS && extensions++ > 0) e = rule(MLS_E_PROPOSAL_EXTENSIONS_TWICE);
        // RFC 9420 §12.2: "It contains multiple Update and/or Remove proposals that apply to the same leaf."
        if (p->type == PROPOSAL_UPDATE || p->type == PROPOSAL_REMOVE) {
            uint32_t leaf = p->type == PROPOSAL_UPDATE ? l->v[i].sender : p->removed;
            if (map_get(&leaves, leaf) != NULL) e = rule(MLS_E_PROPOSAL_SAME_LEAF);
            else if (map_put(&leaves, leaf) == NULL) e = ERR_MEMORY;
        }
        // RFC 9420 §12.2: "It contains multiple PreSharedKey proposals that reference the same PreSharedKeyID."
        if (p->type == PROPOSAL_PSK && psks++ == PSK_MAX) e = ERR_LIMIT;
        for (size_t j = 0; p->type == PROPOSAL_PSK && e == ERR_OK && j < i; j++) {
            const struct proposal *q = &l->v[j].p;
            if (q->type == PROPOSAL_PSK && span_eq(q->psk.raw, p->psk.raw)) e = rule(MLS_E_PROPOSAL_PSK_TWICE);
        }
    }
    map_wipe(&leaves);
    return e;
}

enum err list_check(const struct mls_group *g, const struct list *l, struct committer by)
{
    enum err e = by.type == SENDER_NEW_COMMIT ? check_external(l) : ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < l->n; i++) e = list_check_item(g, &l->v[i], by);
    if (e == ERR_OK) e = check_pairs(l);
    return e == ERR_OK ? check_customs(g, l) : e;
}

enum err list_psk_secret(const struct mls_group *g, const struct list *l, struct secret *psk_secret, struct buf *ids)
{
    size_t count = 0, index = 0;
    enum err e = ERR_OK;
    for (size_t i = 0; i < l->n; i++) count += l->v[i].p.type == PROPOSAL_PSK;
    if (count > UINT16_MAX) return ERR_LIMIT;
    psk_begin(psk_secret);
    for (size_t i = 0; e == ERR_OK && i < l->n; i++) {
        struct span secret;
        if (l->v[i].p.type != PROPOSAL_PSK) continue;
        const struct psk_id *id = &l->v[i].p.psk;
        // RFC 9420 §12.4.2: "Verify that all PreSharedKey proposals in the proposals vector are available."
        // MLS_E_PSK_UNKNOWN
        e = group_find_psk(g->client, g, id, &secret);
        if (e == ERR_OK) {
            e = psk_add(&g->algo, psk_secret, id, secret, (uint16_t)index++, (uint16_t)count);
        }
        if (e == ERR_OK && ids != NULL) buf_put(ids, id->raw);
    }
    if (e == ERR_OK && ids != NULL) e = buf_end(ids);
    return e;
}
