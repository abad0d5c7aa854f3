// SPDX-License-Identifier: Apache-2.0
//
// Letters: see letter.h. Written by RFC 9420 §6 without the library's own framing, which refuses to send nonsense.
#include "letter.h"

struct letter letter_from(const struct mls_group *g, uint8_t content_type, struct span body, struct span sk)
{
    return (struct letter){.wire = WIRE_PUBLIC,
                           .content_type = content_type,
                           .sender_type = SENDER_MEMBER,
                           .sender = g->now.keys.leaf,
                           .group_id = buf_span(&g->id),
                           .epoch = g->now.number,
                           .body = body,
                           .sk = sk,
                           .tagged = content_type == CONTENT_COMMIT};
}

// The epoch that the letter belongs to, as g knows it; the present one if it does not.
struct era {
    struct span context;
    const struct secret *sender_data;
    const struct secret_tree *secrets;
};

static struct era era_of(const struct mls_group *g, const struct letter *l)
{
    for (size_t i = 0; i < g->n_past; i++) {
        const struct past *p = &g->past[i];
        if (p->number == l->epoch) return (struct era){buf_span(&p->context), &p->sender_data, &p->secrets};
    }
    return (struct era){buf_span(&g->now.context), &g->now.secrets.sender_data, &g->secrets};
}

static void put_head(struct buf *b, uint16_t wire)
{
    tls_put_u16(b, MLS_VERSION);
    tls_put_u16(b, wire);
}

static struct span context_of(const struct mls_group *g, const struct letter *l)
{
    bool covers = l->sender_type == SENDER_MEMBER || l->sender_type == SENDER_NEW_COMMIT;
    return covers ? era_of(g, l).context : span_of(NULL, 0);
}

void letter_sign(const struct mls_group *g, struct letter *l)
{
    struct buf *b = kit_buf(), *head = kit_buf();
    uint8_t sig[CRYPTO_SIG_MAX];
    size_t n = 0;
    tls_put_vector(b, l->group_id);
    tls_put_u64(b, l->epoch);
    tls_put_u8(b, l->sender_type);
    if (l->sender_type == SENDER_MEMBER || l->sender_type == SENDER_EXTERNAL) tls_put_u32(b, l->sender);
    tls_put_vector(b, l->aad);
    tls_put_u8(b, l->content_type);
    buf_put(b, l->body);
    must_ok(buf_end(b));
    l->framed = buf_span(b);
    put_head(head, l->wire);
    const struct span parts[] = {buf_span(head), l->framed, context_of(g, l)};
    must_ok(label_sign(&g->algo, l->sk, span_of(NULL, 0), "FramedContentTBS", parts, 3, sig, &n));
    l->signature = kit_copy(span_of(sig, n));
}

static void put_auth(const struct letter *l, struct buf *b)
{
    tls_put_vector(b, l->signature);
    if (l->tagged) tls_put_vector(b, l->tag);
}

static void seal_public(const struct mls_group *g, const struct letter *l, struct buf *out)
{
    uint8_t tag[CRYPTO_HASH_MAX];
    struct buf *auth = kit_buf(), *head = kit_buf();
    put_auth(l, auth);
    put_head(head, l->wire);
    buf_put(out, buf_span(head));
    buf_put(out, l->framed);
    buf_put(out, buf_span(auth));
    if (l->sender_type != SENDER_MEMBER) return;
    const struct span parts[] = {buf_span(head), l->framed, buf_span(&g->now.context), buf_span(auth)};
    must_ok(crypto_mac(g->algo.crypto, g->algo.suite, secret_span(&g->algo, &g->now.secrets.membership), parts, 4, tag));
    tls_put_vector(out, span_of(tag, algo_nh(&g->algo)));
}

static void seal(const struct mls_group *g, const struct message_key *key, struct span aad, struct span pt, struct buf *out)
{
    uint8_t *at = buf_grow(out, pt.n + CRYPTO_TAG);
    must(at != NULL);
    must_ok(crypto_seal(g->algo.crypto, g->algo.suite, key->key, key->nonce, aad, pt, at));
}

// A key of the claimed sender's ratchet: every member can derive it until it is used.
static bool find_key(const struct mls_group *g, const struct letter *l, struct message_key *key)
{
    struct secret_step step;
    struct era era = era_of(g, l);
    enum ratchet_type type = l->content_type == CONTENT_APPLICATION ? RATCHET_APPLICATION : RATCHET_HANDSHAKE;
    if (secret_step_find(&g->algo, era.secrets, l->sender, type, l->generation, 64, 0, &step) != ERR_OK) return false;
    *key = step.key;
    secret_step_wipe(&step);
    return true;
}

static bool seal_private(const struct mls_group *g, const struct letter *l, struct buf *out)
{
    struct message_key key;
    struct buf *pt = kit_buf(), *ct = kit_buf(), *sender = kit_buf(), *sealed = kit_buf();
    if (!find_key(g, l, &key)) return false;
    buf_put(pt, l->body);
    put_auth(l, pt);
    buf_put(pt, l->padding);
    feed_patch(l->damage, l->inner, pt);
    put_head(out, l->wire);
    size_t from = out->n;
    tls_put_vector(out, l->group_id);
    tls_put_u64(out, l->epoch);
    tls_put_u8(out, l->content_type);
    size_t sender_aad = out->n - from;
    tls_put_vector(out, l->aad);
    seal(g, &key, span_of(out->p + from, out->n - from), buf_span(pt), ct); // with a reuse guard of zeros
    tls_put_u32(sender, l->sender);
    tls_put_u32(sender, l->generation);
    tls_put_u32(sender, 0);
    must_ok(schedule_sender_data(&g->algo, era_of(g, l).sender_data, buf_span(ct), key.key, key.nonce));
    seal(g, &key, span_of(out->p + from, sender_aad), buf_span(sender), sealed);
    tls_put_vector(out, buf_span(sealed));
    tls_put_vector(out, buf_span(ct));
    return true;
}

struct span letter_seal(const struct mls_group *g, struct letter *l)
{
    struct buf *out = kit_buf();
    if (l->wire != WIRE_PRIVATE) seal_public(g, l, out);
    else if (!seal_private(g, l, out)) return span_of(NULL, 0);
    must_ok(buf_end(out));
    feed_patch(l->damage, l->outer, out);
    return buf_span(out);
}

struct span letter_reference(const struct mls_group *g, const struct letter *l)
{
    struct buf *b = kit_buf();
    uint8_t ref[CRYPTO_HASH_MAX];
    tls_put_u16(b, l->wire);
    buf_put(b, l->framed);
    tls_put_vector(b, l->signature);
    must_ok(label_ref_hash(&g->algo, "MLS 1.0 Proposal Reference", buf_span(b), ref));
    return kit_copy(span_of(ref, algo_nh(&g->algo)));
}
