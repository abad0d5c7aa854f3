// SPDX-License-Identifier: Apache-2.0
//
// Writing decoded structs out again: see again.h. Lists are walked with the library's own walkers, so that those are held
// against the bytes, too.
#include "again.h"

bool again_inside(const struct again *a, struct span s)
{
    if (s.n == 0) return true;
    return s.p >= a->scope.p && s.n <= a->scope.n && (size_t)(s.p - a->scope.p) <= a->scope.n - s.n;
}

void again_raw(struct again *a, struct span s)
{
    must(again_inside(a, s));
    buf_put(&a->out, s);
}

void again_vector(struct again *a, struct span s)
{
    must(again_inside(a, s));
    tls_put_vector(&a->out, s);
}

// What has been written since must be what the decoder says that the whole was.
static void same(struct again *a, size_t from, struct span raw)
{
    must(again_inside(a, raw));
    must(a->out.err == ERR_OK && span_eq(raw, span_of(a->out.p + from, a->out.n - from)));
}

void again_credential(struct again *a, const struct credential *c)
{
    size_t from = a->out.n;
    tls_put_u16(&a->out, c->type);
    again_vector(a, c->body);
    same(a, from, c->raw);
}

static void put_types(struct again *a, struct span list)
{
    must(list.n % 2 == 0 && types_count(list) <= NODE_MAX_TYPES);
    size_t mark = tls_begin(&a->out);
    for (size_t i = 0; i < types_count(list); i++) {
        tls_put_u16(&a->out, types_at(list, i));
        must(types_contain(list, types_at(list, i)));
    }
    tls_finish(&a->out, mark);
}

void again_leaf(struct again *a, const struct leaf *l)
{
    size_t from = a->out.n;
    again_vector(a, l->encryption_key);
    again_vector(a, l->signature_key);
    again_credential(a, &l->credential);
    put_types(a, l->capabilities.versions);
    put_types(a, l->capabilities.cipher_suites);
    put_types(a, l->capabilities.extensions);
    put_types(a, l->capabilities.proposals);
    put_types(a, l->capabilities.credentials);
    tls_put_u8(&a->out, l->source);
    if (l->source == LEAF_KEY_PACKAGE) {
        tls_put_u64(&a->out, l->not_before);
        tls_put_u64(&a->out, l->not_after);
    } else if (l->source == LEAF_COMMIT) {
        again_vector(a, l->parent_hash);
    } else {
        must(l->source == LEAF_UPDATE);
    }
    again_extensions(a, l->extensions);
    same(a, from, l->tbs);
    again_vector(a, l->signature);
    same(a, from, l->raw);
}

void again_key_package(struct again *a, const struct key_package *kp)
{
    size_t from = a->out.n;
    tls_put_u16(&a->out, kp->version);
    tls_put_u16(&a->out, kp->suite);
    again_vector(a, kp->init_key);
    again_leaf(a, &kp->leaf);
    again_extensions(a, kp->extensions);
    same(a, from, kp->tbs);
    again_vector(a, kp->signature);
    same(a, from, kp->raw);
}

void again_extensions(struct again *a, struct span list)
{
    struct extension x;
    struct span found;
    size_t mark = tls_begin(&a->out), at = 0;
    must(again_inside(a, list));
    while (extensions_next(list, &at, &x)) {
        tls_put_u16(&a->out, x.type);
        again_vector(a, x.data);
        must(extensions_find(list, x.type, &found) && found.p == x.data.p && found.n == x.data.n); // none stands twice
    }
    must(at == list.n);
    tls_finish(&a->out, mark);
}

void again_psk(struct again *a, const struct psk_id *id)
{
    size_t from = a->out.n;
    tls_put_u8(&a->out, id->type);
    if (id->type == PSK_EXTERNAL) {
        again_vector(a, id->id);
    } else {
        must(id->type == PSK_RESUMPTION && id->usage >= PSK_APPLICATION && id->usage <= PSK_BRANCH);
        tls_put_u8(&a->out, id->usage);
        again_vector(a, id->group_id);
        tls_put_u64(&a->out, id->epoch);
    }
    again_vector(a, id->nonce);
    same(a, from, id->raw);
}

void again_reinit(struct again *a, const struct reinit *r)
{
    again_vector(a, r->group_id);
    tls_put_u16(&a->out, r->version);
    tls_put_u16(&a->out, r->suite);
    again_extensions(a, r->extensions);
}

void again_proposal(struct again *a, const struct proposal *p)
{
    size_t from = a->out.n;
    tls_put_u16(&a->out, p->type);
    switch (p->type) {
    case PROPOSAL_ADD: again_key_package(a, p->add); break;
    case PROPOSAL_UPDATE: again_leaf(a, p->update); break;
    case PROPOSAL_REMOVE: tls_put_u32(&a->out, p->removed); break;
    case PROPOSAL_PSK: again_psk(a, &p->psk); break;
    case PROPOSAL_REINIT: again_reinit(a, &p->reinit); break;
    case PROPOSAL_EXTERNAL_INIT: again_vector(a, p->kem_output); break;
    case PROPOSAL_EXTENSIONS: again_extensions(a, p->extensions); break;
    default:
        must(proposal_is_custom(p->type) && p->type != 0);
        again_vector(a, p->data);
        break;
    }
    same(a, from, p->raw);
}

