// SPDX-License-Identifier: Apache-2.0
//
// Entering a staged epoch. First everything that could fail (memory), then moves only. What an epoch leaves behind is
// kept as far as the client's windows say (past epochs for late messages, past resumption PSKs), and wiped otherwise.
#include "group/list.h"

// ---------------------------------------------------------------------------------------------------- past epochs

// The signature keys that this commit changes, as they were.
static enum err note_past_leaves(const struct mls_staged *s, struct past *p)
{
    uint32_t node;
    size_t n = 0;
    for (size_t at = 0; tree_changed(&s->tree, &at, &node);) n += (node & 1) == 0;
    p->leaf = mem_new_array(n, sizeof *p->leaf);
    if (p->leaf == NULL) return ERR_MEMORY;
    for (size_t at = 0; tree_changed(&s->tree, &at, &node);) {
        struct leaf l;
        if (node & 1) continue;
        struct past_leaf *x = &p->leaf[p->n++];
        x->leaf = node / 2;
        buf_init(&x->key, CRYPTO_SIGPK_MAX);
        if (tree_leaf(&s->group->tree, x->leaf, &l) == ERR_OK) buf_put(&x->key, l.signature_key);
        if (buf_end(&x->key) != ERR_OK) return ERR_MEMORY;
    }
    return ERR_OK;
}

// The present epoch as a past one; its secret tree is moved in later.
static enum err make_past(const struct mls_group *g, const struct mls_staged *s, struct past *p)
{
    *p = (struct past){
        .number = g->now.number, .own_leaf = g->now.keys.leaf, .leaves = g->tree.leaves, .fresh = true};
    secret_tree_init(&p->secrets, 1);
    buf_init(&p->context, TLS_VECTOR_MAX);
    buf_put(&p->context, buf_span(&g->now.context));
    p->sender_data = g->now.secrets.sender_data;
    enum err e = buf_end(&p->context);
    if (e == ERR_OK) e = note_past_leaves(s, p);
    if (e != ERR_OK) past_wipe(p);
    return e;
}

// New windows, made beside the old ones.
struct windows {
    struct past *past;
    size_t n_past;
    struct past_psk *psk;
    size_t n_psk;
};

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static enum err make_windows(const struct mls_group *g, const struct mls_staged *s, struct windows *w)
{
    const struct mls_config *c = &g->client->config;
    size_t one = g->outside ? 0 : 1; // an epoch that this client was no member of leaves nothing behind
    *w = (struct windows){.n_past = least(c->past_epochs, g->n_past + one),
                          .n_psk = least(c->past_psks, g->n_psk + one)};
    w->past = w->n_past > 0 ? mem_new_array(w->n_past, sizeof *w->past) : NULL;
    w->psk = w->n_psk > 0 ? mem_new_array(w->n_psk, sizeof *w->psk) : NULL;
    enum err e = (w->n_past > 0 && w->past == NULL) || (w->n_psk > 0 && w->psk == NULL) ? ERR_MEMORY : ERR_OK;
    if (e == ERR_OK && w->n_past > 0) e = make_past(g, s, &w->past[0]);
    if (e != ERR_OK) {
        mem_free(w->past);
        mem_free_wiped(w->psk, w->n_psk * sizeof *w->psk);
        *w = (struct windows){0};
        return e;
    }
    if (w->n_psk > 0) {
        w->psk[0] = (struct past_psk){.epoch = g->now.number, .psk = g->now.secrets.resumption};
        if (w->n_psk > 1) memcpy(w->psk + 1, g->psk, (w->n_psk - 1) * sizeof *w->psk);
    }
    return ERR_OK;
}

// Moves the old secret tree and the older past epochs into the new window; what falls out is wiped.
static void take_windows(struct mls_group *g, struct windows *w)
{
    if (w->n_past > 0) {
        w->past[0].secrets = g->secrets;
        map_wipe(&w->past[0].secrets.dirty); // it is stored anew, as a past one
        secret_tree_init(&g->secrets, 1);
        if (w->n_past > 1) memcpy(w->past + 1, g->past, (w->n_past - 1) * sizeof *w->past);
    }
    for (size_t i = w->n_past > 0 ? w->n_past - 1 : 0; i < g->n_past; i++) {
        record_drop_past(g, &g->past[i]);
        past_wipe(&g->past[i]);
    }
    for (size_t i = w->n_psk > 0 ? w->n_psk - 1 : 0; i < g->n_psk; i++) {
        (void)record_note(g, RECORD_PSK, g->psk[i].epoch);
    }
    mem_free_wiped(g->past, g->n_past * sizeof *g->past);
    mem_free_wiped(g->psk, g->n_psk * sizeof *g->psk);
    g->past = w->past;
    g->n_past = w->n_past;
    g->psk = w->psk;
    g->n_psk = w->n_psk;
}

// ------------------------------------------------------------------------------------------------------- merging

