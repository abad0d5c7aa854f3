// SPDX-License-Identifier: Apache-2.0
//
// base/base64: base64url without padding (RFC 4648 §5), for addresses and links.
#ifndef WHIMBREL_BASE_BASE64_H
#define WHIMBREL_BASE_BASE64_H

#include "base/base.h"

// Characters for n bytes, without the NUL that base64_encode puts behind them.
static inline size_t base64_size(size_t n) { return n / 3 * 4 + (n % 3 == 0 ? 0 : n % 3 + 1); }
void base64_encode(struct span bytes, char *out);
// Appends the bytes to `out`. ERR_MALFORMED for other characters, an impossible length, or bits that are left over and not zero;
// then nothing was appended.
enum err base64_decode(struct span text, struct buf *out);

#endif
