// SPDX-License-Identifier: Apache-2.0
//
// tree: trees as bytes. A key that stands twice is refused while the tree is read, before anything is done with all of it.
#include "unit.h"

#include "tree/rule.h"
#include "tree/tree.h"

enum { LEAVES = 8, WIDTH = 2 * LEAVES - 1 };

// The keys of a full tree: one byte a node, another for a leaf's signature key; and which nodes are blank.
struct keys {
    uint8_t encryption[WIDTH], signature[WIDTH];
    bool blank[WIDTH];
};

static struct keys different(void)
{
    struct keys k = {0};
    for (uint8_t i = 0; i < WIDTH; i++) k.encryption[i] = i, k.signature[i] = (uint8_t)(100 + i);
    return k;
}

static void put_leaf(struct buf *b, uint8_t encryption, uint8_t signature)
{
    tls_put_u8(b, 1);
    tls_put_vector(b, span_of(&encryption, 1));
    tls_put_vector(b, span_of(&signature, 1));
    tls_put_u16(b, CREDENTIAL_BASIC);
    for (int i = 0; i < 1 + 5; i++) tls_put_vector(b, span_of(NULL, 0)); // identity, capabilities
    tls_put_u8(b, LEAF_UPDATE);
    for (int i = 0; i < 2; i++) tls_put_vector(b, span_of(NULL, 0)); // extensions, signature
}

static enum err decode(const struct keys *k)
{
    static const uint64_t seed[2] = {1, 2};
    struct buf b;
    struct tree t;
    buf_init(&b, 4096);
    size_t mark = tls_begin(&b);
    for (size_t i = 0; i < WIDTH; i++) {
        tls_put_u8(&b, !k->blank[i]);
        if (k->blank[i]) continue;
        if (i % 2 == 0) {
            put_leaf(&b, k->encryption[i], k->signature[i]);
            continue;
        }
        tls_put_u8(&b, 2);
        tls_put_vector(&b, span_of(&k->encryption[i], 1));
        for (int n = 0; n < 2; n++) tls_put_vector(&b, span_of(NULL, 0)); // parent hash, unmerged leaves
    }
    tls_finish(&b, mark);
    assert_ok(buf_end(&b));
    tree_init(&t, 32, seed);
    enum err e = tree_decode(&t, buf_span(&b));
    tree_wipe(&t);
    buf_wipe(&b);
    return e;
}

static void no_key_stands_twice(void **state)
{
    (void)state;
    struct keys k = different();
    assert_ok(decode(&k));
    for (size_t i = 0; i < WIDTH; i++) {
        for (size_t j = 0; j < i; j++) {
            k = different();
            k.encryption[i] = k.encryption[j];
            bool leaves = i % 2 == 0 && j % 2 == 0;
            assert_int_equal(decode(&k), rule(leaves ? MLS_E_LEAF_ENCRYPTION_KEY_TAKEN : MLS_E_TREE_KEY_TWICE));
            if (!leaves) continue;
            k = different();
            k.signature[i] = k.signature[j];
            assert_int_equal(decode(&k), rule(MLS_E_LEAF_SIGNATURE_KEY_TAKEN));
            k = different();
            k.signature[i] = k.encryption[j]; // of different kinds: they have nothing to do with each other
            assert_ok(decode(&k));
        }
    }
}

// Of each parent alone, one half is emptied, and then given a leaf back. (Without its last leaf the tree would be smaller.)
static void a_parent_has_leaves_on_both_sides(void **state)
{
    (void)state;
    for (uint32_t node = 1; node < WIDTH; node += 2) {
        const uint32_t half[] = {math_left(node), math_right(node)};
        for (size_t side = 0; side < 2; side++) {
            struct keys k = different();
            const uint32_t first = math_first_leaf(half[side]), n = math_leaf_count(half[side]);
            if (first + n == LEAVES) continue;
            for (uint32_t i = 1; i < WIDTH; i += 2) k.blank[i] = i != node;
            for (uint32_t leaf = first; leaf < first + n; leaf++) k.blank[2 * leaf] = true;
            assert_int_equal(decode(&k), rule(MLS_E_TREE_PARENT_HASH));
            k.blank[2 * (first + n - 1)] = false;
            assert_ok(decode(&k));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_key_stands_twice),
        cmocka_unit_test(a_parent_has_leaves_on_both_sides),
    };
    return unit_run("tree-bytes", tests);
}
