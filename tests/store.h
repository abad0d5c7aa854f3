// SPDX-License-Identifier: Apache-2.0
//
// tests/store: a key/value store in memory for the records of one group, as an application's database would be: changes
// are taken in one transaction, which can be made to fail. Values stand in it under a mask, so that a test which searches
// the process's memory for secrets does not find the store's own.
#ifndef WHIMBREL_TESTS_STORE_H
#define WHIMBREL_TESTS_STORE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mls.h"

enum { STORE_KEY_MAX = 32, STORE_MASK = 0xA5 };

struct store_record {
    uint8_t key[STORE_KEY_MAX];
    size_t key_n;
    uint8_t *value; // masked; NULL in a transaction: the record goes
    size_t n;
};

struct store {
    struct store_record *v; // in the order of their keys
    size_t n, cap;
    size_t bytes, changed; // of the last transaction: keys and values, and how many records
};

static inline void *store_check(void *p)
{
    if (p != NULL) return p;
    fprintf(stderr, "store: no memory\n");
    abort();
}

static inline int store_order(const struct store_record *a, const uint8_t *key, size_t n)
{
    int c = memcmp(a->key, key, a->key_n < n ? a->key_n : n);
    return c != 0 ? c : a->key_n < n ? -1 : a->key_n > n;
}

// Where a key stands, or would stand.
static inline size_t store_at(const struct store *s, const uint8_t *key, size_t n)
{
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (store_order(&s->v[mid], key, n) < 0) low = mid + 1;
        else high = mid;
    }
    return low;
}

static inline const struct store_record *store_find(const struct store *s, const uint8_t *key, size_t n)
{
    size_t at = store_at(s, key, n);
    return at < s->n && store_order(&s->v[at], key, n) == 0 ? &s->v[at] : NULL;
}

static inline uint8_t *store_masked(const uint8_t *p, size_t n)
{
    uint8_t *copy = (uint8_t *)store_check(malloc(n + 1));
    for (size_t i = 0; i < n; i++) copy[i] = p[i] ^ STORE_MASK;
    return copy;
}

static inline void store_insert(struct store *s, size_t at, struct store_record x)
{
    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 16;
        s->v = (struct store_record *)store_check(realloc(s->v, s->cap * sizeof *s->v));
    }
    if (s->n > at) memmove(s->v + at + 1, s->v + at, (s->n - at) * sizeof *s->v);
    s->v[at] = x;
    s->n++;
}

static inline void store_remove(struct store *s, size_t at)
{
    free(s->v[at].value);
    s->n--;
    if (s->n > at) memmove(s->v + at, s->v + at + 1, (s->n - at) * sizeof *s->v);
}

static inline void store_free(struct store *s)
{
    for (size_t i = 0; i < s->n; i++) free(s->v[i].value);
    free(s->v);
    *s = (struct store){0};
}

// One record of a transaction, which is a store too, with deletions in it.
static inline bool store_take(void *arg, struct mls_span key, struct mls_span value)
{
    struct store *t = (struct store *)arg;
    struct store_record x = {.key_n = key.size, .n = value.size};
    if (key.size > STORE_KEY_MAX) return false;
    memcpy(x.key, key.data, key.size);
    if (value.data != NULL) x.value = store_masked(value.data, value.size);
    size_t at = store_at(t, x.key, x.key_n);
    if (at < t->n && store_order(&t->v[at], x.key, x.key_n) == 0) store_remove(t, at); // the later one counts
    store_insert(t, at, x);
    t->bytes += key.size + value.size;
    t->changed++;
    return true;
}

// Takes a transaction over and empties it.
static inline void store_apply(struct store *s, struct store *t)
{
    s->bytes = t->bytes;
    s->changed = t->changed;
    for (size_t i = 0; i < t->n; i++) {
        struct store_record *x = &t->v[i];
        size_t at = store_at(s, x->key, x->key_n);
        if (at < s->n && store_order(&s->v[at], x->key, x->key_n) == 0) store_remove(s, at);
        if (x->value != NULL) store_insert(s, at, *x);
        x->value = NULL;
    }
    store_free(t);
}

// Stores what has changed in the group. `fails`: the database does not take it, and the store stays as it was.
static inline enum mls_error store_save(struct store *s, struct mls_group *g, bool fails)
{
    struct store t = {0};
    enum mls_error e = mls_group_changes(g, store_take, &t);
    if (e == MLS_OK && !fails) {
        store_apply(s, &t);
        mls_group_saved(g);
    }
    store_free(&t);
    return e;
}

static inline void store_copy(struct store *to, const struct store *from)
{
    *to = (struct store){0};
    for (size_t i = 0; i < from->n; i++) {
        struct store_record x = from->v[i];
        x.value = (uint8_t *)store_check(malloc(x.n + 1));
        memcpy(x.value, from->v[i].value, x.n);
        store_insert(to, to->n, x);
    }
}

// The first key in which two stores differ, as a word for a message; NULL if they are equal.
static inline const char *store_difference(const struct store *a, const struct store *b)
{
    static char text[80];
    for (size_t i = 0; i < a->n || i < b->n; i++) {
        const struct store_record *x = i < a->n ? &a->v[i] : NULL, *y = i < b->n ? &b->v[i] : NULL;
        if (x != NULL && y != NULL && store_order(x, y->key, y->key_n) == 0 && x->n == y->n &&
            memcmp(x->value, y->value, x->n) == 0) {
            continue;
        }
        const struct store_record *z = x == NULL || (y != NULL && store_order(x, y->key, y->key_n) > 0) ? y : x;
        bool both = x != NULL && y != NULL && store_order(x, y->key, y->key_n) == 0;
        int n = snprintf(text, sizeof text, "%s ", both ? "other value" : z == x ? "only left" : "only right");
        for (size_t k = 0; k < z->key_n && n > 0 && (size_t)n + 3 < sizeof text; k++) {
            n += snprintf(text + n, sizeof text - (size_t)n, "%02x", z->key[k]);
        }
        return text;
    }
    return NULL;
}

// Gives the records one by one, the last first, each in memory of its own: a reader past its end is caught by a sanitizer.
struct store_reader {
    const struct store *store;
    size_t left;
    uint8_t *key, *value; // of the record that is out
    size_t n;
};

static inline void store_give_back(struct store_reader *r)
{
    if (r->value != NULL) memset(r->value, STORE_MASK, r->n);
    __asm__ volatile("" : : "r"(r->value) : "memory"); // so that the memset stays
    free(r->key);
    free(r->value);
    r->key = r->value = NULL;
}

static inline bool store_next(void *arg, struct mls_span *key, struct mls_span *value)
{
    struct store_reader *r = (struct store_reader *)arg;
    store_give_back(r);
    if (r->left == 0) return false;
    const struct store_record *x = &r->store->v[--r->left];
    r->key = (uint8_t *)store_check(malloc(x->key_n));
    memcpy(r->key, x->key, x->key_n);
    r->value = store_masked(x->value, x->n);
    r->n = x->n;
    *key = (struct mls_span){r->key, x->key_n};
    *value = (struct mls_span){r->value, x->n};
    return true;
}

static inline enum mls_error store_restore(const struct store *s, const struct mls_client *c, struct mls_group **out)
{
    struct store_reader r = {.store = s, .left = s->n};
    enum mls_error e = mls_group_restore(c, store_next, &r, out);
    store_give_back(&r);
    return e;
}

#endif
