// SPDX-License-Identifier: Apache-2.0
//
// Leaves that this client makes: what the application wants, what the library can do, and a sprinkle of GREASE (RFC 9420
// §7.2, §13.5), put together for leaf_build.
#include "group/group.h"

enum { MAX_LIST = NODE_MAX_TYPES, HOUR = 3600, DAY = 24 * HOUR };

// One of the fifteen values 0x0A0A, 0x1A1A, … 0xEAEA.
static enum err random_grease(const struct mls_client *c, uint16_t *out)
{
    uint8_t r;
    enum err e = c->world.random(c->world.arg, &r, 1);
    *out = (uint16_t)(0x0A0A + 0x1010 * (r % 15));
    return e;
}

enum err extensions_write(const struct mls_client *c, const struct mls_extension *list, size_t n, bool grease,
                          struct buf *out)
{
    size_t from = out->n;
    uint16_t type = 0;
    uint8_t noise[8] = {0};
    enum err e = ERR_OK;
    for (size_t i = 0; i < n; i++) {
        tls_put_u16(out, list[i].type);
        tls_put_vector(out, from_api(list[i].data));
    }
    if (grease && !c->config.no_grease) {
        e = random_grease(c, &type);
        if (e == ERR_OK) e = c->world.random(c->world.arg, noise, sizeof noise);
        tls_put_u16(out, type);
        tls_put_vector(out, span_of(noise, noise[0] % sizeof noise));
    }
    if (e == ERR_OK) e = buf_end(out);
    if (e != ERR_OK) return e;
    struct buf whole;
    buf_init(&whole, TLS_VECTOR_MAX);
    tls_put_vector(&whole, out->n > from ? span_of(out->p + from, out->n - from) : span_of(NULL, 0)); // p may be NULL
    struct tls_reader r = tls_reader_of(buf_span(&whole));
    e = buf_end(&whole);
    if (e == ERR_OK) (void)extensions_read(&r);
    if (e == ERR_OK && r.err != ERR_OK) e = ERR_MISUSE; // a type stands twice
    buf_wipe(&whole);
    return e;
}

enum err credential_write(const struct mls_credential *in, struct buf *out)
{
    tls_put_u16(out, in->type);
    if (in->type != CREDENTIAL_X509) {
        tls_put_vector(out, from_api(in->identity));
        return buf_end(out);
    }
    size_t mark = tls_begin(out);
    for (size_t i = 0; i < in->certificate_count; i++) tls_put_vector(out, from_api(in->certificates[i]));
    tls_finish(out, mark);
    return buf_end(out);
}

// Adds a type to a list unless it is there.
static void put_type(struct buf *list, uint16_t type)
{
    if (!types_contain(buf_span(list), type)) tls_put_u16(list, type);
}

static void put_types(struct buf *list, const uint16_t *types, size_t n)
{
    for (size_t i = 0; i < n; i++) put_type(list, types[i]);
}

// RFC 9420 §7.2: "The following proposal and extension types are considered "default" and MUST NOT be listed".
static void put_extension_type(struct buf *list, uint16_t type)
{
    if (!capabilities_extension(&(struct capabilities){0}, type)) put_type(list, type);
}

static void put_proposal_type(struct buf *list, uint16_t type)
{
    if (!capabilities_proposal(&(struct capabilities){0}, type)) put_type(list, type);
}

struct lists {
    struct buf suites, extensions, proposals, credentials;
};

static enum err make_lists(const struct mls_client *c, const struct mls_leaf_params *p, struct span own_extensions,
                           uint16_t credential, struct lists *l)
{
    struct buf *all[] = {&l->suites, &l->extensions, &l->proposals, &l->credentials};
    enum err e = ERR_OK;
    for (size_t i = 0; i < 4; i++) buf_init(all[i], 2 * (size_t)MAX_LIST);
    put_types(&l->suites, p->suites, p->suite_count);
    for (size_t i = 0; p->suite_count == 0 && crypto_suite_at(i) != NULL; i++) {
        put_type(&l->suites, crypto_suite_id(crypto_suite_at(i)));
    }
    struct extension x;
    for (size_t i = 0; i < p->extension_type_count; i++) put_extension_type(&l->extensions, p->extension_types[i]);
    for (size_t at = 0; extensions_next(own_extensions, &at, &x);) put_extension_type(&l->extensions, x.type);
    for (size_t i = 0; i < p->proposal_type_count; i++) put_proposal_type(&l->proposals, p->proposal_types[i]);
    for (size_t i = 0; i < c->config.custom_proposal_count; i++) {
        put_proposal_type(&l->proposals, c->config.custom_proposals[i].type);
    }
    put_types(&l->credentials, (const uint16_t[]){CREDENTIAL_BASIC, CREDENTIAL_X509}, 2);
    put_type(&l->credentials, credential);
    put_types(&l->credentials, p->credential_types, p->credential_type_count);
    for (size_t i = 0; e == ERR_OK && i < 4; i++) {
        uint16_t grease = 0;
        if (!c->config.no_grease) e = random_grease(c, &grease);
        if (grease != 0) put_type(all[i], grease);
        if (e == ERR_OK) e = buf_end(all[i]);
    }
    return e;
}

