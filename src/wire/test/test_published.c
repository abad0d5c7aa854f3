// SPDX-License-Identifier: Apache-2.0
//
// What a relay publishes, as bytes: it comes back as it was, no part of it is one, and limits hold.
#include "unit.h"

#include "wire/published.h"

#include <stdlib.h>

static void make(struct buf *out, size_t n, const char *way)
{
    struct buf ways;
    buf_init(&ways, 1 << 20);
    buf_init(out, 1 << 20);
    for (size_t i = 0; i < n; i++) published_put_way(&ways, span_str(way));
    published_write(out, 1800000000123, buf_span(&ways));
    published_finish(out, span_str("key"), span_str("signature"));
    buf_wipe(&ways);
}

static enum err read_made(size_t n, const char *way, struct published *p)
{
    struct buf b;
    make(&b, n, way);
    enum err e = published_read(buf_span(&b), p);
    buf_wipe(&b);
    return e;
}

static void it_comes_back(void **state)
{
    (void)state;
    struct buf b;
    struct published p;
    struct span way;
    make(&b, 3, "socks5://192.0.2.1:1080");
    assert_ok(published_read(buf_span(&b), &p));
    assert_int_equal(p.issued, 1800000000123);
    for (int i = 0; i < 3; i++) {
        assert_true(published_next(&p.ways, &way));
        assert_true(span_eq(way, span_str("socks5://192.0.2.1:1080")));
    }
    assert_false(published_next(&p.ways, &way));
    assert_true(span_eq(p.key, span_str("key")));
    assert_true(span_eq(p.signature, span_str("signature")));
    assert_int_equal(p.said.n, b.n - 4 - 10);
    buf_wipe(&b);
}

// The copy has no room behind its end, for ASan.
static void no_part_of_it_is_one(void **state)
{
    (void)state;
    struct buf b;
    struct published p;
    make(&b, 2, "wss://relay.example/secret#pin");
    for (size_t n = 0; n < b.n; n++) {
        uint8_t *copy = malloc(n > 0 ? n : 1);
        memcpy(copy, b.p, n);
        assert_int_equal(published_read(span_of(copy, n), &p), ERR_MALFORMED);
        assert_null(p.key.p);
        free(copy);
    }
    buf_put(&b, span_str("x"));
    assert_int_equal(published_read(buf_span(&b), &p), ERR_MALFORMED);
    b.p[0] = 2;
    assert_int_equal(published_read(buf_span(&b), &p), ERR_UNSUPPORTED);
    buf_wipe(&b);
}

static void limits_hold(void **state)
{
    (void)state;
    char way[PUBLISHED_WAY_MAX + 2];
    struct published p;
    memset(way, 'w', sizeof way - 1);
    way[sizeof way - 1] = 0;
    assert_int_equal(read_made(1, way, &p), ERR_MALFORMED);
    way[PUBLISHED_WAY_MAX] = 0;
    assert_ok(read_made(PUBLISHED_WAYS_MAX, way, &p));
    assert_int_equal(read_made(PUBLISHED_WAYS_MAX + 1, "x", &p), ERR_LIMIT);
    assert_int_equal(read_made(60, way, &p), ERR_LIMIT);
    assert_ok(read_made(0, "", &p));
    assert_int_equal(read_made(1, "", &p), ERR_MALFORMED);
    assert_int_equal(read_made(1, "socks5://\x1b[2J", &p), ERR_MALFORMED);
    assert_int_equal(read_made(1, "caf\xc3\xa9", &p), ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_comes_back),
        cmocka_unit_test(no_part_of_it_is_one),
        cmocka_unit_test(limits_hold),
    };
    return unit_run("published", tests);
}
