// SPDX-License-Identifier: Apache-2.0
//
// Text on a terminal: what others wrote moves no cursor and takes the columns it says, whatever is in it; QR codes are as their standard has
// them, the right way up, and dark on light.
#include "unit.h"

#include "cmd/progress.h"
#include "cmd/qr.h"

#include <locale.h>

struct page {
    char *memory;
    size_t n;
    struct text t;
};

static void page_open(struct page *p, size_t width)
{
    *p = (struct page){0};
    p->t = (struct text){.to = open_memstream(&p->memory, &p->n), .width = width};
    assert_non_null(p->t.to);
}

static const char *page_text(struct page *p)
{
    assert_int_equal(fflush(p->t.to), 0);
    return p->memory;
}

static void page_close(struct page *p)
{
    assert_int_equal(fclose(p->t.to), 0);
    free(p->memory);
}

static void assert_wrapped(size_t width, size_t at, size_t indent, const char *in, const char *out)
{
    struct page p;
    page_open(&p, width);
    (void)text_wrap(&p.t, in, at, indent);
    assert_string_equal(page_text(&p), out);
    page_close(&p);
}

static void test_wrapping(void **state)
{
    (void)state;
    assert_wrapped(10, 0, 0, "tea at six o'clock", "tea at six\no'clock");
    assert_wrapped(10, 4, 4, "tea at six", "tea at\n    six");
    assert_wrapped(10, 0, 2, "abcdefghijklmnop x", "abcdefghij\n  klmnop x"); // a word longer than a line is cut
    assert_wrapped(10, 0, 2, "one\n\ntwo", "one\n  \n  two");
    assert_wrapped(SIZE_MAX, 0, 0, "tea at six o'clock, or so", "tea at six o'clock, or so");
    assert_wrapped(10, 4, 4, "at https://x.org/abcdef so", "at\nhttps://x.org/abcdef\n    so"); // to be copied
    assert_wrapped(17, 4, 4, "at https://x.org so", "at\n    https://x.org\n    so");
    assert_wrapped(6, 0, 0, "\xe8\x8c\xb6\xe8\x8c\xb6\xe8\x8c\xb6\xe8\x8c\xb6", // each two columns wide
                   "\xe8\x8c\xb6\xe8\x8c\xb6\xe8\x8c\xb6\n\xe8\x8c\xb6");
}

static void test_cutting(void **state)
{
    (void)state;
    struct page p;
    page_open(&p, 80);
    assert_int_equal(text_line(&p.t, "Alexandra", 5), 5);
    text_cell(&p.t, "Bo", 4);
    assert_int_equal(text_line(&p.t, "a\nb", 5), 3);
    assert_string_equal(page_text(&p), "Alex\xe2\x80\xa6"
                                       "Bo  a b");
    page_close(&p);
}

