// SPDX-License-Identifier: Apache-2.0
//
// Messages to a group (RFC 9420 §6, §12.4.2): whose they are, whether they are genuine, and what they bring. Until a
// message has been authenticated and understood, nothing in the group changes.
#include "group/receive.h"

// -------------------------------------------------------------------------------------------------- who signed it

// A member's signature key in a past epoch: what it was before later epochs changed it.
static enum err past_key(const struct mls_group *g, size_t i, uint32_t leaf, struct leaf *scratch, struct span *key)
{
    if (leaf >= g->past[i].leaves) return rule(MLS_E_MESSAGE_SENDER);
    for (size_t at = i + 1; at-- > 0;) { // from that epoch on towards the present
        for (size_t j = 0; j < g->past[at].n; j++) {
            if (g->past[at].leaf[j].leaf != leaf) continue;
            *key = buf_span(&g->past[at].leaf[j].key);
            return key->n > 0 ? ERR_OK : rule(MLS_E_MESSAGE_SENDER);
        }
    }
    if (tree_leaf(&g->tree, leaf, scratch) != ERR_OK) return rule(MLS_E_MESSAGE_SENDER);
    *key = scratch->signature_key;
    return ERR_OK;
}

static enum err external_key(const struct mls_group *g, uint32_t index, struct span *key)
{
    struct span data;
    struct credential credential;
    if (!extensions_find(buf_span(&g->now.extensions), EXTENSION_EXTERNAL_SENDERS, &data)) {
        return rule(MLS_E_MESSAGE_SENDER);
    }
    struct tls_reader r = tls_reader_of(data), in = tls_open(&r);
    for (uint32_t i = 0; tls_left(&in) > 0; i++) {
        *key = tls_vector(&in);
        credential_read(&in, &credential);
        if (i == index && in.err == ERR_OK) return ERR_OK;
    }
    return rule(MLS_E_MESSAGE_SENDER);
}

// The key that must have signed a frame of the present epoch (§6.1). `body` holds what it may point into.
static enum err sender_key(const struct mls_group *g, const struct frame *f, struct signer *out)
{
    struct proposal p;
    enum err e;
    switch (f->sender_type) {
    case SENDER_MEMBER:
        // RFC 9420 §6.1: "The signature key contained in the LeafNode at the index indicated by leaf_index in the
        // ratchet tree."
        e = tree_leaf(&g->tree, f->sender, &out->body.leaf);
        out->key = out->body.leaf.signature_key;
        return e == ERR_NOT_FOUND ? rule(MLS_E_MESSAGE_SENDER) : e;
    case SENDER_EXTERNAL:
        // RFC 9420 §6.1: "The content_type of the message MUST be proposal".
        if (f->content_type != CONTENT_PROPOSAL) return rule(MLS_E_MESSAGE_SENDER_TYPE);
        return external_key(g, f->sender, &out->key);
    case SENDER_NEW_PROPOSAL:
        if (f->content_type != CONTENT_PROPOSAL) return rule(MLS_E_MESSAGE_SENDER_TYPE);
        e = proposal_decode(f->body, &p, &out->body);
        // RFC 9420 §6.1: "the proposal_type of the Proposal MUST be add."
        if (e == ERR_OK && p.type != PROPOSAL_ADD) e = rule(MLS_E_PROPOSAL_SENDER);
        out->key = out->body.key_package.leaf.signature_key;
        return e;
    case SENDER_NEW_COMMIT:
        // RFC 9420 §6.1: "The content_type of the message MUST be commit."
        if (f->content_type != CONTENT_COMMIT) return rule(MLS_E_MESSAGE_SENDER_TYPE);
        e = commit_decode(f->body, &out->commit);
        // RFC 9420 §12.4.3.2: "External Commits MUST contain a path field".
        if (e == ERR_OK && !out->commit.has_path) e = rule(MLS_E_PATH_MISSING);
        out->key = out->commit.path.leaf.signature_key;
        return e;
    }
    return ERR_MALFORMED;
}

// Whether the signature of this kind of sender covers the GroupContext.
static struct span signed_context(const struct frame *f, struct span context)
{
    bool covers = f->sender_type == SENDER_MEMBER || f->sender_type == SENDER_NEW_COMMIT;
    return covers ? context : span_of(NULL, 0);
}

// ------------------------------------------------------------------------------------------------- deliveries

static enum err deliver_application(const struct frame *f, struct delivery *d)
{
    buf_put(&d->data, f->body);
    return buf_end(&d->data);
}

