// SPDX-License-Identifier: Apache-2.0
//
// LeafNode and ParentNode: reading, writing, signing. Invariant: what a decoder has accepted encodes to the same bytes
// again, because the bytes themselves are kept.
#include "tree/node.h"

bool types_contain(struct span list, uint16_t type)
{
    for (size_t i = 0; i < types_count(list); i++) {
        if (types_at(list, i) == type) return true;
    }
    return false;
}

// A bit for each type. Leaves come from outside: with two long lists, or one to be held against itself, each pair would
// be too many.
struct type_set {
    uint64_t bit[(UINT16_MAX + 1) / 64];
};
enum { TYPES_FEW = 32 };

// False if it was there.
static bool set_add(struct type_set *s, uint16_t type)
{
    uint64_t *word = &s->bit[type / 64], bit = UINT64_C(1) << type % 64;
    bool fresh = (*word & bit) == 0;
    *word |= bit;
    return fresh;
}

bool types_cover(struct span list, struct span need, uint16_t defaults)
{
    struct type_set set;
    bool few = types_count(need) <= TYPES_FEW;
    if (!few) {
        memset(&set, 0, sizeof set);
        for (size_t i = 0; i < types_count(list); i++) (void)set_add(&set, types_at(list, i));
    }
    for (size_t i = 0; i < types_count(need); i++) {
        uint16_t type = types_at(need, i);
        if (type >= 1 && type <= defaults) continue;
        if (few ? !types_contain(list, type) : set_add(&set, type)) return false;
    }
    return true;
}

size_t types_once(struct span list, uint16_t out[NODE_MAX_TYPES])
{
    struct type_set set;
    size_t n = 0, count = types_count(list);
    bool few = count <= TYPES_FEW;
    if (!few) memset(&set, 0, sizeof set);
    for (size_t i = 0; i < count && n < NODE_MAX_TYPES; i++) {
        uint16_t type = types_at(list, i);
        if (few ? !types_contain(span_of(list.p, 2 * i), type) : set_add(&set, type)) out[n++] = type;
    }
    return n;
}

// T list<V> of 16-bit types.
static struct span types_read(struct tls_reader *r)
{
    struct span list = tls_vector(r);
    if (list.n % 2 != 0 || types_count(list) > NODE_MAX_TYPES) tls_fail(r);
    return r->err == ERR_OK ? list : span_of(NULL, 0);
}

bool extensions_next(struct span list, size_t *at, struct extension *out)
{
    struct tls_reader r = tls_reader_of(list);
    (void)tls_bytes(&r, *at);
    if (tls_left(&r) == 0) return false;
    out->type = tls_u16(&r);
    out->data = tls_vector(&r);
    *at = list.n - tls_left(&r);
    return r.err == ERR_OK;
}

bool extensions_find(struct span list, uint16_t type, struct span *data)
{
    struct extension x;
    for (size_t at = 0; extensions_next(list, &at, &x);) {
        if (x.type != type) continue;
        *data = x.data;
        return true;
    }
    return false;
}

struct span extensions_read(struct tls_reader *r)
{
    struct tls_reader in = tls_open(r);
    struct span list = span_of(in.p, tls_left(&in));
    uint16_t seen[NODE_MAX_EXTENSIONS];
    size_t n = 0;
    while (tls_left(&in) > 0) {
        uint16_t type = tls_u16(&in);
        (void)tls_vector(&in);
        // RFC 9420 §13.4: "Any field containing a list of extensions MUST NOT have more than one extension of any given
        // type."
        for (size_t i = 0; i < n; i++) {
            if (seen[i] == type) tls_fail(&in);
        }
        if (n == NODE_MAX_EXTENSIONS) tls_fail(&in);
        if (in.err != ERR_OK) break;
        seen[n++] = type;
    }
    tls_close(r, &in);
    return r->err == ERR_OK ? list : span_of(NULL, 0);
}

bool capabilities_extension(const struct capabilities *c, uint16_t type)
{
    return (type >= 1 && type <= EXTENSION_DEFAULTS) || types_contain(c->extensions, type);
}

bool capabilities_proposal(const struct capabilities *c, uint16_t type)
{
    return (type >= 1 && type <= PROPOSAL_DEFAULTS) || types_contain(c->proposals, type);
}

enum err required_capabilities_decode(struct span data, struct required_capabilities *out)
{
    struct tls_reader r = tls_reader_of(data);
    out->extensions = types_read(&r);
    out->proposals = types_read(&r);
    out->credentials = types_read(&r);
    return tls_end(&r);
}

