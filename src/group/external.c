// SPDX-License-Identifier: Apache-2.0
//
// From outside of a group: joining by an external commit (RFC 9420 §12.4.3.2), and proposals by external senders and by
// those who ask to be added (§12.1.8).
#include "group/commit.h"
#include "group/join.h"

// The GroupInfo as a group of which this client is no member yet: its tree and context, without secrets.
static enum err read_info(const struct mls_client *c, struct mls_span message, struct mls_span tree, bool unique,
                          struct group_info *info, struct mls_group **out)
{
    struct tls_reader r = tls_reader_of(from_api(message));
    enum wire_format format = WIRE_PUBLIC;
    enum err e = message_open(&r, &format);
    if (e == ERR_OK && format != WIRE_GROUP_INFO) e = ERR_MISUSE;
    if (e != ERR_OK) return e;
    group_info_read(&r, info);
    e = tls_end(&r);
    if (e != ERR_OK) return e;
    const struct crypto_suite *suite = crypto_suite(info->context.suite);
    if (suite == NULL || info->context.version != MLS_VERSION) return ERR_UNSUPPORTED;
    if (unique && c->config.group_known != NULL &&
        c->config.group_known(c->config.arg, to_api(info->context.group_id))) {
        return rule(MLS_E_GROUP_ID_TAKEN);
    }
    e = group_alloc(c, suite, info->context.group_id, out);
    if (e == ERR_OK) {
        (*out)->outside = true;
        e = join_tree(*out, info, from_api(tree));
    }
    if (e == ERR_OK) e = join_epoch(*out, info);
    if (e == ERR_OK && info->confirmation_tag.n != algo_nh(&(*out)->algo)) e = ERR_MALFORMED;
    if (e != ERR_OK) return e;
    struct span confirmed = span_of((*out)->now.confirmed, (*out)->now.confirmed_n);
    return schedule_interim_hash(&(*out)->algo, confirmed, info->confirmation_tag, (*out)->now.interim);
}

// ExternalInit, and the init secret that goes with it (§8.3).
static enum err encode_init(const struct mls_group *g, const struct group_info *info, struct secret *init,
                            struct buf *out)
{
    uint8_t seed[CRYPTO_SEED_MAX], enc[CRYPTO_ENC_MAX];
    const struct crypto_sizes *z = algo_sizes(&g->algo);
    struct span data;
    if (!extensions_find(info->extensions, EXTENSION_EXTERNAL_PUB, &data)) return rule(MLS_E_GROUP_INFO_EXTERNAL);
    struct tls_reader r = tls_reader_of(data);
    struct span pk = tls_vector(&r);
    enum err e = tls_end(&r);
    if (e == ERR_OK) e = g->world.random(g->world.arg, seed, z->nseed);
    if (e == ERR_OK) {
        e = crypto_hpke_export_send(g->algo.crypto, g->algo.suite, pk, span_of(NULL, 0),
                                    span_str("MLS 1.0 external init secret"), seed, enc, init->b, z->nh);
    }
    if (e == ERR_OK) {
        tls_put_u16(out, PROPOSAL_EXTERNAL_INIT);
        tls_put_vector(out, span_of(enc, z->nenc));
        e = buf_end(out);
    }
    mem_wipe(seed, sizeof seed);
    return e;
}

