// SPDX-License-Identifier: Apache-2.0
//
// Forged leaves, KeyPackages and proposals: any content, with the right signatures.
#include "forge.h"

#include <openssl/x509.h>

const struct span forge_flip = {(const uint8_t *)"flip", 4};

static const struct algo *algo(struct scene *s)
{
    static struct algo a;
    a = (struct algo){.crypto = s->client->crypto, .suite = crypto_suite(s->suite)};
    return &a;
}

struct span forge_damage(struct scene *s, struct span bytes)
{
    struct buf *b = scene_buf(s);
    buf_put(b, bytes);
    assert_true(b->n > 0);
    b->p[b->n - 1] ^= 1;
    return buf_span(b);
}

struct span forge_signature_key(struct scene *s, size_t who) { return scene_span(s->m[who].signature_private); }

struct span forge_key(struct scene *s, uint8_t *sk)
{
    uint8_t ikm[CRYPTO_SK_MAX], own[CRYPTO_SK_MAX], pk[CRYPTO_PK_MAX];
    const struct algo *a = algo(s);
    assert_true(cast_random(&s->world, ikm, sizeof ikm));
    assert_ok(crypto_kem_derive(a->crypto, a->suite, span_of(ikm, algo_sizes(a)->nsk), sk != NULL ? sk : own, pk));
    return scene_copy(s, span_of(pk, algo_sizes(a)->npk));
}

struct leaf forge_leaf(struct scene *s, size_t who)
{
    const struct mls_group *g = scene_group(s, who);
    struct leaf l;
    struct span raw = scene_copy(s, tree_leaf_raw(&g->tree, g->now.keys.leaf));
    assert_ok(leaf_decode(raw, &l));
    return l;
}

struct leaf forge_new_leaf(struct scene *s, size_t who, uint8_t *leaf_sk)
{
    struct key_package kp;
    struct mls_buf package, private;
    struct mls_leaf_params params = scene_leaf(s, who);
    assert_ok(mls_key_package_new(s->client, s->suite, &params, NULL, 0, &package, &private));
    struct span raw = scene_copy(s, span_of(package.data + 4, package.size - 4));
    mls_buf_free(&package);
    mls_buf_free(&private);
    assert_ok(key_package_decode(raw, &kp));
    kp.leaf.encryption_key = forge_key(s, leaf_sk);
    return kp.leaf;
}

struct span forge_sign_leaf(struct scene *s, const struct leaf *l, struct span group_id, uint32_t index, struct span sk)
{
    struct buf *b = scene_buf(s);
    assert_ok(leaf_build(algo(s), l, group_id, index, sk, b));
    if (l->signature.p == forge_flip.p) b->p[b->n - 1] ^= 1;
    return buf_span(b);
}

struct credential forge_credential(struct scene *s, uint16_t type, const char *body)
{
    struct buf *b = scene_buf(s);
    struct credential c;
    tls_put_u16(b, type);
    tls_put_vector(b, span_str(body));
    struct tls_reader r = tls_reader_of(buf_span(b));
    credential_read(&r, &c);
    assert_ok(tls_end(&r));
    return c;
}

// A self-signed certificate with nothing but a key in it.
static struct span certificate(struct scene *s, size_t who)
{
    struct span sk = forge_signature_key(s, who);
    uint8_t *der = NULL;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, sk.p, sk.n);
    X509 *x = X509_new();
    assert_true(key != NULL && x != NULL && X509_set_pubkey(x, key) == 1);
    assert_true(ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1);
    assert_true(X509_gmtime_adj(X509_getm_notBefore(x), 0) != NULL &&
                X509_gmtime_adj(X509_getm_notAfter(x), 60) != NULL);
    assert_true(X509_sign(x, key, NULL) > 0);
    int n = i2d_X509(x, &der);
    assert_true(n > 0);
    struct span out = scene_copy(s, span_of(der, (size_t)n));
    OPENSSL_free(der);
    X509_free(x);
    EVP_PKEY_free(key);
    return out;
}

