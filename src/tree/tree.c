// SPDX-License-Identifier: Apache-2.0
//
// The ratchet tree: whole or as an overlay, looking and changing. Each change keeps three things in step: the node,
// the index of keys, and the counts of capabilities; and it takes the cached hashes above it away.
#include "tree/tree.h"

#include "tree/slot.h"

enum err nodes_put(struct nodes *l, uint32_t v)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 16;
        uint32_t *bigger = mem_new_array(cap, sizeof *bigger);
        if (bigger == NULL) return ERR_MEMORY;
        if (l->n > 0) memcpy(bigger, l->v, l->n * sizeof *bigger);
        mem_free(l->v);
        l->v = bigger;
        l->cap = cap;
    }
    l->v[l->n++] = v;
    return ERR_OK;
}

void nodes_free(struct nodes *l)
{
    mem_free(l->v);
    *l = (struct nodes){0};
}

// ----------------------------------------------------------------------------------------------- life and death

void tree_init(struct tree *t, uint8_t nh, const uint64_t seed[2])
{
    *t = (struct tree){.nh = nh, .most = TREE_MAX_LEAVES};
    index_init(&t->keys, seed);
    map_init(&t->slots, sizeof(struct tree_slot));
    map_init_seeded(&t->counts, sizeof(int64_t), seed); // types are chosen by those who make leaves
}

void tree_overlay(struct tree *t, struct tree *under)
{
    tree_init(t, under->nh, under->keys.seed);
    t->under = under;
    t->leaves = under->leaves;
    t->members = under->members;
    t->hint = under->hint;
    t->last = under->last;
    t->most = under->most;
}

// A leaf says who somebody is: that is nobody's business once the group is gone.
static void free_node(uint32_t node, void *p)
{
    struct leaf_bytes *l = p;
    if (!node_is_leaf(node)) parent_free(p);
    else if (l != NULL) mem_free_wiped(l, sizeof *l + l->n);
}

void tree_wipe(struct tree *t)
{
    uint64_t node;
    struct tree_slot *s;
    for (size_t at = 0; (s = map_next(&t->slots, &at, &node)) != NULL;) {
        if (s->set) free_node((uint32_t)node, s->node);
    }
    for (uint32_t i = 0; t->node != NULL && i < math_width(t->cap); i++) free_node(i, t->node[i]);
    mem_free(t->node);
    mem_free(t->hash);
    mem_free(t->hashed);
    map_wipe(&t->slots);
    map_wipe(&t->counts);
    index_free(&t->keys);
    *t = (struct tree){0};
}

// ------------------------------------------------------------------------------------------------------ looking

void *tree_node(const struct tree *t, uint32_t node)
{
    if (t->leaves == 0 || node >= math_width(t->leaves)) return NULL;
    if (t->under == NULL) return t->node[node];
    const struct tree_slot *s = map_get(&t->slots, node);
    return s != NULL && s->set ? s->node : tree_node(t->under, node);
}

bool tree_is_blank(const struct tree *t, uint32_t node) { return tree_node(t, node) == NULL; }

struct span tree_leaf_raw(const struct tree *t, uint32_t leaf)
{
    const struct leaf_bytes *l = leaf < t->leaves ? tree_node(t, 2 * leaf) : NULL;
    return l != NULL ? span_of(l->b, l->n) : span_of(NULL, 0);
}

enum err tree_leaf(const struct tree *t, uint32_t leaf, struct leaf *out)
{
    struct span raw = tree_leaf_raw(t, leaf);
    return raw.n > 0 ? leaf_decode(raw, out) : ERR_NOT_FOUND;
}

const struct parent *tree_parent(const struct tree *t, uint32_t node)
{
    return node_is_leaf(node) ? NULL : tree_node(t, node);
}

static struct span key_of(const void *tree, uint32_t node, enum index_kind kind)
{
    const void *p = tree_node(tree, node);
    if (p == NULL) return span_of(NULL, 0);
    if (!node_is_leaf(node)) return kind == INDEX_ENCRYPTION ? parent_key(p) : span_of(NULL, 0);
    const struct leaf_bytes *l = p;
    struct tls_reader r = tls_reader_of(span_of(l->b, l->n));
    struct span encryption = tls_vector(&r), signature = tls_vector(&r);
    return kind == INDEX_ENCRYPTION ? encryption : signature;
}

