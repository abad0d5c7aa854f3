// SPDX-License-Identifier: Apache-2.0
//
// Proposals: by members, to wait for a commit; by an external sender; and by somebody who wants to be added. All are valid
// by themselves when they are made, but need not be together.
#include "model.h"

void wish_free(struct wish *w)
{
    for (size_t i = 0; i < 3; i++) mls_buf_free(&w->buf[i]);
}

static struct person *pick_addable(struct model *m)
{
    struct person *p = model_pick(m, is_outside);
    return p != NULL && p->limited && m->facts[m->epoch].has_custom ? NULL : p;
}

static bool anybody_limited(const struct model *m)
{
    for (size_t i = 0; i < LEAVES_MAX; i++) {
        int id = m->facts[m->epoch].roster[i];
        if (id != NOBODY && m->person[id].limited) return true;
    }
    return false;
}

static bool wish_psk(struct model *m, struct person *by, struct wish *w)
{
    static const char *const names[PSKS] = {"psk0", "psk1", "psk2", "psk3"};
    if (by != NULL && rng_chance(&m->random, 30)) { // of the present epoch: only those have it who were there
        w->p.psk = (struct mls_psk_id){.type = MLS_PSK_RESUMPTION,
                                       .usage = MLS_PSK_APPLICATION,
                                       .group_id = span(m->group_id),
                                       .epoch = m->epoch};
        return true;
    }
    uint32_t n = rng_below(&m->random, PSKS);
    if (by != NULL && !by->knows[n]) return false;
    w->p.psk = (struct mls_psk_id){.type = MLS_PSK_EXTERNAL, .id = text_span(names[n])};
    return true;
}

// Random group context extensions, out of: external senders, required capabilities, one that not all support.
static void wish_extensions(struct model *m, struct wish *w)
{
    size_t n = 0;
    bool custom = !anybody_limited(m) && rng_chance(&m->random, 50);
    if (rng_chance(&m->random, 60)) {
        w->extensions[n++] = (struct mls_extension){MLS_EXTENSION_EXTERNAL_SENDERS, span(m->server_extension)};
    }
    if (rng_chance(&m->random, 50)) {
        static const uint16_t extension[] = {EXTENSION_CUSTOM}, proposal[] = {PROPOSAL_CUSTOM}, credential[] = {1};
        OK(m, mls_required_capabilities(extension, custom, proposal, custom, credential, 1, &w->buf[0]),
           "required_capabilities");
        w->extensions[n++] = (struct mls_extension){MLS_EXTENSION_REQUIRED_CAPABILITIES, span(w->buf[0])};
    }
    if (custom && rng_chance(&m->random, 50)) {
        w->extensions[n++] = (struct mls_extension){EXTENSION_CUSTOM, text_span("its data")};
    }
    w->p.extensions = w->extensions;
    w->p.extension_count = n;
}

bool wish_make(struct model *m, struct person *by, uint16_t type, struct wish *w)
{
    *w = (struct wish){.p.type = type, .target = NOBODY};
    struct person *p = NULL;
    switch (type) {
    case MLS_PROPOSAL_ADD:
        if ((p = pick_addable(m)) == NULL) return false;
        if (p->key_package.size == 0) person_key_package(p, m->suite);
        w->p.key_package = span(p->key_package);
        w->target = p->id;
        return true;
    case MLS_PROPOSAL_UPDATE:
        if (!rng_chance(&m->random, 40)) return true;
        // A new signature key too, or new extensions.
        w->leaf = (struct mls_leaf_params){0};
        w->p.leaf = &w->leaf;
        if (rng_chance(&m->random, 30)) {
            person_new_name(by, &w->leaf, &w->extensions[0]);
            return true;
        }
        OK(m, mls_signature_keys(by->client, m->suite, &w->buf[1], &w->buf[2]), "signature keys");
        w->leaf.signature_private = span(w->buf[1]);
        w->leaf.signature_public = span(w->buf[2]);
        return true;
    case MLS_PROPOSAL_REMOVE:
        w->p.removed = model_pick_leaf(m, UINT32_MAX); // perhaps itself: then somebody else has to commit it
        return w->p.removed != UINT32_MAX;
    case MLS_PROPOSAL_PSK: return wish_psk(m, by, w);
    case MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS: wish_extensions(m, w); return true;
    case MLS_PROPOSAL_REINIT:
        if (rng_chance(&m->random, 50)) w->p.suite = m->suite == 1 ? 3 : 1;
        return true;
    case PROPOSAL_CUSTOM:
        if (anybody_limited(m)) return false;
        w->p.data = text_span("whatever the application means by it");
        return true;
    default: return false;
    }
}

