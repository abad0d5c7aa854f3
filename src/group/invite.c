// SPDX-License-Identifier: Apache-2.0
//
// What lets others in: GroupInfo and Welcome (RFC 9420 §12.4.3). The HPKE context of a Welcome is the whole encrypted
// GroupInfo, which may hold the tree: it is hashed once for all new members, so that a commit which adds N of them costs
// O(N) and not O(N²).
#include "group/commit.h"

#include "mls/welcome.h"

static enum err write_external_pub(const struct mls_group *g, const struct epoch *e, struct buf *out)
{
    uint8_t sk[CRYPTO_SK_MAX], pk[CRYPTO_PK_MAX];
    enum err r = schedule_external_keys(&g->algo, &e->secrets.external, sk, pk);
    tls_put_u16(out, EXTENSION_EXTERNAL_PUB);
    size_t mark = tls_begin(out);
    tls_put_vector(out, span_of(pk, algo_sizes(&g->algo)->npk));
    tls_finish(out, mark);
    mem_wipe(sk, sizeof sk);
    return r == ERR_OK ? buf_end(out) : r;
}

// Whether the application's extensions have one that is added here, too: nobody could join by what has one twice (§13.4).
static bool has_twice(const struct info_wishes *w)
{
    for (size_t i = 0; i < w->extension_count; i++) {
        uint16_t type = w->extensions[i].type;
        if ((type == EXTENSION_RATCHET_TREE && w->with_tree) || (type == EXTENSION_EXTERNAL_PUB && w->with_external_pub)) {
            return true;
        }
    }
    return false;
}

enum err group_write_info(const struct mls_group *g, const struct epoch *e, const struct tree *t,
                          const struct info_wishes *w, struct buf *out)
{
    struct leaf own;
    size_t from = out->n;
    if (has_twice(w)) return ERR_MISUSE;
    buf_put(out, buf_span(&e->context));
    size_t mark = tls_begin(out);
    enum err r = extensions_write(g->client, w->extensions, w->extension_count, true, out);
    if (r == ERR_OK && w->with_external_pub) r = write_external_pub(g, e, out);
    if (r == ERR_OK && w->with_tree) {
        tls_put_u16(out, EXTENSION_RATCHET_TREE);
        r = tree_encode_data(t, out);
    }
    tls_finish(out, mark);
    if (r == ERR_OK) r = tree_leaf(t, e->keys.leaf, &own);
    if (r != ERR_OK) return r;
    struct span sk = span_of(e->signature_key, algo_sizes(&g->algo)->nsigsk);
    return group_info_sign(&g->algo, from, span_of(e->tag, algo_nh(&g->algo)), e->keys.leaf, sk, own.signature_key, out);
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

// One EncryptedGroupSecrets a new member, each of the same size and written in its place in the Welcome.
struct invite_work {
    const struct draft *draft;
    const struct item **add;            // the Adds, in order
    struct crypto_hpke_info info;       // of the encrypted GroupInfo
    struct span secrets[TREE_MAX_LEVELS + 1]; // GroupSecrets as encoded, by the level of the common ancestor. secret
    uint8_t *seed;                      // secret
    uint8_t *out;
    size_t size;                        // of each
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
    struct buf out = {.p = w->out + i * w->size, .cap = w->size, .max = w->size};
    enum err e = key_package_ref(a, kp->raw, ref);
    if (e != ERR_OK) return e;
    tls_put_vector(&out, span_of(ref, algo_nh(a)));
    struct span secrets = w->secrets[shared_level(w->draft, w->draft->staged->added.v[i])];
    return label_encrypt(a, kp->init_key, &w->info, secrets, w->seed + i * algo_sizes(a)->nseed, &out);
}

// GroupSecrets differ only in the path secret, so there is one encoding for each level of the path; *size is that of each.
static enum err write_secrets(const struct draft *d, struct buf level[TREE_MAX_LEVELS + 1], size_t *size)
{
    size_t nh = algo_nh(&d->group->algo);
    struct span joiner = span_of(d->joiner.b, nh);
    enum err e = ERR_OK;
    if (!d->has_path) {
        group_secrets_write(&level[0], joiner, NULL, nh, buf_span(&d->psk_ids));
        *size = level[0].n;
        return buf_end(&level[0]);
    }
    for (size_t i = 0; e == ERR_OK && i < d->path.n; i++) {
        struct buf *b = &level[d->path.level[i]];
        group_secrets_write(b, joiner, &d->path.secret[i], nh, buf_span(&d->psk_ids));
        *size = b->n;
        e = buf_end(b);
    }
    return e;
}

// The GroupInfo as a vector, sealed where it belongs; the HPKE info of the secrets, which stand before it, is its hash.
static enum err seal_group_info(const struct draft *d, struct span info, uint8_t *out, struct crypto_hpke_info *hashed)
{
    const struct algo *a = &d->group->algo;
    uint8_t key[CRYPTO_KEY_MAX], nonce[CRYPTO_NONCE];
    enum err e = schedule_welcome(a, &d->member, key, nonce);
    if (e == ERR_OK) e = crypto_seal(a->crypto, a->suite, key, nonce, span_of(NULL, 0), info, out);
    if (e == ERR_OK) e = label_info(a, "Welcome", span_of(out, info.n + CRYPTO_TAG), hashed);
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
    if (w->add == NULL || w->seed == NULL) return ERR_MEMORY;
    for (size_t i = 0; i < d->list.n; i++) {
        if (d->list.v[i].p.type == PROPOSAL_ADD) w->add[at++] = &d->list.v[i];
    }
    enum err e = g->world.random(g->world.arg, w->seed, n * nseed);
    return e == ERR_OK ? parallel_run(&g->algo, &g->client->executor, n, invite_one, w) : e;
}

static enum err write_welcome(const struct draft *d, struct span info, struct buf *out)
{
    const struct algo *a = &d->group->algo;
    const struct crypto_sizes *z = algo_sizes(a);
    size_t n = d->staged->added.n, size = 0, sealed_n = info.n + CRYPTO_TAG;
    struct invite_work w = {.draft = d};
    struct buf level[TREE_MAX_LEVELS + 1];
    for (size_t i = 0; i <= TREE_MAX_LEVELS; i++) buf_init(&level[i], TLS_VECTOR_MAX);
    enum err e = write_secrets(d, level, &size);
    for (size_t i = 0; i <= TREE_MAX_LEVELS; i++) w.secrets[i] = buf_span(&level[i]);
    w.size = tls_vector_size(z->nh) + tls_vector_size(z->nenc) + tls_vector_size(size + CRYPTO_TAG);
    buf_reserve(out, 16 + n * w.size + sealed_n);
    message_head(out, WIRE_WELCOME);
    tls_put_u16(out, crypto_suite_id(a->suite));
    tls_put_length(out, n * w.size);
    size_t at = out->n;
    (void)buf_grow(out, n * w.size);
    tls_put_length(out, sealed_n);
    uint8_t *sealed = buf_grow(out, sealed_n);
    if (e == ERR_OK) e = buf_end(out);
    if (e == ERR_OK) e = seal_group_info(d, info, sealed, &w.info);
    w.out = e == ERR_OK ? out->p + at : NULL;
    if (e == ERR_OK) e = seal_secrets(d, &w, n);
    mem_free(w.add);
    mem_free_wiped(w.seed, n * z->nseed);
    for (size_t i = 0; i <= TREE_MAX_LEVELS; i++) buf_wipe(&level[i]);
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
