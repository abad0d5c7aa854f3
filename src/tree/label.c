// SPDX-License-Identifier: Apache-2.0
//
// Labelled hashing, expansion, signing and encryption. Each puts its label structure in front of the content exactly
// as RFC 9420 defines it, so that one kind of value can never be taken for another.
#include "tree/label.h"

#include "codec/tls.h"

static const char prefix[] = "MLS 1.0 ";

// Labels of the protocol are short; those of exporters are the application's.
enum { LABEL_MAX = 1024 };

// opaque label<V> = "MLS 1.0 " + label
struct label {
    uint8_t b[2 + LABEL_MAX];
    size_t n;
};

static enum err label_of(const char *text, struct label *l)
{
    struct buf b = {.p = l->b, .cap = sizeof l->b, .max = sizeof l->b};
    size_t n = strlen(text);
    if (n > LABEL_MAX - (sizeof prefix - 1)) return ERR_LIMIT;
    tls_put_length(&b, sizeof prefix - 1 + n);
    buf_put(&b, span_of(prefix, sizeof prefix - 1));
    buf_put(&b, span_of(text, n));
    l->n = b.n;
    return buf_end(&b);
}

// The length header of a vector, without a heap.
static struct span length_of(size_t n, uint8_t header[4])
{
    struct buf b = {.p = header, .cap = 4, .max = 4};
    tls_put_length(&b, n);
    return span_of(header, b.n);
}

enum err label_ref_hash(const struct algo *a, const char *label, struct span value, uint8_t *out)
{
    uint8_t h1[4], h2[4];
    struct span text = span_str(label);
    if (value.n > TLS_VECTOR_MAX) return ERR_LIMIT;
    const struct span parts[] = {length_of(text.n, h1), text, length_of(value.n, h2), value};
    return crypto_hash(a->crypto, a->suite, parts, 4, out);
}

enum err label_expand(const struct algo *a, struct span secret, const char *label, struct span context, uint8_t *out,
                      size_t n)
{
    struct label l;
    uint8_t h[4];
    enum err e = label_of(label, &l);
    if (e != ERR_OK) return e;
    if (n > UINT16_MAX || context.n > TLS_VECTOR_MAX) return ERR_LIMIT;
    const uint8_t length[2] = {(uint8_t)(n >> 8), (uint8_t)n};
    const struct span info[] = {span_of(length, 2), span_of(l.b, l.n), length_of(context.n, h), context};
    return crypto_expand(a->crypto, a->suite, secret, info, 4, out, n);
}

enum err label_derive(const struct algo *a, const struct secret *secret, const char *label, struct secret *out)
{
    return label_expand(a, secret_span(a, secret), label, span_of(NULL, 0), out->b, algo_nh(a));
}

enum err label_derive_tree(const struct algo *a, const struct secret *secret, const char *label, uint32_t generation,
                           uint8_t *out, size_t n)
{
    const uint8_t g[4] = {(uint8_t)(generation >> 24), (uint8_t)(generation >> 16), (uint8_t)(generation >> 8),
                          (uint8_t)generation};
    return label_expand(a, secret_span(a, secret), label, span_of(g, 4), out, n);
}

// struct { opaque label<V>; opaque content<V>; }: SignContent and EncryptContext have the same shape.
static enum err labelled(const char *label, const struct span *parts, size_t n, struct buf *out)
{
    struct label l;
    size_t total = 0;
    enum err e = label_of(label, &l);
    if (e != ERR_OK) return e;
    for (size_t i = 0; i < n; i++) total += parts[i].n;
    buf_reserve(out, l.n + 4 + total);
    buf_put(out, span_of(l.b, l.n));
    tls_put_length(out, total);
    for (size_t i = 0; i < n; i++) buf_put(out, parts[i]);
    return buf_end(out);
}

enum err label_sign(const struct algo *a, struct span sk, struct span pk, const char *label, const struct span *parts,
                    size_t n, uint8_t *sig, size_t *sig_n)
{
    struct buf content;
    buf_init(&content, TLS_VECTOR_MAX);
    enum err e = labelled(label, parts, n, &content);
    if (e == ERR_OK) e = crypto_sign(a->crypto, a->suite, sk, pk, buf_span(&content), sig, sig_n);
    buf_wipe(&content);
    return e;
}

enum err label_verify(const struct algo *a, struct span pk, const char *label, const struct span *parts, size_t n,
                      struct span sig)
{
    struct buf content;
    buf_init(&content, TLS_VECTOR_MAX);
    enum err e = labelled(label, parts, n, &content);
    if (e == ERR_OK) e = crypto_verify(a->crypto, a->suite, pk, buf_span(&content), sig);
    buf_wipe(&content);
    return e;
}

enum err label_info(const struct algo *a, const char *label, struct span context, struct crypto_hpke_info *out)
{
    struct label l;
    uint8_t h[4];
    enum err e = label_of(label, &l);
    if (e != ERR_OK) return e;
    if (context.n > TLS_VECTOR_MAX) return ERR_LIMIT;
    const struct span info[] = {span_of(l.b, l.n), length_of(context.n, h), context};
    return crypto_hpke_info(a->crypto, a->suite, info, 3, out);
}

enum err label_encrypt(const struct algo *a, struct span pk, const struct crypto_hpke_info *info, struct span pt,
                       const uint8_t *seed, struct buf *out)
{
    const struct crypto_sizes *z = algo_sizes(a);
    tls_put_length(out, z->nenc);
    uint8_t *enc = buf_grow(out, z->nenc);
    size_t at = enc == NULL ? 0 : (size_t)(enc - out->p); // the buffer may move when it grows again
    tls_put_length(out, pt.n + CRYPTO_TAG);
    uint8_t *ct = buf_grow(out, pt.n + CRYPTO_TAG);
    enum err e = buf_end(out);
    return e == ERR_OK ? crypto_hpke_seal_info(a->crypto, a->suite, pk, info, pt, seed, out->p + at, ct) : e;
}

enum err label_decrypt(const struct algo *a, struct span sk, struct span pk, const char *label, struct span context,
                       struct span kem_output, struct span ct, struct buf *pt)
{
    struct buf info;
    buf_init(&info, TLS_VECTOR_MAX);
    if (ct.n < CRYPTO_TAG) return ERR_UNAUTHENTICATED;
    enum err e = labelled(label, &context, 1, &info);
    if (e != ERR_OK) goto out;
    uint8_t *at = buf_grow(pt, ct.n - CRYPTO_TAG);
    e = buf_end(pt);
    if (e == ERR_OK) e = crypto_hpke_open(a->crypto, a->suite, sk, pk, kem_output, buf_span(&info), ct, at);
out:
    buf_wipe(&info);
    return e;
}