static enum err deliver_proposal(struct mls_group *g, const struct frame *f, struct delivery *d)
{
    struct buf raw;
    struct proposal_body body;
    struct item item = {.sender_type = f->sender_type, .sender = f->sender};
    uint8_t ref[CRYPTO_HASH_MAX];
    buf_init(&raw, TLS_VECTOR_MAX);
    enum err e = proposal_decode(f->body, &item.p, &body);
    if (e == ERR_OK) e = list_check_alone(g, &item, false);
    if (e == ERR_OK) e = frame_authenticated(f, &raw);
    buf_put(&d->data, f->body);
    if (e == ERR_OK) e = buf_end(&d->data);
    uint8_t *at = buf_grow(&d->ref, algo_nh(&g->algo));
    if (e == ERR_OK) e = buf_end(&d->ref);
    if (e == ERR_OK) e = group_add_waiting(g, buf_span(&raw), ref); // last, since nothing may fail once it waits
    if (e == ERR_OK) memcpy(at, ref, algo_nh(&g->algo));
    d->out->proposal_type = item.p.type;
    buf_wipe(&raw);
    return e;
}

static enum err deliver(struct mls_group *g, const struct frame *f, struct delivery *d)
{
    enum err e = ERR_OK;
    d->out->content = (enum mls_content)f->content_type;
    d->out->sender_type = (enum mls_sender_type)f->sender_type;
    d->out->sender = f->sender;
    d->out->epoch = f->epoch;
    d->out->generation = f->generation;
    buf_put(&d->aad, f->aad);
    e = buf_end(&d->aad);
    if (e != ERR_OK) return e;
    if (d->own && f->content_type != CONTENT_APPLICATION) return ERR_OK; // its secrets are not here
    switch (f->content_type) {
    case CONTENT_APPLICATION: return deliver_application(f, d);
    case CONTENT_PROPOSAL: return deliver_proposal(g, f, d);
    case CONTENT_COMMIT:
        e = process_commit(g, f, &d->out->staged);
        if (e == ERR_OK) d->out->sender = d->out->staged->committer;
        return e;
    }
    return ERR_MALFORMED;
}

// RFC 9420 §12.4.2: "Verify that the epoch field of the enclosing FramedContent is equal to the epoch field of the
// current GroupContext object." RFC 9420 §12.1: "that the epoch field of the enclosing FramedContent is equal to the
// epoch field of the current GroupContext object".
static enum err check_place(const struct mls_group *g, struct span group_id, uint64_t epoch)
{
    if (!span_eq(group_id, buf_span(&g->id))) return rule(MLS_E_MESSAGE_GROUP);
    if (epoch < g->now.number) return rule(MLS_E_MESSAGE_EPOCH);
    return epoch > g->now.number ? rule(MLS_E_MESSAGE_FUTURE) : ERR_OK;
}

// ----------------------------------------------------------------------------------------------- PublicMessage

static enum err receive_public(struct mls_group *g, struct tls_reader *r, struct delivery *d)
{
    struct frame f;
    struct signer signer;
    struct span context = buf_span(&g->now.context);
    frame_read_public(r, &f);
    enum err e = tls_end(r);
    if (e == ERR_OK) e = check_place(g, f.group_id, f.epoch);
    if (e != ERR_OK) return e;
    if (!group_can_send(g)) return rule(MLS_E_GROUP_INACTIVE);
    // RFC 9420 §6: "Applications MUST use PrivateMessage to encrypt application messages".
    if (f.content_type == CONTENT_APPLICATION) return rule(MLS_E_MESSAGE_PUBLIC_APPLICATION);
    e = sender_key(g, &f, &signer);
    if (e == ERR_OK && f.sender_type == SENDER_MEMBER) {
        e = frame_check_membership(&g->algo, &f, context, &g->now.secrets.membership);
        if (e == ERR_OK && f.sender == g->now.keys.leaf) e = rule(MLS_E_MESSAGE_OWN);
    }
    // RFC 9420 §6.1: "Recipients of an MLSMessage MUST verify the signature with the key depending on the sender_type".
    // MLS_E_MESSAGE_SIGNATURE
    if (e == ERR_OK) e = frame_check_signature(&g->algo, &f, signed_context(&f, context), signer.key);
    return e == ERR_OK ? deliver(g, &f, d) : e;
}

// ---------------------------------------------------------------------------------------------- PrivateMessage

// The epoch that a private message belongs to: the present one, or a past one that is kept.
struct era {
    struct span context;
    const struct secret *sender_data;
    struct secret_tree *secrets;
    uint32_t own_leaf;
    size_t past; // index into g->past; SIZE_MAX for the present
};

