// SPDX-License-Identifier: Apache-2.0
//
// The members, what they send each other, and the record of the passive one. After every commit all of them must agree on
// the epoch, or the generator fails.
#include "vectors/make/troupe.h"

#include <stdio.h>

// ---------------------------------------------------------------------------------------------------------- opening

// PSKs are known to everybody: also resumption PSKs to those who were not there, so that histories need not care.
static bool find_psk(void *arg, const struct mls_psk_id *id, struct mls_span *secret)
{
    const struct troupe *t = arg;
    for (size_t i = 0; id->type == MLS_PSK_EXTERNAL && i < t->n_psk; i++) {
        if (!span_eq(t->psk[i].id, from_api(id->id))) continue;
        *secret = to_api(t->psk[i].psk);
        return true;
    }
    for (size_t i = 0; id->type == MLS_PSK_RESUMPTION && i < t->n; i++) {
        const struct mls_group *g = t->actor[i].group;
        if (g == NULL) continue;
        for (size_t k = 0; k < g->n_psk; k++) {
            if (g->psk[k].epoch != id->epoch) continue;
            *secret = to_api(secret_span(&g->algo, &g->psk[k].psk));
            return true;
        }
        if (g->now.number != id->epoch) continue;
        *secret = to_api(secret_span(&g->algo, &g->now.secrets.resumption));
        return true;
    }
    return false;
}

void troupe_open(struct make *m, struct troupe *t, size_t n_psk)
{
    *t = (struct troupe){.m = m, .n_psk = n_psk};
    t->actor = (struct actor *)(void *)trial_bytes(&m->t, TROUPE_ACTORS * sizeof *t->actor);
    kit_client(m, &t->loud, true, 0, find_psk, t);
    kit_client(m, &t->quiet, false, 0, find_psk, t);
    kit_client(m, &t->padded, false, 256, find_psk, t);
    for (size_t i = 0; i < n_psk; i++) {
        t->psk[i].id = kit_random(m, kit_range(m, 1, 40));
        t->psk[i].psk = kit_random(m, kit_range(m, 16, 64));
    }
    t->outsider = kit_signature_keys(m);
}

void troupe_close(struct troupe *t)
{
    for (size_t i = 0; i < t->n; i++) mls_group_free(t->actor[i].group);
    mls_client_free(t->loud.client);
    mls_client_free(t->quiet.client);
    mls_client_free(t->padded.client);
    json_decref(t->said);
}

struct actor *troupe_hire(struct troupe *t)
{
    if (t->n == TROUPE_ACTORS) {
        trial_fail(&t->m->t, "more than %d actors", TROUPE_ACTORS);
        return &t->actor[0];
    }
    struct actor *a = &t->actor[t->n++];
    (void)snprintf(a->name, sizeof a->name, "member %zu", t->n);
    a->signer = kit_signature_keys(t->m);
    return a;
}

struct mls_leaf_params troupe_leaf(const struct actor *a)
{
    static const uint16_t extension = KIT_EXTENSION;
    return (struct mls_leaf_params){
        .credential = {.type = MLS_CREDENTIAL_BASIC, .identity = to_api(span_str(a->name))},
        .signature_private = to_api(a->signer.sk),
        .extension_types = &extension,
        .extension_type_count = 1,
        .not_after = UINT64_MAX};
}

void troupe_key_package(struct troupe *t, struct actor *a)
{
    struct make *m = t->m;
    struct mls_buf message = {0}, private = {0};
    const struct mls_leaf_params leaf = troupe_leaf(a);
    if (m->t.failed) return;
    enum mls_error e = mls_key_package_new(t->quiet.client, crypto_suite_id(m->t.algo.suite), &leaf, NULL, 0, &message,
                                           &private);
    a->key_package = kit_take(m, e, &message, "KeyPackage");
    a->private_part = kit_take(m, e, &private, "KeyPackage");
}

size_t troupe_size(const struct troupe *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++) n += t->actor[i].group != NULL;
    return n;
}

struct actor *troupe_member(struct troupe *t, size_t i)
{
    struct actor *a = t->actor;
    for (;; a++) {
        if (a->group != NULL && i-- == 0) return a;
    }
}

struct actor *troupe_any(struct troupe *t, const struct actor *but)
{
    struct actor *a;
    do a = troupe_member(t, kit_below(t->m, (uint32_t)troupe_size(t)));
    while (a == t->passive || a == but);
    return a;
}

// ------------------------------------------------------------------------------------------------------- proposals

