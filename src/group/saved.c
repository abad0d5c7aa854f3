// SPDX-License-Identifier: Apache-2.0
//
// A member's own staged commit as bytes, so that it survives a restart between being sent and being accepted: what it
// changes in the tree, and the next epoch's small state. O(log N) for an update, like the commit itself.
#include "group/records.h"

enum { SAVED_FORMAT = 1 };

static void put_epoch(const struct mls_staged *s, struct buf *b)
{
    const struct algo *a = &s->group->algo;
    const struct epoch *e = &s->next;
    const struct crypto_sizes *z = algo_sizes(a);
    tls_put_vector(b, buf_span(&e->extensions));
    tls_put_vector(b, buf_span(&e->reinit));
    buf_put(b, span_of(e->tree_hash, z->nh));
    buf_put(b, span_of(e->confirmed, z->nh));
    buf_put(b, span_of(e->interim, z->nh));
    buf_put(b, span_of(e->tag, z->nh));
    buf_put(b, span_of(e->signature_key, z->nsigsk));
    record_put_secrets(a, &e->secrets, b);
    for (size_t k = 0; k < TREE_MAX_LEVELS; k++) {
        tls_put_u8(b, e->keys.have[k]);
        if (e->keys.have[k]) buf_put(b, span_of(e->keys.key[k], z->nsk));
    }
}

static enum err put_tree(const struct mls_staged *s, struct buf *b)
{
    uint32_t node;
    enum err e = ERR_OK;
    tls_put_u32(b, s->tree.leaves);
    size_t mark = tls_begin(b);
    for (size_t at = 0; e == ERR_OK && tree_changed(&s->tree, &at, &node);) {
        tls_put_u32(b, node);
        e = tree_encode_node(&s->tree, node, b);
    }
    tls_finish(b, mark);
    return e == ERR_OK ? buf_end(b) : e;
}

enum mls_error mls_staged_save(const struct mls_staged *s, struct mls_buf *out)
{
    struct buf b;
    *out = (struct mls_buf){0};
    const struct secret *root = map_get(&s->secrets.nodes, math_root(s->tree.leaves));
    if (!s->ready || !s->mine || root == NULL) return MLS_E_MISUSE;
    buf_init(&b, TLS_VECTOR_MAX);
    tls_put_u8(&b, SAVED_FORMAT);
    tls_put_vector(&b, buf_span(&s->group->id));
    tls_put_u64(&b, s->base);
    tls_put_u8(&b, s->changes_extensions);
    put_epoch(s, &b);
    buf_put(&b, secret_span(&s->group->algo, root));
    enum err e = put_tree(s, &b);
    size_t mark = tls_begin(&b);
    for (size_t i = 0; i < s->n_change; i++) {
        tls_put_u8(&b, (uint8_t)s->change[i].type);
        tls_put_u32(&b, s->change[i].leaf);
        tls_put_vector(&b, buf_span(&s->change[i].raw));
    }
    tls_finish(&b, mark);
    e = give(&b, e == ERR_OK ? buf_end(&b) : e, out);
    mem_wipe_stack();
    return api_error(e);
}

static void read_exact(struct tls_reader *r, uint8_t *to, size_t n)
{
    struct span s = tls_bytes(r, n);
    if (r->err == ERR_OK) memcpy(to, s.p, n);
}

static enum err read_epoch(struct tls_reader *r, struct mls_staged *s)
{
    const struct algo *a = &s->group->algo;
    struct epoch *e = &s->next;
    const struct crypto_sizes *z = algo_sizes(a);
    struct span extensions = tls_vector(r), reinit = tls_vector(r);
    buf_wipe(&e->extensions);
    buf_put(&e->extensions, extensions);
    buf_put(&e->reinit, reinit);
    read_exact(r, e->tree_hash, z->nh);
    read_exact(r, e->confirmed, z->nh);
    read_exact(r, e->interim, z->nh);
    read_exact(r, e->tag, z->nh);
    read_exact(r, e->signature_key, z->nsigsk);
    e->confirmed_n = z->nh;
    record_read_secrets(a, r, &e->secrets);
    uint32_t leaf = e->keys.leaf;
    path_keys_wipe(&e->keys);
    e->keys.leaf = leaf;
    for (size_t k = 0; k < TREE_MAX_LEVELS; k++) {
        e->keys.have[k] = tls_optional(r);
        if (e->keys.have[k]) read_exact(r, e->keys.key[k], z->nsk);
    }
    enum err x = buf_end(&e->extensions);
    return x != ERR_OK ? x : buf_end(&e->reinit) != ERR_OK ? ERR_MEMORY : r->err;
}