static enum err find_era(struct mls_group *g, const struct private_message *m, struct era *out)
{
    *out = (struct era){.context = buf_span(&g->now.context),
                        .sender_data = &g->now.secrets.sender_data,
                        .secrets = &g->secrets,
                        .own_leaf = g->now.keys.leaf,
                        .past = SIZE_MAX};
    enum err e = check_place(g, m->group_id, m->epoch);
    if (e != rule(MLS_E_MESSAGE_EPOCH) || m->content_type != CONTENT_APPLICATION) return e;
    for (size_t i = 0; i < g->n_past; i++) {
        struct past *p = &g->past[i];
        if (p->number != m->epoch) continue;
        *out = (struct era){buf_span(&p->context), &p->sender_data, &p->secrets, p->own_leaf, i};
        return ERR_OK;
    }
    return e;
}

// Opens, authenticates and delivers, with a step of the ratchet that is taken only at the end.
static enum err receive_step(struct mls_group *g, const struct private_message *m, const struct era *era,
                             const struct sender_data *sender, struct span key, struct secret_step *step,
                             struct delivery *d)
{
    struct frame f;
    uint32_t keep = d->own ? 0 : g->client->config.skipped_keys; // what this member skips is never used
    enum err e = private_open_content(&g->algo, m, sender, &step->key, &f);
    if (e != ERR_OK) return e;
    // RFC 9420 §6.3.1: "When decoding a PrivateMessageContent, the application MUST check that the
    // FramedContentAuthData is valid." MLS_E_MESSAGE_SIGNATURE
    e = frame_check_signature(&g->algo, &f, era->context, key);
    d->genuine = e == ERR_OK;
    if (e == ERR_OK) e = secret_step_reserve(era->secrets, step, keep); // so that what is delivered is also used up
    if (e == ERR_OK) e = deliver(g, &f, d);
    frame_wipe(&f);
    if (e != ERR_OK) return e;
    if (d->out->staged == NULL) return secret_step_take(era->secrets, step, keep);
    // The ratchet moves when the commit is merged: until then the message may come again.
    d->out->staged->step = *step;
    d->out->staged->has_step = true;
    *step = (struct secret_step){0};
    return ERR_OK;
}

static enum err receive_private(struct mls_group *g, struct tls_reader *r, struct delivery *d)
{
    struct private_message m;
    struct sender_data sender;
    struct secret_step step;
    struct era era;
    struct leaf scratch;
    struct span key;
    private_message_read(r, &m);
    enum err e = tls_end(r);
    if (e == ERR_OK) e = find_era(g, &m, &era);
    if (e != ERR_OK) return e;
    if (m.content_type != CONTENT_APPLICATION && !group_can_send(g)) return rule(MLS_E_GROUP_INACTIVE);
    e = private_open_sender(&g->algo, &m, era.sender_data, &sender);
    if (e != ERR_OK) return e;
    if (!d->own && sender.leaf == era.own_leaf) return rule(MLS_E_MESSAGE_OWN);
    if (d->own && (sender.leaf != era.own_leaf || era.past != SIZE_MAX)) return rule(MLS_E_MESSAGE_SENDER);
    if (era.past != SIZE_MAX) {
        e = past_key(g, era.past, sender.leaf, &scratch, &key);
    } else {
        // RFC 9420 §6.3.2: "the recipient MUST verify that the leaf index indicated in the leaf_index field identifies a
        // non-blank node."
        e = tree_leaf(&g->tree, sender.leaf, &scratch) == ERR_OK ? ERR_OK : rule(MLS_E_MESSAGE_SENDER);
        key = scratch.signature_key;
    }
    if (e != ERR_OK) return e;
    enum ratchet_type type = m.content_type == CONTENT_APPLICATION ? RATCHET_APPLICATION : RATCHET_HANDSHAKE;
    e = secret_step_find(&g->algo, era.secrets, sender.leaf, type, sender.generation, g->client->config.max_ahead,
                         d->own ? 0 : g->client->config.skipped_keys, &step);
    if (e != ERR_OK) return e;
    e = receive_step(g, &m, &era, &sender, key, &step, d);
    secret_step_wipe(&step);
    return e;
}