struct mls_proposal troupe_add(struct troupe *t, struct actor *whom)
{
    troupe_key_package(t, whom);
    return (struct mls_proposal){.type = MLS_PROPOSAL_ADD, .key_package = to_api(whom->key_package)};
}

struct mls_proposal troupe_remove(const struct actor *whom)
{
    return (struct mls_proposal){.type = MLS_PROPOSAL_REMOVE, .removed = mls_group_own_index(whom->group)};
}

struct mls_proposal troupe_external_psk(struct troupe *t, size_t i)
{
    return (struct mls_proposal){.type = MLS_PROPOSAL_PSK,
                                 .psk = {.type = MLS_PSK_EXTERNAL, .id = to_api(t->psk[i].id)}};
}

struct mls_proposal troupe_resumption(struct troupe *t)
{
    const struct mls_group *g = troupe_member(t, 0)->group;
    uint64_t now = mls_group_epoch(g), from = t->record != NULL ? t->since : now;
    uint32_t age = t->m->plan->psk_age;
    if (age > 0 && now - from > age) from = now - age;
    uint64_t epoch = from + kit_below(t->m, (uint32_t)(now - from) + 1);
    return (struct mls_proposal){.type = MLS_PROPOSAL_PSK,
                                 .psk = {.type = MLS_PSK_RESUMPTION,
                                         .usage = MLS_PSK_APPLICATION,
                                         .group_id = to_api(kit_copy(t->m, from_api(mls_group_id(g)))),
                                         .epoch = epoch}};
}

static void put(struct mls_extension *list, size_t *n, uint16_t type, struct span data)
{
    list[(*n)++] = (struct mls_extension){.type = type, .data = to_api(data)};
}

static struct span external_senders(struct troupe *t)
{
    struct mls_buf b = {0};
    const struct mls_credential c = {.type = MLS_CREDENTIAL_BASIC, .identity = to_api(span_str("outsider"))};
    return kit_take(t->m, mls_external_sender_add((struct mls_span){0}, to_api(t->outsider.pk), &c, &b), &b,
                    "external_senders");
}

static struct span required(struct troupe *t)
{
    static const uint16_t extension = KIT_EXTENSION, credential = MLS_CREDENTIAL_BASIC;
    struct mls_buf b = {0};
    enum mls_error e = mls_required_capabilities(&extension, kit_below(t->m, 2), NULL, 0, &credential,
                                                 kit_below(t->m, 2), &b);
    return kit_take(t->m, e, &b, "required_capabilities");
}

struct mls_proposal troupe_extensions(struct troupe *t, bool outsider)
{
    struct mls_extension *list = (struct mls_extension *)(void *)trial_bytes(&t->m->t, 3 * sizeof *list);
    struct mls_proposal p = {.type = MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS};
    size_t n = 0;
    if (list == NULL) return p;
    if (kit_coin(t->m)) put(list, &n, MLS_EXTENSION_REQUIRED_CAPABILITIES, required(t));
    if (outsider) put(list, &n, MLS_EXTENSION_EXTERNAL_SENDERS, external_senders(t));
    if (n == 0 || kit_coin(t->m)) put(list, &n, KIT_EXTENSION, kit_random(t->m, kit_below(t->m, 100)));
    p.extensions = list;
    p.extension_count = n;
    return p;
}

struct actor *troupe_found(struct troupe *t, bool outsider)
{
    struct make *m = t->m;
    struct actor *a = troupe_hire(t);
    struct mls_extension list[1];
    size_t n = 0;
    if (outsider) put(list, &n, MLS_EXTENSION_EXTERNAL_SENDERS, external_senders(t));
    const struct mls_leaf_params leaf = troupe_leaf(a);
    struct span id = kit_random(m, kit_range(m, 1, 40));
    if (m->t.failed) return a;
    trial_ok(&m->t,
             (enum err)mls_group_new(t->quiet.client, crypto_suite_id(m->t.algo.suite), to_api(id), &leaf, list, n,
                                     &a->group),
             "new group");
    return a;
}

// -------------------------------------------------------------------------------------------------------- messages

enum framing troupe_framing(struct troupe *t)
{
    return (enum framing)kit_below(t->m, 3);
}

// A member speaks as one of the clients does.
static void use(struct troupe *t, struct actor *a, enum framing framing)
{
    a->group->client = framing == LOUD ? t->loud.client : framing == QUIET ? t->quiet.client : t->padded.client;
}

static struct span some_aad(struct troupe *t) { return kit_random(t->m, kit_coin(t->m) ? 0 : kit_below(t->m, 60)); }

