// SPDX-License-Identifier: Apache-2.0
//
// The SOCKS5 server with sockets, as well-behaved and odd clients meet it: what is passed on to the last byte and the end behind it, what is
// refused without anything being tried, limits, times, and that nothing of a connection is left when it has gone.
#include "socksd/test/stage.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

static struct stage stage;

static int open_stage(void **state)
{
    (void)state;
    stage_init(&stage);
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_wipe(&stage);
    return 0;
}

// ------------------------------------------------------------------------------------------------------- what is refused

static void refused(enum err e, const char *word)
{
    struct socksd *s = NULL;
    char why[SOCKSD_WHY] = "";
    assert_int_equal(socksd_new(&stage.options, &s, why), e);
    assert_null(s);
    if (strstr(why, word) == NULL) fail_msg("it says: %s", why);
}

// Nothing that is left out makes an open proxy.
static void test_never_open_by_accident(void **state)
{
    (void)state;
    stage.options.allow_n = 0;
    refused(ERR_REFUSED, "no place is allowed");
    stage.options.allow_n = 2;
    stage.options.anyone = false;
    refused(ERR_REFUSED, "no users");
    struct socksd_user empty = {"ann", ""};
    stage.options.users = &empty;
    stage.options.users_n = 1;
    refused(ERR_LIMIT, "1 to 255");
    stage.options.users_n = 0;
    stage.options.anyone = true;
    (void)snprintf(stage.allow[1], sizeof stage.allow[1], "*:443");
    refused(ERR_MALFORMED, "*:443 is no place");
    stage.options.allow_n = 1;
    stage.options.threads = 17;
    refused(ERR_LIMIT, "threads");
    stage.options.threads = 1;

    struct socksd *s = NULL;
    char why[SOCKSD_WHY];
    uint16_t port = 0;
    assert_ok(socksd_new(&stage.options, &s, why));
    static const char *const others[] = {"0.0.0.0", "::", "192.168.1.2", "192.0.2.1", "::ffff:127.0.0.1", "fe80::1"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(socksd_listen(s, others[i], &port, why), ERR_REFUSED);
        assert_non_null(strstr(why, "without a password"));
    }
    assert_int_equal(socksd_listen(s, "localhost", &port, why), ERR_MALFORMED);
    assert_int_equal(socksd_start(s), ERR_MISUSE);
    socksd_free(s);
}

static void test_places_not_on_the_list(void **state)
{
    static const char *const hosts[] = {"127.0.0.2",        "127.1",       "0.0.0.0",   "localhost",     "2130706433",
                                        "::ffff:127.0.0.2", "::127.0.0.1", "192.0.2.1", "relay.example", "::"};
    struct socksd_counts c;
    (void)state;
    stage_name("localhost", "127.0.0.1");
    stage_start(&stage);
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        int fd = stage_dial(&stage);
        if (stage_ask(fd, hosts[i], stage.place_port) != SOCKS5_NOT_ALLOWED) fail_msg("%s is reached", hosts[i]);
        stage_expect_end(fd);
        close(fd);
    }
    int fd = stage_dial(&stage);
    assert_int_equal(stage_ask(fd, "127.0.0.1", (uint16_t)(stage.place_port ^ 1)), SOCKS5_NOT_ALLOWED);
    close(fd);
    assert_true(stage_nobody(&stage));
    assert_int_equal(stage_lookups(), 0); // a name that is not on the list is nobody's business
    stage_until(&stage, 0);
    socksd_count(stage.server, &c);
    assert_int_equal(c.refused, sizeof hosts / sizeof *hosts + 1);
    assert_int_equal(c.served, 0);
}

// ------------------------------------------------------------------------------------------------------------------ names

static uint8_t ask_once(const char *host)
{
    int fd = stage_dial(&stage);
    uint8_t r = stage_ask(fd, host, stage.place_port);
    close(fd);
    return r;
}

static void allow_names(size_t n, const char *const *hosts)
{
    for (size_t i = 0; i < n; i++)
        (void)snprintf(stage.allow[i], sizeof stage.allow[i], "%s:%u", hosts[i], (unsigned)stage.place_port);
    stage.options.allow_n = n;
}

