// SPDX-License-Identifier: Apache-2.0
//
// Making proposals, by members and from outside (RFC 9420 §12.1). A member's own proposal waits for a commit like
// everybody else's; the private half of an Update waits beside it.
#include "group/propose.h"

static enum err encode_add(const struct mls_proposal *p, struct buf *out)
{
    struct key_package kp;
    enum err e = key_package_of(from_api(p->key_package), &kp);
    if (e == ERR_OK) buf_put(out, kp.raw);
    return e;
}

static enum err encode_update(const struct mls_client *c, const struct algo *a, const struct mls_group *g,
                              const struct mls_proposal *p, struct own_update *update, struct buf *out)
{
    uint8_t ikm[CRYPTO_SK_MAX], pk[CRYPTO_PK_MAX];
    const struct crypto_sizes *z = algo_sizes(a);
    struct leaf old;
    struct leaf_plan plan = {0};
    if (g == NULL || update == NULL) return ERR_MISUSE;
    enum err e = group_own_leaf(g, &old);
    if (e == ERR_OK) e = leaf_plan_new(c, a, p->leaf, &old, g->now.signature_key, &plan);
    if (e == ERR_OK) e = c->world.random(c->world.arg, ikm, z->nsk);
    if (e == ERR_OK) e = crypto_kem_derive(a->crypto, a->suite, span_of(ikm, z->nsk), update->leaf_key, pk);
    plan.like.encryption_key = span_of(pk, z->npk);
    plan.like.source = LEAF_UPDATE;
    if (e == ERR_OK) {
        e = leaf_build(a, &plan.like, buf_span(&g->id), g->now.keys.leaf, span_of(plan.sk, z->nsigsk), out);
    }
    if (e == ERR_OK) {
        memcpy(update->signature_key, plan.sk, sizeof update->signature_key);
        buf_init(&update->encryption_key, CRYPTO_PK_MAX);
        buf_put(&update->encryption_key, span_of(pk, z->npk));
        e = buf_end(&update->encryption_key);
    }
    mem_wipe(ikm, sizeof ikm);
    leaf_plan_wipe(&plan);
    return e;
}

static enum err encode_psk(const struct mls_client *c, const struct algo *a, const struct mls_proposal *p,
                           struct buf *out)
{
    uint8_t nonce[CRYPTO_HASH_MAX];
    struct psk_id id;
    psk_from_api(&p->psk, &id);
    bool external = id.type == PSK_EXTERNAL, resumption = id.type == PSK_RESUMPTION;
    if (!external && !(resumption && id.usage >= PSK_APPLICATION && id.usage <= PSK_BRANCH)) return ERR_MISUSE;
    enum err e = ERR_OK;
    if (id.nonce.n == 0) {
        // RFC 9420 §12.1.4: "The psk_nonce MUST be randomly sampled."
        e = c->world.random(c->world.arg, nonce, algo_nh(a));
        id.nonce = span_of(nonce, algo_nh(a));
    }
    if (e == ERR_OK) psk_id_write(out, &id);
    return e;
}

static enum err encode_reinit(const struct mls_client *c, const struct algo *a, const struct mls_proposal *p,
                              struct buf *out)
{
    uint8_t id[CRYPTO_HASH_MAX];
    struct buf extensions;
    buf_init(&extensions, TLS_VECTOR_MAX);
    struct reinit x = {.group_id = from_api(p->group_id),
                       .version = p->version != 0 ? p->version : MLS_VERSION,
                       .suite = p->suite != 0 ? p->suite : crypto_suite_id(a->suite)};
    enum err e = extensions_write(c, p->extensions, p->extension_count, false, &extensions);
    if (e == ERR_OK && x.group_id.n == 0) {
        e = c->world.random(c->world.arg, id, algo_nh(a));
        x.group_id = span_of(id, algo_nh(a));
    }
    x.extensions = buf_span(&extensions);
    if (e == ERR_OK) reinit_write(out, &x);
    buf_wipe(&extensions);
    return e;
}

