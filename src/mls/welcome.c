// SPDX-License-Identifier: Apache-2.0
//
// GroupInfo, GroupSecrets and Welcome: reading, writing, signing.
#include "mls/welcome.h"

void group_info_read(struct tls_reader *r, struct group_info *out)
{
    const uint8_t *from = tls_mark(r);
    *out = (struct group_info){0};
    group_context_read(r, &out->context);
    if (r->err == ERR_OK) out->context_raw = tls_since(r, from);
    out->extensions = extensions_read(r);
    out->confirmation_tag = tls_vector(r);
    out->signer = tls_u32(r);
    if (r->err == ERR_OK) out->tbs = tls_since(r, from);
    out->signature = tls_vector(r);
    if (r->err == ERR_OK) out->raw = tls_since(r, from);
}

enum err group_info_decode(struct span raw, struct group_info *out)
{
    struct tls_reader r = tls_reader_of(raw);
    group_info_read(&r, out);
    return tls_end(&r);
}

enum err group_info_sign(const struct algo *a, size_t from, struct span tag, uint32_t signer, struct span sk,
                         struct span pk, struct buf *out)
{
    uint8_t sig[CRYPTO_SIG_MAX];
    size_t sig_n = 0;
    tls_put_vector(out, tag);
    tls_put_u32(out, signer);
    enum err e = buf_end(out);
    if (e != ERR_OK) return e;
    struct span tbs = span_of(out->p + from, out->n - from);
    e = label_sign(a, sk, pk, "GroupInfoTBS", &tbs, 1, sig, &sig_n);
    if (e == ERR_OK) tls_put_vector(out, span_of(sig, sig_n));
    return e == ERR_OK ? buf_end(out) : e;
}

enum err group_info_verify(const struct algo *a, const struct group_info *info, struct span pk)
{
    return label_verify(a, pk, "GroupInfoTBS", &info->tbs, 1, info->signature);
}

enum err group_secrets_decode(struct span raw, struct group_secrets *out)
{
    struct tls_reader r = tls_reader_of(raw);
    struct psk_id id;
    *out = (struct group_secrets){.joiner_secret = tls_vector(&r)};
    out->has_path_secret = tls_optional(&r);
    if (out->has_path_secret) out->path_secret = tls_vector(&r);
    struct tls_reader in = tls_open(&r);
    out->psks = span_of(in.p, tls_left(&in));
    for (; tls_left(&in) > 0; out->n_psks++) psk_id_read(&in, &id);
    tls_close(&r, &in);
    return tls_end(&r);
}

void group_secrets_write(struct buf *b, struct span joiner, const struct secret *path_secret, size_t nh,
                         struct span psks)
{
    tls_put_vector(b, joiner);
    tls_put_u8(b, path_secret != NULL);
    if (path_secret != NULL) tls_put_vector(b, span_of(path_secret->b, nh));
    tls_put_vector(b, psks);
}

static void read_secrets(struct tls_reader *r, struct encrypted_secrets *out)
{
    out->new_member = tls_vector(r);
    out->kem_output = tls_vector(r);
    out->ciphertext = tls_vector(r);
}

void welcome_read(struct tls_reader *r, struct welcome *out)
{
    struct encrypted_secrets one;
    out->suite = tls_u16(r);
    struct tls_reader in = tls_open(r);
    out->secrets = span_of(in.p, tls_left(&in));
    while (tls_left(&in) > 0) read_secrets(&in, &one);
    tls_close(r, &in);
    out->encrypted_group_info = tls_vector(r);
}

bool welcome_next(const struct welcome *w, size_t *at, struct encrypted_secrets *out)
{
    struct tls_reader r = tls_reader_of(w->secrets);
    (void)tls_bytes(&r, *at);
    if (tls_left(&r) == 0) return false;
    read_secrets(&r, out);
    *at = w->secrets.n - tls_left(&r);
    return r.err == ERR_OK;
}

bool welcome_find(const struct welcome *w, struct span ref, struct encrypted_secrets *out)
{
    for (size_t at = 0; welcome_next(w, &at, out);) {
        if (span_eq(out->new_member, ref)) return true;
    }
    return false;
}
