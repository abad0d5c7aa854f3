// SPDX-License-Identifier: Apache-2.0
//
// The party: see party.h. Everything here is honest use of the public interface, and must succeed.
#include "party.h"

static const struct mls_span nothing;
static const char *const names[PERSONS] = {"alice", "mallory", "carol", "dave", "erin", "frank", "grace"};

struct mls_config party_config(void)
{
    static const struct mls_custom_proposal custom[] = {{.type = PARTY_CUSTOM, .external_allowed = true},
                                                        {.type = PARTY_PATH, .path_required = true}};
    struct mls_config c = kit_config();
    c.past_epochs = 2;
    c.past_psks = 3;
    c.skipped_keys = 3;
    c.max_ahead = 20;
    c.max_proposals = 16;
    c.custom_proposals = custom;
    c.custom_proposal_count = 2;
    return c;
}

struct mls_leaf_params party_leaf(const struct party *p, size_t who)
{
    static const uint16_t extensions[] = {PARTY_EXTENSION};
    return (struct mls_leaf_params){
        .credential = {.type = MLS_CREDENTIAL_BASIC, .identity = kit_api(span_str(names[who]))},
        .signature_private = kit_api(kit_span(p->p[who].sk)),
        .signature_public = kit_api(kit_span(p->p[who].pk)),
        .extension_types = extensions,
        .extension_type_count = 1,
    };
}

void party_key_package(struct party *p, size_t who)
{
    struct person *x = &p->p[who];
    struct mls_leaf_params leaf = party_leaf(p, who);
    mls_buf_free(&x->key_package);
    mls_buf_free(&x->private_part);
    must_ok(mls_key_package_new(p->client, PARTY_SUITE, &leaf, NULL, 0, &x->key_package, &x->private_part));
}

void party_deliver(struct party *p, size_t from, struct mls_buf message)
{
    for (size_t i = 0; i < PERSONS; i++) {
        struct mls_received r;
        struct mls_group *g = p->p[i].group;
        if (i == from || g == NULL || !mls_group_active(g)) continue;
        must_ok(mls_group_receive(g, kit_api(kit_span(message)), &r));
        if (r.staged != NULL) must_ok(mls_group_merge(g, r.staged));
        r.staged = NULL;
        mls_received_free(&r);
    }
}

void party_commit(struct party *p, size_t by, const struct mls_commit_params *params)
{
    struct mls_commit c;
    must_ok(mls_group_commit(p->p[by].group, params, &c));
    party_deliver(p, by, c.message);
    must_ok(mls_group_merge(p->p[by].group, c.staged));
    c.staged = NULL;
    for (size_t i = 0; i < PERSONS && c.welcome.size > 0; i++) {
        struct person *x = &p->p[i];
        struct mls_span welcome = kit_api(kit_span(c.welcome)), part = kit_api(kit_span(x->private_part));
        if (x->group != NULL || !mls_welcome_is_for(p->client, welcome, part)) continue;
        must_ok(mls_group_join(p->client, welcome, part, nothing, NULL, &x->group));
    }
    mls_commit_free(&c);
}

static void add(struct party *p, size_t by, size_t from, size_t to, bool without_path)
{
    struct mls_proposal list[PERSONS] = {0};
    for (size_t i = from; i <= to; i++) {
        party_key_package(p, i);
        list[i - from] = (struct mls_proposal){.type = MLS_PROPOSAL_ADD,
                                               .key_package = kit_api(kit_span(p->p[i].key_package))};
    }
    const struct mls_commit_params params = {.proposals = list,
                                             .proposal_count = to - from + 1,
                                             .without_path = without_path,
                                             .tree_in_welcome = true};
    party_commit(p, by, &params);
}

static void found(struct party *p)
{
    const struct mls_credential who = {.type = MLS_CREDENTIAL_BASIC, .identity = kit_api(span_str("post"))};
    must_ok(mls_signature_keys(p->client, PARTY_SUITE, &p->post_sk, &p->post_pk));
    must_ok(mls_external_sender_add(nothing, kit_api(kit_span(p->post_pk)), &who, &p->post));
    const struct mls_extension extensions[] = {{PARTY_EXTENSION, kit_api(span_str("kept"))},
                                               {MLS_EXTENSION_EXTERNAL_SENDERS, kit_api(kit_span(p->post))}};
    struct mls_leaf_params leaf = party_leaf(p, ALICE);
    must_ok(mls_group_new(p->client, PARTY_SUITE, kit_api(span_str("the party")), &leaf, extensions, 2,
                          &p->p[ALICE].group));
}

void party_open(struct party *p, struct mls_config config)
{
    const struct mls_proposal remove = {.type = MLS_PROPOSAL_REMOVE, .removed = DAVE};
    const struct mls_commit_params params = {.proposals = &remove, .proposal_count = 1};
    *p = (struct party){.config = config};
    must_ok(mls_client_new(&p->config, &p->client));
    for (size_t i = 0; i < PERSONS; i++) must_ok(mls_signature_keys(p->client, PARTY_SUITE, &p->p[i].sk, &p->p[i].pk));
    found(p);
    add(p, ALICE, MALLORY, ERIN, false);
    party_commit(p, CAROL, NULL);
    party_commit(p, ERIN, NULL);
    add(p, MALLORY, FRANK, FRANK, true); // without a path: frank is unmerged in what erin has filled
    party_commit(p, ALICE, &params);
    party_commit(p, MALLORY, NULL);
    mls_group_free(p->p[DAVE].group);
    p->p[DAVE].group = NULL;
    party_key_package(p, GRACE);
    for (size_t i = 0; i < PERSONS; i++) {
        if (p->p[i].group != NULL) party_dump(p->p[i].group, &p->p[i].store);
    }
}

void party_dump(struct mls_group *g, struct store *out)
{
    *out = (struct store){0};
    must_ok(record_note_all(g));
    must_ok(store_save(out, g, false));
}

void party_unchanged(struct mls_group *g, const struct store *before)
{
    struct store now;
    // Nobody may have noted a change either: what is noted would be stored.
    must(g->dirty.n == 0 && g->secrets.dirty.n == 0 && g->gone.n == 0);
    party_dump(g, &now);
    const char *difference = store_difference(before, &now);
    if (difference != NULL) kit_fail(difference, __FILE__, __LINE__);
    store_free(&now);
}

void party_restore(struct party *p, size_t who)
{
    mls_group_free(p->p[who].group);
    p->p[who].group = NULL;
    must_ok(store_restore(&p->p[who].store, p->client, &p->p[who].group));
}

void party_agree(struct mls_group *a, struct mls_group *b)
{
    struct mls_buf x, y;
    must(mls_group_epoch(a) == mls_group_epoch(b));
    must_ok(mls_group_epoch_authenticator(a, &x));
    must_ok(mls_group_epoch_authenticator(b, &y));
    must(span_eq(kit_span(x), kit_span(y)));
    mls_buf_free(&x);
    mls_buf_free(&y);
    must_ok(mls_group_context(a, &x));
    must_ok(mls_group_context(b, &y));
    must(span_eq(kit_span(x), kit_span(y)));
    mls_buf_free(&x);
    mls_buf_free(&y);
}
