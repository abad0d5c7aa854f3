// SPDX-License-Identifier: Apache-2.0
//
// CBOR: values of every kind and their one encoding, from the examples of RFC 8949 Appendix A that are deterministic, and each way
// to write something otherwise, which is refused.
#include "unit.h"

#include "codec/cbor.h"

static size_t unhex(const char *text, uint8_t *out)
{
    size_t n = 0;
    for (; text[0] != 0; text += 2) {
        unsigned v;
        assert_int_equal(sscanf(text, "%2x", &v), 1);
        out[n++] = (uint8_t)v;
    }
    return n;
}

static enum err whole(const char *hex, unsigned depth)
{
    uint8_t bytes[200];
    struct span s = span_of(bytes, unhex(hex, bytes));
    struct cbor_reader r = cbor_reader_of(s);
    struct span item = cbor_any(&r, depth);
    enum err e = cbor_end(&r);
    assert_true(e == ERR_OK ? span_eq(item, s) : r.err == ERR_OK || item.n == 0);
    return e;
}

static void items_of_every_kind_are_read(void **state)
{
    static const char *const good[] = {
        "00", "01", "0a", "17", "1818", "1819", "1864", "1903e8", "1a000f4240", "1b000000e8d4a51000", "1bffffffffffffffff",
        "c249010000000000000000", "3bffffffffffffffff", "c349010000000000000000", "20", "29", "3863", "3903e7",
        "f90000", "f98000", "f93c00", "fb3ff199999999999a", "f93e00", "f97bff", "fa47c35000", "fa7f7fffff",
        "fb7e37e43c8800759c", "f90001", "f90400", "f9c400", "fbc010666666666666", "f97c00", "f97e00", "f9fc00",
        "f4", "f5", "f6", "f7", "f0", "f8ff", "f820", "c074323031332d30332d32315432303a30343a30305a", "c11a514b67b0",
        "d74401020304", "d818456449455446", "40", "4401020304", "60", "6161", "6449455446", "62225c", "62c3bc", "63e6b0b4",
        "64f0908591", "80", "83010203", "8301820203820405", "a0", "a201020304", "a26161016162820203",
        "826161a161626163", "fa00000001", "fb0000000000000001", "fa33000000", "fb36a0000000000001"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (whole(good[i], 4) != ERR_OK) fail_msg("%s was refused", good[i]);
    }
}

static void what_is_written_otherwise_is_malformed(void **state)
{
    static const char *const bad[] = {
        // longer heads than needed
        "1817", "190018", "1900ff", "1a00000000", "1a0000ffff", "1b00000000ffffffff", "3817", "5800", "580101", "5900ff", "7800", "9800",
        "b800", "d817f6",
        // reserved and indefinite ones
        "1c", "1d", "1e", "1f", "3f", "5f4101ff", "7f6161ff", "9fff", "9f01ff", "bfff", "ff", "fc", "fd", "fe",
        // floats that are shorter, and other NaNs
        "fa00000000", "fa80000000", "fa3f800000", "fa7f800000", "fa7fc00000", "fa33800000", "fa38800000", "fa477fe000",
        "fb0000000000000000", "fb3ff0000000000000", "fb7ff0000000000000", "fb7ff8000000000000", "fb3ff8000000000000", "fb47efffffe0000000",
        "fb36a0000000000000", "f97e01", "f9fe00", "f97c01",
        // simple values in two bytes that have one
        "f800", "f814", "f816", "f818", "f81f",
        // bignums that are integers, or have zeros in front
        "c240", "c24101", "c248ffffffffffffffff", "c24a00010000000000000000", "c2f6", "c3480000000000000001",
        // maps: order, keys twice, keys of other kinds
        "a203040102", "a201020103", "a2616201616102", "a2616101616102", "a1f501", "a1800a", "a2616100200a", "a1a001",
        // text that is none
        "61ff", "62c080", "63eda080", "64f4908080", "61c3",
        // cut off
        "", "18", "19ff", "41", "8201", "a101", "c0", "fb00", "5affffffff", "9bffffffffffffffff", "bb8000000000000000", "a1",
        // something behind it
        "0000", "f6f6", "8000"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (whole(bad[i], 4) != ERR_MALFORMED) fail_msg("%s was not refused", bad[i]);
    }
}

