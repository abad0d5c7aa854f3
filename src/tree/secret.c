// SPDX-License-Identifier: Apache-2.0
//
// The secret tree and its ratchets. A key is first worked out, on the stack, and the tree changes only when the message
// has been authenticated: a forged message costs some hashing and changes nothing. Invariant: of every leaf, either some
// ancestor's secret, or both of its ratchets exist, or nothing (all was consumed).
#include "tree/secret.h"

#include "base/siphash.h"
#include "tree/rule.h"

// ------------------------------------------------------------------------------------------------------ entries

static const struct map *map_of(const struct secret_tree *s, enum secret_kind kind)
{
    return kind == SECRET_NODE ? &s->nodes : kind == SECRET_RATCHET ? &s->ratchets : &s->skipped;
}

static uint64_t hash_of(enum secret_kind kind, uint64_t key, const void *value)
{
    static const size_t size[] = {sizeof(struct secret), sizeof(struct ratchet), sizeof(struct message_key)};
    const uint64_t k[2] = {key, (uint64_t)kind};
    return siphash(k, span_of(value, size[kind]));
}

// Adds the entry to the sum, or takes it out again.
static void toggle(struct secret_tree *s, enum secret_kind kind, uint64_t key)
{
    const void *value = map_get(map_of(s, kind), key);
    if (value != NULL) s->sum ^= hash_of(kind, key, value);
}

void secret_tree_sum(struct secret_tree *s)
{
    uint64_t key;
    const void *value;
    s->sum = 0;
    for (enum secret_kind kind = SECRET_NODE; kind <= SECRET_SKIPPED; kind++) {
        for (size_t at = 0; (value = map_next(map_of(s, kind), &at, &key)) != NULL;) s->sum ^= hash_of(kind, key, value);
    }
}

enum err secret_tree_note_all(struct secret_tree *to, const struct secret_tree *from)
{
    uint64_t key;
    enum err e = map_reserve(&to->dirty, from->nodes.n + from->ratchets.n + from->skipped.n);
    for (enum secret_kind kind = SECRET_NODE; e == ERR_OK && kind <= SECRET_SKIPPED; kind++) {
        for (size_t at = 0; e == ERR_OK && map_next(map_of(from, kind), &at, &key) != NULL;) {
            if (map_put(&to->dirty, secret_dirty_key(kind, key)) == NULL) e = ERR_MEMORY;
        }
    }
    return e;
}

static void note(struct secret_tree *s, enum secret_kind kind, uint64_t key)
{
    // Cannot fail: secret_step_take has reserved the room.
    if (map_put(&s->dirty, secret_dirty_key(kind, key)) == NULL) return;
}

// The ways to change an entry. They cannot fail: secret_step_take has reserved the room.
static void put_node(struct secret_tree *s, uint32_t node, const struct secret *secret)
{
    toggle(s, SECRET_NODE, node);
    struct secret *v = map_put(&s->nodes, node);
    if (v != NULL) *v = *secret;
    toggle(s, SECRET_NODE, node);
    note(s, SECRET_NODE, node);
}

static void put_ratchet(struct secret_tree *s, uint64_t id, uint32_t generation, const struct secret *secret)
{
    toggle(s, SECRET_RATCHET, id);
    struct ratchet *v = map_put(&s->ratchets, id);
    if (v != NULL) *v = (struct ratchet){.generation = generation, .secret = *secret};
    toggle(s, SECRET_RATCHET, id);
    note(s, SECRET_RATCHET, id);
}

static void drop_skipped(struct secret_tree *s, uint64_t key)
{
    toggle(s, SECRET_SKIPPED, key);
    map_delete(&s->skipped, key);
    note(s, SECRET_SKIPPED, key);
}

// ------------------------------------------------------------------------------------------------- life and death

void secret_tree_init(struct secret_tree *s, uint32_t leaves)
{
    s->leaves = leaves;
    s->sum = 0;
    map_init(&s->nodes, sizeof(struct secret));
    map_init(&s->ratchets, sizeof(struct ratchet));
    map_init(&s->skipped, sizeof(struct message_key));
    map_init(&s->dirty, 0);
}

enum err secret_tree_new(struct secret_tree *s, uint32_t leaves, const struct secret *encryption_secret)
{
    secret_tree_init(s, leaves);
    struct secret *root = map_put(&s->nodes, math_root(leaves));
    if (root == NULL || map_put(&s->dirty, secret_dirty_key(SECRET_NODE, math_root(leaves))) == NULL) {
        secret_tree_wipe(s);
        return ERR_MEMORY;
    }
    *root = *encryption_secret;
    toggle(s, SECRET_NODE, math_root(leaves));
    return ERR_OK;
}

