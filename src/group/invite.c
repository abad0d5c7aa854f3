// SPDX-License-Identifier: Apache-2.0
//
// What lets others in: GroupInfo and Welcome (RFC 9420 §12.4.3). The HPKE context of a Welcome is the whole encrypted
// GroupInfo, which may hold the tree: it is hashed once for all new members, so that a commit which adds N of them costs
// O(N) and not O(N²).
#include "group/commit.h"

#include "mls/welcome.h"

static void put_extension(struct buf *b, uint16_t type, struct span data)
{
    tls_put_u16(b, type);
    tls_put_vector(b, data);
}

static enum err write_info_extensions(const struct mls_group *g, const struct epoch *e, const struct tree *t,
                                      const struct info_wishes *w, struct buf *out)
{
    uint8_t sk[CRYPTO_SK_MAX], pk[CRYPTO_PK_MAX];
    struct buf data;
    buf_init(&data, TLS_VECTOR_MAX);
    enum err r = extensions_write(g->client, w->extensions, w->extension_count, true, out);
    if (r == ERR_OK && w->with_tree) {
        r = tree_encode(t, &data);
        put_extension(out, EXTENSION_RATCHET_TREE, buf_span(&data));
    }
    if (r == ERR_OK && w->with_external_pub) {
        buf_wipe(&data);
        r = schedule_external_keys(&g->algo, &e->secrets.external, sk, pk);
        tls_put_vector(&data, span_of(pk, algo_sizes(&g->algo)->npk));
        if (r == ERR_OK) r = buf_end(&data);
        put_extension(out, EXTENSION_EXTERNAL_PUB, buf_span(&data));
    }
    if (r == ERR_OK) r = buf_end(out);
    mem_wipe(sk, sizeof sk);
    buf_wipe(&data);
    return r;
}

enum err group_write_info(const struct mls_group *g, const struct epoch *e, const struct tree *t,
                          const struct info_wishes *wishes, struct buf *out)
{
    struct buf extensions;
    struct leaf own;
    buf_init(&extensions, TLS_VECTOR_MAX);
    enum err r = write_info_extensions(g, e, t, wishes, &extensions);
    if (r == ERR_OK) r = tree_leaf(t, e->keys.leaf, &own);
    if (r == ERR_OK) {
        struct span sk = span_of(e->signature_key, algo_sizes(&g->algo)->nsigsk);
        r = group_info_sign(&g->algo, buf_span(&e->context), buf_span(&extensions), span_of(e->tag, algo_nh(&g->algo)),
                            e->keys.leaf, sk, own.signature_key, out);
    }
    buf_wipe(&extensions);
    return r;
}

enum mls_error mls_group_info(struct mls_group *g, bool with_tree, bool with_external_pub, struct mls_buf *out)
{
    struct buf b;
    *out = (struct mls_buf){0};
    if (!group_can_send(g)) return MLS_E_GROUP_INACTIVE;
    buf_init(&b, TLS_VECTOR_MAX);
    message_head(&b, WIRE_GROUP_INFO);
    const struct info_wishes w = {.with_tree = with_tree, .with_external_pub = with_external_pub};
    enum err e = group_write_info(g, &g->now, &g->tree, &w, &b);
    e = give(&b, e, out);
    mem_wipe_stack();
    return api_error(e);
}

// ----------------------------------------------------------------------------------------------------- Welcome

// One EncryptedGroupSecrets a new member.
struct invite_work {
    const struct draft *draft;
    const struct item **add;            // the Adds, in order
    struct crypto_hpke_info info;       // of the encrypted GroupInfo
    struct span secrets[TREE_MAX_LEVELS + 1]; // GroupSecrets as encoded, by the level of the common ancestor. secret
    uint8_t *seed;                      // secret
    struct buf *out;                    // one a member
};

// The level of the path node whose secret a new member needs: the lowest that it shares with the committer (§12.4.1).
static uint32_t shared_level(const struct draft *d, uint32_t leaf)
{
    return d->has_path ? math_common_level(leaf, d->by.leaf) : 0;
}

static enum err invite_one(const struct algo *a, void *arg, size_t i)
{
    const struct invite_work *w = arg;
    const struct key_package *kp = w->add[i]->p.add;
    uint8_t ref[CRYPTO_HASH_MAX];
    struct buf *out = &w->out[i];
    enum err e = key_package_ref(a, kp->raw, ref);
    if (e != ERR_OK) return e;
    tls_put_vector(out, span_of(ref, algo_nh(a)));
    struct span secrets = w->secrets[shared_level(w->draft, w->draft->staged->added.v[i])];
    return label_encrypt(a, kp->init_key, &w->info, secrets, w->seed + i * algo_sizes(a)->nseed, out);
}

