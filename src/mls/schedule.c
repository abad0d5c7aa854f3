// SPDX-License-Identifier: Apache-2.0
//
// The key schedule (RFC 9420 §8). Intermediate secrets live on the stack of the function that needs them and are wiped
// before it returns; only what a later operation needs leaves it.
#include "mls/schedule.h"

#include "tree/node.h"

void group_context_write(struct buf *b, const struct group_context *c)
{
    tls_put_u16(b, c->version);
    tls_put_u16(b, c->suite);
    tls_put_vector(b, c->group_id);
    tls_put_u64(b, c->epoch);
    tls_put_vector(b, c->tree_hash);
    tls_put_vector(b, c->confirmed_hash);
    tls_put_vector(b, c->extensions);
}

void group_context_read(struct tls_reader *r, struct group_context *out)
{
    out->version = tls_u16(r);
    out->suite = tls_u16(r);
    out->group_id = tls_vector(r);
    out->epoch = tls_u64(r);
    out->tree_hash = tls_vector(r);
    out->confirmed_hash = tls_vector(r);
    out->extensions = extensions_read(r);
}

void psk_id_write(struct buf *b, const struct psk_id *id)
{
    tls_put_u8(b, id->type);
    if (id->type == PSK_EXTERNAL) {
        tls_put_vector(b, id->id);
    } else {
        tls_put_u8(b, id->usage);
        tls_put_vector(b, id->group_id);
        tls_put_u64(b, id->epoch);
    }
    tls_put_vector(b, id->nonce);
}

void psk_id_read(struct tls_reader *r, struct psk_id *out)
{
    const uint8_t *from = tls_mark(r);
    *out = (struct psk_id){.type = tls_u8(r)};
    if (out->type == PSK_EXTERNAL) {
        out->id = tls_vector(r);
    } else if (out->type == PSK_RESUMPTION) {
        out->usage = tls_u8(r);
        if (out->usage < PSK_APPLICATION || out->usage > PSK_BRANCH) tls_fail(r);
        out->group_id = tls_vector(r);
        out->epoch = tls_u64(r);
    } else {
        tls_fail(r);
    }
    out->nonce = tls_vector(r);
    if (r->err == ERR_OK) out->raw = tls_since(r, from);
}

void psk_begin(struct secret *psk_secret) { memset(psk_secret, 0, sizeof *psk_secret); }

enum err psk_add(const struct algo *a, struct secret *psk_secret, const struct psk_id *id, struct span psk,
                 uint16_t index, uint16_t count)
{
    static const struct secret zero;
    struct secret extracted, input;
    struct buf label;
    buf_init(&label, TLS_VECTOR_MAX);
    psk_id_write(&label, id);
    tls_put_u16(&label, index);
    tls_put_u16(&label, count);
    enum err e = buf_end(&label);
    if (e == ERR_OK) e = crypto_extract(a->crypto, a->suite, secret_span(a, &zero), psk, extracted.b);
    if (e == ERR_OK) {
        e = label_expand(a, secret_span(a, &extracted), "derived psk", buf_span(&label), input.b, algo_nh(a));
    }
    if (e == ERR_OK) {
        e = crypto_extract(a->crypto, a->suite, secret_span(a, &input), secret_span(a, psk_secret), psk_secret->b);
    }
    mem_wipe(&extracted, sizeof extracted);
    mem_wipe(&input, sizeof input);
    buf_wipe(&label);
    return e;
}

enum err schedule_joiner(const struct algo *a, const struct secret *init, const struct secret *commit_secret,
                         struct span context, struct secret *joiner)
{
    struct secret pre;
    enum err e =
        crypto_extract(a->crypto, a->suite, secret_span(a, init), secret_span(a, commit_secret), pre.b);
    if (e == ERR_OK) e = label_expand(a, secret_span(a, &pre), "joiner", context, joiner->b, algo_nh(a));
    mem_wipe(&pre, sizeof pre);
    return e;
}

enum err schedule_member(const struct algo *a, const struct secret *joiner, const struct secret *psk_secret,
                         struct secret *member)
{
    return crypto_extract(a->crypto, a->suite, secret_span(a, joiner), secret_span(a, psk_secret), member->b);
}