struct span tree_key(const struct tree *t, uint32_t node) { return key_of(t, node, INDEX_ENCRYPTION); }

bool tree_find_key(const struct tree *t, struct span key, enum index_kind kind, uint32_t *node)
{
    return index_find(&t->keys, key, kind, UINT32_MAX, key_of, t, node) ||
           (t->under != NULL && index_find(&t->under->keys, key, kind, UINT32_MAX, key_of, t, node));
}

bool tree_key_twin(const struct tree *t, uint32_t node, enum index_kind kind, uint32_t *other)
{
    struct span key = key_of(t, node, kind);
    return index_find(&t->keys, key, kind, node, key_of, t, other) ||
           (t->under != NULL && index_find(&t->under->keys, key, kind, node, key_of, t, other));
}

bool tree_key_shared(const struct tree *t, uint32_t node, enum index_kind kind)
{
    uint32_t other;
    return tree_key_twin(t, node, kind, &other);
}

size_t tree_count(const struct tree *t, enum tree_count kind, uint16_t type)
{
    int64_t n = 0;
    for (const struct tree *at = t; at != NULL; at = at->under) {
        const int64_t *v = map_get(&at->counts, (uint64_t)kind << 16 | type);
        n += v != NULL ? *v : 0;
    }
    return n > 0 ? (size_t)n : 0;
}

// Types of an overlay come first, then those of the tree below which the overlay does not name.
bool tree_credential_in_use(const struct tree *t, size_t *at, uint16_t *type)
{
    uint64_t key;
    for (const struct tree *level = t; level != NULL; level = level->under) {
        size_t skip = level == t ? 0 : t->counts.cap;
        if (*at < skip || *at >= skip + level->counts.cap) continue;
        size_t here = *at - skip;
        while (map_next(&level->counts, &here, &key) != NULL) {
            *at = skip + here;
            *type = (uint16_t)key;
            bool seen = level != t && map_get(&t->counts, key) != NULL;
            if (key >> 16 == COUNT_CREDENTIAL_USED && !seen && tree_count(t, COUNT_CREDENTIAL_USED, *type) > 0) return true;
        }
        *at = skip + level->counts.cap;
    }
    return false;
}

uint32_t tree_first_blank(const struct tree *t)
{
    uint32_t leaf = t->hint;
    while (leaf < t->leaves && tree_node(t, 2 * leaf) != NULL) leaf++;
    return leaf < t->leaves ? leaf : t->leaves;
}

// The tree in which to look at a node and at what is below it: where an overlay has no slot, all is as in the tree under
// it, and looking there is cheaper.
static const struct tree *holder(const struct tree *t, uint32_t node)
{
    while (t->under != NULL && node < math_width(t->under->leaves) && map_get(&t->slots, node) == NULL) t = t->under;
    return t;
}

// Right of the last member all is blank, which may be half of the tree: that is seen at once.
bool tree_is_empty(const struct tree *t, uint32_t node)
{
    t = holder(t, node);
    if (tree_node(t, node) != NULL) return false;
    if (node_is_leaf(node) || math_first_leaf(node) > t->last) return true;
    return tree_is_empty(t, math_left(node)) && tree_is_empty(t, math_right(node));
}

static bool excluded(const struct nodes *except, uint32_t leaf)
{
    size_t low = 0, high = except != NULL ? except->n : 0;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (except->v[mid] == leaf) return true;
        if (except->v[mid] < leaf) low = mid + 1;
        else high = mid;
    }
    return false;
}

enum err tree_resolution(const struct tree *t, uint32_t node, const struct nodes *except, struct nodes *out)
{
    t = holder(t, node);
    const void *p = tree_node(t, node);
    if (node_is_leaf(node)) return p == NULL || excluded(except, node / 2) ? ERR_OK : nodes_put(out, node);
    enum err e = ERR_OK;
    if (p == NULL) {
        if (math_first_leaf(node) > t->last) return ERR_OK;
        e = tree_resolution(t, math_left(node), except, out);
        return e != ERR_OK ? e : tree_resolution(t, math_right(node), except, out);
    }
    e = nodes_put(out, node);
    const struct parent *q = p;
    for (size_t i = 0; e == ERR_OK && i < q->unmerged_n; i++) {
        uint32_t leaf = parent_unmerged(q, i);
        if (!excluded(except, leaf)) e = nodes_put(out, 2 * leaf);
    }
    return e;
}

