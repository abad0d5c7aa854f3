// SPDX-License-Identifier: Apache-2.0
//
// Looking at a group, making one, and what it exports. Nothing here changes a group that exists.
#include "group/client.h"
#include "group/list.h"

struct mls_span mls_group_id(const struct mls_group *g) { return to_api(buf_span(&g->id)); }
uint64_t mls_group_epoch(const struct mls_group *g) { return g->now.number; }
uint16_t mls_group_suite(const struct mls_group *g) { return crypto_suite_id(g->algo.suite); }
bool mls_group_active(const struct mls_group *g) { return group_can_send(g); }
uint32_t mls_group_own_index(const struct mls_group *g) { return g->now.keys.leaf; }

uint32_t mls_group_welcomer(const struct mls_group *g) { return g->welcomed ? g->welcomer : g->now.keys.leaf; }
uint32_t mls_group_member_count(const struct mls_group *g) { return g->tree.members; }
struct mls_span mls_group_extensions(const struct mls_group *g) { return to_api(buf_span(&g->now.extensions)); }

bool mls_extension_find(struct mls_span extensions, uint16_t type, struct mls_span *data)
{
    struct span found;
    if (!extensions_find(from_api(extensions), type, &found)) return false;
    *data = to_api(found);
    return true;
}

bool mls_extension_next(struct mls_span extensions, size_t *at, struct mls_extension *out)
{
    struct extension x;
    if (!extensions_next(from_api(extensions), at, &x)) return false;
    *out = (struct mls_extension){.type = x.type, .data = to_api(x.data)};
    return true;
}

enum mls_error mls_group_member(const struct mls_group *g, uint32_t index, struct mls_member *out)
{
    struct leaf l;
    *out = (struct mls_member){0};
    enum err e = tree_leaf(&g->tree, index, &l);
    if (e == ERR_OK) member_of(&l, index, out);
    return api_error(e);
}

bool mls_group_next_member(const struct mls_group *g, uint32_t *at, struct mls_member *out)
{
    for (; *at < g->tree.leaves; (*at)++) {
        if (mls_group_member(g, *at, out) != MLS_OK) continue;
        (*at)++;
        return true;
    }
    return false;
}

static enum mls_error give_copy(struct span s, struct mls_buf *out)
{
    struct buf b;
    buf_init(&b, TLS_VECTOR_MAX);
    buf_put(&b, s);
    return api_error(give(&b, buf_end(&b), out));
}

enum mls_error mls_group_context(struct mls_group *g, struct mls_buf *out)
{
    return give_copy(buf_span(&g->now.context), out);
}

enum mls_error mls_group_tree(const struct mls_group *g, struct mls_buf *out)
{
    struct buf b;
    buf_init(&b, TLS_VECTOR_MAX);
    return api_error(give(&b, tree_encode(&g->tree, &b), out));
}

enum mls_error mls_group_tree_hash(const struct mls_group *g, struct mls_buf *out)
{
    return give_copy(span_of(g->now.tree_hash, algo_nh(&g->algo)), out);
}

enum mls_error mls_group_epoch_authenticator(const struct mls_group *g, struct mls_buf *out)
{
    *out = (struct mls_buf){0};
    if (g->outside) return MLS_E_GROUP_INACTIVE;
    return give_copy(secret_span(&g->algo, &g->now.secrets.authenticator), out);
}

enum mls_error mls_group_export(const struct mls_group *g, const char *label, struct mls_span context, size_t size,
                                struct mls_buf *out)
{
    struct buf b;
    *out = (struct mls_buf){0};
    if (g->now.removed || g->outside) return MLS_E_GROUP_INACTIVE;
    if (size > 255 * algo_nh(&g->algo)) return MLS_E_LIMIT;
    buf_init(&b, size);
    uint8_t *p = buf_grow(&b, size);
    enum err e = buf_end(&b);
    if (e == ERR_OK) e = schedule_export(&g->algo, &g->now.secrets.exporter, label, from_api(context), p, size);
    e = give(&b, e, out);
    mem_wipe_stack();
    return api_error(e);
}

// ----------------------------------------------------------------------------------------------- making a group

