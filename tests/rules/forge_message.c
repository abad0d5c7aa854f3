// SPDX-License-Identifier: Apache-2.0
//
// Forged messages (RFC 9420 §6): any sender, content, epoch and generation under the right signature, membership tag and
// encryption, but for the flaw.
#include "forge.h"

struct forge_message forge_message(struct scene *s, size_t who, enum content_type type, struct span body)
{
    const struct mls_group *g = scene_group(s, who);
    return (struct forge_message){.wire = type == CONTENT_APPLICATION ? WIRE_PRIVATE : WIRE_PUBLIC,
                                  .type = type,
                                  .sender_type = SENDER_MEMBER,
                                  .sender = g->now.keys.leaf,
                                  .body = body,
                                  .group_id = buf_span(&g->id),
                                  .epoch = g->now.number,
                                  .sk = forge_signature_key(s, who),
                                  .generation = UINT32_MAX};
}

struct forge_message forge_message_outside(struct scene *s, enum sender_type type, struct span body)
{
    struct forge_message m = forge_message(s, ALICE, CONTENT_PROPOSAL, body);
    m.sender_type = type;
    m.sender = 0;
    m.sk = type == SENDER_EXTERNAL ? scene_span(s->post_private) : forge_signature_key(s, ERIN);
    return m;
}

void forge_sign(const struct algo *a, const struct frame_content *c, struct span context, struct span sk,
                struct frame *out)
{
    const uint8_t head[4] = {0, MLS_VERSION, 0, (uint8_t)c->wire};
    uint8_t sig[CRYPTO_SIG_MAX];
    size_t n = 0;
    *out = (struct frame){.wire = c->wire,
                          .group_id = c->group_id,
                          .epoch = c->epoch,
                          .sender_type = c->sender_type,
                          .sender = c->sender,
                          .aad = c->aad,
                          .content_type = c->content_type,
                          .body = c->body};
    struct buf *b = &out->storage;
    buf_init(b, TLS_VECTOR_MAX);
    tls_put_vector(b, c->group_id);
    tls_put_u64(b, c->epoch);
    tls_put_u8(b, (uint8_t)c->sender_type);
    if (c->sender_type == SENDER_MEMBER || c->sender_type == SENDER_EXTERNAL) tls_put_u32(b, c->sender);
    tls_put_vector(b, c->aad);
    tls_put_u8(b, (uint8_t)c->content_type);
    if (c->content_type == CONTENT_APPLICATION) tls_put_vector(b, c->body);
    else buf_put(b, c->body);
    const struct span parts[] = {span_of(head, 4), buf_span(b), context};
    assert_ok(label_sign(a, sk, span_of(NULL, 0), "FramedContentTBS", parts, 3, sig, &n));
    size_t framed = b->n;
    buf_put(b, span_of(sig, n));
    assert_ok(buf_end(b));
    out->framed = span_of(b->p, framed);
    out->signature = span_of(b->p + framed, n);
}

// ---------------------------------------------------------------------------------------------- PrivateMessage

static void put_content(const struct frame *f, enum flaw flaw, struct buf *out)
{
    if (f->content_type == CONTENT_APPLICATION) tls_put_vector(out, f->body);
    else buf_put(out, f->body);
    tls_put_vector(out, f->signature);
    if (f->content_type == CONTENT_COMMIT) tls_put_vector(out, f->confirmation_tag);
    for (int i = 0; i < 16; i++) buf_put_u8(out, flaw == FLAW_PADDING && i == 9);
    assert_ok(buf_end(out));
}

