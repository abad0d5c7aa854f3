// SPDX-License-Identifier: Apache-2.0
//
// Vector types tree-math, deserialization and crypto-basics: what the tree and the key schedule are built of. Where a
// value cannot be compared (a new signature, a new ciphertext) it must be accepted by the other side, and refused when
// one thing about it is changed.
#include "tree/math.h"
#include "vectors/model.h"
#include "vectors/types.h"

// ----------------------------------------------------------------------------------------------------- tree-math

// One of the four relations, at every node of a tree: null where the node has no such relative.
static void relation(const struct field *v, const char *key, uint32_t width, uint32_t (*of)(uint32_t),
                     bool (*has)(uint32_t node, uint32_t width))
{
    struct field list = field_get(v, key);
    trial_equal(v->t, field_count(&list), width, "%s: length", key);
    for (uint32_t x = 0; !v->t->failed && x < width; x++) {
        struct field f = field_item(&list, x);
        if (!has(x, width)) trial_true(v->t, field_null(&f), "%s: is null", f.name);
        else trial_equal(v->t, of(x), field_number(&f, UINT32_MAX), "%s", f.name);
    }
}

static bool has_children(uint32_t node, uint32_t width)
{
    (void)width;
    return math_level(node) > 0;
}

static bool has_parent(uint32_t node, uint32_t width) { return node != width / 2; }

// The relations as tree/math has them, to pass on.
static uint32_t left(uint32_t x) { return math_left(x); }
static uint32_t right(uint32_t x) { return math_right(x); }
static uint32_t parent(uint32_t x) { return math_parent(x); }
static uint32_t sibling(uint32_t x) { return math_sibling(x); }

// What tree/math adds to the relations of the format: they agree with going up and down one step at a time.
static void derived(struct trial *t, uint32_t leaves)
{
    for (uint32_t leaf = 0; !t->failed && leaf < leaves; leaf++) {
        uint32_t x = 2 * leaf;
        trial_equal(t, math_ancestor(leaf, 0), x, "the node of leaf %u", leaf);
        for (uint32_t level = 1; x != math_root(leaves); level++) {
            trial_equal(t, math_copath(leaf, level), math_sibling(x), "copath of leaf %u at level %u", leaf, level);
            x = math_parent(x);
            trial_equal(t, math_ancestor(leaf, level), x, "ancestor of leaf %u at level %u", leaf, level);
            trial_true(t, math_has_leaf(x, leaf), "node %u is above leaf %u", x, leaf);
            trial_true(t, math_first_leaf(x) <= leaf && leaf - math_first_leaf(x) < math_leaf_count(x),
                       "leaf %u is among the leaves of node %u", leaf, x);
        }
        trial_equal(t, math_level(x), math_depth(leaves), "levels above leaf %u", leaf);
    }
}

void basics_tree_math(struct trial *t, const struct field *v)
{
    uint32_t leaves = (uint32_t)field_get_number(v, "n_leaves", TREE_MAX_LEAVES);
    uint64_t nodes = field_get_number(v, "n_nodes", UINT32_MAX), root = field_get_number(v, "root", UINT32_MAX);
    if (t->failed) return;
    if (leaves == 0 || math_full(leaves) != leaves) {
        trial_fail(t, "n_leaves: %u is no power of two, as RFC 9420 wants (Appendix C)", leaves);
        return;
    }
    uint32_t width = math_width(leaves);
    trial_equal(t, width, nodes, "n_nodes");
    trial_equal(t, math_root(leaves), root, "root");
    relation(v, "left", width, left, has_children);
    relation(v, "right", width, right, has_children);
    relation(v, "parent", width, parent, has_parent);
    relation(v, "sibling", width, sibling, has_parent);
    derived(t, leaves);
}

// ----------------------------------------------------------------------------------------------- deserialization

