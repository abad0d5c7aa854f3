// SPDX-License-Identifier: Apache-2.0
//
// The state of a group: making and freeing it, deriving an epoch, waiting proposals, PSKs. What other files of the room
// do to a group, they do through struct epoch and the functions here.
#include "group/group.h"

enum err give(struct buf *b, enum err e, struct mls_buf *out)
{
    *out = (struct mls_buf){0};
    if (e == ERR_OK) e = buf_take(b, &out->data, &out->size);
    buf_wipe(b);
    return e;
}

void mls_buf_free(struct mls_buf *b)
{
    mem_free_wiped(b->data, b->size);
    *b = (struct mls_buf){0};
}

void member_of(const struct leaf *l, uint32_t index, struct mls_member *out)
{
    *out = (struct mls_member){
        .index = index,
        .credential_type = l->credential.type,
        .credential = to_api(l->credential.raw),
        .identity = to_api(l->credential.body),
        .signature_key = to_api(l->signature_key),
        .encryption_key = to_api(l->encryption_key),
        .extensions = to_api(l->extensions),
    };
}

void psk_from_api(const struct mls_psk_id *in, struct psk_id *out)
{
    *out = (struct psk_id){.type = in->type,
                           .usage = in->usage,
                           .id = from_api(in->id),
                           .group_id = from_api(in->group_id),
                           .epoch = in->epoch,
                           .nonce = from_api(in->nonce)};
}

// --------------------------------------------------------------------------------------------- life and death

enum err group_alloc(const struct mls_client *c, const struct crypto_suite *suite, struct span id,
                     struct mls_group **out)
{
    uint64_t seed[2];
    struct mls_group *g = mem_new(sizeof *g);
    if (g == NULL) return ERR_MEMORY;
    g->client = c;
    g->world = c->world;
    g->algo.suite = suite;
    buf_init(&g->id, TLS_VECTOR_MAX);
    buf_init(&g->gone, SIZE_MAX / 2);
    buf_init(&g->now.extensions, TLS_VECTOR_MAX);
    buf_init(&g->now.context, TLS_VECTOR_MAX);
    buf_init(&g->now.reinit, TLS_VECTOR_MAX);
    map_init(&g->dirty, 0);
    secret_tree_init(&g->secrets, 1);
    enum err e = c->world.random(c->world.arg, (uint8_t *)seed, sizeof seed);
    if (e == ERR_OK) tree_init(&g->tree, crypto_sizes(suite)->nh, seed);
    g->tree.most = c->config.max_leaves;
    if (e == ERR_OK) e = crypto_clone(c->crypto, suite, &g->algo.crypto);
    buf_put(&g->id, id);
    if (e == ERR_OK) e = buf_end(&g->id);
    if (e == ERR_OK) *out = g;
    else mls_group_free(g);
    return e;
}

void epoch_wipe(struct epoch *e)
{
    buf_wipe(&e->extensions);
    buf_wipe(&e->reinit);
    buf_wipe(&e->context);
    mem_wipe(e, sizeof *e);
}

void past_wipe(struct past *p)
{
    for (size_t i = 0; i < p->n; i++) buf_wipe(&p->leaf[i].key);
    mem_free(p->leaf);
    buf_wipe(&p->context);
    secret_tree_wipe(&p->secrets);
    mem_wipe(p, sizeof *p);
}

void mls_group_free(struct mls_group *g)
{
    if (g == NULL) return;
    group_clear_waiting(g);
    mem_free(g->waiting);
    mem_free_wiped(g->update, g->n_update * sizeof *g->update);
    for (size_t i = 0; i < g->n_past; i++) past_wipe(&g->past[i]);
    mem_free(g->past);
    mem_free_wiped(g->psk, g->n_psk * sizeof *g->psk);
    secret_tree_wipe(&g->secrets);
    tree_wipe(&g->tree);
    epoch_wipe(&g->now);
    map_wipe(&g->dirty);
    buf_wipe(&g->gone);
    buf_wipe(&g->id);
    crypto_free(g->algo.crypto);
    mem_free_wiped(g, sizeof *g);
    mem_wipe_stack();
}

// --------------------------------------------------------------------------------------------------- the epoch

