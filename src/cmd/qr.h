// SPDX-License-Identifier: Apache-2.0
//
// cmd/qr: a text as a QR code on a terminal, two modules to a character, black on white whatever the terminal's own colours are, since
// not every camera reads one that is the other way round. It scans nothing.
#ifndef WHIMBREL_CMD_QR_H
#define WHIMBREL_CMD_QR_H

#include "cmd/text.h"

enum { QR_TEXT_MAX = 2900 }; // bytes; longer texts fit no code

// Shows the code if `t` is a terminal with room for it and for `below` more lines, those that are printed with it. If there is no room, a
// line on standard error says how large the window must be. If `t` is no terminal: nothing.
void qr_show(const struct text *t, const char *text, size_t below);
// Draws it, whatever `t` is, with a margin of so many modules; a reader wants 2, and the standard 4. False if the text is too long for a
// code, or empty; then nothing is drawn.
bool qr_draw(const struct text *t, const char *text, size_t margin);

#endif
