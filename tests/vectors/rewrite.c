// SPDX-License-Identifier: Apache-2.0
//
// Writers for what the library only reads. An error sticks in the buffer, as everywhere.
#include "vectors/rewrite.h"

#include "tree/tree.h"

static void fail(struct buf *b)
{
    if (b->err == ERR_OK) b->err = ERR_MALFORMED;
}

static void put_types(struct buf *b, struct span list)
{
    size_t mark = tls_begin(b);
    for (size_t i = 0; i < types_count(list); i++) tls_put_u16(b, types_at(list, i));
    tls_finish(b, mark);
}

void rewrite_extensions(struct buf *b, struct span list)
{
    struct extension x;
    size_t mark = tls_begin(b);
    for (size_t at = 0; extensions_next(list, &at, &x);) {
        tls_put_u16(b, x.type);
        tls_put_vector(b, x.data);
    }
    tls_finish(b, mark);
}

static void put_credential(struct buf *b, const struct credential *c)
{
    tls_put_u16(b, c->type);
    if (c->type != CREDENTIAL_X509) {
        tls_put_vector(b, c->body);
        return;
    }
    struct tls_reader chain = tls_reader_of(c->body);
    size_t mark = tls_begin(b);
    while (tls_left(&chain) > 0) tls_put_vector(b, tls_vector(&chain));
    tls_finish(b, mark);
}

void rewrite_leaf(struct buf *b, const struct leaf *l)
{
    tls_put_vector(b, l->encryption_key);
    tls_put_vector(b, l->signature_key);
    put_credential(b, &l->credential);
    put_types(b, l->capabilities.versions);
    put_types(b, l->capabilities.cipher_suites);
    put_types(b, l->capabilities.extensions);
    put_types(b, l->capabilities.proposals);
    put_types(b, l->capabilities.credentials);
    tls_put_u8(b, l->source);
    if (l->source == LEAF_KEY_PACKAGE) {
        tls_put_u64(b, l->not_before);
        tls_put_u64(b, l->not_after);
    }
    if (l->source == LEAF_COMMIT) tls_put_vector(b, l->parent_hash);
    rewrite_extensions(b, l->extensions);
    tls_put_vector(b, l->signature);
}

void rewrite_key_package(struct buf *b, const struct key_package *kp)
{
    tls_put_u16(b, kp->version);
    tls_put_u16(b, kp->suite);
    tls_put_vector(b, kp->init_key);
    rewrite_leaf(b, &kp->leaf);
    rewrite_extensions(b, kp->extensions);
    tls_put_vector(b, kp->signature);
}

void rewrite_proposal_body(struct buf *b, const struct proposal *p)
{
    struct reinit r;
    switch (p->type) {
    case PROPOSAL_ADD: rewrite_key_package(b, p->add); break;
    case PROPOSAL_UPDATE: rewrite_leaf(b, p->update); break;
    case PROPOSAL_REMOVE: tls_put_u32(b, p->removed); break;
    case PROPOSAL_PSK: psk_id_write(b, &p->psk); break;
    case PROPOSAL_REINIT:
        r = p->reinit;
        r.extensions = span_of(NULL, 0);
        reinit_write(b, &r);
        b->n -= b->err == ERR_OK; // its empty list of extensions
        rewrite_extensions(b, p->reinit.extensions);
        break;
    case PROPOSAL_EXTERNAL_INIT: tls_put_vector(b, p->kem_output); break;
    case PROPOSAL_EXTENSIONS: rewrite_extensions(b, p->extensions); break;
    default: tls_put_vector(b, p->data); break;
    }
}

static void put_proposal(struct buf *b, struct span raw)
{
    struct proposal p;
    struct proposal_body body;
    if (proposal_decode(raw, &p, &body) != ERR_OK) {
        fail(b);
        return;
    }
    tls_put_u16(b, p.type);
    rewrite_proposal_body(b, &p);
}

// The HPKECiphertexts of a node: kem_output<V>, ciphertext<V>, as many as the decoder counted.
static void put_ciphertexts(struct buf *b, struct span list, size_t n)
{
    struct tls_reader r = tls_reader_of(list);
    size_t mark = tls_begin(b);
    for (size_t i = 0; i < n; i++) {
        tls_put_vector(b, tls_vector(&r));
        tls_put_vector(b, tls_vector(&r));
    }
    tls_finish(b, mark);
    if (tls_end(&r) != ERR_OK) fail(b);
}

