// SPDX-License-Identifier: Apache-2.0
//
// What systemd tells a service by its environment, and a service tells systemd by a datagram. The socket is opened before the
// sandbox closes.
#include "relay/service.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static unsigned long long number(const char *name)
{
    const char *value = getenv(name);
    return value == NULL ? 0 : strtoull(value, NULL, 10);
}

static int open_notify(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    if (n < 2 || n >= sizeof to.sun_path || (path[0] != '/' && path[0] != '@')) return -1;
    memcpy(to.sun_path, path, n);
    if (path[0] == '@') to.sun_path[0] = 0; // an abstract name
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (connect(fd, (struct sockaddr *)&to, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

void service_init(struct service *s)
{
    const char *path = getenv("NOTIFY_SOCKET");
    *s = (struct service){.notify = path == NULL ? -1 : open_notify(path), .first = 3};
    unsigned long long pid = (unsigned long long)getpid();
    if (number("LISTEN_PID") == pid && number("LISTEN_FDS") < 64) s->sockets = (int)number("LISTEN_FDS");
    for (int i = 0; i < s->sockets; i++) (void)fcntl(s->first + i, F_SETFD, FD_CLOEXEC);
    const char *watched = getenv("WATCHDOG_PID");
    if (watched == NULL || number("WATCHDOG_PID") == pid) s->watchdog_ms = number("WATCHDOG_USEC") / 1000;
    const char *const names[] = {"NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID", "WATCHDOG_USEC"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) (void)unsetenv(names[i]);
}

void service_tell(const struct service *s, const char *state)
{
    char text[100];
    struct timespec t;
    if (s->notify < 0) return;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int n = snprintf(text, sizeof text, "%s\nMONOTONIC_USEC=%lld", state,
                     (long long)t.tv_sec * 1000000 + (long long)t.tv_nsec / 1000);
    (void)send(s->notify, text, (size_t)n, MSG_NOSIGNAL);
}
