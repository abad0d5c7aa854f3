// SPDX-License-Identifier: Apache-2.0
//
// UTF-8 by its table of well-formed sequences (RFC 3629 §4): the first byte says how many follow and what the second may be;
// with that overlong forms, surrogates and what lies above U+10FFFF are out.
#include "base/utf8.h"

bool utf8_ok(struct span s)
{
    for (size_t i = 0; i < s.n;) {
        uint8_t c = s.p[i++];
        if (c < 0x80) continue;
        size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
        if (c < 0xc2 || c > 0xf4 || s.n - i < more) return false;
        uint8_t low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80, high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
        if (s.p[i] < low || s.p[i] > high) return false;
        for (size_t k = 1; k < more; k++) {
            if ((s.p[i + k] & 0xc0) != 0x80) return false;
        }
        i += more;
    }
    return true;
}
