// SPDX-License-Identifier: Apache-2.0
//
// What systemd and the relay say to each other: the test plays systemd, with a socket of its own and the environment.
#include "unit.h"

#include "relay/service.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void set_number(const char *name, long long n)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", n);
    assert_int_equal(setenv(name, text, 1), 0);
}

static const char *const names[] = {"NOTIFY_SOCKET",  "LISTEN_PID",   "LISTEN_FDS",
                                    "LISTEN_FDNAMES", "WATCHDOG_PID", "WATCHDOG_USEC"};

static int clear(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) (void)unsetenv(names[i]);
    return 0;
}

static void without_systemd_nothing_happens(void **state)
{
    struct service s;
    (void)state;
    service_init(&s);
    assert_int_equal(s.notify, -1);
    assert_int_equal(s.sockets, 0);
    assert_int_equal(s.watchdog_ms, 0);
    service_tell(&s, "READY=1"); // to nobody
}

static int listen_at(struct sockaddr_un *a, socklen_t n)
{
    const struct timeval limit = {.tv_sec = 30};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)a, n), 0);
    return fd;
}

static void tell_and_hear(int fd)
{
    static const char *const states[] = {"READY=1", "RELOADING=1", "WATCHDOG=1", "STOPPING=1"};
    struct service s;
    char text[200];
    service_init(&s);
    assert_true(s.notify >= 0);
    assert_true((fcntl(s.notify, F_GETFD) & FD_CLOEXEC) != 0);
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        unsigned long long usec = 0;
        service_tell(&s, states[i]);
        ssize_t n = recv(fd, text, sizeof text - 1, 0);
        assert_true(n > 0);
        text[n] = 0;
        assert_memory_equal(text, states[i], strlen(states[i]));
        // Type=notify-reload wants the moment in which a reload has begun.
        assert_int_equal(sscanf(text + strlen(states[i]), "\nMONOTONIC_USEC=%llu", &usec), 1);
        assert_true(usec > 0);
    }
    (void)close(s.notify);
}

static void states_are_told(void **state)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char folder[] = "/tmp/whimbrel-service-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(a.sun_path, sizeof a.sun_path, "%s/notify", folder);
    int fd = listen_at(&a, sizeof a);
    assert_int_equal(setenv("NOTIFY_SOCKET", a.sun_path, 1), 0);
    tell_and_hear(fd);
    (void)close(fd);
    (void)unlink(a.sun_path);
    (void)rmdir(folder);
    // An abstract name.
    a = (struct sockaddr_un){.sun_family = AF_UNIX};
    int n = snprintf(a.sun_path + 1, sizeof a.sun_path - 1, "whimbrel-test-%d", (int)getpid());
    fd = listen_at(&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n));
    char text[200];
    snprintf(text, sizeof text, "@%s", a.sun_path + 1);
    assert_int_equal(setenv("NOTIFY_SOCKET", text, 1), 0);
    tell_and_hear(fd);
    (void)close(fd);
}

static void a_wrong_notify_socket_is_none(void **state)
{
    static char longest[200];
    static const char *const wrong[] = {"", "/", "relative/path", "/nowhere/at/all", longest};
    (void)state;
    memset(longest, '/', sizeof longest - 1);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct service s;
        assert_int_equal(setenv("NOTIFY_SOCKET", wrong[i], 1), 0);
        service_init(&s);
        assert_int_equal(s.notify, -1);
        assert_null(getenv("NOTIFY_SOCKET"));
    }
}

// Nothing that was meant for the relay is seen by what it might start, or by itself twice.
static void the_environment_is_taken_away(void **state)
{
    struct service s;
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) assert_int_equal(setenv(names[i], "1", 1), 0);
    service_init(&s);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) assert_null(getenv(names[i]));
    assert_int_equal(s.sockets, 0); // meant for process 1
    assert_int_equal(s.watchdog_ms, 0);
}

static void sockets_are_handed_over(void **state)
{
    struct service s;
    int kept[2] = {dup(3), dup(4)}, fd[2];
    (void)state;
    // Descriptors 3 and 4, as systemd numbers them.
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    int high[2] = {fcntl(fd[0], F_DUPFD, 20), fcntl(fd[1], F_DUPFD, 20)};
    (void)close(fd[0]);
    (void)close(fd[1]);
    assert_int_equal(dup2(high[0], 3), 3);
    assert_int_equal(dup2(high[1], 4), 4);
    set_number("LISTEN_PID", getpid());
    set_number("LISTEN_FDS", 2);
    service_init(&s);
    assert_int_equal(s.first, 3);
    assert_int_equal(s.sockets, 2);
    for (int i = 3; i < 5; i++) assert_true((fcntl(i, F_GETFD) & FD_CLOEXEC) != 0);
    set_number("LISTEN_PID", getpid() + 1);
    set_number("LISTEN_FDS", 2);
    service_init(&s);
    assert_int_equal(s.sockets, 0);
    static const char *const wrong[] = {"-1", "64", "18446744073709551615", "many", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        set_number("LISTEN_PID", getpid());
        assert_int_equal(setenv("LISTEN_FDS", wrong[i], 1), 0);
        service_init(&s);
        assert_int_equal(s.sockets, 0);
    }
    for (int i = 0; i < 2; i++) {
        (void)close(high[i]);
        if (kept[i] >= 0) (void)dup2(kept[i], 3 + i);
        else (void)close(3 + i);
        if (kept[i] >= 0) (void)close(kept[i]);
    }
}

static void the_watchdog_is_ours_alone(void **state)
{
    struct service s;
    (void)state;
    set_number("WATCHDOG_USEC", 30000000);
    service_init(&s); // without WATCHDOG_PID: whoever reads it
    assert_int_equal(s.watchdog_ms, 30000);
    set_number("WATCHDOG_USEC", 30000000);
    set_number("WATCHDOG_PID", getpid());
    service_init(&s);
    assert_int_equal(s.watchdog_ms, 30000);
    set_number("WATCHDOG_USEC", 30000000);
    set_number("WATCHDOG_PID", getpid() + 1);
    service_init(&s);
    assert_int_equal(s.watchdog_ms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_systemd_nothing_happens, clear),
        cmocka_unit_test_setup(states_are_told, clear),
        cmocka_unit_test_setup(a_wrong_notify_socket_is_none, clear),
        cmocka_unit_test_setup(the_environment_is_taken_away, clear),
        cmocka_unit_test_setup(sockets_are_handed_over, clear),
        cmocka_unit_test_setup(the_watchdog_is_ours_alone, clear),
    };
    return unit_run("service", tests);
}
