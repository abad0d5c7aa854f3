// SPDX-License-Identifier: Apache-2.0
//
// Generators of tree-math, deserialization and crypto-basics.
#include "tree/math.h"
#include "vectors/make/generators.h"

// ----------------------------------------------------------------------------------------------------- tree-math

static void relation(struct make *m, json_t *o, const char *key, uint32_t leaves, uint32_t (*of)(uint32_t), bool down)
{
    json_t *list = kit_list(m, o, key);
    for (uint32_t x = 0; !m->t.failed && x < math_width(leaves); x++) {
        bool has = down ? math_level(x) > 0 : x != math_root(leaves);
        kit_append(m, list, has ? json_integer(of(x)) : json_null());
    }
}

static uint32_t left(uint32_t x) { return math_left(x); }
static uint32_t right(uint32_t x) { return math_right(x); }
static uint32_t parent(uint32_t x) { return math_parent(x); }
static uint32_t sibling(uint32_t x) { return math_sibling(x); }

void gen_tree_math(struct make *m)
{
    for (uint32_t leaves = 1; !m->t.failed && leaves <= (m->plan->small ? 64 : 1024); leaves *= 2) {
        json_t *o = kit_case(m);
        kit_number(m, o, "n_leaves", leaves);
        kit_number(m, o, "n_nodes", math_width(leaves));
        kit_number(m, o, "root", math_root(leaves));
        relation(m, o, "left", leaves, left, true);
        relation(m, o, "right", leaves, right, true);
        relation(m, o, "parent", leaves, parent, false);
        relation(m, o, "sibling", leaves, sibling, false);
    }
}

// ----------------------------------------------------------------------------------------------- deserialization

void gen_deserialization(struct make *m)
{
    // Both sides of each boundary between the sizes of the header (RFC 9420 §2.1.2), then anything.
    static const uint32_t edges[] = {0, 1, 2, 62, 63, 64, 65, 16382, 16383, 16384, 16385, 1 << 20, (1 << 30) - 2,
                                     (1 << 30) - 1};
    const size_t n_edges = sizeof edges / sizeof *edges;
    for (size_t i = 0; !m->t.failed && i < n_edges + 18; i++) {
        uint32_t length = i < n_edges ? edges[i] : kit_below(m, 1u << (6 + 8 * (i % 4)));
        struct buf b;
        buf_init(&b, 8);
        tls_put_length(&b, length);
        json_t *o = kit_case(m);
        kit_bytes(m, o, "vlbytes_header", buf_span(&b));
        kit_number(m, o, "length", length);
        buf_wipe(&b);
    }
}

// ------------------------------------------------------------------------------------------------- crypto-basics

static void ref_hash(struct make *m, json_t *o, const char *label, size_t n)
{
    struct span value = kit_random(m, n);
    uint8_t out[CRYPTO_HASH_MAX];
    if (m->t.failed || !trial_ok(&m->t, label_ref_hash(&m->t.algo, label, value, out), "RefHash")) return;
    kit_text(m, o, "label", label);
    kit_bytes(m, o, "value", value);
    kit_bytes(m, o, "out", span_of(out, algo_nh(&m->t.algo)));
}

static void expand(struct make *m, json_t *o, const char *label, size_t n, size_t length)
{
    struct secret secret = kit_secret(m);
    struct span context = kit_random(m, n);
    uint8_t *out = trial_bytes(&m->t, length);
    if (m->t.failed) return;
    enum err e = label_expand(&m->t.algo, secret_span(&m->t.algo, &secret), label, context, out, length);
    if (!trial_ok(&m->t, e, "ExpandWithLabel")) return;
    kit_bytes(m, o, "secret", secret_span(&m->t.algo, &secret));
    kit_text(m, o, "label", label);
    kit_bytes(m, o, "context", context);
    kit_number(m, o, "length", length);
    kit_bytes(m, o, "out", span_of(out, length));
}

static void derive(struct make *m, json_t *o, const char *label)
{
    struct secret secret = kit_secret(m), out;
    if (m->t.failed || !trial_ok(&m->t, label_derive(&m->t.algo, &secret, label, &out), "DeriveSecret")) return;
    kit_bytes(m, o, "secret", secret_span(&m->t.algo, &secret));
    kit_text(m, o, "label", label);
    kit_bytes(m, o, "out", secret_span(&m->t.algo, &out));
}

