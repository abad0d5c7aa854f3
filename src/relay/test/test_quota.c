// SPDX-License-Identifier: Apache-2.0
//
// Quotas on a clock of the test's own: token buckets, connections per address, and that an address finds its bucket again when
// it comes back soon.
#include "unit.h"

#include "relay/quota.h"

static const uint64_t seed[2] = {3, 4};
static const uint8_t v4[4] = {192, 0, 2, 1}, other[4] = {192, 0, 2, 2};

static void a_bucket_gives_its_rate(void **state)
{
    struct bucket b = {0};
    uint64_t wait = 0, now = 5000;
    (void)state;
    for (int i = 0; i < 20; i++) assert_true(bucket_take(&b, now, 10, &wait)); // two seconds' worth at once
    assert_false(bucket_take(&b, now, 10, &wait));
    assert_int_equal(wait, 100);
    assert_false(bucket_take(&b, now + 99, 10, &wait));
    assert_int_equal(wait, 1);
    assert_true(bucket_take(&b, now + 100, 10, &wait));
    assert_false(bucket_take(&b, now + 100, 10, &wait));
    unsigned got = 0;
    for (uint64_t t = now + 101; t <= now + 10100; t++) got += bucket_take(&b, t, 10, &wait);
    assert_int_equal(got, 100);
    now += 1000000; // full again, and no fuller
    for (int i = 0; i < 20; i++) assert_true(bucket_take(&b, now, 10, &wait));
    assert_false(bucket_take(&b, now, 10, &wait));
    assert_false(bucket_take(&b, now - 500, 10, &wait));                        // another thread's clock is behind
    for (int i = 0; i < 1000; i++) assert_true(bucket_take(&b, now, 0, &wait)); // no limit
}

static void a_bucket_follows_a_new_rate(void **state)
{
    struct bucket b = {0};
    uint64_t wait = 0;
    (void)state;
    assert_true(bucket_take(&b, 1, 10000000, &wait));
    unsigned got = 0;
    while (bucket_take(&b, 2, 1, &wait) && got < 100000) got++;
    assert_in_range(got, 1, 2);
    assert_in_range(wait, 1, 1000);
    assert_true(bucket_take(&b, UINT64_MAX / 2, 10000000, &wait));
}

static void connections_are_counted(void **state)
{
    struct quota q;
    (void)state;
    assert_ok(quota_init(&q, seed));
    struct quota_entry *a = quota_enter(&q, v4, 4, 1, 2, 3), *b = quota_enter(&q, v4, 4, 1, 2, 3);
    assert_non_null(a);
    assert_ptr_equal(a, b);
    assert_null(quota_enter(&q, v4, 4, 1, 2, 3)); // of this address
    struct quota_entry *c = quota_enter(&q, other, 4, 1, 2, 3);
    assert_non_null(c);
    assert_int_equal(quota_connections(&q), 3);
    assert_null(quota_enter(&q, other, 4, 1, 2, 3)); // of all
    quota_leave(&q, a, 1);
    assert_non_null(quota_enter(&q, v4, 4, 1, 2, 3));
    quota_leave(&q, b, 1);
    quota_leave(&q, b, 1);
    quota_leave(&q, c, 1);
    quota_leave(&q, NULL, 1);
    assert_int_equal(quota_connections(&q), 0);
    assert_null(quota_enter(&q, v4, 4, 1, 0, 3));
    quota_wipe(&q);
}

// Whoever has a /64 has all of its addresses; one below another prefix is another client, and so is an IPv4 one that begins alike.
static void ipv6_counts_by_its_prefix(void **state)
{
    static const uint8_t a[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 1}, same[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 2},
                         b[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 2, 1};
    struct quota q;
    (void)state;
    assert_ok(quota_init(&q, seed));
    struct quota_entry *e = quota_enter(&q, a, 16, 1, 5, 100);
    assert_ptr_equal(quota_enter(&q, same, 16, 1, 5, 100), e);
    struct quota_entry *f = quota_enter(&q, b, 16, 1, 5, 100), *g = quota_enter(&q, a, 4, 1, 5, 100);
    assert_ptr_not_equal(f, e);
    assert_ptr_not_equal(g, e);
    struct quota_entry *unknown = quota_enter(&q, a, 0, 1, 5, 100);
    assert_non_null(unknown);
    quota_leave(&q, e, 1);
    quota_leave(&q, e, 1);
    quota_leave(&q, f, 1);
    quota_leave(&q, g, 1);
    quota_leave(&q, unknown, 1);
    quota_wipe(&q);
}

static void coming_back_brings_no_new_tokens(void **state)
{
    struct quota q;
    uint64_t wait = 0;
    (void)state;
    assert_ok(quota_init(&q, seed));
    struct quota_entry *e = quota_enter(&q, v4, 4, 1000, 5, 100);
    for (int i = 0; i < 4; i++) assert_true(quota_take(&q, e, 1000, 2, &wait));
    assert_false(quota_take(&q, e, 1000, 2, &wait));
    quota_leave(&q, e, 1000);
    e = quota_enter(&q, v4, 4, 1000, 5, 100);
    assert_false(quota_take(&q, e, 1000, 2, &wait));
    quota_leave(&q, e, 1001);
    assert_int_equal(q.entries, 1);
    e = quota_enter(&q, v4, 4, 1600, 5, 100); // half a second later: one
    assert_true(quota_take(&q, e, 1600, 2, &wait));
    assert_false(quota_take(&q, e, 1600, 2, &wait));
    quota_leave(&q, e, 1600);
    quota_wipe(&q);
}

// What has left is forgotten when its bucket would be full: memory is bounded by who came in the last two seconds.
static void who_has_left_is_forgotten(void **state)
{
    struct quota q;
    (void)state;
    assert_ok(quota_init(&q, seed));
    for (uint32_t i = 0; i < 20000; i++) {
        uint8_t address[16] = {0};
        memcpy(address, &i, sizeof i);
        struct quota_entry *e = quota_enter(&q, address, 16, i, 5, 100);
        assert_non_null(e);
        quota_leave(&q, e, i);
        assert_in_range(q.entries, 1, 2001);
    }
    // Some come back amid the list, first, last and between.
    struct quota_entry *e[3];
    const uint32_t back[] = {18500, 19999, 19000};
    for (size_t i = 0; i < 3; i++) {
        uint8_t address[16] = {0};
        memcpy(address, &back[i], sizeof back[i]);
        e[i] = quota_enter(&q, address, 16, 20000, 5, 100);
    }
    struct quota_entry *last = quota_enter(&q, v4, 4, 23000, 5, 100);
    assert_int_equal(q.entries, 4);
    for (size_t i = 0; i < 3; i++) quota_leave(&q, e[i], 23000);
    quota_leave(&q, last, 26000);
    assert_int_equal(q.entries, 1);
    assert_int_equal(quota_connections(&q), 0);
    quota_wipe(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_gives_its_rate),          cmocka_unit_test(a_bucket_follows_a_new_rate),
        cmocka_unit_test(connections_are_counted),          cmocka_unit_test(ipv6_counts_by_its_prefix),
        cmocka_unit_test(coming_back_brings_no_new_tokens), cmocka_unit_test(who_has_left_is_forgotten),
    };
    return unit_run("quota", tests);
}
