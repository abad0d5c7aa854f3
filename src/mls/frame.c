// SPDX-License-Identifier: Apache-2.0
//
// FramedContent and its authentication, and PublicMessage (RFC 9420 §6, §6.1, §6.2). PrivateMessage is in private.c.
// Invariant of a decoded frame: encoding its fields again gives `framed`.
#include "mls/frame.h"

enum err message_open(struct tls_reader *r, enum wire_format *format)
{
    uint16_t version = tls_u16(r), wire = tls_u16(r);
    if (r->err != ERR_OK) return r->err;
    if (version != MLS_VERSION || wire < WIRE_PUBLIC || wire > WIRE_KEY_PACKAGE) return ERR_UNSUPPORTED;
    *format = (enum wire_format)wire;
    return ERR_OK;
}

void message_head(struct buf *b, enum wire_format format)
{
    tls_put_u16(b, MLS_VERSION);
    tls_put_u16(b, (uint16_t)format);
}

void frame_wipe(struct frame *f)
{
    buf_wipe(&f->storage);
    *f = (struct frame){0};
}

// The content that the type selects, as a span over the reader's bytes.
static struct span read_body(struct tls_reader *r, enum content_type type)
{
    struct proposal p;
    struct commit c;
    switch (type) {
    case CONTENT_APPLICATION: return tls_vector(r);
    case CONTENT_PROPOSAL: proposal_read(r, &p, NULL); return p.raw;
    case CONTENT_COMMIT: commit_read(r, &c); return c.raw;
    }
    tls_fail(r);
    return span_of(NULL, 0);
}

static void read_sender(struct tls_reader *r, struct frame *f)
{
    uint8_t type = tls_u8(r);
    if (type < SENDER_MEMBER || type > SENDER_NEW_COMMIT) tls_fail(r);
    f->sender_type = (enum sender_type)type;
    f->sender = type == SENDER_MEMBER || type == SENDER_EXTERNAL ? tls_u32(r) : 0;
}

static void read_framed(struct tls_reader *r, struct frame *f)
{
    const uint8_t *from = tls_mark(r);
    f->group_id = tls_vector(r);
    f->epoch = tls_u64(r);
    read_sender(r, f);
    f->aad = tls_vector(r);
    uint8_t type = tls_u8(r);
    f->content_type = (enum content_type)type;
    f->body = read_body(r, f->content_type);
    if (r->err == ERR_OK) f->framed = tls_since(r, from);
}

static void read_auth(struct tls_reader *r, struct frame *f)
{
    f->signature = tls_vector(r);
    if (f->content_type == CONTENT_COMMIT) f->confirmation_tag = tls_vector(r);
}

void frame_read_public(struct tls_reader *r, struct frame *out)
{
    *out = (struct frame){.wire = WIRE_PUBLIC};
    read_framed(r, out);
    read_auth(r, out);
    if (out->sender_type == SENDER_MEMBER) out->membership_tag = tls_vector(r);
}

enum err frame_decode_authenticated(struct span raw, struct frame *out)
{
    struct tls_reader r = tls_reader_of(raw);
    *out = (struct frame){0};
    uint16_t wire = tls_u16(&r);
    if (wire != WIRE_PUBLIC && wire != WIRE_PRIVATE) tls_fail(&r);
    out->wire = (enum wire_format)wire;
    read_framed(&r, out);
    read_auth(&r, out);
    return tls_end(&r);
}

enum err frame_authenticated(const struct frame *f, struct buf *out)
{
    tls_put_u16(out, (uint16_t)f->wire);
    buf_put(out, f->framed);
    tls_put_vector(out, f->signature);
    if (f->content_type == CONTENT_COMMIT) tls_put_vector(out, f->confirmation_tag);
    return buf_end(out);
}

void frame_transcript(const struct frame *f, struct frame_transcript *out)
{
    struct buf length = {.p = out->length, .cap = sizeof out->length, .max = sizeof out->length};
    out->head[0] = (uint8_t)((unsigned)f->wire >> 8);
    out->head[1] = (uint8_t)f->wire;
    tls_put_length(&length, f->signature.n);
    out->parts[0] = span_of(out->head, sizeof out->head);
    out->parts[1] = f->framed;
    out->parts[2] = buf_span(&length);
    out->parts[3] = f->signature;
}

// FramedContentTBS is this, the FramedContent, and the GroupContext where there is one.
static void tbs_head(enum wire_format wire, uint8_t head[4])
{
    head[0] = 0;
    head[1] = MLS_VERSION;
    head[2] = (uint8_t)((unsigned)wire >> 8);
    head[3] = (uint8_t)wire;
}

