// SPDX-License-Identifier: Apache-2.0
//
// The hub: a hash table of followed logs for each worker, and the passage of events from the store's thread to the workers. One
// copy of a batch serves all workers; the last to finish frees it. Invariant: a topic exists exactly as long as it has a
// follower.
#include "relay/hub.h"

#include "base/siphash.h"
#include "relay/core.h"
#include "relay/follow.h"

// So much may be on its way to a worker that is busy; beyond that its followers are told to read on from the store.
enum { BUCKETS_FIRST = 64, WAITING_MAX = 32 << 20 };

enum err hub_init(struct hub *h, const uint64_t seed[2])
{
    *h = (struct hub){.buckets = BUCKETS_FIRST, .seed = {seed[0], seed[1]}};
    h->bucket = mem_new_array(h->buckets, sizeof *h->bucket);
    return h->bucket != NULL ? ERR_OK : ERR_MEMORY;
}

void hub_wipe(struct hub *h)
{
    mem_free(h->bucket);
    h->bucket = NULL;
}

static struct topic **place(const struct hub *h, const uint8_t *log)
{
    // Clients choose the ids: without the seed they could make them meet in one bucket.
    return &h->bucket[siphash(h->seed, span_of(log, WIRE_ID)) & (h->buckets - 1)];
}

struct topic *hub_find(const struct hub *h, const uint8_t *log)
{
    if (h->topics == 0) return NULL;
    struct topic *t = *place(h, log);
    while (t != NULL && memcmp(t->log, log, WIRE_ID) != 0) t = t->next;
    return t;
}

// Without memory it stays as it is, only slower.
static void grow(struct hub *h)
{
    struct hub bigger = {.buckets = 2 * h->buckets, .seed = {h->seed[0], h->seed[1]}};
    bigger.bucket = mem_new_array(bigger.buckets, sizeof *bigger.bucket);
    if (bigger.bucket == NULL) return;
    for (size_t i = 0; i < h->buckets; i++) {
        for (struct topic *t = h->bucket[i], *next; t != NULL; t = next) {
            next = t->next;
            struct topic **to = place(&bigger, t->log);
            t->next = *to;
            *to = t;
        }
    }
    mem_free(h->bucket);
    h->bucket = bigger.bucket;
    h->buckets = bigger.buckets;
}

static struct topic *topic_of(struct hub *h, const uint8_t *log)
{
    struct topic *t = hub_find(h, log);
    if (t != NULL) return t;
    t = mem_new(sizeof *t);
    if (t == NULL) return NULL;
    if (h->topics >= h->buckets) grow(h);
    memcpy(t->log, log, WIRE_ID);
    struct topic **to = place(h, log);
    t->next = *to;
    *to = t;
    h->topics++;
    return t;
}

static void drop_topic(struct hub *h, struct topic *t)
{
    struct topic **at = place(h, t->log);
    while (*at != t) at = &(*at)->next;
    *at = t->next;
    h->topics--;
    mem_free(t);
}

enum err hub_follow(struct hub *h, struct session *s, const uint8_t *log, struct follow **out)
{
    struct follow *f = mem_new(sizeof *f);
    if (f == NULL) return ERR_MEMORY;
    struct topic *t = topic_of(h, log);
    if (t == NULL) {
        mem_free(f);
        return ERR_MEMORY;
    }
    *f = (struct follow){.topic = t, .next = t->followers, .link = &t->followers, .session = s, .state = FOLLOW_ASKING};
    if (f->next != NULL) f->next->link = &f->next;
    t->followers = f;
    atomic_fetch_add(&h->follows, 1);
    *out = f;
    return ERR_OK;
}

void hub_unfollow(struct hub *h, struct follow *f)
{
    *f->link = f->next;
    if (f->next != NULL) f->next->link = f->link;
    if (f->session_link != NULL) {
        *f->session_link = f->session_next;
        if (f->session_next != NULL) f->session_next->session_link = f->session_link;
    }
    if (f->topic->followers == NULL) drop_topic(h, f->topic);
    atomic_fetch_sub(&h->follows, 1);
    mem_free(f);
}

// ---------------------------------------------------------------------------------------- from the store to the workers

// Events with a copy of their payloads, shared by the workers.
struct news {
    atomic_size_t refs;
    size_t n, size; // events, and the bytes of all this
    struct store_event *event;
    struct arrival {
        struct net_post post;
        struct news *news;
        struct worker *worker;
    } arrival[RELAY_WORKERS_MAX];
    uint8_t bytes[];
};

static void news_unref(struct news *n)
{
    if (atomic_fetch_sub(&n->refs, 1) != 1) return;
    mem_free(n->event);
    mem_free(n);
}

static void arrive(struct net_post *p)
{
    struct arrival *a = (struct arrival *)(void *)p;
    for (size_t i = 0; i < a->news->n; i++) {
        struct topic *t = hub_find(&a->worker->hub, a->news->event[i].log);
        if (t != NULL) follow_event(a->worker, t, &a->news->event[i]);
    }
    atomic_fetch_sub(&a->worker->hub.waiting, a->news->size);
    news_unref(a->news);
}

static struct news *copy_events(const struct store_event *events, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) bytes += events[i].payload.n;
    struct news *news = mem_new(sizeof *news + bytes);
    struct store_event *copy = mem_new_array(n, sizeof *copy);
    if (news == NULL || copy == NULL) {
        mem_free(news);
        mem_free(copy);
        return NULL;
    }
    memcpy(copy, events, n * sizeof *copy);
    uint8_t *to = news->bytes;
    for (size_t i = 0; i < n; i++) {
        if (events[i].payload.n == 0) continue;
        memcpy(to, events[i].payload.p, events[i].payload.n);
        copy[i].payload.p = to;
        to += events[i].payload.n;
    }
    news->event = copy;
    news->n = n;
    news->size = sizeof *news + bytes + n * sizeof *copy;
    return news;
}

// Whether a worker can be sent news: not where nobody follows anything, and not where too much is on its way already. Its
// followers must not wait for what they are never told: each one reads on by itself.
static bool wants(struct worker *w, const struct news *news)
{
    if (atomic_load(&w->hub.follows) == 0) return false;
    if (news != NULL && atomic_load(&w->hub.waiting) + news->size <= WAITING_MAX) return true;
    follow_missed(w);
    return false;
}

void hub_watch(void *arg, const struct store_event *events, size_t n)
{
    struct relay *r = arg;
    size_t interested = 0;
    for (size_t i = 0; i < r->workers; i++) interested += atomic_load(&r->worker[i].hub.follows) > 0;
    if (interested == 0 || n == 0) return;
    struct news *news = copy_events(events, n); // NULL without memory
    if (news != NULL) atomic_init(&news->refs, 1);
    for (size_t i = 0; i < r->workers; i++) {
        struct worker *w = &r->worker[i];
        if (!wants(w, news)) continue;
        news->arrival[i] = (struct arrival){.post = {.fn = arrive}, .news = news, .worker = w};
        atomic_fetch_add(&news->refs, 1);
        atomic_fetch_add(&w->hub.waiting, news->size);
        net_loop_post(w->loop, &news->arrival[i].post);
    }
    if (news != NULL) news_unref(news);
}
