// SPDX-License-Identifier: Apache-2.0
//
// cmd/text: text on a terminal: how many columns it takes, cut or wrapped to a width, in colours if there are any. What others have
// written comes out without what could move a cursor, change a colour, turn the direction of a line, or pile up marks; so nothing
// of theirs is printed in any other way.
#ifndef WHIMBREL_CMD_TEXT_H
#define WHIMBREL_CMD_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum text_colour {
    TEXT_PLAIN,
    TEXT_DIM,
    TEXT_BOLD,
    TEXT_WARNING,
    TEXT_PERSON
}; // TEXT_PERSON + n: the colour of person n

struct text {
    FILE *to;
    size_t width;  // columns; SIZE_MAX: lines are not wrapped
    size_t height; // lines; 0: it is no terminal
    bool colours;
    bool many; // 256 of them
};

// Standard output, as wide as its terminal, or as COLUMNS says, or without end. Colours only on a terminal that has them, and not if NO_COLOR
// is set.
struct text text_standard(void);
// The same of standard error.
struct text text_errors(void);

// The columns that a line of text takes. Line ends count as a space.
size_t text_width(const char *s);
// One line of at most `columns`, with an ellipsis where something was left out. Returns its columns.
size_t text_line(const struct text *t, const char *s, size_t columns);
// The same, filled up with spaces.
void text_cell(const struct text *t, const char *s, size_t columns);
// Text of any number of lines, the first beginning at column `at`, the others below, at column `indent`. Returns the column behind it.
size_t text_wrap(const struct text *t, const char *s, size_t at, size_t indent);

void text_colour(const struct text *t, enum text_colour c);
void text_end(const struct text *t); // of the colour
void text_spaces(const struct text *t, size_t n);

// Text printed between these is shown by $PAGER if it does not fit the terminal. `begin` returns where to print.
struct text_pages {
    struct text text;
    char *memory;
    size_t n;
    bool whole; // a terminal: hold back and look
};
struct text *pages_begin(struct text_pages *p);
void pages_end(struct text_pages *p, bool from_the_end);

#endif
