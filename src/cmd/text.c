// SPDX-License-Identifier: Apache-2.0
//
// Text on a terminal (text.h). A character is what it and the marks upon it take; wcwidth knows how wide it is.
#include "cmd/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

enum { MARKS_MAX = 6 };

static struct text on_file(FILE *to, int fd)
{
    struct text t = {.to = to, .width = SIZE_MAX};
    struct winsize w;
    const char *columns = getenv("COLUMNS"), *none = getenv("NO_COLOR"), *term = getenv("TERM");
    bool terminal = isatty(fd) == 1;
    bool known = terminal && ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 && w.ws_row > 0;
    if (terminal) {
        t.width = known ? w.ws_col : 80;
        t.height = known ? w.ws_row : 24;
    }
    if (columns != NULL && strtol(columns, NULL, 10) > 0) t.width = (size_t)strtol(columns, NULL, 10);
    if (t.width < 10) t.width = 10;
    t.colours = terminal && (none == NULL || none[0] == 0) && term != NULL && term[0] != 0 && strcmp(term, "dumb") != 0;
    const char *more = getenv("COLORTERM");
    t.many = t.colours && (strstr(term, "256") != NULL || (more != NULL && more[0] != 0));
    return t;
}

struct text text_standard(void) { return on_file(stdout, STDOUT_FILENO); }
struct text text_errors(void) { return on_file(stderr, STDERR_FILENO); }

// --------------------------------------------------------------------------------------------------------- characters

// The character at *p, which is moved behind it. What is no UTF-8 is U+FFFD, a byte at a time.
static uint32_t next(const unsigned char **p)
{
    const unsigned char *s = *p;
    size_t n = s[0] < 0x80 ? 0 : s[0] >= 0xf0 && s[0] < 0xf5 ? 3 : s[0] >= 0xe0 ? 2 : s[0] >= 0xc2 ? 1 : 9;
    uint32_t c = n == 0 ? s[0] : n == 9 || s[0] >= 0xf5 ? 0xfffd : s[0] & (0x3fU >> n);
    *p = s + 1;
    if (c == 0xfffd) return c;
    for (size_t i = 1; i <= n; i++) {
        if ((s[i] & 0xc0) != 0x80) return 0xfffd;
        c = c << 6 | (s[i] & 0x3f);
    }
    *p = s + 1 + n;
    return c;
}

// Controls, and what turns the direction of text or its shape; line ends and tabs are for whoever calls.
static bool unseemly(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || (c >= 0x200e && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb);
}

// A character with the marks upon it, joined ones included: as bytes that may be printed, and its columns. n is 0 for what is left out.
struct glyph {
    const unsigned char *from;
    size_t n, columns;
    uint32_t c; // '\n' and ' ' for line ends, spaces and tabs
    bool whole; // all bytes of it may be printed as they are
};

static struct glyph glyph_at(const unsigned char **p)
{
    struct glyph g = {.from = *p};
    const unsigned char *end;
    size_t marks = 0;
    g.c = next(p);
    g.n = (size_t)(*p - g.from);
    g.whole = g.c != 0xfffd;
    if (g.c == '\t' || g.c == 0x2028 || g.c == 0x2029) g.c = g.c == '\t' ? ' ' : '\n';
    if (g.c == ' ' || g.c == '\n' || unseemly(g.c)) {
        g.columns = g.c == ' ';
        if (g.c != ' ' && g.c != '\n') g.n = 0;
        return g;
    }
    int columns = wcwidth((wchar_t)g.c);
    g.columns = columns > 0 ? (size_t)columns : columns == 0 ? 0 : 1;
    for (end = *p; *end != 0;) {
        uint32_t c = next(&end);
        if (c == 0xfffd || unseemly(c) || c < 0x300 || wcwidth((wchar_t)c) != 0) break;
        if (marks++ < MARKS_MAX) g.n = (size_t)(end - g.from); // those beyond are skipped
        *p = end;
    }
    return g;
}

static void print_glyph(const struct text *t, const struct glyph *g)
{
    if (g->c == ' ') fputc(' ', t->to);
    else if (!g->whole) fputs("\xef\xbf\xbd", t->to);
    else (void)fwrite(g->from, 1, g->n, t->to);
}

size_t text_width(const char *s)
{
    size_t width = 0;
    for (const unsigned char *p = (const unsigned char *)s; *p != 0;) {
        struct glyph g = glyph_at(&p);
        width += g.c == '\n' ? 1 : g.columns;
    }
    return width;
}

size_t text_line(const struct text *t, const char *s, size_t columns)
{
    size_t at = 0, width = text_width(s), room = width > columns && columns > 0 ? columns - 1 : columns;
    for (const unsigned char *p = (const unsigned char *)s; *p != 0;) {
        struct glyph g = glyph_at(&p);
        if (g.n == 0) continue;
        if (g.c == '\n') g.c = ' ', g.columns = 1;
        if (at + g.columns > room) break;
        print_glyph(t, &g);
        at += g.columns;
    }
    if (width > columns && columns > 0) {
        fputs("\xe2\x80\xa6", t->to);
        at++;
    }
    return at;
}