void credential_read(struct tls_reader *r, struct credential *out)
{
    const uint8_t *from = tls_mark(r);
    out->type = tls_u16(r);
    out->body = tls_vector(r);
    out->raw = tls_since(r, from);
    if (out->type != CREDENTIAL_X509) return;
    struct tls_reader chain = tls_reader_of(out->body);
    while (tls_left(&chain) > 0) (void)tls_vector(&chain);
    if (tls_end(&chain) != ERR_OK) tls_fail(r);
}

enum err credential_certificate(const struct credential *c, struct span *certificate)
{
    struct tls_reader chain = tls_reader_of(c->body);
    *certificate = tls_vector(&chain);
    return chain.err;
}

void leaf_read(struct tls_reader *r, struct leaf *out)
{
    *out = (struct leaf){0};
    const uint8_t *from = tls_mark(r);
    out->encryption_key = tls_vector(r);
    out->signature_key = tls_vector(r);
    credential_read(r, &out->credential);
    out->capabilities.versions = types_read(r);
    out->capabilities.cipher_suites = types_read(r);
    out->capabilities.extensions = types_read(r);
    out->capabilities.proposals = types_read(r);
    out->capabilities.credentials = types_read(r);
    out->source = tls_u8(r);
    if (out->source == LEAF_KEY_PACKAGE) {
        out->not_before = tls_u64(r);
        out->not_after = tls_u64(r);
    } else if (out->source == LEAF_COMMIT) {
        out->parent_hash = tls_vector(r);
    } else if (out->source != LEAF_UPDATE) {
        tls_fail(r);
    }
    out->extensions = extensions_read(r);
    if (r->err == ERR_OK) out->tbs = tls_since(r, from);
    out->signature = tls_vector(r);
    if (r->err == ERR_OK) out->raw = tls_since(r, from);
}

enum err leaf_decode(struct span raw, struct leaf *out)
{
    struct tls_reader r = tls_reader_of(raw);
    leaf_read(&r, out);
    return tls_end(&r);
}

// What LeafNodeTBS adds behind the fields of the LeafNode: opaque group_id<V>; uint32 leaf_index.
static enum err context_of(uint8_t source, struct span group_id, uint32_t index, struct buf *out)
{
    if (source == LEAF_KEY_PACKAGE) return ERR_OK;
    tls_put_vector(out, group_id);
    tls_put_u32(out, index);
    return buf_end(out);
}

enum err leaf_verify(const struct algo *a, const struct leaf *l, struct span group_id, uint32_t index)
{
    struct buf context;
    buf_init(&context, TLS_VECTOR_MAX);
    enum err e = context_of(l->source, group_id, index, &context);
    if (e == ERR_OK) {
        const struct span parts[] = {l->tbs, buf_span(&context)};
        e = label_verify(a, l->signature_key, "LeafNodeTBS", parts, 2, l->signature);
    }
    buf_wipe(&context);
    return e;
}

enum err leaf_build(const struct algo *a, const struct leaf *like, struct span group_id, uint32_t index, struct span sk,
                    struct buf *out)
{
    size_t from = out->n, sig_n = 0;
    uint8_t sig[CRYPTO_SIG_MAX];
    struct buf context;
    buf_init(&context, TLS_VECTOR_MAX);
    tls_put_vector(out, like->encryption_key);
    tls_put_vector(out, like->signature_key);
    buf_put(out, like->credential.raw);
    tls_put_vector(out, like->capabilities.versions);
    tls_put_vector(out, like->capabilities.cipher_suites);
    tls_put_vector(out, like->capabilities.extensions);
    tls_put_vector(out, like->capabilities.proposals);
    tls_put_vector(out, like->capabilities.credentials);
    tls_put_u8(out, like->source);
    if (like->source == LEAF_KEY_PACKAGE) {
        tls_put_u64(out, like->not_before);
        tls_put_u64(out, like->not_after);
    } else if (like->source == LEAF_COMMIT) {
        tls_put_vector(out, like->parent_hash);
    }
    tls_put_vector(out, like->extensions);
    enum err e = buf_end(out);
    if (e == ERR_OK) e = context_of(like->source, group_id, index, &context);
    if (e == ERR_OK) {
        const struct span parts[] = {span_of(out->p + from, out->n - from), buf_span(&context)};
        e = label_sign(a, sk, like->signature_key, "LeafNodeTBS", parts, 2, sig, &sig_n);
    }
    if (e == ERR_OK) {
        tls_put_vector(out, span_of(sig, sig_n));
        e = buf_end(out);
    }
    buf_wipe(&context);
    return e;
}

size_t parent_unmerged_at(const struct parent *p, uint32_t leaf)
{
    size_t low = 0, high = p->unmerged_n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (parent_unmerged(p, mid) < leaf) low = mid + 1;
        else high = mid;
    }
    return low;
}

