// SPDX-License-Identifier: Apache-2.0
//
// PrivateMessage (RFC 9420 §6.3): content and sender data, sealed and opened. Invariant: a key and nonce come in from a
// step of the secret tree that is taken only once; the reuse guard makes a repeated nonce harmless even if it is not.
#include "mls/frame.h"

enum { SENDER_DATA_SIZE = 12 };

static void guard_nonce(const uint8_t nonce[CRYPTO_NONCE], const uint8_t guard[4], uint8_t out[CRYPTO_NONCE])
{
    memcpy(out, nonce, CRYPTO_NONCE);
    for (int i = 0; i < 4; i++) out[i] ^= guard[i];
}

// PrivateMessageContent: the body, FramedContentAuthData, and zeros up to a multiple of `padding`.
static enum err write_content(const struct frame *f, uint32_t padding, struct buf *out)
{
    if (f->content_type == CONTENT_APPLICATION) tls_put_vector(out, f->body);
    else buf_put(out, f->body);
    tls_put_vector(out, f->signature);
    if (f->content_type == CONTENT_COMMIT) tls_put_vector(out, f->confirmation_tag);
    if (padding > 1 && out->n % padding != 0) {
        size_t n = padding - out->n % padding;
        uint8_t *zeros = buf_grow(out, n);
        if (zeros != NULL) memset(zeros, 0, n);
    }
    return buf_end(out);
}

// The head of a PrivateMessage up to authenticated_data; *sender_aad_n: how much of it is SenderDataAAD.
static void write_head(struct buf *out, const struct frame *f, size_t *sender_aad_n)
{
    size_t from = out->n;
    tls_put_vector(out, f->group_id);
    tls_put_u64(out, f->epoch);
    tls_put_u8(out, (uint8_t)f->content_type);
    *sender_aad_n = out->n - from;
    tls_put_vector(out, f->aad);
}

static enum err seal_sender(const struct algo *a, const struct frame *f, const struct secret *sender_data,
                            uint32_t generation, const uint8_t guard[4], struct span aad, struct span ciphertext,
                            uint8_t out[SENDER_DATA_SIZE + CRYPTO_TAG])
{
    uint8_t key[CRYPTO_KEY_MAX], nonce[CRYPTO_NONCE], pt[SENDER_DATA_SIZE];
    struct buf b = {.p = pt, .cap = sizeof pt, .max = sizeof pt};
    tls_put_u32(&b, f->sender);
    tls_put_u32(&b, generation);
    buf_put(&b, span_of(guard, 4));
    enum err e = schedule_sender_data(a, sender_data, ciphertext, key, nonce);
    if (e == ERR_OK) e = crypto_seal(a->crypto, a->suite, key, nonce, aad, buf_span(&b), out);
    mem_wipe(key, sizeof key);
    mem_wipe(nonce, sizeof nonce);
    mem_wipe(pt, sizeof pt);
    return e;
}

enum err frame_write_private(const struct algo *a, const struct frame *f, const struct secret *sender_data,
                             const struct message_key *key, uint32_t generation, const uint8_t reuse_guard[4],
                             uint32_t padding, struct buf *out)
{
    uint8_t nonce[CRYPTO_NONCE], sealed[SENDER_DATA_SIZE + CRYPTO_TAG];
    struct buf content, ct;
    size_t sender_aad_n = 0;
    // RFC 9420 §6.3.2: "the sender MUST verify Sender.sender_type is member".
    if (f->sender_type != SENDER_MEMBER) return rule(MLS_E_MESSAGE_SENDER_TYPE);
    buf_init(&content, TLS_VECTOR_MAX - CRYPTO_TAG);
    buf_init(&ct, TLS_VECTOR_MAX);
    message_head(out, WIRE_PRIVATE);
    size_t from = out->n;
    write_head(out, f, &sender_aad_n);
    enum err e = write_content(f, padding, &content);
    uint8_t *sealed_content = buf_grow(&ct, content.n + CRYPTO_TAG);
    if (e == ERR_OK) e = buf_end(&ct);
    if (e == ERR_OK) e = buf_end(out);
    if (e != ERR_OK) goto out;
    guard_nonce(key->nonce, reuse_guard, nonce);
    struct span aad = span_of(out->p + from, out->n - from);
    e = crypto_seal(a->crypto, a->suite, key->key, nonce, aad, buf_span(&content), sealed_content);
    aad.n = sender_aad_n;
    if (e == ERR_OK) e = seal_sender(a, f, sender_data, generation, reuse_guard, aad, buf_span(&ct), sealed);
    if (e != ERR_OK) goto out;
    tls_put_vector(out, span_of(sealed, sizeof sealed));
    tls_put_vector(out, buf_span(&ct));
    e = buf_end(out);
out:
    mem_wipe(nonce, sizeof nonce);
    buf_wipe(&content);
    buf_wipe(&ct);
    return e;
}

void private_message_read(struct tls_reader *r, struct private_message *out)
{
    const uint8_t *from = tls_mark(r);
    *out = (struct private_message){.group_id = tls_vector(r)};
    out->epoch = tls_u64(r);
    uint8_t type = tls_u8(r);
    if (type < CONTENT_APPLICATION || type > CONTENT_COMMIT) tls_fail(r);
    out->content_type = (enum content_type)type;
    if (r->err == ERR_OK) out->sender_aad = tls_since(r, from);
    out->aad = tls_vector(r);
    if (r->err == ERR_OK) out->head = tls_since(r, from);
    out->sender_data = tls_vector(r);
    out->ciphertext = tls_vector(r);
}