static uint16_t pick_type(struct model *m)
{
    uint32_t n = model_size(m), r = rng_below(&m->random, 100);
    if (r < 25) return MLS_PROPOSAL_UPDATE;
    if (r < 60) return rng_below(&m->random, m->people) > n + 4 ? MLS_PROPOSAL_ADD : MLS_PROPOSAL_REMOVE;
    if (r < 75) return MLS_PROPOSAL_PSK;
    if (r < 85) return MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS;
    if (r < 98) return PROPOSAL_CUSTOM;
    return MLS_PROPOSAL_REINIT;
}

// ------------------------------------------------------------------------------------------- who knows of which

bool is_known(const struct person *p, const struct entry *e)
{
    for (size_t i = 0; i < p->n_known; i++) {
        if (same_bytes(p->model->log[p->known[i]].ref, e->ref)) return true;
    }
    return false;
}

void know(struct person *p, size_t entry)
{
    if (is_known(p, &p->model->log[entry])) return; // the same proposal, made twice
    p->known = store_check(realloc(p->known, (p->n_known + 1) * sizeof *p->known));
    p->known[p->n_known++] = entry;
}

// ----------------------------------------------------------------------------------------------------- members

void propose(struct model *m)
{
    struct person *p = model_pick(m, is_current);
    struct wish w;
    if (p == NULL) return;
    struct entry e = {.epoch = p->epoch, .by = p->id, .leaf = p->leaf, .private = !p->config.public_handshake,
                      .generation = p->generation};
    e.type = pick_type(m);
    if (!wish_make(m, p, e.type, &w)) return;
    if (w.p.type == PROPOSAL_CUSTOM && p->limited) {
        wish_free(&w);
        return;
    }
    e.target = w.target;
    e.removed = w.p.removed;
    OK(m, mls_group_propose(p->group, &w.p, text_span("proposal"), &e.message, &e.ref), "propose");
    wish_free(&w);
    if (!person_persist(p)) {
        mls_buf_free(&e.message);
        mls_buf_free(&e.ref);
        return;
    }
    p->generation += e.private;
    model_publish(m, e);
    know(p, m->n_log - 1);
    m->count.proposals++;
}

// ------------------------------------------------------------------------------------------------ from outside

void propose_from_outside(struct model *m)
{
    static const uint16_t types[] = {MLS_PROPOSAL_ADD, MLS_PROPOSAL_REMOVE, MLS_PROPOSAL_PSK, PROPOSAL_CUSTOM,
                                     MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS};
    struct wish w;
    if (!m->facts[m->epoch].known) return; // nobody has entered the epoch yet
    bool joins = !m->facts[m->epoch].has_senders || rng_chance(&m->random, 40);
    uint16_t type = joins ? MLS_PROPOSAL_ADD : types[rng_below(&m->random, 5)];
    if (!wish_make(m, NULL, type, &w)) return;
    struct mls_external_proposal p = {.suite = m->suite,
                                      .group_id = span(m->group_id),
                                      .epoch = m->epoch,
                                      .proposal = w.p,
                                      .new_member = joins,
                                      .authenticated_data = text_span("from outside")};
    const struct person *who = joins ? &m->person[w.target] : NULL;
    p.signature_private = span(joins ? who->signature_private : m->server_private);
    struct entry e = {.epoch = m->epoch, .by = NOBODY, .type = type, .target = w.target, .removed = w.p.removed};
    OK(m, mls_external_propose(joins ? who->client : m->server, &p, &e.message), "proposal from outside");
    wish_free(&w);
    model_publish(m, e);
    m->count.proposals++;
}
