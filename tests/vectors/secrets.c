// SPDX-License-Identifier: Apache-2.0
//
// Vector type secret-tree: message keys of every leaf, and of the sender data. Each key is asked for in three orders:
// as messages come in order, late ones after the newest, and as their sender makes them. A key that was used is gone.
#include <stdlib.h>

#include "tree/rule.h"
#include "tree/secret.h"
#include "vectors/model.h"
#include "vectors/types.h"

// The highest generation that a file may ask for, and how far apart those may be that are asked for out of order.
enum { AHEAD = 1 << 24, KEEP = 4096 };

// RFC 9420 §6.3.2; "ciphertext" is the whole of one, of which the library takes its sample.
static void sender_data(struct trial *t, const struct field *v)
{
    struct field f = field_get(v, "sender_data");
    struct secret secret = model_secret(&f, "sender_data_secret");
    struct span ciphertext = field_get_bytes(&f, "ciphertext");
    struct span want_key = field_get_bytes(&f, "key"), want_nonce = field_get_bytes(&f, "nonce");
    uint8_t key[CRYPTO_KEY_MAX], nonce[CRYPTO_NONCE];
    if (t->failed) return;
    if (!trial_ok(t, schedule_sender_data(&t->algo, &secret, ciphertext, key, nonce), "sender_data")) return;
    trial_same(t, span_of(key, algo_sizes(&t->algo)->nk), want_key, "sender_data.key");
    trial_same(t, span_of(nonce, CRYPTO_NONCE), want_nonce, "sender_data.nonce");
}

static void same_key(struct trial *t, const struct message_key *got, enum ratchet_type type, const struct field *f,
                     const char *how)
{
    bool handshake = type == RATCHET_HANDSHAKE;
    const char *key = handshake ? "handshake_key" : "application_key";
    const char *nonce = handshake ? "handshake_nonce" : "application_nonce";
    trial_same(t, span_of(got->key, algo_sizes(&t->algo)->nk), field_get_bytes(f, key), "%s.%s %s", f->name, key, how);
    trial_same(t, span_of(got->nonce, CRYPTO_NONCE), field_get_bytes(f, nonce), "%s.%s %s", f->name, nonce, how);
}

// What a leaf's list asks for, by increasing generation.
struct wanted {
    uint32_t generation;
    uint32_t at; // in the list
};
struct wanted_list {
    const struct field *list;
    struct wanted *v;
    size_t n;
};

static int by_generation(const void *a, const void *b)
{
    const struct wanted *x = a, *y = b;
    return x->generation < y->generation ? -1 : x->generation > y->generation;
}

static struct wanted_list read_list(struct trial *t, const struct field *list)
{
    struct wanted_list w = {.list = list, .n = field_count(list)};
    w.v = (struct wanted *)(void *)trial_bytes(t, (w.n + 1) * sizeof *w.v);
    for (uint32_t i = 0; !t->failed && i < w.n; i++) {
        struct field f = field_item(list, i);
        w.v[i] = (struct wanted){(uint32_t)field_get_number(&f, "generation", AHEAD), i};
    }
    if (!t->failed) qsort(w.v, w.n, sizeof *w.v, by_generation);
    for (size_t i = 1; !t->failed && i < w.n; i++) {
        if (w.v[i].generation == w.v[i - 1].generation) {
            trial_fail(t, "%s: generation %u is there twice", list->name, w.v[i].generation);
        }
    }
    return w;
}

// Looks a key up, compares and uses it; then it must be gone.
static void receive(struct trial *t, struct secret_tree *s, uint32_t leaf, enum ratchet_type type,
                    const struct field *f, uint32_t generation, uint32_t keep, const char *how)
{
    struct secret_step step;
    if (t->failed) return;
    enum err e = secret_step_find(&t->algo, s, leaf, type, generation, AHEAD, keep, &step);
    if (!trial_ok(t, e, "%s %s", f->name, how)) return;
    same_key(t, &step.key, type, f, how);
    trial_ok(t, secret_step_take(s, &step, keep), "%s %s: use", f->name, how);
    secret_step_wipe(&step);
    e = secret_step_find(&t->algo, s, leaf, type, generation, AHEAD, keep, &step);
    if (!trial_refused(t, e, rule(MLS_E_MESSAGE_KEY_GONE), "%s %s: use twice", f->name, how)) secret_step_wipe(&step);
}

