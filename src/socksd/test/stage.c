// SPDX-License-Identifier: Apache-2.0
//
// The stage: sockets, and a resolver of its own.
#include "socksd/test/stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

// --------------------------------------------------------------------------------------------------------------- names

static struct {
    char name[64], addresses[128];
} names[4];
static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_size_t lookups;

void stage_name(const char *name, const char *addresses)
{
    size_t i = 0;
    (void)pthread_mutex_lock(&names_lock);
    while (i < 3 && names[i].name[0] != 0 && strcmp(names[i].name, name) != 0) i++;
    (void)snprintf(names[i].name, sizeof names[i].name, "%s", name);
    (void)snprintf(names[i].addresses, sizeof names[i].addresses, "%s", addresses);
    (void)pthread_mutex_unlock(&names_lock);
}

size_t stage_lookups(void) { return atomic_load(&lookups); }

static struct addrinfo *answer(const char *address)
{
    struct {
        struct addrinfo info;
        struct sockaddr_storage address;
    } *a = calloc(1, sizeof *a);
    struct sockaddr_in *in = (struct sockaddr_in *)&a->address;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a->address;
    const bool v4 = inet_pton(AF_INET, address, &in->sin_addr) == 1;
    assert_true(v4 || inet_pton(AF_INET6, address, &in6->sin6_addr) == 1);
    a->address.ss_family = v4 ? AF_INET : AF_INET6;
    a->info.ai_family = a->address.ss_family;
    a->info.ai_addr = (struct sockaddr *)&a->address;
    return &a->info;
}

// The linker puts these in the place of the C library's.
int __wrap_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out);
void __wrap_freeaddrinfo(struct addrinfo *list);
int __wrap_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    char addresses[128] = "", one[64];
    struct addrinfo **last = out;
    (void)service;
    (void)hints;
    (void)atomic_fetch_add(&lookups, 1);
    (void)pthread_mutex_lock(&names_lock);
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(names[i].name, name) == 0) memcpy(addresses, names[i].addresses, sizeof addresses);
    }
    (void)pthread_mutex_unlock(&names_lock);
    *out = NULL;
    const char *at = addresses;
    for (int n = 0; sscanf(at, "%63s%n", one, &n) == 1; at += n) {
        *last = answer(one);
        last = &(*last)->ai_next;
    }
    return *out != NULL ? 0 : EAI_NONAME;
}

void __wrap_freeaddrinfo(struct addrinfo *list)
{
    while (list != NULL) {
        struct addrinfo *next = list->ai_next;
        free(list);
        list = next;
    }
}

// ------------------------------------------------------------------------------------------------------------- listening

static int listen_on(const char *address, uint16_t *port)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(*port)};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(*port)};
    const bool v4 = inet_pton(AF_INET, address, &in.sin_addr) == 1;
    if (!v4) assert_int_equal(inet_pton(AF_INET6, address, &in6.sin6_addr), 1);
    struct sockaddr *a = v4 ? (struct sockaddr *)&in : (struct sockaddr *)&in6;
    socklen_t n = v4 ? sizeof in : sizeof in6;
    int fd = socket(a->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, a, n) == 0 && listen(fd, 64) == 0 && getsockname(fd, a, &n) == 0) {
        *port = ntohs(v4 ? in.sin_port : in6.sin6_port);
        return fd;
    }
    if (fd >= 0) close(fd);
    return -1;
}

void stage_init(struct stage *s)
{
    memset(s, 0, sizeof *s);
    memset(names, 0, sizeof names);
    atomic_store(&lookups, 0);
    s->place = listen_on("127.0.0.1", &s->place_port);
    assert_true(s->place >= 0);
    s->place6 = listen_on("::1", &s->place_port);
    socksd_defaults(&s->options);
    (void)snprintf(s->allow[0], sizeof s->allow[0], "127.0.0.1:%u", (unsigned)s->place_port);
    (void)snprintf(s->allow[1], sizeof s->allow[1], "[::1]:%u", (unsigned)s->place_port);
    for (size_t i = 0; i < 4; i++) s->list[i] = s->allow[i];
    s->options.allow = s->list;
    s->options.allow_n = 2;
    s->options.anyone = true;
    s->options.rate = s->options.rate_per_address = 0;
    s->options.threads = 2;
}

