// SPDX-License-Identifier: Apache-2.0
//
// The floor: an echo server of epoll and OpenSSL and nothing else, one thread, in a process of its own. What it does a second
// is what a server on this machine can do at most that answers each message over TLS.
#include "bench/peer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static SSL_CTX *server_context(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    peer_check(ctx != NULL && key != NULL && x != NULL, "TLS");
    (void)ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(x), 0);
    (void)X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    (void)X509_set_pubkey(x, key);
    peer_check(X509_sign(x, key, EVP_sha256()) > 0, "a certificate");
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_num_tickets(ctx, 0);
    peer_check(SSL_CTX_use_certificate(ctx, x) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1, "the certificate");
    X509_free(x);
    EVP_PKEY_free(key);
    return ctx;
}

static void admit(int listener, int poll, SSL_CTX *ctx)
{
    const int one = 1;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    SSL *ssl = fd < 0 ? NULL : SSL_new(ctx);
    if (ssl == NULL) return;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)SSL_set_fd(ssl, fd);
    SSL_set_accept_state(ssl);
    struct epoll_event e = {.events = EPOLLIN, .data = {.ptr = ssl}};
    (void)epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e);
}

static void echo(SSL *ssl)
{
    static uint8_t bytes[16384];
    int n;
    while ((n = SSL_read(ssl, bytes, sizeof bytes)) > 0) (void)SSL_write(ssl, bytes, n);
    if (SSL_get_error(ssl, n) == SSL_ERROR_WANT_READ) return;
    int fd = SSL_get_fd(ssl);
    SSL_free(ssl);
    close(fd);
}

_Noreturn static void serve(int listener)
{
    struct epoll_event events[256], e = {.events = EPOLLIN, .data = {.ptr = NULL}};
    SSL_CTX *ctx = server_context();
    int poll = epoll_create1(EPOLL_CLOEXEC);
    (void)epoll_ctl(poll, EPOLL_CTL_ADD, listener, &e);
    for (;;) {
        int k = epoll_wait(poll, events, 256, -1);
        for (int i = 0; i < k; i++) {
            if (events[i].data.ptr == NULL) admit(listener, poll, ctx);
            else echo(events[i].data.ptr);
        }
    }
}

uint16_t echo_start(pid_t *child)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    peer_check(fd >= 0 && bind(fd, (struct sockaddr *)&a, n) == 0 && listen(fd, 1024) == 0, "listen");
    peer_check(getsockname(fd, (struct sockaddr *)&a, &n) == 0, "getsockname");
    *child = fork();
    peer_check(*child >= 0, "fork");
    if (*child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(fd);
    }
    close(fd);
    return ntohs(a.sin_port);
}

void echo_stop(pid_t child)
{
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
}