enum err epoch_encode_context(const struct mls_group *g, struct epoch *e)
{
    size_t nh = algo_nh(&g->algo);
    const struct group_context c = {
        .version = MLS_VERSION,
        .suite = crypto_suite_id(g->algo.suite),
        .group_id = buf_span(&g->id),
        .epoch = e->number,
        .tree_hash = span_of(e->tree_hash, nh),
        .confirmed_hash = span_of(e->confirmed, e->confirmed_n),
        .extensions = buf_span(&e->extensions),
    };
    buf_wipe(&e->context);
    group_context_write(&e->context, &c);
    return buf_end(&e->context);
}

enum err epoch_derive(const struct algo *a, const struct secret *epoch_secret, uint32_t leaves, struct epoch *e,
                      struct secret_tree *secrets)
{
    struct secret root = {{0}}, confirmation_key;
    struct span confirmed = span_of(e->confirmed, e->confirmed_n);
    enum err r = schedule_epoch(a, epoch_secret, &e->secrets, &root, &confirmation_key);
    if (r == ERR_OK) r = schedule_confirmation_tag(a, &confirmation_key, confirmed, e->tag);
    if (r == ERR_OK) r = schedule_interim_hash(a, confirmed, span_of(e->tag, algo_nh(a)), e->interim);
    if (r == ERR_OK) r = secret_tree_new(secrets, leaves, &root);
    mem_wipe(&root, sizeof root);
    mem_wipe(&confirmation_key, sizeof confirmation_key);
    return r;
}

// RFC 9420 §12.4.2: "If the Commit included a ReInit proposal, the client MUST NOT use the group to send messages
// anymore." MLS_E_GROUP_INACTIVE, as for who has been removed.
bool group_can_send(const struct mls_group *g) { return !g->outside && !g->now.removed && g->now.reinit.n == 0; }

struct check_rules group_rules(const struct mls_group *g, struct span extensions, bool lifetime)
{
    return (struct check_rules){
        .group_id = buf_span(&g->id),
        .extensions = extensions,
        .now = g->world.now(g->world.arg),
        .max_lifetime = g->client->config.max_lifetime,
        .lifetime = lifetime && !g->client->config.ignore_lifetime,
        .executor = &g->client->executor,
        .credential = group_ask_credential,
        .arg = (void *)(uintptr_t)g->client,
    };
}

enum err group_ask_credential(void *client, enum check_purpose why, const struct leaf *leaf,
                              const struct leaf *replaced)
{
    const struct mls_client *c = client;
    static const enum mls_check_reason reason[] = {
        [CHECK_ADD] = MLS_CHECK_ADD,       [CHECK_UPDATE] = MLS_CHECK_UPDATE,
        [CHECK_COMMIT] = MLS_CHECK_COMMIT, [CHECK_JOIN] = MLS_CHECK_JOIN,
        [CHECK_EXTERNAL_COMMIT] = MLS_CHECK_EXTERNAL_COMMIT,
    };
    struct mls_member member, old;
    member_of(leaf, 0, &member);
    if (replaced != NULL) member_of(replaced, 0, &old);
    const struct mls_credential_check check = {
        .reason = reason[why], .member = &member, .replaced = replaced != NULL ? &old : NULL};
    return c->config.credential(c->config.arg, &check) ? ERR_OK : rule(MLS_E_LEAF_CREDENTIAL);
}

enum err group_ask_external_senders(const struct mls_client *c, struct span data)
{
    struct tls_reader r = tls_reader_of(data), in = tls_open(&r);
    while (tls_left(&in) > 0) {
        struct leaf l = {.signature_key = tls_vector(&in)};
        credential_read(&in, &l.credential);
        if (in.err != ERR_OK) break;
        struct mls_member member;
        member_of(&l, 0, &member);
        const struct mls_credential_check check = {.reason = MLS_CHECK_EXTERNAL_SENDER, .member = &member};
        // RFC 9420 §5.3.1: "Whenever a new credential is introduced in the group, it MUST be validated with the AS." That
        // is when the extension comes or changes, and for who joins or founds a group, when it is there.
        if (!c->config.credential(c->config.arg, &check)) return rule(MLS_E_LEAF_CREDENTIAL);
    }
    tls_close(&r, &in);
    return tls_end(&r);
}

