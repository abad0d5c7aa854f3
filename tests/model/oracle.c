// SPDX-License-Identifier: Apache-2.0
//
// A ratchet tree checked from its bytes alone, slowly and by the letter of RFC 9420: its shape (§12.4.3.3), tree hash
// (§7.8), parent hashes (§7.9.2), unmerged leaves and unique keys (§12.4.3.1). It shares no code with the library. Then the
// library checks the same bytes as a joiner would, from scratch, which adds the signatures.
#include <openssl/evp.h>

#include "group/group.h"
#include "model.h"
#include "tree/check.h"

enum { NODES_MAX = 2 * LEAVES_MAX, TEXT_MAX = 1 << 13 };

struct bytes {
    const uint8_t *p, *end;
};

struct node {
    enum { BLANK, LEAF, PARENT } type;
    struct bytes whole; // without the octets for optional and node type
    struct bytes key, signature_key, hash, unmerged;
};

struct oak {
    const struct model *m;
    struct node node[NODES_MAX];
    uint32_t width; // nodes of the full tree
    const EVP_MD *md;
    size_t nh;
};

// -------------------------------------------------------------------------------------------------------- reading

static struct bytes take(struct oak *o, struct bytes *in, size_t n)
{
    CHECK(o->m, (size_t)(in->end - in->p) >= n, "the tree's bytes end too early");
    struct bytes out = {in->p, in->p + n};
    in->p += n;
    return out;
}

static uint64_t number(struct oak *o, struct bytes *in, size_t n)
{
    struct bytes b = take(o, in, n);
    uint64_t v = 0;
    for (; b.p < b.end; b.p++) v = v << 8 | *b.p;
    return v;
}

static struct bytes vector(struct oak *o, struct bytes *in)
{
    static const uint8_t mask[] = {0x3f, 0x3f, 0x3f};
    static const size_t size[] = {1, 2, 4};
    CHECK(o->m, in->p < in->end && *in->p >> 6 < 3, "no vector");
    unsigned prefix = *in->p >> 6;
    uint64_t n = number(o, in, size[prefix]);
    n &= ((uint64_t)mask[prefix] << (8 * (size[prefix] - 1))) | ((1ULL << (8 * (size[prefix] - 1))) - 1);
    return take(o, in, n);
}

static void read_leaf(struct oak *o, struct bytes *in, struct node *n)
{
    n->whole.p = in->p;
    n->key = vector(o, in);
    n->signature_key = vector(o, in);
    (void)number(o, in, 2); // a basic credential
    (void)vector(o, in);
    for (int i = 0; i < 5; i++) (void)vector(o, in); // capabilities
    uint64_t source = number(o, in, 1);
    CHECK(o->m, source >= 1 && source <= 3, "source of a leaf");
    if (source == 1) (void)take(o, in, 16);
    if (source == 3) n->hash = vector(o, in);
    (void)vector(o, in); // extensions
    (void)vector(o, in); // signature
    n->whole.end = in->p;
}

static void read_parent(struct oak *o, struct bytes *in, struct node *n)
{
    n->whole.p = in->p;
    n->key = vector(o, in);
    n->hash = vector(o, in);
    n->unmerged = vector(o, in);
    n->whole.end = in->p;
}

static void read_tree(struct oak *o, struct mls_span tree)
{
    struct bytes all = {tree.data, tree.data + tree.size}, in = vector(o, &all);
    uint32_t count = 0;
    CHECK(o->m, all.p == all.end, "bytes behind the tree");
    for (; in.p < in.end; count++) {
        struct node *n = &o->node[count];
        CHECK(o->m, count < NODES_MAX, "too many nodes");
        *n = (struct node){.type = BLANK};
        if (number(o, &in, 1) == 0) continue;
        n->type = number(o, &in, 1) == 1 ? LEAF : PARENT;
        CHECK(o->m, (n->type == LEAF) == (count % 2 == 0), "a node of the wrong type");
        if (n->type == LEAF) read_leaf(o, &in, n);
        else read_parent(o, &in, n);
    }
    CHECK(o->m, count > 0 && o->node[count - 1].type == LEAF, "the last node is no leaf");
    for (o->width = 1; o->width < count;) o->width = 2 * o->width + 1; // the smallest full tree
    CHECK(o->m, o->width < NODES_MAX, "too wide");
    for (; count < o->width; count++) o->node[count] = (struct node){.type = BLANK};
}

// ------------------------------------------------------------------------------------------ arithmetic (Appendix C)

static uint32_t level(uint32_t x)
{
    uint32_t k = 0;
    while (x >> k & 1) k++;
    return k;
}
static uint32_t left(uint32_t x) { return x ^ (1u << (level(x) - 1)); }
static uint32_t right(uint32_t x) { return x ^ (3u << (level(x) - 1)); }
static bool below(uint32_t x, uint32_t top) // x is top, or a descendant of it
{
    uint32_t reach = (1u << level(top)) - 1;
    return x >= top - reach && x <= top + reach;
}