static void depth_has_a_limit(void **state)
{
    (void)state;
    assert_int_equal(whole("01", 0), ERR_OK);
    assert_int_equal(whole("8101", 0), ERR_MALFORMED);
    assert_int_equal(whole("8101", 1), ERR_OK);
    assert_int_equal(whole("818181f6", 3), ERR_OK);
    assert_int_equal(whole("818181f6", 2), ERR_MALFORMED);
    assert_int_equal(whole("a101a101c101", 3), ERR_OK);
    assert_int_equal(whole("a101a101c101", 2), ERR_MALFORMED);
    // A tag of a bignum nests as any other does.
    assert_int_equal(whole("c249010000000000000000", 0), ERR_MALFORMED);
}

static void numbers_of_every_size_come_back(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits <= 64; bits++) {
        for (int d = -1; d <= 1; d++) {
            uint64_t v = (bits == 64 ? 0 : (uint64_t)1 << bits) + (uint64_t)d;
            struct buf b;
            buf_init(&b, 16);
            cbor_put_uint(&b, v);
            assert_int_equal(b.n, v < 24 ? 1 : v < 0x100 ? 2 : v < 0x10000 ? 3 : v < 0x100000000 ? 5 : 9);
            struct cbor_reader r = cbor_reader_of(buf_span(&b));
            assert_int_equal(cbor_peek(&r), CBOR_UINT);
            assert_true(cbor_uint(&r, UINT64_MAX) == v);
            assert_int_equal(cbor_end(&r), ERR_OK);
            if (v > 0) {
                r = cbor_reader_of(buf_span(&b));
                assert_true(cbor_uint(&r, v - 1) == 0);
                assert_int_equal(cbor_end(&r), ERR_MALFORMED);
            }
            b.p[0] |= 0x20; // the same, negative
            r = cbor_reader_of(buf_span(&b));
            assert_int_equal(cbor_peek(&r), CBOR_NEGATIVE);
            assert_true(cbor_negative(&r, v) == v);
            assert_int_equal(cbor_end(&r), ERR_OK);
            r = cbor_reader_of(buf_span(&b));
            assert_true(v == 0 || cbor_negative(&r, v - 1) == 0);
            assert_int_equal(cbor_end(&r), ERR_MALFORMED);
            buf_wipe(&b);
        }
    }
}

static void a_reader_reads_what_a_writer_wrote(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 1000);
    cbor_put_array(&b, 6);
    cbor_put_bytes(&b, span_str("\x01\x02"));
    cbor_put_text(&b, span_str("\xc3\xa9t\xc3\xa9"));
    cbor_put_bool(&b, true);
    cbor_put_bool(&b, false);
    cbor_put_null(&b);
    cbor_put_map(&b, 1);
    cbor_put_uint(&b, 7);
    cbor_put_text(&b, span_of(NULL, 0));
    assert_int_equal(buf_end(&b), ERR_OK);

    struct cbor_reader r = cbor_reader_of(buf_span(&b));
    struct span last = {0};
    assert_int_equal(cbor_peek(&r), CBOR_ARRAY);
    assert_int_equal(cbor_array(&r), 6);
    assert_true(span_eq(cbor_bytes(&r), span_str("\x01\x02")));
    assert_int_equal(cbor_peek(&r), CBOR_TEXT);
    assert_true(span_eq(cbor_text(&r), span_str("\xc3\xa9t\xc3\xa9")));
    assert_int_equal(cbor_peek(&r), CBOR_BOOL);
    assert_true(cbor_bool(&r));
    assert_false(cbor_bool(&r));
    assert_true(cbor_null(&r));
    assert_false(cbor_null(&r));
    assert_int_equal(cbor_map(&r), 1);
    assert_true(span_eq(cbor_key(&r, &last), span_str("\x07")));
    assert_int_equal(cbor_text(&r).n, 0);
    assert_int_equal(cbor_peek(&r), CBOR_NONE);
    assert_int_equal(cbor_end(&r), ERR_OK);
    buf_wipe(&b);
}

