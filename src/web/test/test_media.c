// SPDX-License-Identifier: Apache-2.0
//
// Parts of files, types that are shown in place, and names: what a browser asks for, and what it is told.
#include "unit.h"

#include "web/media.h"

static void parts_are_what_was_asked_for(void **state)
{
    static const struct {
        const char *said;
        enum media_part part;
        uint64_t from, end;
    } cases[] = {
        {"bytes=0-9", MEDIA_PART, 0, 10},
        {"bytes=10-", MEDIA_PART, 10, 100},
        {"bytes=-30", MEDIA_PART, 70, 100},
        {"Bytes=99-99", MEDIA_PART, 99, 100},
        {"bytes=50-500", MEDIA_PART, 50, 100},
        {"bytes=-500", MEDIA_PART, 0, 100},
        {"bytes=100-", MEDIA_NO_PART, 0, 100},
        {"bytes=-0", MEDIA_NO_PART, 0, 100},
        {"bytes=9-5", MEDIA_WHOLE, 0, 100},
        {"bytes=0-9,20-29", MEDIA_WHOLE, 0, 100},
        {"lines=1-2", MEDIA_WHOLE, 0, 100},
        {"bytes=", MEDIA_WHOLE, 0, 100},
        {"bytes=-", MEDIA_WHOLE, 0, 100},
        {"bytes=a-b", MEDIA_WHOLE, 0, 100},
        {"", MEDIA_WHOLE, 0, 100},
        {"bytes=99999999999999999999-", MEDIA_WHOLE, 0, 100},
        {"bytes=0-99999999999999999", MEDIA_PART, 0, 100},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t from = 7, end = 7;
        assert_int_equal(media_range(span_str(cases[i].said), 100, &from, &end), cases[i].part);
        assert_int_equal(from, cases[i].from);
        assert_int_equal(end, cases[i].end);
    }
    uint64_t from, end;
    assert_int_equal(media_range(span_str("bytes=0-"), 0, &from, &end), MEDIA_NO_PART); // of nothing there is no part
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
    for (size_t i = 0; i < sizeof saved / sizeof *saved; i++) assert_null(media_shown(span_str(saved[i])));
    assert_string_equal(media_shown(span_str("image/png")), "image/png");
    assert_string_equal(media_shown(span_str("video/mp4")), "video/mp4");
}

static void names_stay_in_their_header(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 2000);
    media_disposition("tea \"x\"\r\nSet-Cookie: a;\\ caf\xc3\xa9%.jpg", false, &b);
    buf_put_u8(&b, 0);
    assert_string_equal((const char *)b.p,
                        "attachment; filename=\"tea _x___Set-Cookie: a;_ caf___.jpg\"; "
                        "filename*=UTF-8''tea%20%22x%22%0D%0ASet-Cookie%3A%20a%3B%5C%20caf%C3%A9%25.jpg");
    b.n = 0;
    media_disposition("a.png", true, &b);
    buf_put_u8(&b, 0);
    assert_string_equal((const char *)b.p, "inline; filename=\"a.png\"; filename*=UTF-8''a.png");
    buf_wipe(&b);
}

static void numbers_are_whole(void **state)
{
    (void)state;
    assert_int_equal(media_number(span_str("/file/12"), "/file/"), 12);
    assert_int_equal(media_number(span_str("/file/"), "/file/"), 0);
    assert_int_equal(media_number(span_str("/file/12x"), "/file/"), 0);
    assert_int_equal(media_number(span_str("/file/12/"), "/file/"), 0);
    assert_int_equal(media_number(span_str("/file/-1"), "/file/"), 0);
    assert_int_equal(media_number(span_str("/file/1234567890123456789"), "/file/"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_what_was_asked_for),
        cmocka_unit_test(nothing_that_runs_is_shown),
        cmocka_unit_test(names_stay_in_their_header),
        cmocka_unit_test(numbers_are_whole),
    };
    return unit_run("web-media", tests);
}