// -------------------------------------------------------------------------------------------------------- hashing

struct text {
    uint8_t b[TEXT_MAX];
    size_t n;
};

static struct text *new_text(void)
{
    struct text *t = store_check(malloc(sizeof *t));
    t->n = 0;
    return t;
}

static void put(struct oak *o, struct text *t, const void *p, size_t n)
{
    CHECK(o->m, n <= TEXT_MAX - t->n, "a node is too large");
    if (n > 0) memcpy(t->b + t->n, p, n);
    t->n += n;
}

static void put_number(struct oak *o, struct text *t, uint64_t v, size_t n)
{
    for (size_t i = n; i-- > 0;) put(o, t, &(uint8_t){(uint8_t)(v >> (8 * i))}, 1);
}

static void put_vector(struct oak *o, struct text *t, const void *p, size_t n)
{
    if (n < 64) put_number(o, t, n, 1);
    else if (n < 16384) put_number(o, t, n | 0x4000, 2);
    else put_number(o, t, n | 0x80000000u, 4);
    put(o, t, p, n);
}

static void digest(struct oak *o, const struct text *t, uint8_t *out)
{
    CHECK(o->m, EVP_Digest(t->b, t->n, out, NULL, o->md, NULL) == 1, "digest");
}

static uint32_t unmerged_at(const struct node *n, size_t i)
{
    const uint8_t *p = n->unmerged.p + 4 * i;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool is_unmerged(const struct node *n, uint32_t leaf)
{
    for (size_t i = 0; n != NULL && i < (size_t)(n->unmerged.end - n->unmerged.p) / 4; i++) {
        if (unmerged_at(n, i) == leaf) return true;
    }
    return false;
}

// The tree hash of §7.8; with `except` the original one of §7.9: as if the unmerged leaves of that node were not there.
static void tree_hash_of(struct oak *o, uint32_t x, const struct node *except, uint8_t *out)
{
    static const uint8_t absent = 0, present = 1;
    const struct node *n = &o->node[x];
    struct text *t = new_text();
    uint8_t hash[EVP_MAX_MD_SIZE];
    put_number(o, t, x % 2 == 0 ? 1 : 2, 1);
    if (x % 2 == 0) {
        bool there = n->type == LEAF && !is_unmerged(except, x / 2);
        put_number(o, t, x / 2, 4);
        put(o, t, there ? &present : &absent, 1);
        if (there) put(o, t, n->whole.p, (size_t)(n->whole.end - n->whole.p));
    } else {
        put(o, t, n->type == PARENT ? &present : &absent, 1);
        if (n->type == PARENT) {
            struct text *list = new_text();
            put_vector(o, t, n->key.p, (size_t)(n->key.end - n->key.p));
            put_vector(o, t, n->hash.p, (size_t)(n->hash.end - n->hash.p));
            for (size_t i = 0; i < (size_t)(n->unmerged.end - n->unmerged.p) / 4; i++) {
                if (!is_unmerged(except, unmerged_at(n, i))) put_number(o, list, unmerged_at(n, i), 4);
            }
            put_vector(o, t, list->b, list->n);
            free(list);
        }
        tree_hash_of(o, left(x), except, hash);
        put_vector(o, t, hash, o->nh);
        tree_hash_of(o, right(x), except, hash);
        put_vector(o, t, hash, o->nh);
    }
    digest(o, t, out);
    free(t);
}

// --------------------------------------------------------------------------------------------------- parent hashes

static size_t resolution(const struct oak *o, uint32_t x, uint32_t *out)
{
    const struct node *n = &o->node[x];
    if (n->type == BLANK) {
        if (x % 2 == 0) return 0;
        size_t k = resolution(o, left(x), out);
        return k + resolution(o, right(x), out + k);
    }
    out[0] = x;
    size_t count = 1;
    for (size_t i = 0; n->type == PARENT && i < (size_t)(n->unmerged.end - n->unmerged.p) / 4; i++) {
        out[count++] = 2 * unmerged_at(n, i);
    }
    return count;
}

// §7.9.2: whether P is parent-hash valid with respect to D, a node in the resolution of its child C; S is the other child.
static bool valid_with(struct oak *o, uint32_t p, uint32_t c, uint32_t s, uint32_t d, const uint32_t *list, size_t n)
{
    const struct node *parent = &o->node[p];
    uint8_t sibling[EVP_MAX_MD_SIZE], hash[EVP_MAX_MD_SIZE];
    // "the intersection of P's unmerged_leaves with the subtree under C is equal to the resolution of C with D removed."
    size_t wanted = 0, found = 0;
    for (size_t i = 0; i < (size_t)(parent->unmerged.end - parent->unmerged.p) / 4; i++) {
        wanted += below(2 * unmerged_at(parent, i), c);
    }
    for (size_t i = 0; i < n; i++) {
        if (list[i] == d) continue;
        if (list[i] % 2 != 0 || !is_unmerged(parent, list[i] / 2)) return false;
        found++;
    }
    if (found != wanted) return false;
    struct text *t = new_text();
    put_vector(o, t, parent->key.p, (size_t)(parent->key.end - parent->key.p));
    put_vector(o, t, parent->hash.p, (size_t)(parent->hash.end - parent->hash.p));
    tree_hash_of(o, s, parent, sibling);
    put_vector(o, t, sibling, o->nh);
    digest(o, t, hash);
    free(t);
    struct bytes field = o->node[d].hash;
    return (size_t)(field.end - field.p) == o->nh && memcmp(field.p, hash, o->nh) == 0;
}

static void check_parent_hash(struct oak *o, uint32_t p)
{
    uint32_t list[NODES_MAX];
    size_t valid = 0;
    for (int side = 0; side < 2; side++) {
        uint32_t c = side == 0 ? left(p) : right(p), s = side == 0 ? right(p) : left(p);
        size_t n = resolution(o, c, list);
        for (size_t i = 0; i < n; i++) valid += valid_with(o, p, c, s, list[i], list, n);
    }
    CHECK(o->m, valid == 1, "node %u is parent-hash valid with %zu descendants", p, valid);
}

static void check_unmerged_of(struct oak *o, uint32_t p)
{
    const struct node *n = &o->node[p];
    size_t count = (size_t)(n->unmerged.end - n->unmerged.p) / 4;
    for (size_t i = 0; i < count; i++) {
        uint32_t leaf = unmerged_at(n, i);
        CHECK(o->m, i == 0 || unmerged_at(n, i - 1) < leaf, "unmerged leaves of node %u are out of order", p);
        CHECK(o->m, 2 * leaf < o->width && below(2 * leaf, p) && o->node[2 * leaf].type == LEAF,
              "node %u has an unmerged leaf that is none", p);
        for (uint32_t x = 1; x < o->width; x += 2) { // every node between the two lists it too
            if (x == p || !below(x, p) || !below(2 * leaf, x) || o->node[x].type == BLANK) continue;
            CHECK(o->m, is_unmerged(&o->node[x], leaf), "node %u does not list unmerged leaf %u", x, leaf);
        }
    }
}

static bool equal(struct bytes a, struct bytes b)
{
    return a.end - a.p == b.end - b.p && memcmp(a.p, b.p, (size_t)(a.end - a.p)) == 0;
}

static void check_keys(struct oak *o)
{
    for (uint32_t x = 0; x < o->width; x++) {
        for (uint32_t y = x + 1; o->node[x].type != BLANK && y < o->width; y++) {
            if (o->node[y].type == BLANK) continue;
            CHECK(o->m, !equal(o->node[x].key, o->node[y].key), "nodes %u and %u have the same key", x, y);
            if (o->node[x].type != LEAF || o->node[y].type != LEAF) continue;
            CHECK(o->m, !equal(o->node[x].signature_key, o->node[y].signature_key), "leaves with the same signature key");
        }
    }
}

// ---------------------------------------------------------------------------------------- the library, from scratch

static void as_a_joiner(const struct model *m, struct mls_span tree, struct mls_span want, const struct mls_group *g)
{
    struct tree t;
    uint8_t hash[EVP_MAX_MD_SIZE];
    struct check_rules rules = group_rules(g, buf_span(&g->now.extensions), false);
    rules.executor = NULL;
    rules.credential = NULL;
    tree_init(&t, (uint8_t)want.size, (const uint64_t[]){m->seed, 1});
    OK(m, (enum mls_error)tree_decode(&t, from_api(tree)), "decode the tree");
    OK(m, (enum mls_error)tree_hash(&g->algo, &t, math_root(t.leaves), hash), "hash the tree");
    CHECK(m, memcmp(hash, want.data, want.size) == 0, "the tree hash that was kept up to date is not that of the tree");
    OK(m, (enum mls_error)check_tree(&g->algo, &rules, &t), "check the tree as a joiner");
    tree_wipe(&t);
}

void oracle(const struct model *m, struct mls_span tree, struct mls_span tree_hash, const struct mls_group *g)
{
    static struct oak o;
    uint8_t hash[EVP_MAX_MD_SIZE];
    o.m = m;
    o.md = tree_hash.size == 32 ? EVP_sha256() : tree_hash.size == 48 ? EVP_sha384() : EVP_sha512();
    o.nh = tree_hash.size;
    read_tree(&o, tree);
    tree_hash_of(&o, o.width / 2, NULL, hash);
    CHECK(m, memcmp(hash, tree_hash.data, o.nh) == 0, "the tree hash is wrong");
    for (uint32_t x = 1; x < o.width; x += 2) {
        if (o.node[x].type == BLANK) continue;
        check_unmerged_of(&o, x);
        check_parent_hash(&o, x);
    }
    check_keys(&o);
    as_a_joiner(m, tree, tree_hash, g);
}