// The creator's leaf, with a fresh key, as the whole tree (§11).
static enum err plant(struct mls_group *g, struct leaf_plan *plan)
{
    uint8_t ikm[CRYPTO_SK_MAX], pk[CRYPTO_PK_MAX];
    const struct crypto_sizes *z = algo_sizes(&g->algo);
    struct buf raw;
    buf_init(&raw, TLS_VECTOR_MAX);
    enum err e = g->world.random(g->world.arg, ikm, z->nsk);
    if (e == ERR_OK) {
        e = crypto_kem_derive(g->algo.crypto, g->algo.suite, span_of(ikm, z->nsk), g->now.keys.key[0], pk);
    }
    plan->like.encryption_key = span_of(pk, z->npk);
    plan->like.source = LEAF_KEY_PACKAGE;
    if (e == ERR_OK) e = leaf_build(&g->algo, &plan->like, buf_span(&g->id), 0, span_of(plan->sk, z->nsigsk), &raw);
    if (e == ERR_OK) e = tree_resize(&g->tree, 1);
    if (e == ERR_OK) e = tree_set_leaf(&g->tree, 0, buf_span(&raw));
    g->now.keys.have[0] = e == ERR_OK;
    memcpy(g->now.signature_key, plan->sk, sizeof g->now.signature_key);
    plan->like.encryption_key = span_of(NULL, 0);
    mem_wipe(ikm, sizeof ikm);
    buf_wipe(&raw);
    return e;
}

static enum err found_epoch(struct mls_group *g)
{
    struct secret epoch_secret;
    // RFC 9420 §11: "Epoch secret: A fresh random value of size KDF.Nh".
    enum err e = g->world.random(g->world.arg, epoch_secret.b, algo_nh(&g->algo));
    if (e == ERR_OK) e = tree_hash(&g->algo, &g->tree, math_root(g->tree.leaves), g->now.tree_hash);
    if (e == ERR_OK) e = epoch_encode_context(g, &g->now);
    if (e == ERR_OK) e = epoch_derive(&g->algo, &epoch_secret, 1, &g->now, &g->secrets);
    mem_wipe(&epoch_secret, sizeof epoch_secret);
    return e;
}

enum err group_found(const struct mls_client *c, const struct crypto_suite *suite, struct span group_id,
                     const struct mls_leaf_params *leaf, struct span extensions, struct mls_group **out)
{
    uint8_t id[CRYPTO_HASH_MAX];
    struct mls_group *g = NULL;
    struct leaf_plan plan = {0};
    struct leaf own;
    struct span senders;
    enum err e = ERR_OK;
    if (group_id.n == 0) {
        // RFC 9420 §11: "This can be done, for example, by making the group ID a freshly generated random value of size
        // KDF.Nh."
        e = c->world.random(c->world.arg, id, crypto_sizes(suite)->nh);
        group_id = span_of(id, crypto_sizes(suite)->nh);
    }
    if (e == ERR_OK) e = group_alloc(c, suite, group_id, &g);
    if (e != ERR_OK) return e;
    buf_put(&g->now.extensions, extensions);
    e = buf_end(&g->now.extensions);
    if (e == ERR_OK) e = leaf_plan_new(c, &g->algo, leaf, NULL, NULL, &plan);
    if (e == ERR_OK) e = plant(g, &plan);
    if (e == ERR_OK) e = tree_leaf(&g->tree, 0, &own);
    struct check_rules rules = group_rules(g, extensions, true);
    if (e == ERR_OK) e = check_leaf_fields(&g->algo, &rules, &own, LEAF_KEY_PACKAGE);
    if (e == ERR_OK && extensions_find(extensions, EXTENSION_EXTERNAL_SENDERS, &senders)) {
        e = group_ask_external_senders(c, senders);
    }
    if (e == ERR_OK) e = found_epoch(g);
    if (e == ERR_OK) e = record_note_all(g);
    leaf_plan_wipe(&plan);
    if (e == ERR_OK) *out = g;
    else mls_group_free(g);
    return e;
}

enum mls_error mls_group_new(const struct mls_client *c, uint16_t suite, struct mls_span group_id,
                             const struct mls_leaf_params *leaf, const struct mls_extension *extensions,
                             size_t extension_count, struct mls_group **out)
{
    struct buf list;
    *out = NULL;
    if (leaf == NULL) return MLS_E_MISUSE;
    if (crypto_suite(suite) == NULL) return MLS_E_UNSUPPORTED;
    buf_init(&list, TLS_VECTOR_MAX);
    // RFC 9420 §13.5: "GREASE values MUST NOT be sent in […] GroupContext.extensions".
    enum err e = extensions_write(c, extensions, extension_count, false, &list);
    if (e == ERR_OK) e = group_found(c, crypto_suite(suite), from_api(group_id), leaf, buf_span(&list), out);
    buf_wipe(&list);
    mem_wipe_stack();
    return api_error(e);
}