static enum mls_error take(struct mls_group *g, struct mls_span message, bool own, struct mls_received *out)
{
    struct tls_reader r = tls_reader_of(from_api(message));
    enum wire_format format = WIRE_PUBLIC;
    struct delivery d = {.out = out, .own = own};
    struct buf *parts[] = {&d.aad, &d.data, &d.ref};
    struct mls_buf *to[] = {&out->authenticated_data, &out->data, &out->proposal_ref};
    *out = (struct mls_received){0};
    if (g->outside) return MLS_E_GROUP_INACTIVE;
    for (size_t i = 0; i < 3; i++) buf_init(parts[i], TLS_VECTOR_MAX);
    enum err e = message_open(&r, &format);
    if (e == ERR_OK && format == WIRE_PUBLIC && !own) e = receive_public(g, &r, &d);
    else if (e == ERR_OK && format == WIRE_PRIVATE) e = receive_private(g, &r, &d);
    else if (e == ERR_OK) e = ERR_MISUSE; // a Welcome, GroupInfo or KeyPackage is no message to a group
    for (size_t i = 0; i < 3; i++) {
        enum err given = give(parts[i], e, to[i]);
        if (e == ERR_OK) e = given;
    }
    if (e != ERR_OK) {
        const struct mls_received of = {
            .content = out->content, .sender_type = out->sender_type, .sender = out->sender};
        mls_received_free(out);
        if (d.genuine) *out = of;
    }
    mem_wipe_stack();
    return api_error(e);
}

enum mls_error mls_group_receive(struct mls_group *g, struct mls_span message, struct mls_received *out)
{
    return take(g, message, false, out);
}

enum mls_error mls_group_receive_own(struct mls_group *g, struct mls_span message, struct mls_received *out)
{
    return take(g, message, true, out);
}

void mls_received_free(struct mls_received *r)
{
    mls_buf_free(&r->authenticated_data);
    mls_buf_free(&r->data);
    mls_buf_free(&r->proposal_ref);
    mls_staged_free(r->staged);
    *r = (struct mls_received){0};
}

// ------------------------------------------------------------------------------------------------------ sending

enum mls_error mls_group_protect(struct mls_group *g, struct mls_span data, struct mls_span authenticated_data,
                                 struct mls_buf *message)
{
    struct frame f = {0};
    struct leaf own;
    struct buf out;
    *message = (struct mls_buf){0};
    if (!group_can_send(g)) return MLS_E_GROUP_INACTIVE;
    // RFC 9420 §12.4: "A group member that has observed one or more valid proposals within an epoch MUST send a Commit
    // message before sending application data."
    if (g->n_waiting > 0) return MLS_E_GROUP_PROPOSALS;
    buf_init(&out, TLS_VECTOR_MAX);
    enum err e = group_own_leaf(g, &own);
    const struct frame_content c = {.wire = WIRE_PRIVATE,
                                    .group_id = buf_span(&g->id),
                                    .epoch = g->now.number,
                                    .sender_type = SENDER_MEMBER,
                                    .sender = g->now.keys.leaf,
                                    .aad = from_api(authenticated_data),
                                    .content_type = CONTENT_APPLICATION,
                                    .body = from_api(data)};
    struct span sk = span_of(g->now.signature_key, algo_sizes(&g->algo)->nsigsk);
    if (e == ERR_OK) e = frame_sign(&g->algo, &c, buf_span(&g->now.context), sk, own.signature_key, &f);
    if (e == ERR_OK) e = group_write_frame(g, &f, &out);
    frame_wipe(&f);
    e = give(&out, e, message);
    mem_wipe_stack();
    return api_error(e);
}

enum mls_error mls_message_peek(struct mls_span message, struct mls_message_info *out)
{
    struct tls_reader r = tls_reader_of(from_api(message));
    struct private_message m;
    struct key_package kp;
    struct group_info info;
    struct welcome welcome;
    struct frame f;
    enum wire_format format = WIRE_PUBLIC;
    *out = (struct mls_message_info){0};
    enum err e = message_open(&r, &format);
    if (e != ERR_OK) return api_error(e);
    struct mls_message_info found = {.wire_format = (uint16_t)format};
    switch (format) {
    case WIRE_PUBLIC:
        frame_read_public(&r, &f);
        found.group_id = to_api(f.group_id);
        found.epoch = f.epoch;
        found.content = (uint8_t)f.content_type;
        break;
    case WIRE_PRIVATE:
        private_message_read(&r, &m);
        found.group_id = to_api(m.group_id);
        found.epoch = m.epoch;
        found.content = (uint8_t)m.content_type;
        break;
    case WIRE_GROUP_INFO:
        group_info_read(&r, &info);
        found.group_id = to_api(info.context.group_id);
        found.epoch = info.context.epoch;
        found.suite = info.context.suite;
        break;
    case WIRE_KEY_PACKAGE:
        key_package_read(&r, &kp);
        found.suite = kp.suite;
        break;
    case WIRE_WELCOME:
        welcome_read(&r, &welcome);
        found.suite = welcome.suite;
        break;
    }
    e = tls_end(&r);
    if (e == ERR_OK) *out = found;
    return api_error(e);
}