// A ratchet key of this member's own; of a generation that it need not have reached.
static uint32_t take_key(struct mls_group *g, enum content_type type, uint32_t generation, struct message_key *key)
{
    struct secret_step step;
    enum ratchet_type ratchet = type == CONTENT_APPLICATION ? RATCHET_APPLICATION : RATCHET_HANDSHAKE;
    uint32_t leaf = g->now.keys.leaf;
    if (generation == UINT32_MAX) {
        assert_ok(secret_step_next(&g->algo, &g->secrets, leaf, ratchet, &step));
        assert_ok(secret_step_take(&g->secrets, &step, 0));
    } else {
        assert_ok(secret_step_find(&g->algo, &g->secrets, leaf, ratchet, generation, UINT32_MAX, 0, &step));
    }
    *key = step.key;
    generation = step.generation;
    secret_step_wipe(&step);
    return generation;
}

static void seal(struct mls_group *g, const struct message_key *key, const uint8_t guard[4], struct span aad,
                 struct span pt, struct buf *out)
{
    uint8_t nonce[CRYPTO_NONCE];
    memcpy(nonce, key->nonce, sizeof nonce);
    for (int i = 0; i < 4; i++) nonce[i] ^= guard[i];
    uint8_t *at = buf_grow(out, pt.n + CRYPTO_TAG);
    assert_non_null(at);
    assert_ok(crypto_seal(g->algo.crypto, g->algo.suite, key->key, nonce, aad, pt, at));
}

static void seal_sender(struct mls_group *g, const struct frame *f, uint32_t generation, const uint8_t guard[4],
                        struct span aad, struct span ciphertext, struct buf *out)
{
    uint8_t pt[12];
    struct message_key key;
    static const uint8_t none[4];
    struct buf b = {.p = pt, .cap = sizeof pt, .max = sizeof pt};
    tls_put_u32(&b, f->sender);
    tls_put_u32(&b, generation);
    buf_put(&b, span_of(guard, 4));
    assert_ok(schedule_sender_data(&g->algo, &g->now.secrets.sender_data, ciphertext, key.key, key.nonce));
    seal(g, &key, none, aad, buf_span(&b), out);
}

static void wrap_private(struct scene *s, struct mls_group *g, const struct frame *f, const struct forge_message *like,
                         struct buf *out)
{
    static const uint8_t guard[4] = {1, 2, 3, 4};
    struct message_key key;
    enum flaw flaw = like->flaw;
    struct buf *content = scene_buf(s), *ct = scene_buf(s), *sender = scene_buf(s);
    uint32_t generation = take_key(g, f->content_type, like->generation, &key);
    if (like->claimed != 0) generation = like->claimed;
    put_content(f, flaw, content);
    message_head(out, WIRE_PRIVATE);
    size_t from = out->n;
    tls_put_vector(out, f->group_id);
    tls_put_u64(out, f->epoch);
    tls_put_u8(out, (uint8_t)f->content_type);
    size_t sender_aad = out->n - from;
    tls_put_vector(out, f->aad);
    seal(g, &key, guard, span_of(out->p + from, out->n - from), buf_span(content), ct);
    if (flaw == FLAW_CIPHERTEXT) ct->p[ct->n - 1] ^= 1;
    if (flaw == FLAW_CIPHERTEXT_SHORT) ct->n = CRYPTO_TAG - 1;
    seal_sender(g, f, generation, guard, span_of(out->p + from, sender_aad), buf_span(ct), sender);
    if (flaw == FLAW_SENDER_DATA) sender->p[0] ^= 1;
    if (flaw == FLAW_SENDER_DATA_SHORT) sender->n--;
    tls_put_vector(out, buf_span(sender));
    tls_put_vector(out, buf_span(ct));
}

// ------------------------------------------------------------------------------------------------------ wrapping

// Application data as PublicMessage, which frame_write_public refuses.
static void wrap_public_application(struct mls_group *g, const struct frame *f, struct buf *out)
{
    uint8_t tag[CRYPTO_HASH_MAX];
    struct buf auth;
    const uint8_t head[4] = {0, MLS_VERSION, 0, WIRE_PUBLIC};
    buf_init(&auth, TLS_VECTOR_MAX);
    tls_put_vector(&auth, f->signature);
    const struct span parts[] = {span_of(head, 4), f->framed, buf_span(&g->now.context), buf_span(&auth)};
    assert_ok(
        crypto_mac(g->algo.crypto, g->algo.suite, secret_span(&g->algo, &g->now.secrets.membership), parts, 4, tag));
    message_head(out, WIRE_PUBLIC);
    buf_put(out, f->framed);
    buf_put(out, buf_span(&auth));
    tls_put_vector(out, span_of(tag, algo_nh(&g->algo)));
    buf_wipe(&auth);
}