// ----------------------------------------------------------------------------------------------------- changing

// Takes the cached hash of a node and of its ancestors away. An ancestor without one has none above it either.
static enum err forget_hash(struct tree *t, uint32_t node)
{
    for (uint32_t x = node;; x = math_parent(x)) {
        if (t->under == NULL) {
            if (x != node && !t->hashed[x]) return ERR_OK;
            t->hashed[x] = 0;
        } else {
            struct tree_slot *s = map_get(&t->slots, x);
            if (x != node && s != NULL && !s->hashed) return ERR_OK;
            if (s == NULL && (s = map_put(&t->slots, x)) == NULL) return ERR_MEMORY;
            s->hashed = false;
        }
        if (x == math_root(t->leaves)) return ERR_OK;
    }
}

static enum err count_one(struct tree *t, enum tree_count kind, uint16_t type, int64_t by)
{
    int64_t *v = map_put(&t->counts, (uint64_t)kind << 16 | type);
    if (v == NULL) return ERR_MEMORY;
    *v += by;
    return ERR_OK;
}

// Counts each type of a list once, however often a member lists it.
static enum err count_list(struct tree *t, enum tree_count kind, struct span list, int64_t by)
{
    uint16_t type[NODE_MAX_TYPES];
    size_t n = types_once(list, type);
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < n; i++) e = count_one(t, kind, type[i], by);
    return e;
}

static enum err count_leaf(struct tree *t, const void *node, int64_t by)
{
    const struct leaf_bytes *bytes = node;
    struct leaf l;
    if (node == NULL) return ERR_OK;
    enum err e = leaf_decode(span_of(bytes->b, bytes->n), &l);
    if (e == ERR_OK) e = count_one(t, COUNT_CREDENTIAL_USED, l.credential.type, by);
    if (e == ERR_OK) e = count_list(t, COUNT_CREDENTIAL_SUPPORTED, l.capabilities.credentials, by);
    if (e == ERR_OK) e = count_list(t, COUNT_EXTENSION_SUPPORTED, l.capabilities.extensions, by);
    if (e == ERR_OK) e = count_list(t, COUNT_PROPOSAL_SUPPORTED, l.capabilities.proposals, by);
    return e;
}

// Room in the table of counts for every type that a leaf can name, so that count_leaf cannot fail half-way.
static enum err count_reserve(struct tree *t, const void *node)
{
    const struct leaf_bytes *bytes = node;
    struct leaf l;
    if (node == NULL) return ERR_OK;
    enum err e = leaf_decode(span_of(bytes->b, bytes->n), &l);
    if (e != ERR_OK) return e;
    return map_reserve(&t->counts, 1 + types_count(l.capabilities.credentials) + types_count(l.capabilities.extensions) +
                                       types_count(l.capabilities.proposals));
}

enum err tree_reserve_keys(struct tree *t, size_t n) { return index_reserve(&t->keys, n, key_of, t); }

static void index_node(struct tree *t, uint32_t node, bool put)
{
    for (enum index_kind kind = INDEX_ENCRYPTION; kind <= (node_is_leaf(node) ? INDEX_SIGNATURE : INDEX_ENCRYPTION); kind++) {
        struct span key = key_of(t, node, kind);
        if (key.n == 0) continue;
        if (put) index_put(&t->keys, key, node, kind);
        else index_delete(&t->keys, key, node, kind);
    }
}

