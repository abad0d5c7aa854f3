// SPDX-License-Identifier: Apache-2.0
//
// The SOCKS5 server with sockets, as odd clients meet it: what is refused without anything being tried, where names lead, limits, times,
// and that nothing of a connection is left when it has gone. What passes through is in test_flow.c.
#include "socksd/test/stage.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

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

// A listener whose queue is full: the system drops who wants to connect, as a broken network would.
static int open_silent(const char *address, int fill[2])
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(stage.place_port)};
    assert_int_equal(inet_pton(AF_INET, address, &a.sin_addr), 1);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_ok(bind(fd, (struct sockaddr *)&a, sizeof a));
    assert_ok(listen(fd, 0));
    for (int i = 0; i < 2; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(fill[i], (struct sockaddr *)&a, sizeof a);
    }
    return fd;
}

// An address of a name that does not answer is left for the next; one that is the last is waited for, as long as it was said.
static void test_silent_address(void **state)
{
    int fill[2], silent = open_silent("127.0.0.9", fill);
    (void)state;
    allow_names(4, (const char *const[]){"relay.example", "127.0.0.9", "127.0.0.1", "silent.example"});
    stage_name("relay.example", "127.0.0.9 127.0.0.1");
    stage_name("silent.example", "127.0.0.9");
    stage.options.connect_ms = 4000;
    stage_start(&stage);
    int fd = stage_dial(&stage);
    assert_int_equal(stage_ask(fd, "relay.example", stage.place_port), SOCKS5_GRANTED);
    close(stage_accept(&stage));
    close(fd);
    assert_int_equal(ask_once("silent.example"), SOCKS5_HOST_UNREACHABLE);
    stage_until(&stage, 0);
    close(silent);
    close(fill[0]);
    close(fill[1]);
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, stage_setup, stage_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_never_open_by_accident),
        TEST(test_places_not_on_the_list),
        TEST(test_rebinding),
        TEST(test_names),
        TEST(test_silent_address),
        TEST(test_byte_at_a_time),
        TEST(test_closing_everywhere),
        TEST(test_password_is_needed),
        TEST(test_wrong_version_and_oversized),
        TEST(test_limits),
        TEST(test_rate),
        TEST(test_times),
        TEST(test_nobody_there),
    };
    return unit_run("socksd", tests);
}
