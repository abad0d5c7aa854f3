// SPDX-License-Identifier: Apache-2.0
//
// A forged commit from its proposals to its confirmation tag. It follows RFC 9420 §12.4.1 like group/commit.c, but asks
// nothing: neither whether the proposals are valid nor whether the tree that comes out is.
#include "forge.h"

#include "group/join.h"

void forge_begin(struct forge *f, struct scene *s, size_t who)
{
    struct mls_group *g = scene_group(s, who);
    *f = (struct forge){.s = s,
                        .who = who,
                        .g = g,
                        .by = {SENDER_MEMBER, g->now.keys.leaf},
                        .leaf = forge_leaf(s, who),
                        .sk = forge_signature_key(s, who),
                        .wire = WIRE_PUBLIC,
                        .group_id = buf_span(&g->id),
                        .epoch = g->now.number,
                        .init = &g->now.secrets.init};
    f->leaf_sk = f->sk;
    f->leaf.source = LEAF_COMMIT;
    f->leaf.encryption_key = span_of(NULL, 0);
    buf_init(&f->body, TLS_VECTOR_MAX);
    buf_init(&f->message, TLS_VECTOR_MAX);
    buf_init(&f->psk_ids, TLS_VECTOR_MAX);
    for (size_t i = 0; i < TREE_MAX_LEVELS; i++) buf_init(&f->key[i], TLS_VECTOR_MAX);
}

// ExternalInit for the key in a GroupInfo, and the init secret (§8.3).
static struct span external_init(struct scene *s, const struct mls_group *g, const struct group_info *info,
                                 struct secret *init)
{
    uint8_t seed[CRYPTO_SEED_MAX], enc[CRYPTO_ENC_MAX];
    struct span data;
    assert_true(extensions_find(info->extensions, EXTENSION_EXTERNAL_PUB, &data));
    struct tls_reader r = tls_reader_of(data);
    struct span pk = tls_vector(&r);
    assert_true(cast_random(&s->world, seed, sizeof seed));
    assert_ok(crypto_hpke_export_send(g->algo.crypto, g->algo.suite, pk, span_of(NULL, 0),
                                      span_str("MLS 1.0 external init secret"), seed, enc, init->b, algo_nh(&g->algo)));
    return forge_external_init(s, span_of(enc, algo_sizes(&g->algo)->nenc));
}

void forge_begin_external(struct forge *f, struct scene *s, size_t who, size_t host)
{
    struct mls_buf message;
    struct group_info info;
    struct mls_group *g = NULL;
    static struct secret init;
    assert_ok(mls_group_info(scene_group(s, host), true, true, &message));
    struct span raw = scene_copy(s, span_of(message.data + 4, message.size - 4));
    mls_buf_free(&message);
    assert_ok(group_info_decode(raw, &info));
    assert_ok(group_alloc(s->client, crypto_suite(s->suite), info.context.group_id, &g));
    g->outside = true;
    assert_ok(join_tree(g, &info, span_of(NULL, 0)));
    assert_ok(join_epoch(g, &info));
    assert_ok(schedule_interim_hash(&g->algo, span_of(g->now.confirmed, g->now.confirmed_n), info.confirmation_tag,
                                    g->now.interim));
    *f = (struct forge){.s = s,
                        .who = who,
                        .g = g,
                        .by = {SENDER_NEW_COMMIT, 0},
                        .leaf = forge_new_leaf(s, who, NULL),
                        .sk = forge_signature_key(s, who),
                        .wire = WIRE_PUBLIC,
                        .group_id = buf_span(&g->id),
                        .epoch = g->now.number,
                        .init = &init};
    f->leaf_sk = f->sk;
    f->leaf.source = LEAF_COMMIT;
    f->leaf.encryption_key = span_of(NULL, 0);
    buf_init(&f->body, TLS_VECTOR_MAX);
    buf_init(&f->message, TLS_VECTOR_MAX);
    buf_init(&f->psk_ids, TLS_VECTOR_MAX);
    for (size_t i = 0; i < TREE_MAX_LEVELS; i++) buf_init(&f->key[i], TLS_VECTOR_MAX);
    forge_value(f, external_init(s, g, &info, &init));
}

