// SPDX-License-Identifier: Apache-2.0
//
// struct mls_client: the configuration with its defaults filled in, and the algorithms; signature keys; KeyPackages and
// the private parts that go with them.
#include "group/client.h"

#include "base/siphash.h"

enum { DEFAULT_AHEAD = 1000, DEFAULT_PROPOSALS = 1000, DEFAULT_LIFETIME = 100 * 24 * 3600, DEFAULT_LEAVES = 65536 };

// The application's callbacks behind the shape that the rooms below know.
static enum err world_random(void *arg, uint8_t *out, size_t n)
{
    const struct mls_client *c = arg;
    if (c->config.random(c->config.arg, out, n)) return ERR_OK;
    mem_wipe(out, n);
    return ERR_RANDOM;
}

static uint64_t world_now(void *arg)
{
    const struct mls_client *c = arg;
    return c->config.now(c->config.arg);
}

static void world_run(void *arg, void (*task)(void *task_arg, size_t i), void *task_arg, size_t n)
{
    const struct mls_client *c = arg;
    c->config.run(c->config.arg, task, task_arg, n);
}

static void set_defaults(struct mls_client *c)
{
    struct world system = crypto_system_world();
    if (c->config.max_ahead == 0) c->config.max_ahead = DEFAULT_AHEAD;
    if (c->config.max_leaves == 0) c->config.max_leaves = DEFAULT_LEAVES;
    if (c->config.max_leaves > TREE_MAX_LEAVES) c->config.max_leaves = TREE_MAX_LEAVES;
    c->config.max_leaves = math_full(c->config.max_leaves);
    if (c->config.max_proposals == 0) c->config.max_proposals = DEFAULT_PROPOSALS;
    if (c->config.max_lifetime == 0) c->config.max_lifetime = DEFAULT_LIFETIME;
    c->system = system;
    c->world = (struct world){.random = c->config.random != NULL ? world_random : client_system_random,
                              .now = c->config.now != NULL ? world_now : client_system_now,
                              .arg = c};
    if (c->config.run != NULL) c->executor = (struct executor){.run = world_run, .arg = c};
}

enum err client_system_random(void *arg, uint8_t *out, size_t n)
{
    const struct mls_client *c = arg;
    return c->system.random(c->system.arg, out, n);
}

uint64_t client_system_now(void *arg)
{
    const struct mls_client *c = arg;
    return c->system.now(c->system.arg);
}

enum mls_error mls_client_new(const struct mls_config *config, struct mls_client **out)
{
    *out = NULL;
    if (config == NULL || config->credential == NULL) return MLS_E_MISUSE;
    struct mls_client *c = mem_new(sizeof *c);
    if (c == NULL) return MLS_E_MEMORY;
    c->config = *config;
    set_defaults(c);
    enum err e = crypto_new(&c->crypto);
    if (e != ERR_OK) {
        mem_free(c);
        return api_error(e);
    }
    *out = c;
    return MLS_OK;
}

void mls_client_free(struct mls_client *c)
{
    if (c == NULL) return;
    crypto_free(c->crypto);
    mem_free(c);
}

bool mls_suite_known(uint16_t suite) { return crypto_suite(suite) != NULL; }

const char *mls_suite_name(uint16_t suite)
{
    return mls_suite_known(suite) ? crypto_suite_name(crypto_suite(suite)) : NULL;
}

enum err client_algo(const struct mls_client *c, uint16_t suite, struct algo *out)
{
    out->crypto = NULL;
    out->suite = crypto_suite(suite);
    return out->suite == NULL ? ERR_UNSUPPORTED : crypto_clone(c->crypto, out->suite, &out->crypto);
}

void client_algo_free(struct algo *a)
{
    crypto_free(a->crypto);
    a->crypto = NULL;
}