static enum err read_tree_node(struct tls_reader *r, struct tree *t)
{
    uint32_t node = tls_u32(r);
    if (r->err != ERR_OK || node >= math_width(t->leaves)) return ERR_CORRUPT;
    return tree_read_node(t, node, r); // one that was cut off from a tree that shrinks is blank
}

static enum err read_tree(struct tls_reader *r, struct mls_staged *s)
{
    uint32_t leaves = tls_u32(r);
    struct tls_reader in = tls_open(r);
    enum err e = ERR_OK;
    if (leaves == 0 || leaves > TREE_MAX_LEAVES || (leaves & (leaves - 1)) != 0) return ERR_CORRUPT;
    while (e == ERR_OK && s->tree.leaves < leaves) e = tree_extend(&s->tree);
    while (e == ERR_OK && tls_left(&in) > 0) e = read_tree_node(&in, &s->tree);
    if (e == ERR_OK) e = in.err;
    uint8_t hash[CRYPTO_HASH_MAX];
    if (e == ERR_OK) tree_truncate(&s->tree);
    if (e == ERR_OK && s->tree.leaves != leaves) e = ERR_CORRUPT;
    if (e == ERR_OK) e = tree_hash(&s->group->algo, &s->tree, math_root(leaves), hash);
    size_t nh = algo_nh(&s->group->algo);
    bool same = e == ERR_OK && span_eq(span_of(hash, nh), span_of(s->next.tree_hash, nh));
    return e == ERR_OK && !same ? ERR_CORRUPT : e;
}

static enum err read_changes(struct tls_reader *r, struct mls_staged *s)
{
    struct tls_reader in = tls_open(r);
    enum err e = ERR_OK;
    while (e == ERR_OK && tls_left(&in) > 0) {
        uint8_t type = tls_u8(&in);
        uint32_t leaf = tls_u32(&in);
        struct span raw = tls_vector(&in);
        if (in.err != ERR_OK || type > MLS_CHANGE_JOINED) return ERR_CORRUPT;
        e = staged_note(s, (enum mls_change_type)type, leaf, raw);
    }
    return e;
}

static enum err read_saved(struct mls_group *g, struct tls_reader *r, struct mls_staged **out)
{
    struct secret root = {{0}};
    struct mls_staged *s = NULL;
    uint8_t format = tls_u8(r);
    if (r->err == ERR_OK && format != SAVED_FORMAT) return ERR_UNSUPPORTED;
    struct span id = tls_vector(r);
    uint64_t base = tls_u64(r);
    bool extensions = tls_optional(r);
    if (r->err != ERR_OK || !span_eq(id, buf_span(&g->id))) return ERR_CORRUPT;
    if (base != g->now.number) return rule(MLS_E_STAGED_STALE);
    enum err e = staged_new(g, g->now.keys.leaf, &s);
    if (e != ERR_OK) return e;
    s->mine = true;
    s->changes_extensions = extensions;
    e = read_epoch(r, s);
    read_exact(r, root.b, algo_nh(&g->algo));
    if (e == ERR_OK) e = read_tree(r, s);
    if (e == ERR_OK) e = read_changes(r, s);
    if (e == ERR_OK) e = tls_end(r);
    if (e == ERR_OK) e = epoch_encode_context(g, &s->next);
    if (e == ERR_OK) {
        secret_tree_wipe(&s->secrets);
        e = secret_tree_new(&s->secrets, s->tree.leaves, &root);
    }
    mem_wipe(&root, sizeof root);
    s->ready = e == ERR_OK;
    if (e == ERR_OK) *out = s;
    else mls_staged_free(s);
    return e;
}

enum mls_error mls_staged_restore(struct mls_group *g, struct mls_span saved, struct mls_staged **out)
{
    struct tls_reader r = tls_reader_of(from_api(saved));
    *out = NULL;
    enum err e = group_can_send(g) ? read_saved(g, &r, out) : rule(MLS_E_GROUP_INACTIVE);
    mem_wipe_stack();
    return e == ERR_MALFORMED ? MLS_E_CORRUPT : api_error(e);
}