void rewrite_commit(struct buf *b, const struct commit *c)
{
    struct span raw, reference;
    size_t n = 0, mark = tls_begin(b);
    for (size_t at = 0; commit_next(c, &at, &raw, &reference); n++) {
        tls_put_u8(b, reference.n > 0 ? COMMIT_BY_REFERENCE : COMMIT_BY_VALUE);
        if (reference.n > 0) tls_put_vector(b, reference);
        else put_proposal(b, raw);
    }
    tls_finish(b, mark);
    if (n != c->n) fail(b);
    tls_put_u8(b, c->has_path);
    if (!c->has_path) return;
    rewrite_leaf(b, &c->path.leaf);
    mark = tls_begin(b);
    for (size_t i = 0; i < c->path.n; i++) {
        tls_put_vector(b, c->path.node[i].key);
        put_ciphertexts(b, c->path.node[i].ciphertexts, c->path.node[i].n);
    }
    tls_finish(b, mark);
}

void rewrite_group_info(struct buf *b, const struct group_info *info)
{
    struct group_context c = info->context;
    c.extensions = span_of(NULL, 0);
    group_context_write(b, &c);
    b->n -= b->err == ERR_OK; // its empty list of extensions
    rewrite_extensions(b, info->context.extensions);
    rewrite_extensions(b, info->extensions);
    tls_put_vector(b, info->confirmation_tag);
    tls_put_u32(b, info->signer);
    tls_put_vector(b, info->signature);
}

void rewrite_group_secrets(struct buf *b, const struct group_secrets *s)
{
    struct tls_reader r = tls_reader_of(s->psks);
    tls_put_vector(b, s->joiner_secret);
    tls_put_u8(b, s->has_path_secret);
    if (s->has_path_secret) tls_put_vector(b, s->path_secret);
    size_t mark = tls_begin(b);
    for (size_t i = 0; i < s->n_psks; i++) {
        struct psk_id id;
        psk_id_read(&r, &id);
        psk_id_write(b, &id);
    }
    tls_finish(b, mark);
    if (tls_end(&r) != ERR_OK) fail(b);
}

void rewrite_welcome(struct buf *b, const struct welcome *w)
{
    struct encrypted_secrets one;
    tls_put_u16(b, w->suite);
    size_t mark = tls_begin(b);
    for (size_t at = 0; welcome_next(w, &at, &one);) {
        tls_put_vector(b, one.new_member);
        tls_put_vector(b, one.kem_output);
        tls_put_vector(b, one.ciphertext);
    }
    tls_finish(b, mark);
    tls_put_vector(b, w->encrypted_group_info);
}

static void put_body(struct buf *b, const struct frame *f)
{
    struct commit c;
    if (f->content_type == CONTENT_APPLICATION) {
        tls_put_vector(b, f->body);
    } else if (f->content_type == CONTENT_PROPOSAL) {
        put_proposal(b, f->body);
    } else if (commit_decode(f->body, &c) == ERR_OK) {
        rewrite_commit(b, &c);
    } else {
        fail(b);
    }
}

void rewrite_public(struct buf *b, const struct frame *f)
{
    tls_put_vector(b, f->group_id);
    tls_put_u64(b, f->epoch);
    tls_put_u8(b, (uint8_t)f->sender_type);
    if (f->sender_type == SENDER_MEMBER || f->sender_type == SENDER_EXTERNAL) tls_put_u32(b, f->sender);
    tls_put_vector(b, f->aad);
    tls_put_u8(b, (uint8_t)f->content_type);
    put_body(b, f);
    tls_put_vector(b, f->signature);
    if (f->content_type == CONTENT_COMMIT) tls_put_vector(b, f->confirmation_tag);
    if (f->sender_type == SENDER_MEMBER) tls_put_vector(b, f->membership_tag);
}

void rewrite_private(struct buf *b, const struct private_message *m)
{
    tls_put_vector(b, m->group_id);
    tls_put_u64(b, m->epoch);
    tls_put_u8(b, (uint8_t)m->content_type);
    tls_put_vector(b, m->aad);
    tls_put_vector(b, m->sender_data);
    tls_put_vector(b, m->ciphertext);
}

// The tree is kept full; in bytes it ends with the last node that is not blank (§12.4.3.3).
void rewrite_tree(struct buf *b, const struct tree *t)
{
    uint32_t end = math_width(t->leaves);
    while (end > 0 && tree_is_blank(t, end - 1)) end--;
    size_t mark = tls_begin(b);
    for (uint32_t x = 0; x < end; x++) {
        struct leaf l;
        tls_put_u8(b, !tree_is_blank(t, x));
        if (tree_is_blank(t, x)) continue;
        tls_put_u8(b, x & 1 ? 2 : 1);
        if (x & 1) {
            parent_write(b, tree_parent(t, x));
        } else if (tree_leaf(t, x / 2, &l) == ERR_OK) {
            rewrite_leaf(b, &l);
        } else {
            fail(b);
        }
    }
    tls_finish(b, mark);
}