void secret_tree_wipe(struct secret_tree *s)
{
    map_wipe(&s->nodes);
    map_wipe(&s->ratchets);
    map_wipe(&s->skipped);
    map_wipe(&s->dirty);
    s->sum = 0;
}

void secret_step_wipe(struct secret_step *step)
{
    mem_free_wiped(step->skipped, step->n_skipped * sizeof *step->skipped);
    mem_wipe(step, sizeof *step);
}

// From the lowest ancestor that has a secret down to the leaf: keeps the siblings, and ends with both ratchets.
static enum err derive_leaf(const struct algo *a, const struct secret_tree *s, struct secret_step *step,
                            struct secret *head)
{
    uint32_t level = 0;
    const struct secret *from = NULL;
    for (;; level++) {
        from = map_get(&s->nodes, math_ancestor(step->leaf, level));
        if (from != NULL || level == math_depth(s->leaves)) break;
    }
    if (from == NULL) return rule(MLS_E_MESSAGE_KEY_GONE);
    struct secret at = *from;
    step->levels = level + 1; // the leaf's own node counts as one
    size_t nh = algo_nh(a);
    enum err e = ERR_OK;
    for (; e == ERR_OK && level > 0; level--) {
        bool left = math_ancestor(step->leaf, level - 1) < math_ancestor(step->leaf, level);
        struct span here = span_str(left ? "left" : "right"), there = span_str(left ? "right" : "left");
        e = label_expand(a, secret_span(a, &at), "tree", there, step->sibling[level - 1].b, nh);
        if (e == ERR_OK) e = label_expand(a, secret_span(a, &at), "tree", here, at.b, nh);
    }
    const char *mine = step->type == RATCHET_HANDSHAKE ? "handshake" : "application";
    const char *other = step->type == RATCHET_HANDSHAKE ? "application" : "handshake";
    if (e == ERR_OK) e = label_derive(a, &at, other, &step->other);
    if (e == ERR_OK) e = label_derive(a, &at, mine, head);
    mem_wipe(&at, sizeof at);
    return e;
}

static enum err derive_key(const struct algo *a, const struct secret *head, uint32_t generation, struct message_key *out)
{
    enum err e = label_derive_tree(a, head, "nonce", generation, out->nonce, CRYPTO_NONCE);
    return e == ERR_OK ? label_derive_tree(a, head, "key", generation, out->key, algo_sizes(a)->nk) : e;
}

// Walks the ratchet from `generation` to the step's own, keeping the keys of the last step->n_skipped on the way.
static enum err walk(const struct algo *a, struct secret *head, uint32_t generation, struct secret_step *step)
{
    enum err e = ERR_OK;
    for (; e == ERR_OK && generation < step->generation; generation++) {
        uint32_t back = step->generation - generation; // 1 for the one before the message
        if (back <= step->n_skipped) e = derive_key(a, head, generation, &step->skipped[step->n_skipped - back]);
        if (e == ERR_OK) e = label_derive_tree(a, head, "secret", generation, head->b, algo_nh(a));
    }
    if (e == ERR_OK) e = derive_key(a, head, generation, &step->key);
    return e == ERR_OK ? label_derive_tree(a, head, "secret", generation, step->next.b, algo_nh(a)) : e;
}

// The ratchet as it stands, derived from the tree where the sender has not spoken yet.
static enum err head_of(const struct algo *a, const struct secret_tree *s, struct secret_step *step,
                        struct ratchet *head)
{
    const struct ratchet *kept = map_get(&s->ratchets, secret_ratchet_id(step->leaf, step->type));
    if (kept != NULL) {
        *head = *kept;
        return ERR_OK;
    }
    head->generation = 0;
    return derive_leaf(a, s, step, &head->secret);
}

enum err secret_step_find(const struct algo *a, const struct secret_tree *s, uint32_t leaf, enum ratchet_type type,
                          uint32_t generation, uint32_t ahead, uint32_t keep, struct secret_step *out)
{
    *out = (struct secret_step){.leaf = leaf, .generation = generation, .type = type};
    const struct message_key *late = map_get(&s->skipped, secret_ratchet_id(leaf, type) << 32 | generation);
    if (late != NULL) {
        out->from_skipped = true;
        out->key = *late;
        return ERR_OK;
    }
    struct ratchet head;
    enum err e = leaf < s->leaves ? head_of(a, s, out, &head) : rule(MLS_E_MESSAGE_SENDER);
    if (e == ERR_OK && generation < head.generation) e = rule(MLS_E_MESSAGE_KEY_GONE);
    // RFC 9420 §15.3: "Applications SHOULD also define a policy limiting the maximum number of steps that clients will
    // move the ratchet forward in response to a new message."
    if (e == ERR_OK && generation - head.generation > ahead) e = rule(MLS_E_MESSAGE_GENERATION);
    if (e == ERR_OK && generation == UINT32_MAX) e = rule(MLS_E_MESSAGE_GENERATION); // there must be a next one
    if (e == ERR_OK) {
        uint32_t passed = generation - head.generation;
        out->head = head.generation;
        out->n_skipped = passed < keep ? passed : keep;
        out->skipped = out->n_skipped > 0 ? mem_new_array(out->n_skipped, sizeof *out->skipped) : NULL;
        if (out->n_skipped > 0 && out->skipped == NULL) {
            out->n_skipped = 0;
            e = ERR_MEMORY;
        }
    }
    if (e == ERR_OK) e = walk(a, &head.secret, head.generation, out);
    mem_wipe(&head, sizeof head);
    if (e != ERR_OK) secret_step_wipe(out);
    return e;
}