struct span forge_wrap(struct scene *s, struct mls_group *g, const struct frame *f, const struct forge_message *like)
{
    struct buf *out = scene_buf(s);
    if (f->wire == WIRE_PRIVATE) {
        wrap_private(s, g, f, like, out);
    } else if (f->content_type == CONTENT_APPLICATION) {
        wrap_public_application(g, f, out);
    } else {
        assert_ok(frame_write_public(&g->algo, f, buf_span(&g->now.context), &g->now.secrets.membership, out));
    }
    if (like->flaw == FLAW_MEMBERSHIP_TAG) out->p[out->n - 1] ^= 1;
    if (like->flaw == FLAW_MEMBERSHIP_NONE) {
        out->n -= algo_nh(&g->algo) + 1;
        buf_put_u8(out, 0);
    }
    if (like->flaw == FLAW_TAIL) buf_put_u8(out, 0);
    assert_ok(buf_end(out));
    return buf_span(out);
}

struct span forge_write(struct scene *s, size_t who, struct forge_message *m)
{
    struct mls_group *g = scene_group(s, who);
    struct frame f;
    uint8_t ref[CRYPTO_HASH_MAX];
    struct buf *raw = scene_buf(s);
    enum wire_format other = m->wire == WIRE_PUBLIC ? WIRE_PRIVATE : WIRE_PUBLIC;
    const struct frame_content c = {.wire = m->resign ? other : m->wire,
                                    .group_id = m->group_id,
                                    .epoch = m->epoch,
                                    .sender_type = m->sender_type,
                                    .sender = m->sender,
                                    .aad = m->aad,
                                    .content_type = m->type,
                                    .body = m->body};
    bool covers = m->sender_type == SENDER_MEMBER || m->sender_type == SENDER_NEW_COMMIT;
    struct span context = m->context.n > 0 ? m->context : covers ? buf_span(&g->now.context) : span_of(NULL, 0);
    forge_sign(&g->algo, &c, context, m->sk, &f);
    f.wire = m->wire;
    if (m->flaw == FLAW_SIGNATURE) f.storage.p[f.storage.n - 1] ^= 1;
    f.confirmation_tag = m->confirmation_tag;
    assert_ok(frame_authenticated(&f, raw));
    assert_ok(label_ref_hash(&g->algo, "MLS 1.0 Proposal Reference", buf_span(raw), ref));
    m->reference = scene_copy(s, span_of(ref, algo_nh(&g->algo)));
    m->raw = buf_span(raw);
    struct span out = forge_wrap(s, g, &f, m);
    frame_wipe(&f);
    return out;
}

void forge_keep_update(struct scene *s, size_t who, const struct forge_message *m, struct span key,
                       const uint8_t *leaf_sk)
{
    struct mls_group *g = scene_group(s, who);
    uint8_t ref[CRYPTO_HASH_MAX];
    struct own_update *list = mem_new_array(g->n_update + 1, sizeof *list);
    assert_non_null(list);
    if (g->n_update > 0) memcpy(list, g->update, g->n_update * sizeof *list);
    assert_ok(group_add_waiting(g, m->raw, ref));
    struct own_update *u = &list[g->n_update];
    u->number = g->next_number - 1;
    memcpy(u->leaf_key, leaf_sk, sizeof u->leaf_key);
    memcpy(u->signature_key, m->sk.p, m->sk.n);
    buf_init(&u->encryption_key, CRYPTO_PK_MAX);
    buf_put(&u->encryption_key, key);
    mem_free(g->update);
    g->update = list;
    g->n_update++;
}