void basics_length(struct trial *t, const struct field *v)
{
    struct span header = field_get_bytes(v, "vlbytes_header");
    uint64_t length = field_get_number(v, "length", UINT64_MAX);
    if (t->failed) return;
    struct tls_reader r = tls_reader_of(header);
    size_t got = tls_length(&r);
    struct buf again;
    buf_init(&again, 8);
    tls_put_length(&again, got);
    if (trial_ok(t, tls_end(&r), "decode vlbytes_header")) trial_equal(t, got, length, "length");
    trial_same(t, buf_span(&again), header, "encode length");
    buf_wipe(&again);
}

// ------------------------------------------------------------------------------------------------- crypto-basics

static void ref_hash(struct trial *t, const struct field *f)
{
    const char *label = field_get_text(f, "label");
    struct span value = field_get_bytes(f, "value"), want = field_get_bytes(f, "out");
    uint8_t out[CRYPTO_HASH_MAX];
    if (t->failed || !trial_ok(t, label_ref_hash(&t->algo, label, value, out), "ref_hash")) return;
    trial_same(t, span_of(out, algo_nh(&t->algo)), want, "ref_hash");
}

static void expand(struct trial *t, const struct field *f)
{
    const char *label = field_get_text(f, "label");
    struct span secret = field_get_bytes(f, "secret"), context = field_get_bytes(f, "context");
    struct span want = field_get_bytes(f, "out");
    size_t n = (size_t)field_get_number(f, "length", UINT16_MAX);
    uint8_t *out = t->failed ? NULL : trial_bytes(t, n);
    if (out == NULL) return;
    if (!trial_ok(t, label_expand(&t->algo, secret, label, context, out, n), "expand_with_label")) return;
    trial_same(t, span_of(out, n), want, "expand_with_label");
}

static void derive(struct trial *t, const struct field *f)
{
    struct secret secret = model_secret(f, "secret"), out;
    const char *label = field_get_text(f, "label");
    struct span want = field_get_bytes(f, "out");
    if (t->failed || !trial_ok(t, label_derive(&t->algo, &secret, label, &out), "derive_secret")) return;
    trial_same(t, secret_span(&t->algo, &out), want, "derive_secret");
    // label.h promises that it works in place.
    trial_ok(t, label_derive(&t->algo, &secret, label, &secret), "derive_secret in place");
    trial_same(t, secret_span(&t->algo, &secret), want, "derive_secret in place");
}

static void derive_tree(struct trial *t, const struct field *f)
{
    struct secret secret = model_secret(f, "secret");
    const char *label = field_get_text(f, "label");
    uint32_t generation = (uint32_t)field_get_number(f, "generation", UINT32_MAX);
    size_t n = (size_t)field_get_number(f, "length", UINT16_MAX);
    struct span want = field_get_bytes(f, "out");
    uint8_t *out = t->failed ? NULL : trial_bytes(t, n);
    if (out == NULL) return;
    if (!trial_ok(t, label_derive_tree(&t->algo, &secret, label, generation, out, n), "derive_tree_secret")) return;
    trial_same(t, span_of(out, n), want, "derive_tree_secret");
}

static void sign(struct trial *t, const struct field *f)
{
    const struct algo *a = &t->algo;
    struct span sk = model_signature_key(f, "priv"), pk = field_get_bytes(f, "pub");
    struct span content = field_get_bytes(f, "content"), signature = field_get_bytes(f, "signature");
    const char *label = field_get_text(f, "label");
    if (t->failed) return;
    trial_ok(t, label_verify(a, pk, label, &content, 1, signature), "sign_with_label: verify the given signature");
    const struct span longer[] = {content, span_of("", 1)};
    trial_refused(t, label_verify(a, pk, label, longer, 2, signature), ERR_UNAUTHENTICATED,
                  "sign_with_label: the given signature over other content");
    trial_refused(t, label_verify(a, pk, "OtherLabel", &content, 1, signature), ERR_UNAUTHENTICATED,
                  "sign_with_label: the given signature under another label");
    for (int with_pk = 0; with_pk < 2 && !t->failed; with_pk++) {
        uint8_t made[CRYPTO_SIG_MAX];
        size_t n = 0;
        enum err e = label_sign(a, sk, with_pk ? pk : span_of(NULL, 0), label, &content, 1, made, &n);
        if (!trial_ok(t, e, "sign_with_label: sign")) return;
        trial_ok(t, label_verify(a, pk, label, &content, 1, span_of(made, n)),
                 "sign_with_label: verify the new signature");
        trial_refused(t, label_verify(a, pk, label, longer, 2, span_of(made, n)), ERR_UNAUTHENTICATED,
                      "sign_with_label: the new signature over other content");
    }
}