void forge_reference(struct forge *f, struct span proposal, struct span reference, enum sender_type type,
                     uint32_t sender)
{
    assert_true(f->n < sizeof f->item / sizeof *f->item);
    struct buf *raw = &f->item[f->n].raw, *ref = &f->item[f->n].reference;
    buf_init(raw, TLS_VECTOR_MAX);
    buf_init(ref, TLS_VECTOR_MAX);
    buf_put(raw, proposal);
    buf_put(ref, reference);
    assert_ok(buf_end(raw));
    f->item[f->n].sender_type = type;
    f->item[f->n].sender = sender;
    f->n++;
}

void forge_value(struct forge *f, struct span proposal)
{
    forge_reference(f, proposal, span_of(NULL, 0), f->by.type, f->by.leaf);
}

void forge_forget(struct forge *f, size_t i)
{
    buf_wipe(&f->item[i].raw);
    buf_wipe(&f->item[i].reference);
    for (f->n--; i < f->n; i++) f->item[i] = f->item[i + 1];
}

// ------------------------------------------------------------------------------------------------------- applying

static void apply_add(struct mls_staged *s, const struct key_package *kp)
{
    uint32_t leaf;
    assert_ok(tree_add(&s->tree, kp->leaf.raw, &leaf));
    assert_ok(nodes_put(&s->added, leaf));
    assert_ok(staged_note(s, MLS_CHANGE_ADDED, leaf, kp->leaf.raw));
}

static void apply_update(struct mls_staged *s, uint32_t sender, const struct leaf *l)
{
    if (tree_is_blank(&s->tree, 2 * sender)) return;
    assert_ok(tree_set_leaf(&s->tree, sender, l->raw));
    assert_ok(tree_blank_path(&s->tree, sender));
}

// One proposal, if it is of this type. What cannot be applied has no effect.
static void apply(struct forge *f, size_t i, uint16_t type)
{
    struct mls_staged *s = f->staged;
    struct proposal p;
    struct proposal_body body;
    assert_ok(proposal_decode(buf_span(&f->item[i].raw), &p, &body));
    if (p.type != type) return;
    switch (type) {
    case PROPOSAL_EXTENSIONS:
        buf_wipe(&s->next.extensions);
        buf_put(&s->next.extensions, p.extensions);
        s->changes_extensions = true;
        break;
    case PROPOSAL_UPDATE: apply_update(s, f->item[i].sender, p.update); break;
    case PROPOSAL_REMOVE:
        if (tree_leaf_raw(&s->tree, p.removed).n > 0 && p.removed != f->by.leaf)
            assert_ok(tree_remove(&s->tree, p.removed));
        else if (f->by.type == SENDER_NEW_COMMIT && tree_leaf_raw(&s->tree, p.removed).n > 0)
            assert_ok(tree_remove(&s->tree, p.removed));
        break;
    case PROPOSAL_ADD: apply_add(s, p.add); break;
    case PROPOSAL_REINIT: reinit_write(&s->next.reinit, &p.reinit); break;
    }
}

static void apply_all(struct forge *f)
{
    static const uint16_t order[] = {PROPOSAL_EXTENSIONS, PROPOSAL_UPDATE, PROPOSAL_REMOVE, PROPOSAL_ADD,
                                     PROPOSAL_REINIT};
    for (size_t pass = 0; pass < sizeof order / sizeof *order; pass++) {
        for (size_t i = 0; i < f->n; i++) apply(f, i, order[pass]);
    }
    if (f->by.type == SENDER_NEW_COMMIT) assert_ok(staged_assign_leaf(f->staged, &f->by.leaf));
    f->staged->committer = f->by.leaf;
}

// ------------------------------------------------------------------------------------------------------ the commit

static void write_proposals(struct forge *f)
{
    size_t mark = tls_begin(&f->body);
    for (size_t i = 0; i < f->n; i++) {
        bool by_reference = f->item[i].reference.n > 0;
        tls_put_u8(&f->body, by_reference ? COMMIT_BY_REFERENCE : COMMIT_BY_VALUE);
        if (by_reference) tls_put_vector(&f->body, buf_span(&f->item[i].reference));
        else if (f->instead.n > 0 && i + 1 == f->n) buf_put(&f->body, f->instead);
        else buf_put(&f->body, buf_span(&f->item[i].raw));
        assert_ok(list_put(&f->list, buf_span(&f->item[i].raw), f->item[i].sender_type, f->item[i].sender,
                           buf_span(&f->item[i].reference)));
    }
    tls_finish(&f->body, mark);
}

