// SPDX-License-Identifier: Apache-2.0
//
// Names to addresses, by the system's resolver in libuv's pool of threads. Invariant: a lookup counts as a handle of its loop, so the
// loop does not end under it.
#include "net/inner.h"

#include <arpa/inet.h>
#include <stdio.h>

enum { ADDRESSES_MAX = 16 };

struct net_lookup {
    uv_getaddrinfo_t request;
    struct net_loop *loop;
    void (*done)(void *arg, const struct sockaddr *const *list, size_t n);
    void *arg;
};

static void on_answer(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct net_lookup *r = request->data;
    const struct sockaddr *list[ADDRESSES_MAX];
    size_t n = 0;
    for (const struct addrinfo *a = status == 0 ? found : NULL; a != NULL && n < ADDRESSES_MAX; a = a->ai_next) {
        if (a->ai_family == AF_INET || a->ai_family == AF_INET6) list[n++] = a->ai_addr;
    }
    r->loop->handles--;
    if (r->done != NULL) r->done(r->arg, list, n);
    uv_freeaddrinfo(found);
    mem_free(r);
}

enum err net_resolve(struct net_loop *l, const char *host, uint16_t port,
                     void (*done)(void *arg, const struct sockaddr *const *list, size_t n), void *arg,
                     struct net_lookup **out)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    char service[8];
    if (l->stopping) return ERR_REFUSED;
    struct net_lookup *r = mem_new(sizeof *r);
    if (r == NULL) return ERR_MEMORY;
    *r = (struct net_lookup){.loop = l, .done = done, .arg = arg};
    r->request.data = r;
    (void)snprintf(service, sizeof service, "%u", (unsigned)port);
    if (uv_getaddrinfo(&l->uv, &r->request, on_answer, host, service, &hints) != 0) {
        mem_free(r);
        return ERR_INVALID; // the host is no name that could be looked up
    }
    l->handles++;
    *out = r;
    return ERR_OK;
}

void net_resolve_forget(struct net_lookup *r)
{
    r->done = NULL;
    (void)uv_cancel((uv_req_t *)&r->request); // if it has not begun; the answer comes all the same
}

enum err net_conn_name(struct net_conn *c, const char *host)
{
    uint8_t numeric[16];
    if (inet_pton(AF_INET, host, numeric) == 1 || inet_pton(AF_INET6, host, numeric) == 1) return ERR_OK;
    return SSL_set_tlsext_host_name(c->ssl, host) == 1 ? ERR_OK : ERR_INVALID;
}
