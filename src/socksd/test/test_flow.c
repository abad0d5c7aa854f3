// SPDX-License-Identifier: Apache-2.0
//
// What passes through the SOCKS5 server: every byte of it and the end behind it, both ways, little and much, to readers who stop; breaks; and
// the server's own end in the midst of it.
#include "socksd/test/stage.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

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

// --------------------------------------------------------------------------------------------------------------- the end

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

#define TEST(f) cmocka_unit_test_setup_teardown(f, stage_setup, stage_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_both_ways_and_ends),    TEST(test_ipv6), TEST(test_all_at_once),
        TEST(test_reset_is_passed_on),    TEST(test_much), TEST(test_slow_reader),
        TEST(test_ends_with_connections),
    };
    return unit_run("socksd-flow", tests);
}
