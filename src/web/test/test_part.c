// SPDX-License-Identifier: Apache-2.0
//
// Parts of files, types that are shown in place, and names: what a browser asks for, and what it is told.
#include "unit.h"

#include "web/part.h"

static void parts_are_what_was_asked_for(void **state)
{
    static const struct {
        const char *said;
        enum part part;
        uint64_t from, end;
    } cases[] = {
        {"bytes=0-9", PART_SOME, 0, 10},
        {"bytes=10-", PART_SOME, 10, 100},
        {"bytes=-30", PART_SOME, 70, 100},
        {"Bytes=99-99", PART_SOME, 99, 100},
        {"bytes=50-500", PART_SOME, 50, 100},
        {"bytes=-500", PART_SOME, 0, 100},
        {"bytes=100-", PART_NONE, 0, 100},
        {"bytes=-0", PART_NONE, 0, 100},
        {"bytes=9-5", PART_WHOLE, 0, 100},
        {"bytes=0-9,20-29", PART_WHOLE, 0, 100},
        {"lines=1-2", PART_WHOLE, 0, 100},
        {"bytes=", PART_WHOLE, 0, 100},
        {"bytes=-", PART_WHOLE, 0, 100},
        {"bytes=a-b", PART_WHOLE, 0, 100},
        {"", PART_WHOLE, 0, 100},
        {"bytes=99999999999999999999-", PART_WHOLE, 0, 100},
        {"bytes=0-99999999999999999", PART_SOME, 0, 100},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t from = 7, end = 7;
        assert_int_equal(part_range(span_str(cases[i].said), 100, &from, &end), cases[i].part);
        assert_int_equal(from, cases[i].from);
        assert_int_equal(end, cases[i].end);
    }
    uint64_t from, end;
    assert_int_equal(part_range(span_str("bytes=0-"), 0, &from, &end), PART_NONE); // of nothing there is no part
}

static void nothing_that_runs_is_shown(void **state)
{
    static const char *const saved[] = {"text/html",
                                        "image/svg+xml",
                                        "application/xhtml+xml",
                                        "text/plain",
                                        "application/pdf",
                                        "image/png; charset=x",
                                        "IMAGE/PNG",
                                        "",
                                        "application/javascript",
                                        "text/xml"};
    (void)state;
    for (size_t i = 0; i < sizeof saved / sizeof *saved; i++) assert_null(part_shown(span_str(saved[i])));
    assert_string_equal(part_shown(span_str("image/png")), "image/png");
    assert_string_equal(part_shown(span_str("video/mp4")), "video/mp4");
}

static void names_stay_in_their_header(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 2000);
    part_disposition("tea \"x\"\r\nSet-Cookie: a;\\ caf\xc3\xa9%.jpg", false, &b);
    buf_put_u8(&b, 0);
    assert_string_equal((const char *)b.p,
                        "attachment; filename=\"tea _x___Set-Cookie: a;_ caf___.jpg\"; "
                        "filename*=UTF-8''tea%20%22x%22%0D%0ASet-Cookie%3A%20a%3B%5C%20caf%C3%A9%25.jpg");
    b.n = 0;
    part_disposition("a.png", true, &b);
    buf_put_u8(&b, 0);
    assert_string_equal((const char *)b.p, "inline; filename=\"a.png\"; filename*=UTF-8''a.png");
    buf_wipe(&b);
}

static void numbers_are_whole(void **state)
{
    (void)state;
    uint64_t v = 0;
    assert_true(part_number(span_str("/file/12"), "/file/", &v) && v == 12);
    assert_true(part_number(span_str("0"), "", &v) && v == 0);
    static const char *const wrong[] = {
        "/file/", "/file/12x", "/file/12/", "/file/-1", "/file/1234567890123456789", "/fi", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(part_number(span_str(wrong[i]), "/file/", &v));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_what_was_asked_for),
        cmocka_unit_test(nothing_that_runs_is_shown),
        cmocka_unit_test(names_stay_in_their_header),
        cmocka_unit_test(numbers_are_whole),
    };
    return unit_run("web-part", tests);
}