// GroupSecrets differ only in the path secret, so there is one encoding for each level of the path.
static enum err write_secrets(const struct draft *d, struct buf level[TREE_MAX_LEVELS + 1])
{
    size_t nh = algo_nh(&d->group->algo);
    struct span joiner = span_of(d->joiner.b, nh);
    enum err e = ERR_OK;
    if (!d->has_path) {
        group_secrets_write(&level[0], joiner, NULL, nh, buf_span(&d->psk_ids));
        return buf_end(&level[0]);
    }
    for (size_t i = 0; e == ERR_OK && i < d->path.n; i++) {
        struct buf *b = &level[d->path.level[i]];
        group_secrets_write(b, joiner, &d->path.secret[i], nh, buf_span(&d->psk_ids));
        e = buf_end(b);
    }
    return e;
}

static enum err seal_group_info(const struct draft *d, struct span info, struct buf *out)
{
    const struct algo *a = &d->group->algo;
    uint8_t key[CRYPTO_KEY_MAX], nonce[CRYPTO_NONCE];
    uint8_t *at = buf_grow(out, info.n + CRYPTO_TAG);
    enum err e = buf_end(out);
    if (e == ERR_OK) e = schedule_welcome(a, &d->member, key, nonce);
    if (e == ERR_OK) e = crypto_seal(a->crypto, a->suite, key, nonce, span_of(NULL, 0), info, at);
    mem_wipe(key, sizeof key);
    mem_wipe(nonce, sizeof nonce);
    return e;
}

// Everything parallel: seeds are drawn first, in order.
static enum err seal_secrets(const struct draft *d, struct invite_work *w, size_t n)
{
    const struct mls_group *g = d->group;
    size_t nseed = algo_sizes(&g->algo)->nseed, at = 0;
    w->add = mem_new_array(n, sizeof *w->add);
    w->seed = mem_new_array(n, nseed);
    w->out = mem_new_array(n, sizeof *w->out);
    if (w->add == NULL || w->seed == NULL || w->out == NULL) return ERR_MEMORY;
    for (size_t i = 0; i < d->list.n; i++) {
        if (d->list.v[i].p.type == PROPOSAL_ADD) w->add[at++] = &d->list.v[i];
    }
    for (size_t i = 0; i < n; i++) buf_init(&w->out[i], TLS_VECTOR_MAX);
    enum err e = g->world.random(g->world.arg, w->seed, n * nseed);
    return e == ERR_OK ? parallel_run(&g->algo, &g->client->executor, n, invite_one, w) : e;
}

static enum err write_welcome(const struct draft *d, struct span info, struct buf *out)
{
    const struct algo *a = &d->group->algo;
    size_t n = d->staged->added.n;
    struct invite_work w = {.draft = d};
    struct buf level[TREE_MAX_LEVELS + 1], sealed;
    for (size_t i = 0; i <= TREE_MAX_LEVELS; i++) buf_init(&level[i], TLS_VECTOR_MAX);
    buf_init(&sealed, TLS_VECTOR_MAX);
    enum err e = seal_group_info(d, info, &sealed);
    if (e == ERR_OK) e = write_secrets(d, level);
    for (size_t i = 0; i <= TREE_MAX_LEVELS; i++) w.secrets[i] = buf_span(&level[i]);
    if (e == ERR_OK) e = label_info(a, "Welcome", buf_span(&sealed), &w.info);
    if (e == ERR_OK) e = seal_secrets(d, &w, n);
    if (e == ERR_OK) {
        message_head(out, WIRE_WELCOME);
        tls_put_u16(out, crypto_suite_id(a->suite));
        size_t mark = tls_begin(out);
        for (size_t i = 0; i < n; i++) buf_put(out, buf_span(&w.out[i]));
        tls_finish(out, mark);
        tls_put_vector(out, buf_span(&sealed));
        e = buf_end(out);
    }
    for (size_t i = 0; w.out != NULL && i < n; i++) buf_wipe(&w.out[i]);
    mem_free(w.out);
    mem_free(w.add);
    mem_free_wiped(w.seed, n * algo_sizes(a)->nseed);
    for (size_t i = 0; i <= TREE_MAX_LEVELS; i++) buf_wipe(&level[i]);
    buf_wipe(&sealed);
    return e;
}

enum err draft_invite(struct draft *d, const struct mls_commit_params *params, struct mls_commit *out)
{
    const struct mls_group *g = d->group;
    struct mls_staged *s = d->staged;
    struct buf info, message;
    struct info_wishes w = {.with_tree = params->tree_in_welcome,
                            .extensions = params->info_extensions,
                            .extension_count = params->info_extension_count};
    buf_init(&info, TLS_VECTOR_MAX);
    buf_init(&message, TLS_VECTOR_MAX);
    enum err e = ERR_OK;
    if (s->added.n > 0) {
        e = group_write_info(g, &s->next, &s->tree, &w, &info);
        if (e == ERR_OK) e = write_welcome(d, buf_span(&info), &message);
        e = give(&message, e, &out->welcome);
    }
    if (e == ERR_OK && params->external_pub) {
        w.with_external_pub = true;
        message_head(&message, WIRE_GROUP_INFO);
        e = give(&message, group_write_info(g, &s->next, &s->tree, &w, &message), &out->group_info);
    }
    buf_wipe(&info);
    return e;
}