bool parent_has_unmerged(const struct parent *p, uint32_t leaf)
{
    size_t at = parent_unmerged_at(p, leaf);
    return at < p->unmerged_n && parent_unmerged(p, at) == leaf;
}

enum err parent_new(struct span key, struct span hash, struct parent **out)
{
    if (key.n > CRYPTO_PK_MAX || hash.n > CRYPTO_HASH_MAX) return ERR_MALFORMED;
    struct parent *p = mem_new(sizeof *p + key.n + hash.n);
    if (p == NULL) return ERR_MEMORY;
    p->key_n = (uint16_t)key.n;
    p->hash_n = (uint8_t)hash.n;
    if (key.n > 0) memcpy(p->bytes, key.p, key.n);
    if (hash.n > 0) memcpy(p->bytes + key.n, hash.p, hash.n);
    *out = p;
    return ERR_OK;
}

// Room for n leaves in the list of unmerged ones.
static enum err unmerged_reserve(struct parent *p, uint32_t n)
{
    if (n <= p->unmerged_cap) return ERR_OK;
    uint32_t cap = p->unmerged_cap < 2 ? 2 : p->unmerged_cap * 2;
    if (cap < n) cap = n;
    uint8_t *bigger = mem_new_array(cap, 4);
    if (bigger == NULL) return ERR_MEMORY;
    if (p->unmerged_n > 0) memcpy(bigger, p->unmerged, 4 * (size_t)p->unmerged_n);
    mem_free(p->unmerged);
    p->unmerged = bigger;
    p->unmerged_cap = cap;
    return ERR_OK;
}

enum err parent_dup(const struct parent *p, struct parent **out)
{
    struct parent *copy = NULL;
    enum err e = parent_new(parent_key(p), parent_hash(p), &copy);
    if (e == ERR_OK) e = unmerged_reserve(copy, p->unmerged_n);
    if (e != ERR_OK) {
        parent_free(copy);
        return e;
    }
    if (p->unmerged_n > 0) memcpy(copy->unmerged, p->unmerged, 4 * (size_t)p->unmerged_n);
    copy->unmerged_n = p->unmerged_n;
    *out = copy;
    return ERR_OK;
}

void parent_free(struct parent *p)
{
    if (p == NULL) return;
    mem_free(p->unmerged);
    mem_free(p);
}

enum err parent_add_unmerged(struct parent *p, uint32_t leaf)
{
    size_t at = parent_unmerged_at(p, leaf);
    if (at < p->unmerged_n && parent_unmerged(p, at) == leaf) return ERR_OK;
    enum err e = unmerged_reserve(p, p->unmerged_n + 1);
    if (e != ERR_OK) return e;
    uint8_t *b = p->unmerged + 4 * at;
    memmove(b + 4, b, 4 * (p->unmerged_n - at));
    for (int i = 0; i < 4; i++) b[i] = (uint8_t)(leaf >> (24 - 8 * i));
    p->unmerged_n++;
    return ERR_OK;
}

enum err parent_read(struct tls_reader *r, struct parent **out)
{
    struct span key = tls_vector(r), hash = tls_vector(r), unmerged = tls_vector(r);
    if (unmerged.n % 4 != 0 || unmerged.n / 4 > UINT32_MAX / 8) tls_fail(r);
    if (r->err != ERR_OK) return r->err;
    struct parent *p = NULL;
    enum err e = parent_new(key, hash, &p);
    if (e == ERR_OK) e = unmerged_reserve(p, (uint32_t)(unmerged.n / 4));
    if (e != ERR_OK) goto out;
    p->unmerged_n = (uint32_t)(unmerged.n / 4);
    if (unmerged.n > 0) memcpy(p->unmerged, unmerged.p, unmerged.n);
    for (size_t i = 1; i < p->unmerged_n; i++) {
        // RFC 9420 §7.1: "The entries in the unmerged_leaves vector MUST be sorted in increasing order."
        if (parent_unmerged(p, i - 1) >= parent_unmerged(p, i)) e = ERR_MALFORMED;
    }
out:
    if (e == ERR_OK) {
        *out = p;
        return e;
    }
    if (e == ERR_MALFORMED) tls_fail(r);
    parent_free(p);
    return e;
}

size_t parent_size(const struct parent *p)
{
    return tls_vector_size(p->key_n) + tls_vector_size(p->hash_n) + tls_vector_size(4 * (size_t)p->unmerged_n);
}

void parent_write(struct buf *b, const struct parent *p)
{
    tls_put_vector(b, parent_key(p));
    tls_put_vector(b, parent_hash(p));
    tls_put_vector(b, span_of(p->unmerged, 4 * (size_t)p->unmerged_n));
}
