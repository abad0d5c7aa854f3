// SPDX-License-Identifier: Apache-2.0
//
// The TLS codec: every integer, every length class on both sides of its border, and each way to be malformed.
#include "unit.h"

#include "codec/tls.h"

#define SPAN(...) span_of((const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__})

static void integers_round_trip(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    tls_put_u8(&b, 0x01);
    tls_put_u16(&b, 0x0203);
    tls_put_u32(&b, 0x04050607);
    tls_put_u64(&b, 0x08090a0b0c0d0e0fULL);
    assert_int_equal(buf_end(&b), ERR_OK);
    for (size_t i = 0; i < 15; i++) assert_int_equal(b.p[i], i + 1);
    struct tls_reader r = tls_reader_of(buf_span(&b));
    assert_int_equal(tls_u8(&r), 0x01);
    assert_int_equal(tls_u16(&r), 0x0203);
    assert_int_equal(tls_u32(&r), 0x04050607);
    assert_true(tls_u64(&r) == 0x08090a0b0c0d0e0fULL);
    assert_int_equal(tls_end(&r), ERR_OK);
    buf_wipe(&b);
}

static void lengths_take_the_smallest_form(void **state)
{
    (void)state;
    static const size_t values[] = {0, 1, 63, 64, 16383, 16384, TLS_VECTOR_MAX};
    static const size_t sizes[] = {1, 1, 1, 2, 2, 4, 4};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct buf b;
        buf_init(&b, 8);
        tls_put_length(&b, values[i]);
        assert_int_equal(b.n, sizes[i]);
        struct tls_reader r = tls_reader_of(buf_span(&b));
        assert_int_equal(tls_length(&r), values[i]);
        assert_int_equal(tls_end(&r), ERR_OK);
        buf_wipe(&b);
    }
    struct buf b;
    buf_init(&b, 8);
    tls_put_length(&b, TLS_VECTOR_MAX + 1);
    assert_int_equal(buf_end(&b), ERR_LIMIT);
    buf_wipe(&b);
}

static void expect_malformed_length(struct span s)
{
    struct tls_reader r = tls_reader_of(s);
    (void)tls_length(&r);
    assert_int_equal(tls_end(&r), ERR_MALFORMED);
}

static void bad_lengths_are_refused(void **state)
{
    (void)state;
    expect_malformed_length(SPAN(0xc0));
    expect_malformed_length(SPAN(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff));
    expect_malformed_length(SPAN(0x40, 0x3f));             // 63 in two bytes
    expect_malformed_length(SPAN(0x80, 0x00, 0x3f, 0xff)); // 16383 in four
    expect_malformed_length(SPAN(0x40));
    expect_malformed_length(SPAN(0x80, 0x01));
    expect_malformed_length(span_of(NULL, 0));
}

static void vectors_nest(void **state)
{
    (void)state;
    static uint8_t body[20000];
    for (size_t n = 0; n < sizeof body; n += n < 200 ? 1 : 1777) {
        struct buf b;
        buf_init(&b, 40000);
        size_t outer = tls_begin(&b);
        tls_put_vector(&b, span_of(body, n));
        tls_put_u8(&b, 7);
        tls_finish(&b, outer);
        assert_int_equal(buf_end(&b), ERR_OK);
        struct tls_reader r = tls_reader_of(buf_span(&b));
        struct tls_reader in = tls_open(&r);
        assert_int_equal(tls_vector(&in).n, n);
        assert_int_equal(tls_u8(&in), 7);
        tls_close(&r, &in);
        assert_int_equal(tls_end(&r), ERR_OK);
        buf_wipe(&b);
    }
}

static void errors_stick(void **state)
{
    (void)state;
    struct tls_reader r = tls_reader_of(SPAN(5, 1, 2));
    assert_int_equal(tls_vector(&r).n, 0);
    assert_int_equal(tls_left(&r), 0);
    assert_int_equal(tls_u32(&r), 0);
    assert_int_equal(tls_end(&r), ERR_MALFORMED);

    r = tls_reader_of(SPAN(2, 1, 2, 9));
    struct tls_reader in = tls_open(&r);
    (void)tls_u8(&in); // one byte is left in the inner vector
    tls_close(&r, &in);
    assert_int_equal(tls_end(&r), ERR_MALFORMED);

    r = tls_reader_of(SPAN(2));
    (void)tls_optional(&r);
    assert_int_equal(tls_end(&r), ERR_MALFORMED);

    r = tls_reader_of(SPAN(1, 2));
    (void)tls_u8(&r);
    assert_int_equal(tls_end(&r), ERR_MALFORMED); // bytes left over
}

static void writers_stop_at_the_maximum(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    tls_put_u64(&b, 1);
    tls_put_u32(&b, 1);
    tls_put_u8(&b, 1);
    assert_int_equal(buf_end(&b), ERR_LIMIT);
    assert_int_equal(b.n, 8);
    buf_wipe(&b);
    buf_init(&b, 64);
    size_t mark = tls_begin(&b);
    for (int i = 0; i < 63; i++) tls_put_u8(&b, 0);
    tls_finish(&b, mark);
    assert_int_equal(buf_end(&b), ERR_OK);
    buf_wipe(&b);
    buf_init(&b, 65);
    mark = tls_begin(&b);
    for (int i = 0; i < 64; i++) tls_put_u8(&b, 0);
    tls_finish(&b, mark); // the length takes a second byte, for which there is no room
    assert_int_equal(buf_end(&b), ERR_LIMIT);
    buf_wipe(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_round_trip), cmocka_unit_test(lengths_take_the_smallest_form),
        cmocka_unit_test(bad_lengths_are_refused), cmocka_unit_test(vectors_nest),
        cmocka_unit_test(errors_stick), cmocka_unit_test(writers_stop_at_the_maximum),
    };
    return unit_run("codec", tests);
}
