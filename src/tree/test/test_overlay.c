// SPDX-License-Identifier: Apache-2.0
//
// tree: an overlay looks like the tree that it will become; resolutions and empty subtrees, which are found by short
// cuts, are what their definitions say; work on an executor ends as it would in place.
#include "unit.h"

#include "tree/parallel.h"
#include "tree/tree.h"

static uint64_t dice = 7;

static uint32_t roll(uint32_t n)
{
    dice = dice * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(dice >> 33) % n;
}

static struct span random_key(uint8_t key[32])
{
    for (int i = 0; i < 32; i++) key[i] = (uint8_t)roll(256);
    return span_of(key, 32);
}

// A LeafNode that decodes; its signature is nobody's.
static void write_leaf(struct buf *b)
{
    uint8_t key[32];
    tls_put_vector(b, random_key(key));
    tls_put_vector(b, random_key(key));
    tls_put_u16(b, CREDENTIAL_BASIC);
    tls_put_vector(b, span_str("somebody"));
    for (int i = 0; i < 5; i++) tls_put_vector(b, span_of(NULL, 0));
    tls_put_u8(b, LEAF_UPDATE);
    tls_put_vector(b, span_of(NULL, 0));
    tls_put_vector(b, random_key(key));
    assert_ok(buf_end(b));
}

static void add(struct tree *t)
{
    struct buf leaf;
    uint32_t at;
    buf_init(&leaf, 1000);
    write_leaf(&leaf);
    assert_ok(tree_add(t, buf_span(&leaf), &at));
    buf_wipe(&leaf);
}

// By the definition (§4.1.1), asking for each node.
static bool naive_empty(const struct tree *t, uint32_t node)
{
    if (!tree_is_blank(t, node)) return false;
    return math_level(node) == 0 || (naive_empty(t, math_left(node)) && naive_empty(t, math_right(node)));
}

static void naive_resolution(const struct tree *t, uint32_t node, struct nodes *out)
{
    const struct parent *p = tree_parent(t, node);
    if (!tree_is_blank(t, node)) assert_ok(nodes_put(out, node));
    for (size_t i = 0; p != NULL && i < p->unmerged_n; i++) assert_ok(nodes_put(out, 2 * parent_unmerged(p, i)));
    if (!tree_is_blank(t, node) || math_level(node) == 0) return;
    naive_resolution(t, math_left(node), out);
    naive_resolution(t, math_right(node), out);
}

static void look(const struct tree *t)
{
    for (uint32_t node = 0; node < math_width(t->leaves); node++) {
        struct nodes want = {0}, have = {0};
        naive_resolution(t, node, &want);
        assert_ok(tree_resolution(t, node, NULL, &have));
        assert_int_equal(have.n, want.n);
        for (size_t i = 0; i < want.n; i++) assert_int_equal(have.v[i], want.v[i]);
        assert_int_equal(tree_is_empty(t, node), naive_empty(t, node));
        nodes_free(&want);
        nodes_free(&have);
    }
}

// A member comes, goes, or sets its path as a commit does.
static void change(struct tree *t)
{
    uint32_t leaf = roll(t->leaves);
    uint8_t key[32];
    uint32_t kind = roll(5);
    bool member = tree_leaf_raw(t, leaf).n > 0;
    if (kind == 0 && t->leaves < 64) {
        add(t);
    } else if (kind == 1 && member && t->members > 1) {
        assert_ok(tree_remove(t, leaf));
    } else if (member) {
        assert_ok(tree_blank_path(t, leaf));
        for (uint32_t k = 1; k <= math_depth(t->leaves); k++) {
            if (naive_empty(t, math_copath(leaf, k))) continue;
            assert_ok(tree_set_parent(t, math_ancestor(leaf, k), random_key(key), span_of(NULL, 0)));
        }
    }
}

static void encode(const struct tree *t, struct buf *out)
{
    buf_init(out, TLS_VECTOR_MAX);
    assert_ok(tree_encode(t, out));
}

static void overlays_look_like_what_they_become(void **state)
{
    (void)state;
    struct tree t;
    tree_init(&t, 32, (const uint64_t[]){1, 2});
    for (int i = 0; i < 40; i++) add(&t);
    for (int round = 0; round < 400; round++) {
        struct tree over;
        struct buf before, during, after, data, wrapped;
        encode(&t, &before);
        tree_overlay(&over, &t);
        for (uint32_t i = 1 + roll(round % 50 == 0 ? 60 : 6); i > 0; i--) change(&over);
        look(&over);
        encode(&over, &during);
        encode(&t, &after);
        assert_true(span_eq(buf_span(&before), buf_span(&after)));
        buf_wipe(&after);
        assert_ok(tree_reserve(&t, &over));
        tree_merge(&over);
        look(&t);
        encode(&t, &after);
        assert_true(span_eq(buf_span(&during), buf_span(&after)));
        buf_init(&data, TLS_VECTOR_MAX);
        buf_init(&wrapped, TLS_VECTOR_MAX);
        assert_ok(tree_encode_data(&t, &data));
        tls_put_vector(&wrapped, buf_span(&after));
        assert_true(span_eq(buf_span(&data), buf_span(&wrapped)));
        struct buf *all[] = {&before, &during, &after, &data, &wrapped};
        for (size_t i = 0; i < 5; i++) buf_wipe(all[i]);
    }
    tree_wipe(&t);
}

// ------------------------------------------------------------------------------------------------------ executors

enum { JOBS = 3000 };

struct jobs {
    bool fails[JOBS];
    uint8_t done[JOBS];
};

static enum err job(const struct algo *a, void *arg, size_t i)
{
    struct jobs *j = arg;
    assert_non_null(a->crypto);
    j->done[i]++;
    return j->fails[i] ? (enum err)(ERR_MALFORMED + i % 2) : ERR_OK;
}

// As contrary as an executor may be.
static void run_backwards(void *arg, void (*task)(void *task_arg, size_t i), void *task_arg, size_t n)
{
    (void)arg;
    while (n-- > 0) task(task_arg, n);
}

static void all_jobs_are_done_and_the_first_failure_counts(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 32, 33, 100, 1000, 2048, 2049, JOBS};
    static struct jobs j;
    struct algo a = {.suite = crypto_suite(CRYPTO_X25519_AES128_SHA256_ED25519)};
    struct executor x = {.run = run_backwards};
    assert_ok(crypto_new(&a.crypto));
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        memset(&j, 0, sizeof j);
        assert_ok(parallel_run(&a, &x, sizes[s], job, &j));
        for (size_t i = 0; i < JOBS; i++) assert_int_equal(j.done[i], i < sizes[s]);
        for (int round = 0; round < 20 && sizes[s] > 1; round++) {
            memset(&j, 0, sizeof j);
            for (int i = 0; i < 3; i++) j.fails[roll((uint32_t)sizes[s])] = true;
            enum err want = parallel_run(&a, NULL, sizes[s], job, &j);
            assert_int_equal(parallel_run(&a, &x, sizes[s], job, &j), want);
        }
    }
    crypto_free(a.crypto);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overlays_look_like_what_they_become),
        cmocka_unit_test(all_jobs_are_done_and_the_first_failure_counts),
    };
    return unit_run("tree-overlay", tests);
}