// The proposals of an external commit: ExternalInit, a Remove of the former self, PSKs.
static enum err list_proposals(struct draft *d, const struct mls_external_join *join, const struct group_info *info,
                               struct secret *init)
{
    struct mls_group *g = d->group;
    struct committer by = d->by;
    size_t n = join->psk_count + (join->resync ? 1 : 0), at = 0;
    struct buf *one = mem_new_array(n + 1, sizeof *one);
    if (one == NULL) return ERR_MEMORY;
    for (size_t i = 0; i <= n; i++) buf_init(&one[i], TLS_VECTOR_MAX);
    enum err e = encode_init(g, info, init, &one[at++]);
    if (e == ERR_OK && join->resync) {
        const struct mls_proposal p = {.type = PROPOSAL_REMOVE, .removed = join->resync_index};
        e = propose_encode(g->client, &g->algo, NULL, &p, NULL, &one[at++]);
    }
    for (size_t i = 0; e == ERR_OK && i < join->psk_count; i++) {
        const struct mls_proposal p = {.type = PROPOSAL_PSK, .psk = join->psks[i]};
        e = propose_encode(g->client, &g->algo, NULL, &p, NULL, &one[at++]);
    }
    // All in one buffer, so that the list may point into it.
    for (size_t i = 0; i <= n; i++) buf_put(&d->values, buf_span(&one[i]));
    if (e == ERR_OK) e = buf_end(&d->values);
    for (size_t i = 0, from = 0; e == ERR_OK && i <= n; from += one[i++].n) {
        e = list_put(&d->list, span_of(d->values.p + from, one[i].n), by.type, by.leaf, span_of(NULL, 0));
    }
    for (size_t i = 0; i <= n; i++) buf_wipe(&one[i]);
    mem_free(one);
    return e;
}

static enum err commit_from_outside(struct draft *d, const struct mls_external_join *join,
                                    const struct group_info *info)
{
    struct mls_group *g = d->group;
    struct secret init = {{0}};
    enum err e = list_proposals(d, join, info, &init);
    if (e == ERR_OK) e = list_check(g, &d->list, d->by);
    if (e == ERR_OK) e = staged_new(g, 0, &d->staged);
    if (e == ERR_OK) {
        d->staged->mine = true;
        e = list_apply(g, &d->list, d->by, true, d->staged);
    }
    if (e == ERR_OK) e = staged_assign_leaf(d->staged, &d->by.leaf);
    if (e == ERR_OK) {
        d->staged->committer = d->by.leaf;
        e = leaf_plan_new(g->client, &g->algo, &join->leaf, NULL, NULL, &d->plan);
    }
    if (e == ERR_OK) e = join_supports(&d->plan.like.capabilities, info->context.extensions);
    if (e == ERR_OK) e = draft_path(d);
    if (e == ERR_OK) e = draft_finish(d, from_api(join->authenticated_data), &init);
    if (e == ERR_OK) e = draft_send(d);
    mem_wipe(&init, sizeof init);
    return e;
}

enum mls_error mls_group_join_external(const struct mls_client *c, const struct mls_external_join *join,
                                       struct mls_buf *commit, struct mls_group **out)
{
    struct mls_group *g = NULL;
    struct group_info info;
    struct draft d;
    *commit = (struct mls_buf){0};
    *out = NULL;
    // A resync is of a group that this client knows: it then replaces the old state by the new.
    enum err e = read_info(c, join->group_info, join->tree, !join->resync, &info, &g);
    draft_init(&d, g, (struct committer){SENDER_NEW_COMMIT, 0});
    if (e == ERR_OK) e = commit_from_outside(&d, join, &info);
    if (e == ERR_OK) e = (enum err)mls_group_merge(g, d.staged);
    if (e == ERR_OK) {
        d.staged = NULL; // merged and freed
        g->outside = false;
        e = record_note_all(g);
    }
    e = give(&d.message, e, commit);
    draft_wipe(&d);
    if (e == ERR_OK) *out = g;
    else mls_group_free(g);
    mem_wipe_stack();
    return api_error(e);
}

enum mls_error mls_group_observe(const struct mls_client *c, struct mls_span group_info, struct mls_span tree,
                                 struct mls_group **out)
{
    struct mls_group *g = NULL;
    struct group_info info;
    *out = NULL;
    enum err e = read_info(c, group_info, tree, false, &info, &g);
    if (e == ERR_OK) *out = g;
    else mls_group_free(g);
    return api_error(e);
}

// ------------------------------------------------------------------------------------------- proposals from outside

