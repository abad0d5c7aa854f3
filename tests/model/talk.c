// SPDX-License-Identifier: Apache-2.0
//
// Application messages, in any order and at any time: the model says which of them a member can still open, by the epochs
// and keys that its configuration lets it keep, and holds the library to it.
#include "model.h"

// ------------------------------------------------------------------------------------------------------- sending

static bool can_speak(const struct person *p) { return p->place == MEMBER && p->group != NULL; }

static struct letter *free_letter(struct model *m)
{
    struct letter *l = &m->letter[rng_below(&m->random, LETTERS_MAX)];
    for (size_t i = 0; i < LETTERS_MAX && l->message.size > 0; i++) {
        if (m->letter[i].message.size == 0) l = &m->letter[i];
    }
    mls_buf_free(&l->message);
    return l;
}

static void address(struct model *m, struct letter *l, const struct person *from)
{
    const struct facts *f = &m->facts[l->epoch];
    memset(l->pending, 0, sizeof l->pending);
    for (size_t i = 0; i < LEAVES_MAX; i++) {
        if (f->roster[i] != NOBODY && f->roster[i] != from->id) l->pending[f->roster[i]] = true;
    }
}

void speak(struct model *m)
{
    struct person *p = model_pick(m, can_speak); // it may be behind: then it speaks in an old epoch
    struct letter *l;
    if (p == NULL) return;
    struct letter new = {.epoch = p->epoch, .leaf = p->leaf, .from = p->id};
    new.text_n = rng_below(&m->random, sizeof new.text + 1);
    new.aad_n = rng_below(&m->random, sizeof new.aad + 1);
    for (size_t i = 0; i < new.text_n; i++) new.text[i] = (uint8_t)rng_next(&m->random);
    for (size_t i = 0; i < new.aad_n; i++) new.aad[i] = (uint8_t)rng_next(&m->random);
    enum mls_error e = mls_group_protect(p->group, (struct mls_span){new.text, new.text_n},
                                         (struct mls_span){new.aad, new.aad_n}, &new.message);
    if (!mls_group_active(p->group)) {
        REFUSED(m, e, MLS_E_GROUP_INACTIVE, "a message to a group that has ended");
        return;
    }
    if (p->n_known > 0) {
        REFUSED(m, e, MLS_E_GROUP_PROPOSALS, "a message while proposals wait");
        return;
    }
    OK(m, e, "protect");
    if (!person_persist(p)) { // not stored, so it must not be sent: the next message has the same generation
        mls_buf_free(&new.message);
        return;
    }
    new.generation = m->facts[p->epoch].said[p->leaf]++;
    l = free_letter(m);
    *l = new;
    address(m, l, p);
    m->count.letters++;
}

// ------------------------------------------------------------------------------------------------------- hearing

static struct hearing *hearing_of(struct person *p, uint64_t epoch, uint32_t leaf)
{
    for (size_t i = 0; i < p->n_heard; i++) {
        if (p->heard[i].epoch == epoch && p->heard[i].leaf == leaf) return &p->heard[i];
    }
    p->heard = store_check(realloc(p->heard, (p->n_heard + 1) * sizeof *p->heard));
    p->heard[p->n_heard] = (struct hearing){.epoch = epoch, .leaf = leaf};
    return &p->heard[p->n_heard++];
}

static enum mls_error predict(struct person *p, const struct letter *l)
{
    if (l->epoch > p->epoch) return MLS_E_MESSAGE_FUTURE;
    if (l->epoch < p->since || p->epoch - l->epoch > p->config.past_epochs) return MLS_E_MESSAGE_EPOCH;
    const struct hearing *h = hearing_of(p, l->epoch, l->leaf);
    if (l->generation >= h->head) return MLS_OK;
    for (uint32_t i = 0; i < h->n; i++) {
        if (h->kept[i] == l->generation) return MLS_OK;
    }
    return MLS_E_MESSAGE_KEY_GONE;
}

// What the member's ratchet becomes: keys of passed messages are kept as far back as the configuration says.
static void note_heard(struct person *p, const struct letter *l)
{
    struct hearing *h = hearing_of(p, l->epoch, l->leaf);
    uint32_t keep = p->config.skipped_keys, n = 0, kept[sizeof h->kept / sizeof *h->kept];
    if (l->generation < h->head) { // a late one
        for (uint32_t i = 0; i < h->n; i++) {
            if (h->kept[i] != l->generation) h->kept[n++] = h->kept[i];
        }
        h->n = n;
        return;
    }
    for (uint32_t i = 0; i < h->n; i++) {
        if (l->generation - h->kept[i] <= keep) kept[n++] = h->kept[i];
    }
    for (uint32_t g = h->head; g < l->generation; g++) {
        if (l->generation - g <= keep) kept[n++] = g;
    }
    memcpy(h->kept, kept, n * sizeof *kept);
    h->n = n;
    h->head = l->generation + 1;
}

