// SPDX-License-Identifier: Apache-2.0
//
// QR codes on a terminal (qr.h). A character is two modules, one above the other. With colours it is drawn black on white; without them
// the light modules are what is printed, as on a dark screen.
#include "cmd/qr.h"

#include <qrencode.h>
#include <string.h>

enum { MARGIN = 4, MARGIN_LEAST = 2 };

struct code {
    QRcode *qr;
    size_t size, margin; // modules a side, without the margin
};

static bool encode(const char *text, struct code *out)
{
    size_t n = strlen(text);
    if (n == 0 || n > QR_TEXT_MAX) return false;
    out->qr = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1);
    if (out->qr == NULL) return false;
    out->size = (size_t)out->qr->width;
    return true;
}

static size_t columns_of(const struct code *c) { return c->size + 2 * c->margin; }
static size_t lines_of(const struct code *c) { return (columns_of(c) + 1) / 2; }

// Whether the module in this row and column, counted with the margin, is dark. Behind the last row all is light.
static bool is_dark(const struct code *c, size_t row, size_t column)
{
    if (row < c->margin || column < c->margin) return false;
    size_t y = row - c->margin, x = column - c->margin;
    return y < c->size && x < c->size && (c->qr->data[y * c->size + x] & 1) != 0;
}

static void draw(const struct text *t, const struct code *c)
{
    static const char *const blocks[] = {" ", "\xe2\x96\x84", "\xe2\x96\x80",
                                         "\xe2\x96\x88"}; // none, lower, upper, both
    for (size_t row = 0; row < columns_of(c); row += 2) {
        if (t->colours) fputs("\033[38;5;16;48;5;231m", t->to);
        for (size_t column = 0; column < columns_of(c); column++) {
            bool upper = is_dark(c, row, column) == t->colours;
            bool lower = row + 1 < columns_of(c) ? is_dark(c, row + 1, column) == t->colours : false;
            fputs(blocks[2 * upper + lower], t->to);
        }
        text_end(t);
        fputc('\n', t->to);
    }
}

bool qr_draw(const struct text *t, const char *text, size_t margin)
{
    struct code c = {.margin = margin};
    if (!encode(text, &c)) return false;
    draw(t, &c);
    QRcode_free(c.qr);
    return true;
}

static void say_no_room(const struct text *t, size_t columns, size_t lines)
{
    const struct text errors = text_errors();
    char note[200];
    (void)snprintf(note, sizeof note,
                   "(A window of %zu columns and %zu lines has room for a QR code, too; this one has %zu and %zu.)",
                   columns, lines, t->width, t->height);
    (void)fflush(t->to);
    text_colour(&errors, TEXT_DIM);
    (void)text_wrap(&errors, note, 0, 0);
    text_end(&errors);
    fputc('\n', stderr);
}

void qr_show(const struct text *t, const char *text, size_t below)
{
    struct code c = {.margin = MARGIN};
    if (t->height == 0 || !encode(text, &c)) return;
    if (lines_of(&c) + below > t->height || columns_of(&c) > t->width) c.margin = MARGIN_LEAST;
    if (lines_of(&c) + below <= t->height && columns_of(&c) <= t->width) draw(t, &c);
    else say_no_room(t, columns_of(&c), lines_of(&c) + below);
    QRcode_free(c.qr);
}
