// SPDX-License-Identifier: Apache-2.0
//
// Processing a commit (RFC 9420 §12.4.2): the receiver's mirror of commit.c. Works on a staged epoch, which is freed on
// the first violation.
#include "group/receive.h"

// Whether a leaf brings a credential or key that the application has not seen in the leaf before it.
static bool is_new_credential(const struct leaf *now, const struct leaf *before)
{
    return before == NULL || !span_eq(now->credential.raw, before->credential.raw) ||
           !span_eq(now->signature_key, before->signature_key);
}

// The leaf that an external commit removes, if it does: the joiner's former appearance.
static bool find_replaced(const struct mls_group *g, const struct list *l, struct leaf *out)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->v[i].p.type == PROPOSAL_REMOVE) return tree_leaf(&g->tree, l->v[i].p.removed, out) == ERR_OK;
    }
    return false;
}

static enum err check_path_leaf(const struct mls_group *g, const struct mls_staged *s, const struct commit *c,
                                struct committer by, const struct leaf *before)
{
    struct check_rules rules = group_rules(g, buf_span(&s->next.extensions), false);
    const struct leaf *l = &c->path.leaf;
    // RFC 9420 §12.4.2: "Verify that the encryption_key value in the LeafNode is different from the committer's current
    // leaf node." And of a resync, RFC 9420 §12.2: "the LeafNode in the path field of the external Commit MUST meet the
    // same criteria as would the LeafNode in an Update for the removed leaf".
    if (before != NULL && span_eq(l->encryption_key, before->encryption_key)) return rule(MLS_E_LEAF_KEY_UNCHANGED);
    // RFC 9420 §12.4.2: "Validate the LeafNode as specified in Section 7.3." RFC 9420 §12.4.2: "The leaf_node_source
    // field MUST be set to commit." MLS_E_LEAF_SOURCE
    enum err e = check_leaf(&g->algo, &rules, l, LEAF_COMMIT, by.leaf);
    if (e != ERR_OK || !is_new_credential(l, before)) return e;
    bool joins = by.type == SENDER_NEW_COMMIT;
    // RFC 9420 §5.3.1: "When a member receives a Commit with an UpdatePath whose LeafNode has a new credential for the
    // committer". MLS_E_LEAF_CREDENTIAL. And of a resync, RFC 9420 §12.2: "the credential in the LeafNode MUST present
    // a set of identifiers that is acceptable to the application for the removed participant."
    e = rules.credential(rules.arg, joins ? CHECK_EXTERNAL_COMMIT : CHECK_COMMIT, l, before);
    return e != ERR_OK && joins && before != NULL ? rule(MLS_E_EXTERNAL_IDENTITY) : e;
}

static enum err apply_path(const struct mls_group *g, const struct commit *c, const struct list *l,
                           struct committer *by, struct mls_staged *s)
{
    struct leaf before;
    enum err e = ERR_OK;
    bool known;
    if (by->type == SENDER_NEW_COMMIT) {
        known = find_replaced(g, l, &before);
        e = staged_assign_leaf(s, &by->leaf);
    } else {
        known = tree_leaf(&g->tree, by->leaf, &before) == ERR_OK;
    }
    s->committer = by->leaf;
    if (e == ERR_OK) e = check_path_leaf(g, s, c, *by, known ? &before : NULL);
    if (e == ERR_OK) e = path_merge(&g->algo, &s->tree, by->leaf, &c->path);
    enum mls_change_type change = by->type == SENDER_NEW_COMMIT ? MLS_CHANGE_JOINED : MLS_CHANGE_UPDATED;
    return e == ERR_OK ? staged_note(s, change, by->leaf, c->path.leaf.raw) : e;
}