static void hear_forged(struct person *p, const struct letter *l)
{
    struct model *m = p->model;
    struct mls_received r;
    struct mls_buf forged = copy_of(span(l->message));
    forged.data[rng_below(&m->random, (uint32_t)forged.size)] ^= (uint8_t)(1u << rng_below(&m->random, 8));
    enum mls_error e = mls_group_receive(p->group, span(forged), &r);
    CHECK(m, e != MLS_OK, "%s has accepted a message with a bit turned round", p->name);
    mls_buf_free(&forged);
}

static void check_received(const struct model *m, const struct letter *l, const struct mls_received *r)
{
    CHECK(m, r->content == MLS_CONTENT_APPLICATION && r->sender_type == MLS_SENDER_MEMBER, "wrong kind of message");
    CHECK(m, r->sender == l->leaf && r->epoch == l->epoch, "wrong sender or epoch");
    CHECK(m, r->generation == l->generation, "generation %u, not %u", r->generation, l->generation);
    CHECK(m, r->data.size == l->text_n && (l->text_n == 0 || memcmp(r->data.data, l->text, l->text_n) == 0), "wrong text");
    CHECK(m, r->authenticated_data.size == l->aad_n &&
                 (l->aad_n == 0 || memcmp(r->authenticated_data.data, l->aad, l->aad_n) == 0), "wrong AAD");
}

static void hear_one(struct person *p, struct letter *l)
{
    struct model *m = p->model;
    struct mls_received r;
    enum mls_error want = predict(p, l);
    if (rng_chance(&m->random, 10)) hear_forged(p, l);
    enum mls_error e = mls_group_receive(p->group, span(l->message), &r);
    REFUSED(m, e, want, p->name);
    if (want != MLS_OK) {
        l->pending[p->id] = want == MLS_E_MESSAGE_FUTURE; // that one may come again
        return;
    }
    check_received(m, l, &r);
    mls_received_free(&r);
    if (!person_persist(p)) return; // it comes again
    note_heard(p, l);
    l->pending[p->id] = false;
    m->count.heard++;
    if (!rng_chance(&m->random, 20)) return;
    REFUSED(m, mls_group_receive(p->group, span(l->message), &r), MLS_E_MESSAGE_KEY_GONE, "a message that comes twice");
}

static struct letter *pick_letter(struct model *m)
{
    uint32_t start = rng_below(&m->random, LETTERS_MAX);
    for (uint32_t i = 0; i < LETTERS_MAX; i++) {
        struct letter *l = &m->letter[(start + i) % LETTERS_MAX];
        if (l->message.size > 0) return l;
    }
    return NULL;
}

void hear(struct model *m, int times)
{
    for (int n = 0; n < times; n++) {
        struct letter *l = pick_letter(m);
        uint32_t start = rng_below(&m->random, m->people);
        for (uint32_t i = 0; l != NULL && i < m->people; i++) {
            struct person *p = &m->person[(start + i) % m->people];
            if (!l->pending[p->id] || p->group == NULL) continue;
            hear_one(p, l);
            break;
        }
    }
}

// -------------------------------------------------------------------------------------------------- reading on

static bool is_removed(const struct person *p) { return p->place == REMOVED && p->group != NULL; }

// Somebody who was removed gets to see all that is sent, and reads nothing of it.
void eavesdrop(struct model *m)
{
    struct person *p = model_pick(m, is_removed);
    struct mls_received r;
    if (p == NULL) return;
    for (size_t i = 0; i < LETTERS_MAX; i++) {
        const struct letter *l = &m->letter[i];
        if (l->message.size == 0 || l->epoch <= p->epoch) continue;
        CHECK(m, mls_group_receive(p->group, span(l->message), &r) != MLS_OK, "%s reads on after its removal", p->name);
    }
    for (size_t i = m->n_log; i-- > 0 && m->log[i].epoch >= p->epoch;) {
        CHECK(m, mls_group_receive(p->group, span(m->log[i].message), &r) != MLS_OK, "%s follows after its removal",
              p->name);
    }
    struct mls_buf out;
    REFUSED(m, mls_group_protect(p->group, text_span("x"), (struct mls_span){0}, &out), MLS_E_GROUP_INACTIVE, "protect");
    struct mls_commit c;
    REFUSED(m, mls_group_commit(p->group, NULL, &c), MLS_E_GROUP_INACTIVE, "commit");
}
