// SPDX-License-Identifier: Apache-2.0
//
// Names of files. Invariant: what is written is UTF-8 without any of what is named here, 1 to NAME_MAX_BYTES bytes
// long.
#include "transfer/name.h"

#include "base/utf8.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

enum { ENDING_MAX = 16, CHARACTER_MAX = 4 };

// Bytes of the character that begins here; 0 if none does.
static size_t character(struct span s, uint32_t *c)
{
    for (size_t n = 1; n <= CHARACTER_MAX && n <= s.n; n++) {
        if (!utf8_ok(span_of(s.p, n))) continue;
        *c = n == 1 ? s.p[0] : (uint32_t)(s.p[0] & (0x7f >> n));
        for (size_t i = 1; i < n; i++) *c = *c << 6 | (s.p[i] & 0x3f);
        return n;
    }
    return 0;
}

// Controls; what turns the direction of text, or breaks or joins lines; what nobody sees; tags (Unicode, general
// categories Cc and Cf).
static bool is_hidden(uint32_t c)
{
    static const struct {
        uint32_t from, to;
    } hidden[] = {{0, 0x1f},        {0x7f, 0x9f},       {0xad, 0xad},       {0x34f, 0x34f},    {0x61c, 0x61c},
                  {0x115f, 0x1160}, {0x17b4, 0x17b5},   {0x180b, 0x180f},   {0x200b, 0x200f},  {0x2028, 0x202e},
                  {0x2060, 0x206f}, {0x3164, 0x3164},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},  {0xffa0, 0xffa0},
                  {0xfff0, 0xffff}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff}};
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) {
        if (c >= hidden[i].from && c <= hidden[i].to) return true;
    }
    return false;
}

static bool is_barred(uint32_t c) { return c < 0x80 && strchr("/\\:*?\"<>|", (int)c) != NULL; }

// Names that mean devices on Windows, whatever their ending.
static bool is_device(const char *name, size_t n)
{
    static const char *const devices[] = {"con", "prn", "aux", "nul", "conin$", "conout$"};
    const char *dot = memchr(name, '.', n);
    if (dot != NULL) n = (size_t)(dot - name);
    while (n > 0 && name[n - 1] == ' ') n--;
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        if (n == strlen(devices[i]) && strncasecmp(name, devices[i], n) == 0) return true;
    }
    return n == 4 && isdigit((unsigned char)name[3]) &&
           (strncasecmp(name, "com", 3) == 0 || strncasecmp(name, "lpt", 3) == 0);
}

// Where the ending begins, its dot included; n if there is none.
static size_t ending(const char *s, size_t n)
{
    for (size_t i = n; i-- > 1 && n - i <= ENDING_MAX;) {
        if (s[i] == '.') return i;
    }
    return n;
}

// The most of these bytes that are whole characters.
static size_t whole(const char *s, size_t n)
{
    while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80) n--;
    return n;
}

static bool is_edge(char c) { return c == '.' || c == ' '; }

void name_clean(struct span said, char out[NAME_MAX_BYTES + 1])
{
    char text[4 * NAME_MAX_BYTES + CHARACTER_MAX + 1]; // what is longer is cut somewhere anyway
    size_t n = 0, first = 0;
    uint32_t c = 0;
    for (size_t i = 0; i < said.n && n < 4 * (size_t)NAME_MAX_BYTES;) {
        size_t k = character(span_of(said.p + i, said.n - i), &c);
        bool bad = k == 0 || is_barred(c);
        if (bad) text[n++] = '_';
        else if (!is_hidden(c)) n += (memcpy(text + n, said.p + i, k), k);
        i += k == 0 ? 1 : k;
    }
    while (first < n && is_edge(text[first])) first++;
    while (n > first && is_edge(text[n - 1])) n--;
    text[n] = 0;
    const char *s = text + first;
    n -= first;
    size_t room = NAME_MAX_BYTES - (is_device(s, n) ? 1 : 0), dot = ending(s, n), tail = n - dot;
    size_t front = n <= room ? dot : whole(s, room - tail < dot ? room - tail : dot);
    while (front > 0 && tail == 0 && is_edge(s[front - 1])) front--; // where it was cut
    (void)snprintf(out, NAME_MAX_BYTES + 1, "%s%.*s%.*s", is_device(s, n) ? "_" : "", (int)front, s, (int)tail,
                   s + dot);
    if (out[0] == 0) (void)snprintf(out, NAME_MAX_BYTES + 1, "file");
}