// What is sent has to be valid now, like what a member sends (§7.3).
static enum err check_added(const struct mls_client *c, const struct algo *a, struct span proposal)
{
    struct proposal p;
    struct proposal_body body;
    struct check_rules rules = client_rules(c);
    enum err e = proposal_decode(proposal, &p, &body);
    return e == ERR_OK && p.type == PROPOSAL_ADD ? key_package_check(a, &rules, p.add) : e;
}

enum mls_error mls_external_propose(const struct mls_client *c, const struct mls_external_proposal *p,
                                    struct mls_buf *message)
{
    struct algo a;
    struct buf body, out;
    struct frame f = {0};
    *message = (struct mls_buf){0};
    enum err e = client_algo(c, p->suite, &a);
    if (e != ERR_OK) return api_error(e);
    buf_init(&body, TLS_VECTOR_MAX);
    buf_init(&out, TLS_VECTOR_MAX);
    e = propose_encode(c, &a, NULL, &p->proposal, NULL, &body);
    if (e == ERR_OK) e = check_added(c, &a, buf_span(&body));
    // RFC 9420 §12.1.8: "An external proposal MUST be sent as a PublicMessage object".
    const struct frame_content content = {.wire = WIRE_PUBLIC,
                                          .group_id = from_api(p->group_id),
                                          .epoch = p->epoch,
                                          .sender_type = p->new_member ? SENDER_NEW_PROPOSAL : SENDER_EXTERNAL,
                                          .sender = p->sender_index,
                                          .aad = from_api(p->authenticated_data),
                                          .content_type = CONTENT_PROPOSAL,
                                          .body = buf_span(&body)};
    bool add = p->proposal.type == PROPOSAL_ADD;
    if (e == ERR_OK && ((p->new_member && !add) || p->proposal.type == PROPOSAL_UPDATE)) e = rule(MLS_E_PROPOSAL_SENDER);
    if (e == ERR_OK && p->signature_private.size != algo_sizes(&a)->nsigsk) e = ERR_MISUSE;
    if (e == ERR_OK) e = frame_sign(&a, &content, span_of(NULL, 0), from_api(p->signature_private), span_of(NULL, 0), &f);
    if (e == ERR_OK) e = frame_write_public(&a, &f, span_of(NULL, 0), NULL, &out);
    frame_wipe(&f);
    buf_wipe(&body);
    client_algo_free(&a);
    e = give(&out, e, message);
    mem_wipe_stack();
    return api_error(e);
}

enum mls_error mls_external_sender_add(struct mls_span before, struct mls_span signature_public,
                                       const struct mls_credential *credential, struct mls_buf *out)
{
    struct buf b;
    *out = (struct mls_buf){0};
    buf_init(&b, TLS_VECTOR_MAX);
    struct tls_reader r = tls_reader_of(from_api(before)), in = {0};
    if (before.size > 0) in = tls_open(&r);
    if (before.size > 0 && tls_end(&r) != ERR_OK) return MLS_E_MALFORMED;
    size_t mark = tls_begin(&b);
    if (before.size > 0) buf_put(&b, tls_rest(&in));
    tls_put_vector(&b, from_api(signature_public));
    enum err e = credential_write(credential, &b);
    tls_finish(&b, mark);
    return api_error(give(&b, e == ERR_OK ? buf_end(&b) : e, out));
}

static void put_types(struct buf *b, const uint16_t *types, size_t n)
{
    size_t mark = tls_begin(b);
    for (size_t i = 0; i < n; i++) tls_put_u16(b, types[i]);
    tls_finish(b, mark);
}

enum mls_error mls_required_capabilities(const uint16_t *extensions, size_t extension_count, const uint16_t *proposals,
                                         size_t proposal_count, const uint16_t *credentials, size_t credential_count,
                                         struct mls_buf *out)
{
    struct buf b;
    buf_init(&b, TLS_VECTOR_MAX);
    put_types(&b, extensions, extension_count);
    put_types(&b, proposals, proposal_count);
    put_types(&b, credentials, credential_count);
    return api_error(give(&b, buf_end(&b), out));
}
