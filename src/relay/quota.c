// SPDX-License-Identifier: Apache-2.0
//
// Quotas: a table of addresses that have connections now, or had a moment ago, and token buckets. Invariant: an entry without
// connections is in the list of those left, and leaves the table once its bucket would be full anyway.
#include "relay/quota.h"

#include "base/siphash.h"

enum { BUCKETS = 4096, PREFIX_V6 = 8, FULL_MS = 2000 };

bool bucket_take(struct bucket *b, uint64_t now_ms, uint64_t rate, uint64_t *wait)
{
    const uint64_t full = rate * 2 * 1000;
    if (rate == 0) return true;
    if (b->at == 0) b->level = full;
    if (now_ms > b->at) {
        uint64_t gone = now_ms - b->at; // one thousandth of a token is `rate` a second / 1000, a millisecond
        b->level = gone > full / rate ? full : b->level + gone * rate;
        if (b->level > full) b->level = full;
        b->at = now_ms;
    }
    if (b->level >= 1000) {
        b->level -= 1000;
        return true;
    }
    *wait = (1000 - b->level + rate - 1) / rate;
    return false;
}

enum err quota_init(struct quota *q, const uint64_t seed[2])
{
    *q = (struct quota){.buckets = BUCKETS, .seed = {seed[0], seed[1]}};
    q->left_last = &q->left;
    q->table = mem_new_array(q->buckets, sizeof *q->table);
    if (q->table == NULL) return ERR_MEMORY;
    pthread_mutex_init(&q->lock, NULL);
    return ERR_OK;
}

void quota_wipe(struct quota *q)
{
    if (q->table == NULL) return;
    for (size_t i = 0; i < q->buckets; i++) {
        for (struct quota_entry *e = q->table[i], *next; e != NULL; e = next) {
            next = e->next;
            mem_free(e);
        }
    }
    mem_free(q->table);
    pthread_mutex_destroy(&q->lock);
    *q = (struct quota){0};
}

static struct quota_entry **place(struct quota *q, const uint8_t *address, size_t n)
{
    struct quota_entry **at = &q->table[siphash(q->seed, span_of(address, n)) % q->buckets];
    while (*at != NULL && !((*at)->size == n && memcmp((*at)->address, address, n) == 0)) at = &(*at)->next;
    return at;
}

static void unlist(struct quota *q, struct quota_entry *e)
{
    *e->left_link = e->left_next;
    if (e->left_next != NULL) e->left_next->left_link = e->left_link;
    else q->left_last = e->left_link;
    e->left_link = NULL;
}

// They have all left in order, and each is kept equally long.
static void forget(struct quota *q, uint64_t now_ms)
{
    while (q->left != NULL && now_ms >= q->left->left_at + FULL_MS) {
        struct quota_entry *e = q->left, **at = place(q, e->address, e->size);
        unlist(q, e);
        *at = e->next;
        q->entries--;
        mem_free_wiped(e, sizeof *e);
    }
}

void quota_tidy(struct quota *q, uint64_t now_ms)
{
    pthread_mutex_lock(&q->lock);
    forget(q, now_ms);
    pthread_mutex_unlock(&q->lock);
}

struct quota_entry *quota_enter(struct quota *q, const uint8_t *address, size_t n, uint64_t now_ms,
                                uint64_t per_address, uint64_t all)
{
    struct quota_entry *e = NULL;
    if (n > PREFIX_V6) n = PREFIX_V6;
    pthread_mutex_lock(&q->lock);
    forget(q, now_ms);
    struct quota_entry **at = place(q, address, n);
    if (q->connections < all && per_address > 0) {
        e = *at;
        if (e == NULL && (e = mem_new(sizeof *e)) != NULL) {
            if (n > 0) memcpy(e->address, address, n);
            e->size = (uint8_t)n;
            *at = e;
            q->entries++;
        }
        if (e != NULL && e->connections >= per_address) e = NULL;
        if (e != NULL) {
            if (e->left_link != NULL) unlist(q, e);
            e->connections++;
            q->connections++;
        }
    }
    pthread_mutex_unlock(&q->lock);
    return e;
}

void quota_leave(struct quota *q, struct quota_entry *e, uint64_t now_ms)
{
    if (e == NULL) return;
    pthread_mutex_lock(&q->lock);
    q->connections--;
    if (--e->connections == 0) {
        e->left_at = now_ms;
        e->left_next = NULL;
        e->left_link = q->left_last;
        *q->left_last = e;
        q->left_last = &e->left_next;
    }
    forget(q, now_ms);
    pthread_mutex_unlock(&q->lock);
}

bool quota_take(struct quota *q, struct quota_entry *e, uint64_t now_ms, uint64_t rate, uint64_t *wait)
{
    if (rate == 0 || e == NULL) return true;
    pthread_mutex_lock(&q->lock);
    bool ok = bucket_take(&e->bucket, now_ms, rate, wait);
    pthread_mutex_unlock(&q->lock);
    return ok;
}

size_t quota_connections(struct quota *q)
{
    pthread_mutex_lock(&q->lock);
    size_t n = q->connections;
    pthread_mutex_unlock(&q->lock);
    return n;
}