static void derive_tree(struct make *m, json_t *o, const char *label, uint32_t generation, size_t length)
{
    struct secret secret = kit_secret(m);
    uint8_t *out = trial_bytes(&m->t, length);
    if (m->t.failed) return;
    enum err e = label_derive_tree(&m->t.algo, &secret, label, generation, out, length);
    if (!trial_ok(&m->t, e, "DeriveTreeSecret")) return;
    kit_bytes(m, o, "secret", secret_span(&m->t.algo, &secret));
    kit_text(m, o, "label", label);
    kit_number(m, o, "generation", generation);
    kit_number(m, o, "length", length);
    kit_bytes(m, o, "out", span_of(out, length));
}

static void sign(struct make *m, json_t *o, const char *label, size_t n)
{
    struct kit_keys k = kit_signature_keys(m);
    struct span content = kit_random(m, n);
    uint8_t sig[CRYPTO_SIG_MAX];
    size_t sig_n = 0;
    if (m->t.failed) return;
    enum err e = label_sign(&m->t.algo, k.sk, k.pk, label, &content, 1, sig, &sig_n);
    if (!trial_ok(&m->t, e, "SignWithLabel")) return;
    kit_bytes(m, o, "priv", k.sk);
    kit_bytes(m, o, "pub", k.pk);
    kit_bytes(m, o, "content", content);
    kit_text(m, o, "label", label);
    kit_bytes(m, o, "signature", span_of(sig, sig_n));
}

static void encrypt(struct make *m, json_t *o, const char *label, size_t n)
{
    struct kit_keys k = kit_kem_keys(m);
    struct span context = kit_random(m, n), plaintext = kit_random(m, n + 16);
    struct span seed = kit_random(m, algo_sizes(&m->t.algo)->nseed);
    struct crypto_hpke_info info;
    struct buf b;
    if (m->t.failed) return;
    buf_init(&b, TLS_VECTOR_MAX);
    enum err e = label_info(&m->t.algo, label, context, &info);
    if (e == ERR_OK) e = label_encrypt(&m->t.algo, k.pk, &info, plaintext, seed.p, &b);
    if (trial_ok(&m->t, e, "EncryptWithLabel")) {
        struct tls_reader r = tls_reader_of(buf_span(&b));
        kit_bytes(m, o, "priv", k.sk);
        kit_bytes(m, o, "pub", k.pk);
        kit_text(m, o, "label", label);
        kit_bytes(m, o, "context", context);
        kit_bytes(m, o, "plaintext", plaintext);
        kit_bytes(m, o, "kem_output", tls_vector(&r));
        kit_bytes(m, o, "ciphertext", tls_vector(&r));
    }
    buf_wipe(&b);
}

void gen_crypto_basics(struct make *m)
{
    const size_t nh = algo_nh(&m->t.algo);
    for (uint32_t i = 0; !m->t.failed && i < (m->plan->small ? 1 : 5); i++) {
        // The first like the published ones; then other labels, and contexts and contents of other lengths.
        size_t n = i == 0 ? nh : i == 1 ? 0 : kit_range(m, 1, 400);
        size_t length = i == 0 ? nh : kit_range(m, 1, 5 * (uint32_t)nh);
        json_t *o = kit_case(m);
        ref_hash(m, kit_object(m, o, "ref_hash"), i == 0 ? "RefHash" : kit_label(m, 2 * i), n);
        expand(m, kit_object(m, o, "expand_with_label"), i == 0 ? "ExpandWithLabel" : kit_label(m, 8 * i), n, length);
        derive(m, kit_object(m, o, "derive_secret"), i == 0 ? "DeriveSecret" : kit_label(m, 8 * i));
        derive_tree(m, kit_object(m, o, "derive_tree_secret"), i == 0 ? "DeriveTreeSecret" : kit_label(m, 8 * i),
                    i == 1 ? 0 : i == 2 ? UINT32_MAX : kit_below(m, UINT32_MAX), nh);
        sign(m, kit_object(m, o, "sign_with_label"), i == 0 ? "SignWithLabel" : kit_label(m, 8 * i), n);
        encrypt(m, kit_object(m, o, "encrypt_with_label"), i == 0 ? "EncryptWithLabel" : kit_label(m, 8 * i), n);
    }
}