enum err private_open_sender(const struct algo *a, const struct private_message *m, const struct secret *secret,
                             struct sender_data *out)
{
    uint8_t key[CRYPTO_KEY_MAX], nonce[CRYPTO_NONCE], pt[SENDER_DATA_SIZE];
    if (m->sender_data.n != SENDER_DATA_SIZE + CRYPTO_TAG) return rule(MLS_E_MESSAGE_SENDER_DATA);
    enum err e = schedule_sender_data(a, secret, m->ciphertext, key, nonce);
    if (e == ERR_OK) e = crypto_open(a->crypto, a->suite, key, nonce, m->sender_aad, m->sender_data, pt);
    if (e == ERR_UNAUTHENTICATED) e = rule(MLS_E_MESSAGE_SENDER_DATA);
    if (e == ERR_OK) {
        struct tls_reader r = tls_reader_of(span_of(pt, sizeof pt));
        out->leaf = tls_u32(&r);
        out->generation = tls_u32(&r);
        memcpy(out->reuse_guard, tls_bytes(&r, 4).p, 4);
    }
    mem_wipe(key, sizeof key);
    mem_wipe(nonce, sizeof nonce);
    mem_wipe(pt, sizeof pt);
    return e;
}

// Splits a PrivateMessageContent; the bytes of the body as they enter FramedContent.
static enum err read_content(struct span content, enum content_type type, struct span *body, struct frame *f)
{
    struct tls_reader r = tls_reader_of(content);
    struct proposal p;
    struct commit c;
    if (type == CONTENT_APPLICATION) (void)tls_vector(&r);
    else if (type == CONTENT_PROPOSAL) proposal_read(&r, &p, NULL);
    else commit_read(&r, &c);
    *body = tls_since(&r, content.p);
    f->signature = tls_vector(&r);
    if (type == CONTENT_COMMIT) f->confirmation_tag = tls_vector(&r);
    struct span padding = tls_rest(&r);
    uint8_t any = 0;
    for (size_t i = 0; i < padding.n; i++) any |= padding.p[i];
    if (r.err != ERR_OK) return r.err;
    // RFC 9420 §6.3.1: "A receiver MUST verify that there are no non-zero bytes in the padding field".
    return any == 0 ? ERR_OK : rule(MLS_E_MESSAGE_PADDING);
}

// Rebuilds the FramedContent around an opened body; the storage then holds the content, and behind it the frame.
static enum err rebuild(const struct private_message *m, const struct sender_data *sender, struct span body,
                        struct frame *f)
{
    struct buf framed;
    buf_init(&framed, TLS_VECTOR_MAX);
    tls_put_vector(&framed, m->group_id);
    tls_put_u64(&framed, m->epoch);
    tls_put_u8(&framed, SENDER_MEMBER);
    tls_put_u32(&framed, sender->leaf);
    tls_put_vector(&framed, m->aad);
    tls_put_u8(&framed, (uint8_t)m->content_type);
    size_t at = framed.n;
    buf_put(&framed, body);
    tls_put_vector(&framed, f->signature);
    if (m->content_type == CONTENT_COMMIT) tls_put_vector(&framed, f->confirmation_tag);
    enum err e = buf_end(&framed);
    if (e != ERR_OK) {
        buf_wipe(&framed);
        return e;
    }
    buf_wipe(&f->storage);
    f->storage = framed;
    struct tls_reader r = tls_reader_of(span_of(framed.p + at + body.n, framed.n - at - body.n));
    f->signature = tls_vector(&r);
    if (m->content_type == CONTENT_COMMIT) f->confirmation_tag = tls_vector(&r);
    f->framed = span_of(framed.p, at + body.n);
    f->body = span_of(framed.p + at, body.n);
    if (m->content_type == CONTENT_APPLICATION) {
        struct tls_reader in = tls_reader_of(f->body);
        f->body = tls_vector(&in);
    }
    return ERR_OK;
}

enum err private_open_content(const struct algo *a, const struct private_message *m, const struct sender_data *sender,
                              const struct message_key *key, struct frame *out)
{
    uint8_t nonce[CRYPTO_NONCE];
    struct span body;
    *out = (struct frame){.wire = WIRE_PRIVATE,
                          .group_id = m->group_id,
                          .epoch = m->epoch,
                          .sender_type = SENDER_MEMBER,
                          .sender = sender->leaf,
                          .aad = m->aad,
                          .content_type = m->content_type,
                          .generation = sender->generation};
    buf_init(&out->storage, TLS_VECTOR_MAX);
    if (m->ciphertext.n < CRYPTO_TAG) return rule(MLS_E_MESSAGE_CONTENT);
    uint8_t *pt = buf_grow(&out->storage, m->ciphertext.n - CRYPTO_TAG);
    enum err e = buf_end(&out->storage);
    guard_nonce(key->nonce, sender->reuse_guard, nonce);
    // RFC 9420 §12.4.2: "decrypt the message using the sender_data_secret and the (key, nonce) pair from the step on
    // the sender's hash ratchet indicated by the generation field."
    if (e == ERR_OK) e = crypto_open(a->crypto, a->suite, key->key, nonce, m->head, m->ciphertext, pt);
    if (e == ERR_UNAUTHENTICATED) e = rule(MLS_E_MESSAGE_CONTENT);
    if (e == ERR_OK) e = read_content(buf_span(&out->storage), m->content_type, &body, out);
    if (e == ERR_OK) e = rebuild(m, sender, body, out);
    mem_wipe(nonce, sizeof nonce);
    if (e != ERR_OK) frame_wipe(out);
    return e;
}