void stage_start(struct stage *s)
{
    char why[SOCKSD_WHY];
    if (socksd_new(&s->options, &s->server, why) != ERR_OK) fail_msg("%s", why);
    if (socksd_listen(s->server, "127.0.0.1", &s->port, why) != ERR_OK) fail_msg("%s", why);
    assert_ok(socksd_start(s->server));
}

void stage_wipe(struct stage *s)
{
    socksd_free(s->server);
    close(s->place);
    if (s->place6 >= 0) close(s->place6);
}

// --------------------------------------------------------------------------------------------------------------- clients

static void set_patience(int fd)
{
    const struct timeval ten = {.tv_sec = 10};
    assert_ok(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &ten, sizeof ten));
    assert_ok(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &ten, sizeof ten));
}

int stage_dial(const struct stage *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(s->port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    set_patience(fd);
    assert_ok(connect(fd, (struct sockaddr *)&a, sizeof a));
    return fd;
}

void stage_send(int fd, const void *p, size_t n) { assert_int_equal(send(fd, p, n, MSG_NOSIGNAL), n); }

ssize_t stage_receive(int fd, void *out, size_t n)
{
    size_t got = 0;
    while (got < n) {
        ssize_t k = recv(fd, (uint8_t *)out + got, n - got, 0);
        if (k < 0 && errno != ECONNRESET) fail_msg("nothing comes: %s", strerror(errno));
        if (k < 0) return -1;
        if (k == 0) break;
        got += (size_t)k;
    }
    return (ssize_t)got;
}

void stage_expect(int fd, const void *p, size_t n)
{
    uint8_t bytes[1024];
    assert_in_range(n, 1, sizeof bytes);
    assert_int_equal(stage_receive(fd, bytes, n), n);
    assert_memory_equal(bytes, p, n);
}

void stage_expect_end(int fd)
{
    uint8_t byte;
    assert_int_equal(stage_receive(fd, &byte, 1), 0);
}

size_t stage_request(const char *host, uint16_t port, uint8_t out[300])
{
    const uint8_t head[4] = {5, 1, 0, 3};
    size_t n = 4;
    memcpy(out, head, 4);
    if (inet_pton(AF_INET, host, out + 4) == 1) {
        out[3] = 1;
        n += 4;
    } else if (inet_pton(AF_INET6, host, out + 4) == 1) {
        out[3] = 4;
        n += 16;
    } else {
        out[4] = (uint8_t)strlen(host);
        memcpy(out + 5, host, out[4]);
        n += 1 + (size_t)out[4];
    }
    out[n] = (uint8_t)(port >> 8);
    out[n + 1] = (uint8_t)port;
    return n + 2;
}

uint8_t stage_ask(int fd, const char *host, uint16_t port)
{
    uint8_t request[300], answer[10];
    size_t n = stage_request(host, port, request);
    SEND(fd, "\x05\x01\x00");
    EXPECT(fd, "\x05\x00");
    stage_send(fd, request, n);
    assert_int_equal(stage_receive(fd, answer, 10), 10);
    assert_int_equal(answer[0], 5);
    assert_memory_equal(answer + 2, "\x00\x01\x00\x00\x00\x00\x00\x00",
                        8); // and nothing about the server's own network
    return answer[1];
}

int stage_accept(const struct stage *s)
{
    int fd = accept4(s->place, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    set_patience(fd);
    return fd;
}

int stage_through(const struct stage *s, int *end)
{
    int fd = stage_dial(s);
    assert_int_equal(stage_ask(fd, "127.0.0.1", s->place_port), SOCKS5_GRANTED);
    *end = stage_accept(s);
    return fd;
}

bool stage_nobody(const struct stage *s)
{
    struct pollfd p[2] = {{.fd = s->place, .events = POLLIN}, {.fd = s->place6, .events = POLLIN}};
    return poll(p, s->place6 >= 0 ? 2 : 1, 0) == 0;
}

void stage_until(const struct stage *s, uint64_t connections)
{
    struct socksd_counts c;
    for (int i = 0; i < 10000; i++) {
        const struct timespec ms = {.tv_nsec = 1000000};
        socksd_count(s->server, &c);
        if (c.connections == connections) return;
        (void)nanosleep(&ms, NULL);
    }
    fail_msg("there are %llu connections, not %llu", (unsigned long long)c.connections,
             (unsigned long long)connections);
}

struct stage stage;

int stage_setup(void **state)
{
    (void)state;
    stage_init(&stage);
    return 0;
}

int stage_teardown(void **state)
{
    (void)state;
    stage_wipe(&stage);
    return 0;
}