enum mls_error mls_signature_keys(const struct mls_client *c, uint16_t suite, struct mls_buf *private_key,
                                  struct mls_buf *public_key)
{
    uint8_t seed[CRYPTO_SIG_SEED], sk[CRYPTO_SIGSK_MAX], pk[CRYPTO_SIGPK_MAX];
    struct buf secret, public;
    struct algo a;
    *private_key = *public_key = (struct mls_buf){0};
    buf_init(&secret, sizeof sk);
    buf_init(&public, sizeof pk);
    enum err e = client_algo(c, suite, &a);
    if (e != ERR_OK) return api_error(e);
    e = c->world.random(c->world.arg, seed, sizeof seed);
    if (e == ERR_OK) e = crypto_sig_keygen(a.crypto, a.suite, seed, sk, pk);
    if (e == ERR_OK) {
        buf_put(&secret, span_of(sk, algo_sizes(&a)->nsigsk));
        buf_put(&public, span_of(pk, algo_sizes(&a)->nsigpk));
        e = buf_end(&secret) == ERR_OK ? buf_end(&public) : buf_end(&secret);
    }
    enum err e1 = give(&secret, e, private_key);
    enum err e2 = give(&public, e, public_key);
    if (e1 != ERR_OK || e2 != ERR_OK) {
        mls_buf_free(private_key);
        mls_buf_free(public_key);
    }
    mem_wipe(seed, sizeof seed);
    mem_wipe(sk, sizeof sk);
    client_algo_free(&a);
    mem_wipe_stack();
    return api_error(e1 != ERR_OK ? e1 : e2);
}

// ---------------------------------------------------------------------------------------------- private parts

enum { PRIVATE_PART_VERSION = 2 };

// A checksum tells damage. The key is no secret: whoever could change a private part on purpose holds its keys. That the keys
// belong to the KeyPackage was so when they were made; to compute the public ones again would cost as much as a third of
// joining a small group.
static uint64_t private_part_sum(struct span s)
{
    static const uint64_t key[2] = {UINT64_C(0x77686d2070726976), UINT64_C(0x6174652070617274)};
    return siphash(key, s);
}

void private_part_write(struct buf *b, struct span key_package, struct span init_key, struct span leaf_key,
                        struct span signature_key)
{
    size_t from = b->n;
    tls_put_u8(b, PRIVATE_PART_VERSION);
    tls_put_vector(b, key_package);
    tls_put_vector(b, init_key);
    tls_put_vector(b, leaf_key);
    tls_put_vector(b, signature_key);
    if (buf_end(b) == ERR_OK) tls_put_u64(b, private_part_sum(span_of(b->p + from, b->n - from)));
}

enum err private_part_decode(struct span raw, struct private_part *out)
{
    struct tls_reader r = tls_reader_of(raw);
    uint8_t version = tls_u8(&r);
    struct span kp = tls_vector(&r);
    out->init_key = tls_vector(&r);
    out->leaf_key = tls_vector(&r);
    out->signature_key = tls_vector(&r);
    struct span summed = tls_since(&r, raw.p);
    uint64_t sum = tls_u64(&r);
    if (tls_end(&r) != ERR_OK || version != PRIVATE_PART_VERSION || sum != private_part_sum(summed)) return ERR_CORRUPT;
    enum err e = key_package_decode(kp, &out->key_package);
    return e == ERR_MALFORMED ? ERR_CORRUPT : e;
}

enum mls_error mls_private_part_read(struct mls_span private_part, struct mls_private_part *out)
{
    struct private_part p;
    *out = (struct mls_private_part){0};
    enum err e = private_part_decode(from_api(private_part), &p);
    if (e != ERR_OK) return api_error(e);
    *out = (struct mls_private_part){.key_package = to_api(p.key_package.raw),
                                     .init_key = to_api(p.init_key),
                                     .leaf_key = to_api(p.leaf_key),
                                     .signature_key = to_api(p.signature_key)};
    return MLS_OK;
}

// ------------------------------------------------------------------------------------------------ key packages

