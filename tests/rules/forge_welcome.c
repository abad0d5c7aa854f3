// SPDX-License-Identifier: Apache-2.0
//
// Forged Welcomes and GroupInfos (RFC 9420 §12.4.3) for the epoch that a forged commit has staged. The tree in them is
// whatever that commit has left behind.
#include "forge.h"

static const struct algo *algo(const struct forge *f) { return &f->g->algo; }

static struct span write_extensions(struct forge *f, const struct forge_welcome *w, bool external_pub)
{
    uint8_t sk[CRYPTO_SK_MAX], pk[CRYPTO_PK_MAX];
    struct buf *out = scene_buf(f->s), *tree = scene_buf(f->s), *pub = scene_buf(f->s);
    if (w->flaw != WELCOME_TREE_NONE) {
        if (w->tree.n > 0) buf_put(tree, w->tree);
        else assert_ok(tree_encode(&f->staged->tree, tree));
        tls_put_u16(out, EXTENSION_RATCHET_TREE);
        tls_put_vector(out, buf_span(tree));
    }
    if (external_pub) {
        assert_ok(schedule_external_keys(algo(f), &f->staged->next.secrets.external, sk, pk));
        tls_put_vector(pub, span_of(pk, algo_sizes(algo(f))->npk));
        tls_put_u16(out, EXTENSION_EXTERNAL_PUB);
        tls_put_vector(out, buf_span(pub));
    }
    assert_ok(buf_end(out));
    return buf_span(out);
}

static struct span write_info(struct forge *f, const struct forge_welcome *w, bool external_pub)
{
    struct buf *context = scene_buf(f->s), *out = scene_buf(f->s);
    struct span tag = w->tag.n > 0 ? w->tag : span_of(f->staged->next.tag, algo_nh(algo(f)));
    if (w->flaw == WELCOME_TAG) tag = forge_damage(f->s, tag);
    if (w->context.version != 0) group_context_write(context, &w->context);
    else buf_put(context, buf_span(&f->staged->next.context));
    uint32_t signer = w->signer == UINT32_MAX ? f->by.leaf : w->signer;
    struct span sk = w->sk.n > 0 ? w->sk : f->leaf_sk;
    buf_put(out, buf_span(context));
    tls_put_vector(out, write_extensions(f, w, external_pub));
    assert_ok(group_info_sign(algo(f), 0, tag, signer, sk, span_of(NULL, 0), out));
    return w->flaw == WELCOME_SIGNATURE ? forge_damage(f->s, buf_span(out)) : buf_span(out);
}

struct span forge_group_info(struct forge *f, const struct forge_welcome *w, bool external_pub)
{
    static const struct forge_welcome usual = {.signer = UINT32_MAX};
    struct buf *out = scene_buf(f->s);
    message_head(out, WIRE_GROUP_INFO);
    buf_put(out, write_info(f, w != NULL ? w : &usual, external_pub));
    return buf_span(out);
}

static struct span seal_info(struct forge *f, const struct forge_welcome *w)
{
    uint8_t key[CRYPTO_KEY_MAX], nonce[CRYPTO_NONCE];
    struct buf *out = scene_buf(f->s);
    struct span info = write_info(f, w, false);
    if (w->flaw == WELCOME_INFO_SHORT) {
        buf_put(out, span_str("short"));
        return buf_span(out);
    }
    uint8_t *at = buf_grow(out, info.n + CRYPTO_TAG);
    assert_non_null(at);
    assert_ok(schedule_welcome(algo(f), &f->member, key, nonce));
    assert_ok(crypto_seal(algo(f)->crypto, algo(f)->suite, key, nonce, span_of(NULL, 0), info, at));
    if (w->flaw == WELCOME_INFO) out->p[0] ^= 1;
    return buf_span(out);
}

