// SPDX-License-Identifier: Apache-2.0
//
// What files may be called that others have named.
#include "unit.h"

#include "transfer/name.h"

static void names_are_cleaned(void **state)
{
    static const struct {
        const char *said, *made;
    } names[] = {
        {"photo.jpg", "photo.jpg"},
        {"Tea at six? \u2615.txt", "Tea at six_ \u2615.txt"},
        {"../../etc/passwd", "_.._etc_passwd"},
        {"..", "file"},
        {"", "file"},
        {"   ", "file"},
        {".bashrc", "bashrc"},
        {"a\nb\tc\x7f", "abc"},
        {"\u202egpj.exe", "gpj.exe"},
        {"invoice\u200b.pdf\u2066", "invoice.pdf"},
        {"C:\\windows\\x", "C__windows_x"},
        {"con.txt", "_con.txt"},
        {"LPT1", "_LPT1"},
        {"console", "console"},
        {"bad\xff\xfe", "bad__"},
        {"dots...", "dots"},
        {"\xe2\x80", "__"},
    };
    char out[NAME_MAX_BYTES + 1];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        name_clean(span_str(names[i].said), out);
        assert_string_equal(out, names[i].made);
    }
}

static void long_names_keep_their_ending(void **state)
{
    char said[1000], out[NAME_MAX_BYTES + 1];
    (void)state;
    memset(said, 'x', sizeof said);
    memcpy(said + 300, ".tar", 5);
    name_clean(span_str(said), out);
    assert_int_equal(strlen(out), NAME_MAX_BYTES);
    assert_string_equal(out + NAME_MAX_BYTES - 4, ".tar");
    for (size_t i = 0; i < 300; i += 2) memcpy(said + i, "\xc3\xa9", 2); // two bytes each: cut between, not within
    name_clean(span_str(said), out);
    assert_true(strlen(out) >= NAME_MAX_BYTES - 1);
    assert_string_equal(out + strlen(out) - 6, "\xc3\xa9.tar");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_cleaned),
        cmocka_unit_test(long_names_keep_their_ending),
    };
    return unit_run("transfer-name", tests);
}
