// SPDX-License-Identifier: Apache-2.0
//
// A person: a client with a configuration of its own, its keys and KeyPackage, and a group whose state is only as safe as
// its database. What it has not stored has not happened.
#include "model.h"

// --------------------------------------------------------------------------------------------------- the client

static bool give_random(void *arg, uint8_t *out, size_t n)
{
    struct person *p = arg;
    for (size_t i = 0; i < n; i++) out[i] = (uint8_t)(rng_next(&p->random) >> 40);
    return true;
}

static uint64_t give_now(void *arg) { return ((const struct person *)arg)->model->now; }

static bool accept(void *arg, const struct mls_credential_check *check)
{
    (void)arg;
    // A credential may only take the place of one with the same name.
    return check->replaced == NULL || (check->member->identity.size == check->replaced->identity.size &&
                                       memcmp(check->member->identity.data, check->replaced->identity.data,
                                              check->member->identity.size) == 0);
}

// External PSKs are named "psk0" … and are secret in no way.
static bool give_psk(void *arg, const struct mls_psk_id *id, struct mls_span *secret)
{
    static const char *const secrets[PSKS] = {"the first secret", "another one", "a third, which is somewhat longer than a hash",
                                              "x"};
    const struct person *p = arg;
    if (id->type != MLS_PSK_EXTERNAL || id->id.size != 4 || memcmp(id->id.data, "psk", 3) != 0) return false;
    unsigned n = (unsigned)id->id.data[3] - '0';
    if (n >= PSKS || !p->knows[n]) return false;
    *secret = text_span(secrets[n]);
    return true;
}

// An executor that does things in another order.
static void run_backwards(void *arg, void (*task)(void *task_arg, size_t i), void *task_arg, size_t n)
{
    (void)arg;
    while (n-- > 0) task(task_arg, n);
}

static struct mls_config configure(struct model *m, struct person *p)
{
    static const struct mls_custom_proposal custom[2] = {
        {.type = PROPOSAL_CUSTOM, .path_required = false, .external_allowed = true},
        {.type = PROPOSAL_CUSTOM, .path_required = true, .external_allowed = true}};
    struct rng *r = &m->random;
    static const uint32_t paddings[] = {0, 1, 16, 256};
    struct mls_config c = {.arg = p, .random = give_random, .now = give_now, .credential = accept, .psk = give_psk};
    c.run = rng_chance(r, 20) ? run_backwards : NULL;
    if (!p->limited) {
        c.custom_proposals = &custom[m->custom_path];
        c.custom_proposal_count = 1;
    }
    c.past_epochs = rng_chance(r, 60) ? rng_below(r, 4) : 0;
    c.past_psks = rng_chance(r, 60) ? rng_below(r, 4) : 0;
    c.skipped_keys = rng_chance(r, 60) ? rng_below(r, 7) : 0;
    c.padding = paddings[rng_below(r, 4)];
    c.public_handshake = rng_chance(r, 50);
    c.no_grease = rng_chance(r, 30);
    return c;
}

void person_open(struct model *m, struct person *p, int id)
{
    *p = (struct person){.model = m, .id = id, .random = {rng_next(&m->random)}};
    snprintf(p->name, sizeof p->name, "p%d", id);
    p->limited = id > 0 && rng_chance(&m->random, 10);
    for (int i = 0; i < PSKS; i++) p->knows[i] = rng_chance(&m->random, 70);
    p->config = configure(m, p);
    OK(m, mls_client_new(&p->config, &p->client), "client");
}

void person_drop_pending(struct person *p)
{
    mls_staged_free(p->staged);
    p->staged = NULL;
    mls_buf_free(&p->saved);
}

void person_forget(struct person *p)
{
    person_drop_pending(p);
    mls_group_free(p->group);
    p->group = NULL;
    store_free(&p->store);
    free(p->deferred);
    free(p->known);
    free(p->heard);
    p->deferred = p->known = NULL;
    p->heard = NULL;
    p->n_deferred = p->n_known = p->n_heard = 0;
    mls_buf_free(&p->welcome);
    mls_buf_free(&p->tree);
}

void person_drop_key_package(struct person *p)
{
    mls_buf_free(&p->key_package);
    mls_buf_free(&p->private_part);
}

void person_close(struct person *p)
{
    person_forget(p);
    person_drop_key_package(p);
    mls_buf_free(&p->signature_private);
    mls_buf_free(&p->signature_public);
    mls_client_free(p->client);
}

void person_keys(struct person *p, uint16_t suite)
{
    mls_buf_free(&p->signature_private);
    mls_buf_free(&p->signature_public);
    OK(p->model, mls_signature_keys(p->client, suite, &p->signature_private, &p->signature_public), "signature keys");
}

struct mls_leaf_params person_leaf(const struct person *p)
{
    static const uint16_t custom[] = {EXTENSION_CUSTOM};
    return (struct mls_leaf_params){
        .credential = {.type = MLS_CREDENTIAL_BASIC, .identity = text_span(p->name)},
        .signature_private = span(p->signature_private),
        .signature_public = span(p->signature_public),
        .extension_types = custom,
        .extension_type_count = p->limited ? 0 : 1,
    };
}

void person_new_name(const struct person *p, struct mls_leaf_params *leaf, struct mls_extension *name)
{
    static const char *const names[] = {"phone", "laptop", "an old tablet"};
    const struct mls_leaf_params own = person_leaf(p);
    *name = (struct mls_extension){MLS_EXTENSION_APPLICATION_ID, text_span(names[rng_below(&p->model->random, 3)])};
    leaf->extensions = name;
    leaf->extension_count = 1;
    leaf->extension_types = own.extension_types; // the capabilities are made anew
    leaf->extension_type_count = own.extension_type_count;
}

