// SPDX-License-Identifier: Apache-2.0
//
// Names of places on the list, looked up by the system's resolver in a thread that may wait for it. An answer holds for a minute; while the
// resolver fails an older one is used, for an hour at most. Nobody can make it ask for a name that is not on the list.
#include "socksd/inner.h"

#include <netdb.h>

enum { AGAIN_MS = 2000 }; // after a failure

static void look_up(const char *name, struct socksd_addresses *out)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    *out = (struct socksd_addresses){0};
    if (getaddrinfo(name, NULL, &hints, &list) != 0) return;
    for (const struct addrinfo *a = list; a != NULL && out->n < NAME_ADDRESSES; a = a->ai_next) {
        struct socksd_address *to = &out->list[out->n];
        if (a->ai_family == AF_INET) {
            to->size = 4;
            memcpy(to->bytes, &((const struct sockaddr_in *)(const void *)a->ai_addr)->sin_addr, 4);
        } else if (a->ai_family == AF_INET6) {
            to->size = 16;
            memcpy(to->bytes, &((const struct sockaddr_in6 *)(const void *)a->ai_addr)->sin6_addr, 16);
        }
        if (to->size != 0) out->n++;
    }
    freeaddrinfo(list);
}

static void *run(void *arg)
{
    struct socksd_names *m = arg;
    (void)pthread_mutex_lock(&m->lock);
    while (!m->stopping) {
        size_t i = 0;
        while (i < m->n && !m->list[i].wanted) i++;
        if (i == m->n) {
            (void)pthread_cond_wait(&m->work, &m->lock);
            continue;
        }
        struct socksd_addresses found;
        (void)pthread_mutex_unlock(&m->lock);
        look_up(m->places[i].name, &found);
        (void)pthread_mutex_lock(&m->lock);
        struct socksd_name *name = &m->list[i];
        name->wanted = false;
        if (found.n == 0) {
            name->failed = socksd_now();
        } else {
            name->found = found;
            name->at = socksd_now();
        }
        m->done(m->arg);
    }
    (void)pthread_mutex_unlock(&m->lock);
    return NULL;
}

enum err socksd_names_start(struct socksd_names *m, const struct socksd_place *places, size_t n, void (*done)(void *),
                            void *arg)
{
    bool any = false;
    for (size_t i = 0; i < n; i++) any = any || places[i].size == 0;
    *m = (struct socksd_names){.places = places, .n = n, .done = done, .arg = arg};
    if (!any) return ERR_OK; // and no thread
    m->list = mem_new_array(n, sizeof *m->list);
    if (m->list == NULL) return ERR_MEMORY;
    (void)pthread_mutex_init(&m->lock, NULL);
    (void)pthread_cond_init(&m->work, NULL);
    m->running = pthread_create(&m->thread, NULL, run, m) == 0;
    return m->running ? ERR_OK : ERR_MEMORY;
}

void socksd_names_stop(struct socksd_names *m)
{
    if (m->list == NULL) return;
    (void)pthread_mutex_lock(&m->lock);
    m->stopping = true;
    (void)pthread_cond_signal(&m->work);
    (void)pthread_mutex_unlock(&m->lock);
    if (m->running) (void)pthread_join(m->thread, NULL);
    (void)pthread_cond_destroy(&m->work);
    (void)pthread_mutex_destroy(&m->lock);
    mem_free(m->list);
    m->list = NULL;
}

enum socksd_name_state socksd_names_get(struct socksd_names *m, size_t place, struct socksd_addresses *out)
{
    const uint64_t now = socksd_now();
    (void)pthread_mutex_lock(&m->lock);
    struct socksd_name *name = &m->list[place];
    const bool fresh = name->at != 0 && now - name->at < NAME_FRESH_MS,
               usable = name->at != 0 && now - name->at < NAME_STALE_MS,
               failed = name->failed != 0 && name->failed > name->at && now - name->failed < AGAIN_MS;
    enum socksd_name_state state = fresh || (failed && usable) ? NAME_KNOWN : failed ? NAME_UNKNOWN : NAME_ASKED;
    if (state == NAME_ASKED && !name->wanted) {
        name->wanted = true;
        (void)pthread_cond_signal(&m->work);
    }
    if (state == NAME_KNOWN) *out = name->found;
    (void)pthread_mutex_unlock(&m->lock);
    return state;
}