void text_spaces(const struct text *t, size_t n)
{
    while (n-- > 0) fputc(' ', t->to);
}

void text_cell(const struct text *t, const char *s, size_t columns)
{
    size_t n = text_line(t, s, columns);
    text_spaces(t, n < columns ? columns - n : 0);
}

// ------------------------------------------------------------------------------------------------------------ wrapping

// The columns of the word at p, up to a space or line end.
static size_t word_width(const unsigned char *p)
{
    size_t width = 0;
    while (*p != 0) {
        struct glyph g = glyph_at(&p);
        if (g.c == ' ' || g.c == '\n') break;
        width += g.columns;
    }
    return width;
}

// Links that fit no line are not cut: whole, from the first column on, they can be copied, and terminals know them.
static bool is_link(const unsigned char *p)
{
    static const char *const schemes[] = {"https://", "http://", "whimbrel:"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (strncmp((const char *)p, schemes[i], strlen(schemes[i])) == 0) return true;
    }
    return false;
}

size_t text_wrap(const struct text *t, const char *s, size_t at, size_t indent)
{
    size_t spaces = 0;
    bool begins = true, whole = false; // a word begins; is one that is not cut
    for (const unsigned char *p = (const unsigned char *)s; *p != 0;) {
        const unsigned char *here = p;
        struct glyph g = glyph_at(&p);
        bool word = g.c != ' ' && g.c != '\n';
        if (g.n == 0) continue;
        size_t width = word && begins ? word_width(here) : g.columns;
        bool fits = t->width == SIZE_MAX || at + spaces + width <= t->width;
        // A word goes to the next line if it fits there, and else is cut where the line ends.
        if (word && begins && !fits && indent + width > t->width) fits = at + spaces + g.columns <= t->width;
        whole = word && (begins ? indent + width > t->width && is_link(here) : whole);
        if (whole && begins && at > 0) {
            fputc('\n', t->to);
            at = spaces = 0;
        } else if (g.c == '\n' || (word && !whole && !fits && at > indent)) {
            fputc('\n', t->to);
            text_spaces(t, indent);
            at = indent;
            spaces = 0;
        }
        if (g.c == ' ') spaces++;
        if (word) {
            text_spaces(t, spaces);
            print_glyph(t, &g);
            at += spaces + g.columns;
            spaces = 0;
        }
        begins = !word;
    }
    return at;
}

// ------------------------------------------------------------------------------------------------------------- colours

void text_colour(const struct text *t, enum text_colour c)
{
    // Each as far from white as from black, so that it reads on both: 4 to 1 or more.
    static const int people[] = {30, 130, 163, 28, 27, 161}, plain[] = {36, 33, 35, 32, 34, 31};
    size_t person = (size_t)(c - TEXT_PERSON) % (sizeof people / sizeof *people);
    if (!t->colours || c == TEXT_PLAIN) return;
    if (c == TEXT_DIM) fputs("\033[2m", t->to);
    else if (c == TEXT_BOLD) fputs("\033[1m", t->to);
    else if (c == TEXT_WARNING) fputs(t->many ? "\033[1;38;5;160m" : "\033[1;31m", t->to);
    else if (t->many) fprintf(t->to, "\033[38;5;%dm", people[person]);
    else fprintf(t->to, "\033[%dm", plain[person]);
}

void text_end(const struct text *t)
{
    if (t->colours) fputs("\033[0m", t->to);
}

// --------------------------------------------------------------------------------------------------------------- pages

struct text *pages_begin(struct text_pages *p)
{
    *p = (struct text_pages){.text = text_standard(), .whole = isatty(STDOUT_FILENO) == 1 && isatty(STDIN_FILENO) == 1};
    if (!p->whole) return &p->text;
    p->text.to = open_memstream(&p->memory, &p->n);
    if (p->text.to == NULL) abort();
    return &p->text;
}

static bool fits_screen(const struct text_pages *p)
{
    struct winsize w;
    size_t lines = 0;
    for (size_t i = 0; i < p->n; i++) lines += p->memory[i] == '\n';
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_row == 0 || lines < w.ws_row;
}

void pages_end(struct text_pages *p, bool from_the_end)
{
    if (!p->whole) return;
    const char *pager = getenv("PAGER");
    if (fclose(p->text.to) != 0) abort();
    FILE *to = NULL;
    if (pager == NULL || pager[0] == 0) {
        pager = from_the_end ? "less +G" : "less";
        (void)setenv("LESS", "R", 0);
        (void)setenv("LESSCHARSET", "utf-8", 0);
        (void)setenv("LESSSECURE", "1", 1); // it writes no file, and starts no editor or shell
    }
    // $PAGER is a command for a shell, here as everywhere; nothing of others' is in it. NOLINTNEXTLINE(cert-env33-c)
    if (!fits_screen(p) && system("command -v less >/dev/null 2>&1 || [ -n \"$PAGER\" ]") == 0)
        to = popen(pager, "w"); // NOLINT(cert-env33-c): likewise
    (void)fflush(stdout);
    (void)fwrite(p->memory, 1, p->n, to != NULL ? to : stdout);
    if (to != NULL) (void)pclose(to);
    (void)fflush(stdout);
    free(p->memory);
}