void person_key_package(struct person *p, uint16_t suite)
{
    person_drop_key_package(p);
    person_keys(p, suite);
    struct mls_leaf_params leaf = person_leaf(p);
    OK(p->model, mls_key_package_new(p->client, suite, &leaf, NULL, 0, &p->key_package, &p->private_part),
       "KeyPackage");
}

// --------------------------------------------------------------------------------------------------- the database

void person_restart(struct person *p)
{
    struct model *m = p->model;
    size_t waiting = p->n_known;
    mls_staged_free(p->staged); // in memory only; its bytes are kept
    p->staged = NULL;
    mls_group_free(p->group);
    p->group = NULL;
    p->lives++;
    OK(m, store_restore(&p->store, p->client, &p->group), "restore");
    CHECK(m, mls_group_epoch(p->group) == p->epoch, "%s restored epoch %llu, not %llu", p->name,
          (unsigned long long)mls_group_epoch(p->group), (unsigned long long)p->epoch);
    CHECK(m, mls_group_proposal_count(p->group) == waiting, "%s restored %zu proposals, not %zu", p->name,
          mls_group_proposal_count(p->group), waiting);
    m->count.restarts++;
}

bool person_persist(struct person *p)
{
    struct model *m = p->model;
    bool fails = m->persistence_fails && p->store.n > 0 && rng_chance(&m->random, 4);
    OK(m, store_save(&p->store, p->group, fails), "store");
    if (!fails) return true;
    mls_staged_free(p->staged);
    p->staged = NULL;
    mls_group_free(p->group);
    p->group = NULL;
    p->lives++;
    OK(m, store_restore(&p->store, p->client, &p->group), "restore after a failure of the database");
    m->count.rollbacks++;
    return false;
}

// ---------------------------------------------------------------------------------------------------- the epoch

static void hold(const struct model *m, const struct person *p, struct mls_buf *fact, struct mls_buf *mine, const char *what,
                 bool first)
{
    if (first) {
        *fact = *mine;
        *mine = (struct mls_buf){0};
        return;
    }
    CHECK(m, same_bytes(*fact, *mine), "%s has another %s in epoch %llu", p->name, what, (unsigned long long)p->epoch);
    mls_buf_free(mine);
}

static void check_members(const struct model *m, const struct person *p, const struct facts *f)
{
    struct mls_member member;
    uint32_t at = 0, n = 0;
    while (mls_group_next_member(p->group, &at, &member)) {
        char name[16];
        CHECK(m, member.index < LEAVES_MAX && f->roster[member.index] != NOBODY, "leaf %u should be blank", member.index);
        snprintf(name, sizeof name, "p%d", f->roster[member.index]);
        CHECK(m, member.identity.size == strlen(name) && memcmp(name, member.identity.data, strlen(name)) == 0,
              "at leaf %u there should be %s", member.index, name);
        n++;
    }
    CHECK(m, n == mls_group_member_count(p->group), "the number of members is wrong");
    for (size_t i = 0; i < LEAVES_MAX; i++) n -= f->roster[i] != NOBODY;
    CHECK(m, n == 0, "members are missing");
    CHECK(m, mls_group_own_index(p->group) == p->leaf && f->roster[p->leaf] == p->id, "%s is at the wrong leaf", p->name);
}

// What the group now asks of its members.
static void learn_extensions(const struct person *p, struct facts *f)
{
    struct mls_span list = mls_group_extensions(p->group), data;
    f->has_senders = mls_extension_find(list, MLS_EXTENSION_EXTERNAL_SENDERS, &data);
    f->has_custom = mls_extension_find(list, EXTENSION_CUSTOM, &data) ||
                    (mls_extension_find(list, MLS_EXTENSION_REQUIRED_CAPABILITIES, &data) && data.data[0] != 0);
}

void person_enter(struct person *p, uint64_t epoch)
{
    struct model *m = p->model;
    struct facts *f = &m->facts[epoch];
    struct mls_buf authenticator, tree_hash, exported, tree, context;
    p->epoch = epoch;
    p->n_known = 0;
    p->generation = 0;
    CHECK(m, mls_group_epoch(p->group) == epoch, "%s is in epoch %llu, not %llu", p->name,
          (unsigned long long)mls_group_epoch(p->group), (unsigned long long)epoch);
    CHECK(m, mls_group_proposal_count(p->group) == 0, "proposals outlive their epoch");
    OK(m, mls_group_epoch_authenticator(p->group, &authenticator), "epoch authenticator");
    OK(m, mls_group_tree_hash(p->group, &tree_hash), "tree hash");
    OK(m, mls_group_export(p->group, "model", text_span(p->model->suite == 1 ? "" : "context"), 40, &exported), "exporter");
    OK(m, mls_group_tree(p->group, &tree), "tree");
    OK(m, mls_group_context(p->group, &context), "context");
    bool first = !f->known;
    hold(m, p, &f->authenticator, &authenticator, "epoch authenticator", first);
    hold(m, p, &f->exported, &exported, "exporter", first);
    hold(m, p, &f->tree_hash, &tree_hash, "tree hash", first);
    hold(m, p, &f->tree, &tree, "tree", first);
    hold(m, p, &f->context, &context, "group context", first);
    f->known = true;
    check_members(m, p, f);
    if (first) learn_extensions(p, f);
    if (first) oracle(m, span(f->tree), span(f->tree_hash), p->group);
}

void person_joined(struct person *p, uint32_t leaf, uint64_t epoch, size_t next)
{
    p->place = MEMBER;
    p->leaf = leaf;
    p->since = epoch;
    p->next = next;
    person_drop_key_package(p);
    mls_buf_free(&p->welcome);
    mls_buf_free(&p->tree);
    person_enter(p, epoch);
}