static enum err set_capabilities(const struct mls_client *c, const struct mls_leaf_params *p, struct leaf_plan *out)
{
    static const uint8_t version[2] = {0, MLS_VERSION};
    struct lists l;
    enum err e = make_lists(c, p, out->like.extensions, out->like.credential.type, &l);
    struct buf *all[] = {&l.suites, &l.extensions, &l.proposals, &l.credentials};
    struct span *to[] = {&out->like.capabilities.cipher_suites, &out->like.capabilities.extensions,
                         &out->like.capabilities.proposals, &out->like.capabilities.credentials};
    out->like.capabilities.versions = span_of(version, 2);
    for (size_t i = 0; i < 4; i++) {
        // The scratch buffer has its full size already (leaf_plan_new), so that spans into it stay.
        size_t at = out->scratch.n;
        if (e == ERR_OK) buf_put(&out->scratch, buf_span(all[i]));
        if (e == ERR_OK) *to[i] = span_of(out->scratch.p + at, all[i]->n);
        buf_wipe(all[i]);
    }
    return e == ERR_OK ? buf_end(&out->scratch) : e;
}

static enum err set_keys(const struct algo *a, const struct mls_leaf_params *p, const struct leaf *old,
                         const uint8_t *old_sk, struct leaf_plan *out)
{
    const struct crypto_sizes *z = algo_sizes(a);
    if (p->signature_private.size == 0 && old != NULL) {
        memcpy(out->sk, old_sk, z->nsigsk);
        out->like.signature_key = old->signature_key;
        return ERR_OK;
    }
    if (p->signature_private.size != z->nsigsk) return ERR_MISUSE;
    memcpy(out->sk, p->signature_private.data, z->nsigsk);
    out->new_key = true;
    // An EdDSA signature made with another public key than the signer's own gives the private key away: so the one that the
    // caller gives is not believed, only compared.
    enum err e = crypto_sig_public(a->crypto, a->suite, span_of(out->sk, z->nsigsk), out->pk);
    out->like.signature_key = span_of(out->pk, z->nsigpk);
    if (e == ERR_OK && p->signature_public.size != 0 &&
        !span_eq(from_api(p->signature_public), out->like.signature_key)) {
        e = ERR_MISUSE;
    }
    return e;
}

static bool says_capabilities(const struct mls_leaf_params *p)
{
    return p->extension_type_count + p->proposal_type_count + p->credential_type_count + p->suite_count > 0;
}

// Makes room for everything first, so that spans into scratch never move.
static enum err make_room(const struct mls_leaf_params *p, struct leaf_plan *out)
{
    size_t n = 8 * (size_t)MAX_LIST + p->credential.identity.size + 64;
    for (size_t i = 0; i < p->credential.certificate_count; i++) n += p->credential.certificates[i].size + 4;
    for (size_t i = 0; i < p->extension_count; i++) n += p->extensions[i].data.size + 6;
    buf_init(&out->scratch, TLS_VECTOR_MAX);
    if (buf_grow(&out->scratch, n) == NULL) return buf_end(&out->scratch);
    out->scratch.n = 0;
    out->scratch.max = out->scratch.cap;
    return ERR_OK;
}

enum err leaf_plan_new(const struct mls_client *c, const struct algo *a, const struct mls_leaf_params *params,
                       const struct leaf *old, const uint8_t *old_sk, struct leaf_plan *out)
{
    static const struct mls_leaf_params nothing;
    const struct mls_leaf_params *p = params != NULL ? params : &nothing;
    uint64_t now = c->world.now(c->world.arg);
    *out = (struct leaf_plan){0};
    if (old != NULL) out->like = *old;
    enum err e = make_room(p, out);
    if (e == ERR_OK) e = set_keys(a, p, old, old_sk, out);
    if (e == ERR_OK && (p->credential.type != 0 || old == NULL)) {
        size_t at = out->scratch.n;
        e = credential_write(&p->credential, &out->scratch);
        struct tls_reader r = tls_reader_of(span_of(out->scratch.p + at, out->scratch.n - at));
        if (e == ERR_OK) credential_read(&r, &out->like.credential);
        if (e == ERR_OK && (tls_end(&r) != ERR_OK || p->credential.type == 0)) e = ERR_MISUSE;
    }
    if (e == ERR_OK && (p->extension_count > 0 || old == NULL)) {
        size_t at = out->scratch.n;
        e = extensions_write(c, p->extensions, p->extension_count, true, &out->scratch);
        out->like.extensions = span_of(out->scratch.p + at, out->scratch.n - at);
    }
    // New extensions or a new type of credential have to be listed too.
    bool fresh = old == NULL || says_capabilities(p) || p->extension_count > 0 || p->credential.type != 0;
    if (e == ERR_OK && fresh) e = set_capabilities(c, p, out);
    out->like.not_before = p->not_before == 0 && p->not_after == 0 ? now - (now > HOUR ? HOUR : now) : p->not_before;
    out->like.not_after = p->not_before == 0 && p->not_after == 0 ? now + 90 * (uint64_t)DAY : p->not_after;
    if (e != ERR_OK) leaf_plan_wipe(out);
    return e;
}

void leaf_plan_wipe(struct leaf_plan *p)
{
    buf_wipe(&p->scratch);
    mem_wipe(p, sizeof *p);
}
