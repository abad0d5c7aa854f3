// SPDX-License-Identifier: Apache-2.0
//
// Listening sockets and what comes in at them. Several loops may listen at one socket; each takes a few connections at a time, so
// that the others get theirs. Where the process has no file descriptors left, accepting rests for a while: the kernel
// would otherwise say again and again that somebody waits.
#include "net/inner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

enum { AT_A_TIME = 16, REST_MS = 500, BACKLOG = 4096 };

struct net_listener {
    uv_poll_t poll;
    struct net_loop *loop;
    struct net_listener *next, **link;
    struct net_accept accept;
    struct net_timer rest;
    int fd;
    bool closed;
};

size_t net_address(const struct sockaddr *a, uint8_t out[16])
{
    if (a->sa_family == AF_INET) {
        memcpy(out, &((const struct sockaddr_in *)(const void *)a)->sin_addr, 4);
        return 4;
    }
    if (a->sa_family != AF_INET6) return 0;
    const struct in6_addr *in6 = &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
    bool mapped = IN6_IS_ADDR_V4MAPPED(in6);
    memcpy(out, in6->s6_addr + (mapped ? 12 : 0), mapped ? 4 : 16);
    return mapped ? 4 : 16;
}

enum err net_listen_socket(const char *address, uint16_t *port, int *fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } a = {0};
    socklen_t n = sizeof a.in;
    int one = 1;
    *fd = -1;
    if (inet_pton(AF_INET, address, &a.in.sin_addr) == 1) {
        a.in.sin_family = AF_INET;
        a.in.sin_port = htons(*port);
    } else if (inet_pton(AF_INET6, address, &a.in6.sin6_addr) == 1) {
        a.in6.sin6_family = AF_INET6;
        a.in6.sin6_port = htons(*port);
        n = sizeof a.in6;
    } else {
        return ERR_MALFORMED;
    }
    int s = socket(a.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s < 0) return errno == EAFNOSUPPORT ? ERR_UNSUPPORTED : ERR_IO;
    bool ok = setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0;
    if (n == sizeof a.in6) ok = ok && setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) == 0;
    ok = ok && bind(s, &a.any, n) == 0 && listen(s, BACKLOG) == 0 && getsockname(s, &a.any, &n) == 0;
    if (!ok) {
        (void)close(s);
        return ERR_IO;
    }
    *port = ntohs(a.any.sa_family == AF_INET ? a.in.sin_port : a.in6.sin6_port);
    *fd = s;
    return ERR_OK;
}

static void on_event(uv_poll_t *p, int status, int events);

static void wake_up(struct net_timer *t)
{
    struct net_listener *n = (struct net_listener *)(void *)((char *)t - offsetof(struct net_listener, rest));
    (void)uv_poll_start(&n->poll, UV_READABLE, on_event);
}

static void rest(struct net_listener *n)
{
    (void)uv_poll_stop(&n->poll);
    net_timer_start(n->loop, &n->rest, REST_MS, wake_up);
}

static void welcome(struct net_listener *n, int fd, const struct sockaddr *peer)
{
    uint8_t address[16];
    size_t size = net_address(peer, address);
    struct net_tls *tls = n->accept.admit(n->accept.arg, address, size);
    struct net_conn *c = NULL;
    if (tls == NULL || net_conn_new(n->loop, fd, peer, tls, false, &c) != ERR_OK) {
        (void)close(fd);
        return;
    }
    net_conn_time(c, n->accept.handshake_ms);
    n->accept.accept(n->accept.arg, c);
}

static void on_event(uv_poll_t *p, int status, int events)
{
    struct net_listener *n = p->data;
    (void)events;
    if (status < 0) { // it is no listening socket any more, or the kernel is in trouble
        rest(n);
        return;
    }
    for (unsigned i = 0; i < AT_A_TIME && !n->closed; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t size = sizeof peer;
        int fd = accept4(n->fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) welcome(n, fd, (const struct sockaddr *)&peer);
        else if (errno == EAGAIN || errno == EWOULDBLOCK) break;
        else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM || errno == EINVAL) {
            rest(n);
            break;
        } // other errors are those of the connection that was to be accepted
    }
}

enum err net_listen(struct net_loop *l, int fd, const struct net_accept *accept, struct net_listener **out)
{
    *out = NULL;
    if (l->stopping) return ERR_REFUSED;
    struct net_listener *n = mem_new(sizeof *n);
    if (n == NULL) return ERR_MEMORY;
    if (uv_poll_init(&l->uv, &n->poll, fd) != 0) {
        mem_free(n);
        return ERR_IO;
    }
    n->poll.data = n;
    n->loop = l;
    n->fd = fd;
    n->accept = *accept;
    (void)uv_poll_start(&n->poll, UV_READABLE, on_event);
    n->next = l->listeners;
    if (n->next != NULL) n->next->link = &n->next;
    n->link = &l->listeners;
    l->listeners = n;
    l->handles++;
    *out = n;
    return ERR_OK;
}

static void on_gone(uv_handle_t *h)
{
    struct net_listener *n = h->data;
    n->loop->handles--;
    mem_free(n);
}

void net_listener_destroy(struct net_listener *n)
{
    if (n->closed) return;
    n->closed = true;
    *n->link = n->next;
    if (n->next != NULL) n->next->link = n->link;
    net_timer_stop(&n->rest);
    uv_close((uv_handle_t *)&n->poll, on_gone);
}

void net_listener_close(struct net_listener *n)
{
    if (n != NULL) net_listener_destroy(n);
}
