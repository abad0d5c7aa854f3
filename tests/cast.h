// SPDX-License-Identifier: Apache-2.0
//
// tests/cast: members for tests of groups: a client with a seeded random source and a settable clock, and short ways to
// make leaf parameters and KeyPackages. Everything that can go wrong aborts the test through cmocka.
#ifndef WHIMBREL_TESTS_CAST_H
#define WHIMBREL_TESTS_CAST_H

#include "mls.h"
#include "unit.h"

// A deterministic source of bytes: good for repeating a test, for nothing else.
struct cast_world {
    uint64_t state;
    uint64_t now;
    bool (*credential)(void *arg, const struct mls_credential_check *check); // NULL: accept
    struct mls_span psk_id, psk; // one external PSK
};

static inline uint64_t cast_next(struct cast_world *w)
{
    uint64_t z = (w->state += 0x9e3779b97f4a7c15ULL); // splitmix64
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

static inline bool cast_random(void *arg, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) out[i] = (uint8_t)(cast_next(arg) >> 32);
    return true;
}

static inline uint64_t cast_now(void *arg) { return ((struct cast_world *)arg)->now; }

static inline bool cast_credential(void *arg, const struct mls_credential_check *check)
{
    struct cast_world *w = arg;
    return w->credential == NULL || w->credential(arg, check);
}

static inline bool cast_psk(void *arg, const struct mls_psk_id *id, struct mls_span *secret)
{
    struct cast_world *w = arg;
    if (id->type != MLS_PSK_EXTERNAL || id->id.size != w->psk_id.size) return false;
    if (memcmp(id->id.data, w->psk_id.data, id->id.size) != 0) return false;
    *secret = w->psk;
    return true;
}

static inline struct mls_config cast_config(struct cast_world *w)
{
    return (struct mls_config){
        .arg = w, .random = cast_random, .now = cast_now, .credential = cast_credential, .psk = cast_psk};
}

static inline struct mls_span cast_span(struct mls_buf b) { return (struct mls_span){b.data, b.size}; }
static inline struct mls_span cast_text(const char *s) { return (struct mls_span){(const uint8_t *)s, strlen(s)}; }

// A person with a signature key and, once joined, a group.
struct cast_member {
    struct mls_client *client;
    char name[24];
    struct mls_buf signature_private, signature_public;
    struct mls_buf key_package, private_part;
    struct mls_group *group;
};

static inline struct mls_leaf_params cast_leaf(const struct cast_member *m)
{
    return (struct mls_leaf_params){
        .credential = {.type = MLS_CREDENTIAL_BASIC, .identity = cast_text(m->name)},
        .signature_private = cast_span(m->signature_private),
        .signature_public = cast_span(m->signature_public),
    };
}

static inline void cast_init(struct cast_member *m, struct mls_client *c, uint16_t suite, const char *name)
{
    *m = (struct cast_member){.client = c};
    snprintf(m->name, sizeof m->name, "%s", name);
    assert_ok(mls_signature_keys(c, suite, &m->signature_private, &m->signature_public));
}

static inline void cast_key_package(struct cast_member *m, uint16_t suite)
{
    struct mls_leaf_params leaf = cast_leaf(m);
    mls_buf_free(&m->key_package);
    mls_buf_free(&m->private_part);
    assert_ok(mls_key_package_new(m->client, suite, &leaf, NULL, 0, &m->key_package, &m->private_part));
}

static inline void cast_free(struct cast_member *m)
{
    mls_group_free(m->group);
    mls_buf_free(&m->signature_private);
    mls_buf_free(&m->signature_public);
    mls_buf_free(&m->key_package);
    mls_buf_free(&m->private_part);
    *m = (struct cast_member){0};
}

static inline void cast_same_epoch(struct mls_group *a, struct mls_group *b)
{
    struct mls_buf x, y;
    assert_true(mls_group_epoch(a) == mls_group_epoch(b));
    assert_ok(mls_group_epoch_authenticator(a, &x));
    assert_ok(mls_group_epoch_authenticator(b, &y));
    assert_int_equal(x.size, y.size);
    assert_memory_equal(x.data, y.data, x.size);
    mls_buf_free(&x);
    mls_buf_free(&y);
}

#endif
