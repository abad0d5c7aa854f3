// SPDX-License-Identifier: Apache-2.0
//
// The hall of the benchmark: a big group, made with the inner functions of the tree and group rooms: leaves are signed
// for real, and in a warm tree every second member has made a path, so that the tree passes all the checks of a joiner.
#include "bench/mls.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static bool accept(void *arg, const struct mls_credential_check *check)
{
    (void)arg;
    (void)check;
    return true;
}

// Two threads that take every second task.
struct half {
    void (*task)(void *arg, size_t i);
    void *arg;
    size_t n, from;
    double us; // processor time that it took
};

static void *run_half(void *arg)
{
    struct half *h = arg;
    double from = bench_thread();
    for (size_t i = h->from; i < h->n; i += 2) h->task(h->arg, i);
    h->us = bench_thread() - from;
    return NULL;
}

static double waited;

static void run_two(void *arg, void (*task)(void *task_arg, size_t i), void *task_arg, size_t n)
{
    struct half mine = {task, task_arg, n, 0, 0}, other = {task, task_arg, n, 1, 0};
    pthread_t t;
    (void)arg;
    if (pthread_create(&t, NULL, run_half, &other) != 0) abort();
    run_half(&mine);
    pthread_join(t, NULL);
    if (other.us > mine.us) waited += other.us - mine.us;
}

double hall_waited(void)
{
    double us = waited;
    waited = 0;
    return us;
}

// ------------------------------------------------------------------------------------------------------ the tree

struct person {
    uint8_t sk[CRYPTO_SIGSK_MAX], leaf_sk[CRYPTO_SK_MAX];
};

static void random_bytes(const struct hall *h, uint8_t *out, size_t n)
{
    bench_check(h->client->world.random(h->client->world.arg, out, n), "random");
}

static void plant_leaf(struct hall *h, struct tree *t, uint32_t i, struct person *p)
{
    const struct crypto_sizes *z = algo_sizes(&h->algo);
    uint8_t seed[CRYPTO_SIG_SEED], pk[CRYPTO_SIGPK_MAX], kem_pk[CRYPTO_PK_MAX];
    char name[32];
    struct leaf_plan plan;
    struct buf raw;
    buf_init(&raw, TLS_VECTOR_MAX);
    random_bytes(h, seed, sizeof seed);
    bench_check(crypto_sig_keygen(h->algo.crypto, h->algo.suite, seed, p->sk, pk), "keys");
    random_bytes(h, seed, sizeof seed);
    bench_check(crypto_kem_derive(h->algo.crypto, h->algo.suite, span_of(seed, 64), p->leaf_sk, kem_pk), "keys");
    snprintf(name, sizeof name, "member %u", i);
    struct mls_leaf_params params = {
        .credential = {.type = MLS_CREDENTIAL_BASIC, .identity = {(const uint8_t *)name, strlen(name)}},
        .signature_private = {p->sk, z->nsigsk},
        .signature_public = {pk, z->nsigpk},
    };
    bench_check(leaf_plan_new(h->client, &h->algo, &params, NULL, NULL, &plan), "plan");
    plan.like.encryption_key = span_of(kem_pk, z->npk);
    plan.like.source = LEAF_KEY_PACKAGE;
    bench_check(leaf_build(&h->algo, &plan.like, span_str("hall"), i, span_of(p->sk, z->nsigsk), &raw), "leaf");
    bench_check(tree_set_leaf(t, i, buf_span(&raw)), "leaf");
    leaf_plan_wipe(&plan);
    buf_wipe(&raw);
}

// A path of member i, as a commit of its would leave it; the keys that a and b get to know go into theirs.
static void plant_path(struct hall *h, struct tree *t, uint32_t i, const struct person *p, struct path_keys *a,
                       struct path_keys *b)
{
    struct path_keys k;
    struct path_draft d;
    struct leaf like;
    bench_check(tree_leaf(t, i, &like), "leaf");
    uint8_t copy[8192];
    memcpy(copy, like.raw.p, like.raw.n); // path_make replaces the leaf that `like` points into
    bench_check(leaf_decode(span_of(copy, like.raw.n), &like), "leaf");
    bench_check(path_make(&h->algo, NULL, &h->client->world, t, i, &like, span_str("hall"),
                          span_of(p->sk, algo_sizes(&h->algo)->nsigsk), &k, &d), "path");
    struct path_keys *who[] = {a, b};
    for (size_t x = 0; x < 2; x++) {
        uint32_t from = i == who[x]->leaf ? 0 : math_common_level(i, who[x]->leaf);
        for (uint32_t l = from; l <= math_depth(t->leaves); l++) {
            who[x]->have[l] = k.have[l];
            memcpy(who[x]->key[l], k.key[l], CRYPTO_SK_MAX);
        }
    }
    path_keys_wipe(&k);
    path_draft_wipe(&d);
}

// A member's state around its own copy of the tree.
static struct mls_group *seat(struct hall *h, const struct tree *t, const struct path_keys *k, const struct person *p,
                              const struct secret *epoch_secret)
{
    struct mls_group *g = NULL;
    struct buf raw;
    buf_init(&raw, TLS_VECTOR_MAX);
    bench_check(group_alloc(h->client, h->algo.suite, span_str("hall"), &g), "group");
    bench_check(tree_encode(t, &raw), "tree");
    bench_check(tree_decode(&g->tree, buf_span(&raw)), "tree");
    g->now.keys = *k;
    g->now.number = 7;
    g->now.confirmed_n = algo_nh(&h->algo);
    memcpy(g->now.signature_key, p->sk, sizeof p->sk);
    bench_check(tree_hash(&g->algo, &g->tree, math_root(g->tree.leaves), g->now.tree_hash), "hash");
    bench_check(epoch_encode_context(g, &g->now), "context");
    bench_check(epoch_derive(&g->algo, epoch_secret, g->tree.leaves, &g->now, &g->secrets), "epoch");
    buf_wipe(&raw);
    return g;
}