// Puts a node (NULL: blank) in its place; the tree takes it, on an error too.
static enum err put(struct tree *t, uint32_t node, void *take_p)
{
    void *old = tree_node(t, node);
    struct tree_slot *slot = NULL;
    enum err e = ERR_OK;
    if (node >= math_width(t->leaves)) e = ERR_MISUSE;
    if (e == ERR_OK) e = index_reserve(&t->keys, 2, key_of, t);
    if (e == ERR_OK && node_is_leaf(node)) e = count_reserve(t, old);
    if (e == ERR_OK && node_is_leaf(node)) e = count_reserve(t, take_p);
    if (e == ERR_OK) e = forget_hash(t, node);
    if (e == ERR_OK && t->under != NULL && (slot = map_put(&t->slots, node)) == NULL) e = ERR_MEMORY;
    if (e == ERR_OK && node_is_leaf(node)) e = count_leaf(t, old, -1);
    if (e == ERR_OK && node_is_leaf(node)) e = count_leaf(t, take_p, +1);
    if (e != ERR_OK) {
        free_node(node, take_p);
        return e;
    }
    if (node_is_leaf(node) && old == NULL && take_p != NULL) t->members++;
    if (node_is_leaf(node) && old != NULL && take_p == NULL) t->members--;
    if (node_is_leaf(node) && take_p == NULL && node / 2 < t->hint) t->hint = node / 2;
    if (node_is_leaf(node) && take_p != NULL && node / 2 > t->last) t->last = node / 2;
    if (slot == NULL || slot->set) { // no slot: the tree is no overlay
        index_node(t, node, false);
        free_node(node, old);
    }
    if (slot == NULL) {
        t->node[node] = take_p;
    } else {
        slot->node = take_p;
        slot->set = true;
    }
    if (take_p != NULL) index_node(t, node, true);
    return ERR_OK;
}

enum err tree_set_leaf(struct tree *t, uint32_t leaf, struct span raw)
{
    if (leaf >= t->leaves || raw.n == 0 || raw.n > UINT32_MAX) return ERR_MISUSE;
    struct leaf_bytes *l = mem_new(sizeof *l + raw.n);
    if (l == NULL) return ERR_MEMORY;
    l->n = (uint32_t)raw.n;
    memcpy(l->b, raw.p, raw.n);
    return put(t, 2 * leaf, l);
}

enum err tree_blank(struct tree *t, uint32_t node) { return tree_is_blank(t, node) ? ERR_OK : put(t, node, NULL); }

enum err tree_blank_path(struct tree *t, uint32_t leaf)
{
    enum err e = ERR_OK;
    for (uint32_t k = 1; e == ERR_OK && k <= math_depth(t->leaves); k++) e = tree_blank(t, math_ancestor(leaf, k));
    return e;
}

enum err tree_set_parent(struct tree *t, uint32_t node, struct span key, struct span hash)
{
    struct parent *p = NULL;
    enum err e = parent_new(key, hash, &p);
    return e == ERR_OK ? put(t, node, p) : e;
}

enum err tree_take_parent(struct tree *t, uint32_t node, struct parent *take_p) { return put(t, node, take_p); }

// Adds a leaf to a parent's unmerged leaves: in place where this tree holds the parent, else in a copy.
static enum err add_unmerged(struct tree *t, uint32_t node, uint32_t leaf)
{
    struct parent *p = tree_node(t, node), *copy = NULL;
    const struct tree_slot *s = t->under != NULL ? map_get(&t->slots, node) : NULL;
    if (p == NULL) return ERR_OK;
    if (t->under == NULL || (s != NULL && s->set)) {
        enum err e = forget_hash(t, node);
        return e == ERR_OK ? parent_add_unmerged(p, leaf) : e;
    }
    enum err e = parent_dup(p, &copy);
    if (e == ERR_OK && (e = parent_add_unmerged(copy, leaf)) != ERR_OK) parent_free(copy);
    return e == ERR_OK ? put(t, node, copy) : e;
}

enum err tree_add(struct tree *t, struct span raw, uint32_t *leaf)
{
    uint32_t at = tree_first_blank(t);
    enum err e = at == t->leaves ? tree_extend(t) : ERR_OK;
    if (e == ERR_OK) e = tree_set_leaf(t, at, raw);
    for (uint32_t k = 1; e == ERR_OK && k <= math_depth(t->leaves); k++) e = add_unmerged(t, math_ancestor(at, k), at);
    if (e != ERR_OK) return e;
    t->hint = at + 1;
    *leaf = at;
    return ERR_OK;
}

enum err tree_remove(struct tree *t, uint32_t leaf)
{
    if (leaf >= t->leaves || tree_is_blank(t, 2 * leaf)) return ERR_NOT_FOUND;
    enum err e = tree_blank(t, 2 * leaf);
    if (e == ERR_OK) e = tree_blank_path(t, leaf);
    if (e == ERR_OK) tree_truncate(t);
    return e;
}