// A name on the list leads into the server's own network only where that address is on the list as well.
static void test_rebinding(void **state)
{
    (void)state;
    allow_names(2, (const char *const[]){"relay.example", "gone.example"});
    stage_name("relay.example", "127.0.0.1 ::1 ::ffff:127.0.0.1 64:ff9b::7f00:1");
    stage_start(&stage);
    assert_int_equal(ask_once("relay.example"), SOCKS5_NOT_ALLOWED);
    assert_int_equal(ask_once("gone.example"), SOCKS5_HOST_UNREACHABLE);
    assert_int_equal(ask_once("127.0.0.1"), SOCKS5_NOT_ALLOWED);
    assert_true(stage_nobody(&stage));
}

static void test_names(void **state)
{
    (void)state;
    allow_names(2, (const char *const[]){"relay.example", "127.0.0.1"});
    stage_name("relay.example", "10.0.0.1 127.0.0.1"); // the first is not on the list
    stage_start(&stage);
    for (int i = 0; i < 3; i++) {
        int fd = stage_dial(&stage);
        assert_int_equal(stage_ask(fd, i == 1 ? "RELAY.example." : "relay.example", stage.place_port), SOCKS5_GRANTED);
        close(stage_accept(&stage));
        close(fd);
    }
    assert_int_equal(stage_lookups(), 1); // the answer holds for a while
}

// --------------------------------------------------------------------------------------------------------------- passing

static void test_both_ways_and_ends(void **state)
{
    int end;
    (void)state;
    stage_start(&stage);
    int fd = stage_through(&stage, &end);
    SEND(fd, "question");
    EXPECT(end, "question");
    SEND(end, "answer");
    EXPECT(fd, "answer");
    assert_ok(shutdown(fd, SHUT_WR)); // the end of one direction leaves the other
    stage_expect_end(end);
    SEND(end, "the rest");
    EXPECT(fd, "the rest");
    close(end);
    stage_expect_end(fd);
    stage_until(&stage, 0);
    close(fd);

    fd = stage_through(&stage, &end); // and the other way round
    assert_ok(shutdown(end, SHUT_WR));
    stage_expect_end(fd);
    SEND(fd, "more");
    EXPECT(end, "more");
    close(fd);
    stage_expect_end(end);
    close(end);
    stage_until(&stage, 0);
}

static void test_ipv6(void **state)
{
    (void)state;
    if (stage.place6 < 0) {
        print_message("# skipped: there is no IPv6 here\n");
        return;
    }
    stage_start(&stage);
    int fd = stage_dial(&stage);
    assert_int_equal(stage_ask(fd, "::1", stage.place_port), SOCKS5_GRANTED);
    int end = accept(stage.place6, NULL, NULL);
    assert_true(end >= 0);
    SEND(end, "six");
    EXPECT(fd, "six");
    close(end);
    close(fd);
}

// Clients that do not wait for answers: all of it in one piece, with the first bytes for the place behind it.
static void test_all_at_once(void **state)
{
    uint8_t all[400] = {5, 1, 0};
    (void)state;
    stage_start(&stage);
    size_t n = 3 + stage_request("127.0.0.1", stage.place_port, all + 3);
    memcpy(all + n, "and the first bytes", 19);
    int fd = stage_dial(&stage);
    stage_send(fd, all, n + 19);
    EXPECT(fd, "\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00");
    int end = stage_accept(&stage);
    EXPECT(end, "and the first bytes");
    close(fd);
    stage_expect_end(end);
    close(end);
}