// Everybody but the sender takes a proposal.
static void hear(struct troupe *t, const struct actor *from, struct span message)
{
    struct make *m = t->m;
    for (size_t i = 0; !m->t.failed && i < t->n; i++) {
        struct actor *a = &t->actor[i];
        struct mls_received r;
        if (a == from || a->group == NULL) continue;
        trial_ok(&m->t, (enum err)mls_group_receive(a->group, to_api(message), &r), "%s receives a proposal", a->name);
        mls_received_free(&r);
    }
    if (t->said != NULL) kit_append_bytes(m, t->said, message);
}

void troupe_propose(struct troupe *t, struct actor *by, const struct mls_proposal *p, enum framing framing)
{
    struct mls_buf b = {0};
    if (t->m->t.failed) return;
    use(t, by, framing);
    enum mls_error e = mls_group_propose(by->group, p, to_api(some_aad(t)), &b, NULL);
    struct span message = kit_take(t->m, e, &b, "propose");
    if (!t->m->t.failed) hear(t, by, message);
}

static void propose_from_outside(struct troupe *t, const struct mls_external_proposal *like)
{
    const struct mls_group *g = troupe_member(t, 0)->group;
    struct mls_external_proposal p = *like;
    struct mls_buf b = {0};
    if (t->m->t.failed) return;
    p.suite = crypto_suite_id(t->m->t.algo.suite);
    p.group_id = mls_group_id(g);
    p.epoch = mls_group_epoch(g);
    p.authenticated_data = to_api(some_aad(t));
    struct span message = kit_take(t->m, mls_external_propose(t->loud.client, &p, &b), &b, "propose from outside");
    if (!t->m->t.failed) hear(t, NULL, message);
}

void troupe_propose_outside(struct troupe *t, const struct mls_proposal *p)
{
    propose_from_outside(t, &(struct mls_external_proposal){.proposal = *p,
                                                            .signature_private = to_api(t->outsider.sk)});
}

void troupe_ask(struct troupe *t, struct actor *new)
{
    propose_from_outside(t, &(struct mls_external_proposal){.proposal = troupe_add(t, new),
                                                            .signature_private = to_api(new->signer.sk),
                                                            .new_member = true});
}

// --------------------------------------------------------------------------------------------------------- the record

static struct span authenticator(struct troupe *t, const struct mls_group *g)
{
    struct mls_buf b = {0};
    return kit_take(t->m, mls_group_epoch_authenticator(g, &b), &b, "epoch authenticator");
}

// The passive member's keys and its Welcome.
static void begin(struct troupe *t, struct actor *a, struct span welcome, struct span tree)
{
    struct make *m = t->m;
    struct mls_private_part part;
    if (m->t.failed || !trial_ok(&m->t, (enum err)mls_private_part_read(to_api(a->private_part), &part), "keys")) return;
    t->passive = a;
    t->since = mls_group_epoch(a->group);
    t->record = kit_case(m);
    json_t *psks = kit_list(m, t->record, "external_psks");
    for (size_t i = 0; i < t->n_psk; i++) {
        json_t *o = kit_append_object(m, psks);
        kit_bytes(m, o, "psk_id", t->psk[i].id);
        kit_bytes(m, o, "psk", t->psk[i].psk);
    }
    kit_bytes(m, t->record, "key_package", a->key_package);
    kit_bytes(m, t->record, "signature_priv", from_api(part.signature_key));
    kit_bytes(m, t->record, "encryption_priv", from_api(part.leaf_key));
    kit_bytes(m, t->record, "init_priv", from_api(part.init_key));
    kit_bytes(m, t->record, "welcome", welcome);
    if (tree.n > 0) kit_bytes(m, t->record, "ratchet_tree", tree);
    else kit_null(m, t->record, "ratchet_tree");
    kit_bytes(m, t->record, "initial_epoch_authenticator", authenticator(t, a->group));
    t->epochs = kit_list(m, t->record, "epochs");
    t->said = json_array();
}

static void write_down(struct troupe *t, struct span commit)
{
    struct make *m = t->m;
    if (t->record == NULL || m->t.failed) return;
    json_t *o = kit_append_object(m, t->epochs);
    kit_put(m, o, "proposals", t->said);
    t->said = json_array();
    kit_bytes(m, o, "commit", commit);
    kit_bytes(m, o, "epoch_authenticator", authenticator(t, t->passive->group));
}

// ---------------------------------------------------------------------------------------------------------- commits