struct credential forge_certificate(struct scene *s, size_t who)
{
    struct buf *b = scene_buf(s);
    struct credential c;
    tls_put_u16(b, CREDENTIAL_X509);
    size_t mark = tls_begin(b);
    tls_put_vector(b, certificate(s, who));
    tls_finish(b, mark);
    struct tls_reader r = tls_reader_of(buf_span(b));
    credential_read(&r, &c);
    assert_ok(tls_end(&r));
    return c;
}

struct span forge_key_package(struct scene *s, size_t who, struct forge_package *p)
{
    struct buf *b = scene_buf(s), private;
    struct cast_member *m = &s->m[who];
    uint8_t sig[CRYPTO_SIG_MAX];
    size_t n = 0;
    if (p->init_key.n == 0) p->init_key = forge_key(s, p->init_sk);
    tls_put_u16(b, p->version != 0 ? p->version : MLS_VERSION);
    tls_put_u16(b, p->suite != 0 ? p->suite : s->suite);
    tls_put_vector(b, p->init_key);
    buf_put(b, p->leaf);
    tls_put_vector(b, p->extensions);
    struct span tbs = buf_span(b), sk = forge_signature_key(s, who);
    assert_ok(label_sign(algo(s), sk, span_of(NULL, 0), "KeyPackageTBS", &tbs, 1, sig, &n));
    if (p->flaw) sig[n - 1] ^= 1;
    tls_put_vector(b, span_of(sig, n));
    assert_ok(buf_end(b));
    buf_init(&private, TLS_VECTOR_MAX);
    size_t nsk = algo_sizes(algo(s))->nsk;
    private_part_write(&private, buf_span(b), span_of(p->init_sk, nsk), span_of(p->leaf_sk, nsk), sk);
    mls_buf_free(&m->private_part);
    assert_ok(give(&private, ERR_OK, &m->private_part));
    return buf_span(b);
}

// --------------------------------------------------------------------------------------------------- proposals

static struct buf *head(struct scene *s, uint16_t type)
{
    struct buf *b = scene_buf(s);
    tls_put_u16(b, type);
    return b;
}

static struct span with_body(struct scene *s, uint16_t type, struct span body)
{
    struct buf *b = head(s, type);
    buf_put(b, body);
    assert_ok(buf_end(b));
    return buf_span(b);
}

struct span forge_add(struct scene *s, struct span key_package) { return with_body(s, PROPOSAL_ADD, key_package); }
struct span forge_update(struct scene *s, struct span leaf) { return with_body(s, PROPOSAL_UPDATE, leaf); }

struct span forge_remove(struct scene *s, uint32_t leaf)
{
    struct buf *b = head(s, PROPOSAL_REMOVE);
    tls_put_u32(b, leaf);
    return buf_span(b);
}

struct span forge_psk(struct scene *s, const struct psk_id *id)
{
    struct buf *b = head(s, PROPOSAL_PSK);
    psk_id_write(b, id);
    return buf_span(b);
}

struct span forge_extensions(struct scene *s, const struct mls_extension *list, size_t n)
{
    struct buf *b = head(s, PROPOSAL_EXTENSIONS);
    size_t mark = tls_begin(b);
    for (size_t i = 0; i < n; i++) {
        tls_put_u16(b, list[i].type);
        tls_put_vector(b, from_api(list[i].data));
    }
    tls_finish(b, mark);
    return buf_span(b);
}

struct span forge_reinit(struct scene *s, const struct reinit *r)
{
    struct buf *b = head(s, PROPOSAL_REINIT);
    reinit_write(b, r);
    return buf_span(b);
}

struct span forge_custom(struct scene *s, uint16_t type, const char *data)
{
    struct buf *b = head(s, type);
    tls_put_vector(b, span_str(data));
    return buf_span(b);
}

struct span forge_external_init(struct scene *s, struct span kem_output)
{
    struct buf *b = head(s, PROPOSAL_EXTERNAL_INIT);
    tls_put_vector(b, kem_output);
    return buf_span(b);
}