// GroupSecrets for the leaf of the first who was added.
static struct span write_secrets(struct forge *f, const struct forge_welcome *w)
{
    struct buf *out = scene_buf(f->s);
    size_t nh = algo_nh(algo(f));
    struct span psks = w->psks.p != NULL ? w->psks : buf_span(&f->psk_ids), path = span_of(NULL, 0);
    uint32_t level = math_common_level(f->by.leaf, f->staged->added.v[0]);
    for (size_t i = 0; !f->no_path && i < f->levels; i++) {
        if (f->level[i] == level) path = span_of(f->path_secret[i].b, nh);
    }
    if (w->path_secret.n > 0) path = w->path_secret;
    if (w->flaw == WELCOME_PATH_SECRET) path = forge_damage(f->s, path);
    if (w->flaw == WELCOME_PATH_SHORT) path.n--;
    tls_put_vector(out, span_of(f->joiner.b, w->flaw == WELCOME_JOINER_SHORT ? nh - 1 : nh));
    tls_put_u8(out, path.n > 0 && !w->no_path_secret);
    if (path.n > 0 && !w->no_path_secret) tls_put_vector(out, path);
    tls_put_vector(out, psks);
    if (w->flaw == WELCOME_SECRETS_TAIL) buf_put_u8(out, 0);
    assert_ok(buf_end(out));
    return buf_span(out);
}

struct span forge_welcome(struct forge *f, size_t who, const struct forge_welcome *w)
{
    uint8_t ref[CRYPTO_HASH_MAX], seed[CRYPTO_SEED_MAX];
    struct private_part mine;
    struct crypto_hpke_info hpke;
    struct buf *out = scene_buf(f->s), *secrets = scene_buf(f->s);
    struct span info = seal_info(f, w), plain = write_secrets(f, w);
    assert_ok(private_part_decode(scene_span(f->s->m[who].private_part), &mine));
    assert_ok(key_package_ref(algo(f), mine.key_package.raw, ref));
    assert_true(cast_random(&f->s->world, seed, sizeof seed));
    assert_ok(label_info(algo(f), "Welcome", info, &hpke));
    if (w->flaw == WELCOME_REFERENCE) ref[0] ^= 1;
    tls_put_vector(secrets, span_of(ref, algo_nh(algo(f))));
    assert_ok(label_encrypt(algo(f), mine.key_package.init_key, &hpke, plain, seed, secrets));
    if (w->flaw == WELCOME_SECRETS) secrets->p[secrets->n - 1] ^= 1;
    message_head(out, WIRE_WELCOME);
    tls_put_u16(out, w->suite != 0 ? w->suite : f->s->suite);
    tls_put_vector(out, buf_span(secrets));
    tls_put_vector(out, info);
    assert_ok(buf_end(out));
    return buf_span(out);
}

void forge_join(struct forge *f, size_t who, struct span welcome, struct span tree)
{
    struct scene *s = f->s;
    struct mls_group *g = NULL;
    struct mls_buf a, b;
    enum mls_error e =
        mls_group_join(s->client, to_api(welcome), cast_span(s->m[who].private_part), to_api(tree), NULL, &g);
    scene_verdict(s, e);
    if (e != MLS_OK) {
        assert_null(g);
        return;
    }
    assert_ok(mls_group_epoch_authenticator(g, &a));
    assert_ok(mls_staged_epoch_authenticator(f->staged, &b));
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    mls_buf_free(&a);
    mls_buf_free(&b);
    mls_group_free(g);
}

void forge_join_external(struct forge *f, size_t who, struct span group_info)
{
    struct scene *s = f->s;
    struct mls_group *g = NULL;
    struct mls_buf commit;
    const struct mls_external_join join = {.group_info = to_api(group_info), .leaf = scene_leaf(s, who)};
    enum mls_error e = mls_group_join_external(s->client, &join, &commit, &g);
    scene_verdict(s, e);
    assert_true((e == MLS_OK) == (g != NULL) && (e == MLS_OK) == (commit.size > 0));
    if (g != NULL) assert_true(mls_group_epoch(g) == f->staged->next.number + 1);
    mls_buf_free(&commit);
    mls_group_free(g);
}