static void test_what_others_wrote(void **state)
{
    (void)state;
    assert_wrapped(80, 0, 0, "a\033[31mb\rc\b\a\x7f", "a[31mbc");
    assert_wrapped(80, 0, 0, "x\xe2\x80\xaey", "xy"); // turns the direction of what follows
    assert_wrapped(80, 0, 0,
                   "\xc2\x9b"
                   "31mz",
                   "31mz");                                                           // a control of one character
    assert_wrapped(80, 0, 0, "\xff\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); // no UTF-8
    char pile[200] = "a", out[16] = "a";
    for (int i = 0; i < 40; i++) strcat(pile, "\xcc\x81");
    for (int i = 0; i < 6; i++) strcat(out, "\xcc\x81");
    assert_wrapped(80, 0, 0, pile, out);
}

// ------------------------------------------------------------------------------------------------------------ QR codes

enum { SIDE_MAX = 200 };
struct drawing {
    bool dark[SIDE_MAX][SIDE_MAX];
    size_t rows, columns;
};

// What a camera sees: blocks are printed in the foreground's colour, spaces show the background's.
static void look(const char *text, bool ink_is_dark, struct drawing *d)
{
    size_t column = 0;
    *d = (struct drawing){0};
    for (const char *p = text; *p != 0;) {
        bool upper = strncmp(p, "\xe2\x96\x80", 3) == 0, lower = strncmp(p, "\xe2\x96\x84", 3) == 0,
             both = strncmp(p, "\xe2\x96\x88", 3) == 0;
        if (*p == '\033') {
            p = strchr(p, 'm') + 1;
        } else if (*p == '\n') {
            d->rows += 2;
            d->columns = column;
            column = 0;
            p++;
        } else {
            assert_true(upper || lower || both || *p == ' ');
            d->dark[d->rows][column] = (upper || both) == ink_is_dark;
            d->dark[d->rows + 1][column++] = (lower || both) == ink_is_dark;
            p += *p == ' ' ? 1 : 3;
        }
    }
}

// A finder pattern: a ring, a gap, a square (ISO/IEC 18004 §6.3.3).
static void assert_finder(const struct drawing *d, size_t row, size_t column)
{
    static const char *const rows[] = {"1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"};
    for (size_t y = 0; y < 7; y++)
        for (size_t x = 0; x < 7; x++) assert_int_equal(d->dark[row + y][column + x], rows[y][x] == '1');
}

static void assert_code(const char *text, bool colours, size_t margin, size_t side)
{
    static struct drawing d;
    struct page p;
    page_open(&p, 200);
    p.t.colours = colours;
    assert_true(qr_draw(&p.t, text, margin));
    look(page_text(&p), colours, &d);
    page_close(&p);
    assert_int_equal(d.columns, side + 2 * margin);
    assert_int_equal(d.rows, (side + 2 * margin + 1) / 2 * 2);
    assert_finder(&d, margin, margin);
    assert_finder(&d, margin, margin + side - 7);
    assert_finder(&d, margin + side - 7, margin);
    for (size_t i = 0; i < side + 2 * margin; i++) assert_false(d.dark[margin - 1][i] || d.dark[i][margin - 1]);
    assert_true(d.dark[margin + side - 8][margin + 8]); // the dark module, in every code
}

static void test_codes(void **state)
{
    (void)state;
    assert_code("whimbrel:abc", true, 4, 21);
    assert_code("whimbrel:abc", false, 2, 21);
    char digits[61] = "", link[401] = "whimbrel:";
    for (size_t i = 0; i < 60; i++) digits[i] = (char)('0' + i % 10);
    assert_code(digits, true, 2, 25); // digits alone take less
    memset(link + 9, 'q', 391);
    assert_code(link, true, 3, 69);
}

static void test_no_code(void **state)
{
    (void)state;
    struct page p;
    static char long_text[QR_TEXT_MAX + 2];
    memset(long_text, 'a', QR_TEXT_MAX + 1);
    page_open(&p, 80);
    assert_false(qr_draw(&p.t, long_text, 4));
    assert_false(qr_draw(&p.t, "", 4));
    qr_show(&p.t, "whimbrel:abc", 0); // no terminal
    assert_string_equal(page_text(&p), "");
    long_text[QR_TEXT_MAX] = 0;
    assert_true(qr_draw(&p.t, long_text, 4));
    page_close(&p);
}

// It is drawn where it fits, with what stands below, and by a smaller margin if need be.
static void test_room(void **state)
{
    (void)state;
    static const struct {
        size_t width, height, below, lines;
    } windows[] = {{80, 24, 5, 15}, {80, 20, 5, 15}, {80, 18, 5, 13}, {80, 17, 5, 0}, {27, 24, 0, 13}, {24, 24, 0, 0}};
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        struct page p;
        size_t lines = 0;
        page_open(&p, windows[i].width);
        p.t.height = windows[i].height;
        qr_show(&p.t, "whimbrel:abc", windows[i].below);
        for (const char *c = page_text(&p); *c != 0; c++) lines += *c == '\n';
        assert_int_equal(lines, windows[i].lines);
        page_close(&p);
    }
}

// ------------------------------------------------------------------------------------------------------------ progress

static void assert_progress(size_t width, uint64_t done, uint64_t size, int64_t ms, const char *line)
{
    struct page p;
    page_open(&p, width);
    progress_line(&p.t, "tea.jpg", 0, done, size, ms);
    assert_string_equal(page_text(&p), line);
    assert_true(text_width(page_text(&p)) < width);
    page_close(&p);
}

#define FULL "\xe2\x96\x88"
#define EMPTY "\xe2\x96\x91"

static void test_progress(void **state)
{
    (void)state;
    assert_progress(60, 500000, 1000000, 100,
                    "tea.jpg  " FULL FULL FULL FULL FULL FULL EMPTY EMPTY EMPTY EMPTY EMPTY EMPTY
                    "  50 %  500 kB of 1.0 MB");
    assert_progress(40, 0, 2000, 0, "tea.jpg    0 %  0 B of 2.0 kB");
    assert_progress(48, 1000000, 61000000, 10000, "tea.jpg    2 %  1.0 MB of 61.0 MB  10:01");
    assert_progress(20, 1, 3, 0, " 33 %  1 B of 3 B");
    assert_progress(40, 12345678, 0, 0, "tea.jpg  12.3 MB"); // nobody knows of how much
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } sizes[] = {{0, "0 B"},        {999, "999 B"},     {1000, "1.0 kB"},   {99949, "99.9 kB"},
                 {99950, "100 kB"}, {999499, "999 kB"}, {999500, "1.0 MB"}, {UINT64_MAX, "18447 PB"}};
    char out[SIZE_TEXT];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        assert_string_equal(size_text(sizes[i].bytes, out), sizes[i].text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrapping), cmocka_unit_test(test_cutting), cmocka_unit_test(test_what_others_wrote),
        cmocka_unit_test(test_codes),    cmocka_unit_test(test_no_code), cmocka_unit_test(test_room),
        cmocka_unit_test(test_progress), cmocka_unit_test(test_sizes),
    };
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) return 1;
    return unit_run("cmd", tests);
}