// KeyPackageTBS and its signature, appended to out.
static enum err sign_key_package(const struct algo *a, struct span init_key, struct span leaf, struct span extensions,
                                 struct span sk, struct span pk, struct buf *out)
{
    uint8_t sig[CRYPTO_SIG_MAX];
    size_t sig_n = 0, from = out->n;
    tls_put_u16(out, MLS_VERSION);
    tls_put_u16(out, crypto_suite_id(a->suite));
    tls_put_vector(out, init_key);
    buf_put(out, leaf);
    tls_put_vector(out, extensions);
    enum err e = buf_end(out);
    if (e != ERR_OK) return e;
    struct span tbs = span_of(out->p + from, out->n - from);
    e = label_sign(a, sk, pk, "KeyPackageTBS", &tbs, 1, sig, &sig_n);
    if (e == ERR_OK) tls_put_vector(out, span_of(sig, sig_n));
    return e == ERR_OK ? buf_end(out) : e;
}

static enum err fresh_keys(const struct mls_client *c, const struct algo *a, uint8_t *sk, uint8_t *pk)
{
    uint8_t ikm[CRYPTO_SK_MAX];
    size_t n = algo_sizes(a)->nsk;
    enum err e = c->world.random(c->world.arg, ikm, n);
    if (e == ERR_OK) e = crypto_kem_derive(a->crypto, a->suite, span_of(ikm, n), sk, pk);
    mem_wipe(ikm, sizeof ikm);
    return e;
}

static enum err make_key_package(const struct mls_client *c, const struct algo *a, struct leaf_plan *plan,
                                 struct span extensions, struct buf *public, struct buf *private)
{
    uint8_t init_sk[CRYPTO_SK_MAX], leaf_sk[CRYPTO_SK_MAX], init_pk[CRYPTO_PK_MAX], leaf_pk[CRYPTO_PK_MAX];
    const struct crypto_sizes *z = algo_sizes(a);
    struct span sk = span_of(plan->sk, z->nsigsk);
    struct buf leaf;
    buf_init(&leaf, TLS_VECTOR_MAX);
    enum err e = fresh_keys(c, a, init_sk, init_pk);
    if (e == ERR_OK) e = fresh_keys(c, a, leaf_sk, leaf_pk);
    plan->like.encryption_key = span_of(leaf_pk, z->npk);
    plan->like.source = LEAF_KEY_PACKAGE;
    if (e == ERR_OK) e = leaf_build(a, &plan->like, span_of(NULL, 0), 0, sk, &leaf);
    message_head(public, WIRE_KEY_PACKAGE);
    size_t at = public->n;
    if (e == ERR_OK) {
        e = sign_key_package(a, span_of(init_pk, z->npk), buf_span(&leaf), extensions, sk, plan->like.signature_key,
                             public);
    }
    if (e == ERR_OK) {
        private_part_write(private, span_of(public->p + at, public->n - at), span_of(init_sk, z->nsk),
                           span_of(leaf_sk, z->nsk), sk);
        e = buf_end(private);
    }
    plan->like.encryption_key = span_of(NULL, 0);
    mem_wipe(init_sk, sizeof init_sk);
    mem_wipe(leaf_sk, sizeof leaf_sk);
    buf_wipe(&leaf);
    return e;
}

// The leaf of a KeyPackage with these extensions. RFC 9420 §10: "Extensions included in the extensions or
// leaf_node.extensions fields MUST be included in the leaf_node.capabilities field."
static enum err plan_package_leaf(const struct mls_client *c, const struct algo *a, const struct mls_leaf_params *leaf,
                                  struct span extensions, struct leaf_plan *out)
{
    struct mls_leaf_params p = *leaf;
    struct extension x;
    uint16_t *types = mem_new_array(leaf->extension_type_count + NODE_MAX_EXTENSIONS, sizeof *types);
    if (types == NULL) return ERR_MEMORY;
    if (p.extension_type_count > 0) memcpy(types, p.extension_types, p.extension_type_count * sizeof *types);
    for (size_t at = 0; extensions_next(extensions, &at, &x);) types[p.extension_type_count++] = x.type;
    p.extension_types = types;
    enum err e = leaf_plan_new(c, a, &p, NULL, NULL, out);
    mem_free(types);
    return e;
}