enum err propose_encode(const struct mls_client *c, const struct algo *a, const struct mls_group *g,
                        const struct mls_proposal *p, struct own_update *update, struct buf *out)
{
    enum err e = ERR_OK;
    tls_put_u16(out, p->type);
    switch (p->type) {
    case PROPOSAL_ADD: e = encode_add(p, out); break;
    case PROPOSAL_UPDATE: e = encode_update(c, a, g, p, update, out); break;
    case PROPOSAL_REMOVE: tls_put_u32(out, p->removed); break;
    case PROPOSAL_PSK: e = encode_psk(c, a, p, out); break;
    case PROPOSAL_REINIT: e = encode_reinit(c, a, p, out); break;
    case PROPOSAL_EXTERNAL_INIT: e = ERR_MISUSE; break; // made by mls_group_join_external only
    case PROPOSAL_EXTENSIONS: {
        size_t mark = tls_begin(out);
        e = extensions_write(c, p->extensions, p->extension_count, false, out);
        tls_finish(out, mark);
        break;
    }
    case 0: e = ERR_MISUSE; break;
    default: tls_put_vector(out, from_api(p->data)); break;
    }
    return e == ERR_OK ? buf_end(out) : e;
}

enum err group_write_frame(struct mls_group *g, const struct frame *f, struct buf *out)
{
    uint8_t guard[4];
    struct secret_step step;
    if (f->wire == WIRE_PUBLIC) {
        return frame_write_public(&g->algo, f, buf_span(&g->now.context), &g->now.secrets.membership, out);
    }
    enum ratchet_type type = f->content_type == CONTENT_APPLICATION ? RATCHET_APPLICATION : RATCHET_HANDSHAKE;
    enum err e = g->world.random(g->world.arg, guard, sizeof guard);
    if (e != ERR_OK) return e;
    e = secret_step_next(&g->algo, &g->secrets, g->now.keys.leaf, type, &step);
    if (e != ERR_OK) return e;
    e = frame_write_private(&g->algo, f, &g->now.secrets.sender_data, &step.key, step.generation, guard,
                            g->client->config.padding, out);
    // RFC 9420 §9.1: "Each key/nonce pair MUST NOT be used to encrypt more than one message."
    if (e == ERR_OK) e = secret_step_take(&g->secrets, &step, 0);
    secret_step_wipe(&step);
    return e;
}

// Keeps the private half of an Update until somebody commits it.
static enum err keep_update(struct mls_group *g, const struct own_update *update, uint64_t number)
{
    struct own_update *bigger = mem_new_array(g->n_update + 1, sizeof *bigger);
    if (bigger == NULL) return ERR_MEMORY;
    enum err e = record_note(g, RECORD_UPDATE, number);
    if (e != ERR_OK) {
        mem_free(bigger);
        return e;
    }
    if (g->n_update > 0) memcpy(bigger, g->update, g->n_update * sizeof *bigger);
    bigger[g->n_update] = *update;
    bigger[g->n_update].number = number;
    mem_free_wiped(g->update, g->n_update * sizeof *bigger);
    g->update = bigger;
    g->n_update++;
    return ERR_OK;
}

static void drop_update(struct mls_group *g, uint64_t number)
{
    for (size_t i = 0; i < g->n_update; i++) {
        if (g->update[i].number != number) continue;
        buf_wipe(&g->update[i].encryption_key);
        g->update[i] = g->update[g->n_update - 1]; // their order does not matter
        mem_wipe(&g->update[--g->n_update], sizeof g->update[0]);
        return;
    }
}

// Takes the last waiting proposal back.
static void undo_waiting(struct mls_group *g)
{
    struct waiting *w = &g->waiting[g->n_waiting - 1];
    drop_update(g, w->number);
    buf_wipe(&w->raw);
    g->n_waiting--;
}

// RFC 9420 §7.3: "If the LeafNode appears in a message being sent by the client, e.g., a Proposal or a Commit, then the
// client MUST verify that the current time is within the range of the lifetime field."
static enum err check_own(const struct mls_group *g, struct span raw)
{
    struct proposal_body body;
    struct item item = {.sender_type = SENDER_MEMBER, .sender = g->now.keys.leaf};
    enum err e = proposal_decode(raw, &item.p, &body);
    return e == ERR_OK ? list_check_alone(g, &item, true) : e;
}