// Both ratchets of a leaf, as the messages were sent.
static void in_order(struct trial *t, struct secret_tree *s, uint32_t leaf, const struct wanted_list *w)
{
    for (size_t i = 0; !t->failed && i < w->n; i++) {
        struct field f = field_item(w->list, w->v[i].at);
        receive(t, s, leaf, RATCHET_HANDSHAKE, &f, w->v[i].generation, 0, "(in order)");
        receive(t, s, leaf, RATCHET_APPLICATION, &f, w->v[i].generation, 0, "(in order)");
    }
}

// The newest first, keeping just as many keys as the others need.
static void late(struct trial *t, struct secret_tree *s, uint32_t leaf, const struct wanted_list *w)
{
    if (w->n == 0 || w->v[w->n - 1].generation - w->v[0].generation > KEEP) return;
    uint32_t keep = w->v[w->n - 1].generation - w->v[0].generation;
    for (size_t i = w->n; !t->failed && i-- > 0;) {
        struct field f = field_item(w->list, w->v[i].at);
        receive(t, s, leaf, RATCHET_APPLICATION, &f, w->v[i].generation, keep, "(late)");
        receive(t, s, leaf, RATCHET_HANDSHAKE, &f, w->v[i].generation, keep, "(late)");
    }
}

// A sender's own messages, one after another.
static void sending(struct trial *t, struct secret_tree *s, uint32_t leaf, enum ratchet_type type,
                    const struct wanted_list *w)
{
    uint32_t next = 0;
    for (size_t i = 0; !t->failed && i < w->n; i++) {
        struct field f = field_item(w->list, w->v[i].at);
        for (; !t->failed && next <= w->v[i].generation; next++) {
            struct secret_step step;
            enum err e = secret_step_next(&t->algo, s, leaf, type, &step);
            if (!trial_ok(t, e, "%s (sending): generation %u", f.name, next)) return;
            trial_equal(t, step.generation, next, "%s (sending): generation", f.name);
            if (next == w->v[i].generation) same_key(t, &step.key, type, &f, "(sending)");
            trial_ok(t, secret_step_take(s, &step, 0), "%s (sending): use", f.name);
            secret_step_wipe(&step);
        }
    }
}

enum order { IN_ORDER, LATE, SENDING };

// All leaves in one order. Each order starts at another leaf, so that it finds other nodes' secrets in place.
static void all_leaves(struct trial *t, const struct field *leaves, const struct secret *root, enum order order)
{
    struct secret_tree s;
    uint32_t n = (uint32_t)field_count(leaves);
    if (!trial_ok(t, secret_tree_new(&s, math_full(n), root), "new secret tree")) return;
    for (uint32_t i = 0; !t->failed && i < n; i++) {
        uint32_t leaf = order == LATE ? n - 1 - i : order == SENDING ? (i + n / 2) % n : i;
        struct field list = field_item(leaves, leaf);
        struct wanted_list w = read_list(t, &list);
        if (t->failed) break;
        if (order == IN_ORDER) in_order(t, &s, leaf, &w);
        if (order == LATE) late(t, &s, leaf, &w);
        if (order == SENDING) sending(t, &s, leaf, RATCHET_APPLICATION, &w);
        if (order == SENDING) sending(t, &s, leaf, RATCHET_HANDSHAKE, &w);
    }
    secret_tree_wipe(&s);
}

void secrets_tree(struct trial *t, const struct field *v)
{
    struct secret root = model_secret(v, "encryption_secret");
    struct field leaves = field_get(v, "leaves");
    sender_data(t, v);
    size_t n = field_count(&leaves);
    if (n == 0 || n > TREE_MAX_LEAVES) trial_fail(t, "leaves: %zu of them", n);
    for (enum order order = IN_ORDER; !t->failed && order <= SENDING; order++) all_leaves(t, &leaves, &root, order);
    mem_wipe(&root, sizeof root);
}
