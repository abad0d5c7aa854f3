// SPDX-License-Identifier: Apache-2.0
//
// Ranges, types and names. Invariant: a type that is given out is one of the list below, and nothing of a name can end the header that it
// stands in.
#include "web/part.h"

#include <strings.h>

const char *part_shown(struct span type)
{
    static const char *const shown[] = {"image/jpeg", "image/png",  "image/gif", "image/webp",
                                        "image/avif", "audio/mpeg", "audio/ogg", "audio/mp4",
                                        "audio/aac",  "audio/flac", "audio/wav", "audio/webm",
                                        "video/mp4",  "video/webm", "video/ogg", "video/quicktime"};
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        if (span_eq(type, span_str(shown[i]))) return shown[i];
    }
    return NULL;
}

static void put(struct buf *b, const char *s) { buf_put(b, span_str(s)); }

void part_disposition(const char *name, bool shown, struct buf *out)
{
    static const char hex[] = "0123456789ABCDEF";
    put(out, shown ? "inline; filename=\"" : "attachment; filename=\"");
    for (const char *p = name; *p != 0; p++) {
        unsigned char c = (unsigned char)*p;
        buf_put_u8(out, c < 0x20 || c > 0x7e || c == '"' || c == '\\' || c == '%' ? '_' : c);
    }
    put(out, "\"; filename*=UTF-8''");
    for (const char *p = name; *p != 0; p++) {
        unsigned char c = (unsigned char)*p;
        bool plain =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strchr("-._~", c) != NULL;
        if (plain) buf_put_u8(out, c);
        else {
            buf_put_u8(out, '%');
            buf_put_u8(out, (uint8_t)hex[c >> 4]);
            buf_put_u8(out, (uint8_t)hex[c & 15]);
        }
    }
}

// Digits off the front; false if there are none, or too many.
static bool number(struct span *s, uint64_t *out)
{
    size_t n = 0;
    *out = 0;
    while (n < s->n && n < 18 && s->p[n] >= '0' && s->p[n] <= '9') *out = *out * 10 + (s->p[n++] - '0');
    if (n == 0 || (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')) return false;
    *s = span_of(s->p + n, s->n - n);
    return true;
}

bool part_number(struct span text, const char *prefix, uint64_t *out)
{
    size_t n = strlen(prefix);
    *out = 0;
    if (text.n < n || memcmp(text.p, prefix, n) != 0) return false;
    struct span rest = span_of(text.p + n, text.n - n);
    return number(&rest, out) && rest.n == 0;
}

enum part part_range(struct span value, uint64_t size, uint64_t *from, uint64_t *end)
{
    static const char unit[] = "bytes=";
    uint64_t a = 0, b = 0;
    *from = 0;
    *end = size;
    if (value.n <= sizeof unit - 1 || strncasecmp((const char *)value.p, unit, sizeof unit - 1) != 0) return PART_WHOLE;
    struct span s = span_of(value.p + sizeof unit - 1, value.n - (sizeof unit - 1));
    bool first = number(&s, &a);
    if (s.n == 0 || s.p[0] != '-') return PART_WHOLE;
    s = span_of(s.p + 1, s.n - 1);
    bool last = s.n > 0 && number(&s, &b);
    if (s.n > 0 || (!first && !last) || (first && last && b < a)) return PART_WHOLE;
    if (!first) a = b < size ? size - b : 0; // so many at the end
    if (a >= size || (!first && b == 0)) return PART_NONE;
    *from = a;
    *end = first && last && b < size ? b + 1 : size;
    return PART_SOME;
}