enum err schedule_epoch_secret(const struct algo *a, const struct secret *member, struct span context,
                               struct secret *epoch_secret)
{
    return label_expand(a, secret_span(a, member), "epoch", context, epoch_secret->b, algo_nh(a));
}

enum err schedule_epoch(const struct algo *a, const struct secret *epoch_secret, struct epoch_secrets *out,
                        struct secret *encryption, struct secret *confirmation_key)
{
    const struct {
        const char *label;
        struct secret *to;
    } rows[] = {
        {"sender data", &out->sender_data},      {"encryption", encryption},
        {"exporter", &out->exporter},            {"external", &out->external},
        {"confirm", confirmation_key},           {"membership", &out->membership},
        {"resumption", &out->resumption},        {"authentication", &out->authenticator},
        {"init", &out->init},
    };
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < sizeof rows / sizeof *rows; i++) {
        e = label_derive(a, epoch_secret, rows[i].label, rows[i].to);
    }
    return e;
}

enum err schedule_welcome(const struct algo *a, const struct secret *member, uint8_t key[CRYPTO_KEY_MAX],
                          uint8_t nonce[CRYPTO_NONCE])
{
    struct secret welcome;
    struct span none = span_of(NULL, 0);
    enum err e = label_derive(a, member, "welcome", &welcome);
    if (e == ERR_OK) e = label_expand(a, secret_span(a, &welcome), "key", none, key, algo_sizes(a)->nk);
    if (e == ERR_OK) e = label_expand(a, secret_span(a, &welcome), "nonce", none, nonce, CRYPTO_NONCE);
    mem_wipe(&welcome, sizeof welcome);
    return e;
}

enum err schedule_confirmation_tag(const struct algo *a, const struct secret *key, struct span confirmed_hash,
                                   uint8_t *out)
{
    return crypto_mac(a->crypto, a->suite, secret_span(a, key), &confirmed_hash, 1, out);
}

enum err schedule_confirmed_hash(const struct algo *a, struct span interim_before, const struct span *input, size_t n,
                                 uint8_t *out)
{
    struct span parts[8] = {interim_before};
    if (n > 7) return ERR_MISUSE;
    for (size_t i = 0; i < n; i++) parts[1 + i] = input[i];
    return crypto_hash(a->crypto, a->suite, parts, 1 + n, out);
}

enum err schedule_interim_hash(const struct algo *a, struct span confirmed, struct span confirmation_tag, uint8_t *out)
{
    uint8_t header[4];
    struct buf b = {.p = header, .cap = sizeof header, .max = sizeof header};
    tls_put_length(&b, confirmation_tag.n);
    const struct span parts[] = {confirmed, buf_span(&b), confirmation_tag};
    return crypto_hash(a->crypto, a->suite, parts, 3, out);
}

enum err schedule_export(const struct algo *a, const struct secret *exporter, const char *label, struct span context,
                         uint8_t *out, size_t n)
{
    struct secret derived;
    uint8_t hash[CRYPTO_HASH_MAX];
    enum err e = label_derive(a, exporter, label, &derived);
    if (e == ERR_OK) e = crypto_hash(a->crypto, a->suite, &context, 1, hash);
    if (e == ERR_OK) e = label_expand(a, secret_span(a, &derived), "exported", span_of(hash, algo_nh(a)), out, n);
    mem_wipe(&derived, sizeof derived);
    return e;
}

enum err schedule_external_keys(const struct algo *a, const struct secret *external, uint8_t *sk, uint8_t *pk)
{
    return crypto_kem_derive(a->crypto, a->suite, secret_span(a, external), sk, pk);
}

enum err schedule_sender_data(const struct algo *a, const struct secret *sender_data, struct span ciphertext,
                              uint8_t key[CRYPTO_KEY_MAX], uint8_t nonce[CRYPTO_NONCE])
{
    // RFC 9420 §6.3.2: "If the length of the ciphertext is less than KDF.Nh, the whole ciphertext is used."
    struct span sample = span_of(ciphertext.p, ciphertext.n < algo_nh(a) ? ciphertext.n : algo_nh(a));
    enum err e = label_expand(a, secret_span(a, sender_data), "key", sample, key, algo_sizes(a)->nk);
    return e == ERR_OK ? label_expand(a, secret_span(a, sender_data), "nonce", sample, nonce, CRYPTO_NONCE) : e;
}