enum err frame_check_signature(const struct algo *a, const struct frame *f, struct span context, struct span pk)
{
    uint8_t head[4];
    tbs_head(f->wire, head);
    const struct span parts[] = {span_of(head, 4), f->framed, context};
    enum err e = label_verify(a, pk, "FramedContentTBS", parts, 3, f->signature);
    return e == ERR_UNAUTHENTICATED ? rule(MLS_E_MESSAGE_SIGNATURE) : e;
}

// membership_tag = MAC(membership_key, FramedContentTBS || FramedContentAuthData)
static enum err membership_tag(const struct algo *a, const struct frame *f, struct span context,
                               const struct secret *key, uint8_t *out)
{
    uint8_t head[4];
    struct buf auth;
    buf_init(&auth, TLS_VECTOR_MAX);
    tls_put_vector(&auth, f->signature);
    if (f->content_type == CONTENT_COMMIT) tls_put_vector(&auth, f->confirmation_tag);
    tbs_head(f->wire, head);
    const struct span parts[] = {span_of(head, 4), f->framed, context, buf_span(&auth)};
    enum err e = buf_end(&auth);
    if (e == ERR_OK) e = crypto_mac(a->crypto, a->suite, secret_span(a, key), parts, 4, out);
    buf_wipe(&auth);
    return e;
}

enum err frame_check_membership(const struct algo *a, const struct frame *f, struct span context,
                                const struct secret *membership_key)
{
    uint8_t want[CRYPTO_HASH_MAX];
    enum err e = membership_tag(a, f, context, membership_key, want);
    if (e != ERR_OK) return e;
    // RFC 9420 §6.2: "the application MUST check membership_tag".
    bool same = f->membership_tag.n == algo_nh(a) && mem_equal(f->membership_tag.p, want, algo_nh(a));
    return same ? ERR_OK : rule(MLS_E_MESSAGE_MEMBERSHIP_TAG);
}

static void write_framed(struct buf *b, const struct frame_content *c)
{
    tls_put_vector(b, c->group_id);
    tls_put_u64(b, c->epoch);
    tls_put_u8(b, (uint8_t)c->sender_type);
    if (c->sender_type == SENDER_MEMBER || c->sender_type == SENDER_EXTERNAL) tls_put_u32(b, c->sender);
    tls_put_vector(b, c->aad);
    tls_put_u8(b, (uint8_t)c->content_type);
    if (c->content_type == CONTENT_APPLICATION) tls_put_vector(b, c->body);
    else buf_put(b, c->body);
}

enum err frame_sign(const struct algo *a, const struct frame_content *c, struct span context, struct span sk,
                    struct span pk, struct frame *out)
{
    uint8_t head[4], sig[CRYPTO_SIG_MAX];
    size_t sig_n = 0;
    *out = (struct frame){.wire = c->wire};
    buf_init(&out->storage, TLS_VECTOR_MAX);
    write_framed(&out->storage, c);
    size_t framed_n = out->storage.n;
    enum err e = buf_end(&out->storage);
    tbs_head(c->wire, head);
    const struct span parts[] = {span_of(head, 4), buf_span(&out->storage), context};
    if (e == ERR_OK) e = label_sign(a, sk, pk, "FramedContentTBS", parts, 3, sig, &sig_n);
    buf_put(&out->storage, span_of(sig, sig_n));
    if (e == ERR_OK) e = buf_end(&out->storage);
    if (e == ERR_OK) {
        struct tls_reader r = tls_reader_of(span_of(out->storage.p, framed_n));
        read_framed(&r, out);
        e = tls_end(&r); // what does not decode again must not be sent
    }
    out->signature = span_of(out->storage.p + framed_n, sig_n);
    if (e != ERR_OK) frame_wipe(out);
    return e;
}

enum err frame_write_public(const struct algo *a, const struct frame *f, struct span context,
                            const struct secret *membership_key, struct buf *out)
{
    uint8_t tag[CRYPTO_HASH_MAX];
    // RFC 9420 §6: "Applications MUST use PrivateMessage to encrypt application messages".
    if (f->content_type == CONTENT_APPLICATION) return rule(MLS_E_MESSAGE_PUBLIC_APPLICATION);
    message_head(out, WIRE_PUBLIC);
    buf_put(out, f->framed);
    tls_put_vector(out, f->signature);
    if (f->content_type == CONTENT_COMMIT) tls_put_vector(out, f->confirmation_tag);
    if (f->sender_type != SENDER_MEMBER) return buf_end(out);
    enum err e = membership_tag(a, f, context, membership_key, tag);
    if (e == ERR_OK) tls_put_vector(out, span_of(tag, algo_nh(a)));
    return e == ERR_OK ? buf_end(out) : e;
}