// DecryptWithLabel must give the plaintext, with and without the public key at hand, and only in this context.
static void decrypts(struct trial *t, const struct field *f, struct span kem_output, struct span ct, const char *which)
{
    struct span sk = model_kem_key(f, "priv"), pk = field_get_bytes(f, "pub");
    struct span context = field_get_bytes(f, "context"), want = field_get_bytes(f, "plaintext");
    const char *label = field_get_text(f, "label");
    const struct {
        struct span pk, context;
        const char *label;
        bool opens;
    } tries[] = {{pk, context, label, true},
                 {span_of(NULL, 0), context, label, true},
                 {pk, context, "OtherLabel", false},
                 {pk, kem_output, label, false}};
    for (size_t i = 0; !t->failed && i < sizeof tries / sizeof *tries; i++) {
        struct buf pt;
        buf_init(&pt, TLS_VECTOR_MAX);
        enum err e = label_decrypt(&t->algo, sk, tries[i].pk, tries[i].label, tries[i].context, kem_output, ct, &pt);
        if (!tries[i].opens) {
            trial_refused(t, e, ERR_UNAUTHENTICATED, "encrypt_with_label: the %s ciphertext under another %s", which,
                          tries[i].label == label ? "context" : "label");
        } else if (trial_ok(t, e, "encrypt_with_label: decrypt the %s ciphertext", which)) {
            trial_same(t, buf_span(&pt), want, "encrypt_with_label: plaintext of the %s ciphertext", which);
        }
        buf_wipe(&pt);
    }
}

static void encrypt(struct trial *t, const struct field *f)
{
    struct span kem_output = field_get_bytes(f, "kem_output"), ct = field_get_bytes(f, "ciphertext");
    decrypts(t, f, kem_output, ct, "given");
    struct span pk = field_get_bytes(f, "pub"), context = field_get_bytes(f, "context");
    struct span pt = field_get_bytes(f, "plaintext");
    const char *label = field_get_text(f, "label");
    uint8_t *seed = t->failed ? NULL : trial_bytes(t, algo_sizes(&t->algo)->nseed);
    struct buf out;
    if (seed == NULL) return;
    buf_init(&out, TLS_VECTOR_MAX);
    enum err e = t->world.random(t->world.arg, seed, algo_sizes(&t->algo)->nseed);
    struct crypto_hpke_info info;
    if (e == ERR_OK) e = label_info(&t->algo, label, context, &info);
    if (e == ERR_OK) e = label_encrypt(&t->algo, pk, &info, pt, seed, &out);
    trial_ok(t, e, "encrypt_with_label: encrypt");
    struct tls_reader r = tls_reader_of(trial_take(t, &out, "encrypt_with_label: encrypt"));
    kem_output = tls_vector(&r);
    ct = tls_vector(&r);
    if (trial_ok(t, tls_end(&r), "encrypt_with_label: HPKECiphertext")) decrypts(t, f, kem_output, ct, "new");
}

void basics_crypto(struct trial *t, const struct field *v)
{
    static const struct {
        const char *key;
        void (*check)(struct trial *t, const struct field *f);
    } parts[] = {{"ref_hash", ref_hash},
                 {"expand_with_label", expand},
                 {"derive_secret", derive},
                 {"derive_tree_secret", derive_tree},
                 {"sign_with_label", sign},
                 {"encrypt_with_label", encrypt}};
    for (size_t i = 0; !t->failed && i < sizeof parts / sizeof *parts; i++) {
        struct field f = field_get(v, parts[i].key);
        if (!t->failed) parts[i].check(t, &f);
    }
}