// Everybody else takes the commit; who is removed by it leaves.
static void follow(struct troupe *t, const struct actor *by, struct span message)
{
    struct make *m = t->m;
    for (size_t i = 0; !m->t.failed && i < t->n; i++) {
        struct actor *a = &t->actor[i];
        struct mls_received r;
        if (a == by || a->group == NULL) continue;
        enum mls_error e = mls_group_receive(a->group, to_api(message), &r);
        if (trial_ok(&m->t, (enum err)e, "%s receives a commit", a->name)) {
            bool gone = mls_staged_removes_me(r.staged);
            e = mls_group_merge(a->group, r.staged);
            if (trial_ok(&m->t, (enum err)e, "%s merges a commit", a->name)) r.staged = NULL;
            if (gone) {
                mls_group_free(a->group);
                a->group = NULL;
            }
        }
        mls_received_free(&r);
    }
}

static void agree(struct troupe *t, const struct actor *with)
{
    struct span want = authenticator(t, with->group);
    for (size_t i = 0; !t->m->t.failed && i < t->n; i++) {
        if (t->actor[i].group == NULL) continue;
        trial_same(&t->m->t, authenticator(t, t->actor[i].group), want, "%s is in another epoch", t->actor[i].name);
    }
}

// All whom the Welcome is for join.
static void welcome(struct troupe *t, struct span message, struct span tree, struct actor *passive)
{
    struct make *m = t->m;
    for (size_t i = 0; message.n > 0 && !m->t.failed && i < t->n; i++) {
        struct actor *a = &t->actor[i];
        if (a->group != NULL || a->private_part.n == 0) continue;
        if (!mls_welcome_is_for(t->quiet.client, to_api(message), to_api(a->private_part))) continue;
        enum mls_error e =
            mls_group_join(t->quiet.client, to_api(message), to_api(a->private_part), to_api(tree), NULL, &a->group);
        trial_ok(&m->t, (enum err)e, "%s joins", a->name);
        if (a == passive) begin(t, a, message, tree);
        a->private_part = span_of(NULL, 0);
    }
    if (passive != NULL) trial_true(&m->t, t->passive == passive, "the passive member has joined");
}

void troupe_commit(struct troupe *t, struct actor *by, const struct mls_commit_params *params, enum framing framing,
                   struct actor *passive)
{
    struct make *m = t->m;
    struct mls_commit c = {0};
    struct mls_commit_params p = *params;
    struct mls_buf tree = {0};
    struct span outside = span_of(NULL, 0);
    if (m->t.failed) return;
    use(t, by, framing);
    p.authenticated_data = to_api(some_aad(t));
    if (!trial_ok(&m->t, (enum err)mls_group_commit(by->group, &p, &c), "%s commits", by->name)) return;
    struct span message = kit_copy(m, span_of(c.message.data, c.message.size));
    struct span invitation = kit_copy(m, span_of(c.welcome.data, c.welcome.size));
    if (!p.tree_in_welcome) outside = kit_take(m, mls_staged_tree(c.staged, &tree), &tree, "ratchet tree");
    follow(t, by, message);
    if (!m->t.failed && trial_ok(&m->t, (enum err)mls_group_merge(by->group, c.staged), "merge")) c.staged = NULL;
    mls_commit_free(&c);
    write_down(t, message);
    welcome(t, invitation, outside, passive);
    agree(t, by);
}

void troupe_join(struct troupe *t, struct actor *who, const struct mls_psk_id *psks, size_t n)
{
    struct make *m = t->m;
    struct mls_buf info = {0}, commit = {0}, tree = {0};
    struct mls_group *joined = NULL;
    struct actor *host = troupe_any(t, who);
    bool inside = kit_coin(m);
    struct mls_external_join join = {.leaf = troupe_leaf(who), .psks = psks, .psk_count = n};
    if (m->t.failed) return;
    join.group_info = to_api(kit_take(m, mls_group_info(host->group, inside, true, &info), &info, "GroupInfo"));
    if (!inside) join.tree = to_api(kit_take(m, mls_group_tree(host->group, &tree), &tree, "ratchet tree"));
    join.resync = who->group != NULL;
    join.resync_index = join.resync ? mls_group_own_index(who->group) : 0;
    join.authenticated_data = to_api(some_aad(t));
    enum mls_error e = mls_group_join_external(t->quiet.client, &join, &commit, &joined);
    struct span message = kit_take(m, e, &commit, "external commit");
    if (m->t.failed) return;
    mls_group_free(who->group);
    who->group = joined;
    follow(t, who, message);
    write_down(t, message);
    agree(t, who);
}