// The content of HPKECiphertext encrypted_path_secret<V>.
static void put_ciphertexts(struct again *a, struct span list, size_t n)
{
    struct tls_reader r = tls_reader_of(list);
    size_t mark = tls_begin(&a->out);
    for (size_t i = 0; i < n; i++) {
        again_vector(a, tls_vector(&r));
        again_vector(a, tls_vector(&r));
    }
    must_ok(tls_end(&r));
    tls_finish(&a->out, mark);
}

void again_path(struct again *a, const struct update_path *p)
{
    again_leaf(a, &p->leaf);
    size_t mark = tls_begin(&a->out);
    must(p->n <= TREE_MAX_LEVELS);
    for (size_t i = 0; i < p->n; i++) {
        again_vector(a, p->node[i].key);
        put_ciphertexts(a, p->node[i].ciphertexts, p->node[i].n);
    }
    tls_finish(&a->out, mark);
}

void again_commit(struct again *a, const struct commit *c)
{
    struct span raw, reference;
    struct proposal p;
    struct proposal_body body;
    size_t n = 0, from = a->out.n, mark = tls_begin(&a->out);
    for (size_t at = 0; commit_next(c, &at, &raw, &reference); n++) {
        must((raw.n == 0) != (reference.n == 0));
        tls_put_u8(&a->out, raw.n > 0 ? COMMIT_BY_VALUE : COMMIT_BY_REFERENCE);
        if (raw.n == 0) {
            again_vector(a, reference);
        } else {
            must_ok(proposal_decode(raw, &p, &body)); // what a commit holds decodes by itself
            again_proposal(a, &p);
        }
    }
    must(n == c->n);
    tls_finish(&a->out, mark);
    tls_put_u8(&a->out, c->has_path);
    if (c->has_path) again_path(a, &c->path);
    same(a, from, c->raw);
}

static void put_body(struct again *a, const struct frame *f)
{
    struct proposal p;
    struct proposal_body body;
    struct commit c;
    switch (f->content_type) {
    case CONTENT_APPLICATION: again_vector(a, f->body); return;
    case CONTENT_PROPOSAL:
        must_ok(proposal_decode(f->body, &p, &body));
        again_proposal(a, &p);
        return;
    case CONTENT_COMMIT:
        must_ok(commit_decode(f->body, &c));
        again_commit(a, &c);
        return;
    }
    kit_fail("a content type that there is not", __FILE__, __LINE__);
}

void again_framed(struct again *a, const struct frame *f)
{
    size_t from = a->out.n;
    again_vector(a, f->group_id);
    tls_put_u64(&a->out, f->epoch);
    tls_put_u8(&a->out, (uint8_t)f->sender_type);
    if (f->sender_type == SENDER_MEMBER || f->sender_type == SENDER_EXTERNAL) tls_put_u32(&a->out, f->sender);
    again_vector(a, f->aad);
    tls_put_u8(&a->out, (uint8_t)f->content_type);
    put_body(a, f);
    same(a, from, f->framed);
}

void again_private(struct again *a, const struct private_message *m)
{
    size_t from = a->out.n;
    again_vector(a, m->group_id);
    tls_put_u64(&a->out, m->epoch);
    must(m->content_type >= CONTENT_APPLICATION && m->content_type <= CONTENT_COMMIT);
    tls_put_u8(&a->out, (uint8_t)m->content_type);
    same(a, from, m->sender_aad);
    again_vector(a, m->aad);
    same(a, from, m->head);
    again_vector(a, m->sender_data);
    again_vector(a, m->ciphertext);
}

void again_context(struct again *a, const struct group_context *c)
{
    tls_put_u16(&a->out, c->version);
    tls_put_u16(&a->out, c->suite);
    again_vector(a, c->group_id);
    tls_put_u64(&a->out, c->epoch);
    again_vector(a, c->tree_hash);
    again_vector(a, c->confirmed_hash);
    again_extensions(a, c->extensions);
}

void again_info(struct again *a, const struct group_info *i)
{
    size_t from = a->out.n;
    again_context(a, &i->context);
    same(a, from, i->context_raw);
    again_extensions(a, i->extensions);
    again_vector(a, i->confirmation_tag);
    tls_put_u32(&a->out, i->signer);
    same(a, from, i->tbs);
    again_vector(a, i->signature);
    same(a, from, i->raw);
}

void again_secrets(struct again *a, const struct group_secrets *s)
{
    again_vector(a, s->joiner_secret);
    tls_put_u8(&a->out, s->has_path_secret);
    if (s->has_path_secret) again_vector(a, s->path_secret);
    struct tls_reader r = tls_reader_of(s->psks);
    size_t mark = tls_begin(&a->out);
    for (size_t i = 0; i < s->n_psks; i++) {
        struct psk_id id;
        psk_id_read(&r, &id);
        must_ok(r.err);
        again_psk(a, &id);
    }
    must_ok(tls_end(&r));
    tls_finish(&a->out, mark);
}

void again_welcome(struct again *a, const struct welcome *w)
{
    struct encrypted_secrets x, found;
    tls_put_u16(&a->out, w->suite);
    size_t mark = tls_begin(&a->out), at = 0;
    while (welcome_next(w, &at, &x)) {
        again_vector(a, x.new_member);
        again_vector(a, x.kem_output);
        again_vector(a, x.ciphertext);
        must(welcome_find(w, x.new_member, &found) && span_eq(found.new_member, x.new_member));
    }
    must(at == w->secrets.n);
    tls_finish(&a->out, mark);
    again_vector(a, w->encrypted_group_info);
}