// Everything that the old epoch has in its secret tree has to leave the store, so the new tree starts with notes of it.
static enum err inherit_notes(const struct secret_tree *old, struct secret_tree *new)
{
    uint64_t key;
    enum err e = secret_tree_note_all(new, old);
    for (size_t at = 0; e == ERR_OK && map_next(&old->dirty, &at, &key) != NULL;) {
        if (map_put(&new->dirty, key) == NULL) e = ERR_MEMORY;
    }
    return e;
}

// Notes every record that the new epoch changes. Done before anything moves; a note too many does no harm.
static enum err note_changes(struct mls_group *g, const struct mls_staged *s, const struct windows *w)
{
    static const enum record_kind single[] = {RECORD_GROUP, RECORD_SECRETS, RECORD_SIGNATURE, RECORD_REINIT};
    uint32_t node;
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < sizeof single / sizeof *single; i++) e = record_note(g, single[i], 0);
    if (e == ERR_OK && s->changes_extensions) e = record_note(g, RECORD_EXTENSIONS, 0);
    for (uint32_t k = 0; e == ERR_OK && k < TREE_MAX_LEVELS; k++) {
        if (g->now.keys.have[k] || s->next.keys.have[k]) e = record_note(g, RECORD_KEY, k);
    }
    for (size_t at = 0; e == ERR_OK && tree_changed(&s->tree, &at, &node);) e = record_note(g, RECORD_NODE, node);
    for (size_t i = 0; e == ERR_OK && i < g->n_waiting; i++) e = record_note(g, RECORD_WAITING, g->waiting[i].number);
    for (size_t i = 0; e == ERR_OK && i < g->n_update; i++) e = record_note(g, RECORD_UPDATE, g->update[i].number);
    if (e == ERR_OK && w->n_past > 0) e = record_note(g, RECORD_PAST, g->now.number);
    if (e == ERR_OK && w->n_psk > 0) e = record_note(g, RECORD_PSK, g->now.number);
    if (e == ERR_OK) e = record_reserve(g, g->n_psk + g->n_past);
    return e;
}

static void swap_epoch(struct mls_group *g, struct mls_staged *s)
{
    group_clear_waiting(g);
    secret_tree_wipe(&g->secrets);
    g->secrets = s->secrets;
    secret_tree_init(&s->secrets, 1);
    epoch_wipe(&g->now);
    g->now = s->next;
    mem_wipe(&s->next, sizeof s->next); // its buffers have moved
    tree_merge(&s->tree);
}

// A member that was removed keeps the epoch it knows, and those before as far as it had them, without what could open
// anything later.
static void leave(struct mls_group *g)
{
    group_clear_waiting(g);
    g->now.removed = true;
    mem_wipe(&g->now.secrets.init, sizeof g->now.secrets.init);
    uint32_t leaf = g->now.keys.leaf;
    path_keys_wipe(&g->now.keys);
    g->now.keys.leaf = leaf;
    mem_wipe(g->now.signature_key, sizeof g->now.signature_key);
}

// The key under which the commit came is used up now. Since it was staged, other messages may have moved the same ratchet
// or parts of the secret tree: then the step is worked out anew, so that it brings nothing back.
static enum err renew_step(const struct mls_group *g, struct mls_staged *s)
{
    const struct mls_config *c = &g->client->config;
    if (!s->has_step || secret_step_fits(&g->secrets, &s->step)) return ERR_OK;
    struct secret_step old = s->step;
    enum err e = secret_step_find(&g->algo, &g->secrets, old.leaf, old.type, old.generation, c->max_ahead,
                                  c->skipped_keys, &s->step);
    if (e == rule(MLS_E_MESSAGE_KEY_GONE)) { // taken already, with another copy of the message
        secret_step_wipe(&old);
        s->has_step = false;
        return ERR_OK;
    }
    if (e == ERR_OK) secret_step_wipe(&old);
    else s->step = old;
    mem_wipe(&old, sizeof old);
    return e;
}

enum mls_error mls_group_merge(struct mls_group *g, struct mls_staged *take)
{
    struct mls_staged *s = take;
    struct windows w = {0};
    if (s->group != g) return MLS_E_MISUSE;
    if (s->base != g->now.number || g->now.removed) return MLS_E_STAGED_STALE;
    enum err e = s->ready ? make_windows(g, s, &w) : ERR_OK;
    if (e == ERR_OK) e = tree_reserve(&g->tree, &s->tree);
    if (e == ERR_OK && s->ready) e = inherit_notes(&g->secrets, &s->secrets);
    if (e == ERR_OK) e = note_changes(g, s, &w);
    if (e == ERR_OK) e = record_reserve_gone(g);
    if (e == ERR_OK) e = renew_step(g, s);
    if (e == ERR_OK && s->has_step) e = secret_step_take(&g->secrets, &s->step, g->client->config.skipped_keys);
    if (e != ERR_OK) {
        if (w.n_past > 0) past_wipe(&w.past[0]);
        mem_free(w.past);
        mem_free_wiped(w.psk, w.n_psk * sizeof *w.psk);
        mem_wipe_stack();
        return api_error(e);
    }
    if (s->ready) {
        take_windows(g, &w);
        swap_epoch(g, s);
    } else {
        leave(g);
    }
    mls_staged_free(s);
    return MLS_OK;
}