// The init secret of the next epoch's schedule: the present one, or the one that a joiner sends (§8.3).
static enum err find_init(const struct mls_group *g, const struct list *l, struct committer by, struct secret *out)
{
    uint8_t sk[CRYPTO_SK_MAX], pk[CRYPTO_PK_MAX];
    const struct crypto_sizes *z = algo_sizes(&g->algo);
    if (by.type != SENDER_NEW_COMMIT) {
        *out = g->now.secrets.init;
        return ERR_OK;
    }
    // RFC 9420 §12.4.3.2: "When processing a Commit, both existing and new members MUST use the external init secret".
    // RFC 9420 §8.3: "Members of the group receive the kem_output in an ExternalInit proposal".
    enum err e = schedule_external_keys(&g->algo, &g->now.secrets.external, sk, pk);
    for (size_t i = 0; e == ERR_OK && i < l->n; i++) {
        if (l->v[i].p.type != PROPOSAL_EXTERNAL_INIT) continue;
        e = crypto_hpke_export_receive(g->algo.crypto, g->algo.suite, span_of(sk, z->nsk), span_of(pk, z->npk),
                                       l->v[i].p.kem_output, span_of(NULL, 0),
                                       span_str("MLS 1.0 external init secret"), out->b, z->nh);
    }
    mem_wipe(sk, sizeof sk);
    return e;
}

// Opens the path, derives the epoch, and checks that everybody arrives at the same (§12.4.2).
static enum err enter(struct mls_group *g, const struct frame *f, const struct commit *c, const struct list *l,
                      struct committer by, struct mls_staged *s)
{
    struct secret init, psk_secret, commit_secret = {{0}};
    enum err e = ERR_OK;
    if (c->has_path) {
        e = staged_encode_context(s);
        if (e == ERR_OK) {
            e = path_open(&g->algo, &s->tree, by.leaf, &c->path, &s->added, buf_span(&s->next.context), &s->next.keys,
                          &commit_secret);
        }
    }
    if (e == ERR_OK) e = find_init(g, l, by, &init);
    if (e == ERR_OK) e = list_psk_secret(g, l, &psk_secret, NULL);
    const struct staged_inputs in = {&init, &commit_secret, &psk_secret};
    if (e == ERR_OK) e = staged_derive(s, &in, f, NULL, NULL);
    // RFC 9420 §12.4.2: "compute the confirmation tag for this message, as described below, and verify that it is the
    // same as the confirmation_tag field in the FramedContentAuthData object."
    size_t nh = algo_nh(&g->algo);
    if (e == ERR_OK && (f->confirmation_tag.n != nh || !mem_equal(f->confirmation_tag.p, s->next.tag, nh))) {
        e = rule(MLS_E_MESSAGE_CONFIRMATION_TAG);
    }
    mem_wipe(&init, sizeof init);
    mem_wipe(&psk_secret, sizeof psk_secret);
    mem_wipe(&commit_secret, sizeof commit_secret);
    return e;
}

static enum err stage(struct mls_group *g, const struct frame *f, const struct commit *c, const struct list *l,
                      struct committer by, struct mls_staged *s)
{
    enum err e = list_apply(g, l, by, false, s);
    if (e == ERR_OK && c->has_path) e = apply_path(g, c, l, &by, s);
    if (e == ERR_OK) e = staged_check(s);
    // A member that is removed cannot follow into the new epoch, and learns no more than that (§12.4.2).
    if (e != ERR_OK || s->next.removed) return e;
    return enter(g, f, c, l, by, s);
}

enum err process_commit(struct mls_group *g, const struct frame *f, struct mls_staged **out)
{
    struct commit c;
    struct list l = {0};
    struct mls_staged *s = NULL;
    struct committer by = {f->sender_type, f->sender};
    enum err e = commit_decode(f->body, &c);
    if (e == ERR_OK) e = list_of_commit(g, &c, by, &l);
    // RFC 9420 §12.4.2: "Verify that the proposals vector is valid according to the rules in Section 12.2."
    if (e == ERR_OK) e = list_check(g, &l, by);
    // RFC 9420 §12.4.2: "Verify that the path value is populated if the proposals vector contains any Update or Remove
    // proposals, or if it's empty."
    if (e == ERR_OK && !c.has_path && list_needs_path(g, &l)) e = rule(MLS_E_PATH_MISSING);
    if (e == ERR_OK) e = staged_new(g, by.leaf, &s);
    if (e == ERR_OK) e = stage(g, f, &c, &l, by, s);
    list_free(&l);
    if (e == ERR_OK) *out = s;
    else mls_staged_free(s);
    return e;
}