static void test_reset_is_passed_on(void **state)
{
    const struct linger at_once = {.l_onoff = 1};
    uint8_t byte;
    int end;
    (void)state;
    stage_start(&stage);
    for (int side = 0; side < 2; side++) {
        int fd = stage_through(&stage, &end);
        for (int i = 0; i < 2; i++) { // so that all that was sent to the other side is acknowledged
            const int from = i == side ? fd : end, to = i == side ? end : fd;
            SEND(from, "x");
            EXPECT(to, "x");
        }
        assert_ok(setsockopt(side == 0 ? fd : end, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
        close(side == 0 ? fd : end);
        assert_int_equal(stage_receive(side == 0 ? end : fd, &byte, 1), -1);
        close(side == 0 ? end : fd);
        stage_until(&stage, 0);
    }
}

// ------------------------------------------------------------------------------------------------------------------ much

// The kernel takes tens of megabytes on its own for a connection whose reader is slow.
enum { MUCH = 24 << 20, MORE = 160 << 20, PIECE = 100000 };

static uint8_t pattern(size_t i) { return (uint8_t)((i * 2654435761u) >> 13); }

struct flood {
    pthread_t thread;
    int fd;
    size_t size;
};
static void *pour(void *arg)
{
    struct flood *f = arg;
    static _Thread_local uint8_t piece[PIECE];
    for (size_t at = 0; at < f->size;) {
        size_t n = f->size - at < PIECE ? f->size - at : PIECE;
        for (size_t i = 0; i < n; i++) piece[i] = pattern(at + i);
        for (size_t sent = 0; sent < n;) {
            ssize_t k = send(f->fd, piece + sent, n - sent, MSG_NOSIGNAL);
            if (k <= 0) return NULL;
            sent += (size_t)k;
        }
        at += n;
    }
    (void)shutdown(f->fd, SHUT_WR);
    return NULL;
}

// Reads pieces of different sizes, and so is now quicker and now slower than what comes.
static void drink(int fd, size_t size)
{
    static uint8_t piece[PIECE];
    size_t at = 0, wrong = 0;
    for (unsigned i = 0;; i++) {
        ssize_t k = recv(fd, piece, i % 7 == 0 ? 100 : PIECE, 0);
        assert_true(k >= 0);
        if (k == 0) break;
        for (size_t j = 0; j < (size_t)k; j++) wrong += piece[j] != pattern(at + j);
        at += (size_t)k;
    }
    assert_int_equal(wrong, 0);
    assert_int_equal(at, size);
}

// Both ways at once, so that neither waits for the other.
static void test_much(void **state)
{
    int end;
    (void)state;
    stage_start(&stage);
    int fd = stage_through(&stage, &end);
    struct flood up = {.fd = fd, .size = MUCH}, down = {.fd = end, .size = MUCH};
    assert_ok(pthread_create(&up.thread, NULL, pour, &up));
    assert_ok(pthread_create(&down.thread, NULL, pour, &down));
    drink(end, MUCH);
    drink(fd, MUCH);
    (void)pthread_join(up.thread, NULL);
    (void)pthread_join(down.thread, NULL);
    stage_until(&stage, 0);
    close(fd);
    close(end);
}

// A reader and a writer whose kernel buffers stay small, so that much does not vanish in them.
static void keep_little(int reader, int writer)
{
    const int little = 65536;
    assert_ok(setsockopt(reader, SOL_SOCKET, SO_RCVBUF, &little, sizeof little));
    assert_ok(setsockopt(writer, SOL_SOCKET, SO_SNDBUF, &little, sizeof little));
}

// Waits until a writer cannot go on.
static void until_stopped(int writer)
{
    struct pollfd p = {.fd = writer, .events = POLLOUT};
    int quiet = 0;
    for (int i = 0; quiet < 20 && i < 3000; i++) {
        quiet = poll(&p, 1, 0) == 0 ? quiet + 1 : 0;
        usleep(5000);
    }
    if (quiet < 20) fail_msg("nothing stops the writer");
}

// Who does not read stops the writer, and gets everything when they do; who was waiting meanwhile did not wait for them.
static void test_slow_reader(void **state)
{
    int end, end2;
    (void)state;
    stage.options.threads = 1;
    stage_start(&stage);
    int fd = stage_through(&stage, &end);
    keep_little(fd, end);
    struct flood down = {.fd = end, .size = MORE};
    assert_ok(pthread_create(&down.thread, NULL, pour, &down));
    until_stopped(end);
    int other = stage_through(&stage, &end2);
    SEND(other, "me, too");
    EXPECT(end2, "me, too");
    close(other);
    close(end2);
    drink(fd, MORE);
    (void)pthread_join(down.thread, NULL);
    close(fd);
    close(end);
    stage_until(&stage, 0);
}

// ----------------------------------------------------------------------------------------------------------- odd clients

static const struct socksd_user ann = {"ann", "s3cret"};
static const char login[] = "\x05\x01\x02\x01\x03"
                            "ann\x06s3cret";

static void need_password(void)
{
    stage.options.users = &ann;
    stage.options.users_n = 1;
    stage.options.anyone = false;
}

static void test_byte_at_a_time(void **state)
{
    uint8_t all[400];
    size_t n = sizeof login - 1;
    (void)state;
    need_password();
    stage_start(&stage);
    memcpy(all, login, n);
    n += stage_request("127.0.0.1", stage.place_port, all + n);
    int fd = stage_dial(&stage);
    for (size_t i = 0; i < n; i++) {
        stage_send(fd, all + i, 1);
        if (i == 2) EXPECT(fd, "\x05\x02");
        if (i == sizeof login - 2) EXPECT(fd, "\x01\x00");
        if (i + 1 < n) usleep(500);
    }
    EXPECT(fd, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00");
    close(stage_accept(&stage));
    close(fd);
}

// Closing, and breaking off, behind every byte of a conversation.
static void test_closing_everywhere(void **state)
{
    const struct linger at_once = {.l_onoff = 1};
    uint8_t all[400];
    size_t n = sizeof login - 1;
    (void)state;
    need_password();
    stage.options.connections_per_address = 1000;
    stage_start(&stage);
    memcpy(all, login, n);
    n += stage_request("127.0.0.1", stage.place_port, all + n);
    for (size_t cut = 1; cut <= n; cut++) {
        for (int how = 0; how < 3; how++) {
            int fd = stage_dial(&stage);
            stage_send(fd, all, cut);
            if (how == 1) assert_ok(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
            if (how == 2) assert_ok(shutdown(fd, SHUT_WR));
            close(fd);
        }
    }
    while (!stage_nobody(&stage)) close(stage_accept(&stage)); // those that asked for it to the end
    stage_until(&stage, 0);
    int fd = stage_dial(&stage); // and it goes on
    stage_send(fd, all, n);
    EXPECT(fd, "\x05\x02\x01\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00");
    close(fd);
}

static void test_wrong_version_and_oversized(void **state)
{
    static uint8_t much[100000];
    struct socksd_counts c;
    (void)state;
    need_password();
    stage_start(&stage);
    int fd = stage_dial(&stage);
    SEND(fd, "GET / HTTP/1.1\r\n\r\n");
    assert_true(stage_receive(fd, much, 1) <= 0);
    close(fd);
    fd = stage_dial(&stage);
    SEND(fd, "\x04\x01\x01\xbb");
    assert_true(stage_receive(fd, much, 1) <= 0);
    close(fd);

    // A password that is wrong and has much behind it: the answer is read all the same.
    fd = stage_dial(&stage);
    SEND(fd, "\x05\x01\x02");
    EXPECT(fd, "\x05\x02");
    memset(much, 'x', sizeof much);
    much[0] = 1;
    much[1] = much[257] = 255;
    (void)send(fd, much, sizeof much, MSG_NOSIGNAL);
    EXPECT(fd, "\x01\x01");
    close(fd);
    stage_until(&stage, 0);
    socksd_count(stage.server, &c);
    assert_int_equal(c.refused, 1);
    assert_true(stage_nobody(&stage));
}

static void test_password_is_needed(void **state)
{
    (void)state;
    need_password();
    stage_start(&stage);
    int fd = stage_dial(&stage);
    SEND(fd, "\x05\x01\x00");
    EXPECT(fd, "\x05\xff");
    stage_expect_end(fd);
    close(fd);
    fd = stage_dial(&stage);
    SEND(fd, "\x05\x02\x00\x02\x01\x03"
             "ann\x06S3cret");
    EXPECT(fd, "\x05\x02\x01\x01");
    stage_expect_end(fd);
    close(fd);
}

// ------------------------------------------------------------------------------------------------------ limits and times

static void test_limits(void **state)
{
    struct socksd_counts c;
    int fd[3], end[3];
    uint8_t byte;
    (void)state;
    stage.options.connections_per_address = 2;
    stage_start(&stage);
    for (int i = 0; i < 2; i++) fd[i] = stage_through(&stage, &end[i]);
    int more = stage_dial(&stage);
    (void)send(more, "\x05\x01\x00", 3, MSG_NOSIGNAL);
    assert_true(stage_receive(more, &byte, 1) <= 0);
    close(more);
    close(fd[0]);
    close(end[0]);
    stage_until(&stage, 1);
    fd[0] = stage_through(&stage, &end[0]); // there is room again
    for (int i = 0; i < 2; i++) {
        close(fd[i]);
        close(end[i]);
    }
    socksd_count(stage.server, &c);
    assert_int_equal(c.limited, 1);
    assert_int_equal(c.served, 3);
}

// A rate of one a second lets four come at once, and sends somebody away soon after. What it does in time is in test_gate.c.
static void test_rate(void **state)
{
    struct socksd_counts c = {0};
    uint8_t byte;
    (void)state;
    stage.options.rate_per_address = 1;
    stage_start(&stage);
    for (int i = 0; i < 1000 && c.limited == 0; i++) {
        int fd = stage_dial(&stage);
        (void)send(fd, "\x05\x01\x00", 3, MSG_NOSIGNAL);
        ssize_t n = recv(fd, &byte, 1, 0);
        if (i < 4) assert_int_equal(n, 1);
        close(fd);
        socksd_count(stage.server, &c);
    }
    assert_int_equal(c.limited, 1);
}

static void test_times(void **state)
{
    int end;
    (void)state;
    stage.options.handshake_ms = 2000;
    stage.options.idle_ms = 1000;
    stage_start(&stage);
    int fd = stage_dial(&stage); // begins, and says no more
    SEND(fd, "\x05\x01\x00");
    EXPECT(fd, "\x05\x00");
    stage_expect_end(fd);
    close(fd);
    fd = stage_through(&stage, &end); // says nothing
    stage_expect_end(fd);
    stage_expect_end(end);
    close(fd);
    close(end);
    stage_until(&stage, 0);
}

static void test_nobody_there(void **state)
{
    struct socksd_counts c;
    (void)state;
    stage_start(&stage);
    close(stage.place);
    int fd = stage_dial(&stage);
    assert_int_equal(stage_ask(fd, "127.0.0.1", stage.place_port), SOCKS5_REFUSED);
    stage_expect_end(fd);
    close(fd);
    stage_until(&stage, 0);
    socksd_count(stage.server, &c);
    assert_int_equal(c.failed, 1);
    stage.place = dup(STDIN_FILENO);
}

// Connections of every state are there when the server ends.
static void test_ends_with_connections(void **state)
{
    int end;
    (void)state;
    stage_start(&stage);
    int fresh = stage_dial(&stage), open = stage_through(&stage, &end);
    SEND(fresh, "\x05");
    stage_until(&stage, 2);
    keep_little(open, end);
    struct flood down = {.fd = end, .size = MORE};
    assert_ok(pthread_create(&down.thread, NULL, pour, &down));
    until_stopped(end);
    socksd_free(stage.server);
    stage.server = NULL;
    (void)pthread_join(down.thread, NULL);
    close(fresh);
    close(open);
    close(end);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_never_open_by_accident),
        TEST(test_places_not_on_the_list),
        TEST(test_rebinding),
        TEST(test_names),
        TEST(test_both_ways_and_ends),
        TEST(test_ipv6),
        TEST(test_all_at_once),
        TEST(test_reset_is_passed_on),
        TEST(test_much),
        TEST(test_slow_reader),
        TEST(test_byte_at_a_time),
        TEST(test_closing_everywhere),
        TEST(test_password_is_needed),
        TEST(test_wrong_version_and_oversized),
        TEST(test_limits),
        TEST(test_rate),
        TEST(test_times),
        TEST(test_nobody_there),
        TEST(test_ends_with_connections),
    };
    return unit_run("socksd", tests);
}
