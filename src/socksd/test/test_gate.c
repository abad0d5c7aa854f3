// SPDX-License-Identifier: Apache-2.0
//
// The gate on a clock of its own: limits in all and per address, what counts as one address, rates, and that addresses are forgotten.
#include "tests/unit.h"

#include "socksd/inner.h"

#include <arpa/inet.h>

static const uint64_t seed[2] = {1, 2};

static void open_gate(struct socksd_gate *g, uint32_t most, uint32_t most_each, uint32_t rate, uint32_t rate_each)
{
    const struct socksd_options o = {
        .connections_max = most, .connections_per_address = most_each, .rate = rate, .rate_per_address = rate_each};
    socksd_gate_init(g, &o, seed);
}

static uint64_t key(const char *address)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct sockaddr_in in = {.sin_family = AF_INET};
    if (inet_pton(AF_INET, address, &in.sin_addr) == 1) return socksd_gate_key((struct sockaddr *)&in);
    assert_int_equal(inet_pton(AF_INET6, address, &in6.sin6_addr), 1);
    return socksd_gate_key((struct sockaddr *)&in6);
}

static void test_what_is_one_address(void **state)
{
    (void)state;
    assert_true(key("192.0.2.1") != key("192.0.2.2"));
    assert_true(key("192.0.2.1") == key("::ffff:192.0.2.1"));
    assert_true(key("2001:db8:0:1::1") == key("2001:db8:0:1:ffff::2")); // a household has a /64, or more
    assert_true(key("2001:db8:0:2::1") != key("2001:db8:0:4::1"));
    assert_true(key("2001:db8::1") != key("2001:db9::1"));
}

static void test_limits(void **state)
{
    struct socksd_gate g;
    (void)state;
    open_gate(&g, 5, 3, 0, 0);
    for (int i = 0; i < 3; i++) assert_true(socksd_gate_enter(&g, 1, 1000));
    assert_false(socksd_gate_enter(&g, 1, 1000));
    assert_true(socksd_gate_enter(&g, 2, 1000)); // others still come
    assert_true(socksd_gate_enter(&g, 3, 1000));
    assert_false(socksd_gate_enter(&g, 4, 1000)); // until all are there
    socksd_gate_leave(&g, 1, 1000);
    assert_true(socksd_gate_enter(&g, 4, 1000));
    assert_false(socksd_gate_enter(&g, 1, 1000));
    for (uint64_t k = 2; k < 5; k++) socksd_gate_leave(&g, k, 1000);
    assert_true(socksd_gate_enter(&g, 1, 1000));
    assert_false(socksd_gate_enter(&g, 1, 1000));
    assert_int_equal(g.connections, 3);
    socksd_gate_wipe(&g);
}

// Somebody who comes and leaves as fast as they can.
static int come(struct socksd_gate *g, uint64_t k, int times, uint64_t now)
{
    int n = 0;
    for (int i = 0; i < times; i++) {
        if (!socksd_gate_enter(g, k, now)) continue;
        socksd_gate_leave(g, k, now);
        n++;
    }
    return n;
}

static void test_rate_of_one(void **state)
{
    struct socksd_gate g;
    (void)state;
    open_gate(&g, 100, 100, 0, 5);
    assert_int_equal(come(&g, 1, 100, 10000), 20); // four seconds' worth at once
    assert_int_equal(come(&g, 2, 100, 10000), 20); // and others have their own
    assert_int_equal(come(&g, 1, 100, 10100), 0);
    assert_int_equal(come(&g, 1, 100, 10200), 1);
    assert_int_equal(come(&g, 1, 100, 12200), 10);
    assert_int_equal(come(&g, 1, 100, 99000), 20); // no more than that, however long one waits
    socksd_gate_wipe(&g);
}

static void test_rate_of_all(void **state)
{
    struct socksd_gate g;
    int n = 0;
    (void)state;
    open_gate(&g, 100, 100, 10, 0);
    for (uint64_t k = 1; k <= 100; k++) n += come(&g, k, 1, 10000);
    assert_int_equal(n, 40);
    n = 0;
    for (uint64_t k = 1; k <= 100; k++) n += come(&g, k, 1, 11000);
    assert_int_equal(n, 10);
    socksd_gate_wipe(&g);
}

// What has left and has its bucket full again is nobody's memory.
static void test_forgets(void **state)
{
    struct socksd_gate g;
    uint64_t now = 1000;
    size_t most = 0;
    (void)state;
    open_gate(&g, 100, 100, 0, 5);
    for (uint64_t k = 1; k <= 50000; k++, now += 10) { // a hundred new addresses a second
        assert_int_equal(come(&g, k, 1, now), 1);
        if (g.addresses.n > most) most = g.addresses.n;
    }
    assert_in_range(most, 1, 1000);
    assert_int_equal(g.connections, 0);
    socksd_gate_wipe(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_one_address), cmocka_unit_test(test_limits),  cmocka_unit_test(test_rate_of_one),
        cmocka_unit_test(test_rate_of_all),         cmocka_unit_test(test_forgets),
    };
    return unit_run("socksd-gate", tests);
}
