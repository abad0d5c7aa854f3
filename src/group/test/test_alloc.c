// SPDX-License-Identifier: Apache-2.0
//
// Allocation failure at each site: every operation of the library is run with its first, second, … allocation failing,
// once among the library's own and once among OpenSSL's, until it succeeds. Each failure is a clean error, loses no memory
// and changes nothing: the operation then succeeds, and all members still agree. Linked with --wrap (see meson.build).
#include "group/test/alloc.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

// ------------------------------------------------------------------------------------------------ failing on demand

static long own_left = -1, ossl_left = -1; // allocations until one fails; negative: none does
static long live;                          // blocks of our own that are allocated
static long foreign;                       // calls of malloc and realloc, which the library does not make

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void __wrap_free(void *p);

static bool fails(long *left) { return *left >= 0 && (*left)-- == 0; }

void *__wrap_calloc(size_t n, size_t size)
{
    void *p = fails(&own_left) ? NULL : __real_calloc(n, size);
    live += p != NULL;
    return p;
}

void *__wrap_malloc(size_t n)
{
    void *p = __real_malloc(n);
    foreign++;
    live += p != NULL;
    return p;
}

void *__wrap_realloc(void *old, size_t n)
{
    void *p = __real_realloc(old, n);
    foreign++;
    live += old == NULL && p != NULL;
    return p;
}

void __wrap_free(void *p)
{
    live -= p != NULL;
    __real_free(p);
}

static void *ossl_give(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return fails(&ossl_left) ? NULL : __real_malloc(n);
}

static void *ossl_move(void *old, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return fails(&ossl_left) ? NULL : __real_realloc(old, n);
}

static void ossl_take(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    __real_free(p);
}

// ------------------------------------------------------------------------------------------------- one operation

static void dump(struct scene *s, struct store *out)
{
    *out = (struct store){0};
    if (s->actor != SIZE_MAX) troupe_dump(scene_group(s, s->actor), out);
}

static void open_for(const struct operation *o, struct scene *s, struct store *before)
{
    scene_open(s, o->public_handshake);
    if (o->prepare != NULL) o->prepare(s);
    dump(s, before);
}

static void close_after(const struct operation *o, struct scene *s, struct store *before)
{
    if (o->after != NULL) o->after(s);
    troupe_agrees(&s->t);
    store_free(before);
    scene_close(s);
}

static void check_failure(const struct operation *o, struct scene *s, const struct store *before, long k)
{
    struct store now;
    dump(s, &now);
    const char *difference = store_difference(before, &now);
    if (difference != NULL) fail_msg("%s: allocation %ld failed and the group changed: %s", o->name, k, difference);
    store_free(&now);
}

static void exhaust(const struct operation *o, long *left, bool own)
{
    static struct scene s;
    struct store before;
    bool hit = true;
    long blocks = live;
    print_message("# %s: %s\n", own ? "own" : "OpenSSL's", o->name);
    open_for(o, &s, &before);
    for (long k = 0; hit; k++) {
        long others = foreign;
        *left = k;
        enum mls_error e = o->run(&s);
        hit = *left < 0;
        *left = -1;
        ERR_clear_error();
        assert_true(foreign == others);
        if (own && hit) {
            if (e != MLS_E_MEMORY) fail_msg("%s: allocation %ld failed, and that gave %s", o->name, k, mls_error_name(e));
        } else if (!hit && e != MLS_OK) {
            fail_msg("%s: %s without a failure", o->name, mls_error_name(e));
        }
        if (e != MLS_OK) {
            check_failure(o, &s, &before, k);
            continue;
        }
        close_after(o, &s, &before);
        if (live != blocks) fail_msg("%s: %ld blocks lost, the last time allocation %ld failed", o->name, live - blocks, k);
        if (hit) open_for(o, &s, &before); // OpenSSL could do without
        assert_true(k < 100000);
    }
}

static void own_allocations_fail(void **state)
{
    (void)state;
    for (size_t i = 0; i < operations_n; i++) exhaust(&operations[i], &own_left, true);
}

static void allocations_of_openssl_fail(void **state)
{
    (void)state;
    for (size_t i = 0; i < operations_n; i++) exhaust(&operations[i], &ossl_left, false);
}

int main(void)
{
    if (CRYPTO_set_mem_functions(ossl_give, ossl_move, ossl_take) != 1) {
        print_message("1..0 # SKIP OpenSSL has allocated already\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(own_allocations_fail),
                                       cmocka_unit_test(allocations_of_openssl_fail)};
    return unit_run("group alloc", tests);
}