static void sign(struct forge *f)
{
    const struct frame_content c = {.wire = f->wire,
                                    .group_id = f->group_id,
                                    .epoch = f->epoch,
                                    .sender_type = f->by.type,
                                    .sender = f->by.leaf,
                                    .aad = f->aad,
                                    .content_type = CONTENT_COMMIT,
                                    .body = buf_span(&f->body)};
    struct span sk = f->flaw == FLAW_SIGNATURE_OTHER ? f->other : f->sk;
    forge_sign(&f->g->algo, &c, buf_span(&f->g->now.context), sk, &f->frame);
    if (f->flaw == FLAW_SIGNATURE) f->frame.storage.p[f->frame.storage.n - 1] ^= 1;
}

// psk_secret (§8.4), with f->psk for what nobody knows.
static void fold_psks(struct forge *f, struct secret *out)
{
    uint16_t count = 0, index = 0;
    for (size_t i = 0; i < f->list.n; i++) count = (uint16_t)(count + (f->list.v[i].p.type == PROPOSAL_PSK));
    psk_begin(out);
    for (size_t i = 0; i < f->list.n; i++) {
        const struct psk_id *id = &f->list.v[i].p.psk;
        struct span secret;
        if (f->list.v[i].p.type != PROPOSAL_PSK) continue;
        if (group_find_psk(f->s->client, f->g, id, &secret) != ERR_OK) secret = f->psk;
        assert_true(secret.n > 0);
        assert_ok(psk_add(&f->g->algo, out, id, secret, index++, count));
        buf_put(&f->psk_ids, id->raw);
    }
}

static void derive(struct forge *f)
{
    static const struct secret zero;
    struct secret psk_secret;
    fold_psks(f, &psk_secret);
    const struct staged_inputs in = {
        .init = f->init, .commit_secret = f->no_path ? &zero : &f->path_secret[f->levels], .psk_secret = &psk_secret};
    assert_ok(staged_derive(f->staged, &in, &f->frame, &f->joiner, &f->member));
    f->frame.confirmation_tag = span_of(f->staged->next.tag, algo_nh(&f->g->algo));
    if (f->flaw == FLAW_CONFIRMATION_TAG) f->frame.confirmation_tag = forge_damage(f->s, f->frame.confirmation_tag);
    if (f->flaw == FLAW_CONFIRMATION_NONE) f->frame.confirmation_tag = span_of(NULL, 0);
}

void forge_commit(struct forge *f)
{
    struct mls_group *g = f->g;
    assert_ok(staged_new(g, f->by.leaf, &f->staged));
    f->staged->mine = true;
    apply_all(f);
    write_proposals(f);
    bool path = !f->no_path && f->flaw != FLAW_PATH_NONE;
    if (f->flaw == FLAW_PATH_NONE) f->no_path = true;
    tls_put_u8(&f->body, path);
    if (path) forge_path(f);
    if (f->spoil_tree != NULL) f->spoil_tree(f, &f->staged->tree);
    assert_ok(staged_encode_context(f->staged));
    if (path) forge_seal(f);
    assert_ok(buf_end(&f->body));
    sign(f);
    derive(f);
    buf_put(&f->message,
            forge_wrap(f->s, g, &f->frame, &(struct forge_message){.flaw = f->flaw, .generation = UINT32_MAX}));
    assert_ok(buf_end(&f->message));
}

void forge_offer(struct forge *f)
{
    struct mls_staged *staged = f->staged;
    f->staged = NULL;
    scene_offer_commit(f->s, f->who, buf_span(&f->message), staged);
    if (!f->s->wrong && f->by.type == SENDER_NEW_COMMIT) {
        f->g->outside = false;
        f->s->m[f->who].group = f->g;
    }
    scene_agree(f->s);
    forge_free(f);
}

void forge_free(struct forge *f)
{
    mls_staged_free(f->staged);
    for (size_t i = 0; i < f->n; i++) {
        buf_wipe(&f->item[i].raw);
        buf_wipe(&f->item[i].reference);
    }
    for (size_t i = 0; i < TREE_MAX_LEVELS; i++) buf_wipe(&f->key[i]);
    list_free(&f->list);
    frame_wipe(&f->frame);
    buf_wipe(&f->body);
    buf_wipe(&f->message);
    buf_wipe(&f->psk_ids);
    if (f->s->m[f->who].group != f->g) mls_group_free(f->g);
    *f = (struct forge){0};
}