// Room in the arrays of a whole tree for this many leaves.
static enum err grow(struct tree *t, uint32_t leaves)
{
    if (leaves <= t->cap) return ERR_OK;
    size_t width = math_width(leaves), old = t->cap == 0 ? 0 : math_width(t->cap);
    void **node = mem_new_array(width, sizeof *node);
    uint8_t *hash = mem_new_array(width, t->nh), *hashed = mem_new(width);
    if (node == NULL || hash == NULL || hashed == NULL) {
        mem_free(node);
        mem_free(hash);
        mem_free(hashed);
        return ERR_MEMORY;
    }
    if (old > 0) {
        memcpy(node, t->node, old * sizeof *node);
        memcpy(hash, t->hash, old * t->nh);
        memcpy(hashed, t->hashed, old);
    }
    mem_free(t->node);
    mem_free(t->hash);
    mem_free(t->hashed);
    t->node = node;
    t->hash = hash;
    t->hashed = hashed;
    t->cap = leaves;
    return ERR_OK;
}

enum err tree_resize(struct tree *t, uint32_t leaves)
{
    if (t->under != NULL || leaves == 0 || (leaves & (leaves - 1)) != 0) return ERR_MISUSE;
    if (leaves > t->most) return ERR_LIMIT;
    enum err e = grow(t, leaves);
    if (e == ERR_OK) t->leaves = leaves;
    return e;
}

enum err tree_extend(struct tree *t)
{
    if (t->leaves >= t->most) return ERR_LIMIT;
    uint32_t leaves = t->leaves == 0 ? 1 : 2 * t->leaves;
    enum err e = t->under == NULL ? grow(t, leaves) : ERR_OK;
    if (e != ERR_OK) return e;
    t->leaves = leaves;
    // The new root and right half may be known from before a truncation: their hashes count no more.
    return forget_hash(t, math_root(leaves));
}

void tree_truncate(struct tree *t)
{
    while (t->last > 0 && tree_is_blank(t, 2 * t->last)) t->last--;
    while (t->leaves > 1 && t->last < t->leaves / 2) t->leaves /= 2;
    if (t->hint > t->leaves) t->hint = t->leaves;
}

// --------------------------------------------------------------------------------------------------- overlaying

bool tree_changed(const struct tree *overlay, size_t *at, uint32_t *node)
{
    uint64_t key;
    const struct tree_slot *s;
    while ((s = map_next(&overlay->slots, at, &key)) != NULL) {
        *node = (uint32_t)key;
        if (s->set) return true;
    }
    return false;
}

enum err tree_reserve(struct tree *whole, const struct tree *overlay)
{
    enum err e = grow(whole, overlay->leaves);
    if (e == ERR_OK) e = index_reserve(&whole->keys, 2 * overlay->slots.n, key_of, whole);
    if (e == ERR_OK) e = map_reserve(&whole->counts, overlay->counts.n);
    return e;
}

static void merge_slot(struct tree *whole, uint32_t node, struct tree_slot *s)
{
    if (s->set) {
        index_node(whole, node, false);
        free_node(node, whole->node[node]);
        whole->node[node] = s->node;
        s->set = false;
        if (s->node != NULL) index_node(whole, node, true);
    }
    whole->hashed[node] = s->hashed;
    if (s->hashed) memcpy(whole->hash + (size_t)node * whole->nh, s->hash, whole->nh);
}

void tree_merge(struct tree *overlay)
{
    struct tree *whole = overlay->under;
    uint64_t key;
    struct tree_slot *s;
    // While nodes move, the whole tree is as wide as the wider of the two, so that each has its place.
    if (overlay->leaves > whole->leaves) whole->leaves = overlay->leaves;
    for (size_t at = 0; (s = map_next(&overlay->slots, &at, &key)) != NULL;) {
        if (key < math_width(whole->leaves)) merge_slot(whole, (uint32_t)key, s);
    }
    const int64_t *by;
    for (size_t at = 0; (by = map_next(&overlay->counts, &at, &key)) != NULL;) {
        int64_t *v = map_put(&whole->counts, key);
        if (v != NULL) *v += *by;
        if (v != NULL && *v == 0) map_delete(&whole->counts, key);
    }
    whole->leaves = overlay->leaves;
    whole->members = overlay->members;
    whole->hint = overlay->hint;
    whole->last = overlay->last;
    tree_wipe(overlay);
}