void hall_open(struct hall *h, uint16_t suite, uint32_t n, bool warm)
{
    struct mls_config config = {.credential = accept};
    struct tree t;
    struct path_keys a = {.leaf = 0}, b = {.leaf = n - 1};
    struct secret epoch_secret;
    struct person *p = calloc(n, sizeof *p);
    *h = (struct hall){.n = n, .warm = warm};
    bench_check((enum err)mls_client_new(&config, &h->client), "client");
    config.run = run_two;
    bench_check((enum err)mls_client_new(&config, &h->client2), "client");
    bench_check(client_algo(h->client, suite, &h->algo), "suite");
    tree_init(&t, (uint8_t)algo_nh(&h->algo), (const uint64_t[]){1, 2});
    bench_check(tree_resize(&t, math_full(n)), "tree");
    for (uint32_t i = 0; p != NULL && i < n; i++) plant_leaf(h, &t, i, &p[i]);
    a.have[0] = b.have[0] = true;
    memcpy(a.key[0], p[0].leaf_sk, CRYPTO_SK_MAX);
    memcpy(b.key[0], p[n - 1].leaf_sk, CRYPTO_SK_MAX);
    // Every second one is enough to set every parent; from the right, so that the left half's paths stay above.
    for (uint32_t i = warm ? n : 0; i-- > 0;) {
        if (i % 2 == 0) plant_path(h, &t, i, &p[i], &a, &b);
    }
    random_bytes(h, epoch_secret.b, sizeof epoch_secret.b);
    h->a = seat(h, &t, &a, &p[0], &epoch_secret);
    h->b = seat(h, &t, &b, &p[n - 1], &epoch_secret);
    const struct secret *root = map_get(&h->a->secrets.nodes, math_root(h->a->tree.leaves));
    h->encryption = *root;
    tree_wipe(&t);
    free(p);
}

void hall_close(struct hall *h)
{
    mls_group_free(h->a);
    mls_group_free(h->b);
    client_algo_free(&h->algo);
    mls_client_free(h->client);
    mls_client_free(h->client2);
}

void hall_fresh(struct hall *h)
{
    struct mls_group *both[] = {h->a, h->b};
    for (size_t i = 0; i < 2; i++) {
        secret_tree_wipe(&both[i]->secrets);
        bench_check(secret_tree_new(&both[i]->secrets, both[i]->tree.leaves, &h->encryption), "secret tree");
    }
}

// ------------------------------------------------------------------------------------------------------- guests

void hall_guest(const struct hall *h, struct guest *g)
{
    struct mls_buf sk, pk;
    uint16_t suite = crypto_suite_id(h->algo.suite);
    bench_check((enum err)mls_signature_keys(h->client, suite, &sk, &pk), "keys");
    struct mls_leaf_params leaf = {
        .credential = {.type = MLS_CREDENTIAL_BASIC, .identity = {(const uint8_t *)"member guest", 12}},
        .signature_private = {sk.data, sk.size},
        .signature_public = {pk.data, pk.size},
    };
    bench_check((enum err)mls_key_package_new(h->client, suite, &leaf, NULL, 0, &g->key_package, &g->private_part),
                "key package");
    mls_buf_free(&sk);
    mls_buf_free(&pk);
}

void hall_guest_free(struct guest *g)
{
    mls_buf_free(&g->key_package);
    mls_buf_free(&g->private_part);
}

void hall_crowd(const struct hall *h, struct crowd *c)
{
    *c = (struct crowd){.n = h->n - 1};
    c->guest = calloc(c->n, sizeof *c->guest);
    c->add = calloc(c->n, sizeof *c->add);
    if (c->guest == NULL || c->add == NULL) abort();
    for (size_t i = 0; i < c->n; i++) {
        hall_guest(h, &c->guest[i]);
        c->add[i] = (struct mls_proposal){.type = MLS_PROPOSAL_ADD,
                                          .key_package = {c->guest[i].key_package.data, c->guest[i].key_package.size}};
    }
}

void hall_crowd_free(struct crowd *c)
{
    for (size_t i = 0; i < c->n; i++) hall_guest_free(&c->guest[i]);
    free(c->guest);
    free(c->add);
}

void hall_founder(const struct hall *h, struct mls_group **out)
{
    struct mls_buf sk, pk;
    uint16_t suite = crypto_suite_id(h->algo.suite);
    bench_check((enum err)mls_signature_keys(h->client, suite, &sk, &pk), "keys");
    struct mls_leaf_params leaf = {
        .credential = {.type = MLS_CREDENTIAL_BASIC, .identity = {(const uint8_t *)"founder", 7}},
        .signature_private = {sk.data, sk.size},
    };
    bench_check((enum err)mls_group_new(h->client, suite, (struct mls_span){0}, &leaf, NULL, 0, out), "group");
    mls_buf_free(&sk);
    mls_buf_free(&pk);
}