enum err secret_step_next(const struct algo *a, const struct secret_tree *s, uint32_t leaf, enum ratchet_type type,
                          struct secret_step *out)
{
    const struct ratchet *kept = map_get(&s->ratchets, secret_ratchet_id(leaf, type));
    return secret_step_find(a, s, leaf, type, kept != NULL ? kept->generation : 0, 0, 0, out);
}

// Replaces the secrets along the leaf's path by those of the siblings, and the leaf's by two ratchets.
static void take_path(struct secret_tree *s, const struct secret_step *step)
{
    for (uint32_t level = 0; level < step->levels; level++) {
        uint32_t node = math_ancestor(step->leaf, level);
        if (level == step->levels - 1) { // the one it was derived from
            toggle(s, SECRET_NODE, node);
            map_delete(&s->nodes, node);
            note(s, SECRET_NODE, node);
            break;
        }
        put_node(s, math_sibling(node), &step->sibling[level]);
    }
    enum ratchet_type other = step->type == RATCHET_HANDSHAKE ? RATCHET_APPLICATION : RATCHET_HANDSHAKE;
    put_ratchet(s, secret_ratchet_id(step->leaf, other), 0, &step->other);
}

// Drops the kept keys that a step from the head `from` to generation `to` leaves more than `keep` behind. Before it, they
// lay at most `keep` behind the generation before the head, so there are few to look for.
static void trim(struct secret_tree *s, uint64_t id, uint32_t from, uint32_t to, uint32_t keep)
{
    uint32_t low = from > keep ? from - 1 - keep : 0, high = to > keep ? to - keep : 0;
    for (uint32_t generation = low; generation < high && generation < from; generation++) {
        uint64_t key = id << 32 | generation;
        if (map_get(&s->skipped, key) != NULL) drop_skipped(s, key);
    }
}

bool secret_step_fits(const struct secret_tree *s, const struct secret_step *step)
{
    uint64_t id = secret_ratchet_id(step->leaf, step->type);
    if (step->from_skipped) return map_get(&s->skipped, id << 32 | step->generation) != NULL;
    if (step->levels > 0) return map_get(&s->nodes, math_ancestor(step->leaf, step->levels - 1)) != NULL;
    const struct ratchet *r = map_get(&s->ratchets, id);
    return r != NULL && r->generation == step->head;
}

enum err secret_step_reserve(struct secret_tree *s, const struct secret_step *step, uint32_t keep)
{
    enum err e = map_reserve(&s->nodes, step->levels);
    if (e == ERR_OK) e = map_reserve(&s->ratchets, 2);
    if (e == ERR_OK) e = map_reserve(&s->skipped, step->n_skipped);
    size_t late = s->skipped.n < (size_t)keep + 1 ? s->skipped.n : (size_t)keep + 1; // what trim may drop
    return e == ERR_OK ? map_reserve(&s->dirty, step->levels + 3 + step->n_skipped + late) : e;
}

enum err secret_step_take(struct secret_tree *s, const struct secret_step *step, uint32_t keep)
{
    uint64_t id = secret_ratchet_id(step->leaf, step->type);
    enum err e = secret_step_reserve(s, step, keep);
    if (e != ERR_OK) return e;
    if (step->from_skipped) {
        drop_skipped(s, id << 32 | step->generation);
        return ERR_OK;
    }
    if (step->levels > 0) take_path(s, step);
    put_ratchet(s, id, step->generation + 1, &step->next);
    for (uint32_t i = 0; i < step->n_skipped; i++) {
        uint64_t key = id << 32 | (step->generation - step->n_skipped + i);
        struct message_key *k = map_put(&s->skipped, key);
        if (k != NULL) *k = step->skipped[i];
        toggle(s, SECRET_SKIPPED, key);
        note(s, SECRET_SKIPPED, key);
    }
    if (s->skipped.n > 0) trim(s, id, step->head, step->generation, keep);
    return ERR_OK;
}