enum mls_error mls_key_package_new(const struct mls_client *c, uint16_t suite, const struct mls_leaf_params *leaf,
                                   const struct mls_extension *extensions, size_t extension_count,
                                   struct mls_buf *key_package, struct mls_buf *private_part)
{
    struct algo a;
    struct leaf_plan plan = {0};
    struct buf list, public, private;
    *key_package = *private_part = (struct mls_buf){0};
    if (leaf == NULL) return MLS_E_MISUSE;
    buf_init(&list, TLS_VECTOR_MAX);
    buf_init(&public, TLS_VECTOR_MAX);
    buf_init(&private, TLS_VECTOR_MAX);
    enum err e = client_algo(c, suite, &a);
    if (e != ERR_OK) return api_error(e);
    e = extensions_write(c, extensions, extension_count, true, &list);
    if (e == ERR_OK) e = plan_package_leaf(c, &a, leaf, buf_span(&list), &plan);
    if (e == ERR_OK) e = make_key_package(c, &a, &plan, buf_span(&list), &public, &private);
    enum err e1 = give(&public, e, key_package), e2 = give(&private, e, private_part);
    if (e1 != ERR_OK || e2 != ERR_OK) {
        mls_buf_free(key_package);
        mls_buf_free(private_part);
    }
    leaf_plan_wipe(&plan);
    buf_wipe(&list);
    client_algo_free(&a);
    mem_wipe_stack();
    return api_error(e1 != ERR_OK ? e1 : e2);
}

enum err key_package_of(struct span message, struct key_package *out)
{
    struct tls_reader r = tls_reader_of(message);
    enum wire_format format;
    // RFC 9420 §10: "it MUST verify that the version field of the KeyPackage has the same value as the version field of
    // the MLSMessage." A bare KeyPackage starts with version and suite, an MLSMessage with version and wire format.
    if (message_open(&r, &format) == ERR_OK && format == WIRE_KEY_PACKAGE) {
        key_package_read(&r, out);
        if (tls_end(&r) == ERR_OK) return out->version == MLS_VERSION ? ERR_OK : rule(MLS_E_KEY_PACKAGE_VERSION);
    }
    return key_package_decode(message, out);
}

struct check_rules client_rules(const struct mls_client *c)
{
    return (struct check_rules){.now = c->world.now(c->world.arg),
                                .max_lifetime = c->config.max_lifetime,
                                .lifetime = !c->config.ignore_lifetime};
}

enum mls_error mls_key_package_ref(const struct mls_client *c, struct mls_span key_package, struct mls_buf *ref)
{
    struct key_package kp;
    struct algo a;
    struct buf b;
    *ref = (struct mls_buf){0};
    buf_init(&b, CRYPTO_HASH_MAX);
    enum err e = key_package_of(from_api(key_package), &kp);
    if (e == ERR_OK) e = client_algo(c, kp.suite, &a);
    if (e != ERR_OK) return api_error(e);
    uint8_t *out = buf_grow(&b, algo_nh(&a));
    e = out != NULL ? key_package_ref(&a, kp.raw, out) : buf_end(&b);
    client_algo_free(&a);
    return api_error(give(&b, e, ref));
}

enum mls_error mls_key_package_check(const struct mls_client *c, struct mls_span key_package, uint16_t *suite,
                                     struct mls_member *member)
{
    struct key_package kp;
    struct algo a;
    *suite = 0;
    *member = (struct mls_member){0};
    enum err e = key_package_of(from_api(key_package), &kp);
    if (e == ERR_OK) e = client_algo(c, kp.suite, &a);
    if (e != ERR_OK) return api_error(e);
    const struct check_rules rules = client_rules(c);
    // RFC 9420 §10.1: "When a KeyPackage is downloaded by a group member, before it is used to add the client to the
    // group". And RFC 9420 §5.3.1: "When a member receives a KeyPackage that it will use in an Add proposal to add a
    // new member to the group". MLS_E_LEAF_CREDENTIAL
    e = key_package_check(&a, &rules, &kp);
    if (e == ERR_OK) e = group_ask_credential((void *)(uintptr_t)c, CHECK_ADD, &kp.leaf, NULL);
    if (e == ERR_OK) {
        *suite = kp.suite;
        member_of(&kp.leaf, 0, member);
    }
    client_algo_free(&a);
    return api_error(e);
}
