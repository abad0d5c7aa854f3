// SPDX-License-Identifier: Apache-2.0
//
// base64url. One text for each run of bytes: what decodes encodes to the same text.
#include "base/base64.h"

void base64_encode(struct span bytes, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < bytes.n; i++) {
        bits = bits << 8 | bytes.p[i];
        for (have += 8; have >= 6; have -= 6) *out++ = digits[bits >> (have - 6) & 63];
    }
    if (have > 0) *out++ = digits[bits << (6 - have) & 63];
    *out = 0;
}

static int value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

enum err base64_decode(struct span text, struct buf *out)
{
    uint32_t bits = 0;
    unsigned have = 0;
    if (text.n % 4 == 1) return ERR_MALFORMED;
    for (size_t i = 0; i < text.n; i++) {
        if (value(text.p[i]) < 0) return ERR_MALFORMED;
    }
    size_t spare = text.n * 6 % 8; // bits of the last character that stand for nothing
    if (spare > 0 && ((unsigned)value(text.p[text.n - 1]) & ((1U << spare) - 1)) != 0) return ERR_MALFORMED;
    buf_reserve(out, text.n / 4 * 3 + 2);
    for (size_t i = 0; i < text.n; i++) {
        bits = bits << 6 | (unsigned)value(text.p[i]);
        have += 6;
        if (have < 8) continue;
        have -= 8;
        buf_put_u8(out, (uint8_t)(bits >> have));
    }
    return buf_end(out);
}