// Whatever is asked of the wrong item fails, sticks, and gives nothing.
static void the_wrong_kind_fails(void **state)
{
    static const char *const items[] = {"01", "20", "4101", "6161", "8101", "a10102", "c101", "f5", "f6", "f93c00"};
    (void)state;
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        uint8_t bytes[16];
        struct span s = span_of(bytes, unhex(items[i], bytes)), last = {0};
        for (int ask = 0; ask < 7; ask++) {
            struct cbor_reader r = cbor_reader_of(s);
            enum cbor_kind kind = cbor_peek(&r);
            static const enum cbor_kind fits[] = {CBOR_UINT, CBOR_BYTES, CBOR_TEXT, CBOR_BOOL, CBOR_ARRAY, CBOR_MAP, CBOR_NONE};
            bool right = kind == fits[ask] || (ask == 6 && (kind == CBOR_UINT || kind == CBOR_NEGATIVE || kind == CBOR_BYTES ||
                                                            kind == CBOR_TEXT));
            uint64_t got = ask == 0   ? cbor_uint(&r, UINT64_MAX)
                           : ask == 1 ? cbor_bytes(&r).n
                           : ask == 2 ? cbor_text(&r).n
                           : ask == 3 ? (uint64_t)cbor_bool(&r)
                           : ask == 4 ? cbor_array(&r)
                           : ask == 5 ? cbor_map(&r)
                                      : cbor_key(&r, &last).n;
            assert_true((got > 0) == right);
            assert_true((r.err == ERR_OK) == right);
            if (!right) {
                assert_int_equal(cbor_peek(&r), CBOR_NONE);
                assert_false(cbor_null(&r));
                assert_int_equal(cbor_any(&r, 4).n, 0);
                assert_int_equal(cbor_end(&r), ERR_MALFORMED);
            }
        }
    }
}

// An announced length is never believed before the bytes are there.
static void lengths_beyond_the_end_fail(void **state)
{
    static const char *const heads[] = {"5b7fffffffffffffff", "7b7fffffffffffffff", "9b7fffffffffffffff", "bb7fffffffffffffff", "44010203", "83f6f6", "a2f6f6f6"};
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        uint8_t bytes[16];
        struct span s = span_of(bytes, unhex(heads[i], bytes));
        struct cbor_reader r = cbor_reader_of(s);
        switch (cbor_peek(&r)) {
        case CBOR_BYTES: assert_int_equal(cbor_bytes(&r).n, 0); break;
        case CBOR_TEXT: assert_int_equal(cbor_text(&r).n, 0); break;
        case CBOR_ARRAY: assert_int_equal(cbor_array(&r), 0); break;
        default: assert_int_equal(cbor_map(&r), 0);
        }
        assert_int_equal(r.err, ERR_MALFORMED);
    }
}

static void text_that_is_none_is_not_written(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 100);
    cbor_put_text(&b, span_str("\xff"));
    assert_int_equal(buf_end(&b), ERR_MISUSE);
    buf_wipe(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_of_every_kind_are_read),
        cmocka_unit_test(what_is_written_otherwise_is_malformed),
        cmocka_unit_test(depth_has_a_limit),
        cmocka_unit_test(numbers_of_every_size_come_back),
        cmocka_unit_test(a_reader_reads_what_a_writer_wrote),
        cmocka_unit_test(the_wrong_kind_fails),
        cmocka_unit_test(lengths_beyond_the_end_fail),
        cmocka_unit_test(text_that_is_none_is_not_written),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("cbor", tests, NULL, NULL);
}