enum err group_own_leaf(const struct mls_group *g, struct leaf *out) { return tree_leaf(&g->tree, g->now.keys.leaf, out); }

// ------------------------------------------------------------------------------------------- waiting proposals

const struct waiting *group_find_waiting(const struct mls_group *g, struct span ref)
{
    for (size_t i = 0; i < g->n_waiting; i++) {
        if (span_eq(span_of(g->waiting[i].ref, algo_nh(&g->algo)), ref)) return &g->waiting[i];
    }
    return NULL;
}

enum err group_add_waiting(struct mls_group *g, struct span raw, uint8_t ref[CRYPTO_HASH_MAX])
{
    enum err e = label_ref_hash(&g->algo, "MLS 1.0 Proposal Reference", raw, ref);
    if (e != ERR_OK) return e;
    if (group_find_waiting(g, span_of(ref, algo_nh(&g->algo))) != NULL) return ERR_OK;
    if (g->n_waiting >= g->client->config.max_proposals) return ERR_LIMIT;
    return group_keep_waiting(g, raw, ref, g->next_number);
}

enum err group_keep_waiting(struct mls_group *g, struct span raw, const uint8_t ref[CRYPTO_HASH_MAX], uint64_t number)
{
    if (g->waiting == NULL || g->n_waiting == g->cap_waiting) {
        size_t cap = g->cap_waiting ? g->cap_waiting * 2 : 4;
        struct waiting *bigger = mem_new_array(cap, sizeof *bigger);
        if (bigger == NULL) return ERR_MEMORY;
        if (g->waiting != NULL) memcpy(bigger, g->waiting, g->n_waiting * sizeof *bigger);
        mem_free(g->waiting);
        g->waiting = bigger;
        g->cap_waiting = cap;
    }
    struct waiting *w = &g->waiting[g->n_waiting];
    buf_init(&w->raw, TLS_VECTOR_MAX);
    buf_put(&w->raw, raw);
    enum err e = buf_end(&w->raw);
    if (e == ERR_OK) e = record_note(g, RECORD_WAITING, number);
    if (e != ERR_OK) {
        buf_wipe(&w->raw);
        return e;
    }
    memcpy(w->ref, ref, algo_nh(&g->algo));
    w->number = number;
    g->next_number = number + 1;
    g->n_waiting++;
    return ERR_OK;
}

void group_clear_waiting(struct mls_group *g)
{
    for (size_t i = 0; i < g->n_waiting; i++) buf_wipe(&g->waiting[i].raw);
    g->n_waiting = 0;
    for (size_t i = 0; i < g->n_update; i++) buf_wipe(&g->update[i].encryption_key);
    mem_free_wiped(g->update, g->n_update * sizeof *g->update);
    g->update = NULL;
    g->n_update = 0;
}

// --------------------------------------------------------------------------------------------------------- PSKs

// A resumption PSK of this very group, present or past.
static bool find_resumption(const struct mls_group *g, const struct psk_id *id, struct span *secret)
{
    if (g->outside || g->now.removed || !span_eq(id->group_id, buf_span(&g->id))) return false;
    if (id->epoch == g->now.number) {
        *secret = secret_span(&g->algo, &g->now.secrets.resumption);
        return true;
    }
    for (size_t i = 0; i < g->n_psk; i++) {
        if (g->psk[i].epoch != id->epoch) continue;
        *secret = secret_span(&g->algo, &g->psk[i].psk);
        return true;
    }
    return false;
}

enum err group_find_psk(const struct mls_client *c, const struct mls_group *g, const struct psk_id *id,
                        struct span *secret)
{
    if (id->type == PSK_RESUMPTION && g != NULL) {
        if (find_resumption(g, id, secret) || (g->parent != NULL && find_resumption(g->parent, id, secret))) {
            return ERR_OK;
        }
    }
    const struct mls_psk_id asked = {.type = id->type,
                                     .usage = id->usage,
                                     .id = to_api(id->id),
                                     .group_id = to_api(id->group_id),
                                     .epoch = id->epoch,
                                     .nonce = to_api(id->nonce)};
    struct mls_span found = {0};
    if (c->config.psk == NULL || !c->config.psk(c->config.arg, &asked, &found)) return rule(MLS_E_PSK_UNKNOWN);
    *secret = from_api(found);
    return ERR_OK;
}