static enum err propose(struct mls_group *g, const struct mls_proposal *p, struct span aad, struct own_update *update,
                        uint8_t ref[CRYPTO_HASH_MAX], struct buf *message)
{
    struct buf body, raw;
    struct frame f = {0};
    struct leaf own;
    size_t before = g->n_waiting;
    buf_init(&body, TLS_VECTOR_MAX);
    buf_init(&raw, TLS_VECTOR_MAX);
    enum err e = propose_encode(g->client, &g->algo, g, p, update, &body);
    if (e == ERR_OK) e = check_own(g, buf_span(&body));
    if (e == ERR_OK) e = group_own_leaf(g, &own);
    if (e == ERR_OK) {
        const struct frame_content c = {
            .wire = g->client->config.public_handshake ? WIRE_PUBLIC : WIRE_PRIVATE,
            .group_id = buf_span(&g->id),
            .epoch = g->now.number,
            .sender_type = SENDER_MEMBER,
            .sender = g->now.keys.leaf,
            .aad = aad,
            .content_type = CONTENT_PROPOSAL,
            .body = buf_span(&body),
        };
        struct span sk = span_of(g->now.signature_key, algo_sizes(&g->algo)->nsigsk);
        e = frame_sign(&g->algo, &c, buf_span(&g->now.context), sk, own.signature_key, &f);
    }
    if (e == ERR_OK) e = frame_authenticated(&f, &raw);
    if (e == ERR_OK) e = group_add_waiting(g, buf_span(&raw), ref);
    if (e == ERR_OK && p->type == PROPOSAL_UPDATE) {
        e = keep_update(g, update, g->next_number - 1);
        if (e == ERR_OK) update->encryption_key = (struct buf){0}; // it has moved into the group
    }
    if (e == ERR_OK) e = group_write_frame(g, &f, message);
    if (e != ERR_OK && g->n_waiting > before) undo_waiting(g);
    frame_wipe(&f);
    buf_wipe(&body);
    buf_wipe(&raw);
    return e;
}

enum mls_error mls_group_propose(struct mls_group *g, const struct mls_proposal *p,
                                 struct mls_span authenticated_data, struct mls_buf *message, struct mls_buf *ref)
{
    uint8_t hash[CRYPTO_HASH_MAX];
    struct own_update update = {0};
    struct buf out, ref_out;
    *message = (struct mls_buf){0};
    if (ref != NULL) *ref = (struct mls_buf){0};
    if (!group_can_send(g)) return MLS_E_GROUP_INACTIVE;
    buf_init(&out, TLS_VECTOR_MAX);
    buf_init(&ref_out, CRYPTO_HASH_MAX);
    // Room for the reference comes first: once the proposal waits, nothing may fail any more.
    uint8_t *at = buf_grow(&ref_out, algo_nh(&g->algo));
    enum err e = buf_end(&ref_out);
    if (e == ERR_OK) e = propose(g, p, from_api(authenticated_data), &update, hash, &out);
    if (e != ERR_OK) buf_wipe(&update.encryption_key);
    mem_wipe(&update, sizeof update);
    if (e == ERR_OK) memcpy(at, hash, algo_nh(&g->algo));
    if (ref != NULL) e = give(&ref_out, e, ref);
    buf_wipe(&ref_out);
    e = give(&out, e, message);
    mem_wipe_stack();
    return api_error(e);
}

size_t mls_group_proposal_count(const struct mls_group *g) { return g->n_waiting; }

enum mls_error mls_group_drop_proposals(struct mls_group *g, struct mls_span ref)
{
    size_t kept = 0;
    bool found = ref.size == 0;
    enum err e = record_reserve(g, 2 * g->n_waiting);
    if (e != ERR_OK) return api_error(e);
    for (size_t i = 0; i < g->n_waiting; i++) {
        struct waiting *w = &g->waiting[i];
        bool drop = ref.size == 0 || span_eq(span_of(w->ref, algo_nh(&g->algo)), from_api(ref));
        if (!drop) {
            g->waiting[kept++] = *w;
            continue;
        }
        found = true;
        (void)record_note(g, RECORD_WAITING, w->number);
        (void)record_note(g, RECORD_UPDATE, w->number);
        drop_update(g, w->number);
        buf_wipe(&w->raw);
    }
    g->n_waiting = kept;
    return found ? MLS_OK : MLS_E_NOT_FOUND;
}
